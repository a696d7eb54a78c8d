"""What the page for lawyers and privacy officers shows is what the commands do: each example runs as it is written."""

import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Final

import pytest

from consent.cli.exits import ExitCode
from consent.cli.main import main
from consent.grounds import Ground
from tests.support.catalogue_files import PACKAGED

PAGE: Final = resources.files("consent").joinpath("changing-the-catalogue.md").read_text(encoding="utf-8")
COMMANDS: Final = tuple(
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip()
)

EXPECTED: Final[dict[str, tuple[ExitCode, str]]] = {
    "explain VTO": (ExitCode.OK, "Grondslag VTO, Verzoek tot onderzoek: Jeugdwet, artikel 2.4 lid 1"),
    "explain VTO --from": (ExitCode.REFUSED, "Dit mag alleen als het noodzakelijk is genoemd"),
    "try --from gemeente --to gi:preventief": (ExitCode.REFUSED, "Iemand die moet toestemmen, heeft geweigerd."),
    "try --from gemeente --to gi:ots": (ExitCode.REFUSED, "De maatregel is op deze dag afgelopen."),
    "check": (ExitCode.OK, "in orde: geen fouten"),
    "prove": (ExitCode.OK, "bewezen: alle 15 zinnen houden"),
    "diff": (ExitCode.REFUSED, "WORDT MOGELIJK op KLACHT, vanaf 2027-01-01"),
    "register": (ExitCode.OK, ""),
    "coverage": (ExitCode.OK, "4.2.1    gedragen door KLACHT (voorstel)"),
}
"""What each example begins with, and what comes of it; the last that fits counts."""


def small(version: str, *, until: str) -> str:
    """A catalogue of one ground, so that proving it is soon done."""
    head, *rows = PACKAGED.data.decode().split("[[ground]]")
    (row,) = [row for row in rows if 'code = "KLACHT"\n' in row]
    row = row.replace("valid_from = 2015-01-01", f"valid_from = 2015-01-01{until}")
    return "[[ground]]".join((head.replace('"2026-1"', f'"{version}"'), row))


@pytest.mark.parametrize("command", [command for command in COMMANDS if " --registrar " not in command])
def test_an_example_runs_as_it_is_written(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with an old and a new catalogue; the new one lets complaints go on after 2026."""
    (tmp_path / "oud.toml").write_text(small("2026-1", until="\nvalid_until = 2026-12-31"), encoding="utf-8")
    (tmp_path / "nieuw.toml").write_text(small("2027-1", until=""), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(command)
    code, text = [found for begin, found in EXPECTED.items() if " ".join(words).startswith(begin)][-1]
    assert (program, main(words)) == ("ketenhub-policy", code)
    assert text in capsys.readouterr().out
    assert (tmp_path / "register.md").exists() is ("--output" in words)


@pytest.mark.parametrize("command", [command for command in COMMANDS if " --registrar " in command])
def test_an_example_of_the_board_is_understood(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fails at the files that are not there, or the hub that is not, and not at its words."""
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(command.replace("https://hub.example.nl", "http://127.0.0.1:9"))
    assert (program, main(words)) == ("ketenhub-policy", ExitCode.USAGE)
    assert "fout: " in capsys.readouterr().err


def test_the_page_has_an_example_of_each_command_and_tells_each_member_of_a_row() -> None:
    assert {command.split()[1] for command in COMMANDS} == {
        *("explain", "try", "check", "prove", "diff", "register", "coverage", "status", "send"),
    }
    names = {"sender": "from", "recipient": "to"}
    members = {names.get(name, name) for name in Ground.__dataclass_fields__} - {"title", "purpose", "carries"}
    told = set(re.findall(r"`([a-z_]+)`", "".join(line for line in PAGE.splitlines() if line.startswith("| `"))))
    assert members <= told
