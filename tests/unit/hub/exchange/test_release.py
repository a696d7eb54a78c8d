"""Releasing: who gets what, how often it is logged, and what wins when two things happen at once."""

import pytest

from hub.exchange.release import release
from schemas.codes import EntryKind
from schemas.errors import AuthenticationError
from schemas.sealing import SealingPrivateKey
from tests.support.exchange_hub import RAAD, MemoryHub


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
