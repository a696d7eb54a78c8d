"""`deploy/settings.md` has every setting, and nothing else."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from connectors import settings as connector_settings
from hub.settings import describe_settings, load_settings
from tests.support.tree import REPOSITORY, modules

DOCUMENT: Final = (REPOSITORY / "deploy" / "settings.md").read_text(encoding="utf-8")
_ROW: Final = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
_VARIABLE: Final = re.compile(r"KETENHUB_[A-Z_]*[A-Z]")


def section(title: str) -> str:
    """Return a section of the document, without its title."""
    return DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> dict[str, list[str]]:
    """Return the rows of a section's table: name to the other cells."""
    return {name: rest.split(" | ") for name, rest in _ROW.findall(section(title))}


def connector_fields(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each setting of `connector.toml` with its default, as the document writes it."""
    for each in msgspec.structs.fields(kind):
        inner = _struct(each.type)
        if inner is not None:
            yield from connector_fields(inner, f"{prefix}{each.encode_name}.")
        else:
            table = f" in `[{prefix[:-1]}]`" if prefix == "responsible." else ""
            yield f"{prefix}{each.encode_name}", _shown(each) + (table if each.required else "")


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """Return the table that a setting is, if it is one (`Any`: annotations have no common type)."""
    for each in (kind, *getattr(kind, "__args__", ())):
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            return each
    return None


def _shown(each: msgspec.structs.FieldInfo) -> str:
    if each.required:
        return "required"
    if each.default is None:
        return "absent"
    if each.default_factory is not msgspec.NODEFAULT or each.default in ("", ()):
        return "empty"
    return str(each.default)


def test_every_setting_of_the_hub_is_documented_as_the_code_says_it() -> None:
    """Name, unit, default and effect are those that `ketenhub settings` prints."""
    assert rows("Hub") == {name: [unit, default, effect] for name, unit, default, effect in describe_settings()}


def test_every_setting_of_the_connector_is_documented_with_its_default() -> None:
    """What `connector.toml` may hold is what the table lists, in the same order."""
    documented = {name: cells[1] for name, cells in rows("Connector").items()}
    assert documented == dict(connector_fields(connector_settings._File))
    assert all(len(cells) == 3 and cells[2] for cells in rows("Connector").values())


def test_the_example_for_production_is_accepted(tmp_path: Path) -> None:
    """The smallest file is complete: an operator can start from it."""
    (example,) = re.findall(r"```toml\n(.*?)```", section("Hub"), re.DOTALL)
    path = tmp_path / "hub.toml"
    path.write_text(example, encoding="utf-8")
    settings = load_settings(path, environment={})
    assert settings.hub.environment == "production"
    assert tomllib.loads(example).keys() >= {"hub", "keys", "storage"}


def test_every_environment_variable_is_documented() -> None:
    """A variable that the product reads by its full name stands in the document, or is a setting's."""
    of_settings = {f"KETENHUB_{name.replace('.', '_').upper()}" for name, *_ in describe_settings()}
    read = {
        name
        for path, module in modules("hub", "connectors", "deploy")
        for name in _VARIABLE.findall((REPOSITORY / path).read_text(encoding="utf-8"))
        if module.body
    }
    assert {name for name in read - of_settings if name not in DOCUMENT} == set()
