"""What an operator reads when a command cannot do its work: a sentence that says what to do, never a traceback."""

import socket
from pathlib import Path

import pytest

from hub.cli.main import main
from tests.support.hub_server import write_hub_files

pytestmark = pytest.mark.database


def hub_settings(folder: Path, *, database_url: str) -> Path:
    return write_hub_files(folder, url="http://127.0.0.1:1", database_url=database_url, redis_url="")


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["participants"],
        ["log", "recover", "."],
        ["log", "consistency", "--from", "1", "--to", "1"],
    ],
)
def test_a_database_without_tables_is_to_be_migrated(
    empty_database_url: str, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = hub_settings(tmp_path, database_url=empty_database_url)
    assert main([*command, "--settings", str(settings)]) == 1
    said = capsys.readouterr().err
    assert "the database was never migrated: run `ketenhub migrate` (hub.database.version)" in said
    assert said.count("ketenhub migrate") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("options", [[], ["--host", "192.0.2.1"]])
def test_an_address_that_cannot_be_listened_on_is_named(
    database_url: str, tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = hub_settings(tmp_path, database_url=database_url)
        assert main(["serve", "--settings", str(settings), "--port", str(port), *options]) == 1
    said = capsys.readouterr().err
    assert str(port) in said
    assert "Traceback" not in said


def test_a_port_that_is_none_is_refused(database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = hub_settings(tmp_path, database_url=database_url)
    with pytest.raises(SystemExit) as raised:
        main(["serve", "--settings", str(settings), "--port", "99999"])
    assert raised.value.code == 2
    assert "a port from 0 to 65535" in capsys.readouterr().err


def test_a_database_that_is_away_is_said_once(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database_url.replace("socket", "no-such-socket")
    settings = hub_settings(tmp_path, database_url=url)
    assert main(["participants", "--settings", str(settings)]) == 75
    said = capsys.readouterr().err
    assert said.startswith("error: the database could not be reached")
    assert said.count("error") == 1
