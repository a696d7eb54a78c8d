"""Reviews: what only a supervisor closes, what a party may say to it, and what is settled by others."""

import logging
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from connectors.sdk.envelope import Thread
from hub.attention import Review
from hub.exchange.review import Reviewed, open_reviews
from hub.logs import Event
from hub.sweeps import look_for_supervisor
from schemas.codes import Capacity, EntryKind, Role
from schemas.errors import RejectedMessageError, ReplayError
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag
from schemas.links import Link
from schemas.reviews import Finding
from tests.support.example_documents import notification_document
from tests.support.exchange_hub import GEMEENTE, GI, HUB, RAAD, MemoryHub
from tests.support.parties import message_id
from tests.support.statements import links, measures, of_measure, reviews, sign_review, tag_of
from tests.unit.hub.exchange.test_measures import raadsrapport

TOEZICHT = OIN("00000099000000005000")
OTHER_GI = OIN("00000099000000006000")
NOWHERE = Thread(case=CaseId("0" * 32), reply_to=None)


async def opened() -> MemoryHub:
    hub = await MemoryHub.opened()
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    hub.world.admit(OTHER_GI, Role.GI, capacities=frozenset({Capacity.OTS}))
    await hub.follow()
    return hub


async def listed(hub: MemoryHub, oin: OIN = TOEZICHT) -> tuple[Review, ...]:
    return await open_reviews(hub.world.participant(oin), after=-1, limit=10, services=hub.services)


async def give(hub: MemoryHub, about: MessageId, mark: str, *, by: OIN, **change: Any) -> Reviewed:
    return await reviews(hub, sign_review(hub, about, mark, by=by, **change))


async def self_declared(hub: MemoryHub) -> MessageId:
    """A measure that the executing GI alone states."""
    statement = of_measure(hub.world, issuer=GI, issued_at=hub.arrival.seconds)
    await measures(hub, statement)
    return statement.id


async def linked(hub: MemoryHub) -> MessageId:
    await hub.submit(raadsrapport(hub, spoed=True))
    random = SubjectTag("1.EBESExQVFhcYGRobHB0eHw")
    claims = Link(
        issuer=RAAD, id=message_id(20), issued_at=hub.arrival.seconds, hub=HUB, random=tag_of(hub.world), known=random
    )
    await links(hub, claims)
    return claims.id


async def test_a_party_answers_what_only_a_supervisor_closes() -> None:
    """A GI that vouches for itself does not take its own word off the list."""
    hub = await opened()
    about = await self_declared(hub)
    token = sign_review(hub, about, "self-declared", by=GI)
    answered = await reviews(hub, token)
    assert not answered.closed
    (item,) = await listed(hub)
    (answer,) = item.answers
    assert (answer.oin, answer.index, answer.finding, answer.token) == (GI, answered.index, Finding.JUSTIFIED, token)
    assert await reviews(hub, token) == answered
    assert len(hub.entries_of(EntryKind.REVIEW)) == 1
    closed = await give(hub, about, "self-declared", by=TOEZICHT, finding=Finding.UNJUSTIFIED)
    assert closed.closed
    assert await listed(hub) == ()
    with pytest.raises(ReplayError) as refused:
        await give(hub, about, "self-declared", by=GI)
    assert refused.value.code == "sender.review.closed"


async def test_a_party_may_answer_anew_and_its_newest_answer_is_shown() -> None:
    hub = await opened()
    about = await self_declared(hub)
    await give(hub, about, "self-declared", by=GI)
    await give(hub, about, "self-declared", by=GI, finding=Finding.UNJUSTIFIED)
    (item,) = await listed(hub)
    assert [(each.oin, each.finding) for each in item.answers] == [(GI, Finding.UNJUSTIFIED)]
    assert len(hub.entries_of(EntryKind.REVIEW)) == 2


async def test_what_the_raad_confirms_is_settled_and_a_party_may_close_it() -> None:
    hub = await opened()
    about = await self_declared(hub)
    await measures(hub, of_measure(hub.world, 2, issued_at=hub.arrival.seconds + 1))
    assert (await give(hub, about, "self-declared", by=GI)).closed


@pytest.mark.parametrize(
    "change",
    [
        {"executor": OTHER_GI},
        {"valid_from": date(2030, 1, 1), "valid_until": date(2030, 12, 31)},
    ],
    ids=["of another GI", "of another time"],
)
async def test_what_the_raad_says_of_something_else_settles_nothing(change: dict[str, Any]) -> None:
    hub = await opened()
    about = await self_declared(hub)
    await measures(hub, of_measure(hub.world, 2, issued_at=hub.arrival.seconds + 1, **change))
    assert not (await give(hub, about, "self-declared", by=GI)).closed


async def test_who_takes_its_own_word_back_has_not_settled_that_it_was_used() -> None:
    hub = await opened()
    about = await self_declared(hub)
    statement = of_measure(hub.world, issuer=GI, issued_at=hub.arrival.seconds)
    annulled = replace(statement, id=message_id(3), issued_at=hub.arrival.seconds + 1, replaces=about, annulled=True)
    await measures(hub, annulled)
    assert not (await give(hub, about, "self-declared", by=GI)).closed


async def test_nobody_but_a_supervisor_closes_a_link() -> None:
    hub = await opened()
    about = await linked(hub)
    assert not (await give(hub, about, "linked", by=RAAD)).closed
    assert (await give(hub, about, "linked", by=TOEZICHT)).closed


async def test_an_emergency_is_settled_for_its_parties_by_the_word_of_the_raad_only() -> None:
    hub = await opened()
    accepted = await hub.submit(raadsrapport(hub, spoed=True))
    assert not (await give(hub, accepted.id, "spoed", by=GI)).closed
    await self_declared(hub)
    assert not (await give(hub, accepted.id, "spoed", by=GI)).closed
    await measures(hub, of_measure(hub.world, 2, issued_at=hub.arrival.seconds + 1))
    assert (await give(hub, accepted.id, "spoed", by=GI)).closed


async def test_a_contradiction_is_settled_when_none_is_left() -> None:
    hub = await opened()
    of_raad = of_measure(hub.world)
    other = of_measure(hub.world, 2, issuer=OTHER_GI, executor=OTHER_GI, issued_at=hub.arrival.seconds)
    await measures(hub, of_raad, other)
    assert not (await give(hub, of_raad.id, "measure-contradicted", by=RAAD)).closed
    annulled = replace(other, id=message_id(3), issued_at=hub.arrival.seconds + 1, replaces=other.id, annulled=True)
    await measures(hub, annulled)
    assert (await give(hub, of_raad.id, "measure-contradicted", by=RAAD)).closed


async def test_what_is_for_the_judgement_of_the_parties_they_close() -> None:
    """An answer to nothing that is here: whoever got it knows whether it was right."""
    hub = await opened()
    composed = hub.compose(notification_document(), sender=RAAD, recipient=GEMEENTE, thread=NOWHERE)
    accepted = await hub.submit(composed)
    assert (await give(hub, accepted.id, "unprompted", by=GEMEENTE)).closed


async def test_a_supervisor_that_is_faster_leaves_nothing_to_answer() -> None:
    hub = await opened()
    about = await self_declared(hub)
    hub.meanwhile = lambda: give(hub, about, "self-declared", by=TOEZICHT)
    with pytest.raises(ReplayError):
        await give(hub, about, "self-declared", by=GI)


async def test_that_nobody_takes_part_who_could_close_it_is_said_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="ketenhub")
    hub = await MemoryHub.opened()
    await look_for_supervisor(at=hub.arrival.at, services=hub.services)
    about = await self_declared(hub)
    for _ in range(2):
        await look_for_supervisor(at=hub.arrival.at, services=hub.services)
    said = [(each.levelname, each.message) for each in caplog.records if each.message.startswith("reviews.")]
    assert said == [("WARNING", Event.REVIEWS_UNSUPERVISED.value)] * 2
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    await hub.follow()
    caplog.clear()
    await look_for_supervisor(at=hub.arrival.at, services=hub.services)
    assert [each for each in caplog.records if each.message.startswith("reviews.")] == []
    assert [item.about for item in await listed(hub)] == [about]


async def test_who_is_no_party_answers_nothing() -> None:
    hub = await opened()
    about = await self_declared(hub)
    with pytest.raises(RejectedMessageError) as refused:
        await give(hub, about, "self-declared", by=GEMEENTE)
    assert refused.value.code == "sender.review.unknown"
