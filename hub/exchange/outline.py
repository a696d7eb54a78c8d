"""The outline of a message: everything that its structure and the decision about it can depend on.

Messages that a system sends look alike: the same profiles and elements, people of the same bands, under other digests,
cases and pseudonyms. Whether such a message has the right structure, and what is decided about each of its labels, is
worked out for the first one and remembered for the others.

    outline = outline_of(message)            # no digest, no identifier of message, case or person, no time
    memo.get(outline)

What is remembered is bounded in number and in size: when it is full it starts empty again, so that a flood of strange
messages costs time and no memory.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Generic, NamedTuple, TypeVar

from schemas.codes import AgeBand, Necessity, Register, SubjectRole
from schemas.message import Message

OUTLINES_MAX: Final = 1024
"""How many outlines are remembered for one purpose; one takes some ten kilobytes."""
LABELS_MAX: Final = 256
"""A message with more labels is not remembered: it is rare, and would take the place of many."""

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class SubjectOutline(NamedTuple):
    """A subject without its pseudonyms; `yours` says whether the recipient's own tag is there."""

    role: SubjectRole
    age: AgeBand
    turns: date | None
    yours: bool


class ItemOutline(NamedTuple):
    """An item without its digests: `elements` are names, each with the number of its values."""

    profile: str
    id: str
    about: tuple[int, ...]
    necessary: Necessity | None
    elements: tuple[tuple[str, int], ...]


class Outline(NamedTuple):
    """What is left of a message without whatever makes it this one.

    Attributes:
        type: Message type.
        version: Its version.
        claims: Whether `asks`, `corrects`, `recalls`, `spoed` and `reply_to` are there.
        register: Register of the responsible professional.
        subjects: In order.
        items: In order.
    """

    type: str
    version: int
    claims: tuple[bool, ...]
    register: Register
    subjects: tuple[SubjectOutline, ...]
    items: tuple[ItemOutline, ...]

    @property
    def labels(self) -> int:
        """How many labels the message has, without subjects' own tags."""
        return sum(len(item.elements) for item in self.items)


def outline_of(message: Message) -> Outline:
    """Return the outline of a message."""
    return Outline(
        message.type,
        message.version,
        (
            message.asks is not None,
            message.corrects is not None,
            message.recalls is not None,
            message.spoed is not None,
            message.reply_to is not None,
        ),
        message.responsible.register,
        tuple(SubjectOutline(each.role, each.age, each.turns, bool(each.yours)) for each in message.subjects),
        tuple(
            ItemOutline(
                item.profile,
                item.id,
                item.about,
                item.necessary,
                tuple([(name, len(digests)) for name, digests in item.elements.items()]),
            )
            for item in message.content
        ),
    )


@dataclass(slots=True)
class OutlineMemo(Generic[_K, _V]):
    """Remembers something for messages by a key that holds their outline.

    Attributes:
        entries_max: How much is remembered at most.
    """

    entries_max: int = OUTLINES_MAX
    _known: dict[_K, _V] = field(default_factory=dict)

    def get(self, key: _K) -> _V | None:
        """Return what is remembered; None if nothing is."""
        return self._known.get(key)

    def put(self, key: _K, value: _V, *, outline: Outline) -> None:
        """Remember something, unless the message is large."""
        if outline.labels > LABELS_MAX:
            return
        if len(self._known) >= self.entries_max:
            self._known.clear()
        self._known[key] = value

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self._known)
