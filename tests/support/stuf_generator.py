"""Messages made from the published schemas: every optional element filled, or a random choice of them.

Made from the schemas and not from our tables, so that an element the tables forgot is seen. Beyond the schema they keep
the rules that the format refuses for: numbers that pass their test, role codes that fit, at most three attachments.
"""

import base64
import random
from dataclasses import dataclass, field

from lxml import etree

from connectors.formats.stuf.examples import example_bsn
from connectors.formats.stuf.names import NAMESPACES, clark
from connectors.formats.stuf.roles import packaged_roles
from tests.support.stuf_schema_model import Facets, SchemaElement, SchemaGroup, schema_element

_TEXTS = ("Voorbeeld", "Ĳsœlé ﬁ", "a b", "<&>\"'", "Zoë", "x")
_NO_VALUES = ("nietOndersteund", "nietGeautoriseerd", "geenWaarde", "waardeOnbekend", "vastgesteldOnbekend")
_SPECIAL = {
    "BG:Postcode": "1234AB",
    "BG:Huislettering": "b",
    "BG:Huisnummertoevoeging": "bis",
    "BG:Huisnummering": "12",
    "BG:WoonplaatsCodering": "599",
    "BG:Landcode": "5010",
    "BG:IdentificatieRPSBTL": "12345678901234567",
    "BG:Telefoonnummer": "0612345678",
}
_MANY = {
    "ZKN:heeftBetrekkingOp": 3,
    "ZKN:natuurlijkPersoon": 2,
    "ZKN:heeftAlsBelanghebbende": 4,
    "ZKN:heeftRelevant": 3,
    "ZKN:leidtTot": 3,
    "StUF:extraElement": 2,
    "StUF:melding": 2,
}


@dataclass(slots=True, kw_only=True)
class StufGenerator:
    """Makes messages.

    Attributes:
        seed: The same seed makes the same message.
        fill: Probability of what is optional; 1.0 fills everything.
        nil: Probability that what can be nil is nil.
    """

    seed: int
    fill: float = 1.0
    nil: float = 0.0
    _random: random.Random = field(init=False)
    _people: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def message(self, name: str) -> bytes:
        """Return a message of a global element, such as `JZ:vtoDi01`."""
        root = etree.Element(clark(name), nsmap=dict(NAMESPACES))
        self._fill(root, schema_element(name), ())
        self._keep_rules(root)
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)

    def _likely(self, probability: float) -> bool:
        return self._random.random() < probability

    def _fill(self, node: etree._Element, element: SchemaElement, path: tuple[str, ...]) -> None:
        nil = element.nillable and self._likely(self.nil) and element.name not in _NEVER_NIL
        self._attributes(node, element, nil=nil)
        if nil:
            return
        if element.facets is not None:
            node.text = self._text(element.facets, node)
        elif element.content is not None:
            self._group(node, element.content, path)

    def _attributes(self, node: etree._Element, element: SchemaElement, *, nil: bool) -> None:
        if nil:
            node.set(clark("xsi:nil"), "true")
            if "StUF:noValue" in element.attributes and self._likely(0.9):
                node.set(clark("StUF:noValue"), self._random.choice(_NO_VALUES))
        for name in sorted(element.attributes):
            if name in element.fixed:
                node.set(clark(name), element.fixed[name])
            elif name in element.required or (self._likely(self.fill) and not nil):
                text = self._attribute(name, element)
                if text is not None:
                    node.set(clark(name), text)

    def _attribute(self, name: str, element: SchemaElement) -> str | None:
        number = self._random.randrange(10_000)
        if name.startswith("StUF:sleutel"):
            return f"{element.name.rpartition(':')[2][:20]}-{number}"
        return {
            "StUF:entiteittype": {"ZKN:natuurlijkPersoon": "NPS", "ZKN:nietNatuurlijkPersoon": "NNP"}.get(element.name),
            "StUF:exact": self._random.choice(["true", "false", None]),
            "StUF:metagegeven": "true",
            "StUF:aantalVoorkomens": str(number),
            "StUF:aardAantal": "exact",
            "StUF:scope": "alles",
            "StUF:verwerkingssoort": "T",
            "StUF:indOnvolledigeDatum": self._random.choice(["V", "D", "M", "J", None]),
            "StUF:bestandsnaam": f"bestand {number}.pdf",
            "xmime:contentType": self._random.choice(
                ["application/pdf", "text/plain; charset=utf-8", "x-geheel-anders"]
            ),
            "naam": f"overig{number}",
        }.get(name)

    def _group(self, node: etree._Element, group: SchemaGroup, path: tuple[str, ...]) -> None:
        least, most = group.minimum, group.maximum or 2
        times = most if self._likely(self.fill) else least
        options = list(group.options)
        for index in range(min(times, max(least, 2))):
            if group.choice:
                # A choice that repeats takes each option in turn: then all of them are seen.
                chosen = options[index % len(options)] if most > 1 else self._random.choice(options)
                self._particle(node, chosen, path)
            else:
                for option in options:
                    self._particle(node, option, path)

    def _particle(self, node: etree._Element, particle: "SchemaElement | SchemaGroup", path: tuple[str, ...]) -> None:
        if isinstance(particle, SchemaGroup):
            self._group(node, particle, path)
            return
        most = _MANY.get(particle.name, 1) if particle.maximum is None else 1
        times = max(particle.minimum, sum(self._likely(self.fill) for _ in range(most)))
        for _ in range(times):
            child = etree.SubElement(node, clark(particle.name))
            self._fill(child, particle, (*path, particle.name))

    def _text(self, facets: Facets, node: etree._Element) -> str:
        if facets.values:
            return self._random.choice(facets.values)
        special = next((_SPECIAL[name] for name in facets.names if name in _SPECIAL), None)
        if special is not None:
            return special
        if facets.pattern == "[0-9]{9}":
            return example_bsn(self._random.randrange(9000))
        if facets.base == "xs:decimal":
            return self._date(node)
        return self._free_text(facets)

    def _free_text(self, facets: Facets) -> str:
        if "StUF:Tijdstip" in facets.names:
            return self._random.choice(
                ["20261123", "202611231415", "20260701083000", "20261123141516123", "2026102502"]
            )
        if facets.base == "xs:base64Binary":
            return base64.b64encode(self._random.randbytes(self._random.randrange(1, 90))).decode()
        if facets.length_min is not None and facets.length_min == facets.length_max:
            return "".join(self._random.choice("0123456789") for _ in range(facets.length_min))
        text = self._random.choice(_TEXTS)
        while len(text) < (facets.length_min or 0):
            text += "x"
        return text[: facets.length_max or 60].strip()

    def _date(self, node: etree._Element) -> str:
        incomplete = node.get(clark("StUF:indOnvolledigeDatum"))
        known = "20100302"
        return {
            "D": self._random.choice(["20100300", "20100301"]),
            "M": self._random.choice(["20100000", "20100101"]),
            "J": self._random.choice(["0", "00000000", "20100302"]),
        }.get(incomplete or "V", known)

    def _keep_rules(self, root: etree._Element) -> None:
        roles = packaged_roles()
        for party in root.iter(clark("ZKN:heeftAlsBelanghebbende")):
            name, code = party.find(clark("ZKN:omschrijving")), party.find(clark("ZKN:code"))
            row = roles.by_name((name.text or "") if name is not None else "")
            if code is not None and row is not None and code.text:
                code.text = row.code
        for relation in list(root.iter(clark("ZKN:heeftBetrekkingOp"))):
            _keep_children(relation)
        for related in root.iter(clark("ZKN:heeftAlsUitvoerende")):
            for holder in related.findall(clark("ZKN:gerelateerde")):
                if len(holder) == 0 and holder.get(clark("xsi:nil")) is None:
                    holder.set(clark("xsi:nil"), "true")


_NEVER_NIL = frozenset({"ZKN:natuurlijkPersoon"})


def _keep_children(relation: etree._Element) -> None:
    """Give a child without anything about it a name: a message cannot be about nobody."""
    if relation.get(clark("xsi:nil")) is not None:
        return
    related = relation.find(clark("ZKN:gerelateerde"))
    assert related is not None
    related.attrib.pop(clark("xsi:nil"), None)
    related.attrib.pop(clark("StUF:noValue"), None)
    people = related.findall(clark("ZKN:natuurlijkPersoon"))
    for person in people or [etree.SubElement(related, clark("ZKN:natuurlijkPersoon"))]:
        person.set(clark("StUF:entiteittype"), "NPS")
        if len(person) == 0:
            etree.SubElement(person, clark("BG:geslachtsnaam")).text = "Voorbeeld"
