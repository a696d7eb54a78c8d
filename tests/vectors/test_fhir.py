"""FHIR's own validator cases for R4: no false alarm, no stray exception, and the errors that a shape check can find."""

import json

import pytest

from schemas.canonical import parse_json
from schemas.errors import DocumentError
from schemas.fhir import check_resource
from tests.support.shared import shared_path

CASES = 141
SHAPE_ERRORS = 26
"""What `fhir.resources` alone finds of the 91 errors; the rest need terminology, invariants or profiles."""


def _refused(text: str) -> bool:
    """Read and check a case as a connector would: the parser refuses, or the shape check lists issues."""
    try:
        resource = parse_json(text.encode("utf-8"), floats=True)
    except DocumentError:
        return True
    return bool(check_resource(resource))


def test_the_validator_cases_of_fhir_r4() -> None:
    cases = json.loads(shared_path("vectors/fhir-r4-cases.json").read_text("utf-8"))
    assert len(cases) == CASES
    false_alarms = [case["name"] for case in cases if case["outcome"] == "ok" and _refused(case["content"]["text"])]
    found = [case["name"] for case in cases if case["outcome"] == "error" and _refused(case["content"]["text"])]
    assert false_alarms == []
    assert len(found) >= SHAPE_ERRORS


@pytest.mark.parametrize(
    ("file", "member", "count"), [("ihe-pcf/consents", "consents", 23), ("ihe-balp/auditevents", "auditEvents", 7)]
)
def test_the_examples_of_ihe_are_right(file: str, member: str, count: int) -> None:
    examples = json.loads(shared_path(f"vectors/{file}.json").read_text("utf-8"))[member]
    assert [check_resource(example["resource"]) for example in examples] == [()] * count
