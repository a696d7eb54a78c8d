"""What binds a disclosure to the case, naively: a sentence of the description for each condition, everything as words.

The sentences are those of the description of the grounds: how a row is read, *Spoed*, and *Who consents*.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

NEXT: Final = {"unborn": "0-11", "0-11": "12-15", "12-15": "16-17", "16-17": "18+"}
AGES: Final = ("unborn", "0-11", "12-15", "16-17", "18+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent record as it stands."""

    name: str
    by_sender: bool
    for_recipient: bool
    categories: frozenset[str]
    purposes: frozenset[str]
    first: date
    last: date
    withdrawn: bool
    age: str
    incapable: bool
    holders: int
    answers: tuple[tuple[str, str], ...]
    without_parents: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure as it stands; `executor` is sender, recipient or other."""

    name: str
    type: str
    executor: str
    first: date
    last: date | None
    lapses: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom the element is about; `consents` newest first."""

    role: str
    age: str
    turns: date | None
    consents: tuple[Consent, ...] = ()
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known beside the persons of the element."""

    answers: str | None = None
    asked: frozenset[str] | None = None
    released: frozenset[str] | None = None
    everybody: tuple[tuple[Measure, ...], ...] = ()
    spoed_hours: int = 0


def bind(  # noqa: C901, PLR0912 - one condition after the other, on purpose
    ties: tuple[str, ...],
    persons: tuple[Person, ...],
    case: Case,
    *,
    purpose: str,
    category: str,
    of_the_message_itself: bool,
    acting: str,
    capacity: str | None,
    spoed: bool,
    day: date,
) -> tuple[set[str], set[str], set[str]]:
    """Say why the ties do not hold, what must be marked, and on which records it rests."""
    reasons: set[str] = set()
    marks: set[str] = set()
    rested: set[str] = set()
    for tie in ties:
        if tie == "reply" and case.answers is None:
            # without one the message passes, is marked `unprompted` and goes to review
            marks.add("unprompted")
        if tie == "reply" and case.answers == "informatieverzoek":
            # a question is answered by the row for answers, with what it asked
            reasons.add("answers-a-question")
        if tie == "asked" and case.asked is None:
            reasons.add("not-asked")
        # only categories the question named
        if tie == "asked" and case.asked is not None and category not in case.asked and not of_the_message_itself:
            reasons.add("category-not-asked")
        # the corrected message was released to this recipient, and only its categories
        if tie == "prior" and case.released is None:
            reasons.add("not-corrected")
        if tie == "prior" and case.released is not None and category not in case.released and not of_the_message_itself:
            reasons.add("category-not-released-then")
        if tie == "raad-case":
            # a tie that a version of the software cannot check denies
            reasons.add("tie-raad-case-not-checkable")
        for person in persons:
            if tie in ("measure", "measure-of-either"):
                who = {"sender", "recipient"} if tie == "measure-of-either" else {acting}
                why, mark, record = _measured(person, case, who=who, capacity=capacity, day=day)
                # pass for 72 hours without a measure statement
                stated = why - {"measure-missing", "measure-not-begun", "measure-ended"}
                if why and spoed and not stated and case.spoed_hours < 72:
                    continue
                if why and spoed and not stated:
                    why.add("spoed-over")
                reasons |= why
                marks |= mark
                rested |= record
            if tie == "consent":
                why, mark, record = _consented(person, purpose=purpose, category=category, day=day)
                reasons |= why
                marks |= mark
                rested |= record
    return reasons, marks, rested


def _measured(
    person: Person, case: Case, *, who: set[str], capacity: str | None, day: date
) -> tuple[set[str], set[str], set[str]]:
    """A measure statement runs today for this subject with the acting GI as executor."""
    if person.role == "jeugdige":
        return _runs(person.measures, who=who, capacity=capacity, day=day)
    # A measure is over a child: a parent is bound to the case by any child of the message.
    tried = [_runs(measures, who=who, capacity=capacity, day=day) for measures in case.everybody]
    for why, mark, record in tried:
        if not why:
            return why, mark, record
    return {reason for why, _, _ in tried for reason in why} or {"measure-missing"}, set(), set()


def _runs(
    measures: tuple[Measure, ...], *, who: set[str], capacity: str | None, day: date
) -> tuple[set[str], set[str], set[str]]:
    # A GI with two capacities is held to the one it claims.
    same = [each for each in measures if capacity in ("ots", "voogdij") and each.type.endswith(str(capacity))]
    begun = [each for each in same if each.first <= day]
    running = [each for each in begun if each.last is None or each.last >= day]
    counting = [each for each in running if each.lapses is None or each.lapses > day]
    executors = {each.executor for each in counting}
    if len(executors) >= 2:
        return {"measure-contradicted"}, set(), set()
    if executors and executors <= who:
        sure = [each for each in counting if each.lapses is None]
        return set(), set() if sure else {"self-declared"}, {(sure or counting)[0].name}
    why = {"measure-other-executor"} if executors else set()
    for each in same:
        if each.executor not in who:
            continue
        if each not in begun:
            why.add("measure-not-begun")
        elif each not in running:
            why.add("measure-ended")
        elif each not in counting:
            why.add("measure-lapsed")
    return why or {"measure-missing"}, set(), set()


def _consented(  # noqa: C901, PLR0912 - the same
    person: Person, *, purpose: str, category: str, day: date
) -> tuple[set[str], set[str], set[str]]:
    # A birthday changes who must have consented.
    age = person.age
    if person.turns is not None:
        age = "unknown" if age not in NEXT else NEXT[age] if day >= person.turns else age
    reasons = {"consent-age-unknown"} if age == "unknown" else set()
    if not person.consents:
        return reasons | {"consent-missing"}, set(), set()
    left = list(person.consents)
    for reason, fitting in (
        ("consent-not-for-purpose", [each for each in left if purpose in each.purposes]),
        ("consent-not-for-recipient", [each for each in left if each.for_recipient]),
        ("consent-not-for-category", [each for each in left if category in each.categories]),
    ):
        both = [each for each in left if each in fitting]
        if not both:
            reasons.add(reason)
        left = both or left
    # A refusal counts against every consent that is older, while it lasts; that it was withdrawn permits nothing.
    places = [place for place, each in enumerate(left) if each.first <= day <= each.last and _refused(each, age)]
    refused = bool(places) and places[0] == 0
    if refused:
        reasons.add("consent-refused")
    elif places:
        left = left[: places[0]]
    for reason, fitting in (
        ("consent-withdrawn", [each for each in left if not each.withdrawn]),
        ("consent-not-begun", [each for each in left if each.first <= day]),
        ("consent-expired", [each for each in left if each.last >= day]),
    ):
        both = [each for each in left if each in fitting]
        if not both:
            reasons.add(reason)
        left = both or left
    # A consent counts only if the sender recorded it or confirmed it.
    own = [each for each in left if each.by_sender]
    if not own:
        reasons.add("consent-not-of-sender")
    left = own or left
    if age != "unknown":
        fitting = [each for each in left if each.age == "unknown" or AGES.index(each.age) <= AGES.index(age)]
        if not fitting:
            reasons.add("consent-age-contradictory")
        left = fitting or left
        whole = [each for each in left if _everybody_said_yes(each, age)]
        if not whole and not refused:
            reasons.add("consent-givers-incomplete")
        left = whole or left
    if reasons:
        return reasons, set(), set()
    alone = age == "12-15" and left[0].without_parents and not left[0].incapable
    return set(), {"without-parents"} if alone else set(), {left[0].name}


def _needed(consent: Consent, age: str) -> tuple[bool, bool, bool]:
    """Whose yes it takes: the person's own, that of those with authority, a representative's."""
    if age == "18+":
        return not consent.incapable, False, consent.incapable
    if age == "16-17":
        # from 16 the young person alone; not capable: who represents a minor is who has authority
        return not consent.incapable, consent.incapable, False
    if age == "12-15" and not consent.incapable:
        # 12–15 the young person and those; without the parents only with its reason
        return True, not consent.without_parents, False
    # for a child under 12, or not born, or not capable: each parent with authority or the guardian
    return False, True, False


def _refused(consent: Consent, age: str) -> bool:
    if age == "unknown":
        return False
    self_, holders, representative = _needed(consent, age)
    no = {who for who, answer in consent.answers if answer == "nee"}
    return (
        (self_ and "zelf" in no)
        or (holders and bool(no & {"gezagsdrager", "voogd"}))
        or (representative and "vertegenwoordiger" in no)
    )


def _everybody_said_yes(consent: Consent, age: str) -> bool:
    self_, holders, representative = _needed(consent, age)
    yes = [who for who, answer in consent.answers if answer == "ja"]
    authority = yes.count("gezagsdrager") + yes.count("voogd")
    return (
        not _refused(consent, age)
        and (not self_ or "zelf" in yes)
        and (not representative or "vertegenwoordiger" in yes)
        and (not holders or (consent.holders >= 1 and authority >= consent.holders))
    )
