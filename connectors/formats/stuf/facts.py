"""Facts: what one part of a file says, leaf by leaf; and how what FHIR has no place for rides along.

A value of an element is made from the facts of its part of the file and turned back into facts. Where the way back does
not give what the file said, the difference rides in one extension on the value. So nothing can be lost, whatever the
mapping knows, and a value that was withheld takes everything with it that belongs to it.

    facts  --to FHIR-->  value  --back-->  facts'       difference(facts, facts') rides in the value's extension

Source: DOMAIN.md, section 7: one extension on the same element, so that it has the element's category.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.names import ENTITY, METADATA, NATIVE_EXTENSION, NIL, NO_VALUE
from connectors.formats.stuf.tree import Node
from schemas.document import JSONValue

JSONObject: TypeAlias = dict[str, JSONValue]

ATTRIBUTE_LEAVES = frozenset({"StUF:bestandsnaam", "xmime:contentType"})
"""Attributes that are content of their own: each is a fact at the path of its element and `@name`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Text and attributes of one element. Attributes that the table fixes are left out."""

    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def nil(self) -> bool:
        """Whether the element is nil."""
        return NIL in self.attributes

    @property
    def no_value(self) -> str | None:
        """Why there is no value, if it says so."""
        return self.attributes.get(NO_VALUE)


Facts: TypeAlias = dict[Path, Leaf]


def nil_leaf(no_value: str | None) -> Leaf:
    """Return the leaf of an element without a value."""
    return Leaf("", {NIL: "true"} | ({NO_VALUE: no_value} if no_value else {}))


def own_attributes(node: Node) -> dict[str, str]:
    """Return a node's attributes without those that the table writes by itself."""
    if not node.attributes:
        return {}
    kept = {name: text for name, text in node.attributes.items() if name not in ATTRIBUTE_LEAVES}
    if kept.get(ENTITY) == node.element.entity:
        del kept[ENTITY]
    if kept.get(METADATA) == "true":
        del kept[METADATA]
    return kept


def add_node(facts: Facts, node: Node, above: Path) -> None:
    """Add what a node and everything below it say, under the path `above`; equal names get a number."""
    path = free_path(facts, (*above, node.name))
    leaf = Leaf(node.text, own_attributes(node))
    # An element of elements is a fact of its own only if its children do not already tell that it is there.
    if node.element.type is not None or leaf.attributes or not node.children:
        facts[path] = leaf
    for name in sorted(ATTRIBUTE_LEAVES & node.attributes.keys()):
        facts[*path, f"@{name}"] = Leaf(node.attributes[name])
    for child in node.children:
        add_node(facts, child, path)


def free_path(facts: Facts, path: Path) -> Path:
    """Return the path, or the path with the first number under which there is no fact yet."""
    length = len(path)
    taken = {known[:length] for known in facts} if facts else ()
    number = 1
    candidate = path
    while candidate in taken:
        number += 1
        candidate = (*path[:-1], f"{path[-1]}[{number}]")
    return candidate


def difference(said: Facts, told: Facts) -> Facts | None:
    """Return what must ride along: facts that were said otherwise, and None where nothing must.

    A path that is told and was not said stands in the result with a leaf whose text is None-like: see `_ABSENT`.
    """
    changed = {path: leaf for path, leaf in said.items() if told.get(path) != leaf}
    changed.update({path: _ABSENT for path in told if path not in said})
    return changed or None


_ABSENT = Leaf("", {"absent": "true"})


def attach(value: JSONValue, riding: Facts) -> JSONValue:
    """Return the value with facts riding in its extension.

    Args:
        value: A FHIR value; a primitive becomes an object with `value` and `extension`.
        riding: From `difference`, or attributes of the elements around.
    """
    leaves: list[JSONValue] = [_leaf_extension(path, leaf) for path, leaf in riding.items()]
    holder: JSONObject = dict(value) if isinstance(value, dict) else {"value": value}
    extensions = list(cast("list[JSONValue]", holder.get("extension", [])))
    for known in extensions:
        if isinstance(known, dict) and known.get("url") == NATIVE_EXTENSION:
            known["extension"] = [*cast("list[JSONValue]", known["extension"]), *leaves]
            break
    else:
        extensions.append({"url": NATIVE_EXTENSION, "extension": leaves})
    holder["extension"] = extensions
    return holder


def riding_facts(value: JSONValue) -> Facts:
    """Return the facts that ride in a value's extension, as `attach` put them there."""
    found: Facts = {}
    for extension in extensions_of(value, NATIVE_EXTENSION):
        for leaf in _parts(extension):
            path, fact = _fact(leaf)
            if path:
                found[path] = fact
    return found


def apply(told: Facts, riding: Facts) -> Facts:
    """Return what the file said: what the value tells, corrected by what rode along."""
    said = {path: leaf for path, leaf in told.items() if riding.get(path) != _ABSENT}
    said.update({path: leaf for path, leaf in riding.items() if leaf != _ABSENT})
    return said


def extensions_of(value: JSONValue, url: str) -> list[JSONObject]:
    """Return the extensions of a value with an address."""
    if not isinstance(value, dict):
        return []
    extensions = value.get("extension")
    if not isinstance(extensions, list):
        return []
    return [extension for extension in extensions if isinstance(extension, dict) and extension.get("url") == url]


def string_extension(url: str, text: str) -> JSONObject:
    """Return an extension with a text; FHIR knows no empty string, so an empty text is an extension that says so."""
    if text:
        return {"url": url, "valueString": text}
    return {"url": url, "extension": [{"url": "empty", "valueBoolean": True}]}


def string_of(extension: JSONObject) -> str:
    """Return the text of `string_extension`."""
    text = extension.get("valueString", "")
    return text if isinstance(text, str) else ""


def _leaf_extension(path: Path, leaf: Leaf) -> JSONValue:
    place = "/".join(path)
    if leaf == _ABSENT:
        return {"url": "absent", "valueString": place}
    parts: list[JSONValue] = [{"url": "path", "valueString": place}]
    if leaf.text:
        parts.append({"url": "text", "valueString": leaf.text})
    parts.extend(string_extension(name, text) for name, text in leaf.attributes.items())
    return {"url": "leaf", "extension": parts}


def _fact(extension: JSONObject) -> tuple[Path, Leaf]:
    if extension.get("url") == "absent":
        return tuple(string_of(extension).split("/")), _ABSENT
    texts = {str(part.get("url")): string_of(part) for part in _parts(extension)}
    place, text = texts.pop("path", ""), texts.pop("text", "")
    return tuple(place.split("/")) if place else (), Leaf(text, texts)


def _parts(extension: JSONObject) -> Sequence[JSONObject]:
    parts = extension.get("extension")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
