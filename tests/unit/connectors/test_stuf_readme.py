"""The format's README has the whole mapping: every leaf of the tables and every element that is made from them."""

import re
from collections.abc import Iterator
from pathlib import Path

from connectors.formats import stuf
from connectors.formats.stuf.conventions import DEFAULT_EXTRAS
from connectors.formats.stuf.grammar import Element
from connectors.formats.stuf.kinds import KINDS
from connectors.formats.stuf.messages import MESSAGES
from connectors.formats.stuf.names import local

README = (Path(stuf.__file__).parent / "README.md").read_text("utf-8")
WORDS = frozenset(re.findall(r"[A-Za-z0-9_.]*[A-Za-z0-9]", README))


def leaves(element: Element) -> Iterator[str]:
    if element.type is not None:
        yield local(element.name)
    for child in element.children.values():
        yield from leaves(child)


def test_every_leaf_is_in_the_mapping() -> None:
    """Nobody has to read the code to know where an element goes."""
    named = {name for message in MESSAGES.values() for name in leaves(message)}

    assert named - WORDS == set()


def test_every_element_is_in_the_mapping() -> None:
    named = {element for kind in KINDS for part in kind.parts for element in part.elements}

    assert named - WORDS == set()


def test_every_extra_element_is_in_the_convention() -> None:
    assert {row.name for row in DEFAULT_EXTRAS} - WORDS == set()
