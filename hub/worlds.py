"""The world that a process knows: the directory, built from the log's PARTICIPANT entries and read anew when they grow.

The size of the log is read before the participants: whatever the directory lacks has an index of at least `as_of`, and
the log finds out under its lock whether that concerns a decision.
"""

from hub.exchange.services import World
from hub.ports import Log, Store
from schemas.jwk import VerificationKey
from schemas.participants import Directory


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
        return self._world
