"""Who takes part: joining, the directory, the chain key's epochs and its way from holder to holder."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import orjson
from aiohttp import web

from hub.exchange.directory import hand_over, join, open_epoch
from hub.ports import ParticipantRecord
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.reading import optional_text_member, path_oin, query_integer, read_members, text_member
from schemas.errors import RejectedMessageError
from schemas.identifiers import OIN

_T = TypeVar("_T")
_UNKNOWN: Final = frozenset({"sender.participant.unknown", "sender.key.unknown"})
"""Refusals of somebody who may only not be known here yet."""

PAGE_MAX: Final = 200
"""Entries of participants in one answer: with both documents of each, some hundreds of kilobytes."""

_NOT_FOLLOWING: Final = _UNKNOWN | {"sender.statement.key", "sender.statement.replaced", "sender.token.kid"}
"""Refusals of documents that may follow from others that are not known here yet."""


async def with_newest_world(
    hub: HubWeb, use_case: Callable[[], Awaitable[_T]], *, unknown: frozenset[str] = _UNKNOWN
) -> _T:
    """Run a use case; if it does not know the sender, look into the log once more and run it again.

    The participant may have joined, or changed its key, at another process a moment ago. However many ask, one reading
    serves all of them.

    Args:
        hub: What handlers use.
        use_case: Refuses before it awaits anything, if it does not know who asks.
        unknown: Codes of such a refusal.
    """
    before = hub.services.worlds.current()
    try:
        return await use_case()
    except RejectedMessageError as error:
        if error.code not in unknown:
            raise
        after = await hub.newest_world()
        if after.directory is before.directory and after.boards is before.boards:
            raise
    return await use_case()


async def join_participant(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/participants`: an admission by the registrar, a statement by the participant, or both."""
    members = read_members(call.body, required=frozenset(), optional=frozenset({"admission", "statement", "replaced"}))
    admission, statement, replaced = (
        optional_text_member(members, name) for name in ("admission", "statement", "replaced")
    )
    joined = await with_newest_world(
        hub,
        lambda: join(
            admission=admission,
            statement=statement,
            replaced=replaced,
            arrival=call.arrival,
            services=hub.services,
        ),
        unknown=_NOT_FOLLOWING,
    )
    return json_response({"oin": joined.oin.value, **entry_to_json(joined)}, status=201)


async def list_participants(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/participants`: PARTICIPANT entries beyond `after`, in the order of the log, a page at a time."""
    return json_response(await _page(call, hub, oin=None))


async def one_participant(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/participants/{oin}`: the entries of one organisation."""
    oin = path_oin(call.request)
    if (await hub.newest_world()).directory.participant(oin) is None:
        raise RejectedMessageError("no participant has this OIN", code="recipient.participant.unknown")
    return json_response(await _page(call, hub, oin=oin))


async def _page(call: Call, hub: HubWeb, *, oin: OIN | None) -> dict[str, object]:
    """A page of entries; the last one is empty, or has less than was asked for."""
    after = query_integer(call.request, "after", default=-1, at_least=-1)
    limit = query_integer(call.request, "limit", default=PAGE_MAX, at_least=1, at_most=PAGE_MAX)
    records = await hub.services.store.participants(after=after, limit=limit, oin=oin)
    newest = hub.services.worlds.current().directory.newest
    if records:
        newest = max(newest, records[-1].index)
    return {
        "participants": [_participant_to_json(record) for record in records],
        "newest": newest if newest >= 0 else None,
        "next": records[-1].index if records else after,
    }


def _participant_to_json(record: ParticipantRecord) -> dict[str, object]:
    return {
        "oin": record.oin.value,
        "index": record.index,
        "entry": record.entry,
        "admission": record.admission,
        "statement": record.statement,
        "replaced": record.replaced,
        # The chain by which a connector walks the directory: each entry names the one before it.
        "previous_index": orjson.loads(record.entry).get("participants"),
    }


async def open_chain_epoch(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/chain-epochs`: an epoch of the chain key that the registrar signed."""
    signed = text_member(read_members(call.body, required=frozenset({"signed"})), "signed")
    opened = await open_epoch(signed, services=hub.services)
    return json_response(entry_to_json(opened), status=201)


async def list_chain_epochs(_: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/chain-epochs`: every epoch, oldest first."""
    epochs = [
        {"epoch": each.epoch, "signed": each.signed, **entry_to_json(await hub.services.proven(each))}
        for each in await hub.services.store.chain_epochs()
    ]
    return json_response({"epochs": epochs})


async def hand_over_chain_key(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/chain-keys`: one holder hands another the chain key, signed and sealed."""
    handover = text_member(read_members(call.body, required=frozenset({"handover"})), "handover")
    stored = await with_newest_world(hub, lambda: hand_over(handover, arrival=call.arrival, services=hub.services))
    return json_response({"id": stored.value}, status=201)


async def list_chain_keys(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/chain-keys`: what others handed to the caller; sealed, the hub cannot read it."""
    handovers = await hub.services.store.handovers(call.participant.oin)
    return json_response(
        {
            "handovers": [
                {"id": each.id.value, "giver": each.giver.value, "epoch": each.epoch, "handover": each.handover}
                for each in handovers
            ]
        }
    )
