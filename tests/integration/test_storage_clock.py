"""A hub whose clock runs ahead of its database's, or behind it: nothing is dated by it."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.storage.postgresql.clocks import DIFFERENCE_SECONDS_MAX
from hub.storage.postgresql.database import open_database
from schemas.clock import FrozenClock, SystemClock
from schemas.errors import UnavailableError
from tests.support.members import Members
from tests.support.whole_log import SIGNER, verify_appended, verify_whole

pytestmark = pytest.mark.database


@pytest.mark.parametrize("seconds", [2 * DIFFERENCE_SECONDS_MAX, -2 * DIFFERENCE_SECONDS_MAX, 86400 * 400])
async def test_nothing_is_dated_by_a_clock_that_the_database_contradicts(
    database_url: str, tmp_path: Path, seconds: int
) -> None:
    clock, members = FrozenClock(SystemClock().now()), Members()
    async with open_database(
        database_url, signer=SIGNER, guard_folder=tmp_path / "guard", clock=clock, pool_max=2
    ) as database:
        verify_appended(await database.log.append(members.epoch(0)))
        right = clock.moment
        clock.moment = right + timedelta(seconds=seconds)
        for attempt in (database.log.append(members.epoch(1)), database.log.check_clock(), database.answers()):
            with pytest.raises(UnavailableError) as refused:
                await attempt
            (issue,) = refused.value.issues
            assert (refused.value.code, refused.value.retryable, issue.code) == ("hub.clock", True, "hub.clock")
            assert "lopen" in issue.text_nl
        assert abs(database.log.sequencer.clock.difference_ms / 1000 - seconds) < DIFFERENCE_SECONDS_MAX / 2
        assert (await verify_whole(database.log)).entries == 1
        # Set right, it goes on as if nothing had been.
        clock.moment = right
        verify_appended(await database.log.append(members.epoch(1)))
        assert await database.answers()
