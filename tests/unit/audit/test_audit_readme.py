"""The numbers of the README's example, computed again."""

import re
from pathlib import Path

from audit.hashing import hash_children, hash_leaf
from audit.merkle import CompactRange
from audit.proofs import make_consistency_proof
from tests.support.log_files import reader_of

README = (Path(__file__).parents[3] / "audit/README.md").read_text("utf-8")
LEAVES = [hash_leaf(word) for word in (b"one", b"two", b"three", b"four", b"five", b"six", b"seven")]


def short(*hashes: bytes) -> str:
    return " ".join(node.hex()[:8] for node in hashes)


def test_the_picture_shows_the_tree_of_six() -> None:
    level1 = [hash_children(LEAVES[place], LEAVES[place + 1]) for place in (0, 2, 4)]
    assert short(*LEAVES[:6]) in README
    assert re.search(r" +".join(short(*level1).split()), README)
    assert short(hash_children(level1[0], level1[1])) in README


def test_the_example_appends_seven() -> None:
    six = CompactRange().extend(LEAVES[:6])
    assert f"two hashes, `{short(*six.range.hashes)}`, and the root is their hash `{short(six.root_hash)}`" in README
    seven = six.range.extend(LEAVES[6:])
    right = hash_children(six.range.hashes[1], LEAVES[6])
    assert f"`{short(right)} = hash({short(six.range.hashes[1])}, {short(LEAVES[6])})`" in README
    assert f"`{short(seven.root_hash)} = hash({short(six.range.hashes[0])}, {short(right)})`" in README
    assert f"the new range: `{short(*seven.range.hashes)}`" in README
    assert f"the inclusion path of `seven`: `{short(*seven.paths[0])}`" in README
    proof = make_consistency_proof(size1=6, size2=7, hash_at=reader_of(LEAVES))
    assert f"the **consistency proof** from 6 to 7 is `{short(*proof)}`" in README
