"""From errors to RFC 9457 problems, and the errors that only a request to the API has.

Every answer that is not what was asked for is `application/problem+json`, as the hub's are: a stable `code` whose
prefix says who must act, every issue with its JSON Pointer, in Dutch and English, and whether the same request may
succeed later. What the hub refuses keeps the hub's code and issues.

    HTTP/1.1 404 Not Found
    Content-Type: application/problem+json

    {"type":"https://ketenhub.nl/problems/sender.question.unknown","title":"not found","status":404,…}

Source: RFC 9457.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar, Final

import orjson
from aiohttp import web

from connectors.sdk.dutch import in_dutch
from schemas.document import JSONValue
from schemas.errors import (
    DocumentError,
    EvidenceError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)

CONTENT_TYPE: Final = "application/problem+json"
SERVER: Final = "ketenhub-connector"
PROBLEM_TYPE_PREFIX: Final = "https://ketenhub.nl/problems/"
"""Identifies a kind of problem, the same as the hub's; nothing is served there, as RFC 9457, section 3.1.1 permits."""

RETRY_SECONDS: Final = 2


class RequestError(RejectedMessageError):
    """The request itself cannot be taken; nothing was done.

    Attributes:
        headers: Headers that the answer needs.
    """

    default_code: ClassVar[str] = "sender.request.invalid"

    def __init__(
        self, text: str, text_nl: str, *, code: str, pointer: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text, text_nl=text_nl)])
        self.headers: Mapping[str, str] = headers or {}


class UnderWayError(RequestError):
    """The same request is being worked on; it may be asked again in a moment."""

    default_code: ClassVar[str] = "sender.request.under-way"
    retryable: ClassVar[bool] = True


class BusyError(UnavailableError):
    """The connector cannot take more just now; the same request may succeed later."""

    default_code: ClassVar[str] = "sender.connector.busy"

    def __init__(self, text: str, text_nl: str, *, code: str | None = None) -> None:
        code = code or self.default_code
        super().__init__(text, code=code, issues=[Issue(pointer="", code=code, text=text, text_nl=text_nl)])


_BY_CLASS: Final[tuple[tuple[type[ExchangeError], HTTPStatus], ...]] = (
    (UnderWayError, HTTPStatus.CONFLICT),
    (RequestError, HTTPStatus.BAD_REQUEST),
    (DocumentError, HTTPStatus.BAD_REQUEST),
    (ReplayError, HTTPStatus.CONFLICT),
    (RejectedMessageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (EvidenceError, HTTPStatus.BAD_GATEWAY),
    (ExchangeError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""Nearest class first: the first that fits counts."""

_BY_CODE: Final[Mapping[str, HTTPStatus]] = {
    "sender.api.token": HTTPStatus.UNAUTHORIZED,
    "sender.api.host": HTTPStatus.MISDIRECTED_REQUEST,
    "sender.api.origin": HTTPStatus.FORBIDDEN,
    "sender.route.unknown": HTTPStatus.NOT_FOUND,
    "sender.route.method": HTTPStatus.METHOD_NOT_ALLOWED,
    "sender.request.content-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "sender.request.content-encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "sender.request.too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "sender.request.too-slow": HTTPStatus.REQUEST_TIMEOUT,
    "sender.question.unknown": HTTPStatus.NOT_FOUND,
    "sender.question.answered": HTTPStatus.CONFLICT,
    "sender.outgoing.unknown": HTTPStatus.NOT_FOUND,
    "sender.consent.unknown": HTTPStatus.NOT_FOUND,
    "sender.consent.role": HTTPStatus.FORBIDDEN,
    "sender.notice.unknown": HTTPStatus.NOT_FOUND,
    "sender.correction.unknown": HTTPStatus.NOT_FOUND,
    "sender.recall.unknown": HTTPStatus.NOT_FOUND,
    "sender.recall.released": HTTPStatus.CONFLICT,
    "recipient.message.unknown": HTTPStatus.NOT_FOUND,
    "recipient.message.taken": HTTPStatus.GONE,
    "recipient.message.under-way": HTTPStatus.CONFLICT,
    # The key is known and the request is another one: draft-ietf-httpapi-idempotency-key-header, section 2.7.
    "sender.idempotency-key.used": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Exact codes whose status is not that of their class."""

_TITLES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "this does not have its form",
    HTTPStatus.UNAUTHORIZED: "the connector's API needs its token",
    HTTPStatus.FORBIDDEN: "this is not allowed",
    HTTPStatus.NOT_FOUND: "not found",
    HTTPStatus.CONFLICT: "this cannot be done as things stand",
    HTTPStatus.GONE: "it is not here any more",
    HTTPStatus.UNPROCESSABLE_ENTITY: "this is refused",
    HTTPStatus.BAD_GATEWAY: "a proof of the hub does not hold: call someone",
    HTTPStatus.SERVICE_UNAVAILABLE: "not possible at this moment",
}


def problem_of(error: ExchangeError) -> tuple[HTTPStatus, dict[str, JSONValue], dict[str, str]]:
    """Say an error as HTTP does; its `detail` is not shown.

    Returns:
        Status, members of the problem, and headers.
    """
    status = _BY_CODE.get(error.code, next(status for kind, status in _BY_CLASS if isinstance(error, kind)))
    told = next((issue.text_nl for issue in error.issues if issue.text_nl), "") if len(error.issues) == 1 else ""
    members: dict[str, JSONValue] = {
        "type": PROBLEM_TYPE_PREFIX + error.code,
        "title": _TITLES.get(status, "the request cannot be taken"),
        "status": int(status),
        "detail": error.public_message,
        "detail_nl": told or in_dutch(error.code),
        "code": error.code,
        "issues": [
            {"pointer": issue.pointer, "code": issue.code, "text": issue.text, "text_nl": issue.text_nl}
            for issue in error.issues
        ],
        "retryable": error.retryable,
    }
    headers: dict[str, str] = {}
    if error.retryable:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="ketenhub-connector"'
    if isinstance(error, RequestError):
        headers.update(error.headers)
    return status, members, headers


def problem_response(error: ExchangeError) -> web.Response:
    """Make the answer for an error."""
    status, members, headers = problem_of(error)
    return web.Response(status=status, body=orjson.dumps(members), content_type=CONTENT_TYPE, headers=headers)
