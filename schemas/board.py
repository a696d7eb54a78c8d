"""The board of the catalogue: who may change by what is decided, and each step that its members take.

A *board* (`board+jwt`, signed by the registrar) names the keys of its members and the office of each: a *beheerder*
acts for the controllers together, the *FG* (data protection officer) advises. A *step* (`catalogue-step+jwt`, signed by
a member) says one thing about one proposal. No document names a person: who holds a key is in the registrar's file.

    board = verify_board(token, registrar=registrar.public)
    signed = verify_step(step_token, board=board)            # SignedStep: by whom, and what it says

Every step says the whole of what it is about (which file takes the place of which, with which definitions, from which
day), so that nobody signs less than he means, and names the proposal by its `jti`, so that no step counts for another.
What the steps amount to is `consent.lifecycle`.

Sources: the architecture, sections 3, 5 and 9; AVG 26, 38 and 39.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final

from schemas.canonical import b64url, canonical_json, parse_json
from schemas.claims import DIGEST, ClaimsReader, read_date
from schemas.codes import TokenType
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, DocumentError
from schemas.identifiers import MessageId, Thumbprint
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws, verify_jws, verify_parsed_jws

MEMBERS_MAX: Final = 32
BEHEERDERS_MIN: Final = 3
"""One who proposes and two who approve; with fewer, nothing could ever come into force."""

_VERSION: Final = re.compile(r"[!-~]{1,64}")
_BOARD: Final = "sender.board.form"
_STEP: Final = "sender.catalogue-step.form"


class Office(StrEnum):
    """In which office a member of the board acts."""

    BEHEERDER = "beheerder"
    FG = "fg"


class Step(StrEnum):
    """What a member does with a proposal."""

    PROPOSE = "propose"
    PROVE = "prove"
    COMPARE = "compare"
    APPROVE = "approve"
    ADVISE = "advise"
    REJECT = "reject"

    @property
    def office(self) -> Office:
        """Whose step it is: the FG advises and does nothing else (AVG 38(6)), the others are the controllers'."""
        return Office.FG if self is Step.ADVISE else Office.BEHEERDER


class StepOutcome(StrEnum):
    """What came out of a proof, a comparison or an advice."""

    OK = "ok"
    NOT_OK = "not-ok"


_WITH_RESULT: Final = frozenset({Step.PROVE, Step.COMPARE, Step.ADVISE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A key, and the office in which its holder acts."""

    key: VerificationKey
    office: Office


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The registrar's word on who may take which steps.

    Attributes:
        id: Unique.
        issued_at: Seconds since the epoch.
        members: At least three beheerders; no key twice.
        valid_from: First second at which it counts; a later board takes its place as a whole.
    """

    id: MessageId
    issued_at: int
    members: tuple[Member, ...]
    valid_from: int

    def member(self, kid: Thumbprint) -> Member | None:
        """Return whose key this is, None where it is nobody's of this board."""
        return next((member for member in self.members if member.key.thumbprint == kid), None)

    def may(self, kid: Thumbprint, step: Step) -> bool:
        """Whether the holder of this key may take such a step."""
        member = self.member(kid)
        return member is not None and member.office is step.office


@dataclass(frozen=True, slots=True, kw_only=True)
class Enactment:
    """What would happen: a catalogue takes the place of another, on a day.

    Attributes:
        digest: SHA-256 of the catalogue's file.
        version: As it stands in the file.
        replaces: Digest of the catalogue that is in force, with which it was compared; None if there is none yet.
        definitions: Digest of the definitions with which it was proved.
        valid_from: First day in force, in the Netherlands.
    """

    digest: str
    version: str
    replaces: str | None
    definitions: str
    valid_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueStep:
    """The claims of a `catalogue-step+jwt`.

    Attributes:
        id: Unique.
        issued_at: Seconds since the epoch.
        step: What is done.
        proposal: `jti` of the step that proposed; None in that step itself.
        enactment: What it is about, in full.
        result: Digest of the report of a proof or comparison, of the advice, or of the note that says why it is
            rejected (where there is one); None in the other steps.
        outcome: Of a proof, a comparison or an advice; None in the other steps.
    """

    id: MessageId
    issued_at: int
    step: Step
    proposal: MessageId | None
    enactment: Enactment
    result: str | None = None
    outcome: StepOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStep:
    """A step whose signature was verified with a key of a board.

    Attributes:
        step: What it says.
        signer: Thumbprint of the key that signed.
        token: As it came.
    """

    step: CatalogueStep
    signer: Thumbprint
    token: str

    @property
    def digest(self) -> str:
        """SHA-256 of the token, by which an entry of the log names it."""
        return b64url(sha256(self.token.encode("ascii")).digest())


def member_to_json(member: Member) -> JSONValue:
    """Write a member as it stands in a board, and in the file that it gives the registrar."""
    return {"office": member.office.value, "jwk": member.key.to_jwk()}


def parse_member(data: bytes) -> Member:
    """Read the file that a member gives the registrar.

    Raises:
        DocumentError: It does not have its form, or the key is weak; every finding is listed.
    """
    reader = ClaimsReader(parse_json(data), code=_BOARD, members=("office", "jwk"))
    member = _member(reader)
    reader.finish("the member does not have its form")
    assert member is not None
    return member


def board_to_payload(board: Board) -> bytes:
    """Write the claims of a board as the canonical bytes to sign."""
    return canonical_json(
        {
            "jti": board.id.value,
            "iat": board.issued_at,
            "members": [member_to_json(member) for member in board.members],
            "valid_from": board.valid_from,
        }
    )


def parse_board(payload: bytes) -> Board:
    """Read the claims of a board.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, a key twice, or too few
            beheerders; every finding is listed.
    """
    reader = ClaimsReader(payload, code=_BOARD, members=("jti", "iat", "members", "valid_from"))
    inside = reader.objects("members", members=("office", "jwk"), at_least=BEHEERDERS_MIN, at_most=MEMBERS_MAX)
    members = tuple(member for each in inside if (member := _member(each)) is not None)
    if len({member.key.thumbprint for member in members}) != len(members):
        reader.wrong("members", "the same key stands here twice")
    if sum(member.office is Office.BEHEERDER for member in members) < BEHEERDERS_MIN:
        reader.wrong("members", f"fewer than {BEHEERDERS_MIN} beheerders: nothing could ever come into force")
    board = Board(
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        members=members,
        valid_from=reader.moment("valid_from"),
    )
    reader.finish("the board does not have its form")
    return board


def verify_board(token: str, *, registrar: VerificationKey) -> Board:
    """Verify with the pinned registrar key who is on the board.

    Nothing is checked about whether it counts at any moment: see `board_at`.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Not the registrar's signature.
    """
    return parse_board(verify_jws(token, typ=TokenType.BOARD, key=registrar).payload)


def board_at(boards: Iterable[Board], *, seconds: int) -> Board | None:
    """Return the board that counts at a moment: the one that began last, and of those the one signed last."""
    begun = (board for board in boards if board.valid_from <= seconds)
    return max(begun, key=lambda board: (board.valid_from, board.issued_at, board.id.value), default=None)


def step_to_payload(step: CatalogueStep) -> bytes:
    """Write the claims of a step as the canonical bytes to sign."""
    enactment = step.enactment
    return canonical_json(
        {
            "jti": step.id.value,
            "iat": step.issued_at,
            "step": step.step.value,
            "proposal": step.proposal.value if step.proposal else None,
            "digest": enactment.digest,
            "version": enactment.version,
            "of": enactment.replaces,
            "definitions": enactment.definitions,
            "from": enactment.valid_from.isoformat(),
            "result": step.result,
            "outcome": step.outcome.value if step.outcome else None,
        }
    )


def parse_step(payload: bytes) -> CatalogueStep:
    """Read the claims of a step.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, or members that its kind of step
            does not have; every finding is listed.
    """
    reader = ClaimsReader(
        payload,
        code=_STEP,
        members=(
            *("jti", "iat", "step", "proposal", "digest", "version", "of", "definitions", "from"),
            *("result", "outcome"),
        ),
    )
    kind = reader.convert("step", Step)
    step = CatalogueStep(
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        step=kind,
        proposal=reader.optional("proposal", MessageId),
        enactment=Enactment(
            digest=reader.text("digest", DIGEST),
            version=reader.text("version", _VERSION),
            replaces=_digest(reader, "of"),
            definitions=reader.text("definitions", DIGEST),
            valid_from=reader.convert("from", read_date),
        ),
        result=_digest(reader, "result"),
        outcome=reader.optional("outcome", StepOutcome),
    )
    _check_members(reader, step)
    reader.finish("the step does not have its form")
    return step


def verify_step(token: str, *, board: Board) -> SignedStep:
    """Verify that a member of the board took a step that is its office's.

    Nothing is checked about when, or about what else was done.

    Raises:
        DocumentError: Wrong form.
        AuthenticationError: Nobody of this board, or not a step of that member's office.
        SignatureError: Not the signature of the key that it names.
    """
    parsed = parse_jws(token, typ=TokenType.CATALOGUE_STEP)
    member = board.member(parsed.kid)
    if member is None:
        raise AuthenticationError("not signed by a member of the board", code="sender.catalogue-step.signer")
    verify_parsed_jws(parsed, key=member.key)
    step = parse_step(parsed.payload)
    if not board.may(parsed.kid, step.step):
        text = f"the office `{member.office}` does not take the step `{step.step}`"
        raise AuthenticationError(text, code="sender.catalogue-step.office")
    return SignedStep(step=step, signer=parsed.kid, token=token)


def _member(reader: ClaimsReader) -> Member | None:
    office, jwk = reader.convert("office", Office), reader.raw("jwk")
    if not isinstance(jwk, dict):
        reader.wrong("jwk", "a public JWK is needed here")
        return None
    try:
        key = VerificationKey.from_jwk(jwk)
    except DocumentError as error:
        for issue in error.issues:
            reader.wrong("jwk", issue.text, issue.code)
        return None
    if key.to_jwk() != jwk:
        reader.wrong("jwk", "must have exactly the key's members, `alg`, `kid` and `use`")
    return Member(key=key, office=office)


def _digest(reader: ClaimsReader, name: str) -> str | None:
    return None if reader.raw(name) is None else reader.text(name, DIGEST)


def _check_members(reader: ClaimsReader, step: CatalogueStep) -> None:
    """Check that a step has what its kind has, and nothing else."""
    kind = step.step
    if (step.proposal is None) != (kind is Step.PROPOSE):
        reader.wrong("proposal", "every step but the proposal itself names the proposal")
    if (step.outcome is not None) != (kind in _WITH_RESULT):
        reader.wrong("outcome", "a proof, a comparison and an advice have an outcome, and nothing else has")
    if step.result is None and kind in _WITH_RESULT:
        reader.wrong("result", "a proof, a comparison and an advice have a result")
    if step.result is not None and kind in (Step.PROPOSE, Step.APPROVE):
        reader.wrong("result", "neither a proposal nor an approval has a result")
    if step.enactment.replaces is None and kind is Step.COMPARE:
        reader.wrong("of", "a comparison is with the catalogue that is in force")
    if step.enactment.replaces == step.enactment.digest:
        reader.wrong("of", "a catalogue does not take its own place")
