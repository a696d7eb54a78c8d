"""Canonical JSON and base64url for every value: against a second writer, and against the RFC's own words."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.canonical import INTEGER_MAX, b64url, b64url_decode, canonical_json, parse_canonical, parse_json
from schemas.errors import DocumentError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)
BASE64_LIKE = st.text("ABCQgwz019-_+/= \n", max_size=12)


def written_by_the_rfc(value: Any) -> str:
    """RFC 8785, section 3.2, word for word: ECMAScript strings, members by UTF-16 code units, no white space."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{written_by_the_rfc(name)}:{written_by_the_rfc(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written_by_the_rfc, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(VALUES)
@settings(max_examples=200)
def test_what_is_written_is_what_the_rfc_says_and_reads_back(value: Any) -> None:
    data = canonical_json(value)
    assert data == written_by_the_rfc(value).encode()
    assert parse_canonical(data) == parse_json(data) == value


@given(VALUES, st.integers(0, 4), st.booleans())
@settings(max_examples=100)
def test_another_spelling_is_read_but_is_not_canonical(value: Any, indent: int, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert parse_json(data) == value
    if data != canonical_json(value):
        with pytest.raises(DocumentError) as refused:
            parse_canonical(data)
        assert refused.value.code == "sender.json.not-canonical"


@given(st.binary(max_size=60) | st.text('{}[]":,0123456789.eE-truefalsn \\u', max_size=40).map(str.encode))
@settings(max_examples=300)
def test_any_bytes_are_read_as_the_standard_library_reads_them_or_refused(data: bytes) -> None:
    try:
        value = parse_json(data)
    except DocumentError:
        return
    assert value == json.loads(data)


@given(st.binary(max_size=200))
def test_base64url_round_trip(data: bytes) -> None:
    assert b64url_decode(b64url(data)) == data


@given(BASE64_LIKE)
@settings(max_examples=500)
def test_base64url_is_taken_in_its_one_spelling_only(text: str) -> None:
    try:
        expected = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        expected = None
    canonical = expected is not None and b64url(expected) == text
    try:
        found = b64url_decode(text)
    except DocumentError:
        found = None
    assert found == (expected if canonical else None)
