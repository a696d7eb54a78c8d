"""The message tables say what the published schemas say, node by node."""

from collections.abc import Iterator

import pytest

from connectors.formats.stuf.answers import TABLES
from connectors.formats.stuf.grammar import Element, Kind, Particle
from connectors.formats.stuf.messages import MESSAGES
from tests.support.stuf_schema_model import SchemaElement, SchemaGroup, schema_element

_OPEN_CONTENT = "StUF:detailsXML"
"""Carried as it is: the schema allows anything in it."""


def _table_lines(element: Element, depth: int = 0) -> Iterator[str]:
    kind = element.type
    attributes = ",".join(sorted(element.attributes))
    required = ",".join(sorted(element.required))
    fixed = "" if element.entity_open else element.entity
    text = "" if kind is None else _values(kind.values, kind.length_min, kind.length_max, kind.kind is not Kind.TEXT)
    yield (
        f"{'  ' * depth}{element.name} {element.minimum}..{element.maximum} nil={element.nillable} "
        f"[{attributes}] [{required}] {fixed} {text} {element.default}"
    )
    for particle in element.content:
        yield from _table_particle(particle, depth + 1)


def _table_particle(particle: Particle, depth: int) -> Iterator[str]:
    if isinstance(particle, Element):
        yield from _table_lines(particle, depth)
        return
    yield f"{'  ' * depth}{'choice' if particle.choice else 'sequence'} {particle.minimum}..{particle.maximum}"
    for option in particle.options:
        yield from _table_particle(option, depth + 1)


def _values(values: tuple[str, ...], shortest: int | None, longest: int | None, other: bool) -> str:  # noqa: FBT001
    if other or values:
        return "|".join(sorted(values))
    return f"{shortest or 0}..{longest}"


def _schema_lines(element: SchemaElement, depth: int = 0) -> Iterator[str]:
    facets = element.facets
    text = ""
    if facets is not None:
        other = facets.base in {"xs:decimal", "xs:base64Binary"} or "StUF:Tijdstip" in facets.names
        longest = None if facets.pattern or "Integer" in facets.base else facets.length_max
        text = _values(facets.values, facets.length_min, longest, other)
    attributes = ",".join(sorted(element.attributes))
    required = ",".join(sorted(element.required))
    fixed = element.fixed.get("StUF:entiteittype", "")
    yield (
        f"{'  ' * depth}{element.name} {element.minimum}..{element.maximum} nil={element.nillable} "
        f"[{attributes}] [{required}] {fixed} {text} {element.default}"
    )
    if element.content is not None:
        yield from _schema_group(element.content, depth + 1)


def _schema_group(group: SchemaGroup, depth: int) -> Iterator[str]:
    plain = not group.choice and group.minimum == 1 and group.maximum == 1
    if not plain:
        yield f"{'  ' * depth}{'choice' if group.choice else 'sequence'} {group.minimum}..{group.maximum}"
    for option in group.options:
        if isinstance(option, SchemaGroup):
            yield from _schema_group(option, depth if plain else depth + 1)
        elif option.name != _OPEN_CONTENT:
            yield from _schema_lines(option, depth if plain else depth + 1)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_table_is_the_schema(name: str) -> None:
    """Same elements in the same order, occurrence, nillable, attributes, entity types, lengths and lists."""
    assert list(_schema_lines(schema_element(name))) == list(_table_lines(MESSAGES[name]))


@pytest.mark.parametrize("name", TABLES)
def test_a_receipts_table_is_the_schema(name: str) -> None:
    """The same for receipts and errors; their message code is fixed where the schema leaves the list open."""
    codes = schema_element(name)
    table = [line for line in _table_lines(TABLES[name]) if "berichtcode" not in line]

    assert [line for line in _schema_lines(codes) if "berichtcode" not in line] == table
