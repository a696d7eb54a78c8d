"""A canary's connector at a real hub: it proves that the hub refuses, and stops it when the hub does not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.canaries import KINDS
from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from hub.enforcement import Proof, judge
from schemas.clock import SystemClock
from schemas.identifiers import OIN
from tests.support.hub_board import force
from tests.support.hub_server import RunningHub, running_hub
from tests.support.offices import Chain, Office

CANARY = OIN("00000099000000009000")

pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
async def chain(hub: RunningHub, tmp_path: Path) -> Chain:
    return await Chain.opened(hub, tmp_path)


async def once(canary: Office, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    """Send each kind once: the exit code, and what came of each."""
    capsys.readouterr()
    code = await canary.command("canary", "once", "--json")
    done: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, {each["kind"]: each["verdict"] for each in done["outcomes"]}


def loose_catalogue() -> Catalogue:
    """A question of a GI goes without the measure that it needs."""
    text = packaged_catalogue().data.decode()
    start = text.index('code = "GI-OTS-VRAAG"')
    loose = text[start:].replace('ties = ["measure"]', "ties = []", 2).replace("spoed_hours = 72\n", "", 2)
    return load_catalogue((text[:start] + loose).encode())


async def test_every_kind_is_refused_by_a_hub_at_work_and_proves_it(
    hub: RunningHub, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = await chain.canary(CANARY)
    code, outcomes = await once(canary, capsys)
    assert (code, set(outcomes), set(outcomes.values())) == (0, {kind.name for kind in KINDS}, {"refused"})
    world = await hub.web.services.worlds.refresh()
    proof = judge(world.enforcement, participants=world.directory, at=SystemClock().now(), silence_seconds=60)
    assert proof is Proof.PROVED
    proved = {each.reason for each in world.enforcement.proved}
    assert proved == {reason.value for kind in KINDS for reason in kind.reasons}
    assert await canary.command("canary", "status") == 0
    assert (await canary.told("status"))["notices"] == []
    assert await canary.command("doctor") == 0
    assert "kanarie" in capsys.readouterr().out


async def test_nobody_else_sends_canaries_and_a_canary_sends_nothing_else(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await chain.gemeente.command("canary", "once") == 1
    assert "niet als kanarie toegelaten" in capsys.readouterr().err
    canary = await chain.canary(CANARY)
    assert await chain.gemeente.command("chain-key", "hand-over", CANARY.value) == 1
    assert "een kanarie" in capsys.readouterr().err
    assert await canary.command("canary", "run", "--every", "1") == 1
    assert "ten minste 15 seconden" in capsys.readouterr().err


async def test_a_catalogue_that_permits_too_much_stops_the_hub_at_the_next_round_of_the_canary(
    hub: RunningHub, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question of a GI goes without the measure that it needs: nobody who exchanges messages would notice."""
    canary = await chain.canary(CANARY)
    assert (await once(canary, capsys))[0] == 0
    await force(loose_catalogue(), services=hub.web.services)
    code, outcomes = await once(canary, capsys)
    assert code == 3
    assert {kind for kind, verdict in outcomes.items() if verdict == "accepted"} == {"maatregel-ontbreekt"}
    assert {verdict for kind, verdict in outcomes.items() if kind != "maatregel-ontbreekt"} == {"refused"}
    stop = (await hub.web.services.store.enforcement()).stop
    assert stop is not None
    assert stop.canary == CANARY
    (alarm,) = (await canary.told("status"))["notices"]
    assert alarm["kind"] == "alarm"
    assert (await once(canary, capsys))[0] == 3
    lacking = (await hub.web.services.store.enforcement()).unproved_since_stop()
    assert lacking == ("measure-missing",)


async def test_a_hub_that_was_never_right_is_resumed_when_what_passed_is_refused(
    hub: RunningHub, chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its canary was never refused for the reason that lacks; all the others are refused, at the stop and after it."""
    canary = await chain.canary(CANARY)
    await force(loose_catalogue(), services=hub.web.services)
    store = hub.web.services.store
    for _ in range(2):
        assert (await once(canary, capsys))[0] == 3
        known = await store.enforcement()
        assert [(each.canary, each.purpose) for each in known.passed] == [(CANARY, "GI-OTS-VRAAG")]
        assert not known.proved_since_stop
    assert (await store.enforcement()).unproved_since_stop() == ()
    await force(packaged_catalogue(), services=hub.web.services)
    assert set((await once(canary, capsys))[1].values()) == {"refused"}
    known = await store.enforcement()
    assert known.stop is not None
    assert (known.passed, known.proved_since_stop) == ((), True)
