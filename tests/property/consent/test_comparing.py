"""A comparison of two catalogues names exactly what changes, and shows it."""

from dataclasses import fields, replace
from datetime import date

import pytest

from consent.comparing import Change, Difference, Way, compare_purpose, in_order, purposes, row_differences
from consent.decide import decide
from consent.decision import Permit
from consent.grounds import Carries, Catalogue, Force, Ground, Status, Text
from schemas.codes import Capacity, Category, Role
from schemas.definitions import load_definitions
from tests.support.catalogue_files import HEALTH_FOR_A_GEMEENTE, PACKAGED, edited, with_row

DEFINITIONS = load_definitions()


def changes(old: Catalogue, new: Catalogue) -> tuple[Change, ...]:
    return in_order(
        compare_purpose(purpose, old=old, new=new, definitions=DEFINITIONS)
        for purpose in purposes(old, new, definitions=DEFINITIONS)
    )


def is_shown(change: Change, old: Catalogue, new: Catalogue) -> bool:
    """Whether the example is one: the one catalogue permits it, by the row that is named, and the other does not."""
    example = change.example
    answers = [
        decide(example.request, catalogue=catalogue, facts=example.facts, at=example.at) for catalogue in (old, new)
    ]
    before, after = answers if change.way is Way.STOPS else reversed(answers)
    return isinstance(before, Permit) and before.row == example.row and not isinstance(after, Permit)


def test_only_purposes_whose_rows_differ_are_asked() -> None:
    new = edited("KLACHT", "in_force = true", "in_force = false")
    assert purposes(PACKAGED, PACKAGED, definitions=DEFINITIONS) == ()
    assert purposes(PACKAGED, new, definitions=DEFINITIONS) == ("KLACHT",)


def test_a_row_that_is_switched_off_stops_all_that_it_carried() -> None:
    new = edited("KLACHT", "in_force = true", "in_force = false")
    (change,) = changes(PACKAGED, new)
    assert (change.way, change.purpose, change.always) == (Way.STOPS, "KLACHT", True)
    assert {party.role for party in change.senders} == {Role.GI, Role.GEMEENTE, Role.RAAD, Role.VEILIG_THUIS}
    assert {party.role for party in change.recipients} == {Role.TOEZICHTHOUDER, Role.DASHBOARD}
    assert {label.category for label in change.labels} == {Category.KLACHT, Category.PROCES}
    assert is_shown(change, PACKAGED, new)


def test_a_category_that_is_added_becomes_possible_for_it_alone() -> None:
    new = edited("MAATREGEL", '["identificatie", "besluit"', '["identificatie", "contact", "besluit"')
    (change,) = changes(PACKAGED, new)
    assert (change.way, change.always) == (Way.POSSIBLE, True)
    assert {label.category for label in change.labels} == {Category.CONTACT}
    assert is_shown(change, PACKAGED, new)


def test_a_category_that_goes_only_when_necessary_stops_for_what_is_not_marked() -> None:
    new = edited("MAATREGEL", "necessary = []", 'necessary = ["professional"]')
    (change,) = changes(PACKAGED, new)
    assert (change.way, change.only_unmarked, change.only_necessary) == (Way.STOPS, True, False)


def test_a_tie_that_is_dropped_becomes_possible_in_some_situations_only() -> None:
    new = edited("GI-MELD", 'ties = ["measure"]', "ties = []")
    found = changes(PACKAGED, new)
    assert {(change.way, change.always) for change in found} == {(Way.POSSIBLE, False)}
    assert all(change.example.facts.people == () for change in found)
    assert all(is_shown(change, PACKAGED, new) for change in found)


def test_a_capacity_that_is_added_becomes_possible_for_it_alone() -> None:
    new = edited("RVDK-AANM", 'capacities = ["ots", "voogdij"]', 'capacities = ["ots", "voogdij", "preventief"]')
    found = changes(PACKAGED, new)
    assert {party.capacity for change in found for party in change.recipients} == {Capacity.PREVENTIEF}


def test_a_row_that_begins_later_stops_on_the_days_between() -> None:
    new = edited("VTO", "valid_from = 2015-01-01", "valid_from = 2016-01-01")
    found = changes(PACKAGED, new)
    assert {(str(change.days.first), str(change.days.last)) for change in found} == {("2015-01-01", "2015-12-31")}


def test_what_becomes_possible_one_way_stops_the_other_way() -> None:
    new = edited("KLACHT", '["klacht", "proces"]', '["klacht"]')
    (there,), (back,) = changes(PACKAGED, new), changes(new, PACKAGED)
    assert (there.way, back.way) == (Way.STOPS, Way.POSSIBLE)
    assert there.labels == back.labels


# ---- what rows say ----


def said(word: str) -> Text:
    return Text(nl=word, en=word)


@pytest.mark.parametrize(
    ("row", "text", "member", "values"),
    [
        ("VTO", 'categories_status = "{}"', "categories_status", ("proposed", "read")),
        ("VTO", "inform_parents = {}", "inform_parents", ("true", "false")),
        ("GI-OTS-ANTW", 'force = "{}"', "force", ("must", "may")),
        ("BELEID", 'article = "{}"', "basis", ("7.4.1 tot en met 7.4.5", "7.4.3")),
    ],
    ids=["settled", "parents", "force", "law"],
)
def test_what_decides_nothing_and_matters_is_named(row: str, text: str, member: str, values: tuple[str, str]) -> None:
    """No disclosure becomes possible and none stops, so that nothing else would show it."""
    changed = edited(row, *(text.format(value) for value in values))
    assert changes(PACKAGED, changed) == ()
    before, after = (said(f"Jw {value}" if member == "basis" else value) for value in values)
    assert row_differences(PACKAGED, changed) == (Difference(about=row, member=member, before=before, after=after),)


def test_a_row_that_is_added_or_gone_is_named() -> None:
    new = with_row(HEALTH_FOR_A_GEMEENTE)
    title = Text(nl="Fout", en="Fault")
    assert row_differences(PACKAGED, new) == (Difference(about="FOUT", member=None, before=None, after=title),)
    assert row_differences(new, PACKAGED) == (Difference(about="FOUT", member=None, before=title, after=None),)


def test_a_law_that_is_called_otherwise_is_named() -> None:
    new = replace(PACKAGED, laws={**PACKAGED.laws, "Jw": Text(nl="Een andere wet", en="Another law")})
    (found,) = row_differences(PACKAGED, new)
    assert (found.about, found.after) == ("laws.Jw", Text(nl="Een andere wet", en="Another law"))


def test_every_member_of_a_row_is_compared() -> None:
    """A row against one that differs in all but its name; nothing of what a row holds is left out."""
    first = PACKAGED.row("VTO")
    other = replace(
        PACKAGED.row("VRIJW.naar-gi"),
        name="VTO",
        valid_from=date(2016, 1, 1),
        in_force=False,
        carries=Carries.COUNTS,
        only={Category.ZORGEN: frozenset({"code"})},
        inform_parents=False,
        force=Force.MAY,
        spoed_hours=1,
        categories_status=Status.READ,
    )
    one, two = (replace(PACKAGED, grounds=(row,)) for row in (first, other))
    members = {{"sender": "from", "recipient": "to"}.get(each.name, each.name) for each in fields(Ground)} - {"name"}
    assert {each.member for each in row_differences(one, two)} == members
