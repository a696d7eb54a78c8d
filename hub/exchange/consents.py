"""Take in consents and withdrawals, and tell who has something that rested on what is withdrawn.

What takes consent back (a withdrawal, less than before, a refusal) takes effect at its place in the log: every
decision after it reads it, and a release that was decided before it and not yet logged is decided anew. What was
released before is not undone; its recipients are told.

Source: the architecture, section 5; Jeugdwet 7.3.11(1); AVG 7(3).
"""

from typing import Final

from consent.consents import check_record, taken_back
from hub.changes import Change, RecordStated
from hub.exchange.known import consents_of
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.exchange.stating import Form, Stating, Taken, refuse, take_in
from schemas.codes import EntryKind, TokenType
from schemas.consents import ConsentRecord, parse_consent


async def state_consent(token: str, *, arrival: Arrival, services: Services) -> Taken:
    """Take in a consent record; the same record again gets the same answer.

    Raises:
        RejectedMessageError: See `take_in`; with every finding of `consent.consents.check_record`.
        UnavailableError: It may succeed later; nothing was changed.
    """
    taken = await take_in(token, form=_FORM, arrival=arrival, services=services)
    if isinstance(taken.change, RecordStated) and taken.change.withdraws:
        await tell(taken.index, services=services)
    return taken


async def tell(index: int, *, services: Services) -> None:
    """Wake whoever has a notice because of an entry."""
    for number, recipient in await services.attention.notified_by(index):
        await services.outbox.notice_waits(recipient, number)
        await services.wake_ups.wake(recipient)


async def _change(stating: Stating[ConsentRecord]) -> Change:
    record = stating.request.claims
    known = consents_of(stating.persons[record.tag])
    refuse("the consent record does not fit what is known of this person", check_record(record, known=known))
    return RecordStated(
        kind=EntryKind.CONSENT,
        id=record.id,
        issuer=record.issuer,
        tag=record.tag,
        token=stating.request.token,
        withdraws=tuple(each.value for each in taken_back(record, known=known)),
    )


_FORM: Final = Form(
    kind=EntryKind.CONSENT,
    typ=TokenType.CONSENT,
    parse=parse_consent,
    tags=lambda record: (record.tag,),
    change=_change,
)
