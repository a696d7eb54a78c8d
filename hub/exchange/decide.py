"""Decide every label of a message, and write down what was decided.

The decision itself is `consent.decide`; here its questions are made from labels and admissions, and its answers turned
into what goes into the log. The connector asks the same questions before it sends.

Source: the architecture, sections 4, 5 and 6.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from audit.records import SALT_BYTES, ShownRecord, Withheld, parse_shown
from consent.decide import decide_pseudonym
from consent.decision import Decision, Deny
from consent.memo import MessageDecisions
from consent.reasons import Mark, Reason
from consent.request import DataSubject, Exchange, Facts, Party
from hub.changes import KeptDraft, Shown
from hub.exchange.services import Policy, World
from hub.exchange.stages import Arrival, Decided, Outcome, Structured
from schemas.codes import AgeBand, Capacity, EntryKind, SubjectRole
from schemas.definitions import Definitions
from schemas.message import Label
from schemas.participants import Participant
from schemas.randomness import Randomness

_NOT_EVALUABLE: Final = Deny(reasons=(Reason.NOT_EVALUABLE,))
_NOTHING_DENIED: Final[Mapping[str, tuple[Reason, ...]]] = {}


def decide_labels(
    structured: Structured,
    *,
    facts: Facts,
    world: World,
    at: datetime,
    policy: Policy,
    denied: Mapping[str, tuple[Reason, ...]] = _NOTHING_DENIED,
) -> Decided:
    """Decide every label for the message's recipient.

    Args:
        structured: The message, checked.
        facts: What was looked up for it.
        world: The participants, and the log size at which they were read.
        at: The moment of the decision.
        policy: Catalogue and definitions.
        denied: Labels that acceptance denied, with the reasons: a denial on acceptance is final.
    """
    message = structured.message
    exchange = Exchange(
        sender=_party(structured.sender, message.capacity),
        recipient=_party(structured.recipient, message.recipient.capacity),
        purpose=message.recipient.purpose,
        message_type=message.type,
        spoed=message.spoed is not None,
    )
    by_element = policy.decisions.for_message(exchange, facts=facts, at=at)
    key = (structured.outline, by_element.key, tuple(denied.items()))
    outcome = policy.outcomes.get(key)
    if outcome is None:
        decisions = _decide_each(structured, by_element, definitions=policy.definitions, denied=denied)
        outcome = Outcome.of(decisions, structured.labels)
        policy.outcomes.put(key, outcome, outline=structured.outline)
    return Decided(structured=structured, outcome=outcome, catalogue=policy.catalogue.digest, as_of=world.as_of)


def _decide_each(
    structured: Structured,
    by_element: MessageDecisions,
    *,
    definitions: Definitions,
    denied: Mapping[str, tuple[Reason, ...]],
) -> list[Decision]:
    """Decide label by label. What is read of the message stands in its outline: the answers are remembered by it."""
    message = structured.message
    people = tuple(_person(each.role, each.age, each.turns, place) for place, each in enumerate(message.subjects))
    abouts = tuple(tuple(people[index] for index in item.about) for item in message.content)
    # What was accepted by other definitions than those of today can have labels that nobody here knows.
    profiles = tuple(definitions.profiles.get(item.profile) for item in message.content)
    decisions: list[Decision] = []
    about_subject: dict[int, list[Decision]] = {index: [] for index in range(len(people))}
    for label in structured.labels:
        decision: Decision
        if label.item is None:
            decision = decide_pseudonym(about_subject[label.subject or 0])
        elif label.text in denied:
            decision = Deny(reasons=denied[label.text])
        elif (profile := profiles[label.item]) is None or label.name not in profile.elements:
            decision = _NOT_EVALUABLE
        else:
            item = message.content[label.item]
            decision = by_element.decide(
                item.profile,
                label.name,
                category=profile.elements[label.name].category,
                subjects=abouts[label.item],
                necessary=item.necessary,
            )
        if label.item is not None:
            for index in message.content[label.item].about:
                about_subject[index].append(decision)
        decisions.append(decision)
    return decisions


@lru_cache(maxsize=1024)
def _person(role: SubjectRole, age: AgeBand, turns: date | None, place: int) -> DataSubject:
    """Make the same person only once: the memo then finds its questions by identity, without comparing members."""
    return DataSubject(role=role, age=age, turns=turns, place=place)


def _party(participant: Participant, capacity: Capacity | None) -> Party:
    return Party(role=participant.role, capacity=capacity, admitted=participant.capacities)


def denied_before(shown: str) -> Mapping[str, tuple[Reason, ...]]:
    """Read from the record of the acceptance which labels it denied, and why."""
    return {each.label: tuple(map(_reason, each.reasons)) for each in parse_shown(shown).withheld}


def _reason(code: str) -> Reason:
    """Read a reason; one of a version that this one does not know still denies."""
    try:
        return Reason(code)
    except ValueError:
        return Reason.NOT_EVALUABLE


def pointer(label: Label) -> str:
    """Where a label stands in the claims, as JSON Pointer."""
    if label.item is None:
        return f"/subjects/{label.subject}/yours"
    return f"/content/{label.item}/elements/{label.name}"


def make_shown(decided: Decided, *, kind: EntryKind, randomness: Randomness) -> Shown:
    """Write the record that both parties get: labels permitted, labels withheld with reasons, marks, and the ground."""
    texts = decided.outcome.shown
    if kind not in texts:
        texts[kind] = ShownRecord(
            entry_kind=kind,
            ground=decided.structured.message.recipient.purpose,
            permitted=tuple(label.text for label in decided.permitted),
            withheld=tuple(
                Withheld(label=label.text, reasons=tuple(reason.value for reason in reasons))
                for label, reasons in decided.withheld
            ),
            marks=tuple(mark.value for mark in decided.outcome.marks),
            catalogue=decided.catalogue,
        ).text
    return Shown(text=texts[kind], salt=randomness.bytes(SALT_BYTES))


def keep(decided: Decided, *, arrival: Arrival, randomness: Randomness) -> tuple[KeptDraft, ...]:
    """Make the records that the hub keeps, one for each data subject."""
    responsible, relied_on = decided.structured.message.responsible, decided.outcome.relied_on
    written = f"{responsible.register}:{responsible.number.value}"
    return tuple(
        KeptDraft(
            tag=tag,
            salt=randomness.bytes(SALT_BYTES),
            responsible=written,
            relied_on=relied_on,
            trace_id=arrival.trace_id,
            span_id=arrival.span_id,
        )
        for tag in decided.structured.tags
    )


def marks_to_review(decided: Decided) -> tuple[str, ...]:
    """Name what somebody has to look at; a self-declared measure is looked at once, as the statement that it is."""
    return tuple(mark.value for mark in decided.outcome.marks if mark is not Mark.SELF_DECLARED)


def watches(decided: Decided) -> frozenset[str]:
    """Name whom and what the decision read: the order of the log is the order of effect."""
    message = decided.structured.message
    tags = {tag.value for tag in decided.structured.tags}
    return frozenset({message.sender.value, message.recipient.oin.value, *tags})
