"""A store of any number of consents, without a signature for each: what a hub would hold after most of a year.

A million consents taken in one after the other would take an hour. So the rows are written by COPY, into the tables
that the hub writes and as the hub would have written them: entry, tree and tiles, the record in each person's
accounting, the consent itself, links, touches, reviews. One thing is not as it would be: a signature of a consent is
taken from a pool of real ones. The hub verifies it when a consent is taken in, and never again.

A *household* has two children and two parents, each with a consent of his own. What happened to a person's consent is
one of a few *histories*, a list of steps: one recorder notes it, another confirms it, the person takes it back. First
steps stand first in the log and later ones later, so what is stated about one person lies far apart, as in life.
"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import Final

import psycopg
from psycopg import sql

from audit.hashing import hash_leaf
from audit.records import SALT_BYTES, commit, token_digest
from audit.tiles import TILE_WIDTH
from hub.exchange.links import LINKED
from schemas.canonical import b64url
from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import AgeBand, Category, EntryKind, SubjectRole, TokenType
from schemas.consents import ConsentRecipient, ConsentRecord, ConsentStatus, consent_to_payload
from schemas.identifiers import OIN, MessageId, SubjectTag
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.links import Link, link_to_payload
from schemas.randomness import UnsafeSeededRandomness
from tests.performance.pairs import HUB, PAIRS, pair
from tests.performance.synthetic_log import write_tree
from tests.support.law_records import DIGEST, PARENT_NO, PARENT_YES, SELF_NO, SELF_YES

HOUSEHOLD: Final = (AgeBand.FROM_12, AgeBand.ADULT, AgeBand.UNDER_12, AgeBand.ADULT)
"""The members of a household."""
PURPOSE: Final = "VRIJW"
CATEGORIES: Final = frozenset(
    {
        Category.IDENTIFICATIE, Category.CONTACT, Category.ADRES, Category.GEZAG_RELATIES, Category.ZORGEN,
        Category.HULPVERLENING, Category.PROCES, Category.BESLUIT, Category.PROFESSIONAL, Category.DOCUMENT,
    }
)  # fmt: skip
FEWER: Final = CATEGORIES - {Category.ZORGEN, Category.DOCUMENT}

_DAYS: Final = 300
"""Over how many days the log was written."""
_SIGNATURES: Final = 256
_CHUNK: Final = 20_000
"""Entries in one COPY."""
_WORKERS: Final = 2


class What(StrEnum):
    """What a step of a history states."""

    YES = "yes"
    NO = "no"
    LESS = "less"
    WITHDRAWN = "withdrawn"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Step:
    """One record about a person.

    Attributes:
        what: What it states.
        by_gi: Whether the GI states it; else the gemeente.
        drawn: Whether it stands under a drawn pseudonym; else under the one of the number.
        replaces: The step that it replaces.
        confirms: The step that it confirms.
    """

    what: What
    by_gi: bool = False
    drawn: bool = False
    replaces: int | None = None
    confirms: int | None = None


_GIVEN: Final = (Step(What.YES), Step(What.YES, by_gi=True, confirms=0))
HISTORIES: Final = {
    "confirmed": _GIVEN,
    "less": (*_GIVEN, Step(What.LESS, replaces=0)),
    "withdrawn": (*_GIVEN, Step(What.WITHDRAWN, by_gi=True, replaces=1)),
    "linked": (Step(What.YES, drawn=True), Step(What.LINK, drawn=True), Step(What.YES, by_gi=True, confirms=0)),
    "first refused": (Step(What.NO), Step(What.YES), Step(What.YES, by_gi=True, confirms=1)),
}
_COUNTS: Final = {"confirmed": 20, "less": 8, "withdrawn": 4, "linked": 5, "first refused": 3}
_NAMES: Final = tuple(name for name, count in _COUNTS.items() for _ in range(count))
_UNIT: Final = len(_NAMES)
"""Persons after whom the histories begin anew; a whole number of households."""


def history(person: int) -> tuple[Step, ...]:
    """Return what happened to the consent of a person; 7 has no divisor in common with the number of histories."""
    return HISTORIES[_NAMES[person * 7 % _UNIT]]


CONSENTS_IN_UNIT: Final = sum(step.what is not What.LINK for person in range(_UNIT) for step in history(person))


@lru_cache(maxsize=64)
def tag(person: int, *, drawn: bool = False) -> str:
    """Return a pseudonym of a person."""
    return f"0.{b64url(sha256(f'{person}/{drawn}'.encode()).digest()[:16])}"


@cache
def gi(number: int) -> OIN:
    """Return the GI that works with the gemeente of a pair."""
    return OIN(f"000000993{number:08d}000")


def gemeente(number: int) -> OIN:
    """Return the gemeente of a pair."""
    return pair(number).sender.oin


def parties(person: int) -> tuple[OIN, OIN]:
    """Return the gemeente and the GI that help the household of a person."""
    number = person // len(HOUSEHOLD) % PAIRS
    return gemeente(number), gi(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What was written.

    Attributes:
        consents: Consent records, with refusals, confirmations and withdrawals.
        persons: Whom they are about.
        links: Persons with a second pseudonym.
    """

    consents: int
    persons: int
    links: int

    @property
    def households(self) -> int:
        """How many households the persons are."""
        return self.persons // len(HOUSEHOLD)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each step of each person stands in the log: all first steps, then all second ones, and so on.

    Attributes:
        units: How many times `_UNIT` persons there are.
        began_at: Milliseconds, of the first entry.
        pause_ms: From one entry to the next.
    """

    units: int
    began_at: int
    pause_ms: int

    def index(self, person: int, step: int) -> int:
        """Return the index of a person's step."""
        unit, member = divmod(person, _UNIT)
        return self._begin(step) + unit * len(_WHO[step]) + _WHO[step].index(member)

    def at(self, index: int) -> tuple[int, int]:
        """Return person and step of an index."""
        step = next(step for step in reversed(range(len(_WHO))) if self._begin(step) <= index)
        unit, place = divmod(index - self._begin(step), len(_WHO[step]))
        return unit * _UNIT + _WHO[step][place], step

    def time(self, index: int) -> int:
        """Return the time of an entry, in milliseconds."""
        return self.began_at + index * self.pause_ms

    def id(self, index: int) -> str:
        """Return the identifier of the record at an index: a UUIDv7 of its time."""
        time, mixed = self.time(index), index * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        return (
            f"{time >> 16:08x}-{time & 0xFFFF:04x}-7{mixed >> 52:03x}-"
            f"8{mixed >> 40 & 0xFFF:03x}-{mixed & (1 << 48) - 1:012x}"
        )

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._begin(len(_WHO))

    def _begin(self, step: int) -> int:
        return self.units * _BEFORE[step]


_WHO: Final = tuple(
    tuple(person for person in range(_UNIT) if len(history(person)) > step)
    for step in range(max(map(len, HISTORIES.values())))
)
"""Who of the first `_UNIT` persons has so many steps."""
_BEFORE: Final = (0, *accumulate(map(len, _WHO)))
"""How many of the steps of `_UNIT` persons come before each step, and how many there are."""


def fill_consents(database_url: str, *, origin: str, consents: int, say: Callable[[str], None]) -> Filled:
    """Write a log that holds at least so many consents into a migrated database that has none.

    Args:
        database_url: The database.
        origin: Of the log.
        consents: Rounded up to whole units.
        say: Told how far it is.
    """
    units = -(-consents // CONSENTS_IN_UNIT)
    day_ms = 24 * 3600 * 1000
    began_at = int(SystemClock().now().timestamp() * 1000) - _DAYS * day_ms
    places = _Places(units, began_at, _DAYS * day_ms // _Places(units, 0, 0).size)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT log_entries_reach(%s)", [places.size])
        for days in range(_DAYS + 1):
            connection.execute("SELECT records_reach(%s)", [began_at + days * day_ms])
    tiles = -(-places.size // TILE_WIDTH)
    # In whole tiles, so that each part hashes its own.
    bounds = [range(start, min(start + _CHUNK // TILE_WIDTH, tiles)) for start in range(0, tiles, _CHUNK // TILE_WIDTH)]
    parts = [range(each.start * TILE_WIDTH, min(each.stop * TILE_WIDTH, places.size)) for each in bounds]
    leaves: list[bytes] = []
    with ProcessPoolExecutor(_WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        for part, hashes in zip(
            parts, pool.map(_write_part, [database_url] * len(parts), [places] * len(parts), parts), strict=True
        ):
            leaves += hashes
            if part.stop % (10 * _CHUNK) < _CHUNK or part.stop == places.size:
                say(f"loading consents: {part.stop:,} of {places.size:,} entries")
    with psycopg.connect(database_url) as connection:
        full = len(leaves) - len(leaves) % TILE_WIDTH
        write_tree(
            connection,
            origin=origin,
            tiles=[tuple(leaves[start : start + TILE_WIDTH]) for start in range(0, full, TILE_WIDTH)],
            edge=tuple(leaves[full:]),
            time=places.time(places.size - 1),
        )
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("person_records", "linked_tags", "log_entries"):
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    links = units * sum(step.what is What.LINK for person in range(_UNIT) for step in history(person))
    return Filled(consents=units * CONSENTS_IN_UNIT, persons=units * _UNIT, links=links)


# ---- one part of the log ----

_TABLES: Final = {
    "log_entries": ("index", "kind", "time", "sender", "entry"),
    "kept_records": ("index", "place", "time", "tag", "salt", "text"),
    "person_records": ("id", "index", "kind", "tag", "token"),
    "linked_tags": ("tag", "other"),
    "reviews": ("about", "mark", "index", "sender", "recipient"),
    "subject_heads": ("tag", "nth", "index"),
    "log_touches": ("key", "index"),
}


def _write_part(database_url: str, places: _Places, part: range) -> list[bytes]:
    """Write the entries of a part and everything that became true with them; returns their leaf hashes."""
    rows: dict[str, list[str]] = {table: [] for table in _TABLES}
    leaves = [_add_entry(places, index, rows) for index in part]
    options = "-c synchronous_commit=off"
    with psycopg.connect(database_url, options=options) as connection, connection.cursor() as cursor:
        for table, columns in _TABLES.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
                copy.write("".join(rows[table]).encode())
    return leaves


def _add_entry(places: _Places, index: int, rows: dict[str, list[str]]) -> bytes:
    """Add what becomes true with one entry; returns its leaf hash."""
    person, step = places.at(index)
    stated = history(person)[step]
    kind = EntryKind.LINK if stated.what is What.LINK else EntryKind.CONSENT
    time, record_id, sender = places.time(index), places.id(index), parties(person)[stated.by_gi].value
    token = _token(places, person=person, step=step, index=index)
    commitments: list[str] = []
    named = (True, False) if kind is EntryKind.LINK else (stated.drawn,)
    for place, drawn in enumerate(named):
        its_tag, salt = tag(person, drawn=drawn), os.urandom(SALT_BYTES)
        text, nth, is_newest = _kept(places, person, step, drawn=drawn)
        commitments.append(f'"kept_{place}":"{commit(salt=salt, record=text)}"')
        rows["kept_records"].append(f"{index}\t{place}\t{time}\t{its_tag}\t\\\\x{salt.hex()}\t{text}\n")
        if is_newest:
            rows["subject_heads"].append(f"{its_tag}\t{nth}\t{index}\n")
    entry = (
        f'{{"as_of":{index},"id":"{record_id}",{",".join(commitments)},"kind":"{kind}",'
        f'"request":"{token_digest(token)}","sender":"{sender}","time":{time}}}'
    )
    rows["log_entries"].append(f"{index}\t{kind}\t{time}\t{sender}\t{entry}\n")
    rows["person_records"].append(f"{record_id}\t{index}\t{kind}\t{tag(person, drawn=stated.drawn)}\t{token}\n")
    if kind is EntryKind.LINK:
        known, drawn_tag = tag(person), tag(person, drawn=True)
        rows["linked_tags"] += [f"{drawn_tag}\t{known}\n", f"{known}\t{drawn_tag}\n"]
        rows["reviews"].append(f"{record_id}\t{LINKED}\t{index}\t{sender}\t{sender}\n")
    if step == len(history(person)) - 1:
        touched = {tag(person), *(tag(person, drawn=each.drawn) for each in history(person))}
        rows["log_touches"] += [f"{each}\t{index}\n" for each in sorted(touched)]
    return hash_leaf(entry.encode())


def _kept(places: _Places, person: int, step: int, *, drawn: bool) -> tuple[str, int, bool]:
    """Write the record in a pseudonym's accounting; with its number, and whether it is the newest."""
    steps = [number for number, each in enumerate(history(person)) if each.drawn is drawn or each.what is What.LINK]
    before = steps.index(step)
    record = (
        f'{{"nth":{before + 1},'
        + (f'"previous":{places.index(person, steps[before - 1])},' if before else "")
        + f'"relied_on":[],"responsible":"participant:{parties(person)[history(person)[step].by_gi].value}",'
        f'"tag":"{tag(person, drawn=drawn)}","trace":{{"span_id":"{step:016x}","trace_id":"{person:032x}"}}}}'
    )
    return record, before + 1, step == steps[-1]


# ---- what was signed ----

_AN_ID, _REPLACED, _CONFIRMED = (f"00000000-0000-7000-8000-{number:012}" for number in range(3))
_A_TAG, _OTHER_TAG = "0." + "A" * 22, "0." + "Q" * 22
_A_MOMENT: Final = 1234567890


def _token(places: _Places, *, person: int, step: int, index: int) -> str:
    """Write the record at an index, with claims of its own under a signature of the pool."""
    stated = history(person)[step]
    number = person // len(HOUSEHOLD) % PAIRS
    first_day = civil_day_of_second(places.began_at // 1000)
    template = _template(stated, HOUSEHOLD[person % len(HOUSEHOLD)], number, first_day)
    claims = template.claims % {
        "id": places.id(index),
        "at": places.time(index) // 1000,
        "tag": tag(person, drawn=stated.drawn),
        "other": tag(person),
        "replaces": places.id(places.index(person, stated.replaces)) if stated.replaces is not None else None,
        "confirms": places.id(places.index(person, stated.confirms)) if stated.confirms is not None else None,
    }
    return f"{template.header}.{b64url(claims.encode())}.{template.signatures[index % _SIGNATURES]}"


@dataclass(frozen=True, slots=True)
class _Template:
    """A record as its issuer signs it: the claims with room for what differs between persons."""

    header: str
    claims: str
    signatures: tuple[str, ...]


@cache
def _template(stated: Step, band: AgeBand, number: int, first_day: date) -> _Template:
    issuer = gi(number) if stated.by_gi else gemeente(number)
    if stated.what is What.LINK:
        link = Link(
            issuer=issuer,
            id=MessageId(_AN_ID),
            issued_at=_A_MOMENT,
            hub=HUB,
            random=SubjectTag(_A_TAG),
            known=SubjectTag(_OTHER_TAG),
        )
        typ, payload = TokenType.LINK, link_to_payload(link)
    else:
        typ, payload = TokenType.CONSENT, consent_to_payload(_record(stated, band, issuer, gi(number), first_day))
    header, _, _ = sign_jws(payload, typ=typ, key=_key(issuer)).split(".")
    claims = payload.decode().replace("%", "%%").replace(str(_A_MOMENT), "%(at)d")
    for name, text in (
        ("id", _AN_ID), ("tag", _A_TAG), ("other", _OTHER_TAG), ("replaces", _REPLACED), ("confirms", _CONFIRMED),
    ):  # fmt: skip
        claims = claims.replace(text, f"%({name})s")
    return _Template(header, claims, _signatures(issuer))


@cache
def _key(issuer: OIN) -> SigningKey:
    return SigningKey.generate(randomness=UnsafeSeededRandomness(f"bench/consents/{issuer.value}"))


@cache
def _signatures(issuer: OIN) -> tuple[str, ...]:
    """Make the pool of an issuer."""
    return tuple(b64url(_key(issuer).sign(str(number).encode())) for number in range(_SIGNATURES))


def _record(stated: Step, band: AgeBand, issuer: OIN, recipient: OIN, first_day: date) -> ConsentRecord:
    """Make a consent of a person of an age."""
    parents = 0 if band is AgeBand.ADULT else 2
    own = () if band is AgeBand.UNDER_12 else (SELF_NO if stated.what is What.NO else SELF_YES,)
    parent = PARENT_NO if stated.what is What.NO and not own else PARENT_YES
    return ConsentRecord(
        issuer=issuer,
        id=MessageId(_AN_ID),
        issued_at=_A_MOMENT,
        hub=HUB,
        tag=SubjectTag(_A_TAG),
        case=None,
        age=band,
        role=SubjectRole.OUDER if band is AgeBand.ADULT else SubjectRole.JEUGDIGE,
        incapable=False,
        holders=parents,
        givers=(*own, *(parent,) * parents),
        without_parents=None,
        categories=FEWER if stated.what is What.LESS else CATEGORIES,
        purposes=frozenset({PURPOSE}),
        recipients=frozenset({ConsentRecipient(oin=recipient)}),
        valid_from=first_day,
        valid_until=first_day + timedelta(days=2 * _DAYS),
        status=ConsentStatus.WITHDRAWN if stated.what is What.WITHDRAWN else ConsentStatus.GIVEN,
        form=DIGEST,
        replaces=MessageId(_REPLACED) if stated.replaces is not None else None,
        confirms=MessageId(_CONFIRMED) if stated.confirms is not None else None,
    )
