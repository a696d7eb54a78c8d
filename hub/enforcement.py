"""Whether the hub's decisions are on: what canaries proved, and whether one of their messages passed.

A *canary* is a participant whose every message must be refused (`schemas.admissions.Admission.canary`). Each refusal by
the decision proves that the decision is on; one acceptance proves that it is off, and *stops* the hub: from the STOP
entry on nothing is accepted and nothing is released, by no process, until the operator *resumes* with a reason, which
is a RESUMPTION entry.

    stop of entry 41, resumed at 57        between 41 and 57 the log has no SUBMISSION and no DISCLOSURE

Source: decision 0018.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Final

from schemas.errors import UnavailableError
from schemas.identifiers import OIN
from schemas.participants import Participant

STOPPED_CODE: Final = "hub.enforcement.stopped"
PASSED_CODE: Final = "hub.canary.accepted"

_PROOF_SECONDS: Final = 7 * 24 * 3600
"""A reason that was last proved longer than this before a stop is one that canaries no longer try.

Longer than a hub is down for a change of its software: what the change broke was proved before it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """That a canary's message would have been accepted.

    Attributes:
        index: Place of the STOP entry.
        canary: Who sent it.
        at: NumericDate of the entry.
        form: Of what passed, as `Pass.form`; None where that is not known: the log was refilled, or software that did
            not remember it stopped.
        resumed: Place of the RESUMPTION entry; None while the hub is stopped.
        resumed_at: NumericDate of that entry.
        record: What the RESUMPTION entry commits to: canonical JSON with the operator's reason. None while the hub is
            stopped, and where the log was refilled by others.
    """

    index: int
    canary: OIN
    at: int
    form: str | None = None
    resumed: int | None = None
    resumed_at: int | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """That a message of a canary would have been accepted, and none of its form was refused since.

    Attributes:
        form: Digest of what the decision reads of it, the same for each message that is made alike.
        canary: Who sent it.
        purpose: Code of the ground that it named.
        type: Message type.
    """

    form: str
    canary: OIN
    purpose: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """That messages of canaries were refused for a reason.

    Attributes:
        reason: Code of the reason, as in `consent.reasons`.
        times: How many messages.
        index: Place of the newest REFUSAL entry.
        at: NumericDate of that entry.
    """

    reason: str
    times: int
    index: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What is known about whether the decisions are on.

    Attributes:
        stop: The stop that lasts; None while the hub accepts and releases.
        proved: For each reason for which canaries were ever refused, the newest time.
        passed: What passed, at the stop or since, and was not refused since its last pass; empty where none lasts.
    """

    stop: Stop | None = None
    proved: tuple[Proved, ...] = ()
    passed: tuple[Pass, ...] = ()

    @property
    def proved_at(self) -> int | None:
        """When a canary was last refused, as NumericDate; None: never."""
        return max((each.at for each in self.proved), default=None)

    def unproved_since_stop(self) -> tuple[str, ...]:
        """Name the reasons that canaries proved in the week before the stop and have not proved again since."""
        stop = self.stop
        if stop is None:
            return ()
        recent = [each for each in self.proved if each.at >= stop.at - _PROOF_SECONDS]
        return tuple(sorted(each.reason for each in recent if each.index < stop.index))

    @property
    def proved_since_stop(self) -> bool:
        """Whether all that passed was refused since, and canaries were for all of the reasons of the week before."""
        stop = self.stop
        if stop is None:
            return True
        return stop.form is not None and not self.passed and not self.unproved_since_stop()


class Proof(StrEnum):
    """How it stands with the proof that the decisions are on, as `/readyz` says it."""

    STOPPED = "stopped"
    """A canary's message would have been accepted: nothing is accepted or released."""
    NO_CANARY = "no canary"
    """Nobody was ever admitted who would prove it."""
    OVERDUE = "overdue"
    """No canary was refused for longer than the settings allow: nobody sends, what is sent does not come so far, or no
    canary is in force any more."""
    PROVED = "proved"


def judge(
    enforcement: Enforcement, *, participants: Iterable[Participant], at: datetime, silence_seconds: int
) -> Proof:
    """Say how it stands with the proof.

    Args:
        enforcement: What is known.
        participants: Everybody; canaries whose period has begun count. Those whose period is over count too: proof
            that there was and that ends must not end in silence.
        at: Now.
        silence_seconds: How long ago the newest refusal of a canary may be, or, before the first one, the beginning of
            the first canary's period.
    """
    if enforcement.stop is not None:
        return Proof.STOPPED
    begins = [each.admission.valid_from for each in participants if each.canary]
    if min(begins, default=inf) > at.timestamp():
        return Proof.NO_CANARY
    known = enforcement.proved_at
    since = min(begins) if known is None else max(min(begins), known)
    return Proof.OVERDUE if at.timestamp() - since > silence_seconds else Proof.PROVED


def stopped() -> UnavailableError:
    """Make the error of everybody whose message or request waits until the operator resumes."""
    text = "the hub would have accepted what must be refused; it takes and hands out nothing until its operator resumes"
    return UnavailableError(text, code=STOPPED_CODE)


def passed(*, stops: bool = True) -> UnavailableError:
    """Make the error of the canary whose message would have been accepted.

    Args:
        stops: Whether the hub is stopped; False: that could not be logged.
    """
    then = "the hub takes and hands out nothing any more" if stops else "the hub could not log that it stops"
    return UnavailableError(f"this message of a canary would have been accepted; {then}", code=PASSED_CODE)
