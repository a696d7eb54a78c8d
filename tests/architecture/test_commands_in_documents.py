"""What a document tells somebody to type, works: each command line is read by the parser of its program."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import FENCE, command_lines, make_targets, programs, what_is_wrong, what_is_wrong_inline
from tests.support.tree import REPOSITORY, texts

DOCUMENTS: Final = dict(texts(".md"))
UNITS: Final = sorted((REPOSITORY / "deploy" / "systemd").glob("*.service"))
OTHERS: Final = frozenset(
    {"cat", "cd", "chmod", "chown", "cp", "curl", "diff", "find", "git", "grep", "install", "ls", "mkdir", "mv"}
    | {"pg_basebackup", "pg_dump", "pg_restore", "psql", "python3", "python", "rm", "systemctl", "tail", "useradd"}
    | {"groupadd", "ln", "usermod"}
    | {"journalctl", "echo", "sha256sum", "sc.exe", "icacls", "openssl"}
)
"""Programs of others that documents may use; each is on the machine it is meant for, or named as needed."""

_INLINE: Final = re.compile(rf"`((?:make|{'|'.join(sorted(programs(), key=len, reverse=True))})(?: [^`\n]*)?)`")


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if list(command_lines(DOCUMENTS[name]))])
def test_every_command_in_a_block_can_be_given(name: str) -> None:
    """Program, command, options, their values and what must be there: as the program itself reads them."""
    wrong = [text for words in command_lines(DOCUMENTS[name]) if (text := what_is_wrong(words))]
    assert wrong == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_block_of_commands_uses_known_programs(name: str) -> None:
    """In a block marked `sh` every line is a command, of ours or of a program that is named here."""
    known = OTHERS | programs().keys() | {"make"}
    unknown = {words[0] for words in command_lines(DOCUMENTS[name]) if words[0].rpartition("/")[2] not in known}
    assert unknown == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_running_text_is_there(name: str) -> None:
    """A command in code type names a command and options that the program has."""
    prose = FENCE.sub("", DOCUMENTS[name])
    assert [text for code in _INLINE.findall(prose) if (text := what_is_wrong_inline(code))] == []


def test_the_readme_tells_the_two_commands_and_how_to_test() -> None:
    """`make demo`, `make run` and `make test` stand in a block of the README."""
    given = {tuple(words[:2]) for words in command_lines((REPOSITORY / "README.md").read_text("utf-8"))}
    assert {("make", "demo"), ("make", "run"), ("make", "test")} <= given


def test_the_makefile_explains_each_target() -> None:
    """`make` alone lists every target with what it does."""
    text = (REPOSITORY / "Makefile").read_text("utf-8")
    explained = set(re.findall(r"^([a-z]+):.*## \S", text, re.MULTILINE))
    assert explained == set(make_targets())


def test_every_module_that_make_starts_is_there() -> None:
    """`python -m deploy.local.demo` and the like name modules of the tree, or of what is installed."""
    started = set(re.findall(r"python -m ([a-z_.]+)", (REPOSITORY / "Makefile").read_text("utf-8")))
    ours = {name for name in started if name.partition(".")[0] in {"deploy", "tests"}}
    assert ours
    paths = {name: REPOSITORY / name.replace(".", "/") for name in ours}
    started_by = {name: (path.with_name(f"{path.name}.py"), path / "__main__.py") for name, path in paths.items()}
    assert {name for name, files in started_by.items() if not any(file.is_file() for file in files)} == set()


@pytest.mark.parametrize(
    "unit", sorted((REPOSITORY / "deploy" / "systemd").glob("*.service")), ids=lambda path: path.name
)
def test_every_unit_starts_a_command_that_exists(unit: Path) -> None:
    """`ExecStart` of a service is a command line of the product; `%i` is a port."""
    (command,) = re.findall(r"^ExecStart=(.+)$", unit.read_text("utf-8"), re.MULTILINE)
    words = command.replace("%i", "8480").split()
    words[0] = words[0].rpartition("/")[2]
    assert words[0] in programs()
    assert what_is_wrong(words) == ""


@pytest.mark.parametrize(
    "line",
    [
        "make nothing",
        "make demo COLOUR=red",
        "ketenhub serve --sttings hub.toml",
        "ketenhub-log check",
        "ketenhub-registrar admit request.json --key k",
        "ketenhub keys destroy --settings hub.toml",
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    """The check itself can fail."""
    (words,) = command_lines(f"```sh\n{line}\n```")
    assert what_is_wrong(words)


@pytest.mark.parametrize("code", ["make nothing", "ketenhub-log forget", "ketenhub keys --all"])
def test_a_command_in_running_text_that_does_not_exist_is_found(code: str) -> None:
    """The check itself can fail."""
    assert what_is_wrong_inline(code)
