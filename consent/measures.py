"""Measures: what follows from the statements about a child, and whether one binds a disclosure to the case today.

A statement counts by who signed it:

- the Raad's counts at once;
- the executing GI's own counts at once, is *declared* (marked and reviewed), and lapses 30 days after the GI first
  said so of this child and this kind of measure, unless the Raad or the GI that carried the measure out before says the
  same; other dates, another decision and a period that follows gain no days, only a pause of 30 days begins anew;
- that former GI says it by a statement of its own that confirms the new one's, and its own measure ends the day before.

Statements that replace or confirm each other are about one measure: the newest says when it ends. An annulled one
leaves nothing; one that the Raad annuls leaves nothing of what its GI says by itself about the same days either. On a
day on which two GIs would carry out measures of one kind over one child, the statements contradict each other: nothing
rests on either until that is solved.

Source: the domain page, section 5; the architecture, section 5; Jeugdwet 7.3.11(4), BW 1:255, 1:259, 1:302.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from consent.facts import Executor, MeasureFact
from consent.reasons import Mark, Reason
from consent.request import civil_day
from consent.weighing import Weighed
from schemas.codes import Capacity, Role
from schemas.errors import Issue
from schemas.identifiers import OIN, MessageId
from schemas.measures import MeasureStatement, MeasureType

DECLARED_DAYS: Final = 30
"""For how long the word of the executing GI alone counts."""

OF_ONE_ISSUER_MAX: Final = 100
"""Statements of one issuer about one child. Each decision reads them all, so nobody may make them too many to read."""

_OTS: Final = frozenset({MeasureType.OTS, MeasureType.PROVISIONAL_OTS})
_VOOGDIJ: Final = frozenset({MeasureType.VOOGDIJ, MeasureType.PROVISIONAL_VOOGDIJ})
_KIND: Final = {measure: kind for kind in (_OTS, _VOOGDIJ) for measure in kind}
_BY_CAPACITY: Final = {Capacity.OTS: _OTS, Capacity.VOOGDIJ: _VOOGDIJ}


# ---- whether a measure runs ----


def weigh_measures(
    measures: tuple[MeasureFact, ...], *, acting: AbstractSet[Executor], capacity: Capacity | None, day: date
) -> Weighed:
    """Look for a measure that runs on a day and that the acting GI carries out.

    Args:
        measures: The person's.
        acting: Which parties to the message are the acting GI: one, or either of both.
        capacity: In which capacity the acting GI acts; a measure of another kind is none.
        day: The day of the decision.
    """
    of_kind = [fact for fact in measures if is_of_capacity(fact.type, capacity)]
    live = [fact for fact in of_kind if _state(fact, day) is None]
    if len({fact.executor for fact in live}) > 1:
        return Weighed(reasons=(Reason.MEASURE_CONTRADICTED,))
    mine = [fact for fact in live if fact.executor in acting]
    if mine:
        best = min(mine, key=lambda fact: fact.declared)
        return Weighed(relied_on=(best.id,), marks=(Mark.SELF_DECLARED,) if best.declared else ())
    reasons = {state for fact in of_kind if fact.executor in acting and (state := _state(fact, day)) is not None}
    if live:
        reasons.add(Reason.MEASURE_OTHER_EXECUTOR)
    return Weighed(reasons=tuple(reason for reason in Reason if reason in reasons) or (Reason.MEASURE_MISSING,))


def is_of_capacity(measure: MeasureType, capacity: Capacity | None) -> bool:
    """Whether a measure is of the kind that a GI carries out in a capacity."""
    return capacity is not None and measure in _BY_CAPACITY.get(capacity, ())


def is_same_kind(one: MeasureType, other: MeasureType) -> bool:
    """Whether two measures are both a supervision order, or both a guardianship, provisional or not."""
    return _KIND[one] == _KIND[other]


def _state(fact: MeasureFact, day: date) -> Reason | None:
    """Why a measure does not count on a day; None if it does."""
    if day < fact.valid_from:
        return Reason.MEASURE_NOT_BEGUN
    if fact.valid_until is not None and fact.valid_until < day:
        return Reason.MEASURE_ENDED
    if fact.lapses_on is not None and fact.lapses_on <= day:
        return Reason.MEASURE_LAPSED
    return None


# ---- what follows from several statements ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A measure as it stands after every statement about it.

    Attributes:
        id: Identifier of the statement.
        type: Which measure.
        executor: The GI that carries it out.
        valid_from: First day.
        valid_until: Last day; None while there is none.
        lapses_on: First day on which it no longer counts; None where it needs no confirmation.
    """

    id: MessageId
    type: MeasureType
    executor: OIN
    valid_from: date
    valid_until: date | None
    lapses_on: date | None

    def counts_on(self, day: date) -> bool:
        """Whether it runs on a day and has not lapsed."""
        return (
            self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
            and (self.lapses_on is None or day < self.lapses_on)
        )


def standing_measures(statements: Sequence[MeasureStatement], *, raden: AbstractSet[OIN]) -> tuple[Standing, ...]:
    """Say what the statements about one child come to.

    Args:
        statements: Every statement about the child that is known, under each of its pseudonyms; verified.
        raden: The participants that are a Raad.

    Returns:
        The measures, those of the newest statements first; one that was annulled, or that never had a day, is not
        among them.
    """
    by_id = {statement.id: statement for statement in statements}
    replacing = {earlier.id: each for each in statements if (earlier := _replaced(each, by_id))}
    heads = [each for each in statements if each.id not in replacing and not each.annulled]
    families = _families(by_id)
    handed_over = _handed_over(heads, by_id, raden=raden)
    sure = [each for each in heads if each.issuer in raden or each in handed_over]
    annulled = [each for each in statements if each.annulled and each.issuer in raden]
    declared = [
        each
        for each in heads
        if each not in sure and each.issuer == each.executor and not _is_annulled(each, annulled, by_id, families)
    ]
    until = {
        head: _ends(head, [*sure, *declared], families=families, handed_over=handed_over) for head in (*sure, *declared)
    }
    lapses_on = _lapses_on(declared, by_id, replacing=replacing, sure={head: until[head] for head in sure})
    return tuple(
        Standing(
            id=head.id,
            type=head.type,
            executor=head.executor,
            valid_from=head.valid_from,
            valid_until=until[head],
            lapses_on=lapses_on.get(head.id),
        )
        for head in sorted(until, key=lambda each: (each.issued_at, each.id.value), reverse=True)
        if head.valid_from <= _last(until[head])
    )


def measure_facts(
    statements: Sequence[MeasureStatement], *, sender: OIN, recipient: OIN, raden: AbstractSet[OIN]
) -> tuple[MeasureFact, ...]:
    """Say what the statements about one child come to, for one message.

    Args:
        statements: Every statement about the child that is known, under each of its pseudonyms; verified.
        sender: Who would disclose.
        recipient: Who would receive.
        raden: The participants that are a Raad.
    """
    seen = {sender: Executor.SENDER, recipient: Executor.RECIPIENT}
    return tuple(
        MeasureFact(
            id=each.id.value,
            type=each.type,
            executor=seen.get(each.executor, Executor.OTHER),
            valid_from=each.valid_from,
            valid_until=each.valid_until,
            lapses_on=each.lapses_on,
        )
        for each in standing_measures(statements, raden=raden)
    )


def contradictions(standing: Iterable[Standing], *, day: date) -> frozenset[MessageId]:
    """Name the statements that contradict each other on a day: of one kind, and with different executors."""
    live = [each for each in standing if each.counts_on(day)]
    return frozenset(
        each.id
        for each in live
        if any(_KIND[each.type] == _KIND[other.type] and each.executor != other.executor for other in live)
    )


def _takes_over(handover: MeasureStatement, before: MeasureStatement) -> bool:
    """Whether a former GI's statement says that what it carried out goes on elsewhere."""
    return (
        handover.issuer == before.executor and _same_kind(handover, before) and before.valid_from < handover.valid_from
    )


def _same_kind(one: MeasureStatement, other: MeasureStatement) -> bool:
    return _KIND[one.type] == _KIND[other.type]


def _replaced(statement: MeasureStatement, by_id: Mapping[MessageId, MeasureStatement]) -> MeasureStatement | None:
    """The statement that this one replaces: known, and of the same issuer."""
    earlier = by_id.get(statement.replaces) if statement.replaces else None
    return earlier if earlier is not None and earlier.issuer == statement.issuer else None


def _confirmed(statement: MeasureStatement, by_id: Mapping[MessageId, MeasureStatement]) -> MeasureStatement | None:
    """The statement that this one confirms: known, of another issuer, about the same kind and the same executor."""
    other = by_id.get(statement.confirms) if statement.confirms else None
    if other is None or other.issuer == statement.issuer:
        return None
    return other if _same_kind(statement, other) and statement.executor == other.executor else None


def _families(by_id: Mapping[MessageId, MeasureStatement]) -> dict[MessageId, MessageId]:
    """Name for each statement the measure that it is about: the same for all that refer to each other."""
    family = {each: each for each in by_id}
    members = {each: [each] for each in by_id}
    for statement in by_id.values():
        for other in (_replaced(statement, by_id), _confirmed(statement, by_id)):
            if other is not None and family[other.id] != family[statement.id]:
                names = family[other.id], family[statement.id]
                moved, into = sorted(names, key=lambda name: len(members[name]))
                members[into] += members[moved]
                family.update(dict.fromkeys(members.pop(moved), into))
    return family


def _handed_over(
    heads: Sequence[MeasureStatement], by_id: Mapping[MessageId, MeasureStatement], *, raden: AbstractSet[OIN]
) -> list[MeasureStatement]:
    """The statements by which a GI that carried out the measure before says who does now.

    Only a GI whose measure is sure can say so, by the Raad or by the GI before it: otherwise two GIs could confirm each
    other.
    """
    sure = [each for each in heads if each.issuer in raden]
    offered = [
        each
        for each in heads
        if each.issuer not in raden and each.issuer != each.executor and _confirmed(each, by_id) is not None
    ]
    found: list[MeasureStatement] = []
    while accepted := [
        each
        for each in offered
        if each not in found
        and any(
            before.executor == each.issuer and _same_kind(before, each) and before.valid_from < each.valid_from
            for before in (*sure, *found)
        )
    ]:
        found += accepted
    return found


def _is_annulled(
    head: MeasureStatement,
    annulled: Sequence[MeasureStatement],
    by_id: Mapping[MessageId, MeasureStatement],
    families: Mapping[MessageId, MessageId],
) -> bool:
    """Whether the Raad says that there never was the measure that a GI states by itself.

    That is so for what refers to the annulled statement, and for what says the same without referring to it: of the
    same kind and GI, in days that the annulled one held, begun when it was annulled.
    """
    for each in annulled:
        if families[each.id] == families[head.id]:
            return True
        was = _replaced(each, by_id) or each
        same = _same_kind(head, was) and head.executor == was.executor
        begun = head.valid_from <= min(_day(each), _last(was.valid_until))
        if same and begun and was.valid_from <= _last(head.valid_until):
            return True
    return False


def _ends(
    head: MeasureStatement,
    counting: Sequence[MeasureStatement],
    *,
    families: Mapping[MessageId, MessageId],
    handed_over: Sequence[MeasureStatement],
) -> date | None:
    """The last day of a measure after what was said later about it, and after it was handed over."""
    later = [each for each in counting if each.issued_at > head.issued_at]
    ends = (
        head.valid_until,
        *(each.valid_until for each in later if families[each.id] == families[head.id]),
        *(each.valid_from - timedelta(days=1) for each in later if each in handed_over and _takes_over(each, head)),
    )
    return min((day for day in ends if day is not None), default=None)


def _lapses_on(
    declared: Sequence[MeasureStatement],
    by_id: Mapping[MessageId, MeasureStatement],
    *,
    replacing: Mapping[MessageId, MeasureStatement],
    sure: Mapping[MeasureStatement, date | None],
) -> dict[MessageId, date]:
    """When the word of an executing GI alone stops counting.

    The days run from the first thing that the GI said by itself about this child and this kind of measure without a
    pause of as many days: whatever it says again, with other dates, about another decision or one period after the
    other, gains none. What somebody sure said as well is not said by itself.

    Args:
        declared: What GIs state by themselves.
        by_id: Every statement.
        replacing: What replaced a statement, by the statement.
        sure: What is sure, with its last day.
    """
    if not declared:
        return {}
    alone = [
        each
        for each in by_id.values()
        if each.issuer == each.executor
        and not any(_says_as_much(other, last, each, by_id) for other, last in sure.items())
    ]
    first = {head.id: _day(head) for head in declared}
    periods = {each: _period(each, replacing.get(each.id)) for each in alone}
    for run in _runs(periods):
        begun = min(map(_day, run))
        first.update((each.id, begun) for each in run if each.id in first)
    return {each: day + timedelta(days=DECLARED_DAYS) for each, day in first.items()}


def _runs(periods: Mapping[MeasureStatement, tuple[date, date]]) -> list[list[MeasureStatement]]:
    """Put together what one GI says about one kind of measure without a pause."""
    ordered = sorted(periods, key=lambda each: (each.issuer.value, sorted(_KIND[each.type]), periods[each]))
    runs: list[list[MeasureStatement]] = []
    last = date.min
    for each in ordered:
        before = runs[-1][0] if runs else None
        same = before is not None and before.issuer == each.issuer and _same_kind(before, each)
        if same and (periods[each][0] - last).days <= DECLARED_DAYS:
            runs[-1].append(each)
            last = max(last, periods[each][1])
        else:
            runs.append([each])
            last = periods[each][1]
    return runs


def _period(statement: MeasureStatement, later: MeasureStatement | None) -> tuple[date, date]:
    """First and last day that a statement is about, as what replaced it left them; annulling it takes nothing back."""
    last = _last(statement.valid_until)
    if later is not None and not later.annulled:
        last = min(last, _last(later.valid_until))
    return statement.valid_from, max(statement.valid_from, last)


def _says_as_much(
    sure: MeasureStatement, last: date | None, declared: MeasureStatement, by_id: Mapping[MessageId, MeasureStatement]
) -> bool:
    """Whether a sure statement confirms one of a GI, or says all of it by itself."""
    if _confirmed(sure, by_id) == declared:
        return True
    within = sure.valid_from <= declared.valid_from and _last(declared.valid_until) <= _last(last)
    return within and _same_kind(sure, declared) and sure.executor == declared.executor


def _last(day: date | None) -> date:
    """The last day; of what has no end yet, that of the calendar."""
    return day or date.max


def _day(statement: MeasureStatement) -> date:
    """The day on which something was stated."""
    day = civil_day(datetime.fromtimestamp(statement.issued_at, tz=UTC))
    assert day is not None  # a NumericDate is a moment of the calendar
    return day


# ---- what a new statement may say ----


def check_statement(statement: MeasureStatement, *, role: Role, known: Sequence[MeasureStatement]) -> tuple[Issue, ...]:
    """Say what keeps a new statement from being taken beside those that are known about the child.

    Args:
        statement: The new one, verified.
        role: The role of its issuer.
        known: Every statement about the child, under each of its pseudonyms; without the new one.

    Returns:
        Every finding; empty if it can be taken. That it contradicts another is no reason to refuse it: see
        `contradictions`.
    """
    by_id = {each.id: each for each in known}
    issues: list[Issue] = []
    earlier, other = _replaced(statement, by_id), _confirmed(statement, by_id)
    # What was wrong finds a place longer.
    most = OF_ONE_ISSUER_MAX * (2 if statement.annulled else 1)
    if sum(each.issuer == statement.issuer for each in known) >= most:
        issues.append(
            _issue(
                "iss",
                f"an organisation states at most {OF_ONE_ISSUER_MAX} measures about one child",
                f"een organisatie meldt over één kind ten hoogste {OF_ONE_ISSUER_MAX} maatregelen",
            )
        )
    if not _may_state(statement, role, known, confirms=other is not None):
        issues.append(
            _issue(
                "iss",
                "is stated by the Raad, by the executing GI, or by the GI before it that confirms the new one",
                "wordt gemeld door de Raad, door de uitvoerende GI, of door de vorige GI die de nieuwe bevestigt",
            )
        )
    if statement.replaces is not None and (earlier is None or not _same_kind(statement, earlier)):
        issues.append(
            _issue(
                "replaces",
                "names no statement of the same issuer about this child and this kind of measure",
                "noemt geen melding van dezelfde organisatie over dit kind en deze soort maatregel",
            )
        )
    if earlier is not None and any(_replaced(each, by_id) == earlier for each in known):
        issues.append(
            _issue(
                "replaces",
                "names a statement that another one replaced already",
                "noemt een melding die al door een andere is vervangen",
            )
        )
    if statement.confirms is not None and other is None:
        issues.append(
            _issue(
                "confirms",
                "names no statement of another issuer about this child, this kind of measure and this executor",
                "noemt geen melding van een ander over dit kind, deze soort maatregel en deze uitvoerder",
            )
        )
    return tuple(issues)


def _may_state(statement: MeasureStatement, role: Role, known: Sequence[MeasureStatement], *, confirms: bool) -> bool:
    if role is Role.RAAD:
        return True
    if role is not Role.GI:
        return False
    if statement.issuer == statement.executor:
        return True
    return confirms and any(each.executor == statement.issuer and _same_kind(each, statement) for each in known)


def _issue(name: str, text: str, text_nl: str) -> Issue:
    return Issue(pointer=f"/{name}", code=f"sender.measure.{name}", text=text, text_nl=text_nl)
