"""Proofs that are too short, too long or about nothing: each is refused before a root is compared."""

import pytest

from audit.errors import ConsistencyProofError
from audit.hashing import hash_children, hash_leaf
from audit.merkle import CompactRange
from audit.proofs import verify_consistency

LEAVES = [hash_leaf(bytes([number])) for number in range(4)]
ROOTS = [CompactRange().extend(LEAVES[:size]).root_hash for size in range(5)]


@pytest.mark.parametrize(
    ("sizes", "proof", "finding"),
    [
        ((3, 4), [], "shorter than the tree is high"),
        ((3, 4), LEAVES[2:3], "shorter than the tree is high"),
        ((2, 4), [], "shorter than the tree is high"),
        ((2, 4), [hash_children(*LEAVES[2:]), ROOTS[1]], "longer than the tree is high"),
        ((3, 3), [ROOTS[1]], "differ, or their proof is not empty"),
        ((0, 3), [], "no consistency proof leads from 0"),
        ((4, 3), [], "no consistency proof leads from 4"),
        ((3, 4), [b"short"], "at most 128 hashes of 32 bytes"),
        ((3, 4), [ROOTS[1]] * 129, "at most 128 hashes of 32 bytes"),
    ],
)
def test_a_consistency_proof_of_another_form_is_refused(
    sizes: tuple[int, int], proof: list[bytes], finding: str
) -> None:
    size1, size2 = sizes
    with pytest.raises(ConsistencyProofError, match=finding):
        verify_consistency(size1=size1, root1=ROOTS[size1], size2=size2, root2=ROOTS[size2], proof=proof)


def test_the_right_proofs_hold() -> None:
    verify_consistency(size1=2, root1=ROOTS[2], size2=4, root2=ROOTS[4], proof=[hash_children(*LEAVES[2:])])
    proof = [LEAVES[2], LEAVES[3], ROOTS[2]]
    verify_consistency(size1=3, root1=ROOTS[3], size2=4, root2=ROOTS[4], proof=proof)
