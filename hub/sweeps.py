"""What any hub process does besides requests.

It brings a catalogue into force on its day, expires what nobody collected, reminds of terms and forgets what is past.
Nothing else depends on when a sweep comes: release refuses by the clock. Several processes may sweep at once; the
second finds nothing or loses.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from hub.enforcement import Proof, judge
from hub.exchange.enacting import enact
from hub.exchange.expiry import expire
from hub.exchange.review import REVIEWS_MAX
from hub.exchange.services import Services
from hub.exchange.settled import SUPERVISED
from hub.exchange.stages import Arrival
from hub.exchange.terms import remind
from hub.logs import Event, places, record
from hub.web.metrics import Metrics
from schemas.codes import Role
from schemas.errors import EvidenceError, ExchangeError

FORGET_AT_ONCE_MAX: Final = 1000
ROUNDS_MAX: Final = 100


async def sweep(*, at: datetime, services: Services) -> tuple[int, int]:
    """Sweep once; returns how many messages expired and how many stored things were dropped.

    Raises:
        UnavailableError: The database is away, or its clock contradicts ours; a later sweep does it.
        EvidenceError: The log contradicts itself.
    """
    arrival = Arrival(at=at, trace_id=services.randomness.bytes(16).hex(), span_id=services.randomness.bytes(8).hex())
    await services.log.check_clock()
    await enact(arrival=arrival, services=services)
    await remind(arrival=arrival, services=services)
    expired = forgotten = 0
    for _ in range(ROUNDS_MAX):
        found = await expire(arrival=arrival, services=services)
        expired += found
        if not found:
            break
    for _ in range(ROUNDS_MAX):
        found = await services.store.forget_past(at=arrival.seconds, limit=FORGET_AT_ONCE_MAX)
        forgotten += found
        if found < FORGET_AT_ONCE_MAX:
            break
    return expired, forgotten


def alarm(*, at: datetime, silence_seconds: int, services: Services) -> None:
    """Say again that the hub is stopped, or that nothing proves its decisions: until somebody acts, at each sweep.

    Where no canary was ever admitted there is nothing to say: `/readyz` and the metrics tell it.
    """
    world = services.worlds.current()
    proof = judge(world.enforcement, participants=world.directory, at=at, silence_seconds=silence_seconds)
    if proof is Proof.STOPPED and world.enforcement.stop is not None:
        stop = world.enforcement.stop
        record(Event.ENFORCEMENT_STOPPED, level=logging.CRITICAL, index=stop.index, participant=stop.canary.value)
    elif proof is Proof.OVERDUE:
        record(Event.ENFORCEMENT_UNPROVED, level=logging.WARNING)


async def look_for_supervisor(*, at: datetime, services: Services) -> None:
    """Say that something waits for a supervisor where none takes part: until then nobody closes it.

    Raises:
        UnavailableError: The database is away.
    """
    directory = services.worlds.current().directory
    if any(each.role is Role.TOEZICHTHOUDER and each.in_force(at) for each in directory):
        return
    after = -1
    for _ in range(ROUNDS_MAX):
        page = await services.attention.reviews(None, after=after, limit=REVIEWS_MAX)
        waiting = next((each for each in page if each.mark in SUPERVISED), None)
        if waiting is not None:
            record(Event.REVIEWS_UNSUPERVISED, level=logging.WARNING, index=waiting.index)
        if waiting is not None or len(page) < REVIEWS_MAX:
            return
        after = page[-1].number


async def keep_sweeping(
    *,
    silence_seconds: int,
    every_seconds: float,
    now: Callable[[], datetime],
    services: Services,
    metrics: Metrics,
    contradicted: Callable[[EvidenceError], None],
) -> None:
    """Sweep again and again until cancelled, and say what needs somebody.

    Args:
        silence_seconds: How long ago the newest refusal of a canary may be.
        every_seconds: How long to wait between two sweeps.
        now: Reads the clock.
        services: What the use cases work with.
        metrics: Counts what was swept.
        contradicted: Told when the log contradicts itself; nothing is swept after that.
    """
    while True:
        await asyncio.sleep(every_seconds)
        try:
            alarm(at=now(), silence_seconds=silence_seconds, services=services)
            await look_for_supervisor(at=now(), services=services)
            expired, forgotten = await sweep(at=now(), services=services)
        except EvidenceError as error:
            contradicted(error)
            return
        except ExchangeError as error:
            record(Event.SWEEP_FAILED, level=logging.WARNING, code=error.code, detail=error.detail)
            continue
        except Exception as error:  # noqa: BLE001 - our own mistake must not end the sweeps of this process
            record(Event.SWEEP_FAILED, level=logging.ERROR, error=type(error).__name__, where=places(error))
            continue
        if expired or forgotten:
            metrics.sweeps.labels("expired").inc(expired)
            metrics.sweeps.labels("forgotten").inc(forgotten)
            record(Event.SWEEP_DONE, count=expired, size=forgotten)
