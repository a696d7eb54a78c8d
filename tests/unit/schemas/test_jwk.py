"""Keys: the algorithm is the key's, the thumbprint is RFC 7638's, and weak keys do not come into being."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa

from schemas.canonical import b64url
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import SigningKey, VerificationKey
from schemas.randomness import UnsafeSeededRandomness

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P


def seeded(alg: SignatureAlgorithm = SignatureAlgorithm.EDDSA, seed: str = "jwk") -> SigningKey:
    return SigningKey.generate(alg, randomness=UnsafeSeededRandomness(seed))


def rsa_jwk(bits: int) -> dict[str, Any]:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key().public_numbers()
    return {"kty": "RSA", "alg": "PS256", "e": "AQAB", "n": b64url(numbers.n.to_bytes(bits // 8, "big"))}


def codes(jwk: dict[str, Any], **arguments: Any) -> set[str]:
    with pytest.raises(DocumentError) as refused:
        VerificationKey.from_jwk(jwk, **arguments)
    return {issue.code for issue in refused.value.issues}


@pytest.mark.parametrize("alg", list(SignatureAlgorithm))
def test_a_key_signs_verifies_and_survives_pem_and_jwk(alg: SignatureAlgorithm) -> None:
    key = seeded(alg)
    again = SigningKey.from_pem(key.to_pem())
    public = VerificationKey.from_jwk(again.public.to_jwk())
    assert (public.alg, public.thumbprint, again.alg) == (alg, key.public.thumbprint, alg)
    public.verify(signature=key.sign(b"data"), data=b"data")
    with pytest.raises(SignatureError):
        public.verify(signature=key.sign(b"data"), data=b"dada")
    with pytest.raises(SignatureError):
        public.verify(signature=key.sign(b"data") + b"\0", data=b"data")
    assert public.to_jwk()["kid"] == public.thumbprint.value
    assert "BEGIN" not in repr(key)
    assert "rivateKey" not in repr(key)


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a_3() -> None:
    key = VerificationKey.from_jwk(
        {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    assert key.thumbprint.value == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n"
        "3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd"
        "AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur"
        "-kEgU8awapJzKnqDKgw"
    )
    key = VerificationKey.from_jwk({"kty": "RSA", "alg": "PS256", "e": "AQAB", "n": modulus})
    assert key.thumbprint.value == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_keys_from_one_seed_are_the_same_and_from_another_not() -> None:
    for alg in (SignatureAlgorithm.EDDSA, SignatureAlgorithm.ES256):
        assert seeded(alg).public == seeded(alg).public
        assert seeded(alg).public != seeded(alg, "other").public


def _edwards_add(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = left, right
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, P - 2, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, P - 2, P) % P
    return x, y


def _small_order_points() -> set[tuple[int, int]]:
    """Find the eight points of order dividing 8 by arithmetic: multiply points by the order of the large subgroup."""
    order = 2**252 + 27742317777372353535851937790883648493
    found = {(0, 1)}
    for y in range(2, 60):
        square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
        x = pow(square, (P + 3) // 8, P)
        if (x * x - square) % P:
            x = x * pow(2, (P - 1) // 4, P) % P
        if (x * x - square) % P:
            continue
        total, power, left = (0, 1), (x, y), order
        while left:
            if left & 1:
                total = _edwards_add(total, power)
            power = _edwards_add(power, power)
            left >>= 1
        found.add(total)
    return found


def test_every_ed25519_point_of_small_order_is_refused_in_every_spelling() -> None:
    points = _small_order_points()
    assert len(points) == 8
    spellings: set[int] = set()
    for _, y in points:
        for sign in (0, 1 << 255):
            spellings.update(number | sign for number in (y, y + P) if number < 1 << 255)
    assert len(spellings) == 14
    for number in spellings:
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64url(number.to_bytes(32, "little"))}
        assert "sender.jwk.small-order" in codes(jwk)


def test_a_point_in_another_spelling_is_refused() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64url((P + 5).to_bytes(32, "little"))}
    assert codes(jwk) == {"sender.jwk.invalid"}


def test_rsa_has_two_limits_and_one_exponent() -> None:
    assert VerificationKey.from_jwk(rsa_jwk(2048)).alg == "PS256"
    assert codes(rsa_jwk(1024)) == {"sender.jwk.rsa-size"}
    good = rsa_jwk(2048)
    assert codes({**good, "n": b64url(b"\x80" + bytes(512) + b"\x01")}) == {"sender.jwk.rsa-size"}
    assert codes({**good, "n": b64url(b"\0" + b"\xff" * 256)}) == {"sender.jwk.rsa-size"}
    assert codes({**good, "e": "Aw"}) == {"sender.jwk.rsa-exponent"}
    assert codes({**good, "e": "AAEAAQ"}) == {"sender.jwk.rsa-exponent"}


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    jwk = seeded(SignatureAlgorithm.ES256).public.to_jwk()
    del jwk["kid"]
    assert codes({**jwk, "y": b64url(bytes(31) + b"\x05")}) == {"sender.jwk.invalid"}
    assert codes({**jwk, "y": b64url(bytes(31))}) == {"sender.jwk.invalid"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"use": "enc"}, "sender.jwk.use"),
        ({"key_ops": ["encrypt"]}, "sender.jwk.key-ops"),
        ({"key_ops": ["verify", "sign"]}, "sender.jwk.key-ops"),
        ({"key_ops": "verify"}, "sender.jwk.key-ops"),
        ({"d": "AA"}, "sender.jwk.private"),
        ({"k": "AA"}, "sender.jwk.private"),
        ({"y": "AA"}, "sender.jwk.member"),
        ({"x5u": "https://example.com"}, "sender.jwk.member"),
        ({"alg": "ES256"}, "sender.jwk.kty"),
        ({"alg": "none"}, "sender.jwk.alg"),
        ({"alg": None}, "sender.jwk.alg"),
        ({"kty": "EC"}, "sender.jwk.kty"),
        ({"crv": "Ed448"}, "sender.jwk.crv"),
        ({"x": "AA"}, "sender.jwk.invalid"),
        ({"x": 5}, "sender.jwk.invalid"),
        ({"x": "A" * 43 + "="}, "sender.jwk.invalid"),
        ({"kid": "other"}, "sender.jwk.kid"),
        ({"kid": 5}, "sender.jwk.kid"),
    ],
)
def test_a_key_with_one_defect_is_refused_for_it(change: dict[str, Any], code: str) -> None:
    assert code in codes({**seeded().public.to_jwk(), **change})


def test_an_expected_algorithm_pins_a_key_that_names_none() -> None:
    jwk = seeded().public.to_jwk()
    del jwk["alg"]
    assert codes(jwk) == {"sender.jwk.alg"}
    assert VerificationKey.from_jwk(jwk, alg="EdDSA").alg == "EdDSA"
    assert codes({**jwk, "alg": "EdDSA"}, alg="ES256") == {"sender.jwk.alg"}


def test_findings_carry_the_place_of_the_key_in_its_document() -> None:
    with pytest.raises(DocumentError) as refused:
        VerificationKey.from_jwk({**seeded().public.to_jwk(), "use": "enc"}, pointer="/signing_key")
    assert [issue.pointer for issue in refused.value.issues] == ["/signing_key/use"]


def test_other_private_keys_are_refused() -> None:
    def pem(key: ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey) -> bytes:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        return key.private_bytes(encoding, form, serialization.NoEncryption())

    for data in (pem(ec.generate_private_key(ec.SECP384R1())), pem(ed448.Ed448PrivateKey.generate()), b"nonsense"):
        with pytest.raises(DocumentError) as refused:
            SigningKey.from_pem(data)
        assert refused.value.code == "hub.key.invalid"
