"""Records that waited while the hub was away: a recall of long ago, and what a replaced key signed."""

from pathlib import Path

import pytest

from connectors.agent.journal import NoticeKind
from connectors.agent.recalling import recall_of
from connectors.agent.recording import CONSENT, RECALL, Kind, Unsigned, new_record_id, record_round, sign_records
from connectors.formats.stuf.examples import vto_example
from schemas.consents import consent_to_payload
from schemas.errors import AuthenticationError, RejectedMessageError, UnavailableError
from schemas.identifiers import MessageId
from schemas.jws import parse_jws
from schemas.requests import RecallReason, parse_recall
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, World
from tests.support.law_records import consent_record
from tests.support.memory_hub import MemoryHub
from tests.support.statements import tag_of

AGE_SECONDS_MAX = 300


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    world = World()
    return Agent(world=world, hub=MemoryHub(world=world), oin=GEMEENTE, home=tmp_path / "gemeente")


def _row(gemeente: Agent) -> tuple[str, str]:
    row = gemeente.journal.row("SELECT state, token FROM records")
    assert row is not None
    return row["state"], row["token"]


def _signed(gemeente: Agent, kind: Kind) -> int:
    """When what stands in the journal was signed, with a key that is in force, as a hub checks it."""
    parsed = parse_jws(_row(gemeente)[1], typ=kind.token)
    if gemeente.world.participant(GEMEENTE).signing_key(parsed.kid) is None:
        raise AuthenticationError("not signed with the participant's key in force", code="sender.key.unknown")
    return parse_recall(parsed.payload).issued_at if kind is RECALL else 0


def _hold(gemeente: Agent, kind: Kind) -> None:
    """Let the hub look at who signed, and at when a recall was signed."""

    def look(name: str) -> None:
        if name not in ("record", "recall"):
            return
        if _signed(gemeente, kind) < gemeente.world.clock.now().timestamp() - AGE_SECONDS_MAX and kind is RECALL:
            raise RejectedMessageError("not of this moment", code="sender.request.time")

    gemeente.hub.before = look


def _away(_: str) -> None:
    raise UnavailableError("not now")


async def _wait(gemeente: Agent, *, seconds: int) -> None:
    """Let the hub be away for some time, and the agent try."""
    gemeente.hub.before = _away
    await record_round(gemeente.services)
    gemeente.world.clock.advance(seconds=seconds)
    await record_round(gemeente.services)
    gemeente.world.clock.advance(seconds=AGE_SECONDS_MAX)


async def _recall(gemeente: Agent) -> MessageId:
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    (stored,) = gemeente.hub.messages.values()
    recall = recall_of(gemeente.services, stored.message.id, reason=RecallReason.WRONG_RECIPIENT)
    sign_records(gemeente.services, [recall], kind=RECALL)
    return stored.message.id


def _consent(gemeente: Agent) -> None:
    record_id = new_record_id(gemeente.services)
    made = consent_record(id=record_id, issuer=GEMEENTE, tag=tag_of(gemeente.world))
    sign_records(gemeente.services, [Unsigned(id=record_id, payload=consent_to_payload(made))], kind=CONSENT)


async def test_a_recall_that_waited_for_the_hub_takes_back_what_still_waits(gemeente: Agent) -> None:
    """What went to the wrong recipient would else be picked up as soon as the hub is there again."""
    message_id = await _recall(gemeente)
    await _wait(gemeente, seconds=3600)
    _hold(gemeente, RECALL)
    assert [await record_round(gemeente.services) for _ in range(2)] == [0, 1]
    assert gemeente.hub.messages[message_id.value].state == "recalled"
    assert _row(gemeente)[0] == "recorded"
    assert gemeente.hub.kinds().count("RECALL") == 1


async def test_a_clock_that_lags_keeps_a_recall_and_signs_it_not_without_end(gemeente: Agent) -> None:
    await _recall(gemeente)

    def too_old(_: str) -> None:
        raise RejectedMessageError("not of this moment", code="sender.request.time")

    gemeente.hub.before = too_old
    before = _row(gemeente)
    for _ in range(3):
        assert await record_round(gemeente.services) == 0
    assert _row(gemeente) == before
    assert gemeente.journal.open_notices() == ()


@pytest.mark.parametrize("kind", [RECALL, CONSENT], ids=lambda kind: str(kind.entry))
async def test_what_waited_while_the_key_was_replaced_is_signed_again(gemeente: Agent, kind: Kind) -> None:
    if kind is RECALL:
        await _recall(gemeente)
    else:
        _consent(gemeente)
    said = parse_jws(_row(gemeente)[1], typ=kind.token).payload
    await _wait(gemeente, seconds=60)
    gemeente.world.rotate(GEMEENTE)
    gemeente.restart()
    _hold(gemeente, kind)
    for _ in range(3):
        await record_round(gemeente.services)
    assert _row(gemeente)[0] == "recorded"
    again = parse_jws(_row(gemeente)[1], typ=kind.token)
    assert again.kid == gemeente.services.keys.signing.public.thumbprint
    if kind is CONSENT:
        assert again.payload == said
    assert gemeente.hub.kinds().count(kind.entry.value) == 1


async def test_what_is_refused_for_what_it_says_is_told_and_not_signed_again(gemeente: Agent) -> None:
    await _recall(gemeente)

    def released(_: str) -> None:
        raise RejectedMessageError("picked up", code="sender.recall.released")

    gemeente.hub.before = released
    assert await record_round(gemeente.services) == 1
    assert _row(gemeente)[0] == "refused"
    assert [each.kind for each in gemeente.journal.open_notices()] == ["record-refused"]


@pytest.mark.parametrize("refused", [False, True], ids=["recorded", "refused"])
async def test_a_mistake_of_our_own_while_a_record_is_posted_is_told_until_the_record_is_concluded(
    gemeente: Agent, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise RecursionError

    def refuse(name: str) -> None:
        if refused and name == "record":
            raise RejectedMessageError("no", code="sender.consent.refused")

    monkeypatch.setattr("connectors.agent.recording.prove_recorded", fail)
    _consent(gemeente)
    await record_round(gemeente.services)
    (told,) = gemeente.journal.open_notices()
    assert told.kind is NoticeKind.BLOCKED
    monkeypatch.undo()
    gemeente.hub.before = refuse
    gemeente.world.clock.advance(seconds=AGE_SECONDS_MAX)
    assert await record_round(gemeente.services) == 1
    left = [each.kind for each in gemeente.journal.open_notices()]
    assert left == ([NoticeKind.RECORD_REFUSED] if refused else [])
