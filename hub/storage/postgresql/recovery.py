"""The way back when the database does not continue what was published.

`recover` refills the log from what others hold, up to the largest checkpoint that anybody has, and only if the root is
then that checkpoint's. `continue_log` opens a new log, in a new database, whose first entry names the last checkpoint
of the old one that can still be proved, and what is lost.

What `recover` brings back is the log and the directory. Messages, records and ciphertexts of the lost entries are not
in any log: senders keep a submission until its receipt and submit it again.

Source: the architecture, section 6, "Way back".
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.entries import GROUNDS, Entry, EntryDraft, parse_entry
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.note import NoteKey, NoteSigner
from audit.proofs import HashAt, tree_root
from hub.changes import LogContinued, LogMember
from hub.ports import Appended
from hub.storage.guard import open_guard
from hub.storage.holdings import Holdings
from hub.storage.postgresql.batch import EVERYTHING, Plan, Tree, grow
from hub.storage.postgresql.connection import Call, HubConnection, connect, translated
from hub.storage.postgresql.continuity import read_tail
from hub.storage.postgresql.database import open_database
from hub.storage.postgresql.nodes import from_tiles
from hub.storage.postgresql.queries import queries
from hub.storage.postgresql.recovered_catalogues import catalogue_writes, check_text_in_force
from hub.storage.postgresql.session import tree_from_row
from hub.storage.postgresql.writes import tile_writes, tree_writes
from schemas.canonical import b64url
from schemas.clock import Clock
from schemas.codes import EntryKind
from schemas.errors import EvidenceError
from schemas.randomness import Randomness

_CODE: Final = "hub.recovery.impossible"
_MISSING_NAMED_MAX: Final = 20
_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was done.

    Attributes:
        size_before: Entries that the database had.
        size: Entries that it has now; of these the last ones were refilled.
        kinds: How many of each kind were refilled: what of them was in the database is to be submitted again.
    """

    size_before: int
    size: int
    kinds: dict[EntryKind, int]


async def recover(conninfo: str, *, key: NoteKey, guard_folder: Path, holdings: Holdings) -> Recovery:
    """Refill the log up to the largest checkpoint that anybody holds. No hub process may run.

    1. the target: the largest of the checkpoints in the guards and of those that others hold
    2. the database's own tree is whole, and at every smaller checkpoint it has that root
    3. every entry up to the target is there or is held by somebody, and makes the root of every checkpoint on the way
    4. the documents that PARTICIPANT, CHAIN and CATALOGUE entries commit to are there too, and the text in force
    5. all of it is written in one transaction

    Raises:
        EvidenceError: It cannot be recovered; the text says what is missing. Nothing was changed.
        UnavailableError: The database could not be reached, or a hub process holds it.
    """
    # 1. the target
    with open_guard(guard_folder, key=key) as guard:
        published = {each for each in (guard.checkpoint, *guard.others) if each is not None and each.origin == key.name}
    published |= holdings.checkpoints
    target = max(published, key=lambda checkpoint: checkpoint.size, default=None)
    if target is None:
        raise EvidenceError("nobody holds a checkpoint of this log", code=_CODE)
    async with _locked(conninfo) as connection:
        # 2. the database's own tree
        tree = await _own_tree(connection, origin=key.name, published=published)
        # 3. every entry
        entries = _held(holdings, start=tree.size, until=target.size)
        _check_roots(tree.range, entries, published=published)
        # 4. the documents
        documents = list(_document_writes(entries, start=tree.size, holdings=holdings))
        documents += _enforcement_writes(entries, start=tree.size)
        # 5. written
        for calls in _entry_writes(tree, entries):
            await connection.run(calls)
        if entries:
            # Nobody knows any more what the lost entries touched: every decision from before them is taken anew.
            documents.append((queries.move_touches, {"keys": [EVERYTHING], "indexes": [target.size - 1]}))
        await connection.run(documents)
        await check_text_in_force(connection)
        await connection.run([(queries.commit, {})])
    kinds = {kind: sum(entry.kind is kind for entry in entries) for kind in {entry.kind for entry in entries}}
    return Recovery(size_before=tree.size, size=max(target.size, tree.size), kinds=kinds)


async def continue_log(
    conninfo: str,
    *,
    signer: NoteSigner,
    guard_folder: Path,
    clock: Clock,
    randomness: Randomness,
    provable: Checkpoint,
    published: int,
) -> Appended:
    """Open a log that continues one which cannot go on, in a migrated database without a log.

    Args:
        conninfo: The new database.
        signer: The new log's key, named after its origin.
        guard_folder: Folder of the new log's guards.
        clock: Gives the entry its time.
        randomness: Gives the entry its id and pad.
        provable: The last checkpoint of the old log under which its entries can still be proved.
        published: The largest size that the old log is known to have had.

    Returns:
        The first entry, which every connector checks against what its operator signed.

    Raises:
        EvidenceError: The new log has the old one's origin, or what is provable is more than what was published.
        MemberLostError: The database has a log with entries.
        UnavailableError: The database could not be reached.
    """
    if provable.origin == signer.name or provable.size > published:
        raise EvidenceError("a log that continues another has another origin and lost what lies between", code=_CODE)
    draft = EntryDraft(
        kind=EntryKind.CONTINUATION,
        id=randomness.bytes(16).hex(),
        pad=randomness.bytes(16),
        predecessor=provable.origin,
        root=b64url(provable.root_hash),
        provable=provable.size,
        published=published,
    )
    nobody: frozenset[str] = frozenset()
    member = LogMember(draft=draft, shown=None, kept=(), watches=nobody, touches=nobody, change=LogContinued())
    async with open_database(conninfo, signer=signer, guard_folder=guard_folder, clock=clock) as database:
        return await database.log.append(member)


@contextlib.asynccontextmanager
async def _locked(conninfo: str) -> AsyncIterator[HubConnection]:
    """Hold the tree's lock; what is not committed within is rolled back."""
    with translated():
        connection = await connect(conninfo)
        async with connection:
            await connection.prepare(list(queries.all.values()))
            # Nobody else is to be kept waiting, and refilling a large log takes its time.
            await connection.execute("SET idle_in_transaction_session_timeout = 0")
            yield connection


async def _own_tree(connection: HubConnection, *, origin: str, published: set[Checkpoint]) -> Tree:
    """Take the lock and read the tree of the database; it must be the beginning of what was published."""
    create = (queries.create_tree, {"origin": origin})
    *_, result = await connection.run([(queries.begin, {}), create, (queries.lock_tree, {})])
    row = tree_from_row(result.rows)
    if row.origin != origin:
        raise EvidenceError(f"the database holds log `{row.origin}`, not `{origin}`", code=_CODE)
    size = row.range.size
    sizes = sorted({size, *(each.size for each in published if each.size <= size)})

    def roots(hash_at: HashAt) -> list[bytes]:
        return [tree_root(tree_size=each, hash_at=hash_at) for each in sizes]

    made = dict(zip(sizes, await from_tiles(connection, size=size, make=roots), strict=True))
    for checkpoint in sorted(published, key=lambda each: each.size):
        if made.get(checkpoint.size, checkpoint.root_hash) != checkpoint.root_hash:
            text = f"the database is not behind what was published but beside it, from entry {checkpoint.size - 1} on"
            raise EvidenceError(f"{text}: restore an older copy", code=_CODE)
    if made[size] != row.range.root():
        raise EvidenceError("the tree of the database is not that of its tiles: restore another copy", code=_CODE)
    return Tree(
        range=row.range,
        time=row.time,
        newest_participant=row.newest_participant,
        tail=await read_tail(connection, size=size),
    )


def _held(holdings: Holdings, *, start: int, until: int) -> list[Entry]:
    missing = [index for index in range(start, until) if holdings.entry(index) is None]
    if missing:
        named = ", ".join(map(str, missing[:_MISSING_NAMED_MAX]))
        more = f" and {len(missing) - _MISSING_NAMED_MAX} more" if len(missing) > _MISSING_NAMED_MAX else ""
        raise EvidenceError(f"nobody handed in the entries {named}{more}", code=_CODE)
    return [parse_entry((holdings.entry(index) or "").encode()) for index in range(start, until)]


def _check_roots(own: CompactRange, entries: Sequence[Entry], *, published: set[Checkpoint]) -> None:
    """Check that the refilled tree has the root of every checkpoint beyond the database's own size."""
    grown, done = own, 0
    for checkpoint in sorted(published, key=lambda each: each.size):
        count = checkpoint.size - own.size
        if count > 0:
            grown = grown.extend([hash_leaf(entry.text) for entry in entries[done:count]]).range
            done = count
            if grown.root() != checkpoint.root_hash:
                text = f"what was handed in does not make the root of the checkpoint of {checkpoint.size} entries"
                raise EvidenceError(text, code=_CODE)


def _entry_writes(tree: Tree, entries: Sequence[Entry]) -> Iterator[list[Call]]:
    """Write entries, tiles and the tree's row, some thousand at a time."""
    for start in range(0, len(entries), _CHUNK):
        chunk = entries[start : start + _CHUNK]
        named = [tree.size + place for place, entry in enumerate(chunk) if entry.kind is EntryKind.PARTICIPANT]
        newest = named[-1] if named else tree.newest_participant
        growth = grow(Plan(tree=tree, time=chunk[-1].time, entries=list(chunk), newest_participant=newest))
        reach = (queries.entries_reach, {"upto": growth.tree.size})
        yield [reach, *_runs(chunk, first=tree.size), *tile_writes(growth), *tree_writes(growth)]
        tree = growth.tree


def _runs(entries: Sequence[Entry], *, first: int) -> Iterator[Call]:
    """Write entries; each statement takes those of one moment."""
    for time, group in groupby(entries, key=lambda entry: entry.time):
        run = list(group)
        values = {
            "first": first,
            "time": time,
            "kinds": [entry.kind.value for entry in run],
            "senders": [entry.sender.value if entry.sender else None for entry in run],
            "recipients": [entry.recipient.value if entry.recipient else None for entry in run],
            "entries": [entry.text.decode() for entry in run],
        }
        yield queries.insert_entries, values
        first += len(run)


def _document_writes(entries: Sequence[Entry], *, start: int, holdings: Holdings) -> Iterator[Call]:
    """Write the rows of refilled PARTICIPANT, CHAIN and CATALOGUE entries.

    Raises:
        EvidenceError: A document that an entry commits to was not handed in.
    """
    for index, entry in enumerate(entries, start=start):
        if entry.kind is EntryKind.PARTICIPANT and entry.oin is not None:
            statement = _document(entry.statement, index=index, holdings=holdings)
            yield (
                queries.insert_participants,
                {
                    "indexes": [index],
                    "oins": [entry.oin.value],
                    "admissions": [_document(entry.admission, index=index, holdings=holdings)],
                    "statements": [statement],
                    "replaced": [_replaced(statement, holdings=holdings)],
                },
            )
        elif entry.kind is EntryKind.CHAIN:
            signed = _document(entry.signed, index=index, holdings=holdings)
            yield queries.insert_epochs, {"epochs": [entry.epoch], "indexes": [index], "signed": [signed]}
        elif entry.kind is EntryKind.CATALOGUE:
            # Which one is the newest must be what the log says, or a hub that goes back to another could not say so.
            signed = _document(entry.request, index=index, holdings=holdings) if entry.id != GROUNDS else None
            yield from catalogue_writes(entry, index=index, signed=signed, texts=holdings.texts)


def _enforcement_writes(entries: Sequence[Entry], *, start: int) -> Iterator[Call]:
    """Write the rows of refilled STOP and RESUMPTION entries: a hub that was stopped comes back stopped."""
    for index, entry in enumerate(entries, start=start):
        if entry.kind is EntryKind.STOP and entry.sender is not None:
            yield (
                queries.insert_stops,
                {"indexes": [index], "canaries": [entry.sender.value], "forms": [None], "time": entry.time},
            )
        elif entry.kind is EntryKind.RESUMPTION:
            # Which stop it ends is the only one that lasts; the operator's reason is not handed in by anybody.
            yield queries.end_stop_that_lasts, {"index": index, "time": entry.time}
            yield queries.forget_all_passes, {}


def _document(digest: str | None, *, index: int, holdings: Holdings) -> str | None:
    if digest is None:
        return None
    if digest not in holdings.documents:
        raise EvidenceError(f"nobody handed in the signed document of entry {index}", code=_CODE)
    return holdings.documents[digest]


def _replaced(statement: str | None, *, holdings: Holdings) -> str | None:
    """Find the same statement by the key that it replaces: the same payload under another signature.

    The log commits to the statement by its own new key only; whoever reads the directory verifies this one too.
    """
    if statement is None:
        return None
    payload = statement.split(".")[1]
    same = (each for each in holdings.documents.values() if each.split(".")[1] == payload and each != statement)
    return next(same, None)
