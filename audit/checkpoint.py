"""Checkpoints: the tree head that a log signs, as a C2SP signed note of three lines.

    hub.example.nl/log/1                            origin: which log
    13                                              tree size
    y8/gZsZCtitsMan09tY+k8I7Qpr7Y5fbO2tLi9GQnfU=    root hash

A log signs one root for each size, ever. Whoever holds two checkpoints of one size with different roots holds the proof
that the log was forked.

Source: c2sp.org/tlog-checkpoint@v1.0.0.
"""

import re
from dataclasses import dataclass
from typing import Final

from audit.encoding import b64, b64_decode
from audit.errors import refused
from audit.hashing import HASH_BYTES
from audit.merkle import TREE_SIZE_MAX
from audit.note import Note, NoteSigner, sign_note

ORIGIN_CHARACTERS_MAX: Final = 255
_INVALID: Final = "hub.checkpoint.invalid"
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head: what a log says that it is.

    Attributes:
        origin: Identity of the log.
        size: Number of leaves.
        root_hash: 32-byte root hash of the tree.
    """

    origin: str
    size: int
    root_hash: bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root_hash)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note; nothing is verified.

    Extension lines are refused: no log that is known here writes them, and nobody could audit them.

    Args:
        text: `Note.text`.

    Raises:
        DocumentError: It is not the text of a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise refused(_INVALID, "a checkpoint has three lines: origin, tree size and root hash")
    origin, size = lines[0], parse_decimal(lines[1], code=_INVALID)
    root_hash = b64_decode(lines[2], code=_INVALID)
    if not origin or len(origin) > ORIGIN_CHARACTERS_MAX:
        raise refused(_INVALID, f"an origin has 1 to {ORIGIN_CHARACTERS_MAX} characters")
    if len(root_hash) != HASH_BYTES:
        raise refused(_INVALID, "a root hash has 32 bytes")
    return Checkpoint(origin=origin, size=size, root_hash=root_hash)


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> Note:
    """Sign a tree head with the log's key.

    The caller answers for never signing two roots for one size: see `audit.guard`.

    Raises:
        ValueError: The key is not named after the origin. Our own mistake.
    """
    if signer.name != checkpoint.origin:
        raise ValueError("a log's key is named after its origin")
    return sign_note(checkpoint.text, [signer])


def parse_decimal(text: str, *, code: str) -> int:
    """Read a size or index: ASCII digits without leading zeroes, below 2⁵³.

    Raises:
        DocumentError: It is not such a number.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > TREE_SIZE_MAX:
        raise refused(code, "not a decimal number without leading zeroes, below 2^53")
    return int(text)
