"""Parts: which leaves of an entity make which element, and how.

A *part* owns some leaves of an entity and turns each group of them into one value of one element, and back. A *kind*
(see `kinds`) is the list of parts of one entity. Paths are relative to the entity; what stands around the leaves
(relations, wrappers, `extraElementen`) are *frames*, which no part owns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from connectors.formats.stuf.conventions import Conventions, Meaning, Place
from connectors.formats.stuf.facts import (
    Facts,
    Leaf,
    extensions_of,
    nil_leaf,
    string_extension,
    string_of,
)
from connectors.formats.stuf.grammar import Element, Path
from connectors.formats.stuf.names import EXTRA, EXTRA_EXTENSION, EXTRA_NAME, EXTRAS, NATIVE_EXTENSION
from connectors.formats.stuf.values import (
    BOOLEAN,
    MASKED,
    STRING,
    Codec,
    absent,
    bare,
    is_boolean,
    no_value_of,
    text_of,
)
from schemas.document import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a part may need to know of the message around it.

    Attributes:
        message: Name of the message: `JZ:vtoDi01` or `JZ:notificatieDi01`.
        table: The table of the entity.
        conventions: Settings of the format.
        sender: Organisation that sends, as the header names it.
        receiver: Organisation that receives, as the header names it.
        establishment: Whether the party is an institution, so that its leaves stand under `vestiging`.
        child_of_key: Item id of a child by each of its native keys, for reading.
        keys_of_child: Native keys of a child by its item id, the preferred one first, for writing.
    """

    message: str
    table: Element
    conventions: Conventions
    sender: str = ""
    receiver: str = ""
    establishment: bool = False
    child_of_key: Mapping[str, str] = field(default_factory=dict)
    keys_of_child: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


RELATED: Final = ("ZKN:gerelateerde",)
PERSON: Final = (*RELATED, "ZKN:natuurlijkPersoon")
ESTABLISHMENT: Final = (*RELATED, "ZKN:vestiging")


class Part(Protocol):
    """Some leaves of an entity, and the element they make."""

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the elements this part can make."""
        ...

    @property
    def owned(self) -> tuple[Path, ...]:
        """Paths of the leaves, or of whole groups of leaves, that belong to it."""
        ...

    @property
    def single(self) -> bool:
        """Whether all its leaves make one value; otherwise each first leaf begins another."""
        ...

    def element(self, group: Facts, context: Context) -> str:
        """Return the name of the element that a group makes."""
        ...

    def to_fhir(self, group: Facts, context: Context) -> JSONValue:
        """Return the value of a group, None if it says nothing that is not said anyway."""
        ...

    def from_fhir(self, element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the facts of a value, None if it is no value of this part."""
        ...

    def masked(self, element: str, context: Context) -> Facts:
        """Return what stands in place of a value that was withheld, where the table allows it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafPart:
    """One leaf, one value.

    Attributes:
        name: The element.
        path: The leaf.
        codec: How the one becomes the other.
        condition: Whether a value found under the element's name is this part's.
    """

    name: str
    path: Path
    codec: Codec = STRING
    single: bool = False

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    @property
    def owned(self) -> tuple[Path, ...]:
        """The one leaf."""
        return (self.path,)

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the leaf's value."""
        return self.codec.encode(group[self.path])

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the leaf of a value of this part's system, if the message has a place for it."""
        if not self.codec.holds(value) or not has_place(self.path, context):
            return None
        leaf = self.codec.decode(value)
        return {self.path: leaf} if leaf else {}

    def masked(self, _element: str, context: Context) -> Facts:
        """Return a nil leaf that says that nobody was authorised."""
        return mask((self.path,), context)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraPart:
    """One extra element with a meaning of its own.

    Attributes:
        name: The element.
        place: On what the extra element stands.
        meaning: What it says.
        frame: Where it is written.
        codec: How its text becomes a value.
        holds: Whether this part takes a value that stands under the element's name.
        readable: Whether a text can become a value.
    """

    name: str
    place: Place
    meaning: Meaning
    frame: Path = ()
    codec: Codec = STRING
    holds: Callable[[JSONValue], bool] = lambda _value: True
    readable: Callable[[str], bool] = bool
    single: bool = False

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    @property
    def owned(self) -> tuple[Path, ...]:
        """Nothing by path: extra elements are found by name."""
        return ()

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def understands(self, text: str, *, nil: bool, again: bool) -> bool:
        """Whether this part can take an extra element; a second one of a name, or one it cannot read, stays as text."""
        return not again and (nil or not text or self.readable(text))

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the value of the one extra element."""
        (leaf,) = group.values()
        return self.codec.encode(leaf)

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the extra element of a value."""
        name = context.conventions.name(self.place, self.meaning)
        if name is None or not self.holds(value):
            return None
        leaf = self.codec.decode(value)
        return {(*self.frame, EXTRAS, EXTRA): with_name(leaf, name)} if leaf else {}

    def masked(self, _element: str, context: Context) -> Facts:
        """Return the extra element without its value."""
        name = context.conventions.name(self.place, self.meaning)
        return {(*self.frame, EXTRAS, EXTRA): with_name(nil_leaf(MASKED), name)} if name else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownExtraPart:
    """An extra element that no row knows: `extraText`, or `extra` where a row says that it is about the process."""

    place: Place
    elements: tuple[str, ...] = ("extra", "extraText")
    owned: tuple[Path, ...] = ()
    single: bool = False

    def element(self, group: Facts, context: Context) -> str:
        """Return `extra` for a name whose row says so, else `extraText`."""
        (leaf,) = group.values()
        known = context.conventions.meaning(self.place, leaf.attributes.get(EXTRA_NAME, "")) is Meaning.PROCESS
        return "extra" if known else "extraText"

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return name, place and text as an extension."""
        ((path, leaf),) = group.items()
        parts: list[JSONValue] = [
            string_extension("name", leaf.attributes.get(EXTRA_NAME, "")),
            string_extension("place", "/".join(path)),
            string_extension("value", leaf.text),
        ]
        parts.extend(string_extension(name, text) for name, text in leaf.attributes.items() if name != EXTRA_NAME)
        return {"url": EXTRA_EXTENSION, "extension": parts}

    def from_fhir(self, _element: str, value: JSONValue, _context: Context) -> Facts | None:
        """Return the extra element as it stood."""
        if not isinstance(value, dict) or value.get("url") != EXTRA_EXTENSION:
            return None
        parts = value.get("extension")
        texts = {
            str(part.get("url")): string_of(part)
            for part in (parts if isinstance(parts, list) else [])
            if isinstance(part, dict) and part.get("url") != NATIVE_EXTENSION
        }
        name, place, text = texts.pop("name", ""), texts.pop("place", ""), texts.pop("value", "")
        path = tuple(place.split("/")) if place else (EXTRAS, EXTRA)
        return {path: Leaf(text, {EXTRA_NAME: name} | texts)}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: the name would tell."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantPart:
    """An element with the same value on every item of a kind, which the file says by where it stands."""

    name: str
    value: str
    owned: tuple[Path, ...] = ()
    single: bool = True

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def to_fhir(self, _group: Facts, _context: Context) -> JSONValue:
        """Return the constant."""
        return self.value

    def from_fhir(self, _element: str, _value: JSONValue, _context: Context) -> Facts | None:
        """Return nothing to write."""
        return {}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing to write."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildPart:
    """`over`: which child an authority is about. The file names it by a key; the value is the child's item id.

    Attributes:
        frame: Where the extra element is written.
    """

    frame: Path = ()
    elements: tuple[str, ...] = ("over",)
    owned: tuple[Path, ...] = ()
    single: bool = False

    def element(self, _group: Facts, _context: Context) -> str:
        """Return `over`."""
        return "over"

    def to_fhir(self, group: Facts, context: Context) -> JSONValue:
        """Return the child's item id; by which key it was named is said only if it is not the preferred one.

        A number of a child must not stand here: it would have the category of relations.
        """
        ((path, leaf),) = group.items()
        notes: list[JSONValue] = []
        if path[:-2] != self.frame:
            notes.append(string_extension(PLACE_EXTENSION, "/".join(path[:-2])))
        if not leaf.text:
            return absent(leaf.no_value)
        child = context.child_of_key[leaf.text]
        kinds = [kind for kind, key in context.keys_of_child[child] if key == leaf.text]
        if kinds[0] != context.keys_of_child[child][0][0]:
            notes.append(string_extension(KEY_EXTENSION, kinds[0]))
        return {"value": child, "extension": notes} if notes else child

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the extra element with the key of a child of this message; nil if the child's keys were withheld."""
        name = context.conventions.name(Place.INTERESTED, Meaning.OVER)
        if name is None:
            return None
        place = next((string_of(known) for known in extensions_of(value, PLACE_EXTENSION)), None)
        path = (*(tuple(place.split("/")) if place else self.frame), EXTRAS, EXTRA)
        child = text_of(value)
        if child is None:
            return {path: with_name(nil_leaf(no_value_of(value)), name)}
        keys = context.keys_of_child.get(child, ())
        wanted = next((string_of(known) for known in extensions_of(value, KEY_EXTENSION)), None)
        key = next((key for kind, key in keys if wanted in {None, kind}), None)
        return {path: with_name(Leaf(key) if key else nil_leaf(MASKED), name)}

    def masked(self, _element: str, context: Context) -> Facts:
        """Return the extra element without its value."""
        name = context.conventions.name(Place.INTERESTED, Meaning.OVER)
        return {(*self.frame, EXTRAS, EXTRA): with_name(nil_leaf(MASKED), name)} if name else {}


KEY_EXTENSION: Final = "https://ketenhub.nl/fhir/StructureDefinition/stuf-key"
"""By which kind of key a file names a child, where it is not the preferred kind."""
PLACE_EXTENSION: Final = "https://ketenhub.nl/fhir/StructureDefinition/stuf-place"
"""Where the extra element stands, where it is not on the relation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherPart:
    """Several leaves, one composite value.

    Attributes:
        name: The element.
        owned: Paths that belong to it.
        make: Makes the value; what it does not use rides along.
        unmake: Makes the facts of a value, None if the value is not this part's.
        shown: Leaves that are written nil when the value was withheld.
        single: Whether all leaves make one value.
    """

    name: str
    owned: tuple[Path, ...]
    make: Callable[[Facts], JSONValue]
    unmake: Callable[[JSONValue, Context], Facts | None]
    shown: tuple[Path, ...] = ()
    single: bool = True

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the composite value."""
        return self.make(group)

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the facts of a value."""
        return self.unmake(value, context)

    def masked(self, _element: str, context: Context) -> Facts:
        """Return nil leaves where the table allows them."""
        return mask(self.shown or self.owned, context)


def has_place(path: Path, context: Context) -> bool:
    """Whether the message has a place for a leaf, and the entity is of the form that has it."""
    if path[:2] == (ESTABLISHMENT if not context.establishment else PERSON):
        return False
    element = path[:-1] if path[-1].startswith("@") else path
    return context.table.at(element) is not None


def mask(paths: tuple[Path, ...], context: Context) -> Facts:
    """Return a nil leaf for each path at which the table has a nillable element with text."""
    found: Facts = {}
    for path in paths:
        place = context.table.at(path)
        if place is not None and place.nillable and place.type is not None and has_place(path, context):
            found[path] = nil_leaf(MASKED)
    return found


def with_name(leaf: Leaf, name: str) -> Leaf:
    """Return the leaf of an extra element."""
    return Leaf(leaf.text, {EXTRA_NAME: name} | dict(leaf.attributes))


def boolean_extra(name: str, place: Place, meaning: Meaning) -> ExtraPart:
    """Return the part of an extra element that says yes or no."""
    return ExtraPart(
        name=name,
        place=place,
        meaning=meaning,
        codec=BOOLEAN,
        readable=is_boolean,
        holds=lambda value: isinstance(bare(value), bool) or no_value_of(value) is not None,
    )
