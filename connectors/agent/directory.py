"""The connector's own directory: the chain of PARTICIPANT entries, walked and verified, remembered in the journal.

1. the hub lists what is new; the list is a claim
2. a checkpoint signed by the pinned key, which continues the last one this connector saw
3. each entry stands at its index in that checkpoint's tree, and names the one before it: none is left out
4. each entry commits to the admission and statement that came with it, and these follow from what was there
5. a statement for our own OIN is one that we made, or there is an alarm

Checkpoints that came with answers are checked against the next one that is read here: two views of the log cannot both
be its beginning; until then they stand in the journal, written in the step that rests on them. What is handed over was
proven in a checkpoint that was checked so before (`believe`); where the hub goes on showing a log that ends before one
of its own checkpoints, that is an alarm.

Source: the architecture, section 3 (admissions and statements) and section 6.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit.checkpoint import Checkpoint
from audit.evidence_file import ParticipantLink
from audit.note import NoteKey
from audit.proof_file import proof_text
from audit.records import token_digest
from connectors.agent.journal import Journal, NoticeKind, notify, remember
from connectors.sdk.answers import ParticipantLine
from connectors.sdk.ports import Hub
from connectors.sdk.proving import prove_checkpoint, prove_consistency, prove_place
from schemas.codes import EntryKind
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN
from schemas.jwk import VerificationKey
from schemas.participants import Directory

CHECKPOINT: Final = "checkpoint"
CHECKPOINTS_MAX: Final = 256
"""How many checkpoints wait to be checked; with one more they are checked at the next answer."""

BELIEVED_MAX: Final = 256
BEHIND_SECONDS_MAX: Final = 300
"""How long a hub may show a log that ends before a checkpoint of its own: a process may be behind for a moment."""

ROUNDS_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantEntry:
    """One PARTICIPANT entry with what it commits to; the form that `schemas.participants` reads."""

    index: int
    oin: OIN
    entry: str
    admission: str | None
    statement: str | None
    replaced: str | None
    tlog_proof: str

    @property
    def link(self) -> ParticipantLink:
        """The entry as it stands in evidence."""
        return ParticipantLink(
            entry=self.entry,
            tlog_proof=self.tlog_proof,
            admission=self.admission,
            statement=self.statement,
            replaced=self.replaced,
        )


class DirectoryKeeper:
    """Holds the directory and extends it from the log.

    Args:
        journal: Remembers the chain and the last checkpoint.
        oin: Our own.
        log: Pinned key of the hub's log.
        registrar: Pinned key of the registrar.
    """

    def __init__(self, *, journal: Journal, oin: OIN, log: NoteKey, registrar: VerificationKey) -> None:
        self._journal = journal
        self._oin = oin
        self._log = log
        self.registrar = registrar
        # The loops of the agent refresh when they need to, and each entry is written once.
        self._refreshing = asyncio.Lock()
        self._seen = {
            (row["size"], row["root"]): Checkpoint(origin=log.name, size=row["size"], root_hash=row["root"])
            for row in journal.rows("SELECT size, root FROM checkpoints")
        }
        self._checked: set[tuple[int, bytes]] = set()
        self._believed: dict[tuple[int, bytes], None] = {}
        self._behind_since: dict[tuple[int, bytes], datetime] = {}
        known = [
            ParticipantEntry(
                index=row["log_index"],
                oin=OIN(row["oin"]),
                entry=row["entry"],
                admission=row["admission"],
                statement=row["statement"],
                replaced=row["replaced"],
                tlog_proof=row["tlog_proof"],
            )
            for row in journal.rows("SELECT * FROM participants ORDER BY log_index")
        ]
        self.directory = Directory.empty(registrar=registrar).extended(known)
        self.links: dict[int, ParticipantLink] = {entry.index: entry.link for entry in known}

    @property
    def last_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint that was verified to continue all earlier ones."""
        text = self._journal.meta(CHECKPOINT)
        return None if text is None else prove_checkpoint(text, log=self._log)

    def saw(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint that came with an answer, to hold it against the next one."""
        key = checkpoint.size, checkpoint.root_hash
        if key not in self._believed:
            self._seen[key] = checkpoint

    def keep_seen(self, db: sqlite3.Connection) -> None:
        """Write down, within the step that rests on them, the checkpoints that are still to be checked."""
        db.executemany("INSERT INTO checkpoints (size, root) VALUES (?, ?) ON CONFLICT DO NOTHING", self._seen)

    async def believe(self, checkpoints: Sequence[Checkpoint], *, hub: Hub, at: datetime) -> None:
        """Hold checkpoints against the log that everybody sees, before anything that they prove is believed.

        Raises:
            EvidenceError: The hub signed two logs, or goes on showing one that ends before these.
            UnavailableError: The hub was not reached, or is a moment behind.
        """
        for checkpoint in checkpoints:
            self.saw(checkpoint)
        wanted = {(checkpoint.size, checkpoint.root_hash) for checkpoint in checkpoints}
        if wanted & self._seen.keys():
            await self.refresh(hub, at=at)
        if wanted & self._seen.keys():
            raise UnavailableError("the hub shows an older state of its log than it proves by", code="hub.log.behind")

    async def cover(self, index: int | None, *, hub: Hub, at: datetime) -> Directory:
        """Return a directory that knows the PARTICIPANT entry which a proven entry names as the newest.

        Raises:
            EvidenceError: The hub does not list an entry that its own log names.
            UnavailableError: The hub was not reached.
        """
        if len(self._seen) > CHECKPOINTS_MAX:
            await self.refresh(hub, at=at)
        if index is not None and index > self.directory.newest:
            await self.refresh(hub, at=at)
            if index > self.directory.newest:
                raise EvidenceError(
                    "the hub hides an entry of a participant that its log names", code="hub.directory.hidden"
                )
        return self.directory

    async def refresh(self, hub: Hub, *, at: datetime) -> Directory:
        """Read what is new, verify it, and remember it.

        Raises:
            EvidenceError: The log contradicts itself, or what the hub lists does not hold or does not follow.
            UnavailableError: The hub was not reached.
        """
        async with self._refreshing:
            try:
                return await self._refresh(hub, at=at)
            except RejectedMessageError as error:
                # Nobody's document is at fault: it is the hub that lists what does not hold.
                raise EvidenceError(
                    "what the hub shows of its log and participants does not hold",
                    code=error.code,
                    detail=error.public_message,
                ) from error

    async def _refresh(self, hub: Hub, *, at: datetime) -> Directory:
        for _ in range(ROUNDS_MAX):
            page = await hub.participants(after=self.directory.newest)
            text = await hub.checkpoint()
            checkpoint = prove_checkpoint(text, log=self._log)
            await self._check_continues(checkpoint, hub=hub, at=at)
            records = await self._verify(page.participants, text=text, checkpoint=checkpoint, hub=hub)
            directory = self.directory.extended(records)
            self._remember(records, checkpoint=text, at=at)
            self.directory = directory
            self.links.update({record.index: record.link for record in records})
            if not page.participants:
                return directory
        raise UnavailableError("the list of participants does not end", code="hub.directory.endless")

    async def _check_continues(self, checkpoint: Checkpoint, *, hub: Hub, at: datetime) -> None:
        earlier = dict(self._seen)
        last = self.last_checkpoint
        if last is not None:
            earlier[last.size, last.root_hash] = last
        for key, known in earlier.items():
            if known.size > checkpoint.size:
                # Another process of the hub may be a moment behind; it is asked again, unless it goes on so.
                since = self._behind_since.setdefault(key, at)
                if (at - since).total_seconds() > BEHIND_SECONDS_MAX:
                    raise EvidenceError("the log ends before what the hub signed earlier", code="hub.log.behind")
                if known is last:
                    raise UnavailableError("the hub shows an older state of its log", code="hub.log.behind")
                continue
            proof: Sequence[bytes] = ()
            if 0 < known.size < checkpoint.size:
                proof = await hub.consistency(old_size=known.size, new_size=checkpoint.size)
            prove_consistency(earlier=known, later=checkpoint, proof=proof)
            self._seen.pop(key, None)
            self._checked.add(key)
            self._behind_since.pop(key, None)
            self._believed[key] = None
            if len(self._believed) > BELIEVED_MAX:
                del self._believed[next(iter(self._believed))]

    async def _verify(
        self, lines: Sequence[ParticipantLine], *, text: str, checkpoint: Checkpoint, hub: Hub
    ) -> tuple[ParticipantEntry, ...]:
        records: list[ParticipantEntry] = []
        before = self.directory.newest
        for line in lines:
            path = await hub.inclusion(index=line.index, size=checkpoint.size)
            entry = prove_place(line.entry.encode(), index=line.index, path=path, checkpoint=checkpoint)
            holds = (
                entry.kind is EntryKind.PARTICIPANT
                and entry.oin == OIN(line.oin)
                and (-1 if entry.participants is None else entry.participants) == before
                and entry.admission == (token_digest(line.admission) if line.admission else None)
                and entry.statement == (token_digest(line.statement) if line.statement else None)
            )
            if not holds:
                raise EvidenceError("an entry of a participant is not what the hub lists", code="hub.directory.entry")
            records.append(
                ParticipantEntry(
                    index=line.index,
                    oin=OIN(line.oin),
                    entry=line.entry,
                    admission=line.admission,
                    statement=line.statement,
                    replaced=line.replaced,
                    tlog_proof=proof_text(index=line.index, path=tuple(path), checkpoint=text),
                )
            )
            before = line.index
        return tuple(records)

    def _remember(self, records: Sequence[ParticipantEntry], *, checkpoint: str, at: datetime) -> None:
        with self._journal.step("directory") as db:
            for record in records:
                # A command and the running connector may read the same news at once; what is proven is the same.
                db.execute(
                    "INSERT INTO participants VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (log_index) DO NOTHING",
                    (
                        record.index,
                        record.oin.value,
                        record.entry,
                        record.admission,
                        record.statement,
                        record.replaced,
                        record.tlog_proof,
                    ),
                )
                if record.oin == self._oin and record.statement is not None and not self._is_ours(record.statement):
                    notify(
                        db,
                        kind=NoticeKind.ALARM,
                        about=f"statement-{record.index}",
                        text_nl="ALARM: in het log staat een verklaring voor onze eigen OIN die deze connector niet"
                        f" heeft gemaakt (logregel {record.index}). Waarschuw de beheerder en de registrar.",
                        text_en="ALARM: the log holds a statement for our own OIN that this connector did not make"
                        f" (log index {record.index}). Tell the operator and the registrar.",
                        at=at,
                    )
            remember(db, CHECKPOINT, checkpoint)
            db.executemany("DELETE FROM checkpoints WHERE size = ? AND root = ?", self._checked)
        self._checked.clear()

    def _is_ours(self, statement: str) -> bool:
        return self._journal.row("SELECT 1 FROM statements WHERE digest = ?", token_digest(statement)) is not None
