"""Decisions remembered: the same question has the same answer, so it is worked out once.

    memo = DecisionMemo(packaged_catalogue())
    exchange = Exchange(sender=sender, recipient=recipient, purpose="VTO", message_type="verzoek-tot-onderzoek")
    message = memo.for_message(exchange, facts=NO_FACTS, at=at)
    message.decide("jeugdige", "birthDate", category=Category.IDENTIFICATIE, subjects=subjects, necessary=None)

A memo changes nothing but the time an answer takes. Its keys hold all that `decide` reads: the request, the facts, the
day, and for an emergency its hours; one memo belongs to one catalogue. It is bounded: when it is full it starts empty
again, so that a flood of strange questions costs time and no memory.

Source: the architecture, section 10: at most 3 µs an element remembered, 50 µs cold.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeAlias, TypeVar

from consent.decide import decide
from consent.decision import Decision
from consent.grounds import Catalogue
from consent.request import DataSubject, DisclosureRequest, Exchange, Facts, civil_day, spoed_hours
from schemas.codes import Category, Necessity

ENTRIES_MAX: Final = 16_384
"""Default bound. A remembered question takes about a kilobyte, so a full memo takes some 16 MB at most."""

_Time: TypeAlias = tuple[date | None, int]
_Question: TypeAlias = tuple[DisclosureRequest, Facts, _Time]
_Frame: TypeAlias = tuple[Exchange, Facts, _Time]
_Element: TypeAlias = tuple[str, str, Category, tuple[DataSubject, ...], Necessity | None]
_Key = TypeVar("_Key", _Question, _Element)


@dataclass(slots=True)
class _Shelf:
    """The answers of one memo: by question, and by what is equal for a whole message and then by element."""

    entries_max: int
    answers: dict[_Question, Decision] = field(default_factory=dict)
    frames: dict[_Frame, dict[_Element, Decision]] = field(default_factory=dict)
    size: int = 0

    def frame(self, key: _Frame) -> dict[_Element, Decision]:
        # One look, not two: to hash what is known of many persons takes longer than to decide about an element.
        new: dict[_Element, Decision] = {}
        found = self.frames.setdefault(key, new)
        if found is new:
            self._count()
        return found

    def put(self, place: dict[_Key, Decision], key: _Key, decision: Decision) -> None:
        place[key] = decision
        self._count()

    def _count(self) -> None:
        self.size += 1
        if self.size > self.entries_max:
            self.answers.clear()
            # A frame that a caller still holds must not grow on outside the count.
            for frame in self.frames.values():
                frame.clear()
            self.frames.clear()
            self.size = 0


@dataclass(frozen=True, slots=True)
class MessageDecisions:
    """The decisions about one message: everything but the element is fixed. Made by `DecisionMemo.for_message`."""

    _catalogue: Catalogue
    _shelf: _Shelf
    _frame: dict[_Element, Decision]
    _at: datetime
    _key: _Frame

    @property
    def key(self) -> Hashable:
        """All that these decisions depend on beside the elements and the catalogue: equal keys, equal decisions."""
        return self._key

    def decide(
        self,
        profile: str,
        element: str,
        *,
        category: Category,
        subjects: tuple[DataSubject, ...],
        necessary: Necessity | None,
    ) -> Decision:
        """Decide about one element of this message; the same as `consent.decide.decide`."""
        key = (profile, element, category, subjects, necessary)
        decision = self._frame.get(key)
        if decision is None:
            exchange, facts, _ = self._key
            request = DisclosureRequest(
                sender=exchange.sender,
                recipient=exchange.recipient,
                purpose=exchange.purpose,
                message_type=exchange.message_type,
                profile=profile,
                element=element,
                category=category,
                subjects=subjects,
                necessary=necessary,
                spoed=exchange.spoed,
            )
            decision = decide(request, catalogue=self._catalogue, facts=facts, at=self._at)
            self._shelf.put(self._frame, key, decision)
        return decision


class DecisionMemo:
    """Answers by one catalogue, remembered.

    Unlike `decide`, it takes the annotations at their word: what it is given must be of the types that they name.

    Attributes:
        catalogue: The catalogue that decides.
    """

    def __init__(self, catalogue: Catalogue, *, entries_max: int = ENTRIES_MAX) -> None:
        self.catalogue = catalogue
        self._shelf = _Shelf(entries_max=entries_max)

    def __len__(self) -> int:
        """How many answers and messages are remembered; never more than the bound."""
        return self._shelf.size

    def decide(self, request: DisclosureRequest, *, facts: Facts, at: datetime) -> Decision:
        """Decide about one element; for all elements of a message, `for_message` is several times as fast."""
        key = (request, facts, _time(at, facts))
        decision = self._shelf.answers.get(key)
        if decision is None:
            decision = decide(request, catalogue=self.catalogue, facts=facts, at=at)
            self._shelf.put(self._shelf.answers, key, decision)
        return decision

    def for_message(self, exchange: Exchange, *, facts: Facts, at: datetime) -> MessageDecisions:
        """Fix what is equal for every element of a message.

        Args:
            exchange: The parties, the purpose and the message type.
            facts: What the rim found.
            at: The moment of the decision, aware; read once for a message.
        """
        key = (exchange, facts, _time(at, facts))
        return MessageDecisions(self.catalogue, self._shelf, self._shelf.frame(key), at, key)


def _time(at: datetime, facts: Facts) -> _Time:
    """All that a decision reads of its moment."""
    return civil_day(at), spoed_hours(at, facts.spoed_since)
