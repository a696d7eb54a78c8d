"""Files and functions stay small enough to be read in one sitting."""

import ast
from collections.abc import Iterator
from typing import Final

from tests.support.tree import modules, texts

FILE_LINES_MAX: Final = 500
FUNCTION_LINES_MAX: Final = 70

LONG_FILES: Final[dict[str, str]] = {}
"""Files that may be longer, each with its reason."""

LONG_FUNCTIONS: Final[dict[str, str]] = {
    "consent/decide.py:decide": "one procedure of nine numbered checks, whose docstring is its specification",
}
"""Functions that may be longer, each with its reason."""


def functions(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each function of a module with its number of lines, docstring included, decorators not."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_its_limit() -> None:
    """A file beyond 500 lines holds two things."""
    long = {path: len(text.splitlines()) for path, text in texts(".py")}
    assert {path: lines for path, lines in long.items() if lines > FILE_LINES_MAX and path not in LONG_FILES} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    """A function beyond 70 lines has steps that want a name."""
    long = {f"{path}:{name}": lines for path, module in modules() for name, lines in functions(module)}
    found = {name: lines for name, lines in long.items() if lines > FUNCTION_LINES_MAX and name not in LONG_FUNCTIONS}
    assert found == {}


def test_every_exception_is_still_needed() -> None:
    """An exception goes when its reason has gone."""
    lines = {path: len(text.splitlines()) for path, text in texts(".py")}
    sizes = {f"{path}:{name}": length for path, module in modules() for name, length in functions(module)}
    assert [path for path in LONG_FILES if lines.get(path, 0) <= FILE_LINES_MAX] == []
    assert [name for name in LONG_FUNCTIONS if sizes.get(name, 0) <= FUNCTION_LINES_MAX] == []
