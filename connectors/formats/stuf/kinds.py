"""Kinds: for each entity of a message its frames and parts. This is the mapping table of the format.

    kind        entity                               profile
    header      stuurgegevens                        bericht
    request     object of a VTO                      verzoek
    status      object of a notification             status
    child       heeftBetrekkingOp                    jeugdige
    party       heeftAlsBelanghebbende               gezagsdrager, andere-persoon
    reporter    heeftAlsBelanghebbende, 391 and 392  melder
    colleague   heeftAlsBelanghebbende, 411 to 491   professional
    executor    heeftAlsUitvoerende                  professional
    document    heeftRelevant                        document, document-gezondheid
    decision    leidtTot                             besluit

Source: DOMAIN.md, sections 3, 4 and 7.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from connectors.formats.stuf.cases import (
    CASE_TYPE,
    GENERIC_TYPE,
    OTHER_CASE,
    OTHER_NUMBER,
    OTHER_TYPE,
    OWN_TYPE,
    STATUS_NAME,
    ReferencePart,
    SystemPart,
    TriggerPart,
    UnitPart,
    case_type_facts,
    case_type_value,
    other_case_facts,
    other_case_value,
    status_facts,
    status_value,
)
from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts, JSONObject, Leaf
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.names import (
    CONFIDENTIALITY_SYSTEM,
    DOCUMENT_TYPE_SYSTEM,
    EXTRAS,
    RESULT_SYSTEM,
    RSIN_SYSTEM,
)
from connectors.formats.stuf.parts import (
    ESTABLISHMENT,
    PERSON,
    RELATED,
    ChildPart,
    ConstantPart,
    Context,
    ExtraPart,
    LeafPart,
    Part,
    TogetherPart,
    UnknownExtraPart,
    boolean_extra,
)
from connectors.formats.stuf.people import (
    AddressPart,
    BirthPart,
    NamePaths,
    RolePart,
    establishment_facts,
    establishment_value,
    name_facts,
    name_value,
    organisation_facts,
    organisation_value,
)
from connectors.formats.stuf.values import (
    DATE,
    GENDER,
    LANGUAGE,
    MEDIA_TYPE,
    STRING,
    TIME,
    Codec,
    concept,
    contact,
    identifier,
    is_boolean,
    text_of,
)
from schemas.document import JSONValue
from schemas.identifiers import BSN_SYSTEM, RNI_SYSTEM

EMPLOYEE: Final = (*RELATED, "ZKN:medewerker")
LEGAL_PERSON: Final = (*RELATED, "ZKN:nietNatuurlijkPersoon")
SENDER_USER: Final = ("StUF:zender", "StUF:gebruiker")
DOCUMENT_CONTENT: Final = (*RELATED, "ZKN:inhoud")
DOCUMENT_TYPE: Final = (*RELATED, "ZKN:dct.omschrijving")


@dataclass(frozen=True, kw_only=True)
class ItemKind:
    """One kind of entity.

    Attributes:
        name: Its name.
        root: Name of the entity's element.
        frames: Paths of the elements around the leaves.
        place: On what its extra elements stand.
        parts: Its parts, in the order of the elements. Attributes of frames ride with the first element that is there.
        shared: Paths of leaves that several parts write to: an element and its attributes.
    """

    name: str
    root: str
    frames: tuple[Path, ...]
    place: Place | None
    parts: tuple[Part, ...]
    shared: tuple[Path, ...] = ()

    @cached_property
    def owners(self) -> dict[Path, Part]:
        """The part that owns each path."""
        return {path: part for part in self.parts for path in part.owned}

    @cached_property
    def frame_set(self) -> frozenset[Path]:
        """The frames, and the entity itself."""
        return frozenset(self.frames) | {()}

    def part_of_extra(self, meaning: Meaning | None) -> Part:
        """Return the part that takes an extra element of a meaning."""
        taking = [part for part in self.parts if _takes(part, meaning)]
        unknown = [part for part in self.parts if isinstance(part, UnknownExtraPart | _KeepingName)]
        return (taking or unknown[::-1])[0]

    def writes(self, element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the facts of a value by the first part that can write it, None if no part can."""
        for part in self.parts:
            if element in part.elements:
                facts = part.from_fhir(element, value, context)
                if facts is not None:
                    return facts
        return None


def _takes(part: Part, meaning: Meaning | None) -> bool:
    if isinstance(part, ExtraPart):
        return part.meaning is meaning
    if isinstance(part, ChildPart):
        return meaning is Meaning.OVER
    if isinstance(part, AddressPart):
        return meaning is Meaning.SECRET_ADDRESS
    return isinstance(part, TriggerPart) and meaning in {Meaning.MESSAGE_TYPE, Meaning.MESSAGE_TYPE_TEXT}


def _extra_frames(*frames: Path) -> tuple[Path, ...]:
    return tuple(path for frame in frames for path in ((frame, (*frame, EXTRAS)) if frame else ((EXTRAS,),)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeepingName(TogetherPart):
    """The name of somebody whose profile has no place for the rest: all that is left rides with the name."""


def _person_name(person: Path) -> NamePaths:
    return NamePaths(
        family=(*person, "BG:geslachtsnaam"),
        prefix=(*person, "BG:voorvoegselGeslachtsnaam"),
        initials=(*person, "BG:voorletters"),
        given=(*person, "BG:voornamen"),
    )


_NAME = _person_name(PERSON)
_EMPLOYEE_NAME = NamePaths(
    family=(*EMPLOYEE, "ZKN:achternaam"),
    prefix=(*EMPLOYEE, "ZKN:voorvoegselAchternaam"),
    initials=(*EMPLOYEE, "ZKN:voorletters"),
    called=(*EMPLOYEE, "ZKN:roepnaam"),
)


def _name_part(paths: NamePaths, *also: Path) -> TogetherPart:
    own = tuple(path for path in (paths.family, paths.prefix, paths.initials, paths.given, paths.called) if path)

    def make(facts: Facts) -> JSONObject:
        return name_value(facts, paths)

    def unmake(value: JSONValue, _context: Context) -> Facts | None:
        return name_facts(value, paths)

    return TogetherPart(name="name", owned=own + also, shown=own, make=make, unmake=unmake)


_BSN: Final = identifier(BSN_SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPart:
    """A BSN with the mark whether it is authentic, which rides along."""

    elements: tuple[str, ...] = ("identifier",)
    owned: tuple[Path, ...] = ((*PERSON, "BG:inp.bsn"), (*PERSON, "BG:authentiek"))
    single: bool = False

    def element(self, _group: Facts, _context: Context) -> str:
        """Return `identifier`."""
        return "identifier"

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return the Identifier."""
        return _BSN.encode(group.get(self.owned[0], Leaf()))

    def from_fhir(self, _element: str, value: JSONValue, _context: Context) -> Facts | None:
        """Return the number."""
        if not _BSN.holds(value):
            return None
        leaf = _BSN.decode(value)
        return {self.owned[0]: leaf} if leaf else {}

    def masked(self, _element: str, context: Context) -> Facts:
        """Return the number, nil where the table allows it."""
        return LeafPart(name="identifier", path=self.owned[0]).masked("identifier", context)


_IDENTIFIERS: Final[tuple[Part, ...]] = (
    NumberPart(),
    LeafPart(name="identifier", path=(*PERSON, "BG:anp.identificatie"), codec=identifier(RNI_SYSTEM)),
)
_GENDER = LeafPart(name="gender", path=(*PERSON, "BG:geslachtsaanduiding"), codec=GENDER)
_TELECOM: Final[tuple[Part, ...]] = (
    LeafPart(name="telecom", path=(*PERSON, "BG:sub.telefoonnummer"), codec=contact("phone")),
    LeafPart(name="telecom", path=(*PERSON, "BG:sub.emailadres"), codec=contact("email")),
)
_ESTABLISHMENT_PARTS: Final[tuple[Part, ...]] = (
    TogetherPart(
        name="organisation",
        owned=((*ESTABLISHMENT, "BG:vestigingsNummer"), (*ESTABLISHMENT, "BG:handelsnaamVerkort")),
        make=establishment_value,
        unmake=establishment_facts,
    ),
    LeafPart(name="telecom", path=(*ESTABLISHMENT, "BG:sub.telefoonnummer"), codec=contact("phone")),
    LeafPart(name="telecom", path=(*ESTABLISHMENT, "BG:sub.emailadres"), codec=contact("email")),
)
_PARTY_FRAMES: Final = (RELATED, (EXTRAS,), *_extra_frames(PERSON, ESTABLISHMENT))

HEADER: Final = ItemKind(
    name="header",
    root="JZ:stuurgegevens",
    frames=(("StUF:zender",), ("StUF:ontvanger",)),
    place=None,
    parts=(
        ReferencePart(),
        LeafPart(name="sentAt", path=("StUF:tijdstipBericht",), codec=TIME),
        SystemPart(name="senderSystem", system="StUF:zender", user=True),
        LeafPart(name="senderUser", path=SENDER_USER),
        SystemPart(name="recipientSystem", system="StUF:ontvanger", user=False),
        UnitPart(),
    ),
)

_OTHER_CASE_FRAMES: Final = (
    OTHER_CASE[:1],
    (*OTHER_CASE[:1], EXTRAS),
    OTHER_CASE,
    (*OTHER_CASE, EXTRAS),
    OTHER_TYPE[:3],
    (*OTHER_TYPE[:3], EXTRAS),
    OTHER_TYPE[:4],
)
_CASE_FRAMES: Final = ((EXTRAS,), CASE_TYPE[:1], (*CASE_TYPE[:1], EXTRAS), CASE_TYPE, *_OTHER_CASE_FRAMES)


def _other_case_part(name: str) -> TogetherPart:
    return TogetherPart(
        name=name,
        owned=(OTHER_NUMBER, OTHER_TYPE),
        shown=(OTHER_NUMBER,),
        make=other_case_value,
        unmake=other_case_facts,
    )


_PRIORITIES: Final = Codec(
    to=lambda leaf: "urgent" if leaf.text.casefold() in {"true", "j", "ja", "1"} else "routine",
    back=lambda value: (
        Leaf("true" if text_of(value) in {"urgent", "asap", "stat"} else "false") if text_of(value) else None
    ),
)

REQUEST: Final = ItemKind(
    name="request",
    root="JZ:object",
    frames=_CASE_FRAMES,
    place=Place.CASE,
    parts=(
        LeafPart(name="identifier", path=("ZKN:identificatie",), codec=identifier()),
        _other_case_part("relatedIdentifier"),
        LeafPart(name="authoredOn", path=("ZKN:registratiedatum",), codec=DATE),
        LeafPart(name="occurrence", path=("ZKN:startdatum",), codec=DATE),
        ExtraPart(name="priority", place=Place.CASE, meaning=Meaning.URGENT, codec=_PRIORITIES, readable=is_boolean),
        TogetherPart(
            name="code",
            owned=(OWN_TYPE, GENERIC_TYPE),
            make=case_type_value,
            unmake=case_type_facts,
        ),
        ExtraPart(
            name="requesterRole",
            place=Place.CASE,
            meaning=Meaning.REQUESTER_ROLE,
            codec=Codec(
                to=lambda leaf: {"text": leaf.text},
                back=lambda value: Leaf(str(value["text"])) if isinstance(value, dict) and value.get("text") else None,
            ),
        ),
        LeafPart(
            name="confidentiality",
            path=(*CASE_TYPE, "ZKN:vertrouwelijkAanduiding"),
            codec=concept(CONFIDENTIALITY_SYSTEM),
        ),
        LeafPart(name="reasonText", path=("ZKN:omschrijving",)),
        UnknownExtraPart(place=Place.CASE),
    ),
)

STATUS: Final = ItemKind(
    name="status",
    root="JZ:object",
    frames=(*_CASE_FRAMES, ("ZKN:resultaat",), STATUS_NAME[:1], STATUS_NAME[:2]),
    place=Place.CASE,
    parts=(
        TogetherPart(
            name="businessStatus",
            owned=(STATUS_NAME, GENERIC_TYPE),
            make=status_value,
            unmake=status_facts,
        ),
        LeafPart(name="date", path=("ZKN:heeft", "ZKN:datumStatusGezet"), codec=TIME),
        LeafPart(name="result", path=("ZKN:resultaat", "ZKN:omschrijving"), codec=concept(RESULT_SYSTEM)),
        LeafPart(name="reference", path=("ZKN:identificatie",), codec=identifier()),
        _other_case_part("relatedReference"),
        TriggerPart(),
        UnknownExtraPart(place=Place.CASE),
    ),
)

CHILD: Final = ItemKind(
    name="child",
    root="ZKN:heeftBetrekkingOp",
    frames=(RELATED, (EXTRAS,), *_extra_frames(PERSON)),
    place=Place.CHILD,
    parts=(
        *_IDENTIFIERS,
        ExtraPart(
            name="identifier",
            place=Place.CHILD,
            meaning=Meaning.RNI,
            frame=PERSON,
            codec=identifier(RNI_SYSTEM),
            holds=lambda value: isinstance(value, dict) and value.get("system") == RNI_SYSTEM,
        ),
        _name_part(_NAME),
        _GENDER,
        BirthPart(person=PERSON),
        AddressPart(person=PERSON, place=Place.CHILD, frame=PERSON),
        *_TELECOM,
        UnknownExtraPart(place=Place.CHILD),
    ),
)

PARTY: Final = ItemKind(
    name="party",
    root="ZKN:heeftAlsBelanghebbende",
    frames=_PARTY_FRAMES,
    place=Place.INTERESTED,
    parts=(
        *_IDENTIFIERS,
        _name_part(_NAME),
        _GENDER,
        LeafPart(name="birthDate", path=(*PERSON, "BG:geboortedatum"), codec=DATE),
        *_ESTABLISHMENT_PARTS,
        RolePart(name="relationship"),
        ChildPart(),
        boolean_extra("informed", Place.INTERESTED, Meaning.INFORMED),
        ExtraPart(name="notInformedReason", place=Place.INTERESTED, meaning=Meaning.NOT_INFORMED_REASON),
        *_TELECOM,
        AddressPart(person=PERSON, place=Place.INTERESTED, frame=PERSON),
        UnknownExtraPart(place=Place.INTERESTED),
    ),
)

_PRIVATE: Final = (
    (*PERSON, "BG:inp.bsn"),
    (*PERSON, "BG:authentiek"),
    (*PERSON, "BG:anp.identificatie"),
    (*PERSON, "BG:geslachtsaanduiding"),
    (*PERSON, "BG:geboortedatum"),
    (*PERSON, "BG:verblijfsadres"),
    (*PERSON, "BG:sub.verblijfBuitenland"),
)


def _keeping_name(*also: Path) -> _KeepingName:
    base = _name_part(_NAME)
    establishment = (*ESTABLISHMENT, "BG:handelsnaamVerkort")

    def make(facts: Facts) -> JSONObject:
        value = name_value(facts, _NAME)
        if establishment in facts and facts[establishment].text:
            value["text"] = facts[establishment].text
        return value

    def unmake(value: JSONValue, _context: Context) -> Facts | None:
        facts = name_facts(value, _NAME)
        if facts and isinstance(value, dict) and "family" not in value and "_family" not in value and "text" in value:
            facts[establishment] = facts.pop(_NAME.family)
        return facts

    return _KeepingName(name="name", owned=base.owned + _PRIVATE + also, shown=base.owned, make=make, unmake=unmake)


REPORTER: Final = ItemKind(
    name="reporter",
    root="ZKN:heeftAlsBelanghebbende",
    frames=_PARTY_FRAMES,
    place=Place.INTERESTED,
    parts=(
        _keeping_name(*(path for part in _ESTABLISHMENT_PARTS[:1] for path in part.owned)),
        RolePart(name="relationship"),
        *_TELECOM,
        *_ESTABLISHMENT_PARTS[1:],
    ),
)

COLLEAGUE: Final = ItemKind(
    name="colleague",
    root="ZKN:heeftAlsBelanghebbende",
    frames=_PARTY_FRAMES,
    place=Place.INTERESTED,
    parts=(
        ConstantPart(name="kind", value="betrokken"),
        _keeping_name(),
        RolePart(name="role"),
        *_ESTABLISHMENT_PARTS[:1],
        *_TELECOM,
        *_ESTABLISHMENT_PARTS[1:],
        UnknownExtraPart(place=Place.INTERESTED),
    ),
)


def _function_value(facts: Facts) -> JSONObject:
    text = facts.get((*EMPLOYEE, "ZKN:functie"), Leaf()).text or facts.get(("ZKN:omschrijving",), Leaf()).text
    return {"text": text} if text else {}


def _function_facts(value: JSONValue, _context: Context) -> Facts | None:
    text = value.get("text") if isinstance(value, dict) else None
    return {(*EMPLOYEE, "ZKN:functie"): Leaf(text)} if isinstance(text, str) and text else {}


def _legal_person_value(facts: Facts) -> JSONObject:
    return organisation_value(facts, (*LEGAL_PERSON, "BG:statutaireNaam"), (*LEGAL_PERSON, "BG:inn.nnpId"), RSIN_SYSTEM)


def _legal_person_facts(value: JSONValue, _context: Context) -> Facts | None:
    return organisation_facts(value, (*LEGAL_PERSON, "BG:statutaireNaam"), (*LEGAL_PERSON, "BG:inn.nnpId"))


EXECUTOR: Final = ItemKind(
    name="executor",
    root="ZKN:heeftAlsUitvoerende",
    frames=(RELATED, EMPLOYEE, LEGAL_PERSON, (EXTRAS,)),
    place=Place.EXECUTOR,
    parts=(
        ConstantPart(name="kind", value="uitvoerend"),
        LeafPart(name="employeeNumber", path=(*EMPLOYEE, "ZKN:identificatie")),
        _name_part(_EMPLOYEE_NAME, (*EMPLOYEE, "ZKN:geslachtsaanduiding")),
        TogetherPart(
            name="role",
            owned=((*EMPLOYEE, "ZKN:functie"), ("ZKN:omschrijving",)),
            make=_function_value,
            unmake=_function_facts,
        ),
        TogetherPart(
            name="organisation",
            owned=((*LEGAL_PERSON, "BG:inn.nnpId"), (*LEGAL_PERSON, "BG:statutaireNaam")),
            make=_legal_person_value,
            unmake=_legal_person_facts,
        ),
        LeafPart(name="telecom", path=(*EMPLOYEE, "ZKN:telefoonnummer"), codec=contact("phone")),
        LeafPart(name="telecom", path=(*EMPLOYEE, "ZKN:emailadres"), codec=contact("email")),
        UnknownExtraPart(place=Place.EXECUTOR),
    ),
)


def _first(name: str, codec: Codec, path: Path, *also: Path) -> TogetherPart:
    """Return the part of a leaf with which others ride that FHIR has no place for."""

    def make(facts: Facts) -> JSONValue:
        return codec.encode(facts.get(path, Leaf()))

    def unmake(value: JSONValue, _context: Context) -> Facts | None:
        leaf = codec.decode(value)
        return {path: leaf} if leaf else {}

    return TogetherPart(name=name, owned=(path, *also), make=make, unmake=unmake)


DOCUMENT: Final = ItemKind(
    name="document",
    root="ZKN:heeftRelevant",
    frames=(RELATED, (EXTRAS,)),
    shared=(DOCUMENT_CONTENT,),
    place=Place.DOCUMENT,
    parts=(
        LeafPart(name="identifier", path=(*RELATED, "ZKN:identificatie"), codec=identifier()),
        _first("description", concept(DOCUMENT_TYPE_SYSTEM), DOCUMENT_TYPE, (*RELATED, "ZKN:dct.omschrijvingGeneriek")),
        LeafPart(name="title", path=(*RELATED, "ZKN:titel")),
        LeafPart(name="fileName", path=(*DOCUMENT_CONTENT, "@StUF:bestandsnaam")),
        LeafPart(name="language", path=(*RELATED, "ZKN:taal"), codec=LANGUAGE),
        LeafPart(name="status", path=(*RELATED, "ZKN:status")),
        LeafPart(name="created", path=(*RELATED, "ZKN:creatiedatum"), codec=DATE),
        LeafPart(name="author", path=(*RELATED, "ZKN:auteur")),
        LeafPart(
            name="confidentiality",
            path=(*RELATED, "ZKN:vertrouwelijkAanduiding"),
            codec=concept(CONFIDENTIALITY_SYSTEM),
        ),
        LeafPart(name="contentType", path=(*DOCUMENT_CONTENT, "@xmime:contentType"), codec=MEDIA_TYPE),
        _first("data", STRING, DOCUMENT_CONTENT, (*RELATED, "ZKN:link")),
        UnknownExtraPart(place=Place.DOCUMENT),
    ),
)

DECISION: Final = ItemKind(
    name="decision",
    root="ZKN:leidtTot",
    frames=(RELATED, (*RELATED, EXTRAS)),
    place=Place.DECISION,
    parts=(
        LeafPart(name="decided", path=(*RELATED, "ZKN:datumBeslissing"), codec=DATE),
        LeafPart(name="effective", path=(*RELATED, "ZKN:ingangsdatumWerking"), codec=DATE),
        LeafPart(name="ends", path=(*RELATED, "ZKN:einddatumWerking"), codec=DATE),
        LeafPart(name="note", path=(*RELATED, "ZKN:toelichting")),
        UnknownExtraPart(place=Place.DECISION),
    ),
)

KINDS: Final = (HEADER, REQUEST, STATUS, CHILD, PARTY, REPORTER, COLLEAGUE, EXECUTOR, DOCUMENT, DECISION)
