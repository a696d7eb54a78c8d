"""This process's clock held against the database's: neither may do harm alone.

The log's time never goes back. One entry from a clock that is days ahead, and the whole log keeps that time until it
has come; and what waits would be expired at once. So nothing is appended, and nothing is taken for past its time, by a
clock that the database contradicts.
"""

from dataclasses import dataclass
from typing import Final

from schemas.clock import Clock
from schemas.errors import Issue, UnavailableError

DIFFERENCE_SECONDS_MAX: Final = 60
CLOCK_CODE: Final = "hub.clock"


@dataclass(slots=True, kw_only=True)
class ComparedClock:
    """The clock by which entries are dated.

    Attributes:
        clock: The process's.
        of_this_world: Whether the database lives by the same time; a clock that stands still, or runs by itself, is
            compared with nothing.
        difference_ms: How far it was ahead of the database's when they were last compared.
    """

    clock: Clock
    of_this_world: bool = True
    difference_ms: int = 0

    def now(self) -> int:
        """Return the time in milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    def compare(self, database: int) -> None:
        """Compare with the database's time, in milliseconds, which was just read.

        Raises:
            UnavailableError: They differ by more than `DIFFERENCE_SECONDS_MAX`.
        """
        if not self.of_this_world:
            return
        self.difference_ms = self.now() - database
        if abs(self.difference_ms) <= DIFFERENCE_SECONDS_MAX * 1000:
            return
        text = f"the clocks of the hub and its database differ by more than {DIFFERENCE_SECONDS_MAX} s"
        text_nl = f"de klokken van de hub en van zijn database lopen meer dan {DIFFERENCE_SECONDS_MAX} s uiteen"
        issue = Issue(pointer="", code=CLOCK_CODE, text=text, text_nl=text_nl)
        detail = f"ahead of the database by {self.difference_ms} ms"
        raise UnavailableError(text, code=CLOCK_CODE, detail=detail, issues=[issue])
