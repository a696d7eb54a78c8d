r"""Canonical JSON and base64url: the one place where bytes to sign or to hash are made, and where JSON is read.

Canonical JSON is RFC 8785 (JCS) over strings, integers, booleans, null, arrays and objects; floating point numbers
are refused everywhere, so the hard part of that standard (writing a double) does not occur. Integers stay within
±(2⁵³ − 1), the range that every JSON reader keeps (RFC 7493, section 2.2). Reading is strict: UTF-8 without a mark,
no member twice, no depth over 32.

    >>> canonical_json({"b": 1, "a": "é"})
    b'{"a":"\xc3\xa9","b":1}'
    >>> b64url(b"\xff\xfe")
    '__4'

What came from outside is verified as the bytes that came. `parse_canonical` therefore reads, writes again and
compares: after it, the value and the bytes say the same thing in one way only.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

import orjson

from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue

DEPTH_MAX: Final = 32
"""How deep arrays and objects may nest; `[]` has depth 1."""

INTEGER_MAX: Final = 2**53 - 1
"""Largest magnitude of an integer. RFC 7493, section 2.2."""

_POINTER_TOKEN_MAX: Final = 64
_STANDARD_ALPHABET: Final = bytes.maketrans(b"-_+/=\n", b"+/!!!!")
_LAST_CHARACTERS: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""What may end a text of this length modulo 4: characters whose unused bits are zero."""

_DUMP_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def b64url(data: bytes) -> str:
    """Write bytes as base64url without padding. RFC 4648, section 5; RFC 7515, section 2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64url_decode(text: str, *, pointer: str = "") -> bytes:
    """Read base64url without padding, in its one canonical spelling.

    Args:
        text: What came: no padding, no white space, no other alphabet, unused bits of the last character zero.
        pointer: Where it stands, for the error.

    Raises:
        DocumentError: `sender.base64url.invalid`.

    Source: RFC 4648, sections 3.5 and 5.
    """
    # Characters of the other alphabet and padding become what the strict decoder refuses; it does not look at the
    # unused bits of the last character, so that is done here.
    tail = len(text) % 4
    try:
        if tail and text[-1] not in _LAST_CHARACTERS[tail]:
            raise ValueError("unused bits")
        return binascii.a2b_base64(
            text.encode("ascii").translate(_STANDARD_ALPHABET) + b"=" * (-tail % 4), strict_mode=True
        )
    except ValueError as error:
        raise _refused("sender.base64url.invalid", "not canonical base64url", pointer) from error


def json_pointer(*tokens: str | int) -> str:
    """Write a JSON Pointer (RFC 6901). A member's name of over 64 characters is cut: pointers stand in errors."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1")[:_POINTER_TOKEN_MAX] for token in tokens)


def canonical_json(value: JSONValue) -> bytes:
    """Write a value as canonical JSON, in UTF-8.

    Args:
        value: Strings, integers, booleans, None, lists and dictionaries with string keys; nothing else.

    Raises:
        TypeError: Something else is in it: our own mistake.
        DocumentError: An integer out of range, nesting over 32, or a string that is no Unicode text.

    Source: RFC 8785, section 3.2.
    """
    if _members(value, floats=False) < 0:
        _refuse(value, pointer="", floats=False, ours=True)
    return _dump(value)


def parse_json(data: bytes, *, pointer: str = "", floats: bool = False) -> JSONValue:
    """Read JSON strictly.

    Args:
        data: UTF-8 text.
        pointer: Where this text stands in a larger document, for the errors.
        floats: Whether floating point numbers may pass: only for reading SD-JWTs that others made, never for what
            travels in this exchange. They then stand in the result beside what `JSONValue` names.

    Raises:
        DocumentError: Not JSON, a member twice, a floating point number, an integer out of range, or nesting over
            32; every one of them is listed, by its place and without the names of members.

    Source: RFC 8259; RFC 7493.
    """
    value = _load(data, pointer)
    members = _members(value, floats=floats)
    if members < 0:
        _refuse(value, pointer=pointer, floats=floats, ours=False)
    # A fast parser keeps the last of two members with one name. Each member has its colon, so if there are no more
    # colons than members, none was lost; only a text with colons in its strings is read a second time.
    if data.count(b":") != members:
        _refuse_duplicates(data, pointer)
    return value


def parse_canonical(data: bytes, *, pointer: str = "") -> JSONValue:
    """Read canonical JSON, and refuse every other spelling of it.

    Args:
        data: The bytes that were signed or hashed.
        pointer: Where this text stands in a larger document, for the errors.

    Raises:
        DocumentError: As `parse_json`, or `sender.json.not-canonical`.

    Source: RFC 8785.
    """
    value = _load(data, pointer)
    if _members(value, floats=False) < 0:
        _refuse(value, pointer=pointer, floats=False, ours=False)
    # Written again from a dictionary, a repeated member is gone and the bytes differ.
    if _dump(value) != data:
        _refuse_duplicates(data, pointer)
        raise _refused("sender.json.not-canonical", "not canonical JSON (RFC 8785)", pointer)
    return value


def _load(data: bytes, pointer: str) -> JSONValue:
    try:
        value: JSONValue = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        # The parser's message may quote the document; only the place is told.
        text = f"not JSON at character {error.pos}"
        raise _refused("sender.json.invalid", text, pointer) from None
    return value


def _dump(value: JSONValue) -> bytes:
    try:
        text = orjson.dumps(value, option=_DUMP_OPTIONS | orjson.OPT_SORT_KEYS)
        # orjson sorts by code point, JCS by UTF-16 code unit. They differ only beyond the Basic Multilingual Plane.
        if not text.isascii():
            text = orjson.dumps(_sorted_by_utf16(value), option=_DUMP_OPTIONS)
    except TypeError as error:
        if "surrogates" in str(error):
            raise _refused("sender.json.invalid", "a string is not Unicode text", "") from None
        raise
    return text


def _sorted_by_utf16(value: JSONValue) -> JSONValue:
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return {name: _sorted_by_utf16(member) for name, member in ordered}
    if isinstance(value, list):
        return [_sorted_by_utf16(item) for item in value]
    return value


def _members(value: JSONValue, *, floats: bool) -> int:
    """Count the members of all objects, level by level; −1 if something in it is refused."""
    members = 0
    level: list[Any] = [value]  # whatever was given: its types are what is checked here
    depth = 0
    while level:
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind is str or node is None or kind is bool:
                continue
            if kind is dict and depth < DEPTH_MAX:
                members += len(node)
                below.extend(node.values())
            elif kind is list and depth < DEPTH_MAX:
                below.extend(node)
            elif kind is int:
                if not -INTEGER_MAX <= node <= INTEGER_MAX:
                    return -1
            elif not isinstance(node, str) and not (floats and kind is float):
                return -1
        level = below
        depth += 1
    return members


def _refuse(value: JSONValue, *, pointer: str, floats: bool, ours: bool) -> NoReturn:
    issues: list[Issue] = []
    for path, node in _nodes(value, ()):
        code = text = ""
        if isinstance(node, float) and not floats:
            if ours:
                raise TypeError(f"canonical JSON holds no floating point numbers: {_place(path)}")
            code, text = "sender.json.float", "a floating point number"
        elif type(node) is int and abs(node) > INTEGER_MAX:
            code, text = "sender.json.integer-range", "an integer beyond 2^53 - 1"
        elif type(node) in (dict, list):
            if len(path) >= DEPTH_MAX:
                code, text = "sender.json.depth", f"nested deeper than {DEPTH_MAX}"
        elif not isinstance(node, str | float | None) and type(node) not in (int, bool):
            raise TypeError(f"canonical JSON cannot hold {type(node).__name__}: {_place(path)}")
        if code:
            issues.append(Issue(pointer=pointer, code=code, text=text + _place(path)))
    raise DocumentError("the text is not acceptable JSON", issues=issues)


def _place(path: Sequence[int]) -> str:
    """Say where something stands by counting: the name of a member can be anything, also somebody's."""
    return f", at place {'.'.join(map(str, path))}, counted from 0" if path else ""


def _nodes(value: Any, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Walk a parsed value (`Any`: whatever was given), no deeper than the first level that is refused."""
    yield path, value
    if len(path) < DEPTH_MAX and isinstance(value, dict | list):
        for place, below in enumerate(value.values() if isinstance(value, dict) else value):
            yield from _nodes(below, (*path, place))


def _refuse_duplicates(data: bytes, pointer: str) -> None:
    twice: set[str] = set()

    def members(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            (twice if name in seen else seen).add(name)

    try:
        json.loads(data, object_pairs_hook=members)
    except RecursionError as error:
        # What the fast parser dropped as the first of two members can itself be too deep.
        raise _refused("sender.json.duplicate", "a member stands twice in one object", pointer) from error
    if twice:
        raise _refused("sender.json.duplicate", f"{len(twice)} name(s) stand twice in one object", pointer)


def _refused(code: str, text: str, pointer: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])
