"""Records and the commitments to them."""

import json
from hashlib import sha256
from typing import Any

import pytest

from audit.errors import CommitmentError
from audit.records import (
    KeptRecord,
    ShownRecord,
    Withheld,
    commit,
    parse_shown,
    released_digest,
    token_digest,
    verify_commitment,
)
from schemas.canonical import b64url, canonical_json
from schemas.codes import EntryKind
from schemas.errors import DocumentError
from schemas.identifiers import SubjectTag

SALT = bytes(range(32))
SHOWN = ShownRecord(
    entry_kind=EntryKind.DISCLOSURE,
    ground="VTO",
    permitted=("jeugdige/p1/birthDate", "subject/0/yours"),
    withheld=(Withheld(label="melder/m1/name", reasons=("not-necessary", "category-not-listed")),),
    catalogue="C" * 42 + "A",
    marks=("unprompted",),
)
KEPT = KeptRecord(
    tag=SubjectTag("1." + "A" * 22),
    responsible="SKJ:110000001",
    relied_on=("consent-1",),
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="b7ad6b7169203331",
    nth=2,
    previous=17,
)


def test_a_shown_record_is_canonical_and_comes_back() -> None:
    assert SHOWN.text == (
        f'{{"catalogue":"{"C" * 42}A","entry_kind":"DISCLOSURE","ground":"VTO",'
        '"marks":["unprompted"],"permitted":["jeugdige/p1/birthDate","subject/0/yours"],'
        '"withheld":[{"label":"melder/m1/name","reasons":["not-necessary","category-not-listed"]}]}'
    )
    assert parse_shown(SHOWN.text) == SHOWN


def test_a_kept_record_counts_and_points_back() -> None:
    assert json.loads(KEPT.text) == {
        "tag": "1." + "A" * 22,
        "responsible": "SKJ:110000001",
        "relied_on": ["consent-1"],
        "trace": {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"},
        "nth": 2,
        "previous": 17,
    }


def test_the_first_record_of_a_subject_has_no_predecessor() -> None:
    first = KeptRecord(
        tag=KEPT.tag,
        responsible="eigen:7",
        relied_on=(),
        trace_id=KEPT.trace_id,
        span_id=KEPT.span_id,
        nth=1,
        previous=None,
    )
    assert "previous" not in json.loads(first.text)
    for nth, previous in ((0, None), (1, 3), (2, None)):
        with pytest.raises(ValueError, match="predecessor"):
            KeptRecord(
                tag=KEPT.tag,
                responsible="eigen:7",
                relied_on=(),
                trace_id=KEPT.trace_id,
                span_id=KEPT.span_id,
                nth=nth,
                previous=previous,
            )


def test_a_commitment_is_the_hash_that_the_architecture_names() -> None:
    expected = b64url(sha256(b"ketenhub/record/1" + b"\x00" + SALT + SHOWN.text.encode()).digest())
    assert commit(salt=SALT, record=SHOWN.text) == expected
    verify_commitment(commitment=expected, salt=SALT, record=SHOWN.text)


@pytest.mark.parametrize(
    ("salt", "record"), [(bytes(32), SHOWN.text), (SALT, SHOWN.text + " "), (SALT[:-1], SHOWN.text), (b"", "")]
)
def test_another_record_or_salt_is_refused(salt: bytes, record: str) -> None:
    with pytest.raises(CommitmentError):
        verify_commitment(commitment=commit(salt=SALT, record=SHOWN.text), salt=salt, record=record)


def test_a_salt_of_another_length_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit(salt=b"short", record="{}")


def test_digests_are_sha256_in_base64url() -> None:
    assert token_digest("a.b.c") == b64url(sha256(b"a.b.c").digest())
    first, second = "A" * 43, "B" * 42 + "A"
    expected = b64url(sha256((first + second).encode()).digest())
    assert released_digest([second, first]) == released_digest([first, second]) == expected
    assert released_digest([]) == b64url(sha256(b"").digest())


def changed(record: str, **changes: object) -> str:
    """A record's text with members set, or dropped by None."""
    members: dict[str, Any] = {**json.loads(record), **changes}
    return canonical_json({name: value for name, value in members.items() if value is not None}).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        " " + SHOWN.text,
        changed(SHOWN.text, ground=None),
        changed(SHOWN.text, more="x"),
        changed(SHOWN.text, ground=7),
        changed(SHOWN.text, ground=""),
        changed(SHOWN.text, entry_kind="OTHER"),
        changed(SHOWN.text, entry_kind=[]),
        changed(SHOWN.text, permitted="x"),
        changed(SHOWN.text, marks="x"),
        changed(SHOWN.text, permitted=[7]),
        changed(SHOWN.text, withheld="x"),
        changed(SHOWN.text, withheld=["x"]),
        changed(SHOWN.text, withheld=[{"label": "x"}]),
        changed(SHOWN.text, withheld=[{"label": "x", "reasons": []}]),
        changed(SHOWN.text, withheld=[{"label": "x", "reasons": "y"}]),
        changed(SHOWN.text, withheld=[{"label": "x", "reasons": ["ok\n\x1b[2K"]}]),
        changed(SHOWN.text, withheld=[{"label": "x", "reasons": ["Een zin van de hub."]}]),
        changed(SHOWN.text, withheld=[{"label": "x", "reasons": ["r" * 65]}]),
        changed(SHOWN.text, marks=["unprompted\nok: the evidence holds"]),
        changed(SHOWN.text, marks=[7]),
        changed(SHOWN.text, ground="x" * 1_100_000),
    ],
)
def test_what_is_no_shown_record_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse_shown(text)


def test_a_token_is_ascii() -> None:
    with pytest.raises(DocumentError) as caught:
        token_digest("é.b.c")
    assert caught.value.code == "sender.token.form"
