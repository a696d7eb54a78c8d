"""What people are reminded of: terms of questions, consents and measures that end, and what the hub tells.

    an assignment   when nothing at all was replied to it for thirty days
    a question      three days before its term, and again when the term has come
    a consent       of our own, fourteen days before its last day
    a measure       that only we state, seven days before it lapses, unless the Raad confirms it
    by the hub      a consent was withdrawn on which a message rests; statements about a child contradict each other;
                    nothing of a message of ours goes any more; the hub stopped itself

Each is told once and stays in `status` until somebody confirms it. Nothing else is looked up for it.

Source: the domain page, section 5; the architecture, section 7.
"""

import sqlite3
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from sqlite3 import Row
from typing import Final

from connectors.agent.journal import NoticeKind, notify, remember
from connectors.agent.questions import Question, clear_answered, open_questions
from connectors.agent.recording import CONSENT, MEASURE, own_payloads
from connectors.agent.services import Services
from connectors.agent.troubles import settle
from connectors.agent.waiting import Waiting, waiting_assignments
from connectors.sdk.answers import HubNotice
from connectors.sdk.transport import printable
from consent.measures import standing_measures
from consent.request import civil_day
from schemas.codes import Role, TokenType
from schemas.consents import ConsentStatus, parse_consent
from schemas.errors import RejectedMessageError
from schemas.identifiers import MessageId, SubjectTag
from schemas.jws import parse_jws
from schemas.measures import MeasureStatement, parse_measure

CURSOR: Final = "notices"
REMINDED: Final = "reminded"
SOON_DAYS: Final = 3
CONSENT_DAYS: Final = 14
MEASURE_DAYS: Final = 7
REPLY_DAYS: Final = 30
PAGES_MAX: Final = 100
NAME_CHARACTERS_MAX: Final = 100
_OF_QUESTIONS: Final = frozenset({"question-soon", "question-due"})
"""What the hub tells of terms: this connector knows them itself."""

RELEASE_DENIED: Final = "release-denied"

_TEXTS: Final = {
    "consent-withdrawn": (
        (
            "Toestemming waarop {message} rust, is ingetrokken. Wat er al van ontvangen is, blijft ontvangen; gebruik"
            " het niet verder zonder te beoordelen of dat nog mag. Het kan ook om een deel gaan, of om een weigering."
        ),
        (
            "A consent on which {message} rests was withdrawn. What was received of it stays received; do not use it"
            " further without judging whether that may still be. It can also be a part, or a refusal afterwards."
        ),
    ),
    "measure-contradicted": (
        (
            "Over een kind zijn maatregelen vastgelegd die elkaar tegenspreken ({record}); niets steunt daarop tot het"
            " is opgelost. Kijk met `measure show`."
        ),
        (
            "Statements about the measures over a child contradict each other ({record}); nothing rests on them until"
            " that is solved. Look by `measure show`."
        ),
    ),
    RELEASE_DENIED: (
        (
            "Van {message} mag niets meer naar de ontvanger; het blijft wachten tot het vervalt. Een andere installatie"
            " van deze organisatie verstuurde het: neem het daar terug, of zorg dat het weer mag."
        ),
        (
            "Nothing of {message} may go to its recipient any more; it waits until it lapses. Another installation of"
            " this organisation sent it: take it back there, or see to it that it may go again."
        ),
    ),
    "enforcement-stopped": (
        (
            "De hub heeft zichzelf stilgelegd ({record}): hij zou een bericht hebben aangenomen dat hij moest weigeren."
            " Er gaat niets, en er gaat niets verloren. Zijn beheerder zoekt het uit."
        ),
        (
            "The hub has stopped itself ({record}): it would have accepted a message that it must refuse. Nothing"
            " goes, and nothing is lost. Its operator finds out why."
        ),
    ),
    "enforcement-resumed": (
        "De hub werkt weer ({record}); wat wachtte, gaat nu.",
        "The hub works again ({record}); what waited goes now.",
    ),
}


async def hear_notices(services: Services) -> int:
    """Read what the hub tells us, and tell it to people.

    Returns:
        How much is new.

    Raises:
        UnavailableError: The hub was not reached.
    """
    heard = 0
    for _ in range(PAGES_MAX):
        after = int(services.journal.meta(CURSOR) or -1)
        try:
            page = await services.hub.notices(after=after)
        except RejectedMessageError:
            return heard  # a hub of before this was there tells nothing
        if not page.items or page.next <= after:
            return heard
        with services.journal.step("notices") as db:
            for item in page.items:
                if item.kind == RELEASE_DENIED and _look_soon(db, item):
                    continue  # how the message stands says why, and is asked for now
                if item.kind not in _OF_QUESTIONS:
                    text_nl, text_en = _texts(item)
                    notify(
                        db,
                        kind=NoticeKind.TOLD_BY_HUB,
                        about=_shown(item.message or item.record) or f"notice-{item.number}",
                        text_nl=text_nl,
                        text_en=text_en,
                        at=services.clock.now(),
                    )
            remember(db, CURSOR, str(page.next))
        heard += len(page.items)
    return heard


def _look_soon(db: sqlite3.Connection, item: HubNotice) -> bool:
    """Let it be asked soon how a message of ours stands; False if none that waits has this id."""
    return (
        db.execute(
            "UPDATE submissions SET next_at = 0 WHERE id = ? AND state IN ('waiting', 'released')", (item.message,)
        ).rowcount
        > 0
    )


def remind(services: Services) -> None:
    """Tell people what is due, and take back what is answered."""
    at = services.clock.now()
    day = civil_day(at)
    assert day is not None, "the clock gives aware moments"
    waiting = open_questions(services.journal)
    for question in waiting:
        _remind_of_question(services, question, day=day, at=at)
    _settle_questions(services, open_ones={question.message.value for question in waiting})
    clear_answered(services)
    _settle_answered_assignments(services)
    if services.journal.meta(REMINDED) == day.isoformat():
        return  # days are what counts of records, and there may be many of them
    lapses = _lapses(services)
    for row in services.journal.rows(
        "SELECT * FROM records WHERE state = 'recorded' AND told IS NULL AND kind IN (?, ?)",
        CONSENT.entry.value,
        MEASURE.entry.value,
    ):
        _remind_of_record(services, row, lapses=lapses, day=day, at=at)
    for each in waiting_assignments(services.journal, definitions=services.policy.definitions):
        _remind_of_assignment(services, each, at=at)
    with services.journal.step("reminded") as db:
        remember(db, REMINDED, day.isoformat())


def _remind_of_question(services: Services, question: Question, *, day: date, at: datetime) -> None:
    stage = "due" if question.term <= day else "soon" if question.term - day <= timedelta(days=SOON_DAYS) else None
    if stage is None or question.told == stage:
        return
    whose_nl = f"onze vraag aan {question.other.value}" if question.ours else f"de vraag van {question.other.value}"
    whose_en = f"our question to {question.other.value}" if question.ours else f"the question of {question.other.value}"
    when_nl = "is voorbij of vandaag" if stage == "due" else "is bijna voorbij"
    when_en = "has come" if stage == "due" else "comes soon"
    with services.journal.step("question due") as db:
        db.execute("UPDATE threads SET told = ? WHERE message = ?", (stage, question.message.value))
        notify(
            db,
            kind=NoticeKind.QUESTION,
            about=question.message.value,
            text_nl=f"Nog niet beantwoord: {whose_nl}; de termijn ({question.term.isoformat()}) {when_nl}.",
            text_en=f"Not answered yet: {whose_en}; the term ({question.term.isoformat()}) {when_en}.",
            at=at,
        )


def _settle_questions(services: Services, *, open_ones: AbstractSet[str]) -> None:
    """Take back what was told of questions that are answered; where the answer falls away they are told of anew."""
    for row in services.journal.rows("SELECT message FROM threads WHERE asks IS NOT NULL AND told IS NOT NULL"):
        if row["message"] in open_ones:
            continue
        settle(services, kind=NoticeKind.QUESTION, about=row["message"])
        with services.journal.step("question answered") as db:
            db.execute("UPDATE threads SET told = NULL WHERE message = ?", (row["message"],))


def _remind_of_assignment(services: Services, assignment: Waiting, *, at: datetime) -> None:
    if assignment.replies or assignment.told or at - assignment.at < timedelta(days=REPLY_DAYS):
        return
    kind = services.policy.definitions.message_type(assignment.type)
    since = civil_day(assignment.at) or assignment.at.date()
    with services.journal.step("no reply") as db:
        db.execute("UPDATE threads SET told = 'unanswered' WHERE message = ?", (assignment.message.value,))
        notify(
            db,
            kind=NoticeKind.UNANSWERED,
            about=assignment.message.value,
            text_nl=f"{kind.nl} van {since} aan {assignment.other.value}: al {REPLY_DAYS} dagen geen antwoord.",
            text_en=f"{kind.en} of {since} to {assignment.other.value}: no reply for {REPLY_DAYS} days.",
            at=at,
        )


def _settle_answered_assignments(services: Services) -> None:
    """Take back what was told of assignments to which a reply came."""
    for row in services.journal.rows(
        "SELECT about FROM notices WHERE kind = ? AND confirmed_at IS NULL"
        " AND EXISTS (SELECT 1 FROM threads AS sent JOIN threads AS reply ON reply.reply_to = sent.message"
        "   AND reply.other = sent.other AND reply.direction = 'received' WHERE sent.message = about)",
        NoticeKind.UNANSWERED,
    ):
        settle(services, kind=NoticeKind.UNANSWERED, about=row["about"])


def _remind_of_record(
    services: Services, row: Row, *, lapses: Mapping[MessageId, date], day: date, at: datetime
) -> None:
    if row["kind"] == CONSENT.entry.value:
        told = _ending_consent(row, day)
    else:
        record_id = MessageId(row["id"])
        told = _lapsing_measure(record_id, lapses.get(record_id), day)
    if told is None or _is_replaced(services, row["id"], row["kind"]):
        return
    with services.journal.step("record ends") as db:
        db.execute("UPDATE records SET told = 'ends' WHERE id = ?", (row["id"],))
        notify(db, kind=NoticeKind.ENDS, about=row["id"], text_nl=told[0], text_en=told[1], at=at)


def _ending_consent(row: Row, day: date) -> tuple[str, str] | None:
    record = parse_consent(parse_jws(row["token"], typ=TokenType.CONSENT).payload)
    if record.status is ConsentStatus.WITHDRAWN or record.valid_until - day > timedelta(days=CONSENT_DAYS):
        return None
    last = record.valid_until.isoformat()
    return (
        f"De toestemming {record.id.value} geldt tot en met {last}; vraag haar opnieuw als zij nodig blijft.",
        f"The consent {record.id.value} holds until {last}; ask for it anew if it is still needed.",
    )


def _lapsing_measure(record_id: MessageId, lapses: date | None, day: date) -> tuple[str, str] | None:
    """Of a measure that we carry out and state ourselves; whether somebody confirmed it, `measure show` tells."""
    if lapses is None or lapses - day > timedelta(days=MEASURE_DAYS):
        return None
    return (
        (
            f"De maatregel {record_id.value} is alleen door onszelf gemeld en vervalt op {lapses.isoformat()},"
            " tenzij de Raad of de vorige GI hem bevestigt. Kijk met `measure show`."
        ),
        (
            f"The measure {record_id.value} is stated by us alone and lapses on {lapses.isoformat()} unless"
            " the Raad or the former GI confirms it. Look by `measure show`."
        ),
    )


def _lapses(services: Services) -> dict[MessageId, date]:
    """For each measure that we state ourselves the day from which our word alone counts no longer.

    It follows from all that we stated about a child; what was signed again under another chain key is about the same.
    """
    if services.settings.role is not Role.GI:
        return {}
    own = [*map(parse_measure, own_payloads(services.journal, MEASURE))]
    by_id = {each.id: each for each in own}
    about: dict[SubjectTag, list[MeasureStatement]] = {}
    for each in own:
        first = each
        while first.replaces is not None and first.replaces in by_id:
            first = by_id[first.replaces]
        about.setdefault(first.tag, []).append(each)
    standing = (each for stated in about.values() for each in standing_measures(stated, raden=frozenset()))
    return {each.id: each.lapses_on for each in standing if each.lapses_on is not None}


def _is_replaced(services: Services, record_id: str, kind: str) -> bool:
    typ, parse = (
        (TokenType.CONSENT, parse_consent) if kind == CONSENT.entry.value else (TokenType.MEASURE, parse_measure)
    )
    rows = services.journal.rows("SELECT token FROM records WHERE kind = ? AND state <> 'refused'", kind)
    replaced = (parse(parse_jws(row["token"], typ=typ).payload).replaces for row in rows)
    return any(each is not None and each.value == record_id for each in replaced)


def _texts(item: HubNotice) -> tuple[str, str]:
    """Say what the hub tells, in Dutch and in English; a kind that this version does not know by its name."""
    kind, message, record = _shown(item.kind), _shown(item.message), _shown(item.record) or "-"
    message_nl, message_en = message or "een bericht", message or "a message"
    known = _TEXTS.get(kind)
    if known is None:
        return f"De hub meldt: {kind} ({message_nl}, {record}).", f"The hub tells: {kind} ({message_en}, {record})."
    return known[0].format(message=message_nl, record=record), known[1].format(message=message_en, record=record)


def _shown(text: str | None) -> str:
    """Make an identifier that the hub names fit for people, whatever it holds."""
    return printable(text or "", most=NAME_CHARACTERS_MAX)
