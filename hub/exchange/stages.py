"""The stages of one message, as types: each step takes the stage before it and makes the next.

A step that is skipped does not type-check: only `verify` makes a `Verified`, only `decide_labels` a `Decided`, and
only a `Decided` can be logged.

    bytes → Submission → Verified → Structured → Decided → LogMember
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from consent.decision import Decision, Deny, Permit
from consent.reasons import Mark, Reason
from hub.exchange.outline import Outline
from schemas.codes import EntryKind
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
        outline: Everything that structure and decision depend on.
        labels: Every label, in the order of the sealed elements.
        tags: Each subject in this hub's tag space.
        hashes: SHA-256 of the sealed key and of each sealed element, concatenated.
    """

    message: Message
    sender: Participant
    recipient: Participant
    outline: Outline
    labels: tuple[Label, ...]
    tags: tuple[SubjectTag, ...]
    hashes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was decided about every label, by its place; messages of one outline share it.

    Attributes:
        decisions: One for each label, in order.
        permitted: Places of the labels that may go, ascending.
        withheld: Places of those that may not.
        numbers: The numbers of the sealed elements that may go, ascending.
        marks: What must be shown with the message and looked at afterwards, each once.
        relied_on: The consents and measures that a permit rests on, each once, in order.
        shown: Texts of the records for both parties that were written of it, by kind of entry: always the same.
    """

    decisions: tuple[Decision, ...]
    permitted: tuple[int, ...]
    withheld: tuple[tuple[int, tuple[Reason, ...]], ...]
    numbers: tuple[int, ...]
    marks: tuple[Mark, ...]
    relied_on: tuple[str, ...]
    shown: dict[EntryKind, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, decisions: Sequence[Decision], labels: Sequence[Label]) -> Self:
        """Gather what follows from the decisions about labels."""
        permits = [(place, each) for place, each in enumerate(decisions) if isinstance(each, Permit)]
        return cls(
            decisions=tuple(decisions),
            permitted=tuple(place for place, _ in permits),
            withheld=tuple((place, each.reasons) for place, each in enumerate(decisions) if isinstance(each, Deny)),
            numbers=tuple(
                number
                for place, _ in permits
                for number in range(labels[place].first, labels[place].first + len(labels[place].digests))
            ),
            marks=tuple(dict.fromkeys(mark for _, each in permits for mark in each.marks)),
            relied_on=tuple(dict.fromkeys(identifier for _, each in permits for identifier in each.relied_on)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Every label has its decision, by one catalogue, from inputs read at one log size.

    Attributes:
        structured: The stage before.
        outcome: What was decided.
        catalogue: Digest of the catalogue that decided.
        as_of: Log size at which the inputs were read.
    """

    structured: Structured
    outcome: Outcome
    catalogue: str
    as_of: int

    @property
    def permitted(self) -> tuple[Label, ...]:
        """The labels that may go."""
        labels = self.structured.labels
        return tuple([labels[place] for place in self.outcome.permitted])

    @property
    def withheld(self) -> tuple[tuple[Label, tuple[Reason, ...]], ...]:
        """The labels that may not, each with every reason."""
        labels = self.structured.labels
        return tuple((labels[place], reasons) for place, reasons in self.outcome.withheld)
