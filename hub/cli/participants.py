"""`ketenhub invite` and `ketenhub participants`."""

import argparse
import asyncio
from datetime import UTC, datetime

import orjson

from hub.bootstrap import open_reading
from hub.cli.common import write_new
from hub.keys import conninfo
from hub.settings import Settings
from hub.storage.postgresql.migrate import check_migrated
from schemas.clock import SystemClock
from schemas.codes import Capacity, Role
from schemas.identifiers import OIN, Thumbprint
from schemas.participants import Directory, Participant


def invite(_: Settings, options: argparse.Namespace) -> None:
    """Write the request that the registrar signs with `ketenhub-registrar admit`."""
    request: dict[str, object] = {
        "oin": OIN(options.oin).value,
        "name": options.name,
        "role": Role(options.role).value,
        "capacities": sorted(Capacity(capacity).value for capacity in set(options.capacity)),
        "first_key": Thumbprint(options.first_key).value,
        **({"canary": True} if options.canary else {}),
    }
    write_new(options.out, orjson.dumps(request, option=orjson.OPT_INDENT_2) + b"\n", secret=False)
    print(f"written: {options.out}")
    canary = " --canary" if options.canary else ""
    print(f"next: the registrar signs it: ketenhub-registrar admit {options.out}{canary} --key … --out admission.jwt")


def show(settings: Settings, options: argparse.Namespace) -> None:
    """List the participants as the log has them."""
    check_migrated(conninfo(settings))
    directory = asyncio.run(_directory(settings))
    for participant in sorted(directory, key=lambda each: each.oin):
        line = _participant_to_json(participant)
        print(orjson.dumps(line).decode() if options.json else _line(line))


async def _directory(settings: Settings) -> Directory:
    async with open_reading(settings) as reading:
        return Directory.empty(registrar=reading.registrar).extended(await reading.store.participants(after=-1))


def _participant_to_json(participant: Participant) -> dict[str, object]:
    admission, statement = participant.admission, participant.statement
    return {
        "oin": participant.oin.value,
        "name": participant.name,
        "role": participant.role.value,
        "capacities": sorted(capacity.value for capacity in participant.capacities),
        "canary": participant.canary,
        "in_force": participant.in_force(SystemClock().now()),
        "valid_from": _day(admission.valid_from),
        "valid_until": _day(admission.valid_until) if admission.valid_until else None,
        "signing_key": statement.signing_key.kid if statement else None,
        "sealing_key": statement.sealing_key.kid.value if statement else None,
        "notify": statement.notify if statement else None,
        "index": participant.index,
    }


def _line(line: dict[str, object]) -> str:
    capacities = line["capacities"]
    shown = f" ({', '.join(map(str, capacities))})" if isinstance(capacities, list) and capacities else ""
    state = "in force" if line["in_force"] else "NOT in force"
    canary = ", CANARY (everything it sends must be refused)" if line["canary"] else ""
    keys = f"signing key {line['signing_key']}" if line["signing_key"] else "no statement yet"
    until = line["valid_until"] or "further notice"
    head = f"{line['oin']}  {line['name']}"
    return f"{head}\n    {line['role']}{shown}{canary}, {state}, until {until}; {keys}; entry {line['index']}"


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
