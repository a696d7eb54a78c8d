"""Inclusion and consistency proofs against the vectors of transparency-dev/merkle."""

import base64
import json
from collections import Counter
from typing import Any

import pytest

from audit.errors import ConsistencyProofError, InclusionProofError
from audit.proofs import range_nodes, verify_consistency, verify_inclusion
from tests.support.shared import shared_path


def _cases(name: str) -> list[dict[str, Any]]:
    """Read one file of cases (`Any`: the form is upstream's)."""
    cases: list[dict[str, Any]] = json.loads(shared_path(f"vectors/merkle/{name}.json").read_text("utf-8"))
    return cases


def _hash(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def test_every_inclusion_case_is_judged_as_upstream_judges_it() -> None:
    outcomes: Counter[bool] = Counter()
    for case in _cases("inclusion"):
        proof = [_hash(node) for node in case["proof"] or []]
        try:
            verify_inclusion(
                leaf_hash=_hash(case["leafHash"]),
                leaf_index=case["leafIdx"],
                tree_size=case["treeSize"],
                path=proof,
                root_hash=_hash(case["root"]),
            )
            refused = False
        except InclusionProofError:
            refused = True
        assert refused == case["wantErr"], case["file"]
        outcomes[refused] += 1
    assert outcomes == Counter({True: 92, False: 6})


def test_every_consistency_case_is_judged_as_upstream_judges_it() -> None:
    outcomes: Counter[bool] = Counter()
    for case in _cases("consistency"):
        try:
            verify_consistency(
                size1=case["size1"],
                root1=_hash(case["root1"]),
                size2=case["size2"],
                root2=_hash(case["root2"]),
                proof=[_hash(node) for node in case["proof"] or []],
            )
            refused = False
        except ConsistencyProofError:
            refused = True
        assert refused == case["wantErr"], case["file"]
        outcomes[refused] += 1
    assert outcomes == Counter({True: 92, False: 6})


def test_the_nodes_of_a_range_cover_it_without_gap_or_overlap() -> None:
    covered = 0
    for case in _cases("compact_ranges"):
        begin, end = case["begin"], case["end"]
        if begin > end:
            with pytest.raises(ValueError, match="no leaves from"):
                range_nodes(begin, end)
            continue
        place = begin
        for level, index in range_nodes(begin, end):
            assert index << level == place, case["file"]
            place = index + 1 << level
        assert place == end, case["file"]
        covered += 1
    assert covered == 18
