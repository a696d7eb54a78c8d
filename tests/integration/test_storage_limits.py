"""What waits has limits, who is slow is not waited for, and what was handed in is finished before the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from hub.ports import Appended, MemberLostError
from hub.storage.guard import GuardFile
from hub.storage.postgresql import connection as connection_module
from hub.storage.postgresql.batch import Growth, Plan
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.session import Session
from schemas.clock import SystemClock
from schemas.errors import UnavailableError
from tests.support.members import Members
from tests.support.whole_log import SIGNER, verify_appended, verify_whole

pytestmark = pytest.mark.database


@pytest.fixture
def members() -> Members:
    return Members()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the server's timeouts short."""
    options = str(connection_module._ARGUMENTS["options"]).replace("timeout=5s", "timeout=300ms")
    monkeypatch.setitem(connection_module._ARGUMENTS, "options", options)


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(
        database_url, signer=SIGNER, guard_folder=tmp_path / "guard", clock=SystemClock()
    ) as opened:
        yield opened


async def test_a_lock_that_is_not_had_in_time_is_for_later(
    database: Database, database_url: str, members: Members
) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("SELECT FROM log_tree FOR UPDATE")
        started = time.monotonic()
        answers = await asyncio.gather(
            *(database.log.append(members.epoch(number)) for number in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [UnavailableError] * 3
        assert time.monotonic() - started < 5
        await other.rollback()
    verify_appended(await database.log.append(members.epoch(0)))


async def test_a_process_that_sleeps_under_the_lock_loses_it_and_starts_again(
    database: Database, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, slept = Session.commit, list[int]()

    async def commit_late(self: Session, plan: Plan, growth: Growth) -> None:
        if not slept:
            slept.append(plan.size)
            await asyncio.sleep(1.0)
        await commit(self, plan, growth)

    monkeypatch.setattr(Session, "commit", commit_late)
    verify_appended(await database.log.append(members.submission()))
    assert slept == [1]
    assert (await verify_whole(database.log)).entries == 1


async def test_what_is_stored_but_cannot_be_let_out_is_asked_for_again(
    database: Database, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise UnavailableError("the rollback guard cannot be written")

    member = members.submission()
    with monkeypatch.context() as patch:
        patch.setattr(GuardFile, "advance", full)
        with pytest.raises(UnavailableError):
            await database.log.append(member)
        with pytest.raises(UnavailableError):
            await database.log.checkpoint()
    with pytest.raises(MemberLostError):
        await database.log.append(member)
    (entry,) = await database.log.entries(start=0, count=1)
    verify_appended(Appended(index=0, entry=entry, tlog_proof=await database.log.proof(0, entry=entry)))


async def test_more_than_may_wait_is_sent_away(
    database: Database, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.storage.postgresql.sequencer.WAITING_MEMBERS_MAX", 5)
    answers = await asyncio.gather(
        *(database.log.append(members.epoch(number)) for number in range(8)), return_exceptions=True
    )
    assert [isinstance(answer, Appended) for answer in answers] == [True] * 5 + [False] * 3
    assert {answer.code for answer in answers if isinstance(answer, UnavailableError)} == {"hub.log.busy"}


async def test_a_batch_has_its_limits(database: Database, members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()
    commit = Session.commit

    async def counted(self: Session, plan: Plan, growth: Growth) -> None:
        sizes.append(len(plan.entries))
        await commit(self, plan, growth)

    monkeypatch.setattr(Session, "commit", counted)
    monkeypatch.setattr("hub.storage.postgresql.sequencer.BATCH_MEMBERS_MAX", 7)
    await asyncio.gather(*(database.log.append(members.epoch(number)) for number in range(20)))
    assert max(sizes) == 7
    sizes.clear()
    monkeypatch.setattr("hub.storage.postgresql.sequencer.BATCH_BYTES_MAX", 100_000)
    large = [members.submission(elements={0: bytes(60_000)}) for _ in range(4)]
    # One that is larger than a batch may be goes alone.
    large.append(members.submission(elements={0: bytes(300_000)}))
    await asyncio.gather(*map(database.log.append, large))
    assert sizes == [1] * 5


async def test_what_was_handed_in_is_finished_before_the_end(
    database_url: str, tmp_path: Path, members: Members
) -> None:
    async with open_database(
        database_url, signer=SIGNER, guard_folder=tmp_path / "guard", clock=SystemClock()
    ) as database:
        waiting = [asyncio.create_task(database.log.append(members.epoch(number))) for number in range(50)]
        await asyncio.sleep(0)
    assert sorted([(await each).index for each in waiting]) == list(range(50))
    with pytest.raises(UnavailableError) as caught:
        await database.log.append(members.epoch(50))
    assert caught.value.code == "hub.stopping"


async def test_it_tells_whether_the_database_answers(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await database.answers()

    async def gone(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(connection_module.HubConnection, "run", gone)
    assert not await database.answers()
