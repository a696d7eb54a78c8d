"""What `hub.catalogues.Catalogues` promises: on PostgreSQL, and in the memory that the use cases are tested with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest

from audit.entries import PAD_BYTES, EntryDraft
from audit.records import text_digest, token_digest
from consent.grounds import packaged_catalogue
from hub.catalogues import Catalogues, read_catalogue
from hub.changes import BoardAppointed, CatalogueEnacted, Change, LogContinued, LogMember, StepTaken
from hub.ports import Appended, Log, MemberLostError
from hub.storage.postgresql.database import Database
from schemas.board import Step
from schemas.clock import FrozenClock
from schemas.codes import EntryKind
from schemas.errors import DocumentError
from schemas.identifiers import MessageId
from schemas.randomness import SystemRandomness
from tests.support.hub_board import REPORT, ActingBoard, Signed
from tests.support.memory_ports import MemoryPorts
from tests.support.parties import REGISTRAR

pytestmark = pytest.mark.database

PACKAGED = packaged_catalogue()


@dataclass(frozen=True)
class Kept:
    """A driver: what is appended to its log is read from its catalogues."""

    log: Log
    catalogues: Catalogues
    clock: FrozenClock

    @property
    def board(self) -> ActingBoard:
        return ActingBoard(registrar=REGISTRAR, at=self.clock.now, definitions="D" * 42 + "A")

    async def append(self, change: Change, **draft: object) -> Appended:
        pad, nobody = SystemRandomness().bytes(PAD_BYTES), frozenset[str]()
        made = EntryDraft(**{"kind": EntryKind.CATALOGUE, "pad": pad} | draft)  # type: ignore[arg-type]  # by name
        member = LogMember(draft=made, shown=None, kept=(), watches=nobody, touches=nobody, change=change)
        return await self.log.append(member)

    async def appoint(self, board_id: MessageId | None = None) -> tuple[MessageId, str, Appended]:
        board_id = board_id or self.board.new_id()
        token = self.board.board(id=board_id)
        digest, change = token_digest(token), BoardAppointed(id=board_id, token=token)
        appended = await self.append(change, id="board", catalogue=digest, version=board_id.value, request=digest)
        return board_id, token, appended

    async def take(self, signed: Signed, *, document: bytes | None = None) -> Appended:
        step = signed.step
        named = step.enactment.digest if step.step is Step.PROPOSE else step.result
        text = None if named is None or document is None else (named, document)
        change = StepTaken(id=step.id, proposal=step.proposal or step.id, token=signed.token, document=text)
        about = {"catalogue": step.enactment.digest, "version": step.enactment.version}
        return await self.append(change, id=step.id.value, request=token_digest(signed.token), **about)

    async def propose(self) -> Signed:
        self.clock.advance(seconds=1)
        proposed = self.board.propose(PACKAGED, self.board.enactment(PACKAGED, replaces=None))
        await self.take(proposed, document=PACKAGED.data)
        return proposed

    async def enact(self, proposed: Signed, *, digest: str, replaces: str | None) -> Appended:
        change = CatalogueEnacted(digest=digest, version="v", replaces=replaces)
        request = token_digest(proposed.token)
        return await self.append(change, id="grounds", catalogue=digest, version="v", request=request)


@pytest.fixture(params=["postgresql", "memory"])
async def kept(
    request: pytest.FixtureRequest,
    clock: FrozenClock,
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]],
) -> AsyncIterator[Kept]:
    if request.param == "memory":
        ports = MemoryPorts(clock=clock)
        yield Kept(log=ports, catalogues=ports.catalogues, clock=clock)
        return
    async with open_hub_process() as database:
        yield Kept(log=database.log, catalogues=database.catalogues, clock=clock)


async def test_where_nothing_was_done_there_is_nothing(kept: Kept) -> None:
    life = await kept.catalogues.life(enacted=4, proposals=4)
    assert (life.boards, life.enacted, life.steps, life.began) == ((), (), (), 0)
    assert await kept.catalogues.boards() == ()
    assert await kept.catalogues.step(kept.board.new_id()) is None
    assert await kept.catalogues.document(PACKAGED.digest) is None


async def test_what_was_taken_in_is_read_as_it_was_in_the_order_of_the_log(kept: Kept) -> None:
    first, second = await kept.appoint(), await kept.appoint()
    proposed = await kept.propose()
    proved = kept.board.take(Step.PROVE, REGISTRAR, proposed)
    appended = await kept.take(proved, document=REPORT.encode())
    life = await kept.catalogues.life(enacted=4, proposals=4)
    assert life.boards == await kept.catalogues.boards()
    for board, (board_id, token, logged) in zip(life.boards, (first, second), strict=True):
        assert (board.id, board.token, board.index, board.entry) == (board_id, token, logged.index, logged.entry)
    assert [each.id for each in life.steps] == [proposed.step.id, proved.step.id]
    assert {each.proposal for each in life.steps} == {proposed.step.id}
    step = await kept.catalogues.step(proved.step.id)
    assert step == life.steps[1]
    assert (step.token, step.index, step.entry) == (proved.token, appended.index, appended.entry)
    assert await kept.catalogues.document(text_digest(REPORT.encode())) == REPORT.encode()


async def test_an_identifier_is_taken_once_by_a_board_or_a_step(kept: Kept) -> None:
    board_id, *_ = await kept.appoint()
    proposed = await kept.propose()
    with pytest.raises(MemberLostError):
        await kept.appoint(proposed.step.id)
    for taken in (board_id, proposed.step.id):
        step = kept.board.take(Step.PROVE, REGISTRAR, proposed, id=taken)
        with pytest.raises(MemberLostError):
            await kept.take(step, document=REPORT.encode())
    life = await kept.catalogues.life(enacted=4, proposals=4)
    assert (len(life.boards), len(life.steps)) == (1, 1)


async def test_of_many_proposals_the_newest_are_read_and_those_that_came_into_force(kept: Kept) -> None:
    proposals = [await kept.propose() for _ in range(4)]
    for number, digest, replaces in ((0, "A" * 43, None), (1, "B" * 42 + "A", "A" * 43)):
        await kept.enact(proposals[number], digest=digest, replaces=replaces)
    await kept.take(kept.board.take(Step.APPROVE, REGISTRAR, proposals[1]))
    await kept.take(kept.board.take(Step.APPROVE, REGISTRAR, proposals[2]))
    life = await kept.catalogues.life(enacted=1, proposals=1)
    assert [each.index for each in life.enacted] == [5]
    expected = [proposals[1].step.id, proposals[3].step.id, proposals[1].step.id]
    assert [each.proposal for each in life.steps] == expected
    everything = await kept.catalogues.life(enacted=9, proposals=9)
    assert [each.index for each in everything.enacted] == [4, 5]
    assert len(everything.steps) == 6


async def test_a_catalogue_takes_the_place_of_the_newest_and_of_no_other(kept: Kept) -> None:
    proposed = await kept.propose()
    await kept.enact(proposed, digest="A" * 43, replaces=None)
    for replaces in (None, "B" * 42 + "A"):
        with pytest.raises(MemberLostError):
            await kept.enact(proposed, digest="C" * 42 + "A", replaces=replaces)
    assert len((await kept.catalogues.life(enacted=9, proposals=9)).enacted) == 1


async def test_a_log_that_continues_another_says_when_it_began(kept: Kept) -> None:
    continued = {"predecessor": "former.ketenhub.test/log/1", "root": "A" * 43, "provable": 0, "published": 9}
    change = LogContinued()
    await kept.append(change, kind=EntryKind.CONTINUATION, id="first", **continued)
    began = int(kept.clock.now().timestamp())
    kept.clock.advance(hours=1)
    await kept.propose()
    assert (await kept.catalogues.life(enacted=4, proposals=4)).began == began


async def test_a_catalogue_is_read_by_its_digest(kept: Kept) -> None:
    await kept.propose()
    assert (await read_catalogue(PACKAGED.digest, catalogues=kept.catalogues)).data == PACKAGED.data
    changed = kept.board.enactment(PACKAGED, replaces=None, digest="E" * 42 + "A")
    other = replace(kept.board.propose(PACKAGED, changed), document=None)
    await kept.take(other, document=PACKAGED.data)
    for digest in (changed.digest, "F" * 42 + "A"):
        with pytest.raises(DocumentError) as refused:
            await read_catalogue(digest, catalogues=kept.catalogues)
        assert refused.value.code == "hub.catalogue.text"
