"""A second way to seal and open, written from the standards and not from `schemas.sealing`.

X-Wing is put together from ML-KEM-768, X25519 and SHA3-256; the HPKE key schedule from HMAC; AES-GCM from the block
cipher's mode; padding and `info` from the words of the architecture. `python -m tests.support.second_sealing` writes
new golden vectors to standard output: with it they can be made anew, by another code than the one they test.

Sources: draft-connolly-cfrg-xwing-kem, section 5; RFC 9180, sections 4, 5.1 and 6.1.
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

XWING_LABEL = rb"\.//^" + b"\\"
KEM_ID, KDF_HKDF_SHA256, AEAD_AES_256_GCM = 0x647A, 0x0001, 0x0002


def xwing_private(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """Expand a decapsulation key of 32 bytes."""
    expanded = hashlib.shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[0:64]), X25519PrivateKey.from_private_bytes(expanded[64:96])


def xwing_public(seed: bytes) -> bytes:
    """Return the 1,216 bytes of the encapsulation key."""
    mlkem, x25519 = xwing_private(seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def xwing_decapsulate(enc: bytes, seed: bytes) -> bytes:
    """Return the shared secret of an encapsulation."""
    mlkem, x25519 = xwing_private(seed)
    ct_m, ct_x = enc[:1088], enc[1088:]
    ss_m = mlkem.decapsulate(ct_m)
    ss_x = x25519.exchange(X25519PublicKey.from_public_bytes(ct_x))
    return hashlib.sha3_256(ss_m + ss_x + ct_x + x25519.public_key().public_bytes_raw() + XWING_LABEL).digest()


def xwing_encapsulate(public: bytes, ephemeral: X25519PrivateKey) -> tuple[bytes, bytes]:
    """Return shared secret and encapsulation."""
    pk_m, pk_x = public[:1184], public[1184:]
    ss_m, ct_m = MLKEM768PublicKey.from_public_bytes(pk_m).encapsulate()
    ct_x = ephemeral.public_key().public_bytes_raw()
    ss_x = ephemeral.exchange(X25519PublicKey.from_public_bytes(pk_x))
    return hashlib.sha3_256(ss_m + ss_x + ct_x + pk_x + XWING_LABEL).digest(), ct_m + ct_x


def _extract(salt: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), ikm, "sha256")


def _expand(prk: bytes, info: bytes, length: int) -> bytes:
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        made, counter = made + block, counter + 1
    return made[:length]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Key and nonce of one HPKE context, base mode, HKDF-SHA256."""

    key: bytes
    nonce: bytes


def hpke_schedule(shared_secret: bytes, info: bytes, *, aead_id: int = AEAD_AES_256_GCM) -> Schedule:
    """Run the key schedule of RFC 9180, section 5.1, for a 32-byte key and a 12-byte nonce."""
    suite = b"HPKE" + struct.pack(">HHH", KEM_ID, KDF_HKDF_SHA256, aead_id)

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return _extract(salt, b"HPKE-v1" + suite + label + ikm)

    def expand(prk: bytes, label: bytes, information: bytes, length: int) -> bytes:
        return _expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + information, length)

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return Schedule(expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12))


def gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """AES-GCM, ciphertext and tag."""
    encryptor = Cipher(AES(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(aad)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def gcm_decrypt(key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes:
    """AES-GCM, of ciphertext and tag."""
    decryptor = Cipher(AES(key), GCM(nonce, sealed[-16:])).decryptor()
    decryptor.authenticate_additional_data(aad)
    return decryptor.update(sealed[:-16]) + decryptor.finalize()


def padded(text: bytes) -> bytes:
    """Pad as the architecture says, size by size."""
    sizes = [128 << n for n in range(10)]
    while sizes[-1] <= len(text):
        sizes.append(65536 if sizes[-1] < 65536 else sizes[-1] + 65536)
    size = next(size for size in sizes if size >= len(text) + 1)
    return text + b"\x80" + b"\0" * (size - len(text) - 1)


def message_info(hub: str, iss: str, jti: str, recipient: str, kid: str) -> bytes:
    """Return the HPKE `info` of a message."""
    return f"ketenhub/seal/1\0{hub}\0{iss}\0{jti}\0".encode() + f"{recipient}\0{kid}".encode()


def seal_key(content_key: bytes, public: bytes, info: bytes, ephemeral: X25519PrivateKey) -> bytes:
    """Seal a content key, `enc ‖ ct`."""
    shared_secret, enc = xwing_encapsulate(public, ephemeral)
    schedule = hpke_schedule(shared_secret, info)
    return enc + gcm_encrypt(schedule.key, schedule.nonce, content_key, b"")


def open_sealed_key(sealed: bytes, seed: bytes, info: bytes) -> bytes:
    """Open a sealed content key."""
    schedule = hpke_schedule(xwing_decapsulate(sealed[:1120], seed), info)
    return gcm_decrypt(schedule.key, schedule.nonce, sealed[1120:], b"")


def seal_element(content_key: bytes, index: int, text: bytes) -> bytes:
    """Seal one disclosure."""
    return gcm_encrypt(content_key, bytes(8) + struct.pack(">I", index), padded(text), hashlib.sha256(text).digest())


def digest_of(sealed_key: bytes, elements: list[bytes]) -> bytes:
    """Return `sealed.digest`, as bytes."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in [sealed_key, *elements])).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def golden() -> dict[str, object]:
    """Make one set of golden vectors, all from fixed values but ML-KEM's own randomness."""
    seed, content_key = hashlib.sha256(b"golden seed").digest(), hashlib.sha256(b"golden content key").digest()
    public = xwing_public(seed)
    kid = _text(hashlib.sha256(b"ketenhub/sealing-key/1\0" + public).digest())
    address = {
        "hub": "hub.ketenhub.test",
        "iss": "urn:nld:oin:00000099000000001000",
        "jti": "01940000-0000-7000-8000-000000000001",
        "recipient": "00000099000000002000",
        "kid": kid,
    }
    values = ['"2014-03-02"', '"male"', '{"family":"Voorbeeld","given":["Ada"]}', f'"{"x" * 3000}"']
    salts = [hashlib.sha256(f"golden salt {n}".encode()).digest()[:16] for n in range(len(values))]
    texts = [_text(f'["{_text(salt)}",{value}]'.encode()) for salt, value in zip(salts, values, strict=True)]
    info = message_info(**address)
    ephemeral = X25519PrivateKey.from_private_bytes(hashlib.sha256(b"golden ephemeral").digest())
    sealed_key = seal_key(content_key, public, info, ephemeral)
    elements = [seal_element(content_key, index, text.encode()) for index, text in enumerate(texts)]
    return {
        "made_by": "tests/support/second_sealing.py",
        "seed": seed.hex(),
        "public_sha256": hashlib.sha256(public).hexdigest(),
        "content_key": content_key.hex(),
        "address": address,
        "info": info.hex(),
        "disclosures": texts,
        "sealed_key": sealed_key.hex(),
        "elements_sha256": [hashlib.sha256(element).hexdigest() for element in elements],
        "elements": [element.hex() for element in elements[:3]],
        "digest": _text(digest_of(sealed_key, elements)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(golden(), indent=1, ensure_ascii=False) + "\n")
