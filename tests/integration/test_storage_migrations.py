"""Migrations are applied once, in order, by whoever comes first; partitions are there before they are needed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hub.storage.postgresql.database import open_database
from hub.storage.postgresql.encoding import TYPE_OIDS, encode
from hub.storage.postgresql.migrate import MigrationError, check_migrated, migrate, migrations
from schemas.clock import SystemClock
from schemas.errors import UnavailableError
from tests.support.whole_log import SIGNER

pytestmark = pytest.mark.database

NAMES = tuple(migration.name for migration in migrations())


def test_a_database_is_migrated_once(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == NAMES
    assert migrate(empty_database_url) == ()
    check_migrated(empty_database_url)


def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database_url] * 4))
    assert sorted(applied) == [(), (), (), NAMES]


async def test_a_hub_does_not_start_on_a_database_that_is_not_migrated(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="never migrated"):
        async with open_database(empty_database_url, signer=SIGNER, guard_folder=tmp_path, clock=SystemClock()):
            pytest.fail("the hub started")


def test_a_missing_migration_is_named(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE number = 3")
    with pytest.raises(MigrationError, match="0003_refused"):
        check_migrated(database_url)


async def test_a_stop_of_before_what_passed_was_remembered_lasts_and_is_not_proved(
    database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE canary_passes")
        connection.execute("ALTER TABLE stops DROP COLUMN form")
        connection.execute("DELETE FROM schema_migrations WHERE number = 8")
        connection.execute("INSERT INTO stops (index, canary, time) VALUES (7, '00000099000000009000', 1000)")
        connection.execute("INSERT INTO canary_refusals VALUES ('not-asked', 1, 8, 2000)")
    assert migrate(database_url) == ("0008_canary_passes.sql",)
    async with open_database(database_url, signer=SIGNER, guard_folder=tmp_path, clock=SystemClock()) as database:
        known = await database.store.enforcement()
    assert known.stop is not None
    assert (known.stop.index, known.stop.form, known.passed, known.proved_since_stop) == (7, None, (), False)


@pytest.mark.parametrize("check", [migrate, check_migrated])
def test_a_migration_that_was_changed_afterwards_is_refused(database_url: str, check: object) -> None:
    assert callable(check)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE schema_migrations SET digest = 'other' WHERE number = 1")
    with pytest.raises(MigrationError, match="0001_log"):
        check(database_url)


@pytest.mark.parametrize("check", [migrate, check_migrated])
def test_a_database_of_a_later_version_is_refused(database_url: str, check: object) -> None:
    assert callable(check)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, '9999_later.sql', 'x')")
    with pytest.raises(MigrationError, match="does not know"):
        check(database_url)


def test_a_migration_that_fails_leaves_nothing(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE messages (id int)")
    with pytest.raises(UnavailableError):
        migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('waiting'), to_regclass('log_tree')").fetchone() == (
            None,
            "log_tree",
        )
        connection.execute("DROP TABLE messages")
    assert migrate(empty_database_url) == NAMES[1:]


def test_a_database_that_is_away_is_unavailable(database_url: str) -> None:
    with pytest.raises(UnavailableError):
        check_migrated(database_url.replace("socket", "no-such-socket"))


# ---- partitions ----


@pytest.mark.parametrize(
    ("upto", "partitions", "covered"), [(0, 2, 2), (1_048_575, 2, 2), (1_048_576, 3, 3), (3_000_000, 4, 4)]
)
def test_entries_have_their_partition_and_one_in_reserve(
    database_url: str, upto: int, partitions: int, covered: int
) -> None:
    with psycopg.connect(database_url) as connection:
        reached = connection.execute("SELECT log_entries_reach(%s)", [upto]).fetchone()
        assert reached == (covered * 1_048_576,)
        count = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'log_entries'::regclass"
        assert connection.execute(count).fetchone() == (partitions,)
        for index in (0, upto, covered * 1_048_576 - 1):
            connection.execute(
                "INSERT INTO log_entries (index, kind, time, entry) VALUES (%s, 'CHAIN', 0, '') ON CONFLICT DO NOTHING",
                [index],
            )


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (1_793_491_200_000, 1_796_083_199_999, "2026_11"),  # November 2026, UTC
        (1_709_164_800_000, 1_709_251_199_999, "2024_02"),  # the leap day
    ],
)
def test_records_of_a_month_lie_together(database_url: str, first: int, last: int, name: str) -> None:
    with psycopg.connect(database_url) as connection:
        for moment in (first, last):
            connection.execute("SELECT records_reach(%s)", [moment])
            connection.execute("INSERT INTO shown_records VALUES (%s, %s, '', '')", [moment, moment])
        where = connection.execute("SELECT DISTINCT tableoid::regclass::text FROM shown_records").fetchall()
    assert where == [(f"shown_records_{name}",)]


# ---- parameters ----


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("bigint", 0),
        ("bigint", -(2**63)),
        ("bigint", 2**63 - 1),
        ("bigint", None),
        ("text", "é — \U0001f600"),
        ("text", ""),
        ("bytea", bytes(range(256))),
        ("bytea", None),
        ("bigint[]", []),
        ("bigint[]", [1, None, -1]),
        ("text[]", ["a", None, "", '{"\\,}', "é"]),
        ("bytea[]", [b"", None, b"\x00\xff"]),
        ("boolean[]", [True, False]),
        ("boolean[]", []),
    ],
)
def test_a_parameter_arrives_as_it_was(database_url: str, type_name: str, value: object) -> None:
    with psycopg.connect(database_url) as connection:
        result = connection.pgconn.exec_params(
            b"SELECT $1 IS NOT DISTINCT FROM $2",
            [encode(type_name, value)] * 2,
            [TYPE_OIDS[type_name]] * 2,
            [1, 1],
        )
        assert result.get_value(0, 0) == b"t", result.error_message
        text = connection.pgconn.exec_params(
            b"SELECT to_json($1)::text", [encode(type_name, value)], [TYPE_OIDS[type_name]], [1]
        ).get_value(0, 0)
        expected = connection.execute(f"SELECT to_json(%s::{type_name})::text", [value]).fetchone()
        assert expected == (text.decode() if text is not None else None,)
