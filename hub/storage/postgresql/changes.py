"""What becomes true with a log entry: whether a change loses, and the rows that it writes. Pure.

The sequencer reads, under the tree's lock, what is true about everything that a batch is about (`State`). Members are
then judged one after the other, each against what is true after the one before it, so two members of one batch can no
more both win than two of different batches. What was decided here becomes rows, written in one go with the entries.

Losing is decided by reading and not by `ON CONFLICT DO NOTHING`, because an entry's index, and with it every later
entry, depends on who is in the batch. The unique keys stand behind it: a row that is there all the same fails the
transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hub.changes import (
    BoardAppointed,
    CatalogueEnacted,
    CataloguePublished,
    ChainEpochOpened,
    Change,
    DisclosureMade,
    EnforcementResumed,
    EnforcementStopped,
    LogContinued,
    MessageExpired,
    MessageRecalled,
    ParticipantStated,
    PersonSought,
    ReceiptGiven,
    RecordStated,
    RefusalRecorded,
    ReviewAnswered,
    ReviewClosed,
    ReviewItem,
    StepTaken,
    SubmissionAccepted,
    TagsLinked,
)
from schemas.identifiers import OIN

REFUSALS_PER_MINUTE_MAX: Final = 60
"""REFUSAL entries of one sender in a minute; beyond it a refusal is answered and not logged."""
MINUTE_MS: Final = 60_000

_Enforcement: TypeAlias = EnforcementStopped | EnforcementResumed
_Catalogue: TypeAlias = BoardAppointed | StepTaken | CatalogueEnacted | CataloguePublished
_News: TypeAlias = (
    ParticipantStated
    | ChainEpochOpened
    | _Catalogue
    | RecordStated
    | TagsLinked
    | ReviewClosed
    | ReviewAnswered
    | EnforcementStopped
    | EnforcementResumed
)
_ABOUT_STOPS: Final = (SubmissionAccepted, DisclosureMade, EnforcementStopped, EnforcementResumed)
"""What makes a stop, ends one, or is held back by one."""
_OfMessage: TypeAlias = DisclosureMade | ReceiptGiven | MessageExpired | MessageRecalled


@dataclass(slots=True)
class MessageNow:
    """A message as far as a change can depend on it."""

    body: int
    sender: str
    recipient: str
    pickup_by: int
    index: int
    disclosure: int | None = None
    received: bool = False
    expired: bool = False
    recalled: bool = False

    @property
    def ended(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.received or self.expired or self.recalled


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
        catalogue_ids: Identifiers of boards and of steps of their members.
        records: Identifiers of records about persons.
        reviews: Of what is to be looked at, by what it is about and why: whether it still is.
        stop: Index of the stop that lasts; None: there is none.
    """

    messages: dict[str, MessageNow] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)
    participants: dict[str, int] = field(default_factory=dict)
    epochs: set[int] = field(default_factory=set)
    catalogues: dict[str, str] = field(default_factory=dict)
    catalogue_ids: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    reviews: dict[tuple[str, str], bool] = field(default_factory=dict)
    stop: int | None = None


@dataclass(slots=True)
class Questions:
    """What must be read to judge a batch."""

    message_ids: set[str] = field(default_factory=set)
    refusal_digests: set[str] = field(default_factory=set)
    refusal_senders: set[str] = field(default_factory=set)
    oins: set[str] = field(default_factory=set)
    epochs: set[int] = field(default_factory=set)
    catalogues: bool = False
    catalogue_ids: set[str] = field(default_factory=set)
    record_ids: set[str] = field(default_factory=set)
    reviews: set[tuple[str, str]] = field(default_factory=set)
    stop: bool = False

    def about(self, change: Change) -> None:
        """Ask what this change depends on."""
        self.stop = self.stop or isinstance(change, _ABOUT_STOPS)
        match change:
            case SubmissionAccepted():
                self.message_ids.add(change.id.value)
            case DisclosureMade() | ReceiptGiven() | MessageExpired() | MessageRecalled():
                self.message_ids.add(change.message_id.value)
            case RecordStated() | TagsLinked():
                self.record_ids.add(change.id.value)
            case ReviewClosed() | ReviewAnswered():
                self.reviews.add((change.about.value, change.mark))
            case RefusalRecorded():
                self.refusal_digests.add(change.message_digest)
                self.refusal_senders.add(change.sender.value)
            case ParticipantStated():
                self.oins.add(change.oin.value)
            case ChainEpochOpened():
                self.epochs.add(change.epoch)
            case CataloguePublished() | CatalogueEnacted() | BoardAppointed() | StepTaken():
                self._about_catalogue(change)
            case LogContinued() | PersonSought() | EnforcementStopped() | EnforcementResumed():
                pass  # the index tells, or nothing does, or what is asked above

    def _about_catalogue(self, change: _Catalogue) -> None:
        match change:
            case CataloguePublished() | CatalogueEnacted():
                self.catalogues = True
            case BoardAppointed() | StepTaken():
                self.catalogue_ids.add(change.id.value)


@dataclass(slots=True)
class Rows:
    """What the members that won write, in their order; each with the index of the member's entry.

    Attributes:
        bodies: Under which the bodies of `submissions` were written, in the same order.
        waiting_ended: Recipient and index of the messages that wait no longer.
        forgotten_bodies: Bodies whose ciphertexts go.
        refused_bodies: Bodies whose ciphertexts stay until that second, though nobody waits for them.
        documents: Texts that entries and steps name, by their digest.
        reliances: Record and message of every disclosure that rests on records.
        emergencies: Index, pseudonym and acting GI.
        questions: Message and term of the questions that are open.
        questions_ended: Messages that are no open question any more.
        reviews: What is to be looked at, with the index of the entry because of which.
    """

    submissions: list[tuple[int, SubmissionAccepted]] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    disclosures: list[tuple[int, DisclosureMade]] = field(default_factory=list)
    receipts: list[tuple[int, ReceiptGiven]] = field(default_factory=list)
    expiries: list[tuple[int, MessageExpired]] = field(default_factory=list)
    refusals: list[tuple[int, RefusalRecorded]] = field(default_factory=list)
    participants: list[tuple[int, ParticipantStated]] = field(default_factory=list)
    epochs: list[tuple[int, ChainEpochOpened]] = field(default_factory=list)
    catalogues: list[tuple[int, CataloguePublished | CatalogueEnacted]] = field(default_factory=list)
    boards: list[tuple[int, BoardAppointed]] = field(default_factory=list)
    steps: list[tuple[int, StepTaken]] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    waiting_ended: list[tuple[str, int]] = field(default_factory=list)
    forgotten_bodies: list[int] = field(default_factory=list)
    refused_bodies: list[tuple[int, int]] = field(default_factory=list)
    records: list[tuple[int, RecordStated]] = field(default_factory=list)
    links: list[tuple[int, TagsLinked]] = field(default_factory=list)
    recalls: list[tuple[int, MessageRecalled]] = field(default_factory=list)
    reliances: list[tuple[str, str]] = field(default_factory=list)
    emergencies: list[tuple[int, str, str]] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)
    questions_ended: list[str] = field(default_factory=list)
    reviews: list[tuple[int, ReviewItem]] = field(default_factory=list)
    reviews_closed: list[tuple[int, ReviewClosed]] = field(default_factory=list)
    reviews_answered: list[tuple[int, ReviewAnswered]] = field(default_factory=list)
    stops: list[tuple[int, EnforcementStopped]] = field(default_factory=list)
    resumptions: list[tuple[int, EnforcementResumed]] = field(default_factory=list)


def held_back(change: Change, state: State) -> bool:
    """Tell whether a change is one that a stop forbids, and there is a stop."""
    return state.stop is not None and isinstance(change, (SubmissionAccepted, DisclosureMade))


def loses(change: Change, state: State, *, index: int) -> bool:
    """Tell whether a change comes too late, as its type in `hub.ports` says; `index` is its entry's."""
    match change:
        case SubmissionAccepted():
            return change.id.value in state.messages
        case DisclosureMade() | ReceiptGiven() | MessageExpired() | MessageRecalled():
            message = state.messages.get(change.message_id.value)
            return message is None or _loses_message(change, message)
        case RefusalRecorded():
            counted = state.refusals.get(change.sender.value, 0)
            return change.message_digest in state.refused or counted >= REFUSALS_PER_MINUTE_MAX
        case LogContinued():
            return index > 0
        case PersonSought():
            return False
        case _:
            return _loses_news(change, state)


def _loses_news(change: _News, state: State) -> bool:
    match change:
        case RecordStated() | TagsLinked():
            return change.id.value in state.records
        case ReviewClosed() | ReviewAnswered():
            return not state.reviews.get((change.about.value, change.mark), False)
        case ParticipantStated():
            return state.participants.get(change.oin.value) != change.follows
        case ChainEpochOpened():
            return change.epoch in state.epochs
        case BoardAppointed() | StepTaken() | CatalogueEnacted() | CataloguePublished():
            return _loses_catalogue(change, state)
        case EnforcementStopped() | EnforcementResumed():
            # A stop needs that there is none, a resumption that it is the one that lasts.
            return state.stop != (change.stop if isinstance(change, EnforcementResumed) else None)


def _loses_catalogue(change: _Catalogue, state: State) -> bool:
    match change:
        case BoardAppointed() | StepTaken():
            return change.id.value in state.catalogue_ids
        case CatalogueEnacted():
            return state.catalogues.get(change.document) != change.replaces
        case CataloguePublished():
            return state.catalogues.get(change.document) == change.digest


def _loses_message(change: _OfMessage, message: MessageNow) -> bool:
    match change:
        case DisclosureMade():
            return message.ended or message.disclosure != change.replaces
        case ReceiptGiven():
            return message.received or message.disclosure != change.disclosure_index
        case MessageExpired():
            return message.ended
        case MessageRecalled():
            return message.ended or message.disclosure is not None


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
            rows.bodies.append(body)
            _record_submission(change, index=index, body=body, state=state, rows=rows)
        case DisclosureMade() | ReceiptGiven() | MessageExpired() | MessageRecalled():
            _record_outcome(
                change, index=index, message=state.messages[change.message_id.value], state=state, rows=rows
            )
        case RefusalRecorded():
            rows.refusals.append((index, change))
            state.refused.add(change.message_digest)
            state.refusals[change.sender.value] = state.refusals.get(change.sender.value, 0) + 1
        case LogContinued() | PersonSought():
            pass  # the entry says it all
        case _:
            _record_news(change, index=index, state=state, rows=rows)


def _record_submission(change: SubmissionAccepted, *, index: int, body: int, state: State, rows: Rows) -> None:
    message_id, sender, recipient = change.id.value, change.sender.value, change.recipient.value
    rows.submissions.append((index, change))
    state.messages[message_id] = MessageNow(
        body=body, sender=sender, recipient=recipient, pickup_by=change.pickup_by, index=index
    )
    rows.emergencies += ((index, tag.value, gi.value) for tag, gi in change.emergencies)
    if change.asks_until is not None:
        rows.questions.append((message_id, change.asks_until.isoformat()))
    items = (
        ReviewItem(about=change.id, mark=mark, sender=change.sender, recipient=change.recipient)
        for mark in change.marks
    )
    _open_reviews(items, index=index, state=state, rows=rows)


def _record_outcome(change: _OfMessage, *, index: int, message: MessageNow, state: State, rows: Rows) -> None:
    match change:
        case DisclosureMade():
            rows.disclosures.append((index, change))
            message.disclosure = index
            rows.reliances += ((record, change.message_id.value) for record in change.relied_on)
            sender, recipient = OIN(message.sender), OIN(message.recipient)
            items = (
                ReviewItem(about=change.message_id, mark=mark, sender=sender, recipient=recipient)
                for mark in change.marks
            )
            _open_reviews(items, index=index, state=state, rows=rows)
        case ReceiptGiven():
            rows.receipts.append((index, change))
            message.received = True
            rows.questions_ended += [] if change.answers is None else [change.answers.value]
            rows.questions_ended += [] if change.accepted else [change.message_id.value]
            _end_waiting(message, rows=rows, forget=change.forget)
        case MessageExpired():
            rows.expiries.append((index, change))
            message.expired = True
            _end_unread(change.message_id.value, message, rows=rows)
        case MessageRecalled():
            rows.recalls.append((index, change))
            message.recalled = True
            _end_unread(change.message_id.value, message, rows=rows)


def _record_news(change: _News, *, index: int, state: State, rows: Rows) -> None:
    match change:
        case ParticipantStated():
            rows.participants.append((index, change))
            state.participants[change.oin.value] = index
        case ChainEpochOpened():
            rows.epochs.append((index, change))
            state.epochs.add(change.epoch)
        case BoardAppointed() | StepTaken() | CatalogueEnacted() | CataloguePublished():
            _record_catalogue(change, index=index, state=state, rows=rows)
        case RecordStated():
            rows.records.append((index, change))
            state.records.add(change.id.value)
            _open_reviews(change.reviews, index=index, state=state, rows=rows)
        case TagsLinked():
            rows.links.append((index, change))
            state.records.add(change.id.value)
            _open_reviews(change.reviews, index=index, state=state, rows=rows)
        case ReviewClosed():
            rows.reviews_closed.append((index, change))
            state.reviews[change.about.value, change.mark] = False
        case ReviewAnswered():
            rows.reviews_answered.append((index, change))
        case EnforcementStopped() | EnforcementResumed():
            _record_enforcement(change, index=index, state=state, rows=rows)


def _record_catalogue(change: _Catalogue, *, index: int, state: State, rows: Rows) -> None:
    match change:
        case BoardAppointed():
            rows.boards.append((index, change))
            state.catalogue_ids.add(change.id.value)
        case StepTaken():
            rows.steps.append((index, change))
            rows.documents.update([change.document] if change.document else [])
            state.catalogue_ids.add(change.id.value)
        case CatalogueEnacted():
            rows.catalogues.append((index, change))
            state.catalogues[change.document] = change.digest
        case CataloguePublished():
            rows.catalogues.append((index, change))
            rows.documents[change.digest] = change.text
            state.catalogues[change.document] = change.digest


def _record_enforcement(change: _Enforcement, *, index: int, state: State, rows: Rows) -> None:
    match change:
        case EnforcementStopped():
            rows.stops.append((index, change))
            state.stop = index
        case EnforcementResumed():
            rows.resumptions.append((index, change))
            state.stop = None


def _open_reviews(items: Iterable[ReviewItem], *, index: int, state: State, rows: Rows) -> None:
    """Open items; one that was there before stays as it is, also if it is closed."""
    for item in items:
        rows.reviews.append((index, item))
        state.reviews.setdefault((item.about.value, item.mark), True)


def _end_unread(message_id: str, message: MessageNow, *, rows: Rows) -> None:
    """End a message that nobody read: its ciphertexts go, and nobody is asked anything any more."""
    rows.questions_ended.append(message_id)
    _end_waiting(message, rows=rows, forget=True)


def _end_waiting(message: MessageNow, *, rows: Rows, forget: bool) -> None:
    rows.waiting_ended.append((message.recipient, message.index))
    if forget:
        rows.forgotten_bodies.append(message.body)
    else:
        rows.refused_bodies.append((message.body, message.pickup_by))
