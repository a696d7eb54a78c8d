"""A real Valkey for tests: one server a run (a worker of xdist has its own), emptied before each test."""

from collections.abc import Iterator

import pytest
import redis

from deploy.local.valkey import ValkeyServer, start_valkey


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Give a running server, and stop it after the run."""
    with start_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """Give the URL of an empty server."""
    with redis.Redis.from_url(valkey_server.url()) as client:
        client.flushall()
    return valkey_server.url()
