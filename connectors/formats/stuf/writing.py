"""Writing: a `Document` to `vtoDi01` or `notificatieDi01`, valid by the schema.

What was withheld is written nil with `nietGeautoriseerd` where the schema allows it, else left out. Where a required
element was withheld, something honest stands in its place: an empty text with `noValue`, a date of which everything is
unknown, or the whole entity nil, up to the first that can be. Which items went with that is said in `Written`.

Source: DOMAIN.md, section 7.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from lxml import etree

from connectors.formats.ports import Written
from connectors.formats.stuf.building import ROOT, Out, add_facts, complete, to_xml
from connectors.formats.stuf.conventions import Conventions
from connectors.formats.stuf.entities import item_facts
from connectors.formats.stuf.facts import Facts, Leaf, riding_facts
from connectors.formats.stuf.grammar import Element
from connectors.formats.stuf.kinds import (
    CHILD,
    COLLEAGUE,
    DECISION,
    DOCUMENT,
    EXECUTOR,
    HEADER,
    PARTY,
    REPORTER,
    REQUEST,
    STATUS,
    ItemKind,
)
from connectors.formats.stuf.messages import NOTIFICATION, VTO
from connectors.formats.stuf.names import NIL, NO_VALUE, SENDING_KEY, local
from connectors.formats.stuf.parts import ESTABLISHMENT, PERSON, Context
from connectors.formats.stuf.tree import check_tree
from connectors.formats.stuf.values import MASKED, stuf_time, text_of
from schemas.document import Document, DocumentItem
from schemas.errors import DocumentError, Issue
from schemas.identifiers import BSN_SYSTEM, OIN_URN_PREFIX, RNI_SYSTEM

_TABLES = {"verzoek-tot-onderzoek": VTO, "notificatie-onderzoek": NOTIFICATION}
_KINDS = {
    "bericht": HEADER,
    "verzoek": REQUEST,
    "status": STATUS,
    "jeugdige": CHILD,
    "gezagsdrager": PARTY,
    "andere-persoon": PARTY,
    "melder": REPORTER,
    "document": DOCUMENT,
    "document-gezondheid": DOCUMENT,
    "besluit": DECISION,
}
_MERGED = frozenset({"header", "request", "status"})
_UNNAMED_SYSTEM = "Ketenhub"
_NOTHING = "geenWaarde"


def write_stuf(
    document: Document,
    *,
    withheld: Collection[str] = (),
    at: datetime | None = None,
    conventions: Conventions | None = None,
) -> bytes:
    """Write one StUF message; see `write_document`, which also says what could not be shown."""
    return write_document(document, withheld=withheld, at=at, conventions=conventions).data


def write_document(
    document: Document,
    *,
    withheld: Collection[str] = (),
    at: datetime | None = None,
    conventions: Conventions | None = None,
) -> Written:
    """Write one StUF message.

    Args:
        document: What was disclosed.
        withheld: Labels of what was not: `<profile>/<item id>/<element>`.
        at: Time of the message where the document has none.
        conventions: Settings of the format; None for the defaults.

    Returns:
        The file in UTF-8, and the items that it cannot show because something required beside them was withheld.

    Raises:
        DocumentError: The document has a value for which StUF has no place, or lacks what no message can be without.
    """
    table = _TABLES.get(document.type)
    if table is None:
        _refuse([Issue(pointer="/type", code="recipient.stuf.type", text="no StUF message of this type")])
    writer = _Writer(
        document=document, table=table, withheld=_by_item(withheld), at=at, conventions=conventions or Conventions()
    )
    return writer.write()


def _refuse(issues: list[Issue]) -> NoReturn:
    raise DocumentError("could not write the document as StUF", code=issues[0].code, issues=issues)


def _by_item(labels: Collection[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for label in sorted(labels):
        parts = label.split("/")
        if len(parts) == 3:
            found.setdefault((parts[0], parts[1]), []).append(parts[2])
    return found


@dataclass(kw_only=True)
class _Writer:
    """Writes one document."""

    document: Document
    table: Element
    withheld: dict[tuple[str, str], list[str]]
    at: datetime | None
    conventions: Conventions
    issues: list[Issue] = field(default_factory=list)
    omitted: list[str] = field(default_factory=list)

    def write(self) -> Written:
        """Return the file."""
        root = Out(name=self.table.name)
        header = Out(name="JZ:stuurgegevens")
        case = Out(name="JZ:object")
        root.children = [header, case]
        merged = {"header": header, "request": case, "status": case}
        keys = {item.id: tuple(_keys(item)) for item in self.document.items if item.profile == "jeugdige"}
        for index, item in enumerate(self.document.items):
            kind = self._kind(item)
            if kind is None:
                pointer = f"/items/{index}"
                self.issues.append(
                    Issue(pointer=pointer, code="recipient.stuf.profile", text="no place for this profile")
                )
                continue
            out = merged.get(kind.name) or Out(name=kind.root, group=1000 + index)
            self._fill(out, kind, item, index, keys)
            if kind.name not in _MERGED:
                self._add_entity(case, out, item)
        case.children.extend(self._withheld_items(executed=EXECUTOR.root in {child.name for child in case.children}))
        self._complete_header(header)
        return self._finish(root)

    def _kind(self, item: DocumentItem) -> ItemKind | None:
        if item.profile == "professional":
            executing = any(text_of(value) == "uitvoerend" for value in item.elements.get("kind", ()))
            return EXECUTOR if executing or (item.id == "uitvoerder") else COLLEAGUE
        kind = _KINDS.get(item.profile)
        return kind if kind is not None and self._place(kind) is not None else None

    def _place(self, kind: ItemKind) -> Element | None:
        return self.table.at(("JZ:object", kind.root)) if kind.name not in _MERGED else self.table.at((kind.root,))

    def _receiver(self) -> str:
        """Return whom the header names: the unit's code if the message has one, else the organisation."""
        for item in self.document.items:
            for value in item.elements.get("recipientUnit", ()) if item.profile == "bericht" else ():
                unit = text_of(value)
                if unit:
                    return unit
        return self.document.receiver.organisation.removeprefix(OIN_URN_PREFIX)

    def _fill(
        self, out: Out, kind: ItemKind, item: DocumentItem, index: int, keys: dict[str, tuple[tuple[str, str], ...]]
    ) -> None:
        place = self._place(kind)
        if place is None:
            raise AssertionError("a kind without a place is refused before")
        withheld = self.withheld.get((item.profile, item.id), [])
        context = Context(
            message=self.table.name,
            table=place,
            conventions=self.conventions,
            sender=self.document.sender.organisation.removeprefix(OIN_URN_PREFIX),
            receiver=self._receiver(),
            establishment=_is_establishment(kind, item, withheld),
            keys_of_child=keys,
        )
        groups, unwritable = item_facts(kind, item, withheld, context)
        self.issues.extend(
            Issue(
                pointer=f"/items/{index}/elements/{element}",
                code="recipient.stuf.value",
                text=f"StUF has no place for this value of `{element}`",
            )
            for element in unwritable
        )
        add_facts(out, groups, shared=kind.frame_set | frozenset(kind.shared))

    def _add_entity(self, case: Out, out: Out, item: DocumentItem) -> None:
        """Add an entity as a whole, or nil if what it requires was withheld."""
        place = self.table.at(("JZ:object", out.name))
        if place is None:
            raise AssertionError("a kind without a place is refused before")
        if not complete(out, place, MASKED if (item.profile, item.id) in self.withheld else _NOTHING):
            self.omitted.append(f"{item.profile}/{item.id}")
            out.children, out.text = [], ""
            out.attributes = {NIL: "true", NO_VALUE: MASKED}
        elif NIL in out.attributes:
            self.omitted.append(f"{item.profile}/{item.id}")
        case.children.append(out)

    def _withheld_items(self, *, executed: bool) -> Iterator[Out]:
        """Yield a nil relation for every item that was withheld as a whole.

        Args:
            executed: Whether the case has its executor: then a professional of whom nothing came was another one.
        """
        known = {(item.profile, item.id) for item in self.document.items}
        for index, (profile, _item_id) in enumerate(sorted(self.withheld.keys() - known)):
            kind = _KINDS.get(profile)
            if profile == "professional":
                kind, executed = (COLLEAGUE, executed) if executed else (EXECUTOR, True)
            if kind is None or kind.name in _MERGED or self._place(kind) is None:
                continue
            yield Out(name=kind.root, attributes={NIL: "true", NO_VALUE: MASKED}, group=100_000 + index)

    def _complete_header(self, header: Out) -> None:
        """Supply what a header needs and the document's header item does not have."""
        fixed = {
            "StUF:berichtcode": "Di01",
            "StUF:referentienummer": self.document.reference,
            "StUF:tijdstipBericht": stuf_time(self.at) if self.at is not None else "",
            "StUF:functie": local(self.table.name),
        }
        for name, text in fixed.items():
            if text:
                _supply(header, name).text = _supply(header, name).text or text
        sender, receiver = self.document.sender, self.document.receiver
        for name, organisation, application in (
            ("StUF:zender", sender.organisation.removeprefix(OIN_URN_PREFIX), sender.application),
            ("StUF:ontvanger", self._receiver(), receiver.application),
        ):
            system = _supply(header, name)
            # Whatever rode along, a file names as its sender who signed the message.
            _supply(system, "StUF:organisatie").text = organisation
            named = _supply(system, "StUF:applicatie")
            named.text = named.text or application or _UNNAMED_SYSTEM

    def _finish(self, root: Out) -> Written:
        if self.issues:
            _refuse(self.issues)
        if not complete(root, self.table, MASKED if self.withheld else _NOTHING):
            _refuse(
                [Issue(pointer="", code="recipient.stuf.incomplete", text="something that StUF requires is missing")]
            )
        try:
            xml = to_xml(root)
        except ValueError:
            # The library's message quotes the text.
            _refuse([Issue(pointer="", code="recipient.stuf.character", text="a character that XML cannot carry")])
        _, defects = check_tree(xml, self.table)
        if defects:
            _refuse([Issue(pointer=d.pointer, code="recipient.stuf.invalid", text=d.text) for d in defects])
        data = etree.tostring(xml, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        return Written(data=data, omitted=tuple(self.omitted))


def _supply(parent: Out, name: str) -> Out:
    """Return the child of a name, made if there is none."""
    for child in parent.children:
        if child.name == name:
            return child
    parent.children.append(Out(name=name))
    return parent.children[-1]


def _is_establishment(kind: ItemKind, item: DocumentItem, withheld: Collection[str]) -> bool:
    """Whether a party is an institution: by its element, by a reporter's name without family name, by what rides."""
    if kind not in {PARTY, COLLEAGUE, REPORTER}:
        return False
    if "organisation" in item.elements or "organisation" in withheld:
        return True
    names = [value for value in item.elements.get("name", ()) if isinstance(value, dict)]
    if kind is REPORTER and names:
        return all("text" in name for name in names)
    values = (value for found in item.elements.values() for value in found)
    return any(path[:2] == ESTABLISHMENT for value in values for path in riding_facts(value))


def _keys(child: DocumentItem) -> Iterator[tuple[str, str]]:
    """Yield a child's native keys, as the reader found them in the file."""
    riding: Facts = {}
    for values in child.elements.values():
        for value in values:
            riding.update(riding_facts(value))
    for kind, path in (("sleutel", PERSON), ("relatiesleutel", ROOT)):
        key = riding.get(path, Leaf()).attributes.get(SENDING_KEY)
        if key:
            yield kind, key
    for kind, system in (("bsn", BSN_SYSTEM), ("rni", RNI_SYSTEM)):
        for value in child.elements.get("identifier", ()):
            if isinstance(value, dict) and value.get("system") == system and isinstance(value.get("value"), str):
                yield kind, str(value["value"])


__all__ = ["write_document", "write_stuf"]
