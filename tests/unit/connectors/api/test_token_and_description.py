"""The token of the API, and its description."""

import json
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from connectors.api.openapi import make_openapi
from connectors.api.routes import ROUTES
from connectors.api.token import TOKEN, is_token, make_token, read_token
from connectors.cli.main import main
from schemas.randomness import SystemRandomness, UnsafeSeededRandomness

MINIMUM = """
oin = "00000099000000001000"
name = "Gemeente Voorbeeldstad"
role = "gemeente"
[hub]
name = "hub.ketenhub.test"
url = "http://127.0.0.1:8080/"
"""


def test_a_token_is_made_once_and_replaced_when_asked(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    path = make_token(keys, randomness=UnsafeSeededRandomness("1"))
    first = read_token(keys)
    assert (path, len(first)) == (keys / TOKEN, 43)
    make_token(keys, randomness=SystemRandomness())
    assert read_token(keys) == first
    make_token(keys, randomness=SystemRandomness(), renew=True)
    assert read_token(keys) != first
    assert not is_token(first, folder=keys)
    assert is_token(read_token(keys), folder=keys)


def test_what_a_crash_left_halfway_does_not_hold_up_a_token(tmp_path: Path) -> None:
    (tmp_path / f".{TOKEN}.part").write_bytes(b"x")
    make_token(tmp_path, randomness=SystemRandomness())
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_nobody_else_reads_the_token(tmp_path: Path) -> None:
    path = make_token(tmp_path / "keys", randomness=SystemRandomness())
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("given", ["", " ", "é", "\udc80", "x" * 100_000])
def test_what_is_no_token_is_none(tmp_path: Path, given: str) -> None:
    assert not is_token(given, folder=tmp_path)
    make_token(tmp_path, randomness=SystemRandomness())
    assert not is_token(given, folder=tmp_path)
    (tmp_path / TOKEN).write_bytes(b"\xff\n")
    assert not is_token(given, folder=tmp_path)


def test_the_command_says_where_the_token_lies_and_not_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "connector.toml").write_text(MINIMUM)
    assert main(["api", "token", "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    first = read_token(tmp_path / "keys")
    assert str(tmp_path / "keys" / TOKEN) in said
    assert first not in said
    assert "De API staat uit" in said
    (tmp_path / "connector.toml").write_text(f'{MINIMUM}[api]\nlisten = "127.0.0.1:8490"\n')
    assert main(["api", "token", "--renew", "--home", str(tmp_path)]) == 0
    assert "De API staat uit" not in capsys.readouterr().out
    assert read_token(tmp_path / "keys") != first


def test_the_description_is_openapi_and_has_every_route(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["api", "openapi"]) == 0
    described = json.loads(capfdbinary.readouterr().out)
    assert described == json.loads(make_openapi(ROUTES))
    validate(described)
    found = {(method.upper(), path) for path, operations in described["paths"].items() for method in operations}
    assert found == {(route.method, route.path) for route in ROUTES}


def test_a_route_that_writes_says_how_large_its_body_may_be() -> None:
    """A body without a limit, or a limit without a body, would be a mistake of ours."""
    assert [route.name for route in ROUTES if bool(route.takes) is not (route.bytes_max > 0)] == []
    assert [route.name for route in ROUTES if bool(route.takes) is not bool(route.body)] == []
