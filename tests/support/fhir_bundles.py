"""Bundles of the FHIR format for tests to change one thing in, and what is found wrong with them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from connectors.formats.fhir import FhirFormat
from schemas.codes import Capacity, Register, SpoedReason
from schemas.definitions import load_definitions
from schemas.document import Address, Document, DocumentResponsible
from schemas.errors import DocumentError
from schemas.identifiers import MessageId
from tests.support.example_messages import QUESTION_ID, example_document

FHIR: Final = FhirFormat()
AT: Final = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
DEFINITIONS: Final = load_definitions()
BASE: Final = DEFINITIONS.extension_base
FULL: Final = replace(
    example_document("raadsrapport"),
    receiver=Address(organisation="RC0102"),
    purpose="RVDK-RAP",
    capacity=Capacity.OTS,
    receiver_capacity=Capacity.VOOGDIJ,
    reply_to=MessageId(QUESTION_ID),
    spoed=SpoedReason("acuut-gevaar"),
    thread="ZAAK-2026-0001",
    case_reference="RVDK-2026-4711",
    responsible=DocumentResponsible(register=Register.SKJ, number="110012345"),
)

JSON = dict[str, Any]  # parsed JSON that a test changes


def bundle(document: Document = FULL) -> JSON:
    """Return a document as the JSON of its bundle."""
    written: JSON = json.loads(FHIR.write(document, withheld=(), at=AT).data)
    return written


def read(changed: JSON) -> Document:
    """Read the JSON of a bundle."""
    return FHIR.read(json.dumps(changed).encode())


def findings(changed: JSON) -> list[tuple[str, str]]:
    """Return what is found wrong with a bundle: code without its prefix, and place."""
    with pytest.raises(DocumentError) as caught:
        read(changed)
    return [(each.code.removeprefix("sender.fhir."), each.pointer) for each in caught.value.issues]


def resource(changed: JSON, profile: str) -> JSON:
    """Find the first resource of a profile."""
    found: JSON = next(
        entry["resource"] for entry in changed["entry"] if entry["resource"]["meta"]["profile"] == [BASE + profile]
    )
    return found


def header(changed: JSON) -> JSON:
    """Return the MessageHeader."""
    return resource(changed, "bericht")
