"""The statement that one log continues another: a signed note by which those who pinned the old key take the new one.

    ketenhub.nl/log-continuation/1
    hub.example.nl/log/1+1d7e0b0c+AQ…        key of the log that cannot go on
    hub.example.nl/log/2+5a0d9c1e+AQ…        key of the log that continues it
    {"id":"…","kind":"CONTINUATION",…}       first entry of that log, its exact text: what is provable, what is lost

    — hub.example.nl/log/2 …                 by the new key: who made this holds it
    — hub.example.nl/log/1 …                 by the old key, or
    — ketenhub.nl/registrar …                by the registrar, where the old key is lost or somebody else has it

The new key speaks for itself only, so its signature is needed and is not enough. The registrar signs with its one key,
an Ed25519 key, under the name above; a note's text ends in a newline and no JWS has one, so neither can be taken for
the other. What the first entry says of the old log stands nowhere else in the text: it cannot contradict the log.

Sources: c2sp.org/signed-note@v1.0.0; the architecture, section 6, "Way back".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from audit.checkpoint import Checkpoint
from audit.entries import Entry, parse_entry
from audit.errors import refused
from audit.note import (
    Note,
    NoteKey,
    NoteKeyType,
    NoteSignature,
    NoteSigner,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from schemas.canonical import b64url_decode
from schemas.codes import EntryKind, SignatureAlgorithm
from schemas.errors import SignatureError
from schemas.jwk import SigningKey, VerificationKey

CONTINUATION_HEADER: Final = "ketenhub.nl/log-continuation/1"
"""First line of a statement of version 1."""
REGISTRAR_NAME: Final = "ketenhub.nl/registrar"
"""Under which name the registrar signs notes."""
_INVALID: Final = "hub.continuation.invalid"


class Voucher(StrEnum):
    """Who vouches for the new log beside its own key."""

    PREDECESSOR = "predecessor"
    REGISTRAR = "registrar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What a statement says.

    Attributes:
        predecessor: Key of the log that cannot go on.
        successor: Key of the log that continues it.
        entry: The first entry of the successor.
        provable: Last checkpoint of the predecessor under which its entries can still be proved.
        published: Largest size that the predecessor is said to have had; what lies between the two is lost.
    """

    predecessor: NoteKey
    successor: NoteKey
    entry: Entry
    provable: Checkpoint
    published: int

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{CONTINUATION_HEADER}\n{self.predecessor.vkey}\n{self.successor.vkey}\n{self.entry.text.decode()}\n"

    @property
    def lost(self) -> range:
        """Indices of the predecessor's entries that cannot be proved any more."""
        return range(self.provable.size, self.published)

    @property
    def words(self) -> tuple[str, ...]:
        """What it says, for people, line by line."""
        size, lost = self.provable.size, self.lost
        return (
            f"{self.successor.name} continues {self.predecessor.name}",
            f"  provable: {f'entries 0 to {size - 1}' if size else 'none'}",
            f"  lost:     {f'entries {lost[0]} to {lost[-1]}' if lost else 'none'}",
            f"  new key:  {self.successor.vkey}",
        )


def make_continuation(*, predecessor: NoteKey, successor: NoteKey, entry: bytes) -> Continuation:
    """Say that a log continues another.

    Args:
        predecessor: Key of the log that cannot go on.
        successor: Key of the log that continues it.
        entry: Exact bytes of the successor's first entry.

    Raises:
        DocumentError: The entry is no CONTINUATION of that predecessor, or the two have a name or a key in common.
    """
    first = parse_entry(entry)
    if first.kind is not EntryKind.CONTINUATION:
        raise refused(_INVALID, "the first entry does not say which log it continues")
    assert first.root is not None, "a CONTINUATION entry has it"
    assert first.provable is not None, "a CONTINUATION entry has it"
    assert first.published is not None, "a CONTINUATION entry has it"
    if first.participants is not None or first.provable > first.published:
        raise refused(_INVALID, "the first entry says what no first entry can say")
    if first.predecessor != predecessor.name:
        raise refused(_INVALID, "the first entry continues another log than the one that is named")
    if predecessor.name == successor.name or predecessor.public_key == successor.public_key:
        raise refused(_INVALID, "a log that continues another has an origin and a key of its own")
    if {predecessor.type, successor.type} != {NoteKeyType.ED25519}:
        raise refused(_INVALID, "one of the keys is not a log's")
    provable = Checkpoint(origin=predecessor.name, size=first.provable, root_hash=b64url_decode(first.root))
    return Continuation(
        predecessor=predecessor, successor=successor, entry=first, provable=provable, published=first.published
    )


def parse_continuation(note: Note) -> Continuation:
    """Read the text of a statement; no signature is verified.

    Raises:
        DocumentError: It is not the text of a statement.
    """
    lines = note.text.split("\n")
    if len(lines) != 5 or lines[0] != CONTINUATION_HEADER:
        raise refused(_INVALID, "not the statement that a log continues another")
    # Vkeys and entries have one spelling each: what is read is what was signed.
    return make_continuation(predecessor=parse_vkey(lines[1]), successor=parse_vkey(lines[2]), entry=lines[3].encode())


def sign_continuation(continuation: Continuation, signers: Sequence[NoteSigner]) -> Note:
    """Sign a statement: with the successor's key, and with the predecessor's where it is there and nobody else's."""
    return sign_note(continuation.text, signers)


def verify_continuation(
    data: bytes, *, pinned: NoteKey, registrar: VerificationKey
) -> tuple[Continuation, frozenset[Voucher]]:
    """Verify a statement by what was pinned.

    Nothing is checked about the trees: whether the predecessor's checkpoint continues what a reader saw of it, and
    whether the entry is the first of the log that is served.

    Args:
        data: The statement.
        pinned: Key of the log that is believed until now.
        registrar: Key of the registrar.

    Returns:
        What it says, and who vouches for it; never nobody.

    Raises:
        DocumentError: It is no statement.
        SignatureError: It is about another log, a signature is false, or the successor, or everybody else, has not
            signed.
    """
    note = parse_note(data)
    continuation = parse_continuation(note)
    if continuation.predecessor != pinned:
        raise SignatureError("the statement is about another log than the pinned one", code="hub.continuation.other")
    vouchers = {pinned: Voucher.PREDECESSOR, registrar_note_key(registrar): Voucher.REGISTRAR}
    signed = {each.key for each in verify_note(note, [continuation.successor, *vouchers])}
    if continuation.successor not in signed:
        raise SignatureError("the new log's key did not sign the statement", code="hub.continuation.unsigned")
    found = frozenset(voucher for key, voucher in vouchers.items() if key in signed)
    if not found:
        text = "neither the pinned log key nor the registrar signed the statement"
        raise SignatureError(text, code="hub.continuation.unvouched")
    return continuation, found


def registrar_note_key(registrar: VerificationKey) -> NoteKey:
    """Return the registrar's key as that of a note.

    Raises:
        DocumentError: It is not an Ed25519 key.
    """
    jwk = registrar.to_jwk()
    if registrar.alg != SignatureAlgorithm.EDDSA:
        raise refused(_INVALID, "a registrar's key is an Ed25519 key")
    return NoteKey(name=REGISTRAR_NAME, type=NoteKeyType.ED25519, public_key=b64url_decode(str(jwk["x"])))


def vouch(note: Note, *, registrar: SigningKey) -> Note:
    """Add the registrar's signature to a statement.

    Raises:
        DocumentError: The registrar's key is not an Ed25519 key.
    """
    key = registrar_note_key(registrar.public)
    signature = NoteSignature(name=key.name, key_id=key.key_id, signature=registrar.sign(note.text.encode()))
    return replace(note, signatures=(*note.signatures, signature))
