"""A real hub on real PostgreSQL, and a gemeente, the Raad and a GI with their connectors."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hub_server import running_hub
from tests.support.offices import Chain


@pytest.fixture
async def chain(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Chain]:
    """Give three organisations that have joined and share the chain key."""
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as hub:
        yield await Chain.opened(hub, tmp_path)
