"""Searching everything that is not an organisation's own for values that nobody else may have.

Each value is searched for raw and as it looks inside base64 text, standard or URL alphabet, at each of the three
offsets at which it can stand there. What is found in base64 is decoded where it stands and compared again, for the
characters at its ends hold bits of its neighbours. A short value found raw in the middle of a long digest or ciphertext
in base64 is there by chance: four characters occur in any few megabytes.
"""

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from lxml import etree

VALUE_CHARACTERS_MIN: Final = 4
LONG_ENOUGH: Final = 9
"""A value of this length does not occur by chance: 64 to the 9th is 10^16."""

RANDOM_CHARACTERS_MIN: Final = 22
"""The shortest random text that a message has in the clear: 16 bytes in base64."""

_Branch: TypeAlias = "dict[int, _Branch]"
_END: Final = -1
_BEGINNING: Final = 12
"""So many bytes of each needle are looked for at once; the rest is compared where they stand."""
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]+")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_AROUND: Final = 64
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Needle:
    """One form of one value.

    Attributes:
        value: The value that it shows.
        form: How: raw, or base64 at an offset.
        data: The bytes to search for.
        offset: Bytes before the value in its group of three, for base64; None for raw.
    """

    value: str
    form: str
    data: bytes
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A value that was found where it must not be."""

    where: str
    needle: Needle


def needles(values: Iterable[str]) -> list[Needle]:
    """Return every form of every value that is long enough."""
    found: dict[bytes, Needle] = {}
    for value in sorted(set(values)):
        if len(value) < VALUE_CHARACTERS_MIN:
            continue
        for needle in _forms(value):
            found.setdefault(needle.data, needle)
    return list(found.values())


def _forms(value: str) -> Iterator[Needle]:
    raw = value.encode()
    yield Needle(value=value, form="raw", data=raw)
    escaped = json.dumps(value)[1:-1].encode()
    if escaped != raw:
        yield Needle(value=value, form="escaped", data=escaped)
    for offset in range(3):
        # Characters that hold bits of a neighbouring byte differ from text to text: only whole ones are searched for.
        first, bits = -(-offset * 8 // 6), (offset + len(raw)) * 8
        whole = base64.b64encode(bytes(offset) + raw + bytes(3))[first : bits // 6]
        yield Needle(value=value, form=f"base64 at offset {offset}", data=whole, offset=offset)
        if b"+" in whole or b"/" in whole:
            safe = whole.translate(_TO_URL)
            yield Needle(value=value, form=f"base64url at offset {offset}", data=safe, offset=offset)


class Search:
    """Looks for many values at once, through pieces of many files.

    Pieces that are the same, as the empty pages and the copied catalogues of a database server are, are read once.
    """

    def __init__(self, wanted: Iterable[Needle]) -> None:
        self._needles: dict[bytes, list[Needle]] = {}
        for each in sorted(wanted, key=lambda needle: -len(needle.data)):
            self._needles.setdefault(each.data[:_BEGINNING], []).append(each)
        self._pattern = re.compile(_pattern_of(self._needles))
        self._seen: set[bytes] = set()

    def through(self, places: Iterable[tuple[str, bytes]]) -> list[Hit]:
        """Return every value that is found, once for each place; a later call skips what this one has read."""
        hits: dict[tuple[str, str], Hit] = {}
        for where, data in places:
            digest = hashlib.sha256(data).digest()
            if digest in self._seen:
                continue
            self._seen.add(digest)
            at = 0
            while (match := self._pattern.search(data, at)) is not None:
                at = match.start()
                for needle in self._needles[match.group()]:
                    found = data.startswith(needle.data, at) and (where, needle.value) not in hits
                    if found and _is_there(data, at, needle):
                        hits[where, needle.value] = Hit(where=where, needle=needle)
                at += 1
        return list(hits.values())


def search(places: Iterable[tuple[str, bytes]], wanted: Iterable[Needle]) -> list[Hit]:
    """Search once."""
    return Search(wanted).through(places)


def _pattern_of(words: Iterable[bytes]) -> bytes:
    """Write many words as one pattern that branches letter by letter: ten times as fast as a list of them."""
    root: _Branch = {}
    for word in words:
        branch = root
        for byte in word:
            branch = branch.setdefault(byte, {})
        branch[_END] = {}
    return _write_pattern(root)


def _write_pattern(branch: "_Branch") -> bytes:
    ends = branch.pop(_END, None) is not None
    written = [re.escape(bytes([byte])) + _write_pattern(rest) for byte, rest in branch.items()]
    if not written:
        return b""
    # The longest word counts, so a branch is tried before its end.
    return b"(?:" + b"|".join(written) + (b")?" if ends else b")")


def _is_there(data: bytes, at: int, needle: Needle) -> bool:
    """Whether a needle stands where it was found: as the value, not as a part of something random."""
    raw = needle.value.encode()
    if needle.offset is None:
        return len(raw) >= LONG_ENOUGH or _stands_by_itself(data, at, at + len(raw))
    # The groups of four characters that hold the value begin before it and end after it; some more show what is around.
    begin, end = at - -(-needle.offset * 8 // 6), at + len(needle.data)
    left = _run_length(data[max(0, begin - _AROUND) : begin][::-1]) // 4 * 4
    groups = data[begin - left : end + _run_length(data[end : end + _AROUND])]
    if begin < 0 or not _BASE64.fullmatch(groups):
        return True  # at an edge: what is missing cannot be compared
    decoded = base64.b64decode(groups.translate(_FROM_URL)[: len(groups) // 4 * 4])
    place = left * 3 // 4 + needle.offset
    if len(decoded) < place + len(raw):
        return True  # the same, at the other edge
    if decoded[place : place + len(raw)] != raw:
        return False
    if len(raw) >= LONG_ENOUGH:
        return True
    around = decoded[max(0, place - 3) : place + len(raw) + 3]
    # Read at another offset than it was written at, text in base64 gives bytes that are no text.
    is_text = all(0x20 <= byte < 0x7F or byte in b"\n\r\t" for byte in around)
    return is_text and _stands_by_itself(decoded, place, place + len(raw))


def _stands_by_itself(data: bytes, start: int, end: int) -> bool:
    """Whether a short text is not the inside of a number, or of a salt, digest, signature or ciphertext in base64."""
    if _is_in_a_number(data, start, end):
        return False
    left = _run_length(data[max(0, start - _AROUND) : start][::-1])
    right = _run_length(data[end : end + _AROUND])
    others = data[start - left : start] + data[end : end + right]
    random = all(re.search(kind, others) for kind in (rb"[a-z]", rb"[A-Z]"))
    return not random or left + right + end - start < RANDOM_CHARACTERS_MIN


def _is_in_a_number(data: bytes, start: int, end: int) -> bool:
    """Whether a few digits are part of more digits, or a number in JSON: a time, a port, how long a request took.

    A value of a message is a text: in JSON it stands between quotes.
    """
    if not data[start:end].isdigit():
        return False
    before, after = data[max(0, start - 1) : start], data[end : end + 1]
    return before.isdigit() or after.isdigit() or (before == b":" and after in {b",", b"}"})


def _run_length(data: bytes) -> int:
    match = _BASE64.match(data)
    return match.end() if match else 0


def texts_of(xml: bytes) -> set[str]:
    """Return every text and attribute value of a native file, and the content of its attachments."""
    found: set[str] = set()
    for element in etree.fromstring(xml).iter():
        for text in (element.text, *element.attrib.values()):
            if text and text.strip():
                found.add(text.strip())
    return found


def leaves(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)


def files_below(folder: Path, *, but: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder, with its path from there, in pieces that overlap."""
    left_out = [path.resolve() for path in but]
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or any(path.is_relative_to(each) for each in left_out):
            continue
        with path.open("rb") as file:
            yield from _pieces(str(path.relative_to(folder)), file)


def _pieces(name: str, file: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
    overlap = b""
    while chunk := file.read(_CHUNK):
        yield name, overlap + chunk
        overlap = chunk[-4096:]
