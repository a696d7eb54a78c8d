"""Row *log append*: entries a second through the sequencer into PostgreSQL, proofs, and whether the cost stays flat.

The members are the smallest that there are: entries that write nothing but themselves and one row. Logs of 10³, 10⁵
and 10⁷ entries are appended to in turns, so that whatever else the machine does falls on all of them alike.
"""

import asyncio
import contextlib
import itertools
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entries import EntryDraft
from audit.merkle import CompactRange
from audit.note import NoteSigner
from audit.proof_file import proof_text
from audit.proofs import verify_inclusion
from audit.records import token_digest
from hub.changes import ChainEpochOpened, LogMember
from hub.storage.postgresql.batch import Tree, grow, plan_batch, prepare
from hub.storage.postgresql.changes import State
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.migrate import migrate
from hub.storage.postgresql.sequencer import BATCH_MEMBERS_MAX
from schemas.clock import SystemClock
from schemas.codes import EntryKind
from schemas.randomness import SystemRandomness, new_message_id
from tests.performance.figures import Bound, Figure, Report, quantile, seconds_each
from tests.performance.servers import Servers
from tests.performance.synthetic_log import SyntheticLog, fill_log

ROW: Final = "log append"
ENTRIES_PER_SECOND_MIN: Final = 20_000
PROOF_MS_MAX: Final = 1.0
FLAT_MAX: Final = 1.25
"""Cost of an entry at the largest size over that at the smallest: what counts as flat."""
SIZES: Final = (1_000, 100_000, 10_000_000)
QUICK_SIZES: Final = (1_000, 10_000, 100_000)
UNDER_WAY: Final = 4 * BATCH_MEMBERS_MAX
"""Callers at once: the next batch is there when one is written."""
ORIGIN: Final = "hub.ketenhub.test/log/1"

_CLOCK: Final = SystemClock()
_RANDOMNESS: Final = SystemRandomness()
_EPOCHS: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One log, and what appending to it cost."""

    database: Database
    log: SyntheticLog
    seconds: list[float]


async def measure_append(report: Report, servers: Servers, *, seconds: float, quick: bool) -> None:
    """Measure the whole row."""
    sizes = QUICK_SIZES if quick else SIZES
    signer = NoteSigner.from_seed(name=ORIGIN, seed=_RANDOMNESS.bytes(32))
    _measure_pure(report, signer=signer, sizes=sizes, seconds=seconds / 4)
    async with contextlib.AsyncExitStack() as stack:
        logs: dict[int, _Measured] = {}
        for size in sizes:
            logs[size] = await stack.enter_async_context(_opened(servers, signer=signer, size=size))
        await _append_in_turns(logs, seconds=seconds)
        _report_append(report, logs)
        await _measure_proofs(report, logs[sizes[-1]], seconds=seconds)


@contextlib.asynccontextmanager
async def _opened(servers: Servers, *, signer: NoteSigner, size: int) -> AsyncIterator[_Measured]:
    url = servers.new_database(f"log_{size}")
    await asyncio.to_thread(migrate, url)
    log = await asyncio.to_thread(fill_log, url, origin=signer.name, size=size)
    guard: Path = servers.folder / f"guard-{size}"
    async with open_database(url, signer=signer, guard_folder=guard, clock=_CLOCK) as database:
        yield _Measured(database, log, [])


async def _append_in_turns(logs: Mapping[int, _Measured], *, seconds: float) -> None:
    until = time.perf_counter() + seconds * len(logs)
    for turn in itertools.count():
        for measured in logs.values():
            members = [new_member() for _ in range(4 * UNDER_WAY)]
            started = time.perf_counter()
            await append_all(measured.database, members)
            if turn:  # the first is for the caches
                measured.seconds.append((time.perf_counter() - started) / len(members))
        if turn > 1 and time.perf_counter() > until:
            return


async def append_all(database: Database, members: Sequence[LogMember]) -> None:
    """Append members, as many callers at once as `UNDER_WAY` says."""
    waiting: Iterator[LogMember] = iter(members)

    async def call() -> None:
        for member in waiting:
            await database.log.append(member)

    async with asyncio.TaskGroup() as group:
        for _ in range(UNDER_WAY):
            group.create_task(call())


def _report_append(report: Report, logs: Mapping[int, _Measured]) -> None:
    sizes = list(logs)
    cost = {size: statistics.median(measured.seconds) for size, measured in logs.items()}
    for size in sizes:
        report.add(
            Figure(
                row=ROW,
                name=f"append, durable, at {size:,} entries",
                value=1 / cost[size],
                unit="entries/s",
                budget=ENTRIES_PER_SECOND_MIN if size == sizes[0] else None,
                detail={"rounds": len(logs[size].seconds), "callers": UNDER_WAY},
            )
        )
    report.add(
        Figure(
            row=ROW,
            name=f"cost of an entry, {sizes[-1]:,} over {sizes[0]:,}",
            value=min(logs[sizes[-1]].seconds) / min(logs[sizes[0]].seconds),
            unit="×",
            budget=FLAT_MAX,
            bound=Bound.AT_MOST,
            detail={"of": "the fastest round of each: what else the machine does only adds"},
        )
    )


async def _measure_proofs(report: Report, measured: _Measured, *, seconds: float) -> None:
    size = measured.log.range.size
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        index = random.randrange(size)
        started = time.perf_counter()
        path = await measured.database.log.inclusion_proof(index=index, size=size)
        taken.append(time.perf_counter() - started)
        verify_inclusion(
            leaf_hash=measured.log.leaf_hash(index),
            leaf_index=index,
            tree_size=size,
            path=path,
            root_hash=measured.log.range.root(),
        )
    report.add(
        Figure(
            row=ROW,
            name=f"inclusion proof at {size:,} entries, p50",
            value=statistics.median(taken) * 1e3,
            unit="ms",
            budget=PROOF_MS_MAX,
            bound=Bound.AT_MOST,
            detail={"proofs": len(taken), "p99_ms": round(quantile(taken, 0.99) * 1e3, 3)},
        )
    )


def _measure_pure(report: Report, *, signer: NoteSigner, sizes: Sequence[int], seconds: float) -> None:
    """Measure what the batch costs without a database: preparing, planning, the tree, checkpoint and proofs."""
    members = [new_member() for _ in range(BATCH_MEMBERS_MAX)]
    for size in (sizes[0], sizes[-1]):
        tree = Tree(
            range=_random_range(size),
            time=0,
            newest_participant=None,
            tail=tuple(_RANDOMNESS.bytes(32) for _ in range(size % 256)),
        )

        def batch(tree: Tree = tree, size: int = size) -> None:
            candidates = [prepare(member) for member in members]
            plan = plan_batch(candidates, tree=tree, time=1, state=State(), heads={}, touches={})
            growth = grow(plan)
            root = growth.extension.root_hash
            note = str(sign_checkpoint(Checkpoint(origin=ORIGIN, size=growth.tree.size, root_hash=root), signer))
            for place, path in enumerate(growth.extension.paths):
                proof_text(index=size + place, path=path, checkpoint=note)

        taken = seconds_each(batch, seconds=seconds, calls=len(members))
        name = f"without the database, at {size:,}"
        report.add(Figure(row=ROW, name=name, value=1 / taken, unit="entries/s", detail={"batch": len(members)}))


def _random_range(size: int) -> CompactRange:
    return CompactRange(size=size, hashes=tuple(_RANDOMNESS.bytes(32) for _ in range(size.bit_count())))


def new_member() -> LogMember:
    """Make the smallest member there is: an entry and one row."""
    epoch = next(_EPOCHS)
    draft = EntryDraft(
        kind=EntryKind.CHAIN,
        id=new_message_id(at=_CLOCK.now(), randomness=_RANDOMNESS).value,
        epoch=epoch,
        fingerprint=token_digest("fingerprint"),
        signed=token_digest("signed"),
        pad=_RANDOMNESS.bytes(16),
    )
    change = ChainEpochOpened(epoch=epoch, signed="signed")
    return LogMember(draft=draft, shown=None, kept=(), watches=frozenset(), touches=frozenset(), change=change)
