"""The ports `Persons` and `Attention` in memory: what the entries of a `MemoryPorts` made true."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from audit.entries import Entry
from hub.attention import Attention, Notice, Recall, Reply, Review, ReviewAnswer
from hub.changes import (
    Change,
    DisclosureMade,
    EnforcementResumed,
    EnforcementStopped,
    LogMember,
    MessageRecalled,
    NoticeKind,
    ReceiptGiven,
    RecordStated,
    ReviewAnswered,
    ReviewClosed,
    ReviewItem,
    SubmissionAccepted,
    TagsLinked,
)
from hub.persons import Emergency, Person, PersonRecord, Persons
from schemas.codes import EntryKind
from schemas.identifiers import OIN, MessageId, SubjectTag


@dataclass(slots=True)
class MemoryPersons(Persons, Attention):
    """What is stated about persons, and what somebody has to look at."""

    _records: list[tuple[SubjectTag, PersonRecord]] = field(default_factory=list)
    _links: list[frozenset[SubjectTag]] = field(default_factory=list)
    _about: list[tuple[OIN, SubjectTag]] = field(default_factory=list)
    _emergencies: list[tuple[SubjectTag, Emergency]] = field(default_factory=list)
    _messages: dict[MessageId, tuple[int, SubmissionAccepted]] = field(default_factory=dict)
    _released: dict[MessageId, frozenset[int]] = field(default_factory=dict)
    _reliances: list[tuple[str, MessageId]] = field(default_factory=list)
    _recalls: dict[MessageId, Recall] = field(default_factory=dict)
    _notices: list[tuple[OIN, Notice]] = field(default_factory=list)
    _questions: dict[MessageId, tuple[date, int]] = field(default_factory=dict)
    _reviews: dict[tuple[MessageId, str], Review] = field(default_factory=dict)

    # ---- what became true ----

    def keep(self, member: LogMember, *, index: int, entry: Entry, at: int) -> None:
        """Let a member that was appended become true."""
        text = entry.text.decode()
        if entry.kind in (EntryKind.SUBMISSION, EntryKind.DISCLOSURE):
            parties = (entry.sender, entry.recipient)
            self._about += ((oin, kept.tag) for kept in member.kept for oin in parties if oin is not None)
        match member.change:
            case SubmissionAccepted() as change:
                self._submit(change, index=index, at=at)
            case DisclosureMade() as change:
                before = self._released.get(change.message_id, frozenset())
                self._released[change.message_id] = before | set(change.released)
                self._reliances += ((record, change.message_id) for record in change.relied_on)
                _, sent = self._messages[change.message_id]
                for mark in change.marks:
                    item = ReviewItem(about=change.message_id, mark=mark, sender=sent.sender, recipient=sent.recipient)
                    self._open(item, index=index)
            case RecordStated() as change:
                record = PersonRecord(kind=change.kind, id=change.id, index=index, entry=text, token=change.token)
                self._records.append((change.tag, record))
                self._tell(change, index=index, at=at)
                self._open_all(change.reviews, index=index)
            case TagsLinked() as change:
                kind = EntryKind.LINK
                record = PersonRecord(kind=kind, id=change.id, index=index, entry=text, token=change.token)
                self._records.append((change.other, record))
                self._links.append(frozenset({change.other, change.known}))
                self._open_all(change.reviews, index=index)
            case MessageRecalled() as change:
                self._recalls[change.message_id] = Recall(index=index, entry=text, token=change.token)
                self._questions.pop(change.message_id, None)
            case ReviewClosed() as change:
                key = (change.about, change.mark)
                self._reviews[key] = replace(self._reviews[key], closed=index, token=change.token)
            case ReviewAnswered() as change:
                key = (change.about, change.mark)
                others = (each for each in self._reviews[key].answers if each.oin != change.party)
                answer = ReviewAnswer(oin=change.party, index=index, token=change.token)
                self._reviews[key] = replace(self._reviews[key], answers=(*others, answer))
            case _:
                self._keep_rest(member.change, index=index, at=at)

    def _keep_rest(self, change: Change, *, index: int, at: int) -> None:
        if isinstance(change, ReceiptGiven):
            ended = change.answers if change.accepted else change.message_id
            if ended is not None:
                self._questions.pop(ended, None)
        if isinstance(change, (EnforcementStopped, EnforcementResumed)):
            is_stop = isinstance(change, EnforcementStopped)
            kind = NoticeKind.ENFORCEMENT_STOPPED if is_stop else NoticeKind.ENFORCEMENT_RESUMED
            for oin in change.tells:
                self._notice(oin, kind, record_id=change.id, index=index, at=at)

    def _submit(self, change: SubmissionAccepted, *, index: int, at: int) -> None:
        self._messages[change.id] = (index, change)
        self._emergencies += ((tag, Emergency(gi=gi, index=index, accepted_at=at)) for tag, gi in change.emergencies)
        if change.asks_until is not None:
            self._questions[change.id] = (change.asks_until, 0)
        for mark in change.marks:
            item = ReviewItem(about=change.id, mark=mark, sender=change.sender, recipient=change.recipient)
            self._open(item, index=index)

    def _open_all(self, items: Sequence[ReviewItem], *, index: int) -> None:
        for item in items:
            self._open(item, index=index)

    def _open(self, item: ReviewItem, *, index: int) -> None:
        review = Review(
            number=len(self._reviews) + 1,
            about=item.about,
            mark=item.mark,
            index=index,
            sender=item.sender,
            recipient=item.recipient,
            closed=None,
            token=None,
        )
        self._reviews.setdefault((item.about, item.mark), review)

    def _tell(self, change: RecordStated, *, index: int, at: int) -> None:
        for oin, kind in change.tells:
            self._notice(oin, kind, record_id=change.id, index=index, at=at)
        for message_id in sorted({message for record, message in self._reliances if record in change.withdraws}):
            recipient, kind = self._messages[message_id][1].recipient, NoticeKind.CONSENT_WITHDRAWN
            self._notice(recipient, kind, message_id=message_id, record_id=change.id, index=index, at=at)

    def _notice(
        self,
        oin: OIN,
        kind: NoticeKind,
        *,
        at: int,
        message_id: MessageId | None = None,
        record_id: MessageId | None = None,
        index: int | None = None,
    ) -> int:
        number = len(self._notices) + 1
        notice = Notice(number=number, kind=kind.value, message_id=message_id, record_id=record_id, index=index, at=at)
        self._notices.append((oin, notice))
        return number

    # ---- hub.persons.Persons ----

    async def of(self, tags: Sequence[SubjectTag]) -> dict[SubjectTag, Person]:
        """See `hub.persons.Persons.of`."""
        return {tag: self._person(tag) for tag in tags}

    def _person(self, tag: SubjectTag) -> Person:
        tags = self._linked(tag)
        return Person(tags=tags, records=tuple(record for about, record in self._records if about in tags))

    def _linked(self, tag: SubjectTag) -> frozenset[SubjectTag]:
        found = frozenset({tag})
        while True:
            more = found.union(*(link for link in self._links if link & found))
            if more == found:
                return found
            found = more

    async def record(self, record_id: MessageId) -> PersonRecord | None:
        """See `hub.persons.Persons.record`."""
        return next((record for _, record in self._records if record.id == record_id), None)

    async def is_party(self, oin: OIN, *, about: SubjectTag) -> bool:
        """See `hub.persons.Persons.is_party`."""
        return (oin, about) in self._about

    async def emergencies(
        self, tags: Sequence[SubjectTag], *, gis: Sequence[OIN]
    ) -> dict[SubjectTag, tuple[Emergency, ...]]:
        """See `hub.persons.Persons.emergencies`."""
        return {
            tag: tuple(each for about, each in self._emergencies if about in self._linked(tag) and each.gi in gis)
            for tag in tags
        }

    async def ever_released(self, message_id: MessageId) -> frozenset[int]:
        """See `hub.persons.Persons.ever_released`."""
        return self._released.get(message_id, frozenset())

    # ---- hub.attention.Attention ----

    async def recall(self, message_id: MessageId) -> Recall | None:
        """See `hub.attention.Attention.recall`."""
        return self._recalls.get(message_id)

    async def replies(self, message_id: MessageId) -> tuple[Reply, ...]:
        """See `hub.attention.Attention.replies`."""
        if message_id not in self._messages:
            return ()
        _, asked = self._messages[message_id]
        return tuple(
            Reply(id=each.id, index=index, type=each.type)
            for index, each in self._messages.values()
            if each.reply_to == message_id and each.sender == asked.recipient
        )

    async def notices(self, recipient: OIN, *, after: int, limit: int) -> tuple[Notice, ...]:
        """See `hub.attention.Attention.notices`."""
        found = [each for oin, each in self._notices if oin == recipient and each.number > after]
        return tuple(found[:limit])

    async def notified_by(self, index: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.notified_by`."""
        return tuple((each.number, oin) for oin, each in self._notices if each.index == index)

    async def remind(self, *, today: date, soon: date, at: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.remind`."""
        found: list[tuple[int, OIN]] = []
        for message_id, (term, told) in self._questions.items():
            now = 2 if term <= today else 1 if term <= soon else 0
            if now <= told:
                continue
            self._questions[message_id] = (term, now)
            _, asked = self._messages[message_id]
            kind = NoticeKind.QUESTION_DUE if now == 2 else NoticeKind.QUESTION_SOON
            sides = (asked.sender, asked.recipient)
            found += [(self._notice(oin, kind, message_id=message_id, at=at), oin) for oin in sides]
        return tuple(found)

    async def notice_denied(self, message_ids: Sequence[MessageId], *, at: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.notice_denied`."""
        found: list[tuple[int, OIN]] = []
        for message_id in message_ids:
            if await self.denied_since(message_id) is None:
                sender, kind = self._messages[message_id][1].sender, NoticeKind.RELEASE_DENIED
                found.append((self._notice(sender, kind, message_id=message_id, at=at), sender))
        return tuple(found)

    async def denied_since(self, message_id: MessageId) -> int | None:
        """See `hub.attention.Attention.denied_since`."""
        denied = NoticeKind.RELEASE_DENIED.value
        of_message = (each for _, each in self._notices if (each.kind, each.message_id) == (denied, message_id))
        return next((each.at for each in of_message), None)

    async def reviews(self, party: OIN | None, *, after: int, limit: int) -> tuple[Review, ...]:
        """See `hub.attention.Attention.reviews`."""
        found = [
            each
            for each in self._reviews.values()
            if each.closed is None and each.number > after and (party is None or party in (each.sender, each.recipient))
        ]
        return tuple(found[:limit])

    async def review(self, about: MessageId, mark: str) -> Review | None:
        """See `hub.attention.Attention.review`."""
        return self._reviews.get((about, mark))
