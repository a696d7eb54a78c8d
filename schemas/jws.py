"""Signed tokens: JWS in compact form, read far more strictly than a general library reads them.

A token counts for one `typ` and one key only. In this order: form and length, canonical base64url, header members,
`typ` compared exactly, `alg` being the key's own, `kid` being the key's thumbprint, signature. There is no `none`,
no key taken from the token (`jku`, `x5u`, `jwk`; the one exception is a DPoP proof, which must carry its `jwk`), no
`crit`, no header member that nobody here knows.

    token = sign_jws(b'{"iss":"…"}', typ=TokenType.RECEIPT, key=signing_key)
    parsed = parse_jws(token, typ=TokenType.RECEIPT)         # unverified: find the key by `parsed.kid`
    verified = verify_parsed_jws(parsed, key=verification_key)

The allow-list of algorithms belongs to the key (`jwk.ALGORITHMS`, an argument of `VerificationKey.from_jwk`): a key
of no listed algorithm does not come into being.

Sources: RFC 7515; RFC 8725 (best practices); RFC 9449 for DPoP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.canonical import b64url, b64url_decode, canonical_json, parse_json
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue, SignatureError
from schemas.identifiers import Thumbprint
from schemas.jwk import SigningKey, VerificationKey

TOKEN_CHARACTERS_MAX: Final = 3 << 19
"""Longest token: a payload of 1 MiB in base64url, and its header and signature."""

HEADER_CHARACTERS_MAX: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactJWS:
    """The parts of a token, nothing of it verified.

    Attributes:
        token: The text as it came.
        header: Protected header.
        payload: Bytes that were signed, decoded.
        signing_input: Bytes under the signature.
        signature: Signature, decoded.
    """

    token: str = field(repr=False)
    header: Mapping[str, JSONValue]
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJWS:
    """A token of the right form and type. Who signed it, if anybody, is not known yet.

    Attributes:
        parts: The parts of the token.
        typ: Its type, as asked for.
        kid: Thumbprint of the key that it says it is signed with.
        jwk: The key in the header of a DPoP proof; None for every other type.
    """

    parts: CompactJWS
    typ: TokenType
    kid: Thumbprint
    jwk: VerificationKey | None = None

    @property
    def token(self) -> str:
        """The text as it came."""
        return self.parts.token

    @property
    def header(self) -> Mapping[str, JSONValue]:
        """Protected header."""
        return self.parts.header

    @property
    def payload(self) -> bytes:
        """Bytes that are said to be signed."""
        return self.parts.payload

    @property
    def signing_input(self) -> bytes:
        """Bytes under the signature."""
        return self.parts.signing_input

    @property
    def signature(self) -> bytes:
        """The signature, unchecked."""
        return self.parts.signature


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedJWS:
    """A token whose signature holds for its type and key.

    Attributes:
        payload: The bytes that were signed; what they say is not checked.
        kid: Thumbprint of the key that signed.
        typ: The type it counts for.
        token: The text as it came.
    """

    payload: bytes = field(repr=False)
    kid: Thumbprint
    typ: TokenType
    token: str = field(repr=False)


def parse_compact(token: str) -> CompactJWS:
    """Take a compact token apart, strictly; no header member is judged but that they stand there once.

    Raises:
        DocumentError: Wrong form, too long, not canonical base64url, or a header that is no JSON object.

    Source: RFC 7515, sections 3.1 and 7.1.
    """
    if len(token) > TOKEN_CHARACTERS_MAX or not token.isascii() or token.count(".") != 2:
        raise _refused("sender.token.form", "not a compact JWS of three parts")
    signing_input, _, signature = token.rpartition(".")
    header, _, payload = signing_input.partition(".")
    if len(header) > HEADER_CHARACTERS_MAX:
        raise _refused("sender.token.form", "the header is too long")
    members = parse_json(b64url_decode(header))
    if not isinstance(members, dict):
        raise _refused("sender.token.header", "the header is not an object")
    return CompactJWS(
        token=token,
        header=members,
        payload=b64url_decode(payload),
        signing_input=signing_input.encode("ascii"),
        signature=b64url_decode(signature),
    )


def verify_compact(parts: CompactJWS, *, key: VerificationKey, typ: str | None) -> None:
    """Check a token with one key: members of the header, `typ`, `alg`, `kid`, signature.

    Args:
        parts: From `parse_compact`.
        key: The only key that counts.
        typ: The exact `typ`, or None for a token that has none: this exchange has no such token, others' tests do.

    Raises:
        DocumentError: A header member is missing, or one is there that must not be.
        SignatureError: Another type, algorithm or key, or the signature does not hold.

    Source: RFC 7515, section 5.2; RFC 8725, sections 3.1 and 3.11.
    """
    named = "jwk" if typ == TokenType.DPOP else "kid"
    expected = {"alg", named} if typ is None else {"alg", named, "typ"}
    if typ is not None and parts.header.get("typ") != typ:
        raise SignatureError("the token is of another type", code="sender.token.typ")
    if parts.header.keys() != expected:
        raise _refused("sender.token.header", f"the header must have exactly {', '.join(sorted(expected))}")
    if parts.header["alg"] != key.alg:
        raise SignatureError("the token names another algorithm than its key's", code="sender.token.algorithm")
    if named == "kid" and parts.header["kid"] != key.kid:
        raise SignatureError("the token names another key", code="sender.token.kid")
    key.verify(signature=parts.signature, data=parts.signing_input)


def parse_jws(token: str, *, typ: TokenType) -> UnverifiedJWS:
    """Take a token of a known type apart, to find the key that would verify it.

    Raises:
        DocumentError: Wrong form, or another header than this type has.
        SignatureError: It is of another type.

    Source: RFC 7515, section 4.1; RFC 9449, section 4.2.
    """
    parts = parse_compact(token)
    if parts.header.get("typ") != typ:
        raise SignatureError("the token is of another type", code="sender.token.typ")
    alg = parts.header.get("alg")
    if typ == TokenType.DPOP:
        jwk = parts.header.get("jwk")
        if not isinstance(jwk, dict) or not isinstance(alg, str):
            raise _refused("sender.token.header", "a DPoP proof carries `alg` and `jwk`")
        key = VerificationKey.from_jwk(jwk, alg=alg)
        return UnverifiedJWS(parts=parts, typ=typ, kid=key.thumbprint, jwk=key)
    kid = parts.header.get("kid")
    if not isinstance(kid, str):
        raise _refused("sender.token.header", "the header must have `kid`")
    return UnverifiedJWS(parts=parts, typ=typ, kid=Thumbprint(kid))


def verify_parsed_jws(parsed: UnverifiedJWS, *, key: VerificationKey) -> VerifiedJWS:
    """Verify a parsed token with the key that was found for it.

    Nothing is checked about the key itself: whose it is, and whether it was valid then, is the directory's to say.

    Raises:
        DocumentError: A header member is missing, or one is there that must not be.
        SignatureError: Another algorithm or key, or the signature does not hold.
    """
    verify_compact(parsed.parts, key=key, typ=parsed.typ)
    return VerifiedJWS(payload=parsed.payload, kid=parsed.kid, typ=parsed.typ, token=parsed.token)


def verify_jws(token: str, *, typ: TokenType, key: VerificationKey) -> VerifiedJWS:
    """Parse and verify in one step, where the key is known beforehand.

    Raises:
        DocumentError: Wrong form, or another header than this type has.
        SignatureError: Another type, algorithm or key, or the signature does not hold.
    """
    return verify_parsed_jws(parse_jws(token, typ=typ), key=key)


def sign_jws(payload: bytes, *, typ: TokenType, key: SigningKey) -> str:
    """Sign bytes as a compact token.

    Args:
        payload: What to sign, byte for byte; usually from `canonical_json`.
        typ: The one type it will count for; a DPoP proof gets its `jwk` in the header, any other a `kid`.
        key: Signs with the algorithm pinned to it.

    Source: RFC 7515, section 5.1.
    """
    header: dict[str, JSONValue] = {"alg": key.alg, "typ": typ.value}
    if typ == TokenType.DPOP:
        header["jwk"] = key.public.to_jwk()
    else:
        header["kid"] = key.public.thumbprint.value
    signing_input = f"{b64url(canonical_json(header))}.{b64url(payload)}"
    return f"{signing_input}.{b64url(key.sign(signing_input.encode('ascii')))}"


def _refused(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
