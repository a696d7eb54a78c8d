"""Signed records about people: what of a hub's answer about consents and measures is believed.

A record counts here as it counts at the hub: it is in the log, its entry names its issuer and commits to its bytes, and
the issuer signed it with the key that our own directory has for that place in the log. It is about somebody whom we
asked about: under a pseudonym that we named, or one that a link, proven in the same way, joins with it. What a link
says was made of a number is made again and compared, where the number is known.

    held = open_consents(answer, asked=persons, view=view)
    held.about[person.newest]   # the records about one person
    held.checkpoints            # to be held against the log that everybody sees, before anything rests on them

What follows from the records is `consent.consents` and `consent.measures`; that the hub keeps none back can not be
seen here: of our own `connectors.agent.lookup` knows them, of those of others only who has the whole log. Nothing is
read or sent.

Source: the architecture, sections 3, 5 and 6.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from audit.checkpoint import Checkpoint
from audit.entries import Entry, parse_entry
from audit.note import NoteKey
from audit.records import token_digest
from connectors.sdk.answers import FoundRecord, FoundRecords
from connectors.sdk.proving import ProvenEntry, prove_entry
from schemas.canonical import b64url_decode
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
class Pseudonyms:
    """What somebody is known by in the hub's tag space.

    Attributes:
        newest: What is sent, and recorded, under.
        former: What was made of the same number in former epochs; empty for whom a pseudonym was drawn.
        of_number: Whether they were made of a number that is known here.
    """

    newest: SubjectTag
    former: tuple[SubjectTag, ...] = ()
    of_number: bool = False

    @property
    def every(self) -> tuple[SubjectTag, ...]:
        """All of them, the newest first."""
        return (self.newest, *self.former)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Generic[_R]):
    """Records that hold.

    Attributes:
        about: The records about each person that was asked about, by the newest pseudonym; linked ones too.
        apart: Former pseudonyms of each person that have records and that no link joins with the newest one.
        checkpoints: The signed tree heads that they were proven in.
    """

    about: Mapping[SubjectTag, tuple[_R, ...]] = field(repr=False)
    apart: Mapping[SubjectTag, tuple[SubjectTag, ...]] = field(repr=False)
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


def open_consents(found: FoundRecords, *, asked: Collection[Pseudonyms], view: RecordView) -> Held[ConsentRecord]:
    """Check what a search for consents found.

    Raises:
        EvidenceError: Something of it does not hold; then nothing of it is believed.
        UnavailableError: There are more records than are read at once.
    """
    return _open(found, _CONSENT, asked=asked, view=view)


def open_measures(found: FoundRecords, *, asked: Collection[Pseudonyms], view: RecordView) -> Held[MeasureStatement]:
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


def tag_in(token: str) -> str | None:
    """Read, of a record of our own, under which pseudonym it is about somebody; None of a link or a recall."""
    tag = json.loads(b64url_decode(token.split(".")[1])).get("tag")
    return None if tag is None else str(tag)


def _open(found: FoundRecords, form: _Form[_R], *, asked: Collection[Pseudonyms], view: RecordView) -> Held[_R]:
    if len(found.records) + len(found.links) > RECORDS_MAX:
        raise UnavailableError("a search finds more records than are read at once", code="hub.record.many")
    checkpoints: dict[tuple[int, bytes], Checkpoint] = {}
    links: list[Link] = [_check(each, _LINK, view=view, checkpoints=checkpoints) for each in found.links]
    records = [_check(each, form, view=view, checkpoints=checkpoints) for each in found.records]
    persons = {each.newest: _person(each.every, links) for each in asked}
    for each in asked:
        _check_numbers(each, links, person=persons[each.newest])
    strange = [each for each in records if not any(each.tag in person for person in persons.values())]
    if strange or len({each.id for each in records}) != len(records):
        raise EvidenceError("a search finds records about somebody else", code="hub.record.other")
    about = {tag: tuple(each for each in records if each.tag in person) for tag, person in persons.items()}
    return Held(
        about=about,
        apart={each.newest: _apart(each, links, about[each.newest]) for each in asked},
        checkpoints=tuple(checkpoints.values()),
    )


def _check_numbers(asked: Pseudonyms, links: Sequence[Link], *, person: AbstractSet[SubjectTag]) -> None:
    """Check that what links say was made of a person's number was: whoever knows the number can compute it.

    Raises:
        EvidenceError: A link joins somebody else.
    """
    if not asked.of_number:
        return
    held = {tag.epoch: tag for tag in asked.every}
    for link in links:
        named = (link.known, link.former) if link.known in person else ()
        if any(tag is not None and held.get(tag.epoch, tag) != tag for tag in named):
            raise EvidenceError("a link joins this person with somebody else", code="hub.link.other")


def _apart(asked: Pseudonyms, links: Sequence[Link], records: Sequence[_R]) -> tuple[SubjectTag, ...]:
    joined = _person((asked.newest,), links)
    stated = {each.tag for each in records}
    return tuple(tag for tag in asked.former if tag not in joined and not stated.isdisjoint(_person((tag,), links)))


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


def _person(tags: Iterable[SubjectTag], links: Sequence[Link]) -> frozenset[SubjectTag]:
    """Every pseudonym of the person who has these, by the links."""
    person, grown = frozenset(tags), True
    while grown:
        joined = person.union(*_joined(person, links))
        person, grown = joined, joined != person
    return person


def _joined(person: frozenset[SubjectTag], links: Sequence[Link]) -> Iterable[set[SubjectTag]]:
    return ({link.other, link.known} for link in links if person & {link.other, link.known})
