"""Admissions and statements: what is said, by whom, in one form."""

from typing import Any

import pytest

from schemas.admissions import (
    Admission,
    Statement,
    admission_to_payload,
    parse_admission,
    parse_statement,
    statement_to_payload,
    verify_admission,
    verify_statement,
)
from schemas.canonical import canonical_json, parse_canonical
from schemas.codes import Capacity, Role, SignatureAlgorithm
from schemas.errors import DocumentError, SignatureError
from schemas.jwk import VerificationKey
from tests.support.parties import (
    GI,
    REGISTRAR,
    Party,
    seeded_key,
    seeded_sealing_key,
    signed_admission,
    signed_statement,
)

PARTY = Party()
GI_PARTY = Party(oin=GI, role=Role.GI, capacities=frozenset({Capacity.OTS, Capacity.VOOGDIJ}))


def claims(payload: bytes, **change: Any) -> bytes:
    """Change members of a payload; `...` takes one away."""
    read = parse_canonical(payload)
    assert isinstance(read, dict)
    return canonical_json({name: value for name, value in {**read, **change}.items() if value is not ...})


@pytest.mark.parametrize(
    "admission",
    [
        PARTY.admission(),
        PARTY.admission(valid_until=1_900_000_000),
        GI_PARTY.admission(),
        GI_PARTY.admission(canary=True),
    ],
)
def test_an_admission_survives_its_payload_and_signature(admission: Admission) -> None:
    assert parse_admission(admission_to_payload(admission)) == admission
    assert verify_admission(signed_admission(admission), registrar=REGISTRAR.public) == admission


def test_only_the_registrar_admits() -> None:
    with pytest.raises(SignatureError):
        verify_admission(signed_admission(PARTY.admission(), PARTY.key), registrar=REGISTRAR.public)
    with pytest.raises(SignatureError):
        verify_admission(signed_statement(PARTY.statement(), REGISTRAR), registrar=REGISTRAR.public)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sub": "00000099000000001000"}, "/sub"),
        ({"role": "burger"}, "/role"),
        ({"capacities": ["ots"]}, "/capacities"),
        ({"capacities": "ots"}, "/capacities"),
        ({"name": ""}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": " a"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"first_key": "x"}, "/first_key"),
        ({"valid_from": -1}, "/valid_from"),
        ({"valid_until": "2030"}, "/valid_until"),
        ({"valid_until": True}, "/valid_until"),
        ({"iat": ...}, "/iat"),
        ({"canary": False}, "/canary"),
        ({"canary": 1}, "/canary"),
        ({"canary": True, "role": "toezichthouder"}, "/canary"),
        ({"extra": 1}, ""),
    ],
)
def test_an_admission_with_one_defect_is_refused_for_it(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_admission(claims(admission_to_payload(PARTY.admission()), **change))
    assert [issue.pointer for issue in refused.value.issues] == [pointer]


def test_the_admission_of_who_is_no_canary_says_nothing_of_canaries() -> None:
    """So what was signed before there were canaries is what is signed now."""
    assert b"canary" not in admission_to_payload(PARTY.admission())


def test_a_capacity_stands_once_and_is_known() -> None:
    for capacities in (["ots", "ots"], ["ots", "regie"]):
        with pytest.raises(DocumentError):
            parse_admission(claims(admission_to_payload(GI_PARTY.admission()), capacities=capacities))


VKEY = "witness.example+c74f20a3+AR+9SVGA67ygAMAAvzPbWIxmTNeKTKqvHgbaXMUCU0aV"


@pytest.mark.parametrize(
    "statement",
    [
        PARTY.statement(),
        PARTY.statement(witness_key=VKEY, notify="https://gemeente.example/ketenhub"),
        PARTY.statement(revoked=(seeded_key("old").public.thumbprint, seeded_sealing_key("old").public.kid)),
    ],
)
def test_a_statement_survives_its_payload_and_signature(statement: Statement) -> None:
    assert parse_statement(statement_to_payload(statement)) == statement
    assert verify_statement(signed_statement(statement, PARTY.key)) == statement


@pytest.mark.parametrize("alg", [SignatureAlgorithm.ES256, SignatureAlgorithm.PS256])
def test_other_algorithms_state_their_keys_too(alg: SignatureAlgorithm) -> None:
    key = seeded_key("other", alg)
    statement = PARTY.statement(signing_key=key.public)
    assert verify_statement(signed_statement(statement, key)) == statement


def test_a_statement_is_signed_by_the_key_that_it_states() -> None:
    with pytest.raises(SignatureError):
        verify_statement(signed_statement(PARTY.statement(), seeded_key("other")))


def _jwk(**change: Any) -> dict[str, Any]:
    return {name: value for name, value in {**PARTY.key.public.to_jwk(), **change}.items() if value is not ...}


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"iss": "x"}, ["/iss"]),
        ({"signing_key": None}, ["/signing_key"]),
        ({"signing_key": _jwk(d="AA")}, ["/signing_key/d"]),
        ({"signing_key": _jwk(use=...)}, ["/signing_key"]),
        ({"signing_key": _jwk(key_ops=["verify"])}, ["/signing_key"]),
        ({"sealing_key": "AA"}, ["/sealing_key"]),
        ({"sealing_key": 5}, ["/sealing_key"]),
        ({"witness_key": "x"}, ["/witness_key"]),
        ({"notify": "ftp://x"}, ["/notify"]),
        ({"notify": "https://"}, ["/notify"]),
        ({"revoked": None}, ["/revoked"]),
        ({"revoked": [PARTY.key.public.kid]}, ["/revoked"]),
        ({"revoked": [PARTY.sealing.public.kid.value]}, ["/revoked"]),
        ({"revoked": ["x"]}, ["/revoked/0"]),
        ({"role": "raad"}, [""]),
        ({"iss": "x", "sealing_key": "AA", "iat": -1}, ["/sealing_key", "/iss", "/iat"]),
    ],
)
def test_a_statement_with_a_defect_is_refused_for_it(change: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_statement(claims(statement_to_payload(PARTY.statement()), **change))
    assert [issue.pointer for issue in refused.value.issues] == pointers


def test_a_key_is_read_back_as_it_was_stated() -> None:
    stated = parse_statement(statement_to_payload(PARTY.statement())).signing_key
    assert VerificationKey.from_jwk(stated.to_jwk()) == PARTY.key.public
