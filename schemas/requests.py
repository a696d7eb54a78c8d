"""What participants sign to ask the hub for something: a release, a receipt, a recall, an access token.

    token = sign_jws(release_to_payload(claims), typ=TokenType.RELEASE, key=signing_key)
    parse_release(verify_jws(token, typ=TokenType.RELEASE, key=…).payload)

Here is the form only. Whose key signed, whether the time is now and whether it came before is the hub's to check.

Sources: the architecture, section 7; RFC 7523, section 3 (client authentication).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from schemas.canonical import canonical_json
from schemas.claims import DIGEST, ClaimsReader
from schemas.document import JSONValue
from schemas.identifiers import OIN, HubName, MessageId

RELEASE_IDS_MAX: Final = 100
RECEIPT_REASONS_MAX: Final = 200
CLIENT_AUTHENTICATION_SECONDS_MAX: Final = 60

_LABEL: Final = re.compile(r"(?:[a-z][A-Za-z0-9-]{0,63}/[a-z0-9-]{1,32}/[a-z][A-Za-z0-9-]{0,63})?")
_REASON_CODE: Final = re.compile(r"(?:sender|recipient|hub)(?:\.[a-z0-9-]{1,40}){1,4}")
_URL: Final = re.compile(r"https?://[!-~]{1,500}")


class Outcome(StrEnum):
    """What a recipient says of a message that it was handed."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class RecallReason(StrEnum):
    """Why a sender takes back a message that was not picked up yet."""

    WRONG_RECIPIENT = "verkeerde-ontvanger"
    WRONG = "onjuist"
    TWICE = "dubbel"
    WITHDRAWN = "ingetrokken"


class Stated(Protocol):
    """What every document for a hub states: who signs it, which one it is, when, and for which hub."""

    @property
    def issuer(self) -> OIN:
        """Who signs."""
        ...

    @property
    def id(self) -> MessageId:
        """Unique."""
        ...

    @property
    def issued_at(self) -> int:
        """Seconds since the epoch."""
        ...

    @property
    def hub(self) -> HubName:
        """The one hub that it is for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseClaims:
    """The claims of a `release+jwt`: hand out what waits.

    Attributes:
        issuer: Recipient that asks.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub that is asked.
        ids: Messages; 1 to 100, none twice.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    ids: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReason:
    """Why a message was refused.

    Attributes:
        label: The element it is about, as in evidence; empty if it is about the whole.
        code: Stable code; its prefix says who must act.
    """

    label: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptClaims:
    """The claims of a `receipt+jwt`: the recipient's word that a message came, and what came of it.

    Attributes:
        issuer: Recipient.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub that handed it out.
        message_id: The message's `jti`.
        message: SHA-256 of the message's JWS, base64url.
        released: `released` of the DISCLOSURE entry.
        index: Log index of the DISCLOSURE entry.
        outcome: Accepted, or refused.
        reasons: Why it was refused; empty if it was accepted.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    message_id: MessageId
    message: str
    released: str
    index: int
    outcome: Outcome
    reasons: tuple[ReceiptReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallClaims:
    """The claims of a `recall+jwt`: a message is not to be handed out any more.

    Attributes:
        issuer: The sender of the message.
        id: Unique.
        issued_at: Seconds since the epoch.
        hub: The hub where it waits.
        message_id: The message's `jti`.
        reason: Why, as a code: a recall holds no text.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    message_id: MessageId
    reason: RecallReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAuthentication:
    """The claims of a client assertion (`private_key_jwt`).

    Attributes:
        participant: Who asks for a token: `iss` and `sub`, which are the same.
        audience: The hub's issuer URL, and nothing else.
        id: Counts once.
        issued_at: Seconds since the epoch.
        expires_at: At most 60 seconds later.
    """

    participant: OIN
    audience: str
    id: MessageId
    issued_at: int
    expires_at: int


def stated(document: Stated) -> dict[str, JSONValue]:
    """Write the four members that every document for a hub begins with."""
    return {
        "iss": document.issuer.urn,
        "jti": document.id.value,
        "iat": document.issued_at,
        "hub": document.hub.value,
    }


def release_to_payload(claims: ReleaseClaims) -> bytes:
    """Write the claims of a release as the canonical bytes to sign."""
    ids: list[JSONValue] = [message_id.value for message_id in claims.ids]
    return canonical_json({**stated(claims), "ids": ids})


def parse_release(payload: bytes) -> ReleaseClaims:
    """Read the claims of a release.

    Raises:
        DocumentError: Not canonical, or a member that is missing, unknown or of the wrong form; all are listed.
    """
    reader = ClaimsReader(payload, code="recipient.release.form", members=("iss", "jti", "iat", "hub", "ids"))
    claims = ReleaseClaims(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        ids=reader.array("ids", MessageId, at_least=1, at_most=RELEASE_IDS_MAX),
    )
    reader.finish("the release does not have its form")
    return claims


def receipt_to_payload(claims: ReceiptClaims) -> bytes:
    """Write the claims of a receipt as the canonical bytes to sign."""
    reasons: list[JSONValue] = [{"label": reason.label, "code": reason.code} for reason in claims.reasons]
    return canonical_json(
        {
            **stated(claims),
            "message_id": claims.message_id.value,
            "message": claims.message,
            "released": claims.released,
            "index": claims.index,
            "outcome": claims.outcome.value,
            "reasons": reasons,
        }
    )


def parse_receipt(payload: bytes) -> ReceiptClaims:
    """Read the claims of a receipt.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, a refusal without a reason, or an
            acceptance with one; all are listed.
    """
    reader = ClaimsReader(
        payload,
        code="recipient.receipt.form",
        members=(
            "iss",
            "jti",
            "iat",
            "hub",
            "message_id",
            "message",
            "released",
            "index",
            "outcome",
            "reasons",
        ),
    )
    reasons = tuple(
        ReceiptReason(label=reason.text("label", _LABEL), code=reason.text("code", _REASON_CODE))
        for reason in reader.objects("reasons", members=("label", "code"), at_most=RECEIPT_REASONS_MAX)
    )
    outcome = reader.convert("outcome", Outcome)
    if (outcome is Outcome.REFUSED) != bool(reasons):
        reader.wrong("reasons", "a refusal has reasons, an acceptance has none")
    claims = ReceiptClaims(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        message_id=reader.convert("message_id", MessageId),
        message=reader.text("message", DIGEST),
        released=reader.text("released", DIGEST),
        index=reader.integer("index"),
        outcome=outcome,
        reasons=reasons,
    )
    reader.finish("the receipt does not have its form")
    return claims


def recall_to_payload(claims: RecallClaims) -> bytes:
    """Write the claims of a recall as the canonical bytes to sign."""
    return canonical_json({**stated(claims), "message_id": claims.message_id.value, "reason": claims.reason.value})


def parse_recall(payload: bytes) -> RecallClaims:
    """Read the claims of a recall.

    Raises:
        DocumentError: Not canonical, or a member that is missing, unknown or of the wrong form; all are listed.
    """
    reader = ClaimsReader(
        payload, code="sender.recall.form", members=("iss", "jti", "iat", "hub", "message_id", "reason")
    )
    claims = RecallClaims(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        message_id=reader.convert("message_id", MessageId),
        reason=reader.convert("reason", RecallReason),
    )
    reader.finish("the recall does not have its form")
    return claims


def client_authentication_to_payload(claims: ClientAuthentication) -> bytes:
    """Write the claims of a client assertion as the canonical bytes to sign."""
    return canonical_json(
        {
            "iss": claims.participant.urn,
            "sub": claims.participant.urn,
            "aud": claims.audience,
            "jti": claims.id.value,
            "iat": claims.issued_at,
            "exp": claims.expires_at,
        }
    )


def parse_client_authentication(payload: bytes) -> ClientAuthentication:
    """Read the claims of a client assertion.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, `sub` other than `iss`, or a
            lifetime of over 60 seconds; all are listed.

    Source: RFC 7523, section 3.
    """
    reader = ClaimsReader(payload, code="sender.assertion.form", members=("iss", "sub", "aud", "jti", "iat", "exp"))
    participant = reader.convert("iss", OIN.from_urn)
    if reader.raw("sub") != reader.raw("iss"):
        reader.wrong("sub", "must be the same as `iss`")
    issued_at = reader.moment("iat")
    expires_at = reader.moment("exp")
    if not issued_at < expires_at <= issued_at + CLIENT_AUTHENTICATION_SECONDS_MAX:
        reader.wrong("exp", f"must lie after `iat` and at most {CLIENT_AUTHENTICATION_SECONDS_MAX} seconds after it")
    claims = ClientAuthentication(
        participant=participant,
        audience=reader.text("aud", _URL),
        id=reader.convert("jti", MessageId),
        issued_at=issued_at,
        expires_at=expires_at,
    )
    reader.finish("the client assertion does not have its form")
    return claims
