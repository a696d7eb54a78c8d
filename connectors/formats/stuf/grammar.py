"""The words in which the message tables are written: elements, sequences, choices, and simple types with their limits.

A table says what the schema says, so that what is read is known to be valid and what is written validates, although the
product does not carry the schemas.
`tests/vectors/test_stuf_schema.py` compares the tables with the schemas node by node.

Source: W3C XML Schema 1.0, for the meaning of occurrence, choice and nillable.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from connectors.formats.stuf.names import ENTITY, INCOMPLETE, METADATA, NO_VALUE

Path: TypeAlias = tuple[str, ...]
"""Prefixed names from a node down; a second one of the same name is written `BG:verblijfsadres[2]`."""


class Kind(StrEnum):
    """How a simple type's text is read."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleType:
    """A simple type and its facets.

    Attributes:
        name: Name in the schema, without prefix.
        kind: How the text is read.
        pattern: Regular expression for the whole text, None for any.
        length_min: Least number of characters.
        length_max: Most characters, None for no limit.
        values: The closed list, empty if there is none.
    """

    name: str
    kind: Kind = Kind.TEXT
    pattern: str | None = None
    length_min: int = 0
    length_max: int | None = None
    values: tuple[str, ...] = ()

    def accepts(self, text: str, *, incomplete: str = "V") -> bool:
        """Whether a text is of this type.

        Args:
            text: The text, without the white space around it.
            incomplete: `indOnvolledigeDatum` of a date: V, D, M or J.
        """
        if self.kind is Kind.DATE:
            return _is_date(text, incomplete)
        if self.kind is Kind.TIME:
            return _is_time(text)
        if self.kind is Kind.BASE64:
            return _is_base64(text)
        if len(text) < self.length_min or (self.length_max is not None and len(text) > self.length_max):
            return False
        if self.values and text not in self.values:
            return False
        return self.pattern is None or re.fullmatch(self.pattern, text) is not None


def _is_time(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{8,17}", text):
        return False
    padded = text.ljust(17, "0")
    return _is_day(padded[:8]) and padded[8:10] < "24" and padded[10:12] < "60" and padded[12:14] < "60"


def _is_date(text: str, incomplete: str) -> bool:
    if incomplete == "J":
        return re.fullmatch(r"[0-9]{1,8}", text) is not None
    if not re.fullmatch(r"[0-9]{8}", text):
        return False
    known = {"V": text, "D": text[:6] + "01", "M": text[:4] + "0101"}.get(incomplete)
    return known is not None and _is_day(known)


def _is_day(digits: str) -> bool:
    """Whether eight digits are a day of the calendar."""
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    compact = "".join(text.split())
    try:
        decoded = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        return False
    # The last character's unused bits must be zero, or two texts would be one file.
    return base64.b64encode(decoded[-(len(decoded) % 3 or 3) :]).decode() == compact[-4:] if compact else True


@dataclass(frozen=True, kw_only=True, eq=False)
class Element:
    """One element of a message, or one particle of a content model.

    Attributes:
        name: Prefixed name.
        minimum: Least occurrences.
        maximum: Most occurrences, None for no limit.
        nillable: Whether `xsi:nil` may stand there.
        type: Simple type of the text; None for an element of elements.
        content: Content model of an element of elements, in order.
        attributes: Attributes that may stand there, besides `xsi:nil`.
        required: Attributes that must stand there.
        entity: The `entiteittype` that belongs here, empty if there is none.
        entity_open: Whether the schema leaves the entity type open, so that another one may come.
        default: What an empty element stands for, so that it may be empty; none if empty.
    """

    name: str
    minimum: int = 1
    maximum: int | None = 1
    nillable: bool = False
    type: SimpleType | None = None
    content: "tuple[Particle, ...]" = ()
    attributes: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    entity: str = ""
    entity_open: bool = False
    default: str = ""

    @cached_property
    def first_names(self) -> frozenset[str]:
        """Names with which this particle can begin."""
        return frozenset({self.name})

    @cached_property
    def children(self) -> "dict[str, Element]":
        """Every element that may stand directly in this one, by name."""
        return {element.name: element for element in _elements(self.content)}

    @cached_property
    def order(self) -> dict[str, tuple[int, int]]:
        """Place of each child: slot in the sequence, and place inside a slot that repeats as a group."""
        places: dict[str, tuple[int, int]] = {}
        for slot, names in enumerate(_slots(self.content)):
            places.update({name: (slot, inner) for inner, name in enumerate(names)})
        return places

    def at(self, path: Path) -> "Element | None":
        """Return the element at a path below this one, None if there is no such place."""
        found: Element | None = self
        for step in path:
            found = found.children.get(step.partition("[")[0]) if found is not None else None
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """A sequence or a choice of particles that occurs as a whole.

    Attributes:
        options: The particles.
        choice: Whether one of them stands there, instead of all in order.
        minimum: Least occurrences of the group.
        maximum: Most occurrences of the group.
    """

    options: "tuple[Particle, ...]"
    choice: bool
    minimum: int = 1
    maximum: int = 1

    @cached_property
    def first_names(self) -> frozenset[str]:
        """Names with which the group can begin."""
        names: set[str] = set()
        for option in self.options:
            names |= option.first_names
            if not self.choice and _least(option):
                break
        return frozenset(names)


Particle: TypeAlias = Element | Group


def _least(particle: Particle) -> int:
    if isinstance(particle, Element):
        return particle.minimum
    least = [_least(option) for option in particle.options]
    return particle.minimum * (min(least) if particle.choice else sum(least))


def _elements(content: tuple[Particle, ...]) -> Iterator[Element]:
    for particle in content:
        if isinstance(particle, Element):
            yield particle
        else:
            yield from _elements(particle.options)


def _slots(content: tuple[Particle, ...]) -> Iterator[list[str]]:
    for particle in content:
        if isinstance(particle, Element):
            yield [particle.name]
        elif particle.maximum == 1 and not particle.choice:
            yield from _slots(particle.options)
        else:
            yield [element.name for element in _elements(particle.options)]


_VALUE = frozenset({NO_VALUE, "StUF:exact"})
_KEYS = frozenset(
    {
        "StUF:sleutelVerzendend",
        "StUF:sleutelOntvangend",
        "StUF:sleutelGegevensbeheer",
        "StUF:sleutelSynchronisatie",
    }
)
SYNCHRONISED = frozenset({ENTITY, "StUF:sleutelSynchronisatie"})
"""Attributes of a case."""
PLAIN_OBJECT = frozenset({ENTITY})
"""Attributes of the wrapper around a person or an executor."""
PERSON = frozenset({ENTITY, NO_VALUE, "StUF:verwerkingssoort"}) | _KEYS
"""Attributes of a child."""
ENTITY_ATTRIBUTES = PERSON | {"StUF:scope"}
"""Attributes of every other entity, and of relations without a count."""
RELATION = ENTITY_ATTRIBUTES | {"StUF:aantalVoorkomens", "StUF:aardAantal"}
"""Attributes of a relation."""


def _occurrence(card: str) -> tuple[int, int | None]:
    least, _, most = card.partition("..")
    return int(least), None if most == "*" else int(most or least)


def value(name: str, kind: SimpleType, card: str = "0..1", *, nil: bool | None = None) -> Element:
    """Make an element with text, as StUF's `-e` types are: nillable if optional, unless said otherwise."""
    minimum, maximum = _occurrence(card)
    return Element(
        name=name,
        minimum=minimum,
        maximum=maximum,
        nillable=minimum == 0 if nil is None else nil,
        type=kind,
        attributes=_VALUE | ({INCOMPLETE} if kind.kind is Kind.DATE else set()),
    )


def plain(name: str, kind: SimpleType, card: str = "1") -> Element:
    """Make an element with text and no attributes, as in the header."""
    minimum, maximum = _occurrence(card)
    return Element(name=name, minimum=minimum, maximum=maximum, type=kind)


def metadata(name: str, kind: SimpleType, *, default: str = "") -> Element:
    """Make an optional metadata element, such as `authentiek`."""
    return Element(
        name=name,
        minimum=0,
        nillable=True,
        type=kind,
        attributes=_VALUE | {METADATA},
        required=frozenset({METADATA}),
        default=default,
    )


def group(name: str, *content: Particle, card: str = "1", nil: bool = False) -> Element:
    """Make an element of elements that is no entity."""
    minimum, maximum = _occurrence(card)
    return Element(name=name, minimum=minimum, maximum=maximum, nillable=nil, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityForm:
    """What sets one entity element apart from another besides its content.

    Attributes:
        entity: Its `entiteittype`.
        attributes: Attributes that may stand there.
        card: Occurrence, as `1..*`.
        nil: Whether it may be nil.
        is_open: Whether the schema leaves the entity type open.
    """

    entity: str
    attributes: frozenset[str] = field(default=RELATION)
    card: str = "1"
    nil: bool = True
    is_open: bool = False


def entity(name: str, form: EntityForm, *content: Particle) -> Element:
    """Make an entity or relation element."""
    minimum, maximum = _occurrence(form.card)
    return Element(
        name=name,
        minimum=minimum,
        maximum=maximum,
        nillable=form.nil,
        content=content,
        attributes=form.attributes,
        required=frozenset({ENTITY}),
        entity=form.entity,
        entity_open=form.is_open,
    )


def choice(*options: Particle, minimum: int = 0, maximum: int = 1) -> Group:
    """Make a choice of particles."""
    return Group(options=options, choice=True, minimum=minimum, maximum=maximum)


def sequence(*options: Particle) -> Group:
    """Make a sequence of particles that occurs at most once as a whole."""
    return Group(options=options, choice=False, minimum=0)
