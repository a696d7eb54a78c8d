"""Reading for many who ask at once: what is asked while readings are under way is read together when one has ended.

    gathering = Gathering(read=read_rows)
    rows = await gathering.rows(["id of mine", "another of mine"])

Whoever asks gets what the database held at some moment after the question. The rows are shared between those who
asked, so whoever makes something of its rows fails alone. A reading that fails, fails for all that it was for.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

READINGS_MAX: Final = 2
"""Readings under way at once: with more, each would be for fewer; with one, a slow one would hold up all."""
IDS_MAX: Final = 64
"""Up to so many rows are read together for several who ask; one alone may ask for more."""

Row: TypeAlias = Mapping[str, Any]
"""A row by column; `Any`: the types are those of its columns."""


@dataclass(slots=True)
class _Asking:
    """Somebody who waits."""

    ids: Sequence[str]
    answer: "asyncio.Future[Mapping[str, Row]]"


@dataclass(slots=True)
class Gathering:
    """Reads rows by id, in few readings however many ask.

    Attributes:
        read: Reads the rows of ids, by id; one that does not exist is absent.
    """

    read: Callable[[Sequence[str]], Awaitable[Mapping[str, Row]]]
    _waiting: deque[_Asking] = field(default_factory=deque)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _under_way: int = 0

    async def rows(self, ids: Sequence[str]) -> Mapping[str, Row]:
        """Return rows by id, perhaps others among them; the reading begins after the call.

        Raises:
            UnavailableError: As `read` does.
        """
        if self._under_way >= READINGS_MAX:
            asking = _Asking(ids, asyncio.get_running_loop().create_future())
            self._waiting.append(asking)
            return await asking.answer
        self._under_way += 1
        try:
            return await self.read(ids)
        finally:
            self._ended()

    def _ended(self) -> None:
        """Go on with those who wait. It is a task, because whoever asked first may be cancelled, and they are not."""
        self._under_way -= 1
        asking = self._take()
        if asking:
            self._under_way += 1
            task = asyncio.create_task(self._read_for(asking))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Asking]:
        taken: list[_Asking] = []
        count = 0
        while self._waiting and (not taken or count + len(self._waiting[0].ids) <= IDS_MAX):
            asking = self._waiting.popleft()
            if not asking.answer.done():
                taken.append(asking)
                count += len(asking.ids)
        return taken

    async def _read_for(self, taken: Sequence[_Asking]) -> None:
        try:
            found = await self.read(list(dict.fromkeys(each for asking in taken for each in asking.ids)))
        except asyncio.CancelledError:
            for asking in taken:
                asking.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  it is for those who asked
            for asking in taken:
                if not asking.answer.done():
                    asking.answer.set_exception(error)
                    # Whoever went away takes no answer; that is no unhandled error.
                    asking.answer.add_done_callback(_seen)
        else:
            for asking in taken:
                if not asking.answer.done():
                    asking.answer.set_result(found)
        finally:
            self._ended()


def _seen(answer: "asyncio.Future[Mapping[str, Row]]") -> None:
    answer.exception()
