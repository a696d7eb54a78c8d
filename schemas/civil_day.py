"""The day in the Netherlands: by which laws, measures and birthdays count."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

_NETHERLANDS: Final = ZoneInfo("Europe/Amsterdam")


def civil_day(at: datetime) -> date | None:
    """The day in the Netherlands at a moment.

    Args:
        at: An aware moment.

    Returns:
        The day, or None when the moment is naive or lies outside the calendar.
    """
    if at.utcoffset() is None:
        return None
    try:
        return at.astimezone(_NETHERLANDS).date()
    except OverflowError:
        return None


def civil_day_of_second(seconds: int) -> date:
    """The day in the Netherlands of a NumericDate, which lies within the calendar: see `schemas.claims.MOMENT_MAX`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(_NETHERLANDS).date()
