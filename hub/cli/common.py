"""What the two commands share: exit codes, errors without tracebacks, and files that are written once.

Exit codes: 0 done · 1 refused or failed, the text says why and what to do · 2 wrong command line · 3 the log
contradicts itself, call someone · 75 not now, the same command may succeed later (`EX_TEMPFAIL`).
"""

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from schemas.errors import EvidenceError, ExchangeError, UnavailableError

EXIT_REFUSED: Final = 1
EXIT_EVIDENCE: Final = 3
EXIT_UNAVAILABLE: Final = 75


class CommandError(Exception):
    """The command cannot be done; its text is for the one who gave it."""


def run(command: Callable[[], int | None]) -> int:
    """Run a command and turn what went wrong into a text on standard error and an exit code."""
    # What the pool of connections says on each of its attempts the command says once, at its end.
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
    try:
        return command() or 0
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CommandError, OSError) as error:
        # The system's own refusals, such as an address that is taken, say what and why, too.
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except ExchangeError as error:
        print(f"error: {error.public_message} ({error.code})", file=sys.stderr)
        if error.detail:
            print(f"  {error.detail}", file=sys.stderr)
        for issue in error.issues:
            print(f"  {issue.pointer or '/'}: {issue.text}", file=sys.stderr)
        if isinstance(error, EvidenceError):
            return EXIT_EVIDENCE
        return EXIT_UNAVAILABLE if isinstance(error, UnavailableError) else EXIT_REFUSED
    except KeyboardInterrupt:
        return 130


def write_new(path: Path, data: bytes, *, secret: bool) -> None:
    """Write a file that must not be there yet, durably or not at all; a secret one for its owner alone.

    Raises:
        CommandError: It is there already, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if secret else 0o755)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    except FileExistsError as error:
        raise CommandError(f"`{path}` is there already and is not replaced") from error
    except OSError as error:
        raise CommandError(f"`{path}` cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        # Half a key that is there and never replaced would stand in the way of a whole one.
        path.unlink(missing_ok=True)
        raise CommandError(f"`{path}` cannot be written: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Make a name in a folder durable, where folders can be synced."""
    with contextlib.suppress(PermissionError):  # Windows, where the registrar may work
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_file(path: Path) -> bytes:
    """Read a file of at most 1 MiB.

    Raises:
        CommandError: It cannot be read, or is larger.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"`{path}` cannot be read: {error.strerror}") from error
    if len(data) > 1 << 20:
        raise CommandError(f"`{path}` is larger than any file of this kind")
    return data
