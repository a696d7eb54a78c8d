"""A small log that Tessera wrote: its checkpoints verify, and a log of our own is the same byte for byte."""

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.note import NoteKeyType, parse_note, parse_vkey, verify_note
from audit.proofs import make_inclusion_proof, verify_inclusion
from audit.tiles import (
    CHECKPOINT_PATH,
    Tile,
    bundle_to_bytes,
    hash_at_from_tiles,
    parse_bundle,
    parse_tile,
    tile_nodes,
    tile_to_bytes,
    tiles_of,
)
from tests.support.shared import shared_path

ENTRIES = 15
ORIGIN = "example.com/log/testdata"


def _read(path: str) -> bytes:
    return shared_path(f"vectors/tlog-tessera/log/{path}").read_bytes()


def _entries() -> tuple[bytes, ...]:
    return parse_bundle(_read(Tile(level=0, index=0, width=ENTRIES).bundle_path), width=ENTRIES)


def test_the_published_key_signed_every_checkpoint() -> None:
    key = parse_vkey(shared_path("vectors/tlog-tessera/vkey.txt").read_text("utf-8").strip())
    assert (key.name, key.type) == (ORIGIN, NoteKeyType.ED25519)
    for size in range(ENTRIES + 1):
        note = parse_note(_read(f"checkpoint.{size}"))
        (verified,) = verify_note(note, [key])
        assert verified.key == key
        assert verified.cosigned_at is None
        assert parse_checkpoint(note.text).size == size
        assert str(note).encode() == _read(f"checkpoint.{size}")
    assert _read(CHECKPOINT_PATH) == _read(f"checkpoint.{ENTRIES}")


def test_the_same_entries_give_the_same_checkpoint_tiles_and_bundles_at_every_size() -> None:
    entries = _entries()
    assert (entries[0], entries[14]) == (b"one", b"fivten")
    grown = CompactRange()
    for size in range(ENTRIES + 1):
        ours = Checkpoint(origin=ORIGIN, size=size, root_hash=grown.root())
        note = parse_note(_read(f"checkpoint.{size}"))
        assert ours.text + "\n" + note.signatures[0].line == _read(f"checkpoint.{size}").decode()
        leaves = [hash_leaf(entry) for entry in entries[:size]]
        for tile in tiles_of(size):
            assert tile_to_bytes(leaves) == _read(tile.path)
            assert bundle_to_bytes(entries[:size]) == _read(tile.bundle_path)
        if size < ENTRIES:
            grown = grown.append(hash_leaf(entries[size]))


def test_a_proof_made_from_a_tile_leads_to_the_signed_root() -> None:
    tile = Tile(level=0, index=0, width=ENTRIES)
    hash_at = hash_at_from_tiles(size=ENTRIES, nodes_of=lambda wanted: tile_nodes(wanted, _read(wanted.path)))
    root = parse_checkpoint(parse_note(_read(CHECKPOINT_PATH)).text).root_hash
    leaves = parse_tile(_read(tile.path), width=ENTRIES)
    for index in range(ENTRIES):
        path = make_inclusion_proof(leaf_index=index, tree_size=ENTRIES, hash_at=hash_at)
        verify_inclusion(leaf_hash=leaves[index], leaf_index=index, tree_size=ENTRIES, path=path, root_hash=root)
