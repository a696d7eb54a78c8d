"""The Celery application: one queue, JSON only, ids only, every task may run twice.

Tasks are taken off the queue when they are done (`acks_late`), so a worker that is killed loses nothing; a task that
was done and not taken off runs again, and its event has the same id. The broker is Redis and may be gone: then nothing
is notified, and everything is still there to be collected.
"""

import ssl
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from celery import Celery
from celery.beat import Scheduler, Service
from celery.schedules import crontab

from hub.settings import RedisSettings, is_set, read_secret

QUEUE: Final = "ketenhub"
NOTIFY: Final = "ketenhub.notify"
WARN: Final = "ketenhub.warn"
WARN_EVERY_SECONDS: Final = 3600
NOTIFY_SECONDS_MAX: Final = 3600
"""After this nobody is told any more: a receiver that is slow must not have others wait behind old news."""
VISIBILITY_SECONDS: Final = 600
"""How long a task may be with a worker, waiting included, before another one gets it: so long after a worker was killed
with a task in its hands the task runs again."""

BROKER_SECONDS_MAX: Final = 2.0


def make_celery(settings: RedisSettings) -> Celery:
    """Make the application for a broker.

    Raises:
        DocumentError: The file with the server's password cannot be used.
    """
    app = Celery("ketenhub", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        enable_utc=True,
        timezone="UTC",
        broker_use_ssl=_TLS if settings.url.startswith("rediss:") else None,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": BROKER_SECONDS_MAX * 10,
            "socket_connect_timeout": BROKER_SECONDS_MAX,
            "socket_keepalive": True,
            "global_keyprefix": "ketenhub:tasks:",
        },
        beat_schedule={WARN: {"task": WARN, "schedule": crontab(minute=7), "options": {"expires": WARN_EVERY_SECONDS}}},
    )
    return app


def queued(app: Celery) -> int:
    """Return how many tasks the broker holds that no worker has taken.

    Raises:
        OperationalError: The broker cannot be reached.
    """
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel  # its types name less than every channel has
        return int(channel.queue_declare(queue=QUEUE).message_count)


def make_beat(app: Celery) -> Service:
    """Make what asks for the daily warnings; `start` it in a thread.

    It keeps its schedule in memory, not in a file: the schedule is by the clock, so nothing has to be remembered. It is
    no process of its own, as Celery's `--beat` is: that one outlives a worker that is killed.
    """
    return Service(app, max_interval=60, scheduler_cls=Scheduler)


def broker_url(settings: RedisSettings) -> str:
    """Write the server's URL as Celery does: another spelling for a socket, and a database of its own."""
    parts = urlsplit(settings.url)
    password = quote(read_secret(settings.password).decode(), safe="") if is_set(settings.password) else ""
    credentials = f"{parts.username or ''}:{password}@" if parts.username or password else ""
    if parts.scheme == "unix":
        return f"redis+socket://{credentials}{parts.path}?virtual_host=1"
    return urlunsplit((parts.scheme, f"{credentials}{parts.netloc.rpartition('@')[2]}", "/1", "", ""))


_TLS: Final = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
"""What `rediss` means everywhere else; Celery by itself would take any certificate, and give it the password."""
