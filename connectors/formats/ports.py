"""What every native format offers the agent.

    format = next(known for known in formats if known.recognises(path.name, data))
    document = format.read(data)

A format is pure: bytes in, values out. Files, folders and the network are the agent's.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from schemas.document import Address, Document
from schemas.errors import DocumentError


class AnswerKind(StrEnum):
    """What an answer tells the system that wrote the file."""

    READ = "read"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A native file.

    Attributes:
        data: The file.
        omitted: Items, as `<profile>/<item id>`, that the file cannot show although parts of them were disclosed:
            something that the format requires beside them was withheld.
    """

    data: bytes
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The header of the file that is answered, as far as it could be read.

    Attributes:
        reference: Its own number; empty if it could not be read.
        sender: From whom it came: the answer goes there.
        receiver: For whom it was: the answer comes from there.
    """

    reference: str
    sender: Address
    receiver: Address


class Format(Protocol):
    """One native format."""

    @property
    def name(self) -> str:
        """Short name, for settings and messages."""
        ...

    def recognises(self, name: str, data: bytes) -> bool:
        """Whether a file looks like one of this format; cheap, and no promise that it can be read.

        Args:
            name: The file's name.
            data: Its bytes, or its first few kilobytes.
        """
        ...

    def read(self, data: bytes) -> Document:
        """Read a file.

        Raises:
            DocumentError: It has defects; `issues` lists each with its place.
        """
        ...

    def header(self, data: bytes) -> Answered | None:
        """Return the header of a file, also of one that `read` refuses; None if there is no telling."""
        ...

    def write(self, document: Document, *, withheld: Collection[str], at: datetime) -> Written:
        """Write a document.

        Args:
            document: What was disclosed.
            withheld: Labels of what was not, `<profile>/<item id>/<element>`.
            at: Time of the file where the document has none.

        Raises:
            DocumentError: The format has no place for something in it.
        """
        ...

    def answer(
        self,
        kind: AnswerKind,
        *,
        answered: Answered,
        reference: str,
        at: datetime,
        error: DocumentError | None = None,
        duplicate: bool = False,
    ) -> bytes | None:
        """Write the format's own answer to a file, None if it has no such answer.

        Args:
            kind: What it tells.
            answered: Header of the file that is answered.
            reference: The answer's own number.
            at: The answer's time.
            error: Why it was refused.
            duplicate: Whether it was refused because its number was used for other content.
        """
        ...
