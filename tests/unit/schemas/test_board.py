"""The board and its steps: who may sign what, and what each document must say."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.board import (
    MEMBERS_MAX,
    Board,
    Member,
    Office,
    Step,
    board_at,
    board_to_payload,
    member_to_json,
    parse_board,
    parse_member,
    parse_step,
    step_to_payload,
    verify_board,
    verify_step,
)
from schemas.canonical import canonical_json, parse_canonical
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, DocumentError, SignatureError
from schemas.jws import sign_jws
from tests.support.board import FG, FIRST, NEW, REPORT, SECOND, THIRD, board, signed, step
from tests.support.parties import ISSUED_AT, REGISTRAR, message_id, seeded_key


def claims_of(payload: bytes) -> dict[str, Any]:
    claims = parse_canonical(payload)
    assert isinstance(claims, dict)
    return dict(claims)


def appointed(made: Board) -> str:
    return sign_jws(board_to_payload(made), typ=TokenType.BOARD, key=REGISTRAR)


# ---- board ----


def test_the_registrar_appoints_the_board() -> None:
    assert verify_board(appointed(board()), registrar=REGISTRAR.public) == board()


def test_nobody_else_appoints_it() -> None:
    with pytest.raises(SignatureError):
        verify_board(appointed(board()), registrar=FIRST.public)
    other = sign_jws(board_to_payload(board()), typ=TokenType.ADMISSION, key=REGISTRAR)
    with pytest.raises(SignatureError):
        verify_board(other, registrar=REGISTRAR.public)


def test_a_board_that_could_never_decide_is_refused() -> None:
    """Two beheerders and two FGs: one proposes, and only one is left to approve."""
    fg = Member(key=seeded_key("board/fg2").public, office=Office.FG)
    two = board(FIRST, SECOND)
    with pytest.raises(DocumentError) as raised:
        parse_board(board_to_payload(replace(two, members=(*two.members, fg))))
    assert [issue.pointer for issue in raised.value.issues] == ["/members"]


def test_a_key_sits_on_a_board_once() -> None:
    with pytest.raises(DocumentError):
        parse_board(board_to_payload(board(FIRST, SECOND, THIRD, THIRD)))


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"members": [{"office": "beheerder"}] * 3},
        {"members": [{"office": "beheerder", "jwk": "key"}] * 3},
        {"members": [{"office": "beheerder", "jwk": {"kty": "OKP"}}] * 3},
        {"valid_from": "2027-01-01"},
        {"name": "somebody"},
    ],
)
def test_a_board_with_one_defect_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        parse_board(canonical_json({**claims_of(board_to_payload(board())), **change}))


def test_a_board_has_a_largest_size() -> None:
    members = [member_to_json(member) for member in board().members] * (MEMBERS_MAX // 4 + 1)
    with pytest.raises(DocumentError):
        parse_board(canonical_json({**claims_of(board_to_payload(board())), "members": members}))


def test_a_key_has_one_spelling() -> None:
    jwk: dict[str, JSONValue] = {**FIRST.public.to_jwk(), "key_ops": ["verify"]}
    with pytest.raises(DocumentError):
        parse_member(canonical_json({"office": "beheerder", "jwk": jwk}))


def test_the_file_of_a_member_is_read_as_it_was_written() -> None:
    member = Member(key=seeded_key("es", SignatureAlgorithm.ES256).public, office=Office.FG)
    assert parse_member(canonical_json(member_to_json(member))) == member
    with pytest.raises(DocumentError):
        parse_member(canonical_json({"office": "minister", "jwk": FIRST.public.to_jwk()}))


def test_the_board_that_began_last_counts() -> None:
    """One that begins tomorrow does not count yet; of two that begin together the one signed last does."""
    now = board()
    tomorrow = replace(now, id=message_id(901), issued_at=ISSUED_AT + 1, valid_from=ISSUED_AT + 86_400)
    mended = replace(tomorrow, id=message_id(902), issued_at=ISSUED_AT + 2)
    boards = [mended, now, tomorrow]
    assert board_at(boards, seconds=ISSUED_AT - 1) is None
    assert board_at(boards, seconds=ISSUED_AT + 86_399) == now
    assert board_at(boards, seconds=ISSUED_AT + 86_400) == mended


# ---- steps ----


@pytest.mark.parametrize("kind", list(Step))
def test_every_step_is_read_as_it_was_signed(kind: Step) -> None:
    made = step(kind, 7)
    key = FG if kind is Step.ADVISE else FIRST
    taken = signed(made, key)
    assert (taken.step, taken.signer) == (made, key.public.thumbprint)


def test_the_fg_advises_and_does_nothing_else() -> None:
    for kind in Step:
        wrong = FIRST if kind is Step.ADVISE else FG
        with pytest.raises(AuthenticationError) as raised:
            signed(step(kind, 7), wrong)
        assert raised.value.code == "sender.catalogue-step.office"


def test_a_step_of_somebody_else_is_no_step() -> None:
    with pytest.raises(AuthenticationError) as raised:
        signed(step(Step.APPROVE, 7), seeded_key("somebody"))
    assert raised.value.code == "sender.catalogue-step.signer"


def test_a_step_that_was_altered_does_not_verify() -> None:
    head, _, signature = signed(step(Step.APPROVE, 7), SECOND).token.split(".")
    other = signed(step(Step.APPROVE, 8), SECOND).token.split(".")[1]
    with pytest.raises(SignatureError):
        verify_step(f"{head}.{other}.{signature}", board=board())


def test_a_signature_over_another_document_is_no_step() -> None:
    token = sign_jws(step_to_payload(step(Step.APPROVE, 7)), typ=TokenType.CONSENT, key=SECOND)
    with pytest.raises(SignatureError):
        verify_step(token, board=board())


@pytest.mark.parametrize(
    ("kind", "change", "pointer"),
    [
        (Step.PROPOSE, {"proposal": message_id(9).value}, "/proposal"),
        (Step.APPROVE, {"proposal": None}, "/proposal"),
        (Step.PROVE, {"outcome": None}, "/outcome"),
        (Step.APPROVE, {"outcome": "ok"}, "/outcome"),
        (Step.APPROVE, {"result": REPORT}, "/result"),
        (Step.ADVISE, {"result": None}, "/result"),
        (Step.COMPARE, {"of": None}, "/of"),
        (Step.APPROVE, {"of": NEW}, "/of"),
        (Step.APPROVE, {"from": "2027-1-1"}, "/from"),
        (Step.APPROVE, {"digest": "x"}, "/digest"),
        (Step.APPROVE, {"version": "two words"}, "/version"),
        (Step.APPROVE, {"definitions": None}, "/definitions"),
        (Step.APPROVE, {"step": "enact"}, "/step"),
        (Step.APPROVE, {"by": "somebody"}, ""),
    ],
)
def test_a_step_with_one_defect_is_refused(kind: Step, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as raised:
        parse_step(canonical_json({**claims_of(step_to_payload(step(kind, 7))), **change}))
    assert pointer in [issue.pointer for issue in raised.value.issues]


def test_a_rejection_may_say_why() -> None:
    for result in (None, REPORT):
        made = replace(step(Step.REJECT, 7), result=result)
        assert parse_step(step_to_payload(made)) == made
