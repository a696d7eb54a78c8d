"""Consents, measures, questions and recalls by the commands of three organisations at a real hub."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.outbox import outbox_round
from connectors.agent.reminding import hear_notices
from connectors.agent.watching import watch_round
from connectors.cli.main import main
from connectors.cli.opening import opened
from connectors.formats.fhir import FhirFormat
from hub.cli.registrar import admission_of
from schemas.admissions import admission_to_payload
from schemas.clock import SystemClock
from schemas.codes import Capacity, TokenType
from schemas.document import Address
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.identifiers import OIN
from schemas.jws import sign_jws
from schemas.randomness import SystemRandomness, new_message_id
from tests.support.example_messages import example_document
from tests.support.hub_server import RunningHub, running_hub
from tests.support.parties import GEMEENTE, GI, RAAD, REGISTRAR

pytestmark = pytest.mark.database

TODAY = SystemClock().now().date()
TERM = (TODAY + timedelta(days=20)).isoformat()
UNTIL = (TODAY + timedelta(days=300)).isoformat()
STATED = ["--type", "ots", "--from", TODAY.isoformat(), "--until", UNTIL, "--court", "RBMNE"]
DECIDED = ["--decided", TODAY.isoformat(), "--case-number", "C/16/000000"]
ROLES = {GEMEENTE: "gemeente", RAAD: "raad", GI: "gi"}


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as running:
        yield running


async def command(home: Path, *words: str | Path) -> int:
    """Run a command beside the hub, which serves in this thread's loop."""
    return await asyncio.to_thread(main, [*(str(word) for word in words), "--home", str(home)])


async def _join(hub: RunningHub, home: Path, oin: OIN) -> None:
    registrar = home.with_suffix(".registrar.json")
    registrar.write_text(json.dumps(REGISTRAR.public.to_jwk()), encoding="utf-8")
    role = ROLES[oin]
    capacities = ["--capacity", "ots", "--capacity", "preventief"] if role == "gi" else []
    of_hub = ["--hub", hub.url, "--hub-name", "hub.ketenhub.test", "--log-vkey", hub.web.log_identity.vkey]
    words = ["--oin", oin.value, "--name", role.title(), "--role", role, "--responsible", "SKJ:110012345"]
    assert await command(home, "init", *words, *capacities, *of_hub, "--registrar", registrar) == 0
    admission = admission_of(
        (home / "admission-request.json").read_bytes(), clock=SystemClock(), randomness=SystemRandomness()
    )
    token = sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=REGISTRAR)
    (home / "admission.jwt").write_text(token, encoding="ascii")
    assert await command(home, "join", home / "admission.jwt") == 0


async def _share_chain_key(giver: Path, *receivers: tuple[Path, OIN]) -> None:
    assert await command(giver, "chain-key", "create") == 0
    request = json.loads((giver / "chain-epoch-request.json").read_bytes())
    now = SystemClock().now()
    epoch = ChainEpoch(
        id=new_message_id(at=now, randomness=SystemRandomness()),
        issued_at=int(now.timestamp()),
        epoch=request["epoch"],
        fingerprint=request["fingerprint"],
    )
    signed = sign_jws(chain_epoch_to_payload(epoch), typ=TokenType.CHAIN_EPOCH, key=REGISTRAR)
    (giver / "epoch.jwt").write_text(signed, encoding="ascii")
    assert await command(giver, "chain-key", "open", giver / "epoch.jwt") == 0
    for home, oin in receivers:
        assert await command(giver, "chain-key", "hand-over", oin.value) == 0
        assert await command(home, "chain-key", "take") == 0


async def _round(home: Path) -> None:
    async with opened(home) as services:
        await outbox_round(services)
        while await list_inbox(services, wait_seconds=0):
            pass
        while await inbox_round(services):
            pass
        await watch_round(services)
        await hear_notices(services)


async def _tell_and_correct(gemeente: Path, gi: Path, person: Path) -> None:
    case = replace(
        example_document("casusinformatie"),
        sender=Address(organisation=GEMEENTE.value),
        receiver=Address(organisation=GI.value),
        purpose="GI-OTS-SPONT",
        receiver_capacity=Capacity.OTS,
    )
    told = person.with_name("casus.json")
    told.write_bytes(FhirFormat().write(case, withheld=(), at=SystemClock().now()).data)
    assert await command(gemeente, "send", told) == 0
    (sent,) = json.loads((gemeente / "sent" / "casus.json.result.json").read_bytes())["recipients"]
    wrong = ["--item", "leefgebied/l1/finding", "--reason", "onjuist", "--person", str(person)]
    assert await command(gemeente, "correct", sent["message"], *wrong) == 1
    await _round(gi)
    assert await command(gemeente, "correct", sent["message"], *wrong) == 0
    await _round(gi)
    corrections = [path for path in (gi / "in").glob("*.fhir.json") if b"wrong-zorgen" in path.read_bytes()]
    assert len(corrections) == 1


async def test_a_case_is_lived_through_by_commands(
    hub: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gemeente, raad, gi = tmp_path / "gemeente", tmp_path / "raad", tmp_path / "gi"
    for home, oin in ((gemeente, GEMEENTE), (raad, RAAD), (gi, GI)):
        await _join(hub, home, oin)
    await _share_chain_key(gemeente, (raad, RAAD), (gi, GI))
    person, form, question = tmp_path / "kind.json", tmp_path / "formulier.pdf", tmp_path / "vraag.txt"
    person.write_text(json.dumps({"bsn": "999911120", "born": f"{TODAY.year - 8}-03-02"}))
    form.write_bytes(b"handtekening")
    question.write_text("welke hulp is er verleend?")

    # Consent is recorded by the one, confirmed by the other, and withdrawn at either.
    scope: list[str | Path] = [
        "--category",
        "zorgen",
        "--category",
        "identificatie",
        "--recipient",
        "gi:preventief",
        "--until",
        UNTIL,
    ]
    givers = ["--holders", "2", "--giver", "gezagsdrager=ja", "--giver", "gezagsdrager=ja"]
    capsys.readouterr()
    assert (
        await command(gemeente, "consent", "give", "--person", person, "--form", form, *givers, *scope, "--json") == 0
    )
    given = json.loads(capsys.readouterr().out)["id"]
    confirm: list[str | Path] = ["consent", "give", "--person", person, "--form", form, "--confirms", given, "--json"]
    assert await command(gi, *confirm) == 0
    confirmed = json.loads(capsys.readouterr().out)["id"]
    assert await command(gi, "consent", "withdraw", confirmed, "--form", form) == 0
    capsys.readouterr()
    assert await command(raad, "consent", "show", "--person", person, "--json") == 0
    shown = json.loads(capsys.readouterr().out)["records"]
    assert [each["status"] for each in shown] == ["given", "given", "withdrawn"]

    # A question rests on a measure, which the Raad confirms.
    ask: list[str | Path] = ["ask", "--to", GEMEENTE.value, "--person", person, "--question", question, "--term", TERM]
    ask += ["--category", "hulpverlening", "--purpose", "GI-OTS-VRAAG", "--capacity", "ots", "--seconds", "0"]
    assert await command(gi, *ask) == 1
    capsys.readouterr()
    assert await command(gi, "measure", "state", "--person", person, *STATED, *DECIDED, "--json") == 0
    stated = json.loads(capsys.readouterr().out)["id"]
    assert await command(raad, "measure", "confirm", stated, "--person", person, "--case-number", "C/16/1") == 0
    assert await command(gi, *ask) == 0
    await _round(gemeente)
    (path,) = (gemeente / "questions").glob("*.json")
    assert await command(gemeente, "answer", path.stem, "--refuse", "niet-bekend", "--seconds", "0") == 0
    await _round(gemeente)
    assert list((gemeente / "questions").glob("*.json")) == []
    await _round(gi)
    capsys.readouterr()
    assert await command(gi, "questions") == 0
    assert "Er wacht geen vraag" in capsys.readouterr().out

    # What was told under the measure turns out to be wrong, and who has it is told.
    await _tell_and_correct(gemeente, gi, person)

    # What nobody picked up is taken back; what was picked up is not.
    assert await command(gi, *ask) == 0
    async with opened(gi) as services:
        row = services.journal.row("SELECT id FROM submissions ORDER BY created_at DESC, id DESC LIMIT 1")
        assert row is not None
    assert await command(gi, "recall", row["id"], "--reason", "dubbel") == 0
    assert await command(gi, "recall", path.stem, "--reason", "dubbel") == 1
