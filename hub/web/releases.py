"""`POST /v1/releases` and `POST /v1/receipts`: handing out what waits, and taking the word that it came."""

import logging

from aiohttp import web

from hub.exchange.receipt import receipt
from hub.exchange.release import Release, Released, release
from hub.logs import Event, record
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.directory import with_newest_world
from hub.web.problems import problem_members
from schemas import wire
from schemas.errors import SignatureError
from schemas.sealing import hash_list
from schemas.wire import encode_releases


def read_token(body: bytes) -> str:
    """Return the compact JWS that a body of `application/jose` is.

    Raises:
        SignatureError: It is not even ASCII.
    """
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise SignatureError("the body is not a compact JWS", code="sender.token.form") from error


async def hand_out(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/releases`: each permitted ciphertext, after its DISCLOSURE entry is durable."""
    token = read_token(call.body)
    released = await with_newest_world(hub, lambda: release(token, arrival=call.arrival, services=hub.services))
    for _, error in released.refused:
        hub.metrics.problems.labels(error.code).inc()
        if error.code.startswith("hub."):
            # The request as a whole is answered well: without this line its operator would not hear of it.
            record(
                Event.REQUEST_FAILED,
                level=logging.ERROR,
                route="/v1/releases",
                code=error.code,
                trace_id=call.arrival.trace_id,
            )
    content_type, body = encode_releases(_released_to_wire(released, trace_id=call.arrival.trace_id))
    return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})


def _released_to_wire(released: Released, *, trace_id: str) -> wire.Releases:
    return wire.Releases(
        releases=tuple(_release_to_wire(each) for each in released.releases),
        later=released.later,
        refused=tuple(
            wire.RefusedRelease(id=message_id, problem=problem_members(error, trace_id=trace_id))
            for message_id, error in released.refused
        ),
    )


def _release_to_wire(each: Release) -> wire.Release:
    return wire.Release(
        id=each.message.id,
        message=each.message.jws,
        key=each.message.sealed_key,
        elements=each.elements,
        hashes=hash_list(each.message.hashes),
        shown=each.shown.text,
        shown_salt=each.shown.salt,
        entry=each.entry,
        index=each.index,
        tlog_proof=each.tlog_proof,
    )


async def take_receipt(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/receipts`: the recipient's signed word; sent again, it gets the same answer."""
    token = read_token(call.body)
    receipted = await with_newest_world(hub, lambda: receipt(token, arrival=call.arrival, services=hub.services))
    return json_response(entry_to_json(receipted))
