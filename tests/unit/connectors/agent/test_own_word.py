"""What we recorded about somebody counts when we decide, whatever the hub finds."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.codes import AgeBand, Capacity
from schemas.consents import ConsentStatus
from schemas.errors import UnavailableError
from schemas.identifiers import MessageId
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, World
from tests.support.example_messages import document_between
from tests.support.law_records import PARENT_YES, SELF_YES
from tests.support.memory_hub import MemoryHub
from tests.unit.connectors.agent.test_lawful_flows import CHILD, give_consent, read, state_measure


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def gemeente(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def gi(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GI, home=tmp_path / "gi", settings_changes={"capacity": Capacity.OTS})


def unreachable(_: str) -> None:
    raise UnavailableError("away", code="hub.unreachable")


@pytest.mark.parametrize("left_out", ["withdrawal", "withdrawal and what it replaces", "not posted yet"])
async def test_what_we_took_back_lets_nothing_go_where_the_hub_finds_an_older_yes(
    hub: MemoryHub, gemeente: Agent, left_out: str
) -> None:
    """The hub would let it go: it lies, has lost it, or does not have it yet."""
    said: dict[str, Any] = {"age": AgeBand.FROM_12, "givers": (SELF_YES, PARENT_YES, PARENT_YES)}
    given = await give_consent(gemeente, CHILD, **said)
    again = await give_consent(gemeente, CHILD, **said, replaces=given)
    if left_out == "not posted yet":
        hub.before = unreachable
        with pytest.raises(UnavailableError):
            await give_consent(gemeente, CHILD, **said, status=ConsentStatus.WITHDRAWN, replaces=again)
        hub.before = lambda call: unreachable(call) if call == "record" else None
    else:
        await give_consent(gemeente, CHILD, **said, status=ConsentStatus.WITHDRAWN, replaces=again)
        kept = 2 if left_out == "withdrawal" else 1
        hub.alter_found = lambda found: msgspec.structs.replace(found, records=found.records[:kept])
    case = document_between(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="VRIJW", receiver_capacity=Capacity.PREVENTIEF
    )
    gemeente.drop_document("casus.json", case)
    await gemeente.rounds()
    problem = read(gemeente, "refused/casus.json.problem.json")
    assert "sender.decision.consent-withdrawn" in {each["code"] for each in problem["issues"]}
    assert hub.messages == {}


async def test_a_measure_that_we_annulled_lets_nothing_go_where_the_hub_leaves_that_out(
    hub: MemoryHub, gi: Agent
) -> None:
    await state_measure(gi)
    (first,) = hub.records
    await state_measure(gi, annulled=True, replaces=MessageId(first.id))
    hub.alter_found = lambda found: msgspec.structs.replace(found, records=found.records[:1])
    question = document_between(
        "informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG", capacity=Capacity.OTS
    )
    gi.drop_document("vraag.json", question)
    await gi.rounds()
    problem = read(gi, "refused/vraag.json.problem.json")
    assert "sender.decision.measure-missing" in {each["code"] for each in problem["issues"]}
    assert hub.messages == {}
