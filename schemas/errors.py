"""Errors, one small tree sorted by who must act.

    ExchangeError
    ├── RejectedMessageError        the sender must change the message
    │   ├── AuthenticationError     we do not know who sent it
    │   ├── SignatureError          these are not the bytes the sender signed
    │   ├── DocumentError           the payload does not fit its schema; lists every issue
    │   └── ReplayError             this identifier was used for other content
    ├── UnavailableError            the same message may succeed later; nothing was changed
    └── EvidenceError               stored evidence contradicts itself: stop, and call someone

A `code` is stable and its prefix says who must act: `sender.`, `recipient.` or `hub.`. The `public_message` never
holds personal data; a `detail` is for operators and never leaves the organisation.

    raise DocumentError(issues=[Issue(pointer="/content/0/profile", code="sender.profile.unknown", text="…")])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

ISSUES_MAX = 200
"""How many issues one error lists; a longer list ends with `sender.issues.more`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One finding of validation.

    Attributes:
        pointer: JSON Pointer (RFC 6901) into the document that was checked; `""` is the whole of it.
        code: Stable code; its prefix says who must act.
        text: For people, in English, lower case; never a value of the document.
        text_nl: The same in Dutch, where end users see it; empty where only developers do.
    """

    pointer: str
    code: str
    text: str
    text_nl: str = ""


class ExchangeError(Exception):
    """Something in the exchange did not happen; nothing was half-done.

    Attributes:
        code: Stable code with the prefix of who must act.
        public_message: What a participant may see; no personal data.
        detail: For operators; empty if there is nothing to add.
        issues: Every finding, each with a JSON Pointer.
        retryable: Whether the same request may succeed later.
    """

    default_code: ClassVar[str] = "hub.failed"
    retryable: ClassVar[bool] = False

    def __init__(
        self, public_message: str, *, code: str | None = None, detail: str = "", issues: Sequence[Issue] = ()
    ) -> None:
        super().__init__(public_message)
        self.code = code or self.default_code
        self.public_message = public_message
        self.detail = detail
        self.issues = _bounded(issues)


class RejectedMessageError(ExchangeError):
    """The sender must change the message."""

    default_code = "sender.message.rejected"


class AuthenticationError(RejectedMessageError):
    """We do not know who sent it."""

    default_code = "sender.unknown"


class SignatureError(RejectedMessageError):
    """These are not the bytes the sender signed."""

    default_code = "sender.signature.invalid"


class DocumentError(RejectedMessageError):
    """The payload does not fit its schema; `issues` lists every finding."""

    default_code = "sender.document.invalid"

    def __init__(
        self,
        public_message: str = "the document does not fit its definition",
        *,
        code: str | None = None,
        detail: str = "",
        issues: Sequence[Issue] = (),
    ) -> None:
        super().__init__(
            public_message, code=code or (issues[0].code if issues else None), detail=detail, issues=issues
        )


class ReplayError(RejectedMessageError):
    """This identifier was used for other content."""

    default_code = "sender.replay"


class UnavailableError(ExchangeError):
    """The same message may succeed later; nothing was changed."""

    default_code = "hub.unavailable"
    retryable = True


class EvidenceError(ExchangeError):
    """Stored evidence contradicts itself: stop, and call someone."""

    default_code = "hub.evidence.contradiction"


def _bounded(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    if len(issues) <= ISSUES_MAX:
        return tuple(issues)
    more = len(issues) - ISSUES_MAX + 1
    last = Issue(pointer="", code="sender.issues.more", text=f"and {more} more issues")
    return (*issues[: ISSUES_MAX - 1], last)
