"""Which earlier message a document answers or follows, and the pseudonyms of the case.

A notification names the case number of the organisation that asked. The message received under that number gives case,
`reply_to`, pseudonyms and recipient; where none is found a new case begins and the document's own receiver counts. A
document that names the message which it answers by its id answers that one. A further document under one's own case
number keeps the case with that recipient, and a correction goes the way of what it corrects.

Source: the architecture, section 4, "Threads in StUF", and section 3 for random pseudonyms.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.agent.journal import Journal, milliseconds
from connectors.sdk.addresses import Destination
from connectors.sdk.envelope import NO_THREAD, Thread, person_key
from consent.request import NO_FACTS, Facts, Route, question_fact, reply_fact
from schemas.codes import Capacity, Category, SubjectRole
from schemas.document import Document, DocumentSubject
from schemas.errors import DocumentError, Issue
from schemas.fhir import claimed_correction
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag
from schemas.message import Message
from schemas.message_claims import asks_to_json


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
    document: Document, *, journal: Journal, own: OIN, destination: Destination | None, unknown: DocumentError | None
) -> Addressed:
    """Find recipient and thread of a document.

    Args:
        document: What the native file says.
        journal: Where earlier messages stand.
        own: Our OIN.
        destination: The document's receiver, where the address book knows it.
        unknown: The error of the address book, where it does not.

    Raises:
        DocumentError: The receiver is unknown and no earlier message gives it, or several do; or the document answers
            or corrects by its id a message that this connector did not receive or send.
    """
    if document.reply_to is not None:
        return _reply(
            document, _named(document.reply_to, Direction.RECEIVED, journal=journal), journal=journal, own=own
        )
    corrects = claimed_correction(document.items)
    if corrects is not None:
        return _correction(document, _named(corrects.message, Direction.SENT, journal=journal), journal=journal)
    if document.thread is not None:
        found = _received_under(document.thread, journal=journal, destination=destination)
        if found is not None:
            return _reply(document, found, journal=journal, own=own)
    if destination is None:
        assert unknown is not None, "the address book finds, or says why not"
        raise unknown
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


def _correction(document: Document, row: sqlite3.Row, *, journal: Journal) -> Addressed:
    case = CaseId(row["case_id"])
    thread = Thread(case=case, tags=_tags(document.subjects, case=case, journal=journal))
    return Addressed(recipient=OIN(row["other"]), thread=thread, capacity=_capacity(row))


def _capacity(row: sqlite3.Row) -> Capacity | None:
    return None if row["capacity"] is None else Capacity(row["capacity"])


def _received_under(number: str, *, journal: Journal, destination: Destination | None) -> sqlite3.Row | None:
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
    return rows[0] if rows else None


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


def remember_thread(
    db: sqlite3.Connection,
    message: Message,
    *,
    direction: Direction,
    number: str | None,
    tags: Mapping[str, tuple[SubjectRole, SubjectTag]],
    at: datetime,
) -> None:
    """Remember a message for what may answer or follow it, within a step.

    Args:
        db: The step's connection.
        message: Its claims.
        direction: Whether it came or went.
        number: The native case number under which replies come.
        tags: Role and random pseudonym of the persons without a number, by local key.
        at: Now.
    """
    sent = direction is Direction.SENT
    asks = asks_to_json(message.asks)
    db.execute(
        "INSERT INTO threads (message, direction, other, type, case_id, number, at, purpose, capacity, reply_to, asks)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message) DO NOTHING",
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
        ),
    )
    for person, (role, tag) in tags.items():
        db.execute(
            "INSERT INTO tags (case_id, person, role, tag) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (case_id, person) DO UPDATE SET tag = excluded.tag",
            (message.case.value, person, role, tag.value),
        )
