"""Reading: `vtoDi01` and `notificatieDi01` to a `Document`.

The order: (1) harmless XML; (2) which message it is; (3) every element by the table; (4) the rules that the schema does
not have; all findings of 2 to 4 are reported together. Then (5) items and (6) whom they are about.

Not checked here: whether `zender` is the organisation that sends the file (the agent knows its own OIN), and what a
message type must have (`schemas.structure`).

Source: StUF-koppelvlak Jeugdzorg 1.0.9; DOMAIN.md, sections 3, 4 and 7.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from connectors.formats.stuf.cases import OTHER_NUMBER
from connectors.formats.stuf.checks import check_rules
from connectors.formats.stuf.conventions import Conventions
from connectors.formats.stuf.entities import read_entity
from connectors.formats.stuf.facts import Facts, Leaf, add_node, attach
from connectors.formats.stuf.kinds import (
    CHILD,
    COLLEAGUE,
    DECISION,
    DOCUMENT,
    DOCUMENT_TYPE,
    EMPLOYEE,
    EXECUTOR,
    HEADER,
    PARTY,
    REPORTER,
    REQUEST,
    STATUS,
    ItemKind,
)
from connectors.formats.stuf.messages import MESSAGES, UNBORN, VTO
from connectors.formats.stuf.names import EXTRA, EXTRA_NAME, NAMESPACES, SENDING_KEY, local, prefixed
from connectors.formats.stuf.parsing import parse_xml
from connectors.formats.stuf.parts import ESTABLISHMENT, PERSON, RELATED, Context
from connectors.formats.stuf.tree import Node, check_tree
from connectors.formats.stuf.values import DATE
from schemas.codes import Necessity, SubjectRole
from schemas.document import (
    Address,
    Document,
    DocumentItem,
    DocumentResponsible,
    DocumentSubject,
    JSONValue,
)
from schemas.errors import DocumentError, Issue
from schemas.identifiers import BSN_SYSTEM, RNI_SYSTEM

MESSAGE_TYPES = {"JZ:vtoDi01": "verzoek-tot-onderzoek", "JZ:notificatieDi01": "notificatie-onderzoek"}
_OTHER_MESSAGES = frozenset({"zorgmeldingDi01", "notificatiejrDi01", "zorgmeldingTerugkoppelingDi01"})
_PROFILES_OF_PARTIES = frozenset({"gezagsdrager", "andere-persoon"})


def read_stuf(data: bytes, *, conventions: Conventions | None = None) -> Document:
    """Read one StUF message.

    Args:
        data: The file, at most 32 MiB.
        conventions: Settings of the format; None for the defaults.

    Returns:
        What the file says; nothing of it is left out but comments and white space.

    Raises:
        DocumentError: The file is no such message, or has defects; `issues` lists each with its place.

    Source: StUF-koppelvlak Jeugdzorg 1.0.9, schema set `jrberichten`.
    """
    settings = conventions or Conventions()
    root = parse_xml(data)
    name = _message_name(root)
    node, issues = check_tree(root, MESSAGES[name])
    issues = [_as_function(issue) for issue in issues]
    issues += check_rules(node, settings)
    if issues:
        raise DocumentError(
            f"could not read `{local(name)}`: {len(issues)} defects", code=issues[0].code, issues=issues
        )
    return _Reader(node=node, conventions=settings).document()


def _message_name(root: etree._Element) -> str:
    name = prefixed(str(root.tag))
    strangers = {str(element.tag) for element in root.iter(etree.Element) if not str(element.tag).startswith(_KNOWN)}
    if name in MESSAGES and not strangers:
        return name
    known = local(name) in {local(message) for message in MESSAGES}
    if known or strangers:
        _refuse(
            "sender.stuf.version",
            "not StUF Jeugdzorg 1.0.9: an element stands in another namespace or version",
            "dit is geen StUF Jeugdzorg 1.0.9: een element staat in een andere namespace of versie",
        )
    what = f"`{local(name)}`" if local(name) in _OTHER_MESSAGES else "this message"
    _refuse(
        "sender.stuf.function",
        f"{what} is not handled; handled are `vtoDi01` and `notificatieDi01`",
        "dit bericht wordt niet verwerkt; wel `vtoDi01` en `notificatieDi01`",
    )
    raise AssertionError("unreachable")


_KNOWN = tuple(f"{{{uri}}}" for uri in NAMESPACES.values())


def _refuse(code: str, text: str, text_nl: str) -> None:
    raise DocumentError(
        f"could not read the StUF file: {text}",
        code=code,
        issues=[Issue(pointer="", code=code, text=text, text_nl=text_nl)],
    )


def _as_function(issue: Issue) -> Issue:
    """Say of a wrong function or message code what it is: another message than the file begins with."""
    if issue.pointer.endswith(("/stuurgegevens/functie", "/stuurgegevens/berichtcode")):
        text_nl = "functie of berichtcode past niet bij dit bericht"
        return replace(issue, code="sender.stuf.function", text="not the function of this message", text_nl=text_nl)
    return issue


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entity:
    """One entity and what it is."""

    kind: ItemKind
    node: Node
    id: str
    profile: str
    subject: int | None = None
    necessary: bool = False


@dataclass(kw_only=True)
class _Reader:
    """Makes the document of one checked message."""

    node: Node
    conventions: Conventions
    subjects: list[DocumentSubject] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    child_of_key: dict[str, str] = field(default_factory=dict)
    keys_of_child: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def document(self) -> Document:
        """Return the document."""
        header, case = self.node.all("JZ:stuurgegevens")[0], self.node.all("JZ:object")[0]
        entities = list(self._entities(case))
        items = [self._item(entity) for entity in entities]
        case_kind, case_profile, case_id = (
            (REQUEST, "verzoek", "verzoek") if self.node.name == VTO.name else (STATUS, "status", "status")
        )
        case_entity = _Entity(kind=case_kind, node=_without_entities(case), id=case_id, profile=case_profile)
        case_item = _with_hollow_entities(self._item(case_entity), case)
        header_item = self._item(_Entity(kind=HEADER, node=header, id="bericht", profile="bericht"))
        number = case.find("ZKN:identificatie")
        other = case.find(*OTHER_NUMBER)
        return Document(
            type=MESSAGE_TYPES[self.node.name],
            reference=_text(header.find("StUF:referentienummer")),
            sender=_address(header, "StUF:zender"),
            receiver=_address(header, "StUF:ontvanger"),
            subjects=tuple(self.subjects),
            items=(header_item, case_item, *items),
            responsible=_responsible(case),
            thread=(_text(other) or None) if self.node.name != VTO.name else None,
            case_reference=_text(number) or None,
            remarks=tuple(_remarks(entities)),
        )

    def _entities(self, case: Node) -> Iterator[_Entity]:
        """Name every entity, children first, and make the subjects."""
        for index, child in enumerate(split_children(case), start=1):
            item_id = f"k{index}"
            self._know_child(child, item_id)
            subject = self._add_subject(_child_subject(child, case))
            yield _Entity(kind=CHILD, node=child, id=item_id, profile="jeugdige", subject=subject)
        for index, party in enumerate(_filled(case, "ZKN:heeftAlsBelanghebbende"), start=1):
            yield self._party(party, f"b{index}")
        for executor in _filled(case, "ZKN:heeftAlsUitvoerende"):
            yield _Entity(kind=EXECUTOR, node=executor, id="uitvoerder", profile="professional")
        for index, document in enumerate(_filled(case, "ZKN:heeftRelevant"), start=1):
            description = _text(document.find(*DOCUMENT_TYPE))
            health = description in self.conventions.health_documents
            yield _Entity(
                kind=DOCUMENT,
                node=document,
                id=f"d{index}",
                profile="document-gezondheid" if health else "document",
                necessary=health and self.conventions.is_necessary(description),
            )
        for index, decision in enumerate(_filled(case, "ZKN:leidtTot"), start=1):
            yield _Entity(kind=DECISION, node=decision, id=f"besluit{index}", profile="besluit")

    def _party(self, party: Node, item_id: str) -> _Entity:
        row = self.conventions.roles.by_name(_text(party.find("ZKN:omschrijving")))
        if row is None:
            raise AssertionError("the rules refuse a role that the list does not have")
        kind = {"melder": REPORTER, "professional": COLLEAGUE}.get(row.profile, PARTY)
        subject = None
        if kind is not COLLEAGUE and party.find(*PERSON) is not None:
            role = SubjectRole.OUDER if row.parent else SubjectRole.ANDER
            subject = self._add_subject(_person_subject(party, role))
        return _Entity(kind=kind, node=party, id=item_id, profile=row.profile, subject=subject)

    def _add_subject(self, subject: DocumentSubject) -> int:
        """Add a person, or find the one with the same number: nobody has two pseudonyms in one message."""
        for index, known in enumerate(self.subjects):
            if subject.identifier is not None and known.identifier == subject.identifier:
                return index
        self.subjects.append(subject)
        return len(self.subjects) - 1

    def _know_child(self, child: Node, item_id: str) -> None:
        keys = tuple(child_keys(child))
        self.keys_of_child[item_id] = keys
        for _, key in keys:
            self.child_of_key.setdefault(key, item_id)

    def _item(self, entity: _Entity) -> DocumentItem:
        context = Context(
            message=self.node.name,
            table=entity.node.element,
            conventions=self.conventions,
            sender=_text(self.node.find("JZ:stuurgegevens", "StUF:zender", "StUF:organisatie")),
            receiver=_text(self.node.find("JZ:stuurgegevens", "StUF:ontvanger", "StUF:organisatie")),
            establishment=entity.node.find(*ESTABLISHMENT) is not None,
            child_of_key=self.child_of_key,
            keys_of_child=self.keys_of_child,
        )
        elements = read_entity(entity.kind, entity.node, context)
        everyone = tuple(index for index, known in enumerate(self.subjects) if known.role is SubjectRole.JEUGDIGE)
        return DocumentItem(
            profile=entity.profile,
            id=entity.id,
            about=everyone if entity.subject is None else (entity.subject,),
            elements=elements,
            necessary=Necessity.FORMAT if entity.necessary else None,
        )


_ENTITIES = frozenset(kind.root for kind in (CHILD, PARTY, EXECUTOR, DOCUMENT, DECISION))


def _without_entities(case: Node) -> Node:
    """Return the case without the elements that are items of their own."""
    kept = [child for child in case.children if child.name not in _ENTITIES]
    return replace(case, children=kept)


def _with_hollow_entities(item: DocumentItem, case: Node) -> DocumentItem:
    """Let relations without content ride with the case: they say that there is nobody, and no item could."""
    riding: Facts = {}
    for child in case.children:
        if child.name in _ENTITIES and _is_hollow(child):
            add_node(riding, child, ())
    if not riding:
        return item
    first = next(iter(item.elements))
    values: Mapping[str, tuple[JSONValue, ...]] = {
        **item.elements,
        first: (attach(item.elements[first][0], riding), *item.elements[first][1:]),
    }
    return replace(item, elements=values)


def _is_hollow(relation: Node) -> bool:
    """Whether a relation is nil, or all that it has is an entity that is nil or empty."""
    return relation.nil or all(child.name == RELATED[0] and not child.children for child in relation.children)


def _filled(case: Node, name: str) -> list[Node]:
    return [child for child in case.all(name) if not _is_hollow(child)]


def split_children(case: Node) -> list[Node]:
    """Return one relation for each child: a relation with several children says the same as several with one."""
    found: list[Node] = []
    for relation in _filled(case, "ZKN:heeftBetrekkingOp"):
        related = relation.find(*RELATED)
        people = related.all("ZKN:natuurlijkPersoon") if related is not None else []
        for index, person in enumerate(people):
            if related is None:
                raise AssertionError("a child stands in a relation")
            kind = relation.all("ZKN:omschrijving")
            # What is said of the relation once stays with its first child.
            rest = [child for child in relation.children if child.name not in {RELATED[0], "ZKN:omschrijving"}]
            one = replace(related, children=[person], attributes=related.attributes if index == 0 else {})
            children = [one, *kind, *(rest if index == 0 else [])]
            found.append(replace(relation, children=children, attributes=relation.attributes if index == 0 else {}))
    return found


def child_keys(child: Node) -> Iterator[tuple[str, str]]:
    """Yield the keys by which a file can name a child: sending keys, then BSN, then RNI number."""
    person = child.find(*PERSON)
    for kind, node in (("sleutel", person), ("relatiesleutel", child)):
        key = node.attributes.get(SENDING_KEY) if node is not None else None
        if key:
            yield kind, key
    for kind, value in (("bsn", _number(child, "BG:inp.bsn")), ("rni", _rni(child))):
        if value:
            yield kind, value


def _number(entity: Node, name: str) -> str:
    return _text(entity.find(*PERSON, name))


def _rni(entity: Node) -> str:
    number = _number(entity, "BG:anp.identificatie")
    if number:
        return number
    for node in entity.descendants():
        if node.name == EXTRA and node.attributes.get(EXTRA_NAME) == "anp.identificatie":
            return node.text
    return ""


def _person_number(entity: Node) -> tuple[str, str] | None:
    bsn, rni = _number(entity, "BG:inp.bsn"), _rni(entity)
    if bsn:
        return BSN_SYSTEM, bsn
    return (RNI_SYSTEM, rni) if rni else None


def _birth_date(entity: Node) -> str | None:
    node = entity.find(*PERSON, "BG:geboortedatum")
    if node is None or not node.text:
        return None
    found = DATE.encode(Leaf(node.text, node.attributes))
    return found if isinstance(found, str) else None


def _child_subject(child: Node, case: Node) -> DocumentSubject:
    unborn = _text(child.find("ZKN:omschrijving")) == UNBORN
    key = next((key for kind, key in child_keys(child) if kind.endswith("sleutel")), None)
    date = _birth_date(child)
    if unborn and key is None:
        mother = next((_name_key(party) for party in _filled(case, "ZKN:heeftAlsBelanghebbende")), "")
        key = f"ongeboren/{mother}/{date or ''}"
    return DocumentSubject(
        role=SubjectRole.JEUGDIGE,
        identifier=_person_number(child),
        key=key or f"{_name_key(child)}/{date or ''}",
        birth_date=None if unborn else date,
        unborn=unborn,
    )


def _person_subject(party: Node, role: SubjectRole) -> DocumentSubject:
    date = _birth_date(party)
    person = party.find(*PERSON)
    key = (person.attributes.get(SENDING_KEY) if person else None) or party.attributes.get(SENDING_KEY)
    return DocumentSubject(
        role=role,
        identifier=_person_number(party),
        key=key or f"{_name_key(party)}/{date or ''}",
        birth_date=date,
    )


def _name_key(entity: Node) -> str:
    names = ("BG:voorvoegselGeslachtsnaam", "BG:geslachtsnaam", "BG:voorletters", "BG:voornamen")
    return " ".join(filter(None, (_text(entity.find(*PERSON, name)).casefold() for name in names)))


def _address(header: Node, system: str) -> Address:
    return Address(
        organisation=_text(header.find(system, "StUF:organisatie")),
        application=_text(header.find(system, "StUF:applicatie")) or None,
        unit=_text(header.find(system, "StUF:administratie")) or None,
        user=_text(header.find(system, "StUF:gebruiker")) or None,
    )


def _responsible(case: Node) -> DocumentResponsible | None:
    number = _text(case.find("ZKN:heeftAlsUitvoerende", *EMPLOYEE, "ZKN:identificatie"))
    return DocumentResponsible(register=None, number=number) if number else None


def _text(node: Node | None) -> str:
    return node.text if node is not None else ""


def _remarks(entities: list[_Entity]) -> Iterator[str]:
    """Say what is missing and refuses nothing: a telephone number of somebody with authority."""
    for entity in entities:
        if entity.profile not in _PROFILES_OF_PARTIES or entity.kind is not PARTY:
            continue
        owner = ESTABLISHMENT if entity.node.find(*ESTABLISHMENT) is not None else PERSON
        if entity.profile == "gezagsdrager" and not _text(entity.node.find(*owner, "BG:sub.telefoonnummer")):
            yield f"gezagsdrager `{entity.id}`: geen telefoonnummer (no telephone number)"
