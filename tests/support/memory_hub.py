"""A hub in memory: real signatures, seals, decisions' records, log and proofs; no storage, no network.

It implements `connectors.sdk.ports.Hub` for one caller at a time (`hub.called_by(oin)`), accepts what a hub accepts,
and can be told to withhold labels, to fail before or after it did something, and to alter what it hands out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from audit.entries import EntryDraft, parse_entry
from audit.proofs import make_consistency_proof, make_inclusion_proof
from audit.records import ShownRecord, Withheld, commit, released_digest, token_digest
from connectors.sdk.answers import (
    Catalogues,
    ChainEpochs,
    Definition,
    Denial,
    FoundRecord,
    FoundRecords,
    GroundsText,
    Handovers,
    HubNotice,
    HubNotices,
    InboxItem,
    InboxPage,
    Joined,
    LogIdentity,
    MessageStatus,
    Metadata,
    ParticipantLine,
    ParticipantList,
    ProvenText,
    Recorded,
    SentRecords,
    StoredReceipt,
    SubmissionAnswer,
)
from connectors.sdk.transport import Reply
from schemas.canonical import b64url
from schemas.codes import EntryKind, TokenType
from schemas.consents import parse_consent
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, DocumentError, Issue, RejectedMessageError, ReplayError
from schemas.identifiers import OIN, MessageId, SubjectTag
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.links import parse_link
from schemas.measures import parse_measure
from schemas.message import Message, labels, parse_message
from schemas.requests import Outcome, parse_recall, parse_receipt, parse_release
from schemas.sealing import element_hashes, hash_list, sealed_digest
from schemas.wire import RefusedRelease, Release, Releases, Submission, encode_releases, parse_submission
from tests.support.connector_world import HUB, World
from tests.support.enactments import BoardLog
from tests.support.log_files import reader_of
from tests.support.memory_answers import problem_of, records_about


@dataclass
class Stored:
    """A message as the hub has it."""

    message: Message
    submission: Submission
    index: int
    shown: tuple[str, bytes]
    state: str = "waiting"
    disclosure: tuple[int, tuple[str, bytes]] | None = None
    receipt: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A signed record about a person as the hub has it."""

    kind: EntryKind
    id: str
    tags: frozenset[str]
    token: str
    index: int


@dataclass
class MemoryHub:
    """One hub for every participant of a world.

    Attributes:
        withhold: Labels that are withheld on acceptance, with reasons.
        withhold_later: Labels that are withheld on release only.
        alter: Changes what is handed out, as a bad hub would.
        alter_found: The same, for what a search finds.
        board: What the board did, in the world's log; None: nothing is said of it.
        alter_catalogues: Changes what is said of the board.
        notices: What each participant is told.
        marks: What every decision asks to be shown.
        denied: Messages of which nothing goes any more, and why.
        refused: Messages that are refused with a problem of any form.
        before: Called with the name of each call before it takes place; may raise.
        after: The same, after it took place.
    """

    world: World
    messages: dict[str, Stored] = field(default_factory=dict)
    records: list[StoredRecord] = field(default_factory=list)
    board: BoardLog | None = None
    alter_catalogues: Callable[[Catalogues], Catalogues] = lambda shown: shown
    notices: dict[OIN, list[HubNotice]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    denied: dict[str, Denial] = field(default_factory=dict)
    refused: dict[str, dict[str, JSONValue]] = field(default_factory=dict)
    alter_found: Callable[[FoundRecords], FoundRecords] = lambda found: found
    withhold: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    withhold_later: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alter: Callable[[Release], Release] = lambda release: release
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None

    def called_by(self, oin: OIN) -> "Caller":
        """Return the hub as one participant calls it."""
        return Caller(hub=self, oin=oin)

    def kinds(self) -> list[str]:
        """The kinds of the log's entries, in order."""
        return [parse_entry(text).kind.value for text in self.world.log.texts]

    def draft(self, kind: EntryKind, stored: Stored, **members: object) -> EntryDraft:
        """An entry about a message."""
        message = stored.message
        return EntryDraft(
            kind=kind,
            id=message.id.value,
            as_of=len(self.world.log.texts),
            catalogue=self.world.policy.catalogue.digest,
            sender=message.sender,
            recipient=message.recipient.oin,
            purpose=message.recipient.purpose,
            message=token_digest(stored.submission.message),
            **members,  # type: ignore[arg-type]  # each by its name
        )

    def shown(self, kind: EntryKind, message: Message, denied: Mapping[str, tuple[str, ...]]) -> tuple[str, bytes]:
        """The record of a decision, with its salt."""
        every = [label.text for label in labels(message)]
        record = ShownRecord(
            entry_kind=kind,
            ground=message.recipient.purpose,
            permitted=tuple(text for text in every if text not in denied),
            withheld=tuple(Withheld(label=text, reasons=denied[text]) for text in every if text in denied),
            catalogue=self.world.policy.catalogue.digest,
            marks=self.marks,
        )
        return record.text, self.world.randomness.bytes(32)

    def append(self, draft: EntryDraft, *, kept: Sequence[str] = ()) -> int:
        """Log an entry at the world's time."""
        self.world.log.time = max(self.world.log.time, int(self.world.clock.now().timestamp() * 1000))
        return self.world.log.append(draft, kept=kept)


@dataclass
class Caller:
    """The hub as one participant calls it: `connectors.sdk.ports.Hub`."""

    hub: MemoryHub
    oin: OIN

    async def metadata(self) -> Metadata:
        world = self.hub.world
        definition = Definition(digest=world.policy.definitions.digest, version=world.policy.definitions.version)
        catalogue = Definition(digest=world.policy.catalogue.digest, version=world.policy.catalogue.version)
        return Metadata(
            hub=HUB.value,
            issuer="https://hub.ketenhub.test",
            api="https://hub.ketenhub.test",
            log=LogIdentity(origin=world.log_key.name, vkey=world.log_key.vkey),
            registrar={name: str(value) for name, value in world.registrar.public.to_jwk().items()},
            definitions=definition,
            catalogue=catalogue,
            versions=("1",),
        )

    async def participants(self, *, after: int = -1) -> ParticipantList:
        lines = tuple(
            ParticipantLine(
                oin=record.oin.value,
                index=record.index,
                entry=self.hub.world.log.texts[record.index].decode(),
                admission=record.admission,
                statement=record.statement,
                replaced=record.replaced,
            )
            for record in self.hub.world.records
            if record.index > after
        )
        return ParticipantList(participants=lines, newest=self.hub.world.log.newest_participant)

    async def join(self, *, statement: str | None, replaced: str | None, admission: str | None) -> Joined:
        index = self.hub.world.take_statement(self.oin, admission=admission, statement=statement, replaced=replaced)
        log = self.hub.world.log
        return Joined(oin=self.oin.value, index=index, entry=log.texts[index].decode(), tlog_proof=log.proof(index))

    async def grounds(self) -> GroundsText:
        catalogue = self.hub.world.policy.catalogue
        return GroundsText(digest=catalogue.digest, version=catalogue.version, text=catalogue.data.decode())

    async def catalogues(self) -> Catalogues:
        return self.hub.alter_catalogues(self.hub.board.shown() if self.hub.board else Catalogues())

    async def catalogue_text(self, digest: str) -> str:
        self.hub.before("catalogue")
        return self.hub.board.texts[digest] if self.hub.board else ""

    async def submit(self, content_type: str, body: bytes) -> SubmissionAnswer:
        self.hub.before("submit")
        submission = parse_submission(content_type, body)
        message = self._verified(submission)
        known = self.hub.messages.get(message.id.value)
        if known is None:
            known = self._accept(submission, message)
        elif known.submission.message != submission.message:
            raise ReplayError("used", code="sender.jti.used")
        self.hub.after("submit")
        log, catalogue = self.hub.world.log, self.hub.world.policy.catalogue
        return SubmissionAnswer(
            index=known.index,
            catalogue=Definition(digest=catalogue.digest, version=catalogue.version),
            entry=log.texts[known.index].decode(),
            shown=known.shown[0],
            shown_salt=b64url(known.shown[1]),
            tlog_proof=log.proof(known.index),
        )

    def _verified(self, submission: Submission) -> Message:
        parsed = parse_jws(submission.message, typ=TokenType.MESSAGE)
        message = parse_message(parsed.payload)
        sender = self.hub.world.directory.participant(message.sender)
        key = sender.signing_key(parsed.kid) if sender else None
        if key is None:
            raise AuthenticationError("not the key in force", code="sender.key.unknown")
        verify_parsed_jws(parsed, key=key)
        return message

    def _accept(self, submission: Submission, message: Message) -> Stored:
        recipient = self.hub.world.directory.participant(message.recipient.oin)
        if recipient is None or recipient.sealing_key is None or recipient.sealing_key.kid != message.sealed.kid:
            code = "sender.sealing-key.outdated"
            raise DocumentError("seal anew", issues=[Issue(pointer="/sealed/kid", code=code, text="outdated")])
        if message.pickup_by <= self.hub.world.clock.now().timestamp():
            raise DocumentError("too late", code="sender.message.expired")
        if sealed_digest(submission.key, submission.elements) != message.sealed.digest:
            raise DocumentError("other elements", code="sender.sealed.digest")
        shown = self.hub.shown(EntryKind.SUBMISSION, message, self.hub.withhold)
        stored = Stored(message=message, submission=submission, index=-1, shown=shown)
        commitment = commit(salt=shown[1], record=shown[0])
        stored.index = self.hub.append(self.hub.draft(EntryKind.SUBMISSION, stored, shown=commitment))
        self.hub.messages[message.id.value] = stored
        return stored

    async def message(self, message_id: MessageId) -> MessageStatus:
        stored = self.hub.messages.get(message_id.value)
        if stored is None or stored.message.sender != self.oin:
            raise RejectedMessageError("unknown", code="sender.message.unknown")
        receipt = None
        if stored.receipt is not None:
            token, index = stored.receipt
            log = self.hub.world.log
            receipt = StoredReceipt(receipt=token, entry=log.texts[index].decode(), tlog_proof=log.proof(index))
        return MessageStatus(
            jti=message_id.value,
            state=stored.state,
            receipt=receipt,
            denied=self.hub.denied.get(message_id.value),
        )

    async def inbox(self, *, after: int, wait_seconds: int) -> InboxPage:
        del wait_seconds
        found = sorted(
            (stored for stored in self.hub.messages.values() if self._waits(stored) and stored.index > after),
            key=lambda stored: stored.index,
        )
        items = tuple(
            InboxItem(
                id=stored.message.id.value,
                index=stored.index,
                type=stored.message.type,
                sender=stored.message.sender.value,
                pickup_by=stored.message.pickup_by,
            )
            for stored in found
        )
        return InboxPage(items=items, next=items[-1].index if items else after)

    def _waits(self, stored: Stored) -> bool:
        return stored.message.recipient.oin == self.oin and stored.state in ("waiting", "released")

    async def release(self, request: str) -> Reply:
        self.hub.before("release")
        parsed = parse_jws(request, typ=TokenType.RELEASE)
        claims = parse_release(parsed.payload)
        recipient = self.hub.world.participant(claims.issuer)
        key = recipient.signing_key(parsed.kid)
        assert key is not None
        verify_parsed_jws(parsed, key=key)
        releases, refused = [], []
        for message_id in claims.ids:
            stored = self.hub.messages.get(message_id.value)
            if stored is None or stored.state not in ("waiting", "released"):
                state = "unknown" if stored is None else stored.state if stored.state == "recalled" else "received"
                refused.append(RefusedRelease(id=message_id, problem={"code": f"recipient.message.{state}"}))
                continue
            denied = self.hub.denied.get(message_id.value)
            if (problem := problem_of(denied) if denied else self.hub.refused.get(message_id.value)) is not None:
                refused.append(RefusedRelease(id=message_id, problem=problem))
                continue
            releases.append(self.hub.alter(self._release(stored, token_digest(request))))
        content_type, body = encode_releases(Releases(releases=tuple(releases), refused=tuple(refused)))
        self.hub.after("release")
        return Reply(status=200, content_type=content_type, body=body)

    async def sent_about(self, message_id: MessageId, *, after: int = -1) -> SentRecords:
        stored = self.hub.messages.get(message_id.value)
        if stored is None or stored.message.sender != self.oin:
            raise RejectedMessageError("unknown", code="sender.message.unknown")
        return records_about(self.hub.messages.values(), stored, log=self.hub.world.log, after=after)

    def _release(self, stored: Stored, request: str) -> Release:
        denied = {**self.hub.withhold, **self.hub.withhold_later}
        permitted = [label for label in labels(stored.message) if label.text not in denied]
        if stored.disclosure is None:
            shown = self.hub.shown(EntryKind.DISCLOSURE, stored.message, denied)
            digests = [digest for label in permitted for digest in label.digests]
            draft = self.hub.draft(
                EntryKind.DISCLOSURE,
                stored,
                shown=commit(salt=shown[1], record=shown[0]),
                released=released_digest(digests),
                request=request,
            )
            stored.disclosure = (self.hub.append(draft), shown)
            stored.state = "released"
        index, shown = stored.disclosure
        numbers = [number for label in permitted for number in range(label.first, label.first + len(label.digests))]
        submission, log = stored.submission, self.hub.world.log
        return Release(
            id=stored.message.id,
            message=submission.message,
            key=submission.key,
            elements={number: submission.elements[number] for number in numbers},
            hashes=hash_list(element_hashes(submission.key, submission.elements)),
            shown=shown[0],
            shown_salt=shown[1],
            entry=log.texts[index].decode(),
            index=index,
            tlog_proof=log.proof(index),
        )

    async def receipt(self, receipt: str) -> ProvenText:
        self.hub.before("receipt")
        parsed = parse_jws(receipt, typ=TokenType.RECEIPT)
        claims = parse_receipt(parsed.payload)
        stored = self.hub.messages[claims.message_id.value]
        if stored.receipt is None or stored.receipt[0] != receipt:
            key = self.hub.world.participant(claims.issuer).signing_key(parsed.kid)
            if key is None:
                raise AuthenticationError("not the key in force", code="sender.key.unknown")
            verify_parsed_jws(parsed, key=key)
        if stored.receipt is None:
            assert stored.disclosure is not None
            draft = self.hub.draft(
                EntryKind.RECEIPT, stored, request=token_digest(receipt), pad=self.hub.world.randomness.bytes(16)
            )
            stored.receipt = (receipt, self.hub.append(draft))
            stored.state = "received" if claims.outcome is Outcome.ACCEPTED else "refused"
        token, index = stored.receipt
        if token != receipt:
            raise RejectedMessageError("another receipt", code="recipient.receipt.other")
        self.hub.after("receipt")
        log = self.hub.world.log
        return ProvenText(index=index, entry=log.texts[index].decode(), tlog_proof=log.proof(index))

    async def record_consent(self, token: str) -> Recorded:
        record = parse_consent(parse_jws(token, typ=TokenType.CONSENT).payload)
        return self._record(EntryKind.CONSENT, token, record.id, frozenset({record.tag.value}))

    async def record_measure(self, token: str) -> Recorded:
        statement = parse_measure(parse_jws(token, typ=TokenType.MEASURE).payload)
        return self._record(EntryKind.MEASURE, token, statement.id, frozenset({statement.tag.value}))

    async def record_link(self, token: str) -> Recorded:
        link = parse_link(parse_jws(token, typ=TokenType.LINK).payload)
        return self._record(EntryKind.LINK, token, link.id, frozenset({link.other.value, link.known.value}))

    def _record(self, kind: EntryKind, token: str, record: MessageId, tags: frozenset[str]) -> Recorded:
        self.hub.before("record")
        stored = next((each for each in self.hub.records if each.id == record.value), None)
        if stored is None:
            draft = EntryDraft(kind=kind, id=record.value, sender=self.oin, request=token_digest(token))
            # What is kept of each person is for those who may see it later: nobody here does.
            kept = [commit(salt=self.hub.world.randomness.bytes(32), record=tag) for tag in sorted(tags)]
            index = self.hub.append(draft, kept=kept)
            stored = StoredRecord(kind=kind, id=record.value, tags=tags, token=token, index=index)
            self.hub.records.append(stored)
        elif stored.token != token:
            raise ReplayError("used", code="sender.record.used")
        self.hub.after("record")
        log = self.hub.world.log
        entry = log.texts[stored.index].decode()
        return Recorded(id=record.value, index=stored.index, entry=entry, tlog_proof=log.proof(stored.index))

    async def consents(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        return self._search(EntryKind.CONSENT, tags, after=after)

    async def measures(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        return self._search(EntryKind.MEASURE, tags, after=after)

    def _search(self, kind: EntryKind, tags: Sequence[SubjectTag], *, after: int) -> FoundRecords:
        self.hub.before("search")
        known = {tag.value for tag in tags}
        links = [each for each in self.hub.records if each.kind is EntryKind.LINK]
        for _ in links:
            known.update(*(each.tags for each in links if each.tags & known))
        found = [each for each in self.hub.records if each.tags & known and each.index > after]
        records = tuple(self._found(each) for each in found if each.kind is kind)
        answer = FoundRecords(
            records=records,
            links=tuple(self._found(each) for each in links if each.tags & known) if records else (),
            next=max((each.index for each in records), default=after),
        )
        return self.hub.alter_found(answer)

    def _found(self, stored: StoredRecord) -> FoundRecord:
        log = self.hub.world.log
        entry, proof = log.texts[stored.index].decode(), log.proof(stored.index)
        return FoundRecord(id=stored.id, record=stored.token, index=stored.index, entry=entry, tlog_proof=proof)

    async def recall(self, token: str) -> ProvenText:
        self.hub.before("recall")
        claims = parse_recall(parse_jws(token, typ=TokenType.RECALL).payload)
        stored = self.hub.messages[claims.message_id.value]
        if stored.state != "waiting":
            raise RejectedMessageError("picked up already", code="sender.recall.released")
        draft = EntryDraft(
            kind=EntryKind.RECALL,
            id=claims.message_id.value,
            sender=self.oin,
            recipient=stored.message.recipient.oin,
            message=token_digest(stored.submission.message),
            request=token_digest(token),
            pad=self.hub.world.randomness.bytes(16),
        )
        index, stored.state = self.hub.append(draft), "recalled"
        self.hub.after("recall")
        log = self.hub.world.log
        return ProvenText(index=index, entry=log.texts[index].decode(), tlog_proof=log.proof(index))

    async def notices(self, *, after: int) -> HubNotices:
        items = tuple(each for each in self.hub.notices.get(self.oin, []) if each.number > after)
        return HubNotices(items=items, next=items[-1].number if items else after)

    async def open_chain_epoch(self, signed: str) -> None:
        # Meant: epochs are set by the world of the test, and whoever comes here tests the wrong hub.
        raise NotImplementedError(signed)

    async def chain_epochs(self) -> ChainEpochs:
        return ChainEpochs(epochs=())

    async def hand_over_chain_key(self, handover: str) -> None:
        # Meant, as with epochs: keys are handed over by the world of the test.
        raise NotImplementedError(handover)

    async def chain_keys(self) -> Handovers:
        return Handovers(handovers=())

    async def checkpoint(self) -> str:
        return str(self.hub.world.log.note())

    async def inclusion(self, *, index: int, size: int) -> Sequence[bytes]:
        leaves = self.hub.world.log.leaves[:size]
        return make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=reader_of(leaves))

    async def consistency(self, *, old_size: int, new_size: int) -> Sequence[bytes]:
        leaves = self.hub.world.log.leaves[:new_size]
        return make_consistency_proof(size1=old_size, size2=new_size, hash_at=reader_of(leaves))

    async def entry(self, index: int) -> ProvenText:
        log = self.hub.world.log
        return ProvenText(index=index, entry=log.texts[index].decode(), tlog_proof=log.proof(index))
