"""What becomes true with a log entry: whether a change loses, and the rows that it writes. Pure.

The sequencer reads, under the tree's lock, what is true about everything that a batch is about (`State`). Members are
then judged one after the other, each against what is true after the one before it, so two members of one batch can no
more both win than two of different batches. What was decided here becomes rows, written in one go with the entries.

Losing is decided by reading and not by `ON CONFLICT DO NOTHING`, because an entry's index, and with it every later
entry, depends on who is in the batch. The unique keys stand behind it: a row that is there all the same fails the
transaction.
"""

from dataclasses import dataclass, field
from typing import Final

from hub.changes import (
    CataloguePublished,
    ChainEpochOpened,
    Change,
    DisclosureMade,
    LogContinued,
    MessageExpired,
    ParticipantStated,
    ReceiptGiven,
    RefusalRecorded,
    SubmissionAccepted,
)

REFUSALS_PER_MINUTE_MAX: Final = 60
"""REFUSAL entries of one sender in a minute; beyond it a refusal is answered and not logged."""
MINUTE_MS: Final = 60_000


@dataclass(slots=True)
class MessageNow:
    """A message as far as a change can depend on it."""

    body: int
    recipient: str
    pickup_by: int
    index: int
    disclosure: int | None = None
    received: bool = False
    expired: bool = False


@dataclass(slots=True)
class State:
    """What is true, of everything that a batch is about, before its next member.

    Attributes:
        messages: By id; one that is absent does not exist.
        refused: Digests of refused messages.
        refusals: Number of refusals of a sender in the last minute.
        participants: Index of the newest entry of an OIN.
        epochs: Epochs that exist.
        catalogues: Digest of the newest version of a document.
    """

    messages: dict[str, MessageNow] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)
    participants: dict[str, int] = field(default_factory=dict)
    epochs: set[int] = field(default_factory=set)
    catalogues: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Questions:
    """What must be read to judge a batch."""

    message_ids: set[str] = field(default_factory=set)
    refusal_digests: set[str] = field(default_factory=set)
    refusal_senders: set[str] = field(default_factory=set)
    oins: set[str] = field(default_factory=set)
    epochs: set[int] = field(default_factory=set)
    catalogues: bool = False

    def about(self, change: Change) -> None:
        """Ask what this change depends on."""
        match change:
            case SubmissionAccepted():
                self.message_ids.add(change.id.value)
            case DisclosureMade() | ReceiptGiven() | MessageExpired():
                self.message_ids.add(change.message_id.value)
            case RefusalRecorded():
                self.refusal_digests.add(change.message_digest)
                self.refusal_senders.add(change.sender.value)
            case ParticipantStated():
                self.oins.add(change.oin.value)
            case ChainEpochOpened():
                self.epochs.add(change.epoch)
            case CataloguePublished():
                self.catalogues = True
            case LogContinued():
                pass  # the index tells


@dataclass(slots=True)
class Rows:
    """What the members that won write, in their order; each with the index of the member's entry.

    Attributes:
        bodies: Under which the bodies of `submissions` were written, in the same order.
        waiting_ended: Recipient and index of the messages that wait no longer.
        forgotten_bodies: Bodies whose ciphertexts go.
        refused_bodies: Bodies whose ciphertexts stay until that second, though nobody waits for them.
    """

    submissions: list[tuple[int, SubmissionAccepted]] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    disclosures: list[tuple[int, DisclosureMade]] = field(default_factory=list)
    receipts: list[tuple[int, ReceiptGiven]] = field(default_factory=list)
    expiries: list[tuple[int, MessageExpired]] = field(default_factory=list)
    refusals: list[tuple[int, RefusalRecorded]] = field(default_factory=list)
    participants: list[tuple[int, ParticipantStated]] = field(default_factory=list)
    epochs: list[tuple[int, ChainEpochOpened]] = field(default_factory=list)
    catalogues: list[tuple[int, CataloguePublished]] = field(default_factory=list)
    waiting_ended: list[tuple[str, int]] = field(default_factory=list)
    forgotten_bodies: list[int] = field(default_factory=list)
    refused_bodies: list[tuple[int, int]] = field(default_factory=list)


def loses(change: Change, state: State, *, index: int) -> bool:
    """Tell whether a change comes too late, as its type in `hub.ports` says; `index` is its entry's."""
    match change:
        case SubmissionAccepted():
            return change.id.value in state.messages
        case DisclosureMade() | ReceiptGiven() | MessageExpired():
            message = state.messages.get(change.message_id.value)
            return message is None or _loses_message(change, message)
        case RefusalRecorded():
            counted = state.refusals.get(change.sender.value, 0)
            return change.message_digest in state.refused or counted >= REFUSALS_PER_MINUTE_MAX
        case ParticipantStated() | ChainEpochOpened() | CataloguePublished():
            return _loses_news(change, state)
        case LogContinued():
            return index > 0


def _loses_news(change: ParticipantStated | ChainEpochOpened | CataloguePublished, state: State) -> bool:
    match change:
        case ParticipantStated():
            return state.participants.get(change.oin.value) != change.follows
        case ChainEpochOpened():
            return change.epoch in state.epochs
        case CataloguePublished():
            return state.catalogues.get(change.document) == change.digest


def _loses_message(change: DisclosureMade | ReceiptGiven | MessageExpired, message: MessageNow) -> bool:
    match change:
        case DisclosureMade():
            return message.received or message.expired or message.disclosure != change.replaces
        case ReceiptGiven():
            return message.received or message.disclosure != change.disclosure_index
        case MessageExpired():
            return message.received or message.expired


def record(change: Change, *, index: int, body: int | None, state: State, rows: Rows) -> None:
    """Let a change that does not lose become true at an index.

    Args:
        change: What becomes true.
        index: Index of its entry.
        body: Under which a submission's body was written.
        state: What is true; moves on.
        rows: Takes what is to be written.
    """
    match change:
        case SubmissionAccepted():
            assert body is not None
            rows.submissions.append((index, change))
            rows.bodies.append(body)
            state.messages[change.id.value] = MessageNow(
                body=body, recipient=change.recipient.value, pickup_by=change.pickup_by, index=index
            )
        case DisclosureMade():
            rows.disclosures.append((index, change))
            state.messages[change.message_id.value].disclosure = index
        case ReceiptGiven():
            rows.receipts.append((index, change))
            message = state.messages[change.message_id.value]
            message.received = True
            _end_waiting(message, rows=rows, forget=change.forget)
        case MessageExpired():
            rows.expiries.append((index, change))
            message = state.messages[change.message_id.value]
            message.expired = True
            _end_waiting(message, rows=rows, forget=True)
        case RefusalRecorded():
            rows.refusals.append((index, change))
            state.refused.add(change.message_digest)
            state.refusals[change.sender.value] = state.refusals.get(change.sender.value, 0) + 1
        case ParticipantStated():
            rows.participants.append((index, change))
            state.participants[change.oin.value] = index
        case ChainEpochOpened():
            rows.epochs.append((index, change))
            state.epochs.add(change.epoch)
        case CataloguePublished():
            rows.catalogues.append((index, change))
            state.catalogues[change.document] = change.digest
        case LogContinued():
            pass  # the entry says it all


def _end_waiting(message: MessageNow, *, rows: Rows, forget: bool) -> None:
    rows.waiting_ended.append((message.recipient, message.index))
    if forget:
        rows.forgotten_bodies.append(message.body)
    else:
        rows.refused_bodies.append((message.body, message.pickup_by))
