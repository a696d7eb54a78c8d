"""What people have to look at: recalls, notices and the review list."""

from aiohttp import web

from hub.exchange.recall import recall
from hub.exchange.review import REVIEWS_MAX, open_reviews, review
from hub.exchange.settled import SUPERVISED
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.directory import with_newest_world
from hub.web.reading import INTEGER_MAX, integer_member, query_integer, read_members
from hub.web.releases import read_token

NOTICES_MAX = 100


async def take_recall(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/recalls`: the sender takes back what nobody picked up; sent again, it gets the same answer."""
    token = read_token(call.body)
    done = await with_newest_world(hub, lambda: recall(token, arrival=call.arrival, services=hub.services))
    return json_response(entry_to_json(done))


async def notices(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/notices`: what the caller is told that no message tells, beyond a number; identifiers only."""
    after = query_integer(call.request, "after", default=-1, at_least=-1)
    found = await hub.services.attention.notices(call.participant.oin, after=after, limit=NOTICES_MAX)
    return json_response(
        {
            "items": [
                {
                    "number": each.number,
                    "kind": each.kind,
                    "message": each.message_id.value if each.message_id else None,
                    "record": each.record_id.value if each.record_id else None,
                    "index": each.index,
                    "at": each.at,
                }
                for each in found
            ],
            "next": found[-1].number if found else after,
        }
    )


async def search_reviews(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/reviews/search`: what is open, of the caller; for a supervisor of everybody."""
    members = read_members(call.body, required=frozenset(), optional=frozenset({"after", "limit"}))
    after = integer_member(members, "after", default=-1, at_least=-1, at_most=INTEGER_MAX)
    limit = integer_member(members, "limit", default=REVIEWS_MAX, at_least=1, at_most=REVIEWS_MAX)
    found = await open_reviews(call.participant, after=after, limit=limit, services=hub.services)
    return json_response(
        {
            "reviews": [
                {
                    "about": each.about.value,
                    "mark": each.mark,
                    "index": each.index,
                    "sender": each.sender.value,
                    "recipient": each.recipient.value,
                    "supervised": each.mark in SUPERVISED,
                    "answers": [
                        {
                            "oin": answer.oin.value,
                            "index": answer.index,
                            "finding": answer.finding.value,
                            "review": answer.token,
                        }
                        for answer in each.answers
                    ],
                }
                for each in found
            ],
            "next": found[-1].number if found else after,
        }
    )


async def take_review(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/reviews`: somebody looked at it, and closes it by a signed review, or answers the supervisor."""
    token = read_token(call.body)
    done = await with_newest_world(hub, lambda: review(token, arrival=call.arrival, services=hub.services))
    return json_response({**entry_to_json(done), "closed": done.closed}, status=201)
