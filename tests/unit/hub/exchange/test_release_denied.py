"""A release that is denied as a whole: nothing is disclosed, nothing is logged, and the sender hears of it once."""

from dataclasses import replace

import pytest

from audit.records import parse_shown
from hub.attention import Notice
from hub.exchange.release import why_withheld
from hub.exchange.stages import Arrival
from hub.ports import MessageState, StoredMessage
from schemas.codes import EntryKind
from schemas.errors import UnavailableError
from schemas.identifiers import OIN, MessageId
from schemas.sealing import SealingPrivateKey
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub
from tests.support.parties import message_id
from tests.support.statements import casusinformatie, consents, of_child, of_parent, withdrawal


async def withdrawn() -> tuple[MemoryHub, MessageId]:
    """A hub with a message whose consents were all withdrawn after it was accepted."""
    hub = await MemoryHub.opened()
    child, parent = of_child(hub.world), of_parent(hub.world)
    await consents(hub, child, parent)
    accepted = await hub.submit(casusinformatie(hub.world, child, parent))
    await consents(hub, withdrawal(child, 7), withdrawal(parent, 8))
    return hub, accepted.id


async def notices(hub: MemoryHub, oin: OIN) -> tuple[Notice, ...]:
    return await hub.persons.notices(oin, after=-1, limit=10)


async def stored(hub: MemoryHub, about: MessageId) -> StoredMessage:
    found = await hub.services.store.message(about)
    assert found is not None
    return found


async def why(hub: MemoryHub, about: MessageId) -> list[str]:
    issues = await why_withheld(await stored(hub, about), arrival=hub.arrival, services=hub.services)
    assert all(issue.text and issue.text_nl for issue in issues)
    return [issue.code for issue in issues]


async def test_the_sender_of_a_message_whose_release_is_denied_is_told_and_woken() -> None:
    hub, about = await withdrawn()
    hub.noticed.clear()
    await hub.release(GI, about)
    (notice,) = await notices(hub, GEMEENTE)
    said = (notice.kind, notice.message_id, notice.record_id, notice.index, notice.at)
    assert said == ("release-denied", about, None, None, hub.arrival.seconds)
    assert hub.noticed == [(GEMEENTE, notice.number)]
    assert hub.woken[-1] == GEMEENTE
    assert await notices(hub, GI) == ()
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_the_sender_is_told_once_however_often_the_recipient_asks() -> None:
    hub, about = await withdrawn()
    for _ in range(3):
        await hub.release(GI, about)
    assert len(await notices(hub, GEMEENTE)) == 1
    assert [oin for oin, _ in hub.noticed].count(GEMEENTE) == 1


async def test_a_denial_while_the_release_is_logged_is_told_too() -> None:
    hub = await MemoryHub.opened()
    child, parent = of_child(hub.world), of_parent(hub.world)
    await consents(hub, child, parent)
    accepted = await hub.submit(casusinformatie(hub.world, child, parent))
    hub.meanwhile = lambda: consents(hub, withdrawal(child, 7), withdrawal(parent, 8))
    await hub.release(GI, accepted.id)
    assert [notice.message_id for notice in await notices(hub, GEMEENTE)] == [accepted.id]


async def test_a_release_of_less_is_no_denial() -> None:
    hub = await MemoryHub.opened()
    child, parent = of_child(hub.world), of_parent(hub.world)
    await consents(hub, child, parent)
    accepted = await hub.submit(casusinformatie(hub.world, child, parent))
    await consents(hub, withdrawal(parent, 8))
    assert len((await hub.release(GI, accepted.id)).releases) == 1
    assert await notices(hub, GEMEENTE) == ()
    assert await why(hub, accepted.id) == []


async def test_nobody_is_told_when_somebody_asks_for_what_is_not_its_own() -> None:
    hub, about = await withdrawn()
    await hub.release(RAAD, about)
    assert await notices(hub, GEMEENTE) == ()


async def test_what_waits_under_a_revoked_key_is_told_to_its_sender_who_must_send_it_anew() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    organisation = hub.world.organisations[RAAD]
    revoked = organisation.sealing.public.kid
    organisation.sealing = SealingPrivateKey.generate(randomness=hub.world.randomness)
    hub.world.state_keys(organisation, revoked=(revoked,))
    await hub.follow()
    ((_, error),) = (await hub.release(RAAD, accepted.id)).refused
    assert error.code == "recipient.sealing-key.revoked"
    assert [notice.message_id for notice in await notices(hub, GEMEENTE)] == [accepted.id]
    assert await why(hub, accepted.id) == ["recipient.sealing-key.revoked"]


async def test_why_it_is_withheld_is_said_of_this_moment() -> None:
    """Consent that is given anew lets the message go after all."""
    hub, about = await withdrawn()
    assert await why(hub, about) == ["recipient.decision.consent-withdrawn"]
    again = replace(of_child(hub.world), id=message_id(11))
    await consents(hub, again)
    assert await why(hub, about) == []
    assert len((await hub.release(GI, about)).releases) == 1


async def test_why_is_said_of_what_acceptance_permitted() -> None:
    hub, about = await withdrawn()
    accepted_label = parse_shown((await stored(hub, about)).shown.text).permitted[0]
    hub.deny_stored(about, accepted_label, "spoed-over")
    ((_, error),) = (await hub.release(GI, about)).refused
    assert [issue.code for issue in error.issues] == ["recipient.decision.consent-withdrawn"]
    assert await why(hub, about) == ["recipient.decision.consent-withdrawn"]


async def test_a_recipient_that_is_suspended_takes_nothing_and_that_is_said() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.suspend(RAAD)
    assert await why(hub, accepted.id) == ["recipient.participant.suspended"]


@pytest.mark.parametrize("ended", [MessageState.RECEIVED, MessageState.RECALLED, MessageState.EXPIRED])
async def test_of_what_has_ended_nothing_is_withheld(ended: MessageState) -> None:
    hub, about = await withdrawn()
    message = await stored(hub, about)
    assert await why_withheld(replace(message, state=ended), arrival=hub.arrival, services=hub.services) == ()
    late = Arrival(at=hub.arrival.at.replace(year=2027), trace_id="1" * 32, span_id="2" * 16)
    assert await why_withheld(message, arrival=late, services=hub.services) == ()


async def test_where_the_sender_cannot_be_told_now_the_recipient_is_asked_to_ask_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else nobody would be told: a refusal is asked for again only after a while."""
    hub, about = await withdrawn()

    async def away(*_: object, **__: object) -> tuple[()]:
        raise UnavailableError("the database is away")

    monkeypatch.setattr(type(hub.persons), "notice_denied", away)
    released = await hub.release(GI, about)
    assert (released.later, released.refused) == ((about,), ())
