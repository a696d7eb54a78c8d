"""Id-only CloudEvents in the NL GOV profile: that something happened, never what.

    {"specversion":"1.0","type":"nl.ketenhub.messages.waiting.v1","source":"urn:nld:oin:…:systeem:hub.example.nl",
     "id":"0194…","time":"2026-11-23T12:00:00Z","dataref":"https://hub.example.nl/v1/inbox"}

An event's id is made of what it is about, so that a task that runs twice sends the same event twice and the receiver
can tell. `time` is the moment that the hub recorded it. There is no `data`, no `subject` and nothing about a person:
intermediaries may read and log an event.

Source: NL GOV profile for CloudEvents 1.1; CloudEvents 1.0.1, JSON format, structured mode.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import orjson

from schemas.identifiers import OIN, MessageId

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


class EventKind(StrEnum):
    """What an event tells; its value is the CloudEvents `type`."""

    MESSAGE_WAITS = "nl.ketenhub.messages.waiting.v1"
    MESSAGE_UNCOLLECTED = "nl.ketenhub.messages.uncollected.v1"
    NOTICE_WAITS = "nl.ketenhub.notices.waiting.v1"


def event_source(*, hub: str, operator: OIN | None) -> str:
    """Name the producer: organisation and system as URN, or the hub's name where no operator is set."""
    return f"{operator.urn}:systeem:{hub}" if operator else f"https://{hub}/"


def make_event(
    kind: EventKind, *, message_id: MessageId, source: str, recorded_at: int, api: str, day: int = 0
) -> bytes:
    """Write one event.

    Args:
        kind: What it tells.
        message_id: The message it is about.
        source: From `event_source`.
        recorded_at: NumericDate of the moment that the hub recorded it.
        api: Base URL of the API.
        day: For what is told daily: the how-manieth day, from 1.
    """
    path = f"/v1/messages/{message_id.value}" if kind == EventKind.MESSAGE_UNCOLLECTED else "/v1/inbox"
    event_id = f"{message_id.value}.{day}" if day else message_id.value
    return _event(kind, event_id=event_id, source=source, recorded_at=recorded_at, url=api + path)


def make_notice_event(number: int, *, source: str, recorded_at: int, api: str) -> bytes:
    """Write the event that a notice is there; the arguments are those of `make_event`."""
    url = api + "/v1/notices"
    return _event(EventKind.NOTICE_WAITS, event_id=f"notice.{number}", source=source, recorded_at=recorded_at, url=url)


def _event(kind: EventKind, *, event_id: str, source: str, recorded_at: int, url: str) -> bytes:
    moment = datetime.fromtimestamp(recorded_at, UTC).isoformat().replace("+00:00", "Z")
    return orjson.dumps(
        {
            "specversion": "1.0",
            "type": kind.value,
            "source": source,
            "id": event_id,
            "time": moment,
            "dataref": url,
        }
    )
