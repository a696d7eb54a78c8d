"""The tasks: `notify` tells a participant that something happened, `warn` looks for what nobody collects.

A task gets ids and looks the rest up, in the database that is the truth at that moment: who stopped, left or changed
its address in the meantime is treated as what it is now.
"""

import asyncio
import logging
from datetime import datetime
from typing import Any, Final

from celery import Celery, Task

from hub.bootstrap import Reading, open_reading
from hub.logs import Event, record
from hub.ports import Uncollected
from hub.settings import Settings
from hub.worker.app import NOTIFY, NOTIFY_SECONDS_MAX, WARN, WARN_EVERY_SECONDS
from hub.worker.delivery import DeliveryRules, UndeliverableError, UndeliveredError, deliver
from hub.worker.events import EventKind, event_source, make_event, make_notice_event
from schemas.clock import SystemClock
from schemas.errors import UnavailableError
from schemas.identifiers import OIN, MessageId
from schemas.participants import Directory

FIRST_WAIT_SECONDS: Final = 10
WAIT_SECONDS_MAX: Final = 300
UNCOLLECTED_MAX: Final = 10_000
DAY_SECONDS: Final = 24 * 3600


def register_tasks(app: Celery, settings: Settings) -> None:
    """Give the application its tasks."""

    @app.task(name=NOTIFY, bind=True, max_retries=settings.work.notification_attempts_max - 1)
    def notify(task: "Task[Any, Any]", kind: str, oin: str, about: str, day: int) -> None:
        attempt = task.request.retries + 1
        try:
            asyncio.run(notify_once(EventKind(kind), OIN(oin), about, day=day, settings=settings))
        except UndeliverableError as error:
            record(Event.NOTIFICATION_REFUSED, level=logging.WARNING, participant=oin, detail=str(error))
        except (UndeliveredError, UnavailableError) as error:
            record(
                Event.NOTIFICATION_FAILED, level=logging.WARNING, participant=oin, attempt=attempt, detail=str(error)
            )
            if attempt < settings.work.notification_attempts_max:
                raise task.retry(countdown=wait_seconds(attempt)) from error

    @app.task(name=WARN)
    def warn() -> None:
        try:
            found = asyncio.run(uncollected(settings=settings, at=SystemClock().now()))
        except UnavailableError as error:
            record(Event.SWEEP_FAILED, level=logging.WARNING, code=error.code, kind="uncollected")
            return
        for message, day in found:
            record(
                Event.MESSAGE_UNCOLLECTED,
                level=logging.WARNING,
                participant=message.recipient.value,
                index=message.index,
                count=day,
            )
            arguments = (EventKind.MESSAGE_UNCOLLECTED.value, message.sender.value, message.id.value, day)
            app.send_task(NOTIFY, args=arguments, expires=NOTIFY_SECONDS_MAX)


def wait_seconds(attempt: int) -> int:
    """Return how long to wait after an attempt, counted from 1: twice as long each time, at most five minutes."""
    return int(min(FIRST_WAIT_SECONDS * 2 ** (attempt - 1), WAIT_SECONDS_MAX))


async def notify_once(kind: EventKind, oin: OIN, about: str, *, day: int, settings: Settings) -> None:
    """Tell a participant once, if it still takes part, still has an address, and there is still something to tell.

    Args:
        kind: What it is told.
        oin: Whom.
        about: The message; for a notice its number.
        day: For what is told daily: the how-manieth day.
        settings: The hub's.

    Raises:
        UndeliverableError: Trying again is of no use.
        UndeliveredError: It may work another time.
        UnavailableError: The database could not be reached.
    """
    async with open_reading(settings) as reading:
        # Only this one's documents: verifying everybody's would take longer than all the rest.
        own = [record for record in await reading.store.participants(after=-1) if record.oin == oin]
        event = await _event(kind, oin, about, day=day, reading=reading, settings=settings)
    participant = Directory.empty(registrar=reading.registrar).extended(own).participant(oin)
    if event is None or participant is None or not participant.in_force(SystemClock().now()):
        return
    url = participant.statement.notify if participant.statement else None
    if not url:
        return
    rules = DeliveryRules(
        timeout_seconds=settings.work.notification_timeout_seconds,
        unsafe_anywhere=settings.work.unsafe_notify_anywhere,
    )
    await deliver(event, url=url, rules=rules)
    record(Event.NOTIFICATION_SENT, participant=oin.value, kind=kind.value)


async def _event(
    kind: EventKind, oin: OIN, about: str, *, day: int, reading: Reading, settings: Settings
) -> bytes | None:
    """Write what is to be told; None if there is nothing to tell any more."""
    hub = settings.hub
    source = event_source(hub=hub.name, operator=OIN(hub.operator) if hub.operator else None)
    if kind is EventKind.NOTICE_WAITS:
        number = int(about)
        notices = await reading.attention.notices(oin, after=number - 1, limit=1)
        if not notices:
            return None
        return make_notice_event(number, source=source, recorded_at=notices[0].at, api=settings.api)
    message = await reading.store.message(MessageId(about))
    if message is None or (message.receipt is not None and message.receipt.accepted):
        return None
    return make_event(
        kind, message_id=message.id, source=source, recorded_at=message.accepted_at, api=settings.api, day=day
    )


async def uncollected(*, settings: Settings, at: datetime) -> tuple[tuple[Uncollected, int], ...]:
    """Find messages whose senders are to be warned in this hour: 24 hours after acceptance, then daily.

    Returns:
        Each message with the how-manieth warning this is, from 1.

    Raises:
        UnavailableError: The database could not be reached.
    """
    now, first = int(at.timestamp()), settings.work.warn_after_hours * 3600
    async with open_reading(settings) as reading:
        waiting = await reading.store.uncollected(accepted_before=now - first, limit=UNCOLLECTED_MAX)
    due = []
    for message in waiting:
        days, seconds = divmod(now - message.accepted_at - first, DAY_SECONDS)
        if seconds < WARN_EVERY_SECONDS:
            due.append((message, days + 1))
    return tuple(due)
