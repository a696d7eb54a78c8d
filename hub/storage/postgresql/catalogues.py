"""The port `Catalogues` over PostgreSQL."""

from dataclasses import dataclass

from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from audit.entries import parse_entry
from hub.catalogues import BoardRecord, CatalogueLife, Catalogues, EnactedRecord, StepRecord
from hub.storage.postgresql.connection import HubConnection, read
from hub.storage.postgresql.queries import queries
from schemas.identifiers import MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLCatalogues(Catalogues):
    """Reads what was done about the catalogue.

    Attributes:
        pool: Connections of this process.
    """

    pool: AsyncConnectionPool[HubConnection]

    async def life(self, *, enacted: int, proposals: int) -> CatalogueLife:
        """See `hub.catalogues.Catalogues.life`."""
        return await read(self.pool, lambda connection: _life(connection, enacted=enacted, proposals=proposals))

    async def boards(self) -> tuple[BoardRecord, ...]:
        """See `hub.catalogues.Catalogues.boards`."""
        (found,) = await read(self.pool, lambda connection: connection.run([(queries.boards, {})]))
        return tuple(map(_board_from_row, found.rows))

    async def step(self, step_id: MessageId) -> StepRecord | None:
        """See `hub.catalogues.Catalogues.step`."""
        call = (queries.catalogue_step, {"id": step_id.value})
        (found,) = await read(self.pool, lambda connection: connection.run([call]))
        return next(map(_step_from_row, found.rows), None)

    async def document(self, digest: str) -> bytes | None:
        """See `hub.catalogues.Catalogues.document`."""
        call = (queries.document, {"digest": digest})
        (found,) = await read(self.pool, lambda connection: connection.run([call]))
        return bytes(found.rows[0][0]) if found.rows else None


async def _life(connection: HubConnection, *, enacted: int, proposals: int) -> CatalogueLife:
    # What came into force is read first: a step that is read after it can be newer, never older than it needs to be.
    boards, newest, beginning = await connection.run(
        [(queries.boards, {}), (queries.catalogues_enacted, {"limit": enacted}), (queries.continuation, {})]
    )
    found = tuple(EnactedRecord(index=index, entry=entry) for index, entry in reversed(newest.rows))
    named = [entry.request for each in found if (entry := parse_entry(each.entry.encode())).request is not None]
    (steps,) = await connection.run([(queries.catalogue_steps, {"limit": proposals, "enacted": named})])
    return CatalogueLife(
        boards=tuple(map(_board_from_row, boards.rows)),
        enacted=found,
        steps=tuple(map(_step_from_row, steps.rows)),
        began=next((parse_entry(entry.encode()).time // 1000 for (entry,) in beginning.rows), 0),
    )


def _board_from_row(row: TupleRow) -> BoardRecord:
    board_id, index, entry, token = row
    return BoardRecord(id=MessageId(board_id), index=index, entry=entry, token=token)


def _step_from_row(row: TupleRow) -> StepRecord:
    step_id, index, entry, proposal, token = row
    return StepRecord(id=MessageId(step_id), index=index, entry=entry, proposal=MessageId(proposal), token=token)
