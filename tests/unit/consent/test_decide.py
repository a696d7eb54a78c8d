"""The decision, sentence by sentence."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from consent.decide import decide, decide_pseudonym
from consent.decision import Decision, Deny, Permit
from consent.reasons import Mark, Reason
from consent.request import NO_FACTS, DataSubject, DisclosureRequest, Facts, Party, ReplyFact
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from tests.unit.consent.builders import (
    AT,
    CATALOGUE,
    CHILD,
    DASHBOARD,
    GEMEENTE,
    NOTIFICATIE,
    RAAD,
    TOEZICHTHOUDER,
    VEILIG_THUIS,
    VTO,
    gi,
)


def decided(request: DisclosureRequest, facts: Facts = NO_FACTS, at: datetime = AT) -> Decision:
    return decide(request, catalogue=CATALOGUE, facts=facts, at=at)


def denied(*reasons: Reason) -> Deny:
    return Deny(reasons=reasons)


# ---- permits ----


@pytest.mark.parametrize(
    "sender", [GEMEENTE, VEILIG_THUIS, gi(Capacity.OTS), gi(Capacity.VOOGDIJ), gi(Capacity.PREVENTIEF)]
)
def test_who_may_ask_for_an_investigation_may_tell_the_raad_about_the_child(sender: Party) -> None:
    assert decided(replace(VTO, sender=sender)) == Permit(ground="VTO", row="VTO")


def test_a_notification_that_answers_the_request_goes_unmarked() -> None:
    facts = Facts(reply=ReplyFact(message_type="verzoek-tot-onderzoek"))
    assert decided(NOTIFICATIE, facts) == Permit(ground="RVDK-NOT", row="RVDK-NOT.gemeente")


def test_a_notification_that_answers_nothing_goes_and_is_marked_for_review() -> None:
    expected = Permit(ground="RVDK-NOT", row="RVDK-NOT.gemeente", marks=(Mark.UNPROMPTED,))
    assert decided(NOTIFICATIE) == expected


@pytest.mark.parametrize("recipient", [VEILIG_THUIS, gi(Capacity.PREVENTIEF)])
def test_a_notification_to_another_requester_rests_on_the_row_that_is_a_proposal(recipient: Party) -> None:
    decision = decided(replace(NOTIFICATIE, recipient=recipient))
    assert isinstance(decision, Permit)
    assert decision.row == "RVDK-NOT.veilig-thuis-gi"


def test_an_emergency_is_marked_for_review() -> None:
    decision = decided(replace(NOTIFICATIE, spoed=True))
    assert isinstance(decision, Permit)
    assert decision.marks == (Mark.UNPROMPTED, Mark.SPOED)


def test_a_finding_on_health_goes_when_it_is_marked_necessary() -> None:
    finding = replace(VTO, profile="leefgebied-gezondheid", element="finding", category=Category.GEZONDHEID)
    assert decided(finding) == denied(Reason.NECESSITY_MISSING)
    for necessary in Necessity:
        assert decided(replace(finding, necessary=necessary)) == Permit(ground="VTO", row="VTO")


def test_of_a_limited_category_only_the_named_element_goes() -> None:
    relation = replace(NOTIFICATIE, profile="andere-persoon", element="relationship", category=Category.GEZAG_RELATIES)
    assert isinstance(decided(relation), Permit)
    assert decided(replace(relation, element="informed")) == denied(Reason.ELEMENT_NOT_IN_GROUND)


# ---- the ground ----


def test_an_unknown_purpose_is_denied() -> None:
    assert decided(replace(VTO, purpose="ANDERS")) == denied(Reason.PURPOSE_UNKNOWN)


@pytest.mark.parametrize(
    ("purpose", "message_type", "category", "at", "reasons"),
    [
        (
            "VTO",
            VTO.message_type,
            Category.PROCES,
            datetime(2014, 12, 31, 22, 59, tzinfo=UTC),
            ["ground-not-yet-valid"],
        ),
        ("VTO", VTO.message_type, Category.PROCES, datetime(2014, 12, 31, 23, 0, tzinfo=UTC), []),
    ],
)
def test_a_ground_holds_from_its_first_day_in_the_netherlands(
    purpose: str, message_type: str, category: Category, at: datetime, reasons: list[str]
) -> None:
    decision = decided(replace(VTO, purpose=purpose, message_type=message_type, category=category), at=at)
    assert [reason.value for reason in getattr(decision, "reasons", ())] == reasons


def test_a_ground_that_ended_is_denied() -> None:
    ended = replace(CATALOGUE, grounds=tuple(replace(row, valid_until=date(2026, 11, 22)) for row in CATALOGUE.grounds))
    assert decide(VTO, catalogue=ended, facts=NO_FACTS, at=AT) == denied(Reason.GROUND_EXPIRED)


def test_the_row_of_the_day_decides_when_the_law_changes() -> None:
    rows = [row.name for row in CATALOGUE.rows("GI-OTS-ANTW") if row.holds_on(date(2026, 12, 31))]
    later = [row.name for row in CATALOGUE.rows("GI-OTS-ANTW") if row.holds_on(date(2027, 1, 1))]
    assert (rows, later) == (["GI-OTS-ANTW"], ["GI-OTS-ANTW.2027"])


@pytest.mark.parametrize("purpose", ["VOORTGANG", "DASH-ZAAK"])
def test_a_ground_that_is_off_never_permits(purpose: str) -> None:
    decision = decided(replace(VTO, purpose=purpose))
    assert isinstance(decision, Deny)
    assert Reason.GROUND_OFF in decision.reasons


@pytest.mark.parametrize("purpose", ["BELEID", "TOEZICHT"])
def test_counts_and_records_are_no_elements_of_a_message(purpose: str) -> None:
    decision = decided(replace(VTO, purpose=purpose, recipient=TOEZICHTHOUDER))
    assert isinstance(decision, Deny)
    assert Reason.GROUND_CARRIES_NO_ELEMENTS in decision.reasons


# ---- the parties ----


def test_a_request_for_investigation_addressed_to_a_gi_is_denied() -> None:
    assert decided(replace(VTO, recipient=gi(Capacity.OTS))) == denied(Reason.RECIPIENT_ROLE_NOT_IN_GROUND)


def test_a_dashboard_cannot_ask_for_an_investigation() -> None:
    assert decided(replace(VTO, sender=DASHBOARD)) == denied(Reason.SENDER_ROLE_NOT_IN_GROUND)


def test_a_gi_that_does_not_say_in_which_capacity_it_acts_is_denied() -> None:
    assert decided(replace(VTO, sender=gi(None))) == denied(Reason.SENDER_CAPACITY_MISSING)
    assert decided(replace(NOTIFICATIE, recipient=gi(None))) == denied(Reason.RECIPIENT_CAPACITY_MISSING)


def test_a_gi_is_held_to_the_capacities_of_its_admission() -> None:
    pretender = gi(Capacity.OTS, Capacity.VOOGDIJ, Capacity.PREVENTIEF)
    assert decided(replace(VTO, sender=pretender)) == denied(Reason.SENDER_CAPACITY_NOT_HELD)
    assert decided(replace(NOTIFICATIE, recipient=pretender)) == denied(Reason.RECIPIENT_CAPACITY_NOT_HELD)


def test_a_gi_with_two_capacities_is_held_to_the_one_it_claims() -> None:
    both = (Capacity.OTS, Capacity.PREVENTIEF)
    news = replace(NOTIFICATIE, purpose="RVDK-AANM", message_type="aanmelding-uitvoering")
    assert decided(replace(news, recipient=gi(Capacity.OTS, *both))) == Permit(ground="RVDK-AANM", row="RVDK-AANM")
    assert decided(replace(news, recipient=gi(Capacity.PREVENTIEF, *both))) == denied(
        Reason.RECIPIENT_CAPACITY_NOT_IN_GROUND
    )


def test_a_sender_in_another_capacity_than_the_ground_names_is_denied() -> None:
    news = replace(
        VTO, sender=gi(Capacity.PREVENTIEF), recipient=GEMEENTE, purpose="MAATREGEL", message_type="maatregel"
    )
    assert decided(news) == denied(Reason.SENDER_CAPACITY_NOT_IN_GROUND)


@pytest.mark.parametrize("purpose", sorted({row.code for row in CATALOGUE.grounds}))
def test_youth_probation_has_no_ground_yet(purpose: str) -> None:
    sender = decided(replace(VTO, purpose=purpose, sender=gi(Capacity.JEUGDRECLASSERING)))
    recipient = decided(replace(VTO, purpose=purpose, recipient=gi(Capacity.JEUGDRECLASSERING)))
    assert isinstance(sender, Deny)
    assert isinstance(recipient, Deny)
    assert Reason.NO_GROUND_FOR_CAPACITY in sender.reasons
    assert Reason.NO_GROUND_FOR_CAPACITY in recipient.reasons


def test_only_a_gi_has_a_capacity() -> None:
    gemeente = Party(role=Role.GEMEENTE, capacity=Capacity.OTS, admitted=frozenset({Capacity.OTS}))
    assert decided(replace(VTO, sender=gemeente)) == denied(Reason.SENDER_CAPACITY_NOT_FOR_ROLE)
    assert decided(replace(NOTIFICATIE, recipient=gemeente)) == denied(Reason.RECIPIENT_CAPACITY_NOT_FOR_ROLE)


def test_a_transfer_goes_to_a_gi_in_the_same_capacity() -> None:
    transfer = replace(
        VTO,
        sender=gi(Capacity.OTS),
        recipient=gi(Capacity.VOOGDIJ),
        purpose="GI-OVERDRACHT",
        message_type="overdracht-gi",
    )
    assert decided(transfer) == denied(Reason.RECIPIENT_CAPACITY_NOT_IN_GROUND, Reason.MEASURE_MISSING)
    assert decided(replace(transfer, recipient=gi(Capacity.OTS))) == denied(Reason.MEASURE_MISSING)


# ---- what is sent ----


def test_a_message_type_that_the_ground_does_not_carry_is_denied() -> None:
    assert decided(replace(VTO, message_type="raadsrapport")) == denied(Reason.MESSAGE_TYPE_NOT_IN_GROUND)


def test_a_notification_never_holds_an_address_or_a_finding() -> None:
    for category in (Category.ADRES, Category.ADRES_GEHEIM, Category.ZORGEN, Category.DOCUMENT):
        assert decided(replace(NOTIFICATIE, category=category)) == denied(Reason.CATEGORY_NOT_IN_GROUND)


# ---- ties ----


@pytest.mark.parametrize(
    ("purpose", "message_type", "sender", "recipient", "reasons"),
    [
        ("RVDK-RAP", "raadsrapport", RAAD, gi(Capacity.OTS), [Reason.MEASURE_MISSING]),
        ("RVDK-INFO-ANTW", "informatieantwoord", GEMEENTE, RAAD, [Reason.NOT_ASKED]),
        (
            "GI-OTS-ANTW",
            "informatieantwoord",
            GEMEENTE,
            gi(Capacity.OTS),
            [Reason.NOT_ASKED, Reason.MEASURE_MISSING],
        ),
        ("VRIJW", "casusinformatie", GEMEENTE, gi(Capacity.PREVENTIEF), [Reason.CONSENT_MISSING]),
        ("VRIJW", "casusinformatie", gi(Capacity.PREVENTIEF), GEMEENTE, [Reason.CONSENT_MISSING]),
        ("CORRECTIE", "correctie", RAAD, DASHBOARD, [Reason.NOT_CORRECTED]),
    ],
)
def test_a_tie_of_which_nothing_is_known_denies_with_its_own_reason(
    purpose: str, message_type: str, sender: Party, recipient: Party, reasons: list[Reason]
) -> None:
    request = replace(VTO, purpose=purpose, message_type=message_type, sender=sender, recipient=recipient)
    assert decided(request) == denied(*reasons)
    assert decided(request, Facts(reply=ReplyFact(message_type="x"))) == denied(*reasons)


def test_a_case_of_the_raad_cannot_be_checked_by_this_version() -> None:
    request = replace(
        VTO,
        purpose="DASH-ZAAK",
        message_type="maatregel",
        recipient=DASHBOARD,
        category=Category.PROCES,
    )
    assert decided(request) == denied(Reason.GROUND_OFF, Reason.TIE_RAAD_CASE_NOT_CHECKABLE)


# ---- persons, and what cannot be evaluated ----


def test_an_element_about_nobody_is_denied() -> None:
    assert decided(replace(VTO, subjects=())) == denied(Reason.SUBJECT_MISSING)


def test_an_element_about_several_is_denied_for_one_of_them() -> None:
    adult = DataSubject(role=SubjectRole.OUDER, age=AgeBand.ADULT)
    assert decided(replace(VTO, subjects=(CHILD, adult))) == Permit(ground="VTO", row="VTO")
    turning = replace(adult, turns=date(2026, 12, 1))
    assert decided(replace(VTO, subjects=(CHILD, turning))) == denied(Reason.AGE_CONTRADICTORY)


def test_a_denial_holds_every_reason_in_the_order_of_the_checks() -> None:
    request = replace(
        VTO,
        subjects=(),
        sender=gi(None),
        recipient=gi(Capacity.JEUGDRECLASSERING),
        message_type="klacht",
        category=Category.KLACHT,
    )
    assert decided(request) == denied(
        Reason.SUBJECT_MISSING,
        Reason.SENDER_CAPACITY_MISSING,
        Reason.NO_GROUND_FOR_CAPACITY,
        Reason.RECIPIENT_ROLE_NOT_IN_GROUND,
        Reason.MESSAGE_TYPE_NOT_IN_GROUND,
        Reason.CATEGORY_NOT_IN_GROUND,
    )


def test_a_moment_that_is_no_day_in_the_netherlands_cannot_be_evaluated() -> None:
    assert decided(VTO, at=AT.replace(tzinfo=None)) == denied(Reason.NOT_EVALUABLE)


# ---- the recipient's own pseudonym ----


def test_a_pseudonym_goes_with_any_element_about_the_same_person() -> None:
    permit = Permit(ground="VTO", row="VTO")
    assert decide_pseudonym([denied(Reason.NECESSITY_MISSING), permit]) == permit


def test_a_pseudonym_without_an_element_that_goes_is_denied_with_the_reasons_of_all() -> None:
    decisions = [denied(Reason.NECESSITY_MISSING), denied(Reason.CATEGORY_NOT_IN_GROUND, Reason.NECESSITY_MISSING)]
    assert decide_pseudonym(decisions) == denied(Reason.CATEGORY_NOT_IN_GROUND, Reason.NECESSITY_MISSING)


def test_a_pseudonym_of_somebody_whom_nothing_is_about_is_denied() -> None:
    assert decide_pseudonym([]) == denied(Reason.SUBJECT_MISSING)


def test_an_answer_of_another_kind_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        decide_pseudonym(["permit"])  # type: ignore[list-item]
