"""The API for systems at its rim: who may call it from where, and what a hostile program on the same machine gets."""

import asyncio
import errno
import gzip
import json
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.agent import troubles
from connectors.agent.examining import Grade
from connectors.agent.journal import Notice, NoticeKind
from connectors.agent.lock import locked
from connectors.api import guard, server
from connectors.api.calls import JSON
from connectors.api.examining import examine_api
from connectors.api.token import TOKEN, make_token, read_token
from connectors.settings import Listening
from schemas.randomness import SystemRandomness
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, World
from tests.support.local_api import LocalApi, Said, hold, local_api
from tests.support.memory_hub import MemoryHub

TO_JSON = {"Content-Type": JSON}


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path)


@pytest.fixture
async def api(agent: Agent) -> AsyncIterator[LocalApi]:
    async with local_api(agent.services) as served:
        yield served


def files(agent: Agent) -> int:
    return len(agent.journal.rows("SELECT id FROM files"))


# ---- who calls ----


async def test_who_has_the_token_is_answered(api: LocalApi) -> None:
    assert (await api.get("/v1/status")).json["oin"] == GEMEENTE.value
    assert (await api.get("/v1/openapi.json")).json["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    "given",
    ["", "Bearer ", "Bearer wrong", "Bearer é", "Basic {token}", "Bearer {token}x", "Bearer", "{token}"],
)
async def test_without_the_token_nothing_is_told(api: LocalApi, given: str) -> None:
    """Also not whether a place is there."""
    for path in ("/v1/status", "/v1/nowhere"):
        headers = {"Authorization": given.format(token=api.token)} if given else {}
        said = await api.call("GET", path, headers=headers, token=False)
        assert (said.status, said.json["code"]) == (401, "sender.api.token")
        assert said.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_is_replaced_stops_at_once(api: LocalApi, agent: Agent) -> None:
    keys = agent.settings.keys
    make_token(keys, randomness=SystemRandomness(), renew=True)
    assert (await api.get("/v1/status")).status == 401
    again = LocalApi(url=api.url, token=read_token(keys), session=api.session)
    assert (await again.get("/v1/status")).status == 200
    (keys / TOKEN).unlink()
    assert (await again.get("/v1/status")).status == 401


async def test_an_empty_token_file_opens_nothing(api: LocalApi, agent: Agent) -> None:
    (agent.settings.keys / TOKEN).write_bytes(b"\n")
    assert (await api.call("GET", "/v1/status", headers={"Authorization": "Bearer "}, token=False)).status == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1]:{port}"]
)
async def test_a_name_that_was_made_to_lead_here_is_not_served(api: LocalApi, host: str) -> None:
    """A page of a browser can be given an address of this machine under its own name (DNS rebinding)."""
    said = await api.call("GET", "/v1/status", headers={"Host": host.format(port=api.url.rpartition(":")[2])})
    assert (said.status, said.json["code"]) == (421, "sender.api.host")


async def test_the_machine_may_be_called_localhost(api: LocalApi) -> None:
    port = api.url.rpartition(":")[2]
    assert (await api.call("GET", "/v1/status", headers={"Host": f"LocalHost:{port}"})).status == 200


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_a_page_of_a_browser_is_not_served(api: LocalApi, method: str) -> None:
    """Also not asked beforehand whether it may (CORS)."""
    said = await api.call(method, "/v1/status", headers={"Origin": "https://evil.example"})
    assert (said.status, said.json["code"]) == (403, "sender.api.origin")


# ---- what is called ----


async def test_a_place_that_is_not_there_is_said_so(api: LocalApi) -> None:
    assert (await api.get("/v1/nowhere")).json["code"] == "sender.route.unknown"
    said = await api.call("PUT", "/v1/questions", headers=TO_JSON, data=b"{}")
    assert (said.status, said.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_what_can_be_read_can_be_asked_for_without_its_body(api: LocalApi) -> None:
    whole = await api.get("/v1/openapi.json")
    async with api.session.head(f"{api.url}/v1/openapi.json", headers={"Authorization": f"Bearer {api.token}"}) as said:
        assert (said.status, said.content_length, await said.read()) == (200, len(whole.body), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/received/..%2f..%2fkeys%2fsigning.pem/fhir",
        "/v1/received/%2e%2e/fhir",
        "/v1/received/signing/fhir",
        "/v1/received/0194a7c0-0000-7000-8000-000000000000",
        "/v1/received/0194a7c0-0000-7000-8000-000000000000/fhir",
        "/v1/received/0194a7c0-0000-7000-8000-000000000000/keys",
        "/v1/outgoing/0",
        "/v1/outgoing/1e3",
        "/v1/outgoing/9999999999999999999999999",
        "/v1/outgoing/1",
        "/v1/outgoing/999999999999999",
        "/v1/outgoing/1/answers/read",
        "/v1/questions/0194a7c0-0000-7000-8000-000000000000",
    ],
)
async def test_what_is_not_there_is_not_found(api: LocalApi, path: str) -> None:
    assert (await api.get(path)).status == 404


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among files")
async def test_what_others_put_into_the_folder_is_no_way_to_the_keys(api: LocalApi, agent: Agent) -> None:
    """Whoever takes files from `in` may not read the keys; and a pipe that nobody writes to would never end."""
    keys, inbox = agent.settings.keys, agent.settings.folders.inbox
    known, pipe = "0194a7c0-0000-7000-8000-000000000000", "0194a7c0-0000-7000-8000-000000000001"
    (inbox / f"{known}.evidence.json").symlink_to(keys / TOKEN)
    (inbox / f"{known}.fhir.json").mkdir()
    os.mkfifo(inbox / f"{pipe}.evidence.json")
    for path in (f"{known}/evidence", f"{known}/fhir", f"{pipe}/evidence"):
        assert (await api.get(f"/v1/received/{path}")).status == 404


@pytest.mark.parametrize("query", ["after=x", "after=-2", "after=1&after=2", "before=1", "after=1&x=2", "after=%00"])
async def test_a_parameter_that_is_not_known_is_refused(api: LocalApi, query: str) -> None:
    assert (await api.get(f"/v1/received?{query}")).json["code"] == "sender.request.query"
    assert (await api.get(f"/v1/status?{query}")).json["code"] == "sender.request.query"


# ---- bodies ----


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "x"]
)
async def test_a_body_says_what_it_is(api: LocalApi, agent: Agent, media: str) -> None:
    """A form of a browser has another type, and cannot say it is JSON without being asked before."""
    headers = {"Content-Type": media} if media else {}
    said = await api.call("POST", "/v1/outgoing", data=b"{}", headers=headers)
    assert (said.status, said.json["code"]) == (415, "sender.request.content-type")
    assert files(agent) == 0


async def test_a_compressed_body_is_not_taken(api: LocalApi, agent: Agent) -> None:
    headers = {**TO_JSON, "Content-Encoding": "gzip"}
    said = await api.call("POST", "/v1/outgoing", data=gzip.compress(b"{}" * 1000), headers=headers)
    assert (said.status, files(agent)) == (415, 0)


async def test_a_body_has_a_size_that_is_bounded(api: LocalApi, agent: Agent) -> None:
    """Whether it says so, or comes in parts and does not."""
    large = b" " * (64 * 1024) + b"{}"
    said = await api.call("POST", "/v1/questions", data=large, headers=TO_JSON)
    assert (said.status, said.json["code"]) == (413, "sender.request.too-large")

    async def parts() -> AsyncIterator[bytes]:
        yield large[:1000]
        yield large[1000:]

    said = await api.call("POST", "/v1/questions", data=parts(), headers=TO_JSON)
    assert (said.status, said.json["code"]) == (413, "sender.request.too-large")
    assert (await api.call("POST", "/v1/questions", data=b"", headers=TO_JSON)).json["code"] == "sender.request.empty"
    assert files(agent) == 0


async def test_a_body_may_come_in_parts(api: LocalApi, agent: Agent) -> None:
    """Many programs do not say how long a body is."""

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"resourceType":'
        yield b'"Bundle"}'

    assert (await api.call("POST", "/v1/outgoing", data=parts(), headers=TO_JSON)).status == 202
    assert files(agent) == 1


async def test_a_body_where_none_belongs_is_refused(api: LocalApi) -> None:
    said = await api.call("POST", "/v1/notices/1/confirmation", data=b"{}", headers=TO_JSON)
    assert said.json["code"] == "sender.request.body"


async def test_what_is_held_at_once_is_bounded(api: LocalApi, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is given back."""
    monkeypatch.setattr(guard, "HELD_BYTES_MAX", 10)
    for _ in range(3):
        said = await api.call("POST", "/v1/outgoing", data=b"{" + b" " * 20 + b"}", headers=TO_JSON)
        assert (said.status, said.json["code"], said.json["retryable"]) == (503, "sender.connector.busy", True)
        assert "Retry-After" in said.headers
        assert (await api.call("POST", "/v1/outgoing", data=b"{}", headers=TO_JSON)).status == 202
    assert files(agent) == 1


async def test_a_body_that_does_not_come_is_not_waited_for(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    head = f"Content-Type: {JSON}\r\nContent-Length: 10\r\n"
    said = await _raw(api, f"POST /v1/questions HTTP/1.1\r\n{_headers(api)}{head}\r\n{{".encode())
    assert (said.status, said.json["code"]) == (408, "sender.request.too-slow")


async def test_what_a_body_that_breaks_off_held_is_given_back(
    api: LocalApi, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "HELD_BYTES_MAX", 12)
    head = f"Content-Type: {JSON}\r\nContent-Length: 10\r\n"
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
        writer.write(f"POST /v1/outgoing HTTP/1.1\r\n{_headers(api)}{head}\r\n{{       ".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    # The server sees the end of a connection a moment later.
    for _ in range(300):
        if (await api.call("POST", "/v1/outgoing", data=b"{        }", headers=TO_JSON)).status == 202:
            break
        await asyncio.sleep(0.01)
    assert files(agent) == 1


async def test_parts_that_are_no_parts_are_refused(api: LocalApi, agent: Agent) -> None:
    head = f"Content-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n"
    said = await _raw(api, f"POST /v1/outgoing HTTP/1.1\r\n{_headers(api)}{head}\r\nzz\r\n{{}}\r\n".encode())
    assert (said.status, files(agent)) == (400, 0)


async def test_a_client_that_asks_whether_to_go_on_is_told_to(api: LocalApi, agent: Agent) -> None:
    """`curl` does so with a large file, and goes on only after a while when it is not told."""
    head = f"Content-Type: {JSON}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    writer.write(f"POST /v1/outgoing HTTP/1.1\r\n{_headers(api)}{head}\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 202")
    writer.close()
    await writer.wait_closed()
    assert files(agent) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 kind 999911120\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n" + b"".join(b"A%d: x\r\n" % number for number in range(100)) + b"\r\n",
    ],
    ids=["tls", "space", "long", "many"],
)
async def test_what_is_no_request_gets_a_problem_that_quotes_nothing(api: LocalApi, sent: bytes) -> None:
    said = await _raw(api, sent)
    assert (said.status, said.json["code"]) == (400, "sender.request.http")
    assert b"999911120" not in said.body


@pytest.mark.parametrize("name", ["Host", "Authorization", "Content-Type", "Idempotency-Key"])
async def test_a_header_that_counts_stands_there_once(api: LocalApi, agent: Agent, name: str) -> None:
    """Of two, one program believes the first and another the last."""
    head = f"Content-Type: {JSON}\r\nContent-Length: 2\r\nIdempotency-Key: a\r\n{name}: other\r\n"
    said = await _raw(api, f"POST /v1/outgoing HTTP/1.1\r\n{_headers(api)}{head}\r\n{{}}".encode())
    assert said.status == 400
    assert files(agent) == 0


@pytest.mark.parametrize("key", ["é", "a b", "x" * 256])
async def test_a_key_has_its_form(api: LocalApi, agent: Agent, key: str) -> None:
    said = await api.post("/v1/outgoing", {}, key=key)
    assert (said.status, said.json["code"], files(agent)) == (400, "sender.idempotency-key.invalid", 0)


PERSON = {"bsn": "999911120", "born": "2014-03-02"}
ASK: dict[str, Any] = {
    "to": "00000099000000003000",
    "person": PERSON,
    "categories": ["zorgen"],
    "question": "Welke hulp?",
    "term": "2027-06-14",
}


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"to": "1", "categories": ["x"], "term": "morgen"}, ["/categories/0", "/term", "/to"]),
        ({"person": {"bsn": "111222334"}}, ["/person"]),
        ({"person": {"bsn": 999911120}}, ["/person"]),
        ({"person": {**PERSON, "name": "x"}, "question": " ", "spoed": "haast"}, ["/person", "/question", "/spoed"]),
        ({"categories": []}, ["/categories"]),
        ({"categories": ["zorgen", "zorgen"]}, ["/categories"]),
        ({"responsible": {"register": "X", "number": ""}}, ["/responsible/number", "/responsible/register"]),
        ({"responsible": "SKJ:1"}, ["/responsible"]),
        ({"purpose": 5, "capacity": "x"}, ["/capacity", "/purpose"]),
        ({"unknown": 1}, [""]),
    ],
    ids=lambda each: " ".join(sorted(each)),
)
async def test_every_finding_about_a_body_is_listed(
    api: LocalApi, agent: Agent, change: dict[str, Any], pointers: list[str]
) -> None:
    """With its place, in both languages, and without the value: it may be about a child."""
    said = await api.post("/v1/questions", {**ASK, **change})
    assert said.status == 400
    assert sorted({issue["pointer"] for issue in said.json["issues"]}) == pointers
    assert b"111222334" not in said.body
    assert files(agent) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"to": 1, "to": 2}',
        b"\xff\xfe",
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"to": NaN}',
        b"null",
        b'{"person": null}',
    ],
    ids=["list", "half", "twice", "bytes", "deep", "nan", "null", "nobody"],
)
async def test_what_is_no_json_object_is_refused(api: LocalApi, agent: Agent, body: bytes) -> None:
    for path in ("/v1/questions", "/v1/consents/search", "/v1/messages/0194a7c0-0000-7000-8000-000000000000/recall"):
        said = await api.call("POST", path, data=body, headers=TO_JSON)
        assert said.status == 400, path
        assert said.json["issues"]
    assert files(agent) == 0


# ---- the connector itself ----


async def test_connections_are_bounded(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no token can still connect, and takes nothing that the agent needs; those that are there are served."""
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 3)
    port = int(api.url.rpartition(":")[2])
    assert (await api.get("/v1/status")).status == 200  # its connection stays
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    reader, more = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    assert (await api.get("/v1/status")).status == 200
    for writer in (more, *(writer for _, writer in held)):
        writer.close()
        await writer.wait_closed()


async def test_an_address_that_is_taken_is_tried_again_and_told(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages go on meanwhile, and so does the API once the other program is gone."""
    monkeypatch.setattr(server, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(troubles, "TELL_SECONDS", -1)
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Listening("127.0.0.1", taken.getsockname()[1])
        agent.services.settings = replace(agent.settings, api=where)
        serving = asyncio.create_task(_beside(agent, stop))
        told = await _notices(agent, some=True)
    assert [(each.kind, each.about) for each in told] == [(NoticeKind.BLOCKED, "api")]
    await _notices(agent, some=False)
    async with aiohttp.ClientSession() as session:
        again = LocalApi(url=f"http://{where}", token=read_token(agent.settings.keys), session=session)
        assert (await again.get("/v1/status")).status == 200
    stop.set()
    await serving
    server.bound(where).close()


async def test_who_looks_whether_the_api_answers_shows_the_token_to_nobody(agent: Agent) -> None:
    """Where it does not answer, another program has its port, perhaps of another user of the machine."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    make_token(agent.settings.keys, randomness=SystemRandomness())
    with locked(agent.home):
        async with await asyncio.start_server(listen, "127.0.0.1", 0) as other:
            where = Listening("127.0.0.1", other.sockets[0].getsockname()[1])
            (found,) = await examine_api(replace(agent.settings, api=where))
        assert (found.grade, len(heard)) == (Grade.FAULT, 1)
        assert read_token(agent.settings.keys).encode() not in heard[0]
        async with local_api(agent.services) as api:
            host, _, port = api.url.removeprefix("http://").rpartition(":")
            (found,) = await examine_api(replace(agent.settings, api=Listening(host, int(port))))
    assert found.grade is Grade.OK


async def _notices(agent: Agent, *, some: bool) -> tuple[Notice, ...]:
    """Wait until people are told something, or nothing any more."""
    for _ in range(3000):
        found = agent.journal.open_notices()
        if bool(found) is some:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("what people are told does not change")


async def _beside(agent: Agent, stop: asyncio.Event) -> None:
    async with server.beside(agent.services, stop=stop):
        await stop.wait()


async def test_nothing_is_taken_when_the_disk_is_full(api: LocalApi, agent: Agent) -> None:
    """Nothing is promised that could not be kept."""
    agent.services.settings = replace(agent.settings, free_bytes_min=1 << 62)
    said = await api.post("/v1/outgoing", {})
    assert (said.status, said.json["code"], said.json["retryable"]) == (503, "sender.connector.disk-full", True)
    assert (await api.get("/v1/status")).json["notices"][0]["kind"] == NoticeKind.DISK
    assert files(agent) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sqlite3.OperationalError("disk I/O error"), "sender.connector.failed"),
        (PermissionError("kind-999911120.xml"), "sender.connector.failed"),
        (OSError(errno.ENOSPC, "kind-999911120.xml"), "sender.connector.disk-full"),
    ],
    ids=["journal", "rights", "room"],
)
async def test_a_file_that_cannot_be_read_or_written_is_no_fault_of_who_asks(
    api: LocalApi, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("connectors.api.messages.received_page", failing)
    said = await api.get("/v1/received")
    assert (said.status, said.json["code"], said.json["retryable"]) == (503, code, True)
    assert b"999911120" not in said.body


async def test_a_mistake_of_ours_is_told_to_people_and_quotes_nothing(
    api: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("999911120")

    monkeypatch.setattr("connectors.api.messages.outgoing_page", broken)
    said = await api.get("/v1/outgoing")
    assert (said.status, said.json["code"]) == (503, "sender.connector.failed")
    assert b"999911120" not in said.body
    (notice,) = (await api.get("/v1/status")).json["notices"]
    assert (notice["kind"], notice["about"]) == (NoticeKind.BLOCKED, "api-request")
    assert "999911120" not in json.dumps(notice)
    assert (await api.post(f"/v1/notices/{notice['id']}/confirmation")).status == 204
    assert (await api.get("/v1/status")).json["notices"] == []
    assert (await api.post(f"/v1/notices/{notice['id']}/confirmation")).status == 404


def _headers(api: LocalApi) -> str:
    return f"Host: {api.url.removeprefix('http://')}\r\nAuthorization: Bearer {api.token}\r\n"


async def _raw(api: LocalApi, sent: bytes) -> Said:
    """Send bytes that no client library sends, and read the answer until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    writer.write(sent.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) if sent.startswith(b"POST") else sent)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    first, *lines = head.decode().split("\r\n")
    headers = {name.title().replace("Www", "WWW"): value for name, _, value in (line.partition(": ") for line in lines)}
    said = Said(int(first.split()[1]), headers, body)
    hold(said, method="POST", path="/")
    return said
