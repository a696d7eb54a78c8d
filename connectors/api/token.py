"""The token by which a system of the organisation's shows that it may use the API: a file among the keys.

    keys/api.token    32 random bytes in base64url, readable by the connector's user alone

It opens what the folders `out` and `in` open, so it is guarded as they are. Whoever holds it can be given another by
`ketenhub-connector api token --renew`; the old one stops at once, also in a running connector.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from connectors.agent.disk import Disk, make_private_folder, write_private_file
from schemas.canonical import b64url
from schemas.randomness import Randomness

TOKEN: Final = "api.token"  # noqa: S105 - the name of its file
TOKEN_BYTES: Final = 32


def make_token(folder: Path, *, randomness: Randomness, renew: bool = False) -> Path:
    """Write a token where there is none, or another in its place.

    Args:
        folder: That of the keys.
        randomness: Where it is drawn from.
        renew: Whether one that is there is replaced.

    Returns:
        Where it lies.

    Raises:
        OSError: The folder cannot be written.
    """
    make_private_folder(folder)
    path = folder / TOKEN
    if path.exists() and not renew:
        return path
    part = folder / f".{TOKEN}.part"
    part.unlink(missing_ok=True)
    write_private_file(part, f"{b64url(randomness.bytes(TOKEN_BYTES))}\n".encode())
    part.replace(path)
    Disk().sync_folder(folder)
    return path


def read_token(folder: Path) -> str:
    """Read the token.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    return (folder / TOKEN).read_text(encoding="ascii").strip()


def is_token(given: str, *, folder: Path) -> bool:
    """Whether this is the token; how long it takes says nothing about it. A token that cannot be read is nobody's."""
    try:
        known = read_token(folder)
    except (OSError, UnicodeDecodeError):
        return False
    digests = (hashlib.sha256(each.encode("utf-8", "surrogatepass")).digest() for each in (given, known))
    return bool(known) and hmac.compare_digest(*digests)
