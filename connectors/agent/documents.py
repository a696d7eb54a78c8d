"""What the agent reads in documents without knowing their format: attachments, case numbers, what was withheld."""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from connectors.sdk.projection import Withheld
from schemas.document import DocumentItem, JSONValue

ATTACHMENT_PROFILES: Final = frozenset({"document", "document-gezondheid"})
ATTACHMENT: Final = "data"


def attachments(items: Sequence[DocumentItem]) -> list[tuple[str, bytes]]:
    """List the attachments of a document: label and bytes."""
    return [
        (f"{item.profile}/{item.id}/{ATTACHMENT}", data)
        for item in items
        if item.profile in ATTACHMENT_PROFILES
        for data in _decoded(item.elements.get(ATTACHMENT, ()))
    ]


def without(items: Sequence[DocumentItem], labels: Collection[str]) -> tuple[DocumentItem, ...]:
    """Leave labels out of a document; an item of which nothing is left goes too."""
    kept = []
    for item in items:
        elements = {
            name: values for name, values in item.elements.items() if f"{item.profile}/{item.id}/{name}" not in labels
        }
        if elements:
            kept.append(replace(item, elements=elements))
    return tuple(kept)


def first_text(items: Sequence[DocumentItem], profile: str, element: str) -> str | None:
    """Return the first value of an element as text: a string, or an identifier's value."""
    for item in items:
        if item.profile == profile:
            for value in item.elements.get(element, ()):
                text = value.get("value") if isinstance(value, dict) else value
                if isinstance(text, str):
                    return text
    return None


def own_withheld_to_json(withheld: Sequence[Withheld]) -> list[JSONValue]:
    """Write what was withheld for the journal."""
    return [{"label": each.label, "reasons": list(each.reasons)} for each in withheld]


def withheld_from_json(value: Sequence[Mapping[str, JSONValue]]) -> list[Withheld]:
    """Read what `own_withheld_to_json` wrote."""
    found = []
    for each in value:
        reasons = each["reasons"]
        assert isinstance(reasons, list), "we wrote it"
        found.append(Withheld(label=str(each["label"]), reasons=tuple(str(reason) for reason in reasons)))
    return found


def _decoded(values: Sequence[JSONValue]) -> Iterator[bytes]:
    """Yield the bytes of base64Binary values; one with extensions beside it is an object."""
    for value in values:
        text = value.get("value") if isinstance(value, dict) else value
        if isinstance(text, str):
            try:
                yield base64.b64decode(text, validate=False)
            except (ValueError, binascii.Error):
                # The value check says what is wrong with it; a scanner sees the text as it is.
                yield text.encode()
