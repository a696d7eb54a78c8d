"""`rotate`: the old keys are given up only when the log has the new ones."""

from pathlib import Path

import pytest

from connectors.agent.keystore import SIGNING, make_keys
from connectors.cli.rotating import _rotate
from connectors.sdk.answers import Joined
from schemas.errors import EvidenceError
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, World
from tests.support.memory_hub import MemoryHub


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    agent = Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")
    make_keys(agent.settings.keys, randomness=world.randomness)
    return agent


def _signing(agent: Agent) -> bytes:
    return (agent.settings.keys / SIGNING).read_bytes()


async def test_a_hub_that_did_not_log_the_new_keys_does_not_make_us_give_up_the_old_ones(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers with another entry that is in the log; with the old key gone, nothing of ours would count any more."""
    log, before = gemeente.world.log, _signing(gemeente)

    async def another_entry(self: object, **posted: object) -> Joined:
        assert self
        assert posted
        return Joined(oin=GEMEENTE.value, index=0, entry=log.texts[0].decode(), tlog_proof=log.proof(0))

    with monkeypatch.context() as patch:
        patch.setattr(type(gemeente.services.hub), "join", another_entry)
        with pytest.raises(EvidenceError):
            await _rotate(gemeente.services, revoke=False)
    assert _signing(gemeente) == before
    await _rotate(gemeente.services, revoke=False)
    assert _signing(gemeente) != before
