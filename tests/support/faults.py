"""A session whose round trips fail on demand: before anything was stored, or after everything was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import psycopg

from hub.storage.postgresql.batch import Candidate, Growth, Plan
from hub.storage.postgresql.session import Locked, Session


class Fault(StrEnum):
    """Where a round trip is cut off."""

    LOCK_NOT_SENT = "lock not sent"
    LOCK_NOT_ANSWERED = "lock not answered"
    COMMIT_NOT_SENT = "commit not sent"
    COMMIT_NOT_ANSWERED = "commit not answered"


@dataclass(slots=True)
class FaultySession(Session):
    """A session that loses its connection at each of `faults`, in their order.

    Attributes:
        faults: Where it is lost next, and next.
        unreachable: How many connections fail after that.
    """

    faults: list[Fault] = field(default_factory=list)
    unreachable: int = 0

    async def open(self) -> None:
        """Open the connection, or fail as often as was asked for."""
        if self._connection is None and self.unreachable:
            self.unreachable -= 1
            raise psycopg.OperationalError("no route to host")
        await Session.open(self)

    async def lock(self, candidates: Sequence[Candidate], *, now: int) -> Locked:
        """Lock, or lose the connection before or after."""
        await self._lose_at(Fault.LOCK_NOT_SENT)
        locked = await Session.lock(self, candidates, now=now)
        await self._lose_at(Fault.LOCK_NOT_ANSWERED)
        return locked

    async def commit(self, plan: Plan, growth: Growth) -> None:
        """Commit, or lose the connection before or after."""
        await self._lose_at(Fault.COMMIT_NOT_SENT)
        await Session.commit(self, plan, growth)
        await self._lose_at(Fault.COMMIT_NOT_ANSWERED)

    async def _lose_at(self, fault: Fault) -> None:
        if self.faults[:1] == [fault]:
            del self.faults[0]
            assert self._connection is not None
            self._connection.pgconn.finish()
            raise psycopg.OperationalError("the connection is lost")
