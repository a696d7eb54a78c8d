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
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Final

from consent.facts import Executor
from consent.tables import Table, not_of, parse_toml
from schemas.canonical import b64url
from schemas.codes import Capacity, Category, Role
from schemas.errors import DocumentError, Issue

PACKAGED: Final = "2026-1.toml"
"""The catalogue that this version carries; others come from the hub."""
SPOED_MAX: Final = 168

_ONLY_GI: Final = frozenset({Role.GI})

_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,31}")


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
    file = Table(values=parse_toml(data), pointer="", issues=issues)
    version = file.text("version")
    named = file.table("laws")
    laws = {short: _both(named, short) for short in sorted(named.values)}
    rows = tuple(_read_ground(row, laws) for row in file.tables("ground"))
    file.finish()
    if not issues:
        _check_rows_together(rows, issues)
    if issues:
        raise DocumentError("the catalogue of grounds cannot be used", issues=issues)
    digest = b64url(hashlib.sha256(data).digest())
    return Catalogue(version=version, digest=digest, data=data, laws=MappingProxyType(laws), grounds=rows)


def _both(table: Table, name: str) -> Text:
    below = table.table(name)
    text = Text(nl=below.text("nl"), en=below.text("en"))
    below.finish()
    return text


def _side(row: Table, name: str) -> Side:
    table = row.table(name)
    roles, capacities = table.codes("roles", Role), table.codes("capacities", Capacity)
    if (Role.GI in roles) != bool(capacities):
        text = "capacities are named where a gi is, and only there"
        table.contradicts("capacities", text, "hoedanigheden staan er waar een gi staat, en alleen daar")
    table.finish()
    return Side(roles=frozenset(roles), capacities=frozenset(capacities))


def _read_ground(row: Table, laws: Mapping[str, Text]) -> Ground:
    code, name = row.text("code"), row.text("name")
    row.about = name
    if not _CODE.fullmatch(code):
        text, nl = (
            "a code of capitals, digits and hyphens is needed here",
            "hier hoort een code van hoofdletters, cijfers",
        )
        row.wrong("code", text, f"{nl} en streepjes")
    if name != code and not name.startswith(code + "."):
        text = "the name of a row is its code, or begins with its code and a full stop"
        row.contradicts("name", text, "de naam van een rij is haar code, of begint met haar code en een punt")
    limited = row.table("only")
    ground = Ground(
        code=code,
        name=name,
        title=_both(row, "title"),
        purpose=_both(row, "purpose"),
        basis=_read_basis(row, laws),
        valid_from=row.take("valid_from", date),
        valid_until=row.optional("valid_until", date),
        in_force=row.take("in_force", bool),
        carries=row.code("carries", Carries),
        sender=_side(row, "from"),
        recipient=_side(row, "to"),
        message_types=frozenset(row.words("message_types")),
        ties=row.codes("ties", Tie),
        consent=row.code("consent", ConsentRule),
        inform_parents=row.take("inform_parents", bool),
        categories=frozenset(row.codes("categories", Category)),
        only=_read_only(limited),
        necessary=frozenset(row.codes("necessary", Category)),
        force=row.code("force", Force) if "force" in row.values else None,
        spoed_hours=row.optional("spoed_hours", int),
        duty=row.code("duty", Status),
        categories_status=row.code("categories_status", Status),
        note=_both(row, "note") if "note" in row.values else None,
    )
    row.finish()
    _check_row(row, ground)
    return ground


def _read_basis(row: Table, laws: Mapping[str, Text]) -> tuple[Basis, ...]:
    found: list[Basis] = []
    for table in row.tables("basis", at_least=0):
        basis = Basis(law=table.text("law"), article=table.text("article") if "article" in table.values else None)
        if basis.law not in laws:
            text, nl = "this law is not among the laws of this catalogue", "deze wet staat niet bij de wetten (`laws`)"
            table.contradicts("law", text, f"{nl} van deze catalogus")
        table.finish()
        found.append(basis)
    return tuple(found)


def _read_only(limited: Table) -> Mapping[Category, frozenset[str]]:
    found: dict[Category, frozenset[str]] = {}
    for name in sorted(limited.values):
        elements = frozenset(limited.words(name))
        try:
            found[Category(name)] = elements
        except ValueError:
            limited.wrong(name, *not_of(Category))
        if not elements:
            text = "the names of one or more elements are needed here"
            limited.wrong(name, text, "hier horen de namen van een of meer onderdelen")
    return MappingProxyType(found)


def _check_row(row: Table, ground: Ground) -> None:
    """Refuse a row that contradicts itself, above all one that asks for what nothing checks."""
    elements = ground.carries is Carries.ELEMENTS
    lasts = ground.valid_until is None or ground.valid_from <= ground.valid_until
    agreed = (
        ("valid_until", lasts, "holds for a day or more", "geldt een dag of langer"),
        (
            "basis",
            bool(ground.basis) or not ground.in_force,
            "names the law it rests on before it is in force",
            "noemt de wet waarop zij rust, voordat zij aan gaat",
        ),
        ("from", bool(ground.sender.roles) or not elements, "names who sends elements", "noemt wie gegevens zendt"),
        ("to", bool(ground.recipient.roles), "names who receives", "noemt wie ontvangt"),
        (
            "categories",
            bool(ground.categories) == elements,
            "has categories exactly if it carries elements",
            "noemt soorten gegevens precies als zij gegevens (`elements`) draagt",
        ),
        (
            "only",
            ground.only.keys() <= ground.categories,
            "limits only categories that it has",
            "beperkt alleen soorten gegevens die zij noemt",
        ),
        (
            "necessary",
            ground.necessary <= ground.categories,
            "asks for necessity only at categories that it has",
            "vraagt noodzaak alleen bij soorten gegevens die zij noemt",
        ),
        *_conditions(ground),
    )
    for name, holds, text, nl in agreed:
        if not holds:
            row.contradicts(name, f"a row {text}", f"een rij {nl}")


def _conditions(ground: Ground) -> tuple[tuple[str, bool, str, str], ...]:
    """What must hold of the conditions of a row: the member, whether it does, and what, in English and Dutch."""
    ties, acting, hours = ground.ties, len(ground.acting), ground.spoed_hours
    measured, of_persons = Tie.MEASURE in ties, ground.consent is ConsentRule.PERSONS
    own = ground.consent is not ConsentRule.REPRESENTATIVE
    return (
        (
            "ties",
            not measured or acting == 1,
            "with the tie `measure` has one side where only a GI stands: it acts",
            "met de band `measure` heeft aan één kant alleen een GI: die handelt",
        ),
        (
            "ties",
            Tie.MEASURE_OF_EITHER not in ties or acting == 2,
            "with `measure-of-either` has a GI on both sides",
            "met `measure-of-either` heeft aan beide kanten een GI",
        ),
        (
            "consent",
            of_persons == (Tie.CONSENT in ties),
            "asks persons for consent exactly with the tie `consent`",
            "vraagt personen om toestemming precies met de band `consent`",
        ),
        (
            "consent",
            own or measured,
            "takes a GI as representative only with the tie `measure`",
            "neemt een GI alleen als vertegenwoordiger met de band `measure`",
        ),
        (
            "spoed_hours",
            hours is None or measured,
            "knows an emergency only with the tie `measure`",
            "kent spoed alleen met de band `measure`",
        ),
        (
            "spoed_hours",
            hours is None or 0 < hours <= SPOED_MAX,
            f"bounds an emergency by 1 to {SPOED_MAX} hours",
            f"begrenst spoed op 1 tot {SPOED_MAX} uur",
        ),
    )


def _check_rows_together(rows: tuple[Ground, ...], issues: list[Issue]) -> None:
    """Refuse two rows with one name, and two of one code that both hold for the same message on the same day."""
    for later, ground in enumerate(rows):
        for earlier in rows[:later]:
            if ground.name == earlier.name:
                text = f"the name `{ground.name}` stands in the catalogue twice"
                nl = f"de naam `{ground.name}` staat twee keer in de catalogus"
                issues.append(Issue(pointer=f"/ground/{later}/name", code="hub.catalogue.twice", text=text, text_nl=nl))
            elif ground.code == earlier.code and _overlap(ground, earlier):
                text = f"rows `{earlier.name}` and `{ground.name}` hold for the same message on the same day"
                nl = f"de rijen `{earlier.name}` en `{ground.name}` gelden voor hetzelfde bericht op dezelfde dag"
                issues.append(Issue(pointer=f"/ground/{later}", code="hub.catalogue.overlap", text=text, text_nl=nl))


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
