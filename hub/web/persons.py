"""What is stated about persons: consents, measures and links, and the search for them.

No pseudonym stands in a URL: searches are POSTs, each with an ACCESS entry that is durable before its answer.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from hub.exchange.consents import state_consent
from hub.exchange.links import link
from hub.exchange.measures import is_contradicted, state_measure
from hub.exchange.searching import TAGS_MAX, Found, search
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.exchange.stating import Taken
from hub.logs import Event, record
from hub.persons import PersonRecord
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.directory import with_newest_world
from hub.web.reading import INTEGER_MAX, integer_member, read_members
from hub.web.releases import read_token
from schemas.codes import EntryKind
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import SubjectTag

_TakeIn = Callable[..., Awaitable[Taken]]


async def take_consent(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/consents`: a consent, a change of it or its withdrawal, signed."""
    return _taken_to_response(await _take_in(state_consent, call, hub))


async def take_measure(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/measures`: a measure statement, signed; one that contradicts another is counted and logged."""
    taken = await _take_in(state_measure, call, hub)
    if is_contradicted(taken):
        hub.metrics.contradicted_measures.inc()
        record(Event.MEASURE_CONTRADICTED, level=logging.ERROR, index=taken.index, trace_id=call.arrival.trace_id)
    return _taken_to_response(taken)


async def take_link(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/links`: two pseudonyms are of one person, signed."""
    return _taken_to_response(await _take_in(link, call, hub))


async def _take_in(use_case: _TakeIn, call: Call, hub: HubWeb) -> Taken:
    token = read_token(call.body)
    arrival: Arrival = call.arrival
    services: Services = hub.services
    return await with_newest_world(hub, lambda: use_case(token, arrival=arrival, services=services))


def _taken_to_response(taken: Taken) -> web.Response:
    return json_response({"id": taken.id.value, **entry_to_json(taken)}, status=201)


async def search_consents(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/consents/search`: every consent record about these persons."""
    return await _search(EntryKind.CONSENT, call, hub)


async def search_measures(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/measures/search`: every measure statement about these persons."""
    return await _search(EntryKind.MEASURE, call, hub)


async def _search(kind: EntryKind, call: Call, hub: HubWeb) -> web.Response:
    members = read_members(call.body, required=frozenset({"tags"}), optional=frozenset({"after"}))
    after = integer_member(members, "after", default=-1, at_least=-1, at_most=INTEGER_MAX)
    found = await search(
        _read_tags(members["tags"]),
        kind=kind,
        after=after,
        searcher=call.participant,
        arrival=call.arrival,
        services=hub.services,
    )
    return json_response(await _found_to_json(found, after=after, hub=hub))


def _read_tags(value: JSONValue) -> tuple[SubjectTag, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= TAGS_MAX:
        raise _refused("/tags", f"a list of 1 to {TAGS_MAX} pseudonyms is needed here")
    tags = tuple(SubjectTag(each if isinstance(each, str) else "") for each in value)
    if len(set(tags)) != len(tags):
        raise _refused("/tags", "the same pseudonym stands here twice")
    return tags


def _refused(pointer: str, text: str) -> DocumentError:
    code: Final = "sender.request.member"
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])


async def _found_to_json(found: Found, *, after: int, hub: HubWeb) -> dict[str, object]:
    return {
        "access": entry_to_json(found.access),
        "records": await _records_to_json(found.records, hub),
        "links": await _records_to_json(found.links, hub),
        "next": found.records[-1].index if found.records else after,
    }


async def _records_to_json(records: Sequence[PersonRecord], hub: HubWeb) -> list[dict[str, object]]:
    return [
        {"id": each.id.value, "record": each.token, **entry_to_json(await hub.services.proven(each))}
        for each in records
    ]
