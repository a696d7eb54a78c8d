"""Kept tiles: which are kept, and that they stay few."""

from audit.tiles import TILE_WIDTH, Tile, tile_nodes
from hub.storage.postgresql.nodes import TILES_KEPT_MAX, KeptTiles


def nodes_of(tile: Tile) -> tuple[bytes, ...]:
    """Return the nodes of a tile whose hashes are all the same."""
    return tile_nodes(tile, bytes(32) * tile.width)


def test_tiles_above_level_0_and_those_of_the_right_edge_are_kept() -> None:
    kept = KeptTiles()
    above, edge, one_of_many = Tile(level=1, index=0), Tile(level=0, index=5, width=3), Tile(level=0, index=4)
    for tile in (above, edge, one_of_many):
        kept.keep(tile, nodes_of(tile))
    assert kept.find(above) == nodes_of(above)
    assert kept.find(edge) == nodes_of(edge)
    assert kept.find(one_of_many) is None
    assert kept.find(Tile(level=0, index=5, width=4)) is None


def test_the_tile_that_was_not_asked_for_the_longest_goes_first() -> None:
    kept = KeptTiles()
    tiles = [Tile(level=1, index=index, width=TILE_WIDTH) for index in range(TILES_KEPT_MAX + 1)]
    nodes = nodes_of(tiles[0])
    for tile in tiles[:-1]:
        kept.keep(tile, nodes)
    assert kept.find(tiles[0]) is not None
    kept.keep(tiles[-1], nodes)
    assert kept.find(tiles[0]) is not None
    assert kept.find(tiles[1]) is None
    assert all(kept.find(tile) is not None for tile in tiles[2:])
