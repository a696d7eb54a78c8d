"""Tiles: their paths, which there are, reading and writing them."""

import pytest

from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.proofs import tree_root
from audit.tiles import (
    Tile,
    TileNodes,
    bundle_to_bytes,
    hash_at_from_tiles,
    new_tiles,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    tile_nodes,
    tile_to_bytes,
    tiles_of,
)
from schemas.errors import DocumentError, EvidenceError


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=1234067), "tile/0/x001/x234/067"),
        (Tile(level=1, index=1000, width=17), "tile/1/x001/000.p/17"),
        (Tile(level=63, index=7, width=255), "tile/63/007.p/255"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == (tile, False)


def test_a_bundle_has_the_path_of_its_tile() -> None:
    tile = Tile(level=0, index=1234067, width=3)
    assert tile.bundle_path == "tile/entries/x001/x234/067.p/3"
    assert parse_tile_path(tile.bundle_path) == (tile, True)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/0/000/3",
        "tile/x/000",
        "tile/0/٣٣٣",
        "tile/0/999999999999999999999",
        "tile/entries",
        "tile/entries/0000",
        "tiles/0/000",
        "tile/0/../0/000",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(path: str) -> None:
    with pytest.raises(DocumentError):
        parse_tile_path(path)


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))
    assert sum(tile.level == 0 and tile.width == 256 for tile in tiles) == 273
    assert [tile for tile in tiles if tile.width < 256] == [
        Tile(level=0, index=273, width=112),
        Tile(level=1, index=1, width=17),
        Tile(level=2, index=0, width=1),
    ]
    assert Tile(level=1, index=0) in tiles
    assert len(tiles) == 277


def test_a_tree_of_256_has_a_full_tile_and_a_partial_one_above() -> None:
    assert list(tiles_of(256)) == [Tile(level=0, index=0), Tile(level=1, index=0, width=1)]
    assert list(tiles_of(0)) == []


def test_an_append_touches_only_what_is_new_or_wider() -> None:
    assert list(new_tiles(old_size=10, new_size=12)) == [Tile(level=0, index=0, width=12)]
    assert list(new_tiles(old_size=250, new_size=515)) == [
        Tile(level=0, index=0),
        Tile(level=0, index=1),
        Tile(level=0, index=2, width=3),
        Tile(level=1, index=0, width=2),
    ]
    assert list(new_tiles(old_size=256, new_size=256)) == []
    assert list(new_tiles(old_size=256, new_size=257)) == [Tile(level=0, index=1, width=1)]


def test_tiles_and_bundles_come_back_and_a_full_one_serves_for_a_partial_one() -> None:
    hashes = [hash_leaf(bytes([n])) for n in range(256)]
    data = tile_to_bytes(hashes)
    assert list(parse_tile(data, width=256)) == hashes
    assert list(parse_tile(data, width=3)) == hashes[:3]
    assert list(parse_tile(data[:96], width=3)) == hashes[:3]
    entries = [b"x" * n for n in range(256)]
    bundle = bundle_to_bytes(entries)
    assert list(parse_bundle(bundle, width=256)) == entries
    assert list(parse_bundle(bundle, width=2)) == entries[:2]


@pytest.mark.parametrize("data", [b"", b"\x00" * 31, b"\x00" * 64, b"\x00" * 97, b"\x00" * 8193])
def test_a_tile_of_another_size_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_tile(data, width=3)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x01a\x00", b"\x00\x01a\x00\x02b", b"\x00\x01a" * 3])
def test_a_bundle_that_is_cut_off_or_of_another_width_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_bundle(data, width=2)


def test_proofs_read_any_complete_node_from_tiles() -> None:
    size = 66_000
    leaves = [hash_leaf(n.to_bytes(4, "big")) for n in range(size)]
    grown = CompactRange().extend(leaves)
    levels = {0: leaves}
    for tile in grown.tile_hashes:
        levels.setdefault(tile.level, []).append(tile.hash)

    def nodes_of(tile: Tile) -> TileNodes:
        return tile_nodes(tile, tile_to_bytes(levels[tile.level][tile.index * 256 : tile.index * 256 + tile.width]))

    hash_at = hash_at_from_tiles(size=size, nodes_of=nodes_of)
    assert tree_root(tree_size=size, hash_at=hash_at) == grown.root_hash
    for level, index in [(0, 65_999), (3, 8_249), (8, 256), (10, 63), (16, 0)]:
        expected = CompactRange().extend(leaves[index << level : index + 1 << level]).root_hash
        assert hash_at(level, index) == expected
    with pytest.raises(EvidenceError, match="not complete"):
        hash_at(8, 257)
    with pytest.raises(EvidenceError, match="does not have its"):
        tile_nodes(Tile(level=0, index=0), tile_to_bytes(leaves[:255]))
