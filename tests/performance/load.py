"""The load client: a process of its own that plays prepared messages, and signs releases and receipts while it runs.

    python -m tests.performance.load JOB.json        # writes what it measured to the file that the job names

It does not map, seal or open; it does read what it must answer to, and stops at the first answer that is not as it
must be: a rate of refusals is no rate. Each connection has one request under way at a time.

    submit        POST /v1/messages
    release       POST /v1/releases, `batch` messages a request, and nothing but messages of one pair
    round-trip    all three calls for one message, one after the other
    floor         the same body as `submit`, to the floor
"""

import argparse
import asyncio
import gc
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson

from schemas.clock import SystemClock
from schemas.codes import TokenType
from schemas.identifiers import MessageId
from schemas.jws import sign_jws
from schemas.randomness import SystemRandomness, new_message_id
from schemas.requests import Outcome, ReceiptClaims, ReleaseClaims, receipt_to_payload, release_to_payload
from tests.performance.http_client import AnswerError, Connection
from tests.performance.pairs import HUB, Prepared, pair, read_messages

JSON: Final = "application/json"
JOSE: Final = "application/jose"
CLOCK: Final = SystemClock()
RANDOMNESS: Final = SystemRandomness()


class Play(StrEnum):
    """What is played."""

    SUBMIT = "submit"
    RELEASE = "release"
    ROUND_TRIP = "round-trip"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to play.

    Attributes:
        play: Which calls.
        ports: Where the hub's processes listen, on this machine; connections take them in turns.
        messages: File of messages, see `tests.performance.pairs`.
        first: First message of the file to play.
        last: One beyond the last; the play ends when they are used up.
        connections: How many requests are under way at once.
        warm_seconds: Played before measuring.
        seconds: Measured.
        batch: Messages in one release request.
        result: File to write to.
    """

    play: Play
    ports: tuple[int, ...]
    messages: Path
    first: int
    last: int
    connections: int
    warm_seconds: float
    seconds: float
    result: Path
    batch: int = 1

    def to_json(self) -> bytes:
        """Write the job."""
        return orjson.dumps({**asdict(self), "messages": str(self.messages), "result": str(self.result)})


def parse_job(data: bytes) -> Job:
    """Read a job that `Job.to_json` wrote."""
    members = orjson.loads(data)
    paths = {name: Path(members[name]) for name in ("messages", "result")}
    return Job(**members | paths | {"play": Play(members["play"]), "ports": tuple(members["ports"])})


@dataclass(slots=True, kw_only=True)
class Played:
    """What was measured.

    Attributes:
        used: Messages taken from the file; every one of them was answered.
        measured: Messages whose answer came while measuring.
        seconds: How long was measured.
        latencies_us: Microseconds of each request, or each round trip, that ended while measuring.
        cpu_seconds: Processor time that was used for all messages, by whom: the load client here, others by who asks.
        request_bytes: Bytes of one request's body.
        others_share: Share of all processors that others used meanwhile; set by who asks.
    """

    used: int = 0
    measured: int = 0
    seconds: float = 0.0
    latencies_us: list[int] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    request_bytes: int = 0
    others_share: float = 0.0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.measured / self.seconds if self.seconds else 0.0


Step = Callable[[Connection, list[Prepared]], Awaitable[None]]


async def submit(connection: Connection, messages: list[Prepared]) -> None:
    """Submit one message."""
    (await connection.post("/v1/messages", JSON, messages[0].body)).expect(202)


async def floor(connection: Connection, messages: list[Prepared]) -> None:
    """Give the floor the same bytes, and say whose they are."""
    prepared = messages[0]
    answer = await connection.post("/floor", JSON, prepared.body, headers=f"X-Pair: {prepared.pair}\r\n")
    answer.expect(202)


async def release(connection: Connection, messages: list[Prepared]) -> None:
    """Release messages of one recipient."""
    released = await _release(connection, messages)
    if released.count(b'"tlog_proof"') != len(messages):
        raise AnswerError(f"not everything was released: {released[-600:].decode(errors='replace')}")


async def round_trip(connection: Connection, messages: list[Prepared]) -> None:
    """Submit one message, release it, and give the receipt."""
    await submit(connection, messages)
    released = orjson.loads(await _release(connection, messages))["releases"]
    if len(released) != 1:
        raise AnswerError("the message was not released")
    entry = orjson.loads(released[0]["entry"])
    party = pair(messages[0].pair).recipient
    claims = ReceiptClaims(
        issuer=party.oin,
        id=new_message_id(at=CLOCK.now(), randomness=RANDOMNESS),
        issued_at=int(time.time()),
        hub=HUB,
        message_id=MessageId(messages[0].id),
        message=entry["message"],
        released=entry["released"],
        index=released[0]["index"],
        outcome=Outcome.ACCEPTED,
        reasons=(),
    )
    token = sign_jws(receipt_to_payload(claims), typ=TokenType.RECEIPT, key=party.signing)
    (await connection.post("/v1/receipts", JOSE, token.encode())).expect(200)


async def _release(connection: Connection, messages: list[Prepared]) -> bytes:
    party = pair(messages[0].pair).recipient
    claims = ReleaseClaims(
        issuer=party.oin,
        id=new_message_id(at=CLOCK.now(), randomness=RANDOMNESS),
        issued_at=int(time.time()),
        hub=HUB,
        ids=tuple(MessageId(each.id) for each in messages),
    )
    token = sign_jws(release_to_payload(claims), typ=TokenType.RELEASE, key=party.signing)
    return (await connection.post("/v1/releases", JOSE, token.encode())).expect(200)


STEPS: Final[dict[Play, Step]] = {
    Play.SUBMIT: submit,
    Play.RELEASE: release,
    Play.ROUND_TRIP: round_trip,
    Play.FLOOR: floor,
}


async def play(job: Job) -> Played:
    """Play a job to its end.

    Raises:
        AnswerError: The hub answered something else than it must.
    """
    prepared = read_messages(job.messages)[job.first : job.last]
    played = Played(request_bytes=len(prepared[0].body))
    parts = iter(_batches(prepared, size=job.batch))
    connections = [
        await Connection.open(port=port) for port in itertools.islice(itertools.cycle(job.ports), job.connections)
    ]
    gc.freeze()
    step, clock = STEPS[job.play], time.perf_counter
    begun = clock()
    measure_from, measure_until = begun + job.warm_seconds, begun + job.warm_seconds + job.seconds
    cpu_before = time.process_time()
    until = measure_until

    async def work(connection: Connection) -> None:
        nonlocal until
        for messages in parts:
            started = clock()
            await step(connection, messages)
            ended = clock()
            played.used += len(messages)
            if measure_from <= ended < measure_until:
                played.measured += len(messages)
                played.latencies_us.append(int((ended - started) * 1e6))
            if ended >= measure_until:
                return
        # The messages were used up: from here on not every connection is busy.
        until = min(until, clock())

    await asyncio.gather(*map(work, connections))
    played.seconds = until - measure_from
    played.cpu_seconds["client"] = time.process_time() - cpu_before
    for connection in connections:
        connection.close()
    return played


def _batches(prepared: tuple[Prepared, ...], *, size: int) -> list[list[Prepared]]:
    """Divide into parts of one pair each, in the order of the file."""
    if size == 1:
        return [[each] for each in prepared]
    batches: list[list[Prepared]] = []
    open_batches: dict[int, list[Prepared]] = {}
    for each in prepared:
        batch = open_batches.setdefault(each.pair, [])
        batch.append(each)
        if len(batch) == size:
            batches.append(open_batches.pop(each.pair))
    return batches


def main() -> None:
    """Play the job that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("job", type=Path)
    job = parse_job(parser.parse_args().job.read_bytes())
    try:
        import uvloop  # not on every platform
    except ImportError:
        played = asyncio.run(play(job))
    else:
        played = uvloop.run(play(job))
    job.result.write_bytes(orjson.dumps(asdict(played)))


if __name__ == "__main__":
    main()
