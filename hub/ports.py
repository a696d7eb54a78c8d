"""What the use cases need from the world: a log that orders, a store that reads, a directory.

A driver (PostgreSQL, in `hub/storage/`) implements these; `hub/bootstrap.py` alone chooses it. Each docstring is the
contract: what is durable when a method returns, what it raises, and what may run at once. Everything may run at once
unless it says otherwise.

The rule behind `Log.append`: a log entry and the change of state that it records become durable in one transaction or
not at all, and the order of the log is the order of effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hub.changes import LogMember, Shown
from hub.enforcement import Enforcement, Pass, Stop
from schemas.codes import EntryKind
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag, Thumbprint


class MessageState(StrEnum):
    """Where a message stands, as its sender sees it."""

    WAITING = "waiting"
    RELEASED = "released"
    RECEIVED = "received"
    REFUSED = "refused"
    EXPIRED = "expired"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """An entry that is durable, with its proof.

    Attributes:
        index: Its place in the log, from 0.
        entry: Its exact text.
        tlog_proof: C2SP tlog-proof, with a checkpoint that is durable in this process's rollback guard.
    """

    index: int
    entry: str
    tlog_proof: str


class Entered(Protocol):
    """What has a place in the log: its index, and the exact text of its entry."""

    @property
    def index(self) -> int:
        """Its place, from 0."""
        ...

    @property
    def entry(self) -> str:
        """Exact text of its entry."""
        ...


class MemberLostError(Exception):
    """The change could not be made because somebody was first; read again and answer from what is there."""


class DecisionOutdatedError(Exception):
    """Something that the decision read was changed before it could take effect; decide anew."""


class Log(Protocol):
    """The transparency log and the state that goes with it."""

    async def append(self, member: LogMember) -> Appended:
        """Append an entry and make its change, in one transaction with others that wait.

        When it returns, entry and change are durable and the proof's checkpoint stands in the rollback guard.

        Raises:
            MemberLostError: The change loses, as its type says; nothing was written.
            DecisionOutdatedError: See `LogMember.watches`; nothing was written.
            UnavailableError: The database could not be reached or was too slow; nothing was written, or it is not
                known and was read back.
            EvidenceError: The stored log contradicts the guard; the process must stop accepting and releasing.
            DocumentError: The draft makes no entry of its kind; nothing was written. Our own mistake.
        """
        ...

    async def size(self) -> int:
        """Return the number of entries that are durable: the `as_of` of a decision whose inputs are read after."""
        ...

    async def check_clock(self) -> None:
        """Check this process's clock, before something is taken for past its time by it.

        Raises:
            UnavailableError: `hub.clock`: it differs from the database's; nothing is appended either.
        """
        ...

    async def proof(self, index: int, *, entry: str) -> str:
        """Return a tlog-proof under a checkpoint in the guard, for a text that leaves as the entry at this index.

        Raises:
            KeyError: There is no such entry yet.
            EvidenceError: The log holds another entry there, or its tiles contradict it; the process must stop.
        """
        ...

    async def checkpoint(self) -> str:
        """Return the newest signed checkpoint of which this process's guard knows."""
        ...

    async def inclusion_proof(self, *, index: int, size: int) -> tuple[bytes, ...]:
        """Return sibling hashes, leaf to root, of entry `index` in the tree of `size`. KeyError if out of range."""
        ...

    async def consistency_proof(self, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """Return the consistency proof between two sizes. KeyError if out of range."""
        ...

    async def hash_tile(self, *, level: int, index: int, width: int) -> bytes:
        """Return `width` 32-byte hashes of a tile (1 to 256). KeyError if the tree does not have them."""
        ...

    async def entries(self, *, start: int, count: int) -> tuple[str, ...]:
        """Return the exact texts of at most `count` (≤ 256) entries from `start`."""
        ...

    async def entries_of_kinds(
        self, kinds: frozenset[EntryKind], *, after: int, limit: int
    ) -> tuple[tuple[int, str], ...]:
        """Return index and text of the entries of these kinds beyond index `after`, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDisclosure:
    """The newest disclosure of a message."""

    index: int
    entry: str
    shown: Shown
    released: tuple[int, ...]
    released_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReceipt:
    """The receipt of a message."""

    index: int
    entry: str
    receipt: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message as the hub holds it.

    `permitted` are the numbers of the sealed elements that acceptance permitted; release permits no others. `elements`
    are the ciphertexts by number, where they were read with the message; None does not say that they are gone.
    """

    index: int
    id: MessageId
    jws: str
    sender: OIN
    recipient: OIN
    type: str
    purpose: str
    case: CaseId
    issued_at: int
    pickup_by: int
    accepted_at: int
    sealing_kid: Thumbprint
    sealed_key: bytes
    hashes: bytes
    permitted: tuple[int, ...]
    tags: tuple[str, ...]
    entry: str
    shown: Shown
    state: MessageState
    disclosure: StoredDisclosure | None
    receipt: StoredReceipt | None
    elements_bytes: int
    elements: Mapping[int, bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """What waits for a recipient; a listing is no disclosure."""

    index: int
    id: MessageId
    type: str
    sender: OIN
    elements_bytes: int
    pickup_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncollected:
    """A message that waits too long: whom to warn of whom, and since when (seconds)."""

    index: int
    id: MessageId
    sender: OIN
    recipient: OIN
    accepted_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantRecord:
    """A PARTICIPANT entry with the documents it commits to."""

    index: int
    entry: str
    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEpochRecord:
    """A CHAIN entry with what the registrar signed."""

    index: int
    entry: str
    epoch: int
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainKeyHandover:
    """A chain key on its way from one holder to another; sealed, the hub cannot read it."""

    id: MessageId
    giver: OIN
    receiver: OIN
    epoch: int
    handover: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRecord:
    """An entry that a participant is party to, with the record it was shown."""

    index: int
    kind: EntryKind
    entry: str
    shown: Shown | None


class Store(Protocol):
    """Reads what the log's changes wrote. Every method may raise UnavailableError."""

    async def message(self, message_id: MessageId) -> StoredMessage | None:
        """Return a message by its id."""
        ...

    async def messages(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """Return those messages that exist, in one round trip."""
        ...

    async def messages_to_release(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """Return those messages that exist, in one round trip; one whose ciphertexts are small comes with them."""
        ...

    async def elements(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, Mapping[int, bytes]]:
        """Return the ciphertexts of messages, by element number; a message whose ciphertexts are gone is absent."""
        ...

    async def inbox(self, recipient: OIN, *, after: int, limit: int, at: int) -> tuple[InboxItem, ...]:
        """Return what waits for a recipient beyond log index `after`, oldest first, not past `pickup_by` at `at`."""
        ...

    async def expired(self, *, at: int, limit: int) -> tuple[StoredMessage, ...]:
        """Return messages past `pickup_by` that are not yet expired or received."""
        ...

    async def uncollected(self, *, accepted_before: int, limit: int) -> tuple[Uncollected, ...]:
        """Return messages that wait since before that moment (seconds), to warn their senders."""
        ...

    async def participants(
        self, *, after: int, limit: int | None = None, oin: OIN | None = None
    ) -> tuple[ParticipantRecord, ...]:
        """Return the PARTICIPANT entries beyond log index `after` (-1 for all), in order.

        At most `limit`, where one is given; those of one organisation, where it is named.
        """
        ...

    async def enforcement(self) -> Enforcement:
        """Return the stop that lasts, if any, with what passed, and what canaries proved."""
        ...

    async def remember_pass(self, passed: Pass) -> None:
        """Remember what passed while the hub was stopped already, until a message of its form is refused.

        At most a hundred are remembered: nobody resumes with proof while any is.
        """
        ...

    async def stops(self, *, limit: int) -> tuple[Stop, ...]:
        """Return the newest stops, newest first."""
        ...

    async def chain_epochs(self) -> tuple[ChainEpochRecord, ...]:
        """Return the epochs, oldest first."""
        ...

    async def store_handover(self, handover: ChainKeyHandover) -> bool:
        """Keep a handover for its receiver; durable on return. False if its id is there already."""
        ...

    async def handovers(self, receiver: OIN) -> tuple[ChainKeyHandover, ...]:
        """Return what waits for a receiver."""
        ...

    async def records(
        self, party: OIN, *, after: int, limit: int, message_id: MessageId | None
    ) -> tuple[DisclosureRecord, ...]:
        """Return entries that `party` is sender or recipient of, beyond index `after`, oldest first."""
        ...

    async def records_about(
        self, sender: OIN, tags: Sequence[SubjectTag], *, after: int, limit: int
    ) -> tuple[DisclosureRecord, ...]:
        """Return SUBMISSION and DISCLOSURE entries of `sender` about these persons beyond index `after`, oldest first.

        A person is every pseudonym that is linked to one of these.
        """
        ...

    async def use_once(self, *, issuer: str, identifier: str, until: int) -> bool:
        """Remember an identifier (a `jti`) until that second; durable on return. False if it was used before."""
        ...

    async def forget_past(self, *, at: int, limit: int) -> int:
        """Drop what has had its time at `at` (seconds), at most `limit` of each kind; how many.

        That is: used identifiers, and ciphertexts that a recipient refused, past `pickup_by`. (Those of accepted and
        expired messages go with their RECEIPT and EXPIRY entries.)
        """
        ...


class WakeUps(Protocol):
    """Tells waiting long polls, in every process, that something is there; never the authority."""

    async def wake(self, recipient: OIN) -> None:
        """Wake those who wait for this recipient; never raises."""
        ...

    async def wait(self, recipient: OIN, *, seconds: float) -> None:
        """Return when woken, after `seconds`, or earlier for no reason; never raises."""
        ...


class RateLimits(Protocol):
    """Counts requests; with its server gone it permits."""

    async def permit(self, key: str, *, per_minute: int) -> bool:
        """Return whether one more is permitted in this minute; never raises. `key` holds no personal data."""
        ...


class ReplayGuard(Protocol):
    """Remembers DPoP proofs for a minute; a help, not the authority: with its server gone it permits."""

    async def first_use(self, identifier: str, *, seconds: int) -> bool:
        """Return whether this identifier is new; never raises."""
        ...


class Outbox(Protocol):
    """Hands work to the workers after the commit; losing it delays a notification, nothing else."""

    async def message_waits(self, recipient: OIN, message_id: MessageId) -> None:
        """Ask for a notification that something waits; never raises."""
        ...

    async def notice_waits(self, recipient: OIN, number: int) -> None:
        """Ask for a notification that a notice is there; never raises."""
        ...
