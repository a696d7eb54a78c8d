"""Find what the decision about a message may know beyond its labels.

What is asked of the store follows from the ties of the purpose's rows: a ground that binds a message to nothing costs
no question, and what is needed is asked for at once. Consents and measures are read under every pseudonym of a person.

Source: the architecture, sections 4 and 5; the domain page, section 5.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from consent.consents import Addressee, consent_facts
from consent.facts import Executor, PersonFacts
from consent.grounds import Catalogue, Tie
from consent.measures import is_of_capacity, measure_facts, standing_measures
from consent.request import (
    QUESTION_TYPE,
    CorrectedFact,
    Facts,
    QuestionFact,
    ReplyFact,
    Route,
    corrected_fact,
    question_fact,
    reply_fact,
)
from hub.exchange.earlier import check_answered_people, check_corrected, check_not_answered
from hub.exchange.known import consents_of, ends_emergency, measures_of, raden, read_measure, read_stored
from hub.exchange.services import Policy, Services, World
from hub.exchange.stages import Structured
from hub.persons import Emergency, Person
from hub.ports import StoredMessage
from schemas.civil_day import civil_day_of_second
from schemas.codes import EntryKind, SubjectRole
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN, MessageId, SubjectTag
from schemas.measures import MeasureStatement
from schemas.message import Message, labels
from schemas.replies import NO_ANSWER

_T = TypeVar("_T")
_MEASURES = frozenset({Tie.MEASURE, Tie.MEASURE_OF_EITHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the rows of a purpose bind a message to.

    Attributes:
        ties: All ties of all rows.
        acting: Who may be the acting GI, seen from the message.
    """

    ties: frozenset[Tie]
    acting: frozenset[Executor]

    @property
    def measures(self) -> bool:
        """Whether a measure has to run."""
        return not self.ties.isdisjoint(_MEASURES)

    @property
    def people(self) -> bool:
        """Whether something stated about persons has to be known."""
        return self.measures or Tie.CONSENT in self.ties


def needs_of(catalogue: Catalogue, purpose: str) -> Needs:
    """Say what the rows of a purpose need to know; nothing where there are no rows."""
    rows = catalogue.rows(purpose)
    return Needs(
        ties=frozenset(tie for row in rows for tie in row.ties),
        acting=frozenset(side for row in rows if not _MEASURES.isdisjoint(row.ties) for side in row.acting),
    )


def acting_gis(message: Message, needs: Needs) -> tuple[OIN, ...]:
    """Name the GIs that act under a measure in a message."""
    sides = {Executor.SENDER: message.sender, Executor.RECIPIENT: message.recipient.oin}
    return tuple(oin for side, oin in sides.items() if side in needs.acting)


def emergencies_of(structured: Structured, catalogue: Catalogue) -> tuple[tuple[SubjectTag, OIN], ...]:
    """Name the young persons of an emergency message with each GI that acts in it; nothing if it is none."""
    message = structured.message
    if message.spoed is None:
        return ()
    gis = acting_gis(message, needs_of(catalogue, message.recipient.purpose))
    return tuple((tag, gi) for tag in _young(structured) for gi in gis)


def _young(structured: Structured) -> tuple[SubjectTag, ...]:
    """The young persons of a message: a measure is over them, so an emergency is about them.

    Where none is named it is about everybody: else it would have no beginning, and so no end.
    """
    subjects = structured.message.subjects
    found = [tag for tag, each in zip(structured.tags, subjects, strict=True) if each.role is SubjectRole.JEUGDIGE]
    return tuple(dict.fromkeys(found or structured.tags))


async def find_facts(structured: Structured, *, world: World, policy: Policy, services: Services) -> Facts:
    """Look up what the decision about a message, by that policy, may know beyond its labels.

    A message that names one to reply to which is not here is not refused for it: the fact does not exist, and the
    decision says what follows. One that is here and went another way is no answer.

    Raises:
        DocumentError: It names a message that did not go from its recipient to its sender in its case, that it does not
            answer or that is answered, or answers or corrects one that is about somebody or something else.
        UnavailableError: The store could not be reached.

    Source: the architecture, section 4, `reply_to`; hub/decisions/0010, 0016 and 0019.
    """
    message = structured.message
    needs = needs_of(policy.catalogue, message.recipient.purpose)
    corrects = message.corrects.message if message.corrects is not None and Tie.PRIOR in needs.ties else None
    if message.reply_to is None and corrects is None and not needs.people:
        return Facts()
    tags, young = tuple(dict.fromkeys(structured.tags)), _young(structured)
    gis = acting_gis(message, needs)
    named = [each for each in (message.reply_to, corrects) if each is not None]
    no_messages: Mapping[MessageId, StoredMessage] = {}
    no_persons: Mapping[SubjectTag, Person] = {}
    no_emergencies: Mapping[SubjectTag, tuple[Emergency, ...]] = {}
    # Together: each is one question to the database, and none waits for another.
    stored, released, persons, emergencies = await asyncio.gather(
        services.store.messages(named) if named else _known(no_messages),
        services.persons.ever_released(corrects) if corrects else _known(frozenset[int]()),
        services.persons.of(tags) if needs.people else _known(no_persons),
        services.persons.emergencies(young, gis=gis) if message.spoed and gis else _known(no_emergencies),
    )
    answered = stored.get(message.reply_to) if message.reply_to else None
    reply, question = _answered(message, answered, policy=policy)
    if answered is not None and reply is not None:
        await check_not_answered(message, answered, definitions=policy.definitions, services=services)
    if answered is not None and question is not None:
        await check_answered_people(young, structured=structured, asked=answered, services=services)
    corrected = stored.get(corrects) if corrects is not None else None
    return Facts(
        reply=reply,
        question=question,
        corrected=await _corrected(structured, corrected, released=released, services=services),
        people=_people(structured, persons, needs=needs, world=world) if needs.people else (),
        spoed_since=_spoed_since(message, persons, emergencies, gis=gis, world=world),
    )


async def _known(value: _T) -> _T:
    """Answer at once what needs no asking."""
    return value


def _route(message: Message) -> Route:
    return Route(sender=message.sender, recipient=message.recipient.oin, case=message.case)


def _way(stored: StoredMessage) -> Route:
    return Route(sender=stored.sender, recipient=stored.recipient, case=stored.case)


def _answered(
    message: Message, answered: StoredMessage | None, *, policy: Policy
) -> tuple[ReplyFact | None, QuestionFact | None]:
    """Say what a message answers, and what that asked.

    Raises:
        DocumentError: What it names went another way, or is of a type that such a message does not answer.
    """
    if answered is None or answered.disclosure is None:
        # What was never handed out, because it waits, was taken back or lapsed, was asked of nobody.
        return None, None
    reply = reply_fact(_route(message), answered=_way(answered), message_type=answered.type)
    if reply is None:
        text = "names a message that this recipient did not send to this sender in this case"
        raise DocumentError(text, issues=[Issue(pointer="/reply_to", code="sender.reply-to.other", text=text)])
    kind = policy.definitions.message_types.get(message.type)
    if kind is not None and answered.type not in kind.answers:
        raise DocumentError(NO_ANSWER.text, issues=[NO_ANSWER])
    asks = read_stored(answered).asks if answered.type == QUESTION_TYPE else None
    return reply, question_fact(reply, asked=frozenset(asks.categories)) if asks is not None else None


async def _corrected(
    structured: Structured, corrected: StoredMessage | None, *, released: frozenset[int], services: Services
) -> CorrectedFact | None:
    """Say which categories of the corrected message this recipient has.

    Raises:
        DocumentError: The correction is about something else.
        UnavailableError: The store could not be reached.
    """
    if corrected is None:
        return None
    original = read_stored(corrected)
    categories = set()
    for label in labels(original):
        if label.item is None or released.isdisjoint(range(label.first, label.first + len(label.digests))):
            continue
        profile = services.definitions.profiles.get(original.content[label.item].profile)
        # What the definitions of today do not know cannot be decided about either.
        if profile is not None and label.name in profile.elements:
            categories.add(profile.elements[label.name].category)
    way = _route(structured.message)
    fact = corrected_fact(way, corrected=_way(corrected), released=frozenset(categories))
    if fact is not None:
        await check_corrected(structured, corrected=corrected, original=original, released=released, services=services)
    return fact


def _people(
    structured: Structured, persons: Mapping[SubjectTag, Person], *, needs: Needs, world: World
) -> tuple[PersonFacts, ...]:
    message, recipient = structured.message, structured.recipient
    addressee = Addressee(oin=recipient.oin, role=recipient.role, capacity=message.recipient.capacity)
    found: list[PersonFacts] = []
    for tag in structured.tags:
        person = persons[tag]
        consents = consents_of(person) if Tie.CONSENT in needs.ties else ()
        measures = measures_of(person) if needs.measures else ()
        found.append(
            PersonFacts(
                consents=consent_facts(consents, sender=message.sender, recipient=addressee),
                measures=measure_facts(
                    measures,
                    sender=message.sender,
                    recipient=recipient.oin,
                    raden=raden(measures, world=world),
                ),
            )
        )
    return tuple(found)


def _spoed_since(
    message: Message,
    persons: Mapping[SubjectTag, Person],
    emergencies: Mapping[SubjectTag, Sequence[Emergency]],
    *,
    gis: Sequence[OIN],
    world: World,
) -> datetime | None:
    """When the emergency that lasts began: a statement of the measure that it waited for ends it, while it stands.

    What was annulled or moved to other days, and the word of a GI alone that had lapsed, ends none: else a GI that says
    something again and again has hours without end.
    """
    capacities = {message.sender: message.capacity, message.recipient.oin: message.recipient.capacity}
    began: list[int] = []
    for tag, found in emergencies.items():
        stated = _standing(persons[tag], world=world)
        for gi in gis:
            began += (
                each.accepted_at
                for each in found
                if each.gi == gi
                and not any(
                    index > each.index
                    and is_of_capacity(it.type, capacities[gi])
                    and ends_emergency(it, gi=gi, accepted_at=each.accepted_at)
                    and (lapses_on is None or civil_day_of_second(each.accepted_at) < lapses_on)
                    for index, it, lapses_on in stated
                )
            )
    return datetime.fromtimestamp(min(began), UTC) if began else None


def _standing(person: Person, *, world: World) -> list[tuple[int, MeasureStatement, date | None]]:
    """What stands of the measures over a person: where it was stated, what was, and when it lapses."""
    found = [(record.index, read_measure(record.token)) for record in person.of_kind(EntryKind.MEASURE)]
    statements = [each for _, each in found]
    standing = standing_measures(statements, raden=raden(statements, world=world))
    lapses_on = {each.id: each.lapses_on for each in standing}
    return [(index, each, lapses_on[each.id]) for index, each in found if each.id in lapses_on]
