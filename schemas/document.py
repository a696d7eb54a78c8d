"""A case document inside one organisation: what a native file says, before anything is projected, signed or sealed.

A format (StUF, FHIR …) reads bytes into a `Document` and writes one back. Its values are FHIR R4B values: what stands
under the element's name in the profile's resource. The values never leave the organisation in this form.

    Document(
        type="verzoek-tot-onderzoek",
        subjects=(DocumentSubject(role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, "999911120")),),
        items=(DocumentItem(profile="jeugdige", id="p1", about=(0,), elements={"birthDate": ("2014-03-02",)}),),
        …
    )
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.codes import Capacity, Necessity, Register, SpoedReason, SubjectRole
from schemas.identifiers import MessageId

JSONValue: TypeAlias = "bool | int | str | list[JSONValue] | dict[str, JSONValue] | None"
"""What may travel as a value: no floating point numbers. FHIR decimals travel as strings of their digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSubject:
    """Somebody whom an item is about.

    Attributes:
        role: What this person is in the message.
        identifier: Naming system and number (BSN before RNI), or None: the person gets a random pseudonym.
        key: Finds the person again where there is no number: an unborn child's mother and expected date, a sending
            key of the native system. Local to the organisation and its case; never sent.
        birth_date: FHIR date, possibly only `YYYY` or `YYYY-MM`; None if unknown.
        unborn: Whether the child is not born yet.
    """

    role: SubjectRole
    identifier: tuple[str, str] | None = None
    key: str | None = None
    birth_date: str | None = None
    unborn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentItem:
    """One profile filled in: a child, a person with authority, a document.

    Attributes:
        profile: Name of the profile in `schemas/definitions/`.
        id: Short name, unique in the document: `[a-z][a-z0-9-]{0,31}`.
        about: Indices into the document's subjects; an item about several is permitted only if it is for each.
        necessary: Who judged the item to be necessary, if anybody did.
        elements: Element name to its values, each a FHIR R4B value; never empty.
    """

    profile: str
    id: str
    about: tuple[int, ...]
    elements: Mapping[str, tuple[JSONValue, ...]]
    necessary: Necessity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a native document is from or for, as it names it: an OIN, or a code of an address list."""

    organisation: str
    application: str | None = None
    unit: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentResponsible:
    """The professional who answers for the message, as the native document names them.

    Attributes:
        register: Where the number counts, or None when the document holds only an employee number.
        number: The registration number, or the organisation's own employee number.
    """

    register: Register | None
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one native file says.

    Attributes:
        type: Message type.
        reference: The native message's own number (`referentienummer`), unique for one sender; at most 40 characters.
        sender: From whom, as the document names it.
        receiver: For whom, as the document names it.
        subjects: Everyone an item is about; 1 to 16.
        items: The content, in the document's order.
        responsible: Who answers for it; None if the document names nobody.
        thread: The sender's own or the other side's case number that this answers (`heeftBetrekkingOpAndere`).
        case_reference: The sender's own case number, under which replies will come.
        remarks: What is worth telling the sender though it refuses nothing (a missing phone number).
        purpose: Code of the ground, where the document states it; None: the one that the message type leaves.
        capacity: In which capacity the sender, a GI, acts in it; None: as the settings say.
        receiver_capacity: In which capacity the receiver, a GI, acts in it; None: as the settings say.
        reply_to: The message of the exchange that it answers, where the document names it by its id.
        spoed: Why it cannot wait for the statement of a measure; None where it is no emergency.
    """

    type: str
    reference: str
    sender: Address
    receiver: Address
    subjects: tuple[DocumentSubject, ...]
    items: tuple[DocumentItem, ...]
    responsible: DocumentResponsible | None = None
    thread: str | None = None
    case_reference: str | None = None
    remarks: tuple[str, ...] = field(default=())
    purpose: str | None = None
    capacity: Capacity | None = None
    receiver_capacity: Capacity | None = None
    reply_to: MessageId | None = None
    spoed: SpoedReason | None = None

    @property
    def unborn(self) -> frozenset[int]:
        """Which of the subjects are not born yet, by their places."""
        return frozenset(place for place, subject in enumerate(self.subjects) if subject.unborn)
