"""A canary whose message would be accepted stops the whole hub, until its operator resumes with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from audit.entries import parse_entry
from connectors.sdk.composing import Composed
from hub.cli.main import main
from schemas.codes import EntryKind, Role, TokenType
from schemas.identifiers import OIN
from schemas.jws import sign_jws
from schemas.message import Recipient, message_to_payload
from schemas.wire import encode_submission
from tests.support.hub_server import (
    Answer,
    HubParticipant,
    RunningHub,
    participants_of,
    running_hub,
    write_hub_files,
)
from tests.support.parties import GEMEENTE, RAAD

CANARY = OIN("00000099000000009000")
SUPERVISOR = OIN("00000099000000008000")

pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    """A municipality, the Raad, a canary with the role of a municipality, and a supervisor."""
    async with participants_of(
        hub,
        (GEMEENTE, Role.GEMEENTE),
        (RAAD, Role.RAAD),
        (CANARY, Role.GEMEENTE),
        (SUPERVISOR, Role.TOEZICHTHOUDER),
        canaries=frozenset({CANARY}),
    ) as made:
        yield made


async def unlawful(canary: HubParticipant, raad: HubParticipant) -> Answer:
    """Let the canary send what no ground lets it send."""
    composed = await canary.compose(raad)
    message = replace(composed.message, recipient=Recipient(oin=RAAD, purpose="RVDK-NOT", capacity=None))
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=canary.signing)
    content_type, body = encode_submission(replace(composed.submission, message=token))
    return await canary.call("POST", "/v1/messages", body=body, content_type=content_type)


async def stop(canary: HubParticipant, raad: HubParticipant) -> Composed:
    """Let the canary send what its role may send: for the hub that is a decision that lets the unlawful pass."""
    composed = await canary.compose(raad)
    answer = await canary.submit(composed)
    assert (answer.status, answer.json["code"]) == (503, "hub.canary.accepted"), answer.body
    return composed


async def kinds(hub: RunningHub) -> list[EntryKind]:
    return [parse_entry(text.encode()).kind for text in await hub.web.services.log.entries(start=0, count=256)]


async def command(folder: Path, database_url: str, *arguments: str) -> int:
    settings = write_hub_files(folder, url="http://127.0.0.1:1", database_url=database_url, redis_url="")
    return await asyncio.to_thread(main, ["canary", *arguments, "--settings", str(settings)])


async def readiness(hub: RunningHub) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{hub.url}/readyz") as answer:
        return answer.status, await answer.json()


async def test_a_refused_canary_is_proof_that_operators_see(
    hub: RunningHub,
    parties: list[HubParticipant],
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, raad, canary, _ = parties
    answer = await unlawful(canary, raad)
    assert (answer.status, answer.json["code"]) == (400, "sender.decision.denied")
    await hub.web.services.worlds.refresh()
    assert (await readiness(hub))[1]["enforcement"] == "proved"
    page = hub.web.metrics.page()[0].decode()
    assert 'ketenhub_canaries_refused_total{reason="sender-role-not-in-ground"} 1.0' in page
    assert "ketenhub_enforcement_stopped 0.0" in page
    assert "ketenhub_canaries 1.0" in page
    assert await command(tmp_path, database_url, "status") == 0
    said = capsys.readouterr().out
    assert "proved: canaries are refused" in said
    assert f"canary {CANARY.value}" in said
    assert "refused for sender-role-not-in-ground: 1 times" in said


async def test_where_no_canary_is_admitted_that_is_said(
    hub: RunningHub, tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, ready = await readiness(hub)
    assert (status, ready["enforcement"]) == (200, "no canary")
    assert await command(tmp_path, database_url, "status") == 0
    assert "no canary is admitted" in capsys.readouterr().out
    assert await command(tmp_path, database_url, "resume", "--reason", "x") == 1
    assert "the hub is not stopped" in capsys.readouterr().err


async def test_an_accepted_canary_stops_every_process_also_after_a_restart_until_the_operator_resumes(
    hub: RunningHub,
    parties: list[HubParticipant],
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gemeente, raad, canary, supervisor = parties
    gemeente.proof_url = raad.proof_url = hub.url
    waiting = await gemeente.compose(raad)
    assert (await gemeente.submit(waiting)).status == 202
    await unlawful(canary, raad)

    passed = await stop(canary, raad)

    later = await gemeente.compose(raad)
    async with running_hub(tmp_path, database_url=database_url, issuer=hub.url) as restarted:
        for url in (hub.url, restarted.url):
            gemeente.url = raad.url = url
            answer = await gemeente.submit(later)
            assert (answer.status, answer.json["code"]) == (503, "hub.enforcement.stopped"), answer.body
            assert answer.json["retryable"]
            body = raad.release_request([waiting.message.id]).encode()
            answer = await raad.call("POST", "/v1/releases", body=body, content_type="application/jose")
            assert (answer.status, answer.json["code"]) == (503, "hub.enforcement.stopped"), answer.body
        status, ready = await readiness(restarted)
        assert (status, ready["status"], ready["enforcement"]) == (200, "ready", "stopped")
        assert "ketenhub_enforcement_stopped 1.0" in restarted.web.metrics.page()[0].decode()
        gemeente.url = raad.url = hub.url

        # Nothing of the canary's message is anywhere.
        assert await hub.web.services.store.message(passed.message.id) is None
        assert [each["id"] for each in (await raad.get("/v1/inbox")).json["items"]] == [waiting.message.id.value]
        assert (await kinds(hub))[-3:] == [EntryKind.SUBMISSION, EntryKind.REFUSAL, EntryKind.STOP]
        (notice,) = (await supervisor.get("/v1/notices")).json["items"]
        assert notice["kind"] == "enforcement-stopped"

        # The operator resumes: not before canaries are refused again, and with a reason that is kept.
        assert await command(tmp_path, database_url, "status") == 1
        assert "STOPPED" in capsys.readouterr().out
        assert await command(tmp_path, database_url, "resume", "--reason", "de catalogus is hersteld") == 1
        assert "since the stop no canary was refused for: " in capsys.readouterr().err
        assert (await unlawful(canary, raad)).status == 400
        assert await command(tmp_path, database_url, "resume", "--reason", "de catalogus is hersteld") == 1
        assert "for VTO (verzoek-tot-onderzoek) passed and was not refused since" in capsys.readouterr().err
        # What passed here is lawful: no hub that decides rightly ever refuses it.
        assert await command(tmp_path, database_url, "resume", "--unproved", "--reason", "de sleutel lekte") == 0
        assert await command(tmp_path, database_url, "status") == 0
        assert "de sleutel lekte" in capsys.readouterr().out

        for process in (hub, restarted):
            await process.web.services.worlds.refresh()
        assert (await gemeente.submit(later)).status == 202
        assert len((await raad.release(waiting.message.id, later.message.id)).releases) == 2
        public = await gemeente.get("/log/entries", "?kind=STOP&kind=RESUMPTION")
        found = [parse_entry(each["entry"].encode()).kind for each in public.json["entries"]]
        assert found == [EntryKind.STOP, EntryKind.RESUMPTION]


async def test_an_operator_may_resume_without_proof_and_that_is_recorded(
    hub: RunningHub,
    parties: list[HubParticipant],
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, raad, canary, _ = parties
    await stop(canary, raad)
    assert await command(tmp_path, database_url, "resume", "--reason", "  ", "--unproved") == 1
    assert await command(tmp_path, database_url, "resume", "--reason", "de sleutel lekte", "--unproved") == 0
    capsys.readouterr()
    await command(tmp_path, database_url, "status", "--json")
    (stopped,) = json.loads(capsys.readouterr().out)["stops"]
    record = json.loads(stopped["record"])
    assert (record["proved"], record["reason"], record["stop"]) == (False, "de sleutel lekte", stopped["index"])
    assert (await kinds(hub))[-2:] == [EntryKind.STOP, EntryKind.RESUMPTION]
