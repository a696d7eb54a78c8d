"""What the use cases work with: ports wired once by `hub/bootstrap.py`, and the world as the log has it."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from audit.entries import DEFINITIONS, GROUNDS
from consent.grounds import Catalogue
from consent.memo import DecisionMemo
from hub.attention import Attention
from hub.catalogues import Catalogues
from hub.enforcement import Enforcement
from hub.exchange.outline import Outline, OutlineMemo
from hub.exchange.stages import Outcome
from hub.persons import Persons
from hub.ports import Appended, Entered, Log, Outbox, RateLimits, Store, WakeUps
from schemas.board import Board
from schemas.definitions import Definitions
from schemas.errors import Issue, UnavailableError
from schemas.identifiers import HubName
from schemas.jwk import VerificationKey
from schemas.participants import Directory
from schemas.randomness import Randomness

NO_CATALOGUE: Final = "hub.catalogue.none"
_NO_CATALOGUE_NL: Final = "er geldt nog geen catalogus van gronden: het bestuur van de catalogus moet die vaststellen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """By what is decided: one catalogue, one set of definitions, and the decisions already taken by them.

    Attributes:
        decisions: About single elements.
        outcomes: About all labels of a message, by its outline and by all else that they depend on.
    """

    catalogue: Catalogue
    definitions: Definitions
    decisions: DecisionMemo
    outcomes: OutlineMemo[Hashable, Outcome] = field(default_factory=OutlineMemo)

    @classmethod
    def of(cls, catalogue: Catalogue, definitions: Definitions) -> Self:
        """Decide by these; nothing is decided yet."""
        return cls(catalogue=catalogue, definitions=definitions, decisions=DecisionMemo(catalogue))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The participants and what is decided by, as the log had them at one size.

    Attributes:
        directory: Who is admitted, with which keys.
        policy: The catalogue in force, with the definitions of this software; None where none is in force, or none
            that can be read here. Take it from `policy_in_force`, which says what is the matter.
        boards: Every board that the registrar appointed for the catalogue.
        in_force: Digest of the newest version of each document in `audit.entries.NAMED`, by its name; absent before the
            first.
        as_of: Log size before these were read: whatever they lack has an index of at least this.
        enforcement: Whether the hub is stopped, and what canaries proved.
    """

    directory: Directory
    as_of: int
    policy: Policy | None = None
    boards: tuple[Board, ...] = ()
    in_force: Mapping[str, str] = field(default_factory=dict)
    enforcement: Enforcement = field(default_factory=Enforcement)


def check_catalogue_in_force(world: World) -> None:
    """Check that there is a catalogue in force: before the first one nobody exchanges anything or looks anybody up.

    Raises:
        UnavailableError: There is none (`hub.catalogue.none`).
    """
    if GROUNDS not in world.in_force:
        text = "no catalogue of grounds is in force yet: the board of the catalogue brings it into force by its steps"
        issue = Issue(pointer="", code=NO_CATALOGUE, text=text, text_nl=_NO_CATALOGUE_NL)
        raise UnavailableError(text, code=NO_CATALOGUE, issues=[issue])


def policy_in_force(world: World) -> Policy:
    """Return by what is decided; nothing is decided by anything else.

    Raises:
        UnavailableError: Nothing is in force (`hub.catalogue.none`); or this process cannot decide by what is, and
            must be started anew as the software that can (`hub.policy.outdated`).
    """
    check_catalogue_in_force(world)
    policy = world.policy
    if policy is None:
        text = "the catalogue in force cannot be read by this version of the hub; another process decides"
        raise UnavailableError(text, code="hub.policy.outdated")
    if world.in_force.get(DEFINITIONS, policy.definitions.digest) != policy.definitions.digest:
        text = "this process decides by definitions that were replaced; another process decides, or this one anew"
        raise UnavailableError(text, code="hub.policy.outdated")
    return policy


class Worlds(Protocol):
    """Holds the newest world that this process knows."""

    def current(self) -> World:
        """Return what is known, without waiting; at most about a second old while the database answers."""
        ...

    async def refresh(self) -> World:
        """Read what is new in the log and return it.

        Raises:
            UnavailableError: The database could not be reached.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a use case may use. By what is decided is no part of it: that is the world's, see `policy_in_force`.

    Attributes:
        hub: This hub's name, as it stands in `hubs`.
        registrar: The pinned key that admits participants and opens chain-key epochs.
        definitions: What messages look like; they belong to the software.
        structures: Issues of messages, by their outline and the digest of the definitions.
    """

    hub: HubName
    registrar: VerificationKey
    log: Log
    store: Store
    persons: Persons
    attention: Attention
    catalogues: Catalogues
    worlds: Worlds
    definitions: Definitions
    wake_ups: WakeUps
    outbox: Outbox
    rate_limits: RateLimits
    randomness: Randomness
    structures: OutlineMemo[tuple[Outline, str], tuple[Issue, ...]] = field(default_factory=OutlineMemo)

    async def proven(self, known: Entered) -> Appended:
        """Prove anew what is in the log: the old answer to what comes again.

        Raises:
            EvidenceError: See `hub.ports.Log.proof`.
            UnavailableError: The database could not be reached.
        """
        proof = await self.log.proof(known.index, entry=known.entry)
        return Appended(index=known.index, entry=known.entry, tlog_proof=proof)
