"""Starting, watching and stopping the processes of the stack.

Every process is a child that dies with the stack, also when the stack itself is killed: on Linux the kernel sends it
SIGTERM when its parent is gone. Output goes to one file a process under `logs/`.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

STOP_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


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
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
            )

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """Ask it to stop, and kill it if it does not within `seconds`."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """Kill it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        """Return the end of its output, to show when it failed."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
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


def free_port(preferred: int) -> int:
    """Return `preferred` on the loopback address if it is free, else any free port."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise StackError("no free port on the loopback address")


def _die_with_parent() -> None:
    """Let the kernel stop this process when its parent is gone; called between fork and exec."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
