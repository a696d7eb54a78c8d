"""The one way of every request to the API, from its headers to its answer.

1. it comes from a system on this machine: `Host` names where we listen (no page of a browser that a name was made to
   lead here), and it has no `Origin` (no page of a browser at all)
2. it has the token
3. route and parameters
4. body: media type, size, how much is held at once, time
5. room on the disk, where something is to be written
6. handler
7. whatever went wrong becomes a problem

Before 4 nothing is read of the body. No value of a request is logged.
"""

import asyncio
import logging
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from connectors.agent.disk import DiskFullError, is_full
from connectors.agent.events import Event, say
from connectors.agent.handing_in import Claim
from connectors.agent.running import has_room
from connectors.agent.troubles import own_mistakes
from connectors.api.calls import Api, Call, Route
from connectors.api.problems import SERVER, BusyError, RequestError, problem_response
from connectors.api.routes import ROUTES
from connectors.api.token import is_token
from schemas.errors import ExchangeError

HELD_BYTES_MAX: Final = 128 * 1024 * 1024
"""How many bytes of bodies are held at once; the largest body is half of it."""
BODY_SECONDS: Final = 20.0
BYTES_PER_SECOND_MIN: Final = 256 * 1024
KEY_CHARACTERS_MAX: Final = 255
ABOUT: Final = "api-request"
"""What a notice about a mistake of ours is about."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_AFTER: Final = re.compile(r"-1|0|[1-9][0-9]{0,14}")
_PLACE: Final = re.compile(r"\{([a-z]+)\}")
_METHODS: Final = {hdrs.METH_GET: (hdrs.METH_GET, hdrs.METH_HEAD)}
"""What a method of a route is asked for by: what can be read also without its body (RFC 9110, section 9.1)."""
_SINGLE: Final = (hdrs.HOST, hdrs.AUTHORIZATION, hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, "Idempotency-Key")
_CLOSE: Final = {"Connection": "close"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Takes a request through its way; one for each connector."""

    api: Api
    _patterns: tuple[tuple[re.Pattern[str], Route], ...] = field(
        default_factory=lambda: tuple((_pattern(route.path), route) for route in ROUTES)
    )

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            with own_mistakes(self.api.services, about=ABOUT, side="sender"):
                response = await self._answer(request)
        # 7.
        except ExchangeError as error:
            say(Event.REQUEST_REFUSED, level=logging.WARNING, code=error.code)
            response = problem_response(error)
        except (OSError, DiskFullError, sqlite3.Error) as error:
            say(Event.REQUEST_REFUSED, level=logging.ERROR, code=type(error).__name__)
            response = problem_response(_no_room() if is_full(error) else failed())
        response.headers.update({"Server": SERVER, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
        if not request.content.is_eof():
            response.force_close()  # the rest of a body that nobody wants is not waited for
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        # 1.
        self._check_headers(request)
        # 2.
        self._check_token(request)
        # 3.
        route, places = self._route(request)
        after = _after(request, route)
        key = _key(request, route)
        # 4.
        media_type = _media_type(request, route)
        body = b""
        if route.takes:
            body = await self._read(request, route)
        try:
            # 5.
            if route.effect and not has_room(self.api.services):
                raise _no_room()
            # 6.
            claim = Claim.of(f"{request.method} {request.path}", body, key=key)
            call = Call(places=places, after=after, media_type=media_type, body=body, claim=claim)
            return (await route.handler(call, self.api)).response()
        finally:
            self.api.held -= len(body)

    def _check_headers(self, request: web.BaseRequest) -> None:
        for name in _SINGLE:
            if len(request.headers.getall(name, ())) > 1:
                text, text_nl = f"header `{name}` stands there twice", f"header `{name}` staat er twee keer"
                raise RequestError(text, text_nl, code="sender.request.headers")
        if hdrs.ORIGIN in request.headers:
            raise RequestError(
                "this API is for systems, not for pages of a browser",
                "deze API is voor systemen, niet voor pagina's in een browser",
                code="sender.api.origin",
            )
        if request.headers.get(hdrs.HOST, "").casefold() not in self.api.hosts:
            raise RequestError(
                "`Host` does not name the address at which this connector listens",
                "`Host` noemt niet het adres waarop deze connector luistert",
                code="sender.api.host",
            )

    def _check_token(self, request: web.BaseRequest) -> None:
        scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.casefold() != "bearer" or not is_token(given.strip(), folder=self.api.services.settings.keys):
            raise RequestError(
                "the token of `keys/api.token` is needed: `Authorization: Bearer …`",
                "het token uit `keys/api.token` is nodig: `Authorization: Bearer …`",
                code="sender.api.token",
            )

    def _route(self, request: web.BaseRequest) -> tuple[Route, dict[str, str]]:
        allowed: set[str] = set()
        for pattern, route in self._patterns:
            found = pattern.fullmatch(request.path)
            if found is None:
                continue
            methods = _METHODS.get(route.method, (route.method,))
            if request.method in methods:
                return route, found.groupdict()
            allowed.update(methods)
        if allowed:
            raise RequestError(
                "this place has another method",
                "deze plaats heeft een andere methode",
                code="sender.route.method",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        raise RequestError("there is no such place", "deze plaats is er niet", code="sender.route.unknown")

    async def _read(self, request: web.BaseRequest, route: Route) -> bytes:
        """Read a body whose length need not be said before; what is held is given back where it does not come whole."""
        length = request.content_length
        if length is not None and length > route.bytes_max:
            raise _too_large(route)
        if request.headers.get(hdrs.EXPECT, "").casefold() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # what counts as sent is the answer, and that has not begun
        parts: list[bytes] = []
        taken = 0
        try:
            async with asyncio.timeout(BODY_SECONDS + (length or route.bytes_max) / BYTES_PER_SECOND_MIN):
                async for part in request.content.iter_any():
                    if taken + len(part) > route.bytes_max:
                        raise _too_large(route)
                    if self.api.held + len(part) > HELD_BYTES_MAX:
                        raise BusyError(
                            "the connector holds as many bodies as it may: send the same again in a moment",
                            "de connector verwerkt al zo veel tegelijk als kan: probeer het zo weer",
                        )
                    self.api.held += len(part)
                    taken += len(part)
                    parts.append(part)
        except BaseException as error:
            self.api.held -= taken
            if isinstance(error, TimeoutError):
                raise RequestError(
                    "the body came too slowly",
                    "de inhoud kwam te langzaam",
                    code="sender.request.too-slow",
                    headers=_CLOSE,
                ) from error
            if isinstance(error, web.RequestPayloadError | HttpProcessingError | ConnectionError):
                raise RequestError(
                    "the body did not come whole",
                    "de inhoud kwam niet heel aan",
                    code="sender.request.interrupted",
                    headers=_CLOSE,
                ) from error
            raise
        if not parts:
            raise RequestError("a body is needed here", "hier hoort inhoud bij", code="sender.request.empty")
        return b"".join(parts)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>[A-Za-z0-9-]{1,64})", path))


def _after(request: web.BaseRequest, route: Route) -> int:
    query = request.query
    if not query:
        return -1
    said = query.getall("after", ())
    if not route.paged or len(query) != 1 or len(said) != 1 or not _AFTER.fullmatch(said[0]):
        text = "the only parameter is `after`, a number, and where there are pages"
        text_nl = "de enige parameter is `after`, een getal, en waar er pagina's zijn"
        raise RequestError(text, text_nl, code="sender.request.query")
    return int(said[0])


def _key(request: web.BaseRequest, route: Route) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or not route.effect:
        return None
    if not _KEY.fullmatch(key):
        text = f"`Idempotency-Key` has 1 to {KEY_CHARACTERS_MAX} visible ASCII characters"
        text_nl = f"`Idempotency-Key` heeft 1 tot {KEY_CHARACTERS_MAX} zichtbare ASCII-tekens"
        raise RequestError(text, text_nl, code="sender.idempotency-key.invalid")
    return key


def _media_type(request: web.BaseRequest, route: Route) -> str:
    if not route.takes:
        if request.body_exists and request.content_length != 0:
            text, text_nl = "there is no body here", "hier hoort geen inhoud bij"
            raise RequestError(text, text_nl, code="sender.request.body")
        return ""
    if hdrs.CONTENT_ENCODING in request.headers:
        # A compressed body is a promise about its size that nobody has to keep.
        text, text_nl = "a body must not be compressed", "de inhoud mag niet gecomprimeerd zijn"
        raise RequestError(text, text_nl, code="sender.request.content-encoding")
    said = request.content_type if hdrs.CONTENT_TYPE in request.headers else ""
    # An XML file says its own encoding; JSON has one.
    charset = "utf-8" if said.endswith("xml") else (request.charset or "utf-8").casefold()
    if said not in route.takes or charset not in ("utf-8", "utf8"):
        names = ", ".join(route.takes)
        text, text_nl = (
            f"`Content-Type` here: {names}; JSON in UTF-8",
            f"`Content-Type` is hier: {names}; JSON in UTF-8",
        )
        raise RequestError(text, text_nl, code="sender.request.content-type", headers={"Accept": names})
    return said


def _too_large(route: Route) -> RequestError:
    return RequestError(
        f"a body has at most {route.bytes_max} bytes here",
        f"de inhoud is hier hooguit {route.bytes_max} bytes",
        code="sender.request.too-large",
        headers=_CLOSE,
    )


def _no_room() -> BusyError:
    return BusyError(
        "the disk is nearly full: nothing is taken until there is room",
        "de schijf is bijna vol: er wordt niets aangenomen tot er ruimte is",
        code="sender.connector.disk-full",
    )


def failed() -> BusyError:
    """Make the error of a connector that cannot answer, by no fault of who asks."""
    return BusyError(
        "the connector cannot read or write one of its files; `ketenhub-connector doctor` says more",
        "de connector kan een van zijn bestanden niet lezen of schrijven; `ketenhub-connector doctor` zegt meer",
        code="sender.connector.failed",
    )
