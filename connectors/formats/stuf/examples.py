"""Example messages with fictitious people, for the demonstration, for tests, and for whoever connects a system.

    vto_example(reference="VTO-0001", parties=(Party(role="voogd", person=Person(family="Voorbeeld")),))

Every example is valid by the schema if the values given are. BSNs are of the test range 9999xxxxx.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from lxml import etree

from connectors.formats.stuf.messages import (
    CASE_TYPE_GEMEENTE,
    CASE_TYPE_RAAD,
    CHILD,
    DOCUMENT_CARE,
    DOCUMENT_DIAGNOSTIC,
    DOCUMENT_REQUEST,
    ROLE_NOTIFICATION,
    UNBORN,
)
from connectors.formats.stuf.names import NAMESPACES, clark
from connectors.formats.stuf.roles import packaged_roles

GEMEENTE = "00000099000000001000"
RAAD = "00000099000000002000"


def example_bsn(number: int) -> str:
    """Return a BSN of the test range that passes the 11-test: the `number`th from 0, of about nine thousand."""
    return _example_bsns()[number]


@cache
def _example_bsns() -> tuple[str, ...]:
    numbers = (f"9999{tail:05d}" for tail in range(100_000))
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return tuple(
        digits
        for digits in numbers
        if sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True)) % 11 == 0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address in the Netherlands."""

    street: str = "Voorbeeldlaan"
    number: str = "12"
    postcode: str = "1234AB"
    city: str = "Voorbeeldstad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A natural person.

    Attributes:
        birth: Date as StUF writes it, eight digits; empty for none.
        unknown: Whether the date is there and says that it is unknown.
        incomplete: `indOnvolledigeDatum` of the date; empty for none.
        key: `sleutelVerzendend` of the person.
        extras: Extra elements of the person, name and text.
    """

    bsn: str = ""
    rni: str = ""
    family: str = ""
    prefix: str = ""
    initials: str = ""
    given: str = ""
    gender: str = ""
    birth: str = ""
    unknown: bool = False
    incomplete: str = ""
    address: Place | None = None
    phone: str = ""
    email: str = ""
    key: str = ""
    extras: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child of the message; `unborn` if its date is the expected one."""

    person: Person
    unborn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Establishment:
    """An institution: authority need not be a natural person's."""

    name: str = "Voorbeeld Jeugdbescherming"
    phone: str = "0100000001"
    number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with an interest: role, and informed or not where it is known.

    Attributes:
        informed: `true`, `false` or None: not said.
        reason: Why not informed.
        over: Keys of the children that the authority is about; none for every child.
    """

    role: str
    person: Person | None = None
    establishment: Establishment | None = None
    informed: bool | None = None
    reason: str = ""
    over: tuple[str, ...] = ()
    with_code: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document with its file."""

    identifier: str
    description: str
    file_name: str
    content_type: str = "application/pdf"
    data: bytes = b"%PDF-1.4 voorbeeld"
    title: str = ""
    created: str = "20261120"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who sends what to whom, and when."""

    sender: str = GEMEENTE
    sender_application: str = "Voorbeeldzaaksysteem"
    receiver: str = RAAD
    receiver_application: str = "Voorbeeldraadsysteem"
    reference: str = "VTO-2026-0001"
    time: str = "20261123120000"
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """The employee who asks, and the organisation."""

    number: str = "MW-0042"
    family: str = "Behandelaar"
    initials: str = "B."
    function: str = "jeugdconsulent"
    phone: str = "0100000042"
    email: str = "b.behandelaar@voorbeeldstad.example"
    organisation: str = "Gemeente Voorbeeldstad"
    rsin: str = "999990019"


CHILDREN = (
    Child(
        person=Person(
            bsn=example_bsn(100),
            family="Voorbeeld",
            prefix="van",
            initials="T.",
            given="Testkind",
            gender="V",
            birth="20140302",
            address=Place(),
        )
    ),
)
PARTIES = (
    Party(
        role="ouder met gezag",
        person=Person(
            bsn=example_bsn(200),
            family="Voorbeeld",
            prefix="van",
            initials="M.",
            given="Testmoeder",
            gender="V",
            birth="19880514",
            address=Place(),
            phone="0600000001",
            email="testmoeder@voorbeeld.example",
        ),
        informed=True,
    ),
)
ATTACHMENTS = (
    Attachment(
        identifier="DOC-1", description=DOCUMENT_REQUEST, file_name="verzoek.pdf", title="Verzoek tot onderzoek"
    ),
    Attachment(
        identifier="DOC-2",
        description=DOCUMENT_DIAGNOSTIC,
        file_name="diagnostiek.txt",
        content_type="text/plain",
        data=b"Voorbeeld van een diagnostisch verslag.",
        title="Diagnostisch onderzoek",
    ),
    Attachment(
        identifier="DOC-3",
        description=DOCUMENT_CARE,
        file_name="hulpverlening.png",
        content_type="image/png",
        data=b"\x89PNG\r\n\x1a\nvoorbeeld",
        title="Hulpverleningsrapportage",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a VTO says besides people and documents."""

    case_number: str = "ZAAK-2026-0001"
    description: str = "Zorgen over de ontwikkeling"
    started: str = "20261101"
    registered: str = "20261102"
    earlier_case: str = ""
    extras: tuple[tuple[str, str], ...] = (("indicatieUrgent", "false"),)
    executor: Executor = field(default_factory=Executor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a notification says besides people.

    Attributes:
        municipal_case: Case number of the municipality that is answered; empty for none.
        decisions: Date and words of each decision.
    """

    status: str = "Intake afgerond"
    at: str = "20261123140000"
    case_number: str = "RVDK-2026-0001"
    result: str = ""
    municipal_case: str = "ZAAK-2026-0001"
    decisions: tuple[tuple[str, str], ...] = ()
    extras: tuple[tuple[str, str], ...] = ()


def vto_example(
    *,
    header: Header | None = None,
    request: Request | None = None,
    children: Sequence[Child] = CHILDREN,
    parties: Sequence[Party] = PARTIES,
    attachments: Sequence[Attachment] = ATTACHMENTS,
) -> bytes:
    """Return a `vtoDi01`; without arguments one child, its mother and three attachments, one of them diagnostic."""
    about = request or Request()
    root, case = _message("vtoDi01", header or Header())
    _add(case, "ZKN:identificatie", about.case_number)
    _add(case, "ZKN:omschrijving", about.description, optional=True)
    _add(case, "ZKN:startdatum", about.started)
    _add(case, "ZKN:registratiedatum", about.registered)
    _add_extras(case, about.extras)
    _add_case_type(case, CASE_TYPE_GEMEENTE)
    for child in children:
        _add_child(case, child)
    for party in parties:
        _add_party(case, party)
    _add_executor(case, about.executor)
    _add_other_case(case, about.earlier_case, CASE_TYPE_RAAD)
    for attachment in attachments:
        _add_attachment(case, attachment)
    return _bytes(root)


def notification_example(
    *,
    header: Header | None = None,
    notice: Notice | None = None,
    child: Child | None = None,
    mother: Person | None = None,
) -> bytes:
    """Return a `notificatieDi01`; without arguments `Intake afgerond`, for the VTO's child without its address."""
    about = notice or Notice()
    default = Header(
        sender=RAAD,
        sender_application="Voorbeeldraadsysteem",
        receiver=GEMEENTE,
        receiver_application="Voorbeeldzaaksysteem",
        reference="NOT-2026-0001",
        time="20261123140100",
    )
    root, case = _message("notificatieDi01", header or default)
    _add(case, "ZKN:identificatie", about.case_number, optional=True)
    if about.result:
        _add(_add(case, "ZKN:resultaat"), "ZKN:omschrijving", about.result)
    _add_extras(case, about.extras)
    _add_case_type(case, CASE_TYPE_RAAD)
    _add_child(case, child or Child(person=replace(CHILDREN[0].person, address=None)))
    if mother is not None:
        _add_party(case, Party(role=ROLE_NOTIFICATION, person=mother))
    if about.municipal_case:
        _add_other_case(case, about.municipal_case, CASE_TYPE_GEMEENTE)
    status = _entity(case, "ZKN:heeft", "ZAKSTT")
    _add(_entity(status, "ZKN:gerelateerde", "STT"), "ZKN:omschrijving", about.status)
    _add(status, "ZKN:datumStatusGezet", about.at)
    for date, words in about.decisions:
        decision = _entity(_entity(case, "ZKN:leidtTot", "ZAKBSL"), "ZKN:gerelateerde", "BSL")
        _add(decision, "ZKN:datumBeslissing", date)
        _add(decision, "ZKN:toelichting", words)
    return _bytes(root)


def _message(function: str, header: Header) -> tuple[etree._Element, etree._Element]:
    root = etree.Element(clark(f"JZ:{function}"), nsmap=dict(NAMESPACES))
    controls = _add(root, "JZ:stuurgegevens")
    _add(controls, "StUF:berichtcode", "Di01")
    sender = _add(controls, "StUF:zender")
    _add(sender, "StUF:organisatie", header.sender)
    _add(sender, "StUF:applicatie", header.sender_application)
    _add(sender, "StUF:gebruiker", header.user, optional=True)
    receiver = _add(controls, "StUF:ontvanger")
    _add(receiver, "StUF:organisatie", header.receiver)
    _add(receiver, "StUF:applicatie", header.receiver_application)
    _add(controls, "StUF:referentienummer", header.reference)
    _add(controls, "StUF:tijdstipBericht", header.time)
    _add(controls, "StUF:functie", function)
    return root, _entity(root, "JZ:object", "ZAK")


def _add(
    parent: etree._Element, name: str, text: str = "", *, optional: bool = False, **attributes: str
) -> etree._Element:
    element = etree.Element(clark(name))
    if text:
        element.text = text
    for attribute, content in attributes.items():
        element.set(clark(attribute.replace("__", ":")), content)
    if text or not optional:
        parent.append(element)
    return element


def _entity(parent: etree._Element, name: str, entity: str) -> etree._Element:
    return _add(parent, name, StUF__entiteittype=entity)


def _add_extras(parent: etree._Element, extras: Sequence[tuple[str, str]]) -> None:
    if extras:
        holder = _add(parent, "StUF:extraElementen")
        for name, text in extras:
            _add(holder, "StUF:extraElement", text, naam=name)


def _add_case_type(case: etree._Element, name: str) -> None:
    _add(_entity(_entity(case, "ZKN:isVan", "ZAKZKT"), "ZKN:gerelateerde", "ZKT"), "ZKN:omschrijvingGeneriek", name)


def _add_other_case(case: etree._Element, number: str, case_type: str) -> None:
    relation = _entity(case, "ZKN:heeftBetrekkingOpAndere", "ZAKZAKBTR")
    if not number:
        relation.set(clark("xsi:nil"), "true")
        relation.set(clark("StUF:noValue"), "geenWaarde")
        return
    other = _entity(relation, "ZKN:gerelateerde", "ZAK")
    _add(other, "ZKN:identificatie", number)
    _add_case_type(other, case_type)


def _add_child(case: etree._Element, child: Child) -> None:
    relation = _entity(case, "ZKN:heeftBetrekkingOp", "ZAKOBJ")
    related = _entity(relation, "ZKN:gerelateerde", "OBJ")
    _add_person(related, child.person)
    _add(relation, "ZKN:omschrijving", UNBORN if child.unborn else CHILD)


def _add_person(related: etree._Element, person: Person) -> None:
    element = _entity(related, "ZKN:natuurlijkPersoon", "NPS")
    if person.key:
        element.set(clark("StUF:sleutelVerzendend"), person.key)
    for name, text in (
        ("inp.bsn", person.bsn),
        ("anp.identificatie", person.rni),
        ("geslachtsnaam", person.family),
        ("voorvoegselGeslachtsnaam", person.prefix),
        ("voorletters", person.initials),
        ("voornamen", person.given),
        ("geslachtsaanduiding", person.gender),
    ):
        _add(element, f"BG:{name}", text, optional=True)
    if person.birth:
        date = _add(element, "BG:geboortedatum", person.birth)
        if person.incomplete:
            date.set(clark("StUF:indOnvolledigeDatum"), person.incomplete)
    if person.unknown:
        date = _add(element, "BG:geboortedatum")
        date.set(clark("xsi:nil"), "true")
        date.set(clark("StUF:noValue"), "waardeOnbekend")
    if person.address is not None:
        address = _add(element, "BG:verblijfsadres")
        _add(address, "BG:wpl.woonplaatsNaam", person.address.city)
        _add(address, "BG:gor.openbareRuimteNaam", person.address.street)
        _add(address, "BG:aoa.postcode", person.address.postcode)
        _add(address, "BG:aoa.huisnummer", person.address.number)
    _add(element, "BG:sub.telefoonnummer", person.phone, optional=True)
    _add(element, "BG:sub.emailadres", person.email, optional=True)
    _add_extras(element, person.extras)


def _add_party(case: etree._Element, party: Party) -> None:
    relation = _entity(case, "ZKN:heeftAlsBelanghebbende", "ZAKBTRBLH")
    related = _entity(relation, "ZKN:gerelateerde", "BTR")
    if party.person is not None:
        _add_person(related, party.person)
    if party.establishment is not None:
        element = _entity(related, "ZKN:vestiging", "VES")
        _add(element, "BG:vestigingsNummer", party.establishment.number, optional=True)
        _add(element, "BG:handelsnaamVerkort", party.establishment.name)
        _add(element, "BG:sub.telefoonnummer", party.establishment.phone)
    row = packaged_roles().by_name(party.role)
    if party.with_code and row is not None:
        _add(relation, "ZKN:code", row.code)
    _add(relation, "ZKN:omschrijving", party.role)
    extras: list[tuple[str, str]] = []
    if party.informed is not None:
        extras.append(("indicatieGeinformeerd", "true" if party.informed else "false"))
    if party.reason:
        extras.append(("redenNietGeinformeerd", party.reason))
    extras.extend(("betreftKind", key) for key in party.over)
    _add_extras(relation, extras)


def _add_executor(case: etree._Element, executor: Executor) -> None:
    relation = _entity(case, "ZKN:heeftAlsUitvoerende", "ZAKBTRUTV")
    related = _entity(relation, "ZKN:gerelateerde", "BTR")
    employee = _entity(related, "ZKN:medewerker", "MDW")
    _add(employee, "ZKN:identificatie", executor.number, optional=True)
    _add(employee, "ZKN:achternaam", executor.family)
    _add(employee, "ZKN:voorletters", executor.initials, optional=True)
    _add(employee, "ZKN:functie", executor.function, optional=True)
    _add(employee, "ZKN:telefoonnummer", executor.phone, optional=True)
    _add(employee, "ZKN:emailadres", executor.email, optional=True)
    organisation = _entity(related, "ZKN:nietNatuurlijkPersoon", "NNP")
    _add(organisation, "BG:inn.nnpId", executor.rsin, optional=True)
    _add(organisation, "BG:statutaireNaam", executor.organisation)


def _add_attachment(case: etree._Element, attachment: Attachment) -> None:
    document = _entity(_entity(case, "ZKN:heeftRelevant", "ZAKEDC"), "ZKN:gerelateerde", "EDC")
    _add(document, "ZKN:identificatie", attachment.identifier)
    _add(document, "ZKN:dct.omschrijving", attachment.description)
    _add(document, "ZKN:creatiedatum", attachment.created)
    _add(document, "ZKN:titel", attachment.title, optional=True)
    content = _add(document, "ZKN:inhoud", base64.b64encode(attachment.data).decode())
    content.set(clark("StUF:bestandsnaam"), attachment.file_name)
    content.set(clark("xmime:contentType"), attachment.content_type)


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
