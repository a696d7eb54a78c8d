"""The agent at work: four loops over one journal, until it is told to stop.

    outbox   looks into `out`, sends, tries again
    inbox    waits at the hub for what is new, opens it, hands it over
    watch    asks how sent messages stand, warns and reminds
    log      reads what is new in the hub's log and holds the log against itself

A round that fails is tried again; nothing that fails in one loop stops another. With a full disk nothing is taken and
nothing is picked up: what is at the hub stays there, what is in `out` stays there.
"""

import asyncio
import logging
import math
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Final

from connectors.agent.disk import DiskFullError, is_full
from connectors.agent.events import Event, say
from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.journal import NoticeKind, milliseconds, notify
from connectors.agent.outbox import outbox_round
from connectors.agent.services import Services
from connectors.agent.troubles import LoopHealth, Troubles, settle
from connectors.agent.watching import watch_log, watch_round
from schemas.errors import ExchangeError

WATCH_LOG_SECONDS: Final = 60.0
FAILED_SECONDS: Final = 5.0
INBOX_PAUSE_SECONDS: Final = 0.05
STOP_SECONDS: Final = 3.0
_DISK: Final = "disk"


async def run_agent(services: Services, *, stop: asyncio.Event) -> None:
    """Work until `stop` is set; what is under way gets a moment to finish, and can be left anywhere.

    Args:
        services: What to work with.
        stop: Set it to end.
    """
    say(Event.STARTED)
    poll = services.settings.poll_seconds
    loops = {
        asyncio.create_task(_loop(services, work, health=health, stop=stop, pause=pause))
        for work, health, pause in (
            (_outbox, LoopHealth(services, about="out", nl="Versturen", en="Sending"), poll),
            (_inbox, LoopHealth(services, about="in", nl="Ontvangen", en="Receiving"), INBOX_PAUSE_SECONDS),
            (
                _watch,
                LoopHealth(services, about="sent", nl="Volgen wat is verzonden", en="Following what was sent"),
                poll,
            ),
            (_log, LoopHealth(services, about="log", nl="Het log lezen", en="Reading the log"), WATCH_LOG_SECONDS),
        )
    }
    stopping = asyncio.create_task(stop.wait())
    # A loop ends before the others only by an error of ours: then the service manager starts the agent again.
    await asyncio.wait({*loops, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    _, left = await asyncio.wait(loops, timeout=STOP_SECONDS)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await stopping
    for task in loops - left:
        task.result()
    say(Event.STOPPED)


def has_room(services: Services) -> bool:
    """Whether there is room to take and to pick up; says so to people when that changes."""
    free = services.disk.free_bytes(services.settings.home)
    at = services.clock.now()
    if free < services.settings.free_bytes_min:
        told = "SELECT 1 FROM notices WHERE kind = ? AND confirmed_at IS NULL"
        if services.journal.row(told, NoticeKind.DISK) is None:
            say(Event.DISK_FULL, level=logging.ERROR, count=free)
            with services.journal.step("disk full") as db:
                notify(
                    db,
                    kind=NoticeKind.DISK,
                    about=_DISK,
                    text_nl="De schijf is bijna vol. De connector neemt niets aan en haalt niets op tot er ruimte is."
                    " Er gaat niets verloren.",
                    text_en="The disk is nearly full. The connector takes nothing and picks nothing up until there is"
                    " room. Nothing is lost.",
                    at=at,
                )
        return False
    settle(services, kind=NoticeKind.DISK, about=_DISK)
    return True


async def _outbox(services: Services, _: asyncio.Event) -> None:
    if has_room(services):
        await outbox_round(services)


async def _inbox(services: Services, stop: asyncio.Event) -> None:
    """Wait for news, unless there is work left; then work."""
    if not has_room(services):
        await _sleep(services.settings.poll_seconds, stop=stop)
        return
    troubles = Troubles()
    with troubles.kept():
        await _until_stopped(list_inbox(services, wait_seconds=_patience(services)), stop=stop)
    await inbox_round(services)  # what is here already goes on
    troubles.raise_first()


def _patience(services: Services) -> int:
    """Seconds to wait at the hub: none while there is work, few while something is to be tried again soon."""
    row = services.journal.row(
        "SELECT min(next_at) AS next_at FROM received WHERE state IN ('listed', 'released', 'opened', 'refused')"
    )
    if row is None or row["next_at"] is None:
        return services.settings.wait_seconds
    due = (row["next_at"] - milliseconds(services.clock.now())) / 1000
    return int(min(max(math.ceil(due), 0), services.settings.wait_seconds))


async def _watch(services: Services, _: asyncio.Event) -> None:
    await watch_round(services)


async def _log(services: Services, stop: asyncio.Event) -> None:
    await _until_stopped(watch_log(services), stop=stop)


async def _loop(
    services: Services,
    work: Callable[[Services, asyncio.Event], Awaitable[None]],
    *,
    health: LoopHealth,
    stop: asyncio.Event,
    pause: float,
) -> None:
    """Repeat one kind of round; a failure waits a little and is tried again.

    Args:
        services: What to work with.
        work: One round.
        health: Tells people when it fails for long.
        stop: Ends the loop.
        pause: Seconds between rounds.
    """
    while not stop.is_set():
        waiting = pause
        try:
            await work(services, stop)
            health.worked()
        except ExchangeError as error:
            say(Event.ROUND_FAILED, level=logging.WARNING, code=error.code)
            health.failed(error.code)
            waiting = max(pause, FAILED_SECONDS)
        except (OSError, DiskFullError, sqlite3.OperationalError) as error:
            full = is_full(error)
            if not full and isinstance(error, sqlite3.OperationalError):
                raise
            say(Event.DISK_FULL if full else Event.ROUND_FAILED, level=logging.ERROR, code=type(error).__name__)
            if not isinstance(error, sqlite3.Error):  # what cannot be journalled, `has_room` tells
                health.failed(type(error).__name__)
            waiting = max(pause, FAILED_SECONDS)
        await _sleep(waiting, stop=stop)


async def _until_stopped(work: Awaitable[object], *, stop: asyncio.Event) -> None:
    """Await what only waits for the hub, or leave it when the agent stops."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        stopping.cancel()
        task.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


async def _sleep(seconds: float, *, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
