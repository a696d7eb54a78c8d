"""What the StUF format reads from the official scenarios is complete, right, and a FHIR message that comes back."""

from dataclasses import replace

import pytest

from connectors.formats.stuf import read_stuf
from connectors.formats.stuf.scenarios import (
    NOTIFICATION_SCENARIOS,
    VTO_SCENARIOS,
    notification_scenario,
    vto_scenario,
)
from schemas.definitions import load_definitions
from schemas.document import DocumentItem
from schemas.fhir import BundleHead, bundle_to_items, check_resource, check_values, document_to_bundle
from schemas.identifiers import OIN, MessageId
from schemas.structure import check_document_structure
from tests.support.example_documents import DAY

DEFINITIONS = load_definitions()


@pytest.mark.parametrize(
    "data",
    [
        *(pytest.param(vto_scenario(number), id=f"vto-{number}") for number in range(1, VTO_SCENARIOS + 1)),
        *(
            pytest.param(notification_scenario(number), id=f"notification-{number}")
            for number in range(1, NOTIFICATION_SCENARIOS + 1)
        ),
    ],
)
def test_a_scenario_is_complete_and_right_and_survives_fhir(data: bytes) -> None:
    document = read_stuf(data)
    kind = DEFINITIONS.message_type(document.type)
    assert [
        (each.profile, name)
        for each in document.items
        for name in each.elements
        if not kind.permits(each.profile, name)
    ] == []
    assert check_document_structure(document, DEFINITIONS) == ()
    found = check_values(document.items, DEFINITIONS, message_type=document.type, on=DAY, unborn=document.unborn)
    assert found == ()
    bundle = document_to_bundle(
        document.items,
        DEFINITIONS,
        BundleHead(
            message_type=document.type,
            message_id=MessageId("0194f0a0-0000-7000-8000-000000000001"),
            sender=OIN("00000099000000001000"),
            recipient=OIN("00000099000000002000"),
            timestamp="2026-11-23T09:16:08Z",
        ),
    )
    assert check_resource(bundle) == ()

    def plain(items: tuple[DocumentItem, ...]) -> list[DocumentItem]:
        """Put the header where it stood; the mappings of elements become plain dictionaries."""
        return sorted((replace(each, elements=dict(each.elements)) for each in items), key=lambda each: each.id)

    assert plain(bundle_to_items(bundle, DEFINITIONS)) == plain(document.items)
