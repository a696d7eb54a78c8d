"""Access tokens and DPoP proofs: what holds, and every way in which one does not."""

import hashlib
from datetime import timedelta

import pytest

from hub.web.dpop import verify_dpop_proof
from hub.web.tokens import TokenKey, issue_token, parse_token_request, verify_token
from schemas.canonical import b64url, canonical_json
from schemas.clock import FrozenClock
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, DocumentError
from schemas.identifiers import OIN
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import UnsafeSeededRandomness

AT = FrozenClock().now()
NOW = int(AT.timestamp())
URL = "https://hub.ketenhub.test/v1/inbox"
KEY = TokenKey(secret=bytes(range(32)), issuer="https://hub.ketenhub.test")
RANDOMNESS = UnsafeSeededRandomness("tokens")
CLIENT = SigningKey.generate(randomness=RANDOMNESS)
DPOP = SigningKey.generate(SignatureAlgorithm.ES256, randomness=RANDOMNESS)
PARTICIPANT = OIN("00000099000000001000")


def token_of(until: int = NOW + 600) -> str:
    return issue_token(
        KEY, participant=PARTICIPANT, kid=CLIENT.public.thumbprint, jkt=DPOP.public.thumbprint, until=until
    )


def proof_of(key: SigningKey = DPOP, **changes: JSONValue) -> str:
    claims: dict[str, JSONValue] = {
        "jti": "a1",
        "htm": "GET",
        "htu": URL,
        "iat": NOW,
        "ath": b64url(hashlib.sha256(token_of().encode()).digest()),
    }
    claims.update(changes)
    return sign_jws(
        canonical_json({name: value for name, value in claims.items() if value is not None}),
        typ=TokenType.DPOP,
        key=key,
    )


def test_a_token_says_who_asked_and_to_which_key_it_is_bound() -> None:
    token = verify_token(KEY, token_of(), at=AT)
    assert (token.participant, token.kid, token.jkt) == (
        PARTICIPANT,
        CLIENT.public.thumbprint,
        DPOP.public.thumbprint,
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "kh1",
        "kh1..",
        token_of()[:-1],
        token_of().replace("kh1.", "kh2.", 1),
        token_of() + "A",
        "kh1." + "A" * 5000,
        "kh1.é.é",
        issue_token(
            TokenKey(secret=bytes(32), issuer=KEY.issuer),
            participant=PARTICIPANT,
            kid=CLIENT.public.thumbprint,
            jkt=DPOP.public.thumbprint,
            until=NOW + 600,
        ),
        issue_token(
            TokenKey(secret=KEY.secret, issuer="https://other.test"),
            participant=PARTICIPANT,
            kid=CLIENT.public.thumbprint,
            jkt=DPOP.public.thumbprint,
            until=NOW + 600,
        ),
    ],
)
def test_what_this_hub_did_not_make_is_no_token(token: str) -> None:
    with pytest.raises(AuthenticationError) as raised:
        verify_token(KEY, token, at=AT)
    assert raised.value.code == "sender.token.invalid"


def test_a_token_ends_to_the_second() -> None:
    verify_token(KEY, token_of(until=NOW + 1), at=AT)
    with pytest.raises(AuthenticationError) as raised:
        verify_token(KEY, token_of(until=NOW), at=AT)
    assert raised.value.code == "sender.token.expired"


def test_a_token_key_shows_nothing_of_itself() -> None:
    assert repr(KEY) == "TokenKey(…)"


def test_a_good_proof_names_its_key() -> None:
    proof = verify_dpop_proof(proof_of(), method="GET", url=URL, access_token=token_of(), at=AT)
    assert proof.jkt == DPOP.public.thumbprint


@pytest.mark.parametrize("seconds", [-60, 10])
def test_a_proof_may_be_a_minute_old_or_a_little_ahead(seconds: int) -> None:
    verify_dpop_proof(proof_of(iat=NOW + seconds), method="GET", url=URL, access_token=token_of(), at=AT)


def test_the_url_of_a_proof_counts_without_its_query() -> None:
    verify_dpop_proof(proof_of(htu=URL + "?after=3#x"), method="GET", url=URL, access_token=token_of(), at=AT)


@pytest.mark.parametrize(
    ("code", "proof"),
    [
        ("missing", None),
        ("missing", "x" * 5000),
        ("invalid", "a.b.c"),
        ("invalid", proof_of()[:-4] + "AAAA"),
        ("invalid", proof_of(jti=None)),
        ("invalid", proof_of(ath=None)),
        ("invalid", sign_jws(b"{}", typ=TokenType.RELEASE, key=CLIENT)),
        ("htm", proof_of(htm="POST")),
        ("htu", proof_of(htu="https://other.test/v1/inbox")),
        ("htu", proof_of(htu=7)),
        ("iat", proof_of(iat=NOW - 61)),
        ("iat", proof_of(iat=NOW + 11)),
        ("iat", proof_of(iat="now")),
        ("iat", proof_of(iat=True)),
        ("ath", proof_of(ath="A" * 43)),
        ("jti", proof_of(jti="")),
        ("jti", proof_of(jti="x" * 129)),
    ],
)
def test_a_proof_that_fails_one_check_names_it(code: str, proof: str | None) -> None:
    with pytest.raises(AuthenticationError) as raised:
        verify_dpop_proof(proof, method="GET", url=URL, access_token=token_of(), at=AT)
    assert raised.value.code == f"sender.dpop.{code}"


def test_two_proofs_with_one_jti_by_one_key_are_the_same_to_the_replay_guard() -> None:
    later = AT + timedelta(seconds=5)
    one = verify_dpop_proof(proof_of(), method="GET", url=URL, access_token=token_of(), at=AT)
    two = verify_dpop_proof(proof_of(iat=NOW + 5), method="GET", url=URL, access_token=token_of(), at=later)
    other = verify_dpop_proof(proof_of(key=CLIENT), method="GET", url=URL, access_token=token_of(), at=AT)
    assert one.replay_key == two.replay_key != other.replay_key


FORM: dict[str, tuple[str, ...]] = {
    "grant_type": ("client_credentials",),
    "client_assertion_type": ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer",),
    "client_assertion": ("a.b.c",),
}


def test_parameters_that_are_not_known_are_ignored() -> None:
    assert parse_token_request({**FORM, "resource": ("x",)}) == "a.b.c"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grant_type": ()}, "sender.oauth.request"),
        ({"grant_type": ("password",)}, "sender.oauth.grant-type"),
        ({"client_assertion": ("a.b.c", "a.b.c")}, "sender.oauth.request"),
        ({"client_assertion_type": ("other",)}, "sender.oauth.request"),
    ],
)
def test_a_token_request_of_another_form_is_refused(change: dict[str, tuple[str, ...]], code: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse_token_request({**FORM, **change})
    assert raised.value.code == code
