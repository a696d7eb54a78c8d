"""The agent's memory: one SQLite file in which every step stands before the next is taken.

A *step* is one durable transaction with a name. A crash happens before a step (then it did not take place) or after
it (then the agent goes on from there at its next start); tests put one at each. Files that others read leave through
*deliveries*: the bytes stand here until the file is under its name, so each is handed over once, whatever crashes:

    pending    write the part file, flush it and the folder to the disk
    handing    rename it, flush the folder
    handed     forget the bytes

At a start, a `handing` whose part file is gone was handed over; one whose part file is there was not.

*Notices* are what a person must see; each stays in `status` until somebody confirms it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from connectors.agent.disk import Disk
from connectors.sdk.records import tag_in

BUSY_SECONDS: Final = 10.0

_FIRST_SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- A native file taken from `out`; its bytes stay until it is in `sent` or `refused`.
CREATE TABLE files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  data BLOB,
  taken_at INTEGER NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'taken',
  sender TEXT,
  reference TEXT,
  target TEXT NOT NULL,
  outcome TEXT,
  trouble TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX files_reference ON files (sender, reference);
CREATE INDEX files_open ON files (state) WHERE state <> 'filed';

-- The answers in the native format that a file got; a repeat of the file gets the same.
CREATE TABLE answers (file INTEGER NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (file, kind)) STRICT;

-- A finished submission, byte for byte, from before its first attempt until its receipt.
CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  file INTEGER NOT NULL REFERENCES files (id),
  recipient TEXT NOT NULL,
  type TEXT NOT NULL,
  purpose TEXT NOT NULL,
  message TEXT NOT NULL,
  content_type TEXT NOT NULL,
  body BLOB,
  withheld TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  pickup_by INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'prepared',
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0,
  log_index INTEGER,
  answer TEXT,
  receipt TEXT,
  remarks TEXT NOT NULL DEFAULT '[]',
  trouble TEXT,
  warned_at INTEGER
) STRICT;
CREATE INDEX submissions_open ON submissions (state, next_at);

-- A message that waits, is being opened, or was received.
CREATE TABLE received (
  id TEXT PRIMARY KEY,
  log_index INTEGER NOT NULL,
  sender TEXT NOT NULL,
  type TEXT NOT NULL,
  pickup_by INTEGER NOT NULL,
  listed_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'listed',
  release_type TEXT,
  release BLOB,
  receipt TEXT,
  outcome TEXT,
  trouble TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX received_open ON received (state, next_at);

-- Digests of the release requests this connector signed: a disclosure must name one of them.
CREATE TABLE requests (digest TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Messages by the native case number under which replies to them come.
CREATE TABLE threads (
  message TEXT PRIMARY KEY,
  direction TEXT NOT NULL,
  other TEXT NOT NULL,
  type TEXT NOT NULL,
  case_id TEXT NOT NULL,
  number TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX threads_number ON threads (number, direction);

-- Random pseudonyms of persons without a number, by case and the native system's key of the person.
CREATE TABLE tags (
  case_id TEXT NOT NULL, person TEXT NOT NULL, role TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (case_id, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  folder TEXT NOT NULL,
  name TEXT NOT NULL,
  part TEXT NOT NULL,
  data BLOB,
  message TEXT,
  state TEXT NOT NULL DEFAULT 'pending',
  handed_at INTEGER
) STRICT;
CREATE INDEX deliveries_open ON deliveries (state) WHERE state <> 'handed';
CREATE INDEX deliveries_message ON deliveries (message) WHERE message IS NOT NULL;

CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  text_nl TEXT NOT NULL,
  text_en TEXT NOT NULL,
  at INTEGER NOT NULL,
  confirmed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX notices_open ON notices (kind, about) WHERE confirmed_at IS NULL;

-- The chain of PARTICIPANT entries, as verified.
CREATE TABLE participants (
  log_index INTEGER PRIMARY KEY,
  oin TEXT NOT NULL,
  entry TEXT NOT NULL,
  admission TEXT,
  statement TEXT,
  replaced TEXT,
  tlog_proof TEXT NOT NULL
) STRICT;

-- Digests of the participant statements this connector made itself.
CREATE TABLE statements (digest TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

_SECOND_SCHEMA: Final = """
-- Checkpoints that came with proofs which were believed, until the log that everybody sees was held against them.
CREATE TABLE checkpoints (size INTEGER NOT NULL, root BLOB NOT NULL, PRIMARY KEY (size, root)) STRICT, WITHOUT ROWID;

-- What each round looks for; without these a round reads all that ever passed.
CREATE INDEX files_target ON files (target);
CREATE INDEX files_not_removed ON files (name) WHERE removed = 0;
CREATE INDEX submissions_file ON submissions (file);
CREATE INDEX deliveries_handed ON deliveries (handed_at) WHERE state = 'handed';
CREATE INDEX requests_at ON requests (at);
"""

_THIRD_SCHEMA: Final = """
-- By which ground a message came or went, in which capacity the other side acts, what it answers and what it asks.
ALTER TABLE threads ADD COLUMN purpose TEXT;
ALTER TABLE threads ADD COLUMN capacity TEXT;
ALTER TABLE threads ADD COLUMN reply_to TEXT;
ALTER TABLE threads ADD COLUMN asks TEXT;
CREATE INDEX threads_reply ON threads (reply_to) WHERE reply_to IS NOT NULL;

-- What we signed about persons, who stand in it by pseudonym: consents, measures, links, recalls; posted until the hub
-- has it. `secret` is what stays here: the disclosure of a court's case number.
CREATE TABLE records (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  token TEXT NOT NULL,
  secret TEXT,
  signed_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'signed',
  log_index INTEGER,
  trouble TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX records_open ON records (next_at) WHERE state = 'signed';
"""

_FOURTH_SCHEMA: Final = """
-- What people were reminded of, so that it is told once: of a question's term, of a consent or a measure that ends.
ALTER TABLE threads ADD COLUMN told TEXT;
ALTER TABLE records ADD COLUMN told TEXT;
CREATE INDEX threads_asks ON threads (direction) WHERE asks IS NOT NULL;
"""

_FIFTH_SCHEMA: Final = """
-- Why a file was refused, as the system that wrote it is told.
ALTER TABLE files ADD COLUMN problem TEXT;

-- What systems asked for through the API, by a key of theirs or by its content: a repeat gets the first answer. Both
-- are digests: what a system calls its keys, and what it asked, are not kept.
CREATE TABLE handed_in (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  caller_key TEXT,
  content TEXT NOT NULL,
  file INTEGER REFERENCES files (id),
  records TEXT NOT NULL DEFAULT '[]',
  at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX handed_in_key ON handed_in (caller_key) WHERE caller_key IS NOT NULL;
CREATE INDEX handed_in_content ON handed_in (content) WHERE caller_key IS NULL;
CREATE INDEX handed_in_at ON handed_in (at);
"""

_SIXTH_SCHEMA: Final = """
-- Why the hub hands nothing of a message to its recipient, while that is so: JSON as `result.json` has it.
ALTER TABLE submissions ADD COLUMN denied TEXT;
"""

_SEVENTH_SCHEMA: Final = """
-- Whether a message is the last reply to the one that it answers; of what passed before this was noted, that it is.
ALTER TABLE threads ADD COLUMN last_reply INTEGER NOT NULL DEFAULT 1;
"""

_EIGHTH_SCHEMA: Final = """
-- Whom a consent or a measure is about: our own word about somebody is found here, whatever the hub finds.
ALTER TABLE records ADD COLUMN tag TEXT;
UPDATE records SET tag = tag_in(token) WHERE kind IN ('CONSENT', 'MEASURE');
CREATE INDEX records_tag ON records (tag) WHERE tag IS NOT NULL;
"""

_SCHEMAS: Final = (
    _FIRST_SCHEMA,
    _SECOND_SCHEMA,
    _THIRD_SCHEMA,
    _FOURTH_SCHEMA,
    _FIFTH_SCHEMA,
    _SIXTH_SCHEMA,
    _SEVENTH_SCHEMA,
    _EIGHTH_SCHEMA,
)
SCHEMA_VERSION: Final = len(_SCHEMAS)


class DeliveryState(StrEnum):
    """How far the hand-over of one file is."""

    PENDING = "pending"
    HANDING = "handing"
    HANDED = "handed"


class NoticeKind(StrEnum):
    """What a person is told."""

    WITHHELD = "withheld"
    HELD = "held"
    NOT_WRITTEN = "not-written"
    BLOCKED = "blocked"
    UNCOLLECTED = "uncollected"
    EXPIRED = "expired"
    LATE = "late"
    REFUSED_BY_RECIPIENT = "refused-by-recipient"
    REFUSED_BY_US = "refused-by-us"
    ALARM = "alarm"
    DISK = "disk"
    NOT_TAKEN = "not-taken"
    CATALOGUE = "catalogue"
    RECORD_REFUSED = "record-refused"
    MARKED = "marked"
    QUESTION = "question"
    UNCORRECTED = "uncorrected"
    EMERGENCY_REFUSED = "emergency-refused"
    ENDS = "ends"
    TOLD_BY_HUB = "told-by-hub"
    RELEASE_DENIED = "release-denied"
    CANARY = "canary"
    UNPROMPTED = "unprompted"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One file to put into one folder, once.

    Attributes:
        folder: Absolute path of the folder.
        name: The name it gets.
        part: The name it has until then.
        data: Its bytes.
        message: The message it belongs to, or None.
    """

    folder: Path
    name: str
    part: str
    data: bytes
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person must see; Dutch first, then English."""

    id: int
    kind: NoticeKind
    about: str
    text_nl: str
    text_en: str
    at: datetime


class Journal:
    """The journal of one connector. One process writes; `status` may read beside it.

    Args:
        path: The SQLite file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            # What was in a row may be about a child: it does not stay in free pages.
            "secure_delete = ON",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._make_schema()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def step(self, name: str) -> Iterator[sqlite3.Connection]:
        """Take one durable step: everything in the block is on the disk when it ends, or nothing is.

        Args:
            name: What the step is called, for tests and errors.

        Raises:
            sqlite3.Error: The step did not take place.
        """
        del name
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def rows(self, query: str, *arguments: object) -> list[sqlite3.Row]:
        """Read, outside any step."""
        return self._connection.execute(query, arguments).fetchall()

    def row(self, query: str, *arguments: object) -> sqlite3.Row | None:
        """Read one row, or None."""
        found: sqlite3.Row | None = self._connection.execute(query, arguments).fetchone()
        return found

    def meta(self, name: str) -> str | None:
        """Read one remembered value."""
        found = self.row("SELECT value FROM meta WHERE name = ?", name)
        return None if found is None else str(found["value"])

    def open_notices(self) -> tuple[Notice, ...]:
        """List what nobody has confirmed yet, oldest first."""
        return tuple(
            Notice(
                id=row["id"],
                kind=NoticeKind(row["kind"]),
                about=row["about"],
                text_nl=row["text_nl"],
                text_en=row["text_en"],
                at=from_milliseconds(row["at"]),
            )
            for row in self.rows("SELECT * FROM notices WHERE confirmed_at IS NULL ORDER BY id")
        )

    def _make_schema(self) -> None:
        with self.step("schema") as db:
            db.create_function("tag_in", 1, tag_in, deterministic=True)
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise RuntimeError(f"the journal has version {version}, this program knows {SCHEMA_VERSION}")
            for schema in _SCHEMAS[version:]:
                for statement in schema.split(";\n"):
                    if statement.strip():
                        db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def remember(db: sqlite3.Connection, name: str, value: str) -> None:
    """Remember one value, within a step."""
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))


def deliver(db: sqlite3.Connection, delivery: Delivery) -> None:
    """Let a file be put into a folder after this step."""
    db.execute(
        "INSERT INTO deliveries (folder, name, part, data, message) VALUES (?, ?, ?, ?, ?)",
        (str(delivery.folder), delivery.name, delivery.part, delivery.data, delivery.message),
    )


def notify(db: sqlite3.Connection, *, kind: NoticeKind, about: str, text_nl: str, text_en: str, at: datetime) -> None:
    """Tell people something until one of them confirms it; the same about the same is told once."""
    db.execute(
        "INSERT INTO notices (kind, about, text_nl, text_en, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, about) WHERE confirmed_at IS NULL"
        " DO UPDATE SET text_nl = excluded.text_nl, text_en = excluded.text_en",
        (kind, about, text_nl, text_en, milliseconds(at)),
    )


def confirm(db: sqlite3.Connection, *, about: str, at: datetime) -> int:
    """Confirm every notice about a message or file, or the notice with this number; return how many."""
    return db.execute(
        "UPDATE notices SET confirmed_at = ? WHERE confirmed_at IS NULL AND (about = ? OR CAST(id AS TEXT) = ?)",
        (milliseconds(at), about, about),
    ).rowcount


def take_back(db: sqlite3.Connection, *, kind: NoticeKind, about: str, at: datetime) -> None:
    """Let people no longer see what is no longer so; other notices about the same stay."""
    db.execute(
        "UPDATE notices SET confirmed_at = ? WHERE confirmed_at IS NULL AND kind = ? AND about = ?",
        (milliseconds(at), kind, about),
    )


def hand_over_all(journal: Journal, *, disk: Disk, at: datetime) -> int:
    """Bring every delivery to its end, in the order in which they were asked for; return how many files came.

    A folder that cannot be written holds up what goes there and nothing else. Call it at a start and after every step
    that asked for deliveries.

    Raises:
        DiskFullError: There is no room; what is left stays pending.
        OSError: A folder cannot be written; the same.
    """
    handed = 0
    trouble: dict[str, OSError] = {}
    for number in [row["id"] for row in journal.rows("SELECT id FROM deliveries WHERE state <> 'handed' ORDER BY id")]:
        row = journal.row("SELECT * FROM deliveries WHERE id = ?", number)
        if row is None or row["folder"] in trouble:
            continue
        try:
            _hand_over(journal, row, disk=disk, at=at)
            handed += 1
        except OSError as error:
            trouble[row["folder"]] = error
    if trouble:
        raise next(iter(trouble.values()))
    return handed


def _hand_over(journal: Journal, row: sqlite3.Row, *, disk: Disk, at: datetime) -> None:
    folder, number = Path(row["folder"]), row["id"]
    part, target = folder / row["part"], folder / row["name"]
    if row["state"] == DeliveryState.PENDING:
        disk.write(part, row["data"])
        # Its name must be durable before `handing` is: a part file that a power cut takes away would look handed over.
        disk.sync_folder(folder)
        with journal.step("handing") as db:
            db.execute("UPDATE deliveries SET state = 'handing' WHERE id = ?", (number,))
    # After a crash: a part file that is gone was renamed, so the file was handed over.
    if part.exists():
        disk.replace(part, target)
    disk.sync_folder(folder)
    with journal.step("handed") as db:
        db.execute(
            "UPDATE deliveries SET state = 'handed', data = NULL, handed_at = ? WHERE id = ?",
            (milliseconds(at), number),
        )


def milliseconds(at: datetime) -> int:
    """Write a moment as milliseconds since the epoch."""
    return int(at.timestamp() * 1000)


def from_milliseconds(value: int) -> datetime:
    """Read a moment from milliseconds since the epoch."""
    return datetime.fromtimestamp(value / 1000, UTC)
