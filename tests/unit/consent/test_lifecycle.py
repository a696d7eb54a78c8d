"""The life cycle of a catalogue: what lets it come into force, and everything that stands in the way."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from consent.lifecycle import Obstacle, Standing, Unheeded, standings
from schemas.board import Board, SignedStep, Step, StepOutcome
from tests.support.board import (
    DAY,
    DEFINITIONS,
    FG,
    FIRST,
    NEW,
    OLD,
    OTHER_REPORT,
    SECOND,
    THIRD,
    board,
    enactment,
    proposed,
    round_of_steps,
    signed,
    step,
)
from tests.support.parties import ISSUED_AT, message_id, seeded_key

FOURTH = seeded_key("board/fourth")
ALL = round_of_steps()
PROPOSE, PROVE, COMPARE, APPROVE, APPROVE_TOO = ALL


def standing(*steps: SignedStep, on: Board | None = None, in_force: str | None = OLD) -> Standing:
    (only,) = standings(steps, board=on or board(), in_force=in_force, definitions=DEFINITIONS)
    return only


def obstacles(*steps: SignedStep, **change: Any) -> tuple[Obstacle, ...]:
    return standing(*steps, **change).obstacles


def test_proposed_proved_compared_and_approved_twice_comes_into_force_on_its_day() -> None:
    found = standing(*ALL)
    assert (found.obstacles, found.unheeded, found.enacts_from) == ((), (), DAY)
    assert not found.may_come_into_force(on=DAY - timedelta(days=1))
    assert found.may_come_into_force(on=DAY)
    assert found.may_come_into_force(on=DAY + timedelta(days=30))


@pytest.mark.parametrize(
    ("missing", "obstacle"),
    [
        # Who approves what nobody proved or compared yet approves nothing.
        (PROVE, (Obstacle.NOT_PROVED, Obstacle.NO_APPROVAL)),
        (COMPARE, (Obstacle.NOT_COMPARED, Obstacle.NO_APPROVAL)),
        (APPROVE, (Obstacle.ONE_APPROVAL,)),
        (APPROVE_TOO, (Obstacle.ONE_APPROVAL,)),
    ],
    ids=["proof", "comparison", "first approval", "second approval"],
)
def test_no_step_can_be_left_out(missing: SignedStep, obstacle: tuple[Obstacle, ...]) -> None:
    found = standing(*(each for each in ALL if each != missing))
    assert found.obstacles == obstacle
    assert found.enacts_from is None
    assert not found.may_come_into_force(on=DAY)


def test_a_bare_proposal_lacks_everything() -> None:
    assert obstacles(PROPOSE) == (Obstacle.NOT_PROVED, Obstacle.NOT_COMPARED, Obstacle.NO_APPROVAL)


def test_the_order_of_the_steps_makes_no_difference() -> None:
    """Nor does a step that comes twice: whoever holds all of them comes to the same answer."""
    expected = standing(*ALL)
    assert all(standing(*each) == expected for each in permutations(ALL))
    assert standing(*ALL, *ALL) == expected


def test_without_its_proposal_a_step_says_nothing() -> None:
    assert standings(ALL[1:], board=board(), in_force=OLD, definitions=DEFINITIONS) == ()


# ---- who approves ----


def test_the_proposer_is_not_one_of_the_two() -> None:
    own = signed(step(Step.APPROVE, 6), FIRST)
    found = standing(PROPOSE, PROVE, COMPARE, APPROVE, own)
    assert (found.obstacles, found.unheeded) == ((Obstacle.ONE_APPROVAL,), ((own, Unheeded.OWN_PROPOSAL),))


def test_one_beheerder_does_not_approve_for_two() -> None:
    again = signed(step(Step.APPROVE, 6), SECOND)
    found = standing(PROPOSE, PROVE, COMPARE, APPROVE, again)
    assert (found.obstacles, found.unheeded) == ((Obstacle.ONE_APPROVAL,), ((again, Unheeded.TWICE),))


@pytest.mark.parametrize(
    "change",
    [
        {"digest": OTHER_REPORT},
        {"version": "2027-2"},
        {"replaces": OTHER_REPORT},
        {"definitions": OTHER_REPORT},
        {"valid_from": DAY - timedelta(days=1)},
    ],
)
def test_who_approves_something_else_does_not_approve_this(change: dict[str, Any]) -> None:
    """Another file, another day, another predecessor, other definitions: each is another thing to approve."""
    other = signed(step(Step.APPROVE, 6, enactment=enactment(**change)), THIRD)
    found = standing(PROPOSE, PROVE, COMPARE, APPROVE, other)
    assert (found.obstacles, found.unheeded) == ((Obstacle.ONE_APPROVAL,), ((other, Unheeded.ABOUT_SOMETHING_ELSE),))


@pytest.mark.parametrize("kind", [Step.PROVE, Step.COMPARE])
def test_who_approves_before_there_is_a_proof_and_a_comparison_approves_nothing(kind: Step) -> None:
    """In the same second is after: machines differ by less than anybody reads a report in."""
    early = signed(replace(step(Step.APPROVE, 6), issued_at=ISSUED_AT + 2), THIRD)
    late = signed(step(kind, 3), FIRST)
    others = (PROVE, COMPARE) if kind is Step.COMPARE else (COMPARE, late)
    found = standing(PROPOSE, *(each for each in others if each.step.step is not kind), late, APPROVE, early)
    assert found.unheeded == ((early, Unheeded.BEFORE_PROOF),)
    assert found.obstacles == (Obstacle.ONE_APPROVAL,)
    again = signed(replace(step(Step.APPROVE, 7), issued_at=late.step.issued_at), THIRD)
    present = [each for each in others if each.step.step is not kind]
    assert standing(PROPOSE, *present, late, APPROVE, again).obstacles == ()


def test_a_second_proof_after_the_approvals_takes_none_of_them_away() -> None:
    assert obstacles(*ALL, signed(step(Step.PROVE, 8), SECOND)) == ()


def test_a_proof_that_failed_or_is_nobodys_is_none_to_approve() -> None:
    failed = signed(step(Step.PROVE, 2, outcome=StepOutcome.NOT_OK), FIRST)
    of_a_leaver = signed(step(Step.PROVE, 2), FOURTH, by=board(FOURTH, SECOND, THIRD))
    for proof in (failed, of_a_leaver):
        found = standing(PROPOSE, proof, COMPARE, APPROVE, APPROVE_TOO)
        assert Obstacle.NO_APPROVAL in found.obstacles


def test_who_leaves_the_board_takes_the_approval_along() -> None:
    found = standing(*ALL, on=board(FIRST, SECOND, FOURTH))
    assert (found.obstacles, found.unheeded) == ((Obstacle.ONE_APPROVAL,), ((APPROVE_TOO, Unheeded.NOT_ON_BOARD),))


def test_what_a_former_member_proposed_is_proposed_anew() -> None:
    """The steps of a former member count no more: nor the proof that came with the proposal."""
    assert Obstacle.PROPOSER_NOT_ON_BOARD in obstacles(*ALL, on=board(SECOND, THIRD, FOURTH))


# ---- the FG ----


def test_the_advice_of_the_fg_is_shown_and_counts_for_nothing() -> None:
    """Neither does a yes stand for an approval, nor a no in the way."""
    for outcome in StepOutcome:
        advice = signed(step(Step.ADVISE, 6, outcome=outcome), FG)
        assert standing(*ALL, advice).advice == (advice,)
        assert obstacles(*ALL, advice) == ()
        assert obstacles(*ALL[:-1], advice) == (Obstacle.ONE_APPROVAL,)


# ---- rejections and reports ----


def test_one_rejection_ends_a_proposal_for_good() -> None:
    """Even the proposer's own: so a proposal is taken back."""
    for key in (FIRST, SECOND, THIRD):
        rejection = signed(step(Step.REJECT, 6), key)
        assert standing(*ALL, rejection).rejections == (rejection,)
        assert obstacles(*ALL, rejection) == (Obstacle.REJECTED,)


def test_what_was_rejected_is_proposed_and_approved_anew() -> None:
    """Approvals of the first proposal do not count for the second of the same file."""
    rejection = signed(step(Step.REJECT, 6), SECOND)
    old, new = standings((*ALL, rejection, proposed(7)), board=board(), in_force=OLD, definitions=DEFINITIONS)
    assert (old.obstacles, new.approvals) == ((Obstacle.REJECTED,), ())
    assert new.obstacles == (Obstacle.NOT_PROVED, Obstacle.NOT_COMPARED, Obstacle.NO_APPROVAL)


@pytest.mark.parametrize(
    ("kind", "obstacle"), [(Step.PROVE, Obstacle.PROOF_FAILED), (Step.COMPARE, Obstacle.COMPARISON_FAILED)]
)
def test_a_failure_is_not_made_good_by_another_report(kind: Step, obstacle: Obstacle) -> None:
    failed = signed(step(kind, 6, outcome=StepOutcome.NOT_OK), SECOND)
    assert obstacles(*ALL, failed) == (obstacle,)


@pytest.mark.parametrize("kind", [Step.PROVE, Step.COMPARE])
def test_two_reports_of_one_thing_say_the_same(kind: Step) -> None:
    assert obstacles(*ALL, signed(step(kind, 6), SECOND)) == ()
    other = signed(step(kind, 6, result=OTHER_REPORT), SECOND)
    assert obstacles(*ALL, other) == (Obstacle.REPORTS_DIFFER,)


# ---- what is in force ----


def test_a_proposal_that_was_overtaken_is_made_anew() -> None:
    assert obstacles(*ALL, in_force=OTHER_REPORT) == (Obstacle.OVERTAKEN,)
    assert obstacles(*ALL, in_force=None) == (Obstacle.OVERTAKEN,)


def test_what_is_in_force_does_not_come_into_force_again() -> None:
    assert obstacles(*ALL, in_force=NEW) == (Obstacle.IN_FORCE,)


def test_a_proposal_comes_into_force_once() -> None:
    """Also where the catalogue that it replaces is in force again; as long as its own is, that is what is said."""
    used = {PROPOSE.digest}
    for in_force, obstacle in ((OLD, Obstacle.USED), (OTHER_REPORT, Obstacle.USED), (NEW, Obstacle.IN_FORCE)):
        (found,) = standings(ALL, board=board(), in_force=in_force, definitions=DEFINITIONS, used=used)
        assert (found.obstacles, found.enacts_from) == ((obstacle,), None)
    (other,) = standings(ALL, board=board(), in_force=OLD, definitions=DEFINITIONS, used={APPROVE.digest})
    assert other.obstacles == ()


def test_a_proof_is_with_the_definitions_of_now() -> None:
    (found,) = standings(ALL, board=board(), in_force=OLD, definitions=OTHER_REPORT)
    assert found.obstacles == (Obstacle.DEFINITIONS_CHANGED,)


def test_the_first_catalogue_has_nothing_to_be_compared_with() -> None:
    """It is proved and approved as every other."""
    first = enactment(replaces=None)
    steps = [
        signed(replace(each.step, enactment=first), key)
        for each, key in zip((PROPOSE, PROVE, APPROVE, APPROVE_TOO), (FIRST, FIRST, SECOND, THIRD), strict=True)
    ]
    assert obstacles(*steps, in_force=None) == ()
    assert obstacles(*steps[:-1], in_force=None) == (Obstacle.ONE_APPROVAL,)
    assert obstacles(*steps, in_force=OLD) == (Obstacle.OVERTAKEN,)


def test_several_proposals_stand_beside_each_other_the_oldest_first() -> None:
    later = signed(step(Step.PROPOSE, 8, enactment=enactment(digest=OTHER_REPORT), issued_at=ISSUED_AT + 80), SECOND)
    found = standings((later, *ALL), board=board(), in_force=OLD, definitions=DEFINITIONS)
    assert [each.proposal.step.id for each in found] == [message_id(1), message_id(8)]
    assert [bool(each.obstacles) for each in found] == [False, True]
    assert found[0].enactment == enactment()
