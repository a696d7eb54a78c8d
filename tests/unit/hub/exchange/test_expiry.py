"""What nobody collected in time."""

from hub.exchange.expiry import EXPIRED_AT_ONCE_MAX, expire
from hub.ports import MessageState
from schemas.codes import EntryKind
from tests.support.exchange_hub import RAAD, MemoryHub


async def test_what_nobody_collected_goes_with_an_entry() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    assert await expire(arrival=hub.arrival, services=hub.services) == 0
    hub.world.clock.advance(days=31)
    assert await expire(arrival=hub.arrival, services=hub.services) == 1
    stored = await hub.message(accepted.id)
    assert stored is not None
    assert stored.state is MessageState.EXPIRED
    assert await hub.elements([accepted.id]) == {}
    assert [entry.id for entry in hub.entries_of(EntryKind.EXPIRY)] == [accepted.id.value]
    assert await expire(arrival=hub.arrival, services=hub.services) == 0


async def test_two_sweeps_at_once_expire_once() -> None:
    hub = await MemoryHub.opened()
    await hub.submit(hub.compose())
    hub.world.clock.advance(days=31)
    hub.meanwhile = lambda: expire(arrival=hub.arrival, services=hub.services)
    assert await expire(arrival=hub.arrival, services=hub.services) == 0
    assert len(hub.entries_of(EntryKind.EXPIRY)) == 1


async def test_release_refuses_by_the_clock_before_any_sweep() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.world.clock.advance(days=31)
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.message.expired"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


def test_one_sweep_has_an_end() -> None:
    assert EXPIRED_AT_ONCE_MAX == 100
