"""Messages by the API: handing in, following and taking back ours; reading and taking away what was received."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from connectors.agent.handing_in import find_first, hand_in_file
from connectors.agent.outgoing import native_answer, outgoing, outgoing_page
from connectors.agent.recalling import recall_of
from connectors.agent.received import Part, part_of, received, received_page, take_away
from connectors.agent.recording import RECALL, Unsigned
from connectors.api.bodies import finish, read_members
from connectors.api.calls import FHIR_JSON, JSON, XML, Answer, Api, Call
from connectors.api.problems import RequestError
from connectors.api.records import record_once
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import MessageId
from schemas.requests import RecallReason

NATIVE: Final = (FHIR_JSON, JSON, XML, "text/xml")
"""What a native document may be called."""

_SUFFIXES: Final = dict(zip(NATIVE, ("json", "json", "xml", "xml"), strict=True))
_PARTS: Final = {Part.EVIDENCE: JSON, Part.FHIR: FHIR_JSON, Part.NATIVE: XML}
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}")


async def hand_in(call: Call, api: Api) -> Answer:
    """Take a native document; it is on the disk when the answer goes."""
    found = first_handed_in(call, api)
    return found or take(call, api, call.body, suffix=_SUFFIXES[call.media_type])


def first_handed_in(call: Call, api: Api) -> Answer | None:
    """Say how the document stands that the same request gave before; None if there is none."""
    first = find_first(api.services, call.claim)
    return None if first is None or first.file is None else _accepted(first.file, api)


def take(call: Call, api: Api, data: bytes, *, suffix: str) -> Answer:
    """Take a document to be sent, and say where it can be followed."""
    return _accepted(hand_in_file(api.services, data, suffix=suffix, claim=call.claim), api)


async def show_outgoing(call: Call, api: Api) -> Answer:
    """Say how what was handed in stands."""
    found = outgoing(api.services, _number(call))
    if found is None:
        raise _no_number()
    return Answer(value=found)


async def list_outgoing(call: Call, api: Api) -> Answer:
    """List what was handed in, by the API and by the folder, in the order in which it came."""
    found = outgoing_page(api.services, after=call.after)
    return Answer(value={"outgoing": [*found], "next": _next(found, "number", after=call.after)})


async def show_answer(call: Call, api: Api) -> Answer:
    """Give the answer that a document got, in its own format."""
    data = native_answer(api.services.journal, _number(call), call.places["kind"])
    if data is None:
        raise _no_number()
    return Answer(data=data, media_type=FHIR_JSON if data.startswith(b"{") else XML)


async def recall(call: Call, api: Api) -> Answer:
    """Take back a message that was not picked up."""
    reader = read_members(call.body, members={"reason"})
    reason = reader.convert("reason", RecallReason)
    finish(reader)
    message = message_of(call)

    async def make() -> Sequence[Unsigned]:
        return (recall_of(api.services, message, reason=reason),)

    return await record_once(call, api, kind=RECALL, make=make)


async def list_received(call: Call, api: Api) -> Answer:
    """List what was handed over and not taken away yet."""
    found = received_page(api.services, after=call.after)
    return Answer(value={"received": [*found], "next": _next(found, "log_index", after=call.after)})


async def show_received(call: Call, api: Api) -> Answer:
    """Say how a message stands that was received, or waits."""
    found = received(api.services, message_of(call))
    if found is None:
        raise _no_message()
    return Answer(value=found)


async def show_part(call: Call, api: Api) -> Answer:
    """Give a file of a received message."""
    message = message_of(call)
    try:
        part = Part(call.places["part"])
    except ValueError as error:
        raise _no_message() from error
    data = part_of(api.services, message, part)
    if data is not None:
        return Answer(data=data, media_type=_PARTS[part])
    if received(api.services, message) is None:
        raise _no_message()
    raise RequestError(
        "the message has no such file, it is not handed over yet, or it was taken away",
        "het bericht heeft dit bestand niet, is nog niet afgeleverd, of is weggehaald",
        code="recipient.message.taken",
    )


async def take_received(call: Call, api: Api) -> Answer:
    """Take a message away whose files its system has."""
    message = message_of(call)
    if received(api.services, message) is None:
        raise _no_message()
    if not take_away(api.services, message):
        raise RequestError(
            "the message is not handed over as a whole yet",
            "het bericht is nog niet helemaal afgeleverd",
            code="recipient.message.under-way",
        )
    return Answer(status=HTTPStatus.NO_CONTENT)


def message_of(call: Call) -> MessageId:
    """Read the message that a path names.

    Raises:
        RequestError: It is no id of a message.
    """
    try:
        return MessageId(call.places["message"])
    except DocumentError as error:
        raise _no_message() from error


def _accepted(number: int, api: Api) -> Answer:
    value = outgoing(api.services, number)
    return Answer(status=HTTPStatus.ACCEPTED, value=value, location=f"/v1/outgoing/{number}")


def _number(call: Call) -> int:
    text = call.places["number"]
    if not _NUMBER.fullmatch(text):
        raise _no_number()
    return int(text)


def _next(found: Sequence[dict[str, JSONValue]], name: str, *, after: int) -> JSONValue:
    """Where the next page begins: after the last of this one."""
    return found[-1][name] if found else after


def _no_number() -> RequestError:
    return RequestError(
        "nothing with this number was handed in, or it has no such answer",
        "er is niets met dit nummer aangeboden, of het heeft dit antwoord niet",
        code="sender.outgoing.unknown",
    )


def _no_message() -> RequestError:
    return RequestError(
        "this connector knows no such message", "deze connector kent dit bericht niet", code="recipient.message.unknown"
    )
