"""`log fetch`: copy the hub's log into a folder, for `ketenhub-log verify` to check without trusting the hub.

Checkpoint and hash tiles are open to all. Entry bundles are for who may see every entry, a supervisor; for anybody else
the copy holds hashes only, and says so. Full tiles never change, so a second run fetches only what is new.

Source: c2sp.org/tlog-tiles; the architecture, section 6.
"""

from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint
from audit.tiles import Tile, tiles_of
from connectors.agent.keystore import load_keys
from connectors.cli.common import pinned_log
from connectors.cli.connecting import connected
from connectors.sdk.client import HubClient
from connectors.sdk.proving import prove_checkpoint
from connectors.settings import load_settings
from schemas.errors import RejectedMessageError

CHECKPOINT_FILE: Final = "checkpoint"
TOLD_EVERY: Final = 64
_NOT_FOR_US: Final = "sender.token.insufficient"


async def fetch(home: Path, folder: Path) -> None:
    """Copy the log into a folder in the layout of C2SP tlog-tiles; the checkpoint last, so that a copy is whole or old.

    Raises:
        CommandError: Something is not set up yet.
        ExchangeError: The hub was not reached, or its checkpoint is not signed by the pinned key.
    """
    settings = load_settings(home)
    log = pinned_log(settings)
    async with connected(settings, load_keys(settings.keys)) as hub:
        text = await hub.checkpoint()
        checkpoint = prove_checkpoint(text, log=log)
        with_entries = await _fetch_tiles(hub, checkpoint, folder)
    _write(folder / CHECKPOINT_FILE, text.encode())
    what_nl, what = ("met regels", "with entries") if with_entries else ("alleen hashes", "hashes only")
    print(f"Klaar: {checkpoint.size} regels ({what_nl}) in {folder}; controleer met `ketenhub-log verify`")
    print(f"Done: {checkpoint.size} entries ({what}) in {folder}; check with `ketenhub-log verify`")


async def _fetch_tiles(hub: HubClient, checkpoint: Checkpoint, folder: Path) -> bool:
    """Fetch every tile that is not there yet; returns whether the entries came too."""
    with_entries = True
    tiles = list(tiles_of(checkpoint.size))
    for number, tile in enumerate(tiles):
        await _fetch_file(hub, tile.path, folder, authorised=False)
        if tile.level == 0 and with_entries:
            with_entries = await _fetch_bundle(hub, tile, folder)
        if number and number % TOLD_EVERY == 0:
            print(f"  {number}/{len(tiles)}", flush=True)
    return with_entries


async def _fetch_bundle(hub: HubClient, tile: Tile, folder: Path) -> bool:
    try:
        await _fetch_file(hub, tile.bundle_path, folder, authorised=True)
    except RejectedMessageError as error:
        if error.code != _NOT_FOR_US:
            raise
        return False
    return True


async def _fetch_file(hub: HubClient, path: str, folder: Path, *, authorised: bool) -> None:
    target = folder / path
    if target.exists():
        return
    _write(target, await hub.log_file(path, authorised=authorised))


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(data)
    part.replace(target)
