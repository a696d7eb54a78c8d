"""A catalogue comes into force by its board over HTTP, at two processes on one real database."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from psycopg import sql

from audit.entries import parse_entry
from audit.note import parse_vkey, verify_note
from audit.proof_file import parse_proof_file
from audit.records import token_digest
from consent.grounds import packaged_catalogue
from deploy.local.postgresql import PostgreSQLServer
from hub.cli.main import main
from hub.web.catalogues import STEP_BYTES_MAX
from schemas.board import Step
from schemas.codes import Role
from schemas.definitions import load_definitions
from tests.support.board import SECOND, THIRD
from tests.support.exchange_hub import without
from tests.support.hub_board import ActingBoard, Signed
from tests.support.hub_server import (
    CLOCK,
    Answer,
    HubParticipant,
    RunningHub,
    participants_of,
    running_hub,
    write_hub_files,
)
from tests.support.parties import GEMEENTE, RAAD, REGISTRAR, seeded_key

pytestmark = pytest.mark.database

ACTING = ActingBoard(registrar=REGISTRAR, at=CLOCK.now, definitions=load_definitions().digest)
_JSON = {"Content-Type": "application/json"}
PACKAGED = packaged_catalogue()


@pytest.fixture
async def hubs(tmp_path: Path, database_url: str) -> AsyncIterator[tuple[RunningHub, RunningHub]]:
    async with (
        running_hub(tmp_path, database_url=database_url) as one,
        running_hub(tmp_path, database_url=database_url, issuer=one.url) as other,
    ):
        yield one, other


@pytest.fixture
async def parties(hubs: tuple[RunningHub, RunningHub]) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hubs[0], (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as made:
        yield made


async def _post(hub: RunningHub, path: str, **body: object) -> Answer:
    async with (
        aiohttp.ClientSession() as session,
        session.post(hub.url + path, data=io.BytesIO(json.dumps(body).encode()), headers=_JSON) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.read())


async def _get(hub: RunningHub, path: str) -> Answer:
    async with aiohttp.ClientSession() as session, session.get(hub.url + path) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def _step(hub: RunningHub, signed: Signed) -> Answer:
    return await _post(hub, "/v1/catalogue-steps", step=signed.token, document=signed.document)


async def test_a_catalogue_comes_into_force_with_its_last_step_at_both_processes(
    hubs: tuple[RunningHub, RunningHub], parties: list[HubParticipant]
) -> None:
    """Each step goes to the other process; nothing is started anew, and everything is proven."""
    one, other = hubs
    gemeente, raad = parties
    waiting = await gemeente.compose(raad)
    assert (await gemeente.submit(waiting)).status == 202
    changed = without("VTO")
    *steps, last = ACTING.round(changed, replaces=PACKAGED.digest)
    for number, step in enumerate(steps):
        answer = await _step(hubs[number % 2], step)
        assert (answer.status, answer.json["enacted"]) == (201, None), answer.body
        assert answer.json["standing"]["obstacles"]
    done = await _step(other, last)
    assert (done.status, done.json["standing"]["obstacles"]) == (201, [])
    assert parse_entry(done.json["enacted"]["entry"].encode()).catalogue == changed.digest
    refused = await gemeente.submit(await gemeente.compose(raad))
    assert (refused.status, refused.json["code"]) == (400, "sender.decision.denied")
    (denied,) = (await raad.release(waiting.message.id)).refused
    assert denied.problem["code"] == "recipient.decision.denied"
    for hub in hubs:
        found = (await _get(hub, "/v1/catalogues")).json
        assert found["in_force"]["digest"] == changed.digest
        assert found["in_force"]["proposal"] == steps[0].step.id.value
        _first, proposal = found["proposals"]
        assert [each["step"] for each in proposal["steps"]] == [each.token for each in (*steps, last)]
        assert [each["code"] for each in proposal["standing"]["obstacles"]] == ["in-force"]
        for each in (*found["boards"], *proposal["steps"], *found["enacted"]):
            _check_proof(hub, each)
        text = await _get(hub, f"/v1/catalogues/{changed.digest}")
        assert (text.body, text.headers["Content-Type"]) == (changed.data, "text/plain; charset=utf-8")
    assert (await _get(one, f"/v1/catalogues/{'x' * 42}A")).status == 404


def _check_proof(hub: RunningHub, proven: dict[str, Any]) -> None:
    """Check an entry's proof as an outsider does, with the log's vkey alone."""
    found = parse_proof_file(proven["tlog_proof"].encode())
    found.verify_entry(proven["entry"].encode())
    verify_note(found.note, [parse_vkey(hub.web.log_identity.vkey)])
    assert found.index == proven["index"]


async def test_what_is_listed_is_proved_once_and_never_old(
    hubs: tuple[RunningHub, RunningHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks again and again gets what was made, until something is new; at the other process too."""
    asked: list[int] = []
    for hub in hubs:
        log, prove = hub.web.services.log, hub.web.services.log.proof

        async def counting(index: int, *, entry: str, prove: Any = prove) -> str:
            asked.append(index)
            proof: str = await prove(index, entry=entry)
            return proof

        monkeypatch.setattr(type(log), "proof", staticmethod(counting))
        first = await _get(hub, "/v1/catalogues")
        made = len(asked)
        assert made > 0
        assert (await _get(hub, "/v1/catalogues")).body == first.body
        assert len(asked) == made
        monkeypatch.undo()
    proposed, *_ = ACTING.round(without("VTO"), replaces=PACKAGED.digest)
    assert (await _step(hubs[0], proposed)).status == 201
    for hub in hubs:
        assert (await _get(hub, "/v1/catalogues")).json["proposals"][-1]["proposal"] == proposed.step.id.value


@pytest.mark.parametrize("digest", ["%00", "%C3%A9", "x" * 5000, ".."])
async def test_what_is_no_digest_names_no_text(hubs: tuple[RunningHub, RunningHub], digest: str) -> None:
    assert (await _get(hubs[0], f"/v1/catalogues/{digest}")).status == 404


async def test_the_last_step_sent_to_both_processes_at_once_is_one_entry_and_one_coming_into_force(
    hubs: tuple[RunningHub, RunningHub],
) -> None:
    *steps, last = ACTING.round(without("VTO"), replaces=PACKAGED.digest)
    for step in steps:
        assert (await _step(hubs[0], step)).status == 201
    answers = await asyncio.gather(*(_step(hub, last) for hub in hubs for _ in range(4)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["entry"] for answer in answers}) == 1
    assert len((await _get(hubs[1], "/v1/catalogues")).json["enacted"]) == 2
    assert {answer.json["enacted"]["index"] for answer in answers if answer.json["enacted"]} != set()


async def test_a_hub_that_is_started_anew_in_between_goes_on_where_it_was(tmp_path: Path, database_url: str) -> None:
    changed = without("VTO")
    *steps, last = ACTING.round(changed, replaces=PACKAGED.digest)
    async with running_hub(tmp_path, database_url=database_url) as hub:
        for step in steps:
            assert (await _step(hub, step)).status == 201
    async with running_hub(tmp_path, database_url=database_url) as hub:
        assert (await _step(hub, last)).status == 201
    async with running_hub(tmp_path, database_url=database_url) as hub:
        # Nothing that it is started with takes the board's decision back.
        assert (await _get(hub, "/v1/grounds")).json["digest"] == changed.digest


async def test_before_the_first_catalogue_organisations_join_and_nothing_else_is_done(
    tmp_path: Path, database_url: str
) -> None:
    stranger = seeded_key("board/stranger")
    async with (
        running_hub(tmp_path, database_url=database_url, catalogue=None) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        ready = await _get(hub, "/readyz")
        assert (ready.status, ready.json["policy"]) == (503, "no catalogue")
        assert (await _get(hub, "/.well-known/ketenhub")).json["catalogue"] is None
        found = (await _get(hub, "/v1/catalogues")).json
        assert (found["in_force"], found["board"], found["enacted"]) == (None, None, [])
        composed = await gemeente.compose(raad)
        search = await raad.call("POST", "/v1/consents/search", json={"tags": ["0." + "A" * 22]})
        for answer in (await gemeente.submit(composed), search, await _get(hub, "/v1/grounds")):
            assert (answer.status, answer.json["code"]) == (503, "hub.catalogue.none")
        proposed, *others = ACTING.round(PACKAGED, replaces=None)
        answer = await _step(hub, proposed)
        assert (answer.status, answer.json["code"]) == (409, "sender.catalogue-step.no-board")
        answer = await _post(hub, "/v1/boards", board=ACTING.board(by=stranger))
        assert (answer.status, answer.json["code"]) == (403, "sender.token.kid")
        assert (await _post(hub, "/v1/boards", board=ACTING.board())).status == 201
        for step in (proposed, *others):
            assert (await _step(hub, step)).status == 201
        assert (await _get(hub, "/readyz")).status == 200
        assert (await gemeente.submit(composed)).status == 202


def copied(server: PostgreSQLServer, url: str) -> str:
    """Copy a database that nobody uses, and return the URL of the copy."""
    name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(f"{name}_copy"), sql.Identifier(name)))
    return server.url(f"{name}_copy")


async def test_a_log_that_is_refilled_has_its_board_its_steps_and_its_catalogue_again(
    tmp_path: Path, database_url: str, postgresql_server: PostgreSQLServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """From what anybody may read of a hub, and the catalogue that each connector has as a file."""
    changed, holdings = without("VTO"), tmp_path / "holdings"
    holdings.mkdir()
    async with running_hub(tmp_path, database_url=database_url):
        pass
    backup = copied(postgresql_server, database_url)
    async with running_hub(tmp_path, database_url=database_url) as hub:
        for step in ACTING.round(changed, replaces=PACKAGED.digest):
            assert (await _step(hub, step)).status == 201
        before = (await _get(hub, "/v1/catalogues")).json
    # Of the answer only the proofs; what was signed is in a dossier, a file for each step.
    newest = before["proposals"].pop()
    unsigned = [{name: each[name] for name in ("entry", "tlog_proof")} for each in newest["steps"]]
    (holdings / "catalogues.json").write_text(json.dumps([before, unsigned]))
    for number, each in enumerate(newest["steps"]):
        (holdings / f"{number}.jwt").write_text(each["step"] + "\n")
    before["proposals"].append(newest)
    settings = write_hub_files(tmp_path, url="http://127.0.0.1:9", database_url=backup, redis_url="")
    command = ["log", "recover", str(holdings), "--settings", str(settings)]
    assert await asyncio.to_thread(main, command) == 3
    assert changed.digest in capsys.readouterr().err
    (holdings / "catalogue.toml").write_bytes(changed.data)
    assert await asyncio.to_thread(main, command) == 0
    async with running_hub(tmp_path, database_url=backup) as hub:
        after = (await _get(hub, "/v1/catalogues")).json
        assert (after["in_force"], after["board"]) == (before["in_force"], before["board"])
        assert [each["standing"] for each in after["proposals"]] == [each["standing"] for each in before["proposals"]]
        assert (await _get(hub, "/v1/grounds")).json["digest"] == changed.digest


async def test_what_nobody_of_the_board_signed_is_refused(hubs: tuple[RunningHub, RunningHub]) -> None:
    hub, stranger = hubs[0], seeded_key("board/stranger")
    enactment = ACTING.enactment(without("VTO"), replaces=PACKAGED.digest)
    proposed, unsent = (ACTING.propose(without("VTO"), enactment) for _ in range(2))
    assert (await _step(hub, proposed)).status == 201
    for step, code in (
        (ACTING.take(Step.PROVE, stranger, proposed), "sender.catalogue-step.signer"),
        (ACTING.take(Step.PROVE, SECOND, unsent), "sender.catalogue-step.proposal"),
        (ACTING.take(Step.APPROVE, THIRD, proposed), "sender.catalogue-step.refused"),
    ):
        answer = await _step(hub, step)
        assert answer.json["code"] == code


async def test_an_operator_sees_what_is_in_force_and_what_stands_in_the_way(
    hubs: tuple[RunningHub, RunningHub], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    hub, changed = hubs[0], without("VTO")
    proposed = ACTING.propose(changed, ACTING.enactment(changed, replaces=PACKAGED.digest))
    assert (await _step(hub, proposed)).status == 201
    settings = str(tmp_path / f"hub-{hub.url.rpartition(':')[2]}.toml")
    assert await asyncio.to_thread(main, ["catalogue", "status", "--settings", settings]) == 0
    said = capfdbinary.readouterr().out.decode()
    assert f"in force: 2026-1 ({PACKAGED.digest})" in said
    assert "The proof over all possible questions is missing." in said
    assert await asyncio.to_thread(main, ["catalogue", "status", "--json", "--settings", settings]) == 0
    shown = json.loads(capfdbinary.readouterr().out)
    assert (shown["in_force"]["digest"], shown["boards"]) == (PACKAGED.digest, 1)
    assert "not-proved" in shown["proposals"][-1]["obstacles"]
    assert await asyncio.to_thread(main, ["catalogue", "text", changed.digest, "--settings", settings]) == 0
    assert capfdbinary.readouterr().out == changed.data
    assert await asyncio.to_thread(main, ["catalogue", "text", "x" * 42 + "A", "--settings", settings]) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"step": 1}, 400),
        ({"step": "a.b.c"}, 400),
        ({"step": "x" * STEP_BYTES_MAX}, 401),
        ({"step": "e30.e30.e30", "document": {}}, 400),
        ({"step": "e30.e30.e30", "more": ""}, 400),
    ],
    ids=["empty", "number", "garbage", "huge", "object", "unknown member"],
)
async def test_garbage_is_refused_and_leaves_nothing_behind(
    hubs: tuple[RunningHub, RunningHub], body: dict[str, object], status: int
) -> None:
    hub = hubs[0]
    size = await hub.web.services.log.size()
    answer = await _post(hub, "/v1/catalogue-steps", **body)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert await hub.web.services.log.size() == size


async def test_a_report_beyond_the_usual_size_of_a_body_needs_no_token(hubs: tuple[RunningHub, RunningHub]) -> None:
    """Who is on the board is no participant, and the comparison of two catalogues is long."""
    hub, changed = hubs[0], without("VTO")
    proposed = ACTING.propose(changed, ACTING.enactment(changed, replaces=PACKAGED.digest))
    assert (await _step(hub, proposed)).status == 201
    report = '{"report":"' + "x" * 900_000 + '"}'
    assert len(report) > hub.settings.web.body_bytes_max_unauthenticated
    proved = ACTING.take(Step.PROVE, SECOND, proposed, document=report)
    answer = await _step(hub, proved)
    assert answer.status == 201
    assert parse_entry(answer.json["entry"].encode()).request == token_digest(proved.token)
    assert (await _get(hub, f"/v1/catalogues/{proved.step.result}")).body == report.encode()
