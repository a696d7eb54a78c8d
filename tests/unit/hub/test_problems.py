"""The one table from errors to problems."""

import pytest

from hub.web.problems import BusyError, RequestError, TooManyRequestsError, failure, problem_of
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    EvidenceError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    ReplayError,
    SignatureError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("error", "status", "retryable"),
    [
        (AuthenticationError("x"), 401, False),
        (SignatureError("x"), 403, False),
        (DocumentError("x"), 400, False),
        (ReplayError("x"), 409, False),
        (RejectedMessageError("x"), 422, False),
        (UnavailableError("x"), 503, True),
        (EvidenceError("x"), 500, False),
        (ExchangeError("x"), 500, False),
        (BusyError("x"), 503, True),
        (TooManyRequestsError("x", code="sender.request.too-many"), 429, True),
        (RequestError("x", code="sender.request.invalid"), 400, False),
        (RejectedMessageError("x", code="recipient.message.received"), 410, False),
        (RejectedMessageError("x", code="recipient.message.expired"), 410, False),
        (RejectedMessageError("x", code="sender.message.unknown"), 404, False),
        (DocumentError("x", code="sender.submission.too-large"), 413, False),
    ],
)
def test_each_error_has_its_status(error: ExchangeError, status: int, retryable: bool) -> None:  # noqa: FBT001
    found, members, _ = problem_of(error, trace_id="t")
    assert (found, members["status"], members["retryable"]) == (status, status, retryable)
    assert members["type"] == f"https://ketenhub.nl/problems/{error.code}"


def test_what_may_be_tried_again_says_when() -> None:
    for error in (UnavailableError("x"), BusyError("x"), TooManyRequestsError("x", code="sender.request.too-many")):
        assert int(problem_of(error, trace_id="t")[2]["Retry-After"]) > 0


def test_a_detail_for_operators_is_not_shown() -> None:
    error = UnavailableError("not now", detail="host db.internal")
    assert "db.internal" not in str(problem_of(error, trace_id="t"))


def test_every_issue_is_shown_with_its_place() -> None:
    issue = Issue(pointer="/a/0", code="sender.a", text="wrong", text_nl="fout")
    members = problem_of(DocumentError("x", issues=[issue]), trace_id="t")[1]
    assert members["issues"] == [{"pointer": "/a/0", "code": "sender.a", "text": "wrong", "text_nl": "fout"}]


def test_our_own_mistake_tells_nothing() -> None:
    status, members, _ = problem_of(failure(), trace_id="0af7651916cd43dd8448eb211c80319c")
    assert (status, members["code"], members["instance"]) == (500, "hub.failed", "0af7651916cd43dd8448eb211c80319c")


@pytest.mark.parametrize(
    ("code", "challenge"), [("sender.dpop.iat", "invalid_dpop_proof"), ("sender.token.expired", "invalid_token")]
)
def test_who_is_not_known_is_challenged(code: str, challenge: str) -> None:
    headers = problem_of(AuthenticationError("x", code=code), trace_id="t")[2]
    assert headers["WWW-Authenticate"].endswith(f'error="{challenge}"')
