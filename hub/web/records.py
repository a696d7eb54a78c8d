"""`POST /v1/records/search`: what the log says about one's own messages, with the records that one was shown."""

from typing import Final

from aiohttp import web

from hub.web.context import Call, HubWeb, json_response
from hub.web.reading import INTEGER_MAX, integer_member, optional_text_member, read_members
from schemas.canonical import b64url
from schemas.identifiers import MessageId

RECORDS_MAX: Final = 200


async def search(call: Call, hub: HubWeb) -> web.Response:
    """Answer with the entries that the caller is party to, oldest first, a page at a time.

    It is a POST so that no identifier stands in a URL.
    """
    members = read_members(call.body, required=frozenset(), optional=frozenset({"after", "limit", "message"}))
    after = integer_member(members, "after", default=-1, at_least=-1, at_most=INTEGER_MAX)
    limit = integer_member(members, "limit", default=RECORDS_MAX, at_least=1, at_most=RECORDS_MAX)
    message = optional_text_member(members, "message")
    found = await hub.services.store.records(
        call.participant.oin, after=after, limit=limit, message_id=None if message is None else MessageId(message)
    )
    return json_response(
        {
            "records": [
                {
                    "index": each.index,
                    "kind": each.kind.value,
                    "entry": each.entry,
                    "shown": None if each.shown is None else each.shown.text,
                    "shown_salt": None if each.shown is None else b64url(each.shown.salt),
                }
                for each in found
            ],
            "next": found[-1].index if found else after,
        }
    )
