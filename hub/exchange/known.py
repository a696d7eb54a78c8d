"""Read what was verified when it was taken in: records about a person, as `consent` weighs them, and messages.

Reading a record is remembered by the record's own bytes: the same consent decides about many elements and messages.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from consent.request import civil_day
from hub.exchange.services import World
from hub.persons import Person
from hub.ports import StoredMessage
from schemas.codes import EntryKind, Role, TokenType
from schemas.consents import ConsentRecord, parse_consent
from schemas.identifiers import OIN, SubjectTag
from schemas.jws import parse_jws
from schemas.links import Link, parse_link
from schemas.measures import MeasureStatement, parse_measure
from schemas.message import Message, parse_message
from schemas.sdjwt import parse_disclosure

EMERGENCY_DAYS: Final = timedelta(days=3)
"""Until how long after an emergency began the measure that it waited for may begin."""


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


def ends_emergency(statement: MeasureStatement, *, gi: OIN, accepted_at: int) -> bool:
    """Whether a statement is what an emergency waited for: a measure of its GI that runs in the days after it.

    Any other could be stated at any time, to begin the hours anew or to close the review.

    Args:
        statement: Taken in after the emergency.
        gi: Who acted in it.
        accepted_at: When it was accepted, as NumericDate.
    """
    day = civil_day(datetime.fromtimestamp(accepted_at, UTC))
    assert day is not None, "an accepted message is of a day of the calendar"
    return (
        statement.executor == gi
        and not statement.annulled
        and statement.valid_from <= day + EMERGENCY_DAYS
        and (statement.valid_until is None or statement.valid_until >= day)
    )


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


def read_stored(stored: StoredMessage) -> Message:
    """Read the claims of a message that was accepted."""
    return parse_message(parse_jws(stored.jws, typ=TokenType.MESSAGE).payload)


def tags_of(stored: StoredMessage) -> tuple[SubjectTag, ...]:
    """Whom a message that was accepted is about, in this hub's tag space."""
    return tuple(SubjectTag(str(parse_disclosure(text).value)) for text in stored.tags)
