"""Whatever comes as a value: the check never raises and never repeats it, and what is right survives FHIR unchanged."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.definitions import ElementDefinition, Profile, ValueType, load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.fhir import (
    BundleHead,
    bundle_to_items,
    check_resource,
    check_values,
    document_to_bundle,
    item_to_resource,
    resource_to_item,
)
from schemas.fhir.values import without_plain_extensions
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId
from schemas.structure import check_structure
from tests.support.example_documents import DAY, item, message_of, request_document
from tests.support.example_messages import MESSAGE_TYPES, example_document, reaction

DEFINITIONS = load_definitions()
PROFILES = sorted(DEFINITIONS.profiles)
SECRET = "Zichtbaar-Geheim"
HEAD = BundleHead(
    message_type="verzoek-tot-onderzoek",
    message_id=MessageId("0194f0a0-0000-7000-8000-000000000001"),
    sender=OIN("00000099000000001000"),
    recipient=OIN("00000099000000002000"),
    timestamp="2026-11-23T09:16:08Z",
)

# Text that people write: letters with marks, line breaks, no control characters.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)
DATE = st.one_of(
    st.dates(date(1900, 1, 1), DAY).map(lambda day: day.isoformat()),
    st.dates(date(1900, 1, 1), date(2025, 12, 31)).map(lambda day: day.isoformat()[:7]),
    st.dates(date(1900, 1, 1), date(2025, 12, 31)).map(lambda day: day.isoformat()[:4]),
)
MEMBERS = st.sampled_from(
    [
        *("resourceType", "extension", "url", "value", "valueString", "valueBoolean", "valueDate", "coding", "code"),
        *("system", "text", "family", "given", "_given", "_family", "line", "city", "start", "end", "identifier"),
        *("name", "alias", "reference", "period", "use", "_sd", "...", "fhir_comments", "contained", "id"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([SECRET, "", " ", "2014-03-02", "male", "Organization", "Patient", BSN_SYSTEM, "\x00", "\ud800"]),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4), max_leaves=12
)


def native() -> JSONValue:
    """Return what a format may put beside a value."""
    return [{"url": "https://ketenhub.nl/fhir/StructureDefinition/stuf", "valueString": "x"}]


def right_values(element: ElementDefinition) -> st.SearchStrategy[JSONValue]:
    """Make right values of an element: its example, or other right ones of its datatype."""
    example = st.just(element.example)
    found: Mapping[ValueType, st.SearchStrategy[JSONValue]] = {
        ValueType.STRING: TEXT.map(lambda text: text[: element.length]),
        ValueType.DATE: DATE,
        ValueType.BOOLEAN: st.booleans(),
        ValueType.BASE64_BINARY: example,
        ValueType.HUMAN_NAME: st.fixed_dictionaries(
            {"family": TEXT}, optional={"given": st.lists(TEXT, min_size=1, max_size=3), "text": TEXT}
        ),
        ValueType.ADDRESS: st.fixed_dictionaries({"city": TEXT}, optional={"line": st.lists(TEXT, min_size=1)}),
        ValueType.CONTACT_POINT: st.fixed_dictionaries({"system": st.sampled_from(["phone", "email"]), "value": TEXT}),
        ValueType.ORGANIZATION: TEXT.map(lambda text: {"resourceType": "Organization", "name": text}),
    }
    bare = found.get(element.value, example)
    if element.name == "reaction":
        bare = TEXT.map(lambda text: reaction("oneens", text=text)) | st.just(reaction())
    if element.codes is not None:
        bare = st.just(element.example)
    if not element.value.primitive:
        return bare
    return bare | bare.map(lambda value: {"value": value, "extension": native()}) | st.just({"extension": native()})


@st.composite
def right_items(draw: st.DrawFn) -> DocumentItem:
    """Make an item of any profile with some of its elements, all right."""
    profile: Profile = DEFINITIONS.profile(draw(st.sampled_from(PROFILES)))
    names = draw(st.lists(st.sampled_from(sorted(profile.elements)), min_size=1, max_size=6, unique=True))
    elements = {
        name: tuple(
            draw(
                st.lists(right_values(profile.elements[name]), min_size=1, max_size=min(profile.elements[name].max, 3))
            )
        )
        for name in names
    }
    about = tuple(sorted(draw(st.sets(st.integers(0, 15), min_size=1, max_size=3))))
    return DocumentItem(profile=profile.name, id="x1", about=about, elements=elements)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PROFILES), st.data())
def test_the_value_check_never_raises_and_never_repeats_a_value(name: str, data: st.DataObject) -> None:
    profile = DEFINITIONS.profile(name)
    element = data.draw(st.sampled_from(sorted(profile.elements)))
    value = data.draw(ANYTHING)
    issues = check_values([item(name, "x1", **{element: (value,)})], DEFINITIONS, message_type="", on=DAY)
    assert SECRET not in str(issues)
    assert all(issue.code.startswith("sender.value.") and issue.text and issue.text_nl for issue in issues)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["Patient", "Bundle", "Task", "Organization", "Consent", "Parameters"]), ANYTHING)
def test_a_resource_from_outside_never_raises_and_is_never_repeated(kind: str, value: JSONValue) -> None:
    members = value if isinstance(value, dict) else {"name": value}
    resource: dict[str, JSONValue] = {**members, "resourceType": kind}
    assert SECRET not in str(check_resource(resource))


@settings(max_examples=100, deadline=None)
@given(right_items())
def test_a_right_item_has_no_issue_and_survives_fhir_unchanged(before: DocumentItem) -> None:
    issues = check_values([before], DEFINITIONS, message_type="", on=DAY)
    relations = {"sender.value.reference", "sender.value.reason-missing", "sender.value.hash", "sender.value.period"}
    assert [issue for issue in issues if issue.code not in relations] == []
    after = resource_to_item(item_to_resource(before, DEFINITIONS), DEFINITIONS)
    assert dict(after.elements) == dict(before.elements)
    assert after.about == before.about


@settings(max_examples=50, deadline=None)
@given(st.lists(right_items(), min_size=1, max_size=5))
def test_a_bundle_comes_back_as_the_items_it_was_made_of(items: list[DocumentItem]) -> None:
    numbered = [
        DocumentItem(profile=each.profile, id=f"x{n}", about=each.about, elements=each.elements)
        for n, each in enumerate(items)
    ]
    assume(sum(each.profile == "bericht" for each in numbered) <= 1)
    bundle = document_to_bundle(numbered, DEFINITIONS, HEAD)
    assert check_resource(bundle) == ()
    read = bundle_to_items(json.loads(json.dumps(bundle)), DEFINITIONS)

    def by_id(each: DocumentItem) -> str:
        return each.id

    assert sorted(read, key=by_id) == sorted(numbered, key=by_id)


@st.composite
def parts_of_examples(draw: st.DrawFn) -> tuple[str, list[DocumentItem]]:
    """Take some items of the example of a message type, with some of their elements, in any order."""
    name = draw(st.sampled_from(MESSAGE_TYPES))
    items = draw(st.permutations(example_document(name).items))
    kept = draw(st.lists(st.sampled_from(items), min_size=1, unique_by=lambda each: each.id))
    return name, [
        replace(each, elements={element: each.elements[element] for element in sorted(elements)})
        for each in kept
        if (elements := draw(st.sets(st.sampled_from(sorted(each.elements)), min_size=1)))
    ]


@settings(max_examples=100, deadline=None)
@given(parts_of_examples())
def test_whatever_of_a_message_arrives_is_a_bundle_of_fhir_and_comes_back_as_it_was(
    arrived: tuple[str, list[DocumentItem]],
) -> None:
    """For every message type, with anything of it withheld."""
    name, items = arrived
    bundle = json.loads(json.dumps(document_to_bundle(items, DEFINITIONS, replace(HEAD, message_type=name))))
    assert check_resource(bundle) == ()
    read = {each.id: each for each in bundle_to_items(bundle, DEFINITIONS)}
    assert read == {each.id: each for each in items}


def reference_minimum(names: set[str]) -> bool:
    """Say independently what a born child in a request needs."""
    return "gender" in names and ("identifier" in names or "name" in names)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.sampled_from(["identifier", "name", "gender", "birthDate", "expectedDate", "address"]), min_size=1))
def test_the_minimum_of_a_child_is_what_the_domain_says(names: set[str]) -> None:
    document = request_document()
    child = item("jeugdige", "p9", **dict.fromkeys(sorted(names), ("x",)))
    extended = message_of(replace(document, items=(*document.items, child)))
    assert (check_structure(extended, DEFINITIONS) == ()) == reference_minimum(names)


PLAIN_EXTENSION = st.recursive(
    st.fixed_dictionaries({"url": st.sampled_from(["u", "xsi:nil", "https://ketenhub.nl/fhir/x", "a b", ""])}).flatmap(
        lambda head: st.one_of(
            st.fixed_dictionaries({"valueString": TEXT | st.just("\u00a0")}),
            st.fixed_dictionaries({"valueCode": st.sampled_from(["unknown", "a b", "a  b", " a", ""])}),
            st.fixed_dictionaries({"valueBoolean": st.booleans() | st.just("true")}),
            st.fixed_dictionaries({"valueInteger": st.integers(-3, 3)}),
        ).map(lambda tail: {**head, **tail})
    ),
    lambda inner: st.fixed_dictionaries({"url": st.just("leaf"), "extension": st.lists(inner, min_size=1, max_size=3)}),
    max_leaves=4,
)
ANNOTATION = st.one_of(
    st.fixed_dictionaries({"extension": st.lists(PLAIN_EXTENSION, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"extension": st.lists(PLAIN_EXTENSION | ANYTHING, max_size=2)}, optional={"id": TEXT}),
    ANYTHING,
)
NAME_WITH_EXTENSIONS = st.fixed_dictionaries(
    {},
    optional={
        "family": TEXT | ANYTHING,
        "_family": ANNOTATION | st.lists(ANNOTATION, max_size=2),
        "given": st.lists(TEXT, min_size=1, max_size=2) | ANYTHING,
        "_given": st.lists(ANNOTATION | st.none(), max_size=2) | ANNOTATION,
        "extension": st.lists(PLAIN_EXTENSION | ANYTHING, max_size=2) | ANYTHING,
    },
)


@given(name=NAME_WITH_EXTENSIONS, extension=PLAIN_EXTENSION | ANYTHING, kind=st.sampled_from(["Patient", "Device"]))
def test_the_plain_extensions_that_the_shape_check_does_not_see_change_nothing_of_what_it_finds(
    name: dict[str, JSONValue], extension: JSONValue, kind: str
) -> None:
    """What the library says of the whole resource, it says of the resource without them."""
    member = "name" if kind == "Patient" else "deviceName"
    resource: JSONValue = {"resourceType": kind, member: [name], "extension": [extension]}
    before = json.dumps(resource)

    found, slim = check_resource(resource), without_plain_extensions(resource)

    assert bool(found) == bool(check_resource(slim))
    assert json.dumps(resource) == before
