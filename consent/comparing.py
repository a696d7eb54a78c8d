"""Two catalogues compared: which disclosures become possible, and which stop.

Both are asked the same questions: a space over two catalogues tells apart what either of them tells apart. A frame is
asked with every tie held, first of a row of the old one, then of a row of the new one; where neither permits, neither
ever does. Where one of them does, both are asked in every situation. Only honest parties are asked: who states a
capacity wrongly is denied before any row is looked at. A purpose whose rows are the same in both, where both name the
same capacities, is asked nothing, because a decision reads nothing else of a catalogue.

A *change* is one stretch of days, one direction, one set of senders, recipients and message types, one set of labels:
what people discuss in one sentence. It says whether it holds in every situation in which the other catalogue permitted
(or permits), or in some, and shows one of them.

Much of a row decides nothing and matters all the same: its law, whether it was read or is proposed, whether one may or
must, whether parents are told, its words. `row_differences` names every member of every row that is not as it was, so
that nothing changes unseen.

Source: the architecture, section 5.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from consent.decide import decide
from consent.decision import Permit
from consent.grounds import Basis, Catalogue, Ground, Side, Text
from consent.request import DisclosureRequest, Facts, Party
from consent.situations import Situation, best_situation, situations
from consent.space import HONEST, Days, Frame, Label, Space
from schemas.definitions import Definitions

_IN_THE_FILE: Final = {"sender": "from", "recipient": "to"}
"""Members of a row that the file calls otherwise."""

_Rows = tuple[str | None, str | None]
"""The rows by which the old and the new catalogue permit; None where they deny."""


class Way(StrEnum):
    """Whether a disclosure becomes possible or stops."""

    POSSIBLE = "becomes-possible"
    STOPS = "stops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question to which the two catalogues answer differently.

    Attributes:
        request: The question.
        facts: What is known.
        at: When.
        row: The row that permits it, of the catalogue that does.
    """

    request: DisclosureRequest
    facts: Facts
    at: datetime
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A class of disclosures that becomes possible or stops.

    Attributes:
        way: Which of the two.
        purpose: The code of the ground.
        senders: Who discloses.
        recipients: Who receives.
        message_types: In which messages.
        labels: Which kinds of elements.
        only_necessary: Whether it is so only for items that are marked necessary.
        only_unmarked: Whether it is so only for items that are not.
        days: On which days.
        always: Whether it is so in every situation in which the one catalogue permits.
        situations: In how many situations it is so.
        example: One of them.
    """

    way: Way
    purpose: str
    senders: tuple[Party, ...]
    recipients: tuple[Party, ...]
    message_types: tuple[str, ...]
    labels: tuple[Label, ...]
    only_necessary: bool
    only_unmarked: bool
    days: Days
    always: bool
    situations: int
    example: Example


@dataclass(slots=True, kw_only=True)
class CompareResult:
    """What came of one purpose.

    Attributes:
        asked: How often the two were asked together.
        questions: For how many questions that stands, each stretch of days counted once.
        changes: What changes.
    """

    asked: int = 0
    questions: int = 0
    changes: list[Change] = field(default_factory=list)


def purposes(old: Catalogue, new: Catalogue, *, definitions: Definitions) -> tuple[str, ...]:
    """The purposes whose rows differ, each a piece of work by itself."""
    return tuple(
        purpose
        for purpose in Space(old, new, definitions=definitions).purposes
        if old.rows(purpose) != new.rows(purpose) or old.capacities != new.capacities
    )


def compare_purpose(purpose: str, *, old: Catalogue, new: Catalogue, definitions: Definitions) -> CompareResult:
    """Compare two catalogues under one purpose.

    Args:
        purpose: From `purposes` of the same two.
        old: The catalogue as it is.
        new: The catalogue as it would be.
        definitions: The labels and message types that there are.
    """
    space = Space(old, new, definitions=definitions, parties=HONEST)
    result = CompareResult()
    seen: list[_Seen] = []
    whole: set[tuple[object, ...]] = set()
    ties, rows = space.ties(purpose), space.rows(purpose)
    hours = frozenset(row.spoed_hours for row in rows if row.spoed_hours is not None)
    for frame in space.frames(purpose):
        asked = result.asked
        at, category = frame.days.at, frame.label.example.category
        best = dict.fromkeys(
            best_situation(row, category, sender=frame.sender.example, recipient=frame.recipient.example, at=at)
            for row in rows
        )
        answers = [_ask(frame, situation, old, new, result) for situation in best]
        names = tuple(dict.fromkeys((old_row, new_row) for old_row, new_row in answers if old_row or new_row))
        if not names:
            result.questions += frame.size
            continue
        key = (names, frame.days)
        around = situations(ties, category=category, purpose=purpose, hours=hours, at=at, full=key not in whole)
        whole.add(key)
        seen += _seen(frame, ((situation, _ask(frame, situation, old, new, result)) for situation in around))
        result.questions += frame.size * (result.asked - asked)
    result.changes = _changes(seen)
    return result


def _ask(frame: Frame, situation: Situation, old: Catalogue, new: Catalogue, result: CompareResult) -> _Rows:
    """The row by which each catalogue permits; None where it denies."""
    result.asked += 1
    request, at = frame.request(subjects=situation.subjects, spoed=situation.spoed), frame.days.at
    one, other = (decide(request, catalogue=catalogue, facts=situation.facts, at=at) for catalogue in (old, new))
    return one.row if isinstance(one, Permit) else None, other.row if isinstance(other, Permit) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was seen of one frame, in one direction."""

    way: Way
    frame: Frame
    always: bool
    situations: int
    example: Example


def _seen(frame: Frame, answers: Iterable[tuple[Situation, _Rows]]) -> list[_Seen]:
    """Sum up what the two answered to a frame in its situations."""
    first: dict[Way, Example] = {}
    counts: dict[Way | None, int] = {}
    for situation, (old, new) in answers:
        if not old and not new:
            continue
        way = None if old and new else Way.POSSIBLE if new else Way.STOPS
        counts[way] = counts.get(way, 0) + 1
        if way is not None and way not in first:
            request = frame.request(subjects=situation.subjects, spoed=situation.spoed)
            first[way] = Example(request=request, facts=situation.facts, at=frame.days.at, row=new or old or "")
    return [
        _Seen(way=way, frame=frame, always=None not in counts, situations=counts[way], example=example)
        for way, example in first.items()
    ]


def _changes(seen: Iterable[_Seen]) -> list[Change]:
    """Join frames that differ in their labels, or in the mark of necessity, only."""
    groups: dict[tuple[object, ...], list[_Seen]] = {}
    for each in seen:
        frame = each.frame
        key = (each.way, frame.sender, frame.recipient, frame.message_type, frame.days, each.always)
        groups.setdefault(key, []).append(each)
    changes = [change for group in groups.values() for change in _joined(group)]
    return _merged(_merged(changes, "senders"), "recipients")


def _merged(changes: Iterable[Change], side: str) -> list[Change]:
    """Join changes that differ in who stands at one side only."""
    groups: dict[object, list[Change]] = {}
    for change in changes:
        alike = (
            change.way,
            change.message_types,
            change.labels,
            change.only_necessary,
            change.only_unmarked,
            change.days,
            change.always,
            change.example.row,
            change.recipients if side == "senders" else change.senders,
        )
        groups.setdefault(alike, []).append(change)
    found: list[Change] = []
    for first, *others in groups.values():
        number = first.situations + sum(change.situations for change in others)
        together = tuple(party for change in (first, *others) for party in getattr(change, side))
        senders = together if side == "senders" else first.senders
        recipients = together if side == "recipients" else first.recipients
        found.append(replace(first, senders=senders, recipients=recipients, situations=number))
    return found


def _joined(group: list[_Seen]) -> list[Change]:
    """One change for the labels that go marked or not, one for those that go only marked, one for only unmarked."""
    marks: dict[Label, set[bool]] = {}
    by_label: dict[Label, _Seen] = {}
    for seen in group:
        for label in seen.frame.label.members:
            marks.setdefault(label, set()).add(seen.frame.necessary.example is None)
            by_label.setdefault(label, seen)
    found: list[Change] = []
    for which in ({True, False}, {False}, {True}):
        labels = tuple(label for label, seen_marks in marks.items() if seen_marks == which)
        if not labels:
            continue
        first = by_label[labels[0]]
        frame = first.frame
        found.append(
            Change(
                way=first.way,
                purpose=frame.purpose,
                senders=frame.sender.members,
                recipients=frame.recipient.members,
                message_types=frame.message_type.members,
                labels=labels,
                only_necessary=which == {False},
                only_unmarked=which == {True},
                days=frame.days,
                always=first.always,
                situations=first.situations,
                example=_of_label(first.example, labels[0]),
            )
        )
    return found


def _of_label(example: Example, label: Label) -> Example:
    """The example with a label that people know: a class holds real ones before made-up ones."""
    request = replace(example.request, profile=label.profile, element=label.element, category=label.category)
    return replace(example, request=request)


def in_order(results: Iterable[CompareResult]) -> tuple[Change, ...]:
    """All changes: first what becomes possible, then what stops; purposes in their order."""
    found = [change for result in results for change in result.changes]
    return tuple(sorted(found, key=lambda change: change.way is Way.STOPS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One member of a row, or the name of a law, that is not as it was.

    Attributes:
        about: Name of the row, or `laws` and the short name of a law.
        member: As the file calls it; None where all of it is new or gone.
        before: What stood there; None where it is new.
        after: What stands there; None where it is gone.
    """

    about: str
    member: str | None
    before: Text | None
    after: Text | None


def row_differences(old: Catalogue, new: Catalogue) -> tuple[Difference, ...]:
    """Find every member of every row that differs, decided by or not, and every law that is called otherwise."""
    found: list[Difference] = []
    for short in dict.fromkeys((*old.laws, *new.laws)):
        before, after = old.laws.get(short), new.laws.get(short)
        if before != after:
            found.append(Difference(about=f"laws.{short}", member=None, before=before, after=after))
    was = {row.name: row for row in old.grounds}
    for row in new.grounds:
        if row.name not in was:
            found.append(Difference(about=row.name, member=None, before=None, after=row.title))
        elif row != was[row.name]:
            found += _members(was[row.name], row)
    there = {row.name for row in new.grounds}
    gone = (row for row in old.grounds if row.name not in there)
    return (*found, *(Difference(about=row.name, member=None, before=row.title, after=None) for row in gone))


def _members(old: Ground, new: Ground) -> Iterator[Difference]:
    for each in fields(Ground):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if before != after:
            member = _IN_THE_FILE.get(each.name, each.name)
            yield Difference(about=new.name, member=member, before=_said(before), after=_said(after))


def _said(value: object) -> Text:
    """What a member says: its words, else the value as the file has it."""
    if isinstance(value, Text):
        return value
    said = _plain(value)
    return Text(nl=said, en=said)


def _plain(value: object) -> str:
    parts: tuple[object, ...]
    match value:
        case None:
            return "–"
        case bool():
            return str(value).lower()
        case Basis():
            return " ".join(filter(None, (value.law, value.article)))
        case Side():
            parts = (value.roles, value.capacities) if value.capacities else (value.roles,)
        case Mapping():
            parts = tuple(f"{name}: {_plain(value[name])}" for name in sorted(value))
        case frozenset():
            parts = tuple(sorted(value))
        case tuple():
            parts = value
        case _:
            return str(value)
    return "; ".join(map(_plain, parts)) or "–"
