"""Asking, answering and refusing by a command, at a hub in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.agent.services import Services
from connectors.cli import asking, measuring, working
from connectors.cli.main import main
from connectors.formats.fhir import FhirFormat
from schemas.codes import Capacity, SpoedReason
from schemas.document import Address
from schemas.identifiers import OIN
from schemas.message import Message
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, World
from tests.support.example_messages import example_document
from tests.support.memory_hub import MemoryHub

Command = Callable[..., int]
ASK = [
    *("--to", GEMEENTE.value, "--category", "zorgen", "--category", "hulpverlening", "--term", "2027-06-14"),
    *("--purpose", "GI-OTS-VRAAG", "--capacity", "ots", "--seconds", "0"),
]


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def agents(hub: MemoryHub, tmp_path: Path) -> dict[OIN, Agent]:
    changes: dict[OIN, dict[str, object]] = {GEMEENTE: {}, GI: {"capacity": Capacity.OTS}}
    return {
        oin: Agent(world=hub.world, hub=hub, oin=oin, home=tmp_path / oin.value, settings_changes=changes[oin])
        for oin in changes
    }


@pytest.fixture
def command(agents: dict[OIN, Agent], hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give a command as one of the organisations."""

    def give(oin: OIN, *words: str) -> int:
        agent = agents[oin]

        @asynccontextmanager
        async def opened(_: Path) -> AsyncIterator[Services]:
            hub.world.clock.advance(seconds=1)
            yield agent.services

        for module in (working, measuring):
            monkeypatch.setattr(module, "opened", opened)
        for module in (working, asking):
            monkeypatch.setattr(module, "load_settings", lambda _: agent.settings)
            if hasattr(module, "SystemClock"):
                monkeypatch.setattr(module, "SystemClock", lambda: hub.world.clock)
        return main([*words, "--home", str(agent.home)])

    return give


@pytest.fixture
def files(tmp_path: Path, command: Command) -> tuple[str, str]:
    """Whom it is about and what is asked; the measure that the question rests on is stated."""
    person, question = tmp_path / "kind.json", tmp_path / "vraag.txt"
    person.write_text(json.dumps({"bsn": "999911120", "born": "2014-03-02"}))
    question.write_text("welke hulp is er verleend?")
    stated = ["--type", "ots", "--from", "2026-11-20", "--until", "2027-11-19", "--court", "RBMNE"]
    more = ["--decided", "2026-11-19", "--case-number", "C/16/000000"]
    assert command(GI, "measure", "state", "--person", str(person), *stated, *more) == 0
    return str(person), str(question)


def messages(hub: MemoryHub) -> list[Message]:
    return [stored.message for stored in hub.messages.values()]


def test_a_question_is_made_of_what_the_command_says(hub: MemoryHub, command: Command, files: tuple[str, str]) -> None:
    person, question = files
    spoed = ["--spoed", "acuut-gevaar", "--responsible", "SKJ:110012345"]
    assert command(GI, "ask", "--person", person, "--question", question, *ASK, *spoed) == 0
    (message,) = messages(hub)
    assert message.asks is not None
    assert [each.value for each in message.asks.categories] == ["hulpverlening", "zorgen"]
    assert (message.recipient.purpose, message.capacity) == ("GI-OTS-VRAAG", Capacity.OTS)
    assert (message.spoed, message.responsible.number.value) == (SpoedReason.ACUTE_DANGER, "110012345")


def test_an_emergency_is_named_by_a_professional(
    hub: MemoryHub, command: Command, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    person, question = files
    words = ["ask", "--person", person, "--question", question, *ASK, "--spoed", "acuut-gevaar"]
    assert command(GI, *words, "--responsible", "eigen:medewerker") == 1
    assert "sender.structure." in capsys.readouterr().err
    assert hub.messages == {}


def test_a_question_is_refused_with_a_reason_that_the_law_knows(
    agents: dict[OIN, Agent],
    hub: MemoryHub,
    command: Command,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A GI under a measure must be answered: that one would rather not is no reason, that nothing is known is."""
    person, question = files
    assert command(GI, "ask", "--person", person, "--question", question, *ASK) == 0
    asyncio.run(agents[GEMEENTE].rounds())
    (asked,) = messages(hub)
    assert command(GEMEENTE, "questions", "--json") == 0
    out = capsys.readouterr().out
    (waiting,) = json.loads(out[out.index("{") :])["questions"]
    assert (waiting["message"], waiting["direction"]) == (asked.id.value, "received")
    words = ["answer", asked.id.value, "--seconds", "0", "--refuse"]
    assert command(GEMEENTE, *words, "geen-zin") == 1
    assert "is geen reden; wel: " in capsys.readouterr().err
    assert command(GEMEENTE, *words, "beroepsgeheim") == 1
    assert command(GEMEENTE, *words, "niet-bekend") == 0
    assert messages(hub)[1].reply_to == asked.id
    assert command(GEMEENTE, "questions") == 0
    assert "Er wacht geen vraag op antwoord" in capsys.readouterr().out


def test_an_answer_in_a_file_goes_to_who_asked(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, files: tuple[str, str], tmp_path: Path
) -> None:
    person, question = files
    assert command(GI, "ask", "--person", person, "--question", question, *ASK) == 0
    asyncio.run(agents[GEMEENTE].rounds())
    (asked,) = messages(hub)
    document = replace(
        example_document("informatieantwoord"),
        sender=Address(organisation=GEMEENTE.value),
        receiver=Address(organisation=GEMEENTE.value),
        reply_to=None,
    )
    path = tmp_path / "antwoord.json"
    path.write_bytes(FhirFormat().write(document, withheld=(), at=hub.world.clock.now()).data)
    assert command(GEMEENTE, "answer", asked.id.value, "--file", str(path), "--seconds", "0") == 0
    reply = messages(hub)[1]
    assert (reply.reply_to, reply.case, reply.recipient.oin) == (asked.id, asked.case, GI)
    assert command(GEMEENTE, "answer", asked.id.value, "--file", str(path), "--seconds", "0") == 1


def test_a_refusal_needs_to_know_whom_it_is_about(
    agents: dict[OIN, Agent],
    hub: MemoryHub,
    command: Command,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The organisation's own system took the file away: then it is said by the command."""
    person, question = files
    assert command(GI, "ask", "--person", person, "--question", question, *ASK) == 0
    asyncio.run(agents[GEMEENTE].rounds())
    (asked,) = messages(hub)
    for path in agents[GEMEENTE].settings.folders.inbox.iterdir():
        path.unlink()
    words = ["answer", asked.id.value, "--seconds", "0", "--refuse", "niet-bekend"]
    assert command(GEMEENTE, *words) == 1
    assert "geef met `--person` over wie zij gaat" in capsys.readouterr().err
    assert command(GEMEENTE, *words, "--person", person) == 0
