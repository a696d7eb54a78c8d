"""Every element that the schemas allow goes both ways: messages are made from the schemas, not from our tables."""

from datetime import date

import pytest
from lxml import etree

from connectors.formats.stuf import read_stuf, write_document
from connectors.formats.stuf.messages import MESSAGES
from connectors.formats.stuf.names import prefixed
from schemas.definitions import load_definitions
from schemas.fhir.values import check_items
from tests.support.stuf_generator import StufGenerator
from tests.support.stuf_schema_model import SchemaElement, SchemaGroup, schema_element
from tests.support.stuf_xsd import what_it_says, xsd_errors

FULL = range(12)
"""Seeds of messages with everything in them; more than one, for a choice shows one side at a time."""
MIXED = range(100, 140)


def _paths(element: SchemaElement, above: str = "") -> set[str]:
    path = f"{above}/{element.name}"
    found = {path}
    groups = [element.content] if element.content is not None else []
    while groups:
        for option in groups.pop().options:
            if isinstance(option, SchemaGroup):
                groups.append(option)
            else:
                found |= _paths(option, path)
    return found


def _paths_of(data: bytes) -> set[str]:
    found: set[str] = set()

    def walk(node: etree._Element, above: str) -> None:
        path = f"{above}/{prefixed(str(node.tag))}"
        found.add(path)
        for child in node:
            walk(child, path)

    walk(etree.fromstring(data), "")
    return found


def _check(sent: bytes) -> None:
    assert xsd_errors(sent) == []
    document = read_stuf(sent)
    assert check_items(document.items, load_definitions(), on=date(2026, 11, 23)) == ()
    written = write_document(document)
    assert xsd_errors(written.data) == []
    assert what_it_says(sent) == what_it_says(written.data)
    assert written.omitted == ()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_full_messages_have_every_element_of_the_schema(name: str) -> None:
    """Otherwise the round trips below would prove less than they say."""
    seen = set().union(*(_paths_of(StufGenerator(seed=seed).message(name)) for seed in FULL))

    assert _paths(schema_element(name)) == seen


@pytest.mark.parametrize("seed", FULL)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_everything_in_it_comes_back_saying_the_same(name: str, seed: int) -> None:
    """Every optional element and attribute is there, and every value fits the definitions."""
    _check(StufGenerator(seed=seed).message(name))


@pytest.mark.parametrize("seed", MIXED)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_some_of_it_and_some_nil_comes_back_saying_the_same(name: str, seed: int) -> None:
    """Optional elements are there or not, and what can be nil sometimes is, with and without its reason."""
    _check(StufGenerator(seed=seed, fill=(0.2, 0.5, 0.8)[seed % 3], nil=0.25).message(name))
