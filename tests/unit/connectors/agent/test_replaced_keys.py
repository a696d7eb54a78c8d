"""Keys replaced while something is under way: what was signed and did not arrive is signed again."""

from pathlib import Path

import pytest

from connectors.agent.disk import make_private_folder, write_private_file
from connectors.agent.keystore import SEALING, SIGNING, keep_chain_key
from connectors.formats.stuf.examples import vto_example
from schemas.errors import UnavailableError
from schemas.pseudonyms import ChainKey
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


def _away(name: str) -> None:
    if name == "receipt":
        raise UnavailableError("not now")


@pytest.mark.parametrize("taken", [False, True])
async def test_a_receipt_that_waited_while_the_key_was_replaced_reaches_its_sender(
    gemeente: Agent, raad: Agent, *, taken: bool
) -> None:
    """The hub was away, before it took the receipt or after; then the recipient replaced its keys."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    if taken:
        gemeente.hub.after = _away
    else:
        gemeente.hub.before = _away
    await raad.rounds()
    gemeente.hub.before = gemeente.hub.after = lambda _: None
    raad.world.rotate(RAAD)
    raad.restart()
    raad.world.clock.advance(minutes=10)
    await raad.rounds()
    await gemeente.rounds()
    assert [row["state"] for row in raad.journal.rows("SELECT state FROM received")] == ["received"]
    assert [row["state"] for row in gemeente.journal.rows("SELECT state FROM submissions")] == ["received"]
    assert gemeente.hub.kinds().count("RECEIPT") == 1


async def test_a_chain_key_that_was_taken_beside_the_agent_is_used_at_once(gemeente: Agent) -> None:
    """After a leak the key of before makes no pseudonym any more, without anybody starting the agent anew."""
    organisation = gemeente.world.organisations[GEMEENTE]
    keys = gemeente.settings.keys
    make_private_folder(keys)
    write_private_file(keys / SIGNING, organisation.signing.to_pem())
    write_private_file(keys / SEALING, organisation.sealing.to_seed())
    newer = gemeente.world.chain.epoch + 1
    keep_chain_key(keys, gemeente.world.chain)
    keep_chain_key(keys, ChainKey.generate(epoch=newer, randomness=gemeente.world.randomness))
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    assert len(gemeente.hub.messages) == 1
    made_with = gemeente.services.keys.newest_chain
    assert made_with is not None
    assert made_with.epoch == newer
