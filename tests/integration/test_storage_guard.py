"""A database that does not continue what was published stops the hub, at the start and while it runs."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from psycopg import sql

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.errors import RollbackError
from audit.hashing import EMPTY_ROOT
from audit.note import NoteSigner
from deploy.local.postgresql import PostgreSQLServer
from hub.storage.guard import PLACE_BYTES, open_guard
from hub.storage.postgresql.database import Database, open_database
from schemas.clock import SystemClock
from schemas.errors import EvidenceError, UnavailableError
from tests.support.members import Members
from tests.support.whole_log import ORIGIN, SIGNER, verify_whole

OpenOn: TypeAlias = Callable[[str], AbstractAsyncContextManager[Database]]


@pytest.fixture
def open_on(tmp_path: Path) -> OpenOn:
    @contextlib.asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Database]:
        folder = tmp_path / "guard"
        async with open_database(url, signer=SIGNER, guard_folder=folder, clock=SystemClock()) as database:
            yield database

    return opened


@pytest.fixture
def members() -> Members:
    return Members()


# ---- the database ----


@pytest.mark.database
async def test_a_restored_backup_stops_the_hub(
    postgresql_server: PostgreSQLServer, database_url: str, open_on: OpenOn, members: Members
) -> None:
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(0))
    copy = _copy(postgresql_server, database_url)
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(1))
    with pytest.raises(RollbackError):
        async with open_on(copy):
            pytest.fail("the hub started")
    # The database that is ahead of the guard is fine, as after a crash between commit and guard.
    async with open_on(database_url) as database:
        assert await database.log.size() == 2


@pytest.mark.database
async def test_a_database_that_went_on_beside_us_stops_the_hub(
    postgresql_server: PostgreSQLServer, database_url: str, open_on: OpenOn, members: Members, tmp_path: Path
) -> None:
    """A lagging standby took over and the log went on there: as large, and another one."""
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(0))
    copy = _copy(postgresql_server, database_url)
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(1))
    async with open_database(copy, signer=SIGNER, guard_folder=tmp_path / "elsewhere", clock=SystemClock()) as database:
        await database.log.append(members.epoch(2))
        await database.log.append(members.epoch(3))
    with pytest.raises(RollbackError):
        async with open_on(copy):
            pytest.fail("the hub started")


@pytest.mark.database
async def test_an_emptied_database_beside_a_guard_stops_the_hub(
    database_url: str, open_on: OpenOn, members: Members
) -> None:
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(0))
    await _tamper(database_url, "TRUNCATE log_tree, log_entries, chain_epochs")
    with pytest.raises(EvidenceError):
        async with open_on(database_url):
            pytest.fail("the hub started")


TAMPERING = {
    "an entry of the last tile": "UPDATE log_entries SET entry = replace(entry, 'CHAIN', 'CHAIM') WHERE index = 299",
    "a tile above": "UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\xff' FROM 10 FOR 1) WHERE level = 1",
    "the range": "UPDATE log_tree SET range = overlay(range PLACING '\\xffff' FROM 10 FOR 2)",
    "a missing entry": "DELETE FROM log_entries WHERE index = 290",
    "a missing tile": "DELETE FROM log_tiles WHERE level = 1",
    "the size": "UPDATE log_tree SET size = 299",
    "the origin": "UPDATE log_tree SET origin = 'hub.other.test/log/1'",
}


@pytest.mark.database
@pytest.mark.parametrize("what", TAMPERING)
async def test_a_rewritten_table_stops_the_hub_at_its_start(
    database_url: str, open_on: OpenOn, members: Members, what: str
) -> None:
    async with open_on(database_url) as database:
        await asyncio.gather(*(database.log.append(members.epoch(number)) for number in range(300)))
    await _tamper(database_url, TAMPERING[what])
    with pytest.raises(EvidenceError):
        async with open_on(database_url):
            pytest.fail("the hub started")


@pytest.mark.database
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\xff' FROM 100 FOR 1) WHERE level = 0",
        "DELETE FROM log_tiles WHERE level = 0",
    ],
)
async def test_a_changed_tile_never_leaves_in_a_proof(
    database_url: str, open_on: OpenOn, members: Members, statement: str
) -> None:
    """The root does not depend on a full tile of level 0: that it was changed shows when a proof is made of it."""
    async with open_on(database_url) as database:
        await asyncio.gather(*(database.log.append(members.epoch(number)) for number in range(300)))
        (entry,) = await database.log.entries(start=2, count=1)
        await _tamper(database_url, statement)
        with pytest.raises(EvidenceError):
            await database.log.proof(2, entry=entry)
        with pytest.raises(EvidenceError):
            await database.log.append(members.epoch(300))


@pytest.mark.database
async def test_a_tree_that_goes_back_under_a_running_hub_stops_it_for_good(
    database_url: str, open_on: OpenOn, members: Members
) -> None:
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(0))
        before = await _row(database_url)
        await database.log.append(members.epoch(1))
        await _tamper(
            database_url,
            "DELETE FROM log_entries WHERE index = 1",
            "DELETE FROM chain_epochs WHERE index = 1",
            f"UPDATE log_tree SET size = 1, range = '\\x{before.hex()}'",  # noqa: S608
        )
        with pytest.raises(EvidenceError):
            await database.log.append(members.epoch(2))
        # Nothing is accepted, released or proved any more, whatever the database says later.
        for _ in range(2):
            with pytest.raises(EvidenceError):
                await database.log.append(members.submission())
        with pytest.raises(EvidenceError):
            await database.log.size()
        with pytest.raises(EvidenceError):
            await database.log.proof(0, entry="{}")
        with pytest.raises(EvidenceError):
            await database.log.checkpoint()


@pytest.mark.database
async def test_reading_finds_a_tree_that_went_back_too(database_url: str, open_on: OpenOn, members: Members) -> None:
    async with open_on(database_url) as database:
        await database.log.append(members.epoch(0))
        await _tamper(
            database_url,
            "DELETE FROM log_entries",
            "DELETE FROM chain_epochs",
            "UPDATE log_tree SET size = 0, range = ''",
        )
        with pytest.raises(RollbackError):
            await database.log.checkpoint()
        with pytest.raises(EvidenceError):
            await database.log.append(members.epoch(1))


@pytest.mark.database
async def test_one_process_s_guard_binds_the_others(
    postgresql_server: PostgreSQLServer, database_url: str, open_on: OpenOn, members: Members
) -> None:
    """The process that starts after the loss has an old guard file of its own; the other's knows better."""
    async with open_on(database_url) as first, open_on(database_url) as second:
        await second.log.append(members.epoch(0))
        copy = _copy(postgresql_server, database_url)
        await second.log.append(members.epoch(1))
        assert first.log.sequencer.guard.path.name == "guard-0"
        assert second.log.sequencer.guard.path.name == "guard-1"
        assert first.log.sequencer.guard.checkpoint == Checkpoint(origin=ORIGIN, size=0, root_hash=EMPTY_ROOT)
    with pytest.raises(RollbackError):
        async with open_on(copy):
            pytest.fail("the hub started")


@pytest.mark.database
async def test_what_a_process_let_out_stands_in_its_guard(database_url: str, open_on: OpenOn, members: Members) -> None:
    async with open_on(database_url) as database:
        appended = await database.log.append(members.epoch(0))
        held = database.log.sequencer.guard.path.read_bytes()
        checkpoint = appended.tlog_proof.partition("\n\n")[2]
        assert checkpoint.encode() in held
        await verify_whole(database.log)


# ---- the file ----


def _signed(size: int, root: int = 1) -> tuple[Checkpoint, str]:
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root_hash=bytes([root]) * 32)
    return checkpoint, str(sign_checkpoint(checkpoint, SIGNER))


async def test_a_guard_only_moves_forward(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        for size in (1, 5, 3, 5):
            await guard.advance(*_signed(size))
        assert guard.checkpoint == _signed(5)[0]
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        assert guard.checkpoint == _signed(5)[0]


def test_a_guard_is_open_for_synchronous_writing(tmp_path: Path) -> None:
    """What is written is on the disk when the call returns; a power failure is not played here."""
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        assert fcntl.fcntl(guard._descriptor, fcntl.F_GETFL) & os.O_DSYNC


async def test_a_second_root_for_one_size_does_not_leave(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        await guard.advance(*_signed(5))
        with pytest.raises(RollbackError):
            await guard.advance(*_signed(5, root=2))


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("writes", [2, 3])
async def test_a_write_that_was_cut_off_leaves_the_one_before(tmp_path: Path, place: int, writes: int) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        for size in range(1, writes + 1):
            await guard.advance(*_signed(size))
    data = bytearray((tmp_path / "guard-0").read_bytes())
    data[place * PLACE_BYTES + 40 : (place + 1) * PLACE_BYTES] = bytes(PLACE_BYTES - 40)
    (tmp_path / "guard-0").write_bytes(data)
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        assert guard.checkpoint is not None
        newest_place = 1 - writes % 2
        assert guard.checkpoint.size == (writes - 1 if place == newest_place else writes)
        # The next write goes to the damaged or older place.
        await guard.advance(*_signed(9))
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        assert guard.checkpoint == _signed(9)[0]


async def test_a_damaged_guard_is_never_taken_for_a_new_one(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        await guard.advance(*_signed(1))
    data = bytearray((tmp_path / "guard-0").read_bytes())
    data[10] ^= 1
    (tmp_path / "guard-0").write_bytes(data)
    with pytest.raises(RollbackError), open_guard(tmp_path, key=SIGNER.public):
        pytest.fail("the guard opened")


async def test_another_log_s_guard_is_refused(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        await guard.advance(*_signed(1))
    other = NoteSigner.from_seed(name=ORIGIN, seed=bytes(32))
    with pytest.raises(RollbackError), open_guard(tmp_path, key=other.public):
        pytest.fail("the guard opened")


async def test_each_process_has_a_file_of_its_own_and_finds_it_again(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as one, open_guard(tmp_path, key=SIGNER.public) as two:
        assert (one.path.name, two.path.name) == ("guard-0", "guard-1")
        await two.advance(*_signed(4))
    with open_guard(tmp_path, key=SIGNER.public) as again:
        assert again.path.name == "guard-0"
        assert again.others == (_signed(4)[0],)
    assert (tmp_path / "guard-0").stat().st_mode & 0o777 == 0o600


async def test_a_guard_that_cannot_be_written_lets_nothing_out(tmp_path: Path) -> None:
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        await guard.advance(*_signed(1))
        checkpoint, _ = _signed(2)
        with pytest.raises(UnavailableError):
            await guard.advance(checkpoint, "x" * (PLACE_BYTES + 1))
    with open_guard(tmp_path, key=SIGNER.public) as guard:
        assert guard.checkpoint == _signed(1)[0]


# ---- helpers ----


def _copy(server: PostgreSQLServer, url: str) -> str:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    copy = f"{name}_copy"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        # What a backup is: the database as it was, whoever is connected to it.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            [name],
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(copy), sql.Identifier(str(name)))
        )
    return server.url(copy)


async def _tamper(url: str, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for statement in statements:
            await connection.execute(sql.SQL(statement))


async def _row(url: str) -> bytes:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT range FROM log_tree")
        row = await cursor.fetchone()
    assert row is not None
    return bytes(row[0])
