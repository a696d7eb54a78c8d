"""What a decision withheld is not in the file, what stands in its place is honest, and the file stays valid."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from connectors.formats.ports import Written
from connectors.formats.stuf import read_stuf, write_document
from connectors.formats.stuf.examples import Child, Person, vto_example
from connectors.formats.stuf.messages import CASE_TYPE_GEMEENTE, CASE_TYPE_RAAD, CHILD, MESSAGES
from connectors.formats.stuf.scenarios import vto_scenario
from schemas.document import Document, JSONValue
from schemas.errors import DocumentError
from tests.support.stuf_generator import StufGenerator
from tests.support.stuf_xsd import what_it_says, xsd_errors

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_STUF = "{http://www.egem.nl/StUF/StUF0301}"
_ZKN = "{http://www.egem.nl/StUF/sector/zkn/0310}"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_HONEST = frozenset({"", "00010101", CHILD, CASE_TYPE_GEMEENTE, CASE_TYPE_RAAD})
"""What may stand where nothing came: nothing, a date of which nothing is known, and what goes without saying."""
_NO_FILE_WITHOUT = frozenset({"verzoek/identifier"})
"""The case number has five characters at least: nothing can stand in its place. No message travels without it."""


def disclosed(document: Document, withheld: Collection[str]) -> Document:
    """Return what a recipient gets of a document."""
    items = []
    for item in document.items:
        kept = {
            name: values for name, values in item.elements.items() if f"{item.profile}/{item.id}/{name}" not in withheld
        }
        if kept:
            items.append(replace(item, elements=kept))
    return replace(document, items=tuple(items))


def write(document: Document, withheld: Collection[str]) -> Written:
    return write_document(disclosed(document, withheld), withheld=withheld, at=AT)


def labels_of(document: Document, *, item_id: str) -> set[str]:
    return {
        f"{item.profile}/{item.id}/{name}" for item in document.items if item.id == item_id for name in item.elements
    }


@pytest.mark.parametrize(("seed", "nil"), [(0, 0.0), (1, 0.0), (104, 0.2), (111, 0.2), (125, 0.2)])
@pytest.mark.parametrize("name", MESSAGES)
def test_any_single_element_can_be_withheld(name: str, seed: int, nil: float) -> None:
    """For each label of a full message: the file is valid, and all that is new in it says that it is not there."""
    sent = StufGenerator(seed=seed, fill=0.7, nil=nil).message(name)
    document, said = read_stuf(sent), what_it_says(sent)
    labels = sorted(set().union(*(labels_of(document, item_id=item.id) for item in document.items)))
    for label in labels:
        profile, _, element = label.split("/")
        if f"{profile}/{element}" in _NO_FILE_WITHOUT or element in {"fileName", "contentType", "sentAt"}:
            continue
        written = write(document, {label})
        assert xsd_errors(written.data) == [], label
        assert read_stuf(written.data).type == document.type
        for fact in what_it_says(written.data) - said:
            assert fact[1] in _HONEST, label


@pytest.mark.parametrize(("seed", "nil"), [(3, 0.0), (104, 0.2), (111, 0.2)])
@pytest.mark.parametrize("name", MESSAGES)
def test_any_whole_item_can_be_withheld(name: str, seed: int, nil: float) -> None:
    """Each item but the case itself leaves nothing behind but a relation that is nil."""
    sent = StufGenerator(seed=seed, fill=0.7, nil=nil).message(name)
    document = read_stuf(sent)
    for item in document.items:
        if item.id in {"bericht", "verzoek"}:
            continue
        written = write(document, labels_of(document, item_id=item.id))
        assert xsd_errors(written.data) == [], item.id
        assert read_stuf(written.data).type == document.type


def test_a_withheld_document_is_a_nil_relation() -> None:
    document = read_stuf(vto_example())
    written = write(document, labels_of(document, item_id="d3"))
    relations = etree.fromstring(written.data).findall(f".//{_ZKN}heeftRelevant")

    assert xsd_errors(written.data) == []
    assert [relation.get(_NIL) for relation in relations] == [None, None, "true"]
    assert relations[2].get(f"{_STUF}noValue") == "nietGeautoriseerd"
    assert b"hulpverlening.png" not in written.data


def test_a_withheld_party_is_a_nil_relation() -> None:
    document = read_stuf(vto_scenario(9))
    written = write(document, labels_of(document, item_id="b2"))
    relations = etree.fromstring(written.data).findall(f".//{_ZKN}heeftAlsBelanghebbende")

    assert [relation.get(_NIL) for relation in relations] == [None, "true"]
    assert b"Testvader" not in written.data


def test_a_withheld_executor_is_a_nil_relation() -> None:
    document = read_stuf(vto_example())
    written = write(document, labels_of(document, item_id="uitvoerder"))
    executor = etree.fromstring(written.data).find(f".//{_ZKN}heeftAlsUitvoerende")

    assert xsd_errors(written.data) == []
    assert executor is not None
    assert (executor.get(_NIL), executor.get(f"{_STUF}noValue")) == ("true", "nietGeautoriseerd")


def test_a_withheld_address_is_written_as_parts_that_are_nil() -> None:
    document = read_stuf(vto_example())
    written = write(document, {"jeugdige/k1/address"})
    address = etree.fromstring(written.data).find(f".//{_ZKN}heeftBetrekkingOp//{{*}}verblijfsadres")

    assert xsd_errors(written.data) == []
    assert address is not None
    assert {part.get(f"{_STUF}noValue") for part in address} == {"nietGeautoriseerd"}
    assert not any(part.text for part in address)


def test_where_a_name_must_stand_an_empty_one_says_why() -> None:
    """The schema does not let a party's name be nil."""
    document = read_stuf(vto_example())
    written = write(document, {"gezagsdrager/b1/name"})
    name = etree.fromstring(written.data).find(f".//{_ZKN}heeftAlsBelanghebbende//{{*}}geslachtsnaam")

    assert xsd_errors(written.data) == []
    assert name is not None
    assert (name.text, name.get(f"{_STUF}noValue")) == (None, "nietGeautoriseerd")


def test_where_a_date_must_stand_one_of_which_nothing_is_known_says_why() -> None:
    document = read_stuf(vto_example())
    written = write(document, {"verzoek/verzoek/occurrence"})
    date = etree.fromstring(written.data).find(f".//{_ZKN}startdatum")

    assert xsd_errors(written.data) == []
    assert date is not None
    assert (date.get(f"{_STUF}indOnvolledigeDatum"), date.get(f"{_STUF}noValue")) == ("J", "nietGeautoriseerd")


def test_a_party_without_its_role_cannot_be_shown_and_that_is_said() -> None:
    """The schema wants one of its roles, and no role is neutral."""
    document = read_stuf(vto_example())
    written = write(document, {"gezagsdrager/b1/relationship"})

    assert xsd_errors(written.data) == []
    assert written.omitted == ("gezagsdrager/b1",)
    assert b"Testmoeder" not in written.data


def test_an_unborn_child_stays_unborn_when_its_date_is_withheld() -> None:
    unborn = Child(person=Person(family="Voorbeeld", birth="20270214"), unborn=True)
    document = read_stuf(vto_example(children=(unborn,)))
    written = write(document, {"jeugdige/k1/expectedDate"})

    assert xsd_errors(written.data) == []
    assert written.data.count(b"Client (ongeboren kind)") == 1


def test_a_childs_key_that_was_withheld_is_not_told_by_whoever_has_authority_over_it() -> None:
    document = read_stuf(vto_scenario(7))
    written = write(document, labels_of(document, item_id="k1"))

    assert b"kind-1" not in written.data
    assert b"kind-2" in written.data


def test_labels_that_are_no_items_are_passed_over() -> None:
    """`subject/0/yours` is a label too, and nothing of a file."""
    document = read_stuf(vto_example())

    assert write(document, {"subject/0/yours"}).data == write(document, set()).data


def test_a_message_without_its_case_number_has_no_file() -> None:
    """It would not be valid; the bundle and the evidence tell the rest."""
    document = read_stuf(vto_example())
    with pytest.raises(DocumentError) as refused:
        write(document, {"verzoek/verzoek/identifier"})

    assert refused.value.code == "recipient.stuf.incomplete"


def test_what_rides_along_can_say_nothing_that_has_no_place() -> None:
    """The extension comes from another organisation: a path or an attribute that the table lacks is refused."""
    document = read_stuf(vto_example())
    leaf: JSONValue = {
        "url": "leaf",
        "extension": [
            {"url": "path", "valueString": "ZKN:gerelateerde/ZKN:natuurlijkPersoon/BG:nergens"},
            {"url": "text", "valueString": "x"},
        ],
    }
    attribute: JSONValue = {
        "url": "leaf",
        "extension": [{"url": "path", "valueString": "ZKN:gerelateerde"}, {"url": "https://x", "valueString": "x"}],
    }
    for riding in (leaf, attribute):
        extension: JSONValue = {"url": "https://ketenhub.nl/fhir/StructureDefinition/stuf", "extension": [riding]}
        items = tuple(
            replace(item, elements={**item.elements, "gender": ({"value": "female", "extension": [extension]},)})
            if item.id == "k1"
            else item
            for item in document.items
        )
        with pytest.raises(DocumentError) as refused:
            write_document(replace(document, items=items))
        assert refused.value.code == "recipient.stuf.value"


def test_a_type_that_stuf_does_not_have_is_refused() -> None:
    with pytest.raises(DocumentError) as refused:
        write_document(replace(read_stuf(vto_example()), type="raadsrapport"))

    assert refused.value.code == "recipient.stuf.type"


def test_a_file_with_a_withheld_reason_can_be_read_again() -> None:
    """The recipient's connector reads its own file to know what the organisation will call things."""
    document = read_stuf(vto_scenario(8))
    written = write(document, {"gezagsdrager/b1/notInformedReason"})

    assert xsd_errors(written.data) == []
    assert read_stuf(written.data).type == "verzoek-tot-onderzoek"
