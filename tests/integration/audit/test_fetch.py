"""A log is verified where the hub publishes it, by a server that speaks real HTTP."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from audit.cli import fetch
from audit.cli.main import ExitCode, main
from tests.support.evidence_files import POLICY_TEXT, usual_world


class _Hub(BaseHTTPRequestHandler):
    """Gives hashes to all, entries to nobody, and what is in `broken` to nobody either."""

    files: ClassVar[dict[str, bytes]] = {}
    broken: ClassVar[set[str]] = set()
    cut_off: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        path = self.path.removeprefix("/log/")
        data = self.files.get(path)
        status = 500 if path in self.broken else 401 if "/entries/" in path else 404 if data is None else 200
        self.send_response(status)
        if path in self.cut_off:
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        if status == 200 and data is not None:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    _Hub.files, _Hub.broken, _Hub.cut_off = usual_world().log.files, set(), set()
    with HTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/log"
        server.shutdown()
        thread.join()


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy"
    path.write_text(POLICY_TEXT, encoding="utf-8")
    return str(path)


def test_hashes_are_fetched_and_entries_are_passed_over(
    hub: str, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", hub + "/", "--policy", policy]) == ExitCode.OK
    assert "entries    0 of 3 read and checked" in capsys.readouterr().out


def test_a_hub_without_a_log_has_no_checkpoint(hub: str, policy: str) -> None:
    assert main(["verify", hub + "/other", "--policy", policy]) == ExitCode.REFUSED


def test_a_hub_that_fails_is_not_taken_for_one_that_has_nothing(
    hub: str, policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _Hub.broken = {"tile/0/000.p/3"}
    assert main(["verify", hub, "--policy", policy]) == ExitCode.USAGE
    assert "status 500" in capsys.readouterr().err
    monkeypatch.setattr(fetch, "FILE_BYTES_MAX", 10)
    assert main(["verify", hub, "--policy", policy]) == ExitCode.USAGE
    assert "larger than 10 bytes" in capsys.readouterr().err


def test_an_answer_that_is_cut_off_is_not_taken_for_a_refusal(
    hub: str, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _Hub.cut_off = {"tile/0/000.p/3"}
    assert main(["verify", hub, "--policy", policy]) == ExitCode.USAGE
    assert "could not fetch" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://[hub/log", "http://hub.test:port/log", "https://hub .test/log"])
def test_what_is_no_url_is_wrong_usage(url: str, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", url, "--policy", policy]) == ExitCode.USAGE
    assert "could not fetch" in capsys.readouterr().err


def test_a_hub_that_is_not_there_cannot_be_read(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "http://127.0.0.1:9/log", "--policy", policy]) == ExitCode.USAGE
    assert "could not fetch" in capsys.readouterr().err
