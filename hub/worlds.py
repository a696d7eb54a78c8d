"""The world that a process knows: the directory, built from the log's PARTICIPANT entries and read anew when they grow.

The size of the log is read before the participants: whatever the directory lacks has an index of at least `as_of`, and
the log finds out under its lock whether that concerns a decision.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

from hub.exchange.services import World
from hub.ports import Log, Store
from schemas.errors import UnavailableError
from schemas.jwk import VerificationKey
from schemas.participants import Directory

REFRESH_SECONDS: Final = 1.0
"""How often a running process looks for participants that joined, or changed their keys, at another one."""


class LogWorlds:
    """Implements `hub.exchange.services.Worlds` on the log and the store.

    Args:
        log: Tells the size.
        store: Has the participants.
        registrar: The pinned key that admits.
    """

    def __init__(self, *, log: Log, store: Store, registrar: VerificationKey) -> None:
        self._log = log
        self._store = store
        self._world = World(directory=Directory.empty(registrar=registrar), as_of=0)
        self._refreshed_at = 0.0
        self._refreshing = asyncio.Lock()

    def current(self) -> World:
        """Return what is known, without waiting."""
        return self._world

    async def refresh(self) -> World:
        """Read what is new in the log and return it.

        Raises:
            UnavailableError: The database could not be reached.
            DocumentError: The log holds documents that do not follow from each other; nothing is accepted then.
        """
        as_of = await self._log.size()
        before = self._world
        records = await self._store.participants(after=before.directory.newest)
        # Two may refresh at once: each starts from a world of its own, and the newer one stays.
        directory = before.directory.extended(records) if records else before.directory
        refreshed = World(directory=directory, as_of=as_of)
        if directory.newest >= self._world.directory.newest and as_of >= self._world.as_of:
            self._world = refreshed
        self._refreshed_at = time.monotonic()
        return self._world

    async def refresh_if_older(self, *, seconds: float) -> World:
        """Return a world that is at most so old; however many ask at once, the log is looked into once for them.

        Raises:
            UnavailableError: The database could not be reached.
        """
        async with self._refreshing:
            if time.monotonic() - self._refreshed_at > seconds:
                await self.refresh()
        return self._world

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the world, and keep it about a second old until the block ends.

        Raises:
            UnavailableError: The database could not be reached at the start; later it is tried again.
        """
        await self.refresh()
        keeping = asyncio.create_task(self._keep_fresh())
        try:
            yield
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            with contextlib.suppress(UnavailableError):
                await self.refresh_if_older(seconds=REFRESH_SECONDS / 2)
