"""What the commands share that stay: they end on a signal, and one works on a home at a time."""

import asyncio
import signal
from pathlib import Path

from connectors.cli.common import CommandError


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set an event on SIGTERM, SIGINT or, on Windows, Ctrl-C or Ctrl-Break."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:  # each system knows its own: SIGBREAK is of Windows alone
            continue
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:
            # Windows: handlers run between bytecodes; the event is set from the loop's own thread.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def already(home: Path) -> CommandError:
    """Make the error of a home that another process works on."""
    return CommandError(f"er werkt al een connector in {home}", f"a connector works in {home} already")
