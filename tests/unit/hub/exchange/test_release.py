"""Releasing: who gets what, how often it is logged, and what wins when two things happen at once."""

from dataclasses import replace

import pytest

from audit.records import parse_shown
from hub.exchange.release import release
from schemas.codes import EntryKind
from schemas.errors import AuthenticationError
from schemas.sealing import SealingPrivateKey
from tests.support.exchange_hub import GI, RAAD, MemoryHub


async def test_a_recipient_suspended_a_moment_ago_gets_nothing() -> None:
    """This process still holds the directory of a moment ago; the log is a moment newer."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    with hub.another_process():
        await hub.suspend(RAAD)
    with pytest.raises(AuthenticationError) as refused:
        await hub.release(RAAD, accepted.id)
    assert refused.value.code == "sender.participant.unknown"
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_recipient_suspended_while_its_release_is_decided_gets_nothing() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: hub.suspend(RAAD)
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [(each, error.code) for each, error in released.refused] == [(accepted.id, "sender.participant.unknown")]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_what_waits_under_a_key_revoked_while_its_release_is_decided_is_not_released() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    request = hub.release_request(RAAD, accepted.id)
    hub.meanwhile = lambda: _revoke_sealing_key(hub)
    released = await release(request, arrival=hub.arrival, services=hub.services)
    assert released.releases == ()
    assert [(each, error.code) for each, error in released.refused] == [(accepted.id, "recipient.sealing-key.revoked")]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def _revoke_sealing_key(hub: MemoryHub) -> None:
    """Let the recipient replace and revoke its sealing key; its signing key stays."""
    organisation = hub.world.organisations[RAAD]
    revoked = organisation.sealing.public.kid
    organisation.sealing = SealingPrivateKey.generate(randomness=hub.world.randomness)
    hub.world.state_keys(organisation, revoked=(revoked,))
    await hub.follow()


async def test_a_message_whose_stored_parts_are_gone_holds_up_no_other() -> None:
    """What is left of it is handed out: its recipient finds out, and its receipt says so to the sender."""
    hub = await MemoryHub.opened()
    damaged, other = await hub.submit(hub.compose()), await hub.submit(hub.compose())
    hub.lose_element(damaged.id, 3)
    released = await hub.release(RAAD, damaged.id, other.id)
    assert [each.message.id for each in released.releases] == [damaged.id, other.id]
    assert 3 not in released.releases[0].elements
    assert 3 in released.releases[1].elements


async def test_a_stored_message_that_is_not_the_one_accepted_is_refused_alone() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    damaged, other = await hub.submit(hub.compose()), await hub.submit(composed)
    hub.replace_stored(damaged.id, jws=composed.submission.message)
    released = await hub.release(RAAD, damaged.id, other.id)
    assert [each.message.id for each in released.releases] == [other.id]
    assert [(each, error.code) for each, error in released.refused] == [(damaged.id, "hub.message.damaged")]


async def test_a_stored_message_that_was_given_another_recipient_is_not_released() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.replace_stored(accepted.id, recipient=GI)
    released = await hub.release(GI, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["hub.message.damaged"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_reason_that_this_version_does_not_know_still_denies() -> None:
    """Another process, of a newer version, accepted the message."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    label = parse_shown(accepted.shown.text).permitted[0]
    hub.deny_stored(accepted.id, label, "a-reason-of-tomorrow")
    released = await hub.release(RAAD, accepted.id)
    (handed_out,) = released.releases
    shown = parse_shown(handed_out.shown.text)
    assert [(each.label, each.reasons) for each in shown.withheld] == [(label, ("not-evaluable",))]


async def test_a_label_that_the_definitions_no_longer_have_is_withheld() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    definitions = hub.services.policy.definitions
    profiles = {name: each for name, each in definitions.profiles.items() if name != "professional"}
    policy = replace(hub.services.policy, definitions=replace(definitions, profiles=profiles))
    hub.services = replace(hub.services, policy=policy)
    (handed_out,) = (await hub.release(RAAD, accepted.id)).releases
    withheld = {each.label.split("/")[0] for each in parse_shown(handed_out.shown.text).withheld}
    assert withheld == {"professional"}
