"""Whether the tree in the database continues what this process knows: the reading half of the rollback guard.

If the tree's row is the one that this process wrote last, there is nothing to ask. If another process moved it, or at
the start, the stored tiles must lead to the row's own root, and at the guard's size to the guard's root.

Source: the architecture, section 6, "Rollback guard".
"""

from typing import Final

from audit.guard import check_rollback
from audit.merkle import TILE_HEIGHT
from audit.proofs import HashAt, tree_root
from audit.tiles import TILE_WIDTH, Tile, parse_tile
from hub.storage.guard import GuardFile
from hub.storage.postgresql.batch import Tree
from hub.storage.postgresql.connection import HubConnection
from hub.storage.postgresql.nodes import from_tiles, read_tiles
from hub.storage.postgresql.session import TreeRow
from schemas.errors import EvidenceError

_CODE: Final = "hub.log.tree"


async def check_continuity(
    row: TreeRow, *, known: Tree | None, guard: GuardFile, origin: str, connection: HubConnection
) -> Tree:
    """Check the tree's row, and return the tree.

    Args:
        row: As it was read, under the lock or not.
        known: The tree that this process wrote last; None if it does not know.
        guard: What was let out.
        origin: Origin of the log that this process keeps.
        connection: Where the tiles are read.

    Raises:
        EvidenceError: The database does not continue what was published, or contradicts itself.
    """
    if row.origin != origin:
        raise EvidenceError(f"the database holds log `{row.origin}`, this hub keeps `{origin}`", code=_CODE)
    if known is not None and known.range == row.range:
        return known
    size = row.range.size
    published = [each for each in (guard.checkpoint, *guard.others) if each is not None and each.origin == origin]
    sizes = sorted({each.size for each in published if each.size <= size} | {size})

    def roots(hash_at: HashAt) -> list[bytes]:
        return [tree_root(tree_size=each, hash_at=hash_at) for each in sizes]

    made = dict(zip(sizes, await from_tiles(connection, size=size, make=roots), strict=True))
    for checkpoint in published:
        check_rollback(checkpoint, origin=origin, size=size, root_at_guard=made.get(checkpoint.size))
    if made[size] != row.range.root():
        raise EvidenceError(f"the tree of {size} entries is not that of its tiles", code=_CODE)
    return Tree(
        range=row.range,
        time=row.time,
        newest_participant=row.newest_participant,
        tail=await read_tail(connection, size=size),
    )


async def read_tail(connection: HubConnection, *, size: int) -> tuple[bytes, ...]:
    """Read the leaf hashes of the level-0 tile that is not full yet."""
    width = size % TILE_WIDTH
    if not width:
        return ()
    tile = Tile(level=0, index=size >> TILE_HEIGHT, width=width)
    return parse_tile((await read_tiles(connection, [tile]))[tile], width=width)
