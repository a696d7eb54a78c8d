"""What does not come to its recipient is shown to people until one of them acts, or it comes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.journal import NoticeKind, confirm
from connectors.agent.troubles import TELL_SECONDS
from schemas.codes import Capacity, SpoedReason
from schemas.errors import DocumentError, UnavailableError
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, World
from tests.support.example_messages import document_between
from tests.support.memory_hub import MemoryHub
from tests.unit.connectors.agent.test_lawful_flows import state_measure


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def gi(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GI, home=tmp_path / "gi", settings_changes={"capacity": Capacity.OTS})


@pytest.mark.parametrize("by_the_hub", [True, False], ids=["by the hub", "by our own decision"])
async def test_an_emergency_that_is_refused_is_shown_to_people_until_one_of_them_acts(
    hub: MemoryHub, gi: Agent, *, by_the_hub: bool
) -> None:
    """A file in a folder is not enough where a child may be in danger."""

    def refuse(call: str) -> None:
        if call == "submit":
            raise DocumentError("denied", code="sender.decision.denied")

    if by_the_hub:
        hub.before = refuse
    purpose = "GI-OTS-VRAAG" if by_the_hub else "RVDK-INFO"
    change: dict[str, Any] = {"purpose": purpose, "capacity": Capacity.OTS, "spoed": SpoedReason.ACUTE_DANGER}
    gi.drop_document("spoed.json", document_between("informatieverzoek", sender=GI, receiver=GEMEENTE, **change))
    for _ in range(2):
        await gi.rounds()
        (told,) = gi.journal.open_notices()
        assert (told.kind, told.about) == (NoticeKind.EMERGENCY_REFUSED, "spoed.json")
        assert "sender." in told.text_nl
    with gi.journal.step("confirmed") as db:
        assert confirm(db, about="spoed.json", at=gi.world.clock.now()) == 1
    await gi.rounds()
    assert gi.journal.open_notices() == ()


async def test_that_a_stopped_hub_takes_nothing_is_told_to_people_after_a_while(hub: MemoryHub, gi: Agent) -> None:
    """It answers, so nothing else looks wrong; and a child may wait for this."""

    def refuse(call: str) -> None:
        if call == "submit":
            raise UnavailableError("stopped", code="hub.enforcement.stopped")

    hub.before = refuse
    await state_measure(gi)
    gi.drop_document(
        "vraag.json", document_between("informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG")
    )
    await gi.rounds()
    assert gi.journal.open_notices() == ()
    for _ in range(2):
        gi.world.clock.advance(seconds=TELL_SECONDS)
        await gi.rounds()
        (told,) = gi.journal.open_notices()
        assert (told.kind, told.about) == (NoticeKind.BLOCKED, "vraag.json")
        assert "hub.enforcement.stopped" in told.text_nl
    hub.before = lambda _: None
    gi.world.clock.advance(seconds=TELL_SECONDS)
    await gi.rounds()
    assert len(hub.messages) == 1
    assert gi.journal.open_notices() == ()


@pytest.mark.parametrize("same", [True, False], ids=["the same", "another under its number"])
async def test_what_came_twice_while_it_waited_leaves_no_notice_behind(
    hub: MemoryHub, gi: Agent, *, same: bool
) -> None:
    """The second is at the recipient by the first, or refused: nobody has to call about it."""

    def refuse(call: str) -> None:
        if call == "search":
            raise UnavailableError("not now", code="hub.unreachable")

    await state_measure(gi)
    hub.before = refuse
    question = document_between("informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG")
    gi.drop_document("een.json", question)
    gi.drop_document("twee.json", question if same else replace(question, case_reference="ander"))
    await gi.rounds()
    gi.world.clock.advance(seconds=TELL_SECONDS)
    await gi.rounds()
    assert {each.about for each in gi.journal.open_notices()} == {"een.json", "twee.json"}
    hub.before = lambda _: None
    for _ in range(2):
        gi.world.clock.advance(seconds=TELL_SECONDS)
        await gi.rounds()
    assert len(hub.messages) == 1
    assert gi.journal.open_notices() == ()
