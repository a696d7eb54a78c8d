"""The published JSON Schemas are schemas, and say the same as the code."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import jsonschema
import pytest

from schemas.canonical import canonical_json, parse_canonical
from schemas.codes import Capacity, Category, Necessity, SpoedReason
from schemas.definitions import json_schemas, load_definitions
from schemas.document import Document, JSONValue
from schemas.errors import DocumentError
from schemas.fhir import check_values
from schemas.identifiers import MessageId
from schemas.message import message_to_payload, parse_message
from schemas.message_claims import Asks, Corrects
from tests.support.example_documents import (
    DAY,
    item,
    message_of,
    notification_document,
    request_document,
    with_item,
)
from tests.support.example_messages import MESSAGE_TYPES, example_document, reaction

DEFINITIONS = load_definitions()
SCHEMAS = json_schemas(DEFINITIONS)
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def claims() -> dict[str, Any]:
    """Return right claims as plain JSON."""
    found: dict[str, Any] = json.loads(message_to_payload(message_of(request_document())))
    return found


def accepted(changed: dict[str, Any]) -> bool:
    """Whether the parser takes the claims."""
    try:
        parse_message(canonical_json(changed))
    except DocumentError:
        return False
    return True


def test_there_is_a_schema_for_the_claims_and_for_each_message_type() -> None:
    assert set(SCHEMAS) == {"message", *DEFINITIONS.message_types}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_published_schema_is_a_schema_and_canonical_json(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert parse_canonical(canonical_json(SCHEMAS[name]))


@pytest.mark.parametrize("document", [request_document(), notification_document()], ids=["request", "notification"])
def test_right_claims_fit_the_schema(document: Document) -> None:
    message = replace(
        message_of(document),
        reply_to=MessageId("0194f0a0-0000-7000-8000-000000000000"),
        capacity=Capacity.OTS,
        spoed=SpoedReason.PRONOUNCED,
        asks=Asks(categories=(Category.HULPVERLENING, Category.ZORGEN), term=date(2026, 12, 14)),
        corrects=Corrects(message=MessageId("0194f0a0-0000-7000-8000-000000000000"), items=("leefgebied/l1",)),
    )
    payload = message_to_payload(message)
    assert parse_message(payload) == message
    VALIDATORS["message"].validate(json.loads(payload))


def _first(data: dict[str, Any], *path: str | int) -> Any:
    node: Any = data
    for step in path:
        node = node[step]
    return node


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a member more": lambda data: data.update(more=None),
    "a member less": lambda data: data.pop("spoed"),
    "iss without urn": lambda data: data.update(iss="00000099000000001000"),
    "a hub in capitals": lambda data: data.update(hubs=["HUB.example.nl"]),
    "no hub": lambda data: data.update(hubs=[]),
    "five hubs": lambda data: data.update(hubs=["a", "b", "c", "d", "e"]),
    "the same hub twice": lambda data: data.update(hubs=["a", "a"]),
    "a jti of version 4": lambda data: data.update(jti="0194f0a0-0000-4000-8000-000000000001"),
    "iat as text": lambda data: data.update(iat="1795432568"),
    "iat as boolean": lambda data: data.update(iat=True),
    "iat below zero": lambda data: data.update(iat=-1),
    "iat beyond the calendar": lambda data: data.update(iat=2**37, pickup_by=2**37 + 60),
    "a hub that ends in a hyphen": lambda data: data.update(hubs=["hub-.example.nl"]),
    "a version too high": lambda data: data.update(ver=1000),
    "a purpose in small letters": lambda data: data["recipient"].update(purpose="vto"),
    "an OIN too short": lambda data: data["recipient"].update(oin="1"),
    "an unknown capacity": lambda data: data.update(capacity="rechter"),
    "a recipient with more": lambda data: data["recipient"].update(name="x"),
    "a case too short": lambda data: data.update(case="7d0c"),
    "a reply to nothing": lambda data: data.update(reply_to=""),
    "spoed without reason": lambda data: data.update(spoed={}),
    "spoed with a reason of its own": lambda data: data.update(spoed={"reason": "haast"}),
    "a recall in a message": lambda data: data.update(recalls={"message": "x"}),
    "a question for nothing": lambda data: data.update(asks={"categories": [], "term": "2026-12-14"}),
    "a question for the same twice": lambda data: data.update(
        asks={"categories": ["zorgen"] * 2, "term": "2026-12-14"}
    ),
    "a question for what there is not": lambda data: data.update(asks={"categories": ["alles"], "term": "2026-12-14"}),
    "a question without a term": lambda data: data.update(asks={"categories": ["zorgen"]}),
    "a term that is no day": lambda data: data.update(asks={"categories": ["zorgen"], "term": "gisteren"}),
    "a correction of nothing": lambda data: data.update(corrects={"message": data["jti"], "items": []}),
    "a correction of no message": lambda data: data.update(corrects={"message": "x", "items": None}),
    "a correction of an element": lambda data: data.update(corrects={"message": data["jti"], "items": ["a/b/c"]}),
    "an unknown register": lambda data: data["responsible"].update(register="KNMG"),
    "a number with a space before it": lambda data: data["responsible"].update(number=" 1"),
    "another hash": lambda data: data.update(_sd_alg="sha-512"),
    "no subject": lambda data: data.update(subjects=[]),
    "17 subjects": lambda data: data.update(subjects=data["subjects"] * 9),
    "a subject without tag": lambda data: data["subjects"][0].update(tag=[]),
    "an unknown age": lambda data: data["subjects"][0].update(age="12"),
    "a turn that is no date": lambda data: data["subjects"][0].update(turns="morgen"),
    "an unknown role": lambda data: data["subjects"][0].update(role="kind"),
    "no content": lambda data: data.update(content=[]),
    "an item without elements": lambda data: data["content"][0].update(elements={}),
    "an item about nobody": lambda data: data["content"][0].update(about=[]),
    "an item about subject 16": lambda data: data["content"][0].update(about=[16]),
    "an item about somebody twice": lambda data: data["content"][0].update(about=[0, 0]),
    "an item id in capitals": lambda data: data["content"][0].update(id="B1"),
    "an unknown necessity": lambda data: data["content"][0].update(necessary="ja"),
    "an element without digests": lambda data: data["content"][0]["elements"].update(reference=[]),
    "a value in place of a digest": lambda data: data["content"][0]["elements"].update(reference=["x"]),
    "a digest that is not canonical": lambda data: data["content"][0]["elements"].update(
        reference=[{"...": "A" * 42 + "B"}]
    ),
    "a placeholder with more": lambda data: data["content"][0]["elements"]["reference"][0].update(x=1),
    "a sealed key of no kid": lambda data: data["sealed"].update(kid="x"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_parser_and_schema_refuse_the_same_claims(change: str) -> None:
    data = claims()
    CHANGES[change](data)
    assert not accepted(data)
    assert not VALIDATORS["message"].is_valid(data)


KINDER: dict[str, Callable[[dict[str, Any]], object]] = {
    "a capacity": lambda data: data["recipient"].update(capacity="voogdij"),
    "a necessity": lambda data: data["content"][0].update(necessary=Necessity.FORMAT.value),
    "a turn": lambda data: data["subjects"][0].update(age="0-11", turns="2026-12-01"),
    "an age": lambda data: data["subjects"][0].update(age="12-15"),
    "another case": lambda data: data.update(case="0" * 32),
}


@pytest.mark.parametrize("change", sorted(KINDER))
def test_parser_and_schema_accept_the_same_claims(change: str) -> None:
    data = claims()
    KINDER[change](data)
    assert accepted(data)
    assert VALIDATORS["message"].is_valid(data)


def test_a_label_that_nobody_defined_is_refused_by_the_schema() -> None:
    data = claims()
    elements = _first(data, "content", 0, "elements")
    elements["colour"] = elements["reference"]
    assert not VALIDATORS["message"].is_valid(data)


def content(document: Document) -> list[JSONValue]:
    """Return the content as a verifier sees it when everything is disclosed."""
    return [
        {
            "profile": each.profile,
            "id": each.id,
            "about": list(each.about),
            "necessary": each.necessary,
            "elements": {name: list(values) for name, values in each.elements.items()},
        }
        for each in document.items
    ]


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_right_content_fits_the_schema_also_where_elements_are_withheld(name: str) -> None:
    document = example_document(name)
    VALIDATORS[document.type].validate(content(document))
    withheld = [
        {**each, "elements": dict.fromkeys(each["elements"], ())} for each in json.loads(json.dumps(content(document)))
    ]
    VALIDATORS[document.type].validate(json.loads(json.dumps(withheld)))


@pytest.mark.parametrize(
    ("profile", "element"),
    [(profile.name, element) for profile in DEFINITIONS.profiles.values() for element in profile.elements],
)
def test_schema_and_code_agree_on_each_element(profile: str, element: str) -> None:
    """The example is right for both; a number, an empty object and a text where none belongs are wrong for both."""
    definition = DEFINITIONS.profile(profile).elements[element]
    schema = _element_schema("correctie", profile, element)
    values: list[JSONValue] = [definition.example, 3, {}, [], None, {"value": definition.example}, "\u0000"]
    values.append("x" if not definition.value.primitive else {"family": "x"})
    for value in values:
        issues = check_values([item(profile, "x1", **{element: (value,)})], DEFINITIONS, message_type="", on=DAY)
        by_code = not [issue for issue in issues if issue.code != "sender.value.reference"]
        assert schema.is_valid([value]) == by_code, value


def test_every_message_type_says_the_same_of_an_element() -> None:
    """So that what is shown for one of them holds for all."""
    for kind in DEFINITIONS.message_types.values():
        for rule in kind.content.values():
            for element in () if rule.off else rule.elements:
                schema = _element_schema(kind.name, rule.profile, element).schema
                assert schema == _element_schema("correctie", rule.profile, element).schema


REACTION = DEFINITIONS.extension_base + "reaction"
PARTS: dict[str, list[JSONValue]] = {
    "nothing": [],
    "no kind": [{"url": "text", "valueString": "x"}],
    "a kind that there is not": [{"url": "kind", "valueCode": "misschien"}],
    "a kind twice": [{"url": "kind", "valueCode": "eens"}, {"url": "kind", "valueCode": "eens"}],
    "a kind as text": [{"url": "kind", "valueString": "eens"}],
    "a part that there is not": [{"url": "kind", "valueCode": "eens"}, {"url": "when", "valueString": "x"}],
    "a part with more": [{"url": "kind", "valueCode": "eens", "id": "x"}],
    "an empty text": [{"url": "kind", "valueCode": "oneens"}, {"url": "text", "valueString": " "}],
    "a text of 20,001 characters": [
        {"url": "kind", "valueCode": "oneens"},
        {"url": "text", "valueString": "x" * 20_001},
    ],
    "somebody in capitals": [{"url": "kind", "valueCode": "eens"}, {"url": "by", "valueString": "G1"}],
    "no object": ["kind"],
}


@pytest.mark.parametrize("defect", sorted(PARTS))
def test_schema_and_code_refuse_the_same_parts_of_a_reaction(defect: str) -> None:
    value: JSONValue = {"url": REACTION, "extension": PARTS[defect]}
    assert check_values([item("leefgebied", "x1", reaction=(value,))], DEFINITIONS, message_type="", on=DAY)
    assert not _element_schema("raadsrapport", "leefgebied", "reaction").is_valid([value])


def test_schema_and_code_take_the_same_parts_of_a_reaction() -> None:
    for value in (reaction(), reaction("eens", text="x"), reaction("oneens", by="x1", text="x" * 20_000)):
        assert not check_values([item("leefgebied", "x1", reaction=(value,))], DEFINITIONS, message_type="", on=DAY)
        assert _element_schema("raadsrapport", "leefgebied", "reaction").is_valid([value])


def _element_schema(kind: str, profile: str, element: str) -> jsonschema.Draft202012Validator:
    for choice in SCHEMAS[kind]["items"]["oneOf"]:
        if choice["properties"]["profile"]["const"] == profile:
            schema = choice["properties"]["elements"]["properties"][element]
            return jsonschema.Draft202012Validator({**schema, "$defs": SCHEMAS[kind]["$defs"]})
    raise AssertionError(profile)


@pytest.mark.parametrize("missing", ["finding", "statementType", "source", "reaction"])
def test_a_finding_without_what_belongs_to_it_does_not_fit_the_schema(missing: str) -> None:
    document = example_document("raadsrapport")
    changes: dict[str, tuple[JSONValue, ...] | None] = {missing: None}
    assert not VALIDATORS[document.type].is_valid(content(with_item(document, "l1", **changes)))


def test_content_beyond_the_maximum_does_not_fit_the_schema() -> None:
    document = notification_document()
    address: tuple[JSONValue, ...] = ({"city": "Voorbeeldstad"},)
    assert not VALIDATORS[document.type].is_valid(content(with_item(document, "p1", address=address)))
    assert not VALIDATORS[document.type].is_valid(content(replace(document, items=document.items[1:])))
    second = item("jeugdige", "p2", name=({"family": "V"},))
    assert not VALIDATORS[document.type].is_valid(content(replace(document, items=(*document.items, second))))
