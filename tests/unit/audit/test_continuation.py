"""The statement that a log continues another: what it says, who must have signed it, and what it cannot say."""

from dataclasses import replace
from hashlib import sha256

import pytest

from audit.continuation import (
    CONTINUATION_HEADER,
    Continuation,
    Voucher,
    make_continuation,
    parse_continuation,
    registrar_note_key,
    sign_continuation,
    verify_continuation,
    vouch,
)
from audit.entries import EntryDraft, finalise_entry
from audit.note import Note, NoteKeyType, NoteSigner, parse_note, sign_note
from schemas.canonical import b64url
from schemas.codes import EntryKind, SignatureAlgorithm
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import SigningKey
from schemas.randomness import UnsafeSeededRandomness

RANDOMNESS = UnsafeSeededRandomness("continuation")
OLD = NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=sha256(b"old").digest())
NEW = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=sha256(b"new").digest())
STRANGER = NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=sha256(b"stranger").digest())
REGISTRAR = SigningKey.generate(randomness=RANDOMNESS)
ROOT = sha256(b"root").digest()
DRAFT = EntryDraft(
    kind=EntryKind.CONTINUATION,
    id="0" * 32,
    pad=bytes(16),
    predecessor=OLD.name,
    root=b64url(ROOT),
    provable=270,
    published=330,
)


def entry(*, newest_participant: int | None = None, **changes: object) -> bytes:
    draft = replace(DRAFT, **changes)  # type: ignore[arg-type]  # by name
    index = 0 if newest_participant is None else newest_participant + 1
    return finalise_entry(draft, index=index, time=1_795_432_568_000, newest_participant=newest_participant).text


def continuation() -> Continuation:
    return make_continuation(predecessor=OLD.public, successor=NEW.public, entry=entry())


def verified(note: Note) -> frozenset[Voucher]:
    found, vouchers = verify_continuation(str(note).encode(), pinned=OLD.public, registrar=REGISTRAR.public)
    assert found == continuation()
    return vouchers


def test_a_statement_says_what_is_provable_and_what_is_lost() -> None:
    found = parse_continuation(parse_note(str(sign_continuation(continuation(), [NEW, OLD])).encode()))
    assert (found.predecessor, found.successor) == (OLD.public, NEW.public)
    assert (found.provable.origin, found.provable.size, found.provable.root_hash) == (OLD.name, 270, ROOT)
    assert found.published == 330
    assert found.text.splitlines() == [CONTINUATION_HEADER, OLD.public.vkey, NEW.public.vkey, entry().decode()]


@pytest.mark.parametrize(
    ("provable", "published", "kept", "lost"),
    [
        (270, 330, "entries 0 to 269", "entries 270 to 329"),
        (0, 1, "none", "entries 0 to 0"),
        (7, 7, "entries 0 to 6", "none"),
    ],
)
def test_people_read_what_is_provable_and_what_is_lost(provable: int, published: int, kept: str, lost: str) -> None:
    first = entry(provable=provable, published=published)
    found = make_continuation(predecessor=OLD.public, successor=NEW.public, entry=first)
    assert found.words == (
        f"{NEW.name} continues {OLD.name}",
        f"  provable: {kept}",
        f"  lost:     {lost}",
        f"  new key:  {NEW.public.vkey}",
    )


def test_the_old_key_or_the_registrar_vouches_for_the_new_one() -> None:
    by_new = sign_continuation(continuation(), [NEW])
    assert verified(sign_continuation(continuation(), [NEW, OLD])) == {Voucher.PREDECESSOR}
    assert verified(vouch(by_new, registrar=REGISTRAR)) == {Voucher.REGISTRAR}
    assert verified(vouch(sign_continuation(continuation(), [OLD, NEW]), registrar=REGISTRAR)) == set(Voucher)


@pytest.mark.parametrize(
    ("note", "code"),
    [
        (sign_continuation(continuation(), [NEW]), "hub.continuation.unvouched"),
        (sign_continuation(continuation(), [NEW, STRANGER]), "hub.continuation.unvouched"),
        (vouch(sign_continuation(continuation(), [NEW]), registrar=SigningKey.generate(randomness=RANDOMNESS)),
         "hub.continuation.unvouched"),
        (sign_continuation(continuation(), [OLD]), "hub.continuation.unsigned"),
        (sign_continuation(continuation(), [STRANGER]), "hub.note.unknown-signer"),
    ],
    ids=["nobody vouches", "another key of that name", "another registrar", "not by the new key", "by a stranger"],
)  # fmt: skip
def test_one_signature_alone_moves_nobody(note: Note, code: str) -> None:
    with pytest.raises(SignatureError) as caught:
        verified(note)
    assert caught.value.code == code


def test_a_false_signature_of_a_known_key_refuses_the_statement() -> None:
    note = sign_continuation(continuation(), [NEW, OLD])
    first, second = note.signatures
    other = replace(note, signatures=(first, replace(second, signature=bytes(64))))
    with pytest.raises(SignatureError, match="not over this text"):
        verified(other)


def test_a_statement_about_another_log_than_the_pinned_one_is_refused() -> None:
    data = str(sign_continuation(continuation(), [NEW, OLD])).encode()
    with pytest.raises(SignatureError) as caught:
        verify_continuation(data, pinned=STRANGER.public, registrar=REGISTRAR.public)
    assert caught.value.code == "hub.continuation.other"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("somebody's note\n", "not the statement"),
        (continuation().text.replace("/1\n", "/2\n", 1), "not the statement"),
        (continuation().text + "more\n", "not the statement"),
        (continuation().text.replace(OLD.public.vkey, "no key"), "a vkey is"),
        (continuation().text.replace(f"+{OLD.public.key_id.hex()}+", "+00000000+"), "key id"),
        (continuation().text.replace('"provable"', '"probable"'), "no CONTINUATION entry"),
    ],
)
def test_what_has_not_the_form_of_a_statement_is_refused(text: str, finding: str) -> None:
    with pytest.raises(DocumentError, match=finding):
        parse_continuation(sign_note(text, [NEW]))


def test_a_key_has_one_spelling_in_a_statement() -> None:
    """Two statements that say the same would be two."""
    upper = NEW.public.key_id.hex().upper()
    text = continuation().text.replace(f"+{NEW.public.key_id.hex()}+", f"+{upper}+")
    assert text != continuation().text
    with pytest.raises(DocumentError):
        parse_continuation(sign_note(text, [NEW]))


@pytest.mark.parametrize(
    ("first", "finding"),
    [
        (entry(predecessor="hub.ketenhub.test/log/0"), "another log"),
        (entry(provable=331), "no first entry can say"),
        (entry(newest_participant=3), "no first entry can say"),
        (
            finalise_entry(
                EntryDraft(
                    kind=EntryKind.CATALOGUE, id="grounds", catalogue=b64url(ROOT), version="1", pad=bytes(16)
                ),
                index=0,
                time=0,
                newest_participant=None,
            ).text,
            "does not say which log",
        ),
    ],
    ids=["another predecessor", "more provable than published", "not the first", "another kind"],
)  # fmt: skip
def test_the_first_entry_says_what_a_statement_says(first: bytes, finding: str) -> None:
    with pytest.raises(DocumentError, match=finding):
        make_continuation(predecessor=OLD.public, successor=NEW.public, entry=first)


def test_a_new_log_has_an_origin_and_a_key_of_its_own() -> None:
    renamed = NoteSigner(name=NEW.name, private_key=OLD.private_key).public
    witness = NoteSigner(name=NEW.name, private_key=NEW.private_key, type=NoteKeyType.COSIGNATURE_V1).public
    for successor in (STRANGER.public, renamed, witness):
        with pytest.raises(DocumentError):
            make_continuation(predecessor=OLD.public, successor=successor, entry=entry())


def test_only_an_ed25519_registrar_signs_notes() -> None:
    other = SigningKey.generate(SignatureAlgorithm.ES256, randomness=RANDOMNESS)
    with pytest.raises(DocumentError, match="Ed25519"):
        registrar_note_key(other.public)
