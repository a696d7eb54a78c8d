"""The hub's API for one participant: one method for each call, bytes and types in and out.

    async with HubClient.connect(settings.hub.url, identity=identity, clock=clock, randomness=randomness) as hub:
        answer = await hub.submit(content_type, body)
        page = await hub.inbox(after=-1, wait_seconds=30)

What comes back is not verified here. The agent does that with `proving`, `opening` and its own directory.

Source: the architecture, section 7.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import aiohttp
import msgspec

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
    ProofHashes,
    ProvenText,
    Recorded,
    Reviewed,
    ReviewPage,
    SentRecords,
    SubmissionAnswer,
)
from connectors.sdk.transport import TIMEOUT_SECONDS, HubTransport, Identity, Reply, decode
from schemas.canonical import b64url_decode
from schemas.clock import Clock
from schemas.errors import EvidenceError
from schemas.identifiers import MessageId, SubjectTag
from schemas.randomness import Randomness

JOSE: Final = "application/jose"
JSON: Final = "application/json"


class HubClient:
    """Calls one hub as one participant."""

    def __init__(self, transport: HubTransport) -> None:
        self._transport = transport

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, *, identity: Identity | None, clock: Clock, randomness: Randomness, proxy: str | None = None
    ) -> AsyncIterator[Self]:
        """Open a session with a hub and close it afterwards; nothing is asked until the first call.

        Args:
            url: Where the hub's API is.
            identity: Who calls; None: open calls only.
            clock: Time.
            randomness: Randomness.
            proxy: URL of the HTTP proxy by which the hub is reached; None: none. What goes to a hub by https goes
                through it in a tunnel that it cannot read.
        """
        # No proxy from the environment, no cookies: what goes out is what stands here.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, proxy=proxy) as session:
            yield cls(HubTransport(session=session, url=url, identity=identity, clock=clock, randomness=randomness))

    async def metadata(self) -> Metadata:
        """Who the hub says it is."""
        return decode(await self._get("/.well-known/ketenhub", authorised=False), Metadata)

    async def participants(self, *, after: int = -1) -> ParticipantList:
        """The next PARTICIPANT entries after a log index, in order: ask on after the last, until there is none."""
        query = {"after": after} if after >= 0 else {}
        return decode(await self._get("/v1/participants", authorised=False, **query), ParticipantList)

    async def join(self, *, statement: str | None, replaced: str | None, admission: str | None) -> Joined:
        """Post an admission, a participant statement, or both."""
        body = {"statement": statement, "replaced": replaced, "admission": admission}
        return decode(await self._post("/v1/participants", msgspec.json.encode(body), JSON, authorised=False), Joined)

    async def grounds(self) -> GroundsText:
        """The catalogue in force at the hub."""
        return decode(await self._get("/v1/grounds", authorised=False), GroundsText)

    async def catalogues(self) -> Catalogues:
        """The boards, their steps, and what came into force."""
        return decode(await self._get("/v1/catalogues", authorised=False), Catalogues)

    async def catalogue_text(self, digest: str) -> str:
        """The exact text of a catalogue that was proposed or is in force."""
        return (await self._get(f"/v1/catalogues/{digest}", authorised=False)).body.decode("utf-8", "replace")

    async def submit(self, content_type: str, body: bytes) -> SubmissionAnswer:
        """Send a finished submission; the same bytes give the same answer."""
        return decode(await self._post("/v1/messages", body, content_type), SubmissionAnswer)

    async def message(self, message_id: MessageId) -> MessageStatus:
        """How a message of ours stands.

        Raises:
            EvidenceError: The hub answers about another message: nothing else in the answer would tell.
        """
        status = decode(await self._get(f"/v1/messages/{message_id.value}"), MessageStatus)
        if status.jti != message_id.value:
            raise EvidenceError("the hub answers about another message than was asked for", code="hub.message.state")
        return status

    async def inbox(self, *, after: int, wait_seconds: int) -> InboxPage:
        """What waits for us after a log index; waits until there is something, or the time is over."""
        reply = await self._transport.request(
            "GET",
            "/v1/inbox",
            query={"after": after, "wait": wait_seconds},
            timeout_seconds=wait_seconds + TIMEOUT_SECONDS,
        )
        return decode(reply, InboxPage)

    async def release(self, request: str) -> Reply:
        """Ask for messages with a signed release request; `schemas.wire` reads the answer."""
        return await self._post("/v1/releases", request.encode("ascii"), JOSE)

    async def receipt(self, receipt: str) -> ProvenText:
        """Hand in a signed receipt; the same receipt gives the same answer."""
        return decode(await self._post("/v1/receipts", receipt.encode("ascii"), JOSE), ProvenText)

    async def record_consent(self, token: str) -> Recorded:
        """Post a signed consent record; the same record gives the same answer."""
        return decode(await self._post("/v1/consents", token.encode("ascii"), JOSE), Recorded)

    async def record_measure(self, token: str) -> Recorded:
        """Post a signed measure statement; the same statement gives the same answer."""
        return decode(await self._post("/v1/measures", token.encode("ascii"), JOSE), Recorded)

    async def record_link(self, token: str) -> Recorded:
        """Post a signed link of two pseudonyms; the same link gives the same answer."""
        return decode(await self._post("/v1/links", token.encode("ascii"), JOSE), Recorded)

    async def consents(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        """Ask for a page of the consent records about some persons; the search itself is logged."""
        return await self._search("/v1/consents/search", tags, after=after)

    async def measures(self, tags: Sequence[SubjectTag], *, after: int = -1) -> FoundRecords:
        """Ask for a page of the measure statements about some persons; the search itself is logged."""
        return await self._search("/v1/measures/search", tags, after=after)

    async def recall(self, token: str) -> ProvenText:
        """Take back a message that was not picked up; the same recall gives the same answer."""
        return decode(await self._post("/v1/recalls", token.encode("ascii"), JOSE), ProvenText)

    async def notices(self, *, after: int) -> HubNotices:
        """What the hub tells us after a number: withdrawals, contradictions, terms."""
        return decode(await self._get("/v1/notices", after=after), HubNotices)

    async def sent_about(self, message_id: MessageId, *, after: int = -1) -> SentRecords:
        """A page of what we told anybody about the persons of a message of ours."""
        page = {"after": after} if after >= 0 else {}
        body = msgspec.json.encode({"about": message_id.value, **page})
        return decode(await self._post("/v1/records/search", body, JSON), SentRecords)

    async def reviews(self, *, after: int = -1) -> ReviewPage:
        """A page of what has to be looked at: of us, and for a supervisor of everybody."""
        body = msgspec.json.encode({"after": after} if after >= 0 else {})
        return decode(await self._post("/v1/reviews/search", body, JSON), ReviewPage)

    async def close_review(self, token: str) -> Reviewed:
        """Post a signed review; the same review gives the same answer."""
        return decode(await self._post("/v1/reviews", token.encode("ascii"), JOSE), Reviewed)

    async def open_chain_epoch(self, signed: str) -> None:
        """Post a chain-key epoch that the registrar signed."""
        await self._post("/v1/chain-epochs", msgspec.json.encode({"signed": signed}), JSON, authorised=False)

    async def chain_epochs(self) -> ChainEpochs:
        """The chain-key epochs that the registrar opened."""
        return decode(await self._get("/v1/chain-epochs", authorised=False), ChainEpochs)

    async def hand_over_chain_key(self, handover: str) -> None:
        """Relay a signed and sealed chain key to another holder."""
        await self._post("/v1/chain-keys", msgspec.json.encode({"handover": handover}), JSON)

    async def chain_keys(self) -> Handovers:
        """Chain keys that others handed over to us."""
        return decode(await self._get("/v1/chain-keys"), Handovers)

    async def checkpoint(self) -> str:
        """The newest signed checkpoint of the hub's log."""
        return (await self._get("/log/checkpoint", authorised=False)).body.decode("utf-8", "replace")

    async def inclusion(self, *, index: int, size: int) -> Sequence[bytes]:
        """The path from an entry to the root of a tree."""
        reply = await self._get("/log/proof/inclusion", authorised=False, index=index, size=size)
        return _hashes(reply)

    async def consistency(self, *, old_size: int, new_size: int) -> Sequence[bytes]:
        """The proof that one tree is the beginning of another."""
        query: dict[str, Any] = {"from": old_size, "to": new_size}  # `from` is no name of an argument
        return _hashes(await self._get("/log/proof/consistency", authorised=False, **query))

    async def entry(self, index: int) -> ProvenText:
        """One entry that we are party to, or that everybody may read, with its proof."""
        return decode(await self._get(f"/log/entries/{index}"), ProvenText)

    async def log_file(self, path: str, *, authorised: bool) -> bytes:
        """A tile or an entry bundle, by its path below the log's prefix; bundles need a supervisor's token."""
        return (await self._get(f"/log/{path}", authorised=authorised)).body

    async def _search(self, path: str, tags: Sequence[SubjectTag], *, after: int) -> FoundRecords:
        page = {"after": after} if after >= 0 else {}
        body = msgspec.json.encode({"tags": [tag.value for tag in tags], **page})
        return decode(await self._post(path, body, JSON), FoundRecords)

    async def _get(self, path: str, *, authorised: bool = True, **query: int) -> Reply:
        return await self._transport.request("GET", path, query=query, authorised=authorised)

    async def _post(self, path: str, body: bytes, content_type: str, *, authorised: bool = True) -> Reply:
        return await self._transport.request("POST", path, body=body, content_type=content_type, authorised=authorised)


def _hashes(reply: Reply) -> tuple[bytes, ...]:
    return tuple(b64url_decode(text) for text in decode(reply, ProofHashes).hashes)
