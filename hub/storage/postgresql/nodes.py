"""Hashes of the tree's nodes, from the stored tiles: what proofs and checks are made with.

Which tiles a proof needs is known only while it is made. So the proof is made twice: once over a reader that writes
down which tile it is asked for, and, when these have been read in one go, once over their hashes.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeVar

from audit.hashing import HASH_BYTES
from audit.merkle import TILE_HEIGHT
from audit.proofs import HashAt
from audit.tiles import TILE_WIDTH, Tile, hash_at_from_tiles
from hub.storage.postgresql.connection import HubConnection
from hub.storage.postgresql.queries import queries
from schemas.errors import EvidenceError

_T = TypeVar("_T")
_ANY_HASH: Final = bytes(HASH_BYTES)


async def from_tiles(connection: HubConnection, *, size: int, make: Callable[[HashAt], _T]) -> _T:
    """Make something from the hashes of the tree of `size` leaves.

    Args:
        connection: Where the tiles are read; the database may hold a larger tree.
        size: Leaves of the tree.
        make: Asks for the same nodes whenever it is called. It is called twice.

    Raises:
        EvidenceError: The database lacks a part of the tree.
    """
    wanted: dict[Tile, None] = {}

    def write_down(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index = (index << height) // TILE_WIDTH
        in_level = size >> tile_level * TILE_HEIGHT
        wanted[Tile(level=tile_level, index=tile_index, width=min(TILE_WIDTH, in_level - tile_index * TILE_WIDTH))] = (
            None
        )
        return _ANY_HASH

    make(write_down)
    tiles = await read_tiles(connection, wanted)
    return make(hash_at_from_tiles(size=size, read_tile=tiles.__getitem__))


async def read_tiles(connection: HubConnection, tiles: Collection[Tile]) -> Mapping[Tile, tuple[bytes, ...]]:
    """Read the hashes of tiles; a tile that is not full in level 0 is hashed from its entries.

    Raises:
        EvidenceError: The database does not have a tile, or not its whole width.
    """
    found: dict[Tile, tuple[bytes, ...]] = {}
    stored = [tile for tile in tiles if tile.level or tile.width == TILE_WIDTH]
    hashed = [tile for tile in tiles if tile not in stored]
    wanted = {"levels": [tile.level for tile in stored], "indexes": [tile.index for tile in stored]}
    rows, *leaves = await connection.run(
        [(queries.tiles, wanted), *((queries.leaf_hashes, _entries_of(tile)) for tile in hashed)]
    )
    data = {(level, index): hashes for level, index, hashes in rows.rows}
    for tile in stored:
        hashes = data.get((tile.level, tile.index), b"")
        found[tile] = tuple(hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES] for place in range(tile.width))
    for tile, result in zip(hashed, leaves, strict=True):
        found[tile] = tuple(leaf for (leaf,) in result.rows)
    for tile, each in found.items():
        if len(each) != tile.width or len(each[-1]) != HASH_BYTES:
            raise EvidenceError(f"the database lacks hashes of tile {tile.level}/{tile.index}", code="hub.log.tile")
    return found


def _entries_of(tile: Tile) -> dict[str, int]:
    start = tile.index * TILE_WIDTH
    return {"start": start, "until": start + tile.width}
