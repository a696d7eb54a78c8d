"""Selective disclosure: values leave the signed bytes as digests, and come back as disclosures (RFC 9901).

In a message every value of an element is one array element `{"...": <digest>}`. Its disclosure is the base64url of
`[<salt of 16 random bytes>, <value>]`, and the digest is SHA-256 over the disclosure's ASCII. Who has the disclosure
sees the value and knows that the sender signed it; who has not sees that something is there.

    disclosure = conceal("2014-03-02", randomness=SystemRandomness())
    payload = {"birthDate": [disclosure.placeholder], "_sd_alg": "sha-256"}
    token = sign_jws(canonical_json(payload), typ=TokenType.MESSAGE, key=key)
    present(token, [disclosure.text])                  # '<token>~<disclosure>~'
    apply_disclosures(payload, [disclosure])           # {"birthDate": ["2014-03-02"]}
    apply_disclosures(payload, [])                     # {"birthDate": []}

The exchange's own messages use array elements only. Object members (`_sd`) are processed for the tests of others and
refused in what travels; so are key-binding tokens. Source: RFC 9901, sections 4.2, 7.1 and 9.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.canonical import DEPTH_MAX, b64url, b64url_decode, canonical_json, parse_canonical, parse_json
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import Thumbprint
from schemas.jwk import VerificationKey
from schemas.jws import VerifiedJWS, verify_jws
from schemas.randomness import Randomness

SALT_BYTES: Final = 16
"""RFC 9901, section 9.3: 128 bits that nobody can guess."""

DISCLOSURES_MAX: Final = 2048
HASH_ALGORITHM: Final = "sha-256"

_RESERVED: Final = frozenset({"_sd", "..."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One disclosure, decoded. Its `repr` shows the digest only.

    Attributes:
        text: As it travels; this is what the digest is over.
        digest: SHA-256 of the text, base64url.
        salt: As it stands in the disclosure.
        value: What is disclosed.
        name: Name of the object member, or None for an array element; always None in our own messages.
    """

    text: str = field(repr=False)
    digest: str
    salt: str = field(repr=False)
    value: JSONValue = field(repr=False)
    name: str | None = None

    @property
    def placeholder(self) -> dict[str, JSONValue]:
        """What stands in the signed array in place of the value. RFC 9901, section 4.2.4.2."""
        return {"...": self.digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class SDJWT:
    """An SD-JWT taken apart, nothing of it verified.

    Attributes:
        token: The sender's signed token.
        disclosures: The disclosures, as they came.
        key_binding: The holder's token at the end, or None.
    """

    token: str = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    key_binding: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSDJWT:
    """A token whose signature holds, with its disclosures put back.

    Attributes:
        jws: The verified token; its `payload` holds digests.
        claims: The payload with every disclosed value in its place, the rest left out.
        disclosures: The disclosures, decoded.
    """

    jws: VerifiedJWS
    claims: dict[str, JSONValue] = field(repr=False)
    disclosures: tuple[Disclosure, ...] = field(repr=False)

    @property
    def kid(self) -> Thumbprint:
        """Thumbprint of the key that signed."""
        return self.jws.kid


def disclosure_digest(text: str) -> str:
    """Hash a disclosure as it travels: SHA-256 over its ASCII, base64url. RFC 9901, section 4.2.3.

    Raises:
        DocumentError: The text is not ASCII, and so no disclosure.
    """
    if not text.isascii():
        raise _refused("sender.disclosure.form", "a disclosure is ASCII")
    return b64url(hashlib.sha256(text.encode("ascii")).digest())


def encode_disclosure(*, salt: bytes, value: JSONValue) -> str:
    """Write the disclosure of an array element.

    Args:
        salt: 16 random bytes, drawn for this value only.
        value: What will be disclosed; no object in it has a member `_sd` or `...`.

    Raises:
        DocumentError: A reserved member stands in the value.
        ValueError: The salt has another length: our own mistake.

    Source: RFC 9901, section 4.2.2.
    """
    return _encode(_salt_text(salt), value)


def conceal(value: JSONValue, *, randomness: Randomness) -> Disclosure:
    """Draw a salt and make the disclosure of one value.

    Raises:
        DocumentError: A reserved member stands in the value.
    """
    salt = _salt_text(randomness.bytes(SALT_BYTES))
    text = _encode(salt, value)
    return Disclosure(text=text, digest=disclosure_digest(text), salt=salt, value=value)


def parse_disclosure(text: str, *, foreign: bool = False) -> Disclosure:
    """Read a disclosure.

    Args:
        text: As it travels.
        foreign: Read what RFC 9901 allows at large: names, any salt, floating point numbers. Otherwise exactly
            `[salt of 16 bytes, value]`, as in our own messages.

    Raises:
        DocumentError: It is not such a disclosure.

    Source: RFC 9901, sections 4.2.1, 4.2.2 and 7.1 (step 3.c.ii).
    """
    parts = parse_json(b64url_decode(text), floats=foreign)
    sizes = (2, 3) if foreign else (2,)
    if not isinstance(parts, list) or len(parts) not in sizes or not isinstance(parts[0], str):
        raise _refused("sender.disclosure.form", "a disclosure is an array of a salt and a value")
    salt, value = parts[0], parts[-1]
    name: str | None = None
    if len(parts) == 3:
        if isinstance(parts[1], str) and parts[1] not in _RESERVED:
            name = parts[1]
        else:
            raise _refused("sender.disclosure.reserved", "a name that is reserved, or no name")
    if not foreign:
        if len(b64url_decode(salt)) != SALT_BYTES:
            raise _refused("sender.disclosure.salt", f"a salt has {SALT_BYTES} bytes")
        _refuse_reserved(value)
    return Disclosure(text=text, digest=disclosure_digest(text), salt=salt, value=value, name=name)


def present(token: str, disclosures: Iterable[str]) -> str:
    """Join a signed token and disclosures into an SD-JWT. RFC 9901, section 4."""
    return "~".join((token, *disclosures, ""))


def parse_sd_jwt(text: str) -> SDJWT:
    """Take an SD-JWT apart.

    Raises:
        DocumentError: There is no `~` in it, a part is empty, or there are too many.

    Source: RFC 9901, section 4.
    """
    parts = text.split("~")
    if len(parts) < 2 or len(parts) > DISCLOSURES_MAX + 2 or not all(parts[:-1]):
        raise _refused("sender.sd-jwt.form", "not a token and disclosures with `~` after each")
    return SDJWT(token=parts[0], disclosures=tuple(parts[1:-1]), key_binding=parts[-1] or None)


def apply_disclosures(payload: JSONValue, disclosures: Sequence[Disclosure]) -> dict[str, JSONValue]:
    """Put disclosed values in their places and leave out what is not disclosed.

    Nothing is checked about the signature of the payload.

    Args:
        payload: Claims, as signed.
        disclosures: Each must have its place, and no place counts twice.

    Returns:
        The claims without `_sd`, `...` and `_sd_alg`.

    Raises:
        DocumentError: Another hash algorithm, a digest twice, a disclosure without a place or of the wrong kind for
            it, or a name that is there already.

    Source: RFC 9901, section 7.1, step 3.
    """
    if not isinstance(payload, dict):
        raise _refused("sender.sd-jwt.form", "the claims are not an object")
    if payload.get("_sd_alg", HASH_ALGORITHM) != HASH_ALGORITHM:
        raise _refused("sender.sd-jwt.algorithm", "digests are SHA-256 here", "/_sd_alg")
    by_digest = {disclosure.digest: disclosure for disclosure in disclosures}
    if len(by_digest) != len(disclosures):
        raise _refused("sender.disclosure.twice", "a disclosure came twice")
    processing = _Processing(by_digest=by_digest)
    claims = processing.object(payload, depth=1)
    if by_digest.keys() - processing.seen:
        raise _refused("sender.disclosure.unreferenced", "a disclosure has no place in the signed claims")
    claims.pop("_sd_alg", None)
    return claims


def verify_sd_jwt(text: str, *, key: VerificationKey, typ: TokenType, foreign: bool = False) -> VerifiedSDJWT:
    """Verify a token and put its disclosures back.

    Args:
        text: Token and disclosures, joined by `~`.
        key: The only key that counts.
        typ: The exact type.
        foreign: Process all that RFC 9901 allows, as in others' tests. Otherwise the payload must be canonical,
            nothing but array elements may be concealed, and there is no key binding.

    Raises:
        DocumentError: Form, payload or disclosures do not fit.
        SignatureError: Another type, algorithm or key, or the signature does not hold.

    Source: RFC 9901, section 7.1.
    """
    parts = parse_sd_jwt(text)
    if parts.key_binding is not None and not foreign:
        raise _refused("sender.sd-jwt.key-binding", "no key-binding token in this exchange")
    # 1. The signature first: nothing is computed for somebody who signed nothing.
    jws = verify_jws(parts.token, typ=typ, key=key)
    # 2. The claims.
    payload = parse_json(jws.payload, floats=True) if foreign else parse_canonical(jws.payload)
    if not foreign and _has_member(payload, {"_sd"}):
        raise _refused("sender.sd-jwt.member", "only array elements are concealed in this exchange")
    # 3. The disclosures.
    disclosures = tuple(parse_disclosure(item, foreign=foreign) for item in parts.disclosures)
    return VerifiedSDJWT(jws=jws, claims=apply_disclosures(payload, disclosures), disclosures=disclosures)


@dataclass(slots=True, kw_only=True)
class _Processing:
    """One run of RFC 9901, section 7.1, step 3: every digest counts once, wherever it stands."""

    by_digest: dict[str, Disclosure]
    seen: set[str] = field(default_factory=set)

    def value(self, node: JSONValue, *, depth: int) -> JSONValue:
        if depth > DEPTH_MAX:
            raise _refused("sender.json.depth", f"nested deeper than {DEPTH_MAX}")
        if isinstance(node, dict):
            return self.object(node, depth=depth)
        if isinstance(node, list):
            return self.array(node, depth=depth)
        return node

    def object(self, node: dict[str, JSONValue], *, depth: int) -> dict[str, JSONValue]:
        if "..." in node:
            raise _refused("sender.sd-jwt.form", "`...` stands where no array element can be concealed")
        made = {name: self.value(member, depth=depth + 1) for name, member in node.items() if name != "_sd"}
        digests = node.get("_sd", [])
        if not isinstance(digests, list):
            raise _refused("sender.sd-jwt.form", "`_sd` is an array of digests")
        for digest in digests:
            disclosure = self.take(digest)
            if disclosure is None:
                continue
            if disclosure.name is None or disclosure.name in made:
                raise _refused("sender.disclosure.place", "not an object member, or one that is there already")
            made[disclosure.name] = self.value(disclosure.value, depth=depth + 1)
        return made

    def array(self, node: list[JSONValue], *, depth: int) -> list[JSONValue]:
        made: list[JSONValue] = []
        for item in node:
            if not isinstance(item, dict) or item.keys() != {"..."}:
                made.append(self.value(item, depth=depth + 1))
                continue
            disclosure = self.take(item["..."])
            if disclosure is None:
                continue
            if disclosure.name is not None:
                raise _refused("sender.disclosure.place", "an object member stands where an array element belongs")
            made.append(self.value(disclosure.value, depth=depth + 1))
        return made

    def take(self, digest: JSONValue) -> Disclosure | None:
        if not isinstance(digest, str):
            raise _refused("sender.sd-jwt.form", "a digest is a string")
        if digest in self.seen:
            raise _refused("sender.sd-jwt.digest-twice", "a digest stands twice")
        self.seen.add(digest)
        return self.by_digest.get(digest)


def _salt_text(salt: bytes) -> str:
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return b64url(salt)


def _encode(salt: str, value: JSONValue) -> str:
    _refuse_reserved(value)
    return b64url(canonical_json([salt, value]))


def _has_member(value: JSONValue, names: Iterable[str]) -> bool:
    """Whether an object anywhere in the value has a member of one of these names."""
    if isinstance(value, dict):
        return not value.keys().isdisjoint(names) or any(_has_member(member, names) for member in value.values())
    return isinstance(value, list) and any(_has_member(item, names) for item in value)


def _refuse_reserved(value: JSONValue) -> None:
    if _has_member(value, _RESERVED):
        raise _refused("sender.disclosure.reserved", "a value with a member `_sd` or `...`")


def _refused(code: str, text: str, pointer: str = "") -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])
