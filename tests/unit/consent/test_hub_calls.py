"""What a hub answers to the board's commands: shown without what a terminal obeys, whatever it says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from consent.cli.hub import HubCalls
from consent.cli.reading import UnreadableError
from schemas.document import JSONValue
from schemas.errors import RejectedMessageError

ESCAPE = "\x1b]0;\x9b2J\n"


@contextmanager
def answering(status: int, body: JSONValue) -> Iterator[HubCalls]:
    data = json.dumps(body).encode()

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Front) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield HubCalls(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def test_a_refusal_is_shown_without_what_a_terminal_obeys() -> None:
    issue: JSONValue = {"pointer": f"/a{ESCAPE}", "code": f"sender.x{ESCAPE}", "text": ESCAPE, "text_nl": ESCAPE}
    problem: JSONValue = {"code": f"sender.x{ESCAPE}", "detail": f"no{ESCAPE}" * 1000, "issues": [issue]}
    with answering(409, problem) as hub, pytest.raises(RejectedMessageError) as caught:
        hub.catalogues()
    error = caught.value
    (found,) = error.issues
    assert all(
        each.isprintable() and len(each) <= 1000
        for each in (error.public_message, error.code, found.pointer, found.code, found.text, found.text_nl)
    )


@pytest.mark.parametrize("member", ["digest", "version"])
def test_what_is_in_force_is_named_by_a_digest_and_a_version_or_not_believed(member: str) -> None:
    in_force: dict[str, JSONValue] = {"digest": "A" * 43, "version": "2026-1", "since": 3}
    shown: dict[str, JSONValue] = {"boards": [], "proposals": [], "enacted": []}
    with answering(200, {"in_force": in_force, **shown}) as hub:
        assert hub.catalogues().in_force is not None
    with answering(200, {"in_force": {**in_force, member: ESCAPE}, **shown}) as hub, pytest.raises(UnreadableError):
        hub.catalogues()
