"""`canary once | run | status`: send what every hub must refuse, and say so loudly when it is not refused.

Only the home of a participant that the registrar admitted as a canary can do this (`init --canary`). Exit codes of
`once`: 0 all refused for their own reasons · 1 refused otherwise, or nothing could be sent · 3 accepted: call the
hub's operator and the registrar · 75 the hub was not reached.
"""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from connectors.agent.canaries import Round, Verdict, canary_round, heed, last_round
from connectors.agent.events import Event, say
from connectors.agent.lock import AlreadyRunningError, locked
from connectors.agent.reminding import hear_notices
from connectors.agent.services import Services
from connectors.agent.troubles import LoopHealth
from connectors.cli.common import EXIT_EVIDENCE, EXIT_REFUSED, EXIT_UNAVAILABLE, CommandError
from connectors.cli.opening import opened
from connectors.cli.stopping import already, stop_on_signals
from connectors.sdk.canaries import NoCanaryError
from schemas.errors import EvidenceError, UnavailableError

EVERY_SECONDS_MIN: Final = 15.0
"""The hub logs at most 60 refusals of a participant in a minute: more often proves nothing more."""

_CODES: Final = {
    Verdict.REFUSED: 0,
    Verdict.OTHERWISE: EXIT_REFUSED,
    Verdict.NOT_SENT: EXIT_REFUSED,
    Verdict.UNKNOWN: EXIT_UNAVAILABLE,
    Verdict.ACCEPTED: EXIT_EVIDENCE,
}
_SAID: Final = {
    Verdict.REFUSED: ("geweigerd, zoals het moet", "refused, as it must be"),
    Verdict.OTHERWISE: ("GEWEIGERD OM EEN ANDERE REDEN", "REFUSED FOR ANOTHER REASON"),
    Verdict.ACCEPTED: (
        "AANGENOMEN: bel de beheerder van de hub en de registrar",
        "ACCEPTED: call operator and registrar",
    ),
    Verdict.UNKNOWN: ("niet bekend: de hub antwoordde niet", "not known: the hub did not answer"),
    Verdict.NOT_SENT: ("niet verstuurd: niemand om het aan te richten, of niet voor deze rol", "not sent"),
}


async def once(home: Path, *, as_json: bool) -> int:
    """Send each kind once, and show what came of it."""
    async with _working(home) as services:
        done = await _round(services)
    _show(done, as_json=as_json)
    return _CODES[done.worst]


async def keep_sending(home: Path, *, every_seconds: float) -> None:
    """Send each kind again and again until SIGTERM, SIGINT or, on Windows, Ctrl-C or Ctrl-Break.

    Raises:
        CommandError: This is no canary, another process works on this home, or the pause is too short.
    """
    if every_seconds < EVERY_SECONDS_MIN:
        text = f"{EVERY_SECONDS_MIN:.0f}"
        raise CommandError(f"ten minste {text} seconden tussen twee rondes", f"at least {text} seconds between rounds")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with _working(home) as services:
        print(f"De kanarie {services.settings.name} werkt in {home}.", flush=True)
        print(f"The canary {services.settings.name} works in {home}.", flush=True)
        health = LoopHealth(services, about="canary", nl="Kanaries versturen", en="Sending canaries")
        while not stop.is_set():
            try:
                done = await _round(services)
                await hear_notices(services)
                heed(done, health)
            except (UnavailableError, EvidenceError) as error:
                say(Event.ROUND_FAILED, level=logging.ERROR, code=error.code)
                health.failed(error.code)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_seconds)


async def status(home: Path, *, as_json: bool) -> int:
    """Show what came of the newest round."""
    async with opened(home) as services:
        done = last_round(services)
    if done is None:
        raise CommandError("er is nog geen kanarie verstuurd", "no canary was sent yet")
    _show(done, as_json=as_json)
    return _CODES[done.worst]


@contextlib.asynccontextmanager
async def _working(home: Path) -> AsyncIterator[Services]:
    """Work on a home that nobody else works on."""
    try:
        with locked(home):
            async with opened(home) as services:
                yield services
    except AlreadyRunningError as error:
        raise already(home) from error


async def _round(services: Services) -> Round:
    try:
        return await canary_round(services)
    except NoCanaryError as error:
        raise CommandError(
            "de registrar heeft deze deelnemer niet als kanarie toegelaten (`init --canary`, `admit --canary`)",
            "the registrar did not admit this participant as a canary (`init --canary`, `admit --canary`)",
        ) from error


def _show(done: Round, *, as_json: bool) -> None:
    if as_json:
        outcomes = [{"kind": each.kind, "verdict": each.verdict.value, "detail": each.detail} for each in done.outcomes]
        print(json.dumps({"at": int(done.at.timestamp()), "worst": done.worst.value, "outcomes": outcomes}))
        return
    print(f"{done.at:%Y-%m-%d %H:%M:%S} UTC")
    for each in done.outcomes:
        nl, en = _SAID[each.verdict]
        detail = f" ({each.detail})" if each.detail else ""
        print(f"  {each.kind}: {nl} / {en}{detail}")
