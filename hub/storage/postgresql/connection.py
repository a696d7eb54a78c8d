"""Connections, and where the driver's exceptions end.

Every connection is in autocommit: a statement is a transaction of its own unless `BEGIN` says otherwise. The timeouts
are the server's, so they hold also when this process hangs.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hub.storage.postgresql.arrays import register_arrays
from schemas.errors import UnavailableError

Connection: TypeAlias = AsyncConnection[TupleRow]

LOCK_SECONDS_MAX: Final = 5
"""How long anybody waits for the tree's lock."""
STATEMENT_SECONDS_MAX: Final = 20
CONNECT_SECONDS_MAX: Final = 5
POOL_WAIT_SECONDS_MAX: Final = 5.0

_OPTIONS: Final = " ".join(
    f"-c {setting}"
    for setting in (
        f"lock_timeout={LOCK_SECONDS_MAX}s",
        f"idle_in_transaction_session_timeout={LOCK_SECONDS_MAX}s",
        f"statement_timeout={STATEMENT_SECONDS_MAX}s",
        "synchronous_commit=on",
        "timezone=UTC",
        "client_encoding=UTF8",
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
    "prepare_threshold": 2,
}
_LATER_CLASSES: Final = ("08", "40", "53", "57", "58", "XX")
"""SQLSTATE classes that are nobody's mistake: connection, rollback, resources, intervention, system, internal."""
_LATER_STATES: Final = frozenset({"55P03", "25006", "25P03"})
"""Lock not had in time; a standby that only reads; idle too long in a transaction."""


async def connect(conninfo: str) -> Connection:
    """Open a connection.

    Raises:
        UnavailableError: The database cannot be reached.
    """
    with translated():
        connection = await AsyncConnection.connect(conninfo, **_ARGUMENTS)
        register_arrays(connection)
        return connection


@contextlib.asynccontextmanager
async def open_pool(conninfo: str, *, size_max: int) -> AsyncIterator["AsyncConnectionPool[Connection]"]:
    """Open the pool for those who read. The database may be gone: then reading says so."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        conninfo,
        kwargs=_ARGUMENTS,
        min_size=1,
        max_size=size_max,
        timeout=POOL_WAIT_SECONDS_MAX,
        configure=_configure,
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield pool
    finally:
        await pool.close()


def is_for_later(error: BaseException) -> bool:
    """Tell whether an error is about the database's state and not about what was asked of it."""
    if isinstance(error, (PoolTimeout, OSError, TimeoutError)):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
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
        if is_for_later(error):
            state = getattr(error, "sqlstate", None) or type(error).__name__
            raise UnavailableError("the database could not be reached or was too slow", detail=state) from None
        state = getattr(error, "sqlstate", None)
        raise RuntimeError(f"the database refused a statement: SQLSTATE {state}") from None


@contextlib.asynccontextmanager
async def reading(pool: "AsyncConnectionPool[Connection]") -> AsyncIterator[Connection]:
    """Borrow a connection from the pool.

    Raises:
        UnavailableError: There is none, or the database went away.
        RuntimeError: Our own mistake.
    """
    with translated():
        async with pool.connection() as connection:
            yield connection


async def _configure(connection: Connection) -> None:
    register_arrays(connection)
