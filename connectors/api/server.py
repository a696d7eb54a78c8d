"""The server of the API: it listens on this machine alone, beside the agent, and stops with it.

A port that is taken keeps no message from going: people are told, and it is tried again.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from connectors.agent.events import Event, say
from connectors.agent.services import Services
from connectors.agent.troubles import LoopHealth
from connectors.api.calls import Api
from connectors.api.guard import Guard, failed
from connectors.api.problems import SERVER, RequestError, problem_response
from connectors.api.token import make_token
from connectors.settings import Listening
from schemas.errors import ExchangeError

LINE_BYTES_MAX: Final = 8190
HEADERS_MAX: Final = 64
IDLE_SECONDS: Final = 75.0
CONNECTIONS_MAX: Final = 64
"""Every program of this machine can connect; the agent needs files and connections of its own."""
LINGERING_SECONDS: Final = 2.0
"""How long the rest of a body that nobody wants may still come, so that the client can read why."""
STOP_SECONDS: Final = 3.0
AGAIN_SECONDS: Final = 5.0
ABOUT: Final = "api"
"""What a notice is about where it cannot listen; taken back once it does."""


class Connection(web.RequestHandler):
    """A connection of a system; what is no HTTP gets a problem too, and nothing that came is quoted."""

    __slots__ = ("_server",)

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=IDLE_SECONDS,
            access_log=None,  # type: ignore[arg-type]  # it takes none, as `AppRunner` gives it
            auto_decompress=False,
            lingering_time=LINGERING_SECONDS,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
        )
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or end it where there are as many as there may be."""
        super().connection_made(transport)
        if len(self._server.connections) > CONNECTIONS_MAX:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read; the connection ends.

        Raises:
            ConnectionError: An answer was begun already.
        """
        del exc, message  # they quote what came
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        error: ExchangeError = failed()
        if status < 500:
            text, text_nl = "this is no HTTP request that can be read", "dit is geen leesbaar HTTP-verzoek"
            error = RequestError(text, text_nl, code="sender.request.http")
        say(Event.REQUEST_REFUSED, level=logging.WARNING, code=error.code)
        response = problem_response(error)
        response.headers["Server"] = SERVER
        response.force_close()
        return response


@contextlib.asynccontextmanager
async def serving(services: Services, *, sock: socket.socket) -> AsyncIterator[str]:
    """Serve as long as the block runs; gives the base URL.

    Args:
        services: Those of the agent.
        sock: Bound to the address on which it listens, a loopback one.
    """
    host, port = sock.getsockname()[:2]
    named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    guard = Guard(api=Api(services=services, hosts=frozenset({named, f"localhost:{port}"})))
    loop = asyncio.get_running_loop()
    server = web.Server(guard.answer)
    listening = await loop.create_server(lambda: Connection(server, loop=loop), sock=sock)
    try:
        say(Event.API_LISTENS, code=named)
        yield f"http://{named}"
    finally:
        listening.close()
        await server.shutdown(STOP_SECONDS)


@contextlib.asynccontextmanager
async def beside(services: Services, *, stop: asyncio.Event) -> AsyncIterator[None]:
    """Serve beside the agent while the block runs, if the settings say where; a mistake of ours stops the agent too.

    Args:
        services: Those of the agent.
        stop: Set when the agent is to end.
    """
    where = services.settings.api
    if where is None:
        yield
        return
    task = asyncio.create_task(_serve(services, where, stop=stop))
    task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        stop.set()
        await task


async def _serve(services: Services, where: Listening, *, stop: asyncio.Event) -> None:
    health = LoopHealth(services, about=ABOUT, nl="Luisteren voor systemen (API)", en="Listening for systems (API)")
    while not stop.is_set():
        try:
            make_token(services.settings.keys, randomness=services.randomness)
            with bound(where) as sock:
                async with serving(services, sock=sock):
                    health.worked()
                    await stop.wait()
        except OSError as error:
            say(Event.ROUND_FAILED, level=logging.ERROR, code=f"{ABOUT}:{type(error).__name__}")
            health.failed(type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)


def bound(where: Listening) -> socket.socket:
    """Take the address of the API.

    Raises:
        OSError: Another program has it.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    return socket.create_server((where.host, where.port), family=family)
