"""Row *decide*: what one element's decision costs, remembered and for the first time."""

from dataclasses import dataclass
from typing import Final

from consent.grounds import packaged_catalogue
from consent.memo import DecisionMemo
from consent.request import NO_FACTS, DataSubject, Exchange, Party
from schemas.clock import SystemClock
from schemas.codes import Category, Necessity, Role
from schemas.definitions import Definitions, load_definitions
from schemas.message import Message
from tests.performance.figures import Bound, Figure, Report, seconds_each
from tests.performance.pairs import bench_document, make_template

ROW: Final = "decide"
MEMOISED_US_MAX: Final = 3.0
COLD_US_MAX: Final = 50.0


@dataclass(frozen=True, slots=True)
class _Question:
    profile: str
    element: str
    category: Category
    subjects: tuple[DataSubject, ...]
    necessary: Necessity | None


def _questions(message: Message, definitions: Definitions) -> list[_Question]:
    """Make the question about each label of a message."""
    people = tuple(DataSubject(role=each.role, age=each.age, turns=each.turns) for each in message.subjects)
    return [
        _Question(
            item.profile,
            name,
            definitions.category(item.profile, name),
            tuple(people[index] for index in item.about),
            item.necessary,
        )
        for item in message.content
        for name in item.elements
    ]


def measure_decide(report: Report, *, seconds: float) -> None:
    """Decide every label of a message, over and over; each pass is one message, as the hub asks it."""
    at = SystemClock().now()
    message, definitions, catalogue = (
        make_template(bench_document(), at=at).message,
        load_definitions(),
        packaged_catalogue(),
    )
    questions = _questions(message, definitions)
    exchange = Exchange(
        sender=Party(role=Role.GEMEENTE, capacity=None, admitted=frozenset()),
        recipient=Party(role=Role.RAAD, capacity=None, admitted=frozenset()),
        purpose=message.recipient.purpose,
        message_type=message.type,
    )

    def decide_all(memo: DecisionMemo) -> None:
        decisions = memo.for_message(exchange, facts=NO_FACTS, at=at)
        for question in questions:
            decisions.decide(
                question.profile,
                question.element,
                category=question.category,
                subjects=question.subjects,
                necessary=question.necessary,
            )

    warm = DecisionMemo(catalogue)
    # Questions that are equal within one message would be remembered: each is asked of a memo that knows none.
    first = list(dict.fromkeys(questions))

    def decide_cold() -> None:
        for question in first:
            DecisionMemo(catalogue).for_message(exchange, facts=NO_FACTS, at=at).decide(
                question.profile,
                question.element,
                category=question.category,
                subjects=question.subjects,
                necessary=question.necessary,
            )

    for name, budget, taken in (
        (
            "an element, memoised",
            MEMOISED_US_MAX,
            seconds_each(lambda: decide_all(warm), seconds=seconds, calls=len(questions)),
        ),
        ("an element, cold", COLD_US_MAX, seconds_each(decide_cold, seconds=seconds, calls=len(first))),
    ):
        report.add(
            Figure(
                row=ROW,
                name=name,
                value=taken * 1e6,
                unit="µs",
                budget=budget,
                bound=Bound.AT_MOST,
                detail={"labels": len(questions)},
            )
        )
