"""A TOML file read strictly: each member is taken out of its table once, and everything that is wrong is listed.

Whoever reads the list may be a lawyer: each finding says in Dutch and in English what is needed, and in which row.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar, cast

from schemas.canonical import json_pointer
from schemas.errors import DocumentError, Issue

CATALOGUE_BYTES_MAX: Final = 1024 * 1024
ROWS_MAX: Final = 1000
TEXT_MAX: Final = 1000
WORDS_MAX: Final = 100
"""Words of one list, such as message types: a catalogue comes from outside, and reading it must end soon."""

_WORD = re.compile(r"[a-z][A-Za-z0-9-]{0,63}")
_PLACE: Final = re.compile(r"\(at line (\d+), column (\d+)\)$")
_KINDS: Final = {
    dict: ("a table is needed here", "hier hoort een tabel"),
    list: ("an array of words is needed here", "hier hoort een lijst van woorden"),
    date: ("a date is needed here", "hier hoort een datum, zoals 2027-01-01"),
    bool: ("true or false is needed here", "hier hoort true of false"),
    int: ("a whole number is needed here", "hier hoort een geheel getal"),
}

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


def parse_toml(data: bytes) -> dict[str, object]:
    """Read the bytes of a file.

    Raises:
        DocumentError: It is too large, or no TOML in UTF-8; the text says where.
    """
    if len(data) > CATALOGUE_BYTES_MAX:
        text, nl = f"larger than {CATALOGUE_BYTES_MAX} bytes", f"groter dan {CATALOGUE_BYTES_MAX} bytes"
        issue = Issue(pointer="", code="hub.catalogue.too-large", text=text, text_nl=nl)
        raise DocumentError("the catalogue of grounds is too large", issues=[issue])
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        # Every error of the reader is a ValueError; at an integer of thousands of digits it is not one of its own.
        text, nl = "not a TOML file in UTF-8", "geen TOML-bestand in UTF-8"
        if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or isinstance(error, UnicodeDecodeError):
            text, nl = f"{text}: save it as UTF-8 without BOM", f"{nl}: sla het op als UTF-8 zonder BOM"
        elif place := _PLACE.search(str(error)):
            line, column = place.groups()
            text, nl = f"{text}: see line {line}, column {column}", f"{nl}: kijk bij regel {line}, teken {column}"
        issue = Issue(pointer="", code="hub.catalogue.syntax", text=text, text_nl=nl)
        raise DocumentError("the catalogue of grounds cannot be read", detail=str(error), issues=[issue]) from error


@dataclass(slots=True, kw_only=True)
class Table:
    """A table of the file while it is read: each member is taken out once, what is left over is unknown.

    What is wrong leaves an issue and a value that nobody uses: the caller stops when there is an issue.

    Attributes:
        values: What is left of it.
        pointer: Where it stands.
        issues: What is wrong, of the whole file.
        about: Name of the row that it belongs to, for people; empty where it belongs to none.
    """

    values: dict[str, object]
    pointer: str
    issues: list[Issue]
    about: str = ""

    def wrong(self, name: str | int, text: str, nl: str, *, below: str | int | None = None) -> None:
        """Note that a member does not have its form."""
        tokens = (name,) if below is None else (name, below)
        self._note(json_pointer(*tokens), "hub.catalogue.form", text, nl)

    def contradicts(self, name: str, text: str, nl: str) -> None:
        """Note that a member contradicts another."""
        self._note(json_pointer(name), "hub.catalogue.contradiction", text, nl)

    def _note(self, pointer: str, code: str, text: str, nl: str) -> None:
        if self.about:
            text, nl = f"row `{self.about}`: {text}", f"rij `{self.about}`: {nl}"
        self.issues.append(Issue(pointer=self.pointer + pointer, code=code, text=text, text_nl=nl))

    def finish(self) -> None:
        """Note whatever was not taken."""
        for name in sorted(self.values):
            self.wrong(name, "this version does not know this member", "deze versie kent dit onderdeel niet")

    def take(self, name: str, kind: type[_T]) -> _T:
        """Take a member of this type and no other."""
        value = self.values.pop(name, None)
        if type(value) is kind:
            return value
        self.wrong(name, *_KINDS[kind])
        return kind() if kind is not date else cast("_T", date.min)

    def optional(self, name: str, kind: type[_T]) -> _T | None:
        """Take a member of this type if it is there."""
        return self.take(name, kind) if name in self.values else None

    def text(self, name: str) -> str:
        """Take a text that is not empty."""
        value = self.values.pop(name, None)
        if isinstance(value, str) and 0 < len(value) <= TEXT_MAX:
            return value
        self.wrong(
            name,
            f"a text of 1 to {TEXT_MAX} characters is needed here",
            f"hier hoort een tekst van 1 tot {TEXT_MAX} tekens",
        )
        return ""

    def table(self, name: str) -> "Table":
        """Take a table."""
        return self._below(self.take(name, dict), json_pointer(name))

    def tables(self, name: str, *, at_least: int = 1) -> "list[Table]":
        """Take an array of tables."""
        values = self.values.pop(name, None)
        if (
            not isinstance(values, list)
            or not at_least <= len(values) <= ROWS_MAX
            or not all(type(value) is dict for value in values)
        ):
            self.wrong(
                name,
                f"{at_least} to {ROWS_MAX} tables are needed here",
                f"hier horen {at_least} tot {ROWS_MAX} tabellen",
            )
            return []
        return [self._below(value, json_pointer(name, number)) for number, value in enumerate(values)]

    def _below(self, values: dict[str, object], pointer: str) -> "Table":
        return Table(values=dict(values), pointer=self.pointer + pointer, issues=self.issues, about=self.about)

    def words(self, name: str) -> tuple[str, ...]:
        """Take an array of words, each once."""
        values = self.take(name, list)
        if len(values) > WORDS_MAX:
            self.wrong(
                name, f"at most {WORDS_MAX} words may stand here", f"hier mogen ten hoogste {WORDS_MAX} woorden staan"
            )
            return ()
        for number, value in enumerate(values):
            if not isinstance(value, str) or not _WORD.fullmatch(value) or value in values[:number]:
                text, nl = "a word that does not stand here yet is needed", "hier hoort een woord dat er nog niet staat"
                self.wrong(name, text, nl, below=number)
        return tuple(value for value in values if isinstance(value, str))

    def codes(self, name: str, kind: type[_E]) -> tuple[_E, ...]:
        """Take an array of codes of a closed list."""
        found: list[_E] = []
        for number, word in enumerate(self.words(name)):
            try:
                found.append(kind(word))
            except ValueError:
                self.wrong(name, *not_of(kind), below=number)
        return tuple(found)

    def code(self, name: str, kind: type[_E]) -> _E:
        """Take a code of a closed list."""
        try:
            return kind(cast("str", self.values.pop(name, "")))
        except ValueError:
            self.wrong(name, *not_of(kind))
            return next(iter(kind))


def not_of(kind: type[StrEnum]) -> tuple[str, str]:
    """Say which words may stand where another one does."""
    words = _listed(list(kind))
    return f"one of these is needed here: {words}", f"hier hoort een van deze: {words}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
