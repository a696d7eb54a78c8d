"""The catalogue that the hub decides by: a connector that decided by another reads it before its next message.

Source: the architecture, section 5.
"""

import hashlib
from pathlib import Path
from typing import Final

from connectors.agent.services import Services
from connectors.sdk.composing import Policy
from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from schemas.canonical import b64url
from schemas.errors import EvidenceError

CATALOGUE_FILE: Final = "catalogue.toml"


def known_catalogue(home: Path) -> Catalogue:
    """Return the catalogue that was read last, else the packaged one."""
    path = home / CATALOGUE_FILE
    return load_catalogue(path.read_bytes()) if path.exists() else packaged_catalogue()


async def follow_catalogue(services: Services, digest: str) -> bool:
    """Read the hub's catalogue if it is another than ours.

    Args:
        services: The policy in it is replaced.
        digest: From a proven entry.

    Returns:
        Whether another catalogue counts now.

    Raises:
        DocumentError: The catalogue cannot be read: this version of the software is too old for it.
        EvidenceError: The hub gives another catalogue than its log names.
        UnavailableError: The hub was not reached.
    """
    if digest == services.policy.catalogue.digest:
        return False
    text = (await services.hub.grounds()).text.encode()
    if b64url(hashlib.sha256(text).digest()) != digest:
        raise EvidenceError("the hub gives another catalogue than its log names", code="hub.catalogue.digest")
    catalogue = load_catalogue(text)
    services.disk.put(services.settings.home / CATALOGUE_FILE, text)
    services.policy = Policy.of(definitions=services.policy.definitions, catalogue=catalogue)
    return True
