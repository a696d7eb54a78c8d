"""The statements that a batch writes, in order, each with all its rows as arrays. Pure.

A statement without rows is left out: a batch of bare entries writes its entries and moves the tree, nothing more.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import LiteralString, TypeAlias

from hub.ports import SubmissionAccepted
from hub.storage.postgresql.arrays import array_literal, bool_array, bytea_array, int8_array, text_array
from hub.storage.postgresql.batch import Candidate, Growth, Plan
from hub.storage.postgresql.changes import Rows
from hub.storage.postgresql.queries import queries
from schemas.identifiers import OIN

Statement: TypeAlias = tuple[LiteralString, Mapping[str, object]]


def body_writes(candidates: Sequence[Candidate]) -> Iterator[Statement]:
    """Write what is large, before the lock, under numbers that nothing refers to yet."""
    bodies = [
        (candidate.body, candidate.member.change, candidate.numbers)
        for candidate in candidates
        if candidate.body is not None and isinstance(candidate.member.change, SubmissionAccepted)
    ]
    if not bodies:
        return
    numbers = int8_array(body for body, _, _ in bodies)
    yield (
        queries.insert_bodies,
        {
            "bodies": numbers,
            "jws": text_array(change.jws for _, change, _ in bodies),
            "sealed_keys": bytea_array(change.sealed_key for _, change, _ in bodies),
            "hashes": bytea_array(change.hashes for _, change, _ in bodies),
        },
    )
    yield (
        queries.insert_ciphertexts,
        {
            "bodies": numbers,
            "numbers": text_array(array_literal(places) for _, _, places in bodies),
            "lengths": text_array(
                array_literal(len(change.elements[place]) for place in places) for _, change, places in bodies
            ),
            "data": bytea_array(b"".join([change.elements[place] for place in places]) for _, change, places in bodies),
        },
    )


def batch_writes(plan: Plan, growth: Growth) -> Iterator[Statement]:
    """Write everything that becomes true with a batch, the tree last."""
    yield from _entry_writes(plan)
    yield from _record_writes(plan)
    yield from _message_writes(plan.rows, time=plan.time)
    yield from _outcome_writes(plan.rows)
    yield from _directory_writes(plan.rows, time=plan.time)
    if gone := [*plan.lost_bodies, *plan.rows.forgotten_bodies]:
        yield queries.delete_ciphertexts, {"bodies": int8_array(gone)}
    if plan.lost_bodies:
        yield queries.delete_bodies, {"bodies": int8_array(plan.lost_bodies)}
    if plan.touched:
        keys = sorted(plan.touched)
        yield (
            queries.move_touches,
            {"keys": text_array(keys), "indexes": int8_array(plan.touched[key] for key in keys)},
        )
    if growth.tiles:
        yield (
            queries.extend_tiles,
            {
                "levels": int8_array(tile.level for tile in growth.tiles),
                "indexes": int8_array(tile.index for tile in growth.tiles),
                "hashes": bytea_array(tile.hashes for tile in growth.tiles),
            },
        )
    tree = growth.tree
    yield (
        queries.move_tree,
        {
            "size": tree.size,
            "range": tree.range.to_bytes(),
            "time": tree.time,
            "newest_participant": tree.newest_participant,
        },
    )


def _entry_writes(plan: Plan) -> Iterator[Statement]:
    def oin(value: OIN | None) -> str | None:
        return value.value if value is not None else None

    yield (
        queries.insert_entries,
        {
            "first": plan.tree.size,
            "time": plan.time,
            "kinds": text_array(entry.kind.value for entry in plan.entries),
            "senders": text_array(oin(entry.sender) for entry in plan.entries),
            "recipients": text_array(oin(entry.recipient) for entry in plan.entries),
            "entries": text_array(entry.text.decode() for entry in plan.entries),
        },
    )


def _record_writes(plan: Plan) -> Iterator[Statement]:
    shown = [(index, member.shown) for index, member in plan.shown if member.shown is not None]
    if shown:
        yield (
            queries.insert_shown,
            {
                "time": plan.time,
                "indexes": int8_array(index for index, _ in shown),
                "salts": bytea_array(each.salt for _, each in shown),
                "texts": text_array(each.text for _, each in shown),
            },
        )
    if plan.kept:
        yield (
            queries.insert_kept,
            {
                "time": plan.time,
                "indexes": int8_array(row.index for row in plan.kept),
                "places": int8_array(row.place for row in plan.kept),
                "tags": text_array(row.draft.tag.value for row in plan.kept),
                "salts": bytea_array(row.draft.salt for row in plan.kept),
                "texts": text_array(row.text for row in plan.kept),
            },
        )
        tags = sorted(plan.heads)
        yield (
            queries.move_subject_heads,
            {
                "tags": text_array(tags),
                "nths": int8_array(plan.heads[tag].nth for tag in tags),
                "indexes": int8_array(plan.heads[tag].index for tag in tags),
            },
        )


def _message_writes(rows: Rows, *, time: int) -> Iterator[Statement]:
    if not rows.submissions:
        return
    indexes = int8_array(index for index, _ in rows.submissions)
    changes = [change for _, change in rows.submissions]
    ids = text_array(change.id.value for change in changes)
    recipients = text_array(change.recipient.value for change in changes)
    pickups = int8_array(change.pickup_by for change in changes)
    yield (
        queries.insert_messages,
        {
            "ids": ids,
            "indexes": indexes,
            "bodies": int8_array(rows.bodies),
            "senders": text_array(change.sender.value for change in changes),
            "recipients": recipients,
            "types": text_array(change.type for change in changes),
            "purposes": text_array(change.purpose for change in changes),
            "cases": text_array(change.case.value for change in changes),
            "replies": text_array(change.reply_to.value if change.reply_to else None for change in changes),
            "issued": int8_array(change.issued_at for change in changes),
            "pickups": pickups,
            "accepted_at": time // 1000,
            "kids": text_array(change.sealing_kid.value for change in changes),
            "permitted": text_array(array_literal(sorted(change.elements)) for change in changes),
            "tags": text_array(array_literal(change.tags) for change in changes),
            "sizes": int8_array(sum(map(len, change.elements.values())) for change in changes),
            "traces": text_array(change.trace_id for change in changes),
        },
    )
    yield (
        queries.insert_waiting,
        {"recipients": recipients, "indexes": indexes, "ids": ids, "pickups": pickups},
    )


def _outcome_writes(rows: Rows) -> Iterator[Statement]:
    if rows.disclosures:
        yield (
            queries.insert_disclosures,
            {
                "ids": text_array(change.message_id.value for _, change in rows.disclosures),
                "replaces": int8_array(
                    -1 if change.replaces is None else change.replaces for _, change in rows.disclosures
                ),
                "indexes": int8_array(index for index, _ in rows.disclosures),
                "released": text_array(array_literal(change.released) for _, change in rows.disclosures),
                "digests": text_array(change.released_digest for _, change in rows.disclosures),
            },
        )
    if rows.receipts:
        yield (
            queries.insert_receipts,
            {
                "ids": text_array(change.message_id.value for _, change in rows.receipts),
                "indexes": int8_array(index for index, _ in rows.receipts),
                "disclosures": int8_array(change.disclosure_index for _, change in rows.receipts),
                "accepted": bool_array(change.accepted for _, change in rows.receipts),
                "receipts": text_array(change.receipt for _, change in rows.receipts),
            },
        )
    if rows.expiries:
        yield (
            queries.insert_expiries,
            {
                "ids": text_array(change.message_id.value for _, change in rows.expiries),
                "indexes": int8_array(index for index, _ in rows.expiries),
            },
        )
    if rows.waiting_ended:
        yield (
            queries.delete_waiting,
            {
                "recipients": text_array(recipient for recipient, _ in rows.waiting_ended),
                "indexes": int8_array(index for _, index in rows.waiting_ended),
            },
        )


def _directory_writes(rows: Rows, *, time: int) -> Iterator[Statement]:
    if rows.refusals:
        yield (
            queries.insert_refusals,
            {
                "time": time,
                "digests": text_array(change.message_digest for _, change in rows.refusals),
                "senders": text_array(change.sender.value for _, change in rows.refusals),
                "indexes": int8_array(index for index, _ in rows.refusals),
            },
        )
    if rows.participants:
        yield (
            queries.insert_participants,
            {
                "indexes": int8_array(index for index, _ in rows.participants),
                "oins": text_array(change.oin.value for _, change in rows.participants),
                "admissions": text_array(change.admission for _, change in rows.participants),
                "statements": text_array(change.statement for _, change in rows.participants),
                "replaced": text_array(change.replaced for _, change in rows.participants),
            },
        )
    if rows.epochs:
        yield (
            queries.insert_epochs,
            {
                "epochs": int8_array(change.epoch for _, change in rows.epochs),
                "indexes": int8_array(index for index, _ in rows.epochs),
                "signed": text_array(change.signed for _, change in rows.epochs),
            },
        )
    if rows.catalogues:
        yield (
            queries.insert_catalogues,
            {
                "indexes": int8_array(index for index, _ in rows.catalogues),
                "documents": text_array(change.document for _, change in rows.catalogues),
                "digests": text_array(change.digest for _, change in rows.catalogues),
                "versions": text_array(change.version for _, change in rows.catalogues),
                "texts": bytea_array(change.text for _, change in rows.catalogues),
            },
        )
