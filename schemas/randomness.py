"""Randomness comes in as an argument; this is where it comes from."""

import hashlib
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from schemas.identifiers import MessageId


class Randomness(Protocol):
    """Gives random bytes."""

    def bytes(self, size: int) -> bytes:
        """Return `size` random bytes."""
        ...


@dataclass(frozen=True, slots=True)
class SystemRandomness:
    """The operating system's randomness; the only one for production."""

    def bytes(self, size: int) -> bytes:
        """Return `size` bytes that nobody can predict."""
        return os.urandom(size)


@dataclass(slots=True)
class UnsafeSeededRandomness:
    """Repeatable bytes from a seed, for golden vectors and simulations; never for keys that protect anything."""

    seed: str
    _drawn: int = field(default=0, init=False)

    def bytes(self, size: int) -> bytes:
        """Return the next `size` bytes of the seed's stream."""
        self._drawn += 1
        return hashlib.shake_256(f"{self.seed}/{self._drawn}".encode()).digest(size)


def new_message_id(*, at: datetime, randomness: Randomness) -> MessageId:
    """Draw a UUIDv7 for a message, request or receipt.

    Args:
        at: The moment it is drawn at; its milliseconds are the first 48 bits.
        randomness: Source of the other 74 bits.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = int(at.timestamp() * 1000)
    drawn = int.from_bytes(randomness.bytes(10), "big")
    number = (milliseconds & (1 << 48) - 1) << 80
    number |= 0x7 << 76 | (drawn >> 62 & 0xFFF) << 64
    number |= 0b10 << 62 | drawn & (1 << 62) - 1
    return MessageId(str(UUID(int=number)))
