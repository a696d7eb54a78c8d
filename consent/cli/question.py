"""A question as words of a command line: who, to whom, what, about whom, and what is known."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from consent.cli.reading import UnreadableError
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.request import (
    QUESTION_TYPE,
    CorrectedFact,
    DataSubject,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
    civil_day,
)
from consent.space import party
from schemas.clock import SystemClock
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.consents import Answer, GivenAnswer, Giver, WithoutParents
from schemas.definitions import Definitions
from schemas.measures import MeasureType

_MONTH: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)
_EXECUTORS: Final = {"afzender": Executor.SENDER, "ontvanger": Executor.RECIPIENT, "ander": Executor.OTHER}

_T = TypeVar("_T")


class MeasureState(StrEnum):
    """Where the day stands in a measure."""

    RUNS = "loopt"
    ENDED = "afgelopen"
    NOT_BEGUN = "nog-niet"
    DECLARED = "gemeld"


class ConsentState(StrEnum):
    """What is the matter with a consent."""

    GOOD = "geldt"
    WITHDRAWN = "ingetrokken"
    EXPIRED = "verlopen"
    NOT_OF_SENDER = "niet-van-afzender"
    NOT_FOR_RECIPIENT = "niet-voor-ontvanger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What stands in the options, without what is tried out: ground, message type and label.

    Attributes:
        sender: Who discloses.
        recipient: Who would receive.
        subjects: About whom.
        necessary: Whether the item is marked necessary.
        spoed: Whether it is an emergency.
        facts: What is known; consents are for every ground.
        at: When.
    """

    sender: Party
    recipient: Party
    subjects: tuple[DataSubject, ...]
    necessary: Necessity | None
    spoed: bool
    facts: Facts
    at: datetime


def add_question(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options of a question."""
    who = parser.add_argument_group("who and what")
    role = "ROLE[:CAPACITY]"
    who.add_argument("--from", dest="sender", type=_worded(_party), required=required, metavar=role, help="who gives")
    who.add_argument("--to", dest="recipient", type=_worded(_party), required=required, metavar=role, help="who gets")
    who.add_argument("--type", dest="message_type", metavar="TYPE", help="the message type; else each of the ground")
    who.add_argument("--element", metavar="PROFILE/ELEMENT", help="one element; else each of the message")
    who.add_argument("--necessary", action="store_true", help="the item is marked as necessary")
    who.add_argument("--on", type=_worded(date.fromisoformat), metavar="DATE", help="the day; else today")
    about = parser.add_argument_group("about whom")
    about.add_argument(
        "--about",
        type=_worded(_subject),
        action="append",
        metavar="ROLE:AGE",
        help="jeugdige, ouder or ander; unborn, 0-11, 12-15, 16-17, 18+ or unknown (may be given again; "
        "else jeugdige:0-11)",
    )
    known = parser.add_argument_group("what is known")
    known.add_argument("--answers", metavar="TYPE", help="the type of the message that is answered")
    known.add_argument(
        "--asked", type=_worded(_categories), metavar="A,B", help="it answers a question for these categories"
    )
    known.add_argument(
        "--released", type=_worded(_categories), metavar="A,B", help="it corrects what held these categories"
    )
    known.add_argument(
        "--measure",
        type=_worded(_measure),
        action="append",
        metavar="TYPE:WHO[:STATE]",
        help="ots, voorlopige-ots, voogdij or voorlopige-voogdij; carried out by afzender, ontvanger or ander; loopt, "
        "afgelopen, nog-niet or gemeld (of the first person; may be given again)",
    )
    known.add_argument(
        "--consent",
        type=_worded(_givers),
        action="append",
        metavar="WHO=ANSWER,…",
        help="zelf, gezagsdrager, voogd or vertegenwoordiger; ja or nee (the first is of the first person, and so on)",
    )
    known.add_argument("--consent-for", type=_worded(_categories), metavar="A,B", help="what it names; else everything")
    known.add_argument("--consent-state", type=ConsentState, choices=list(ConsentState), default=ConsentState.GOOD)
    known.add_argument(
        "--holders", type=whole_number(0, 8), default=1, metavar="N", help="how many hold authority (else 1)"
    )
    known.add_argument("--incapable", action="store_true", help="the person cannot weigh it")
    known.add_argument(
        "--without-parents", type=WithoutParents, choices=list(WithoutParents), help="why they are left out"
    )
    known.add_argument("--spoed", action="store_true", help="it is marked as an emergency")
    known.add_argument(
        "--spoed-hours",
        type=whole_number(0, 10_000),
        metavar="N",
        help="for how many hours already; else it is the first",
    )


def asked(options: argparse.Namespace, *, purposes: frozenset[str], definitions: Definitions) -> Asked:
    """Make a question of the options.

    Args:
        options: As `add_question` reads them.
        purposes: The grounds that a consent names: all that are tried.
        definitions: The message types that there are.

    Raises:
        UnreadableError: A message type is not there, or the day is none.
    """
    for name in (options.message_type, options.answers):
        if name is not None and name not in definitions.message_types:
            words = ", ".join(sorted(definitions.message_types))
            raise UnreadableError(
                f"there is no message type `{name}`; there are: {words}",
                f"er is geen soort bericht `{name}`; wel: {words}",
            )
    at = SystemClock().now()
    if options.on is not None:
        at = datetime(options.on.year, options.on.month, options.on.day, 11, tzinfo=UTC)
    day = civil_day(at)
    if day is None:
        raise UnreadableError("that day lies outside the calendar", "die dag ligt buiten de kalender")
    subjects = tuple(options.about or [DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12)])
    placed = tuple(
        DataSubject(role=subject.role, age=subject.age, place=place) for place, subject in enumerate(subjects)
    )
    return Asked(
        sender=options.sender,
        recipient=options.recipient,
        subjects=placed,
        necessary=Necessity.PROFESSIONAL if options.necessary else None,
        spoed=options.spoed,
        facts=_facts(options, placed, purposes, at, day),
        at=at,
    )


def _facts(
    options: argparse.Namespace,
    subjects: tuple[DataSubject, ...],
    purposes: frozenset[str],
    at: datetime,
    day: date,
) -> Facts:
    answered = QUESTION_TYPE if options.asked is not None else options.answers
    given = options.consent or []
    people = tuple(
        PersonFacts(
            consents=(_consent(options, subject, given[place], purposes, day),) if place < len(given) else (),
            measures=_measures(options.measure or [], day) if place == 0 else (),
        )
        for place, subject in enumerate(subjects)
    )
    return Facts(
        reply=None if answered is None else ReplyFact(message_type=answered),
        question=None if options.asked is None else QuestionFact(categories=options.asked),
        corrected=None if options.released is None else CorrectedFact(categories=options.released),
        people=people,
        spoed_since=None if options.spoed_hours is None else at - timedelta(hours=options.spoed_hours),
    )


def _consent(
    options: argparse.Namespace,
    subject: DataSubject,
    givers: tuple[GivenAnswer, ...],
    purposes: frozenset[str],
    day: date,
) -> ConsentFact:
    state = options.consent_state
    return ConsentFact(
        id=f"toestemming-{subject.place + 1}",
        by_sender=state is not ConsentState.NOT_OF_SENDER,
        for_recipient=state is not ConsentState.NOT_FOR_RECIPIENT,
        categories=frozenset(Category) if options.consent_for is None else options.consent_for,
        purposes=purposes,
        valid_from=day - 2 * _MONTH,
        valid_until=day - _DAY if state is ConsentState.EXPIRED else day + _MONTH,
        withdrawn=state is ConsentState.WITHDRAWN,
        age=subject.age,
        incapable=options.incapable,
        holders=options.holders,
        givers=givers,
        without_parents=options.without_parents,
    )


def _measures(measures: list[tuple[MeasureType, Executor, MeasureState]], day: date) -> tuple[MeasureFact, ...]:
    return tuple(
        MeasureFact(
            id=f"maatregel-{number}",
            type=kind,
            executor=executor,
            valid_from=day + _DAY if state is MeasureState.NOT_BEGUN else day - 2 * _MONTH,
            valid_until=day - _DAY if state is MeasureState.ENDED else day + _MONTH,
            lapses_on=day + _DAY if state is MeasureState.DECLARED else None,
        )
        for number, (kind, executor, state) in enumerate(measures, start=1)
    )


def whole_number(first: int, last: int) -> Callable[[str], int]:
    """Let argparse read a whole number from one to another."""

    def read(word: str) -> int:
        if not word.isascii() or not word.isdecimal() or not first <= int(word[:9]) <= last:
            text = f"`{word}`: een geheel getal van {first} tot en met {last} / a whole number from {first} to {last}"
            raise argparse.ArgumentTypeError(text)
        return int(word)

    return read


def _worded(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Let argparse say what was wrong with a word, instead of the name of a function."""

    def worded(word: str) -> _T:
        try:
            return read(word)
        except (ValueError, KeyError) as error:
            raise argparse.ArgumentTypeError(f"`{word}` is niet te lezen / cannot be read: {error}") from error

    return worded


def _party(word: str) -> Party:
    role, _, capacity = word.partition(":")
    return party(Role(role), Capacity(capacity) if capacity else None)


def _subject(word: str) -> DataSubject:
    role, _, age = word.partition(":")
    return DataSubject(role=SubjectRole(role), age=AgeBand(age))


def _categories(word: str) -> frozenset[Category]:
    return frozenset(Category(each) for each in word.split(","))


def _givers(word: str) -> tuple[GivenAnswer, ...]:
    pairs = (each.partition("=") for each in word.split(","))
    return tuple(GivenAnswer(who=Giver(who), answer=Answer(answer)) for who, _, answer in pairs)


def _measure(word: str) -> tuple[MeasureType, Executor, MeasureState]:
    kind, who, *state = word.split(":")
    return MeasureType(kind), _EXECUTORS[who], MeasureState(state[0] if state else MeasureState.RUNS.value)
