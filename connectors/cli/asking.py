"""`questions`, `ask` and `answer`: what is asked of whom and answered, as FHIR messages that go through `out`."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

from connectors.agent.journal import Journal
from connectors.agent.questions import Question, open_question, open_questions, question_to_json
from connectors.cli.common import CommandError, read_file
from connectors.cli.persons import Person, read_person
from connectors.cli.recording import convert, print_json
from connectors.cli.working import hand_in
from connectors.formats.fhir import FhirFormat
from connectors.settings import Settings, load_settings
from consent.request import civil_day
from schemas.canonical import parse_json
from schemas.claims import read_date
from schemas.clock import SystemClock
from schemas.codes import Capacity, Register, SpoedReason, SubjectRole
from schemas.definitions import Definitions, load_definitions
from schemas.document import Address, Document, DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.fhir import bundle_to_items
from schemas.identifiers import BSN, BSN_SYSTEM, OIN, MessageId
from schemas.randomness import SystemRandomness, new_message_id

REFUSALS: Final = "weigeringsgrond"
_CHILD: Final = "jeugdige"


def questions(options: argparse.Namespace) -> int:
    """Show the questions without an answer, ours and those of others; what is overdue stands first."""
    journal = Journal(load_settings(options.home).journal)
    try:
        found = open_questions(journal)
    finally:
        journal.close()
    day = civil_day(SystemClock().now())
    assert day is not None, "the clock gives aware moments"
    if options.json:
        print_json({"questions": [question_to_json(each, day=day) for each in found]})
        return 0
    if not found:
        print("Er wacht geen vraag op antwoord. No question waits for an answer.")
    for each in found:
        late = "  TE LAAT / OVERDUE" if each.term < day else ""
        way = f"aan / to {each.other.value}" if each.ours else f"van / from {each.other.value}"
        print(f"{each.message.value}  {way}  termijn / term {each.term.isoformat()}{late}")
        print(f"    {each.purpose}: {', '.join(each.categories)}")
    return 0


async def ask(options: argparse.Namespace) -> int:
    """Ask another organisation for data of named categories, for a purpose, by a day."""
    settings, definitions = load_settings(options.home), load_definitions()
    child = child_of(read_person(options.person))
    term = convert(options.term, read_date, nl="datum: schrijf JJJJ-MM-DD", en="date: write YYYY-MM-DD")
    text = read_file(options.question).decode("utf-8", "replace").strip()
    question = DocumentItem(
        profile="vraag",
        id="q1",
        about=(0,),
        elements={
            "categories": tuple(sorted(set(options.category))),
            "term": (term.isoformat(),),
            "question": (text,),
        },
    )
    named: dict[str, tuple[JSONValue, ...]] = {"identifier": ({"system": BSN_SYSTEM, "value": _bsn(child)},)}
    if child.birth_date is not None:
        named["birthDate"] = (child.birth_date,)
    document = replace(
        blank("informatieverzoek", settings, child, to=convert(options.to, OIN, nl="OIN", en="OIN")),
        responsible=_responsible(options.responsible),
        purpose=options.purpose,
        capacity=Capacity(options.capacity) if options.capacity else None,
        receiver_capacity=Capacity(options.recipient_capacity) if options.recipient_capacity else None,
        spoed=SpoedReason(options.spoed) if options.spoed else None,
    )
    items = (*document.items, question, DocumentItem(profile=_CHILD, id="p1", about=(0,), elements=named))
    return await _hand_in(options, replace(document, items=items), definitions)


async def answer(options: argparse.Namespace) -> int:
    """Answer a question with a FHIR file, or refuse it with a reason."""
    settings, definitions = load_settings(options.home), load_definitions()
    question = _question(settings, convert(options.id, MessageId, nl="nummer van een vraag", en="id of a question"))
    if (options.file is None) is (options.refuse is None):
        raise CommandError(
            "geef het antwoord met `--file`, of weiger met `--refuse`",
            "give the answer by `--file`, or refuse by `--refuse`",
        )
    if options.file is not None:
        document = replace(
            FhirFormat(definitions=definitions).read(options.file.read_bytes()),
            reply_to=question.message,
            receiver=Address(organisation=question.other.value),
        )
        return await _hand_in(options, document, definitions)
    reasons = definitions.code_lists[REFUSALS]
    if options.refuse not in reasons.codes:
        names = ", ".join(reasons.codes)
        raise CommandError(
            f"`{options.refuse}` is geen reden; wel: {names}", f"`{options.refuse}` is no reason; known: {names}"
        )
    elements: dict[str, tuple[JSONValue, ...]] = {
        "refusal": ({"coding": [{"code": options.refuse, "system": reasons.system}]},)
    }
    child = (
        _asked_about(settings, question, definitions)
        if options.person is None
        else child_of(read_person(options.person))
    )
    document = blank("informatieantwoord", settings, child, to=question.other)
    refusal = DocumentItem(profile="vraag", id="q1", about=(0,), elements=elements)
    document = replace(document, reply_to=question.message, items=(*document.items, refusal))
    return await _hand_in(options, document, definitions)


async def _hand_in(options: argparse.Namespace, document: Document, definitions: Definitions) -> int:
    written = FhirFormat(definitions=definitions).write(document, withheld=(), at=SystemClock().now())
    return await hand_in(options.home, f"{document.reference}.json", written.data, seconds=options.seconds)


def blank(kind: str, settings: Settings, child: DocumentSubject, *, to: OIN) -> Document:
    """Return a message about one child that has a reference and a time, and nothing besides."""
    now = SystemClock().now()
    reference = new_message_id(at=now, randomness=SystemRandomness()).value
    header = DocumentItem(
        profile="bericht",
        id="b1",
        about=(0,),
        elements={"reference": (reference,), "sentAt": (now.isoformat(timespec="seconds"),)},
    )
    return Document(
        type=kind,
        reference=reference,
        sender=Address(organisation=settings.oin.value),
        receiver=Address(organisation=to.value),
        subjects=(child,),
        items=(header,),
    )


def _question(settings: Settings, message: MessageId) -> Question:
    journal = Journal(settings.journal)
    try:
        found = open_question(journal, message)
    finally:
        journal.close()
    if found is None:
        raise CommandError(
            "er wacht geen vraag met dit nummer op ons antwoord; zie `questions`",
            "no question with this id waits for our answer; see `questions`",
        )
    return found


def _asked_about(settings: Settings, question: Question, definitions: Definitions) -> DocumentSubject:
    """Find the child that a question is about, in the file that was handed over.

    Raises:
        CommandError: The file is not there any more, or names no child by a BSN.
    """
    path: Path = settings.folders.inbox / f"{question.message.value}.fhir.json"
    items = bundle_to_items(parse_json(path.read_bytes()), definitions) if path.exists() else ()
    for item in items:
        for value in item.elements.get("identifier", ()) if item.profile == _CHILD else ():
            if isinstance(value, dict) and value.get("system") == BSN_SYSTEM:
                born = next(iter(item.elements.get("birthDate", ())), None)
                bsn = BSN(str(value.get("value")))
                return child_of(Person(bsn=bsn, born=born if isinstance(born, str) else None))
    raise CommandError(
        "het bestand van deze vraag staat niet meer in `in`; geef met `--person` over wie zij gaat",
        "the file of this question is not in `in` any more; say by `--person` whom it is about",
    )


def child_of(person: Person) -> DocumentSubject:
    """Return a child as a message is about it.

    Raises:
        CommandError: It has no BSN.
    """
    if person.bsn is None:
        raise CommandError(
            "over iemand zonder BSN gaat dit niet met een opdracht; zet een FHIR-bestand in `out`",
            "about somebody without a BSN this does not go by a command; put a FHIR file into `out`",
        )
    return DocumentSubject(role=SubjectRole.JEUGDIGE, identifier=(BSN_SYSTEM, person.bsn.value), birth_date=person.born)


def _bsn(child: DocumentSubject) -> str:
    assert child.identifier is not None, "a child without a number was refused"
    return child.identifier[1]


def _responsible(text: str | None) -> DocumentResponsible | None:
    if text is None:
        return None
    register, _, number = text.partition(":")
    found = convert(
        register, Register, nl="register: schrijf SKJ:NUMMER of BIG:NUMMER", en="register: write SKJ:NUMBER"
    )
    return DocumentResponsible(register=found, number=number)
