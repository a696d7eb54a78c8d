"""Settings of a connector: what `init` writes is what `run` reads."""

from pathlib import Path

import pytest

from connectors.settings import Settings, load_settings, parse_settings, settings_to_toml
from schemas.codes import Capacity, Register, Role
from schemas.errors import DocumentError
from schemas.identifiers import OIN, ProfessionalNumber
from schemas.message import Responsible

MINIMUM = """
oin = "00000099000000001000"
name = "Gemeente \\"Voorbeeldstad\\""
role = "gemeente"
[hub]
name = "hub.ketenhub.test"
url = "http://127.0.0.1:8080/"
"""


def test_a_minimum_is_filled_with_defaults(tmp_path: Path) -> None:
    settings = parse_settings(MINIMUM, home=tmp_path)
    assert settings.oin == OIN("00000099000000001000")
    assert settings.role is Role.GEMEENTE
    assert settings.hub.url == "http://127.0.0.1:8080"
    assert settings.folders.inbox == tmp_path / "in"
    assert settings.responsible is None
    assert settings.scan == ()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    text = (
        MINIMUM.replace('role = "gemeente"', 'role = "gi"\ncapacities = ["ots", "preventief"]\ncapacity = "ots"')
        + 'log_vkey = "hub.ketenhub.test/log/1+1a2b3c4d+AQ"\nregistrar = { kty = "OKP", x = "abc" }\n'
        + '[responsible]\nregister = "SKJ"\nnumber = "1 \'2\\\\"\n'
        + '[receives_in]\n"00000099000000003000" = "voogdij"\n'
    )
    settings = parse_settings(text, home=tmp_path)
    assert settings.capacities == (Capacity.OTS, Capacity.PREVENTIEF)
    assert settings.responsible == Responsible(register=Register.SKJ, number=ProfessionalNumber("1 '2\\"))
    (tmp_path / "connector.toml").write_text(settings_to_toml(settings), encoding="utf-8")
    read: Settings = load_settings(tmp_path)
    assert read == settings


@pytest.mark.parametrize(
    ("listen", "shown"),
    [("127.0.0.1:8490", "127.0.0.1:8490"), ("[::1]:8490", "[::1]:8490"), ("127.8.9.1:1", "127.8.9.1:1")],
)
def test_the_api_listens_on_this_machine(tmp_path: Path, listen: str, shown: str) -> None:
    assert parse_settings(MINIMUM, home=tmp_path).api is None
    assert str(parse_settings(f'{MINIMUM}[api]\nlisten = "{listen}"\n', home=tmp_path).api) == shown


@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:8490",
        "[::]:8490",
        ":8490",
        "8490",
        "localhost:8490",
        "192.0.2.1:8490",
        "[::ffff:192.0.2.1]:8490",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:٣",
        "127.0.0.01:80",
        "999.0.0.1:80",
        "[127.0.0.1:80",
    ],
)
def test_the_api_listens_nowhere_else(tmp_path: Path, listen: str) -> None:
    """What is asked there are values of children, in clear. A name could lead elsewhere tomorrow."""
    with pytest.raises(DocumentError, match=r"api\.listen"):
        parse_settings(f'{MINIMUM}[api]\nlisten = "{listen}"\n', home=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oin = ",
        MINIMUM + "unknown = 1\n",
        MINIMUM.replace("00000099000000001000", "99"),
        MINIMUM.replace("gemeente", "school"),
        MINIMUM.replace("http:", "ftp:"),
        MINIMUM.replace("127.0.0.1", "hub.example.nl"),
        MINIMUM.replace("127.0.0.1", "198.51.100.7"),
        MINIMUM.replace("127.0.0.1", "[::1"),
        "wait_seconds = 31\n" + MINIMUM,
        "poll_seconds = 0\n" + MINIMUM,
    ],
)
def test_what_is_missing_unknown_or_out_of_range_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        parse_settings(text, home=tmp_path)


def test_a_home_without_settings_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="init"):
        load_settings(tmp_path)


def test_a_wrong_value_is_told_with_the_file_that_it_stands_in(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"`connector\.toml` is not usable: .*OIN"):
        parse_settings(MINIMUM.replace("00000099000000001000", "99"), home=tmp_path)


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://[::1]:8080", "https://hub.example.nl"])
def test_a_hub_is_called_in_clear_on_this_machine_only(url: str, tmp_path: Path) -> None:
    text = "\n".join(f'url = "{url}"' if line.startswith("url") else line for line in MINIMUM.splitlines())
    assert parse_settings(text, home=tmp_path).hub.url == url


@pytest.mark.parametrize("proxy", ["http://proxy.gemeente.example:3128", "https://proxy.gemeente.example:443"])
def test_a_hub_is_reached_by_a_proxy_where_one_is_set(proxy: str, tmp_path: Path) -> None:
    assert parse_settings(MINIMUM, home=tmp_path).hub.proxy == ""
    settings = parse_settings(_with_proxy(proxy), home=tmp_path)
    assert settings.hub.proxy == proxy
    assert parse_settings(settings_to_toml(settings), home=tmp_path).hub.proxy == proxy


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:geheim@proxy.example:3128",
        "http://user@proxy.example:3128",
        "proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://proxy.example",
        "http://proxy.example:99999",
        "http://proxy.example:3128/path",
        "http://:3128",
    ],
)
def test_what_names_no_proxy_or_holds_a_password_is_refused_without_repeating_it(proxy: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"`hub\.proxy` must be") as refused:
        parse_settings(_with_proxy(proxy), home=tmp_path)
    assert "geheim" not in str(refused.value)


def _with_proxy(proxy: str) -> str:
    return "\n".join(f'{line}\nproxy = "{proxy}"' if line.startswith("url") else line for line in MINIMUM.splitlines())


def test_a_file_from_an_editor_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "connector.toml").write_bytes(b"\xef\xbb\xbf" + MINIMUM.replace("\n", "\r\n").encode())
    assert load_settings(tmp_path) == parse_settings(MINIMUM, home=tmp_path)


def test_a_file_in_another_encoding_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "connector.toml").write_bytes(MINIMUM.replace('name = "', 'name = "Súd', 1).encode("cp1252"))
    with pytest.raises(DocumentError, match="UTF-8"):
        load_settings(tmp_path)
