"""Starting, watching and stopping the processes of the stack.

Every process is a child that dies with the stack, also when the stack itself is killed. Its output goes to a file of
its own under `logs/`.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.children import ServerUser, start_child, stop_child

STOP_SECONDS: Final = 10.0
LINES_SHOWN: Final = 15
"""Of the output of a process that failed."""
_PORTS: Final = range(10_000, 30_000)


class StackError(Exception):
    """The stack could not do what was asked; the text says what to do."""


@dataclass(slots=True, kw_only=True)
class ManagedProcess:
    """One process of the stack.

    Attributes:
        name: Short name; its output is `logs/<name>.log`.
        command: Program and arguments.
        log: File that takes standard output and error.
        environment: What is added to the environment.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id, or None while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; returns at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._process = start_child(
            list(self.command),
            user=ServerUser(uid=None, gid=None),
            log_path=self.log,
            environment={**os.environ, **self.environment},
        )

    def stop(self) -> None:
        """Ask it to stop, and kill it if it does not within `STOP_SECONDS`."""
        if self._process is not None:
            stop_child(self._process, ask=signal.SIGTERM, timeout_seconds=STOP_SECONDS)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_lines(self) -> str:
        """Return the end of its output, to show when it failed."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-LINES_SHOWN:])
        return ""


def wait_until(ready: Callable[[], bool], *, what: str, seconds: float, process: ManagedProcess | None = None) -> None:
    """Wait until something is ready.

    Raises:
        StackError: It is not ready in time, or the process that makes it ready has ended.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if process is not None and process.pid is None:
            raise StackError(f"{what}: process `{process.name}` has ended\n{process.last_lines()}")
        if time.monotonic() > deadline:
            hint = f"\n{process.last_lines()}" if process else ""
            raise StackError(f"{what}: not ready after {seconds:.0f} s{hint}")
        time.sleep(0.02)


class ReservedPort:
    """A port of the loopback address that another stack on this machine will not take while this object lives.

    It is bound and never listens: a server that sets SO_REUSEADDR, as ours do, may still listen on it, and a stack that
    looks for a port does not set it.

    Args:
        preferred: The port to take if it is free; else any below those that the system lends itself.

    Raises:
        StackError: No port is free.
    """

    def __init__(self, preferred: int) -> None:
        drawn = secrets.SystemRandom().sample(_PORTS, k=200)
        for port in (preferred, *drawn):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                self._socket.bind(("127.0.0.1", port))
            except OSError:
                self._socket.close()
                continue
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.number = port
            return
        raise StackError("no free port on the loopback address")

    def give_back(self) -> None:
        """Let others have it."""
        self._socket.close()


def free_port(preferred: int) -> int:
    """Return a port that is free at this moment, for a server that starts at once."""
    port = ReservedPort(preferred)
    port.give_back()
    return port.number
