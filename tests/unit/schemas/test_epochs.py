"""Chain-key epochs: opened by the registrar, and by nobody else."""

from typing import Any

import pytest

from schemas.canonical import canonical_json, parse_canonical
from schemas.codes import TokenType
from schemas.epochs import ChainEpoch, chain_epoch_to_payload, verify_chain_epoch
from schemas.errors import DocumentError, SignatureError
from schemas.jws import sign_jws
from tests.support.parties import ISSUED_AT, REGISTRAR, message_id, seeded_key

OPENED = ChainEpoch(id=message_id(1), issued_at=ISSUED_AT, epoch=2, fingerprint="A" * 43)


def token(typ: TokenType = TokenType.CHAIN_EPOCH, **change: Any) -> str:
    claims = parse_canonical(chain_epoch_to_payload(OPENED))
    assert isinstance(claims, dict)
    return sign_jws(canonical_json({**claims, **change}), typ=typ, key=REGISTRAR)


def test_the_registrar_opens_an_epoch() -> None:
    assert verify_chain_epoch(token(), registrar=REGISTRAR.public) == OPENED


def test_nobody_else_does_and_nothing_else_counts() -> None:
    with pytest.raises(SignatureError):
        verify_chain_epoch(token(), registrar=seeded_key("other").public)
    with pytest.raises(SignatureError):
        verify_chain_epoch(token(TokenType.ADMISSION), registrar=REGISTRAR.public)


@pytest.mark.parametrize("change", [{"fingerprint": "x"}, {"epoch": -1}, {"epoch": 1_000_000}, {"key": "A"}])
def test_an_epoch_with_one_defect_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        verify_chain_epoch(token(**change), registrar=REGISTRAR.public)
