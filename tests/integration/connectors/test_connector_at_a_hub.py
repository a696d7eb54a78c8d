"""The commands of two organisations at a real hub: join, share the chain key, send, receive, replace keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.journal import Journal
from connectors.agent.keystore import load_keys
from connectors.agent.watching import watch_log
from connectors.cli.main import main
from connectors.cli.opening import opened
from connectors.formats.stuf.examples import Header, vto_example
from hub.cli.registrar import admission_of
from schemas.admissions import admission_to_payload
from schemas.clock import SystemClock
from schemas.codes import TokenType
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.jws import sign_jws
from schemas.pseudonyms import ChainKey, handover_to_payload, make_handover
from schemas.randomness import SystemRandomness, new_message_id
from tests.support.hub_server import RunningHub, running_hub
from tests.support.parties import GEMEENTE, RAAD, REGISTRAR

pytestmark = pytest.mark.database


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path / "hub", database_url=database_url, redis_url=valkey_url) as running:
        yield running


async def command(*arguments: str | Path) -> int:
    """Run a command beside the hub, which serves in this thread's loop."""
    return await asyncio.to_thread(main, [str(argument) for argument in arguments])


async def _join(hub: RunningHub, home: Path, *, oin: str, role: str) -> None:
    registrar = home.with_suffix(".registrar.json")
    registrar.write_text(json.dumps(REGISTRAR.public.to_jwk()), encoding="utf-8")
    made = await command(
        "init",
        "--home",
        home,
        "--oin",
        oin,
        "--name",
        role.title(),
        "--role",
        role,
        "--hub",
        hub.url,
        "--hub-name",
        "hub.ketenhub.test",
        "--registrar",
        registrar,
        "--log-vkey",
        hub.web.log_identity.vkey,
    )
    assert made == 0
    request = (home / "admission-request.json").read_bytes()
    admission = admission_of(request, clock=SystemClock(), randomness=SystemRandomness())
    token = sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=REGISTRAR)
    (home / "admission.jwt").write_text(token, encoding="ascii")
    assert await command("join", "--home", home, home / "admission.jwt") == 0


async def _share_chain_key(giver: Path, receiver: Path) -> None:
    assert await command("chain-key", "create", "--home", giver) == 0
    assert await command("chain-key", "create", "--home", giver) == 1
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
    assert await command("chain-key", "open", "--home", giver, giver / "epoch.jwt") == 0
    assert await command("chain-key", "take", "--home", receiver) == 1
    await _hand_over_rubbish(giver)
    assert await command("chain-key", "take", "--home", receiver) == 1
    assert await command("chain-key", "hand-over", "--home", giver, RAAD.value) == 0
    assert await command("chain-key", "take", "--home", receiver) == 0
    assert load_keys(giver / "keys").chain == load_keys(receiver / "keys").chain


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


async def _receive(home: Path) -> None:
    async with opened(home) as services:
        while await list_inbox(services, wait_seconds=0):
            pass
        while await inbox_round(services):
            pass


async def test_two_organisations_join_exchange_and_replace_their_keys(
    hub: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gemeente, raad = tmp_path / "gemeente", tmp_path / "raad"
    await _join(hub, gemeente, oin=GEMEENTE.value, role="gemeente")
    await _join(hub, raad, oin=RAAD.value, role="raad")

    capsys.readouterr()
    assert await command("doctor", "--home", gemeente) == 1
    assert "Er is geen ketensleutel" in capsys.readouterr().out
    await _share_chain_key(gemeente, raad)
    assert await command("doctor", "--home", gemeente) == 0
    assert "Kan sturen: verzoek-tot-onderzoek aan Raad" in capsys.readouterr().out

    first = tmp_path / "een.xml"
    first.write_bytes(vto_example(header=Header(reference="VTO-EEN")))
    assert await command("send", "--home", gemeente, first) == 0

    # Both replace their keys while the message waits: it was signed and sealed with the old ones.
    before = load_keys(raad / "keys")
    assert await command("rotate", "--home", gemeente, "--revoke") == 0
    assert await command("rotate", "--home", raad) == 0
    after = load_keys(raad / "keys")
    assert after.signing.public.thumbprint != before.signing.public.thumbprint
    assert set(before.opening) < set(after.opening)
    await _receive(raad)
    assert len([path for path in (raad / "in").iterdir() if path.suffix == ".xml"]) == 1

    second = tmp_path / "twee.xml"
    second.write_bytes(vto_example(header=Header(reference="VTO-TWEE")))
    assert await command("send", "--home", gemeente, second) == 0
    await _receive(raad)
    assert len([path for path in (raad / "in").iterdir() if path.suffix == ".xml"]) == 2

    for home in (gemeente, raad):
        async with opened(home) as services:
            await watch_log(services)
        journal = Journal(home / "journal.sqlite")
        assert [notice.text_en for notice in journal.open_notices()] == []
        journal.close()


async def test_a_service_that_runs_keeps_others_off_its_home(hub: RunningHub, tmp_path: Path) -> None:
    from connectors.agent.lock import locked

    home = tmp_path / "gemeente"
    await _join(hub, home, oin=GEMEENTE.value, role="gemeente")
    with locked(home):
        assert await command("rotate", "--home", home) == 1
        assert await command("run", "--home", home) == 1


async def test_a_supervisor_copies_the_whole_log_and_anybody_else_its_hashes(
    hub: RunningHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is copied is what `ketenhub-log verify` needs; a second copy adds what is new."""
    from audit.cli.main import main as log_main

    supervisor, gemeente = tmp_path / "toezichthouder", tmp_path / "gemeente"
    await _join(hub, supervisor, oin=RAAD.value, role="toezichthouder")
    whole, hashes = tmp_path / "whole", tmp_path / "hashes"
    assert await command("log", "fetch", "--home", supervisor, whole) == 0
    await _join(hub, gemeente, oin=GEMEENTE.value, role="gemeente")
    assert await command("log", "fetch", "--home", supervisor, whole) == 0
    assert await command("log", "fetch", "--home", gemeente, hashes) == 0
    assert "with entries" in capsys.readouterr().out

    policy = tmp_path / "policy.txt"
    policy.write_text(f"log {hub.web.log_identity.vkey}\nquorum none\n", encoding="utf-8")
    assert log_main(["verify", str(whole), "--policy", str(policy)]) == 0
    assert log_main(["verify", str(hashes), "--policy", str(policy)]) == 0
    assert (whole / "tile" / "entries").is_dir()
    assert not (hashes / "tile" / "entries").exists()
