"""What the use cases need to have people look at something: replies and recalls, notices, and the review list.

A driver implements `Attention`; each docstring is the contract, as in `hub.ports`. Every method may raise
UnavailableError.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from schemas.codes import TokenType
from schemas.identifiers import OIN, MessageId
from schemas.jws import parse_jws
from schemas.reviews import Finding, parse_review


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How a message was taken back.

    Attributes:
        index: Place of the RECALL entry.
        entry: Exact text of that entry.
        token: What its sender signed.
    """

    index: int
    entry: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message that answers another, from the one's recipient to its sender."""

    id: MessageId
    index: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a participant is told that no message tells; it holds identifiers only.

    Attributes:
        number: Its place among all notices, rising in the order in which they become visible.
        kind: A `NoticeKind`, as text: another version may know more of them.
        message_id: The message concerned, if any.
        record_id: The record because of which, if any.
        index: Place of the log entry because of which; None where no entry says it.
        at: Since when, as NumericDate.
    """

    number: int
    kind: str
    message_id: MessageId | None
    record_id: MessageId | None
    index: int | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer:
    """What a party says of something that a supervisor has to look at.

    Attributes:
        oin: Which party.
        index: Place of the REVIEW entry.
        token: Its review, as it was signed.
    """

    oin: OIN
    index: int
    token: str

    @property
    def finding(self) -> Finding:
        """What the party found; its signature was verified when the answer was taken in."""
        return parse_review(parse_jws(self.token, typ=TokenType.REVIEW).payload).finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Something that somebody has to look at.

    Attributes:
        number: Its place among all of them.
        about: The message, or the record.
        mark: Why.
        index: Place of the entry because of which.
        sender: Who sent the message or stated the record.
        recipient: The other party.
        closed: Place of the REVIEW entry that closed it; None while it is open.
        token: What closed it, as it was signed.
        answers: The newest answer of each party, in the order of the log.
    """

    number: int
    about: MessageId
    mark: str
    index: int
    sender: OIN
    recipient: OIN
    closed: int | None
    token: str | None
    answers: tuple[ReviewAnswer, ...] = ()


class Attention(Protocol):
    """Reads what somebody has to look at, and reminds of terms."""

    async def recall(self, message_id: MessageId) -> Recall | None:
        """Return how a message was taken back; None if it was not."""
        ...

    async def replies(self, message_id: MessageId) -> tuple[Reply, ...]:
        """Return the messages of its recipient that answer a message, in the order of the log."""
        ...

    async def notices(self, recipient: OIN, *, after: int, limit: int) -> tuple[Notice, ...]:
        """Return the notices of a participant beyond a number, in order; none comes later with a smaller number."""
        ...

    async def notified_by(self, index: int) -> tuple[tuple[int, OIN], ...]:
        """Return number and recipient of the notices that one entry gave rise to."""
        ...

    async def remind(self, *, today: date, soon: date, at: int) -> tuple[tuple[int, OIN], ...]:
        """Notice both sides of every open question whose term is `soon` or `today` or past, once for each of the two.

        Durable on return. Any number of processes may do so at once.

        Returns:
            Number and recipient of the new notices.
        """
        ...

    async def notice_denied(self, message_ids: Sequence[MessageId], *, at: int) -> tuple[tuple[int, OIN], ...]:
        """Notice the senders of messages of which nothing is released, each once however often it is called.

        Durable on return. No entry says it: nothing was disclosed.

        Returns:
            Number and recipient of the new notices.
        """
        ...

    async def denied_since(self, message_id: MessageId) -> int | None:
        """Return since when the sender of a message has such a notice (seconds); None if it has none."""
        ...

    async def reviews(self, party: OIN | None, *, after: int, limit: int) -> tuple[Review, ...]:
        """Return what is open beyond a number, in order: of all, or of one party."""
        ...

    async def review(self, about: MessageId, mark: str) -> Review | None:
        """Return one item, open or closed."""
        ...
