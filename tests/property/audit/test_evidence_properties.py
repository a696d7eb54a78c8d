"""Evidence, bit by bit: whatever is flipped, the check fails."""

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.evidence import check_evidence
from audit.evidence_file import parse_evidence, redact_evidence
from audit.policy import parse_policy
from schemas.errors import ExchangeError
from tests.support.evidence_files import POLICY_TEXT, evidence_of, send, usual_world

POLICY = parse_policy(POLICY_TEXT.encode())
EVIDENCE = evidence_of(usual_world(), send())
WHOLE = EVIDENCE.to_bytes()
REDACTED = redact_evidence(EVIDENCE).to_bytes()


def holds(data: bytes) -> bool:
    try:
        check_evidence(parse_evidence(data), policy=POLICY)
    except ExchangeError:
        return False
    return True


def flip(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def test_the_evidence_that_is_flipped_here_holds() -> None:
    assert holds(WHOLE)
    assert holds(REDACTED)


@given(st.integers(min_value=0, max_value=len(WHOLE) * 8 - 1))
@settings(max_examples=400, deadline=None)
def test_flipping_any_bit_is_found(bit: int) -> None:
    assert not holds(flip(WHOLE, bit))


@given(st.integers(min_value=0, max_value=len(REDACTED) * 8 - 1))
@settings(max_examples=200, deadline=None)
def test_flipping_any_bit_of_redacted_evidence_is_found(bit: int) -> None:
    assert not holds(flip(REDACTED, bit))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_is_cut_out_is_found(data: st.DataObject) -> None:
    begin = data.draw(st.integers(min_value=0, max_value=len(WHOLE) - 1))
    size = data.draw(st.integers(min_value=1, max_value=200))
    cut = WHOLE[:begin] + WHOLE[begin + size :]
    # A whole disclosure may be dropped, as redacting does; everything else is missed.
    if holds(cut):
        dropped = WHOLE[begin : begin + size]
        assert dropped.count(b"~") >= 1
        assert b'"' not in dropped
