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
from datetime import date, datetime, timedelta
from typing import Final

from consent.facts import PersonFacts
from schemas.civil_day import civil_day as civil_day  # noqa: PLC0414  the day by which a decision is taken
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.identifiers import OIN, CaseId

QUESTION_TYPE: Final = "informatieverzoek"
"""The message type that asks, and whose answer holds only what it asked."""


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
        place: Number of the person among the message's subjects: where the facts about him stand.
    """

    role: SubjectRole
    age: AgeBand
    turns: date | None = None
    place: int = 0

    def age_on(self, day: date) -> AgeBand | None:
        """The age band on a day: from `turns` on, the later one decides.

        Returns:
            The band, or None when `turns` stands at a band that nothing follows, so that the two contradict each other.
        """
        if self.turns is None:
            return self.age
        later = self.age.following
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
class QuestionFact:
    """The question that this message answers. Make it with `question_fact`.

    Attributes:
        categories: What was asked for.
    """

    categories: frozenset[Category]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedFact:
    """The message that this one corrects: it went from this sender to this recipient. Make it with `corrected_fact`.

    Attributes:
        categories: What was released of it then.
    """

    categories: frozenset[Category]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rim found about this message's parties, persons and case; what is not here does not exist.

    Attributes:
        reply: The message that this one answers, or None.
        question: What was asked, where that message is a question; or None.
        corrected: What the message that this one corrects told this recipient, or None.
        people: What is known of each person, in the order of the message's subjects.
        spoed_since: When the first emergency message about these persons to or from this GI was accepted; None if this
            is the first.
    """

    reply: ReplyFact | None = None
    question: QuestionFact | None = None
    corrected: CorrectedFact | None = None
    people: tuple[PersonFacts, ...] = ()
    spoed_since: datetime | None = None


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


def question_fact(reply: ReplyFact | None, *, asked: frozenset[Category]) -> QuestionFact | None:
    """Say what was asked by the message that is answered.

    Args:
        reply: The message that is answered, from `reply_fact`.
        asked: The categories of its claim `asks`.

    Returns:
        The fact, or None when nothing is answered or what is answered is no question.
    """
    if reply is None or reply.message_type != QUESTION_TYPE:
        return None
    return QuestionFact(categories=asked)


def corrected_fact(route: Route, *, corrected: Route, released: frozenset[Category]) -> CorrectedFact | None:
    """Say what a correction may hold.

    Args:
        route: The way of the correction.
        corrected: The way of the message that it corrects, as it was logged.
        released: The categories that were released then, by the DISCLOSURE entries of that message; empty if none was.

    Returns:
        The fact, or None when the corrected message did not go the same way, or nothing of it was released.

    Source: AVG 16 and 19.
    """
    return CorrectedFact(categories=released) if route == corrected and released else None


def spoed_hours(at: datetime, since: datetime | None) -> int:
    """The whole hours that an emergency lasts already: 0 for the first message, and never less.

    It decides together with the day, and so stands beside the day where decisions are remembered.
    """
    if since is None or at.utcoffset() is None or since.utcoffset() is None:
        return 0
    return max(0, (at - since) // timedelta(hours=1))
