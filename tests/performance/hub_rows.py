"""Rows *accept*, *release*, *round trip* and *hub process*: a hub under load, on the same cores as the load."""

import asyncio
import statistics
import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from deploy.local.stack import running_stack
from schemas.clock import SystemClock
from schemas.codes import Role
from schemas.randomness import SystemRandomness
from schemas.wire import encode_submission
from tests.performance.figures import Bound, Facts, Figure, Report, quantile
from tests.performance.load import Play, Played
from tests.performance.pairs import (
    ELEMENTS,
    PAIRS,
    bench_document,
    make_template,
    pair,
    reissue,
    with_attachment,
    write_messages,
)
from tests.performance.servers import HUBS, BenchError, Servers, watched_memory

ACCEPT: Final = "accept"
RELEASE: Final = "release"
ROUND_TRIP: Final = "round trip"
PROCESS: Final = "hub process"

MB: Final = 1_000_000
ACCEPT_PER_SECOND_MIN: Final = 1000
ACCEPT_P99_MS_MAX: Final = 20.0
ACCEPT_OF_FLOOR_MIN: Final = 0.45
RELEASE_PER_SECOND_MIN: Final = 1000
TRIPS_PER_SECOND_MIN: Final = 500
TRIPS_P99_MS_MAX: Final = 50.0
ONE_PAIR_PER_SECOND_MIN: Final = 250
ONE_PAIR_P50_MS_MAX: Final = 6.0
MEMORY_MB_MAX: Final = 150
MEMORY_OF_FLIGHT_MAX: Final = 4
START_SECONDS_MAX: Final = 2.0
STACK_SECONDS_MAX: Final = 15.0

MANY: Final = 64
FEW: Final = 8
RELEASE_BATCH: Final = 10
ONE_PAIR_UNDER_WAY: Final = 2
"""Messages that one pair has under way: with one, 250 a second would need 4 ms, and 6 ms are allowed."""
LARGE_BODIES: Final = 4
LARGE_BYTES: Final = 8 * 1024 * 1024
STARTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How long is measured, and for how many messages that must suffice.

    Attributes:
        warm_seconds: Played before measuring.
        seconds: Measured.
        many: Messages for `MANY` connections, for each number of processes; `few`, `trips` and `alone` for the others.
    """

    warm_seconds: float
    seconds: float
    many: int
    few: int
    trips: int
    alone: int


FULL: Final = Scale(warm_seconds=1.5, seconds=6.0, many=9_000, few=6_000, trips=5_000, alone=4_500)
QUICK: Final = Scale(warm_seconds=0.3, seconds=1.0, many=1_500, few=800, trips=1_000, alone=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What is measured with, made before anything is.

    Attributes:
        servers: The hub and the load client.
        scale: How long.
        messages: Messages between all pairs; each process count submits its own part.
        trips: Messages for round trips between all pairs.
        alone: Messages of one pair.
    """

    servers: Servers
    scale: Scale
    messages: Path
    trips: Path
    alone: Path

    def play(
        self, play: Play, messages: Path, *, part: tuple[int, int], connections: int, hubs: int = 1, batch: int = 1
    ) -> Played:
        """Let the load client play a part of a file to the first processes of the hub.

        Raises:
            BenchError: The messages were used up too early.
        """
        played = self.servers.play(
            play=play,
            ports=self.servers.stack.ports[:hubs],
            pids=[self.servers.hub_pid(number) for number in range(hubs)],
            messages=messages,
            first=part[0],
            last=part[1],
            connections=connections,
            warm_seconds=0.0 if batch > 1 else self.scale.warm_seconds,
            seconds=self.scale.seconds,
            batch=batch,
        )
        if not played.measured:
            raise BenchError(f"`{play}` used up its messages before it was warm")
        return played


def measure_hub(report: Report, servers: Servers, *, rows: AbstractSet[str], scale: Scale) -> None:
    """Measure the rows that are asked for: with one process of the hub, then with as many as there are cores."""
    servers.stack.prepare_hub()
    _measure_start(report, servers, wanted=PROCESS in rows)
    servers.join_pairs()
    loads = Loads(
        servers=servers,
        scale=scale,
        messages=servers.folder / "messages",
        trips=servers.folder / "trips",
        alone=servers.folder / "alone",
    )
    submitting = bool(rows & {ACCEPT, RELEASE, PROCESS})
    if submitting:
        write_messages(loads.messages, count=HUBS * scale.many + scale.few, pairs=PAIRS)
    if ROUND_TRIP in rows:
        write_messages(loads.trips, count=HUBS * scale.trips, pairs=PAIRS)
        write_messages(loads.alone, count=scale.alone, pairs=1)
    floor_rate = _measure_floor(report, loads) if rows & {ACCEPT, RELEASE} else 0.0
    for hubs in range(1, HUBS + 1):
        if hubs > 1 and rows & {ACCEPT, RELEASE, ROUND_TRIP}:
            servers.start_hub(hubs - 1)
        if submitting:
            _measure_accept_and_release(report, loads, rows=rows, hubs=hubs, floor_rate=floor_rate)
        if ROUND_TRIP in rows:
            _measure_round_trips(report, loads, hubs=hubs)
    if PROCESS in rows:
        asyncio.run(_measure_large(report, servers))


def _named(name: str, hubs: int) -> str:
    return name if hubs == 1 else f"{name}, {hubs} processes"


# ---- accept, release ----


def _measure_accept_and_release(
    report: Report, loads: Loads, *, rows: AbstractSet[str], hubs: int, floor_rate: float
) -> None:
    if hubs > 1 and not rows & {ACCEPT, RELEASE}:
        return
    many = loads.scale.many
    first = (hubs - 1) * many
    with watched_memory(loads.servers.hub_pid()) as memory:
        accepted = loads.play(Play.SUBMIT, loads.messages, part=(first, first + many), connections=MANY, hubs=hubs)
    if ACCEPT in rows:
        _report_accept(report, accepted, hubs=hubs, floor_rate=floor_rate)
    if ACCEPT in rows and hubs == 1:
        rest = HUBS * many
        _report_few(
            report, loads.play(Play.SUBMIT, loads.messages, part=(rest, rest + loads.scale.few), connections=FEW)
        )
    if PROCESS in rows and hubs == 1:
        report.add(
            Figure(
                row=PROCESS,
                name=f"resident, {MANY} connections",
                value=memory.peak_bytes / MB,
                unit="MB",
                budget=MEMORY_MB_MAX,
                bound=Bound.AT_MOST,
            )
        )
    if RELEASE in rows:
        _measure_release(report, loads, part=(first, first + accepted.used), hubs=hubs, floor_rate=floor_rate)


def _measure_release(report: Report, loads: Loads, *, part: tuple[int, int], hubs: int, floor_rate: float) -> None:
    """Release what was accepted: half of it one by one, and the rest in batches."""
    half = (part[0] + part[1]) // 2
    single = loads.play(Play.RELEASE, loads.messages, part=(part[0], half), connections=MANY, hubs=hubs)
    batched = loads.play(
        Play.RELEASE, loads.messages, part=(half, part[1]), connections=FEW, hubs=hubs, batch=RELEASE_BATCH
    )
    for name, played, budget in (
        (f"{MANY} connections, one a request", single, RELEASE_PER_SECOND_MIN),
        (f"{FEW} connections, {RELEASE_BATCH} a request", batched, None),
    ):
        report.add(
            Figure(
                row=RELEASE,
                name=_named(name, hubs),
                value=played.rate,
                unit="messages/s",
                budget=budget,
                of_floor=played.rate / floor_rate,
                detail=_detail(played),
            )
        )


def _measure_floor(report: Report, loads: Loads) -> float:
    with loads.servers.floor() as (port, pid):
        played = loads.servers.play(
            play=Play.FLOOR,
            ports=(port,),
            pids=(pid,),
            messages=loads.messages,
            first=0,
            last=HUBS * loads.scale.many + loads.scale.few,
            connections=MANY,
            warm_seconds=loads.scale.warm_seconds,
            seconds=loads.scale.seconds,
        )
    report.add(
        Figure(
            row=ACCEPT,
            name=f"floor: verify and commit, {MANY} connections",
            value=played.rate,
            unit="messages/s",
            detail=_detail(played),
        )
    )
    return played.rate


def _report_accept(report: Report, played: Played, *, hubs: int, floor_rate: float) -> None:
    report.add(
        Figure(
            row=ACCEPT,
            name=_named(f"{MANY} connections", hubs),
            value=played.rate,
            unit="messages/s",
            budget=ACCEPT_PER_SECOND_MIN,
            of_floor=played.rate / floor_rate,
            detail=_detail(played) | {"elements": ELEMENTS},
        )
    )
    if hubs == 1:
        # The floor is one process too.
        report.add(
            Figure(
                row=ACCEPT,
                name="as a ratio to the floor",
                value=played.rate / floor_rate,
                unit="×",
                budget=ACCEPT_OF_FLOOR_MIN,
            )
        )


def _report_few(report: Report, played: Played) -> None:
    report.add(
        Figure(
            row=ACCEPT,
            name=f"p99, {FEW} connections",
            value=quantile(played.latencies_us, 0.99) / 1000,
            unit="ms",
            budget=ACCEPT_P99_MS_MAX,
            bound=Bound.AT_MOST,
            detail=_detail(played) | {"rate": round(played.rate, 1)},
        )
    )


# ---- round trip ----


def _measure_round_trips(report: Report, loads: Loads, *, hubs: int) -> None:
    trips = loads.scale.trips
    part = ((hubs - 1) * trips, hubs * trips)
    many = loads.play(Play.ROUND_TRIP, loads.trips, part=part, connections=PAIRS, hubs=hubs)
    name = _named(f"{PAIRS} pairs", hubs)
    _report_trips(report, many, name=name, rate_min=TRIPS_PER_SECOND_MIN, share=0.99, ms_max=TRIPS_P99_MS_MAX)
    if hubs > 1:
        return
    alone = loads.scale.alone
    two = loads.play(Play.ROUND_TRIP, loads.alone, part=(0, alone), connections=ONE_PAIR_UNDER_WAY)
    one = loads.play(Play.ROUND_TRIP, loads.alone, part=(two.used, alone), connections=1)
    name = "one pair"
    _report_trips(report, two, name=name, rate_min=ONE_PAIR_PER_SECOND_MIN, share=0.5, ms_max=ONE_PAIR_P50_MS_MAX)
    _report_trips(report, one, name="one pair, one at a time", rate_min=None, share=0.5, ms_max=None)


def _report_trips(
    report: Report, played: Played, *, name: str, rate_min: float | None, share: float, ms_max: float | None
) -> None:
    report.add(
        Figure(
            row=ROUND_TRIP,
            name=name,
            value=played.rate,
            unit="messages/s",
            budget=rate_min,
            detail=_detail(played),
        )
    )
    report.add(
        Figure(
            row=ROUND_TRIP,
            name=f"{name}, p{int(share * 100)}",
            value=quantile(played.latencies_us, share) / 1000,
            unit="ms",
            budget=ms_max,
            bound=Bound.AT_MOST,
        )
    )


# ---- the process ----


def _measure_start(report: Report, servers: Servers, *, wanted: bool) -> None:
    servers.start_hub()  # once, to bring the board's catalogue into force
    if not wanted:
        return
    taken: list[float] = []
    for _ in range(STARTS):
        servers.stop_hub()
        taken.append(servers.start_hub())
    report.add(
        Figure(
            row=PROCESS,
            name="start, until it is ready",
            value=statistics.median(taken),
            unit="s",
            budget=START_SECONDS_MAX,
            bound=Bound.AT_MOST,
            detail={"starts": len(taken)},
        )
    )


async def _measure_large(report: Report, servers: Servers) -> None:
    """Submit large messages at once, and see what the hub holds meanwhile."""
    from tests.support.hub_server import HubParticipant

    party, at, randomness = pair(0).sender, SystemClock().now(), SystemRandomness()
    template = make_template(with_attachment(bench_document(), size=LARGE_BYTES), at=at)
    bodies = [
        encode_submission(reissue(template, between=pair(0), at=at, randomness=randomness)[1])
        for _ in range(LARGE_BODIES)
    ]
    async with aiohttp.ClientSession() as session:
        participant = HubParticipant(
            oin=party.oin,
            role=Role.GEMEENTE,
            session=session,
            url=servers.stack.url,
            issuer=servers.stack.url,
            signing=party.signing,
            sealing=party.sealing,
        )
        await participant.authenticate()
        with watched_memory(servers.hub_pid()) as memory:
            answers = await asyncio.gather(
                *(
                    participant.call("POST", "/v1/messages", body=body, content_type=content_type)
                    for content_type, body in bodies
                )
            )
    for answer in answers:
        if answer.status != 202:
            raise BenchError(f"a large message was refused: {answer.body[:300].decode(errors='replace')}")
    flight = sum(len(body) for _, body in bodies)
    report.add(
        Figure(
            row=PROCESS,
            name=f"resident, {LARGE_BODIES} bodies of {len(bodies[0][1]) / MB:.1f} MB at once",
            value=memory.peak_bytes / MB,
            unit="MB",
            budget=round(MEMORY_MB_MAX + MEMORY_OF_FLIGHT_MAX * flight / MB, 1),
            bound=Bound.AT_MOST,
            detail={"in_flight_mb": round(flight / MB, 1)},
        )
    )


def measure_stack(report: Report, folder: Path) -> None:
    """Start the local stack from nothing, connectors and all."""
    started = time.perf_counter()
    with running_stack(folder / "stack"):
        report.add(
            Figure(
                row=PROCESS,
                name="local stack from nothing",
                value=time.perf_counter() - started,
                unit="s",
                budget=STACK_SECONDS_MAX,
                bound=Bound.AT_MOST,
            )
        )


def _detail(played: Played) -> Facts:
    return {
        "measured": played.measured,
        "seconds": round(played.seconds, 2),
        "request_bytes": played.request_bytes,
        "p50_ms": round(quantile(played.latencies_us, 0.5) / 1000, 2),
        "p99_ms": round(quantile(played.latencies_us, 0.99) / 1000, 2),
        "others_share": round(played.others_share, 2),
        **{f"{name}_cpu_us": round(seconds / played.used * 1e6) for name, seconds in played.cpu_seconds.items()},
    }
