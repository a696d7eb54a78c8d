"""What the definitions are made of, as values; `schemas.definitions.loader` reads them from data.

A **profile** names its FHIR R4B resource type and its elements, each with its data category; a **message type** names
which profiles and elements it must have (the legal minimum) and may have (the legal maximum). A **code list** is a
closed list that somebody publishes and changes, so each code has the days on which it holds.

Source: the architecture, section 4; DOMAIN 3 and 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schemas.codes import Category, Interaction, Role
from schemas.document import JSONValue


class ValueType(StrEnum):
    """FHIR R4B datatype of one value; see the head of `data/profiles.toml` for the form it travels in."""

    STRING = "string"
    CODE = "code"
    DATE = "date"
    DATE_TIME = "dateTime"
    BOOLEAN = "boolean"
    BASE64_BINARY = "base64Binary"
    ITEM_ID = "id"
    IDENTIFIER = "Identifier"
    HUMAN_NAME = "HumanName"
    ADDRESS = "Address"
    CONTACT_POINT = "ContactPoint"
    CODEABLE_CONCEPT = "CodeableConcept"
    PERIOD = "Period"
    EXTENSION = "Extension"
    ORGANIZATION = "Organization"

    @property
    def primitive(self) -> bool:
        """Whether FHIR writes it as a plain JSON string or boolean."""
        return self in _PRIMITIVES


# FHIR writes the names of its primitive datatypes small.
_PRIMITIVES = frozenset(kind for kind in ValueType if kind.value[0].islower())


class When(StrEnum):
    """For which child, or for which message, a rule holds; the age label says it."""

    ALWAYS = "always"
    BORN = "born"
    UNBORN = "unborn"


class ReplyRule(StrEnum):
    """Whether a message of a type may name the message it replies to."""

    NEVER = "never"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of a list and the days on which it holds.

    Attributes:
        code: As it travels.
        nl: Its name in Dutch.
        en: Its name in English.
        valid_from: First day on which it holds; None if it always did.
        valid_until: Last day on which it holds; None if it has no end yet.
        properties: What a rule wants to know of the code: `must` for a reason that may also refuse where the law says
            that one must answer.
    """

    code: str
    nl: str
    en: str
    valid_from: date | None = None
    valid_until: date | None = None
    properties: frozenset[str] = frozenset()

    def valid(self, on: date) -> bool:
        """Whether the code holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A closed list of codes. A code may stand in it more than once, for periods that do not overlap."""

    name: str
    system: str
    nl: str
    en: str
    source: str
    codes: Mapping[str, tuple[Code, ...]]

    def find(self, code: str, *, on: date) -> Code | None:
        """Find a code that holds on that day."""
        return next((entry for entry in self.codes.get(code, ()) if entry.valid(on)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One sub-extension of an extension of ours.

    Attributes:
        name: Its `url` within the extension.
        value: A primitive datatype; `id` is the id of another item of the same message.
        required: Whether it must be there.
        past: Whether its date cannot lie after the day of the message.
        codes: The code list that binds it, or None.
        pattern: Regular expression for the whole of a string, or None.
    """

    name: str
    value: ValueType
    required: bool
    past: bool
    codes: CodeList | None
    pattern: str | None

    @property
    def member(self) -> str:
        """Name of the member of the sub-extension in which FHIR has the value."""
        return "valueString" if self.value is ValueType.ITEM_ID else "value" + self.value[0].upper() + self.value[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDefinition:
    """One element of a profile.

    Attributes:
        name: Its label, visible to the hub.
        category: What the decision is about.
        value: Datatype of each of its values.
        max: How many values it may have.
        place: Where a value stands in the profile's resource (the grammar is in `data/profiles.toml`).
        place_other: Where it stands in the profile's other resource; None if it has no place there.
        codes: The code list that binds it, or None.
        allowed: The codes of that list that may stand here; None if there is no list.
        preferred: Whether a text may stand in place of a code.
        pattern: Regular expression for the whole of a string, or None.
        length: Characters of a string at most.
        past: Whether it is a date that cannot lie after the day of the message.
        url: Last part of the url of an extension value.
        parts: What an extension value consists of; None if that is open.
        nl: What people read, in Dutch.
        en: What people read, in English.
        example: A value, for documents and tests.
    """

    name: str
    category: Category
    value: ValueType
    max: int
    place: str
    place_other: str | None
    codes: CodeList | None
    allowed: frozenset[str] | None
    preferred: bool
    pattern: str | None
    length: int | None
    past: bool
    url: str | None
    parts: Mapping[str, Part] | None
    nl: str
    en: str
    example: JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an item may say.

    Attributes:
        name: Its label, visible to the hub.
        resource: FHIR R4B resource type.
        other_resource: The resource type of an item that is about an institution; None if there is none.
        findings: The elements that state something about a family; an item with one of them has the kind of statement,
            its source and the reaction of the person concerned. Empty for a profile that states nothing.
        elements: Element name to definition.
        nl: What people read, in Dutch.
        en: What people read, in English.
    """

    name: str
    resource: str
    other_resource: str | None
    findings: frozenset[str]
    elements: Mapping[str, ElementDefinition]
    nl: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An item must have all elements of at least one of the alternatives."""

    when: When
    any_of: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRule:
    """How often a profile may occur in a message type, and which of its elements.

    Attributes:
        profile: Name of the profile.
        min: Items at least.
        max: Items at most; None for no bound of its own.
        elements: Element name to how many values it may have: the legal maximum.
        needs: What each item must have: the legal minimum.
        recommended: Elements whose absence is worth a remark, but refuses nothing.
        off: Proposed and not in force: such an item is refused until a version of the definitions switches it on.
    """

    profile: str
    min: int
    max: int | None
    elements: Mapping[str, int]
    needs: tuple[Need, ...]
    recommended: frozenset[str]
    off: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """An item that counts for a group: of this profile, with these elements, and (by value) one of these codes.

    Attributes:
        profile: Name of the profile.
        elements: What it must have.
        code_element: The element of which one value must have one of `codes`; None if values do not matter.
        codes: Codes of a concept, or systems of a contact point.
    """

    profile: str
    elements: frozenset[str]
    code_element: str | None = None
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """How many items of several profiles a message has together."""

    name: str
    when: When
    min: int
    max: int | None
    members: tuple[GroupMember, ...]
    nl: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyValue:
    """A value of a reply by which one knows whether another one follows."""

    profile: str
    element: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """A kind of message: what it must say and may say, from whom to whom, and what answers it.

    Attributes:
        name: As it stands in `type`.
        version: As it stands in `ver`.
        interaction: Assignment, question or news.
        senders: Roles that may send it by its nature; whether one may send to another is the ground's.
        recipients: Roles that may receive it.
        replies: Message types that answer it.
        final_reply: After which value no further reply is awaited; None if the first reply is the last.
        interim_reply: After which value a further reply is awaited all the same; None if there is none.
        answers: Message types that it may reply to.
        reply_to: Whether `reply_to` may or must stand in it.
        answered_by_receipt: Whether the receipt is all the answer that an assignment gets.
        claims: Which of `asks`, `corrects`, `recalls`, `spoed` it uses.
        needs_claims: Which of these must stand in it.
        content: Profile name to its rule; what is not named here is beyond the legal maximum.
        groups: Rules over several profiles.
        nl: What people read, in Dutch.
        en: What people read, in English.
        source: Where the minimum and the maximum come from.
    """

    name: str
    version: int
    interaction: Interaction
    senders: frozenset[Role]
    recipients: frozenset[Role]
    replies: tuple[str, ...]
    final_reply: ReplyValue | None
    interim_reply: ReplyValue | None
    answers: tuple[str, ...]
    reply_to: ReplyRule
    answered_by_receipt: bool
    claims: frozenset[str]
    needs_claims: frozenset[str]
    content: Mapping[str, ContentRule]
    groups: tuple[GroupRule, ...]
    nl: str
    en: str
    source: str

    @property
    def expects_reply(self) -> bool:
        """Whether the sender waits for an answer."""
        return bool(self.replies)

    def permits(self, profile: str, element: str) -> bool:
        """Whether the legal maximum has a place for this label.

        A connector leaves out what has none, and says so to the sender, before it signs.
        """
        rule = self.content.get(profile)
        return rule is not None and not rule.off and element in rule.elements

    def may_say(self, value: ReplyValue, profiles: Mapping[str, Profile]) -> bool:
        """Whether a message of this type has a place for a value, and the value is a code there."""
        allowed = profiles[value.profile].elements[value.element].allowed if value.profile in profiles else None
        return self.permits(value.profile, value.element) and allowed is not None and value.code in allowed
