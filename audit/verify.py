"""Check a whole log from its files, without trusting whoever wrote them.

What is checked, in this order, each tile once and never more than one path of them in memory:

1. the checkpoint: a log of the policy signed it, and the witnesses that the policy asks for;
2. every entry of a bundle hashes to its place in the tile of level 0;
3. every full tile hashes to its place in the tile above;
4. the tree's root is the checkpoint's;
5. earlier checkpoints that somebody kept: their root is the root of the log's beginning;
6. the entries follow each other: no time before that of the entry before, each names the newest PARTICIPANT entry
   before it and was decided at a size that the log had, and only the first can say which log this one continues;
7. what decides: a message is accepted and disclosed by the catalogue of the newest entry `grounds` before it, and such
   an entry names a proposal that the log holds; without one only as long as none had one;
8. stops: between a STOP entry and its RESUMPTION nothing is accepted and nothing disclosed, and each ends the other.

Without entries (they need a token; hashes are open to all) 2 and 6 to 8 fall away: the log is then shown to be one tree
that continues the earlier ones, and nothing about what it says. `nth` and `previous` stand in records that are not in
the log: an accounting is checked where the records are. What the members of the board signed is not in the log either:
that the steps which its entries commit to were enough is checked where they are, by each connector.

Source: c2sp.org/tlog-tiles; RFC 6962, section 2.1; the architecture, section 6.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Protocol

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.entries import GROUNDS, Entry, parse_entry
from audit.hashing import hash_leaf
from audit.merkle import TILE_HEIGHT, CompactRange, complete_root
from audit.note import parse_note
from audit.policy import Policy, VerifiedCheckpoint
from audit.tiles import CHECKPOINT_PATH, TILE_WIDTH, Tile, parse_bundle, parse_tile
from schemas.codes import EntryKind
from schemas.errors import ISSUES_MAX, DocumentError, EvidenceError, Issue

_DECIDED: Final = frozenset({EntryKind.SUBMISSION, EntryKind.DISCLOSURE})


class LogFiles(Protocol):
    """Where the files of a log are: a folder, an archive, a hub."""

    def read(self, path: str) -> bytes | None:
        """Return the bytes of `path` (such as `tile/0/000`), or None if there is no such file.

        What else it raises ends the verification: an unreadable file is not an absent one.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What was verified.

    Attributes:
        checkpoint: The tree head that everything was checked against.
        verified: Who signed it by the policy; None where there was no policy: then nothing says whose log it is.
        entries: How many entries were read and checked; less than the checkpoint's size where bundles are absent.
        kinds: How many of each kind.
        continued: Sizes of the earlier checkpoints that this log continues.
        newest_time: Time of the newest entry that was read, in milliseconds since the epoch.
    """

    checkpoint: Checkpoint
    verified: VerifiedCheckpoint | None
    entries: int
    kinds: Counter[EntryKind]
    continued: tuple[int, ...]
    newest_time: int | None


def verify_log(
    files: LogFiles, *, policy: Policy | None, earlier: Sequence[Checkpoint] = (), entries: bool = True
) -> LogReport:
    """Check a whole log.

    Args:
        files: The log's files in the layout of tlog-tiles.
        policy: Whose signatures count; None checks everything but the signature.
        earlier: Checkpoints that were kept, which this log must continue. Whose they are is the caller's to check.
        entries: Whether to read the entries where there are any.

    Returns:
        What was verified.

    Raises:
        DocumentError: The checkpoint does not have its form.
        SignatureError: The checkpoint is not signed as the policy asks.
        EvidenceError: The files contradict each other or the checkpoint; the findings are listed, at most 200.
    """
    # 1. The checkpoint.
    data = files.read(CHECKPOINT_PATH)
    if data is None:
        raise DocumentError(f"there is no file `{CHECKPOINT_PATH}`", code="hub.log.no-checkpoint")
    note = parse_note(data)
    verified = policy.verify(note) if policy is not None else None
    checkpoint = parse_checkpoint(note.text)
    # 2 to 8.
    walk = _Walk(files=files, size=checkpoint.size, entries=entries, earlier=_by_size(earlier, checkpoint))
    walk.run()
    if not compare_digest(walk.grown.root(), checkpoint.root_hash):
        walk.wrong(CHECKPOINT_PATH, "its root hash is not that of the tiles")
    if walk.issues:
        raise EvidenceError(
            f"the log of `{checkpoint.origin}` contradicts itself", code="hub.log.contradiction", issues=walk.issues
        )
    return LogReport(
        checkpoint=checkpoint,
        verified=verified,
        entries=walk.checked.count,
        kinds=walk.checked.kinds,
        continued=tuple(sorted({kept.size for kept in earlier})),
        newest_time=walk.checked.time,
    )


def _by_size(earlier: Sequence[Checkpoint], checkpoint: Checkpoint) -> dict[int, list[Checkpoint]]:
    found: dict[int, list[Checkpoint]] = {}
    for kept in earlier:
        if kept.origin != checkpoint.origin:
            raise EvidenceError(f"a kept checkpoint is of log `{kept.origin}`, this is `{checkpoint.origin}`")
        if kept.size > checkpoint.size:
            raise EvidenceError(f"a kept checkpoint has {kept.size} entries, this log only {checkpoint.size}")
        found.setdefault(kept.size, []).append(kept)
    return found


@dataclass(slots=True)
class _Catalogues:
    """What the entries so far say of the catalogue in force."""

    in_force: str | None = None
    """Its digest; None before the first, and where an entry that could not be read may have changed it."""
    by_steps: bool = False
    """Whether one came into force by a proposal: from then on each must."""
    proposed: set[tuple[str | None, str | None, str | None]] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    """Proposals that brought a catalogue into force: each does so once."""
    unseen: bool = False
    """Whether entries could not be read: a proposal may be among them."""

    def miss(self) -> None:
        """Pass over an entry that cannot be read."""
        self.in_force, self.unseen = None, True

    def follow(self, index: int, entry: Entry) -> Iterator[str]:
        """Check what decides, and take an entry in."""
        if entry.kind in _DECIDED and self.in_force not in (None, entry.catalogue):
            yield f"entry {index} was decided by another catalogue than the one in force"
        if entry.kind is not EntryKind.CATALOGUE:
            return
        about = entry.request, entry.catalogue, entry.version
        if entry.id != GROUNDS:
            self.proposed.add(about)
            return
        if entry.request is None and self.by_steps:
            yield f"entry {index} brings a catalogue into force without the board"
        elif entry.request is not None and about not in self.proposed and not self.unseen:
            yield f"entry {index} brings a catalogue into force by a proposal that is not in the log"
        elif entry.request in self.used:
            yield f"entry {index} brings a catalogue into force by a proposal that did so before"
        self.used.update([entry.request] if entry.request else [])
        self.in_force, self.by_steps = entry.catalogue, self.by_steps or entry.request is not None


@dataclass(slots=True)
class _Stops:
    """What the entries so far say of whether the hub may accept and disclose."""

    stopped: bool | None = False
    """None where an entry that could not be read may have changed it."""

    def follow(self, index: int, entry: Entry) -> Iterator[str]:
        """Check what a stop forbids, and take an entry in."""
        if entry.kind in _DECIDED and self.stopped:
            yield f"entry {index} accepts or discloses something though the hub has stopped"
        elif entry.kind is EntryKind.STOP:
            if self.stopped:
                yield f"entry {index} stops a hub that has stopped"
            self.stopped = True
        elif entry.kind is EntryKind.RESUMPTION:
            if self.stopped is False:
                yield f"entry {index} resumes a hub that has not stopped"
            self.stopped = False


@dataclass(slots=True)
class _Chain:
    """What the entries so far say that the next one must follow."""

    count: int = 0
    kinds: Counter[EntryKind] = field(default_factory=Counter)
    time: int | None = None
    newest_participant: int | None = None
    gap: int | None = None
    """Index of the first of the entries before the next one that could not be read; None if there are none."""
    catalogues: _Catalogues = field(default_factory=_Catalogues)
    stops: _Stops = field(default_factory=_Stops)

    def miss(self, index: int) -> None:
        """Pass over an entry that cannot be read."""
        self.catalogues.miss()
        self.stops.stopped = None
        self.gap = index if self.gap is None else self.gap

    def follow(self, index: int, entry: Entry) -> list[str]:
        """Check the next entry, and take it in."""
        wrong = [*self.catalogues.follow(index, entry), *self.stops.follow(index, entry)]
        if self.time is not None and entry.time < self.time:
            wrong.append(f"entry {index} is dated before the entry before it")
        if entry.as_of is not None and entry.as_of > index:
            wrong.append(f"entry {index} was decided at a size that the log did not have")
        if entry.kind is EntryKind.CONTINUATION and index:
            wrong.append(f"entry {index} says that this log continues another, and is not its first")
        if entry.participants in range(index if self.gap is None else self.gap, index):
            # Nobody has seen that it is a PARTICIPANT entry: it is taken for one until an entry says otherwise.
            self.newest_participant = entry.participants
        elif entry.participants != self.newest_participant:
            wrong.append(f"entry {index} does not name the newest PARTICIPANT entry")
        self.count += 1
        self.kinds[entry.kind] += 1
        self.time = max(entry.time, self.time or 0)
        self.gap = None
        if entry.kind is EntryKind.PARTICIPANT:
            self.newest_participant = index
        return wrong


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One walk over the tiles of level 0, with the tiles above as they fill."""

    files: LogFiles
    size: int
    entries: bool
    earlier: dict[int, list[Checkpoint]]
    grown: CompactRange = field(default_factory=CompactRange)
    checked: _Chain = field(default_factory=_Chain)
    issues: list[Issue] = field(default_factory=list)
    _above: list[list[bytes]] = field(default_factory=list)
    """For each tile level from 1: the hashes that its rightmost tile must have, as computed from below."""

    def wrong(self, path: str, text: str) -> None:
        """Note one finding; its pointer is the file."""
        self.issues.append(Issue(pointer=f"/{path}", code="hub.log.contradiction", text=text))

    def run(self) -> None:
        """Go through the tree from left to right; stop early where there is nothing more to learn."""
        self._compare_earlier(())
        for index in range((self.size + TILE_WIDTH - 1) // TILE_WIDTH):
            tile = Tile(level=0, index=index, width=min(TILE_WIDTH, self.size - index * TILE_WIDTH))
            hashes = self._tile(tile)
            if hashes is None or len(self.issues) >= ISSUES_MAX:
                return
            if self.entries:
                self._bundle(tile, hashes)
            self._compare_earlier(hashes)
            self.grown = self.grown.extend(hashes).range
            if tile.width == TILE_WIDTH:
                self._carry(complete_root(hashes), index)
        for level, expected in enumerate(self._above, start=1):
            if expected:
                self._compare_above(level, (self.size >> level * TILE_HEIGHT) // TILE_WIDTH, expected)

    def _tile(self, tile: Tile) -> tuple[bytes, ...] | None:
        data, path = self._read(tile, tile.path, Tile(level=tile.level, index=tile.index).path)
        if data is None:
            self.wrong(tile.path, "the tile is missing")
            return None
        try:
            return parse_tile(data, width=tile.width)
        except DocumentError as error:
            self.wrong(path, error.public_message)
            return None

    def _bundle(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        data, path = self._read(tile, tile.bundle_path, Tile(level=0, index=tile.index).bundle_path)
        if data is None:
            self.checked.miss(tile.index * TILE_WIDTH)
            return
        try:
            texts = parse_bundle(data, width=tile.width)
        except DocumentError as error:
            self.wrong(path, error.public_message)
            self.checked.miss(tile.index * TILE_WIDTH)
            return
        for place, text in enumerate(texts):
            index = tile.index * TILE_WIDTH + place
            if not compare_digest(hash_leaf(text), hashes[place]):
                self.wrong(path, f"entry {index} does not have the hash that stands in `{tile.path}`")
            try:
                entry = parse_entry(text)
            except DocumentError as error:
                self.wrong(path, f"entry {index}: {error.public_message}")
                self.checked.miss(index)
                continue
            for text_of_issue in self.checked.follow(index, entry):
                self.wrong(path, text_of_issue)

    def _carry(self, node: bytes, index: int) -> None:
        """Put the hash of a full tile into the tile above; compare that one when it is full, and go on up."""
        for level in range(1, TILE_HEIGHT):  # pragma: no branch - a tree of 2**53 leaves has seven tile levels
            if len(self._above) < level:
                self._above.append([])
            expected = self._above[level - 1]
            expected.append(node)
            if len(expected) < TILE_WIDTH:
                return
            index //= TILE_WIDTH
            self._compare_above(level, index, expected)
            node = complete_root(expected)
            expected.clear()

    def _compare_above(self, level: int, index: int, expected: Sequence[bytes]) -> None:
        tile = Tile(level=level, index=index, width=len(expected))
        hashes = self._tile(tile)
        if hashes is not None:
            for place, (found, computed) in enumerate(zip(hashes, expected, strict=True)):
                if not compare_digest(found, computed):
                    self.wrong(tile.path, f"hash {place} is not that of its tile below")

    def _compare_earlier(self, hashes: Sequence[bytes]) -> None:
        """Compare the kept checkpoints whose size lies in the tile that comes next."""
        begin = self.grown.size
        for size in [kept for kept in self.earlier if begin <= kept <= begin + len(hashes)]:
            root = self.grown.extend(hashes[: size - begin]).root_hash
            if any(not compare_digest(root, kept.root_hash) for kept in self.earlier.pop(size)):
                self.wrong(CHECKPOINT_PATH, f"the log does not continue the checkpoint of {size} entries that was kept")

    def _read(self, tile: Tile, path: str, full_path: str) -> tuple[bytes | None, str]:
        """Read a file; a full tile may stand in for the partial one, which a log may delete."""
        data = self.files.read(path)
        if data is None and tile.width < TILE_WIDTH:
            return self.files.read(full_path), full_path
        return data, path
