"""The examples of the FHIR format can be sent: complete, of the right form, and told apart by their number."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from connectors.formats.fhir import FhirFormat
from connectors.formats.fhir.examples import EXAMPLE_TYPES, ExampleHeader, fhir_example
from schemas.codes import Capacity, Register, SubjectRole
from schemas.definitions import load_definitions
from schemas.document import DocumentResponsible
from schemas.fhir import check_values
from schemas.fhir.exchange import corrected_message
from schemas.identifiers import OIN, MessageId
from schemas.structure import check_document_structure
from tests.support.example_messages import MESSAGE_TYPES, QUESTION_ID

DEFINITIONS: Final = load_definitions()
FHIR: Final = FhirFormat()
AT: Final = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
HEADER: Final = ExampleHeader(
    sender=OIN("00000099000000002000"),
    receiver=OIN("00000099000000003000"),
    reference="0194f0a0-0000-7000-8000-000000000009",
    purpose="RVDK-RAP",
    capacity=Capacity.OTS,
    receiver_capacity=Capacity.VOOGDIJ,
    about=MessageId(QUESTION_ID),
    responsible=DocumentResponsible(register=Register.SKJ, number="110012345"),
)


def test_there_is_an_example_of_every_message_type() -> None:
    assert EXAMPLE_TYPES == MESSAGE_TYPES


@pytest.mark.parametrize("message_type", EXAMPLE_TYPES)
@pytest.mark.parametrize("at", [AT, AT - timedelta(days=100)])
def test_an_example_is_complete_and_right_on_its_day(message_type: str, at: datetime) -> None:
    bundle = fhir_example(message_type, header=HEADER, definitions=DEFINITIONS, at=at)
    document = FHIR.read(json.dumps(bundle).encode())
    assert document.type == message_type
    assert check_document_structure(document, DEFINITIONS) == ()
    assert check_values(document.items, DEFINITIONS, message_type=message_type, on=at.date()) == ()
    assert (document.purpose, document.capacity, document.receiver_capacity) == ("RVDK-RAP", "ots", "voogdij")
    assert document.responsible == HEADER.responsible


@pytest.mark.parametrize("message_type", EXAMPLE_TYPES)
def test_everybody_in_an_example_is_fictitious_and_has_a_number(message_type: str) -> None:
    document = FHIR.read(json.dumps(fhir_example(message_type, header=HEADER, definitions=DEFINITIONS, at=AT)).encode())
    children = [each for each in document.subjects if each.role is SubjectRole.JEUGDIGE]
    numbers = [each.identifier[1] for each in document.subjects if each.identifier is not None]
    assert children
    assert all(number.startswith("9999") for number in numbers)
    assert len(numbers) == len(document.subjects) or message_type in {"klacht", "correctie"}


def test_a_correction_names_the_message_and_an_answer_replies_to_it() -> None:
    bundles = {
        name: FHIR.read(json.dumps(fhir_example(name, header=HEADER, definitions=DEFINITIONS, at=AT)).encode())
        for name in ("correctie", "informatieantwoord")
    }
    found = next(item for item in bundles["correctie"].items if item.profile == "correctie")
    assert corrected_message(found) == HEADER.about
    assert (bundles["correctie"].reply_to, bundles["informatieantwoord"].reply_to) == (None, HEADER.about)


def test_a_question_has_a_term_that_lies_ahead() -> None:
    bundle = fhir_example("informatieverzoek", header=replace(HEADER, about=None), definitions=DEFINITIONS, at=AT)
    question = next(item for item in FHIR.read(json.dumps(bundle).encode()).items if item.profile == "vraag")
    assert date.fromisoformat(str(question.elements["term"][0])) > AT.date()
