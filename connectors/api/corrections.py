"""Corrections by the API: everybody who has what was wrong is told so, and what is right.

A correction goes to the recipient of the message that is named, and to whoever got one of the same items in the same
case; each is a message of its own, that can be followed. What nobody picked up yet is to be taken back instead. Who
else was told the like about the same persons, by the hub's records, is named and stays in `status` until somebody acts.
"""

import json
import re
from http import HTTPStatus
from typing import Final

from connectors.agent.correcting import (
    REQUESTED_BY,
    Correction,
    Others,
    Sent,
    check_reason,
    correction_document,
    find_others,
    find_sent,
    is_to_be_recalled,
)
from connectors.agent.handing_in import find_first, hand_in_file
from connectors.agent.journal import NoticeKind
from connectors.agent.persons import child_of
from connectors.agent.troubles import settle
from connectors.api.bodies import finish, read_members, read_person
from connectors.api.calls import Answer, Api, Call
from connectors.api.messages import message_of
from connectors.api.problems import RequestError
from connectors.formats.fhir import FhirFormat
from schemas.document import JSONValue

ITEMS_MAX: Final = 200
_ITEM: Final = re.compile(r"[a-z0-9-]{1,64}/[A-Za-z0-9.-]{1,64}(?:/[A-Za-z0-9-]{1,64})?")
_REASON: Final = re.compile(r"[a-z0-9-]{1,64}")
_SAID: Final = re.compile(r".*\S.*", re.DOTALL)


async def correct(call: Call, api: Api) -> Answer:
    """Correct what a message of ours said, at everybody who has it."""
    services, message = api.services, message_of(call)
    items, correction = _correction(call, api)
    with api.alone(call.claim):
        find_first(services, call.claim)  # its parts are known each by its own claim; this holds its key to the whole
        found = find_sent(services.journal, message, items=items)
        if not found:
            raise RequestError(
                "this connector did not send this message, or it did not arrive",
                "dit bericht is niet door deze connector verstuurd, of niet aangekomen",
                code="sender.correction.unknown",
            )
        made = [await _correct(each, correction, call=call, api=api) for each in found]
        known = [each.message for each in found]
        others = await find_others(message, items=items, known=known, services=services)
    value: dict[str, JSONValue] = {"corrections": [*made], **_others_to_json(others)}
    return Answer(status=HTTPStatus.ACCEPTED, value=value)


async def _correct(sent: Sent, correction: Correction, *, call: Call, api: Api) -> dict[str, JSONValue]:
    """Hand in the correction for one recipient, once; or say that the message is to be taken back."""
    services, claim = api.services, call.claim.part(sent.message.value)
    first = find_first(services, claim)
    number = None if first is None else first.file
    if number is None and not await is_to_be_recalled(sent, services=services):
        desk = api.desk
        data = desk.write(correction_document(sent, correction, desk=desk))
        number = hand_in_file(services, data, suffix="json", claim=claim, whole=call.claim)
        # Where it cannot go, that is told of the correction itself.
        settle(services, kind=NoticeKind.UNCORRECTED, about=sent.message.value)
    return {
        "message": sent.message.value,
        "recipient": sent.recipient.value,
        "labels": [*sent.labels],
        "outgoing": number,
        "recall": number is None,
    }


def _correction(call: Call, api: Api) -> tuple[tuple[str, ...], Correction]:
    """Read what was wrong and what is right.

    Raises:
        DocumentError: The body does not have its form; every finding is listed.
    """
    reader = read_members(
        call.body, members={"items", "reason"}, optional={"requested_by", "reaction", "person", "right"}
    )
    items = reader.array("items", _item, at_least=1, at_most=ITEMS_MAX)
    reason = reader.text("reason", _REASON)
    requested_by = reader.optional("requested_by", _requested_by) or REQUESTED_BY[0]
    reaction = reader.text("reaction", _SAID).strip() if reader.raw("reaction") is not None else None
    right = reader.raw("right")
    person = read_person(reader) if right is None else None
    finish(reader)
    definitions = api.services.policy.definitions
    check_reason(reason, definitions=definitions)
    if right is None:
        assert person is not None, "without whom it is about there was a finding"
        correction = Correction(
            reason=reason, requested_by=requested_by, reaction=reaction, subjects=(child_of(person),), right=()
        )
    else:
        document = FhirFormat(definitions=definitions).read(json.dumps(right).encode())
        correction = Correction(
            reason=reason,
            requested_by=requested_by,
            reaction=reaction,
            subjects=document.subjects,
            right=document.items,
        )
    return items, correction


def _item(text: str) -> str:
    if not _ITEM.fullmatch(text):
        raise ValueError
    return text


def _requested_by(text: str) -> str:
    if text not in REQUESTED_BY:
        raise ValueError
    return text


def _others_to_json(others: Others) -> dict[str, JSONValue]:
    unasked: JSONValue = None if others.unasked is None else {"nl": others.unasked[0], "en": others.unasked[1]}
    return {
        "others": [
            {
                "message": each.message.value,
                "recipient": each.recipient.value,
                "at": each.at.isoformat(timespec="seconds"),
                "picked_up": each.picked_up,
                "labels": [*each.labels],
                "ours": each.ours,
            }
            for each in others.told
        ],
        "others_unknown": unasked,
    }
