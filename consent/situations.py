"""The situations of a question: whom it is about, whether it is an emergency, and what is known of it.

A situation is what the ties of a row look at; a row without ties looks only at the persons. For each tie there is a
list of situations that holds every value it can tell apart, around the day of the question:

- *persons*: nobody, one, one whose age band contradicts its birthday, and one of those beside a sound one;
- *reply* and *asked*: nothing answered, news answered, a question that named this category, one that did not;
- *prior*: nothing corrected, something of this category, something of another;
- *measure*: each kind, each executor, and each place of the day (before it begins, its first day, under way, its last
  day, after it), each stage of a confirmation that is waited for, none at all, two at once; each with no emergency and
  one that is new, going on, at its last moment, and over; a child's own measure, another child's, a parent's;
- *consent*: each age, capable or not, each number of holders of authority, every set of answers, with and without the
  parents; then each way in which a consent that is given can fail to count, alone and together; two consents one after
  the other; two persons.

Why that is exact. A tie reads the category, the purpose and the day only against what is in the facts: in it or not,
before, within or after. So facts are made around the question that is asked, and every relation comes up. Which
*other* category is named makes no difference, and neither does it which of the permitted categories is asked about: the
whole of the lists is therefore asked for one frame of each row and stretch of days (`full`), and the few situations
that stand for each outcome for every other frame.

Source: the architecture, section 5; Jeugdwet 7.3.4, 7.3.5, 7.3.11.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import Final

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Ground, Tie
from consent.request import (
    NO_FACTS,
    QUESTION_TYPE,
    CorrectedFact,
    DataSubject,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
    civil_day,
)
from schemas.codes import AgeBand, Capacity, Category, SubjectRole
from schemas.consents import Answer, GivenAnswer, Giver, WithoutParents
from schemas.measures import MeasureType

NEWS_TYPE: Final = "verzoek-tot-onderzoek"
"""A message type that is no question: what is answered by a reply that answers no question."""

_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)
_HOUR: Final = timedelta(hours=1)
_MEASURES: Final = frozenset({Tie.MEASURE, Tie.MEASURE_OF_EITHER})


_People = tuple[tuple[DataSubject, ...], tuple[PersonFacts, ...]]
"""Persons, and what is known of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a question is about beyond its frame."""

    subjects: tuple[DataSubject, ...]
    facts: Facts = NO_FACTS
    spoed: bool = False


def person(role: SubjectRole = SubjectRole.JEUGDIGE, age: AgeBand = AgeBand.UNDER_12, *, place: int = 0) -> DataSubject:
    """Make a person; a child under 12 where nothing is said."""
    return DataSubject(role=role, age=age, place=place)


CHILD: Final = person()
YOUTH: Final = person(age=AgeBand.FROM_16)
PARENT: Final = person(SubjectRole.OUDER, AgeBand.ADULT, place=1)


def best_situation(row: Ground, category: Category, *, sender: Party, recipient: Party, at: datetime) -> Situation:
    """The situation in which every tie of a row holds.

    Args:
        row: A row of a catalogue.
        category: The category that is asked about.
        sender: The sender; where it acts under a measure, its capacity says of which kind.
        recipient: The recipient; the same.
        at: The moment of the question.
    """
    ties = frozenset(row.ties)
    around = _Around.of(category, row.code, at)
    consents = (around.consent(),) if Tie.CONSENT in ties else ()
    measures: tuple[MeasureFact, ...] = ()
    if ties & _MEASURES:
        executor = Executor.RECIPIENT if Executor.RECIPIENT in row.acting else Executor.SENDER
        acting = recipient if executor is Executor.RECIPIENT else sender
        kind = MeasureType.VOOGDIJ if acting.capacity is Capacity.VOOGDIJ else MeasureType.OTS
        measures = (around.measure(type=kind, executor=executor),)
    return Situation(
        subjects=(YOUTH if consents else CHILD,),
        facts=Facts(
            reply=_best_reply(ties),
            question=QuestionFact(categories=frozenset({category})) if Tie.ASKED in ties else None,
            corrected=CorrectedFact(categories=frozenset({category})) if Tie.PRIOR in ties else None,
            people=(PersonFacts(consents=consents, measures=measures),),
        ),
    )


def _best_reply(ties: frozenset[Tie]) -> ReplyFact | None:
    if Tie.ASKED in ties:
        return ReplyFact(message_type=QUESTION_TYPE)
    return ReplyFact(message_type=NEWS_TYPE) if Tie.REPLY in ties else None


def situations(
    ties: frozenset[Tie], *, category: Category, purpose: str, hours: frozenset[int], at: datetime, full: bool
) -> Iterator[Situation]:
    """Every situation that these ties can tell apart.

    Args:
        ties: The ties of the rows in question.
        category: The category that is asked about.
        purpose: The purpose that is asked for.
        hours: For how many hours rows let an emergency pass.
        at: The moment of the question.
        full: The whole of the lists; else those that stand for each outcome.
    """
    around = _Around.of(category, purpose, at)
    answered, corrected = tuple(_answered(ties, around)), tuple(_corrected(ties, around))
    emergencies = tuple(_emergencies(ties, hours, at))
    yield from _combined(_few_persons(ties, around), emergencies, answered, corrected)
    if full:
        # What a measure or a consent comes to is one thing, and what was asked or released another.
        held = [each for each in answered if each[1] is None or category in each[1].categories][-1:]
        around_the_end = (emergencies[0], *emergencies[-2:]) if ties & _MEASURES else emergencies[:1]
        yield from _combined(_all_persons(ties, around), around_the_end, held, corrected[:2][-1:])


def _combined(
    persons: Iterable[_People],
    emergencies: Sequence[tuple[bool, datetime | None]],
    answered: Sequence[tuple[ReplyFact | None, QuestionFact | None]],
    corrected: Sequence[CorrectedFact | None],
) -> Iterator[Situation]:
    for subjects, people in persons:
        for (spoed, since), (reply, question), prior in product(emergencies, answered, corrected):
            facts = Facts(reply=reply, question=question, corrected=prior, people=people, spoed_since=since)
            yield Situation(subjects=subjects, facts=facts, spoed=spoed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """A question that facts are made around."""

    category: Category
    other: Category
    purpose: str
    at: datetime

    @staticmethod
    def of(category: Category, purpose: str, at: datetime) -> "_Around":
        other = next(one for one in (Category.KLACHT, Category.CONTACT) if one is not category)
        return _Around(category=category, other=other, purpose=purpose, at=at)

    def consent(self, *, age: AgeBand = AgeBand.FROM_16, **changed: object) -> ConsentFact:
        """A consent of a capable young person of 16 that counts for the question; or one that is changed."""
        day = civil_day(self.at)
        assert day is not None
        good = ConsentFact(
            id="toestemming-1",
            by_sender=True,
            for_recipient=True,
            categories=frozenset({self.category}),
            purposes=frozenset({self.purpose}),
            valid_from=day - _MONTH,
            valid_until=day + _MONTH,
            withdrawn=False,
            age=age,
            incapable=False,
            holders=0 if age is AgeBand.ADULT else 1,
            givers=answers(zelf=Answer.YES),
            without_parents=None,
        )
        return replace(good, **changed)  # type: ignore[arg-type]  # the names are those of the fact

    def measure(
        self,
        *,
        type: MeasureType = MeasureType.OTS,  # noqa: A002 - the name of the claim
        executor: Executor = Executor.RECIPIENT,
        first: int = -30,
        last: int | None = 30,
        lapses: int | None = None,
        number: int = 1,
    ) -> MeasureFact:
        """A measure that runs, its days counted from the day of the question."""
        day = civil_day(self.at)
        assert day is not None
        return MeasureFact(
            id=f"maatregel-{number}",
            type=type,
            executor=executor,
            valid_from=day + first * _DAY,
            valid_until=None if last is None else day + last * _DAY,
            lapses_on=None if lapses is None else day + lapses * _DAY,
        )


def answers(
    *,
    zelf: Answer | None = None,
    parents: tuple[Answer, ...] = (),
    guardian: Answer | None = None,
    representative: Answer | None = None,
) -> tuple[GivenAnswer, ...]:
    """The answers of a consent: who was asked, and what they said."""
    given = (
        (Giver.SELF, zelf),
        *((Giver.PARENT, answer) for answer in parents),
        (Giver.GUARDIAN, guardian),
        (Giver.REPRESENTATIVE, representative),
    )
    return tuple(GivenAnswer(who=who, answer=answer) for who, answer in given if answer is not None)


def _few_persons(ties: frozenset[Tie], around: _Around) -> Iterator[_People]:
    """Whom it is about, and what is known of them: what stands for each outcome."""
    contradictory = replace(person(age=AgeBand.ADULT), turns=around.at.date())
    yield (), ()
    yield (contradictory,), ()
    yield (CHILD, replace(contradictory, place=1)), ()
    with_consent, with_measure = Tie.CONSENT in ties, bool(ties & _MEASURES)
    if with_consent and with_measure:
        for (subjects, consents), (_, measures) in product(_few_consents(around), _few_measures(around)):
            known = measures[0].measures if measures else ()
            yield subjects, tuple(replace(one, measures=known) for one in consents)
    elif with_consent:
        yield from _few_consents(around)
    elif with_measure:
        yield from _few_measures(around)
    else:
        yield (CHILD,), ()
        yield (PARENT,), ()


def _all_persons(ties: frozenset[Tie], around: _Around) -> Iterator[_People]:
    """The whole of the lists, for one person."""
    if Tie.CONSENT in ties:
        yield from _all_consents(around)
    if ties & _MEASURES:
        yield from _all_measures(around)


def _emergencies(ties: frozenset[Tie], hours: frozenset[int], at: datetime) -> Iterator[tuple[bool, datetime | None]]:
    """No emergency, a new one, and one around the end of the time that it may last."""
    yield False, None
    yield True, None
    if not ties & _MEASURES:
        return
    yield False, at - _HOUR
    yield True, at - _HOUR
    for limit in sorted(hours):
        yield True, at - limit * _HOUR + timedelta(seconds=1)
        yield True, at - limit * _HOUR
        yield True, at - (limit + 1) * _HOUR


def _answered(ties: frozenset[Tie], around: _Around) -> Iterator[tuple[ReplyFact | None, QuestionFact | None]]:
    """What is answered, and whether that was a question for this category."""
    yield None, None
    if not ties & {Tie.REPLY, Tie.ASKED}:
        return
    yield ReplyFact(message_type=NEWS_TYPE), None
    question = ReplyFact(message_type=QUESTION_TYPE)
    yield question, QuestionFact(categories=frozenset({around.category}))
    yield question, QuestionFact(categories=frozenset({around.other}))
    yield question, QuestionFact(categories=frozenset({around.category, around.other}))


def _corrected(ties: frozenset[Tie], around: _Around) -> Iterator[CorrectedFact | None]:
    """What is corrected, and whether this category was released then."""
    yield None
    if Tie.PRIOR in ties:
        yield CorrectedFact(categories=frozenset({around.category}))
        yield CorrectedFact(categories=frozenset({around.other}))


# ---- measures ----


def _few_measures(around: _Around) -> Iterator[_People]:
    """One measure for each outcome, for a child; then who of several persons has it."""
    yield (CHILD,), ()
    for measures in _measure_outcomes(around):
        yield (CHILD,), (PersonFacts(measures=measures),)
    for executor in (Executor.SENDER, Executor.RECIPIENT):
        runs = PersonFacts(measures=(around.measure(executor=executor),))
        none = PersonFacts()
        other_child = replace(CHILD, place=1)
        yield (PARENT,), (runs, none)
        yield (PARENT,), (none, runs)
        yield (PARENT,), (none, none)
        yield (CHILD, PARENT), (runs, none)
        yield (CHILD, PARENT), (none, runs)
        yield (CHILD, other_child), (runs, none)
        yield (CHILD, other_child), (runs, runs)


def _measure_outcomes(around: _Around) -> tuple[tuple[MeasureFact, ...], ...]:
    found: list[tuple[MeasureFact, ...]] = []
    for executor in Executor:
        for kind in (MeasureType.OTS, MeasureType.VOOGDIJ):
            good = around.measure(type=kind, executor=executor)
            found += [
                (good,),
                (replace(good, valid_from=good.valid_from - _DAY, valid_until=civil_day(around.at - _DAY)),),
                (around.measure(type=kind, executor=executor, first=1),),
                (around.measure(type=kind, executor=executor, lapses=1),),
                (around.measure(type=kind, executor=executor, lapses=0),),
            ]
    return tuple(found)


def _all_measures(around: _Around) -> Iterator[_People]:
    """Every single measure, and every two of those that stand for an outcome."""
    days = ((1, 30), (0, 30), (-30, None), (-30, 30), (-30, 0), (-30, -1), (0, 0))
    for kind, executor, (first, last), lapses in product(MeasureType, Executor, days, (None, 1, 0, -1)):
        measure = around.measure(type=kind, executor=executor, first=first, last=last, lapses=lapses)
        yield (CHILD,), (PersonFacts(measures=(measure,)),)
    outcomes = _measure_outcomes(around)
    for one, other in product(outcomes, outcomes):
        second = tuple(replace(measure, id="maatregel-2") for measure in other)
        yield (CHILD,), (PersonFacts(measures=(*one, *second)),)


# ---- consents ----


def _few_consents(around: _Around) -> Iterator[_People]:
    """One consent for each outcome, then two after each other, then two persons."""
    yield (YOUTH,), ()
    outcomes = _consent_outcomes(around)
    for one in outcomes:
        yield (YOUTH,), (PersonFacts(consents=(one,)),)
    for one, other in product(outcomes, outcomes):
        yield (YOUTH,), (PersonFacts(consents=(one, replace(other, id="toestemming-2"))),)
    adult = around.consent(age=AgeBand.ADULT)
    for youth, parent in product((None, *outcomes), (None, adult, replace(adult, withdrawn=True))):
        people = tuple(PersonFacts(consents=() if one is None else (one,)) for one in (youth, parent))
        yield (YOUTH, PARENT), people


def _consent_outcomes(around: _Around) -> tuple[ConsentFact, ...]:
    good, day = around.consent(), civil_day(around.at)
    assert day is not None
    return (
        good,
        replace(good, by_sender=False),
        replace(good, for_recipient=False),
        replace(good, categories=frozenset({around.other})),
        replace(good, purposes=frozenset({"ANDERS"})),
        replace(good, withdrawn=True),
        replace(good, valid_from=day + _DAY),
        replace(good, valid_until=day - _DAY),
        replace(good, givers=answers(zelf=Answer.NO)),
        replace(good, givers=answers(parents=(Answer.YES,))),
    )


def _all_consents(around: _Around) -> Iterator[_People]:
    """Who has to consent; then each way in which a consent does not count, in every combination."""
    ages = tuple(AgeBand)
    for age, incapable, holders, without, givers in product(
        ages, (False, True), (0, 1, 2), (None, *WithoutParents), _givers()
    ):
        consent = around.consent(age=age, incapable=incapable, holders=holders, without_parents=without, givers=givers)
        yield (person(age=age),), (PersonFacts(consents=(consent,)),)
    complete, one_short = answers(zelf=Answer.YES, parents=(Answer.YES,)), answers(parents=(Answer.YES,))
    for now, then, role, givers in product(ages, ages, SubjectRole, (complete, one_short)):
        yield (person(role, now),), (PersonFacts(consents=(around.consent(age=then, givers=givers, holders=1),)),)
    yield from _birthdays(around)
    day = civil_day(around.at)
    assert day is not None
    booleans, starts, ends = (False, True), (day - _MONTH, day, day + _DAY), (day - _DAY, day, day + _MONTH)
    for sender, recipient, category, purpose, first, last, withdrawn, givers in product(
        booleans, booleans, booleans, booleans, starts, ends, booleans, (answers(zelf=Answer.YES), one_short)
    ):
        consent = around.consent(
            by_sender=sender,
            for_recipient=recipient,
            categories=frozenset({around.category if category else around.other}),
            purposes=frozenset({around.purpose if purpose else "ANDERS"}),
            valid_from=first,
            valid_until=last,
            withdrawn=withdrawn,
            givers=givers,
        )
        yield (YOUTH,), (PersonFacts(consents=(consent,)),)


def _birthdays(around: _Around) -> Iterator[_People]:
    """A birthday yesterday, today and tomorrow, with the consent that was right before it and the one after."""
    day = civil_day(around.at)
    assert day is not None
    sets = (
        answers(zelf=Answer.YES),
        answers(parents=(Answer.YES,)),
        answers(zelf=Answer.YES, parents=(Answer.YES,)),
    )
    for age, turns, given, givers in product(AgeBand, (day - _DAY, day, day + _DAY), AgeBand, sets):
        child = replace(person(age=age), turns=turns)
        yield (child,), (PersonFacts(consents=(around.consent(age=given, holders=1, givers=givers),)),)


@cache
def _givers() -> tuple[tuple[GivenAnswer, ...], ...]:
    """Every set of answers of the person, of none to two parents, a guardian and a representative."""
    one = (None, Answer.YES, Answer.NO)
    yes, no = Answer.YES, Answer.NO
    parents = ((), (yes,), (no,), (yes, yes), (yes, no), (no, no))
    return tuple(
        answers(zelf=zelf, parents=both, guardian=guardian, representative=representative)
        for zelf, both, guardian, representative in product(one, parents, one, one)
    )
