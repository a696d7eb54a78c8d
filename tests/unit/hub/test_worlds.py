"""The world that a process knows is read again and again, whatever happens to a reading."""

import asyncio
from collections.abc import Callable

import pytest

from hub import worlds
from hub.ports import ParticipantRecord
from schemas.errors import EvidenceError, UnavailableError
from tests.support.exchange_hub import GEMEENTE, MemoryHub


async def _eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("trouble", [UnavailableError("away"), RuntimeError("the database refused a statement: 42501")])
async def test_a_reading_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    """Else nobody would hear of a suspension any more: tokens of a suspended participant would go on reading."""
    monkeypatch.setattr(worlds, "REFRESH_SECONDS", 0.01)
    hub = await MemoryHub.opened()
    with hub.another_process():
        known = hub.services.worlds
        assert isinstance(known, worlds.LogWorlds)
    failures = [trouble] * 3
    read = MemoryHub.participants

    async def sometimes(self: MemoryHub, *, after: int) -> tuple[ParticipantRecord, ...]:
        if failures and after >= 0:
            raise failures.pop()
        return await read(self, after=after)

    monkeypatch.setattr(MemoryHub, "participants", sometimes)
    contradictions: list[EvidenceError] = []
    async with known.running(contradicted=contradictions.append):
        await _eventually(lambda: not failures)
        monkeypatch.setattr(MemoryHub, "participants", read)
        await hub.suspend(GEMEENTE)

        def suspended() -> bool:
            participant = known.current().directory.participant(GEMEENTE)
            return participant is not None and not participant.in_force(hub.world.clock.now())

        await _eventually(suspended)
    assert contradictions == []
