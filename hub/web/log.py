"""The log as tools read it: checkpoint, tiles, entry bundles, proofs, single entries.

Checkpoints, hash tiles and proofs are open to all. Entries need a token: after erasure they still say who told whom
when, and in a small gemeente that can point to a family. The parties of an entry may have it, every holder of a token
has the kinds that all depend on, and who may see all entries (a supervisor) may have bundles.

Sources: c2sp.org/tlog-tiles@v1.0.0; RFC 6962, section 4 for the questions; the architecture, section 6.
"""

from typing import Final

from aiohttp import web

from audit.entries import Entry, parse_entry
from audit.tiles import TILE_WIDTH, Tile, bundle_to_bytes, parse_tile_path
from hub.web.context import Call, HubWeb, json_response
from hub.web.problems import RequestError
from hub.web.reading import INTEGER_MAX, path_index, query_integer
from schemas.canonical import b64url
from schemas.codes import EntryKind, Role
from schemas.errors import DocumentError, RejectedMessageError
from schemas.participants import Participant

PUBLIC_KINDS: Final = frozenset(
    {
        EntryKind.CONTINUATION,
        EntryKind.PARTICIPANT,
        EntryKind.CHAIN,
        EntryKind.CATALOGUE,
        EntryKind.STOP,
        EntryKind.RESUMPTION,
    }
)
"""What every holder of a token may read: nobody can check a message without them."""

ENTRIES_MAX: Final = 256

_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_MOMENT: Final = {"Cache-Control": "no-cache"}


async def checkpoint(_: Call, hub: HubWeb) -> web.Response:
    """`GET /log/checkpoint`: the newest signed checkpoint that this process's rollback guard knows."""
    text = await hub.services.log.checkpoint()
    return web.Response(body=text.encode(), content_type="text/plain", charset="utf-8", headers=_MOMENT)


async def tile(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/tile/…`: a tile of hashes, open to all."""
    where, entries = _tile_path(call)
    if entries:
        raise RequestError("no such route", code="sender.route.unknown")
    try:
        data = await hub.services.log.hash_tile(level=where.level, index=where.index, width=where.width)
    except KeyError as error:
        raise _unknown() from error
    headers = _FOREVER if where.width == TILE_WIDTH else _MOMENT
    return web.Response(body=data, content_type="application/octet-stream", headers=headers)


async def entry_bundle(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/tile/entries/…`: a bundle of entries, for who may see all of them."""
    where, entries = _tile_path(call)
    assert entries, "the route says so"
    if not _sees_all(call.participant):
        raise RejectedMessageError(
            "entry bundles are for supervisors; ask for your own entries one by one", code="sender.token.insufficient"
        )
    start = where.index * TILE_WIDTH
    if start > INTEGER_MAX:
        raise _unknown()
    texts = await hub.services.log.entries(start=start, count=where.width)
    if len(texts) < where.width:
        raise _unknown()
    data = bundle_to_bytes([text.encode() for text in texts])
    headers = {"Cache-Control": "private, no-cache"}
    return web.Response(body=data, content_type="application/octet-stream", headers=headers)


async def inclusion(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/proof/inclusion`: the hashes from an entry to the root of a tree, open to all."""
    index = query_integer(call.request, "index", default=None)
    size = query_integer(call.request, "size", default=None, at_least=1)
    try:
        path = await hub.services.log.inclusion_proof(index=index, size=size)
    except KeyError as error:
        raise _unknown() from error
    return json_response({"index": index, "size": size, "hashes": [b64url(each) for each in path]})


async def consistency(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/proof/consistency`: that one tree is the beginning of another, open to all."""
    old_size = query_integer(call.request, "from", default=None, at_least=1)
    new_size = query_integer(call.request, "to", default=None, at_least=1)
    try:
        path = await hub.services.log.consistency_proof(old_size=old_size, new_size=new_size)
    except KeyError as error:
        raise _unknown() from error
    return json_response({"from": old_size, "to": new_size, "hashes": [b64url(each) for each in path]})


async def one_entry(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/entries/{index}`: one entry with its proof, for its parties and for who may see it."""
    index = path_index(call.request)
    if index is None:
        raise _unknown()
    try:
        texts = await hub.services.log.entries(start=index, count=1)
        proof = await hub.services.log.proof(index, entry=texts[0]) if texts else ""
    except KeyError as error:
        raise _unknown() from error
    if not texts:
        raise _unknown()
    if not may_read(parse_entry(texts[0].encode()), call.participant):
        raise RejectedMessageError("this entry is for its parties", code="sender.token.insufficient")
    return json_response({"index": index, "entry": texts[0], "tlog_proof": proof})


async def entries_of_kind(call: Call, hub: HubWeb) -> web.Response:
    """`GET /log/entries?kind=…&after=…`: the entries of a kind that every holder of a token may read."""
    kinds = call.request.query.getall("kind", [])
    if not kinds or not set(kinds) <= PUBLIC_KINDS:
        raise DocumentError(f"`kind` must be of {', '.join(sorted(PUBLIC_KINDS))}", code="sender.request.member")
    after = query_integer(call.request, "after", default=-1, at_least=-1)
    found = await hub.services.log.entries_of_kinds(
        frozenset(EntryKind(kind) for kind in kinds), after=after, limit=ENTRIES_MAX
    )
    return json_response(
        {
            "entries": [{"index": index, "entry": text} for index, text in found],
            "next": found[-1][0] if found else after,
        }
    )


def may_read(entry: Entry, participant: Participant) -> bool:
    """Whether a participant may read an entry."""
    parties = (entry.sender, entry.recipient, entry.oin)
    return entry.kind in PUBLIC_KINDS or participant.oin in parties or _sees_all(participant)


def _sees_all(participant: Participant) -> bool:
    return participant.role == Role.TOEZICHTHOUDER


def _tile_path(call: Call) -> tuple[Tile, bool]:
    try:
        return parse_tile_path(call.request.path.removeprefix("/log/"))
    except DocumentError as error:
        raise _unknown() from error


def _unknown() -> RejectedMessageError:
    return RejectedMessageError("the log does not have this", code="recipient.log.unknown")
