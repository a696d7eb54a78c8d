"""A round of canaries at a hub: what the canary's own side sees, and whom it tells."""

from pathlib import Path

import pytest

from connectors.agent.canaries import Round, Verdict, canary_round, heed, last_round
from connectors.agent.journal import NoticeKind
from connectors.agent.troubles import TELL_SECONDS, LoopHealth
from connectors.sdk.canaries import KINDS, CanaryKind, NoCanaryError
from schemas.codes import Capacity, Role
from schemas.errors import DocumentError, ExchangeError, Issue, UnavailableError
from schemas.identifiers import OIN
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, World
from tests.support.memory_hub import MemoryHub

CANARY = OIN("00000099000000009000")


def canary_at(home: Path, *, role: Role = Role.GI) -> Agent:
    """A canary at a hub in memory, which decides nothing: it accepts whatever `before` does not refuse."""
    world = World()
    capacities = frozenset({Capacity.OTS, Capacity.PREVENTIEF}) if role is Role.GI else frozenset[Capacity]()
    world.admit(CANARY, role, capacities=capacities, canary=True)
    return Agent(world=world, hub=MemoryHub(world), oin=CANARY, home=home)


def refusals(agent: Agent, *, otherwise: str = "", instead: ExchangeError | None = None) -> None:
    """Let the hub refuse each kind in turn for its own reasons; the one named by `otherwise` by another error."""
    kinds = iter([kind for kind in KINDS if kind.can_be_sent_by(agent.world.participant(CANARY))])

    def refuse(call: str) -> None:
        if call == "submit":
            kind = next(kinds)
            raise (instead or refusal("purpose-unknown")) if kind.name == otherwise else of_kind(kind)

    agent.hub.before = refuse


def of_kind(kind: CanaryKind) -> DocumentError:
    return refusal(*(reason.value for reason in kind.reasons))


def refusal(*reasons: str) -> DocumentError:
    issues = [Issue(pointer="/x", code=f"sender.decision.{reason}", text="") for reason in reasons]
    return DocumentError("denied", code="sender.decision.denied", issues=issues)


def verdicts(done: Round) -> dict[str, Verdict]:
    return {outcome.kind: outcome.verdict for outcome in done.outcomes}


def told(agent: Agent) -> list[tuple[NoticeKind, str]]:
    return [(notice.kind, notice.about) for notice in agent.journal.open_notices()]


async def test_a_round_in_which_everything_is_refused_worries_nobody(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    refusals(agent)
    done = await canary_round(agent.services)
    assert set(verdicts(done)) == {kind.name for kind in KINDS}
    assert set(verdicts(done).values()) == {Verdict.REFUSED}
    assert done.worst is Verdict.REFUSED
    assert last_round(agent.services) == done
    assert told(agent) == []


async def test_a_hub_that_accepts_a_canary_is_an_alarm_whatever_it_proves(tmp_path: Path) -> None:
    """The answer of this hub verifies in every way: log, proof, record. It should have been a refusal."""
    agent = canary_at(tmp_path)
    done = await canary_round(agent.services)
    assert done.worst is Verdict.ACCEPTED
    assert set(told(agent)) == {(NoticeKind.ALARM, kind.name) for kind in KINDS}
    assert "bel" in agent.journal.open_notices()[0].text_nl.lower()


async def test_a_hub_that_stops_itself_is_an_alarm_at_the_canary_too(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    refusals(agent, otherwise="niet-gevraagd", instead=UnavailableError("stopped", code="hub.canary.accepted"))
    done = await canary_round(agent.services)
    assert verdicts(done)["niet-gevraagd"] is done.worst is Verdict.ACCEPTED
    assert told(agent) == [(NoticeKind.ALARM, "niet-gevraagd")]
    refusals(agent)
    assert (await canary_round(agent.services)).worst is Verdict.REFUSED
    assert told(agent) == [(NoticeKind.ALARM, "niet-gevraagd")], "until somebody has seen it"


async def test_a_canary_that_is_killed_in_the_middle_of_a_round_has_told_what_passed(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    sent = 0

    def killed_at_the_second(call: str) -> None:
        nonlocal sent
        sent += call == "submit"
        if sent == 2:
            raise KeyboardInterrupt

    agent.hub.before = killed_at_the_second
    with pytest.raises(KeyboardInterrupt):
        await canary_round(agent.services)
    assert told(agent) == [(NoticeKind.ALARM, KINDS[0].name)]


async def test_a_refusal_for_another_reason_is_told_until_it_is_the_right_one_again(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    refusals(agent, otherwise="maatregel-ontbreekt")
    done = await canary_round(agent.services)
    assert verdicts(done)["maatregel-ontbreekt"] is done.worst is Verdict.OTHERWISE
    assert told(agent) == [(NoticeKind.CANARY, "maatregel-ontbreekt")]
    refusals(agent)
    await canary_round(agent.services)
    assert told(agent) == []


async def test_a_hub_that_does_not_answer_proves_nothing_and_is_no_alarm(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    refusals(agent, otherwise="niet-gevraagd", instead=UnavailableError("away"))
    done = await canary_round(agent.services)
    assert verdicts(done)["niet-gevraagd"] is done.worst is Verdict.UNKNOWN
    assert told(agent) == []


async def test_a_hub_that_goes_on_not_answering_a_canary_is_told(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    health = LoopHealth(agent.services, about="canary", nl="Kanaries versturen", en="Sending canaries")
    for _ in range(2):
        refusals(agent, otherwise="niet-gevraagd", instead=UnavailableError("away", code="hub.unavailable"))
        assert told(agent) == []
        heed(await canary_round(agent.services), health)
        agent.world.clock.advance(seconds=TELL_SECONDS)
    assert told(agent) == [(NoticeKind.BLOCKED, "canary")]
    assert "hub.unavailable" in agent.journal.open_notices()[0].text_nl
    refusals(agent)
    heed(await canary_round(agent.services), health)
    assert told(agent) == []


async def test_a_canary_that_has_nobody_to_name_is_told(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    health = LoopHealth(agent.services, about="canary", nl="Kanaries versturen", en="Sending canaries")
    for _ in range(2):
        heed(await canary_round(agent.services, kinds=()), health)
        agent.world.clock.advance(seconds=TELL_SECONDS)
    assert told(agent) == [(NoticeKind.BLOCKED, "canary")]


async def test_a_recipient_that_changed_its_key_meanwhile_is_no_fault_of_the_hub(tmp_path: Path) -> None:
    agent = canary_at(tmp_path)
    issues = [Issue(pointer="/sealed/kid", code="sender.sealing-key.outdated", text="")]
    changed = DocumentError("changed", issues=issues)
    refusals(agent, otherwise="niet-gevraagd", instead=changed)
    assert verdicts(await canary_round(agent.services))["niet-gevraagd"] is Verdict.UNKNOWN
    assert told(agent) == []


async def test_what_a_role_cannot_send_is_not_sent_and_said(tmp_path: Path) -> None:
    agent = canary_at(tmp_path, role=Role.GEMEENTE)
    refusals(agent)
    done = await canary_round(agent.services)
    assert verdicts(done)["maatregel-ontbreekt"] is Verdict.NOT_SENT
    assert done.worst is Verdict.REFUSED
    agent.world.clock.advance(days=1)
    assert (await canary_round(agent.services, kinds=())).worst is Verdict.NOT_SENT


async def test_nobody_else_can_send_canaries(tmp_path: Path) -> None:
    world = World()
    agent = Agent(world=world, hub=MemoryHub(world), oin=GEMEENTE, home=tmp_path)
    with pytest.raises(NoCanaryError):
        await canary_round(agent.services)
    assert agent.hub.messages == {}
