"""To which participant a native document goes: its OIN, or a code of an address list.

The address book says, with dates, which code is which participant. The lists of institutions change monthly: the
operator writes them to `addressbook.toml`; nothing of them is built in.

    [[institution]]
    code = "RC0102"
    name = "Raad voor de Kinderbescherming, locatie Voorbeeldstad"
    oin = "00000099000000002000"
    valid_from = 2026-07-01

A code becomes the participant's OIN, and the code itself stays as `recipientUnit`.

Source: DOMAIN.md 7; the INS list of the ketenpartners.
"""

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN

NEAREST_MAX: Final = 3
_NEAR_ENOUGH: Final = 0.4
_DIGITS_OF_OIN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """One line of the address book.

    Attributes:
        code: What native documents call it.
        name: For people.
        oin: The participant that it belongs to.
        valid_from: First day it counts.
        valid_until: First day on which it no longer counts; None is open.
    """

    code: str
    name: str
    oin: OIN
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the line counts on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Whom a document is for: the participant, and the part of it that a code names."""

    oin: OIN
    unit: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    name: str
    oin: str
    valid_from: date
    valid_until: date | None = None


class _Book(msgspec.Struct, forbid_unknown_fields=True):
    institution: tuple[_Line, ...] = ()


def parse_addressbook(data: bytes) -> tuple[Institution, ...]:
    """Read `addressbook.toml`.

    Raises:
        DocumentError: It is not TOML, or a line is wrong.
    """
    try:
        book = msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), type=_Book)
        return tuple(
            Institution(
                code=line.code,
                name=line.name,
                oin=OIN(line.oin),
                valid_from=line.valid_from,
                valid_until=line.valid_until,
            )
            for line in book.institution
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        code = "sender.addressbook.invalid"
        raise DocumentError(
            "`addressbook.toml` is not usable",
            code=code,
            detail=str(error),
            issues=[Issue(pointer="", code=code, text=f"not an address book: {error}")],
        ) from error


def is_oin(organisation: str) -> bool:
    """Whether an address has the form of an OIN, and is not a code of an address list."""
    return len(organisation) == _DIGITS_OF_OIN and organisation.isascii() and organisation.isdecimal()


def find_destination(organisation: str, *, addressbook: Sequence[Institution], day: date) -> Destination:
    """Say which participant an address of a document means.

    Args:
        organisation: What the document says: 20 digits, or a code.
        addressbook: The operator's list.
        day: Today, in the Netherlands.

    Raises:
        DocumentError: Nobody has this code today; the issue names the nearest names.
    """
    if is_oin(organisation):
        return Destination(oin=OIN(organisation))
    today = [institution for institution in addressbook if institution.holds_on(day)]
    for institution in today:
        if institution.code == organisation:
            return Destination(oin=institution.oin, unit=institution.code)
    code = "sender.recipient.unknown"
    near = nearest(organisation, today)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    hint_nl = f" Lijkt op: {', '.join(near)}." if near else ""
    raise DocumentError(
        "the address book does not know this recipient",
        code=code,
        issues=[
            Issue(
                pointer="/ontvanger/organisatie",
                code=code,
                text=f"neither an OIN nor a code that is in the address book today{hint}",
                text_nl=f"De ontvanger is geen OIN en staat vandaag niet in het adresboek.{hint_nl}",
            )
        ],
    )


def nearest(organisation: str, institutions: Sequence[Institution]) -> tuple[str, ...]:
    """The names and codes most like what was written, at most three, for the person who has to correct it."""
    labels = {f"{institution.name} ({institution.code})": institution for institution in institutions}
    wanted = organisation.casefold()
    scored = sorted(
        (
            (
                max(
                    difflib.SequenceMatcher(None, wanted, institution.code.casefold()).ratio(),
                    difflib.SequenceMatcher(None, wanted, institution.name.casefold()).ratio(),
                ),
                label,
            )
            for label, institution in labels.items()
        ),
        reverse=True,
    )
    return tuple(label for ratio, label in scored[:NEAREST_MAX] if ratio >= _NEAR_ENOUGH)
