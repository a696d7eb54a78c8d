"""Handing work to the workers after the commit: from the event loop into a thread that may wait for the broker.

The request never waits: what is to be told is put into a bounded queue, and what does not fit, or cannot be published
because the broker is gone, is dropped. The recipient then finds the message at its next look into the inbox.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hub.logs import Event, record
from hub.settings import RedisSettings
from hub.worker.events import EventKind
from schemas.identifiers import OIN, MessageId

WAITING_MAX: Final = 10_000
QUEUED_MAX: Final = 10_000
"""Tasks that the broker holds. Where no worker takes them away they would fill its memory, and they are of no use."""
LOOK_EVERY: Final = 100
"""After how many tasks the broker is asked how many it holds."""


@dataclass(frozen=True, slots=True)
class NoOutbox:
    """`hub.ports.Outbox` without a broker: nobody is notified, everything is collected by asking."""

    async def message_waits(self, recipient: OIN, message_id: MessageId) -> None:
        """Do nothing; never raises."""

    async def notice_waits(self, recipient: OIN, number: int) -> None:
        """Do nothing; never raises."""


@dataclass(slots=True, kw_only=True)
class CeleryOutbox:
    """`hub.ports.Outbox` over Celery.

    Attributes:
        settings: Where the broker is.
        wants: Whether a participant has an address to be notified at; asked in memory.
    """

    settings: RedisSettings
    wants: Callable[[OIN], bool]
    _waiting: "queue.Queue[tuple[EventKind, str, str] | None]" = field(
        default_factory=lambda: queue.Queue(WAITING_MAX), init=False
    )

    async def message_waits(self, recipient: OIN, message_id: MessageId) -> None:
        """Ask for a notification that something waits; never raises and never waits."""
        self._put(EventKind.MESSAGE_WAITS, recipient, message_id.value)

    async def notice_waits(self, recipient: OIN, number: int) -> None:
        """Ask for a notification that a notice is there; never raises and never waits."""
        self._put(EventKind.NOTICE_WAITS, recipient, str(number))

    def _put(self, kind: EventKind, recipient: OIN, about: str) -> None:
        if self.wants(recipient):
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait((kind, recipient.value, about))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Publish as long as the block runs."""
        thread = threading.Thread(target=self._publish, name="outbox", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait(None)
            thread.join(timeout=5.0)

    def _publish(self) -> None:
        first = self._waiting.get()
        if first is None:
            return
        # Imported only when there is something to publish: most hubs of a small chain never need it.
        from kombu.exceptions import OperationalError  # noqa: PLC0415
        from redis.exceptions import RedisError  # noqa: PLC0415

        from hub.worker.app import NOTIFY, NOTIFY_SECONDS_MAX, make_celery, queued  # noqa: PLC0415

        app, full, until_look = make_celery(self.settings), False, 0
        item: tuple[EventKind, str, str] | None = first
        while item is not None:
            kind, oin, about = item
            arguments = (kind.value, oin, about, 0)
            try:
                if not until_look:
                    full, until_look = queued(app) >= QUEUED_MAX, LOOK_EVERY
                    if full:
                        record(Event.NOTIFICATION_FAILED, level=logging.WARNING, kind="queue full", count=QUEUED_MAX)
                until_look -= 1
                if not full:
                    app.send_task(NOTIFY, args=arguments, retry=False, expires=NOTIFY_SECONDS_MAX)
            except (OperationalError, RedisError, OSError) as error:
                record(Event.NOTIFICATION_FAILED, level=logging.WARNING, error=type(error).__name__, kind="publish")
            item = self._waiting.get()
