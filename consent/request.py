"""The question to the decision core: may this element, about these persons, go from this party to that one?

It holds no identities: no OIN, no case, no pseudonym and no value. What must be known about those is looked up at the
rim and handed over as `Facts`; what is not in the facts does not exist.

    DisclosureRequest(
        sender=Party(role=Role.GEMEENTE),
        recipient=Party(role=Role.RAAD),
        purpose="VTO",
        message_type="verzoek-tot-onderzoek",
        profile="jeugdige",
        element="birthDate",
        category=Category.IDENTIFICATIE,
        subjects=(DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12),),
    )

Source: the architecture, sections 4 and 5.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.identifiers import OIN, CaseId

_NEXT_BAND: Final = {
    AgeBand.UNBORN: AgeBand.UNDER_12,
    AgeBand.UNDER_12: AgeBand.FROM_12,
    AgeBand.FROM_12: AgeBand.FROM_16,
    AgeBand.FROM_16: AgeBand.ADULT,
}
_NETHERLANDS: Final = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The sender or the recipient of a message, as the registrar admitted it.

    Attributes:
        role: The role of its admission.
        capacity: In which capacity a GI acts in this message, as the message states it; None for every other role.
        admitted: The capacities of its admission: a capacity is checked, not believed.
    """

    role: Role
    capacity: Capacity | None = None
    admitted: frozenset[Capacity] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSubject:
    """A person whom the element is about.

    Attributes:
        role: What the person is in the message.
        age: Age band on the day of `iat`.
        turns: The day on which the band changes, where the message names one.
    """

    role: SubjectRole
    age: AgeBand
    turns: date | None = None

    def age_on(self, day: date) -> AgeBand | None:
        """The age band on a day: from `turns` on, the later one decides.

        Returns:
            The band, or None when `turns` stands at a band that nothing follows, so that the two contradict each other.
        """
        if self.turns is None:
            return self.age
        later = _NEXT_BAND.get(self.age)
        if later is None:
            return None
        return self.age if day < self.turns else later


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureRequest:
    """One element on its way to one recipient.

    Attributes:
        sender: Who discloses.
        recipient: Who would receive.
        purpose: Code of the ground that the message states.
        message_type: Name of the message type.
        profile: Name of the item's profile.
        element: Name of the element in the profile.
        category: Its data category, from the definitions; never from the message.
        subjects: Everyone the item is about; it may go only if it may for each of them.
        necessary: Who judged the item to be necessary, if anybody did.
        spoed: Whether a named professional marked the message as an emergency.
    """

    sender: Party
    recipient: Party
    purpose: str
    message_type: str
    profile: str
    element: str
    category: Category
    subjects: tuple[DataSubject, ...]
    necessary: Necessity | None = None
    spoed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is equal for every element of one message; the members are those of `DisclosureRequest`."""

    sender: Party
    recipient: Party
    purpose: str
    message_type: str
    spoed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFact:
    """The message that this one answers: sent by this recipient to this sender, in the same case.

    Make it with `reply_fact`, which holds that rule.

    Attributes:
        message_type: Type of the message that is answered.
    """

    message_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rim found about this message's parties, persons and case; what is not here does not exist.

    Attributes:
        reply: The message that this one answers, or None.
    """

    reply: ReplyFact | None = None


NO_FACTS: Final = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """From whom to whom a message went, and in which case."""

    sender: OIN
    recipient: OIN
    case: CaseId


def reply_fact(route: Route, *, answered: Route, message_type: str) -> ReplyFact | None:
    """Say whether an earlier message counts as the one that is answered.

    Args:
        route: The way of the message to decide about.
        answered: The way of the message that its `reply_to` names, as it was logged.
        message_type: Type of the message that `reply_to` names.

    Returns:
        The fact, or None when the named message did not go from this recipient to this sender in this case.

    Source: the architecture, section 4, `reply_to`.
    """
    there_and_back = Route(sender=route.recipient, recipient=route.sender, case=route.case)
    return ReplyFact(message_type=message_type) if answered == there_and_back else None


def civil_day(at: datetime) -> date | None:
    """The day in the Netherlands at a moment: the day by which laws, measures and birthdays count.

    Args:
        at: An aware moment.

    Returns:
        The day, or None when the moment is naive or lies outside the calendar.
    """
    if at.utcoffset() is None:
        return None
    try:
        return at.astimezone(_NETHERLANDS).date()
    except OverflowError:
        return None
