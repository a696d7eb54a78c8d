"""What `doctor` says of the API: whether it is on, and whether it answers or can."""

from collections.abc import Iterator
from typing import Final

import aiohttp

from connectors.agent.examining import Finding, fault, ok, warning
from connectors.agent.lock import is_running
from connectors.api.problems import SERVER
from connectors.api.server import bound
from connectors.api.token import TOKEN
from connectors.settings import Settings

_SECONDS: Final = aiohttp.ClientTimeout(total=5)


async def examine_api(settings: Settings) -> tuple[Finding, ...]:
    """Say how the API stands; nothing where it is off."""
    where = settings.api
    if where is None:
        return ()
    return tuple(await _answers(settings) if is_running(settings.home) else _can_listen(settings))


def _can_listen(settings: Settings) -> Iterator[Finding]:
    where = settings.api
    assert where is not None, "it is on"
    try:
        bound(where).close()
    except OSError as error:
        yield fault(
            f"De API kan niet luisteren op {where}: {error.strerror}. Zet een andere poort in [api] van"
            " connector.toml, of stop het programma dat hem heeft.",
            f"The API cannot listen at {where}: {error.strerror}. Put another port into [api] of connector.toml, or"
            " stop the program that has it.",
        )
    else:
        yield ok(
            f"De API voor systemen staat aan, op {where}, zodra de connector draait.",
            f"The API for systems is on, at {where}, once the connector runs.",
        )
    if not (settings.keys / TOKEN).exists():
        yield warning(
            "Er is nog geen token voor de API; `ketenhub-connector api token` maakt het, en de eerste start ook.",
            "There is no token for the API yet; `ketenhub-connector api token` makes it, and so does the first start.",
        )


async def _answers(settings: Settings) -> tuple[Finding, ...]:
    where = settings.api
    assert where is not None, "it is on"
    try:
        # Without the token: where another program has the port, it would get it.
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.get(f"http://{where}/v1/status", allow_redirects=False) as response,
        ):
            answers = (response.status, response.headers.get("Server")) == (401, SERVER)
    except (aiohttp.ClientError, TimeoutError, OSError):
        answers = False
    if answers:
        return (ok(f"De API voor systemen antwoordt op {where}.", f"The API for systems answers at {where}."),)
    return (
        fault(
            f"De connector draait, en de API antwoordt niet op {where}: een ander programma heeft die poort, of de"
            " connector is gestart voor [api] in connector.toml stond. Kijk met `status`; en als systemen intussen met"
            " dat andere programma spraken: `api token --renew`, want het kreeg hun token.",
            f"The connector runs, and the API does not answer at {where}: another program has that port, or the"
            " connector was started before [api] stood in connector.toml. Look by `status`; and if systems spoke to"
            " that other program meanwhile: `api token --renew`, for it got their token.",
        ),
    )
