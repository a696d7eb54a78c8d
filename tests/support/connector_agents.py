"""Agents on a memory hub, with a journal, a disk and a hub that can fail at any point."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from audit.records import token_digest
from connectors.agent.directory import DirectoryKeeper
from connectors.agent.disk import Disk
from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.journal import Journal
from connectors.agent.keystore import Keys
from connectors.agent.outbox import outbox_round
from connectors.agent.scan import Scanner
from connectors.agent.services import Services
from connectors.agent.watching import watch_round
from connectors.formats.fhir import FhirFormat
from connectors.formats.stuf import StufFormat
from connectors.settings import Folders, HubSettings, Settings
from schemas.codes import Register
from schemas.document import Document
from schemas.identifiers import OIN, ProfessionalNumber
from schemas.message import Responsible
from tests.support.connector_world import HUB, World
from tests.support.memory_hub import MemoryHub


class Crash(BaseException):
    """The process is killed here."""


@dataclass(slots=True)
class Fuse:
    """Burns at its `at`-th point, once; below 0 never."""

    at: int = -1
    passed: int = field(default=0, init=False)

    def point(self, _: str = "") -> None:
        """Pass a point, or be killed there."""
        if self.passed == self.at:
            self.at = -1
            raise Crash
        self.passed += 1


class CrashingJournal(Journal):
    """A journal whose process is killed before or after one of its steps."""

    fuse: Fuse | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[sqlite3.Connection]:
        """Take a step, or be killed before or after it."""
        if self.fuse:
            self.fuse.point()
        with super().step(name) as db:
            yield db
        if self.fuse:
            self.fuse.point()


@dataclass(frozen=True, slots=True)
class CrashingDisk(Disk):
    """A disk whose process is killed before or after one of its writes."""

    fuse: Fuse = field(default_factory=Fuse)

    def write(self, path: Path, data: bytes) -> None:
        """Write, or be killed before or after."""
        self.fuse.point()
        Disk.write(self, path, data)
        self.fuse.point()

    def replace(self, source: Path, target: Path) -> None:
        """Rename, or be killed before or after."""
        self.fuse.point()
        Disk.replace(self, source, target)
        self.fuse.point()

    def remove(self, path: Path) -> None:
        """Remove, or be killed before or after."""
        self.fuse.point()
        Disk.remove(self, path)
        self.fuse.point()


@dataclass
class Agent:
    """One organisation's agent; `restart` is what its service manager does after a crash."""

    world: World
    hub: MemoryHub
    oin: OIN
    home: Path
    fuse: Fuse = field(default_factory=Fuse)
    scan: tuple[str, ...] = ()
    settings_changes: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folders = {name: self.home / name for name in ("out", "sent", "refused", "in", "answers", "questions")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(
            home=self.home,
            oin=self.oin,
            name="Test",
            role=self.world.organisations[self.oin].role,
            hub=HubSettings(
                name=HUB, url="https://hub.ketenhub.test", log_vkey=self.world.log_key.vkey, registrar=None
            ),
            folders=Folders(
                out=folders["out"],
                sent=folders["sent"],
                refused=folders["refused"],
                inbox=folders["in"],
                answers=folders["answers"],
                questions=folders["questions"],
            ),
            responsible=Responsible(register=Register.EIGEN, number=ProfessionalNumber("dienst")),
            free_bytes_min=0,
            scan=self.scan,
            **self.settings_changes,  # type: ignore[arg-type]  # by name
        )
        self.start()
        with self.journal.step("our statements") as db:
            for record in self.world.records:
                if record.oin == self.oin and record.statement is not None:
                    db.execute("INSERT INTO statements VALUES (?, 0)", (token_digest(record.statement),))

    def start(self) -> None:
        """Open the journal and wire everything, as the command line does."""
        organisation = self.world.organisations[self.oin]
        self.journal = CrashingJournal(self.home / "journal.sqlite")
        self.journal.fuse = self.fuse
        self.services = Services(
            settings=self.settings,
            journal=self.journal,
            disk=CrashingDisk(self.fuse),
            clock=self.world.clock,
            randomness=self.world.randomness,
            keys=Keys(
                signing=organisation.signing,
                sealing=organisation.sealing,
                opening={organisation.sealing.public.kid: organisation.sealing},
                chain={self.world.chain.epoch: self.world.chain},
            ),
            policy=self.world.policy,
            formats=(StufFormat(), FhirFormat()),
            scanner=Scanner(command=self.scan, seconds=10),
            directory=DirectoryKeeper(
                journal=self.journal,
                oin=self.oin,
                log=self.world.log_key,
                registrar=self.world.registrar.public,
            ),
            hub=self.hub.called_by(self.oin),
            log=self.world.log_key,
        )

    def restart(self) -> None:
        """Start again after a crash."""
        self.journal.close()
        self.start()

    def drop(self, name: str, data: bytes) -> None:
        """Put a file into `out`: write, then rename."""
        part = self.settings.folders.out / f"{name}.part"
        part.write_bytes(data)
        part.rename(self.settings.folders.out / name)

    def drop_document(self, name: str, document: Document) -> None:
        """Put a document into `out`, as a system that writes FHIR does."""
        self.drop(name, FhirFormat().write(document, withheld=(), at=self.world.clock.now()).data)

    async def rounds(self) -> None:
        """Do everything that there is to do, a little later than before."""
        self.world.clock.advance(seconds=10)
        await outbox_round(self.services)
        while await list_inbox(self.services, wait_seconds=0):
            pass
        while await inbox_round(self.services):
            pass
        await watch_round(self.services)

    def names(self, folder: str) -> list[str]:
        """The files in one of the folders; hidden ones too."""
        return sorted(path.name for path in (self.home / folder).iterdir())
