"""Release what waits to its recipient: step 7 of the way of one message.

Every message asked for is decided again, by the catalogue and the facts of this moment; the DISCLOSURE entry is
durable before a ciphertext leaves. Asking again gives the same content without a second entry, unless the decision has
changed.

Source: the architecture, sections 1, 4, 6 and 7 (`POST /v1/releases`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.entries import EntryDraft, parse_entry
from audit.records import released_digest, token_digest
from hub.changes import DisclosureMade, LogMember, Shown
from hub.exchange.authenticate import Request, authenticate, renew
from hub.exchange.canaries import check_enforced
from hub.exchange.decide import (
    decide_labels,
    denied_before,
    keep,
    make_shown,
    marks_to_review,
    pointer,
    watches,
)
from hub.exchange.facts import find_facts
from hub.exchange.known import read_stored, tags_of
from hub.exchange.outline import outline_of
from hub.exchange.services import Services, World, policy_in_force
from hub.exchange.stages import Arrival, Decided, Structured
from hub.exchange.withheld import DENIED, KEY_REVOKED, KEY_REVOKED_ISSUE, SUSPENDED_ISSUE, TOLD, tell_senders
from hub.ports import DecisionOutdatedError, MemberLostError, MessageState, Store, StoredMessage
from schemas.codes import EntryKind, TokenType
from schemas.errors import DocumentError, EvidenceError, Issue, RejectedMessageError, UnavailableError
from schemas.identifiers import MessageId
from schemas.message import labels
from schemas.participants import Participant
from schemas.requests import ReleaseClaims, parse_release
from schemas.wire import RELEASE_BYTES_MAX

ATTEMPTS_MAX: Final = 3
"""How often a release is decided anew because its inputs changed under it."""

_BYTES_AROUND_AN_ELEMENT: Final = 256
"""Index, digest, quotes and base64 of a small element; a bound for the size of the answer, not a measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One message as it is handed out.

    Attributes:
        message: The message as it is stored.
        elements: The permitted ciphertexts, by number.
        index: Place of the DISCLOSURE entry.
        entry: Exact text of that entry.
        shown: What was permitted and withheld; the entry commits to it.
        tlog_proof: Proof of the entry.
    """

    message: StoredMessage
    elements: Mapping[int, bytes]
    index: int
    entry: str
    shown: Shown
    tlog_proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The answer to a release request.

    Attributes:
        releases: What is handed out.
        later: What did not fit; ask again. Nothing about it was logged.
        refused: What is not handed out, each with its error.
    """

    releases: tuple[Release, ...]
    later: tuple[MessageId, ...]
    refused: tuple[tuple[MessageId, RejectedMessageError], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """A message that may be released as decided."""

    stored: StoredMessage
    decided: Decided
    digest: str

    @property
    def unchanged(self) -> bool:
        """Whether the newest disclosure released exactly this."""
        return self.stored.disclosure is not None and self.stored.disclosure.released == self.decided.outcome.numbers


async def release(token: str, *, arrival: Arrival, services: Services) -> Released:
    """Hand out what a recipient asks for, as far as it may have it now.

    1. authenticate: the recipient signed this request, now, for this hub
    2. find: the messages are its own, wait, and are in time
    3. decide again: what acceptance permitted, by what holds now
    4. fit: what does not fit into one answer is named for later
    5. log DISCLOSURE, unless the newest one released the same; anew from 1 if what was read has changed
    6. hand out the permitted ciphertexts with the proof
    7. tell the senders of what is withheld as a whole; where that cannot be done now, it is asked for again

    Raises:
        RejectedMessageError: The request itself is wrong; a single message that is refused stands in the answer.
        UnavailableError: It may succeed later; nothing was disclosed that was not logged.
        EvidenceError: The log contradicts itself.
    """
    # 1. authenticate
    world = services.worlds.current()
    request = authenticate(
        token,
        typ=TokenType.RELEASE,
        parse=parse_release,
        arrival=arrival,
        hub=services.hub,
        world=world,
    )
    _check_able(world)
    # 2. find
    found = await services.store.messages_to_release(request.claims.ids)
    if any(world.directory.participant(stored.sender) is None for stored in found.values()):
        # A sender joined a moment ago, at another process.
        world = await services.worlds.refresh()
        request = renew(request, world=world, at=arrival.at)
    refused: list[tuple[MessageId, RejectedMessageError]] = []
    plans: list[_Plan] = []
    for message_id in request.claims.ids:
        try:
            stored = _waiting(found.get(message_id), request=request, arrival=arrival)
            # 3. decide again
            recipient = request.participant
            plan = await _decide_again(stored, recipient=recipient, world=world, arrival=arrival, services=services)
            plans.append(plan)
        except RejectedMessageError as error:
            refused.append((message_id, error))
    # 4. fit
    plans, later = _fit(plans)
    elements = await _find_elements(plans, store=services.store)
    # 5. log, 6. hand out
    outcomes = await asyncio.gather(
        *(_log_and_hand_out(plan, elements, request=request, arrival=arrival, services=services) for plan in plans),
        return_exceptions=True,
    )
    releases: list[Release] = []
    for plan, outcome in zip(plans, outcomes, strict=True):
        if isinstance(outcome, Release):
            releases.append(outcome)
        elif isinstance(outcome, RejectedMessageError):
            refused.append((plan.stored.id, outcome))
        elif isinstance(outcome, EvidenceError) or not isinstance(outcome, UnavailableError):
            raise outcome
        else:
            later.append(plan.stored.id)
    # 7. tell
    withheld = [message_id for message_id, error in refused if error.code in TOLD]
    try:
        await tell_senders(withheld, arrival=arrival, services=services)
    except UnavailableError:
        later += withheld
        refused = [each for each in refused if each[1].code not in TOLD]
    return Released(releases=tuple(releases), later=tuple(later), refused=tuple(refused))


async def why_withheld(stored: StoredMessage, *, arrival: Arrival, services: Services) -> tuple[Issue, ...]:
    """Say why nothing of a message would go to its recipient now; empty if something would, or if it has ended.

    Raises:
        UnavailableError: What is needed to say it could not be read.
    """
    if stored.state not in (MessageState.WAITING, MessageState.RELEASED) or stored.pickup_by <= arrival.seconds:
        return ()
    world = services.worlds.current()
    recipient = world.directory.participant(stored.recipient)
    if recipient is None or not recipient.in_force(arrival.at):
        return (SUSPENDED_ISSUE,)
    if recipient.has_revoked_sealing_key(stored.sealing_kid):
        return (KEY_REVOKED_ISSUE,)
    try:
        await _decide_again(stored, recipient=recipient, world=world, arrival=arrival, services=services)
    except RejectedMessageError as error:
        return error.issues
    return ()


def _check_able(world: World) -> None:
    """Check that something can be decided: the hub is not stopped, and there is a catalogue to decide by.

    Raises:
        UnavailableError: It cannot.
    """
    check_enforced(world)
    policy_in_force(world)


def _waiting(stored: StoredMessage | None, *, request: Request[ReleaseClaims], arrival: Arrival) -> StoredMessage:
    """Refuse what is not this recipient's, what it has received, and what is past its time."""
    if stored is None or stored.recipient != request.participant.oin:
        raise RejectedMessageError("there is no such message for this recipient", code="recipient.message.unknown")
    if stored.state is MessageState.RECEIVED:
        raise RejectedMessageError("this message was received; its content is gone", code="recipient.message.received")
    if stored.state is MessageState.RECALLED:
        raise RejectedMessageError("its sender recalled this message", code="recipient.message.recalled")
    if stored.state is MessageState.EXPIRED or stored.pickup_by <= arrival.seconds:
        raise RejectedMessageError("the time to collect this message has passed", code="recipient.message.expired")
    if request.participant.has_revoked_sealing_key(stored.sealing_kid):
        raise RejectedMessageError(KEY_REVOKED_ISSUE.text, code=KEY_REVOKED, issues=[KEY_REVOKED_ISSUE])
    return stored


async def _decide_again(
    stored: StoredMessage, *, recipient: Participant, world: World, arrival: Arrival, services: Services
) -> _Plan:
    structured = _structured_again(stored, recipient=recipient, world=world)
    policy = policy_in_force(world)
    try:
        facts = await find_facts(structured, world=world, policy=policy, services=services)
    except DocumentError as error:
        # Two answers were accepted at once, and this one is the second: its sender is told, as of any other denial.
        raise RejectedMessageError(error.public_message, code=DENIED, issues=error.issues) from error
    decided = decide_labels(
        structured,
        facts=facts,
        world=world,
        at=arrival.at,
        policy=policy,
        denied=denied_before(stored.shown.text),
    )
    if not decided.outcome.permitted:
        text = "nothing of this message may go to this recipient any more"
        raise RejectedMessageError(text, code=DENIED, issues=_why(decided, stored=stored))
    digests = [digest for label in decided.permitted for digest in label.digests]
    return _Plan(stored=stored, decided=decided, digest=released_digest(digests))


def _why(decided: Decided, *, stored: StoredMessage) -> tuple[Issue, ...]:
    """Name the reasons that withhold now what acceptance permitted, by the first label of which that is so."""
    before = denied_before(stored.shown.text)
    label, reasons = next((each for each in decided.withheld if each[0].text not in before), decided.withheld[0])
    return tuple(
        Issue(pointer=pointer(label), code=f"recipient.decision.{reason}", text=reason.en, text_nl=reason.nl)
        for reason in reasons
    )


def _structured_again(stored: StoredMessage, *, recipient: Participant, world: World) -> Structured:
    """Read an accepted message again; it was verified when it was accepted, and the log holds its digest.

    Raises:
        RejectedMessageError: What is stored is not what was accepted. It is about this message: the others go on.
    """
    message = read_stored(stored)
    sender = world.directory.participant(message.sender)
    said = (message.id, message.sender, message.recipient.oin, parse_entry(stored.entry.encode()).message)
    if sender is None or said != (stored.id, stored.sender, recipient.oin, token_digest(stored.jws)):
        text = "what the hub holds of this message is not what it accepted; its operator must look"
        raise RejectedMessageError(text, code="hub.message.damaged")
    return Structured(
        message=message,
        sender=sender,
        recipient=recipient,
        outline=outline_of(message),
        labels=labels(message),
        tags=tags_of(stored),
        hashes=stored.hashes,
    )


def _fit(plans: list[_Plan]) -> tuple[list[_Plan], list[MessageId]]:
    """Divide what fits into one answer from what comes later; the first always fits."""
    fitting: list[_Plan] = []
    later: list[MessageId] = []
    size = 0
    for plan in plans:
        stored = plan.stored
        size += stored.elements_bytes * 4 // 3 + len(stored.jws) + len(stored.permitted) * _BYTES_AROUND_AN_ELEMENT
        if fitting and size > RELEASE_BYTES_MAX:
            later.append(stored.id)
        else:
            fitting.append(plan)
    return fitting, later


async def _find_elements(plans: Sequence[_Plan], *, store: Store) -> Mapping[MessageId, Mapping[int, bytes]]:
    """Return the ciphertexts that came with their messages, and look up the others."""
    found = {plan.stored.id: plan.stored.elements for plan in plans if plan.stored.elements is not None}
    others = [plan.stored.id for plan in plans if plan.stored.elements is None]
    return {**found, **await store.elements(others)} if others else found


async def _log_and_hand_out(
    plan: _Plan,
    elements: Mapping[MessageId, Mapping[int, bytes]],
    *,
    request: Request[ReleaseClaims],
    arrival: Arrival,
    services: Services,
) -> Release:
    newest = False
    for _ in range(ATTEMPTS_MAX):
        sealed = elements.get(plan.stored.id)
        if sealed is None:
            raise RejectedMessageError(
                "this message was received; its content is gone", code="recipient.message.received"
            )
        # What somebody took out of the store is missed by the recipient, whose receipt says so to the sender.
        permitted = {number: sealed[number] for number in plan.decided.outcome.numbers if number in sealed}
        before = plan.stored.disclosure
        if before is not None and plan.unchanged:
            if not newest:
                # The log does not look at what is handed out again: what has changed is looked up here.
                plan = await _plan_anew(plan, request=request, arrival=arrival, services=services)
                elements, newest = await services.store.elements([plan.stored.id]), True
                continue
            return Release(
                message=plan.stored,
                elements=permitted,
                index=before.index,
                entry=before.entry,
                shown=before.shown,
                tlog_proof=await services.log.proof(before.index, entry=before.entry),
            )
        if plan.stored.receipt is not None:
            text = "this message was refused, and of what it held then less is permitted now"
            raise RejectedMessageError(text, code="recipient.message.refused")
        shown = make_shown(plan.decided, kind=EntryKind.DISCLOSURE, randomness=services.randomness)
        member = _disclosure_member(plan, shown=shown, request=request, arrival=arrival, services=services)
        try:
            appended = await services.log.append(member)
        except (MemberLostError, DecisionOutdatedError):
            plan = await _plan_anew(plan, request=request, arrival=arrival, services=services)
            elements, newest = await services.store.elements([plan.stored.id]), True
            continue
        return Release(
            message=plan.stored,
            elements=permitted,
            index=appended.index,
            entry=appended.entry,
            shown=shown,
            tlog_proof=appended.tlog_proof,
        )
    raise UnavailableError("what this release depends on keeps changing; ask again", code="hub.decision.outdated")


async def _plan_anew(plan: _Plan, *, request: Request[ReleaseClaims], arrival: Arrival, services: Services) -> _Plan:
    world = await services.worlds.refresh()
    request = renew(request, world=world, at=arrival.at)
    _check_able(world)
    stored = _waiting(await services.store.message(plan.stored.id), request=request, arrival=arrival)
    recipient = request.participant
    return await _decide_again(stored, recipient=recipient, world=world, arrival=arrival, services=services)


def _disclosure_member(
    plan: _Plan, *, shown: Shown, request: Request[ReleaseClaims], arrival: Arrival, services: Services
) -> LogMember:
    stored, decided = plan.stored, plan.decided
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.DISCLOSURE,
            id=stored.id.value,
            sender=stored.sender,
            recipient=stored.recipient,
            purpose=stored.purpose,
            catalogue=decided.catalogue,
            as_of=decided.as_of,
            message=token_digest(stored.jws),
            released=plan.digest,
            request=request.digest,
        ),
        shown=shown,
        kept=keep(decided, arrival=arrival, randomness=services.randomness),
        watches=watches(decided),
        touches=frozenset(),
        change=DisclosureMade(
            message_id=stored.id,
            released=decided.outcome.numbers,
            released_digest=plan.digest,
            replaces=stored.disclosure.index if stored.disclosure else None,
            relied_on=decided.outcome.relied_on,
            marks=marks_to_review(decided),
        ),
    )
