"""Canonical JSON and base64url: what is written, and what is refused where."""

from collections import Counter
from enum import IntEnum
from typing import Any

import pytest

from schemas.canonical import (
    DEPTH_MAX,
    INTEGER_MAX,
    b64url,
    b64url_decode,
    canonical_json,
    json_pointer,
    parse_canonical,
    parse_json,
)
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError


class Number(IntEnum):
    """An integer that is more than one."""

    ONE = 1


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def issues(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as refused:
        parse_json(data)
    assert {issue.pointer for issue in refused.value.issues} == {""}
    return [(issue.code, issue.text) for issue in refused.value.issues]


def test_members_are_sorted_by_utf16_code_unit_not_by_code_point() -> None:
    """U+1F600 is above U+FB33 as a code point, but its first surrogate is below."""
    value: Any = {"\ufb33": 1, "\U0001f600": 2, "é": {"\ufb33": 3, "\U0001f600": [{"\uffff": 4, "\U0001f600": 5}]}}
    expected = '{"é":{"😀":[{"😀":5,"\uffff":4}],"\ufb33":3},"😀":2,"\ufb33":1}'.encode()
    assert canonical_json(value) == expected
    assert canonical_json(parse_canonical(expected)) == expected


def test_control_characters_are_written_as_ecmascript_writes_them() -> None:
    assert (
        canonical_json('\b\t\n\f\r\x00\x1f\x7f"\\/é\u2028')
        == '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\\"\\\\/é\u2028"'.encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'"\\u00e9"',
        b'"\\/"',
        b"-0",
        b'"\\u001F"',
        '{"\ufb33":1,"😀":2}'.encode(),
    ],
)
def test_every_other_spelling_is_refused(data: bytes) -> None:
    assert parse_json(data) is not None
    with pytest.raises(DocumentError) as refused:
        parse_canonical(data)
    assert refused.value.code == "sender.json.not-canonical"


@pytest.mark.parametrize(
    "data", [b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'[{"b":{"a":":"},"b":1}]', b'{"a":1,"\\u0061":1}']
)
def test_a_member_twice_is_refused_by_both_readers(data: bytes) -> None:
    assert {code for code, _ in issues(data)} == {"sender.json.duplicate"}
    with pytest.raises(DocumentError) as refused:
        parse_canonical(data)
    assert refused.value.code == "sender.json.duplicate"


def test_a_dropped_first_member_cannot_hide_what_is_refused() -> None:
    assert {code for code, _ in issues(b'{"a":' + nested(1000) + b',"a":1}')} == {"sender.json.duplicate"}
    assert {code for code, _ in issues(b'{"a":' + nested(2000) + b',"a":1}')} == {"sender.json.invalid"}
    assert {code for code, _ in issues(b'{"a":' + b"9" * 5000 + b',"a":1}')} == {"sender.json.invalid"}


def test_colons_in_strings_are_no_duplicates() -> None:
    assert parse_json(b'{"a":"urn:nld:oin:1","b":[":"]}') == {"a": "urn:nld:oin:1", "b": [":"]}


def test_nesting_ends_at_the_limit() -> None:
    assert parse_json(nested(DEPTH_MAX)) is not None
    assert canonical_json(parse_canonical(nested(DEPTH_MAX))) == nested(DEPTH_MAX)
    assert issues(nested(DEPTH_MAX + 1)) == [
        ("sender.json.depth", f"nested deeper than 32, at place {'.'.join('0' * DEPTH_MAX)}, counted from 0")
    ]
    with pytest.raises(DocumentError):
        parse_canonical(nested(DEPTH_MAX + 1))
    too_deep: Any = []
    for _ in range(DEPTH_MAX):
        too_deep = [too_deep]
    with pytest.raises(DocumentError):
        canonical_json(too_deep)


def test_integers_end_at_what_every_reader_keeps() -> None:
    assert parse_json(str(INTEGER_MAX).encode()) == INTEGER_MAX
    assert parse_json(str(-INTEGER_MAX).encode()) == -INTEGER_MAX
    assert issues(b"[1,9007199254740992]") == [
        ("sender.json.integer-range", "an integer beyond 2^53 - 1, at place 1, counted from 0")
    ]
    with pytest.raises(DocumentError):
        parse_canonical(b"-9007199254740992")
    with pytest.raises(DocumentError):
        canonical_json({"a": 2**53})


def test_every_finding_is_listed_with_its_place() -> None:
    assert issues(b'{"a":[1.5,2],"b~/":{"c":1e2},"d":9007199254740993}') == [
        ("sender.json.float", "a floating point number, at place 0.0, counted from 0"),
        ("sender.json.float", "a floating point number, at place 1.0, counted from 0"),
        ("sender.json.integer-range", "an integer beyond 2^53 - 1, at place 2, counted from 0"),
    ]
    assert issues(b"1.5") == [("sender.json.float", "a floating point number")]


@pytest.mark.parametrize(
    "data", [b'{"Sam Geheim":1.5}', b'{"Sam Geheim":1,"Sam Geheim":1}', b'{"x":{"Sam Geheim":9007199254740993}}']
)
def test_the_name_of_a_member_is_never_repeated(data: bytes) -> None:
    """Whoever writes the document chooses it: it can be the name or the number of a child."""
    for read in (parse_json, parse_canonical):
        with pytest.raises(DocumentError) as refused:
            read(data)
        assert refused.value.issues
        assert "Geheim" not in f"{refused.value} {refused.value.issues}"


def test_an_error_never_quotes_the_document() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_json(b'{"name": geheim}')
    assert "geheim" not in str(refused.value)
    assert refused.value.issues[0].text == "not JSON at character 9"


@pytest.mark.parametrize(
    "value",
    [1.0, (1,), {"a": b""}, {1: "a"}, {"a": {1}}, object(), Counter("a"), Number.ONE],
)
def test_what_is_not_json_is_our_own_mistake(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_codes_are_written_as_their_text() -> None:
    assert canonical_json({"alg": SignatureAlgorithm.EDDSA}) == b'{"alg":"EdDSA"}'


def test_a_lone_surrogate_cannot_be_written() -> None:
    with pytest.raises(DocumentError):
        canonical_json("\ud800")


def test_pointers_escape_and_cut_names() -> None:
    assert json_pointer("a/b", 0, "c~d", "x" * 100) == "/a~1b/0/c~0d/" + "x" * 64


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe", b"\xfb\xef\xbe", bytes(range(256))])
def test_base64url_round_trip(data: bytes) -> None:
    assert b64url_decode(b64url(data)) == data


@pytest.mark.parametrize("text", ["A", "AB", "AA=", "AA==", "AA\n", " AA", "A+", "A/", "AA.", "AAAAA", "é", "_-_-_"])
def test_every_other_base64_is_refused(text: str) -> None:
    with pytest.raises(DocumentError) as refused:
        b64url_decode(text, pointer="/key")
    assert (refused.value.code, refused.value.issues[0].pointer) == ("sender.base64url.invalid", "/key")
