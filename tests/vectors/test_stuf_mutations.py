"""The tables judge as the schemas do: of thousands of small changes to a message they refuse what the schemas refuse.

What the tables accept the schemas accept, always. The other way round the tables are stricter where it is said here.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from lxml import etree

from connectors.formats.stuf.messages import MESSAGES
from connectors.formats.stuf.names import clark, local
from connectors.formats.stuf.tree import check_tree
from tests.support.stuf_generator import StufGenerator
from tests.support.stuf_xsd import xsd_errors

_TEXTS = ("", "x", "0", "12345", "99999999", "x" * 36, "x" * 81, "x" * 201, "J", "1234567890123456", "Di01", "vijf ")
_STRICTER = {
    "sender.stuf.date": "a date must be one: the schema takes any number of eight digits",
    "sender.stuf.time": "a time must be one: the schema takes any digits",
}


def _verdicts(changed: etree._Element, name: str) -> tuple[bool, set[str]]:
    data = etree.tostring(changed, encoding="UTF-8")
    _, issues = check_tree(etree.fromstring(data), MESSAGES[name])
    return xsd_errors(data) == [], {issue.code for issue in issues}


def _drop(node: etree._Element) -> None:
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)


def _double(node: etree._Element) -> None:
    node.addnext(deepcopy(node))


def _swap(node: etree._Element) -> None:
    following = node.getnext()
    if following is not None:
        following.addnext(node)


def _nil(node: etree._Element) -> None:
    node.set(clark("xsi:nil"), "true")


def _no_value(node: etree._Element) -> None:
    node.set(clark("StUF:noValue"), "geenWaarde")


def _stranger(node: etree._Element) -> None:
    etree.SubElement(node, clark("BG:onbekend"))


def _attributes(node: etree._Element) -> None:
    for attribute in list(node.attrib):
        del node.attrib[attribute]


def _empty(node: etree._Element) -> None:
    for child in list(node):
        node.remove(child)
    node.text = None


def _mixed(node: etree._Element) -> None:
    if len(node):
        node.text = "tekst"


_KINDS = (_drop, _double, _swap, _nil, _no_value, _stranger, _attributes, _empty, _mixed)


def _changes(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield the message with one element changed, for each element and each kind of change."""
    for index in range(1, len(list(root.iter()))):
        for change in _KINDS:
            changed = deepcopy(root)
            node = list(changed.iter())[index]
            change(node)
            yield f"{change.__name__} {local(str(node.tag))}", changed


def _texts(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield the message with one text changed."""
    for index, leaf in enumerate(root.iter()):
        if len(leaf):
            continue
        for text in _TEXTS:
            changed = deepcopy(root)
            node = list(changed.iter())[index]
            node.text = text.strip()
            yield f"{local(str(node.tag))} = {text}", changed


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("make", [_changes, _texts])
def test_a_change_is_judged_as_the_schema_judges_it(
    name: str, make: Callable[[etree._Element], Iterator[tuple[str, etree._Element]]]
) -> None:
    """Both accept, or both refuse, but for dates and times that are none."""
    # A third of what is optional: enough of everything, and small enough to change every element of it.
    root = etree.fromstring(StufGenerator(seed=7, fill=0.5).message(name))
    wrong: list[str] = []
    seen = 0
    for what, changed in make(root):
        seen += 1
        valid, codes = _verdicts(changed, name)
        if valid != (not codes) and not (valid and codes <= _STRICTER.keys()):
            wrong.append(f"{what}: schema {'accepts' if valid else 'refuses'}, table says {sorted(codes)}")

    assert wrong == []
    assert seen > 100
