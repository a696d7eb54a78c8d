"""What a participant that means ill tries with records about persons, and what the hub answers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from connectors.sdk.composing import Composed
from hub.exchange.review import open_reviews
from hub.exchange.searching import search
from hub.storage.local import LocalRateLimits
from schemas.canonical import b64url
from schemas.civil_day import civil_day_of_second
from schemas.codes import Capacity, EntryKind, Role, SpoedReason, SubjectRole
from schemas.errors import DocumentError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN, SubjectTag
from schemas.links import Link
from schemas.measures import MeasureType
from tests.support.example_messages import example_document
from tests.support.exchange_hub import GEMEENTE, GI, HUB, RAAD, MemoryHub
from tests.support.law_records import link as link_claims
from tests.support.parties import message_id
from tests.support.statements import links, measures, of_measure, recalls, reviews, sign_recall, sign_review, tag_of
from tests.unit.hub.exchange.test_facts import answer, question
from tests.unit.hub.exchange.test_measures import raadsrapport

TOEZICHT = OIN("00000099000000005000")
HOURS = 3600
ANOTHER_CHILD = SubjectTag("1.EBESExQVFhcYGRobHB0eHw")


@pytest.mark.parametrize(
    "change",
    [
        {"valid_from": date(2015, 1, 1), "valid_until": date(2015, 1, 1), "decided": date(2015, 1, 1)},
        {"type": MeasureType.VOOGDIJ, "valid_until": None},
    ],
    ids=["long ended", "another kind"],
)
async def test_an_emergency_is_not_begun_anew_by_a_statement_that_is_not_about_it(change: dict[str, Any]) -> None:
    hub = await MemoryHub.opened()
    await hub.submit(raadsrapport(hub, spoed=True))
    hub.world.clock.advance(seconds=71 * HOURS)
    await measures(hub, of_measure(hub.world, issuer=GI, **change))
    hub.world.clock.advance(seconds=HOURS)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(raadsrapport(hub, spoed=True))
    assert "sender.decision.spoed-over" in {issue.code for issue in refused.value.issues}


@pytest.mark.parametrize(
    ("change", "over"),
    [
        ({"annulled": True}, True),
        ({"valid_from": date(2027, 3, 1), "valid_until": date(2027, 4, 1)}, True),
        ({"valid_until": date(2026, 11, 26)}, False),
    ],
    ids=["annulled", "moved to later", "ended"],
)
async def test_an_emergency_is_not_begun_anew_by_a_statement_that_is_taken_back(
    change: dict[str, Any], *, over: bool
) -> None:
    """What was there and ended was what the emergency waited for; what never was ends nothing."""
    hub = await MemoryHub.opened()
    await hub.submit(raadsrapport(hub, spoed=True))
    hub.world.clock.advance(seconds=71 * HOURS)
    own = of_measure(hub.world, issuer=GI, issued_at=hub.arrival.seconds, valid_from=date(2026, 11, 23))
    again = replace(own, id=message_id(2), replaces=own.id, issued_at=own.issued_at + 1, **change)
    await measures(hub, own, again)
    hub.world.clock.advance(seconds=24 * HOURS)
    if not over:
        assert (await hub.submit(raadsrapport(hub, spoed=True))).index
        return
    with pytest.raises(DocumentError) as refused:
        await hub.submit(raadsrapport(hub, spoed=True))
    assert "sender.decision.spoed-over" in {issue.code for issue in refused.value.issues}


async def test_a_gi_that_says_again_and_again_that_a_measure_just_ended_has_no_emergency_without_end() -> None:
    """Its word alone counts for thirty days from the first one; what had lapsed was not waited for."""
    hub = await MemoryHub.opened()
    accepted = 0
    for number in range(1, 20):
        try:
            await hub.submit(raadsrapport(hub, spoed=True))
        except DocumentError as error:
            assert "sender.decision.spoed-over" in {issue.code for issue in error.issues}  # noqa: PT017 - the last one
            break
        accepted += 1
        day = civil_day_of_second(hub.arrival.seconds)
        days: dict[str, Any] = {"valid_from": day, "valid_until": day, "decided": day}
        await measures(hub, of_measure(hub.world, number, issuer=GI, issued_at=hub.arrival.seconds, **days))
        hub.world.clock.advance(seconds=72 * HOURS)
    assert accepted == 11


async def test_a_question_that_was_recalled_carries_no_answer() -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.submit(asked)
    await recalls(hub, sign_recall(hub, asked.message.id, by=RAAD))
    with pytest.raises(DocumentError):
        await hub.submit(answer(hub, asked))


async def test_an_emergency_ends_also_where_no_young_person_is_named() -> None:
    """Else everybody could be called something else, and the hours would never begin."""
    hub = await MemoryHub.opened()
    await hub.submit(_about_others(hub))
    hub.world.clock.advance(seconds=72 * HOURS)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(_about_others(hub))
    assert "sender.decision.spoed-over" in {issue.code for issue in refused.value.issues}


def _about_others(hub: MemoryHub) -> Composed:
    """News for the GI in an emergency, in which the child is said to be somebody else."""
    example = example_document("casusinformatie")
    document = replace(
        example,
        subjects=tuple(replace(each, role=SubjectRole.ANDER) for each in example.subjects),
        items=tuple(each for each in example.items if each.profile in ("hulpverlening", "leefgebied")),
        spoed=SpoedReason.ACUTE_DANGER,
        purpose="GI-OTS-SPONT",
    )
    return hub.world.compose(document, sender=GEMEENTE, recipient=GI, recipient_capacity=Capacity.OTS)


async def test_the_review_of_an_emergency_is_not_closed_by_a_statement_that_is_not_about_it() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(raadsrapport(hub, spoed=True))
    long_ago: dict[str, Any] = {
        "valid_from": date(2015, 1, 1),
        "valid_until": date(2015, 1, 1),
        "decided": date(2015, 1, 1),
    }
    await measures(hub, of_measure(hub.world, issuer=GI, **long_ago))
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    await hub.follow()
    assert not (await reviews(hub, sign_review(hub, accepted.id, "spoed", by=GI))).closed
    with pytest.raises(RejectedMessageError) as refused:
        await reviews(hub, sign_review(hub, accepted.id, "spoed", by=TOEZICHT))
    assert refused.value.code == "sender.review.statement"


# ---- links ----


async def test_two_children_are_not_made_one_by_who_acts_under_the_measure_over_one_of_them() -> None:
    """Else the measure over one would be one over the other: the hub cannot see which pseudonym was drawn."""
    hub = await MemoryHub.opened()
    await measures(hub, of_measure(hub.world))
    await hub.submit(raadsrapport(hub, of_measure(hub.world)))
    with pytest.raises(DocumentError) as refused:
        await links(hub, _link(hub, issuer=GI))
    (issue,) = refused.value.issues
    assert (issue.code, bool(issue.text_nl)) == ("sender.link.acting", True)
    assert (await hub.persons.of([ANOTHER_CHILD]))[ANOTHER_CHILD].records == ()


async def test_somebody_looks_at_every_link() -> None:
    hub = await MemoryHub.opened()
    await measures(hub, of_measure(hub.world))
    await hub.submit(raadsrapport(hub, of_measure(hub.world)))
    await links(hub, _link(hub, issuer=RAAD))
    (item,) = await open_reviews(hub.world.participant(RAAD), after=-1, limit=10, services=hub.services)
    assert (item.about, item.mark, item.sender) == (message_id(20), "linked", RAAD)
    assert not (await reviews(hub, sign_review(hub, item.about, item.mark, by=RAAD))).closed
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    await hub.follow()
    assert (await reviews(hub, sign_review(hub, item.about, item.mark, by=TOEZICHT))).closed
    assert await open_reviews(hub.world.participant(RAAD), after=-1, limit=10, services=hub.services) == ()


async def test_what_is_linked_is_not_linked_again_without_end() -> None:
    hub = await MemoryHub.opened()
    await measures(hub, of_measure(hub.world))
    await hub.submit(raadsrapport(hub, of_measure(hub.world)))
    await links(hub, _link(hub, issuer=RAAD))
    with pytest.raises(DocumentError) as refused:
        await links(hub, _link(hub, issuer=RAAD, number=21))
    assert {issue.code for issue in refused.value.issues} == {"sender.link.already"}


def _link(hub: MemoryHub, *, issuer: OIN, number: int = 20) -> Link:
    return link_claims(id=message_id(number), issuer=issuer, random=tag_of(hub.world), known=ANOTHER_CHILD, hub=HUB)


# ---- searches ----


async def test_nobody_goes_through_all_children_sixteen_at_a_time() -> None:
    hub = await MemoryHub.opened()
    services = replace(hub.services, rate_limits=LocalRateLimits(clock=lambda: 0.0))

    async def seek(numbers: Sequence[int]) -> None:
        await search(
            [SubjectTag(f"1.{b64url(number.to_bytes(16, 'big'))}") for number in numbers],
            kind=EntryKind.MEASURE,
            after=-1,
            searcher=hub.world.participant(GEMEENTE),
            arrival=hub.arrival,
            services=services,
        )

    for first in range(0, 240, 16):
        await seek(range(first, first + 16))
    with pytest.raises(UnavailableError) as refused:
        await seek([1])
    assert refused.value.code == "hub.persons.too-often"
    assert len(hub.entries_of(EntryKind.ACCESS)) == 15
