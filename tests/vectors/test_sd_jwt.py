"""SD-JWT against others: the published cases, the RFC's disclosures, and the `sd-jwt` package in both directions."""

import hashlib
import json
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from schemas.canonical import b64url, canonical_json
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import conceal, disclosure_digest, parse_disclosure, present, verify_sd_jwt
from tests.support.shared import shared_path

CASES = [
    "array_data_types",
    "array_full_sd",
    "array_in_sd",
    "array_nested_in_plain",
    "array_none_disclosed",
    "array_of_nulls",
    "array_of_objects",
    "array_of_scalars",
    "array_recursive_sd",
    "array_recursive_sd_some_disclosed",
    "header_mod",
    "json_serialization_flattened",
    "json_serialization_general",
    "key_binding",
    "no_sd",
    "object_data_types",
    "recursions",
]


def signing_key(alg: SignatureAlgorithm) -> SigningKey:
    return SigningKey.generate(alg, randomness=UnsafeSeededRandomness(f"sd-jwt/{alg}"))


def marked(tree: dict[str, Any]) -> Any:
    """Turn a case's tree into the claims of the `sd-jwt` package, with its mark on what is disclosable."""
    if "object" in tree:
        return {SDObj(name) if sd else name: marked(member) for name, sd, member in tree["object"]}
    if "array" in tree:
        return [SDObj(marked(item)) if sd else marked(item) for sd, item in tree["array"]]
    return tree["value"]


def test_all_cases_are_here() -> None:
    cases = json.loads(shared_path("vectors/sd-jwt/cases.json").read_bytes())
    assert [case["name"] for case in cases] == CASES


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("alg", [SignatureAlgorithm.ES256, SignatureAlgorithm.EDDSA])
def test_what_the_package_issues_and_presents_is_verified_here(name: str, alg: SignatureAlgorithm) -> None:
    """Issued with decoys and presented by the package; processed by us. JSON serialisations are taken as compact."""
    cases = json.loads(shared_path("vectors/sd-jwt/cases.json").read_bytes())
    case = next(case for case in cases if case["name"] == name)
    key = signing_key(alg)
    issuer = SDJWTIssuer(
        marked(case["user_claims"]),
        JWK.from_pem(key.to_pem()),
        sign_alg=alg.value,
        add_decoy_claims=True,
        extra_header_parameters={"typ": "case+sd-jwt", "kid": key.public.kid},
    )
    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(case["holder_disclosed_claims"])
    verified = verify_sd_jwt(holder.sd_jwt_presentation, key=key.public, typ=TokenType.MESSAGE, foreign=True)
    assert verified.claims == case["expect_verified_user_claims"]


def test_the_disclosures_printed_in_rfc_9901_decode_and_hash_as_printed() -> None:
    printed = json.loads(shared_path("vectors/sd-jwt/rfc9901_disclosures.json").read_bytes())
    assert len(printed) == 5
    for case in printed:
        disclosure = parse_disclosure(case["disclosure"], foreign=True)
        parts = [disclosure.salt, disclosure.value]
        if disclosure.name is not None:
            parts.insert(1, disclosure.name)
        assert parts == case["decoded"]
        assert disclosure.digest == disclosure_digest(case["disclosure"]) == case["sha256_digest"]


def test_the_disclosures_of_rfc_9901_are_not_those_of_our_messages() -> None:
    printed = json.loads(shared_path("vectors/sd-jwt/rfc9901_disclosures.json").read_bytes())
    named = [case["disclosure"] for case in printed if len(case["decoded"]) == 3]
    assert len(named) >= 4
    for text in named:
        with pytest.raises(DocumentError):
            parse_disclosure(text)


VALUES: list[JSONValue] = ["2014-03-02", {"family": "Ünal", "given": ["Ada"]}, None, True, 5, ["a", "b"]]


@pytest.mark.parametrize("alg", [SignatureAlgorithm.ES256, SignatureAlgorithm.EDDSA])
@pytest.mark.parametrize("kept", [0b000000, 0b111111, 0b010101])
def test_the_package_verifies_ours_and_sees_what_the_architecture_says(alg: SignatureAlgorithm, kept: int) -> None:
    """A disclosed element is `[value]`, a withheld one `[]`; signature and labels hold for every choice."""
    key, randomness = signing_key(alg), UnsafeSeededRandomness("ours")
    disclosures = [conceal(value, randomness=randomness) for value in VALUES]
    elements: dict[str, JSONValue] = {f"element{i}": [made.placeholder] for i, made in enumerate(disclosures)}
    claims: dict[str, JSONValue] = {
        "iss": "urn:nld:oin:00000099000000001000",
        "_sd_alg": "sha-256",
        "content": [{"profile": "jeugdige", "id": "p1", "elements": elements}],
    }
    token = sign_jws(canonical_json(claims), typ=TokenType.MESSAGE, key=key)
    chosen = [made for i, made in enumerate(disclosures) if kept >> i & 1]
    text = present(token, [made.text for made in chosen])
    expected = {
        "iss": "urn:nld:oin:00000099000000001000",
        "content": [
            {
                "profile": "jeugdige",
                "id": "p1",
                "elements": {f"element{i}": [VALUES[i]] if kept >> i & 1 else [] for i in range(len(VALUES))},
            }
        ],
    }
    public = JWK(**{name: value for name, value in key.public.to_jwk().items() if name != "alg"})
    assert SDJWTVerifier(text, lambda _issuer, _header: public).get_verified_payload() == expected
    assert verify_sd_jwt(text, key=key.public, typ=TokenType.MESSAGE).claims == expected


def test_a_digest_is_sha_256_over_the_text() -> None:
    text = conceal("x", randomness=UnsafeSeededRandomness("digest")).text
    assert disclosure_digest(text) == b64url(hashlib.sha256(text.encode()).digest())
