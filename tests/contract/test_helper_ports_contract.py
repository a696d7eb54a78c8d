"""One suite for the ports that help and are never the authority; every driver runs it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from hub.ports import RateLimits, ReplayGuard, WakeUps
from hub.storage.local import LocalRateLimits, LocalReplayGuard, LocalWakeUps
from hub.storage.redis import RedisRateLimits, RedisReplayGuard, RedisWakeUps, connect_redis
from tests.support.parties import GEMEENTE, RAAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpers:
    """The three ports by one driver."""

    wake_ups: WakeUps
    rate_limits: RateLimits
    replay_guard: ReplayGuard


@pytest.fixture(params=["local", "redis"])
async def helpers(request: pytest.FixtureRequest) -> AsyncIterator[Helpers]:
    async with AsyncExitStack() as stack:
        if request.param == "local":
            yield Helpers(wake_ups=LocalWakeUps(), rate_limits=LocalRateLimits(), replay_guard=LocalReplayGuard())
            return
        url = request.getfixturevalue("valkey_url")
        server = await stack.enter_async_context(connect_redis(url, password=None, timeout_seconds=1.0))
        wake_ups = RedisWakeUps(server)
        await stack.enter_async_context(wake_ups.running())
        yield Helpers(wake_ups=wake_ups, rate_limits=RedisRateLimits(server), replay_guard=RedisReplayGuard(server))


async def test_who_waits_is_woken(helpers: Helpers) -> None:
    waiting = [asyncio.create_task(helpers.wake_ups.wait(RAAD, seconds=20)) for _ in range(3)]
    other = asyncio.create_task(helpers.wake_ups.wait(GEMEENTE, seconds=20))
    await asyncio.sleep(0.05)
    await helpers.wake_ups.wake(RAAD)
    await asyncio.wait_for(asyncio.gather(*waiting), timeout=5)
    assert not other.done()
    other.cancel()


async def test_who_is_not_woken_goes_on_after_its_time(helpers: Helpers) -> None:
    started = time.monotonic()
    await helpers.wake_ups.wait(RAAD, seconds=0.2)
    assert 0.15 < time.monotonic() - started < 3


async def test_who_gives_up_waiting_leaves_nothing_behind(helpers: Helpers) -> None:
    waiting = asyncio.create_task(helpers.wake_ups.wait(RAAD, seconds=20))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await helpers.wake_ups.wake(RAAD)
    await asyncio.wait_for(helpers.wake_ups.wait(RAAD, seconds=0.1), timeout=3)


async def test_a_key_is_permitted_so_often_in_a_minute(helpers: Helpers) -> None:
    if 60 - time.time() % 60 < 5:
        await asyncio.sleep(6)
    permitted = [await helpers.rate_limits.permit("token:a", per_minute=3) for _ in range(5)]
    assert permitted == [True, True, True, False, False]
    assert await helpers.rate_limits.permit("token:b", per_minute=3)


async def test_an_identifier_is_new_once(helpers: Helpers) -> None:
    assert [await helpers.replay_guard.first_use("x", seconds=30) for _ in range(2)] == [True, False]
    assert await helpers.replay_guard.first_use("y", seconds=30)


async def test_an_identifier_is_new_again_after_its_time(helpers: Helpers) -> None:
    assert await helpers.replay_guard.first_use("z", seconds=1)
    await asyncio.sleep(1.2)
    assert await helpers.replay_guard.first_use("z", seconds=1)


async def test_of_many_at_once_one_is_the_first(helpers: Helpers) -> None:
    answers = await asyncio.gather(*(helpers.replay_guard.first_use("w", seconds=30) for _ in range(20)))
    assert answers.count(True) == 1


async def test_one_proof_of_many_at_once_is_the_first(helpers: Helpers) -> None:
    """More ask at once than a driver has connections: that must not look like a server that is gone."""
    uses = await asyncio.gather(*(helpers.replay_guard.first_use("the same", seconds=60) for _ in range(300)))
    assert uses.count(True) == 1
