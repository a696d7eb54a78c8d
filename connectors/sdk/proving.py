"""Proofs of the hub's log, checked against the log key that was pinned at set-up.

Nothing that the hub says counts before this holds: the entry's exact text is at its index in the tree of a checkpoint
that the pinned key signed, and that checkpoint continues the last one this connector saw.

    proven = prove_entry(entry=answer.entry, tlog_proof=answer.tlog_proof, log=parse_vkey(settings.hub.log_vkey))
    proven.entry.kind, proven.index

Source: RFC 6962, section 2.1; C2SP tlog-checkpoint and tlog-proof; the architecture, section 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entries import Entry, parse_entry
from audit.hashing import hash_leaf
from audit.note import NoteKey, parse_note, verify_note
from audit.proof_file import parse_proof_file
from audit.proofs import verify_consistency, verify_inclusion
from audit.records import ShownRecord, parse_shown, verify_commitment
from schemas.codes import EntryKind
from schemas.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry:
    """An entry that is in the log at its index.

    Attributes:
        entry: What it says.
        index: Its place, from 0.
        checkpoint: The signed tree head that it was proven in.
    """

    entry: Entry
    index: int
    checkpoint: Checkpoint


def prove_entry(*, entry: str, tlog_proof: str, log: NoteKey) -> ProvenEntry:
    """Check that an entry is in the log.

    Args:
        entry: Its exact text.
        tlog_proof: The proof file that came with it.
        log: The pinned key of the log.

    Raises:
        DocumentError: Entry or proof has not the form of one.
        SignatureError: The pinned key did not sign the checkpoint.
        EvidenceError: The checkpoint is of another log, or the entry is not in its tree.
    """
    proof = parse_proof_file(tlog_proof.encode())
    verify_note(proof.note, [log])
    _check_origin(proof.checkpoint, log)
    text = entry.encode()
    proof.verify_entry(text)
    return ProvenEntry(entry=parse_entry(text), index=proof.index, checkpoint=proof.checkpoint)


def prove_checkpoint(text: str, *, log: NoteKey) -> Checkpoint:
    """Check that a checkpoint is the log's.

    Raises:
        DocumentError: It is not a signed checkpoint.
        SignatureError: The pinned key did not sign it.
        EvidenceError: It is of another log.
    """
    note = parse_note(text.encode())
    verify_note(note, [log])
    checkpoint = parse_checkpoint(note.text)
    _check_origin(checkpoint, log)
    return checkpoint


def prove_consistency(*, earlier: Checkpoint, later: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that the log went on from an earlier checkpoint and rewrote nothing.

    Raises:
        EvidenceError: It is not shown.
    """
    if earlier.size == 0:
        return
    verify_consistency(
        size1=earlier.size, root1=earlier.root_hash, size2=later.size, root2=later.root_hash, proof=proof
    )


def prove_place(text: bytes, *, index: int, path: Sequence[bytes], checkpoint: Checkpoint) -> Entry:
    """Check that an entry stands at an index in the tree of a proven checkpoint.

    Raises:
        DocumentError: It has not the form of an entry.
        EvidenceError: It does not stand there.
    """
    verify_inclusion(
        leaf_hash=hash_leaf(text),
        leaf_index=index,
        tree_size=checkpoint.size,
        path=path,
        root_hash=checkpoint.root_hash,
    )
    return parse_entry(text)


def prove_shown(*, shown: str, salt: bytes, entry: Entry, kind: EntryKind) -> ShownRecord:
    """Check that what a decision shows is what its entry commits to.

    Args:
        shown: The record's exact text.
        salt: Its salt, 32 bytes.
        entry: The proven entry.
        kind: What the entry must be.

    Raises:
        DocumentError: Record or salt has not its form.
        EvidenceError: The entry commits to something else, or the record is of another kind of entry.
    """
    if entry.shown is None:
        raise EvidenceError("the entry commits to nothing that is shown", code="hub.shown.missing")
    verify_commitment(commitment=entry.shown, salt=salt, record=shown)
    record = parse_shown(shown)
    if record.entry_kind is not kind or record.catalogue != entry.catalogue or record.ground != entry.purpose:
        raise EvidenceError("what is shown and its entry say different things", code="hub.shown.contradiction")
    return record


def _check_origin(checkpoint: Checkpoint, log: NoteKey) -> None:
    if checkpoint.origin != log.name:
        raise EvidenceError("the checkpoint is of another log than the pinned one", code="hub.log.origin")
