"""Hashes of the tree's nodes, from the stored tiles: what proofs and checks are made with.

Which tiles a proof needs is known only while it is made. So the proof is made twice: once over a reader that writes
down which tile it is asked for, and, when these have been read in one go, once over their hashes.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from audit.hashing import HASH_BYTES
from audit.proofs import HashAt
from audit.tiles import TILE_WIDTH, Tile, TileNodes, hash_at_from_tiles, tile_nodes, tile_of_node
from hub.storage.postgresql.connection import HubConnection
from hub.storage.postgresql.queries import queries
from schemas.errors import EvidenceError

_T = TypeVar("_T")
_ANY_HASH: Final = bytes(HASH_BYTES)

TILES_KEPT_MAX: Final = 256
"""Tiles of 16 kB with their nodes: 4 MB, and every tile above level 0 of a log of 16 million entries."""


@dataclass(frozen=True, slots=True)
class KeptTiles:
    """The nodes of the tiles that proofs ask for again and again: those above level 0, and the right edge.

    A tile of a width never changes, so what is kept stays right. Whoever checks whether the database still holds the
    tree must read it there, and takes none of these.
    """

    _nodes: dict[Tile, TileNodes] = field(default_factory=dict)

    def find(self, tile: Tile) -> TileNodes | None:
        """Return the nodes of a tile, if they are kept; it is then the one that goes last."""
        nodes = self._nodes.pop(tile, None)
        if nodes is not None:
            self._nodes[tile] = nodes
        return nodes

    def keep(self, tile: Tile, nodes: TileNodes) -> None:
        """Keep the nodes of a tile, unless it is one of the many full ones of level 0."""
        if tile.level or tile.width < TILE_WIDTH:
            self._nodes[tile] = nodes
            if len(self._nodes) > TILES_KEPT_MAX:
                del self._nodes[next(iter(self._nodes))]


async def from_tiles(
    connection: HubConnection, *, size: int, make: Callable[[HashAt], _T], kept: KeptTiles | None = None
) -> _T:
    """Make something from the hashes of the tree of `size` leaves.

    Args:
        connection: Where the tiles are read; the database may hold a larger tree.
        size: Leaves of the tree.
        make: Asks for the same nodes whenever it is called. It is called twice.
        kept: Tiles that need not be read again; None to read every one.

    Raises:
        EvidenceError: The database lacks a part of the tree.
    """
    wanted: dict[Tile, None] = {}

    def write_down(level: int, index: int) -> bytes:
        wanted[tile_of_node(level=level, index=index, size=size)] = None
        return _ANY_HASH

    make(write_down)
    kept = kept if kept is not None else KeptTiles()
    nodes = {tile: found for tile in wanted if (found := kept.find(tile)) is not None}
    missing = [tile for tile in wanted if tile not in nodes]
    if missing:
        for tile, data in (await read_tiles(connection, missing)).items():
            nodes[tile] = tile_nodes(tile, data)
            kept.keep(tile, nodes[tile])
    return make(hash_at_from_tiles(size=size, nodes_of=nodes.__getitem__))


async def read_tiles(connection: HubConnection, tiles: Collection[Tile]) -> Mapping[Tile, bytes]:
    """Read the hashes of tiles; a tile that is not full in level 0 is hashed from its entries.

    Raises:
        EvidenceError: The database does not have a tile, or not its whole width.
    """
    stored = [tile for tile in tiles if tile.level or tile.width == TILE_WIDTH]
    hashed = [tile for tile in tiles if tile not in stored]
    wanted = {"levels": [tile.level for tile in stored], "indexes": [tile.index for tile in stored]}
    calls = [(queries.tiles, wanted)] if stored else []
    results = await connection.run([*calls, *((queries.leaf_hashes, _entries_of(tile)) for tile in hashed)])
    rows = results.pop(0).rows if stored else ()
    data = {(level, index): hashes for level, index, hashes in rows}
    found = {tile: data.get((tile.level, tile.index), b"")[: tile.width * HASH_BYTES] for tile in stored}
    for tile, result in zip(hashed, results, strict=True):
        found[tile] = result.rows[0][0] or b""
    for tile, hashes in found.items():
        if len(hashes) != tile.width * HASH_BYTES:
            raise EvidenceError(f"the database lacks hashes of tile {tile.level}/{tile.index}", code="hub.log.tile")
    return found


def _entries_of(tile: Tile) -> dict[str, int]:
    start = tile.index * TILE_WIDTH
    return {"start": start, "until": start + tile.width}
