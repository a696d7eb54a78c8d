"""The decision: may this element go to this recipient?

`decide` is pure and total. It reads no clock, no file and no store, it never raises, and what it cannot evaluate it
denies. Nothing is permitted but by a row of the catalogue that has the message's purpose as its code.

    >>> decide(request, catalogue=packaged_catalogue(), facts=NO_FACTS, at=at)
    Permit(ground='VTO', row='VTO', relied_on=(), marks=())

Source: the architecture, section 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, assert_never

from consent.decision import Decision, Deny, Permit
from consent.evaluable import is_evaluable
from consent.grounds import Carries, Catalogue, Ground, Side
from consent.reasons import Mark, Reason
from consent.request import DataSubject, DisclosureRequest, Facts, Party, civil_day, spoed_hours
from consent.ties import weigh_ties
from consent.weighing import Weighed, keep
from schemas.codes import Role

_NOT_EVALUABLE: Final = Deny(reasons=(Reason.NOT_EVALUABLE,))


def decide(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    """Decide about one element for one recipient.

    The checks come in this order, and a denial holds the reasons of all of them:

    1. The input can be evaluated: every part is of its type and the moment is a day in the Netherlands. If not, nothing
       else is looked at.
    2. Somebody is named whom the element is about, and no age band contradicts the day on which it changes.
    3. Each party states a capacity if it is a GI and none if it is not, it was admitted in that capacity, and some row
       of the catalogue names it.
    4. The purpose is the code of rows in the catalogue (if not, there is nothing more to check); of those, one holds on
       this day, is switched on, and carries elements.
    5. The row names the sender's role, and for a GI its capacity.
    6. The row names the recipient's role, and for a GI its capacity.
    7. The row names the message type, the category and, where it limits the category, the element; where it asks for
       necessity, the item is marked.
    8. Every tie of the row holds, for each person that the element is about: see `consent.ties`.

    In 4 to 7 each check keeps the rows that pass it. If none passes, its reason is noted and the rows stay as they
    were, so that the later checks still speak. It permits exactly if one row passes everything.

    Not checked here: the structure of the message, the signatures behind the facts, whether the stated age, necessity,
    emergency or category is true.

    Args:
        request: The parties, the purpose, the element and whom it is about.
        catalogue: The grounds.
        facts: What the rim found; what is not in it does not exist.
        at: The moment of the decision, aware.

    Returns:
        A permit by one row, or a denial with every reason.

    Source: the architecture, section 5.
    """
    # 1. The input can be evaluated.
    day = civil_day(at) if is_evaluable(request, catalogue, facts, at) else None
    if day is None:
        return _NOT_EVALUABLE
    # 2. The persons.
    reasons = _about_subjects(request.subjects, day)
    # 3. The capacities.
    reasons += _about_capacity(request.sender, of=_SENDER) + _about_capacity(request.recipient, of=_RECIPIENT)
    if any(_has_no_ground(party, catalogue) for party in (request.sender, request.recipient)):
        reasons.append(Reason.NO_GROUND_FOR_CAPACITY)
    # 4. The ground.
    rows = catalogue.rows(request.purpose)
    if not rows:
        return Deny(reasons=(*reasons, Reason.PURPOSE_UNKNOWN))
    not_held = Reason.GROUND_NOT_YET_VALID if any(day < row.valid_from for row in rows) else Reason.GROUND_EXPIRED
    rows = keep(rows, lambda row: row.holds_on(day), not_held, reasons)
    rows = keep(rows, lambda row: row.in_force, Reason.GROUND_OFF, reasons)
    rows = keep(rows, lambda row: row.carries is Carries.ELEMENTS, Reason.GROUND_CARRIES_NO_ELEMENTS, reasons)
    # 5. The sender.
    rows = _keep_party(rows, request.sender, catalogue, of=_SENDER, reasons=reasons)
    # 6. The recipient.
    rows = _keep_party(rows, request.recipient, catalogue, of=_RECIPIENT, reasons=reasons)
    # 7. What is sent.
    rows = keep(rows, lambda row: request.message_type in row.message_types, Reason.MESSAGE_TYPE_NOT_IN_GROUND, reasons)
    rows = keep(rows, lambda row: request.category in row.categories, Reason.CATEGORY_NOT_IN_GROUND, reasons)
    rows = keep(rows, lambda row: _element_allowed(row, request), Reason.ELEMENT_NOT_IN_GROUND, reasons)
    rows = keep(rows, lambda row: _necessity_met(row, request), Reason.NECESSITY_MISSING, reasons)
    # 8. The ties.
    hours = spoed_hours(at, facts.spoed_since)
    weighed = [(row, weigh_ties(row, request, facts=facts, day=day, hours=hours)) for row in rows]
    bound = [(row, found) for row, found in weighed if not found.reasons]
    if not bound:
        reasons += Weighed.of_all(found for _, found in weighed).reasons
    if reasons:
        return Deny(reasons=tuple(reasons))
    row, found = bound[0]
    return Permit(ground=row.code, row=row.name, relied_on=found.relied_on, marks=_marks(request, found.marks))


def decide_pseudonym(about: Sequence[Decision]) -> Decision:
    """Decide about the recipient's own pseudonym of a person: the label `subject/<n>/yours`.

    It has no category of its own: it says about whom the elements are that the recipient gets, so it goes exactly when
    one of those goes.

    Args:
        about: The decisions about every element of every item about this person.

    Returns:
        The first permit, or a denial with the reasons of all, in the order of the checks.
    """
    reasons: set[Reason] = set()
    for decision in about:
        match decision:
            case Permit():
                return decision
            case Deny():
                reasons.update(decision.reasons)
            case _:
                assert_never(decision)
    return Deny(reasons=tuple(reason for reason in Reason if reason in reasons) or (Reason.SUBJECT_MISSING,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One of the two parties to a message: where a row names it, and the reasons that are about it."""

    side: Callable[[Ground], Side]
    not_for_role: Reason
    missing: Reason
    not_held: Reason
    role_not_in_ground: Reason
    capacity_not_in_ground: Reason


_SENDER: Final = _Part(
    side=lambda row: row.sender,
    not_for_role=Reason.SENDER_CAPACITY_NOT_FOR_ROLE,
    missing=Reason.SENDER_CAPACITY_MISSING,
    not_held=Reason.SENDER_CAPACITY_NOT_HELD,
    role_not_in_ground=Reason.SENDER_ROLE_NOT_IN_GROUND,
    capacity_not_in_ground=Reason.SENDER_CAPACITY_NOT_IN_GROUND,
)
_RECIPIENT: Final = _Part(
    side=lambda row: row.recipient,
    not_for_role=Reason.RECIPIENT_CAPACITY_NOT_FOR_ROLE,
    missing=Reason.RECIPIENT_CAPACITY_MISSING,
    not_held=Reason.RECIPIENT_CAPACITY_NOT_HELD,
    role_not_in_ground=Reason.RECIPIENT_ROLE_NOT_IN_GROUND,
    capacity_not_in_ground=Reason.RECIPIENT_CAPACITY_NOT_IN_GROUND,
)


def _keep_party(
    rows: tuple[Ground, ...], party: Party, catalogue: Catalogue, *, of: _Part, reasons: list[Reason]
) -> tuple[Ground, ...]:
    """Keep the rows that name the party's role, and of those the ones that name a GI's capacity.

    A capacity is looked for only where the role is named, and only if some row of the catalogue names it: what is wrong
    with it otherwise was said before.
    """
    named = tuple(row for row in rows if party.role in of.side(row).roles)
    if not named:
        reasons.append(of.role_not_in_ground)
        return rows
    if party.role is not Role.GI or party.capacity not in catalogue.capacities:
        return named
    return keep(named, lambda row: party.capacity in of.side(row).capacities, of.capacity_not_in_ground, reasons)


def _about_subjects(subjects: tuple[DataSubject, ...], day: date) -> list[Reason]:
    if not subjects:
        return [Reason.SUBJECT_MISSING]
    return [Reason.AGE_CONTRADICTORY] if any(subject.age_on(day) is None for subject in subjects) else []


def _about_capacity(party: Party, *, of: _Part) -> list[Reason]:
    if party.capacity is None:
        return [of.missing] if party.role is Role.GI else []
    if party.role is not Role.GI:
        return [of.not_for_role]
    return [] if party.capacity in party.admitted else [of.not_held]


def _has_no_ground(party: Party, catalogue: Catalogue) -> bool:
    """Whether a GI acts in a capacity that no row of the catalogue names."""
    return party.role is Role.GI and party.capacity is not None and party.capacity not in catalogue.capacities


def _element_allowed(row: Ground, request: DisclosureRequest) -> bool:
    only = row.only.get(request.category)
    return only is None or request.element in only


def _necessity_met(row: Ground, request: DisclosureRequest) -> bool:
    return request.category not in row.necessary or request.necessary is not None


def _marks(request: DisclosureRequest, found: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Every message that is sent as an emergency is shown as one, whether or not the ground makes a difference."""
    return tuple(mark for mark in Mark if mark in found or mark is Mark.SPOED) if request.spoed else found
