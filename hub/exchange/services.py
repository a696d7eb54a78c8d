"""What the use cases work with: ports, policy and the directory, wired once by `hub/bootstrap.py`."""

from dataclasses import dataclass
from typing import Protocol

from consent.grounds import Catalogue
from consent.memo import DecisionMemo
from hub.ports import Log, Outbox, Store, WakeUps
from schemas.definitions import Definitions
from schemas.identifiers import HubName
from schemas.jwk import VerificationKey
from schemas.participants import Directory
from schemas.randomness import Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The participants, as the log had them at one size.

    Attributes:
        directory: Who is admitted, with which keys.
        as_of: Log size before the directory was read: whatever it lacks has an index of at least this.
    """

    directory: Directory
    as_of: int


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
    worlds: Worlds
    policy: Policy
    wake_ups: WakeUps
    outbox: Outbox
    randomness: Randomness
