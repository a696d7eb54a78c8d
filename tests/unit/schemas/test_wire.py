"""Bodies: one way to write each, and strict limits."""

import json
from dataclasses import replace
from typing import Any

import pytest

from schemas.canonical import b64url
from schemas.errors import DocumentError
from schemas.randomness import UnsafeSeededRandomness
from schemas.sealing import ELEMENTS_MAX, SEALED_KEY_BYTES
from schemas.wire import (
    ANSWER_BYTES_MAX,
    SUBMISSION_BYTES_MAX,
    RefusedRelease,
    Release,
    Releases,
    Submission,
    encode_releases,
    encode_submission,
    parse_releases,
    parse_submission,
)
from tests.support.parties import message_id

RANDOM = UnsafeSeededRandomness("wire")
SMALL = [RANDOM.bytes(size + 16) for size in (128, 256, 65_536)]
LARGE = [RANDOM.bytes(size + 16) for size in (131_072, 196_608)]
SUBMISSION = Submission(
    message="eyJ.eyJ.c2ln", tags=("dGFn",), key=RANDOM.bytes(SEALED_KEY_BYTES), elements=(SMALL[0], SMALL[1])
)
MIXED = replace(SUBMISSION, elements=(SMALL[0], LARGE[0], SMALL[2], LARGE[1]))
BOUNDARY = "KetenhubTest"


def body(**change: Any) -> bytes:
    """The JSON of a submission with members changed; `...` takes one away."""
    _, encoded = encode_submission(SUBMISSION)
    members = {**json.loads(encoded), **change}
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


def pointers(data: bytes, content_type: str = "application/json") -> list[str]:
    with pytest.raises(DocumentError) as refused:
        parse_submission(content_type, data)
    return [issue.pointer for issue in refused.value.issues]


def multipart(*parts: bytes, close: bytes = b"--\r\n") -> tuple[str, bytes]:
    """Put parts (headers and content) together."""
    data = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f"multipart/related; boundary={BOUNDARY}", data + b"--" + BOUNDARY.encode() + close


def json_part(data: bytes) -> bytes:
    return b"Content-Type: application/json\r\n\r\n" + data


def raw_part(data: bytes) -> bytes:
    return b"Content-Type: application/octet-stream\r\n\r\n" + data


@pytest.mark.parametrize("submission", [SUBMISSION, MIXED, replace(SUBMISSION, elements=(), tags=())])
def test_a_submission_survives_its_body(submission: Submission) -> None:
    content_type, data = encode_submission(submission)
    assert parse_submission(content_type, data) == submission
    assert encode_submission(submission) == (content_type, data)


def test_small_elements_travel_in_json_and_large_ones_as_parts() -> None:
    assert encode_submission(SUBMISSION)[0] == "application/json"
    content_type, data = encode_submission(MIXED)
    assert content_type.startswith('multipart/related; type="application/json"; boundary="')
    elements = json.loads(data.split(b"\r\n\r\n")[1].split(b"\r\n--")[0])["elements"]
    assert elements == [b64url(SMALL[0]), {"part": 1}, b64url(SMALL[2]), {"part": 2}]
    assert LARGE[0] in data


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_is_named_in_several_ways(content_type: str) -> None:
    assert parse_submission(content_type, body()) == SUBMISSION


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json; charset=latin-1",
        "application/jsonx",
        "multipart/related",
        "multipart/related; boundary=",
        'multipart/related; boundary="a b"',
        "multipart/related; boundary=a; boundary=b",
        "multipart/related; boundary=a; type=text/xml",
        "multipart/related; boundary=a trailing",
        "multipart/mixed; boundary=a",
        f"multipart/related; boundary={'a' * 71}",
    ],
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_submission(content_type, body())
    assert refused.value.code == "sender.content-type"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"message": ...}, ["/message"]),
        ({"extra": 1}, [""]),
        ({"message": ""}, ["/message"]),
        ({"message": 1}, ["/message"]),
        ({"tags": None}, ["/tags"]),
        ({"tags": ["x"] * 65}, ["/tags"]),
        ({"tags": [5]}, ["/tags/0"]),
        ({"tags": ["x" * 257]}, ["/tags/0"]),
        ({"key": "AA"}, ["/key"]),
        ({"key": b64url(SUBMISSION.key) + "="}, ["/key"]),
        ({"elements": [b64url(bytes(144))] * (ELEMENTS_MAX + 1)}, ["/elements"]),
        ({"elements": [b64url(bytes(145))]}, ["/elements/0"]),
        ({"elements": [b64url(bytes(64 + 16))]}, ["/elements/0"]),
        ({"elements": [b64url(bytes(192 + 16))]}, ["/elements/0"]),
        ({"elements": [b64url(bytes(131_072 + 16))]}, ["/elements/0"]),
        ({"elements": ["!", {"part": 1}, {"x": 1}, None]}, [f"/elements/{n}" for n in range(4)]),
    ],
)
def test_a_body_with_defects_is_refused_for_each(change: dict[str, Any], expected: list[str]) -> None:
    assert pointers(body(**change)) == expected


def test_duplicate_members_are_refused() -> None:
    data = body()
    assert pointers(data[:-1] + b', "tags": []}') == [""]


def test_a_body_over_the_limit_is_not_read() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_submission("application/json", b" " * (SUBMISSION_BYTES_MAX + 1))
    assert refused.value.code == "sender.submission.too-large"
    with pytest.raises(DocumentError):
        parse_releases("application/json", b" " * (ANSWER_BYTES_MAX + 1))


def test_a_multipart_body_may_have_no_parts_and_other_headers() -> None:
    content_type, data = multipart(b"Content-ID: <a>\r\ncontent-type: application/json\r\n\r\n" + body())
    assert parse_submission(content_type, data) == SUBMISSION
    content_type, data = multipart(json_part(body()), close=b"--")
    assert parse_submission(content_type, data) == SUBMISSION


def test_content_may_hold_what_looks_like_a_line_end() -> None:
    sealed = b"\r\n--" + RANDOM.bytes(131_072 + 12)
    content_type, data = encode_submission(replace(SUBMISSION, elements=(sealed,)))
    assert parse_submission(content_type, data).elements == (sealed,)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (raw_part(b"x"),),
        (json_part(body()), json_part(b"x")),
        (b"\r\n" + body(),),
        (b"Content-Type: application/json\r\n" + body(),),
        (b"Content-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body(),),
        (b"X: " + b"x" * 2000 + b"\r\n" + json_part(body()),),
    ],
)
def test_another_multipart_form_is_refused(parts: tuple[bytes, ...]) -> None:
    content_type, data = multipart(*parts)
    with pytest.raises(DocumentError) as refused:
        parse_submission(content_type, data)
    assert refused.value.code == "sender.multipart.form"


def test_a_multipart_body_begins_and_ends_with_its_boundary() -> None:
    content_type, data = multipart(json_part(body()))
    for broken in (b"preamble\r\n" + data, data + b"epilogue", data[:-4], data.replace(b"--Keten", b"--Other")):
        with pytest.raises(DocumentError):
            parse_submission(content_type, broken)


@pytest.mark.parametrize(
    ("elements", "parts", "expected"),
    [
        ([{"part": 1}], [LARGE[0], LARGE[1]], [""]),
        ([{"part": 1}, {"part": 1}], [LARGE[0]], ["/elements/1"]),
        ([{"part": 2}, {"part": 1}], [LARGE[0], LARGE[1]], ["/elements/0", "/elements/1"]),
        ([{"part": 0}], [LARGE[0]], ["/elements/0"]),
        ([{"part": True}], [LARGE[0]], ["/elements/0"]),
        ([{"part": 1, "x": 1}], [LARGE[0]], ["/elements/0", ""]),
        ([{"part": 1}], [SMALL[2]], ["/elements/0"]),
        ([{"part": 1}], [LARGE[0] + b"x"], ["/elements/0"]),
    ],
)
def test_parts_are_named_once_in_order_and_have_their_length(
    elements: list[Any], parts: list[bytes], expected: list[str]
) -> None:
    content_type, data = multipart(json_part(body(elements=elements)), *(raw_part(part) for part in parts))
    assert pointers(data, content_type) == expected


RELEASE = Release(
    id=message_id(1),
    message="eyJ.eyJ.c2ln",
    key=SUBMISSION.key,
    elements={0: SMALL[0], 3: LARGE[0], 7: SMALL[1]},
    hashes=tuple("A" * 43 for _ in range(9)),
    shown='{"ground":"VTO","withheld":[]}',
    shown_salt=bytes(32),
    entry='{"kind":"DISCLOSURE"}',
    index=12,
    tlog_proof="c2sp.org/tlog-proof@v1\nindex 12\n",
)
ANSWER = Releases(
    releases=(RELEASE, replace(RELEASE, id=message_id(2), elements={1: LARGE[1]})),
    later=(message_id(3),),
    refused=(RefusedRelease(id=message_id(4), problem={"code": "recipient.message.unknown", "retryable": False}),),
)


@pytest.mark.parametrize("answer", [ANSWER, Releases(), Releases(releases=(replace(RELEASE, elements={}),))])
def test_releases_survive_their_body(answer: Releases) -> None:
    content_type, data = encode_releases(answer)
    assert parse_releases(content_type, data) == answer


def changed_release(**change: Any) -> bytes:
    _, data = encode_releases(Releases(releases=(replace(RELEASE, elements={0: SMALL[0], 3: SMALL[1]}),)))
    answer = json.loads(data)
    release = answer["releases"][0]
    answer["releases"] = [{name: value for name, value in {**release, **change}.items() if value is not ...}]
    return json.dumps(answer).encode()


ONE = {"index": 3, "sealed": b64url(SMALL[0])}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": "x"}, ["/releases/0/id"]),
        ({"shown_salt": "AA"}, ["/releases/0/shown_salt"]),
        ({"hashes": ["x"]}, ["/releases/0/hashes/0"]),
        ({"index": -1}, ["/releases/0/index"]),
        ({"entry": "x" * 4097}, ["/releases/0/entry"]),
        ({"elements": [ONE, ONE]}, ["/releases/0/elements/1/index"]),
        ({"elements": [ONE, {**ONE, "index": 2}]}, ["/releases/0/elements/1/index"]),
        ({"elements": [{**ONE, "part": 1}]}, ["/releases/0/elements/0"]),
        ({"elements": [5]}, ["/releases/0/elements/0"]),
        ({"tlog_proof": ...}, ["/releases/0/tlog_proof"]),
    ],
)
def test_a_release_with_one_defect_is_refused_for_it(change: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_releases("application/json", changed_release(**change))
    assert [issue.pointer for issue in refused.value.issues] == expected


def test_what_is_refused_carries_a_problem() -> None:
    data = json.dumps({"releases": [], "later": ["x"], "refused": [{"id": "x", "problem": 1}]}).encode()
    with pytest.raises(DocumentError) as refused:
        parse_releases("application/json", data)
    assert [issue.pointer for issue in refused.value.issues] == ["/later/0", "/refused/0/problem", "/refused/0/id"]


def test_contents_show_nothing_in_a_repr() -> None:
    assert repr(SUBMISSION) == "Submission()"
    assert "DISCLOSURE" not in repr(ANSWER)
