"""Grounds: dated data that says who may disclose what to whom, and why.

A *catalogue* is one TOML file with a version; its digest is SHA-256 over the file's bytes and stands in every log
entry. A *ground* has a code, and a message's purpose is that code. A *row* is one dated line of it: a ground that
differs by recipient or by date has several rows, each with a name of its own.

    >>> catalogue = packaged_catalogue()
    >>> [row.name for row in catalogue.rows("RVDK-NOT")]
    ['RVDK-NOT.gemeente', 'RVDK-NOT.veilig-thuis-gi']

Nothing here is settled law because it is written here: each row says whether the text of its duty or power was read,
and whether its categories were, and `proposed` is shown as proposed wherever people see it.

Source: the architecture, section 5.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Final, TypeVar, cast

from consent.facts import Executor
from schemas.canonical import b64url, json_pointer
from schemas.codes import Capacity, Category, Role
from schemas.errors import DocumentError, Issue

PACKAGED: Final = "2026-1.toml"
"""The catalogue that this version carries; others come from the hub."""
CATALOGUE_BYTES_MAX: Final = 1024 * 1024
ROWS_MAX: Final = 1000
TEXT_MAX: Final = 1000
WORDS_MAX: Final = 100
"""Words of one list, such as message types: a catalogue comes from outside, and reading it must end soon."""
SPOED_MAX: Final = 168

_ONLY_GI: Final = frozenset({Role.GI})

_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,31}")
_WORD = re.compile(r"[a-z][A-Za-z0-9-]{0,63}")

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


class Tie(StrEnum):
    """What binds a disclosure to the child's case; the value is the word of the catalogue."""

    REPLY = "reply"
    ASKED = "asked"
    MEASURE = "measure"
    MEASURE_OF_EITHER = "measure-of-either"
    CONSENT = "consent"
    PRIOR = "prior"
    RAAD_CASE = "raad-case"


class ConsentRule(StrEnum):
    """Whether the ground needs consent, and whose."""

    NONE = "none"
    REPRESENTATIVE = "gi-as-representative"
    PERSONS = "persons-by-age-and-authority"


class Force(StrEnum):
    """Whether the law says that the holder may disclose, or must."""

    MAY = "may"
    MUST = "must"


class Status(StrEnum):
    """Whether the text of law or standard was read, or the row is a proposal that a lawyer has to confirm."""

    READ = "read"
    PROPOSED = "proposed"


class Carries(StrEnum):
    """What goes over the ground: elements of messages, counts, or records for accountability."""

    ELEMENTS = "elements"
    COUNTS = "counts"
    RECORDS = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The same in Dutch and in English."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """An article: `law` is a key of the catalogue's `laws`, `article` is written the Dutch way, None is all of it."""

    law: str
    article: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Who may stand at one side of a ground: roles, and for a GI the capacities that count."""

    roles: frozenset[Role]
    capacities: frozenset[Capacity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One row of a catalogue.

    Attributes:
        code: The purpose in a message; several rows can share it.
        name: Name of this row, unique in the catalogue.
        title: What the ground is called.
        purpose: Why the data is asked for or given, for people.
        basis: Laws and articles it rests on.
        valid_from: First day on which it holds, in the Netherlands.
        valid_until: Last day on which it holds; None is open.
        in_force: Whether it is switched on; a row that is off is shown and never permits.
        carries: What goes over it; only `elements` can permit an element.
        sender: Who may disclose.
        recipient: Who may receive.
        message_types: The message types that it carries.
        ties: What binds the disclosure to the case; all of them must hold.
        consent: Whether it needs consent, and whose.
        inform_parents: Whether parents are told, or it is recorded why not.
        categories: The closed list of data categories.
        only: For some categories, the elements that it is limited to.
        necessary: The categories that go only in an item that is marked necessary.
        force: May or must; None where the law does not say it in these words.
        spoed_hours: For how long an emergency passes without its measure statement; None where it does not.
        duty: Whether the text of the duty or power was read.
        categories_status: Whether the categories were read from law or standard.
        note: What people should know of this row; None if nothing.
    """

    code: str
    name: str
    title: Text
    purpose: Text
    basis: tuple[Basis, ...]
    valid_from: date
    valid_until: date | None
    in_force: bool
    carries: Carries
    sender: Side
    recipient: Side
    message_types: frozenset[str]
    ties: tuple[Tie, ...]
    consent: ConsentRule
    inform_parents: bool
    categories: frozenset[Category]
    only: Mapping[Category, frozenset[str]]
    necessary: frozenset[Category]
    force: Force | None
    spoed_hours: int | None
    duty: Status
    categories_status: Status
    note: Text | None

    @property
    def proposed(self) -> bool:
        """Whether any part of the row waits for confirmation; such a row is never shown as settled."""
        return Status.PROPOSED in (self.duty, self.categories_status)

    @property
    def acting(self) -> frozenset[Executor]:
        """Who acts under a measure: each side on which only a GI can stand."""
        sides = ((Executor.SENDER, self.sender), (Executor.RECIPIENT, self.recipient))
        return frozenset(executor for executor, side in sides if side.roles == _ONLY_GI)

    def holds_on(self, day: date) -> bool:
        """Whether the day lies in the row's validity."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """A version of the catalogue of grounds.

    Attributes:
        version: Its name for people.
        digest: SHA-256 of the file's bytes, base64url: its name in every log entry.
        data: The file itself, as it came.
        laws: Short name of a law to its name in Dutch and English.
        grounds: Every row, in the order of the file.
    """

    version: str
    digest: str
    data: bytes = field(repr=False)
    laws: Mapping[str, Text] = field(repr=False)
    grounds: tuple[Ground, ...] = field(repr=False)

    def rows(self, code: str) -> tuple[Ground, ...]:
        """The rows with this code; empty when the catalogue does not know it."""
        return self._by_code.get(code, ())

    def row(self, name: str) -> Ground:
        """The row with this name.

        Raises:
            KeyError: No row has it; names come from a decision by this catalogue.
        """
        return self._by_name[name]

    @cached_property
    def capacities(self) -> frozenset[Capacity]:
        """Every capacity that some row names, at either side."""
        return frozenset(
            capacity
            for ground in self.grounds
            for side in (ground.sender, ground.recipient)
            for capacity in side.capacities
        )

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[Ground, ...]]:
        found: dict[str, tuple[Ground, ...]] = {}
        for ground in self.grounds:
            found[ground.code] = (*found.get(ground.code, ()), ground)
        return MappingProxyType(found)

    @cached_property
    def _by_name(self) -> Mapping[str, Ground]:
        return MappingProxyType({ground.name: ground for ground in self.grounds})


def packaged_catalogue() -> Catalogue:
    """Load the catalogue that this version carries: the only reading in this package."""
    return load_catalogue(resources.files("consent").joinpath("catalogue", PACKAGED).read_bytes())


def load_catalogue(data: bytes) -> Catalogue:
    """Read a catalogue file, strictly.

    Refused is: what is no TOML, a member that is missing, unknown or of another form, a word outside its closed list,
    and a row that contradicts itself, its laws or another row, such as one that asks for consent without its tie.

    Args:
        data: The file's bytes; the digest is over exactly these.

    Raises:
        DocumentError: Something is wrong; every issue is listed with a JSON Pointer.

    Source: the architecture, section 5.
    """
    issues: list[Issue] = []
    file = _Table(values=_parse_toml(data), pointer="", issues=issues)
    version = file.text("version")
    named = file.table("laws")
    laws = {short: named.both(short) for short in sorted(named.values)}
    rows = tuple(_read_ground(row, laws) for row in file.tables("ground"))
    file.finish()
    if not issues:
        _check_rows_together(rows, issues)
    if issues:
        raise DocumentError("the catalogue of grounds cannot be used", issues=issues)
    digest = b64url(hashlib.sha256(data).digest())
    return Catalogue(version=version, digest=digest, data=data, laws=MappingProxyType(laws), grounds=rows)


def _parse_toml(data: bytes) -> dict[str, object]:
    if len(data) > CATALOGUE_BYTES_MAX:
        issue = Issue(pointer="", code="hub.catalogue.too-large", text=f"larger than {CATALOGUE_BYTES_MAX} bytes")
        raise DocumentError("the catalogue of grounds is too large", issues=[issue])
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        # Every error of the reader is a ValueError; at an integer of thousands of digits it is not one of its own.
        issue = Issue(pointer="", code="hub.catalogue.syntax", text="not a TOML file in UTF-8")
        raise DocumentError("the catalogue of grounds cannot be read", detail=str(error), issues=[issue]) from error


@dataclass(slots=True, kw_only=True)
class _Table:
    """A table of the file while it is read: each member is taken out once, what is left over is unknown.

    What is wrong leaves an issue and a value that nobody uses: the caller stops when there is an issue.
    """

    values: dict[str, object]
    pointer: str
    issues: list[Issue]

    def wrong(self, name: str | int, text: str, *, below: str | int | None = None) -> None:
        tokens = (name,) if below is None else (name, below)
        self.issues.append(Issue(pointer=self.pointer + json_pointer(*tokens), code="hub.catalogue.form", text=text))

    def contradicts(self, name: str, text: str) -> None:
        pointer = self.pointer + json_pointer(name)
        self.issues.append(Issue(pointer=pointer, code="hub.catalogue.contradiction", text=text))

    def finish(self) -> None:
        for name in sorted(self.values):
            self.wrong(name, "this version does not know this member")

    def take(self, name: str, kind: type[_T], what: str) -> _T:
        value = self.values.pop(name, None)
        if type(value) is kind:
            return value
        self.wrong(name, f"{what} is needed here")
        return kind() if kind is not date else cast("_T", date.min)

    def optional(self, name: str, kind: type[_T], what: str) -> _T | None:
        return self.take(name, kind, what) if name in self.values else None

    def text(self, name: str) -> str:
        value = self.values.pop(name, None)
        if isinstance(value, str) and 0 < len(value) <= TEXT_MAX:
            return value
        self.wrong(name, f"a text of 1 to {TEXT_MAX} characters is needed here")
        return ""

    def table(self, name: str) -> "_Table":
        return _Table(
            values=dict(self.take(name, dict, "a table")), pointer=self.pointer + json_pointer(name), issues=self.issues
        )

    def tables(self, name: str, *, at_least: int = 1) -> "list[_Table]":
        values = self.values.pop(name, None)
        if (
            not isinstance(values, list)
            or not at_least <= len(values) <= ROWS_MAX
            or not all(type(value) is dict for value in values)
        ):
            self.wrong(name, f"{at_least} to {ROWS_MAX} tables are needed here")
            return []
        pointer = self.pointer + json_pointer(name)
        return [
            _Table(values=dict(value), pointer=pointer + json_pointer(number), issues=self.issues)
            for number, value in enumerate(values)
        ]

    def both(self, name: str) -> Text:
        table = self.table(name)
        text = Text(nl=table.text("nl"), en=table.text("en"))
        table.finish()
        return text

    def words(self, name: str) -> tuple[str, ...]:
        values = self.take(name, list, "an array of words")
        if len(values) > WORDS_MAX:
            self.wrong(name, f"at most {WORDS_MAX} words may stand here")
            return ()
        for number, value in enumerate(values):
            if not isinstance(value, str) or not _WORD.fullmatch(value) or value in values[:number]:
                self.wrong(name, "a word that does not stand here yet is needed", below=number)
        return tuple(value for value in values if isinstance(value, str))

    def codes(self, name: str, kind: type[_E]) -> tuple[_E, ...]:
        found: list[_E] = []
        for number, word in enumerate(self.words(name)):
            try:
                found.append(kind(word))
            except ValueError:
                self.wrong(name, f"not a {kind.__name__} that this version knows", below=number)
        return tuple(found)

    def code(self, name: str, kind: type[_E]) -> _E:
        try:
            return kind(cast("str", self.values.pop(name, "")))
        except ValueError:
            self.wrong(name, f"a {kind.__name__} that this version knows is needed here")
            return next(iter(kind))

    def side(self, name: str) -> Side:
        table = self.table(name)
        roles, capacities = table.codes("roles", Role), table.codes("capacities", Capacity)
        if (Role.GI in roles) != bool(capacities):
            table.contradicts("capacities", "capacities are named where a gi is, and only there")
        table.finish()
        return Side(roles=frozenset(roles), capacities=frozenset(capacities))


def _read_ground(row: _Table, laws: Mapping[str, Text]) -> Ground:
    code, name = row.text("code"), row.text("name")
    if not _CODE.fullmatch(code):
        row.wrong("code", "a code of capitals, digits and hyphens is needed here")
    if name != code and not name.startswith(code + "."):
        row.contradicts("name", "the name of a row is its code, or begins with its code and a full stop")
    limited = row.table("only")
    ground = Ground(
        code=code,
        name=name,
        title=row.both("title"),
        purpose=row.both("purpose"),
        basis=_read_basis(row, laws),
        valid_from=row.take("valid_from", date, "a date"),
        valid_until=row.optional("valid_until", date, "a date"),
        in_force=row.take("in_force", bool, "true or false"),
        carries=row.code("carries", Carries),
        sender=row.side("from"),
        recipient=row.side("to"),
        message_types=frozenset(row.words("message_types")),
        ties=row.codes("ties", Tie),
        consent=row.code("consent", ConsentRule),
        inform_parents=row.take("inform_parents", bool, "true or false"),
        categories=frozenset(row.codes("categories", Category)),
        only=_read_only(limited),
        necessary=frozenset(row.codes("necessary", Category)),
        force=row.code("force", Force) if "force" in row.values else None,
        spoed_hours=row.optional("spoed_hours", int, "a number of hours"),
        duty=row.code("duty", Status),
        categories_status=row.code("categories_status", Status),
        note=row.both("note") if "note" in row.values else None,
    )
    row.finish()
    _check_row(row, ground)
    return ground


def _read_basis(row: _Table, laws: Mapping[str, Text]) -> tuple[Basis, ...]:
    found: list[Basis] = []
    for table in row.tables("basis", at_least=0):
        basis = Basis(law=table.text("law"), article=table.text("article") if "article" in table.values else None)
        if basis.law not in laws:
            table.contradicts("law", "this law is not among the laws of this catalogue")
        table.finish()
        found.append(basis)
    return tuple(found)


def _read_only(limited: _Table) -> Mapping[Category, frozenset[str]]:
    found: dict[Category, frozenset[str]] = {}
    for name in sorted(limited.values):
        elements = frozenset(limited.words(name))
        try:
            found[Category(name)] = elements
        except ValueError:
            limited.wrong(name, "not a Category that this version knows")
        if not elements:
            limited.wrong(name, "the names of one or more elements are needed here")
    return MappingProxyType(found)


def _check_row(row: _Table, ground: Ground) -> None:
    """Refuse a row that contradicts itself, above all one that asks for what nothing checks."""
    elements, ties, acting = ground.carries is Carries.ELEMENTS, ground.ties, len(ground.acting)
    measured, of_persons, hours = Tie.MEASURE in ties, ground.consent is ConsentRule.PERSONS, ground.spoed_hours
    lasts = ground.valid_until is None or ground.valid_from <= ground.valid_until
    own = ground.consent is not ConsentRule.REPRESENTATIVE
    agreed = (
        ("valid_until", lasts, "holds for a day or more"),
        ("basis", bool(ground.basis) or not ground.in_force, "names the law it rests on before it is in force"),
        ("from", bool(ground.sender.roles) or not elements, "names who sends elements"),
        ("to", bool(ground.recipient.roles), "names who receives"),
        ("categories", bool(ground.categories) == elements, "has categories exactly if it carries elements"),
        ("only", ground.only.keys() <= ground.categories, "limits only categories that it has"),
        ("necessary", ground.necessary <= ground.categories, "asks for necessity only at categories that it has"),
        ("ties", not measured or acting == 1, "with the tie `measure` has one side where only a GI stands: it acts"),
        ("ties", Tie.MEASURE_OF_EITHER not in ties or acting == 2, "with `measure-of-either` has a GI on both sides"),
        ("consent", of_persons == (Tie.CONSENT in ties), "asks persons for consent exactly with the tie `consent`"),
        ("consent", own or measured, "takes a GI as representative only with the tie `measure`"),
        ("spoed_hours", hours is None or measured, "knows an emergency only with the tie `measure`"),
        ("spoed_hours", hours is None or 0 < hours <= SPOED_MAX, f"bounds an emergency by 1 to {SPOED_MAX} hours"),
    )
    for name, holds, text in agreed:
        if not holds:
            row.contradicts(name, f"a row {text}")


def _check_rows_together(rows: tuple[Ground, ...], issues: list[Issue]) -> None:
    """Refuse two rows with one name, and two of one code that both hold for the same message on the same day."""
    for later, ground in enumerate(rows):
        for earlier in rows[:later]:
            if ground.name == earlier.name:
                text = f"the name `{ground.name}` stands in the catalogue twice"
                issues.append(Issue(pointer=f"/ground/{later}/name", code="hub.catalogue.twice", text=text))
            elif ground.code == earlier.code and _overlap(ground, earlier):
                text = f"rows `{earlier.name}` and `{ground.name}` hold for the same message on the same day"
                issues.append(Issue(pointer=f"/ground/{later}", code="hub.catalogue.overlap", text=text))


def _overlap(one: Ground, other: Ground) -> bool:
    first, last = max(one.valid_from, other.valid_from), (one.valid_until, other.valid_until)
    return (
        all(until is None or first <= until for until in last)
        and bool(one.message_types & other.message_types)
        and _meet(one.sender, other.sender)
        and _meet(one.recipient, other.recipient)
    )


def _meet(one: Side, other: Side) -> bool:
    common = one.roles & other.roles
    return bool(common - {Role.GI}) or (Role.GI in common and bool(one.capacities & other.capacities))
