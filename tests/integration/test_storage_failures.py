"""Every write fails, not stored and stored; backends and whole servers are killed; then the log is verified whole."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psycopg
import pytest

from deploy.local.postgresql import start_postgresql
from hub.changes import LogMember
from hub.ports import Appended, MemberLostError
from hub.storage.postgresql.connection import connect
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.migrate import migrate
from schemas.clock import SystemClock
from schemas.errors import UnavailableError
from tests.support.faults import Fault, FaultySession
from tests.support.members import Members
from tests.support.whole_log import SIGNER, verify_appended, verify_whole

pytestmark = pytest.mark.database


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[Database]]:
    @contextlib.asynccontextmanager
    async def open_one() -> AsyncIterator[Database]:
        async with open_database(
            database_url, signer=SIGNER, guard_folder=tmp_path / "guard", clock=SystemClock()
        ) as database:
            yield database

    return open_one


@pytest.fixture
async def database(opened: Callable[[], AbstractAsyncContextManager[Database]]) -> AsyncIterator[Database]:
    async with opened() as one:
        yield one


@pytest.fixture
def faulty(database: Database, database_url: str) -> FaultySession:
    session = FaultySession(lambda: connect(database_url))
    database.log.sequencer.session = session
    return session


async def _answers(database: Database, made: list[LogMember]) -> list[Appended | BaseException]:
    return await asyncio.gather(*map(database.log.append, made), return_exceptions=True)


NOT_STORED = [Fault.LOCK_NOT_SENT, Fault.LOCK_NOT_ANSWERED, Fault.COMMIT_NOT_SENT]


@pytest.mark.parametrize("fault", NOT_STORED)
async def test_a_write_that_failed_and_is_not_stored_changes_nothing(
    database: Database, faulty: FaultySession, fault: Fault
) -> None:
    members = Members()
    before = members.submission()
    await database.log.append(before)
    made = [members.submission(), members.disclosure(before), members.epoch(0)]
    faulty.faults = [fault, fault]
    answers = await _answers(database, made)
    assert [type(answer) for answer in answers] == [UnavailableError] * 3
    assert await _stored(database) == {"entries": 1, "bodies": 1, "disclosures": 0, "kept": 1, "size": 1}
    # The same members succeed when they come again.
    for member in made:
        verify_appended(await database.log.append(member))
    assert (await verify_whole(database.log)).entries == 4


@pytest.mark.parametrize("fault", NOT_STORED)
async def test_a_connection_that_is_lost_once_is_nobody_s_concern(
    database: Database, faulty: FaultySession, fault: Fault
) -> None:
    members = Members()
    await database.log.append(members.epoch(0))
    faulty.faults = [fault]
    answers = await _answers(database, [members.submission(), members.epoch(1)])
    assert [answer.index for answer in answers if isinstance(answer, Appended)] == [1, 2]
    assert await _stored(database) == {"entries": 3, "bodies": 1, "disclosures": 0, "kept": 1, "size": 3}
    assert (await verify_whole(database.log)).entries == 3


@pytest.mark.parametrize("unreachable", [0, 3])
async def test_a_write_that_failed_but_is_stored_is_read_back_and_answered(
    database: Database, faulty: FaultySession, unreachable: int
) -> None:
    """Also when the database stays away for a while before it can be asked."""
    members = Members()
    before = members.submission()
    await database.log.append(before)
    made = [members.submission(), members.disclosure(before), members.epoch(0)]
    faulty.faults, faulty.unreachable = [Fault.COMMIT_NOT_ANSWERED], unreachable
    answers = await _answers(database, made)
    for number, answer in enumerate(answers, start=1):
        assert isinstance(answer, Appended)
        assert answer.index == number
        verify_appended(answer)
    with pytest.raises(MemberLostError):
        await database.log.append(made[0])
    assert (await verify_whole(database.log)).entries == 4


async def test_an_outcome_that_cannot_be_read_back_is_said_to_be_unknown(
    database: Database, faulty: FaultySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.storage.postgresql.sequencer.READ_BACK_SECONDS_MAX", 0.3)
    members = Members()
    member = members.submission()
    await database.log.append(members.epoch(0))
    faulty.faults, faulty.unreachable = [Fault.COMMIT_NOT_ANSWERED], 1000
    with pytest.raises(UnavailableError) as caught:
        await database.log.append(member)
    assert caught.value.code == "hub.outcome.unknown"
    faulty.unreachable = 0
    # It was stored: whoever asks again is told that it is there.
    with pytest.raises(MemberLostError):
        await database.log.append(member)
    assert (await verify_whole(database.log)).entries == 2


async def test_another_process_s_entry_is_not_taken_for_ours(
    database: Database, opened: Callable[[], AbstractAsyncContextManager[Database]], faulty: FaultySession
) -> None:
    """Between the lost COMMIT and the reading back, somebody else took the index."""
    members = Members()
    await database.log.append(members.epoch(0))
    async with opened() as other:
        faulty.faults, faulty.unreachable = [Fault.COMMIT_NOT_SENT, Fault.COMMIT_NOT_SENT], 2
        ours = asyncio.create_task(database.log.append(members.submission()))
        theirs = await other.log.append(members.submission())
        with pytest.raises(UnavailableError):
            await ours
        assert theirs.index == 1
        assert (await verify_whole(other.log)).entries == 2
    assert (await verify_whole(database.log)).entries == 2


async def test_killed_backends_cost_no_accepted_entry(database: Database, database_url: str) -> None:
    """The server ends the connections of appending and reading, again and again, at any moment."""
    members, accepted = Members(), list[Appended]()
    over = asyncio.Event()

    async def work(worker: int) -> None:
        for number in range(60):
            member = members.epoch(worker * 100 + number) if number % 2 else members.submission()
            while True:
                try:
                    accepted.append(await database.log.append(member))
                except UnavailableError:
                    await asyncio.sleep(0.01)
                    continue
                except MemberLostError:
                    # An answer was lost and the entry is there; the proof can be asked for. Not seen as accepted.
                    pass
                break

    async def kill() -> None:
        chance = random.Random(11)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            while not over.is_set():
                await asyncio.sleep(chance.uniform(0, 0.05))
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND backend_type = 'client backend'"
                    " AND pid <> pg_backend_pid()"
                )

    killing = asyncio.create_task(kill())
    await asyncio.gather(*map(work, range(8)))
    over.set()
    await killing
    report = await verify_whole(database.log)
    assert report.entries >= len(accepted)
    for appended in accepted:
        verify_appended(appended)
        assert await database.log.entries(start=appended.index, count=1) == (appended.entry,)
    assert (await _stored(database))["entries"] == report.entries
    # Every submission and every epoch is there exactly once.
    assert report.entries == 8 * 60


async def test_two_processes_under_random_load_keep_one_log(
    opened: Callable[[], AbstractAsyncContextManager[Database]],
) -> None:
    members, chance = Members(), random.Random(3)
    async with opened() as one, opened() as two:
        submitted: list[LogMember] = []
        disclosed: dict[int, int | None] = {}

        async def work(database: Database, rounds: int) -> None:
            for _ in range(rounds):
                choice = chance.random()
                if choice < 0.4 or not submitted:
                    member = members.submission()
                    await database.log.append(member)
                    submitted.append(member)
                    continue
                number = chance.randrange(len(submitted))
                with contextlib.suppress(MemberLostError):
                    if choice < 0.8:
                        member = members.disclosure(submitted[number], replaces=disclosed.get(number))
                        disclosed[number] = (await database.log.append(member)).index
                    else:
                        await database.log.append(members.expiry(submitted[number]))

        await asyncio.gather(*(work(database, 40) for database in (one, two) for _ in range(6)))
        reports = [await verify_whole(database.log) for database in (one, two)]
        assert reports[0].checkpoint == reports[1].checkpoint
        await _check_records(one)


async def test_a_killed_server_loses_nothing_that_was_answered(server_folder: Path) -> None:
    members, accepted = Members(), list[Appended]()
    server = start_postgresql(server_folder / "postgresql")
    try:
        migrate(server.url())
        async with open_database(
            server.url(), signer=SIGNER, guard_folder=server_folder / "guard", clock=SystemClock()
        ) as database:
            tried = [members.submission() for _ in range(400)]

            async def work(own: list[LogMember]) -> None:
                for member in own:
                    with contextlib.suppress(UnavailableError, MemberLostError):
                        accepted.append(await database.log.append(member))

            working = [asyncio.create_task(work(tried[start::8])) for start in range(8)]
            for _ in range(2):
                await asyncio.sleep(0.15)
                server.kill()
                server = start_postgresql(server_folder / "postgresql")
            await asyncio.gather(*working)
            assert accepted
            report = await verify_whole(database.log)
            for appended in accepted:
                verify_appended(appended)
                assert await database.log.entries(start=appended.index, count=1) == (appended.entry,)
            assert report.entries >= len(accepted)
    finally:
        server.stop()


async def _stored(database: Database) -> dict[str, int]:
    async with database.log.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM log_entries), (SELECT count(*) FROM message_bodies),"
            " (SELECT count(*) FROM disclosures), (SELECT count(*) FROM kept_records), (SELECT size FROM log_tree)"
        )
        row = await cursor.fetchone()
    assert row is not None
    return dict(zip(("entries", "bodies", "disclosures", "kept", "size"), row, strict=True))


async def _check_records(database: Database) -> None:
    """Every row belongs to an entry of its kind, and every subject's records count from 1 without gaps."""
    checks = {
        "a message without SUBMISSION": "SELECT count(*) FROM messages m LEFT JOIN log_entries e"
        " ON e.index = m.index AND e.kind = 'SUBMISSION' WHERE e.index IS NULL",
        "a SUBMISSION without message": "SELECT count(*) FROM log_entries e LEFT JOIN messages m"
        " ON e.index = m.index WHERE e.kind = 'SUBMISSION' AND m.id IS NULL",
        "a DISCLOSURE without row": "SELECT count(*) FROM log_entries e LEFT JOIN disclosures d"
        " ON e.index = d.index WHERE e.kind = 'DISCLOSURE' AND d.index IS NULL",
        "an EXPIRY without row": "SELECT count(*) FROM log_entries e LEFT JOIN expiries x"
        " ON e.index = x.index WHERE e.kind = 'EXPIRY' AND x.index IS NULL",
        "an expired message that waits": "SELECT count(*) FROM waiting w JOIN expiries x ON x.message_id = w.id",
        "a ciphertext of an expired message": "SELECT count(*) FROM expiries x"
        " JOIN messages m ON m.id = x.message_id JOIN ciphertexts c ON c.body = m.body",
        "a body without message": "SELECT count(*) FROM message_bodies b LEFT JOIN messages m"
        " ON m.body = b.body WHERE m.id IS NULL",
        "a gap in a subject's records": "SELECT count(*) FROM (SELECT (text::json->>'nth')::int AS nth,"
        " row_number() OVER (PARTITION BY tag ORDER BY index) AS place FROM kept_records) r WHERE nth <> place",
        "a wrong previous": "SELECT count(*) FROM (SELECT (text::json->>'previous')::bigint AS previous,"
        " lag(index) OVER (PARTITION BY tag ORDER BY index) AS before FROM kept_records) r"
        " WHERE previous IS DISTINCT FROM before",
        "a head that is not the newest": "SELECT count(*) FROM subject_heads h"
        " WHERE index <> (SELECT max(index) FROM kept_records k WHERE k.tag = h.tag)",
    }
    async with database.log.pool.connection() as connection:
        for what, statement in checks.items():
            cursor = await connection.execute(statement)
            assert await cursor.fetchone() == (0,), what
