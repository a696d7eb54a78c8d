"""The edge cases that must work, as far as the decision says them; the others are those of the hub and the edge."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest

from connectors.sdk.ages import age_of
from consent.consents import Addressee, consent_facts
from consent.decide import decide
from consent.decision import Decision, Deny, Permit
from consent.facts import ConsentFact, Executor, PersonFacts
from consent.measures import measure_facts
from consent.reasons import Reason
from consent.request import CorrectedFact, DataSubject, Facts, Party
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole
from schemas.consents import ConsentStatus
from tests.support.law_records import CHILD_TAG, RANDOM_TAG, consent_record, measure_statement
from tests.support.parties import GEMEENTE, GI, RAAD, message_id
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, VTO, gi
from tests.unit.consent.builders import GEMEENTE as COLLEGE
from tests.unit.consent.builders import RAAD as COUNCIL
from tests.unit.consent.facts_for_tests import PARENT, SELF, consent, measure, yes
from tests.unit.consent.test_who_consents import CARE

TODAY: Final = date(2026, 11, 23)
REPORT: Final = replace(
    VTO, sender=COUNCIL, recipient=gi(Capacity.OTS), purpose="RVDK-RAP", message_type="raadsrapport"
)
TO_GI: Final = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)


def asked(*people: PersonFacts, subjects: tuple[DataSubject, ...] = (CHILD,)) -> Decision:
    request = replace(CARE, subjects=subjects)
    return decide(request, catalogue=CATALOGUE, facts=Facts(people=people), at=AT)


def reasons(decision: Decision) -> tuple[Reason, ...]:
    return decision.reasons if isinstance(decision, Deny) else ()


def born(birth_date: str | None, *, unborn: bool = False, place: int = 0) -> DataSubject:
    """A child as a connector names it today, in a message that can be picked up for thirty days."""
    age = age_of(birth_date=birth_date, unborn=unborn, day=TODAY, until=TODAY + timedelta(days=30))
    return DataSubject(role=SubjectRole.JEUGDIGE, age=age.band, turns=age.turns, place=place)


PARENTS: Final = consent(givers=yes(PARENT, PARENT))
ALL: Final = consent(givers=yes(SELF, PARENT, PARENT))
ALONE: Final = consent(givers=yes(SELF))


def whose(child: DataSubject, at: int = 0) -> list[str]:
    """Whose consent is enough, so many days from now."""
    found = []
    for name, given in (("parents", PARENTS), ("all", ALL), ("alone", ALONE)):
        facts = Facts(people=(PersonFacts(consents=(given,)),))
        request = replace(CARE, subjects=(child,))
        if isinstance(decide(request, catalogue=CATALOGUE, facts=facts, at=AT + timedelta(days=at)), Permit):
            found.append(name)
    return found


# ---- ages to the day ----


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        ("2014-11-24", ["parents", "all"]),  # 11, and 12 tomorrow
        ("2014-11-23", ["all"]),  # 12 today
        ("2014-11-22", ["all"]),
        ("2010-11-24", ["all"]),  # 15, and 16 tomorrow
        ("2010-11-23", ["all", "alone"]),  # 16 today
        ("2008-11-23", ["all", "alone"]),  # 18 today
    ],
)
def test_ages_11_12_15_and_16_count_to_the_day(birth_date: str, expected: list[str]) -> None:
    assert whose(born(birth_date)) == expected


@pytest.mark.parametrize(
    ("birth_date", "before", "after"),
    [
        ("2014-11-24", ["parents", "all"], ["all"]),
        ("2010-11-24", ["all"], ["all", "alone"]),
    ],
)
def test_a_birthday_between_acceptance_and_pick_up_changes_who_has_to_consent(
    birth_date: str, before: list[str], after: list[str]
) -> None:
    child = born(birth_date)
    assert (whose(child), whose(child, at=1)) == (before, after)


def test_who_is_born_on_29_february_is_12_and_16_on_that_day_and_18_on_1_march() -> None:
    """2024 and 2028 have that day, 2030 has not."""
    leap = "2012-02-29"
    for day, band in (
        (date(2024, 2, 28), AgeBand.UNDER_12),
        (date(2024, 2, 29), AgeBand.FROM_12),
        (date(2028, 2, 28), AgeBand.FROM_12),
        (date(2028, 2, 29), AgeBand.FROM_16),
        (date(2030, 2, 28), AgeBand.FROM_16),
        (date(2030, 3, 1), AgeBand.ADULT),
    ):
        assert age_of(birth_date=leap, unborn=False, day=day, until=day).band is band
    turning = age_of(birth_date=leap, unborn=False, day=date(2030, 2, 28), until=date(2030, 3, 30))
    assert turning.turns == date(2030, 3, 1)


def test_of_a_birth_date_with_only_a_year_the_age_counts_where_it_is_sure() -> None:
    assert whose(born("2020")) == ["parents", "all"]
    assert whose(born("2014")) == []
    unsure = asked(PersonFacts(consents=(ALL,)), subjects=(born("2014"),))
    assert reasons(unsure) == (Reason.CONSENT_AGE_UNKNOWN,)
    assert whose(born(None)) == []


def test_for_an_unborn_child_those_consent_who_will_have_authority() -> None:
    assert whose(born(None, unborn=True)) == ["parents", "all"]


# ---- children ----


def test_a_child_that_gets_its_bsn_during_the_case_keeps_its_consent() -> None:
    """Recorded under the pseudonym that was drawn, signed again under that of the number: the rim hands over both."""
    drawn = consent_record(1, tag=RANDOM_TAG)
    known = replace(consent_record(2, tag=CHILD_TAG), replaces=drawn.id)
    for records in ((drawn,), (drawn, known)):
        facts = consent_facts(records, sender=GEMEENTE, recipient=TO_GI)
        assert len(facts) == 1
        assert isinstance(asked(PersonFacts(consents=facts)), Permit)


def test_siblings_with_different_fathers_each_have_their_own_consent_and_measure() -> None:
    one, other = born("2018-01-01", place=0), born("2020-01-01", place=1)
    of_one, of_other = consent(id="of-one"), consent(id="of-other", holders=1, givers=yes(PARENT))
    decision = asked(PersonFacts(consents=(of_one,)), PersonFacts(consents=(of_other,)), subjects=(one, other))
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("of-one", "of-other")
    swapped = asked(PersonFacts(consents=(of_other,)), PersonFacts(consents=()), subjects=(one, other))
    assert reasons(swapped) == (Reason.CONSENT_MISSING,)
    measured = Facts(people=(PersonFacts(measures=(measure(Executor.RECIPIENT),)), PersonFacts()))
    for child, expected in ((one, ()), (other, (Reason.MEASURE_MISSING,))):
        answer = decide(replace(REPORT, subjects=(child,)), catalogue=CATALOGUE, facts=measured, at=AT)
        assert reasons(answer) == expected


# ---- addresses ----


@pytest.mark.parametrize("recipient", [Party(role=role) for role in Role if role not in (Role.RAAD, Role.GI)])
def test_a_secret_address_never_goes_beyond_raad_and_gi(recipient: Party) -> None:
    everything = frozenset(Category)
    person = PersonFacts(
        consents=(consent(categories=everything, purposes=frozenset(row.code for row in CATALOGUE.grounds)),),
        measures=tuple(measure(executor) for executor in Executor),
    )
    secret = replace(VTO, element="secretAddress", category=Category.ADRES_GEHEIM, recipient=recipient)
    for row in CATALOGUE.grounds:
        for message_type in sorted(row.message_types - {"correctie"}):
            request = replace(secret, purpose=row.code, message_type=message_type)
            for sender in (COLLEGE, COUNCIL, *(gi(capacity) for capacity in Capacity)):
                answer = decide(
                    replace(request, sender=sender), catalogue=CATALOGUE, facts=Facts(people=(person,)), at=AT
                )
                assert isinstance(answer, Deny), (row.name, sender)


# ---- measures that end ----


def test_a_gi_whose_ots_has_ended_gets_nothing_more() -> None:
    statement = measure_statement(1, valid_until=TODAY)
    facts = measure_facts((statement,), sender=RAAD, recipient=GI, raden=frozenset({RAAD}))
    known = Facts(people=(PersonFacts(measures=facts),))
    assert isinstance(decide(REPORT, catalogue=CATALOGUE, facts=known, at=AT), Permit)
    tomorrow = decide(REPORT, catalogue=CATALOGUE, facts=known, at=AT + timedelta(days=1))
    assert reasons(tomorrow) == (Reason.MEASURE_ENDED,)


def test_a_gi_with_two_capacities_is_held_to_the_one_it_claims() -> None:
    both = (Capacity.OTS, Capacity.VOOGDIJ)
    known = Facts(people=(PersonFacts(measures=(measure(Executor.RECIPIENT),)),))
    supervisor, guardian = (replace(REPORT, recipient=gi(capacity, *both)) for capacity in both)
    assert isinstance(decide(supervisor, catalogue=CATALOGUE, facts=known, at=AT), Permit)
    assert reasons(decide(guardian, catalogue=CATALOGUE, facts=known, at=AT)) == (Reason.MEASURE_MISSING,)


# ---- what changes between acceptance and pick-up ----


def test_a_consent_withdrawn_between_acceptance_and_pick_up_withholds_with_its_reason() -> None:
    given = consent_record(1)
    withdrawn = replace(consent_record(2), replaces=given.id, status=ConsentStatus.WITHDRAWN)

    def known(*records: object) -> tuple[ConsentFact, ...]:
        return consent_facts(records, sender=GEMEENTE, recipient=TO_GI)  # type: ignore[arg-type]

    assert isinstance(asked(PersonFacts(consents=known(given))), Permit)
    assert reasons(asked(PersonFacts(consents=known(given, withdrawn)))) == (Reason.CONSENT_WITHDRAWN,)


def test_a_consent_confirmed_by_the_sender_counts_for_its_own_messages_too() -> None:
    back = replace(CARE, sender=gi(Capacity.PREVENTIEF), recipient=COLLEGE)
    everybody = consent_record(1).recipients | {replace(next(iter(consent_record(1).recipients)), oin=GEMEENTE)}
    given = consent_record(1, recipients=everybody)
    to_college = Addressee(oin=GEMEENTE, role=Role.GEMEENTE, capacity=None)
    for records, expected in (
        ((given,), (Reason.CONSENT_NOT_OF_SENDER,)),
        ((given, replace(given, id=message_id(2), issuer=GI, confirms=given.id)), ()),
    ):
        facts = consent_facts(records, sender=GI, recipient=to_college)
        answer = decide(back, catalogue=CATALOGUE, facts=Facts(people=(PersonFacts(consents=facts),)), at=AT)
        assert reasons(answer) == expected


# ---- rectification ----


@pytest.mark.parametrize(
    "recipient", [COLLEGE, COUNCIL, gi(Capacity.OTS), Party(role=Role.VEILIG_THUIS), Party(role=Role.DASHBOARD)]
)
def test_every_earlier_recipient_may_have_the_correction_of_what_it_received(recipient: Party) -> None:
    correction = replace(
        VTO,
        sender=COUNCIL,
        recipient=recipient,
        purpose="CORRECTIE",
        message_type="correctie",
        category=Category.ZORGEN,
        element="finding",
    )
    received = Facts(corrected=CorrectedFact(categories=frozenset({Category.ZORGEN})))
    assert isinstance(decide(correction, catalogue=CATALOGUE, facts=received, at=AT), Permit)
    assert isinstance(decide(correction, catalogue=CATALOGUE, facts=Facts(), at=AT), Deny)


def test_a_correction_needs_no_consent_and_no_measure() -> None:
    """What was wrong is put right with whoever has it, also when the measure has ended and the consent is withdrawn."""
    (row,) = CATALOGUE.rows("CORRECTIE")
    assert [tie.value for tie in row.ties] == ["prior"]
