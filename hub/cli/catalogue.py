"""`ketenhub catalogue`: which catalogue is in force, by whose steps, and what stands in the way of a proposed one."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import orjson

from audit.entries import parse_entry
from consent.lifecycle import Standing
from hub.bootstrap import open_catalogues
from hub.cli.common import CommandError
from hub.exchange.catalogues import ENACTED_SHOWN, PROPOSALS_SHOWN, Known, verified_life
from hub.keys import conninfo
from hub.settings import Settings
from hub.storage.postgresql.migrate import check_migrated
from schemas.clock import SystemClock
from schemas.definitions import load_definitions


def show(settings: Settings, options: argparse.Namespace) -> None:
    """Say what is in force and how each proposal stands."""
    check_migrated(conninfo(settings))
    life = asyncio.run(_life(settings))
    seconds = int(SystemClock().now().timestamp())
    standings = life.standings(seconds=seconds, definitions=load_definitions())
    if options.json:
        print(orjson.dumps(_to_json(life, standings)).decode())
        return
    print(_in_force(life, standings))
    if not life.boards:
        print("there is no board: the registrar appoints one (`ketenhub-registrar appoint`)")
    for standing in standings:
        if standing.enactment.digest != life.in_force:
            print(_line(standing))


def text(settings: Settings, options: argparse.Namespace) -> None:
    """Write the exact text of a catalogue, a report or an advice."""
    check_migrated(conninfo(settings))
    found = asyncio.run(_text(settings, options.digest))
    if found is None:
        raise CommandError("no text has this digest here")
    sys.stdout.buffer.write(found)


async def _life(settings: Settings) -> Known:
    async with open_catalogues(settings) as (catalogues, registrar):
        return verified_life(
            await catalogues.life(enacted=ENACTED_SHOWN, proposals=PROPOSALS_SHOWN), registrar=registrar
        )


async def _text(settings: Settings, digest: str) -> bytes | None:
    async with open_catalogues(settings) as (catalogues, _):
        return await catalogues.document(digest)


def _in_force(life: Known, standings: Sequence[Standing]) -> str:
    if not life.stored.enacted:
        return "no catalogue is in force: nothing is accepted or released until the board brings one into force"
    newest = life.stored.enacted[-1]
    entry = parse_entry(newest.entry.encode())
    found = (each for each in standings if each.proposal.digest == entry.request)
    standing = next(found, None)
    by = "before there was a board" if entry.request is None else f"by proposal {_proposal(standing)}"
    return f"in force: {entry.version} ({entry.catalogue}), since log entry {newest.index}, {by}"


def _proposal(standing: Standing | None) -> str:
    return standing.proposal.step.id.value if standing else "of a board that is no more"


def _line(standing: Standing) -> str:
    enactment = standing.enactment
    obstacles = "; ".join(each.en for each in standing.obstacles) or f"in force from {enactment.valid_from}"
    return f"proposed: {enactment.version} ({enactment.digest}), {standing.proposal.step.id.value}: {obstacles}"


def _to_json(life: Known, standings: Sequence[Standing]) -> dict[str, object]:
    newest = life.stored.enacted[-1] if life.stored.enacted else None
    entry = parse_entry(newest.entry.encode()) if newest else None
    return {
        "in_force": {"digest": entry.catalogue, "version": entry.version, "since": newest.index}
        if newest and entry
        else None,
        "boards": len(life.boards),
        "proposals": [
            {
                "proposal": each.proposal.step.id.value,
                "digest": each.enactment.digest,
                "version": each.enactment.version,
                "from": each.enactment.valid_from.isoformat(),
                "obstacles": [obstacle.value for obstacle in each.obstacles],
            }
            for each in standings
        ],
    }
