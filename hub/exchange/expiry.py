"""What nobody collected in time: the ciphertexts go, and an EXPIRY entry says so.

Any hub process sweeps; two that sweep at once cost nothing, because the second loses. Release refuses by the clock, so
nothing depends on when the sweep comes.

Source: the architecture, section 4, "Not collected".
"""

from audit.entries import PAD_BYTES, EntryDraft
from audit.records import token_digest
from hub.changes import LogMember, MessageExpired
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.ports import MemberLostError, StoredMessage
from schemas.codes import EntryKind
from schemas.randomness import Randomness

EXPIRED_AT_ONCE_MAX = 100
"""How many messages one sweep expires; the next comes soon."""


async def expire(*, arrival: Arrival, services: Services) -> int:
    """Expire what is past its time; returns how many messages this sweep expired.

    Raises:
        UnavailableError: The rest comes with the next sweep.
        EvidenceError: The log contradicts itself.
    """
    expired = 0
    for stored in await services.store.expired(at=arrival.seconds, limit=EXPIRED_AT_ONCE_MAX):
        try:
            await services.log.append(_expiry_member(stored, randomness=services.randomness))
        except MemberLostError:
            continue
        expired += 1
    return expired


def _expiry_member(stored: StoredMessage, *, randomness: Randomness) -> LogMember:
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.EXPIRY,
            id=stored.id.value,
            sender=stored.sender,
            recipient=stored.recipient,
            purpose=stored.purpose,
            message=token_digest(stored.jws),
            pad=randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=MessageExpired(message_id=stored.id),
    )
