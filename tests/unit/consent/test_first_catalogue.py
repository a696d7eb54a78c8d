"""The first catalogue: what may never be in it, and that it says everything for people."""

from datetime import date

import pytest

from consent.grounds import Carries, Ground, Status, Tie, packaged_catalogue
from schemas.codes import Capacity, Category, Role
from schemas.definitions import load_definitions
from tests.unit.consent.builders import CATALOGUE

CARRYING = [row for row in CATALOGUE.grounds if row.carries is Carries.ELEMENTS]
KNOWN_BEFORE = {"CORRECTIE"}
"""A correction goes to who received what it corrects: its tie, not its list, says which categories."""


def test_every_ground_of_the_domain_has_its_rows() -> None:
    assert sorted({row.code for row in CATALOGUE.grounds}) == [
        "BELEID",
        "CORRECTIE",
        "DASH-ZAAK",
        "GI-BEPALING",
        "GI-MELD",
        "GI-OTS-ANTW",
        "GI-OTS-SPONT",
        "GI-OTS-VRAAG",
        "GI-OVERDRACHT",
        "GI-VOOGDIJ-IN",
        "GI-VOOGDIJ-UIT",
        "KLACHT",
        "MAATREGEL",
        "MELD-VT",
        "RVDK-AANM",
        "RVDK-INFO",
        "RVDK-INFO-ANTW",
        "RVDK-NOT",
        "RVDK-RAP",
        "TOEZICHT",
        "VOORTGANG",
        "VRIJW",
        "VTO",
        "VTO-AFSCHRIFT",
    ]


def test_it_can_be_packaged_twice_and_is_the_same() -> None:
    assert packaged_catalogue() == CATALOGUE
    assert CATALOGUE.version == "2026-1"


def recipients_of(category: Category) -> set[Role]:
    return {
        role
        for row in CARRYING
        if category in row.categories and row.code not in KNOWN_BEFORE
        for role in row.recipient.roles
    }


@pytest.mark.parametrize(
    ("category", "roles"),
    [
        (Category.ADRES_GEHEIM, {Role.RAAD, Role.GI}),
        (Category.MELDER, {Role.RAAD, Role.VEILIG_THUIS}),
        (Category.STRAFRECHT, {Role.RAAD, Role.GI, Role.VEILIG_THUIS}),
        (Category.KLACHT, {Role.TOEZICHTHOUDER, Role.DASHBOARD}),
    ],
)
def test_a_category_never_goes_beyond_its_circle(category: Category, roles: set[Role]) -> None:
    assert recipients_of(category) == roles


def test_a_gemeente_gets_health_only_by_consent() -> None:
    rows = [row for row in CARRYING if Category.GEZONDHEID in row.categories and Role.GEMEENTE in row.recipient.roles]
    assert {row.code for row in rows if row.code not in KNOWN_BEFORE} == {"VRIJW"}
    assert all(Tie.CONSENT in row.ties for row in rows if row.code not in KNOWN_BEFORE)


def test_the_sensitive_categories_go_only_when_necessary_or_by_consent_or_to_who_had_them() -> None:
    for row in CARRYING:
        sensitive = row.categories & {Category.GEZONDHEID, Category.STRAFRECHT, Category.FINANCIEN, Category.MELDER}
        assert sensitive <= row.necessary or {Tie.CONSENT, Tie.PRIOR} & set(row.ties), row.name


def test_the_voluntary_phase_never_carries_what_consent_cannot_give() -> None:
    never = {Category.STRAFRECHT, Category.KLACHT, Category.MELDER, Category.ADRES_GEHEIM}
    assert not any(row.categories & never for row in CATALOGUE.rows("VRIJW"))


def test_article_7_3_11_4_always_asks_for_the_measure_of_an_ots() -> None:
    rows = [row for row in CARRYING for basis in row.basis if basis.article == "7.3.11 lid 4"]
    assert len(rows) == 6
    for row in rows:
        assert Tie.MEASURE in row.ties
        assert Capacity.OTS in row.sender.capacities | row.recipient.capacities
        assert {Capacity.OTS} in (row.sender.capacities, row.recipient.capacities)


def test_nobody_acts_in_youth_probation() -> None:
    assert CATALOGUE.capacities == {Capacity.OTS, Capacity.VOOGDIJ, Capacity.PREVENTIEF}


def test_what_rests_on_article_7_3_11_has_a_successor_that_is_a_proposal() -> None:
    for row in CATALOGUE.grounds:
        if not any((basis.article or "").startswith("7.3.11") for basis in row.basis):
            assert row.valid_until is None, row.name
        elif row.valid_until is None:
            assert (row.valid_from, row.duty, bool(row.note)) == (date(2027, 1, 1), Status.PROPOSED, True), row.name
        else:
            assert row.valid_until == date(2026, 12, 31), row.name
            successors = [other for other in CATALOGUE.rows(row.code) if other.valid_from == date(2027, 1, 1)]
            assert any(same_but_for_the_date(row, other) for other in successors), row.name


def same_but_for_the_date(one: Ground, other: Ground) -> bool:
    members = ("sender", "recipient", "message_types", "ties", "consent", "categories", "only", "necessary")
    return all(getattr(one, member) == getattr(other, member) for member in members)


def test_only_the_categories_of_the_notification_were_read() -> None:
    read = {row.code for row in CATALOGUE.grounds if row.categories_status is Status.READ}
    assert read == {"RVDK-NOT"}
    assert [row.name for row in CATALOGUE.grounds if not row.proposed] == ["RVDK-NOT.gemeente"]


def test_an_emergency_widens_only_the_rows_that_say_so() -> None:
    spoed = {row.code: row.spoed_hours for row in CATALOGUE.grounds if row.spoed_hours is not None}
    assert spoed == {"RVDK-RAP": 72, "GI-OTS-VRAAG": 72, "GI-OTS-ANTW": 72, "GI-OTS-SPONT": 72}


def test_a_message_type_without_a_choice_is_carried_by_one_ground() -> None:
    for message_type, code in (("verzoek-tot-onderzoek", "VTO"), ("notificatie-onderzoek", "RVDK-NOT")):
        assert {row.code for row in CATALOGUE.grounds if message_type in row.message_types} == {code}


def test_rows_that_no_message_type_carries_are_known() -> None:
    """Each waits for a message type; a new one in this list is a row that nobody can use."""
    assert {row.code for row in CARRYING if not row.message_types} == {"VTO-AFSCHRIFT", "MELD-VT"}


def test_the_limits_name_elements_that_the_definitions_have_in_that_category() -> None:
    definitions = load_definitions()
    known = {
        (element.category, name)
        for profile in definitions.profiles.values()
        for name, element in profile.elements.items()
    }
    limits = {
        (category, name)
        for row in CATALOGUE.grounds
        if row.code in {"VTO", "RVDK-NOT"}
        for category, names in row.only.items()
        for name in names
    }
    assert limits
    assert limits <= known
