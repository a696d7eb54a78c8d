"""The message tables: every element of `vtoDi01` and `notificatieDi01`, with occurrence, type and attributes.

Source: StUF-koppelvlak Jeugdzorg 1.0.9, schema set `jrberichten` of 2025-10-13.
"""

from typing import Final

from connectors.formats.stuf.grammar import (
    ENTITY_ATTRIBUTES,
    PERSON,
    PLAIN_OBJECT,
    SYNCHRONISED,
    Element,
    EntityForm,
    Kind,
    SimpleType,
    choice,
    entity,
    group,
    metadata,
    plain,
    sequence,
    value,
)
from connectors.formats.stuf.names import CONTENT_TYPE, EXTRA, EXTRA_NAME, EXTRAS, FILE_NAME, INCOMPLETE, NO_VALUE


def _text(name: str, longest: int, shortest: int = 0) -> SimpleType:
    return SimpleType(name=name, length_max=longest, length_min=shortest)


def _list(name: str, *values: str) -> SimpleType:
    return SimpleType(name=name, values=values)


def _form(name: str, pattern: str) -> SimpleType:
    return SimpleType(name=name, pattern=pattern)


DATE: Final = SimpleType(name="Datum", kind=Kind.DATE)
TIME: Final = SimpleType(name="Tijdstip", kind=Kind.TIME)
BASE64: Final = SimpleType(name="BinaireInhoud-vto", kind=Kind.BASE64)
FREE: Final = SimpleType(name="string")
CHILD: Final = "Client (kind)"
UNBORN: Final = "Client (ongeboren kind)"
DOCUMENT_REQUEST: Final = "Verzoek tot onderzoek RvdK"
DOCUMENT_HISTORY: Final = "Gezinsgeschiedenis"
DOCUMENT_DIAGNOSTIC: Final = "Diagnostisch onderzoek"
DOCUMENT_CARE: Final = "Hulpverleningsrapportage"
CASE_TYPE_GEMEENTE: Final = "Overwegen kinderbeschermingsmaatregel"
CASE_TYPE_RAAD: Final = "Uitvoeren onderzoek kinderbeschermingsmaatregel"
ROLE_NOTIFICATION: Final = "ouder, gezag niet benoemd"

_ORGANISATION = _text("Organisatie", 200)
_APPLICATION = _text("Applicatie", 50, 3)
_ADMINISTRATION = _text("Administratie", 50)
_USER = _text("Gebruiker", 100)
_REFERENCE = _text("Refnummer", 40)
_CASE_ID = _text("ZaakIdentificatie", 40, 5)
_DESCRIPTION = _text("Omschrijving", 80)
_CONFIDENTIALITY = _list(
    "VertrouwelijkAanduiding",
    "ZEER GEHEIM",
    "GEHEIM",
    "CONFIDENTIEEL",
    "VERTROUWELIJK",
    "ZAAKVERTROUWELIJK",
    "INTERN",
    "BEPERKT OPENBAAR",
    "OPENBAAR",
)
_BSN = _form("BSN", "[0-9]{9}")
_RNI = _form("IdentificatieRPSBTL", "[0-9]{17}")
_INDICATION = _list("Indicatie", "J", "N")
_FAMILY = _text("Geslachtsnaam", 200)
_FAMILY_PREFIX = _text("VoorvoegselGeslachtsnaam", 10)
_INITIALS = _text("Voorletters", 20)
_GIVEN = _text("Voornamen", 200)
_GENDER = _list("Geslachtsaanduiding", "M", "V", "O")
_PHONE = _text("Telefoonnummer", 20)
_EMAIL = _text("Emailadres", 254)
_PERSON_EMAIL = _text("Emailadres-r", 150)
_OBJECT_NUMBER = _text("ObjectNummering", 16, 16)
_PLACE = _text("WoonplaatsNaam", 80)
_PLACE_CODE = _form("WoonplaatsCodering", "0*[0-9]{1,4}")
_SPACE_NAME = _text("NaamgevingObject", 80)
_STREET = _text("Straatnaam", 24)
_POSTCODE = _form("Postcode", "[1-9][0-9]{3}[A-Z]{0,2}")
_HOUSE = _form("Huisnummering", "0*[1-9][0-9]{0,4}")
_HOUSE_LETTER = _form("Huislettering", "[a-zA-Z]")
_HOUSE_ADDITION = _form("Huisnummertoevoeging", "[a-zA-Z0-9]{0,4}")
_LOCATION = _text("Locatiebeschrijving", 35)
_COUNTRY_CODE = _form("Landcode", "[0-9]{1,4}")
_COUNTRY = _text("Landnaam", 40)
_FOREIGN_LINE = _text("AdresBuitenland", 35)

ROLES: Final = (
    "broer of zus",
    "contactpersoon",
    "grootouder",
    "halfbroer of -zus",
    "hulpverlener",
    "informant",
    "jeugdige",
    "kind",
    "melder",
    "onderwijsgevende",
    "opvoeder/verzorger",
    "ouder met gezag",
    "ouder zonder gezag",
    ROLE_NOTIFICATION,
    "ouder, niet juridisch",
    "overige professional",
    "overige verwant",
    "pleegbroer of -zus",
    "pleegouder",
    "stiefbroer of -zus",
    "stiefouder",
    "verpleegkundige, arts of medisch specialist",
    "voogd",
)
STATUSES: Final = ("Intake afgerond", "Onderzoek afgerond", "Zaak afgerond")
RESULTS: Final = (
    "Verzoek tot onderzoek afgewezen",
    "Geen rekest Kinderbescherming",
    "Maatregel opgelegd",
    "Geen maatregel opgelegd",
)
DOCUMENTS: Final = (DOCUMENT_REQUEST, DOCUMENT_HISTORY, DOCUMENT_DIAGNOSTIC, DOCUMENT_CARE)


def _extras(card: str = "0..1") -> Element:
    extra = Element(
        name=EXTRA,
        maximum=None,
        nillable=True,
        type=FREE,
        attributes=frozenset({NO_VALUE, "StUF:exact", EXTRA_NAME, INCOMPLETE}),
        required=frozenset({EXTRA_NAME}),
    )
    return group(EXTRAS, extra, card=card)


def _system(name: str) -> Element:
    return group(
        name,
        plain("StUF:organisatie", _ORGANISATION),
        plain("StUF:applicatie", _APPLICATION),
        plain("StUF:administratie", _ADMINISTRATION, "0..1"),
        plain("StUF:gebruiker", _USER, "0..1"),
    )


def _header(function: str) -> Element:
    return group(
        "JZ:stuurgegevens",
        plain("StUF:berichtcode", _list("BerichtcodeDi01", "Di01")),
        _system("StUF:zender"),
        _system("StUF:ontvanger"),
        plain("StUF:referentienummer", _REFERENCE),
        plain("StUF:tijdstipBericht", TIME),
        plain("StUF:functie", _list(f"Functie-{function}", function)),
    )


_SHORT_ADDRESS = group(
    "BG:verblijfsadres",
    sequence(
        value("BG:aoa.identificatie", _OBJECT_NUMBER),
        metadata("BG:authentiek", _INDICATION, default="N"),
        value("BG:wpl.woonplaatsNaam", _PLACE),
        value("BG:gor.openbareRuimteNaam", _SPACE_NAME),
        value("BG:gor.straatnaam", _STREET),
        value("BG:aoa.postcode", _POSTCODE),
        value("BG:aoa.huisnummer", _HOUSE),
        value("BG:aoa.huisletter", _HOUSE_LETTER),
        value("BG:aoa.huisnummertoevoeging", _HOUSE_ADDITION),
        value("BG:inp.locatiebeschrijving", _LOCATION),
    ),
    card="0..1",
)

_ADDRESS = group(
    "BG:verblijfsadres",
    sequence(
        value("BG:aoa.identificatie", _OBJECT_NUMBER),
        metadata("BG:authentiek", _INDICATION, default="N"),
        value("BG:wpl.identificatie", _PLACE_CODE),
        value("BG:wpl.woonplaatsNaam", _PLACE),
        group(
            "BG:aoa.woonplaatsWaarinGelegen",
            sequence(value("BG:wpl.identificatie", _PLACE_CODE), value("BG:wpl.woonplaatsNaam", _SPACE_NAME)),
            card="0..1",
        ),
        value("BG:gor.identificatie", _OBJECT_NUMBER),
        value("BG:opr.identificatie", _OBJECT_NUMBER),
        value("BG:gor.openbareRuimteNaam", _SPACE_NAME),
        value("BG:gor.straatnaam", _STREET),
        value("BG:aoa.postcode", _POSTCODE),
        value("BG:aoa.huisnummer", _HOUSE),
        value("BG:aoa.huisletter", _HOUSE_LETTER),
        value("BG:aoa.huisnummertoevoeging", _HOUSE_ADDITION),
        value("BG:inp.locatiebeschrijving", _LOCATION),
        value("BG:begindatumVerblijf", DATE),
    ),
    card="0..1",
)

_FOREIGN_ADDRESS = group(
    "BG:sub.verblijfBuitenland",
    value("BG:lnd.landcode", _COUNTRY_CODE),
    value("BG:lnd.landnaam", _COUNTRY),
    value("BG:sub.adresBuitenland1", _FOREIGN_LINE),
    value("BG:sub.adresBuitenland2", _FOREIGN_LINE),
    value("BG:sub.adresBuitenland3", _FOREIGN_LINE),
    card="0..1",
)

_NAME = (
    value("BG:voorvoegselGeslachtsnaam", _FAMILY_PREFIX),
    value("BG:voorletters", _INITIALS),
    value("BG:voornamen", _GIVEN),
    value("BG:geslachtsaanduiding", _GENDER),
    value("BG:geboortedatum", DATE),
)
_TELECOM = (value("BG:sub.telefoonnummer", _PHONE), value("BG:sub.emailadres", _PERSON_EMAIL))

_PARTY = entity(
    "ZKN:natuurlijkPersoon",
    EntityForm(entity="NPS", attributes=ENTITY_ATTRIBUTES, nil=False, is_open=True),
    choice(
        sequence(value("BG:inp.bsn", _BSN, "1"), metadata("BG:authentiek", _INDICATION, default="N")),
        value("BG:anp.identificatie", _RNI, "1"),
        maximum=2,
    ),
    value("BG:geslachtsnaam", _FAMILY, "1"),
    *_NAME,
    choice(_ADDRESS, _FOREIGN_ADDRESS, maximum=2),
    *_TELECOM,
    _extras(),
)

_ESTABLISHMENT = entity(
    "ZKN:vestiging",
    EntityForm(entity="VES", attributes=ENTITY_ATTRIBUTES, nil=False),
    value("BG:vestigingsNummer", _text("VestigingsNummer", 12, 12)),
    value("BG:handelsnaamVerkort", _text("HandelsnaamVerkort", 45), "1"),
    value("BG:sub.telefoonnummer", _PHONE, "1"),
    value("BG:sub.emailadres", _PERSON_EMAIL),
    _extras(),
)

_CHILD_VTO = entity(
    "ZKN:natuurlijkPersoon",
    EntityForm(entity="NPS", attributes=PERSON),
    choice(
        sequence(value("BG:inp.bsn", _BSN), metadata("BG:authentiek", _INDICATION)),
        value("BG:anp.identificatie", _RNI),
        maximum=2,
    ),
    value("BG:geslachtsnaam", _FAMILY),
    *_NAME,
    _SHORT_ADDRESS,
    *_TELECOM,
    _extras(),
)

_CHILD_NOTIFICATION = entity(
    "ZKN:natuurlijkPersoon",
    EntityForm(entity="NPS", attributes=PERSON),
    sequence(value("BG:inp.bsn", _BSN)),
    value("BG:geslachtsnaam", _FAMILY),
    *_NAME,
    _SHORT_ADDRESS,
    _extras(),
)


def _children(person: Element, card: str, most: int) -> Element:
    people = choice(choice(person, maximum=most)) if most > 1 else choice(person)
    return entity(
        "ZKN:heeftBetrekkingOp",
        EntityForm(entity="ZAKOBJ", card=card),
        entity("ZKN:gerelateerde", EntityForm(entity="OBJ", attributes=PLAIN_OBJECT), people),
        value("ZKN:omschrijving", _list("Omschrijving-client", CHILD, UNBORN), "1"),
        _extras(),
    )


def _interested(card: str, roles: SimpleType, *parties: Element) -> Element:
    return entity(
        "ZKN:heeftAlsBelanghebbende",
        EntityForm(entity="ZAKBTRBLH", card=card),
        entity("ZKN:gerelateerde", EntityForm(entity="BTR", attributes=PLAIN_OBJECT), choice(choice(*parties))),
        value("ZKN:code", _text("Code", 10)),
        value("ZKN:omschrijving", roles, "1"),
        _extras(),
    )


def _case_type(*content: Element) -> Element:
    form = EntityForm(entity="ZKT", attributes=ENTITY_ATTRIBUTES)
    return entity("ZKN:isVan", EntityForm(entity="ZAKZKT"), entity("ZKN:gerelateerde", form, *content), _extras())


def _other_case(card: str, case_type: Element) -> Element:
    return entity(
        "ZKN:heeftBetrekkingOpAndere",
        EntityForm(entity="ZAKZAKBTR", card=card),
        entity(
            "ZKN:gerelateerde",
            EntityForm(entity="ZAK", attributes=SYNCHRONISED),
            value("ZKN:identificatie", _CASE_ID),
            _extras(),
            _case_type(case_type),
        ),
        _extras(),
    )


_GEMEENTE_TYPE = _list("Omschrijving-zkt-gemeente", CASE_TYPE_GEMEENTE)
_RAAD_TYPE = _list("Omschrijving-zkt-rvdk", CASE_TYPE_RAAD)

_EMPLOYEE = entity(
    "ZKN:medewerker",
    EntityForm(entity="MDW", attributes=ENTITY_ATTRIBUTES),
    value("ZKN:identificatie", _text("Identificatie", 24)),
    value("ZKN:achternaam", _FAMILY, "1"),
    value("ZKN:voorletters", _INITIALS),
    value("ZKN:voorvoegselAchternaam", _FAMILY_PREFIX),
    value("ZKN:roepnaam", _text("RoepnaamMDW", 30)),
    value("ZKN:geslachtsaanduiding", _GENDER),
    value("ZKN:functie", _text("FunctieMDW", 50)),
    value("ZKN:telefoonnummer", _PHONE),
    value("ZKN:emailadres", _EMAIL),
)

_LEGAL_PERSON = entity(
    "ZKN:nietNatuurlijkPersoon",
    EntityForm(entity="NNP", attributes=ENTITY_ATTRIBUTES, is_open=True),
    value("BG:inn.nnpId", _BSN),
    value("BG:statutaireNaam", _text("StatutaireNaam", 500), "1"),
)

_EXECUTOR = entity(
    "ZKN:heeftAlsUitvoerende",
    EntityForm(entity="ZAKBTRUTV"),
    entity(
        "ZKN:gerelateerde",
        EntityForm(entity="BTR", attributes=PLAIN_OBJECT),
        choice(choice(_EMPLOYEE, _LEGAL_PERSON, minimum=2, maximum=2)),
    ),
    value("ZKN:omschrijving", _DESCRIPTION),
    _extras(),
)

_CONTENT = Element(
    name="ZKN:inhoud", type=BASE64, attributes=frozenset({FILE_NAME, CONTENT_TYPE}), required=frozenset({FILE_NAME})
)

_DOCUMENT = entity(
    "ZKN:heeftRelevant",
    EntityForm(entity="ZAKEDC", card="1..*"),
    entity(
        "ZKN:gerelateerde",
        EntityForm(entity="EDC", attributes=ENTITY_ATTRIBUTES),
        value("ZKN:identificatie", _text("DocumentIdentificatie", 40), "1"),
        value("ZKN:dct.omschrijving", _list("Omschrijving-dct-vto", *DOCUMENTS), "1"),
        value("ZKN:dct.omschrijvingGeneriek", _DESCRIPTION, nil=False),
        value("ZKN:creatiedatum", DATE, "1"),
        value("ZKN:titel", _text("DocumentTitel", 200)),
        value("ZKN:taal", _text("DocumentTaal", 20)),
        value("ZKN:status", _text("DocumentStatus", 20)),
        value("ZKN:vertrouwelijkAanduiding", _CONFIDENTIALITY),
        value("ZKN:auteur", _text("DocumentAuteur", 200)),
        value("ZKN:link", _text("Url", 200)),
        _CONTENT,
    ),
    _extras(),
)

VTO: Final = group(
    "JZ:vtoDi01",
    _header("vtoDi01"),
    entity(
        "JZ:object",
        EntityForm(entity="ZAK", attributes=SYNCHRONISED, nil=False),
        value("ZKN:identificatie", _CASE_ID, "1"),
        value("ZKN:omschrijving", _DESCRIPTION),
        value("ZKN:startdatum", DATE, "1"),
        value("ZKN:registratiedatum", DATE, "1"),
        _extras("1"),
        _case_type(
            value("ZKN:omschrijving", _DESCRIPTION),
            value("ZKN:omschrijvingGeneriek", _GEMEENTE_TYPE, "1"),
            value("ZKN:vertrouwelijkAanduiding", _CONFIDENTIALITY),
        ),
        _children(_CHILD_VTO, "1..*", 31),
        _interested("1..*", _list("Omschrijving-blh", *ROLES), _PARTY, _ESTABLISHMENT),
        _EXECUTOR,
        _other_case("1", value("ZKN:omschrijvingGeneriek", _RAAD_TYPE, "1")),
        _DOCUMENT,
    ),
)

NOTIFICATION: Final = group(
    "JZ:notificatieDi01",
    _header("notificatieDi01"),
    entity(
        "JZ:object",
        EntityForm(entity="ZAK", attributes=SYNCHRONISED, nil=False),
        value("ZKN:identificatie", _CASE_ID, "0..1", nil=False),
        group(
            "ZKN:resultaat",
            value("ZKN:omschrijving", _list("Omschrijving-resultaat-notificatie", *RESULTS), "1", nil=True),
            card="0..1",
            nil=True,
        ),
        _extras(),
        _case_type(value("ZKN:omschrijvingGeneriek", _RAAD_TYPE, "1")),
        _children(_CHILD_NOTIFICATION, "1", 1),
        _interested("0..1", _list("Omschrijving-blh-notificatie", ROLE_NOTIFICATION), _PARTY),
        _other_case("0..1", value("ZKN:omschrijvingGeneriek", _GEMEENTE_TYPE, "1", nil=True)),
        entity(
            "ZKN:heeft",
            EntityForm(entity="ZAKSTT", attributes=ENTITY_ATTRIBUTES),
            entity(
                "ZKN:gerelateerde",
                EntityForm(entity="STT", attributes=ENTITY_ATTRIBUTES, nil=False),
                value("ZKN:omschrijving", _list("Omschrijving-stt", *STATUSES), "1"),
            ),
            value("ZKN:datumStatusGezet", TIME, "1"),
        ),
        entity(
            "ZKN:leidtTot",
            EntityForm(entity="ZAKBSL", card="0..*"),
            entity(
                "ZKN:gerelateerde",
                EntityForm(entity="BSL", attributes=ENTITY_ATTRIBUTES),
                value("ZKN:datumBeslissing", DATE, "1"),
                value("ZKN:toelichting", _text("Toelichting", 1000), "1"),
                value("ZKN:ingangsdatumWerking", DATE),
                value("ZKN:einddatumWerking", DATE),
                _extras(),
            ),
        ),
    ),
)

MESSAGES: Final = {VTO.name: VTO, NOTIFICATION.name: NOTIFICATION}
