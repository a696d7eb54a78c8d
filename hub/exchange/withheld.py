"""Tell the senders of messages of which nothing goes to their recipient any more.

A denied release discloses nothing and changes nothing, so no entry records it (hub decision 0017): what denied it, such
as a withdrawal, is an entry already. But who sent the message believes that it waits, and has to act.

Source: the architecture, promise 5: what was accepted arrives, once, or somebody is told.
"""

from collections.abc import Sequence
from typing import Final

from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from schemas.errors import Issue
from schemas.identifiers import MessageId

DENIED: Final = "recipient.decision.denied"
KEY_REVOKED: Final = "recipient.sealing-key.revoked"
TOLD: Final = frozenset({DENIED, KEY_REVOKED})
"""Codes of refused releases that need something of the sender."""

KEY_REVOKED_ISSUE: Final = Issue(
    pointer="/sealed/kid",
    code=KEY_REVOKED,
    text="this message is sealed to a key that the recipient revoked; the sender must send it anew",
    text_nl="dit bericht is verzegeld voor een sleutel die de ontvanger heeft ingetrokken; verstuur het opnieuw",
)
SUSPENDED_ISSUE: Final = Issue(
    pointer="/recipient/oin",
    code="recipient.participant.suspended",
    text="the recipient does not take part in the exchange at this moment",
    text_nl="de ontvanger neemt op dit moment niet deel aan de uitwisseling",
)


async def tell_senders(message_ids: Sequence[MessageId], *, arrival: Arrival, services: Services) -> None:
    """Tell the sender of each message, once however often its recipient asks for it.

    Raises:
        UnavailableError: Nobody was told.
    """
    if not message_ids:
        return
    for number, sender in await services.attention.notice_denied(message_ids, at=arrival.seconds):
        await services.outbox.notice_waits(sender, number)
        await services.wake_ups.wake(sender)
