"""The whole stack on one machine: database, cache, hub, worker, and the connectors of some organisations.

Everything is started as an operator would start it, by its own command; nothing of the product is imported. State is
in one folder, so that stopping and starting again goes on where it was:

    postgresql/ valkey/          the servers' data
    registrar/                   the registrar's key: a file of its own, which the hub never reads
    board/                       keys of the board's members, and what they signed
    hub/                         settings, keys and rollback guard of the hub
    organisations/<name>/        home of a connector: keys, journal, and the folders out, sent, refused, in, answers
    logs/                        output of each process
"""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.board import LocalBoard
from deploy.local.postgresql import PostgreSQLServer, start_postgresql
from deploy.local.processes import ManagedProcess, ReservedPort, StackError, wait_until
from deploy.local.valkey import ValkeyServer, start_valkey

HUB_NAME: Final = "hub.ketenhub.test"
HUB_PORT: Final = 8480
API_PORT: Final = 8490
"""Where the API of the first organisation's connector listens; the next has the next."""
READY_SECONDS: Final = 30.0
HEALTH_RULE: Final = """
[stuf]
health_documents = ["Diagnostisch onderzoek", "Hulpverleningsrapportage"]
necessary_documents = ["Diagnostisch onderzoek"]
"""
"""Care reports count as findings on health that nobody marks as necessary by itself: of an example's two attachments on
health one goes (the diagnostic report, which the StUF rule marks) and one stays behind."""
_BIN: Final = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A fictitious participant of the local stack."""

    name: str
    oin: str
    title: str
    role: str
    capacities: tuple[str, ...] = ()
    canary: bool = False


GEMEENTE: Final = Organisation(
    name="gemeente", oin="00000099000000001000", title="Gemeente Voorbeeldstad", role="gemeente"
)
RAAD: Final = Organisation(
    name="raad", oin="00000099000000002000", title="Raad voor de Kinderbescherming (test)", role="raad"
)
GI: Final = Organisation(
    name="gi",
    oin="00000099000000003000",
    title="GI Voorbeeld Jeugdbescherming",
    role="gi",
    capacities=("ots", "voogdij", "preventief"),
)
ORGANISATIONS: Final = (GEMEENTE, RAAD, GI)
CANARY: Final = Organisation(
    name="kanarie",
    oin="00000099000000009000",
    title="Kanarie (test)",
    role="gi",
    # Not in every capacity: one of its messages names the one that it lacks.
    capacities=("ots", "preventief"),
    canary=True,
)
"""Not one of the organisations: it exchanges nothing, and only proves that what must be refused is refused."""
CANARY_SECONDS: Final = 60
"""How often it does so here, where somebody looks."""


@dataclass(slots=True, kw_only=True)
class Stack:
    """The local stack in one folder.

    Attributes:
        home: Folder with all state.
        organisations: Who takes part; the first draws the chain key and hands it over to the others.
        hubs: How many hub processes serve; each has its own port, the first is the one that connectors use.
        health_rule: Whether the gemeente's connector is made with `HEALTH_RULE`.
        canary: Whether `CANARY` joins too.
        processes: Everything that runs but the two servers, by name.
        ports: Port of each hub process.
        apis: Port of each connector's API for systems, by organisation.
    """

    home: Path
    organisations: tuple[Organisation, ...] = ORGANISATIONS
    hubs: int = 1
    health_rule: bool = False
    canary: bool = False
    postgresql: PostgreSQLServer | None = None
    valkey: ValkeyServer | None = None
    processes: dict[str, ManagedProcess] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    apis: dict[str, int] = field(default_factory=dict)
    _reserved: list[ReservedPort] = field(default_factory=list)
    _log_vkey: str = ""

    @property
    def url(self) -> str:
        """Where connectors reach the hub."""
        return f"http://127.0.0.1:{self.ports[0]}"

    def organisation(self, organisation: Organisation) -> Path:
        """Home of an organisation's connector."""
        return self.home / "organisations" / organisation.name

    # ---- the life of the stack ----

    def start(self) -> None:
        """Start everything; the first time, also make keys, admit and join the organisations.

        Raises:
            StackError: Something did not start; the text ends with its last lines of output.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        # Each command is a process that first imports for a while, so what does not wait for another runs beside it.
        # A server is started by this thread alone: it ends with the thread that started it.
        with ThreadPoolExecutor() as at_once:
            registrar = at_once.submit(self._make_registrar)
            self.start_servers()
            registrar.result()
            self._make_hub_keys()
            decided = at_once.submit(self._board.decide)
            canaries = (CANARY,) if self.canary else ()
            admitted = [at_once.submit(self._admit, each) for each in (*self.organisations, *canaries)]
            self._migrate()
            for number in range(self.hubs):
                self.start_hub(number, decides=False)
            decided.result()  # not looked for twice at once
            in_force = at_once.submit(self.bring_into_force)
            for each in admitted:
                each.result()
            first, *others = self.organisations
            giver = at_once.submit(self._join_and_open_epoch, first)
            list(at_once.map(self._join, (*others, *canaries)))
            self.start_process("worker", [_BIN / "ketenhub", "worker", "--settings", self._settings])
            giver.result()
            list(at_once.map(self._give_chain_key, others))
            in_force.result()
        for organisation in self.organisations:
            self.start_connector(organisation)

    def stop(self) -> None:
        """Stop everything, the ends first; nothing is left running."""
        for process in reversed(self.processes.values()):
            process.stop()
        self.processes.clear()
        if self.valkey is not None:
            self.valkey.stop()
        if self.postgresql is not None:
            self.postgresql.stop()
        for port in self._reserved:
            port.give_back()
        self._reserved.clear()
        self.ports.clear()
        self.apis.clear()

    def start_servers(self) -> None:
        """Start PostgreSQL and Valkey."""
        self.postgresql = start_postgresql(self.home / "postgresql")
        self.valkey = start_valkey(self.home / "valkey")

    def prepare_hub(self) -> None:
        """Make what the hub needs and is not there: registrar's key, what the board signed, settings, keys, tables."""
        self._make_registrar()
        self._board.decide()
        self._make_hub_keys()
        self._migrate()

    def start_hub(self, number: int, *, decides: bool = True) -> None:
        """Start one hub process and wait until it answers and, if it is to decide, until it does."""
        name = self._hub_name(number)
        port = self.ports[number]
        process = self.start_process(
            name,
            [_BIN / "ketenhub", "serve", "--settings", self._settings, "--port", str(port)],
            # Without a proxy before them, each process is reached at a place of its own; the issuer is one.
            environment={"KETENHUB_HUB_API": f"http://127.0.0.1:{port}"},
        )
        self._wait_for_hub(process, port, "healthz")
        if decides:
            self.bring_into_force()

    def _hub_name(self, number: int) -> str:
        return f"hub-{number + 1}" if self.hubs > 1 else "hub"

    def _wait_for_hub(self, process: ManagedProcess, port: int, state: str) -> None:
        url = f"http://127.0.0.1:{port}/{state}"
        wait_until(lambda: _answers(url), what="hub", seconds=READY_SECONDS, process=process)

    def start_connector(self, organisation: Organisation) -> ManagedProcess:
        """Start the connector of an organisation, with its API for systems."""
        home = self.organisation(organisation)
        self._let_listen(organisation)
        return self.start_process(organisation.name, [_BIN / "ketenhub-connector", "run", "--home", home])

    def start_canary(self) -> ManagedProcess:
        """Start sending, again and again, what the hub must refuse."""
        program, home = _BIN / "ketenhub-connector", self.organisation(CANARY)
        return self.start_process(
            CANARY.name, [program, "canary", "run", "--every", str(CANARY_SECONDS), "--home", home]
        )

    def start_process(
        self, name: str, command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None
    ) -> ManagedProcess:
        """Start a process of the stack under a name."""
        process = ManagedProcess(
            name=name,
            command=[str(part) for part in command],
            log=self.home / "logs" / f"{name}.log",
            environment={"PYTHONUNBUFFERED": "1", **(environment or {})},
        )
        process.start()
        self.processes[name] = process
        return process

    def command(self, program: str, *arguments: str | Path) -> str:
        """Run a command of the product to its end and return what it prints.

        Raises:
            StackError: It failed; the text is what it said.
        """
        done = self.attempt(program, *arguments)
        if done.returncode != 0:
            shown = " ".join([program, *map(str, arguments)])
            raise StackError(f"`{shown}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the product that may be refused; returns its exit code and what it prints."""
        return subprocess.run(
            [str(_BIN / program), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
        )

    # ---- what is made the first time ----

    def _make_registrar(self) -> None:
        registrar = self.home / "registrar"
        if not (registrar / "registrar.pem").exists():
            self.command("ketenhub-registrar", "init", registrar)

    def _make_hub_keys(self) -> None:
        """Write the hub's settings, make its keys, and learn the log's key, which every connector pins."""
        if not self.ports:
            for number in range(self.hubs):
                self._reserved.append(ReservedPort(HUB_PORT + number))
                self.ports.append(self._reserved[-1].number)
        self._settings.parent.mkdir(parents=True, exist_ok=True)
        self._settings.write_text(self._hub_settings())
        shown = self.command("ketenhub", "keys", "create", "--settings", self._settings)
        self._log_vkey = next(line.split()[-1] for line in shown.splitlines() if line.startswith("log vkey:"))

    @property
    def _board(self) -> LocalBoard:
        return LocalBoard(home=self.home / "board", registrar=self.home / "registrar", command=self.command)

    def bring_into_force(self) -> None:
        """Post what the board signed where the hub decides by nothing yet, and wait until every process decides."""
        self._board.decide()
        running = {
            port: self.processes[name]
            for number, port in enumerate(self.ports)
            if (name := self._hub_name(number)) in self.processes
        }
        first = f"http://127.0.0.1:{next(iter(running))}"
        if not _answers(f"{first}/readyz"):
            self._board.send(first)
        for port, process in running.items():
            self._wait_for_hub(process, port, "readyz")

    def _migrate(self) -> None:
        self.command("ketenhub", "migrate", "--settings", self._settings)

    @property
    def _settings(self) -> Path:
        return self.home / "hub" / "hub.toml"

    def _hub_settings(self) -> str:
        assert self.postgresql is not None
        assert self.valkey is not None
        sections: dict[str, dict[str, str | int | bool]] = {
            "hub": {"name": HUB_NAME, "issuer": self.url, "environment": "local"},
            "keys": {
                "log": str(self.home / "hub" / "keys" / "log.skey"),
                "token": str(self.home / "hub" / "keys" / "token.key"),
                "registrar": str(self.home / "registrar" / "registrar.jwk.json"),
            },
            "storage": {"postgresql": self.postgresql.url(), "guard": str(self.home / "hub" / "guard")},
            "redis": {"url": self.valkey.url()},
            "web": {"port": self.ports[0], "requests_per_minute": 0, "tokens_per_minute": 0},
            "work": {"unsafe_notify_anywhere": True},
        }
        return "\n".join(
            f"[{section}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
            for section, values in sections.items()
        )

    def _admit(self, organisation: Organisation) -> None:
        """Make a connector's home and let the registrar admit it; no hub is needed for that."""
        home, registrar = self.organisation(organisation), self.home / "registrar"
        if (home / "joined").exists():
            self._point_at_hub(home)
            return
        admission = self._admission(organisation)
        if admission.exists():
            return
        canary = ["--canary"] if organisation.canary else []
        capacities = [part for capacity in organisation.capacities for part in ("--capacity", capacity)]
        self.command(
            "ketenhub-connector", "init", "--home", home,
            "--oin", organisation.oin, "--name", organisation.title, "--role", organisation.role, *capacities,
            "--hub", self.url, "--hub-name", HUB_NAME,
            "--registrar", registrar / "registrar.jwk.json", "--log-vkey", self._log_vkey,
            "--responsible", "eigen:dienstdoende", *canary,
        )  # fmt: skip
        if self.health_rule and organisation is GEMEENTE:
            with (home / "connector.toml").open("a") as settings:
                settings.write(HEALTH_RULE)
        self.command(
            "ketenhub-registrar", "admit", home / "admission-request.json",
            "--key", registrar / "registrar.pem", "--out", admission, *canary,
        )  # fmt: skip

    def _join(self, organisation: Organisation) -> None:
        home = self.organisation(organisation)
        if not (home / "joined").exists():
            self.command("ketenhub-connector", "join", "--home", home, self._admission(organisation))
            (home / "joined").touch()

    def _admission(self, organisation: Organisation) -> Path:
        return self.home / "registrar" / f"{organisation.name}.admission.jwt"

    def _point_at_hub(self, home: Path) -> None:
        """Let a connector know the port of today, which differs when the usual one was taken."""
        settings = home / "connector.toml"
        lines = settings.read_text().splitlines()
        settings.write_text(
            "\n".join(f'url = "{self.url}"' if line.startswith("url = ") else line for line in lines) + "\n"
        )

    def _let_listen(self, organisation: Organisation) -> None:
        """Let a connector know where its API listens today."""
        if organisation.name not in self.apis:
            self._reserved.append(ReservedPort(API_PORT + len(self.apis)))
            self.apis[organisation.name] = self._reserved[-1].number
        settings = self.organisation(organisation) / "connector.toml"
        listen = f'listen = "127.0.0.1:{self.apis[organisation.name]}"'
        lines = settings.read_text().splitlines()
        if "[api]" not in lines:
            lines += ["", "[api]", listen]
        settings.write_text("\n".join(listen if line.startswith("listen = ") else line for line in lines) + "\n")

    def _join_and_open_epoch(self, organisation: Organisation) -> None:
        """Let one organisation join and draw the first chain key, and the registrar open its epoch."""
        self._join(organisation)
        registrar, giver = self.home / "registrar", self.organisation(organisation)
        epoch = registrar / "epoch-0.jwt"
        if epoch.exists():
            return
        self.command("ketenhub-connector", "chain-key", "create", "--home", giver)
        self.command(
            "ketenhub-registrar", "open-epoch", giver / "chain-epoch-request.json",
            "--key", registrar / "registrar.pem", "--out", epoch,
        )  # fmt: skip
        self.command("ketenhub-connector", "chain-key", "open", "--home", giver, epoch)

    def _give_chain_key(self, receiver: Organisation) -> None:
        giver, taken = (
            self.organisation(self.organisations[0]),
            self.organisation(receiver) / "keys" / "chain" / "0.key",
        )
        if taken.exists():
            return
        self.command("ketenhub-connector", "chain-key", "hand-over", "--home", giver, receiver.oin)
        self.command("ketenhub-connector", "chain-key", "take", "--home", self.organisation(receiver))


@contextlib.contextmanager
def running_stack(
    home: Path,
    *,
    organisations: tuple[Organisation, ...] = ORGANISATIONS,
    hubs: int = 1,
    health_rule: bool = False,
    canary: bool = False,
) -> Iterator[Stack]:
    """Start a stack and stop it whatever happens.

    Args:
        home: Folder with all state.
        organisations: Who takes part.
        hubs: How many hub processes serve.
        health_rule: See `Stack`.
        canary: See `Stack`.

    Raises:
        StackError: Something did not start, or a stack runs in this folder already.
    """
    stack = Stack(home=home, organisations=organisations, hubs=hubs, health_rule=health_rule, canary=canary)
    with _alone(home):
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold a folder for one stack; the lock ends with this process, however it ends.

    Raises:
        StackError: Another process holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "running").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            number = file.read().strip()
            text = f"it runs already in {home}; stop it with Ctrl-C where it was started, or with `kill {number}`"
            raise StackError(text) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def default_home() -> Path:
    """Folder of the stack that stays: `KETENHUB_HOME`, or `var/` beside the software."""
    return Path(os.environ.get("KETENHUB_HOME") or Path(__file__).resolve().parents[2] / "var").resolve()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
