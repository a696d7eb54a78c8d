"""Questions by the API: asking, seeing what waits with its term, answering and refusing."""

import re
from typing import Final

from connectors.agent.asking import Ask, answer_document, question_document, refusal_document
from connectors.agent.questions import (
    Question,
    answers_to,
    find_question,
    must_answer,
    open_question,
    open_questions_page,
    question_to_json,
    state_of,
)
from connectors.agent.recording import today
from connectors.agent.reports import grounds_of
from connectors.api.bodies import finish, read_members, read_person
from connectors.api.calls import Answer, Api, Call
from connectors.api.messages import first_handed_in, message_of, take
from connectors.api.problems import RequestError
from consent.request import QUESTION_TYPE
from schemas.claims import ClaimsReader, read_date
from schemas.codes import Capacity, Category, Register, SpoedReason
from schemas.document import DocumentResponsible, JSONValue
from schemas.identifiers import OIN

QUESTION: Final = re.compile(r".*\S.*", re.DOTALL)
REASON: Final = re.compile(r"[a-z0-9-]{1,64}")
PURPOSE: Final = re.compile(r"[A-Z0-9-]{1,64}")
_ASKED: Final = frozenset({"to", "person", "categories", "question", "term"})
_MORE: Final = frozenset({"purpose", "capacity", "recipient_capacity", "responsible", "spoed"})


async def ask(call: Call, api: Api) -> Answer:
    """Ask another organisation; the question is on the disk when the answer goes."""
    found = first_handed_in(call, api)
    if found is not None:
        return found
    desk = api.desk
    return take(call, api, desk.write(question_document(_ask(call.body), desk=desk)), suffix="json")


async def list_questions(call: Call, api: Api) -> Answer:
    """List the questions without an answer, ours and those of others, in the order in which they came or went."""
    found, last = open_questions_page(api.services.journal, after=call.after)
    return Answer(value={"questions": [_to_json(api, each) for each in found], "next": last})


async def show_question(call: Call, api: Api) -> Answer:
    """Say how a question stands, also one that is answered."""
    found = find_question(api.services.journal, message_of(call))
    if found is None:
        raise _unknown()
    return Answer(value=_to_json(api, found))


async def answer(call: Call, api: Api) -> Answer:
    """Answer a question with a FHIR message."""
    found = first_handed_in(call, api)
    if found is not None:
        return found
    desk = api.desk
    document = answer_document(call.body, question=_waiting(call, api), desk=desk)
    return take(call, api, desk.write(document), suffix="json")


async def refuse(call: Call, api: Api) -> Answer:
    """Refuse to answer, with a reason."""
    found = first_handed_in(call, api)
    if found is not None:
        return found
    reader = read_members(call.body, members={"reason"}, optional={"person"})
    reason = reader.text("reason", REASON)
    person = read_person(reader) if reader.raw("person") is not None else None
    finish(reader)
    desk = api.desk
    document = refusal_document(reason, question=_waiting(call, api), person=person, desk=desk)
    return take(call, api, desk.write(document), suffix="json")


def _ask(body: bytes) -> Ask:
    """Read what somebody wants to ask.

    Raises:
        DocumentError: The body does not have its form; every finding is listed.
    """
    reader = read_members(body, members=_ASKED, optional=_MORE)
    child = read_person(reader)
    to, term = reader.convert("to", OIN), reader.convert("term", read_date)
    categories = reader.array("categories", Category, at_least=1, at_most=len(Category))
    question = reader.text("question", QUESTION).strip()
    purpose = reader.text("purpose", PURPOSE) if reader.raw("purpose") is not None else None
    capacity = reader.optional("capacity", Capacity)
    recipient_capacity = reader.optional("recipient_capacity", Capacity)
    responsible, spoed = _responsible(reader), reader.optional("spoed", SpoedReason)
    finish(reader)
    assert child is not None, "without whom it is about there was a finding"
    return Ask(
        to=to,
        child=child,
        categories=categories,
        question=question,
        term=term,
        purpose=purpose,
        capacity=capacity,
        recipient_capacity=recipient_capacity,
        responsible=responsible,
        spoed=spoed,
    )


def _responsible(reader: ClaimsReader) -> DocumentResponsible | None:
    if reader.raw("responsible") is None:
        return None
    inside = reader.object("responsible", members={"register", "number"})
    if inside is None:
        return None
    return DocumentResponsible(
        register=inside.convert("register", Register), number=inside.text("number", re.compile(r"\S{1,64}"))
    )


def _waiting(call: Call, api: Api) -> Question:
    """Find the question that is to be answered.

    Raises:
        RequestError: Nobody asks it, or it is answered already.
    """
    message = message_of(call)
    found = open_question(api.services.journal, message)
    if found is not None:
        return found
    known = find_question(api.services.journal, message)
    if known is None or known.ours:
        raise _unknown()
    raise RequestError(
        "this question is answered already", "deze vraag is al beantwoord", code="sender.question.answered"
    )


def _to_json(api: Api, question: Question) -> dict[str, JSONValue]:
    services = api.services
    own = services.settings.oin
    sender, recipient = (own, question.other) if question.ours else (question.other, own)
    must = not question.ours and must_answer(
        services, question.other, capacity=question.capacity, at=services.clock.now()
    )
    return {
        **question_to_json(question, day=today(services)),
        "grounds": grounds_of(
            services,
            question.purpose,
            message_type=QUESTION_TYPE,
            sender=sender,
            recipient=recipient,
            at=question.at,
        ),
        "capacity": question.capacity,
        "must_answer": must,
        "state": state_of(services.journal, question).value,
        "answers": [each.value for each in answers_to(services.journal, question)],
    }


def _unknown() -> RequestError:
    return RequestError(
        "no question with this id is known", "er is geen vraag met dit nummer bekend", code="sender.question.unknown"
    )
