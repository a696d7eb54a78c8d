"""Where the value of an element stands in a FHIR resource, both ways.

A place is a path in a small grammar of our own, written in `schemas/definitions/data/profiles.toml`:

    birthDate                                 a member
    name[]                                    each value is an entry of the list
    content[0].attachment.title               the list's first entry, shared with other elements
    address[secretAddress]                    entries that carry the marking extension `secretAddress`
    extension(expectedDate).valueDate         an extension of ours, and its value
    practitioner#Practitioner.name[]          a contained resource, referred to by the member
    .                                         the whole resource

The same table writes and reads, so what goes out to FHIR comes back as it was.

Source: FHIR R4B, JSON representation (primitives with extensions, contained resources).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final, TypeAlias

from schemas.document import JSONValue

JSONObject: TypeAlias = dict[str, JSONValue]

NOT_STATED: Final = "notStated"
"""Our extension that stands where FHIR demands a member and the item has none; it is no value."""

OWN_EXTENSIONS: Final = frozenset({"about", "necessary", NOT_STATED})
"""Extensions of a resource that belong to the item as a whole, not to an element."""

ORGANISATION_MEMBERS: Final = frozenset({"resourceType", "identifier", "name", "_name", "alias", "_alias", "extension"})


class _Kind(Enum):
    MEMBER = 1
    APPEND = 2
    FIRST = 3
    MARKED = 4
    EXTENSION = 5
    CONTAINED = 6
    WHOLE = 7


@dataclass(frozen=True, slots=True)
class _Step:
    """One segment of a place; `other` is the mark, or the type of the contained resource."""

    kind: _Kind
    name: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place, ready to write to and to read from.

    Attributes:
        steps: Its segments.
        base: First part of the url of our extensions.
        skip: Marks of entries that belong to other elements.
        others: Names of extensions that belong to other elements; needed to read the whole resource.
    """

    steps: tuple[_Step, ...]
    base: str
    skip: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def write(self, resource: JSONObject, value: JSONValue, *, primitive: bool) -> None:
        """Put one value where it belongs; the objects that lead there are made."""
        node = resource
        for step in self.steps[:-1]:
            node = self._enter(resource, node, step)
        self._put(resource, node, self.steps[-1], value, primitive=primitive)

    def read(self, resource: JSONObject, *, primitive: bool) -> tuple[JSONValue, ...]:
        """Take every value that stands there."""
        return tuple(self._values(resource, resource, self.steps, primitive=primitive))

    def _enter(self, resource: JSONObject, node: JSONObject, step: _Step) -> JSONObject:
        match step.kind:
            case _Kind.MEMBER:
                return _object(node.setdefault(step.name, {}))
            case _Kind.FIRST:
                return _object(_list(node.setdefault(step.name, [{}]))[0])
            case _Kind.EXTENSION:
                entry: JSONObject = {"url": self.base + step.name}
                _list(node.setdefault("extension", [])).append(entry)
                return entry
            case _Kind.CONTAINED:
                return self._contained(resource, node, step)
            case _:
                entry = {"extension": [self._mark(step.other)]} if step.kind is _Kind.MARKED else {}
                _list(node.setdefault(step.name, [])).append(entry)
                return entry

    def _put(self, resource: JSONObject, node: JSONObject, step: _Step, value: JSONValue, *, primitive: bool) -> None:
        match step.kind:
            case _Kind.MEMBER if primitive and isinstance(value, dict):
                self._put_beside(node, step, value)
            case _Kind.MEMBER:
                node[step.name] = value
            case _Kind.MARKED:
                marked = dict(_object(value))
                marked["extension"] = [*_list(marked.get("extension", [])), self._mark(step.other)]
                _list(node.setdefault(step.name, [])).append(marked)
            case _Kind.CONTAINED:
                self._contained(resource, node, step).update(_object(value))
            case _Kind.WHOLE:
                self._merge(resource, _object(value))
            case _:
                name = "extension" if step.kind is _Kind.EXTENSION else step.name
                _list(node.setdefault(name, [])).append(value)

    def _put_beside(self, node: JSONObject, step: _Step, value: JSONObject) -> None:
        """Put a primitive with what belongs to it. As the value of an extension both are extensions within it.

        FHIR R4B, element `Extension`: `fhir.resources` knows no `_value[x]` there, and nesting says the same.
        """
        beside = _list(value["extension"])
        if self._in_extension:
            plain: list[JSONValue] = [{"url": "value", step.name: value["value"]}] if "value" in value else []
            node["extension"] = [*plain, *beside]
        else:
            if "value" in value:
                node[step.name] = value["value"]
            node["_" + step.name] = {"extension": beside}

    @property
    def _in_extension(self) -> bool:
        return len(self.steps) > 1 and self.steps[-2].kind is _Kind.EXTENSION

    def _mark(self, name: str) -> JSONObject:
        return {"url": self.base + name, "valueBoolean": True}

    def _contained(self, resource: JSONObject, node: JSONObject, step: _Step) -> JSONObject:
        """Find or make the contained resource that the member refers to."""
        identity = self._contained_id(step)
        contained = _list(resource.setdefault("contained", []))
        for entry in contained:
            if isinstance(entry, dict) and entry.get("id") == identity:
                return entry
        made: JSONObject = {"resourceType": step.other, "id": identity}
        contained.append(made)
        node[step.name] = {"reference": "#" + identity}
        return made

    def _contained_id(self, step: _Step) -> str:
        """Name the contained resource after the member, or after the extension whose value it is."""
        names = [each.name for each in self.steps[: self.steps.index(step) + 1] if not each.name.startswith("value")]
        return names[-1]

    def _merge(self, resource: JSONObject, value: JSONObject) -> None:
        for name, member in value.items():
            if name == "extension":
                _list(resource.setdefault(name, [])).extend(_list(member))
            elif name != "resourceType":
                resource[name] = member

    def _values(
        self, resource: JSONObject, node: JSONObject, steps: Sequence[_Step], *, primitive: bool
    ) -> Iterator[JSONValue]:
        step, rest = steps[0], steps[1:]
        if step.kind is _Kind.WHOLE:
            yield from self._whole(resource)
        elif step.kind is _Kind.MEMBER and not rest:
            if primitive and self._in_extension and "extension" in node:
                yield _nested(node, step.name)
            else:
                yield from _member(node, step.name, primitive=primitive, not_stated=self.base + NOT_STATED)
        else:
            for entry in self._entries(resource, node, step):
                if rest:
                    yield from self._values(resource, entry, rest, primitive=primitive)
                else:
                    yield entry

    def _entries(self, resource: JSONObject, node: JSONObject, step: _Step) -> Iterator[JSONObject]:
        match step.kind:
            case _Kind.MEMBER:
                yield from _objects([node.get(step.name)])
            case _Kind.FIRST:
                yield from _objects(_list(node.get(step.name, []))[:1])
            case _Kind.EXTENSION:
                url = self.base + step.name
                yield from (each for each in _objects(node.get("extension")) if each.get("url") == url)
            case _Kind.CONTAINED:
                reference = node.get(step.name)
                wanted = reference.get("reference") if isinstance(reference, dict) else None
                for entry in _objects(resource.get("contained")):
                    if wanted == f"#{entry.get('id')}":
                        yield {name: member for name, member in entry.items() if name != "id"}
            case _:
                for entry in _objects(node.get(step.name)):
                    if step.kind is _Kind.APPEND and not any(self._has_mark(entry, mark) for mark in self.skip):
                        yield entry
                    elif step.kind is _Kind.MARKED and self._has_mark(entry, step.other):
                        yield self._without_mark(entry, step.other)

    def _has_mark(self, entry: JSONObject, mark: str) -> bool:
        return any(each.get("url") == self.base + mark for each in _objects(entry.get("extension")))

    def _without_mark(self, entry: JSONObject, mark: str) -> JSONObject:
        kept: list[JSONValue] = [
            each for each in _objects(entry.get("extension")) if each.get("url") != self.base + mark
        ]
        plain = {name: member for name, member in entry.items() if name != "extension"}
        return {**plain, "extension": kept} if kept else plain

    def _whole(self, resource: JSONObject) -> Iterator[JSONValue]:
        value = {name: member for name, member in resource.items() if name in ORGANISATION_MEMBERS}
        foreign = {self.base + name for name in self.others | OWN_EXTENSIONS}
        kept: list[JSONValue] = [each for each in _objects(resource.get("extension")) if each.get("url") not in foreign]
        value.pop("extension", None)
        if kept:
            value["extension"] = kept
        if value.keys() != {"resourceType"}:
            yield value


_SEGMENT: Final = re.compile(
    r"extension\((?P<extension>[\w-]+)\)|(?P<name>\w+)(?:(?P<append>\[\])|(?P<first>\[0\])|\[(?P<mark>[A-Za-z]\w*)\]|#(?P<type>\w+))?"
)


@cache
def parse_steps(text: str) -> tuple[_Step, ...]:
    """Read a place as it is written in the definitions.

    Raises:
        ValueError: It does not follow the grammar.
    """
    if text == ".":
        return (_Step(_Kind.WHOLE, ""),)
    steps = []
    for segment in text.split("."):
        match = _SEGMENT.fullmatch(segment)
        if match is None:
            raise ValueError(f"`{text}` is no place: `{segment}`")
        found = match.groupdict()
        if found["extension"]:
            steps.append(_Step(_Kind.EXTENSION, found["extension"]))
        elif found["append"]:
            steps.append(_Step(_Kind.APPEND, found["name"]))
        elif found["first"]:
            steps.append(_Step(_Kind.FIRST, found["name"]))
        elif found["mark"]:
            steps.append(_Step(_Kind.MARKED, found["name"], found["mark"]))
        elif found["type"]:
            steps.append(_Step(_Kind.CONTAINED, found["name"], found["type"]))
        else:
            steps.append(_Step(_Kind.MEMBER, found["name"]))
    return tuple(steps)


def make_places(texts: dict[str, str], *, base: str) -> dict[str, Place]:
    """Make the places of one resource type together: each must know what belongs to the others."""
    steps = {name: parse_steps(text) for name, text in texts.items()}
    marks = frozenset(step.other for each in steps.values() for step in each if step.kind is _Kind.MARKED)
    extensions = frozenset(each[0].name for each in steps.values() if each[0].kind is _Kind.EXTENSION)
    return {name: Place(each, base, marks, extensions) for name, each in steps.items()}


def _object(value: JSONValue) -> JSONObject:
    if not isinstance(value, dict):
        raise TypeError("an object is needed here")
    return value


def _list(value: JSONValue) -> list[JSONValue]:
    if not isinstance(value, list):
        raise TypeError("a list is needed here")
    return value


def _objects(value: JSONValue) -> Iterator[JSONObject]:
    """List the objects of a list; what is no list or no object is not there."""
    if isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict))


def _nested(extension: JSONObject, name: str) -> JSONObject:
    parts: list[JSONValue] = list(_objects(extension["extension"]))
    if parts and isinstance(parts[0], dict) and parts[0].get("url") == "value":
        return {"value": parts[0].get(name), "extension": parts[1:]}
    return {"extension": parts}


def _member(node: JSONObject, name: str, *, primitive: bool, not_stated: str) -> Iterator[JSONValue]:
    value, beside = node.get(name), node.get("_" + name)
    if primitive and isinstance(beside, dict):
        found: JSONObject = {"extension": beside.get("extension", [])}
        yield found if value is None else {"value": value, **found}
    elif isinstance(value, dict):
        if not any(each.get("url") == not_stated for each in _objects(value.get("extension"))):
            yield value
    elif value is not None:
        yield value
