"""Age bands of data subjects, on the day a message is made and until it can no longer be picked up.

A band says what the decision must know of an age and nothing more. `turns` is the day on which the next band begins,
if it does before the message lapses. A birth date of which only a year or a month is known gives a band only where
every date it can be gives the same one all that time; else the band is `unknown`.

Somebody born on 29 February is a year older on 1 March of a year that has no 29 February.

Source: Jeugdwet 7.3.4 and 7.3.5 for the bands; the architecture, section 4, `age` and `turns`.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.codes import AgeBand

_FIRST_YEARS: Final = ((18, AgeBand.ADULT), (16, AgeBand.FROM_16), (12, AgeBand.FROM_12), (0, AgeBand.UNDER_12))
_BOUNDS: Final = (12, 16, 18)
_FHIR_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """A band, and the day on which the next begins if that is before the message lapses."""

    band: AgeBand
    turns: date | None = None


UNKNOWN_AGE: Final = Age(band=AgeBand.UNKNOWN)


def age_of(*, birth_date: str | None, unborn: bool, day: date, until: date) -> Age:
    """Say in which band somebody is.

    Args:
        birth_date: FHIR date, possibly only `YYYY` or `YYYY-MM`; None if unknown.
        unborn: Whether the child is not born yet; it then has no birth date.
        day: The day of `iat`, in the Netherlands.
        until: The day of `pickup_by`.

    Returns:
        The band on `day`. A date that is none, or that lies after `day`, gives `unknown`.
    """
    if unborn:
        return Age(band=AgeBand.UNBORN)
    possible = _possible_dates(birth_date or "")
    if possible is None or possible[1] > day:
        return UNKNOWN_AGE
    first, last = possible
    if first == last:
        band = _band(first, day)
        turning = [on for bound in _BOUNDS if day < (on := birthday(first, bound)) <= until]
        return Age(band=band, turns=turning[0] if turning else None)
    bands = {_band(born, moment) for born in possible for moment in (day, until)}
    return Age(band=bands.pop()) if len(bands) == 1 else UNKNOWN_AGE


def birthday(born: date, years: int) -> date:
    """Return the day on which somebody becomes so many years old."""
    year = born.year + years
    if (born.month, born.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return date(year, born.month, born.day)


def _band(born: date, day: date) -> AgeBand:
    return next((band for years, band in _FIRST_YEARS if birthday(born, years) <= day), AgeBand.UNKNOWN)


def _possible_dates(text: str) -> tuple[date, date] | None:
    """First and last date that an incomplete date can be."""
    found = _FHIR_DATE.fullmatch(text)
    if not found:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None  # the pattern always has it
    try:
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            next_month = date(year + month // 12, month % 12 + 1, 1)
            return date(year, month, 1), next_month - timedelta(days=1)
        return date(year, month, day), date(year, month, day)
    except ValueError:
        return None
