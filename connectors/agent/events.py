"""The agent's log: one line for each event, with keys from a list in which personal data has no place.

File names are not among them: people name files after children. A file is named by its number in the journal.
"""

import logging
from enum import StrEnum
from typing import Final

_LOGGER: Final = logging.getLogger("ketenhub.connector")
_KEYS: Final = frozenset({"file", "message", "code", "index", "count", "seconds"})


class Event(StrEnum):
    """What can happen."""

    STARTED = "agent.started"
    STOPPED = "agent.stopped"
    FILE_TAKEN = "file.taken"
    FILE_REFUSED = "file.refused"
    FILE_REPEATED = "file.repeated"
    MESSAGE_COMPOSED = "message.composed"
    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_PUT_OFF = "message.put-off"
    MESSAGE_CHANGED = "message.changed"
    MESSAGE_LISTED = "message.listed"
    MESSAGE_RELEASED = "message.released"
    MESSAGE_OPENED = "message.opened"
    MESSAGE_UNOPENED = "message.unopened"
    MESSAGE_RECEIVED = "message.received"
    RECORD_SIGNED = "record.signed"
    RECORD_LOGGED = "record.logged"
    RECORD_REFUSED = "record.refused"
    REQUEST_REFUSED = "request.refused"
    API_LISTENS = "api.listens"
    ROUND_FAILED = "round.failed"
    DISK_FULL = "disk.full"
    CANARIES_REFUSED = "canaries.refused"
    CANARY_DOUBTED = "canary.doubted"
    CANARY_PASSED = "canary.passed"


def say(event: Event, *, level: int = logging.INFO, **keys: str | int) -> None:
    """Write one line.

    Raises:
        ValueError: A key is not on the list. Our own mistake.
    """
    if not keys.keys() <= _KEYS:
        raise ValueError("a key that the log does not have")
    _LOGGER.log(level, "%s%s", event.value, "".join(f" {key}={value}" for key, value in sorted(keys.items())))
