"""An item as a FHIR R4B resource, and back.

The mapping is the table of places in the definitions; what is here adds what FHIR demands of a resource and an item
does not say (a status, a subject), and takes it off again. What is only thought, seen or suspected is no fact to a
reader who knows FHIR and not our extensions either: a Condition gets a verification status from the kind of statement,
an Observation or RiskAssessment of an opinion or a suspicion is preliminary.

Source: FHIR R4B; DOMAIN 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.codes import Necessity
from schemas.definitions import Definitions, Profile
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError
from schemas.fhir.places import NOT_STATED, JSONObject, Place, make_places

# Members that FHIR demands and no element gives. Every exchange is about something that is so at the moment.
_FIXED: Final[Mapping[str, Mapping[str, JSONValue]]] = {
    "MessageHeader": {},
    "Patient": {},
    "RelatedPerson": {},
    "Organization": {},
    "PractitionerRole": {},
    "ServiceRequest": {"status": "active", "intent": "order"},
    "DocumentReference": {"status": "current"},
    "Task": {"status": "in-progress", "intent": "order"},
    "Condition": {},
    "RiskAssessment": {"status": "final"},
    "Observation": {"status": "final"},
    "EpisodeOfCare": {"status": "active"},
    "CarePlan": {"status": "active", "intent": "plan"},
    "Encounter": {
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    },
    "Communication": {"status": "completed"},
}
# Members that FHIR demands and an element may give, or a reference that only the whole message can.
_DEMANDED: Final[Mapping[str, str]] = {
    "RelatedPerson": "patient",
    "ServiceRequest": "subject",
    "Condition": "subject",
    "RiskAssessment": "subject",
    "Observation": "code",
    "EpisodeOfCare": "patient",
    "CarePlan": "subject",
}
_SUBJECT: Final[Mapping[str, str]] = {
    **{name: member for name, member in _DEMANDED.items() if member != "code"},
    "Observation": "subject",
    "Encounter": "subject",
    "Communication": "subject",
    "DocumentReference": "subject",
    "Task": "for",
}
_ABOUT_MAX: Final = 16
_CERTAINTY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CERTAINTY: Final[Mapping[JSONValue, str]] = {
    "feit": "confirmed",
    "waarneming": "provisional",
    "mening": "unconfirmed",
    "vermoeden": "unconfirmed",
}
"""Kind of statement to the verification status of FHIR: our reading."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """The mapping of one profile to one resource type."""

    resource: str
    places: Mapping[str, Place]


@lru_cache(maxsize=256)
def _mapping(profile: "_ProfileKey", *, other: bool) -> Mapped:
    elements = profile.profile.elements.values()
    if other:
        texts = {each.name: each.place_other for each in elements if each.place_other is not None}
        resource = profile.profile.other_resource or profile.profile.resource
    else:
        texts = {each.name: each.place for each in elements}
        resource = profile.profile.resource
    return Mapped(resource, make_places(texts, base=profile.base))


class _ProfileKey:
    """A profile as a key of the cache: the object itself, not its content."""

    __slots__ = ("base", "profile")

    def __init__(self, profile: Profile, base: str) -> None:
        self.profile = profile
        self.base = base

    def __hash__(self) -> int:
        return id(self.profile)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ProfileKey) and other.profile is self.profile


def find_mapping(item: DocumentItem, definitions: Definitions) -> Mapped:
    """Choose the resource type for an item.

    A profile with two resource types (a person with authority, or an institution) is the other one when the item names
    an organisation and nothing that only a person has.
    """
    profile = definitions.profile(item.profile)
    key = _ProfileKey(profile, definitions.extension_base)
    if profile.other_resource is not None and "organisation" in item.elements:
        other = _mapping(key, other=True)
        if item.elements.keys() <= other.places.keys():
            return other
    return _mapping(key, other=False)


def item_to_resource(item: DocumentItem, definitions: Definitions, *, subject: JSONObject | None = None) -> JSONObject:
    """Write an item as a FHIR resource.

    Nothing is checked about the values: `check_values` does. Values are not copied.

    Args:
        item: A known profile with elements of it.
        definitions: The definitions in force.
        subject: Reference to the child the item is about, for resource types that have a place for it.

    Raises:
        DocumentError: The profile or an element is unknown.
        TypeError: A value is not of the form that its place needs.
    """
    base = definitions.extension_base
    resource = write_elements(item, find_mapping(item, definitions), definitions, subject=subject)
    resource["id"] = item.id
    resource["meta"] = {"profile": [base + item.profile]}
    extensions = resource.setdefault("extension", [])
    if isinstance(extensions, list):
        extensions.extend({"url": base + "about", "valueUnsignedInt": index} for index in item.about)
        if item.necessary is not None:
            extensions.append({"url": base + "necessary", "valueCode": item.necessary.value})
    return resource


def write_elements(
    item: DocumentItem, mapped: Mapped, definitions: Definitions, *, subject: JSONObject | None = None
) -> JSONObject:
    """Write the elements of an item into a resource, without what says which item it is.

    Raises:
        DocumentError: The profile or an element is unknown.
        TypeError: A value is not of the form that its place needs.
    """
    known = definitions.profile(item.profile).elements
    resource: JSONObject = {"resourceType": mapped.resource, **_FIXED[mapped.resource]}
    for name, values in item.elements.items():
        element = known.get(name)
        if element is None:
            raise DocumentError("the profile has no such element", code="sender.structure.element-unknown")
        for value in values:
            mapped.places[name].write(resource, value, primitive=element.value.primitive)
    _complete(resource, definitions.extension_base, subject)
    _say_status(resource, item, definitions.extension_base)
    return resource


def resource_to_item(resource: JSONObject, definitions: Definitions) -> DocumentItem:
    """Read a FHIR resource that `item_to_resource` wrote, or that follows the same profile.

    Members that no element has a place for are left out; a format that must keep them puts them into `extra` first.

    Raises:
        DocumentError: `sender.fhir.profile-unknown` or `sender.fhir.form`.
    """
    base = definitions.extension_base
    meta = resource.get("meta")
    urls = meta.get("profile") if isinstance(meta, dict) else None
    names = [url.removeprefix(base) for url in urls if isinstance(url, str)] if isinstance(urls, list) else []
    known = [name for name in names if name in definitions.profiles]
    if not known:
        raise DocumentError("the resource names no profile that is known here", code="sender.fhir.profile-unknown")
    profile = definitions.profiles[known[0]]
    other = profile.other_resource is not None and resource.get("resourceType") == profile.other_resource
    mapped = _mapping(_ProfileKey(profile, base), other=other)
    identity = resource.get("id")
    if resource.get("resourceType") != mapped.resource or not isinstance(identity, str):
        raise DocumentError("the resource is not of the type that its profile names", code="sender.fhir.form")
    elements: dict[str, tuple[JSONValue, ...]] = {}
    for name, place in mapped.places.items():
        try:
            values = place.read(resource, primitive=profile.elements[name].value.primitive)
        except TypeError as error:
            raise DocumentError("a member of the resource has another form", code="sender.fhir.form") from error
        if values:
            elements[name] = values
    about, necessary = _read_own(resource, base)
    return DocumentItem(profile=profile.name, id=identity, about=about, necessary=necessary, elements=elements)


def _complete(resource: JSONObject, base: str, subject: JSONObject | None) -> None:
    """Fill in what FHIR demands and the item does not say."""
    kind = str(resource["resourceType"])
    not_stated: JSONObject = {"extension": [{"url": base + NOT_STATED, "valueBoolean": True}]}
    if subject is not None and kind in _SUBJECT:
        resource.setdefault(_SUBJECT[kind], subject)
    if kind in _DEMANDED:
        resource.setdefault(_DEMANDED[kind], not_stated)
    if kind == "MessageHeader":
        resource["eventUri"] = endpoint = base + NOT_STATED
        for system in [resource.setdefault("source", {}), *_listed(resource.get("destination"))]:
            if isinstance(system, dict):
                system.setdefault("endpoint", endpoint)
    if kind == "DocumentReference":
        resource.setdefault("content", [{"attachment": not_stated}])


def _say_status(resource: JSONObject, item: DocumentItem, base: str) -> None:
    """Say in FHIR's own words how sure a statement is, and how a question, a correction or a meeting stands."""
    kind = _first(item, "statementType")
    match resource["resourceType"]:
        case "Condition" if kind in _CERTAINTY and "verificationStatus" not in resource:
            resource["verificationStatus"] = {
                "extension": [{"url": base + NOT_STATED, "valueBoolean": True}],
                "coding": [{"system": _CERTAINTY_SYSTEM, "code": _CERTAINTY[kind]}],
            }
        case "Observation" | "RiskAssessment" if _CERTAINTY.get(kind) == "unconfirmed":
            resource["status"] = "preliminary"
        case "Task" if item.profile == "vraag":
            accepted = "accepted" if _first(item, "accepted") is True else "requested"
            resource["status"] = "rejected" if "refusal" in item.elements else accepted
        case "Task" if item.profile == "correctie":
            resource["status"] = "completed"
        case "Encounter":
            period = resource.get("period")
            resource["status"] = "finished" if isinstance(period, dict) and "end" in period else "planned"
        case _:
            pass


def _first(item: DocumentItem, name: str) -> JSONValue:
    """Return the first value of an element without what stands beside it."""
    value = next(iter(item.elements.get(name, ())), None)
    return value.get("value") if isinstance(value, dict) else value


def _listed(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else []


def _read_own(resource: JSONObject, base: str) -> tuple[tuple[int, ...], Necessity | None]:
    about: list[int] = []
    necessary = None
    for each in _listed(resource.get("extension")):
        if not isinstance(each, dict):
            continue
        index = each.get("valueUnsignedInt")
        if each.get("url") == base + "about" and type(index) is int and 0 <= index < _ABOUT_MAX:
            about.append(index)
        if each.get("url") == base + "necessary" and each.get("valueCode") in list(Necessity):
            necessary = Necessity(str(each.get("valueCode")))
    return tuple(sorted(set(about))) or (0,), necessary
