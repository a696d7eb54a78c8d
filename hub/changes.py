"""What changes with a log entry, one type for each kind of change, and the member of the log that carries it.

A change says in its docstring when it *loses*: then somebody was first, and neither the entry nor the change is
written. `hub.ports.Log.append` makes both true in one transaction, or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from audit.entries import EntryDraft
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag, Thumbprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The record both parties get, to which the entry commits: its exact text and salt; both empty once erased."""

    text: str
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDraft:
    """What the hub keeps about one data subject with one entry.

    `nth` and `previous` are added under the tree lock, where they are known.

    Attributes:
        tag: The subject in the hub's own tag space.
        salt: 32 random bytes for the commitment.
        responsible: `<register>:<number>` of who answers for the message.
        relied_on: Consents and measures that the decision relied on.
        trace_id: W3C trace id, 32 hex digits.
        span_id: W3C span id, 16 hex digits.
    """

    tag: SubjectTag
    salt: bytes
    responsible: str
    relied_on: tuple[str, ...]
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionAccepted:
    """A message is stored. Loses if the message id is taken.

    `elements` holds only the permitted ciphertexts, by number; a denied one is not stored. `hashes` is SHA-256 of the
    sealed key, then of each sealed element, 32 bytes each, concatenated: what `sealed.digest` is made of.
    """

    id: MessageId
    jws: str
    sender: OIN
    recipient: OIN
    type: str
    purpose: str
    case: CaseId
    reply_to: MessageId | None
    issued_at: int
    pickup_by: int
    sealing_kid: Thumbprint
    sealed_key: bytes
    elements: Mapping[int, bytes]
    hashes: bytes
    tags: tuple[str, ...]
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureMade:
    """Permitted elements are released.

    Loses if the message has a receipt or is expired, or if its newest disclosure is no longer the one at `replaces`
    (None: there was none).
    """

    message_id: MessageId
    released: tuple[int, ...]
    released_digest: str
    replaces: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptGiven:
    """The recipient says what arrived.

    Loses if the message has a receipt, or if its newest disclosure is another. It does not lose because the message
    has expired: it was released before, and its sender must know what came of it. `forget` drops the ciphertexts
    (outcome `accepted`).
    """

    message_id: MessageId
    disclosure_index: int
    receipt: str
    accepted: bool
    forget: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageExpired:
    """Nobody collected it in time. Loses if it has a receipt or is expired already. The ciphertexts are dropped."""

    message_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecorded:
    """A verified sender's message was refused.

    Loses if this digest was recorded before, or if the sender has had 60 in this minute; the refusal is answered all
    the same.
    """

    message_digest: str
    sender: OIN


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantStated:
    """An admission, a statement or both came into force. Loses if the newest entry of this OIN is not `follows`."""

    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None
    follows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEpochOpened:
    """The registrar opened an epoch. Loses if the epoch exists."""

    epoch: int
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePublished:
    """A version of a document that decides came into force: the grounds, the definitions.

    Loses if this digest is the newest of this document.

    Attributes:
        document: Which document: `grounds` or `definitions`.
        digest: Its digest.
        version: Its version.
        text: Its bytes.
    """

    document: str
    digest: str
    version: str
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogContinued:
    """This log continues one that cannot go on. Loses unless it is the first entry."""


Change: TypeAlias = (
    SubmissionAccepted
    | DisclosureMade
    | ReceiptGiven
    | MessageExpired
    | RefusalRecorded
    | ParticipantStated
    | ChainEpochOpened
    | CataloguePublished
    | LogContinued
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMember:
    """One entry to append, with the change that it records.

    Attributes:
        draft: What the entry says; index, time, newest participant and the commitments to `kept` are added under the
            tree lock, the commitment to `shown` before it.
        shown: Record for both parties, or None.
        kept: One for each data subject.
        watches: Subjects (tags) and parties (OINs) that the decision read; it is outdated if an entry of kind
            CONSENT, MEASURE, PARTICIPANT, CATALOGUE or RECALL at or after `draft.as_of` touches one of them.
        touches: The same keys, for an entry of those kinds; a CATALOGUE entry touches `*`, which everything watches.
        change: What becomes true with the entry.
    """

    draft: EntryDraft
    shown: Shown | None
    kept: tuple[KeptDraft, ...]
    watches: frozenset[str]
    touches: frozenset[str]
    change: Change
