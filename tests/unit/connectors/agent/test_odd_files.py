"""What lies in `out` and cannot be taken, and what a crash left there: it holds up nothing else and is told."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.agent.disk import Disk
from connectors.agent.files import NAME_BYTES_MAX, TAKEN, take_files
from connectors.agent.journal import NoticeKind
from connectors.agent.outbox import outbox_round
from connectors.formats.stuf.examples import vto_example
from tests.support.connector_agents import Agent, Crash
from tests.support.connector_world import GEMEENTE, World
from tests.support.memory_hub import MemoryHub


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")


def _drop_as(agent: Agent, name: bytes) -> None:
    """Put a file into `out` under a name of any bytes."""
    (agent.home / "out" / "x.part").write_bytes(vto_example())
    folder = os.fsencode(agent.home / "out")
    os.rename(folder + b"/x.part", folder + b"/" + name)  # noqa: PTH104 - a path of bytes


async def _flows(agent: Agent) -> bool:
    """Whether an ordinary file goes its way."""
    agent.drop("gewoon.xml", vto_example())
    await agent.rounds()
    return "gewoon.xml" in agent.names("sent")


def _told(agent: Agent) -> list[str]:
    return [notice.text_nl for notice in agent.journal.open_notices() if notice.kind is NoticeKind.NOT_TAKEN]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"jos\xe9.xml", "de naam is geen UTF-8"),
        (b"x" * (NAME_BYTES_MAX + 1), f"de naam is langer dan {NAME_BYTES_MAX} bytes"),
    ],
)
async def test_a_file_of_an_impossible_name_stays_and_is_told_until_it_is_gone(
    gemeente: Agent, name: bytes, why: str
) -> None:
    _drop_as(gemeente, name)
    assert await _flows(gemeente)
    (text,) = _told(gemeente)
    assert why in text
    (path,) = (gemeente.home / "out").iterdir()
    path.unlink()
    await gemeente.rounds()
    assert _told(gemeente) == []


async def test_a_link_is_not_followed(gemeente: Agent) -> None:
    """Whoever writes to `out` may not read the keys; a refused file would bring one to `refused`."""
    secret = gemeente.home / "signing.pem"
    secret.write_bytes(b"secret")
    (gemeente.home / "out" / "sleutel.xml").symlink_to(secret)
    (gemeente.home / "out" / f"{TAKEN}sleutel.xml").symlink_to(secret)
    assert await _flows(gemeente)
    assert gemeente.names("refused") == []
    assert len(_told(gemeente)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among files")
async def test_a_file_that_became_a_link_or_a_pipe_since_it_was_looked_at_is_not_read(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes to `out` can be faster than we are; a pipe that nobody writes to would never end."""
    secret = gemeente.home / "signing.pem"
    secret.write_bytes(b"secret")
    os.mkfifo(gemeente.home / "pijp")
    monkeypatch.setattr("connectors.agent.files.why_not_taken", lambda _: None)
    monkeypatch.setattr("connectors.agent.files.is_finished", lambda _: True)
    (gemeente.home / "out" / "sleutel.xml").symlink_to(secret)
    (gemeente.home / "out" / "pijp.xml").symlink_to(gemeente.home / "pijp")
    os.mkfifo(gemeente.home / "out" / "pijp2.xml")
    with pytest.raises(OSError, match=r"link|file"):
        take_files(gemeente.journal, folders=gemeente.settings.folders, disk=Disk(), at=gemeente.services.clock.now())
    assert gemeente.journal.rows("SELECT * FROM files") == []


async def test_nothing_is_written_through_a_link_that_waits_where_we_write(gemeente: Agent) -> None:
    """Whoever may write in `answers` knows under which name the next answer is begun, and could have a key lost."""
    secret = gemeente.home / "signing.pem"
    secret.write_bytes(b"secret")
    for folder in ("answers", "sent"):
        for name in ("gewoon.xml.read.xml", "gewoon.xml.result.json", "gewoon.xml"):
            (gemeente.home / folder / f".{name}.part").symlink_to(secret)
    assert await _flows(gemeente)
    assert secret.read_bytes() == b"secret"
    assert not any(path.is_symlink() for path in (gemeente.home / "answers").glob("gewoon*"))


async def test_a_file_that_may_not_be_read_stays_until_it_may(gemeente: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def access(path: Path, mode: int) -> bool:
        return not (path.name == "dicht.xml" and mode == os.R_OK)

    monkeypatch.setattr("connectors.agent.files.os.access", access)
    gemeente.drop("dicht.xml", vto_example().replace(b"VTO-2026-0001", b"VTO-2026-0002"))
    assert await _flows(gemeente)
    assert gemeente.names("out") == ["dicht.xml"]
    assert "mag het niet lezen" in _told(gemeente)[0]
    monkeypatch.undo()
    await gemeente.rounds()
    assert "dicht.xml" in gemeente.names("sent")
    assert _told(gemeente) == []


async def test_many_files_that_stay_are_counted(gemeente: Agent) -> None:
    for number in range(8):
        _drop_as(gemeente, b"\xff%d.xml" % number)
    await outbox_round(gemeente.services)
    assert "en nog 3" in _told(gemeente)[0]
    before = gemeente.journal.open_notices()
    await outbox_round(gemeente.services)
    assert gemeente.journal.open_notices() == before


async def test_an_oversize_file_is_not_lost_by_a_crash_before_it_is_moved(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise Crash

    monkeypatch.setattr("connectors.agent.files.FILE_BYTES_MAX", 1000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", crash)
        gemeente.drop("groot.xml", b"y" * 2000)
        with pytest.raises(Crash):
            await gemeente.rounds()
    gemeente.restart()
    await gemeente.rounds()
    assert gemeente.names("refused") == ["groot.xml", "groot.xml.problem.json"]
    assert (gemeente.home / "refused" / "groot.xml").read_bytes() == b"y" * 2000


@dataclass(frozen=True, slots=True)
class _StubbornDisk(Disk):
    """A disk on which a file of one name cannot be removed."""

    name: str

    def remove(self, path: Path) -> None:
        if path.name == self.name:
            raise OSError("input/output error")
        Disk.remove(self, path)


async def test_a_file_on_which_the_folder_fails_holds_up_no_other_and_is_taken_once(gemeente: Agent) -> None:
    at, folders = gemeente.world.clock.now(), gemeente.settings.folders
    for name in ("een.xml", "twee.xml"):
        gemeente.drop(name, name.encode())
    for _ in range(2):
        with pytest.raises(OSError, match="input/output"):
            take_files(gemeente.journal, folders=folders, disk=_StubbornDisk(f"{TAKEN}een.xml"), at=at)
    assert gemeente.names("out") == [f"{TAKEN}een.xml"]
    take_files(gemeente.journal, folders=folders, disk=Disk(), at=at)
    assert gemeente.names("out") == []
    assert [row["name"] for row in gemeente.journal.rows("SELECT name FROM files ORDER BY id")] == [
        "een.xml",
        "twee.xml",
    ]
