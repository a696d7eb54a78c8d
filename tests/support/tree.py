"""The repository's own files, as a checkout has them: nothing that was made by running something."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("schemas", "consent", "audit", "hub", "connectors", "deploy")
"""Folders with the product's code; `deploy` is started by process and imported by nobody."""

_MADE: Final = frozenset({"var", "__pycache__", "htmlcov", "dist", "build", "node_modules"})
_ROOT_FILES: Final = frozenset({".gitignore"})
_HIDDEN_FOLDERS: Final = frozenset({".ci"})


def files(*suffixes: str) -> Iterator[Path]:
    """Yield the files of the tree, in order.

    Args:
        suffixes: Endings such as `.py`; none for every file.
    """
    for path in sorted(_walk(REPOSITORY)):
        if not suffixes or path.suffix in suffixes:
            yield path


def texts(*suffixes: str) -> Iterator[tuple[str, str]]:
    """Yield each text file of the tree: its path from the root with `/`, and its text."""
    for path in files(*suffixes):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield relative(path), text


def modules(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield each Python module below the folders: its path from the root, and its syntax tree."""
    for path in files(".py"):
        name = relative(path)
        if not folders or name.partition("/")[0] in folders:
            yield name, _parsed(path)


def relative(path: Path) -> str:
    """Return a path from the root of the repository, with `/` on every platform."""
    return path.relative_to(REPOSITORY).as_posix()


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name not in _HIDDEN_FOLDERS
            if not hidden and path.name not in _MADE and not path.name.endswith(".egg-info"):
                yield from _walk(path)
        elif not path.name.startswith(".") or path.name in _ROOT_FILES:
            yield path
