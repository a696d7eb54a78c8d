"""A session with the hub, for commands that need no more of a home than its settings and keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connectors.agent.keystore import Keys
from connectors.sdk.client import HubClient
from connectors.sdk.transport import Identity
from connectors.settings import Settings
from schemas.clock import SystemClock
from schemas.randomness import SystemRandomness


@asynccontextmanager
async def connected(settings: Settings, keys: Keys | None) -> AsyncIterator[HubClient]:
    """Open a session with the hub, as the participant whose keys are given."""
    identity = Identity(oin=settings.oin, key=keys.signing) if keys else None
    async with HubClient.connect(
        settings.hub.url,
        identity=identity,
        clock=SystemClock(),
        randomness=SystemRandomness(),
        proxy=settings.hub.proxy or None,
    ) as hub:
        yield hub
