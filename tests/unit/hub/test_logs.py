"""The application log has no place for personal data."""

import errno
import io
import json
import logging
import os
from collections.abc import Iterator

import pytest

from hub.logs import Event, record, set_up, tear_down

PERSONAL = "999911120"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    set_up(stream=stream)
    yield stream
    tear_down()


def test_an_event_is_one_line_of_json(lines: io.StringIO) -> None:
    record(Event.REQUEST_ANSWERED, route="/v1/messages", status=202)
    written = json.loads(lines.getvalue())
    assert {"event": "request.answered", "route": "/v1/messages", "status": 202, "level": "info"}.items() <= (
        written.items()
    )
    assert lines.getvalue().count("\n") == 1


def test_a_key_that_is_not_on_the_list_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="no such keys"):
        record(Event.REQUEST_ANSWERED, name=PERSONAL)  # type: ignore[call-arg]  # what is tested


def test_a_library_loses_its_text_and_keeps_its_place(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request %s", PERSONAL)
    written = json.loads(lines.getvalue())
    assert (written["event"], written["logger"]) == ("library.spoke", "aiohttp.server")
    assert PERSONAL not in lines.getvalue()


def test_an_exception_loses_its_text_and_keeps_its_places(lines: io.StringIO) -> None:
    try:
        raise ValueError(PERSONAL)
    except ValueError:
        logging.getLogger("psycopg").exception(PERSONAL)
    written = json.loads(lines.getvalue())
    assert written["error"] == "ValueError"
    assert "test_an_exception_loses_its_text" in written["where"][0]
    assert PERSONAL not in lines.getvalue()


class FullDisk(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_takes_the_line_and_nothing_else() -> None:
    """What the line is about has happened: its answer must still go out."""
    set_up(stream=FullDisk())
    try:
        record(Event.REQUEST_ANSWERED, route="/v1/messages", status=202)
    finally:
        tear_down()
