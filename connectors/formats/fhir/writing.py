"""A document as a FHIR R4 message Bundle: the MessageHeader first, then an entry for each item.

Items are written by `schemas.fhir`; what is here is what a document says beside them: from whom and for whom, on which
ground, about whom, who answers for it. The same document gives the same bundle, byte for byte.

Source: FHIR R4, Bundle (type message) and MessageHeader.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from connectors.formats.fhir.names import (
    EVENT_SYSTEM,
    REFERENCE_SYSTEM,
    REGISTER_SYSTEMS,
    SPOED_SYSTEM,
    endpoint,
    institution,
    issue,
)
from connectors.sdk.addresses import is_oin
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem, DocumentSubject, JSONValue
from schemas.errors import DocumentError
from schemas.fhir import item_to_resource
from schemas.fhir.bundle import refer_to_child
from schemas.fhir.places import NOT_STATED, JSONObject

HEADER: Final = "bericht"
"""Profile of the MessageHeader; an item of it, if the document has one, says more in it."""


def write_bundle(
    document: Document, definitions: Definitions, *, withheld: Collection[str] = (), at: datetime
) -> JSONObject:
    """Write a document as a message Bundle.

    Nothing is checked about values. Their `Address` is written as far as it says an organisation: systems and users
    are elements of `bericht`.

    Args:
        document: What was disclosed, or what an organisation wants to send.
        definitions: The definitions in force.
        withheld: Labels of what was not disclosed.
        at: Time of the bundle.

    Raises:
        DocumentError: A profile or an element is unknown, or the sender is named by something else than its OIN.
    """
    if not is_oin(document.sender.organisation):
        text, text_nl = "the sender is named by its OIN", "de afzender moet met een OIN worden genoemd"
        raise DocumentError(text, issues=[issue("/sender", "address", text, text_nl)])
    namespace = uuid5(NAMESPACE_URL, f"{document.sender.organisation}/{document.reference}")
    header = header_item(document.items)
    addresses = {item.id: f"urn:uuid:{uuid5(namespace, item.id)}" for item in document.items}
    first: JSONObject = {
        "fullUrl": addresses[header.id] if header else f"urn:uuid:{namespace}",
        "resource": write_header(document, definitions, addresses=addresses, withheld=withheld),
    }
    others: list[JSONValue] = [
        {"fullUrl": addresses[item.id], "resource": write_item(item, document.items, definitions, addresses)}
        for item in document.items
        if item is not header
    ]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": REFERENCE_SYSTEM, "value": document.reference},
        "type": "message",
        "timestamp": at.isoformat(),
        "entry": [first, *others],
    }


def header_item(items: Collection[DocumentItem]) -> DocumentItem | None:
    """Return the item that stands in the MessageHeader, or None."""
    return next((item for item in items if item.profile == HEADER), None)


def write_item(
    item: DocumentItem, items: Collection[DocumentItem], definitions: Definitions, addresses: Mapping[str, str]
) -> JSONObject:
    """Write one item as a resource that refers to the child it is about."""
    return item_to_resource(item, definitions, subject=refer_to_child(item, [*items], addresses))


def write_header(
    document: Document, definitions: Definitions, *, addresses: Mapping[str, str], withheld: Collection[str]
) -> JSONObject:
    """Write what a document says as a whole as a MessageHeader.

    Args:
        document: The document.
        definitions: The definitions in force.
        addresses: `fullUrl` of each item.
        withheld: Labels of what was not disclosed.
    """
    item = header_item(document.items)
    nothing = DocumentItem(profile=HEADER, id=HEADER, about=(0,), elements={})
    header = item_to_resource(item or nothing, definitions)
    header.pop("eventUri")  # what stands there for a header of its own, that belongs to no message
    header["eventCoding"] = {"system": EVENT_SYSTEM, "code": document.type}
    not_stated = definitions.extension_base + NOT_STATED
    source, destination = header.get("source"), _first(header.get("destination"))
    sender, receiver = document.sender.organisation, document.receiver.organisation
    header["source"] = {**(source if isinstance(source, dict) else {}), "endpoint": endpoint(sender, not_stated="")}
    addressed: JSONObject = {**destination, "endpoint": endpoint(receiver, not_stated=not_stated)}
    if not is_oin(receiver):
        addressed["receiver"] = institution(receiver)
    header["destination"] = [addressed]
    if document.reply_to is not None:
        header["response"] = {"identifier": document.reply_to.value, "code": "ok"}
    if document.spoed is not None:
        header["reason"] = {"coding": [{"system": SPOED_SYSTEM, "code": document.spoed.value}]}
    if document.responsible is not None:
        register, number = document.responsible.register, document.responsible.number
        system: JSONObject = {} if register is None else {"system": REGISTER_SYSTEMS[register]}
        header["responsible"] = {"identifier": {**system, "value": number}}
    focus: list[JSONValue] = [{"reference": addresses[each.id]} for each in document.items if each is not item]
    if focus:
        header["focus"] = focus
    own = header["extension"]
    assert isinstance(own, list), "an item's resource says whom it is about"
    header["extension"] = [*own, *_extensions(document, withheld, definitions.extension_base)]
    return header


def _extensions(document: Document, withheld: Collection[str], base: str) -> Iterator[JSONObject]:
    for name, kind, value in (
        ("purpose", "valueCode", document.purpose),
        ("senderCapacity", "valueCode", document.capacity),
        ("recipientCapacity", "valueCode", document.receiver_capacity),
        ("caseReference", "valueString", document.case_reference),
        ("thread", "valueString", document.thread),
    ):
        if value is not None:
            yield {"url": base + name, kind: str(value)}
    for subject in document.subjects:
        yield {"url": base + "subject", "extension": [*_parts(subject)]}
    for label in withheld:
        yield {"url": base + "withheld", "valueString": label}


def _parts(subject: DocumentSubject) -> Iterator[JSONObject]:
    yield {"url": "role", "valueCode": subject.role.value}
    if subject.identifier is not None:
        system, value = subject.identifier
        yield {"url": "identifier", "valueIdentifier": {"system": system, "value": value}}
    if subject.key is not None:
        yield {"url": "key", "valueString": subject.key}
    if subject.birth_date is not None:
        yield {"url": "birthDate", "valueDate": subject.birth_date}
    if subject.unborn:
        yield {"url": "unborn", "valueBoolean": True}


def _first(value: JSONValue) -> JSONObject:
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) else {}
