"""`ketenhub log recover | continue | consistency`: the way back when the log contradicts its guard.

Read `hub/storage/README.md` before using any of them; stop every hub process first.
"""

import argparse
import asyncio
from pathlib import Path

import orjson

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.continuation import make_continuation, sign_continuation
from audit.note import NoteKey, NoteSigner, parse_note, parse_skey, parse_vkey, verify_note
from audit.records import text_digest
from consent.grounds import packaged_catalogue
from hub.cli.common import CommandError, read_file, write_new
from hub.keys import conninfo, read_log_key
from hub.ports import MemberLostError
from hub.settings import Settings, read_secret
from hub.storage.holdings import read_holdings
from hub.storage.postgresql.migrate import check_migrated
from hub.storage.postgresql.recovery import continue_log, recover
from hub.storage.postgresql.standing import first_entry, prove_consistency
from schemas.canonical import b64url
from schemas.clock import SystemClock
from schemas.definitions import load_definitions
from schemas.randomness import SystemRandomness


def recover_log(settings: Settings, options: argparse.Namespace) -> None:
    """Refill the log from what connectors, witnesses and monitors hold."""
    check_migrated(conninfo(settings))
    key = read_log_key(settings).public
    if not options.folder.is_dir():
        raise CommandError(f"`{options.folder}` is no folder")
    try:
        holdings = read_holdings(options.folder, key=key)
    except OSError as error:
        raise CommandError(f"`{options.folder}` cannot be read: {error.strerror}") from error
    # Two texts that need nobody's hand: those that the software carries.
    for carried in (packaged_catalogue().data, load_definitions().data):
        holdings.texts.setdefault(text_digest(carried), carried)
    done = asyncio.run(recover(conninfo(settings), key=key, guard_folder=settings.storage.guard, holdings=holdings))
    print(f"the database had {done.size_before} entries and has {done.size}; the root is the published one")
    for path in holdings.passed_over:
        print(f"passed over: {path}: nothing of this log in it, unless it is a text that an entry names")
    for kind, count in sorted(done.kinds.items()):
        print(f"  refilled: {count} {kind}")
    if done.kinds:
        print("messages of refilled entries are not here: their senders' connectors submit them again")


def continue_the_log(settings: Settings, options: argparse.Namespace) -> None:
    """Open a new log in a new database, and write the signed statement by which connectors accept it.

    1. the old log's last provable checkpoint is signed by its key
    2. the first entry of the new log says what it continues and what is lost
    3. the statement is signed by the new key, and by the old one if it is there

    Interrupted between 2 and 3, the same command goes on: it finds its own entry.
    """
    if options.statement.exists():
        raise CommandError(f"`{options.statement}` is there already and is not replaced")
    # 1.
    note, old = parse_note(read_file(options.checkpoint)), parse_vkey(options.vkey)
    verify_note(note, [old])
    provable = parse_checkpoint(note.text)
    signer, old_signer = read_log_key(settings), _old_signer(options.old_key, old=old)
    # 2.
    entry = _open(settings, signer=signer, provable=provable, published=options.published)
    # 3.
    continuation = make_continuation(predecessor=old, successor=signer.public, entry=entry.encode())
    if (continuation.provable, continuation.published) != (provable, options.published):
        raise CommandError("the database holds a log already, which continues something else")
    statement = sign_continuation(continuation, [signer, *([old_signer] if old_signer else [])])
    write_new(options.statement, str(statement).encode(), secret=False)
    for line in continuation.words:
        print(line)
    print(f"statement: {options.statement}; connectors take it with `ketenhub-connector log accept`")
    if old_signer is None:
        print("not signed by the old key: the registrar must sign it first, with `ketenhub-registrar continue-log`")


def prove_that_it_continues(settings: Settings, options: argparse.Namespace) -> None:
    """Print the consistency proof between two sizes of a log that stands still, for a connector that was away."""
    check_migrated(conninfo(settings))
    try:
        hashes = asyncio.run(prove_consistency(conninfo(settings), size=options.size, until=options.until))
    except ValueError as error:
        raise CommandError(f"there is no proof between these sizes: {error}") from error
    print(
        orjson.dumps({"from": options.size, "to": options.until, "hashes": [b64url(each) for each in hashes]}).decode()
    )


def _old_signer(path: Path | None, *, old: NoteKey) -> NoteSigner | None:
    if path is None:
        return None
    signer = parse_skey(read_secret(path).decode("ascii", "replace"))
    if signer.public != old:
        raise CommandError(f"`{path}` is not the secret key of `--vkey`")
    return signer


def _open(settings: Settings, *, signer: NoteSigner, provable: Checkpoint, published: int) -> str:
    """Append the first entry; where there is one already, return that."""
    try:
        appended = asyncio.run(
            continue_log(
                conninfo(settings),
                signer=signer,
                guard_folder=settings.storage.guard,
                clock=SystemClock(),
                randomness=SystemRandomness(),
                provable=provable,
                published=published,
            )
        )
    except MemberLostError:
        return asyncio.run(first_entry(conninfo(settings))) or ""
    return appended.entry
