"""A real worker process on a real broker: notifications arrive, are tried again, and go nowhere they must not."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psutil
import psycopg
import pytest
import redis
from aiohttp import web

from hub.settings import RedisSettings, load_settings
from hub.worker import outbox as outbox_module
from hub.worker.app import WARN, make_beat, make_celery, queued
from hub.worker.delivery import DeliveryRules, UndeliverableError, UndeliveredError, deliver
from hub.worker.outbox import CeleryOutbox
from hub.worker.tasks import uncollected, wait_seconds
from schemas.clock import SystemClock
from schemas.codes import Role, TokenType
from schemas.jws import sign_jws
from schemas.measures import measure_to_payload
from tests.support.hub_server import RunningHub, new_id, participants_of, running_hub
from tests.support.law_records import OTHER_GI, measure_statement
from tests.support.parties import GEMEENTE, GI, RAAD

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.database


@dataclass(slots=True)
class Receiver:
    """Takes events at a loopback address, and answers what a test says."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    events: "asyncio.Queue[tuple[str, Any]]" = field(default_factory=asyncio.Queue)
    location: str = ""

    async def take(self, request: web.Request) -> web.Response:
        await self.events.put((request.headers["Content-Type"], orjson.loads(await request.read())))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": self.location} if self.location else None)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/notify", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify"
    yield made
    await runner.cleanup()


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as running:
        yield running


@contextlib.contextmanager
def worker_process(settings: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `ketenhub worker` as its operator does."""
    command = [sys.executable, "-m", "hub.cli.main", "worker", "--settings", str(settings)]
    with (settings.parent / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=REPOSITORY)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def settings_file(hub: RunningHub, folder: Path) -> Path:
    return folder / f"hub-{hub.settings.hub.issuer.rpartition(':')[2]}.toml"


async def test_a_waiting_message_is_told_by_an_event_that_holds_its_id_only(
    hub: RunningHub, receiver: Receiver, tmp_path: Path
) -> None:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad):
        raad.access_token = ""
        stated = raad.statement(notify=receiver.url, issued_at=int(SystemClock().now().timestamp()) + 1)
        assert (await raad.call("POST", "/v1/participants", json={"statement": stated})).status == 201
        composed = await gemeente.compose(raad)
        with worker_process(settings_file(hub, tmp_path)):
            assert (await gemeente.submit(composed)).status == 202
            content_type, event = await asyncio.wait_for(receiver.events.get(), timeout=30)
        assert content_type == "application/cloudevents+json; charset=utf-8"
        assert set(event) == {"specversion", "type", "source", "id", "time", "dataref"}
        assert (event["id"], event["type"]) == (composed.message.id.value, "nl.ketenhub.messages.waiting.v1")
        log = (tmp_path / "worker.log").read_text()
        assert "notification.sent" in log
        assert composed.message.id.value not in log


async def test_a_notice_is_told_by_an_event_that_says_only_where_it_is(
    hub: RunningHub, receiver: Receiver, tmp_path: Path
) -> None:
    """Two statements of one child's measure contradict each other; neither child nor statement is in the event."""
    async with participants_of(hub, (RAAD, Role.RAAD)) as (raad,):
        raad.access_token = ""
        now = int(SystemClock().now().timestamp())
        stated = raad.statement(notify=receiver.url, issued_at=now + 1)
        assert (await raad.call("POST", "/v1/participants", json={"statement": stated})).status == 201
        with worker_process(settings_file(hub, tmp_path)):
            for executor in (GI, OTHER_GI):
                statement = measure_statement(id=new_id(), issued_at=now, executor=executor)
                token = sign_jws(measure_to_payload(statement), typ=TokenType.MEASURE, key=raad.signing)
                answer = await raad.call("POST", "/v1/measures", body=token.encode(), content_type="application/jose")
                assert answer.status == 201, answer.body
            _, event = await asyncio.wait_for(receiver.events.get(), timeout=30)
        assert (event["type"], event["id"]) == ("nl.ketenhub.notices.waiting.v1", "notice.1")
        assert event["dataref"].endswith("/v1/notices")
        assert set(event) == {"specversion", "type", "source", "id", "time", "dataref"}


async def test_a_notification_survives_a_worker_that_is_killed(
    hub: RunningHub, receiver: Receiver, tmp_path: Path
) -> None:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad):
        raad.access_token = ""
        stated = raad.statement(notify=receiver.url, issued_at=int(SystemClock().now().timestamp()) + 1)
        assert (await raad.call("POST", "/v1/participants", json={"statement": stated})).status == 201
        composed = await gemeente.compose(raad)
        with worker_process(settings_file(hub, tmp_path)) as first:
            await asyncio.sleep(2)
            children = psutil.Process(first.pid).children(recursive=True)
            first.kill()
            first.wait()
        assert children == [], "nothing outlives a worker that is killed"
        # Nobody works: the task waits at the broker.
        assert (await gemeente.submit(composed)).status == 202
        await asyncio.sleep(0.5)
        with worker_process(settings_file(hub, tmp_path)):
            _, event = await asyncio.wait_for(receiver.events.get(), timeout=30)
        assert event["id"] == composed.message.id.value


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, None),
        (500, UndeliveredError),
        (429, UndeliveredError),
        (302, UndeliverableError),
        (410, UndeliverableError),
    ],
)
async def test_an_answer_says_whether_to_try_again(
    receiver: Receiver, status: int, error: type[Exception] | None
) -> None:
    receiver.statuses = [status]
    receiver.location = receiver.url
    rules = DeliveryRules(timeout_seconds=5, unsafe_anywhere=True)
    with pytest.raises(error) if error else contextlib.nullcontext():
        await deliver(b"{}", url=receiver.url, rules=rules)
    assert receiver.events.qsize() == 1, "a redirect is not followed"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_an_address_of_the_machine_itself_is_never_asked(receiver: Receiver, host: str) -> None:
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    with pytest.raises((UndeliverableError, UndeliveredError)):
        await deliver(b"{}", url=f"https://{host}:{port}/notify", rules=DeliveryRules(timeout_seconds=5))
    assert receiver.events.empty()


async def test_what_nobody_collects_is_warned_about_after_a_day_and_then_daily(
    hub: RunningHub, tmp_path: Path, database_url: str
) -> None:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad):
        composed = await gemeente.compose(raad)
        assert (await gemeente.submit(composed)).status == 202
        settings = load_settings(settings_file(hub, tmp_path), environment={})
        now = SystemClock().now()
        warned = {
            hours: [day for _, day in await uncollected(settings=settings, at=now + timedelta(hours=hours))]
            for hours in (1, 23.9, 24.5, 25.5, 48.5, 72.5)
        }
        assert warned == {1: [], 23.9: [], 24.5: [1], 25.5: [], 48.5: [2], 72.5: [3]}
        (release,) = (await raad.release(composed.message.id)).releases
        assert (await raad.give_receipt(raad.receipt(release))).status == 200
        assert await uncollected(settings=settings, at=now + timedelta(hours=24.5)) == ()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (1,)


def test_tasks_are_json_only_and_acknowledged_late(valkey_url: str) -> None:
    configuration = make_celery(RedisSettings(url=valkey_url)).conf
    assert configuration.accept_content == ["json"]
    assert configuration.task_acks_late
    longest = max(wait_seconds(attempt) for attempt in range(1, 100))
    assert configuration.broker_transport_options["visibility_timeout"] > longest + 60
    assert configuration.beat_schedule["ketenhub.warn"]["task"] == "ketenhub.warn"


def test_the_beat_asks_for_warnings_when_they_are_due(valkey_url: str) -> None:
    app = make_celery(RedisSettings(url=valkey_url))
    app.conf.beat_schedule[WARN]["schedule"] = 0.2
    service = make_beat(app)
    beat = threading.Thread(target=service.start, daemon=True)
    beat.start()
    with redis.Redis.from_url(valkey_url.replace("db=0", "db=1")) as broker:
        deadline = time.monotonic() + 10
        while not broker.llen("ketenhub:tasks:ketenhub"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        task = orjson.loads(broker.lindex("ketenhub:tasks:ketenhub", 0))
    service.stop()
    assert task["headers"]["task"] == "ketenhub.warn"
    assert list(Path.cwd().glob("celerybeat*")) == [], "the schedule stands in no file"


async def test_the_broker_holds_no_more_tasks_than_it_may_where_no_worker_takes_them(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "QUEUED_MAX", 5)
    monkeypatch.setattr(outbox_module, "LOOK_EVERY", 1)
    settings = RedisSettings(url=valkey_url)
    outbox = CeleryOutbox(settings=settings, wants=lambda _: True)
    with outbox.running():
        for _ in range(20):
            await outbox.message_waits(RAAD, new_id())
    app = make_celery(settings)
    assert queued(app) == 5
    app.control.purge()
    assert queued(app) == 0
