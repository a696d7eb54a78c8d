"""What is not handed out: the recipient sees why in Dutch, its sender is told, and what was taken back is over."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.journal import Notice, NoticeKind, confirm
from connectors.agent.overview import overview
from connectors.agent.recording import today
from connectors.agent.reminding import hear_notices
from connectors.agent.watching import watch_round
from connectors.formats.stuf.examples import vto_example
from connectors.sdk.answers import Denial, HubNotice, HubWarning
from schemas.definitions import load_definitions
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.memory_hub import MemoryHub

WITHDRAWN = HubWarning(
    code="recipient.decision.consent-withdrawn",
    text="the consent was withdrawn",
    text_nl="de toestemming is ingetrokken",
)


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def gemeente(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=RAAD, home=tmp_path / "raad")


async def sent(hub: MemoryHub, gemeente: Agent) -> str:
    """Let the gemeente send a request; its id."""
    gemeente.drop("vto.xml", vto_example())
    await gemeente.rounds()
    (message_id,) = hub.messages
    return message_id


def deny(hub: MemoryHub, message_id: str) -> None:
    """Let nothing of a message go any more, and the hub tell its sender."""
    at = int(hub.world.clock.now().timestamp())
    hub.denied[message_id] = Denial(since=at, reasons=(WITHDRAWN,))
    notices = hub.notices.setdefault(GEMEENTE, [])
    notices.append(HubNotice(number=len(notices) + 1, kind="release-denied", at=at, message=message_id))


async def hear(agent: Agent) -> None:
    await hear_notices(agent.services)
    await watch_round(agent.services)


def told(agent: Agent, kind: NoticeKind) -> list[Notice]:
    return [notice for notice in agent.journal.open_notices() if notice.kind is kind]


def result(agent: Agent) -> Any:
    return json.loads((agent.home / "sent/vto.xml.result.json").read_text())["recipients"][0]


def received(agent: Agent) -> Any:
    (row,) = agent.journal.rows("SELECT * FROM received")
    return row


async def test_the_recipient_sees_the_dutch_reason_first(hub: MemoryHub, gemeente: Agent, raad: Agent) -> None:
    deny(hub, await sent(hub, gemeente))
    await raad.rounds()
    row = received(raad)
    assert (row["state"], row["trouble"]) == (
        "listed",
        "recipient.decision.denied: de toestemming is ingetrokken / the consent was withdrawn",
    )
    assert told(raad, NoticeKind.ALARM) == []


@pytest.mark.parametrize("problem", [{}, {"code": 3}, {"code": "recipient.decision.denied", "issues": "none"}])
async def test_a_refusal_of_another_form_puts_the_message_off(
    hub: MemoryHub, gemeente: Agent, raad: Agent, problem: dict[str, Any]
) -> None:
    message_id = await sent(hub, gemeente)
    hub.refused[message_id] = problem
    await raad.rounds()
    row = received(raad)
    assert (row["state"], row["attempts"]) == ("listed", 1)


async def test_what_its_sender_took_back_is_over_without_an_alarm(hub: MemoryHub, gemeente: Agent, raad: Agent) -> None:
    """Listed, and taken back before it was picked up."""
    message_id = await sent(hub, gemeente)
    await list_inbox(raad.services, wait_seconds=0)
    hub.messages[message_id].state = "recalled"
    await inbox_round(raad.services)
    row = received(raad)
    assert (row["state"], row["outcome"], row["trouble"]) == ("recalled", "recipient.message.recalled", None)
    assert raad.journal.open_notices() == ()
    calls: list[str] = []
    hub.before = calls.append
    hub.world.clock.advance(seconds=3600)
    await raad.rounds()
    assert "release" not in calls


async def test_what_was_denied_and_is_then_taken_back_is_over_too(hub: MemoryHub, gemeente: Agent, raad: Agent) -> None:
    message_id = await sent(hub, gemeente)
    deny(hub, message_id)
    await raad.rounds()
    hub.messages[message_id].state = "recalled"
    hub.world.clock.advance(seconds=3600)
    await raad.rounds()
    assert (received(raad)["state"], received(raad)["trouble"]) == ("recalled", None)


async def test_the_sender_is_told_with_the_reasons_until_somebody_confirms(hub: MemoryHub, gemeente: Agent) -> None:
    message_id = await sent(hub, gemeente)
    deny(hub, message_id)
    await hear(gemeente)
    (notice,) = told(gemeente, NoticeKind.RELEASE_DENIED)
    assert notice.about == message_id
    assert "de toestemming is ingetrokken" in notice.text_nl
    assert "the consent was withdrawn" in notice.text_en
    assert f"recall {message_id}" in notice.text_nl
    assert result(gemeente)["denied"]["reasons"] == [
        {"code": WITHDRAWN.code, "nl": WITHDRAWN.text_nl, "en": WITHDRAWN.text}
    ]
    day = today(gemeente.services)
    (line,) = overview(gemeente.journal, definitions=load_definitions(), day=day)["sent"]
    assert line["denied"] == "de toestemming is ingetrokken / the consent was withdrawn"
    with gemeente.journal.step("confirmed") as db:
        confirm(db, about=message_id, at=hub.world.clock.now())
    hub.world.clock.advance(seconds=7200)
    await hear(gemeente)
    assert told(gemeente, NoticeKind.RELEASE_DENIED) == []


async def test_a_notice_that_was_missed_is_found_by_asking_how_the_message_stands(
    hub: MemoryHub, gemeente: Agent
) -> None:
    message_id = await sent(hub, gemeente)
    deny(hub, message_id)
    hub.notices.clear()
    hub.world.clock.advance(seconds=7200)
    await watch_round(gemeente.services)
    assert [notice.about for notice in told(gemeente, NoticeKind.RELEASE_DENIED)] == [message_id]


@pytest.mark.parametrize("how", ["permitted-again", "recalled"])
async def test_what_is_denied_no_more_is_taken_back(hub: MemoryHub, gemeente: Agent, how: str) -> None:
    message_id = await sent(hub, gemeente)
    deny(hub, message_id)
    await hear(gemeente)
    hub.denied.clear()
    if how == "recalled":
        hub.messages[message_id].state = "recalled"
    hub.world.clock.advance(seconds=7200)
    await watch_round(gemeente.services)
    assert told(gemeente, NoticeKind.RELEASE_DENIED) == []
    assert result(gemeente)["denied"] is None


async def test_another_reason_is_told_anew(hub: MemoryHub, gemeente: Agent) -> None:
    message_id = await sent(hub, gemeente)
    deny(hub, message_id)
    await hear(gemeente)
    other = HubWarning(code="recipient.decision.measure-ended", text="ended", text_nl="de maatregel\x1b is voorbij")
    hub.denied[message_id] = Denial(since=2**53 - 1, reasons=(other,))
    hub.world.clock.advance(seconds=7200)
    await watch_round(gemeente.services)
    (notice,) = told(gemeente, NoticeKind.RELEASE_DENIED)
    assert "de maatregel  is voorbij" in notice.text_nl


async def test_of_a_message_that_is_not_in_the_journal_people_hear_too(hub: MemoryHub, gemeente: Agent) -> None:
    """Another installation of this organisation sent it."""
    hub.notices[GEMEENTE] = [HubNotice(number=1, kind="release-denied", at=0, message="0194-ours")]
    await hear(gemeente)
    (notice,) = told(gemeente, NoticeKind.TOLD_BY_HUB)
    assert (notice.about, "0194-ours" in notice.text_nl) == ("0194-ours", True)


@pytest.mark.parametrize("kind", ["enforcement-stopped", "enforcement-resumed"])
async def test_a_hub_that_stops_itself_is_told_in_two_languages(hub: MemoryHub, gemeente: Agent, kind: str) -> None:
    hub.notices[GEMEENTE] = [HubNotice(number=1, kind=kind, at=0, record="0194-stop")]
    await hear(gemeente)
    (notice,) = told(gemeente, NoticeKind.TOLD_BY_HUB)
    assert notice.text_nl.startswith("De hub ")
    assert notice.text_en.startswith("The hub ")
    assert kind not in notice.text_nl


async def test_what_the_hub_tells_is_shown_without_what_a_terminal_obeys(gemeente: Agent, hub: MemoryHub) -> None:
    escape = "\x1b]0;\x9b2J"
    hub.notices[GEMEENTE] = [HubNotice(number=1, kind=f"nieuw{escape}", at=0, message=f"m{escape}" * 1000)]
    await hear_notices(gemeente.services)
    (notice,) = told(gemeente, NoticeKind.TOLD_BY_HUB)
    shown = (notice.about, notice.text_nl, notice.text_en)
    assert all(text.isprintable() and len(text) < 500 for text in shown)
