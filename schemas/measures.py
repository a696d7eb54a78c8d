"""Measure statements: which child-protection measure runs over whom, from when to when, and who carries it out.

A `measure+jwt` names a child by the hub's pseudonym and no person besides. It names the court, the day of the decision
and a digest that stands for its case number: the number stays in the issuer's file, in a disclosure as in RFC 9901, and
is shown on demand. A statement is never changed: a later one of the same issuer replaces it.

    statement = verify_measure(token, key=…)

Here is the form only. Who may state what, and what follows from several statements, is `consent.measures`.

Source: the architecture, sections 4 and 5.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from schemas.canonical import canonical_json
from schemas.claims import DIGEST, ClaimsReader, read_date
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.identifiers import OIN, HubName, MessageId, SubjectTag
from schemas.jwk import VerificationKey
from schemas.jws import verify_jws
from schemas.requests import stated

_COURT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_MEMBERS: Final = (
    "iss",
    "jti",
    "iat",
    "hub",
    "tag",
    "type",
    "from",
    "until",
    "executor",
    "court",
    "decided",
    "case_number",
    "replaces",
    "confirms",
    "annulled",
)


class MeasureType(StrEnum):
    """The measures that grounds know: supervision and guardianship, each also provisional."""

    OTS = "ots"
    PROVISIONAL_OTS = "voorlopige-ots"
    VOOGDIJ = "voogdij"
    PROVISIONAL_VOOGDIJ = "voorlopige-voogdij"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureStatement:
    """The claims of a `measure+jwt`.

    Attributes:
        issuer: Who states it: the Raad, the executing GI, or the GI that carried it out before.
        id: Unique; what later statements refer to.
        issued_at: Seconds since the epoch.
        hub: The hub in whose tag space the child stands.
        tag: The child.
        type: Which measure.
        valid_from: First day.
        valid_until: Last day; None for a guardianship without an end.
        executor: The GI that carries it out.
        court: Code of the court.
        decided: Day of the court's decision.
        case_number: Digest of the disclosure of the court's case number.
        replaces: An earlier statement of the same issuer that this one corrects, ends or extends; None for a first.
        confirms: Another issuer's statement about the same measure that this one confirms; None if it stands alone.
        annulled: Whether the replaced statement was wrong as a whole: nothing of it remains.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    tag: SubjectTag
    type: MeasureType
    valid_from: date
    valid_until: date | None
    executor: OIN
    court: str
    decided: date
    case_number: str
    replaces: MessageId | None = None
    confirms: MessageId | None = None
    annulled: bool = False


def measure_to_payload(statement: MeasureStatement) -> bytes:
    """Write the claims of a measure statement as the canonical bytes to sign."""
    case_number: list[JSONValue] = [{"...": statement.case_number}]
    return canonical_json(
        {
            **stated(statement),
            "tag": statement.tag.value,
            "type": statement.type.value,
            "from": statement.valid_from.isoformat(),
            "until": statement.valid_until.isoformat() if statement.valid_until else None,
            "executor": statement.executor.value,
            "court": statement.court,
            "decided": statement.decided.isoformat(),
            "case_number": case_number,
            "replaces": statement.replaces.value if statement.replaces else None,
            "confirms": statement.confirms.value if statement.confirms else None,
            "annulled": statement.annulled,
        }
    )


def parse_measure(payload: bytes) -> MeasureStatement:
    """Read the claims of a measure statement.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, or members that contradict each
            other; every finding is listed.
    """
    reader = ClaimsReader(payload, code="sender.measure.form", members=_MEMBERS)
    digests = [
        digest.text("...", DIGEST) for digest in reader.objects("case_number", members=("...",), at_least=1, at_most=1)
    ]
    statement = MeasureStatement(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        tag=reader.convert("tag", SubjectTag),
        type=reader.convert("type", MeasureType),
        valid_from=reader.convert("from", read_date),
        valid_until=reader.optional("until", read_date),
        executor=reader.convert("executor", OIN),
        court=reader.text("court", _COURT),
        decided=reader.convert("decided", read_date),
        case_number=digests[0] if digests else "",
        replaces=reader.optional("replaces", MessageId),
        confirms=reader.optional("confirms", MessageId),
        annulled=reader.flag("annulled"),
    )
    reader.finish("the measure statement does not have its form")
    _check_whole(reader, statement)
    reader.finish("the measure statement contradicts itself")
    return statement


def verify_measure(token: str, *, key: VerificationKey) -> MeasureStatement:
    """Verify with its issuer's key what is stated about a measure.

    Nothing is checked about whose key it is, or whether its holder may state this.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Another type or key, or the signature does not hold.
    """
    return parse_measure(verify_jws(token, typ=TokenType.MEASURE, key=key).payload)


def _check_whole(reader: ClaimsReader, statement: MeasureStatement) -> None:
    if statement.valid_until is None and statement.type is not MeasureType.VOOGDIJ:
        reader.wrong("until", "only a guardianship runs without a last day")
    if statement.valid_until is not None and statement.valid_until < statement.valid_from:
        reader.wrong("until", "lies before `from`")
    if statement.annulled and statement.replaces is None:
        reader.wrong("annulled", "annuls a statement that it does not name in `replaces`")
    for name, named in (("replaces", statement.replaces), ("confirms", statement.confirms)):
        if named == statement.id:
            reader.wrong(name, "a statement cannot refer to itself")
    if statement.replaces is not None and statement.replaces == statement.confirms:
        reader.wrong("confirms", "nobody confirms what it replaces")
