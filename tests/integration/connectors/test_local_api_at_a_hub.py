"""The API for systems of three organisations at a real hub: what a system does without a person or a folder."""

import asyncio
import base64
import hashlib
import json
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.api.calls import FHIR_JSON, XML
from connectors.api.token import read_token
from connectors.cli.opening import opened
from connectors.formats.fhir import FhirFormat
from connectors.formats.stuf.examples import vto_example
from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import Capacity
from schemas.document import Address
from tests.support.example_messages import example_document
from tests.support.fhir_consents import consent
from tests.support.hub_server import running_hub
from tests.support.law_records import consent_record
from tests.support.local_api import LocalApi, local_api
from tests.support.offices import Chain, Office
from tests.support.parties import GEMEENTE, GI

pytestmark = pytest.mark.database

COMMAND = Path(sys.executable).with_name("ketenhub-connector")
TODAY = civil_day_of_second(int(SystemClock().now().timestamp()))  # not that of UTC
TERM = (TODAY + timedelta(days=20)).isoformat()
UNTIL = (TODAY + timedelta(days=300)).isoformat()
PERSON = {"bsn": "999911120", "born": f"{TODAY.year - 8}-03-02"}


@pytest.fixture
async def chain(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Chain]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as hub:
        yield await Chain.opened(hub, tmp_path)


@pytest.fixture
async def measured(chain: Chain) -> Chain:
    """A measure runs over the child, so that the GI may ask and must be answered."""
    person = chain.gi.file("kind.json", json.dumps(PERSON))
    stated: list[str | Path] = [
        "measure",
        "state",
        "--person",
        person,
        "--type",
        "ots",
        "--from",
        TODAY.isoformat(),
        "--until",
        UNTIL,
    ]
    more = ["--court", "RBMNE", "--decided", TODAY.isoformat(), "--case-number", "C/16/000000"]
    await chain.gi.told(*stated, *more)
    return chain


@asynccontextmanager
async def served(*offices: Office) -> AsyncIterator[tuple[LocalApi, ...]]:
    """Serve the API of some organisations, as beside their agents."""
    async with AsyncExitStack() as stack:
        found = []
        for office in offices:
            services = await stack.enter_async_context(opened(office.home))
            found.append(await stack.enter_async_context(local_api(services)))
        yield tuple(found)


def ask(**change: Any) -> dict[str, Any]:
    return {
        "to": GEMEENTE.value,
        "person": PERSON,
        "categories": ["hulpverlening", "zorgen"],
        "question": "Welke hulp is er verleend?",
        "term": TERM,
        "purpose": "GI-OTS-VRAAG",
        "capacity": "ots",
        **change,
    }


def form(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


async def asked(chain: Chain, gi: LocalApi) -> str:
    """Ask by the API and let the question arrive; returns its id."""
    said = await gi.post("/v1/questions", ask())
    assert said.status == 202
    await chain.gi.round()
    followed = (await gi.get(said.headers["Location"])).json
    assert (followed["state"], followed["problem"]) == ("accepted", None)
    await chain.gemeente.round()
    return str(followed["recipients"][0]["message"])


async def test_a_system_asks_another_answers_and_the_answer_is_fetched(measured: Chain) -> None:
    chain = measured
    async with served(chain.gi, chain.gemeente) as (gi, gemeente):
        question = await asked(chain, gi)
        (waiting,) = (await gemeente.get("/v1/questions")).json["questions"]
        assert (waiting["message"], waiting["direction"], waiting["term"]) == (question, "received", TERM)
        assert (waiting["must_answer"], waiting["state"], waiting["overdue"]) == (True, "waiting", False)
        waiting_at_gi = (await gi.get(f"/v1/questions/{question}")).json
        (came,) = (await gemeente.get("/v1/received")).json["received"]
        assert (came["message"], came["asks"], came["parts"]) == (question, True, ["evidence", "fhir"])

        document = replace(
            example_document("informatieantwoord"), sender=Address(organisation=GEMEENTE.value), reply_to=None
        )
        written = FhirFormat().write(document, withheld=(), at=SystemClock().now()).data
        said = await gemeente.post(f"/v1/questions/{question}/answer", written)
        assert said.status == 202
        await chain.gemeente.round()
        sent = (await gemeente.get(said.headers["Location"])).json
        assert sent["state"] == "accepted"
        await chain.gi.round()

        answered = (await gi.get(f"/v1/questions/{question}")).json
        assert (answered["state"], waiting_at_gi["state"]) == ("answered", "waiting")
        assert answered["answers"] == [sent["recipients"][0]["message"]]
        (answer,) = (await gi.get("/v1/received")).json["received"]
        assert (answer["message"], answer["reply_to"]) == (answered["answers"][0], question)
        place = f"/v1/received/{answer['message']}"
        bundle = await gi.get(f"{place}/fhir")
        assert bundle.headers["Content-Type"] == FHIR_JSON
        assert bundle.json["resourceType"] == "Bundle"
        assert (await gi.get(f"{place}/evidence")).json["sd_jwt"]
        assert (await gi.get(f"{place}/native")).json["code"] == "recipient.message.taken"

        # What its system has, it takes away; to ask again is no fault.
        for _ in range(2):
            assert (await gi.call("DELETE", place)).status == 204
        assert (await gi.get("/v1/received")).json["received"] == []
        assert (await gi.get(f"{place}/fhir")).status == 410
        assert (await gi.get(place)).json["state"] == "received"

        # A repeat of the answer gets the first one; another comes too late.
        again = await gemeente.post(f"/v1/questions/{question}/answer", written)
        assert again.json["number"] == sent["number"]
        late = await gemeente.post(f"/v1/questions/{question}/refusal", {"reason": "niet-bekend"})
        assert (late.status, late.json["code"]) == (409, "sender.question.answered")


async def test_a_system_refuses_with_a_reason_that_the_law_knows(measured: Chain) -> None:
    chain = measured
    async with served(chain.gi, chain.gemeente) as (gi, gemeente):
        question = await asked(chain, gi)
        place = f"/v1/questions/{question}/refusal"
        said = await gemeente.post(place, {"reason": "geen-zin"})
        assert (said.status, said.json["code"]) == (400, "sender.answer.reason")
        assert "niet-bekend" in said.json["detail_nl"]

        # That the answer follows is none: the question goes on waiting.
        later = await gemeente.post(place, {"reason": "volgt-later"})
        await chain.gemeente.round()
        assert (await gemeente.get(later.headers["Location"])).json["state"] == "accepted"
        waiting = (await gemeente.get(f"/v1/questions/{question}")).json
        assert (waiting["state"], len(waiting["answers"])) == ("waiting", 1)

        # One must answer: a reason that a *may* ground would carry is refused when it is composed.
        may = await gemeente.post(place, {"reason": "beroepsgeheim"})
        await chain.gemeente.round()
        refused = (await gemeente.get(may.headers["Location"])).json
        assert (refused["state"], refused["problem"]["must_act"]) == ("refused", "sender")

        # Its system took the question away: then it says whom it is about.
        assert (await gemeente.call("DELETE", f"/v1/received/{question}")).status == 204
        nobody = await gemeente.post(place, {"reason": "niet-bekend"})
        assert nobody.json["issues"][0]["pointer"] == "/person"
        done = await gemeente.post(place, {"reason": "niet-bekend", "person": PERSON})
        assert done.status == 202
        await chain.gemeente.round()
        await chain.gi.round()
        assert (await gemeente.get("/v1/questions")).json["questions"] == []
        assert (await gi.get(f"/v1/questions/{question}")).json["state"] == "answered"


async def test_a_consent_is_given_confirmed_shown_and_withdrawn(chain: Chain) -> None:
    given = consent(consent_record(valid_from=TODAY, valid_until=TODAY + timedelta(days=300), form=form("formulier")))
    async with served(chain.gemeente, chain.gi, chain.raad) as (gemeente, gi, raad):
        said = await gemeente.post("/v1/consents", given)
        assert (said.status, [each["state"] for each in said.json["records"]]) == (201, ["recorded"])
        assert (await gemeente.post("/v1/consents", given)).json == said.json
        record = said.json["records"][0]["id"]

        note = {"person": PERSON, "form": form("notitie")}
        confirmed = await gi.post(f"/v1/consents/{record}/confirmation", note)
        assert confirmed.status == 201
        mine = confirmed.json["records"][0]["id"]
        assert (await raad.post(f"/v1/consents/{mine[:-1]}z/confirmation", note)).status == 404

        # It can be taken back at either; who did not record it cannot.
        assert (await raad.post(f"/v1/consents/{record}/withdrawal", {"form": form("x")})).status == 404
        withdrawn = await gi.post(f"/v1/consents/{mine}/withdrawal", {"form": form("intrekking")})
        assert withdrawn.status == 201
        shown = (await raad.post("/v1/consents/search", {"person": PERSON})).json["records"]
        assert [(each["issuer"], each["status"]) for each in shown] == [
            (GEMEENTE.value, "given"),
            (GI.value, "given"),
            (GI.value, "withdrawn"),
        ]
        own = (await gemeente.get("/v1/consents")).json["records"]
        assert [each["id"] for each in own] == [record]


async def test_a_consent_that_could_never_count_is_refused_with_every_finding(chain: Chain) -> None:
    """Said before it is signed, in both languages; nothing is recorded."""
    async with served(chain.gemeente) as (gemeente,):
        never = consent(consent_record(valid_from=TODAY, valid_until=TODAY, purposes=frozenset({"RVDK-VTO"})))
        said = await gemeente.post("/v1/consents", never)
        assert (said.status, said.json["code"]) == (400, "sender.consent.refused")
        assert "op grond van" in said.json["detail_nl"]
        assert (await gemeente.get("/v1/consents")).json["records"] == []


async def test_a_native_message_goes_and_is_received_in_its_own_format(chain: Chain) -> None:
    async with served(chain.gemeente, chain.raad) as (gemeente, raad):
        said = await gemeente.post("/v1/outgoing", vto_example(), media=XML, key="zaak-1")
        assert said.status == 202
        await chain.gemeente.round()
        await chain.raad.round()
        await chain.gemeente.round()
        sent = (await gemeente.get(said.headers["Location"])).json
        (recipient,) = sent["recipients"]
        assert (recipient["state"], sent["answers"]) == ("received", ["read", "accepted"])
        assert recipient["receipt"]
        answer = await gemeente.get(f"{said.headers['Location']}/answers/accepted")
        assert (answer.headers["Content-Type"], b"Bv01" in answer.body) == (XML, True)
        (came,) = (await raad.get("/v1/received")).json["received"]
        native = await raad.get(f"/v1/received/{came['message']}/native")
        assert (native.headers["Content-Type"], b"vtoDi01" in native.body) == (XML, True)
        page = (await gemeente.get(f"/v1/outgoing?after={sent['number'] - 1}")).json
        assert ([each["number"] for each in page["outgoing"]], page["next"]) == ([sent["number"]], sent["number"])
        assert (await gemeente.get(f"/v1/outgoing?after={page['next']}")).json["outgoing"] == []


async def test_what_nobody_picked_up_is_taken_back_and_what_was_is_not(chain: Chain) -> None:
    async with served(chain.gemeente) as (gemeente,):
        first = await chain.gemeente.send(vto_example())
        place = f"/v1/messages/{first.value}/recall"
        assert (await gemeente.post(place, {"reason": "zomaar"})).status == 400
        assert (await gemeente.post(place, {"reason": "dubbel"})).status == 201
        other = vto_example().replace(b"VTO-2026-0001", b"VTO-2026-0002")
        second = await chain.gemeente.send(other, "tweede")
        await chain.raad.round()
        late = await gemeente.post(f"/v1/messages/{second.value}/recall", {"reason": "dubbel"})
        assert (late.status, late.json["code"]) == (409, "sender.recall.released")
        stranger = await gemeente.post(f"/v1/messages/{first.value[:-4]}0000/recall", {"reason": "dubbel"})
        assert stranger.status == 404


async def test_what_was_wrong_is_corrected_at_everybody_who_has_it(measured: Chain) -> None:
    """Once for a request; what nobody picked up is to be taken back; each correction is followed as any message is."""
    chain = measured
    told = replace(
        example_document("casusinformatie"),
        sender=Address(organisation=GEMEENTE.value),
        receiver=Address(organisation=GI.value),
        purpose="GI-OTS-SPONT",
        receiver_capacity=Capacity.OTS,
    )
    async with served(chain.gemeente, chain.gi) as (gemeente, gi):
        message = (await chain.gemeente.send(told)).value
        place = f"/v1/messages/{message}/correction"
        wrong = {"items": ["leefgebied/l1/finding"], "reason": "onjuist", "person": PERSON}
        early = await gemeente.post(place, wrong)
        assert [(each["recall"], each["outgoing"]) for each in early.json["corrections"]] == [(True, None)]
        await chain.gi.round()

        said = await gemeente.post(place, {**wrong, "requested_by": "betrokkene", "reaction": "Zo was het niet."})
        (made,) = said.json["corrections"]
        assert (said.status, made["recipient"], made["labels"]) == (202, GI.value, ["leefgebied/l1/finding"])
        again = await gemeente.post(place, {**wrong, "requested_by": "betrokkene", "reaction": "Zo was het niet."})
        assert again.json["corrections"] == [made]
        await chain.gemeente.round()
        await chain.gi.round()
        await chain.gemeente.round()
        sent = (await gemeente.get(f"/v1/outgoing/{made['outgoing']}")).json
        assert [(each["type"], each["state"]) for each in sent["recipients"]] == [("correctie", "received")]
        (came,) = [each for each in (await gi.get("/v1/received")).json["received"] if each["type"] == "correctie"]
        assert b"Zo was het niet." in (await gi.get(f"/v1/received/{came['message']}/fhir")).body

        for change, code in (
            ({"items": ["leefgebied/l9"]}, "sender.correction.nothing"),
            ({"reason": "zomaar"}, "sender.correction.reason"),
            ({"items": ["../keys"]}, "sender.request.body"),
            ({"right": {"resourceType": "Bundle"}}, "sender.fhir"),
        ):
            refused = await gemeente.post(place, {**wrong, **change})
            assert (refused.status, refused.json["code"].startswith(code)) == (400, True), change
        stranger = await gi.post(place, wrong)
        assert (stranger.status, stranger.json["code"]) == (404, "sender.correction.unknown")


async def test_a_question_that_was_taken_back_has_ended(measured: Chain) -> None:
    async with served(measured.gi) as (gi,):
        said = await gi.post("/v1/questions", ask())
        await measured.gi.round()
        (sent,) = (await gi.get(said.headers["Location"])).json["recipients"]
        assert (await gi.post(f"/v1/messages/{sent['message']}/recall", {"reason": "dubbel"})).status == 201
        await measured.gi.round()
        assert (await gi.get(f"/v1/questions/{sent['message']}")).json["state"] == "ended"
        assert (await gi.get("/v1/questions")).json["questions"] == []
        assert (await gi.post(f"/v1/questions/{sent['message']}/refusal", {"reason": "niet-bekend"})).status == 404
        # Asked again in the same words it is another one.
        assert (await gi.post("/v1/questions", ask())).json["number"] != said.json["number"]


async def test_what_was_handed_in_before_a_crash_goes_after_it(chain: Chain) -> None:
    """A 202 is a promise: the connector ends before it did anything with it, and the next one sends it, once."""
    async with served(chain.gemeente) as (gemeente,):
        said = await gemeente.post("/v1/outgoing", vto_example(), media=XML)
    await chain.gemeente.round()
    await chain.raad.round()
    async with served(chain.gemeente, chain.raad) as (gemeente, raad):
        assert (await gemeente.post("/v1/outgoing", vto_example(), media=XML)).json["number"] == said.json["number"]
        assert (await gemeente.get(said.headers["Location"])).json["state"] == "accepted"
        assert len((await raad.get("/v1/received")).json["received"]) == 1


async def test_a_202_survives_that_the_service_is_killed(measured: Chain) -> None:
    """At once after the answer, before its agent looks again; the next service sends what was promised."""
    gi = measured.gi
    api_of = await _api_settings(gi, "poll_seconds = 3600.0")
    service = await _started(gi)
    async with aiohttp.ClientSession() as session:
        api = api_of(session)
        said = await _once(api, service)
        service.kill()
        await service.wait()
        assert (said.status, said.json["state"]) == (202, "taken")
        service = await _started(gi)
        try:
            again = await _once(api, service)
            assert again.json["number"] == said.json["number"]
            assert await _accepted(api, said.headers["Location"])
        finally:
            service.terminate()
            await service.wait()
    await measured.gemeente.round()
    assert len(list((measured.gemeente.home / "questions").glob("*.json"))) == 1


async def test_the_service_serves_beside_its_agent_and_stops_with_it(
    measured: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `run` does: a question goes by the running connector, `doctor` says that the API answers, and stop is stop."""
    gi = measured.gi
    with socket.create_server(("127.0.0.1", 0)) as taken:
        api_of = await _api_settings(gi, port=taken.getsockname()[1])
        assert await gi.command("doctor") == 1
        assert "De API kan niet luisteren op 127.0.0.1:" in capsys.readouterr().out
    token = read_token(gi.home / "keys")
    assert token not in capsys.readouterr().out
    service = await _started(gi)
    try:
        async with aiohttp.ClientSession() as session:
            api = api_of(session)
            said = await _once(api, service)
            assert said.status == 202
            assert await _accepted(api, said.headers["Location"])
            await gi.command("doctor")
            assert "De API voor systemen antwoordt op 127.0.0.1:" in capsys.readouterr().out
    finally:
        service.terminate()
        code = await service.wait()
    assert code == 0
    with socket.create_server(("127.0.0.1", int(api.url.rpartition(":")[2]))):
        pass  # it is free again


async def _api_settings(
    office: Office, more: str = "", *, port: int | None = None
) -> Callable[[aiohttp.ClientSession], LocalApi]:
    """Turn the API on, and make its token; returns what makes a system that has it."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    settings = office.home / "connector.toml"
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("poll_seconds")]
    settings.write_text("\n".join([more, *lines, "[api]", f'listen = "127.0.0.1:{port}"', ""]), encoding="utf-8")
    assert await office.command("api", "token") == 0
    url, token = f"http://127.0.0.1:{port}", read_token(office.home / "keys")
    return lambda session: LocalApi(url=url, token=token, session=session)


async def _started(office: Office) -> Process:
    """Start the service as a service manager does."""
    words = ("run", "--home", office.home)
    return await asyncio.create_subprocess_exec(COMMAND, *words, stdout=DEVNULL, stderr=DEVNULL)


async def _accepted(api: LocalApi, place: str) -> bool:
    """Follow what was handed in until it is at its end; returns whether the hub took it."""
    while True:
        state = (await api.get(place)).json["state"]
        if state not in ("taken", "prepared"):
            return bool(state == "accepted")
        await asyncio.sleep(0.05)


async def _once(api: LocalApi, service: Process) -> Any:
    """Ask as soon as the service listens."""
    while True:
        assert service.returncode is None, "the service ended"
        try:
            return await api.post("/v1/questions", ask())
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
