"""The persons of a message: what the header says of each, and what their own resources say, must be one.

The header names everyone that an item is about, by number: their role, and what cannot be read from a resource. What
can (the number by which a pseudonym is made, the day of birth by which the age is told) is taken from the person's own
resource; where both say it, they must agree, or a decision would be taken about somebody else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from connectors.formats.fhir.names import issue
from schemas.canonical import json_pointer
from schemas.codes import SubjectRole
from schemas.document import Document, DocumentItem, DocumentSubject
from schemas.errors import Issue
from schemas.fhir.places import JSONObject
from schemas.fhir.values import plain
from schemas.identifiers import BSN_SYSTEM, RNI_SYSTEM

_PERSONS: Final = frozenset({"jeugdige", "gezagsdrager", "andere-persoon", "melder"})
_CHILD: Final = "jeugdige"


def complete_subject(number: int, subject: DocumentSubject, items: Sequence[DocumentItem]) -> DocumentSubject:
    """Add to a person what the resources about only that person say."""
    own = [*_own_items(number, items)]
    births = [birth for item in own for birth in _births(item)]
    expected = any(item.profile == _CHILD and "expectedDate" in item.elements for item in own)
    return replace(
        subject,
        identifier=subject.identifier or _best_identifier(own),
        birth_date=subject.birth_date or next(iter(births), None),
        unborn=subject.unborn or (expected and not births),
    )


def check_people(
    document: Document, *, places: Mapping[str, int], resources: Mapping[int, JSONObject]
) -> tuple[Issue, ...]:
    """Check that items are about persons who are named, and that a person is one throughout.

    Args:
        document: What was read.
        places: Number of the entry of each item.
        resources: The resource of each entry.
    """
    return (*_unnamed(document, places, resources), *_contradictions(document, places))


def _unnamed(document: Document, places: Mapping[str, int], resources: Mapping[int, JSONObject]) -> Iterator[Issue]:
    for item in document.items:
        place = json_pointer("entry", places[item.id], "resource", "extension")
        if len(document.subjects) > 1 and not _says_about(resources[places[item.id]]):
            text = "the message is about several persons: `about` says which of them this is about"
            yield issue(place, "about", text, "het bericht gaat over meer personen, en hier staat niet over wie")
        elif item.about[-1] >= len(document.subjects):
            text, text_nl = (
                "is about a person whom the header does not name",
                "gaat over iemand die het bericht niet noemt",
            )
            yield issue(place, "about", text, text_nl)


def _says_about(resource: JSONObject) -> bool:
    extensions = resource.get("extension")
    return isinstance(extensions, list) and any(
        isinstance(each, dict) and str(each.get("url")).endswith("/about") for each in extensions
    )


def _contradictions(document: Document, places: Mapping[str, int]) -> Iterator[Issue]:
    for number, subject in enumerate(document.subjects):
        for item in _own_items(number, document.items):
            place = json_pointer("entry", places[item.id], "resource")
            if _has_another_number(subject, item):
                text = "has another number than the person it is about"
                yield issue(
                    place + "/identifier", "subject-differs", text, "heeft een ander nummer dan de persoon zelf"
                )
            births = _births(item)
            if any(birth != subject.birth_date for birth in births) or (births and subject.unborn):
                text = "has another day of birth than the person it is about"
                text_nl = "heeft een andere geboortedatum dan de persoon zelf"
                yield issue(place + "/birthDate", "subject-differs", text, text_nl)
            if item.profile == _CHILD and subject.role is not SubjectRole.JEUGDIGE:
                text = "is a child or young person, and the header gives the person another role"
                yield issue(place, "subject-differs", text, "is een jeugdige, en heeft in het bericht een andere rol")


def _has_another_number(subject: DocumentSubject, item: DocumentItem) -> bool:
    """Whether an item gives a person another number of the same system, or a BSN where none was taken from it."""
    best = _best_identifier([item])
    if best is None or best == subject.identifier:
        return False
    return best[0] == BSN_SYSTEM or (subject.identifier is not None and best[0] == subject.identifier[0])


def _own_items(number: int, items: Sequence[DocumentItem]) -> Iterator[DocumentItem]:
    return (item for item in items if item.profile in _PERSONS and item.about == (number,))


def _best_identifier(items: Sequence[DocumentItem]) -> tuple[str, str] | None:
    """Return the number by which the pseudonym is made: a BSN before an RNI number."""
    for system in (BSN_SYSTEM, RNI_SYSTEM):
        for item in items:
            for value in item.elements.get("identifier", ()):
                number = value.get("value") if isinstance(value, dict) and value.get("system") == system else None
                if isinstance(number, str):
                    return system, number
    return None


def _births(item: DocumentItem) -> list[str]:
    return [birth for birth in map(plain, item.elements.get("birthDate", ())) if isinstance(birth, str)]
