"""The examples of the README are right by the definitions."""

import json
import re
from pathlib import Path

import pytest

import schemas
from schemas.definitions import load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.fhir import check_values, item_to_resource
from tests.support.example_documents import DAY

DEFINITIONS = load_definitions()
README = (Path(schemas.__file__).parent / "README.md").read_text("utf-8")


def examples() -> list[DocumentItem]:
    """Return the items that the README shows."""
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    return [
        DocumentItem(
            profile=each["profile"],
            id=each["id"],
            about=tuple(each["about"]),
            elements={name: tuple(values) for name, values in each["elements"].items()},
        )
        for each in found
    ]


def test_the_readme_shows_a_child_and_a_finding() -> None:
    assert [each.profile for each in examples()] == ["jeugdige", "leefgebied"]


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.profile)
def test_an_example_of_the_readme_is_right(example: DocumentItem) -> None:
    assert check_values([example], DEFINITIONS, message_type="raadsrapport", on=DAY) == ()


def test_a_suspicion_is_preliminary_as_the_readme_says() -> None:
    status: JSONValue = item_to_resource(examples()[1], DEFINITIONS)["status"]
    assert status == "preliminary"
