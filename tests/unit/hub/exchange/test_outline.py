"""What is remembered by a message's outline depends on nothing else of the message."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from consent.decision import Permit
from consent.reasons import Reason
from consent.request import NO_FACTS
from hub.exchange.accept import structure, verify_sender
from hub.exchange.decide import decide_labels
from hub.exchange.outline import LABELS_MAX, OutlineMemo, outline_of
from hub.exchange.services import policy_in_force
from hub.exchange.stages import Outcome, Structured
from schemas.codes import AgeBand, Necessity, Register, SubjectRole
from schemas.definitions import load_definitions
from schemas.message import Item, Message, Subject
from schemas.structure import check_structure
from tests.support.example_messages import MESSAGE_TYPES, example_message
from tests.support.exchange_hub import MemoryHub

DEFINITIONS = load_definitions()


class Unread:
    """Stands for a claim that is there and of which nothing may be read."""

    def _refuse(self, *_: object) -> Any:
        raise AssertionError("this claim is not in the outline")

    __getattr__ = __eq__ = __hash__ = __bool__ = __iter__ = __len__ = __str__ = _refuse


class Counted(tuple[str, ...]):
    """Digests of which only the number may be read."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a digest is not in the outline")

    def __getitem__(self, _: object) -> Any:
        raise AssertionError("a digest is not in the outline")


def only_outline(message: Message) -> Message:
    """Leave of a message what its outline holds."""
    kept = {"type", "version", "responsible", "subjects", "content"}
    unread: Any = Unread()
    gone = {each.name: unread for each in fields(message) if each.name not in kept and getattr(message, each.name)}
    return replace(
        message,
        **gone,
        responsible=replace(message.responsible, number=unread),
        subjects=tuple(
            replace(each, tag=unread, yours=Counted(each.yours)) if each.yours else replace(each, tag=unread)
            for each in message.subjects
        ),
        content=tuple(
            replace(item, elements={name: Counted(digests) for name, digests in item.elements.items()})
            for item in message.content
        ),
    )


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_structure_reads_nothing_but_the_outline(message_type: str) -> None:
    """A whole message, and one that lacks everything that it must have."""
    message = example_message(message_type)
    bare = replace(message, content=(replace(message.content[0], elements={"none": ("A" * 43,)}),))
    for each in (message, bare):
        assert check_structure(only_outline(each), DEFINITIONS) == check_structure(each, DEFINITIONS)


async def test_the_decision_about_labels_reads_of_a_message_nothing_but_its_outline_and_its_exchange() -> None:
    """To whom and for what it goes, and in which capacities, stands in the other half of the key."""
    hub = await MemoryHub.opened()
    structured = await _structured(hub)
    message = structured.message
    only = replace(only_outline(message), recipient=message.recipient, capacity=message.capacity, spoed=message.spoed)
    # Labels carry digests, of which the outcome has the number alone.
    counted = tuple(label._replace(digests=Counted(label.digests)) for label in structured.labels)
    outcome = _decide(hub, replace(structured, message=only, labels=counted))
    other = await MemoryHub.opened()
    assert outcome == _decide(other, await _structured(other))
    assert all(isinstance(each, Permit) for each in outcome.decisions)


def _first_item(**change: Any) -> Any:
    def changed(message: Message) -> Message:
        return replace(message, content=(replace(message.content[0], **change), *message.content[1:]))

    return changed


def _first_subject(**change: Any) -> Any:
    def changed(message: Message) -> Message:
        return replace(message, subjects=(replace(message.subjects[0], **change), *message.subjects[1:]))

    return changed


DIGESTS = ("A" * 43, "B" * 42 + "A")
CHANGES = {
    "type": lambda it: replace(it, type="casusinformatie"),
    "version": lambda it: replace(it, version=2),
    "asks": lambda it: replace(it, asks=Unread()),
    "corrects": lambda it: replace(it, corrects=Unread()),
    "recalls": lambda it: replace(it, recalls=Unread()),
    "spoed": lambda it: replace(it, spoed=Unread()),
    "reply_to": lambda it: replace(it, reply_to=Unread()),
    "register": lambda it: replace(it, responsible=replace(it.responsible, register=Register.SKJ)),
    "role": _first_subject(role=SubjectRole.OUDER),
    "age": _first_subject(age=AgeBand.UNBORN),
    "turns": _first_subject(turns=date(2026, 12, 1)),
    "yours": _first_subject(yours=DIGESTS[:1]),
    "subjects": lambda it: replace(it, subjects=it.subjects[:1]),
    "profile": _first_item(profile="zorgen"),
    "id": _first_item(id="other"),
    "about": _first_item(about=(1,)),
    "necessary": _first_item(necessary=next(iter(Necessity))),
    "element": _first_item(elements={"other": DIGESTS[:1]}),
    "values": _first_item(elements={"reference": DIGESTS, "sentAt": DIGESTS[:1]}),
    "items": lambda it: replace(it, content=it.content[:-1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_message_that_differs_in_its_labels_has_another_outline(name: str) -> None:
    message = example_message("verzoek-tot-onderzoek")
    assert outline_of(CHANGES[name](message)) != outline_of(message)


def test_the_outline_holds_every_member_of_subjects_and_items_but_pseudonyms_and_digests() -> None:
    """A member that is added later must be put into the outline, or be none that anything depends on."""
    assert {each.name for each in fields(Subject)} == {"tag", "yours", "role", "age", "turns"}
    assert {each.name for each in fields(Item)} == {"profile", "id", "about", "necessary", "elements"}


async def test_messages_that_look_alike_share_what_is_decided_and_shown() -> None:
    hub = await MemoryHub.opened()
    first, second = [await hub.submit(hub.compose()) for _ in range(2)]
    policy = policy_in_force(hub.services.worlds.current())
    assert (len(policy.outcomes), len(hub.services.structures)) == (1, 1)
    assert first.shown.text == second.shown.text
    assert first.shown.salt != second.shown.salt


async def test_what_was_denied_on_acceptance_is_remembered_apart() -> None:
    hub = await MemoryHub.opened()
    structured = await _structured(hub)
    allowed = _decide(hub, structured)
    label = structured.labels[0].text
    denied = {label: (Reason.NOT_EVALUABLE,)}
    less = _decide(hub, structured, denied=denied)
    assert len(less.permitted) == len(allowed.permitted) - 1
    assert _decide(hub, structured) is allowed
    assert _decide(hub, structured, denied=denied) is less


async def _structured(hub: MemoryHub) -> Structured:
    world = hub.services.worlds.current()
    verified = verify_sender(hub.compose().submission, world=world, arrival=hub.arrival)
    return structure(verified, world=world, arrival=hub.arrival, services=hub.services)


def _decide(hub: MemoryHub, structured: Structured, **more: Any) -> Outcome:
    world = hub.services.worlds.current()
    policy = policy_in_force(world)
    return decide_labels(structured, facts=NO_FACTS, world=world, at=hub.arrival.at, policy=policy, **more).outcome


def test_what_is_remembered_is_bounded_in_number_and_in_size() -> None:
    message = example_message("verzoek-tot-onderzoek")
    memo: OutlineMemo[int, str] = OutlineMemo(entries_max=2)
    for number in range(3):
        memo.put(number, "known", outline=outline_of(message))
    assert [memo.get(number) for number in range(3)] == [None, None, "known"]
    large = replace(message.content[0], elements={f"e{number}": DIGESTS[:1] for number in range(LABELS_MAX + 1)})
    memo.put(4, "large", outline=outline_of(replace(message, content=(large,))))
    assert memo.get(4) is None
