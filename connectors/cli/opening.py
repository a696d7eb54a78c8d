"""Opening a home for work: what the commands share that speak with the hub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from connectors.agent.catalogues import known_catalogue
from connectors.agent.directory import DirectoryKeeper
from connectors.agent.disk import Disk
from connectors.agent.journal import Journal
from connectors.agent.keystore import load_keys
from connectors.agent.scan import Scanner
from connectors.agent.services import Services
from connectors.cli.common import pinned_log, pinned_registrar
from connectors.cli.connecting import connected
from connectors.formats.fhir import FhirFormat
from connectors.formats.stuf import Conventions, StufFormat
from connectors.sdk.composing import Policy
from connectors.settings import Settings, load_settings
from schemas.clock import SystemClock
from schemas.definitions import load_definitions
from schemas.randomness import SystemRandomness


def stuf_format(settings: Settings) -> StufFormat:
    """Return the StUF format with the organisation's conventions."""
    defaults = Conventions()
    stuf = settings.stuf
    return StufFormat(
        conventions=Conventions(
            health_documents=(
                defaults.health_documents if stuf.health_documents is None else frozenset(stuf.health_documents)
            ),
            necessary_documents=None if stuf.necessary_documents is None else frozenset(stuf.necessary_documents),
        )
    )


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Services]:
    """Open a home for work: settings, keys, journal, directory and a session with the hub.

    Raises:
        CommandError: Something is not set up yet; the text says what.
        DocumentError: The settings or a key cannot be read.
    """
    settings = load_settings(home)
    keys = load_keys(settings.keys)
    log, registrar = pinned_log(settings), pinned_registrar(settings)
    # A home of before questions were known has no folder for them.
    settings.folders.questions.mkdir(parents=True, exist_ok=True)
    journal = Journal(settings.journal)
    try:
        async with connected(settings, keys) as hub:
            yield Services(
                settings=settings,
                journal=journal,
                disk=Disk(),
                clock=SystemClock(),
                randomness=SystemRandomness(),
                keys=keys,
                policy=Policy.of(definitions=load_definitions(), catalogue=known_catalogue(home)),
                formats=(stuf_format(settings), FhirFormat()),
                scanner=Scanner(command=settings.scan, seconds=settings.scan_seconds),
                directory=DirectoryKeeper(journal=journal, oin=settings.oin, log=log, registrar=registrar),
                hub=hub,
                log=log,
            )
    finally:
        journal.close()
