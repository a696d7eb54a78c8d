"""Search what is stated about persons: every search is an ACCESS entry, durable before its answer.

Who searches names pseudonyms, and so must hold the chain key that makes them. The search stands in the accounting of
each person whom it names. The answer holds all that is stated of a kind, whole families, also what was withdrawn or has
ended: only so the searcher can see that nothing is missing. Links come with it, so that it can see why what is stated
under another pseudonym is about the same person.

Source: the architecture, section 7 (`POST /v1/consents/search`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from audit.entries import KEPT_MAX, EntryDraft
from hub.changes import LogMember, PersonSought
from hub.exchange.authenticate import find_in_force
from hub.exchange.services import Services, World, check_catalogue_in_force
from hub.exchange.stages import Arrival
from hub.exchange.stating import ATTEMPTS_MAX, check_limit, check_role, keep_of
from hub.persons import PersonRecord
from hub.ports import Appended, DecisionOutdatedError
from schemas.codes import EntryKind
from schemas.errors import UnavailableError
from schemas.identifiers import SubjectTag
from schemas.participants import Participant
from schemas.randomness import new_message_id

TAGS_MAX: Final = KEPT_MAX
RECORDS_MAX: Final = 100
"""How many records one answer holds."""

PSEUDONYMS_PER_MINUTE_MAX: Final = 240
"""How many pseudonyms one participant searches for in a minute, over all its searches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        access: The ACCESS entry of this search.
        records: Records of the kind that was asked for, in the order of the log; `RECORDS_MAX` of them: there may be
            more beyond the last.
        links: Every link between pseudonyms of these persons.
    """

    access: Appended
    records: tuple[PersonRecord, ...]
    links: tuple[PersonRecord, ...]


async def search(
    tags: Sequence[SubjectTag],
    *,
    kind: EntryKind,
    after: int,
    searcher: Participant,
    arrival: Arrival,
    services: Services,
) -> Found:
    """Search the records of one kind about persons.

    Args:
        tags: 1 to 16 pseudonyms in the hub's tag space, none twice.
        kind: CONSENT or MEASURE.
        after: Log index beyond which the records are wanted.
        searcher: Who searches, authenticated.
        arrival: When it came.
        services: What use cases work with.

    Raises:
        RejectedMessageError: The searcher may not know of persons, or is suspended by now.
        UnavailableError: It may succeed later; nothing was told.
        EvidenceError: The log contradicts itself.
    """
    check_catalogue_in_force(services.worlds.current())
    check_role(searcher)
    await check_limit(searcher.oin, services=services)
    await _check_pseudonyms(len(tags), searcher=searcher, services=services)
    access = await _log_access(tags, searcher=searcher, arrival=arrival, services=services)
    persons = await services.persons.of(tags)
    records = {record.id: record for person in persons.values() for record in person.records}
    ordered = sorted(records.values(), key=lambda record: record.index)
    wanted = [record for record in ordered if record.kind is kind and record.index > after]
    links = [record for record in ordered if record.kind is EntryKind.LINK]
    return Found(access=access, records=tuple(wanted[:RECORDS_MAX]), links=tuple(links))


async def _check_pseudonyms(count: int, *, searcher: Participant, services: Services) -> None:
    """Check that a searcher does not go through everybody: who holds the chain key could name every child there is.

    Raises:
        UnavailableError: It searched for too many in this minute.
    """
    key = f"sought:{searcher.oin.value}"
    permit = services.rate_limits.permit
    permitted = await asyncio.gather(*(permit(key, per_minute=PSEUDONYMS_PER_MINUTE_MAX) for _ in range(count)))
    if not all(permitted):
        text = f"a participant searches for at most {PSEUDONYMS_PER_MINUTE_MAX} pseudonyms a minute; try again later"
        raise UnavailableError(text, code="hub.persons.too-often")


async def _log_access(
    tags: Sequence[SubjectTag], *, searcher: Participant, arrival: Arrival, services: Services
) -> Appended:
    world = services.worlds.current()
    for _ in range(ATTEMPTS_MAX):
        try:
            return await services.log.append(_member(tags, searcher, world=world, arrival=arrival, services=services))
        except DecisionOutdatedError:
            world = await services.worlds.refresh()
            searcher = find_in_force(searcher.oin, world=world, at=arrival.at)
            check_role(searcher)
    raise UnavailableError("the participant keeps changing; search again", code="hub.decision.outdated")


def _member(
    tags: Sequence[SubjectTag], searcher: Participant, *, world: World, arrival: Arrival, services: Services
) -> LogMember:
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.ACCESS,
            id=new_message_id(at=arrival.at, randomness=services.randomness).value,
            sender=searcher.oin,
            as_of=world.as_of,
        ),
        shown=None,
        kept=keep_of(tags, participant=searcher, arrival=arrival, services=services),
        watches=frozenset({searcher.oin.value}),
        touches=frozenset(),
        change=PersonSought(),
    )
