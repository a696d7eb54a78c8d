"""Questions that wait for an answer, ours and those of others: by the journal, with their terms.

A question is open until an answer to it was accepted by the hub, or received; an answer that its recipient refused, or
that lapsed, is none. For systems each question that was received stands in the folder `questions` until it is answered:

    {"message": "0194…", "from": "00000099000000003000", "purpose": "GI-OTS-VRAAG", "grounds": [{…}],
     "must_answer": true, "categories": ["hulpverlening", "zorgen"], "term": "2026-12-14",
     "received_at": "2026-11-23T12:00:00+00:00"}

The question itself and whom it is about stand in `in/ID.fhir.json`. The answer goes through `out`, as a FHIR message
whose `MessageHeader.response.identifier` is the question's id.

Source: the domain page, section 3, `informatieverzoek`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from sqlite3 import Row
from typing import Final

from connectors.agent.journal import Delivery, Journal, from_milliseconds
from connectors.agent.reports import grounds_of, to_json
from connectors.agent.services import Services
from connectors.agent.threads import Direction
from connectors.sdk.opening import Opened
from connectors.sdk.purposes import must_answer_question, ties_of
from consent.grounds import Tie
from consent.ties import FRAME
from schemas.codes import Capacity
from schemas.document import JSONValue
from schemas.identifiers import OIN, MessageId
from schemas.message import Message

LABELS_SHOWN: Final = 10
PAGE_MAX: Final = 100
_OPEN: Final = (
    "SELECT question.rowid AS place, * FROM threads AS question WHERE asks IS NOT NULL"
    " AND (direction = 'received' OR EXISTS"
    "   (SELECT 1 FROM submissions WHERE id = question.message AND state IN ('waiting', 'released', 'received')))"
    " AND NOT EXISTS (SELECT 1 FROM threads AS answer LEFT JOIN submissions ON submissions.id = answer.message"
    "   WHERE answer.reply_to = question.message AND answer.direction <> question.direction AND answer.last_reply"
    "   AND answer.other = question.other"
    "   AND (answer.direction = 'received' OR submissions.state IN ('waiting', 'released', 'received')))"
)
"""Every question that has no answer; what is sent counts once the hub accepted it."""


class QuestionState(StrEnum):
    """How a question stands."""

    PREPARED = "prepared"
    """Ours, and not accepted by the hub yet."""
    WAITING = "waiting"
    """For the answer, or for the last one where the one that came says that it follows."""
    ANSWERED = "answered"
    ENDED = "ended"
    """Without an answer: taken back, refused, or not picked up in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question.

    Attributes:
        message: The message that asks.
        ours: Whether we asked.
        other: Who asked us, or whom we asked.
        purpose: Code of the ground.
        categories: What is asked for.
        term: By which day.
        at: When it was sent or received.
        told: What people were reminded of already.
        capacity: In which capacity the other side acts; None if it is no GI.
    """

    message: MessageId
    ours: bool
    other: OIN
    purpose: str
    categories: tuple[str, ...]
    term: date
    at: datetime
    told: str | None
    capacity: Capacity | None = None


def open_questions(journal: Journal) -> tuple[Question, ...]:
    """List the questions without an answer, by their terms: what is overdue stands first."""
    found = map(_question, journal.rows(_OPEN))
    return tuple(sorted(found, key=lambda question: (question.term, question.message.value)))


def open_questions_page(journal: Journal, *, after: int) -> tuple[tuple[Question, ...], int]:
    """List the questions without an answer, in the order in which they came or went, at most `PAGE_MAX`.

    Args:
        journal: Where they stand.
        after: The number of a question beyond which to begin.

    Returns:
        The questions, and the number of the last one.
    """
    rows = journal.rows(f"{_OPEN} AND place > ? ORDER BY place LIMIT ?", after, PAGE_MAX)
    return tuple(map(_question, rows)), rows[-1]["place"] if rows else after


def open_question(journal: Journal, message: MessageId) -> Question | None:
    """Find a question of somebody else that waits for our answer."""
    row = journal.row(f"{_OPEN} AND message = ? AND direction = 'received'", message.value)
    return None if row is None else _question(row)


def find_question(journal: Journal, message: MessageId) -> Question | None:
    """Find a question, ours or of somebody else, also one that is answered."""
    row = journal.row("SELECT * FROM threads WHERE asks IS NOT NULL AND message = ?", message.value)
    return None if row is None else _question(row)


def answers_to(journal: Journal, question: Question) -> tuple[MessageId, ...]:
    """List the answers to a question that were received, or that the hub accepted, in their order."""
    rows = journal.rows(
        "SELECT answer.message FROM threads AS answer LEFT JOIN submissions ON submissions.id = answer.message"
        " WHERE answer.reply_to = ? AND answer.direction <> ? AND answer.other = ?"
        " AND (answer.direction = 'received' OR submissions.state IN ('waiting', 'released', 'received'))"
        " ORDER BY answer.at, answer.message",
        question.message.value,
        Direction.SENT if question.ours else Direction.RECEIVED,
        question.other.value,
    )
    return tuple(MessageId(row["message"]) for row in rows)


def state_of(journal: Journal, question: Question) -> QuestionState:
    """Say how a question stands."""
    if journal.row(f"{_OPEN} AND message = ?", question.message.value) is not None:
        return QuestionState.WAITING
    if answers_to(journal, question):
        return QuestionState.ANSWERED
    row = journal.row("SELECT state FROM submissions WHERE id = ?", question.message.value)
    return QuestionState.PREPARED if row is not None and row["state"] == "prepared" else QuestionState.ENDED


def not_asked(opened: Opened, *, services: Services) -> tuple[str, str] | None:
    """Say what a received answer tells beyond what this connector asked its sender; None where it tells no more.

    Sender and hub hold an answer to its question. What they let through together is told to people, and not refused:
    another installation of this organisation may have asked.

    Returns:
        The same in Dutch and English.
    """
    message = opened.message
    ties = ties_of(message.recipient.purpose, message_type=message.type, catalogue=services.policy.catalogue)
    if Tie.ASKED not in ties:
        return None
    asked = find_question(services.journal, message.reply_to) if message.reply_to else None
    if asked is None or not asked.ours or asked.other != message.sender:
        return (
            "Zegt te antwoorden op een vraag die deze connector niet aan deze organisatie stelde.",
            "Says that it answers a question which this connector did not ask of this organisation.",
        )
    beyond = [
        f"{item.profile}/{item.id}/{name}"
        for item in opened.items
        for name in item.elements
        if (item.profile, name) not in FRAME
        and services.policy.definitions.category(item.profile, name) not in asked.categories
    ]
    shown = ", ".join(beyond[:LABELS_SHOWN]) + (" …" if len(beyond) > LABELS_SHOWN else "")
    return (
        (f"Bevat gegevens waar niet om is gevraagd: {shown}.", f"Holds what was not asked: {shown}.")
        if beyond
        else None
    )


def must_answer(services: Services, asker: OIN, *, capacity: Capacity | None, at: datetime) -> bool:
    """Whether the law says that a question of a participant must be answered by us."""
    known = services.directory.directory.participant(asker)
    return known is not None and must_answer_question(
        own=services.settings.role,
        asker=known.role,
        capacity=capacity,
        catalogue=services.policy.catalogue,
        at=at,
    )


def question_file(message: Message, *, services: Services, at: datetime) -> Delivery | None:
    """Make the file by which systems find a question that was received; None where nothing is asked."""
    if message.asks is None:
        return None
    value: dict[str, JSONValue] = {
        "message": message.id.value,
        "from": message.sender.value,
        "purpose": message.recipient.purpose,
        "grounds": grounds_of(
            services,
            message.recipient.purpose,
            message_type=message.type,
            sender=message.sender,
            recipient=message.recipient.oin,
            at=at,
        ),
        "must_answer": must_answer(services, message.sender, capacity=message.capacity, at=at),
        "categories": [category.value for category in message.asks.categories],
        "term": message.asks.term.isoformat(),
        "spoed": message.spoed,
        "received_at": at.isoformat(timespec="seconds"),
    }
    return Delivery(
        folder=services.settings.folders.questions,
        name=f"{message.id.value}.json",
        part=f".{message.id.value}.part",
        data=to_json(value),
        message=message.id.value,
    )


def clear_answered(services: Services) -> None:
    """Remove from the folder the questions that are answered, or that nobody knows any more."""
    folder = services.settings.folders.questions
    waiting = {each.message.value for each in open_questions(services.journal) if not each.ours}
    for path in sorted(folder.glob("*.json")):
        if path.stem not in waiting and _is_ours(path.stem, services.journal):
            services.disk.remove(path)


def _is_ours(stem: str, journal: Journal) -> bool:
    """Whether a file in the folder is one of a question: what people put there is left alone."""
    return journal.row("SELECT 1 FROM threads WHERE message = ? AND asks IS NOT NULL", stem) is not None


def question_to_json(question: Question, *, day: date) -> dict[str, JSONValue]:
    """Write a question for a machine."""
    return {
        "message": question.message.value,
        "direction": Direction.SENT.value if question.ours else Direction.RECEIVED.value,
        "other": question.other.value,
        "purpose": question.purpose,
        "categories": [*question.categories],
        "term": question.term.isoformat(),
        "overdue": question.term < day,
        "at": question.at.isoformat(timespec="seconds"),
    }


def _question(row: Row) -> Question:
    asks = json.loads(row["asks"])
    categories: Sequence[str] = asks["categories"]
    return Question(
        message=MessageId(row["message"]),
        ours=row["direction"] == Direction.SENT,
        other=OIN(row["other"]),
        purpose=row["purpose"],
        categories=tuple(categories),
        term=date.fromisoformat(asks["term"]),
        at=from_milliseconds(row["at"]),
        told=row["told"],
        capacity=Capacity(row["capacity"]) if row["capacity"] else None,
    )
