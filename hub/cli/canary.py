"""`ketenhub canary status | resume`: whether the decisions are proved to be on, and the way on after a stop."""

import argparse
import asyncio
import json
from datetime import UTC, datetime

import orjson

from hub.bootstrap import open_reading
from hub.cli.common import EXIT_REFUSED, CommandError
from hub.enforcement import Enforcement, Proof, Stop, judge
from hub.exchange.canaries import resume
from hub.keys import conninfo, read_log_key, read_registrar
from hub.ports import Appended, MemberLostError
from hub.settings import Settings
from hub.storage.postgresql.database import open_database
from hub.storage.postgresql.migrate import check_migrated
from schemas.clock import SystemClock
from schemas.participants import Directory, Participant
from schemas.randomness import SystemRandomness

REASON_CHARACTERS_MAX = 1000
STOPS_SHOWN = 10

_SAID = {
    Proof.STOPPED: "STOPPED: a message of a canary would have been accepted; nothing is accepted or released",
    Proof.NO_CANARY: "no canary is admitted: nothing proves that what must be refused is refused",
    Proof.OVERDUE: "OVERDUE: no canary was refused for too long; is its connector running, and its admission in force?",
    Proof.PROVED: "proved: canaries are refused",
}


def show(settings: Settings, options: argparse.Namespace) -> int:
    """Show how it stands with the proof; exit code 1 where somebody must act."""
    check_migrated(conninfo(settings))
    directory, enforcement, stops = asyncio.run(_read(settings))
    proof = judge(
        enforcement,
        participants=directory,
        at=SystemClock().now(),
        silence_seconds=settings.work.canary_silence_seconds,
    )
    canaries = [each for each in directory if each.canary]
    if options.json:
        print(orjson.dumps(_to_json(proof, enforcement, canaries, stops)).decode())
    else:
        _print(proof, enforcement, canaries, stops)
    return EXIT_REFUSED if proof in (Proof.STOPPED, Proof.OVERDUE) else 0


def end_stop(settings: Settings, options: argparse.Namespace) -> None:
    """Accept and release again, with a reason that stands in the records for good."""
    reason = options.reason.strip()
    if not 1 <= len(reason) <= REASON_CHARACTERS_MAX:
        raise CommandError(f"a reason of 1 to {REASON_CHARACTERS_MAX} characters is needed; name nobody in it")
    check_migrated(conninfo(settings))
    appended, stop = asyncio.run(_resume(settings, reason=reason, unproved=options.unproved))
    print(f"resumed: entry {appended.index} ends the stop of entry {stop.index}; every process accepts and releases")


async def _read(settings: Settings) -> tuple[Directory, Enforcement, tuple[Stop, ...]]:
    async with open_reading(settings) as reading:
        records = await reading.store.participants(after=-1)
        directory = Directory.empty(registrar=reading.registrar).extended(records)
        return directory, await reading.store.enforcement(), await reading.store.stops(limit=STOPS_SHOWN)


async def _resume(settings: Settings, *, reason: str, unproved: bool) -> tuple[Appended, Stop]:
    async with open_database(
        conninfo(settings),
        signer=read_log_key(settings),
        guard_folder=settings.storage.guard,
        clock=SystemClock(),
        pool_max=2,
    ) as database:
        enforcement = await database.store.enforcement()
        if enforcement.stop is None:
            raise CommandError("the hub is not stopped")
        if not enforcement.proved_since_stop and not unproved:
            raise CommandError(_what_lacks(enforcement))
        records = await database.store.participants(after=-1)
        try:
            appended = await resume(
                reason,
                stop=enforcement.stop,
                proved=enforcement.proved_since_stop,
                log=database.log,
                directory=Directory.empty(registrar=read_registrar(settings)).extended(records),
                at=SystemClock().now(),
                randomness=SystemRandomness(),
            )
        except MemberLostError as error:
            raise CommandError("somebody else resumed a moment ago") from error
        return appended, enforcement.stop


def _what_lacks(enforcement: Enforcement) -> str:
    lacks = [
        f"what canary {each.canary.value} sent for {each.purpose} ({each.type}) passed and was not refused since"
        for each in enforcement.passed
    ]
    if enforcement.stop is not None and enforcement.stop.form is None:
        lacks.append("what passed at the stop is not known here, so that nothing proves it is refused")
    if lacking := enforcement.unproved_since_stop():
        lacks.append(f"since the stop no canary was refused for: {', '.join(lacking)}")
    return (
        f"{'; '.join(lacks)}. Mend the cause, start every process anew, and let the canary send again "
        "(`ketenhub-connector canary once`): it is decided also now. `--unproved` resumes without that"
    )


def _print(proof: Proof, enforcement: Enforcement, canaries: list[Participant], stops: tuple[Stop, ...]) -> None:
    print(_SAID[proof])
    if enforcement.stop is not None and not enforcement.proved_since_stop:
        print(f"  {_what_lacks(enforcement)}")
    for canary in canaries:
        state = "in force" if canary.in_force(SystemClock().now()) else "NOT in force"
        print(f"  canary {canary.oin.value} {canary.name!r}, {canary.role}, {state}")
    for each in enforcement.proved:
        print(f"  refused for {each.reason}: {each.times} times, last {_moment(each.at)} (entry {each.index})")
    for stop in stops:
        print(f"  stop at entry {stop.index}, {_moment(stop.at)}, by canary {stop.canary.value}: {_ended(stop)}")


def _ended(stop: Stop) -> str:
    if stop.resumed is None or stop.resumed_at is None:
        return "it lasts"
    ended = f"resumed at entry {stop.resumed}, {_moment(stop.resumed_at)}"
    if stop.record is None:
        return f"{ended}; the reason was lost with the database"
    record = json.loads(stop.record)
    return f"{ended}{'' if record['proved'] else ', WITHOUT PROOF'}: {record['reason']}"


def _to_json(
    proof: Proof, enforcement: Enforcement, canaries: list[Participant], stops: tuple[Stop, ...]
) -> dict[str, object]:
    return {
        "enforcement": proof.value,
        "proved_at": enforcement.proved_at,
        "proved_since_stop": enforcement.proved_since_stop,
        "unproved_since_stop": enforcement.unproved_since_stop(),
        "passed": [
            {"canary": each.canary.value, "purpose": each.purpose, "type": each.type} for each in enforcement.passed
        ],
        "canaries": [
            {"oin": each.oin.value, "name": each.name, "in_force": each.in_force(SystemClock().now())}
            for each in canaries
        ],
        "refused": [
            {"reason": each.reason, "times": each.times, "index": each.index, "at": each.at}
            for each in enforcement.proved
        ],
        "stops": [
            {
                "index": stop.index,
                "canary": stop.canary.value,
                "at": stop.at,
                "resumed": stop.resumed,
                "resumed_at": stop.resumed_at,
                "record": stop.record,
            }
            for stop in stops
        ],
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
