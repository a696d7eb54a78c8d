"""What binds a disclosure to the case: the question, the correction, the measure, and an emergency in its place."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import pytest

from consent.decide import decide
from consent.decision import Decision, Deny, Permit
from consent.facts import Executor, PersonFacts
from consent.memo import DecisionMemo
from consent.reasons import Mark, Reason
from consent.request import (
    CorrectedFact,
    DataSubject,
    DisclosureRequest,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
    Route,
    corrected_fact,
    question_fact,
    spoed_hours,
)
from consent.ties import FRAME, weigh_ties
from schemas.codes import AgeBand, Capacity, Category, Necessity, SubjectRole
from schemas.definitions import load_definitions
from schemas.identifiers import OIN, CaseId
from schemas.measures import MeasureType
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, GEMEENTE, RAAD, VTO, gi
from tests.unit.consent.facts_for_tests import ASKED, about_one, measure

RECIPIENT, SENDER, OTHER = Executor.RECIPIENT, Executor.SENDER, Executor.OTHER
REPORT: Final = replace(
    VTO, sender=RAAD, recipient=gi(Capacity.OTS), purpose="RVDK-RAP", message_type="raadsrapport", element="name"
)
ANSWER: Final = replace(
    VTO, sender=GEMEENTE, recipient=RAAD, purpose="RVDK-INFO-ANTW", message_type="informatieantwoord", element="name"
)
CORRECTION: Final = replace(VTO, purpose="CORRECTIE", message_type="correctie", element="name")
PARENT: Final = DataSubject(role=SubjectRole.OUDER, age=AgeBand.ADULT, place=1)


def decided(request: DisclosureRequest, facts: Facts, at: datetime = AT) -> Decision:
    decision = decide(request, catalogue=CATALOGUE, facts=facts, at=at)
    assert DecisionMemo(CATALOGUE).decide(request, facts=facts, at=at) == decision
    return decision


def reasons(decision: Decision) -> tuple[Reason, ...]:
    return decision.reasons if isinstance(decision, Deny) else ()


def of(label: tuple[Category, str, str], request: DisclosureRequest) -> DisclosureRequest:
    return replace(request, category=label[0], profile=label[1], element=label[2], necessary=Necessity.PROFESSIONAL)


# ---- asked ----


def test_an_answer_holds_what_the_question_named_and_nothing_else() -> None:
    facts = Facts(question=QuestionFact(categories=frozenset({Category.ZORGEN})))
    assert isinstance(decided(of((Category.ZORGEN, "leefgebied", "finding"), ANSWER), facts), Permit)
    for category in Category:
        if category not in (Category.ZORGEN, Category.KLACHT):
            denied = decided(of((category, "leefgebied", "finding"), ANSWER), facts)
            assert reasons(denied) == (Reason.CATEGORY_NOT_ASKED,), category


@pytest.mark.parametrize(("profile", "element"), sorted(FRAME))
def test_what_a_message_says_of_itself_needs_no_question(profile: str, element: str) -> None:
    label = (Category.PROCES, profile, element)
    assert isinstance(decided(of(label, ANSWER), Facts(question=QuestionFact(categories=frozenset()))), Permit)
    assert reasons(decided(of(label, ANSWER), Facts())) == (Reason.NOT_ASKED,)


@pytest.mark.parametrize(("profile", "element"), sorted(FRAME))
def test_its_name_alone_lets_nothing_of_another_category_through(profile: str, element: str) -> None:
    asked_for_nothing = Facts(question=QuestionFact(categories=frozenset()))
    denied = decided(of((Category.ZORGEN, profile, element), ANSWER), asked_for_nothing)
    assert reasons(denied) == (Reason.CATEGORY_NOT_ASKED,)


def test_what_a_message_says_of_itself_are_labels_of_the_category_process() -> None:
    definitions = load_definitions()
    assert {definitions.category(profile, element) for profile, element in FRAME} == {Category.PROCES}


@pytest.mark.parametrize(
    ("purpose", "sender", "recipient"),
    [
        ("RVDK-AANM", gi(Capacity.OTS), RAAD),
        ("GI-MELD", RAAD, gi(Capacity.OTS)),
        ("GI-BEPALING", GEMEENTE, gi(Capacity.OTS)),
    ],
)
def test_a_question_is_not_answered_as_if_it_were_an_assignment(purpose: str, sender: Party, recipient: Party) -> None:
    """Else one that the law says must be answered could be refused for any reason, and told what nobody asked."""
    answer = replace(ANSWER, sender=sender, recipient=recipient, purpose=purpose, profile="vraag", element="refusal")
    answer = replace(answer, category=Category.PROCES)
    assignment = Facts(reply=ReplyFact(message_type="aanmelding-uitvoering"))
    assert isinstance(decided(answer, assignment), Permit)
    question = Facts(
        reply=ReplyFact(message_type="informatieverzoek"), question=QuestionFact(categories=frozenset(Category))
    )
    assert reasons(decided(answer, question)) == (Reason.ANSWERS_A_QUESTION,)


def test_a_step_in_the_process_of_the_case_has_to_be_asked() -> None:
    status = of((Category.PROCES, "status", "businessStatus"), ANSWER)
    facts = Facts(question=QuestionFact(categories=frozenset({Category.ZORGEN})))
    assert reasons(decided(status, facts)) == (Reason.CATEGORY_NOT_ASKED,)
    named = Facts(question=QuestionFact(categories=frozenset({Category.PROCES})))
    assert isinstance(decided(status, named), Permit)


def test_a_question_is_a_message_that_asks() -> None:
    zorgen = frozenset({Category.ZORGEN})
    assert question_fact(ReplyFact(message_type="informatieverzoek"), asked=zorgen) == QuestionFact(categories=zorgen)
    assert question_fact(ReplyFact(message_type="verzoek-tot-onderzoek"), asked=zorgen) is None
    assert question_fact(None, asked=zorgen) is None


# ---- prior ----


def test_a_correction_holds_the_categories_that_were_released_then() -> None:
    facts = Facts(corrected=CorrectedFact(categories=frozenset({Category.ZORGEN})))
    assert isinstance(decided(of((Category.ZORGEN, "leefgebied", "finding"), CORRECTION), facts), Permit)
    address = of((Category.ADRES, "jeugdige", "address"), CORRECTION)
    assert reasons(decided(address, facts)) == (Reason.CATEGORY_NOT_RELEASED_THEN,)
    assert reasons(decided(address, Facts())) == (Reason.NOT_CORRECTED,)


def test_a_correction_can_say_why_whatever_was_released() -> None:
    facts = Facts(corrected=CorrectedFact(categories=frozenset({Category.ZORGEN})))
    assert isinstance(decided(of((Category.PROCES, "correctie", "reason"), CORRECTION), facts), Permit)
    wrong = of((Category.PROCES, "correctie", "wrong-proces"), CORRECTION)
    assert reasons(decided(wrong, facts)) == (Reason.CATEGORY_NOT_RELEASED_THEN,)


def test_only_what_went_the_same_way_is_corrected() -> None:
    sender, recipient, other = (OIN(f"0000009900000000{n}000") for n in (1, 2, 3))
    route = Route(sender=sender, recipient=recipient, case=CaseId("7d" * 16))
    released = frozenset({Category.ZORGEN})
    assert corrected_fact(route, corrected=route, released=released) == CorrectedFact(categories=released)
    assert corrected_fact(route, corrected=route, released=frozenset()) is None
    for elsewhere in (
        replace(route, recipient=other),
        replace(route, sender=other),
        Route(sender=recipient, recipient=sender, case=route.case),
        replace(route, case=CaseId("8e" * 16)),
    ):
        assert corrected_fact(route, corrected=elsewhere, released=released) is None


# ---- measure ----


def test_a_permit_names_the_measure_that_it_rests_on() -> None:
    assert decided(REPORT, about_one(measure(RECIPIENT))) == Permit(
        ground="RVDK-RAP", row="RVDK-RAP", relied_on=("ots-of-recipient",)
    )


def test_a_measure_that_only_the_gi_states_is_marked() -> None:
    decision = decided(REPORT, about_one(measure(RECIPIENT, lapses_on=date(2026, 11, 24))))
    assert isinstance(decision, Permit)
    assert decision.marks == (Mark.SELF_DECLARED,)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"valid_from": date(2026, 11, 24)}, Reason.MEASURE_NOT_BEGUN),
        ({"valid_until": date(2026, 11, 22)}, Reason.MEASURE_ENDED),
        ({"lapses_on": date(2026, 11, 23)}, Reason.MEASURE_LAPSED),
        ({"type": MeasureType.VOOGDIJ}, Reason.MEASURE_MISSING),
        ({"executor": OTHER}, Reason.MEASURE_OTHER_EXECUTOR),
        ({"executor": SENDER}, Reason.MEASURE_OTHER_EXECUTOR),
    ],
)
def test_a_measure_that_does_not_bind_says_why(change: dict[str, Any], expected: Reason) -> None:
    assert reasons(decided(REPORT, about_one(replace(measure(RECIPIENT), **change)))) == (expected,)


def test_what_is_about_a_parent_is_bound_by_a_child_of_the_message() -> None:
    child = PersonFacts(measures=(measure(RECIPIENT),))
    about_parent = replace(REPORT, subjects=(PARENT,))
    decision = decided(about_parent, Facts(people=(child, PersonFacts())))
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("ots-of-recipient",)
    assert reasons(decided(about_parent, Facts(people=(PersonFacts(), PersonFacts())))) == (Reason.MEASURE_MISSING,)
    assert reasons(decided(about_parent, Facts())) == (Reason.MEASURE_MISSING,)
    ended = PersonFacts(measures=(measure(RECIPIENT, valid_until=date(2026, 1, 2)),))
    assert reasons(decided(about_parent, Facts(people=(ended, PersonFacts())))) == (
        Reason.MEASURE_MISSING,
        Reason.MEASURE_ENDED,
    )


# ---- an emergency ----

URGENT: Final = replace(REPORT, spoed=True)


def urgent(since: timedelta | None, *known: Any) -> Decision:
    return decided(URGENT, about_one(*known, spoed_since=None if since is None else AT - since))


def test_an_emergency_stands_in_for_a_measure_that_is_not_stated_yet() -> None:
    expected = Permit(ground="RVDK-RAP", row="RVDK-RAP", marks=(Mark.SPOED,))
    assert urgent(None) == expected
    assert urgent(None, measure(RECIPIENT, valid_until=date(2026, 1, 2))) == expected
    assert urgent(None, measure(RECIPIENT, valid_from=date(2026, 11, 24))) == expected


def test_an_emergency_lasts_72_hours_from_its_first_message() -> None:
    hours = timedelta(hours=72)
    assert isinstance(urgent(hours - timedelta(seconds=1)), Permit)
    assert reasons(urgent(hours)) == (Reason.MEASURE_MISSING, Reason.SPOED_OVER)


def test_once_the_measure_is_stated_the_emergency_is_only_a_mark() -> None:
    decision = urgent(timedelta(hours=90), measure(RECIPIENT))
    assert decision == Permit(ground="RVDK-RAP", row="RVDK-RAP", relied_on=("ots-of-recipient",), marks=(Mark.SPOED,))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([measure(OTHER)], Reason.MEASURE_OTHER_EXECUTOR),
        ([measure(RECIPIENT), measure(OTHER)], Reason.MEASURE_CONTRADICTED),
        ([measure(RECIPIENT, lapses_on=date(2026, 11, 23))], Reason.MEASURE_LAPSED),
    ],
)
def test_an_emergency_does_not_outweigh_what_is_stated(known: list[Any], expected: Reason) -> None:
    assert reasons(urgent(None, *known)) == (expected,)


def test_an_emergency_widens_no_row_that_does_not_say_so() -> None:
    handover = replace(URGENT, sender=gi(Capacity.OTS), purpose="GI-OVERDRACHT", message_type="overdracht-gi")
    assert reasons(decided(handover, about_one())) == (Reason.MEASURE_MISSING,)
    guardian = replace(URGENT, recipient=gi(Capacity.VOOGDIJ), purpose="GI-VOOGDIJ-IN", message_type="casusinformatie")
    assert reasons(decided(guardian, about_one())) == (Reason.MEASURE_MISSING,)


def test_an_emergency_stands_in_for_no_question() -> None:
    answer = replace(URGENT, purpose="GI-OTS-ANTW", message_type="informatieantwoord")
    assert reasons(decided(answer, about_one())) == (Reason.NOT_ASKED,)
    assert isinstance(decided(answer, about_one(question=ASKED)), Permit)


def test_one_memo_knows_that_an_emergency_is_over() -> None:
    """The hour decides, not only the day; what is remembered is remembered for the hour."""
    memo = DecisionMemo(CATALOGUE)
    facts = about_one(spoed_since=AT - timedelta(hours=71, minutes=59))
    assert isinstance(memo.decide(URGENT, facts=facts, at=AT), Permit)
    assert isinstance(memo.decide(URGENT, facts=facts, at=AT + timedelta(minutes=1)), Deny)


@pytest.mark.parametrize(
    ("since", "hours"),
    [
        (None, 0),
        (AT, 0),
        (AT + timedelta(hours=1), 0),
        (AT - timedelta(minutes=59), 0),
        (AT - timedelta(minutes=60), 1),
        (AT - timedelta(hours=72), 72),
        (AT.replace(tzinfo=None), 0),
    ],
)
def test_hours_are_whole_and_never_less_than_none(since: datetime | None, hours: int) -> None:
    assert spoed_hours(AT, since) == hours
    assert spoed_hours(AT.replace(tzinfo=None), since) == 0


# ---- several persons ----


def test_what_is_about_two_children_needs_the_measure_of_each() -> None:
    both = replace(REPORT, subjects=(CHILD, replace(CHILD, place=1)))
    one, other = (PersonFacts(measures=(measure(RECIPIENT, id=name),)) for name in ("one", "other"))
    decision = decided(both, Facts(people=(one, other)))
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("one", "other")
    assert reasons(decided(both, Facts(people=(one, PersonFacts())))) == (Reason.MEASURE_MISSING,)


def test_what_is_marked_for_one_of_two_children_is_marked() -> None:
    both = replace(REPORT, subjects=(CHILD, replace(CHILD, place=1)))
    sure, declared = (PersonFacts(measures=(measure(RECIPIENT, lapses_on=day),)) for day in (None, date(2026, 11, 24)))
    decision = decided(both, Facts(people=(sure, declared)))
    assert isinstance(decision, Permit)
    assert decision.marks == (Mark.SELF_DECLARED,)


@pytest.mark.parametrize("place", [-1, 2, 16])
def test_of_a_person_who_is_not_in_the_message_nothing_is_known(place: int) -> None:
    nobody = replace(REPORT, subjects=(replace(CHILD, place=place),))
    known = PersonFacts(measures=(measure(RECIPIENT),))
    assert reasons(decided(nobody, Facts(people=(known, known)))) == (Reason.MEASURE_MISSING,)


def test_a_tie_that_there_is_not_is_our_own_mistake() -> None:
    row = replace(CATALOGUE.row("VTO"), ties=("moon",))  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        weigh_ties(row, VTO, facts=Facts(), day=date(2026, 11, 23), hours=0)
