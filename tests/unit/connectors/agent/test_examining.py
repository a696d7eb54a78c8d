"""What `doctor` says of a hub that is not the one that was pinned."""

from pathlib import Path

import pytest

from connectors.agent.examining import Grade, examine_hub
from connectors.sdk.answers import Definition, LogIdentity, Metadata
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, World
from tests.support.memory_hub import MemoryHub


async def test_who_a_hub_says_it_is_is_shown_without_what_a_terminal_obeys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    agent = Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")
    stranger = Metadata(
        hub="\x1b]0;\x9b2J" * 1000,
        issuer="https://hub.ketenhub.test",
        api="https://hub.ketenhub.test",
        log=LogIdentity(origin="x", vkey="x"),
        registrar={},
        definitions=Definition(digest="x", version="x"),
        versions=("1",),
    )

    async def say_who_it_is(_: object) -> Metadata:
        return stranger

    async def say_no_time(_: object) -> None:
        return None

    monkeypatch.setattr(type(agent.services.hub), "metadata", say_who_it_is)
    monkeypatch.setattr("connectors.agent.examining._date_of", say_no_time)
    findings, _ = await examine_hub(agent.services, at=world.clock.now())
    assert Grade.FAULT in {each.grade for each in findings}
    assert all(text.isprintable() and len(text) < 500 for each in findings for text in (each.nl, each.en))
