"""`POST /oauth/token`: a participant shows by a signed assertion who it is, and gets a token bound to its DPoP key.

Errors here have two faces in one body: the members that OAuth clients look for (`error`, `error_description`), and
those of every problem of this hub (`code`, `detail`, `retryable` …).

Sources: RFC 6749, sections 4.4 and 5.2; RFC 7523, sections 2.2 and 3; RFC 9449, section 5.
"""

from typing import Final

import orjson
from aiohttp import web

from hub.web.bodies import parse_form
from hub.web.context import Call, HubWeb, json_response
from hub.web.dpop import REMEMBERED_SECONDS, DPoPProof, replayed, verify_dpop_proof
from hub.web.problems import TooManyRequestsError, problem_of
from hub.web.tokens import issue_token, parse_token_request, rate_key
from schemas.codes import TokenType
from schemas.errors import AuthenticationError, DocumentError, ExchangeError, RejectedMessageError, SignatureError
from schemas.identifiers import Thumbprint
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.participants import Participant
from schemas.requests import ClientAuthentication, parse_client_authentication

ASSERTION_SECONDS_MAX: Final = 60
AHEAD_SECONDS_MAX: Final = 10


async def token(call: Call, hub: HubWeb) -> web.Response:
    """Give a token.

    1. form: grant, kind of assertion
    2. assertion: the participant's own signature, for this issuer, of this minute
    3. proof: the DPoP key the token is bound to
    4. limits and replay, the first things that are stored
    """
    at = call.arrival.at
    # 1. form
    assertion = parse_token_request(parse_form(call.body))
    # 2. assertion
    participant, kid, claims = await _client(assertion, call, hub)
    # 3. proof
    proof = verify_dpop_proof(
        call.request.headers.get("DPoP"),
        method="POST",
        url=hub.settings.api + call.request.path,
        access_token=None,
        at=at,
    )
    # 4. limits and replay
    await _check_replay(participant, claims, proof, hub)
    seconds = hub.settings.web.access_token_seconds
    token_text = issue_token(
        hub.token_key, participant=participant.oin, kid=kid, jkt=proof.jkt, until=int(at.timestamp()) + seconds
    )
    return json_response({"access_token": token_text, "token_type": "DPoP", "expires_in": seconds})


async def _client(assertion: str, call: Call, hub: HubWeb) -> tuple[Participant, Thumbprint, ClientAuthentication]:
    """Find out who signed the assertion, and that it is for this hub and this minute.

    An unknown key is looked for once more after a refresh: the participant may have joined at another process a
    moment ago. All who wait share one refresh.
    """
    try:
        parsed = parse_jws(assertion, typ=TokenType.CLIENT_AUTHENTICATION)
        claims = parse_client_authentication(parsed.payload)
    except (DocumentError, SignatureError) as error:
        raise AuthenticationError(
            f"not a client assertion: {error.public_message}", code="sender.assertion.invalid"
        ) from error
    participant = hub.services.worlds.current().directory.participant(claims.participant)
    if participant is None or participant.signing_key(parsed.kid) is None:
        participant = (await hub.newest_world()).directory.participant(claims.participant)
    if participant is None or not participant.in_force(call.arrival.at):
        raise AuthenticationError("not a participant in force", code="sender.participant.unknown")
    key = participant.signing_key(parsed.kid)
    if key is None:
        raise AuthenticationError("not signed with the participant's key in force", code="sender.key.unknown")
    try:
        verify_parsed_jws(parsed, key=key)
    except SignatureError as error:
        raise AuthenticationError(error.public_message, code="sender.assertion.signature") from error
    if claims.audience != hub.settings.hub.issuer:
        raise AuthenticationError(
            "the audience of a client assertion is the issuer's URL", code="sender.assertion.audience"
        )
    now = call.arrival.seconds
    if not (
        claims.issued_at <= now + AHEAD_SECONDS_MAX
        and now < claims.expires_at <= claims.issued_at + ASSERTION_SECONDS_MAX
    ):
        raise AuthenticationError(
            f"a client assertion is of this moment and lives at most {ASSERTION_SECONDS_MAX} seconds; check the clock",
            code="sender.assertion.time",
        )
    return participant, parsed.kid, claims


async def _check_replay(participant: Participant, claims: ClientAuthentication, proof: DPoPProof, hub: HubWeb) -> None:
    limit = hub.settings.web.tokens_per_minute
    key = rate_key(purpose="token", participant=participant.oin)
    if limit and not await hub.rate_limits.permit(key, per_minute=limit):
        raise TooManyRequestsError("this participant asks for tokens too often", code="sender.request.too-many")
    if not await hub.replay_guard.first_use(proof.replay_key, seconds=REMEMBERED_SECONDS):
        raise replayed()
    unused = await hub.services.store.use_once(
        issuer=participant.oin.urn, identifier=claims.id.value, until=claims.expires_at + ASSERTION_SECONDS_MAX
    )
    if not unused:
        raise AuthenticationError("this client assertion was used before", code="sender.assertion.replayed")


def token_problem(error: ExchangeError, *, trace_id: str) -> web.Response:
    """Say an error as OAuth clients and all others look for it."""
    status, members, headers = problem_of(error, trace_id=trace_id)
    if isinstance(error, AuthenticationError):
        name = "invalid_dpop_proof" if error.code.startswith("sender.dpop.") else "invalid_client"
    elif error.code == "sender.oauth.grant-type":
        name = "unsupported_grant_type"
    elif error.retryable:
        name = "temporarily_unavailable"
    else:
        name = "invalid_request" if isinstance(error, RejectedMessageError) else "server_error"
    body = {"error": name, "error_description": error.public_message.replace('"', "'"), **members}
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)
