"""The statements that a batch writes, in order, each with all its rows as arrays. Pure.

A statement without rows is left out: a batch of bare entries writes its entries and moves the tree, nothing more.
"""

from collections.abc import Iterator, Sequence

from audit.records import token_digest
from hub.changes import SubmissionAccepted
from hub.storage.postgresql.batch import Candidate, Growth, Plan
from hub.storage.postgresql.changes import Rows
from hub.storage.postgresql.connection import Call
from hub.storage.postgresql.encoding import array_literal
from hub.storage.postgresql.person_writes import person_writes
from hub.storage.postgresql.queries import queries
from schemas.identifiers import OIN


def body_writes(candidates: Sequence[Candidate]) -> Iterator[Call]:
    """Write what is large, before the lock, under numbers that nothing refers to yet."""
    bodies = [
        (candidate.body, candidate.member.change, candidate.numbers)
        for candidate in candidates
        if candidate.body is not None and isinstance(candidate.member.change, SubmissionAccepted)
    ]
    if not bodies:
        return
    numbers = [body for body, _, _ in bodies]
    yield (
        queries.insert_bodies,
        {
            "bodies": numbers,
            "jws": [change.jws for _, change, _ in bodies],
            "sealed_keys": [change.sealed_key for _, change, _ in bodies],
            "hashes": [change.hashes for _, change, _ in bodies],
        },
    )
    yield (
        queries.insert_ciphertexts,
        {
            "bodies": numbers,
            "numbers": [array_literal(places) for _, _, places in bodies],
            "lengths": [array_literal(len(change.elements[place]) for place in places) for _, change, places in bodies],
            "data": [b"".join([change.elements[place] for place in places]) for _, change, places in bodies],
        },
    )


def batch_writes(plan: Plan, growth: Growth) -> Iterator[Call]:
    """Write everything that becomes true with a batch, the tree last."""
    yield from _entry_writes(plan)
    yield from _record_writes(plan)
    yield from _message_writes(plan.rows, time=plan.time)
    yield from _outcome_writes(plan.rows)
    yield from _directory_writes(plan.rows, time=plan.time)
    yield from _enforcement_writes(plan.rows, time=plan.time)
    yield from person_writes(plan.rows, time=plan.time)
    if gone := [*plan.lost_bodies, *plan.rows.forgotten_bodies]:
        yield queries.delete_ciphertexts, {"bodies": gone}
    if plan.lost_bodies:
        yield queries.delete_bodies, {"bodies": plan.lost_bodies}
    if plan.touched:
        keys = sorted(plan.touched)
        yield (
            queries.move_touches,
            {"keys": keys, "indexes": [plan.touched[key] for key in keys]},
        )
    yield from tile_writes(growth)
    yield from tree_writes(growth)


def tile_writes(growth: Growth) -> Iterator[Call]:
    """Add the hashes that became visible in tiles."""
    if growth.tiles:
        yield (
            queries.extend_tiles,
            {
                "levels": [tile.level for tile in growth.tiles],
                "indexes": [tile.index for tile in growth.tiles],
                "hashes": [tile.hashes for tile in growth.tiles],
            },
        )


def tree_writes(growth: Growth) -> Iterator[Call]:
    """Move the tree."""
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


def _entry_writes(plan: Plan) -> Iterator[Call]:
    def oin(value: OIN | None) -> str | None:
        return value.value if value is not None else None

    yield (
        queries.insert_entries,
        {
            "first": plan.tree.size,
            "time": plan.time,
            "kinds": [entry.kind.value for entry in plan.entries],
            "senders": [oin(entry.sender) for entry in plan.entries],
            "recipients": [oin(entry.recipient) for entry in plan.entries],
            "entries": [entry.text.decode() for entry in plan.entries],
        },
    )


def _record_writes(plan: Plan) -> Iterator[Call]:
    shown = [(index, member.shown) for index, member in plan.shown if member.shown is not None]
    if shown:
        yield (
            queries.insert_shown,
            {
                "time": plan.time,
                "indexes": [index for index, _ in shown],
                "salts": [each.salt for _, each in shown],
                "texts": [each.text for _, each in shown],
            },
        )
    if plan.kept:
        yield (
            queries.insert_kept,
            {
                "time": plan.time,
                "indexes": [row.index for row in plan.kept],
                "places": [row.place for row in plan.kept],
                "tags": [row.draft.tag.value for row in plan.kept],
                "salts": [row.draft.salt for row in plan.kept],
                "texts": [row.text for row in plan.kept],
            },
        )
        tags = sorted(plan.heads)
        yield (
            queries.move_subject_heads,
            {
                "tags": tags,
                "nths": [plan.heads[tag].nth for tag in tags],
                "indexes": [plan.heads[tag].index for tag in tags],
            },
        )


def _message_writes(rows: Rows, *, time: int) -> Iterator[Call]:
    if not rows.submissions:
        return
    indexes = [index for index, _ in rows.submissions]
    changes = [change for _, change in rows.submissions]
    ids = [change.id.value for change in changes]
    recipients = [change.recipient.value for change in changes]
    pickups = [change.pickup_by for change in changes]
    yield (
        queries.insert_messages,
        {
            "ids": ids,
            "indexes": indexes,
            "bodies": rows.bodies,
            "senders": [change.sender.value for change in changes],
            "recipients": recipients,
            "types": [change.type for change in changes],
            "purposes": [change.purpose for change in changes],
            "cases": [change.case.value for change in changes],
            "replies": [change.reply_to.value if change.reply_to else None for change in changes],
            "issued": [change.issued_at for change in changes],
            "pickups": pickups,
            "accepted_at": time // 1000,
            "kids": [change.sealing_kid.value for change in changes],
            "permitted": [array_literal(sorted(change.elements)) for change in changes],
            "tags": [array_literal(change.tags) for change in changes],
            "sizes": [sum(map(len, change.elements.values())) for change in changes],
            "traces": [change.trace_id for change in changes],
        },
    )
    yield (
        queries.insert_waiting,
        {"recipients": recipients, "indexes": indexes, "ids": ids, "pickups": pickups},
    )


def _outcome_writes(rows: Rows) -> Iterator[Call]:
    if rows.disclosures:
        yield (
            queries.insert_disclosures,
            {
                "ids": [change.message_id.value for _, change in rows.disclosures],
                "replaces": [-1 if change.replaces is None else change.replaces for _, change in rows.disclosures],
                "indexes": [index for index, _ in rows.disclosures],
                "released": [array_literal(change.released) for _, change in rows.disclosures],
                "digests": [change.released_digest for _, change in rows.disclosures],
            },
        )
    if rows.receipts:
        yield (
            queries.insert_receipts,
            {
                "ids": [change.message_id.value for _, change in rows.receipts],
                "indexes": [index for index, _ in rows.receipts],
                "disclosures": [change.disclosure_index for _, change in rows.receipts],
                "accepted": [change.accepted for _, change in rows.receipts],
                "receipts": [change.receipt for _, change in rows.receipts],
            },
        )
    if rows.refused_bodies:
        yield (
            queries.insert_refused_ciphertexts,
            {"bodies": [body for body, _ in rows.refused_bodies], "until": [until for _, until in rows.refused_bodies]},
        )
    if rows.expiries:
        yield (
            queries.insert_expiries,
            {
                "ids": [change.message_id.value for _, change in rows.expiries],
                "indexes": [index for index, _ in rows.expiries],
            },
        )
    if rows.waiting_ended:
        yield (
            queries.delete_waiting,
            {
                "recipients": [recipient for recipient, _ in rows.waiting_ended],
                "indexes": [index for _, index in rows.waiting_ended],
            },
        )


def _enforcement_writes(rows: Rows, *, time: int) -> Iterator[Call]:
    proved = [(reason, index) for index, change in rows.refusals for reason in change.proves]
    if proved:
        reasons, indexes = zip(*proved, strict=True)
        yield queries.count_canary_refusals, {"reasons": reasons, "indexes": indexes, "time": time}
        yield queries.forget_passes, {"forms": [change.form for _, change in rows.refusals if change.form is not None]}
    if rows.stops:
        yield (
            queries.insert_stops,
            {
                "indexes": [index for index, _ in rows.stops],
                "canaries": [change.canary.value for _, change in rows.stops],
                "forms": [change.passed.form if change.passed else None for _, change in rows.stops],
                "time": time,
            },
        )
        passes = [change.passed for _, change in rows.stops if change.passed is not None]
        yield (
            queries.remember_passes,
            {
                "forms": [each.form for each in passes],
                "canaries": [each.canary.value for each in passes],
                "purposes": [each.purpose for each in passes],
                "types": [each.type for each in passes],
            },
        )
    if rows.resumptions:
        yield (
            queries.end_stops,
            {
                "stops": [change.stop for _, change in rows.resumptions],
                "indexes": [index for index, _ in rows.resumptions],
                "records": [change.record for _, change in rows.resumptions],
                "time": time,
            },
        )
        yield queries.forget_all_passes, {}


def _directory_writes(rows: Rows, *, time: int) -> Iterator[Call]:
    if rows.refusals:
        yield (
            queries.insert_refusals,
            {
                "time": time,
                "digests": [change.message_digest for _, change in rows.refusals],
                "senders": [change.sender.value for _, change in rows.refusals],
                "indexes": [index for index, _ in rows.refusals],
            },
        )
    if rows.participants:
        yield (
            queries.insert_participants,
            {
                "indexes": [index for index, _ in rows.participants],
                "oins": [change.oin.value for _, change in rows.participants],
                "admissions": [change.admission for _, change in rows.participants],
                "statements": [change.statement for _, change in rows.participants],
                "replaced": [change.replaced for _, change in rows.participants],
            },
        )
    if rows.epochs:
        yield (
            queries.insert_epochs,
            {
                "epochs": [change.epoch for _, change in rows.epochs],
                "indexes": [index for index, _ in rows.epochs],
                "signed": [change.signed for _, change in rows.epochs],
            },
        )
    yield from _catalogue_writes(rows)


def _catalogue_writes(rows: Rows) -> Iterator[Call]:
    if rows.catalogues:
        yield (
            queries.insert_catalogues,
            {
                "indexes": [index for index, _ in rows.catalogues],
                "documents": [change.document for _, change in rows.catalogues],
                "digests": [change.digest for _, change in rows.catalogues],
                "versions": [change.version for _, change in rows.catalogues],
            },
        )
    if rows.boards:
        yield (
            queries.insert_boards,
            {
                "ids": [change.id.value for _, change in rows.boards],
                "indexes": [index for index, _ in rows.boards],
                "tokens": [change.token for _, change in rows.boards],
            },
        )
    if rows.steps:
        yield (
            queries.insert_catalogue_steps,
            {
                "ids": [change.id.value for _, change in rows.steps],
                "indexes": [index for index, _ in rows.steps],
                "proposals": [change.proposal.value for _, change in rows.steps],
                "digests": [token_digest(change.token) for _, change in rows.steps],
                "tokens": [change.token for _, change in rows.steps],
            },
        )
    if rows.documents:
        values = {"digests": list(rows.documents), "texts": list(rows.documents.values())}
        yield queries.insert_documents, values
