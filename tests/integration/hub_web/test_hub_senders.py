"""What a sender sees of its own messages at a real hub: why one waits in vain, and what it told about whom."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.entries import parse_entry
from audit.records import parse_shown
from schemas.codes import Role
from tests.integration.hub_web.test_hub_persons import casusinformatie, consent_of, state, withdrawal
from tests.support.hub_server import HubParticipant, new_id, participants_of, running_hub, seconds
from tests.support.parties import GEMEENTE, GI, RAAD

pytestmark = pytest.mark.database


@pytest.fixture
async def parties(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[list[HubParticipant]]:
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD), (GI, Role.GI)) as made,
    ):
        yield made


async def test_the_sender_of_what_nobody_may_have_any_more_is_told_and_sees_why(
    parties: list[HubParticipant],
) -> None:
    gemeente, _, gi = parties
    child = consent_of()
    assert (await state(gemeente, child)).status == 201
    composed = await casusinformatie(gemeente, gi, child)
    assert (await gemeente.submit(composed)).status == 202
    path = f"/v1/messages/{composed.message.id.value}"
    assert (await gemeente.get(path)).json["denied"] is None
    assert (await state(gemeente, withdrawal(child))).status == 201
    for _ in range(2):
        assert (await gi.release(composed.message.id)).releases == ()
    (notice,) = (await gemeente.get("/v1/notices")).json["items"]
    said = (notice["kind"], notice["message"], notice["record"], notice["index"])
    assert said == ("release-denied", composed.message.id.value, None, None)
    status = (await gemeente.get(path)).json
    assert (status["state"], status["denied"]["since"]) == ("waiting", notice["at"])
    (reason,) = status["denied"]["reasons"]
    assert (reason["code"], bool(reason["text_nl"])) == ("recipient.decision.consent-withdrawn", True)
    assert (await state(gemeente, replace(child, id=new_id(), issued_at=seconds()))).status == 201
    assert (await gemeente.get(path)).json["denied"] is None


async def test_a_sender_finds_what_it_told_about_the_people_of_a_message(parties: list[HubParticipant]) -> None:
    gemeente, raad, gi = parties
    child = consent_of()
    assert (await state(gemeente, child)).status == 201
    messages = [await casusinformatie(gemeente, gi, child) for _ in range(2)]
    for each in messages:
        assert (await gemeente.submit(each)).status == 202
    about = {"about": messages[0].message.id.value}
    records = (await gemeente.call("POST", "/v1/records/search", json=about)).json["records"]
    assert [parse_entry(each["entry"].encode()).id for each in records] == [each.message.id.value for each in messages]
    assert parse_shown(records[0]["shown"]).permitted
    for stranger in (raad, gi):
        refused = await stranger.call("POST", "/v1/records/search", json=about)
        assert (refused.status, refused.json["code"]) == (404, "sender.message.unknown")
    both = await gemeente.call("POST", "/v1/records/search", json={**about, "message": about["about"]})
    assert both.status == 400


async def test_a_sender_sees_that_its_recipient_is_suspended_until_it_is_admitted_again(
    parties: list[HubParticipant],
) -> None:
    gemeente, raad, gi = parties
    child = consent_of()
    assert (await state(gemeente, child)).status == 201
    composed = await casusinformatie(gemeente, gi, child)
    assert (await gemeente.submit(composed)).status == 202
    path = f"/v1/messages/{composed.message.id.value}"
    now = seconds()
    for number, change in enumerate([{"valid_from": now - 100, "valid_until": now - 1}, {}], start=1):
        admission = gi.admission(issued_at=now + number, **change)
        assert (await raad.call("POST", "/v1/participants", json={"admission": admission})).status == 201
        denied = (await gemeente.get(path)).json["denied"]
        said = [(each["code"], bool(each["text_nl"])) for each in denied["reasons"]] if denied else []
        assert said == ([("recipient.participant.suspended", True)] if change else [])
    assert (await gemeente.get("/v1/notices")).json["items"] == []
