"""HTTP to one hub: access tokens bound to a DPoP key, problems as errors, retries with growing waits.

Every call of the hub's API may be repeated: a message and a receipt carry their own identity, the rest reads. So a
call that fails on the way, or that the hub puts off, is tried again a few times here; the agent tries again later.

A redirect is not followed: a token goes to the hub of the settings and nowhere else.

Sources: RFC 6749, 7523 (client authentication), 9449 (DPoP), 9457 (problems).
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from schemas.canonical import b64url, canonical_json
from schemas.clock import Clock
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.document import JSONValue
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    ReplayError,
    SignatureError,
    UnavailableError,
)
from schemas.identifiers import OIN
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import Randomness, new_message_id
from schemas.requests import ClientAuthentication, client_authentication_to_payload

ATTEMPTS_MAX: Final = 4
FIRST_WAIT_SECONDS: Final = 0.25
WAIT_SECONDS_MAX: Final = 10.0
TIMEOUT_SECONDS: Final = 60.0
CONNECT_SECONDS_MAX: Final = 10.0
"""A firewall that drops packets answers nothing: it is not waited for as long as a hub that works."""
ANSWER_BYTES_MAX: Final = 48 * 1024 * 1024
"""A release of 32 MiB and what stands around it in base64url."""
ASSERTION_SECONDS: Final = 60
TOKEN_MARGIN_SECONDS: Final = 30
_T = TypeVar("_T")
_READ_BYTES: Final = 256 * 1024
_CODE_CHARACTERS_MAX: Final = 100
_TEXT_CHARACTERS_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the hub answered, with a status of success."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls: the participant and its signing key."""

    oin: OIN
    key: SigningKey


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: datetime


class _TokenAnswer(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int


class _ProblemIssue(msgspec.Struct):
    pointer: str = ""
    code: str = ""
    text: str = ""
    text_nl: str = ""


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    code: str = ""
    issues: list[_ProblemIssue] = []
    retryable: bool = False
    instance: str = ""


class HubTransport:
    """Calls one hub as one participant.

    Args:
        session: HTTP session; the caller closes it.
        url: Where the hub's API is, without a path.
        identity: Who calls, or None where only open calls are made.
        clock: Time, for tokens and proofs.
        randomness: For identifiers, the DPoP key, and the spread of the waits.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        url: str,
        identity: Identity | None,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._identity = identity
        self._clock = clock
        self._randomness = randomness
        self._dpop_key = SigningKey.generate(SignatureAlgorithm.EDDSA, randomness=randomness)
        self._issuer: str | None = None
        self._token: _Token | None = None
        self._token_lock = asyncio.Lock()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        authorised: bool = True,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Reply:
        """Make one call, again if it fails on the way or is put off.

        Args:
            method: HTTP method.
            path: Path at the hub, with a leading slash.
            query: Parameters; never personal data.
            body: What to send.
            content_type: Of `body`.
            authorised: Whether an access token goes with it.
            timeout_seconds: How long one attempt may take.

        Raises:
            RejectedMessageError: The hub refused it; it would refuse it again.
            UnavailableError: The hub was not reached, or puts it off.
        """
        renewed = False
        for attempt in range(ATTEMPTS_MAX):
            last = attempt == ATTEMPTS_MAX - 1
            try:
                return await self._attempt(
                    method,
                    path,
                    query=query,
                    body=body,
                    content_type=content_type,
                    authorised=authorised,
                    timeout_seconds=timeout_seconds,
                )
            except _TokenRefusedError as error:
                # Ours ran out, or the hub's key changed: once with a new one, without waiting.
                self._token = None
                if renewed or last:
                    raise error.cause from error
                renewed = True
            except _PutOffError as error:
                if last:
                    raise error.cause from error
                await asyncio.sleep(self._wait_seconds(attempt, at_least=error.retry_after_seconds))
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None,
        body: bytes | None,
        content_type: str | None,
        authorised: bool,
        timeout_seconds: float,
    ) -> Reply:
        headers = {"Accept": "application/json, multipart/related, text/plain, application/problem+json"}
        if content_type:
            headers["Content-Type"] = content_type
        if authorised:
            token = await self._access_token()
            headers["Authorization"] = f"DPoP {token}"
            headers["DPoP"] = self._proof(method, path, access_token=token)
        target = f"{path}?{urlencode(query)}" if query else path
        reply, response_headers = await self._send(
            method, target, headers=headers, body=body, timeout_seconds=timeout_seconds
        )
        if reply.status < 300:
            return reply
        error = problem_to_error(reply)
        if reply.status == 401 and authorised:
            raise _TokenRefusedError(error)
        if error.retryable:
            raise _PutOffError(error, retry_after_seconds=_seconds(response_headers.get("Retry-After")))
        raise error

    async def _send(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> tuple[Reply, Mapping[str, str]]:
        try:
            async with self._session.request(
                method,
                self._url + target,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS_MAX),
            ) as response:
                read = bytearray()
                async for part in response.content.iter_chunked(_READ_BYTES):
                    read += part
                    if len(read) > ANSWER_BYTES_MAX:
                        raise UnavailableError("the hub's answer is larger than any answer may be")
                content_type = response.headers.get("Content-Type", "")
                reply = Reply(status=response.status, content_type=content_type, body=bytes(read))
                return reply, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = "did not answer in time" if isinstance(error, TimeoutError) else "could not be reached"
            cause = UnavailableError(f"the hub {reason}", code="hub.unreachable", detail=f"{type(error).__name__}")
            raise _PutOffError(cause, retry_after_seconds=0) from error

    async def _access_token(self) -> str:
        async with self._token_lock:
            now = self._clock.now()
            if self._token is None or self._token.until <= now:
                self._token = await self._new_token(now)
            return self._token.text

    async def _new_token(self, now: datetime) -> _Token:
        """Ask for an access token. RFC 7523, section 2.2; RFC 9449, section 5."""
        if self._identity is None:
            raise AuthenticationError("this call needs a participant's key", code="sender.key.missing")
        issuer = await self._read_issuer()
        seconds = int(now.timestamp())
        claims = ClientAuthentication(
            participant=self._identity.oin,
            audience=issuer,
            id=new_message_id(at=now, randomness=self._randomness),
            issued_at=seconds,
            expires_at=seconds + ASSERTION_SECONDS,
        )
        payload = client_authentication_to_payload(claims)
        assertion = sign_jws(payload, typ=TokenType.CLIENT_AUTHENTICATION, key=self._identity.key)
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            }
        )
        reply, headers = await self._send(
            "POST",
            "/oauth/token",
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "DPoP": self._proof("POST", "/oauth/token", access_token=None),
            },
            body=form.encode(),
            timeout_seconds=TIMEOUT_SECONDS,
        )
        if reply.status >= 300:
            error = problem_to_error(reply)
            if error.retryable:
                raise _PutOffError(error, retry_after_seconds=_seconds(headers.get("Retry-After")))
            raise error
        answer = decode(reply, _TokenAnswer)
        lifetime = max(answer.expires_in - TOKEN_MARGIN_SECONDS, 1)
        return _Token(answer.access_token, now + timedelta(seconds=lifetime))

    async def _read_issuer(self) -> str:
        """Read which name the hub's token endpoint has: an assertion is for that one audience."""
        if self._issuer is None:
            reply, headers = await self._send(
                "GET", "/.well-known/ketenhub", headers={}, body=None, timeout_seconds=TIMEOUT_SECONDS
            )
            if reply.status != 200:
                error = problem_to_error(reply)
                raise _PutOffError(error, retry_after_seconds=_seconds(headers.get("Retry-After")))
            self._issuer = decode(reply, _Issuer).issuer
        return self._issuer

    def _proof(self, method: str, path: str, *, access_token: str | None) -> str:
        """Make a DPoP proof for one request. RFC 9449, section 4.2."""
        now = self._clock.now()
        claims: dict[str, JSONValue] = {
            "htm": method,
            "htu": self._url + path,
            "iat": int(now.timestamp()),
            "jti": new_message_id(at=now, randomness=self._randomness).value,
        }
        if access_token is not None:
            claims["ath"] = b64url(hashlib.sha256(access_token.encode("ascii")).digest())
        return sign_jws(canonical_json(claims), typ=TokenType.DPOP, key=self._dpop_key)

    def _wait_seconds(self, attempt: int, *, at_least: float) -> float:
        """Wait longer each time, spread so that many connectors do not come back at once."""
        ceiling = min(FIRST_WAIT_SECONDS * 2.0 ** (2 * attempt), WAIT_SECONDS_MAX)
        spread = int.from_bytes(self._randomness.bytes(2), "big") / 0xFFFF
        return max(at_least, ceiling / 2 + ceiling / 2 * spread)


class _Issuer(msgspec.Struct):
    issuer: str


class _TokenRefusedError(Exception):
    def __init__(self, cause: ExchangeError) -> None:
        super().__init__(cause.public_message)
        self.cause = cause


class _PutOffError(Exception):
    def __init__(self, cause: ExchangeError, *, retry_after_seconds: float) -> None:
        super().__init__(cause.public_message)
        self.cause = cause
        self.retry_after_seconds = retry_after_seconds


def decode(reply: Reply, kind: type[_T]) -> _T:
    """Read an answer's JSON as a type; members that this version does not know are skipped.

    Raises:
        UnavailableError: It is not of this form: the hub and this connector do not fit together.
    """
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except msgspec.DecodeError as error:
        raise UnavailableError(
            "the hub's answer is not of the form that this version knows", code="hub.answer.form", detail=str(error)
        ) from error


def problem_to_error(reply: Reply) -> ExchangeError:
    """Make the error that a hub's problem stands for, sorted by who must act.

    Args:
        reply: An answer with a status of 300 or above.
    """
    try:
        problem = msgspec.json.decode(reply.body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    code = printable(problem.code, most=_CODE_CHARACTERS_MAX) or f"hub.http.{reply.status}"
    text = printable(problem.detail or problem.title) or f"the hub answered {reply.status}"
    kind = _error_class(reply.status, retryable=problem.retryable)
    detail = printable(problem.instance, most=_CODE_CHARACTERS_MAX)
    return kind(text, code=code, detail=detail, issues=_issues(problem))


def refusal_of(members: Mapping[str, JSONValue]) -> RejectedMessageError:
    """Make the error that a problem within an answer stands for, such as one of several messages not handed out.

    Args:
        members: The problem, as the hub says it; of another form it is a refusal without a reason.
    """
    try:
        problem = msgspec.convert(members, type=_Problem)
    except msgspec.ValidationError:
        problem = _Problem(code=str(members.get("code", "")))
    code = printable(problem.code, most=_CODE_CHARACTERS_MAX) or None
    text = printable(problem.detail or problem.title) or "the hub refuses this"
    return RejectedMessageError(text, code=code, issues=_issues(problem))


def _issues(problem: _Problem) -> list[Issue]:
    return [
        Issue(
            pointer=printable(issue.pointer),
            code=printable(issue.code, most=_CODE_CHARACTERS_MAX),
            text=printable(issue.text),
            text_nl=printable(issue.text_nl),
        )
        for issue in problem.issues
    ]


def printable(text: str, *, most: int = _TEXT_CHARACTERS_MAX) -> str:
    """Make a hub's words fit for people: without what XML cannot hold or a terminal would obey, and not too long."""
    return "".join(each if each.isprintable() else " " for each in text[:most])


def _error_class(status: int, *, retryable: bool) -> type[ExchangeError]:
    if retryable or status in (408, 425, 429) or status >= 500 or 300 <= status < 400:
        return UnavailableError
    return {400: DocumentError, 401: AuthenticationError, 403: SignatureError, 409: ReplayError}.get(
        status, RejectedMessageError
    )


def _seconds(header: str | None) -> float:
    return min(float(header), WAIT_SECONDS_MAX) if header and header.isdecimal() else 0.0
