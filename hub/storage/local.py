"""Wake-ups, rate limits and the replay guard inside one process: for a hub without a Redis server.

They keep the ports' promises for the process they live in. Several processes without a server between them wake each
other by the end of a long poll, limit each for itself, and take a proof once each.
"""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from schemas.identifiers import OIN

KEYS_MAX: Final = 100_000
"""How many counters or identifiers one process keeps; beyond it the oldest go."""


@dataclass(slots=True)
class Waiters:
    """Those who wait in this process, by recipient."""

    _waiting: dict[str, set["asyncio.Future[None]"]] = field(default_factory=lambda: defaultdict(set), init=False)

    def wake(self, recipient: str) -> None:
        """Wake everybody who waits for this recipient."""
        for waiter in self._waiting.get(recipient, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, recipient: str, *, seconds: float) -> None:
        """Return when woken or after `seconds`."""
        waiter = asyncio.get_running_loop().create_future()
        waiting = self._waiting[recipient]
        waiting.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            pass
        finally:
            waiting.discard(waiter)
            if not waiting and self._waiting.get(recipient) is waiting:
                del self._waiting[recipient]


@dataclass(slots=True)
class LocalWakeUps:
    """`hub.ports.WakeUps` in one process."""

    _waiters: Waiters = field(default_factory=Waiters, init=False)

    async def wake(self, recipient: OIN) -> None:
        """Wake those who wait for this recipient in this process; never raises."""
        self._waiters.wake(recipient.value)

    async def wait(self, recipient: OIN, *, seconds: float) -> None:
        """Return when woken, after `seconds`, or earlier for no reason; never raises."""
        await self._waiters.wait(recipient.value, seconds=seconds)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Nothing has to run."""
        yield


@dataclass(slots=True)
class LocalRateLimits:
    """`hub.ports.RateLimits` in one process: a counter for each key, all forgotten as a minute ends."""

    clock: Callable[[], float] = time.time
    _minute: int = field(default=0, init=False)
    _counted: dict[str, int] = field(default_factory=dict, init=False)

    async def permit(self, key: str, *, per_minute: int) -> bool:
        """Return whether one more is permitted in this minute; never raises."""
        return self.permit_now(key, per_minute=per_minute)

    def permit_now(self, key: str, *, per_minute: int) -> bool:
        """Return the same without waiting for anything: for what comes before a signature is verified."""
        minute = int(self.clock() // 60)
        if minute != self._minute or len(self._counted) >= KEYS_MAX:
            self._minute = minute
            self._counted.clear()
        counted = self._counted.get(key, 0) + 1
        self._counted[key] = counted
        return counted <= per_minute


@dataclass(slots=True)
class LocalReplayGuard:
    """`hub.ports.ReplayGuard` in one process."""

    clock: Callable[[], float] = time.monotonic
    _until: dict[str, float] = field(default_factory=dict, init=False)

    async def first_use(self, identifier: str, *, seconds: int) -> bool:
        """Return whether this identifier is new; never raises."""
        now = self.clock()
        while self._until and (len(self._until) >= KEYS_MAX or next(iter(self._until.values())) <= now):
            del self._until[next(iter(self._until))]
        if self._until.get(identifier, now) > now:
            return False
        self._until[identifier] = now + seconds
        return True
