"""What goes wrong, and what people are told: refusals, lapses, held attachments, full disks, false proofs."""

import errno
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from audit.note import NoteSigner
from connectors.agent.disk import Disk, DiskFullError
from connectors.agent.files import take_files
from connectors.agent.journal import NoticeKind, confirm
from connectors.agent.outbox import outbox_round
from connectors.agent.running import has_room
from connectors.agent.watching import watch_log, watch_round
from connectors.formats.stuf.examples import vto_example
from connectors.formats.stuf.scenarios import vto_scenario
from schemas.errors import UnavailableError
from schemas.wire import Release, encode_submission
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.memory_hub import Caller, MemoryHub


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(gemeente: Agent, tmp_path: Path) -> Agent:
    return Agent(world=gemeente.world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad")


def _kinds(agent: Agent) -> set[NoticeKind]:
    return {notice.kind for notice in agent.journal.open_notices()}


def _state(agent: Agent) -> str:
    row = agent.journal.row("SELECT state FROM submissions ORDER BY created_at DESC LIMIT 1")
    assert row is not None
    return str(row["state"])


async def _send(agent: Agent, data: bytes | None = None, name: str = "verzoek.xml") -> None:
    agent.drop(name, data or vto_example())
    await agent.rounds()


async def test_what_was_altered_on_the_way_is_not_handed_over_and_the_sender_is_told(
    gemeente: Agent, raad: Agent
) -> None:
    def alter(release: Release) -> Release:
        changed = release.elements[5][:-1] + bytes([release.elements[5][-1] ^ 1])
        return replace(release, elements={**release.elements, 5: changed})

    gemeente.hub.alter = alter
    await _send(gemeente)
    await raad.rounds()
    await gemeente.rounds()
    assert raad.names("in") == []
    assert _kinds(raad) == {NoticeKind.ALARM}
    assert _kinds(gemeente) == {NoticeKind.REFUSED_BY_RECIPIENT}
    (recipient,) = json.loads((gemeente.home / "sent" / "verzoek.xml.result.json").read_bytes())["recipients"]
    assert recipient["state"] == "refused"
    assert [reason["code"] for reason in recipient["receipt"]["reasons"]] == ["hub.element.altered"]
    assert recipient["receipt"]["reasons"][0]["label"] in recipient["permitted"]


async def test_an_answer_about_another_message_does_not_count(gemeente: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that keeps a message and says by the proof of an earlier one that it took it."""
    await _send(gemeente)
    (first,) = gemeente.hub.messages.values()
    body = encode_submission(first.submission)
    submit = Caller.submit
    monkeypatch.setattr(Caller, "submit", lambda self, *_: submit(self, *body))
    await _send(gemeente, vto_example().replace(b"VTO-2026-0001", b"VTO-2026-0002"), "tweede.xml")
    assert "tweede.xml" not in gemeente.names("sent")
    assert _state(gemeente) == "prepared"
    (told,) = (notice for notice in gemeente.journal.open_notices() if notice.kind is NoticeKind.ALARM)
    assert "hub.entry.message" in told.text_nl


async def test_a_hub_that_does_not_answer_is_asked_again_with_the_same_bytes(gemeente: Agent) -> None:
    bodies: list[bytes] = []

    def fail(name: str) -> None:
        if name == "submit":
            row = gemeente.journal.row("SELECT body FROM submissions WHERE state = 'prepared'")
            assert row is not None
            bodies.append(row["body"])
            if len(bodies) < 3:
                raise UnavailableError("not now")

    gemeente.hub.after = fail
    await _send(gemeente)
    for _ in range(3):
        gemeente.world.clock.advance(minutes=10)
        await gemeente.rounds()
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert gemeente.hub.kinds().count("SUBMISSION") == 1
    assert _state(gemeente) == "waiting"


async def test_a_recipient_that_changed_its_key_gets_the_same_document_sealed_anew(gemeente: Agent) -> None:
    await watch_log(gemeente.services)
    gemeente.world.rotate(RAAD)
    await _send(gemeente)
    await gemeente.rounds()
    states = [row["state"] for row in gemeente.journal.rows("SELECT state FROM submissions ORDER BY created_at")]
    assert states == ["superseded", "waiting"]
    (stored,) = gemeente.hub.messages.values()
    newest = gemeente.world.participant(RAAD).sealing_key
    assert newest is not None
    assert stored.message.sealed.kid == newest.kid
    assert gemeente.names("answers") == ["verzoek.xml.accepted.xml", "verzoek.xml.read.xml"]


async def test_what_waited_past_its_time_is_composed_anew(gemeente: Agent) -> None:
    gemeente.hub.before = _refuse_once
    await _send(gemeente)
    gemeente.hub.before = lambda _: None
    gemeente.world.clock.advance(days=31)
    await gemeente.rounds()
    await gemeente.rounds()
    assert _state(gemeente) == "waiting"
    assert gemeente.hub.kinds().count("SUBMISSION") == 1


def _refuse_once(name: str) -> None:
    raise UnavailableError(f"{name}: not now")


async def test_what_the_hub_withholds_is_told_until_somebody_confirms_it(gemeente: Agent, raad: Agent) -> None:
    gemeente.hub.withhold = {"verzoek/verzoek/reasonText": ("category-not-in-ground",)}
    await _send(gemeente)
    await raad.rounds()
    (recipient,) = json.loads((gemeente.home / "sent" / "verzoek.xml.result.json").read_bytes())["recipients"]
    assert [(each["label"], each["by"]) for each in recipient["withheld"]] == [("verzoek/verzoek/reasonText", "hub")]
    assert recipient["withheld"][0]["reasons"][0]["nl"]
    for agent in (gemeente, raad):
        assert _kinds(agent) == {NoticeKind.WITHHELD}
        with agent.journal.step("confirmed") as db:
            assert confirm(db, about=recipient["message"], at=agent.world.clock.now()) == 1
        assert _kinds(agent) == set()
    native = next(path for path in (raad.home / "in").iterdir() if path.suffix == ".xml").read_bytes()
    assert b"Zorgen over de ontwikkeling" not in native


def _scanner(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "scan.py"
    script.write_text(
        "import sys, pathlib\ndata = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "sys.exit(1 if b'PNG' in data else 9 if b'stuk' in data else 0)\n",
        encoding="utf-8",
    )
    return (sys.executable, str(script))


async def test_the_scan_command_holds_a_file_back_before_it_leaves(tmp_path: Path) -> None:
    world = World()
    hub = MemoryHub(world=world)
    agent = Agent(world=world, hub=hub, oin=GEMEENTE, home=tmp_path / "g", scan=_scanner(tmp_path))
    await _send(agent)
    problem = json.loads((agent.home / "refused" / "verzoek.xml.problem.json").read_bytes())
    assert problem["code"] == "sender.attachment.held"
    assert hub.messages == {}


async def test_the_scan_command_holds_an_attachment_back_before_hand_over(gemeente: Agent, tmp_path: Path) -> None:
    raad = Agent(world=gemeente.world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad", scan=_scanner(tmp_path))
    await _send(gemeente)
    await raad.rounds()
    assert _kinds(raad) == {NoticeKind.HELD}
    (identifier,) = gemeente.hub.messages
    native = (raad.home / "in" / f"{identifier}.xml").read_bytes()
    bundle = (raad.home / "in" / f"{identifier}.fhir.json").read_bytes()
    assert b"hulpverlening.png" in native
    assert b"iVBORw0KGgp2b29yYmVlbGQ=" not in native + bundle
    assert gemeente.hub.kinds()[-1] == "RECEIPT"


async def test_a_scan_command_that_cannot_judge_lets_the_message_wait(tmp_path: Path) -> None:
    world = World()
    agent = Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path, scan=("/no/such/command",))
    await _send(agent)
    row = agent.journal.row("SELECT state, trouble FROM files")
    assert row is not None
    assert (row["state"], row["trouble"].partition(":")[0]) == ("taken", "sender.scan.failed")


async def test_a_message_that_nobody_collects_is_reported_daily_and_its_lapse_stays_visible(gemeente: Agent) -> None:
    await _send(gemeente)
    assert _kinds(gemeente) == set()
    gemeente.world.clock.advance(hours=25)
    await watch_round(gemeente.services)
    (notice,) = gemeente.journal.open_notices()
    assert notice.kind is NoticeKind.UNCOLLECTED
    with gemeente.journal.step("confirmed") as db:
        confirm(db, about=notice.about, at=gemeente.world.clock.now())
    await watch_round(gemeente.services)
    assert _kinds(gemeente) == set()
    gemeente.world.clock.advance(hours=24)
    await watch_round(gemeente.services)
    assert _kinds(gemeente) == {NoticeKind.UNCOLLECTED}
    (stored,) = gemeente.hub.messages.values()
    stored.state = "expired"
    gemeente.world.clock.advance(days=29)
    await watch_round(gemeente.services)
    assert NoticeKind.EXPIRED in _kinds(gemeente)
    assert _state(gemeente) == "expired"


async def test_a_receipt_that_another_signed_is_an_alarm_and_changes_nothing(gemeente: Agent, raad: Agent) -> None:
    await _send(gemeente)
    await raad.rounds()
    (stored,) = gemeente.hub.messages.values()
    assert stored.receipt is not None
    token, index = stored.receipt
    stored.receipt = (token[:-6] + "AAAAAA", index)
    await gemeente.rounds()
    assert _kinds(gemeente) == {NoticeKind.ALARM}
    assert _state(gemeente) == "waiting"


async def test_a_hub_whose_proof_is_false_is_not_believed(gemeente: Agent) -> None:
    """The answer says accepted, but another log signed it: the message does not count as sent."""
    gemeente.services.log = NoteSigner.from_seed(name=gemeente.world.log_key.name, seed=b"7" * 32).public
    await _send(gemeente)
    assert _kinds(gemeente) == {NoticeKind.ALARM}
    assert _state(gemeente) == "prepared"
    assert gemeente.names("sent") == []


async def test_a_statement_for_our_own_oin_that_we_did_not_make_is_an_alarm(gemeente: Agent) -> None:
    gemeente.world.rotate(RAAD)
    await watch_log(gemeente.services)
    assert _kinds(gemeente) == set()
    gemeente.world.rotate(GEMEENTE)
    await watch_log(gemeente.services)
    (alarm,) = gemeente.journal.open_notices()
    assert alarm.kind is NoticeKind.ALARM
    assert "OIN" in alarm.text_nl


async def test_a_log_that_was_rewritten_is_an_alarm(gemeente: Agent) -> None:
    await _send(gemeente)
    await watch_log(gemeente.services)
    before = len(gemeente.hub.world.log.texts)
    forked = World(seed="fork")
    forked.log.texts = [*forked.log.texts, *gemeente.world.log.texts[len(forked.log.texts) :], b"{}", b"{}"]
    gemeente.world.log.texts = forked.log.texts
    assert len(forked.log.texts) > before
    await watch_log(gemeente.services)
    assert NoticeKind.ALARM in _kinds(gemeente)


@dataclass(frozen=True, slots=True)
class _FullDisk(Disk):
    def write(self, path: Path, data: bytes) -> None:
        del path, data
        raise DiskFullError("no room")

    def free_bytes(self, folder: Path) -> int:
        del folder
        return 1


async def test_with_a_full_disk_nothing_is_taken_and_nothing_is_lost(gemeente: Agent) -> None:
    gemeente.services.settings = replace(gemeente.settings, free_bytes_min=1024)
    disk, gemeente.services.disk = gemeente.services.disk, _FullDisk()
    assert not has_room(gemeente.services)
    assert _kinds(gemeente) == {NoticeKind.DISK}
    gemeente.drop("verzoek.xml", vto_example())
    gemeente.services.disk = disk
    assert has_room(gemeente.services)
    assert _kinds(gemeente) == set()
    await gemeente.rounds()
    assert gemeente.names("sent") == ["verzoek.xml", "verzoek.xml.result.json"]


async def test_a_disk_that_fills_up_during_hand_over_loses_nothing(gemeente: Agent, raad: Agent) -> None:
    await _send(gemeente)
    disk, raad.services.disk = raad.services.disk, _FullDisk()
    with pytest.raises(DiskFullError):
        await raad.rounds()
    assert raad.names("in") == []
    assert gemeente.hub.kinds()[-1] == "DISCLOSURE"
    raad.services.disk = disk
    await raad.rounds()
    assert len(raad.names("in")) == 3
    assert gemeente.hub.kinds()[-1] == "RECEIPT"


def test_an_error_of_the_file_system_that_means_full_is_known_as_such(tmp_path: Path) -> None:
    from connectors.agent.disk import is_full

    assert is_full(OSError(errno.ENOSPC, "full"))
    assert not is_full(OSError(errno.EACCES, "no"))
    with pytest.raises(FileNotFoundError):
        Disk().write(tmp_path / "no" / "folder", b"x")


async def test_a_broken_table_of_the_organisation_lets_files_wait_and_refuses_none(gemeente: Agent) -> None:
    (gemeente.home / "professionals.csv").write_text("wat;is;dit\n", encoding="utf-8")
    await _send(gemeente)
    assert gemeente.names("refused") == []
    (gemeente.home / "professionals.csv").write_text(
        "medewerker;register;nummer\nMW-0042;SKJ;110012345\n", encoding="utf-8"
    )
    await gemeente.rounds()
    (stored,) = gemeente.hub.messages.values()
    assert stored.message.responsible.number.value == "110012345"


async def test_files_that_are_not_finished_stay_where_they_are(gemeente: Agent) -> None:
    for name in (".verborgen", "half.part", "half.tmp"):
        (gemeente.home / "out" / name).write_bytes(b"x")
    (gemeente.home / "out" / "map").mkdir()
    await outbox_round(gemeente.services)
    assert gemeente.names("out") == [".verborgen", "half.part", "half.tmp", "map"]


async def test_a_file_larger_than_any_message_is_refused_without_being_read(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.agent.files.FILE_BYTES_MAX", 1000)
    gemeente.drop("groot.xml", b"<x>" + b"y" * 2000 + b"</x>")
    await gemeente.rounds()
    assert gemeente.names("refused") == ["groot.xml", "groot.xml.problem.json"]
    problem = json.loads((gemeente.home / "refused" / "groot.xml.problem.json").read_bytes())
    assert problem["code"] == "sender.format.too-large"
    assert len((gemeente.home / "refused" / "groot.xml").read_bytes()) == 2007


async def test_a_follow_up_under_the_same_case_number_keeps_the_case(gemeente: Agent) -> None:
    await _send(gemeente, vto_scenario(1, case_number="ZAAK-9"), name="een.xml")
    again = vto_scenario(1, case_number="ZAAK-9").replace(b"VTO-SCN1-1", b"VTO-SCN1-1b")
    await _send(gemeente, again, name="twee.xml")
    one, two = gemeente.hub.messages.values()
    assert one.message.case == two.message.case
    assert two.message.reply_to is None


def test_two_files_of_the_same_name_are_both_taken(gemeente: Agent) -> None:
    at = gemeente.world.clock.now()
    for data in (b"<a/>", b"<b/>"):
        gemeente.drop("zelfde.xml", data)
        take_files(gemeente.journal, folders=gemeente.settings.folders, disk=Disk(), at=at)
    rows = gemeente.journal.rows("SELECT target, data FROM files ORDER BY id")
    assert [tuple(row) for row in rows] == [("zelfde.xml", b"<a/>"), ("zelfde~2.xml", b"<b/>")]


async def test_a_hub_that_lost_a_message_gets_the_same_bytes_again(gemeente: Agent, raad: Agent) -> None:
    """As after a disaster: the log was refilled, what waited is gone, and the sender still has it."""
    await _send(gemeente)
    (lost,) = gemeente.hub.messages.values()
    gemeente.hub.messages.clear()
    await gemeente.rounds()
    await gemeente.rounds()
    (again,) = gemeente.hub.messages.values()
    assert again.submission == lost.submission
    assert NoticeKind.ALARM in _kinds(gemeente)
    await raad.rounds()
    await gemeente.rounds()
    assert _state(gemeente) == "received"
    assert gemeente.names("answers") == ["verzoek.xml.accepted.xml", "verzoek.xml.read.xml"]


async def test_what_was_lost_and_has_lapsed_is_left_to_a_person(gemeente: Agent) -> None:
    await _send(gemeente)
    gemeente.hub.messages.clear()
    gemeente.world.clock.advance(days=31)
    await gemeente.rounds()
    await gemeente.rounds()
    assert _state(gemeente) == "expired"
    assert NoticeKind.EXPIRED in _kinds(gemeente)
    assert gemeente.hub.messages == {}
