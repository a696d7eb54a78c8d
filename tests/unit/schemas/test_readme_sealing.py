"""The numbers of the README's section on signing, disclosing and sealing are what the code makes."""

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.canonical import b64url_decode
from schemas.identifiers import BSN_SYSTEM, OIN, HubName
from schemas.pseudonyms import ChainKey
from schemas.sdjwt import disclosure_digest, encode_disclosure
from schemas.sealing import SEALED_KEY_BYTES, SealingPrivateKey, pad

README = (Path(__file__).resolve().parents[3] / "schemas" / "README.md").read_text("utf-8")
COUNTING = bytes(range(32))


def test_the_value_on_its_way_has_the_numbers_of_the_readme() -> None:
    text = encode_disclosure(salt=COUNTING[:16], value="2014-03-02")
    digest = disclosure_digest(text)
    padded = pad(text.encode())
    sealed = AESGCM(COUNTING).encrypt(bytes(12), padded, b64url_decode(digest))
    assert b64url_decode(text).decode() in README
    assert (len(text), len(padded), len(sealed), SEALED_KEY_BYTES) == (52, 128, 144, 1168)
    for number in (
        text,
        digest,
        hashlib.sha256(sealed).hexdigest(),
        SealingPrivateKey.from_seed(COUNTING).public.kid.value,
    ):
        assert f"`{number}`" in README


def test_the_pseudonyms_are_those_of_the_readme() -> None:
    key = ChainKey(epoch=3, value=COUNTING)
    for recipient in (HubName("hub.ketenhub.test"), OIN("00000099000000002000")):
        assert f"`{key.tag(recipient=recipient, system=BSN_SYSTEM, value='999911120').value}`" in README
    assert f"`{key.fingerprint}`" in README
