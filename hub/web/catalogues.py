"""The life of the catalogue over HTTP: boards and steps come in, and what was done is there for all to check."""

import contextlib
from collections.abc import Sequence
from typing import Final

import orjson
from aiohttp import web

from audit.entries import parse_entry
from consent.lifecycle import Standing
from hub.catalogues import StepRecord
from hub.exchange.catalogues import Known, appoint, known_life, take_step
from hub.exchange.enacting import enact
from hub.exchange.stages import Arrival
from hub.ports import Appended, Entered
from hub.web.context import Call, HubWeb, entry_to_json, json_response
from hub.web.directory import with_newest_world
from hub.web.reading import optional_text_member, read_members, text_member
from schemas.board import Board, board_at
from schemas.claims import DIGEST
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.identifiers import MessageId

STEP_BYTES_MAX: Final = 2 * 1024 * 1024
"""A step with its document: quotes and line ends of a report of 1 MiB are written twice in JSON."""

_UNKNOWN: Final = frozenset({"sender.catalogue-step.no-board", "sender.catalogue-step.signer"})
"""Refusals of a member who may only not be known here yet: the board came at another process a moment ago."""


async def appoint_board(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/boards`: who may change the catalogue, signed by the registrar."""
    token = text_member(read_members(call.body, required=frozenset({"board"})), "board")
    logged = await appoint(token, arrival=call.arrival, services=hub.services)
    await _enact(call, hub)
    return json_response(entry_to_json(logged), status=201)


async def take_catalogue_step(call: Call, hub: HubWeb) -> web.Response:
    """`POST /v1/catalogue-steps`: a step of a member; the last one that was missing brings the catalogue into force."""
    members = read_members(call.body, required=frozenset({"step"}), optional=frozenset({"document"}))
    token, document = text_member(members, "step"), optional_text_member(members, "document")
    taken = await with_newest_world(
        hub,
        lambda: take_step(token, document, arrival=call.arrival, services=hub.services),
        unknown=_UNKNOWN,
    )
    enacted = await _enact(call, hub)
    body = {
        **entry_to_json(taken.logged),
        "standing": _standing_to_json(taken.standing) if taken.standing else None,
        "enacted": entry_to_json(enacted) if enacted else None,
    }
    return json_response(body, status=201)


async def _enact(call: Call, hub: HubWeb) -> Appended | None:
    """Look whether something comes into force; where that cannot be done now, the next sweep does it."""
    with contextlib.suppress(UnavailableError):
        return await enact(arrival=call.arrival, services=hub.services)
    return None


async def list_catalogues(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/catalogues`: what is in force, by whose steps, and how every proposal stands."""
    life = await known_life(hub.services)
    board = board_at(life.boards, seconds=call.arrival.seconds)
    # Every connector asks each minute and seldom is anything new: hundreds of proofs are not made anew for each.
    made_of, text = hub.state.catalogues
    if made_of != (life.stored, board):
        text = orjson.dumps(await _life_to_json(life, board, arrival=call.arrival, hub=hub))
        hub.state.catalogues = (life.stored, board), text
    return web.Response(body=text, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _life_to_json(life: Known, board: Board | None, *, arrival: Arrival, hub: HubWeb) -> dict[str, object]:
    standings = life.standings(seconds=arrival.seconds, definitions=hub.services.definitions)
    return {
        "in_force": _in_force_to_json(life, standings),
        "board": None
        if board is None
        else {
            "id": board.id.value,
            "members": [
                {"office": each.office.value, "thumbprint": each.key.thumbprint.value} for each in board.members
            ],
        },
        "boards": [{"board": each.token, **await _proven(each, hub)} for each in life.stored.boards],
        "proposals": [
            await _proposal_to_json(each.id, life.stored.steps, standings, hub)
            for each in life.stored.steps
            if each.id == each.proposal
        ],
        "enacted": [await _proven(each, hub) for each in life.stored.enacted],
    }


async def catalogue_document(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/catalogues/{digest}`: the exact text of a catalogue, a report or an advice."""
    digest = call.request.match_info["digest"]
    # A database refuses some texts that are no digest, and the connection with them.
    text = await hub.services.catalogues.document(digest) if DIGEST.fullmatch(digest) else None
    if text is None:
        raise RejectedMessageError("no text has this digest here", code="recipient.catalogue.unknown")
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=text, content_type="text/plain", charset="utf-8", headers=headers)


async def _proven(known: Entered, hub: HubWeb) -> dict[str, object]:
    return entry_to_json(await hub.services.proven(known))


async def _proposal_to_json(
    proposal: MessageId, steps: Sequence[StepRecord], standings: Sequence[Standing], hub: HubWeb
) -> dict[str, object]:
    standing = next((each for each in standings if each.proposal.step.id == proposal), None)
    return {
        "proposal": proposal.value,
        "standing": _standing_to_json(standing) if standing else None,
        "steps": [{"step": each.token, **await _proven(each, hub)} for each in steps if each.proposal == proposal],
    }


def _in_force_to_json(life: Known, standings: Sequence[Standing]) -> dict[str, object] | None:
    if not life.stored.enacted:
        return None
    newest = life.stored.enacted[-1]
    entry = parse_entry(newest.entry.encode())
    found = (each for each in standings if each.proposal.digest == entry.request)
    standing = next(found, None)
    return {
        "digest": entry.catalogue,
        "version": entry.version,
        "since": newest.index,
        "valid_from": standing.enactment.valid_from.isoformat() if standing else None,
        "proposal": standing.proposal.step.id.value if standing else None,
    }


def _standing_to_json(standing: Standing) -> dict[str, object]:
    enactment = standing.enactment
    return {
        "proposal": standing.proposal.step.id.value,
        "digest": enactment.digest,
        "version": enactment.version,
        "replaces": enactment.replaces,
        "definitions": enactment.definitions,
        "from": enactment.valid_from.isoformat(),
        "obstacles": [{"code": each.value, "nl": each.nl, "en": each.en} for each in standing.obstacles],
        "unheeded": [
            {"step": each.step.id.value, "code": why.value, "nl": why.nl, "en": why.en}
            for each, why in standing.unheeded
        ],
        "approvals": [each.step.id.value for each in standing.approvals],
        "advice": [each.step.id.value for each in standing.advice],
        "rejections": [each.step.id.value for each in standing.rejections],
    }
