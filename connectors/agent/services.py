"""What the agent works with, wired once by the command line or a test."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.note import NoteKey
from connectors.agent.directory import DirectoryKeeper
from connectors.agent.disk import Disk
from connectors.agent.journal import Journal
from connectors.agent.keystore import Keys
from connectors.agent.scan import Scanner
from connectors.formats.ports import Format
from connectors.sdk.composing import Policy
from connectors.sdk.ports import Hub
from connectors.settings import Settings
from schemas.clock import Clock
from schemas.randomness import Randomness


@dataclass(slots=True, kw_only=True)
class Services:
    """Everything the agent may use.

    Attributes:
        policy: Definitions and grounds; replaced when the hub decides by another catalogue.
        keys: The private keys; read again when there is a newer chain key.
    """

    settings: Settings
    journal: Journal
    disk: Disk
    clock: Clock
    randomness: Randomness
    keys: Keys
    policy: Policy
    formats: Sequence[Format]
    scanner: Scanner
    directory: DirectoryKeeper
    hub: Hub
    log: NoteKey
