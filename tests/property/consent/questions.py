"""Questions and facts, drawn at random, and questions that are permitted, drawn from the rows that can permit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st

from consent.decide import decide
from consent.decision import Decision
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Catalogue, Side, Tie, packaged_catalogue
from consent.request import (
    CorrectedFact,
    DataSubject,
    DisclosureRequest,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
)
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.consents import Answer, GivenAnswer, Giver, WithoutParents
from schemas.measures import MeasureType

CATALOGUE: Final = packaged_catalogue()
FEW: Final = settings(max_examples=60, deadline=None)
AT: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY: Final = date(2026, 11, 23)

codes = sorted({row.code for row in CATALOGUE.grounds})
types = sorted({name for row in CATALOGUE.grounds for name in row.message_types})
limited = sorted({name for row in CATALOGUE.grounds for names in row.only.values() for name in names})

parties = st.builds(
    Party,
    role=st.sampled_from(Role),
    capacity=st.none() | st.sampled_from(Capacity),
    admitted=st.frozensets(st.sampled_from(Capacity)),
)
days = st.dates(date(2014, 1, 1), date(2030, 1, 1))
moments = st.datetimes(datetime(2014, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
subjects = st.builds(
    DataSubject,
    role=st.sampled_from(SubjectRole),
    age=st.sampled_from(AgeBand),
    turns=st.none() | days,
    place=st.integers(-1, 2),
)
requests = st.builds(
    DisclosureRequest,
    sender=parties,
    recipient=parties,
    purpose=st.sampled_from([*codes, "ANDERS"]),
    message_type=st.sampled_from([*types, "anders"]),
    profile=st.sampled_from(["jeugdige", "anders"]),
    element=st.sampled_from([*limited, "anders"]),
    category=st.sampled_from(Category),
    subjects=st.lists(subjects, max_size=3).map(tuple),
    necessary=st.none() | st.sampled_from(Necessity),
    spoed=st.booleans(),
)
category_sets = st.frozensets(st.sampled_from(Category))
consents = st.builds(
    ConsentFact,
    id=st.sampled_from(["c1", "c2", "c3"]),
    by_sender=st.booleans(),
    for_recipient=st.booleans(),
    categories=category_sets,
    purposes=st.frozensets(st.sampled_from(["VRIJW", "VTO"])),
    valid_from=days,
    valid_until=days,
    withdrawn=st.booleans(),
    age=st.sampled_from(AgeBand),
    incapable=st.booleans(),
    holders=st.integers(0, 3),
    givers=st.lists(st.builds(GivenAnswer, who=st.sampled_from(Giver), answer=st.sampled_from(Answer)), max_size=4).map(
        tuple
    ),
    without_parents=st.none() | st.sampled_from(WithoutParents),
)
measures = st.builds(
    MeasureFact,
    id=st.sampled_from(["m1", "m2", "m3"]),
    type=st.sampled_from(MeasureType),
    executor=st.sampled_from(Executor),
    valid_from=days,
    valid_until=st.none() | days,
    lapses_on=st.none() | days,
)
people = st.builds(
    PersonFacts,
    consents=st.lists(consents, max_size=3).map(tuple),
    measures=st.lists(measures, max_size=3).map(tuple),
)
all_facts = st.builds(
    Facts,
    reply=st.none() | st.builds(ReplyFact, message_type=st.sampled_from(types)),
    question=st.none() | st.builds(QuestionFact, categories=category_sets),
    corrected=st.none() | st.builds(CorrectedFact, categories=category_sets),
    people=st.lists(people, max_size=3).map(tuple),
    spoed_since=st.none() | moments,
)


WHOLE: Final = ConsentFact(
    id="c0",
    by_sender=True,
    for_recipient=True,
    categories=frozenset(Category),
    purposes=frozenset(codes),
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
    withdrawn=False,
    age=AgeBand.UNKNOWN,
    incapable=False,
    holders=1,
    givers=(
        GivenAnswer(who=Giver.SELF, answer=Answer.YES),
        GivenAnswer(who=Giver.PARENT, answer=Answer.YES),
    ),
    without_parents=None,
)
"""A consent that is enough at every age."""


@st.composite
def permitted(draw: st.DrawFn) -> tuple[DisclosureRequest, Facts]:
    """A question that is permitted, made from a row that can permit and the facts that its ties ask for."""
    rows = [
        row
        for row in CATALOGUE.grounds
        if row.in_force
        and row.message_types
        and row.categories
        and Tie.RAAD_CASE not in row.ties
        and row.holds_on(TODAY)
    ]
    row = draw(st.sampled_from(rows))
    category = draw(st.sampled_from(sorted(row.categories)))
    sender, recipient = draw(stands(row.sender)), draw(stands(row.recipient))
    ages = draw(
        st.lists(st.sampled_from([age for age in AgeBand if age is not AgeBand.UNKNOWN]), min_size=1, max_size=3)
    )
    request = DisclosureRequest(
        sender=sender,
        recipient=recipient,
        purpose=row.code,
        message_type=draw(st.sampled_from(sorted(row.message_types))),
        profile="jeugdige",
        element=draw(st.sampled_from(sorted(row.only.get(category, ["anders"])))),
        category=category,
        subjects=tuple(replace(plain(age), place=place) for place, age in enumerate(ages)),
        necessary=draw(st.sampled_from(Necessity)),
    )
    executor = draw(st.sampled_from(sorted(row.acting))) if row.acting else Executor.OTHER
    acting = sender if executor is Executor.SENDER else recipient
    running = MeasureFact(
        id="m0",
        type=MeasureType.VOOGDIJ if acting.capacity is Capacity.VOOGDIJ else MeasureType.OTS,
        executor=executor,
        valid_from=date(2026, 1, 1),
        valid_until=None,
    )
    facts = Facts(
        reply=draw(all_facts).reply,
        question=QuestionFact(categories=frozenset({category})),
        corrected=CorrectedFact(categories=frozenset({category})),
        people=(PersonFacts(consents=(WHOLE,), measures=(running,)),) * len(ages),
    )
    return request, facts


def plain(age: AgeBand) -> DataSubject:
    return DataSubject(role=SubjectRole.JEUGDIGE, age=age)


def stands(side: Side) -> st.SearchStrategy[Party]:
    gi = st.sampled_from(sorted(side.capacities) or [Capacity.OTS]).map(
        lambda capacity: Party(role=Role.GI, capacity=capacity, admitted=frozenset({capacity}))
    )
    return st.sampled_from(sorted(side.roles)).flatmap(
        lambda role: gi if role is Role.GI else st.just(Party(role=role))
    )


def ask(request: DisclosureRequest, facts: Facts, at: datetime, catalogue: Catalogue = CATALOGUE) -> Decision:
    return decide(request, catalogue=catalogue, facts=facts, at=at)


def with_person(facts: Facts, place: int, change: Callable[[PersonFacts], PersonFacts]) -> Facts:
    return replace(
        facts, people=tuple(change(person) if place == at else person for at, person in enumerate(facts.people))
    )
