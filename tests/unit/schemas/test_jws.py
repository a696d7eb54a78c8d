"""Tokens: one type, one key, one spelling."""

import json
from typing import Any

import pytest

from schemas.canonical import b64url, b64url_decode, canonical_json
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import SigningKey
from schemas.jws import (
    HEADER_CHARACTERS_MAX,
    TOKEN_CHARACTERS_MAX,
    parse_compact,
    parse_jws,
    sign_jws,
    verify_compact,
    verify_jws,
    verify_parsed_jws,
)
from schemas.randomness import UnsafeSeededRandomness

KEY = SigningKey.generate(randomness=UnsafeSeededRandomness("jws"))
OTHER = SigningKey.generate(randomness=UnsafeSeededRandomness("jws/other"))
ES256 = SigningKey.generate(SignatureAlgorithm.ES256, randomness=UnsafeSeededRandomness("jws"))


def token(header: object, payload: bytes = b"{}", key: SigningKey = KEY) -> str:
    """Sign whatever header is given."""
    data = header if isinstance(header, bytes) else canonical_json(header)  # type: ignore[arg-type]  # any header
    signing_input = f"{b64url(data)}.{b64url(payload)}"
    return f"{signing_input}.{b64url(key.sign(signing_input.encode()))}"


def header(**change: Any) -> dict[str, Any]:
    made = {"alg": "EdDSA", "kid": KEY.public.kid, "typ": "receipt+jwt", **change}
    return {name: value for name, value in made.items() if value is not ...}


@pytest.mark.parametrize("key", [KEY, ES256])
def test_a_signed_token_verifies_for_its_type_and_key(key: SigningKey) -> None:
    signed = sign_jws(b'{"a":1}', typ=TokenType.RECEIPT, key=key)
    parsed = parse_jws(signed, typ=TokenType.RECEIPT)
    assert (parsed.kid, parsed.payload, parsed.token) == (key.public.thumbprint, b'{"a":1}', signed)
    assert (parsed.header["alg"], len(parsed.signature)) == (key.alg, 64)
    assert parsed.signing_input.decode() == signed.rpartition(".")[0]
    verified = verify_jws(signed, typ=TokenType.RECEIPT, key=key.public)
    assert (verified.payload, verified.kid, verified.token) == (b'{"a":1}', key.public.thumbprint, signed)
    with pytest.raises(SignatureError):
        verify_jws(signed, typ=TokenType.RECEIPT, key=OTHER.public)


def test_eddsa_tokens_are_golden() -> None:
    signed = sign_jws(b"{}", typ=TokenType.MESSAGE, key=KEY)
    first = b64url_decode(signed.partition(".")[0])
    assert first == b'{"alg":"EdDSA","kid":"' + KEY.public.kid.encode() + b'","typ":"case+sd-jwt"}'
    assert signed == sign_jws(b"{}", typ=TokenType.MESSAGE, key=KEY)


def test_a_token_counts_for_no_other_type() -> None:
    signed = sign_jws(b"{}", typ=TokenType.RECEIPT, key=KEY)
    for typ in set(TokenType) - {TokenType.RECEIPT}:
        with pytest.raises(SignatureError) as refused:
            parse_jws(signed, typ=typ)
        assert refused.value.code == "sender.token.typ"
        with pytest.raises(SignatureError):
            verify_compact(parse_compact(signed), key=KEY.public, typ=typ)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"typ": "RECEIPT+JWT"}, "sender.token.typ"),
        ({"typ": "application/receipt+jwt"}, "sender.token.typ"),
        ({"typ": ...}, "sender.token.typ"),
        ({"alg": "none"}, "sender.token.algorithm"),
        ({"alg": "HS256"}, "sender.token.algorithm"),
        ({"alg": "ES256"}, "sender.token.algorithm"),
        ({"alg": "Ed25519"}, "sender.token.algorithm"),
        ({"alg": ...}, "sender.token.header"),
        ({"kid": OTHER.public.kid}, "sender.token.kid"),
        ({"kid": "key-1"}, "sender.kid.invalid"),
        ({"kid": ...}, "sender.token.header"),
        ({"kid": 1}, "sender.token.header"),
        ({"crit": ["exp"]}, "sender.token.header"),
        ({"jku": "https://example.com"}, "sender.token.header"),
        ({"x5u": "https://example.com"}, "sender.token.header"),
        ({"jwk": KEY.public.to_jwk()}, "sender.token.header"),
        ({"b64": False}, "sender.token.header"),
        ({"cty": "JWT"}, "sender.token.header"),
    ],
)
def test_a_header_with_one_defect_is_refused_for_it(change: dict[str, Any], code: str) -> None:
    with pytest.raises((DocumentError, SignatureError)) as refused:
        verify_jws(token(header(**change)), typ=TokenType.RECEIPT, key=KEY.public)
    assert refused.value.code == code


def test_a_member_twice_in_the_header_is_refused() -> None:
    good = json.dumps(header()).encode()
    with pytest.raises(DocumentError) as refused:
        parse_jws(token(good[:-1] + b',"alg":"EdDSA"}'), typ=TokenType.RECEIPT)
    assert refused.value.code == "sender.json.duplicate"


@pytest.mark.parametrize("change", ["a.b", "a.b.c.d", "..", "é..", "=.=.=", " "])
def test_another_form_is_refused(change: str) -> None:
    with pytest.raises(DocumentError):
        parse_compact(change)


def test_lengths_are_limited() -> None:
    with pytest.raises(DocumentError):
        parse_compact("a" * TOKEN_CHARACTERS_MAX + "..")
    with pytest.raises(DocumentError):
        parse_compact(token(header(typ="x" * HEADER_CHARACTERS_MAX)))
    with pytest.raises(DocumentError):
        parse_compact(token(b"[]"))


def test_one_changed_bit_in_any_part_is_refused() -> None:
    signed = sign_jws(b'{"a":1}', typ=TokenType.RECEIPT, key=KEY)
    for index, part in enumerate(signed.split(".")):
        changed = bytearray(b64url_decode(part))
        changed[-2] ^= 1
        parts = signed.split(".")
        parts[index] = b64url(bytes(changed))
        with pytest.raises((DocumentError, SignatureError)):
            verify_jws(".".join(parts), typ=TokenType.RECEIPT, key=KEY.public)


def test_a_dpop_proof_brings_its_key() -> None:
    proof = sign_jws(b"{}", typ=TokenType.DPOP, key=ES256)
    parsed = parse_jws(proof, typ=TokenType.DPOP)
    assert parsed.jwk is not None
    assert (parsed.kid, parsed.jwk) == (ES256.public.thumbprint, ES256.public)
    assert verify_parsed_jws(parsed, key=parsed.jwk).kid == ES256.public.thumbprint


@pytest.mark.parametrize(
    "change",
    [
        {"jwk": ...},
        {"jwk": "key"},
        {"alg": 5},
        {"kid": ES256.public.kid},
        {"jwk": {**ES256.public.to_jwk(), "d": "AA"}},
        {"jwk": {**ES256.public.to_jwk(), "alg": "EdDSA"}},
        {"jwk": KEY.public.to_jwk()},
    ],
)
def test_a_dpop_proof_with_another_header_is_refused(change: dict[str, Any]) -> None:
    made = {"alg": "ES256", "typ": "dpop+jwt", "jwk": ES256.public.to_jwk(), **change}
    kept = {name: value for name, value in made.items() if value is not ...}
    with pytest.raises((DocumentError, SignatureError)):
        verify_jws(token(kept, key=ES256), typ=TokenType.DPOP, key=ES256.public)
