"""What others hold of a log: read from the files that connectors, witnesses and monitors hand in to recover it.

    evidence, receipts    any JSON file: an object with `entry` and `tlog_proof` proves its entry; any JWS is a document
    boards, steps         a file that is a JWS, as in a dossier of the board
    catalogues, reports   any file of at most 1 MiB: an entry or a step names it by the SHA-256 of its bytes; also the
                      member `text` of an answer of the hub
    checkpoints           any file that is a signed note by the log's key; also those in proofs
    entry bundles         files in the layout of tlog-tiles, `…/tile/entries/000` or `…/tile/entries/000.p/17`

Nothing is believed: a proof must verify under the log's key, a bundle counts only if the tree that it makes has the
root of a checkpoint. What is not understood is passed over, and counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.note import Note, NoteKey, parse_note, verify_note
from audit.proof_file import parse_proof_file
from audit.records import text_digest, token_digest
from audit.tiles import TILE_WIDTH, parse_bundle, parse_tile_path
from schemas.canonical import parse_json
from schemas.document import JSONValue
from schemas.errors import ExchangeError

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
TEXT_BYTES_MAX: Final = 1024 * 1024
_BUNDLES: Final = "tile/entries/"


@dataclass(slots=True, kw_only=True)
class Holdings:
    """What was found.

    Attributes:
        proved: Entries with a proof of their own, by index.
        bundled: Entries from bundles, by index; what they say of their place is not proved.
        checkpoints: Checkpoints that the log signed.
        documents: Signed documents, by the digest that entries commit to them with.
        texts: Catalogues, reports and advice, by the SHA-256 of their bytes; any file may be one.
        passed_over: Files that held nothing of this log; a text is among them too, until an entry names it.
    """

    proved: dict[int, str] = field(default_factory=dict)
    bundled: dict[int, str] = field(default_factory=dict)
    checkpoints: set[Checkpoint] = field(default_factory=set)
    documents: dict[str, str] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    passed_over: list[Path] = field(default_factory=list)

    def entry(self, index: int) -> str | None:
        """Return the entry at an index, the proved one first."""
        return self.proved.get(index) or self.bundled.get(index)

    @property
    def newest(self) -> Checkpoint | None:
        """The largest checkpoint."""
        return max(self.checkpoints, key=lambda checkpoint: checkpoint.size, default=None)


def read_holdings(folder: Path, *, key: NoteKey) -> Holdings:
    """Read everything below a folder.

    Args:
        folder: Where the files that others handed in were put.
        key: The log's key.

    Raises:
        OSError: A file cannot be read.
    """
    holdings = Holdings()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            continue
        data = path.read_bytes()
        if len(data) <= TEXT_BYTES_MAX:
            holdings.texts[text_digest(data)] = data
        if not _take(path.relative_to(folder).as_posix(), data, key=key, holdings=holdings):
            holdings.passed_over.append(path)
    return holdings


def _take(relative: str, data: bytes, *, key: NoteKey, holdings: Holdings) -> bool:
    if _BUNDLES in f"/{relative}":
        return _take_bundle(relative[relative.index(_BUNDLES) :], data, holdings=holdings)
    try:
        return _take_value(parse_json(data), key=key, holdings=holdings)
    except ExchangeError:
        pass
    if data.isascii() and _take_document(data.decode("ascii").strip(), holdings=holdings):
        return True
    try:
        return _take_note(parse_note(data), key=key, holdings=holdings)
    except ExchangeError:
        return False


def _take_bundle(relative: str, data: bytes, *, holdings: Holdings) -> bool:
    try:
        tile, _ = parse_tile_path(relative)
        entries = parse_bundle(data, width=tile.width)
        texts = [entry.decode() for entry in entries]
    except (ExchangeError, UnicodeDecodeError):
        return False
    for place, text in enumerate(texts):
        holdings.bundled.setdefault(tile.index * TILE_WIDTH + place, text)
    return True


def _take_value(value: JSONValue, *, key: NoteKey, holdings: Holdings) -> bool:
    """Take every proof and every signed document in a JSON value."""
    found = False
    for node in _nodes(value):
        if isinstance(node, str):
            found |= _take_document(node, holdings=holdings)
        elif _take_proof(node, key=key, holdings=holdings):
            found = True
    return found


def _take_document(text: str, *, holdings: Holdings) -> bool:
    if text.count(".") != 2 or not text.isascii() or any(character.isspace() for character in text):
        return False
    holdings.documents[token_digest(text)] = text
    return True


def _take_proof(members: Mapping[str, JSONValue], *, key: NoteKey, holdings: Holdings) -> bool:
    text = members.get("text")
    if isinstance(text, str) and len(text) <= TEXT_BYTES_MAX:
        holdings.texts[text_digest(text.encode())] = text.encode()
    entry, proof_text = members.get("entry"), members.get("tlog_proof")
    if not isinstance(entry, str) or not isinstance(proof_text, str):
        return False
    try:
        proof = parse_proof_file(proof_text.encode())
        proof.verify_entry(entry.encode())
        if not _take_note(proof.note, key=key, holdings=holdings):
            return False
    except ExchangeError:
        return False
    holdings.proved[proof.index] = entry
    return True


def _take_note(note: Note, *, key: NoteKey, holdings: Holdings) -> bool:
    verify_note(note, [key])
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != key.name:
        return False
    holdings.checkpoints.add(checkpoint)
    return True


def _nodes(value: JSONValue) -> Iterator[str | Mapping[str, JSONValue]]:
    """Walk through a JSON value: its objects and its strings."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, str):
            yield node
