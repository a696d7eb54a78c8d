"""The commands of the product and of `make`, as documents may name them: parsed by the real parsers, never run."""

import argparse
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from tests.support.tree import REPOSITORY

FENCE: Final = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
"""A fenced block of Markdown, which may stand in a list: its indent, its language, its lines."""

_VARIABLE: Final = re.compile(r"[A-Z_]+=\S*")
_PROMPT: Final = re.compile(r"^\s*(?:\$ )?")


class _Seen(Exception):  # noqa: N818 - no error: it carries a parser out of the program before it does anything
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def programs() -> dict[str, str]:
    """Return the console scripts of the product: name to `module:function`."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return dict(project["scripts"])


def parser_of(program: str) -> argparse.ArgumentParser:
    """Return the parser that a program reads its command line with."""
    module, _, function = programs()[program].partition(":")
    main = getattr(importlib.import_module(module), function)

    def seen(self: argparse.ArgumentParser, *_: object, **__: object) -> Any:
        raise _Seen(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", seen)
        try:
            main([])
        except _Seen as found:
            return found.parser
    raise AssertionError(f"`{program}` does not read its command line with argparse")


def make_targets() -> frozenset[str]:
    """Return the targets that the Makefile declares."""
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (names,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    return frozenset(names.split())


def make_variables() -> frozenset[str]:
    """Return the variables of the Makefile that a user may give."""
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([A-Z_]+) \?=", text, re.MULTILINE))


def command_lines(document: str) -> Iterator[list[str]]:
    """Yield the words of each command in the fenced blocks of a document, comments and variables before it left out.

    In blocks marked `sh` every line is a command. In other blocks the lines are that begin with a program of ours or
    with `make`.
    """
    for _, language, body in FENCE.findall(document):
        for line in body.replace("\\\n", " ").splitlines():
            if not (words := _words(line, strict=language == "sh")):
                continue
            if language == "sh" or words[0] == "make" or words[0] in programs():
                yield words


def _words(line: str, *, strict: bool) -> list[str]:
    try:
        words = shlex.split(_PROMPT.sub("", line, count=1), comments=True)
    except ValueError:
        if strict:
            raise
        return []
    while words and _VARIABLE.fullmatch(words[0]):
        words.pop(0)
    if words and words[0] == "sudo":
        words = words[3:] if words[1:2] == ["-u"] else words[1:]
    if words:
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


def what_is_wrong(words: Sequence[str]) -> str:
    """Say what is wrong with a command of ours or of `make`; empty if nothing is, or if it is another program's."""
    if words[0] == "make":
        given = [word for word in words[1:] if not _VARIABLE.fullmatch(word)]
        variables = [word.partition("=")[0] for word in words[1:] if _VARIABLE.fullmatch(word)]
        unknown = [*(set(given) - make_targets()), *(set(variables) - make_variables())]
        return f"make knows no {', '.join(unknown)}" if unknown else ""
    if words[0] not in programs():
        return ""
    arguments = list(words[1:])
    for end, word in enumerate(arguments):
        if word in {"|", ">", ">>", "&&", ";", "<"}:
            arguments = arguments[:end]
            break
    try:
        parser_of(words[0]).parse_args(arguments)
    except SystemExit as error:
        return "" if error.code in (0, None) else f"`{shlex.join(words)}` is no command line of `{words[0]}`"
    return ""


def what_is_wrong_inline(code: str) -> str:
    """Say what is wrong with a command named in running text, where arguments may be left out."""
    words = code.split()
    if words[0] == "make":
        named = [word for word in words[1:2] if re.fullmatch(r"[a-z]+", word)]
        return "" if set(named) <= make_targets() else f"make knows no {named[0]}"
    parser = parser_of(words[0])
    for word in words[1:]:
        commands = _commands(parser)
        if word.startswith("--"):
            if word.partition("=")[0] not in parser._option_string_actions:
                return f"`{parser.prog}` has no option `{word}`"
        elif commands and re.fullmatch(r"[a-z-]+", word):
            if word not in commands:
                return f"`{parser.prog}` has no command `{word}`"
            parser = commands[word]
    return ""


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}
