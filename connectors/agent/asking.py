"""Questions and answers as documents, for people and for systems.

What is asked, answered or refused goes as a FHIR message, like any other.

Source: the domain page, section 3, `informatieverzoek`.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from connectors.agent.disk import read_plain
from connectors.agent.persons import Person, child_of
from connectors.agent.questions import Question
from connectors.agent.refusals import refused
from connectors.formats.fhir import FhirFormat
from connectors.settings import Settings
from schemas.canonical import parse_json
from schemas.codes import Capacity, Category, SpoedReason
from schemas.definitions import Definitions
from schemas.document import Address, Document, DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.fhir import bundle_to_items
from schemas.identifiers import BSN, BSN_SYSTEM, OIN
from schemas.randomness import Randomness, new_message_id

REFUSALS: Final = "weigeringsgrond"
_CHILD: Final = "jeugdige"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to ask.

    Attributes:
        to: Whom.
        child: About whom.
        categories: Which data.
        question: The question, for people.
        term: By which day.
        purpose: Code of the ground; None where there is no choice.
        capacity: In which capacity a GI asks.
        recipient_capacity: In which capacity a GI receives.
        responsible: Who answers for it; None: as the settings say.
        spoed: Why it cannot wait for a measure to be stated; None: it can.
    """

    to: OIN
    child: Person = field(repr=False)
    categories: Collection[Category]
    question: str = field(repr=False)
    term: date
    purpose: str | None = None
    capacity: Capacity | None = None
    recipient_capacity: Capacity | None = None
    responsible: DocumentResponsible | None = None
    spoed: SpoedReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What making a document takes: who we are, the definitions, the time, and randomness for its reference."""

    settings: Settings
    definitions: Definitions
    at: datetime
    randomness: Randomness

    def blank(self, kind: str, child: DocumentSubject, *, to: OIN) -> Document:
        """Return a message about one child that has a reference and a time, and nothing besides."""
        reference = new_message_id(at=self.at, randomness=self.randomness).value
        header = DocumentItem(
            profile="bericht",
            id="b1",
            about=(0,),
            elements={"reference": (reference,), "sentAt": (self.at.isoformat(timespec="seconds"),)},
        )
        return Document(
            type=kind,
            reference=reference,
            sender=Address(organisation=self.settings.oin.value),
            receiver=Address(organisation=to.value),
            subjects=(child,),
            items=(header,),
        )

    def write(self, document: Document) -> bytes:
        """Write a document as the FHIR message that goes through `out`."""
        return FhirFormat(definitions=self.definitions).write(document, withheld=(), at=self.at).data


def question_document(ask: Ask, *, desk: Desk) -> Document:
    """Make the message that asks.

    Raises:
        DocumentError: The child has no BSN.
    """
    child = child_of(ask.child)
    assert child.identifier is not None, "a child without a number was refused"
    question = DocumentItem(
        profile="vraag",
        id="q1",
        about=(0,),
        elements={
            "categories": tuple(sorted(set(ask.categories))),
            "term": (ask.term.isoformat(),),
            "question": (ask.question,),
        },
    )
    named: dict[str, tuple[JSONValue, ...]] = {"identifier": ({"system": BSN_SYSTEM, "value": child.identifier[1]},)}
    if child.birth_date is not None:
        named["birthDate"] = (child.birth_date,)
    document = replace(
        desk.blank("informatieverzoek", child, to=ask.to),
        responsible=ask.responsible,
        purpose=ask.purpose,
        capacity=ask.capacity,
        receiver_capacity=ask.recipient_capacity,
        spoed=ask.spoed,
    )
    items = (*document.items, question, DocumentItem(profile=_CHILD, id="p1", about=(0,), elements=named))
    return replace(document, items=items)


def answer_document(data: bytes, *, question: Question, desk: Desk) -> Document:
    """Make the answer to a question of a FHIR file: whom it goes to and what it answers follow from the question.

    Raises:
        DocumentError: The file is no FHIR message.
    """
    return replace(
        FhirFormat(definitions=desk.definitions).read(data),
        reply_to=question.message,
        receiver=Address(organisation=question.other.value),
    )


def refusal_document(reason: str, *, question: Question, person: Person | None, desk: Desk) -> Document:
    """Make the message that refuses to answer.

    Args:
        reason: Code of the list `weigeringsgrond`.
        question: What is asked.
        person: About whom; None: as the file in `in` says.
        desk: What making it takes.

    Raises:
        DocumentError: There is no such reason, or it is not said and not known about whom it is.
    """
    reasons = desk.definitions.code_lists[REFUSALS]
    if reason not in reasons.codes:
        names = ", ".join(reasons.codes)
        raise refused(
            f"this is no reason; known: {names}",
            f"dit is geen reden; wel: {names}",
            code="sender.answer.reason",
            pointer="/reason",
        )
    child = child_of(_asked_about(question, desk=desk) if person is None else person)
    elements: dict[str, tuple[JSONValue, ...]] = {
        "refusal": ({"coding": [{"code": reason, "system": reasons.system}]},)
    }
    document = desk.blank("informatieantwoord", child, to=question.other)
    refusal = DocumentItem(profile="vraag", id="q1", about=(0,), elements=elements)
    return replace(document, reply_to=question.message, items=(*document.items, refusal))


def _asked_about(question: Question, *, desk: Desk) -> Person:
    """Find the child that a question is about, in the file that was handed over.

    Raises:
        DocumentError: The file is not there any more, or names no child by a BSN.
    """
    path: Path = desk.settings.folders.inbox / f"{question.message.value}.fhir.json"
    items: tuple[DocumentItem, ...] = ()
    with suppress(FileNotFoundError):
        items = bundle_to_items(parse_json(read_plain(path)), desk.definitions)
    for item in items:
        for value in item.elements.get("identifier", ()) if item.profile == _CHILD else ():
            if isinstance(value, dict) and value.get("system") == BSN_SYSTEM:
                born = next(iter(item.elements.get("birthDate", ())), None)
                return Person(bsn=BSN(str(value.get("value"))), born=born if isinstance(born, str) else None)
    raise refused(
        "the file of this question is not in `in` any more; say by `--person` whom it is about (in the API: `person`)",
        "het bestand van de vraag staat niet meer in `in`; geef met `--person` over wie zij gaat (in de API: `person`)",
        code="sender.answer.person",
        pointer="/person",
    )
