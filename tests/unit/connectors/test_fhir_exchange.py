"""A bundle becomes a message, and what the recipient opened becomes a bundle again."""

import json
from typing import Final

import pytest

from connectors.formats.fhir import FhirFormat
from connectors.formats.fhir.examples import ExampleHeader, fhir_example
from connectors.sdk.opening import Opened, open_release
from schemas.codes import Capacity
from schemas.definitions import load_definitions
from schemas.document import Address, Document, DocumentSubject
from schemas.identifiers import OIN
from tests.support.connector_world import AT, GEMEENTE, GI, RAAD, World

FHIR: Final = FhirFormat()
EXCHANGES: Final = (
    ("verzoek-tot-onderzoek", GEMEENTE, RAAD, None),
    ("maatregel", RAAD, GEMEENTE, None),
    ("aanmelding-uitvoering", RAAD, GI, Capacity.OTS),
)


def document_of(message_type: str, sender: OIN, recipient: OIN) -> Document:
    """Read the example of a message type."""
    header = ExampleHeader(sender=sender, receiver=recipient, reference="PROEF-1")
    bundle = fhir_example(message_type, header=header, definitions=load_definitions(), at=AT)
    return FHIR.read(json.dumps(bundle).encode())


@pytest.mark.parametrize(("message_type", "sender", "recipient", "capacity"), EXCHANGES)
def test_what_was_disclosed_of_a_bundle_is_a_bundle_at_the_recipient(
    message_type: str, sender: OIN, recipient: OIN, capacity: Capacity | None
) -> None:
    world = World()
    document = document_of(message_type, sender, recipient)
    composed = world.compose(document, sender=sender, recipient=recipient, recipient_capacity=capacity)
    assert composed.withheld == ()
    world.accept(composed)
    opened = open_release(world.release(composed), view=world.view(recipient))
    assert isinstance(opened, Opened), opened
    received = Document(
        type=opened.message.type,
        reference="PROEF-1",
        sender=Address(organisation=opened.message.sender.value),
        receiver=Address(organisation=opened.message.recipient.oin.value),
        subjects=tuple(DocumentSubject(role=each.role) for each in opened.message.subjects),
        items=tuple(opened.items),
    )
    again = FHIR.read(FHIR.write(received, withheld=(), at=AT).data)
    assert {item.id: dict(item.elements) for item in again.items} == {
        item.id: dict(item.elements) for item in document.items
    }
    assert again.subjects == document.subjects


def test_what_was_withheld_on_the_way_stands_in_the_header_and_is_not_there() -> None:
    world = World()
    document = document_of("verzoek-tot-onderzoek", GEMEENTE, RAAD)
    composed = world.compose(document)
    world.accept(composed)
    label = "gezagsdrager/g1/telecom"
    release = world.release(composed, withheld={label: ("category-not-in-ground",)})
    opened = open_release(release, view=world.view())
    assert isinstance(opened, Opened), opened
    received = Document(
        type=opened.message.type,
        reference="PROEF-1",
        sender=document.sender,
        receiver=document.receiver,
        subjects=document.subjects,
        items=tuple(opened.items),
    )
    written = FHIR.write(received, withheld=tuple(each.label for each in opened.withheld), at=AT).data
    assert label in written.decode()
    parent = next(item for item in FHIR.read(written).items if item.id == "g1")
    assert "telecom" not in parent.elements
