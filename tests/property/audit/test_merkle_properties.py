"""The tree against the definition of RFC 6962, section 2.1, written down as it stands there."""

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.hashing import EMPTY_ROOT, hash_leaf
from audit.merkle import CompactRange
from audit.proofs import (
    make_consistency_proof,
    make_inclusion_proof,
    range_nodes,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES_MAX = 300
ENTRIES = [number.to_bytes(2, "big") for number in range(LEAVES_MAX)]
HASHES = [hash_leaf(entry) for entry in ENTRIES]

sizes = st.integers(min_value=0, max_value=LEAVES_MAX)


def split(size: int) -> int:
    """The largest power of two smaller than `size`, found by counting."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mth(entries: list[bytes]) -> bytes:
    """MTH(D[n])."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], *, b: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(entries):
        return [] if b else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], b=b), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], b=False), mth(entries[:k])]


def hash_at(level: int, index: int) -> bytes:
    assert index + 1 << level <= LEAVES_MAX, "only complete nodes are asked for"
    return mth(ENTRIES[index << level : index + 1 << level])


@given(sizes, st.lists(st.integers(min_value=0, max_value=60), max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_batches_give_the_root_and_paths_of_the_definition(start: int, batches: list[int]) -> None:
    grown = CompactRange().extend(HASHES[:start]).range
    for batch in batches:
        extension = grown.extend(HASHES[grown.size : grown.size + batch])
        size = extension.range.size
        assert mth(ENTRIES[:size]) == extension.root_hash == extension.range.root()
        expected = [tuple(path(place, ENTRIES[:size])) for place in range(grown.size, size)]
        assert expected == list(extension.paths)
        assert [hash_at(level, index) for level, index in range_nodes(0, size)] == list(extension.range.hashes)
        grown = extension.range


@given(sizes)
@settings(max_examples=30, deadline=None)
def test_one_at_a_time_and_all_at_once_give_the_same_range(size: int) -> None:
    single = CompactRange()
    for leaf in HASHES[:size]:
        single = single.append(leaf)
    assert CompactRange().extend(HASHES[:size]).range == single
    assert CompactRange.from_bytes(size=size, data=single.to_bytes()) == single


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_inclusion_proofs_are_those_of_the_definition_and_verify(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=LEAVES_MAX))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    proof = make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=hash_at)
    assert tuple(path(index, ENTRIES[:size])) == proof
    root = tree_root(tree_size=size, hash_at=hash_at)
    assert mth(ENTRIES[:size]) == root
    verify_inclusion(leaf_hash=HASHES[index], leaf_index=index, tree_size=size, path=proof, root_hash=root)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_consistency_proofs_are_those_of_the_definition_and_verify(data: st.DataObject) -> None:
    size2 = data.draw(st.integers(min_value=1, max_value=LEAVES_MAX))
    size1 = data.draw(st.integers(min_value=1, max_value=size2))
    proof = make_consistency_proof(size1=size1, size2=size2, hash_at=hash_at)
    assert tuple(subproof(size1, ENTRIES[:size2], b=True)) == proof
    root1, root2 = mth(ENTRIES[:size1]), mth(ENTRIES[:size2])
    verify_consistency(size1=size1, root1=root1, size2=size2, root2=root2, proof=proof)


def test_every_leaf_of_every_small_tree_has_its_path() -> None:
    for size in range(1, 70):
        root = mth(ENTRIES[:size])
        for begin in range(size):
            extension = CompactRange().extend(HASHES[:begin]).range.extend(HASHES[begin:size])
            assert root == extension.root_hash
            verify_inclusion(
                leaf_hash=HASHES[begin],
                leaf_index=begin,
                tree_size=size,
                path=extension.paths[0],
                root_hash=root,
            )


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert mth([]) == EMPTY_ROOT == CompactRange().root() == tree_root(tree_size=0, hash_at=hash_at)


def test_tile_hashes_are_the_roots_of_full_tiles() -> None:
    entries = [number.to_bytes(4, "big") for number in range(70_000)]
    leaves = [hash_leaf(entry) for entry in entries]
    first = CompactRange().extend(leaves[:300])
    second = first.range.extend(leaves[300:])
    assert [(tile.level, tile.index) for tile in first.tile_hashes] == [(1, 0)]
    found = {(tile.level, tile.index): tile.hash for tile in (*first.tile_hashes, *second.tile_hashes)}
    assert {(1, index) for index in range(273)} | {(2, 0)} == found.keys()
    assert mth(entries[256 * 7 : 256 * 8]) == found[1, 7]
    assert mth(entries[:65_536]) == found[2, 0]
