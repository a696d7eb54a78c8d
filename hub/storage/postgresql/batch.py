"""One batch of the group commit, decided in memory under the tree's lock: who is in, what is written. Pure.

The order, for each member in turn:

    1. outdated     an entry at or after its `as_of` touches what the decision read   decide anew
    2. lost         somebody was first with the change                                read again
    3. stopped      nothing is accepted or released until the operator resumes         wait
    4. place        index, time, newest participant; `nth` and `previous` of each subject
    5. entry        its exact text; one that cannot be made fails its member alone
    6. true         the change and the touches hold for the members after it

A member that is out leaves nothing behind: the next one gets its index.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from audit.entries import Entry, finalise_entry
from audit.hashing import hash_leaf
from audit.merkle import TILE_HEIGHT, CompactRange, Extension
from audit.records import KeptRecord, commit
from hub.changes import (
    KeptDraft,
    LogMember,
    MessageRecalled,
    RecordStated,
    ReviewAnswered,
    ReviewClosed,
    StepTaken,
    SubmissionAccepted,
    TagsLinked,
)
from hub.enforcement import stopped
from hub.ports import DecisionOutdatedError, MemberLostError
from hub.storage.postgresql.changes import Questions, Rows, State, held_back, loses, record
from schemas.codes import EntryKind

EVERYTHING: Final = "*"
"""The key that every decision watches: a new catalogue touches it."""

_TILE_WIDTH: Final = 1 << TILE_HEIGHT
_MEMBER_BYTES: Final = 1024
"""What a member weighs without body and record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member with what could be prepared before the lock.

    Attributes:
        member: What is to be appended; its draft has the commitment to `shown`.
        body: Under which the body of a submission is written, once it has a number; None for every other change.
        numbers: Numbers of a submission's stored elements, ascending.
        size_bytes: What the member weighs in a batch.
    """

    member: LogMember
    body: int | None
    numbers: tuple[int, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The tree as the sequencer finds it under the lock.

    Attributes:
        range: Its compact range.
        time: Milliseconds, of the newest entry.
        newest_participant: Index of the newest PARTICIPANT entry; None if there is none.
        tail: Leaf hashes of the level-0 tile that is not full yet.
    """

    range: CompactRange
    time: int
    newest_participant: int | None
    tail: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.range.size


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectHead:
    """The newest record of a subject."""

    nth: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A kept record to be written."""

    index: int
    place: int
    draft: KeptDraft
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """Hashes to be added to a tile."""

    level: int
    index: int
    hashes: bytes


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a batch becomes.

    Attributes:
        tree: The tree before it.
        time: Milliseconds, of all its entries.
        entries: In order, from index `tree.size`.
        outcomes: For each candidate the index of its entry, or the error that its member gets.
        rows: What the changes write.
        shown: Index and candidate of each entry with a `shown` record.
        kept: Kept records.
        heads: Newest record of each subject after the batch.
        touched: Newest index that touches a key, for the keys touched in the batch.
        lost_bodies: Bodies of submissions that are out.
        newest_participant: After the batch.
    """

    tree: Tree
    time: int
    entries: list[Entry] = field(default_factory=list)
    outcomes: list[int | Exception] = field(default_factory=list)
    rows: Rows = field(default_factory=Rows)
    shown: list[tuple[int, LogMember]] = field(default_factory=list)
    kept: list[KeptRow] = field(default_factory=list)
    heads: dict[str, SubjectHead] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    lost_bodies: list[int] = field(default_factory=list)
    newest_participant: int | None = None

    @property
    def size(self) -> int:
        """Number of entries after the batch."""
        return self.tree.size + len(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What a batch does to the tree."""

    extension: Extension
    tree: Tree
    tiles: tuple[TileRow, ...]


def prepare(member: LogMember) -> Candidate:
    """Do everything for a member that needs neither lock nor database."""
    if member.shown is not None and member.draft.shown is None:
        commitment = commit(salt=member.shown.salt, record=member.shown.text)
        member = replace(member, draft=replace(member.draft, shown=commitment))
    change, size = member.change, _MEMBER_BYTES
    numbers: tuple[int, ...] = ()
    if isinstance(change, SubmissionAccepted):
        numbers = tuple(sorted(change.elements))
        size += len(change.jws) + len(change.sealed_key) + sum(map(len, change.elements.values()))
    elif isinstance(change, (RecordStated, TagsLinked, MessageRecalled, ReviewClosed, ReviewAnswered)):
        size += len(change.token)
    elif isinstance(change, StepTaken) and change.document is not None:
        size += len(change.document[1])
    if member.shown is not None:
        size += len(member.shown.text)
    return Candidate(member=member, body=None, numbers=numbers, size_bytes=size)


def questions_of(candidates: Iterable[Candidate]) -> Questions:
    """Ask what must be read to judge these."""
    questions = Questions()
    for candidate in candidates:
        questions.about(candidate.member.change)
    return questions


def plan_batch(
    candidates: Sequence[Candidate],
    *,
    tree: Tree,
    time: int,
    state: State,
    heads: Mapping[str, SubjectHead],
    touches: Mapping[str, int],
) -> Plan:
    """Decide a batch, in the order that this module states.

    Args:
        candidates: In the order in which they came.
        tree: As it is under the lock.
        time: Now, in milliseconds.
        state: What is true about what the candidates are about; it moves on with each.
        heads: Newest record of each subject that the candidates name; absent for a subject without one.
        touches: Newest index that touches a key, at least for every index from the smallest `as_of` on.
    """
    plan = Plan(tree=tree, time=max(time, tree.time), newest_participant=tree.newest_participant)
    for candidate in candidates:
        outcome = _place(candidate, plan=plan, state=state, heads=heads, touches=touches)
        plan.outcomes.append(outcome)
        if candidate.body is not None and not isinstance(outcome, int):
            plan.lost_bodies.append(candidate.body)
    return plan


def grow(plan: Plan) -> Growth:
    """Extend the tree by a plan's entries; hashes that become visible in tiles are returned as rows."""
    tree = plan.tree
    leaves = [hash_leaf(entry.text) for entry in plan.entries]
    extension = tree.range.extend(leaves)
    level_0, first = [*tree.tail, *leaves], tree.size - len(tree.tail)
    full = len(level_0) - len(level_0) % _TILE_WIDTH
    tiles = [
        TileRow(level=0, index=(first + start) // _TILE_WIDTH, hashes=b"".join(level_0[start : start + _TILE_WIDTH]))
        for start in range(0, full, _TILE_WIDTH)
    ]
    upper: dict[tuple[int, int], list[bytes]] = {}
    for each in extension.tile_hashes:
        upper.setdefault((each.level, each.index // _TILE_WIDTH), []).append(each.hash)
    tiles += [TileRow(level=level, index=index, hashes=b"".join(hashes)) for (level, index), hashes in upper.items()]
    grown = Tree(
        range=extension.range,
        time=plan.time,
        newest_participant=plan.newest_participant,
        tail=tuple(level_0[full:]),
    )
    return Growth(extension=extension, tree=grown, tiles=tuple(tiles))


def _place(
    candidate: Candidate,
    *,
    plan: Plan,
    state: State,
    heads: Mapping[str, SubjectHead],
    touches: Mapping[str, int],
) -> int | Exception:
    member, index = candidate.member, plan.size
    # 1. outdated
    if _outdated(member, plan=plan, touches=touches):
        return DecisionOutdatedError("what the decision read has changed")
    # 2. lost
    if loses(member.change, state, index=index):
        return MemberLostError("somebody was first")
    # 3. stopped
    if held_back(member.change, state):
        return stopped()
    # 4. place
    kept = _kept_rows(member, index=index, plan=plan, heads=heads)
    # 5. entry
    try:
        entry = finalise_entry(
            member.draft,
            index=index,
            time=plan.time,
            newest_participant=plan.newest_participant,
            kept=[commit(salt=row.draft.salt, record=row.text) for row, _ in kept],
        )
    except Exception as error:  # noqa: BLE001  whatever it is, it is this member's and no other's
        return error
    # 6. true
    record(member.change, index=index, body=candidate.body, state=state, rows=plan.rows)
    plan.entries.append(entry)
    plan.kept += [row for row, _ in kept]
    plan.heads.update({row.draft.tag.value: head for row, head in kept})
    plan.touched.update(dict.fromkeys(member.touches, index))
    if member.shown is not None:
        plan.shown.append((index, member))
    if member.draft.kind is EntryKind.PARTICIPANT:
        plan.newest_participant = index
    return index


def _outdated(member: LogMember, *, plan: Plan, touches: Mapping[str, int]) -> bool:
    as_of = member.draft.as_of
    if as_of is None or not member.watches:
        return False
    watched = (*member.watches, EVERYTHING)
    return any(index.get(key, -1) >= as_of for index in (touches, plan.touched) if index for key in watched)


def _kept_rows(
    member: LogMember, *, index: int, plan: Plan, heads: Mapping[str, SubjectHead]
) -> list[tuple[KeptRow, SubjectHead]]:
    """Count each subject's record on from the one before, also within the batch and within the entry."""
    rows: list[tuple[KeptRow, SubjectHead]] = []
    own: dict[str, SubjectHead] = {}
    for place, draft in enumerate(member.kept):
        tag = draft.tag.value
        before = own.get(tag) or plan.heads.get(tag) or heads.get(tag)
        head = SubjectHead(nth=before.nth + 1 if before else 1, index=index)
        kept = KeptRecord(
            tag=draft.tag,
            responsible=draft.responsible,
            relied_on=draft.relied_on,
            trace_id=draft.trace_id,
            span_id=draft.span_id,
            nth=head.nth,
            previous=before.index if before else None,
        )
        own[tag] = head
        rows.append((KeptRow(index=index, place=place, draft=draft, text=kept.text), head))
    return rows
