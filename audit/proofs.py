"""Inclusion and consistency proofs: checked from hashes alone, made from whatever can tell a complete node's hash.

Making a proof needs about two hashes for each level of the tree, read through `HashAt`; a hub answers it from its
tiles, a test from a list.

    >>> from audit.hashing import hash_children, hash_leaf
    >>> left, right = hash_leaf(b"one"), hash_leaf(b"two")
    >>> verify_inclusion(
    ...     leaf_hash=right, leaf_index=1, tree_size=2, path=[left], root_hash=hash_children(left, right)
    ... )

Source: RFC 6962, section 2.1; RFC 9162, section 2.1.
"""

from collections.abc import Sequence
from functools import reduce
from hmac import compare_digest
from typing import Final, Protocol

from audit.errors import ConsistencyProofError, InclusionProofError
from audit.hashing import EMPTY_ROOT, HASH_BYTES, hash_children

PATH_HASHES_MAX: Final = 64
CONSISTENCY_HASHES_MAX: Final = 128


class HashAt(Protocol):
    """Tells the hash of a complete node of the tree."""

    def __call__(self, level: int, index: int) -> bytes:
        """Return the 32-byte hash over the leaves from `index * 2**level` up to `(index + 1) * 2**level`.

        It is called only for nodes whose leaves are all in the tree. What it raises, the proof raises.
        """
        ...


def verify_inclusion(
    *, leaf_hash: bytes, leaf_index: int, tree_size: int, path: Sequence[bytes], root_hash: bytes
) -> None:
    """Check that a leaf is in the tree that `root_hash` commits to.

    Nothing is checked about `root_hash` itself; take it from a verified checkpoint.

    Args:
        leaf_hash: 32-byte SHA-256 leaf hash, from `hash_leaf`.
        leaf_index: Place of the leaf, from 0; below `tree_size`.
        tree_size: Number of leaves in the tree.
        path: 32-byte sibling hashes, leaf to root; at most 64.
        root_hash: 32-byte root hash of the tree of `tree_size` leaves.

    Raises:
        InclusionProofError: The path does not lead from the leaf to the root.

    Source: RFC 6962, section 2.1.1; RFC 9162, section 2.1.3.2.
    """
    if not 0 <= leaf_index < tree_size:
        raise InclusionProofError(f"leaf {leaf_index} is not in a tree of {tree_size} leaves")
    if len(path) > PATH_HASHES_MAX or any(len(node) != HASH_BYTES for node in (leaf_hash, root_hash, *path)):
        raise InclusionProofError("a path is at most 64 hashes of 32 bytes")
    # Names and steps of RFC 9162, 2.1.3.2: fn and sn are the places of our node and of the last one, level by level.
    fn, sn, node = leaf_index, tree_size - 1, leaf_hash
    for sibling in path:
        if sn == 0:
            raise InclusionProofError("the path is longer than the tree is high")
        if fn & 1 or fn == sn:
            node = hash_children(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = hash_children(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise InclusionProofError("the path is shorter than the tree is high")
    if not compare_digest(node, root_hash):
        raise InclusionProofError(f"the path of leaf {leaf_index} does not lead to the root of {tree_size} leaves")


def verify_consistency(*, size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `size1` leaves is the beginning of the tree of `size2` leaves.

    Nothing is checked about the roots themselves; take them from verified checkpoints. No proof starts at the empty
    tree: every tree continues it, so a caller that holds size 0 has nothing to ask.

    Args:
        size1: Leaves of the earlier tree; at least 1.
        root1: Its 32-byte root hash.
        size2: Leaves of the later tree; at least `size1`.
        root2: Its 32-byte root hash.
        proof: 32-byte hashes; empty for equal sizes.

    Raises:
        ConsistencyProofError: It is not shown.

    Source: RFC 6962, section 2.1.2; RFC 9162, section 2.1.4.2.
    """
    if not 0 < size1 <= size2:
        raise ConsistencyProofError(f"no consistency proof leads from {size1} to {size2} leaves")
    if size1 == size2:
        # Only the equality is asked here; that a root has 32 bytes is checked where a checkpoint is read.
        if proof or not compare_digest(root1, root2):
            raise ConsistencyProofError(f"two trees of {size1} leaves differ, or their proof is not empty")
        return
    if len(proof) > CONSISTENCY_HASHES_MAX or any(len(node) != HASH_BYTES for node in (root1, root2, *proof)):
        raise ConsistencyProofError("a consistency proof is at most 128 hashes of 32 bytes")
    # A size that is a power of two is itself the first node of the proof.
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    fr, sr = _roots_of(path, size1=size1, size2=size2)
    if not (compare_digest(fr, root1) and compare_digest(sr, root2)):
        raise ConsistencyProofError(f"the tree of {size1} leaves is not the beginning of that of {size2}")


def _roots_of(path: Sequence[bytes], *, size1: int, size2: int) -> tuple[bytes, bytes]:
    """Compute both roots from the nodes of a consistency proof; names and steps of RFC 9162, 2.1.4.2."""
    if not path:
        raise ConsistencyProofError("the proof is shorter than the tree is high")
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for node in path[1:]:
        if sn == 0:
            raise ConsistencyProofError("the proof is longer than the tree is high")
        if fn & 1 or fn == sn:
            fr, sr = hash_children(node, fr), hash_children(node, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hash_children(sr, node)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ConsistencyProofError("the proof is shorter than the tree is high")
    return fr, sr


def range_nodes(begin: int, end: int) -> tuple[tuple[int, int], ...]:
    """List the fewest complete nodes (level, index) that cover the leaves `begin` up to `end`, from left to right.

    Raises:
        ValueError: `begin` is negative or after `end`.
    """
    if not 0 <= begin <= end:
        raise ValueError(f"no leaves from {begin} up to {end}")
    nodes = []
    while begin < end:
        # The largest node that starts at `begin` (its alignment) and does not reach beyond `end`.
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return tuple(nodes)


def tree_root(*, tree_size: int, hash_at: HashAt) -> bytes:
    """Compute the root hash of the tree's first `tree_size` leaves."""
    return _range_hash(0, tree_size, hash_at) if tree_size else EMPTY_ROOT


def make_inclusion_proof(*, leaf_index: int, tree_size: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """Make the inclusion path of a leaf, leaf to root.

    Args:
        leaf_index: Place of the leaf, from 0; below `tree_size`.
        tree_size: Number of leaves in the tree to prove it in; the log may have more.
        hash_at: Tells the complete nodes' hashes.

    Raises:
        ValueError: There is no such leaf in such a tree.

    Source: RFC 6962, section 2.1.1: PATH(m, D[n]).
    """
    if not 0 <= leaf_index < tree_size:
        raise ValueError(f"leaf {leaf_index} is not in a tree of {tree_size} leaves")
    path: list[bytes] = []
    begin, end = 0, tree_size
    # From the root down: at each split the half without the leaf is one hash of the path.
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if leaf_index < middle:
            path.append(_range_hash(middle, end, hash_at))
            end = middle
        else:
            path.append(_range_hash(begin, middle, hash_at))
            begin = middle
    return tuple(reversed(path))


def make_consistency_proof(*, size1: int, size2: int, hash_at: HashAt) -> tuple[bytes, ...]:
    """Make the proof that the first `size1` leaves of the tree of `size2` leaves are the tree of that size.

    Args:
        size1: Leaves of the earlier tree; at least 1.
        size2: Leaves of the later tree; at least `size1`.
        hash_at: Tells the complete nodes' hashes.

    Raises:
        ValueError: There is no proof between these sizes.

    Source: RFC 6962, section 2.1.2: PROOF(m, D[n]) and SUBPROOF(m, D[n], b).
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"no consistency proof leads from {size1} to {size2} leaves")
    proof: list[bytes] = []
    begin, end = 0, size2
    # SUBPROOF from the root down; `begin` is still 0 exactly as long as its flag b is true.
    while size1 < end:
        middle = begin + _split(end - begin)
        if size1 <= middle:
            proof.append(_range_hash(middle, end, hash_at))
            end = middle
        else:
            proof.append(_range_hash(begin, middle, hash_at))
            begin = middle
    if begin:
        proof.append(_range_hash(begin, end, hash_at))
    return tuple(reversed(proof))


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`. RFC 6962, section 2.1."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(begin: int, end: int, hash_at: HashAt) -> bytes:
    """Hash the leaves `begin` up to `end`, of a range at which RFC 6962 splits the tree."""
    hashes = [hash_at(level, index) for level, index in range_nodes(begin, end)]
    return reduce(lambda right, left: hash_children(left, right), reversed(hashes))
