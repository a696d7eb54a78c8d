"""Every call of the API in one table: what is not in it is not served, and what is in it is described.

POST /v1/questions                        GET /v1/questions           GET /v1/questions/{message}
POST /v1/questions/{message}/answer       POST /v1/questions/{message}/refusal
POST /v1/consents                         GET /v1/consents            POST /v1/consents/search
POST /v1/consents/{record}/confirmation   POST /v1/consents/{record}/withdrawal
POST /v1/outgoing                         GET /v1/outgoing            GET /v1/outgoing/{number}[/answers/{kind}]
POST /v1/messages/{message}/recall         POST /v1/messages/{message}/correction
GET  /v1/received                         GET /v1/received/{message}[/{part}]    DELETE /v1/received/{message}
GET  /v1/status                           POST /v1/notices/{number}/confirmation
GET  /v1/openapi.json
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from connectors.agent.files import FILE_BYTES_MAX
from connectors.api import consents, corrections, messages, overview, questions
from connectors.api.calls import FHIR_JSON, JSON, Answer, Api, Call, Handler, Route
from connectors.api.openapi import make_openapi
from connectors.formats.fhir.consents import BYTES_MAX

SMALL_BYTES_MAX: Final = 64 * 1024


def _get(
    path: str, name: str, summary: str, handler: Handler, *, answer: str, gives: str = JSON, paged: bool = False
) -> Route:
    return Route(
        method="GET", path=path, name=name, summary=summary, handler=handler, answer=answer, gives=gives, paged=paged
    )


def _hand_in(
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    *,
    body: str,
    takes: tuple[str, ...] = (JSON,),
    bytes_max: int = SMALL_BYTES_MAX,
    answer: str = "Outgoing",
) -> Route:
    """Describe a call whose document is on the disk when the answer goes, and is sent later."""
    return Route(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        handler=handler,
        takes=takes,
        body=body,
        bytes_max=bytes_max,
        answer=answer,
        status=HTTPStatus.ACCEPTED,
        effect=True,
    )


def _record(
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    *,
    body: str,
    takes: tuple[str, ...] = (JSON,),
    bytes_max: int = SMALL_BYTES_MAX,
) -> Route:
    """Describe a call that signs records: 201 when they are in the log, 202 when they are posted later."""
    made = _hand_in(path, name, summary, handler, body=body, takes=takes, bytes_max=bytes_max, answer="Recorded")
    return replace(made, status=HTTPStatus.CREATED, others=(HTTPStatus.ACCEPTED,))


async def _describe(_: Call, __: Api) -> Answer:
    return Answer(data=make_openapi(ROUTES))


_QUESTIONS: Final = (
    _hand_in(
        "/v1/questions",
        "ask",
        "Ask another organisation for data of named categories; follow it at the place that the answer names",
        questions.ask,
        body="Ask",
    ),
    _get(
        "/v1/questions",
        "listQuestions",
        "The questions without an answer, ours and those of others, in the order in which they came or went",
        questions.list_questions,
        answer="QuestionPage",
        paged=True,
    ),
    _get(
        "/v1/questions/{message}",
        "showQuestion",
        "How a question stands, also one that is answered",
        questions.show_question,
        answer="Question",
    ),
    _hand_in(
        "/v1/questions/{message}/answer",
        "answer",
        "Answer a question with an `informatieantwoord`; addressee and thread follow from the question",
        questions.answer,
        body="Resource",
        takes=(FHIR_JSON,),
        bytes_max=FILE_BYTES_MAX,
    ),
    _hand_in(
        "/v1/questions/{message}/refusal",
        "refuse",
        "Refuse to answer a question, with a reason of the list `weigeringsgrond`",
        questions.refuse,
        body="Refusal",
    ),
)

_CONSENTS: Final = (
    _record(
        "/v1/consents",
        "giveConsent",
        "Record what a FHIR R4 Consent says; 202: signed, and posted to the hub later",
        consents.give,
        body="Resource",
        takes=(FHIR_JSON,),
        bytes_max=BYTES_MAX,
    ),
    _get(
        "/v1/consents",
        "listOwnConsents",
        "What this organisation recorded, in the order in which it did",
        consents.list_own,
        answer="ConsentPage",
        paged=True,
    ),
    Route(
        method="POST",
        path="/v1/consents/search",
        name="searchConsents",
        summary="What is recorded about a person, at the hub, which logs the search",
        handler=consents.search,
        takes=(JSON,),
        body="ConsentSearch",
        bytes_max=SMALL_BYTES_MAX,
        answer="Consents",
    ),
    _record(
        "/v1/consents/{record}/confirmation",
        "confirmConsent",
        "Confirm what another organisation recorded, with a form or note of our own",
        consents.confirm,
        body="Confirmation",
    ),
    _record(
        "/v1/consents/{record}/withdrawal",
        "withdrawConsent",
        "Record that somebody takes a consent back; it holds from the next decision on",
        consents.withdraw,
        body="Withdrawal",
    ),
)

_MESSAGES: Final = (
    _hand_in(
        "/v1/outgoing",
        "handIn",
        "Hand in a native document, StUF or a FHIR message bundle, as by the folder `out`",
        messages.hand_in,
        body="Native",
        takes=messages.NATIVE,
        bytes_max=FILE_BYTES_MAX,
    ),
    _get(
        "/v1/outgoing",
        "listOutgoing",
        "How what was handed in stands, by the API and by the folder, in the order in which it came",
        messages.list_outgoing,
        answer="OutgoingPage",
        paged=True,
    ),
    _get(
        "/v1/outgoing/{number}",
        "showOutgoing",
        "How one stands: state, what was withheld and why, receipts, or the problem",
        messages.show_outgoing,
        answer="Outgoing",
    ),
    _get(
        "/v1/outgoing/{number}/answers/{kind}",
        "showAnswer",
        "The answer in the format of the document: `read`, `accepted` or `refused`",
        messages.show_answer,
        answer="Native",
        gives="*/*",
    ),
    _record(
        "/v1/messages/{message}/recall",
        "recall",
        "Take back a message of ours that was not picked up",
        messages.recall,
        body="Recall",
    ),
    _hand_in(
        "/v1/messages/{message}/correction",
        "correct",
        "Correct what a message of ours said, at everybody who has it; each correction can be followed",
        corrections.correct,
        body="Correction",
        bytes_max=FILE_BYTES_MAX,
        answer="Corrected",
    ),
    _get(
        "/v1/received",
        "listReceived",
        "What was handed over to `in` and not taken away yet, by its place in the log",
        messages.list_received,
        answer="ReceivedPage",
        paged=True,
    ),
    _get(
        "/v1/received/{message}",
        "showReceived",
        "How a message stands that was received, or waits",
        messages.show_received,
        answer="Received",
    ),
    _get(
        "/v1/received/{message}/{part}",
        "showPart",
        "A file of a received message: `evidence`, `fhir` or `native`",
        messages.show_part,
        answer="Native",
        gives="*/*",
    ),
    Route(
        method="DELETE",
        path="/v1/received/{message}",
        name="takeReceived",
        summary="Take the files of a message away from `in`: its system has them",
        handler=messages.take_received,
        status=HTTPStatus.NO_CONTENT,
    ),
)

_OVERVIEW: Final = (
    _get(
        "/v1/status",
        "status",
        "What needs a person, what is under way, what was sent and received lately, which questions wait",
        overview.status,
        answer="Status",
    ),
    Route(
        method="POST",
        path="/v1/notices/{number}/confirmation",
        name="confirmNotice",
        summary="Say that a person has seen a notice",
        handler=overview.confirm_notice,
        status=HTTPStatus.NO_CONTENT,
    ),
    _get("/v1/openapi.json", "describe", "This description", _describe, answer="Resource"),
)

ROUTES: Final[tuple[Route, ...]] = (*_QUESTIONS, *_CONSENTS, *_MESSAGES, *_OVERVIEW)
