"""The decision space of a catalogue: every question that can be told apart, each once.

A *question* is what `decide` is asked: parties, purpose, message type, label, mark of necessity, persons, emergency,
facts and a moment. There are more of them than anybody can ask, but `decide` looks at each part only in a few named
ways, so that questions fall into *classes*: two questions of one class get the same answer. Asking one of each class is
asking all of them. A space is made of two layers:

- a *frame* is what the rows say without facts: who sends what kind of element to whom, for which purpose, on which day;
- a *situation* is the rest: the persons, the emergency and the facts (`consent.situations`).

Why the classes of frames are exact. `decide` takes rows by their code, so a purpose is alone with its own rows, and
every purpose that no row has is one class. Of everything else it reads no more than this:

- a *party*: whether it is a GI, whether it states a capacity, whether it was admitted in it, whether some row of the
  catalogue names that capacity; for each row whether it names the role and the capacity; and, where it acts under the
  measure of a row, which capacity it is. The key of `_party_key` is these and nothing else.
- a *message type*: for each row whether it names it.
- a *label*: for each row whether it names the category, limits it to some elements and names this one, and whether it
  asks for necessity. A tie reads the category only against those in the facts, which situations are made around; what
  a message says of itself (`consent.ties.FRAME`) comes with every answer and every correction, so where a row has such
  a tie it is a class of its own.
- *necessity*: whether it is marked at all; by whom is read nowhere.
- a *day*: for each row whether it holds. That changes only at its first day and after its last, so between two such
  days all days are one class. Dates in the facts count from the day of the question; situations lie around it.

A space over two catalogues tells apart what either of them tells apart, so both can be asked the same questions.
Nothing here is believed: a test asks random members of a class and compares.

Source: the architecture, section 5.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import product
from typing import Final, Generic, TypeVar

from consent.facts import Executor
from consent.grounds import Catalogue, Ground, Tie
from consent.request import DataSubject, DisclosureRequest, Party
from consent.ties import FRAME
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.definitions import Definitions

NO_SUCH_PURPOSE: Final = "BESTAAT-NIET"
"""Stands for every purpose that no catalogue knows."""
ANY_OTHER: Final = "anders"
"""Stands for a profile, an element or a message type that no row and no definition names."""
CHILD: Final = DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12)

_NOON: Final = 11
"""In UTC; noon in the Netherlands in winter and one o'clock in summer: the same day in both."""
_ONE_DAY: Final = timedelta(days=1)
_READS_CATEGORIES: Final = frozenset({Tie.ASKED, Tie.PRIOR})
_MEASURES: Final = frozenset({Tie.MEASURE, Tie.MEASURE_OF_EITHER})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What kind of element: its place in the profiles, and the category that decides."""

    profile: str
    element: str
    category: Category

    def __str__(self) -> str:
        return f"{self.profile}/{self.element}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Class(Generic[_T]):
    """Values that no row and no check of a decision can tell apart.

    Attributes:
        example: The one that is asked for all of them; the first member.
        members: All of them.
    """

    members: tuple[_T, ...]

    @property
    def example(self) -> _T:
        """The member that stands for all."""
        return self.members[0]

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days on which the same rows hold.

    Attributes:
        first: The first of them; None if there is no first.
        last: The last of them; None if there is no last.
    """

    first: date | None
    last: date | None

    @property
    def example(self) -> date:
        """One of them: the first, or the last where there is no first."""
        return self.first or self.last or date(2026, 1, 1)

    @property
    def at(self) -> datetime:
        """A moment of the day that stands for all."""
        day = self.example
        return datetime(day.year, day.month, day.day, _NOON, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A class of questions as far as rows decide it without facts."""

    purpose: str
    sender: Class[Party]
    recipient: Class[Party]
    message_type: Class[str]
    label: Class[Label]
    necessary: Class[Necessity | None]
    days: Days

    @property
    def size(self) -> int:
        """How many questions it stands for, a class of days counted once."""
        return len(self.sender) * len(self.recipient) * len(self.message_type) * len(self.label) * len(self.necessary)

    def request(self, *, subjects: tuple[DataSubject, ...], spoed: bool) -> DisclosureRequest:
        """The question that stands for the frame, with these persons."""
        label = self.label.example
        return DisclosureRequest(
            sender=self.sender.example,
            recipient=self.recipient.example,
            purpose=self.purpose,
            message_type=self.message_type.example,
            profile=label.profile,
            element=label.element,
            category=label.category,
            subjects=subjects,
            necessary=self.necessary.example,
            spoed=spoed,
        )


def classes(values: Iterable[_T], key: Callable[[_T], Hashable]) -> tuple[Class[_T], ...]:
    """Sort values into classes by a key; the order of the first members stays."""
    found: dict[Hashable, list[_T]] = {}
    for value in values:
        found.setdefault(key(value), []).append(value)
    return tuple(Class(members=tuple(members)) for members in found.values())


def party(role: Role, capacity: Capacity | None = None, *admitted: Capacity) -> Party:
    """Make a party; a capacity is admitted unless others are given."""
    held = admitted or ((capacity,) if capacity is not None else ())
    return Party(role=role, capacity=capacity, admitted=frozenset(held))


HONEST: Final = (
    *(party(role) for role in Role if role is not Role.GI),
    *(party(Role.GI, capacity) for capacity in Capacity),
)
"""Every party that states its capacity as it must."""

_WRONG: Final = (
    Party(role=Role.GI, capacity=None, admitted=frozenset(Capacity)),
    *(Party(role=Role.GI, capacity=capacity, admitted=frozenset(Capacity) - {capacity}) for capacity in Capacity),
    *(party(role, capacity) for role in Role if role is not Role.GI for capacity in Capacity),
)
"""Every way to state a capacity wrongly: none, one that is not held, one at a party that has none."""

PARTIES: Final = (*HONEST, *_WRONG)


class Space:
    """The decision space of one or more catalogues that are asked the same questions.

    Args:
        catalogues: What is to be asked.
        definitions: They hold the labels and message types that there are.
        parties: Who may stand at either side; `HONEST` leaves out those that state their capacity wrongly.
    """

    def __init__(self, *catalogues: Catalogue, definitions: Definitions, parties: tuple[Party, ...] = PARTIES) -> None:
        self.catalogues = catalogues
        self.definitions = definitions
        self.parties = parties

    @cached_property
    def purposes(self) -> tuple[str, ...]:
        """Every code of a ground, in the order of the files, and one that none of them has."""
        codes = (ground.code for catalogue in self.catalogues for ground in catalogue.grounds)
        return (*dict.fromkeys(codes), NO_SUCH_PURPOSE)

    def rows(self, purpose: str) -> tuple[Ground, ...]:
        """The rows of a purpose, of every catalogue."""
        return tuple(row for catalogue in self.catalogues for row in catalogue.rows(purpose))

    def ties(self, purpose: str) -> frozenset[Tie]:
        """Every tie of a row of this purpose."""
        return frozenset(tie for row in self.rows(purpose) for tie in row.ties)

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """Every label of the definitions, what rows name beyond them, and one of each category that nobody names."""
        known = [
            Label(profile=profile.name, element=element.name, category=element.category)
            for profile in self.definitions.profiles.values()
            for element in profile.elements.values()
        ]
        there = {(label.category, label.element) for label in known}
        limited = {
            (category, element)
            for catalogue in self.catalogues
            for row in catalogue.grounds
            for category, elements in row.only.items()
            for element in elements
        }
        named = [
            Label(profile=ANY_OTHER, element=element, category=category)
            for category, element in sorted(limited - there)
        ]
        other = [Label(profile=ANY_OTHER, element=ANY_OTHER, category=category) for category in Category]
        return (*known, *named, *other)

    @cached_property
    def message_types(self) -> tuple[str, ...]:
        """Every message type of the definitions and of the rows, and one that nobody names."""
        named = {name for catalogue in self.catalogues for row in catalogue.grounds for name in row.message_types}
        return (*sorted(named | self.definitions.message_types.keys()), ANY_OTHER)

    def days(self, purpose: str) -> tuple[Days, ...]:
        """The stretches of days in which the same rows of this purpose hold, from the beginning to the end of time."""
        rows = self.rows(purpose)
        cuts = sorted(
            {row.valid_from for row in rows if row.valid_from > date.min}
            | {row.valid_until + _ONE_DAY for row in rows if row.valid_until and row.valid_until < date.max}
        )
        firsts: list[date | None] = [None, *cuts]
        lasts: list[date | None] = [*(cut - _ONE_DAY for cut in cuts), None]
        return tuple(Days(first=first, last=last) for first, last in zip(firsts, lasts, strict=True))

    def frames(self, purpose: str) -> Iterator[Frame]:
        """Every frame of a purpose, each once."""
        rows = self.rows(purpose)
        parts = (
            classes(self.parties, lambda one: self._party_key(one, rows, Executor.SENDER)),
            classes(self.parties, lambda one: self._party_key(one, rows, Executor.RECIPIENT)),
            classes(self.message_types, lambda name: tuple(name in row.message_types for row in rows)),
            classes(self.labels, lambda label: _label_key(label, rows)),
            classes((None, *Necessity), lambda necessary: necessary is None),
            self.days(purpose),
        )
        for sender, recipient, message_type, label, necessary, days in product(*parts):
            yield Frame(
                purpose=purpose,
                sender=sender,
                recipient=recipient,
                message_type=message_type,
                label=label,
                necessary=necessary,
                days=days,
            )

    def _party_key(self, one: Party, rows: tuple[Ground, ...], place: Executor) -> Hashable:
        """All that a decision reads of a party at one side of the rows."""
        sides = [row.sender if place is Executor.SENDER else row.recipient for row in rows]
        acts = any(place in row.acting and not _MEASURES.isdisjoint(row.ties) for row in rows)
        return (
            one.role is Role.GI,
            one.capacity is None,
            one.capacity in one.admitted,
            tuple(one.capacity in catalogue.capacities for catalogue in self.catalogues),
            tuple((one.role in side.roles, one.capacity in side.capacities) for side in sides),
            one.capacity if acts else None,
        )


def _label_key(label: Label, rows: tuple[Ground, ...]) -> Hashable:
    """All that a decision reads of a label."""
    apart = any(not _READS_CATEGORIES.isdisjoint(row.ties) for row in rows)
    return (
        tuple(
            (
                label.category in row.categories,
                label.category in row.only,
                label.element in row.only.get(label.category, ()),
                label.category in row.necessary,
            )
            for row in rows
        ),
        apart and label.category is Category.PROCES and (label.profile, label.element) in FRAME,
    )
