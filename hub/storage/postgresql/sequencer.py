"""Group commit: one sequencer a process appends what its callers hand in, many members to a transaction.

    callers ──append──▶ waiting ──take──▶ batch ──lock, plan, commit──▶ publisher ──guard──▶ callers

While one batch is in the database the next one gathers; nobody waits for a batch to fill. When a batch is committed its
checkpoint is signed, and while the publisher writes the guard the next batch is already under way.

What can happen to a batch, and what its members get:

    committed                        Appended, once the guard has the checkpoint
    a member is out                  its own error, once the others are committed (it may have lost to one of them)
    the connection is lost           once more over a new one; COMMIT without answer is read back before that
    the database is gone or slow     UnavailableError; nothing was written, or it could not be found out
    anything else                    the batch is split in two and each half tried, so one poisoned member fails alone
    the log contradicts the guard    EvidenceError, for these and for everybody after them

The sequencer outlives every exception but the last.

Source: the architecture, section 6.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import psycopg

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.encoding import b64
from audit.note import NoteSigner
from audit.proof_file import proof_text
from hub.changes import LogMember, SubmissionAccepted
from hub.ports import Appended
from hub.storage.guard import GuardFile
from hub.storage.postgresql.batch import Candidate, Growth, Plan, Tree, grow, plan_batch, prepare
from hub.storage.postgresql.clocks import ComparedClock
from hub.storage.postgresql.connection import is_for_later
from hub.storage.postgresql.continuity import check_continuity
from hub.storage.postgresql.session import Locked, Session
from schemas.errors import EvidenceError, ExchangeError, UnavailableError

BATCH_MEMBERS_MAX: Final = 512
BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
WAITING_MEMBERS_MAX: Final = 8192
WAITING_BYTES_MAX: Final = 128 * 1024 * 1024
"""Beyond these a caller is told to come back."""
READ_BACK_SECONDS_MAX: Final = 20.0
READ_BACK_PAUSE_SECONDS: Final = 0.2


@dataclass(slots=True)
class _Waiting:
    """A member and whoever waits for it."""

    candidate: Candidate
    answer: "asyncio.Future[Appended]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Committed:
    """A batch that is durable and waits for the guard."""

    waiting: Sequence[_Waiting]
    plan: Plan
    growth: Growth
    checkpoint: Checkpoint
    note: str


class _NothingWritten(Exception):  # noqa: N818  no error yet: it is tried once more
    """The connection was lost, and nothing of the batch is stored."""


@dataclass(slots=True, kw_only=True)
class Sequencer:
    """Appends members in batches. Run it with `running`.

    Attributes:
        session: Its connection.
        signer: The log's key, named after its origin.
        guard: This process's rollback guard.
        clock: Read for each batch, under the lock, and held against the database's.
    """

    session: Session
    signer: NoteSigner
    guard: GuardFile
    clock: ComparedClock
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _committed: list[_Committed] = field(default_factory=list)
    _durable: asyncio.Event = field(default_factory=asyncio.Event)
    _tree: Tree | None = None
    _contradiction: EvidenceError | None = None
    _closing: bool = False
    _published: tuple[Checkpoint, str] | None = None

    # ---- what callers see ----

    async def append(self, member: LogMember) -> Appended:
        """Append a member; see `hub.ports.Log.append`."""
        self.check()
        if self._closing:
            raise UnavailableError("the hub is stopping", code="hub.stopping")
        if len(self._waiting) >= WAITING_MEMBERS_MAX or self._waiting_bytes >= WAITING_BYTES_MAX:
            raise UnavailableError("too much waits for the log", code="hub.log.busy")
        # The number of a body is given when its batch is taken: the session must be open for that.
        candidate = prepare(member)
        waiting = _Waiting(candidate=candidate, answer=asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += candidate.size_bytes
        self._arrived.set()
        return await waiting.answer

    def check(self) -> None:
        """Refuse to go on once the log contradicted itself.

        Raises:
            EvidenceError: It did.
        """
        if self._contradiction is not None:
            raise EvidenceError(
                self._contradiction.public_message,
                code=self._contradiction.code,
                detail=self._contradiction.detail,
            ) from self._contradiction

    def contradicted(self, error: EvidenceError) -> None:
        """Stop for good: what is stored contradicts what was published."""
        if self._contradiction is None:
            self._contradiction = error
        while self._waiting:
            _refuse([self._waiting.popleft()], error)

    @property
    def size(self) -> int:
        """Number of entries that this process knows to be durable."""
        published = self._published[0].size if self._published else 0
        return max(published, self._tree.size if self._tree else 0)

    @property
    def published(self) -> tuple[Checkpoint, str] | None:
        """The newest checkpoint that the guard has, and its signed note."""
        return self._published

    async def publish(self, checkpoint: Checkpoint) -> tuple[Checkpoint, str]:
        """Let a checkpoint out that was checked against the guard, such as that of another process's batch.

        Returns:
            The newest that was let out: this one, or a later one.
        """
        note = str(sign_checkpoint(checkpoint, self.signer))
        try:
            await self.guard.advance(checkpoint, note)
        except EvidenceError as error:
            self.contradicted(error)
            raise
        return self._now_published(checkpoint, note)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Append what is handed in, until the end of the block; then finish what was handed in."""
        tasks = [asyncio.create_task(self._append_all()), asyncio.create_task(self._publish_all())]
        try:
            yield
        finally:
            self._closing = True
            self._arrived.set()
            await tasks[0]
            self._durable.set()
            await tasks[1]
            await self.session.close()

    # ---- appending ----

    async def _append_all(self) -> None:
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                continue
            try:
                await self._append(batch)
            except Exception as error:  # noqa: BLE001  the sequencer outlives what it did not foresee
                await self.session.close()
                self._tree = None
                _refuse(batch, RuntimeError(f"appending failed: {type(error).__name__}"))

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_MEMBERS_MAX:
            weight = self._waiting[0].candidate.size_bytes
            if batch and size + weight > BATCH_BYTES_MAX:
                break
            waiting = self._waiting.popleft()
            self._waiting_bytes -= weight
            # Whoever no longer waits is not appended: nobody would give the proof to anyone.
            if not waiting.answer.done():
                batch.append(waiting)
                size += weight
        if not self._waiting and not self._closing:
            self._arrived.clear()
        return batch

    async def _append(self, batch: Sequence[_Waiting]) -> None:
        """Append a batch; every member has its answer, or waits for the guard, when this returns."""
        try:
            self.check()
            try:
                await self._transact(batch)
            except _NothingWritten:
                await self._transact(batch)
        except _NothingWritten:
            _refuse(batch, UnavailableError("the database went away; nothing was written"))
        except EvidenceError as error:
            await self.session.close()
            self.contradicted(error)
            _refuse(batch, error)
        except UnavailableError as error:
            _refuse(batch, error)
        except Exception as error:  # noqa: BLE001  whose it is shows when the batch is split
            if is_for_later(error):
                detail = getattr(error, "sqlstate", None) or type(error).__name__
                _refuse(batch, UnavailableError("the database could not be reached or was too slow", detail=detail))
            elif len(batch) == 1:
                _refuse(batch, RuntimeError(f"the entry could not be appended: {_named(error)}"))
            else:
                middle = len(batch) // 2
                await self._append(batch[:middle])
                await self._append(batch[middle:])

    async def _transact(self, batch: Sequence[_Waiting]) -> None:
        """Append a batch in one transaction, or leave nothing of it."""
        await self.session.open()
        self._number_bodies(batch)
        candidates = [waiting.candidate for waiting in batch]
        plan: Plan | None = None
        try:
            locked = await self._lock(candidates, now=self.clock.now())
            self.clock.compare(locked.tree.clock)
            tree = await check_continuity(
                locked.tree,
                known=self._tree,
                guard=self.guard,
                origin=self.signer.name,
                connection=self.session.connection,
            )
            plan = plan_batch(
                candidates,
                tree=tree,
                time=self.clock.now(),
                state=locked.state,
                heads=locked.heads,
                touches=locked.touches,
            )
            if not plan.entries:
                await self.session.roll_back()
                self._tree = tree
                _answer_errors(batch, plan)
                return
            growth = grow(plan)
        except BaseException:
            await self.session.roll_back()
            raise
        await self._commit(batch, plan=plan, growth=growth)

    async def _lock(self, candidates: Sequence[Candidate], *, now: int) -> Locked:
        try:
            return await self.session.lock(candidates, now=now)
        except psycopg.OperationalError as error:
            # After a restart of the server the connection is lost, which shows only when it is used.
            if _refused_by_server(error):
                raise
            raise _NothingWritten from error

    async def _commit(self, batch: Sequence[_Waiting], *, plan: Plan, growth: Growth) -> None:
        self._tree = None
        try:
            await self._commit_or_read_back(plan, growth)
        except BaseException:
            await self.session.roll_back()
            raise
        self._tree = growth.tree
        checkpoint = Checkpoint(origin=self.signer.name, size=growth.tree.size, root_hash=growth.extension.root_hash)
        note = str(sign_checkpoint(checkpoint, self.signer))
        self._committed.append(_Committed(waiting=batch, plan=plan, growth=growth, checkpoint=checkpoint, note=note))
        self._durable.set()

    async def _commit_or_read_back(self, plan: Plan, growth: Growth) -> None:
        """Commit; where the answer is lost, find out.

        Raises:
            psycopg.Error: The server refused; nothing was written.
            UnavailableError: It could not be found out.
        """
        try:
            await self.session.commit(plan, growth)
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError) as error:
            # One that goes down (FATAL, PANIC) may say so after the commit.
            if _refused_by_server(error):
                raise
        else:
            return
        await self.session.close()
        first = plan.entries[0].text.decode()
        found = await self._read_back(plan.tree.size)
        if found != first:
            raise _NothingWritten

    async def _read_back(self, index: int) -> str | None:
        """Return what stands at an index. An entry is unique: it holds a commitment or a random pad.

        Raises:
            UnavailableError: The database does not come back in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READ_BACK_SECONDS_MAX
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    await self.session.open()
                    return await self.session.find_entry(index)
            except (psycopg.Error, UnavailableError, OSError, TimeoutError):
                await self.session.close()
                if loop.time() >= deadline:
                    text = "the database went away while committing; ask again whether it was written"
                    raise UnavailableError(text, code="hub.outcome.unknown") from None
            await asyncio.sleep(READ_BACK_PAUSE_SECONDS)

    def _number_bodies(self, batch: Sequence[_Waiting]) -> None:
        for waiting in batch:
            candidate = waiting.candidate
            if candidate.body is None and isinstance(candidate.member.change, SubmissionAccepted):
                waiting.candidate = replace(candidate, body=self.session.next_body())

    # ---- publishing ----

    async def _publish_all(self) -> None:
        while True:
            await self._durable.wait()
            self._durable.clear()
            committed, self._committed = self._committed, []
            if committed:
                await self._publish(committed)
            elif self._closing:
                return
            if self._closing:
                self._durable.set()

    async def _publish(self, committed: Sequence[_Committed]) -> None:
        newest = committed[-1]
        try:
            await self.guard.advance(newest.checkpoint, newest.note)
        except EvidenceError as error:
            self.contradicted(error)
            _refuse([waiting for each in committed for waiting in each.waiting], error)
        except Exception as error:  # noqa: BLE001  what is durable stays so; who waits must ask again
            _refuse([waiting for each in committed for waiting in each.waiting], _as_unavailable(error))
        else:
            self._now_published(newest.checkpoint, newest.note)
            for each in committed:
                _answer(each)

    def _now_published(self, checkpoint: Checkpoint, note: str) -> tuple[Checkpoint, str]:
        if self._published is None or self._published[0].size < checkpoint.size:
            self._published = (checkpoint, note)
        return self._published


def _answer(committed: _Committed) -> None:
    """Give every member of a batch its entry and proof, or its error."""
    plan, first = committed.plan, committed.plan.tree.size
    _answer_errors(committed.waiting, plan)
    encode = lru_cache(maxsize=4 * len(committed.waiting))(b64)
    for waiting, outcome in zip(committed.waiting, plan.outcomes, strict=True):
        if isinstance(outcome, int) and not waiting.answer.done():
            path = committed.growth.extension.paths[outcome - first]
            proof = proof_text(index=outcome, path=path, checkpoint=committed.note, encode=encode)
            entry = plan.entries[outcome - first].text.decode()
            waiting.answer.set_result(Appended(index=outcome, entry=entry, tlog_proof=proof))


def _answer_errors(batch: Sequence[_Waiting], plan: Plan) -> None:
    for waiting, outcome in zip(batch, plan.outcomes, strict=True):
        if isinstance(outcome, Exception):
            _refuse([waiting], outcome)


def _refuse(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
            # Whoever went away takes no answer; that is no unhandled error.
            waiting.answer.add_done_callback(_seen)


def _seen(answer: "asyncio.Future[Appended]") -> None:
    answer.exception()


def _as_unavailable(error: Exception) -> ExchangeError:
    if isinstance(error, ExchangeError):
        return error
    return UnavailableError("the proof could not be given out; ask again", detail=type(error).__name__)


def _refused_by_server(error: BaseException) -> bool:
    """Tell whether a server that goes on said ERROR: then the transaction is rolled back."""
    return isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized == "ERROR"


def _named(error: Exception) -> str:
    """Name an error without its text, which may quote values."""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} {state}" if state else type(error).__name__
