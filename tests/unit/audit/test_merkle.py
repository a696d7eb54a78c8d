"""The compact range and the proofs: what they refuse."""

import pytest

from audit.errors import ConsistencyProofError, InclusionProofError
from audit.hashing import hash_children, hash_leaf
from audit.merkle import TREE_SIZE_MAX, CompactRange
from audit.proofs import (
    make_consistency_proof,
    make_inclusion_proof,
    range_nodes,
    verify_consistency,
    verify_inclusion,
)
from schemas.errors import DocumentError, EvidenceError
from tests.support.log_files import reader_of

LEAVES = [hash_leaf(bytes([number])) for number in range(9)]


def root(size: int) -> bytes:
    return CompactRange().extend(LEAVES[:size]).root_hash


def test_thirteen_leaves_are_three_hashes() -> None:
    grown = CompactRange().extend([hash_leaf(bytes([number])) for number in range(13)]).range
    assert [level for level, _ in range_nodes(0, 13)] == [3, 2, 0]
    assert len(grown.hashes) == 3


def test_an_empty_batch_changes_nothing() -> None:
    grown = CompactRange().extend(LEAVES).range
    extension = grown.extend([])
    assert (extension.range, extension.root_hash, extension.paths) == (grown, grown.root(), ())


def test_a_range_has_one_hash_for_each_bit_of_its_size() -> None:
    for size, hashes in ((3, LEAVES[:1]), (2, LEAVES[:2]), (-1, []), (TREE_SIZE_MAX + 1, LEAVES[:1]), (1, [b"x"])):
        with pytest.raises(ValueError, match="hash"):
            CompactRange(size=size, hashes=tuple(hashes))
    with pytest.raises(DocumentError):
        CompactRange.from_bytes(size=1, data=bytes(33))


def test_a_batch_that_cannot_be_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        CompactRange().extend([b"short"])
    full = CompactRange(size=TREE_SIZE_MAX, hashes=tuple([LEAVES[0]] * 53))
    with pytest.raises(ValueError, match="at most"):
        full.extend(LEAVES[:1])


@pytest.mark.parametrize(("index", "size"), [(-1, 9), (9, 9), (0, 0)])
def test_no_path_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(InclusionProofError, match="not in a tree"):
        verify_inclusion(leaf_hash=LEAVES[0], leaf_index=index, tree_size=size, path=[], root_hash=root(1))
    with pytest.raises(ValueError, match="not in a tree"):
        make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=reader_of(LEAVES))


def test_a_path_of_the_wrong_length_or_root_is_refused() -> None:
    path = make_inclusion_proof(leaf_index=3, tree_size=9, hash_at=reader_of(LEAVES))
    for wrong, finding in (
        (path[:-1], "shorter"),
        ((*path, path[0]), "longer"),
        ((*path[1:], path[0]), "does not lead"),
        ((b"x", *path[1:]), "32 bytes"),
        ([path[0]] * 65, "at most 64"),
    ):
        with pytest.raises(EvidenceError, match=finding):
            verify_inclusion(leaf_hash=LEAVES[3], leaf_index=3, tree_size=9, path=wrong, root_hash=root(9))


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 9), (4, 3)])
def test_no_consistency_proof_from_nothing_or_backwards(size1: int, size2: int) -> None:
    with pytest.raises(ConsistencyProofError, match="no consistency proof"):
        verify_consistency(size1=size1, root1=root(size1), size2=size2, root2=root(size2), proof=[])
    with pytest.raises(ValueError, match="no consistency proof"):
        make_consistency_proof(size1=size1, size2=size2, hash_at=reader_of(LEAVES))


def test_a_consistency_proof_of_the_wrong_length_or_root_is_refused() -> None:
    proof = make_consistency_proof(size1=5, size2=9, hash_at=reader_of(LEAVES))
    for wrong, finding in (
        ((), "shorter"),
        (proof[:-1], "shorter"),
        ((*proof, proof[0]), "longer"),
        ((*proof[1:], proof[0]), "not the beginning"),
        ((b"x", *proof[1:]), "32 bytes"),
        ([proof[0]] * 129, "at most 128"),
    ):
        with pytest.raises(ConsistencyProofError, match=finding):
            verify_consistency(size1=5, root1=root(5), size2=9, root2=root(9), proof=wrong)
    with pytest.raises(ConsistencyProofError, match="differ"):
        verify_consistency(size1=5, root1=root(5), size2=5, root2=root(4), proof=[])
    with pytest.raises(ConsistencyProofError, match="not empty"):
        verify_consistency(size1=5, root1=root(5), size2=5, root2=root(5), proof=[LEAVES[0]])


def test_either_root_that_is_wrong_is_found() -> None:
    proof = make_consistency_proof(size1=5, size2=9, hash_at=reader_of(LEAVES))
    for root1, root2 in ((root(4), root(9)), (root(5), root(8))):
        with pytest.raises(ConsistencyProofError, match="not the beginning"):
            verify_consistency(size1=5, root1=root1, size2=9, root2=root2, proof=proof)


def test_two_leaves_make_the_hash_of_the_readme() -> None:
    left, right = hash_leaf(b"one"), hash_leaf(b"two")
    assert CompactRange().extend([left, right]).root_hash == hash_children(left, right)
