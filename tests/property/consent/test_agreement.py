"""The decision agrees with the naive evaluator on the whole decision space.

The space is finite but too large to multiply out: some ten thousand million questions. It is covered like this, for
each purpose and for one that nobody knows:

1. *Who sends what to whom*: every pair of party classes, times every message type of the purpose and an unknown
   one, times every category with every element that any ground limits it to and one more, times marked
   necessary or not. The 15 party classes are each role, each capacity, and each way to state one wrongly.
2. *What the rest changes*: for every pair that the ground names and one that it does not, all of the remaining
   dimensions: kind of mark, reply and emergency with every element (2a); every age band, birthday and number of
   persons with every day around a change of the law (2b); every message type there is with every category (2c).
3. *What is known of the case*: for every ground with a tie, questions and corrections with every category (3a); every
   pair of measures out of each type, executor and state, for a child and for a parent, with and without an emergency
   (3b); every consent out of age, answers, holders and capability, then every other way in which one can fail, and
   random groups of them (3c).
4. *That nothing joins what 1 to 3 hold apart*: random questions over all dimensions at once.

A class stands for all its members because `decide` compares values only with what a row names: two values that no row
and no check names cannot be told apart. That the naive table and the catalogue name the same is what 1 shows.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final

import pytest

from consent.decide import decide
from consent.decision import Permit
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import packaged_catalogue
from consent.reasons import Reason
from consent.request import (
    NO_FACTS,
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
from tests.property.consent.naive import TABLE, Question, evaluate, lines, side, words
from tests.property.consent.naive_ties import Case, Consent, Measure, Person

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
    Category.PROCES: ("reference", "refusal", "corrects"),
}
ELEMENTS: Final = tuple((category, name) for category in Category for name in (*LIMITED.get(category, ()), "anders"))
TYPES: Final = (*sorted({name for code in TABLE for line in lines(code) for name in words(line.types)}), "niet-bekend")

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
        profile=request.profile,
        category=request.category.value,
        element=request.element,
        necessary=request.necessary is not None,
        persons=tuple(person(subject, facts) for subject in request.subjects),
        spoed=request.spoed,
        case=Case(
            answers=facts.reply.message_type if facts.reply else None,
            asked=frozenset(each.value for each in facts.question.categories) if facts.question else None,
            released=frozenset(each.value for each in facts.corrected.categories) if facts.corrected else None,
            everybody=tuple(tuple(map(measure, each.measures)) for each in facts.people),
            spoed_hours=(MOMENTS[day] - facts.spoed_since) // timedelta(hours=1) if facts.spoed_since else 0,
        ),
        day=day,
    )


def person(subject: DataSubject, facts: Facts) -> Person:
    known = facts.people[subject.place] if subject.place < len(facts.people) else PersonFacts()
    return Person(
        role=subject.role.value,
        age=subject.age.value,
        turns=subject.turns,
        consents=tuple(map(consent, known.consents)),
        measures=tuple(map(measure, known.measures)),
    )


def consent(fact: ConsentFact) -> Consent:
    return Consent(
        name=fact.id,
        by_sender=fact.by_sender,
        for_recipient=fact.for_recipient,
        categories=frozenset(each.value for each in fact.categories),
        purposes=fact.purposes,
        first=fact.valid_from,
        last=fact.valid_until,
        withdrawn=fact.withdrawn,
        age=fact.age.value,
        incapable=fact.incapable,
        holders=fact.holders,
        answers=tuple((each.who.value, each.answer.value) for each in fact.givers),
        without_parents=fact.without_parents is not None,
    )


def measure(fact: MeasureFact) -> Measure:
    return Measure(
        name=fact.id,
        type=fact.type.value,
        executor=fact.executor.value,
        first=fact.valid_from,
        last=fact.valid_until,
        lapses=fact.lapses_on,
    )


def assert_agree(request: DisclosureRequest, facts: Facts = NO_FACTS, day: date = TODAY) -> bool:
    """Ask both; return whether it was permitted."""
    decision = decide(request, catalogue=CATALOGUE, facts=facts, at=MOMENTS[day])
    permitted, reasons, marks, rested = evaluate(question(request, facts, day))
    if isinstance(decision, Permit):
        told = (frozenset(mark.value for mark in decision.marks), frozenset(decision.relied_on))
        assert (permitted, marks, rested) == (True, *told), (request, facts, day)
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
    profile: str = "profiel",
) -> DisclosureRequest:
    return DisclosureRequest(
        sender=pair[0],
        recipient=pair[1],
        purpose=purpose,
        message_type=message_type,
        profile=profile,
        element=element[1],
        category=element[0],
        subjects=subjects,
        necessary=necessary,
        spoed=spoed,
    )


def types_of(purpose: str) -> tuple[str, ...]:
    named = [name for line in lines(purpose) for name in words(line.types)] if purpose in TABLE else []
    return (*dict.fromkeys(named), "niet-bekend")


def named_pairs(purpose: str) -> Iterator[tuple[Party, Party]]:
    """The pairs that the ground names, and one that it does not."""
    directions = lines(purpose) if purpose in TABLE else []
    for one, other in product(HONEST, HONEST):
        for line in directions:
            if stands(one, line.sender) and stands(other, line.recipient):
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


# ---- 3: what is known of the case ----

TIED: Final = tuple(code for code in TABLE if any(line.ties for line in lines(code)))
PARENT: Final = DataSubject(role=SubjectRole.OUDER, age=AgeBand.ADULT, place=1)


def tied_by(tie: str) -> list[str]:
    return [code for code in TIED if any(tie in words(line.ties) for line in lines(code))]


RUNNING: Final = PersonFacts(
    measures=(
        MeasureFact(
            id="ots",
            type=MeasureType.OTS,
            executor=Executor.RECIPIENT,
            valid_from=date(2026, 1, 1),
            valid_until=None,
        ),
    )
)
"""With this the tie `measure` holds for a GI that receives as the executor of an OTS."""


@pytest.mark.parametrize("purpose", [*tied_by("asked"), *tied_by("prior")])
def test_they_agree_on_questions_and_corrections(purpose: str) -> None:
    """3a: what was asked or released × every category, in a profile of the message itself and in another."""
    known = tuple(
        facts
        for categories in (frozenset[Category](), frozenset({Category.ZORGEN}), frozenset(Category))
        for facts in (
            Facts(question=QuestionFact(categories=categories), people=(RUNNING,)),
            Facts(corrected=CorrectedFact(categories=categories), people=(RUNNING,)),
        )
    )
    permitted = 0
    for pair, message_type in product(named_pairs(purpose), types_of(purpose)[:1]):
        for facts, element, profile in product(known, ELEMENTS, ("profiel", "bericht", "vraag", "correctie")):
            request = ask(pair, purpose, message_type, element, necessary=Necessity.FORMAT, profile=profile)
            permitted += assert_agree(request, facts)
    assert permitted


def measure_facts() -> tuple[MeasureFact, ...]:
    """Each type × executor × state: to come, from today, until today, ended, open, about to lapse, lapsed."""
    day = timedelta(days=1)
    states: tuple[tuple[date, date | None, date | None], ...] = (
        (TODAY + day, None, None),
        (TODAY, TODAY + day, None),
        (TODAY - day, TODAY, None),
        (TODAY - 2 * day, TODAY - day, None),
        (TODAY - day, None, TODAY + day),
        (TODAY - day, None, TODAY),
    )
    return tuple(
        MeasureFact(
            id=f"{kind}-{executor}-{number}",
            type=kind,
            executor=executor,
            valid_from=first,
            valid_until=last,
            lapses_on=lapses,
        )
        for kind, executor, (number, (first, last, lapses)) in product(MeasureType, Executor, enumerate(states))
    )


@pytest.mark.parametrize("purpose", [*tied_by("measure"), *tied_by("measure-of-either")])
def test_they_agree_on_measures(purpose: str) -> None:
    """3b: pairs of measures over a child × who the element is about × emergency, for the pairs of the ground."""
    facts = measure_facts()
    pairs = [PersonFacts(measures=each) for each in ((), *((one,) for one in facts), *product(facts, facts))]
    draw = random.Random(purpose)
    permitted = 0
    for pair in named_pairs(purpose):
        for child in pairs[: len(facts) + 1] + draw.sample(pairs, 250):
            known = Facts(
                question=QuestionFact(categories=frozenset({Category.IDENTIFICATIE})),
                people=(child, draw.choice(pairs)),
                spoed_since=draw.choice((None, *(MOMENTS[TODAY] - timedelta(hours=each) for each in (0, 71, 72, 90)))),
            )
            for subjects, spoed in product(((CHILD,), (PARENT,), (CHILD, PARENT)), (False, True)):
                request = ask(
                    pair,
                    purpose,
                    types_of(purpose)[0],
                    (Category.IDENTIFICATIE, "anders"),
                    subjects=subjects,
                    spoed=spoed,
                )
                permitted += assert_agree(request, known)
    assert permitted or purpose == "VOORTGANG"


WHOLE: Final = ConsentFact(
    id="consent",
    by_sender=True,
    for_recipient=True,
    categories=frozenset({Category.ZORGEN}),
    purposes=frozenset({"VRIJW"}),
    valid_from=TODAY,
    valid_until=TODAY,
    withdrawn=False,
    age=AgeBand.UNKNOWN,
    incapable=False,
    holders=2,
    givers=(),
    without_parents=None,
)
ANSWERS: Final = tuple(
    tuple(GivenAnswer(who=who, answer=answer) for who, answer in zip(who_answers, answers, strict=True))
    for who_answers in (
        (),
        (Giver.SELF,),
        (Giver.PARENT,),
        (Giver.GUARDIAN,),
        (Giver.REPRESENTATIVE,),
        (Giver.PARENT, Giver.PARENT),
        (Giver.SELF, Giver.PARENT),
        (Giver.SELF, Giver.GUARDIAN),
        (Giver.SELF, Giver.REPRESENTATIVE),
        (Giver.SELF, Giver.PARENT, Giver.PARENT),
    )
    for answers in product(Answer, repeat=len(who_answers))
)
FLAWS: Final[dict[str, object]] = {
    "by_sender": False,
    "for_recipient": False,
    "categories": frozenset({Category.GEZONDHEID}),
    "purposes": frozenset({"VTO"}),
    "valid_from": TODAY + timedelta(days=1),
    "valid_until": TODAY - timedelta(days=1),
    "withdrawn": True,
    "age": AgeBand.ADULT,
}


def vrijw(subjects: tuple[DataSubject, ...], category: Category = Category.ZORGEN) -> DisclosureRequest:
    pair = next(iter(named_pairs("VRIJW")))
    return ask(pair, "VRIJW", "casusinformatie", (category, "anders"), subjects=subjects)


def test_they_agree_on_who_consents() -> None:
    """3c: age × answers × holders × capability × a reason to leave the parents out."""
    permitted = 0
    for age, answers, holders, incapable, without in product(
        AgeBand, ANSWERS, (0, 1, 2), (False, True), (None, WithoutParents.CONSIDERED)
    ):
        fact = replace(WHOLE, holders=holders, givers=answers, incapable=incapable, without_parents=without)
        child = DataSubject(role=SubjectRole.JEUGDIGE, age=age)
        permitted += assert_agree(vrijw((child,)), Facts(people=(PersonFacts(consents=(fact,)),)))
    assert permitted > 100


def test_they_agree_on_every_other_way_in_which_a_consent_fails() -> None:
    """3c: any set of flaws, one record; then groups of records, some of which refuse."""
    for flawed in product((False, True), repeat=len(FLAWS)):
        flaws = {name: value for (name, value), on in zip(FLAWS.items(), flawed, strict=True) if on}
        for givers in ANSWERS:
            fact = replace(WHOLE, givers=givers, **flaws)  # type: ignore[arg-type]
            assert_agree(vrijw((CHILD,)), Facts(people=(PersonFacts(consents=(fact,)),)))


def random_consents(draw: random.Random) -> tuple[ConsentFact, ...]:
    found: list[ConsentFact] = []
    for number in range(draw.randrange(5)):
        flaws = {name: value for name, value in FLAWS.items() if draw.random() < 0.1}
        made = replace(
            WHOLE,
            id=f"c{number}",
            givers=draw.choice(ANSWERS),
            holders=draw.choice((0, 1, 2)),
            age=draw.choice([*AgeBand]),
            incapable=draw.random() < 0.2,
            without_parents=draw.choice((None, *WithoutParents)),
        )
        found.append(replace(made, **flaws))  # type: ignore[arg-type]
    return tuple(found)


def random_facts(draw: random.Random) -> Facts:
    measures = measure_facts()
    return Facts(
        reply=draw.choice((None, REPLY.reply)),
        question=draw.choice((None, QuestionFact(categories=frozenset(draw.sample([*Category], 8))))),
        corrected=draw.choice((None, CorrectedFact(categories=frozenset(draw.sample([*Category], 8))))),
        people=tuple(
            PersonFacts(consents=random_consents(draw), measures=tuple(draw.sample(measures, draw.randrange(3))))
            for _ in range(draw.randrange(3))
        ),
        spoed_since=draw.choice((None, MOMENTS[TODAY], MOMENTS[TODAY] - timedelta(hours=73))),
    )


def test_they_agree_on_groups_of_consents() -> None:
    """3c: several records of several persons at once, where a refusal counts against what is older."""
    draw = random.Random(20261124)
    permitted = 0
    for _ in range(8_000):
        facts = Facts(people=tuple(PersonFacts(consents=random_consents(draw)) for _ in range(2)))
        permitted += assert_agree(vrijw(draw.choice(((CHILD,), (PARENT,), (CHILD, PARENT)))), facts)
    assert permitted > 100


# ---- 4 ----


def test_they_agree_where_everything_varies_at_once() -> None:
    """4: random questions over all dimensions; the seed is fixed, so a failure comes back."""
    draw = random.Random(20261123)
    for _ in range(8_000):
        request = ask(
            (draw.choice(PARTIES), draw.choice(PARTIES)),
            draw.choice(PURPOSES),
            draw.choice(TYPES),
            draw.choice(ELEMENTS),
            necessary=draw.choice((None, *Necessity)),
            subjects=draw.choice((*PERSONS, (PARENT,), (CHILD, PARENT))),
            spoed=draw.random() < 0.5,
            profile=draw.choice(("profiel", "bericht", "vraag")),
        )
        assert_agree(request, draw.choice((NO_FACTS, random_facts(draw))), draw.choice((TODAY, TODAY, *DAYS)))


def test_the_space_holds_permits_and_denials() -> None:
    """The comparison above is not about denials alone: each ground that needs no facts permits, and no other."""
    permitting = {
        purpose
        for purpose in TABLE
        for pair, message_type, element in product(named_pairs(purpose), types_of(purpose), ELEMENTS)
        if assert_agree(ask(pair, purpose, message_type, element, necessary=Necessity.FORMAT))
    }
    answers = {"GI-BEPALING", "GI-MELD"}
    assert permitting == {"VTO", "RVDK-NOT", "RVDK-AANM", "RVDK-INFO", "MAATREGEL", "KLACHT"} | answers
