"""Selective disclosure: exactly what was signed comes back, and nothing else."""

from typing import Any

import pytest

from schemas.canonical import b64url, canonical_json
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import (
    DISCLOSURES_MAX,
    Disclosure,
    apply_disclosures,
    conceal,
    disclosure_digest,
    encode_disclosure,
    parse_disclosure,
    parse_sd_jwt,
    present,
    verify_sd_jwt,
)

KEY = SigningKey.generate(randomness=UnsafeSeededRandomness("sdjwt"))


def made(*parts: Any) -> str:
    """Write a disclosure of any parts."""
    return b64url(canonical_json(list(parts)))


def foreign(*parts: Any) -> Disclosure:
    return parse_disclosure(made(*parts), foreign=True)


def code(payload: Any, *disclosures: Disclosure) -> str:
    with pytest.raises(DocumentError) as refused:
        apply_disclosures(payload, disclosures)
    return refused.value.code


def test_a_disclosure_is_exactly_a_salt_of_16_bytes_and_a_value() -> None:
    text = encode_disclosure(salt=bytes(16), value={"a": "é"})
    assert text == b64url('["AAAAAAAAAAAAAAAAAAAAAA",{"a":"é"}]'.encode())
    read = parse_disclosure(text)
    assert (read.salt, read.value, read.name, read.text) == ("A" * 22, {"a": "é"}, None, text)
    assert read.digest == disclosure_digest(text)
    assert "é" not in repr(read)


def test_concealing_draws_a_new_salt_for_each_value() -> None:
    randomness = UnsafeSeededRandomness("salts")
    first, second = conceal("male", randomness=randomness), conceal("male", randomness=randomness)
    assert first.digest != second.digest
    assert parse_disclosure(first.text) == first


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (["A" * 22], "sender.disclosure.form"),
        (["A" * 22, "name", 1], "sender.disclosure.form"),
        ([1, 2], "sender.disclosure.form"),
        (["A" * 21 + "B", 2], "sender.base64url.invalid"),
        (["A" * 20, 2], "sender.disclosure.salt"),
        (["A" * 22, {"a": [{"_sd": []}]}], "sender.disclosure.reserved"),
        (["A" * 22, [{"...": "x"}]], "sender.disclosure.reserved"),
    ],
)
def test_a_disclosure_with_one_defect_is_refused_for_it(parts: list[Any], reason: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_disclosure(made(*parts))
    assert refused.value.code == reason


def test_what_cannot_travel_cannot_be_concealed() -> None:
    reserved: list[JSONValue] = [{"...": "x"}, [{"a": {"_sd": 1}}]]
    for value in reserved:
        with pytest.raises(DocumentError):
            encode_disclosure(salt=bytes(16), value=value)
    with pytest.raises(ValueError, match="16 bytes"):
        encode_disclosure(salt=bytes(15), value="x")


def test_an_array_at_large_or_a_float_is_no_disclosure() -> None:
    with pytest.raises(DocumentError):
        parse_disclosure(b64url(b'"text"'))
    with pytest.raises(DocumentError):
        parse_disclosure(b64url(b'["AAAAAAAAAAAAAAAAAAAAAA",1.5]'))
    assert parse_disclosure(b64url(b'["salt",1.5]'), foreign=True).value == 1.5


@pytest.mark.parametrize("name", ["_sd", "...", 5])
def test_reserved_names_are_refused_in_foreign_disclosures(name: Any) -> None:
    with pytest.raises(DocumentError):
        foreign("salt", name, 1)


def test_processing_puts_values_in_place_and_leaves_the_rest_out() -> None:
    inner, outer, member = (
        foreign("s", "deep"),
        foreign("s", ["x", {"...": foreign("s", "deep").digest}]),
        foreign("s", "m", 1),
    )
    decoy = "A" * 43
    payload: JSONValue = {
        "_sd_alg": "sha-256",
        "_sd": [member.digest, decoy],
        "a": [{"...": outer.digest}, {"...": decoy.replace("A", "Q")}, 1],
    }
    assert apply_disclosures(payload, [inner, outer, member]) == {"m": 1, "a": [["x", "deep"], 1]}
    assert apply_disclosures(payload, [outer]) == {"a": [["x"], 1]}
    assert apply_disclosures(payload, []) == {"a": [1]}


def test_each_rule_of_processing_refuses() -> None:
    element, member = foreign("s", 1), foreign("s", "m", 1)
    there: JSONValue = {"...": element.digest}
    assert code([]) == "sender.sd-jwt.form"
    assert code({"_sd_alg": "sha-512"}) == "sender.sd-jwt.algorithm"
    assert code({"a": []}, element) == "sender.disclosure.unreferenced"
    assert code({"a": [there]}, element, element) == "sender.disclosure.twice"
    assert code({"a": [there, there]}) == "sender.sd-jwt.digest-twice"
    assert code({"a": [there], "_sd": [element.digest]}) == "sender.sd-jwt.digest-twice"
    assert code({"_sd": [element.digest]}, element) == "sender.disclosure.place"
    assert code({"a": [{"...": member.digest}]}, member) == "sender.disclosure.place"
    assert code({"_sd": [member.digest], "m": 2}, member) == "sender.disclosure.place"
    assert code({"_sd": "x"}) == "sender.sd-jwt.form"
    assert code({"_sd": [5]}) == "sender.sd-jwt.form"
    assert code({"a": [{"...": 5}]}) == "sender.sd-jwt.form"
    assert code({"a": {"...": "x"}}) == "sender.sd-jwt.form"
    assert code({"a": [{"...": "x", "b": 1}]}) == "sender.sd-jwt.form"


def test_an_unreferenced_disclosure_inside_a_withheld_one_is_refused() -> None:
    inner = foreign("s", "deep")
    outer = foreign("s", [inner.placeholder])
    assert code({"a": [outer.placeholder]}, inner) == "sender.disclosure.unreferenced"


def test_disclosures_within_disclosures_end_at_the_depth_limit() -> None:
    chain = [foreign("s", 0)]
    for _ in range(40):
        chain.append(foreign("s", [chain[-1].placeholder]))
    assert code({"a": [chain[-1].placeholder]}, *chain) == "sender.json.depth"


@pytest.mark.parametrize("text", ["a.b.c", "", "~", "a~~", "~b~", "a~" + "b~" * (DISCLOSURES_MAX + 1)])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse_sd_jwt(text)


def test_presentation_and_parsing_are_inverse() -> None:
    assert present("a.b.c", []) == "a.b.c~"
    assert parse_sd_jwt(present("a.b.c", ["d", "e"])).disclosures == ("d", "e")
    assert parse_sd_jwt("a~b~k.b.j").key_binding == "k.b.j"


def signed(payload: bytes) -> str:
    return sign_jws(payload, typ=TokenType.MESSAGE, key=KEY)


def test_our_own_messages_are_stricter_than_the_rfc() -> None:
    made_here = conceal("x", randomness=UnsafeSeededRandomness("own"))
    good = signed(canonical_json({"_sd_alg": "sha-256", "a": [made_here.placeholder]}))
    verified = verify_sd_jwt(present(good, [made_here.text]), key=KEY.public, typ=TokenType.MESSAGE)
    assert (verified.claims, verified.kid) == ({"a": ["x"]}, KEY.public.thumbprint)
    foreign_member = canonical_json({"_sd": ["A" * 43]})
    for text in (
        good + "~k.b.j",
        present(signed(b'{"a": 1}'), []),
        present(signed(foreign_member), []),
        present(signed(b"[]"), []),
    ):
        with pytest.raises(DocumentError):
            verify_sd_jwt(text, key=KEY.public, typ=TokenType.MESSAGE)
    assert (
        verify_sd_jwt(present(signed(foreign_member), []), key=KEY.public, typ=TokenType.MESSAGE, foreign=True).claims
        == {}
    )


def test_the_signature_comes_first() -> None:
    other = SigningKey.generate(randomness=UnsafeSeededRandomness("sdjwt/other"))
    with pytest.raises(SignatureError):
        verify_sd_jwt(present(signed(b"nonsense"), ["nonsense"]), key=other.public, typ=TokenType.MESSAGE)
