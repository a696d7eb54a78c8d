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
from consent.grounds import Catalogue, Ground, Side, Tie, packaged_catalogue
from consent.memo import DecisionMemo
from consent.reasons import Reason
from consent.request import DataSubject, DisclosureRequest, Exchange, Facts, Party, ReplyFact
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole

CATALOGUE: Final = packaged_catalogue()
MEMO: Final = DecisionMemo(CATALOGUE, entries_max=200)
FEW: Final = settings(max_examples=60, deadline=None)

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
    DataSubject, role=st.sampled_from(SubjectRole), age=st.sampled_from(AgeBand), turns=st.none() | days
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
all_facts = st.builds(Facts, reply=st.none() | st.builds(ReplyFact, message_type=st.sampled_from(types)))


@st.composite
def permitted(draw: st.DrawFn) -> tuple[DisclosureRequest, Facts]:
    """A question that is permitted, made from a row that can permit."""
    rows = [row for row in CATALOGUE.grounds if row.in_force and row.message_types and set(row.ties) <= {Tie.REPLY}]
    row = draw(st.sampled_from([row for row in rows if row.categories]))
    category = draw(st.sampled_from(sorted(row.categories)))
    request = DisclosureRequest(
        sender=draw(stands(row.sender)),
        recipient=draw(stands(row.recipient)),
        purpose=row.code,
        message_type=draw(st.sampled_from(sorted(row.message_types))),
        profile="jeugdige",
        element=draw(st.sampled_from(sorted(row.only.get(category, ["anders"])))),
        category=category,
        subjects=tuple(draw(st.lists(st.builds(plain, st.sampled_from(AgeBand)), min_size=1, max_size=3))),
        necessary=draw(st.sampled_from(Necessity)),
    )
    return request, draw(all_facts)


def plain(age: AgeBand) -> DataSubject:
    return DataSubject(role=SubjectRole.JEUGDIGE, age=age)


def stands(side: Side) -> st.SearchStrategy[Party]:
    gi = st.sampled_from(sorted(side.capacities) or [Capacity.OTS]).map(
        lambda capacity: Party(role=Role.GI, capacity=capacity, admitted=frozenset({capacity}))
    )
    return st.sampled_from(sorted(side.roles)).flatmap(
        lambda role: gi if role is Role.GI else st.just(Party(role=role))
    )


AT: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)


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
    "a tie more": lambda row: replace(row, ties=(*row.ties, Tie.MEASURE)),
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
    part = data.draw(st.sampled_from([*(field.name for field in fields(request)), "catalogue", "facts", "reply", "at"]))
    wrong = data.draw(garbage.filter(lambda value: not fits(part, value)))
    decision = decide(
        replace(request, **{part: wrong}) if hasattr(request, part) else request,
        catalogue=wrong if part == "catalogue" else CATALOGUE,
        facts=wrong if part == "facts" else replace(facts, reply=wrong) if part == "reply" else facts,
        at=wrong if part == "at" else AT,
    )
    assert decision == Deny(reasons=(Reason.NOT_EVALUABLE,))


def fits(part: str, value: object) -> bool:
    """Whether this piece of garbage is, by chance, of the type of the part."""
    texts = {"purpose", "message_type", "profile", "element"}
    return (
        (part in texts and isinstance(value, str))
        or (part == "spoed" and isinstance(value, bool))
        or (part in {"necessary", "reply"} and value is None)
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
