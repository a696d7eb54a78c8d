"""Telling how proposals stand: for people, Dutch first, and as JSON."""

import json
from collections.abc import Sequence
from typing import Final

from consent.cli.reports import print_both
from consent.lifecycle import Standing
from consent.reasons import Told
from schemas.board import SignedStep, Step, StepOutcome
from schemas.document import JSONValue

SIGNED_NL: Final = {
    Step.PROPOSE: "voorgesteld",
    Step.PROVE: "bewezen",
    Step.COMPARE: "vergeleken",
    Step.APPROVE: "goedgekeurd",
    Step.ADVISE: "geadviseerd",
    Step.REJECT: "verworpen",
}
SIGNED_EN: Final = {
    Step.PROPOSE: "proposed",
    Step.PROVE: "proved",
    Step.COMPARE: "compared",
    Step.APPROVE: "approved",
    Step.ADVISE: "advised",
    Step.REJECT: "rejected",
}


def print_json(result: JSONValue) -> None:
    """Print a result as one line of JSON."""
    print(json.dumps(result, ensure_ascii=False))


def print_standings(found: Sequence[Standing], *, as_json: bool) -> None:
    """Print how every proposal stands, the oldest first."""
    if as_json:
        print_json({"proposals": [standing_json(standing) for standing in found]})
        return
    if not found:
        print_both("er is geen voorstel", "there is no proposal")
    for standing in found:
        _print_standing(standing)


def standing_json(standing: Standing) -> JSONValue:
    """Write how a proposal stands, as JSON."""
    enactment, day = standing.enactment, standing.enacts_from
    return {
        "proposal": standing.proposal.step.id.value,
        "version": enactment.version,
        "digest": enactment.digest,
        "of": enactment.replaces,
        "definitions": enactment.definitions,
        "from": enactment.valid_from.isoformat(),
        "proofs": _steps_json(standing.proofs),
        "comparisons": _steps_json(standing.comparisons),
        "approvals": _steps_json(standing.approvals),
        "advice": _steps_json(standing.advice),
        "rejections": _steps_json(standing.rejections),
        "unheeded": [{**_step_json(signed), "why": _told_json(why)} for signed, why in standing.unheeded],
        "obstacles": [_told_json(obstacle) for obstacle in standing.obstacles],
        "enacts_from": day.isoformat() if day else None,
    }


def _steps_json(steps: Sequence[SignedStep]) -> list[JSONValue]:
    return [_step_json(signed) for signed in steps]


def _step_json(signed: SignedStep) -> dict[str, JSONValue]:
    step = signed.step
    return {
        "id": step.id.value,
        "step": step.step.value,
        "signer": signed.signer.value,
        "result": step.result,
        "outcome": step.outcome.value if step.outcome else None,
    }


def _told_json(told: Told) -> JSONValue:
    return {"code": told.value, "nl": told.nl, "en": told.en}


def _print_standing(standing: Standing) -> None:
    enactment, day = standing.enactment, standing.enactment.valid_from.isoformat()
    print_both(
        f"catalogus {enactment.version}, voorgesteld vanaf {day}", f"catalogue {enactment.version}, proposed from {day}"
    )
    print(f"    {standing.proposal.step.id.value}")
    print(f"    {enactment.digest}")
    counted = len(standing.approvals)
    print_both(
        f"bewezen {len(standing.proofs)}×, vergeleken {len(standing.comparisons)}×, goedgekeurd {counted}×",
        f"proved {len(standing.proofs)}×, compared {len(standing.comparisons)}×, approved {counted}×",
        indent=4,
    )
    for signed in standing.advice:
        against = signed.step.outcome is StepOutcome.NOT_OK
        print_both(
            f"advies van de FG: {'negatief' if against else 'positief'} ({signed.step.result})",
            f"advice of the FG: {'against' if against else 'for'} ({signed.step.result})",
            indent=4,
        )
    for signed, why in standing.unheeded:
        print_both(f"telt niet: {signed.step.id.value}: {why.nl}", f"not counted: {why.en}", indent=4)
    for obstacle in standing.obstacles:
        print_both(f"in de weg: {obstacle.nl}", f"in the way: {obstacle.en}", indent=4)
    if not standing.obstacles:
        print_both(f"kan in werking treden op {day}", f"may come into force on {day}", indent=4)
