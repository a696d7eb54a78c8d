"""The review list by commands: a supervisor sees and closes everything, an organisation answers for itself."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import Role
from schemas.identifiers import OIN
from tests.support.hub_server import running_hub
from tests.support.offices import Chain, Office

pytestmark = pytest.mark.database

TOEZICHT = OIN("00000099000000005000")
TODAY = civil_day_of_second(int(SystemClock().now().timestamp()))  # not that of UTC


@pytest.fixture
async def chain(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Chain]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as hub:
        yield await Chain.opened(hub, tmp_path)


async def listed(office: Office) -> list[Any]:
    found: list[Any] = (await office.told("reviews"))["reviews"]
    return found


async def declare(chain: Chain, tmp_path: Path) -> str:
    """Let the GI state a measure that nobody else states."""
    person = tmp_path / "kind.json"
    person.write_text(json.dumps({"bsn": "999911120", "born": f"{TODAY.year - 8}-03-02"}))
    until = (TODAY + timedelta(days=300)).isoformat()
    words: list[str | Path] = ["--person", person, "--type", "ots", "--from", TODAY.isoformat(), "--until", until]
    words += ["--court", "RBMNE", "--decided", TODAY.isoformat(), "--case-number", "C/16/000000"]
    return str((await chain.gi.told("measure", "state", *words))["id"])


async def test_a_gi_answers_for_its_own_word_and_a_supervisor_closes_it(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = await chain.another(TOEZICHT, Role.TOEZICHTHOUDER)
    assert await listed(supervisor) == []
    capsys.readouterr()
    assert await supervisor.command("reviews") == 0
    assert capsys.readouterr().out == "Er is niets na te kijken. There is nothing to look at.\n"
    stated = await declare(chain, tmp_path)
    (item,) = await listed(chain.gi)
    assert (item["about"], item["mark"], item["supervised"], item["answers"]) == (stated, "self-declared", True, [])
    assert await listed(chain.raad) == []

    answered = await chain.gi.told("reviews", "close", stated, "--reason", "terecht")
    assert (answered["closed"], answered["mark"]) == (False, "self-declared")
    (item,) = await listed(supervisor)
    assert [(each["oin"], each["finding"]) for each in item["answers"]] == [(chain.gi.oin.value, "terecht")]
    capsys.readouterr()
    assert await supervisor.command("reviews", "list") == 0
    said = capsys.readouterr().out
    assert "alleen door de uitvoerende instelling zelf gemeld" in said
    assert f"antwoord van / answer of {chain.gi.oin.value}: terecht / justified" in said

    closed = await supervisor.told("reviews", "close", stated, "--reason", "onterecht")
    assert closed["closed"]
    assert await listed(supervisor) == await listed(chain.gi) == []
    capsys.readouterr()
    assert await supervisor.command("reviews", "close", stated, "--reason", "onterecht") == 1
    assert "fout: over" in capsys.readouterr().err
    mark = ["--mark", "self-declared"]
    assert await chain.gi.command("reviews", "close", stated, "--reason", "terecht", *mark) == 1
    assert "fout: iemand anders heeft dit punt al afgehandeld" in capsys.readouterr().err


async def test_where_no_supervisor_takes_part_the_party_is_told(
    chain: Chain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await declare(chain, tmp_path)
    assert (await chain.gi.told("reviews"))["no_supervisor"]
    capsys.readouterr()
    assert await chain.gi.command("reviews") == 0
    assert "geen toezichthouder mee" in capsys.readouterr().out
    await chain.another(TOEZICHT, Role.TOEZICHTHOUDER)
    assert not (await chain.gi.told("reviews"))["no_supervisor"]


async def test_what_the_raad_confirms_its_gi_closes(chain: Chain, tmp_path: Path) -> None:
    stated = await declare(chain, tmp_path)
    person = tmp_path / "kind.json"
    confirm: list[str | Path] = ["measure", "confirm", stated, "--person", person, "--case-number", "C/16/000000"]
    assert await chain.raad.command(*confirm) == 0
    assert (await chain.gi.told("reviews", "close", stated, "--reason", "opgelost"))["closed"]
