"""What a hostile participant tries at a real hub: strange numbers, odd bytes, and races against its own suspension."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from audit.entries import Entry, parse_entry
from schemas.codes import EntryKind, Role
from tests.support.hub_server import HubParticipant, RunningHub, new_id, participants_of, running_hub, seconds
from tests.support.parties import GEMEENTE, GI, RAAD

pytestmark = pytest.mark.database

LARGEST = 2**53 - 1


@pytest.fixture
async def hub(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD), (GI, Role.GI)) as made:
        yield made


async def _entries(hub: RunningHub) -> list[Entry]:
    texts = await hub.web.services.log.entries(start=0, count=256)
    return [parse_entry(text.encode()) for text in texts]


@pytest.mark.parametrize(
    "path",
    [
        "/log/entries/99999999999999999999999999",
        f"/log/entries/{2**63}",
        "/log/entries/-1",
        "/log/entries/1e3",
        "/log/entries/٣",
        f"/log/proof/inclusion?index={LARGEST}&size={LARGEST}",
        f"/log/proof/inclusion?index=0&size={LARGEST}",
        "/log/proof/inclusion?index=3&size=2",
        "/log/proof/consistency?from=2&to=1",
        f"/log/proof/consistency?from=1&to={LARGEST}",
        "/log/proof/consistency?from=0&to=1",
        "/log/tile/63/x999/x999/999",
        "/log/tile/7/000",
        "/log/tile/0/x999/x999/x999/x999/x999/x999/999.p/1",
        "/log/tile/entries/x999/x999/999",
        "/log/tile/entries/000.p/3",
        f"/log/entries?kind=PARTICIPANT&after={LARGEST}",
        f"/v1/inbox?after={LARGEST}&wait=0",
        f"/v1/participants?after={LARGEST}",
        "/v1/participants/00000099000000009999",
        "/v1/participants/x",
        "/v1/messages/01940000-0000-7000-8000-000000000001",
        "/v1/messages/%00",
        "/v1/definitions/%2e%2e%2fsecret",
    ],
)
async def test_no_number_and_no_path_is_our_own_mistake(
    hub: RunningHub, parties: list[HubParticipant], path: str
) -> None:
    """Whatever is asked for is there, is not there, or is asked for wrongly; and the hub goes on."""
    where, _, query = path.partition("?")
    answer = await parties[0].get(where, f"?{query}" if query else "")
    assert answer.status < 500, answer.body
    assert hub.web.state.contradiction is None
    assert (await parties[0].get("/readyz")).status == 200


@pytest.mark.parametrize("member", ["tags", "message", "elements", "key"])
async def test_no_text_in_a_submission_is_our_own_mistake(parties: list[HubParticipant], member: str) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    strange: object
    for strange in ("é", "\u0000", "", "A" * 70_000, 7, None, {}, [[]]):
        body: dict[str, object] = {
            "message": composed.submission.message,
            "tags": list(composed.submission.tags),
            "key": "AA",
            "elements": [],
        }
        body[member] = [strange] * 2 if member in ("tags", "elements") else strange
        answer = await gemeente.call("POST", "/v1/messages", json=body)
        assert 400 <= answer.status < 500, (strange, answer.body)


async def test_nothing_is_accepted_from_a_sender_after_its_suspension_in_the_log(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    gemeente, raad, _ = parties
    composed = [await gemeente.compose(raad) for _ in range(24)]
    suspending = asyncio.create_task(_suspend(gemeente, after_seconds=0.02))
    answers = await asyncio.gather(*(gemeente.submit(each) for each in composed))
    await suspending
    entries = await _entries(hub)
    suspended = _last(entries, EntryKind.PARTICIPANT)
    accepted = [place for place, entry in enumerate(entries) if entry.kind is EntryKind.SUBMISSION]
    assert all(place < suspended for place in accepted)
    assert len(accepted) == sum(answer.status == 202 for answer in answers)
    assert {answer.status for answer in answers} <= {202, 401}


async def test_nothing_is_released_to_a_recipient_after_its_suspension_in_the_log(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    gemeente, raad, _ = parties
    composed = [await gemeente.compose(raad) for _ in range(16)]
    for each in composed:
        assert (await gemeente.submit(each)).status == 202
    requests = [raad.release_request([each.message.id]) for each in composed]
    suspending = asyncio.create_task(_suspend(raad, after_seconds=0.02))
    await asyncio.gather(
        *(
            raad.call("POST", "/v1/releases", body=request.encode(), content_type="application/jose")
            for request in requests
        )
    )
    await suspending
    entries = await _entries(hub)
    suspended = _last(entries, EntryKind.PARTICIPANT)
    assert all(entry.kind is not EntryKind.DISCLOSURE for entry in entries[suspended:])


async def test_a_message_that_somebody_changed_in_the_database_is_refused_alone_and_counted(
    hub: RunningHub, parties: list[HubParticipant], database_url: str
) -> None:
    gemeente, raad, _ = parties
    damaged, other = await gemeente.compose(raad), await gemeente.compose(raad)
    for composed in (damaged, other):
        assert (await gemeente.submit(composed)).status == 202
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE message_bodies SET jws = %s WHERE jws = %s", (other.submission.message, damaged.submission.message)
        )
    answer = await raad.release(damaged.message.id, other.message.id)
    assert [each.id for each in answer.releases] == [other.message.id]
    assert [(each.id, each.problem["code"]) for each in answer.refused] == [(damaged.message.id, "hub.message.damaged")]
    assert hub.web.state.contradiction is None
    page = (await raad.get("/metrics")).body.decode()
    assert 'code="hub.message.damaged"' in page


def _last(entries: list[Entry], kind: EntryKind) -> int:
    return max(place for place, entry in enumerate(entries) if entry.kind is kind)


async def _suspend(participant: HubParticipant, *, after_seconds: float) -> None:
    """Post an admission that has ended, as the registrar does: its time is later than that of the one before."""
    await asyncio.sleep(after_seconds)
    other = replace(participant, access_token="")
    admission = other.admission(id=new_id(), issued_at=seconds() + 60, valid_until=seconds() - 1)
    answer = await other.call("POST", "/v1/participants", json={"admission": admission, "statement": None})
    assert answer.status == 201, answer.body


async def test_an_erased_record_concerns_its_message_alone(
    hub: RunningHub, parties: list[HubParticipant], database_url: str
) -> None:
    """Records can be erased without breaking a proof: whoever asks for an old message must not stop the hub by it."""
    gemeente, raad, _ = parties
    erased, other = [await gemeente.compose(raad) for _ in range(2)]
    index = (await gemeente.submit(erased)).json["index"]
    await gemeente.submit(other)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM shown_records WHERE index = %s", [index])
    assert (await gemeente.get(f"/v1/messages/{erased.message.id.value}")).json["state"] == "waiting"
    request = raad.release_request([erased.message.id, other.message.id])
    answer = await raad.call("POST", "/v1/releases", body=request.encode(), content_type="application/jose")
    assert [each["id"] for each in answer.json["releases"]] == [other.message.id.value]
    assert [each["id"] for each in answer.json["refused"]] == [erased.message.id.value]
    assert hub.web.state.contradiction is None
    assert (await gemeente.submit(await gemeente.compose(raad))).status == 202


async def test_a_supervisor_asks_for_bundles_beyond_all_numbers(hub: RunningHub) -> None:
    async with participants_of(hub, (RAAD, Role.TOEZICHTHOUDER)) as (supervisor,):
        for path in ("x999/x999/x999/x999/x999/x999/999", "x999/x999/x999/x999/x999/999.p/1", "999999"):
            answer = await supervisor.get(f"/log/tile/entries/{path}")
            assert (answer.status, answer.json["code"]) == (404, "recipient.log.unknown")
