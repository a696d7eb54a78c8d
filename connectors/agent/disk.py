"""Files that survive a power cut: write beside, flush to the disk, rename, flush the folder.

Every write of the agent to a folder that people or other systems read goes through a `Disk`; tests put one in its
place that fails before or after each step. On Windows a folder cannot be flushed and a rename is journalled by NTFS;
there `sync_folder` does nothing.
"""

import errno
import os
import shutil
import sqlite3
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFullError(Exception):
    """There is no room: nothing may be taken or picked up until there is."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system, with what a crash may not undo made explicit."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a file that nobody looks at yet; its bytes are on the disk when this returns.

        What a crash left under the name goes first. So does a link that somebody else who may write in the folder put
        there: through it a key of ours would be written over.

        Raises:
            DiskFullError: There is no room; what was written is removed.
            OSError: Anything else that is wrong with the folder.
        """
        path.unlink(missing_ok=True)
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            if is_full(error):
                raise DiskFullError(f"no room for {len(data)} bytes") from error
            raise

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file within a folder, over whatever has the name; one step for whoever looks."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Make renames and removals in a folder durable."""
        if sys.platform == "win32":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def put(self, path: Path, data: bytes) -> None:
        """Write a whole file under its name, durably; writing the same again changes nothing for a reader."""
        part = path.with_name(f".{path.name}.part")
        self.write(part, data)
        self.replace(part, path)
        self.sync_folder(path.parent)

    def free_bytes(self, folder: Path) -> int:
        """Return how many bytes an ordinary user can still write here."""
        return shutil.disk_usage(folder).free


def read_plain(path: Path) -> bytes:
    """Read a file of a folder that others may write in.

    Whoever may write there may not read what only the connector may, such as its keys: a link is not followed, and a
    pipe, which may never end, is not read.

    Raises:
        FileNotFoundError: There is no file of this name; a link is none.
        OSError: It cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileNotFoundError(errno.ENOENT, "a link is not followed") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "it is no file")
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def is_plain(path: Path) -> bool:
    """Whether there is a file of this name that `read_plain` reads."""
    return path.is_file() and not path.is_symlink()


def is_full(error: BaseException) -> bool:
    """Whether an error of the file system or of SQLite says that there is no room."""
    if isinstance(error, DiskFullError):
        return True
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in _FULL


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner enters. On Windows the folder's inherited rights decide; `doctor` says so."""
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        folder.chmod(PRIVATE_FOLDER)


def write_private_file(path: Path, data: bytes) -> None:
    """Write a key or a secret once: never over a file that is there, never readable by others, not even for a moment.

    Raises:
        FileExistsError: The file is there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Disk().sync_folder(path.parent)
