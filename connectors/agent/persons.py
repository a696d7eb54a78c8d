"""Whom a record or a question is about, as people and systems say it to the connector.

It stays here: what travels is a pseudonym, or sealed.

    {"bsn": "999911120", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "born": "2014-03-02"}
    {"pseudonym": "1.EBESExQVFhcYGRobHB0eHw", "unborn": true}
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from connectors.agent.lookup import pseudonyms_of
from connectors.agent.refusals import refused
from connectors.agent.services import Services
from connectors.sdk.ages import age_of
from connectors.sdk.records import Pseudonyms
from schemas.codes import AgeBand, SubjectRole
from schemas.document import DocumentSubject, JSONValue
from schemas.errors import DocumentError, Issue, UnavailableError
from schemas.fhir.primitives import is_date
from schemas.identifiers import BSN, BSN_SYSTEM, SubjectTag

CHAIN_KEY_MISSING: Final = "sender.chain-key.missing"
_CODE: Final = "sender.person.invalid"
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
            UnavailableError: There is no chain key yet.
        """
        if self.bsn is None:
            assert self.pseudonym is not None, "one of both is always there"
            return self.pseudonym
        chain = services.keys.newest_chain
        if chain is None:
            text = "there is no chain key yet; run `chain-key take`"
            text_nl = "er is nog geen ketensleutel; doe `chain-key take`"
            issue = Issue(pointer="", code=CHAIN_KEY_MISSING, text=text, text_nl=text_nl)
            raise UnavailableError(text, code=CHAIN_KEY_MISSING, issues=[issue])
        return chain.tag(recipient=services.settings.hub.name, system=BSN_SYSTEM, value=self.bsn.value)

    def pseudonyms(self, services: Services) -> Pseudonyms:
        """What the person is known by: of each epoch whose chain key we hold, the newest first.

        Raises:
            UnavailableError: There is no chain key yet.
        """
        number = None if self.bsn is None else self.bsn.value
        return pseudonyms_of(services, self.tag(services), number=number)


def person_of(said: JSONValue, *, pointer: str = "") -> Person:
    """Read whom something is about.

    Args:
        said: The JSON object.
        pointer: Where it stands in what was given.

    Raises:
        DocumentError: It does not have its form; no value of it is told.
    """
    if not isinstance(said, dict) or not said.keys() <= _MEMBERS:
        raise _wrong(pointer)
    bsn, pseudonym, born, unborn = (said.get(name) for name in ("bsn", "pseudonym", "born", "unborn"))
    if (bsn is None) is (pseudonym is None):
        raise _wrong(pointer)
    if not isinstance(unborn, bool | None) or (unborn and born):
        raise _wrong(pointer)
    if born is not None and not (isinstance(born, str) and is_date(born)):
        raise _wrong(pointer)
    if not isinstance(bsn if pseudonym is None else pseudonym, str):
        raise _wrong(pointer)  # a number of JSON has lost the zeros that it began with
    try:
        return Person(
            bsn=None if bsn is None else BSN(str(bsn)),
            pseudonym=None if pseudonym is None else SubjectTag(str(pseudonym)),
            born=born,
            unborn=unborn is True,
        )
    except DocumentError as error:
        raise _wrong(pointer) from error


def child_of(person: Person) -> DocumentSubject:
    """Return a child as a message is about it.

    Raises:
        DocumentError: It has no BSN.
    """
    if person.bsn is None:
        raise refused(
            "about somebody without a BSN this does not go by a command; hand in a FHIR file",
            "over iemand zonder BSN gaat dit niet met een opdracht; bied een FHIR-bestand aan",
            code="sender.person.without-number",
        )
    return DocumentSubject(role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, person.bsn.value), birth_date=person.born)


def _wrong(pointer: str) -> DocumentError:
    return refused(
        'a person is not named like this; it is JSON: {"bsn": "…", "born": "YYYY-MM-DD"}; without a BSN `pseudonym`,'
        ' and of an unborn child `"unborn": true`',
        'zo wordt een persoon niet genoemd; het is JSON: {"bsn": "…", "born": "JJJJ-MM-DD"}; zonder BSN `pseudonym`,'
        ' en bij een ongeboren kind `"unborn": true`',
        code=_CODE,
        pointer=pointer,
    )
