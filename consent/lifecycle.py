"""What the steps of the board amount to: which catalogue may come into force, from which day, and what is in the way.

    propose ──► prove ──► compare ──► two approvals ──► in force from its day
                                        advice of the FG: shown, and it stands in nobody's way

`standings` is pure, and its answer does not depend on the order of the steps: each names the proposal that it is about
and says the whole of it, one rejection ends a proposal for good, and one failed proof is not made good by another.
So whoever holds all steps comes to the same answer, whatever the hub says of their order. What was rejected or has been
overtaken is proposed anew, and approved anew.

A catalogue may come into force when nothing stands in the way:

1. a beheerder of the board proposed it, and none rejected it;
2. it would take the place of what is in force now, is read with the definitions of now, and has not brought a
   catalogue into force before: it would else come back whenever the one that it replaces is in force again;
3. every proof and comparison that was made went well, there is one of each, and no two say different things. Where
   nothing is in force there is nothing to compare with;
4. two beheerders approved exactly this: another one each, and neither is the one who proposed; and each approved what
   was there to see: not before a proof, and a comparison where there is one to make, that went well.

A step counts as long as its signer is on the board: who leaves it takes his approvals along.

Sources: the architecture, sections 5 and 9; AVG 26 (controllers together), 38(3), 39 (the FG advises).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from consent.reasons import Told
from schemas.board import Board, Enactment, SignedStep, Step, StepOutcome
from schemas.identifiers import Thumbprint

APPROVALS: Final = 2
"""How many beheerders must approve, besides the one who proposes."""


class Obstacle(Told):
    """Why a proposed catalogue may not come into force."""

    IN_FORCE = (
        "in-force",
        "Deze catalogus geldt al.",
        "This catalogue is in force already.",
    )
    USED = (
        "used",
        "Met dit voorstel kwam al eerder een catalogus in werking; dien het opnieuw in.",
        "This proposal brought a catalogue into force before; propose it anew.",
    )
    REJECTED = (
        "rejected",
        "Een beheerder heeft het voorstel verworpen; dien een nieuw voorstel in.",
        "A beheerder rejected the proposal; make a new one.",
    )
    PROPOSER_NOT_ON_BOARD = (
        "proposer-not-on-board",
        "Wie het voorstel deed, is geen beheerder in het bestuur van nu; dien het opnieuw in.",
        "Whoever proposed it is no beheerder of the board of now; propose it anew.",
    )
    OVERTAKEN = (
        "overtaken",
        "Er geldt inmiddels een andere catalogus dan die het voorstel vervangt; dien het opnieuw in.",
        "Another catalogue is in force than the one that the proposal replaces; propose it anew.",
    )
    DEFINITIONS_CHANGED = (
        "definitions-changed",
        "De berichten zijn inmiddels anders beschreven dan toen dit bewezen werd; dien het opnieuw in.",
        "The messages are defined otherwise than when this was proved; propose it anew.",
    )
    NOT_PROVED = (
        "not-proved",
        "Het bewijs over alle mogelijke vragen ontbreekt.",
        "The proof over all possible questions is missing.",
    )
    PROOF_FAILED = (
        "proof-failed",
        "Volgens een bewijs laat de catalogus iets toe dat nooit mag.",
        "By a proof the catalogue permits something that may never be.",
    )
    NOT_COMPARED = (
        "not-compared",
        "De vergelijking met de catalogus die nu geldt ontbreekt.",
        "The comparison with the catalogue that is in force is missing.",
    )
    COMPARISON_FAILED = (
        "comparison-failed",
        "Een vergelijking met de catalogus die nu geldt is niet gelukt.",
        "A comparison with the catalogue that is in force did not succeed.",
    )
    REPORTS_DIFFER = (
        "reports-differ",
        "Twee bewijzen of twee vergelijkingen van hetzelfde zeggen niet hetzelfde.",
        "Two proofs or two comparisons of the same thing do not say the same.",
    )
    NO_APPROVAL = (
        "no-approval",
        "Nog geen beheerder heeft het goedgekeurd; er zijn er twee nodig, naast de indiener.",
        "No beheerder approved it yet; two are needed, besides the one who proposed it.",
    )
    ONE_APPROVAL = (
        "one-approval",
        "Een beheerder heeft het goedgekeurd; er is er nog een nodig, naast de indiener.",
        "One beheerder approved it; one more is needed, besides the one who proposed it.",
    )


class Unheeded(Told):
    """Why a step counts for nothing."""

    NOT_ON_BOARD = (
        "not-on-board",
        "Wie deze stap zette, is er in het bestuur van nu niet toe bevoegd.",
        "Whoever took this step may not take it on the board of now.",
    )
    ABOUT_SOMETHING_ELSE = (
        "about-something-else",
        "Deze stap noemt het voorstel, maar een ander bestand, een andere dag of andere definities.",
        "This step names the proposal, but another file, another day or other definitions.",
    )
    OWN_PROPOSAL = (
        "own-proposal",
        "De indiener keurt het eigen voorstel goed; dat telt niet.",
        "The one who proposed it approves it; that does not count.",
    )
    BEFORE_PROOF = (
        "before-proof",
        "Deze goedkeuring is van voor het bewijs of de vergelijking; keur het daarna nog eens goed.",
        "This approval is from before the proof or the comparison; approve it again after them.",
    )
    TWICE = (
        "twice",
        "Deze beheerder had al goedgekeurd.",
        "This beheerder had approved already.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one proposal stands.

    Attributes:
        proposal: The step that proposed it.
        proofs: Proofs that count.
        comparisons: Comparisons that count.
        approvals: Approvals that count, each of another beheerder.
        advice: What the FG advised: shown, and in nobody's way.
        rejections: Rejections that count; one is enough.
        unheeded: Steps that name it and count for nothing, with the reason.
        obstacles: What stands in the way; empty if it may come into force from its day.
    """

    proposal: SignedStep
    proofs: tuple[SignedStep, ...]
    comparisons: tuple[SignedStep, ...]
    approvals: tuple[SignedStep, ...]
    advice: tuple[SignedStep, ...]
    rejections: tuple[SignedStep, ...]
    unheeded: tuple[tuple[SignedStep, Unheeded], ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def enactment(self) -> Enactment:
        """What was proposed."""
        return self.proposal.step.enactment

    @property
    def enacts_from(self) -> date | None:
        """The first day on which it is in force, None as long as something stands in the way."""
        return None if self.obstacles else self.enactment.valid_from

    def may_come_into_force(self, *, on: date) -> bool:
        """Whether nothing stands in the way and its day, in the Netherlands, has come."""
        return self.enacts_from is not None and self.enacts_from <= on


def standings(
    steps: Iterable[SignedStep],
    *,
    board: Board,
    in_force: str | None,
    definitions: str,
    used: Collection[str] = frozenset(),
) -> tuple[Standing, ...]:
    """Say how every proposal stands, the oldest first.

    Nothing is checked about the signatures: a `SignedStep` was verified with a key of some board; here it counts only
    if that key is on this one.

    Args:
        steps: In any order, and some of them twice; a step whose proposal is not among them says nothing.
        board: That of the moment.
        in_force: Digest of the catalogue in force at the moment, None if there is none yet.
        definitions: Digest of the definitions of the moment.
        used: Digests of the proposals that brought a catalogue into force; each does so once.
    """
    known = sorted(set(steps), key=lambda signed: (signed.step.issued_at, signed.step.id.value, signed.token))
    return tuple(
        _standing(proposal, known, board=board, in_force=in_force, definitions=definitions, used=used)
        for proposal in known
        if proposal.step.step is Step.PROPOSE
    )


def _standing(
    proposal: SignedStep,
    steps: Sequence[SignedStep],
    *,
    board: Board,
    in_force: str | None,
    definitions: str,
    used: Collection[str],
) -> Standing:
    counted: dict[Step, list[SignedStep]] = {step: [] for step in Step}
    unheeded: list[tuple[SignedStep, Unheeded]] = []
    approvers: set[Thumbprint] = set()
    about = [signed for signed in steps if signed.step.proposal == proposal.step.id]
    seen_from = _seen_from(about, proposal, board=board)
    for signed in about:
        why = _unheeded(signed, proposal, board=board, approvers=approvers, seen_from=seen_from)
        if why is not None:
            unheeded.append((signed, why))
            continue
        counted[signed.step.step].append(signed)
        if signed.step.step is Step.APPROVE:
            approvers.add(signed.signer)
    return Standing(
        proposal=proposal,
        proofs=tuple(counted[Step.PROVE]),
        comparisons=tuple(counted[Step.COMPARE]),
        approvals=tuple(counted[Step.APPROVE]),
        advice=tuple(counted[Step.ADVISE]),
        rejections=tuple(counted[Step.REJECT]),
        unheeded=tuple(unheeded),
        obstacles=_obstacles(proposal, counted, board=board, in_force=in_force, definitions=definitions, used=used),
    )


def _seen_from(steps: Sequence[SignedStep], proposal: SignedStep, *, board: Board) -> int | None:
    """Say from which second on there was a proof, and a comparison where one is needed; None: there is none yet."""
    enactment = proposal.step.enactment
    needed = (Step.PROVE,) if enactment.replaces is None else (Step.PROVE, Step.COMPARE)
    earliest: list[int] = []
    for kind in needed:
        made = [
            signed.step.issued_at
            for signed in steps
            if signed.step.step is kind
            and signed.step.enactment == enactment
            and signed.step.outcome is StepOutcome.OK
            and board.may(signed.signer, kind)
        ]
        if not made:
            return None
        earliest.append(min(made))
    return max(earliest)


def _unheeded(
    signed: SignedStep,
    proposal: SignedStep,
    *,
    board: Board,
    approvers: set[Thumbprint],
    seen_from: int | None,
) -> Unheeded | None:
    """Say why a step counts for nothing; None if it counts."""
    step = signed.step
    if not board.may(signed.signer, step.step):
        return Unheeded.NOT_ON_BOARD
    if step.enactment != proposal.step.enactment:
        return Unheeded.ABOUT_SOMETHING_ELSE
    if step.step is Step.APPROVE and signed.signer == proposal.signer:
        return Unheeded.OWN_PROPOSAL
    if step.step is Step.APPROVE and (seen_from is None or step.issued_at < seen_from):
        return Unheeded.BEFORE_PROOF
    if step.step is Step.APPROVE and signed.signer in approvers:
        return Unheeded.TWICE
    return None


def _obstacles(
    proposal: SignedStep,
    counted: dict[Step, list[SignedStep]],
    *,
    board: Board,
    in_force: str | None,
    definitions: str,
    used: Collection[str],
) -> tuple[Obstacle, ...]:
    """List what stands in the way, by the numbers of the module's docstring."""
    enactment, found = proposal.step.enactment, []
    # 1. Who proposed it, and whether it was rejected.
    if counted[Step.REJECT]:
        found.append(Obstacle.REJECTED)
    if not board.may(proposal.signer, Step.PROPOSE):
        found.append(Obstacle.PROPOSER_NOT_ON_BOARD)
    # 2. What is in force now.
    if enactment.digest == in_force:
        found.append(Obstacle.IN_FORCE)
    elif proposal.digest in used:
        found.append(Obstacle.USED)
    elif enactment.replaces != in_force:
        found.append(Obstacle.OVERTAKEN)
    if enactment.definitions != definitions:
        found.append(Obstacle.DEFINITIONS_CHANGED)
    # 3. Proof and comparison.
    found += _about_reports(counted[Step.PROVE], counted[Step.COMPARE], needs_comparison=enactment.replaces is not None)
    # 4. The approvals.
    approvals = len(counted[Step.APPROVE])
    if approvals < APPROVALS:
        found.append(Obstacle.ONE_APPROVAL if approvals else Obstacle.NO_APPROVAL)
    return tuple(found)


def _about_reports(
    proofs: Sequence[SignedStep], comparisons: Sequence[SignedStep], *, needs_comparison: bool
) -> Iterator[Obstacle]:
    if not proofs:
        yield Obstacle.NOT_PROVED
    if _failed(proofs):
        yield Obstacle.PROOF_FAILED
    if not comparisons and needs_comparison:
        yield Obstacle.NOT_COMPARED
    if _failed(comparisons):
        yield Obstacle.COMPARISON_FAILED
    if any(len({signed.step.result for signed in made}) > 1 for made in (proofs, comparisons)):
        yield Obstacle.REPORTS_DIFFER


def _failed(made: Sequence[SignedStep]) -> bool:
    return any(signed.step.outcome is not StepOutcome.OK for signed in made)
