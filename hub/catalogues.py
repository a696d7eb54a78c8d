"""What the use cases need to know of the catalogue's life: who is on the board, what its members did, and the texts.

A driver implements `Catalogues`; each docstring is the contract, as in `hub.ports`. Every method may raise
UnavailableError.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from audit.records import text_digest
from consent.grounds import Catalogue, load_catalogue
from schemas.errors import DocumentError
from schemas.identifiers import MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRecord:
    """A board as it was taken in.

    Attributes:
        id: Its identifier.
        index: Place of its entry.
        entry: Exact text of that entry.
        token: The board as the registrar signed it.
    """

    id: MessageId
    index: int
    entry: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step of a member of the board as it was taken in.

    Attributes:
        id: Its identifier.
        index: Place of its entry.
        entry: Exact text of that entry.
        proposal: The step that proposed what it is about; itself, if that is this one.
        token: The step as its member signed it.
    """

    id: MessageId
    index: int
    entry: str
    proposal: MessageId
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnactedRecord:
    """An entry with which a catalogue came into force."""

    index: int
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueLife:
    """What was done about the catalogue, each in the order of the log.

    Attributes:
        boards: Every board.
        enacted: The newest catalogues that came into force.
        steps: Every step about the newest proposals, and about those with which `enacted` came into force.
        began: Second in which the log began, if it continues another; 0 where it does not.
    """

    boards: tuple[BoardRecord, ...]
    enacted: tuple[EnactedRecord, ...]
    steps: tuple[StepRecord, ...]
    began: int


class Catalogues(Protocol):
    """Reads what the log's changes wrote about the catalogue."""

    async def life(self, *, enacted: int, proposals: int) -> CatalogueLife:
        """Return what was done.

        Args:
            enacted: How many of the newest catalogues in force.
            proposals: How many of the newest proposals.
        """
        ...

    async def boards(self) -> tuple[BoardRecord, ...]:
        """Return every board, in the order of the log."""
        ...

    async def step(self, step_id: MessageId) -> StepRecord | None:
        """Return a step by its id."""
        ...

    async def document(self, digest: str) -> bytes | None:
        """Return a text that an entry or a step names by its digest; None if it is not here."""
        ...


async def read_catalogue(digest: str, *, catalogues: Catalogues) -> Catalogue:
    """Read a catalogue by its digest: what the database holds under it counts only if it has that digest.

    Raises:
        DocumentError: Its text is not here, or this version of the software cannot read it.
        UnavailableError: The database could not be reached.
    """
    text = await catalogues.document(digest)
    if text is None:
        raise DocumentError("the text of the catalogue is not here", code="hub.catalogue.text")
    if text_digest(text) != digest:
        raise DocumentError("the database holds another text than the log names", code="hub.catalogue.text")
    return await asyncio.to_thread(load_catalogue, text)
