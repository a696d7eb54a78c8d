"""The whole local stack for end-to-end tests, and what an outsider does with it: drop files, look into folders.

One stack serves all tests of a worker; two hub processes serve one database, and the connectors use different ones.
Nothing here reaches into the product: folders, commands, HTTP, and the database as its operator sees it.

    vto = office.gemeente.drop(vto_scenario(1, header=Header(reference=unique("VTO"))))
    sent = office.gemeente.sent(vto, state="received")
    office.raad.received(sent.message)
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
from psycopg import sql

from deploy.local.processes import wait_until
from deploy.local.stack import GEMEENTE, GI, RAAD, Organisation, Stack, running_stack

WAIT_SECONDS: Final = 60.0
REPOSITORY: Final = Path(__file__).resolve().parents[2]
_BIN: Final = Path(sys.executable).parent
_numbers: Final = itertools.count(1)


def unique(prefix: str) -> str:
    """Return a text that nothing else in this run has, for reference numbers and file names."""
    return f"{prefix}-{time.time_ns() // 1000 % 10**9}-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What stands beside a sent file, as far as it is about its one recipient."""

    name: str
    result: Mapping[str, Any]

    @property
    def recipient(self) -> Mapping[str, Any]:
        """The part about the recipient."""
        (only,) = self.result["recipients"]
        return dict(only)

    @property
    def message(self) -> str:
        """The message's id."""
        return str(self.recipient["message"])


@dataclass(frozen=True, slots=True)
class Received:
    """The three files of a received message."""

    xml: bytes
    fhir: Mapping[str, Any]
    evidence: Mapping[str, Any]
    evidence_path: Path


@dataclass(frozen=True, slots=True)
class Office:
    """One organisation as its own people see it: the folders of its connector, and its commands."""

    stack: Stack
    organisation: Organisation

    @property
    def home(self) -> Path:
        """Home of the connector."""
        return self.stack.organisation(self.organisation)

    def folder(self, name: str) -> Path:
        """One of `out`, `sent`, `refused`, `in`, `answers`."""
        return self.home / name

    def files(self) -> dict[str, list[str]]:
        """Every visible file, by folder."""
        return {
            name: sorted(path.name for path in self.folder(name).iterdir() if not path.name.startswith("."))
            for name in ("out", "sent", "refused", "in", "answers")
        }

    def drop(self, data: bytes, name: str | None = None) -> str:
        """Put a file in `out` as a careful system does: write, then rename. Returns its name."""
        target = self.folder("out") / (name or f"{unique('bestand')}.xml")
        part = target.with_name(f"{target.name}.part")
        part.write_bytes(data)
        part.rename(target)
        return target.name

    def sent(self, name: str, *, state: str | None = None) -> Sent:
        """Wait until a file was sent, and its message has a state."""
        path = self.folder("sent") / f"{name}.result.json"
        refused = self.folder("refused") / f"{name}.problem.json"
        wait_until(lambda: path.exists() or refused.exists(), what=f"result of `{name}`", seconds=WAIT_SECONDS)
        assert not refused.exists(), refused.read_text()
        if state is not None:
            wait_until(
                lambda: read_json(path)["recipients"][0]["state"] == state,
                what=f"`{name}` to be {state}",
                seconds=WAIT_SECONDS,
            )
        return Sent(name, read_json(path))

    def refused(self, name: str) -> Mapping[str, Any]:
        """Wait until a file was refused, and return the problem."""
        path = self.folder("refused") / f"{name}.problem.json"
        sent = self.folder("sent") / f"{name}.result.json"
        wait_until(lambda: path.exists() or sent.exists(), what=f"problem of `{name}`", seconds=WAIT_SECONDS)
        assert path.exists(), "it was sent"
        return dict(read_json(path))

    def answers(self, name: str, count: int) -> dict[str, bytes]:
        """Wait for the answers to a file; returns them by kind."""
        folder = self.folder("answers")

        def found() -> list[Path]:
            return [path for path in folder.glob(f"{name}.*.xml") if not path.name.startswith(".")]

        wait_until(lambda: len(found()) >= count, what=f"answers to `{name}`", seconds=WAIT_SECONDS)
        return {path.name.removeprefix(f"{name}.").removesuffix(".xml"): path.read_bytes() for path in found()}

    def received(self, message: str) -> Received:
        """Wait for a message's files; the XML comes last."""
        folder = self.folder("in")
        native = folder / f"{message}.xml"
        wait_until(native.exists, what=f"`in/{message}.xml`", seconds=WAIT_SECONDS)
        evidence = folder / f"{message}.evidence.json"
        return Received(
            xml=native.read_bytes(),
            fhir=read_json(folder / f"{message}.fhir.json"),
            evidence=read_json(evidence),
            evidence_path=evidence,
        )

    def command(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `ketenhub-connector` with this home."""
        return run("ketenhub-connector", words[0], "--home", self.home, *words[1:], check=check)

    def status(self) -> dict[str, Any]:
        """What `status --json` says."""
        return dict(json.loads(self.command("status", "--json").stdout))

    def notices_about(self, about: str) -> list[dict[str, Any]]:
        """Wait until people are told something about a message, or about `disk` or `log`; returns what."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := [each for each in self.status()["notices"] if each["about"] == about]):
            assert time.monotonic() < deadline, f"nobody is told about {about}"
            time.sleep(0.4)  # a command takes its share of the machine
        return found

    def stop(self) -> None:
        """Stop the connector, if it runs."""
        self.stack.processes[self.organisation.name].stop()

    def start(self) -> None:
        """Start the connector, if it does not run."""
        if self.stack.processes[self.organisation.name].pid is None:
            self.stack.start_connector(self.organisation)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep the connector stopped for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def settings(self, change: str) -> Iterator[None]:
        """Let the connector run with lines before the first section of its settings, for a while."""
        path = self.home / "connector.toml"
        before = path.read_text()
        name = change.partition("=")[0].strip()
        kept = "\n".join(line for line in before.splitlines() if not line.startswith(f"{name} ="))
        self.stop()
        path.write_text(f"{change}\n{kept}\n")
        self.start()
        try:
            yield
        finally:
            self.stop()
            path.write_text(before)
            self.start()


@dataclass(frozen=True, slots=True)
class StackUnderTest:
    """The stack and its three organisations."""

    stack: Stack

    @property
    def gemeente(self) -> Office:
        """The municipality."""
        return Office(self.stack, GEMEENTE)

    @property
    def raad(self) -> Office:
        """The Raad."""
        return Office(self.stack, RAAD)

    @property
    def gi(self) -> Office:
        """The certified institution."""
        return Office(self.stack, GI)

    @property
    def policy(self) -> Path:
        """Whose signatures count, for `ketenhub-log`."""
        path = self.stack.home / "policy.txt"
        if not path.exists():
            vkey = read_toml_text(self.gemeente.home / "connector.toml", "log_vkey")
            registrar = json.dumps(
                json.loads((self.stack.home / "registrar" / "registrar.jwk.json").read_text()), separators=(",", ":")
            )
            path.write_text(f"log {vkey}\nquorum none\nregistrar {registrar}\n")
        return path

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect to the hub's database, as its operator can."""
        assert self.stack.postgresql is not None
        return psycopg.connect(self.stack.postgresql.url(), autocommit=True)

    def hub_state(self) -> dict[str, str]:
        """Return what the hub holds, less what refusals leave: a digest for each table, and each log entry.

        A refusal may leave a REFUSAL entry and what belongs to it; everything else must stay as it was.
        """
        with self.database() as connection:
            others = "SELECT * FROM {} WHERE index NOT IN (SELECT index FROM log_entries WHERE kind = 'REFUSAL')"
            state = {
                name: _digest(connection, sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))) for name in _STATE
            }
            state["log_entries"] = _digest(
                connection, sql.SQL("SELECT kind, sender, entry FROM log_entries WHERE kind <> 'REFUSAL'")
            )
            for name in ("shown_records", "kept_records"):
                state[name] = _digest(connection, sql.SQL(others).format(sql.Identifier(name)))
        return state

    def entries(self) -> list[dict[str, Any]]:
        """Return the log's entries, in order."""
        with self.database() as connection:
            rows = connection.execute("SELECT entry FROM log_entries ORDER BY index").fetchall()
        return [json.loads(text) for (text,) in rows]


_STATE: Final = (
    "messages",
    "message_bodies",
    "ciphertexts",
    "waiting",
    "disclosures",
    "receipts",
    "expiries",
    "participants",
    "chain_epochs",
    "catalogues",
    "chain_key_handovers",
    "subject_heads",
)


def _digest(connection: psycopg.Connection[tuple[Any, ...]], query: sql.SQL | sql.Composed) -> str:
    rows = "coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
    whole = sql.SQL("SELECT count(*) || ' ' || {rows} FROM ({query}) t")
    row = connection.execute(whole.format(rows=sql.SQL(rows), query=query)).fetchone()
    assert row is not None
    return str(row[0])


def run(program: str, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the product to its end."""
    done = subprocess.run(
        [str(_BIN / program), *map(str, words)], capture_output=True, text=True, check=False, timeout=120
    )
    if check:
        assert done.returncode == 0, f"{program} {words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_toml_text(path: Path, name: str) -> str:
    """Read one text from a TOML file, wherever in it it stands."""
    found = re.search(rf'^{name} = "([^"]*)"$', path.read_text(), re.MULTILINE)
    assert found is not None, f"no `{name}` in {path}"
    return found[1]


def set_toml(path: Path, **values: str | float) -> None:
    """Change top-level settings that stand in a TOML file, or put them before everything else."""
    lines = path.read_text().splitlines()
    for name, value in values.items():
        line = f"{name} = {json.dumps(value)}"
        places = [number for number, text in enumerate(lines) if text.startswith(f"{name} =")]
        if places:
            lines[places[0]] = line
        else:
            lines.insert(0, line)
    path.write_text("\n".join(lines) + "\n")


def quicken(stack: Stack, organisations: Sequence[Organisation]) -> None:
    """Let connectors look around ten times as often as they do by default, so that tests need not wait."""
    for organisation in organisations:
        set_toml(stack.organisation(organisation) / "connector.toml", poll_seconds=0.2)
        stack.processes[organisation.name].stop()
        stack.start_connector(organisation)


@contextlib.contextmanager
def stack_under_test(*, hubs: int = 2) -> Iterator[StackUnderTest]:
    """Start a stack in a folder of its own.

    It does not lie in pytest's folder, which each run of pytest closes to the users that servers run under.
    """
    home = Path(tempfile.mkdtemp(prefix="ketenhub-e2e-"))
    try:
        with running_stack(home, hubs=hubs) as stack:
            # The Raad talks to the last hub process, the others to the first: everything crosses the database.
            set_toml(stack.organisation(RAAD) / "connector.toml", url=f"http://127.0.0.1:{stack.ports[-1]}")
            quicken(stack, (GEMEENTE, RAAD, GI))
            yield StackUnderTest(stack)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def processes_in(home: Path) -> list[str]:
    """Return the command lines that name a home."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if any(str(home) in word for word in words) and process.pid != os.getpid():
            found.append(" ".join(words))
    return found
