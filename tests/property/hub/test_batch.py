"""A batch is nothing of its own: its members fare as if each had come in a batch by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.entries import Entry, parse_entry
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.records import verify_commitment
from hub.changes import LogMember, ReviewItem
from hub.storage.postgresql.batch import Candidate, Plan, SubjectHead, Tree, grow, plan_batch, prepare
from hub.storage.postgresql.changes import State
from schemas.identifiers import OIN
from tests.support.members import GEMEENTE, GI, RAAD, Members

EMPTY = Tree(range=CompactRange(), time=0, newest_participant=None, tail=())


@dataclass(slots=True)
class World:
    """What a database would hold: carried from batch to batch."""

    tree: Tree = EMPTY
    state: State = field(default_factory=State)
    heads: dict[str, SubjectHead] = field(default_factory=dict)
    touches: dict[str, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    outcomes: list[int | type[Exception]] = field(default_factory=list)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    bodies: int = 0

    def append(self, members: list[LogMember], *, time: int) -> Plan:
        """Append one batch."""
        plan = plan_batch(
            [self._candidate(member) for member in members],
            tree=self.tree,
            time=time,
            state=self.state,
            heads=self.heads,
            touches=self.touches,
        )
        growth = grow(plan)
        self.tree = growth.tree
        self.heads |= plan.heads
        self.touches |= plan.touched
        self.entries += plan.entries
        self.outcomes += [each if isinstance(each, int) else type(each) for each in plan.outcomes]
        for tile in growth.tiles:
            key = (tile.level, tile.index)
            self.tiles[key] = self.tiles.get(key, b"") + tile.hashes
        return plan

    def _candidate(self, member: LogMember) -> Candidate:
        self.bodies += 1
        candidate = prepare(member)
        return Candidate(
            member=candidate.member, body=self.bodies, numbers=candidate.numbers, size_bytes=candidate.size_bytes
        )


@st.composite
def histories(draw: st.DrawFn) -> list[LogMember]:
    """Draw members that get in each other's way: few identifiers, subjects and parties."""
    members = Members()
    ids = [members.message_id() for _ in range(3)]
    tags = [members.tag() for _ in range(3)]
    parties = st.sampled_from([GEMEENTE, RAAD, GI])
    submitted = [members.submission(message_id=message_id) for message_id in ids]
    index = st.integers(0, 12)
    one_of = st.sampled_from(submitted)

    def submission() -> LogMember:
        return members.submission(
            message_id=draw(st.sampled_from(ids)),
            tags=tuple(draw(st.lists(st.sampled_from(tags), max_size=3))),
            as_of=draw(st.integers(0, 6)),
            watches=frozenset(oin.value for oin in draw(st.sets(parties))),
        )

    def participant() -> LogMember:
        oin: OIN = draw(parties)
        return members.participant(oin=oin, follows=draw(st.none() | index))

    record_ids = [members.message_id() for _ in range(2)]
    item = ReviewItem(about=record_ids[0], mark="self-declared", sender=GI, recipient=GI)

    def record() -> LogMember:
        return members.record(
            record_id=draw(st.sampled_from(record_ids)),
            tag=draw(st.sampled_from(tags)),
            as_of=draw(st.integers(0, 6)),
            reviews=(item,) if draw(st.booleans()) else (),
        )

    makers: list[Callable[[], LogMember]] = [
        submission,
        participant,
        record,
        lambda: members.link(tags[0], draw(st.sampled_from(tags[1:])), as_of=draw(st.integers(0, 6))),
        lambda: members.recall(draw(one_of)),
        lambda: members.review(record_ids[0], "self-declared"),
        lambda: members.disclosure(draw(one_of), replaces=draw(st.none() | index)),
        lambda: members.receipt(draw(one_of), disclosure_index=draw(index)),
        lambda: members.expiry(draw(one_of)),
        lambda: members.refusal(digest=draw(st.sampled_from(["A" * 43, "B" * 42 + "A"]))),
        lambda: members.epoch(draw(st.integers(0, 2))),
        lambda: members.catalogue(digest=draw(st.sampled_from(["C" * 42 + "A", "D" * 42 + "A"]))),
    ]
    return [draw(st.sampled_from(makers))() for _ in range(draw(st.integers(0, 14)))]


@settings(max_examples=150, deadline=None)
@given(histories(), st.lists(st.integers(0, 14), max_size=4))
def test_members_of_one_batch_fare_as_members_of_many(history: list[LogMember], cuts: list[int]) -> None:
    one_by_one, in_batches = World(), World()
    for member in history:
        one_by_one.append([member], time=5)
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(history)), len(history)]
    for start, end in pairwise(bounds):
        if history[start:end]:
            in_batches.append(history[start:end], time=5)
    assert in_batches.outcomes == one_by_one.outcomes
    assert [entry.text for entry in in_batches.entries] == [entry.text for entry in one_by_one.entries]
    assert in_batches.tree == one_by_one.tree
    assert in_batches.heads == one_by_one.heads
    assert in_batches.touches == one_by_one.touches
    assert in_batches.state == one_by_one.state


@settings(max_examples=60, deadline=None)
@given(histories())
def test_what_a_plan_says_holds_together(history: list[LogMember]) -> None:
    """Indices run on, every kept record is the one that its entry commits to, and every subject counts from 1."""
    world = World()
    plan = world.append(history, time=5)
    assert [outcome for outcome in plan.outcomes if isinstance(outcome, int)] == list(range(len(plan.entries)))
    counted: dict[str, int] = {}
    for row in plan.kept:
        entry = parse_entry(plan.entries[row.index].text)
        verify_commitment(commitment=entry.kept[row.place], salt=row.draft.salt, record=row.text)
        counted[row.draft.tag.value] = counted.get(row.draft.tag.value, 0) + 1
    assert {tag: head.nth for tag, head in plan.heads.items()} == counted
    assert len(plan.lost_bodies) == len(history) - len(plan.entries)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6))
def test_tiles_are_those_of_the_leaves_however_the_batches_were_cut(counts: list[int]) -> None:
    members, world, number = Members(), World(), 0
    for count in counts:
        world.append([members.epoch(number + each) for each in range(count)], time=5)
        number += count
    leaves = [hash_leaf(entry.text) for entry in world.entries]
    full = [leaves[start : start + 256] for start in range(0, len(leaves) - 255, 256)]
    expected = {(0, index): b"".join(tile) for index, tile in enumerate(full)}
    if full:
        expected[1, 0] = b"".join(CompactRange().extend(tile).root_hash for tile in full)
    assert world.tiles == expected
    assert world.tree.tail == tuple(leaves[len(full) * 256 :])
    assert world.tree.range == CompactRange().extend(leaves).range
