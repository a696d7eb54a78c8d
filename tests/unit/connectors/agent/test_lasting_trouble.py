"""What fails for long or again and again: it holds up itself and nothing else, and people hear of it."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.agent.inbox import inbox_round
from connectors.agent.journal import Journal, NoticeKind
from connectors.agent.outbox import outbox_round
from connectors.agent.running import run_agent
from connectors.agent.troubles import LoopHealth
from connectors.agent.watching import LATE_SECONDS_MAX, watch_round
from connectors.formats.stuf import StufFormat
from connectors.formats.stuf.examples import vto_example
from schemas.errors import AuthenticationError, DocumentError, UnavailableError
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.memory_hub import MemoryHub


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(gemeente: Agent, tmp_path: Path) -> Agent:
    return Agent(world=gemeente.world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad")


def _texts(agent: Agent, kind: NoticeKind) -> list[str]:
    return [notice.text_nl for notice in agent.journal.open_notices() if notice.kind is kind]


def _states(agent: Agent) -> list[str]:
    return [row["state"] for row in agent.journal.rows("SELECT state FROM submissions ORDER BY id")]


def _another(number: int) -> bytes:
    return vto_example().replace(b"VTO-2026-0001", b"VTO-2026-%04d" % number)


async def test_a_folder_that_cannot_be_written_holds_up_neither_sending_nor_receiving(
    gemeente: Agent, raad: Agent
) -> None:
    (gemeente.home / "answers").rmdir()
    (gemeente.home / "answers").write_bytes(b"no folder")
    gemeente.drop("verzoek.xml", vto_example())
    for _ in range(2):
        with pytest.raises(OSError, match="answers"):
            await outbox_round(gemeente.services)
    assert gemeente.hub.kinds()[-1] == "SUBMISSION"
    assert "verzoek.xml" in gemeente.names("sent")
    (raad.home / "in").rmdir()
    (raad.home / "in").write_bytes(b"no folder")
    with pytest.raises(OSError, match="in"):
        await raad.rounds()
    assert gemeente.hub.kinds()[-1] == "DISCLOSURE"
    (raad.home / "in").unlink()
    (raad.home / "in").mkdir()
    await raad.rounds()
    assert len(raad.names("in")) == 3


async def test_an_agent_starts_with_a_folder_that_is_away(gemeente: Agent) -> None:
    """A share that is not mounted yet must not stop what does not need it; the agent waits for it."""
    gemeente.drop("verzoek.xml", vto_example())
    (gemeente.home / "answers").rename(gemeente.home / "weg")
    with pytest.raises(OSError, match="answers"):
        await outbox_round(gemeente.services)
    gemeente.restart()
    stop = asyncio.Event()
    running = asyncio.create_task(run_agent(gemeente.services, stop=stop))
    await asyncio.sleep(0.05)
    assert not running.done()
    stop.set()
    await running


async def test_a_file_on_which_our_own_code_fails_stops_no_other_and_says_no_value(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = StufFormat.read

    def fail(self: StufFormat, data: bytes) -> object:
        if b"VTO-2026-0013" in data:
            raise TypeError("Jansen")
        return read(self, data)

    monkeypatch.setattr(StufFormat, "read", fail)
    gemeente.drop("dertien.xml", _another(13))
    gemeente.drop("veertien.xml", _another(14))
    await gemeente.rounds()
    assert [name for name in gemeente.names("sent") if name.endswith(".xml")] == ["veertien.xml"]
    (text,) = _texts(gemeente, NoticeKind.BLOCKED)
    assert text.startswith("dertien.xml: ")
    assert "TypeError:test_lasting_trouble.py:" in text
    assert "Jansen" not in text + caplog.text
    monkeypatch.undo()
    await gemeente.rounds()
    assert "dertien.xml" in gemeente.names("sent")


async def test_a_message_on_which_our_own_code_fails_stops_no_other(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (13, 14):
        gemeente.drop(f"{number}.xml", _another(number))
    await gemeente.rounds()
    first = min(gemeente.hub.messages)
    write = StufFormat.write

    def fail(self: StufFormat, document: object, **more: object) -> object:
        if "VTO-2026-0013" in repr(document):
            raise RecursionError("Jansen")
        return write(self, document, **more)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(StufFormat, "write", fail)
    await raad.rounds()
    assert len(raad.names("in")) == 3
    row = raad.journal.row("SELECT trouble FROM received WHERE id = ?", first)
    assert row is not None
    assert row["trouble"].startswith("recipient.connector.failed")
    monkeypatch.undo()
    await raad.rounds()
    assert len(raad.names("in")) == 6


async def test_a_mistake_of_our_own_while_a_message_is_sent_is_not_put_on_the_hub(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> object:
        raise RecursionError("Jansen")

    monkeypatch.setattr("connectors.agent.outbox.check_answer", fail)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    row = gemeente.journal.row("SELECT trouble FROM submissions")
    assert row is not None
    assert row["trouble"].startswith("sender.connector.failed: de connector kan dit niet verwerken")


@pytest.mark.parametrize("refused", [False, True], ids=["taken", "refused"])
async def test_a_mistake_while_a_message_is_sent_is_told_until_the_message_is_concluded(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    async def fail(*_: object) -> object:
        raise RecursionError

    def refuse(call: str) -> None:
        if refused and call == "submit":
            raise DocumentError("denied", code="sender.decision.denied")

    monkeypatch.setattr("connectors.agent.outbox.check_answer", fail)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    (text,) = _texts(gemeente, NoticeKind.BLOCKED)
    assert text.startswith("verzoek.xml: ")
    monkeypatch.undo()
    gemeente.hub.before = refuse
    gemeente.world.clock.advance(minutes=6)
    await gemeente.rounds()
    assert _texts(gemeente, NoticeKind.BLOCKED) == []
    assert "verzoek.xml" in gemeente.names("refused" if refused else "sent")


async def test_a_mistake_while_a_receipt_is_checked_is_told_until_it_was(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RecursionError

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    monkeypatch.setattr("connectors.agent.watching.parse_receipt", fail)
    gemeente.world.clock.advance(hours=2)
    await watch_round(gemeente.services)
    assert len(_texts(gemeente, NoticeKind.BLOCKED)) == 1
    monkeypatch.undo()
    gemeente.world.clock.advance(hours=2)
    await watch_round(gemeente.services)
    assert _states(gemeente) == ["received"]
    assert _texts(gemeente, NoticeKind.BLOCKED) == []


@pytest.mark.parametrize("opens", [True, False], ids=["opened", "refused"])
async def test_a_mistake_while_a_message_is_opened_is_told_until_it_was(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch, *, opens: bool
) -> None:
    async def fail(*_: object) -> object:
        raise RecursionError

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    if not opens:
        gemeente.hub.alter = lambda release: replace(release, message=release.message[:-4] + "AAAA")
    monkeypatch.setattr("connectors.agent.inbox._verify", fail)
    await raad.rounds()
    assert len(_texts(raad, NoticeKind.BLOCKED)) == 1
    monkeypatch.undo()
    gemeente.world.clock.advance(minutes=6)
    await raad.rounds()
    assert _texts(raad, NoticeKind.BLOCKED) == []


async def test_of_a_message_that_is_sent_again_nobody_is_told_that_its_recipient_lacks_it(gemeente: Agent) -> None:
    """The hub lost it after its recipient picked it up, or before: its sender does not know."""

    def stopped(call: str) -> None:
        if call == "submit":
            raise UnavailableError("stopped", code="hub.enforcement.stopped")

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    gemeente.hub.messages.clear()
    gemeente.hub.before = stopped
    for _ in range(2):
        gemeente.world.clock.advance(hours=2)
        await gemeente.rounds()
    (text,) = _texts(gemeente, NoticeKind.BLOCKED)
    assert text.startswith("verzoek.xml is al verstuurd en wordt opnieuw aangeboden")
    assert "De ontvanger kan het al hebben" in text
    assert "hub.enforcement.stopped" in text
    gemeente.hub.before = lambda _: None
    gemeente.world.clock.advance(hours=2)
    await gemeente.rounds()
    assert len(gemeente.hub.messages) == 1
    assert _texts(gemeente, NoticeKind.BLOCKED) == []


async def test_a_hub_that_does_not_let_us_in_is_no_false_proof(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suspended organisation is told so by the loop that fails, and not that the hub lies about each message."""

    async def refused(*_: object) -> None:
        raise AuthenticationError("not in force", code="sender.unknown")

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    monkeypatch.setattr(type(gemeente.services.hub), "message", refused)
    gemeente.world.clock.advance(hours=1)
    await watch_round(gemeente.services)
    assert gemeente.journal.open_notices() == ()
    assert _states(gemeente) == ["waiting"]


def test_a_loop_that_fails_for_long_is_told_until_it_works(gemeente: Agent) -> None:
    health = LoopHealth(gemeente.services, about="in", nl="Ontvangen", en="Receiving")
    health.failed("hub.unreachable")
    assert _texts(gemeente, NoticeKind.BLOCKED) == []
    gemeente.world.clock.advance(minutes=6)
    health.failed("hub.unreachable")
    (text,) = _texts(gemeente, NoticeKind.BLOCKED)
    assert text.startswith("Ontvangen lukt niet sinds ")
    assert "hub.unreachable" in text
    LoopHealth(gemeente.services, about="out", nl="Versturen", en="Sending").worked()
    assert _texts(gemeente, NoticeKind.BLOCKED) != []
    LoopHealth(gemeente.services, about="in", nl="Ontvangen", en="Receiving").worked()
    assert _texts(gemeente, NoticeKind.BLOCKED) == []


def _no_receipts(call: str) -> None:
    if call == "receipt":
        raise UnavailableError("not now", code="hub.unreachable")


async def _lapse(gemeente: Agent, raad: Agent) -> None:
    """A message is collected and lapses before its receipt comes."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    gemeente.hub.before = _no_receipts
    await raad.rounds()
    (stored,) = gemeente.hub.messages.values()
    stored.state = "expired"
    gemeente.world.clock.advance(days=31)
    await gemeente.rounds()
    assert _states(gemeente) == ["expired"]
    gemeente.hub.before = lambda _: None


async def test_a_receipt_that_comes_after_the_lapse_is_told_so_that_nobody_sends_again(
    gemeente: Agent, raad: Agent
) -> None:
    await _lapse(gemeente, raad)
    assert len(_texts(gemeente, NoticeKind.EXPIRED)) == 1
    await raad.rounds()
    gemeente.world.clock.advance(hours=2)
    await gemeente.rounds()
    assert _states(gemeente) == ["received"]
    assert _texts(gemeente, NoticeKind.EXPIRED) == []
    assert "niet opnieuw" in _texts(gemeente, NoticeKind.LATE)[0]
    assert '"state": "received"' in (gemeente.home / "sent" / "verzoek.xml.result.json").read_text("utf-8")


async def test_what_lapsed_long_ago_is_not_asked_for_any_more(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _lapse(gemeente, raad)
    asked: list[object] = []

    async def count(_: object, message_id: object) -> None:
        asked.append(message_id)
        raise UnavailableError("not now", code="hub.unreachable")

    monkeypatch.setattr(type(gemeente.services.hub), "message", count)
    gemeente.world.clock.advance(hours=2)
    await watch_round(gemeente.services)
    assert len(asked) == 1
    gemeente.world.clock.advance(seconds=LATE_SECONDS_MAX)
    await watch_round(gemeente.services)
    assert len(asked) == 1


async def test_a_lapsed_message_that_the_hub_has_forgotten_is_not_submitted_again(gemeente: Agent, raad: Agent) -> None:
    await _lapse(gemeente, raad)
    gemeente.hub.messages.clear()
    gemeente.world.clock.advance(hours=2)
    await gemeente.rounds()
    assert _states(gemeente) == ["expired"]
    assert gemeente.hub.messages == {}


async def test_no_round_reads_the_bytes_of_all_that_waits(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that is away for a weekend leaves more in the journal than the memory holds."""
    rows = Journal.rows

    def checked(self: Journal, query: str, *arguments: object) -> list[sqlite3.Row]:
        found = rows(self, query, *arguments)
        assert not any(isinstance(value, bytes) for row in found for value in tuple(row)), query
        return found

    monkeypatch.setattr(Journal, "rows", checked)
    gemeente.hub.before = _nothing
    for number in (13, 14):
        gemeente.drop(f"{number}.xml", _another(number))
    await gemeente.rounds()
    gemeente.hub.before = lambda _: None
    await gemeente.rounds()
    await raad.rounds()
    await inbox_round(raad.services)
    gemeente.world.clock.advance(days=2)
    await gemeente.rounds()
    assert _states(gemeente) == ["received", "received"]


def _nothing(_: str) -> None:
    raise UnavailableError("not now", code="hub.unreachable")
