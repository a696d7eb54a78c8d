"""The rollback guard: a log never goes back behind what it published, and never beside it.

Before a checkpoint leaves a process it stands in that process's own file, which only moves forward. At start, and
whenever another process has moved the tree, the database must hold at least as many leaves, and its root hash at the
guard's size must be the guard's. A restored backup, a rewritten table and a failover to a lagging standby so stop the
hub instead of forking the log.

    guard 1,000 leaves, database 1,200, the same root at 1,000   go on
    guard 1,000 leaves, database 900                             RollbackError: entries are gone
    guard 1,000 leaves, database 1,200, another root at 1,000    RollbackError: entries were changed

This is the deciding part; the file is read and written, fsynced, by the hub. What the file holds is the signed
checkpoint itself.

Source: the architecture, section 6.
"""

from hmac import compare_digest

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.errors import RollbackError
from audit.note import NoteKey, parse_note, verify_note
from schemas.errors import ExchangeError


def parse_guard(data: bytes, *, key: NoteKey) -> Checkpoint:
    """Read a guard file: the last checkpoint that this process let out.

    Args:
        data: The file's bytes.
        key: The log's key. A guard that the log did not sign protects nothing.

    Raises:
        RollbackError: The file is damaged, or is not a checkpoint by this key. It is never treated as absent: that
            would be the way around the guard.
    """
    try:
        note = parse_note(data)
        verify_note(note, [key])
        return parse_checkpoint(note.text)
    except ExchangeError as error:
        raise RollbackError("the guard file is not a checkpoint that this log signed", detail=str(error)) from error


def check_rollback(guard: Checkpoint, *, origin: str, size: int, root_at_guard: bytes | None) -> None:
    """Check that the database continues what was published.

    Args:
        guard: The last checkpoint that left this process.
        origin: Origin of the log in the database.
        size: Number of leaves in the database.
        root_at_guard: Root hash of its first `guard.size` leaves; None if it has fewer.

    Raises:
        RollbackError: It does not.
    """
    if origin != guard.origin:
        raise RollbackError(f"the database holds log `{origin}`, the guard log `{guard.origin}`")
    if size < guard.size or root_at_guard is None:
        raise RollbackError(f"the database holds {size} entries, {guard.size} were published")
    if not compare_digest(root_at_guard, guard.root_hash):
        raise RollbackError(f"the first {guard.size} entries of the database are not those that were published")


def check_advance(guard: Checkpoint | None, checkpoint: Checkpoint) -> None:
    """Check that a checkpoint may take the guard's place, and so may leave the process.

    That it continues the guard's tree is what `check_rollback` and appending answer for; this is the last line: no
    smaller tree, and no second root for the same size.

    Args:
        guard: The last checkpoint that left this process; None if none ever did.
        checkpoint: The one that is to leave.

    Raises:
        RollbackError: It must not leave.
    """
    if guard is None:
        return
    if checkpoint.origin != guard.origin or checkpoint.size < guard.size:
        raise RollbackError(f"a checkpoint of {checkpoint.size} leaves does not follow one of {guard.size}")
    if checkpoint.size == guard.size and not compare_digest(checkpoint.root_hash, guard.root_hash):
        raise RollbackError(f"two checkpoints of {guard.size} leaves have different roots")
