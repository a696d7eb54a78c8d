"""What changes with a log entry, one type for each kind of change, and the member of the log that carries it.

A change says in its docstring when it *loses*: then somebody was first, and neither the entry nor the change is
written. `hub.ports.Log.append` makes both true in one transaction, or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, TypeAlias

from audit.entries import GROUNDS, EntryDraft
from hub.enforcement import Pass
from schemas.codes import EntryKind
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

    `asks_until` is the term of a question; `emergencies` are the subjects of an emergency and the GI that acts in it;
    `marks` are what somebody has to look at.
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
    asks_until: date | None = None
    emergencies: tuple[tuple[SubjectTag, OIN], ...] = ()
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureMade:
    """Permitted elements are released.

    Loses if the message has a receipt, is expired or recalled, or if its newest disclosure is no longer the one at
    `replaces` (None: there was none). `relied_on` are the records that it rests on: when one is withdrawn, the
    recipient is told. `marks` are what somebody has to look at.
    """

    message_id: MessageId
    released: tuple[int, ...]
    released_digest: str
    replaces: int | None
    relied_on: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptGiven:
    """The recipient says what arrived.

    Loses if the message has a receipt, or if its newest disclosure is another. It does not lose because the message
    has expired: it was released before, and its sender must know what came of it. `forget` drops the ciphertexts
    (outcome `accepted`). `answers` is the question to which its recipient has the last answer now; a question that is
    refused itself is open no longer either.
    """

    message_id: MessageId
    disclosure_index: int
    receipt: str
    accepted: bool
    forget: bool
    answers: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageExpired:
    """Nobody collected it in time: the ciphertexts are dropped. Loses if it has a receipt, is expired or recalled."""

    message_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecorded:
    """A verified sender's message was refused.

    Loses if this digest was recorded before, or if the sender has had 60 in this minute; the refusal is answered all
    the same. `proves` are the reasons for which the decision refused a canary: each is proved to be looked at. `form`
    is that of what it sent (`hub.enforcement.Pass`): that it passed before is forgotten.
    """

    message_digest: str
    sender: OIN
    proves: tuple[str, ...] = ()
    form: str | None = None


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
class BoardAppointed:
    """The registrar appointed the board of the catalogue. Loses if its id is taken by a board or a step."""

    id: MessageId
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken:
    """A member of the board did something with a proposal. Loses if its id is taken by a board or a step.

    Attributes:
        id: Identifier of the step.
        proposal: The step that proposed what it is about; itself, if that is this one.
        token: The step as it was signed.
        document: Digest and text of what it names: the catalogue, a report, an advice; None where it names nothing.
    """

    id: MessageId
    proposal: MessageId
    token: str
    document: tuple[str, bytes] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEnacted:
    """A catalogue of grounds came into force by the steps of the board. Loses unless `replaces` is the newest.

    Attributes:
        digest: Its digest.
        version: Its version.
        replaces: Digest of the catalogue that was in force, None if there was none.
    """

    document: ClassVar[str] = GROUNDS
    digest: str
    version: str
    replaces: str | None


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


class NoticeKind(StrEnum):
    """What a participant is told that no message tells."""

    CONSENT_WITHDRAWN = "consent-withdrawn"
    """A consent was withdrawn on which a message rests that the recipient has."""
    MEASURE_CONTRADICTED = "measure-contradicted"
    """Statements about one child name different executors for one day: nothing rests on them until that is solved."""
    QUESTION_SOON = "question-soon"
    """The term of a question that is not answered ends within three days."""
    QUESTION_DUE = "question-due"
    """The term of a question that is not answered has come."""
    ENFORCEMENT_STOPPED = "enforcement-stopped"
    """A message that must be refused would have been accepted: the hub accepts and releases nothing."""
    ENFORCEMENT_RESUMED = "enforcement-resumed"
    """The operator resumed after a stop."""
    RELEASE_DENIED = "release-denied"
    """The recipient asked for a message of which nothing may go to it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """Something that somebody has to look at, until a REVIEW entry closes it.

    Attributes:
        about: The message, or the record.
        mark: Why: a mark of the decision, or what is the matter with the record.
        sender: Who sent the message or stated the record.
        recipient: The other party.
    """

    about: MessageId
    mark: str
    sender: OIN
    recipient: OIN


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStated:
    """A consent or a measure is stated. Loses if its id is taken by any record.

    Attributes:
        kind: CONSENT or MEASURE.
        id: Identifier of the record.
        issuer: Who signed it.
        tag: The person.
        token: The record as it was signed.
        withdraws: The records of which this one takes something back; whoever has a message that rests on one of them
            is told. Empty if it takes nothing back.
        tells: Who is told, and what; the notice names the record.
        reviews: What somebody has to look at because of it.
    """

    kind: EntryKind
    id: MessageId
    issuer: OIN
    tag: SubjectTag
    token: str
    withdraws: tuple[str, ...] = ()
    tells: tuple[tuple[OIN, NoticeKind], ...] = ()
    reviews: tuple[ReviewItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsLinked:
    """Two pseudonyms are of one person. Loses if its id is taken by any record.

    `reviews` is what somebody has to look at because of it.
    """

    id: MessageId
    issuer: OIN
    other: SubjectTag
    known: SubjectTag
    token: str
    reviews: tuple[ReviewItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSought:
    """Somebody looked up what is stated about persons; nothing changes but their accounting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecalled:
    """The sender takes a message back that nobody picked up.

    Loses if it was released, has a receipt, or is expired or recalled. The ciphertexts are dropped.
    """

    message_id: MessageId
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewClosed:
    """Somebody looked at it. Loses if there is no such open item."""

    about: MessageId
    mark: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswered:
    """A party says what it found; the item stays open for a supervisor. Loses if there is no such open item.

    Of each party the newest answer counts.
    """

    about: MessageId
    mark: str
    party: OIN
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementStopped:
    """A canary's message would have been accepted. Loses if the hub is stopped already.

    From this entry on no `SubmissionAccepted` and no `DisclosureMade` becomes true: whoever appends one gets
    `hub.enforcement.stopped()`. `tells` are told; the notice names the entry's id as its record. `passed` is remembered
    until a message of its form is refused.
    """

    id: MessageId
    canary: OIN
    passed: Pass | None = None
    tells: tuple[OIN, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementResumed:
    """The operator resumed. Loses unless the stop at `stop` lasts.

    `record` is what the entry commits to: the operator's reason; `tells` as in `EnforcementStopped`. What passed until
    then is forgotten.
    """

    id: MessageId
    stop: int
    record: str
    tells: tuple[OIN, ...] = ()


Change: TypeAlias = (
    SubmissionAccepted
    | DisclosureMade
    | ReceiptGiven
    | MessageExpired
    | RefusalRecorded
    | ParticipantStated
    | ChainEpochOpened
    | BoardAppointed
    | StepTaken
    | CatalogueEnacted
    | CataloguePublished
    | LogContinued
    | RecordStated
    | TagsLinked
    | PersonSought
    | MessageRecalled
    | ReviewClosed
    | ReviewAnswered
    | EnforcementStopped
    | EnforcementResumed
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
            CONSENT, MEASURE, LINK, PARTICIPANT or CATALOGUE at or after `draft.as_of` touches one of them.
        touches: The same keys, for an entry of those kinds. What is stated about a person touches every pseudonym that
            is linked; a CATALOGUE entry that brings something into force touches `*`, which everything watches.
        change: What becomes true with the entry.
    """

    draft: EntryDraft
    shown: Shown | None
    kept: tuple[KeptDraft, ...]
    watches: frozenset[str]
    touches: frozenset[str]
    change: Change
