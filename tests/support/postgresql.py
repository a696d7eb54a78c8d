"""A real PostgreSQL for tests: one server a run (a worker of xdist has its own), a fresh migrated database a test."""

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql

from deploy.local.postgresql import PostgreSQLServer, start_postgresql
from hub.storage.postgresql.migrate import migrate

_TEMPLATE: Final = "ketenhub_template"
_numbers = itertools.count(1)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """Give a folder for a server of the test's own; see `postgresql_server` for why not pytest's."""
    with tempfile.TemporaryDirectory(prefix="ketenhub-test-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """Give a running server, and stop it after the run.

    It does not lie in pytest's own folder: each run of pytest closes that to everybody, also to a server of another run
    that root started under a user of its own.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ketenhub-test-") as folder,
        start_postgresql(Path(folder) / "postgresql", unsafe_no_fsync=True) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def _migrated_template(postgresql_server: PostgreSQLServer) -> str:
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    migrate(postgresql_server.url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(postgresql_server: PostgreSQLServer, _migrated_template: str) -> Iterator[str]:
    """Give the URL of a migrated database of the test's own."""
    yield from _database(postgresql_server, template=_migrated_template)


@pytest.fixture
def empty_database_url(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """Give the URL of a database of the test's own that was never migrated."""
    yield from _database(postgresql_server, template="template1")


def _database(server: PostgreSQLServer, *, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    yield server.url(name)
    # A backend that takes long to end, or the server's own worker, which is not ours to end, keeps the database:
    # it goes with the server.
    with (
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
        contextlib.suppress(psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
