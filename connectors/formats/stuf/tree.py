"""A message as a checked tree: every element known to the table, every occurrence, type and attribute as it says.

Whatever the table does not know is an issue with its place; nothing is skipped. What is left out on purpose is named
here: comments, processing instructions, white space around texts and between elements, and `xsi:schemaLocation`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from connectors.formats.stuf.grammar import Element, Group, Kind, Particle
from connectors.formats.stuf.names import ENTITY, INCOMPLETE, METADATA, NIL, NO_VALUE, local, prefixed
from schemas.errors import Issue

_SPACE = " \t\r\n"
_SCHEMA_LOCATION = frozenset({"xsi:schemaLocation", "xsi:noNamespaceSchemaLocation"})
_CLOSED = {
    NO_VALUE: frozenset(
        {"nietOndersteund", "nietGeautoriseerd", "geenWaarde", "waardeOnbekend", "vastgesteldOnbekend"}
    ),
    INCOMPLETE: frozenset("VDMJ"),
    METADATA: frozenset({"true", "1"}),
    "StUF:exact": frozenset({"true", "false", "0", "1"}),
    "StUF:verwerkingssoort": frozenset("TWVEIRSO"),
    "StUF:aardAantal": frozenset({"exact", "minimum", "maximum"}),
    "StUF:scope": frozenset(
        {
            "alles",
            "allesZonderMetagegevens",
            "allesMaarKerngegevensGerelateerden",
            "allesZonderMetagegevensMaarKerngegevensGerelateerden",
            "kerngegevens",
        }
    ),
}
_LONGEST = {"StUF:bestandsnaam": 255, ENTITY: 30} | {
    f"StUF:sleutel{which}": 40 for which in ("Verzendend", "Ontvangend", "Gegevensbeheer", "Synchronisatie")
}


@dataclass(slots=True, kw_only=True)
class Node:
    """One element of a file that has its place in the table.

    Attributes:
        element: What the table says about it.
        pointer: Its place in the file, as a JSON Pointer of local names.
        text: Its text without surrounding white space; empty for an element of elements.
        attributes: Its attributes by prefixed name; `xsi:nil` only if true.
        children: Its elements, in the file's order.
        name: Prefixed name, the table's; kept here because it is asked for a thousand times in one file.
    """

    element: Element
    pointer: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node]" = field(default_factory=list)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the name from the table."""
        self.name = self.element.name

    @property
    def nil(self) -> bool:
        """Whether it is nil."""
        return NIL in self.attributes

    def find(self, *names: str) -> "Node | None":
        """Return the first node at a path below this one."""
        found = self
        for name in names:
            for child in found.children:
                if child.name == name:
                    found = child
                    break
            else:
                return None
        return found

    def all(self, name: str) -> "list[Node]":
        """Return every child of a name."""
        return [child for child in self.children if child.name == name]

    def descendants(self) -> "Iterator[Node]":
        """Walk this node and everything below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def check_tree(root: etree._Element, element: Element) -> tuple[Node, list[Issue]]:
    """Read a tree by a table.

    Args:
        root: The element of the file whose name is the table's.
        element: The table.

    Returns:
        The nodes that have a place in the table, and every issue; with an issue the nodes are not to be used.
    """
    issues: list[Issue] = []
    return _check(root, element, f"/{local(element.name)}", issues), issues


def _check(source: etree._Element, element: Element, pointer: str, issues: list[Issue]) -> Node:
    node = Node(element=element, pointer=pointer)
    _check_attributes(source, node, issues)
    if element.type is not None:
        if len(source):
            _add(issues, node.pointer, "element.unknown", "an element stands where text belongs")
        # One text may lie in several pieces, around an element that has no place there.
        text = "".join(str(piece) for piece in source.itertext()) if len(source) else str(source.text or "")
        node.text = text.strip(_SPACE)
        if element.type.kind is Kind.BASE64:
            node.text = _in_lines(node.text)
        _check_text(node, issues)
        return node
    if (source.text or "").strip(_SPACE) or any((child.tail or "").strip(_SPACE) for child in source):
        _add(issues, node.pointer, "text", "text stands where only elements belong")
    if node.nil:
        if len(source):
            _add(issues, node.pointer, "nil", "an element that is nil has content")
        return node
    _check_children(source, node, issues)
    return node


def _in_lines(text: str) -> str:
    """Return base64 in the lines it came in if they are of one length, else in one line: white space is no content."""
    lines = text.split()
    regular = len({len(line) for line in lines[:-1]}) == 1 and len(lines[-1]) <= len(lines[0])
    return ("\n" if regular else "").join(lines)


def _check_attributes(source: etree._Element, node: Node, issues: list[Issue]) -> None:
    element = node.element
    for raw, content in source.attrib.items():
        name = prefixed(str(raw))
        text = str(content)
        if name in _SCHEMA_LOCATION:
            continue
        if name == NIL:
            if text.strip() in {"true", "1"}:
                node.attributes[NIL] = "true"
                if not element.nillable:
                    _add(issues, node.pointer, "nil", "this element cannot be nil")
            elif text.strip() not in {"false", "0"}:
                _add(issues, node.pointer, "attribute.value", f"attribute `{NIL}` has no such value")
            continue
        if name not in element.attributes:
            _add(issues, node.pointer, "attribute.unknown", f"attribute `{local(name)}` has no place here")
            continue
        if not _attribute_holds(name, text, element):
            _add(issues, node.pointer, "attribute.value", f"attribute `{local(name)}` has no such value")
        node.attributes[name] = text
    for name in sorted(element.required - node.attributes.keys()):
        _add(issues, node.pointer, "attribute.missing", f"attribute `{local(name)}` is missing")


def _attribute_holds(name: str, text: str, element: Element) -> bool:
    if name == ENTITY and not element.entity_open:
        return text == element.entity
    if name == "StUF:aantalVoorkomens":
        return text.isascii() and text.isdigit() and int(text) <= 999_999_999
    if name == "xmime:contentType":
        return len(text) >= 3
    if name in _CLOSED:
        return text in _CLOSED[name]
    return len(text) <= _LONGEST.get(name, len(text))


def _check_text(node: Node, issues: list[Issue]) -> None:
    kind = node.element.type
    if kind is None:
        raise AssertionError("only an element with text has a type")
    if node.nil:
        if node.text:
            _add(issues, node.pointer, "nil", "an element that is nil has content")
        return
    if not node.text and node.element.default:
        return
    if not kind.accepts(node.text, incomplete=node.attributes.get(INCOMPLETE, "V")):
        code = {Kind.DATE: "date", Kind.TIME: "time", Kind.BASE64: "base64"}.get(kind.kind, "value")
        _add(issues, node.pointer, code, f"not a valid `{kind.name}`")


def _check_children(source: etree._Element, node: Node, issues: list[Issue]) -> None:
    known = node.element.children
    children: list[tuple[str, etree._Element]] = []
    for child in source:
        name = prefixed(str(child.tag))
        if name in known:
            children.append((name, child))
        else:
            place = f"{node.pointer}/{local(name)}"
            _add(issues, place, "element.unknown", "this element has no place here, or stands in another namespace")
    totals = Counter(name for name, _ in children)
    counts: dict[str, int] = {}
    for name, child in children:
        counts[name] = counts.get(name, 0) + 1
        repeats = known[name].maximum != 1 or totals[name] > 1
        step = f"{local(name)}/{counts[name] - 1}" if repeats else local(name)
        node.children.append(_check(child, known[name], f"{node.pointer}/{step}", issues))
    names = [name for name, _ in children]
    taken = 0
    for particle in node.element.content:
        taken = _consume(particle, names, taken, node.pointer, issues)
    for child_node in node.children[taken:]:
        text = "this element stands in the wrong place, or more often than it may"
        _add(issues, child_node.pointer, "element.order", text)


def _consume(particle: Particle, names: list[str], place: int, pointer: str, issues: list[Issue]) -> int:
    """Take as many names as a particle can; report what it lacks. The schemas are deterministic, so greedy is right."""
    if isinstance(particle, Element):
        count = 0
        while place < len(names) and names[place] == particle.name:
            if particle.maximum is not None and count == particle.maximum:
                break
            count, place = count + 1, place + 1
        if count < particle.minimum:
            _add(issues, f"{pointer}/{local(particle.name)}", "element.missing", "this element is missing")
        return place
    return _consume_group(particle, names, place, pointer, issues)


def _consume_group(particle: Group, names: list[str], place: int, pointer: str, issues: list[Issue]) -> int:
    count = 0
    while place < len(names) and names[place] in particle.first_names and count < particle.maximum:
        before = place
        if particle.choice:
            option = next(option for option in particle.options if names[place] in option.first_names)
            place = _consume(option, names, place, pointer, issues)
        else:
            for option in particle.options:
                place = _consume(option, names, place, pointer, issues)
        count += 1
        if place == before:
            break
    if count < particle.minimum:
        _add(issues, pointer, "element.missing", "an element is missing here")
    return place


def _add(issues: list[Issue], pointer: str, code: str, text: str) -> None:
    issues.append(Issue(pointer=pointer, code=f"sender.stuf.{code}", text=text, text_nl=_DUTCH.get(code, "")))


_DUTCH = {
    "element.unknown": "dit element hoort hier niet, of staat in een andere namespace",
    "element.missing": "dit element ontbreekt",
    "element.order": "dit element staat op de verkeerde plaats of te vaak",
    "text": "hier horen alleen elementen, geen tekst",
    "nil": "dit element kan niet leeg (nil) zijn, of is nil en toch gevuld",
    "attribute.unknown": "dit attribuut hoort hier niet",
    "attribute.value": "dit attribuut heeft geen toegestane waarde",
    "attribute.missing": "een verplicht attribuut ontbreekt",
    "value": "deze waarde is hier niet toegestaan",
    "date": "dit is geen geldige datum",
    "time": "dit is geen geldig tijdstip",
    "base64": "de bijlage is geen geldige base64",
}
