"""What the use cases work with: ports, policy and the directory, wired once by `hub/bootstrap.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from consent.grounds import Catalogue
from consent.memo import DecisionMemo
from hub.attention import Attention
from hub.persons import Persons
from hub.ports import Log, Outbox, RateLimits, Store, WakeUps
from schemas.definitions import Definitions
from schemas.identifiers import HubName
from schemas.jwk import VerificationKey
from schemas.participants import Directory
from schemas.randomness import Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The participants and what is decided by, as the log had them at one size.

    Attributes:
        directory: Who is admitted, with which keys.
        in_force: Digest of the newest version of each document that decides, by its name; absent before the first.
        as_of: Log size before these were read: whatever they lack has an index of at least this.
    """

    directory: Directory
    as_of: int
    in_force: Mapping[str, str] = field(default_factory=dict)


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
class Policy:
    """By what is decided: one catalogue, one set of definitions, and the decisions already taken by them."""

    catalogue: Catalogue
    definitions: Definitions
    decisions: DecisionMemo

    @property
    def documents(self) -> Mapping[str, tuple[str, str, bytes]]:
        """The documents that decide, by their name in the log: digest, version and bytes."""
        catalogue, definitions = self.catalogue, self.definitions
        return {
            "grounds": (catalogue.digest, catalogue.version, catalogue.data),
            "definitions": (definitions.digest, definitions.version, definitions.data),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a use case may use.

    Attributes:
        hub: This hub's name, as it stands in `hubs`.
        registrar: The pinned key that admits participants and opens chain-key epochs.
    """

    hub: HubName
    registrar: VerificationKey
    log: Log
    store: Store
    persons: Persons
    attention: Attention
    worlds: Worlds
    policy: Policy
    wake_ups: WakeUps
    outbox: Outbox
    rate_limits: RateLimits
    randomness: Randomness
