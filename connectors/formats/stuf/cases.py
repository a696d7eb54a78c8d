"""Header, case, status: the composite values of what is not a person, and their way back."""

from dataclasses import dataclass
from typing import Final

from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts, JSONObject, Leaf
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.messages import CASE_TYPE_GEMEENTE, CASE_TYPE_RAAD, VTO
from connectors.formats.stuf.names import (
    CASE_TYPE_SYSTEM,
    EXTRA_NAME,
    STATUS_SYSTEM,
    local,
)
from connectors.formats.stuf.parts import Context
from connectors.formats.stuf.values import STRING, UNKNOWN, absent, coding_of, concept, get
from connectors.sdk.addresses import is_oin
from schemas.document import JSONValue

CASE_TYPE: Final = ("ZKN:isVan", "ZKN:gerelateerde")
OTHER_CASE: Final = ("ZKN:heeftBetrekkingOpAndere", "ZKN:gerelateerde")
OTHER_NUMBER: Final = (*OTHER_CASE, "ZKN:identificatie")
OTHER_TYPE: Final = (*OTHER_CASE, "ZKN:isVan", "ZKN:gerelateerde", "ZKN:omschrijvingGeneriek")
GENERIC_TYPE: Final = (*CASE_TYPE, "ZKN:omschrijvingGeneriek")
OWN_TYPE: Final = (*CASE_TYPE, "ZKN:omschrijving")
STATUS_NAME: Final = ("ZKN:heeft", "ZKN:gerelateerde", "ZKN:omschrijving")
_STATUS: Final = concept(STATUS_SYSTEM)


def case_type_value(facts: Facts) -> JSONObject:
    """Return a case's type: the general name as a code; the organisation's own name for it rides along."""
    generic = facts.get(GENERIC_TYPE, Leaf())
    return {"coding": [{"system": CASE_TYPE_SYSTEM, "code": generic.text}]} if generic.text else {}


def case_type_facts(value: JSONValue, _context: Context) -> Facts | None:
    """Return the facts of a case's type."""
    if not isinstance(value, dict):
        return None
    generic = coding_of(value, CASE_TYPE_SYSTEM)
    return {GENERIC_TYPE: Leaf(generic)} if generic else {}


def other_case_value(facts: Facts) -> JSONObject:
    """Return the number of the other side's case. That the case is of the other side's type goes without saying."""
    number = facts.get(OTHER_NUMBER, Leaf())
    return {"value": number.text} if number.text else absent(number.no_value)


def other_case_facts(value: JSONValue, context: Context) -> Facts | None:
    """Return the facts of the other side's case."""
    if not isinstance(value, dict):
        return None
    number = get(value, "value")
    case_type = CASE_TYPE_RAAD if context.message == VTO.name else CASE_TYPE_GEMEENTE
    facts: Facts = {OTHER_TYPE: Leaf(case_type)}
    if number is not None:
        facts[OTHER_NUMBER] = number
    return facts


def status_value(facts: Facts) -> JSONObject:
    """Return a status. That the case is an investigation of the Raad goes without saying."""
    value = _STATUS.encode(facts.get(STATUS_NAME, Leaf()))
    return value if isinstance(value, dict) else {}


def status_facts(value: JSONValue, _context: Context) -> Facts | None:
    """Return the facts of a status."""
    leaf = _STATUS.decode(value)
    facts: Facts = {GENERIC_TYPE: Leaf(CASE_TYPE_RAAD)}
    if leaf is not None:
        facts[STATUS_NAME] = leaf
    return facts


REFERENCE: Final = ("StUF:referentienummer",)
_CODE: Final = ("StUF:berichtcode",)
_FUNCTION: Final = ("StUF:functie",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePart:
    """The message's own number; the header's fixed words come with it."""

    elements: tuple[str, ...] = ("reference",)
    owned: tuple[Path, ...] = (REFERENCE, _CODE, _FUNCTION)
    single: bool = True

    def element(self, _group: Facts, _context: Context) -> str:
        """Return `reference`."""
        return "reference"

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the number."""
        return group[REFERENCE].text

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return number, code and function."""
        text = value.get("value") if isinstance(value, dict) else value
        number = text if isinstance(text, str) else ""
        return {REFERENCE: Leaf(number), _CODE: Leaf("Di01"), _FUNCTION: Leaf(local(context.message))}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: a header without a number is none."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPart:
    """Sender or recipient in the header: the application's name.

    The organisation does not travel as a value: it is who signed the message, and for whom. Nobody can write a file
    here that names another sender.

    Attributes:
        name: The element.
        system: `StUF:zender` or `StUF:ontvanger`.
        user: Whether the user stands in an element of its own.
    """

    name: str
    system: str
    user: bool
    single: bool = True

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    @property
    def owned(self) -> tuple[Path, ...]:
        """The parts of the system, without the user where that is an element of its own."""
        names = ("StUF:organisatie", "StUF:applicatie", "StUF:administratie")
        return tuple((self.system, name) for name in (names if self.user else (*names, "StUF:gebruiker")))

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the application's name."""
        return STRING.encode(group[self.system, "StUF:applicatie"])

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return application and organisation."""
        organisation = context.sender if self.system == "StUF:zender" else context.receiver
        facts: Facts = {(self.system, "StUF:organisatie"): Leaf(organisation)}
        application = STRING.decode(value)
        if application is not None:
            facts[self.system, "StUF:applicatie"] = application
        return facts

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: a header must name both."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPart:
    """The recipient's unit: the code of an address list that stands in the header where an OIN could stand."""

    elements: tuple[str, ...] = ("recipientUnit",)
    owned: tuple[Path, ...] = ()
    single: bool = True

    def element(self, _group: Facts, _context: Context) -> str:
        """Return `recipientUnit`."""
        return "recipientUnit"

    def to_fhir(self, _group: Facts, context: Context) -> JSONValue:
        """Return the code; None where the header names an OIN."""
        return None if is_oin(context.receiver) or not context.receiver else context.receiver

    def from_fhir(self, _element: str, _value: JSONValue, _context: Context) -> Facts | None:
        """Return nothing: the code is in the context, for the recipient's system to write."""
        return {}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: a header must name the recipient."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerPart:
    """What a notification was sent for: the message type and its words, two extra elements of the case."""

    elements: tuple[str, ...] = ("trigger",)
    owned: tuple[Path, ...] = ()
    single: bool = True

    def element(self, _group: Facts, _context: Context) -> str:
        """Return `trigger`."""
        return "trigger"

    def to_fhir(self, group: Facts, context: Context) -> JSONValue:
        """Return whether the Raad acts of its own accord; the message type itself rides along."""
        for leaf in group.values():
            meaning = context.conventions.meaning(Place.CASE, leaf.attributes.get(EXTRA_NAME, ""))
            if meaning is Meaning.MESSAGE_TYPE and leaf.text in context.conventions.own_initiative:
                return "ambtshalve"
        return absent(UNKNOWN)

    def from_fhir(self, _element: str, _value: JSONValue, _context: Context) -> Facts | None:
        """Return nothing: a trigger alone does not tell which message type it was."""
        return {}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: a notification need not have any extra elements."""
        return {}
