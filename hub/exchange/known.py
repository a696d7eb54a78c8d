"""Read what is stated about a person: the records as `consent` weighs them, verified when they were taken in.

Reading is remembered by the record's own bytes: the same consent decides about many elements and messages.
"""

from collections.abc import Iterable
from functools import lru_cache

from hub.exchange.services import World
from hub.persons import Person
from schemas.codes import EntryKind, Role, TokenType
from schemas.consents import ConsentRecord, parse_consent
from schemas.identifiers import OIN
from schemas.jws import parse_jws
from schemas.links import Link, parse_link
from schemas.measures import MeasureStatement, parse_measure


def consents_of(person: Person) -> tuple[ConsentRecord, ...]:
    """Every consent record about a person, in the order of the log."""
    return tuple(read_consent(record.token) for record in person.of_kind(EntryKind.CONSENT))


def measures_of(person: Person) -> tuple[MeasureStatement, ...]:
    """Every measure statement about a person, in the order of the log."""
    return tuple(read_measure(record.token) for record in person.of_kind(EntryKind.MEASURE))


def links_of(persons: Iterable[Person]) -> tuple[Link, ...]:
    """Every link between the pseudonyms of persons."""
    return tuple(read_link(record.token) for person in persons for record in person.of_kind(EntryKind.LINK))


def raden(statements: Iterable[MeasureStatement], *, world: World) -> frozenset[OIN]:
    """Those who signed one of these statements and are a Raad."""
    signers = {statement.issuer: world.directory.participant(statement.issuer) for statement in statements}
    return frozenset(oin for oin, signer in signers.items() if signer is not None and signer.role is Role.RAAD)


@lru_cache(maxsize=4096)
def read_consent(token: str) -> ConsentRecord:
    """Read a consent record that was taken in."""
    return parse_consent(parse_jws(token, typ=TokenType.CONSENT).payload)


@lru_cache(maxsize=4096)
def read_measure(token: str) -> MeasureStatement:
    """Read a measure statement that was taken in."""
    return parse_measure(parse_jws(token, typ=TokenType.MEASURE).payload)


@lru_cache(maxsize=1024)
def read_link(token: str) -> Link:
    """Read a link that was taken in."""
    return parse_link(parse_jws(token, typ=TokenType.LINK).payload)
