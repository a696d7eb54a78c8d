"""What holds for every question: a restriction never permits, the unknown is denied, and nothing makes it fail."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.decide import decide, decide_pseudonym
from consent.decision import Decision, Deny, Permit
from consent.explain import explain
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Catalogue, Ground, Side, Tie, packaged_catalogue
from consent.memo import DecisionMemo
from consent.reasons import Reason
from consent.request import (
    CorrectedFact,
    DataSubject,
    DisclosureRequest,
    Exchange,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
)
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.consents import Answer, GivenAnswer, Giver, WithoutParents
from schemas.measures import MeasureType

CATALOGUE: Final = packaged_catalogue()
MEMO: Final = DecisionMemo(CATALOGUE, entries_max=200)
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


@FEW
@given(permitted())
def test_a_row_permits_what_it_names(question: tuple[DisclosureRequest, Facts]) -> None:
    request, facts = question
    decision = ask(request, facts, AT)
    assert isinstance(decision, Permit)
    assert decision.ground == request.purpose


@FEW
@given(requests, all_facts, moments)
def test_the_answer_is_the_same_however_often_and_however_asked(
    request: DisclosureRequest, facts: Facts, at: datetime
) -> None:
    expected = ask(request, facts, at)
    assert ask(request, facts, at) == expected
    assert [MEMO.decide(request, facts=facts, at=at) for _ in range(2)] == [expected, expected]
    exchange = Exchange(
        sender=request.sender,
        recipient=request.recipient,
        purpose=request.purpose,
        message_type=request.message_type,
        spoed=request.spoed,
    )
    message = MEMO.for_message(exchange, facts=facts, at=at)
    for _ in range(2):
        decision = message.decide(
            request.profile,
            request.element,
            category=request.category,
            subjects=request.subjects,
            necessary=request.necessary,
        )
        assert decision == expected


@FEW
@given(requests, all_facts, moments)
def test_a_denial_has_reasons_each_once_in_the_order_of_the_checks(
    request: DisclosureRequest, facts: Facts, at: datetime
) -> None:
    decision = ask(request, facts, at)
    if isinstance(decision, Deny):
        order = [list(Reason).index(reason) for reason in decision.reasons]
        assert order
        assert order == sorted(set(order))


@FEW
@given(requests, all_facts, moments)
def test_every_decision_can_be_explained_in_both_languages(
    request: DisclosureRequest, facts: Facts, at: datetime
) -> None:
    told = explain(ask(request, facts, at), request=request, catalogue=CATALOGUE)
    assert len(told.nl) == len(told.en) >= 2
    assert all([*told.nl, *told.en])


# ---- adding a denial never permits ----

RESTRICTIONS: Final[dict[str, Callable[[Ground], Ground]]] = {
    "off": lambda row: replace(row, in_force=False),
    "a tie more": lambda row: replace(row, ties=(*row.ties, Tie.RAAD_CASE)),
    "every tie": lambda row: replace(row, ties=tuple(Tie)),
    "no emergency": lambda row: replace(row, spoed_hours=None),
    "no categories": lambda row: replace(row, categories=frozenset()),
    "a category less": lambda row: replace(row, categories=row.categories - {Category.IDENTIFICATIE}),
    "everything necessary": lambda row: replace(row, necessary=row.categories),
    "elements limited": lambda row: replace(row, only={category: frozenset({"name"}) for category in row.categories}),
    "no message types": lambda row: replace(row, message_types=frozenset()),
    "nobody sends": lambda row: replace(row, sender=Side(roles=frozenset(), capacities=frozenset())),
    "nobody receives": lambda row: replace(row, recipient=Side(roles=frozenset(), capacities=frozenset())),
    "no capacity": lambda row: replace(row, sender=replace(row.sender, capacities=frozenset())),
    "ended": lambda row: replace(row, valid_until=row.valid_from - timedelta(days=1)),
}


def restricted(names: set[str], restriction: Callable[[Ground], Ground]) -> Catalogue:
    rows = tuple(restriction(row) if row.name in names else row for row in CATALOGUE.grounds)
    return replace(CATALOGUE, grounds=rows)


questions = permitted() | st.tuples(requests, all_facts)
row_names = st.sets(st.sampled_from([row.name for row in CATALOGUE.grounds]))


@FEW
@given(questions, row_names, st.sampled_from(sorted(RESTRICTIONS)))
def test_restricting_rows_never_permits_what_was_denied(
    question: tuple[DisclosureRequest, Facts], names: set[str], restriction: str
) -> None:
    request, facts = question
    before = ask(request, facts, AT)
    after = ask(request, facts, AT, restricted(names, RESTRICTIONS[restriction]))
    assert isinstance(before, Permit) or isinstance(after, Deny)


@FEW
@given(questions, row_names)
def test_taking_rows_away_never_permits_what_was_denied(
    question: tuple[DisclosureRequest, Facts], names: set[str]
) -> None:
    request, facts = question
    fewer = replace(CATALOGUE, grounds=tuple(row for row in CATALOGUE.grounds if row.name not in names))
    assert isinstance(ask(request, facts, AT), Permit) or isinstance(ask(request, facts, AT, fewer), Deny)


@FEW
@given(permitted())
def test_with_every_row_off_nothing_is_permitted(question: tuple[DisclosureRequest, Facts]) -> None:
    request, facts = question
    names = {row.name for row in CATALOGUE.grounds}
    assert ask(request, facts, AT, restricted(names, RESTRICTIONS["off"])) == Deny(reasons=(Reason.GROUND_OFF,))


@FEW
@given(permitted(), st.sampled_from([tie for tie in Tie if tie is not Tie.REPLY]))
def test_a_tie_of_which_nothing_is_known_denies(question: tuple[DisclosureRequest, Facts], tie: Tie) -> None:
    request, facts = question
    tied = replace(CATALOGUE, grounds=tuple(replace(row, ties=(tie,)) for row in CATALOGUE.grounds))
    decision = ask(request, Facts(reply=facts.reply), AT, tied)
    assert isinstance(decision, Deny)


# ---- knowing less, and taking back, never permits ----

LESS_CONSENT: Final[dict[str, Callable[[ConsentFact], ConsentFact]]] = {
    "withdrawn": lambda fact: replace(fact, withdrawn=True),
    "refused": lambda fact: replace(fact, givers=tuple(replace(each, answer=Answer.NO) for each in fact.givers)),
    "nobody said yes": lambda fact: replace(fact, givers=()),
    "one more with authority": lambda fact: replace(fact, holders=fact.holders + 1),
    "no categories": lambda fact: replace(fact, categories=frozenset()),
    "no purposes": lambda fact: replace(fact, purposes=frozenset()),
    "not for this recipient": lambda fact: replace(fact, for_recipient=False),
    "not of the sender": lambda fact: replace(fact, by_sender=False),
    "ended": lambda fact: replace(fact, valid_until=date(2014, 1, 1)),
    "not begun": lambda fact: replace(fact, valid_from=date(2031, 1, 1)),
}
LESS_MEASURE: Final[dict[str, Callable[[MeasureFact], MeasureFact]]] = {
    "ended": lambda fact: replace(fact, valid_until=date(2014, 1, 1), valid_from=date(2013, 1, 1)),
    "not begun": lambda fact: replace(fact, valid_from=date(2031, 1, 1)),
    "lapsed": lambda fact: replace(fact, lapses_on=date(2014, 1, 1)),
}


def with_person(facts: Facts, place: int, change: Callable[[PersonFacts], PersonFacts]) -> Facts:
    return replace(
        facts, people=tuple(change(person) if place == at else person for at, person in enumerate(facts.people))
    )


@FEW
@given(permitted(), st.sampled_from(sorted(LESS_CONSENT)))
def test_whatever_is_wrong_with_the_only_consent_denies(question: tuple[DisclosureRequest, Facts], less: str) -> None:
    request, facts = question
    for place in range(len(request.subjects)):
        worse = with_person(
            facts, place, lambda person: replace(person, consents=tuple(map(LESS_CONSENT[less], person.consents)))
        )
        before, after = ask(request, facts, AT), ask(request, worse, AT)
        assert isinstance(before, Permit)
        consented = any(Tie.CONSENT in row.ties for row in CATALOGUE.rows(request.purpose))
        # From 16 on, who has authority has no say.
        alone = request.subjects[place].age in (AgeBand.FROM_16, AgeBand.ADULT) and less == "one more with authority"
        assert isinstance(after, Deny) is (consented and not alone)


@FEW
@given(
    st.tuples(requests, all_facts),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["withdrawn", "not of the sender"]),
)
def test_withdrawing_any_consent_never_permits(
    question: tuple[DisclosureRequest, Facts], place: int, number: int, less: str
) -> None:
    """Of a refusal too: a no that was withdrawn is still no yes."""
    request, facts = question

    def worse(person: PersonFacts) -> PersonFacts:
        return replace(
            person,
            consents=tuple(
                LESS_CONSENT[less](fact) if at == number else fact for at, fact in enumerate(person.consents)
            ),
        )

    before, after = ask(request, facts, AT), ask(request, with_person(facts, place, worse), AT)
    assert isinstance(before, Permit) or isinstance(after, Deny)


@FEW
@given(questions, consents, st.integers(0, 2))
def test_a_new_refusal_never_permits(
    question: tuple[DisclosureRequest, Facts], refusal: ConsentFact, place: int
) -> None:
    request, facts = question
    said_no = LESS_CONSENT["refused"](refusal)
    worse = with_person(facts, place, lambda person: replace(person, consents=(said_no, *person.consents)))
    assert isinstance(ask(request, facts, AT), Permit) or isinstance(ask(request, worse, AT), Deny)


@FEW
@given(questions, st.integers(0, 2))
def test_knowing_less_never_permits(question: tuple[DisclosureRequest, Facts], place: int) -> None:
    request, facts = question
    before = ask(request, facts, AT)
    for fewer in (
        replace(facts, question=None),
        replace(facts, corrected=None),
        replace(facts, people=facts.people[:place]),
        with_person(facts, place, lambda person: replace(person, consents=())),
        replace(facts, people=tuple(replace(person, measures=()) for person in facts.people)),
    ):
        # An emergency stands in for a measure that is not stated: there knowing less can permit, and is marked.
        after = ask(replace(request, spoed=False), fewer, AT)
        assert isinstance(before, Permit) or request.spoed or isinstance(after, Deny)


@FEW
@given(permitted(), st.sampled_from(sorted(LESS_MEASURE)))
def test_whatever_is_wrong_with_the_only_measure_denies(question: tuple[DisclosureRequest, Facts], less: str) -> None:
    request, facts = question
    worse = replace(
        facts,
        people=tuple(
            replace(person, measures=tuple(map(LESS_MEASURE[less], person.measures))) for person in facts.people
        ),
    )
    ties = {
        tie for row in CATALOGUE.rows(request.purpose) for tie in row.ties if request.message_type in row.message_types
    }
    assert isinstance(ask(request, worse, AT), Deny) is bool({Tie.MEASURE, Tie.MEASURE_OF_EITHER} & ties)


@FEW
@given(permitted(), measures)
def test_a_measure_of_somebody_else_never_permits(
    question: tuple[DisclosureRequest, Facts], other: MeasureFact
) -> None:
    request, facts = question
    elsewhere = replace(other, executor=Executor.OTHER, id="other")
    worse = replace(
        facts, people=tuple(replace(person, measures=(*person.measures, elsewhere)) for person in facts.people)
    )
    after = ask(request, worse, AT)
    assert isinstance(after, Deny) or "other" not in after.relied_on


@FEW
@given(permitted())
def test_a_permit_names_the_records_that_it_rests_on(question: tuple[DisclosureRequest, Facts]) -> None:
    request, facts = question
    decision = ask(request, facts, AT)
    assert isinstance(decision, Permit)
    ties = set(CATALOGUE.row(decision.row).ties)
    expected = ("c0",) if Tie.CONSENT in ties else ("m0",) if ties & {Tie.MEASURE, Tie.MEASURE_OF_EITHER} else ()
    assert decision.relied_on == expected


# ---- the unknown is denied ----

UNKNOWN: Final[dict[str, st.SearchStrategy[Any]]] = {
    "purpose": st.text().filter(lambda text: text not in codes),
    "message_type": st.text().filter(lambda text: text not in types),
    "sender": parties.filter(lambda party: party.role is Role.INKOOPORGANISATIE),
    "recipient": parties.filter(lambda party: party.role is Role.INKOOPORGANISATIE),
    "subjects": st.just(()),
}


@FEW
@given(permitted(), st.data())
def test_what_no_row_names_is_denied(question: tuple[DisclosureRequest, Facts], data: st.DataObject) -> None:
    request, facts = question
    member = data.draw(st.sampled_from(sorted(UNKNOWN)))
    decision = ask(replace(request, **{member: data.draw(UNKNOWN[member])}), facts, AT)
    assert isinstance(decision, Deny)


garbage = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.none()),
    st.dictionaries(st.text(), st.none()),
    st.sampled_from([*Role, *Capacity, *Category, *AgeBand]).map(str.__str__),
    st.just(CATALOGUE),
    st.builds(object),
)


@FEW
@given(garbage, garbage, garbage, garbage)
def test_garbage_is_denied_and_never_raises(request: Any, catalogue: Any, facts: Any, at: Any) -> None:
    assert decide(request, catalogue=catalogue, facts=facts, at=at) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.data())
def test_one_part_of_another_type_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    """Whatever one part is, it is not believed: garbage in its place denies."""
    request, facts = question
    of_facts = [field.name for field in fields(facts)]
    part = data.draw(
        st.sampled_from([*(field.name for field in fields(request)), "catalogue", "facts", "at", *of_facts])
    )
    wrong = data.draw(garbage.filter(lambda value: not fits(part, value)))
    decision = decide(
        replace(request, **{part: wrong}) if hasattr(request, part) else request,
        catalogue=wrong if part == "catalogue" else CATALOGUE,
        facts=wrong if part == "facts" else replace(facts, **{part: wrong}) if part in of_facts else facts,
        at=wrong if part == "at" else AT,
    )
    assert decision == Deny(reasons=(Reason.NOT_EVALUABLE,))


def fits(part: str, value: object) -> bool:
    """Whether this piece of garbage is, by chance, of the type of the part."""
    texts = {"purpose", "message_type", "profile", "element"}
    return (
        (part in texts and isinstance(value, str))
        or (part == "spoed" and isinstance(value, bool))
        or (part in {"necessary", "reply", "question", "corrected", "spoed_since"} and value is None)
        or (part == "catalogue" and isinstance(value, Catalogue))
        or (part == "category" and isinstance(value, Category))
    )


@FEW
@given(permitted(), st.data())
def test_a_broken_party_or_person_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    request, facts = question
    words: Callable[[Any], Any] = str  # a word of the right spelling is still of the wrong type
    broken: dict[str, Callable[[Any], DisclosureRequest]] = {
        "role": lambda wrong: replace(request, sender=replace(request.sender, role=wrong)),
        "capacity": lambda wrong: replace(request, recipient=replace(request.recipient, capacity=wrong)),
        "admitted": lambda wrong: replace(request, sender=replace(request.sender, admitted=wrong)),
        "one admitted": lambda wrong: replace(
            request, sender=replace(request.sender, admitted=frozenset({words(wrong)}))
        ),
        "subject role": lambda wrong: replace(request, subjects=(replace(request.subjects[0], role=wrong),)),
        "age": lambda wrong: replace(request, subjects=(replace(request.subjects[0], age=wrong),)),
        "turns": lambda wrong: replace(request, subjects=(replace(request.subjects[0], turns=wrong),)),
        "subjects": lambda wrong: replace(request, subjects=(*request.subjects, wrong)),
    }
    part = data.draw(st.sampled_from(sorted(broken)))
    wrong = data.draw(garbage.filter(lambda value: value is not None or part not in {"capacity", "turns"}))
    assert ask(broken[part](wrong), facts, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.data())
def test_a_broken_fact_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    """Each part of each fact, with garbage in its place, and with a word of the right spelling."""
    request, facts = question
    person = facts.people[0]
    kind = data.draw(st.sampled_from(["consents", "measures"]))
    fact: Any = getattr(person, kind)[0]
    part = data.draw(st.sampled_from([field.name for field in fields(fact)]))
    wrong = data.draw(
        garbage.filter(
            lambda value: (
                not (part == "id" and isinstance(value, str))
                and not (part in {"valid_until", "lapses_on", "without_parents"} and value is None)
                and not (part in {"by_sender", "for_recipient", "withdrawn", "incapable"} and isinstance(value, bool))
                and not (part == "holders" and type(value) is int)
                and not (part == "age" and type(value) is AgeBand)
            )
        )
    )
    broken = with_person(
        facts, 0, lambda person: replace(person, **{kind: (replace(fact, **{part: wrong}), *getattr(person, kind))})
    )
    if not (kind == "consents" and part == "valid_until" and wrong is None):
        assert ask(request, broken, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), garbage)
def test_broken_people_and_sets_are_denied(question: tuple[DisclosureRequest, Facts], wrong: Any) -> None:
    request, facts = question
    answer = GivenAnswer(who=wrong, answer=Answer.YES)
    for broken in (
        replace(facts, people=(wrong,)),
        replace(facts, question=QuestionFact(categories=wrong)),
        replace(facts, corrected=CorrectedFact(categories=frozenset({str(type(wrong))}))),  # type: ignore[arg-type]
        replace(facts, people=(replace(facts.people[0], consents=wrong),)),
        replace(facts, people=(replace(facts.people[0], measures=[]),)),  # type: ignore[arg-type]
        replace(facts, people=(PersonFacts(consents=(replace(WHOLE, givers=(answer,)),)),)),
        replace(facts, people=(PersonFacts(consents=(replace(WHOLE, givers=(wrong,)),)),)),
        replace(facts, spoed_since=AT.replace(tzinfo=None)),
    ):
        assert ask(request, broken, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted())
def test_a_moment_in_the_place_of_a_birthday_is_denied(question: tuple[DisclosureRequest, Facts]) -> None:
    """A datetime is a date to Python, and comparing the two raises."""
    request, facts = question
    child = replace(request.subjects[0], age=AgeBand.FROM_12, turns=AT)
    assert ask(replace(request, subjects=(child,)), facts, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.datetimes(timezones=st.none() | st.timezones()))
def test_any_moment_at_all_gets_an_answer(question: tuple[DisclosureRequest, Facts], at: datetime) -> None:
    request, facts = question
    assert isinstance(ask(request, facts, at), Permit | Deny)


@FEW
@given(st.lists(st.builds(ask, requests, all_facts, moments), max_size=5))
def test_a_pseudonym_goes_exactly_when_something_about_the_person_goes(decisions: list[Decision]) -> None:
    goes = any(isinstance(decision, Permit) for decision in decisions)
    assert isinstance(decide_pseudonym(decisions), Permit) is goes
