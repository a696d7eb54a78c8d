"""Every call of the API in one table: what is not in it is not served, and what is in it is described.

POST /v1/questions                        GET /v1/questions           GET /v1/questions/{message}
POST /v1/questions/{message}/answer       POST /v1/questions/{message}/refusal
POST /v1/consents                         GET /v1/consents            POST /v1/consents/search
POST /v1/consents/{record}/confirmation   POST /v1/consents/{record}/withdrawal
POST /v1/outgoing                         GET /v1/outgoing            GET /v1/outgoing/{number}[/answers/{kind}]
POST /v1/messages/{message}/recall
GET  /v1/received                         GET /v1/received/{message}[/{part}]    DELETE /v1/received/{message}
GET  /v1/status                           POST /v1/notices/{number}/confirmation
GET  /v1/openapi.json
"""

from http import HTTPStatus
from typing import Final

from connectors.agent.files import FILE_BYTES_MAX
from connectors.api import consents, corrections, messages, overview, questions
from connectors.api.calls import FHIR_JSON, JSON, Answer, Api, Call, Route
from connectors.api.openapi import make_openapi
from connectors.formats.fhir.consents import BYTES_MAX

SMALL_BYTES_MAX: Final = 64 * 1024
_ACCEPTED: Final = HTTPStatus.ACCEPTED


async def _describe(_: Call, __: Api) -> Answer:
    return Answer(data=make_openapi(ROUTES))


_QUESTIONS: Final = (
    Route(
        method="POST",
        path="/v1/questions",
        name="ask",
        summary="Ask another organisation for data of named categories; follow it at the place that the answer names",
        handler=questions.ask,
        takes=(JSON,),
        body="Ask",
        bytes_max=SMALL_BYTES_MAX,
        answer="Outgoing",
        status=_ACCEPTED,
        effect=True,
    ),
    Route(
        method="GET",
        path="/v1/questions",
        name="listQuestions",
        summary="The questions without an answer, ours and those of others, by their terms",
        handler=questions.list_questions,
        answer="Questions",
    ),
    Route(
        method="GET",
        path="/v1/questions/{message}",
        name="showQuestion",
        summary="How a question stands, also one that is answered",
        handler=questions.show_question,
        answer="Question",
    ),
    Route(
        method="POST",
        path="/v1/questions/{message}/answer",
        name="answer",
        summary="Answer a question with an `informatieantwoord`; addressee and thread follow from the question",
        handler=questions.answer,
        takes=(FHIR_JSON,),
        body="Resource",
        bytes_max=FILE_BYTES_MAX,
        answer="Outgoing",
        status=_ACCEPTED,
        effect=True,
    ),
    Route(
        method="POST",
        path="/v1/questions/{message}/refusal",
        name="refuse",
        summary="Refuse to answer a question, with a reason of the list `weigeringsgrond`",
        handler=questions.refuse,
        takes=(JSON,),
        body="Refusal",
        bytes_max=SMALL_BYTES_MAX,
        answer="Outgoing",
        status=_ACCEPTED,
        effect=True,
    ),
)

_CONSENTS: Final = (
    Route(
        method="POST",
        path="/v1/consents",
        name="giveConsent",
        summary="Record what a FHIR R4 Consent says; 202: signed, and posted to the hub later",
        handler=consents.give,
        takes=(FHIR_JSON,),
        body="Resource",
        bytes_max=BYTES_MAX,
        answer="Recorded",
        status=HTTPStatus.CREATED,
        others=(_ACCEPTED,),
        effect=True,
    ),
    Route(
        method="GET",
        path="/v1/consents",
        name="listOwnConsents",
        summary="What this organisation recorded",
        handler=consents.list_own,
        answer="Consents",
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
    Route(
        method="POST",
        path="/v1/consents/{record}/confirmation",
        name="confirmConsent",
        summary="Confirm what another organisation recorded, with a form or note of our own",
        handler=consents.confirm,
        takes=(JSON,),
        body="Confirmation",
        bytes_max=SMALL_BYTES_MAX,
        answer="Recorded",
        status=HTTPStatus.CREATED,
        others=(_ACCEPTED,),
        effect=True,
    ),
    Route(
        method="POST",
        path="/v1/consents/{record}/withdrawal",
        name="withdrawConsent",
        summary="Record that somebody takes a consent back; it holds from the next decision on",
        handler=consents.withdraw,
        takes=(JSON,),
        body="Withdrawal",
        bytes_max=SMALL_BYTES_MAX,
        answer="Recorded",
        status=HTTPStatus.CREATED,
        others=(_ACCEPTED,),
        effect=True,
    ),
)

_MESSAGES: Final = (
    Route(
        method="POST",
        path="/v1/outgoing",
        name="handIn",
        summary="Hand in a native document, StUF or a FHIR message bundle, as by the folder `out`",
        handler=messages.hand_in,
        takes=messages.NATIVE,
        body="Native",
        bytes_max=FILE_BYTES_MAX,
        answer="Outgoing",
        status=_ACCEPTED,
        effect=True,
    ),
    Route(
        method="GET",
        path="/v1/outgoing",
        name="listOutgoing",
        summary="How what was handed in stands, by the API and by the folder, in the order in which it came",
        handler=messages.list_outgoing,
        answer="OutgoingPage",
        paged=True,
    ),
    Route(
        method="GET",
        path="/v1/outgoing/{number}",
        name="showOutgoing",
        summary="How one stands: state, what was withheld and why, receipts, or the problem",
        handler=messages.show_outgoing,
        answer="Outgoing",
    ),
    Route(
        method="GET",
        path="/v1/outgoing/{number}/answers/{kind}",
        name="showAnswer",
        summary="The answer in the format of the document: `read`, `accepted` or `refused`",
        handler=messages.show_answer,
        gives="*/*",
        answer="Native",
    ),
    Route(
        method="POST",
        path="/v1/messages/{message}/recall",
        name="recall",
        summary="Take back a message of ours that was not picked up",
        handler=messages.recall,
        takes=(JSON,),
        body="Recall",
        bytes_max=SMALL_BYTES_MAX,
        answer="Recorded",
        status=HTTPStatus.CREATED,
        others=(_ACCEPTED,),
        effect=True,
    ),
    Route(
        method="POST",
        path="/v1/messages/{message}/correction",
        name="correct",
        summary="Correct what a message of ours said, at everybody who has it; each correction can be followed",
        handler=corrections.correct,
        takes=(JSON,),
        body="Correction",
        bytes_max=FILE_BYTES_MAX,
        answer="Corrected",
        status=_ACCEPTED,
        effect=True,
    ),
    Route(
        method="GET",
        path="/v1/received",
        name="listReceived",
        summary="What was handed over to `in` and not taken away yet, by its place in the log",
        handler=messages.list_received,
        answer="ReceivedPage",
        paged=True,
    ),
    Route(
        method="GET",
        path="/v1/received/{message}",
        name="showReceived",
        summary="How a message stands that was received, or waits",
        handler=messages.show_received,
        answer="Received",
    ),
    Route(
        method="GET",
        path="/v1/received/{message}/{part}",
        name="showPart",
        summary="A file of a received message: `evidence`, `fhir` or `native`",
        handler=messages.show_part,
        gives="*/*",
        answer="Native",
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
    Route(
        method="GET",
        path="/v1/status",
        name="status",
        summary="What needs a person, what is under way, what was sent and received lately, which questions wait",
        handler=overview.status,
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
    Route(
        method="GET",
        path="/v1/openapi.json",
        name="describe",
        summary="This description",
        handler=_describe,
        answer="Resource",
    ),
)

ROUTES: Final[tuple[Route, ...]] = (*_QUESTIONS, *_CONSENTS, *_MESSAGES, *_OVERVIEW)
