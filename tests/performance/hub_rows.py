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
        many: Messages for `MANY` connections; `few`, `trips` and `alone` for the other plays.
    """

    warm_seconds: float
    seconds: float
    many: int
    few: int
    trips: int
    alone: int


FULL: Final = Scale(warm_seconds=1.5, seconds=6.0, many=11_000, few=6_000, trips=6_000, alone=4_500)
QUICK: Final = Scale(warm_seconds=0.3, seconds=1.0, many=1_500, few=800, trips=1_000, alone=600)


def measure_hub(report: Report, servers: Servers, *, rows: AbstractSet[str], scale: Scale) -> None:
    """Measure the rows that are asked for, on one hub."""
    servers.stack.prepare_hub()
    _measure_start(report, servers, wanted=PROCESS in rows)
    servers.join_pairs()
    if rows & {ACCEPT, RELEASE, PROCESS}:
        _measure_accept_and_release(report, servers, rows=rows, scale=scale)
    if ROUND_TRIP in rows:
        _measure_round_trips(report, servers, scale=scale)
    if PROCESS in rows:
        asyncio.run(_measure_large(report, servers))


# ---- accept, release ----


def _measure_accept_and_release(report: Report, servers: Servers, *, rows: AbstractSet[str], scale: Scale) -> None:
    messages = servers.folder / "messages"
    write_messages(messages, count=2 * scale.many + scale.few, pairs=PAIRS)
    floor_rate = _measure_floor(report, servers, messages, scale=scale) if rows & {ACCEPT, RELEASE} else None
    with watched_memory(servers.hub_pid()) as memory:
        accepted = _play(servers, Play.SUBMIT, messages, part=(0, scale.many), connections=MANY, scale=scale)
    if ACCEPT in rows:
        few = _play(
            servers, Play.SUBMIT, messages, part=(scale.many, scale.many + scale.few), connections=FEW, scale=scale
        )
        _report_accept(report, accepted, few, floor_rate=floor_rate or 0)
        _measure_two(report, servers, messages, first=scale.many + scale.few, scale=scale)
    if PROCESS in rows:
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
        half = accepted.used // 2
        single = _play(servers, Play.RELEASE, messages, part=(0, half), connections=MANY, scale=scale)
        batched = _play(
            servers,
            Play.RELEASE,
            messages,
            part=(half, accepted.used),
            connections=FEW,
            scale=scale,
            batch=RELEASE_BATCH,
        )
        _report_release(report, single, batched, floor_rate=floor_rate or 0)


def _measure_floor(report: Report, servers: Servers, messages: Path, *, scale: Scale) -> float:
    with servers.floor() as (port, pid):
        played = servers.play(
            play=Play.FLOOR,
            ports=(port,),
            pids=(pid,),
            messages=messages,
            first=0,
            last=scale.many + scale.few,
            connections=MANY,
            warm_seconds=scale.warm_seconds,
            seconds=scale.seconds,
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


def _report_accept(report: Report, many: Played, few: Played, *, floor_rate: float) -> None:
    report.add(
        Figure(
            row=ACCEPT,
            name=f"{MANY} connections",
            value=many.rate,
            unit="messages/s",
            budget=ACCEPT_PER_SECOND_MIN,
            of_floor=many.rate / floor_rate,
            detail=_detail(many) | {"elements": ELEMENTS},
        )
    )
    report.add(
        Figure(
            row=ACCEPT,
            name="as a ratio to the floor",
            value=many.rate / floor_rate,
            unit="×",
            budget=ACCEPT_OF_FLOOR_MIN,
        )
    )
    report.add(
        Figure(
            row=ACCEPT,
            name=f"p99, {FEW} connections",
            value=quantile(few.latencies_us, 0.99) / 1000,
            unit="ms",
            budget=ACCEPT_P99_MS_MAX,
            bound=Bound.AT_MOST,
            detail=_detail(few) | {"rate": round(few.rate, 1)},
        )
    )


def _measure_two(report: Report, servers: Servers, messages: Path, *, first: int, scale: Scale) -> None:
    """Accept with as many processes as there are cores: one log, whose order both keep."""
    servers.start_hub(1)
    part = (first, first + scale.many)
    played = _play(servers, Play.SUBMIT, messages, part=part, connections=MANY, scale=scale, hubs=HUBS)
    servers.stop_hub(1)
    report.add(
        Figure(
            row=ACCEPT,
            name=f"{MANY} connections, {HUBS} processes of the hub",
            value=played.rate,
            unit="messages/s",
            detail=_detail(played),
        )
    )


def _report_release(report: Report, single: Played, batched: Played, *, floor_rate: float) -> None:
    report.add(
        Figure(
            row=RELEASE,
            name=f"{MANY} connections, one message a request",
            value=single.rate,
            unit="messages/s",
            budget=RELEASE_PER_SECOND_MIN,
            of_floor=single.rate / floor_rate,
            detail=_detail(single),
        )
    )
    report.add(
        Figure(
            row=RELEASE,
            name=f"{FEW} connections, {RELEASE_BATCH} messages a request",
            value=batched.rate,
            unit="messages/s",
            of_floor=batched.rate / floor_rate,
            detail=_detail(batched),
        )
    )


# ---- round trip ----


def _measure_round_trips(report: Report, servers: Servers, *, scale: Scale) -> None:
    messages, alone = servers.folder / "trips", servers.folder / "alone"
    write_messages(messages, count=scale.trips, pairs=PAIRS)
    write_messages(alone, count=scale.alone, pairs=1)
    many = _play(servers, Play.ROUND_TRIP, messages, part=(0, scale.trips), connections=PAIRS, scale=scale)
    one = _play(servers, Play.ROUND_TRIP, alone, part=(0, scale.alone), connections=ONE_PAIR_UNDER_WAY, scale=scale)
    single = _play(servers, Play.ROUND_TRIP, alone, part=(one.used, scale.alone), connections=1, scale=scale)
    for name, played, rate_min, share, ms_max in (
        (f"{PAIRS} pairs", many, TRIPS_PER_SECOND_MIN, 0.99, TRIPS_P99_MS_MAX),
        ("one pair", one, ONE_PAIR_PER_SECOND_MIN, 0.5, ONE_PAIR_P50_MS_MAX),
        ("one pair, one message at a time", single, None, 0.5, None),
    ):
        detail = _detail(played)
        report.add(
            Figure(row=ROUND_TRIP, name=name, value=played.rate, unit="messages/s", budget=rate_min, detail=detail)
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
    taken = [servers.start_hub()]
    if not wanted:
        return
    for _ in range(STARTS - 1):
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


# ---- playing ----


def _play(
    servers: Servers,
    play: Play,
    messages: Path,
    *,
    part: tuple[int, int],
    connections: int,
    scale: Scale,
    batch: int = 1,
    hubs: int = 1,
) -> Played:
    played = servers.play(
        play=play,
        ports=servers.stack.ports[:hubs],
        pids=[servers.hub_pid(number) for number in range(hubs)],
        messages=messages,
        first=part[0],
        last=part[1],
        connections=connections,
        warm_seconds=0.0 if batch > 1 else scale.warm_seconds,
        seconds=scale.seconds,
        batch=batch,
    )
    if not played.measured:
        raise BenchError(f"`{play}` used up its messages before it was warm")
    return played


def _detail(played: Played) -> Facts:
    return {
        "measured": played.measured,
        "seconds": round(played.seconds, 2),
        "request_bytes": played.request_bytes,
        "p50_ms": round(quantile(played.latencies_us, 0.5) / 1000, 2),
        "p99_ms": round(quantile(played.latencies_us, 0.99) / 1000, 2),
        **{f"{name}_cpu_us": round(seconds / played.used * 1e6) for name, seconds in played.cpu_seconds.items()},
    }
