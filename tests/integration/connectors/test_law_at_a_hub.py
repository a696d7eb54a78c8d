"""Consents, measures, questions and recalls by the commands of three organisations at a real hub."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.cli.opening import opened
from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import Capacity
from schemas.document import Address
from tests.support.example_messages import example_document
from tests.support.hub_server import running_hub
from tests.support.offices import Chain
from tests.support.parties import GEMEENTE, GI

pytestmark = pytest.mark.database

TODAY = civil_day_of_second(int(SystemClock().now().timestamp()))  # not that of UTC
TERM = (TODAY + timedelta(days=20)).isoformat()
UNTIL = (TODAY + timedelta(days=300)).isoformat()
STATED = ["--type", "ots", "--from", TODAY.isoformat(), "--until", UNTIL, "--court", "RBMNE"]
DECIDED = ["--decided", TODAY.isoformat(), "--case-number", "C/16/000000"]


@pytest.fixture
async def chain(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Chain]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as hub:
        yield await Chain.opened(hub, tmp_path)


async def _tell_and_correct(chain: Chain, person: Path) -> None:
    gemeente, gi = chain.gemeente, chain.gi
    case = replace(
        example_document("casusinformatie"),
        sender=Address(organisation=GEMEENTE.value),
        receiver=Address(organisation=GI.value),
        purpose="GI-OTS-SPONT",
        receiver_capacity=Capacity.OTS,
    )
    sent = await gemeente.send(case, "casus")
    wrong = ["--item", "leefgebied/l1/finding", "--reason", "onjuist", "--person", str(person)]
    assert await gemeente.command("correct", sent.value, *wrong) == 1
    await gi.round()
    assert await gemeente.command("correct", sent.value, *wrong) == 0
    await gi.round()
    corrections = [path for path in (gi.home / "in").glob("*.fhir.json") if b"wrong-zorgen" in path.read_bytes()]
    assert len(corrections) == 1


async def test_a_case_is_lived_through_by_commands(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gemeente, raad, gi = chain.gemeente, chain.raad, chain.gi
    person, form, question = tmp_path / "kind.json", tmp_path / "formulier.pdf", tmp_path / "vraag.txt"
    person.write_text(json.dumps({"bsn": "999911120", "born": f"{TODAY.year - 8}-03-02"}))
    form.write_bytes(b"handtekening")
    question.write_text("welke hulp is er verleend?")

    # Consent is recorded by the one, confirmed by the other, and withdrawn at either.
    scope = ["--category", "zorgen", "--category", "identificatie", "--recipient", "gi:preventief", "--until", UNTIL]
    givers = ["--holders", "2", "--giver", "gezagsdrager=ja", "--giver", "gezagsdrager=ja"]
    given = await gemeente.told("consent", "give", "--person", person, "--form", form, *givers, *scope)
    confirm: list[str | Path] = ["consent", "give", "--person", person, "--form", form, "--confirms", given["id"]]
    confirmed = await gi.told(*confirm)
    assert await gi.command("consent", "withdraw", confirmed["id"], "--form", form) == 0
    shown = (await raad.told("consent", "show", "--person", person))["records"]
    assert [each["status"] for each in shown] == ["given", "given", "withdrawn"]

    # A question rests on a measure, which the Raad confirms.
    ask: list[str | Path] = ["ask", "--to", GEMEENTE.value, "--person", person, "--question", question, "--term", TERM]
    ask += ["--category", "hulpverlening", "--purpose", "GI-OTS-VRAAG", "--capacity", "ots", "--seconds", "0"]
    assert await gi.command(*ask) == 1
    stated = await gi.told("measure", "state", "--person", person, *STATED, *DECIDED)
    assert await raad.command("measure", "confirm", stated["id"], "--person", person, "--case-number", "C/16/1") == 0
    assert await gi.command(*ask) == 0
    await gemeente.round()
    (path,) = (gemeente.home / "questions").glob("*.json")
    assert await gemeente.command("answer", path.stem, "--refuse", "niet-bekend", "--seconds", "0") == 0
    await gemeente.round()
    assert list((gemeente.home / "questions").glob("*.json")) == []
    await gi.round()
    capsys.readouterr()
    assert await gi.command("questions") == 0
    assert "Er wacht geen vraag" in capsys.readouterr().out

    # What was told under the measure turns out to be wrong, and who has it is told.
    await _tell_and_correct(chain, person)

    # What nobody picked up is taken back; what was picked up is not.
    assert await gi.command(*ask) == 0
    async with opened(gi.home) as services:
        row = services.journal.row("SELECT id FROM submissions ORDER BY created_at DESC, id DESC LIMIT 1")
        assert row is not None
    assert await gi.command("recall", row["id"], "--reason", "dubbel") == 0
    assert await gi.command("recall", path.stem, "--reason", "dubbel") == 1
