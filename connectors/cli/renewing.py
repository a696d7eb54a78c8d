"""`consent renew` and `measure renew`: sign again, under the newest chain key, what still counts.

The people of the organisation's own files are named in a file, one a line, as `connectors.cli.persons` reads them:

    {"bsn": "999911120"}
    {"bsn": "999911132"}
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from connectors.agent.persons import person_of
from connectors.agent.recording import today
from connectors.agent.renewing import CONSENTS, MEASURES, Outcome, Renewable, Step, due, persons_of, renew
from connectors.agent.services import Services
from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import opened
from connectors.cli.persons import STANDARD_INPUT
from connectors.cli.recording import print_json
from connectors.sdk.records import Pseudonyms
from schemas.canonical import parse_json
from schemas.consents import ConsentRecord
from schemas.document import JSONValue
from schemas.errors import DocumentError, UnavailableError
from schemas.identifiers import SubjectTag
from schemas.measures import MeasureStatement

TOO_OFTEN: Final = "hub.persons.too-often"
WAIT_SECONDS: Final = 15.0
"""How long to wait when the hub takes no more of us in this minute."""
TOLD_EVERY: Final = 25
"""After how many records people are told how far it is."""

_R = TypeVar("_R", ConsentRecord, MeasureStatement)


async def renew_consents(options: argparse.Namespace) -> int:
    """Sign our consents again that stand under a former chain key."""
    return await _renew(options, CONSENTS)


async def renew_measures(options: argparse.Namespace) -> int:
    """Sign our measure statements again that stand under a former chain key."""
    return await _renew(options, MEASURES)


async def _renew(options: argparse.Namespace, of: Renewable[_R]) -> int:
    async with opened(options.home) as services:
        chain = services.keys.newest_chain
        if chain is None or not services.keys.chain.keys() - {chain.epoch}:
            raise CommandError(
                "er is geen vorige ketensleutel: er is niets opnieuw te ondertekenen",
                "there is no former chain key: nothing is to be signed again",
            )
        persons = persons_of(services, map(person_of, _read(options.persons)))
        wanted = len(due(services.journal, of, newest=chain.epoch, day=today(services)))
        steps = await _all(services, of, persons, dry_run=options.dry_run, wanted=wanted)
        left = due(services.journal, of, newest=chain.epoch, day=today(services))
    _tell(steps, left=[each.id.value for each in left], as_json=options.json, dry_run=options.dry_run)
    return 0 if options.dry_run or not left else 1


async def _all(
    services: Services, of: Renewable[_R], persons: Mapping[SubjectTag, Pseudonyms], *, dry_run: bool, wanted: int
) -> list[Step]:
    """Take every step; where the hub takes no more in this minute, wait and go on."""
    done: dict[str, Step] = {}
    while True:
        try:
            async for step in renew(services, of, persons=persons, dry_run=dry_run):
                done[step.record.value] = step
                if len(done) % TOLD_EVERY == 0:
                    print(f"{len(done)} van / of {wanted}", file=sys.stderr)
        except UnavailableError as error:
            if error.code != TOO_OFTEN:
                raise
            await asyncio.sleep(WAIT_SECONDS)
        else:
            return [*done.values()]


def _read(path: Path) -> list[JSONValue]:
    data = sys.stdin.buffer.read() if path == STANDARD_INPUT else read_file(path)
    lines = [line for line in data.splitlines() if line.strip()]
    try:
        return [parse_json(line, pointer=f"/{number}") for number, line in enumerate(lines)]
    except DocumentError as error:
        raise CommandError(
            "het bestand met personen heeft op iedere regel één persoon, in JSON",
            "the file of people has one person on each line, in JSON",
        ) from error


def _tell(steps: list[Step], *, left: list[str], as_json: bool, dry_run: bool) -> None:
    if as_json:
        lines: list[JSONValue] = [
            {
                "record": each.record.value,
                "outcome": each.outcome.value,
                "renewed": each.renewed.value if each.renewed else None,
                "code": each.code or None,
            }
            for each in steps
        ]
        print_json({"steps": lines, "left": [*left]})
        return
    count = {outcome: sum(each.outcome is outcome for each in steps) for outcome in Outcome}
    if dry_run:
        print(f"{count[Outcome.DUE]} zou(den) opnieuw worden ondertekend; {len(left)} in totaal nodig.")
        print(f"{count[Outcome.DUE]} would be signed again; {len(left)} are needed in all.")
        return
    print(f"{count[Outcome.RENEWED]} opnieuw ondertekend. {count[Outcome.RENEWED]} signed again.")
    if count[Outcome.WAITS]:
        print(f"{count[Outcome.WAITS]} wacht(en) tot gemeente, Raad of Veilig Thuis dezelfde personen heeft vernieuwd.")
        print(f"{count[Outcome.WAITS]} wait(s) until the gemeente, the Raad or Veilig Thuis renewed the same people.")
    for each in steps:
        if each.outcome is Outcome.REFUSED:
            print(f"{each.record.value}: geweigerd / refused ({each.code})")
    if left:
        print(f"Nog niet: {len(left)}. Staan deze personen in het bestand? Not yet: {len(left)}.")
        for record in left:
            print(f"    {record}")
