"""Numbered migrations: `migrations/NNNN_name.sql`, each applied once, in one transaction, under one lock.

The table `schema_migrations` holds the digest of every migration that was applied. A file that was changed afterwards
is refused: what stands in a database must be what can be read here. `migrate` may be run by any number of processes at
once and as often as one likes.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import ClassVar, Final

import psycopg
from psycopg import sql

from schemas.errors import DocumentError, UnavailableError

_LOCK: Final = 0x6B65_7465_6E68_7562
"""Number of the advisory lock: `ketenhub` in ASCII."""
_NAME: Final = re.compile(r"([0-9]{4})_[a-z_]+\.sql")
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(DocumentError):
    """The database and the migrations of this software do not fit together; the text says how, and what to do."""

    default_code: ClassVar[str] = "hub.database.version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration as it stands in the software."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of its text, in hex."""
        return sha256(self.text.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """Return the migrations of this software, in order.

    Raises:
        MigrationError: A file's name does not have the form, or a number is missing.
    """
    found = []
    for file in files("hub.storage.postgresql").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"`{file.name}` is not named like a migration")
        found.append(Migration(number=int(match[1]), name=file.name, text=file.read_text("utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("the numbers of the migrations do not run from 1 without gaps")
    return tuple(found)


def migrate(conninfo: str) -> tuple[str, ...]:
    """Apply what is not applied yet.

    Returns:
        The names of the migrations that were applied now.

    Raises:
        MigrationError: The database knows another text for a migration, or one that this software does not have.
        UnavailableError: The database could not be reached, or refused.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            connection.execute(_TABLE)
            return tuple(_apply(connection, migration) for migration in _missing(connection))
    except psycopg.Error as error:
        raise UnavailableError("the database could not be migrated", detail=str(error)) from error


def check_migrated(conninfo: str) -> None:
    """Check that a database has exactly the migrations of this software.

    Raises:
        MigrationError: It does not; run `ketenhub migrate`.
        UnavailableError: The database could not be reached.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            if connection.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,):
                raise MigrationError("the database was never migrated: run `ketenhub migrate`")
            missing = _missing(connection)
    except psycopg.Error as error:
        raise UnavailableError("the database could not be reached", detail=str(error)) from error
    if missing:
        raise MigrationError(f"`{missing[0].name}` is not applied: run `ketenhub migrate`")


def _missing(connection: psycopg.Connection[tuple[object, ...]]) -> tuple[Migration, ...]:
    ours = migrations()
    applied = {
        number: (name, digest)
        for number, name, digest in connection.execute("SELECT number, name, digest FROM schema_migrations")
    }
    for number, (name, digest) in applied.items():
        known = next((migration for migration in ours if migration.number == number), None)
        if known is None:
            raise MigrationError(f"the database has `{name}`, which this version of the software does not know")
        if known.digest != digest:
            raise MigrationError(f"`{known.name}` is not the text that was applied to the database")
    return tuple(migration for migration in ours if migration.number not in applied)


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> str:
    with connection.transaction():
        # A migration is text of ours, never of a user.
        connection.execute(sql.SQL(migration.text))
        connection.execute(
            "INSERT INTO schema_migrations (number, name, digest) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.digest],
        )
    return migration.name
