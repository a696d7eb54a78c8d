"""Links: two pseudonyms are of one person.

A person without a number (unborn, or no resident) gets a random pseudonym when first named. When the number becomes
known, a `link+jwt` joins that pseudonym and the one that the chain key makes of the number, so that consents, measures
and the accounting of one follow the other, both ways.

    link = verify_link(token, key=…)

Here is the form only. Whose key signed, and whether the issuer has anything to do with the person, is the hub's to
check: it has if it sent or received a message about the random pseudonym.

Source: the architecture, section 3.
"""

from dataclasses import dataclass

from schemas.canonical import canonical_json
from schemas.claims import ClaimsReader
from schemas.codes import TokenType
from schemas.identifiers import OIN, HubName, MessageId, SubjectTag
from schemas.jwk import VerificationKey
from schemas.jws import verify_jws
from schemas.requests import stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The claims of a `link+jwt`.

    Attributes:
        issuer: Who says that they are one person.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub in whose tag space both stand.
        random: The pseudonym that was drawn.
        known: The pseudonym made of the number.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    random: SubjectTag
    known: SubjectTag


def link_to_payload(link: Link) -> bytes:
    """Write the claims of a link as the canonical bytes to sign."""
    return canonical_json({**stated(link), "random": link.random.value, "known": link.known.value})


def parse_link(payload: bytes) -> Link:
    """Read the claims of a link.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, or a pseudonym linked to itself;
            every finding is listed.
    """
    reader = ClaimsReader(payload, code="sender.link.form", members=("iss", "jti", "iat", "hub", "random", "known"))
    link = Link(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        random=reader.convert("random", SubjectTag),
        known=reader.convert("known", SubjectTag),
    )
    if reader.raw("random") == reader.raw("known"):
        reader.wrong("known", "the same pseudonym as `random`")
    reader.finish("the link does not have its form")
    return link


def verify_link(token: str, *, key: VerificationKey) -> Link:
    """Verify with its issuer's key who says that two pseudonyms are of one person.

    Nothing is checked about whose key it is.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Another type or key, or the signature does not hold.
    """
    return parse_link(verify_jws(token, typ=TokenType.LINK, key=key).payload)
