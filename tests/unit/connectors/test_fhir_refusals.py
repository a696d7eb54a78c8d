"""What a FHIR bundle says and cannot be sent is refused, at its place and without repeating it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from connectors.formats.fhir import read_bundle
from schemas.errors import DocumentError
from tests.support.example_messages import example_document
from tests.support.fhir_bundles import BASE, DEFINITIONS, FULL, JSON, bundle, findings, header, read, resource


def _second_destination(changed: JSON) -> None:
    header(changed)["destination"] *= 2


def _no_destination(changed: JSON) -> None:
    header(changed)["destination"][0].pop("receiver")


def _unknown_profile(changed: JSON) -> None:
    resource(changed, "leefgebied")["meta"]["profile"] = ["https://example.nl/eigen"]


def _foreign_resource(changed: JSON) -> None:
    changed["entry"].append({"fullUrl": "urn:uuid:x", "resource": {"resourceType": "Basic", "code": {"text": "x"}}})


def _unknown_type(changed: JSON) -> None:
    changed["entry"].append({"fullUrl": "urn:uuid:x", "resource": {"resourceType": "Zaak"}})


def _marital_status(changed: JSON) -> None:
    resource(changed, "jeugdige")["maritalStatus"] = {"text": "x"}


def _other_child(changed: JSON) -> None:
    resource(changed, "leefgebied")["subject"] = {"reference": "urn:uuid:iemand-anders"}


def _amended(changed: JSON) -> None:
    resource(changed, "leefgebied")["status"] = "amended"


def _modified(changed: JSON) -> None:
    resource(changed, "leefgebied")["modifierExtension"] = [{"url": "https://example.nl/niet", "valueBoolean": True}]


def _narrative(changed: JSON) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">ook dit</div>'
    resource(changed, "jeugdige")["text"] = {"status": "additional", "div": div}


def _other_number(changed: JSON) -> None:
    resource(changed, "jeugdige")["identifier"][0]["value"] = "999911132"


def _other_birth(changed: JSON) -> None:
    resource(changed, "jeugdige")["birthDate"] = "2008-03-02"


def _child_as_parent(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    found["extension"][0]["valueCode"] = "ouder"


def _born_and_unborn(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    found["extension"].append({"url": "unborn", "valueBoolean": True})


def _other_system(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    found["extension"][1]["valueIdentifier"]["system"] = "https://ketenhub.nl/fhir/NamingSystem/rni"


def _about_nobody(changed: JSON) -> None:
    found = resource(changed, "leefgebied")
    found["extension"] = [each for each in found["extension"] if each["url"] != BASE + "about"]


def _about_a_stranger(changed: JSON) -> None:
    resource(changed, "leefgebied")["extension"].append({"url": BASE + "about", "valueUnsignedInt": 7})


def _other_resource(changed: JSON) -> None:
    resource(changed, "plan")["meta"]["profile"] = [BASE + "contactmoment"]


def _header_as_item(changed: JSON) -> None:
    header(changed)["meta"]["profile"] = [BASE + "status"]


def _number_without_value(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    found["extension"][1]["valueIdentifier"].pop("value")


def _empty_thread(changed: JSON) -> None:
    next(each for each in header(changed)["extension"] if each["url"] == BASE + "thread")["valueString"] = "\t"


def _same_id(changed: JSON) -> None:
    resource(changed, "leefgebied")["id"] = "p1"


def _long_reference(changed: JSON) -> None:
    changed["identifier"]["value"] = "R" * 41


def _foreign_reference(changed: JSON) -> None:
    changed["identifier"]["system"] = "https://example.nl/nummer"


def _header_last(changed: JSON) -> None:
    changed["entry"].append(changed["entry"].pop(0))


def _no_entries(changed: JSON) -> None:
    changed["entry"] = []


def _requests(changed: JSON) -> None:
    changed["entry"][1]["request"] = {"method": "POST", "url": "Patient"}


def _same_address(changed: JSON) -> None:
    changed["entry"][2]["fullUrl"] = changed["entry"][1]["fullUrl"]


def _transaction(changed: JSON) -> None:
    changed["type"] = "transaction"


def _signed(changed: JSON) -> None:
    changed["total"] = 3


def _no_event(changed: JSON) -> None:
    header(changed)["eventCoding"]["code"] = "roddel"


def _no_sender(changed: JSON) -> None:
    header(changed)["source"]["endpoint"] = "https://voorbeeld.example"


def _no_subject(changed: JSON) -> None:
    found = header(changed)
    found["extension"] = [each for each in found["extension"] if each["url"] != BASE + "subject"]


def _unknown_role(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    found["extension"][0]["valueCode"] = "buurman"


def _two_purposes(changed: JSON) -> None:
    header(changed)["extension"].append({"url": BASE + "purpose", "valueCode": "VTO"})


def _unknown_capacity(changed: JSON) -> None:
    found = next(each for each in header(changed)["extension"] if each["url"] == BASE + "senderCapacity")
    found["valueCode"] = "koning"


def _unknown_extension(changed: JSON) -> None:
    header(changed)["extension"].append({"url": "https://example.nl/geheim", "valueString": "x"})


def _unknown_answer(changed: JSON) -> None:
    header(changed)["response"]["identifier"] = "VTO-1"


def _unknown_reason(changed: JSON) -> None:
    header(changed)["reason"]["coding"][0]["code"] = "haast"


def _unknown_register(changed: JSON) -> None:
    header(changed)["responsible"]["identifier"]["system"] = "https://example.nl/register"


def _empty(changed: JSON) -> None:
    found = resource(changed, "plan")
    for name in ("period", "category"):
        found.pop(name)


REFUSALS: Final[tuple[tuple[Callable[[JSON], None], str, str], ...]] = (
    (_second_destination, "address", "/entry/0/resource/destination"),
    (_no_destination, "address", "/entry/0/resource/destination/0/endpoint"),
    (_unknown_profile, "profile-unknown", "/entry/9/resource/meta/profile"),
    (_foreign_resource, "profile-unknown", "/entry/12/resource/meta/profile"),
    (_unknown_type, "resource-type", "/entry/12/resource"),
    (_marital_status, "member-not-carried", "/entry/1/resource/maritalStatus"),
    (_other_child, "member-not-carried", "/entry/9/resource/subject/reference"),
    (_amended, "member-not-carried", "/entry/9/resource/status"),
    (_modified, "member-not-carried", "/entry/9/resource/modifierExtension"),
    (_narrative, "member-not-carried", "/entry/1/resource/text"),
    (_other_number, "subject-differs", "/entry/1/resource/identifier"),
    (_other_birth, "subject-differs", "/entry/1/resource/birthDate"),
    (_child_as_parent, "subject-differs", "/entry/1/resource"),
    (_born_and_unborn, "subject-differs", "/entry/1/resource/birthDate"),
    (_other_system, "subject-differs", "/entry/1/resource/identifier"),
    (_about_nobody, "about", "/entry/9/resource/extension"),
    (_about_a_stranger, "about", "/entry/9/resource/extension"),
    (_header_as_item, "form", "/entry/0/resource"),
    (_number_without_value, "subject", "/entry/0/resource/extension/8"),
    (_empty_thread, "extension", "/entry/0/resource/extension/7"),
    (_same_id, "item-id", "/entry/9/resource/id"),
    (_long_reference, "reference", "/identifier"),
    (_foreign_reference, "reference", "/identifier/system"),
    (_header_last, "header", "/entry/0/resource"),
    (_no_entries, "entry", "/entry"),
    (_requests, "entry", "/entry/1"),
    (_same_address, "entry", "/entry/2/fullUrl"),
    (_transaction, "bundle", "/type"),
    (_signed, "member-not-carried", "/total"),
    (_no_event, "event", "/entry/0/resource/eventCoding"),
    (_no_sender, "address", "/entry/0/resource/source/endpoint"),
    (_no_subject, "subject", "/entry/0/resource/extension"),
    (_unknown_role, "subject", "/entry/0/resource/extension/8"),
    (_two_purposes, "extension", "/entry/0/resource/extension/3"),
    (_unknown_capacity, "extension", "/entry/0/resource/extension/4"),
    (_unknown_extension, "member-not-carried", "/entry/0/resource/extension/10"),
    (_unknown_answer, "reply-to", "/entry/0/resource/response/identifier"),
    (_unknown_reason, "spoed", "/entry/0/resource/reason"),
    (_unknown_register, "responsible", "/entry/0/resource/responsible"),
)


@pytest.mark.parametrize(("change", "code", "place"), REFUSALS, ids=lambda each: getattr(each, "__name__", ""))
def test_what_cannot_be_sent_is_refused_at_its_place(change: Callable[[JSON], None], code: str, place: str) -> None:
    changed = bundle()
    change(changed)
    assert (code, place) in findings(changed)


def test_a_resource_that_says_nothing_is_refused() -> None:
    changed = bundle(example_document("voortgang"))
    _empty(changed)
    assert ("empty", "/entry/4/resource") in findings(changed)


def test_a_resource_of_another_type_than_its_profile_is_refused() -> None:
    changed = bundle(example_document("voortgang"))
    _other_resource(changed)
    assert ("form", "/entry/4/resource") in findings(changed)


def test_every_finding_is_listed() -> None:
    changed = bundle()
    for change in (_same_id, _unknown_profile, _no_event, _no_sender, _long_reference):
        change(changed)
    assert {"profile-unknown", "event", "address", "reference"} <= {code for code, _ in findings(changed)}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sender.json.invalid"),
        (b"[]", "sender.fhir.form"),
        (b"{}", "sender.fhir.bundle"),
        (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', "sender.json.duplicate"),
        (b'{"a": ' * 40 + b"1" + b"}" * 40, "sender.json.depth"),
        (b'{"a": 1.5}', "sender.json.float"),
        (b" " * (32 * 1024 * 1024 + 1), "sender.fhir.too-large"),
    ],
)
def test_what_is_no_bundle_is_refused_before_it_is_looked_at(data: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_bundle(data, DEFINITIONS)
    assert caught.value.issues[0].code == code


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """List the places of the strings and booleans of parsed JSON (`Any`: whatever it holds)."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _leaves(entry, (*path, index))
    else:
        yield path


def _is_housekeeping(path: tuple[str | int, ...]) -> bool:
    """What says nothing of the message: when the bundle was made, and the header's own address."""
    return path in {("timestamp",), ("entry", 0, "fullUrl")}


@pytest.mark.parametrize("message_type", ["raadsrapport", "correctie", "informatieverzoek"])
def test_no_leaf_of_a_bundle_changes_without_being_noticed(message_type: str) -> None:
    """Whatever says something else is refused, or the document says something else."""
    document = replace(FULL, type=message_type, items=example_document(message_type).items)
    original = bundle(document)
    before, unnoticed = read(original), []
    for path in _leaves(original):
        changed = copy.deepcopy(original)
        node: Any = changed  # objects and lists by turns
        for step in path[:-1]:
            node = node[step]
        was = node[path[-1]]
        node[path[-1]] = (not was) if isinstance(was, bool) else was + 1 if isinstance(was, int) else was + "x"
        try:
            same = read(changed) == before
        except DocumentError:
            continue
        if same and not _is_housekeeping(path):
            unnoticed.append(path)
    assert unnoticed == []


def test_no_refusal_repeats_a_value() -> None:
    """Names, numbers, dates and findings stay where they are."""
    changed = bundle()
    for change, _, _ in REFUSALS:
        secret = copy.deepcopy(changed)
        change(secret)
        try:
            read(secret)
        except DocumentError as error:
            told = " ".join((error.public_message, *(f"{i.pointer} {i.text} {i.text_nl}" for i in error.issues)))
            assert not [
                word
                for word in (
                    "Voorbeeld",
                    "Sam",
                    "999911120",
                    "999911132",
                    "2014-03-02",
                    "2008-03-02",
                    "uitstel",
                    "roddel",
                    "VTO-1",
                )
                if word in told
            ]
