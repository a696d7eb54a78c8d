"""A log of any size in a database, without appending it: its tiles, its tree, and the entries at its right edge.

Ten million entries appended one after the other would take longer than anything that is measured here. What proofs and
appending read is tiles; so the tiles are written. Level 0 repeats a few hundred tiles of random hashes; every hash
above follows from them as in any log, and the hub's own check against its tiles holds.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from audit.hashing import HASH_BYTES, hash_leaf
from audit.merkle import CompactRange, complete_root
from audit.proofs import range_nodes
from audit.tiles import TILE_WIDTH, Tile, TileNodes, hash_at_from_tiles, tile_nodes, tile_to_bytes

_TILES: Final = 251
"""Different tiles of level 0: a prime, so that no two tiles of level 1 are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticLog:
    """A log whose leaf hashes are known.

    Attributes:
        range: Its tree.
        tiles: The different full tiles of level 0.
        edge: Leaf hashes beyond the last full tile.
    """

    range: CompactRange
    tiles: Sequence[tuple[bytes, ...]]
    edge: tuple[bytes, ...]

    def leaf_hash(self, index: int) -> bytes:
        """Return the hash of a leaf."""
        tile, place = divmod(index, TILE_WIDTH)
        return self.edge[place] if tile == self.range.size // TILE_WIDTH else self.tiles[tile % _TILES][place]


def fill_log(database_url: str, *, origin: str, size: int) -> SyntheticLog:
    """Write a log into a migrated database that has none."""
    tiles = [_random_tile() for _ in range(_TILES)]
    texts = [f'{{"n":{index}}}' for index in range(size - size % TILE_WIDTH, size)]
    edge = tuple(hash_leaf(text.encode()) for text in texts)
    with psycopg.connect(database_url) as connection:
        every = [tiles[index % _TILES] for index in range(size // TILE_WIDTH)]
        tree = write_tree(connection, origin=origin, tiles=every, edge=edge, time=0)
        connection.execute("SELECT log_entries_reach(%s)", [size])
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY log_entries (index, kind, time, entry) FROM STDIN") as copy,
        ):
            for index, text in enumerate(texts, start=size - len(texts)):
                copy.write_row((index, "REFUSAL", 0, text))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) log_tiles")
    return SyntheticLog(range=tree, tiles=tiles, edge=edge)


def write_tree(
    connection: psycopg.Connection[TupleRow],
    *,
    origin: str,
    tiles: Sequence[tuple[bytes, ...]],
    edge: tuple[bytes, ...],
    time: int,
) -> CompactRange:
    """Write the tiles and the tree of a log into a database that has none; returns the tree.

    Args:
        connection: Where; whoever opened it commits.
        origin: Of the log.
        tiles: The full tiles of level 0, in order; the same one may stand at several places.
        edge: Leaf hashes beyond them.
        time: Of the newest entry, in milliseconds.
    """
    size = len(tiles) * TILE_WIDTH + len(edge)
    levels = _levels_above(tiles)

    def nodes_of(tile: Tile) -> TileNodes:
        start = tile.index * TILE_WIDTH
        lowest = tiles[tile.index] if tile.width == TILE_WIDTH else edge
        hashes = levels[tile.level - 1][start : start + tile.width] if tile.level else lowest
        return tile_nodes(tile, tile_to_bytes(hashes))

    hash_at = hash_at_from_tiles(size=size, nodes_of=nodes_of)
    tree = CompactRange(size=size, hashes=tuple(hash_at(*node) for node in range_nodes(0, size)))
    with connection.cursor() as cursor:
        with cursor.copy("COPY log_tiles (level, index, hashes) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int2", "int8", "bytea"])
            for index, tile in enumerate(tiles):
                copy.write_row((0, index, tile_to_bytes(tile)))
            for level, hashes in enumerate(levels, start=1):
                for start in range(0, len(hashes), TILE_WIDTH):
                    part = hashes[start : start + TILE_WIDTH]
                    copy.write_row((level, start // TILE_WIDTH, tile_to_bytes(part)))
        cursor.execute(
            "INSERT INTO log_tree (origin, size, range, time) VALUES (%s, %s, %s, %s)",
            [origin, size, tree.to_bytes(), time],
        )
    return tree


def _random_tile() -> tuple[bytes, ...]:
    return tuple(os.urandom(HASH_BYTES) for _ in range(TILE_WIDTH))


def _levels_above(tiles: Sequence[tuple[bytes, ...]]) -> list[list[bytes]]:
    """Hash the full tiles, level by level."""
    roots = {tile: complete_root(tile) for tile in set(tiles)}
    levels: list[list[bytes]] = []
    hashes = [roots[tile] for tile in tiles]
    while hashes:
        levels.append(hashes)
        hashes = [
            complete_root(hashes[start : start + TILE_WIDTH])
            for start in range(0, len(hashes) - len(hashes) % TILE_WIDTH, TILE_WIDTH)
        ]
    return levels
