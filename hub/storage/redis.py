"""Wake-ups, rate limits and the replay guard on a Redis or Valkey server. None of them is ever the authority.

With the server gone every promise of the hub still holds: a long poll looks into the database at its end, a limit
permits, the replay guard takes a proof for new. So no method here raises, none waits longer than the timeout, and
after a failure the server is left alone for a moment, so that a dead server costs one timeout and not one for each
request. What stands in the server: OINs, counters under digests, digests of DPoP proofs; nothing about a person.

    async with connect_redis(url, password=None, timeout_seconds=0.25) as server:
        wake_ups = RedisWakeUps(server)
        async with wake_ups.running():
            await wake_ups.wait(recipient, seconds=30)
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hub.logs import Event, record
from hub.storage.local import Waiters
from schemas.identifiers import OIN

_T = TypeVar("_T")

PREFIX: Final = "ketenhub"
CHANNEL: Final = f"{PREFIX}:wake"
PAUSE_SECONDS: Final = 1.0
"""How long a server that failed is left alone."""

LISTEN_SECONDS: Final = 5.0
GATHER_SECONDS: Final = 0.02
"""For how long wake-ups for other processes gather after a publication: publishing each costs a tenth of a message."""
CONNECTIONS_MAX: Final = 32
_GONE: Final = (RedisError, OSError, TimeoutError)


@dataclass(slots=True)
class RedisServer:
    """A server that may be gone: asks it, or says what to answer without it."""

    client: Redis
    timeout_seconds: float
    _paused_until: float = field(default=0.0, init=False)
    _lost: bool = field(default=False, init=False)

    async def ask(self, question: Callable[[Redis], Awaitable[_T]], *, otherwise: _T) -> _T:
        """Ask the server; if it is gone, or was a moment ago, answer `otherwise`."""
        if time.monotonic() < self._paused_until:
            return otherwise
        try:
            async with asyncio.timeout(self.timeout_seconds):
                answer = await question(self.client)
        except _GONE as error:
            self.lost(error)
            return otherwise
        self.found()
        return answer

    def lost(self, error: BaseException) -> None:
        """Note that the server failed; said once until it is back."""
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        if not self._lost:
            self._lost = True
            record(Event.REDIS_LOST, level=logging.WARNING, error=type(error).__name__)

    def found(self) -> None:
        """Note that the server answered."""
        if self._lost:
            self._lost = False
            record(Event.REDIS_FOUND)

    async def answers(self) -> bool:
        """Whether the server answers now; for the readiness page."""
        return await self.ask(_ping, otherwise=False)


async def _ping(client: Redis) -> bool:
    await client.echo(b"")
    return True


@contextlib.asynccontextmanager
async def connect_redis(url: str, *, password: str | None, timeout_seconds: float) -> AsyncIterator[RedisServer]:
    """Make a client for a server; it connects when it is first asked.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        password: The server's password, if it has one.
        timeout_seconds: How long one call may take.
    """
    # Who finds every connection in use waits for one: a pool that refuses would look like a server that is gone.
    pool = BlockingConnectionPool.from_url(
        url,
        socket_timeout=LISTEN_SECONDS * 2,
        socket_connect_timeout=timeout_seconds,
        max_connections=CONNECTIONS_MAX,
        timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    if password is not None:
        pool.connection_kwargs["password"] = password
    client = Redis.from_pool(pool)
    try:
        yield RedisServer(client=client, timeout_seconds=timeout_seconds)
    finally:
        await client.aclose()


@dataclass(slots=True)
class RedisWakeUps:
    """`hub.ports.WakeUps` over one channel; waiters of this process are woken at once, those of others by the server.

    Waking is a mark and a task that publishes what is marked: a hundred messages for one recipient in one moment are
    one publication, and the request that wakes never waits for the server. The first mark is published at once, those
    that follow it closely together.
    """

    server: RedisServer
    _waiters: Waiters = field(default_factory=Waiters, init=False)
    _marked: set[str] = field(default_factory=set, init=False)
    _mark: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _ending: bool = field(default=False, init=False)

    async def wake(self, recipient: OIN) -> None:
        """Wake those who wait for this recipient; never raises."""
        self._waiters.wake(recipient.value)
        self._marked.add(recipient.value)
        self._mark.set()

    async def wait(self, recipient: OIN, *, seconds: float) -> None:
        """Return when woken, after `seconds`, or earlier for no reason; never raises."""
        await self._waiters.wait(recipient.value, seconds=seconds)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Publish and listen as long as the block runs."""
        tasks = [asyncio.create_task(self._publish()), asyncio.create_task(self._listen())]
        try:
            yield
        finally:
            # The client can swallow a cancellation that comes while it connects; then the loop ends by the mark.
            self._ending = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish(self) -> None:
        while not self._ending:
            await self._mark.wait()
            self._mark.clear()
            marked, self._marked = self._marked, set()

            async def publish(client: Redis, marked: set[str] = marked) -> None:
                async with client.pipeline(transaction=False) as pipeline:
                    for recipient in marked:
                        pipeline.publish(CHANNEL, recipient)
                    await pipeline.execute()

            await self.server.ask(publish, otherwise=None)
            await asyncio.sleep(GATHER_SECONDS)

    async def _listen(self) -> None:
        while not self._ending:
            try:
                async with self.server.client.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    while not self._ending:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=LISTEN_SECONDS)
                        if message is not None:
                            self._waiters.wake(message["data"].decode("ascii", "replace"))
            except _GONE as error:
                self.server.lost(error)
                await asyncio.sleep(PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class RedisRateLimits:
    """`hub.ports.RateLimits`: one counter for each key and minute, shared by all processes."""

    server: RedisServer
    clock: Callable[[], float] = time.time

    async def permit(self, key: str, *, per_minute: int) -> bool:
        """Return whether one more is permitted in this minute; never raises. `key` holds no personal data."""
        name = f"{PREFIX}:limit:{key}:{int(self.clock() // 60)}"

        async def count(client: Redis) -> int:
            async with client.pipeline(transaction=False) as pipeline:
                pipeline.incr(name)
                pipeline.expire(name, 120)
                counted, _ = await pipeline.execute()
            return int(counted)

        return await self.server.ask(count, otherwise=0) <= per_minute


@dataclass(frozen=True, slots=True)
class RedisReplayGuard:
    """`hub.ports.ReplayGuard`: an identifier stands for its seconds under a key of its own."""

    server: RedisServer

    async def first_use(self, identifier: str, *, seconds: int) -> bool:
        """Return whether this identifier is new; never raises."""

        async def remember(client: Redis) -> bool:
            return bool(await client.set(f"{PREFIX}:proof:{identifier}", b"1", nx=True, ex=seconds))

        return await self.server.ask(remember, otherwise=True)
