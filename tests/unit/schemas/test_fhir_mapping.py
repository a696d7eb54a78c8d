"""Items as FHIR resources and back, and a message as a bundle: what goes out comes back as it was."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.codes import Necessity, SpoedReason
from schemas.definitions import Profile, load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError
from schemas.fhir import (
    BundleHead,
    bundle_to_items,
    check_resource,
    check_values,
    document_to_bundle,
    item_to_resource,
    resource_to_item,
    warm_up,
)
from schemas.fhir.places import JSONObject, parse_steps
from schemas.identifiers import OIN, MessageId
from tests.support.example_documents import DAY, item, notification_document, request_items
from tests.support.example_messages import example_document

DEFINITIONS = load_definitions()
BASE = DEFINITIONS.extension_base
ABSENT: JSONValue = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
RIDER: JSONValue = {"url": "https://ketenhub.nl/fhir/StructureDefinition/stuf", "valueString": "x"}
NATIVE: JSONValue = [RIDER]
HEAD = BundleHead(
    message_type="verzoek-tot-onderzoek",
    message_id=MessageId("0194f0a0-0000-7000-8000-000000000001"),
    sender=OIN("00000099000000001000"),
    recipient=OIN("00000099000000002000"),
    timestamp="2026-11-23T09:16:08Z",
)
PROFILES = sorted(DEFINITIONS.profiles)


def full(profile: Profile, *, other: bool = False) -> DocumentItem:
    """Return an item with every element of the profile, lists with two values."""
    elements = {
        element.name: (copy.deepcopy(element.example),) * min(element.max, 2)
        for element in profile.elements.values()
        if not other or element.place_other is not None
    }
    return DocumentItem(
        profile=profile.name, id="x1", about=(0, 2), elements=elements, necessary=Necessity.PROFESSIONAL
    )


def assert_there_and_back(before: DocumentItem) -> JSONObject:
    """Write, check the shape, read: the same item."""
    resource = item_to_resource(copy.deepcopy(before), DEFINITIONS)
    assert check_resource(resource) == ()
    after = resource_to_item(resource, DEFINITIONS)
    assert dict(after.elements) == dict(before.elements)
    assert replace(after, elements={}) == replace(before, elements={})
    return resource


@pytest.mark.parametrize("name", PROFILES)
def test_a_full_item_goes_to_fhir_and_comes_back(name: str) -> None:
    profile = DEFINITIONS.profile(name)
    assert assert_there_and_back(full(profile))["resourceType"] == profile.resource


@pytest.mark.parametrize("name", ["gezagsdrager", "andere-persoon"])
def test_an_institution_becomes_an_organization_and_comes_back(name: str) -> None:
    resource = assert_there_and_back(full(DEFINITIONS.profile(name), other=True))
    assert resource["resourceType"] == "Organization"
    assert resource["name"] == "Voogdij Voorbeeld"


@pytest.mark.parametrize(
    ("name", "element"),
    [(profile.name, element) for profile in DEFINITIONS.profiles.values() for element in profile.elements],
)
def test_each_element_alone_with_what_stands_beside_it_and_absent(name: str, element: str) -> None:
    definition = DEFINITIONS.profile(name).elements[element]
    values = [definition.example]
    if definition.value.primitive:
        values += [{"value": definition.example, "extension": NATIVE}, ABSENT]
    elif definition.value.value != "Extension" and isinstance(definition.example, dict):
        kind = {"resourceType": "Organization"} if definition.value.value == "Organization" else {}
        values += [{**definition.example, "extension": NATIVE}, {**kind, "extension": NATIVE}]
    for value in values:
        assert_there_and_back(item(name, "x1", **{element: (value,)}))


def test_names_and_dates_stand_where_fhir_readers_look() -> None:
    resource = assert_there_and_back(full(DEFINITIONS.profile("jeugdige")))
    assert resource["birthDate"] == "2014-03-02"
    assert resource["gender"] == "female"
    assert resource["meta"] == {"profile": [BASE + "jeugdige"]}
    professional = assert_there_and_back(full(DEFINITIONS.profile("professional")))
    assert professional["practitioner"] == {"reference": "#practitioner"}
    assert professional["organization"] == {"reference": "#organization"}


def test_a_secret_address_is_marked_and_an_ordinary_one_is_not() -> None:
    ordinary: JSONValue = {"city": "Voorbeeldstad"}
    secret: JSONValue = {"city": "Geheimstad", "extension": NATIVE}
    resource = assert_there_and_back(item("jeugdige", "p1", secretAddress=(secret,), address=(ordinary,)))
    addresses = resource["address"]
    assert isinstance(addresses, list)
    assert ordinary in addresses
    assert secret not in addresses


def test_a_primitive_with_something_beside_it_is_written_as_fhir_writes_it() -> None:
    dated: JSONValue = {"value": "2014-03", "extension": NATIVE}
    resource = item_to_resource(item("jeugdige", "p1", birthDate=(dated,), expectedDate=(dated,)), DEFINITIONS)
    assert resource["birthDate"] == "2014-03"
    assert resource["_birthDate"] == {"extension": NATIVE}
    nested: JSONValue = {"url": BASE + "expectedDate", "extension": [{"url": "value", "valueDate": "2014-03"}, RIDER]}
    extensions = resource["extension"]
    assert isinstance(extensions, list)
    assert extensions[0] == nested


@pytest.mark.parametrize("items", [request_items(), notification_document().items], ids=["request", "notification"])
def test_a_message_becomes_a_valid_bundle_and_comes_back(items: tuple[DocumentItem, ...]) -> None:
    bundle = document_to_bundle(items, DEFINITIONS, HEAD)
    assert check_resource(bundle) == ()
    assert bundle_to_items(bundle, DEFINITIONS) == items
    assert document_to_bundle(items, DEFINITIONS, HEAD) == bundle


def entries(bundle: JSONObject) -> list[JSONObject]:
    """Return the resources of a bundle."""
    listed = bundle["entry"]
    assert isinstance(listed, list)
    resources = [entry["resource"] for entry in listed if isinstance(entry, dict)]
    return [resource for resource in resources if isinstance(resource, dict)]


def test_a_bundle_begins_with_its_header_and_names_the_parties() -> None:
    items = request_items()
    header, *others = entries(document_to_bundle((*items[1:], items[0]), DEFINITIONS, HEAD))
    assert header["resourceType"] == "MessageHeader"
    assert header["source"] == {"endpoint": "urn:nld:oin:00000099000000001000"}
    assert header["destination"] == [{"endpoint": "urn:nld:oin:00000099000000002000"}]
    assert len(others) == len(items) - 1


def test_a_bundle_whose_header_was_withheld_has_one_all_the_same() -> None:
    head = replace(HEAD, withheld=("bericht/b1/reference",))
    items = request_items()[1:]
    bundle = document_to_bundle(items, DEFINITIONS, head)
    assert check_resource(bundle) == ()
    extensions = entries(bundle)[0]["extension"]
    assert isinstance(extensions, list)
    assert {"url": BASE + "withheld", "valueString": "bericht/b1/reference"} in extensions
    assert bundle_to_items(bundle, DEFINITIONS) == items


def test_what_is_about_a_child_refers_to_that_child() -> None:
    children = tuple(replace(item("jeugdige", f"p{n}", name=({"family": "V"},)), about=(n,)) for n in (0, 1))
    parent = item("gezagsdrager", "g1", 2, over=("p1",), name=({"family": "V"},))
    second = item("document", "d1", 1, title=("x",))
    nobody = item("document", "d2", 5, title=("x",))
    bundle = document_to_bundle((*children, parent, second, nobody), DEFINITIONS, HEAD)
    listed = bundle["entry"]
    assert isinstance(listed, list)
    addresses = [entry["fullUrl"] for entry in listed if isinstance(entry, dict)]
    _, first, other, authority, document, last = entries(bundle)
    assert (first["id"], other["id"]) == ("p0", "p1")
    assert authority["patient"] == {"reference": addresses[2]}
    assert document["subject"] == {"reference": addresses[2]}
    assert last["subject"] == {"reference": addresses[1]}


@pytest.mark.parametrize(
    "bundle",
    [
        None,
        {},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": ["x"]},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]},
        {"resourceType": "Bundle", "entry": [{"resource": {"meta": {"profile": [BASE + "niets"]}}}]},
        {"resourceType": "Bundle", "entry": [{"resource": {"meta": {"profile": [BASE + "jeugdige"]}, "id": "x"}}]},
        {"resourceType": "Bundle", "entry": [{}] * 501},
    ],
)
def test_a_bundle_of_another_form_is_refused(bundle: JSONValue) -> None:
    with pytest.raises(DocumentError) as caught:
        bundle_to_items(bundle, DEFINITIONS)
    assert caught.value.code.startswith("sender.fhir.")


def test_a_resource_that_cannot_be_read_is_refused() -> None:
    resource: JSONObject = {
        "resourceType": "DocumentReference",
        "id": "d1",
        "meta": {"profile": [BASE + "document"]},
        "content": "x",
        "extension": ["x"],
    }
    with pytest.raises(DocumentError) as caught:
        resource_to_item(resource, DEFINITIONS)
    assert caught.value.code == "sender.fhir.form"


def test_extensions_of_another_form_say_nothing_about_the_item() -> None:
    resource: JSONObject = {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"profile": [BASE + "jeugdige"]},
        "extension": ["x", {"url": BASE + "about", "valueUnsignedInt": 16}, {"url": BASE + "necessary"}],
    }
    assert resource_to_item(resource, DEFINITIONS) == DocumentItem(profile="jeugdige", id="p1", about=(0,), elements={})


def test_members_of_another_form_are_no_values() -> None:
    resource: JSONObject = {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {"profile": [BASE + "jeugdige"]},
        "name": "Sam",
        "address": [3],
        "extension": {"url": "x"},
    }
    assert resource_to_item(resource, DEFINITIONS).elements == {}


def test_an_element_or_profile_that_nobody_defined_is_not_written() -> None:
    with pytest.raises(DocumentError):
        item_to_resource(item("jeugdige", "p1", kleur=("x",)), DEFINITIONS)
    with pytest.raises(DocumentError):
        item_to_resource(item("niets", "p1", name=("x",)), DEFINITIONS)


@pytest.mark.parametrize("text", ["", "a..b", "a[1]", "a[]b", "extension()", "a#"])
def test_a_place_that_does_not_follow_the_grammar_does_not_load(text: str) -> None:
    with pytest.raises(ValueError, match="is no place"):
        parse_steps(text)


def test_models_can_be_imported_before_the_first_message() -> None:
    warm_up(profile.resource for profile in DEFINITIONS.profiles.values())


def test_the_example_of_the_readme_is_right_and_comes_back() -> None:
    text = (Path(__file__).parents[3] / "schemas" / "README.md").read_text("utf-8")
    block = text.partition("### One child, from element to FHIR")[2].partition("```json")[2].partition("```")[0]
    told = json.loads(block)
    elements = {name: tuple(values) for name, values in told["elements"].items()}
    child = DocumentItem(profile=told["profile"], id=told["id"], about=tuple(told["about"]), elements=elements)
    assert check_values([child], DEFINITIONS, message_type="", on=DAY) == ()
    assert resource_to_item(item_to_resource(child, DEFINITIONS), DEFINITIONS) == child


def test_a_header_says_what_it_answers_and_why_it_could_not_wait() -> None:
    answered = MessageId("0194f0a0-0000-7000-8000-000000000007")
    head = replace(HEAD, message_type="informatieantwoord", reply_to=answered, spoed=SpoedReason.PRONOUNCED)
    items = example_document("informatieantwoord").items
    bundle = document_to_bundle(items, DEFINITIONS, head)
    assert check_resource(bundle) == ()
    entries = bundle["entry"]
    assert isinstance(entries, list)
    assert isinstance(entries[0], dict)
    header = entries[0]["resource"]
    assert isinstance(header, dict)
    assert header["response"] == {"identifier": answered.value, "code": "ok"}
    system = DEFINITIONS.code_lists["spoedreden"].system
    assert header["reason"] == {"coding": [{"system": system, "code": "maatregel-uitgesproken"}]}
    assert bundle_to_items(bundle, DEFINITIONS) == items
