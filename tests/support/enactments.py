"""A log in which a board brings catalogues into force; a test changes one thing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from audit.entries import EntryDraft
from audit.records import token_digest
from connectors.sdk.answers import Catalogues, Proposal, ProvenBoard, ProvenStep, ProvenText
from connectors.sdk.catalogues import Enacted, NotEnacted, Stated, verify_enactment
from connectors.sdk.proving import ProvenEntry, prove_entry
from schemas.board import Board, CatalogueStep, Enactment, Step, StepOutcome, board_to_payload, step_to_payload
from schemas.civil_day import civil_day
from schemas.codes import EntryKind, TokenType
from schemas.identifiers import MessageId
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from tests.support.board import DEFINITIONS, FIRST, REPORT, SECOND, THIRD
from tests.support.board import board as usual_board
from tests.support.log_files import MemoryLog
from tests.support.parties import REGISTRAR, message_id

ROUND: Final = ((Step.PROPOSE, FIRST), (Step.PROVE, FIRST), (Step.APPROVE, SECOND), (Step.APPROVE, THIRD))
"""What the first catalogue needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal in the log."""

    id: MessageId
    digest: str


@dataclass
class BoardLog:
    """Boards, steps and enactments, in the order in which the log has them.

    Attributes:
        log: The log; it may hold other entries too.
        registrar: Who appoints.
        boards: What the hub shows as boards: the token, and the place of its entry.
        steps: The same of steps.
        enacted: Places of the entries that say that a catalogue is in force.
        texts: Catalogues by their digest.
    """

    log: MemoryLog = field(default_factory=MemoryLog)
    registrar: SigningKey = REGISTRAR
    boards: list[tuple[str, int]] = field(default_factory=list)
    steps: list[tuple[str, int]] = field(default_factory=list)
    enacted: list[int] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    numbers: int = 0

    @property
    def seconds(self) -> int:
        """The time of the log."""
        return self.log.time // 1000

    def appoint(self, *beheerders: SigningKey, **change: Any) -> Board:
        """Log a board, from now on."""
        made = usual_board(
            *beheerders, **{"id": self.next_id(), "issued_at": self.seconds, "valid_from": self.seconds} | change
        )
        token = sign_jws(board_to_payload(made), typ=TokenType.BOARD, key=self.registrar)
        digest = token_digest(token)
        self.boards.append((token, self.append("board", version=made.id.value, catalogue=digest, request=digest)))
        return made

    def enactment(self, digest: str, *, replaces: str | None = None, **change: Any) -> Enactment:
        """A catalogue that is in force from today."""
        day = civil_day(datetime.fromtimestamp(self.seconds, UTC))
        assert day is not None
        made = Enactment(digest=digest, version="v", replaces=replaces, definitions=DEFINITIONS, valid_from=day)
        return replace(made, **change)

    def take(
        self, kind: Step, key: SigningKey, about: Enactment, *, proposal: MessageId | None = None, **change: Any
    ) -> MessageId:
        """Log a step; returns its id."""
        reported = kind in (Step.PROVE, Step.COMPARE, Step.ADVISE)
        step = CatalogueStep(
            id=self.next_id(),
            issued_at=self.seconds,
            step=kind,
            proposal=proposal,
            enactment=about,
            result=REPORT if reported else None,
            outcome=StepOutcome.OK if reported else None,
        )
        made = replace(step, **change)
        token = sign_jws(step_to_payload(made), typ=TokenType.CATALOGUE_STEP, key=key)
        index = self.append(made.id.value, version=about.version, catalogue=about.digest, request=token_digest(token))
        self.steps.append((token, index))
        return made.id

    def decide(self, about: Enactment, *, steps: Sequence[tuple[Step, SigningKey]] | None = None) -> "Proposed":
        """Log everything that a catalogue needs, or these steps; returns the proposal."""
        if steps is None:
            compared = () if about.replaces is None else ((Step.COMPARE, FIRST),)
            steps = (*ROUND[:2], *compared, *ROUND[2:])
        (first, by), *others = steps
        proposal = self.take(first, by, about)
        digest = token_digest(self.steps[-1][0])
        for kind, key in others:
            self.take(kind, key, about, proposal=proposal)
        return Proposed(id=proposal, digest=digest)

    def enact(self, about: Enactment, *, by: "Proposed | None", **change: Any) -> int:
        """Log that a catalogue is in force."""
        digest = by.digest if by else None
        members = {"version": about.version, "catalogue": about.digest, "request": digest} | change
        self.enacted.append(self.append("grounds", **members))
        return self.enacted[-1]

    def append(self, name: str, **members: Any) -> int:
        """Log an entry about the catalogue."""
        self.numbers += 1
        pad = self.numbers.to_bytes(16, "big")
        return self.log.append(EntryDraft(kind=EntryKind.CATALOGUE, id=name, pad=pad, **members))

    def next_id(self) -> MessageId:
        """An id that nothing else here has."""
        self.numbers += 1
        return message_id(7000 + self.numbers)

    # ---- what a connector makes of it ----

    def shown(self) -> Catalogues:
        """All of it, as a hub shows it."""
        return Catalogues(
            boards=tuple(ProvenBoard(*self._line(index), board=token) for token, index in self.boards),
            proposals=(
                Proposal("all", tuple(ProvenStep(*self._line(index), step=token) for token, index in self.steps)),
            ),
            enacted=tuple(ProvenText(*self._line(index)) for index in self.enacted),
        )

    def _line(self, index: int) -> tuple[int, str, str]:
        return index, self.log.texts[index].decode(), self.log.proof(index)

    def proven(self, index: int) -> ProvenEntry:
        """An entry with its proof."""
        return prove_entry(
            entry=self.log.texts[index].decode(), tlog_proof=self.log.proof(index), log=self.log.signer.public
        )

    def stated(self, tokens: Sequence[tuple[str, int]]) -> tuple[Stated, ...]:
        """What is signed, with the proofs of its entries."""
        return tuple(Stated(token=token, proven=self.proven(index)) for token, index in tokens)

    def verify(self, number: int = -1, *, began: int = 0) -> Enacted | NotEnacted:
        """Verify the newest enactment, or another one."""
        index = self.enacted[number]
        earlier = [self.proven(place).entry for place in self.enacted if place < index]
        return verify_enactment(
            self.proven(index),
            before=earlier[-1].catalogue if earlier else None,
            used={entry.request for entry in earlier if entry.request},
            boards=self.stated(self.boards),
            steps=self.stated(self.steps),
            registrar=self.registrar.public,
            began=began,
        )


def why(found: Enacted | NotEnacted) -> list[str]:
    """The codes of what is in the way."""
    return [each.value for each in found.why] if isinstance(found, NotEnacted) else []
