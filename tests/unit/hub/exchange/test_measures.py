"""Measures at the hub: what is taken in, what runs today, what contradicts, and how long an emergency lasts."""

from dataclasses import replace
from datetime import date

import pytest

from audit.records import parse_shown
from connectors.sdk.composing import Composed
from hub.exchange.measures import is_contradicted
from hub.exchange.review import open_reviews
from schemas.codes import Capacity, EntryKind, Role, SpoedReason
from schemas.errors import DocumentError, RejectedMessageError, ReplayError
from schemas.identifiers import OIN
from schemas.measures import MeasureStatement
from tests.support.example_messages import example_document
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub
from tests.support.parties import message_id
from tests.support.statements import measured, measures, of_measure, reviews, sign_review

OTHER_GI = OIN("00000099000000004000")
TOEZICHT = OIN("00000099000000005000")


def raadsrapport(hub: MemoryHub, *known: MeasureStatement, spoed: bool = False) -> Composed:
    """The Raad's report to the GI that carries out the measure, as far as the Raad's connector knows."""
    document = replace(
        example_document("raadsrapport"), spoed=SpoedReason.PRONOUNCED if spoed else None, purpose="RVDK-RAP"
    )
    return hub.world.compose(
        document,
        sender=RAAD,
        recipient=GI,
        recipient_capacity=Capacity.OTS,
        people=measured(hub.world, *known, sender=RAAD, recipient=GI),
    )


async def test_a_running_measure_of_the_raad_binds_the_report_to_the_gi() -> None:
    hub = await MemoryHub.opened()
    statement = of_measure(hub.world)
    await measures(hub, statement)
    accepted = await hub.submit(raadsrapport(hub, statement))
    shown = parse_shown(accepted.shown.text)
    assert (shown.withheld, shown.marks) == ((), ())
    assert (await hub.release(GI, accepted.id)).releases
    assert hub.members[-1].kept[0].relied_on == (statement.id.value,)


async def test_a_measure_is_checked_and_not_believed() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(DocumentError) as refused:
        await hub.submit(raadsrapport(hub, of_measure(hub.world)))
    assert {issue.code for issue in refused.value.issues} == {"sender.decision.measure-missing"}


async def test_a_measure_that_ended_between_acceptance_and_pick_up_withholds() -> None:
    hub = await MemoryHub.opened()
    statement = of_measure(hub.world)
    await measures(hub, statement)
    accepted = await hub.submit(raadsrapport(hub, statement))
    ended = replace(
        statement,
        id=message_id(9),
        issued_at=statement.issued_at + 9,
        replaces=statement.id,
        valid_until=date(2026, 11, 22),
    )
    await measures(hub, ended)
    ((_, error),) = (await hub.release(GI, accepted.id)).refused
    assert [issue.code for issue in error.issues] == ["recipient.decision.measure-ended"]


async def test_who_may_not_state_a_measure_is_refused_in_two_languages() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(DocumentError) as refused:
        await measures(hub, of_measure(hub.world, issuer=GEMEENTE))
    (issue,) = refused.value.issues
    assert (issue.code, bool(issue.text_nl)) == ("sender.measure.iss", True)
    assert hub.entries_of(EntryKind.MEASURE) == []


async def test_what_only_the_executing_gi_says_counts_is_marked_and_is_looked_at() -> None:
    hub = await MemoryHub.opened()
    statement = of_measure(hub.world, issuer=GI, issued_at=hub.arrival.seconds)
    taken = await measures(hub, statement)
    assert not is_contradicted(taken)
    accepted = await hub.submit(raadsrapport(hub, statement))
    assert parse_shown(accepted.shown.text).marks == ("self-declared",)
    (item,) = await open_reviews(hub.world.participant(GI), after=-1, limit=10, services=hub.services)
    assert (item.about, item.mark, item.index) == (statement.id, "self-declared", taken.index)


async def test_a_contradiction_denies_tells_both_and_is_looked_at() -> None:
    hub = await MemoryHub.opened()
    hub.world.admit(OTHER_GI, Role.GI, capacities=frozenset({Capacity.OTS}))
    await hub.follow()
    of_raad = of_measure(hub.world)
    await measures(hub, of_raad)
    accepted = await hub.submit(raadsrapport(hub, of_raad))
    taken = await measures(
        hub, of_measure(hub.world, 2, issuer=OTHER_GI, executor=OTHER_GI, issued_at=hub.arrival.seconds)
    )
    assert is_contradicted(taken)
    ((_, error),) = (await hub.release(GI, accepted.id)).refused
    assert [issue.code for issue in error.issues] == ["recipient.decision.measure-contradicted"]
    for oin in (RAAD, GI, OTHER_GI):
        notice, *_ = await hub.persons.notices(oin, after=-1, limit=10)
        assert (notice.kind, notice.record_id) == ("measure-contradicted", message_id(2))
    assert {oin for oin, _ in hub.noticed} == {RAAD, GI, OTHER_GI}
    marks = {each.about: each.mark for each in await hub.persons.reviews(RAAD, after=-1, limit=10)}
    assert marks == {of_raad.id: "measure-contradicted"}


async def test_a_measure_that_begins_later_contradicts_already_now() -> None:
    hub = await MemoryHub.opened()
    await measures(hub, of_measure(hub.world))
    later = of_measure(hub.world, 2, executor=OTHER_GI, valid_from=date(2027, 2, 1), valid_until=date(2028, 1, 31))
    assert is_contradicted(await measures(hub, later))


async def test_a_statement_that_changes_nothing_about_a_contradiction_alarms_nobody_again() -> None:
    hub = await MemoryHub.opened()
    await measures(hub, of_measure(hub.world), of_measure(hub.world, 2, executor=OTHER_GI))
    before = len(await hub.persons.notices(RAAD, after=-1, limit=10))
    past = {"valid_from": date(2020, 1, 1), "valid_until": date(2020, 12, 31)}
    assert not is_contradicted(await measures(hub, of_measure(hub.world, 3, **past)))
    assert len(await hub.persons.notices(RAAD, after=-1, limit=10)) == before


async def test_an_emergency_passes_for_72_hours_from_its_first_message_and_no_longer() -> None:
    hub = await MemoryHub.opened()
    first = await hub.submit(raadsrapport(hub, spoed=True))
    assert parse_shown(first.shown.text).marks == ("spoed",)
    hub.world.clock.advance(seconds=71 * 3600)
    second = await hub.submit(raadsrapport(hub, spoed=True))
    hub.world.clock.advance(seconds=3600)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(raadsrapport(hub, spoed=True))
    assert "sender.decision.spoed-over" in {issue.code for issue in refused.value.issues}
    ((_, error),) = (await hub.release(GI, second.id)).refused
    assert "recipient.decision.spoed-over" in {issue.code for issue in error.issues}


async def test_a_statement_ends_an_emergency_and_the_next_begins_anew() -> None:
    """The measure was pronounced, stated, and ended; half a year later there is another emergency."""
    hub = await MemoryHub.opened()
    await hub.submit(raadsrapport(hub, spoed=True))
    statement = of_measure(hub.world, valid_until=date(2026, 12, 31))
    await measures(hub, statement)
    hub.world.clock.advance(seconds=180 * 24 * 3600)
    accepted = await hub.submit(raadsrapport(hub, statement, spoed=True))
    assert parse_shown(accepted.shown.text).marks == ("spoed",)


async def test_an_emergency_is_looked_at_until_the_statement_is_there_and_somebody_closes_it() -> None:
    hub = await MemoryHub.opened()
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    await hub.follow()
    accepted = await hub.submit(raadsrapport(hub, spoed=True))
    supervisor = hub.world.participant(TOEZICHT)
    (item,) = await open_reviews(supervisor, after=-1, limit=10, services=hub.services)
    assert (item.about, item.mark) == (accepted.id, "spoed")
    assert await open_reviews(hub.world.participant(GEMEENTE), after=-1, limit=10, services=hub.services) == ()
    with pytest.raises(RejectedMessageError) as refused:
        await reviews(hub, sign_review(hub, accepted.id, "spoed", by=TOEZICHT))
    assert (refused.value.code, bool(refused.value.issues[0].text_nl)) == ("sender.review.statement", True)
    await measures(hub, of_measure(hub.world))
    assert len(await open_reviews(supervisor, after=-1, limit=10, services=hub.services)) == 1
    token = sign_review(hub, accepted.id, "spoed", by=TOEZICHT)
    closed = await reviews(hub, token)
    assert await reviews(hub, token) == closed
    assert await open_reviews(supervisor, after=-1, limit=10, services=hub.services) == ()
    with pytest.raises(ReplayError):
        await reviews(hub, sign_review(hub, accepted.id, "spoed", by=RAAD))
    (entry,) = hub.entries_of(EntryKind.REVIEW)
    assert entry.sender == TOEZICHT


async def test_nobody_closes_what_is_anothers() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(raadsrapport(hub, spoed=True))
    for by, mark in ((GEMEENTE, "spoed"), (RAAD, "unprompted")):
        with pytest.raises(RejectedMessageError) as refused:
            await reviews(hub, sign_review(hub, accepted.id, mark, by=by))
        assert refused.value.code == "sender.review.unknown"


async def test_a_review_that_lost_to_another_is_told_so() -> None:
    hub = await MemoryHub.opened()
    statement = of_measure(hub.world, issuer=GI)
    await measures(hub, statement, of_measure(hub.world, 2))
    hub.meanwhile = lambda: reviews(hub, sign_review(hub, statement.id, "self-declared", by=GI))
    with pytest.raises(ReplayError) as refused:
        await reviews(hub, sign_review(hub, statement.id, "self-declared", by=GI))
    assert refused.value.code == "sender.review.closed"
