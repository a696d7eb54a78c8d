"""Kinds of people: child, party, reporter, colleague, executor. See `kinds` for the whole table."""

from dataclasses import dataclass
from typing import Final

from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts, JSONObject, Leaf
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.item_kind import ItemKind, KeepingName, extra_frames
from connectors.formats.stuf.names import (
    EXTRAS,
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
    contact,
    identifier,
)
from schemas.document import JSONValue
from schemas.identifiers import BSN_SYSTEM, RNI_SYSTEM

EMPLOYEE: Final = (*RELATED, "ZKN:medewerker")
LEGAL_PERSON: Final = (*RELATED, "ZKN:nietNatuurlijkPersoon")


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
_PARTY_FRAMES: Final = (RELATED, (EXTRAS,), *extra_frames(PERSON, ESTABLISHMENT))

CHILD: Final = ItemKind(
    name="child",
    root="ZKN:heeftBetrekkingOp",
    frames=(RELATED, (EXTRAS,), *extra_frames(PERSON)),
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


def _keeping_name(*also: Path) -> KeepingName:
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

    return KeepingName(name="name", owned=base.owned + _PRIVATE + also, shown=base.owned, make=make, unmake=unmake)


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
