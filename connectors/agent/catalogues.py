"""The catalogue that the hub decides by: a connector that decided by another reads it before its next message.

Source: the architecture, section 5.
"""

import hashlib
from pathlib import Path
from typing import Final

from connectors.agent.concluding import alarm
from connectors.agent.journal import NoticeKind, notify
from connectors.agent.services import Services
from connectors.sdk.composing import Policy
from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from schemas.canonical import b64url
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError

CATALOGUE_FILE: Final = "catalogue.toml"
_ABOUT: Final = "catalogue"


def known_catalogue(home: Path) -> Catalogue:
    """Return the catalogue that was read last, else the packaged one."""
    path = home / CATALOGUE_FILE
    return load_catalogue(path.read_bytes()) if path.exists() else packaged_catalogue()


async def follow_catalogue(services: Services, digest: str) -> str | None:
    """Read the hub's catalogue if it is another than ours.

    Args:
        services: The policy in it is replaced.
        digest: From a proven entry.

    Returns:
        The version of the catalogue that counts from now; None if it is the one that counted.

    Raises:
        DocumentError: The catalogue cannot be read: this version of the software is too old for it.
        EvidenceError: The hub gives another catalogue than its log names.
        UnavailableError: The hub was not reached.
    """
    if digest == services.policy.catalogue.digest:
        return None
    text = (await services.hub.grounds()).text.encode()
    if b64url(hashlib.sha256(text).digest()) != digest:
        raise EvidenceError("the hub gives another catalogue than its log names", code="hub.catalogue.digest")
    catalogue = load_catalogue(text)
    services.disk.put(services.settings.home / CATALOGUE_FILE, text)
    services.policy = Policy.of(definitions=services.policy.definitions, catalogue=catalogue)
    return catalogue.version


async def keep_up_with_catalogue(services: Services, digest: str) -> None:
    """Read the catalogue that the hub decided by; people hear that another counts, or that it cannot be read."""
    try:
        version = await follow_catalogue(services, digest)
    except UnavailableError:
        return  # the next message is accepted by the same catalogue, and it is asked for again
    except EvidenceError as error:
        alarm(services, about=_ABOUT, error=error)
        return
    except RejectedMessageError as error:
        _tell_of_catalogue(
            services,
            text_nl=f"De hub beslist met een catalogus die deze connector niet kan lezen ({error.code}): werk de"
            " connector bij.",
            text_en=f"The hub decides by a catalogue that this connector cannot read ({error.code}): upgrade it.",
        )
        return
    if version is not None:
        _tell_of_catalogue(
            services,
            text_nl=f"De hub beslist met catalogus {version}, en deze connector volgt die nu. Ga na of dat klopt: de"
            " catalogus zegt welke gegevens naar wie mogen.",
            text_en=f"The hub decides by catalogue {version}, and this connector follows it now. See that this is"
            " right: the catalogue says which elements may go to whom.",
        )


def _tell_of_catalogue(services: Services, *, text_nl: str, text_en: str) -> None:
    with services.journal.step("catalogue") as db:
        notify(
            db,
            kind=NoticeKind.CATALOGUE,
            about=_ABOUT,
            text_nl=text_nl,
            text_en=text_en,
            at=services.clock.now(),
        )
