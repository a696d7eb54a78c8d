"""The way of one message at a real hub: join, token, submit, inbox, release, receipt, each over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit.entries import parse_entry
from audit.note import parse_vkey, verify_note
from audit.proof_file import parse_proof_file
from audit.records import verify_commitment
from hub.web.messages import LONG_POLLS_MAX
from schemas.canonical import b64url_decode
from schemas.codes import Role
from schemas.message import sealed_digests
from schemas.sealing import SealingAddress, open_element, open_key
from tests.support.hub_server import HubParticipant, RunningHub, new_id, participants_of, running_hub
from tests.support.parties import GEMEENTE, GI, RAAD

pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD), (GI, Role.GI)) as made:
        yield made


def check_proof(hub: RunningHub, *, entry: str, proof: str) -> None:
    """Check an entry's proof as an outsider does, with the log's vkey alone."""
    found = parse_proof_file(proof.encode())
    found.verify_entry(entry.encode())
    verify_note(found.note, [parse_vkey(hub.web.log_identity.vkey)])


async def test_a_message_goes_from_sender_to_recipient_and_its_receipt_back(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    message_id = composed.message.id

    accepted = await gemeente.submit(composed)
    assert accepted.status == 202, accepted.body
    answer = accepted.json
    assert answer["jti"] == message_id.value
    assert answer["decision"]["withheld"] == []
    check_proof(hub, entry=answer["entry"], proof=answer["tlog_proof"])
    entry = parse_entry(answer["entry"].encode())
    assert entry.shown is not None
    verify_commitment(commitment=entry.shown, salt=b64url_decode(answer["shown_salt"]), record=answer["shown"])

    inbox = (await raad.get("/v1/inbox")).json
    assert [item["id"] for item in inbox["items"]] == [message_id.value]
    assert inbox["next"] == answer["index"]

    released = await raad.release(message_id)
    (release,) = released.releases
    check_proof(hub, entry=release.entry, proof=release.tlog_proof)
    address = SealingAddress(
        hub=composed.message.hubs[0],
        sender=GEMEENTE,
        message_id=message_id,
        recipient=RAAD,
        kid=composed.message.sealed.kid,
    )
    key = open_key(release.key, private=raad.sealing, address=address)
    digests = sealed_digests(composed.message)
    opened = [
        open_element(key, index=number, digest=digests[number], sealed=sealed)
        for number, sealed in release.elements.items()
    ]
    assert len(opened) == len(digests)

    receipt = raad.receipt(release)
    given = await raad.give_receipt(receipt)
    assert given.status == 200, given.body
    check_proof(hub, entry=given.json["entry"], proof=given.json["tlog_proof"])
    assert (await raad.give_receipt(receipt)).json["index"] == given.json["index"]

    state = (await gemeente.get(f"/v1/messages/{message_id.value}")).json
    assert (state["state"], state["receipt"]["receipt"]) == ("received", receipt)
    check_proof(hub, entry=state["receipt"]["entry"], proof=state["receipt"]["tlog_proof"])

    gone = await raad.release(message_id)
    assert [refused.problem["code"] for refused in gone.refused] == ["recipient.message.received"]
    assert gone.refused[0].problem["status"] == 410


async def test_the_same_bytes_get_the_same_answer_and_other_bytes_a_conflict(parties: list[HubParticipant]) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    first, again = await gemeente.submit(composed), await gemeente.submit(composed)
    assert (first.status, again.status) == (202, 202)
    assert [first.json[name] for name in ("index", "entry", "shown", "shown_salt")] == [
        again.json[name] for name in ("index", "entry", "shown", "shown_salt")
    ]


async def test_a_long_poll_wakes_when_something_comes(parties: list[HubParticipant]) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    polling = asyncio.create_task(raad.get("/v1/inbox", "?wait=20"))
    await asyncio.sleep(0.3)
    started = time.monotonic()
    await gemeente.submit(composed)
    items = (await polling).json["items"]
    assert [item["id"] for item in items] == [composed.message.id.value]
    assert time.monotonic() - started < 5


async def test_long_polls_of_one_participant_are_bounded(parties: list[HubParticipant], hub: RunningHub) -> None:
    """Each holds a connection, and all of them ask the database when something comes."""
    gemeente, raad, _ = parties
    polling = [asyncio.create_task(raad.get("/v1/inbox", "?wait=20")) for _ in range(LONG_POLLS_MAX)]
    await asyncio.sleep(1.0)
    assert hub.web.state.long_polls[RAAD] == LONG_POLLS_MAX
    started = time.monotonic()
    assert (await raad.get("/v1/inbox", "?wait=20")).json == {"items": [], "next": -1}
    assert time.monotonic() - started < 5, "one more is answered at once"
    await gemeente.submit(await gemeente.compose(raad))
    assert [len(answer.json["items"]) for answer in await asyncio.gather(*polling)] == [1] * LONG_POLLS_MAX
    assert hub.web.state.long_polls[RAAD] == 0


async def test_a_long_poll_ends_without_anything_to_tell(parties: list[HubParticipant]) -> None:
    started = time.monotonic()
    answer = (await parties[1].get("/v1/inbox", "?wait=1")).json
    assert answer == {"items": [], "next": -1}
    assert 0.9 < time.monotonic() - started < 5


async def test_a_process_wakes_the_long_polls_of_another_and_both_keep_one_log(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as one,
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        composed = await gemeente.compose(raad)
        await two.web.services.worlds.refresh()
        polling = asyncio.create_task(raad.get("/v1/inbox", "?wait=20"))
        await asyncio.sleep(0.3)
        started = time.monotonic()
        gemeente.url, gemeente.access_token = two.url, ""
        accepted = await gemeente.submit(composed)
        assert accepted.status == 202, accepted.body
        assert [item["id"] for item in (await polling).json["items"]] == [composed.message.id.value]
        assert time.monotonic() - started < 5
        assert await one.web.services.log.checkpoint() == await two.web.services.log.checkpoint()


async def test_who_joined_at_one_process_is_known_at_once_at_the_other(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as one,
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        composed = await gemeente.compose(raad)
        gemeente.url, gemeente.access_token = two.url, ""
        assert (await gemeente.submit(composed)).status == 202


async def test_everything_goes_on_without_redis(tmp_path: Path, database_url: str) -> None:
    nowhere = f"unix://{tmp_path}/nothing-listens-here"
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=nowhere) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        composed = await gemeente.compose(raad)
        polling = asyncio.create_task(raad.get("/v1/inbox", "?wait=20"))
        await asyncio.sleep(0.2)
        assert (await gemeente.submit(composed)).status == 202
        assert len((await polling).json["items"]) == 1
        (release,) = (await raad.release(composed.message.id)).releases
        assert (await raad.give_receipt(raad.receipt(release))).status == 200
        ready = await raad.get("/readyz")
        assert (ready.status, ready.json["redis"]) == (200, "down")


async def test_only_the_sender_sees_how_its_message_stands(parties: list[HubParticipant]) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    path = f"/v1/messages/{composed.message.id.value}"
    assert (await gemeente.get(path)).json["state"] == "waiting"
    for other in (raad, gi):
        answer = await other.get(path)
        assert (answer.status, answer.json["code"]) == (404, "sender.message.unknown")
    unknown = await gemeente.get(f"/v1/messages/{new_id().value}")
    assert unknown.json["code"] == "sender.message.unknown"


async def test_nobody_collects_what_is_for_another(parties: list[HubParticipant]) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    assert (await gi.get("/v1/inbox")).json["items"] == []
    refused = (await gi.release(composed.message.id)).refused
    assert [each.problem["code"] for each in refused] == ["recipient.message.unknown"]


async def test_a_refusing_receipt_keeps_the_content(parties: list[HubParticipant]) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    (release,) = (await raad.release(composed.message.id)).releases
    given = await raad.give_receipt(raad.receipt(release, reasons=[("", "sender.value.form")]))
    assert given.status == 200, given.body
    assert (await gemeente.get(f"/v1/messages/{composed.message.id.value}")).json["state"] == "refused"
    again = await raad.release(composed.message.id)
    assert [each.id for each in again.releases] == [composed.message.id]
    assert again.releases[0].index == release.index


async def test_records_are_those_one_is_party_to(parties: list[HubParticipant]) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    await raad.release(composed.message.id)
    found = (await gemeente.call("POST", "/v1/records/search", json={})).json
    assert [each["kind"] for each in found["records"]] == ["SUBMISSION", "DISCLOSURE"]
    assert found["next"] == found["records"][-1]["index"]
    one = (await raad.call("POST", "/v1/records/search", json={"message": composed.message.id.value})).json
    assert [each["index"] for each in one["records"]] == [each["index"] for each in found["records"]]
    assert (await gi.call("POST", "/v1/records/search", json={})).json["records"] == []


async def test_a_message_nobody_signed_leaves_nothing_behind(parties: list[HubParticipant], hub: RunningHub) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    size = await hub.web.services.log.size()
    gemeente.signing, kept = gi.signing, gemeente.signing
    forged = await gemeente.compose(raad)
    gemeente.signing = kept
    answer = await gemeente.submit(forged)
    assert (answer.status, answer.json["code"]) == (401, "sender.key.unknown")
    assert await hub.web.services.log.size() == size
    assert (await gemeente.submit(composed)).status == 202
