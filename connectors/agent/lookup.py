"""What the exchange knows of the people of a message, looked up when it is needed and kept nowhere.

    people = await people_of(services, tags, ties=ties, sender=own, recipient=addressee)

Consents and measures are asked of the hub, which logs each search. A record counts only when its entry is proven and
its issuer's signature holds (`connectors.sdk.records`), in a log that everybody sees.

Source: the architecture, section 5.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

from connectors.agent.services import Services
from connectors.sdk.answers import FoundRecord, FoundRecords
from connectors.sdk.records import Held, RecordView, newest_participant_of, open_consents, open_measures
from consent.consents import Addressee, consent_facts
from consent.facts import PersonFacts
from consent.grounds import Tie
from consent.measures import measure_facts
from schemas.codes import Role
from schemas.consents import ConsentRecord
from schemas.errors import EvidenceError, RejectedMessageError
from schemas.identifiers import OIN, SubjectTag
from schemas.measures import MeasureStatement

PAGES_MAX: Final = 100
_MEASURE: Final = frozenset({Tie.MEASURE, Tie.MEASURE_OF_EITHER})

_R = TypeVar("_R", ConsentRecord, MeasureStatement)


async def people_of(
    services: Services, tags: AbstractSet[SubjectTag], *, ties: AbstractSet[Tie], sender: OIN, recipient: Addressee
) -> Mapping[SubjectTag, PersonFacts]:
    """Look up what a decision may know of some people; nothing is asked that the ground has no tie for.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    wanted = sorted(tags, key=lambda tag: tag.value)
    consents: Mapping[SubjectTag, tuple[ConsentRecord, ...]] = {}
    measures: Mapping[SubjectTag, tuple[MeasureStatement, ...]] = {}
    if wanted and Tie.CONSENT in ties:
        consents = await find_consents(services, wanted)
    if wanted and ties & _MEASURE:
        measures = await find_measures(services, wanted)
    raden = raden_of(services)
    return {
        tag: PersonFacts(
            consents=consent_facts(consents.get(tag, ()), sender=sender, recipient=recipient),
            measures=measure_facts(measures.get(tag, ()), sender=sender, recipient=recipient.oin, raden=raden),
        )
        for tag in wanted
    }


def raden_of(services: Services) -> frozenset[OIN]:
    """The participants that are a Raad, by our own directory."""
    return frozenset(each.oin for each in services.directory.directory if each.role is Role.RAAD)


async def find_consents(
    services: Services, tags: Sequence[SubjectTag]
) -> Mapping[SubjectTag, tuple[ConsentRecord, ...]]:
    """Ask for every consent record about some people, and check them.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    return await _find(services, tags, search=services.hub.consents, check=open_consents)


async def find_measures(
    services: Services, tags: Sequence[SubjectTag]
) -> Mapping[SubjectTag, tuple[MeasureStatement, ...]]:
    """Ask for every measure statement about some people, and check them.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    return await _find(services, tags, search=services.hub.measures, check=open_measures)


async def _find(
    services: Services,
    tags: Sequence[SubjectTag],
    *,
    search: Callable[..., Coroutine[Any, Any, FoundRecords]],
    check: Callable[..., Held[_R]],
) -> Mapping[SubjectTag, tuple[_R, ...]]:
    try:
        found = await _pages(search, tags)
        newest = newest_participant_of(found)
        directory = await services.directory.cover(newest, hub=services.hub, at=services.clock.now())
        view = RecordView(hub=services.settings.hub.name, log=services.log, directory=directory)
        held = check(found, asked=tags, view=view)
        await services.directory.believe(held.checkpoints, hub=services.hub, at=services.clock.now())
    except EvidenceError:
        raise
    except RejectedMessageError as error:
        # It is about no document: the hub answers a search of ours in a way that it should not.
        raise EvidenceError("the hub refuses to say what is recorded", code=error.code) from error
    return held.about


async def _pages(search: Callable[..., Coroutine[Any, Any, FoundRecords]], tags: Sequence[SubjectTag]) -> FoundRecords:
    """Read every page of a search."""
    records: list[FoundRecord] = []
    links: dict[str, FoundRecord] = {}
    after = -1
    for _ in range(PAGES_MAX):
        page = await search(tags, after=after)
        if not page.records:
            return FoundRecords(records=tuple(records), links=tuple(links.values()), next=after)
        if page.next <= after:
            break
        records += page.records
        links.update({each.id: each for each in page.links})
        after = page.next
    raise EvidenceError("a search does not end", code="hub.record.endless")
