"""The connector's HTTP against a real server: tokens, proofs, problems, retries."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from connectors.sdk import transport
from connectors.sdk.client import HubClient
from connectors.sdk.transport import Identity, Reply, problem_to_error
from hub.web.dpop import verify_dpop_proof
from schemas.clock import SystemClock
from schemas.codes import TokenType
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    EvidenceError,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)
from schemas.identifiers import OIN, MessageId
from schemas.jwk import SigningKey
from schemas.jws import verify_jws
from schemas.randomness import SystemRandomness
from schemas.requests import parse_client_authentication

GEMEENTE = OIN("00000099000000001000")
MESSAGE = MessageId("0194f0a0-0000-7000-8000-000000000001")
OTHER = MessageId("0194f0a0-0000-7000-8000-000000000002")
KEY = SigningKey.generate(randomness=SystemRandomness())
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """A hub's front: gives tokens, checks proofs, and answers as a test says."""

    answers: list[Handler] = field(default_factory=list)
    tokens: int = 0
    seen: list[web.Request] = field(default_factory=list)
    url: str = ""

    async def about(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": "https://issuer.ketenhub.test"})

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        claims = parse_client_authentication(
            verify_jws(str(form["client_assertion"]), typ=TokenType.CLIENT_AUTHENTICATION, key=KEY.public).payload
        )
        assert claims.participant == GEMEENTE
        assert claims.audience == "https://issuer.ketenhub.test"
        self._proof(request, None)
        self.tokens += 1
        return web.json_response({"access_token": f"token-{self.tokens}", "token_type": "DPoP", "expires_in": 600})

    async def anything(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        await request.read()
        token = request.headers.get("Authorization", "").removeprefix("DPoP ")
        if token:
            self._proof(request, token)
        return await self.answers.pop(0)(request)

    def _proof(self, request: web.Request, token: str | None) -> None:
        verify_dpop_proof(
            request.headers.get("DPoP"),
            method=request.method,
            url=self.url + request.path,
            access_token=token,
            at=SystemClock().now(),
        )


@asynccontextmanager
async def _serving(*answers: Handler) -> AsyncIterator[tuple[Server, HubClient]]:
    server = Server(answers=list(answers))
    app = web.Application()
    app.router.add_get("/.well-known/ketenhub", server.about)
    app.router.add_post("/oauth/token", server.token)
    app.router.add_route("*", "/{path:.*}", server.anything)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with HubClient.connect(
            server.url,
            identity=Identity(oin=GEMEENTE, key=KEY),
            clock=SystemClock(),
            randomness=SystemRandomness(),
        ) as hub:
            yield server, hub
    finally:
        await runner.cleanup()


def _answer(status: int, body: object, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response(
            body, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    return handler


STATE = _answer(200, {"jti": MESSAGE.value, "state": "waiting", "index": 3, "recipient": GEMEENTE.value})
BUSY = _answer(503, {"code": "hub.busy", "retryable": True}, Retry_After="0")


async def test_one_token_serves_many_calls_each_with_its_own_proof() -> None:
    async with _serving(STATE, STATE, STATE) as (server, hub):
        for _ in range(3):
            assert (await hub.message(MESSAGE)).state == "waiting"
    assert server.tokens == 1
    assert len({request.headers["DPoP"] for request in server.seen}) == 3


async def test_calls_at_once_share_one_token() -> None:
    async with _serving(STATE, STATE, STATE) as (server, hub):
        await asyncio.gather(*(hub.message(MESSAGE) for _ in range(3)))
    assert server.tokens == 1


async def test_a_token_that_is_refused_is_replaced_once() -> None:
    refused = _answer(401, {"code": "sender.token.expired", "detail": "expired"})
    async with _serving(refused, STATE) as (server, hub):
        assert (await hub.message(MESSAGE)).state == "waiting"
    assert server.tokens == 2


async def test_a_token_that_is_refused_after_a_wait_is_replaced_too() -> None:
    """A token can run out while the hub puts a call off."""
    refused = _answer(401, {"code": "sender.token.expired", "detail": "expired"})
    async with _serving(BUSY, refused, STATE) as (server, hub):
        assert (await hub.message(MESSAGE)).state == "waiting"
    assert server.tokens == 2


async def test_who_is_refused_with_a_new_token_too_is_told_so() -> None:
    refused = _answer(401, {"code": "sender.participant.unknown", "detail": "not in force"})
    async with _serving(refused, refused) as (_, hub):
        with pytest.raises(AuthenticationError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "sender.participant.unknown"


async def test_what_the_hub_puts_off_is_tried_again() -> None:
    async with _serving(BUSY, BUSY, STATE) as (server, hub):
        assert (await hub.message(MESSAGE)).state == "waiting"
    assert len(server.seen) == 3


async def test_what_it_puts_off_again_and_again_is_unavailable() -> None:
    async with _serving(BUSY, BUSY, BUSY, BUSY) as (_, hub):
        with pytest.raises(UnavailableError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "hub.busy"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, DocumentError), (409, ReplayError), (500, UnavailableError), (302, UnavailableError)]
)
async def test_a_problem_is_an_error_sorted_by_who_must_act(status: int, kind: type[Exception]) -> None:
    body = {
        "code": "sender.structure.x",
        "detail": "what was wrong",
        "issues": [{"pointer": "/content/0", "code": "sender.structure.x", "text": "en", "text_nl": "nl"}],
    }
    answers = [_answer(status, body, Location="https://elsewhere.test/")] * 4
    async with _serving(*answers) as (_, hub):
        with pytest.raises(kind) as caught:
            await hub.submit("application/json", b"{}")
    error = caught.value
    assert isinstance(error, DocumentError | ReplayError | UnavailableError)
    assert error.code == "sender.structure.x"
    assert [(issue.pointer, issue.text_nl) for issue in error.issues] == [("/content/0", "nl")]


async def test_an_answer_of_another_form_is_unavailable_and_not_believed() -> None:
    async with _serving(_answer(200, {"state": 3})) as (_, hub):
        with pytest.raises(UnavailableError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "hub.answer.form"


async def test_an_error_that_is_no_problem_is_told_by_its_status() -> None:
    async def gateway(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>bad gateway</html>")

    async with _serving(*[gateway] * 4) as (_, hub):
        with pytest.raises(UnavailableError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "hub.http.502"


async def test_an_answer_larger_than_any_may_be_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sdk.transport.ANSWER_BYTES_MAX", 1000)
    async with _serving(_answer(200, {"x": "y" * 5000})) as (_, hub):
        with pytest.raises(UnavailableError):
            await hub.message(MESSAGE)


async def test_a_hub_that_is_gone_is_unavailable() -> None:
    async with _serving() as (server, _):
        gone = server.url
    async with HubClient.connect(
        gone, identity=Identity(oin=GEMEENTE, key=KEY), clock=SystemClock(), randomness=SystemRandomness()
    ) as hub:
        with pytest.raises(UnavailableError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "hub.unreachable"


async def test_a_connection_that_breaks_in_the_middle_is_tried_again() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async with _serving(broken, STATE) as (server, hub):
        assert (await hub.message(MESSAGE)).state == "waiting"
    assert len(server.seen) == 2


@pytest.mark.parametrize("said", [OTHER.value, "", MESSAGE.value.upper()])
async def test_a_state_of_another_message_than_was_asked_for_is_refused(said: str) -> None:
    """A message that lapsed or was taken back would else be one that still waits, or the other way round."""
    async with _serving(_answer(200, {"jti": said, "state": "expired"})) as (_, hub):
        with pytest.raises(EvidenceError) as caught:
            await hub.message(MESSAGE)
    assert caught.value.code == "hub.message.state"


async def test_no_cookie_and_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    state = {"jti": MESSAGE.value, "state": "waiting", "index": 1, "recipient": "y"}
    cookie = _answer(200, state, Set_Cookie="a=b")
    async with _serving(cookie, STATE) as (server, hub):
        await hub.message(MESSAGE)
        await hub.message(MESSAGE)
    assert "Cookie" not in server.seen[1].headers


def test_what_a_hub_says_holds_nothing_that_a_terminal_or_xml_would_trip_over() -> None:
    problem = {"code": "sender.x\x1b[2J", "detail": "\x00a\u2028b", "issues": [{"text_nl": "\x01é"}] * 2}
    reply = Reply(status=400, content_type="application/problem+json", body=json.dumps(problem).encode())
    error = problem_to_error(reply)
    assert (error.code, error.public_message) == ("sender.x [2J", " a b")
    assert {issue.text_nl for issue in error.issues} == {" é"}


async def test_a_hub_is_reached_by_the_proxy_of_the_settings_and_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked for the hub by its name; what the environment says of proxies counts for nothing."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    asked: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        body = b'{"code":"sender.message.unknown"}'
        writer.write(b"HTTP/1.1 422 X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HubClient.connect(
            "http://hub.example.test",
            identity=None,
            clock=SystemClock(),
            randomness=SystemRandomness(),
            proxy=f"http://127.0.0.1:{port}",
        ) as hub:
            with pytest.raises(RejectedMessageError):
                await hub.grounds()
    assert asked == ["GET http://hub.example.test/v1/grounds HTTP/1.1"]


async def test_a_hub_that_does_not_even_answer_the_call_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops packets, here as a queue of connections that is full."""
    monkeypatch.setattr(transport, "CONNECT_SECONDS_MAX", 0.2)
    monkeypatch.setattr(transport, "FIRST_WAIT_SECONDS", 0.01)
    with socket.socket() as deaf, contextlib.ExitStack() as others:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            other = others.enter_context(socket.socket())
            other.settimeout(0)
            other.connect_ex(deaf.getsockname())
        async with HubClient.connect(
            f"http://127.0.0.1:{deaf.getsockname()[1]}",
            identity=None,
            clock=SystemClock(),
            randomness=SystemRandomness(),
        ) as hub:
            started = time.monotonic()
            with pytest.raises(UnavailableError) as refused:
                await hub.grounds()
    assert (refused.value.code, time.monotonic() - started < 10) == ("hub.unreachable", True)
