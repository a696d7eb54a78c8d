"""`questions`, `ask` and `answer`: what is asked of whom and answered, as FHIR messages that go through `out`."""

import argparse

from connectors.agent.asking import Ask, Desk, answer_document, question_document, refusal_document
from connectors.agent.journal import Journal
from connectors.agent.questions import Question, open_question, open_questions, question_to_json
from connectors.cli.common import CommandError, read_file
from connectors.cli.persons import read_person
from connectors.cli.recording import convert, print_json
from connectors.cli.working import hand_in
from connectors.settings import Settings, load_settings
from consent.request import civil_day
from schemas.claims import read_date
from schemas.clock import SystemClock
from schemas.codes import Capacity, Category, Register, SpoedReason
from schemas.definitions import load_definitions
from schemas.document import Document, DocumentResponsible
from schemas.identifiers import OIN, MessageId
from schemas.randomness import SystemRandomness


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
    desk = _desk(load_settings(options.home))
    asked = Ask(
        to=convert(options.to, OIN, nl="OIN", en="OIN"),
        child=read_person(options.person),
        categories=frozenset(map(Category, options.category)),
        question=read_file(options.question).decode("utf-8", "replace").strip(),
        term=convert(options.term, read_date, nl="datum: schrijf JJJJ-MM-DD", en="date: write YYYY-MM-DD"),
        purpose=options.purpose,
        capacity=Capacity(options.capacity) if options.capacity else None,
        recipient_capacity=Capacity(options.recipient_capacity) if options.recipient_capacity else None,
        responsible=_responsible(options.responsible),
        spoed=SpoedReason(options.spoed) if options.spoed else None,
    )
    return await _hand_in(options, question_document(asked, desk=desk), desk)


async def answer(options: argparse.Namespace) -> int:
    """Answer a question with a FHIR file, or refuse it with a reason."""
    desk = _desk(load_settings(options.home))
    question = _question(
        desk.settings, convert(options.id, MessageId, nl="nummer van een vraag", en="id of a question")
    )
    if (options.file is None) is (options.refuse is None):
        raise CommandError(
            "geef het antwoord met `--file`, of weiger met `--refuse`",
            "give the answer by `--file`, or refuse by `--refuse`",
        )
    if options.file is not None:
        return await _hand_in(options, answer_document(options.file.read_bytes(), question=question, desk=desk), desk)
    person = None if options.person is None else read_person(options.person)
    return await _hand_in(options, refusal_document(options.refuse, question=question, person=person, desk=desk), desk)


async def _hand_in(options: argparse.Namespace, document: Document, desk: Desk) -> int:
    return await hand_in(options.home, f"{document.reference}.json", desk.write(document), seconds=options.seconds)


def _desk(settings: Settings) -> Desk:
    return Desk(
        settings=settings, definitions=load_definitions(), at=SystemClock().now(), randomness=SystemRandomness()
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


def _responsible(text: str | None) -> DocumentResponsible | None:
    if text is None:
        return None
    register, _, number = text.partition(":")
    found = convert(
        register, Register, nl="register: schrijf SKJ:NUMMER of BIG:NUMMER", en="register: write SKJ:NUMBER"
    )
    return DocumentResponsible(register=found, number=number)
