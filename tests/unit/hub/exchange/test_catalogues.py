"""A catalogue comes into force by the steps of the board, in the log, and by nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from audit.records import text_digest, token_digest
from consent.grounds import packaged_catalogue
from consent.lifecycle import Obstacle
from hub.exchange.catalogues import DOCUMENT_BYTES_MAX, PROPOSALS_SHOWN, STEPS_MAX, known_life
from hub.ports import DecisionOutdatedError
from schemas.board import Step, StepOutcome
from schemas.codes import EntryKind
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    RejectedMessageError,
    ReplayError,
    SignatureError,
    UnavailableError,
)
from tests.support.board import FG, FIRST, SECOND, THIRD
from tests.support.exchange_hub import MemoryHub, without
from tests.support.hub_board import ActingBoard, Signed, force
from tests.support.parties import seeded_key

STRANGER = seeded_key("board/stranger")
PACKAGED = packaged_catalogue()


async def _opened() -> MemoryHub:
    """A hub with a board and without a catalogue."""
    hub = await MemoryHub.opened(catalogue=None)
    await hub.appoint()
    return hub


async def _take(hub: MemoryHub, *steps: Signed) -> None:
    for step in steps:
        await hub.step(step)


async def _hindered(hub: MemoryHub, step: Signed) -> tuple[Obstacle, ...]:
    """What stands in the way of a proposal with a step."""
    standing = (await hub.step(step)).standing
    assert standing is not None
    return standing.obstacles


async def _refused(hub: MemoryHub, step: Signed) -> list[str]:
    """The codes of the issues with which a step is refused."""
    with pytest.raises(DocumentError) as refused:
        await hub.step(step)
    return [issue.code.removeprefix("sender.catalogue-step.") for issue in refused.value.issues]


async def _proposed(hub: MemoryHub, **change: object) -> Signed:
    enactment = hub.board.enactment(PACKAGED, replaces=hub.in_force, **change)
    proposed = hub.board.propose(PACKAGED, enactment)
    await hub.step(proposed)
    return proposed


# ---- into force ----


async def test_the_first_catalogue_comes_into_force_by_its_steps_each_an_entry_of_the_log() -> None:
    hub = await _opened()
    proposed, proved, *approvals = hub.board.round(PACKAGED, replaces=None)
    for step, obstacle in ((proposed, Obstacle.NOT_PROVED), (proved, Obstacle.NO_APPROVAL)):
        assert obstacle in await _hindered(hub, step)
        assert await hub.enact() is None
    assert [await _hindered(hub, step) for step in approvals] == [(Obstacle.ONE_APPROVAL,), ()]
    assert [hub.in_force] == [None]
    assert await hub.enact() is not None
    assert hub.in_force == PACKAGED.digest
    assert await hub.enact() is None
    board, first, *others, enacted = [
        entry for entry in hub.entries_of(EntryKind.CATALOGUE) if entry.id != "definitions"
    ]
    assert (board.id, board.catalogue, board.request) == ("board", board.catalogue, board.catalogue)
    assert (first.id, first.catalogue, first.version) == (proposed.step.id.value, PACKAGED.digest, PACKAGED.version)
    assert [each.request for each in (first, *others)] == [
        token_digest(each.token) for each in (proposed, proved, *approvals)
    ]
    assert (enacted.id, enacted.catalogue, enacted.request) == (
        "grounds",
        PACKAGED.digest,
        token_digest(proposed.token),
    )
    assert not (await hub.submit(hub.compose())).repeated


async def test_a_catalogue_comes_into_force_at_the_beginning_of_its_day_in_the_netherlands() -> None:
    hub = await _opened()
    day = hub.board.today + timedelta(days=2)
    await _take(hub, *hub.board.round(PACKAGED, replaces=None, valid_from=day))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=1)
    hub.world.clock.advance(seconds=int((midnight - hub.world.clock.now()).total_seconds()) - 1)
    assert await hub.enact() is None
    hub.world.clock.advance(seconds=1)
    assert await hub.enact() is not None


async def test_a_message_decided_by_the_catalogue_before_is_decided_anew() -> None:
    hub = await MemoryHub.opened()
    await _take(hub, *hub.board.round(without("VTO"), replaces=PACKAGED.digest))
    hub.meanwhile = hub.enact
    with pytest.raises(DocumentError) as refused:
        await hub.submit(hub.compose())
    assert refused.value.code == "sender.decision.denied"
    assert hub.in_force == without("VTO").digest


async def test_of_two_processes_one_brings_it_into_force_and_both_decide_by_it() -> None:
    hub = await _opened()
    await _take(hub, *hub.board.round(PACKAGED, replaces=None))

    async def the_other() -> None:
        with hub.another_process():
            assert await hub.enact() is not None

    hub.meanwhile = the_other
    assert await hub.enact() is None
    assert sum(entry.id == "grounds" for entry in hub.entries_of(EntryKind.CATALOGUE)) == 1
    await hub.services.worlds.refresh()
    assert hub.in_force == PACKAGED.digest


async def test_a_rejection_that_comes_a_moment_before_is_heeded() -> None:
    """Whoever reads the log finds the rejection before the entry that would bring it into force."""
    hub = await _opened()
    proposed, *others = hub.board.round(PACKAGED, replaces=None)
    await _take(hub, proposed, *others)
    hub.meanwhile = lambda: hub.step(hub.board.take(Step.REJECT, SECOND, proposed))
    assert await hub.enact() is None
    assert [hub.in_force] == [None]


async def test_what_keeps_changing_is_left_to_a_later_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = await _opened()
    await _take(hub, *hub.board.round(PACKAGED, replaces=None))

    async def outdated(*_: object) -> None:
        raise DecisionOutdatedError

    with monkeypatch.context() as patch:
        patch.setattr(MemoryHub, "append", outdated)
        assert await hub.enact() is None
    assert await hub.enact() is not None


async def test_a_rejected_proposal_never_comes_into_force_and_is_made_anew() -> None:
    hub = await _opened()
    proposed, *others = hub.board.round(PACKAGED, replaces=None)
    await _take(hub, proposed, *others)
    note = "Wij willen eerst de DPIA zien."
    rejection = hub.board.take(Step.REJECT, THIRD, proposed, document=note)
    assert await _hindered(hub, rejection) == (Obstacle.REJECTED,)
    assert await hub.enact() is None
    assert await hub.catalogues.document(text_digest(note.encode())) == note.encode()
    hub.world.clock.advance(seconds=1)
    await _take(hub, *hub.board.round(PACKAGED, replaces=None))
    assert await hub.enact() is not None


async def test_who_leaves_the_board_takes_the_approval_along() -> None:
    hub = await _opened()
    proposed, *others = hub.board.round(PACKAGED, replaces=None)
    await _take(hub, proposed, *others)
    hub.world.clock.advance(seconds=1)
    fourth = seeded_key("board/fourth")
    await hub.appoint(hub.board.board(FIRST, SECOND, fourth))
    assert await hub.enact() is None
    with pytest.raises(AuthenticationError):
        await hub.step(hub.board.take(Step.REJECT, THIRD, proposed))
    await hub.step(hub.board.take(Step.APPROVE, fourth, proposed))
    assert await hub.enact() is not None


async def test_a_board_counts_from_its_first_second_on() -> None:
    hub = await MemoryHub.opened(catalogue=None)
    await hub.appoint(hub.board.board(valid_from=hub.board.seconds + 60))
    proposed = hub.board.propose(PACKAGED, hub.board.enactment(PACKAGED, replaces=None))
    with pytest.raises(RejectedMessageError) as refused:
        await hub.step(proposed)
    assert refused.value.code == "sender.catalogue-step.no-board"
    hub.world.clock.advance(seconds=60)
    await hub.step(proposed)


async def test_of_several_proposals_the_earliest_day_comes_into_force_and_overtakes_the_others() -> None:
    hub = await MemoryHub.opened()
    later, earlier = without("VTO"), without("KLACHT")
    today = hub.board.today
    await _take(hub, *hub.board.round(later, replaces=PACKAGED.digest, valid_from=today))
    await _take(hub, *hub.board.round(earlier, replaces=PACKAGED.digest, valid_from=today - timedelta(days=1)))
    assert await hub.enact() is not None
    assert hub.in_force == earlier.digest
    assert await hub.enact() is None
    overtaken = (await known_life(hub.services)).standings(
        seconds=hub.arrival.seconds, definitions=hub.services.definitions
    )
    assert [each.obstacles for each in overtaken if each.enactment.digest == later.digest] == [(Obstacle.OVERTAKEN,)]


async def test_a_catalogue_may_be_proposed_on_top_of_one_that_is_still_to_come() -> None:
    hub = await MemoryHub.opened()
    first, second = without("VTO"), without("KLACHT")
    steps, more = (
        list(hub.board.round(first, replaces=PACKAGED.digest, valid_from=hub.board.today + timedelta(days=1))),
        list(hub.board.round(second, replaces=first.digest)),
    )
    await _take(hub, *steps, *more)
    assert await hub.enact() is None
    hub.world.clock.advance(seconds=24 * 3600)
    assert await hub.enact() is not None
    assert await hub.enact() is not None
    assert hub.in_force == second.digest


async def test_an_old_installation_keeps_what_is_in_force_until_the_board_replaces_it() -> None:
    """Its entry names no steps: it came from a file that an operator gave."""
    hub = await MemoryHub.opened(catalogue=None)
    await force(PACKAGED, services=hub.services)
    assert hub.entries_of(EntryKind.CATALOGUE)[-1].request is None
    await hub.submit(hub.compose())
    await hub.appoint()
    await hub.appoint()
    await _take(hub, *hub.board.round(without("VTO"), replaces=PACKAGED.digest))
    assert await hub.enact() is not None
    assert hub.in_force == without("VTO").digest


async def test_what_somebody_puts_into_the_database_counts_for_nothing() -> None:
    """The signatures decide: a forged approval, or a board of another registrar, is in nobody's way."""
    hub = await _opened()
    proposed, proved, approved, _ = hub.board.round(PACKAGED, replaces=None)
    await _take(hub, proposed, proved, approved)
    own = ActingBoard(registrar=STRANGER, at=hub.world.clock.now, definitions=hub.services.definitions.digest)
    hub.catalogues.forge(
        board=own.board(STRANGER, SECOND, THIRD), step=own.take(Step.APPROVE, STRANGER, proposed).token
    )
    assert await hub.enact() is None


async def test_a_catalogue_whose_text_is_lost_does_not_come_into_force() -> None:
    """As after a log was refilled from what others hold: the hub would have nothing to decide by."""
    hub = await MemoryHub.opened()
    changed = without("VTO")
    day = hub.board.today + timedelta(days=1)
    await _take(hub, *hub.board.round(changed, replaces=PACKAGED.digest, valid_from=day))
    text = hub.catalogues.lose(changed.digest)
    hub.world.clock.advance(seconds=24 * 3600)
    assert await hub.enact() is None
    await _take(hub, *hub.board.round(without("KLACHT"), replaces=PACKAGED.digest))
    hub.catalogues.hold(changed.digest, text + b"\n")
    assert await hub.enact() is not None
    assert hub.in_force == without("KLACHT").digest
    await hub.submit(hub.compose())


async def test_what_is_in_force_is_read_by_its_digest() -> None:
    """Whoever writes another text under it into the database stops the hub, and decides nothing."""
    hub = await MemoryHub.opened()
    hub.catalogues.hold(PACKAGED.digest, without("VTO").data)
    with hub.another_process():
        assert (await hub.services.worlds.refresh()).policy is None
        with pytest.raises(UnavailableError):
            await hub.submit(hub.compose())
    await hub.submit(hub.compose())


async def test_what_was_signed_for_the_log_before_counts_for_nothing_in_the_one_that_continues_it() -> None:
    """Everybody can read the steps by which the first catalogue came into force, and send them again."""
    lost = await _opened()
    board = lost.board.board()
    steps = list(lost.board.round(PACKAGED, replaces=None))
    lost.world.clock.advance(seconds=60)
    hub = await MemoryHub.opened(catalogue=None, world=lost.world, continues=True)
    await hub.appoint(board)
    for step in steps:
        with pytest.raises(RejectedMessageError) as refused:
            await hub.step(step)
        assert refused.value.code == "sender.catalogue-step.former-log"
    await _proposed(hub)
    for step in steps:
        hub.catalogues.forge(board=board, step=step.token)
    assert await hub.enact() is None


# ---- the same again ----


async def test_the_same_again_gets_the_same_answer() -> None:
    hub = await _opened()
    token = hub.board.board()
    first = await hub.appoint(token)
    assert ((await hub.appoint(token)).index, (await hub.appoint(token)).entry) == (first.index, first.entry)
    proposed = hub.board.propose(PACKAGED, hub.board.enactment(PACKAGED, replaces=None))
    taken, again = await hub.step(proposed), await hub.step(proposed)
    assert (again.logged.index, again.logged.entry) == (taken.logged.index, taken.logged.entry)
    size = len(hub.texts)
    await hub.step(proposed)
    assert len(hub.texts) == size


async def test_the_same_step_again_gets_its_answer_also_after_its_member_left() -> None:
    hub = await _opened()
    proposed = await _proposed(hub)
    advised = hub.board.take(Step.REJECT, THIRD, proposed)
    taken = await hub.step(advised)
    hub.world.clock.advance(seconds=1)
    await hub.appoint(hub.board.board(FIRST, SECOND, STRANGER))
    assert (await hub.step(advised)).logged.index == taken.logged.index


async def test_the_same_step_again_gets_its_answer_also_when_its_proposal_is_long_past() -> None:
    hub = await _opened()
    proposed = await _proposed(hub)
    for _ in range(PROPOSALS_SHOWN):
        hub.world.clock.advance(seconds=3600)
        await _proposed(hub)
    again = await hub.step(proposed)
    assert (again.logged.entry.encode() in hub.texts, again.standing) == (True, None)


async def test_an_identifier_stands_for_one_document() -> None:
    hub = await _opened()
    board = hub.board.appointed()
    await hub.appoint(hub.board.board(id=board.id))
    with pytest.raises(ReplayError):
        await hub.appoint(hub.board.board(FIRST, SECOND, THIRD, STRANGER, id=board.id))
    proposed = await _proposed(hub)
    with pytest.raises(ReplayError):
        await hub.step(hub.board.take(Step.PROVE, FIRST, proposed, id=proposed.step.id))
    with pytest.raises(ReplayError):
        await hub.step(hub.board.take(Step.PROVE, FIRST, proposed, id=board.id))


async def test_two_processes_that_take_the_same_step_at_once_write_one_entry() -> None:
    hub = await _opened()
    proposed = hub.board.propose(PACKAGED, hub.board.enactment(PACKAGED, replaces=None))
    hub.meanwhile = lambda: hub.step(proposed)
    taken = await hub.step(proposed)
    assert [entry.id for entry in hub.entries_of(EntryKind.CATALOGUE)].count(proposed.step.id.value) == 1
    assert taken.logged.entry.encode() in hub.texts


# ---- who ----


async def test_without_a_board_there_are_no_steps() -> None:
    hub = await MemoryHub.opened(catalogue=None)
    with pytest.raises(RejectedMessageError) as refused:
        await _proposed(hub)
    assert refused.value.code == "sender.catalogue-step.no-board"


async def test_only_the_registrar_appoints() -> None:
    hub = await MemoryHub.opened(catalogue=None)
    with pytest.raises(SignatureError):
        await hub.appoint(hub.board.board(by=STRANGER))
    with pytest.raises(DocumentError) as refused:
        await hub.appoint(hub.board.board(issued_at=hub.board.seconds + 3600))
    assert refused.value.code == "sender.board.future"


async def test_only_members_take_steps_and_each_in_its_office() -> None:
    hub = await _opened()
    enactment = hub.board.enactment(PACKAGED, replaces=None)
    for key, code in ((STRANGER, "signer"), (FG, "office")):
        with pytest.raises(AuthenticationError) as refused:
            await hub.step(hub.board.propose(PACKAGED, enactment, by=key))
        assert refused.value.code == f"sender.catalogue-step.{code}"
    with pytest.raises(DocumentError) as future:
        await hub.step(hub.board.propose(PACKAGED, enactment, issued_at=hub.board.seconds + 3600))
    assert future.value.code == "sender.catalogue-step.future"


async def test_a_member_does_not_come_too_often() -> None:
    hub = await _opened()
    hub.permits = False
    with pytest.raises(UnavailableError) as refused:
        await _proposed(hub)
    assert refused.value.code == "hub.catalogue.too-often"


# ---- what ----


async def test_a_proposal_comes_with_the_catalogue_that_it_names() -> None:
    hub = await _opened()
    proposed = hub.board.propose(PACKAGED, hub.board.enactment(PACKAGED, replaces=None))
    assert await _refused(hub, replace(proposed, document=None)) == ["document"]
    assert await _refused(hub, replace(proposed, document=proposed.document + "\n")) == ["document"]  # type: ignore[operator]
    with pytest.raises(DocumentError) as refused:
        await hub.step(replace(proposed, document="\ud800"))
    assert refused.value.code == "sender.catalogue-step.document"


async def test_what_is_no_catalogue_or_has_a_dead_row_is_not_proposed() -> None:
    hub = await _opened()
    garbage = replace(PACKAGED, data=b"version = 1\nunknown = true\n")
    garbage = replace(garbage, digest=text_digest(garbage.data))
    refused = await _refused(hub, hub.board.propose(garbage, hub.board.enactment(garbage, replaces=None)))
    assert len(refused) > 1
    data = PACKAGED.data.replace(b'message_types = ["verzoek-tot-onderzoek"]', b'message_types = ["klacht"]', 1)
    dead = replace(PACKAGED, data=data, digest=text_digest(data))
    assert "dead" in await _refused(hub, hub.board.propose(dead, hub.board.enactment(dead, replaces=None)))


async def test_every_issue_of_a_proposal_is_listed() -> None:
    hub = await MemoryHub.opened()
    changed = without("VTO")
    enactment = hub.board.enactment(changed, replaces="x" * 42 + "A", version="2030-1", definitions="y" * 42 + "A")
    assert await _refused(hub, hub.board.propose(changed, enactment)) == ["definitions", "version", "overtaken"]
    again = hub.board.enactment(PACKAGED, replaces="x" * 42 + "A")
    assert await _refused(hub, hub.board.propose(PACKAGED, again)) == ["in-force"]


async def test_a_huge_document_is_refused() -> None:
    hub = await _opened()
    proposed = await _proposed(hub)
    huge = "x" * (DOCUMENT_BYTES_MAX + 1)
    assert await _refused(hub, hub.board.take(Step.PROVE, FIRST, proposed, document=huge)) == ["document"]
    catalogue = replace(PACKAGED, data=huge.encode(), digest=text_digest(huge.encode()))
    enactment = hub.board.enactment(catalogue, replaces=None)
    assert await _refused(hub, hub.board.propose(catalogue, enactment)) == ["document"]


async def test_a_report_comes_with_its_step_and_an_approval_with_nothing() -> None:
    hub = await _opened()
    proposed = await _proposed(hub)
    proved = hub.board.take(Step.PROVE, FIRST, proposed)
    assert await _refused(hub, replace(proved, document=None)) == ["document"]
    await hub.step(proved)
    assert await _refused(hub, replace(hub.board.take(Step.APPROVE, SECOND, proposed), document="{}")) == ["document"]


async def test_a_step_that_could_not_count_is_refused_so_that_its_member_knows() -> None:
    hub = await _opened()
    proposed = await _proposed(hub)
    board = hub.board
    assert await _refused(hub, board.take(Step.APPROVE, SECOND, proposed)) == ["before-proof"]
    await hub.step(board.take(Step.PROVE, FIRST, proposed))
    early = board.take(Step.APPROVE, SECOND, proposed, issued_at=board.seconds - 1)
    assert await _refused(hub, early) == ["before-proof"]
    assert await _refused(hub, board.take(Step.APPROVE, FIRST, proposed)) == ["own-proposal"]
    other = replace(proposed.step.enactment, valid_from=date(2040, 1, 1))
    assert await _refused(hub, board.take(Step.APPROVE, SECOND, proposed, enactment=other)) == ["about-something-else"]
    await hub.step(board.take(Step.APPROVE, SECOND, proposed))
    hub.world.clock.advance(seconds=1)
    assert await _refused(hub, board.take(Step.APPROVE, SECOND, proposed)) == ["twice"]


async def test_a_step_about_an_unknown_proposal_is_refused() -> None:
    hub = await _opened()
    unknown = hub.board.propose(PACKAGED, hub.board.enactment(PACKAGED, replaces=None))
    with pytest.raises(RejectedMessageError) as refused:
        await hub.step(hub.board.take(Step.PROVE, FIRST, unknown))
    assert refused.value.code == "sender.catalogue-step.proposal"


async def test_a_member_takes_so_many_steps_about_a_proposal_and_holds_nobody_up() -> None:
    """The FG advises, as often as it likes; the board decides all the same."""
    hub = await _opened()
    proposed, *others = hub.board.round(PACKAGED, replaces=None)
    await hub.step(proposed)
    for _ in range(STEPS_MAX):
        await hub.step(hub.board.advise(proposed, StepOutcome.NOT_OK))
    with pytest.raises(RejectedMessageError) as refused:
        await hub.step(hub.board.advise(proposed, StepOutcome.NOT_OK))
    assert refused.value.code == "sender.catalogue-step.too-many"
    await _take(hub, *others)
    assert await hub.enact() is not None


async def test_a_day_has_so_many_proposals() -> None:
    hub = await _opened()
    await _proposed(hub)
    for _ in range(PROPOSALS_SHOWN - 1):
        await _proposed(hub)
    with pytest.raises(RejectedMessageError):
        await _proposed(hub)
    hub.world.clock.advance(seconds=24 * 3600)
    await _proposed(hub)
