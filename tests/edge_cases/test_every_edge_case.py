"""Every edge case that the domain page names is a test that reads like its sentence, and none is here that it has not.

A test says in the first words of its docstring which edge case it is. The domain page stands beside the repository;
where it is absent these two tests are skipped, and say so.
"""

import ast
import re
from pathlib import Path

from tests.support.shared import shared_path

_HERE = Path(__file__).parent


def edge_cases_of_the_domain() -> list[str]:
    """The edge cases of section 6 of the domain page, in its words."""
    page = shared_path("design/DOMAIN.md").read_text(encoding="utf-8")
    section = re.search(r"^## 6\. .*?\n(.*?)(?=^## )", page, flags=re.MULTILINE | re.DOTALL)
    assert section is not None
    sentences = " ".join(section[1].split()).rstrip(".")
    return [_words(each) for each in sentences.split(";")]


def edge_cases_of_the_tests() -> dict[str, list[str]]:
    """The edge case that each test here names, with the tests that name it."""
    found: dict[str, list[str]] = {}
    for path in sorted(_HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                named, colon, _ = (ast.get_docstring(node) or "").partition(":")
                assert colon or path == Path(__file__), f"{path.name}: {node.name} names no edge case"
                found.setdefault(_words(named), []).append(node.name)
    return found


def test_every_edge_case_of_the_domain_is_a_test() -> None:
    """The list: what the domain page adds without a test fails here."""
    tested = edge_cases_of_the_tests().keys()
    missing = [each for each in edge_cases_of_the_domain() if not any(names <= tested for names in _said_as(each))]
    assert missing == []


def test_every_test_here_is_an_edge_case_of_the_domain() -> None:
    """The list: what is tested here and is no edge case of the domain stands elsewhere."""
    named = {name for each in edge_cases_of_the_domain() for names in _said_as(each) for name in names}
    strange = {name: tests for name, tests in edge_cases_of_the_tests().items() if name not in named | {"the list"}}
    assert strange == {}


def _words(text: str) -> str:
    """A sentence in small letters, without an article in front, and with single spaces."""
    return re.sub(r"^an? ", "", " ".join(text.casefold().split()))


def _said_as(edge_case: str) -> list[set[str]]:
    """How tests name an edge case: as one; or, where two stand in one sentence, each of them."""
    start, _, ends = edge_case.partition(" with ")
    same_and_other = {
        f"{start} with {each.removeprefix('with ').removesuffix(' content')} content" for each in ends.split(" and ")
    }
    return [{edge_case}, {*edge_case.split(", ")}, same_and_other]
