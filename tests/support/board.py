"""A board of four and the steps that its members take; a test changes one thing."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from schemas.board import (
    Board,
    CatalogueStep,
    Enactment,
    Member,
    Office,
    SignedStep,
    Step,
    StepOutcome,
    step_to_payload,
    verify_step,
)
from schemas.codes import TokenType
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from tests.support.parties import ISSUED_AT, message_id, seeded_key

FIRST, SECOND, THIRD, FG = (seeded_key(f"board/{name}") for name in ("first", "second", "third", "fg"))

OLD, NEW, DEFINITIONS, REPORT, OTHER_REPORT = (letter * 42 + "A" for letter in "ABCDE")
DAY: Final = date(2027, 1, 1)


def board(*beheerders: SigningKey, **change: Any) -> Board:
    """A board of these beheerders (else the usual three) and the FG."""
    members = tuple(Member(key=key.public, office=Office.BEHEERDER) for key in beheerders or (FIRST, SECOND, THIRD))
    made = Board(
        id=message_id(900),
        issued_at=ISSUED_AT,
        members=(*members, Member(key=FG.public, office=Office.FG)),
        valid_from=ISSUED_AT,
    )
    return replace(made, **change)


def enactment(**change: Any) -> Enactment:
    """The new catalogue takes the place of the old one on the first of January."""
    made = Enactment(digest=NEW, version="2027-1", replaces=OLD, definitions=DEFINITIONS, valid_from=DAY)
    return replace(made, **change)


def step(kind: Step, number: int, *, proposal: int | None = 1, **change: Any) -> CatalogueStep:
    """A step as its kind needs it, about the proposal with this number."""
    reported = kind in (Step.PROVE, Step.COMPARE, Step.ADVISE)
    made = CatalogueStep(
        id=message_id(number),
        issued_at=ISSUED_AT + number,
        step=kind,
        proposal=None if proposal is None or kind is Step.PROPOSE else message_id(proposal),
        enactment=enactment(),
        result=REPORT if reported else None,
        outcome=StepOutcome.OK if reported else None,
    )
    return replace(made, **change)


def signed(made: CatalogueStep, key: SigningKey, *, by: Board | None = None) -> SignedStep:
    """The step as a member of the board signs it."""
    token = sign_jws(step_to_payload(made), typ=TokenType.CATALOGUE_STEP, key=key)
    return verify_step(token, board=by or board())


def proposed(number: int = 1, **change: Any) -> SignedStep:
    """The first beheerder proposes."""
    return signed(step(Step.PROPOSE, number, **change), FIRST)


def round_of_steps() -> tuple[SignedStep, ...]:
    """Everything that a catalogue needs to come into force."""
    return (
        proposed(),
        signed(step(Step.PROVE, 2), FIRST),
        signed(step(Step.COMPARE, 3), FIRST),
        signed(step(Step.APPROVE, 4), SECOND),
        signed(step(Step.APPROVE, 5), THIRD),
    )
