"""Correcting by a command what others have, at a hub in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.journal import NoticeKind
from connectors.agent.services import Services
from connectors.cli import asking, correcting, measuring, working
from connectors.cli.main import main
from connectors.formats.fhir import FhirFormat
from connectors.sdk.answers import Denial
from schemas.codes import Capacity, Register
from schemas.document import Address, Document, DocumentItem, DocumentResponsible
from schemas.errors import RejectedMessageError
from schemas.identifiers import OIN
from schemas.message import Message
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, RAAD, World
from tests.support.example_messages import example_document
from tests.support.memory_hub import Caller, MemoryHub

Command = Callable[..., int]
WRONG = ["--item", "leefgebied/l1/finding", "--reason", "onjuist", "--seconds", "0"]


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def agents(hub: MemoryHub, tmp_path: Path) -> dict[OIN, Agent]:
    changes: dict[OIN, dict[str, object]] = {GEMEENTE: {}, RAAD: {}, GI: {"capacity": Capacity.OTS}}
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

        for module in (working, measuring, correcting):
            monkeypatch.setattr(module, "opened", opened)
        for module in (working, correcting):
            monkeypatch.setattr(module, "load_settings", lambda _: agent.settings)
        for clocked in (asking, correcting):
            monkeypatch.setattr(clocked, "SystemClock", lambda: hub.world.clock)
        return main([*words, "--home", str(agent.home)])

    return give


def case(**change: Any) -> Document:
    """What the gemeente tells the GI, in a case of its own."""
    said: dict[str, Any] = {
        "sender": Address(organisation=GEMEENTE.value),
        "receiver": Address(organisation=GI.value),
        "responsible": DocumentResponsible(register=Register.SKJ, number="110012345"),
        "purpose": "GI-OTS-SPONT",
        "receiver_capacity": Capacity.OTS,
        "case_reference": "ZAAK-7",
        **change,
    }
    return replace(example_document("casusinformatie"), **said)


@pytest.fixture
def person(tmp_path: Path, command: Command) -> str:
    """The child, over whom the GI has a measure."""
    path = tmp_path / "kind.json"
    path.write_text(json.dumps({"bsn": "999911120", "born": "2014-03-02"}))
    stated = ["--type", "ots", "--from", "2026-11-20", "--until", "2027-11-19", "--court", "RBMNE"]
    more = ["--decided", "2026-11-19", "--case-number", "C/16/000000"]
    assert command(GI, "measure", "state", "--person", str(path), *stated, *more) == 0
    return str(path)


def messages(hub: MemoryHub, kind: str) -> list[Message]:
    return [stored.message for stored in hub.messages.values() if stored.message.type == kind]


def send(agents: dict[OIN, Agent], *documents: Document) -> None:
    for number, document in enumerate(documents):
        agents[GEMEENTE].drop_document(f"{document.reference}-{number}.json", document)
    asyncio.run(agents[GEMEENTE].rounds())


def uncorrected(agents: dict[OIN, Agent]) -> list[tuple[str, str]]:
    """What the gemeente's people see of who may not have the right thing yet."""
    notices = agents[GEMEENTE].journal.open_notices()
    return [(each.about, each.text_nl) for each in notices if each.kind is NoticeKind.UNCORRECTED]


def collect(agents: dict[OIN, Agent]) -> None:
    for oin in (GI, RAAD, GEMEENTE):
        asyncio.run(agents[oin].rounds())


def test_everybody_in_the_case_who_got_it_gets_the_right_item(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, tmp_path: Path
) -> None:
    again, elsewhere = case(reference="CASUS-2"), case(reference="CASUS-3", case_reference="ZAAK-8")
    without = case(reference="CASUS-4")
    without = replace(without, items=tuple(item for item in without.items if item.profile != "leefgebied"))
    assert person
    for each in (case(), again, elsewhere, without):
        send(agents, each)
    collect(agents)
    right = tuple(
        DocumentItem(
            profile=item.profile,
            id=item.id,
            about=item.about,
            elements={**item.elements, "finding": ("het gezin kan blijven wonen",)},
        )
        for item in case().items
        if item.profile == "leefgebied"
    )
    bericht, jeugdige = case().items[:2]
    path, words = tmp_path / "juist.json", tmp_path / "reactie.txt"
    words.write_text("wij mogen blijven")
    file = case(reference="JUIST", items=(bericht, jeugdige, *right))
    path.write_bytes(FhirFormat().write(file, withheld=(), at=hub.world.clock.now()).data)
    first, second = (message.id for message in messages(hub, "casusinformatie")[:2])
    more = ["--file", str(path), "--requested-by", "betrokkene", "--reaction", str(words)]
    assert command(GEMEENTE, "correct", first.value, *WRONG, *more) == 0
    made = messages(hub, "correctie")
    assert [each.corrects and (each.corrects.message, each.corrects.items) for each in made] == [
        (first, ("leefgebied/l1",)),
        (second, ("leefgebied/l1",)),
    ]
    assert {item.profile for item in made[0].content} == {"bericht", "correctie", "leefgebied"}
    assert made[0].case == messages(hub, "casusinformatie")[0].case
    collect(agents)
    assert {hub.messages[each.id.value].state for each in made} == {"received"}


def test_what_nobody_picked_up_is_to_be_taken_back(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    send(agents, case())
    (sent,) = messages(hub, "casusinformatie")
    assert command(GEMEENTE, "correct", sent.id.value, *WRONG, "--person", person) == 1
    assert f"`recall {sent.id.value}`" in capsys.readouterr().out
    assert messages(hub, "correctie") == []


def test_a_correction_that_does_not_go_stays_in_sight(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str
) -> None:
    """The GI was suspended meanwhile: it still has what is wrong."""
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")
    hub.before = _refuse_submission
    assert command(GEMEENTE, "correct", sent.id.value, *WRONG, "--person", person) == 1
    kinds = [notice.kind for notice in agents[GEMEENTE].journal.open_notices()]
    assert kinds == ["withheld", "uncorrected"]


def _refuse_submission(name: str) -> None:
    if name == "submit":
        raise RejectedMessageError("suspended", code="sender.recipient.suspended")


def test_who_was_told_the_like_elsewhere_is_named_until_it_is_corrected_or_confirmed(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another case about the same child: whether it holds the same error, a person judges."""
    send(agents, case(), case(reference="CASUS-2", case_reference="ZAAK-8"))
    collect(agents)
    first, other = messages(hub, "casusinformatie")
    assert command(GEMEENTE, "correct", first.id.value, *WRONG, "--person", person) == 0
    assert f"`correct {other.id.value}`" in capsys.readouterr().out
    ((about, text),) = uncorrected(agents)
    assert about == other.id.value
    assert f"OIN {GI.value} kreeg op" in text
    assert len(messages(hub, "correctie")) == 1
    assert command(GEMEENTE, "correct", other.id.value, *WRONG, "--person", person) == 0
    assert uncorrected(agents) == []


@pytest.mark.parametrize(("state", "named"), [("waiting", True), ("recalled", False), ("expired", False)])
def test_what_nobody_can_pick_up_any_more_is_not_named(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, *, state: str, named: bool
) -> None:
    assert person
    send(agents, case())
    collect(agents)
    send(agents, case(reference="CASUS-2", case_reference="ZAAK-8"))
    first, other = messages(hub, "casusinformatie")
    hub.messages[other.id.value].state = state
    assert command(GEMEENTE, "correct", first.id.value, "--item", "leefgebied/l1", "--who") == 0
    assert [(about, f"`recall {about}`" in text) for about, text in uncorrected(agents)] == (
        [(other.id.value, True)] if named else []
    )


def test_what_another_installation_sent_is_named_from_the_records_of_the_hub(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or this one, before its journal was lost."""
    assert person
    send(agents, case(), case(reference="CASUS-2", case_reference="ZAAK-8"))
    collect(agents)
    first, other = messages(hub, "casusinformatie")
    with agents[GEMEENTE].journal.step("lost") as db:
        db.execute("DELETE FROM threads")
        db.execute("DELETE FROM submissions")
    assert command(GEMEENTE, "correct", first.id.value, *WRONG, "--person", person) == 1
    said = capsys.readouterr()
    assert "niet door deze connector verstuurd" in said.err
    told = dict(uncorrected(agents))
    assert set(told) == {first.id.value, other.id.value}
    assert all("deze connector verstuurde het niet" in text for text in told.values())


def test_who_has_it_is_named_without_correcting_anything(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert person
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")
    assert command(GEMEENTE, "correct", sent.id.value, "--item", "leefgebied/l1", "--who") == 0
    assert f"{GI.value}: {sent.id.value} (received)" in capsys.readouterr().out
    assert messages(hub, "correctie") == []
    assert uncorrected(agents) == []


def test_where_the_hub_does_not_say_who_else_was_told_that_stays_in_sight(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")

    async def older(*_: object, **__: object) -> None:
        raise RejectedMessageError("unknown member", code="sender.request.member")

    with monkeypatch.context() as patched:
        patched.setattr(Caller, "sent_about", older)
        assert command(GEMEENTE, "correct", sent.id.value, *WRONG, "--person", person) == 0
    ((about, text),) = uncorrected(agents)
    assert (about, "`--who`" in text) == (sent.id.value, True)
    assert command(GEMEENTE, "correct", sent.id.value, "--item", "leefgebied/l1", "--who") == 0
    assert uncorrected(agents) == []


@pytest.mark.parametrize("how", ["expired", "denied"])
def test_a_correction_that_is_never_collected_stays_in_sight(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, how: str
) -> None:
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")
    assert command(GEMEENTE, "correct", sent.id.value, *WRONG, "--person", person) == 0
    (made,) = messages(hub, "correctie")
    if how == "denied":
        hub.denied[made.id.value] = Denial(since=0)
        hub.world.clock.advance(seconds=7200)
    else:
        hub.messages[made.id.value].state = "expired"
        hub.world.clock.advance(seconds=40 * 24 * 3600)
    asyncio.run(agents[GEMEENTE].rounds())
    kinds = {notice.kind for notice in agents[GEMEENTE].journal.open_notices() if notice.about == made.id.value}
    assert {"expired": "expired", "denied": "release-denied"}[how] in kinds


def test_a_correction_holds_what_the_person_who_asked_for_it_says(
    agents: dict[OIN, Agent], hub: MemoryHub, command: Command, person: str, tmp_path: Path
) -> None:
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")
    words = tmp_path / "reactie.txt"
    asked = ["--person", person, "--requested-by", "betrokkene", "--reaction-file", str(words)]
    words.write_text("  ")
    assert command(GEMEENTE, "correct", sent.id.value, *WRONG, *asked) == 1
    words.write_text("ik heb dit niet gezegd")
    assert command(GEMEENTE, "correct", sent.id.value, *WRONG, *asked) == 0
    collect(agents)
    (made,) = messages(hub, "correctie")
    handed = (agents[GI].home / "in" / f"{made.id.value}.fhir.json").read_text()
    assert "ik heb dit niet gezegd" in handed
    assert "betrokkene" in handed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--item", "leefgebied/l9", "--reason", "onjuist"], "bevat niets van wat als onjuist is genoemd"),
        (["--item", "leefgebied/l1", "--reason", "zomaar"], "geen reden voor een correctie; wel: "),
    ],
)
def test_what_names_nothing_corrects_nothing(
    request: pytest.FixtureRequest, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    agents, hub = request.getfixturevalue("agents"), request.getfixturevalue("hub")
    person, command = request.getfixturevalue("person"), request.getfixturevalue("command")
    send(agents, case())
    collect(agents)
    (sent,) = messages(hub, "casusinformatie")
    assert command(GEMEENTE, "correct", sent.id.value, *words, "--person", person) == 1
    assert says in capsys.readouterr().err


def test_only_a_message_of_our_own_is_corrected(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(GEMEENTE, "correct", "01940000-0000-7000-8000-000000000001", *WRONG) == 1
    assert "niet door deze connector verstuurd" in capsys.readouterr().err
