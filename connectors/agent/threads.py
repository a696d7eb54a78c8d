"""Which earlier message a document answers or follows, and the pseudonyms of the case.

A notification names the case number of the organisation that asked. The message received under that number gives case,
`reply_to`, pseudonyms and recipient; where none is found a new case begins and the document's own receiver counts. A
document that names the message which it answers by its id answers that one. A further document under one's own case
number keeps the case with that recipient, and a correction goes the way of what it corrects.

A message answers what its type answers, until the last reply has gone: by its id it is refused then, and under a case
number it is news in that case that answers nothing.

Source: the architecture, section 4, "Threads in StUF", and section 3 for random pseudonyms.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.agent.journal import Journal, milliseconds
from connectors.sdk.addresses import Destination
from connectors.sdk.envelope import NO_THREAD, Thread, person_key
from consent.request import NO_FACTS, Facts, Route, question_fact, reply_fact
from schemas.codes import Capacity, Category, SubjectRole
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem, DocumentSubject
from schemas.errors import DocumentError, Issue
from schemas.fhir import claimed_correction, is_last_reply
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag
from schemas.message import Message
from schemas.message_claims import asks_to_json
from schemas.replies import ANSWERED, NO_ANSWER


class Direction(StrEnum):
    """Whether a message came or went."""

    SENT = "sent"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """For whom a document is, and what an earlier message gives to it.

    Attributes:
        recipient: The participant.
        thread: What the earlier message gives.
        capacity: In which capacity the recipient acted in the message that is answered; None if nothing is.
    """

    recipient: OIN
    thread: Thread
    capacity: Capacity | None = None


def address(
    document: Document,
    *,
    journal: Journal,
    definitions: Definitions,
    own: OIN,
    destination: Destination | None,
    unknown: DocumentError | None,
) -> Addressed:
    """Find recipient and thread of a document.

    Args:
        document: What the native file says.
        journal: Where earlier messages stand.
        definitions: What answers what.
        own: Our OIN.
        destination: The document's receiver, where the address book knows it.
        unknown: The error of the address book, where it does not.

    Raises:
        DocumentError: The receiver is unknown and no earlier message gives it, or several do; or the document answers
            or corrects by its id a message that this connector did not receive or send, or answers by its id one that
            it does not answer or that is answered.
    """
    if document.reply_to is not None:
        named = _named(document.reply_to, Direction.RECEIVED, journal=journal)
        why_not = _why_no_reply(document, named, journal=journal, definitions=definitions)
        if why_not is not None:
            raise DocumentError(why_not.text, issues=[why_not])
        return _reply(document, named, journal=journal, own=own)
    corrects = claimed_correction(document.items)
    if corrects is not None:
        return _in_case_of(document, _named(corrects.message, Direction.SENT, journal=journal), journal=journal)
    if document.thread is not None:
        found = _received_under(document.thread, journal=journal, destination=destination)
        for row in found:
            if _why_no_reply(document, row, journal=journal, definitions=definitions) is None:
                return _reply(document, row, journal=journal, own=own)
        if found:
            return _in_case_of(document, found[0], journal=journal)
    if destination is None:
        assert unknown is not None, "the address book finds, or says why not"
        raise unknown
    return _to(destination, document, journal=journal)


def _to(destination: Destination, document: Document, *, journal: Journal) -> Addressed:
    """Go to the receiver that a document names: in the case of what went to it under the same case number, or a new."""
    sent = None
    if document.case_reference is not None:
        sent = journal.row(
            "SELECT * FROM threads WHERE direction = ? AND number = ? AND other = ? ORDER BY at DESC LIMIT 1",
            Direction.SENT,
            document.case_reference,
            destination.oin.value,
        )
    if sent is None:
        return Addressed(recipient=destination.oin, thread=NO_THREAD)
    case = CaseId(sent["case_id"])
    tags = _tags(document.subjects, case=case, journal=journal)
    return Addressed(recipient=destination.oin, thread=Thread(case=case, tags=tags))


def _named(message: MessageId, direction: Direction, *, journal: Journal) -> sqlite3.Row:
    """Find a message that a document names by its id.

    Raises:
        DocumentError: It did not come, or did not go, through this connector.
    """
    row = journal.row("SELECT * FROM threads WHERE message = ? AND direction = ?", message.value, direction)
    if row is None:
        code = "sender.thread.unknown"
        text = "the message that it answers or corrects did not pass through this connector"
        text_nl = "het bericht dat wordt beantwoord of gecorrigeerd, is niet via deze connector gegaan"
        raise DocumentError(text, code=code, issues=[Issue(pointer="/thread", code=code, text=text, text_nl=text_nl)])
    return row


def _why_no_reply(document: Document, row: sqlite3.Row, *, journal: Journal, definitions: Definitions) -> Issue | None:
    """Say why a document does not answer an earlier message: its type does not, or our last reply went already.

    A reply that nobody has, because it was refused, taken back or not collected, is none.
    """
    kind = definitions.message_types.get(document.type)
    if kind is None or row["type"] not in kind.answers:
        return NO_ANSWER
    last = journal.row(
        "SELECT 1 FROM threads AS reply JOIN submissions ON submissions.id = reply.message WHERE reply.reply_to = ?"
        " AND reply.last_reply AND submissions.state IN ('prepared', 'waiting', 'released', 'received')",
        row["message"],
    )
    return None if last is None else ANSWERED


def _in_case_of(document: Document, row: sqlite3.Row, *, journal: Journal) -> Addressed:
    """Go the way of an earlier message, in its case, and answer nothing."""
    case = CaseId(row["case_id"])
    thread = Thread(case=case, tags=_tags(document.subjects, case=case, journal=journal))
    return Addressed(recipient=OIN(row["other"]), thread=thread, capacity=_capacity(row))


def _capacity(row: sqlite3.Row) -> Capacity | None:
    return None if row["capacity"] is None else Capacity(row["capacity"])


def _received_under(number: str, *, journal: Journal, destination: Destination | None) -> list[sqlite3.Row]:
    """Find what came under a case number, newest first.

    Raises:
        DocumentError: It came from several organisations.
    """
    rows = journal.rows(
        "SELECT * FROM threads WHERE direction = ? AND number = ? ORDER BY at DESC", Direction.RECEIVED, number
    )
    if destination is not None:
        rows = [row for row in rows if row["other"] == destination.oin.value]
    if len({row["other"] for row in rows}) > 1:
        code = "sender.thread.ambiguous"
        text = "several organisations asked under this case number, and the receiver does not say which"
        text_nl = "meer organisaties vroegen onder dit zaaknummer, en de ontvanger zegt niet welke"
        raise DocumentError(text, code=code, issues=[Issue(pointer="/thread", code=code, text=text, text_nl=text_nl)])
    return rows


def _reply(document: Document, row: sqlite3.Row, *, journal: Journal, own: OIN) -> Addressed:
    case, other = CaseId(row["case_id"]), OIN(row["other"])
    fact = reply_fact(
        Route(sender=own, recipient=other, case=case),
        answered=Route(sender=other, recipient=own, case=case),
        message_type=row["type"],
    )
    asked = frozenset(map(Category, json.loads(row["asks"])["categories"])) if row["asks"] else frozenset()
    thread = Thread(
        case=case,
        reply_to=MessageId(row["message"]),
        reply_facts=Facts(reply=fact, question=question_fact(fact, asked=asked)) if fact else NO_FACTS,
        reply_purpose=row["purpose"],
        tags=_tags(document.subjects, case=case, journal=journal),
    )
    return Addressed(recipient=other, thread=thread, capacity=_capacity(row))


def _tags(subjects: Sequence[DocumentSubject], *, case: CaseId, journal: Journal) -> dict[str, SubjectTag]:
    """Find the random pseudonyms of a case for these persons.

    The two systems may know the same child by different keys. Where the case knows one person of a role without a
    number, and the document has one, they are the same.
    """
    rows = journal.rows("SELECT person, role, tag FROM tags WHERE case_id = ?", case.value)
    known = {row["person"]: SubjectTag(row["tag"]) for row in rows}
    found: dict[str, SubjectTag] = {}
    for subject in subjects:
        key = person_key(subject)
        if key is None:
            continue
        of_role = {row["tag"] for row in rows if row["role"] == subject.role}
        alone = [each for each in subjects if each.role is subject.role and person_key(each) is not None]
        if key in known:
            found[key] = known[key]
        elif len(of_role) == 1 and len(alone) == 1:
            found[key] = SubjectTag(of_role.pop())
    return found


def was_answered_before(message: Message, *, journal: Journal) -> bool:
    """Whether the last reply to what a received message answers was received before."""
    if message.reply_to is None:
        return False
    earlier = journal.row(
        "SELECT 1 FROM threads WHERE reply_to = ? AND direction = ? AND other = ? AND last_reply AND message <> ?",
        message.reply_to.value,
        Direction.RECEIVED,
        message.sender.value,
        message.id.value,
    )
    return earlier is not None


def is_last(message: Message, items: Iterable[DocumentItem], *, journal: Journal, definitions: Definitions) -> bool:
    """Whether no further reply is awaited after a message to the one that it answers; so too where that is not known.

    Args:
        message: The reply.
        items: What it says.
        journal: Where the message stands that it answers.
        definitions: Which reply is the last.
    """
    if message.reply_to is None:
        return True
    row = journal.row("SELECT type FROM threads WHERE message = ?", message.reply_to.value)
    answered = None if row is None else definitions.message_types.get(row["type"])
    return answered is None or is_last_reply(items, answered=answered)


def remember_thread(
    db: sqlite3.Connection,
    message: Message,
    *,
    direction: Direction,
    number: str | None,
    tags: Mapping[str, tuple[SubjectRole, SubjectTag]],
    last_reply: bool,
    at: datetime,
) -> None:
    """Remember a message for what may answer or follow it, within a step.

    Args:
        db: The step's connection.
        message: Its claims.
        direction: Whether it came or went.
        number: The native case number under which replies come.
        tags: Role and random pseudonym of the persons without a number, by local key.
        last_reply: Whether no further reply is awaited to what it answers.
        at: Now.
    """
    sent = direction is Direction.SENT
    asks = asks_to_json(message.asks)
    db.execute(
        "INSERT INTO threads"
        " (message, direction, other, type, case_id, number, at, purpose, capacity, reply_to, asks, last_reply)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message) DO NOTHING",
        (
            message.id.value,
            direction,
            (message.recipient.oin if sent else message.sender).value,
            message.type,
            message.case.value,
            number,
            milliseconds(at),
            message.recipient.purpose,
            message.recipient.capacity if sent else message.capacity,
            message.reply_to.value if message.reply_to else None,
            None if asks is None else json.dumps(asks),
            last_reply,
        ),
    )
    for person, (role, tag) in tags.items():
        db.execute(
            "INSERT INTO tags (case_id, person, role, tag) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (case_id, person) DO UPDATE SET tag = excluded.tag",
            (message.case.value, person, role, tag.value),
        )
