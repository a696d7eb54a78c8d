"""`ketenhub-policy send` and `status --hub` where the hub refuses, is busy, or answers nonsense."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from audit.records import token_digest
from consent.cli.exits import ExitCode
from consent.cli.main import main
from schemas.board import Board, board_to_payload, parse_member
from schemas.codes import TokenType
from schemas.jws import sign_jws
from tests.support.catalogue_files import PACKAGED
from tests.support.parties import REGISTRAR, message_id

Reply: TypeAlias = tuple[int, dict[str, str], bytes]
TODAY_AND_ON = "2099-01-01"


class Scripted(ThreadingHTTPServer):
    """Answers what it was told, one after the other, and keeps what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Reply] = []
        self.asked: list[tuple[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_answer(self) -> Reply:
        """The next of the answers, or that what was posted is logged."""
        if self.answers:
            return self.answers.pop(0)
        return 201, {}, json.dumps({"index": len(self.asked), "entry": "", "tlog_proof": ""}).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.loads(data))

    def do_GET(self) -> None:
        self._answer(None)

    def _answer(self, body: Any) -> None:
        self.server.asked.append((self.path, body))
        status, headers, data = self.server.next_answer()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def hub() -> Iterator[Scripted]:
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A board, and a dossier in which the packaged catalogue was proposed and approved twice, and advised on."""
    names = {"one": "beheerder", "two": "beheerder", "three": "beheerder", "fg": "fg"}
    for name, office in names.items():
        assert main(["member", str(tmp_path / name), "--office", office, "--json"]) == ExitCode.OK
    members = tuple(parse_member((tmp_path / name / "member.json").read_bytes()) for name in names)
    board = Board(id=message_id(1), issued_at=1, members=members, valid_from=1)
    (tmp_path / "board.jwt").write_text(sign_jws(board_to_payload(board), typ=TokenType.BOARD, key=REGISTRAR))
    (tmp_path / "registrar.jwk.json").write_text(json.dumps(REGISTRAR.public.to_jwk()))
    (tmp_path / "advice.txt").write_text("Doe het.")
    first = ["--first", "--shipped-proof"]
    for command, name, more in (
        ("propose", "one", [*first, "--from", TODAY_AND_ON]),
        ("approve", "two", first),
        ("approve", "three", first),
        ("advise", "fg", ["--advice", str(tmp_path / "advice.txt"), "--outcome", "ok"]),
    ):
        key = ["--key", str(tmp_path / name / "member.pem")]
        assert main([command, *key, *common(tmp_path), "--json", *more]) == ExitCode.OK
    return tmp_path


def common(folder: Path) -> list[str]:
    return [
        *("--dossier", str(folder / "dossier"), "--board", str(folder / "board.jwt")),
        *("--registrar", str(folder / "registrar.jwk.json")),
    ]


def send(folder: Path, hub: Scripted, *more: str) -> int:
    return main(["send", *common(folder), "--hub", hub.url, *more])


def test_the_board_goes_first_then_the_proposal_and_each_with_what_it_names(folder: Path, hub: Scripted) -> None:
    assert send(folder, hub) == ExitCode.OK
    paths = [path for path, _ in hub.asked]
    assert paths == ["/v1/boards", *["/v1/catalogue-steps"] * 5]
    documents = [body.get("document") for _, body in hub.asked]
    assert documents[:2] == [None, PACKAGED.data.decode()]
    assert documents[-1] == "Doe het."
    assert [document is None for document in documents[2:-1]].count(True) == 2
    reports = [json.loads(document) for document in documents[2:-1] if document]
    assert [report["result"] for report in reports] == ["proved"]


def test_people_see_where_in_the_log_each_step_stands(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(folder, hub) == ExitCode.OK
    out = capsys.readouterr().out
    assert "voorgesteld: catalogus 2026-1, logregel 2\n  proposed: catalogue 2026-1, log entry 2\n" in out
    assert send(folder, hub, "--json") == ExitCode.OK
    sent = json.loads(capsys.readouterr().out)
    assert [each["step"] for each in sent["steps"]] == ["propose", "prove", "approve", "approve", "advise"]


def test_a_hub_that_is_busy_is_asked_again(folder: Path, hub: Scripted) -> None:
    hub.answers = [(429, {"Retry-After": "0"}, b""), (503, {"Retry-After": "0"}, b"{}")]
    assert send(folder, hub) == ExitCode.OK
    assert len(hub.asked) == 8


PROBLEM = {
    "code": "sender.catalogue-step.form",
    "detail": "it counts for nothing",
    "issues": [{"pointer": "/step", "code": "x", "text": "nobody", "text_nl": "niemand"}],
    "retryable": False,
}


def test_a_step_that_is_refused_holds_up_no_other(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """People see why, with every finding; the exit code says that something was refused."""
    logged: Reply = (201, {}, b'{"index": 1}')
    refused: Reply = (400, {}, json.dumps(PROBLEM).encode())
    hub.answers = [logged, logged, refused]
    assert send(folder, hub, "--json") == ExitCode.REFUSED
    said = json.loads(capsys.readouterr().out)
    assert ([each["step"] for each in said["refused"]], len(said["steps"])) == (["prove"], 4)
    assert said["refused"][0]["issues"] == [{"code": "x", "nl": "niemand", "en": "nobody"}]
    hub.answers = [logged, logged, refused]
    assert send(folder, hub) == ExitCode.REFUSED
    assert "geweigerd (sender.catalogue-step.form)" in (out := capsys.readouterr().out)
    assert "    niemand\n" in out


def test_a_board_that_is_refused_ends_it(folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers = [(403, {}, json.dumps(PROBLEM).encode())]
    assert send(folder, hub, "--json") == ExitCode.REFUSED
    said = json.loads(capsys.readouterr().out)
    assert (said["code"], said["issues"][0]["text"]) == (PROBLEM["code"], "nobody")
    assert len(hub.asked) == 1


@pytest.mark.parametrize("data", [b"no json", b"[]", b'{"index": "1"}'])
def test_an_answer_of_another_form_is_said_to_be_one(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    hub.answers = [(201, {}, data)]
    assert send(folder, hub) == ExitCode.USAGE
    assert "in a form that this version does not know" in capsys.readouterr().err


def test_a_refusal_without_words_names_its_status(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers = [(404, {}, b"<html>")]
    assert send(folder, hub) == ExitCode.REFUSED
    assert "status 404" in capsys.readouterr().err


def test_a_hub_that_is_not_there_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for url, text in (("http://127.0.0.1:9", "could not ask"), ("ftp://hub", "no place on the web")):
        assert main(["send", *common(folder), "--hub", url]) == ExitCode.USAGE
        assert text in capsys.readouterr().err


def test_nothing_is_sent_of_a_dossier_that_is_not_whole(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    (report,) = (folder / "dossier/reports").iterdir()
    whole = report.read_bytes()
    report.write_bytes(whole + b" ")
    assert send(folder, hub) == ExitCode.USAGE
    assert "another document than its name says" in capsys.readouterr().err
    report.unlink()
    assert send(folder, hub) == ExitCode.USAGE
    assert "does not hold the document" in capsys.readouterr().err
    assert hub.asked == []


def test_an_advice_is_a_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It stands in the open once it is sent."""
    (folder / "advice.pdf").write_bytes(b"\xff\xfe")
    words = ["advise", "--key", str(folder / "fg/member.pem"), *common(folder), "--outcome", "ok"]
    assert main([*words, "--advice", str(folder / "advice.pdf")]) == ExitCode.USAGE
    assert "is no text" in capsys.readouterr().err


def test_the_status_at_a_hub_counts_what_is_signed_and_nothing_else(
    folder: Path, hub: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """A board of another registrar and a step of nobody are left out, whatever the hub says of them."""
    tokens = [path.read_text().strip() for path in sorted((folder / "dossier").glob("*.jwt"))]
    board = (folder / "board.jwt").read_text()
    proposals = [{"proposal": "p", "steps": [{"step": token} for token in (*tokens, "a.b.c")]}]
    answer = {"in_force": None, "boards": [{"board": board}, {"board": "x.y.z"}], "proposals": proposals, "enacted": []}
    hub.answers = [(200, {}, json.dumps(answer).encode())] * 2
    words = ["status", "--hub", hub.url, "--registrar", str(folder / "registrar.jwk.json")]
    assert main([*words, "--json"]) == ExitCode.OK
    (proposal,) = json.loads(capsys.readouterr().out)["proposals"]
    assert (len(proposal["approvals"]), proposal["obstacles"]) == (2, [])
    assert main(words) == ExitCode.OK
    assert "er geldt nog geen catalogus\n  no catalogue is in force yet\n" in capsys.readouterr().out
    used = [{"entry": json.dumps({"request": token_digest(token)})} for token in tokens]
    hub.answers = [(200, {}, json.dumps(answer | {"enacted": used}).encode())]
    assert main(words) == ExitCode.REFUSED
    assert "kwam al eerder een catalogus in werking" in capsys.readouterr().out
    hub.answers = [(200, {}, json.dumps(answer | {"boards": []}).encode())]
    assert main(words) == ExitCode.USAGE
    in_force = {"digest": PACKAGED.digest, "version": "2026-1", "since": 7, "valid_from": None}
    hub.answers = [(200, {}, json.dumps(answer | {"in_force": in_force}).encode())]
    assert main(words) == ExitCode.REFUSED
    assert "volgens de hub geldt catalogus 2026-1, sinds logregel 7" in capsys.readouterr().out


def test_a_status_is_of_a_hub_or_of_a_dossier(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--registrar", str(folder / "registrar.jwk.json")]) == ExitCode.USAGE
    assert "name a hub, or a dossier" in capsys.readouterr().err
