"""The port `Log` over PostgreSQL: appending is the sequencer's, reading is done here, from entries and tiles."""

from dataclasses import dataclass
from typing import Final

from psycopg_pool import AsyncConnectionPool

from audit.checkpoint import Checkpoint
from audit.proof_file import proof_text
from audit.proofs import make_consistency_proof, make_inclusion_proof
from audit.tiles import TILE_WIDTH, Tile, tile_to_bytes
from hub.ports import Appended, Log, LogMember
from hub.storage.postgresql.connection import HubConnection, reading
from hub.storage.postgresql.continuity import check_continuity
from hub.storage.postgresql.nodes import from_tiles, read_tiles
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.sequencer import Sequencer
from hub.storage.postgresql.session import tree_from_row
from schemas.codes import EntryKind
from schemas.errors import EvidenceError

ENTRIES_MAX: Final = 256
"""Entries of one answer: a bundle."""
_PUBLIC: Final = frozenset({EntryKind.PARTICIPANT, EntryKind.CHAIN, EntryKind.CATALOGUE})
_TILE_LEVELS: Final = 7
"""Levels of tiles in the largest tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLLog(Log):
    """The log of one hub process.

    Attributes:
        pool: For reading.
        sequencer: For appending; it also knows what was let out.
    """

    pool: AsyncConnectionPool[HubConnection]
    sequencer: Sequencer

    async def append(self, member: LogMember) -> Appended:
        """See `hub.ports.Log.append`."""
        return await self.sequencer.append(member)

    async def size(self) -> int:
        """See `hub.ports.Log.size`. It costs nothing; what another process appended since may be missing in it."""
        self.sequencer.check()
        return self.sequencer.size

    async def proof(self, index: int) -> str:
        """See `hub.ports.Log.proof`."""
        checkpoint, note = await self._published(at_least=index + 1)
        path = await self.inclusion_proof(index=index, size=checkpoint.size)
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
        async with reading(self.pool) as connection:
            return await from_tiles(
                connection,
                size=size,
                make=lambda hash_at: make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=hash_at),
            )

    async def consistency_proof(self, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """See `hub.ports.Log.consistency_proof`."""
        await self._within(new_size)
        if not 0 < old_size <= new_size:
            raise KeyError(old_size)
        async with reading(self.pool) as connection:
            return await from_tiles(
                connection,
                size=new_size,
                make=lambda hash_at: make_consistency_proof(size1=old_size, size2=new_size, hash_at=hash_at),
            )

    async def hash_tile(self, *, level: int, index: int, width: int) -> bytes:
        """See `hub.ports.Log.hash_tile`."""
        if not (0 <= level < _TILE_LEVELS and index >= 0 and 1 <= width <= TILE_WIDTH):
            raise KeyError(index)
        await self._within((index * TILE_WIDTH + width) << 8 * level)
        tile = Tile(level=level, index=index, width=width)
        async with reading(self.pool) as connection:
            return tile_to_bytes((await read_tiles(connection, [tile]))[tile])

    async def entries(self, *, start: int, count: int) -> tuple[str, ...]:
        """See `hub.ports.Log.entries`."""
        self.sequencer.check()
        async with reading(self.pool) as connection:
            until = start + min(count, ENTRIES_MAX)
            (result,) = await connection.run([(queries.entries, {"start": start, "until": until})])
        return tuple(entry for (entry,) in result.rows)

    async def entries_of_kinds(
        self, kinds: frozenset[EntryKind], *, after: int, limit: int
    ) -> tuple[tuple[int, str], ...]:
        """See `hub.ports.Log.entries_of_kinds`. Kinds that are open to every participant have an index."""
        self.sequencer.check()
        statement = queries.public_entries if kinds <= _PUBLIC else queries.entries_of_kinds
        parameters = {"kinds": sorted(kinds), "after": after, "limit": limit}
        async with reading(self.pool) as connection:
            (result,) = await connection.run([(statement, parameters)])
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
        try:
            async with reading(self.pool) as connection:
                (result,) = await connection.run([(queries.tree, {})])
                row = tree_from_row(result.rows)
                checkpoint = Checkpoint(origin=row.origin, size=row.range.size, root_hash=row.range.root())
                if published is not None and published[0] == checkpoint:
                    return published
                await check_continuity(
                    row,
                    known=None,
                    guard=self.sequencer.guard,
                    origin=self.sequencer.signer.name,
                    connection=connection,
                )
        except EvidenceError as error:
            self.sequencer.contradicted(error)
            raise
        return await self.sequencer.publish(checkpoint)

    async def _within(self, size: int) -> None:
        await self._published(at_least=size)
