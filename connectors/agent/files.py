"""Taking files from `out`: each stands in the journal before it leaves the folder.

    NAME          put there by another system: written under another name, then renamed
    .taken.NAME   ours from here on; whoever puts a new NAME there loses nothing
    (journal)     its bytes are durable, and `.taken.NAME` is removed

A crash between any two of these leaves the file in one of them, and the next round goes on from there. The same name
may come again: what lies in `sent` or `refused` then gets a number, `NAME~2.xml`. A file that cannot be taken stays
where it is, and people are told why (`not_taken`).
"""

import hashlib
import os
import shutil
import sqlite3
import sys
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final

from connectors.agent.disk import Disk, read_plain
from connectors.agent.journal import Journal, milliseconds
from connectors.agent.troubles import Troubles
from connectors.settings import Folders

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
NAME_BYTES_MAX: Final = 200
NOT_TAKEN_SHOWN_MAX: Final = 5
NAME_SHOWN_MAX: Final = 60
TAKEN: Final = ".taken."
OVERSIZE: Final = "oversize-"
"""Begins the digest of a file that is larger than any message: it was moved to `refused` without being read."""
_UNFINISHED: Final = (".part", ".tmp")


def is_finished(path: Path) -> bool:
    """Whether a file in `out` is for us: not hidden, not still being written, and a file."""
    return not path.name.startswith(".") and not path.name.endswith(_UNFINISHED) and path.is_file()


def take_files(journal: Journal, *, folders: Folders, disk: Disk, at: datetime) -> int:
    """Take every finished file from `out` into the journal, and what a crash or a failing folder left halfway.

    Returns:
        How many were taken.

    Raises:
        OSError: The folder cannot be read or written, or one of the files; the others were taken.
    """
    _mark_removed(journal, folders=folders)
    taken, troubles = 0, Troubles()
    # A leftover goes first: whoever put the same name there again comes after it.
    for path in sorted(folders.out.iterdir(), key=lambda path: (not path.name.startswith(TAKEN), path.name)):
        with troubles.kept():
            taken += _take(journal, path, folders=folders, disk=disk, at=at)
    troubles.raise_first()
    return taken


def _take(journal: Journal, path: Path, *, folders: Folders, disk: Disk, at: datetime) -> int:
    if path.name.startswith(TAKEN):
        if not path.is_file() or why_not_taken(path) is not None:
            return 0  # nothing that we put there
        _journal(journal, path, folders=folders, disk=disk, at=at)
        return 1
    hidden = path.with_name(TAKEN + path.name)
    if not is_finished(path) or why_not_taken(path) is not None or hidden.exists():
        return 0
    try:
        disk.replace(path, hidden)
    except FileNotFoundError:
        return 0  # whoever put it there took it back
    except PermissionError:
        if sys.platform == "win32":
            return 0  # somebody still has it open: the next round takes it
        raise
    _journal(journal, hidden, folders=folders, disk=disk, at=at)
    return 1


def why_not_named(name: str) -> tuple[str, str] | None:
    """Say why no file of this name can be taken, in Dutch and in English; None if one can."""
    if name.startswith(".") or name.endswith(_UNFINISHED):
        return (
            "de naam begint met een punt of eindigt op .part of .tmp",
            "its name begins with a dot or ends in .part or .tmp",
        )
    try:
        name_bytes = len(name.encode())
    except UnicodeEncodeError:
        return "de naam is geen UTF-8", "its name is not UTF-8"
    if name_bytes > NAME_BYTES_MAX:
        return f"de naam is langer dan {NAME_BYTES_MAX} bytes", f"its name is longer than {NAME_BYTES_MAX} bytes"
    return None


def why_not_taken(path: Path) -> tuple[str, str] | None:
    """Say why a finished file stays where it is.

    Returns:
        The reason in Dutch and in English; None if the file can be taken.
    """
    why = why_not_named(path.name.removeprefix(TAKEN))
    if why is not None:
        return why
    if path.is_symlink():
        # It could name a file that the connector may read and whoever writes to `out` may not: a key.
        return "het is een verwijzing (symlink)", "it is a symbolic link"
    if not os.access(path, os.R_OK):
        return "de connector mag het niet lezen", "the connector may not read it"
    return None


def not_taken(folders: Folders) -> tuple[tuple[str, str, str], ...]:
    """List the finished files that stay in `out`: name as it can be shown, and why, in Dutch and in English.

    Raises:
        OSError: The folder cannot be read.
    """
    found = []
    for path in sorted(folders.out.iterdir()):
        why = why_not_taken(path) if is_finished(path) else None
        if why is not None:
            name = path.name.encode(errors="backslashreplace").decode()
            found.append((name if len(name) <= NAME_SHOWN_MAX else f"{name[:NAME_SHOWN_MAX]}…", *why))
    return tuple(found)


def _mark_removed(journal: Journal, *, folders: Folders) -> None:
    """Finish what a crash interrupted between removing a file and writing that down."""
    for row in journal.rows("SELECT id, name FROM files WHERE removed = 0"):
        if not (folders.out / (TAKEN + row["name"])).exists():
            with journal.step("removed") as db:
                db.execute("UPDATE files SET removed = 1 WHERE id = ?", (row["id"],))


def _journal(journal: Journal, hidden: Path, *, folders: Folders, disk: Disk, at: datetime) -> None:
    name = hidden.name.removeprefix(TAKEN)
    size = hidden.stat().st_size
    # What is larger than any message is refused without being read; its bytes need not be kept twice.
    data = read_plain(hidden) if size <= FILE_BYTES_MAX else b""
    digest = hashlib.sha256(data).hexdigest() if data or size == 0 else f"{OVERSIZE}{size}"
    known = journal.row("SELECT digest, target FROM files WHERE name = ? AND removed = 0 ORDER BY id DESC", name)
    if known is not None and known["digest"] == digest:
        target = known["target"]
    else:
        target = _free_target(journal, name, folders=folders)
        with journal.step("taken") as db:
            insert_file(db, name=name, digest=digest, data=data, target=target, removed=False, at=at)
    if digest.startswith(OVERSIZE):
        shutil.move(hidden, folders.refused / target)
    disk.remove(hidden)
    disk.sync_folder(hidden.parent)
    with journal.step("removed") as db:
        db.execute("UPDATE files SET removed = 1 WHERE name = ? AND removed = 0", (name,))


def insert_file(
    db: sqlite3.Connection, *, name: str, digest: str, data: bytes, target: str, removed: bool, at: datetime
) -> int:
    """Write down a file that is to be sent, within a step.

    Args:
        db: The step's connection.
        name: The name that it came under.
        digest: SHA-256 of its bytes in hexadecimal, or `OVERSIZE` and its size.
        data: Its bytes.
        target: The name that it will have in `sent` or `refused`.
        removed: Whether nothing of it is left in `out`.
        at: Now.

    Returns:
        Its number in the journal.
    """
    number = db.execute(
        "INSERT INTO files (name, digest, data, taken_at, target, removed) VALUES (?, ?, ?, ?, ?, ?)",
        (name, digest, data, milliseconds(at), target, removed),
    ).lastrowid
    assert number is not None, "a row that was inserted has a number"
    return number


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
