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
from psycopg.rows import TupleRow

from audit.merkle import CompactRange
from hub.storage.postgresql.batch import Candidate, Growth, Plan, SubjectHead, questions_of
from hub.storage.postgresql.changes import MINUTE_MS, MessageNow, Questions, State
from hub.storage.postgresql.connection import Call, HubConnection
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.writes import batch_writes, body_writes
from schemas.errors import DocumentError, EvidenceError

_BODY_BLOCK = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """The tree's row as it stands in the database; nothing about it is checked but its form.

    `clock` is no part of it: the time by the database when the row was read, in milliseconds.
    """

    origin: str
    range: CompactRange
    time: int
    newest_participant: int | None
    clock: int


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

    connect: Callable[[], Awaitable[HubConnection]]
    _connection: HubConnection | None = None
    _next_body: int = 0
    _entries_until: int = 0
    _months: set[tuple[int, int]] = field(default_factory=set)

    async def open(self) -> None:
        """Open the connection if there is none."""
        if self._connection is None or self._connection.broken or self._connection.closed:
            await self.close()
            connection = await self.connect()
            self._connection = connection
            # All of them now: in a transaction there is no time for it.
            await connection.prepare(list(queries.all.values()))
            (result,) = await connection.run([(queries.next_body_block, {})])
            ((block,),) = result.rows
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
        reads = _reads(questions, tags=tags, as_of=min(decided, default=None), now=now)
        bodies = list(body_writes(candidates))
        calls = [(queries.begin, {}), *bodies, (queries.lock_tree, {}), *reads.values()]
        results = await connection.run(calls)
        tree, *found = results[1 + len(bodies) :]
        rows = {name: result.rows for name, result in zip(reads, found, strict=True)}
        return Locked(
            tree=tree_from_row(tree.rows),
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
        calls: list[Call] = []
        if plan.size > self._entries_until:
            calls.append((queries.entries_reach, {"upto": plan.size}))
        if month not in self._months and (plan.shown or plan.kept):
            calls.append((queries.records_reach, {"moment": plan.time}))
        results = await connection.run([*calls, *batch_writes(plan, growth), (queries.commit, {})])
        if plan.size > self._entries_until:
            ((self._entries_until,),) = results[0].rows
        if plan.shown or plan.kept:
            self._months.add(month)

    async def roll_back(self) -> None:
        """End the transaction without effect; drop the connection if it does not even do that."""
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.run([(queries.roll_back, {})])
        except (psycopg.Error, OSError):
            await self.close()

    @property
    def connection(self) -> HubConnection:
        """The open connection, for reading in this transaction."""
        return self._opened()

    async def find_entry(self, index: int) -> str | None:
        """Return the entry that stands at an index, after every transaction that is under way has ended."""
        connection = self._opened()
        # Whoever was committing holds the lock until that is decided.
        *_, found, _ = await connection.run(
            [
                (queries.begin, {}),
                (queries.lock_tree, {}),
                (queries.entries, {"start": index, "until": index + 1}),
                (queries.commit, {}),
            ]
        )
        return str(found.rows[0][0]) if found.rows else None

    def _opened(self) -> HubConnection:
        if self._connection is None:
            raise psycopg.OperationalError("the connection is not open")
        return self._connection


def tree_from_row(rows: Sequence[TupleRow]) -> TreeRow:
    """Read the tree's row, the only one.

    Raises:
        EvidenceError: It is not there, or its range is not one.
    """
    if not rows:
        raise EvidenceError("the database has no log", code="hub.log.missing")
    ((origin, size, data, time, newest_participant, clock),) = rows
    try:
        compact = CompactRange.from_bytes(size=size, data=data)
    except DocumentError as error:
        raise EvidenceError("the tree in the database is no tree", code="hub.log.tree") from error
    return TreeRow(origin=origin, range=compact, time=time, newest_participant=newest_participant, clock=clock)


def _reads(questions: Questions, *, tags: Collection[str], as_of: int | None, now: int) -> dict[str, Call]:
    """List what must be read, by the name of the statement."""
    reviews = sorted(questions.reviews)
    asked: list[tuple[bool, str, dict[str, object]]] = [
        (as_of is not None, "touches_since", {"as_of": as_of}),
        (bool(tags), "subject_heads", {"tags": tags}),
        (bool(questions.message_ids), "message_states", {"ids": questions.message_ids}),
        (bool(questions.refusal_digests), "refusals_known", {"digests": questions.refusal_digests}),
        (
            bool(questions.refusal_digests),
            "refusals_counted",
            {"senders": questions.refusal_senders, "since": now - MINUTE_MS},
        ),
        (bool(questions.oins), "newest_participants", {"oins": questions.oins}),
        (bool(questions.epochs), "epochs_known", {"epochs": questions.epochs}),
        (questions.catalogues, "newest_catalogues", {}),
        (bool(questions.catalogue_ids), "catalogue_ids_known", {"ids": questions.catalogue_ids}),
        (bool(questions.record_ids), "records_known", {"ids": questions.record_ids}),
        (
            bool(reviews),
            "reviews_known",
            {"abouts": [about for about, _ in reviews], "marks": [mark for _, mark in reviews]},
        ),
    ]
    asked.append((questions.stop, "stop_that_lasts", {}))
    return {name: (getattr(queries, name), values) for needed, name, values in asked if needed}


def _state_from_rows(rows: Mapping[str, Sequence[Any]]) -> State:
    return State(
        messages={message_id: MessageNow(*rest) for message_id, *rest in rows.get("message_states", ())},
        refused={digest for (digest,) in rows.get("refusals_known", ())},
        refusals=dict(rows.get("refusals_counted", ())),
        participants=dict(rows.get("newest_participants", ())),
        epochs={epoch for (epoch,) in rows.get("epochs_known", ())},
        catalogues=dict(rows.get("newest_catalogues", ())),
        catalogue_ids={each for (each,) in rows.get("catalogue_ids_known", ())},
        records={record_id for (record_id,) in rows.get("records_known", ())},
        reviews={(about, mark): still_open for about, mark, still_open in rows.get("reviews_known", ())},
        stop=next((index for (index,) in rows.get("stop_that_lasts", ())), None),
    )
