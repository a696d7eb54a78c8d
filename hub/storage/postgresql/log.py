"""The port `Log` over PostgreSQL: appending is the sequencer's, reading is done here, from entries and tiles."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from psycopg_pool import AsyncConnectionPool

from audit.checkpoint import Checkpoint
from audit.hashing import hash_leaf
from audit.proof_file import proof_text
from audit.proofs import HashAt, make_consistency_proof, make_inclusion_proof, verify_inclusion
from audit.tiles import TILE_WIDTH, Tile
from hub.changes import LogMember
from hub.ports import Appended, Log
from hub.storage.postgresql.connection import HubConnection, read
from hub.storage.postgresql.continuity import check_continuity
from hub.storage.postgresql.nodes import KeptTiles, from_tiles, read_tiles
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.sequencer import Sequencer
from hub.storage.postgresql.session import tree_from_row
from schemas.codes import EntryKind
from schemas.errors import EvidenceError

_T = TypeVar("_T")

ENTRIES_MAX: Final = 256
"""Entries of one answer: a bundle."""
_PUBLIC: Final = frozenset(
    {EntryKind.PARTICIPANT, EntryKind.CHAIN, EntryKind.CATALOGUE, EntryKind.STOP, EntryKind.RESUMPTION}
)
_TILE_LEVELS: Final = 7
"""Levels of tiles in the largest tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLLog(Log):
    """The log of one hub process.

    Attributes:
        pool: For reading.
        sequencer: For appending; it also knows what was let out.
        kept: Tiles that proofs need not read again.
    """

    pool: AsyncConnectionPool[HubConnection]
    sequencer: Sequencer
    kept: KeptTiles = field(default_factory=KeptTiles)

    async def append(self, member: LogMember) -> Appended:
        """See `hub.ports.Log.append`."""
        return await self.sequencer.append(member)

    async def size(self) -> int:
        """See `hub.ports.Log.size`. It costs nothing; what another process appended since may be missing in it."""
        self.sequencer.check()
        return self.sequencer.size

    async def check_clock(self) -> None:
        """See `hub.ports.Log.check_clock`."""
        (result,) = await self._ask(lambda connection: connection.run([(queries.tree, {})]))
        self.sequencer.clock.compare(tree_from_row(result.rows).clock)

    async def proof(self, index: int, *, entry: str) -> str:
        """See `hub.ports.Log.proof`."""
        checkpoint, note = await self._published(at_least=index + 1)
        if index < 0:
            raise KeyError(index)
        size = checkpoint.size
        path = await self._made(
            size=size, make=lambda hash_at: make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=hash_at)
        )
        leaf_hash = hash_leaf(entry.encode())
        try:
            # An entry or a tile that somebody changed must not leave, with a proof that proves nothing.
            verify_inclusion(
                leaf_hash=leaf_hash, leaf_index=index, tree_size=size, path=path, root_hash=checkpoint.root_hash
            )
        except EvidenceError as error:
            self.sequencer.contradicted(error)
            raise
        return proof_text(index=index, path=path, checkpoint=note)

    async def checkpoint(self) -> str:
        """See `hub.ports.Log.checkpoint`; what other processes appended is in it."""
        _, note = await self._newest()
        return note

    async def inclusion_proof(self, *, index: int, size: int) -> tuple[bytes, ...]:
        """See `hub.ports.Log.inclusion_proof`."""
        await self._within(size)
        if not 0 <= index < size:
            raise KeyError(index)
        return await self._made(
            size=size, make=lambda hash_at: make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=hash_at)
        )

    async def consistency_proof(self, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """See `hub.ports.Log.consistency_proof`."""
        await self._within(new_size)
        if not 0 < old_size <= new_size:
            raise KeyError(old_size)
        return await self._made(
            size=new_size,
            make=lambda hash_at: make_consistency_proof(size1=old_size, size2=new_size, hash_at=hash_at),
        )

    async def hash_tile(self, *, level: int, index: int, width: int) -> bytes:
        """See `hub.ports.Log.hash_tile`."""
        if not (0 <= level < _TILE_LEVELS and index >= 0 and 1 <= width <= TILE_WIDTH):
            raise KeyError(index)
        await self._within((index * TILE_WIDTH + width) << 8 * level)
        tile = Tile(level=level, index=index, width=width)
        tiles = await self._ask(lambda connection: read_tiles(connection, [tile]))
        return tiles[tile]

    async def entries(self, *, start: int, count: int) -> tuple[str, ...]:
        """See `hub.ports.Log.entries`."""
        self.sequencer.check()
        parameters = {"start": start, "until": start + min(count, ENTRIES_MAX)}
        (result,) = await self._ask(lambda connection: connection.run([(queries.entries, parameters)]))
        return tuple(entry for (entry,) in result.rows)

    async def entries_of_kinds(
        self, kinds: frozenset[EntryKind], *, after: int, limit: int
    ) -> tuple[tuple[int, str], ...]:
        """See `hub.ports.Log.entries_of_kinds`. Kinds that are open to every participant have an index."""
        self.sequencer.check()
        statement = queries.public_entries if kinds <= _PUBLIC else queries.entries_of_kinds
        parameters = {"kinds": sorted(kinds), "after": after, "limit": limit}
        (result,) = await self._ask(lambda connection: connection.run([(statement, parameters)]))
        return tuple((index, entry) for index, entry in result.rows)

    async def _published(self, *, at_least: int) -> tuple[Checkpoint, str]:
        """Return a checkpoint that was let out, of at least this many entries.

        Raises:
            KeyError: The log is not that large.
        """
        self.sequencer.check()
        published = self.sequencer.published
        if published is None or published[0].size < at_least:
            published = await self._newest()
        if published[0].size < at_least:
            raise KeyError(at_least - 1)
        return published

    async def _newest(self) -> tuple[Checkpoint, str]:
        """Look how far the log has come, also by other processes, and let that checkpoint out."""
        self.sequencer.check()
        published = self.sequencer.published
        checkpoint = await self._ask(lambda connection: self._checked(connection, published=published))
        if published is not None and checkpoint == published[0]:
            return published
        return await self.sequencer.publish(checkpoint)

    async def _checked(self, connection: HubConnection, *, published: tuple[Checkpoint, str] | None) -> Checkpoint:
        """Read the tree head of the database, and check it against what was let out.

        Raises:
            EvidenceError: It does not continue that.
        """
        (result,) = await connection.run([(queries.tree, {})])
        row = tree_from_row(result.rows)
        checkpoint = Checkpoint(origin=row.origin, size=row.range.size, root_hash=row.range.root())
        if published is None or checkpoint != published[0]:
            await check_continuity(
                row,
                known=None,
                guard=self.sequencer.guard,
                origin=self.sequencer.signer.name,
                connection=connection,
            )
        return checkpoint

    async def _made(self, *, size: int, make: Callable[[HashAt], _T]) -> _T:
        """Make a proof from the tiles of the tree of `size` leaves."""
        return await self._ask(lambda connection: from_tiles(connection, size=size, make=make, kept=self.kept))

    async def _ask(self, question: Callable[[HubConnection], Awaitable[_T]]) -> _T:
        """Ask the database something; if what it says contradicts itself, the hub stops."""
        try:
            return await read(self.pool, question)
        except EvidenceError as error:
            self.sequencer.contradicted(error)
            raise

    async def _within(self, size: int) -> None:
        await self._published(at_least=size)
