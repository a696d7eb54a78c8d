"""Keys that sign: JSON Web Keys with the algorithm pinned to the key, and their RFC 7638 thumbprint as `kid`.

A participant signs with Ed25519 (`EdDSA`, the default), P-256 (`ES256`) or RSA (`PS256`). Which one is a property of
the key, never of the token that is checked with it. Refused: Ed25519 points of small order (a signature under them
says nothing), RSA outside 2,048–4,096 bits or with another exponent than 65,537, a key for another use, a private
member in a public key, and members that nobody here knows.

    key = SigningKey.generate(SignatureAlgorithm.EDDSA, randomness=SystemRandomness())
    signature = key.sign(b"...")
    key.public.verify(signature=signature, data=b"...")
    key.public.to_jwk()  # {"alg": "EdDSA", "crv": "Ed25519", "kid": "…", "kty": "OKP", "use": "sig", "x": "…"}

Sources: RFC 7517, RFC 7518, RFC 8037, RFC 7638; FIPS 186-5 for the sizes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAPSSAlgorithm
from jwt.exceptions import InvalidKeyError

from schemas.canonical import b64url, b64url_decode, canonical_json
from schemas.codes import SignatureAlgorithm
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue, SignatureError
from schemas.identifiers import Thumbprint
from schemas.randomness import Randomness

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 4096
RSA_EXPONENT: Final = 65537

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COMMON_MEMBERS: Final = frozenset({"kty", "alg", "use", "key_ops", "kid"})
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_ED25519_PRIME: Final = 2**255 - 19
_ED25519_ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_ED25519_SMALL_ORDER_Y: Final = frozenset(
    {0, 1, _ED25519_PRIME - 1, _ED25519_ORDER_8_Y, _ED25519_PRIME - _ED25519_ORDER_8_Y}
)
"""The y-coordinates of the eight points whose order divides the cofactor. RFC 8032, section 5.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyScheme:
    """One algorithm of an allow-list: which keys it takes and how they verify.

    Attributes:
        alg: JWS algorithm name.
        kty: Key type. RFC 7518, section 6.1.
        crv: Curve, or None where the key type has none.
        members: Name of each member that makes the key, with its exact length in bytes; None where that varies.
        verifier: PyJWT's implementation of the algorithm.
    """

    alg: str
    kty: str
    crv: str | None
    members: Mapping[str, int | None]
    verifier: Algorithm


ALGORITHMS: Final[Mapping[str, KeyScheme]] = MappingProxyType(
    {
        SignatureAlgorithm.EDDSA: KeyScheme(
            alg="EdDSA", kty="OKP", crv="Ed25519", members={"x": 32}, verifier=OKPAlgorithm()
        ),
        SignatureAlgorithm.ES256: KeyScheme(
            alg="ES256",
            kty="EC",
            crv="P-256",
            members={"x": 32, "y": 32},
            verifier=ECAlgorithm(ECAlgorithm.SHA256, ec.SECP256R1),
        ),
        SignatureAlgorithm.PS256: KeyScheme(
            alg="PS256",
            kty="RSA",
            crv=None,
            members={"n": None, "e": None},
            verifier=RSAPSSAlgorithm(RSAPSSAlgorithm.SHA256),
        ),
    }
)
"""The allow-list of this exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A public key that verifies signatures of one algorithm.

    Attributes:
        alg: The one algorithm it verifies.
        kid: What a token names it by: its thumbprint.
        thumbprint: RFC 7638 SHA-256 thumbprint.
        signature_bytes: Length of every signature, or None where it varies.
    """

    alg: str
    kid: str
    thumbprint: Thumbprint
    signature_bytes: int | None
    _verifier: Algorithm = field(repr=False, compare=False)
    _key: Any = field(repr=False, compare=False)  # PyJWT's prepared key: its type is the algorithm's own
    _public_members: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def from_jwk(
        cls,
        jwk: Mapping[str, JSONValue],
        *,
        algorithms: Mapping[str, KeyScheme] = ALGORITHMS,
        alg: str | None = None,
        foreign_kid: bool = False,
        pointer: str = "",
    ) -> Self:
        """Read a public JWK.

        Args:
            jwk: The JWK, as parsed from JSON.
            algorithms: The allow-list.
            alg: Algorithm to pin where the JWK names none, as in a DPoP proof; it must agree where it names one.
            foreign_kid: Take the JWK's own `kid` instead of demanding its thumbprint: for keys of others' tests.
            pointer: Where the key stands in a larger document, for the errors.

        Raises:
            DocumentError: It is not a key that this exchange takes; every finding is listed.

        Source: RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2.
        """
        issues = _Issues(pointer)
        _check_use(jwk, issues)
        named = jwk.get("alg", alg)
        scheme = algorithms.get(named) if isinstance(named, str) else None
        if scheme is None or (alg is not None and named != alg):
            issues.add("/alg", "sender.jwk.alg", "no algorithm of the allow-list, or not the one expected")
            raise issues.error()
        members = _check_members(jwk, scheme, issues)
        issues.raise_if_any()
        if scheme.kty == "OKP":
            _check_ed25519(b64url_decode(members["x"]), issues)
        elif scheme.kty == "RSA":
            _check_rsa(members, issues)
        issues.raise_if_any()
        try:
            key = scheme.verifier.from_jwk({**members, "kty": scheme.kty})
        except (InvalidKeyError, ValueError, UnsupportedAlgorithm) as error:
            issues.add("", "sender.jwk.invalid", "not a point or a number of this algorithm")
            raise issues.error() from error
        thumbprint = Thumbprint(b64url(hashlib.sha256(canonical_json({**members, "kty": scheme.kty})).digest()))
        kid = jwk.get("kid", thumbprint.value)
        if not isinstance(kid, str) or (kid != thumbprint.value and not foreign_kid):
            issues.add("/kid", "sender.jwk.kid", "not the key's RFC 7638 thumbprint")
            raise issues.error()
        return cls(
            alg=scheme.alg,
            kid=kid,
            thumbprint=thumbprint,
            signature_bytes=_signature_bytes(scheme, members),
            _verifier=scheme.verifier,
            _key=key,
            _public_members=tuple(sorted({**members, "kty": scheme.kty}.items())),
        )

    def to_jwk(self) -> dict[str, JSONValue]:
        """Write the key as a public JWK, with `alg`, `use` and `kid`."""
        return {**dict(self._public_members), "alg": self.alg, "use": "sig", "kid": self.kid}

    def verify(self, *, signature: bytes, data: bytes) -> None:
        """Check a signature over bytes.

        Raises:
            SignatureError: It is not this key's signature over these bytes.
        """
        if self.signature_bytes is not None and len(signature) != self.signature_bytes:
            raise SignatureError("the signature has the wrong length")
        if not self._verifier.verify(data, self._key, signature):
            raise SignatureError("the signature does not verify")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key that signs with one algorithm. Its `repr` shows the thumbprint only.

    Attributes:
        public: The key that verifies what this one signs.
    """

    public: VerificationKey
    _signer: Algorithm = field(repr=False, compare=False)
    _key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, alg: SignatureAlgorithm = SignatureAlgorithm.EDDSA, *, randomness: Randomness) -> Self:
        """Draw a new key.

        Args:
            alg: The algorithm to pin.
            randomness: Source of the key. RSA is the exception: its primes come from the library's own source.

        Source: RFC 8032, section 5.1.5; FIPS 186-5, A.2.1 (extra random bits).
        """
        if alg == SignatureAlgorithm.EDDSA:
            return cls._of(ed25519.Ed25519PrivateKey.from_private_bytes(randomness.bytes(32)))
        if alg == SignatureAlgorithm.ES256:
            scalar = int.from_bytes(randomness.bytes(40), "big") % (_P256_ORDER - 1) + 1
            return cls._of(ec.derive_private_key(scalar, ec.SECP256R1()))
        return cls._of(rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=3072))

    @classmethod
    def from_pem(cls, data: bytes) -> Self:
        """Read an unencrypted PKCS #8 PEM file's bytes; the kind of key says the algorithm.

        Raises:
            DocumentError: Not such a file, or not a key that this exchange takes. It never quotes the file.
        """
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise _refused("hub.key.invalid", "not an unencrypted PKCS #8 PEM file") from None
        if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise _refused("hub.key.invalid", "a private key, but not Ed25519, P-256 or RSA")
        return cls._of(key)

    def to_pem(self) -> bytes:
        """Write the key as an unencrypted PKCS #8 PEM file's bytes; protect the file by its rights."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def alg(self) -> str:
        """The one algorithm it signs with."""
        return self.public.alg

    def sign(self, data: bytes) -> bytes:
        """Sign bytes. EdDSA gives the same signature each time, the others a new one."""
        return self._signer.sign(data, self._key)

    @classmethod
    def _of(cls, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Self:
        public = VerificationKey.from_jwk(_public_jwk(key))
        return cls(public=public, _signer=ALGORITHMS[public.alg].verifier, _key=key)


class _Issues:
    """Collects findings, so that a refused key lists all of them."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer
        self._found: list[Issue] = []

    def add(self, pointer: str, code: str, text: str) -> None:
        self._found.append(Issue(pointer=self._pointer + pointer, code=code, text=text))

    def error(self) -> DocumentError:
        return DocumentError("not a key that this exchange takes", issues=self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise self.error()


def _check_use(jwk: Mapping[str, JSONValue], issues: _Issues) -> None:
    if jwk.get("use", "sig") != "sig":
        issues.add("/use", "sender.jwk.use", "the key is for another use than signatures")
    operations = jwk.get("key_ops", ["verify"])
    if operations != ["verify"]:
        issues.add("/key_ops", "sender.jwk.key-ops", "the key is for other operations than to verify")


def _check_members(jwk: Mapping[str, JSONValue], scheme: KeyScheme, issues: _Issues) -> dict[str, str]:
    """Return the members that make the key, each checked to be canonical base64url of the right length."""
    known = _COMMON_MEMBERS | scheme.members.keys() | ({"crv"} if scheme.crv else set())
    for name in sorted(jwk.keys() - known):
        if name in _PRIVATE_MEMBERS:
            issues.add(f"/{name}", "sender.jwk.private", "a private member in a public key")
        else:
            issues.add("", "sender.jwk.member", "a member that is not known here")
    if jwk.get("kty") != scheme.kty:
        issues.add("/kty", "sender.jwk.kty", "not the key type of its algorithm")
    if jwk.get("crv") != scheme.crv:
        issues.add("/crv", "sender.jwk.crv", "not the curve of its algorithm")
    members = {"crv": scheme.crv} if scheme.crv else {}
    for name, size in scheme.members.items():
        text = jwk.get(name)
        try:
            data = b64url_decode(text) if isinstance(text, str) else b""
        except DocumentError:
            data = b""
        if not data or (size is not None and len(data) != size):
            issues.add(f"/{name}", "sender.jwk.invalid", "not canonical base64url of the right length")
        members[name] = text if isinstance(text, str) else ""
    return members


def _check_ed25519(point: bytes, issues: _Issues) -> None:
    y = int.from_bytes(point, "little") & (1 << 255) - 1
    if y >= _ED25519_PRIME:
        issues.add("/x", "sender.jwk.invalid", "a point in another spelling than its own")
    if y % _ED25519_PRIME in _ED25519_SMALL_ORDER_Y:
        issues.add("/x", "sender.jwk.small-order", "a point of small order")


def _check_rsa(members: Mapping[str, str], issues: _Issues) -> None:
    modulus = b64url_decode(members["n"])
    if modulus[0] == 0 or not RSA_BITS_MIN <= int.from_bytes(modulus, "big").bit_length() <= RSA_BITS_MAX:
        issues.add("/n", "sender.jwk.rsa-size", f"RSA of {RSA_BITS_MIN} to {RSA_BITS_MAX} bits only")
    if b64url_decode(members["e"]) != RSA_EXPONENT.to_bytes(3, "big"):
        issues.add("/e", "sender.jwk.rsa-exponent", f"an RSA exponent other than {RSA_EXPONENT}")


def _signature_bytes(scheme: KeyScheme, members: Mapping[str, str]) -> int | None:
    if scheme.kty == "RSA":
        return len(b64url_decode(members["n"]))
    return 64 if scheme.alg in (SignatureAlgorithm.EDDSA, SignatureAlgorithm.ES256) else None


def _public_jwk(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> dict[str, JSONValue]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": b64url(key.public_key().public_bytes_raw())}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise _refused("hub.key.invalid", "an elliptic curve other than P-256")
        point = key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": b64url(x), "y": b64url(y)}
    numbers = key.public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
    return {"kty": "RSA", "alg": "PS256", "n": b64url(modulus), "e": b64url(exponent)}


def _refused(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
