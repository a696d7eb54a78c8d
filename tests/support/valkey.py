"""A real Valkey for tests: one server a run (a worker of xdist has its own), emptied before each test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.valkey import ValkeyServer, start_valkey


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Give a running server, and stop it after the run."""
    with (
        tempfile.TemporaryDirectory(prefix="ketenhub-test-") as folder,
        start_valkey(Path(folder) / "valkey") as server,
    ):
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """Give the URL of an empty server."""
    with redis.Redis.from_url(valkey_server.url()) as client:
        client.flushall()
    return valkey_server.url()
