"""The hub's answer to a submission: a message counts as sent only when this verifies.

1. the SUBMISSION entry is in the log, at the index that the answer names
2. it is about this message: id, sender, recipient, purpose, digest
3. what is said to be permitted and withheld is what the entry commits to, and is every label of the message
4. our directory knows the PARTICIPANT entry that it names as the newest: the log hides none from us

Source: the architecture, section 7, `POST /v1/messages`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Row

from audit.records import token_digest
from connectors.agent.services import Services
from connectors.sdk.answers import SubmissionAnswer
from connectors.sdk.projection import Withheld
from connectors.sdk.proving import prove_entry, prove_shown
from schemas.canonical import b64url_decode
from schemas.codes import EntryKind, TokenType
from schemas.errors import DocumentError, EvidenceError, SignatureError
from schemas.jws import parse_jws
from schemas.message import Message, labels, parse_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a verified answer says.

    Attributes:
        index: Place of the SUBMISSION entry.
        ground: Code of the ground.
        permitted: Labels that the recipient may have.
        withheld: Labels that the hub withholds.
        marks: What a permit asks to be looked at.
        catalogue: Digest of the catalogue by which the hub decided.
        version: Its version, for people.
    """

    index: int
    ground: str
    permitted: Sequence[str]
    withheld: Sequence[Withheld]
    marks: Sequence[str]
    catalogue: str
    version: str


def message_of(row: Row) -> Message:
    """Read the claims of a submission in the journal."""
    return parse_message(parse_jws(row["message"], typ=TokenType.MESSAGE).payload)


async def check_answer(services: Services, row: Row, answer: SubmissionAnswer) -> Checked:
    """Check the answer to a submission.

    Args:
        services: For the pinned log key and the directory.
        row: The submission in the journal.
        answer: What the hub said.

    Raises:
        EvidenceError: Something of it does not hold.
        UnavailableError: The hub was not reached for what the check needs.
    """
    message = message_of(row)
    try:
        # 1.
        proven = prove_entry(entry=answer.entry, tlog_proof=answer.tlog_proof, log=services.log)
        # 2.
        entry = proven.entry
        said = (entry.kind, proven.index, entry.id, entry.sender, entry.recipient, entry.purpose, entry.message)
        meant = (
            EntryKind.SUBMISSION,
            answer.index,
            message.id.value,
            message.sender,
            message.recipient.oin,
            message.recipient.purpose,
            token_digest(row["message"]),
        )
        if said != meant:
            raise EvidenceError("the entry is about another message", code="hub.entry.message")
        # 3.
        shown = prove_shown(
            shown=answer.shown, salt=b64url_decode(answer.shown_salt), entry=entry, kind=EntryKind.SUBMISSION
        )
    except (DocumentError, SignatureError) as error:
        raise EvidenceError("the hub's proof does not hold", code=error.code, detail=error.public_message) from error
    every = {label.text for label in labels(message)}
    told = [*shown.permitted, *(each.label for each in shown.withheld)]
    if len(told) != len(every) or set(told) != every:
        raise EvidenceError("what is shown are not the labels of the message", code="hub.shown.labels")
    # 4.
    await services.directory.cover(entry.participants, hub=services.hub, at=services.clock.now())
    services.directory.saw(proven.checkpoint)
    return Checked(
        index=proven.index,
        ground=shown.ground,
        permitted=shown.permitted,
        withheld=[Withheld(label=each.label, reasons=each.reasons) for each in shown.withheld],
        marks=shown.marks,
        catalogue=shown.catalogue,
        version=answer.catalogue.version if answer.catalogue.digest == shown.catalogue else "",
    )
