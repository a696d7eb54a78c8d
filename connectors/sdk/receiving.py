"""What a recipient takes of a release that was decided by a catalogue which it does not follow.

    beyond = never_permitted(opened, recipient=own, policy=policy)     # labels; empty: take it

Whether a disclosure is permitted depends on facts that a recipient does not look up. What it can say without them is
what its own catalogue permits *whatever the facts*: of this role, in this capacity, for this purpose, in this type of
message, of this category. What is beyond that is not taken. The rest is: its sender let through only what the sender's
own catalogue permits, and a child may wait for it.

Source: the architecture, section 5.
"""

from datetime import UTC, datetime
from typing import Final

from connectors.sdk.composing import Policy, party_of
from connectors.sdk.opening import Opened
from consent.decide import decide
from consent.decision import Deny
from consent.reasons import Reason
from consent.request import NO_FACTS, DataSubject, DisclosureRequest
from schemas.message import labels
from schemas.participants import Participant

_ORDER: Final = tuple(Reason)
OF_FACTS: Final = frozenset(
    _ORDER[_ORDER.index(Reason.NOT_ASKED) : _ORDER.index(Reason.CATEGORY_NOT_RELEASED_THEN) + 1]
)
"""Reasons that facts could take away; the members of `Reason` stand in the order of the checks, and ties come last."""


def never_permitted(opened: Opened, *, recipient: Participant, policy: Policy) -> tuple[str, ...]:
    """Name the labels of a release that our catalogue permits under no circumstances.

    Args:
        opened: The release.
        recipient: Ourselves, as the directory has us.
        policy: The catalogue that we follow, and the definitions.
    """
    message, at = opened.message, datetime.fromtimestamp(opened.entry.time / 1000, UTC)
    withheld = {each.label for each in opened.withheld}
    people = tuple(
        DataSubject(role=each.role, age=each.age, turns=each.turns, place=place)
        for place, each in enumerate(message.subjects)
    )
    found = []
    for label in labels(message):
        if label.item is None or label.text in withheld:
            continue
        item = message.content[label.item]
        request = DisclosureRequest(
            sender=party_of(opened.sender, message.capacity),
            recipient=party_of(recipient, message.recipient.capacity),
            purpose=message.recipient.purpose,
            message_type=message.type,
            profile=item.profile,
            element=label.name,
            category=policy.definitions.category(item.profile, label.name),
            subjects=tuple(people[index] for index in item.about),
            necessary=item.necessary,
            spoed=message.spoed is not None,
        )
        decision = decide(request, catalogue=policy.catalogue, facts=NO_FACTS, at=at)
        if isinstance(decision, Deny) and not OF_FACTS.issuperset(decision.reasons):
            found.append(label.text)
    return tuple(found)
