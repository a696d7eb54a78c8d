"""Values: what each datatype, code list and rule refuses, with where it stands and never with what it says."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from schemas.definitions import load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.errors import Issue
from schemas.fhir import check_resource, check_values
from schemas.fhir.identifying import AGB_SYSTEM, ESTABLISHMENT_SYSTEM, RSIN_SYSTEM
from schemas.identifiers import BIG_SYSTEM, BSN_SYSTEM, RNI_SYSTEM, SKJ_SYSTEM
from tests.support.example_documents import DAY, SYSTEM, concept, item, notification_document, request_items

DEFINITIONS = load_definitions()
ABSENT: JSONValue = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
NATIVE: JSONValue = [{"url": "https://ketenhub.nl/fhir/StructureDefinition/stuf", "valueString": "x"}]


def check(
    items: Sequence[DocumentItem],
    *,
    message_type: str = "verzoek-tot-onderzoek",
    on: date = DAY,
    unborn: Sequence[int] = (),
    withheld: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """Return what was found and where, without the common prefix."""
    issues = check_values(items, DEFINITIONS, message_type=message_type, on=on, unborn=unborn, withheld=withheld)
    assert all(issue.text and issue.text_nl for issue in issues)
    return [(issue.code.removeprefix("sender.value."), issue.pointer) for issue in issues]


def alone(profile: str, element: str, *values: JSONValue, on: date = DAY) -> list[str]:
    """Check one element of one item by itself; return the codes."""
    found = check([item(profile, "x1", **{element: values})], message_type="", on=on)
    assert all(pointer.startswith(f"/items/0/elements/{element}") for _, pointer in found)
    return [code for code, _ in found]


def changed(identity: str, **elements: tuple[JSONValue, ...] | None) -> list[DocumentItem]:
    """Return the items of a complete request with elements of one item set or taken away."""

    def change(each: DocumentItem) -> DocumentItem:
        merged = {**each.elements, **elements}
        return replace(each, elements={name: values for name, values in merged.items() if values is not None})

    return [change(each) if each.id == identity else each for each in request_items()]


def test_complete_messages_have_no_issue() -> None:
    assert check(request_items()) == []
    assert check(notification_document().items, message_type="notificatie-onderzoek") == []


@pytest.mark.parametrize(
    ("profile", "element"),
    [(profile.name, name) for profile in DEFINITIONS.profiles.values() for name in profile.elements],
)
def test_every_example_of_the_definitions_is_right(profile: str, element: str) -> None:
    definition = DEFINITIONS.profile(profile).elements[element]
    codes = alone(profile, element, definition.example)
    assert codes == (["reference"] if definition.value.value == "id" else [])


@pytest.mark.parametrize(
    ("profile", "element", "value"),
    [
        ("jeugdige", "birthDate", "2014-02-30"),
        ("jeugdige", "birthDate", "2014-13"),
        ("jeugdige", "birthDate", "0000"),
        ("jeugdige", "birthDate", "20140302"),
        ("jeugdige", "birthDate", "2014-03-02T10:00:00Z"),
        ("jeugdige", "birthDate", 20140302),
        ("jeugdige", "birthDate", None),
        ("jeugdige", "birthDate", ["2014"]),
        ("jeugdige", "birthDate", {"value": "2014"}),
        ("jeugdige", "birthDate", {"value": "2014", "extension": []}),
        ("jeugdige", "birthDate", {"value": "2014", "extension": "x"}),
        ("jeugdige", "birthDate", {"value": "2014", "extension": NATIVE, "more": "x"}),
        ("jeugdige", "birthDate", {"value": "31-12-2014", "extension": NATIVE}),
        ("jeugdige", "gender", ""),
        ("jeugdige", "gender", True),
        ("verzoek", "authoredOn", "2026-11-20T10:00"),
        ("verzoek", "authoredOn", "2026-11-20T10:00:00"),
        ("verzoek", "authoredOn", "2026-11-20T25:00:00Z"),
        ("verzoek", "authoredOn", "2026-02-30T10:00:00Z"),
        ("verzoek", "reasonText", ""),
        ("verzoek", "reasonText", " \n"),
        ("verzoek", "reasonText", "a\x00b"),
        ("verzoek", "reasonText", "a\ud800b"),
        ("verzoek", "reasonText", 3),
        ("gezagsdrager", "informed", "true"),
        ("gezagsdrager", "informed", 1),
        ("gezagsdrager", "over", "P1"),
        ("document", "data", "JVBERi0xLjQK\n"),
        ("document", "data", "JVBERi0xLjQ"),
        ("document", "data", "JVBE*i0xLjQK"),
        ("document", "data", ""),
        ("document", "data", "é"),
        ("document", "contentType", "pdf"),
        ("jeugdige", "name", "Sam"),
        ("jeugdige", "name", {}),
        ("jeugdige", "name", {"family": ""}),
        ("jeugdige", "name", {"family": 3}),
        ("jeugdige", "name", {"given": "Sam"}),
        ("jeugdige", "name", {"given": []}),
        ("jeugdige", "name", {"given": [None]}),
        ("jeugdige", "name", {"surname": "Voorbeeld"}),
        ("jeugdige", "name", {"family": "x", "fhir_comments": ["x"]}),
        ("jeugdige", "name", {"family": "x", "_sd": ["x"]}),
        ("jeugdige", "name", {"family": "x", "resourceType": "HumanName"}),
        ("jeugdige", "name", {"family": "x", "period": {"start": 20200101}}),
        ("jeugdige", "address", {"city": "x", "extension": [{"url": "u", "valueBoolean": "true"}]}),
        ("jeugdige", "address", {"city": "x", "extension": [{"url": "u", "valueInteger": "3"}]}),
        ("jeugdige", "telecom", {"system": "duif", "value": "1"}),
        ("jeugdige", "telecom", {"system": ["phone"], "value": "1"}),
        ("jeugdige", "name", {"family": "x", "use": "roepnaam"}),
        ("jeugdige", "address", {"city": "x", "use": "thuis"}),
        ("jeugdige", "identifier", {"use": "bsn", "system": BSN_SYSTEM, "value": "999911120"}),
        ("professional", "organisation", {"name": "x"}),
        ("professional", "organisation", {"resourceType": "Patient", "name": []}),
        ("professional", "organisation", {"resourceType": "Organization", "telecom": [{"value": "x"}]}),
        ("professional", "period", {"start": "vandaag"}),
        ("jeugdige", "secretAddress", {"city": "x", "extension": {"url": "u", "valueString": "x"}}),
    ],
)
def test_a_value_of_another_form_than_its_datatype_is_refused(profile: str, element: str, value: JSONValue) -> None:
    assert alone(profile, element, value) == ["form"]


def test_what_the_library_would_read_kindly_in_a_value_of_a_rule_is_refused() -> None:
    deep: JSONValue = "x"
    for _ in range(40):
        deep = {"url": "u", "extension": [deep]}
    assert alone("jeugdige", "name", {"family": "x", "extension": [deep]}) == ["form"]


@pytest.mark.parametrize("value", ["2014", "2014-03", "2014-03-02", {"value": "2014", "extension": NATIVE}, ABSENT])
def test_dates_keep_their_precision_and_may_be_absent_with_a_reason(value: JSONValue) -> None:
    assert alone("jeugdige", "birthDate", value) == []


@pytest.mark.parametrize(
    ("profile", "element"), [("jeugdige", "name"), ("jeugdige", "identifier"), ("status", "businessStatus")]
)
def test_a_complex_value_may_be_absent_with_a_reason(profile: str, element: str) -> None:
    assert alone(profile, element, ABSENT) == []


@pytest.mark.parametrize(
    ("profile", "element", "value", "code"),
    [
        ("jeugdige", "gender", "vrouw", "code-unknown"),
        ("professional", "kind", "chef", "code-unknown"),
        ("leefgebied", "code", concept("leefgebied", "99"), "code-unknown"),
        ("leefgebied", "code", concept("leefgebied", "08"), "code-not-here"),
        ("leefgebied-gezondheid", "code", concept("leefgebied", "06"), "code-not-here"),
        ("melder", "relationship", concept("jeugdzorgrol", "112"), "code-not-here"),
        ("document", "description", concept("documentsoort", "Diagnostisch onderzoek"), "code-not-here"),
        ("gezagsdrager", "relationship", concept("jeugdzorgrol", "015"), "code-not-valid"),
        ("gezagsdrager", "relationship", concept("leefgebied", "01"), "code-system"),
        ("gezagsdrager", "relationship", {"text": "ouder met gezag"}, "concept-form"),
        ("gezagsdrager", "relationship", {"coding": [{"code": "112"}]}, "concept-form"),
        (
            "gezagsdrager",
            "relationship",
            {"coding": [{"code": "112", "system": SYSTEM + "jeugdzorgrol", "display": "ouder met gezag"}]},
            "concept-form",
        ),
        (
            "gezagsdrager",
            "relationship",
            {"coding": [{"code": "112", "system": SYSTEM + "jeugdzorgrol"}] * 2},
            "concept-form",
        ),
    ],
)
def test_a_code_that_does_not_belong_here_is_refused(profile: str, element: str, value: JSONValue, code: str) -> None:
    assert alone(profile, element, value) == [code]


def test_a_code_is_judged_by_the_day_of_the_message() -> None:
    mother = concept("jeugdzorgrol", "015")
    assert alone("gezagsdrager", "relationship", mother, on=date(2016, 5, 24)) == []
    assert alone("gezagsdrager", "relationship", mother, on=date(2016, 5, 25)) == ["code-not-valid"]


def test_a_preferred_code_list_leaves_room_for_text() -> None:
    assert alone("verzoek", "requesterRole", {"text": "gezinscoach"}) == []
    assert alone("professional", "role", {"text": "jeugdconsulent", "extension": NATIVE}) == []


@pytest.mark.parametrize(
    ("profile", "value", "code"),
    [
        ("jeugdige", {"system": BSN_SYSTEM, "value": "999911121"}, "bsn"),
        ("jeugdige", {"system": BSN_SYSTEM, "value": "99991112"}, "bsn"),
        ("jeugdige", {"system": RNI_SYSTEM, "value": "123"}, "identifier-form"),
        ("jeugdige", {"value": "999911120"}, "identifier-system"),
        ("jeugdige", {"system": BSN_SYSTEM}, "identifier-value"),
        ("professional", {"system": SKJ_SYSTEM, "value": "x" * 21}, "identifier-form"),
        ("professional", {"system": BIG_SYSTEM, "value": ""}, "form"),
        ("verzoek", {"value": "x" * 201}, "identifier-value"),
    ],
)
def test_a_number_that_is_none_of_its_system_is_refused(profile: str, value: JSONValue, code: str) -> None:
    assert alone(profile, "identifier", value) == [code]


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        ("jeugdige", {"system": BSN_SYSTEM, "value": "999911120"}),
        ("jeugdige", {"system": RNI_SYSTEM, "value": "12345678901234567"}),
        ("professional", {"system": SKJ_SYSTEM, "value": "110012345"}),
        ("verzoek", {"value": "ZAAK-1"}),
    ],
)
def test_a_number_of_its_system_is_accepted(profile: str, value: JSONValue) -> None:
    assert alone(profile, "identifier", value) == []


def test_texts_have_the_length_that_the_standard_gives_them() -> None:
    assert alone("besluit", "note", "x" * 1000) == []
    assert alone("besluit", "note", "x" * 1001) == ["too-long"]
    assert alone("bericht", "reference", "x" * 41) == ["too-long"]


def test_a_phone_number_says_that_it_is_one() -> None:
    assert alone("jeugdige", "telecom", {"value": "0612345678"}) == ["system-missing"]


def test_a_period_does_not_end_before_it_begins() -> None:
    assert alone("professional", "period", {"start": "2026-02", "end": "2026-01-31"}) == ["period"]
    assert alone("professional", "period", {"start": "2026-02", "end": "2026-02-01"}) == []


def test_an_extension_of_another_kind_is_refused() -> None:
    assert alone("jeugdige", "extra", {"url": "https://example.nl/x", "valueString": "y"}) == ["extension-unknown"]


def test_what_nobody_defined_is_refused() -> None:
    assert check([item("niets", "x1", name=("x",))]) == [("profile-unknown", "/items/0/profile")]
    assert check([item("jeugdige", "x1", kleur=("x",))]) == [("element-unknown", "/items/0/elements")]


@pytest.mark.parametrize(
    "beside",
    [
        [{"valueString": "no url"}],
        [{"url": "http://a.example/b"}, {"colour": "red"}],
        [{"url": "x", "valueDate": "soon"}],
    ],
)
@pytest.mark.parametrize(
    ("profile", "element", "value"), [("leefgebied", "source", "huisbezoek"), ("besluit", "note", "x")]
)
def test_what_stands_beside_a_primitive_is_fhir_wherever_the_primitive_stands(
    profile: str, element: str, value: str, beside: JSONValue
) -> None:
    for found in ({"value": value, "extension": beside}, {"extension": beside}):
        assert alone(profile, element, found) == ["form"]


@pytest.mark.parametrize(
    ("identifiers", "code"),
    [
        ([{"system": RSIN_SYSTEM, "value": "999911145"}], "identifier-form"),
        ([{"system": RSIN_SYSTEM, "value": "99991114"}], "identifier-form"),
        ([{"value": "x"}, {"system": ESTABLISHMENT_SYSTEM, "value": "123456789"}], "identifier-form"),
        ([{"system": AGB_SYSTEM, "value": "7373000"}], "identifier-form"),
        ([{"system": AGB_SYSTEM, "value": "737300001"}], "identifier-form"),
        ([{"system": AGB_SYSTEM, "value": "7373 000"}], "identifier-form"),
        ([{"system": BSN_SYSTEM, "value": "999911121"}], "bsn"),
        ([{"system": RSIN_SYSTEM}], "identifier-value"),
        ({"system": RSIN_SYSTEM, "value": "999911144"}, "form"),
        (["999911144"], "form"),
    ],
)
def test_the_numbers_of_an_organisation_are_of_their_systems(identifiers: JSONValue, code: str) -> None:
    organisation: JSONValue = {"resourceType": "Organization", "name": "Voogdij Voorbeeld", "identifier": identifiers}
    assert alone("professional", "organisation", organisation) == [code]


def test_right_numbers_of_an_organisation_are_taken() -> None:
    numbers: list[JSONValue] = [
        {"system": RSIN_SYSTEM, "value": "999911144"},
        {"system": ESTABLISHMENT_SYSTEM, "value": "000012345678"},
        {"system": AGB_SYSTEM, "value": "03730000"},
        {"system": "urn:oid:1.2.3", "value": "anything"},
    ]
    organisation: JSONValue = {"resourceType": "Organization", "name": "Voogdij Voorbeeld", "identifier": numbers}
    assert alone("professional", "organisation", organisation) == []


@pytest.mark.parametrize("element", ["identifier", "name"])
def test_a_minimum_is_not_met_by_an_absent_value(element: str) -> None:
    other = {"identifier": "name", "name": "identifier"}[element]
    assert check(changed("p1", **{element: (ABSENT,)})) == []
    expected = [("minimum-absent", "/items/2/elements")]
    assert check(changed("p1", **{element: (ABSENT,), other: None})) == expected


def test_a_born_child_is_not_identified_by_an_expected_date_nor_an_unborn_one_by_a_name() -> None:
    (place,) = next(each.about for each in request_items() if each.id == "p1")
    expected = [("minimum-absent", "/items/2/elements")]
    date_only = changed("p1", name=(ABSENT,), identifier=None, expectedDate=("2026-12-01",))
    assert check(date_only) == expected
    assert check(date_only, unborn=[place]) == []
    assert check(changed("p1", expectedDate=(ABSENT,)), unborn=[place]) == expected


def test_an_absent_gender_with_a_reason_meets_the_minimum() -> None:
    assert check(changed("p1", gender=(ABSENT,))) == []


def test_the_number_of_the_request_must_be_there() -> None:
    assert check(changed("v1", identifier=(ABSENT,))) == [("minimum-absent", "/items/1/elements")]


def test_a_person_with_authority_who_is_not_informed_needs_a_reason() -> None:
    missing = [("reason-missing", "/items/3/elements")]
    assert check(changed("g1", informed=(False,))) == missing
    assert check(changed("g1", informed=(False,), notInformedReason=(ABSENT,))) == missing
    assert check(changed("g1", informed=({"value": False, "extension": NATIVE},))) == missing
    assert check(changed("g1", informed=(False,), notInformedReason=("gevaar voor het kind",))) == []


def test_a_reason_that_was_withheld_is_not_missed() -> None:
    withheld = ["gezagsdrager/g1/notInformedReason"]
    assert check(changed("g1", informed=(False,)), withheld=withheld) == []


def test_where_nobody_has_authority_the_parent_has_role_111_to_114() -> None:
    def with_role(code: str) -> list[DocumentItem]:
        others = [each for each in request_items() if each.id != "g1"]
        parent = item(
            "andere-persoon",
            "o1",
            1,
            name=({"family": "Voorbeeld"},),
            relationship=(concept("jeugdzorgrol", code),),
        )
        return [*others, parent]

    for code in ("111", "112", "113", "114"):
        assert check(with_role(code)) == []
    assert check(with_role("125")) == [("group-missing", "/items")]
    assert check(with_role("125"), withheld=["gezagsdrager/g1/name"]) == []


def test_the_executor_can_be_reached_by_phone_or_mail() -> None:
    fax: JSONValue = {"system": "fax", "value": "0101234567"}
    assert check(changed("u1", telecom=(fax,))) == [("group-missing", "/items")]
    assert check(changed("u1", telecom=(fax, {"system": "phone", "value": "0101234567"}))) == []


def test_what_refers_to_another_item_finds_it() -> None:
    assert check(changed("g1", over=("p9",))) == [("reference", "/items/3/elements/over/0")]
    assert check(changed("g1", over=("d1",))) == [("reference", "/items/3/elements/over/0")]
    assert check(changed("g1", over=("p9",)), withheld=["jeugdige/p9/name"]) == []
    assert check([item("risicofactor", "r1", basis=("gesprek",))], message_type="") == []
    measure = item("maatregel", "m1", basis=("r1",))
    assert check([measure], message_type="") == [("reference", "/items/0/elements/basis/0")]
    assert check([measure, item("risicofactor", "r1", basis=("gesprek",))], message_type="") == []


def test_the_digest_of_an_attachment_is_that_of_its_bytes() -> None:
    right = base64.b64encode(hashlib.sha256(b"%PDF-1.4\n").digest()).decode()
    wrong = base64.b64encode(bytes(32)).decode()
    assert check(changed("d1", hash=(right,))) == []
    assert check(changed("d1", hash=(wrong,))) == [("hash", "/items/5/elements/hash")]


def test_attachments_together_stay_within_16_mebibytes() -> None:
    half = base64.b64encode(bytes(8 * 1024 * 1024)).decode()
    over = base64.b64encode(bytes(8 * 1024 * 1024 + 1)).decode()

    def attachments(second: str) -> list[DocumentItem]:
        return [item("document", "d1", data=(half,)), item("document-gezondheid", "d2", data=(second,))]

    assert check(attachments(half), message_type="") == []
    assert check(attachments(over), message_type="") == [("attachments-too-large", "/items")]


def test_nobody_is_born_after_the_day_of_the_message() -> None:
    assert check(changed("p1", birthDate=("2026-11-23",))) == []
    assert check(changed("p1", birthDate=("2026",))) == []
    assert check(changed("p1", birthDate=("2026-12",))) == [("date-in-future", "/items/2/elements/birthDate")]


def test_a_decision_does_not_end_before_it_takes_effect() -> None:
    decision = item("besluit", "c1", effective=("2026-11-01",), ends=("2026-10-31",))
    assert check([decision], message_type="") == [("period", "/items/0/elements/ends")]


def test_every_issue_is_listed_and_none_repeats_a_value() -> None:
    items = [
        item("jeugdige", "p1", identifier=({"system": BSN_SYSTEM, "value": "123456789"},), gender=("geheimwaarde",)),
        item("document", "d1", data=("geheim!",), name=("geheim",)),
    ]
    issues = check_values(items, DEFINITIONS, message_type="verzoek-tot-onderzoek", on=DAY)
    assert [issue.pointer for issue in issues] == [
        "/items/0/elements/identifier/0",
        "/items/0/elements/gender/0",
        "/items/1/elements/data/0",
        "/items/1/elements",
    ]
    assert "geheim" not in str(issues)
    assert "123456789" not in str(issues)


def test_a_wrong_value_in_one_item_hides_nothing_about_the_others() -> None:
    items = [
        replace(each, elements={**each.elements, "gender": ("vrouw",)}) if each.id == "p1" else each
        for each in changed("g1", informed=(False,))
    ]
    assert check(items) == [("code-unknown", "/items/2/elements/gender/0"), ("reason-missing", "/items/3/elements")]


def codes(issues: Sequence[Issue]) -> list[str]:
    """Return the codes without their prefix."""
    return [issue.code.removeprefix("sender.fhir.") for issue in issues]


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ([], "form"),
        ("Patient", "form"),
        ({}, "resource-type"),
        ({"resourceType": 3}, "resource-type"),
        ({"resourceType": "Patiënt"}, "resource-type"),
        ({"resourceType": "HumanName"}, "resource-type"),
        ({"resourceType": "Resource"}, "resource-type"),
        ({"resourceType": "DomainResource"}, "resource-type"),
        ({"resourceType": "../patient"}, "resource-type"),
        ({"resourceType": "Patient" * 100}, "resource-type"),
        ({"resourceType": "Patient", "kleur": "x"}, "member-unknown"),
        ({"resourceType": "Observation", "status": "final"}, "member-missing"),
        ({"resourceType": "Patient", "birthDate": "gisteren"}, "form"),
        # On these two `fhir.resources` raises KeyError and TypeError.
        ({"resourceType": "Patient", "contained": [{"resourceType": "Gisteren"}]}, "form"),
        ({"resourceType": "Bundle", "type": "message", "entry": [{"resource": {"resourceType": ["x"]}}]}, "form"),
    ],
)
def test_a_resource_from_outside_is_guarded(resource: JSONValue, code: str) -> None:
    found = check_resource(resource)
    assert code in codes(found)
    assert "gisteren" not in str(found)
    assert "kleur" not in str(found)


def test_a_resource_that_is_nested_or_large_without_end_is_refused_at_once() -> None:
    deep: JSONValue = "x"
    for _ in range(100_000):
        deep = [deep]
    assert codes(check_resource({"resourceType": "Patient", "name": deep})) == ["too-large"]
    wide: JSONValue = ["x"] * 200_001
    assert codes(check_resource({"resourceType": "Patient", "name": wide})) == ["too-large"]


def test_a_text_that_is_no_unicode_is_one_finding_where_the_library_fails_over_telling_it() -> None:
    """Half of a surrogate pair as the type of an extension: the library can find it and not write it."""
    found = check_resource({"resourceType": "Patient", "extension": [{"resourceType": "\ud800"}]})
    assert [issue.code for issue in found] == ["sender.fhir.form"]
