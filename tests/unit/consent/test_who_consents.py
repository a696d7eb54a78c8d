"""Who consents: an adult for himself, who has authority for a child, the young person too, and from 16 alone."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from consent.consents import has_to_answer, is_complete, is_refused
from consent.decide import decide
from consent.decision import Decision, Deny, Permit
from consent.facts import ConsentFact, PersonFacts
from consent.reasons import Mark, Reason
from consent.request import DataSubject, DisclosureRequest, Facts
from schemas.codes import AgeBand, Capacity, Category, SubjectRole
from schemas.consents import WithoutParents
from tests.unit.consent.builders import AT, CATALOGUE, GEMEENTE, VTO, gi
from tests.unit.consent.facts_for_tests import (
    GUARDIAN,
    PARENT,
    REPRESENTATIVE,
    SELF,
    consent,
    no,
    yes,
)

CARE: Final = replace(
    VTO,
    sender=GEMEENTE,
    recipient=gi(Capacity.PREVENTIEF),
    purpose="VRIJW",
    message_type="casusinformatie",
    profile="leefgebied",
    element="finding",
    category=Category.ZORGEN,
)
CONSIDERED, DISADVANTAGE = WithoutParents.CONSIDERED, WithoutParents.SERIOUS_DISADVANTAGE


def asked(request: DisclosureRequest, *people: tuple[ConsentFact, ...]) -> Decision:
    facts = Facts(people=tuple(PersonFacts(consents=each) for each in people))
    return decide(request, catalogue=CATALOGUE, facts=facts, at=AT)


def at_age(age: AgeBand, /, **change: Any) -> Decision:
    """Decide about a finding on somebody of an age, with one consent."""
    person = DataSubject(role=SubjectRole.JEUGDIGE, age=age)
    return asked(replace(CARE, subjects=(person,)), (consent(**change),))


def permitted(decision: Decision) -> bool:
    return isinstance(decision, Permit)


def reasons(decision: Decision) -> tuple[Reason, ...]:
    return decision.reasons if isinstance(decision, Deny) else ()


INCOMPLETE: Final = (Reason.CONSENT_GIVERS_INCOMPLETE,)
REFUSED: Final = (Reason.CONSENT_REFUSED,)


# ---- under 12, and not born yet ----


@pytest.mark.parametrize("age", [AgeBand.UNBORN, AgeBand.UNDER_12])
def test_for_a_child_under_12_each_parent_with_authority_consents(age: AgeBand) -> None:
    assert permitted(at_age(age, holders=2, givers=yes(PARENT, PARENT)))
    assert permitted(at_age(age, holders=1, givers=yes(PARENT)))
    assert reasons(at_age(age, holders=2, givers=yes(PARENT))) == INCOMPLETE


@pytest.mark.parametrize("age", [AgeBand.UNBORN, AgeBand.UNDER_12])
def test_one_of_two_parents_who_refuses_is_enough_to_refuse(age: AgeBand) -> None:
    assert reasons(at_age(age, givers=yes(PARENT) + no(PARENT))) == REFUSED


def test_for_a_child_under_12_the_guardian_consents_in_the_place_of_parents() -> None:
    assert permitted(at_age(AgeBand.UNDER_12, holders=1, givers=yes(GUARDIAN)))
    assert permitted(at_age(AgeBand.UNDER_12, holders=2, givers=yes(GUARDIAN, GUARDIAN)))


def test_a_guardian_institution_consents_as_one_holder_of_authority() -> None:
    """A GI with voogdij is one holder, whoever of its people signs."""
    assert permitted(at_age(AgeBand.UNDER_12, holders=1, givers=yes(GUARDIAN)))
    assert reasons(at_age(AgeBand.UNDER_12, holders=1, givers=no(GUARDIAN))) == REFUSED


def test_where_nobody_has_authority_nobody_can_consent_for_a_child() -> None:
    assert reasons(at_age(AgeBand.UNDER_12, holders=0, givers=yes(SELF))) == INCOMPLETE


def test_a_child_under_12_neither_consents_nor_refuses() -> None:
    assert permitted(at_age(AgeBand.UNDER_12, givers=yes(PARENT, PARENT) + no(SELF)))
    assert reasons(at_age(AgeBand.UNDER_12, givers=yes(SELF))) == INCOMPLETE


# ---- 12 to 15 ----


def test_at_12_to_15_the_young_person_and_the_parents_consent() -> None:
    assert permitted(at_age(AgeBand.FROM_12, givers=yes(SELF, PARENT, PARENT)))
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(PARENT, PARENT))) == INCOMPLETE
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(SELF, PARENT))) == INCOMPLETE
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(SELF))) == INCOMPLETE


def test_at_12_to_15_any_of_them_can_refuse() -> None:
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(PARENT, PARENT) + no(SELF))) == REFUSED
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(SELF, PARENT) + no(PARENT))) == REFUSED


@pytest.mark.parametrize("reason", [DISADVANTAGE, CONSIDERED])
def test_at_12_to_15_without_the_parents_it_takes_a_recorded_reason_and_is_looked_at_afterwards(
    reason: WithoutParents,
) -> None:
    decision = at_age(AgeBand.FROM_12, givers=yes(SELF), without_parents=reason)
    assert decision == Permit(
        ground="VRIJW", row="VRIJW.naar-gi", relied_on=("consent-1",), marks=(Mark.WITHOUT_PARENTS,)
    )


def test_at_12_to_15_the_young_person_holds_to_it_though_the_parents_refuse() -> None:
    assert permitted(at_age(AgeBand.FROM_12, givers=yes(SELF) + no(PARENT, PARENT), without_parents=CONSIDERED))


def test_without_the_parents_the_young_person_can_still_refuse() -> None:
    assert reasons(at_age(AgeBand.FROM_12, givers=yes(PARENT) + no(SELF), without_parents=CONSIDERED)) == REFUSED


def test_a_reason_to_leave_the_parents_out_counts_at_12_to_15_only() -> None:
    assert reasons(at_age(AgeBand.UNDER_12, givers=yes(SELF), without_parents=DISADVANTAGE)) == INCOMPLETE
    later = at_age(AgeBand.FROM_16, givers=yes(SELF), without_parents=DISADVANTAGE)
    assert isinstance(later, Permit)
    assert later.marks == ()


# ---- from 16, and adults ----


def test_from_16_the_young_person_consents_alone() -> None:
    assert permitted(at_age(AgeBand.FROM_16, givers=yes(SELF)))
    assert permitted(at_age(AgeBand.FROM_16, givers=yes(SELF) + no(PARENT, PARENT)))
    assert reasons(at_age(AgeBand.FROM_16, givers=yes(PARENT, PARENT))) == INCOMPLETE
    assert reasons(at_age(AgeBand.FROM_16, givers=yes(PARENT, PARENT) + no(SELF))) == REFUSED


def test_an_adult_consents_for_himself() -> None:
    assert permitted(at_age(AgeBand.ADULT, holders=0, givers=yes(SELF)))
    assert reasons(at_age(AgeBand.ADULT, holders=0, givers=yes(PARENT))) == INCOMPLETE
    assert reasons(at_age(AgeBand.ADULT, holders=0, givers=no(SELF))) == REFUSED


def test_never_one_parent_for_the_other() -> None:
    """What is about the child and both parents needs the consent of each for what is about him."""
    child = DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12, place=0)
    mother, father = (DataSubject(role=SubjectRole.OUDER, age=AgeBand.ADULT, place=place) for place in (1, 2))
    about_all = replace(CARE, subjects=(child, mother, father))
    of_child, of_mother, of_father = (
        (consent(id=name, holders=holders, givers=givers),)
        for name, holders, givers in (
            ("child", 2, yes(PARENT, PARENT)),
            ("mother", 0, yes(SELF)),
            ("father", 0, yes(SELF)),
        )
    )
    decision = asked(about_all, of_child, of_mother, of_father)
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("child", "mother", "father")
    assert reasons(asked(about_all, of_child, of_mother, ())) == (Reason.CONSENT_MISSING,)
    assert reasons(asked(about_all, of_child, of_mother)) == (Reason.CONSENT_MISSING,)
    assert permitted(asked(replace(CARE, subjects=(child, mother)), of_child, of_mother))


# ---- not capable ----


def test_for_an_adult_who_is_not_capable_the_representative_consents() -> None:
    assert permitted(at_age(AgeBand.ADULT, incapable=True, holders=0, givers=yes(REPRESENTATIVE)))
    assert reasons(at_age(AgeBand.ADULT, incapable=True, holders=0, givers=yes(SELF))) == INCOMPLETE
    assert reasons(at_age(AgeBand.ADULT, incapable=True, holders=0, givers=no(REPRESENTATIVE))) == REFUSED


@pytest.mark.parametrize("age", [AgeBand.FROM_12, AgeBand.FROM_16])
def test_for_a_young_person_who_is_not_capable_those_with_authority_consent(age: AgeBand) -> None:
    assert permitted(at_age(age, incapable=True, givers=yes(PARENT, PARENT)))
    assert reasons(at_age(age, incapable=True, givers=yes(PARENT))) == INCOMPLETE
    assert reasons(at_age(age, incapable=True, givers=yes(SELF))) == INCOMPLETE


# ---- the age on the day of the decision ----


@pytest.mark.parametrize("age", [AgeBand.UNKNOWN])
def test_of_an_unknown_age_nobody_knows_who_has_to_consent(age: AgeBand) -> None:
    assert reasons(at_age(age, givers=yes(SELF, PARENT, PARENT))) == (Reason.CONSENT_AGE_UNKNOWN,)
    assert has_to_answer(consent(), age) == frozenset()
    assert not is_complete(consent(), age)
    assert not is_refused(consent(givers=no(PARENT)), age)


def turning(age: AgeBand, birthday: date, /, **change: Any) -> Decision:
    person = DataSubject(role=SubjectRole.JEUGDIGE, age=age, turns=birthday)
    return asked(replace(CARE, subjects=(person,)), (consent(**change),))


TODAY, TOMORROW = date(2026, 11, 23), date(2026, 11, 24)


def test_on_the_twelfth_birthday_the_parents_alone_no_longer_suffice() -> None:
    parents: dict[str, Any] = {"givers": yes(PARENT, PARENT), "age": AgeBand.UNDER_12}
    assert permitted(turning(AgeBand.UNDER_12, TOMORROW, **parents))
    assert reasons(turning(AgeBand.UNDER_12, TODAY, **parents)) == INCOMPLETE


def test_on_the_sixteenth_birthday_the_young_person_alone_suffices_and_a_parents_refusal_no_longer_counts() -> None:
    alone: dict[str, Any] = {"givers": yes(SELF) + no(PARENT), "holders": 1, "age": AgeBand.FROM_12}
    assert reasons(turning(AgeBand.FROM_12, TOMORROW, **alone)) == REFUSED
    assert permitted(turning(AgeBand.FROM_12, TODAY, **alone))


def test_a_consent_that_parents_gave_ends_with_the_sixteenth_birthday() -> None:
    assert reasons(turning(AgeBand.FROM_12, TODAY, givers=yes(PARENT, PARENT))) == INCOMPLETE


def test_an_unborn_child_that_is_born_needs_the_same_people() -> None:
    assert permitted(turning(AgeBand.UNBORN, TODAY, age=AgeBand.UNBORN))


def test_nobody_is_younger_than_when_he_consented() -> None:
    younger = at_age(AgeBand.UNDER_12, age=AgeBand.FROM_12, givers=yes(SELF, PARENT, PARENT))
    assert reasons(younger) == (Reason.CONSENT_AGE_CONTRADICTORY,)
    assert permitted(at_age(AgeBand.FROM_12, age=AgeBand.UNDER_12, givers=yes(SELF, PARENT, PARENT)))


# ---- what a consent covers ----


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"by_sender": False}, Reason.CONSENT_NOT_OF_SENDER),
        ({"for_recipient": False}, Reason.CONSENT_NOT_FOR_RECIPIENT),
        ({"categories": frozenset({Category.IDENTIFICATIE})}, Reason.CONSENT_NOT_FOR_CATEGORY),
        ({"purposes": frozenset({"VTO"})}, Reason.CONSENT_NOT_FOR_PURPOSE),
        ({"withdrawn": True}, Reason.CONSENT_WITHDRAWN),
        ({"valid_from": date(2026, 11, 24)}, Reason.CONSENT_NOT_BEGUN),
        ({"valid_until": date(2026, 11, 22)}, Reason.CONSENT_EXPIRED),
    ],
)
def test_a_consent_that_does_not_cover_the_disclosure_says_why(change: dict[str, Any], expected: Reason) -> None:
    assert reasons(at_age(AgeBand.UNDER_12, **change)) == (expected,)


def test_a_consent_holds_on_its_first_and_on_its_last_day() -> None:
    assert permitted(at_age(AgeBand.UNDER_12, valid_from=TODAY, valid_until=TODAY))
    incomplete = at_age(AgeBand.UNDER_12, valid_from=TODAY, valid_until=TODAY, givers=yes(PARENT))
    assert reasons(incomplete) == INCOMPLETE


def test_of_somebody_whose_age_and_birthday_contradict_each_other_no_age_is_known() -> None:
    passed = DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.ADULT, turns=TOMORROW)
    decision = asked(replace(CARE, subjects=(passed,)), (consent(),))
    assert reasons(decision) == (Reason.AGE_CONTRADICTORY, Reason.CONSENT_AGE_UNKNOWN)


def test_a_denial_says_everything_that_is_wrong_with_the_consent() -> None:
    decision = at_age(AgeBand.UNDER_12, withdrawn=True, by_sender=False, givers=yes(PARENT))
    assert reasons(decision) == (
        Reason.CONSENT_WITHDRAWN,
        Reason.CONSENT_NOT_OF_SENDER,
        Reason.CONSENT_GIVERS_INCOMPLETE,
    )


def several(*consents: ConsentFact) -> Decision:
    return asked(CARE, consents)


def test_one_whole_consent_among_others_is_enough() -> None:
    decision = several(consent(id="late", givers=yes(PARENT)), consent(id="early"))
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("early",)


def test_two_half_consents_are_none() -> None:
    half = consent(givers=yes(PARENT))
    assert reasons(several(half, replace(half, id="consent-2"))) == INCOMPLETE


def test_a_refusal_counts_against_every_older_consent_whoever_recorded_it() -> None:
    refusal = consent(id="refusal", by_sender=False, givers=yes(PARENT) + no(PARENT))
    assert reasons(several(refusal, consent())) == REFUSED
    assert permitted(several(consent(), refusal))
    assert permitted(several(replace(refusal, categories=frozenset({Category.DOCUMENT})), consent()))
    assert permitted(several(replace(refusal, for_recipient=False), consent()))
    assert permitted(several(replace(refusal, valid_until=date(2026, 11, 22)), consent()))


def test_a_refusal_counts_although_its_record_was_withdrawn() -> None:
    """A withdrawal is a no; it can open nothing. A newer yes can."""
    refusal = consent(id="refusal", givers=no(PARENT, PARENT), withdrawn=True)
    assert reasons(several(refusal, consent())) == REFUSED
    assert permitted(several(consent(), refusal))
