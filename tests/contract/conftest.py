"""The drivers that every contract is run against."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hub.storage.postgresql.database import Database, open_database
from schemas.clock import FrozenClock
from tests.support.members import Members
from tests.support.whole_log import SIGNER


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def members() -> Members:
    return Members()


@pytest.fixture
def open_hub_process(
    database_url: str, tmp_path: Path, clock: FrozenClock
) -> Callable[[], AbstractAsyncContextManager[Database]]:
    """Open one more process's drivers on the same database, with a guard of its own."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        async with open_database(
            database_url, signer=SIGNER, guard_folder=tmp_path / "guard", clock=clock, clock_of_this_world=False
        ) as database:
            yield database

    return opened


@pytest.fixture
async def database(
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]],
) -> AsyncIterator[Database]:
    async with open_hub_process() as opened:
        yield opened
