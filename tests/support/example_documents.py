"""Documents and messages that are right, for tests to change one thing in. Only fictitious people and test numbers."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from schemas.canonical import b64url
from schemas.codes import AgeBand, Register, SubjectRole
from schemas.definitions import load_definitions
from schemas.document import Address, Document, DocumentItem, DocumentSubject, JSONValue
from schemas.identifiers import (
    BSN_SYSTEM,
    OIN,
    CaseId,
    HubName,
    MessageId,
    ProfessionalNumber,
    Thumbprint,
)
from schemas.message import Item, Message, Recipient, Responsible, Sealed, Subject

DAY = date(2026, 11, 23)
SYSTEM = "https://ketenhub.nl/fhir/CodeSystem/"


def concept(code_list: str, code: str) -> JSONValue:
    """Return a coded concept as it travels."""
    return {"coding": [{"code": code, "system": SYSTEM + code_list}]}


def item(profile: str, identity: str, *about: int, **elements: tuple[JSONValue, ...]) -> DocumentItem:
    """Return an item; an element that is not given values is not there."""
    return DocumentItem(profile=profile, id=identity, about=about or (0,), elements=elements)


def request_items() -> tuple[DocumentItem, ...]:
    """Return the items of a complete request: one child, one parent with authority, one attachment."""
    return (
        item("bericht", "b1", reference=("VTO-2026-000001",), sentAt=("2026-11-23T10:15:00+01:00",)),
        item("verzoek", "v1", identifier=({"value": "ZAAK-2026-0001"},), occurrence=("2026-11-23",)),
        item(
            "jeugdige",
            "p1",
            identifier=({"system": BSN_SYSTEM, "value": "999911120"},),
            name=({"family": "Voorbeeld", "given": ["Sam"]},),
            gender=("female",),
            birthDate=("2014-03-02",),
        ),
        item(
            "gezagsdrager",
            "g1",
            1,
            name=({"family": "Voorbeeld", "given": ["Robin"]},),
            relationship=(concept("jeugdzorgrol", "112"),),
            over=("p1",),
            informed=(True,),
            telecom=({"system": "phone", "value": "0612345678"},),
        ),
        item(
            "professional",
            "u1",
            name=({"family": "Medewerker"},),
            organisation=({"resourceType": "Organization", "name": "Gemeente Voorbeeldstad"},),
            telecom=({"system": "email", "value": "m.medewerker@voorbeeldstad.example"},),
        ),
        item(
            "document",
            "d1",
            identifier=({"value": "DOC-1"},),
            description=(concept("documentsoort", "Gezinsgeschiedenis"),),
            contentType=("application/pdf",),
            data=("JVBERi0xLjQK",),
        ),
    )


def request_document() -> Document:
    """Return a complete request for investigation."""
    return Document(
        type="verzoek-tot-onderzoek",
        reference="VTO-2026-000001",
        sender=Address(organisation="00000099000000001000"),
        receiver=Address(organisation="00000099000000002000"),
        subjects=(
            DocumentSubject(role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, "999911120"), birth_date="2014-03-02"),
            DocumentSubject(role=SubjectRole.OUDER, key="g1"),
        ),
        items=request_items(),
    )


def notification_document() -> Document:
    """Return a complete notification about an investigation."""
    return replace(
        request_document(),
        type="notificatie-onderzoek",
        subjects=request_document().subjects[:1],
        items=(
            item("bericht", "b1", reference=("NOT-2026-000001",)),
            item("jeugdige", "p1", identifier=({"system": BSN_SYSTEM, "value": "999911120"},)),
            item(
                "status",
                "s1",
                businessStatus=(concept("statustype", "Onderzoek afgerond"),),
                date=("2026-12-04",),
                trigger=("verzoek",),
            ),
            item("besluit", "c1", decided=("2026-11-20",), note=("ondertoezichtstelling",)),
        ),
    )


def digest(text: str) -> str:
    """Return a digest of the right form."""
    return b64url(hashlib.sha256(text.encode()).digest())


def message_of(document: Document) -> Message:
    """Return claims with the labels of a document; digests and keys are of the right form only."""
    version = load_definitions().message_types[document.type].version if document.type in _TYPES else 1
    content = tuple(
        Item(
            profile=each.profile,
            id=each.id,
            about=each.about,
            necessary=each.necessary,
            elements={
                name: tuple(digest(f"{each.id}/{name}/{n}") for n, _ in enumerate(values))
                for name, values in sorted(each.elements.items())
            },
        )
        for each in document.items
    )
    subjects = tuple(
        Subject(tag=(digest(f"subject/{n}"),), role=each.role, age=AgeBand.UNBORN if each.unborn else AgeBand.UNKNOWN)
        for n, each in enumerate(document.subjects)
    )
    return Message(
        sender=OIN("00000099000000001000"),
        hubs=(HubName("hub.ketenhub.test"),),
        id=MessageId("0194f0a0-0000-7000-8000-000000000001"),
        issued_at=1795432568,
        pickup_by=1798024568,
        type=document.type,
        version=version,
        recipient=Recipient(oin=OIN("00000099000000002000"), purpose="VTO", capacity=None),
        capacity=None,
        case=CaseId("7d0c" * 8),
        reply_to=None,
        responsible=Responsible(register=Register.EIGEN, number=ProfessionalNumber("M-17")),
        subjects=subjects,
        sealed=Sealed(kid=Thumbprint(digest("kid")), digest=digest("sealed")),
        content=content,
    )


_TYPES = frozenset(load_definitions().message_types)


def with_item(document: Document, identity: str, **elements: tuple[JSONValue, ...] | None) -> Document:
    """Return the document with elements of one item set, or (None) taken away."""
    return replace(
        document,
        items=tuple(_changed(each, elements) if each.id == identity else each for each in document.items),
    )


def without_item(document: Document, identity: str) -> Document:
    """Return the document without one item."""
    return replace(document, items=tuple(each for each in document.items if each.id != identity))


def _changed(each: DocumentItem, changes: Mapping[str, tuple[JSONValue, ...] | None]) -> DocumentItem:
    elements = {**each.elements, **changes}
    return replace(each, elements={name: values for name, values in elements.items() if values is not None})
