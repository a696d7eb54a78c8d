"""Purposes: by which ground a message goes, and what that asks for.

    purpose = purpose_of(document, envelope=envelope, catalogue=catalogue, at=at)
    ties_of(purpose, message_type=document.type, catalogue=catalogue)    # which facts the decision will look for

Whether the ground permits is the decision's: nothing is decided here.

Source: the architecture, section 4, "Threads in StUF"; the domain page, section 5.
"""

from collections.abc import Callable
from datetime import datetime

from connectors.sdk.envelope import Envelope
from connectors.sdk.refusals import refused_for
from consent.grounds import Catalogue, Force, Ground, Side, Tie
from consent.request import civil_day
from schemas.codes import Capacity, Role
from schemas.document import Document


def purpose_of(document: Document, *, envelope: Envelope, catalogue: Catalogue, at: datetime) -> str:
    """Return the purpose that a document states, or the one that its type leaves.

    Raises:
        DocumentError: It states none that the catalogue knows, or states none where its type leaves a choice.
    """
    if document.purpose is None:
        return find_purpose(document.type, envelope=envelope, catalogue=catalogue, at=at)
    if not catalogue.rows(document.purpose):
        raise refused_for("sender.purpose.unknown", "the catalogue has no ground of this code", pointer="/purpose")
    return document.purpose


def find_purpose(message_type: str, *, envelope: Envelope, catalogue: Catalogue, at: datetime) -> str:
    """Find the purpose of a message type that leaves no choice: the code of the one ground that carries it.

    A ground for these two roles goes before one for others, and of these one for the capacities in which they act; the
    answer to a question goes by a ground for answers, and an answer to another message by the ground of that message.
    Where nothing is left of a step, what was left before it is: the refusal then says why it does not permit.

    Raises:
        DocumentError: No ground, or more than one, carries the type.

    Source: the architecture, section 4, "Threads in StUF".
    """
    day, thread = civil_day(at), envelope.thread
    carrying = [ground for ground in catalogue.grounds if message_type in ground.message_types]
    steps: tuple[Callable[[Ground], bool], ...] = (
        lambda ground: (
            envelope.sender.role in ground.sender.roles and envelope.recipient.role in ground.recipient.roles
        ),
        lambda ground: ground.in_force and day is not None and ground.holds_on(day),
        lambda ground: _acts(ground.sender, envelope.capacity) and _acts(ground.recipient, envelope.recipient_capacity),
        lambda ground: thread.reply_facts.question is None or Tie.ASKED in ground.ties,
        lambda ground: thread.reply_facts.question is not None or ground.code == thread.reply_purpose,
    )
    for step in steps:
        carrying = [ground for ground in carrying if step(ground)] or carrying
    codes = {ground.code for ground in carrying}
    if len(codes) != 1:
        text = "no ground, or more than one, carries this message type: the purpose must be stated"
        raise refused_for("sender.purpose.unclear", text, pointer="/type")
    return codes.pop()


def _acts(side: Side, capacity: Capacity | None) -> bool:
    return capacity is None or capacity in side.capacities


def ties_of(purpose: str, *, message_type: str, catalogue: Catalogue) -> frozenset[Tie]:
    """Say what binds a message to the case under a ground: which facts the decision will look for."""
    return frozenset(
        tie for ground in catalogue.rows(purpose) if message_type in ground.message_types for tie in ground.ties
    )


def must_answer(purpose: str, *, message_type: str, catalogue: Catalogue) -> bool:
    """Say whether the law says that one must give what goes by a ground, so that refusing needs more than a wish."""
    carrying = [ground for ground in catalogue.rows(purpose) if message_type in ground.message_types]
    return any(ground.force is Force.MUST for ground in carrying)


def must_answer_question(
    *, own: Role, asker: Role, capacity: Capacity | None, catalogue: Catalogue, at: datetime
) -> bool:
    """Say whether the law says that a question must be answered.

    Args:
        own: The role of who was asked.
        asker: The role of who asks.
        capacity: In which capacity the asker acts, if it is a GI.
        catalogue: The grounds.
        at: Now.
    """
    day = civil_day(at)
    return any(
        ground.force is Force.MUST
        for ground in catalogue.grounds
        if Tie.ASKED in ground.ties
        and own in ground.sender.roles
        and asker in ground.recipient.roles
        and _acts(ground.recipient, capacity)
        and ground.in_force
        and day is not None
        and ground.holds_on(day)
    )
