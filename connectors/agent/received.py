"""What was received and lies in `in`, for systems: what stands here was handed over and nobody took it away yet.

A system lists, reads the files of a message, keeps them, and then takes the message away; whoever works with the folder
moves the files instead. Both see the same files, and each message is there until one of them has it.
"""

from enum import StrEnum
from pathlib import Path
from sqlite3 import Row
from typing import Final

from connectors.agent.disk import is_plain, read_plain
from connectors.agent.journal import Journal, from_milliseconds
from connectors.agent.reports import grounds_of
from connectors.agent.services import Services
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import OIN, MessageId

PAGE_MAX: Final = 100


class Part(StrEnum):
    """A file of a received message."""

    EVIDENCE = "evidence"
    FHIR = "fhir"
    NATIVE = "native"


_SUFFIXES: Final = {Part.EVIDENCE: ".evidence.json", Part.FHIR: ".fhir.json", Part.NATIVE: ".xml"}
_QUERY: Final = (
    "SELECT received.*, threads.purpose, threads.reply_to, threads.number, threads.asks FROM received"
    " LEFT JOIN threads ON threads.message = received.id AND threads.direction = 'received'"
    " WHERE received.id = ?"
)


def received(services: Services, message: MessageId) -> dict[str, JSONValue] | None:
    """Say how a message stands that was received, or waits; None if we know none of this id."""
    row = services.journal.row(_QUERY, message.value)
    return None if row is None else _to_json(services, row)


def received_page(services: Services, *, after: int) -> tuple[dict[str, JSONValue], ...]:
    """List the messages that were handed over and not taken away, by their place in the log, at most `PAGE_MAX`.

    Args:
        services: For folder and journal.
        after: Log index beyond which to begin.
    """
    rows = [row for each in _in_folder(services) if (row := services.journal.row(_QUERY, each.value)) is not None]
    rows = [row for row in rows if row["log_index"] > after and not _is_under_way(services.journal, row["id"])]
    rows.sort(key=lambda row: (row["log_index"], row["id"]))
    return tuple(_to_json(services, row) for row in rows[:PAGE_MAX])


def part_of(services: Services, message: MessageId, part: Part) -> bytes | None:
    """Return a file of a message; None if it has none, or somebody took it away.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        return read_plain(_path(services, message, part))
    except FileNotFoundError:
        return None


def take_away(services: Services, message: MessageId) -> bool:
    """Remove the files of a message whose system has them; the evidence goes last.

    Returns:
        False if the message is not handed over as a whole yet: nothing is removed.
    """
    if _is_under_way(services.journal, message.value):
        return False
    for part in reversed(Part):
        services.disk.remove(_path(services, message, part))
    services.disk.sync_folder(services.settings.folders.inbox)
    return True


def _in_folder(services: Services) -> list[MessageId]:
    """List the ids of which a file lies in `in`; what people put there besides is passed over."""
    found = set()
    for path in services.settings.folders.inbox.iterdir():
        stem = next((path.name.removesuffix(each) for each in _SUFFIXES.values() if path.name.endswith(each)), None)
        try:
            if stem is not None:
                found.add(MessageId(stem))
        except DocumentError:
            continue
    return sorted(found, key=lambda each: each.value)


def _is_under_way(journal: Journal, message: str) -> bool:
    row = journal.row("SELECT state FROM received WHERE id = ?", message)
    return (
        row is None
        or row["state"] in ("listed", "released")
        or journal.row("SELECT 1 FROM deliveries WHERE message = ? AND state <> 'handed'", message) is not None
    )


def _path(services: Services, message: MessageId, part: Part) -> Path:
    return services.settings.folders.inbox / f"{message.value}{_SUFFIXES[part]}"


def _to_json(services: Services, row: Row) -> dict[str, JSONValue]:
    message = MessageId(row["id"])
    return {
        "message": message.value,
        "sender": row["sender"],
        "type": row["type"],
        "state": row["state"],
        "log_index": row["log_index"],
        "listed_at": from_milliseconds(row["listed_at"]).isoformat(timespec="seconds"),
        "purpose": row["purpose"],
        "grounds": grounds_of(
            services,
            row["purpose"] or "",
            message_type=row["type"],
            sender=OIN(row["sender"]),
            recipient=services.settings.oin,
            at=from_milliseconds(row["listed_at"]),
        ),
        "reply_to": row["reply_to"],
        "case_number": row["number"],
        "asks": row["asks"] is not None,
        "waits_for": row["trouble"],
        "parts": [part.value for part in Part if is_plain(_path(services, message, part))],
    }
