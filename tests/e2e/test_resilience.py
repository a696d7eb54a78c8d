"""What an operator and an organisation can rely on when parts are missing, full or in the way."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.processes import wait_until
from deploy.local.valkey import start_valkey
from tests.support.stack import REPOSITORY, WAIT_SECONDS, StackUnderTest, processes_in, unique
from tests.support.stuf_scenarios import GEMEENTE, RAAD, Attachment, Header, notification_scenario, vto_example

pytestmark = pytest.mark.stack


def vto(size: int = 0) -> bytes:
    page = Attachment(
        identifier="DOC-1",
        description="Verzoek tot onderzoek RvdK",
        file_name="verzoek.pdf",
        data=b"%PDF-1.4 " + os.urandom(size),
    )
    return vto_example(header=Header(reference=unique("VTO")), attachments=(page,))


def notification() -> bytes:
    header = Header(sender=RAAD, receiver=GEMEENTE, reference=unique("NOT"))
    return notification_scenario(7, header=header)


def test_two_hub_processes_keep_one_log(office: StackUnderTest) -> None:
    assert len(office.stack.ports) == 2
    sent = [(office.gemeente, office.gemeente.drop(vto())) for _ in range(10)]
    sent += [(office.raad, office.raad.drop(notification())) for _ in range(10)]
    indexes = [sender.sent(name, state="received").recipient["log_index"] for sender, name in sent]
    assert len(set(indexes)) == len(indexes)
    entries = office.entries()
    assert all(entries[index]["kind"] == "SUBMISSION" for index in indexes)
    assert [entry["time"] for entry in entries] == sorted(entry["time"] for entry in entries)


def test_messages_go_on_when_valkey_is_gone(office: StackUnderTest) -> None:
    assert office.stack.valkey is not None
    office.stack.valkey.kill()
    try:
        began = time.monotonic()
        name, back = office.gemeente.drop(vto()), office.raad.drop(notification())
        office.raad.received(office.gemeente.sent(name, state="received").message)
        office.gemeente.received(office.raad.sent(back, state="received").message)
        # Without wake-ups a long poll looks for itself.
        assert time.monotonic() - began < WAIT_SECONDS
    finally:
        office.stack.valkey = start_valkey(office.stack.home / "valkey")
    name = office.gemeente.drop(vto())
    office.gemeente.sent(name, state="received")


def test_a_connector_with_little_room_takes_nothing_says_so_and_loses_nothing(office: StackUnderTest) -> None:
    with office.gemeente.settings("free_bytes_min = 1000000000000000"):
        name = office.gemeente.drop(vto())
        assert [each["kind"] for each in office.gemeente.notices_about("disk")] == ["disk"]
        assert (office.gemeente.folder("out") / name).exists()
    office.gemeente.sent(name, state="received")
    assert "disk" not in {each["kind"] for each in office.gemeente.status()["notices"]}


def command_of(program: str, *words: str) -> int:
    """Run a program of the system; returns its exit code, or 127 if it is not there."""
    path = shutil.which(program)
    return subprocess.run([path, *words], capture_output=True, check=False).returncode if path else 127


@contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[None]:
    """Put a folder on a disk of its own, as large as this; skip the test where nobody may mount."""
    kept = folder.with_name(f"{folder.name}.kept")
    folder.rename(kept)
    folder.mkdir(mode=0o700)
    if command_of("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)) != 0:
        folder.rmdir()
        kept.rename(folder)
        pytest.skip("a small disk needs the right to mount one")
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield
    finally:
        shutil.rmtree(kept)
        shutil.copytree(folder, kept)
        assert command_of("umount", str(folder)) == 0
        folder.rmdir()
        kept.rename(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="a small disk needs the right to mount one")
def test_a_connector_whose_disk_is_full_loses_nothing(office: StackUnderTest) -> None:
    home = office.raad.home
    used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    office.raad.stop()
    try:
        with small_disk(home, size=f"{used // 1024 + 4096}k"):
            with office.raad.settings("free_bytes_min = 0"):
                names = [office.gemeente.drop(vto(900_000)) for _ in range(6)]
                wait_until(lambda: "disk.full" in log_of(office), what="a full disk", seconds=WAIT_SECONDS)
                assert not all(office.gemeente.sent(name).recipient["state"] == "received" for name in names)
                assert command_of("mount", "-o", "remount,size=256m", str(home)) == 0
                messages = [office.gemeente.sent(name, state="received").message for name in names]
                for message in messages:
                    assert len(list(office.raad.folder("in").glob(f"{message}.*"))) == 3
            office.raad.stop()
    finally:
        office.raad.start()


def log_of(office: StackUnderTest) -> str:
    """Return what the Raad's connector wrote to its log."""
    return (office.stack.home / "logs" / "raad.log").read_text()


# ---- make run, as anybody may run it ----


@contextmanager
def make_run(home: Path, *, user: int | None) -> Iterator[subprocess.Popen[str]]:
    """Run `make run`'s program in a home, as a user; it must end by itself when asked, and leave nothing."""
    words = [sys.executable, "-m", "deploy.local.run"]
    if user is not None:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    environment = {**os.environ, "KETENHUB_HOME": str(home), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        words, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert processes_in(home) == []


def hub_of(process: "subprocess.Popen[str]") -> str:
    """Wait until `make run` has said where everything is; returns the hub's address."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return next(word for word in said.split() if word.startswith("http://"))
    raise AssertionError(said)


def ordinary_user() -> int | None:
    """Return a user that is not root and can run this Python; None if we are an ordinary user, or there is none."""
    if os.geteuid() != 0:
        return None
    starts_itself = "import subprocess, sys, aiohttp; subprocess.run([sys.executable, '-c', ''], check=True)"
    words = ("--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", starts_itself)
    return 65534 if command_of("setpriv", *words) == 0 else None


@pytest.mark.timeout(400)
def test_make_run_goes_on_where_it_was_also_when_its_port_is_taken() -> None:
    # As an ordinary user, also where root runs the tests, if that user may use this Python.
    user = ordinary_user()
    base = Path(tempfile.mkdtemp(prefix="ketenhub-run-"))
    base.chmod(0o755)
    home = base / "var"
    home.mkdir()
    if user is not None:
        os.chown(home, user, user)
    try:
        with make_run(home, user=user) as process:
            first = hub_of(process)
            one = send_in(home, user)
            await_state(home, one)
        with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))), make_run(home, user=user) as process:
            assert hub_of(process) != first
            assert state_of(home, one) == "received"
            two = send_in(home, user)
            await_state(home, two)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def send_in(home: Path, user: int | None) -> str:
    """Drop a request in the gemeente's `out/`, as the user would."""
    name = f"{unique('verzoek')}.xml"
    part = home / "organisations" / "gemeente" / "out" / f"{name}.part"
    part.write_bytes(vto())
    if user is not None:
        os.chown(part, user, user)
    part.rename(part.with_name(name))
    return name


def state_of(home: Path, name: str) -> str:
    """Return the state of a sent file; empty as long as there is none."""
    path = home / "organisations" / "gemeente" / "sent" / f"{name}.result.json"
    return str(json.loads(path.read_text())["recipients"][0]["state"]) if path.exists() else ""


def await_state(home: Path, name: str) -> None:
    """Wait until a sent file was received."""
    wait_until(lambda: state_of(home, name) == "received", what=f"`{name}` to be received", seconds=WAIT_SECONDS)
