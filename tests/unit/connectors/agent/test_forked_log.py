"""A hub that shows two logs, an older log, or a directory that does not follow: seen, told, and believed by nobody."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from connectors.agent.inbox import list_inbox
from connectors.agent.journal import NoticeKind
from connectors.agent.watching import watch_log
from connectors.formats.stuf.examples import vto_example
from connectors.sdk.answers import ParticipantList, ProvenText
from connectors.sdk.transport import Reply
from schemas.codes import TokenType
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError
from schemas.jws import parse_jws
from schemas.requests import parse_release
from schemas.wire import RefusedRelease, Release, Releases, encode_releases
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, RAAD, World
from tests.support.log_files import MemoryLog
from tests.support.memory_hub import MemoryHub


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(gemeente: Agent, tmp_path: Path) -> Agent:
    return Agent(world=gemeente.world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad")


def _fork(log: MemoryLog, *, longer_by: int = 0) -> MemoryLog:
    """The same log but for its first entry, signed by the same key."""
    texts = [log.texts[0] + b" ", *log.texts[1:], *(b"x" for _ in range(longer_by))]
    return MemoryLog(signer=log.signer, texts=texts)


def _alarms(agent: Agent) -> list[str]:
    return [notice.text_en for notice in agent.journal.open_notices() if notice.kind is NoticeKind.ALARM]


async def test_a_disclosure_that_is_proven_in_another_log_than_the_directory_is_not_handed_over(
    gemeente: Agent, raad: Agent
) -> None:
    """The hub signs a second log for this one disclosure: in the log that all others see it never happened."""
    log = gemeente.world.log

    def prove_elsewhere(release: Release) -> Release:
        return replace(release, tlog_proof=_fork(log).proof(release.index))

    gemeente.hub.alter = prove_elsewhere
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    assert raad.names("in") == []
    assert any("hub.proof.consistency" in text for text in _alarms(raad))


async def test_a_disclosure_that_is_proven_in_a_log_far_ahead_of_the_one_that_is_shown_is_not_handed_over(
    gemeente: Agent, raad: Agent
) -> None:
    """A tree of a size that the log never reaches would never be held against it."""
    log = gemeente.world.log

    def prove_ahead(release: Release) -> Release:
        return replace(release, tlog_proof=_fork(log, longer_by=500).proof(release.index))

    gemeente.hub.alter = prove_ahead
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    assert raad.names("in") == []
    gemeente.world.clock.advance(minutes=10)
    await raad.rounds()
    assert raad.names("in") == []
    assert any("hub.log.behind" in text for text in _alarms(raad))


async def test_a_hub_that_goes_on_showing_an_older_log_is_an_alarm(raad: Agent) -> None:
    world = raad.world
    world.rotate(GI)
    await watch_log(raad.services)
    world.log.texts.pop()
    world.records.pop()
    with pytest.raises(UnavailableError):
        await watch_log(raad.services)
    assert _alarms(raad) == []
    world.clock.advance(minutes=10)
    await watch_log(raad.services)
    assert any("hub.log.behind" in text for text in _alarms(raad))


async def test_however_many_answers_came_none_of_their_checkpoints_is_forgotten(raad: Agent) -> None:
    log = raad.world.log
    directory = raad.services.directory
    long = MemoryLog(signer=log.signer, texts=[*log.texts, *(b"x" for _ in range(400))])
    for size in range(len(log.texts) + 1, len(long.texts)):
        directory.saw(long.checkpoint(size))
    directory.saw(_fork(log).checkpoint())
    log.texts = long.texts
    with pytest.raises(EvidenceError):
        await directory.refresh(raad.services.hub, at=raad.world.clock.now())


async def test_what_was_still_to_be_checked_is_not_forgotten_by_a_restart(gemeente: Agent) -> None:
    """A hub that proves in one log and shows another must not be helped by a connector that is started anew."""
    log = gemeente.world.log
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    gemeente.services.directory.saw(_fork(log).checkpoint())
    with gemeente.journal.step("rests on it") as db:
        gemeente.services.directory.keep_seen(db)
    gemeente.restart()
    await watch_log(gemeente.services)
    assert any("hub.proof.consistency" in text for text in _alarms(gemeente))


async def test_what_was_checked_is_not_kept(gemeente: Agent) -> None:
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    assert gemeente.journal.rows("SELECT * FROM checkpoints") != []
    await watch_log(gemeente.services)
    assert gemeente.journal.rows("SELECT * FROM checkpoints") == []


async def test_a_directory_that_does_not_follow_is_not_the_fault_of_a_file(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file waits; its sender's system gets no refusal for what the hub did."""
    listed = type(gemeente.services.hub).participants

    async def broken(self: object, *, after: int = -1) -> ParticipantList:
        page: ParticipantList = await listed(self, after=after)  # type: ignore[arg-type]  # it is the same object
        lines = [msgspec.structs.replace(line, admission="é") for line in page.participants]
        return ParticipantList(participants=tuple(lines), newest=page.newest)

    monkeypatch.setattr(type(gemeente.services.hub), "participants", broken)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    assert gemeente.names("refused") == []
    assert _alarms(gemeente) != []
    monkeypatch.undo()
    gemeente.world.clock.advance(minutes=10)
    await gemeente.rounds()
    assert "verzoek.xml" in gemeente.names("sent")


async def test_an_acceptance_that_the_hub_does_not_show_holds_up_no_other_message(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(self: object, index: int) -> ProvenText:
        raise RejectedMessageError(f"no entry {index} of {type(self)}", code="recipient.log.unknown")

    monkeypatch.setattr(type(raad.services.hub), "entry", unknown)
    gemeente.drop("een.xml", vto_example())
    await gemeente.rounds()
    gemeente.world.rotate(GEMEENTE)
    gemeente.restart()
    gemeente.drop("twee.xml", vto_example().replace(b"VTO-2026-0001", b"VTO-2026-0002"))
    await gemeente.rounds()
    await raad.rounds()
    received = {row["state"] for row in raad.journal.rows("SELECT state FROM received")}
    assert received == {"released", "received"}


async def test_a_message_that_the_hub_lists_and_then_denies_is_told_to_people(gemeente: Agent, raad: Agent) -> None:
    """The hub says that we received it, and we did not: without a word it would be lost to both sides."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    (stored,) = gemeente.hub.messages.values()
    await list_inbox(raad.services, wait_seconds=0)
    stored.state = "received"
    await raad.rounds()
    (row,) = raad.journal.rows("SELECT state FROM received")
    assert row["state"] == "gone"
    assert any("recipient.message.received" in text for text in _alarms(raad))


async def test_a_message_that_is_said_to_have_lapsed_before_its_time_stays_open(gemeente: Agent) -> None:
    """Whoever believed it would send the same again, while the hub hands out the first."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    (stored,) = gemeente.hub.messages.values()
    stored.state = "expired"
    await gemeente.rounds()
    assert [row["state"] for row in gemeente.journal.rows("SELECT state FROM submissions")] == ["waiting"]
    assert any("hub.message.state" in text for text in _alarms(gemeente))


async def test_a_state_that_the_receipt_contradicts_is_not_believed(gemeente: Agent, raad: Agent) -> None:
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    (stored,) = gemeente.hub.messages.values()
    assert stored.state == "received"
    stored.state = "refused"
    await gemeente.rounds()
    assert [row["state"] for row in gemeente.journal.rows("SELECT state FROM submissions")] == ["waiting"]
    assert any("hub.message.state" in text for text in _alarms(gemeente))


async def test_a_receipt_about_a_disclosure_that_is_not_in_the_log_is_an_alarm(gemeente: Agent, raad: Agent) -> None:
    """The hub shows each of the two a log of its own; what the recipient signed tells the sender of the other one."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    (stored,) = gemeente.hub.messages.values()
    assert stored.disclosure is not None
    index, _ = stored.disclosure
    texts = gemeente.world.log.texts
    texts[index] = texts[index].replace(b'"kind":"DISCLOSURE"', b'"kind":"SUBMISSION"')
    await gemeente.rounds()
    assert [row["state"] for row in gemeente.journal.rows("SELECT state FROM submissions")] == ["waiting"]
    assert any("hub.receipt.disclosure" in text for text in _alarms(gemeente))


async def test_a_message_that_is_damaged_at_the_hub_is_told_to_people_and_asked_for_again(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def damaged(self: object, request: str) -> Reply:
        assert self
        (message_id,) = parse_release(parse_jws(request, typ=TokenType.RELEASE).payload).ids
        refused = RefusedRelease(id=message_id, problem={"code": "hub.message.damaged"})
        content_type, body = encode_releases(Releases(refused=(refused,)))
        return Reply(status=200, content_type=content_type, body=body)

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    with monkeypatch.context() as patch:
        patch.setattr(type(raad.services.hub), "release", damaged)
        await raad.rounds()
    assert any("hub.message.damaged" in text for text in _alarms(raad))
    raad.world.clock.advance(minutes=10)
    await raad.rounds()
    assert [row["state"] for row in raad.journal.rows("SELECT state FROM received")] == ["received"]


async def test_a_receipt_counts_as_logged_only_by_its_own_entry(
    gemeente: Agent, raad: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that answers with another entry that is in the log has not shown that it logged what we signed."""
    log = gemeente.world.log

    async def another_entry(self: object, receipt: str) -> ProvenText:
        assert self
        assert receipt
        return ProvenText(index=0, entry=log.texts[0].decode(), tlog_proof=log.proof(0))

    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    with monkeypatch.context() as patch:
        patch.setattr(type(raad.services.hub), "receipt", another_entry)
        await raad.rounds()
    assert [row["state"] for row in raad.journal.rows("SELECT state FROM received")] == ["opened"]
    assert any("hub.record.entry" in text for text in _alarms(raad))
    raad.world.clock.advance(minutes=10)
    await raad.rounds()
    assert [row["state"] for row in raad.journal.rows("SELECT state FROM received")] == ["received"]
