"""Who asks while readings are under way is read for together, and nobody pays for another's going away."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from hub.storage.postgresql.gathering import IDS_MAX, READINGS_MAX, Gathering, Row
from schemas.errors import UnavailableError


@dataclass
class Reader:
    """Reads when it is let; remembers for which ids."""

    asked: list[list[str]] = field(default_factory=list)
    let: asyncio.Event = field(default_factory=asyncio.Event)
    fails_for: str = ""

    async def read(self, ids: Sequence[str]) -> Mapping[str, Row]:
        self.asked.append(list(ids))
        await self.let.wait()
        if self.fails_for in ids:
            raise UnavailableError("the database is away")
        return {each: {"id": each} for each in ids if each != "nobody"}


async def _asked(gathering: Gathering, *questions: Sequence[str]) -> list[asyncio.Task[Mapping[str, Row]]]:
    tasks = [asyncio.create_task(gathering.rows(ids)) for ids in questions]
    await asyncio.sleep(0)
    return tasks


async def _busy(reader: Reader) -> tuple[Gathering, list[asyncio.Task[Mapping[str, Row]]]]:
    """A gathering whose readings are all under way."""
    gathering = Gathering(read=reader.read)
    return gathering, await _asked(gathering, *([f"first {number}"] for number in range(READINGS_MAX)))


async def test_who_asks_alone_is_read_for_at_once() -> None:
    reader = Reader()
    reader.let.set()
    assert await Gathering(read=reader.read).rows(["a", "nobody"]) == {"a": {"id": "a"}}
    assert reader.asked == [["a", "nobody"]]


async def test_who_asks_meanwhile_is_read_for_together_and_after_asking() -> None:
    reader = Reader()
    gathering, first = await _busy(reader)
    tasks = await _asked(gathering, ["a"], ["b", "a"], ["c"])
    assert len(reader.asked) == READINGS_MAX
    reader.let.set()
    found = await asyncio.gather(*tasks)
    await asyncio.gather(*first)
    assert reader.asked[READINGS_MAX:] == [["a", "b", "c"]]
    assert [set(rows) >= set(ids) for rows, ids in zip(found, ("a", "ab", "c"), strict=True)] == [True] * 3


async def test_a_reading_for_several_is_bounded_and_nobody_is_forgotten() -> None:
    reader = Reader()
    gathering, first = await _busy(reader)
    tasks = await _asked(gathering, *([f"{number}"] for number in range(3 * IDS_MAX)), ["x"] * (IDS_MAX + 1))
    reader.let.set()
    found = await asyncio.gather(*tasks)
    await asyncio.gather(*first)
    assert [f"{number}" in rows for number, rows in enumerate(found[:-1])] == [True] * (3 * IDS_MAX)
    assert max(map(len, reader.asked)) == IDS_MAX
    reader.asked.clear()
    await gathering.rows(["afterwards"])
    assert reader.asked == [["afterwards"]]


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    """Also the first, whose reading it was that the others waited for."""
    reader = Reader()
    gathering, first = await _busy(reader)
    leaving, staying = await _asked(gathering, ["a"], ["b"])
    leaving.cancel()
    for each in first:
        each.cancel()
    reader.let.set()
    assert await staying == {"b": {"id": "b"}}
    assert reader.asked[READINGS_MAX:] == [["b"]]
    assert (await asyncio.gather(leaving, *first, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_a_reading_that_fails_fails_for_those_it_was_for_and_for_nobody_after() -> None:
    reader = Reader(fails_for="b")
    gathering, first = await _busy(reader)
    tasks = await _asked(gathering, ["a"], ["b"])
    reader.let.set()
    await asyncio.gather(*first)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UnavailableError, UnavailableError]
    assert await gathering.rows(["a"]) == {"a": {"id": "a"}}
    with pytest.raises(UnavailableError):
        await gathering.rows(["b"])
