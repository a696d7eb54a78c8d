"""What the rows run against: real servers, a hub started by its own command, the floor, and the load client.

Everything lies in one temporary folder and ends with the bench, also when the bench is killed.
"""

import contextlib
import http.client
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import orjson
import psutil
import psycopg
from psycopg import sql

from deploy.local.postgresql import PostgreSQLServer
from deploy.local.processes import ManagedProcess, free_port, wait_until
from deploy.local.stack import Stack
from schemas.clock import SystemClock
from schemas.jwk import SigningKey
from tests.performance.figures import Facts
from tests.performance.load import Job, Played
from tests.performance.pairs import PAIRS, Party, pair

HUBS: Final = 2
"""Processes of the hub that there can be; all rows but one figure use the first alone."""
FLOOR_PORT: Final = 8490
_START_SECONDS: Final = 60.0
_LOAD_SECONDS_MAX: Final = 300.0
_SAMPLE_SECONDS: Final = 0.05


class BenchError(Exception):
    """Something could not be measured; the text says why."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """The most memory that a process was seen to hold."""

    peak_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Servers:
    """PostgreSQL, Valkey, and what is started beside them.

    Attributes:
        folder: Where everything lies.
        stack: The local stack; of it only what a row asks for is started.
    """

    folder: Path
    stack: Stack
    _jobs: Iterator[int] = field(default_factory=itertools.count)

    def facts(self) -> Facts:
        """Say which servers these are."""
        with psycopg.connect(self._server.url("postgres")) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return {"postgresql": str(row[0]).split()[0] if row else ""}

    def new_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._server.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, so that nothing tends it while other rows are measured."""
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))

    @property
    def _server(self) -> PostgreSQLServer:
        assert self.stack.postgresql is not None, "the servers are started"
        return self.stack.postgresql

    # ---- the hub and the floor ----

    def start_hub(self, number: int = 0) -> float:
        """Start a process of the hub; returns the seconds until it was ready."""
        started = time.perf_counter()
        self.stack.start_hub(number)
        return time.perf_counter() - started

    def stop_hub(self, number: int = 0) -> None:
        """Stop a process of the hub."""
        self.stack.processes.pop(_hub_name(number)).stop()

    def hub_pid(self, number: int = 0) -> int:
        """Return the id of a process of the hub."""
        pid = self.stack.processes[_hub_name(number)].pid
        assert pid is not None, "the hub runs"
        return pid

    def join_pairs(self) -> None:
        """Let the registrar admit every party, and let it join."""
        registrar = SigningKey.from_pem((self.stack.home / "registrar" / "registrar.pem").read_bytes())
        for number in range(PAIRS):
            for party in (pair(number).sender, pair(number).recipient):
                self._join(party, registrar)

    def _join(self, party: Party, registrar: SigningKey) -> None:
        body = party.join_body(registrar=registrar, at=SystemClock().now())
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.ports[0], timeout=10)
        connection.request(
            "POST", "/v1/participants", body=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        if answer.status != HTTPStatus.CREATED:
            raise BenchError(f"a participant could not join: {text}")

    @contextlib.contextmanager
    def floor(self) -> Iterator[tuple[int, int]]:
        """Run the floor on a database of its own; gives its port and process id."""
        port = free_port(FLOOR_PORT)
        process = ManagedProcess(
            name="floor",
            command=[
                sys.executable, "-m", "tests.performance.floor",
                "--database", self.new_database("floor"), "--guard", str(self.folder / "guard-floor"),
                "--port", str(port),
            ],
            log=self.folder / "logs" / "floor.log",
        )  # fmt: skip
        process.start()
        try:
            wait_until(lambda: _listens(port), what="floor", seconds=_START_SECONDS, process=process)
            assert process.pid is not None, "it listens"
            yield port, process.pid
        finally:
            process.stop()

    # ---- load ----

    def play(self, *, pids: Sequence[int], **job: object) -> Played:
        """Let the load client play, and see what it costs whom.

        Args:
            pids: The processes that it plays to.
            job: The members of `Job` but where its result goes.

        Raises:
            BenchError: It met an answer that it must not meet, or did not end.
        """
        number = next(self._jobs)
        path, result = self.folder / f"job-{number}.json", self.folder / f"job-{number}.result.json"
        path.write_bytes(Job(**job, result=result).to_json())  # type: ignore[arg-type]  # named by the caller
        before, machine_before = self._cpu_seconds(pids), _machine_seconds()
        command = [sys.executable, "-m", "tests.performance.load", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LOAD_SECONDS_MAX)
        if done.returncode != 0:
            raise BenchError(done.stderr.strip().splitlines()[-1] if done.stderr else "the load client failed")
        played = Played(**orjson.loads(result.read_bytes()))
        after, machine = self._cpu_seconds(pids), _machine_seconds()
        played.cpu_seconds |= {name: after[name] - before[name] for name in after}
        busy, whole = (now - earlier for now, earlier in zip(machine, machine_before, strict=True))
        played.others_share = max(0.0, busy - sum(played.cpu_seconds.values())) / whole if whole else 0.0
        return played

    def _cpu_seconds(self, pids: Sequence[int]) -> dict[str, float]:
        database = psutil.Process(self._server.process.pid)
        return {
            "hub": sum(_cpu_seconds(psutil.Process(pid)) for pid in pids),
            "postgresql": sum(map(_cpu_seconds, [database, *database.children()])),
        }


@contextlib.contextmanager
def running_servers(folder: Path) -> Iterator[Servers]:
    """Start PostgreSQL and Valkey, and stop everything that was started."""
    stack = Stack(home=folder / "home", hubs=HUBS)
    try:
        stack.start_servers()
        yield Servers(folder=folder, stack=stack)
    finally:
        stack.stop()


@contextlib.contextmanager
def watched_memory(pid: int) -> Iterator[Memory]:
    """Watch the resident memory of a process."""
    memory, stop = Memory(), threading.Event()
    process = psutil.Process(pid)

    def watch() -> None:
        while not stop.is_set():
            memory.peak_bytes = max(memory.peak_bytes, process.memory_info().rss)
            stop.wait(_SAMPLE_SECONDS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
    finally:
        stop.set()
        watcher.join()


def _machine_seconds() -> tuple[float, float]:
    """Seconds that the processors of this machine worked, and all that there were."""
    times = psutil.cpu_times()
    whole = sum(times)
    return whole - times.idle - getattr(times, "iowait", 0.0), whole


def _hub_name(number: int) -> str:
    return f"hub-{number + 1}"


def _cpu_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False
