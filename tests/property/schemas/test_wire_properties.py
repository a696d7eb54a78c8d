"""Tokens, disclosures, seals and bodies: whatever comes, it is what was signed and sealed, or it is refused."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.canonical import b64url_decode, canonical_json
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError, RejectedMessageError
from schemas.jws import sign_jws, verify_jws
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import conceal, parse_disclosure, present, verify_sd_jwt
from schemas.sealing import SEALED_KEY_BYTES, TAG_BYTES, pad, padded_size, unpad
from schemas.wire import (
    Release,
    Releases,
    Submission,
    encode_releases,
    encode_submission,
    parse_releases,
    parse_submission,
)
from tests.support.parties import message_id, seeded_key

KEY = seeded_key("property")
TOKEN = sign_jws(b'{"a":1}', typ=TokenType.RECEIPT, key=KEY)
SIZES = st.sampled_from([128, 256, 512, 65_536, 131_072, 196_608])


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCXYZabcxyz0189-_.=~ é"))
@settings(max_examples=200)
def test_a_token_with_another_character_anywhere_is_refused(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(RejectedMessageError):
        verify_jws(changed, typ=TokenType.RECEIPT, key=KEY.public)


ELEMENTS = st.lists(
    st.lists(st.sampled_from(["a", 1, None, True, {"x": ["é"]}]), min_size=1, max_size=3), min_size=1, max_size=4
)


@given(ELEMENTS, st.data())
@settings(max_examples=60)
def test_any_choice_of_disclosures_shows_exactly_that_choice(
    elements: list[list[JSONValue]], data: st.DataObject
) -> None:
    randomness = UnsafeSeededRandomness("choice")
    concealed = [[conceal(value, randomness=randomness) for value in values] for values in elements]
    claims: dict[str, JSONValue] = {"_sd_alg": "sha-256"}
    claims |= {f"e{n}": [each.placeholder for each in made] for n, made in enumerate(concealed)}
    token = sign_jws(canonical_json(claims), typ=TokenType.MESSAGE, key=KEY)
    shown = [[data.draw(st.booleans()) for _ in made] for made in concealed]
    texts = [
        each.text
        for made, flags in zip(concealed, shown, strict=True)
        for each, flag in zip(made, flags, strict=True)
        if flag
    ]
    verified = verify_sd_jwt(present(token, data.draw(st.permutations(texts))), key=KEY.public, typ=TokenType.MESSAGE)
    assert verified.claims == {
        f"e{n}": [value for value, flag in zip(values, flags, strict=True) if flag]
        for n, (values, flags) in enumerate(zip(elements, shown, strict=True))
    }


@given(st.text("ABCQgwz019-_=~", max_size=60))
@settings(max_examples=200)
def test_any_text_is_a_disclosure_in_its_one_spelling_or_refused(text: str) -> None:
    for foreign in (False, True):
        try:
            read = parse_disclosure(text, foreign=foreign)
        except DocumentError:
            continue
        assert read.text == text
        assert b64url_decode(text)


@given(st.binary(max_size=600), st.integers(0, 3))
@settings(max_examples=200)
def test_padding_comes_off_as_it_went_on(data: bytes, zeros: int) -> None:
    data += bytes(zeros)
    padded = pad(data)
    assert unpad(padded) == data
    assert len(padded) == padded_size(len(data)) > len(data)


@given(st.integers(0, 400_000))
def test_padded_sizes_are_few_and_never_shrink(size: int) -> None:
    padded = padded_size(size)
    assert size < padded <= padded_size(size + 1)
    assert padded % 65_536 == 0 or (padded < 65_536 and padded & (padded - 1) == 0)
    # At most twice the text, or one step more: what padding costs.
    assert padded <= max(128, 2 * (size + 1), size + 1 + 65_535)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_unpad_to_what_pads_to_them_or_are_refused(padded: bytes) -> None:
    try:
        data = unpad(padded)
    except DocumentError:
        return
    assert pad(data) == padded


def _elements(sizes: Sequence[int]) -> tuple[bytes, ...]:
    randomness = UnsafeSeededRandomness("elements")
    return tuple(randomness.bytes(size + TAG_BYTES) for size in sizes)


@given(st.lists(SIZES, max_size=6))
@settings(max_examples=30, deadline=None)
def test_submissions_and_releases_survive_their_bodies(sizes: list[int]) -> None:
    elements = _elements(sizes)
    submission = Submission(message="a.b.c", tags=("dGFn",), key=bytes(SEALED_KEY_BYTES), elements=elements)
    assert parse_submission(*encode_submission(submission)) == submission
    release = Release(
        id=message_id(1),
        message="a.b.c",
        key=bytes(SEALED_KEY_BYTES),
        elements={2 * n: element for n, element in enumerate(elements)},
        hashes=("A" * 43,) * (len(elements) + 1),
        shown="{}",
        shown_salt=bytes(32),
        entry="{}",
        index=1,
        tlog_proof="proof",
    )
    answer = Releases(releases=(release, release), later=(message_id(2),))
    assert parse_releases(*encode_releases(answer)) == answer


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_body_is_refused_or_means_what_it_says(data: st.DataObject) -> None:
    submission = Submission(
        message="a.b.c", tags=("dGFn",), key=bytes(SEALED_KEY_BYTES), elements=_elements([128, 131_072])
    )
    content_type, body = encode_submission(submission)
    damaged: Any = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        # Where the structure is: the JSON in front, the boundary at the end.
        place = data.draw(st.integers(0, 2200) | st.integers(len(body) - 100, len(body) - 1))
        damaged[place] = data.draw(st.sampled_from(b'{}[]":,-\r\nA0 \x00\xff'))
    try:
        read = parse_submission(content_type, bytes(damaged))
    except DocumentError:
        return
    assert parse_submission(*encode_submission(read)) == read
