"""Strict JSON against JSONTestSuite, canonical JSON against the pairs of the RFC 8785 author."""

import base64
import json

import pytest

from schemas.canonical import canonical_json, parse_canonical, parse_json
from schemas.errors import DocumentError
from tests.support.shared import shared_path

FLOATS = {
    "y_number.json",
    "y_number_0e+1.json",
    "y_number_0e1.json",
    "y_number_double_close_to_zero.json",
    "y_number_int_with_exp.json",
    "y_number_real_capital_e.json",
    "y_number_real_capital_e_neg_exp.json",
    "y_number_real_capital_e_pos_exp.json",
    "y_number_real_exponent.json",
    "y_number_real_fraction_exponent.json",
    "y_number_real_neg_exp.json",
    "y_number_real_pos_exponent.json",
    "y_number_simple_real.json",
    "y_object_extreme_numbers.json",
    "y_structure_lonely_negative_real.json",
}
"""Valid JSON, refused by our own rule: no floating point number is signed or hashed here."""

DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
"""Valid JSON, refused by our own rule: a member that stands twice means two things."""


def cases(prefix: str) -> list[tuple[str, bytes]]:
    """Return name and bytes of every case with this prefix."""
    suite = json.loads(shared_path("vectors/json/jsontestsuite_parsing.json").read_bytes())
    return [(name, base64.b64decode(data)) for name, data in suite.items() if name.startswith(prefix)]


def outcome(data: bytes) -> str | None:
    """Return the code of the refusal, or None."""
    try:
        parse_json(data)
    except DocumentError as error:
        return error.code
    return None


def test_what_must_be_accepted_is_accepted_but_for_our_own_stricter_rules() -> None:
    found = {name: outcome(data) for name, data in cases("y_")}
    assert len(found) == 95
    expected = dict.fromkeys(FLOATS, "sender.json.float") | dict.fromkeys(DUPLICATES, "sender.json.duplicate")
    assert {name: code for name, code in found.items() if code} == expected


def test_what_must_be_refused_is_refused() -> None:
    found = {name: outcome(data) for name, data in cases("n_")}
    assert len(found) == 188
    assert [name for name, code in found.items() if code is None] == []


def test_what_may_go_either_way_never_crashes() -> None:
    found = {name: outcome(data) for name, data in cases("i_")}
    assert len(found) == 35
    # Huge numbers, lone surrogates, other encodings, marks and 500 levels: nothing of it travels here.
    assert [name for name, code in found.items() if code is None] == []


def test_floats_pass_only_where_they_are_asked_for() -> None:
    read = [parse_json(data, floats=True) for name, data in cases("y_") if name in FLOATS]
    assert len(read) == len(FLOATS)


def pairs() -> dict[str, tuple[bytes, bytes]]:
    """Return input and output of each published pair."""
    found = json.loads(shared_path("vectors/json/jcs_pairs.json").read_bytes())
    return {name: (base64.b64decode(pair["input"]), base64.b64decode(pair["output"])) for name, pair in found.items()}


@pytest.mark.parametrize("name", ["arrays.json", "french.json", "unicode.json", "weird.json"])
def test_canonical_json_gives_the_bytes_of_the_published_pair(name: str) -> None:
    given, expected = pairs()[name]
    assert canonical_json(parse_json(given)) == expected
    assert canonical_json(parse_canonical(expected)) == expected


def test_the_pair_whose_only_float_is_integral_is_canonical_once_it_is_an_integer() -> None:
    """`structures.json` writes 56.0, which JCS would turn into 56; here it must come as 56."""
    given, expected = pairs()["structures.json"]
    with pytest.raises(DocumentError, match="not acceptable") as refused:
        parse_json(given)
    assert [issue.code for issue in refused.value.issues] == ["sender.json.float"]
    assert canonical_json(parse_json(given.replace(b"56.0", b"56"))) == expected


def test_the_pair_of_numbers_is_refused_for_each_of_its_floats() -> None:
    given, _ = pairs()["values.json"]
    with pytest.raises(DocumentError) as refused:
        parse_json(given)
    assert [(issue.code, issue.text.partition(", ")[2]) for issue in refused.value.issues] == [
        ("sender.json.float", f"at place 0.{index}, counted from 0") for index in range(5)
    ]
