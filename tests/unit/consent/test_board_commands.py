"""`ketenhub-policy` for the board: from a key to a catalogue that may come into force, on files alone."""

import errno
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import consent.cli.board
from consent.cli.dossier import BYTES_MAX, Document, read_boards, read_note, read_steps, write_document
from consent.cli.exits import ExitCode
from consent.cli.main import main
from consent.cli.proofs import proof_report
from consent.cli.reading import UnreadableError, packaged_proof
from consent.lifecycle import Obstacle
from schemas.board import Board, board_to_payload, parse_member
from schemas.civil_day import civil_day_of_second
from schemas.clock import FrozenClock, SystemClock
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import AuthenticationError
from schemas.jws import sign_jws
from tests.support.catalogue_files import HEALTH_FOR_A_GEMEENTE, PACKAGED
from tests.support.parties import REGISTRAR, message_id

OFFICES = {"eerste": "beheerder", "tweede": "beheerder", "derde": "beheerder", "fg": "fg"}
TODAY = civil_day_of_second(int(SystemClock().now().timestamp()))  # not that of UTC
SOON = (TODAY + timedelta(days=2)).isoformat()
Say = Callable[..., Any]


def small(folder: Path, name: str, *codes: str, version: str) -> Path:
    """A catalogue of a few grounds of the packaged one: proved in a moment."""
    head, *rows = PACKAGED.data.decode().split("[[ground]]")
    chosen = [row for row in rows if any(f'code = "{code}"\n' in row for code in codes)]
    path = folder / name
    path.write_text("[[ground]]".join((head.replace(PACKAGED.version, version, 1), *chosen)), encoding="utf-8")
    return path


def appoint(folder: Path, *names: str, name: str = "board.jwt", issued_at: int = 1, more: str = "") -> Path:
    """Sign a board of these members; `more` is one whose key is drawn for it."""
    if more:
        assert main(["member", str(folder / more), "--office", "beheerder", "--json"]) == ExitCode.OK
        names = (*names, more)
    members = tuple(parse_member((folder / each / "member.json").read_bytes()) for each in names)
    board = Board(id=message_id(1), issued_at=issued_at, members=members, valid_from=issued_at)
    path = folder / name
    path.write_text(sign_jws(board_to_payload(board), typ=TokenType.BOARD, key=REGISTRAR))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four members with their keys, a board, the catalogue in force and the next one."""
    for name, office in OFFICES.items():
        assert main(["member", str(tmp_path / name), "--office", office, "--json"]) == ExitCode.OK
    appoint(tmp_path, *OFFICES)
    (tmp_path / "registrar.jwk.json").write_text(json.dumps(REGISTRAR.public.to_jwk()))
    small(tmp_path, "old.toml", "TOEZICHT", version="2026-1")
    small(tmp_path, "new.toml", "MAATREGEL", version="2027-1")
    return tmp_path


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Give a command as a member and return its exit code and what it says."""

    def give(command: str, *more: str, by: str | None = None, catalogue: str = "new.toml", boards: Any = None) -> Any:
        words = [command]
        if command != "status":
            words += [str(folder / catalogue), "--key", str(folder / str(by) / "member.pem")]
        boards = [str(path) for path in boards or [folder / "board.jwt"]]
        words += ["--dossier", str(folder / "dossier"), "--registrar", str(folder / "registrar.jwk.json")]
        if command in ("propose", "approve", "status") and "--first" not in more:
            words += ["--in-force", str(folder / "old.toml")]
        if command in ("propose", "approve"):
            words += ["--processes", "1"]
        if command == "propose":
            words += ["--from", SOON]
        capsys.readouterr()
        code = main([*words, *more, "--json", "--board", *boards])
        return code, json.loads(capsys.readouterr().out)

    return give


def hindrances(answer: Any) -> list[list[str]]:
    return [[each["code"] for each in proposal["obstacles"]] for proposal in answer[1]["proposals"]]


def test_a_catalogue_is_proposed_and_approved_twice(folder: Path, say: Say) -> None:
    """The proposal comes with its proof and its comparison; the last approval is what lets it come into force."""
    code, proposed = say("propose", by="eerste")
    assert (code, [each["step"] for each in proposed["steps"]]) == (ExitCode.OK, ["propose", "prove", "compare"])
    assert hindrances(say("status")) == [["no-approval"]]
    assert say("approve", by="tweede")[0] == ExitCode.OK
    code, status = say("status")
    assert (code, hindrances((code, status))) == (ExitCode.REFUSED, [["one-approval"]])
    assert say("approve", by="derde")[0] == ExitCode.OK
    code, status = say("status")
    (proposal,) = status["proposals"]
    assert (code, proposal["obstacles"], proposal["enacts_from"]) == (ExitCode.OK, [], SOON)
    reports = {path.stem: json.loads(path.read_text()) for path in (folder / "dossier/reports").iterdir()}
    assert reports[proposal["proofs"][0]["result"]]["result"] == "proved"
    assert reports[proposal["comparisons"][0]["result"]]["result"] == "different"


def test_the_first_catalogue_is_proved_and_approved_too(say: Say) -> None:
    code, proposed = say("propose", "--first", by="eerste")
    assert (code, [each["step"] for each in proposed["steps"]]) == (ExitCode.OK, ["propose", "prove"])
    for name in ("tweede", "derde"):
        assert say("approve", "--first", by=name)[0] == ExitCode.OK
    assert say("status", "--first")[0] == ExitCode.OK
    assert hindrances(say("status")) == [[Obstacle.OVERTAKEN]]


def test_the_packaged_catalogue_is_proposed_and_approved_with_the_shipped_proof(folder: Path, say: Say) -> None:
    """So a test board need not prove what was proved when the software was made; nothing is asked here."""
    (folder / "packaged.toml").write_bytes(PACKAGED.data)
    said = ("--first", "--shipped-proof")
    assert say("propose", *said, by="eerste", catalogue="packaged.toml")[0] == ExitCode.OK
    for name in ("tweede", "derde"):
        assert say("approve", *said, by=name, catalogue="packaged.toml")[0] == ExitCode.OK
    code, status = say("status", "--first")
    (proposal,) = status["proposals"]
    assert (code, proposal["obstacles"], proposal["digest"]) == (ExitCode.OK, [], PACKAGED.digest)
    (report,) = (folder / "dossier/reports").iterdir()
    assert report.read_bytes() == packaged_proof()


def test_the_shipped_proof_is_of_the_packaged_catalogue_alone(say: Say) -> None:
    code, refused = say("propose", "--first", "--shipped-proof", by="eerste")
    assert (code, refused["code"]) == (ExitCode.REFUSED, "sender.catalogue-step.shipped-proof")


@pytest.mark.parametrize(
    ("by", "code"),
    [("eerste", "sender.catalogue-step.own-proposal"), ("fg", "sender.catalogue-step.office")],
)
def test_neither_the_proposer_nor_the_fg_approves(say: Say, by: str, code: str) -> None:
    say("propose", by="eerste")
    assert say("approve", by=by)[1]["code"] == code


def test_nobody_approves_twice(say: Say) -> None:
    say("propose", by="eerste")
    say("approve", by="tweede")
    assert say("approve", by="tweede")[1]["code"] == "sender.catalogue-step.twice"


def test_the_advice_of_the_fg_is_shown(folder: Path, say: Say) -> None:
    say("propose", by="eerste")
    (folder / "advice.txt").write_text("Doe het niet.")
    arguments = ("--advice", str(folder / "advice.txt"), "--outcome", "not-ok")
    assert say("advise", *arguments, by="eerste")[1]["code"] == "sender.catalogue-step.office"
    assert say("advise", *arguments, by="fg")[0] == ExitCode.OK
    (proposal,) = say("status")[1]["proposals"]
    assert [each["outcome"] for each in proposal["advice"]] == ["not-ok"]


def test_a_rejected_proposal_is_made_anew(folder: Path, say: Say) -> None:
    say("propose", by="eerste")
    (folder / "note.txt").write_text("Te vroeg.")
    assert say("reject", "--note", str(folder / "note.txt"), by="tweede")[0] == ExitCode.OK
    assert say("approve", by="derde")[1]["code"] == "sender.catalogue-step.proposal"
    say("propose", by="tweede")
    assert [codes[:1] for codes in hindrances(say("status"))] == [["rejected"], ["no-approval"]]
    assert say("approve", by="eerste")[0] == ExitCode.OK


def test_of_two_open_proposals_of_one_file_one_is_named(say: Say) -> None:
    """As after a wrong first day: the one is taken back, or the other approved, by its id."""
    wrong = say("propose", by="eerste")[1]["steps"][0]["id"]
    right = say("propose", by="eerste")[1]["steps"][0]["id"]
    for command, by in (("approve", "derde"), ("reject", "eerste")):
        answer = say(command, by=by)[1]
        assert answer["code"] == "sender.catalogue-step.proposal"
        assert wrong in answer["text"]
        assert right in answer["text"]
    assert say("approve", "--proposal", "rommel", by="derde")[1]["code"] == "sender.catalogue-step.proposal"
    assert say("approve", "--proposal", right, by="derde")[0] == ExitCode.OK
    assert say("reject", "--proposal", wrong, by="eerste")[0] == ExitCode.OK
    assert hindrances(say("status")) == [["rejected", "no-approval"], ["one-approval"]]
    assert say("approve", by="tweede")[0] == ExitCode.OK


def test_a_proposal_that_was_overtaken_is_in_nobodys_way(folder: Path, say: Say) -> None:
    """The same file is proposed again on top of what is in force by now; the approver names no id."""
    small(folder, "meanwhile.toml", "TOEZICHT", "KLACHT", version="2026-2")
    assert say("propose", by="eerste")[0] == ExitCode.OK
    now = ("--in-force", str(folder / "meanwhile.toml"))
    assert say("propose", *now, by="eerste")[0] == ExitCode.OK
    assert say("approve", *now, by="tweede")[0] == ExitCode.OK
    assert hindrances(say("status", *now)) == [["overtaken", "no-approval"], ["one-approval"]]


def test_who_has_a_slow_clock_signs_no_approval_from_before_the_proof(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("propose", by="eerste")
    past = FrozenClock(SystemClock().now() - timedelta(minutes=5))
    with monkeypatch.context() as patch:
        patch.setattr(consent.cli.board, "SystemClock", lambda: past)
        assert say("approve", by="tweede")[1]["code"] == "sender.catalogue-step.before-proof"
    assert hindrances(say("status")) == [["no-approval"]]


def test_what_does_not_hold_is_not_proposed(folder: Path, say: Say) -> None:
    """Health data to a gemeente, for nothing: the proof finds it, and no step is signed."""
    wrong = small(folder, "small.toml", "TOEZICHT", version="2027-2")
    wrong.write_text(wrong.read_text("utf-8") + HEALTH_FOR_A_GEMEENTE, encoding="utf-8")
    code, answer = say("propose", by="eerste", catalogue="small.toml")
    assert (code, answer["code"]) == (ExitCode.REFUSED, "sender.catalogue-step.unproved")
    assert not (folder / "dossier").exists()


def test_a_catalogue_with_a_dead_row_is_not_proposed(folder: Path, say: Say) -> None:
    dead = small(folder, "dead.toml", "MAATREGEL", version="2027-3")
    text = dead.read_text("utf-8")
    assert 'to = { roles = ["gemeente"]' in text
    dead.write_text(text.replace('to = { roles = ["gemeente"]', 'to = { roles = ["toezichthouder"]'), encoding="utf-8")
    assert say("propose", by="eerste", catalogue="dead.toml")[1]["code"] == "sender.catalogue-step.unsound"


def test_who_comes_to_another_report_does_not_approve(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """As other software would: here the approver's asked one question."""

    def another(*arguments: Any) -> dict[str, JSONValue]:
        return {**proof_report(*arguments), "asked": 1}

    say("propose", by="eerste")
    monkeypatch.setattr(consent.cli.board, "proof_report", another)
    assert say("approve", by="tweede")[1]["code"] == "sender.catalogue-step.report"


def test_a_day_that_has_passed_is_not_proposed(say: Say) -> None:
    assert say("propose", "--from", "2026-01-01", by="eerste")[1]["code"] == "sender.catalogue-step.day"


def test_what_replaces_another_catalogue_is_not_approved(folder: Path, say: Say) -> None:
    """The dossier's comparison is with another catalogue than the one that the approver holds for in force."""
    small(folder, "old.toml", "TOEZICHT", version="2026-1a")
    say("propose", by="eerste")
    small(folder, "old.toml", "TOEZICHT", version="2026-1b")
    assert say("approve", by="tweede")[1]["code"] == "sender.catalogue-step.hindered"


def test_a_new_board_counts_and_the_steps_of_the_old_one_are_still_read(folder: Path, say: Say) -> None:
    """The second leaves: his approval counts no more, and the third's and a new member's do."""
    say("propose", by="eerste")
    say("approve", by="tweede")
    boards = [folder / "board.jwt", appoint(folder, "eerste", "derde", name="later.jwt", issued_at=2, more="vierde")]
    answer = say("status", boards=boards)
    assert hindrances(answer) == [["no-approval"]]
    assert [each["why"]["code"] for each in answer[1]["proposals"][0]["unheeded"]] == ["not-on-board"]
    assert say("approve", by="tweede", boards=boards)[1]["code"] == "sender.catalogue-step.office"
    for name in ("derde", "vierde"):
        assert say("approve", by=name, boards=boards)[0] == ExitCode.OK
    assert hindrances(say("status", boards=boards)) == [[]]
    assert say("status", boards=boards[1:])[1]["code"] == "sender.catalogue-step.signer"


def test_an_altered_step_is_refused_with_its_file(folder: Path, say: Say) -> None:
    say("propose", by="eerste")
    (path, *_) = sorted((folder / "dossier").glob("*.jwt"))
    path.write_text(path.read_text()[:-8] + "AAAAAAA\n")
    code, answer = say("status")
    assert (code, answer["text"].startswith(f"`{path.name}`")) == (ExitCode.REFUSED, True)


def test_files_are_checked_before_they_are_believed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that others can read, a board of somebody else, a board that does not count yet."""
    key = folder / "eerste/member.pem"
    assert key.stat().st_mode & 0o077 == 0
    arguments = ["--dossier", str(folder / "d"), "--registrar", str(folder / "registrar.jwk.json"), "--first"]
    board = ["--board", str(folder / "board.jwt")]
    propose = ["propose", str(folder / "new.toml"), "--key", str(key), "--from", SOON, *arguments]
    key.chmod(0o644)
    assert main([*propose, *board]) == ExitCode.USAGE
    assert "open to others" in capsys.readouterr().err
    other = json.loads((folder / "fg/member.json").read_text())["jwk"]
    (folder / "registrar.jwk.json").write_text(json.dumps(other))
    assert main(["status", *arguments, *board]) == ExitCode.REFUSED
    (folder / "registrar.jwk.json").write_text("[]")
    assert main(["status", *arguments, *board]) == ExitCode.REFUSED
    (folder / "registrar.jwk.json").write_text(json.dumps(REGISTRAR.public.to_jwk()))
    later = appoint(folder, *OFFICES, name="later.jwt", issued_at=4_000_000_000)
    assert main(["status", *arguments, "--board", str(later)]) == ExitCode.USAGE
    assert main(["status", *arguments, "--board", str(folder / "nothing.jwt")]) == ExitCode.USAGE
    (folder / "wrong.jwt").write_bytes(b"\xff")
    assert main(["status", *arguments, "--board", str(folder / "wrong.jwt")]) == ExitCode.USAGE
    assert main(["member", str(folder / "eerste"), "--office", "fg"]) == ExitCode.USAGE


def test_people_read_it_in_dutch_first(folder: Path, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--dossier", str(folder / "dossier"), "--board", str(folder / "board.jwt")]
    common += ["--registrar", str(folder / "registrar.jwk.json")]
    status = ["status", *common, "--in-force", str(folder / "old.toml")]
    assert main(status) == ExitCode.REFUSED
    assert capsys.readouterr().out == "er is geen voorstel\n  there is no proposal\n"
    say("propose", by="eerste")
    own = ["approve", str(folder / "new.toml"), "--key", str(folder / "tweede/member.pem"), *common]
    assert main([*own, "--in-force", str(folder / "old.toml"), "--processes", "1"]) == ExitCode.OK
    assert f"goedgekeurd: catalogus 2027-1, vanaf {SOON}\n  approved: " in capsys.readouterr().out
    (folder / "advice.txt").write_text("Doe het.")
    say("advise", "--advice", str(folder / "advice.txt"), "--outcome", "ok", by="fg")
    assert main(status) == ExitCode.REFUSED
    out = capsys.readouterr().out
    assert "    advies van de FG: positief" in out
    assert "    in de weg: Een beheerder heeft het goedgekeurd" in out
    say("approve", by="derde")
    assert main(status) == ExitCode.OK
    assert f"kan in werking treden op {SOON}" in capsys.readouterr().out
    assert main(["member", str(folder / "vijfde"), "--office", "fg"]) == ExitCode.OK
    assert "houd die bij u" in capsys.readouterr().out


def test_an_approval_that_does_not_count_is_shown_with_its_reason(
    folder: Path, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    say("propose", by="eerste")
    say("approve", by="tweede")
    later = appoint(folder, "eerste", "derde", "fg", name="small.jwt", issued_at=2, more="vierde")
    status = ["status", "--dossier", str(folder / "dossier"), "--registrar", str(folder / "registrar.jwk.json")]
    status += ["--in-force", str(folder / "old.toml"), "--board", str(folder / "board.jwt"), str(later)]
    assert main(status) == ExitCode.REFUSED
    assert "not counted: Whoever took this step may not take it" in capsys.readouterr().out


def test_a_dossier_has_limits(folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many steps, and no file of them is large: what somebody else put there is not read for ever."""
    say("propose", by="eerste")
    boards = read_boards([folder / "board.jwt"], registrar=folder / "registrar.jwk.json")
    assert len(read_steps(folder / "dossier", boards=boards)) == 3
    with pytest.raises(AuthenticationError):
        read_steps(folder / "dossier", boards=())
    monkeypatch.setattr("consent.cli.dossier.STEPS_MAX", 2)
    with pytest.raises(UnreadableError, match="more than 2 steps"):
        read_steps(folder / "dossier", boards=boards)
    (folder / "large.txt").write_bytes(bytes(BYTES_MAX + 1))
    with pytest.raises(UnreadableError, match="larger than"):
        read_note(folder / "large.txt")


def test_half_a_file_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never be replaced, and stand in the way of a whole one."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UnreadableError, match="No space left"):
        write_document(tmp_path, Document.REPORT, b"{}")
    assert list((tmp_path / "reports").iterdir()) == []
