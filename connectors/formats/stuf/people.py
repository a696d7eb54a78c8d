"""Names, addresses, birth, role, institution: the composite values of a person, and their way back.

Names and addresses follow the Dutch FHIR profiles (nl-core): prefix and name proper are extensions of the family
name, given names and initials are told apart by a qualifier, parts of a street line are extensions of the line.

Source: HL7 FHIR R4B, HumanName and Address; Nictiz nl-core-HumanName and nl-core-AddressInformation.
"""

from dataclasses import dataclass
from typing import Final

from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts, JSONObject, Leaf, extensions_of, nil_leaf, string_extension, string_of
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.messages import CHILD, UNBORN
from connectors.formats.stuf.names import (
    ESTABLISHMENT_SYSTEM,
    EXTRA,
    EXTRAS,
    HOUSE_NUMBER_EXTENSION,
    OWN_NAME_EXTENSION,
    OWN_PREFIX_EXTENSION,
    QUALIFIER_EXTENSION,
    ROLE_SYSTEM,
    STREET_EXTENSION,
    SUFFIX_EXTENSION,
    UNIT_EXTENSION,
)
from connectors.formats.stuf.parts import ESTABLISHMENT, Context, mask, with_name
from connectors.formats.stuf.values import DATE, FALSE, UNKNOWN, absent, coding_of, get, no_value_of, put
from schemas.document import JSONValue

GIVEN, INITIALS, CALLED = "BR", "IN", "CL"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePaths:
    """Where the parts of a name stand; empty for a part that the entity does not have."""

    family: Path
    prefix: Path
    initials: Path
    given: Path = ()
    called: Path = ()


def name_value(facts: Facts, paths: NamePaths) -> JSONObject:
    """Return a HumanName. What has no place in it is left to ride along."""
    name: JSONObject = {}
    family, prefix = facts.get(paths.family, Leaf()), facts.get(paths.prefix, Leaf())
    if family.text:
        name["family"] = f"{prefix.text} {family.text}" if prefix.text else family.text
        if prefix.text:
            name["_family"] = {
                "extension": [
                    string_extension(OWN_PREFIX_EXTENSION, prefix.text),
                    string_extension(OWN_NAME_EXTENSION, family.text),
                ]
            }
    elif family.nil:
        name["_family"] = absent(family.no_value)
    texts: list[JSONValue] = []
    notes: list[JSONValue] = []
    for path, qualifier in ((paths.given, GIVEN), (paths.initials, INITIALS), (paths.called, CALLED)):
        leaf = facts.get(path)
        if path and leaf is not None and leaf.text:
            texts.append(leaf.text)
            notes.append({"extension": [{"url": QUALIFIER_EXTENSION, "valueCode": qualifier}]})
    if texts:
        name |= {"given": texts, "_given": notes}
    return name


def name_facts(value: JSONValue, paths: NamePaths) -> Facts | None:
    """Return the facts of a HumanName."""
    if not isinstance(value, dict):
        return None
    facts: Facts = {}
    family = get(value, "family")
    notes = value.get("_family")
    own = next((string_of(known) for known in extensions_of(notes, OWN_NAME_EXTENSION)), None)
    prefix = next((string_of(known) for known in extensions_of(notes, OWN_PREFIX_EXTENSION)), None)
    text = value.get("text")
    if family is None and isinstance(text, str) and text:
        family = Leaf(text)
    if family is not None:
        facts[paths.family] = Leaf(own) if own else family
    if prefix:
        facts[paths.prefix] = Leaf(prefix)
    given: dict[str, list[str]] = {}
    names, qualifiers = value.get("given"), value.get("_given")
    for index, part in enumerate(names if isinstance(names, list) else []):
        if isinstance(part, str):
            given.setdefault(_qualifier(qualifiers, index), []).append(part)
    for qualifier, path in ((GIVEN, paths.given), (INITIALS, paths.initials), (CALLED, paths.called)):
        if path and qualifier in given:
            facts[path] = Leaf(" ".join(given[qualifier]))
    return facts


def _qualifier(qualifiers: JSONValue, index: int) -> str:
    if isinstance(qualifiers, list) and index < len(qualifiers):
        for extension in extensions_of(qualifiers[index], QUALIFIER_EXTENSION):
            return str(extension.get("valueCode"))
    return GIVEN


_HOME: Final = "BG:verblijfsadres"
_ABROAD: Final = "BG:sub.verblijfBuitenland"
_ABROAD_LINES: Final = ("BG:sub.adresBuitenland1", "BG:sub.adresBuitenland2", "BG:sub.adresBuitenland3")
_LINE_PARTS: Final = (
    ("BG:gor.openbareRuimteNaam", STREET_EXTENSION),
    ("BG:aoa.huisnummer", HOUSE_NUMBER_EXTENSION),
    ("BG:aoa.huisletter", SUFFIX_EXTENSION),
    ("BG:aoa.huisnummertoevoeging", SUFFIX_EXTENSION),
    ("BG:inp.locatiebeschrijving", UNIT_EXTENSION),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPart:
    """`address`, or `secretAddress` where the person's address is secret: one value for each address.

    The mark of secrecy is an extra element of the person. It belongs to the first address; a mark without an address
    still makes the element, for that there is a secret is known.

    Attributes:
        person: Path of the person.
        place: On what the mark stands.
        frame: Where the mark is written.
    """

    person: Path
    place: Place
    frame: Path
    elements: tuple[str, ...] = ("address", "secretAddress")
    single: bool = False

    @property
    def owned(self) -> tuple[Path, ...]:
        """Both forms of address, each with everything in it."""
        return ((*self.person, _HOME), (*self.person, _ABROAD))

    def element(self, group: Facts, context: Context) -> str:
        """Return `secretAddress` if the mark in this group says so; the reader asks once for all groups of a person."""
        return "secretAddress" if is_secret(group, self.place, context) else "address"

    def to_fhir(self, group: Facts, _context: Context) -> JSONValue:
        """Return an Address."""
        if any((*self.person, _ABROAD) == path[: len(self.person) + 1] for path in group):
            return _abroad_value(group, (*self.person, _ABROAD))
        return _home_value(group, (*self.person, _HOME))

    def from_fhir(self, element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return the facts of an Address, abroad if it names a country other than the Netherlands."""
        if not isinstance(value, dict):
            return None
        country = value.get("country")
        abroad = isinstance(country, str) and country != _NETHERLANDS
        facts = _abroad_facts(value, (*self.person, _ABROAD)) if abroad else _home_facts(value, (*self.person, _HOME))
        name = context.conventions.name(self.place, Meaning.SECRET_ADDRESS)
        if element == "secretAddress" and name:
            facts[*self.frame, EXTRAS, EXTRA] = with_name(Leaf("true"), name)
        return facts

    def masked(self, _element: str, context: Context) -> Facts:
        """Return the parts that say where somebody lives, nil."""
        home = (*self.person, _HOME)
        names = ("BG:wpl.woonplaatsNaam", "BG:gor.openbareRuimteNaam", "BG:aoa.postcode", "BG:aoa.huisnummer")
        return mask(tuple((*home, name) for name in names), context)


_NETHERLANDS: Final = "NL"


def is_secret(group: Facts, place: Place, context: Context) -> bool:
    """Whether a mark among these facts says that the address is secret; a mark nobody can read counts as yes."""
    return any(
        leaf.text.casefold() not in FALSE
        for leaf in group.values()
        if context.conventions.meaning(place, leaf.attributes.get("naam", "")) is Meaning.SECRET_ADDRESS
    )


def _home_value(facts: Facts, home: Path) -> JSONObject:
    def leaf(name: str) -> Leaf:
        return facts.get((*home, name), Leaf())

    address: JSONObject = {}
    notes: list[JSONValue] = []
    shown: list[str] = []
    for name, url in _LINE_PARTS:
        text = leaf(name).text or (leaf("BG:gor.straatnaam").text if url == STREET_EXTENSION else "")
        if text:
            notes.append(string_extension(url, text))
            shown.append(text)
    if shown:
        address |= {"line": [" ".join(shown)], "_line": [{"extension": notes}]}
    place = leaf("BG:wpl.woonplaatsNaam")
    put(address, "city", place)
    put(address, "postalCode", leaf("BG:aoa.postcode"))
    if address:
        address["country"] = _NETHERLANDS
    since = DATE.encode(leaf("BG:begindatumVerblijf"))
    if isinstance(since, str):
        address["period"] = {"start": since}
    return address


def _home_facts(value: JSONObject, home: Path) -> Facts:
    found: Facts = {}
    lines = value.get("_line")
    note = lines[0] if isinstance(lines, list) and lines else None
    for name, url in _LINE_PARTS:
        texts = [string_of(extension) for extension in extensions_of(note, url)]
        if url == SUFFIX_EXTENSION:
            letter = bool(texts) and len(texts[0]) == 1 and texts[0].isalpha()
            texts = (texts[:1] if letter else []) if name == "BG:aoa.huisletter" else texts[1 if letter else 0 :]
        if texts:
            found[*home, name] = Leaf(texts[0])
    for name, key in (("BG:wpl.woonplaatsNaam", "city"), ("BG:aoa.postcode", "postalCode")):
        leaf = get(value, key)
        if leaf is not None:
            found[*home, name] = leaf
    period = value.get("period")
    since = DATE.decode(period.get("start")) if isinstance(period, dict) else None
    if since is not None:
        found[*home, "BG:begindatumVerblijf"] = since
    return found


def _abroad_value(facts: Facts, abroad: Path) -> JSONObject:
    address: JSONObject = {}
    lines: list[JSONValue] = [
        facts[*abroad, name].text for name in _ABROAD_LINES if facts.get((*abroad, name), Leaf()).text
    ]
    if lines:
        address["line"] = lines
    put(address, "country", facts.get((*abroad, "BG:lnd.landnaam")))
    return address


def _abroad_facts(value: JSONObject, abroad: Path) -> Facts:
    found: Facts = {}
    country = get(value, "country")
    if country is not None:
        found[*abroad, "BG:lnd.landnaam"] = country
    lines = value.get("line")
    for name, line in zip(_ABROAD_LINES, lines if isinstance(lines, list) else [], strict=False):
        if isinstance(line, str):
            found[*abroad, name] = Leaf(line)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthPart:
    """A child's date of birth; `expectedDate` where the child is not born yet. The file says which beside the person.

    Attributes:
        person: Path of the child.
    """

    person: Path
    elements: tuple[str, ...] = ("birthDate", "expectedDate")
    single: bool = True

    @property
    def _date(self) -> Path:
        return (*self.person, "BG:geboortedatum")

    @property
    def owned(self) -> tuple[Path, ...]:
        """The date, and the words that say whether the child is born."""
        return (self._date, CHILD_KIND)

    def element(self, group: Facts, _context: Context) -> str:
        """Return `expectedDate` for an unborn child."""
        return "expectedDate" if group.get(CHILD_KIND, Leaf()).text == UNBORN else "birthDate"

    def to_fhir(self, group: Facts, context: Context) -> JSONValue:
        """Return the date. An unborn child always has the element, for it says that the child is unborn."""
        if self._date in group:
            return DATE.encode(group[self._date])
        return absent(UNKNOWN) if self.element(group, context) == "expectedDate" else None

    def from_fhir(self, element: str, value: JSONValue, _context: Context) -> Facts | None:
        """Return the date, and what child it is the date of."""
        leaf = DATE.decode(value)
        kind = UNBORN if element == "expectedDate" else CHILD
        return {CHILD_KIND: Leaf(kind)} | ({self._date: leaf} if leaf else {})

    def masked(self, element: str, context: Context) -> Facts:
        """Return the date, nil, and what child it is."""
        return mask((self._date,), context) | {CHILD_KIND: Leaf(UNBORN if element == "expectedDate" else CHILD)}


CHILD_KIND: Final = ("ZKN:omschrijving",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePart:
    """A person's role: name and code together are one coded value."""

    name: str
    single: bool = True
    owned: tuple[Path, ...] = (("ZKN:code",), ("ZKN:omschrijving",))

    @property
    def elements(self) -> tuple[str, ...]:
        """The one element."""
        return (self.name,)

    def element(self, _group: Facts, _context: Context) -> str:
        """Return the element's name."""
        return self.name

    def to_fhir(self, group: Facts, context: Context) -> JSONValue:
        """Return the role's code alone: a name beside it would let the sealed length tell the role."""
        text = group.get(("ZKN:omschrijving",), Leaf()).text
        row = context.conventions.roles.by_name(text)
        if row is None:
            return {"text": text}
        return {"coding": [{"system": ROLE_SYSTEM, "code": row.code}]}

    def from_fhir(self, _element: str, value: JSONValue, context: Context) -> Facts | None:
        """Return code and name; a role that the list does not have cannot be written."""
        if no_value_of(value):
            return {("ZKN:omschrijving",): nil_leaf(no_value_of(value))}
        row = context.conventions.roles.by_code(coding_of(value, ROLE_SYSTEM) or "")
        if row is None:
            return None
        return {("ZKN:code",): Leaf(row.code), ("ZKN:omschrijving",): Leaf(row.name)}

    def masked(self, _element: str, _context: Context) -> Facts:
        """Return nothing: the name of the role must stand there, and no name is neutral."""
        return {}


def organisation_value(facts: Facts, name: Path, number: Path, system: str) -> JSONObject:
    """Return an Organization with its name and number."""
    value: JSONObject = {"resourceType": "Organization"}
    leaf = facts.get(number, Leaf())
    if leaf.text:
        value["identifier"] = [{"system": system, "value": leaf.text}]
    put(value, "name", facts.get(name))
    return value


def organisation_facts(value: JSONValue, name: Path, number: Path) -> Facts | None:
    """Return the facts of an Organization."""
    if not isinstance(value, dict):
        return None
    facts: Facts = {}
    identifiers = value.get("identifier")
    first = identifiers[0] if isinstance(identifiers, list) and identifiers else None
    for path, leaf in ((number, get(first, "value")), (name, get(value, "name"))):
        if leaf is not None:
            facts[path] = leaf
    return facts


def establishment_value(facts: Facts) -> JSONObject:
    """Return the Organization of an establishment."""
    return organisation_value(
        facts,
        (*ESTABLISHMENT, "BG:handelsnaamVerkort"),
        (*ESTABLISHMENT, "BG:vestigingsNummer"),
        ESTABLISHMENT_SYSTEM,
    )


def establishment_facts(value: JSONValue, _context: Context) -> Facts | None:
    """Return the facts of an establishment."""
    return organisation_facts(value, (*ESTABLISHMENT, "BG:handelsnaamVerkort"), (*ESTABLISHMENT, "BG:vestigingsNummer"))
