"""DPoP proofs: the one who uses a token also holds the key that the token is bound to.

A proof counts for one method, one URL and about a minute. The replay guard remembers it for that time and is a help
only: without it a proof can be used again for a minute by somebody who also broke TLS, on calls that only read.

Source: RFC 9449, sections 4.2, 4.3 and 7.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.canonical import b64url, parse_json
from schemas.codes import TokenType
from schemas.errors import AuthenticationError, DocumentError, ExchangeError, SignatureError
from schemas.identifiers import Thumbprint
from schemas.jws import parse_jws, verify_parsed_jws

SECONDS_BACK_MAX: Final = 60
SECONDS_AHEAD_MAX: Final = 10
REMEMBERED_SECONDS: Final = SECONDS_BACK_MAX + SECONDS_AHEAD_MAX
PROOF_CHARACTERS_MAX: Final = 4096
JTI_CHARACTERS_MAX: Final = 128

_REQUIRED: Final = frozenset({"jti", "htm", "htu", "iat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DPoPProof:
    """A proof whose signature, method, URL, time and token hold.

    Attributes:
        jkt: Thumbprint of the key that made it.
        replay_key: Digest over key and `jti`, for the replay guard.
    """

    jkt: Thumbprint
    replay_key: str


def verify_dpop_proof(proof: str | None, *, method: str, url: str, access_token: str | None, at: datetime) -> DPoPProof:
    """Check a proof for one request.

    Whether it was used before is for the caller to ask the replay guard; whether `jkt` is the token's key, too.

    Args:
        proof: Value of the one `DPoP` header, or None.
        method: The request's method.
        url: The request's URL as the client knows it, without query and fragment.
        access_token: The token that it goes with; None at the token endpoint.
        at: The moment of the request.

    Raises:
        AuthenticationError: `sender.dpop.…`; which of the checks failed.

    Source: RFC 9449, section 4.3, whose numbers stand at the checks. 1 (one header) is the caller's.
    """
    if not proof or len(proof) > PROOF_CHARACTERS_MAX:
        raise _refused("missing", "a DPoP proof is needed: one header, at most 4,096 characters")
    try:
        # 2–7: well-formed, all header members, typ, algorithm of the allow-list, public key only, signature.
        parsed = parse_jws(proof, typ=TokenType.DPOP)
        assert parsed.jwk is not None, "parse_jws makes no DPoP proof without its key"
        verify_parsed_jws(parsed, key=parsed.jwk)
        claims = parse_json(parsed.payload)
    except (DocumentError, SignatureError) as error:
        raise _refused("invalid", f"the DPoP proof is not good: {error.public_message}") from error
    expected = _REQUIRED if access_token is None else _REQUIRED | {"ath"}
    if not isinstance(claims, dict) or not expected <= claims.keys():
        raise _refused("invalid", f"a DPoP proof must have {', '.join(sorted(expected))}")
    # 8, 9: this method, this URL.
    if claims["htm"] != method:
        raise _refused("htm", "the DPoP proof is for another method")
    if not isinstance(claims["htu"], str) or _without_query(claims["htu"]) != url:
        raise _refused("htu", "the DPoP proof is for another URL")
    # 11: made a moment ago. (10 is about nonces, which this hub does not give.)
    made_at = claims["iat"]
    now = at.timestamp()
    if type(made_at) is not int or not now - SECONDS_BACK_MAX <= made_at <= now + SECONDS_AHEAD_MAX:
        raise _refused("iat", "the DPoP proof is too old, or the clock that made it is ahead")
    # 12: for this token.
    if access_token is not None and claims["ath"] != b64url(hashlib.sha256(access_token.encode()).digest()):
        raise _refused("ath", "the DPoP proof is for another access token")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_CHARACTERS_MAX:
        raise _refused("jti", f"the `jti` of a DPoP proof is a text of 1 to {JTI_CHARACTERS_MAX} characters")
    digest = hashlib.sha256(f"{parsed.kid.value}\0{jti}".encode()).digest()
    return DPoPProof(jkt=parsed.kid, replay_key=b64url(digest[:16]))


def replayed() -> ExchangeError:
    """Make the error for a proof that the replay guard has seen."""
    return _refused("replayed", "the DPoP proof was used before")


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _refused(name: str, text: str) -> AuthenticationError:
    return AuthenticationError(text, code=f"sender.dpop.{name}")
