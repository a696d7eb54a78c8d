"""Signed records about people: what of a hub's answer about consents and measures is believed.

A record counts here as it counts at the hub: it is in the log, its entry names its issuer and commits to its bytes, and
the issuer signed it with the key that our own directory has for that place in the log. It is about somebody whom we
asked about: under a pseudonym that we named, or one that a link, proven in the same way, joins with it.

    found = open_consents(answer, asked=tags, view=view)
    found.about[tag]      # the records about one person
    found.checkpoints     # to be held against the log that everybody sees, before anything rests on them

What follows from the records is `consent.consents` and `consent.measures`; that the hub keeps none back can not be
seen here. Nothing is read or sent.

Source: the architecture, sections 3, 5 and 6.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from audit.checkpoint import Checkpoint
from audit.entries import Entry, parse_entry
from audit.note import NoteKey
from audit.records import token_digest
from connectors.sdk.answers import FoundRecord, FoundRecords
from connectors.sdk.proving import ProvenEntry, prove_entry
from schemas.codes import EntryKind, TokenType
from schemas.consents import ConsentRecord, parse_consent, verify_consent
from schemas.errors import DocumentError, EvidenceError, SignatureError, UnavailableError
from schemas.identifiers import OIN, HubName, MessageId, SubjectTag
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws
from schemas.links import Link, parse_link, verify_link
from schemas.measures import MeasureStatement, parse_measure, verify_measure
from schemas.participants import Directory

RECORDS_MAX: Final = 1000
"""Records that one search may find; more are not read: the hub bounds what each issuer states about a person."""


class _Claims(Protocol):
    """What every signed record says of itself."""

    @property
    def issuer(self) -> OIN: ...
    @property
    def id(self) -> MessageId: ...
    @property
    def hub(self) -> HubName: ...


_C = TypeVar("_C", bound=_Claims)
_R = TypeVar("_R", ConsentRecord, MeasureStatement)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """What we know and believe, for checking records.

    Attributes:
        hub: Our hub.
        log: Pinned key of its log.
        directory: Our own directory; it knows every PARTICIPANT entry that the records' entries name.
    """

    hub: HubName
    log: NoteKey
    directory: Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Generic[_R]):
    """Records that hold.

    Attributes:
        about: The records about each person that was asked about, by the pseudonym that was asked; linked ones too.
        checkpoints: The signed tree heads that they were proven in.
    """

    about: Mapping[SubjectTag, tuple[_R, ...]] = field(repr=False)
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form(Generic[_C]):
    """How one kind of record is read."""

    entry: EntryKind
    token: TokenType
    parse: Callable[[bytes], _C]
    verify: Callable[[str, VerificationKey], _C]


_CONSENT: Final = _Form(
    entry=EntryKind.CONSENT,
    token=TokenType.CONSENT,
    parse=parse_consent,
    verify=lambda token, key: verify_consent(token, key=key),
)
_MEASURE: Final = _Form(
    entry=EntryKind.MEASURE,
    token=TokenType.MEASURE,
    parse=parse_measure,
    verify=lambda token, key: verify_measure(token, key=key),
)
_LINK: Final = _Form(
    entry=EntryKind.LINK,
    token=TokenType.LINK,
    parse=parse_link,
    verify=lambda token, key: verify_link(token, key=key),
)


def open_consents(found: FoundRecords, *, asked: Collection[SubjectTag], view: RecordView) -> Held[ConsentRecord]:
    """Check what a search for consents found.

    Raises:
        EvidenceError: Something of it does not hold; then nothing of it is believed.
        UnavailableError: There are more records than are read at once.
    """
    return _open(found, _CONSENT, asked=asked, view=view)


def open_measures(found: FoundRecords, *, asked: Collection[SubjectTag], view: RecordView) -> Held[MeasureStatement]:
    """Check what a search for measures found.

    Raises:
        EvidenceError: Something of it does not hold; then nothing of it is believed.
        UnavailableError: There are more records than are read at once.
    """
    return _open(found, _MEASURE, asked=asked, view=view)


def newest_participant_of(found: FoundRecords) -> int | None:
    """The newest PARTICIPANT entry that the records' entries name: the directory must know it before they are opened.

    Raises:
        EvidenceError: What stands there is no entry.
    """
    named = [_entry(each).participants for each in (*found.records, *found.links)]
    return max((index for index in named if index is not None), default=None)


def prove_recorded(
    token: str, *, entry: str, tlog_proof: str, index: int, kind: EntryKind, log: NoteKey
) -> ProvenEntry:
    """Check that something that we signed and posted is in the log.

    Args:
        token: What was posted.
        entry: The entry that the hub answered.
        tlog_proof: Its proof.
        index: Where the hub says that it stands.
        kind: What the entry must be.
        log: Pinned key of the log.

    Raises:
        EvidenceError: It is not.
    """
    try:
        proven = prove_entry(entry=entry, tlog_proof=tlog_proof, log=log)
    except (DocumentError, SignatureError) as error:
        raise EvidenceError("the hub's proof does not hold", code=error.code, detail=error.public_message) from error
    said = (proven.entry.kind, proven.index, proven.entry.request)
    if said != (kind, index, token_digest(token)):
        raise EvidenceError("the entry is about something else than was posted", code="hub.record.entry")
    return proven


def _open(found: FoundRecords, form: _Form[_R], *, asked: Collection[SubjectTag], view: RecordView) -> Held[_R]:
    if len(found.records) + len(found.links) > RECORDS_MAX:
        raise UnavailableError("a search finds more records than are read at once", code="hub.record.many")
    checkpoints: dict[tuple[int, bytes], Checkpoint] = {}
    links: list[Link] = [_check(each, _LINK, view=view, checkpoints=checkpoints) for each in found.links]
    records = [_check(each, form, view=view, checkpoints=checkpoints) for each in found.records]
    persons = {tag: _person(tag, links) for tag in asked}
    strange = [each for each in records if not any(each.tag in person for person in persons.values())]
    if strange or len({each.id for each in records}) != len(records):
        raise EvidenceError("a search finds records about somebody else", code="hub.record.other")
    return Held(
        about={tag: tuple(each for each in records if each.tag in person) for tag, person in persons.items()},
        checkpoints=tuple(checkpoints.values()),
    )


def _check(
    found: FoundRecord, form: _Form[_C], *, view: RecordView, checkpoints: dict[tuple[int, bytes], Checkpoint]
) -> _C:
    """Check one record: in the log, as its issuer signed it, for this hub."""
    proven = prove_recorded(
        found.record,
        entry=found.entry,
        tlog_proof=found.tlog_proof,
        index=found.index,
        kind=form.entry,
        log=view.log,
    )
    try:
        parsed = parse_jws(found.record, typ=form.token)
        issuer = form.parse(parsed.payload).issuer
        participant = view.directory.participant(issuer, at_index=proven.index)
        key = participant.signing_key(parsed.kid) if participant else None
        if key is None:
            raise EvidenceError("a record is not signed with its issuer's key", code="hub.record.key")
        record = form.verify(found.record, key)
    except (DocumentError, SignatureError) as error:
        raise EvidenceError("a record does not hold", code=error.code, detail=error.public_message) from error
    if (proven.entry.sender, record.hub, record.id.value) != (issuer, view.hub, found.id):
        raise EvidenceError("a record and its entry say different things", code="hub.record.entry")
    checkpoints[proven.checkpoint.size, proven.checkpoint.root_hash] = proven.checkpoint
    return record


def _entry(found: FoundRecord) -> Entry:
    try:
        return parse_entry(found.entry.encode())
    except DocumentError as error:
        raise EvidenceError("the hub's proof does not hold", code=error.code, detail=error.public_message) from error


def _person(tag: SubjectTag, links: Sequence[Link]) -> frozenset[SubjectTag]:
    """Every pseudonym of the person who has this one, by the links."""
    person, grown = frozenset({tag}), True
    while grown:
        joined = person.union(*_joined(person, links))
        person, grown = joined, joined != person
    return person


def _joined(person: frozenset[SubjectTag], links: Sequence[Link]) -> Iterable[set[SubjectTag]]:
    return ({link.random, link.known} for link in links if person & {link.random, link.known})
