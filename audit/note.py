"""C2SP signed notes: a text, an empty line, and signature lines by named keys.

    example.com/log                               the text: here a checkpoint
    3
    tmQ2lkd8QZr0…=

    — example.com/log M9e0lrmwaVEOWFZ+HS5…=       name, then base64(key id ‖ signature)
    — witness.example jWbPPwAAAABkGFDLEZMHw…=     a witness: key id ‖ time ‖ signature

A *vkey* is a public key as text, `<name>+<key id in hex>+<base64(type ‖ public key)>`. Two types are known: 0x01 is
Ed25519 over the text (logs), 0x04 is the timestamped `cosignature/v1` (witnesses). Nothing of a note counts before
`verify_note` said so.

Sources: c2sp.org/signed-note@v1.0.0; c2sp.org/tlog-cosignature@v1.0.0, Ed25519 part.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.encoding import b64, b64_decode
from audit.errors import refused
from schemas.canonical import b64url
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import VerificationKey

NOTE_BYTES_MAX: Final = 64 * 1024
SIGNATURES_MAX: Final = 64
"""Signature lines of one note; the specification asks for at least 16."""

_MARK: Final = "— "
_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_TIME_MAX: Final = 2**63 - 1
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNER_PREFIX: Final = "PRIVATE+KEY+"

_NOTE_INVALID: Final = "hub.note.invalid"
_KEY_INVALID: Final = "hub.vkey.invalid"


class NoteKeyType(IntEnum):
    """Signature types that are known here; the byte before the public key in a vkey."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A public key with its name: what a vkey says.

    Attributes:
        name: Key name; for a log its origin.
        type: What a signature by this key is made over.
        public_key: 32-byte Ed25519 public key.
    """

    name: str
    type: NoteKeyType
    public_key: bytes
    _loaded: VerificationKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": SignatureAlgorithm.EDDSA, "x": b64url(self.public_key)}
        try:
            loaded = VerificationKey.from_jwk(jwk)
        except DocumentError as error:
            raise refused(_KEY_INVALID, "not an Ed25519 public key, or one of small order") from error
        object.__setattr__(self, "_loaded", loaded)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand before this key's signatures."""
        return _key_id(self.name, self.type, self.public_key)

    @property
    def vkey(self) -> str:
        """The key as text."""
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.type]) + self.public_key)}"

    def verify(self, *, text: str, signature: bytes) -> int | None:
        """Check one signature over a note's text.

        Args:
            text: The note's text with its final newline.
            signature: What stands after the key id.

        Returns:
            The time of a cosignature in seconds since the epoch; None for a plain signature.

        Raises:
            SignatureError: It is not this key's signature over this text.
        """
        cosigned_at: int | None = None
        message = text.encode()
        if self.type is NoteKeyType.COSIGNATURE_V1:
            cosigned_at = int.from_bytes(signature[:_TIME_BYTES], "big")
            message = _cosigned(text, cosigned_at)
            signature = signature[_TIME_BYTES:]
            if cosigned_at > _TIME_MAX:
                raise SignatureError(f"the cosignature of `{self.name}` has an impossible time")
        try:
            self._loaded.verify(signature=signature, data=message)
        except SignatureError as error:
            raise SignatureError(f"the signature of `{self.name}` is not over this text") from error
        return cosigned_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line: whose it claims to be, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line with its newline."""
        return f"{_MARK}{self.name} {b64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note as it was read; nothing of it is verified.

    Attributes:
        text: Everything before the empty line, with its final newline.
        signatures: The signature lines, at least one.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line for signature in self.signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """A signature that is good.

    Attributes:
        key: Whose it is.
        cosigned_at: Seconds since the epoch, as the witness says; None for a plain signature.
    """

    key: NoteKey
    cosigned_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSigner:
    """A private key with its name, for a log (type 0x01) or a witness (type 0x04).

    Attributes:
        name: Key name; for a log its origin.
        type: What it signs.
        private_key: Ed25519 private key; never shown.
    """

    name: str
    type: NoteKeyType = NoteKeyType.ED25519
    private_key: Ed25519PrivateKey = field(repr=False)
    _public: NoteKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        # Once: every signature names its key, and deriving the key takes as long as signing with it.
        public_key = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "_public", NoteKey(name=self.name, type=self.type, public_key=public_key))

    @classmethod
    def from_seed(cls, *, name: str, seed: bytes, type: NoteKeyType = NoteKeyType.ED25519) -> Self:  # noqa: A002
        """Make the key of a 32-byte seed (RFC 8032's private key).

        Raises:
            DocumentError: The seed has another length, or the name is not a key name.
        """
        try:
            return cls(name=name, type=type, private_key=Ed25519PrivateKey.from_private_bytes(seed))
        except ValueError as error:
            raise refused(_KEY_INVALID, "a seed has 32 bytes") from error

    @property
    def public(self) -> NoteKey:
        """The key that checks what this one signs."""
        return self._public

    @property
    def skey(self) -> str:
        """The secret key as text, in the form that Go's note tools write. Keep it in a file of mode 0600."""
        public = self.public
        secret = bytes([NoteKeyType.ED25519]) + self.private_key.private_bytes_raw()
        return f"{_SIGNER_PREFIX}{self.name}+{public.key_id.hex()}+{b64(secret)}"

    def sign(self, text: str, *, at: int | None = None) -> NoteSignature:
        """Sign a note's text.

        Args:
            text: Ends in a newline.
            at: Seconds since the epoch; for a witness (0x04), and only for one.

        Raises:
            ValueError: The text is no note text, or `at` does not fit the key's type. Our own mistake.
        """
        if not text.endswith("\n") or _CONTROL.search(text):
            raise ValueError("a note's text ends in a newline and holds no other control character")
        if (at is None) != (self.type is NoteKeyType.ED25519):
            raise ValueError("a cosignature has a time, a plain signature has none")
        if at is None:
            signature = self.private_key.sign(text.encode())
        else:
            signature = at.to_bytes(_TIME_BYTES, "big") + self.private_key.sign(_cosigned(text, at))
        return NoteSignature(name=self.name, key_id=self.public.key_id, signature=signature)


def parse_vkey(text: str) -> NoteKey:
    """Read a vkey.

    Raises:
        DocumentError: Not a vkey, of a type that is not known here, or its key id is not that of its key.

    Source: c2sp.org/signed-note, verifier keys.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise refused(_KEY_INVALID, "a vkey is `<name>+<key id>+<base64 key>`")
    name, key_id, encoded = parts
    data = b64_decode(encoded, code=_KEY_INVALID)
    try:
        key_type = NoteKeyType(data[0]) if data else None
    except ValueError:
        key_type = None
    if key_type is None:
        raise refused(_KEY_INVALID, "only Ed25519 vkeys of types 0x01 and 0x04 are known")
    key = NoteKey(name=name, type=key_type, public_key=data[1:])
    if key.key_id.hex() != key_id:
        raise refused(_KEY_INVALID, "the key id of the vkey is not that of its name and key")
    return key


def parse_skey(text: str) -> NoteSigner:
    """Read a log's secret key in the form that `NoteSigner.skey` and Go's note tools write.

    Raises:
        DocumentError: Not such a key; the error does not repeat it.
    """
    name, _, rest = text.removeprefix(_SIGNER_PREFIX).partition("+")
    key_id, _, encoded = rest.partition("+")
    data = b64_decode(encoded, code=_KEY_INVALID)
    if not text.startswith(_SIGNER_PREFIX) or data[:1] != bytes([NoteKeyType.ED25519]):
        raise refused(_KEY_INVALID, "not a secret note key")
    signer = NoteSigner.from_seed(name=name, seed=data[1:])
    if signer.public.key_id.hex() != key_id:
        raise refused(_KEY_INVALID, "the key id of the secret key is not that of its name and key")
    return signer


def parse_note(data: bytes) -> Note:
    """Read a signed note; nothing of it is verified.

    Args:
        data: UTF-8, at most 64 KiB.

    Raises:
        DocumentError: It does not have the form of a signed note, or has more than 64 signatures.

    Source: c2sp.org/signed-note, format.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise refused(_NOTE_INVALID, f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise refused(_NOTE_INVALID, "a note is UTF-8") from error
    if _CONTROL.search(whole):
        raise refused(_NOTE_INVALID, "a note holds no control characters but newlines")
    # The *last* empty line ends the text; there may be others in it.
    text, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise refused(_NOTE_INVALID, "a note is a text, an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise refused(_NOTE_INVALID, f"a note has at most {SIGNATURES_MAX} signatures")
    return Note(text=text + "\n", signatures=tuple(_parse_signature(line) for line in lines))


def verify_note(note: Note, keys: Iterable[NoteKey]) -> tuple[VerifiedSignature, ...]:
    """Check the signatures of known keys.

    Signatures by other keys are ignored, as the specification asks; a false one by a known key rejects the note.

    Args:
        note: As it was read.
        keys: The keys that are known, of logs and of witnesses.

    Returns:
        The good signatures, each key once; at least one.

    Raises:
        SignatureError: A known key's signature is false, or no known key signed.

    Source: c2sp.org/signed-note, signatures.
    """
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[NoteKey, VerifiedSignature] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            cosigned_at = key.verify(text=note.text, signature=signature.signature)
            verified.setdefault(key, VerifiedSignature(key=key, cosigned_at=cosigned_at))
    if not verified:
        raise SignatureError("no known key signed this note", code="hub.note.unknown-signer")
    return tuple(verified.values())


def sign_note(text: str, signers: Sequence[NoteSigner]) -> Note:
    """Make a note with plain signatures (type 0x01), in the order of the signers; at least one."""
    return Note(text=text, signatures=tuple(signer.sign(text) for signer in signers))


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not space:
        raise refused(_NOTE_INVALID, "a signature line is `— <key name> <base64>`")
    _check_name(name)
    data = b64_decode(encoded, code=_NOTE_INVALID)
    if len(data) <= _KEY_ID_BYTES:
        raise refused(_NOTE_INVALID, "a signature has a key id and at least one byte")
    return NoteSignature(name=name, key_id=data[:_KEY_ID_BYTES], signature=data[_KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    unfit = any(character.isspace() or 0xD800 <= ord(character) < 0xE000 for character in name)
    if not name or "+" in name or unfit or _CONTROL.search(name):
        raise refused(_KEY_INVALID, "a key name is text without spaces, control characters or `+`, and not empty")


def _key_id(name: str, key_type: NoteKeyType, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([key_type]) + public_key).digest()[:_KEY_ID_BYTES]


def _cosigned(text: str, cosigned_at: int) -> bytes:
    """The message of a `cosignature/v1`. c2sp.org/tlog-cosignature, Ed25519 signed message."""
    return f"cosignature/v1\ntime {cosigned_at}\n{text}".encode()
