"""The port `Store` over PostgreSQL: one statement for each question, each a transaction of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from hub.ports import (
    ChainEpochRecord,
    ChainKeyHandover,
    DisclosureRecord,
    InboxItem,
    MessageState,
    ParticipantRecord,
    Shown,
    Store,
    StoredDisclosure,
    StoredMessage,
    StoredReceipt,
)
from hub.storage.postgresql.arrays import text_array
from hub.storage.postgresql.connection import Connection, reading
from hub.storage.postgresql.queries import queries
from schemas.codes import EntryKind
from schemas.errors import EvidenceError
from schemas.identifiers import OIN, CaseId, MessageId, Thumbprint


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLStore(Store):
    """Reads what the log's changes wrote.

    Attributes:
        pool: Connections of this process.
    """

    pool: AsyncConnectionPool[Connection]

    async def message(self, message_id: MessageId) -> StoredMessage | None:
        """See `hub.ports.Store.message`."""
        return (await self.messages([message_id])).get(message_id)

    async def messages(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """See `hub.ports.Store.messages`."""
        async with reading(self.pool) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            found = await _stored(await cursor.execute(queries.messages_by_id, _ids(message_ids)))
        return {message.id: message for message in found}

    async def elements(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, Mapping[int, bytes]]:
        """See `hub.ports.Store.elements`."""
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.ciphertexts, _ids(message_ids), binary=True)
            rows = await cursor.fetchall()
        return {
            MessageId(message_id): _cut(numbers, lengths=lengths, data=data)
            for message_id, numbers, lengths, data in rows
        }

    async def inbox(self, recipient: OIN, *, after: int, limit: int, at: int) -> tuple[InboxItem, ...]:
        """See `hub.ports.Store.inbox`."""
        parameters = {"recipient": recipient.value, "after": after, "limit": limit, "at": at}
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.inbox, parameters)
            rows = await cursor.fetchall()
        return tuple(
            InboxItem(
                index=index,
                id=MessageId(message_id),
                type=message_type,
                sender=OIN(sender),
                elements_bytes=elements_bytes,
                pickup_by=pickup_by,
            )
            for index, message_id, message_type, sender, elements_bytes, pickup_by in rows
        )

    async def expired(self, *, at: int, limit: int) -> tuple[StoredMessage, ...]:
        """See `hub.ports.Store.expired`."""
        async with reading(self.pool) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return await _stored(await cursor.execute(queries.messages_expired, {"at": at, "limit": limit}))

    async def uncollected(self, *, accepted_before: int, limit: int) -> tuple[StoredMessage, ...]:
        """See `hub.ports.Store.uncollected`."""
        parameters = {"accepted_before": accepted_before, "limit": limit}
        async with reading(self.pool) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return await _stored(await cursor.execute(queries.messages_uncollected, parameters))

    async def participants(self, *, after: int) -> tuple[ParticipantRecord, ...]:
        """See `hub.ports.Store.participants`."""
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.participants_after, {"after": after})
            rows = await cursor.fetchall()
        return tuple(
            ParticipantRecord(
                index=index, entry=entry, oin=OIN(oin), admission=admission, statement=statement, replaced=replaced
            )
            for index, entry, oin, admission, statement, replaced in rows
        )

    async def chain_epochs(self) -> tuple[ChainEpochRecord, ...]:
        """See `hub.ports.Store.chain_epochs`."""
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.chain_epochs)
            rows = await cursor.fetchall()
        return tuple(
            ChainEpochRecord(index=index, entry=entry, epoch=epoch, signed=signed)
            for index, entry, epoch, signed in rows
        )

    async def store_handover(self, handover: ChainKeyHandover) -> bool:
        """See `hub.ports.Store.store_handover`."""
        parameters = {
            "id": handover.id.value,
            "giver": handover.giver.value,
            "receiver": handover.receiver.value,
            "epoch": handover.epoch,
            "handover": handover.handover,
        }
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.store_handover, parameters)
            return cursor.rowcount == 1

    async def handovers(self, receiver: OIN) -> tuple[ChainKeyHandover, ...]:
        """See `hub.ports.Store.handovers`."""
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.handovers, {"receiver": receiver.value})
            rows = await cursor.fetchall()
        return tuple(
            ChainKeyHandover(
                id=MessageId(handover_id), giver=OIN(giver), receiver=OIN(to), epoch=epoch, handover=handover
            )
            for handover_id, giver, to, epoch, handover in rows
        )

    async def records(
        self, party: OIN, *, after: int, limit: int, message_id: MessageId | None
    ) -> tuple[DisclosureRecord, ...]:
        """See `hub.ports.Store.records`."""
        parameters: dict[str, object] = {"party": party.value, "after": after, "limit": limit}
        statement = queries.records
        if message_id is not None:
            statement = queries.records_of_message
            parameters["id"] = message_id.value
        async with reading(self.pool) as connection:
            cursor = await connection.execute(statement, parameters)
            rows = await cursor.fetchall()
        return tuple(
            DisclosureRecord(index=index, kind=EntryKind(kind), entry=entry, shown=_shown(text, salt))
            for index, kind, entry, text, salt in rows
        )

    async def use_once(self, *, issuer: str, identifier: str, until: int) -> bool:
        """See `hub.ports.Store.use_once`."""
        parameters = {"issuer": issuer, "identifier": identifier, "until": until}
        async with reading(self.pool) as connection:
            cursor = await connection.execute(queries.use_once, parameters)
            return cursor.rowcount == 1

    async def forget_past(self, *, at: int, limit: int) -> int:
        """See `hub.ports.Store.forget_past`."""
        forgotten = 0
        async with reading(self.pool) as connection:
            for statement in (queries.forget_refused, queries.forget_identifiers):
                cursor = await connection.execute(statement, {"at": at, "limit": limit})
                forgotten += cursor.rowcount
        return forgotten


def _ids(message_ids: Sequence[MessageId]) -> dict[str, object]:
    return {"ids": text_array(message_id.value for message_id in message_ids)}


def _cut(numbers: Sequence[int], *, lengths: Sequence[int], data: bytes) -> dict[int, bytes]:
    """Cut the ciphertexts of a message apart."""
    ends = accumulate(lengths, initial=0)
    return {number: data[start:end] for number, (start, end) in zip(numbers, pairwise(ends), strict=True)}


def _shown(text: str | None, salt: bytes | None) -> Shown | None:
    """Read a record; None where there was none, or it was erased."""
    return None if text is None or salt is None else Shown(text=text, salt=salt)


def _shown_still(text: str | None, salt: bytes | None) -> Shown:
    """Read the record of a message that is here.

    Raises:
        EvidenceError: It is gone, though the message is not.
    """
    shown = _shown(text, salt)
    if shown is None:
        raise EvidenceError("the record of a message is gone", code="hub.record.missing")
    return shown


async def _stored(cursor: AsyncCursor[DictRow]) -> tuple[StoredMessage, ...]:
    return tuple(_message_from_row(row) for row in await cursor.fetchall())


def _message_from_row(row: DictRow) -> StoredMessage:
    return StoredMessage(
        index=row["index"],
        id=MessageId(str(row["id"])),
        jws=row["jws"],
        sender=OIN(row["sender"]),
        recipient=OIN(row["recipient"]),
        type=row["type"],
        purpose=row["purpose"],
        case=CaseId(row["case_id"]),
        issued_at=row["issued_at"],
        pickup_by=row["pickup_by"],
        accepted_at=row["accepted_at"],
        sealing_kid=Thumbprint(row["sealing_kid"]),
        sealed_key=row["sealed_key"],
        hashes=row["hashes"],
        permitted=tuple(row["permitted"]),
        tags=tuple(row["tags"]),
        entry=row["entry"],
        shown=_shown_still(row["shown"], row["shown_salt"]),
        state=_state_of(row),
        disclosure=_disclosure_of(row),
        receipt=_receipt_of(row),
        elements_bytes=row["elements_bytes"],
    )


def _state_of(row: DictRow) -> MessageState:
    if row["receipt_index"] is not None:
        return MessageState.RECEIVED if row["accepted"] else MessageState.REFUSED
    if row["expiry_index"] is not None:
        return MessageState.EXPIRED
    return MessageState.RELEASED if row["disclosure_index"] is not None else MessageState.WAITING


def _disclosure_of(row: DictRow) -> StoredDisclosure | None:
    if row["disclosure_index"] is None:
        return None
    return StoredDisclosure(
        index=row["disclosure_index"],
        entry=row["disclosure_entry"],
        shown=_shown_still(row["disclosure_shown"], row["disclosure_salt"]),
        released=tuple(row["released"]),
        released_digest=row["released_digest"],
    )


def _receipt_of(row: DictRow) -> StoredReceipt | None:
    if row["receipt_index"] is None:
        return None
    return StoredReceipt(
        index=row["receipt_index"], entry=row["receipt_entry"], receipt=row["receipt"], accepted=row["accepted"]
    )
