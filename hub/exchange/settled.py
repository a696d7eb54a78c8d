"""Whether what is on the review list was settled by others than those who have to explain it.

Only then its parties may close it themselves. What a party says of itself settles nothing: its own statement, its own
withdrawal of it, its own link.

    self-declared          the Raad, or the GI before it, says the same of that measure
    spoed                  the measure that the emergency waited for is stated, and not by its executing GI alone
    measure-contradicted   nothing contradicts it any more, today or later
    linked                 never

Source: hub decision 0020.
"""

from collections.abc import Sequence
from datetime import date

from consent.measures import Standing, contradictions, is_same_kind, standing_measures
from consent.reasons import Mark
from consent.request import civil_day
from hub.attention import Review
from hub.exchange.known import ends_emergency, measures_of, raden, read_measure, tags_of
from hub.exchange.links import LINKED
from hub.exchange.measures import CONTRADICTED
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.persons import Person
from hub.ports import StoredMessage
from schemas.identifiers import MessageId
from schemas.measures import MeasureStatement

SUPERVISED = frozenset({LINKED, CONTRADICTED, Mark.SPOED.value, Mark.SELF_DECLARED.value})
"""Marks of what a supervisor has to look at: an organisation vouched for itself, or two contradict each other."""


async def is_settled(item: Review, *, world: World, arrival: Arrival, services: Services) -> bool:
    """Tell whether others settled an item, so that a party may close it.

    Raises:
        UnavailableError: What is needed to say it could not be read.
    """
    day = civil_day(arrival.at)
    assert day is not None, "the clock shows a day of the calendar"
    if item.mark == Mark.SPOED.value:
        return await _is_emergency_settled(item, world=world, services=services)
    if item.mark not in (Mark.SELF_DECLARED.value, CONTRADICTED):
        return item.mark not in SUPERVISED
    record = await services.persons.record(item.about)
    if record is None:
        return False
    statement = read_measure(record.token)
    persons = await services.persons.of([statement.tag])
    standing = _standing(measures_of(persons[statement.tag]), world=world)
    if item.mark == CONTRADICTED:
        days = {day, *(each.valid_from for each in standing if each.valid_from > day)}
        return all(item.about not in contradictions(standing, day=each) for each in days)
    return any(_says_the_same(each, statement) for each in standing)


async def emergency(item: Review, *, services: Services) -> tuple[StoredMessage | None, Sequence[Person]]:
    """Read the message of an emergency, and what is known of its people."""
    stored = await services.store.message(item.about)
    tags = tags_of(stored) if stored else ()
    return stored, tuple((await services.persons.of(tags)).values())


async def _is_emergency_settled(item: Review, *, world: World, services: Services) -> bool:
    stored, people = await emergency(item, services=services)
    if stored is None:
        return False
    for person in people:
        statements = measures_of(person)
        sure = _sure(_standing(statements, world=world))
        for each in statements:
            ends = any(
                ends_emergency(each, gi=gi, accepted_at=stored.accepted_at) for gi in (item.sender, item.recipient)
            )
            if ends and each.id in sure:
                return True
    return False


def _standing(statements: Sequence[MeasureStatement], *, world: World) -> tuple[Standing, ...]:
    return standing_measures(statements, raden=raden(statements, world=world))


def _sure(standing: Sequence[Standing]) -> frozenset[MessageId]:
    return frozenset(each.id for each in standing if each.lapses_on is None)


def _says_the_same(sure: Standing, declared: MeasureStatement) -> bool:
    """Whether somebody else's statement is about the same measure: its kind, its GI, the day on which it began."""
    return (
        sure.lapses_on is None
        and sure.executor == declared.executor
        and is_same_kind(sure.type, declared.type)
        and _runs_on(sure, declared.valid_from)
    )


def _runs_on(standing: Standing, day: date) -> bool:
    return standing.valid_from <= day and (standing.valid_until is None or day <= standing.valid_until)
