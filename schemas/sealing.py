"""Sealing: what the hub carries and cannot read.

One content key per submission encrypts each disclosure by itself (AES-256-GCM, nonce = its number, associated data =
its digest), and is itself sealed for the one recipient by single-shot HPKE with a post-quantum hybrid,
MLKEM768-X25519. So the hub can leave an element out, but cannot read, alter, swap or re-address one. Lengths are
padded to a few sizes: they must not tell one short value from another.

    private = SealingPrivateKey.generate(randomness=SystemRandomness())
    address = SealingAddress(hub=…, sender=…, message_id=…, recipient=…, kid=private.public.kid)
    content = seal_submission(disclosures, address=address, recipient_key=private.public, randomness=…)
    content_key = open_key(content.sealed_key, private=private, address=address)
    open_element(content_key, index=0, digest=disclosure_digest(disclosures[0]), sealed=content.elements[0])

The content key is drawn inside `seal_submission` and exists nowhere else: a second call draws a second key, so no
nonce is ever used twice under one key. HPKE's encapsulation draws from the library's own source.

Sources: RFC 9180 (HPKE, base mode, single shot); draft-ietf-hpke-pq (KEM 0x647a); draft-connolly-cfrg-xwing-kem
(the 32-byte seed); NIST SP 800-38D (GCM).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from schemas.canonical import b64url, b64url_decode
from schemas.errors import DocumentError, Issue, SignatureError
from schemas.identifiers import OIN, HubName, MessageId, Thumbprint
from schemas.randomness import Randomness
from schemas.sdjwt import disclosure_digest

MLKEM768_PUBLIC_BYTES: Final = 1184
SEALING_PUBLIC_BYTES: Final = 1216
SEALING_SEED_BYTES: Final = 32
CONTENT_KEY_BYTES: Final = 32
SEALED_KEY_BYTES: Final = 1088 + 32 + CONTENT_KEY_BYTES + 16
"""ML-KEM-768 ciphertext, X25519 key, content key, tag."""

TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
PADDED_BYTES_MIN: Final = 128
PADDED_BYTES_STEP: Final = 65_536
ELEMENTS_MAX: Final = 2000

_INFO_LABEL: Final = b"ketenhub/seal/1"
_KID_LABEL: Final = b"ketenhub/sealing-key/1"
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingPublicKey:
    """A participant's key to seal for: ML-KEM-768 key (1,184 bytes) and X25519 key (32).

    Attributes:
        value: The 1,216 bytes.
        kid: SHA-256 over `"ketenhub/sealing-key/1"`, 0x00 and the key; what a message names it by.
    """

    value: bytes = field(repr=False)
    kid: Thumbprint
    _key: MLKEM768X25519PublicKey = field(repr=False, compare=False)

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Read the 1,216 bytes.

        Raises:
            DocumentError: Another length, numbers out of range, or an X25519 point of small order.

        Source: FIPS 203, section 7.2 (the modulus check); RFC 7748, section 6.1 (the all-zero check).
        """
        if len(value) != SEALING_PUBLIC_BYTES:
            raise _refused("sender.sealing-key.invalid", f"a sealing key has {SEALING_PUBLIC_BYTES} bytes")
        mlkem_key, x25519_key = value[:MLKEM768_PUBLIC_BYTES], value[MLKEM768_PUBLIC_BYTES:]
        try:
            public = x25519.X25519PublicKey.from_public_bytes(x25519_key)
            # An exchange with any scalar shows a point of small order: its result is zero, which the library refuses.
            x25519.X25519PrivateKey.from_private_bytes(_KID_LABEL.ljust(32, b"\0")).exchange(public)
            key = MLKEM768X25519PublicKey(mlkem.MLKEM768PublicKey.from_public_bytes(mlkem_key), public)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _refused("sender.sealing-key.invalid", "not a sealing key") from error
        kid = Thumbprint(b64url(hashlib.sha256(_KID_LABEL + b"\0" + value).digest()))
        return cls(value=value, kid=kid, _key=key)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the key as it stands in a participant statement: base64url.

        Raises:
            DocumentError: Not canonical base64url, or not a sealing key.
        """
        return cls.from_bytes(b64url_decode(text))

    def to_text(self) -> str:
        """Write the key as it stands in a participant statement: base64url."""
        return b64url(self.value)

    def encrypt(self, plaintext: bytes, *, info: bytes) -> bytes:
        """Seal bytes for this key alone, `enc ‖ ct`. RFC 9180, section 6.1 (SealBase)."""
        return _SUITE.encrypt(plaintext, self._key, info)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingPrivateKey:
    """The 32-byte seed that both halves of the key come from. Its `repr` shows the public key's name only.

    Attributes:
        public: The key to publish.
    """

    public: SealingPublicKey
    _seed: bytes = field(repr=False)
    _key: MLKEM768X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, *, randomness: Randomness) -> Self:
        """Draw a new key."""
        return cls.from_seed(randomness.bytes(SEALING_SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Expand the seed: SHAKE-256 to 96 bytes, 64 for ML-KEM-768 (d ‖ z) and 32 for X25519.

        Raises:
            DocumentError: The seed has another length.

        Source: draft-connolly-cfrg-xwing-kem, section 5.2.
        """
        if len(seed) != SEALING_SEED_BYTES:
            raise _refused("hub.key.invalid", f"a sealing seed has {SEALING_SEED_BYTES} bytes")
        expanded = hashlib.shake_256(seed).digest(96)
        mlkem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x25519_key = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
        public = mlkem_key.public_key().public_bytes_raw() + x25519_key.public_key().public_bytes_raw()
        return cls(
            public=SealingPublicKey.from_bytes(public),
            _seed=seed,
            _key=MLKEM768X25519PrivateKey(mlkem_key, x25519_key),
        )

    def to_seed(self) -> bytes:
        """Return the seed, to write it to its file; protect that by its rights."""
        return self._seed

    def decrypt(self, ciphertext: bytes, *, info: bytes) -> bytes:
        """Open what was sealed for this key with this `info`. RFC 9180, section 6.1 (OpenBase).

        Raises:
            SignatureError: It was sealed for another key or another `info`, or was altered.
        """
        try:
            return _SUITE.decrypt(ciphertext, self._key, info)
        except (InvalidTag, ValueError) as error:
            raise SignatureError("sealed for another key or purpose, or altered", code="sender.seal.broken") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingAddress:
    """What a sealed content key is bound to: it opens for this message on this way only.

    Attributes:
        hub: The sender's hub, first of the message's `hubs`.
        sender: Participant that signs the message.
        message_id: The message's `jti`.
        recipient: Its one recipient.
        kid: Name of the sealing key.
    """

    hub: HubName
    sender: OIN
    message_id: MessageId
    recipient: OIN
    kid: Thumbprint

    @property
    def info(self) -> bytes:
        """HPKE `info`: label, hub, `iss`, `jti`, recipient's OIN and `kid`, with 0x00 between them."""
        parts = (self.hub.value, self.sender.urn, self.message_id.value, self.recipient.value, self.kid.value)
        return b"\0".join((_INFO_LABEL, *(part.encode("ascii") for part in parts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContent:
    """What one submission carries beside its message.

    Attributes:
        kid: Name of the recipient's sealing key.
        sealed_key: `enc ‖ ct` of the content key; 1,168 bytes.
        elements: Ciphertext of each disclosure, in the order of the digests in the signed bytes.
        digest: What the message signs as `sealed.digest`.
    """

    kid: Thumbprint
    sealed_key: bytes = field(repr=False)
    elements: tuple[bytes, ...] = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class ContentKey:
    """An opened content key: it decrypts one submission's elements and shows nothing of itself."""

    _cipher: Any = field(repr=False)  # AESGCM, whose type stub has no public constructor argument to name

    def decrypt(self, *, index: int, digest: bytes, sealed: bytes) -> bytes:
        """Decrypt one padded disclosure.

        Raises:
            InvalidTag: Another key, number or digest, or an altered ciphertext.
        """
        opened: bytes = self._cipher.decrypt(_nonce(index), sealed, digest)
        return opened


def padded_size(size: int) -> int:
    """Return the padded length for a text of `size` bytes: 128, 256 … 65,536, above that multiples of 65,536."""
    needed = size + 1
    if needed > PADDED_BYTES_STEP:
        return -(-needed // PADDED_BYTES_STEP) * PADDED_BYTES_STEP
    padded = PADDED_BYTES_MIN
    while padded < needed:
        padded *= 2
    return padded


def pad(data: bytes) -> bytes:
    """Add one byte 0x80 and zeros up to the next size. ISO/IEC 7816-4."""
    return (data + b"\x80").ljust(padded_size(len(data)), b"\0")


def unpad(padded: bytes) -> bytes:
    """Take the padding off again, in its one spelling.

    Raises:
        DocumentError: No padding, or one of another length than `pad` makes.
    """
    data, mark, zeros = padded.rpartition(b"\x80")
    if not mark or zeros.strip(b"\0") or len(padded) != padded_size(len(data)):
        raise _refused("sender.element.padding", "not padded as written")
    return data


def seal_submission(
    disclosures: Sequence[str], *, address: SealingAddress, recipient_key: SealingPublicKey, randomness: Randomness
) -> SealedContent:
    """Seal every disclosure of one submission under a fresh content key, and that key for the recipient.

    Args:
        disclosures: In the order in which their digests will stand in the signed bytes; at most 2,000.
        address: What the content key is bound to; its `kid` is the recipient key's.
        recipient_key: From the recipient's newest statement.
        randomness: Source of the content key, which is drawn here and kept nowhere.

    Raises:
        DocumentError: Too many disclosures.
        ValueError: `address` names another key: our own mistake.
    """
    if len(disclosures) > ELEMENTS_MAX:
        raise _refused("sender.elements.too-many", f"more than {ELEMENTS_MAX} elements")
    if address.kid != recipient_key.kid:
        raise ValueError("the address names another sealing key")
    key = randomness.bytes(CONTENT_KEY_BYTES)
    cipher = AESGCM(key)
    elements = tuple(
        cipher.encrypt(_nonce(index), pad(text.encode("ascii")), hashlib.sha256(text.encode("ascii")).digest())
        for index, text in enumerate(disclosures)
    )
    sealed_key = recipient_key.encrypt(key, info=address.info)
    return SealedContent(
        kid=recipient_key.kid,
        sealed_key=sealed_key,
        elements=elements,
        digest=sealed_digest(sealed_key, elements),
    )


def open_key(sealed_key: bytes, *, private: SealingPrivateKey, address: SealingAddress) -> ContentKey:
    """Open a sealed content key.

    Args:
        sealed_key: As it came.
        private: The key that `address.kid` names.
        address: From the verified message, never from what came beside it.

    Raises:
        SignatureError: Sealed for another key, message, sender, recipient or hub, or altered.
    """
    if len(sealed_key) != SEALED_KEY_BYTES:
        raise SignatureError("the sealed key has the wrong length", code="sender.seal.broken")
    return ContentKey(AESGCM(private.decrypt(sealed_key, info=address.info)))


def open_element(content_key: ContentKey, *, index: int, digest: str, sealed: bytes) -> str:
    """Open one element and check that it is the disclosure the sender signed.

    Args:
        content_key: From `open_key`.
        index: Number of the element in the message.
        digest: Its digest in the signed bytes.
        sealed: Ciphertext, as it came.

    Returns:
        The disclosure's text.

    Raises:
        SignatureError: Altered, swapped, or not the disclosure of that digest.
        DocumentError: Padded in another way than written.
    """
    try:
        padded = content_key.decrypt(index=index, digest=b64url_decode(digest), sealed=sealed)
    except (InvalidTag, ValueError) as error:
        raise SignatureError("an element was altered or swapped", code="sender.element.broken") from error
    data = unpad(padded)
    if not data.isascii() or disclosure_digest(data.decode("ascii")) != digest:
        raise SignatureError("an element is not what its digest says", code="sender.element.digest")
    return data.decode("ascii")


def element_hashes(sealed_key: bytes, elements: Iterable[bytes]) -> bytes:
    """Return SHA-256 of the sealed key and of each sealed element, 32 bytes each, one after the other."""
    return b"".join(hashlib.sha256(part).digest() for part in (sealed_key, *elements))


def hash_list(hashes: bytes) -> tuple[str, ...]:
    """Return `element_hashes` as the list of base64url texts that a release carries."""
    return tuple(b64url(hashes[start : start + 32]) for start in range(0, len(hashes), 32))


def digest_of_hashes(hashes: bytes | Sequence[str]) -> str:
    """Return `sealed.digest` from the hashes, for a recipient that holds only a part of the elements.

    Args:
        hashes: As from `element_hashes`, or the list that came with a release.

    Raises:
        DocumentError: A hash of the list is not canonical base64url of 32 bytes.
    """
    if isinstance(hashes, bytes):
        return b64url(hashlib.sha256(hashes).digest())
    parts = [b64url_decode(text) for text in hashes]
    if any(len(part) != 32 for part in parts):
        raise _refused("hub.release.hashes", "a hash has 32 bytes")
    return b64url(hashlib.sha256(b"".join(parts)).digest())


def sealed_digest(sealed_key: bytes, elements: Iterable[bytes]) -> str:
    """Return `sealed.digest`: SHA-256 over SHA-256(sealed key) ‖ SHA-256(each sealed element), base64url."""
    return digest_of_hashes(element_hashes(sealed_key, elements))


def _nonce(index: int) -> bytes:
    return index.to_bytes(NONCE_BYTES, "big")


def _refused(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
