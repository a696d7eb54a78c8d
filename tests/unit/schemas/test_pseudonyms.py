"""Pseudonyms: one person, another tag for each recipient and epoch."""

import hashlib
import hmac
from dataclasses import replace

import pytest

from schemas.canonical import b64url, canonical_json, parse_canonical
from schemas.errors import DocumentError, SignatureError
from schemas.identifiers import BSN_SYSTEM, OIN, HubName, MessageId
from schemas.pseudonyms import (
    EPOCH_MAX,
    ChainKey,
    Handover,
    handover_to_payload,
    make_handover,
    open_handover,
    parse_handover,
    random_tag,
)
from schemas.randomness import UnsafeSeededRandomness
from schemas.sealing import SealingPrivateKey

KEY = ChainKey(epoch=3, value=bytes(range(32)))
RAAD, GEMEENTE = OIN("00000099000000002000"), OIN("00000099000000001000")
HUB = HubName("hub.ketenhub.test")
PRIVATE = SealingPrivateKey.generate(randomness=UnsafeSeededRandomness("handover"))


def by_hand(recipient: str, value: str) -> str:
    """HKDF and HMAC step by step, as the architecture writes them."""
    extracted = hmac.digest(bytes(32), KEY.value, "sha256")
    derived = hmac.digest(extracted, b"ketenhub/subject/1\0" + recipient.encode() + b"\x01", "sha256")
    tag = hmac.digest(derived, BSN_SYSTEM.encode() + b"\0" + value.encode(), "sha256")[:16]
    return "3." + b64url(tag)


@pytest.mark.parametrize("recipient", [RAAD, GEMEENTE, HUB])
def test_a_tag_is_what_the_architecture_writes(recipient: OIN | HubName) -> None:
    tag = KEY.tag(recipient=recipient, system=BSN_SYSTEM, value="999911120")
    assert (tag.value, tag.epoch) == (by_hand(recipient.value, "999911120"), 3)


def test_tags_are_golden() -> None:
    tag = KEY.tag(recipient=HUB, system=BSN_SYSTEM, value="999911120")
    assert tag.value == "3.ky0LViXZt0C0HliCYhLP3Q"
    assert KEY.tag(recipient=RAAD, system=BSN_SYSTEM, value="999911120").value == "3.3w5gj4u9c7HOr49q8ZF2Rg"


def test_tags_differ_by_recipient_person_system_and_epoch() -> None:
    tags = {
        KEY.tag(recipient=RAAD, system=BSN_SYSTEM, value="999911120").value,
        KEY.tag(recipient=HUB, system=BSN_SYSTEM, value="999911120").value,
        KEY.tag(recipient=RAAD, system=BSN_SYSTEM, value="999911132").value,
        KEY.tag(recipient=RAAD, system="urn:other", value="999911120").value,
        replace(KEY, epoch=4).tag(recipient=RAAD, system=BSN_SYSTEM, value="999911120").value,
    }
    assert len(tags) == 5


def test_a_random_tag_belongs_to_its_epoch() -> None:
    randomness = UnsafeSeededRandomness("tag")
    first, second = random_tag(epoch=3, randomness=randomness), random_tag(epoch=3, randomness=randomness)
    assert first.epoch == second.epoch == 3
    assert first != second


def test_the_fingerprint_is_what_the_architecture_writes() -> None:
    expected = hashlib.sha256(b"ketenhub/chain/1\x003\0" + KEY.value).digest()
    assert KEY.fingerprint == b64url(expected)


def test_a_key_shows_nothing_and_has_one_form() -> None:
    assert repr(KEY) == "ChainKey(epoch=3)"
    for epoch, value in ((0, bytes(31)), (-1, bytes(32)), (EPOCH_MAX + 1, bytes(32))):
        with pytest.raises(DocumentError):
            ChainKey(epoch=epoch, value=value)
    drawn = ChainKey.generate(epoch=0, randomness=UnsafeSeededRandomness("chain"))
    assert drawn.value == UnsafeSeededRandomness("chain").bytes(32)


def handover() -> Handover:
    return make_handover(
        KEY,
        parties=(GEMEENTE, RAAD),
        receiver_key=PRIVATE.public,
        message_id=MessageId("01940000-0000-7000-8000-000000000001"),
        issued_at=1795432568,
    )


def test_a_handover_gives_the_key_to_its_receiver() -> None:
    read = parse_handover(handover_to_payload(handover()))
    assert (read.giver, read.receiver, read.epoch, read.kid) == (GEMEENTE, RAAD, 3, PRIVATE.public.kid)
    assert open_handover(read, private=PRIVATE, fingerprint=KEY.fingerprint) == KEY
    assert KEY.value.hex() not in repr(read)


def test_a_handover_opens_for_nobody_else_and_under_no_other_name() -> None:
    made = handover()
    other = SealingPrivateKey.generate(randomness=UnsafeSeededRandomness("other"))
    for changed, private in (
        (made, other),
        (replace(made, giver=RAAD), PRIVATE),
        (replace(made, receiver=GEMEENTE), PRIVATE),
        (replace(made, epoch=4), PRIVATE),
    ):
        with pytest.raises(SignatureError):
            open_handover(changed, private=private, fingerprint=KEY.fingerprint)


def test_a_key_that_the_registrar_did_not_sign_is_not_taken() -> None:
    with pytest.raises(DocumentError) as refused:
        open_handover(handover(), private=PRIVATE, fingerprint=replace(KEY, value=bytes(32)).fingerprint)
    assert refused.value.code == "sender.chain-key.fingerprint"


def test_every_finding_in_a_handover_is_listed() -> None:
    claims = parse_canonical(handover_to_payload(handover()))
    assert isinstance(claims, dict)
    broken = canonical_json({**claims, "iss": "x", "epoch": -1, "sealed": "AA", "receiver": 5})
    with pytest.raises(DocumentError) as refused:
        parse_handover(broken)
    assert {issue.pointer for issue in refused.value.issues} == {"/iss", "/epoch", "/sealed", "/receiver"}
    with pytest.raises(DocumentError):
        parse_handover(canonical_json({**claims, "extra": 1}))
