"""One connection: how much a client may say in a line, how long it may stay silent, and the answer to what is no HTTP.

What the framework refuses by itself (no HTTP, a header that is two things) never reaches the guard. It gets the same
form of answer, its line in the log and its count.
"""

import asyncio
import logging
from typing import Final

from aiohttp import web

from hub.logs import Event, places, record
from hub.web.context import HubWeb
from hub.web.problems import SERVER, RequestError, failure, problem_response

LINE_BYTES_MAX: Final = 8190
HEADER_BYTES_MAX: Final = 8190
HEADERS_MAX: Final = 64
LINGERING_SECONDS: Final = 2.0
"""How long the rest of a body that nobody wants may still come, so that the client can read why."""

_TRACE_ID_BYTES: Final = 16


class Connection(web.RequestHandler):
    """A connection of a client, or of the proxy before it."""

    __slots__ = ("_hub",)

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, hub: HubWeb) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=hub.settings.web.idle_seconds_max,
            access_log=None,  # type: ignore[arg-type]  # it takes none, as `AppRunner` gives it
            auto_decompress=False,
            lingering_time=LINGERING_SECONDS,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
        )
        self._hub = hub

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - what the framework would say: it quotes what came
    ) -> web.StreamResponse:
        """Answer what could not be read, or a mistake of ours that the guard did not catch; the connection ends.

        Raises:
            ConnectionError: An answer was begun already.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        trace_id = self._hub.services.randomness.bytes(_TRACE_ID_BYTES).hex()
        error = failure()
        if status < 500:
            error = RequestError("this is no HTTP request that can be read", code="sender.request.http")
        elif exc is not None:
            name, where = type(exc).__name__, places(exc)
            record(Event.REQUEST_FAILED, level=logging.ERROR, trace_id=trace_id, error=name, where=where)
        self._hub.metrics.problems.labels(error.code).inc()
        response = problem_response(error, trace_id=trace_id)
        response.headers["Server"] = SERVER
        response.force_close()
        record(Event.REQUEST_ANSWERED, status=response.status, trace_id=trace_id, code=error.code)
        return response
