"""Age bands and the day on which they change."""

from datetime import date, timedelta

import pytest

from connectors.sdk.ages import Age, age_of, birthday
from schemas.codes import AgeBand

DAY = date(2026, 11, 23)
UNTIL = date(2026, 12, 23)


def _age(birth_date: str | None, *, unborn: bool = False) -> Age:
    return age_of(birth_date=birth_date, unborn=unborn, day=DAY, until=UNTIL)


@pytest.mark.parametrize(
    ("birth_date", "band"),
    [
        ("2026-11-23", AgeBand.UNDER_12),
        ("2014-11-24", AgeBand.UNDER_12),
        ("2014-11-23", AgeBand.FROM_12),
        ("2010-11-24", AgeBand.FROM_12),
        ("2010-11-23", AgeBand.FROM_16),
        ("2008-11-24", AgeBand.FROM_16),
        ("2008-11-23", AgeBand.ADULT),
        ("1940-01-01", AgeBand.ADULT),
    ],
)
def test_a_band_begins_on_the_birthday_itself(birth_date: str, band: AgeBand) -> None:
    assert _age(birth_date).band == band


@pytest.mark.parametrize(
    ("birth_date", "turns"),
    [
        ("2014-11-24", date(2026, 11, 24)),
        ("2014-12-23", date(2026, 12, 23)),
        ("2014-12-24", None),
        ("2010-12-01", date(2026, 12, 1)),
        ("2008-12-01", date(2026, 12, 1)),
        ("2013-12-01", None),
    ],
)
def test_turns_is_the_day_of_the_next_band_if_the_message_still_waits_then(birth_date: str, turns: date | None) -> None:
    assert _age(birth_date).turns == turns


def test_who_was_born_on_29_february_is_a_year_older_on_1_march() -> None:
    assert birthday(date(2012, 2, 29), 12) == date(2024, 2, 29)
    assert birthday(date(2014, 2, 28), 12) == date(2026, 2, 28)
    assert birthday(date(2012, 2, 29), 18) == date(2030, 3, 1)


@pytest.mark.parametrize(
    ("birth_date", "band"),
    [
        ("2020", AgeBand.UNDER_12),
        ("2014", AgeBand.UNKNOWN),  # eleven or twelve
        ("2014-12", AgeBand.UNKNOWN),  # eleven now, perhaps twelve before the message lapses
        ("2014-10", AgeBand.FROM_12),
        ("2008-12", AgeBand.UNKNOWN),
        ("1984", AgeBand.ADULT),
    ],
)
def test_an_incomplete_date_gives_a_band_only_if_every_date_it_can_be_does(birth_date: str, band: AgeBand) -> None:
    assert _age(birth_date) == Age(band=band)


@pytest.mark.parametrize(
    ("birth_date", "first_may_be_12", "all_are_12"),
    [
        ("2014", date(2026, 1, 1), date(2026, 12, 31)),
        ("2014-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2012-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2014-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2014-12", date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_an_incomplete_date_is_every_day_of_its_month_or_year(
    birth_date: str, first_may_be_12: date, all_are_12: date
) -> None:
    def band(day: date) -> AgeBand:
        return age_of(birth_date=birth_date, unborn=False, day=day, until=day).band

    one = timedelta(days=1)
    found = [band(day) for day in (first_may_be_12 - one, first_may_be_12, all_are_12 - one, all_are_12)]
    assert found == [AgeBand.UNDER_12, AgeBand.UNKNOWN, AgeBand.UNKNOWN, AgeBand.FROM_12]


@pytest.mark.parametrize("birth_date", [None, "", "2014-13", "2014-02-30", "2014-2-3", "morgen", "2026-11-24", "2027"])
def test_what_is_no_date_in_the_past_is_unknown(birth_date: str | None) -> None:
    assert _age(birth_date) == Age(band=AgeBand.UNKNOWN)


def test_a_child_that_is_not_born_yet_has_a_band_of_its_own() -> None:
    assert _age(None, unborn=True) == Age(band=AgeBand.UNBORN)
