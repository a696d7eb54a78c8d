"""The ports of `hub.ports` in memory, whose promises are kept by the same pure rules as on PostgreSQL.

What wins and what loses is decided by `hub.storage.postgresql.batch`, a batch of one at a time. A test can let
something happen between what a use case read and what it appends, and let an append fail.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entries import Entry
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.proof_file import proof_text
from audit.proofs import make_consistency_proof, make_inclusion_proof
from audit.records import Withheld, parse_shown
from hub.changes import (
    ChainEpochOpened,
    Change,
    DisclosureMade,
    EnforcementResumed,
    EnforcementStopped,
    LogMember,
    MessageExpired,
    MessageRecalled,
    ParticipantStated,
    ReceiptGiven,
    RefusalRecorded,
    Shown,
    SubmissionAccepted,
)
from hub.enforcement import Enforcement, Pass, Proved, Stop
from hub.ports import (
    Appended,
    ChainEpochRecord,
    ChainKeyHandover,
    DisclosureRecord,
    InboxItem,
    Log,
    MessageState,
    Outbox,
    ParticipantRecord,
    RateLimits,
    Store,
    StoredDisclosure,
    StoredMessage,
    StoredReceipt,
    Uncollected,
    WakeUps,
)
from hub.storage.postgresql.batch import SubjectHead, Tree, grow, plan_batch, prepare
from hub.storage.postgresql.changes import State
from hub.storage.postgresql.store import SMALL_BYTES_MAX
from schemas.clock import FrozenClock
from schemas.codes import EntryKind
from schemas.errors import EvidenceError
from schemas.identifiers import OIN, MessageId, SubjectTag
from tests.support.log_files import SIGNER, reader_of
from tests.support.memory_catalogues import MemoryCatalogues
from tests.support.memory_persons import MemoryPersons


@dataclass(slots=True)
class _Message:
    """A message as it was accepted, and what became of it."""

    change: SubmissionAccepted
    index: int
    accepted_at: int
    shown: Shown
    elements: Mapping[int, bytes] | None
    disclosure: tuple[int, DisclosureMade, Shown] | None = None
    receipt: tuple[int, ReceiptGiven] | None = None
    expired: bool = False
    recalled: bool = False


@dataclass(slots=True)
class MemoryPorts(Log, Store, WakeUps, Outbox, RateLimits):
    """Log, store, wake-ups, outbox and rate limits of one hub.

    Attributes:
        clock: Time of the entries.
        meanwhile: Happens once, after a use case has read and before its entry is appended.
        trouble: Raised by the next append; before anything is written, or after everything is.
        members: Every member that was appended.
        woken: Recipients that were woken, in order.
        told: What the outbox was asked for, in order.
        noticed: Whom the outbox was asked to tell of a notice, and its number, in order.
        catalogues: What was done about the catalogue.
        persons: What is stated about persons, and what somebody has to look at.
        permits: Whether one more request is permitted in this minute.
    """

    clock: FrozenClock = field(default_factory=FrozenClock)
    meanwhile: Callable[[], Awaitable[object]] | None = None
    trouble: Exception | None = None
    trouble_after_writing: bool = False
    members: list[LogMember] = field(default_factory=list)
    woken: list[OIN] = field(default_factory=list)
    told: list[MessageId] = field(default_factory=list)
    noticed: list[tuple[OIN, int]] = field(default_factory=list)
    catalogues: MemoryCatalogues = field(default_factory=MemoryCatalogues)
    persons: MemoryPersons = field(default_factory=MemoryPersons)
    permits: bool = True
    _entries: list[Entry] = field(default_factory=list)
    _tree: Tree = field(
        default_factory=lambda: Tree(range=CompactRange(), time=0, newest_participant=None, tail=()), init=False
    )
    _state: State = field(default_factory=State)
    _heads: dict[str, SubjectHead] = field(default_factory=dict)
    _touches: dict[str, int] = field(default_factory=dict)
    _messages: dict[MessageId, _Message] = field(default_factory=dict)
    _participants: list[ParticipantRecord] = field(default_factory=list)
    _epochs: list[ChainEpochRecord] = field(default_factory=list)
    _handovers: list[ChainKeyHandover] = field(default_factory=list)
    _stops: list[Stop] = field(default_factory=list)
    _proved: dict[str, Proved] = field(default_factory=dict)
    _passed: dict[str, Pass] = field(default_factory=dict)

    # ---- looking at it ----

    @property
    def texts(self) -> list[bytes]:
        """The exact text of every entry."""
        return [entry.text for entry in self._entries]

    def entries_of(self, kind: EntryKind) -> list[Entry]:
        """Every entry of a kind, in order."""
        return [entry for entry in self._entries if entry.kind is kind]

    def replace_stored(self, message_id: MessageId, **changes: object) -> None:
        """Change a stored message behind the hub's back."""
        message = self._messages[message_id]
        message.change = replace(message.change, **changes)  # type: ignore[arg-type]  # changed by name

    def lose_element(self, message_id: MessageId, number: int) -> None:
        """Lose one stored ciphertext behind the hub's back."""
        message = self._messages[message_id]
        message.elements = {each: sealed for each, sealed in (message.elements or {}).items() if each != number}

    def lose_elements(self, message_id: MessageId) -> None:
        """Forget the stored ciphertexts of a message."""
        self._messages[message_id].elements = None

    def deny_stored(self, message_id: MessageId, label: str, reason: str) -> None:
        """Let the acceptance of a message have denied a label."""
        message = self._messages[message_id]
        shown = parse_shown(message.shown.text)
        permitted = tuple(each for each in shown.permitted if each != label)
        withheld = (*shown.withheld, Withheld(label=label, reasons=(reason,)))
        message.shown = Shown(text=replace(shown, permitted=permitted, withheld=withheld).text, salt=message.shown.salt)

    # ---- hub.ports.Log ----

    async def append(self, member: LogMember) -> Appended:
        """See `hub.ports.Log.append`."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        trouble, self.trouble = self.trouble, None
        if trouble is not None and not self.trouble_after_writing:
            raise trouble
        index, proof = self._write(member)
        if trouble is not None:
            raise trouble
        return Appended(index=index, entry=self._entries[index].text.decode(), tlog_proof=proof)

    def _write(self, member: LogMember) -> tuple[int, str]:
        candidate = replace(prepare(member), body=len(self.members))
        now = int(self.clock.now().timestamp() * 1000)
        plan = plan_batch(
            [candidate], tree=self._tree, time=now, state=self._state, heads=self._heads, touches=self._touches
        )
        (outcome,) = plan.outcomes
        if isinstance(outcome, Exception):
            raise outcome
        growth = grow(plan)
        self._tree = growth.tree
        self._entries += plan.entries
        self._heads.update(plan.heads)
        self._touches.update(plan.touched)
        self.members.append(member)
        self._keep(member, index=outcome, at=plan.time // 1000)
        self.catalogues.keep(member, index=outcome, entry=self._entries[outcome])
        self.persons.keep(member, index=outcome, entry=self._entries[outcome], at=plan.time // 1000)
        checkpoint = Checkpoint(origin=SIGNER.name, size=plan.size, root_hash=growth.extension.root_hash)
        note = str(sign_checkpoint(checkpoint, SIGNER))
        return outcome, proof_text(index=outcome, path=growth.extension.paths[0], checkpoint=note)

    def _keep(self, member: LogMember, *, index: int, at: int) -> None:
        entry = self._entries[index].text.decode()
        match member.change:
            case SubmissionAccepted() as change:
                assert member.shown is not None
                self._messages[change.id] = _Message(
                    change=change, index=index, accepted_at=at, shown=member.shown, elements=dict(change.elements)
                )
            case DisclosureMade() as change:
                assert member.shown is not None
                self._messages[change.message_id].disclosure = (index, change, member.shown)
            case ReceiptGiven() as change:
                message = self._messages[change.message_id]
                message.receipt = (index, change)
                message.elements = None if change.forget else message.elements
            case MessageExpired() as change:
                message = self._messages[change.message_id]
                message.expired, message.elements = True, None
            case MessageRecalled() as change:
                message = self._messages[change.message_id]
                message.recalled, message.elements = True, None
            case ParticipantStated() as change:
                self._participants.append(
                    ParticipantRecord(
                        index=index,
                        entry=entry,
                        oin=change.oin,
                        admission=change.admission,
                        statement=change.statement,
                        replaced=change.replaced,
                    )
                )
            case ChainEpochOpened() as change:
                self._epochs.append(
                    ChainEpochRecord(index=index, entry=entry, epoch=change.epoch, signed=change.signed)
                )
            case _:
                self._keep_enforcement(member.change, index=index, at=at)

    def _keep_enforcement(self, change: Change, *, index: int, at: int) -> None:
        match change:
            case RefusalRecorded():
                self._passed.pop(change.form or "", None)
                for reason in change.proves:
                    times = self._proved[reason].times + 1 if reason in self._proved else 1
                    self._proved[reason] = Proved(reason=reason, times=times, index=index, at=at)
            case EnforcementStopped():
                form = change.passed.form if change.passed else None
                self._stops.append(Stop(index=index, canary=change.canary, at=at, form=form))
                if change.passed is not None:
                    self._passed[change.passed.form] = change.passed
            case EnforcementResumed():
                resumed = replace(self._stops[-1], resumed=index, resumed_at=at, record=change.record)
                self._stops[-1] = resumed
                self._passed.clear()
            case _:
                pass

    async def size(self) -> int:
        """See `hub.ports.Log.size`."""
        return len(self._entries)

    async def check_clock(self) -> None:
        """See `hub.ports.Log.check_clock`; there is no other clock here."""

    async def proof(self, index: int, *, entry: str) -> str:
        """See `hub.ports.Log.proof`."""
        if self._entries[index].text != entry.encode():
            raise EvidenceError("the entry is not the one that the log holds")
        path = await self.inclusion_proof(index=index, size=len(self._entries))
        return proof_text(index=index, path=path, checkpoint=await self.checkpoint())

    async def checkpoint(self) -> str:
        """See `hub.ports.Log.checkpoint`."""
        root = CompactRange().extend(self._leaves(len(self._entries))).root_hash
        return str(sign_checkpoint(Checkpoint(origin=SIGNER.name, size=len(self._entries), root_hash=root), SIGNER))

    async def inclusion_proof(self, *, index: int, size: int) -> tuple[bytes, ...]:
        """See `hub.ports.Log.inclusion_proof`."""
        return make_inclusion_proof(leaf_index=index, tree_size=size, hash_at=reader_of(self._leaves(size)))

    async def consistency_proof(self, *, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """See `hub.ports.Log.consistency_proof`."""
        return make_consistency_proof(size1=old_size, size2=new_size, hash_at=reader_of(self._leaves(new_size)))

    def _leaves(self, size: int) -> list[bytes]:
        return [hash_leaf(entry.text) for entry in self._entries[:size]]

    async def hash_tile(self, *, level: int, index: int, width: int) -> bytes:
        """See `hub.ports.Log.hash_tile`; no use case asks for tiles."""
        raise KeyError((level, index, width))

    async def entries(self, *, start: int, count: int) -> tuple[str, ...]:
        """See `hub.ports.Log.entries`."""
        return tuple(entry.text.decode() for entry in self._entries[start : start + count])

    async def entries_of_kinds(
        self, kinds: frozenset[EntryKind], *, after: int, limit: int
    ) -> tuple[tuple[int, str], ...]:
        """See `hub.ports.Log.entries_of_kinds`."""
        found = [
            (index, entry.text.decode())
            for index, entry in enumerate(self._entries)
            if index > after and entry.kind in kinds
        ]
        return tuple(found[:limit])

    # ---- hub.ports.Store ----

    async def message(self, message_id: MessageId) -> StoredMessage | None:
        """See `hub.ports.Store.message`."""
        return self._stored(message_id)

    async def messages(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """See `hub.ports.Store.messages`."""
        found = {message_id: self._stored(message_id) for message_id in message_ids}
        return {message_id: stored for message_id, stored in found.items() if stored is not None}

    async def messages_to_release(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """See `hub.ports.Store.messages_to_release`."""
        found = await self.messages(message_ids)
        return {
            message_id: replace(stored, elements=self._messages[message_id].elements)
            if stored.elements_bytes <= SMALL_BYTES_MAX
            else stored
            for message_id, stored in found.items()
        }

    def _stored(self, message_id: MessageId) -> StoredMessage | None:
        message = self._messages.get(message_id)
        if message is None:
            return None
        change = message.change
        return StoredMessage(
            index=message.index,
            id=change.id,
            jws=change.jws,
            sender=change.sender,
            recipient=change.recipient,
            type=change.type,
            purpose=change.purpose,
            case=change.case,
            issued_at=change.issued_at,
            pickup_by=change.pickup_by,
            accepted_at=message.accepted_at,
            sealing_kid=change.sealing_kid,
            sealed_key=change.sealed_key,
            hashes=change.hashes,
            permitted=tuple(sorted(change.elements)),
            tags=change.tags,
            entry=self._entries[message.index].text.decode(),
            shown=message.shown,
            state=_state_of(message),
            disclosure=self._disclosure_of(message),
            receipt=self._receipt_of(message),
            elements_bytes=sum(map(len, change.elements.values())),
        )

    def _disclosure_of(self, message: _Message) -> StoredDisclosure | None:
        if message.disclosure is None:
            return None
        index, change, shown = message.disclosure
        return StoredDisclosure(
            index=index,
            entry=self._entries[index].text.decode(),
            shown=shown,
            released=change.released,
            released_digest=change.released_digest,
        )

    def _receipt_of(self, message: _Message) -> StoredReceipt | None:
        if message.receipt is None:
            return None
        index, change = message.receipt
        return StoredReceipt(
            index=index,
            entry=self._entries[index].text.decode(),
            receipt=change.receipt,
            accepted=change.accepted,
        )

    async def elements(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, Mapping[int, bytes]]:
        """See `hub.ports.Store.elements`."""
        found = {message_id: self._messages[message_id].elements for message_id in message_ids}
        return {message_id: elements for message_id, elements in found.items() if elements is not None}

    async def inbox(self, recipient: OIN, *, after: int, limit: int, at: int) -> tuple[InboxItem, ...]:
        """See `hub.ports.Store.inbox`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((recipient, after, limit, at))

    async def expired(self, *, at: int, limit: int) -> tuple[StoredMessage, ...]:
        """See `hub.ports.Store.expired`."""
        found = [self._stored(message_id) for message_id in self._messages]
        ended = (MessageState.RECEIVED, MessageState.REFUSED, MessageState.EXPIRED, MessageState.RECALLED)
        past = [each for each in found if each is not None and each.pickup_by <= at and each.state not in ended]
        return tuple(past[:limit])

    async def uncollected(self, *, accepted_before: int, limit: int) -> tuple[Uncollected, ...]:
        """See `hub.ports.Store.uncollected`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((accepted_before, limit))

    async def participants(
        self, *, after: int, limit: int | None = None, oin: OIN | None = None
    ) -> tuple[ParticipantRecord, ...]:
        """See `hub.ports.Store.participants`."""
        found = [each for each in self._participants if each.index > after and oin in (None, each.oin)]
        return tuple(found[:limit])

    async def chain_epochs(self) -> tuple[ChainEpochRecord, ...]:
        """See `hub.ports.Store.chain_epochs`."""
        return tuple(self._epochs)

    async def enforcement(self) -> Enforcement:
        """See `hub.ports.Store.enforcement`."""
        lasting = next((each for each in self._stops if each.resumed is None), None)
        proved = tuple(self._proved[reason] for reason in sorted(self._proved))
        return Enforcement(stop=lasting, proved=proved, passed=tuple(self._passed.values()) if lasting else ())

    async def remember_pass(self, passed: Pass) -> None:
        """See `hub.ports.Store.remember_pass`."""
        self._passed[passed.form] = passed

    async def stops(self, *, limit: int) -> tuple[Stop, ...]:
        """See `hub.ports.Store.stops`."""
        return tuple(reversed(self._stops))[:limit]

    async def store_handover(self, handover: ChainKeyHandover) -> bool:
        """See `hub.ports.Store.store_handover`."""
        if any(each.id == handover.id for each in self._handovers):
            return False
        self._handovers.append(handover)
        return True

    async def handovers(self, receiver: OIN) -> tuple[ChainKeyHandover, ...]:
        """See `hub.ports.Store.handovers`."""
        return tuple(each for each in self._handovers if each.receiver == receiver)

    async def records(
        self, party: OIN, *, after: int, limit: int, message_id: MessageId | None
    ) -> tuple[DisclosureRecord, ...]:
        """See `hub.ports.Store.records`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((party, after, limit, message_id))

    async def records_about(
        self, sender: OIN, tags: Sequence[SubjectTag], *, after: int, limit: int
    ) -> tuple[DisclosureRecord, ...]:
        """See `hub.ports.Store.records_about`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((sender, tags, after, limit))

    async def use_once(self, *, issuer: str, identifier: str, until: int) -> bool:
        """See `hub.ports.Store.use_once`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((issuer, identifier, until))

    async def forget_past(self, *, at: int, limit: int) -> int:
        """See `hub.ports.Store.forget_past`; no use case asks for it."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((at, limit))

    # ---- hub.ports.WakeUps and Outbox ----

    async def wake(self, recipient: OIN) -> None:
        """See `hub.ports.WakeUps.wake`."""
        self.woken.append(recipient)

    async def wait(self, recipient: OIN, *, seconds: float) -> None:
        """See `hub.ports.WakeUps.wait`; no use case waits."""
        # Meant: only routes and workers ask this, and their tests run on PostgreSQL.
        raise NotImplementedError((recipient, seconds))

    async def message_waits(self, recipient: OIN, message_id: MessageId) -> None:
        """See `hub.ports.Outbox.message_waits`."""
        del recipient
        self.told.append(message_id)

    async def notice_waits(self, recipient: OIN, number: int) -> None:
        """See `hub.ports.Outbox.notice_waits`."""
        self.noticed.append((recipient, number))

    async def permit(self, key: str, *, per_minute: int) -> bool:
        """See `hub.ports.RateLimits.permit`."""
        del key, per_minute
        return self.permits


def _state_of(message: _Message) -> MessageState:
    if message.receipt is not None:
        return MessageState.RECEIVED if message.receipt[1].accepted else MessageState.REFUSED
    if message.expired:
        return MessageState.EXPIRED
    if message.recalled:
        return MessageState.RECALLED
    return MessageState.RELEASED if message.disclosure is not None else MessageState.WAITING
