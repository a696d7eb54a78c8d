"""Connections, how statements are run on them, and where the driver's exceptions end.

Every connection is in autocommit: statements that are run together are one transaction unless `begin` is among them.
The timeouts are the server's, so they hold also when this process hangs.

`HubConnection.run` sends any number of prepared statements at once and then reads their results: one round trip. It
uses the driver's libpq layer: for statements as small as ours the cursor layer costs more than the server does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hub.storage.postgresql.queries import Statement
from schemas.errors import UnavailableError

_T = TypeVar("_T")

LOCK_SECONDS_MAX: Final = 5
"""How long anybody waits for the tree's lock."""
STATEMENT_SECONDS_MAX: Final = 20
CONNECT_SECONDS_MAX: Final = 5
POOL_WAIT_SECONDS_MAX: Final = 5.0
ROUND_TRIP_SECONDS_MAX: Final = 30.0
"""How long this side waits for an answer: longer than every timeout of the server."""

Call: TypeAlias = tuple[Statement, Mapping[str, object]]
"""A statement and its parameters."""

_OPTIONS: Final = " ".join(
    f"-c {setting}"
    for setting in (
        f"lock_timeout={LOCK_SECONDS_MAX}s",
        f"idle_in_transaction_session_timeout={LOCK_SECONDS_MAX}s",
        f"statement_timeout={STATEMENT_SECONDS_MAX}s",
        "synchronous_commit=on",
        "timezone=UTC",
        "client_encoding=UTF8",
        # Our statements are few and planned once: planning them anew would cost more than running them. A plan made
        # while a table was empty must be right when it has ten million rows: so every row is found by an index.
        "plan_cache_mode=force_generic_plan",
        "enable_seqscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
        "jit=off",
    )
)
_ARGUMENTS: Final[dict[str, Any]] = {  # what libpq takes is strings and numbers
    "autocommit": True,
    "options": _OPTIONS,
    "connect_timeout": CONNECT_SECONDS_MAX,
    "application_name": "ketenhub",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "prepare_threshold": None,
}
_LATER_CLASSES: Final = ("08", "40", "53", "57", "58", "XX")
"""SQLSTATE classes that are nobody's mistake: connection, rollback, resources, intervention, system, internal."""
_LATER_STATES: Final = frozenset({"55P03", "25006", "25P03"})
"""Lock not had in time; a standby that only reads; idle too long in a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one statement gave.

    Attributes:
        rows: Its rows.
        names: Names of their columns.
        count: How many rows it touched.
    """

    rows: Sequence[TupleRow]
    names: tuple[str, ...]
    count: int


class HubConnection(AsyncConnection[TupleRow]):
    """A connection that runs prepared statements, any number in one round trip. For one task at a time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._known_statements: set[Statement] = set()
        self._loader = Transformer(self)

    async def prepare(self, statements: Sequence[Statement]) -> None:
        """Have the server parse statements, once each. Not within a transaction.

        Raises:
            psycopg.Error: The server refused, or is gone.
        """
        new = [statement for statement in dict.fromkeys(statements) if statement not in self._known_statements]
        if new:
            with self._queueing():
                for statement in new:
                    self.pgconn.send_prepare(statement.name, statement.text, statement.oids)
            _raise_first(await self._finish_pipeline(len(new)))
            self._known_statements.update(new)

    async def run(self, calls: Sequence[Call]) -> list[Result]:
        """Run statements in their order, in one round trip. The first that fails ends them all.

        A statement must have been prepared, or is now: that takes a round trip more, and no transaction may be open.
        Cancelling it loses the connection: nobody can tell what the server has done.

        Raises:
            psycopg.Error: The server refused one, or is gone.
        """
        await self.prepare([statement for statement, _ in calls])
        encoded = [(statement, statement.encode(values)) for statement, values in calls]
        with self._queueing():
            for statement, parameters in encoded:
                formats = [Format.BINARY] * len(parameters)
                self.pgconn.send_query_prepared(statement.name, parameters, formats, Format.BINARY)
        results = await self._finish_pipeline(len(encoded))
        _raise_first(results)
        return [self._result(result) for result in results]

    @contextlib.contextmanager
    def _queueing(self) -> Iterator[None]:
        """Queue statements; a connection with half of them queued is of no use to anybody."""
        self.pgconn.enter_pipeline_mode()
        try:
            yield
        except BaseException:
            self.pgconn.finish()
            raise

    async def _finish_pipeline(self, count: int) -> list[PGresult]:
        """Send what is queued, wait for all results, and leave the pipeline."""
        self.pgconn.pipeline_sync()
        try:
            async with asyncio.timeout(ROUND_TRIP_SECONDS_MAX):
                results = await self._communicate()
        except BaseException:
            self.pgconn.finish()
            raise
        self.pgconn.exit_pipeline_mode()
        assert len(results) == count
        return results

    async def _communicate(self) -> list[PGresult]:
        """Write and read until the server has answered the sync; reading meanwhile, or both sides could wait."""
        loop, socket, ready = asyncio.get_running_loop(), self.pgconn.socket, asyncio.Event()
        results: list[PGresult] = []
        loop.add_reader(socket, ready.set)
        try:
            unsent = self.pgconn.flush()
            if unsent:
                loop.add_writer(socket, ready.set)
            while True:
                await ready.wait()
                ready.clear()
                self.pgconn.consume_input()
                if unsent and not (unsent := self.pgconn.flush()):
                    loop.remove_writer(socket)
                if self._collect(results):
                    return results
        finally:
            loop.remove_reader(socket)
            loop.remove_writer(socket)

    def _collect(self, results: list[PGresult]) -> bool:
        """Take the results that are here; tell whether the sync is among them."""
        while not self.pgconn.is_busy():
            result = self.pgconn.get_result()
            if result is None:
                continue  # the end of one statement's results
            if result.status == ExecStatus.PIPELINE_SYNC:
                return True
            results.append(result)
            if result.status == ExecStatus.FATAL_ERROR and self.pgconn.transaction_status == _UNKNOWN:
                raise error_from_result(result)  # the connection went with it: no sync will come
        return False

    def _result(self, result: PGresult) -> Result:
        names = tuple((result.fname(number) or b"").decode() for number in range(result.nfields))
        rows: Sequence[TupleRow] = ()
        if result.ntuples:
            self._loader.set_pgresult(result)
            rows = self._loader.load_rows(0, result.ntuples, tuple)
        return Result(rows=rows, names=names, count=result.command_tuples or 0)


_UNKNOWN: Final = psycopg.pq.TransactionStatus.UNKNOWN


async def connect(conninfo: str) -> HubConnection:
    """Open a connection.

    Raises:
        psycopg.OperationalError: The database cannot be reached.
    """
    return await HubConnection.connect(conninfo, **_ARGUMENTS)


@contextlib.asynccontextmanager
async def open_pool(conninfo: str, *, size_max: int) -> AsyncIterator["AsyncConnectionPool[HubConnection]"]:
    """Open the pool for those who read. The database may be gone: then reading says so."""
    pool: AsyncConnectionPool[HubConnection] = AsyncConnectionPool(
        conninfo,
        connection_class=HubConnection,
        kwargs=_ARGUMENTS,
        min_size=1,
        max_size=size_max,
        timeout=POOL_WAIT_SECONDS_MAX,
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close()


async def read(
    pool: "AsyncConnectionPool[HubConnection]",
    question: Callable[[HubConnection], Awaitable[_T]],
    *,
    again: bool = True,
) -> _T:
    """Ask something over a connection of the pool.

    Args:
        pool: Connections of this process.
        question: Asks; it may be called twice.
        again: Whether to ask again if the connection was lost: after a restart of the server every idle one is. False
            for what must not happen twice.

    Raises:
        UnavailableError: There is no connection, or the database went away.
        RuntimeError: Our own mistake.
    """
    with translated():
        try:
            async with pool.connection() as connection:
                return await question(connection)
        except psycopg.OperationalError as error:
            # A server that answers with an ERROR is there, and would say the same again.
            if not again or error.diag.severity_nonlocalized == "ERROR":
                raise
        await pool.check()
        async with pool.connection() as connection:
            return await question(connection)


def is_for_later(error: BaseException) -> bool:
    """Tell whether an error is about the database's state and not about what was asked of it."""
    if isinstance(error, (PoolTimeout, OSError, TimeoutError)):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if not state:
        # Without a state it comes from the client library: the connection is lost.
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state[:2] in _LATER_CLASSES or state in _LATER_STATES


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's exceptions into ours.

    Raises:
        UnavailableError: The same may succeed later.
        RuntimeError: Our own mistake. It names the state only: the driver's text may quote values.
    """
    try:
        yield
    except (psycopg.Error, PoolTimeout, OSError) as error:
        state = getattr(error, "sqlstate", None) or type(error).__name__
        if is_for_later(error):
            raise UnavailableError("the database could not be reached or was too slow", detail=state) from None
        raise RuntimeError(f"the database refused a statement: {state}") from None


def _raise_first(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
