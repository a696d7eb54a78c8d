"""A small log in memory: entries in, files in the layout of tlog-tiles out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entries import EntryDraft, finalise_entry
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.note import Note, NoteSigner
from audit.proof_file import proof_text
from audit.proofs import HashAt, make_inclusion_proof
from audit.tiles import CHECKPOINT_PATH, TILE_WIDTH, bundle_to_bytes, tile_to_bytes, tiles_of
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.identifiers import OIN

ORIGIN = "hub.ketenhub.test/log/1"
SIGNER = NoteSigner.from_seed(name=ORIGIN, seed=sha256(b"log key of tests").digest())
GEMEENTE = OIN("00000099000000001000")
RAAD = OIN("00000099000000002000")


def digest(text: str) -> str:
    """A digest in the form that entries hold."""
    return b64url(sha256(text.encode()).digest())


def participant(number: int, oin: OIN = GEMEENTE) -> EntryDraft:
    """A PARTICIPANT entry."""
    return EntryDraft(
        kind=EntryKind.PARTICIPANT,
        id=f"participant-{number}",
        oin=oin,
        statement=digest(f"statement {number}"),
        admission=digest(f"admission {number}"),
        pad=number.to_bytes(16, "big"),
    )


def submission(number: int, *, as_of: int = 0) -> EntryDraft:
    """A SUBMISSION entry."""
    return EntryDraft(
        kind=EntryKind.SUBMISSION,
        id=f"submission-{number}",
        sender=GEMEENTE,
        recipient=RAAD,
        purpose="VTO",
        catalogue=digest("catalogue"),
        as_of=as_of,
        message=digest(f"message {number}"),
        shown=digest(f"shown {number}"),
    )


def reader_of(leaf_hashes: Sequence[bytes]) -> HashAt:
    """A reader over leaf hashes that are all in memory."""

    def hash_at(level: int, index: int) -> bytes:
        return CompactRange().extend(leaf_hashes[index << level : index + 1 << level]).root_hash

    return hash_at


@dataclass(slots=True)
class MemoryLog:
    """A log that keeps everything; `files` is what a hub would publish."""

    signer: NoteSigner = SIGNER
    texts: list[bytes] = field(default_factory=list)
    time: int = 1_795_432_568_000
    newest_participant: int | None = None

    def append(self, draft: EntryDraft, *, kept: Sequence[str] = ()) -> int:
        """Append an entry a second later; return its index."""
        index = len(self.texts)
        self.time += 1000
        entry = finalise_entry(
            draft, index=index, time=self.time, newest_participant=self.newest_participant, kept=kept
        )
        self.texts.append(entry.text)
        if draft.kind is EntryKind.PARTICIPANT:
            self.newest_participant = index
        return index

    @property
    def leaves(self) -> list[bytes]:
        return [hash_leaf(text) for text in self.texts]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        leaves = self.leaves[:size]
        return Checkpoint(origin=self.signer.name, size=len(leaves), root_hash=CompactRange().extend(leaves).root_hash)

    def note(self, size: int | None = None) -> Note:
        return sign_checkpoint(self.checkpoint(size), self.signer)

    def proof(self, index: int, *, size: int | None = None) -> str:
        """The tlog-proof of an entry in the tree of `size`, the whole log if None."""
        leaves = self.leaves[:size]
        path = make_inclusion_proof(leaf_index=index, tree_size=len(leaves), hash_at=reader_of(leaves))
        return proof_text(index=index, path=path, checkpoint=str(self.note(size)))

    @property
    def files(self) -> dict[str, bytes]:
        """Every file of the log by its path."""
        leaves, size = self.leaves, len(self.texts)
        files = {CHECKPOINT_PATH: str(self.note()).encode()}
        hash_at = reader_of(leaves)
        for tile in tiles_of(size):
            places = range(tile.index * TILE_WIDTH, tile.index * TILE_WIDTH + tile.width)
            files[tile.path] = tile_to_bytes([hash_at(8 * tile.level, place) for place in places])
            if tile.level == 0:
                files[tile.bundle_path] = bundle_to_bytes(self.texts[places.start : places.stop])
        return files


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Files by their path, as `audit.verify` reads them."""

    files: dict[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def write_log(log: MemoryLog, folder: Path) -> None:
    """Write a log's files below a folder."""
    for path, data in log.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
