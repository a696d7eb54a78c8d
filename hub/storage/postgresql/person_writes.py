"""The statements that a batch writes about persons: records, links, recalls, and what follows from them. Pure.

Notices of a withdrawal come after the disclosures of the same batch: who got something before it is among those told.
"""

from collections.abc import Iterator
from typing import Final

from hub.changes import NoticeKind
from hub.storage.postgresql.changes import Rows
from hub.storage.postgresql.connection import Call
from hub.storage.postgresql.encoding import array_literal
from hub.storage.postgresql.queries import queries

MS: Final = 1000


def person_writes(rows: Rows, *, time: int) -> Iterator[Call]:
    """Write everything about persons that becomes true with a batch.

    Args:
        rows: What became true.
        time: Of the entries, in milliseconds.
    """
    at = time // MS
    yield from _record_writes(rows)
    if rows.recalls:
        yield (
            queries.insert_recalls,
            {
                "ids": [change.message_id.value for _, change in rows.recalls],
                "indexes": [index for index, _ in rows.recalls],
                "tokens": [change.token for _, change in rows.recalls],
            },
        )
    if rows.reliances:
        records, messages = zip(*rows.reliances, strict=True)
        yield queries.insert_reliances, {"records": records, "messages": messages}
    if rows.emergencies:
        indexes, tags, gis = zip(*rows.emergencies, strict=True)
        yield queries.insert_emergencies, {"tags": tags, "gis": gis, "indexes": indexes, "at": at}
    if rows.questions:
        ids, terms = zip(*rows.questions, strict=True)
        yield queries.insert_questions, {"ids": ids, "terms": terms}
    if rows.questions_ended:
        yield queries.delete_questions, {"ids": rows.questions_ended}
    yield from _notice_writes(rows, at=at)
    yield from _review_writes(rows)


def _record_writes(rows: Rows) -> Iterator[Call]:
    stated = [
        *((change.id, index, change.kind.value, change.tag, change.token) for index, change in rows.records),
        *((change.id, index, "LINK", change.other, change.token) for index, change in rows.links),
    ]
    if stated:
        yield (
            queries.insert_records,
            {
                "ids": [record_id.value for record_id, *_ in stated],
                "indexes": [index for _, index, *_ in stated],
                "kinds": [kind for _, _, kind, _, _ in stated],
                "tags": [tag.value for *_, tag, _ in stated],
                "tokens": [token for *_, token in stated],
            },
        )
    if rows.links:
        pairs = [(change.other.value, change.known.value) for _, change in rows.links]
        yield (
            queries.insert_linked_tags,
            {
                "tags": [tag for one, other in pairs for tag in (one, other)],
                "others": [tag for one, other in pairs for tag in (other, one)],
            },
        )


def _notice_writes(rows: Rows, *, at: int) -> Iterator[Call]:
    told = [(index, change.id.value, oin, kind) for index, change in rows.records for oin, kind in change.tells]
    stopped, resumed = NoticeKind.ENFORCEMENT_STOPPED, NoticeKind.ENFORCEMENT_RESUMED
    told += [(index, change.id.value, oin, stopped) for index, change in rows.stops for oin in change.tells]
    told += [(index, change.id.value, oin, resumed) for index, change in rows.resumptions for oin in change.tells]
    if told:
        yield (
            queries.insert_notices,
            {
                "recipients": [oin.value for _, _, oin, _ in told],
                "kinds": [kind.value for *_, kind in told],
                "records": [record_id for _, record_id, _, _ in told],
                "indexes": [index for index, *_ in told],
                "at": at,
            },
        )
    withdrawn = [(index, change) for index, change in rows.records if change.withdraws]
    if withdrawn:
        yield (
            queries.insert_withdrawal_notices,
            {
                "ids": [change.id.value for _, change in withdrawn],
                "families": [array_literal(change.withdraws) for _, change in withdrawn],
                "indexes": [index for index, _ in withdrawn],
                "at": at,
            },
        )


def _review_writes(rows: Rows) -> Iterator[Call]:
    if rows.reviews:
        yield (
            queries.insert_reviews,
            {
                "abouts": [item.about.value for _, item in rows.reviews],
                "marks": [item.mark for _, item in rows.reviews],
                "indexes": [index for index, _ in rows.reviews],
                "senders": [item.sender.value for _, item in rows.reviews],
                "recipients": [item.recipient.value for _, item in rows.reviews],
            },
        )
    if rows.reviews_closed:
        yield (
            queries.close_reviews,
            {
                "abouts": [change.about.value for _, change in rows.reviews_closed],
                "marks": [change.mark for _, change in rows.reviews_closed],
                "indexes": [index for index, _ in rows.reviews_closed],
                "tokens": [change.token for _, change in rows.reviews_closed],
            },
        )
    # Of two answers of one party in a batch the newer counts: a statement changes a row once.
    newest = {(change.about, change.mark, change.party): (index, change) for index, change in rows.reviews_answered}
    if newest:
        answers = list(newest.values())
        yield (
            queries.answer_reviews,
            {
                "abouts": [change.about.value for _, change in answers],
                "marks": [change.mark for _, change in answers],
                "parties": [change.party.value for _, change in answers],
                "indexes": [index for index, _ in answers],
                "tokens": [change.token for _, change in answers],
            },
        )
