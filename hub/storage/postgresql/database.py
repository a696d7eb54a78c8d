"""Opening a database: log and store of one hub process.

    async with open_database(conninfo, signer=signer, guard_folder=folder, clock=clock, pool_max=10) as database:
        await database.log.append(member)
        await database.store.message(message_id)

The database must have been migrated (`hub.storage.postgresql.migrate`).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from audit.note import NoteSigner
from hub.storage.guard import open_guard
from hub.storage.postgresql.catalogues import PostgreSQLCatalogues
from hub.storage.postgresql.clocks import CLOCK_CODE, ComparedClock
from hub.storage.postgresql.connection import connect, open_pool, read
from hub.storage.postgresql.log import PostgreSQLLog
from hub.storage.postgresql.migrate import check_migrated
from hub.storage.postgresql.persons import PostgreSQLAttention, PostgreSQLPersons
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.sequencer import Sequencer
from hub.storage.postgresql.session import Session
from hub.storage.postgresql.store import PostgreSQLStore
from schemas.clock import Clock
from schemas.errors import EvidenceError, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The drivers of one process.

    Attributes:
        log: The port `Log`.
        store: The port `Store`.
        persons: The port `Persons`.
        attention: The port `Attention`.
        catalogues: The port `Catalogues`.
    """

    log: PostgreSQLLog
    store: PostgreSQLStore
    persons: PostgreSQLPersons
    attention: PostgreSQLAttention
    catalogues: PostgreSQLCatalogues

    async def answers(self) -> bool:
        """Tell whether the database answers and the log goes on: for `/readyz`.

        Raises:
            UnavailableError: It answers, and its clock contradicts ours.
            EvidenceError: The log contradicts itself.
        """
        await self.log.size()
        try:
            await self.log.check_clock()
        except UnavailableError as error:
            if error.code == CLOCK_CODE:
                raise
            return False
        except EvidenceError:
            raise
        except Exception:  # noqa: BLE001  whatever it is, the answer is no
            return False
        return True


@contextlib.asynccontextmanager
async def open_database(
    conninfo: str,
    *,
    signer: NoteSigner,
    guard_folder: Path,
    clock: Clock,
    pool_max: int = 10,
    clock_of_this_world: bool = True,
) -> AsyncIterator[Database]:
    """Open the database, check the log against the guard, and start the sequencer.

    Args:
        conninfo: libpq connection string or URL.
        signer: The log's key, named after its origin.
        guard_folder: Folder of the rollback guards.
        clock: Gives the time of entries.
        pool_max: Connections for reading; appending has one of its own.
        clock_of_this_world: Whether the clock is held against the database's; not one that stands still.

    Raises:
        UnavailableError: The database cannot be reached.
        MigrationError: The database does not fit this software.
        EvidenceError: The log in it does not continue what was published.
    """
    await asyncio.to_thread(check_migrated, conninfo)
    with open_guard(guard_folder, key=signer.public) as guard:
        session = Session(lambda: connect(conninfo))
        compared = ComparedClock(clock=clock, of_this_world=clock_of_this_world)
        sequencer = Sequencer(session=session, signer=signer, guard=guard, clock=compared)
        async with open_pool(conninfo, size_max=pool_max) as pool:
            if guard.checkpoint is None and not guard.others:
                # Only a hub that never let anything out may begin a log: an empty table beside a guard is a loss.
                create = (queries.create_tree, {"origin": signer.name})
                await read(pool, lambda connection: connection.run([create]))
            log = PostgreSQLLog(pool=pool, sequencer=sequencer)
            async with sequencer.running():
                await log.checkpoint()
                yield Database(
                    log=log,
                    store=PostgreSQLStore(pool=pool),
                    persons=PostgreSQLPersons(pool=pool),
                    attention=PostgreSQLAttention(pool=pool),
                    catalogues=PostgreSQLCatalogues(pool=pool),
                )
