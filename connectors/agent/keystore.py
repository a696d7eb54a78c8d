"""The connector's private keys, each in a file of its own below `keys/`, which nobody else may enter.

    keys/signing.pem          signing key (PKCS#8)
    keys/sealing.seed         32-byte X-Wing seed of the newest sealing key
    keys/sealing-<n>.seed     rotated sealing keys, kept until the last message sealed to them has expired
    keys/chain/<epoch>.key    32-byte chain key of an epoch

A key file is written once and never over another. Sources: the architecture, section 3.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connectors.agent.disk import make_private_folder, write_private_file
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError, Issue
from schemas.identifiers import Thumbprint
from schemas.jwk import SigningKey
from schemas.pseudonyms import ChainKey
from schemas.randomness import Randomness
from schemas.sealing import SealingPrivateKey

SIGNING: Final = "signing.pem"
SEALING: Final = "sealing.seed"
CHAIN: Final = "chain"
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a connector holds.

    Attributes:
        signing: Signs messages, requests and receipts.
        sealing: The newest sealing key.
        opening: Every sealing key, by name: also those that were rotated.
        chain: Chain keys by epoch; empty until one was created or taken.
    """

    signing: SigningKey
    sealing: SealingPrivateKey
    opening: dict[Thumbprint, SealingPrivateKey] = field(repr=False)
    chain: dict[int, ChainKey] = field(repr=False)

    @property
    def newest_chain(self) -> ChainKey | None:
        """The chain key that pseudonyms are made with, if there is one."""
        return self.chain[max(self.chain)] if self.chain else None


def make_keys(folder: Path, *, randomness: Randomness) -> None:
    """Draw a signing key and a sealing key, where there are none.

    Raises:
        OSError: The folder cannot be written.
    """
    make_private_folder(folder)
    make_private_folder(folder / CHAIN)
    if not (folder / SIGNING).exists():
        key = SigningKey.generate(SignatureAlgorithm.EDDSA, randomness=randomness)
        write_private_file(folder / SIGNING, key.to_pem())
    if not (folder / SEALING).exists():
        write_private_file(folder / SEALING, SealingPrivateKey.generate(randomness=randomness).to_seed())


def load_keys(folder: Path) -> Keys:
    """Read every key.

    Raises:
        DocumentError: A key is missing or is none; the text says which file.
    """
    signing = _read(folder / SIGNING)
    sealing = SealingPrivateKey.from_seed(_read(folder / SEALING))
    opening = {sealing.public.kid: sealing}
    for path in sorted(folder.glob("sealing-*.seed")):
        rotated = SealingPrivateKey.from_seed(_read(path))
        opening[rotated.public.kid] = rotated
    chain: dict[int, ChainKey] = {}
    for path in sorted((folder / CHAIN).glob("*.key")):
        if path.stem.isdecimal():
            chain[int(path.stem)] = ChainKey(epoch=int(path.stem), value=_read(path))
    return Keys(signing=SigningKey.from_pem(signing), sealing=sealing, opening=opening, chain=chain)


def newest_epoch(folder: Path) -> int:
    """Return the newest epoch of which a chain key lies there; -1 if there is none."""
    return max((int(path.stem) for path in (folder / CHAIN).glob("*.key") if path.stem.isdecimal()), default=-1)


def keep_chain_key(folder: Path, key: ChainKey) -> None:
    """Write a chain key that was created or taken.

    Raises:
        FileExistsError: There is one for this epoch.
    """
    make_private_folder(folder / CHAIN)
    write_private_file(folder / CHAIN / f"{key.epoch}.key", key.value)


def open_to_others(folder: Path) -> tuple[Path, ...]:
    """List the keys and folders that others of this machine may read. On Windows the folder's rights must be looked at.

    Returns:
        Paths; nothing if all is well, or where there are no such rights to read.
    """
    if sys.platform == "win32":
        return ()
    found = (folder, *sorted(folder.rglob("*")))
    return tuple(path for path in found if path.stat().st_mode & _OTHERS)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        code = "sender.key.missing"
        text = f"there is no `{path.name}`; `ketenhub-connector init` writes it"
        raise DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)]) from error
