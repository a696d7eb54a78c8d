"""The rollback guard's file: what this process let out last, on a disk of its own, only moving forward.

    with open_guard(folder, key=log_vkey) as guard:
        guard.others                      # what other processes of this hub let out
        await guard.advance(checkpoint, note)    # fsynced when it returns

Each process takes the first file of the folder that nobody holds (`guard-0`, `guard-1`, …), and holds it by a lock as
long as it lives; after a restart it finds it again. A file has two places of one disk block; writing goes to the one
that holds the older checkpoint, so a write that is cut off by a power failure leaves the other whole.

Source: the architecture, section 6.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.errors import RollbackError
from audit.guard import check_advance, parse_guard
from audit.note import NoteKey
from schemas.errors import UnavailableError

PLACE_BYTES: Final = 4096
PROCESSES_MAX: Final = 64
_PLACES: Final = 2


@dataclass(slots=True, kw_only=True)
class GuardFile:
    """The guard of one process. Use `open_guard`.

    Attributes:
        path: Its file.
        checkpoint: What it holds; None if this file never let anything out.
        others: What the other files of the folder held when this one was opened.
    """

    path: Path
    checkpoint: Checkpoint | None
    others: tuple[Checkpoint, ...]
    _descriptor: int
    _place: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="guard"))

    async def advance(self, checkpoint: Checkpoint, note: str) -> None:
        """Let a checkpoint out: when this returns it, or a later one, stands in the file, fsynced.

        Args:
            checkpoint: Continues what the guard holds, as the caller checked.
            note: The checkpoint, signed.

        Raises:
            RollbackError: It is a second root for the size that the guard holds, or of another log.
            UnavailableError: The file cannot be written; the checkpoint must not leave.
        """
        async with self._turn:
            held = self.checkpoint
            if held is not None and checkpoint.origin == held.origin and checkpoint.size < held.size:
                return  # a later one stands there already
            check_advance(held, checkpoint)
            if checkpoint == held:
                return
            try:
                # In a thread of its own: a slow disk must not hold up those who only read.
                await asyncio.get_running_loop().run_in_executor(self._writer, self._write, note)
            except OSError as error:
                raise UnavailableError("the rollback guard cannot be written", detail=str(error)) from error
            self.checkpoint = checkpoint
            self._place = 1 - self._place

    def _write(self, note: str) -> None:
        data = note.encode().ljust(PLACE_BYTES, b"\0")
        if len(data) > PLACE_BYTES:
            raise OSError("a checkpoint is larger than its place")
        # The file is open for synchronous writing: durable when it returns. One call and no second that syncs, because
        # after each this thread waits until the one that serves lets go of the interpreter.
        written = os.pwrite(self._descriptor, data, self._place * PLACE_BYTES)
        if written != len(data):
            raise OSError("the disk is full")

    def close(self) -> None:
        """Give the file back."""
        self._writer.shutdown()
        os.close(self._descriptor)


@contextlib.contextmanager
def open_guard(folder: Path, *, key: NoteKey) -> Iterator[GuardFile]:
    """Take a guard file of this hub for this process.

    Args:
        folder: Where the guards of all processes of this hub on this machine are; made if it is not there.
        key: The log's key: what the files hold must be signed by it.

    Raises:
        RollbackError: A file is damaged, or holds what this log did not sign.
        UnavailableError: The folder cannot be used, or all files are taken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path, descriptor = _take(folder)
        places = _read(path, key=key)
        others = [held for other in sorted(folder.glob("guard-*")) if other != path for held in _read(other, key=key)]
    except OSError as error:
        raise UnavailableError(f"the rollback guard in `{folder}` cannot be used", detail=str(error)) from error
    held = max((checkpoint for checkpoint in places if checkpoint), key=lambda each: each.size, default=None)
    guard = GuardFile(
        path=path,
        checkpoint=held,
        others=tuple(checkpoint for checkpoint in others if checkpoint),
        _descriptor=descriptor,
        _place=1 if held is not None and places[0] == held else 0,
    )
    try:
        yield guard
    finally:
        guard.close()


def _take(folder: Path) -> tuple[Path, int]:
    for number in range(PROCESSES_MAX):
        path = folder / f"guard-{number}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DSYNC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        os.ftruncate(descriptor, _PLACES * PLACE_BYTES)
        os.fsync(descriptor)
        # The file's name must be as durable as what will stand in it.
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        return path, descriptor
    raise UnavailableError(f"all {PROCESSES_MAX} guard files of `{folder}` are taken")


def _read(path: Path, *, key: NoteKey) -> tuple[Checkpoint | None, ...]:
    """Read both places; one of them may be damaged, by a write that was cut off.

    Raises:
        RollbackError: Nothing in the file is good, and something was written.
    """
    data = path.read_bytes()
    found: list[Checkpoint | None] = []
    damage: RollbackError | None = None
    for place in range(_PLACES):
        note = data[place * PLACE_BYTES : (place + 1) * PLACE_BYTES].rstrip(b"\0")
        try:
            found.append(parse_guard(note, key=key) if note else None)
        except RollbackError as error:
            damage = error
            found.append(None)
    # The very first write cut off leaves one damaged and one empty place; nothing had left the process then. But an
    # empty place beside a damaged one could also be somebody's work: a person must look.
    if damage is not None and not any(found):
        raise damage
    return tuple(found)
