"""Whether the decisions are proved to be on, and who hears that they are not."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.enforcement import Enforcement, Pass, Proof, Proved, Stop, judge
from hub.exchange.accept import accept
from hub.logs import Event
from hub.sweeps import alarm
from schemas.codes import Role
from schemas.errors import UnavailableError
from schemas.identifiers import OIN
from schemas.participants import Directory, Participant, next_participant
from tests.support.connector_world import World
from tests.support.exchange_hub import MemoryHub
from tests.support.parties import ISSUED_AT, REGISTRAR, Party

CANARY = OIN("00000099000000009000")
HOUR = 3600


def participants(*, canary: bool = True, **change: int) -> list[Participant]:
    """A canary since `ISSUED_AT`, or an ordinary participant."""
    return [next_participant(None, Party().joining(canary=canary, **change), registrar=REGISTRAR.public)]


def at(seconds: int) -> datetime:
    """So many seconds after the beginning."""
    return datetime.fromtimestamp(ISSUED_AT + seconds, UTC)


def proved(reason: str, *, index: int, seconds: int) -> Proved:
    return Proved(reason=reason, times=1, index=index, at=ISSUED_AT + seconds)


STOP = Stop(index=50, canary=CANARY, at=ISSUED_AT + 2 * HOUR, form="f")
PASS = Pass(form="f", canary=CANARY, purpose="VTO", type="verzoek-tot-onderzoek")


@pytest.mark.parametrize(
    ("enforcement", "seconds", "proof"),
    [
        (Enforcement(), HOUR, Proof.PROVED),
        (Enforcement(), HOUR + 1, Proof.OVERDUE),
        (Enforcement(proved=(proved("a", index=3, seconds=600),)), HOUR + 600, Proof.PROVED),
        (Enforcement(proved=(proved("a", index=3, seconds=600),)), HOUR + 601, Proof.OVERDUE),
        (
            Enforcement(proved=(proved("a", index=3, seconds=600), proved("b", index=4, seconds=900))),
            HOUR + 900,
            Proof.PROVED,
        ),
        (Enforcement(stop=STOP), 0, Proof.STOPPED),
    ],
    ids=["new", "new and silent", "refused", "refused and silent", "the newest counts", "stopped"],
)
def test_the_proof_is_as_old_as_the_newest_refusal(enforcement: Enforcement, seconds: int, proof: Proof) -> None:
    """Before the first one it is as old as the canary: who was admitted and never sends is found too."""
    assert judge(enforcement, participants=participants(), at=at(seconds), silence_seconds=HOUR) is proof


def test_where_no_canary_ever_was_in_force_that_is_said() -> None:
    known = Enforcement(proved=(proved("a", index=3, seconds=600),))
    for nobody in ([], participants(canary=False), participants(valid_from=ISSUED_AT + HOUR)):
        assert judge(known, participants=nobody, at=at(602), silence_seconds=HOUR) is Proof.NO_CANARY


@pytest.mark.parametrize("known", [Enforcement(), Enforcement(proved=(proved("a", index=3, seconds=600),))])
def test_the_proof_does_not_end_in_silence_with_the_admission_of_the_canary(known: Enforcement) -> None:
    """A period that is over looks like a connector that was switched off: somebody must act."""
    gone = participants(valid_until=ISSUED_AT + 601)
    assert judge(known, participants=gone, at=at(602), silence_seconds=HOUR) is Proof.PROVED
    assert judge(known, participants=gone, at=at(2 * HOUR), silence_seconds=HOUR) is Proof.OVERDUE


@pytest.mark.parametrize(
    ("before", "lacking", "again"),
    [
        ((proved("a", index=10, seconds=600),), ("a",), False),
        ((proved("a", index=60, seconds=9000),), (), True),
        ((proved("a", index=60, seconds=9000), proved("b", index=11, seconds=600)), ("b",), False),
        ((proved("a", index=60, seconds=9000), proved("b", index=11, seconds=-5 * 24 * HOUR)), ("b",), False),
        ((proved("a", index=60, seconds=9000), proved("b", index=11, seconds=HOUR - 7 * 24 * HOUR)), (), True),
    ],
    ids=["not again", "again", "one of two", "the hub was down for days", "one that is no longer tried"],
)
def test_a_stop_ends_when_every_reason_of_the_week_before_is_proved_again(
    before: tuple[Proved, ...], lacking: tuple[str, ...], *, again: bool
) -> None:
    enforcement = Enforcement(stop=STOP, proved=before)
    assert (enforcement.unproved_since_stop(), enforcement.proved_since_stop) == (lacking, again)


def test_a_stop_ends_when_all_that_passed_is_refused_also_at_a_hub_that_never_saw_a_reason() -> None:
    other = (proved("b", index=60, seconds=9000),)
    assert not Enforcement(stop=STOP, passed=(PASS,)).proved_since_stop
    assert not Enforcement(stop=STOP, proved=other, passed=(PASS,)).proved_since_stop
    assert Enforcement(stop=STOP, proved=other).proved_since_stop


def test_a_stop_of_which_nobody_knows_what_passed_is_not_proved_to_be_mended() -> None:
    known = Enforcement(stop=replace(STOP, form=None), proved=(proved("b", index=60, seconds=9000),))
    assert not known.proved_since_stop


def test_without_a_stop_nothing_lacks() -> None:
    known = Enforcement(proved=(proved("a", index=10, seconds=600),))
    assert (known.unproved_since_stop(), known.proved_since_stop) == ((), True)


def test_the_newest_refusal_is_when_it_was_proved() -> None:
    assert Enforcement().proved_at is None
    both = (proved("a", index=3, seconds=600), proved("b", index=2, seconds=500))
    assert Enforcement(proved=both).proved_at == ISSUED_AT + 600


# ---- who hears of it ----


async def opened() -> MemoryHub:
    world = World()
    world.admit(CANARY, Role.GEMEENTE, canary=True)
    return await MemoryHub.opened(world=world)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and event of what was logged, of what is about enforcement."""
    return [(each.levelname, each.message) for each in caplog.records if each.message.startswith("enforcement.")]


async def test_every_process_says_that_the_hub_stopped_and_again_at_each_sweep(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="ketenhub")
    hub = await opened()
    with pytest.raises(UnavailableError):
        await accept(hub.compose(sender=CANARY).submission, arrival=hub.arrival, services=hub.services)
    stopped = ("CRITICAL", Event.ENFORCEMENT_STOPPED.value)
    assert lines(caplog) == [stopped]
    with hub.another_process():  # or this one after a restart
        await hub.services.worlds.refresh()
        await hub.services.worlds.refresh()
    assert lines(caplog) == [stopped] * 2
    alarm(at=hub.arrival.at, silence_seconds=HOUR, services=hub.services)
    assert lines(caplog) == [stopped] * 3


async def test_silence_is_warned_about_at_each_sweep(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ketenhub")
    hub = await opened()
    (canary,) = [each for each in _directory(hub) if each.canary]
    begins = datetime.fromtimestamp(canary.admission.valid_from, UTC)
    alarm(at=begins + timedelta(seconds=HOUR), silence_seconds=HOUR, services=hub.services)
    assert lines(caplog) == []
    alarm(at=begins + timedelta(seconds=HOUR + 1), silence_seconds=HOUR, services=hub.services)
    assert lines(caplog) == [("WARNING", Event.ENFORCEMENT_UNPROVED.value)]


async def test_a_hub_without_canaries_is_not_warned_at_every_sweep(caplog: pytest.LogCaptureFixture) -> None:
    hub = await MemoryHub.opened()
    alarm(at=hub.arrival.at + timedelta(days=9), silence_seconds=HOUR, services=hub.services)
    assert lines(caplog) == []


def _directory(hub: MemoryHub) -> Directory:
    return hub.services.worlds.current().directory
