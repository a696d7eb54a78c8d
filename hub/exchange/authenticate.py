"""Find out who signed a request: releases and receipts authenticate themselves.

Source: the architecture, sections 4 and 7.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from audit.records import token_digest
from hub.exchange.services import World
from hub.exchange.stages import Arrival
from schemas.codes import TokenType
from schemas.errors import AuthenticationError, Issue, RejectedMessageError
from schemas.identifiers import OIN, HubName, Thumbprint
from schemas.jwk import VerificationKey
from schemas.jws import UnverifiedJWS, parse_jws, verify_parsed_jws
from schemas.participants import Participant

REQUEST_SECONDS_MAX: Final = 300
"""How old a signed request may be that asks for something."""

FUTURE_SECONDS_MAX: Final = 120
"""How far ahead of the hub's clock anything signed may be dated."""

_CANARY: Final = (
    "a canary proves that its messages are refused, and does nothing else",
    "een kanarie laat zien dat haar berichten geweigerd worden, en doet verder niets",
)


class Claims(Protocol):
    """What every signed request says about itself."""

    @property
    def issuer(self) -> OIN:
        """Who asks."""

    @property
    def issued_at(self) -> int:
        """When, as NumericDate."""

    @property
    def hub(self) -> HubName:
        """The hub that is asked."""


ClaimsT = TypeVar("ClaimsT", bound=Claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[ClaimsT]):
    """A request of which we know who signed it, and that it is meant for this hub and this moment.

    Attributes:
        claims: What it says.
        participant: Who signed it, as the directory has it.
        kid: Name of the key that signed it.
        digest: SHA-256 of the token's ASCII, as log entries name it.
        token: The token as it came.
    """

    claims: ClaimsT
    participant: Participant
    kid: Thumbprint
    digest: str
    token: str


def find_in_force(oin: OIN, *, world: World, at: datetime) -> Participant:
    """Find a participant in force by its name.

    Raises:
        AuthenticationError: It is unknown or suspended.
    """
    participant = world.directory.participant(oin)
    if participant is None or not participant.in_force(at):
        raise AuthenticationError(
            "who says to have signed is no participant in force", code="sender.participant.unknown"
        )
    return participant


def check_no_canary(participant: Participant) -> None:
    """Refuse whatever a canary asks for besides having its messages refused: it could learn or state something.

    Raises:
        RejectedMessageError: It is one.
    """
    if participant.canary:
        text, text_nl = _CANARY
        issue = Issue(pointer="/iss", code="sender.canary", text=text, text_nl=text_nl)
        raise RejectedMessageError(text, code="sender.canary", issues=[issue])


def find_signer(kid: Thumbprint, *, oin: OIN, world: World, at: datetime) -> tuple[Participant, VerificationKey]:
    """Find a participant in force by its name and by that of its newest key.

    Raises:
        AuthenticationError: It is unknown or suspended, or the key is not its key in force.
    """
    participant = find_in_force(oin, world=world, at=at)
    key = participant.signing_key(kid)
    if key is None:
        raise AuthenticationError("not signed with the participant's key in force", code="sender.key.unknown")
    return participant, key


def verify_signer(parsed: UnverifiedJWS, *, oin: OIN, world: World, at: datetime) -> Participant:
    """Find out whether a participant in force signed a token, with its newest key.

    Raises:
        AuthenticationError: It is unknown or suspended, or the key is not its key in force.
        SignatureError: The signature does not fit.
    """
    participant, key = find_signer(parsed.kid, oin=oin, world=world, at=at)
    verify_parsed_jws(parsed, key=key)
    return participant


def verify_former_signer(parsed: UnverifiedJWS, *, oin: OIN, world: World) -> None:
    """Check that a participant signed a token with a key that it states, or once stated.

    Nothing new may rest on this: it only says to whom an old answer may be given again.

    Raises:
        AuthenticationError: It never stated such a key.
        SignatureError: The signature does not fit.
    """
    for state in world.directory.history(oin):
        key = state.signing_key(parsed.kid)
        if key is not None:
            verify_parsed_jws(parsed, key=key)
            return
    raise AuthenticationError("not signed with a key of this participant", code="sender.key.unknown")


def authenticate(
    token: str,
    *,
    typ: TokenType,
    parse: Callable[[bytes], ClaimsT],
    arrival: Arrival,
    hub: HubName,
    world: World,
    age_seconds_max: int | None = REQUEST_SECONDS_MAX,
) -> Request[ClaimsT]:
    """Verify a signed request.

    Args:
        token: Compact JWS.
        typ: The one type that counts here.
        parse: Reads the claims of that type.
        arrival: When it came.
        hub: This hub.
        world: The participants.
        age_seconds_max: How old it may be; None for what is evidence and is sent again until it arrives.

    Raises:
        AuthenticationError: Nobody in force signed this.
        SignatureError: The signature does not fit.
        DocumentError: The claims are not of the form of this request.
        RejectedMessageError: It is for another hub, or not of this moment.
    """
    parsed = parse_jws(token, typ=typ)
    claims = parse(parsed.payload)
    participant = verify_signer(parsed, oin=claims.issuer, world=world, at=arrival.at)
    if claims.hub != hub:
        raise RejectedMessageError("the request names another hub", code="sender.hub.other")
    too_old = age_seconds_max is not None and claims.issued_at < arrival.seconds - age_seconds_max
    if too_old or claims.issued_at > arrival.seconds + FUTURE_SECONDS_MAX:
        text = "the request is not of this moment; check the clock and sign it anew"
        raise RejectedMessageError(text, code="sender.request.time")
    return Request(claims=claims, participant=participant, kid=parsed.kid, digest=token_digest(token), token=token)


def renew(request: Request[ClaimsT], *, world: World, at: datetime) -> Request[ClaimsT]:
    """Find who signed a request in a newer world: what is decided by a world is about the parties of that world.

    Raises:
        AuthenticationError: Who signed is suspended by now, or has another key.
    """
    participant, _ = find_signer(request.kid, oin=request.participant.oin, world=world, at=at)
    return replace(request, participant=participant)
