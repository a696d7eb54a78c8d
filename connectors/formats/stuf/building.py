"""From facts to XML: elements in the schema's order, and what stands where something required is missing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from connectors.formats.stuf.facts import Facts
from connectors.formats.stuf.grammar import Element, Group, Kind, Path
from connectors.formats.stuf.messages import CHILD
from connectors.formats.stuf.names import ENTITY, EXTRA_NAME, EXTRAS, INCOMPLETE, METADATA, NIL, NO_VALUE, clark

ROOT: Path = (".",)
"""Path of the entity itself, for its own attributes."""


@dataclass(slots=True, kw_only=True)
class Out:
    """One element on its way out.

    Attributes:
        name: Prefixed name.
        text: Its text.
        attributes: Its attributes, by prefixed name.
        children: Its elements, in no order yet.
        group: Which group of facts it came from: what belongs together stays together.
        number: Which one of its name it is within its group.
    """

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Out]" = field(default_factory=list)
    group: int = 0
    number: int = 1


def add_facts(root: Out, groups: Iterable[Facts], *, shared: frozenset[Path]) -> None:
    """Add groups of facts below an element.

    Args:
        root: The entity.
        groups: Facts by paths relative to the entity.
        shared: Paths of elements that all groups write to: frames, and elements whose attributes are leaves.
    """
    common: dict[Path, Out] = {(): root}
    for number, facts in enumerate(groups):
        own: dict[Path, Out] = {}
        for path, leaf in facts.items():
            if path == ROOT:
                root.attributes.update(leaf.attributes)
            elif path[-1].startswith("@"):
                _ensure(path[:-1], common, own, shared, number).attributes[path[-1][1:]] = leaf.text
            else:
                out = _ensure(path, common, own, shared, number)
                out.text = leaf.text
                out.attributes.update(leaf.attributes)


def _ensure(path: Path, common: dict[Path, Out], own: dict[Path, Out], shared: frozenset[Path], group: int) -> Out:
    if not path:
        return common[()]
    known = common if path in shared else own
    if path not in known:
        name, _, number = path[-1].partition("[")
        out = Out(name=name, group=group, number=int(number.rstrip("]") or 1))
        _ensure(path[:-1], common, own, shared, group).children.append(out)
        known[path] = out
    return known[path]


def complete(out: Out, table: Element, no_value: str) -> bool:
    """Put the elements in order and supply what is required and missing.

    Args:
        out: An element; changed in place.
        table: What the table says about it.
        no_value: Why something is missing.

    Returns:
        Whether the element can stand; if not, nothing honest can be put in place of what is missing.
    """
    if table.entity:
        out.attributes.setdefault(ENTITY, table.entity)
    if METADATA in table.required:
        out.attributes.setdefault(METADATA, "true")
    for name in table.required:
        out.attributes.setdefault(name, "")
    if NIL in out.attributes:
        out.children, out.text = [], ""
        return table.nillable
    if table.type is not None:
        return True
    if not _complete_children(out, table, no_value) or not _supply(out, table, no_value):
        return False
    order = table.order
    out.children.sort(key=lambda child: (order[child.name][0], child.group, child.number, order[child.name][1]))
    return True


def _complete_children(out: Out, table: Element, no_value: str) -> bool:
    kept: list[Out] = []
    for child in out.children:
        place = table.children.get(child.name)
        if place is None:
            return False
        if complete(child, place, no_value) or _nil(child, place, no_value):
            kept.append(child)
        elif place.minimum:
            return False
    out.children = kept
    return True


def _nil(out: Out, table: Element, no_value: str) -> bool:
    """Make an element nil, if it can be."""
    if not table.nillable:
        return False
    out.children, out.text = [], ""
    out.attributes = {name: text for name, text in out.attributes.items() if name in table.required}
    out.attributes |= {NIL: "true"} | ({NO_VALUE: no_value} if NO_VALUE in table.attributes else {})
    return True


def _supply(out: Out, table: Element, no_value: str) -> bool:
    present = {child.name for child in out.children}
    last = max((child.group for child in out.children), default=0) + 1
    for needed in _needed(table, present):
        supplied = _stand_in(out.name, needed, no_value)
        if supplied is None:
            return False
        supplied.group = last
        out.children.append(supplied)
    return True


def _needed(table: Element, present: set[str]) -> list[Element]:
    """Return the elements that must stand there and do not."""
    needed: list[Element] = []
    for particle in table.content:
        if isinstance(particle, Element):
            if particle.minimum and particle.name not in present:
                needed.append(particle)
        else:
            needed.extend(_needed_of_group(particle, present))
    return needed


def _needed_of_group(group: Group, present: set[str]) -> list[Element]:
    if group.choice and group.minimum == group.maximum == 2 and group.options:
        # The executor: employee and organisation, both or neither.
        names = {option.name for option in group.options if isinstance(option, Element)}
        if names & present:
            return [option for option in group.options if isinstance(option, Element) and option.name not in present]
        return []
    nested = [option for option in group.options if isinstance(option, Group)]
    return [element for option in nested for element in _needed_of_group(option, present)]


def _stand_in(parent: str, table: Element, no_value: str) -> Out | None:
    """Return what can honestly stand for a required element that is missing, None if nothing can."""
    out = Out(name=table.name)
    kind = table.type
    if kind is not None and len(kind.values) == 1:
        out.text = kind.values[0]
    elif (parent, table.name) == ("ZKN:heeftBetrekkingOp", "ZKN:omschrijving"):
        out.text = CHILD
    elif table.nillable:
        out.attributes[NIL] = "true"
        if NO_VALUE in table.attributes:
            out.attributes[NO_VALUE] = no_value
    elif table.name == EXTRAS:
        extra = table.content[0]
        nil = Out(name="StUF:extraElement", attributes={EXTRA_NAME: "indicatieUrgent", NIL: "true", NO_VALUE: no_value})
        out.children.append(nil)
        return out if isinstance(extra, Element) and complete(nil, extra, no_value) else None
    elif kind is not None and kind.kind is Kind.DATE:
        out.text = "00010101"
        out.attributes |= {INCOMPLETE: "J", NO_VALUE: no_value}
    elif kind is not None and kind.kind is Kind.TEXT and kind.accepts("") and NO_VALUE in table.attributes:
        out.attributes[NO_VALUE] = no_value
    elif kind is not None:
        return None
    return out if complete(out, table, no_value) else None


def to_xml(out: Out) -> etree._Element:
    """Return the XML of an element.

    Raises:
        ValueError: A text holds a character that XML cannot carry.
    """
    namespaces = {prefix: clark(f"{prefix}:x")[1:].partition("}")[0] for prefix in ("JZ", "StUF", "ZKN", "BG")}
    namespaces |= {prefix: clark(f"{prefix}:x")[1:].partition("}")[0] for prefix in ("xsi", "xmime")}
    root = etree.Element(clark(out.name), nsmap=namespaces)
    _fill(root, out)
    return root


def _fill(element: etree._Element, out: Out) -> None:
    for name, text in out.attributes.items():
        element.set(clark(name), text)
    if out.text:
        element.text = out.text
    for child in out.children:
        _fill(etree.SubElement(element, clark(child.name)), child)
