"""What of a document this recipient may have, decided before anything is signed.

Labels tell too: that a finding on health or a secret address exists may already be too much. So only what the message
type has a place for (the legal maximum) and the decision permits goes into the message, label and value; a subject
about whom nothing is left stays out too. What is left out is listed with its reasons, for the sender's own people. The
hub decides again, by the same function.

    projection = project(document, exchange=…, definitions=…, decisions=…, facts=NO_FACTS, at=at, until=until)
    projection.items      # what may go
    projection.withheld   # (Withheld(label="document/d2/data", reasons=("category-not-in-ground",)), …)

Nothing is checked here about the legal minimum: see `connectors.sdk.composing`.

Source: the architecture, section 4, "Labels tell too", and section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from connectors.sdk.ages import Age, age_of
from consent.decision import Deny, Permit
from consent.memo import DecisionMemo
from consent.reasons import Mark, Reason
from consent.request import DataSubject, Exchange, Facts, civil_day
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem, DocumentSubject, JSONValue

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
    exchange: Exchange,
    definitions: Definitions,
    decisions: DecisionMemo,
    facts: Facts,
    at: datetime,
    until: datetime,
) -> Projection:
    """Keep of a document what its recipient may have.

    Args:
        document: What the native file says; every profile and element is known to the definitions.
        exchange: Who sends what to whom, for which purpose.
        definitions: Category of each element.
        decisions: The decisions by the catalogue in force.
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
    people = tuple(
        DataSubject(role=subject.role, age=age.band, turns=age.turns, place=place)
        for place, (subject, age) in enumerate(zip(document.subjects, ages, strict=True))
    )
    kept: list[DocumentItem] = []
    withheld: list[Withheld] = []
    marks: dict[Mark, None] = {}
    by_element = decisions.for_message(exchange, facts=facts, at=at)
    for item in document.items:
        subjects = tuple(people[index] for index in item.about)
        elements: dict[str, tuple[JSONValue, ...]] = {}
        for name in sorted(item.elements, key=element_order):
            decision = by_element.decide(
                item.profile,
                name,
                category=definitions.category(item.profile, name),
                subjects=subjects,
                necessary=item.necessary,
            )
            match decision:
                case Permit():
                    elements[name] = tuple(item.elements[name])
                    marks.update(dict.fromkeys(decision.marks))
                case Deny(reasons=reasons):
                    label = f"{item.profile}/{item.id}/{name}"
                    withheld.append(Withheld(label=label, reasons=tuple(reason.value for reason in reasons)))
                case _:
                    assert_never(decision)
        if elements:
            kept.append(_with(item, about=item.about, elements=elements))
    return _without_the_unmentioned(document, kept=kept, ages=ages, withheld=withheld, marks=tuple(marks))


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
