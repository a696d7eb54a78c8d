"""Check everything that a log says of itself, through its port and by the auditor's own code."""

from dataclasses import dataclass, field
from typing import Final

from audit.note import NoteSigner, parse_note
from audit.policy import Policy
from audit.proof_file import parse_proof_file
from audit.tiles import TILE_WIDTH, bundle_to_bytes, tiles_of
from audit.verify import LogReport, verify_log
from hub.ports import Appended, Log

ORIGIN: Final = "hub.ketenhub.test/log/1"
SIGNER: Final = NoteSigner.from_seed(name=ORIGIN, seed=bytes(range(32)))
"""A published test key."""
POLICY: Final = Policy(logs=(SIGNER.public,))


@dataclass(slots=True)
class Files:
    """A log's files in memory."""

    found: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of `path`, or None."""
        return self.found.get(path)


async def download(log: Log) -> Files:
    """Read a whole log through its port, as an outsider would through the API."""
    note = await log.checkpoint()
    size = POLICY.verify(parse_note(note.encode())).checkpoint.size
    files = Files({"checkpoint": note.encode()})
    for tile in tiles_of(size):
        files.found[tile.path] = await log.hash_tile(level=tile.level, index=tile.index, width=tile.width)
        if tile.level == 0:
            entries = await log.entries(start=tile.index * TILE_WIDTH, count=tile.width)
            files.found[tile.bundle_path] = bundle_to_bytes([entry.encode() for entry in entries])
    return files


async def verify_whole(log: Log) -> LogReport:
    """Check a whole log: signature, tiles, entries, their order. Raises what is wrong."""
    return verify_log(await download(log), policy=POLICY)


def verify_appended(appended: Appended) -> int:
    """Check the proof of an entry; return the size of the tree that it is proved in."""
    proof = parse_proof_file(appended.tlog_proof.encode())
    POLICY.verify(proof.note)
    assert proof.index == appended.index
    proof.verify_entry(appended.entry.encode())
    return proof.checkpoint.size
