"""Test participants with their keys, admissions and statements; everything from fixed seeds."""

from dataclasses import dataclass, field, replace
from typing import Any

from schemas.admissions import Admission, Statement, admission_to_payload, statement_to_payload
from schemas.codes import Capacity, Role, SignatureAlgorithm, TokenType
from schemas.identifiers import OIN, MessageId
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import UnsafeSeededRandomness
from schemas.sealing import SealingPrivateKey

GEMEENTE = OIN("00000099000000001000")
RAAD = OIN("00000099000000002000")
GI = OIN("00000099000000003000")

ISSUED_AT = 1_795_432_568


def seeded_key(seed: str, alg: SignatureAlgorithm = SignatureAlgorithm.EDDSA) -> SigningKey:
    """Return the signing key of a seed."""
    return SigningKey.generate(alg, randomness=UnsafeSeededRandomness(f"signing/{seed}"))


def seeded_sealing_key(seed: str) -> SealingPrivateKey:
    """Return the sealing key of a seed."""
    return SealingPrivateKey.generate(randomness=UnsafeSeededRandomness(f"sealing/{seed}"))


REGISTRAR = seeded_key("registrar")


def message_id(number: int) -> MessageId:
    """Return a UUIDv7 with this number in it."""
    return MessageId(f"01940000-0000-7000-8000-{number:012x}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What one PARTICIPANT entry commits to."""

    index: int = 0
    oin: OIN = GEMEENTE
    admission: str | None = None
    statement: str | None = None
    replaced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One organisation that makes documents for tests."""

    oin: OIN = GEMEENTE
    role: Role = Role.GEMEENTE
    capacities: frozenset[Capacity] = frozenset()
    key: SigningKey = field(default_factory=lambda: seeded_key("gemeente"))
    sealing: SealingPrivateKey = field(default_factory=lambda: seeded_sealing_key("gemeente"))

    def admission(self, **change: Any) -> Admission:
        """Return an admission that names this party's key, with something changed."""
        made = Admission(
            oin=self.oin,
            id=message_id(1),
            issued_at=ISSUED_AT,
            name="Gemeente Voorbeeldstad",
            role=self.role,
            capacities=self.capacities,
            valid_from=ISSUED_AT,
            valid_until=None,
            first_key=self.key.public.thumbprint,
        )
        return replace(made, **change)

    def statement(self, **change: Any) -> Statement:
        """Return a statement of this party's keys, with something changed."""
        made = Statement(
            oin=self.oin,
            id=message_id(2),
            issued_at=ISSUED_AT,
            signing_key=self.key.public,
            sealing_key=self.sealing.public,
        )
        return replace(made, **change)

    def joining(self, *, index: int = 0, **change: Any) -> Documents:
        """Return the documents with which this party joins."""
        return Documents(
            index=index,
            oin=self.oin,
            admission=signed_admission(self.admission(**change)),
            statement=signed_statement(self.statement(), self.key),
        )


def signed_admission(admission: Admission, registrar: SigningKey = REGISTRAR) -> str:
    """Sign an admission."""
    return sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=registrar)


def signed_statement(statement: Statement, key: SigningKey) -> str:
    """Sign a statement."""
    return sign_jws(statement_to_payload(statement), typ=TokenType.PARTICIPANT, key=key)
