"""The kind of an entity: its frames and its parts.

Whatever stands in an entity belongs to one part of its kind; a leaf without an owner is a mistake of ours, and the
message is not read.
"""

from dataclasses import dataclass
from functools import cached_property

from connectors.formats.stuf.cases import (
    TriggerPart,
)
from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.names import (
    EXTRAS,
)
from connectors.formats.stuf.parts import (
    ChildPart,
    Context,
    ExtraPart,
    Part,
    TogetherPart,
    UnknownExtraPart,
)
from connectors.formats.stuf.people import (
    AddressPart,
)
from schemas.document import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingName(TogetherPart):
    """The name of somebody whose profile has no place for the rest: all that is left rides with the name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemKind:
    """One kind of entity.

    Attributes:
        name: Its name.
        root: Name of the entity's element.
        frames: Paths of the elements around the leaves.
        place: On what its extra elements stand.
        parts: Its parts, in the order of the elements. Attributes of frames ride with the first element that is there.
        shared: Paths of leaves that several parts write to: an element and its attributes.
    """

    name: str
    root: str
    frames: tuple[Path, ...]
    place: Place | None
    parts: tuple[Part, ...]
    shared: tuple[Path, ...] = ()

    @cached_property
    def owners(self) -> dict[Path, Part]:
        """The part that owns each path."""
        return {path: part for part in self.parts for path in part.owned}

    @cached_property
    def makers(self) -> dict[str, tuple[Part, ...]]:
        """The parts that can make each element."""
        return {name: tuple(part for part in self.parts if name in part.elements) for name in self.element_order}

    @cached_property
    def element_order(self) -> dict[str, int]:
        """The place of each element in the order of the parts."""
        names = dict.fromkeys(name for part in self.parts for name in part.elements)
        return {name: place for place, name in enumerate(names)}

    @cached_property
    def frame_set(self) -> frozenset[Path]:
        """The frames, and the entity itself."""
        return frozenset(self.frames) | {()}

    def part_of_extra(self, meaning: Meaning | None) -> Part:
        """Return the part that takes an extra element of a meaning."""
        taking = [part for part in self.parts if _takes(part, meaning)]
        unknown = [part for part in self.parts if isinstance(part, UnknownExtraPart | KeepingName)]
        return (taking or unknown[::-1])[0]

    def writes(self, element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the facts of a value by the first part that can write it, None if no part can."""
        for part in self.makers.get(element, ()):
            facts = part.from_fhir(element, value, context)
            if facts is not None:
                return facts
        return None


def _takes(part: Part, meaning: Meaning | None) -> bool:
    if isinstance(part, ExtraPart):
        return part.meaning is meaning
    if isinstance(part, ChildPart):
        return meaning is Meaning.OVER
    if isinstance(part, AddressPart):
        return meaning is Meaning.SECRET_ADDRESS
    return isinstance(part, TriggerPart) and meaning in {Meaning.MESSAGE_TYPE, Meaning.MESSAGE_TYPE_TEXT}


def extra_frames(*frames: Path) -> tuple[Path, ...]:
    """Return frames, each followed by the extra elements that stand in it."""
    return tuple(path for frame in frames for path in ((frame, (*frame, EXTRAS)) if frame else ((EXTRAS,),)))
