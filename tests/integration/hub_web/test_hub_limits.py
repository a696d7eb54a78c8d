"""What a request may cost, bad input over the wire, and a hub whose log contradicts itself."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from openapi_spec_validator import validate

from hub.logs import set_up, tear_down
from hub.web.routes import ROUTES
from schemas.canonical import b64url
from schemas.codes import Role
from schemas.wire import encode_submission
from tests.support.hub_server import HubParticipant, RunningHub, participants_of, running_hub
from tests.support.parties import GEMEENTE, RAAD

pytestmark = pytest.mark.database


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Give what the process writes as its application log."""
    stream = io.StringIO()
    set_up(stream=stream)
    yield stream
    tear_down()


@pytest.fixture
async def hub(tmp_path: Path, database_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as made:
        yield made


async def raw(hub: RunningHub, data: bytes, *, seconds: float = 10) -> bytes:
    """Send bytes and return what comes back until the connection ends."""
    port = int(hub.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


def post(path: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: hub", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode() + body


# ---- bodies ----


async def test_a_large_body_needs_a_token_and_is_not_read_without(parties: list[HubParticipant]) -> None:
    gemeente = parties[0]
    body = b'{"message":"' + b"x" * 300_000 + b'"}'
    with_token = await gemeente.call("POST", "/v1/messages", body=body, content_type="application/json")
    assert with_token.json["code"] == "sender.submission.form"
    gemeente.access_token = ""
    without = await gemeente.call("POST", "/v1/messages", body=body, content_type="application/json")
    assert (without.status, without.json["code"]) == (401, "sender.token.needed")


async def test_a_body_over_the_limit_is_refused_by_its_length(hub: RunningHub) -> None:
    length = hub.settings.web.body_bytes_max + 1
    answer = await raw(hub, post("/v1/messages", "Content-Type: application/json", length=length))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"sender.request.too-large"' in answer


async def test_a_body_without_a_length_is_refused(hub: RunningHub) -> None:
    head = (
        b"POST /v1/messages HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    )
    assert b'"code":"sender.request.length-required"' in await raw(hub, head)


async def test_a_compressed_body_is_refused(hub: RunningHub) -> None:
    head = post("/v1/messages", "Content-Type: application/json", "Content-Encoding: gzip", body=b"x")
    assert b'"code":"sender.request.content-encoding"' in await raw(hub, head)


async def test_a_body_of_another_kind_is_refused(parties: list[HubParticipant]) -> None:
    answer = await parties[0].call("POST", "/v1/messages", body=b"x", content_type="text/plain")
    assert (answer.status, answer.json["code"]) == (415, "sender.request.content-type")


async def test_a_slow_body_is_given_up(tmp_path: Path, database_url: str) -> None:
    async with running_hub(tmp_path, database_url=database_url, WEB_BODY_SECONDS_MAX="1") as hub:
        answer = await raw(hub, post("/v1/messages", "Content-Type: application/json", body=b"{", length=100))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert hub.web.allowance.held == 0


async def test_a_connection_that_never_finishes_its_headers_is_closed(tmp_path: Path, database_url: str) -> None:
    async with running_hub(tmp_path, database_url=database_url, WEB_IDLE_SECONDS_MAX="1") as hub:
        assert await raw(hub, b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Slow: ", seconds=5) == b""


async def test_long_header_lines_are_refused(hub: RunningHub) -> None:
    answer = await raw(hub, b"GET /healthz HTTP/1.1\r\nHost: hub\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n")
    assert answer.partition(b"\r\n")[0].endswith(b" 400 Bad Request")


async def test_a_header_that_decides_stands_there_once(hub: RunningHub) -> None:
    head = b"GET /v1/inbox HTTP/1.1\r\nHost: hub\r\nDPoP: a\r\nDPoP: b\r\nConnection: close\r\n\r\n"
    assert b'"code":"sender.request.header"' in await raw(hub, head)


async def test_a_process_holds_only_so_many_bodies(tmp_path: Path, database_url: str) -> None:
    async with running_hub(
        tmp_path,
        database_url=database_url,
        catalogue=None,
        WEB_BODY_BYTES_MAX="1000",
        WEB_BODY_BYTES_IN_FLIGHT_MAX="1000",
    ) as hub:
        port = int(hub.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post("/v1/messages", "Content-Type: application/json", body=b"{", length=900))
        await asyncio.sleep(0.2)
        assert hub.web.allowance.held == 900
        answer = await raw(hub, post("/v1/messages", "Content-Type: application/json", body=b"{" * 200))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in answer
        assert b'"code":"hub.busy"' in answer
        writer.close()
        await asyncio.sleep(0.2)
        assert hub.web.allowance.held == 0


async def test_an_address_asks_only_so_often(tmp_path: Path, database_url: str) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url) as unlimited,
        running_hub(
            tmp_path,
            database_url=database_url,
            issuer=unlimited.url,
            WEB_REQUESTS_PER_MINUTE="5",
            WEB_TRUSTED_PROXIES="1",
        ) as hub,
        participants_of(unlimited, (GEMEENTE, Role.GEMEENTE)) as (gemeente,),
    ):
        gemeente.url, gemeente.access_token = hub.url, ""

        async def status(address: str) -> int:
            return (await gemeente.call("GET", "/healthz", headers={"X-Forwarded-For": address})).status

        # What the client writes before the proxy's word does not count.
        statuses = [await status(f"198.51.100.{number}, 192.0.2.1") for number in range(7)]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses[5:]
        assert await status("192.0.2.2") == 200
        # Who has one address of a /64 has them all.
        assert 429 in [await status(f"2001:db8::{number:x}") for number in range(7)]


# ---- bad input ----


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "sender.json.invalid"),
        (b"{", "sender.json.invalid"),
        (b"[]", "sender.submission.form"),
        (b'{"message":"a.b.c","message":"a.b.c"}', "sender.json.duplicate"),
        (b'{"message":1.5}', "sender.json.float"),
        (b"[" * 40 + b"]" * 40, "sender.json.depth"),
        (b'{"message":"a","tags":[],"key":"","elements":[],"more":1}', "sender.submission.form"),
    ],
)
async def test_a_submission_of_another_form_is_refused(
    parties: list[HubParticipant], hub: RunningHub, body: bytes, code: str
) -> None:
    size = await hub.web.services.log.size()
    answer = await parties[0].call("POST", "/v1/messages", body=body, content_type="application/json")
    assert (answer.status, answer.json["code"]) == (400, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert await hub.web.services.log.size() == size


async def test_elements_swapped_on_the_way_are_refused(parties: list[HubParticipant]) -> None:
    composed = await parties[0].compose(parties[1])
    content_type, body = encode_submission(composed.submission)
    members = json.loads(body)
    members["elements"][0], members["elements"][1] = members["elements"][1], members["elements"][0]
    answer = await parties[0].call("POST", "/v1/messages", body=json.dumps(members).encode(), content_type=content_type)
    assert (answer.status, answer.json["code"]) == (400, "sender.sealed.digest")
    # The refusal leaves the id free: the bytes that the sender signed still go.
    assert (await parties[0].submit(composed)).status == 202


async def test_a_repeated_id_with_another_message_is_a_conflict(parties: list[HubParticipant]) -> None:
    from dataclasses import replace

    from schemas.codes import SpoedReason, TokenType
    from schemas.jws import sign_jws
    from schemas.message import message_to_payload

    composed = await parties[0].compose(parties[1])
    assert (await parties[0].submit(composed)).status == 202
    other = message_to_payload(replace(composed.message, spoed=SpoedReason.ACUTE_DANGER))
    token = sign_jws(other, typ=TokenType.MESSAGE, key=parties[0].signing)
    changed = replace(composed, submission=replace(composed.submission, message=token))
    answer = await parties[0].submit(changed)
    assert (answer.status, answer.json["code"]) == (409, "sender.jti.used")


@pytest.mark.parametrize("query", ["?after=x", "?after=-2", "?after=1&after=2", "?wait=-1", "?after=1.5", "?after=１"])
async def test_a_query_of_another_form_is_refused(parties: list[HubParticipant], query: str) -> None:
    assert (await parties[0].get("/v1/inbox", query)).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "sender.route.unknown"),
        ("DELETE", "/v1/messages", 405, "sender.route.method"),
        ("GET", "/v1/receipts", 405, "sender.route.method"),
        ("GET", "/v1/messages/not-an-id", 400, "sender.jti.invalid"),
        ("GET", "/v1/participants/123", 400, "sender.oin.invalid"),
        ("GET", "/log/tile/x/000", 404, "sender.route.unknown"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    parties: list[HubParticipant], method: str, path: str, status: int, code: str
) -> None:
    answer = await parties[0].call(method, path)
    assert (answer.status, answer.json["code"]) == (status, code)
    if status == 405:
        assert answer.headers["Allow"] == "POST"


async def test_a_problem_has_every_member_and_no_value(parties: list[HubParticipant]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await parties[0].call(
        "POST",
        "/v1/records/search",
        json={"message": "999911120"},
        headers={"traceparent": f"00-{trace}-{'1' * 16}-01"},
    )
    assert answer.status == 400
    members = answer.json
    assert set(members) == {"type", "title", "status", "detail", "code", "issues", "retryable", "instance"}
    assert (members["instance"], members["status"]) == (trace, 400)
    assert "999911120" not in answer.body.decode()


# ---- what is said about it ----


async def test_the_log_line_of_a_message_holds_nothing_of_it(
    log_lines: io.StringIO, parties: list[HubParticipant]
) -> None:
    composed = await parties[0].compose(parties[1])
    await parties[0].submit(composed)
    await parties[0].get(f"/v1/messages/{composed.message.id.value}")
    await parties[0].call("GET", "/999911120")
    written = log_lines.getvalue()
    routes = [json.loads(line).get("route") for line in written.splitlines()]
    assert routes[-3:] == ["/v1/messages", "/v1/messages/{jti}", "/{tail:.*}"]
    for secret in (composed.message.id.value, "999911120", "110012345", b64url(composed.submission.key)[:40]):
        assert secret not in written


async def test_the_size_of_the_log_is_measured_though_nobody_asks_whether_the_hub_is_ready(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    await parties[0].submit(await parties[0].compose(parties[1]))
    size = await hub.web.services.log.size()
    assert size >= 3
    assert f"ketenhub_log_size {float(size)}".encode() in (await parties[0].get("/metrics")).body


async def test_a_request_that_is_no_http_is_not_repeated_in_the_log(hub: RunningHub, log_lines: io.StringIO) -> None:
    await raw(hub, b"GET /999911120\r\n\x00\x01 999911120\r\n\r\n")
    assert "999911120" not in log_lines.getvalue()


async def test_our_own_mistake_tells_nothing_and_is_logged_with_its_place(
    log_lines: io.StringIO, parties: list[HubParticipant], database_url: str
) -> None:
    # A column that is gone is no state of the database that passes: it is our mistake.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE messages RENAME TO messages_gone")
    answer = await parties[0].get("/v1/inbox")
    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (500, "hub.failed", False)
    assert "messages" not in answer.body.decode()
    failed = next(json.loads(line) for line in log_lines.getvalue().splitlines() if "request.failed" in line)
    assert failed["trace_id"] == answer.json["instance"]
    assert any("store.py" in place for place in failed["where"])


async def test_a_log_that_contradicts_itself_stops_accepting(parties: list[HubParticipant], database_url: str) -> None:
    composed = await parties[0].compose(parties[1])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE log_tree SET size = size - 1")
    first = await parties[0].submit(composed)
    assert first.status == 500
    assert first.json["code"].startswith("hub.")
    second = await parties[0].submit(composed)
    assert (second.status, second.json["retryable"]) == (500, False)
    ready = await parties[0].get("/readyz")
    assert (ready.status, ready.json["log"]) == (503, "contradicted")
    assert (await parties[0].get("/healthz")).status == 200
    assert b"ketenhub_log_contradicted 1.0" in (await parties[0].get("/metrics")).body


async def test_without_the_database_the_hub_says_later(
    parties: list[HubParticipant], hub: RunningHub, database_url: str
) -> None:
    composed = await parties[0].compose(parties[1])
    name = re.search(r"/(test_[0-9]+)", database_url)
    assert name is not None
    admin = database_url.replace(name[1], "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name[1]} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name[1]],
        )
    later = await parties[0].submit(composed)
    assert (later.status, later.json["retryable"]) == (503, True)
    assert int(later.headers["Retry-After"]) > 0
    assert (await parties[0].get("/readyz")).status == 503
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name[1]} ALLOW_CONNECTIONS true".encode())
    attempts = 0
    while (await parties[0].submit(composed)).status != 202:
        attempts += 1
        assert attempts < 40, "the hub did not come back with its database"
        await asyncio.sleep(0.25)
    assert (await parties[0].get("/readyz")).status == 200
    assert hub.web.state.contradiction is None


# ---- the description ----


async def test_the_description_is_openapi_and_holds_every_route(parties: list[HubParticipant]) -> None:
    described = (await parties[0].get("/openapi.json")).json
    validate(described)
    found = {(method.upper(), path) for path, item in described["paths"].items() for method in item}
    assert found == {(route.method, re.sub(r":[^}]*", "", route.path)) for route in ROUTES}


async def test_every_answer_of_the_way_fits_its_description(parties: list[HubParticipant]) -> None:
    import jsonschema

    described = (await parties[0].get("/openapi.json")).json
    gemeente, raad = parties
    composed = await gemeente.compose(raad)
    release_body = raad.release_request([composed.message.id]).encode()
    answers = {
        "Hub": await gemeente.get("/.well-known/ketenhub"),
        "AuthorizationServer": await gemeente.get("/.well-known/oauth-authorization-server"),
        "Token": await gemeente.ask_token(),
        "Participants": await gemeente.get("/v1/participants"),
        "Accepted": await gemeente.submit(composed),
        "MessageState": await gemeente.get(f"/v1/messages/{composed.message.id.value}"),
        "Inbox": await raad.get("/v1/inbox"),
        "Released": await raad.call("POST", "/v1/releases", body=release_body, content_type="application/jose"),
        "Records": await raad.call("POST", "/v1/records/search", json={}),
        "Entry": await raad.get("/log/entries/4"),
        "Entries": await raad.get("/log/entries", "?kind=PARTICIPANT"),
        "InclusionProof": await raad.get("/log/proof/inclusion", "?index=0&size=4"),
        "ConsistencyProof": await raad.get("/log/proof/consistency", "?from=1&to=4"),
        "Grounds": await raad.get("/v1/grounds"),
        "Definitions": await raad.get("/v1/definitions"),
        "ChainEpochs": await raad.get("/v1/chain-epochs"),
        "ChainKeys": await raad.get("/v1/chain-keys"),
        "Status": await raad.get("/readyz"),
        "Problem": await raad.get("/nothing"),
    }
    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.validate(answer.json, schema)


async def test_every_status_and_form_of_an_answer_is_described(hub: RunningHub, parties: list[HubParticipant]) -> None:
    """A client made from the description must understand a hub that is stopping, and a token that is refused."""
    import jsonschema

    described = (await parties[0].get("/openapi.json")).json
    ready, unknown = await parties[0].get("/readyz"), await parties[0].get("/log/entries/999")
    refused = await parties[0].call(
        "POST", "/oauth/token", body=b"a=b", content_type="application/x-www-form-urlencoded"
    )
    strange = await parties[0].call("POST", "/oauth/token", body=b"{}", content_type="application/json")
    hub.web.state.stopping.set_result(None)
    stopping = await parties[0].get("/readyz")
    for path, method, answer, status in (
        ("/readyz", "get", ready, 200),
        ("/readyz", "get", stopping, 503),
        ("/log/entries/{index}", "get", unknown, 404),
        ("/oauth/token", "post", refused, 400),
        ("/oauth/token", "post", strange, 415),
    ):
        assert answer.status == status
        responses = described["paths"][path][method]["responses"]
        response = responses.get(str(status), responses["default"])
        if "$ref" in response:
            response = described["components"]["responses"][response["$ref"].rpartition("/")[2]]
        media = answer.headers["Content-Type"].partition(";")[0]
        schema = {**response["content"][media]["schema"], "components": described["components"]}
        jsonschema.validate(answer.json, schema)
    releases = described["paths"]["/v1/releases"]["post"]["responses"]["200"]["content"]
    assert set(releases) == {"application/json", "multipart/related"}


async def test_a_refused_token_has_its_code_in_the_log(parties: list[HubParticipant], log_lines: io.StringIO) -> None:
    await parties[0].call("POST", "/oauth/token", body=b"a=b", content_type="application/x-www-form-urlencoded")
    line = json.loads(log_lines.getvalue().splitlines()[-1])
    assert (line["route"], line["status"], line["code"]) == ("/oauth/token", 400, "sender.oauth.request")


# ---- what is no request at all ----


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "sender.request.http"),
        (b"GET /healthz HTTP/1.1\r\nHost : hub\r\n\r\n", 400, "sender.request.http"),
        (b"GET /\xff HTTP/1.1\r\nHost: hub\r\n\r\n", 400, "sender.request.http"),
        (b"POST /v1/messages HTTP/1.1\r\nHost: hub\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, ""),
        (b"PROPFIND /v1/messages HTTP/1.1\r\nHost: hub\r\n", 405, "sender.route.method"),
        (b"TRACE / HTTP/1.1\r\nHost: hub\r\n", 404, "sender.route.unknown"),
        (b"OPTIONS * HTTP/1.1\r\nHost: hub\r\n", 404, "sender.route.unknown"),
        (b"CONNECT hub:443 HTTP/1.1\r\nHost: hub\r\n", 404, "sender.route.unknown"),
        (b"GET /v1/inbox HTTP/1.1\r\nHost: hub\r\nExpect: tea\r\n", 401, "sender.token.needed"),
    ],
)
async def test_whatever_comes_is_answered_as_a_problem(hub: RunningHub, head: bytes, status: int, code: str) -> None:
    """Also what the framework refuses by itself: one form of answer, and no word about which library gives it."""
    answer = await raw(
        hub, head if head.endswith(b"\r\n\r\n") or b"ab" in head else head + b"Connection: close\r\n\r\n"
    )
    top, _, body = answer.partition(b"\r\n\r\n")
    lines = [line.lower() for line in top.split(b"\r\n")]
    assert int(lines[0].split()[1]) == status
    assert b"content-type: application/problem+json" in lines
    assert b"server: ketenhub" in lines
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code or "sender.request.http")


async def test_who_asks_before_sending_a_body_is_asked_for_it(hub: RunningHub) -> None:
    head = post("/v1/messages", "Content-Type: application/json", "Expect: 100-continue", body=b"{}")
    answer = await raw(hub, head)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")
    assert b'"code":"sender.submission.form"' in answer


async def test_what_is_no_http_has_its_line_and_its_count(hub: RunningHub, log_lines: io.StringIO) -> None:
    await raw(hub, b"NONSENSE\r\n\r\n")
    (line,) = [json.loads(line) for line in log_lines.getvalue().splitlines() if "request.answered" in line]
    assert (line["level"], line["status"], line["code"]) == ("info", 400, "sender.request.http")
    assert b'ketenhub_problems_total{code="sender.request.http"} 1.0' in hub.web.metrics.page()[0]


async def test_a_metrics_token_of_odd_bytes_is_a_wrong_one(tmp_path: Path, database_url: str) -> None:
    token = tmp_path / "metrics.token"
    token.write_text("geheim")
    token.chmod(0o600)
    async with running_hub(tmp_path, database_url=database_url, WEB_METRICS_TOKEN=str(token)) as hub:
        for given, status in ((b"\xff", b"401"), (b"other", b"401"), (b"geheim", b"200")):
            head = (
                b"GET /metrics HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Bearer %b\r\n\r\n" % given
            )
            assert (await raw(hub, head)).split()[1] == status
