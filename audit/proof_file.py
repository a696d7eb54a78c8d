"""Proof files: that an entry is in the log, as one text that can be checked offline.

    c2sp.org/tlog-proof@v1
    index 5
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      inclusion path, leaf to root
    B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

    hub.example.nl/log/1                              the checkpoint, word for word
    7
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — hub.example.nl/log/1 hI2DJw…

The entry itself is not in it: whoever checks has the entry's bytes. An `extra` line may stand before `index`; it is
kept and never believed, for nothing signs it.

Source: c2sp.org/tlog-proof@v1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from audit.checkpoint import Checkpoint, parse_checkpoint, parse_decimal
from audit.encoding import b64, b64_decode
from audit.errors import refused
from audit.hashing import HASH_BYTES, hash_leaf
from audit.note import Note, parse_note
from audit.proofs import PATH_HASHES_MAX, verify_inclusion

PROOF_BYTES_MAX: Final = 128 * 1024
PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
"""First line of a proof file of version 1."""
_INVALID: Final = "hub.proof-file.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofFile:
    """A proof as it was read; nothing of it is verified.

    Attributes:
        index: Place of the entry, from 0.
        path: Inclusion path of the entry in the checkpoint's tree.
        note: The checkpoint with its signatures.
        checkpoint: What the note says.
        extra: Bytes that nothing authenticates.
    """

    index: int
    path: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint
    extra: bytes | None = None

    def __str__(self) -> str:
        return proof_text(index=self.index, path=self.path, checkpoint=str(self.note), extra=self.extra)

    def verify_entry(self, entry: bytes) -> None:
        """Check that an entry is at this index in the checkpoint's tree.

        Nothing is checked about the checkpoint's signatures: `audit.policy.Policy.verify` does that.

        Args:
            entry: The entry's exact bytes.

        Raises:
            InclusionProofError: It is not.
        """
        verify_inclusion(
            leaf_hash=hash_leaf(entry),
            leaf_index=self.index,
            tree_size=self.checkpoint.size,
            path=self.path,
            root_hash=self.checkpoint.root_hash,
        )


def proof_text(
    *,
    index: int,
    path: tuple[bytes, ...],
    checkpoint: str,
    extra: bytes | None = None,
    encode: Callable[[bytes], str] = b64,
) -> str:
    """Write a proof file.

    Args:
        index: Place of the entry, from 0.
        path: Its inclusion path, leaf to root.
        checkpoint: The signed checkpoint's text as it was published.
        extra: Bytes to carry along.
        encode: `b64`, or the same with a memory: the proofs of one batch share most of their hashes.
    """
    lines = [PROOF_HEADER]
    if extra is not None:
        lines.append(f"extra {b64(extra)}")
    lines.append(f"index {index}")
    lines.extend(map(encode, path))
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_proof_file(data: bytes) -> ProofFile:
    """Read a proof file; nothing of it is verified.

    Raises:
        DocumentError: It does not have the form of a proof file of version 1.
    """
    if len(data) > PROOF_BYTES_MAX:
        raise refused(_INVALID, f"a proof file has at most {PROOF_BYTES_MAX} bytes")
    # The first empty line ends the proof: the lines before it are not empty, and the checkpoint follows as it is.
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or not head.isascii():
        raise refused(_INVALID, "a proof file is lines of ASCII, an empty line and a checkpoint")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != PROOF_HEADER:
        raise refused(_INVALID, f"a proof file starts with `{PROOF_HEADER}`")
    extra: bytes | None = None
    if lines and lines[0].startswith("extra "):
        extra = b64_decode(lines.pop(0).removeprefix("extra "), code=_INVALID)
    if not lines or not lines[0].startswith("index "):
        raise refused(_INVALID, "the line `index` is missing")
    index = parse_decimal(lines.pop(0).removeprefix("index "), code=_INVALID)
    path = tuple(b64_decode(line, code=_INVALID) for line in lines)
    if len(path) > PATH_HASHES_MAX or any(len(node) != HASH_BYTES for node in path):
        raise refused(_INVALID, "a path is at most 64 hashes of 32 bytes")
    note = parse_note(checkpoint)
    return ProofFile(index=index, path=path, note=note, checkpoint=parse_checkpoint(note.text), extra=extra)
