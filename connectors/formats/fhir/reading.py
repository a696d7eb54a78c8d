"""A FHIR R4 message Bundle as a document, or every reason why not.

1. JSON, strictly: 32 MiB, depth 32, no member twice
2. the bundle is a message: its members, its number, entries with an address each, the MessageHeader first
3. each resource has the shape of FHIR R4B and names one of our profiles
4. each becomes an item, and says nothing that the item does not (`covering`)
5. the header says from whom, for whom, which message type, and about whom; persons and items agree about who they are

Every finding is listed with a JSON Pointer into the file; none repeats a value. What the values may be, and what the
message type demands, is checked by the connector for every format alike.

Source: FHIR R4, Bundle (type message), MessageHeader; the architecture, section 4 (strict parsing).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from connectors.formats.fhir.covering import find_uncovered
from connectors.formats.fhir.heading import Heading, read_heading
from connectors.formats.fhir.names import REFERENCE_SYSTEM, issue
from connectors.formats.fhir.people import check_people
from connectors.formats.fhir.writing import HEADER, header_item, write_header, write_item
from schemas.canonical import json_pointer, parse_json
from schemas.definitions import Definitions
from schemas.document import Address, Document, DocumentItem, JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir import check_resource, resource_to_item
from schemas.fhir.places import JSONObject
from schemas.fhir.values import plain
from schemas.structure import find_remarks

BYTES_MAX: Final = 32 * 1024 * 1024
ENTRIES_MAX: Final = 500
REFERENCE_MAX: Final = 40
ADDRESS_MAX: Final = 256

_BUNDLE: Final = frozenset({"resourceType", "id", "meta", "identifier", "type", "timestamp", "entry"})
_ENTRY: Final = frozenset({"fullUrl", "resource"})
_ITEM_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f]+")
_LONG_TEXT: Final = 10_000


def read_bundle(data: bytes, definitions: Definitions) -> Document:
    """Read a message Bundle.

    Args:
        data: The file.
        definitions: The definitions in force.

    Raises:
        DocumentError: It is not one, or says something that cannot be carried; `issues` lists each finding.
    """
    reading = _Reading(definitions)
    document = reading.read(load(data))
    if reading.issues or document is None:
        text = "the file is not a FHIR message bundle that can be sent"
        raise DocumentError(text, issues=reading.issues)
    return replace(document, remarks=tuple(each.text_nl for each in find_remarks(document, definitions)))


def load(data: bytes) -> JSONObject:
    """Read the file as a JSON object.

    Raises:
        DocumentError: It is too large, not JSON, or something else than an object.
    """
    if len(data) > BYTES_MAX:
        text, text_nl = "the file is larger than 32 MiB", "het bestand is groter dan 32 MiB"
        raise DocumentError(text, issues=[issue("", "too-large", text, text_nl)])
    bundle = parse_json(data)
    if not isinstance(bundle, dict):
        text, text_nl = "a FHIR resource is a JSON object", "een FHIR-bestand is een JSON-object"
        raise DocumentError(text, issues=[issue("", "form", text, text_nl)])
    return bundle


def reference_of(bundle: JSONObject) -> str | None:
    """Return the message's own number; None where there is none, or one that nobody can repeat."""
    identifier = bundle.get("identifier")
    number = identifier.get("value") if isinstance(identifier, dict) else None
    if isinstance(number, str) and len(number) <= REFERENCE_MAX and _PRINTABLE.fullmatch(number):
        return number
    return None


def resources_of(bundle: JSONObject) -> Iterator[tuple[int, str, JSONObject]]:
    """List the resources of a bundle: number of the entry, its `fullUrl`, and the resource."""
    entries = bundle.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            url, resource = entry.get("fullUrl"), entry.get("resource")
            if isinstance(url, str) and isinstance(resource, dict):
                yield number, url, resource


@dataclass(slots=True)
class _Reading:
    """Reads one bundle and collects what is wrong with it.

    Attributes:
        definitions: The definitions in force.
        issues: What was found.
    """

    definitions: Definitions
    issues: list[Issue] = field(default_factory=list)

    def read(self, bundle: JSONObject) -> Document | None:
        """Take steps 2 to 5; the result counts only if there is no finding."""
        # 2.
        self._check_bundle(bundle)
        # 3. and 4.
        places: dict[str, int] = {}
        addresses: dict[str, str] = {}
        items: list[DocumentItem] = []
        for number, url, resource in resources_of(bundle):
            item = self._read_item(number, resource)
            if item is not None and self._is_new(number, item, places):
                places[item.id], addresses[item.id] = number, url
                items.append(item)
        # 5.
        if not items or places[items[0].id] != 0:
            return None
        first = next(resource for _, _, resource in resources_of(bundle))
        heading = read_heading(first, self.definitions, issues=self.issues)
        if heading is None or self.issues:
            return None
        document = self._document(bundle, heading, items)
        self.issues += check_people(document, places=places, resources=dict(_numbered(bundle)))
        if not self.issues:
            self._check_covered(bundle, document, addresses, places)
        return document

    def _check_bundle(self, bundle: JSONObject) -> None:
        if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "message":
            self._add("/type", "bundle", "a Bundle of type `message` is needed", "een Bundle van type message is nodig")
        for name in bundle.keys() - _BUNDLE:
            text, text_nl = "a message bundle holds no such member here", "dit hoort niet in een berichtbundel"
            known = check_resource({"resourceType": "Bundle", "type": "message", name: bundle[name]})
            # The name of a member that FHIR does not know is the sender's own text.
            self._add("" if known else json_pointer(name), "member-not-carried", text, text_nl)
        identifier = bundle.get("identifier")
        if reference_of(bundle) is None or not isinstance(identifier, dict) or identifier.keys() - {"system", "value"}:
            text = f"the bundle needs an `identifier` with the message's own number, at most {REFERENCE_MAX} characters"
            text_nl = f"de bundel mist een eigen referentienummer van ten hoogste {REFERENCE_MAX} tekens"
            self._add("/identifier", "reference", text, text_nl)
        elif identifier.get("system", REFERENCE_SYSTEM) != REFERENCE_SYSTEM:
            text, text_nl = "the number is of another naming system", "het referentienummer is van een ander stelsel"
            self._add("/identifier/system", "reference", text, text_nl)
        entries = bundle.get("entry")
        if not isinstance(entries, list) or not 1 <= len(entries) <= ENTRIES_MAX:
            text = f"1 to {ENTRIES_MAX} entries are needed"
            self._add("/entry", "entry", text, f"een bericht heeft 1 tot {ENTRIES_MAX} onderdelen")
            return
        seen: set[str] = set()
        for number, entry in enumerate(entries):
            self._check_entry(number, entry, seen)

    def _check_entry(self, number: int, entry: JSONValue, seen: set[str]) -> None:
        place = json_pointer("entry", number)
        if not isinstance(entry, dict) or entry.keys() != _ENTRY or not isinstance(entry["resource"], dict):
            text, text_nl = (
                "an entry is exactly `fullUrl` and `resource`",
                "een onderdeel is een fullUrl en een resource",
            )
            self._add(place, "entry", text, text_nl)
            return
        url = entry["fullUrl"]
        if not isinstance(url, str) or not 0 < len(url) <= ADDRESS_MAX or url in seen:
            text, text_nl = "`fullUrl` is an address of its own for each entry", "elke fullUrl is een eigen adres"
            self._add(place + "/fullUrl", "entry", text, text_nl)
        else:
            seen.add(url)
        if (entry["resource"].get("resourceType") == "MessageHeader") is not (number == 0):
            text, text_nl = (
                "the MessageHeader is the first entry, and no other",
                "alleen het eerste is de MessageHeader",
            )
            self._add(place + "/resource", "header", text, text_nl)

    def _read_item(self, number: int, resource: JSONObject) -> DocumentItem | None:
        """Take step 3, and make the item."""
        place = json_pointer("entry", number, "resource")
        wrong = check_resource(_without_bytes(resource), pointer=place)
        if wrong:
            self.issues += wrong
            return None
        try:
            item = resource_to_item(resource, self.definitions)
        except DocumentError as error:
            if error.code == "sender.fhir.profile-unknown":
                text = "`meta.profile` names no profile of this exchange: such a resource cannot be sent"
                text_nl = "dit onderdeel volgt geen profiel van de uitwisseling en kan niet worden verstuurd"
                self._add(place + "/meta/profile", "profile-unknown", text, text_nl)
            else:
                text = "not a resource of the type and the form that its profile has"
                self._add(place, "form", text, "niet van de soort en de vorm die het profiel voorschrijft")
            return None
        if (item.profile == HEADER) is not (number == 0):
            text, text_nl = "the profile of another resource", "het profiel van een ander onderdeel"
            self._add(place + "/meta/profile", "profile-unknown", text, text_nl)
            return None
        if not item.elements and number > 0:
            text, text_nl = "says nothing that can be sent", "bevat niets dat kan worden verstuurd"
            self._add(place, "empty", text, text_nl)
        return item

    def _is_new(self, number: int, item: DocumentItem, places: Mapping[str, int]) -> bool:
        if _ITEM_ID.fullmatch(item.id) and item.id not in places:
            return True
        text = "`id` is needed once in the message: a small letter, then at most 31 small letters, digits and hyphens"
        text_nl = "elk onderdeel heeft een eigen id: een kleine letter, dan kleine letters, cijfers en streepjes"
        self._add(json_pointer("entry", number, "resource", "id"), "item-id", text, text_nl)
        return False

    def _document(self, bundle: JSONObject, heading: Heading, items: list[DocumentItem]) -> Document:
        header = items[0]
        return Document(
            type=heading.type,
            reference=reference_of(bundle) or "",
            sender=Address(
                organisation=heading.sender,
                application=_text(header, "senderSystem"),
                user=_text(header, "senderUser"),
            ),
            receiver=Address(organisation=heading.receiver, application=_text(header, "recipientSystem")),
            subjects=heading.subjects(items),
            items=tuple(item for item in items if item.elements),
            responsible=heading.responsible,
            thread=heading.thread,
            case_reference=heading.case_reference,
            purpose=heading.purpose,
            capacity=heading.capacity,
            receiver_capacity=heading.receiver_capacity,
            reply_to=heading.reply_to,
            spoed=heading.spoed,
        )

    def _check_covered(
        self, bundle: JSONObject, document: Document, addresses: Mapping[str, str], places: Mapping[str, int]
    ) -> None:
        """Take step 4: what a resource says is in the item, or is named."""
        items = {places[item.id]: item for item in document.items}
        header = header_item(document.items)
        others = {item.id: addresses[item.id] for item in document.items if item is not header}
        for number, _, resource in resources_of(bundle):
            if number == 0:
                withheld = _withheld(resource, self.definitions.extension_base)
                written = write_header(document, self.definitions, addresses=others, withheld=withheld)
                written["id"] = resource["id"]
            else:
                written = write_item(items[number], document.items, self.definitions, addresses)
            place = json_pointer("entry", number, "resource")
            base = self.definitions.extension_base
            for uncovered in find_uncovered(resource, written, base=base, pointer=place):
                text = "says something that has no place in this profile, or contradicts what the rest says"
                text_nl = "heeft in dit profiel geen plaats, of zegt iets anders dan de rest van het onderdeel"
                self._add(uncovered, "member-not-carried", text, text_nl)

    def _add(self, pointer: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(issue(pointer, code, text, text_nl))


def _without_bytes(resource: JSONObject) -> JSONObject:
    """Leave the bytes of an attachment out of the check of its shape: they are checked with the values."""
    content = resource.get("content")
    if not isinstance(content, list) or not content or not isinstance(first := content[0], dict):
        return resource
    attached = first.get("attachment")
    if not isinstance(attached, dict) or not isinstance(data := attached.get("data"), str) or len(data) < _LONG_TEXT:
        return resource
    return {**resource, "content": [{**first, "attachment": {**attached, "data": "AAAA"}}, *content[1:]]}


def _withheld(header: JSONObject, base: str) -> list[str]:
    """List what a received bundle says that it does not hold: it is no part of the message, and may stand there."""
    extensions = header.get("extension")
    found = [each for each in extensions if isinstance(each, dict)] if isinstance(extensions, list) else []
    return [str(each.get("valueString")) for each in found if each.get("url") == base + "withheld"]


def _numbered(bundle: JSONObject) -> Iterator[tuple[int, JSONObject]]:
    return ((number, resource) for number, _, resource in resources_of(bundle))


def _text(item: DocumentItem, name: str) -> str | None:
    """Return the first value of an element as text."""
    value = next(map(plain, item.elements.get(name, ())), None)
    return value if isinstance(value, str) else None
