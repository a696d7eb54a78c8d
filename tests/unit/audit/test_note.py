"""Signed notes, vkeys and cosignatures."""

import base64
from hashlib import sha256

import pytest

from audit.note import (
    SIGNATURES_MAX,
    Note,
    NoteKeyType,
    NoteSigner,
    parse_note,
    parse_skey,
    parse_vkey,
    sign_note,
    verify_note,
)
from schemas.errors import DocumentError, SignatureError

TEXT = "hub.ketenhub.test/log/1\n3\n" + "A" * 43 + "=\n"
LOG = NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=sha256(b"log").digest())
WITNESS = NoteSigner.from_seed(name="witness.test", seed=sha256(b"witness").digest(), type=NoteKeyType.COSIGNATURE_V1)
STRANGER = NoteSigner.from_seed(name="stranger.test", seed=sha256(b"stranger").digest())


def cosigned() -> Note:
    note = sign_note(TEXT, [LOG])
    return Note(text=TEXT, signatures=(*note.signatures, WITNESS.sign(TEXT, at=1_795_432_568)))


def test_a_note_comes_back_as_it_was_written() -> None:
    note = cosigned()
    assert parse_note(str(note).encode()) == note


def test_an_empty_line_in_the_text_does_not_end_it() -> None:
    note = sign_note("one\n\ntwo\n", [LOG])
    assert parse_note(str(note).encode()) == note


def test_log_and_witness_are_verified_and_the_witness_tells_its_time() -> None:
    verified = verify_note(cosigned(), [LOG.public, WITNESS.public])
    assert [(item.key.name, item.cosigned_at) for item in verified] == [
        ("hub.ketenhub.test/log/1", None),
        ("witness.test", 1_795_432_568),
    ]


def test_a_signature_that_stands_twice_counts_once() -> None:
    note = sign_note(TEXT, [LOG, LOG])
    assert len(verify_note(note, [LOG.public])) == 1


def test_an_unknown_signer_is_ignored_and_alone_not_enough() -> None:
    note = sign_note(TEXT, [STRANGER, LOG])
    assert [item.key for item in verify_note(note, [LOG.public])] == [LOG.public]
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(sign_note(TEXT, [STRANGER]), [LOG.public])


def test_a_false_signature_of_a_known_key_rejects_the_whole_note() -> None:
    note = Note(text=TEXT + "x\n", signatures=cosigned().signatures)
    for known in (LOG.public, WITNESS.public):
        with pytest.raises(SignatureError, match="not over this text"):
            verify_note(note, [known])


def test_a_cosignature_binds_its_time() -> None:
    signature = WITNESS.sign(TEXT, at=1_795_432_568).signature
    assert WITNESS.public.verify(text=TEXT, signature=signature) == 1_795_432_568
    later = (1_795_432_569).to_bytes(8, "big") + signature[8:]
    with pytest.raises(SignatureError):
        WITNESS.public.verify(text=TEXT, signature=later)
    with pytest.raises(SignatureError, match="impossible time"):
        WITNESS.public.verify(text=TEXT, signature=b"\xff" * 8 + signature[8:])


@pytest.mark.parametrize("signature", [b"", b"\x00" * 63, b"\x00" * 65])
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    with pytest.raises(SignatureError):
        LOG.public.verify(text=TEXT, signature=signature)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno mark AAAAAAAA\n",
        "text\n\n— name\n".encode(),
        "text\n\n— na+me AAAAAAAA\n".encode(),
        "text\n\n—  AAAAAAAA\n".encode(),
        "text\n\n— name AAAAAA==\n".encode(),
        "text\n\n— name AAAAAAAA".encode(),
        "text\n\n— name AAAAAAA*\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "text\n\n— name AAAAAAAA BBBB\n".encode(),
        "te\rxt\n\n— name AAAAAAAA\n".encode(),
        b"te\xffxt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"text\n\n" + "— name AAAAAAAA\n".encode() * (SIGNATURES_MAX + 1),
        b"x" * 70_000,
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_note(data)


def test_sixteen_signatures_are_accepted() -> None:
    assert len(parse_note(b"text\n\n" + "— name AAAAAAAA\n".encode() * 16).signatures) == 16


def test_keys_come_back_from_their_text() -> None:
    for key in (LOG.public, WITNESS.public):
        assert parse_vkey(key.vkey) == key
    assert parse_skey(LOG.skey).public == LOG.public


def test_the_secret_is_not_shown() -> None:
    secret = base64.b64encode(b"\x01" + sha256(b"log").digest()).decode()
    assert secret in LOG.skey
    assert secret not in repr(LOG)
    assert "private_key" not in repr(LOG)


def _vkey(name: str, data: bytes, key_id: str | None = None) -> str:
    found = key_id or sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return f"{name}+{found}+{base64.b64encode(data).decode()}"


GOOD = LOG.public.public_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name+00000000",
        _vkey("name", b""),
        _vkey("name", b"\x02" + GOOD),
        _vkey("name", b"\x01" + GOOD, "00000000"),
        _vkey("name", b"\x01" + GOOD[:-1]),
        _vkey("name", b"\x01" + b"\x00" * 32),
        _vkey("name", b"\x01" + b"\x01" + b"\x00" * 31),
        _vkey("na me", b"\x01" + GOOD),
        _vkey("na\u2003me", b"\x01" + GOOD),
        _vkey("", b"\x01" + GOOD),
        LOG.public.vkey + "=",
        LOG.public.vkey.replace("+", "+F", 1),
        "na\udc80me+00000000+" + base64.b64encode(b"\x01" + GOOD).decode(),
    ],
)
def test_what_is_no_vkey_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse_vkey(text)


@pytest.mark.parametrize(
    "text",
    [
        LOG.skey.replace("PRIVATE", "private"),
        LOG.skey.replace("log/1+", "log/1+0"),
        "PRIVATE+KEY+name+00000000+" + base64.b64encode(b"\x01" + b"s" * 31).decode(),
        "PRIVATE+KEY+name+00000000+" + base64.b64encode(b"\x04" + b"s" * 32).decode(),
        "PRIVATE+KEY+name",
    ],
)
def test_what_is_no_secret_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_skey(text)
    assert text not in str(caught.value)


def test_signing_the_wrong_thing_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="newline"):
        LOG.sign("no newline")
    with pytest.raises(ValueError, match="newline"):
        LOG.sign("tab\t\n")
    with pytest.raises(ValueError, match="has a time"):
        LOG.sign(TEXT, at=1)
    with pytest.raises(ValueError, match="has a time"):
        WITNESS.sign(TEXT)
