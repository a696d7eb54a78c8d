"""What the hub answers, as types. Nothing in them is verified: `proving`, `opening` and the directory do that.

Members that this version does not know are skipped: a hub is upgraded before its connectors.
"""

from typing import Annotated, Final, TypeAlias

import msgspec

NUMBER_MAX: Final = 2**53 - 1
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)]
"""A log index or a moment; whatever a hub says, it fits where it is kept."""

Cursor: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=NUMBER_MAX)]
"""Beyond which the next page begins; -1: at the beginning."""


class ProvenText(msgspec.Struct, frozen=True):
    """An entry of the log with its proof: `GET /log/entries/{index}`, `POST /v1/receipts`, `POST /v1/recalls`."""

    index: Number
    entry: str
    tlog_proof: str


class Definition(msgspec.Struct, frozen=True):
    """Digest and version of a catalogue or of definitions."""

    digest: str
    version: str


class LogIdentity(msgspec.Struct, frozen=True):
    """The hub's log, as the hub names it; believed only if it is the pinned one."""

    origin: str
    vkey: str


class Metadata(msgspec.Struct, frozen=True):
    """`GET /.well-known/ketenhub`."""

    hub: str
    issuer: str
    api: str
    log: LogIdentity
    registrar: dict[str, str]
    definitions: Definition
    versions: tuple[str, ...]
    catalogue: Definition | None = None


class SubmissionAnswer(ProvenText, frozen=True):
    """`POST /v1/messages`; which message it is about is what the entry says."""

    catalogue: Definition
    shown: str
    shown_salt: str


class StoredReceipt(msgspec.Struct, frozen=True):
    """The recipient's signed receipt, with the proof of its entry."""

    receipt: str
    entry: str
    tlog_proof: str


class HubWarning(msgspec.Struct, frozen=True):
    """Something the hub warns of."""

    code: str = ""
    text: str = ""
    text_nl: str = ""


class Denial(msgspec.Struct, frozen=True):
    """Since when the recipient asks for a message in vain, and why nothing of it would go now."""

    since: Number
    reasons: tuple[HubWarning, ...] = ()


class MessageStatus(msgspec.Struct, frozen=True):
    """`GET /v1/messages/{jti}`."""

    jti: str
    state: str
    receipt: StoredReceipt | None = None
    denied: Denial | None = None


class InboxItem(msgspec.Struct, frozen=True):
    """One message that waits."""

    id: str
    index: Number
    type: str
    sender: str
    pickup_by: Number


class InboxPage(msgspec.Struct, frozen=True):
    """`GET /v1/inbox`."""

    items: tuple[InboxItem, ...]
    next: Cursor


class ParticipantLine(msgspec.Struct, frozen=True):
    """One PARTICIPANT entry with the signed texts that it stands for."""

    oin: str
    index: Number
    entry: str
    admission: str | None = None
    statement: str | None = None
    replaced: str | None = None


class ParticipantList(msgspec.Struct, frozen=True):
    """`GET /v1/participants`."""

    participants: tuple[ParticipantLine, ...]
    newest: int | None = None


class Joined(ProvenText, frozen=True):
    """`POST /v1/participants`."""

    oin: str


class ProofHashes(msgspec.Struct, frozen=True):
    """`GET /log/proof/…`: hashes, base64url."""

    hashes: tuple[str, ...]


class ChainEpoch(msgspec.Struct, frozen=True):
    """One chain-key epoch, as the registrar signed it."""

    epoch: Number
    signed: str
    entry: str
    index: Number
    tlog_proof: str = ""


class ChainEpochs(msgspec.Struct, frozen=True):
    """`GET /v1/chain-epochs`."""

    epochs: tuple[ChainEpoch, ...]


class Handover(msgspec.Struct, frozen=True):
    """A chain key that another holder sealed for us."""

    handover: str


class Handovers(msgspec.Struct, frozen=True):
    """`GET /v1/chain-keys`."""

    handovers: tuple[Handover, ...]


class ProvenBoard(ProvenText, frozen=True):
    """A board that the registrar signed, with the proof of its entry."""

    board: str


class ProvenStep(ProvenText, frozen=True):
    """A step of a member of the board, with the proof of its entry."""

    step: str


class Proposal(msgspec.Struct, frozen=True):
    """A proposal with every step that was taken about it, the proposal itself too."""

    proposal: str
    steps: tuple[ProvenStep, ...]


class Catalogues(msgspec.Struct, frozen=True):
    """`GET /v1/catalogues`: who may change the catalogue, what they did, and what came into force of it."""

    boards: tuple[ProvenBoard, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    enacted: tuple[ProvenText, ...] = ()


class GroundsText(msgspec.Struct, frozen=True):
    """`GET /v1/grounds`: the catalogue's exact text."""

    digest: str
    version: str
    text: str


class Recorded(ProvenText, frozen=True):
    """`POST /v1/consents`, `/v1/measures` and `/v1/links`: the entry of what was posted."""

    id: str


class FoundRecord(ProvenText, frozen=True):
    """One signed record about a person, with the proof of its entry."""

    id: str
    record: str


class FoundRecords(msgspec.Struct, frozen=True):
    """A page of `POST /v1/consents/search` and `/v1/measures/search`; the page after the last has no records.

    `links` join the pseudonyms that were asked for with those under which some of the records stand.
    """

    records: tuple[FoundRecord, ...]
    links: tuple[FoundRecord, ...]
    next: Cursor


class SentRecord(msgspec.Struct, frozen=True):
    """An entry by which we told somebody something, with the record that we were shown."""

    index: Number
    entry: str
    shown: str | None = None
    shown_salt: str | None = None


class SentRecords(msgspec.Struct, frozen=True):
    """A page of `POST /v1/records/search`; the page after the last has no records."""

    records: tuple[SentRecord, ...]
    next: Cursor


class ReviewAnswerLine(msgspec.Struct, frozen=True):
    """What a party says of an item, with its signed review."""

    oin: str
    index: Number
    finding: str
    review: str


class ReviewLine(msgspec.Struct, frozen=True):
    """One item of the review list. `supervised`: a party answers it, a supervisor closes it."""

    about: str
    mark: str
    index: Number
    sender: str
    recipient: str
    supervised: bool = False
    answers: tuple[ReviewAnswerLine, ...] = ()


class ReviewPage(msgspec.Struct, frozen=True):
    """A page of `POST /v1/reviews/search`; the page after the last is empty."""

    reviews: tuple[ReviewLine, ...]
    next: Cursor


class Reviewed(ProvenText, frozen=True):
    """`POST /v1/reviews`: the entry of a review, and whether it closed the item."""

    closed: bool = True


class HubNotice(msgspec.Struct, frozen=True):
    """Something that the hub tells us: what it is, and which message or record it is about."""

    number: Number
    kind: str
    at: Number
    message: str | None = None
    record: str | None = None
    index: Number | None = None


class HubNotices(msgspec.Struct, frozen=True):
    """`GET /v1/notices`."""

    items: tuple[HubNotice, ...]
    next: Cursor
