"""Settings are checked whole before anything starts."""

import os
from pathlib import Path

import pytest

from hub.settings import Settings, describe_settings, is_set, load_settings, read_secret
from schemas.errors import DocumentError

MINIMAL = """
[hub]
name = "hub.ketenhub.test"
issuer = "https://hub.ketenhub.test"

[keys]
log = "keys/log.skey"
token = "keys/token.key"
registrar = "keys/registrar.jwk.json"

[storage]
postgresql = "host=/run/postgresql dbname=ketenhub"
guard = "guard"
"""


def settings_of(folder: Path, text: str, **environment: str) -> Settings:
    path = folder / "hub.toml"
    path.write_text(text)
    return load_settings(path, environment=environment)


def issues_of(folder: Path, text: str, **environment: str) -> set[str]:
    with pytest.raises(DocumentError) as raised:
        settings_of(folder, text, **environment)
    return {issue.pointer for issue in raised.value.issues}


def test_a_minimal_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, MINIMAL)
    assert settings.hub.environment == "production"
    assert settings.log_origin == "hub.ketenhub.test/log/1"
    assert settings.api == "https://hub.ketenhub.test"
    assert settings.web.body_bytes_max == 32 * 1024 * 1024
    assert not is_set(settings.redis.password)


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    assert settings_of(tmp_path, MINIMAL).keys.token == tmp_path / "keys/token.key"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        MINIMAL,
        KETENHUB_WEB_PORT="9000",
        KETENHUB_HUB_NAME="other.test",
        KETENHUB_KEYS_PREDECESSORS="a+1+x, b+2+y",
    )
    assert (settings.web.port, settings.hub.name) == (9000, "other.test")
    assert settings.keys.predecessors == ("a+1+x", "b+2+y")


def test_every_issue_is_listed_at_once(tmp_path: Path) -> None:
    text = '[hub]\nname = 3\nextra = 1\n[web]\nport = "x"\n[nowhere]\n'
    assert issues_of(tmp_path, text) >= {
        "/hub/name",
        "/hub/extra",
        "/hub/issuer",
        "/web/port",
        "/nowhere",
        "/keys/log",
        "/storage/postgresql",
    }


@pytest.mark.parametrize(
    ("setting", "variable", "value"),
    [
        ("hub/issuer", "KETENHUB_HUB_ISSUER", "http://hub.ketenhub.test"),
        ("hub/issuer", "KETENHUB_HUB_ISSUER", "https://hub.ketenhub.test/?x=1"),
        ("hub/name", "KETENHUB_HUB_NAME", "Not A Name"),
        ("hub/environment", "KETENHUB_HUB_ENVIRONMENT", "staging"),
        ("storage/postgresql", "KETENHUB_STORAGE_POSTGRESQL", "host=db password=hunter2"),
        ("storage/postgresql", "KETENHUB_STORAGE_POSTGRESQL", "postgresql://u:hunter2@db/ketenhub"),
        ("storage/pool_max", "KETENHUB_STORAGE_POOL_MAX", "1"),
        ("redis/url", "KETENHUB_REDIS_URL", "http://cache"),
        ("redis/url", "KETENHUB_REDIS_URL", "redis://:hunter2@cache/0"),
        ("web/port", "KETENHUB_WEB_PORT", "70000"),
        ("web/body_bytes_max", "KETENHUB_WEB_BODY_BYTES_MAX", "99999999"),
        ("work/unsafe_notify_anywhere", "KETENHUB_WORK_UNSAFE_NOTIFY_ANYWHERE", "true"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path: Path, setting: str, variable: str, value: str) -> None:
    assert f"/{setting}" in issues_of(tmp_path, MINIMAL, **{variable: value})


@pytest.mark.parametrize("by_variable", [False, True], ids=["file", "variable"])
def test_a_file_of_grounds_is_refused_with_what_to_do_instead(tmp_path: Path, *, by_variable: bool) -> None:
    """A hub that ignored it would not do what its operator thinks."""
    text = MINIMAL if by_variable else MINIMAL.replace("[hub]", '[hub]\ncatalogue = "grounds.toml"', 1)
    environment = {"KETENHUB_HUB_CATALOGUE": "grounds.toml"} if by_variable else {}
    with pytest.raises(DocumentError) as refused:
        settings_of(tmp_path, text, **environment)
    (issue,) = refused.value.issues
    assert issue.pointer.startswith("/hub/catalogue")
    assert "the board of the catalogue" in issue.text


def test_what_is_unsafe_is_permitted_only_outside_production(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, MINIMAL, KETENHUB_HUB_ENVIRONMENT="local", KETENHUB_WORK_UNSAFE_NOTIFY_ANYWHERE="true"
    )
    assert settings.work.unsafe_notify_anywhere


def test_a_refusal_never_repeats_a_password(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        settings_of(tmp_path, MINIMAL, KETENHUB_STORAGE_POSTGRESQL="postgresql://u:hunter2@db/ketenhub")
    assert "hunter2" not in repr(raised.value.issues) + str(raised.value)


def test_every_setting_says_its_unit_and_effect() -> None:
    described = describe_settings()
    assert len(described) > 25
    assert all(unit and default and effect for _, unit, default, effect in described)


def test_a_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"abc\n")
    path.chmod(0o600)
    assert read_secret(path) == b"abc"


@pytest.mark.skipif(os.name == "nt", reason="file rights are another thing there")
@pytest.mark.parametrize(("content", "mode"), [(b"abc", 0o604), (b"", 0o600)])
def test_a_secret_that_is_open_to_all_or_empty_is_refused(tmp_path: Path, content: bytes, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(DocumentError):
        read_secret(path)


@pytest.mark.parametrize("url", ["http://[bad", "https://hub:99999", "https://hub:x"])
def test_a_url_that_is_none_is_an_issue_and_no_crash(tmp_path: Path, url: str) -> None:
    issues = issues_of(tmp_path, MINIMAL, KETENHUB_HUB_ISSUER=url, KETENHUB_REDIS_URL=url)
    assert issues == {"/hub/issuer", "/hub/api", "/redis/url"}


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("postgresql", "host=db password=geheim"),
        ("postgresql", "host=db sslpassword=geheim"),
        ("postgresql", "postgresql://hub:geheim@db/ketenhub"),
        ("postgresql", "postgresql://db/ketenhub?user=hub&password=geheim"),
        ("redis", "redis://:geheim@cache/0"),
        ("redis", "redis://cache/0?password=geheim"),
    ],
)
def test_a_password_is_found_wherever_it_can_stand(tmp_path: Path, name: str, server: str) -> None:
    variable, pointer = {
        "postgresql": ("KETENHUB_STORAGE_POSTGRESQL", "/storage/postgresql"),
        "redis": ("KETENHUB_REDIS_URL", "/redis/url"),
    }[name]
    assert issues_of(tmp_path, MINIMAL, **{variable: server}) == {pointer}
