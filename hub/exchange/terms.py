"""The terms of questions: which may be stated, and reminding of them.

Both sides are reminded, three days before and on the day itself, once each. Any hub process does it; nothing depends on
when. What is told is the identifier of the question, and nothing of it.

Source: the domain page, section 3, `informatieverzoek`.
"""

from datetime import timedelta
from typing import Final

from consent.request import civil_day
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from schemas.civil_day import civil_day_of_second
from schemas.errors import Issue
from schemas.message import Message
from schemas.message_claims import TERM_DAYS_MAX

DAYS_BEFORE: Final = 3


def check_term(message: Message) -> tuple[Issue, ...]:
    """Say what is wrong with the term of a question; nothing where none is asked.

    It is a day from that of the message on: nobody could keep one of before, and of one that lies years ahead nobody
    would be reminded.
    """
    if message.asks is None:
        return ()
    asked_on = civil_day_of_second(message.issued_at)
    if asked_on <= message.asks.term <= asked_on + timedelta(days=TERM_DAYS_MAX):
        return ()
    text = f"the term lies before the day of the question, or more than {TERM_DAYS_MAX} days after it"
    text_nl = f"de termijn ligt voor de dag van de vraag, of meer dan {TERM_DAYS_MAX} dagen erna"
    return (Issue(pointer="/asks/term", code="sender.asks.term", text=text, text_nl=text_nl),)


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
