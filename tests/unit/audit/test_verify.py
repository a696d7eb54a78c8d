"""A whole log from its files: what holds, and what every change breaks."""

import dataclasses
import random

import pytest

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entries import EntryDraft
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.note import NoteSigner
from audit.policy import Policy
from audit.tiles import bundle_to_bytes, parse_bundle, tile_to_bytes, tiles_of
from audit.verify import verify_log
from schemas.codes import EntryKind
from schemas.errors import DocumentError, EvidenceError, SignatureError
from schemas.identifiers import OIN
from tests.support.log_files import ORIGIN, SIGNER, MemoryFiles, MemoryLog, digest, participant, submission

POLICY = Policy(logs=(SIGNER.public,))
OINS = [OIN(f"0000009900000000{number}000") for number in range(1, 4)]


def continuation(number: int) -> EntryDraft:
    return EntryDraft(
        kind=EntryKind.CONTINUATION,
        id=f"continuation-{number}",
        predecessor="hub.ketenhub.test/log/0",
        root="A" * 43,
        provable=7,
        published=9,
        pad=number.to_bytes(16, "big"),
    )


def log_of(size: int) -> MemoryLog:
    """A log in which a participant joins now and then."""
    log = MemoryLog()
    for number in range(size):
        draft = participant(number, OINS[number % 3]) if number in (0, 1, 5, 260) else submission(number, as_of=number)
        log.append(draft)
    return log


SMALL = log_of(20)
LARGE = log_of(600)


@pytest.mark.parametrize("log", [MemoryLog(), log_of(1), SMALL, log_of(256), log_of(257), LARGE])
def test_a_log_verifies_whole(log: MemoryLog) -> None:
    report = verify_log(MemoryFiles(log.files), policy=POLICY)
    assert report.checkpoint == log.checkpoint()
    assert report.entries == len(log.texts)
    assert report.verified is not None
    assert report.verified.log == SIGNER.public
    assert sum(report.kinds.values()) == len(log.texts)
    assert report.newest_time == (log.time if log.texts else None)


def test_kinds_are_counted() -> None:
    report = verify_log(MemoryFiles(LARGE.files), policy=POLICY)
    assert report.kinds == {EntryKind.PARTICIPANT: 4, EntryKind.SUBMISSION: 596}


def test_without_a_policy_everything_but_the_signature_is_checked() -> None:
    report = verify_log(MemoryFiles(SMALL.files), policy=None)
    assert report.verified is None
    assert report.entries == 20


def test_hashes_alone_verify_without_entries() -> None:
    hashes = {path: data for path, data in LARGE.files.items() if "/entries/" not in path}
    assert verify_log(MemoryFiles(hashes), policy=POLICY).entries == 0
    assert verify_log(MemoryFiles(LARGE.files), policy=POLICY, entries=False).entries == 0


def test_bundles_that_are_absent_are_passed_over() -> None:
    for missing in ("tile/entries/000", "tile/entries/001"):
        files = {path: data for path, data in LARGE.files.items() if path != missing}
        assert verify_log(MemoryFiles(files), policy=POLICY).entries == 344


def test_a_full_tile_stands_in_for_a_partial_one() -> None:
    log = log_of(300)
    files = LARGE.files | {"checkpoint": str(log.note()).encode()}
    del files["tile/1/000.p/2"]
    # The first 300 entries of both logs are the same, so the larger log's full tiles serve the smaller tree.
    assert log.texts == LARGE.texts[:300]
    files["tile/1/000.p/1"] = log.files["tile/1/000.p/1"]
    assert verify_log(MemoryFiles(files), policy=POLICY).entries == 300


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 599, 600])
def test_an_earlier_checkpoint_is_continued(size: int) -> None:
    report = verify_log(MemoryFiles(LARGE.files), policy=POLICY, earlier=[LARGE.checkpoint(size)])
    assert report.continued == (size,)


@pytest.mark.parametrize("size", [0, 1, 256, 300, 600])
def test_a_checkpoint_of_a_fork_is_found(size: int) -> None:
    kept = [LARGE.checkpoint(size), dataclasses.replace(LARGE.checkpoint(size), root_hash=bytes(32))]
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(LARGE.files), policy=POLICY, earlier=kept)
    assert [issue.text for issue in caught.value.issues] == [
        f"the log does not continue the checkpoint of {size} entries that was kept"
    ]


def test_a_log_that_lost_entries_or_is_another_is_found() -> None:
    with pytest.raises(EvidenceError, match="has 600 entries, this log only 20"):
        verify_log(MemoryFiles(SMALL.files), policy=POLICY, earlier=[LARGE.checkpoint()])
    other = dataclasses.replace(LARGE.checkpoint(3), origin="other.test/log/1")
    with pytest.raises(EvidenceError, match="a kept checkpoint is of log"):
        verify_log(MemoryFiles(LARGE.files), policy=POLICY, earlier=[other])


def test_a_checkpoint_that_is_absent_or_not_signed_is_refused() -> None:
    with pytest.raises(DocumentError, match="no file `checkpoint`"):
        verify_log(MemoryFiles({}), policy=POLICY)
    stranger = NoteSigner.from_seed(name=ORIGIN, seed=bytes(32))
    files = SMALL.files | {"checkpoint": str(sign_checkpoint(SMALL.checkpoint(), stranger)).encode()}
    with pytest.raises(SignatureError):
        verify_log(MemoryFiles(files), policy=POLICY)


@pytest.mark.parametrize("path", [path for path in LARGE.files if path.startswith("tile/") and "entries" not in path])
def test_a_tile_that_is_missing_or_cut_off_is_named(path: str) -> None:
    for data in (None, b"\x00" * 31):
        files = {name: found for name, found in LARGE.files.items() if name != path}
        if data is not None:
            files[path] = data
        with pytest.raises(EvidenceError) as caught:
            verify_log(MemoryFiles(files), policy=POLICY)
        assert caught.value.issues[0].pointer == f"/{path}"


@pytest.mark.parametrize("path", [path for path in LARGE.files if path != "checkpoint"])
def test_any_bit_of_any_tile_or_bundle_counts(path: str) -> None:
    generator = random.Random(path)
    data = LARGE.files[path]
    for _ in range(12):
        place = generator.randrange(len(data) * 8)
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(EvidenceError) as caught:
            verify_log(MemoryFiles(LARGE.files | {path: bytes(flipped)}), policy=POLICY)
        assert f"/{path}" in {issue.pointer for issue in caught.value.issues} or path.startswith("tile/0/")


def test_a_root_that_is_not_that_of_the_tiles_is_found() -> None:
    note = sign_checkpoint(dataclasses.replace(SMALL.checkpoint(), root_hash=bytes(32)), SIGNER)
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(SMALL.files | {"checkpoint": str(note).encode()}), policy=POLICY)
    assert [issue.text for issue in caught.value.issues] == ["its root hash is not that of the tiles"]


def findings(log: MemoryLog) -> list[str]:
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(log.files), policy=POLICY)
    return [issue.text for issue in caught.value.issues]


def test_time_never_goes_back() -> None:
    log = log_of(3)
    log.time -= 5000
    log.append(submission(3))
    assert findings(log) == ["entry 3 is dated before the entry before it"]


def test_entries_of_one_millisecond_are_in_order() -> None:
    log = log_of(3)
    log.time -= 1000
    log.append(submission(3))
    assert verify_log(MemoryFiles(log.files), policy=POLICY).entries == 4


def test_every_entry_names_the_newest_participant_entry() -> None:
    log = log_of(7)
    log.newest_participant = 1
    log.append(submission(7))
    log.newest_participant = 5
    log.append(submission(8))
    assert findings(log) == ["entry 7 does not name the newest PARTICIPANT entry"]


def test_after_a_gap_an_entry_names_something_between() -> None:
    log = log_of(256)
    log.newest_participant = 1
    log.append(submission(256))
    files = {path: data for path, data in log.files.items() if path != "tile/entries/000"}
    assert verify_log(MemoryFiles(files), policy=POLICY).entries == 1
    late = log_of(512)
    late.newest_participant = 4
    late.append(submission(512))
    files = {path: data for path, data in late.files.items() if path != "tile/entries/001"}
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(files), policy=POLICY)
    assert [issue.text for issue in caught.value.issues] == ["entry 512 does not name the newest PARTICIPANT entry"]


def test_after_a_gap_no_entry_names_one_that_was_read_and_is_none() -> None:
    log = log_of(512)
    log.newest_participant = 100
    log.append(submission(512))
    files = {path: data for path, data in log.files.items() if path != "tile/entries/001"}
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(files), policy=POLICY)
    assert [issue.text for issue in caught.value.issues] == ["entry 512 does not name the newest PARTICIPANT entry"]
    for named in (5, 256, 260, 511):
        log.newest_participant = named
        log.texts.pop()
        log.append(submission(512))
        files = {path: data for path, data in log.files.items() if path != "tile/entries/001"}
        assert verify_log(MemoryFiles(files), policy=POLICY).entries == 257


def test_only_the_first_entry_says_which_log_is_continued() -> None:
    log = log_of(0)
    log.append(continuation(0))
    log.append(submission(1))
    assert verify_log(MemoryFiles(log.files), policy=POLICY).kinds[EntryKind.CONTINUATION] == 1
    log.append(continuation(2))
    assert findings(log) == ["entry 2 says that this log continues another, and is not its first"]


def test_a_decision_is_not_taken_at_a_size_to_come() -> None:
    log = log_of(3)
    text = log.texts[2].replace(b'"as_of":2', b'"as_of":3')
    assert text != log.texts[2]
    log.texts[2] = text
    assert findings(log) == ["entry 2 was decided at a size that the log did not have"]


# ---- what decides ----


def catalogue(number: int, name: str, *, about: str, proposal: str | None = None) -> EntryDraft:
    """An entry about a catalogue; with the digest of what was signed, or of the proposal that it enacts."""
    return EntryDraft(
        kind=EntryKind.CATALOGUE,
        id=name,
        catalogue=digest(about),
        version="1",
        request=proposal,
        pad=number.to_bytes(16, "big"),
    )


def log_with(*drafts: EntryDraft) -> MemoryLog:
    log = MemoryLog()
    for draft in drafts:
        log.append(draft)
    return log


PROPOSAL = digest("proposal")
PROPOSED = catalogue(1, "0194", about="catalogue", proposal=PROPOSAL)
ENACTED = catalogue(2, "grounds", about="catalogue", proposal=PROPOSAL)
OTHER = catalogue(3, "grounds", about="other")
DEFINITIONS = catalogue(4, "definitions", about="definitions")


@pytest.mark.parametrize(
    "drafts",
    [
        (PROPOSED, ENACTED, DEFINITIONS, submission(1)),
        (OTHER, PROPOSED, ENACTED, submission(1)),
        (PROPOSED, OTHER, ENACTED, submission(1)),
        (submission(1), PROPOSED, ENACTED),
    ],
    ids=range(4),
)
def test_what_decides_came_into_force_by_what_the_log_holds(drafts: tuple[EntryDraft, ...]) -> None:
    """A first catalogue of before the board may stand there without a proposal, and none after one that had one."""
    assert verify_log(MemoryFiles(log_with(*drafts).files), policy=POLICY).entries == len(drafts)


@pytest.mark.parametrize(
    ("drafts", "found"),
    [
        ((ENACTED,), "entry 0 brings a catalogue into force by a proposal that is not in the log"),
        ((ENACTED, PROPOSED), "entry 0 brings a catalogue into force by a proposal that is not in the log"),
        (
            (PROPOSED, catalogue(2, "grounds", about="another", proposal=PROPOSAL)),
            "entry 1 brings a catalogue into force by a proposal that is not in the log",
        ),
        (
            (PROPOSED, ENACTED, dataclasses.replace(ENACTED, pad=bytes(16))),
            "entry 2 brings a catalogue into force by a proposal that did so before",
        ),
        ((PROPOSED, ENACTED, OTHER), "entry 2 brings a catalogue into force without the board"),
        ((OTHER, submission(1), PROPOSED), "entry 1 was decided by another catalogue than the one in force"),
    ],
    ids=range(6),
)
def test_a_catalogue_of_the_hub_alone_is_found(drafts: tuple[EntryDraft, ...], found: str) -> None:
    assert findings(log_with(*drafts)) == [found]


def test_what_could_not_be_read_may_have_brought_another_catalogue_into_force() -> None:
    """Nothing is said of what decides after a gap, until an entry says it again."""
    drafts = [OTHER, *(participant(number, OINS[0]) for number in range(255)), submission(1), ENACTED]
    log = log_with(*drafts)
    files = log.files
    assert findings(log) == [
        "entry 256 was decided by another catalogue than the one in force",
        "entry 257 brings a catalogue into force by a proposal that is not in the log",
    ]
    del files["tile/entries/000"]
    assert verify_log(MemoryFiles(files), policy=POLICY).entries == 2


# ---- stops ----

STOP = EntryDraft(kind=EntryKind.STOP, id="0195", sender=OINS[0], message=digest("canary"), pad=bytes(16))
RESUMPTION = EntryDraft(kind=EntryKind.RESUMPTION, id="0196", request=digest("reason"), pad=bytes(16))


def test_a_hub_that_stopped_and_was_resumed_is_in_order() -> None:
    drafts = (submission(1), STOP, participant(2, OINS[0]), RESUMPTION, submission(3), STOP, RESUMPTION)
    assert verify_log(MemoryFiles(log_with(*drafts).files), policy=POLICY).entries == 7


@pytest.mark.parametrize(
    ("drafts", "found"),
    [
        ((STOP, submission(1)), "entry 1 accepts or discloses something though the hub has stopped"),
        ((STOP, STOP), "entry 1 stops a hub that has stopped"),
        ((RESUMPTION,), "entry 0 resumes a hub that has not stopped"),
        ((STOP, RESUMPTION, RESUMPTION), "entry 2 resumes a hub that has not stopped"),
    ],
    ids=["accepted", "stopped twice", "resumed", "resumed twice"],
)
def test_a_hub_that_goes_on_after_a_stop_is_found(drafts: tuple[EntryDraft, ...], found: str) -> None:
    """Whoever has the entries sees that a stop held, or that it did not."""
    assert findings(log_with(*drafts)) == [found]


def test_what_could_not_be_read_may_have_stopped_or_resumed() -> None:
    drafts = [STOP, *(participant(number, OINS[0]) for number in range(255)), submission(1), RESUMPTION, RESUMPTION]
    log = log_with(*drafts)
    files = log.files
    del files["tile/entries/000"]
    assert findings(log) == [
        "entry 256 accepts or discloses something though the hub has stopped",
        "entry 258 resumes a hub that has not stopped",
    ]
    with pytest.raises(EvidenceError) as contradicted:
        verify_log(MemoryFiles(files), policy=POLICY)
    assert [issue.text for issue in contradicted.value.issues] == ["entry 258 resumes a hub that has not stopped"]


def test_a_leaf_that_is_no_entry_is_found_though_it_hashes_right() -> None:
    log = log_of(3)
    log.texts.append(b"hello")
    log.append(submission(4))
    assert findings(log) == ["entry 3: not JSON at character 0"]


def test_a_bundle_of_another_width_is_found() -> None:
    path = "tile/entries/000.p/20"
    entries = parse_bundle(SMALL.files[path], width=20)
    with pytest.raises(EvidenceError) as caught:
        verify_log(MemoryFiles(SMALL.files | {path: bundle_to_bytes(entries[:-1])}), policy=POLICY)
    assert [(issue.pointer, issue.text) for issue in caught.value.issues] == [
        (f"/{path}", "not a bundle of 20 entries")
    ]


def test_findings_are_bounded() -> None:
    log = log_of(600)
    log.texts = [text.replace(b'"time":', b'"tome":') for text in log.texts]
    assert len(findings(log)) == 200


@pytest.mark.parametrize("size", [65_536, 66_000])
def test_tiles_of_every_level_are_compared(size: int) -> None:
    leaves = [hash_leaf(number.to_bytes(4, "big")) for number in range(size)]
    grown = CompactRange().extend(leaves)
    levels = {0: leaves}
    for tile_hash in grown.tile_hashes:
        levels.setdefault(tile_hash.level, []).append(tile_hash.hash)
    files = {
        tile.path: tile_to_bytes(levels[tile.level][tile.index * 256 : tile.index * 256 + tile.width])
        for tile in tiles_of(size)
    }
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root_hash=grown.root_hash)
    files["checkpoint"] = str(sign_checkpoint(checkpoint, SIGNER)).encode()
    assert verify_log(MemoryFiles(files), policy=POLICY).checkpoint == checkpoint
    for path in ("tile/1/000", "tile/2/000.p/1"):
        with pytest.raises(EvidenceError) as caught:
            verify_log(MemoryFiles(files | {path: bytes(32) + files[path][32:]}), policy=POLICY)
        assert [(issue.pointer, issue.text) for issue in caught.value.issues] == [
            (f"/{path}", "hash 0 is not that of its tile below")
        ]
