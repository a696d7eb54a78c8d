"""What the exchange knows of the people of a message, looked up when it is needed and kept nowhere.

    people = await people_of(services, persons, ties=ties, sender=own, recipient=addressee)

Consents and measures are asked of the hub, which logs each search. A record counts only when its entry is proven and
its issuer's signature holds (`connectors.sdk.records`), in a log that everybody sees.

Somebody with a number is looked up by what every chain key that we hold makes of it: what was refused or withdrawn in a
former epoch counts here also where the hub does not find it by the newest. And beside what the hub finds stands what
this connector recorded itself: what was taken back here counts, also where the hub leaves it out or has lost it.

Source: the architecture, sections 3 and 5.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from connectors.agent.joining import join_former
from connectors.agent.recording import CONSENT, MEASURE, Kind, own_payloads
from connectors.agent.services import Services
from connectors.sdk.answers import FoundRecord, FoundRecords
from connectors.sdk.records import Held, Pseudonyms, RecordView, newest_participant_of, open_consents, open_measures
from consent.consents import Addressee, consent_facts
from consent.facts import PersonFacts
from consent.grounds import Tie
from consent.measures import measure_facts
from schemas.codes import Role
from schemas.consents import ConsentRecord, parse_consent
from schemas.errors import EvidenceError, RejectedMessageError
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId, SubjectTag
from schemas.measures import MeasureStatement, parse_measure

PAGES_MAX: Final = 100
TAGS_MAX: Final = 16
"""Pseudonyms that one search names."""

_MEASURE: Final = frozenset({Tie.MEASURE, Tie.MEASURE_OF_EITHER})

_R = TypeVar("_R", ConsentRecord, MeasureStatement)


def pseudonyms_of(services: Services, newest: SubjectTag, *, number: str | None) -> Pseudonyms:
    """Return what somebody is known by.

    Args:
        services: For the chain keys.
        newest: The pseudonym of the newest epoch, or the one that was drawn.
        number: The BSN; None of somebody who has none.
    """
    if number is None:
        return Pseudonyms(newest=newest)
    held = sorted(services.keys.chain.items(), reverse=True)
    made = (key.tag(recipient=services.settings.hub.name, system=BSN_SYSTEM, value=number) for _, key in held)
    return Pseudonyms(newest=newest, former=tuple(tag for tag in made if tag != newest), of_number=True)


async def people_of(
    services: Services, persons: Sequence[Pseudonyms], *, ties: AbstractSet[Tie], sender: OIN, recipient: Addressee
) -> Mapping[SubjectTag, PersonFacts]:
    """Look up what a decision may know of some people; nothing is asked that the ground has no tie for.

    What we recorded of them under a former chain key is joined with the newest, so that the hub decides by it too.

    Returns:
        What is known of each, by the newest pseudonym.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    wanted = sorted({each.newest: each for each in persons}.values(), key=lambda each: each.newest.value)
    consents: Mapping[SubjectTag, tuple[ConsentRecord, ...]] = {}
    measures: Mapping[SubjectTag, tuple[MeasureStatement, ...]] = {}
    if wanted and Tie.CONSENT in ties:
        given = await hold_consents(services, wanted)
        consents = _with_own(services, given, wanted, kind=CONSENT, parse=parse_consent)
        await join_former(services, given)
    if wanted and ties & _MEASURE:
        stated = await hold_measures(services, wanted)
        measures = _with_own(services, stated, wanted, kind=MEASURE, parse=parse_measure)
        await join_former(services, stated)
    raden = raden_of(services)
    return {
        tag: PersonFacts(
            consents=consent_facts(consents.get(tag, ()), sender=sender, recipient=recipient),
            measures=measure_facts(measures.get(tag, ()), sender=sender, recipient=recipient.oin, raden=raden),
        )
        for tag in (each.newest for each in wanted)
    }


def _with_own(
    services: Services, held: Held[_R], persons: Sequence[Pseudonyms], *, kind: Kind, parse: Callable[[bytes], _R]
) -> Mapping[SubjectTag, tuple[_R, ...]]:
    """Put what we recorded of people beside what the hub finds, each record once."""
    about: dict[SubjectTag, tuple[_R, ...]] = {}
    for person in persons:
        records: dict[MessageId, _R] = {each.id: each for each in held.about[person.newest]}
        for payload in own_payloads(services.journal, kind, about=person.every):
            own: _R = parse(payload)
            records.setdefault(own.id, own)
        about[person.newest] = tuple(records.values())
    return about


def raden_of(services: Services) -> frozenset[OIN]:
    """The participants that are a Raad, by our own directory."""
    return frozenset(each.oin for each in services.directory.directory if each.role is Role.RAAD)


async def find_consents(
    services: Services, persons: Sequence[Pseudonyms]
) -> Mapping[SubjectTag, tuple[ConsentRecord, ...]]:
    """Ask for every consent record about some people, and check them.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    return (await hold_consents(services, persons)).about


async def find_measures(
    services: Services, persons: Sequence[Pseudonyms]
) -> Mapping[SubjectTag, tuple[MeasureStatement, ...]]:
    """Ask for every measure statement about some people, and check them.

    Raises:
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    return (await hold_measures(services, persons)).about


async def hold_consents(services: Services, persons: Sequence[Pseudonyms]) -> Held[ConsentRecord]:
    """Ask for every consent record about some people: see `find_consents`."""
    return await _find(services, persons, search=services.hub.consents, check=open_consents)


async def hold_measures(services: Services, persons: Sequence[Pseudonyms]) -> Held[MeasureStatement]:
    """Ask for every measure statement about some people: see `find_measures`."""
    return await _find(services, persons, search=services.hub.measures, check=open_measures)


async def _find(
    services: Services,
    persons: Sequence[Pseudonyms],
    *,
    search: Callable[..., Awaitable[FoundRecords]],
    check: Callable[..., Held[_R]],
) -> Held[_R]:
    try:
        found = await _search(search, persons)
        newest = newest_participant_of(found)
        directory = await services.directory.cover(newest, hub=services.hub, at=services.clock.now())
        view = RecordView(hub=services.settings.hub.name, log=services.log, directory=directory)
        held = check(found, asked=persons, view=view)
        await services.directory.believe(held.checkpoints, hub=services.hub, at=services.clock.now())
    except EvidenceError:
        raise
    except RejectedMessageError as error:
        # It is about no document: the hub answers a search of ours in a way that it should not.
        raise EvidenceError("the hub refuses to say what is recorded", code=error.code) from error
    return held


async def _search(search: Callable[..., Awaitable[FoundRecords]], persons: Sequence[Pseudonyms]) -> FoundRecords:
    """Search for people, as many at once as a search may name; nobody is in two searches."""
    records: list[FoundRecord] = []
    links: list[FoundRecord] = []
    tags: list[SubjectTag] = []
    for each in (*persons, None):
        if tags and (each is None or len(tags) + len(each.every) > TAGS_MAX):
            found = await _pages(search, tags)
            records += found.records
            links += found.links
            tags = []
        tags += each.every if each is not None else ()
    return FoundRecords(records=tuple(records), links=tuple(links), next=-1)


async def _pages(search: Callable[..., Awaitable[FoundRecords]], tags: Sequence[SubjectTag]) -> FoundRecords:
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
