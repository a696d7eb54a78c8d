"""Connectors at a real hub follow the board's catalogue, and nobody else's: not the hub's own."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.watching import watch_log
from connectors.cli.opening import opened
from connectors.formats.stuf.examples import Header, vto_example
from consent.grounds import Catalogue, load_catalogue
from tests.support.catalogue_files import PACKAGED
from tests.support.hub_board import force
from tests.support.hub_server import RunningHub, bring_into_force, running_hub
from tests.support.offices import Chain, Office

pytestmark = pytest.mark.database


def versioned(version: str, *, without: str = "") -> Catalogue:
    """The packaged catalogue under another version, perhaps without one ground."""
    text = PACKAGED.data.decode().replace('version = "2026-1"', f'version = "{version}"', 1)
    head, *rows = text.split("[[ground]]")
    kept = [row for row in rows if not without or f'code = "{without}"\n' not in row]
    return load_catalogue("[[ground]]".join((head, *kept)).encode())


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as running:
        yield running


async def look(office: Office) -> str:
    """Let a connector read the log; returns the version of the catalogue that it decides by."""
    async with opened(office.home) as services:
        await watch_log(services)
        return services.policy.catalogue.version


async def told(office: Office) -> dict[str, Any]:
    """What people are told about the catalogue, by kind."""
    notices = (await office.told("status"))["notices"]
    return {each["kind"]: each["nl"] for each in notices if each["about"] == "catalogue"}


async def doctor(office: Office) -> str:
    """What the connector finds about itself."""
    said = io.StringIO()
    with redirect_stdout(said):
        await office.command("doctor")
    return said.getvalue()


async def test_what_the_board_brings_into_force_is_followed(hub: RunningHub, tmp_path: Path) -> None:
    """The sender by its message, who sends nothing by the log; and the message before it is opened by both."""
    chain = await Chain.opened(hub, tmp_path)
    assert [await look(each) for each in (chain.gemeente, chain.raad, chain.gi)] == ["2026-1"] * 3
    assert await told(chain.gi) == {}
    before = await chain.gemeente.send(vto_example())
    await bring_into_force(hub, versioned("2026-2"))
    after = await chain.gemeente.send(vto_example(header=Header(reference="TWEEDE-1")), "tweede")
    assert "Catalogus 2026-2 geldt" in (await told(chain.gemeente))["catalogue"]
    assert await look(chain.gi) == "2026-2"
    await chain.raad.round()
    assert chain.raad.received(before) is not None
    assert chain.raad.received(after) is not None
    assert "Catalogus 2026-2 geldt: bestuur " in await doctor(chain.gi)


async def test_what_the_hub_brings_into_force_alone_is_not_followed(hub: RunningHub, tmp_path: Path) -> None:
    """People are told; what both catalogues permit goes on, and its evidence names the one that decided."""
    chain = await Chain.opened(hub, tmp_path)
    forced = versioned("2026-9")
    await force(forced, services=hub.web.services)
    message = await chain.gemeente.send(vto_example())
    assert chain.gemeente.result("bericht.xml")["catalogue"] == "2026-9"
    assert await look(chain.gi) == "2026-1"
    for each in (chain.gemeente, chain.gi):
        alarm = (await told(each))["alarm"]
        assert "zonder dat het bestuur van de catalogus eraan te pas kwam" in alarm
        assert "Deze connector beslist verder met catalogus 2026-1" in alarm
        assert "De hub beslist met een catalogus die deze connector niet volgt" in await doctor(each)
    await chain.raad.round()
    assert chain.raad.received(message) is not None
    evidence = json.loads((chain.raad.home / "in" / f"{message.value}.evidence.json").read_bytes())
    assert json.loads(evidence["entry"])["catalogue"] == forced.digest
    assert "alarm" in await told(chain.raad)


async def test_what_the_board_took_away_comes_back_by_nobody_else(hub: RunningHub, tmp_path: Path) -> None:
    """The board ends the ground of the request; a hub that puts it back alone gets it neither sent nor handed over."""
    chain = await Chain.opened(hub, tmp_path)
    message = await chain.gemeente.send(vto_example())
    await bring_into_force(hub, versioned("2026-2", without="VTO"))
    assert [await look(each) for each in (chain.gemeente, chain.raad)] == ["2026-2"] * 2
    await force(PACKAGED, services=hub.web.services)
    await chain.gemeente.refused(vto_example(header=Header(reference="TWEEDE-1")), "tweede")
    await chain.raad.round()
    assert chain.raad.received(message) is None
    notices = (await chain.raad.told("status"))["notices"]
    (held,) = [each["nl"] for each in notices if each["about"] == message.value]
    assert "volgens onze catalogus mag dit nooit" in held
    await bring_into_force(hub, versioned("2026-3"))
    assert await look(chain.raad) == "2026-3"
    async with opened(chain.raad.home) as services:
        with services.journal.step("some time passed") as db:
            db.execute("UPDATE received SET next_at = 0")
    await chain.raad.round()
    assert chain.raad.received(message) is not None
