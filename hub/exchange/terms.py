"""Remind of questions whose term comes: both sides, three days before and on the day itself, once each.

Any hub process does it; nothing depends on when. What is told is the identifier of the question, and nothing of it.

Source: the domain page, section 3, `informatieverzoek`.
"""

from datetime import timedelta
from typing import Final

from consent.request import civil_day
from hub.exchange.services import Services
from hub.exchange.stages import Arrival

DAYS_BEFORE: Final = 3


async def remind(*, arrival: Arrival, services: Services) -> int:
    """Notice who waits for an answer and who owes one; returns how many notices there are now.

    Raises:
        UnavailableError: The next sweep does it.
    """
    today = civil_day(arrival.at)
    assert today is not None, "the clock shows a day of the calendar"
    soon = today + timedelta(days=DAYS_BEFORE)
    noticed = await services.attention.remind(today=today, soon=soon, at=arrival.seconds)
    for number, recipient in noticed:
        await services.outbox.notice_waits(recipient, number)
        await services.wake_ups.wake(recipient)
    return len(noticed)
