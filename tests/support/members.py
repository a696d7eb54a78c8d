"""Builders of log members: each gives a valid one, and a test changes one thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from audit.entries import EntryDraft
from audit.records import released_digest, token_digest
from hub.changes import (
    CataloguePublished,
    ChainEpochOpened,
    Change,
    DisclosureMade,
    EnforcementResumed,
    EnforcementStopped,
    KeptDraft,
    LogMember,
    MessageExpired,
    MessageRecalled,
    NoticeKind,
    ParticipantStated,
    ReceiptGiven,
    RecordStated,
    RefusalRecorded,
    ReviewAnswered,
    ReviewClosed,
    ReviewItem,
    Shown,
    SubmissionAccepted,
    TagsLinked,
)
from hub.enforcement import Pass
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag, Thumbprint
from schemas.randomness import Randomness, UnsafeSeededRandomness

GEMEENTE: Final = OIN("00000099000000001000")
RAAD: Final = OIN("00000099000000002000")
GI: Final = OIN("00000099000000003000")
CATALOGUE: Final = "q" * 42 + "A"
KID: Final = Thumbprint("k" * 42 + "A")
SECONDS: Final = 1_795_432_568


@dataclass(slots=True)
class Members:
    """Makes members; every identifier and salt comes from one seed."""

    randomness: Randomness = field(default_factory=lambda: UnsafeSeededRandomness("members"))
    _count: int = 0

    def message_id(self) -> MessageId:
        """Draw a message id."""
        self._count += 1
        tail = self.randomness.bytes(6).hex()
        return MessageId(f"0194{self._count >> 16:04x}-{self._count & 0xFFFF:04x}-7000-8000-{tail}")

    def tag(self) -> SubjectTag:
        """Draw a pseudonym."""
        return SubjectTag("1." + self._text(16))

    def stop(self, *, canary: OIN = GEMEENTE, passed: Pass | None = None, tells: tuple[OIN, ...] = ()) -> LogMember:
        """Make the entry that a canary's message would have been accepted."""
        stop_id = self.message_id()
        draft = EntryDraft(
            kind=EntryKind.STOP,
            id=stop_id.value,
            sender=canary,
            message=self._digest(),
            pad=self.randomness.bytes(16),
        )
        return self._member(draft, EnforcementStopped(id=stop_id, canary=canary, passed=passed, tells=tells))

    def resumption(self, stop: int, *, record: str = "{}", tells: tuple[OIN, ...] = ()) -> LogMember:
        """Make the entry that the operator resumed."""
        resumption_id = self.message_id()
        draft = EntryDraft(
            kind=EntryKind.RESUMPTION,
            id=resumption_id.value,
            request=self._digest(),
            pad=self.randomness.bytes(16),
        )
        change = EnforcementResumed(id=resumption_id, stop=stop, record=record, tells=tells)
        return self._member(draft, change)

    def refusal(
        self,
        *,
        sender: OIN = GEMEENTE,
        digest: str | None = None,
        proves: tuple[str, ...] = (),
        form: str | None = None,
    ) -> LogMember:
        """Make the smallest member there is."""
        digest = digest or self._digest()
        draft = EntryDraft(
            kind=EntryKind.REFUSAL,
            id=self.message_id().value,
            sender=sender,
            message=digest,
            pad=self.randomness.bytes(16),
        )
        return self._member(draft, RefusalRecorded(message_digest=digest, sender=sender, proves=proves, form=form))

    def submission(
        self,
        *,
        message_id: MessageId | None = None,
        recipient: OIN = RAAD,
        elements: Mapping[int, bytes] | None = None,
        tags: tuple[SubjectTag, ...] | None = None,
        as_of: int = 0,
        watches: frozenset[str] = frozenset(),
        pickup_by: int = SECONDS + 86_400,
        jws: str | None = None,
        label_bytes: int = 100,
    ) -> LogMember:
        """Make an accepted message with one subject and three elements of which two are permitted."""
        message_id = message_id or self.message_id()
        jws = jws or f"{self._text(30)}.{self._text(600)}.{self._text(64)}"
        elements = {0: self.randomness.bytes(144), 2: self.randomness.bytes(272)} if elements is None else elements
        draft = self._exchange(EntryKind.SUBMISSION, id=message_id.value, recipient=recipient, jws=jws, as_of=as_of)
        change = SubmissionAccepted(
            id=message_id,
            jws=jws,
            sender=GEMEENTE,
            recipient=recipient,
            type="verzoek-tot-onderzoek",
            purpose="VTO",
            case=CaseId(self.randomness.bytes(16).hex()),
            reply_to=None,
            issued_at=SECONDS - 2,
            pickup_by=pickup_by,
            sealing_kid=KID,
            sealed_key=self.randomness.bytes(1168),
            elements=elements,
            hashes=self.randomness.bytes(32 * 4),
            tags=(self._text(40) + "~x",),
            trace_id="0" * 32,
        )
        tags = (self.tag(),) if tags is None else tags
        return self._member(
            draft, change, shown=self._shown(label_bytes), kept=tuple(map(self._kept, tags)), watches=watches
        )

    def disclosure(
        self,
        of: LogMember,
        *,
        replaces: int | None = None,
        released: tuple[int, ...] = (0, 2),
        as_of: int = 0,
        watches: frozenset[str] = frozenset(),
        label_bytes: int = 100,
    ) -> LogMember:
        """Make the release of a submitted message."""
        submitted = _submission(of)
        draft = self._exchange(
            EntryKind.DISCLOSURE,
            id=self.message_id().value,
            recipient=submitted.recipient,
            jws=submitted.jws,
            as_of=as_of,
            released=released_digest([]),
            request=self._digest(),
        )
        change = DisclosureMade(
            message_id=submitted.id, released=released, released_digest=released_digest([]), replaces=replaces
        )
        kept = tuple(self._kept(each.tag) for each in of.kept)
        return self._member(draft, change, shown=self._shown(label_bytes), kept=kept, watches=watches)

    def receipt(self, of: LogMember, *, disclosure_index: int, accepted: bool = True) -> LogMember:
        """Make the receipt of a released message."""
        submitted = _submission(of)
        receipt = f"{self._text(30)}.{self._text(200)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.RECEIPT,
            id=self.message_id().value,
            sender=submitted.sender,
            recipient=submitted.recipient,
            message=token_digest(submitted.jws),
            request=token_digest(receipt),
            pad=self.randomness.bytes(16),
        )
        change = ReceiptGiven(
            message_id=submitted.id,
            disclosure_index=disclosure_index,
            receipt=receipt,
            accepted=accepted,
            forget=accepted,
        )
        return self._member(draft, change)

    def expiry(self, of: LogMember) -> LogMember:
        """Make the expiry of a message that nobody collected."""
        submitted = _submission(of)
        draft = EntryDraft(
            kind=EntryKind.EXPIRY,
            id=submitted.id.value,
            sender=submitted.sender,
            recipient=submitted.recipient,
            message=token_digest(submitted.jws),
            pad=self.randomness.bytes(16),
        )
        return self._member(draft, MessageExpired(message_id=submitted.id))

    def participant(self, *, oin: OIN = GEMEENTE, follows: int | None = None) -> LogMember:
        """Make a statement that comes into force."""
        statement = f"{self._text(30)}.{self._text(200)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.PARTICIPANT,
            id=self.message_id().value,
            oin=oin,
            statement=token_digest(statement),
            pad=self.randomness.bytes(16),
        )
        change = ParticipantStated(oin=oin, admission=None, statement=statement, replaced=None, follows=follows)
        return self._member(draft, change, touches=frozenset({oin.value}))

    def epoch(self, number: int) -> LogMember:
        """Make a chain-key epoch."""
        signed = f"{self._text(30)}.{self._text(60)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.CHAIN,
            id=self.message_id().value,
            epoch=number,
            fingerprint=self._digest(),
            signed=token_digest(signed),
            pad=self.randomness.bytes(16),
        )
        return self._member(draft, ChainEpochOpened(epoch=number, signed=signed))

    def catalogue(
        self, *, digest: str = CATALOGUE, document: str = "grounds", text: bytes = b"[[ground]]\n"
    ) -> LogMember:
        """Make a catalogue that comes into force."""
        draft = EntryDraft(
            kind=EntryKind.CATALOGUE,
            id=document,
            catalogue=digest,
            version="1",
            pad=self.randomness.bytes(16),
        )
        change = CataloguePublished(document=document, digest=digest, version="1", text=text)
        return self._member(draft, change, touches=frozenset({"*"}))

    def record(
        self,
        *,
        record_id: MessageId | None = None,
        tag: SubjectTag | None = None,
        kind: EntryKind = EntryKind.CONSENT,
        as_of: int = 0,
        withdraws: tuple[str, ...] = (),
        tells: tuple[tuple[OIN, NoticeKind], ...] = (),
        reviews: tuple[ReviewItem, ...] = (),
    ) -> LogMember:
        """Make a record about a person that is taken in; it watches and touches the person."""
        record_id, tag = record_id or self.message_id(), tag or self.tag()
        token = f"{self._text(30)}.{self._text(200)}.{self._text(64)}"
        draft = EntryDraft(kind=kind, id=record_id.value, sender=GEMEENTE, as_of=as_of, request=token_digest(token))
        change = RecordStated(
            kind=kind,
            id=record_id,
            issuer=GEMEENTE,
            tag=tag,
            token=token,
            withdraws=withdraws,
            tells=tells,
            reviews=reviews,
        )
        keys = frozenset({tag.value})
        return self._member(draft, change, kept=(self._kept(tag),), watches=keys, touches=keys)

    def link(self, random: SubjectTag, known: SubjectTag, *, as_of: int = 0) -> LogMember:
        """Make a link between two pseudonyms."""
        record_id = self.message_id()
        token = f"{self._text(30)}.{self._text(100)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.LINK, id=record_id.value, sender=GEMEENTE, as_of=as_of, request=token_digest(token)
        )
        change = TagsLinked(id=record_id, issuer=GEMEENTE, other=random, known=known, token=token)
        keys = frozenset({random.value, known.value})
        kept = (self._kept(random), self._kept(known))
        return self._member(draft, change, kept=kept, watches=keys, touches=keys)

    def recall(self, of: LogMember) -> LogMember:
        """Make the recall of a submitted message."""
        submitted = _submission(of)
        token = f"{self._text(30)}.{self._text(100)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.RECALL,
            id=self.message_id().value,
            sender=submitted.sender,
            recipient=submitted.recipient,
            message=token_digest(submitted.jws),
            request=token_digest(token),
            pad=self.randomness.bytes(16),
        )
        return self._member(draft, MessageRecalled(message_id=submitted.id, token=token))

    def review(self, about: MessageId, mark: str, *, party: OIN | None = None) -> LogMember:
        """Make a review that closes an item; with a party its answer, which does not."""
        token = f"{self._text(30)}.{self._text(100)}.{self._text(64)}"
        draft = EntryDraft(
            kind=EntryKind.REVIEW,
            id=self.message_id().value,
            sender=RAAD,
            request=token_digest(token),
            pad=self.randomness.bytes(16),
        )
        if party is not None:
            return self._member(draft, ReviewAnswered(about=about, mark=mark, party=party, token=token))
        return self._member(draft, ReviewClosed(about=about, mark=mark, token=token))

    def _exchange(
        self,
        kind: EntryKind,
        *,
        id: str,  # noqa: A002  the member's name
        recipient: OIN,
        jws: str,
        as_of: int,
        released: str | None = None,
        request: str | None = None,
    ) -> EntryDraft:
        return EntryDraft(
            kind=kind,
            id=id,
            sender=GEMEENTE,
            recipient=recipient,
            purpose="VTO",
            catalogue=CATALOGUE,
            as_of=as_of,
            message=token_digest(jws),
            released=released,
            request=request,
        )

    def _member(
        self,
        draft: EntryDraft,
        change: Change,
        *,
        shown: Shown | None = None,
        kept: tuple[KeptDraft, ...] = (),
        watches: frozenset[str] = frozenset(),
        touches: frozenset[str] = frozenset(),
    ) -> LogMember:
        return LogMember(draft=draft, shown=shown, kept=kept, watches=watches, touches=touches, change=change)

    def _shown(self, label_bytes: int) -> Shown:
        text = '{"permitted":["' + self._text(label_bytes) + '"]}'
        return Shown(text=text, salt=self.randomness.bytes(32))

    def _kept(self, tag: SubjectTag) -> KeptDraft:
        return KeptDraft(
            tag=tag,
            salt=self.randomness.bytes(32),
            responsible="SKJ:123",
            relied_on=(),
            trace_id="0" * 32,
            span_id="0" * 16,
        )

    def _text(self, size: int) -> str:
        return b64url(self.randomness.bytes(size))

    def _digest(self) -> str:
        return self._text(32)


def _submission(member: LogMember) -> SubmissionAccepted:
    assert isinstance(member.change, SubmissionAccepted)
    return member.change
