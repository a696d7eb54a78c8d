"""Take in measure statements; who says something that another contradicts, and who only says it himself, is looked at.

A contradiction is no reason to refuse a statement: one of two organisations is wrong, and the hub cannot know which. It
denies what would rest on either (`consent.measures`), both are told, and the operator sees it counted.

Source: the architecture, section 5; the domain page, section 5.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from consent.measures import Standing, check_statement, contradictions, standing_measures
from consent.reasons import Mark
from consent.request import civil_day
from hub.changes import Change, NoticeKind, RecordStated, ReviewItem
from hub.exchange.consents import tell
from hub.exchange.known import measures_of, raden
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.exchange.stating import Form, Stating, Taken, refuse, take_in
from schemas.codes import EntryKind, TokenType
from schemas.identifiers import MessageId
from schemas.measures import MeasureStatement, parse_measure

CONTRADICTED: Final = "measure-contradicted"
"""Why a statement is on the review list that another contradicts."""


async def state_measure(token: str, *, arrival: Arrival, services: Services) -> Taken:
    """Take in a measure statement; the same statement again gets the same answer.

    Raises:
        RejectedMessageError: See `take_in`; with every finding of `consent.measures.check_statement`.
        UnavailableError: It may succeed later; nothing was changed.
    """
    taken = await take_in(token, form=_FORM, arrival=arrival, services=services)
    if isinstance(taken.change, RecordStated) and taken.change.tells:
        await tell(taken.index, services=services)
    return taken


def is_contradicted(taken: Taken) -> bool:
    """Whether a statement that was just taken in contradicts another: what an operator hears of at once."""
    change = taken.change
    return isinstance(change, RecordStated) and any(item.mark == CONTRADICTED for item in change.reviews)


async def _change(stating: Stating[MeasureStatement]) -> Change:
    statement = stating.request.claims
    known = measures_of(stating.persons[statement.tag])
    issues = check_statement(statement, role=stating.request.participant.role, known=known)
    refuse("the measure statement does not fit what is known of this child", issues)
    day = civil_day(stating.arrival.at)
    assert day is not None, "the clock shows a day of the calendar"
    who = raden([*known, statement], world=stating.world)
    standing = standing_measures([*known, statement], raden=who)
    before = _contradicted(standing_measures(known, raden=who), day=day)
    now = _contradicted(standing, day=day)
    concerned = {each.id: each for each in (*known, statement) if each.id in now} if now - before else {}
    items = [
        ReviewItem(about=each.id, mark=CONTRADICTED, sender=each.issuer, recipient=each.executor)
        for each in concerned.values()
    ]
    if any(each.id == statement.id and each.lapses_on is not None for each in standing):
        mark = Mark.SELF_DECLARED.value
        items.append(ReviewItem(about=statement.id, mark=mark, sender=statement.issuer, recipient=statement.executor))
    told = {oin for each in concerned.values() for oin in (each.issuer, each.executor)}
    return RecordStated(
        kind=EntryKind.MEASURE,
        id=statement.id,
        issuer=statement.issuer,
        tag=statement.tag,
        token=stating.request.token,
        tells=tuple((oin, NoticeKind.MEASURE_CONTRADICTED) for oin in sorted(told, key=lambda oin: oin.value)),
        reviews=tuple(items),
    )


def _contradicted(standing: Sequence[Standing], *, day: date) -> frozenset[MessageId]:
    """Name the statements that contradict each other today or on a later day: two can only begin to on a first day."""
    days = {day, *(each.valid_from for each in standing if each.valid_from > day)}
    return frozenset[MessageId]().union(*(contradictions(standing, day=each) for each in days))


_FORM: Final = Form(
    kind=EntryKind.MEASURE,
    typ=TokenType.MEASURE,
    parse=parse_measure,
    tags=lambda statement: (statement.tag,),
    change=_change,
)
