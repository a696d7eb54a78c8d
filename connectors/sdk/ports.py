"""What a connector needs of a hub, as one port: `HubClient` is it over HTTP, tests have one in memory.

Every method may be repeated: the same submission, release request, receipt or admission gives the same answer. Nothing
that comes back is verified. Each raises `RejectedMessageError` where the hub refuses, and `UnavailableError` where the
hub was not reached or puts it off; then nothing is known about whether it took place.
"""

from collections.abc import Sequence
from typing import Protocol

from connectors.sdk.answers import (
    Catalogues,
    ChainEpochs,
    FoundRecords,
    GroundsText,
    Handovers,
    HubNotices,
    InboxPage,
    Joined,
    MessageStatus,
    Metadata,
    ParticipantList,
    ProvenText,
    Recorded,
    SentRecords,
    SubmissionAnswer,
)
from connectors.sdk.transport import Reply
from schemas.identifiers import MessageId, SubjectTag


class Hub(Protocol):
    """One hub, called by one participant."""

    async def metadata(self) -> Metadata:
        """Who the hub says it is."""
        ...

    async def participants(self, *, after: int = -1) -> ParticipantList:
        """The next PARTICIPANT entries after a log index, in order: ask on after the last, until there is none."""
        ...

    async def join(self, *, statement: str | None, replaced: str | None, admission: str | None) -> Joined:
        """Post an admission, a participant statement, or both; its entry is in the log when this returns."""
        ...

    async def grounds(self) -> GroundsText:
        """The catalogue in force at the hub."""
        ...

    async def catalogues(self) -> Catalogues:
        """The boards, their steps, and what came into force."""
        ...

    async def catalogue_text(self, digest: str) -> str:
        """The exact text of a catalogue that was proposed or is in force."""
        ...

    async def submit(self, content_type: str, body: bytes) -> SubmissionAnswer:
        """Send a finished submission; when this returns, the hub says that it is accepted and logged."""
        ...

    async def message(self, message_id: MessageId) -> MessageStatus:
        """How a message of ours stands."""
        ...

    async def inbox(self, *, after: int, wait_seconds: int) -> InboxPage:
        """What waits for us after a log index; waits until there is something, or the time is over."""
        ...

    async def release(self, request: str) -> Reply:
        """Ask for messages with a signed release request; `schemas.wire` reads the answer."""
        ...

    async def receipt(self, receipt: str) -> ProvenText:
        """Hand in a signed receipt; when this returns, the hub says that it is logged."""
        ...

    async def record_consent(self, token: str) -> Recorded:
        """Post a signed consent record; when this returns, the hub says that it is logged."""
        ...

    async def record_measure(self, token: str) -> Recorded:
        """Post a signed measure statement; when this returns, the hub says that it is logged."""
        ...

    async def record_link(self, token: str) -> Recorded:
        """Post a signed link of two pseudonyms; when this returns, the hub says that it is logged."""
        ...

    async def consents(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        """A page of the consent records about some persons, under each of their pseudonyms; the search is logged."""
        ...

    async def measures(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        """A page of the measure statements about some persons, under each of their pseudonyms; it is logged."""
        ...

    async def recall(self, token: str) -> ProvenText:
        """Take back a message that was not picked up; when this returns, the hub says that it is not handed out."""
        ...

    async def notices(self, *, after: int) -> HubNotices:
        """What the hub tells us after a number: withdrawals, contradictions, terms."""
        ...

    async def sent_about(self, message_id: MessageId, *, after: int = -1) -> SentRecords:
        """A page of what we told anybody about the persons of a message of ours, also by another installation."""
        ...

    async def open_chain_epoch(self, signed: str) -> None:
        """Post a chain-key epoch that the registrar signed."""
        ...

    async def chain_epochs(self) -> ChainEpochs:
        """The chain-key epochs that the registrar opened."""
        ...

    async def hand_over_chain_key(self, handover: str) -> None:
        """Relay a signed and sealed chain key to another holder."""
        ...

    async def chain_keys(self) -> Handovers:
        """Chain keys that others handed over to us."""
        ...

    async def checkpoint(self) -> str:
        """The newest signed checkpoint of the hub's log."""
        ...

    async def inclusion(self, *, index: int, size: int) -> Sequence[bytes]:
        """The path from an entry to the root of a tree."""
        ...

    async def consistency(self, *, old_size: int, new_size: int) -> Sequence[bytes]:
        """The proof that one tree is the beginning of another."""
        ...

    async def entry(self, index: int) -> ProvenText:
        """One entry that we are party to, or that everybody may read, with its proof."""
        ...
