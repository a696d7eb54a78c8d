"""Who may import whom: the picture of the packages, as contracts."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support.tree import REPOSITORY, modules


def imported_by(module: ast.Module) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def test_the_contracts_of_import_linter_hold() -> None:
    """Layers, neighbours that never meet, and cores without network or database, as `make lint` checks them.

    In a process of its own, because import-linter sets up logging for the whole process.
    """
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_contracts_cover_every_package_that_is_imported() -> None:
    """A package that no contract names would be free to import anything."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = {name for layer in settings["contracts"][0]["layers"] for name in layer.split(" | ")}
    assert layers == set(settings["root_packages"]) == {"schemas", "consent", "audit", "hub", "connectors"}


def test_the_cores_are_the_sources_of_the_purity_contract() -> None:
    """Schemas, consent, audit and the use cases of the hub take what they need as arguments."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert {"schemas", "consent", "audit", "hub.exchange"} <= set(settings["contracts"][1]["source_modules"])


def test_deploy_uses_the_product_by_its_commands_only() -> None:
    """The local stack is an outsider: it starts processes, and what it can do an operator can do."""
    product = {"schemas", "consent", "audit", "hub", "connectors", "tests"}
    wrong = [
        f"{path} imports {name}"
        for path, module in modules("deploy")
        for name in imported_by(module)
        if name.partition(".")[0] in product
    ]
    assert wrong == []


def test_no_package_imports_deploy_or_tests() -> None:
    """What ships never needs what starts it or what tests it."""
    wrong = [
        f"{path} imports {name}"
        for path, module in modules("schemas", "consent", "audit", "hub", "connectors")
        for name in imported_by(module)
        if name.partition(".")[0] in {"deploy", "tests"}
    ]
    assert wrong == []


def test_imports_are_absolute() -> None:
    """A name has one way to be imported: from the module that defines it, by its full path."""
    wrong = [f"{path} imports {name}" for path, module in modules() for name in imported_by(module) if name[:1] == "."]
    assert wrong == []
