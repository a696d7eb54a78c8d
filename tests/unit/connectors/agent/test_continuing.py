"""A connector goes on with another log: what goes along, what begins anew, and what nobody can undo by it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from audit.continuation import Continuation, make_continuation
from audit.entries import EntryDraft
from audit.note import NoteSigner
from connectors.agent.catalogues import BEGAN
from connectors.agent.continuing import LOG, carry_over, last_seen, move_to, own_entries
from connectors.agent.directory import CHECKPOINT
from connectors.agent.inbox import CURSOR
from connectors.agent.journal import Journal, remember
from connectors.formats.stuf.examples import vto_example
from connectors.sdk.answers import Joined
from schemas.admissions import parse_admission, parse_statement
from schemas.canonical import b64url
from schemas.codes import EntryKind, TokenType
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN
from schemas.jws import parse_jws, sign_jws
from schemas.requests import ReceiptClaims, parse_receipt, receipt_to_payload
from tests.support.connector_agents import Agent
from tests.support.connector_world import AT, GEMEENTE, RAAD, World
from tests.support.log_files import MemoryLog
from tests.support.memory_hub import Caller, MemoryHub

NEXT = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=sha256(b"next").digest())


@dataclass
class NextHub(Caller):
    """The hub with the new log: it takes documents of everybody."""

    refuse: RejectedMessageError | None = field(default=None)

    async def join(self, *, statement: str | None, replaced: str | None, admission: str | None) -> Joined:
        if self.refuse is not None:
            raise self.refuse
        self.oin = _whose(statement, admission)
        return await Caller.join(self, statement=statement, replaced=replaced, admission=admission)


def _whose(statement: str | None, admission: str | None) -> OIN:
    if statement is not None:
        return parse_statement(parse_jws(statement, typ=TokenType.PARTICIPANT).payload).oin
    return parse_admission(parse_jws(admission or "", typ=TokenType.ADMISSION).payload).oin


@dataclass
class Change:
    """An old log with an agent that knows it, and the new log, which has its first entry."""

    agent: Agent
    continuation: Continuation
    hub: NextHub

    async def carry_over(self) -> Journal:
        old = self.agent.world
        return await carry_over(
            self.agent.journal,
            self.continuation,
            oin=self.agent.oin,
            registrar=old.registrar.public,
            hub=self.hub,
            at=AT,
        )


def _next_world(old: World, *, provable: int, published: int) -> tuple[World, Continuation]:
    """The same registrar and organisations, with an empty log that continues the old one."""
    world = World(log=MemoryLog(signer=NEXT))
    world.log = MemoryLog(signer=NEXT)
    world.records = []
    world.log.append(
        EntryDraft(
            kind=EntryKind.CONTINUATION,
            id="0" * 32,
            pad=bytes(16),
            predecessor=old.log_key.name,
            root=b64url(old.log.checkpoint(provable).root_hash),
            provable=provable,
            published=published,
        )
    )
    return world, make_continuation(predecessor=old.log_key, successor=NEXT.public, entry=world.log.texts[0])


@pytest.fixture
async def change(tmp_path: Path) -> Change:
    """The old log has three participants; one of them replaced its keys."""
    old = World()
    agent = Agent(world=old, hub=MemoryHub(world=old), oin=RAAD, home=tmp_path / "raad")
    old.rotate(GEMEENTE)
    await agent.services.directory.refresh(agent.services.hub, at=AT)
    size = len(old.log.texts)
    new, continuation = _next_world(old, provable=size, published=size)
    return Change(agent, continuation, NextHub(hub=MemoryHub(world=new), oin=RAAD))


async def test_everything_that_the_old_log_said_of_participants_goes_along(change: Change) -> None:
    old, new = change.agent.world, change.hub.hub.world
    trial = await change.carry_over()
    said = [(each.oin, each.admission, each.statement, each.replaced) for each in old.records]
    assert [(each.oin, each.admission, each.statement, each.replaced) for each in new.records] == said
    assert last_seen(trial, log=NEXT.public) == new.log.checkpoint()
    assert [row["log_index"] for row in trial.rows("SELECT log_index FROM participants")] == [1, 2, 3, 4]
    # Another organisation that comes later has nothing to bring.
    await change.carry_over()
    assert len(new.records) == len(said)


async def test_what_the_new_log_does_not_take_keeps_the_connector_where_it_is(change: Change) -> None:
    change.hub.refuse = RejectedMessageError("dated ahead", code="sender.document.future")
    with pytest.raises(EvidenceError) as caught:
        await change.carry_over()
    assert caught.value.code == "sender.document.future"


def _rewritten(change: Change) -> None:
    world = change.hub.hub.world
    stranger = World(seed="another")
    admission = change.agent.world.records[0].admission
    world.take_statement(GEMEENTE, admission=admission, statement=stranger.records[0].statement, replaced=None)


def _without_its_first_entry(change: Change) -> None:
    change.hub.hub.world.log.texts[0] = change.hub.hub.world.log.texts[0].replace(b'"time":1', b'"time":2')


@pytest.mark.parametrize("spoil", [_rewritten, _without_its_first_entry])
async def test_another_log_than_that_of_the_statement_is_not_taken(
    change: Change, spoil: Callable[[Change], None]
) -> None:
    spoil(change)
    with pytest.raises(EvidenceError):
        await change.carry_over()
    assert change.agent.journal.meta(LOG) is None


async def test_a_log_without_entries_is_waited_for(change: Change) -> None:
    change.hub.hub.world.log.texts.clear()
    with pytest.raises(UnavailableError):
        await change.carry_over()


async def test_a_statement_of_ours_that_we_did_not_make_is_not_taken(change: Change) -> None:
    await change.carry_over()
    # Made with our own key, as whoever stole it would: in its form nothing is wrong with it.
    new = change.hub.hub.world
    new.organisations[RAAD] = change.agent.world.organisations[RAAD]
    new.rotate(RAAD)
    with pytest.raises(EvidenceError) as caught:
        await change.carry_over()
    assert caught.value.code == "hub.continuation.own-statement"


async def test_what_is_under_way_begins_anew(change: Change) -> None:
    trial = await change.carry_over()
    journal = change.agent.journal
    with journal.step("under way") as db:
        remember(db, CURSOR, "77")
        db.execute("INSERT INTO files (id, name, digest, taken_at, target) VALUES (1, 'n', 'd', 0, 't')")
        for name in ("prepared", "waiting", "released", "received", "expired"):
            db.execute(
                "INSERT INTO submissions (id, file, recipient, type, purpose, message, content_type, withheld,"
                " created_at, pickup_by, state) VALUES (?, 1, '', '', '', '', '', '', 0, 0, ?)",
                (name, name),
            )
        for name, receipt, outcome in (
            ("listed", None, None),
            ("released", None, None),
            ("opened", "r", "accepted"),
            ("received", "r", "accepted"),
            ("refused", "r", "refused"),
            ("gone", None, "recipient.message.expired"),
        ):
            db.execute(
                "INSERT INTO received (id, log_index, sender, type, pickup_by, listed_at, state, receipt, outcome)"
                " VALUES (?, 5, '', '', 0, 0, ?, ?, ?)",
                (name, name, receipt, outcome),
            )
    moved = move_to(journal, change.continuation, trial=trial)
    assert (moved.submitted, moved.collected) == (2, 2)
    states = {row["id"]: row["state"] for row in journal.rows("SELECT id, state FROM submissions")}
    assert states == dict.fromkeys(("prepared", "waiting", "released"), "prepared") | {
        "received": "received",
        "expired": "expired",
    }
    assert {row["id"]: row["state"] for row in journal.rows("SELECT id, state FROM received")} == {
        "opened": "former",
        "received": "former",
    }
    assert (journal.meta(CURSOR), journal.meta(LOG)) == (None, NEXT.public.vkey)
    assert journal.meta(CHECKPOINT) == trial.meta(CHECKPOINT)
    # What the board signed for the old log counts in it alone.
    assert journal.meta(BEGAN) == str(change.continuation.entry.time // 1000)


async def test_what_is_lost_of_ours_is_named(tmp_path: Path) -> None:
    world = World()
    hub = MemoryHub(world=world)
    gemeente = Agent(world=world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")
    raad = Agent(world=world, hub=hub, oin=RAAD, home=tmp_path / "raad")
    gemeente.drop("verzoek.xml", vto_example())
    for agent in (gemeente, raad, gemeente):
        await agent.rounds()
    (message,) = hub.messages
    lost = range(2, 6)
    assert hub.kinds()[2:] == ["PARTICIPANT", "SUBMISSION", "DISCLOSURE", "RECEIPT"]
    for agent, expected in (
        (gemeente, [(2, "PARTICIPANT"), (3, "SUBMISSION"), (5, "RECEIPT")]),
        (raad, [(2, "PARTICIPANT"), (3, "SUBMISSION"), (4, "DISCLOSURE")]),
    ):
        found = own_entries(agent.journal, among=lost)
        assert [(each.index, each.kind) for each in found] == expected
        assert {each.about for each in found[1:]} == {message}


# ---- what was handed over under the former log ----


async def _received(tmp_path: Path, change: Callable[[ReceiptClaims], ReceiptClaims]) -> Agent:
    """A message was handed over; then the hub lost it, its sender submitted it again, and the log is a new one."""
    world = World()
    gemeente = Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")
    raad = Agent(world=world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad")
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    await raad.rounds()
    for path in (raad.home / "in").iterdir():
        path.unlink()
    row = raad.journal.row("SELECT receipt FROM received")
    assert row is not None
    claims = change(parse_receipt(parse_jws(row["receipt"], typ=TokenType.RECEIPT).payload))
    receipt = sign_jws(receipt_to_payload(claims), typ=TokenType.RECEIPT, key=raad.services.keys.signing)
    with raad.journal.step("former") as db:
        db.execute("UPDATE received SET state = 'former', receipt = ?", (receipt,))
        db.execute("DELETE FROM meta WHERE name = ?", (CURSOR,))
    with gemeente.journal.step("again") as db:
        db.execute("UPDATE submissions SET state = 'prepared'")
    gemeente.hub.messages.clear()
    await gemeente.rounds()
    await raad.rounds()
    await gemeente.rounds()
    return raad


async def test_what_was_handed_over_gets_its_receipt_again_and_comes_no_second_time(tmp_path: Path) -> None:
    raad = await _received(tmp_path, lambda claims: claims)
    assert raad.names("in") == []
    assert [row["state"] for row in raad.journal.rows("SELECT state FROM received")] == ["received"]
    assert raad.hub.kinds()[3:] == ["SUBMISSION", "DISCLOSURE", "RECEIPT"] * 2
    (stored,) = raad.hub.messages.values()
    assert stored.state == "received"


async def test_what_is_released_otherwise_than_then_is_handed_over_anew(tmp_path: Path) -> None:
    raad = await _received(tmp_path, lambda claims: replace(claims, released="A" * 43))
    assert len(raad.names("in")) == 3
    (stored,) = raad.hub.messages.values()
    assert stored.state == "received"


async def test_another_message_under_a_known_id_is_refused(tmp_path: Path) -> None:
    raad = await _received(tmp_path, lambda claims: replace(claims, message="A" * 43))
    assert raad.names("in") == []
    (stored,) = raad.hub.messages.values()
    assert stored.state == "refused"
    assert "sender.jti.used" in raad.journal.open_notices()[0].text_en
