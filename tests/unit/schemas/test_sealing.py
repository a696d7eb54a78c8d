"""Sealing: it opens for one message on one way, and lengths say little."""

from dataclasses import replace

import pytest

from schemas.canonical import b64url
from schemas.document import JSONValue
from schemas.errors import DocumentError, SignatureError
from schemas.identifiers import OIN, HubName, MessageId
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import conceal, disclosure_digest
from schemas.sealing import (
    ELEMENTS_MAX,
    SEALED_KEY_BYTES,
    ContentKey,
    SealedContent,
    SealingAddress,
    SealingPrivateKey,
    SealingPublicKey,
    digest_of_hashes,
    element_hashes,
    hash_list,
    open_element,
    open_key,
    pad,
    padded_size,
    seal_submission,
    sealed_digest,
    unpad,
)

PRIVATE = SealingPrivateKey.generate(randomness=UnsafeSeededRandomness("sealing"))
OTHER = SealingPrivateKey.generate(randomness=UnsafeSeededRandomness("sealing/other"))
ADDRESS = SealingAddress(
    hub=HubName("hub.ketenhub.test"),
    sender=OIN("00000099000000001000"),
    message_id=MessageId("01940000-0000-7000-8000-000000000001"),
    recipient=OIN("00000099000000002000"),
    kid=PRIVATE.public.kid,
)
VALUES: list[JSONValue] = ["2014-03-02", "male", {"family": "Voorbeeld"}]
TEXTS = [conceal(value, randomness=UnsafeSeededRandomness(f"t{i}")).text for i, value in enumerate(VALUES)]


def seal(texts: list[str] = TEXTS, seed: str = "content") -> SealedContent:
    return seal_submission(
        texts, address=ADDRESS, recipient_key=PRIVATE.public, randomness=UnsafeSeededRandomness(seed)
    )


def opened(content: SealedContent) -> ContentKey:
    return open_key(content.sealed_key, private=PRIVATE, address=ADDRESS)


def test_what_is_sealed_opens_again() -> None:
    content = seal()
    key = opened(content)
    assert [
        open_element(key, index=index, digest=disclosure_digest(text), sealed=content.elements[index])
        for index, text in enumerate(TEXTS)
    ] == TEXTS
    assert (len(content.sealed_key), content.kid) == (SEALED_KEY_BYTES, PRIVATE.public.kid)


def test_nothing_of_a_key_is_shown() -> None:
    shown = repr(PRIVATE) + repr(opened(seal())) + repr(seal())
    assert PRIVATE.to_seed().hex() not in shown
    assert repr(PRIVATE.to_seed())[2:20] not in shown
    assert "AESGCM" not in shown


def test_the_info_is_exactly_as_written() -> None:
    expected = (
        b"ketenhub/seal/1\0hub.ketenhub.test\0urn:nld:oin:00000099000000001000\0"
        b"01940000-0000-7000-8000-000000000001\x0000000099000000002000\0" + PRIVATE.public.kid.value.encode()
    )
    assert ADDRESS.info == expected


@pytest.mark.parametrize(
    "address",
    [
        replace(ADDRESS, hub=HubName("other.ketenhub.test")),
        replace(ADDRESS, sender=OIN("00000099000000003000")),
        replace(ADDRESS, message_id=MessageId("01940000-0000-7000-8000-000000000002")),
        replace(ADDRESS, recipient=OIN("00000099000000003000")),
        replace(ADDRESS, kid=OTHER.public.kid),
    ],
)
def test_a_sealed_key_opens_for_no_other_message_party_or_way(address: SealingAddress) -> None:
    with pytest.raises(SignatureError):
        open_key(seal().sealed_key, private=PRIVATE, address=address)


def test_a_sealed_key_opens_for_no_other_key_and_not_when_altered() -> None:
    sealed = seal().sealed_key
    with pytest.raises(SignatureError):
        open_key(sealed, private=OTHER, address=ADDRESS)
    for place in (0, 1087, 1088, 1119, 1120, SEALED_KEY_BYTES - 1):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(SignatureError):
            open_key(bytes(altered), private=PRIVATE, address=ADDRESS)
    with pytest.raises(SignatureError):
        open_key(sealed[:-1], private=PRIVATE, address=ADDRESS)
    with pytest.raises(SignatureError):
        PRIVATE.decrypt(b"", info=ADDRESS.info)


def test_an_element_altered_swapped_or_renamed_does_not_open() -> None:
    content = seal()
    key = opened(content)
    digests = [disclosure_digest(text) for text in TEXTS]
    altered = bytes([content.elements[0][0] ^ 1]) + content.elements[0][1:]
    for index, digest, sealed in (
        (0, digests[0], altered),
        (0, digests[0], content.elements[1]),
        (1, digests[0], content.elements[0]),
        (0, digests[1], content.elements[0]),
        (0, digests[0], b""),
    ):
        with pytest.raises(SignatureError) as refused:
            open_element(key, index=index, digest=digest, sealed=sealed)
        assert refused.value.code == "sender.element.broken"


def test_what_a_sender_sealed_under_a_digest_that_is_not_its_own_is_refused() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from schemas.canonical import b64url_decode

    key, digest = bytes(32), disclosure_digest(TEXTS[0])
    for text in (TEXTS[1].encode(), "é".encode()):
        sealed = AESGCM(key).encrypt(bytes(12), pad(text), b64url_decode(digest))
        with pytest.raises(SignatureError) as refused:
            open_element(ContentKey(AESGCM(key)), index=0, digest=digest, sealed=sealed)
        assert refused.value.code == "sender.element.digest"


def test_every_submission_has_a_key_of_its_own() -> None:
    randomness = UnsafeSeededRandomness("keys")
    first, again = (
        seal_submission(TEXTS, address=ADDRESS, recipient_key=PRIVATE.public, randomness=randomness) for _ in range(2)
    )
    assert first.elements != again.elements
    assert first.sealed_key != again.sealed_key


def test_the_digest_can_be_recomputed_from_the_hash_list_or_from_all_of_it() -> None:
    content = seal()
    hashes = element_hashes(content.sealed_key, content.elements)
    assert content.digest == sealed_digest(content.sealed_key, content.elements)
    assert content.digest == digest_of_hashes(hashes)
    assert content.digest == digest_of_hashes(hash_list(hashes))
    assert content.digest != sealed_digest(content.sealed_key, content.elements[::-1])
    for listed in (["AA", *hash_list(hashes)], [*hash_list(hashes)[:-1], "x"]):
        with pytest.raises(DocumentError):
            digest_of_hashes(listed)


@pytest.mark.parametrize(
    ("size", "padded"),
    [
        (0, 128),
        (127, 128),
        (128, 256),
        (255, 256),
        (256, 512),
        (32_767, 32_768),
        (32_768, 65_536),
        (65_535, 65_536),
        (65_536, 131_072),
        (131_071, 131_072),
        (131_072, 196_608),
    ],
)
def test_sizes_go_up_in_steps(size: int, padded: int) -> None:
    assert padded_size(size) == padded
    assert len(pad(b"a" * size)) == padded
    assert unpad(pad(b"a" * size)) == b"a" * size


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        b"abc",
        bytes(128),
        b"abc\x80" + bytes(125),
        b"abc\x80" + bytes(252),
        b"abc\x80" + bytes(123) + b"\x01",
        b"a" * 128 + b"\x80",
    ],
)
def test_other_padding_is_refused(padded: bytes) -> None:
    with pytest.raises(DocumentError):
        unpad(padded)


def test_data_that_ends_in_the_mark_survives_padding() -> None:
    assert unpad(pad(b"\x80\x80\0")) == b"\x80\x80\0"


def test_limits_and_our_own_mistakes() -> None:
    with pytest.raises(DocumentError):
        seal(["a"] * (ELEMENTS_MAX + 1))
    with pytest.raises(ValueError, match="another sealing key"):
        seal_submission(TEXTS, address=ADDRESS, recipient_key=OTHER.public, randomness=UnsafeSeededRandomness("x"))
    with pytest.raises(DocumentError):
        SealingPrivateKey.from_seed(bytes(31))


def test_sealing_keys_travel_as_text_and_weak_ones_are_refused() -> None:
    public = PRIVATE.public
    assert SealingPublicKey.from_text(public.to_text()) == public
    mlkem, x25519 = public.value[:1184], public.value[1184:]
    for value in (
        public.value[:-1],
        mlkem + bytes(32),
        mlkem + (1).to_bytes(32, "little"),
        b"\xff" * 1184 + x25519,
    ):
        with pytest.raises(DocumentError) as refused:
            SealingPublicKey.from_text(b64url(value))
        assert refused.value.code == "sender.sealing-key.invalid"
