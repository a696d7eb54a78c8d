"""The stages of one message, as types: each step takes the stage before it and makes the next.

A step that is skipped does not type-check: only `verify` makes a `Verified`, only `decide_labels` a `Decided`, and
only a `Decided` can be logged.

    bytes → Submission → Verified → Structured → Decided → LogMember
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from consent.decision import Decision, Permit
from consent.reasons import Mark, Reason
from schemas.identifiers import SubjectTag
from schemas.message import Label, Message
from schemas.participants import Participant
from schemas.wire import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """When and under which trace a request came.

    Attributes:
        at: The moment it arrived, read once.
        trace_id: W3C trace id, 32 hex digits.
        span_id: W3C span id, 16 hex digits.
    """

    at: datetime
    trace_id: str
    span_id: str

    @property
    def seconds(self) -> int:
        """The moment as NumericDate."""
        return int(self.at.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """We know which participant signed these bytes; the content is still undecided."""

    submission: Submission
    message: Message
    sender: Participant


@dataclass(frozen=True, slots=True, kw_only=True)
class Structured:
    """The labels fit the definitions, the seal covers what came, and the tags are those that the sender signed.

    Attributes:
        message: The claims.
        sender: Who signed them.
        recipient: The one recipient, admitted and not suspended.
        labels: Every label, in the order of the sealed elements.
        tags: Each subject in this hub's tag space.
        hashes: SHA-256 of the sealed key and of each sealed element, concatenated.
    """

    message: Message
    sender: Participant
    recipient: Participant
    labels: tuple[Label, ...]
    tags: tuple[SubjectTag, ...]
    hashes: bytes


class LabelDecision(NamedTuple):
    """What was decided about one label; a tuple, as `Label` is."""

    label: Label
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Every label has its decision, by one catalogue, from inputs read at one log size.

    Attributes:
        structured: The stage before.
        decisions: One for each label, in order.
        catalogue: Digest of the catalogue that decided.
        as_of: Log size at which the inputs were read.
    """

    structured: Structured
    decisions: tuple[LabelDecision, ...]
    catalogue: str
    as_of: int

    @property
    def permitted(self) -> tuple[Label, ...]:
        """The labels that may go."""
        return tuple(each.label for each in self.decisions if isinstance(each.decision, Permit))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the sealed elements that may go, ascending."""
        return tuple(n for label in self.permitted for n in range(label.first, label.first + len(label.digests)))

    @property
    def withheld(self) -> tuple[tuple[Label, tuple[Reason, ...]], ...]:
        """The labels that may not, each with every reason."""
        return tuple(
            (each.label, each.decision.reasons) for each in self.decisions if not isinstance(each.decision, Permit)
        )

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What must be shown with the message and looked at afterwards, each once."""
        found = {
            mark: None for each in self.decisions if isinstance(each.decision, Permit) for mark in each.decision.marks
        }
        return tuple(found)

    @property
    def relied_on(self) -> tuple[str, ...]:
        """The consents and measures that a permit rests on, each once, in order."""
        found = {
            identifier: None
            for each in self.decisions
            if isinstance(each.decision, Permit)
            for identifier in each.decision.relied_on
        }
        return tuple(found)
