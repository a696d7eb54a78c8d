"""Errors: who must act, and lists that end."""

import pytest

from schemas.errors import (
    ISSUES_MAX,
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


def issues(count: int) -> list[Issue]:
    return [Issue(pointer=f"/{number}", code="sender.test", text="wrong") for number in range(count)]


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        (ExchangeError, "hub.failed", False),
        (RejectedMessageError, "sender.message.rejected", False),
        (AuthenticationError, "sender.unknown", False),
        (SignatureError, "sender.signature.invalid", False),
        (ReplayError, "sender.replay", False),
        (UnavailableError, "hub.unavailable", True),
        (EvidenceError, "hub.evidence.contradiction", False),
    ],
)
def test_an_error_says_who_must_act_and_whether_to_try_again(
    kind: type[ExchangeError], code: str, retryable: object
) -> None:
    error = kind("what happened", detail="for operators")
    assert (error.code, error.retryable, str(error)) == (code, retryable, "what happened")
    assert (error.public_message, error.detail, error.issues) == ("what happened", "for operators", ())
    assert kind("what happened", code="recipient.other").code == "recipient.other"


def test_a_document_error_has_the_code_of_its_first_issue() -> None:
    assert DocumentError(issues=issues(2)).code == "sender.test"
    assert DocumentError(issues=issues(2), code="hub.other").code == "hub.other"
    assert DocumentError().code == "sender.document.invalid"


def test_every_issue_is_listed_up_to_the_limit() -> None:
    assert DocumentError(issues=issues(ISSUES_MAX)).issues == tuple(issues(ISSUES_MAX))
    listed = DocumentError(issues=issues(ISSUES_MAX + 50)).issues
    assert (len(listed), listed[:-1]) == (ISSUES_MAX, tuple(issues(ISSUES_MAX - 1)))
    assert (listed[-1].code, listed[-1].text) == ("sender.issues.more", "and 51 more issues")
