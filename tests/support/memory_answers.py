"""What the memory hub answers beyond a message itself: why one is refused, and what a sender told about its people."""

from collections.abc import Iterable
from typing import Protocol

from connectors.sdk.answers import Denial, SentRecord, SentRecords
from schemas.canonical import b64url
from schemas.document import JSONValue
from schemas.message import Message
from schemas.sdjwt import parse_disclosure
from schemas.wire import Submission
from tests.support.log_files import MemoryLog


class Told(Protocol):
    """A message as the memory hub has it."""

    message: Message
    submission: Submission
    index: int
    shown: tuple[str, bytes]
    disclosure: tuple[int, tuple[str, bytes]] | None


def problem_of(denied: Denial) -> dict[str, JSONValue]:
    """The problem by which a recipient hears that nothing of a message may go."""
    issues: list[JSONValue] = [
        {"pointer": "", "code": each.code, "text": each.text, "text_nl": each.text_nl} for each in denied.reasons
    ]
    return {"code": "recipient.decision.denied", "detail": "nothing may go", "issues": issues}


def records_about(messages: Iterable[Told], asked: Told, *, log: MemoryLog, after: int) -> SentRecords:
    """What the sender of a message told anybody about any of its people."""
    people = _people(asked)
    own = [each for each in messages if each.message.sender == asked.message.sender and _people(each) & people]
    said = [(each.index, each.shown) for each in own]
    said += [each.disclosure for each in own if each.disclosure is not None]
    records = tuple(
        SentRecord(index=index, entry=log.texts[index].decode(), shown=text, shown_salt=b64url(salt))
        for index, (text, salt) in sorted(said)
        if index > after
    )
    return SentRecords(records=records, next=records[-1].index if records else after)


def _people(told: Told) -> frozenset[str]:
    return frozenset(str(parse_disclosure(text).value) for text in told.submission.tags)
