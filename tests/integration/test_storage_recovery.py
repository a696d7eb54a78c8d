"""The way back: a lost end of the log is refilled from what others hold, or a new log continues it and says so."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from audit.errors import RollbackError
from audit.note import NoteSigner, parse_note
from audit.records import text_digest
from audit.tiles import tiles_of
from deploy.local.postgresql import PostgreSQLServer
from hub.changes import LogMember, ParticipantStated
from hub.ports import Appended, MemberLostError
from hub.storage.holdings import read_holdings
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.recovery import Recovery, continue_log, recover
from schemas.canonical import b64url
from schemas.clock import SystemClock
from schemas.codes import EntryKind
from schemas.errors import EvidenceError, UnavailableError
from schemas.randomness import UnsafeSeededRandomness
from tests.support.members import RAAD, Members
from tests.support.whole_log import ORIGIN, POLICY, SIGNER, Files, download, verify_whole

pytestmark = pytest.mark.database

KEPT, LOST = 270, 60
"""Entries of the backup, and entries after it that only others still hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disaster:
    """A hub whose database was restored from a backup, and what others hold of its log."""

    url: str
    guards: Path
    holdings: Path
    lost: list[tuple[LogMember, Appended]]
    files: Files
    checkpoint: Checkpoint

    async def recover(self) -> Recovery:
        """Recover from everything in the folder."""
        found = read_holdings(self.holdings, key=SIGNER.public)
        return await recover(self.url, key=SIGNER.public, guard_folder=self.guards, holdings=found)

    def hand_in_evidence(self, lost: Sequence[tuple[LogMember, Appended]]) -> None:
        """Put evidence into the folder, as connectors keep it."""
        for number, (member, appended) in enumerate(lost):
            evidence = {"entry": appended.entry, "tlog_proof": appended.tlog_proof, "sd_jwt": "a.b.c~d~"}
            if isinstance(member.change, ParticipantStated):
                evidence["sender_statement"] = member.change.statement or ""
            (self.holdings / f"{number}.evidence.json").write_text(json.dumps([{"nested": evidence}]))

    def hand_in_bundles(self) -> None:
        """Put the entry bundles into the folder, as a monitor with a token keeps them."""
        for tile in tiles_of(self.checkpoint.size):
            if tile.level == 0:
                path = self.holdings / "mirror" / tile.bundle_path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.files.found[tile.bundle_path])
        (self.holdings / "mirror" / "checkpoint").write_bytes(self.files.found["checkpoint"])


@pytest.fixture
async def disaster(postgresql_server: PostgreSQLServer, database_url: str, tmp_path: Path) -> Disaster:
    members, guards = Members(), tmp_path / "guards"
    (tmp_path / "holdings").mkdir()
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        await database.log.append(members.participant())
        await asyncio.gather(*(database.log.append(members.epoch(number)) for number in range(KEPT - 1)))
    backup = _copy(postgresql_server, database_url)
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        made = [members.submission() for _ in range(LOST - 2)] + [members.participant(oin=RAAD)]
        lost = [(member, await database.log.append(member)) for member in made]
        disclosure = members.disclosure(made[0])
        lost.append((disclosure, await database.log.append(disclosure)))
        files = await download(database.log)
    return Disaster(
        url=backup,
        guards=guards,
        holdings=tmp_path / "holdings",
        lost=lost,
        files=files,
        checkpoint=POLICY.verify(parse_note(files.found["checkpoint"])).checkpoint,
    )


async def test_a_hub_that_was_stopped_comes_back_stopped(
    postgresql_server: PostgreSQLServer, database_url: str, tmp_path: Path
) -> None:
    """Else a restore from a backup would be the way around the operator's word."""
    members, guards = Members(), tmp_path / "guards"
    (tmp_path / "holdings").mkdir()
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        await database.log.append(members.participant())
    backup = _copy(postgresql_server, database_url)
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        first = await database.log.append(members.stop(canary=RAAD))
        ended = await database.log.append(members.resumption(first.index))
        lasting = await database.log.append(members.stop(canary=RAAD))
        files = await download(database.log)
    disaster = Disaster(
        url=backup,
        guards=guards,
        holdings=tmp_path / "holdings",
        lost=[],
        files=files,
        checkpoint=POLICY.verify(parse_note(files.found["checkpoint"])).checkpoint,
    )
    disaster.hand_in_bundles()
    await disaster.recover()
    async with _open(disaster) as database:
        newest, before = await database.store.stops(limit=10)
        assert (before.index, before.resumed, before.record) == (first.index, ended.index, None)
        assert (newest.index, newest.canary, newest.resumed) == (lasting.index, RAAD, None)
        assert not (await database.store.enforcement()).proved_since_stop, "what passed is in no entry"
        with pytest.raises(UnavailableError) as stopped:
            await database.log.append(members.submission())
        assert stopped.value.code == "hub.enforcement.stopped"


@pytest.mark.parametrize("with_bundles", [False, True])
async def test_a_lost_end_is_refilled_from_what_others_hold(disaster: Disaster, *, with_bundles: bool) -> None:
    with pytest.raises(RollbackError):
        async with _open(disaster):
            pytest.fail("the hub started")
    if with_bundles:
        disaster.hand_in_bundles()
        disaster.hand_in_evidence(disaster.lost[-2:])
    else:
        disaster.hand_in_evidence(disaster.lost)
    done = await disaster.recover()
    assert (done.size_before, done.size) == (KEPT, KEPT + LOST)
    assert done.kinds == {EntryKind.SUBMISSION: LOST - 2, EntryKind.PARTICIPANT: 1, EntryKind.DISCLOSURE: 1}
    async with _open(disaster) as database:
        assert (await download(database.log)).found == disaster.files.found
        # The directory is whole, and the log goes on.
        assert [each.index for each in await database.store.participants(after=-1)] == [0, KEPT + LOST - 2]
        members = Members(randomness=UnsafeSeededRandomness("after"))
        appended = await database.log.append(members.submission(as_of=KEPT + LOST, watches=frozenset({RAAD.value})))
        assert json.loads(appended.entry)["participants"] == KEPT + LOST - 2
        assert (await verify_whole(database.log)).entries == KEPT + LOST + 1
        # A lost submission comes again: nothing of it but its entry is here.
        await database.log.append(disaster.lost[0][0])


async def test_a_log_is_refilled_from_nothing(disaster: Disaster, database_url: str) -> None:
    """Everything is held by somebody: the documents of the epochs too."""
    with psycopg.connect(database_url) as connection:
        signed = [text for (text,) in connection.execute("SELECT signed FROM chain_epochs")]
        signed += [text for (text,) in connection.execute("SELECT statement FROM participants")]
    (disaster.holdings / "documents.json").write_text(json.dumps(signed))
    disaster.hand_in_bundles()
    with psycopg.connect(disaster.url) as connection:
        connection.execute("TRUNCATE log_tree, log_entries, log_tiles, participants, chain_epochs")
    done = await disaster.recover()
    assert (done.size_before, done.size) == (0, KEPT + LOST)
    async with _open(disaster) as database:
        assert (await download(database.log)).found == disaster.files.found
        assert len(await database.store.chain_epochs()) == KEPT - 1


async def test_nothing_is_written_while_an_entry_is_missing(disaster: Disaster) -> None:
    disaster.hand_in_evidence([each for number, each in enumerate(disaster.lost) if number not in {3, 7}])
    with pytest.raises(EvidenceError, match=f"entries {KEPT + 3}, {KEPT + 7}$"):
        await disaster.recover()
    assert _size(disaster.url) == (KEPT, KEPT)


async def test_nothing_is_written_while_a_document_is_missing(disaster: Disaster) -> None:
    disaster.hand_in_bundles()
    with pytest.raises(EvidenceError, match=f"document of entry {KEPT + LOST - 2}$"):
        await disaster.recover()
    assert _size(disaster.url) == (KEPT, KEPT)


async def test_a_changed_bundle_does_not_make_the_root(disaster: Disaster) -> None:
    disaster.hand_in_bundles()
    disaster.hand_in_evidence(disaster.lost[-2:])
    for path in (disaster.holdings / "mirror").rglob("*"):
        if path.is_file() and "entries" in path.parts:
            path.write_bytes(path.read_bytes().replace(b'"purpose":"VTO"', b'"purpose":"VTX"', 1))
    with pytest.raises(EvidenceError, match="does not make the root"):
        await disaster.recover()
    assert _size(disaster.url) == (KEPT, KEPT)


async def test_proofs_and_checkpoints_of_another_key_are_passed_over(disaster: Disaster) -> None:
    other = NoteSigner.from_seed(name=ORIGIN, seed=bytes(32))
    huge = Checkpoint(origin=ORIGIN, size=10_000, root_hash=bytes(32))
    (disaster.holdings / "checkpoint").write_text(str(sign_checkpoint(huge, other)))
    (disaster.holdings / "readme.txt").write_text("what somebody wrote")
    member, appended = disaster.lost[0]
    disaster.hand_in_evidence([(member, replace(appended, entry=appended.entry.replace("VTO", "VTX")))])
    found = read_holdings(disaster.holdings, key=SIGNER.public)
    assert (found.proved, found.checkpoints, len(found.passed_over)) == ({}, set(), 2)


async def test_a_database_beside_what_was_published_is_not_recovered(disaster: Disaster, tmp_path: Path) -> None:
    async with open_database(
        disaster.url, signer=SIGNER, guard_folder=tmp_path / "elsewhere", clock=SystemClock()
    ) as database:
        members = Members(randomness=UnsafeSeededRandomness("beside"))
        for number in range(LOST):
            await database.log.append(members.epoch(1000 + number))
    disaster.hand_in_evidence(disaster.lost)
    with pytest.raises(EvidenceError, match="beside"):
        await disaster.recover()


async def test_recovering_a_whole_log_changes_nothing(disaster: Disaster, database_url: str) -> None:
    found = read_holdings(disaster.holdings, key=SIGNER.public)
    done = await recover(database_url, key=SIGNER.public, guard_folder=disaster.guards, holdings=found)
    assert (done.size_before, done.size, done.kinds) == (KEPT + LOST, KEPT + LOST, {})


async def test_without_any_checkpoint_nothing_can_be_recovered(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = read_holdings(tmp_path / "empty", key=SIGNER.public)
    with pytest.raises(EvidenceError, match="nobody holds a checkpoint"):
        await recover(database_url, key=SIGNER.public, guard_folder=tmp_path / "guards", holdings=found)


# ---- continuing ----

NEXT = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=bytes(range(32, 64)))
PROVABLE = Checkpoint(origin=ORIGIN, size=270, root_hash=b"r" * 32)


async def test_a_new_log_s_first_entry_says_what_it_continues_and_what_is_lost(
    database_url: str, tmp_path: Path
) -> None:
    appended = await _continue(database_url, tmp_path)
    entry = json.loads(appended.entry)
    assert appended.index == 0
    assert {name: entry[name] for name in ("kind", "predecessor", "provable", "published", "root")} == {
        "kind": "CONTINUATION",
        "predecessor": ORIGIN,
        "provable": 270,
        "published": 330,
        "root": b64url(b"r" * 32),
    }
    checkpoint = parse_checkpoint(parse_note(appended.tlog_proof.partition("\n\n")[2].encode()).text)
    assert checkpoint.origin == NEXT.name


async def test_a_log_with_entries_continues_nothing(database_url: str, tmp_path: Path) -> None:
    await _continue(database_url, tmp_path)
    with pytest.raises(MemberLostError):
        await _continue(database_url, tmp_path)


@pytest.mark.parametrize(
    ("provable", "published"),
    [(replace(PROVABLE, origin=NEXT.name), 330), (PROVABLE, 269)],
    ids=["its own origin", "more provable than published"],
)
async def test_a_log_cannot_continue_what_makes_no_sense(
    database_url: str, tmp_path: Path, provable: Checkpoint, published: int
) -> None:
    with pytest.raises(EvidenceError):
        await _continue(database_url, tmp_path, provable=provable, published=published)


async def _continue(url: str, folder: Path, *, provable: Checkpoint = PROVABLE, published: int = 330) -> Appended:
    return await continue_log(
        url,
        signer=NEXT,
        guard_folder=folder / "guard-2",
        clock=SystemClock(),
        randomness=UnsafeSeededRandomness("continue"),
        provable=provable,
        published=published,
    )


def _open(disaster: Disaster) -> AbstractAsyncContextManager[Database]:
    return open_database(disaster.url, signer=SIGNER, guard_folder=disaster.guards, clock=SystemClock())


def _copy(server: PostgreSQLServer, url: str) -> str:
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(f"{name}_copy"), sql.Identifier(name))
        )
    return server.url(f"{name}_copy")


def _size(url: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT (SELECT count(*) FROM log_entries), size FROM log_tree").fetchone()


async def test_a_catalogue_that_was_lost_is_known_again(
    postgresql_server: PostgreSQLServer, database_url: str, tmp_path: Path
) -> None:
    """Else a hub that goes back to the one before could never say so, and nothing would be decided any more."""
    members, guards, holdings = Members(), tmp_path / "guards", tmp_path / "holdings"
    text = b"the grounds of now"
    first = members.catalogue(digest="x" * 42 + "A", text=b"the grounds before")
    second = members.catalogue(digest=text_digest(text), text=text)
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        await database.log.append(first)
    backup = _copy(postgresql_server, database_url)
    async with open_database(database_url, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        lost = await database.log.append(second)
    holdings.mkdir()
    (holdings / "entry.json").write_text(json.dumps({"entry": lost.entry, "tlog_proof": lost.tlog_proof}))
    with pytest.raises(EvidenceError, match="the text of the catalogue in force"):
        # Nothing could be decided without it; who follows it has it as a file.
        await recover(
            backup, key=SIGNER.public, guard_folder=guards, holdings=read_holdings(holdings, key=SIGNER.public)
        )
    (holdings / "catalogue.toml").write_bytes(text)
    found = read_holdings(holdings, key=SIGNER.public)
    await recover(backup, key=SIGNER.public, guard_folder=guards, holdings=found)
    async with open_database(backup, signer=SIGNER, guard_folder=guards, clock=SystemClock()) as database:
        assert await database.catalogues.document(text_digest(text)) == text
        with pytest.raises(MemberLostError):
            await database.log.append(second)
        assert (await database.log.append(first)).index == 2
