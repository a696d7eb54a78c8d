"""For operators: is it alive, can it work, how is it doing, what does it offer."""

import hmac
import ipaddress

from aiohttp import web

from hub.enforcement import judge
from hub.exchange.services import NO_CATALOGUE, policy_in_force
from hub.web.context import Call, HubWeb, json_response
from schemas.errors import AuthenticationError, EvidenceError, UnavailableError


async def alive(_: Call, __: HubWeb) -> web.Response:
    """`GET /healthz`: the process answers. Restart it when it does not."""
    return json_response({"status": "alive"})


async def ready(_: Call, hub: HubWeb) -> web.Response:
    """`GET /readyz`: send it requests or not. Without Redis it is slower and ready."""
    parts = {"database": "up", "clock": "right", "log": "sound", "policy": "in force", "redis": "none"}
    good = True
    try:
        if not await hub.database_answers():
            parts["database"], good = "down", False
    except UnavailableError:
        parts["clock"], good = "wrong", False
    except EvidenceError:
        parts["log"], good = "contradicted", False
    if hub.state.contradiction is not None:
        parts["log"], good = "contradicted", False
    try:
        policy_in_force(hub.services.worlds.current())
    except UnavailableError as error:
        none = error.code == NO_CATALOGUE
        parts["policy"], good = "no catalogue" if none else "outdated", False
    world = hub.services.worlds.current()
    # A stopped hub takes receipts, withdrawals and questions about its log: no proxy must turn those away.
    parts["enforcement"] = judge(
        world.enforcement,
        participants=world.directory,
        at=hub.clock.now(),
        silence_seconds=hub.settings.work.canary_silence_seconds,
    ).value
    if hub.redis_answers is not None:
        parts["redis"] = "up" if await hub.redis_answers() else "down"
    if hub.state.stopping.done():
        good = False
    return json_response({"status": "ready" if good else "not ready", **parts}, status=200 if good else 503)


async def metrics(call: Call, hub: HubWeb) -> web.Response:
    """`GET /metrics`: figures, for the operator's token, or from the machine itself where none is set.

    A request that a proxy on the same machine passed on comes from loopback too: its header gives it away.
    """
    if hub.metrics_token is not None:
        # Whatever bytes stand there: what is no UTF-8 comes as surrogates.
        given = call.request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, b"Bearer " + hub.metrics_token):
            raise AuthenticationError("the operator's token is needed", code="sender.token.needed")
    elif not _from_this_machine(call.request):
        raise AuthenticationError("metrics are for the machine itself", code="sender.token.needed")
    page, content_type = hub.metrics.page()
    return web.Response(body=page, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _from_this_machine(request: web.BaseRequest) -> bool:
    if request.headers.keys() & {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"}:
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def openapi(_: Call, hub: HubWeb) -> web.Response:
    """`GET /openapi.json`: this API as OpenAPI 3.1, made from the same table that routes requests."""
    return web.Response(body=hub.openapi, content_type="application/json", headers={"Cache-Control": "no-cache"})
