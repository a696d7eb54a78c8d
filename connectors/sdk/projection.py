"""What of a document this recipient may have, decided before anything is signed.

Labels tell too: that a finding on health or a secret address exists may already be too much. So only what the message
type has a place for (the legal maximum) and the decision permits goes into the message, label and value; a subject
about whom nothing is left stays out too. What is left out is listed with its reasons, for the sender's own people. The
hub decides again, by the same function.

    projection = project(document, parties=..., definitions=..., catalogue=..., facts=NO_FACTS, at=at, until=until)
    projection.items      # what may go
    projection.withheld   # (Withheld(label="document/d2/data", reasons=("category-not-in-ground",)), …)

Nothing is checked here about the legal minimum: see `connectors.sdk.composing`.

Source: the architecture, section 4, "Labels tell too", and section 5.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from connectors.sdk.ages import Age, age_of
from consent.decide import decide
from consent.decision import Deny, Permit
from consent.grounds import Catalogue
from consent.reasons import Mark, Reason
from consent.request import DataSubject, DisclosureRequest, Facts, Party, civil_day
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem, DocumentSubject, JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who sends to whom for which purpose, as admitted.

    Attributes:
        sender: The sender's role and capacity.
        recipient: The recipient's.
        purpose: Code of the ground.
        spoed: Whether the message is marked as an emergency.
    """

    sender: Party
    recipient: Party
    purpose: str
    spoed: bool = False


BEYOND_LEGAL_MAXIMUM: Final = "not-in-message-type"
"""Reason of this connector's own, beside those of `consent.reasons`."""

_BEYOND_TEXTS: Final = (
    "Dit soort bericht heeft hiervoor wettelijk geen plaats.",
    "By law this kind of message has no place for it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A label that does not go, and the code of every reason."""

    label: str
    reasons: tuple[str, ...]


def reason_texts(code: str) -> tuple[str, str]:
    """Say a reason to people, in Dutch and in English; a code that this version does not know says itself."""
    if code == BEYOND_LEGAL_MAXIMUM:
        return _BEYOND_TEXTS
    try:
        reason = Reason(code)
    except ValueError:
        return code, code
    return reason.nl, reason.en


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedSubject:
    """A person whom something that goes is about, with the age band of this message."""

    subject: DocumentSubject
    age: Age


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What goes and what does not.

    Attributes:
        subjects: Everyone an item that goes is about, in the document's order.
        items: What goes; `about` are indices into `subjects`, element names are in the order of RFC 8785.
        withheld: What does not go.
        marks: What must be shown with the permits, each once.
    """

    subjects: tuple[ProjectedSubject, ...]
    items: tuple[DocumentItem, ...]
    withheld: tuple[Withheld, ...]
    marks: tuple[Mark, ...]


def element_order(name: str) -> bytes:
    """Key that sorts element names as RFC 8785, section 3.2.3 does: by UTF-16 code units."""
    return name.encode("utf-16-be")


def leave_out_beyond_maximum(document: Document, *, definitions: Definitions) -> tuple[Document, tuple[Withheld, ...]]:
    """Leave out the elements for which the message type has no place.

    Raises:
        KeyError: The message type is unknown; look it up first.

    Source: the architecture, section 4; `schemas.definitions.MessageType.permits`.
    """
    kind = definitions.message_type(document.type)
    items: list[DocumentItem] = []
    withheld: list[Withheld] = []
    for item in document.items:
        elements = {name: values for name, values in item.elements.items() if kind.permits(item.profile, name)}
        withheld += (
            Withheld(label=f"{item.profile}/{item.id}/{name}", reasons=(BEYOND_LEGAL_MAXIMUM,))
            for name in sorted(item.elements.keys() - elements.keys(), key=element_order)
        )
        if elements:
            items.append(_with(item, about=item.about, elements=elements))
    return replace(document, items=tuple(items)), tuple(withheld)


def project(
    document: Document,
    *,
    parties: Parties,
    definitions: Definitions,
    catalogue: Catalogue,
    facts: Facts,
    at: datetime,
    until: datetime,
) -> Projection:
    """Keep of a document what its recipient may have.

    Args:
        document: What the native file says; every profile and element is known to the definitions.
        parties: Who sends to whom, for which purpose.
        definitions: Category of each element.
        catalogue: The grounds.
        facts: What is known about this case.
        at: The moment of sending.
        until: The moment at which the message lapses.

    Source: the architecture, section 5.
    """
    day, last = civil_day(at), civil_day(until)
    assert day is not None, "the clock gives aware moments"
    assert last is not None, "the clock gives aware moments"
    ages = tuple(
        age_of(birth_date=subject.birth_date, unborn=subject.unborn, day=day, until=last)
        for subject in document.subjects
    )
    kept: list[DocumentItem] = []
    withheld: list[Withheld] = []
    marks: dict[Mark, None] = {}
    for item in document.items:
        elements: dict[str, tuple[JSONValue, ...]] = {}
        for request in _requests(item, document=document, ages=ages, parties=parties, definitions=definitions):
            decision = decide(request, catalogue=catalogue, facts=facts, at=at)
            match decision:
                case Permit():
                    elements[request.element] = tuple(item.elements[request.element])
                    marks.update(dict.fromkeys(decision.marks))
                case Deny(reasons=reasons):
                    label = f"{item.profile}/{item.id}/{request.element}"
                    withheld.append(Withheld(label=label, reasons=tuple(reason.value for reason in reasons)))
                case _:
                    assert_never(decision)
        if elements:
            kept.append(_with(item, about=item.about, elements=elements))
    return _without_the_unmentioned(document, kept=kept, ages=ages, withheld=withheld, marks=tuple(marks))


def _requests(
    item: DocumentItem,
    *,
    document: Document,
    ages: tuple[Age, ...],
    parties: Parties,
    definitions: Definitions,
) -> Iterator[DisclosureRequest]:
    subjects = tuple(
        DataSubject(role=document.subjects[index].role, age=ages[index].band, turns=ages[index].turns)
        for index in item.about
    )
    for name in sorted(item.elements, key=element_order):
        yield DisclosureRequest(
            sender=parties.sender,
            recipient=parties.recipient,
            purpose=parties.purpose,
            message_type=document.type,
            profile=item.profile,
            element=name,
            category=definitions.category(item.profile, name),
            subjects=subjects,
            necessary=item.necessary,
            spoed=parties.spoed,
        )


def _without_the_unmentioned(
    document: Document,
    *,
    kept: list[DocumentItem],
    ages: tuple[Age, ...],
    withheld: list[Withheld],
    marks: tuple[Mark, ...],
) -> Projection:
    """Leave out the subjects about whom nothing goes, and number the others anew."""
    mentioned = sorted({index for item in kept for index in item.about})
    place = {index: number for number, index in enumerate(mentioned)}
    return Projection(
        subjects=tuple(ProjectedSubject(subject=document.subjects[index], age=ages[index]) for index in mentioned),
        items=tuple(
            _with(item, about=tuple(sorted({place[index] for index in item.about})), elements=item.elements)
            for item in kept
        ),
        withheld=tuple(withheld),
        marks=marks,
    )


def _with(item: DocumentItem, *, about: tuple[int, ...], elements: Mapping[str, tuple[JSONValue, ...]]) -> DocumentItem:
    return DocumentItem(profile=item.profile, id=item.id, about=about, elements=elements, necessary=item.necessary)
