"""The journal: steps are whole or absent, and a file is handed over once, whatever crashes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.agent.disk import Disk
from connectors.agent.journal import (
    _FIRST_SCHEMA,
    _SCHEMAS,
    Delivery,
    Journal,
    NoticeKind,
    confirm,
    deliver,
    hand_over_all,
    notify,
    remember,
)
from connectors.agent.recording import CONSENT, own_payloads
from schemas.codes import TokenType
from schemas.consents import consent_to_payload
from schemas.identifiers import SubjectTag
from schemas.jws import sign_jws
from tests.support.law_records import consent_record
from tests.support.parties import seeded_key

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process is killed here."""


@dataclass(slots=True)
class Fuse:
    """Burns at its `at`-th write point: before the write if even, after it if odd."""

    at: int
    passed: int = field(default=0, init=False)

    def point(self) -> None:
        if self.passed == self.at:
            self.at = -1
            raise Crash
        self.passed += 1


class CrashingJournal(Journal):
    """A journal whose process is killed before or after one of its steps."""

    fuse: Fuse | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[sqlite3.Connection]:
        if self.fuse:
            self.fuse.point()
        with super().step(name) as db:
            yield db
        if self.fuse:
            self.fuse.point()


@dataclass(frozen=True, slots=True)
class CrashingDisk(Disk):
    """A disk whose process is killed before or after one of its writes."""

    fuse: Fuse

    def write(self, path: Path, data: bytes) -> None:
        self.fuse.point()
        Disk.write(self, path, data)
        self.fuse.point()

    def replace(self, source: Path, target: Path) -> None:
        self.fuse.point()
        Disk.replace(self, source, target)
        self.fuse.point()


def _deliveries(folder: Path) -> tuple[Delivery, ...]:
    return tuple(
        Delivery(folder=folder, name=f"m1{suffix}", part=".m1.part", data=suffix.encode(), message="m1")
        for suffix in (".evidence.json", ".fhir.json", ".xml")
    )


def test_each_file_is_handed_over_once_wherever_the_process_is_killed(tmp_path: Path) -> None:
    """The other system takes away each file as soon as it sees it, so a second hand-over would show."""
    killed = 0
    for at in range(60):
        home = tmp_path / str(at)
        inbox = home / "in"
        inbox.mkdir(parents=True)
        journal = CrashingJournal(home / "journal.sqlite")
        with journal.step("received") as db:
            for delivery in _deliveries(inbox):
                deliver(db, delivery)
        fuse = Fuse(at)
        journal.fuse = fuse
        taken: list[str] = []
        for _ in range(3):
            try:
                hand_over_all(journal, disk=CrashingDisk(fuse), at=AT)
            except Crash:
                killed += 1
                journal.close()
                journal = CrashingJournal(home / "journal.sqlite")
            for path in sorted(inbox.iterdir()):
                if not path.name.startswith("."):
                    taken.append(path.name)
                    path.unlink()
        assert sorted(taken) == ["m1.evidence.json", "m1.fhir.json", "m1.xml"]
        assert [row["state"] for row in journal.rows("SELECT state FROM deliveries")] == ["handed"] * 3
        assert journal.rows("SELECT 1 FROM deliveries WHERE data IS NOT NULL") == []
        journal.close()
    assert killed == 24  # three files with two writes and two steps each, before and after


def test_the_files_come_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with journal.step("received") as db:
        for delivery in _deliveries(tmp_path):
            deliver(db, delivery)
    order: list[str] = []

    @dataclass(frozen=True, slots=True)
    class WatchedDisk(Disk):
        def replace(self, source: Path, target: Path) -> None:
            order.append(target.name)
            Disk.replace(self, source, target)

    assert hand_over_all(journal, disk=WatchedDisk(), at=AT) == 3
    assert order == ["m1.evidence.json", "m1.fhir.json", "m1.xml"]
    journal.close()


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")

    def half() -> None:
        with journal.step("half") as db:
            remember(db, "name", "value")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert journal.meta("name") is None
    journal.close()


def test_a_journal_is_durable_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with journal.step("one") as db:
        remember(db, "name", "first")
        remember(db, "name", "second")
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.meta("name") == "second"
    assert [tuple(row) for row in journal.rows("PRAGMA synchronous")] == [(2,)]
    assert [tuple(row) for row in journal.rows("PRAGMA journal_mode")] == [("wal",)]
    journal.close()


def test_a_notice_stays_until_somebody_confirms_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    with journal.step("told") as db:
        for text in ("eerst", "daarna"):
            notify(db, kind=NoticeKind.WITHHELD, about="m1", text_nl=text, text_en="…", at=AT)
        notify(db, kind=NoticeKind.EXPIRED, about="m2", text_nl="verlopen", text_en="expired", at=AT)
    assert [(notice.about, notice.text_nl) for notice in journal.open_notices()] == [
        ("m1", "daarna"),
        ("m2", "verlopen"),
    ]
    with journal.step("confirmed") as db:
        assert confirm(db, about="m1", at=AT) == 1
    assert [notice.about for notice in journal.open_notices()] == ["m2"]
    journal.close()


def test_a_journal_of_another_version_is_not_touched(tmp_path: Path) -> None:
    Journal(tmp_path / "journal.sqlite").close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RuntimeError, match="99"):
        Journal(tmp_path / "journal.sqlite")


def test_a_journal_of_an_earlier_version_goes_on_with_what_it_has(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.executescript(_FIRST_SCHEMA)
        connection.execute("INSERT INTO meta VALUES ('inbox', '7')")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.meta("inbox") == "7"
    assert journal.rows("SELECT * FROM checkpoints") == []
    journal.close()


def test_a_journal_of_before_knows_whom_its_records_are_about(tmp_path: Path) -> None:
    """What was taken back before the upgrade counts after it too."""
    record = consent_record()
    token = sign_jws(consent_to_payload(record), typ=TokenType.CONSENT, key=seeded_key("journal"))
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        for schema in _SCHEMAS[:7]:
            connection.executescript(schema)
        insert = "INSERT INTO records (id, kind, token, signed_at) VALUES (?, ?, ?, 0)"
        connection.execute(insert, (record.id.value, "CONSENT", token))
        connection.execute(insert, ("other", "RECALL", "a.e30.b"))
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    journal = Journal(tmp_path / "journal.sqlite")
    assert own_payloads(journal, CONSENT, about=[record.tag]) == (consent_to_payload(record),)
    assert own_payloads(journal, CONSENT, about=[SubjectTag("1." + "A" * 22)]) == ()
    journal.close()


def test_a_part_file_has_its_name_on_the_disk_before_the_journal_counts_on_it(tmp_path: Path) -> None:
    """Else a power cut takes the part file away, and at the next start it looks as if it had been handed over."""
    order: list[str] = []

    class WatchedJournal(Journal):
        @contextmanager
        def step(self, name: str) -> Iterator[sqlite3.Connection]:
            with super().step(name) as db:
                yield db
            order.append(name)

    @dataclass(frozen=True, slots=True)
    class WatchedDisk(Disk):
        def write(self, path: Path, data: bytes) -> None:
            Disk.write(self, path, data)
            order.append("write")

        def replace(self, source: Path, target: Path) -> None:
            Disk.replace(self, source, target)
            order.append("rename")

        def sync_folder(self, folder: Path) -> None:
            Disk.sync_folder(self, folder)
            order.append("sync")

    journal = WatchedJournal(tmp_path / "journal.sqlite")
    with journal.step("asked") as db:
        deliver(db, Delivery(folder=tmp_path, name="m1.xml", part=".m1.part", data=b"x"))
    hand_over_all(journal, disk=WatchedDisk(), at=AT)
    journal.close()
    assert order == ["schema", "asked", "write", "sync", "handing", "rename", "sync", "handed"]
