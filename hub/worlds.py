"""The world that a process knows: the directory, built from the log's PARTICIPANT entries, and by what is decided.

The size of the log is read before both: whatever they lack has an index of at least `as_of`, and the log finds out
under its lock whether that concerns a decision. That makes an old world safe, so requests read what is in memory; it is
read anew in the background, and one reading serves all who wait for it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from audit.entries import BOARD, GROUNDS, NAMED, parse_entry
from hub.catalogues import Catalogues, read_catalogue
from hub.enforcement import Enforcement
from hub.exchange.services import Policy, World
from hub.logs import Event, places, record
from hub.ports import Log, ParticipantRecord, Store
from schemas.board import Board, verify_board
from schemas.codes import EntryKind
from schemas.definitions import Definitions
from schemas.errors import DocumentError, EvidenceError, ExchangeError, SignatureError, UnavailableError
from schemas.jwk import VerificationKey
from schemas.participants import Directory

REFRESH_SECONDS: Final = 1.0
"""How old a world gets while the database answers."""

SOON_SECONDS: Final = 0.05
"""Least time between a reading and one for somebody who is not known: at most 20 such readings a second."""


_CATALOGUES: Final = frozenset({EntryKind.CATALOGUE})
_CATALOGUES_MAX: Final = 100


@dataclass(slots=True, kw_only=True)
class LogWorlds:
    """Implements `hub.exchange.services.Worlds` on the log and the store.

    Attributes:
        log: Tells the size.
        store: Has the participants.
        catalogues: Have the text of the catalogue.
        registrar: The pinned key that admits.
        definitions: Those of this software.
    """

    log: Log
    store: Store
    catalogues: Catalogues
    registrar: VerificationKey
    definitions: Definitions
    _world: World = field(init=False)
    _read_at: float = field(default=float("-inf"), init=False)
    _reading: "asyncio.Task[World] | None" = field(default=None, init=False)
    _soon: "asyncio.Task[World] | None" = field(default=None, init=False)
    _unreadable: str = field(default="", init=False)
    _catalogues: tuple[int, Mapping[str, str]] = field(default=(-1, MappingProxyType({})), init=False)

    def __post_init__(self) -> None:
        self._world = World(directory=Directory.empty(registrar=self.registrar), as_of=0)

    def current(self) -> World:
        """Return what is known, without waiting."""
        return self._world

    async def refresh(self) -> World:
        """Read what is new in the log and return it.

        A reading that has begun may have read the size before a change that the caller knows of; so the caller gets
        one that begins now, or the next one if one is under way, and shares it with all who came meanwhile.

        Raises:
            UnavailableError: The database could not be reached.
            EvidenceError: The log holds documents that do not follow from each other; nothing is accepted then.
        """
        under_way = self._reading
        if under_way is not None:
            with contextlib.suppress(ExchangeError):
                await asyncio.shield(under_way)
        if self._reading is None or self._reading is under_way:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._done)
        # One who asks may be cancelled; the others still want the answer.
        return await asyncio.shield(self._reading)

    async def refresh_soon(self) -> World:
        """Read what is new, for somebody who is not known here; however many ask, there are few such readings.

        The reading begins after the call: who joined at another process before it is found. That is the only waiting
        for somebody whose signature is not verified.

        Raises:
            UnavailableError: The database could not be reached.
        """
        if self._soon is None:
            self._soon = asyncio.create_task(self._read_soon())
        return await asyncio.shield(self._soon)

    async def _read_soon(self) -> World:
        await asyncio.sleep(max(0.0, self._read_at + SOON_SECONDS - time.monotonic()))
        self._soon = None
        return await self.refresh()

    @contextlib.asynccontextmanager
    async def running(self, *, contradicted: Callable[[EvidenceError], None]) -> AsyncIterator[None]:
        """Read once, then go on reading in the background as long as the block runs.

        Args:
            contradicted: Told when the participants in the log do not follow from each other; reading ends then.

        Raises:
            UnavailableError: The database could not be reached for the first reading.
            EvidenceError: As `refresh`.
        """
        await self.refresh()
        keeping = asyncio.create_task(self._keep_reading(contradicted))
        try:
            yield
        finally:
            tasks = [task for task in (keeping, self._soon, self._reading) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_reading(self, contradicted: Callable[[EvidenceError], None]) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except UnavailableError:
                continue  # the database is away; requests say so, and the world keeps its `as_of`
            except EvidenceError as error:
                contradicted(error)
                return
            except ExchangeError as error:
                record(Event.DIRECTORY_REFUSED, level=logging.ERROR, code=error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - our own mistake: who is suspended must be known when it is gone
                record(Event.DIRECTORY_REFUSED, level=logging.ERROR, error=type(error).__name__, where=places(error))

    def _done(self, task: "asyncio.Task[World]") -> None:
        if self._reading is task:
            self._reading = None
        if not task.cancelled():
            task.exception()  # taken here, in case nobody waits for it any more

    async def _read(self) -> World:
        # The size that this process knows may lack what others appended: the participants are read all the same.
        as_of = await self.log.size()
        known = self._world
        news, in_force, enforcement = await asyncio.gather(
            self.store.participants(after=known.directory.newest), self._in_force(), self.store.enforcement()
        )
        _tell(enforcement, before=known.enforcement)
        known = World(
            directory=_extended(known.directory, news),
            policy=await self._policy(in_force, before=known.policy),
            boards=await self._boards(in_force, before=known),
            in_force=in_force,
            as_of=max(as_of, known.as_of),
            enforcement=enforcement,
        )
        if news:
            record(Event.DIRECTORY_REFRESHED, index=news[-1].index, count=len(news))
        self._world = known
        self._read_at = time.monotonic()
        return known

    async def _in_force(self) -> Mapping[str, str]:
        """Read which version of each document that decides is the newest."""
        while True:
            newest, known = self._catalogues
            news = await self.log.entries_of_kinds(_CATALOGUES, after=newest, limit=_CATALOGUES_MAX)
            if not news:
                return known
            entries = [parse_entry(text.encode()) for _, text in news]
            found = {entry.id: entry.catalogue for entry in entries if entry.id in NAMED and entry.catalogue}
            self._catalogues = (news[-1][0], {**known, **found})

    async def _policy(self, in_force: Mapping[str, str], *, before: Policy | None) -> Policy | None:
        """Read the catalogue in force, if it is another than before: the decisions taken stay with their catalogue."""
        digest = in_force.get(GROUNDS)
        if digest is None or (before is not None and before.catalogue.digest == digest):
            return before if digest is not None else None
        if digest == self._unreadable:
            return None
        try:
            policy = Policy.of(await read_catalogue(digest, catalogues=self.catalogues), self.definitions)
        except DocumentError as error:
            # A catalogue that only a later version of this software can read: another process decides.
            self._unreadable = digest
            record(Event.CATALOGUE_UNREADABLE, level=logging.ERROR, code=error.code, detail=error.detail)
            return None
        record(Event.CATALOGUE_FOLLOWED, version=policy.catalogue.version)
        return policy

    async def _boards(self, in_force: Mapping[str, str], *, before: World) -> tuple[Board, ...]:
        """Read who may change the catalogue, if there is a newer board than before."""
        if in_force.get(BOARD) == before.in_force.get(BOARD):
            return before.boards
        found: list[Board] = []
        for each in await self.catalogues.boards():
            # What somebody put into the database, or a registrar before this one signed, counts for nothing.
            with contextlib.suppress(DocumentError, SignatureError):
                found.append(verify_board(each.token, registrar=self.registrar))
        return tuple(found)


def _tell(enforcement: Enforcement, *, before: Enforcement) -> None:
    """Say in the application log that the hub stopped, or was resumed; each process does, also after a restart."""
    if enforcement.stop is not None and before.stop is None:
        stop = enforcement.stop
        record(Event.ENFORCEMENT_STOPPED, level=logging.CRITICAL, index=stop.index, participant=stop.canary.value)
    elif enforcement.stop is None and before.stop is not None:
        record(Event.ENFORCEMENT_RESUMED, level=logging.WARNING, index=before.stop.index)


def _extended(directory: Directory, news: Sequence[ParticipantRecord]) -> Directory:
    try:
        return directory.extended(news) if news else directory
    except (DocumentError, SignatureError) as error:
        # Each was checked before it was logged; what does not follow now was put there by somebody else.
        raise EvidenceError(
            "the participants in the log do not follow from each other",
            code="hub.directory.contradiction",
            detail=f"{error.code}: {error.public_message}",
        ) from error
