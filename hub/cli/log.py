"""`ketenhub log recover | continue`: the way back when the hub stops because the log contradicts its guard.

Read `hub/storage/README.md` before using either; stop every hub process first.
"""

import argparse
import asyncio

from audit.checkpoint import parse_checkpoint
from audit.note import parse_note, parse_vkey, verify_note
from hub.bootstrap import conninfo, read_log_key
from hub.cli.common import CommandError, read_file
from hub.settings import Settings
from hub.storage.holdings import read_holdings
from hub.storage.postgresql.recovery import continue_log, recover
from schemas.clock import SystemClock
from schemas.randomness import SystemRandomness


def recover_log(settings: Settings, options: argparse.Namespace) -> None:
    """Refill the log from what connectors, witnesses and monitors hold."""
    key = read_log_key(settings).public
    try:
        holdings = read_holdings(options.folder, key=key)
    except OSError as error:
        raise CommandError(f"`{options.folder}` cannot be read: {error.strerror}") from error
    for path in holdings.passed_over:
        print(f"passed over: {path}: nothing of this log in it")
    done = asyncio.run(recover(conninfo(settings), key=key, guard_folder=settings.storage.guard, holdings=holdings))
    print(f"the database had {done.size_before} entries and has {done.size}; the root is the published one")
    for kind, count in sorted(done.kinds.items()):
        print(f"  refilled: {count} {kind}")
    if done.kinds:
        print("messages of refilled entries are not here: their senders' connectors submit them again")


def continue_the_log(settings: Settings, options: argparse.Namespace) -> None:
    """Open a new log in a new database; its first entry says what it continues and what is lost."""
    note = parse_note(read_file(options.checkpoint))
    verify_note(note, [parse_vkey(options.vkey)])
    provable = parse_checkpoint(note.text)
    appended = asyncio.run(
        continue_log(
            conninfo(settings),
            signer=read_log_key(settings),
            guard_folder=settings.storage.guard,
            clock=SystemClock(),
            randomness=SystemRandomness(),
            provable=provable,
            published=options.published,
        )
    )
    print(f"opened {settings.log_origin}, which continues {provable.origin} from {provable.size} entries")
    print(f"lost: entries {provable.size} to {options.published - 1}" if options.published > provable.size else "")
    print(f"first entry, for the statement that connectors accept it by:\n{appended.entry}")
