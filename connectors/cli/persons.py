"""Whom a record is about: a number that is read from a file, from standard input or asked for, and never an argument.

Arguments stand in lists of processes and in the memory of shells; a number by which somebody is known does not belong
there. A file of a person is JSON:

    {"bsn": "999911120", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "unborn": true}
"""

import sys
from pathlib import Path
from typing import Final

from connectors.agent.persons import Person, person_of
from connectors.cli.common import CommandError, read_file
from schemas.canonical import parse_json
from schemas.document import JSONValue
from schemas.errors import DocumentError

STANDARD_INPUT: Final = Path("-")


def read_person(path: Path | None) -> Person:
    """Read whom a command is about, or ask it.

    Raises:
        CommandError: It is not said, or the file cannot be read.
        DocumentError: It is not in the form that it has.
    """
    if path is None:
        return _asked()
    data = sys.stdin.buffer.read() if path == STANDARD_INPUT else read_file(path)
    try:
        said = parse_json(data)
    except DocumentError:
        said = None  # no JSON is not in the form that it has either
    return person_of(said)


def _asked() -> Person:
    if not sys.stdin.isatty():
        raise CommandError("geef met `--person` over wie het gaat", "say by `--person` whom it is about")
    said = {
        "bsn": _ask("BSN van de persoon over wie de gegevens gaan (leeg als die er geen heeft)", "BSN"),
        "pseudonym": "",
        "born": "",
    }
    if not said["bsn"]:
        said["pseudonym"] = _ask("Het pseudoniem uit het bewijsbestand", "pseudonym")
    said["born"] = _ask(
        "Geboortedatum, JJJJ-MM-DD (leeg als die onbekend is, `ongeboren` voor een ongeboren kind)", "born"
    )
    unborn = said["born"].casefold() in {"ongeboren", "unborn"}
    if unborn:
        said["born"] = ""
    members: dict[str, JSONValue] = {name: text for name, text in said.items() if text}
    return person_of({**members, "unborn": unborn})


def _ask(text_nl: str, text_en: str) -> str:
    return input(f"{text_nl} / {text_en}: ").strip()
