"""Proof by enumeration: every sentence about a catalogue is held against its whole decision space.

`parts` cuts the work into pieces that know nothing of each other, `prove_part` does one, `conclude` puts the results
together. Who runs the pieces, in how many processes and with what to look at meanwhile, is the command's business.

There are three kinds of pieces:

- *permits*: each frame of a purpose is asked with every tie held. What is denied then is denied whatever the facts,
  because facts only ever decide whether a tie holds. What is permitted is asked again in every situation, and each
  permit is held against every invariant: those about rows for every member of the frame's classes, those about facts
  for every situation.
- *denials*: a row is restricted in every way there is (switched off, ended, a tie more, a category, a role or a type
  less, everything necessary), and asked beside the row as it was: nothing may be permitted that was not. The same for
  facts: what is denied stays denied when a consent is withdrawn or refused, or a measure ends or is contested. Only
  honest parties are asked: who states a capacity wrongly is denied before any row is looked at, which the first kind of
  piece has shown.
- *unknown*: one part of a permitted question after the other is replaced by what it must not be; everything must be
  denied.

Source: the architecture, section 5.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import Any, Final

from consent.decide import decide
from consent.decision import Decision, Permit
from consent.facts import Executor, MeasureFact, PersonFacts
from consent.grounds import Carries, Catalogue, ConsentRule, Ground, Side, Text, Tie
from consent.invariants import DENIAL_ADDED, INVARIANTS, Invariant, Permitted
from consent.request import DisclosureRequest, Facts, civil_day
from consent.situations import Situation, answers, best_situation, situations
from consent.space import ANY_OTHER, HONEST, NO_SUCH_PURPOSE, Days, Frame, Space
from schemas.codes import AgeBand, Category
from schemas.consents import Answer
from schemas.definitions import Definitions

COUNTEREXAMPLES_MAX: Final = 3
"""How many are kept of one sentence in one part; how many there are is counted."""
DENIAL_ADDED_CODE: Final = "nee-erbij"
UNKNOWN_CODE: Final = "onbekend"

Decide = Callable[..., Decision]
"""`consent.decide.decide`, or in a test one with a fault."""


class Kind(StrEnum):
    """Which kind of piece."""

    PERMITS = "permits"
    DENIALS = "denials"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of the work: a kind, and the purpose or the row that it is about."""

    kind: Kind
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A question whose answer breaks a sentence.

    Attributes:
        invariant: Code of the sentence.
        row: Name of the row that permitted it.
        request: The question.
        facts: What was known.
        at: When.
        restriction: What was taken away or replaced before it was permitted; None where the sentence is about one
            answer.
    """

    invariant: str
    row: str
    request: DisclosureRequest
    facts: Facts
    at: datetime
    restriction: Text | None = None


@dataclass(slots=True, kw_only=True)
class PartResult:
    """What a part found.

    Attributes:
        asked: How often `decide` was asked.
        questions: For how many questions that stands, each stretch of days counted once.
        permits: How many of the asked were permitted.
        broken: How often each sentence was broken.
        counterexamples: Some of them.
    """

    asked: int = 0
    questions: int = 0
    permits: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    counterexamples: list[Counterexample] = field(default_factory=list)

    def add(self, found: Counterexample) -> None:
        """Note a counterexample; of each sentence a few are kept."""
        count = self.broken.get(found.invariant, 0)
        self.broken[found.invariant] = count + 1
        if count < COUNTEREXAMPLES_MAX:
            self.counterexamples.append(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence and what came of it."""

    code: str
    text: Text
    broken: int
    counterexamples: tuple[Counterexample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What all parts together say.

    Attributes:
        sentences: Every sentence, in the order in which people read them.
        asked: How often `decide` was asked.
        questions: For how many questions that stands.
        permits: How many of the asked were permitted.
    """

    sentences: tuple[Sentence, ...]
    asked: int
    questions: int
    permits: int

    @property
    def holds(self) -> bool:
        """Whether every sentence does."""
        return all(not sentence.broken for sentence in self.sentences)


def parts(catalogue: Catalogue, *, definitions: Definitions) -> tuple[Part, ...]:
    """Cut the proof into pieces, the longest first, so that the last process to finish is not long alone."""
    space = Space(catalogue, definitions=definitions)
    heavy = {Tie.CONSENT: 3, Tie.MEASURE: 2, Tie.MEASURE_OF_EITHER: 2, Tie.ASKED: 2}
    purposes = sorted(space.purposes, key=lambda code: -sum(heavy.get(tie, 0) for tie in space.ties(code)))
    rows = [row.name for row in catalogue.grounds if row.carries is Carries.ELEMENTS]
    return (
        *(Part(kind=Kind.PERMITS, about=purpose) for purpose in purposes),
        *(Part(kind=Kind.DENIALS, about=name) for name in rows),
        *(Part(kind=Kind.UNKNOWN, about=name) for name in rows),
    )


def prove_part(part: Part, *, catalogue: Catalogue, definitions: Definitions, ask: Decide = decide) -> PartResult:
    """Do one piece.

    Args:
        part: From `parts` of the same catalogue and definitions.
        catalogue: The grounds.
        definitions: The labels and message types that there are.
        ask: Who decides.
    """
    result = PartResult()
    match part.kind:
        case Kind.PERMITS:
            _prove_permits(part.about, Space(catalogue, definitions=definitions), catalogue, ask, result)
        case Kind.DENIALS:
            _prove_denials(catalogue.row(part.about), catalogue, definitions, ask, result)
        case Kind.UNKNOWN:
            _prove_unknown(catalogue.row(part.about), Space(catalogue, definitions=definitions), catalogue, ask, result)
    return result


def conclude(results: Iterable[PartResult]) -> Proof:
    """Put the results of all parts together."""
    found = list(results)
    told = {invariant.code: invariant.text for invariant in INVARIANTS} | {DENIAL_ADDED_CODE: DENIAL_ADDED}
    return Proof(
        sentences=tuple(
            Sentence(
                code=code,
                text=text,
                broken=sum(result.broken.get(code, 0) for result in found),
                counterexamples=tuple(
                    each for result in found for each in result.counterexamples if each.invariant == code
                ),
            )
            for code, text in told.items()
        ),
        asked=sum(result.asked for result in found),
        questions=sum(result.questions for result in found),
        permits=sum(result.permits for result in found),
    )


# ---- permits ----


def _prove_permits(purpose: str, space: Space, catalogue: Catalogue, ask: Decide, result: PartResult) -> None:
    ties, rows = space.ties(purpose), space.rows(purpose)
    hours = frozenset(row.spoed_hours for row in rows if row.spoed_hours is not None)
    seen: set[tuple[str, Days]] = set()
    for frame in space.frames(purpose):
        permit = _permitted_at_best(frame, rows, catalogue, ask, result)
        if permit is None:
            continue
        _check_members(frame, permit, catalogue, result)
        key = (permit[1].row, frame.days)
        label = frame.label.example
        for situation in situations(
            ties, category=label.category, purpose=purpose, hours=hours, at=frame.days.at, full=key not in seen
        ):
            _check_situation(frame, situation, catalogue, ask, result)
        seen.add(key)


def _permitted_at_best(
    frame: Frame, rows: tuple[Ground, ...], catalogue: Catalogue, ask: Decide, result: PartResult
) -> tuple[Situation, Permit] | None:
    """Ask a frame with all ties of one row held, row after row; None where it is denied whatever the facts."""
    result.questions += frame.size
    at = frame.days.at
    best = (
        best_situation(
            row, frame.label.example.category, sender=frame.sender.example, recipient=frame.recipient.example, at=at
        )
        for row in rows
    )
    for situation in dict.fromkeys(best) or (Situation(subjects=()),):
        result.asked += 1
        request = frame.request(subjects=situation.subjects, spoed=situation.spoed)
        decision = ask(request, catalogue=catalogue, facts=situation.facts, at=at)
        if isinstance(decision, Permit):
            return situation, decision
    return None


def _check_members(frame: Frame, permit: tuple[Situation, Permit], catalogue: Catalogue, result: PartResult) -> None:
    """Hold the sentences about rows against every question that the frame stands for."""
    situation, decision = permit
    row = catalogue.row(decision.row)
    request = frame.request(subjects=situation.subjects, spoed=situation.spoed)
    about_rows = [invariant for invariant in INVARIANTS if not invariant.of_facts]
    for sender, recipient, message_type, label in product(
        frame.sender.members, frame.recipient.members, frame.message_type.members, frame.label.members
    ):
        member = replace(
            request,
            sender=sender,
            recipient=recipient,
            message_type=message_type,
            profile=label.profile,
            element=label.element,
            category=label.category,
        )
        permitted = Permitted(request=member, facts=situation.facts, at=frame.days.at, row=row, marks=decision.marks)
        _hold(about_rows, permitted, result)


def _check_situation(frame: Frame, situation: Situation, catalogue: Catalogue, ask: Decide, result: PartResult) -> None:
    result.asked += 1
    result.questions += frame.size
    request, at = frame.request(subjects=situation.subjects, spoed=situation.spoed), frame.days.at
    decision = ask(request, catalogue=catalogue, facts=situation.facts, at=at)
    if not isinstance(decision, Permit):
        return
    result.permits += 1
    row = catalogue.row(decision.row)
    permitted = Permitted(request=request, facts=situation.facts, at=at, row=row, marks=decision.marks)
    _hold(_ABOUT_FACTS, permitted, result)


_ABOUT_FACTS: Final = tuple(invariant for invariant in INVARIANTS if invariant.of_facts)


def _hold(invariants: Iterable[Invariant], permitted: Permitted, result: PartResult) -> None:
    for invariant in invariants:
        if not invariant.holds(permitted):
            found = Counterexample(
                invariant=invariant.code,
                row=permitted.row.name,
                request=permitted.request,
                facts=permitted.facts,
                at=permitted.at,
            )
            result.add(found)


# ---- denials ----

_Restriction = Callable[[Ground], Ground]

RESTRICTIONS: Final[tuple[tuple[Text, _Restriction], ...]] = (
    (Text(nl="uit", en="switched off"), lambda row: replace(row, in_force=False)),
    (Text(nl="eerder beëindigd", en="ended earlier"), lambda row: replace(row, valid_until=row.valid_from)),
    (
        Text(nl="een band erbij", en="one more tie"),
        lambda row: replace(row, ties=(*dict.fromkeys((*row.ties, Tie.ASKED)),)),
    ),
    (
        Text(nl="een soort gegevens minder", en="a category less"),
        lambda row: replace(row, categories=frozenset(sorted(row.categories)[1:])),
    ),
    (
        Text(nl="alles alleen als het noodzakelijk is", en="everything only when necessary"),
        lambda row: replace(row, necessary=row.categories),
    ),
    (
        Text(nl="elke soort beperkt tot een onderdeel minder", en="every category limited to an element less"),
        lambda row: replace(row, only={category: _fewer_elements(row, category) for category in row.categories}),
    ),
    (
        Text(nl="een soort bericht minder", en="a message type less"),
        lambda row: replace(row, message_types=frozenset(sorted(row.message_types)[1:])),
    ),
    (Text(nl="een afzender minder", en="a sender less"), lambda row: replace(row, sender=_fewer(row.sender))),
    (Text(nl="een ontvanger minder", en="a recipient less"), lambda row: replace(row, recipient=_fewer(row.recipient))),
    (
        Text(nl="een hoedanigheid minder", en="a capacity less"),
        lambda row: replace(row, sender=_fewer_capacities(row.sender), recipient=_fewer_capacities(row.recipient)),
    ),
)
"""Every way to take something away from a row, each of one kind."""


def _fewer_elements(row: Ground, category: Category) -> frozenset[str]:
    return frozenset(sorted(row.only[category])[1:]) if category in row.only else frozenset({"name"})


def _fewer_capacities(side: Side) -> Side:
    return replace(side, capacities=frozenset(sorted(side.capacities)[1:]))


def _fewer(side: Side) -> Side:
    return replace(side, roles=frozenset(sorted(side.roles)[1:]))


def _prove_denials(
    row: Ground, catalogue: Catalogue, definitions: Definitions, ask: Decide, result: PartResult
) -> None:
    for name, restriction in RESTRICTIONS:
        rows = tuple(restriction(one) if one is row else one for one in catalogue.grounds)
        restricted = replace(catalogue, grounds=rows)
        space = Space(catalogue, restricted, definitions=definitions, parties=HONEST)
        for frame in space.frames(row.code):
            scratch = PartResult()
            after = _permitted_at_best(frame, restricted.rows(row.code), restricted, ask, scratch)
            result.asked, result.questions = result.asked + scratch.asked, result.questions + scratch.questions
            if after is None:
                continue
            situation, decision = after
            request, at = frame.request(subjects=situation.subjects, spoed=situation.spoed), frame.days.at
            result.asked += 1
            if not isinstance(ask(request, catalogue=catalogue, facts=situation.facts, at=at), Permit):
                result.add(_added(name, decision.row, request, situation.facts, at))
    _prove_worse_facts(row, catalogue, Space(catalogue, definitions=definitions), ask, result)


def _prove_worse_facts(row: Ground, catalogue: Catalogue, space: Space, ask: Decide, result: PartResult) -> None:
    """What is denied stays denied when a consent is withdrawn or refused, or a measure ends or is contested."""
    hours = frozenset() if row.spoed_hours is None else frozenset({row.spoed_hours})
    for frame in space.frames(row.code):
        if (best := _permitted_at_best(frame, (row,), catalogue, ask, PartResult())) is None or best[1].row != row.name:
            continue
        at, category = frame.days.at, frame.label.example.category
        for situation in situations(
            frozenset(row.ties), category=category, purpose=row.code, hours=hours, at=at, full=False
        ):
            request = frame.request(subjects=situation.subjects, spoed=situation.spoed)
            result.asked += 1
            if isinstance(ask(request, catalogue=catalogue, facts=situation.facts, at=at), Permit):
                continue
            for name, worse in _worse(situation.facts, at, spoed=situation.spoed):
                result.asked += 1
                decision = ask(request, catalogue=catalogue, facts=worse, at=at)
                if isinstance(decision, Permit):
                    result.add(_added(name, decision.row, request, worse, at))
        return


def _worse(facts: Facts, at: datetime, *, spoed: bool) -> Iterator[tuple[Text, Facts]]:
    """The same facts with a denial added to those of one person after the other.

    That a measure ends is no denial in an emergency: it may be that a wrong statement ends, and the emergency stands in
    for the right one.
    """
    day = civil_day(at)
    assert day is not None
    for place, known in enumerate(facts.people):
        for number, consent in enumerate(known.consents):
            before, after = known.consents[:number], known.consents[number + 1 :]
            withdrawn = (*before, replace(consent, withdrawn=True), *after)
            yield (
                Text(nl="toestemming ingetrokken", en="a consent withdrawn"),
                _with(facts, place, replace(known, consents=withdrawn)),
            )
            refusal = replace(consent, givers=answers(zelf=Answer.NO, parents=(Answer.NO,)))
            yield (
                Text(nl="weigering erbij", en="a refusal added"),
                _with(facts, place, replace(known, consents=(refusal, *known.consents))),
            )
        for measure in known.measures:
            contested = (*known.measures, _contested(measure))
            yield (
                Text(nl="maatregel betwist", en="a measure contested"),
                _with(facts, place, replace(known, measures=contested)),
            )
        if known.measures and not spoed:
            ended = tuple(replace(one, valid_until=day - timedelta(days=1)) for one in known.measures)
            yield (
                Text(nl="maatregel beëindigd", en="a measure ended"),
                _with(facts, place, replace(known, measures=ended)),
            )
    if facts.question is not None:
        yield Text(nl="vraag weg", en="the question taken away"), replace(facts, question=None)
    if facts.corrected is not None:
        yield Text(nl="wat gecorrigeerd wordt weg", en="what is corrected taken away"), replace(facts, corrected=None)


def _with(facts: Facts, place: int, known: PersonFacts) -> Facts:
    return replace(facts, people=(*facts.people[:place], known, *facts.people[place + 1 :]))


def _contested(measure: MeasureFact) -> MeasureFact:
    return replace(measure, id="maatregel-9", executor=Executor.OTHER, lapses_on=None)


def _added(name: Text, row: str, request: DisclosureRequest, facts: Facts, at: datetime) -> Counterexample:
    return Counterexample(invariant=DENIAL_ADDED_CODE, row=row, request=request, facts=facts, at=at, restriction=name)


# ---- what is unknown ----


def _prove_unknown(row: Ground, space: Space, catalogue: Catalogue, ask: Decide, result: PartResult) -> None:
    """Replace each part of a question that the row permits by what it must not be."""
    for frame in space.frames(row.code):
        best = _permitted_at_best(frame, (row,), catalogue, ask, PartResult())
        if best is None or best[1].row != row.name:
            continue
        situation, _ = best
        request, at = frame.request(subjects=situation.subjects, spoed=situation.spoed), frame.days.at
        for name, wrong_request, facts, moment in _unknown(request, situation.facts, at, row):
            result.asked += 1
            decision = ask(wrong_request, catalogue=catalogue, facts=facts, at=moment)
            if isinstance(decision, Permit):
                result.add(
                    Counterexample(
                        invariant=UNKNOWN_CODE,
                        row=row.name,
                        request=request,
                        facts=situation.facts,
                        at=at,
                        restriction=Text(nl=f"`{name}` vervangen", en=f"`{name}` replaced"),
                    )
                )
        return


def _unknown(
    request: DisclosureRequest, facts: Facts, at: datetime, row: Ground
) -> Iterator[tuple[str, Any, Any, Any]]:
    """A question with one part replaced: by a word that nobody knows, and by what is of another kind."""
    # Any: these are the values that the annotations rule out, which is the point of them.
    unknown: dict[str, Any] = {
        "purpose": NO_SUCH_PURPOSE,
        "message_type": ANY_OTHER,
        "subjects": (),
    }
    for name, value in unknown.items():
        yield name, replace(request, **{name: value}), facts, at
    strangers = frozenset(Category) - row.categories
    for category in sorted(strangers):
        yield "category", replace(request, category=category), facts, at
    nothing: Any = None
    something: Any = object()
    for name in ("sender", "recipient", "purpose", "message_type", "profile", "element", "category", "subjects"):
        yield name, replace(request, **{name: nothing}), facts, at
        yield name, replace(request, **{name: something}), facts, at
    for name in ("necessary", "spoed"):
        yield name, replace(request, **{name: something}), facts, at
    yield "request", None, facts, at
    yield "facts", request, None, at
    yield "at", request, facts, at.replace(tzinfo=None)
    yield "at", request, facts, None
    if row.consent is ConsentRule.PERSONS:
        unknown_age = tuple(replace(subject, age=AgeBand.UNKNOWN) for subject in request.subjects)
        yield "age", replace(request, subjects=unknown_age), facts, at
