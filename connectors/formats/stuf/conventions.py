"""What stands in `extraElementen`, and every other convention that is ours: one table, replaceable by settings.

The dictionary of allowed names is missing from the published specification. Two names come from the official test set
(`indicatieGeinformeerd`, `rolJeugdzorgVerzoeker`), one from version 1.0.9's general report (`redenNietGeinformeerd`);
the rest is a convention of Ketenhub until the dictionary is found.

    Conventions(extras=(*DEFAULT_EXTRAS, ExtraName(name="spoed", place=Place.CASE, meaning=Meaning.URGENT)))
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from connectors.formats.stuf.messages import DOCUMENT_DIAGNOSTIC
from connectors.formats.stuf.roles import Roles, packaged_roles


class Place(StrEnum):
    """On what an extra element stands."""

    CASE = "case"
    CHILD = "child"
    INTERESTED = "interested"
    EXECUTOR = "executor"
    DOCUMENT = "document"
    DECISION = "decision"


class Meaning(StrEnum):
    """What an extra element says; each is one element of a profile."""

    INFORMED = "informed"
    NOT_INFORMED_REASON = "notInformedReason"
    OVER = "over"
    RNI = "identifier"
    URGENT = "priority"
    REQUESTER_ROLE = "requesterRole"
    MESSAGE_TYPE = "trigger"
    MESSAGE_TYPE_TEXT = "trigger.text"
    SECRET_ADDRESS = "secretAddress"  # noqa: S105 - an element's name
    PROCESS = "extra"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraName:
    """One row: this name on this place means that."""

    name: str
    place: Place
    meaning: Meaning


DEFAULT_EXTRAS: Final = (
    ExtraName(name="indicatieGeinformeerd", place=Place.INTERESTED, meaning=Meaning.INFORMED),
    ExtraName(name="redenNietGeinformeerd", place=Place.INTERESTED, meaning=Meaning.NOT_INFORMED_REASON),
    ExtraName(name="betreftKind", place=Place.INTERESTED, meaning=Meaning.OVER),
    ExtraName(name="anp.identificatie", place=Place.CHILD, meaning=Meaning.RNI),
    ExtraName(name="indicatieUrgent", place=Place.CASE, meaning=Meaning.URGENT),
    ExtraName(name="rolJeugdzorgVerzoeker", place=Place.CASE, meaning=Meaning.REQUESTER_ROLE),
    ExtraName(name="berichttype", place=Place.CASE, meaning=Meaning.MESSAGE_TYPE),
    ExtraName(name="berichttypeOmschrijving", place=Place.CASE, meaning=Meaning.MESSAGE_TYPE_TEXT),
    ExtraName(name="indicatieGeheim", place=Place.CHILD, meaning=Meaning.SECRET_ADDRESS),
    ExtraName(name="indicatieGeheim", place=Place.INTERESTED, meaning=Meaning.SECRET_ADDRESS),
)

OWN_INITIATIVE: Final = frozenset({"BT-050009", "BT-050010"})
"""Message types of an investigation that the Raad started itself."""


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """Settings of the format.

    Attributes:
        extras: The table of extra elements; a name that is not in it becomes `extraText`.
        health_documents: Descriptions of documents whose profile is `document-gezondheid`.
        necessary_documents: Descriptions of documents on health that a VTO marks necessary by the rule of the format.
            StUF has no such mark: that the sender attached a diagnostic report is the judgement. None: all of
            `health_documents`; an empty set turns this off.
        own_initiative: Message types that mean that the Raad acts of its own accord.
        attachments_max: How many documents a VTO may have; three by the official scenarios.
        roles: The list Jeugdzorgrol.
    """

    extras: tuple[ExtraName, ...] = DEFAULT_EXTRAS
    health_documents: frozenset[str] = frozenset({DOCUMENT_DIAGNOSTIC})
    necessary_documents: frozenset[str] | None = None
    own_initiative: frozenset[str] = OWN_INITIATIVE
    attachments_max: int = 3
    roles: Roles = field(default_factory=packaged_roles)

    def is_necessary(self, description: str) -> bool:
        """Whether the rule of the format marks a document on health of a VTO as necessary."""
        judged = self.health_documents if self.necessary_documents is None else self.necessary_documents
        return description in judged

    def meaning(self, place: Place, name: str) -> Meaning | None:
        """Return what a name on a place means, None if no row has it."""
        return self._meanings.get((place, name))

    def name(self, place: Place, meaning: Meaning) -> str | None:
        """Return the first name that means this on a place."""
        return next((row.name for row in self.extras if row.place is place and row.meaning is meaning), None)

    @cached_property
    def _meanings(self) -> Mapping[tuple[Place, str], Meaning]:
        return {(row.place, row.name): row.meaning for row in self.extras}
