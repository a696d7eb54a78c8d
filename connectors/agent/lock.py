"""One agent works on one home: a lock that the operating system drops when the process ends, however it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_FILE = "agent.lock"


class AlreadyRunningError(Exception):
    """Another process works on this home."""


def is_running(home: Path) -> bool:
    """Whether a process works on this home just now."""
    try:
        with locked(home):
            return False
    except AlreadyRunningError:
        return True


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock for a while.

    Raises:
        AlreadyRunningError: Another process holds it.
    """
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            if sys.platform == "win32":
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(str(home)) from error
        yield
    finally:
        os.close(descriptor)
