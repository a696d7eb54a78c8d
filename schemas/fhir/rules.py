"""What belongs together in a message, where labels cannot show it.

1. an item's legal minimum is met by real values, not by absent ones
2. where a group of items needs a code (a parent with role 111 to 114, a professional with phone or e-mail), enough
   items have it
3. a person with authority is informed, or the reason why not is there
4. what refers to another item of the message refers to one that is there
5. the digest of an attachment is that of its bytes; all attachments together stay below the limit
6. nobody was born, and nothing decided or observed, in the future; what begins does not end before
7. only a fact is confirmed, and who disagrees says with what
8. a question, an answer and a correction say what theirs is to say (`schemas.fhir.exchange`)

What was withheld on the way cannot be judged: a rule that would need it is left out.

Source: DOMAIN 3 and 4; the architecture, section 4 (attachments); Jeugdwet 3.3 (facts and opinions apart).
"""

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from schemas.codes import Interaction
from schemas.definitions import ContentRule, Definitions, GroupMember, MessageType, Need, When
from schemas.document import DocumentItem, JSONValue
from schemas.errors import Issue
from schemas.fhir.exchange import check_exchange
from schemas.fhir.parts import read_parts
from schemas.fhir.primitives import lies_after
from schemas.fhir.values import check_items, concept_code, is_absent, plain

ATTACHMENTS_BYTES_MAX: Final = 16 * 1024 * 1024
_CORRECTION: Final = "correctie"
"""Its items may refer to items of the message that it corrects."""
_MAY_BE_ABSENT: Final = frozenset({"gender"})
"""Elements of a minimum for which an absent value with its reason is an answer too."""


def check_values(
    items: Sequence[DocumentItem],
    definitions: Definitions,
    *,
    message_type: str,
    on: date,
    unborn: Collection[int] = (),
    answers: Interaction | None = None,
    must_answer: bool = False,
    withheld: Collection[str] = (),
    root: str = "/items",
) -> tuple[Issue, ...]:
    """Check every value of a message: FHIR R4B shapes, code lists and rules.

    Whether the right labels are there is not checked: `schemas.structure` does. Run it first.

    Args:
        items: The items, as far as they are here.
        definitions: The definitions in force.
        message_type: Name of the message type; of an unknown one only the values themselves are checked.
        on: The day of the message, by which codes must hold.
        unborn: Which of the persons, by their place in the message, are not born yet: their minimum is another.
        answers: What kind of message an answer is to; None where that is not known.
        must_answer: Whether the ground over which an answer goes says that one must give it.
        withheld: Labels `<profile>/<item id>/<element>` that did not arrive; empty at the sender.
        root: Where the items stand, for the pointers.

    Returns:
        Every issue, with codes `sender.value.*`; nothing if all is well. No issue repeats a value.

    Source: DOMAIN 3 and 4.
    """
    wrong = check_items(items, definitions, on=on, root=root)
    # An item with a wrong value says nothing sure: the rules look at the others, and at the whole if there is none.
    indices = {int(issue.pointer.removeprefix(root).split("/")[1]) for issue in wrong}
    sound = [(index, item) for index, item in enumerate(items) if index not in indices]
    known = {(item.profile, item.id) for item in items}
    rules = _Rules(definitions, sound, known, on, frozenset(unborn), frozenset(withheld), root)
    kind = definitions.message_types.get(message_type)
    if kind is not None:
        rules.check_minimum(kind)
    if kind is not None and not wrong:
        rules.check_groups(kind)
    rules.check_authority()
    if message_type != _CORRECTION:
        rules.check_references()
    rules.check_attachments()
    rules.check_dates()
    rules.check_statements()
    said = check_exchange(
        sound,
        definitions,
        message_type=message_type,
        on=on,
        answers=answers,
        must_answer=must_answer,
        withheld=frozenset(withheld),
        root=root,
    )
    return (*wrong, *rules.issues, *said)


@dataclass(slots=True)
class _Rules:
    definitions: Definitions
    items: Sequence[tuple[int, DocumentItem]]
    known: set[tuple[str, str]]
    on: date
    unborn: frozenset[int]
    withheld: frozenset[str]
    root: str
    issues: list[Issue] = field(default_factory=list)

    def check_minimum(self, kind: MessageType) -> None:
        """Check rule 1."""
        for index, item in self.items:
            rule = kind.content.get(item.profile)
            if rule is None or self._is_incomplete(item):
                continue
            if not self._has_minimum(rule, item):
                profile = self.definitions.profiles[item.profile]
                text = f"what `{profile.name}` must say is there only as absent"
                text_nl = f"{profile.nl}: een verplicht gegeven is zonder waarde"
                self._add(f"{self.root}/{index}/elements", "minimum-absent", text, text_nl)

    def check_groups(self, kind: MessageType) -> None:
        """Check rule 2."""
        for group in kind.groups:
            members = {member.profile: member for member in group.members}
            coded = any(member.codes for member in group.members)
            if not coded or any(label.partition("/")[0] in members for label in self.withheld):
                continue
            count = sum(item.profile in members and self._counts(members[item.profile], item) for _, item in self.items)
            if count < group.min:
                text, text_nl = f"needed and not there: {group.en}", f"nodig en niet aanwezig: {group.nl}"
                self._add(self.root, "group-missing", text, text_nl)

    def _has_minimum(self, rule: ContentRule, item: DocumentItem) -> bool:
        """Whether each rule for such a person holds for real values."""
        unborn = not self.unborn.isdisjoint(item.about)
        return all(
            self._meets(need, item)
            for need in rule.needs
            if need.when is When.ALWAYS or (need.when is When.UNBORN) is unborn
        )

    def _meets(self, need: Need, item: DocumentItem) -> bool:
        return any(
            all(name in _MAY_BE_ABSENT or self._has(item, name) for name in alternative) for alternative in need.any_of
        )

    def _counts(self, member: GroupMember, item: DocumentItem) -> bool:
        if not all(self._has(item, name) for name in member.elements):
            return False
        values = item.elements.get(member.code_element or "", ())
        return not member.codes or any(_coded(value) in member.codes for value in values)

    def check_authority(self) -> None:
        """Check rule 3."""
        for index, item in self.items:
            if item.profile != "gezagsdrager" or "informed" not in item.elements:
                continue
            informed = [plain(value) for value in item.elements["informed"]]
            reason_is_elsewhere = f"{item.profile}/{item.id}/notInformedReason" in self.withheld
            if False in informed and not self._has(item, "notInformedReason") and not reason_is_elsewhere:
                text = "a person with authority is not informed, and no reason is given"
                text_nl = "een gezagsdrager is niet geïnformeerd, en de reden ontbreekt"
                self._add(f"{self.root}/{index}/elements", "reason-missing", text, text_nl)

    def check_references(self) -> None:
        """Check rule 4. Items of which nothing arrived are known by the labels that were withheld."""
        known = self.known | {(profile, rest.partition("/")[0]) for profile, _, rest in map(_split, self.withheld)}
        children = {identity for profile, identity in known if profile == "jeugdige"}
        every = {identity for _, identity in known}
        for index, item in self.items:
            for name, among in (("over", children), ("basis", every)):
                if self.definitions.profiles[item.profile].elements.get(name) is None or self._is_text(item, name):
                    continue
                for number, value in enumerate(item.elements.get(name, ())):
                    if plain(value) is not None and plain(value) not in among:
                        text = f"`{name}` of `{item.profile}` refers to an item that is not in the message"
                        self._refers_to_nothing(f"{self.root}/{index}/elements/{name}/{number}", text)
            for number, value in enumerate(item.elements.get("reaction", ())):
                by = read_parts(value).get("by")
                if by is not None and by not in every:
                    text = f"a reaction in `{item.profile}` is of a person who is not in the message"
                    self._refers_to_nothing(f"{self.root}/{index}/elements/reaction/{number}", text)

    def _refers_to_nothing(self, pointer: str, text: str) -> None:
        self._add(pointer, "reference", text, "verwijst naar een onderdeel dat niet in het bericht staat")

    def check_attachments(self) -> None:
        """Check rule 5."""
        total = 0
        for index, item in self.items:
            data = next(map(plain, item.elements.get("data", ())), None)
            if not isinstance(data, str):
                continue
            total += len(data) * 3 // 4 - data.count("=", -2)
            digest = next(map(plain, item.elements.get("hash", ())), None)
            if digest is not None and digest != _sha256(data):
                text = f"`hash` of `{item.profile}` is not the SHA-256 of its `data`"
                text_nl = "het controlegetal hoort niet bij het bestand"
                self._add(f"{self.root}/{index}/elements/hash", "hash", text, text_nl)
        if total > ATTACHMENTS_BYTES_MAX:
            text = f"the attachments are larger than {ATTACHMENTS_BYTES_MAX} bytes together"
            text_nl = "de bijlagen zijn samen te groot (meer dan 16 MiB)"
            self._add(self.root, "attachments-too-large", text, text_nl)

    def check_dates(self) -> None:
        """Check rule 6."""
        for index, item in self.items:
            known = self.definitions.profiles[item.profile].elements
            for name in item.elements:
                value = next(map(plain, item.elements[name]), None) if known[name].past else None
                if isinstance(value, str) and lies_after(value, self.on):
                    text, text_nl = f"`{name}` lies after the day of the message", "de datum ligt in de toekomst"
                    self._add(f"{self.root}/{index}/elements/{name}", "date-in-future", text, text_nl)
            begins, ends = (next(map(plain, item.elements.get(name, ())), None) for name in ("effective", "ends"))
            if isinstance(begins, str) and isinstance(ends, str) and ends[: len(begins)] < begins[: len(ends)]:
                text, text_nl = "a decision ends before it takes effect", "het besluit eindigt voor het ingaat"
                self._add(f"{self.root}/{index}/elements/ends", "period", text, text_nl)

    def check_statements(self) -> None:
        """Check rule 7: what somebody thinks, saw or suspects is not shown as if it were certain."""
        for index, item in self.items:
            kind = next(map(plain, item.elements.get("statementType", ())), None)
            certain = any(_coded(value) == "confirmed" for value in item.elements.get("verificationStatus", ()))
            if certain and kind is not None and kind != "feit":
                text = f"`{item.profile}` is confirmed, and is not stated as a fact"
                text_nl = "staat als bevestigd, maar is geen feit"
                self._add(f"{self.root}/{index}/elements/verificationStatus", "statement-certainty", text, text_nl)
            for number, value in enumerate(item.elements.get("reaction", ())):
                parts = read_parts(value)
                if parts.get("kind") == "oneens" and "text" not in parts:
                    text, text_nl = "who disagrees says with what", "wie het oneens is, zegt waarmee"
                    self._add(f"{self.root}/{index}/elements/reaction/{number}", "reaction-text", text, text_nl)

    def _is_incomplete(self, item: DocumentItem) -> bool:
        prefix = f"{item.profile}/{item.id}/"
        return any(label.startswith(prefix) for label in self.withheld)

    def _has(self, item: DocumentItem, name: str) -> bool:
        return any(not is_absent(value) for value in item.elements.get(name, ()))

    def _is_text(self, item: DocumentItem, name: str) -> bool:
        """Whether an element of that name holds text in this profile, not the id of an item."""
        return self.definitions.profiles[item.profile].elements[name].value.value != "id"

    def _add(self, pointer: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(Issue(pointer=pointer, code=f"sender.value.{code}", text=text, text_nl=text_nl))


def _split(label: str) -> tuple[str, str, str]:
    return label.partition("/")


def _coded(value: JSONValue) -> str | None:
    """Return the code of a concept, or the system of a contact point."""
    if isinstance(value, dict) and isinstance(system := value.get("system"), str):
        return system
    return concept_code(value)


def _sha256(data: str) -> str:
    return base64.b64encode(hashlib.sha256(base64.b64decode(data)).digest()).decode("ascii")
