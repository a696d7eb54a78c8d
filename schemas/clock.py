"""Time comes in as an argument; this is where it comes from.

The rim (web, worker, agent, command line) reads a `Clock` once for each message and passes `at` on.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock; keep it with NTP."""

    def now(self) -> datetime:
        """Return the moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it


@dataclass(slots=True)
class FrozenClock:
    """A clock that stands still until it is told to go on: for simulations and tests."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 12, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """Return the moment it stands at."""
        return self.moment

    def advance(self, **timedelta_arguments: float) -> None:
        """Go on by `timedelta(**timedelta_arguments)`."""
        self.moment += timedelta(**timedelta_arguments)
