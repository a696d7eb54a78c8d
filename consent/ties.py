"""Ties: what binds a disclosure to this child's case, checked by the facts.

    reply              it answers no question; a message that answers nothing of its recipient is marked `unprompted`
    asked              it answers a question of its recipient, and the question named the category
    measure            over each young person it is about a measure runs today that the acting GI carries out, of the
                       kind of the capacity that it states
    measure-of-either  the same, carried out by the sending or the receiving GI
    consent            each person it is about consented, as that person's age asks for
    prior              it corrects what this sender released to this recipient, in the categories released then
    raad-case          never: no version checks it yet

What a message says of itself (`FRAME`: its reference, which question it answers, that and why something is refused or
wrong) needs to be neither asked nor released before: without it nothing could be refused and nothing corrected.

A measure is over a child. What is about a parent or another person is bound to the case by a child of the message.

An emergency (spoed) stands in for a measure that is not stated yet, on rows that say for how many hours; never for one
that another GI carries out, that lapsed, or about which statements contradict each other.

Source: the domain page, section 5.
"""

from datetime import date
from typing import Final, assert_never

from consent.consents import weigh_consents
from consent.facts import NOBODY_KNOWN, Executor, PersonFacts
from consent.grounds import Ground, Tie
from consent.measures import weigh_measures
from consent.reasons import Mark, Reason
from consent.request import QUESTION_TYPE, DataSubject, DisclosureRequest, Facts
from consent.weighing import FREE, Weighed
from schemas.codes import AgeBand, Category, SubjectRole

FRAME: Final = frozenset(
    (profile, element)
    for profile, elements in (
        ("bericht", ("reference", "sentAt", "senderSystem", "recipientSystem", "recipientUnit", "spoedNote")),
        ("vraag", ("categories", "term", "accepted", "refusal")),
        ("correctie", ("corrects", "reason", "requestedBy")),
    )
    for element in elements
)
"""What a message says of itself, by profile and element; all of the category `proces`."""

_NOT_STATED_YET: Final = frozenset({Reason.MEASURE_MISSING, Reason.MEASURE_NOT_BEGUN, Reason.MEASURE_ENDED})


def weigh_ties(row: Ground, request: DisclosureRequest, *, facts: Facts, day: date, hours: int) -> Weighed:
    """Check every tie of a row.

    Args:
        row: The row.
        request: The question.
        facts: What the rim found.
        day: The day of the decision.
        hours: For how many whole hours an emergency has lasted.
    """
    if not row.ties:
        return FREE
    return Weighed.of_all(_weigh(tie, row, request, facts=facts, day=day, hours=hours) for tie in row.ties)


def _weigh(tie: Tie, row: Ground, request: DisclosureRequest, *, facts: Facts, day: date, hours: int) -> Weighed:
    match tie:
        case Tie.REPLY:
            return _reply(facts)
        case Tie.ASKED:
            return _asked(request, facts)
        case Tie.MEASURE | Tie.MEASURE_OF_EITHER:
            return _measures(row, request, facts=facts, day=day, hours=hours)
        case Tie.CONSENT:
            return Weighed.of_all(_consent(subject, request, facts=facts, day=day) for subject in request.subjects)
        case Tie.PRIOR:
            return _prior(request, facts)
        case Tie.RAAD_CASE:
            return Weighed(reasons=(Reason.TIE_RAAD_CASE_NOT_CHECKABLE,))
        case _:
            assert_never(tie)


def _reply(facts: Facts) -> Weighed:
    """A question is answered by `asked`: by another ground it would be refused, or get more, than its ground says."""
    if facts.reply is None:
        return Weighed(marks=(Mark.UNPROMPTED,))
    return Weighed(reasons=(Reason.ANSWERS_A_QUESTION,)) if facts.reply.message_type == QUESTION_TYPE else FREE


def _asked(request: DisclosureRequest, facts: Facts) -> Weighed:
    if facts.question is None:
        return Weighed(reasons=(Reason.NOT_ASKED,))
    if _is_frame(request) or request.category in facts.question.categories:
        return FREE
    return Weighed(reasons=(Reason.CATEGORY_NOT_ASKED,))


def _is_frame(request: DisclosureRequest) -> bool:
    return request.category is Category.PROCES and (request.profile, request.element) in FRAME


def _prior(request: DisclosureRequest, facts: Facts) -> Weighed:
    if facts.corrected is None:
        return Weighed(reasons=(Reason.NOT_CORRECTED,))
    if _is_frame(request) or request.category in facts.corrected.categories:
        return FREE
    return Weighed(reasons=(Reason.CATEGORY_NOT_RELEASED_THEN,))


def _consent(subject: DataSubject, request: DisclosureRequest, *, facts: Facts, day: date) -> Weighed:
    return weigh_consents(
        _known_of(subject, facts).consents,
        # Where band and birthday contradict each other, how old the person is is not known.
        band=subject.age_on(day) or AgeBand.UNKNOWN,
        purpose=request.purpose,
        category=request.category,
        day=day,
    )


def _measures(row: Ground, request: DisclosureRequest, *, facts: Facts, day: date, hours: int) -> Weighed:
    acting = row.acting
    # Both sides of a row that lets either carry out the measure act in the same capacity.
    party = request.sender if Executor.SENDER in acting else request.recipient

    def weigh(person: PersonFacts) -> Weighed:
        return weigh_measures(person.measures, acting=acting, capacity=party.capacity, day=day)

    found: list[Weighed] = []
    for subject in request.subjects:
        if subject.role is SubjectRole.JEUGDIGE:
            found.append(weigh(_known_of(subject, facts)))
            continue
        of_any = [weigh(person) for person in facts.people]
        holds = [each for each in of_any if not each.reasons]
        found.append(holds[0] if holds else Weighed.of_all(of_any or [weigh(NOBODY_KNOWN)]))
    if not request.spoed or row.spoed_hours is None:
        return Weighed.of_all(found)
    return Weighed.of_all(_excused(each, over=hours >= row.spoed_hours) for each in found)


def _excused(weighed: Weighed, *, over: bool) -> Weighed:
    """Let an emergency stand in for a measure that is not stated yet, while it lasts."""
    if not weighed.reasons or not _NOT_STATED_YET.issuperset(weighed.reasons):
        return weighed
    return Weighed(reasons=(*weighed.reasons, Reason.SPOED_OVER)) if over else FREE


def _known_of(subject: DataSubject, facts: Facts) -> PersonFacts:
    return facts.people[subject.place] if 0 <= subject.place < len(facts.people) else NOBODY_KNOWN
