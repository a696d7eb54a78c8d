"""A Redis server that is not there, dies, or hangs: nobody raises, nobody waits long, and it comes back."""

import asyncio
import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.valkey import start_valkey
from hub.logs import set_up, tear_down
from hub.storage import redis as driver
from hub.storage.redis import RedisRateLimits, RedisReplayGuard, RedisWakeUps, connect_redis
from tests.support.parties import RAAD


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    set_up(stream=stream)
    yield stream
    tear_down()


async def test_a_server_that_is_not_there_permits_everything(tmp_path: Path, log_lines: io.StringIO) -> None:
    async with connect_redis(f"unix://{tmp_path}/none", password=None, timeout_seconds=0.2) as server:
        limits, guard = RedisRateLimits(server), RedisReplayGuard(server)
        assert [await limits.permit("a", per_minute=1) for _ in range(3)] == [True] * 3
        assert [await guard.first_use("a", seconds=9) for _ in range(3)] == [True] * 3
        assert not await server.answers()
    events = [json.loads(line)["event"] for line in log_lines.getvalue().splitlines()]
    assert events == ["redis.lost"], "it is said once"


async def test_a_server_that_hangs_costs_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}"
        async with connect_redis(url, password=None, timeout_seconds=0.2) as server:
            guard = RedisReplayGuard(server)
            started = time.monotonic()
            for _ in range(50):
                assert await guard.first_use("a", seconds=9)
            assert time.monotonic() - started < 1.0


async def test_a_server_that_comes_back_is_used_again(
    tmp_path: Path, log_lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_SECONDS", 0.1)
    first = start_valkey(tmp_path / "valkey")
    async with connect_redis(first.url(), password=None, timeout_seconds=0.5) as server:
        wake_ups, guard = RedisWakeUps(server), RedisReplayGuard(server)
        async with wake_ups.running():
            assert await guard.first_use("a", seconds=60)
            first.kill()
            assert await guard.first_use("b", seconds=60)
            # This process still wakes its own.
            waiting = asyncio.create_task(wake_ups.wait(RAAD, seconds=20))
            await asyncio.sleep(0)
            await wake_ups.wake(RAAD)
            await asyncio.wait_for(waiting, timeout=2)
            with start_valkey(tmp_path / "valkey") as second:
                assert second.url() == first.url()
                deadline = time.monotonic() + 10
                while not await server.answers():
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.1)
                await guard.first_use("c", seconds=60)
                assert not await guard.first_use("c", seconds=60)
    events = [json.loads(line)["event"] for line in log_lines.getvalue().splitlines()]
    assert events[-1] == "redis.found"


async def test_one_process_wakes_another_through_the_server(valkey_url: str) -> None:
    async with (
        connect_redis(valkey_url, password=None, timeout_seconds=1) as one,
        connect_redis(valkey_url, password=None, timeout_seconds=1) as two,
    ):
        waker, sleeper = RedisWakeUps(one), RedisWakeUps(two)
        async with waker.running(), sleeper.running():
            waiting = asyncio.create_task(sleeper.wait(RAAD, seconds=20))
            await asyncio.sleep(0.3)
            await waker.wake(RAAD)
            await asyncio.wait_for(waiting, timeout=3)


async def test_nothing_in_the_server_is_a_message_or_a_person(valkey_url: str) -> None:
    import redis as client

    async with connect_redis(valkey_url, password=None, timeout_seconds=1) as server:
        await RedisRateLimits(server).permit("token:0123456789abcdef", per_minute=5)
        await RedisReplayGuard(server).first_use("AAAAAAAAAAAAAAAAAAAAAA", seconds=60)
    with client.Redis.from_url(valkey_url) as looking:
        keys = sorted(key.decode() for key in looking.scan_iter())
        assert [key.rsplit(":", 1)[0] for key in keys] == [
            "ketenhub:limit:token:0123456789abcdef",
            "ketenhub:proof",
        ]
        assert all(0 < looking.ttl(key) <= 120 for key in keys)
