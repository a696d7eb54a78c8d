"""The application log: one line of JSON for each event, for operators.

It is not the audit log. What happened is an `Event`; what may be said about it is a `Fields`, and nothing else can be:
personal data has no key here. There is no message text, no path with an identifier in it, no header, no body. A line
of a library keeps its logger, level, kind of exception and place, and loses its text, which may quote what came in.

    record(Event.REQUEST_ANSWERED, route="/v1/messages", status=202, duration_ms=4.1, trace_id="…")

    {"time":"2026-11-23T12:00:00.000Z","level":"info","event":"request.answered","route":"/v1/messages", …}
"""

import contextlib
import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePath
from typing import IO, Final, TypedDict, Unpack

import orjson

_LOGGER: Final = logging.getLogger("ketenhub")
_FRAMES_MAX: Final = 12


class Event(StrEnum):
    """Everything that the application log can say, `subject.past_verb`."""

    PROCESS_STARTED = "process.started"
    PROCESS_STOPPED = "process.stopped"
    REQUEST_ANSWERED = "request.answered"
    REQUEST_FAILED = "request.failed"
    DIRECTORY_REFRESHED = "directory.refreshed"
    DIRECTORY_REFUSED = "directory.refused"
    CATALOGUE_FOLLOWED = "catalogue.followed"
    CATALOGUE_UNREADABLE = "catalogue.unreadable"
    LOG_CONTRADICTED = "log.contradicted"
    SWEEP_DONE = "sweep.done"
    SWEEP_FAILED = "sweep.failed"
    REDIS_LOST = "redis.lost"
    REDIS_FOUND = "redis.found"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    NOTIFICATION_REFUSED = "notification.refused"
    MESSAGE_UNCOLLECTED = "message.uncollected"
    MEASURE_CONTRADICTED = "measure.contradicted"
    ENFORCEMENT_STOPPED = "enforcement.stopped"
    ENFORCEMENT_RESUMED = "enforcement.resumed"
    ENFORCEMENT_UNPROVED = "enforcement.unproved"
    REVIEWS_UNSUPERVISED = "reviews.unsupervised"
    LIBRARY_SPOKE = "library.spoke"


class Fields(TypedDict, total=False):
    """The only keys a line can have. None of them can hold personal data.

    Attributes:
        route: The route's template, never the path.
        method: HTTP method.
        status: HTTP status.
        code: Stable code of an error.
        detail: An error's detail for operators; no personal data, as the error promises.
        duration_ms: How long it took.
        request_bytes: Size of the body that came.
        response_bytes: Size of the body that went.
        trace_id: W3C trace id; the message is stored with it.
        participant: OIN of the organisation; organisations are no natural persons.
        process: Kind of process.
        address: Address it listens on.
        version: Version of the software, or of the catalogue.
        index: Index in the transparency log.
        size: A number of log entries.
        count: How many.
        kind: What kind of thing, from a closed list of ours.
        error: Class of an exception.
        where: Files and lines of ours and of libraries, no values.
        logger: Name of a library's logger.
        attempt: Which attempt it is, from 1.
    """

    route: str
    method: str
    status: int
    code: str
    detail: str
    duration_ms: float
    request_bytes: int
    response_bytes: int
    trace_id: str
    participant: str
    process: str
    address: str
    version: str
    index: int
    size: int
    count: int
    kind: str
    error: str
    where: list[str]
    logger: str
    attempt: int


_KEYS: Final = frozenset(Fields.__annotations__)


def record(event: Event, *, level: int = logging.INFO, **fields: Unpack[Fields]) -> None:
    """Write one line.

    Raises:
        TypeError: A key that is not in `Fields`: our own mistake.
    """
    if not fields.keys() <= _KEYS:
        raise TypeError(f"no such keys in the application log: {sorted(fields.keys() - _KEYS)}")
    if _sink.stream is None:
        # Not set up: a test, or a command that only prints.
        _LOGGER.log(level, event.value, extra={"fields": fields})
    elif level >= _sink.level:
        # Straight to the stream: the library's own way costs a request three times as much.
        line = _line(event.value, time.time(), logging.getLevelName(level), fields)
        # A disk that is full of lines must not stop what they are about: a message that is accepted stays so.
        with _sink.lock, contextlib.suppress(OSError):
            _sink.stream.write(orjson.dumps(line).decode() + "\n")
            _sink.stream.flush()


@dataclass(slots=True)
class _Sink:
    """Where lines go, from the request's loop and from other threads."""

    stream: IO[str] | None = None
    level: int = logging.INFO
    lock: threading.Lock = field(default_factory=threading.Lock)


_sink: Final = _Sink()


def _line(event: str, at: float, level: str, fields: Mapping[str, object]) -> dict[str, object]:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return {"time": moment.replace("+00:00", "Z"), "level": level.lower(), "event": event, **fields}


def places(error: BaseException) -> list[str]:
    """Say where an exception came from, innermost last: file, line and function, without the exception's text."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    return [f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}" for frame in frames]


class LineFormatter(logging.Formatter):
    """Formats what libraries say, without its text."""

    def format(self, entry: logging.LogRecord) -> str:
        """Return one line of JSON, without its line end."""
        fields: dict[str, object] = {
            "logger": entry.name,
            "where": [f"{'/'.join(PurePath(entry.pathname).parts[-3:])}:{entry.lineno} {entry.funcName}"],
        }
        if entry.exc_info and entry.exc_info[1] is not None:
            fields["error"] = type(entry.exc_info[1]).__name__
            fields["where"] = places(entry.exc_info[1])
        return orjson.dumps(_line(Event.LIBRARY_SPOKE.value, entry.created, entry.levelname, fields)).decode()


def set_up(*, level: int = logging.INFO, stream: IO[str] | None = None) -> None:
    """Send every line of this process to one stream, in our form; libraries speak from WARNING on.

    Args:
        level: Lowest level of our own events.
        stream: Where to; standard error by default.
    """
    _sink.stream, _sink.level = stream or sys.stderr, level
    handler = logging.StreamHandler(_sink.stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def tear_down() -> None:
    """Undo `set_up`: for tests that look at what is written."""
    logging.captureWarnings(capture=False)
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler.formatter, LineFormatter):
            root.removeHandler(handler)
    _sink.stream = None
