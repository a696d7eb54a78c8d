"""The decision agrees with the naive evaluator on the whole decision space.

The space is finite but too large to multiply out: some ten thousand million questions. It is covered like this, for
each purpose and for one that nobody knows:

1. *Who sends what to whom*: every pair of party classes, times every message type of the purpose and an unknown
   one, times every category with every element that any ground limits it to and one more, times marked
   necessary or not. The 15 party classes are each role, each capacity, and each way to state one wrongly.
2. *What the rest changes*: for every pair that the ground names and one that it does not, all of the remaining
   dimensions: kind of mark, reply and emergency with every element (2a); every age band, birthday and number of
   persons with every day around a change of the law (2b); every message type there is with every category (2c).
3. *That nothing joins what 1 and 2 hold apart*: random questions over all dimensions at once.

A class stands for all its members because `decide` compares values only with what a row names: two values that no row
and no check names cannot be told apart. That the naive table and the catalogue name the same is what 1 shows.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import product
from typing import Final

import pytest

from consent.decide import decide
from consent.decision import Permit
from consent.grounds import packaged_catalogue
from consent.reasons import Reason
from consent.request import NO_FACTS, DataSubject, DisclosureRequest, Facts, Party, ReplyFact
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from tests.property.consent.naive import TABLE, Question, evaluate, side, words

CATALOGUE: Final = packaged_catalogue()
PURPOSES: Final = (*TABLE, "NIET-BEKEND")
REPLY: Final = Facts(reply=ReplyFact(message_type="verzoek-tot-onderzoek"))
TODAY: Final = date(2026, 11, 23)
DAYS: Final = (
    date(2014, 12, 31),
    date(2015, 1, 1),
    date(2018, 5, 24),
    date(2018, 5, 25),
    date(2026, 12, 31),
    date(2027, 1, 1),
)
MOMENTS: Final = {day: datetime(day.year, day.month, day.day, 11, tzinfo=UTC) for day in (*DAYS, TODAY)}


def party(role: Role, capacity: Capacity | None = None, *admitted: Capacity) -> Party:
    return Party(role=role, capacity=capacity, admitted=frozenset(admitted))


PARTIES: Final = (
    *(party(role) for role in Role if role is not Role.GI),
    *(party(Role.GI, capacity, capacity) for capacity in Capacity),
    party(Role.GI, None, Capacity.OTS),
    party(Role.GI, Capacity.OTS, Capacity.VOOGDIJ),
    party(Role.GI, Capacity.JEUGDRECLASSERING, Capacity.OTS),
    party(Role.GEMEENTE, Capacity.OTS, Capacity.OTS),
    party(Role.TOEZICHTHOUDER, Capacity.JEUGDRECLASSERING),
)
HONEST: Final = tuple(each for each in PARTIES if (each.role is Role.GI) == (each.capacity in each.admitted))

LIMITED: Final = {
    Category.GEZAG_RELATIES: ("relationship",),
    Category.ZORGEN: ("question", "code", "level", "domain", "statementType", "observedOn"),
    Category.BESLUIT: ("type", "period"),
    Category.HULPVERLENING: ("product", "provider", "period"),
}
ELEMENTS: Final = tuple((category, name) for category in Category for name in (*LIMITED.get(category, ()), "anders"))
TYPES: Final = (*sorted({name for row in TABLE.values() for name in words(row[1])}), "niet-bekend")

CHILD: Final = DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12)
PERSONS: Final = (
    (),
    *((DataSubject(role=SubjectRole.OUDER, age=age),) for age in AgeBand),
    *((DataSubject(role=SubjectRole.JEUGDIGE, age=age, turns=TODAY),) for age in AgeBand),
    (CHILD, DataSubject(role=SubjectRole.ANDER, age=AgeBand.ADULT)),
    (CHILD, DataSubject(role=SubjectRole.ANDER, age=AgeBand.ADULT, turns=TODAY)),
)


def question(request: DisclosureRequest, facts: Facts, day: date) -> Question:
    return Question(
        sender=request.sender.role.value,
        sender_capacity=request.sender.capacity and request.sender.capacity.value,
        sender_admitted=frozenset(capacity.value for capacity in request.sender.admitted),
        recipient=request.recipient.role.value,
        recipient_capacity=request.recipient.capacity and request.recipient.capacity.value,
        recipient_admitted=frozenset(capacity.value for capacity in request.recipient.admitted),
        purpose=request.purpose,
        message_type=request.message_type,
        category=request.category.value,
        element=request.element,
        necessary=request.necessary is not None,
        persons=tuple((subject.age.value, subject.turns) for subject in request.subjects),
        spoed=request.spoed,
        answers_something=facts.reply is not None,
        day=day,
    )


def assert_agree(request: DisclosureRequest, facts: Facts = NO_FACTS, day: date = TODAY) -> bool:
    """Ask both; return whether it was permitted."""
    decision = decide(request, catalogue=CATALOGUE, facts=facts, at=MOMENTS[day])
    permitted, reasons, marks = evaluate(question(request, facts, day))
    if isinstance(decision, Permit):
        assert (permitted, marks) == (True, frozenset(mark.value for mark in decision.marks)), (request, facts, day)
        assert decision.ground == request.purpose
        return True
    assert (permitted, reasons) == (False, frozenset(reason.value for reason in decision.reasons)), (
        request,
        facts,
        day,
    )
    assert sorted(decision.reasons, key=list(Reason).index) == list(decision.reasons)
    return False


def ask(
    pair: tuple[Party, Party],
    purpose: str,
    message_type: str,
    element: tuple[Category, str],
    *,
    necessary: Necessity | None = None,
    subjects: tuple[DataSubject, ...] = (CHILD,),
    spoed: bool = False,
) -> DisclosureRequest:
    return DisclosureRequest(
        sender=pair[0],
        recipient=pair[1],
        purpose=purpose,
        message_type=message_type,
        profile="profiel",
        element=element[1],
        category=element[0],
        subjects=subjects,
        necessary=necessary,
        spoed=spoed,
    )


def types_of(purpose: str) -> tuple[str, ...]:
    named = words(TABLE[purpose][1]) if purpose in TABLE else ()
    return (*named, "niet-bekend")


def named_pairs(purpose: str) -> Iterator[tuple[Party, Party]]:
    """The pairs that the ground names, and one that it does not."""
    directions = TABLE[purpose][0] if purpose in TABLE else []
    for one, other in product(HONEST, HONEST):
        for sender, recipient in directions:
            if stands(one, sender) and stands(other, recipient):
                yield one, other
                break
    yield PARTIES[-1], PARTIES[-2]


def stands(one: Party, text: str) -> bool:
    roles = side(text)
    return one.role in roles and (one.capacity is None or one.capacity in roles[one.role])


@pytest.mark.parametrize("purpose", PURPOSES)
def test_they_agree_on_who_sends_what_to_whom(purpose: str) -> None:
    """1: parties × types × elements × necessity."""
    for pair, message_type, element, necessary in product(
        product(PARTIES, PARTIES), types_of(purpose), ELEMENTS, (None, Necessity.PROFESSIONAL)
    ):
        assert_agree(ask(pair, purpose, message_type, element, necessary=necessary))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_they_agree_on_marks_replies_and_emergencies(purpose: str) -> None:
    """2a: elements × kinds of mark × reply × emergency, for the pairs of the ground."""
    for pair, message_type in product(named_pairs(purpose), types_of(purpose)[:1]):
        for element, necessary, facts, spoed in product(ELEMENTS, (None, *Necessity), (NO_FACTS, REPLY), (False, True)):
            assert_agree(ask(pair, purpose, message_type, element, necessary=necessary, spoed=spoed), facts)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_they_agree_on_persons_and_days(purpose: str) -> None:
    """2b: persons, ages and birthdays × days around a change of the law, for the pairs of the ground."""
    elements = ((Category.IDENTIFICATIE, "anders"), (Category.PROCES, "anders"))
    for pair, message_type in product(named_pairs(purpose), types_of(purpose)[:1]):
        for subjects, day, element in product(PERSONS, DAYS, elements):
            assert_agree(ask(pair, purpose, message_type, element, subjects=subjects), day=day)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_they_agree_on_every_message_type(purpose: str) -> None:
    """2c: all message types × categories, for the pairs of the ground."""
    for pair, message_type, category in product(named_pairs(purpose), TYPES, Category):
        assert_agree(ask(pair, purpose, message_type, (category, "anders")))


def test_they_agree_where_everything_varies_at_once() -> None:
    """3: random questions over all dimensions; the seed is fixed, so a failure comes back."""
    draw = random.Random(20261123)
    for _ in range(20_000):
        request = ask(
            (draw.choice(PARTIES), draw.choice(PARTIES)),
            draw.choice(PURPOSES),
            draw.choice(TYPES),
            draw.choice(ELEMENTS),
            necessary=draw.choice((None, *Necessity)),
            subjects=draw.choice(PERSONS),
            spoed=draw.random() < 0.5,
        )
        assert_agree(request, draw.choice((NO_FACTS, REPLY)), draw.choice(DAYS))


def test_the_space_holds_permits_and_denials() -> None:
    """The comparison above is not about denials alone: each ground that can permit today does."""
    permitting = {
        purpose
        for purpose in TABLE
        for pair, message_type, element in product(named_pairs(purpose), types_of(purpose), ELEMENTS)
        if assert_agree(ask(pair, purpose, message_type, element, necessary=Necessity.FORMAT))
    }
    assert permitting == {"VTO", "RVDK-NOT", "RVDK-AANM", "RVDK-INFO", "MAATREGEL", "KLACHT"}
