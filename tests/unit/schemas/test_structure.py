"""From labels alone: what is missing, what is too much, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from schemas.codes import AgeBand, Category, Register, SpoedReason, SubjectRole
from schemas.definitions import ReplyRule, load_definitions
from schemas.document import Document, DocumentSubject, JSONValue
from schemas.errors import Issue
from schemas.identifiers import MessageId, ProfessionalNumber
from schemas.message import Responsible, message_to_payload, parse_message
from schemas.message_claims import Asks, Corrects
from schemas.structure import check_document_structure, check_structure, find_remarks
from tests.support.example_documents import (
    concept,
    item,
    message_of,
    notification_document,
    request_document,
    with_item,
    without_item,
)
from tests.support.example_messages import MESSAGE_TYPES, example_message

DEFINITIONS = load_definitions()
REQUEST = request_document()
NOTIFICATION = notification_document()


def codes(issues: tuple[Issue, ...]) -> list[tuple[str, str]]:
    """Return what was found and where, without the common prefix."""
    assert all(issue.text and issue.text_nl for issue in issues)
    return [(issue.code.removeprefix("sender.structure."), issue.pointer) for issue in issues]


def both(document: Document) -> list[tuple[str, str]]:
    """Check a document and the claims made of it: both must find the same."""
    before = codes(check_document_structure(document, DEFINITIONS))
    after = codes(check_structure(message_of(document), DEFINITIONS))
    assert [(code, pointer.replace("/items", "/content", 1)) for code, pointer in before] == after
    return after


def unborn(document: Document) -> Document:
    """Return the document with its child not born yet."""
    first, *others = document.subjects
    return replace(document, subjects=(replace(first, unborn=True, identifier=None, birth_date=None), *others))


@pytest.mark.parametrize("document", [REQUEST, NOTIFICATION], ids=["request", "notification"])
def test_a_complete_message_has_no_issue(document: Document) -> None:
    assert both(document) == []


@pytest.mark.parametrize(
    ("identity", "code", "pointer"),
    [
        ("b1", "item-missing", "/content"),
        ("v1", "item-missing", "/content"),
        ("p1", "item-missing", "/content"),
        ("g1", "group-missing", "/content"),
    ],
)
def test_a_request_without_what_the_law_demands_is_refused(identity: str, code: str, pointer: str) -> None:
    assert both(without_item(REQUEST, identity)) == [(code, pointer)]


def test_a_request_without_its_executor_is_refused_for_the_professional_and_for_the_group() -> None:
    assert both(without_item(REQUEST, "u1")) == [("item-missing", "/content"), ("group-missing", "/content")]


@pytest.mark.parametrize("element", ["name", "organisation", "telecom"])
def test_one_professional_has_name_organisation_and_phone_or_mail(element: str) -> None:
    assert both(with_item(REQUEST, "u1", **{element: None})) == [("group-missing", "/content")]


def test_a_child_needs_gender_and_a_number_or_a_name() -> None:
    missing = [("element-missing", "/content/2/elements")]
    assert both(with_item(REQUEST, "p1", identifier=None)) == []
    assert both(with_item(REQUEST, "p1", name=None)) == []
    assert both(with_item(REQUEST, "p1", name=None, identifier=None)) == missing
    assert both(with_item(REQUEST, "p1", gender=None)) == missing


def test_an_unborn_child_needs_the_expected_date_and_no_more() -> None:
    born = with_item(REQUEST, "p1", expectedDate=("2027-02-14",), name=None, identifier=None, gender=None)
    assert both(born) == [("element-missing", "/content/2/elements")]
    assert both(unborn(born)) == []
    assert both(unborn(REQUEST)) == [("element-missing", "/content/2/elements")]


@pytest.mark.parametrize("about", [(1,), (0, 1), (0, 2)], ids=["a parent", "child and parent", "two children"])
def test_who_a_child_is_is_said_of_one_child(about: tuple[int, ...]) -> None:
    """With a child that is not born yet among several, the rules for a born one would not be asked."""
    other = DocumentSubject(role=SubjectRole.JEUGDIGE, key="unborn", unborn=True)
    several = replace(REQUEST, subjects=(*REQUEST.subjects, other))
    child = next(each for each in REQUEST.items if each.id == "p1")
    assert (several.items.index(child), both(several)) == (2, [])
    changed = tuple(replace(each, about=about) if each is child else each for each in REQUEST.items)
    found = both(replace(several, items=changed))
    assert ("child-not-one", "/content/2/about") in found


def test_of_several_children_each_must_be_complete() -> None:
    incomplete = replace(REQUEST, items=(*REQUEST.items, item("jeugdige", "p2", gender=("male",))))
    assert both(incomplete) == [("element-missing", f"/content/{len(REQUEST.items)}/elements")]


def test_a_person_with_authority_has_a_name_and_says_whether_informed() -> None:
    missing = [("element-missing", "/content/3/elements")]
    assert both(with_item(REQUEST, "g1", informed=None)) == missing
    assert both(with_item(REQUEST, "g1", name=None)) == missing


def test_an_institution_with_authority_has_its_organisation_in_place_of_a_name() -> None:
    institution: JSONValue = {"resourceType": "Organization", "name": "Voogdij Voorbeeld"}
    assert both(with_item(REQUEST, "g1", name=None, organisation=(institution,))) == []


def test_where_nobody_has_authority_a_parent_with_name_and_role_is_enough() -> None:
    parent = item(
        "andere-persoon",
        "o1",
        1,
        name=({"family": "Voorbeeld"},),
        relationship=(concept("jeugdzorgrol", "111"),),
    )
    without = without_item(REQUEST, "g1")
    assert both(replace(without, items=(*without.items, parent))) == []
    nameless = replace(parent, elements={"relationship": parent.elements["relationship"]})
    assert both(replace(without, items=(*without.items, nameless))) == [("group-missing", "/content")]


def test_three_attachments_may_come_and_a_fourth_may_not() -> None:
    more = tuple(item("document", f"d{n}", identifier=({"value": str(n)},)) for n in (2, 3))
    health = item("document-gezondheid", "d4", identifier=({"value": "4"},))
    assert both(replace(REQUEST, items=(*REQUEST.items, *more))) == []
    assert both(replace(REQUEST, items=(*REQUEST.items, *more, health))) == [("group-too-many", "/content")]


def test_two_headers_are_one_too_many() -> None:
    second = item("bericht", "b2", reference=("x",))
    assert both(replace(REQUEST, items=(*REQUEST.items, second))) == [("item-too-many", "/content")]


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        ("leefgebied", "profile-off"),
        ("leefgebied-gezondheid", "profile-off"),
        ("ontwikkelingsbedreiging", "profile-off"),
        ("hulpverlening", "profile-not-permitted"),
        ("niets", "profile-unknown"),
    ],
)
def test_a_profile_beyond_the_legal_maximum_is_refused(profile: str, code: str) -> None:
    extra = item(profile, "x1", code=("06",))
    expected = [(code, f"/content/{len(REQUEST.items)}/profile")]
    assert both(replace(REQUEST, items=(*REQUEST.items, extra))) == expected


def test_an_element_that_the_profile_does_not_have_is_refused_without_repeating_its_name() -> None:
    document = with_item(REQUEST, "p1", favouriteColour=("red",))
    assert both(document) == [("element-unknown", "/content/2/elements")]
    assert "favouriteColour" not in str(check_document_structure(document, DEFINITIONS))


def test_more_values_than_an_element_may_have_are_refused() -> None:
    document = with_item(REQUEST, "p1", gender=("male", "female"))
    assert both(document) == [("element-too-many", "/content/2/elements/gender")]


def test_an_element_without_a_value_is_refused() -> None:
    document = with_item(REQUEST, "p1", telecom=())
    assert both(document) == [("element-empty", "/content/2/elements/telecom")]


@pytest.mark.parametrize("element", ["address", "secretAddress", "telecom", "extraText"])
def test_a_notification_never_holds_where_a_child_lives_or_report_content(element: str) -> None:
    values: tuple[JSONValue, ...] = ({"city": "Voorbeeldstad"},)
    document = with_item(NOTIFICATION, "p1", **{element: values})
    assert both(document) == [("element-not-permitted", f"/content/1/elements/{element}")]


def test_a_notification_is_about_one_child() -> None:
    second = item("jeugdige", "p2", name=({"family": "Voorbeeld"},))
    assert both(replace(NOTIFICATION, items=(*NOTIFICATION.items, second))) == [("item-too-many", "/content")]


@pytest.mark.parametrize("element", ["businessStatus", "date"])
def test_a_notification_tells_the_status_and_its_date(element: str) -> None:
    assert both(with_item(NOTIFICATION, "s1", **{element: None})) == [("element-missing", "/content/2/elements")]


def test_a_notification_about_an_unborn_child_names_the_mother() -> None:
    child = with_item(NOTIFICATION, "p1", identifier=None, expectedDate=("2027-02-14",))
    assert both(unborn(child)) == [("group-missing", "/content")]
    mother = item(
        "andere-persoon", "o1", name=({"family": "Voorbeeld"},), relationship=(concept("jeugdzorgrol", "111"),)
    )
    assert both(unborn(replace(child, items=(*child.items, mother)))) == []


def test_every_issue_is_listed_not_the_first_alone() -> None:
    document = without_item(without_item(with_item(REQUEST, "p1", gender=None, name=()), "v1"), "g1")
    assert both(document) == [
        ("element-empty", "/content/1/elements/name"),
        ("element-missing", "/content/1/elements"),
        ("item-missing", "/content"),
        ("group-missing", "/content"),
    ]


def test_a_type_or_version_that_nobody_knows_is_refused() -> None:
    assert both(replace(REQUEST, type="niets")) == [("type-unknown", "/type")]
    newer = replace(message_of(REQUEST), version=2)
    assert codes(check_structure(newer, DEFINITIONS)) == [("version-unknown", "/ver")]


def test_a_request_uses_none_of_the_claims_of_other_types() -> None:
    message = message_of(REQUEST)
    message = replace(
        message,
        asks=Asks(categories=(Category.ZORGEN,), term=date(2026, 12, 14)),
        corrects=Corrects(message=message.id, items=None),
        spoed=SpoedReason.ACUTE_DANGER,
    )
    expected = [("claim-not-used", f"/{name}") for name in ("asks", "corrects", "spoed")]
    assert codes(check_structure(message, DEFINITIONS)) == expected


@pytest.mark.parametrize(("name", "claim"), [("informatieverzoek", "asks"), ("correctie", "corrects")])
def test_what_the_hub_decides_by_stands_in_the_clear(name: str, claim: str) -> None:
    message = example_message(name)
    assert codes(check_structure(message, DEFINITIONS)) == []
    without: dict[str, Any] = {claim: None}
    expected = [("claim-missing", f"/{claim}")]
    assert codes(check_structure(replace(message, **without), DEFINITIONS)) == expected


@pytest.mark.parametrize("name", ["informatieverzoek", "informatieantwoord", "casusinformatie", "raadsrapport"])
def test_an_emergency_is_marked_by_a_professional_of_a_register(name: str) -> None:
    message = replace(example_message(name), spoed=SpoedReason.PRONOUNCED)
    expected = [("spoed-unnamed", "/responsible")]
    assert codes(check_structure(message, DEFINITIONS)) == expected
    for register in (Register.SKJ, Register.BIG):
        named = Responsible(register=register, number=ProfessionalNumber("110012345"))
        assert codes(check_structure(replace(message, responsible=named), DEFINITIONS)) == []


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_the_claims_of_every_message_type_have_the_right_structure(name: str) -> None:
    message = example_message(name)
    assert codes(check_structure(message, DEFINITIONS)) == []
    assert parse_message(message_to_payload(message)) == message


def test_a_request_replies_to_nothing_and_a_notification_may() -> None:
    earlier = MessageId("0194f0a0-0000-7000-8000-000000000000")
    request, notification = message_of(REQUEST), message_of(NOTIFICATION)
    assert codes(check_structure(replace(request, reply_to=earlier), DEFINITIONS)) == [("reply-not-used", "/reply_to")]
    assert codes(check_structure(replace(notification, reply_to=earlier), DEFINITIONS)) == []


def test_a_type_that_must_reply_names_what_it_replies_to() -> None:
    kind = replace(DEFINITIONS.message_types["notificatie-onderzoek"], reply_to=ReplyRule.REQUIRED)
    definitions = replace(DEFINITIONS, message_types={kind.name: kind})
    assert codes(check_structure(message_of(NOTIFICATION), definitions)) == [("reply-missing", "/reply_to")]


def test_a_missing_phone_of_a_parent_is_a_remark_and_no_refusal() -> None:
    document = with_item(REQUEST, "g1", telecom=None)
    assert both(document) == []
    assert codes(find_remarks(document, DEFINITIONS)) == [("element-recommended", "/items/3/elements")]
    assert find_remarks(REQUEST, DEFINITIONS) == ()
    assert find_remarks(replace(REQUEST, type="niets"), DEFINITIONS) == ()


def test_a_child_that_is_not_born_yet_has_its_own_rules_beside_one_that_is() -> None:
    subjects = (*REQUEST.subjects, DocumentSubject(role=REQUEST.subjects[0].role, unborn=True))
    unborn_child = replace(item("jeugdige", "p2", expectedDate=("2027-02-14",)), about=(2,))
    assert both(replace(REQUEST, subjects=subjects, items=(*REQUEST.items, unborn_child))) == []


def test_a_message_of_many_people_and_40_elements_fits() -> None:
    more = tuple(
        item(
            "jeugdige",
            f"q{n}",
            gender=("male",),
            name=({"family": "x"},),
            birthDate=("2014",),
            telecom=({"system": "phone"},),
        )
        for n in range(5)
    )
    message = message_of(replace(REQUEST, items=(*REQUEST.items, *more)))
    assert sum(len(each.elements) for each in message.content) >= 40
    assert message.subjects[0].age is AgeBand.UNKNOWN
    assert check_structure(message, DEFINITIONS) == ()
