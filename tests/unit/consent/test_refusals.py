"""What `ketenhub-policy` refuses it refuses in Dutch first."""

import re
from importlib import resources
from pathlib import Path

import pytest

from consent.cli.exits import ExitCode
from consent.cli.main import main
from consent.cli.refusals import refused
from schemas.errors import RejectedMessageError

ENGLISH = "this is what is said in English"


def codes() -> set[str]:
    """Every code of a step that the commands, or the form of a step, can refuse with."""
    folders = (resources.files("consent").joinpath("cli"), resources.files("schemas"))
    texts = [each.read_text("utf-8") for folder in folders for each in folder.iterdir() if each.name.endswith(".py")]
    return {
        code for text in texts for code in re.findall(r'"((?:sender\.catalogue-step|hub\.catalogue)\.[a-z-]+)"', text)
    }


def test_every_code_of_a_step_is_said_in_dutch() -> None:
    found = codes()
    assert {"sender.catalogue-step.own-proposal", "sender.catalogue-step.signer"} <= found
    assert [code for code in sorted(found) if refused(RejectedMessageError(ENGLISH, code=code)) == ENGLISH] == []


def test_what_has_no_dutch_text_is_said_in_english() -> None:
    assert refused(RejectedMessageError(ENGLISH, code="sender.something.new")) == ENGLISH


def test_a_board_that_is_no_signed_file_is_refused_in_dutch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The registrar's key is read first, then the board."""
    registrar = tmp_path / "registrar.jwk.json"
    registrar.write_text("{}", encoding="utf-8")
    words = ["status", "--first", "--dossier", str(tmp_path), "--board", str(tmp_path / "none.jwt")]
    assert main([*words, "--registrar", str(registrar)]) == ExitCode.REFUSED
    err = capsys.readouterr().err
    assert err.startswith("geweigerd: dit is geen sleutel die deze uitwisseling kent (sender.jwk.")
    assert "\nrefused: " in err
