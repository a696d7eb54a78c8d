"""Whom a record is about: a number that is read from a file, from standard input or asked for, and never an argument.

Arguments stand in lists of processes and in the memory of shells; a number by which somebody is known does not belong
there. A file of a person is JSON:

    {"bsn": "999911120", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "unborn": true}
"""

import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from connectors.agent.services import Services
from connectors.cli.common import CommandError, read_file
from connectors.sdk.ages import age_of
from schemas.canonical import parse_json
from schemas.codes import AgeBand
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.fhir.primitives import is_date
from schemas.identifiers import BSN, BSN_SYSTEM, SubjectTag

STANDARD_INPUT: Final = Path("-")
_MEMBERS: Final = frozenset({"bsn", "pseudonym", "born", "unborn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody whom a record is about.

    Attributes:
        bsn: The number; None of somebody who has none.
        pseudonym: The pseudonym that was drawn for somebody without a number.
        born: FHIR date, possibly only a year or a month; None if unknown.
        unborn: Whether it is a child that is not born yet.
    """

    bsn: BSN | None = field(default=None, repr=False)
    pseudonym: SubjectTag | None = None
    born: str | None = field(default=None, repr=False)
    unborn: bool = False

    def band(self, day: date) -> AgeBand:
        """In which age band the person is on a day."""
        return age_of(birth_date=self.born, unborn=self.unborn, day=day, until=day).band

    def tag(self, services: Services) -> SubjectTag:
        """The pseudonym for our hub, of the newest epoch.

        Raises:
            CommandError: There is no chain key yet.
        """
        if self.bsn is None:
            assert self.pseudonym is not None, "one of both is always there"
            return self.pseudonym
        chain = services.keys.newest_chain
        if chain is None:
            raise CommandError(
                "er is nog geen ketensleutel; doe `chain-key take`", "there is no chain key yet; run `chain-key take`"
            )
        return chain.tag(recipient=services.settings.hub.name, system=BSN_SYSTEM, value=self.bsn.value)


def read_person(path: Path | None) -> Person:
    """Read whom a command is about, or ask it.

    Raises:
        CommandError: It is not said, or not in the form that it has.
    """
    if path is None:
        return _asked()
    data = sys.stdin.buffer.read() if path == STANDARD_INPUT else read_file(path)
    try:
        found = parse_json(data)
    except DocumentError as error:
        raise _wrong() from error
    if not isinstance(found, dict) or not found.keys() <= _MEMBERS:
        raise _wrong()
    return _person(found)


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
    return _person({**members, "unborn": unborn})


def _ask(text_nl: str, text_en: str) -> str:
    return input(f"{text_nl} / {text_en}: ").strip()


def _person(said: dict[str, JSONValue]) -> Person:
    bsn, pseudonym, born, unborn = (said.get(name) for name in ("bsn", "pseudonym", "born", "unborn"))
    if (bsn is None) is (pseudonym is None) or unborn not in (None, True, False) or (unborn is True and born):
        raise _wrong()
    if born is not None and not (isinstance(born, str) and is_date(born)):
        raise _wrong()
    try:
        return Person(
            bsn=None if bsn is None else BSN(str(bsn)),
            pseudonym=None if pseudonym is None else SubjectTag(str(pseudonym)),
            born=born,
            unborn=unborn is True,
        )
    except DocumentError as error:
        raise _wrong() from error


def _wrong() -> CommandError:
    return CommandError(
        'zo wordt een persoon niet genoemd; het bestand is JSON: {"bsn": "…", "born": "JJJJ-MM-DD"}; zonder BSN'
        ' `pseudonym`, en bij een ongeboren kind `"unborn": true`',
        'a person is not named like this; the file is JSON: {"bsn": "…", "born": "YYYY-MM-DD"}; without a BSN'
        ' `pseudonym`, and of an unborn child `"unborn": true`',
    )
