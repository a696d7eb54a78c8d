"""What the settings name and a file holds: the log's key, the registrar's public key, the database's password.

It stands apart from `hub.bootstrap`, so that a command that needs a key does not import the whole service.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from psycopg.conninfo import make_conninfo

from audit.note import NoteSigner, parse_skey
from hub.settings import Settings, is_set, read_secret
from schemas.canonical import parse_json
from schemas.errors import DocumentError
from schemas.jwk import VerificationKey


def read_log_key(settings: Settings) -> NoteSigner:
    """Read the key that signs checkpoints.

    Raises:
        DocumentError: The file cannot be used, or its key has another name than the log's origin.
    """
    with named_in_refusal(settings.keys.log):
        signer = parse_skey(read_secret(settings.keys.log).decode("ascii", "replace"))
    if signer.name != settings.log_origin:
        raise DocumentError(
            f"the log key is for `{signer.name}`, the settings say `{settings.log_origin}`", code="hub.key.origin"
        )
    return signer


def read_registrar(settings: Settings) -> VerificationKey:
    """Read the registrar's public key, pinned here.

    Raises:
        DocumentError: The file cannot be read, or holds no public JWK of a signing key.
    """
    path = settings.keys.registrar
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"`{path}` cannot be read: {error.strerror}", code="hub.settings.registrar") from error
    with named_in_refusal(path):
        jwk = parse_json(data)
        if not isinstance(jwk, dict):
            raise DocumentError("not a JWK", code="hub.settings.registrar")
        return VerificationKey.from_jwk(jwk)


@contextlib.contextmanager
def named_in_refusal(path: Path) -> Iterator[None]:
    """Let a refusal name the file that it is about: a hub has several."""
    try:
        yield
    except DocumentError as error:
        raise DocumentError(f"`{path}`: {error.public_message}", code=error.code, issues=error.issues) from error


def conninfo(settings: Settings) -> str:
    """Put the database password into the connection string; it goes nowhere else."""
    storage = settings.storage
    if not is_set(storage.postgresql_password):
        return storage.postgresql
    return make_conninfo(storage.postgresql, password=read_secret(storage.postgresql_password).decode())
