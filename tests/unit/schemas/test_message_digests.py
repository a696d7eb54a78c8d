"""Placeholders in a message: exactly `{"...": digest}`, and their order is that of the sealed elements."""

import json
from dataclasses import replace

import pytest

from schemas.canonical import canonical_json
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.message import Message, labels, message_to_payload, parse_message, sealed_digests
from tests.support.example_documents import message_of, request_document

DIGEST = "A" * 43
"""Canonical base64url of 32 bytes of zero."""


def message_with_own_tag() -> Message:
    """Return a message in which the second subject gets its own tag."""
    message = message_of(request_document())
    first, second = message.subjects
    return replace(message, subjects=(first, replace(second, yours=("B" * 42 + "A",))))


def payload_with(placeholders: JSONValue) -> bytes:
    """Write a right message whose first element has these placeholders."""
    claims = json.loads(message_to_payload(message_of(request_document())))
    elements = claims["content"][0]["elements"]
    elements[min(elements)] = placeholders
    return canonical_json(claims)


def test_sealed_digests_stand_in_the_order_of_the_labels() -> None:
    message = message_with_own_tag()
    assert sealed_digests(message) == tuple(digest for label in labels(message) for digest in label.digests)


def test_a_subjects_own_tag_comes_after_every_element() -> None:
    assert sealed_digests(message_with_own_tag())[-1] == "B" * 42 + "A"


def test_right_placeholders_are_read() -> None:
    message = parse_message(payload_with([{"...": DIGEST}, {"...": "C" * 42 + "A"}]))
    assert sealed_digests(message)[:2] == (DIGEST, "C" * 42 + "A")


@pytest.mark.parametrize(
    "placeholders",
    [
        [],
        {"...": DIGEST},
        DIGEST,
        None,
        [DIGEST],
        [[{"...": DIGEST}]],
        [{}],
        [{"..": DIGEST}],
        [{"...": DIGEST, "x": DIGEST}],
        [{"...": None}],
        [{"...": 1}],
        [{"...": [DIGEST]}],
        [{"...": ""}],
        [{"...": DIGEST[:-1]}],
        [{"...": DIGEST + "A"}],
        [{"...": DIGEST[:-1] + "B"}],
        [{"...": DIGEST[:-1] + "="}],
        [{"...": DIGEST + "\n"}],
        [{"...": DIGEST}, {"...": "x"}],
        [{"...": "x"}, {"...": DIGEST}],
    ],
)
def test_anything_else_in_the_place_of_a_placeholder_is_refused(placeholders: JSONValue) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_message(payload_with(placeholders))
    assert [(issue.code, issue.pointer.rpartition("/")[0]) for issue in caught.value.issues] == [
        ("sender.message.form", "/content/0/elements")
    ]


def test_the_same_digest_twice_is_refused() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_message(payload_with([{"...": DIGEST}, {"...": DIGEST}]))
    assert [issue.code for issue in caught.value.issues] == ["sender.message.digest-twice"]
