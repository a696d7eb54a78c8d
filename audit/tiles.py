"""C2SP tlog-tiles: the tree and its entries as files that never change, 256 to a file.

    checkpoint                     the signed tree head; the only file that changes
    tile/0/x001/x234/067           level 0, tile 1,234,067: 256 leaf hashes
    tile/1/004.p/17                level 1, tile 4, partial: 17 hashes of full tiles of level 0
    tile/entries/x001/x234/067     the entries whose hashes stand in tile 0/x001/x234/067

A tile of level L + 1 holds hashes of *full* tiles of level L. A tree of 70,000 leaves has 273 full tiles and one of
width 112 on level 0, one full and one of width 17 on level 1, and one of width 1 on level 2.

Source: c2sp.org/tlog-tiles.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias

from audit.errors import refused
from audit.hashing import HASH_BYTES
from audit.merkle import TILE_HEIGHT
from audit.proofs import HashAt
from schemas.errors import EvidenceError

TILE_WIDTH: Final = 1 << TILE_HEIGHT
"""Hashes in a full tile, entries in a full bundle."""
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES

TileNodes: TypeAlias = tuple[bytes, ...]
"""The hashes of a tile and of the nodes above them: one text of hashes for each level, from the lowest."""

CHECKPOINT_PATH: Final = "checkpoint"
_TILE_INVALID: Final = "hub.tile.invalid"
_BUNDLE_INVALID: Final = "hub.bundle.invalid"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Tile:
    """Name of a tile.

    Attributes:
        level: From 0.
        index: Place within the level, from 0.
        width: Hashes in it, 1 to 256; less than 256 is a partial tile.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path of the tile below the log's prefix."""
        return f"tile/{self.level}/{_index_path(self.index)}{self._suffix}"

    @property
    def bundle_path(self) -> str:
        """Path of the entry bundle that belongs to this tile of level 0."""
        return f"tile/entries/{_index_path(self.index)}{self._suffix}"

    @property
    def _suffix(self) -> str:
        return "" if self.width == TILE_WIDTH else f".p/{self.width}"


def parse_tile_path(path: str) -> tuple[Tile, bool]:
    """Read what a request for a tile or bundle names.

    Args:
        path: `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`.

    Returns:
        The tile (for entries that of level 0), and whether entries are asked for.

    Raises:
        DocumentError: It is not such a path, or not its one spelling.
    """
    parts = path.split("/")
    entries = parts[1:2] == ["entries"]
    digits = "0" if entries else "".join(parts[1:2])
    *index_parts, last = parts[2:] or [""]
    width = str(TILE_WIDTH)
    if index_parts and index_parts[-1].endswith(".p"):
        width, last = last, index_parts.pop().removesuffix(".p")
    numbers = "".join(part.removeprefix("x") for part in index_parts) + last
    if all(text.isascii() and text.isdecimal() and len(text) <= 18 for text in (digits, width, numbers)):
        tile = Tile(level=int(digits), index=int(numbers), width=int(width))
        # Writing it again finds every other spelling: zeroes in front, missing `x`, a level as `00`.
        written = tile.bundle_path if entries else tile.path
        if tile.level < 64 and 1 <= tile.width <= TILE_WIDTH and written == path:
            return tile, entries
    raise refused(_TILE_INVALID, "not the path of a tile or entry bundle")


def tiles_of(size: int) -> Iterator[Tile]:
    """List the tiles of a tree of `size` leaves, the rightmost of each level possibly partial."""
    yield from new_tiles(old_size=0, new_size=size)


def new_tiles(*, old_size: int, new_size: int) -> Iterator[Tile]:
    """List the tiles that are new or wider in the tree of `new_size` leaves, level by level.

    The entry bundles that are new are those of the tiles of level 0. A full tile among them replaces its partials.

    Args:
        old_size: Leaves before.
        new_size: Leaves after; at least `old_size`.
    """
    level = 0
    while new_size >> level * TILE_HEIGHT:
        old, new = old_size >> level * TILE_HEIGHT, new_size >> level * TILE_HEIGHT
        if old < new:
            for index in range(old // TILE_WIDTH, (new + TILE_WIDTH - 1) // TILE_WIDTH):
                yield Tile(level=level, index=index, width=min(TILE_WIDTH, new - index * TILE_WIDTH))
        level += 1


def tile_to_bytes(hashes: Sequence[bytes]) -> bytes:
    """Write a tile: its 1 to 256 hashes, one after the other."""
    return b"".join(hashes)


def parse_tile(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """Read a tile.

    Args:
        data: What was stored.
        width: How many hashes are asked for. A full tile serves for a partial one: its first hashes are the same.

    Raises:
        DocumentError: It does not hold that many hashes.
    """
    if len(data) not in (width * HASH_BYTES, TILE_BYTES):
        raise refused(_TILE_INVALID, f"a tile of width {width} has {width * HASH_BYTES} bytes")
    return tuple(data[place * HASH_BYTES : (place + 1) * HASH_BYTES] for place in range(width))


def bundle_to_bytes(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle: each entry after its length in two bytes, big-endian."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """Read an entry bundle.

    Args:
        data: What was stored.
        width: How many entries are asked for; a full bundle serves for a partial one.

    Raises:
        DocumentError: It does not hold that many entries, or it is cut off.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        begin = place + 2
        place = begin + int.from_bytes(data[place:begin], "big")
        entries.append(data[begin:place])
    if place != len(data) or len(entries) not in (width, TILE_WIDTH):
        raise refused(_BUNDLE_INVALID, f"not a bundle of {width} entries")
    return tuple(entries[:width])


def tile_nodes(tile: Tile, data: bytes) -> TileNodes:
    """Compute the complete nodes of a tile from its own hashes up to those below its root.

    Args:
        tile: Its name.
        data: Its hashes, one after the other, and no more.

    Raises:
        EvidenceError: It does not have its width.
    """
    if len(data) != tile.width * HASH_BYTES:
        raise EvidenceError(f"tile {tile.level}/{tile.index} does not have its {tile.width} hashes")
    nodes = [data]
    while len(nodes) < TILE_HEIGHT:
        below = nodes[-1]
        # As `hash_children`, without taking the two apart that lie beside each other.
        pairs = range(0, len(below) - HASH_BYTES, 2 * HASH_BYTES)
        nodes.append(b"".join([sha256(b"\x01" + below[place : place + 2 * HASH_BYTES]).digest() for place in pairs]))
    return tuple(nodes)


def tile_of_node(*, level: int, index: int, size: int) -> Tile:
    """Name the tile from which a node's hash follows, as wide as it is in the tree of `size` leaves."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile_index = index >> TILE_HEIGHT - height
    in_level = size >> tile_level * TILE_HEIGHT
    return Tile(level=tile_level, index=tile_index, width=min(TILE_WIDTH, in_level - tile_index * TILE_WIDTH))


def hash_at_from_tiles(*, size: int, nodes_of: Callable[[Tile], TileNodes]) -> HashAt:
    """Make the reader that proofs are made with, over the tiles of a tree.

    Args:
        size: Leaves of the tree.
        nodes_of: Returns the nodes of one tile as named (its width is the one in this tree); asked for every hash.

    Returns:
        The reader. What `nodes_of` raises it raises, and `EvidenceError` for a node that is not complete in this tree.
    """

    def hash_at(level: int, index: int) -> bytes:
        if index + 1 << level > size:
            raise EvidenceError(f"node {level}/{index} is not complete in a tree of {size} leaves")
        tile = tile_of_node(level=level, index=index, size=size)
        height = level % TILE_HEIGHT
        place = (index - (tile.index << TILE_HEIGHT - height)) * HASH_BYTES
        return nodes_of(tile)[height][place : place + HASH_BYTES]

    return hash_at


def _index_path(index: int) -> str:
    """Write a tile's index in groups of three digits; all but the last start with an `x`."""
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path
