"""HKDF and AES-GCM, as this exchange uses them, against Project Wycheproof."""

import json
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.sealing import NONCE_BYTES
from tests.support.shared import shared_path

HKDF_SHA256_BYTES_MAX = 255 * 32


def cases(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each case with its group."""
    found = json.loads(shared_path(f"vectors/wycheproof/{name}").read_bytes())
    return [(group, case) for group in found["testGroups"] for case in group["tests"]]


def test_hkdf_gives_the_published_keys_and_refuses_what_is_too_long() -> None:
    wrong, counted = [], {"valid": 0, "invalid": 0}
    for _, case in cases("hkdf_sha256_test.json"):
        try:
            derived = HKDF(
                algorithm=hashes.SHA256(),
                length=case["size"],
                salt=bytes.fromhex(case["salt"]),
                info=bytes.fromhex(case["info"]),
            ).derive(bytes.fromhex(case["ikm"]))
            result = "valid" if derived.hex() == case["okm"] else "wrong"
        except ValueError:
            result = "invalid" if case["size"] > HKDF_SHA256_BYTES_MAX else "wrong"
        counted[case["result"]] += 1
        if result != case["result"]:
            wrong.append(case["tcId"])
    assert (wrong, counted) == ([], {"valid": 83, "invalid": 3})


def test_aes_gcm_with_our_nonce_length_agrees_on_every_case() -> None:
    wrong, tested, other = [], 0, 0
    for group, case in cases("aes_gcm_test.json"):
        if group["ivSize"] != NONCE_BYTES * 8:
            other += 1
            continue
        tested += 1
        nonce, aad = bytes.fromhex(case["iv"]), bytes.fromhex(case["aad"])
        try:
            opened = AESGCM(bytes.fromhex(case["key"])).decrypt(nonce, bytes.fromhex(case["ct"] + case["tag"]), aad)
            result = "valid" if opened.hex() == case["msg"] else "wrong"
        except InvalidTag:
            result = "invalid"
        if result != case["result"]:
            wrong.append(case["tcId"])
    # The rest have nonces of other lengths, which this exchange never makes.
    assert (wrong, tested + other) == ([], 316)
    assert tested > other
