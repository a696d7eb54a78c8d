"""What a participant is and what it holds, as signed claims: the registrar's admission and the participant's statement.

An *admission* (`admission+jwt`, signed by the registrar) says who somebody is: OIN, name, role, capacities, period, and
the thumbprint of the first signing key. A *statement* (`participant+jwt`, signed by the participant) says which keys it
holds, and nothing about its role. Neither the participant nor the hub can say who a participant is.

    token = sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=registrar)
    verify_admission(token, registrar=registrar.public)      # Admission
    verify_statement(statement_token)                        # Statement, signed by the key that it states

How the two make a chain, in which every key is vouched for by the one before it, is `schemas.participants`.

Source: the architecture, section 3.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from schemas.canonical import canonical_json
from schemas.claims import ClaimsReader
from schemas.codes import CHAIN_KEY_ROLES, Capacity, Role, TokenType
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import OIN, MessageId, Thumbprint
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws, verify_jws, verify_parsed_jws
from schemas.sealing import SealingPublicKey

REVOKED_MAX: Final = 64
"""Keys that one statement can revoke; what earlier statements revoked stays revoked."""

_NAME: Final = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\x00-\x20\x7f])?")
_URL: Final = re.compile(r"https?://[!-~]{1,500}")
_VKEY: Final = re.compile(r"[^\s+]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{20,128}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The registrar's word on who a participant is.

    Attributes:
        oin: Participant.
        id: Unique.
        issued_at: Seconds since the epoch; a later admission replaces an earlier one.
        name: Name of the organisation, as people know it.
        role: What it is in the chain.
        capacities: In which it may act; only a GI has any.
        valid_from: First second of the period.
        valid_until: First second after the period; None while there is no end. The past suspends the participant.
        first_key: Thumbprint of the signing key of the statement that comes with this admission.
        canary: Whether everything it sends must be refused: it proves that the hub decides (`ketenhub canary`).
    """

    oin: OIN
    id: MessageId
    issued_at: int
    name: str
    role: Role
    capacities: frozenset[Capacity]
    valid_from: int
    valid_until: int | None
    first_key: Thumbprint
    canary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A participant's word on its own keys and address.

    Attributes:
        oin: Participant.
        id: Unique.
        issued_at: Seconds since the epoch; later than the statement before.
        signing_key: Signs from now on, this statement first.
        sealing_key: To be sealed for from now on.
        witness_key: C2SP vkey of the participant's witness, or None.
        notify: Where the hub tells that something waits, or None.
        revoked: Keys, for signing or sealing, that must not be used any more; not merely replaced.
    """

    oin: OIN
    id: MessageId
    issued_at: int
    signing_key: VerificationKey
    sealing_key: SealingPublicKey
    witness_key: str | None = None
    notify: str | None = None
    revoked: tuple[Thumbprint, ...] = field(default=())


def admission_to_payload(admission: Admission) -> bytes:
    """Write the claims of an admission as the canonical bytes to sign; who is no canary has no member `canary`."""
    capacities: list[JSONValue] = [capacity.value for capacity in sorted(admission.capacities)]
    canary: dict[str, JSONValue] = {"canary": True} if admission.canary else {}
    return canonical_json(
        {
            "sub": admission.oin.urn,
            "jti": admission.id.value,
            "iat": admission.issued_at,
            "name": admission.name,
            "role": admission.role.value,
            "capacities": capacities,
            "valid_from": admission.valid_from,
            "valid_until": admission.valid_until,
            "first_key": admission.first_key.value,
            **canary,
        }
    )


def parse_admission(payload: bytes) -> Admission:
    """Read the claims of an admission.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, capacities for another role than
            GI, or `canary` other than true; every finding is listed.
    """
    reader = ClaimsReader(
        payload,
        code="sender.admission.form",
        members=("sub", "jti", "iat", "name", "role", "capacities", "valid_from", "valid_until", "first_key"),
        optional=("canary",),
    )
    valid_from = reader.moment("valid_from")
    valid_until = None if reader.raw("valid_until") is None else reader.moment("valid_until")
    role = reader.convert("role", Role)
    capacities = reader.array("capacities", Capacity, at_most=len(Capacity))
    if capacities and role is not Role.GI:
        reader.wrong("capacities", "only a GI acts in a capacity")
    canary = "canary" in reader
    if canary and reader.raw("canary") is not True:
        # One spelling: who is no canary does not say so.
        reader.wrong("canary", "true, or no such member")
    elif canary and role not in CHAIN_KEY_ROLES:
        reader.wrong("canary", "a canary has a role that sends messages about persons")
    admission = Admission(
        oin=reader.convert("sub", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        name=reader.text("name", _NAME),
        role=role,
        capacities=frozenset(capacities),
        valid_from=valid_from,
        valid_until=valid_until,
        first_key=reader.convert("first_key", Thumbprint),
        canary=canary,
    )
    reader.finish("the admission does not have its form")
    return admission


def statement_to_payload(statement: Statement) -> bytes:
    """Write the claims of a statement as the canonical bytes to sign."""
    revoked: list[JSONValue] = [kid.value for kid in statement.revoked]
    return canonical_json(
        {
            "iss": statement.oin.urn,
            "jti": statement.id.value,
            "iat": statement.issued_at,
            "signing_key": statement.signing_key.to_jwk(),
            "sealing_key": statement.sealing_key.to_text(),
            "witness_key": statement.witness_key,
            "notify": statement.notify,
            "revoked": revoked,
        }
    )


def parse_statement(payload: bytes) -> Statement:
    """Read the claims of a statement.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, a weak key, or a key that it
            states and revokes at once; every finding is listed.
    """
    reader = ClaimsReader(
        payload,
        code="sender.statement.form",
        members=("iss", "jti", "iat", "signing_key", "sealing_key", "witness_key", "notify", "revoked"),
    )
    signing_key = _signing_key(reader)
    sealing_key = _sealing_key(reader)
    revoked = reader.array("revoked", Thumbprint, at_most=REVOKED_MAX)
    oin = reader.convert("iss", OIN.from_urn)
    message_id = reader.convert("jti", MessageId)
    issued_at = reader.moment("iat")
    witness_key = None if reader.raw("witness_key") is None else reader.text("witness_key", _VKEY)
    notify = None if reader.raw("notify") is None else reader.text("notify", _URL)
    if signing_key is not None and sealing_key is not None and {signing_key.thumbprint, sealing_key.kid} & {*revoked}:
        reader.wrong("revoked", "a key that this statement states", "sender.statement.revoked")
    reader.finish("the statement does not have its form")
    assert signing_key is not None
    assert sealing_key is not None
    return Statement(
        oin=oin,
        id=message_id,
        issued_at=issued_at,
        signing_key=signing_key,
        sealing_key=sealing_key,
        witness_key=witness_key,
        notify=notify,
        revoked=revoked,
    )


def verify_admission(token: str, *, registrar: VerificationKey) -> Admission:
    """Verify an admission with the pinned registrar key.

    Nothing is checked about its period.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Not the registrar's signature.
    """
    return parse_admission(verify_jws(token, typ=TokenType.ADMISSION, key=registrar).payload)


def verify_statement(token: str) -> Statement:
    """Verify that a statement is signed by the very key that it states.

    Nothing is checked about whether that key may speak for the participant: see `schemas.participants`.

    Raises:
        DocumentError: Wrong form, or a weak key.
        SignatureError: Signed by another key.
    """
    parsed = parse_jws(token, typ=TokenType.PARTICIPANT)
    statement = parse_statement(parsed.payload)
    verify_parsed_jws(parsed, key=statement.signing_key)
    return statement


def _signing_key(reader: ClaimsReader) -> VerificationKey | None:
    jwk = reader.raw("signing_key")
    if not isinstance(jwk, dict):
        reader.wrong("signing_key", "a public JWK is needed here")
        return None
    try:
        key = VerificationKey.from_jwk(jwk, pointer="/signing_key")
    except DocumentError as error:
        reader.issues.extend(error.issues)
        return None
    if key.to_jwk() != jwk:
        # One spelling: the members that make the key, with `alg`, `use` and `kid`.
        reader.wrong("signing_key", "must have exactly the key's members, `alg`, `kid` and `use`")
    return key


def _sealing_key(reader: ClaimsReader) -> SealingPublicKey | None:
    text = reader.raw("sealing_key")
    try:
        return SealingPublicKey.from_text(text if isinstance(text, str) else "")
    except DocumentError as error:
        reader.wrong("sealing_key", error.public_message, error.code)
        return None
