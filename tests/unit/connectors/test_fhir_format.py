"""FHIR bundles in and out: every message type, nothing dropped in silence, every finding at its place."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from fhir.resources.R4B.bundle import Bundle

from connectors.formats.ports import Answered, AnswerKind
from schemas.codes import Category, Register, SubjectRole
from schemas.document import Address, DocumentResponsible, DocumentSubject
from schemas.errors import DocumentError, Issue
from schemas.fhir import check_resource, check_values
from schemas.fhir.exchange import claimed_correction, claimed_question
from schemas.identifiers import BSN_SYSTEM
from schemas.structure import check_document_structure
from tests.support.example_documents import DAY, with_item
from tests.support.example_messages import MESSAGE_TYPES, QUESTION_ID, example_claims, example_document
from tests.support.fhir_bundles import AT, BASE, DEFINITIONS, FHIR, FULL, JSON, bundle, header, read, resource


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_a_message_of_each_type_goes_out_and_comes_back(message_type: str) -> None:
    document = example_document(message_type)
    written = FHIR.write(document, withheld=(), at=AT)
    Bundle.model_validate_json(written.data)
    assert check_resource(json.loads(written.data)) == ()
    assert FHIR.read(written.data) == document
    assert written.omitted == ()
    assert FHIR.write(document, withheld=(), at=AT) == written


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_what_comes_back_is_complete_and_claims_what_it_did(message_type: str) -> None:
    document = FHIR.read(FHIR.write(example_document(message_type), withheld=(), at=AT).data)
    assert check_document_structure(document, DEFINITIONS) == ()
    assert check_values(document.items, DEFINITIONS, message_type=message_type, on=DAY) == ()
    claims = example_claims(message_type)
    assert (claimed_question(document.items) is not None) is ("asks" in claims)
    assert (claimed_correction(document.items) is not None) is ("corrects" in claims)


def test_everything_that_a_document_says_as_a_whole_comes_back() -> None:
    assert read(bundle()) == FULL


@pytest.mark.parametrize("register", [None, *Register])
def test_who_answers_is_named_by_a_register_or_an_employee_number(register: Register | None) -> None:
    document = replace(FULL, responsible=DocumentResponsible(register=register, number="M-17"))
    assert read(bundle(document)) == document


def test_the_header_stands_where_fhir_readers_look() -> None:
    first = header(bundle())
    assert first["eventCoding"]["code"] == "raadsrapport"
    assert first["source"]["endpoint"] == "urn:nld:oin:00000099000000001000"
    assert first["destination"][0]["receiver"]["identifier"]["value"] == "RC0102"
    assert first["response"] == {"identifier": QUESTION_ID, "code": "ok"}
    assert first["responsible"]["identifier"]["value"] == "110012345"
    assert len(first["focus"]) == len(FULL.items) - 1


def test_what_was_withheld_is_shown_and_is_no_part_of_the_message() -> None:
    written = FHIR.write(FULL, withheld=("leefgebied-gezondheid/l2/finding",), at=AT)
    shown = {"url": BASE + "withheld", "valueString": "leefgebied-gezondheid/l2/finding"}
    assert shown in header(json.loads(written.data))["extension"]
    assert FHIR.read(written.data) == FULL


def test_a_person_is_known_by_the_own_resource() -> None:
    """Number, birth date and being unborn need not be said twice."""
    changed = bundle()
    child, parent = (each for each in header(changed)["extension"] if each["url"] == BASE + "subject")
    child["extension"] = child["extension"][:1]
    document = read(changed)
    assert document.subjects[0] == FULL.subjects[0]
    assert len(parent["extension"]) == 3


def test_a_child_with_an_expected_date_and_no_birth_is_unborn() -> None:
    plain = replace(FULL, subjects=(DocumentSubject(role=SubjectRole.JEUGDIGE), FULL.subjects[1]))
    unborn = with_item(plain, "p1", identifier=None, birthDate=None, gender=None, expectedDate=("2027-02-14",))
    child = read(bundle(unborn)).subjects[0]
    assert (child.unborn, child.identifier, child.birth_date) == (True, None, None)


def test_remarks_tell_what_is_missing_and_refuses_nothing() -> None:
    request = with_item(example_document("verzoek-tot-onderzoek"), "g1", telecom=None)
    assert len(read(bundle(request)).remarks) == 1


def test_what_a_system_keeps_for_itself_does_not_matter() -> None:
    changed = bundle()
    child = resource(changed, "jeugdige")
    child["meta"] = {
        "versionId": "3",
        "lastUpdated": "2026-11-23T09:00:00Z",
        "source": "urn:example",
        "profile": ["http://nictiz.nl/fhir/StructureDefinition/nl-core-Patient", *child["meta"]["profile"]],
    }
    child["text"] = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Sam</div>'}
    changed["id"] = "bundel-1"
    assert read(changed) == FULL


def test_the_order_of_extensions_does_not_matter() -> None:
    changed = bundle()
    for entry in changed["entry"]:
        entry["resource"]["extension"].sort(key=lambda each: each["url"], reverse=True)
    assert read(changed) == FULL


# ---- recognising, header, answers ----


def test_a_file_is_recognised_by_its_name_or_its_beginning() -> None:
    data = FHIR.write(FULL, withheld=(), at=AT).data
    assert FHIR.recognises("bericht", data[:4096])
    assert FHIR.recognises("BERICHT.JSON", b"")
    assert not FHIR.recognises("bericht.xml", b"<x/>")
    assert not FHIR.recognises("bericht", b"x")


def test_the_header_of_a_file_with_defects_is_found() -> None:
    changed = bundle()
    header(changed)["source"]["software"] = "Jeugdsysteem"
    changed["entry"][1] = "kapot"
    assert FHIR.header(json.dumps(changed).encode()) == Answered(
        reference=FULL.reference,
        sender=Address(organisation=FULL.sender.organisation, application="Jeugdsysteem"),
        receiver=Address(organisation="RC0102"),
    )


@pytest.mark.parametrize("data", [b"kapot", b"{}", b'{"identifier": {"value": ""}}', b'{"identifier": []}'])
def test_a_file_without_a_number_has_no_header(data: bytes) -> None:
    assert FHIR.header(data) is None


@pytest.mark.parametrize("data", [b'{"identifier": {"value": "R1"}}', b'{"identifier": {"value": "R1"}, "entry": [3]}'])
def test_a_header_says_what_there_is(data: bytes) -> None:
    found = FHIR.header(data)
    assert found is not None
    assert (found.reference, found.sender.organisation, found.receiver.organisation) == ("R1", "", "")


ANSWERED: Final = Answered(
    reference="VTO 2026/1",
    sender=Address(organisation="00000099000000001000", application="Jeugdsysteem"),
    receiver=Address(organisation="RC0102"),
)


def answer(kind: AnswerKind, **more: Any) -> tuple[JSON, list[JSON]]:
    """Return header and issues of an answer; it has the shape of FHIR (`Any`: what `answer` takes)."""
    data = FHIR.answer(kind, answered=ANSWERED, reference="A-1", at=AT, **more)
    assert data is not None
    Bundle.model_validate_json(data)
    first, second = (entry["resource"] for entry in json.loads(data)["entry"])
    return first, second["issue"]


@pytest.mark.parametrize("kind", [AnswerKind.READ, AnswerKind.ACCEPTED])
def test_a_good_answer_names_what_it_answers(kind: AnswerKind) -> None:
    first, issues = answer(kind)
    assert first["response"]["code"] == "ok"
    assert {"url": BASE + "answers", "valueString": "VTO 2026/1"} in first["extension"]
    assert first["destination"] == [{"endpoint": "urn:nld:oin:00000099000000001000", "name": "Jeugdsysteem"}]
    assert [each["severity"] for each in issues] == ["information"]


def test_a_refusal_tells_each_finding_in_dutch_with_its_place() -> None:
    changed = bundle()
    resource(changed, "jeugdige")["maritalStatus"] = {"text": "x"}
    resource(changed, "leefgebied")["status"] = "amended"
    with pytest.raises(DocumentError) as caught:
        read(changed)
    first, issues = answer(AnswerKind.REFUSED, error=caught.value)
    assert first["response"]["code"] == "fatal-error"
    assert [each["extension"][0]["valueString"] for each in issues] == [i.pointer for i in caught.value.issues]
    assert [each["details"]["text"] for each in issues] == [i.text_nl for i in caught.value.issues]
    assert {each["code"] for each in issues} == {"structure"}


def test_a_refusal_without_findings_tells_its_code() -> None:
    _, issues = answer(AnswerKind.REFUSED, error=DocumentError("no", code="sender.format.unknown"))
    assert [each["details"]["coding"][0]["code"] for each in issues] == ["sender.format.unknown"]


def test_a_text_that_fhir_has_no_place_for_does_not_stop_the_answer() -> None:
    odd = Issue(pointer="", code="hub.odd", text="\x00\x07", text_nl="")
    _, issues = answer(AnswerKind.REFUSED, error=DocumentError("no", issues=[odd]))
    assert (issues[0]["details"]["text"], issues[0]["code"]) == ("-", "processing")


def test_a_number_used_before_is_a_duplicate() -> None:
    _, issues = answer(AnswerKind.REFUSED, error=DocumentError("no"), duplicate=True)
    assert [each["code"] for each in issues] == ["duplicate"]


def test_only_an_oin_signs_as_sender() -> None:
    with pytest.raises(DocumentError):
        FHIR.write(replace(FULL, sender=Address(organisation="RC0102")), withheld=(), at=AT)


def test_categories_of_a_question_come_back() -> None:
    question = claimed_question(read(bundle(example_document("informatieverzoek"))).items)
    assert question is not None
    assert question.categories == (Category.HULPVERLENING, Category.ZORGEN)


def test_a_subject_keeps_its_own_words() -> None:
    known = DocumentSubject(role=SubjectRole.ANDER, identifier=("https://example.nl/nr", "7"), key="k1", unborn=True)
    other = DocumentSubject(role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, "999911120"), birth_date="2014-03-02")
    document = replace(FULL, subjects=(other, FULL.subjects[1], known))
    assert read(bundle(document)).subjects == document.subjects
