"""Whatever a document says goes to FHIR and comes back, and no bytes stop the reader otherwise than by refusing."""

import copy
import json
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import event, given, settings
from hypothesis import strategies as st

from connectors.formats.fhir import FhirFormat, read_consent
from schemas.codes import Capacity, Necessity, Register, SpoedReason, SubjectRole
from schemas.definitions import Profile, load_definitions
from schemas.document import Address, Document, DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.errors import DocumentError
from schemas.fhir import check_resource
from schemas.identifiers import RNI_SYSTEM, CaseId, MessageId
from tests.support.example_messages import QUESTION_ID, example_document
from tests.support.fhir_consents import consent, provision
from tests.support.law_records import consent_record
from tests.support.parties import GI, message_id

DEFINITIONS: Final = load_definitions()
FHIR: Final = FhirFormat()
AT: Final = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
NATIVE: Final[JSONValue] = {"url": DEFINITIONS.extension_base + "stuf", "valueString": "x"}
PERSONS: Final = frozenset({"jeugdige", "gezagsdrager", "andere-persoon", "melder"})
PROFILES: Final = sorted(name for name in DEFINITIONS.profiles if name not in {"bericht", *PERSONS})
TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@st.composite
def items(draw: st.DrawFn, profile: Profile, identity: str, about: tuple[int, ...]) -> DocumentItem:
    """Return an item with some elements of its profile, some with something beside the value."""
    names = draw(st.lists(st.sampled_from(sorted(profile.elements)), min_size=1, unique=True))
    elements: dict[str, tuple[JSONValue, ...]] = {}
    for name in names:
        element = profile.elements[name]
        value: JSONValue = copy.deepcopy(element.example)
        if element.value.primitive and draw(st.booleans()):
            value = {"value": value, "extension": [NATIVE]}
        elements[name] = (value,) * draw(st.integers(1, min(element.max, 3)))
    necessary = draw(st.sampled_from([None, *Necessity]))
    return DocumentItem(profile=profile.name, id=identity, about=about, elements=elements, necessary=necessary)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Return a document about one to three persons, with a header or without."""
    count = draw(st.integers(1, 3))
    about = st.sets(st.integers(0, count - 1), min_size=1).map(lambda each: tuple(sorted(each)))
    profiles = draw(st.lists(st.sampled_from(PROFILES), min_size=1, max_size=6))
    content = [draw(items(DEFINITIONS.profile(name), f"x{n}", draw(about))) for n, name in enumerate(profiles)]
    header = [draw(items(DEFINITIONS.profile("bericht"), "b1", draw(about)))] if draw(st.booleans()) else []
    header = [each for each in header if not {"senderSystem", "recipientSystem", "senderUser"} & each.elements.keys()]
    number = draw(st.sampled_from([None, (RNI_SYSTEM, "12345678901234567"), ("https://voorbeeld.example/nr", "7")]))
    subject = st.builds(
        DocumentSubject,
        role=st.sampled_from(list(SubjectRole)),
        identifier=st.just(number),
        key=st.none() | TEXTS,
        birth_date=st.sampled_from([None, "2014", "2014-03", "2014-03-02"]),
        unborn=st.booleans(),
    )
    return Document(
        type=draw(st.sampled_from(sorted(DEFINITIONS.message_types))),
        reference=draw(TEXTS),
        sender=Address(organisation="00000099000000001000"),
        receiver=Address(organisation=draw(st.sampled_from(["00000099000000002000", "RC0102"]))),
        subjects=tuple(draw(subject) for _ in range(count)),
        items=(*header, *content),
        responsible=draw(
            st.none() | st.builds(DocumentResponsible, register=st.sampled_from([None, *Register]), number=TEXTS)
        ),
        thread=draw(st.none() | TEXTS),
        case_reference=draw(st.none() | TEXTS),
        purpose=draw(st.sampled_from([None, "VTO", "GI-OTS-ANTW"])),
        capacity=draw(st.sampled_from([None, *Capacity])),
        receiver_capacity=draw(st.sampled_from([None, *Capacity])),
        reply_to=draw(st.sampled_from([None, MessageId(QUESTION_ID)])),
        spoed=draw(st.sampled_from([None, *SpoedReason])),
    )


@settings(max_examples=60, deadline=None)
@given(document=documents())
def test_every_document_comes_back_from_its_bundle(document: Document) -> None:
    written = FHIR.write(document, withheld=(), at=AT).data
    read = FHIR.read(written)
    assert {name: getattr(read, name) for name in Document.__slots__ if name != "remarks"} == {
        name: getattr(document, name) for name in Document.__slots__ if name != "remarks"
    }
    assert check_resource(json.loads(written)) == ()


def findings(data: bytes) -> int | None:
    """Return how many findings a file is refused with; None if it is read."""
    try:
        FHIR.read(data)
    except DocumentError as error:
        return len(error.issues)
    return None


VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def damage(data: st.DataObject, whole: Any) -> bytes:
    """Replace one to three places of parsed JSON by anything (`Any`: objects and lists by turns)."""
    for _ in range(data.draw(st.integers(1, 3))):
        node, path = whole, data.draw(st.lists(st.integers(0, 30), min_size=1, max_size=6))
        for step in path[:-1]:
            children = [*node] if isinstance(node, dict) else [*range(len(node))]
            if not children or not isinstance(node[children[step % len(children)]], dict | list):
                break
            node = node[children[step % len(children)]]
        children = [*node] if isinstance(node, dict) else [*range(len(node))]
        if children:
            node[children[path[-1] % len(children)]] = data.draw(VALUES)
    return json.dumps(whole).encode("utf-8", "surrogatepass")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_bundle_is_read_or_refused(data: st.DataObject) -> None:
    """The reader answers whatever came, and its header does not raise."""
    damaged = damage(data, json.loads(FHIR.write(example_document("raadsrapport"), withheld=(), at=AT).data))
    FHIR.header(damaged)
    assert findings(damaged) != 0


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_consent_is_read_or_refused(data: st.DataObject) -> None:
    denied = provision("deny", categories=("zorgen",), recipients=(GI,), start="2027-01-01")
    whole = consent(consent_record(replaces=message_id(7), case=CaseId("7d0c" * 8)))
    whole["provision"] |= {"provision": [denied]}
    try:
        read_consent(damage(data, whole))
    except DocumentError as error:
        event("refused" if error.issues else "refused without a finding")
        if not error.issues:
            raise


@settings(max_examples=50, deadline=None)
@given(damaged=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(damaged: bytes) -> None:
    FHIR.recognises("x", damaged)
    FHIR.header(damaged)
    assert findings(damaged) != 0
