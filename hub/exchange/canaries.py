"""Canaries: what proves that the decision is on, and what happens when it is not.

Source: `hub.enforcement`; decision 0018.
"""

import contextlib
import json
from datetime import datetime
from hashlib import sha256
from typing import Final

from audit.entries import PAD_BYTES, EntryDraft
from audit.records import SALT_BYTES, token_digest
from hub.changes import EnforcementResumed, EnforcementStopped, LogMember
from hub.enforcement import Pass, Stop, passed, stopped
from hub.exchange.consents import tell
from hub.exchange.decide import watches
from hub.exchange.outline import outline_of
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival, Decided, Verified
from hub.ports import Appended, Log, MemberLostError
from schemas.canonical import b64url, canonical_json
from schemas.codes import EntryKind, Role
from schemas.errors import ExchangeError, Issue, UnavailableError
from schemas.identifiers import OIN
from schemas.participants import Directory, Participant
from schemas.randomness import Randomness, new_message_id

_DENIED: Final = "sender.decision."


def check_enforced(world: World, *, sender: Participant | None = None) -> None:
    """Check that the hub is not stopped. What a canary sends is decided all the same: it must prove the next refusal.

    The log looks again, under its lock: that holds also where this world is a second old.

    Raises:
        UnavailableError: It is stopped.
    """
    if world.enforcement.stop is not None and not (sender is not None and sender.canary):
        raise stopped()


def about_recipient(recipient: Participant | None, *, sender: Participant) -> list[Issue]:
    """Refuse what anybody else sends to a canary; what a canary sends is refused by the decision or not at all."""
    if recipient is None or not recipient.canary or sender.canary:
        return []
    text = "the recipient is a canary: nothing is disclosed to it"
    text_nl = "de ontvanger is een kanarie: aan haar wordt niets verstrekt"
    return [Issue(pointer="/recipient/oin", code="sender.recipient.canary", text=text, text_nl=text_nl)]


def proved_by(error: ExchangeError, *, sender: Participant) -> tuple[str, ...]:
    """Say for which reasons the decision refused a canary; empty for everybody else, and where it was not decided."""
    if not sender.canary:
        return ()
    return tuple(sorted({each.code.removeprefix(_DENIED) for each in error.issues if each.code.startswith(_DENIED)}))


def form_of(verified: Verified, *, world: World) -> str:
    """Digest what the decision reads of a message itself: the canary's next one made alike has the same form.

    Nothing in it is what a canary says of itself, such as a name for its kind: one that passes cannot be taken for one
    that is refused. Of the recipient it has the role, because a canary names another one each time.
    """
    message = verified.message
    recipient = world.directory.participant(message.recipient.oin)
    parties = (
        *(message.sender.value, message.capacity),
        *(recipient and recipient.role, message.recipient.capacity, message.recipient.purpose),
    )
    return b64url(sha256(json.dumps((parties, outline_of(message)), default=str).encode()).digest())


async def stop(
    verified: Verified, decided: Decided, *, world: World, arrival: Arrival, services: Services
) -> UnavailableError:
    """Stop the hub, because this message of a canary would have been accepted; nothing of it is stored.

    Raised for a decision that is outdated it would be a false alarm: so the stop watches what a submission watches.

    Returns:
        What its sender gets: that its message passed, also where the stop could not be logged. Then the next message
        is one more chance, and until it comes only its sender knows.

    Raises:
        DecisionOutdatedError: What the decision read has changed; decide anew.
        EvidenceError: The log contradicts itself: nothing is accepted any more for that reason.
    """
    sender = verified.sender.oin
    stop_id = new_message_id(at=arrival.at, randomness=services.randomness)
    told = _told(sender, directory=world.directory, at=arrival.at)
    message = verified.message
    what = Pass(
        form=form_of(verified, world=world), canary=sender, purpose=message.recipient.purpose, type=message.type
    )
    member = LogMember(
        draft=EntryDraft(
            kind=EntryKind.STOP,
            id=stop_id.value,
            sender=sender,
            purpose=what.purpose,
            message=token_digest(verified.submission.message),
            catalogue=decided.catalogue,
            as_of=decided.as_of,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=watches(decided),
        touches=frozenset(),
        change=EnforcementStopped(id=stop_id, canary=sender, passed=what, tells=told),
    )
    try:
        appended = await services.log.append(member)
    except MemberLostError:
        # It is stopped already, and must not be resumed as if this had not passed.
        with contextlib.suppress(UnavailableError):
            await services.store.remember_pass(what)
        return passed()
    except UnavailableError:
        return passed(stops=False)
    with contextlib.suppress(UnavailableError):
        # The stop holds, whether or not this process can read it, and tell of it, at this moment.
        await services.worlds.refresh()
        await tell(appended.index, services=services)
    return passed()


async def resume(
    reason: str, *, stop: Stop, proved: bool, log: Log, directory: Directory, at: datetime, randomness: Randomness
) -> Appended:
    """Accept and release again, with the operator's reason.

    Args:
        reason: Why it may; names nobody.
        stop: The stop that lasts.
        proved: Whether canaries were refused again since.
        log: Takes the entry.
        directory: Who is told.
        at: Now.
        randomness: For the entry's id and salt.

    Raises:
        MemberLostError: That stop does not last any more.
        UnavailableError: It may succeed later; nothing was changed.
    """
    resumption_id = new_message_id(at=at, randomness=randomness)
    # The salt lets nobody guess a short reason by its digest.
    salt = b64url(randomness.bytes(SALT_BYTES))
    record = canonical_json({"proved": proved, "reason": reason, "salt": salt, "stop": stop.index}).decode()
    member = LogMember(
        draft=EntryDraft(
            kind=EntryKind.RESUMPTION,
            id=resumption_id.value,
            request=b64url(sha256(record.encode()).digest()),
            pad=randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=EnforcementResumed(
            id=resumption_id,
            stop=stop.index,
            record=record,
            tells=_told(stop.canary, directory=directory, at=at),
        ),
    )
    return await log.append(member)


def _told(canary: OIN, *, directory: Directory, at: datetime) -> tuple[OIN, ...]:
    """Who is told of a stop and of its end: the canary itself, and every supervisor."""
    supervisors = (each.oin for each in directory if each.role is Role.TOEZICHTHOUDER and each.in_force(at))
    return tuple(sorted({canary, *supervisors}, key=lambda oin: oin.value))
