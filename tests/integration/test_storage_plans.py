"""Every statement finds its rows by an index, also by a plan that was made while the tables were empty."""

import re

import psycopg
import pytest

from hub.storage.postgresql.connection import HubConnection, connect
from hub.storage.postgresql.queries import Queries, queries

pytestmark = pytest.mark.database

WHOLE = {"tree", "lock_tree", "move_tree", "chain_epochs", "newest_catalogues", "boards", "messages_uncollected"}
WHOLE |= {"canary_passes", "forget_all_passes"}
"""Statements that read a small table whole: the tree's one row, epochs, catalogues, boards, what waits, what passed."""
NO_PLAN = {"begin", "commit", "roll_back", "next_body_block", "entries_reach", "records_reach"}


@pytest.fixture
async def connection(database_url: str) -> HubConnection:
    return await connect(database_url)


@pytest.mark.parametrize("name", sorted(queries.all.keys() - NO_PLAN))
async def test_no_statement_reads_a_table_that_grows_from_end_to_end(connection: HubConnection, name: str) -> None:
    async with connection:
        statement = queries.all[name]
        types = list(statement.parameters.values())
        text = re.sub(r"\$(\d+)", lambda match: f"${match[1]}::{types[int(match[1]) - 1]}", statement.text.decode())
        cursor = await connection.execute(("EXPLAIN (GENERIC_PLAN, COSTS OFF) " + text).encode())
        plan = "\n".join(str(line) for (line,) in await cursor.fetchall())
    if name not in WHOLE:
        assert "Seq Scan" not in plan, plan
    for kind in ("Hash Join", "Merge Join"):
        assert kind not in plan, plan


async def test_every_statement_can_be_prepared(connection: HubConnection) -> None:
    async with connection:
        await connection.prepare(list(queries.all.values()))


async def test_the_first_statement_that_fails_ends_them_all(connection: HubConnection) -> None:
    handover = {"id": "0194" * 2 + "-0000-7000-8000-" + "0" * 12, "giver": "a", "receiver": "b", "epoch": 0}
    async with connection:
        with pytest.raises(psycopg.DataError):
            await connection.run(
                [
                    (queries.store_handover, {**handover, "handover": "x"}),
                    (queries.store_handover, {**handover, "id": "no uuid", "handover": "x"}),
                    (queries.store_handover, {**handover, "handover": "y"}),
                ]
            )
        (result,) = await connection.run([(queries.handovers, {"receiver": "b"})])
    assert result.rows == ()


def test_a_statement_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        Queries().no_such_statement  # noqa: B018
