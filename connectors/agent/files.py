"""Taking files from `out`: each stands in the journal before it leaves the folder.

    NAME          put there by another system: written under another name, then renamed
    .taken.NAME   ours from here on; whoever puts a new NAME there loses nothing
    (journal)     its bytes are durable, and `.taken.NAME` is removed

A crash between any two of these leaves the file in one of them, and the next start goes on from there. The same name
may come again: what lies in `sent` or `refused` then gets a number, `NAME~2.xml`.
"""

import hashlib
import shutil
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final

from connectors.agent.disk import Disk
from connectors.agent.journal import Journal, milliseconds
from connectors.settings import Folders

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
NAME_BYTES_MAX: Final = 200
TAKEN: Final = ".taken."
OVERSIZE: Final = "oversize-"
"""Begins the digest of a file that is larger than any message: it was moved to `refused` without being read."""
_UNFINISHED: Final = (".part", ".tmp")


def is_finished(path: Path) -> bool:
    """Whether a file in `out` is for us: not hidden, not still being written, and a file."""
    return not path.name.startswith(".") and not path.name.endswith(_UNFINISHED) and path.is_file()


def take_files(journal: Journal, *, folders: Folders, disk: Disk, at: datetime) -> int:
    """Take every finished file from `out` into the journal.

    Returns:
        How many were taken.

    Raises:
        DiskFullError: There is no room for one of them; it stays where it is.
        OSError: The folder cannot be read or written.
    """
    taken = 0
    for path in sorted(folders.out.iterdir()):
        if not is_finished(path) or len(path.name.encode()) > NAME_BYTES_MAX:
            continue
        hidden = path.with_name(TAKEN + path.name)
        if hidden.exists():
            _journal(journal, hidden, folders=folders, disk=disk, at=at)
        try:
            disk.replace(path, hidden)
        except PermissionError:
            continue  # on Windows somebody still has it open: the next round takes it
        _journal(journal, hidden, folders=folders, disk=disk, at=at)
        taken += 1
    return taken


def recover_files(journal: Journal, *, folders: Folders, disk: Disk, at: datetime) -> None:
    """Finish at a start what a crash interrupted."""
    for row in journal.rows("SELECT id, name FROM files WHERE removed = 0"):
        if not (folders.out / (TAKEN + row["name"])).exists():
            with journal.step("removed") as db:
                db.execute("UPDATE files SET removed = 1 WHERE id = ?", (row["id"],))
    for hidden in sorted(folders.out.glob(TAKEN + "*")):
        _journal(journal, hidden, folders=folders, disk=disk, at=at)


def names_too_long(folders: Folders) -> tuple[str, ...]:
    """List the files that are not taken because no other file could be named after them."""
    return tuple(
        path.name
        for path in sorted(folders.out.iterdir())
        if is_finished(path) and len(path.name.encode()) > NAME_BYTES_MAX
    )


def _journal(journal: Journal, hidden: Path, *, folders: Folders, disk: Disk, at: datetime) -> None:
    name = hidden.name.removeprefix(TAKEN)
    size = hidden.stat().st_size
    # What is larger than any message is refused without being read; its bytes need not be kept twice.
    data = hidden.read_bytes() if size <= FILE_BYTES_MAX else b""
    digest = hashlib.sha256(data).hexdigest() if data or size == 0 else f"{OVERSIZE}{size}"
    known = journal.row("SELECT digest FROM files WHERE name = ? AND removed = 0 ORDER BY id DESC LIMIT 1", name)
    if known is None or known["digest"] != digest:
        target = _free_target(journal, name, folders=folders)
        with journal.step("taken") as db:
            db.execute(
                "INSERT INTO files (name, digest, data, taken_at, target) VALUES (?, ?, ?, ?, ?)",
                (name, digest, data, milliseconds(at), target),
            )
        if digest.startswith(OVERSIZE):
            shutil.move(hidden, folders.refused / target)
    disk.remove(hidden)
    disk.sync_folder(hidden.parent)
    with journal.step("removed") as db:
        db.execute("UPDATE files SET removed = 1 WHERE name = ? AND removed = 0", (name,))


def _free_target(journal: Journal, name: str, *, folders: Folders) -> str:
    """Find the name that the file will have in `sent` or `refused`: its own, or with a number."""
    number, target = 1, name
    while journal.row("SELECT 1 FROM files WHERE target = ?", target) or any(
        (folder / target).exists() for folder in (folders.sent, folders.refused)
    ):
        number += 1
        path = PurePath(name)
        target = f"{path.stem}~{number}{path.suffix}"
    return target
