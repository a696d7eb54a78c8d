"""The aiohttp application of one hub process, and the server that runs it."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from hub.web.context import Access, Call, Handler, HubWeb, Route
from hub.web.guard import Guard
from hub.web.problems import RequestError
from hub.web.routes import ROUTES

HUB_WEB: Final = web.AppKey("hub_web", HubWeb)
LINE_BYTES_MAX: Final = 8190
HEADER_BYTES_MAX: Final = 8190
HEADERS_MAX: Final = 64
BACKLOG: Final = 512
LINGERING_SECONDS: Final = 2.0
"""How long the rest of a body that nobody wants may still come, so that the client can read why."""


def make_app(hub: HubWeb) -> web.Application:
    """Make the application: every route of the table behind the guard, and a problem for everything else."""
    app = web.Application()
    app[HUB_WEB] = hub
    guard = Guard(hub=hub)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _behind(guard, route))
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        route = Route(
            method=method, path="/{tail:.*}", name="", summary="", handler=_unknown_route(), access=Access.OPEN
        )
        app.router.add_route(method, route.path, _behind(guard, route))
    app.on_shutdown.append(_end_long_polls)
    return app


@contextlib.asynccontextmanager
async def serving(hub: HubWeb, *, sock: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve as long as the block runs; gives the base URL it listens at.

    Args:
        hub: What the handlers use.
        sock: A bound socket to listen on instead of the address in the settings.
    """
    settings = hub.settings.web
    runner = web.AppRunner(
        make_app(hub),
        handle_signals=False,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=settings.idle_seconds_max,
        lingering_time=LINGERING_SECONDS,
        max_line_size=LINE_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        max_headers=HEADERS_MAX,
        shutdown_timeout=settings.shutdown_seconds,
    )
    await runner.setup()
    site: web.BaseSite
    if sock is not None:
        site = web.SockSite(runner, sock, backlog=BACKLOG)
    else:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
    try:
        await site.start()
        yield _address(runner)
    finally:
        await runner.cleanup()


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _behind(guard: Guard, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await guard.answer(route, request)

    return answer


def _unknown_route() -> Handler:
    known = [(route.method, re.compile(_pattern(route.path))) for route in ROUTES]

    async def refuse(call: Call, _: HubWeb) -> web.StreamResponse:
        allowed = sorted({method for method, pattern in known if pattern.fullmatch(call.request.path)})
        if allowed:
            raise RequestError(
                "this route has another method", code="sender.route.method", headers={"Allow": ", ".join(allowed)}
            )
        raise RequestError("no such route", code="sender.route.unknown")

    return refuse


def _pattern(path: str) -> str:
    """Turn a route's template into a pattern: `{name}` is one segment, `{name:regex}` is its regex."""
    parts = re.split(r"(\{[a-z]+(?::[^}]*)?\})", path)
    return "".join(
        (part[1:-1].partition(":")[2] or "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )


async def _end_long_polls(app: web.Application) -> None:
    stopping = app[HUB_WEB].state.stopping
    if not stopping.done():
        stopping.set_result(None)


def new_stopping() -> "asyncio.Future[None]":
    """Make the future that ends long polls; call it inside the loop."""
    return asyncio.get_running_loop().create_future()
