"""The ports `Persons` and `Attention` over PostgreSQL: one statement for each question, a transaction of its own."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg_pool import AsyncConnectionPool

from hub.attention import Attention, Notice, Recall, Reply, Review, ReviewAnswer
from hub.persons import Emergency, Person, PersonRecord, Persons
from hub.storage.postgresql.connection import HubConnection, Result, read
from hub.storage.postgresql.gathering import Row
from hub.storage.postgresql.queries import Statement, queries
from schemas.codes import EntryKind
from schemas.identifiers import OIN, MessageId, SubjectTag


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLPersons(Persons):
    """Reads what is stated about persons.

    Attributes:
        pool: Connections of this process.
    """

    pool: AsyncConnectionPool[HubConnection]

    async def of(self, tags: Sequence[SubjectTag]) -> Mapping[SubjectTag, Person]:
        """See `hub.persons.Persons.of`."""
        found = await _ask(self.pool, queries.persons, {"tags": _texts(tags)})
        linked: dict[str, set[SubjectTag]] = defaultdict(set)
        records: dict[str, list[PersonRecord]] = defaultdict(list)
        for row in _rows(found):
            linked[row["asked"]].add(SubjectTag(row["tag"]))
            if row["id"] is not None:
                records[row["asked"]].append(_record_from_row(row))
        return {
            tag: Person(tags=frozenset(linked[tag.value]), records=tuple(records.get(tag.value, ()))) for tag in tags
        }

    async def record(self, record_id: MessageId) -> PersonRecord | None:
        """See `hub.persons.Persons.record`."""
        found = await _ask(self.pool, queries.person_record, {"id": record_id.value})
        return next(map(_record_from_row, _rows(found)), None)

    async def is_party(self, oin: OIN, *, about: SubjectTag) -> bool:
        """See `hub.persons.Persons.is_party`."""
        found = await _ask(self.pool, queries.is_party_about, {"tag": about.value, "oin": oin.value})
        return bool(found.rows[0][0])

    async def emergencies(
        self, tags: Sequence[SubjectTag], *, gis: Sequence[OIN]
    ) -> Mapping[SubjectTag, tuple[Emergency, ...]]:
        """See `hub.persons.Persons.emergencies`."""
        parameters = {"tags": _texts(tags), "gis": [gi.value for gi in gis]}
        found: dict[str, list[Emergency]] = defaultdict(list)
        for asked, gi, index, accepted_at in (await _ask(self.pool, queries.emergencies, parameters)).rows:
            found[asked].append(Emergency(gi=OIN(gi), index=index, accepted_at=accepted_at))
        return {tag: tuple(found.get(tag.value, ())) for tag in tags}

    async def ever_released(self, message_id: MessageId) -> frozenset[int]:
        """See `hub.persons.Persons.ever_released`."""
        found = await _ask(self.pool, queries.ever_released, {"id": message_id.value})
        return frozenset(number for (released,) in found.rows for number in released)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLAttention(Attention):
    """Reads what somebody has to look at, and reminds.

    Attributes:
        pool: Connections of this process.
    """

    pool: AsyncConnectionPool[HubConnection]

    async def recall(self, message_id: MessageId) -> Recall | None:
        """See `hub.attention.Attention.recall`."""
        found = await _ask(self.pool, queries.recall_of, {"id": message_id.value})
        return next((Recall(index=index, entry=entry, token=token) for index, token, entry in found.rows), None)

    async def replies(self, message_id: MessageId) -> tuple[Reply, ...]:
        """See `hub.attention.Attention.replies`."""
        found = await _ask(self.pool, queries.replies_to, {"id": message_id.value})
        return tuple(Reply(id=MessageId(reply_id), index=index, type=kind) for reply_id, index, kind in found.rows)

    async def notices(self, recipient: OIN, *, after: int, limit: int) -> tuple[Notice, ...]:
        """See `hub.attention.Attention.notices`."""
        parameters = {"recipient": recipient.value, "after": after, "limit": limit}
        return tuple(
            Notice(
                number=number,
                kind=kind,
                message_id=MessageId(message_id) if message_id else None,
                record_id=MessageId(record_id) if record_id else None,
                index=index,
                at=at,
            )
            for number, kind, message_id, record_id, index, at in (
                await _ask(self.pool, queries.notices, parameters)
            ).rows
        )

    async def notified_by(self, index: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.notified_by`."""
        return _numbered(await _ask(self.pool, queries.notified_by, {"index": index}))

    async def remind(self, *, today: date, soon: date, at: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.remind`."""
        parameters = {"today": today.isoformat(), "soon": soon.isoformat(), "at": at}
        return _numbered(await _ask(self.pool, queries.remind_of_questions, parameters, again=False))

    async def notice_denied(self, message_ids: Sequence[MessageId], *, at: int) -> tuple[tuple[int, OIN], ...]:
        """See `hub.attention.Attention.notice_denied`."""
        parameters = {"ids": [each.value for each in message_ids], "at": at}
        return _numbered(await _ask(self.pool, queries.notice_denied, parameters, again=False))

    async def denied_since(self, message_id: MessageId) -> int | None:
        """See `hub.attention.Attention.denied_since`."""
        found = await _ask(self.pool, queries.denied_since, {"id": message_id.value})
        return next((at for (at,) in found.rows), None)

    async def reviews(self, party: OIN | None, *, after: int, limit: int) -> tuple[Review, ...]:
        """See `hub.attention.Attention.reviews`."""
        parameters: dict[str, object] = {"after": after, "limit": limit}
        if party is None:
            found = await _ask(self.pool, queries.reviews_of_all, parameters)
        else:
            found = await _ask(self.pool, queries.reviews_of_party, {**parameters, "party": party.value})
        return tuple(map(_review_from_row, _rows(found)))

    async def review(self, about: MessageId, mark: str) -> Review | None:
        """See `hub.attention.Attention.review`."""
        found = await _ask(self.pool, queries.review, {"about": about.value, "mark": mark})
        return next(map(_review_from_row, _rows(found)), None)


async def _ask(
    pool: AsyncConnectionPool[HubConnection],
    statement: Statement,
    parameters: Mapping[str, object],
    *,
    again: bool = True,
) -> Result:
    (result,) = await read(pool, lambda connection: connection.run([(statement, parameters)]), again=again)
    return result


def _texts(tags: Sequence[SubjectTag]) -> list[str]:
    return list(dict.fromkeys(tag.value for tag in tags))


def _rows(result: Result) -> list[Row]:
    return [dict(zip(result.names, row, strict=True)) for row in result.rows]


def _numbered(result: Result) -> tuple[tuple[int, OIN], ...]:
    return tuple((number, OIN(recipient)) for number, recipient in result.rows)


def _record_from_row(row: Row) -> PersonRecord:
    return PersonRecord(
        kind=EntryKind(row["kind"]),
        id=MessageId(row["id"]),
        index=row["index"],
        entry=row["entry"],
        token=row["token"],
    )


def _review_from_row(row: Row) -> Review:
    return Review(
        number=row["number"],
        about=MessageId(row["about"]),
        mark=row["mark"],
        index=row["index"],
        sender=OIN(row["sender"]),
        recipient=OIN(row["recipient"]),
        closed=row["closed"],
        token=row["token"],
        answers=tuple(
            ReviewAnswer(oin=OIN(party), index=index, token=token)
            for party, index, token in json.loads(row["answers"] or "[]")
        ),
    )
