"""Signing again under a new chain key: whatever point it is killed at, in the end everything stands there once."""

from pathlib import Path

import pytest

from connectors.agent.persons import Person
from connectors.agent.recording import CONSENT, Unsigned, new_record_id, post_record, sign_records
from connectors.agent.renewing import CONSENTS, MEASURES, Outcome, Step, due, persons_of, renew, renewals_due
from schemas.codes import EntryKind, TokenType
from schemas.consents import consent_to_payload, parse_consent
from schemas.errors import UnavailableError
from schemas.identifiers import BSN, BSN_SYSTEM, MessageId, SubjectTag
from schemas.jws import parse_jws
from schemas.pseudonyms import ChainKey
from tests.edge_cases.questions import TODAY
from tests.support.connector_agents import Agent, Crash, Fuse
from tests.support.connector_world import GEMEENTE, HUB, World
from tests.support.law_records import consent_record
from tests.support.memory_hub import MemoryHub

FORMER = ChainKey(epoch=0, value=bytes(range(32)))
CHILDREN = ("999911120", "999911132")
PEOPLE = [Person(bsn=BSN(bsn)) for bsn in CHILDREN]


async def agent_of_two_epochs(folder: Path, *, fuse: Fuse | None = None) -> Agent:
    """The gemeente holds both keys and recorded a consent of each child under the former one."""
    world = World()
    agent = Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=folder, fuse=fuse or Fuse())
    agent.services.keys.chain[FORMER.epoch] = FORMER
    for bsn in CHILDREN:
        await record(agent, FORMER.tag(recipient=HUB, system=BSN_SYSTEM, value=bsn))
    return agent


async def record(agent: Agent, tag: SubjectTag) -> MessageId:
    record_id = new_record_id(agent.services)
    made = consent_record(id=record_id, tag=tag, issued_at=int(agent.world.clock.now().timestamp()))
    sign_records(agent.services, [Unsigned(id=record_id, payload=consent_to_payload(made))], kind=CONSENT)
    await post_record(agent.services, record_id)
    return record_id


async def renewed(agent: Agent, people: list[Person]) -> list[Step]:
    persons = persons_of(agent.services, people)
    return [step async for step in renew(agent.services, CONSENTS, persons=persons)]


def left(agent: Agent) -> int:
    return renewals_due(agent.journal, newest=agent.world.chain.epoch, day=TODAY)


async def test_what_is_signed_again_says_the_same_under_the_newest_pseudonym(tmp_path: Path) -> None:
    agent = await agent_of_two_epochs(tmp_path)
    (before, _) = due(agent.journal, CONSENTS, newest=agent.world.chain.epoch, day=TODAY)
    steps = await renewed(agent, PEOPLE)
    assert [step.outcome for step in steps] == [Outcome.RENEWED] * 2
    row = agent.journal.row("SELECT token FROM records WHERE id = ?", str(steps[0].renewed and steps[0].renewed.value))
    assert row is not None
    after = parse_consent(parse_jws(row["token"], typ=TokenType.CONSENT).payload)
    names = {FORMER.tag(recipient=HUB, system=BSN_SYSTEM, value=bsn): bsn for bsn in CHILDREN}
    assert after.tag == agent.world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value=names[before.tag])
    assert (after.replaces, after.givers, after.valid_until, after.form) == (
        before.id,
        before.givers,
        before.valid_until,
        before.form,
    )
    assert (left(agent), await renewed(agent, PEOPLE)) == (0, [])


async def test_nobody_who_is_not_named_and_nothing_that_was_drawn_is_signed_again(tmp_path: Path) -> None:
    agent = await agent_of_two_epochs(tmp_path)
    drawn = SubjectTag("0.EBESExQVFhcYGRobHB0eHw")
    await record(agent, drawn)
    assert left(agent) == 3
    with agent.journal.step("a case knows who it is") as db:
        db.execute("INSERT INTO tags VALUES ('c', 'kind', 'jeugdige', ?)", (drawn.value,))
    assert left(agent) == 2
    assert len(await renewed(agent, [*PEOPLE[:1], Person(pseudonym=drawn)])) == 1
    assert left(agent) == 1
    assert due(agent.journal, MEASURES, newest=agent.world.chain.epoch, day=TODAY) == ()


async def test_where_the_hub_is_away_it_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise UnavailableError("away", code="hub.unreachable")

    agent = await agent_of_two_epochs(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(type(agent.services.hub), "record_consent", away)
        with pytest.raises(UnavailableError):
            await renewed(agent, PEOPLE)
    await renewed(agent, PEOPLE)
    assert left(agent) == 0


async def test_it_may_be_killed_at_any_point_and_everything_stands_there_once(tmp_path: Path) -> None:
    at = 0
    while True:
        fuse = Fuse()
        agent = await agent_of_two_epochs(tmp_path / str(at), fuse=fuse)
        fuse.at, fuse.passed = at, 0
        killed = False
        try:
            await renewed(agent, PEOPLE)
        except Crash:
            killed = True
            agent.restart()
            agent.services.keys.chain[FORMER.epoch] = FORMER
            agent.world.clock.advance(seconds=600)
            await renewed(agent, PEOPLE)
        assert left(agent) == 0, f"killed at point {at}"
        tokens = agent.journal.rows("SELECT token FROM records WHERE kind = 'CONSENT' AND state = 'recorded'")
        records = [parse_consent(parse_jws(row["token"], typ=TokenType.CONSENT).payload) for row in tokens]
        assert len(records) == 4, f"killed at point {at}"
        assert len({each.replaces for each in records if each.replaces}) == 2
        assert sum(each.kind == EntryKind.LINK for each in agent.hub.records) in (2, 3)
        if not killed:
            break
        at += 1
    assert at > 4
