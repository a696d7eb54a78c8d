"""The bodies that carry sealed elements: a submission on its way in, releases on their way out.

A body is JSON. An element whose padded text is longer than 64 KiB travels as a part of a `multipart/related` body
instead: the first part is the JSON, in which such an element is named by the number of its part, and part *n* is the
raw ciphertext. Parts are numbered from 1 and stand in the order in which they are named. There is one way to write a
body: an element inline is never larger, a part never smaller.

    content_type, body = encode_submission(submission)
    parse_submission(content_type, body) == submission

Sources: the architecture, sections 4 and 7; RFC 2046, section 5.1; RFC 2387 (multipart/related).
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from schemas.canonical import b64url, b64url_decode, json_pointer, parse_json
from schemas.claims import DIGEST
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import MessageId
from schemas.jws import TOKEN_CHARACTERS_MAX
from schemas.requests import RELEASE_IDS_MAX
from schemas.sealing import (
    ELEMENTS_MAX,
    PADDED_BYTES_MIN,
    PADDED_BYTES_STEP,
    SEALED_KEY_BYTES,
    TAG_BYTES,
)

SUBMISSION_BYTES_MAX: Final = 32 * 1024 * 1024
RELEASE_BYTES_MAX: Final = 32 * 1024 * 1024
"""What a hub puts into one answer to a release; what does not fit is named `later`."""

ANSWER_BYTES_MAX: Final = 48 * 1024 * 1024
"""What a connector reads of one answer: a single message may go beyond what several share."""

INLINE_BYTES_MAX: Final = PADDED_BYTES_STEP + TAG_BYTES
_INLINE_SIZES: Final = frozenset(
    (1 << power) + TAG_BYTES for power in range(PADDED_BYTES_MIN.bit_length() - 1, PADDED_BYTES_STEP.bit_length())
)
TAGS_MAX: Final = 64
TAG_CHARACTERS_MAX: Final = 256
SHOWN_SALT_BYTES: Final = 32

JSON_TYPE: Final = "application/json"
MULTIPART_TYPE: Final = "multipart/related"
_OCTETS_TYPE: Final = "application/octet-stream"
_PART_HEADER_BYTES_MAX: Final = 1024
_JSON_TYPE: Final = re.compile(r'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)
_PARAMETER: Final = re.compile(r'[ \t]*;[ \t]*([A-Za-z-]+)=(?:"([^"\\\x00-\x1f]*)"|([!#-\'*+.^-`|~\w-]+))')
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=?]{1,70}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a sender hands to its hub.

    Attributes:
        message: The signed message.
        tags: One disclosure for each subject: its pseudonym in this hub's space, in the clear.
        key: Sealed content key.
        elements: Sealed disclosures, in the order of the digests in the message.
    """

    message: str = field(repr=False)
    tags: tuple[str, ...] = field(repr=False)
    key: bytes = field(repr=False)
    elements: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One message as a hub hands it out.

    Attributes:
        id: The message's `jti`.
        message: The signed message.
        key: Sealed content key.
        elements: The permitted ciphertexts, by their number in the message.
        hashes: Hash list over the sealed key and every element, also of those that are withheld.
        shown: What was permitted and withheld, as the exact text that the entry commits to.
        shown_salt: Salt of that commitment.
        entry: The DISCLOSURE entry, as exact text.
        index: Its place in the log.
        tlog_proof: Its proof, C2SP tlog-proof.
    """

    id: MessageId
    message: str = field(repr=False)
    key: bytes = field(repr=False)
    elements: Mapping[int, bytes] = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)
    shown: str = field(repr=False)
    shown_salt: bytes = field(repr=False)
    entry: str = field(repr=False)
    index: int
    tlog_proof: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRelease:
    """A message that is not handed out.

    Attributes:
        id: The message's `jti`.
        problem: Why, as an RFC 9457 problem.
    """

    id: MessageId
    problem: Mapping[str, JSONValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """The answer to a release request.

    Attributes:
        releases: What is handed out.
        later: What did not fit into this answer; ask again.
        refused: What is not handed out.
    """

    releases: tuple[Release, ...] = ()
    later: tuple[MessageId, ...] = ()
    refused: tuple[RefusedRelease, ...] = ()


def encode_submission(submission: Submission) -> tuple[str, bytes]:
    """Write a submission; returns content type and body. The same submission gives the same bytes."""
    parts: list[bytes] = []
    elements = [_inline_or_part(sealed, parts) for sealed in submission.elements]
    body = orjson.dumps(
        {
            "message": submission.message,
            "tags": submission.tags,
            "key": b64url(submission.key),
            "elements": [text if isinstance(text, str) else {"part": text} for text in elements],
        }
    )
    return _wrap(body, parts)


def parse_submission(content_type: str, body: bytes) -> Submission:
    """Read a submission strictly.

    Nothing is checked about the message itself.

    Args:
        content_type: Value of the header.
        body: The whole body.

    Raises:
        DocumentError: Too large, another form, a member unknown or missing, more than 2,000 elements, or an element
            that has no padded length; every finding is listed.
    """
    data, parts = _unwrap(content_type, body, limit=SUBMISSION_BYTES_MAX, code="sender.submission.too-large")
    reader = _BodyReader(parts, code="sender.submission.form")
    members = reader.members(parse_json(data), "", ("message", "tags", "key", "elements"))
    tags = reader.array(members["tags"], "/tags", at_most=TAGS_MAX)
    elements = reader.array(members["elements"], "/elements", at_most=ELEMENTS_MAX)
    submission = Submission(
        message=reader.text(members["message"], "/message", at_most=TOKEN_CHARACTERS_MAX),
        tags=tuple(reader.text(tag, f"/tags/{n}", at_most=TAG_CHARACTERS_MAX) for n, tag in enumerate(tags)),
        key=reader.data(members["key"], "/key", size=SEALED_KEY_BYTES),
        elements=reader.elements(elements, "/elements"),
    )
    reader.finish("the submission does not have its form")
    return submission


def encode_releases(answer: Releases) -> tuple[str, bytes]:
    """Write the answer to a release request; returns content type and body."""
    parts: list[bytes] = []
    releases = [_release_to_json(release, parts) for release in answer.releases]
    body = orjson.dumps(
        {
            "releases": releases,
            "later": [message_id.value for message_id in answer.later],
            "refused": [{"id": refused.id.value, "problem": refused.problem} for refused in answer.refused],
        }
    )
    return _wrap(body, parts)


def parse_releases(content_type: str, body: bytes) -> Releases:
    """Read the answer to a release request strictly.

    Nothing is checked about proofs, signatures and seals.

    Raises:
        DocumentError: Too large, another form, or a member unknown or missing; every finding is listed.
    """
    data, parts = _unwrap(content_type, body, limit=ANSWER_BYTES_MAX, code="hub.release.too-large")
    reader = _BodyReader(parts, code="hub.release.form")
    members = reader.members(parse_json(data), "", ("releases", "later", "refused"))
    releases = reader.array(members["releases"], "/releases", at_most=RELEASE_IDS_MAX)
    later = reader.array(members["later"], "/later", at_most=RELEASE_IDS_MAX)
    refused = reader.array(members["refused"], "/refused", at_most=RELEASE_IDS_MAX)
    answer = Releases(
        releases=tuple(_read_release(reader, value, f"/releases/{n}") for n, value in enumerate(releases)),
        later=tuple(reader.message_id(value, f"/later/{n}") for n, value in enumerate(later)),
        refused=tuple(_read_refused(reader, value, f"/refused/{n}") for n, value in enumerate(refused)),
    )
    reader.finish("the answer to a release does not have its form")
    return answer


_RELEASE_MEMBERS: Final = (
    "id",
    "message",
    "key",
    "elements",
    "hashes",
    "shown",
    "shown_salt",
    "entry",
    "index",
    "tlog_proof",
)


def _release_to_json(release: Release, parts: list[bytes]) -> dict[str, object]:
    elements: list[dict[str, object]] = []
    for number in sorted(release.elements):
        carried = _inline_or_part(release.elements[number], parts)
        elements.append({"index": number, "sealed" if isinstance(carried, str) else "part": carried})
    return {
        "id": release.id.value,
        "message": release.message,
        "key": b64url(release.key),
        "elements": elements,
        "hashes": release.hashes,
        "shown": release.shown,
        "shown_salt": b64url(release.shown_salt),
        "entry": release.entry,
        "index": release.index,
        "tlog_proof": release.tlog_proof,
    }


def _read_release(reader: "_BodyReader", value: JSONValue, pointer: str) -> Release:
    members = reader.members(value, pointer, _RELEASE_MEMBERS)
    elements: dict[int, bytes] = {}
    last = -1
    for place, item in enumerate(reader.array(members["elements"], f"{pointer}/elements", at_most=ELEMENTS_MAX)):
        where = f"{pointer}/elements/{place}"
        inline = isinstance(item, dict) and "sealed" in item
        element = reader.members(item, where, ("index", "sealed" if inline else "part"))
        number = reader.integer(element["index"], f"{where}/index", at_most=ELEMENTS_MAX - 1)
        if number <= last:
            reader.wrong(f"{where}/index", "numbers ascend, and none stands twice")
        carried = element["sealed"] if inline else {"part": element["part"]}
        elements[number] = reader.element(carried, where)
        last = number
    hashes = reader.array(members["hashes"], f"{pointer}/hashes", at_most=ELEMENTS_MAX + 1)
    return Release(
        id=reader.message_id(members["id"], f"{pointer}/id"),
        message=reader.text(members["message"], f"{pointer}/message", at_most=TOKEN_CHARACTERS_MAX),
        key=reader.data(members["key"], f"{pointer}/key", size=SEALED_KEY_BYTES),
        elements=elements,
        hashes=tuple(reader.digest(text, f"{pointer}/hashes/{n}") for n, text in enumerate(hashes)),
        shown=reader.text(members["shown"], f"{pointer}/shown", at_most=TOKEN_CHARACTERS_MAX),
        shown_salt=reader.data(members["shown_salt"], f"{pointer}/shown_salt", size=SHOWN_SALT_BYTES),
        entry=reader.text(members["entry"], f"{pointer}/entry", at_most=4096),
        index=reader.integer(members["index"], f"{pointer}/index"),
        tlog_proof=reader.text(members["tlog_proof"], f"{pointer}/tlog_proof", at_most=65_536),
    )


def _read_refused(reader: "_BodyReader", value: JSONValue, pointer: str) -> RefusedRelease:
    members = reader.members(value, pointer, ("id", "problem"))
    problem = members["problem"]
    if not isinstance(problem, dict):
        reader.wrong(f"{pointer}/problem", "an object is needed here")
        problem = {}
    return RefusedRelease(id=reader.message_id(members["id"], f"{pointer}/id"), problem=problem)


class _BodyReader:
    """Reads the members of a body, taking elements from the JSON or from the parts in their order."""

    def __init__(self, parts: Sequence[bytes], *, code: str) -> None:
        self._parts = parts
        self._taken = 0
        self._code = code
        self._issues: list[Issue] = []

    def wrong(self, pointer: str, text: str) -> None:
        self._issues.append(Issue(pointer=pointer, code=self._code, text=text))

    def members(self, value: JSONValue, pointer: str, names: Iterable[str]) -> dict[str, JSONValue]:
        """Return the members of an object; where the object is not right, a stand-in of nulls."""
        wanted = set(names)
        if isinstance(value, dict):
            if value.keys() == wanted:
                return value
            for name in sorted(wanted - value.keys()):
                self.wrong(f"{pointer}{json_pointer(name)}", f"member `{name}` is missing")
            if value.keys() - wanted:
                self.wrong(pointer, f"{len(value.keys() - wanted)} member(s) that this version does not know")
        else:
            self.wrong(pointer, "an object is needed here")
        # What follows would only repeat it.
        raise DocumentError("the body does not have its form", issues=self._issues)

    def array(self, value: JSONValue, pointer: str, *, at_most: int) -> list[JSONValue]:
        if isinstance(value, list) and len(value) <= at_most:
            return value
        self.wrong(pointer, f"an array of at most {at_most} is needed here")
        return []

    def text(self, value: JSONValue, pointer: str, *, at_most: int) -> str:
        if isinstance(value, str) and 0 < len(value) <= at_most:
            return value
        self.wrong(pointer, f"a text of 1 to {at_most} characters is needed here")
        return ""

    def digest(self, value: JSONValue, pointer: str) -> str:
        if isinstance(value, str) and DIGEST.fullmatch(value):
            return value
        self.wrong(pointer, "a SHA-256 digest is needed here")
        return ""

    def integer(self, value: JSONValue, pointer: str, *, at_most: int = 2**53 - 1) -> int:
        if type(value) is int and 0 <= value <= at_most:
            return value
        self.wrong(pointer, f"an integer from 0 to {at_most} is needed here")
        return 0

    def message_id(self, value: JSONValue, pointer: str) -> MessageId:
        try:
            return MessageId(value if isinstance(value, str) else "")
        except DocumentError:
            self.wrong(pointer, "not a message id")
            return MessageId("00000000-0000-7000-8000-000000000000")  # never used: `finish` raises

    def data(self, value: JSONValue, pointer: str, *, size: int | None = None) -> bytes:
        try:
            data = b64url_decode(value) if isinstance(value, str) else None
        except DocumentError:
            data = None
        if data is None or (size is not None and len(data) != size):
            self.wrong(pointer, "not canonical base64url of the right length")
            return b""
        return data

    def elements(self, values: Sequence[JSONValue], pointer: str) -> tuple[bytes, ...]:
        """Return ciphertexts, each as `element` does."""
        # Nearly always all of them are small and right: in one go, reading a body takes a sixth less.
        if {str}.issuperset(map(type, values)):
            with contextlib.suppress(DocumentError):
                found = tuple([b64url_decode(value) for value in values if isinstance(value, str)])
                if _INLINE_SIZES.issuperset(map(len, found)):
                    return found
        return tuple(self.element(value, f"{pointer}/{number}") for number, value in enumerate(values))

    def element(self, value: JSONValue, pointer: str) -> bytes:
        """Return a ciphertext: inline, or the next part."""
        if isinstance(value, str):
            sealed = self.data(value, pointer)
            if sealed and len(sealed) not in _INLINE_SIZES:
                self.wrong(pointer, "not the length of a padded element that travels in the JSON")
            return sealed
        if not isinstance(value, dict) or value.keys() != {"part"}:
            self.wrong(pointer, "a sealed element, or the number of its part, is needed here")
            return b""
        self._taken += 1
        if type(value["part"]) is not int or value["part"] != self._taken or self._taken > len(self._parts):
            self.wrong(pointer, "parts are numbered from 1 in the order in which they are named")
            return b""
        part = self._parts[self._taken - 1]
        if not _is_part_size(len(part)):
            self.wrong(pointer, "not the length of a padded element that travels as a part")
        return part

    def finish(self, text: str) -> None:
        if self._taken < len(self._parts):
            self.wrong("", "a part that no element names")
        if self._issues:
            raise DocumentError(text, issues=self._issues)


def _is_part_size(size: int) -> bool:
    padded = size - TAG_BYTES
    return padded > PADDED_BYTES_STEP and padded % PADDED_BYTES_STEP == 0


def _inline_or_part(sealed: bytes, parts: list[bytes]) -> str | int:
    """Return the base64url of a small element, or append a large one to the parts and return its number."""
    if len(sealed) <= INLINE_BYTES_MAX:
        return b64url(sealed)
    parts.append(sealed)
    return len(parts)


def _wrap(body: bytes, parts: Sequence[bytes]) -> tuple[str, bytes]:
    if not parts:
        return JSON_TYPE, body
    # The boundary is a digest of what it separates: it is the same for a retry, and stands nowhere in it.
    boundary = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in (body, *parts))).hexdigest()
    pieces = [_part(boundary, JSON_TYPE, body), *(_part(boundary, _OCTETS_TYPE, part) for part in parts)]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f'{MULTIPART_TYPE}; type="{JSON_TYPE}"; boundary="{boundary}"', b"".join(pieces)


def _part(boundary: str, content_type: str, data: bytes) -> bytes:
    return b"".join((f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode(), data, b"\r\n"))


def _unwrap(content_type: str, body: bytes, *, limit: int, code: str) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the JSON and the raw parts of a body."""
    if len(body) > limit:
        raise _refused(code, f"the body is larger than {limit} bytes")
    if _JSON_TYPE.fullmatch(content_type):
        return body, ()
    boundary = _boundary(content_type)
    # RFC 2046: a delimiter begins a line; the one before the first part may stand at the very beginning.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, ELEMENTS_MAX + 3)
    if len(pieces) < 3 or len(pieces) > ELEMENTS_MAX + 3 or pieces[0] or pieces[-1] not in (b"--", b"--\r\n"):
        raise _refused("sender.multipart.form", "not a multipart body that begins and ends with its boundary")
    data = _part_data(pieces[1], JSON_TYPE)
    return data, tuple(_part_data(piece, _OCTETS_TYPE) for piece in pieces[2:-1])


def _boundary(content_type: str) -> bytes:
    kind, parameters = content_type[: len(MULTIPART_TYPE)], content_type[len(MULTIPART_TYPE) :]
    found: dict[str, str] = {}
    place = 0
    while kind.lower() == MULTIPART_TYPE and (match := _PARAMETER.match(parameters, place)):
        name = match[1].lower()
        if name in found:
            break
        found[name] = match[2] if match[2] is not None else match[3]
        place = match.end()
    boundary = found.get("boundary", "")
    whole = place == len(parameters) and found.get("type", JSON_TYPE).lower() == JSON_TYPE
    if not whole or not _BOUNDARY.fullmatch(boundary):
        raise _refused("sender.content-type", f"a body is {JSON_TYPE} or {MULTIPART_TYPE} with a boundary")
    return boundary.encode("ascii")


def _part_data(piece: bytes, content_type: str) -> bytes:
    """Return the content of a part, after its headers."""
    head, blank, data = piece.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not blank or lines[0] or len(head) > _PART_HEADER_BYTES_MAX:
        raise _refused("sender.multipart.form", "a part has headers and a blank line before its content")
    types = [line.partition(b":")[2].strip() for line in lines[1:] if line.lower().startswith(b"content-type:")]
    if types != [content_type.encode("ascii")] or any(b"transfer-encoding" in line.lower() for line in lines):
        raise _refused("sender.multipart.form", "the first part is JSON, the others are octets, none is encoded")
    return data


def _refused(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
