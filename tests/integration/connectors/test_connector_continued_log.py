"""A hub's log is lost and another continues it: what two organisations must do, and what they refuse to believe."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from audit.checkpoint import parse_checkpoint
from audit.cli.main import main as ketenhub_log
from audit.note import NoteSigner, parse_note, parse_skey
from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.journal import Journal
from connectors.agent.keystore import load_keys
from connectors.agent.outbox import outbox_round
from connectors.agent.watching import watch_log, watch_round
from connectors.cli.common import EXIT_EVIDENCE, EXIT_REFUSED
from connectors.cli.main import main
from connectors.cli.opening import opened
from connectors.formats.stuf.examples import Header, vto_example
from hub.cli.main import main as ketenhub
from hub.cli.registrar import admission_of
from hub.storage.postgresql.migrate import migrate
from schemas.admissions import Statement, admission_to_payload, statement_to_payload
from schemas.clock import SystemClock
from schemas.codes import Role, TokenType
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.pseudonyms import ChainKey
from schemas.randomness import SystemRandomness, new_message_id
from schemas.sealing import SealingPrivateKey
from tests.support.hub_server import RunningHub, participants_of, running_hub, write_hub_files
from tests.support.parties import GEMEENTE, GI, RAAD, REGISTRAR

pytestmark = pytest.mark.database

NEXT_ORIGIN = "hub.ketenhub.test/log/2"
RANDOMNESS = SystemRandomness()
CLOCK = SystemClock()


@dataclass(slots=True)
class Office:
    """One organisation's connector, by its commands."""

    home: Path
    url: str

    async def command(self, *arguments: str | Path) -> int:
        words = [str(argument) for argument in arguments]
        return await asyncio.to_thread(main, [*words, "--home", str(self.home)])

    async def accept(self, statement: Path, *options: str | Path) -> int:
        return await self.command("log", "accept", statement, *options)

    def move(self, hub: RunningHub) -> None:
        """Go to where the hub is now; in life it keeps its address."""
        path = self.home / "connector.toml"
        path.write_text(path.read_text("utf-8").replace(self.url, hub.url), "utf-8")
        self.url = hub.url

    async def join(self, hub: RunningHub, *, oin: str, role: str) -> None:
        registrar = self.home.with_suffix(".registrar.json")
        registrar.write_text(json.dumps(REGISTRAR.public.to_jwk()), encoding="utf-8")
        asked = ["--oin", oin, "--name", role.title(), "--role", role, "--hub", hub.url]
        pins = ["--hub-name", "hub.ketenhub.test", "--log-vkey", hub.web.log_identity.vkey]
        assert await self.command("init", *asked, *pins, "--registrar", registrar) == 0
        request = (self.home / "admission-request.json").read_bytes()
        admission = admission_of(request, clock=CLOCK, randomness=RANDOMNESS)
        token = sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=REGISTRAR)
        (self.home / "admission.jwt").write_text(token, encoding="ascii")
        assert await self.command("join", self.home / "admission.jwt") == 0

    def take_chain_key(self, key: ChainKey) -> None:
        folder = self.home / "keys" / "chain"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{key.epoch}.key").write_bytes(key.value)
        (folder / f"{key.epoch}.key").chmod(0o600)

    async def send(self, reference: str) -> None:
        path = self.home.parent / f"{reference}.xml"
        path.write_bytes(vto_example(header=Header(reference=reference)))
        assert await self.command("send", path) == 0

    async def rounds(self) -> None:
        """What the service does in a moment."""
        async with opened(self.home) as services:
            await outbox_round(services)
            while await list_inbox(services, wait_seconds=0):
                pass
            while await inbox_round(services):
                pass
            await watch_round(services)
            await watch_log(services)

    async def look(self) -> None:
        """See the newest checkpoint."""
        async with opened(self.home) as services:
            await watch_log(services)

    def take_files(self) -> list[str]:
        """What the organisation's own system finds, and takes away."""
        found = sorted((self.home / "in").glob("*.xml"))
        for path in found:
            path.unlink()
        return [path.stem for path in found]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        journal = Journal(self.home / "journal.sqlite")
        try:
            return [tuple(row) for row in journal.rows(query)]
        finally:
            journal.close()


@dataclass(frozen=True, slots=True)
class Ending:
    """A log that ended, and the statement that another continues it."""

    folder: Path
    next_url: str
    statement: Path

    @asynccontextmanager
    async def continued(self) -> AsyncIterator[RunningHub]:
        async with running_hub(self.folder / "next", database_url=self.next_url, HUB_LOG_ORIGIN=NEXT_ORIGIN) as running:
            yield running


async def _checkpoint(hub: RunningHub) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{hub.url}/log/checkpoint") as response:
        return await response.text()


async def _end(
    folder: Path, next_url: str, *, provable: str, published: int, monkeypatch: pytest.MonkeyPatch
) -> Ending:
    """Do what the operator does: a new database, a new key, and the statement."""
    migrate(next_url)
    (folder / "next").mkdir()
    key = NoteSigner.from_seed(name=NEXT_ORIGIN, seed=RANDOMNESS.bytes(32))
    (folder / "next" / "log.skey").write_text(key.skey)
    (folder / "next" / "log.skey").chmod(0o600)
    settings = write_hub_files(folder / "next", url="http://127.0.0.1:1", database_url=next_url, redis_url="")
    (folder / "provable.txt").write_text(provable)
    ending = Ending(folder, next_url, folder / "statement.txt")
    old_key = folder / "hub" / "log.skey"
    words = ["log", "continue", "--settings", settings, "--checkpoint", folder / "provable.txt", "--published"]
    words += [published, "--vkey", parse_skey(old_key.read_text()).public.vkey]
    words += ["--old-key", old_key, "--statement", ending.statement]
    with monkeypatch.context() as patch:
        patch.setenv("KETENHUB_HUB_LOG_ORIGIN", NEXT_ORIGIN)
        assert await asyncio.to_thread(ketenhub, [str(word) for word in words]) == 0
    return ending


async def test_two_organisations_go_on_with_the_log_that_continues_a_lost_one(
    tmp_path: Path,
    database_url: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing accepted is lost, nothing is handed over twice, and the evidence of before stays good."""
    chain = ChainKey.generate(epoch=0, randomness=RANDOMNESS)
    async with running_hub(tmp_path / "hub", database_url=database_url) as hub:
        gemeente, raad = Office(tmp_path / "gemeente", hub.url), Office(tmp_path / "raad", hub.url)
        for office, oin, role in ((gemeente, GEMEENTE, "gemeente"), (raad, RAAD, "raad")):
            await office.join(hub, oin=oin.value, role=role)
            office.take_chain_key(chain)
        # A history of several keys: an admission alone would not bring the newest one back.
        assert await gemeente.command("rotate", "--revoke") == 0
        provable = await _checkpoint(hub)
        assert await raad.command("rotate") == 0
        await gemeente.send("VTO-EEN")
        await raad.rounds()
        (first,) = raad.take_files()
        await gemeente.send("VTO-TWEE")
        for office in (gemeente, raad):
            await office.look()
        published = parse_checkpoint(parse_note((await _checkpoint(hub)).encode()).text).size
    ending = await _end(tmp_path, empty_database_url, provable=provable, published=published, monkeypatch=monkeypatch)
    await _go_on(ending, gemeente, raad, first=first, lost=(provable, published), capsys=capsys)

    # What was received under the old log is checked by the old key, from what is kept here.
    (former,) = (raad.home / "former-logs").iterdir()
    assert (former / "statement.txt").read_bytes() == ending.statement.read_bytes()
    evidence = raad.home / "in" / f"{first}.evidence.json"
    assert ketenhub_log(["check", str(evidence), "--policy", str(former / "policy.txt")]) == 0
    assert parse_checkpoint(parse_note((former / "checkpoint.txt").read_bytes()).text).size == published


async def _go_on(
    ending: Ending,
    gemeente: Office,
    raad: Office,
    *,
    first: str,
    lost: tuple[str, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both take the new log; what was under way comes to its end."""
    provable, published = lost
    old = parse_skey((ending.folder / "hub" / "log.skey").read_text()).public
    async with ending.continued() as hub:
        for office in (gemeente, raad):
            office.move(hub)
        before = (gemeente.home / "connector.toml").read_bytes()
        assert await gemeente.command("doctor") == 1
        assert "log accept" in capsys.readouterr().out

        # Without a yes it is shown what would be, and nothing changes.
        assert await gemeente.accept(ending.statement) == EXIT_REFUSED
        said = capsys.readouterr().out
        sent = gemeente.rows("SELECT log_index, id FROM submissions WHERE log_index IS NOT NULL ORDER BY log_index")
        assert [f"  {index}  SUBMISSION  {name}" in said for index, name in sent] == [True, True]
        assert f"PARTICIPANT  {RAAD.value}" in said
        assert (
            f"lost:     entries {parse_checkpoint(parse_note(provable.encode()).text).size} to {published - 1}" in said
        )
        assert (gemeente.home / "connector.toml").read_bytes() == before
        assert gemeente.rows("SELECT 1 FROM meta WHERE name = 'log'") == []

        assert await gemeente.accept(ending.statement, "--yes") == 0
        assert await raad.accept(ending.statement, "--yes") == 0
        assert await raad.accept(ending.statement) == 0
        after = (gemeente.home / "connector.toml").read_text("utf-8")
        assert after.replace(hub.web.log_identity.vkey, old.vkey) == before.decode()

        # Both messages come to the hub again; the first was handed over, so only its receipt comes again.
        await gemeente.rounds()
        await raad.rounds()
        (second,) = raad.take_files()
        assert second != first
        await gemeente.send("VTO-DRIE")
        await raad.rounds()
        assert len(raad.take_files()) == 1
        await asyncio.sleep(2.1)
        await gemeente.rounds()
        states = gemeente.rows("SELECT state, count(*) FROM submissions WHERE state <> 'superseded' GROUP BY state")
        assert states == [("received", 3)]
        for office in (gemeente, raad):
            assert office.rows("SELECT text_en FROM notices WHERE kind = 'alarm'") == []


async def test_a_key_of_before_does_not_begin_again_in_the_new_log(
    tmp_path: Path,
    database_url: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever holds a revoked key and reads the old admission tries to begin with them in a log that is empty."""
    async with running_hub(tmp_path / "hub", database_url=database_url) as hub:
        gemeente, raad = Office(tmp_path / "gemeente", hub.url), Office(tmp_path / "raad", hub.url)
        await gemeente.join(hub, oin=GEMEENTE.value, role="gemeente")
        await raad.join(hub, oin=RAAD.value, role="raad")
        stolen = load_keys(gemeente.home / "keys").signing
        assert await gemeente.command("rotate", "--revoke") == 0
        for office in (gemeente, raad):
            await office.look()
        provable = await _checkpoint(hub)
        size = parse_checkpoint(parse_note(provable.encode()).text).size
    ending = await _end(tmp_path, empty_database_url, provable=provable, published=size, monkeypatch=monkeypatch)
    async with ending.continued() as hub:
        await _state(hub, admission=(gemeente.home / "admission.jwt").read_text(), key=stolen)
        for office in (raad, gemeente):
            office.move(hub)
            before = (office.home / "connector.toml").read_bytes()
            assert await office.accept(ending.statement, "--yes") == EXIT_EVIDENCE
            assert "hub.continuation.directory" in capsys.readouterr().err
            assert (office.home / "connector.toml").read_bytes() == before
            assert office.rows("SELECT 1 FROM meta WHERE name = 'log'") == []
            assert not (office.home / "former-logs").exists()


async def _state(hub: RunningHub, *, admission: str, key: SigningKey) -> None:
    now = CLOCK.now()
    statement = Statement(
        oin=GEMEENTE,
        id=new_message_id(at=now, randomness=RANDOMNESS),
        issued_at=int(now.timestamp()),
        signing_key=key.public,
        sealing_key=SealingPrivateKey.generate(randomness=RANDOMNESS).public,
    )
    token = sign_jws(statement_to_payload(statement), typ=TokenType.PARTICIPANT, key=key)
    body = {"admission": admission.strip(), "statement": token, "replaced": None}
    async with aiohttp.ClientSession() as session, session.post(f"{hub.url}/v1/participants", json=body) as response:
        assert response.status == 201


async def test_a_connector_that_was_away_asks_for_a_proof(
    tmp_path: Path,
    database_url: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It saw less than is provable: that this is the same log must be shown."""
    async with running_hub(tmp_path / "hub", database_url=database_url) as hub:
        gemeente, raad = Office(tmp_path / "gemeente", hub.url), Office(tmp_path / "raad", hub.url)
        await gemeente.join(hub, oin=GEMEENTE.value, role="gemeente")
        await raad.join(hub, oin=RAAD.value, role="raad")
        provable = await _checkpoint(hub)
        size = parse_checkpoint(parse_note(provable.encode()).text).size
    ending = await _end(tmp_path, empty_database_url, provable=provable, published=size, monkeypatch=monkeypatch)
    ((checkpoint,),) = gemeente.rows("SELECT value FROM meta WHERE name = 'checkpoint'")
    seen = parse_checkpoint(parse_note(str(checkpoint).encode()).text).size
    settings = next((tmp_path / "hub").glob("hub-*.toml"))
    words = ["log", "consistency", "--settings", str(settings), "--from", str(seen), "--to", str(size)]
    capsys.readouterr()
    assert await asyncio.to_thread(ketenhub, words) == 0
    proof, other = tmp_path / "proof.json", tmp_path / "other.json"
    proof.write_text(capsys.readouterr().out)
    other.write_text(json.dumps(json.loads(proof.read_text()) | {"hashes": ["A" * 43]}))
    async with ending.continued() as hub:
        gemeente.move(hub)
        assert await gemeente.accept(ending.statement, "--yes") == EXIT_REFUSED
        assert f"ketenhub log consistency --from {seen} --to {size}" in capsys.readouterr().err
        assert await gemeente.accept(ending.statement, "--yes", "--consistency", other) == EXIT_EVIDENCE
        assert await gemeente.accept(ending.statement, "--yes", "--consistency", proof) == 0
        # The Raad joined after what was seen here: nobody has brought it over yet, and it brings itself.
        assert {row[0] for row in gemeente.rows("SELECT oin FROM participants")} == {GEMEENTE.value}
        raad.move(hub)
        assert await raad.accept(ending.statement, "--yes") == 0
        assert {row[0] for row in raad.rows("SELECT oin FROM participants")} == {GEMEENTE.value, RAAD.value}
        # Who joins only now knows no other log: that this one continues another is what its first entry says.
        async with participants_of(hub, (GI, Role.GI)) as (newcomer,):
            assert '"kind":"CONTINUATION"' in (await newcomer.get("/log/entries/0")).json["entry"]
