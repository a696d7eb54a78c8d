"""Take the recipient's signed word that a message came: step 13 of the way of one message.

Source: the architecture, sections 1 and 7 (`POST /v1/receipts`).
"""

from dataclasses import dataclass
from typing import Final

from audit.entries import PAD_BYTES, EntryDraft
from audit.records import token_digest
from hub.changes import LogMember, ReceiptGiven
from hub.exchange.authenticate import Request, authenticate, renew, verify_former_signer
from hub.exchange.earlier import question_answered
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.ports import DecisionOutdatedError, MemberLostError, StoredDisclosure, StoredMessage
from schemas.codes import EntryKind, TokenType
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    Issue,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)
from schemas.identifiers import MessageId
from schemas.jws import parse_jws
from schemas.requests import Outcome, ReceiptClaims, parse_receipt

ATTEMPTS_MAX: Final = 3
"""How often a receipt is tried anew because its signer changed under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipted:
    """The answer to a receipt: where it stands in the log.

    Attributes:
        index: Place of the RECEIPT entry.
        entry: Exact text of that entry.
        tlog_proof: Proof of the entry.
        repeated: Whether this is the old answer to the same receipt.
    """

    index: int
    entry: str
    tlog_proof: str
    repeated: bool


async def receipt(token: str, *, arrival: Arrival, services: Services) -> Receipted:
    """Log a receipt, and forget the ciphertexts if it accepts.

    1. authenticate: the recipient signed it, however long ago
    2. find: the message is its own and was released
    3. repeat: the same receipt gets the same answer, also when its signer has another key by now
    4. compare: the receipt is about what the newest disclosure released
    5. log RECEIPT and change the state, in one transaction; anew from 1 if the recipient has changed: at its place in
       the log the receipt is signed with the key in force there

    Raises:
        RejectedMessageError: The receipt is not about what was released; every issue is listed.
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    # 1. authenticate
    world = services.worlds.current()
    try:
        request = authenticate(
            token,
            typ=TokenType.RECEIPT,
            parse=parse_receipt,
            arrival=arrival,
            hub=services.hub,
            world=world,
            age_seconds_max=None,
        )
    except AuthenticationError:
        # 3. repeat
        known = await _answer_to_former_key(token, world=world, services=services)
        if known is None:
            raise
        return known
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _take(request, world=world, services=services)
        except DecisionOutdatedError:
            world = await services.worlds.refresh()
            request = renew(request, world=world, at=arrival.at)
    raise UnavailableError("the recipient keeps changing; send the receipt again", code="hub.decision.outdated")


async def _answer_to_former_key(token: str, *, world: World, services: Services) -> Receipted | None:
    """Give the old answer to a receipt that was taken before its signer changed its key; None: it was not taken."""
    parsed = parse_jws(token, typ=TokenType.RECEIPT)
    claims = parse_receipt(parsed.payload)
    try:
        verify_former_signer(parsed, oin=claims.issuer, world=world)
    except RejectedMessageError:
        return None
    stored = await services.store.message(claims.message_id)
    if stored is None or stored.receipt is None or stored.receipt.receipt != token:
        return None
    return await _old_answer(stored, services=services)


async def _take(request: Request[ReceiptClaims], *, world: World, services: Services) -> Receipted:
    # 2. find
    stored = await services.store.message(request.claims.message_id)
    if stored is None or stored.recipient != request.participant.oin or stored.disclosure is None:
        text = "there is no message with this id that was released to this recipient"
        raise RejectedMessageError(text, code="recipient.message.unknown")
    # 3. repeat
    if stored.receipt is not None and stored.receipt.receipt == request.token:
        return await _old_answer(stored, services=services)
    if stored.receipt is not None:
        raise ReplayError("this message has another receipt already", code="recipient.receipt.used")
    # 4. compare
    _compare(request.claims, stored, stored.disclosure)
    accepted = request.claims.outcome is Outcome.ACCEPTED
    answers = await question_answered(stored, services=services) if accepted else None
    # 5. log and change
    member = _receipt_member(request, stored, answers=answers, world=world, services=services)
    try:
        appended = await services.log.append(member)
    except MemberLostError:
        return await _after_losing(request, services=services)
    return Receipted(index=appended.index, entry=appended.entry, tlog_proof=appended.tlog_proof, repeated=False)


def _compare(claims: ReceiptClaims, stored: StoredMessage, disclosure: StoredDisclosure) -> None:
    issues = [
        Issue(pointer=pointer, code="recipient.receipt.other", text=f"not the {what} of the newest disclosure")
        for pointer, what, holds in (
            ("/index", "log index", claims.index == disclosure.index),
            ("/message", "message", claims.message == token_digest(stored.jws)),
            ("/released", "set of elements", claims.released == disclosure.released_digest),
        )
        if not holds
    ]
    if issues:
        raise DocumentError("the receipt is about something else than was released", issues=issues)


def _receipt_member(
    request: Request[ReceiptClaims],
    stored: StoredMessage,
    *,
    answers: MessageId | None,
    world: World,
    services: Services,
) -> LogMember:
    accepted = request.claims.outcome is Outcome.ACCEPTED
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.RECEIPT,
            id=request.claims.id.value,
            sender=stored.sender,
            recipient=stored.recipient,
            purpose=stored.purpose,
            as_of=world.as_of,
            message=request.claims.message,
            released=request.claims.released,
            request=request.digest,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset({stored.recipient.value}),
        touches=frozenset(),
        change=ReceiptGiven(
            message_id=stored.id,
            disclosure_index=request.claims.index,
            receipt=request.token,
            accepted=accepted,
            forget=accepted,
            answers=answers,
        ),
    )


async def _old_answer(stored: StoredMessage, *, services: Services) -> Receipted:
    assert stored.receipt is not None
    return Receipted(
        index=stored.receipt.index,
        entry=stored.receipt.entry,
        tlog_proof=await services.log.proof(stored.receipt.index, entry=stored.receipt.entry),
        repeated=True,
    )


async def _after_losing(request: Request[ReceiptClaims], *, services: Services) -> Receipted:
    """Somebody was first: the same receipt on another connection, another receipt, or a new disclosure."""
    stored = await services.store.message(request.claims.message_id)
    if stored is not None and stored.receipt is not None and stored.receipt.receipt == request.token:
        return await _old_answer(stored, services=services)
    raise ReplayError(
        "another receipt or release of this message was first; ask for its release again",
        code="recipient.receipt.used",
    )
