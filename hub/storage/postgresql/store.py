"""The port `Store` over PostgreSQL: one statement for each question, each a transaction of its own.

Messages that are asked for while others are read are read together: one round trip for many requests.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from psycopg_pool import AsyncConnectionPool

from hub.changes import Shown
from hub.enforcement import Enforcement, Pass, Proved, Stop
from hub.ports import (
    ChainEpochRecord,
    ChainKeyHandover,
    DisclosureRecord,
    InboxItem,
    MessageState,
    ParticipantRecord,
    Store,
    StoredDisclosure,
    StoredMessage,
    StoredReceipt,
    Uncollected,
)
from hub.storage.postgresql.connection import HubConnection, Result, read
from hub.storage.postgresql.gathering import Gathering, Row
from hub.storage.postgresql.person_writes import MS
from hub.storage.postgresql.queries import Statement, queries
from schemas.codes import EntryKind
from schemas.identifiers import OIN, CaseId, MessageId, SubjectTag, Thumbprint

_ALL: Final = 2**31 - 1
"""More rows than any table of participants has."""

SMALL_BYTES_MAX: Final = 64 * 1024
"""Ciphertexts up to this are read with their message: together they are a fraction of what one answer may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLStore(Store):
    """Reads what the log's changes wrote.

    Attributes:
        pool: Connections of this process.
    """

    pool: AsyncConnectionPool[HubConnection]
    _messages: Gathering = field(init=False, repr=False, compare=False)
    _messages_to_release: Gathering = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_messages", Gathering(read=self._read_messages))
        object.__setattr__(self, "_messages_to_release", Gathering(read=self._read_messages_to_release))

    async def message(self, message_id: MessageId) -> StoredMessage | None:
        """See `hub.ports.Store.message`."""
        return (await self.messages([message_id])).get(message_id)

    async def messages(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """See `hub.ports.Store.messages`."""
        return await self._gathered(self._messages, message_ids)

    async def messages_to_release(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, StoredMessage]:
        """See `hub.ports.Store.messages_to_release`."""
        return await self._gathered(self._messages_to_release, message_ids)

    async def _gathered(
        self, gathering: Gathering, message_ids: Sequence[MessageId]
    ) -> Mapping[MessageId, StoredMessage]:
        rows = await gathering.rows([message_id.value for message_id in message_ids])
        return {
            message_id: _message_from_row(rows[message_id.value])
            for message_id in message_ids
            if message_id.value in rows
        }

    async def _read_messages(self, ids: Sequence[str]) -> Mapping[str, Row]:
        return _by_id(await self._ask(queries.messages_by_id, {"ids": ids}))

    async def _read_messages_to_release(self, ids: Sequence[str]) -> Mapping[str, Row]:
        return _by_id(await self._ask(queries.messages_to_release, {"ids": ids, "small": SMALL_BYTES_MAX}))

    async def elements(self, message_ids: Sequence[MessageId]) -> Mapping[MessageId, Mapping[int, bytes]]:
        """See `hub.ports.Store.elements`."""
        rows = (await self._ask(queries.ciphertexts, _ids(message_ids))).rows
        return {
            MessageId(message_id): _cut(numbers, lengths=lengths, data=data)
            for message_id, numbers, lengths, data in rows
        }

    async def inbox(self, recipient: OIN, *, after: int, limit: int, at: int) -> tuple[InboxItem, ...]:
        """See `hub.ports.Store.inbox`."""
        parameters = {"recipient": recipient.value, "after": after, "limit": limit, "at": at}
        rows = (await self._ask(queries.inbox, parameters)).rows
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
        return _stored(await self._ask(queries.messages_expired, {"at": at, "limit": limit}))

    async def uncollected(self, *, accepted_before: int, limit: int) -> tuple[Uncollected, ...]:
        """See `hub.ports.Store.uncollected`."""
        parameters = {"accepted_before": accepted_before, "limit": limit}
        rows = (await self._ask(queries.messages_uncollected, parameters)).rows
        return tuple(
            Uncollected(
                index=index,
                id=MessageId(message_id),
                sender=OIN(sender),
                recipient=OIN(recipient),
                accepted_at=accepted_at,
            )
            for index, message_id, sender, recipient, accepted_at in rows
        )

    async def participants(
        self, *, after: int, limit: int | None = None, oin: OIN | None = None
    ) -> tuple[ParticipantRecord, ...]:
        """See `hub.ports.Store.participants`."""
        parameters = {"after": after, "limit": limit or _ALL, "oin": oin.value if oin else ""}
        rows = (await self._ask(queries.participants_after, parameters)).rows
        return tuple(
            ParticipantRecord(
                index=index, entry=entry, oin=OIN(oin), admission=admission, statement=statement, replaced=replaced
            )
            for index, entry, oin, admission, statement, replaced in rows
        )

    async def enforcement(self) -> Enforcement:
        """See `hub.ports.Store.enforcement`."""
        stops, refusals = await asyncio.gather(self.stops(limit=1), self._ask(queries.canary_refusals, {}))
        lasting = next((each for each in stops if each.resumed is None), None)
        passes = (await self._ask(queries.canary_passes, {})).rows if lasting is not None else ()
        return Enforcement(
            stop=lasting,
            proved=tuple(
                Proved(reason=reason, times=times, index=index, at=time // MS)
                for reason, times, index, time in refusals.rows
            ),
            passed=tuple(
                Pass(form=form, canary=OIN(canary), purpose=purpose, type=kind)
                for form, canary, purpose, kind in passes
            ),
        )

    async def remember_pass(self, passed: Pass) -> None:
        """See `hub.ports.Store.remember_pass`."""
        parameters = {
            "forms": [passed.form],
            "canaries": [passed.canary.value],
            "purposes": [passed.purpose],
            "types": [passed.type],
        }
        await self._ask(queries.remember_passes, parameters)

    async def stops(self, *, limit: int) -> tuple[Stop, ...]:
        """See `hub.ports.Store.stops`."""
        rows = (await self._ask(queries.stops, {"limit": limit})).rows
        return tuple(
            Stop(
                index=index,
                canary=OIN(canary),
                at=time // MS,
                form=form,
                resumed=resumed,
                resumed_at=None if resumed_time is None else resumed_time // MS,
                record=written,
            )
            for index, canary, time, form, resumed, resumed_time, written in rows
        )

    async def chain_epochs(self) -> tuple[ChainEpochRecord, ...]:
        """See `hub.ports.Store.chain_epochs`."""
        rows = (await self._ask(queries.chain_epochs)).rows
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
        return (await self._ask(queries.store_handover, parameters, again=False)).count == 1

    async def handovers(self, receiver: OIN) -> tuple[ChainKeyHandover, ...]:
        """See `hub.ports.Store.handovers`."""
        rows = (await self._ask(queries.handovers, {"receiver": receiver.value})).rows
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
        return _disclosure_records(await self._ask(statement, parameters))

    async def records_about(
        self, sender: OIN, tags: Sequence[SubjectTag], *, after: int, limit: int
    ) -> tuple[DisclosureRecord, ...]:
        """See `hub.ports.Store.records_about`."""
        parameters = {"sender": sender.value, "tags": [tag.value for tag in tags], "after": after, "limit": limit}
        return _disclosure_records(await self._ask(queries.records_about, parameters))

    async def use_once(self, *, issuer: str, identifier: str, until: int) -> bool:
        """See `hub.ports.Store.use_once`."""
        parameters = {"issuer": issuer, "identifier": identifier, "until": until}
        return (await self._ask(queries.use_once, parameters, again=False)).count == 1

    async def forget_past(self, *, at: int, limit: int) -> int:
        """See `hub.ports.Store.forget_past`."""
        parameters = {"at": at, "limit": limit}
        refused = await self._ask(queries.forget_refused, parameters)
        identifiers = await self._ask(queries.forget_identifiers, parameters)
        return refused.count + identifiers.count

    async def _ask(
        self, statement: Statement, parameters: Mapping[str, object] | None = None, *, again: bool = True
    ) -> Result:
        (result,) = await read(
            self.pool, lambda connection: connection.run([(statement, parameters or {})]), again=again
        )
        return result


def _disclosure_records(result: Result) -> tuple[DisclosureRecord, ...]:
    return tuple(
        DisclosureRecord(index=index, kind=EntryKind(kind), entry=entry, shown=_shown(text, salt))
        for index, kind, entry, text, salt in result.rows
    )


def _ids(message_ids: Sequence[MessageId]) -> dict[str, object]:
    return {"ids": [message_id.value for message_id in message_ids]}


def _cut(numbers: Sequence[int], *, lengths: Sequence[int], data: bytes) -> dict[int, bytes]:
    """Cut the ciphertexts of a message apart."""
    ends = accumulate(lengths, initial=0)
    return {number: data[start:end] for number, (start, end) in zip(numbers, pairwise(ends), strict=True)}


def _shown(text: str | None, salt: bytes | None) -> Shown | None:
    """Read a record; None where there was none, or it was erased."""
    return None if text is None or salt is None else Shown(text=text, salt=salt)


def _shown_or_nothing(text: str | None, salt: bytes | None) -> Shown:
    """Read the record of a message that is here; an erased one is empty, and concerns that message alone."""
    return _shown(text, salt) or Shown(text="", salt=b"")


def _rows(result: Result) -> Iterator[Row]:
    return (dict(zip(result.names, row, strict=True)) for row in result.rows)


def _by_id(result: Result) -> Mapping[str, Row]:
    return {str(row["id"]): row for row in _rows(result)}


def _stored(result: Result) -> tuple[StoredMessage, ...]:
    return tuple(map(_message_from_row, _rows(result)))


def _message_from_row(row: Row) -> StoredMessage:
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
        shown=_shown_or_nothing(row["shown"], row["shown_salt"]),
        state=_state_of(row),
        disclosure=_disclosure_of(row),
        receipt=_receipt_of(row),
        elements_bytes=row["elements_bytes"],
        elements=_elements_of(row),
    )


def _elements_of(row: Row) -> Mapping[int, bytes] | None:
    if row.get("data") is None:
        return None
    return _cut(row["numbers"], lengths=row["lengths"], data=row["data"])


def _state_of(row: Row) -> MessageState:
    if row["receipt_index"] is not None:
        return MessageState.RECEIVED if row["accepted"] else MessageState.REFUSED
    if row["expiry_index"] is not None:
        return MessageState.EXPIRED
    if row["recall_index"] is not None:
        return MessageState.RECALLED
    return MessageState.RELEASED if row["disclosure_index"] is not None else MessageState.WAITING


def _disclosure_of(row: Row) -> StoredDisclosure | None:
    if row["disclosure_index"] is None:
        return None
    return StoredDisclosure(
        index=row["disclosure_index"],
        entry=row["disclosure_entry"],
        shown=_shown_or_nothing(row["disclosure_shown"], row["disclosure_salt"]),
        released=tuple(row["released"]),
        released_digest=row["released_digest"],
    )


def _receipt_of(row: Row) -> StoredReceipt | None:
    if row["receipt_index"] is None:
        return None
    return StoredReceipt(
        index=row["receipt_index"], entry=row["receipt_entry"], receipt=row["receipt"], accepted=row["accepted"]
    )
