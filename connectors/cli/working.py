"""`run` and `send`: the agent as a service, and one file by hand."""

import asyncio
import hashlib
import logging
import sys
import time
from pathlib import Path
from typing import Final

from connectors.agent.disk import Disk
from connectors.agent.files import why_not_named
from connectors.agent.journal import Journal
from connectors.agent.lock import AlreadyRunningError, locked
from connectors.agent.outbox import outbox_round
from connectors.agent.running import run_agent
from connectors.agent.watching import watch_round
from connectors.api.server import beside
from connectors.cli.common import EXIT_REFUSED, EXIT_UNAVAILABLE, CommandError
from connectors.cli.opening import opened
from connectors.cli.stopping import already, stop_on_signals
from connectors.settings import load_settings

LOOK_SECONDS: Final = 0.2


async def run_service(home: Path, *, verbose: bool) -> None:
    """Work until SIGTERM, SIGINT or, on Windows, Ctrl-C or Ctrl-Break.

    Raises:
        CommandError: Another process works on this home.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        with locked(home):
            async with opened(home) as services:
                stop = asyncio.Event()
                stop_on_signals(stop)
                print(f"De connector van {services.settings.name} werkt in {home}.", flush=True)
                print(f"The connector of {services.settings.name} works in {home}.", flush=True)
                async with beside(services, stop=stop):
                    await run_agent(services, stop=stop)
    except AlreadyRunningError as error:
        raise already(home) from error


async def send(home: Path, file: Path, *, seconds: float) -> int:
    """Put a file into `out` and wait for what becomes of it; works with and without a running agent.

    Returns:
        Exit code: 0 sent, 1 refused, 75 not known yet: it stays in the journal and is tried again.
    """
    try:
        data = file.read_bytes()  # noqa: ASYNC240 - nothing else runs yet
    except OSError as error:
        raise CommandError(
            f"`{file}` kan niet worden gelezen: {error.strerror}", f"`{file}` cannot be read: {error.strerror}"
        ) from error
    return await hand_in(home, file.name, data, seconds=seconds)


async def hand_in(home: Path, name: str, data: bytes, *, seconds: float) -> int:
    """Put bytes into `out` under a name, and wait for what becomes of them: see `send`."""
    settings = load_settings(home)
    why, target = why_not_named(name), settings.folders.out / name
    if why is not None:
        raise CommandError(f"dit bestand kan zo niet worden verzonden: {why[0]}", f"cannot be sent like this: {why[1]}")
    if target.exists():
        raise CommandError(
            f"er wacht al een bestand `{name}` in `out`; probeer het zo weer",
            f"a file `{name}` waits in `out` already; try again in a moment",
        )
    before = _newest(settings.journal)
    Disk().put(target, data)
    digest, deadline = hashlib.sha256(data).hexdigest(), time.monotonic() + seconds
    print(f"{name}: aangeboden / handed in")
    while True:
        try:
            with locked(home):
                async with opened(home) as services:
                    await outbox_round(services)
                    await watch_round(services)
        except AlreadyRunningError:
            pass  # the service takes it
        code = _fate(settings.journal, name=name, digest=digest, after=before)
        if code is not None:
            return code
        if time.monotonic() >= deadline:
            print("Nog niet verzonden; de connector probeert het opnieuw. Zie `status`.")
            print("Not sent yet; the connector tries again. See `status`.")
            return EXIT_UNAVAILABLE
        await asyncio.sleep(LOOK_SECONDS)


def _newest(path: Path) -> int:
    """The number of the newest file in the journal: what is said of earlier ones is not about this one."""
    journal = Journal(path)
    try:
        row = journal.row("SELECT max(id) AS id FROM files")
        return 0 if row is None or row["id"] is None else int(row["id"])
    finally:
        journal.close()


def _fate(path: Path, *, name: str, digest: str, after: int) -> int | None:
    journal = Journal(path)
    try:
        row = journal.row("SELECT * FROM files WHERE name = ? AND digest = ? AND id > ?", name, digest, after)
        if row is None or row["state"] != "filed":
            return None
        if row["outcome"] == "refused":
            print(f"Geweigerd: zie refused/{row['target']}.problem.json", file=sys.stderr)
            print(f"Refused: see refused/{row['target']}.problem.json\n  {row['trouble']}", file=sys.stderr)
            return EXIT_REFUSED
        print(f"Verzonden: zie sent/{row['target']}.result.json")
        print(f"Sent: see sent/{row['target']}.result.json")
        return 0
    finally:
        journal.close()
