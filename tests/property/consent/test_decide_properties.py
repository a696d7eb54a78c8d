"""What holds for every question: a restriction never permits, and neither does knowing less or taking back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from consent.decision import Deny, Permit
from consent.explain import explain
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Catalogue, Ground, Side, Tie
from consent.memo import DecisionMemo
from consent.reasons import Reason
from consent.request import (
    DisclosureRequest,
    Exchange,
    Facts,
)
from schemas.codes import AgeBand, Category
from schemas.consents import Answer
from tests.property.consent.questions import (
    AT,
    CATALOGUE,
    FEW,
    all_facts,
    ask,
    consents,
    measures,
    moments,
    permitted,
    requests,
    with_person,
)

MEMO: Final = DecisionMemo(CATALOGUE, entries_max=200)


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
