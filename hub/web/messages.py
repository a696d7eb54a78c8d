"""Submitting messages, asking how one stands, the inbox, releases and receipts."""

import asyncio
from typing import Final

import orjson
from aiohttp import web

from audit.entries import parse_entry
from hub.exchange.accept import Accepted, accept
from hub.exchange.known import read_stored
from hub.exchange.release import why_withheld
from hub.exchange.services import policy_in_force
from hub.ports import InboxItem, MessageState, StoredMessage
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.directory import with_newest_world
from hub.web.reading import path_message_id, query_integer
from schemas.canonical import b64url
from schemas.errors import RejectedMessageError
from schemas.identifiers import OIN
from schemas.wire import parse_submission

INBOX_ITEMS_MAX: Final = 100
LONG_POLLS_MAX: Final = 16
"""How many long polls of one participant a process holds; each is a connection, and all of them wake at once."""
LOOK_AGAIN_SECONDS: Final = 10.0
"""How long a long poll trusts wake-ups: then it looks into the database, which is the truth."""

SMALL_BYTES_MAX: Final = 64 * 1024
MEDIUM_BYTES_MAX: Final = 1024 * 1024


async def submit(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/messages`: accept a message, and answer with what its sender checks before it counts it as sent."""
    submission = parse_submission(call.request.headers["Content-Type"], call.body)
    accepted = await with_newest_world(hub, lambda: accept(submission, arrival=call.arrival, services=hub.services))
    return json_response(_accepted_to_json(accepted, hub), status=202)


def _accepted_to_json(accepted: Accepted, hub: HubWeb) -> dict[str, object]:
    shown = orjson.loads(accepted.shown.text)
    catalogue = policy_in_force(hub.services.worlds.current()).catalogue
    return {
        "jti": accepted.id.value,
        "index": accepted.index,
        "decision": {name: shown[name] for name in ("ground", "permitted", "withheld")},
        "catalogue": {"digest": catalogue.digest, "version": catalogue.version},
        "entry": accepted.entry,
        "shown": accepted.shown.text,
        "shown_salt": b64url(accepted.shown.salt),
        "tlog_proof": accepted.tlog_proof,
        "newest_participant": orjson.loads(accepted.entry)["participants"],
    }


async def state_of(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/messages/{jti}`: how one's own message stands. Another's is as unknown as one that never was."""
    message_id = path_message_id(call.request)
    message = await hub.services.store.message(message_id)
    if message is None or message.sender != call.participant.oin:
        raise RejectedMessageError("no message of yours has this id", code="sender.message.unknown")
    receipt: dict[str, object] | None = None
    if message.receipt is not None:
        logged = await hub.services.proven(message.receipt)
        receipt = {"receipt": message.receipt.receipt, **entry_to_json(logged)}
    return json_response(
        {
            "jti": message.id.value,
            "state": message.state.value,
            "index": message.index,
            "recipient": message.recipient.value,
            **await _question_to_json(message, hub),
            "released_at": _released_at(message),
            "denied": await _denied_to_json(message, call, hub),
            "receipt": receipt,
            "warnings": _warnings(message, now=call.arrival.seconds, hub=hub),
        }
    )


async def _question_to_json(message: StoredMessage, hub: HubWeb) -> dict[str, object]:
    """Say until when an answer is asked, and what answered; a question stands in the clear in its message."""
    replies = await hub.services.attention.replies(message.id)
    asks = read_stored(message).asks
    return {
        "term": asks.term.isoformat() if asks else None,
        "answered_by": [{"jti": each.id.value, "index": each.index, "type": each.type} for each in replies],
    }


async def _denied_to_json(message: StoredMessage, call: Call, hub: HubWeb) -> dict[str, object] | None:
    """Say since when the recipient asks in vain, and why nothing would go to it now.

    One that is suspended cannot even ask: of it that is said all the same, as of this moment.
    """
    since = await hub.services.attention.denied_since(message.id)
    if since is None:
        recipient = hub.services.worlds.current().directory.participant(message.recipient)
        if recipient is None or recipient.in_force(call.arrival.at):
            return None
        since = call.arrival.seconds
    issues = await why_withheld(message, arrival=call.arrival, services=hub.services)
    reasons = [{"code": issue.code, "text": issue.text, "text_nl": issue.text_nl} for issue in issues]
    return {"since": since, "reasons": reasons} if reasons else None


def _released_at(message: StoredMessage) -> int | None:
    """Since when the recipient has it, as NumericDate: whom a correction must reach."""
    if message.disclosure is None:
        return None
    return parse_entry(message.disclosure.entry.encode()).time // 1000


def _warnings(message: StoredMessage, *, now: int, hub: HubWeb) -> list[dict[str, object]]:
    waited = now - message.accepted_at
    if message.state not in (MessageState.WAITING, MessageState.RELEASED):
        return []
    if waited < hub.settings.work.warn_after_hours * 3600:
        return []
    return [
        {
            "code": "recipient.message.uncollected",
            "text": f"not received for {waited // 3600} hours; the recipient has it until `pickup_by`",
            "text_nl": f"al {waited // 3600} uur niet opgehaald; de ontvanger kan dat nog tot `pickup_by`",
            "pickup_by": message.pickup_by,
        }
    ]


async def inbox(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/inbox`: what waits; with `wait` a long poll, whose truth is the database.

    Beyond `LONG_POLLS_MAX` of one participant it is answered at once, as without `wait`.
    """
    after = query_integer(call.request, "after", default=-1, at_least=-1)
    seconds = query_integer(call.request, "wait", default=0, at_most=3600)
    recipient, polls = call.participant.oin, hub.state.long_polls
    if not seconds or polls[recipient] >= LONG_POLLS_MAX:
        return await _poll(recipient, hub, after=after, seconds=0)
    polls[recipient] += 1
    try:
        return await _poll(recipient, hub, after=after, seconds=seconds)
    finally:
        polls[recipient] -= 1


async def _poll(recipient: OIN, hub: HubWeb, *, after: int, seconds: int) -> web.Response:
    """Answer when something is there, or the time is over.

    Nothing is missed between reading and waiting: the wait begins before the reading.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + min(seconds, hub.settings.web.long_poll_seconds_max)
    while True:
        left = deadline - clock()
        waiting: asyncio.Task[None] | None = None
        if left > 0 and not hub.state.stopping.done():
            wait = hub.services.wake_ups.wait(recipient, seconds=min(left, LOOK_AGAIN_SECONDS))
            waiting = asyncio.create_task(wait)
            await asyncio.sleep(0)
        try:
            at = int(hub.clock.now().timestamp())
            items = await hub.services.store.inbox(recipient, after=after, limit=INBOX_ITEMS_MAX, at=at)
            if items or waiting is None:
                return json_response(_inbox_to_json(items, after=after))
            await asyncio.wait([waiting, hub.state.stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if waiting is not None:
                waiting.cancel()


def _inbox_to_json(items: tuple[InboxItem, ...], *, after: int) -> dict[str, object]:
    return {
        "items": [
            {
                "id": item.id.value,
                "index": item.index,
                "type": item.type,
                "sender": item.sender.value,
                "size_class": size_class(item.elements_bytes),
                "pickup_by": item.pickup_by,
            }
            for item in items
        ],
        "next": items[-1].index if items else after,
    }


def size_class(elements_bytes: int) -> str:
    """Say how large a message's ciphertexts are: `s` up to 64 KiB, `m` up to 1 MiB, `l` above."""
    if elements_bytes <= SMALL_BYTES_MAX:
        return "s"
    return "m" if elements_bytes <= MEDIUM_BYTES_MAX else "l"
