"""The commands that need no hub: a home is made, looked at, and kept."""

import json
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from connectors.agent.journal import Journal, NoticeKind, notify
from connectors.agent.keystore import keep_chain_key, load_keys, open_to_others
from connectors.agent.lock import AlreadyRunningError, locked
from connectors.cli.main import main
from connectors.settings import load_settings
from schemas.admissions import verify_statement
from schemas.clock import FrozenClock
from schemas.codes import Capacity, Register
from schemas.errors import DocumentError
from schemas.identifiers import OIN
from schemas.jwk import SigningKey
from schemas.pseudonyms import ChainKey
from schemas.randomness import UnsafeSeededRandomness

LOG_VKEY = "hub.ketenhub.test/log/1+1a2b3c4d+AQ"


@pytest.fixture
def registrar(tmp_path: Path) -> Path:
    path = tmp_path / "registrar.jwk.json"
    key = SigningKey.generate(randomness=UnsafeSeededRandomness("registrar"))
    path.write_text(json.dumps(key.public.to_jwk()), encoding="utf-8")
    return path


@pytest.fixture
def home(tmp_path: Path, registrar: Path) -> Path:
    folder = tmp_path / "home"
    assert _init(folder, registrar) == 0
    return folder


def _init(home: Path, registrar: Path, *more: str, role: str = "gemeente") -> int:
    return main(
        [
            "init",
            "--home",
            str(home),
            "--oin",
            "00000099000000001000",
            "--name",
            "Gemeente Voorbeeldstad",
            "--role",
            role,
            "--hub",
            "http://127.0.0.1:1",
            "--hub-name",
            "hub.ketenhub.test",
            "--registrar",
            str(registrar),
            "--log-vkey",
            LOG_VKEY,
            *more,
        ]
    )


def test_init_makes_everything_that_run_needs(home: Path) -> None:
    settings = load_settings(home)
    assert settings.oin == OIN("00000099000000001000")
    assert settings.hub.log_vkey == LOG_VKEY
    assert all(folder.is_dir() for folder in settings.folders.each())
    keys = load_keys(settings.keys)
    assert keys.newest_chain is None
    statement = verify_statement((home / "participant-statement.jwt").read_text("ascii").strip())
    assert statement.signing_key.thumbprint == keys.signing.public.thumbprint
    assert statement.sealing_key.kid == keys.sealing.public.kid


def test_the_request_for_admission_says_who_asks_and_with_which_key(home: Path) -> None:
    request = json.loads((home / "admission-request.json").read_bytes())
    keys = load_keys(home / "keys")
    assert request == {
        "oin": "00000099000000001000",
        "name": "Gemeente Voorbeeldstad",
        "role": "gemeente",
        "capacities": [],
        "first_key": keys.signing.public.thumbprint.value,
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_keys_are_for_their_owner_alone(home: Path) -> None:
    for path in (home / "keys", home / "keys" / "chain"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for name in ("signing.pem", "sealing.seed"):
        assert stat.S_IMODE((home / "keys" / name).stat().st_mode) == 0o600
    assert open_to_others(home / "keys") == ()
    os.chmod(home / "keys" / "signing.pem", 0o644)  # noqa: PTH101 - as an operator would
    assert open_to_others(home / "keys") == (home / "keys" / "signing.pem",)


def test_init_again_keeps_keys_settings_and_statement(home: Path, registrar: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert _init(home, registrar) == 0
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_only_a_gi_has_capacities(tmp_path: Path, registrar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _init(tmp_path / "x", registrar, "--capacity", "ots") == 1
    assert "GI" in capsys.readouterr().err
    assert _init(tmp_path / "gi", registrar, "--capacity", "ots", role="gi") == 0
    assert load_settings(tmp_path / "gi").capacity is Capacity.OTS


def test_who_answers_by_default_is_set_at_init(tmp_path: Path, registrar: Path) -> None:
    assert _init(tmp_path / "a", registrar, "--responsible", "SKJ:110012345") == 0
    responsible = load_settings(tmp_path / "a").responsible
    assert responsible is not None
    assert (responsible.register, responsible.number.value) == (Register.SKJ, "110012345")
    assert _init(tmp_path / "b", registrar, "--responsible", "AGB:1") == 1


def test_status_shows_a_notice_until_it_is_confirmed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(home / "journal.sqlite")
    with journal.step("told") as db:
        notify(
            db,
            kind=NoticeKind.WITHHELD,
            about="m1",
            text_nl="niet meegestuurd",
            text_en="withheld",
            at=FrozenClock().now(),
        )
    journal.close()
    assert main(["status", "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert shown.index("niet meegestuurd") < shown.index("withheld\n")
    assert main(["confirm", "--home", str(home), "m1"]) == 0
    capsys.readouterr()
    assert main(["status", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notices"] == []
    assert main(["confirm", "--home", str(home), "m1"]) == 1


def test_a_home_that_is_none_says_so_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert "init" in capsys.readouterr().err


def test_a_hub_that_is_not_there_is_a_later_and_doctor_says_why(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "connector.toml").write_text(
        (home / "connector.toml").read_text("utf-8").replace(LOG_VKEY, _real_vkey()), encoding="utf-8"
    )
    assert main(["chain-key", "take", "--home", str(home)]) == 75
    capsys.readouterr()
    assert main(["doctor", "--home", str(home)]) == 1
    shown = capsys.readouterr().out
    assert "FOUT    De hub antwoordt niet" in shown
    assert "FAULT   The hub does not answer" in shown
    assert shown.index("De hub antwoordt niet") < shown.index("The hub does not answer")
    file = tmp_path / "verzoek.xml"
    file.write_bytes(b"<x/>")
    assert main(["send", "--home", str(home), "--seconds", "0", str(file)]) == 1
    assert (home / "refused" / "verzoek.xml.problem.json").exists()


def _real_vkey() -> str:
    from audit.note import NoteSigner

    return NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=b"1" * 32).public.vkey


def test_an_example_is_a_message_of_this_organisation(home: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from connectors.formats.stuf import read_stuf

    references = set()
    for _ in range(2):
        assert main(["example", "vto", "--home", str(home), "--to", "00000099000000002000"]) == 0
        document = read_stuf(capfdbinary.readouterr().out)
        assert document.sender.organisation == "00000099000000001000"
        references.add(document.reference)
    assert len(references) == 2
    assert main(["example", "vto", "--home", str(home), "--to", "00000099000000002000", "--scenario", "10"]) == 1


def test_one_process_works_on_a_home(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(AlreadyRunningError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_chain_key_is_kept_once(home: Path) -> None:
    key = ChainKey.generate(epoch=3, randomness=UnsafeSeededRandomness("chain"))
    keep_chain_key(home / "keys", key)
    keys = load_keys(home / "keys")
    assert keys.newest_chain == key
    with pytest.raises(FileExistsError):
        keep_chain_key(home / "keys", key)


def test_a_key_that_is_missing_is_named(home: Path) -> None:
    (home / "keys" / "sealing.seed").unlink()
    with pytest.raises(DocumentError, match=r"sealing\.seed"):
        load_keys(home / "keys")


def test_a_wrong_command_line_ends_with_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["send"])
    assert caught.value.code == 2


def test_the_list_of_commands_is_dutch_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who works with it is an officer or a manager of systems, in Dutch."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out.partition("COMMAND\n")[2].partition("\n\n")[0]
    lines = re.split(r"\n {4}(?=\S)", listed)
    assert len(lines) > 20
    assert [line for line in lines if " / " not in line] == []


@pytest.mark.parametrize(
    "command",
    [
        ["init"],
        ["join"],
        ["rotate"],
        ["example"],
        *(["api", each] for each in ("token", "openapi")),
        *(["log", each] for each in ("accept", "fetch")),
        *(["canary", each] for each in ("run", "once", "status")),
        *(["chain-key", each] for each in ("create", "open", "hand-over", "take")),
    ],
    ids="-".join,
)
def test_what_a_command_takes_is_said_dutch_first(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    usage, *parts = capsys.readouterr().out.split("\n\n")
    told = [part for part in parts if not part.startswith(("positional", "options"))]
    lines = [line for part in parts if part not in told for line in re.split(r"\n {2}(?=\S)", part)[1:]]
    assert usage.startswith("usage:")
    assert len(lines) > 1
    assert [line for line in (*told, *lines) if " / " not in line and "--help" not in line] == []
