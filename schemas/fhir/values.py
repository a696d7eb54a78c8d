"""Checks the values of an item: datatype, code list, and (in `schemas.fhir.rules`) what belongs together.

1. each value has the form of its datatype, by rules of our own where `fhir.resources` is too kind
2. each code is on its list, may stand here, and holds on the day of the message
3. the resource that the item makes has the shape of FHIR R4B
4. what the profile and the message type want of values that labels cannot show

No issue repeats a value. An absent value (nothing but extensions, such as a data-absent-reason) is a value for its
datatype; where a rule needs a real one, it says so.

Source: FHIR R4B, datatypes; DOMAIN 2, 4 and 7.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from schemas.definitions import Definitions, ElementDefinition, Profile, ValueType
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.identifying import check_identifier
from schemas.fhir.parts import find_wrong_part
from schemas.fhir.places import ORGANISATION_MEMBERS, JSONObject
from schemas.fhir.primitives import PRIMITIVES, is_code, is_text
from schemas.fhir.resources import find_mapping, write_elements
from schemas.fhir.shapes import check_datatype, check_resource

VALUE_DEPTH_MAX: Final = 16
_BASE64_STAND_IN: Final = "AAAA"

_URL = re.compile(r"[!-~]{1,256}")
_INTEGERS = frozenset({"rank", "valueInteger", "valuePositiveInt", "valueUnsignedInt"})
_BOOLEANS = frozenset({"userSelected", "valueBoolean"})
# Primitives of names and addresses, beside which StUF writes what the parts of a name or a street are.
_ANNOTATED = frozenset({"_family", "_given", "_line"})
# Members that FHIR binds to a closed list; `fhir.resources` does not look.
_CLOSED: Final[Mapping[ValueType, Mapping[str, tuple[str, ...]]]] = {
    ValueType.CONTACT_POINT: {
        "system": ("phone", "fax", "email", "pager", "url", "sms", "other"),
        "use": ("home", "work", "temp", "old", "mobile"),
    },
    ValueType.HUMAN_NAME: {
        "use": ("usual", "official", "temp", "nickname", "anonymous", "old", "maiden"),
    },
    ValueType.ADDRESS: {
        "use": ("home", "work", "temp", "old", "billing"),
        "type": ("postal", "physical", "both"),
    },
    ValueType.IDENTIFIER: {"use": ("usual", "official", "temp", "secondary", "old")},
}
_NEVER = frozenset({"_sd", "...", "fhir_comments"})


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a value stands, and what is said about it."""

    profile: Profile
    element: ElementDefinition
    pointer: str


@dataclass(slots=True)
class ValueChecker:
    """Collects the issues of the items of one message.

    Attributes:
        definitions: The definitions in force.
        on: The day of the message: codes must hold on it.
        root: Where the items stand, for the pointers.
        issues: What was found.
    """

    definitions: Definitions
    on: date
    root: str
    issues: list[Issue] = field(default_factory=list)

    def check_item(self, index: int, item: DocumentItem) -> None:
        """Check steps 1 to 3 for one item."""
        pointer = f"{self.root}/{index}"
        profile = self.definitions.profiles.get(item.profile)
        if profile is None:
            self._add(f"{pointer}/profile", "profile-unknown", "there is no such profile", "dit profiel bestaat niet")
            return
        before = len(self.issues)
        for name, values in item.elements.items():
            element = profile.elements.get(name)
            if element is None:
                text = f"`{profile.name}` has no such element"
                self._add(f"{pointer}/elements", "element-unknown", text, f"{profile.nl} kent dit gegeven niet")
                continue
            for number, value in enumerate(values):
                self._check_value(_Spot(profile, element, f"{pointer}/elements/{name}/{number}"), value)
        if len(self.issues) == before:
            self._check_resource(profile, item, pointer)

    def _check_value(self, spot: _Spot, value: JSONValue) -> None:
        if spot.element.value.primitive:
            self._check_primitive(spot, value)
        elif not isinstance(value, dict) or not _plain_json(value, spot.element.value is ValueType.ORGANIZATION):
            self._wrong(spot)
        elif not is_absent(value):
            self._check_complex(spot, value)

    def _check_primitive(self, spot: _Spot, value: JSONValue) -> None:
        if isinstance(value, dict):
            extension = value.get("extension")
            known = value.keys() <= {"value", "extension"} and isinstance(extension, list) and extension
            if not known or not _plain_json({"extension": extension}, False):  # noqa: FBT003 - no organisation
                self._wrong(spot)
                return
            if "value" not in value:
                return
            value = value["value"]
        if not PRIMITIVES[spot.element.value](value):
            self._wrong(spot)
        elif isinstance(value, str):
            if spot.element.length is not None and len(value) > spot.element.length:
                text, text_nl = (
                    f"longer than {spot.element.length} characters",
                    f"langer dan {spot.element.length} tekens",
                )
                self._about(spot, "too-long", text, text_nl)
            elif spot.element.pattern is not None and not re.fullmatch(spot.element.pattern, value):
                self._wrong(spot)
            elif spot.element.codes is not None:
                self._check_code(spot, value)

    def _check_complex(self, spot: _Spot, value: JSONObject) -> None:
        closed = _CLOSED.get(spot.element.value, {})
        match spot.element.value:
            case _ if any(name in value and value[name] not in codes for name, codes in closed.items()):
                self._wrong(spot)
            case ValueType.CODEABLE_CONCEPT if spot.element.codes is not None:
                self._check_concept(spot, value)
            case ValueType.IDENTIFIER:
                personal = spot.element.name == "identifier" and _is_person(spot.profile)
                self._check_identifier(spot, value, personal=personal)
            case ValueType.EXTENSION if value.get("url") != self.definitions.extension_base + str(spot.element.url):
                text, text_nl = "not the extension that stands here", "niet de uitbreiding die hier hoort"
                self._about(spot, "extension-unknown", text, text_nl)
            case ValueType.EXTENSION if spot.element.parts is not None:
                wrong = find_wrong_part(value, spot.element.parts, on=self.on)
                if wrong is not None:
                    self._about(spot, *wrong)
            case ValueType.ORGANIZATION:
                self._check_organisation(spot, value)
            case ValueType.CONTACT_POINT if "value" in value and "system" not in value:
                text, text_nl = (
                    "needs the `system` of its value",
                    "zegt niet of het een telefoonnummer of e-mailadres is",
                )
                self._about(spot, "system-missing", text, text_nl)
            case ValueType.PERIOD:
                self._check_period(spot, value)
            case _:
                pass

    def _check_identifier(self, spot: _Spot, value: JSONObject, *, personal: bool) -> None:
        code = check_identifier(value, personal=personal)
        if code is not None:
            self._about(spot, code, *_IDENTIFIER_TEXTS[code])

    def _check_organisation(self, spot: _Spot, value: JSONObject) -> None:
        identifiers = value.get("identifier", [])
        known = value.get("resourceType") == "Organization" and value.keys() <= ORGANISATION_MEMBERS
        if not known or not isinstance(identifiers, list):
            self._wrong(spot)
            return
        for each in identifiers:
            # What is no object is found by the shape of the whole resource.
            if isinstance(each, dict) and not is_absent(each):
                self._check_identifier(spot, each, personal=False)

    def _check_concept(self, spot: _Spot, value: JSONObject) -> None:
        """A bound concept is one code and nothing that would give the code away by its length."""
        members = value.keys() - {"extension"}
        if spot.element.preferred and members == {"text"}:
            return
        coding = value.get("coding")
        first = coding[0] if isinstance(coding, list) and len(coding) == 1 else None
        if members != {"coding"} or not isinstance(first, dict) or first.keys() != {"code", "system"}:
            text = "is one coding with `code` and `system`, without display"
            self._about(spot, "concept-form", text, "is één code met codestelsel, zonder omschrijving")
            return
        code = first["code"]
        if spot.element.codes is None or first["system"] != spot.element.codes.system or not isinstance(code, str):
            text, text_nl = "is of another code system", "komt uit een ander codestelsel"
            self._about(spot, "code-system", text, text_nl)
            return
        self._check_code(spot, code)

    def _check_code(self, spot: _Spot, code: str) -> None:
        codes, allowed = spot.element.codes, spot.element.allowed
        if codes is None or allowed is None:
            return
        if code not in codes.codes:
            text, text_nl = f"is not in the code list `{codes.name}`", f"staat niet in de codelijst {codes.nl}"
            self._about(spot, "code-unknown", text, text_nl)
        elif code not in allowed:
            text, text_nl = "is a code that belongs in another profile", "is een code die in een ander onderdeel hoort"
            self._about(spot, "code-not-here", text, text_nl)
        elif codes.find(code, on=self.on) is None:
            text, text_nl = "is a code that does not hold on this day", "is een code die op deze dag niet geldt"
            self._about(spot, "code-not-valid", text, text_nl)

    def _check_period(self, spot: _Spot, value: JSONObject) -> None:
        start, end = value.get("start"), value.get("end")
        if isinstance(start, str) and isinstance(end, str) and end[: len(start)] < start[: len(end)]:
            self._about(spot, "period", "ends before it begins", "eindigt voor het begin")

    def _check_resource(self, profile: Profile, item: DocumentItem, pointer: str) -> None:
        """Check the shape of the whole resource in one call; only when it is wrong, find the value that is."""
        try:
            mapped = find_mapping(item, self.definitions)
            resource = write_elements(_slim(item, profile), mapped, self.definitions)
            found = check_resource(without_plain_extensions(resource))
        except (TypeError, DocumentError):
            found = (Issue(pointer="", code="sender.value.form", text="is not a resource"),)
        if not found:
            return
        before = len(self.issues)
        for name, values in item.elements.items():
            element = profile.elements[name]
            for number, value in enumerate(values):
                if not _has_shape(element, value):
                    self._wrong(_Spot(profile, element, f"{pointer}/elements/{name}/{number}"))
        if len(self.issues) == before:
            text = f"`{profile.name}` does not make a FHIR R4B resource"
            self._add(pointer, "resource", text, f"{profile.nl} is geen geldige FHIR R4B-bron")

    def _wrong(self, spot: _Spot) -> None:
        kind = spot.element.value.value
        self._about(spot, "form", f"is not a FHIR R4B `{kind}`", f"is geen geldige FHIR R4B-`{kind}`")

    def _about(self, spot: _Spot, code: str, text: str, text_nl: str) -> None:
        text = f"`{spot.element.name}` of `{spot.profile.name}` {text}"
        self._add(spot.pointer, code, text, f"{spot.profile.nl}: {spot.element.nl} {text_nl}")

    def _add(self, pointer: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(Issue(pointer=pointer, code=f"sender.value.{code}", text=text, text_nl=text_nl))


_IDENTIFIER_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "identifier-value": ("has no `value`", "heeft geen nummer"),
    "identifier-system": ("has no `system`", "heeft geen nummerstelsel"),
    "bsn": ("is not a BSN: nine digits that pass the 11-test", "is geen burgerservicenummer: negen cijfers, 11-proef"),
    "identifier-form": ("is not a number of its system", "is geen nummer van dit stelsel"),
}


def is_absent(value: JSONValue) -> bool:
    """Whether a value says only that, and perhaps why, it is not there."""
    return isinstance(value, dict) and "url" not in value and value.keys() <= {"extension", "resourceType"}


def plain(value: JSONValue) -> JSONValue:
    """Return a primitive without what stands beside it; None if it is absent."""
    return value.get("value") if isinstance(value, dict) else value


def concept_code(value: JSONValue) -> str | None:
    """Return the code of a coded concept; None if it has none."""
    coding = value.get("coding") if isinstance(value, dict) else None
    first = coding[0] if isinstance(coding, list) and coding else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) else None


def _has_shape(element: ElementDefinition, value: JSONValue) -> bool:
    """Whether a value has the shape of its datatype; of a primitive, what stands beside it."""
    if not element.value.primitive:
        return not check_datatype(element.value.value, value, pointer="")
    beside = value.get("extension") if isinstance(value, dict) else None
    extensions = beside if isinstance(beside, list) else []
    return not any(check_datatype("Extension", each, pointer="") for each in extensions)


def _is_person(profile: Profile) -> bool:
    return profile.resource in ("Patient", "RelatedPerson")


def _slim(item: DocumentItem, profile: Profile) -> DocumentItem:
    """Leave out of the shape check what it cannot judge better than the rules above, but would spend its time on.

    Those are bare primitives that stand in extensions of ours, and the bytes of large attachments.
    """
    kept: dict[str, tuple[JSONValue, ...]] = {}
    for name, values in item.elements.items():
        element = profile.elements[name]
        if element.value is ValueType.BASE64_BINARY:
            kept[name] = (_BASE64_STAND_IN,)
        elif element.value.primitive and element.place.startswith("extension("):
            kept[name] = tuple(value for value in values if isinstance(value, dict))
        else:
            kept[name] = values
    return replace(item, elements=kept)


def without_plain_extensions(value: JSONValue) -> JSONValue:
    """Leave out of the shape check the extensions whose shape is right beyond doubt; the value itself stays as it is.

    `fhir.resources` takes longer for an extension than for any other datatype, and most of a StUF message's values
    carry one: without the plain ones its check takes half the time.
    """
    if isinstance(value, list):
        return [without_plain_extensions(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    slim: JSONObject = {}
    for name, member in value.items():
        if name.startswith("_"):
            # What stands beside an absent primitive says that it is absent, and is needed for that.
            if not (name in _ANNOTATED and _only_annotates(member, value.get(name[1:]))):
                slim[name] = member
        elif not (name == "extension" and len(value) > 1 and _are_plain_extensions(member)):
            slim[name] = without_plain_extensions(member)
    return slim


def _only_annotates(beside: JSONValue, primitive: JSONValue) -> bool:
    """Whether what stands beside a primitive, or a list of them, is plain extensions and nothing else."""
    if isinstance(beside, list) and beside and isinstance(primitive, list):
        return all(entry is None or _only_annotates(entry, "") for entry in beside)
    return (
        isinstance(beside, dict)
        and isinstance(primitive, str)
        and beside.keys() == {"extension"}
        and _are_plain_extensions(beside["extension"])
    )


def _are_plain_extensions(value: JSONValue) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_plain_extension(entry) for entry in value)


def _is_plain_extension(value: JSONValue) -> bool:
    """Whether this is an extension with one text, code or boolean, or with such extensions, and nothing else.

    Nested as deep as it may be: `_plain_json` has bounded the value before.
    """
    if not isinstance(value, dict) or len(value) != 2:
        return False
    url = value.get("url")
    if not isinstance(url, str) or not _URL.fullmatch(url):
        return False
    if "valueString" in value:
        return is_text(value["valueString"])
    if "valueCode" in value:
        return is_code(value["valueCode"])
    return type(value.get("valueBoolean")) is bool or _are_plain_extensions(value.get("extension"))


def _plain_json(value: JSONValue, organisation: bool, depth: int = 0) -> bool:  # noqa: FBT001 - a private walk
    """Whether a complex value holds only what JSON and FHIR have a use for here.

    `fhir.resources` would read a number as a date and a text as a boolean; this does not.
    """
    if depth > VALUE_DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return bool(value) and all(
            _plain_member(name, member, organisation=organisation, depth=depth) for name, member in value.items()
        )
    if isinstance(value, list):
        return bool(value) and all(_plain_json(entry, False, depth + 1) for entry in value)  # noqa: FBT003
    return isinstance(value, str) and is_text(value)


def _plain_member(name: str, member: JSONValue, *, organisation: bool, depth: int) -> bool:
    if name in _NEVER or (name == "resourceType" and not (organisation and depth == 0)):
        return False
    if name in _INTEGERS:
        return type(member) is int
    if name in _BOOLEANS:
        return type(member) is bool
    if name.startswith("_") and isinstance(member, list):
        # Beside a list of primitives stands a list of the same length, with null where there is nothing to say.
        return all(entry is None or _plain_json(entry, False, depth + 1) for entry in member)  # noqa: FBT003
    return _plain_json(member, False, depth + 1)  # noqa: FBT003


def check_items(
    items: Sequence[DocumentItem], definitions: Definitions, *, on: date, root: str = "/items"
) -> tuple[Issue, ...]:
    """Check each item by itself: datatypes, code lists, shapes; not what belongs together."""
    checker = ValueChecker(definitions, on, root)
    for index, item in enumerate(items):
        checker.check_item(index, item)
    return tuple(checker.issues)
