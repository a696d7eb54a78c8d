"""The log's tree as far as appending needs it: a *compact range*, at most one hash for each power of two.

A tree of 13 = 8 + 4 + 1 leaves is kept as three hashes, of its first 8, next 4 and last 1 leaves. From these and a
batch of new leaves follow the new range, the new root hash and the inclusion path of every new leaf, so the cost of an
append does not depend on how long the log is.

    >>> from audit.hashing import hash_leaf
    >>> extension = CompactRange().extend([hash_leaf(b"one"), hash_leaf(b"two"), hash_leaf(b"three")])
    >>> extension.range.size, [len(path) for path in extension.paths]
    (3, [2, 2, 1])

A *node* is named by its level (0 = leaves) and its index in that level; node (l, i) covers the leaves from `i * 2**l`
up to `(i + 1) * 2**l`. Only nodes whose leaves are all there are *complete*. The tree's right edge can hold one more
at each level, over the leaves that are left.

Source: RFC 6962, section 2.1; RFC 9162, section 2.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Final, Self

from audit.errors import refused
from audit.hashing import EMPTY_ROOT, HASH_BYTES, NODE_PREFIX, hash_children

TREE_LEVELS_MAX: Final = 64
TREE_SIZE_MAX: Final = 2**53 - 1
"""Largest tree: an index must be an integer that every JSON reader keeps."""

TILE_HEIGHT: Final = 8
"""Levels of the tree in one tile. C2SP tlog-tiles."""


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over a power of two of neighbouring complete nodes, such as those of a full tile."""
    nodes = list(hashes)
    while len(nodes) > 1:
        nodes = [sha256(NODE_PREFIX + nodes[n] + nodes[n + 1]).digest() for n in range(0, len(nodes), 2)]
    return nodes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TileHash:
    """A hash that stands in a tile above level 0: that of a full tile below.

    Attributes:
        level: Level of the *tile*, from 1.
        index: Place among all hashes of that tile level; tile `index // 256`, place `index % 256` in it.
        hash: 32-byte hash over `256 ** level` leaves.
    """

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactRange:
    """The complete subtrees that a tree of `size` leaves consists of.

    Attributes:
        size: Number of leaves.
        hashes: One 32-byte hash for each bit that is set in `size`, the largest subtree first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= TREE_SIZE_MAX or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"{len(self.hashes)} hashes are no compact range of size {self.size}")
        if any(len(node) != HASH_BYTES for node in self.hashes):
            raise ValueError("a hash of a compact range has 32 bytes")

    @classmethod
    def from_bytes(cls, *, size: int, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            DocumentError: The data is no compact range of that size.
        """
        hashes = tuple(data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES))
        try:
            return cls(size=size, hashes=hashes)
        except ValueError as error:
            raise refused("hub.log.compact-range", str(error)) from error

    def to_bytes(self) -> bytes:
        """Write the hashes one after the other, the largest subtree first."""
        return b"".join(self.hashes)

    def root(self) -> bytes:
        """Return the root hash of the tree; of the empty tree, the hash of nothing."""
        if not self.hashes:
            return EMPTY_ROOT
        return reduce(lambda right, left: hash_children(left, right), reversed(self.hashes))

    def append(self, leaf_hash: bytes) -> "CompactRange":
        """Return the range with one leaf more; `extend` also tells its path."""
        return CompactRange(size=self.size + 1, hashes=tuple(_merge(self.hashes, self.size, leaf_hash)))

    def extend(self, leaf_hashes: Sequence[bytes]) -> "Extension":
        """Return the range with a batch of leaves more, and what is new with it.

        Args:
            leaf_hashes: 32-byte leaf hashes in the order of the log; may be empty.

        Raises:
            ValueError: A leaf hash does not have 32 bytes, or the tree would be too large.

        Source: RFC 6962, section 2.1.1, for the paths.
        """
        if any(len(leaf) != HASH_BYTES for leaf in leaf_hashes):
            raise ValueError("a leaf hash has 32 bytes")
        if self.size + len(leaf_hashes) > TREE_SIZE_MAX:
            raise ValueError(f"a tree holds at most {TREE_SIZE_MAX} leaves")
        if not leaf_hashes:
            return Extension(range=self, root_hash=self.root(), paths=(), tile_hashes=())
        levels = _grow(self, leaf_hashes)
        return Extension(
            range=CompactRange(
                size=self.size + len(leaf_hashes),
                hashes=tuple(level.left_over for level in reversed(levels) if level.left_over is not None),
            ),
            root_hash=levels[-1].root,
            paths=_paths(levels),
            tile_hashes=tuple(
                TileHash(level=number // TILE_HEIGHT, index=level.first_new + place, hash=node)
                for number, level in enumerate(levels)
                if number and number % TILE_HEIGHT == 0
                for place, node in enumerate(level.nodes[level.first_new - level.first :])
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What a batch of new leaves makes of a tree.

    Attributes:
        range: The compact range of the new tree.
        root_hash: Its 32-byte root hash.
        paths: For each new leaf, its inclusion path in the new tree, leaf to root.
        tile_hashes: The new hashes of tiles above level 0, lower levels first, in order.
    """

    range: CompactRange
    root_hash: bytes
    paths: tuple[tuple[bytes, ...], ...]
    tile_hashes: tuple[TileHash, ...]


@dataclass(slots=True)
class _Level:
    """One level of the part of the new tree that differs from the old one.

    Attributes:
        first: Index of `nodes[0]`; even.
        first_new: Index of the first node over a new leaf: `first`, or one more where `nodes[0]` is an old node.
        nodes: Complete nodes.
        edge: The node over the leaves right of the last complete node; None if there are none.
        left_over: The last complete node, where it has no complete sibling to its right: it is in the new range.
    """

    first: int
    first_new: int
    nodes: list[bytes]
    edge: bytes | None
    left_over: bytes | None

    @property
    def root(self) -> bytes:
        """The only node of the top level."""
        return self.edge if self.edge is not None else self.nodes[0]


def _merge(hashes: tuple[bytes, ...], size: int, node: bytes) -> list[bytes]:
    """Add a leaf: as in binary counting, each bit of `size` that carries merges two subtrees into one."""
    merged = list(hashes)
    while size & 1:
        node = hash_children(merged.pop(), node)
        size >>= 1
    merged.append(node)
    return merged


def _grow(old: CompactRange, leaf_hashes: Sequence[bytes]) -> list[_Level]:
    """Build the new part of the tree level by level, up to the one that holds only the root."""
    new_size = old.size + len(leaf_hashes)
    waiting = list(old.hashes)
    nodes = list(leaf_hashes)
    edge: bytes | None = None
    levels: list[_Level] = []
    for number in range(TREE_LEVELS_MAX):  # pragma: no branch - the root is reached: sizes are below 2**53
        first_new = old.size >> number
        first = first_new
        if first_new & 1:
            # The old tree ends with a node that waits for its right sibling: the range holds it.
            nodes.insert(0, waiting.pop())
            first -= 1
        odd = len(nodes) & 1
        levels.append(
            _Level(first=first, first_new=first_new, nodes=nodes, edge=edge, left_over=nodes[-1] if odd else None)
        )
        if new_size <= 1 << number:
            return levels
        if odd:
            # Without a partner the last complete node moves up as it is: RFC 6962 splits at a power of two.
            edge = nodes[-1] if edge is None else hash_children(nodes[-1], edge)
        # Written out: calling a function for each of the nodes takes a third of the whole time.
        nodes = [
            sha256(NODE_PREFIX + nodes[place] + nodes[place + 1]).digest() for place in range(0, len(nodes) - odd, 2)
        ]
    raise AssertionError("a tree has a root")  # pragma: no cover


def _paths(levels: list[_Level]) -> tuple[tuple[bytes, ...], ...]:
    """Walk down from the root: a node's path is its sibling, then the path of its parent."""
    # At every level `parents[0]` is the path of the parent of `nodes[0]`; `edge_parent` that of the parent's edge.
    parents: list[tuple[bytes, ...]] = [()]
    edge_parent: tuple[bytes, ...] = ()
    for level in reversed(levels[:-1]):
        nodes, edge = level.nodes, level.edge
        paths = []
        for place in range(level.first_new - level.first, len(nodes)):
            sibling = place ^ 1
            if sibling < len(nodes):
                paths.append((nodes[sibling], *parents[place >> 1]))
            elif edge is not None:
                paths.append((edge, *edge_parent))
            else:
                paths.append(edge_parent)
        if edge is not None and len(nodes) & 1:
            edge_parent = (nodes[-1], *edge_parent)
        parents = paths
    return tuple(parents)
