"""The local PostgreSQL and Valkey: durable, behind a password or a closed socket, gone when their parent is."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from deploy.local.postgresql import PostgreSQLServer, start_postgresql
from deploy.local.valkey import start_valkey
from tests.support.members import Members

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that only its owner may enter, as a home is."""
    with tempfile.TemporaryDirectory(prefix="ketenhub-test-") as name:
        yield Path(name)


@pytest.mark.database
def test_postgresql_keeps_what_it_committed_when_it_is_killed(folder: Path) -> None:
    server = start_postgresql(folder / "postgresql")
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        settings = connection.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('data_checksums')"
        ).fetchone()
    assert settings == ("on", "on", "on")
    server.kill()
    with start_postgresql(folder / "postgresql") as again, psycopg.connect(again.url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    with start_postgresql(folder / "postgresql") as after_a_stop, psycopg.connect(after_a_stop.url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


@pytest.mark.database
def test_nobody_enters_postgresql_without_its_password(postgresql_server: PostgreSQLServer) -> None:
    passwords = postgresql_server.folder / "passwords"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    url = postgresql_server.url()
    for line in passwords.read_text().splitlines():
        assert line.rpartition(":")[2] not in url
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("passwords", "no-such-file"))
    assert stat.S_IMODE(postgresql_server.socket_folder.stat().st_mode) == 0o700


@pytest.mark.database
def test_the_hub_s_role_is_no_superuser(postgresql_server: PostgreSQLServer) -> None:
    with psycopg.connect(postgresql_server.url("postgres")) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False,)


@pytest.mark.database
def test_no_value_of_a_statement_stands_in_the_server_s_log(postgresql_server: PostgreSQLServer) -> None:
    secret = Members().tag().value
    with psycopg.connect(postgresql_server.url("postgres")) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT %s::int, 1 / 0", [secret])
    log = (postgresql_server.folder / "server.log").read_text()
    assert secret.split(".")[1] not in log


def test_valkey_answers_on_a_socket_that_only_its_owner_opens(folder: Path) -> None:
    with start_valkey(folder / "valkey") as server:
        assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700
        with redis.Redis.from_url(server.url()) as client:
            client.set("key", "value")
        server.kill()
        with start_valkey(folder / "valkey") as again, redis.Redis.from_url(again.url()) as client:
            assert client.ping()


def test_a_folder_with_a_long_name_has_its_sockets_elsewhere(folder: Path) -> None:
    with start_valkey(folder / ("n" * 120)) as server, redis.Redis.from_url(server.url()) as client:
        assert client.ping()
    assert not server.socket_path.parent.exists()


def test_valkey_on_a_port_wants_its_password(folder: Path, unused_port: int) -> None:
    with start_valkey(folder / "valkey", port=unused_port):
        password = (folder / "valkey" / "password").read_text()
        with redis.Redis(port=unused_port) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        with redis.Redis(port=unused_port, password=password) as client:
            assert client.ping()


@pytest.mark.database
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_servers_die_with_a_parent_that_was_killed(folder: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from deploy.local.postgresql import start_postgresql
        from deploy.local.valkey import start_valkey

        folder = Path(sys.argv[1])
        servers = [start_postgresql(folder / "postgresql"), start_valkey(folder / "valkey")]
        print(*(server.process.pid for server in servers), flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        started = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    children = [child for process in started for child in (process, *process.children())]
    assert len(started) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline, [child for child in children if child.is_running()]
        time.sleep(0.05)


@pytest.mark.database
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its servers a user of their own")
def test_root_opens_its_folders_to_nobody_else(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with start_postgresql(closed / "postgresql") as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        owner = (closed / "postgresql" / "data").stat().st_uid
        assert owner not in {0, 65534}
        assert psutil.Process(server.process.pid).uids().real == owner
    other = closed.stat().st_mode & stat.S_IRWXO
    assert other == 0


@pytest.fixture
def unused_port() -> int:
    """Give a port that nobody listens on at this moment."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
