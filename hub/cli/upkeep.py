"""`ketenhub keys`, `migrate` and `log`: what an operator does once, or in trouble."""

import argparse
from typing import Final

from audit.note import NoteSigner
from hub.cli.common import write_new
from hub.keys import conninfo, read_log_key, read_registrar
from hub.settings import Settings
from hub.storage.postgresql.migrate import migrate
from hub.web.tokens import TOKEN_KEY_BYTES
from schemas.canonical import b64url
from schemas.randomness import SystemRandomness

_SEED_BYTES: Final = 32


def create_keys(settings: Settings, options: argparse.Namespace) -> None:
    """Make the log's key and the token key where they are not there, and show what others pin."""
    randomness = SystemRandomness()
    if not settings.keys.log.exists():
        signer = NoteSigner.from_seed(name=settings.log_origin, seed=randomness.bytes(_SEED_BYTES))
        write_new(settings.keys.log, signer.skey.encode() + b"\n", secret=True)
    if not settings.keys.token.exists():
        write_new(settings.keys.token, b64url(randomness.bytes(TOKEN_KEY_BYTES)).encode() + b"\n", secret=True)
    show_keys(settings, options)


def show_keys(settings: Settings, _: argparse.Namespace) -> None:
    """Show what connectors and witnesses pin."""
    signer = read_log_key(settings)
    print(f"hub:        {settings.hub.name}")
    print(f"log vkey:   {signer.public.vkey}")
    print(f"registrar:  {read_registrar(settings).kid}")


def migrate_database(settings: Settings, _: argparse.Namespace) -> None:
    """Bring the database to this version."""
    applied = migrate(conninfo(settings))
    print(f"applied: {', '.join(map(str, applied)) if applied else 'nothing, the database is at this version'}")
