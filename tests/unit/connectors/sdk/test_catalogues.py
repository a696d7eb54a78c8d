"""A catalogue counts where the board's own steps brought it into force, and nowhere else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sdk.catalogues import Enacted
from schemas.board import Step
from schemas.codes import TokenType
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from tests.support.board import FG, FIRST, NEW, OLD, SECOND, THIRD
from tests.support.enactments import ROUND, BoardLog, Proposed, why
from tests.support.parties import message_id, seeded_key

STRANGER = seeded_key("board/stranger")
OTHERS = tuple(seeded_key(f"board/other-{number}") for number in range(3))


@pytest.fixture
def made() -> BoardLog:
    """A board that brought the first catalogue into force."""
    log = BoardLog()
    log.appoint()
    first = log.enactment(OLD)
    log.enact(first, by=log.decide(first))
    return log


def test_the_first_catalogue_is_in_force_by_the_boards_steps(made: BoardLog) -> None:
    found = made.verify()
    assert isinstance(found, Enacted)
    assert (found.digest, found.version, found.index) == (OLD, "v", made.enacted[0])
    assert [signed.signer for signed in found.standing.approvals] == [
        SECOND.public.thumbprint,
        THIRD.public.thumbprint,
    ]


def test_the_next_catalogue_takes_the_place_of_the_one_before(made: BoardLog) -> None:
    new = made.enactment(NEW, replaces=OLD)
    made.enact(new, by=made.decide(new))
    found = made.verify()
    assert isinstance(found, Enacted)
    assert (found.digest, why(made.verify(0))) == (NEW, [])


def test_an_earlier_catalogue_comes_back_by_new_steps_only(made: BoardLog) -> None:
    """The steps that once brought it into force replace nothing, and do not count again."""
    proposed = Proposed(id=message_id(1), digest=made.proven(made.enacted[0]).entry.request or "")
    new = made.enactment(NEW, replaces=OLD)
    made.enact(new, by=made.decide(new))
    again = made.enactment(OLD)
    made.enact(again, by=proposed)
    assert why(made.verify()) == ["used"]
    made.enacted.pop()
    back = made.enactment(OLD, replaces=NEW)
    made.enact(back, by=made.decide(back))
    assert isinstance(made.verify(), Enacted)


def test_what_was_signed_once_does_not_count_again_when_the_catalogue_before_is_back(made: BoardLog) -> None:
    """Old, new, old again by the board: now nothing but its having been used stands in the way of the new one."""
    new = made.enactment(NEW, replaces=OLD)
    proposed = made.decide(new)
    made.enact(new, by=proposed)
    back = made.enactment(OLD, replaces=NEW)
    made.enact(back, by=made.decide(back))
    made.enact(new, by=proposed)
    assert why(made.verify()) == ["used"]


def test_what_was_signed_before_the_log_began_counts_for_nothing(made: BoardLog) -> None:
    """The steps of a log that was lost are known to everybody; the log that continues it has nothing in force yet."""
    at_the_proposal = made.log.time // 1000 - 5  # each entry takes a second
    assert isinstance(made.verify(began=at_the_proposal), Enacted)
    assert why(made.verify(began=at_the_proposal + 1)) == ["no-proposal"]
    assert why(made.verify(began=made.log.time // 1000)) == ["no-proposal"]


def without(*kinds: Step) -> Callable[[BoardLog], None]:
    """The round without some of its steps."""

    def change(log: BoardLog) -> None:
        new = log.enactment(NEW, replaces=OLD)
        steps = ((Step.PROPOSE, FIRST), (Step.PROVE, FIRST), (Step.COMPARE, FIRST), *ROUND[2:])
        kept = [each for each in steps if each[0] not in kinds]
        log.enact(new, by=log.decide(new, steps=kept))

    return change


def by(*approvers: SigningKey) -> Callable[[BoardLog], None]:
    """The round with other approvals."""

    def change(log: BoardLog) -> None:
        new = log.enactment(NEW, replaces=OLD)
        steps = [(Step.PROPOSE, FIRST), (Step.PROVE, FIRST), (Step.COMPARE, FIRST)]
        steps += [(Step.APPROVE, key) for key in approvers]
        log.enact(new, by=log.decide(new, steps=steps))

    return change


def no_steps(log: BoardLog) -> None:
    log.enact(log.enactment(NEW, replaces=OLD), by=None)


def unknown_proposal(log: BoardLog) -> None:
    log.enact(log.enactment(NEW, replaces=OLD), by=Proposed(id=message_id(1), digest=NEW))


def another_catalogue(log: BoardLog) -> None:
    new = log.enactment(NEW, replaces=OLD)
    log.enact(new, by=log.decide(new), catalogue="F" * 42 + "A")


def another_version(log: BoardLog) -> None:
    new = log.enactment(NEW, replaces=OLD)
    log.enact(new, by=log.decide(new), version="w")


def too_early(log: BoardLog) -> None:
    new = log.enactment(NEW, replaces=OLD)
    new = log.enactment(NEW, replaces=OLD, valid_from=new.valid_from + timedelta(days=1))
    log.enact(new, by=log.decide(new))


def rejected(log: BoardLog) -> None:
    new = log.enactment(NEW, replaces=OLD)
    proposed = log.decide(new)
    log.take(Step.REJECT, THIRD, new, proposal=proposed.id)
    log.enact(new, by=proposed)


def enacted_before_the_last_approval(log: BoardLog) -> None:
    new = log.enactment(NEW, replaces=OLD)
    steps = ((Step.PROPOSE, FIRST), (Step.PROVE, FIRST), (Step.COMPARE, FIRST), (Step.APPROVE, SECOND))
    proposed = log.decide(new, steps=steps)
    log.enact(new, by=proposed)
    log.take(Step.APPROVE, THIRD, new, proposal=proposed.id)


def board_changed(log: BoardLog) -> None:
    """Who approved has left the board when the catalogue came into force."""
    new = log.enactment(NEW, replaces=OLD)
    proposed = log.decide(new)
    log.appoint(FIRST, SECOND, STRANGER)
    log.log.time += 120_000
    log.enact(new, by=proposed)


def board_not_yet(log: BoardLog) -> None:
    """The steps are those of a board that begins tomorrow."""
    log.appoint(*OTHERS, valid_from=log.seconds + 86_400)
    new = log.enactment(NEW, replaces=OLD)
    proposer, *approvers = OTHERS
    steps = [(Step.PROPOSE, proposer), (Step.PROVE, proposer), (Step.COMPARE, proposer)]
    log.enact(new, by=log.decide(new, steps=[*steps, *((Step.APPROVE, key) for key in approvers)]))


def board_of_the_hub(log: BoardLog) -> None:
    """The hub appoints a board of its own."""
    log.registrar, real = STRANGER, log.registrar
    log.appoint(*OTHERS)
    log.registrar = real
    new = log.enactment(NEW, replaces=OLD)
    proposer, *approvers = OTHERS
    steps = [(Step.PROPOSE, proposer), (Step.PROVE, proposer), (Step.COMPARE, proposer)]
    log.enact(new, by=log.decide(new, steps=[*steps, *((Step.APPROVE, key) for key in approvers)]))


def steps_that_the_log_does_not_hold(log: BoardLog) -> None:
    """What is signed stands beside entries about something else."""
    new = log.enactment(NEW, replaces=OLD)
    proposed = log.decide(new)
    log.enact(new, by=proposed)
    places = [index for _, index in log.steps]
    log.steps = [(token, places[number - 1]) for number, (token, _) in enumerate(log.steps)]


def a_step_altered(log: BoardLog) -> None:
    """Somebody else signs what a member would have signed, under the member's key id."""
    new = log.enactment(NEW, replaces=OLD)
    proposed = log.decide(new)
    token, index = log.steps[-1]
    log.steps[-1] = (token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"), index)
    log.enact(new, by=proposed)


def an_entry_that_is_no_grounds(log: BoardLog) -> None:
    log.enacted.append(log.append("definitions", version="2", catalogue=NEW))


def test_the_hub_alone_brings_nothing_into_force(made: BoardLog) -> None:
    no_steps(made)
    assert why(made.verify()) == ["without-steps"]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (unknown_proposal, ["no-proposal"]),
        (without(Step.PROVE), ["not-proved", "no-approval"]),
        (without(Step.COMPARE), ["not-compared", "no-approval"]),
        (by(), ["no-approval"]),
        (by(SECOND), ["one-approval"]),
        (by(SECOND, SECOND), ["one-approval"]),
        (by(FIRST, SECOND), ["one-approval"]),
        (by(SECOND, FG), ["one-approval"]),
        (by(SECOND, STRANGER), ["one-approval"]),
        (another_catalogue, ["other-catalogue"]),
        (another_version, ["other-catalogue"]),
        (too_early, ["too-early"]),
        (rejected, ["rejected"]),
        (enacted_before_the_last_approval, ["one-approval"]),
        (board_changed, ["one-approval"]),
        (board_not_yet, ["no-proposal"]),
        (board_of_the_hub, ["no-proposal"]),
        (steps_that_the_log_does_not_hold, ["no-proposal"]),
        (a_step_altered, ["one-approval"]),
        (an_entry_that_is_no_grounds, ["no-entry"]),
    ],
    ids=lambda value: getattr(value, "__name__", None) if callable(value) else "-".join(value),
)
def test_what_is_missing_or_false_is_named(
    made: BoardLog, change: Callable[[BoardLog], None], codes: list[str]
) -> None:
    change(made)
    assert why(made.verify()) == codes


def test_without_a_board_nothing_counts() -> None:
    log = BoardLog()
    first = log.enactment(OLD)
    log.enact(first, by=log.decide(first))
    assert why(log.verify()) == ["no-board"]


def test_a_board_that_came_after_the_entry_does_not_count() -> None:
    log = BoardLog()
    first = log.enactment(OLD)
    log.enact(first, by=log.decide(first))
    log.appoint(valid_from=1)
    assert why(log.verify()) == ["no-board"]


def test_a_board_that_began_in_the_very_moment_leaves_what_the_one_before_decided(made: BoardLog) -> None:
    """The hub looked which board counts just before the entry got its time."""
    new = made.enactment(NEW, replaces=OLD)
    proposed = made.decide(new)
    made.log.time += 120_000
    made.appoint(*OTHERS)
    made.enact(new, by=proposed)
    found = made.verify()
    assert isinstance(found, Enacted)
    assert SECOND.public.thumbprint in {member.key.thumbprint for member in found.board.members}


def test_something_else_that_the_registrar_signed_is_no_board(made: BoardLog) -> None:
    """A signature counts for one kind of document."""
    token = sign_jws(b"{}", typ=TokenType.ADMISSION, key=made.registrar)
    made.boards.append((token, made.boards[0][1]))
    assert isinstance(made.verify(), Enacted)


@pytest.mark.parametrize("left_out", range(len(ROUND)))
def test_no_step_of_the_round_can_be_missed(made: BoardLog, left_out: int) -> None:
    """The hub hides one of them, whichever."""
    del made.steps[left_out]
    assert why(made.verify()) != []


@given(order=st.permutations(range(len(ROUND))), twice=st.integers(0, len(ROUND) - 1))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_the_hub_shows_the_steps_says_nothing(order: list[int], twice: int) -> None:
    log = BoardLog()
    log.appoint()
    first = log.enactment(OLD)
    log.enact(first, by=log.decide(first))
    log.steps = [log.steps[number] for number in (*order, twice)]
    assert isinstance(log.verify(), Enacted)
