"""A complete document of every message type, for tests to change one thing in. Only fictitious people.

    >>> document = example_document("raadsrapport")
    >>> example_claims("informatieverzoek")["asks"]
    {'categories': ['hulpverlening', 'zorgen'], 'term': '2026-12-14'}

Each document has what its type demands, and an item of most of what it may hold. What a ground lets go of it is not
looked at.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from schemas.codes import Necessity, Register, SubjectRole
from schemas.definitions import load_definitions
from schemas.document import Address, Document, DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.fhir import claimed_correction, claimed_question
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId
from schemas.message import Message
from tests.support.example_documents import concept, item, message_of, notification_document, request_document

_EXTENSIONS: Final = load_definitions().extension_base
MESSAGE_TYPES: Final = tuple(sorted(load_definitions().message_types))

QUESTION_ID: Final = "0194f0a0-0000-7000-8000-000000000007"
"""The message that an answer replies to, and that a correction corrects."""

_CHILD: Final = DocumentSubject(
    role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, "999911120"), birth_date="2014-03-02"
)
_PARENT: Final = DocumentSubject(role=SubjectRole.OUDER, identifier=(BSN_SYSTEM, "999911132"), birth_date="1984-05-06")


def reaction(kind: str = "geen", *, by: str | None = None, text: str | None = None) -> JSONValue:
    """Return the reaction of a person concerned as it travels; that none was given is one."""
    parts: list[JSONValue] = [{"url": "kind", "valueCode": kind}]
    parts += [{"url": "by", "valueString": by}] if by else []
    parts += [{"url": "text", "valueString": text}] if text else []
    return {"url": _EXTENSIONS + "reaction", "extension": parts}


def wrong(category: str, label: str, *, says: str | None = None) -> JSONValue:
    """Return what a correction names as wrong, with what the person concerned says of it."""
    parts: list[JSONValue] = [{"url": "label", "valueString": label}]
    parts += [{"url": "reaction", "valueString": says}] if says else []
    return {"url": f"{_EXTENSIONS}wrong-{category}", "extension": parts}


def example_document(message_type: str) -> Document:
    """Return a complete document of a message type."""
    if message_type == "verzoek-tot-onderzoek":
        return request_document()
    if message_type == "notificatie-onderzoek":
        return notification_document()
    items = _ITEMS[message_type]
    subjects = (_CHILD, _PARENT) if any(1 in each.about for each in items) else (_CHILD,)
    return replace(
        request_document(),
        type=message_type,
        reference=f"{message_type.upper()}-1"[:40],
        subjects=subjects,
        items=items,
    )


def document_between(message_type: str, *, sender: OIN, receiver: OIN, **change: Any) -> Document:
    """Return a complete document of a type from one organisation to another, with something changed."""
    return replace(
        example_document(message_type),
        sender=Address(organisation=sender.value),
        receiver=Address(organisation=receiver.value),
        responsible=DocumentResponsible(register=Register.SKJ, number="110012345"),
        **change,
    )


def example_message(message_type: str) -> Message:
    """Return the claims of a complete message of a type; digests and keys are of the right form only."""
    document = example_document(message_type)
    message = replace(
        message_of(document), asks=claimed_question(document.items), corrects=claimed_correction(document.items)
    )
    return replace(message, reply_to=MessageId(QUESTION_ID)) if message_type == "informatieantwoord" else message


def example_claims(message_type: str) -> Mapping[str, JSONValue]:
    """Return the claims that go with the document of a message type; what is not named is null."""
    return _CLAIMS.get(message_type, {})


_CLAIMS: Final[Mapping[str, Mapping[str, JSONValue]]] = {
    "informatieverzoek": {"asks": {"categories": ["hulpverlening", "zorgen"], "term": "2026-12-14"}},
    "informatieantwoord": {"reply_to": QUESTION_ID},
    "correctie": {"corrects": {"message": QUESTION_ID, "items": ["leefgebied/l1"]}},
}

_HEADER: Final = item("bericht", "b1", reference=("REF-2026-000001",), sentAt=("2026-11-23T10:15:00+01:00",))
_JEUGDIGE: Final = item(
    "jeugdige",
    "p1",
    identifier=({"system": BSN_SYSTEM, "value": "999911120"},),
    name=({"family": "Voorbeeld", "given": ["Sam"]},),
    gender=("female",),
    birthDate=("2014-03-02",),
)
_GEZAGSDRAGER: Final = item(
    "gezagsdrager",
    "g1",
    1,
    identifier=({"system": BSN_SYSTEM, "value": "999911132"},),
    name=({"family": "Voorbeeld", "given": ["Robin"]},),
    relationship=(concept("jeugdzorgrol", "112"),),
    over=("p1",),
    informed=(True,),
)
_REACHABLE: Final = replace(
    _GEZAGSDRAGER,
    elements={
        **_GEZAGSDRAGER.elements,
        "telecom": ({"system": "phone", "value": "0612345678"},),
        "address": ({"line": ["Voorbeeldstraat 1"], "postalCode": "1234AB", "city": "Voorbeeldstad"},),
    },
)
_PROFESSIONAL: Final = item(
    "professional",
    "u1",
    kind=("verantwoordelijk",),
    name=({"family": "Medewerker"},),
    organisation=({"resourceType": "Organization", "name": "GI Voorbeeld"},),
)
_MAATREGEL: Final = item(
    "maatregel",
    "m1",
    type=(concept("maatregelsoort", "ots"),),
    period=({"start": "2026-11-20", "end": "2027-11-19"},),
    court=(concept("rechtbank", "RBMNE"),),
    caseNumber=({"value": "C/16/000000"},),
    executor=({"resourceType": "Organization", "name": "GI Voorbeeld"},),
    groundArticle=("BW 1:255",),
)
_BASED: Final = replace(_MAATREGEL, elements={**_MAATREGEL.elements, "basis": ("o1", "r1")})
_RUNNING: Final = item("maatregel", "m1", type=_MAATREGEL.elements["type"], period=_MAATREGEL.elements["period"])
_DOCUMENT: Final = item(
    "document",
    "d1",
    identifier=({"value": "DOC-1"},),
    title=("Rapport",),
    fileName=("rapport.pdf",),
    created=("2026-11-19",),
    contentType=("application/pdf",),
    hash=("5cYt9dq1yHtqAV7z1DWXB00e7EM7FfUa7GO4WC0OSrQ=",),
    data=("JVBERi0xLjQK",),
)
_LEEFGEBIED: Final = item(
    "leefgebied",
    "l1",
    code=(concept("leefgebied", "06"),),
    finding=("het gezin moet voor de zomer de woning uit",),
    statementType=("feit",),
    source=("huurovereenkomst",),
    observedOn=("2026-11-03",),
    reaction=(reaction("oneens", text="er is uitstel gevraagd"),),
)
_CONCERN: Final = item(
    "ontwikkelingsbedreiging",
    "o1",
    code=(concept("bedreiging", "emotioneel"),),
    description=("trekt zich terug op school",),
    statementType=("waarneming",),
    source=("leerkracht",),
    observedOn=("2026-11-10",),
    reaction=(reaction(),),
)
_RISK: Final = item(
    "risicofactor",
    "r1",
    factor=(concept("risicofactor", "conflict-ouders"),),
    level=(concept("niveau", "hoog"),),
    statementType=("vermoeden",),
    source=("gesprek met de jeugdige",),
    observedOn=("2026-11-12",),
    reaction=(reaction(),),
)
_STRENGTH: Final = item(
    "beschermende-factor",
    "s1",
    code=(concept("beschermendefactor", "netwerk"),),
    finding=("oma vangt de kinderen op",),
    statementType=("feit",),
    source=("gesprek met oma",),
    reaction=(reaction("eens"),),
)
_SKILL: Final = item(
    "opvoedvaardigheid",
    "v1",
    1,
    code=(concept("opvoedvaardigheid", "regels"),),
    finding=("stelt grenzen wisselend",),
    statementType=("mening",),
    source=("gezinsbegeleider",),
    reaction=(reaction(),),
)
_HEALTH: Final = DocumentItem(
    profile="leefgebied-gezondheid",
    id="l2",
    about=(0,),
    necessary=Necessity.PROFESSIONAL,
    elements={
        **_LEEFGEBIED.elements,
        "code": (concept("leefgebied", "08"),),
        "finding": ("slaapt slecht sinds de scheiding",),
        "source": ("huisarts",),
        "reaction": (reaction(),),
    },
)
_HELP: Final = item(
    "hulpverlening",
    "h1",
    product=({"text": "ambulante jeugdhulp"},),
    provider=({"resourceType": "Organization", "name": "Jeugdhulp Voorbeeld"},),
    period=({"start": "2026-01-01", "end": "2026-09-30"},),
)
_PLAN: Final = item("plan", "n1", dates=({"start": "2026-11-20"},), kind=(concept("plansoort", "plan-van-aanpak"),))
_CONTACT: Final = item(
    "contactmoment",
    "c1",
    dates=({"start": "2026-11-21", "end": "2026-11-21"},),
    kind=(concept("contactsoort", "huisbezoek"),),
)
_REPORT: Final = (_JEUGDIGE, _REACHABLE, _PROFESSIONAL, _BASED, _CONCERN, _RISK, _STRENGTH, _SKILL, _LEEFGEBIED)

_ITEMS: Final[Mapping[str, tuple[DocumentItem, ...]]] = {
    "informatieverzoek": (
        _HEADER,
        item(
            "vraag",
            "q1",
            categories=("hulpverlening", "zorgen"),
            term=("2026-12-14",),
            question=("welke hulp is er sinds januari verleend, en hoe verliep die?",),
        ),
        _JEUGDIGE,
        _RUNNING,
        _PROFESSIONAL,
    ),
    "informatieantwoord": (_HEADER, _JEUGDIGE, _HELP, _LEEFGEBIED),
    "raadsrapport": (_HEADER, *_REPORT, _HEALTH, _DOCUMENT),
    "maatregel": (_MAATREGEL, _JEUGDIGE, _PROFESSIONAL),
    "bepaling-jeugdhulp": (_HEADER, _JEUGDIGE, _HELP, _RUNNING, _PROFESSIONAL),
    "voortgang": (_HEADER, _JEUGDIGE, _PROFESSIONAL, _CONTACT, _PLAN),
    "voornemen-beeindigen": (_HEADER, _JEUGDIGE, _GEZAGSDRAGER, _RUNNING, _CONCERN, _STRENGTH, _HELP, _DOCUMENT),
    "aanmelding-uitvoering": (
        _HEADER,
        _JEUGDIGE,
        _REACHABLE,
        _PROFESSIONAL,
        item("contactmoment", "c1", dates=({"start": "2026-12-18"},), kind=(concept("contactsoort", "zitting"),)),
    ),
    "casusinformatie": (_HEADER, _JEUGDIGE, _REACHABLE, _PROFESSIONAL, _STRENGTH, _LEEFGEBIED, _HELP, _DOCUMENT),
    "overdracht-gi": (_HEADER, *_REPORT, _HEALTH, _HELP, _PLAN, _DOCUMENT),
    "klacht": (
        item("bericht", "b1", reference=("KLACHT-2026-000001",)),
        item(
            "klacht",
            "k1",
            step=(concept("processtap", "onderzoek"),),
            theme=(concept("klachtthema", "feiten"),),
            received=("2026-10-01",),
            outcome=(concept("klachtuitkomst", "deels-gegrond"),),
        ),
    ),
    "correctie": (
        item("bericht", "b1", reference=("CORRECTIE-2026-000001",)),
        DocumentItem(
            profile="correctie",
            id="w1",
            about=(0,),
            elements={
                "corrects": ({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{QUESTION_ID}"},),
                "reason": (concept("correctiereden", "onjuist"),),
                "requestedBy": ("betrokkene",),
                "wrong-zorgen": (wrong("zorgen", "leefgebied/l1/finding", says="wij mogen blijven wonen"),),
            },
        ),
        replace(
            _LEEFGEBIED,
            elements={
                **_LEEFGEBIED.elements,
                "finding": ("het gezin kan in de woning blijven",),
                "reaction": (reaction("eens"),),
            },
        ),
    ),
}
