"""What the MessageHeader says about a message as a whole.

| it says | where |
|---|---|
| message type | `eventCoding` |
| sender | `source.endpoint`: its OIN |
| receiver | `destination[0].endpoint`: its OIN, or `destination[0].receiver.identifier`: its code |
| who answers for it | `responsible.identifier` |
| the message that it answers | `response.identifier` |
| why it cannot wait | `reason` |
| ground, capacities, case numbers, persons | extensions of ours |
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from connectors.formats.fhir.names import EVENT_SYSTEM, REGISTER_SYSTEMS, SPOED_SYSTEM, issue, read_endpoint
from connectors.formats.fhir.people import complete_subject
from schemas.codes import Capacity, SpoedReason, SubjectRole
from schemas.definitions import Definitions
from schemas.document import DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.places import JSONObject
from schemas.fhir.primitives import is_date
from schemas.identifiers import MessageId
from schemas.message import SUBJECTS_MAX

TEXT_MAX: Final = 200
_HEADER: Final = "/entry/0/resource"
_PURPOSE: Final = re.compile(r"[A-Z][A-Z0-9-]{1,31}")
_PRINTABLE: Final = re.compile(rf"[^\x00-\x1f\x7f]{{1,{TEXT_MAX}}}")
_SUBJECT: Final = {
    "role": "valueCode",
    "identifier": "valueIdentifier",
    "key": "valueString",
    "birthDate": "valueDate",
    "unborn": "valueBoolean",
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What the header says; the meaning of each is that of `Document`.

    Attributes:
        named: The persons as the header names them, what stands in their own resources left out.
    """

    type: str
    sender: str
    receiver: str
    named: tuple[DocumentSubject, ...]
    responsible: DocumentResponsible | None
    thread: str | None
    case_reference: str | None
    purpose: str | None
    capacity: Capacity | None
    receiver_capacity: Capacity | None
    reply_to: MessageId | None
    spoed: SpoedReason | None

    def subjects(self, items: Sequence[DocumentItem]) -> tuple[DocumentSubject, ...]:
        """Return the persons with what their own resources say of them."""
        return tuple(complete_subject(number, each, items) for number, each in enumerate(self.named))


def read_heading(header: JSONObject, definitions: Definitions, *, issues: list[Issue]) -> Heading | None:
    """Read a MessageHeader that has the shape of FHIR R4B.

    Args:
        header: The resource.
        definitions: The definitions in force.
        issues: What is wrong is added here.

    Returns:
        What it says, or None where something was wrong.
    """
    reader = _Reader(header, definitions, issues)
    before = len(issues)
    heading = Heading(
        type=reader.event(),
        sender=reader.sender(),
        receiver=reader.receiver(),
        named=reader.subjects(),
        responsible=reader.responsible(),
        thread=reader.extension("thread", "valueString", _text),
        case_reference=reader.extension("caseReference", "valueString", _text),
        purpose=reader.extension("purpose", "valueCode", _purpose),
        capacity=reader.extension("senderCapacity", "valueCode", Capacity),
        receiver_capacity=reader.extension("recipientCapacity", "valueCode", Capacity),
        reply_to=reader.reply_to(),
        spoed=reader.spoed(),
    )
    return heading if len(issues) == before else None


@dataclass(frozen=True, slots=True)
class _Reader:
    header: JSONObject
    definitions: Definitions
    issues: list[Issue]

    def event(self) -> str:
        coding = self.header.get("eventCoding")
        code = coding.get("code") if isinstance(coding, dict) and coding.get("system") == EVENT_SYSTEM else None
        if isinstance(code, str) and code in self.definitions.message_types:
            return code
        text = f"a message type is needed: a code of `{EVENT_SYSTEM}`"
        self._add("/eventCoding", "event", text, "het berichttype ontbreekt of bestaat niet")
        return ""

    def sender(self) -> str:
        source = self.header.get("source")
        found = read_endpoint(source.get("endpoint")) if isinstance(source, dict) else None
        if found is None:
            text, text_nl = "the sender's OIN is needed: `urn:nld:oin:…`", "het OIN van de afzender ontbreekt"
            self._add("/source/endpoint", "address", text, text_nl)
        return found or ""

    def receiver(self) -> str:
        destinations = self.header.get("destination")
        if not isinstance(destinations, list) or len(destinations) != 1 or not isinstance(destinations[0], dict):
            text, text_nl = "a message has exactly one destination", "een bericht heeft precies één ontvanger"
            self._add("/destination", "address", text, text_nl)
            return ""
        found = read_endpoint(destinations[0].get("endpoint"))
        named = destinations[0].get("receiver")
        identifier = named.get("identifier") if isinstance(named, dict) else None
        code = identifier.get("value") if isinstance(identifier, dict) else None
        if found is None and isinstance(code, str) and _PRINTABLE.fullmatch(code):
            return code
        if found is None:
            text = "the receiver is needed: its OIN as `endpoint`, or its code as `receiver.identifier`"
            self._add("/destination/0/endpoint", "address", text, "het OIN of de code van de ontvanger ontbreekt")
        return found or ""

    def responsible(self) -> DocumentResponsible | None:
        named = self.header.get("responsible")
        if named is None:
            return None
        identifier = named.get("identifier") if isinstance(named, dict) else None
        if isinstance(identifier, dict) and isinstance(number := identifier.get("value"), str):
            system = identifier.get("system")
            register = next((each for each, known in REGISTER_SYSTEMS.items() if known == system), None)
            if (register is not None or system is None) and _PRINTABLE.fullmatch(number):
                return DocumentResponsible(register=register, number=number)
        text = "who answers is named by an SKJ, BIG or employee number in `identifier`"
        self._add("/responsible", "responsible", text, "wie instaat, staat met een SKJ-, BIG- of medewerkernummer")
        return None

    def reply_to(self) -> MessageId | None:
        response = self.header.get("response")
        if response is None:
            return None
        try:
            return MessageId(str(response.get("identifier"))) if isinstance(response, dict) else None
        except DocumentError:
            text = "`response.identifier` is the id of the message in the exchange that this one answers"
            self._add("/response/identifier", "reply-to", text, "dit is geen nummer van een ontvangen bericht")
            return None

    def spoed(self) -> SpoedReason | None:
        reason = self.header.get("reason")
        if reason is None:
            return None
        coding = reason.get("coding") if isinstance(reason, dict) else None
        first = coding[0] if isinstance(coding, list) and coding else None
        if isinstance(first, dict) and first.get("system") == SPOED_SYSTEM and first.get("code") in list(SpoedReason):
            return SpoedReason(str(first["code"]))
        text = f"the reason of an emergency is a code of `{SPOED_SYSTEM}`"
        self._add("/reason", "spoed", text, "de reden van spoed staat niet in de codelijst")
        return None

    def extension(self, name: str, member: str, convert: Callable[[str], _T]) -> _T | None:
        """Read an extension of ours that stands there once at most."""
        found = [*self._extensions(name)]
        if not found:
            return None
        number, value = found[0]
        try:
            text = value.get(member)
            if len(found) == 1 and isinstance(text, str):
                return convert(text)
        except ValueError:
            pass
        text = f"`{name}` stands here once, as `{member}` of the form that it has"
        self._add(f"/extension/{number}", "extension", text, "deze aanduiding heeft niet de juiste vorm")
        return None

    def subjects(self) -> tuple[DocumentSubject, ...]:
        found = [self._subject(number, value) for number, value in self._extensions("subject")]
        if not 1 <= len(found) <= SUBJECTS_MAX:
            text = f"1 to {SUBJECTS_MAX} extensions `subject` are needed: each person that an item is about"
            text_nl = f"het bericht noemt 1 tot {SUBJECTS_MAX} personen over wie het gaat"
            self._add("/extension", "subject", text, text_nl)
        return tuple(each for each in found if each is not None)

    def _subject(self, number: int, value: JSONObject) -> DocumentSubject | None:
        parts = value.get("extension")
        found: dict[str, JSONValue] = {}
        for part in parts if isinstance(parts, list) else []:
            name = part.get("url") if isinstance(part, dict) else None
            if isinstance(part, dict) and isinstance(name, str) and name not in found and name in _SUBJECT:
                found[name] = part.get(_SUBJECT[name])
        identifier, birth, key, unborn = (found.get(name) for name in ("identifier", "birthDate", "key", "unborn"))
        pair = _pair(identifier)
        wrong = (
            found.get("role") not in list(SubjectRole)
            or ("identifier" in found and pair is None)
            or ("birthDate" in found and not is_date(birth))
            or ("key" in found and not (isinstance(key, str) and _PRINTABLE.fullmatch(key)))
            or ("unborn" in found and not isinstance(unborn, bool))
        )
        if wrong:
            text = "a person has a `role`, and may have one `identifier`, `key`, `birthDate` and `unborn`"
            text_nl = "een persoon heeft een rol, en verder ten hoogste een nummer, sleutel, geboortedatum en ongeboren"
            self._add(f"/extension/{number}", "subject", text, text_nl)
            return None
        return DocumentSubject(
            role=SubjectRole(str(found["role"])),
            identifier=pair,
            key=str(key) if "key" in found else None,
            birth_date=str(birth) if "birthDate" in found else None,
            unborn=unborn is True,
        )

    def _extensions(self, name: str) -> Iterator[tuple[int, JSONObject]]:
        extensions = self.header.get("extension")
        for number, each in enumerate(extensions if isinstance(extensions, list) else []):
            if isinstance(each, dict) and each.get("url") == self.definitions.extension_base + name:
                yield number, each

    def _add(self, place: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(issue(_HEADER + place, code, text, text_nl))


def _pair(identifier: JSONValue) -> tuple[str, str] | None:
    if isinstance(identifier, dict):
        system, value = identifier.get("system"), identifier.get("value")
        if isinstance(system, str) and isinstance(value, str) and system and value:
            return system, value
    return None


def _text(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError
    return text


def _purpose(text: str) -> str:
    if not _PURPOSE.fullmatch(text):
        raise ValueError
    return text
