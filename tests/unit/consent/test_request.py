"""The question: ages to the day, the day in the Netherlands, and what counts as a reply."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from consent.request import DataSubject, ReplyFact, Route, civil_day, reply_fact
from schemas.codes import AgeBand, SubjectRole
from schemas.identifiers import OIN, CaseId

BIRTHDAY = date(2026, 11, 24)
GEMEENTE, RAAD, GI = (OIN(f"0000009900000000{n}000") for n in (1, 2, 3))
CASE, OTHER_CASE = CaseId("7d" * 16), CaseId("8e" * 16)


@pytest.mark.parametrize(
    ("age", "later"),
    [
        (AgeBand.UNBORN, AgeBand.UNDER_12),
        (AgeBand.UNDER_12, AgeBand.FROM_12),
        (AgeBand.FROM_12, AgeBand.FROM_16),
        (AgeBand.FROM_16, AgeBand.ADULT),
    ],
)
def test_from_the_birthday_on_the_later_band_decides(age: AgeBand, later: AgeBand) -> None:
    child = DataSubject(role=SubjectRole.JEUGDIGE, age=age, turns=BIRTHDAY)
    assert [child.age_on(BIRTHDAY + timedelta(days=days)) for days in (-1, 0, 1)] == [age, later, later]


@pytest.mark.parametrize("age", AgeBand)
def test_without_a_birthday_in_sight_the_band_stays(age: AgeBand) -> None:
    assert DataSubject(role=SubjectRole.JEUGDIGE, age=age).age_on(BIRTHDAY) is age


@pytest.mark.parametrize("age", [AgeBand.ADULT, AgeBand.UNKNOWN])
def test_a_band_that_nothing_follows_cannot_turn(age: AgeBand) -> None:
    child = DataSubject(role=SubjectRole.JEUGDIGE, age=age, turns=BIRTHDAY)
    assert [child.age_on(BIRTHDAY + timedelta(days=days)) for days in (-1, 0)] == [None, None]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, 0, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 6, 30, 22, 0, 0, tzinfo=timezone(timedelta(hours=2))), date(2026, 6, 30)),
    ],
)
def test_a_day_begins_at_midnight_in_the_netherlands(at: datetime, day: date) -> None:
    assert civil_day(at) == day


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 23, 12, 0),  # noqa: DTZ001 - naive is what this is about
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_moment_without_a_day_in_the_netherlands_has_none(at: datetime) -> None:
    assert civil_day(at) is None


def test_a_reply_answers_what_this_recipient_sent_to_this_sender_in_this_case() -> None:
    question = Route(sender=GEMEENTE, recipient=RAAD, case=CASE)
    answer = Route(sender=RAAD, recipient=GEMEENTE, case=CASE)
    fact = reply_fact(answer, answered=question, message_type="verzoek-tot-onderzoek")
    assert fact == ReplyFact(message_type="verzoek-tot-onderzoek")


@pytest.mark.parametrize(
    "answered",
    [
        Route(sender=GI, recipient=RAAD, case=CASE),
        Route(sender=GEMEENTE, recipient=GI, case=CASE),
        Route(sender=GEMEENTE, recipient=RAAD, case=OTHER_CASE),
        Route(sender=RAAD, recipient=GEMEENTE, case=CASE),
    ],
)
def test_any_other_message_is_no_message_to_reply_to(answered: Route) -> None:
    answer = Route(sender=RAAD, recipient=GEMEENTE, case=CASE)
    assert reply_fact(answer, answered=answered, message_type="verzoek-tot-onderzoek") is None
