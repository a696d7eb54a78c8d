"""Reading claims: every member known, every value of its form, every finding listed."""

import re
from typing import Any

import pytest

from schemas.canonical import canonical_json
from schemas.claims import PAYLOAD_BYTES_MAX, ClaimsReader
from schemas.codes import Role
from schemas.errors import DocumentError


def reader(claims: Any, **arguments: Any) -> ClaimsReader:
    return ClaimsReader(canonical_json(claims), code="sender.test.form", members=claims.keys(), **arguments)


def found(made: ClaimsReader) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as refused:
        made.finish("not of its form")
    return [(issue.pointer, issue.code) for issue in refused.value.issues]


def test_values_of_their_form_are_read() -> None:
    made = reader({"a": "x", "b": 5, "c": "raad", "d": None, "e": ["gi", "raad"], "f": "AAA", "g": [{"h": "y"}]})
    assert "a" in made
    assert "z" not in made
    assert made.text("a", re.compile("x")) == "x"
    assert made.integer("b", at_least=5, at_most=5) == 5
    assert made.convert("c", Role) is Role.RAAD
    assert made.optional("c", Role) is Role.RAAD
    assert made.optional("d", Role) is None
    assert made.optional("absent", Role) is None
    assert made.array("e", Role, at_most=2) == (Role.GI, Role.RAAD)
    assert made.data("f", size=2) == made.data("f", at_most=2) == bytes(2)
    assert [item.text("h", re.compile("y")) for item in made.objects("g", members=["h"], at_most=1)] == ["y"]
    made.finish("nothing is wrong")


def test_everything_that_is_wrong_is_listed_with_its_place() -> None:
    made = reader({"a": "x", "b": True, "c": "burger", "e": ["gi", "gi"], "f": "AB", "g": [{"h": 1}], "i": {}})
    made.text("a", re.compile("y"))
    made.integer("b")
    made.convert("c", Role)
    made.array("e", Role, at_most=2)
    made.array("a", Role, at_most=2)
    made.data("f")
    made.data("a", at_most=0)
    for item in made.objects("g", members=["h"], at_most=1):
        item.text("h", re.compile("y"))
    assert list(made.objects("i", members=["h"], at_most=1)) == []
    made.wrong("", "the whole", "sender.other")
    assert found(made) == [
        ("/a", "sender.test.form"),
        ("/b", "sender.test.form"),
        ("/c", "sender.test.form"),
        ("/e", "sender.test.form"),
        ("/a", "sender.test.form"),
        ("/f", "sender.test.form"),
        ("/a", "sender.test.form"),
        ("/g/0/h", "sender.test.form"),
        ("/i", "sender.test.form"),
        ("", "sender.other"),
    ]


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [(b"[]", [""]), (b"{}", ["/a", "/b"]), (b'{"a":1,"b":2,"d":3}', [""]), (b'{"b":1,"c":2,"d":3}', ["/a", ""])],
)
def test_members_are_exactly_those_that_are_known(payload: bytes, pointers: list[str]) -> None:
    with pytest.raises(DocumentError) as refused:
        ClaimsReader(payload, code="sender.test.form", members=("b", "a"), optional=("c",))
    assert [issue.pointer for issue in refused.value.issues] == pointers


def test_an_optional_member_may_be_there_or_not() -> None:
    for payload in (b'{"a":1}', b'{"a":1,"c":2}'):
        ClaimsReader(payload, code="sender.test.form", members=("a",), optional=("c",)).finish("fits")


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(DocumentError) as refused:
        ClaimsReader(b" " * (PAYLOAD_BYTES_MAX + 1), code="sender.test.form", members=())
    assert [(issue.pointer, issue.code) for issue in refused.value.issues] == [("", "sender.test.form")]
