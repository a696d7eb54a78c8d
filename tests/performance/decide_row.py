"""Row *decide*: what one element's decision costs, remembered and for the first time.

Three messages with the labels of the same document: one whose ground has no tie, one that goes by consent of everybody
in it, and one that goes by a measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consent.consents import Addressee, consent_facts
from consent.decision import Decision
from consent.facts import PersonFacts
from consent.grounds import Catalogue, packaged_catalogue
from consent.measures import measure_facts
from consent.memo import DecisionMemo
from consent.request import NO_FACTS, DataSubject, Exchange, Facts, Party
from schemas.clock import SystemClock
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role
from schemas.consents import ConsentRecord
from schemas.definitions import Definitions, load_definitions
from schemas.message import Message
from tests.performance.figures import Bound, Figure, Report, seconds_each
from tests.performance.pairs import bench_document, make_template
from tests.support.law_records import PARENT_YES, SELF_YES, consent_record, measure_statement
from tests.support.parties import GEMEENTE, GI, RAAD, message_id

ROW: Final = "decide"
MEMOISED_US_MAX: Final = 3.0
COLD_US_MAX: Final = 50.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one label."""

    profile: str
    element: str
    category: Category
    subjects: tuple[DataSubject, ...]
    necessary: Necessity | None


@dataclass(frozen=True, slots=True)
class Situation:
    """A message: what is equal for all its labels, and what is known."""

    name: str
    exchange: Exchange
    facts: Facts


def questions_of(message: Message, definitions: Definitions) -> list[Question]:
    """Make the question about each label of a message."""
    people = tuple(
        DataSubject(role=each.role, age=each.age, turns=each.turns, place=place)
        for place, each in enumerate(message.subjects)
    )
    return [
        Question(
            item.profile,
            name,
            definitions.category(item.profile, name),
            tuple(people[index] for index in item.about),
            item.necessary,
        )
        for item in message.content
        for name in item.elements
    ]


def _consents(age: AgeBand) -> tuple[ConsentRecord, ...]:
    """A consent as a person of an age gives it, recorded by one and confirmed by the other."""
    parents = age not in (AgeBand.FROM_16, AgeBand.ADULT)
    given = consent_record(
        age=age,
        holders=2 if parents else 0,
        givers=(*((SELF_YES,) if age not in (AgeBand.UNBORN, AgeBand.UNDER_12) else ()), *(PARENT_YES,) * 2 * parents),
        categories=frozenset(Category),
    )
    return given, consent_record(2, **{**_content(given), "issuer": GI, "confirms": message_id(1)})


def _content(record: ConsentRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in ("age", "holders", "givers", "categories")}


def _situations(message: Message) -> list[Situation]:
    gi = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)
    consented = tuple(
        PersonFacts(consents=consent_facts(_consents(each.age), sender=GEMEENTE, recipient=gi))
        for each in message.subjects
    )
    running = measure_facts((measure_statement(),), sender=RAAD, recipient=GI, raden=frozenset({RAAD}))
    gemeente, raad = Party(role=Role.GEMEENTE), Party(role=Role.RAAD)
    preventive, supervisor = (
        Party(role=Role.GI, capacity=capacity, admitted=frozenset({capacity}))
        for capacity in (Capacity.PREVENTIEF, Capacity.OTS)
    )
    return [
        Situation(
            "an element",
            Exchange(sender=gemeente, recipient=raad, purpose=message.recipient.purpose, message_type=message.type),
            NO_FACTS,
        ),
        Situation(
            "an element by consent",
            Exchange(sender=gemeente, recipient=preventive, purpose="VRIJW", message_type="casusinformatie"),
            Facts(people=consented),
        ),
        Situation(
            "an element by a measure",
            Exchange(sender=raad, recipient=supervisor, purpose="RVDK-RAP", message_type="raadsrapport"),
            Facts(people=tuple(PersonFacts(measures=running) for _ in message.subjects)),
        ),
    ]


def decide_all(
    memo: DecisionMemo, situation: Situation, questions: Sequence[Question], *, at: datetime
) -> list[Decision]:
    """Decide about labels of one message, as the hub does."""
    decisions = memo.for_message(situation.exchange, facts=situation.facts, at=at)
    return [
        decisions.decide(
            question.profile,
            question.element,
            category=question.category,
            subjects=question.subjects,
            necessary=question.necessary,
        )
        for question in questions
    ]


def measure_decide(report: Report, *, seconds: float) -> None:
    """Decide every label of a message, over and over; each pass is one message, as the hub asks it."""
    at = SystemClock().now()
    message = make_template(bench_document(), at=at).message
    questions, catalogue = questions_of(message, load_definitions()), packaged_catalogue()
    for situation in _situations(message):
        _measure(report, situation, questions, catalogue=catalogue, at=at, seconds=seconds)


def _measure(
    report: Report,
    situation: Situation,
    questions: Sequence[Question],
    *,
    catalogue: Catalogue,
    at: datetime,
    seconds: float,
) -> None:
    warm = DecisionMemo(catalogue)
    # Questions that are equal within one message would be remembered: each is asked of a memo that knows none.
    first = list(dict.fromkeys(questions))

    def decide_cold() -> None:
        for question in first:
            decide_all(DecisionMemo(catalogue), situation, (question,), at=at)

    for name, budget, taken in (
        (
            "memoised",
            MEMOISED_US_MAX,
            seconds_each(lambda: decide_all(warm, situation, questions, at=at), seconds=seconds, calls=len(questions)),
        ),
        ("cold", COLD_US_MAX, seconds_each(decide_cold, seconds=seconds, calls=len(first))),
    ):
        report.add(
            Figure(
                row=ROW,
                name=f"{situation.name}, {name}",
                value=taken * 1e6,
                unit="µs",
                budget=budget,
                bound=Bound.AT_MOST,
                detail={"labels": len(questions)},
            )
        )
