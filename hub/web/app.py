"""The aiohttp application of one hub process, and the server that runs it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from hub.web.connection import Connection
from hub.web.context import Access, Call, HubWeb, Route
from hub.web.guard import Guard
from hub.web.problems import RequestError
from hub.web.routes import ROUTES

HUB_WEB: Final = web.AppKey("hub_web", HubWeb)
BACKLOG: Final = 512


def make_app(hub: HubWeb) -> web.Application:
    """Make the application: every route of the table behind the guard, and a problem for everything else."""
    guard = Guard(hub=hub)

    @web.middleware
    async def refuse_the_rest(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await guard.answer(_NO_ROUTE, request)
        return await handler(request)

    app = web.Application(middlewares=[refuse_the_rest])
    app[HUB_WEB] = hub
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _behind(guard, route), expect_handler=_ask_for_body)
    app.on_shutdown.append(_end_long_polls)
    return app


@contextlib.asynccontextmanager
async def serving(hub: HubWeb, *, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve as long as the block runs; gives the base URL it listens at.

    Args:
        hub: What the handlers use.
        sock: A bound socket to listen on instead of the address in the settings.

    Raises:
        OSError: The address cannot be listened on.
    """
    settings = hub.settings.web
    runner = web.AppRunner(make_app(hub), handle_signals=False, shutdown_timeout=settings.shutdown_seconds)
    await runner.setup()
    server = runner.server
    assert server is not None, "it was set up"
    loop = asyncio.get_running_loop()

    def connection() -> Connection:
        return Connection(server, loop=loop, hub=hub)

    try:
        if sock is not None:
            listening = await loop.create_server(connection, sock=sock, backlog=BACKLOG)
        else:
            listening = await loop.create_server(connection, settings.host, settings.port, backlog=BACKLOG)
        try:
            yield _address(listening)
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _address(listening: asyncio.Server) -> str:
    host, port = listening.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _behind(guard: Guard, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await guard.answer(route, request)

    return answer


async def _ask_for_body(request: web.Request) -> None:
    """Answer `Expect: 100-continue`; another expectation is passed over. Source: RFC 9110, section 10.1.1."""
    if request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What counts as sent is the answer, and that has not begun.
        request.writer.output_size = 0


async def _refuse(call: Call, _: HubWeb) -> web.StreamResponse:
    found = call.request.match_info.http_exception
    if isinstance(found, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(found.allowed_methods))
        raise RequestError("this route has another method", code="sender.route.method", headers={"Allow": allowed})
    raise RequestError("no such route", code="sender.route.unknown")


_NO_ROUTE: Final = Route(method="*", path="/{tail:.*}", name="", summary="", handler=_refuse, access=Access.OPEN)
"""What everything that is in no route is answered by; its path stands in the log and the metrics instead of theirs."""


async def _end_long_polls(app: web.Application) -> None:
    stopping = app[HUB_WEB].state.stopping
    if not stopping.done():
        stopping.set_result(None)


def new_stopping() -> "asyncio.Future[None]":
    """Make the future that ends long polls; call it inside the loop."""
    return asyncio.get_running_loop().create_future()
