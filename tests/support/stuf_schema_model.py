"""The published schemas read as a model of their own, so that tests learn from them and not from our tables.

Only what the `jrberichten` set uses of XML Schema is understood; anything else fails loudly.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lxml import etree

from tests.support.shared import shared_path

_XS = "{http://www.w3.org/2001/XMLSchema}"
_PREFIXES = {
    "http://www.egem.nl/StUF/StUF0301": "StUF",
    "http://www.egem.nl/StUF/sector/zkn/0310": "ZKN",
    "http://www.egem.nl/StUF/sector/bg/0310": "BG",
    "http://www.stufstandaarden.nl/koppelvlak/jz0100": "JZ",
    "http://www.w3.org/2005/05/xmlmime": "xmime",
    "http://www.w3.org/2001/XMLSchema": "xs",
}


@dataclass(slots=True)
class Facets:
    """What a simple type allows. `values` is the innermost list of a chain of restrictions."""

    base: str = ""
    values: tuple[str, ...] = ()
    pattern: str | None = None
    length_min: int | None = None
    length_max: int | None = None
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class SchemaElement:
    """One element particle."""

    name: str
    minimum: int
    maximum: int | None
    nillable: bool
    attributes: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    fixed: dict[str, str] = field(default_factory=dict)
    facets: Facets | None = None
    content: "SchemaGroup | None" = None
    default: str = ""


@dataclass(slots=True)
class SchemaGroup:
    """One sequence or choice."""

    choice: bool
    minimum: int
    maximum: int | None
    options: "list[SchemaElement | SchemaGroup]" = field(default_factory=list)


class _Schemas:
    def __init__(self, folder: Path) -> None:
        self.named: dict[tuple[str, str], etree._Element] = {}
        for file in sorted(folder.glob("*_resolved2025.xsd")):
            root = etree.parse(str(file)).getroot()
            prefix = _PREFIXES.get(root.get("targetNamespace") or "")
            for node in root if prefix else ():
                if isinstance(node.tag, str) and node.get("name"):
                    self.named[node.tag.removeprefix(_XS), f"{prefix}:{node.get('name')}"] = node

    def element(self, name: str) -> SchemaElement:
        return self._element(self.named["element", name])

    def _name(self, node: etree._Element, text: str) -> str:
        prefix, colon, local = text.rpartition(":")
        return f"{_PREFIXES[node.nsmap[prefix if colon else None]]}:{local}"

    def _own(self, node: etree._Element) -> str:
        prefix = _PREFIXES[node.getroottree().getroot().get("targetNamespace") or ""]
        return f"{prefix}:{node.get('name')}"

    def _element(self, node: etree._Element) -> SchemaElement:
        maximum = node.get("maxOccurs", "1")
        reference = node.get("ref")
        definition = self.named["element", self._name(node, reference)] if reference else node
        found = SchemaElement(
            name=self._name(node, reference) if reference else self._own(node),
            minimum=int(node.get("minOccurs", "1")),
            maximum=None if maximum == "unbounded" else int(maximum),
            nillable=definition.get("nillable") == "true",
            default=definition.get("default") or "",
        )
        kind = definition.get("type")
        if kind:
            self._type(self._name(definition, kind), found)
        else:
            inner = definition.find(f"{_XS}complexType")
            assert inner is not None, found.name
            self._complex(inner, found)
        return found

    def _type(self, name: str, found: SchemaElement) -> None:
        if ("complexType", name) in self.named:
            self._complex(self.named["complexType", name], found)
        else:
            self._merge(found, self._facets(name))

    def _complex(self, node: etree._Element, found: SchemaElement) -> None:
        simple = node.find(f"{_XS}simpleContent")
        if simple is not None:
            (derived,) = (child for child in simple if isinstance(child.tag, str))
            self._attributes(derived, found)
            self._merge(found, self._local_facets(derived))
            self._type(self._name(derived, derived.get("base") or ""), found)
            return
        self._attributes(node, found)
        for child in node:
            if child.tag in {f"{_XS}sequence", f"{_XS}choice"}:
                found.content = self._group(child)
            else:
                assert child.tag in {f"{_XS}attribute", f"{_XS}annotation"} or not isinstance(child.tag, str), child.tag

    def _group(self, node: etree._Element) -> SchemaGroup:
        maximum = node.get("maxOccurs", "1")
        found = SchemaGroup(
            choice=node.tag == f"{_XS}choice",
            minimum=int(node.get("minOccurs", "1")),
            maximum=None if maximum == "unbounded" else int(maximum),
        )
        for child in node:
            if child.tag == f"{_XS}element":
                found.options.append(self._element(child))
            elif child.tag in {f"{_XS}sequence", f"{_XS}choice"}:
                found.options.append(self._group(child))
        return found

    def _attributes(self, node: etree._Element, found: SchemaElement) -> None:
        for child in node:
            if child.tag == f"{_XS}attributeGroup":
                name = self._name(child, child.get("ref") or "")
                self._attributes(self.named["attributeGroup", name], found)
            elif child.tag == f"{_XS}attribute":
                reference = child.get("ref")
                name = self._name(child, reference) if reference else str(child.get("name"))
                found.attributes |= {name}
                if child.get("use") == "required":
                    found.required |= {name}
                if child.get("fixed"):
                    found.fixed.setdefault(name, str(child.get("fixed")))

    def _facets(self, name: str) -> Facets:
        facets = Facets(names=(name,))
        while name in {known for kind, known in self.named if kind == "simpleType"}:
            restriction = self.named["simpleType", name].find(f"{_XS}restriction")
            assert restriction is not None, name
            facets = _joined(facets, self._local_facets(restriction))
            name = self._name(restriction, restriction.get("base") or "")
            facets.names += (name,)
        facets.base = name
        return facets

    def _local_facets(self, node: etree._Element) -> Facets:
        inner = node.find(f"{_XS}simpleType/{_XS}restriction")
        facets = Facets()
        for child in node:
            kind, text = str(child.tag).removeprefix(_XS), str(child.get("value"))
            if kind == "enumeration":
                facets.values += (text,)
            elif kind == "pattern":
                facets.pattern = text
            elif kind == "maxLength":
                facets.length_max = int(text)
            elif kind == "minLength":
                facets.length_min = int(text)
            elif kind == "length":
                facets.length_min = facets.length_max = int(text)
        if inner is not None:
            facets = _joined(facets, self._facets(self._name(inner, inner.get("base") or "")))
        return facets

    def _merge(self, found: SchemaElement, facets: Facets) -> None:
        found.facets = _joined(found.facets, facets) if found.facets else facets


def _joined(inner: Facets, outer: Facets) -> Facets:
    """Return a restriction with what it inherits."""
    return Facets(
        base=outer.base or inner.base,
        values=inner.values or outer.values,
        pattern=inner.pattern or outer.pattern,
        length_min=inner.length_min if inner.length_min is not None else outer.length_min,
        length_max=inner.length_max if inner.length_max is not None else outer.length_max,
        names=inner.names + outer.names,
    )


@cache
def _schemas(folder: str) -> _Schemas:
    return _Schemas(Path(folder))


def schema_element(name: str) -> SchemaElement:
    """Return a global element of the schema set, such as `JZ:vtoDi01`; skips the test where the schemas are absent."""
    return _schemas(str(shared_path("stuf/xsd/jr"))).element(name)
