"""`POST /v1/records/search`: what the log says about one's own messages, with the records that one was shown."""

from typing import Final

from aiohttp import web

from hub.exchange.known import tags_of
from hub.web.context import Call, HubWeb, json_response
from hub.web.reading import INTEGER_MAX, integer_member, optional_text_member, read_members
from schemas.canonical import b64url
from schemas.errors import DocumentError, Issue, RejectedMessageError
from schemas.identifiers import MessageId, SubjectTag

RECORDS_MAX: Final = 200
_MEMBER: Final = "sender.request.member"


async def search(call: Call, hub: HubWeb) -> web.Response:
    """Answer with the entries that the caller is party to, oldest first, a page at a time.

    With `about`, a message of the caller's: those by which it told anybody anything about the same persons, which is
    whom a correction must reach. It is a POST so that no identifier stands in a URL.
    """
    optional = frozenset({"after", "limit", "message", "about"})
    members = read_members(call.body, required=frozenset(), optional=optional)
    after = integer_member(members, "after", default=-1, at_least=-1, at_most=INTEGER_MAX)
    limit = integer_member(members, "limit", default=RECORDS_MAX, at_least=1, at_most=RECORDS_MAX)
    message, about = optional_text_member(members, "message"), optional_text_member(members, "about")
    store, party = hub.services.store, call.participant.oin
    if about is None:
        message_id = None if message is None else MessageId(message)
        found = await store.records(party, after=after, limit=limit, message_id=message_id)
    elif message is None:
        found = await store.records_about(party, await _people_of(about, call, hub), after=after, limit=limit)
    else:
        issue = Issue(pointer="/about", code=_MEMBER, text="say `message` or `about`, not both")
        raise DocumentError(issue.text, code=_MEMBER, issues=[issue])
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


async def _people_of(about: str, call: Call, hub: HubWeb) -> tuple[SubjectTag, ...]:
    """The pseudonyms of whom a message of the caller's is about: who sent it knows them already.

    Raises:
        RejectedMessageError: The caller sent no such message.
    """
    stored = await hub.services.store.message(MessageId(about))
    if stored is None or stored.sender != call.participant.oin:
        raise RejectedMessageError("no message of yours has this id", code="sender.message.unknown")
    return tags_of(stored)
