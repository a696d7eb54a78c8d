"""One entity of a message to the elements of one item, and back: the loop over a kind's parts.

Nothing is lost on the way: every leaf of the entity goes to exactly one part, and what a part's value does not carry
rides in the value's extension. Attributes of the elements around ride with the item's first element.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.formats.stuf.cases import UnitPart
from connectors.formats.stuf.facts import (
    ATTRIBUTE_LEAVES,
    Facts,
    Leaf,
    add_node,
    apply,
    attach,
    difference,
    free_path,
    own_attributes,
    riding_facts,
)
from connectors.formats.stuf.grammar import Element, Path
from connectors.formats.stuf.kinds import ItemKind
from connectors.formats.stuf.messages import CHILD
from connectors.formats.stuf.names import EXTRA, EXTRA_NAME, NIL
from connectors.formats.stuf.parts import ConstantPart, Context, ExtraPart, Part
from connectors.formats.stuf.people import CHILD_KIND
from connectors.formats.stuf.tree import Node
from connectors.formats.stuf.values import absent
from schemas.document import DocumentItem, JSONValue

ROOT: Path = (".",)
"""Path of the entity itself, for its own attributes."""

_GOES_WITHOUT_SAYING: Facts = {CHILD_KIND: Leaf(CHILD)}


@dataclass(slots=True, kw_only=True)
class _Sorting:
    """Leaves on their way to their parts."""

    kind: ItemKind
    context: Context
    groups: dict[int, list[Facts]] = field(default_factory=dict)
    around: Facts = field(default_factory=dict)

    def groups_of(self, part: Part) -> list[Facts]:
        """Return the groups of a part; others can be added to them. Parts are told apart by identity."""
        return self.groups.setdefault(id(part), [])

    def group(self, part: Part, name: Path) -> Facts:
        """Return the group a leaf joins: the part's only one, the last one that lacks it, or a new one."""
        own = self.groups_of(part)
        follows = bool(own) and not _is_address(part) and name in part.owned[1:] and name not in own[-1]
        if not own or not (part.single or follows):
            own.append({})
        return own[-1]

    def group_of_extra(self, part: Part) -> Facts:
        """Return the group an extra element joins."""
        own = self.groups_of(part)
        # The mark of a secret address joins the person's first address.
        if own and (part.single or _is_address(part)):
            return own[0]
        own.append({})
        return own[-1]


def _is_address(part: Part) -> bool:
    """Whether each owned path is a value of its own, as the two forms of address are."""
    return "address" in part.elements


def read_entity(kind: ItemKind, node: Node, context: Context) -> dict[str, tuple[JSONValue, ...]]:
    """Return the elements of one entity.

    Args:
        kind: What the entity is.
        node: The entity, checked.
        context: The message around it.
    """
    sorting = _Sorting(kind=kind, context=context)
    _sort(sorting, node, ())
    values: dict[str, list[JSONValue]] = {}
    for part in kind.parts:
        own = [{}] if isinstance(part, ConstantPart | UnitPart) else sorting.groups.get(id(part), [])
        if not own:
            continue
        whole = _together(own) if _is_address(part) else {}
        for facts in own:
            element = part.element(whole or facts, context)
            value = part.to_fhir(facts, context)
            if value is None:
                if facts != _GOES_WITHOUT_SAYING:
                    sorting.around.update(facts)
                continue
            riding = difference(facts, kind.writes(element, value, context) or {})
            values.setdefault(element, []).append(attach(value, riding) if riding else value)
    if sorting.around and not values:
        _add_carrier(values, sorting)
    return _with_around(values, sorting.around)


def _add_carrier(values: dict[str, list[JSONValue]], sorting: _Sorting) -> None:
    """Let the kind's first element say that it is absent: a notification may consist of relations that are nil."""
    element = sorting.kind.parts[0].elements[0]
    value = absent(None)
    riding = difference(sorting.around, sorting.kind.writes(element, value, sorting.context) or {})
    values[element] = [attach(value, riding or {})]
    sorting.around = {}


def _together(groups: Sequence[Facts]) -> Facts:
    """Return all facts of a part: a mark at one address says something about the others."""
    whole: Facts = {}
    for facts in groups:
        for path, leaf in facts.items():
            whole[free_path(whole, path)] = leaf
    return whole


def _with_around(values: dict[str, list[JSONValue]], around: Facts) -> dict[str, tuple[JSONValue, ...]]:
    if around:
        first = next(iter(values))
        values[first][0] = attach(values[first][0], around)
    return {element: tuple(found) for element, found in values.items()}


def _sort(sorting: _Sorting, node: Node, path: Path) -> None:
    attributes = own_attributes(node)
    if attributes or (not node.children and path):
        sorting.around[free_path(sorting.around, path) if path else ROOT] = Leaf("", attributes)
    for child in node.children:
        below = (*path, child.name)
        if below in sorting.kind.frame_set:
            _sort(sorting, child, below)
        elif child.name == EXTRA:
            _sort_extra(sorting, child, path)
        elif below in sorting.kind.owners:
            _sort_leaf(sorting, child, path)
        else:
            raise AssertionError(f"the mapping of `{sorting.kind.name}` has no owner for `{'/'.join(below)}`")


def _sort_leaf(sorting: _Sorting, node: Node, path: Path) -> None:
    below = (*path, node.name)
    part = sorting.kind.owners[below]
    facts: Facts = {}
    add_node(facts, node, path)
    for name in sorted(ATTRIBUTE_LEAVES & node.attributes.keys()):
        attribute = (*below, f"@{name}")
        sorting.groups_of(sorting.kind.owners[attribute]).append({attribute: facts.pop(attribute)})
    group = sorting.group(part, below)
    if below in group:
        # A second one of its kind in a part that makes one value: it keeps a number of its own.
        facts = {(*free_path(group, below), *known[len(below) :]): leaf for known, leaf in facts.items()}
    group.update(facts)


def _sort_extra(sorting: _Sorting, node: Node, path: Path) -> None:
    place, conventions = sorting.kind.place, sorting.context.conventions
    meaning = conventions.meaning(place, node.attributes[EXTRA_NAME]) if place else None
    part = sorting.kind.part_of_extra(meaning)
    if isinstance(part, ExtraPart) and not part.understands(node.text, nil=node.nil, again=_has(sorting, part)):
        part = sorting.kind.part_of_extra(None)
    group = sorting.group_of_extra(part)
    group[free_path(group, (*path, EXTRA))] = Leaf(node.text, own_attributes(node))


def _has(sorting: _Sorting, part: Part) -> bool:
    return bool(sorting.groups.get(id(part)))


def item_facts(
    kind: ItemKind, item: DocumentItem, withheld: Sequence[str], context: Context
) -> tuple[list[Facts], list[str]]:
    """Return the groups of facts that say what an item says, and the elements no part could write.

    Args:
        kind: What the item is in this message.
        item: The item.
        withheld: Names of its elements that were withheld.
        context: The message around it.
    """
    groups: list[Facts] = []
    unwritable: list[str] = []
    places = kind.element_order
    # A message sorts elements by name; the kind's own order makes the same file of the same values.
    for element in sorted(item.elements, key=lambda name: places.get(name, len(places))):
        for value in item.elements[element]:
            told = kind.writes(element, value, context)
            riding = riding_facts(value)
            facts = apply(told or {}, riding)
            if (told is None and not riding) or not fits(facts, context.table):
                unwritable.append(element)
            else:
                groups.append(facts)
    for element in withheld:
        if element not in item.elements:
            groups.extend(_masks(kind, element, context))
    return groups, unwritable


def fits(facts: Facts, table: Element) -> bool:
    """Whether the table has a place for every fact and every attribute: what rides along came from somebody else."""
    for path, leaf in facts.items():
        names = () if path == ROOT else path
        attributes = set(leaf.attributes)
        if names and names[-1].startswith("@"):
            attributes, names = attributes | {names[-1][1:]}, names[:-1]
        element = table.at(names)
        if element is None or not attributes <= element.attributes | {NIL}:
            return False
    return True


def _masks(kind: ItemKind, element: str, context: Context) -> list[Facts]:
    parts = [part for part in kind.parts if element in part.elements]
    masks = [part.masked(element, context) for part in parts if not isinstance(part, ExtraPart)]
    if not any(masks):
        masks = [part.masked(element, context) for part in parts if isinstance(part, ExtraPart)][:1]
    return [mask for mask in masks if mask]
