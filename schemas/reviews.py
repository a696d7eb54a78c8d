"""Reviews: somebody looked at what the hub asks people to look at, and says what came of it.

A `review+jwt` closes one item of the review list: a message with a mark (it was an emergency, or nobody asked for it),
or a statement that only the executing institution made, or that another contradicts. It holds codes only; what was
found stands in the reviewer's own file.

    parse_review(verify_jws(token, typ=TokenType.REVIEW, key=…).payload)

Here is the form only. Who may close what is the hub's to check.

Source: the architecture, section 6 (`REVIEW`); the domain page, section 5.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.canonical import canonical_json
from schemas.claims import ClaimsReader
from schemas.identifiers import OIN, HubName, MessageId
from schemas.requests import stated

_MARK: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


class Finding(StrEnum):
    """What came of a review."""

    JUSTIFIED = "terecht"
    UNJUSTIFIED = "onterecht"
    SOLVED = "opgelost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClaims:
    """The claims of a `review+jwt`.

    Attributes:
        issuer: Who looked at it: a supervisor, or a party.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub whose list it is on.
        about: The message or record.
        mark: Why it is on the list.
        finding: What came of it.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    about: MessageId
    mark: str
    finding: Finding


def review_to_payload(claims: ReviewClaims) -> bytes:
    """Write the claims of a review as the canonical bytes to sign."""
    return canonical_json(
        {**stated(claims), "about": claims.about.value, "mark": claims.mark, "finding": claims.finding.value}
    )


def parse_review(payload: bytes) -> ReviewClaims:
    """Read the claims of a review.

    Raises:
        DocumentError: Not canonical, or a member that is missing, unknown or of the wrong form; all are listed.
    """
    reader = ClaimsReader(
        payload, code="sender.review.form", members=("iss", "jti", "iat", "hub", "about", "mark", "finding")
    )
    claims = ReviewClaims(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        about=reader.convert("about", MessageId),
        mark=reader.text("mark", _MARK),
        finding=reader.convert("finding", Finding),
    )
    reader.finish("the review does not have its form")
    return claims
