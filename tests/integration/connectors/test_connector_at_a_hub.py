"""The commands of two organisations at a real hub: join, share the chain key, send, receive, replace keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.agent.journal import Journal
from connectors.agent.keystore import load_keys
from connectors.agent.watching import watch_log
from connectors.cli.opening import opened
from connectors.formats.stuf.examples import Header, vto_example
from schemas.clock import SystemClock
from schemas.codes import Role, TokenType
from schemas.identifiers import OIN
from schemas.jws import sign_jws
from schemas.pseudonyms import ChainKey, handover_to_payload, make_handover
from schemas.randomness import SystemRandomness, new_message_id
from tests.support.hub_server import RunningHub, running_hub
from tests.support.offices import ROLES, Office
from tests.support.parties import GEMEENTE, RAAD

pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as running:
        yield running


async def _join(hub: RunningHub, folder: Path, oin: OIN, *, role: Role | None = None) -> Office:
    role = role or ROLES[oin]
    office = Office(hub=hub, home=folder / role.value, oin=oin, role=role)
    await office.join()
    return office


async def _share_chain_key(giver: Office, receiver: Office) -> None:
    assert await giver.command("chain-key", "create") == 0
    assert await giver.command("chain-key", "create") == 1
    await giver.open_epoch()
    assert await receiver.command("chain-key", "take") == 1
    await _hand_over_rubbish(giver.home)
    assert await receiver.command("chain-key", "take") == 1
    assert await giver.command("chain-key", "hand-over", receiver.oin.value) == 0
    assert await receiver.command("chain-key", "take") == 0
    assert load_keys(giver.home / "keys").chain == load_keys(receiver.home / "keys").chain


async def _hand_over_rubbish(home: Path) -> None:
    """Hand over a key that is not the epoch's: it may not stand in the way of the one that is."""
    async with opened(home) as services:
        now = SystemClock().now()
        directory = await services.directory.refresh(services.hub, at=now)
        receiver = directory.participant(RAAD)
        assert receiver is not None
        assert receiver.sealing_key is not None
        handover = make_handover(
            ChainKey.generate(epoch=0, randomness=SystemRandomness()),
            parties=(services.settings.oin, RAAD),
            receiver_key=receiver.sealing_key,
            message_id=new_message_id(at=now, randomness=SystemRandomness()),
            issued_at=int(now.timestamp()),
        )
        token = sign_jws(handover_to_payload(handover), typ=TokenType.CHAIN_KEY, key=services.keys.signing)
        await services.hub.hand_over_chain_key(token)


async def test_two_organisations_join_exchange_and_replace_their_keys(
    hub: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gemeente, raad = await _join(hub, tmp_path, GEMEENTE), await _join(hub, tmp_path, RAAD)

    capsys.readouterr()
    assert await gemeente.command("doctor") == 1
    assert "Er is geen ketensleutel" in capsys.readouterr().out
    await _share_chain_key(gemeente, raad)
    assert await gemeente.command("doctor") == 0
    assert "Kan sturen: verzoek-tot-onderzoek aan Raad" in capsys.readouterr().out

    first = tmp_path / "een.xml"
    first.write_bytes(vto_example(header=Header(reference="VTO-EEN")))
    assert await gemeente.command("send", first) == 0

    # Both replace their keys while the message waits: it was signed and sealed with the old ones.
    before = load_keys(raad.home / "keys")
    assert await gemeente.command("rotate", "--revoke") == 0
    assert await raad.command("rotate") == 0
    after = load_keys(raad.home / "keys")
    assert after.signing.public.thumbprint != before.signing.public.thumbprint
    assert set(before.opening) < set(after.opening)
    await raad.round()
    assert len([path for path in (raad.home / "in").iterdir() if path.suffix == ".xml"]) == 1

    second = tmp_path / "twee.xml"
    second.write_bytes(vto_example(header=Header(reference="VTO-TWEE")))
    assert await gemeente.command("send", second) == 0
    await raad.round()
    assert len([path for path in (raad.home / "in").iterdir() if path.suffix == ".xml"]) == 2

    for office in (gemeente, raad):
        async with opened(office.home) as services:
            await watch_log(services)
        journal = Journal(office.home / "journal.sqlite")
        assert [notice.text_en for notice in journal.open_notices()] == []
        journal.close()


async def test_a_connector_asks_on_until_it_has_the_whole_directory(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.web.directory.PAGE_MAX", 1)
    offices = [await _join(hub, tmp_path, oin) for oin in ROLES]
    async with opened(offices[-1].home) as services:
        directory = await services.directory.refresh(services.hub, at=SystemClock().now())
    assert {each.oin for each in directory} == {*ROLES}


async def test_a_service_that_runs_keeps_others_off_its_home(hub: RunningHub, tmp_path: Path) -> None:
    from connectors.agent.lock import locked

    gemeente = await _join(hub, tmp_path, GEMEENTE)
    with locked(gemeente.home):
        assert await gemeente.command("rotate") == 1
        assert await gemeente.command("run") == 1


async def test_a_supervisor_copies_the_whole_log_and_anybody_else_its_hashes(
    hub: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is copied is what `ketenhub-log verify` needs; a second copy adds what is new."""
    from audit.cli.main import main as log_main

    supervisor = await _join(hub, tmp_path, RAAD, role=Role.TOEZICHTHOUDER)
    whole, hashes = tmp_path / "whole", tmp_path / "hashes"
    assert await supervisor.command("log", "fetch", whole) == 0
    gemeente = await _join(hub, tmp_path, GEMEENTE)
    assert await supervisor.command("log", "fetch", whole) == 0
    assert await gemeente.command("log", "fetch", hashes) == 0
    assert "with entries" in capsys.readouterr().out

    policy = tmp_path / "policy.txt"
    policy.write_text(f"log {hub.web.log_identity.vkey}\nquorum none\n", encoding="utf-8")
    assert log_main(["verify", str(whole), "--policy", str(policy)]) == 0
    assert log_main(["verify", str(hashes), "--policy", str(policy)]) == 0
    assert (whole / "tile" / "entries").is_dir()
    assert not (hashes / "tile" / "entries").exists()
