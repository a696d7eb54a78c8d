"""Take a message back that nobody picked up.

A release and a recall that come at once have one winner: whose entry the log has first. Whoever comes second learns
which: the recipient that the message was recalled, the sender who has it and since when.

Source: the architecture, section 6 (`RECALL`).
"""

from datetime import UTC, datetime
from typing import Final

from audit.entries import PAD_BYTES, EntryDraft, parse_entry
from audit.records import token_digest
from hub.changes import LogMember, MessageRecalled
from hub.exchange.authenticate import Request, authenticate, verify_former_signer
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.ports import Appended, MemberLostError, MessageState, StoredMessage
from schemas.codes import EntryKind, TokenType
from schemas.errors import AuthenticationError, Issue, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import MessageId
from schemas.jws import parse_jws
from schemas.requests import RecallClaims, parse_recall

ATTEMPTS_MAX: Final = 3
"""How often a recall is tried while the message is released or ends."""


async def recall(token: str, *, arrival: Arrival, services: Services) -> Appended:
    """Take a message back: its ciphertexts go, and no inbox shows it any more.

    1. authenticate: its sender signed it, now or when it first sent this recall
    2. repeat: the same recall gets the same answer
    3. look: it waits, and nobody picked it up
    4. log RECALL and change the state, in one transaction; anew from 2 if somebody was first

    Raises:
        RejectedMessageError: It is not the sender's, was picked up (says by whom and when), expired, or was recalled
            by another request.
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    # 1. authenticate
    world = services.worlds.current()
    try:
        request = authenticate(
            token, typ=TokenType.RECALL, parse=parse_recall, arrival=arrival, hub=services.hub, world=world
        )
    except (AuthenticationError, RejectedMessageError):
        # 2. repeat
        known = await _answer_to_former_request(token, world=world, services=services)
        if known is None:
            raise
        return known
    for _ in range(ATTEMPTS_MAX):
        # 2. repeat
        known = await _old_answer(request.claims.message_id, token, services=services)
        if known is not None:
            return known
        # 3. look
        stored = await services.store.message(request.claims.message_id)
        waiting = _waiting(stored, request=request, arrival=arrival)
        # 4. log and change
        try:
            return await services.log.append(_member(waiting, request, services=services))
        except MemberLostError:
            continue
    raise UnavailableError("the message changes at this moment; try again", code="hub.decision.outdated")


def _waiting(stored: StoredMessage | None, *, request: Request[RecallClaims], arrival: Arrival) -> StoredMessage:
    if stored is None or stored.sender != request.participant.oin:
        raise RejectedMessageError("no message of yours has this id", code="sender.message.unknown")
    if stored.disclosure is not None:
        raise _picked_up(stored)
    if stored.state is MessageState.RECALLED:
        raise ReplayError("this message was recalled by another request", code="sender.recall.used")
    if stored.state is MessageState.EXPIRED or stored.pickup_by <= arrival.seconds:
        raise RejectedMessageError("the time to collect this message has passed", code="sender.recall.expired")
    return stored


def _picked_up(stored: StoredMessage) -> RejectedMessageError:
    """Say who has it, and since when: what was released cannot be taken back, and a correction follows it."""
    assert stored.disclosure is not None
    time = parse_entry(stored.disclosure.entry.encode()).time
    since = datetime.fromtimestamp(time // 1000, UTC).isoformat().replace("+00:00", "Z")
    text = f"picked up by {stored.recipient.value} at {since}; send a correction"
    text_nl = f"opgehaald door {stored.recipient.value} op {since}; stuur een correctie"
    issue = Issue(pointer="/message_id", code="sender.recall.released", text=text, text_nl=text_nl)
    return RejectedMessageError(text, code="sender.recall.released", issues=[issue])


def _member(stored: StoredMessage, request: Request[RecallClaims], *, services: Services) -> LogMember:
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.RECALL,
            id=request.claims.id.value,
            sender=stored.sender,
            recipient=stored.recipient,
            purpose=stored.purpose,
            message=token_digest(stored.jws),
            request=request.digest,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=MessageRecalled(message_id=stored.id, token=request.token),
    )


async def _answer_to_former_request(token: str, *, world: World, services: Services) -> Appended | None:
    """Give the old answer to a recall that was taken before its signer changed its key; None: it was not taken."""
    parsed = parse_jws(token, typ=TokenType.RECALL)
    claims = parse_recall(parsed.payload)
    try:
        verify_former_signer(parsed, oin=claims.issuer, world=world)
    except RejectedMessageError:
        return None
    return await _old_answer(claims.message_id, token, services=services)


async def _old_answer(message_id: MessageId, token: str, *, services: Services) -> Appended | None:
    known = await services.attention.recall(message_id)
    if known is None or known.token != token:
        return None
    return await services.proven(known)
