"""The commands of operator and registrar: what they write, and how they say that something is wrong."""

import errno
import json
import os
from pathlib import Path

import pytest

from hub.cli.common import CommandError, write_new
from hub.cli.main import main as ketenhub
from hub.cli.registrar import main as registrar
from schemas.admissions import verify_admission
from schemas.board import Member, Office, member_to_json, verify_board
from schemas.canonical import canonical_json
from schemas.codes import Capacity, Role
from schemas.epochs import verify_chain_epoch
from schemas.jwk import VerificationKey
from tests.support.parties import seeded_key

REQUEST = {
    "oin": "00000099000000003000",
    "name": "GI Voorbeeld Jeugdbescherming",
    "role": "gi",
    "capacities": ["ots", "voogdij"],
    "first_key": "A" * 43,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert registrar(["init", str(tmp_path / "registrar")]) == 0
    (tmp_path / "request.json").write_text(json.dumps(REQUEST))
    return tmp_path


def registrar_key(folder: Path) -> VerificationKey:
    return VerificationKey.from_jwk(json.loads((folder / "registrar/registrar.jwk.json").read_text()))


def admit(folder: Path, *more: str) -> int:
    key, out = folder / "registrar/registrar.pem", folder / "admission.jwt"
    return registrar(["admit", str(folder / "request.json"), "--key", str(key), "--out", str(out), *more])


def test_the_registrar_signs_what_a_request_asks_for(folder: Path) -> None:
    assert admit(folder) == 0
    admission = verify_admission((folder / "admission.jwt").read_text().strip(), registrar=registrar_key(folder))
    assert (admission.oin.value, admission.role, admission.capacities) == (
        "00000099000000003000",
        Role.GI,
        frozenset({Capacity.OTS, Capacity.VOOGDIJ}),
    )
    assert admission.valid_until is None


def test_a_period_is_given_in_days(folder: Path) -> None:
    assert admit(folder, "--from", "2026-01-01", "--until", "2027-01-01") == 0
    admission = verify_admission((folder / "admission.jwt").read_text().strip(), registrar=registrar_key(folder))
    assert (admission.valid_from, admission.valid_until) == (1_767_225_600, 1_798_761_600)


def test_a_canary_is_admitted_only_where_request_and_registrar_say_so(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text())
    assert admit(folder, "--canary") == 1
    (folder / "request.json").write_text(json.dumps({**request, "canary": True}))
    assert admit(folder) == 1
    assert not (folder / "admission.jwt").exists()
    assert admit(folder, "--canary") == 0
    token = (folder / "admission.jwt").read_text().strip()
    assert verify_admission(token, registrar=registrar_key(folder)).canary


def test_the_registrars_private_key_is_its_owners_alone(folder: Path) -> None:
    assert (folder / "registrar/registrar.pem").stat().st_mode & 0o077 == 0


def test_nothing_is_ever_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert registrar(["init", str(folder / "registrar")]) == 1
    assert admit(folder) == 0
    assert admit(folder) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"role": "gemeente"},
        {"oin": "123"},
        {"capacities": ["other"]},
        {"name": ""},
        {"first_key": "x"},
        {"more": 1},
    ],
)
def test_a_request_of_another_form_is_refused_with_its_places(
    folder: Path, change: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "request.json").write_text(json.dumps(REQUEST | change))
    assert admit(folder) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Traceback" not in said
    assert not (folder / "admission.jwt").exists()


def test_the_registrar_opens_an_epoch(folder: Path) -> None:
    (folder / "epoch.json").write_text(json.dumps({"epoch": 3, "fingerprint": "A" * 43}))
    key, out = folder / "registrar/registrar.pem", folder / "epoch.jwt"
    assert registrar(["open-epoch", str(folder / "epoch.json"), "--key", str(key), "--out", str(out)]) == 0
    epoch = verify_chain_epoch(out.read_text().strip(), registrar=registrar_key(folder))
    assert (epoch.epoch, epoch.fingerprint) == (3, "A" * 43)


def appoint(folder: Path, *offices: Office, more: tuple[str, ...] = ()) -> int:
    files = []
    for number, office in enumerate(offices):
        path = folder / f"member-{number}.json"
        member = Member(key=seeded_key(f"board/{number}").public, office=office)
        path.write_bytes(canonical_json(member_to_json(member)))
        files.append(str(path))
    key, out = folder / "registrar/registrar.pem", folder / "board.jwt"
    return registrar(["appoint", *files, "--key", str(key), "--out", str(out), *more])


def test_the_registrar_appoints_the_board(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offices = (Office.BEHEERDER, Office.BEHEERDER, Office.BEHEERDER, Office.FG)
    assert appoint(folder, *offices, more=("--from", "2027-01-01")) == 0
    board = verify_board((folder / "board.jwt").read_text().strip(), registrar=registrar_key(folder))
    assert (tuple(member.office for member in board.members), board.valid_from) == (offices, 1_798_761_600)
    assert f"fg: {board.members[3].key.thumbprint.value}" in capsys.readouterr().out


def test_a_board_that_could_never_decide_is_not_signed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert appoint(folder, Office.BEHEERDER, Office.BEHEERDER, Office.FG) == 1
    assert "fewer than 3 beheerders" in capsys.readouterr().err
    assert not (folder / "board.jwt").exists()


@pytest.mark.parametrize(
    "command",
    [["--help"], ["admit", "--help"], ["open-epoch", "--help"], ["appoint", "--help"], ["init", "--help"]],
)
def test_the_registrars_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        registrar(command)
    assert raised.value.code == 0
    assert "usage: ketenhub-registrar" in capsys.readouterr().out


@pytest.fixture
def settings(folder: Path) -> Path:
    path = folder / "hub.toml"
    path.write_text(
        """
[hub]
name = "hub.ketenhub.test"
issuer = "https://hub.ketenhub.test"
[keys]
log = "keys/log.skey"
token = "keys/token.key"
registrar = "registrar/registrar.jwk.json"
[storage]
postgresql = "host=/nowhere dbname=ketenhub connect_timeout=1"
guard = "guard"
"""
    )
    return path


def test_keys_are_made_once_and_shown(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ketenhub(["keys", "create", "--settings", str(settings)]) == 0
    first = capsys.readouterr().out
    before = (settings.parent / "keys/log.skey").read_bytes()
    assert ketenhub(["keys", "create", "--settings", str(settings)]) == 0
    assert capsys.readouterr().out == first
    assert (settings.parent / "keys/log.skey").read_bytes() == before
    assert "log vkey:   hub.ketenhub.test/log/1+" in first
    for name in ("log.skey", "token.key"):
        assert (settings.parent / "keys" / name).stat().st_mode & 0o077 == 0


def test_settings_that_cannot_be_used_are_listed_without_a_traceback(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KETENHUB_WEB_PORT", "x")
    monkeypatch.setenv("KETENHUB_HUB_NAME", "Not A Name")
    assert ketenhub(["keys", "show", "--settings", str(settings)]) == 1
    said = capsys.readouterr().err
    assert "/web/port" in said
    assert "Traceback" not in said


def test_a_database_that_is_away_is_told_apart_from_a_mistake(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ketenhub(["migrate", "--settings", str(settings)]) == 75
    assert "Traceback" not in capsys.readouterr().err


def test_an_invitation_is_what_the_registrar_reads(settings: Path, folder: Path) -> None:
    command = ["invite", "--settings", str(settings), "--oin", "00000099000000003000", "--name", "GI Voorbeeld"]
    command += ["--role", "gi", "--capacity", "ots", "--first-key", "A" * 43, "--out", str(folder / "invited.json")]
    assert ketenhub(command) == 0
    (folder / "request.json").write_bytes((folder / "invited.json").read_bytes())
    assert admit(folder) == 0


def test_a_worker_without_a_broker_says_what_it_needs(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ketenhub(["worker", "--settings", str(settings)]) == 1
    assert "[redis] url" in capsys.readouterr().err


def test_every_setting_in_force_is_shown(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ketenhub(["settings", "--settings", str(settings)]) == 0
    assert "web.port = '8080'" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["keys/log.skey", "keys/token.key", "registrar/registrar.jwk.json"])
def test_a_file_that_cannot_be_used_is_named(settings: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ketenhub(["keys", "create", "--settings", str(settings)]) == 0
    (settings.parent / name).write_text("nonsense!")
    capsys.readouterr()
    assert ketenhub(["serve", "--settings", str(settings)]) == 1
    assert f"`{settings.parent / name}`: " in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_no_finding_about_the_log(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 calls somebody at night."""
    monkeypatch.setattr("hub.cli.log.check_migrated", lambda _: None)
    assert ketenhub(["keys", "create", "--settings", str(settings)]) == 0
    assert ketenhub(["log", "recover", "--settings", str(settings), str(settings.parent / "none")]) == 1
    assert "is no folder" in capsys.readouterr().err


def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a key would be kept for the whole one at the next attempt, and never replaced."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(CommandError, match="No space left"):
            write_new(tmp_path / "log.skey", b"secret", secret=True)
    assert not (tmp_path / "log.skey").exists()
    write_new(tmp_path / "log.skey", b"secret", secret=True)
    assert (tmp_path / "log.skey").read_bytes() == b"secret"
