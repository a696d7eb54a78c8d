"""Strangers on the wire of the local stack: a participant that talks HTTP by itself, and a hub that lies.

`StackParticipant` joins the stack's hub with an admission of the stack's own registrar and then does as it likes.
`LyingHub` stands between the Raad's connector and a hub process and alters what that answers: what a hub whose
database or software somebody has changed could hand out.
"""

import asyncio
import contextlib
import dataclasses
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import web

from connectors.sdk.composing import Composed, SenderKeys, compose
from connectors.sdk.envelope import Envelope
from deploy.local.stack import HUB_NAME
from schemas.admissions import statement_to_payload, verify_statement
from schemas.codes import Role, TokenType
from schemas.document import Document
from schemas.identifiers import OIN, HubName
from schemas.jwk import SigningKey
from schemas.jws import parse_jws, sign_jws
from schemas.message import Message, message_to_payload
from schemas.participants import Directory
from schemas.sealing import SealingPrivateKey, sealed_digest
from schemas.wire import Submission, encode_submission
from tests.support.example_documents import request_document
from tests.support.hub_server import (
    CHAIN,
    CLOCK,
    POLICY,
    RANDOMNESS,
    RESPONSIBLE,
    Answer,
    HubParticipant,
    seconds,
)
from tests.support.parties import Documents
from tests.support.stack import StackUnderTest

_START_SECONDS: Final = 10.0
_PASSED_ON: Final = ("Content-Type", "Retry-After")


@dataclass(slots=True, kw_only=True)
class StackParticipant(HubParticipant):
    """A participant of the stack with a client of its own."""

    registrar: SigningKey = field(repr=False)

    def admission(self, **changes: Any) -> str:
        """Return an admission signed by the stack's registrar."""
        # The claims are those of the tests' own registrar, signed by the stack's.
        token = HubParticipant.admission(self, **changes)
        payload = parse_jws(token, typ=TokenType.ADMISSION).payload
        return sign_jws(payload, typ=TokenType.ADMISSION, key=self.registrar)

    async def joined(self) -> "StackParticipant":
        """Join, and take a token."""
        # A later statement must be dated later, in whole seconds.
        answer = await self.join(issued_at=in_seconds(-60))
        assert answer.status == 201, answer.body
        await self.authenticate()
        return self

    async def known(self) -> Directory:
        """Return the directory as the hub has it."""
        answer = await self.call("GET", "/v1/participants")
        lines = [
            Documents(
                index=line["index"],
                oin=OIN(line["oin"]),
                admission=line["admission"],
                statement=line["statement"],
                replaced=line["replaced"],
            )
            for line in answer.json["participants"]
        ]
        return Directory.empty(registrar=self.registrar.public).extended(lines)

    async def write(
        self,
        recipient: str,
        *,
        at: datetime | None = None,
        hub: str = HUB_NAME,
        document: Document | None = None,
    ) -> Composed:
        """Compose a message as the connector's kit does; nothing is sent."""
        directory = await self.known()
        sender, other = directory.participant(self.oin), directory.participant(OIN(recipient))
        assert sender is not None
        assert other is not None
        return compose(
            document or request_document(),
            envelope=Envelope(
                sender=sender,
                capacity=None,
                recipient=other,
                recipient_capacity=None,
                hub=HubName(hub),
                responsible=RESPONSIBLE,
            ),
            policy=POLICY,
            keys=SenderKeys(signing=self.signing, chain=CHAIN),
            at=at or CLOCK.now(),
            randomness=RANDOMNESS,
        )

    def sign(self, message: Message, *, key: SigningKey | None = None) -> str:
        """Sign claims as a message."""
        return sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key or self.signing)

    def reseal(self, composed: Composed, elements: Sequence[bytes]) -> Submission:
        """Return a submission whose signature covers other sealed elements than were made for it."""
        key = composed.submission.key
        sealed = dataclasses.replace(composed.message.sealed, digest=sealed_digest(key, elements))
        message = dataclasses.replace(composed.message, sealed=sealed)
        return dataclasses.replace(composed.submission, message=self.sign(message), elements=tuple(elements))

    async def post(self, submission: Submission) -> Answer:
        """Send a submission."""
        content_type, body = encode_submission(submission)
        return await self.call("POST", "/v1/messages", body=body, content_type=content_type)

    async def rotate(self, *, revoke: bool = False) -> SigningKey:
        """State new signing and sealing keys; returns the old signing key."""
        before = self.signing
        self.signing = SigningKey.generate(randomness=RANDOMNESS)
        revoked = (before.public.thumbprint, self.sealing.public.kid) if revoke else ()
        self.sealing = SealingPrivateKey.generate(randomness=RANDOMNESS)
        statement = self.statement(revoked=revoked)
        payload = statement_to_payload(verify_statement(statement))
        replaced = sign_jws(payload, typ=TokenType.PARTICIPANT, key=before)
        body = {"admission": None, "statement": statement, "replaced": replaced}
        answer = await self.call("POST", "/v1/participants", json=body)
        assert answer.status == 201, answer.body
        return before


@contextlib.asynccontextmanager
async def strangers(office: StackUnderTest, *roles: Role) -> AsyncIterator[list[StackParticipant]]:
    """Admit participants of these roles, or one gemeente, that are nobody's connector."""
    registrar = SigningKey.from_pem((office.stack.home / "registrar" / "registrar.pem").read_bytes())
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield [
            await StackParticipant(
                oin=OIN(f"00000099{secrets.randbelow(10**9):09d}000"),
                role=role,
                session=session,
                url=office.stack.url,
                issuer=office.stack.url,
                registrar=registrar,
            ).joined()
            for role in roles or (Role.GEMEENTE,)
        ]


Lie = Callable[[dict[str, Any]], None]
"""Changes one release, as it stands in the hub's answer."""


class LyingHub:
    """A hub as the Raad's connector sees it: every call goes to a real hub process, and releases come back altered.

    Attributes:
        url: Where it listens.
        lie: What it does to the next releases; None: nothing.
        silent: Whether it keeps releases to itself, as a connection that breaks does: the hub has logged them.
        told: How many releases it altered.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.lie: Lie | None = None
        self.silent = False
        self.told = 0
        self._behind = ""
        self._ready = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @contextlib.contextmanager
    def before(self, url: str) -> Iterator["LyingHub"]:
        """Stand before a hub process, for a while."""
        self._behind = url
        self._thread.start()
        assert self._ready.wait(_START_SECONDS)
        try:
            yield self
        finally:
            self._stop()
            self._thread.join()

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            app.router.add_route("*", "/{path:.*}", self._pass)
            runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
            await runner.setup()
            await web.SockSite(runner, self._socket).start()
            self._ready.set()
            await stop.wait()
            await runner.cleanup()

    async def _pass(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        body = await request.read()
        url = self._behind + request.path_qs
        try:
            async with self._session.request(
                request.method, url, data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=90)
            ) as answer:
                data = await answer.read()
                kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        except aiohttp.ClientConnectionError:
            return web.Response(status=502)
        if self.silent and request.path == "/v1/releases":
            return web.Response(status=503)
        if self.lie is not None and request.path == "/v1/releases" and answer.status == 200:
            data = self._lie_about(data)
        return web.Response(status=answer.status, body=data, headers=kept)

    def _lie_about(self, data: bytes) -> bytes:
        answer = orjson.loads(data)
        assert self.lie is not None
        for release in answer["releases"]:
            self.lie(release)
            self.told += 1
        return orjson.dumps(answer)


def in_seconds(offset: int) -> int:
    """Return a moment as NumericDate, counted from now."""
    return seconds() + offset
