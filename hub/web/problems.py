"""The one table from errors to RFC 9457 problems, and the errors that only HTTP has.

Every answer that is not what was asked for is `application/problem+json`: a stable `code` whose prefix says who must
act, the HTTP status that this table gives to it, every issue with its JSON Pointer, whether the same request may
succeed later, and the trace id as `instance`. An exact code wins over a class, a nearer class over a farther one.
An error that is not in the tree is ours: it becomes `hub.failed`, tells nothing, and is logged with its place.

    HTTP/1.1 409 Conflict
    Content-Type: application/problem+json

    {"type":"https://ketenhub.nl/problems/sender.replay","title":"this identifier was used for other content",…}

Source: RFC 9457; the architecture, section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar, Final

import orjson
from aiohttp import web

from schemas.document import JSONValue
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    EvidenceError,
    ExchangeError,
    RejectedMessageError,
    ReplayError,
    SignatureError,
    UnavailableError,
)

PROBLEM_TYPE_PREFIX: Final = "https://ketenhub.nl/problems/"
"""Identifies a kind of problem; nothing is served there yet, as RFC 9457, section 3.1.1 permits."""

CONTENT_TYPE: Final = "application/problem+json"
SERVER: Final = "ketenhub"
"""What the header `Server` says: which library answers is nobody's business."""


class RequestError(RejectedMessageError):
    """The HTTP request itself cannot be taken; the message in it, if any, was not looked at.

    Attributes:
        headers: Headers that the answer needs, such as `Allow` or `Retry-After`.
    """

    default_code: ClassVar[str] = "sender.request.invalid"

    def __init__(self, public_message: str, *, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(public_message, code=code)
        self.headers: Mapping[str, str] = headers or {}


class BusyError(UnavailableError):
    """This process holds as much as it may; the same request may succeed in a moment."""

    default_code: ClassVar[str] = "hub.busy"


class InterruptedBodyError(RequestError):
    """The body did not come whole, or not in time; the same request may succeed later."""

    default_code: ClassVar[str] = "sender.request.interrupted"
    retryable: ClassVar[bool] = True


class TooManyRequestsError(RequestError):
    """This address asks more often than it may; the same request may succeed later."""

    default_code: ClassVar[str] = "sender.request.too-many"
    retryable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What HTTP says about a class of errors."""

    status: HTTPStatus
    title: str
    retry_after_seconds: int | None = None


_BY_CLASS: Final[tuple[tuple[type[ExchangeError], _Row], ...]] = (
    (BusyError, _Row(status=HTTPStatus.SERVICE_UNAVAILABLE, title="the hub is busy", retry_after_seconds=1)),
    (
        TooManyRequestsError,
        _Row(status=HTTPStatus.TOO_MANY_REQUESTS, title="too many requests", retry_after_seconds=10),
    ),
    (RequestError, _Row(status=HTTPStatus.BAD_REQUEST, title="the request cannot be taken")),
    (AuthenticationError, _Row(status=HTTPStatus.UNAUTHORIZED, title="it is not known who sent this")),
    (SignatureError, _Row(status=HTTPStatus.FORBIDDEN, title="these are not the bytes that the sender signed")),
    (DocumentError, _Row(status=HTTPStatus.BAD_REQUEST, title="the document does not fit its definition")),
    (ReplayError, _Row(status=HTTPStatus.CONFLICT, title="this identifier was used for other content")),
    (RejectedMessageError, _Row(status=HTTPStatus.UNPROCESSABLE_ENTITY, title="the message is refused")),
    (
        UnavailableError,
        _Row(status=HTTPStatus.SERVICE_UNAVAILABLE, title="not possible at this moment", retry_after_seconds=2),
    ),
    (
        EvidenceError,
        _Row(status=HTTPStatus.INTERNAL_SERVER_ERROR, title="the hub has stopped: its evidence contradicts itself"),
    ),
    (ExchangeError, _Row(status=HTTPStatus.INTERNAL_SERVER_ERROR, title="the hub failed")),
)
"""Nearest class first: the first that fits counts."""

_BY_CODE: Final[Mapping[str, HTTPStatus]] = MappingProxyType(
    {
        "sender.route.unknown": HTTPStatus.NOT_FOUND,
        "sender.route.method": HTTPStatus.METHOD_NOT_ALLOWED,
        "sender.request.length-required": HTTPStatus.LENGTH_REQUIRED,
        "sender.request.too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "sender.request.too-slow": HTTPStatus.REQUEST_TIMEOUT,
        "sender.request.interrupted": HTTPStatus.REQUEST_TIMEOUT,
        "sender.request.content-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "sender.request.content-encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "sender.token.insufficient": HTTPStatus.FORBIDDEN,
        "sender.message.too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "sender.submission.too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "sender.content-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "sender.message.unknown": HTTPStatus.NOT_FOUND,
        "recipient.message.unknown": HTTPStatus.NOT_FOUND,
        "recipient.participant.unknown": HTTPStatus.NOT_FOUND,
        "recipient.log.unknown": HTTPStatus.NOT_FOUND,
        "recipient.definition.unknown": HTTPStatus.NOT_FOUND,
        "recipient.catalogue.unknown": HTTPStatus.NOT_FOUND,
        "sender.catalogue-step.proposal": HTTPStatus.NOT_FOUND,
        "sender.catalogue-step.no-board": HTTPStatus.CONFLICT,
        "sender.catalogue-step.too-many": HTTPStatus.TOO_MANY_REQUESTS,
        "hub.catalogue.too-often": HTTPStatus.TOO_MANY_REQUESTS,
        "sender.participant.too-often": HTTPStatus.TOO_MANY_REQUESTS,
        "sender.chain-key.too-often": HTTPStatus.TOO_MANY_REQUESTS,
        "hub.persons.too-often": HTTPStatus.TOO_MANY_REQUESTS,
        "sender.persons.role": HTTPStatus.FORBIDDEN,
        "sender.recall.released": HTTPStatus.CONFLICT,
        "sender.recall.expired": HTTPStatus.GONE,
        "sender.review.unknown": HTTPStatus.NOT_FOUND,
        "sender.review.statement": HTTPStatus.CONFLICT,
        "recipient.message.recalled": HTTPStatus.GONE,
        "recipient.message.received": HTTPStatus.GONE,
        "recipient.message.expired": HTTPStatus.GONE,
    }
)
"""Exact codes whose status is not that of their class."""


def problem_of(error: ExchangeError, *, trace_id: str) -> tuple[int, dict[str, JSONValue], dict[str, str]]:
    """Say an error as HTTP does.

    Args:
        error: What happened; its `detail` is not shown.
        trace_id: W3C trace id, which finds the line in the hub's own log.

    Returns:
        Status, members of the problem, and headers.
    """
    row = next(row for kind, row in _BY_CLASS if isinstance(error, kind))
    status = _BY_CODE.get(error.code, row.status)
    members: dict[str, JSONValue] = {
        "type": PROBLEM_TYPE_PREFIX + error.code,
        "title": row.title,
        "status": int(status),
        "detail": error.public_message,
        "code": error.code,
        "issues": [
            {"pointer": issue.pointer, "code": issue.code, "text": issue.text, "text_nl": issue.text_nl}
            for issue in error.issues
        ],
        "retryable": error.retryable,
        "instance": trace_id,
    }
    headers = {"Cache-Control": "no-store"}
    if row.retry_after_seconds is not None:
        headers["Retry-After"] = str(row.retry_after_seconds)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'DPoP algs="EdDSA ES256 PS256", error="{_challenge(error.code)}"'
    if isinstance(error, RequestError):
        headers.update(error.headers)
    return int(status), members, headers


def problem_members(error: ExchangeError, *, trace_id: str) -> dict[str, JSONValue]:
    """Return only the members of a problem, for an answer that holds several."""
    return problem_of(error, trace_id=trace_id)[1]


def problem_response(error: ExchangeError, *, trace_id: str) -> web.Response:
    """Make the answer for an error."""
    status, members, headers = problem_of(error, trace_id=trace_id)
    return web.Response(status=status, body=orjson.dumps(members), content_type=CONTENT_TYPE, headers=headers)


def failure() -> ExchangeError:
    """Make the error that stands for our own mistake; what it was stands in the application log only."""
    return ExchangeError("the hub failed; its operator finds the cause by the trace id", code="hub.failed")


def _challenge(code: str) -> str:
    """Return the RFC 9449 error code for a challenge: the proof or the token was not good."""
    return "invalid_dpop_proof" if code.startswith("sender.dpop.") else "invalid_token"
