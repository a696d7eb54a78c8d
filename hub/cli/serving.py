"""`ketenhub serve` and `ketenhub worker`: the processes that stay."""

import argparse
import asyncio
import contextlib
import dataclasses
import gc
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Any, Final

from hub.bootstrap import open_hub, software_version
from hub.cli.common import CommandError
from hub.logs import Event, record, set_up
from hub.settings import Settings
from hub.web.app import serving

COLLECT_AFTER: Final = 20_000
"""How many more objects there must be than at the last collection before the youngest are looked through."""

SWITCH_SECONDS: Final = 0.0005
"""How long the loop keeps the interpreter from the thread that has written the guard, for which a batch waits.

By default it is ten times as long."""


def serve(settings: Settings, options: argparse.Namespace) -> None:
    """Serve the API until SIGTERM or SIGINT; what is being answered then is answered."""
    web = settings.web
    if options.host is not None:
        web = dataclasses.replace(web, host=options.host)
    if options.port is not None:
        web = dataclasses.replace(web, port=options.port)
    set_up()
    _run(_serve(dataclasses.replace(settings, web=web)))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # not on Windows, where a hub is not operated
            loop.add_signal_handler(number, stop.set)
    async with open_hub(settings) as hub, serving(hub) as address:
        # What lives as long as the process need not be looked through at every collection; and what a request makes
        # is seldom in a cycle: collecting as often as by default took a tenth of the time of accepting.
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
        sys.setswitchinterval(SWITCH_SECONDS)
        record(Event.PROCESS_STARTED, process="serve", address=address, version=software_version())
        await stop.wait()
    record(Event.PROCESS_STOPPED, process="serve")


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one (`Any`: what a coroutine sends and takes is nobody's business here)."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def work(settings: Settings, options: argparse.Namespace) -> None:
    """Send notifications and warnings until SIGTERM; needs the Redis server that the hub uses."""
    if not settings.redis.url:
        raise CommandError("a worker needs `[redis] url`: that is where its work waits")
    set_up()
    from hub.worker.app import make_beat, make_celery  # noqa: PLC0415
    from hub.worker.tasks import register_tasks  # noqa: PLC0415 - Celery takes long to import and serve needs none

    app = make_celery(settings.redis)
    register_tasks(app, settings)
    record(Event.PROCESS_STARTED, process="worker", version=software_version())
    # Celery asks for this when it runs as root, as in a container; no task unpickles anything.
    os.environ.setdefault("C_FORCE_ROOT", "1")
    if not options.no_beat:
        threading.Thread(target=make_beat(app).start, name="beat", daemon=True).start()
    app.worker_main(["--quiet", "worker", "--pool=solo", "--loglevel=WARNING", "--without-gossip", "--without-mingle"])
