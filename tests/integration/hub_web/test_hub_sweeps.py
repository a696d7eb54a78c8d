"""What nobody collected in time goes, with an entry that says so; the world of participants is read anew by itself."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.entries import parse_entry
from hub.storage.postgresql.migrate import migrate
from hub.sweeps import sweep
from schemas.clock import FrozenClock, SystemClock
from schemas.codes import EntryKind, Role
from schemas.errors import UnavailableError
from tests.support.hub_server import (
    HubParticipant,
    RunningHub,
    participants_of,
    running_hub,
    write_hub_files,
)
from tests.support.parties import GEMEENTE, RAAD

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as made:
        yield made


async def test_what_is_past_its_time_expires_once_however_many_sweep(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    gemeente, raad = parties
    composed = await gemeente.compose(raad)
    accepted = (await gemeente.submit(composed)).json
    later = SystemClock().now() + timedelta(days=31)
    swept = await asyncio.gather(*(sweep(at=later, services=hub.web.services) for _ in range(3)))
    assert sum(expired for expired, _ in swept) == 1
    texts = await hub.web.services.log.entries(start=accepted["index"] + 1, count=10)
    assert [parse_entry(text.encode()).kind for text in texts] == [EntryKind.EXPIRY]
    state = (await gemeente.get(f"/v1/messages/{composed.message.id.value}")).json
    assert (state["state"], state["receipt"]) == ("expired", None)
    refused = (await raad.release(composed.message.id)).refused
    assert [each.problem["code"] for each in refused] == ["recipient.message.expired"]
    assert (await raad.get("/v1/inbox")).json["items"] == []


async def test_what_is_in_time_stays(hub: RunningHub, parties: list[HubParticipant]) -> None:
    composed = await parties[0].compose(parties[1])
    await parties[0].submit(composed)
    assert (await sweep(at=SystemClock().now() + timedelta(days=29), services=hub.web.services))[0] == 0
    assert len((await parties[1].release(composed.message.id)).releases) == 1


async def test_a_client_assertion_is_forgotten_after_its_time(hub: RunningHub, parties: list[HubParticipant]) -> None:
    assert len(parties) == 2
    _, forgotten = await sweep(at=SystemClock().now() + timedelta(minutes=10), services=hub.web.services)
    assert forgotten == len(parties), "one for each token that was asked for"


async def test_a_world_that_is_old_is_read_anew_by_itself(tmp_path: Path, database_url: str) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url) as one,
        running_hub(tmp_path, database_url=database_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE)),
    ):
        deadline = time.monotonic() + 5
        while two.web.services.worlds.current().directory.participant(GEMEENTE) is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def test_the_command_serves_until_it_is_told_to_stop(
    tmp_path: Path, empty_database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    migrate(empty_database_url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = write_hub_files(tmp_path, url=url, database_url=empty_database_url, redis_url="")
    command = [sys.executable, "-m", "hub.cli.main", "serve", "--settings", str(settings), "--port", str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ})
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(url + "/healthz", timeout=2) as answer:  # noqa: S310 - the hub we started
                    assert answer.status == 200
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)
    said = capfd.readouterr().err
    assert code == 0
    assert '"event":"process.started"' in said
    assert '"event":"process.stopped"' in said


def test_a_database_that_is_not_migrated_is_said_in_one_line(tmp_path: Path, empty_database_url: str) -> None:
    settings = write_hub_files(tmp_path, url="http://127.0.0.1:1", database_url=empty_database_url, redis_url="")
    command = [sys.executable, "-m", "hub.cli.main", "serve", "--settings", str(settings), "--port", "0"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "ketenhub migrate" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_restored_database_stops_the_hub(tmp_path: Path, database_url: str) -> None:
    import psycopg

    async with (
        running_hub(tmp_path, database_url=database_url) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE)),
    ):
        path = tmp_path / f"hub-{hub.url.rpartition(':')[2]}.toml"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE log_tree SET size = size - 1")
    command = [sys.executable, "-m", "hub.cli.main", "serve", "--settings", str(path), "--port", "0"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


async def test_nothing_expires_by_a_clock_that_the_database_contradicts(tmp_path: Path, database_url: str) -> None:
    """A machine that was asleep, or lost its NTP, comes back a month ahead."""
    clock = FrozenClock(SystemClock().now())
    async with (
        running_hub(tmp_path, database_url=database_url, clock=clock) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        waiting, other = await gemeente.compose(raad), await gemeente.compose(raad)
        assert (await gemeente.submit(waiting)).status == 202
        clock.advance(minutes=2)
        gemeente.access_token = ""  # a small message needs none, and none is good by this clock
        refused = await gemeente.submit(other)
        assert (refused.status, refused.json["code"]) == (503, "hub.clock")
        assert refused.json["issues"][0]["text_nl"].startswith("de klokken")
        clock.advance(days=31)
        with pytest.raises(UnavailableError, match="clocks"):
            await sweep(at=clock.now(), services=hub.web.services)
        ready = await gemeente.get("/readyz")
        assert (ready.status, ready.json["clock"], ready.json["database"]) == (503, "wrong", "up")
        assert b"ketenhub_clock_difference_seconds 2.67" in (await gemeente.get("/metrics")).body
        clock.advance(days=-31, minutes=-2)
        assert (await gemeente.submit(other)).status == 202
        assert (await gemeente.get("/readyz")).json["clock"] == "right"
        released = await raad.release(waiting.message.id)
        assert [each.id for each in released.releases] == [waiting.message.id]
