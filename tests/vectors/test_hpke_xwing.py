"""Sealing against the X-Wing sets of `cryptography-vectors`, and against a second code path of our own."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.bindings._rust import openssl as rust_openssl
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from schemas.canonical import b64url_decode
from schemas.identifiers import OIN, HubName, MessageId, Thumbprint
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import conceal, disclosure_digest
from schemas.sealing import (
    SealingAddress,
    SealingPrivateKey,
    SealingPublicKey,
    open_element,
    open_key,
    seal_submission,
    sealed_digest,
)
from tests.support import second_sealing as second

KEM_ID, CHACHA20_POLY1305 = 0x647A, 0x0003
GOLDEN = Path(__file__).parent / "golden" / "sealing.json"


def xwing_sets() -> list[dict[str, Any]]:
    """Return the published sets for MLKEM768-X25519."""
    published = json.loads(files("cryptography_vectors").joinpath("HPKE/hpke-pq-test-vectors.json").read_bytes())
    return [found for found in published if found["kem_id"] == KEM_ID]


def test_there_are_two_published_sets() -> None:
    assert [(found["kdf_id"], found["aead_id"]) for found in xwing_sets()] == [(1, 3), (17, 3)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_seed_expands_to_the_published_key(number: int) -> None:
    vector = xwing_sets()[number]
    private = SealingPrivateKey.from_seed(bytes.fromhex(vector["skRm"]))
    assert private.public.value.hex() == vector["pkRm"]
    assert private.to_seed().hex() == vector["skRm"]
    assert SealingPublicKey.from_bytes(bytes.fromhex(vector["pkRm"])) == private.public


@pytest.mark.parametrize("number", [0, 1])
def test_the_second_path_finds_the_published_shared_secret(number: int) -> None:
    vector = xwing_sets()[number]
    secret = second.xwing_decapsulate(bytes.fromhex(vector["enc"]), bytes.fromhex(vector["skRm"]))
    assert secret.hex() == vector["shared_secret"]


def test_the_second_path_derives_the_published_key_and_opens_the_published_ciphertexts() -> None:
    vector = xwing_sets()[0]
    info = bytes.fromhex(vector["info"])
    schedule = second.hpke_schedule(bytes.fromhex(vector["shared_secret"]), info, aead_id=CHACHA20_POLY1305)
    assert (schedule.key.hex(), schedule.nonce.hex()) == (vector["key"], vector["base_nonce"])
    for case in vector["encryptions"]:
        opened = ChaCha20Poly1305(schedule.key).decrypt(
            bytes.fromhex(case["nonce"]), bytes.fromhex(case["ct"]), bytes.fromhex(case["aad"])
        )
        assert opened.hex() == case["pt"]


def test_the_library_opens_the_published_ciphertext_with_our_expanded_key() -> None:
    """The set uses ChaCha20-Poly1305 and associated data; the key under it is the one we expand from the seed."""
    vector = xwing_sets()[0]
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
    private = SealingPrivateKey.from_seed(bytes.fromhex(vector["skRm"]))
    first = vector["encryptions"][0]
    sealed = bytes.fromhex(vector["enc"] + first["ct"])
    decrypt = rust_openssl.hpke._decrypt_with_aad
    opened = decrypt(suite, sealed, private._key, bytes.fromhex(vector["info"]), bytes.fromhex(first["aad"]))
    assert opened.hex() == first["pt"]


def address_of(parts: dict[str, str]) -> SealingAddress:
    return SealingAddress(
        hub=HubName(parts["hub"]),
        sender=OIN.from_urn(parts["iss"]),
        message_id=MessageId(parts["jti"]),
        recipient=OIN(parts["recipient"]),
        kid=Thumbprint(parts["kid"]),
    )


def test_golden_vectors_of_the_second_path_open_here() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    private = SealingPrivateKey.from_seed(bytes.fromhex(golden["seed"]))
    address = address_of(golden["address"])
    assert hashlib.sha256(private.public.value).hexdigest() == golden["public_sha256"]
    assert private.public.kid.value == golden["address"]["kid"]
    assert address.info.hex() == golden["info"]
    content_key = open_key(bytes.fromhex(golden["sealed_key"]), private=private, address=address)
    for index, sealed in enumerate(golden["elements"]):
        text = golden["disclosures"][index]
        opened = open_element(content_key, index=index, digest=disclosure_digest(text), sealed=bytes.fromhex(sealed))
        assert opened == text


def test_golden_digest_covers_key_and_elements() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    key, texts = bytes.fromhex(golden["content_key"]), golden["disclosures"]
    elements = [second.seal_element(key, index, text.encode()) for index, text in enumerate(texts)]
    assert [hashlib.sha256(element).hexdigest() for element in elements] == golden["elements_sha256"]
    assert sealed_digest(bytes.fromhex(golden["sealed_key"]), elements) == golden["digest"]


def test_the_second_path_opens_what_is_sealed_here() -> None:
    randomness = UnsafeSeededRandomness("hpke")
    private = SealingPrivateKey.generate(randomness=randomness)
    golden = json.loads(GOLDEN.read_bytes())
    parts = {**golden["address"], "kid": private.public.kid.value}
    texts = [conceal("x" * size, randomness=randomness).text for size in (0, 50, 5000, 70_000)]
    content = seal_submission(
        texts, address=address_of(parts), recipient_key=private.public, randomness=UnsafeSeededRandomness("content key")
    )
    info = second.message_info(**parts)
    content_key = second.open_sealed_key(content.sealed_key, private.to_seed(), info)
    assert content_key == UnsafeSeededRandomness("content key").bytes(32)
    assert [second.seal_element(content_key, i, text.encode()) for i, text in enumerate(texts)] == list(
        content.elements
    )
    assert b64url_decode(content.digest) == second.digest_of(content.sealed_key, list(content.elements))


def test_what_the_second_path_seals_anew_opens_here() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    private = SealingPrivateKey.from_seed(bytes.fromhex(golden["seed"]))
    info = second.message_info(**golden["address"])
    sealed = second.seal_key(bytes(32), private.public.value, info, X25519PrivateKey.generate())
    content_key = open_key(sealed, private=private, address=address_of(golden["address"]))
    element = second.seal_element(bytes(32), 7, b"abc")
    assert open_element(content_key, index=7, digest=disclosure_digest("abc"), sealed=element) == "abc"
