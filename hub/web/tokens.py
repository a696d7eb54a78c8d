"""Access tokens: how a participant gets one, and what one proves.

A participant signs a client assertion (`private_key_jwt`) and gets a token that is good for some minutes and only
with the DPoP key that it showed. The token is read by this hub alone, so it is authenticated with a key that all its
processes share, not signed: no public key could ever take it for one of the signed types, and nothing is stored.

    token = issue_token(key, participant=…, kid=…, jkt=…, until=…)     # kh1.<claims>.<HMAC-SHA256>
    claims = verify_token(key, token, at=…)

What a token cannot know is asked at each use: whether the participant is still admitted, and whether the signing key
that asked for the token is still its newest. So a revoked key ends its tokens at once.

Sources: RFC 6749, section 4.4; RFC 7521, RFC 7523 (client authentication); RFC 9449 (DPoP); RFC 2104 (HMAC).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.canonical import b64url, b64url_decode, canonical_json, parse_canonical
from schemas.errors import AuthenticationError, DocumentError
from schemas.identifiers import OIN, Thumbprint

TOKEN_PREFIX: Final = "kh1"  # noqa: S105 - a form, no secret
TOKEN_CHARACTERS_MAX: Final = 1024
TOKEN_KEY_BYTES: Final = 32
GRANT_TYPE: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_DOMAIN: Final = b"ketenhub/access-token/1\0"
_CLAIMS: Final = frozenset({"sub", "kid", "jkt", "exp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """The key that authenticates this hub's tokens, for one issuer. Its `repr` shows nothing."""

    secret: bytes
    issuer: str

    def __post_init__(self) -> None:
        if len(self.secret) != TOKEN_KEY_BYTES:
            raise DocumentError(f"a token key has {TOKEN_KEY_BYTES} bytes", code="hub.key.invalid")

    def __repr__(self) -> str:
        return "TokenKey(…)"

    def mac(self, text: str) -> bytes:
        """Authenticate a text for this issuer."""
        return hmac.digest(self.secret, _DOMAIN + self.issuer.encode() + b"\0" + text.encode(), "sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token says, once it is authenticated and not past its time.

    Attributes:
        participant: Who asked for it.
        kid: Signing key that asked for it.
        jkt: DPoP key that it is bound to.
        until: NumericDate up to which it is good.
    """

    participant: OIN
    kid: Thumbprint
    jkt: Thumbprint
    until: int


def issue_token(key: TokenKey, *, participant: OIN, kid: Thumbprint, jkt: Thumbprint, until: int) -> str:
    """Make a token; `until` is NumericDate."""
    claims = canonical_json({"sub": participant.value, "kid": kid.value, "jkt": jkt.value, "exp": until})
    text = f"{TOKEN_PREFIX}.{b64url(claims)}"
    return f"{text}.{b64url(key.mac(text))}"


def verify_token(key: TokenKey, token: str, *, at: datetime) -> AccessToken:
    """Check that this hub made the token and that its time is not past.

    Nothing is checked about the participant, its key, or the DPoP proof.

    Raises:
        AuthenticationError: `sender.token.invalid` or `sender.token.expired`.
    """
    text, _, mac = token.rpartition(".")
    prefix, _, claims = text.partition(".")
    if len(token) > TOKEN_CHARACTERS_MAX or prefix != TOKEN_PREFIX or not token.isascii():
        raise _invalid()
    if not hmac.compare_digest(mac, b64url(key.mac(text))):
        raise _invalid()
    members = parse_canonical(b64url_decode(claims))
    # Whoever holds the key wrote this; the check is against a key that was put to another use.
    if not isinstance(members, dict) or members.keys() != _CLAIMS:
        raise _invalid()
    sub, kid, jkt, until = members["sub"], members["kid"], members["jkt"], members["exp"]
    if not isinstance(sub, str) or not isinstance(kid, str) or not isinstance(jkt, str) or not isinstance(until, int):
        raise _invalid()
    if at.timestamp() >= until:
        raise AuthenticationError("the access token is past its time: ask for another", code="sender.token.expired")
    return AccessToken(participant=OIN(sub), kid=Thumbprint(kid), jkt=Thumbprint(jkt), until=until)


def rate_key(*, purpose: str, participant: OIN) -> str:
    """Name a participant's counter; the digest keeps even the organisation's number out of Redis."""
    return f"{purpose}:{hashlib.sha256(participant.value.encode()).hexdigest()[:24]}"


def parse_token_request(form: Mapping[str, tuple[str, ...]]) -> str:
    """Return the client assertion of a token request.

    Args:
        form: Parameters of the body, each with every value that it has. Those that this hub does not know are
            ignored, as RFC 6749, section 3.2 asks.

    Raises:
        DocumentError: `sender.oauth.…`: a parameter is missing, stands there twice, or asks for something else.
    """
    for name in ("grant_type", "client_assertion_type", "client_assertion"):
        if len(form.get(name, ())) != 1:
            raise _request("sender.oauth.request", f"exactly one `{name}` is needed")
    if form["grant_type"] != (GRANT_TYPE,):
        raise _request("sender.oauth.grant-type", f"only the grant type `{GRANT_TYPE}` is known")
    if form["client_assertion_type"] != (ASSERTION_TYPE,):
        raise _request("sender.oauth.request", f"only the client assertion type `{ASSERTION_TYPE}` is known")
    return form["client_assertion"][0]


def _invalid() -> AuthenticationError:
    return AuthenticationError("not an access token of this hub", code="sender.token.invalid")


def _request(code: str, text: str) -> DocumentError:
    return DocumentError(text, code=code)
