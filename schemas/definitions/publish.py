"""The definitions as JSON Schema (draft 2020-12), for whoever builds or checks messages without our software.

`message` describes the claims as they are signed: labels and digests. Each message type has a schema of its *content*
as a verifier of the SD-JWT sees it: the same items, with the disclosed values in place of the digests and an empty
array for an element that was withheld. What JSON Schema cannot say (an unborn child's needs, the day on which a code
holds, references) is in `schemas.structure` and `schemas.fhir`.

Source: JSON Schema draft 2020-12; the architecture, section 4.
"""

import json
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from schemas.claims import MOMENT_MAX
from schemas.codes import AgeBand, Capacity, Category, Necessity, Register, SpoedReason, SubjectRole
from schemas.definitions.loader import Definitions
from schemas.definitions.model import ContentRule, ElementDefinition, MessageType, Part, Profile, ValueType, When
from schemas.message import ELEMENTS_MAX, HUBS_MAX, ITEMS_MAX, SD_ALGORITHM, SUBJECTS_MAX
from schemas.message_claims import ASKS_MAX, CORRECTED_ITEM, CORRECTS_MAX

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_BASE: Final = "https://ketenhub.nl/schemas/"

# A JSON Schema is JSON of any shape; the types of its parts would say nothing.
JSONSchema = dict[str, Any]


def json_schemas(definitions: Definitions) -> Mapping[str, JSONSchema]:
    """Publish the definitions as JSON Schema.

    Returns:
        Name to schema: `message` for the claims of any message, and each message type's name for its content.
    """
    return {
        "message": _claims(definitions),
        **{name: _content(kind, definitions) for name, kind in definitions.message_types.items()},
    }


def _claims(definitions: Definitions) -> JSONSchema:
    nothing: JSONSchema = {"type": "null"}
    uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    hub = r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$"
    moment = {"type": "integer", "minimum": 0, "maximum": MOMENT_MAX}
    return {
        "$schema": _DRAFT,
        "$id": f"{_BASE}{definitions.version}/message.json",
        "title": "Claims of a case message, as signed: labels in the clear, values as digests",
        **_object(
            {
                "iss": _text("^urn:nld:oin:[0-9]{20}$"),
                "hubs": {**_array(_text(hub), HUBS_MAX), "uniqueItems": True},
                "jti": _text(uuid),
                "iat": moment,
                "pickup_by": moment,
                "type": {"enum": sorted(definitions.message_types)},
                "ver": {"type": "integer", "minimum": 0, "maximum": 999},
                "recipient": _object(
                    {
                        "oin": _text("^[0-9]{20}$"),
                        "purpose": _text("^[A-Z][A-Z0-9-]{1,31}$"),
                        "capacity": {"enum": [None, *Capacity]},
                    }
                ),
                "capacity": {"enum": [None, *Capacity]},
                "case": _text("^[0-9a-f]{32}$"),
                "reply_to": {"oneOf": [nothing, _text(uuid)]},
                "asks": {"oneOf": [nothing, _asks()]},
                "corrects": {"oneOf": [nothing, _corrects(uuid)]},
                "recalls": nothing,
                "spoed": {"oneOf": [nothing, _object({"reason": {"enum": [*SpoedReason]}})]},
                "responsible": _object({"register": {"enum": [*Register]}, "number": _text(_PROFESSIONAL)}),
                "subjects": _array(_subject(), SUBJECTS_MAX),
                "sealed": _object({"kid": {"$ref": "#/$defs/digest"}, "digest": {"$ref": "#/$defs/digest"}}),
                "_sd_alg": {"const": SD_ALGORITHM},
                "content": _array({"oneOf": [_item(profile) for profile in definitions.profiles.values()]}, ITEMS_MAX),
            }
        ),
        "$defs": {
            "digest": _text(_DIGEST),
            "placeholder": _object({"...": {"$ref": "#/$defs/digest"}}),
        },
    }


_DIGEST: Final = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
_PROFESSIONAL: Final = "^[!-~]([ -~]{0,18}[!-~])?$"
_DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _asks() -> JSONSchema:
    categories = {**_array({"enum": [*Category]}, ASKS_MAX), "uniqueItems": True}
    return _object({"categories": categories, "term": _text(_DATE)})


def _corrects(uuid: str) -> JSONSchema:
    items = {**_array(_text(f"^{CORRECTED_ITEM.pattern}$"), CORRECTS_MAX), "uniqueItems": True}
    return _object({"message": _text(uuid), "items": {"oneOf": [{"type": "null"}, items]}})


def _subject() -> JSONSchema:
    return _object(
        {
            "tag": _placeholders(HUBS_MAX),
            "yours": {"oneOf": [{"type": "null"}, _placeholders(1)]},
            "role": {"enum": [*SubjectRole]},
            "age": {"enum": [*AgeBand]},
            "turns": {"oneOf": [{"type": "null"}, _text(_DATE)]},
        }
    )


def _item(profile: Profile) -> JSONSchema:
    """Describe an item of the claims: the profile's labels, each with its digests."""
    elements = {name: _placeholders(element.max) for name, element in sorted(profile.elements.items())}
    return _labelled(profile, {**_object(elements, required=False), "minProperties": 1})


def _labelled(profile: Profile, elements: JSONSchema) -> JSONSchema:
    about = {"type": "integer", "minimum": 0, "maximum": SUBJECTS_MAX - 1}
    return _object(
        {
            "profile": {"const": profile.name},
            "id": _text("^[a-z][a-z0-9-]{0,31}$"),
            "about": {**_array(about, SUBJECTS_MAX), "uniqueItems": True},
            "necessary": {"enum": [None, *Necessity]},
            "elements": elements,
        }
    )


def _content(kind: MessageType, definitions: Definitions) -> JSONSchema:
    """Describe what a verifier sees in `content` of a message of this type."""
    rules = [rule for rule in kind.content.values() if not rule.off]
    bounds = [
        {
            "contains": {"properties": {"profile": {"const": rule.profile}}},
            "minContains": rule.min,
            **({} if rule.max is None else {"maxContains": rule.max}),
        }
        for rule in rules
    ]
    return {
        "$schema": _DRAFT,
        "$id": f"{_BASE}{definitions.version}/{kind.name}.json",
        "title": f"{kind.nl} / {kind.en}: the content as disclosed to its recipient",
        **_array({"oneOf": [_disclosed_item(rule, definitions) for rule in rules]}, ITEMS_MAX),
        "allOf": bounds,
        "$defs": _datatypes(),
    }


def _disclosed_item(rule: ContentRule, definitions: Definitions) -> JSONSchema:
    profile = definitions.profiles[rule.profile]
    elements: JSONSchema = {
        name: {
            "type": "array",
            "maxItems": most,
            "title": f"{profile.elements[name].nl} / {profile.elements[name].en}",
            "description": f"data category: {profile.elements[name].category.value}",
            "items": _value(profile.elements[name], definitions),
        }
        for name, most in rule.elements.items()
    }
    always = [[need] for need in rule.needs if need.when is When.ALWAYS]
    # Whether a child is born stands outside the content: what either needs is enough here.
    by_birth = [need for need in rule.needs if need.when is not When.ALWAYS]
    needed: list[JSONSchema] = [
        {"anyOf": [{"required": sorted(alternative)} for need in needs for alternative in need.any_of]}
        for needs in (*always, by_birth)
        if needs
    ]
    shape = {**_object(elements, required=False), "minProperties": 1}
    return _labelled(profile, {**shape, "allOf": needed} if needed else shape)


def _value(element: ElementDefinition, definitions: Definitions) -> JSONSchema:
    """Describe one value of an element."""
    found = _bare_value(element, definitions)
    if element.value.primitive:
        beside = _object({"value": found, "extension": {"$ref": "#/$defs/extensions"}})
        return {"anyOf": [found, beside, {"$ref": "#/$defs/absent"}]}
    if element.value in (ValueType.EXTENSION, ValueType.ORGANIZATION):
        return found
    return {"anyOf": [found, {"$ref": "#/$defs/absent"}]}


def _bare_value(element: ElementDefinition, definitions: Definitions) -> JSONSchema:
    allowed = sorted(element.allowed or ())
    if element.codes is not None and element.value is ValueType.CODE:
        return {"enum": allowed}
    if element.codes is not None:
        coding = _object({"code": {"enum": allowed}, "system": {"const": element.codes.system}})
        members: JSONSchema = {"coding": {"type": "array", "minItems": 1, "maxItems": 1, "items": coding}}
        concept = _concept(members)
        return {"anyOf": [concept, _concept({"text": {"$ref": "#/$defs/text"}})]} if element.preferred else concept
    if element.value is ValueType.EXTENSION:
        url: JSONSchema = {"const": definitions.extension_base + str(element.url)}
        if element.parts is not None:
            return _object({"url": url, "extension": _parts(element.parts.values())})
        return {"allOf": [{"$ref": "#/$defs/Extension"}, {"properties": {"url": url}}]}
    return _primitive(element.value, length=element.length, pattern=element.pattern)


def _parts(parts: Collection[Part]) -> JSONSchema:
    """Describe the parts of an extension: each once at most, those that are required at least."""
    return {
        **_array(
            {"oneOf": [_object({"url": {"const": part.name}, part.member: _part(part)}) for part in parts]}, len(parts)
        ),
        "allOf": [
            {
                "contains": {"properties": {"url": {"const": part.name}}},
                "minContains": int(part.required),
                "maxContains": 1,
            }
            for part in parts
        ],
    }


def _part(part: Part) -> JSONSchema:
    if part.codes is not None:
        return {"enum": sorted(part.codes.codes)}
    return _primitive(part.value, length=None, pattern=part.pattern)


def _primitive(value: ValueType, *, length: int | None, pattern: str | None) -> JSONSchema:
    bounds: JSONSchema = {} if length is None else {"maxLength": length}
    if pattern is not None:
        bounds["pattern"] = f"^(?:{pattern})$"
    return {"$ref": f"#/$defs/{'text' if value is ValueType.STRING else value.value}", **bounds}


def _concept(members: JSONSchema) -> JSONSchema:
    found = _object({**members, "extension": {"$ref": "#/$defs/extensions"}}, required=False)
    return {**found, "required": sorted(members)}


def _object(properties: JSONSchema, *, required: bool = True) -> JSONSchema:
    found: JSONSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": sorted(properties)} if required else found


def _array(items: JSONSchema, most: int) -> JSONSchema:
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


def _placeholders(most: int) -> JSONSchema:
    return _array({"$ref": "#/$defs/placeholder"}, min(most, ELEMENTS_MAX))


def _text(pattern: str) -> JSONSchema:
    return {"type": "string", "pattern": pattern}


@cache
def _datatypes() -> JSONSchema:
    file = resources.files("schemas.definitions") / "data" / "datatypes.json"
    found: JSONSchema = json.loads(file.read_text("utf-8"))
    return found
