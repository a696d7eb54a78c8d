"""Every error says by the prefix of its code who must act."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from schemas.errors import ExchangeError
from tests.support.tree import modules

CODE: Final = re.compile(r"(?:sender|recipient|hub)(?:\.[a-z0-9-]{1,40}){1,4}")
_RAISING: Final = re.compile(r"^(?:Issue|[A-Za-z]*Error)$")
_PREFIXED: Final = re.compile(r"(?:sender|recipient|hub)\.[a-z0-9.-]+")


def codes(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every code that stands as a text in an `Issue(code=…)`, an `…Error(code=…)` or a `default_code`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _RAISING.match(_called(node)):
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    yield node.lineno, str(keyword.value.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "default_code" for target in targets):
                yield node.lineno, str(node.value.value)


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_every_code_begins_with_who_must_act() -> None:
    """`sender.`, `recipient.` or `hub.`, then words in lower case."""
    wrong = [
        f"{path}:{line} {code}"
        for path, module in modules("schemas", "consent", "audit", "hub", "connectors")
        for line, code in codes(module)
        if not CODE.fullmatch(code)
    ]
    assert wrong == []


def test_the_codes_are_found() -> None:
    """The test above would hold for an empty list too."""
    found = {code for _, module in modules("schemas", "hub", "connectors") for _, code in codes(module)}
    assert {"sender.jti.used", "hub.failed", "recipient.message.received"} <= found
    assert len(found) > 80


def test_text_that_looks_like_a_code_has_the_form_of_one() -> None:
    """A code that a helper function is given, or that a table maps, is held to the same form."""
    wrong = [
        f"{path}:{node.lineno} {node.value}"
        for path, module in modules("schemas", "consent", "audit", "hub", "connectors")
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _PREFIXED.fullmatch(node.value)
        and not CODE.fullmatch(node.value)
        and not _is_name(node.value)
    ]
    assert wrong == []


def _is_name(text: str) -> bool:
    """Whether it is something else that begins so: a name that ends in a dot, or one being put together."""
    return text.endswith((".", "-"))


def test_every_error_has_a_code_of_its_own() -> None:
    """An error that is raised without a code still says who must act."""
    wrong = [each.__name__ for each in _tree(ExchangeError) if not CODE.fullmatch(each.default_code)]
    assert wrong == []


@pytest.mark.parametrize("code", ["sender", "client.broken", "sender.Broken", "hub..x", "sender.two words"])
def test_the_form_refuses_what_is_no_code(code: str) -> None:
    """The pattern itself can fail."""
    assert not CODE.fullmatch(code)


def _tree(error: type[ExchangeError]) -> Iterator[type[ExchangeError]]:
    yield error
    for each in error.__subclasses__():
        yield from _tree(each)
