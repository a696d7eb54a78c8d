"""A new chain key at a real hub: what was recorded under the former one goes on to count, above all a no."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.joining import join
from connectors.cli.opening import opened
from schemas.codes import Capacity
from schemas.errors import EvidenceError
from schemas.identifiers import BSN_SYSTEM, SubjectTag
from tests.edge_cases.documents import allowed, casus, child_file
from tests.support.hub_server import running_hub
from tests.support.offices import Chain, Office

pytestmark = pytest.mark.database

CASE = casus("CASUS-1", purpose="VRIJW", capacity=Capacity.PREVENTIEF)
STRANGER = "999911132"


@pytest.fixture
async def chain(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[Chain]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as hub:
        yield await Chain.opened(hub, tmp_path)


async def new_epoch(chain: Chain) -> None:
    """A key leaked: the registrar opens a new epoch, and everybody takes its key."""
    await chain.gemeente.open_epoch(chain.raad, chain.gi)


async def tags(office: Office, bsn: str = "999911120") -> list[SubjectTag]:
    """What each chain key makes of a number, the oldest first."""
    async with opened(office.home) as services:
        hub = services.settings.hub.name
        return [key.tag(recipient=hub, system=BSN_SYSTEM, value=bsn) for _, key in sorted(services.keys.chain.items())]


async def renew(office: Office, what: str = "consent", *words: str) -> Any:
    persons = office.file("personen.jsonl", f'{{"bsn": "{STRANGER}"}}\n{{"bsn": "999911120"}}\n')
    return await office.told(what, "renew", "--persons", persons, *words)


def refused_words(office: Office) -> list[str]:
    """One of both parents says no."""
    words = allowed(office)
    words[words.index("gezagsdrager=ja")] = "gezagsdrager=nee"
    return words


def codes(problem: Any) -> set[str]:
    return {each["code"] for each in problem["issues"]}


async def test_a_consent_is_signed_again_under_the_new_key_once(chain: Chain) -> None:
    gemeente = chain.gemeente
    given = await gemeente.told("consent", "give", *allowed(gemeente))
    await new_epoch(chain)
    assert [each["outcome"] for each in (await renew(gemeente, "consent", "--dry-run"))["steps"]] == ["due"]
    done = await renew(gemeente)
    assert [(each["record"], each["outcome"]) for each in done["steps"]] == [(given["id"], "renewed")]
    assert await renew(gemeente) == {"steps": [], "left": []}
    shown = (await chain.gi.told("consent", "show", "--person", child_file(chain.gi)))["records"]
    assert [(each["id"], each["replaces"]) for each in shown] == [
        (given["id"], None),
        (done["steps"][0]["renewed"], given["id"]),
    ]
    sent = await gemeente.send(CASE)
    await chain.gi.round()
    assert chain.gi.received(sent) is not None


async def test_a_no_under_the_former_key_keeps_the_message_in_and_stands_at_the_hub(chain: Chain) -> None:
    """The yes is older: signed again it is no newer than the no, whoever recorded that and wherever it stands."""
    gemeente, gi = chain.gemeente, chain.gi
    await gemeente.told("consent", "give", *allowed(gemeente))
    await gi.told("consent", "give", *refused_words(gi))
    await new_epoch(chain)
    assert "sender.decision.consent-refused" in codes(await gemeente.refused(CASE))
    await renew(gemeente)
    assert "sender.decision.consent-refused" in codes(await gemeente.refused(replace(CASE, reference="CASUS-2"), "na"))
    # The hub itself holds the no under the newest pseudonym, by the link that the gemeente made.
    former, newest = await tags(gemeente)
    person = (await chain.hub.web.services.persons.of([newest]))[newest]
    assert person.tags == {former, newest}


async def test_sending_joins_what_we_recorded_under_the_former_key(chain: Chain) -> None:
    gemeente = chain.gemeente
    given = await gemeente.told("consent", "give", *allowed(gemeente))
    await new_epoch(chain)
    sent = await gemeente.send(CASE)
    await chain.gi.round()
    assert chain.gi.received(sent) is not None
    # A withdrawal of what stands under the former key reaches the hub's decision too.
    again = await gemeente.send(replace(CASE, reference="CASUS-2"), "nogmaals")
    form = gemeente.file("intrekking.pdf", b"handtekening")
    await gemeente.told("consent", "withdraw", given["id"], "--form", form)
    await chain.gi.round()
    assert chain.gi.received(again) is None


async def test_a_form_of_the_former_epoch_is_not_recorded_as_if_it_were_new(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    gemeente = chain.gemeente
    await gemeente.told("consent", "give", *allowed(gemeente))
    await new_epoch(chain)
    assert await gemeente.command("consent", "give", *allowed(gemeente)) == 1
    said = capsys.readouterr()
    assert "consent renew" in said.out + said.err
    new_form = allowed(gemeente)
    new_form[new_form.index("--form") + 1] = str(gemeente.file("nieuw.pdf", b"andere handtekening"))
    assert await gemeente.command("consent", "give", *new_form) == 0


async def test_a_gi_waits_until_somebody_else_joined_its_people(chain: Chain) -> None:
    gemeente, gi = chain.gemeente, chain.gi
    given = await gemeente.told("consent", "give", *allowed(gemeente))
    form = gi.file("notitie.pdf", b"notitie")
    confirm = ["consent", "give", "--person", child_file(gi), "--form", form, "--confirms", given["id"]]
    confirmed = await gi.told(*confirm)
    await new_epoch(chain)
    assert await gi.command("consent", "renew", "--persons", child_file(gi)) == 1
    await renew(gemeente)
    done = await renew(gi)
    assert [(each["record"], each["outcome"]) for each in done["steps"]] == [(confirmed["id"], "renewed")]


async def test_a_measure_is_signed_again_and_gains_no_days(chain: Chain) -> None:
    gi, raad = chain.gi, chain.raad
    day = json.loads(child_file(gi).read_text())["born"]
    assert day
    from tests.edge_cases.test_capacities import stated

    own = await gi.told("measure", "state", "--person", child_file(gi), *stated(-10, 300))
    sure = await raad.told("measure", "confirm", own["id"], "--person", child_file(raad), "--case-number", "C/16/1")
    await new_epoch(chain)
    done = await renew(raad, "measure")
    assert [(each["record"], each["outcome"]) for each in done["steps"]] == [(sure["id"], "renewed")]
    done = await renew(gi, "measure")
    assert [each["outcome"] for each in done["steps"]] == ["renewed"]
    shown = (await gi.told("measure", "show", "--person", child_file(gi)))["statements"]
    assert len([each for each in shown if each["counts_today"]]) == 2
    secret = [each["case_number"] for each in shown if each["replaces"] == own["id"]]
    assert secret == ["C/16/000000"]
    sent = await chain.gemeente.send(casus("CASUS-1", purpose="GI-OTS-SPONT", capacity=Capacity.OTS))
    await gi.round()
    assert gi.received(sent) is not None


async def test_what_nobody_named_stays_due_and_is_said(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    gemeente = chain.gemeente
    given = await gemeente.told("consent", "give", *allowed(gemeente))
    assert await gemeente.command("consent", "renew", "--persons", child_file(gemeente)) == 1
    await new_epoch(chain)
    others = gemeente.file("anderen.jsonl", f'{{"bsn": "{STRANGER}"}}\n')
    capsys.readouterr()
    assert await gemeente.command("consent", "renew", "--persons", others) == 1
    assert given["id"] in capsys.readouterr().out
    assert await gemeente.command("doctor") == 0
    assert "consent renew" in capsys.readouterr().out
    assert (await gemeente.told("status"))["renewals"] == 1
    await renew(gemeente)
    assert (await gemeente.told("status"))["renewals"] == 0


async def test_a_link_that_joins_two_children_is_found_out_by_who_knows_the_number(chain: Chain) -> None:
    """The hub cannot see it; whoever sends about the child computes what the link says, and sends nothing."""
    gemeente, raad = chain.gemeente, chain.raad
    await raad.told("consent", "give", *allowed(raad))
    await new_epoch(chain)
    former, _ = await tags(raad)
    _, another = await tags(raad, STRANGER)
    async with opened(raad.home) as services:
        await join(services, former=former, newest=another)
    stranger = gemeente.file("ander.json", f'{{"bsn": "{STRANGER}", "born": "2018-03-02"}}')
    async with opened(gemeente.home) as services:
        from connectors.agent.lookup import find_consents
        from connectors.cli.persons import read_person

        with pytest.raises(EvidenceError) as found:
            await find_consents(services, (read_person(stranger).pseudonyms(services),))
    assert found.value.code == "hub.link.other"
