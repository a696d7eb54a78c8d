"""Hashes of the log's tree: SHA-256 with one byte before it that keeps leaves and inner nodes apart.

    >>> hash_leaf(b"").hex()[:16]
    '6e340b9cffb37a98'
    >>> EMPTY_ROOT.hex()[:16]
    'e3b0c44298fc1c14'

Source: RFC 6962, section 2.1; RFC 9162, section 2.1.1.
"""

from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
LEAF_PREFIX: Final = b"\x00"
NODE_PREFIX: Final = b"\x01"
EMPTY_ROOT: Final = sha256(b"").digest()
"""Root hash of the tree without leaves."""


def hash_leaf(entry: bytes) -> bytes:
    """Return the leaf hash of an entry's exact bytes: `SHA-256(0x00 ‖ entry)`."""
    return sha256(LEAF_PREFIX + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`, both 32 bytes."""
    return sha256(NODE_PREFIX + left + right).digest()
