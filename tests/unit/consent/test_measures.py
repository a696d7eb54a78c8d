"""Measures: who may state one, until when it counts, and that two who state different things deny."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import pytest

from consent.facts import Executor
from consent.measures import (
    Standing,
    check_statement,
    contradictions,
    measure_facts,
    standing_measures,
    weigh_measures,
)
from consent.reasons import Mark, Reason
from schemas.codes import Capacity, Role
from schemas.identifiers import OIN
from schemas.measures import MeasureStatement, MeasureType
from tests.support.law_records import OTHER_GI, RANDOM_TAG, measure_statement, on
from tests.support.parties import GEMEENTE, GI, RAAD, message_id
from tests.unit.consent.facts_for_tests import measure

RADEN: Final = frozenset({RAAD})
FIRST, LAST = date(2026, 7, 1), date(2027, 6, 30)
SENDER, RECIPIENT, OTHER = Executor
"""The GI receives, unless a test says otherwise."""


def by_raad(number: int = 1, **change: Any) -> MeasureStatement:
    return measure_statement(number, **change)


def by_gi(number: int = 1, issuer: OIN = GI, **change: Any) -> MeasureStatement:
    return measure_statement(number, **{"issuer": issuer, "executor": issuer, **change})


def handed_over(number: int, *, confirms: MeasureStatement, issuer: OIN = GI, **change: Any) -> MeasureStatement:
    """The GI that carried it out before says who does now."""
    content = {name: getattr(confirms, name) for name in ("type", "executor", "valid_from", "valid_until", "decided")}
    content["issued_at"] = confirms.issued_at + number
    return measure_statement(number, **{**content, "issuer": issuer, "confirms": confirms.id, **change})


def again(earlier: MeasureStatement, number: int, **change: Any) -> MeasureStatement:
    later = measure_statement(number)
    return replace(earlier, id=later.id, issued_at=later.issued_at, replaces=earlier.id, confirms=None, **change)


def standing(*statements: MeasureStatement) -> dict[int, Standing]:
    found = standing_measures(statements, raden=RADEN)
    assert {*standing_measures(statements[::-1], raden=RADEN)} == {*found}
    return {int(each.id.value[-12:], 16): each for each in found}


def runs(
    *statements: MeasureStatement, day: date, executor: OIN = GI, capacity: Capacity = Capacity.OTS
) -> Reason | str:
    """What a disclosure to the GI rests on: `sure`, `self-declared`, or the last reason why not."""
    facts = measure_facts(statements, sender=GEMEENTE, recipient=executor, raden=RADEN)
    found = weigh_measures(facts, acting={RECIPIENT}, capacity=capacity, day=day)
    if found.reasons:
        return found.reasons[-1]
    return found.marks[0] if found.marks else "sure"


DAY: Final = timedelta(days=1)
SURE: Final = "sure"
DECLARED: Final = Mark.SELF_DECLARED


# ---- who states it ----


def test_from_the_raad_a_measure_counts_at_once_from_its_first_to_its_last_day() -> None:
    statement = by_raad()
    assert [runs(statement, day=day) for day in (FIRST - DAY, FIRST, LAST, LAST + DAY)] == [
        Reason.MEASURE_NOT_BEGUN,
        SURE,
        SURE,
        Reason.MEASURE_ENDED,
    ]


def test_a_guardianship_without_an_end_runs_on() -> None:
    statement = by_raad(type=MeasureType.VOOGDIJ, valid_until=None)
    assert runs(statement, day=date(2040, 1, 1), capacity=Capacity.VOOGDIJ) == SURE


def test_from_the_executing_gi_alone_it_counts_marked_for_thirty_days() -> None:
    statement = by_gi()
    assert [runs(statement, day=FIRST + days * DAY) for days in (0, 29, 30, 31)] == [
        DECLARED,
        DECLARED,
        Reason.MEASURE_LAPSED,
        Reason.MEASURE_LAPSED,
    ]


def test_thirty_days_are_days_in_the_netherlands() -> None:
    late = int((on(FIRST) // 86400) * 86400 + 22.5 * 3600)  # 00:30 of the next day in the Netherlands
    (found,) = standing(replace(by_gi(), issued_at=late)).values()
    assert found.lapses_on == FIRST + 31 * DAY


def test_stating_the_same_decision_again_gains_no_days() -> None:
    first = by_gi()
    corrected = replace(again(first, 2, court="RBDHA"), issued_at=on(FIRST + 20 * DAY))
    another = replace(by_gi(3), issued_at=on(FIRST + 25 * DAY))
    assert runs(first, corrected, another, day=FIRST + 30 * DAY) == Reason.MEASURE_LAPSED


def declared_on(day: date, number: int, **change: Any) -> MeasureStatement:
    """The GI states a measure by itself on a day."""
    return replace(by_gi(number, **change), issued_at=on(day))


@pytest.mark.parametrize(
    "again_with",
    [
        {"decided": FIRST + 19 * DAY},
        {"court": "RBDHA", "valid_from": FIRST + DAY},
        {"valid_until": LAST + 365 * DAY},
        {"type": MeasureType.PROVISIONAL_OTS},
    ],
    ids=["another decision", "another court and day", "a longer period", "a provisional one"],
)
def test_what_a_gi_says_again_of_days_that_it_spoke_of_gains_none(again_with: dict[str, Any]) -> None:
    first = by_gi()
    anew = declared_on(FIRST + 20 * DAY, 2, **again_with)
    assert runs(first, anew, day=FIRST + 29 * DAY) == DECLARED
    assert runs(first, anew, day=FIRST + 30 * DAY) == Reason.MEASURE_LAPSED
    annulled = replace(again(first, 3, annulled=True), issued_at=on(FIRST + 19 * DAY))
    assert runs(first, annulled, anew, day=FIRST + 30 * DAY) == Reason.MEASURE_LAPSED


def test_what_a_gi_says_of_one_period_after_the_other_gains_no_days() -> None:
    slices = [
        declared_on(FIRST + days * DAY, days + 1, valid_from=FIRST + days * DAY, valid_until=FIRST + (days + 29) * DAY)
        for days in (0, 30, 60)
    ]
    assert runs(*slices, day=FIRST + 70 * DAY) == Reason.MEASURE_LAPSED


def test_after_a_pause_of_thirty_days_a_gi_speaks_of_another_measure() -> None:
    first = by_gi(valid_until=FIRST + 60 * DAY)
    for pause, expected in ((30, Reason.MEASURE_LAPSED), (31, DECLARED)):
        begins = FIRST + (60 + pause) * DAY
        assert runs(first, declared_on(begins, 2, valid_from=begins), day=begins) == expected


def test_a_measure_that_ended_earlier_is_spoken_of_until_its_new_last_day() -> None:
    first = by_gi()
    ended = again(first, 2, valid_until=FIRST + 20 * DAY)
    begins = FIRST + 60 * DAY
    assert runs(first, ended, declared_on(begins, 3, valid_from=begins), day=begins) == DECLARED


def test_a_measure_of_another_kind_has_its_own_thirty_days() -> None:
    guardian = declared_on(FIRST + 40 * DAY, 2, type=MeasureType.VOOGDIJ, valid_until=None)
    assert runs(by_gi(), guardian, day=FIRST + 41 * DAY, capacity=Capacity.VOOGDIJ) == DECLARED


@pytest.mark.parametrize("confirms", [message_id(1), None], ids=["confirming it", "saying the same"])
def test_the_extension_of_a_measure_that_the_raad_stated_too_has_its_own_thirty_days(confirms: Any) -> None:
    """What somebody sure said as well, the GI did not say by itself."""
    known = (by_gi(1), by_raad(2, confirms=confirms))
    extended = declared_on(LAST, 3, valid_from=LAST + DAY, valid_until=LAST + 365 * DAY)
    assert runs(*known, extended, day=LAST + 29 * DAY) == DECLARED
    assert runs(*known, extended, day=LAST + 31 * DAY) == Reason.MEASURE_LAPSED
    once_more = declared_on(LAST + 20 * DAY, 4, valid_from=LAST + 2 * DAY, valid_until=LAST + 400 * DAY)
    assert runs(*known, extended, once_more, day=LAST + 31 * DAY) == Reason.MEASURE_LAPSED


def test_what_a_gi_says_for_longer_than_the_raad_it_says_by_itself() -> None:
    longer = declared_on(FIRST, 2, valid_until=LAST + 365 * DAY)
    extended = declared_on(LAST, 3, valid_from=LAST, valid_until=LAST + 365 * DAY)
    assert runs(by_raad(1), longer, extended, day=LAST + DAY) == Reason.MEASURE_LAPSED


def test_the_raad_confirms_it_and_it_no_longer_lapses() -> None:
    declared = by_gi()
    assert runs(declared, by_raad(2, confirms=declared.id), day=FIRST + 40 * DAY) == SURE
    assert runs(declared, by_raad(2), day=FIRST + 40 * DAY) == SURE


def test_nobody_else_states_a_measure() -> None:
    assert standing(by_raad(issuer=OTHER_GI)) == {}
    assert runs(by_raad(issuer=GEMEENTE), day=FIRST) == Reason.MEASURE_MISSING


# ---- handed over from one GI to another ----

HANDOVER: Final = date(2026, 10, 1)
THIRD_GI: Final = OIN("00000099000000005000")


def new_gi(number: int = 2) -> MeasureStatement:
    return by_gi(number, issuer=OTHER_GI, valid_from=HANDOVER, decided=HANDOVER - DAY, issued_at=on(HANDOVER - DAY))


def test_the_former_gi_confirms_the_new_one_and_its_own_measure_ends_the_day_before() -> None:
    known = (by_raad(1), new_gi(), handed_over(3, confirms=new_gi()))
    assert runs(*known, day=HANDOVER - DAY) == SURE
    assert runs(*known, day=HANDOVER) == Reason.MEASURE_OTHER_EXECUTOR
    assert runs(*known, day=HANDOVER - DAY, executor=OTHER_GI) == Reason.MEASURE_OTHER_EXECUTOR
    assert runs(*known, day=HANDOVER, executor=OTHER_GI) == SURE
    assert runs(*known, day=HANDOVER + 60 * DAY, executor=OTHER_GI) == SURE


def test_until_somebody_confirms_the_new_gi_both_are_denied() -> None:
    known = (by_raad(1), new_gi())
    assert runs(*known, day=HANDOVER) == Reason.MEASURE_CONTRADICTED
    assert runs(*known, day=HANDOVER, executor=OTHER_GI) == Reason.MEASURE_CONTRADICTED
    assert runs(*known, day=HANDOVER - DAY) == SURE


def test_a_gi_whose_own_measure_is_not_sure_confirms_nobody() -> None:
    """Else two GIs could confirm each other without the Raad."""
    known = (by_gi(1), new_gi(), handed_over(3, confirms=new_gi()))
    assert runs(*known, day=HANDOVER, executor=OTHER_GI) == DECLARED


def test_a_gi_that_never_carried_it_out_hands_nothing_over() -> None:
    known = (by_raad(1), new_gi(), handed_over(3, confirms=new_gi(), issuer=THIRD_GI))
    assert runs(*known, day=HANDOVER) == Reason.MEASURE_CONTRADICTED
    assert runs(*known, day=HANDOVER, executor=OTHER_GI) == Reason.MEASURE_CONTRADICTED
    afterwards = by_gi(2, issuer=OTHER_GI, valid_from=LAST + DAY, valid_until=LAST + 90 * DAY, issued_at=on(LAST))
    known = (by_raad(1), afterwards, handed_over(3, confirms=afterwards, issuer=THIRD_GI))
    assert runs(*known, day=LAST + DAY, executor=OTHER_GI) == DECLARED


def test_a_handover_ends_nothing_of_another_kind_and_nothing_of_another_gi() -> None:
    known = (by_raad(1), new_gi(), handed_over(3, confirms=new_gi()))
    guardian = by_raad(4, type=MeasureType.VOOGDIJ, valid_until=None)
    assert runs(*known, guardian, day=HANDOVER, capacity=Capacity.VOOGDIJ) == SURE
    elsewhere = by_raad(4, executor=THIRD_GI, valid_from=FIRST, valid_until=HANDOVER)
    found = standing(*known, elsewhere)
    assert (found[1].valid_until, found[4].valid_until) == (HANDOVER - DAY, HANDOVER)


def test_a_gi_that_was_confirmed_itself_can_hand_over_again() -> None:
    third = THIRD_GI
    second_handover = HANDOVER + 60 * DAY
    newest = replace(new_gi(4), issuer=third, executor=third, valid_from=second_handover)
    known = (
        by_raad(1),
        new_gi(),
        handed_over(3, confirms=new_gi()),
        newest,
        handed_over(5, confirms=newest, issuer=OTHER_GI),
    )
    assert runs(*known, day=second_handover - DAY, executor=OTHER_GI) == SURE
    assert runs(*known, day=second_handover + 90 * DAY, executor=third) == SURE


def test_what_the_raad_says_after_a_handover_counts_again() -> None:
    known = (
        by_raad(1),
        new_gi(),
        handed_over(3, confirms=new_gi()),
        replace(again(by_raad(1), 4), issued_at=on(HANDOVER)),
    )
    assert runs(*known, day=HANDOVER) == Reason.MEASURE_CONTRADICTED


# ---- ended, corrected, annulled, extended ----


def test_a_measure_that_ended_earlier_runs_until_its_new_last_day() -> None:
    ended = again(by_raad(1), 2, valid_until=date(2026, 12, 31))
    assert [runs(by_raad(1), ended, day=date(2026, 12, day)) for day in (31,)] == [SURE]
    assert runs(by_raad(1), ended, day=date(2027, 1, 1)) == Reason.MEASURE_ENDED


def test_an_end_that_the_executor_states_counts_against_the_statement_of_the_raad() -> None:
    ended = by_gi(2, confirms=message_id(1), valid_until=date(2026, 12, 31))
    assert runs(by_raad(1), ended, day=date(2027, 1, 1)) == Reason.MEASURE_ENDED
    assert runs(by_raad(1), ended, day=date(2026, 12, 31)) == SURE


def test_an_extension_by_the_raad_outlasts_what_others_stated_before() -> None:
    confirmed = by_gi(2, confirms=message_id(1))
    extended = again(by_raad(1), 3, valid_until=LAST + 365 * DAY)
    assert runs(by_raad(1), confirmed, extended, day=LAST + DAY) == SURE


def test_a_corrected_measure_runs_as_corrected() -> None:
    corrected = again(by_raad(1), 2, type=MeasureType.PROVISIONAL_OTS, valid_from=FIRST + DAY)
    assert runs(by_raad(1), corrected, day=FIRST) == Reason.MEASURE_NOT_BEGUN
    assert runs(by_raad(1), corrected, day=FIRST + DAY) == SURE


def test_of_an_annulled_measure_nothing_remains() -> None:
    annulled = again(by_raad(1), 2, annulled=True)
    assert standing(by_raad(1), annulled) == {}
    assert runs(by_raad(1), annulled, day=FIRST) == Reason.MEASURE_MISSING


ANNULLED_ON: Final = FIRST + 10 * DAY


def annulled_by_raad(*, number: int = 9) -> MeasureStatement:
    return replace(again(by_raad(1), number, annulled=True), issued_at=on(ANNULLED_ON))


@pytest.mark.parametrize(
    "own",
    [
        declared_on(FIRST, 2, confirms=message_id(1)),
        declared_on(FIRST, 2),
        declared_on(ANNULLED_ON + DAY, 2, confirms=message_id(1)),
        declared_on(ANNULLED_ON + DAY, 2, decided=FIRST + DAY, valid_until=LAST + 90 * DAY),
    ],
    ids=["confirmed before", "said before", "confirmed afterwards", "said afterwards with other dates"],
)
def test_what_the_raad_annuls_ends_at_once_also_as_the_own_word_of_the_gi(own: MeasureStatement) -> None:
    assert runs(by_raad(1), own, day=ANNULLED_ON + DAY) == SURE
    assert runs(by_raad(1), own, annulled_by_raad(), day=ANNULLED_ON + DAY) == Reason.MEASURE_MISSING
    extended = again(own, 10, valid_until=LAST + 30 * DAY)
    after = replace(extended, issued_at=on(ANNULLED_ON + 2 * DAY))
    assert runs(by_raad(1), own, annulled_by_raad(), after, day=ANNULLED_ON + 2 * DAY) == Reason.MEASURE_MISSING


def test_what_is_annulled_is_what_was_stated_whatever_the_annulment_says_of_it() -> None:
    own = declared_on(FIRST, 2)
    otherwise = replace(annulled_by_raad(), valid_from=LAST, valid_until=LAST, type=MeasureType.VOOGDIJ)
    assert runs(by_raad(1), own, otherwise, day=ANNULLED_ON) == Reason.MEASURE_MISSING


def test_an_annulment_counts_where_only_the_annulment_is_known() -> None:
    assert runs(declared_on(FIRST, 2), annulled_by_raad(), day=ANNULLED_ON) == Reason.MEASURE_MISSING


def test_what_refers_to_an_annulled_measure_goes_with_it_also_when_it_begins_later() -> None:
    later = ANNULLED_ON + 5 * DAY
    own = declared_on(FIRST, 2, confirms=message_id(1), valid_from=later)
    assert runs(by_raad(1), own, annulled_by_raad(), day=later) == Reason.MEASURE_MISSING


def test_what_the_raad_annuls_and_states_anew_counts_as_stated_anew() -> None:
    known = (by_raad(1), declared_on(FIRST, 2, confirms=message_id(1)), annulled_by_raad())
    anew = replace(by_raad(10, valid_from=FIRST + DAY), issued_at=on(ANNULLED_ON))
    assert runs(*known, anew, day=ANNULLED_ON) == SURE


def test_an_annulment_says_nothing_of_another_gi_another_kind_or_a_measure_that_begins_later() -> None:
    known = (by_raad(1), annulled_by_raad())
    assert runs(*known, declared_on(FIRST, 2, issuer=OTHER_GI), day=ANNULLED_ON, executor=OTHER_GI) == DECLARED
    guardian = declared_on(FIRST, 2, type=MeasureType.VOOGDIJ)
    assert runs(*known, guardian, day=ANNULLED_ON, capacity=Capacity.VOOGDIJ) == DECLARED
    later = ANNULLED_ON + 5 * DAY
    assert runs(*known, declared_on(later, 2, valid_from=later), day=later) == DECLARED


def test_what_a_gi_annuls_itself_says_nothing_of_what_the_raad_states() -> None:
    own = by_gi(2, confirms=message_id(1))
    assert runs(by_raad(1), own, again(own, 3, annulled=True), day=FIRST) == SURE


def test_nobody_replaces_the_statement_of_another() -> None:
    strange = replace(again(by_raad(1), 2, annulled=True), issuer=OTHER_GI)
    assert runs(by_raad(1), strange, day=FIRST) == SURE


def test_overlapping_measures_of_one_gi_are_no_contradiction() -> None:
    provisional = by_raad(1, type=MeasureType.PROVISIONAL_OTS, valid_until=date(2026, 9, 30))
    following = by_raad(2, valid_from=date(2026, 9, 15))
    assert [runs(provisional, following, day=date(2026, 9, day)) for day in (1, 20)] == [SURE, SURE]
    assert runs(provisional, following, day=date(2026, 10, 1)) == SURE


def test_a_sure_statement_is_relied_on_before_a_declared_one() -> None:
    assert runs(by_gi(2), by_raad(1), day=FIRST) == SURE


def test_a_measure_that_never_had_a_day_is_none() -> None:
    ended = by_gi(2, confirms=message_id(1), valid_from=FIRST - 2 * DAY, valid_until=FIRST - DAY)
    assert standing(by_raad(1), ended).keys() == {2}


# ---- kinds and capacities ----


@pytest.mark.parametrize(
    ("capacity", "kinds"),
    [
        (Capacity.OTS, {MeasureType.OTS, MeasureType.PROVISIONAL_OTS}),
        (Capacity.VOOGDIJ, {MeasureType.VOOGDIJ, MeasureType.PROVISIONAL_VOOGDIJ}),
        (Capacity.PREVENTIEF, set()),
        (Capacity.JEUGDRECLASSERING, set()),
        (None, set()),
    ],
)
def test_a_gi_with_two_capacities_is_held_to_the_one_it_claims(
    capacity: Capacity | None, kinds: set[MeasureType]
) -> None:
    for kind in MeasureType:
        found = weigh_measures((measure(RECIPIENT, kind),), acting={RECIPIENT}, capacity=capacity, day=FIRST)
        assert (not found.reasons) is (kind in kinds)


def test_a_guardian_and_a_supervisor_over_one_child_do_not_contradict_each_other() -> None:
    known = (by_raad(1), by_raad(2, type=MeasureType.VOOGDIJ, valid_until=None, executor=OTHER_GI))
    assert runs(*known, day=FIRST) == SURE
    assert contradictions(standing(*known).values(), day=FIRST) == frozenset()


# ---- contradictions are named, so that somebody can solve them ----


def test_a_contradiction_is_named_on_the_days_on_which_there_is_one() -> None:
    found = standing(by_raad(1), new_gi()).values()
    assert contradictions(found, day=HANDOVER - DAY) == frozenset()
    assert contradictions(found, day=HANDOVER) == {message_id(1), message_id(2)}
    assert contradictions(found, day=FIRST + 40 * DAY) == frozenset()


def test_every_reason_of_the_acting_gi_is_said() -> None:
    facts = (
        measure(RECIPIENT, valid_from=FIRST + DAY),
        measure(RECIPIENT, valid_until=FIRST - DAY),
        measure(RECIPIENT, lapses_on=FIRST),
        measure(OTHER, valid_from=FIRST),
    )
    found = weigh_measures(facts, acting={RECIPIENT}, capacity=Capacity.OTS, day=FIRST)
    assert found.reasons == (
        Reason.MEASURE_NOT_BEGUN,
        Reason.MEASURE_ENDED,
        Reason.MEASURE_LAPSED,
        Reason.MEASURE_OTHER_EXECUTOR,
    )


# ---- what may be added ----


def findings(statement: MeasureStatement, *known: MeasureStatement, role: Role = Role.GI) -> list[str]:
    found = check_statement(statement, role=role, known=known)
    assert all(issue.code == f"sender.measure{issue.pointer.replace('/', '.')}" for issue in found)
    return [issue.pointer for issue in found]


def test_the_raad_states_any_measure_and_a_gi_its_own() -> None:
    assert findings(by_raad(), role=Role.RAAD) == []
    assert findings(by_gi()) == []
    assert findings(by_gi(issuer=OTHER_GI), by_raad(2)) == []


def test_a_gi_states_that_of_another_only_when_it_carried_it_out_and_confirms() -> None:
    former = by_raad(1)
    assert findings(handed_over(3, confirms=new_gi()), former, new_gi()) == []
    assert findings(replace(handed_over(3, confirms=new_gi()), confirms=None), former, new_gi()) == ["/iss"]
    assert findings(handed_over(3, confirms=new_gi()), new_gi()) == ["/iss"]
    assert findings(by_raad(3, issuer=OTHER_GI, executor=GI)) == ["/iss"]


@pytest.mark.parametrize("role", [Role.GEMEENTE, Role.VEILIG_THUIS, Role.DASHBOARD])
def test_others_state_none(role: Role) -> None:
    assert findings(by_gi(), role=role) == ["/iss"]


def test_nobody_states_so_much_about_a_child_that_others_cannot_read_it() -> None:
    flood = [by_gi(number) for number in range(1, 101)]
    assert findings(by_gi(101), *flood[1:]) == []
    assert findings(by_gi(101), *flood) == ["/iss"]
    assert findings(by_raad(101), *flood, role=Role.RAAD) == []
    assert findings(again(flood[-1], 101, annulled=True), *flood) == []


def test_what_is_referred_to_must_be_there_and_fit() -> None:
    first = by_gi(1)
    assert findings(again(first, 2), first) == []
    assert findings(again(first, 2)) == ["/replaces"]
    assert findings(again(first, 2, type=MeasureType.VOOGDIJ), first) == ["/replaces"]
    assert findings(again(first, 3), first, again(first, 2)) == ["/replaces"]
    assert findings(by_raad(2, confirms=first.id), first, role=Role.RAAD) == []
    assert findings(by_raad(2, confirms=first.id), role=Role.RAAD) == ["/confirms"]
    assert findings(by_raad(2, confirms=first.id, executor=OTHER_GI), first, role=Role.RAAD) == ["/confirms"]
    assert findings(by_raad(2, confirms=by_raad(1).id), by_raad(1), role=Role.RAAD) == ["/confirms"]


def test_a_measure_under_another_pseudonym_of_the_same_child_counts() -> None:
    """Whether two pseudonyms are of one child is the rim's to know: what it hands over is about one."""
    assert runs(by_raad(1, tag=RANDOM_TAG), day=FIRST) == SURE
