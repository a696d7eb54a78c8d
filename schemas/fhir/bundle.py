"""A whole message as a FHIR R4 message Bundle, and back.

The first entry is the MessageHeader: who sent what to whom, and what it is about. Every item is an entry; references
between entries are `urn:uuid:` addresses made from the message's id and the item's, so the same message gives the same
bundle, byte for byte.

Source: FHIR R4, Bundle (type message) and MessageHeader; DOMAIN 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from schemas.codes import SpoedReason
from schemas.definitions import Definitions
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError
from schemas.fhir.places import JSONObject
from schemas.fhir.resources import item_to_resource, resource_to_item
from schemas.identifiers import OIN, MessageId

_MESSAGE_TYPE_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/berichttype"
_SPOED_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/spoedreden"
_HEADER: Final = "bericht"
_CHILD: Final = "jeugdige"
_ENTRIES_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHead:
    """What a bundle says about the message as a whole.

    Attributes:
        message_type: Name of the message type.
        message_id: The message's `jti`.
        sender: Who sent it.
        recipient: For whom it is.
        timestamp: FHIR instant at which the bundle was made: the moment of the message (`iat`).
        withheld: Labels `<profile>/<item id>/<element>` that the decision withheld; the recipient sees which.
        reply_to: The message that it answers, or None.
        spoed: Why it could not wait, or None.
    """

    message_type: str
    message_id: MessageId
    sender: OIN
    recipient: OIN
    timestamp: str
    withheld: tuple[str, ...] = ()
    reply_to: MessageId | None = None
    spoed: SpoedReason | None = None


def document_to_bundle(items: Sequence[DocumentItem], definitions: Definitions, head: BundleHead) -> JSONObject:
    """Write the items of a message as a FHIR R4 message Bundle.

    Nothing is checked about values: `check_values` does. Values are not copied.

    Args:
        items: The items, in the message's order.
        definitions: The definitions in force.
        head: What the bundle says about the message as a whole.

    Returns:
        The Bundle as JSON; its codes have no display, its dates keep their precision.

    Raises:
        DocumentError: A profile or an element is unknown.
    """
    namespace = UUID(head.message_id.value)
    addresses = {item.id: f"urn:uuid:{uuid5(namespace, item.id)}" for item in items}
    header = next((item for item in items if item.profile == _HEADER), None)
    others = [item for item in items if item is not header]
    entries: list[JSONValue] = []
    for item in others:
        resource = item_to_resource(item, definitions, subject=refer_to_child(item, items, addresses))
        entries.append({"fullUrl": addresses[item.id], "resource": resource})
    message_header = _message_header(header, definitions, head)
    if others:
        message_header["focus"] = [{"reference": addresses[item.id]} for item in others]
    first: JSONValue = {
        "fullUrl": addresses[header.id] if header else f"urn:uuid:{uuid5(namespace, _HEADER)}",
        "resource": message_header,
    }
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{head.message_id.value}"},
        "type": "message",
        "timestamp": head.timestamp,
        "entry": [first, *entries],
    }


def bundle_to_items(bundle: JSONValue, definitions: Definitions) -> tuple[DocumentItem, ...]:
    """Read the items of a bundle that `document_to_bundle` wrote, or that follows the same profiles.

    Nothing is checked about values. References between entries are not followed: an item's `about` says whom it is for.

    Raises:
        DocumentError: `sender.fhir.form` or `sender.fhir.profile-unknown`.
    """
    entries = bundle.get("entry") if isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" else None
    if not isinstance(entries, list) or len(entries) > _ENTRIES_MAX:
        raise DocumentError("a FHIR Bundle with entries is needed", code="sender.fhir.form")
    items = []
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise DocumentError("an entry of the bundle has no resource", code="sender.fhir.form")
        items.append(resource_to_item(resource, definitions))
    return tuple(item for item in items if item.elements)


def _message_header(item: DocumentItem | None, definitions: Definitions, head: BundleHead) -> JSONObject:
    """Write the header; a message whose header was withheld has one all the same: FHIR demands it."""
    base = definitions.extension_base
    header = item_to_resource(item or DocumentItem(profile=_HEADER, id=_HEADER, about=(0,), elements={}), definitions)
    header.pop("eventUri")
    header["eventCoding"] = {"system": _MESSAGE_TYPE_SYSTEM, "code": head.message_type}
    header["source"] = {**_object(header.get("source")), "endpoint": head.sender.urn}
    destinations = header.get("destination")
    first = destinations[0] if isinstance(destinations, list) and destinations else {}
    header["destination"] = [{**_object(first), "endpoint": head.recipient.urn}]
    if head.reply_to is not None:
        header["response"] = {"identifier": head.reply_to.value, "code": "ok"}
    if head.spoed is not None:
        header["reason"] = {"coding": [{"system": _SPOED_SYSTEM, "code": head.spoed.value}]}
    extensions = header["extension"]
    if isinstance(extensions, list):
        extensions.extend({"url": base + "withheld", "valueString": label} for label in head.withheld)
    return header


def refer_to_child(
    item: DocumentItem, items: Sequence[DocumentItem], addresses: Mapping[str, str]
) -> JSONObject | None:
    """Refer to the child that an item is about: the one it names, else the first that it shares a subject with.

    Args:
        item: The item that refers.
        items: All items of the message.
        addresses: `fullUrl` of each, by item id.

    Returns:
        A FHIR Reference, or None where the message has no child.
    """
    children = [each for each in items if each.profile == _CHILD]
    named = [value for value in item.elements.get("over", ()) if isinstance(value, str)]
    for child in children:
        if child.id in named or (not named and set(child.about) & set(item.about)):
            return {"reference": addresses[child.id]}
    return {"reference": addresses[children[0].id]} if children else None


def _object(value: JSONValue) -> JSONObject:
    return value if isinstance(value, dict) else {}
