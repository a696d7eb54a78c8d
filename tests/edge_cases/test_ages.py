"""Edge cases of ages: the birthday itself, one that passes while a message waits, and a birthday in leap years."""

from datetime import date

import pytest

from connectors.sdk.ages import age_of
from schemas.codes import AgeBand
from tests.edge_cases.questions import born, whose


@pytest.mark.parametrize(
    ("birth_date", "expected"),
    [
        ("2014-11-24", ["parents", "all"]),  # 11, and 12 tomorrow
        ("2014-11-23", ["all"]),  # 12 today
        ("2014-11-22", ["all"]),
        ("2010-11-24", ["all"]),  # 15, and 16 tomorrow
        ("2010-11-23", ["all", "alone"]),  # 16 today
        ("2008-11-23", ["all", "alone"]),  # 18 today
    ],
)
def test_ages_11_12_15_and_16_count_to_the_day(birth_date: str, expected: list[str]) -> None:
    """Ages 11/12/15/16 to the day: who has to consent follows from the birthday, and not from the year."""
    assert whose(born(birth_date)) == expected


@pytest.mark.parametrize(
    ("birth_date", "before", "after"),
    [
        ("2014-11-24", ["parents", "all"], ["all"]),
        ("2010-11-24", ["all"], ["all", "alone"]),
    ],
)
def test_a_birthday_between_acceptance_and_pick_up_changes_who_has_to_consent(
    birth_date: str, before: list[str], after: list[str]
) -> None:
    """Ages 11/12/15/16 to the day: the message that waits names the day on which the age changes."""
    child = born(birth_date)
    assert (whose(child), whose(child, at=1)) == (before, after)


def test_who_is_born_on_29_february_is_12_and_16_on_that_day_and_18_on_1_march() -> None:
    """29 February births: 2024 and 2028 have that day, 2030 has not."""
    leap = "2012-02-29"
    for day, band in (
        (date(2024, 2, 28), AgeBand.UNDER_12),
        (date(2024, 2, 29), AgeBand.FROM_12),
        (date(2028, 2, 28), AgeBand.FROM_12),
        (date(2028, 2, 29), AgeBand.FROM_16),
        (date(2030, 2, 28), AgeBand.FROM_16),
        (date(2030, 3, 1), AgeBand.ADULT),
    ):
        assert age_of(birth_date=leap, unborn=False, day=day, until=day).band is band
    turning = age_of(birth_date=leap, unborn=False, day=date(2030, 2, 28), until=date(2030, 3, 30))
    assert turning.turns == date(2030, 3, 1)
