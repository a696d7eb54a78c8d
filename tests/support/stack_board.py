"""The board of the local stack, as its members act after the first catalogue: they propose and approve another one.

    bring_into_force(office.stack, catalogue)     # signs with the keys in the stack's home, and sends it by the command

The report of the proof is a text of its own here: a real one takes a minute, and the hub holds it against its digest
only.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from consent.cli.dossier import digest_of
from consent.grounds import Catalogue
from deploy.local.stack import Stack
from schemas.board import CatalogueStep, Enactment, Step, StepOutcome, step_to_payload
from schemas.canonical import canonical_json
from schemas.civil_day import civil_day
from schemas.clock import SystemClock
from schemas.codes import TokenType
from schemas.definitions import load_definitions
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import SystemRandomness, new_message_id
from tests.support.stack import run

_CLOCK: Final = SystemClock()
_BY: Final = (
    (Step.PROPOSE, "indiener"),
    (Step.PROVE, "indiener"),
    (Step.COMPARE, "indiener"),
    (Step.APPROVE, "goedkeurder-1"),
    (Step.APPROVE, "goedkeurder-2"),
)


def bring_into_force(stack: Stack, catalogue: Catalogue, *, replaces: Catalogue) -> None:
    """Let the board of the stack replace a catalogue from today on."""
    board, dossier = stack.home / "board", stack.home / "board" / f"dossier-{catalogue.version}"
    day = civil_day(_CLOCK.now())
    assert day is not None
    enactment = Enactment(
        digest=catalogue.digest,
        version=catalogue.version,
        replaces=replaces.digest,
        definitions=load_definitions().digest,
        valid_from=day,
    )
    proposal: CatalogueStep | None = None
    for kind, member in _BY:
        step = _step(kind, enactment, proposal, dossier)
        proposal = proposal or step
        key = SigningKey.from_pem((board / member / "member.pem").read_bytes())
        token = sign_jws(step_to_payload(step), typ=TokenType.CATALOGUE_STEP, key=key)
        _write(dossier / f"{step.id.value}.jwt", token.encode())
        time.sleep(0.002)  # the ids of two milliseconds are in order
    _write(dossier / "catalogues" / f"{catalogue.digest}.toml", catalogue.data)
    registrar = stack.home / "registrar" / "registrar.jwk.json"
    words = ("--dossier", dossier, "--board", board / "board.jwt", "--registrar", registrar, "--hub", stack.url)
    run("ketenhub-policy", "send", *words)


def _step(kind: Step, enactment: Enactment, proposal: CatalogueStep | None, dossier: Path) -> CatalogueStep:
    at = _CLOCK.now()
    made = CatalogueStep(
        id=new_message_id(at=at, randomness=SystemRandomness()),
        issued_at=int(at.timestamp()),
        step=kind,
        proposal=proposal.id if proposal else None,
        enactment=enactment,
    )
    if kind not in (Step.PROVE, Step.COMPARE):
        return made
    report = canonical_json({"report": kind.value})
    _write(dossier / "reports" / f"{digest_of(report)}.json", report)
    return replace(made, result=digest_of(report), outcome=StepOutcome.OK)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
