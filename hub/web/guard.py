"""The one way of every request, from its first byte to its line in the log.

1. trace: whose trace it is, and when it came
2. address: not more than an address may ask
3. caller: access token, DPoP proof, participant in force
4. body: its media type, its length, the process's allowance, its time
5. handler
6. whatever went wrong becomes a problem; every answer is counted and gets its line

Up to 5 nothing of the body is stored, logged or waited for, but its own bytes. The replay guard is asked in 3, after
the proof's signature has held.
"""

import asyncio
import ipaddress
import logging
import re
import time
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import web

from hub.enforcement import PASSED_CODE
from hub.exchange.stages import Arrival
from hub.logs import Event, Fields, places, record
from hub.storage.local import LocalRateLimits
from hub.web.bodies import body_length, read_body
from hub.web.context import Access, Call, Caller, HubWeb, Route
from hub.web.dpop import REMEMBERED_SECONDS, replayed, verify_dpop_proof
from hub.web.problems import SERVER, RequestError, TooManyRequestsError, failure
from hub.web.tokens import verify_token
from schemas.errors import AuthenticationError, EvidenceError, ExchangeError

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, section 3.2.2: what it calls invalid counts as absent."""

_SINGLE_HEADERS: Final = ("Authorization", "DPoP", "Content-Type", "traceparent")
_DPOP_SCHEME: Final = "DPoP "


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Takes a request through its way; one for each process."""

    hub: HubWeb
    addresses: LocalRateLimits = field(default_factory=LocalRateLimits)

    async def answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        """Answer one request; raises nothing but what the server itself raises."""
        started = time.perf_counter()
        # 1. trace
        arrival = self._arrival(request)
        held = 0
        code = detail = ""
        response: web.StreamResponse
        try:
            _check_headers(request)
            # 2. address
            address = client_address(request, trusted_proxies=self.hub.settings.web.trusted_proxies)
            self._check_address(address)
            self._check_running(route)
            # 3. caller
            caller = await self._caller(route, request, arrival)
            # 4. body
            body = b""
            if route.takes:
                _check_content_type(route, request)
                length = body_length(
                    request,
                    settings=self.hub.settings.web,
                    authenticated=caller is not None,
                    unverified_max=route.body_bytes_max,
                )
                self.hub.allowance.take(length)
                held = length
                body = await read_body(request, length=length, settings=self.hub.settings.web)
            # 5. handler
            call = Call(request=request, arrival=arrival, caller=caller, body=body, address=address)
            response = await route.handler(call, self.hub)
        # 6. what went wrong
        except ExchangeError as error:
            code, detail = error.code, error.detail
            response = self._problem(error, arrival, route)
        except (asyncio.CancelledError, web.HTTPException):
            raise
        except Exception as error:  # noqa: BLE001 - our own mistake: nothing of it may be told, all of its place must be
            record(
                Event.REQUEST_FAILED,
                level=logging.ERROR,
                route=route.path,
                trace_id=arrival.trace_id,
                error=type(error).__name__,
                where=places(error),
            )
            code = "hub.failed"
            response = route.problem(failure(), trace_id=arrival.trace_id)
        finally:
            if held:
                self.hub.allowance.give_back(held)
        response.headers["Server"] = SERVER
        seconds = time.perf_counter() - started
        self.hub.metrics.answered(route=route.path, method=route.method, status=response.status, seconds=seconds)
        _tell(route, request, response, trace_id=arrival.trace_id, seconds=seconds, code=code, detail=detail)
        return response

    def _arrival(self, request: web.Request) -> Arrival:
        found = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        drawn = self.hub.services.randomness.bytes(24).hex()
        trace_id = found[1] if found else drawn[:32]
        return Arrival(at=self.hub.clock.now(), trace_id=trace_id, span_id=drawn[32:])

    def _check_address(self, address: str) -> None:
        limit = self.hub.settings.web.requests_per_minute
        if limit and not self.addresses.permit_now(address, per_minute=limit):
            raise TooManyRequestsError("this address asks too often", code="sender.request.too-many")

    def _check_running(self, route: Route) -> None:
        found = self.hub.state.contradiction
        if route.effect and found is not None:
            raise EvidenceError(found.public_message, code=found.code)

    async def _caller(self, route: Route, request: web.Request, arrival: Arrival) -> Caller | None:
        if route.access == Access.OPERATOR:
            return None
        credentials = request.headers.get("Authorization")
        if credentials is None:
            if route.access == Access.TOKEN:
                raise AuthenticationError("an access token is needed", code="sender.token.needed")
            return None
        if not credentials.startswith(_DPOP_SCHEME):
            raise AuthenticationError("only the scheme `DPoP` is known", code="sender.token.scheme")
        text = credentials[len(_DPOP_SCHEME) :].strip()
        token = verify_token(self.hub.token_key, text, at=arrival.at)
        proof = verify_dpop_proof(
            request.headers.get("DPoP"),
            method=request.method,
            url=self.hub.settings.api + request.path,
            access_token=text,
            at=arrival.at,
        )
        if proof.jkt != token.jkt:
            raise AuthenticationError("the DPoP proof is by another key than the token's", code="sender.dpop.key")
        participant = self.hub.services.worlds.current().directory.participant(token.participant)
        if participant is None or not participant.in_force(arrival.at):
            raise AuthenticationError("not a participant in force", code="sender.participant.unknown")
        if participant.signing_key(token.kid) is None:
            raise AuthenticationError("the key that asked for this token is not in force", code="sender.key.unknown")
        if not await self.hub.replay_guard.first_use(proof.replay_key, seconds=REMEMBERED_SECONDS):
            raise replayed()
        return Caller(participant=participant, jkt=token.jkt)

    def _problem(self, error: ExchangeError, arrival: Arrival, route: Route) -> web.Response:
        if isinstance(error, EvidenceError):
            self.hub.contradicted(error, trace_id=arrival.trace_id)
        self.hub.metrics.problems.labels(error.code).inc()
        return route.problem(error, trace_id=arrival.trace_id)


def _tell(
    route: Route,
    request: web.Request,
    response: web.StreamResponse,
    *,
    trace_id: str,
    seconds: float,
    code: str,
    detail: str,
) -> None:
    sent = response.body if isinstance(response, web.Response) else None
    fields = Fields(
        route=route.path,
        method=route.method,
        status=response.status,
        duration_ms=round(seconds * 1000, 2),
        request_bytes=request.content_length or 0,
        response_bytes=len(sent) if isinstance(sent, bytes) else 0,
        trace_id=trace_id,
    )
    if code:
        fields["code"] = code
    if detail:
        fields["detail"] = detail
    level = logging.INFO
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        level = logging.WARNING if response.status == HTTPStatus.SERVICE_UNAVAILABLE else logging.ERROR
    if code == PASSED_CODE:
        # Also where the stop could not be logged: nobody else may hear of it.
        level = logging.CRITICAL
    record(Event.REQUEST_ANSWERED, level=level, **fields)


def client_address(request: web.BaseRequest, *, trusted_proxies: int) -> str:
    """Return the client's address, as the outermost trusted proxy saw it.

    An address of IPv6 counts by its /64: who has one address there has all of them.

    Args:
        request: The request.
        trusted_proxies: How many proxies append to `X-Forwarded-For`; what stands before their words is the client's.
    """
    address = request.remote or ""
    if trusted_proxies:
        said = [part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
        if len(said) >= trusted_proxies and said[-trusted_proxies]:
            address = said[-trusted_proxies]
    return _counted_as(address)


@lru_cache(maxsize=4096)
def _counted_as(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _check_headers(request: web.Request) -> None:
    for name in _SINGLE_HEADERS:
        if len(request.headers.getall(name, ())) > 1:
            raise RequestError(f"header `{name}` stands there twice", code="sender.request.header")


def _check_content_type(route: Route, request: web.Request) -> None:
    # Only the type; its parameters belong to who reads the body.
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if given not in route.takes:
        raise RequestError(f"the body must be {' or '.join(route.takes)}", code="sender.request.content-type")
