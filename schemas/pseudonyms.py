"""Pseudonyms: one child, another tag for each recipient, and nothing to link them without the chain key.

    tag(recipient, subject) = HMAC-SHA256(
        HKDF-SHA256(chain key, info = "ketenhub/subject/1" ‖ 0x00 ‖ recipient),
        identifier system ‖ 0x00 ‖ value), the first 16 bytes, written `<epoch>.<base64url>`

The recipient is an OIN or a hub's name: a hub has a tag space of its own. Whoever holds a chain key and a tag finds the
BSN in minutes, so tags are personal data and a chain key is kept like a sealing key. It passes from holder to holder
only signed by the giver and sealed for the receiver, and is taken only if its fingerprint is the one that the
registrar signed for the epoch.

    key = ChainKey(epoch=1, value=…)
    key.tag(recipient=HubName("hub.example.nl"), system=BSN_SYSTEM, value="999911120")

Sources: RFC 2104, RFC 5869; the architecture, section 3.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.canonical import b64url, canonical_json
from schemas.claims import ClaimsReader
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN, HubName, MessageId, SubjectTag, Thumbprint
from schemas.randomness import Randomness
from schemas.sealing import SEALED_KEY_BYTES, SealingPrivateKey, SealingPublicKey

CHAIN_KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
EPOCH_MAX: Final = 999_999

_SUBJECT_LABEL: Final = b"ketenhub/subject/1"
_FINGERPRINT_LABEL: Final = b"ketenhub/chain/1"
_HANDOVER_LABEL: Final = b"ketenhub/chain-key/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainKey:
    """The key of one epoch that makes pseudonyms. Its `repr` shows the epoch only.

    Attributes:
        epoch: Number of the epoch, from 0.
        value: 32 bytes.
    """

    epoch: int
    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.value) != CHAIN_KEY_BYTES or not 0 <= self.epoch <= EPOCH_MAX:
            raise _refused("hub.chain-key.invalid", f"a chain key has {CHAIN_KEY_BYTES} bytes and an epoch from 0")

    @classmethod
    def generate(cls, *, epoch: int, randomness: Randomness) -> Self:
        """Draw the key of a new epoch."""
        return cls(epoch=epoch, value=randomness.bytes(CHAIN_KEY_BYTES))

    @property
    def fingerprint(self) -> str:
        """What the registrar signs for the epoch, base64url."""
        return chain_key_fingerprint(epoch=self.epoch, key=self.value)

    def tag(self, *, recipient: OIN | HubName, system: str, value: str) -> SubjectTag:
        """Return a person's pseudonym for one recipient.

        Args:
            recipient: Whose tag space: a participant's, or a hub's.
            system: Naming system of the number, such as that of the BSN.
            value: The number.
        """
        return subject_tag(key=self.value, epoch=self.epoch, recipient=recipient, system=system, value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The claims of a `chain-key+jwt`: one holder gives another the key of an epoch.

    Attributes:
        giver: Who signs.
        id: Unique.
        issued_at: Seconds since the epoch.
        receiver: For whom it is sealed.
        epoch: Number of the epoch.
        kid: Name of the receiver's sealing key.
        sealed: The chain key, sealed by HPKE; 1,168 bytes.
    """

    giver: OIN
    id: MessageId
    issued_at: int
    receiver: OIN
    epoch: int
    kid: Thumbprint
    sealed: bytes = field(repr=False)


def chain_key_fingerprint(*, epoch: int, key: bytes) -> str:
    """Return SHA-256 over `"ketenhub/chain/1"`, 0x00, the epoch's digits, 0x00 and the key; base64url."""
    parts = (_FINGERPRINT_LABEL, str(epoch).encode("ascii"), key)
    return b64url(hashlib.sha256(b"\0".join(parts)).digest())


def recipient_key(*, key: bytes, recipient: OIN | HubName) -> bytes:
    """Derive the key of one recipient's tag space: HKDF-SHA256 without salt, 32 bytes. RFC 5869, section 2."""
    info = _SUBJECT_LABEL + b"\0" + recipient.value.encode("ascii")
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(key)


def subject_tag(*, key: bytes, epoch: int, recipient: OIN | HubName, system: str, value: str) -> SubjectTag:
    """Return a person's pseudonym for one recipient.

    Args:
        key: The chain key of the epoch.
        epoch: Number of the epoch.
        recipient: Whose tag space: a participant's, or a hub's.
        system: Naming system of the number.
        value: The number.

    Source: the architecture, section 3; RFC 2104.
    """
    space = recipient_key(key=key, recipient=recipient)
    text = system.encode("utf-8") + b"\0" + value.encode("utf-8")
    return _written(epoch, hmac.new(space, text, hashlib.sha256).digest()[:TAG_BYTES])


def random_tag(*, epoch: int, randomness: Randomness) -> SubjectTag:
    """Draw a tag for somebody without a number (unborn, RNI unknown), to be reused throughout the case."""
    return _written(epoch, randomness.bytes(TAG_BYTES))


def make_handover(
    key: ChainKey, *, parties: tuple[OIN, OIN], receiver_key: SealingPublicKey, message_id: MessageId, issued_at: int
) -> Handover:
    """Seal a chain key for another holder; the giver signs the result as a `chain-key+jwt`.

    Nothing is checked about the receiver's role: only participants in `CHAIN_KEY_ROLES` may get it.

    Args:
        key: What to hand over.
        parties: Giver and receiver.
        receiver_key: From the receiver's newest statement.
        message_id: New for each handover.
        issued_at: Now, seconds since the epoch.
    """
    giver, receiver = parties
    info = _handover_info(giver=giver, receiver=receiver, epoch=key.epoch, kid=receiver_key.kid)
    return Handover(
        giver=giver,
        id=message_id,
        issued_at=issued_at,
        receiver=receiver,
        epoch=key.epoch,
        kid=receiver_key.kid,
        sealed=receiver_key.encrypt(key.value, info=info),
    )


def handover_to_payload(handover: Handover) -> bytes:
    """Write the claims of a handover as the canonical bytes to sign."""
    return canonical_json(
        {
            "iss": handover.giver.urn,
            "jti": handover.id.value,
            "iat": handover.issued_at,
            "receiver": handover.receiver.urn,
            "epoch": handover.epoch,
            "kid": handover.kid.value,
            "sealed": b64url(handover.sealed),
        }
    )


def parse_handover(payload: bytes) -> Handover:
    """Read the claims of a handover.

    Raises:
        DocumentError: Not canonical, or a member that is missing, unknown or of the wrong form; all are listed.
    """
    reader = ClaimsReader(
        payload,
        code="sender.chain-key.form",
        members=("iss", "jti", "iat", "receiver", "epoch", "kid", "sealed"),
    )
    handover = Handover(
        giver=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        receiver=reader.convert("receiver", OIN.from_urn),
        epoch=reader.integer("epoch", at_most=EPOCH_MAX),
        kid=reader.convert("kid", Thumbprint),
        sealed=reader.data("sealed", size=SEALED_KEY_BYTES),
    )
    reader.finish("the handover does not have its form")
    return handover


def open_handover(handover: Handover, *, private: SealingPrivateKey, fingerprint: str) -> ChainKey:
    """Open a chain key that was handed over, and take it only if it is the epoch's.

    Args:
        handover: From a verified `chain-key+jwt`, whose signer is its giver.
        private: The sealing key that the handover names.
        fingerprint: From the epoch's `CHAIN` entry, which the registrar signed; never from the handover.

    Raises:
        SignatureError: Sealed for another, or altered.
        DocumentError: It is not the key of that epoch.
    """
    info = _handover_info(
        giver=handover.giver, receiver=handover.receiver, epoch=handover.epoch, kid=private.public.kid
    )
    key = ChainKey(epoch=handover.epoch, value=private.decrypt(handover.sealed, info=info))
    if not hmac.compare_digest(key.fingerprint, fingerprint):
        raise _refused("sender.chain-key.fingerprint", "not the chain key that the registrar signed for this epoch")
    return key


def _handover_info(*, giver: OIN, receiver: OIN, epoch: int, kid: Thumbprint) -> bytes:
    """HPKE `info` of a handover: it opens for this giver, receiver, epoch and key only."""
    parts = (giver.urn, receiver.urn, str(epoch), kid.value)
    return b"\0".join((_HANDOVER_LABEL, *(part.encode("ascii") for part in parts)))


def _written(epoch: int, tag: bytes) -> SubjectTag:
    return SubjectTag(f"{epoch}.{b64url(tag)}")


def _refused(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
