"""What the use cases need to know of persons: what is stated about them, under all their pseudonyms.

A driver implements `Persons`; each docstring is the contract, as in `hub.ports`. Every method may raise
UnavailableError, and every one is one round trip.

A *person* is here a set of pseudonyms that are linked: nobody knows more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.codes import EntryKind
from schemas.identifiers import OIN, MessageId, SubjectTag


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """A consent, a measure or a link as it was taken in.

    Attributes:
        kind: CONSENT, MEASURE or LINK.
        id: Its identifier.
        index: Place of its entry.
        entry: Exact text of that entry.
        token: The record as it was signed; verified before it was taken in.
    """

    kind: EntryKind
    id: MessageId
    index: int
    entry: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of the person whom a pseudonym is of.

    Attributes:
        tags: Every pseudonym that is linked to it, itself included.
        records: What is stated under any of them, in the order of the log.
    """

    tags: frozenset[SubjectTag]
    records: tuple[PersonRecord, ...] = ()

    def of_kind(self, kind: EntryKind) -> tuple[PersonRecord, ...]:
        """The records of one kind."""
        return tuple(record for record in self.records if record.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """An emergency message about a person in which a GI acts.

    Attributes:
        gi: The acting GI.
        index: Place of the message's entry.
        accepted_at: When it was accepted, as NumericDate.
    """

    gi: OIN
    index: int
    accepted_at: int


class Persons(Protocol):
    """Reads what is stated about persons."""

    async def of(self, tags: Sequence[SubjectTag]) -> Mapping[SubjectTag, Person]:
        """Return the person of each pseudonym; of whom nothing is stated has that pseudonym alone, and no record."""
        ...

    async def record(self, record_id: MessageId) -> PersonRecord | None:
        """Return a record by its id."""
        ...

    async def is_party(self, oin: OIN, *, about: SubjectTag) -> bool:
        """Whether a participant sent or received a message about exactly this pseudonym."""
        ...

    async def emergencies(
        self, tags: Sequence[SubjectTag], *, gis: Sequence[OIN]
    ) -> Mapping[SubjectTag, tuple[Emergency, ...]]:
        """Return the emergencies of the person of each pseudonym in which one of these GIs acts."""
        ...

    async def ever_released(self, message_id: MessageId) -> frozenset[int]:
        """Return the numbers of the sealed elements that any disclosure of a message released."""
        ...
