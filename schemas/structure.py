"""Checks the structure of a message from its labels alone: does it hold what its type must hold, and nothing more?

The hub sees labels, never values, so it can check this and no more; the connectors on both ends check values
(`schemas.fhir`). The same rules are checked twice:

- `check_structure` for the signed claims, at the hub and at the recipient;
- `check_document_structure` for a document, at the sender, before anything is signed.

1. type and version are known
2. the message uses no claim (`asks`, `corrects`, `recalls`, `spoed`, `reply_to`) that its type does not use, and those
   that its type needs; for an emergency a registered professional answers
3. every profile and element is known, and the legal maximum has a place for it
4. every item has what it needs: the legal minimum; an item that says who a child is, is about one child
5. every profile and every group of profiles occurs often enough, and not too often

Who may send which type to whom is the decision's business (`consent`), and not checked here.

Source: the architecture, section 4; DOMAIN 3.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from schemas.canonical import json_pointer
from schemas.codes import AgeBand, Register, SubjectRole
from schemas.definitions import ContentRule, Definitions, GroupRule, MessageType, ReplyRule, When
from schemas.document import Document
from schemas.errors import Issue
from schemas.message import Message

CHILD_PROFILE: Final = "jeugdige"
"""The profile that says who a child is: what it says is of one child, and by its age the rules for it are chosen."""

_PREFIX: Final = "sender.structure."


class _Labelled(Protocol):
    """An item of a message or of a document: only its labels are looked at."""

    @property
    def profile(self) -> str: ...
    @property
    def about(self) -> tuple[int, ...]: ...
    @property
    def elements(self) -> Mapping[str, Sequence[object]]: ...


def check_structure(message: Message, definitions: Definitions) -> tuple[Issue, ...]:
    """Check the claims of a message against the definition of its type, from labels alone.

    Nothing is checked about values, parties, times or signatures.

    Returns:
        Every issue, with a JSON Pointer into the claims; nothing if the structure is right.

    Source: the architecture, sections 4 and 7.
    """
    kind = definitions.message_types.get(message.type)
    if kind is None:
        return (_unknown_type("/type"),)
    if message.version != kind.version:
        text = f"version {kind.version} of this message type is known, not this one"
        text_nl = f"van dit berichttype is versie {kind.version} bekend, deze niet"
        return (Issue(pointer="/ver", code=_PREFIX + "version-unknown", text=text, text_nl=text_nl),)
    issues = _check_claims(message, kind)
    people = tuple((subject.role, subject.age is AgeBand.UNBORN) for subject in message.subjects)
    _check_content(issues, kind, definitions, message.content, people=people, root="/content")
    return tuple(issues)


def check_document_structure(document: Document, definitions: Definitions) -> tuple[Issue, ...]:
    """Check a document before it is signed, by the same rules: an incomplete message is never sent.

    Returns:
        Every issue, with a JSON Pointer into the document (`/type`, `/items/…`); nothing if the structure is right.

    Source: the architecture, section 4, "Labels tell too".
    """
    kind = definitions.message_types.get(document.type)
    if kind is None:
        return (_unknown_type("/type"),)
    issues: list[Issue] = []
    people = tuple((subject.role, subject.unborn) for subject in document.subjects)
    _check_content(issues, kind, definitions, document.items, people=people, root="/items")
    return tuple(issues)


def find_remarks(document: Document, definitions: Definitions) -> tuple[Issue, ...]:
    """List what is worth telling the sender though it refuses nothing, such as a missing phone number."""
    kind = definitions.message_types.get(document.type)
    if kind is None:
        return ()
    remarks = []
    for index, item in enumerate(document.items):
        rule = kind.content.get(item.profile)
        for name in sorted(rule.recommended - item.elements.keys()) if rule else ():
            title = definitions.profiles[item.profile].elements[name]
            remarks.append(
                Issue(
                    pointer=json_pointer("items", index, "elements"),
                    code=_PREFIX + "element-recommended",
                    text=f"`{item.profile}` has no `{name}`",
                    text_nl=f"{definitions.profiles[item.profile].nl}: {title.nl} ontbreekt",
                )
            )
    return tuple(remarks)


def _unknown_type(pointer: str) -> Issue:
    return Issue(
        pointer=pointer,
        code=_PREFIX + "type-unknown",
        text="there is no such message type",
        text_nl="dit berichttype bestaat niet",
    )


def _check_claims(message: Message, kind: MessageType) -> list[Issue]:
    """Check step 2."""
    issues = []
    for name in ("asks", "corrects", "recalls", "spoed"):
        if getattr(message, name) is not None and name not in kind.claims:
            text, text_nl = f"`{kind.name}` has no use for `{name}`", f"`{kind.name}` kent geen `{name}`"
            issues.append(Issue(pointer=f"/{name}", code=_PREFIX + "claim-not-used", text=text, text_nl=text_nl))
        elif name in kind.needs_claims and getattr(message, name) is None:
            text, text_nl = f"`{kind.name}` needs `{name}`", f"in een {kind.nl.lower()} hoort `{name}`"
            issues.append(Issue(pointer=f"/{name}", code=_PREFIX + "claim-missing", text=text, text_nl=text_nl))
    if message.spoed is not None and "spoed" in kind.claims and message.responsible.register is Register.EIGEN:
        text = "for an emergency a professional of a register answers: SKJ or BIG"
        text_nl = "voor spoed staat een geregistreerde professional in: SKJ of BIG"
        issues.append(Issue(pointer="/responsible", code=_PREFIX + "spoed-unnamed", text=text, text_nl=text_nl))
    if message.reply_to is not None and kind.reply_to is ReplyRule.NEVER:
        text, text_nl = f"`{kind.name}` replies to nothing", f"`{kind.name}` is nooit een antwoord"
        issues.append(Issue(pointer="/reply_to", code=_PREFIX + "reply-not-used", text=text, text_nl=text_nl))
    elif message.reply_to is None and kind.reply_to is ReplyRule.REQUIRED:
        text, text_nl = f"`{kind.name}` names what it replies to", f"`{kind.name}` noemt waarop het antwoord geeft"
        issues.append(Issue(pointer="/reply_to", code=_PREFIX + "reply-missing", text=text, text_nl=text_nl))
    return issues


def _check_content(
    issues: list[Issue],
    kind: MessageType,
    definitions: Definitions,
    items: Sequence[_Labelled],
    *,
    people: Sequence[tuple[SubjectRole, bool]],
    root: str,
) -> None:
    """Check steps 3 to 5 in one pass over the items: the hub does this for every message.

    Args:
        issues: Where the findings go.
        kind: The message type.
        definitions: What its profiles are.
        items: The content.
        people: Of each subject its role, and whether it is not born yet.
        root: Pointer to the items.
    """
    counts: dict[str, int] = {}
    any_unborn = False
    for index, item in enumerate(items):
        name = item.profile
        rule = kind.content.get(name)
        if rule is None or rule.off:
            issues.append(_not_permitted(f"{root}/{index}/profile", kind, definitions, name, off=rule is not None))
            continue
        counts[name] = counts.get(name, 0) + 1
        if name == CHILD_PROFILE and [people[subject][0] for subject in item.about] != [SubjectRole.JEUGDIGE]:
            issues.append(_not_one_child(f"{root}/{index}/about"))
        about_unborn = any(people[subject][1] for subject in item.about)
        any_unborn = any_unborn or about_unborn
        _check_item(issues, rule, definitions, item, unborn=about_unborn, pointer=f"{root}/{index}/elements")
    for name, rule in kind.content.items():
        count = counts.get(name, 0)
        if count < rule.min:
            issues.append(_too_few(root, definitions, name, rule.min))
        elif rule.max is not None and count > rule.max:
            issues.append(_too_many(root, definitions, name, rule.max))
    for group in kind.groups:
        if group.when is When.ALWAYS or (group.when is When.UNBORN) is any_unborn:
            _check_group(issues, group, items, root)


def _check_item(
    issues: list[Issue],
    rule: ContentRule,
    definitions: Definitions,
    item: _Labelled,
    *,
    unborn: bool,
    pointer: str,
) -> None:
    limits = rule.elements
    elements = item.elements
    for element, values in elements.items():
        if not 0 < len(values) <= limits.get(element, 0):
            issues.append(_wrong_element(pointer, rule, definitions, element, len(values)))
    for need in rule.needs:
        if need.when is When.ALWAYS or (need.when is When.UNBORN) is unborn:
            present = elements.keys()
            if not any(present >= alternative for alternative in need.any_of):
                issues.append(_incomplete(pointer, definitions, rule.profile, need.any_of))


def _check_group(issues: list[Issue], group: GroupRule, items: Sequence[_Labelled], root: str) -> None:
    members = {member.profile: member.elements for member in group.members}
    count = sum(item.profile in members and item.elements.keys() >= members[item.profile] for item in items)
    if count < group.min:
        issues.append(
            Issue(
                pointer=root,
                code=_PREFIX + "group-missing",
                text=f"needed and not there: {group.en}",
                text_nl=f"nodig en niet aanwezig: {group.nl}",
            )
        )
    elif group.max is not None and count > group.max:
        issues.append(
            Issue(
                pointer=root,
                code=_PREFIX + "group-too-many",
                text=f"more than there may be: {group.en}",
                text_nl=f"meer dan is toegestaan: {group.nl}",
            )
        )


def _not_permitted(pointer: str, kind: MessageType, definitions: Definitions, name: str, *, off: bool) -> Issue:
    profile = definitions.profiles.get(name)
    if profile is None:
        return Issue(
            pointer=pointer,
            code=_PREFIX + "profile-unknown",
            text="there is no such profile",
            text_nl="dit profiel bestaat niet",
        )
    why, why_nl = ("is not switched on in", "staat nog niet aan in") if off else ("has no place in", "hoort niet in")
    return Issue(
        pointer=pointer,
        code=_PREFIX + ("profile-off" if off else "profile-not-permitted"),
        text=f"`{name}` {why} `{kind.name}`",
        text_nl=f"{profile.nl} {why_nl} {kind.nl.lower()}",
    )


def _not_one_child(pointer: str) -> Issue:
    return Issue(
        pointer=pointer,
        code=_PREFIX + "child-not-one",
        text=f"`{CHILD_PROFILE}` is about one subject, whose role is `{SubjectRole.JEUGDIGE}`",
        text_nl="een jeugdige-gegeven gaat over één persoon, met de rol jeugdige",
    )


def _wrong_element(pointer: str, rule: ContentRule, definitions: Definitions, name: str, count: int) -> Issue:
    profile = definitions.profiles[rule.profile]
    element = profile.elements.get(name)
    if element is None:
        return Issue(
            pointer=pointer,
            code=_PREFIX + "element-unknown",
            text=f"`{profile.name}` has no such element",
            text_nl=f"{profile.nl} kent dit gegeven niet",
        )
    pointer = f"{pointer}/{name}"
    limit = rule.elements.get(name)
    if limit is None:
        return Issue(
            pointer=pointer,
            code=_PREFIX + "element-not-permitted",
            text=f"`{name}` of `{profile.name}` has no place in this message type",
            text_nl=f"{profile.nl}: {element.nl} hoort niet in dit berichttype",
        )
    if count == 0:
        return Issue(
            pointer=pointer,
            code=_PREFIX + "element-empty",
            text=f"`{name}` of `{profile.name}` has no value",
            text_nl=f"{profile.nl}: {element.nl} heeft geen waarde",
        )
    return Issue(
        pointer=pointer,
        code=_PREFIX + "element-too-many",
        text=f"`{name}` of `{profile.name}` has {count} values where {limit} may stand",
        text_nl=f"{profile.nl}: {element.nl} heeft {count} waarden, ten hoogste {limit} mag",
    )


def _incomplete(pointer: str, definitions: Definitions, name: str, any_of: tuple[frozenset[str], ...]) -> Issue:
    profile = definitions.profiles[name]

    def alternatives(title: Callable[[str], str], conjunction: str, disjunction: str) -> str:
        return disjunction.join(conjunction.join(title(element) for element in sorted(each)) for each in any_of)

    needed = alternatives(lambda element: f"`{element}`", " and ", ", or ")
    needed_nl = alternatives(lambda element: profile.elements[element].nl, " en ", ", of ")
    return Issue(
        pointer=pointer,
        code=_PREFIX + "element-missing",
        text=f"`{name}` needs {needed}",
        text_nl=f"{profile.nl}: {needed_nl} is nodig",
    )


def _too_few(root: str, definitions: Definitions, name: str, least: int) -> Issue:
    return Issue(
        pointer=root,
        code=_PREFIX + "item-missing",
        text=f"at least {least} `{name}` is needed",
        text_nl=f"{definitions.profiles[name].nl}: ten minste {least} is nodig",
    )


def _too_many(root: str, definitions: Definitions, name: str, most: int) -> Issue:
    return Issue(
        pointer=root,
        code=_PREFIX + "item-too-many",
        text=f"at most {most} `{name}` may stand in the message",
        text_nl=f"{definitions.profiles[name].nl}: ten hoogste {most} mag in het bericht staan",
    )
