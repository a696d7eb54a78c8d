"""The sequencer's connection: what it asks of the database, in as few round trips as there can be.

    lock        BEGIN, write the bodies, take the tree's lock, read what the batch depends on     one round trip
    commit      write the batch, move the tree, COMMIT                                            one round trip

Between the two lies only the work in memory. The bodies come before the lock: writing them takes time and disturbs
nobody. What is read comes after it, so no other process can change it before the commit.
"""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from audit.merkle import CompactRange
from hub.storage.postgresql.arrays import text_array
from hub.storage.postgresql.batch import Candidate, Growth, Plan, SubjectHead, questions_of
from hub.storage.postgresql.changes import MINUTE_MS, MessageNow, Questions, State
from hub.storage.postgresql.connection import Connection
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.writes import batch_writes, body_writes
from schemas.errors import DocumentError, EvidenceError

_BODY_BLOCK = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """The tree's row as it stands in the database; nothing about it is checked but its form."""

    origin: str
    range: CompactRange
    time: int
    newest_participant: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What a batch depends on, read under the lock."""

    tree: TreeRow
    touches: Mapping[str, int]
    heads: Mapping[str, SubjectHead]
    state: State


@dataclass(slots=True)
class Session:
    """One connection for appending; opened again whenever it was lost.

    Attributes:
        connect: Opens a connection.
    """

    connect: Callable[[], Awaitable[Connection]]
    _connection: Connection | None = None
    _next_body: int = 0
    _entries_until: int = 0
    _months: set[tuple[int, int]] = field(default_factory=set)

    async def open(self) -> None:
        """Open the connection if there is none."""
        if self._connection is None or self._connection.broken or self._connection.closed:
            await self.close()
            connection = await self.connect()
            self._connection = connection
            cursor = await connection.execute(queries.next_body_block)
            (block,) = await _only(cursor)
            self._next_body = block * _BODY_BLOCK

    async def close(self) -> None:
        """Close the connection; what was not committed is not there."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await connection.close()

    def next_body(self) -> int:
        """Return a number for a body that no process of this hub ever used."""
        self._next_body += 1
        return self._next_body

    async def lock(self, candidates: Sequence[Candidate], *, now: int) -> Locked:
        """Begin a transaction, write the bodies, take the tree's lock and read what the batch depends on.

        Raises:
            psycopg.Error: It did not succeed; call `roll_back`.
        """
        connection = self._opened()
        questions = questions_of(candidates)
        decided = [each.member.draft.as_of for each in candidates if each.member.draft.as_of is not None]
        tags = {draft.tag.value for each in candidates for draft in each.member.kept}
        reads = list(_reads(questions, tags=tags, as_of=min(decided, default=None), now=now))
        cursors: dict[str, AsyncCursor[TupleRow]] = {}
        async with connection.pipeline():
            await connection.execute("BEGIN")
            for statement, parameters in body_writes(candidates):
                await connection.execute(statement, parameters)
            tree = await connection.execute(queries.lock_tree)
            for name, parameters in reads:
                cursors[name] = await connection.execute(getattr(queries, name), parameters)
        rows: dict[str, list[Any]] = {name: await cursor.fetchall() for name, cursor in cursors.items()}
        return Locked(
            tree=tree_from_row(await tree.fetchone()),
            touches=dict(rows.get("touches_since", ())),
            heads={tag: SubjectHead(nth=nth, index=index) for tag, nth, index in rows.get("subject_heads", ())},
            state=_state_from_rows(rows),
        )

    async def commit(self, plan: Plan, growth: Growth) -> None:
        """Write a batch and commit.

        Raises:
            psycopg.Error: Whether it was committed is known only if the server said so: see `find_entry`.
        """
        connection = self._opened()
        moment = datetime.fromtimestamp(plan.time / 1000, UTC)
        month = (moment.year, moment.month)
        async with connection.pipeline():
            if plan.size > self._entries_until:
                reach = await connection.execute(queries.entries_reach, {"upto": plan.size})
            else:
                reach = None
            if month not in self._months and (plan.shown or plan.kept):
                await connection.execute(queries.records_reach, {"moment": plan.time})
            for statement, parameters in batch_writes(plan, growth):
                await connection.execute(statement, parameters)
            await connection.execute("COMMIT")
        if reach is not None:
            (self._entries_until,) = await _only(reach)
        if plan.shown or plan.kept:
            self._months.add(month)

    async def roll_back(self) -> None:
        """End the transaction without effect; drop the connection if it does not even do that."""
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.execute("ROLLBACK")
        except (psycopg.Error, OSError):
            await self.close()

    @property
    def connection(self) -> Connection:
        """The open connection, for reading in this transaction."""
        return self._opened()

    async def find_entry(self, index: int) -> str | None:
        """Return the entry that stands at an index, after every transaction that is under way has ended."""
        connection = self._opened()
        async with connection.pipeline():
            await connection.execute("BEGIN")
            # Whoever was committing holds the lock until that is decided.
            await connection.execute(queries.lock_tree)
            cursor = await connection.execute(queries.entries, {"start": index, "end": index + 1})
            await connection.execute("COMMIT")
        row = await cursor.fetchone()
        return None if row is None else str(row[0])

    def _opened(self) -> Connection:
        if self._connection is None:
            raise psycopg.OperationalError("the connection is not open")
        return self._connection


def tree_from_row(row: TupleRow | None) -> TreeRow:
    """Read the tree's row.

    Raises:
        EvidenceError: It is not there, or its range is not one.
    """
    if row is None:
        raise EvidenceError("the database has no log", code="hub.log.missing")
    origin, size, data, time, newest_participant = row
    try:
        compact = CompactRange.from_bytes(size=size, data=data)
    except DocumentError as error:
        raise EvidenceError("the tree in the database is no tree", code="hub.log.tree") from error
    return TreeRow(origin=origin, range=compact, time=time, newest_participant=newest_participant)


def _reads(
    questions: Questions, *, tags: Collection[str], as_of: int | None, now: int
) -> list[tuple[str, Mapping[str, object]]]:
    reads: list[tuple[str, Mapping[str, object]]] = []
    if as_of is not None:
        reads.append(("touches_since", {"as_of": as_of}))
    if tags:
        reads.append(("subject_heads", {"tags": text_array(tags)}))
    if questions.message_ids:
        reads.append(("message_states", {"ids": text_array(questions.message_ids)}))
    if questions.refusal_digests:
        reads.append(("refusals_known", {"digests": text_array(questions.refusal_digests)}))
        since = {"senders": text_array(questions.refusal_senders), "since": now - MINUTE_MS}
        reads.append(("refusals_counted", since))
    if questions.oins:
        reads.append(("newest_participants", {"oins": text_array(questions.oins)}))
    if questions.epochs:
        reads.append(("epochs_known", {"epochs": list(questions.epochs)}))
    if questions.catalogues:
        reads.append(("newest_catalogues", {}))
    return reads


def _state_from_rows(rows: Mapping[str, Sequence[Any]]) -> State:
    return State(
        messages={
            message_id: MessageNow(
                body=body, recipient=recipient, index=index, disclosure=disclosure, received=received, expired=expired
            )
            for message_id, body, recipient, index, disclosure, received, expired in rows.get("message_states", ())
        },
        refused={digest for (digest,) in rows.get("refusals_known", ())},
        refusals=dict(rows.get("refusals_counted", ())),
        participants=dict(rows.get("newest_participants", ())),
        epochs={epoch for (epoch,) in rows.get("epochs_known", ())},
        catalogues=dict(rows.get("newest_catalogues", ())),
    )


async def _only(cursor: AsyncCursor[TupleRow]) -> TupleRow:
    row = await cursor.fetchone()
    assert row is not None
    return row
