"""Going on with the log that continues the pinned one: what is known goes along, what was under way begins anew.

A new log begins empty. Were its directory believed as it comes, a suspension, a revoked key or a replaced one would be
undone by leaving its entry out: whoever holds a key of long ago could begin with it again. So nothing is taken over
before the new log's chain of PARTICIPANT entries holds, for every organisation, all documents that the old one was
verified to hold, in their order; what is missing is posted from here, for the documents speak for themselves.

What the hub had not finished it does not have any more. Messages without an accepting receipt are submitted again, as
the same bytes. What was collected and not opened is collected again. What was handed over stays handed over: when it
comes again, its receipt is signed again and no file comes twice (`connectors.agent.inbox`).

Source: the architecture, section 6, "Way back".
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.continuation import Continuation
from audit.note import NoteKey
from audit.records import token_digest
from connectors.agent.catalogues import BEGAN, BOARDS, FOLLOWED
from connectors.agent.directory import CHECKPOINT, DirectoryKeeper
from connectors.agent.inbox import CURSOR
from connectors.agent.journal import Journal, remember
from connectors.sdk.ports import Hub
from connectors.sdk.proving import prove_checkpoint, prove_place
from schemas.codes import TokenType
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws
from schemas.requests import parse_receipt

LOG: Final = "log"
"""Under which the journal remembers whose log its directory is of; absent until a first change of logs."""
_MEMORY: Final = Path(":memory:")
_DOCUMENTS: Final = "SELECT log_index, oin, admission, statement, replaced FROM participants ORDER BY log_index"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEntry:
    """An entry of the old log that this connector is party to.

    Attributes:
        index: Its place in the old log.
        kind: What it was, as log entries say it.
        about: The message, or the organisation.
    """

    index: int
    kind: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What begins anew.

    Attributes:
        submitted: Messages that are submitted again.
        collected: Messages that were listed or collected and not opened: they are collected again.
    """

    submitted: int
    collected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """What one PARTICIPANT entry committed to; `replaced` goes along with the statement."""

    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None

    @property
    def committed(self) -> tuple[str | None, str | None]:
        """What its entry names."""
        return self.admission, self.statement


def last_seen(journal: Journal, *, log: NoteKey) -> Checkpoint | None:
    """Return the newest checkpoint of a log that this connector verified; None if it never saw one.

    Raises:
        SignatureError: What is remembered is of another log.
    """
    text = journal.meta(CHECKPOINT)
    return None if text is None else prove_checkpoint(text, log=log)


def own_entries(journal: Journal, *, among: range) -> tuple[OwnEntry, ...]:
    """List the entries in a range of the old log that this connector knows itself to be party to."""
    return tuple(sorted((each for each in _own(journal) if each.index in among), key=lambda each: each.index))


def _own(journal: Journal) -> Iterator[OwnEntry]:
    for row in journal.rows("SELECT id, log_index, receipt FROM submissions WHERE log_index IS NOT NULL"):
        yield OwnEntry(index=row["log_index"], kind="SUBMISSION", about=row["id"])
        if row["receipt"] is not None:
            yield OwnEntry(index=json.loads(row["receipt"])["log_index"], kind="RECEIPT", about=row["id"])
    for row in journal.rows("SELECT id, log_index, receipt FROM received"):
        yield OwnEntry(index=row["log_index"], kind="SUBMISSION", about=row["id"])
        if row["receipt"] is not None:
            receipt = parse_receipt(parse_jws(row["receipt"], typ=TokenType.RECEIPT).payload)
            yield OwnEntry(index=receipt.index, kind="DISCLOSURE", about=row["id"])
    for row in journal.rows("SELECT log_index, oin FROM participants"):
        yield OwnEntry(index=row["log_index"], kind="PARTICIPANT", about=row["oin"])


async def carry_over(
    journal: Journal, continuation: Continuation, *, oin: OIN, registrar: VerificationKey, hub: Hub, at: datetime
) -> Journal:
    """Verify the new log, and see to it that it holds everything that the old one said of participants.

    1. the log that is served is signed by the new key, and its first entry is that of the statement
    2. for each organisation one history is the beginning of the other; none was rewritten
    3. what the new log lacks is posted, in the order of the old one
    4. now it lacks nothing, and says nothing of ourselves that we did not

    Args:
        journal: What was verified in the old log. It is only read.
        continuation: From a verified statement.
        oin: Our own.
        registrar: Pinned key of the registrar.
        hub: The hub that serves the new log.
        at: Now.

    Returns:
        A journal in memory with the directory and the newest checkpoint of the new log, and nothing else.

    Raises:
        EvidenceError: The hub serves another log, or its directory is not the one that is known here.
        UnavailableError: The hub was not reached; what was posted is found by the next attempt.
    """
    trial = Journal(_MEMORY)
    keeper = DirectoryKeeper(journal=trial, oin=oin, log=continuation.successor, registrar=registrar)
    # 1.
    await keeper.refresh(hub, at=at)
    await _check_first_entry(keeper.last_checkpoint, continuation, hub=hub)
    # 2.
    known = _documents(journal)
    there = _histories(_documents(trial))
    _check_agreement(_histories(known), there)
    # 3.
    refusal: RejectedMessageError | None = None
    place: dict[OIN, int] = defaultdict(int)
    for each in known:
        place[each.oin] += 1
        if place[each.oin] > len(there.get(each.oin, ())):
            try:
                await hub.join(statement=each.statement, replaced=each.replaced, admission=each.admission)
            except RejectedMessageError as error:
                refusal = error  # another organisation may have been a moment before us: what counts is what is there
    # 4.
    await keeper.refresh(hub, at=at)
    there = _histories(_documents(trial))
    _check_agreement(_histories(known), there)
    _check_complete(_histories(known), there, refusal)
    _check_own(journal, there.get(oin, ()))
    return trial


async def _check_first_entry(checkpoint: Checkpoint | None, continuation: Continuation, *, hub: Hub) -> None:
    if checkpoint is None or checkpoint.size == 0:
        raise UnavailableError("the new log has no entries yet", code="hub.log.behind")
    path = await hub.inclusion(index=0, size=checkpoint.size)
    prove_place(continuation.entry.text, index=0, path=path, checkpoint=checkpoint)


def _documents(journal: Journal) -> tuple[_Documents, ...]:
    return tuple(
        _Documents(
            oin=OIN(row["oin"]), admission=row["admission"], statement=row["statement"], replaced=row["replaced"]
        )
        for row in journal.rows(_DOCUMENTS)
    )


def _histories(documents: Sequence[_Documents]) -> dict[OIN, list[tuple[str | None, str | None]]]:
    found: dict[OIN, list[tuple[str | None, str | None]]] = defaultdict(list)
    for each in documents:
        found[each.oin].append(each.committed)
    return dict(found)


_Histories = Mapping[OIN, Sequence[tuple[str | None, str | None]]]


def _check_agreement(known: _Histories, there: _Histories) -> None:
    for oin, history in known.items():
        new = there.get(oin, ())
        common = min(len(new), len(history))
        if list(new[:common]) != list(history[:common]):
            text = f"the new log tells another history of organisation {oin.value} than the old one"
            raise EvidenceError(text, code="hub.continuation.directory")


def _check_complete(known: _Histories, there: _Histories, refusal: RejectedMessageError | None) -> None:
    lacking = [oin.value for oin, history in known.items() if len(there.get(oin, ())) < len(history)]
    if lacking:
        raise EvidenceError(
            f"the new log does not take what the old one said of {', '.join(lacking)}",
            code=refusal.code if refusal else "hub.continuation.directory",
            detail=refusal.public_message if refusal else "",
        )


def _check_own(journal: Journal, history: Sequence[tuple[str | None, str | None]]) -> None:
    """Check that we made every statement of our own that the new log has."""
    ours = {row["digest"] for row in journal.rows("SELECT digest FROM statements")}
    if any(statement is not None and token_digest(statement) not in ours for _, statement in history):
        text = "the new log holds a statement for our own OIN that this connector did not make"
        raise EvidenceError(text, code="hub.continuation.own-statement")


def move_to(journal: Journal, continuation: Continuation, *, trial: Journal) -> Moved:
    """Go on with the new log, in one step.

    Args:
        journal: The connector's own.
        continuation: From a verified statement.
        trial: From `carry_over`.
    """
    checkpoint = trial.meta(CHECKPOINT)
    assert checkpoint is not None, "the new log was read"
    participants = [tuple(row) for row in trial.rows("SELECT * FROM participants ORDER BY log_index")]
    with journal.step("log continued") as db:
        db.execute("DELETE FROM participants")
        db.execute("DELETE FROM checkpoints")
        db.executemany("INSERT INTO participants VALUES (?, ?, ?, ?, ?, ?, ?)", participants)
        remember(db, CHECKPOINT, checkpoint)
        remember(db, LOG, continuation.successor.vkey)
        # Places of the old log; the catalogue that we decide by stays.
        db.execute("DELETE FROM meta WHERE name IN (?, ?, ?)", (CURSOR, FOLLOWED, BOARDS))
        remember(db, BEGAN, str(continuation.entry.time // 1000))
        submitted = db.execute(
            "UPDATE submissions SET state = 'prepared', attempts = 0, next_at = 0, trouble = NULL"
            " WHERE state IN ('waiting', 'released')"
        ).rowcount
        # Who has signed a receipt that accepts has handed the message over, whatever came after.
        db.execute(
            "UPDATE received SET state = 'former', release = NULL, attempts = 0, next_at = 0, trouble = NULL"
            " WHERE receipt IS NOT NULL AND outcome IS NOT 'refused'"
        )
        collected = db.execute("DELETE FROM received WHERE state IN ('listed', 'released')").rowcount
        db.execute("DELETE FROM received WHERE state <> 'former'")
    return Moved(submitted=submitted, collected=collected)
