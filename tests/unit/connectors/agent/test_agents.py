"""The agents of two organisations on one hub: what comes and goes, and that nothing is lost or twice."""

import json
from pathlib import Path

import pytest

from connectors.formats.stuf.answers import read_answer
from connectors.formats.stuf.examples import vto_example
from connectors.formats.stuf.scenarios import notification_scenario, vto_scenario
from tests.support.connector_agents import Agent, Crash, Fuse
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.memory_hub import MemoryHub


def _two(tmp_path: Path, *, fuse: Fuse | None = None) -> tuple[Agent, Agent]:
    world = World()
    hub = MemoryHub(world=world)
    burning = fuse or Fuse()
    gemeente = Agent(world=world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente", fuse=burning)
    raad = Agent(world=world, hub=hub, oin=RAAD, home=tmp_path / "raad", fuse=burning)
    return gemeente, raad


def _result(agent: Agent, name: str) -> dict[str, object]:
    (recipient,) = json.loads((agent.home / "sent" / f"{name}.result.json").read_bytes())["recipients"]
    assert isinstance(recipient, dict)
    return recipient


async def test_a_request_goes_there_and_its_receipt_comes_back(tmp_path: Path) -> None:
    gemeente, raad = _two(tmp_path)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    await gemeente.rounds()
    result = _result(gemeente, "verzoek.xml")
    identifier = str(result["message"])
    assert result["state"] == "received"
    assert gemeente.names("out") == []
    assert gemeente.names("sent") == ["verzoek.xml", "verzoek.xml.result.json"]
    assert (gemeente.home / "sent" / "verzoek.xml").read_bytes() == vto_example()
    assert raad.names("in") == [f"{identifier}.evidence.json", f"{identifier}.fhir.json", f"{identifier}.xml"]
    kinds = gemeente.hub.kinds()
    assert kinds == ["PARTICIPANT"] * 3 + ["SUBMISSION", "DISCLOSURE", "RECEIPT"]


async def test_the_answer_takes_case_recipient_and_thread_from_the_request(tmp_path: Path) -> None:
    gemeente, raad = _two(tmp_path)
    gemeente.drop("verzoek.xml", vto_scenario(1, case_number="ZAAK-77"))
    await gemeente.rounds()
    await raad.rounds()
    raad.drop("antwoord.xml", notification_scenario(1, municipal_case="ZAAK-77"))
    await raad.rounds()
    await gemeente.rounds()
    request, answer = gemeente.hub.messages.values()
    assert answer.message.reply_to == request.message.id
    assert answer.message.case == request.message.case
    assert answer.message.recipient.oin == GEMEENTE
    assert f"{answer.message.id.value}.xml" in gemeente.names("in")


async def test_the_system_that_wrote_a_file_is_answered_in_its_own_format(tmp_path: Path) -> None:
    gemeente, _ = _two(tmp_path)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    answers = {name: read_answer((gemeente.home / "answers" / name).read_bytes()) for name in gemeente.names("answers")}
    assert {name: answer.code.value for name, answer in answers.items()} == {
        "verzoek.xml.accepted.xml": "Bv01",
        "verzoek.xml.read.xml": "Bv03",
    }
    assert {answer.cross_reference for answer in answers.values()} == {"VTO-2026-0001"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<broken", "sender.stuf"),
        (b"no format at all", "sender.format.unknown"),
        (vto_example().replace(b"00000099000000001000", b"00000099000000003000"), "sender.address.not-ours"),
        (vto_example().replace(b"00000099000000002000", b"00000099000000009000"), "sender.recipient.unknown"),
        (vto_example().replace(b"00000099000000002000", b"00000099000000003000"), "sender.decision.denied"),
    ],
)
async def test_each_bad_file_leaves_one_problem_and_nothing_at_the_hub(tmp_path: Path, data: bytes, code: str) -> None:
    gemeente, _ = _two(tmp_path)
    name = "fout.xml" if data.startswith(b"<") else "fout.bin"
    gemeente.drop(name, data)
    await gemeente.rounds()
    problem = json.loads((gemeente.home / "refused" / f"{name}.problem.json").read_bytes())
    assert str(problem["code"]).startswith(code)
    assert problem["must_act"] == "sender"
    assert gemeente.names("refused") == [name, f"{name}.problem.json"]
    assert (gemeente.home / "refused" / name).read_bytes() == data
    assert gemeente.names("sent") == []
    assert gemeente.hub.kinds() == ["PARTICIPANT"] * 3


async def test_nothing_is_lost_and_nothing_comes_twice_wherever_a_process_is_killed(tmp_path: Path) -> None:
    """Killed before and after every step of a journal, every write of a disk and every call of the hub.

    Whoever reads a folder takes away each file at once, so that a second hand-over would show.
    """
    at, finished = 0, False
    while not finished:
        fuse = Fuse(at)
        gemeente, raad = _start(tmp_path / str(at), fuse)
        hub = gemeente.hub
        hub.before = hub.after = fuse.point
        taken: list[str] = []
        gemeente.drop("verzoek.xml", vto_scenario(1))
        for _ in range(4):
            for agent in (gemeente, raad):
                try:
                    await agent.rounds()
                except Crash:
                    _restart(agent)
                    _restart(gemeente if agent is raad else raad)
                _take_away(raad, "in", taken)
                _take_away(gemeente, "answers", taken)
            gemeente.world.clock.advance(minutes=10)
        finished = fuse.at >= 0
        identifier = next(iter(hub.messages))
        assert sorted(taken) == sorted(
            [
                f"{identifier}.evidence.json",
                f"{identifier}.fhir.json",
                f"{identifier}.xml",
                "verzoek.xml.accepted.xml",
                "verzoek.xml.read.xml",
            ]
        ), f"killed at point {at}"
        assert hub.kinds() == ["PARTICIPANT"] * 3 + ["SUBMISSION", "DISCLOSURE", "RECEIPT"], f"killed at point {at}"
        assert _result(gemeente, "verzoek.xml")["state"] == "received", f"killed at point {at}"
        assert gemeente.names("out") == []
        gemeente.journal.close()
        raad.journal.close()
        at += 1
    assert at > 60


def _start(home: Path, fuse: Fuse) -> tuple[Agent, Agent]:
    """Start both agents before the fuse is lit: what is killed is work, not set-up."""
    lit, fuse.at = fuse.at, -1
    agents = _two(home, fuse=fuse)
    fuse.at, fuse.passed = lit, 0
    return agents


def _restart(agent: Agent) -> None:
    agent.restart()


def _take_away(agent: Agent, folder: str, taken: list[str]) -> None:
    for path in sorted((agent.home / folder).iterdir()):
        if not path.name.startswith("."):
            taken.append(path.name)
            path.unlink()
