"""What `hub.ports.Log` promises, whatever stands behind it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TypeAlias

import pytest

from audit.errors import InclusionProofError
from audit.hashing import hash_leaf
from audit.merkle import CompactRange
from audit.proof_file import parse_proof_file
from audit.proofs import verify_consistency, verify_inclusion
from audit.records import verify_commitment
from audit.tiles import TILE_WIDTH
from hub.changes import LogMember, SubmissionAccepted
from hub.ports import DecisionOutdatedError, Log, MemberLostError
from hub.storage.postgresql.changes import REFUSALS_PER_MINUTE_MAX
from hub.storage.postgresql.database import Database
from schemas.clock import FrozenClock
from schemas.codes import EntryKind
from schemas.errors import DocumentError, EvidenceError
from tests.support.members import GEMEENTE, GI, RAAD, Members
from tests.support.whole_log import verify_appended, verify_whole

pytestmark = pytest.mark.database

AppendTwo: TypeAlias = Callable[[Log, LogMember, LogMember], Awaitable[None]]


@pytest.fixture
def log(database: Database) -> Log:
    return database.log


# ---- appending ----


async def test_an_entry_comes_back_with_a_proof_that_it_is_in_the_log(log: Log, members: Members) -> None:
    appended = await log.append(members.submission())
    assert appended.index == 0
    assert verify_appended(appended) == 1
    assert await log.entries(start=0, count=1) == (appended.entry,)


async def test_an_entry_commits_to_what_was_shown_and_kept(log: Log, members: Members) -> None:
    member = members.submission()
    entry = json.loads((await log.append(member)).entry)
    assert member.shown is not None
    verify_commitment(commitment=entry["shown"], salt=member.shown.salt, record=member.shown.text)
    kept = (
        '{"nth":1,"relied_on":[],"responsible":"SKJ:123",'
        f'"tag":"{member.kept[0].tag.value}","trace":{{"span_id":"{"0" * 16}","trace_id":"{"0" * 32}"}}}}'
    )
    verify_commitment(commitment=entry["kept_0"], salt=member.kept[0].salt, record=kept)


async def test_records_of_one_subject_count_on_and_name_the_one_before(log: Log, members: Members) -> None:
    """Also between two entries of one batch; an accounting walks `previous` back to 1."""
    tag = members.tag()
    submitted = [members.submission(tags=(tag, members.tag())) for _ in range(3)]
    appended = await asyncio.gather(*map(log.append, submitted))
    again = members.submission(tags=(tag,))
    last = await log.append(again)
    for nth, (member, each) in enumerate(zip([*submitted, again], [*appended, last], strict=True), start=1):
        previous = f'"previous":{each.index - 1},' if nth > 1 else ""
        record = (
            f'{{"nth":{nth},{previous}"relied_on":[],"responsible":"SKJ:123",'
            f'"tag":"{tag.value}","trace":{{"span_id":"{"0" * 16}","trace_id":"{"0" * 32}"}}}}'
        )
        verify_commitment(commitment=json.loads(each.entry)["kept_0"], salt=member.kept[0].salt, record=record)


async def test_many_at_once_become_one_log_of_which_every_proof_holds(log: Log, members: Members) -> None:
    made = [members.epoch(number) for number in range(300)] + [members.submission() for _ in range(100)]
    appended = await asyncio.gather(*map(log.append, made))
    assert sorted(each.index for each in appended) == list(range(400))
    for each in appended:
        verify_appended(each)
    report = await verify_whole(log)
    assert (report.entries, report.kinds) == (400, {EntryKind.CHAIN: 300, EntryKind.SUBMISSION: 100})


async def test_no_entry_is_dated_before_the_one_before_it(log: Log, members: Members, clock: FrozenClock) -> None:
    first = json.loads((await log.append(members.epoch(0))).entry)
    clock.advance(hours=-1)
    second = json.loads((await log.append(members.epoch(1))).entry)
    clock.advance(hours=2)
    third = json.loads((await log.append(members.epoch(2))).entry)
    assert second["time"] == first["time"]
    assert third["time"] == first["time"] + 3_600_000


async def test_every_entry_names_the_newest_participant_entry_before_it(log: Log, members: Members) -> None:
    made = [members.epoch(0), members.participant(), members.epoch(1), members.participant(oin=RAAD), members.epoch(2)]
    appended = await asyncio.gather(*map(log.append, made))
    assert [json.loads(each.entry).get("participants") for each in appended] == [None, None, 1, 1, 3]


async def test_size_counts_what_is_durable(log: Log, members: Members) -> None:
    assert await log.size() == 0
    appended = await log.append(members.epoch(0))
    assert await log.size() == appended.index + 1


async def test_whoever_went_away_does_not_hold_up_the_others(log: Log, members: Members) -> None:
    waiting = [asyncio.create_task(log.append(members.epoch(number))) for number in range(20)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in done[::2])
    assert not any(isinstance(each, BaseException) for each in done[1::2])
    await verify_whole(log)


# ---- who loses ----


async def _in_turn(log: Log, first: LogMember, second: LogMember) -> None:
    await log.append(first)
    with pytest.raises(MemberLostError):
        await log.append(second)


async def _at_once(log: Log, first: LogMember, second: LogMember) -> None:
    won, lost = await asyncio.gather(log.append(first), log.append(second), return_exceptions=True)
    assert not isinstance(won, BaseException)
    assert isinstance(lost, MemberLostError)


TOGETHER = pytest.mark.parametrize("append_two", [_in_turn, _at_once])


@TOGETHER
async def test_a_message_id_is_taken_once(log: Log, members: Members, append_two: AppendTwo) -> None:
    message_id = members.message_id()
    two = [members.submission(message_id=message_id) for _ in range(2)]
    await append_two(log, *two)
    assert await log.size() == 1


@TOGETHER
async def test_a_disclosure_replaces_the_newest_one_or_loses(log: Log, members: Members, append_two: AppendTwo) -> None:
    submitted = members.submission()
    await log.append(submitted)
    await append_two(log, members.disclosure(submitted), members.disclosure(submitted))
    newest = await log.size() - 1
    await append_two(
        log, members.disclosure(submitted, replaces=newest), members.disclosure(submitted, replaces=newest)
    )


@TOGETHER
async def test_there_is_one_receipt(log: Log, members: Members, append_two: AppendTwo) -> None:
    submitted = members.submission()
    await log.append(submitted)
    index = (await log.append(members.disclosure(submitted))).index
    await append_two(
        log,
        members.receipt(submitted, disclosure_index=index),
        members.receipt(submitted, disclosure_index=index, accepted=False),
    )


async def test_a_receipt_is_for_the_newest_disclosure(log: Log, members: Members) -> None:
    submitted = members.submission()
    await log.append(submitted)
    first = await log.append(members.disclosure(submitted))
    second = await log.append(members.disclosure(submitted, replaces=first.index))
    with pytest.raises(MemberLostError):
        await log.append(members.receipt(submitted, disclosure_index=first.index))
    await log.append(members.receipt(submitted, disclosure_index=second.index))


@TOGETHER
async def test_a_received_message_is_not_released_again(log: Log, members: Members, append_two: AppendTwo) -> None:
    submitted = members.submission()
    await log.append(submitted)
    index = (await log.append(members.disclosure(submitted))).index
    await append_two(
        log, members.receipt(submitted, disclosure_index=index), members.disclosure(submitted, replaces=index)
    )


@TOGETHER
async def test_a_message_expires_once_and_is_not_released_after(
    log: Log, members: Members, append_two: AppendTwo
) -> None:
    submitted, other = members.submission(), members.submission()
    await log.append(submitted)
    await log.append(other)
    await append_two(log, members.expiry(submitted), members.expiry(submitted))
    await append_two(log, members.expiry(other), members.disclosure(other))


async def test_a_receipt_that_comes_after_the_expiry_is_taken(log: Log, members: Members) -> None:
    submitted = members.submission()
    await log.append(submitted)
    index = (await log.append(members.disclosure(submitted))).index
    await log.append(members.expiry(submitted))
    await log.append(members.receipt(submitted, disclosure_index=index))


async def test_what_is_about_no_message_loses(log: Log, members: Members) -> None:
    absent = members.submission()
    for member in (members.disclosure(absent), members.receipt(absent, disclosure_index=0), members.expiry(absent)):
        with pytest.raises(MemberLostError):
            await log.append(member)


@TOGETHER
async def test_a_refused_message_is_logged_once(log: Log, members: Members, append_two: AppendTwo) -> None:
    await append_two(log, members.refusal(digest="A" * 43), members.refusal(digest="A" * 43))


async def test_refusals_of_a_sender_are_limited_in_a_minute(log: Log, members: Members, clock: FrozenClock) -> None:
    made = [members.refusal() for _ in range(REFUSALS_PER_MINUTE_MAX + 5)]
    done = await asyncio.gather(*map(log.append, made), return_exceptions=True)
    assert sum(isinstance(each, MemberLostError) for each in done) == 5
    with pytest.raises(MemberLostError):
        await log.append(members.refusal())
    await log.append(members.refusal(sender=RAAD))
    clock.advance(seconds=61)
    await log.append(members.refusal())


@TOGETHER
async def test_a_statement_follows_the_newest_of_its_oin(log: Log, members: Members, append_two: AppendTwo) -> None:
    await append_two(log, members.participant(), members.participant())
    newest = await log.size() - 1
    await append_two(log, members.participant(follows=newest), members.participant(follows=newest))
    await log.append(members.participant(oin=RAAD))


@TOGETHER
async def test_an_epoch_is_opened_once(log: Log, members: Members, append_two: AppendTwo) -> None:
    await append_two(log, members.epoch(3), members.epoch(3))


@TOGETHER
async def test_a_catalogue_is_published_when_it_is_not_the_newest(
    log: Log, members: Members, append_two: AppendTwo
) -> None:
    await append_two(log, members.catalogue(), members.catalogue())
    await log.append(members.catalogue(document="definitions"))
    await log.append(members.catalogue(digest="B" * 42 + "A"))
    await log.append(members.catalogue())


async def test_the_loser_leaves_nothing_behind(log: Log, database: Database, members: Members) -> None:
    message_id = members.message_id()
    winner, loser = (members.submission(message_id=message_id) for _ in range(2))
    await asyncio.gather(log.append(winner), log.append(loser), return_exceptions=True)
    async with database.log.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM message_bodies), (SELECT count(*) FROM ciphertexts),"
            " (SELECT count(*) FROM kept_records), (SELECT count(*) FROM subject_heads)"
        )
        assert await cursor.fetchone() == (1, 1, 1, 1)


# ---- order of effect ----


@pytest.mark.parametrize("watched", [frozenset({GEMEENTE.value, RAAD.value}), frozenset({RAAD.value})])
async def test_a_decision_is_outdated_by_what_it_did_not_see(
    log: Log, members: Members, watched: frozenset[str]
) -> None:
    as_of = await log.size()
    await log.append(members.participant(oin=RAAD))
    with pytest.raises(DecisionOutdatedError):
        await log.append(members.submission(as_of=as_of, watches=watched))
    await log.append(members.submission(as_of=as_of + 1, watches=watched))


async def test_a_decision_is_outdated_within_its_batch(log: Log, members: Members) -> None:
    watching = members.submission(watches=frozenset({RAAD.value}))
    before, _, after, elsewhere = await asyncio.gather(
        log.append(watching),
        log.append(members.participant(oin=RAAD)),
        log.append(members.submission(watches=frozenset({RAAD.value}))),
        log.append(members.submission(watches=frozenset({GI.value}))),
        return_exceptions=True,
    )
    assert isinstance(after, DecisionOutdatedError)
    assert not isinstance(before, BaseException)
    assert not isinstance(elsewhere, BaseException)


async def test_a_new_catalogue_outdates_every_decision(log: Log, members: Members) -> None:
    await log.append(members.catalogue())
    with pytest.raises(DecisionOutdatedError):
        await log.append(members.submission(as_of=0, watches=frozenset({GI.value})))


async def test_another_party_s_news_outdates_nothing(log: Log, members: Members) -> None:
    await log.append(members.participant(oin=GI))
    await log.append(members.submission(as_of=0, watches=frozenset({RAAD.value})))


# ---- poison ----


async def test_a_draft_that_makes_no_entry_fails_alone(log: Log, members: Members) -> None:
    good, poisoned = members.submission(), members.submission()
    poisoned = replace(poisoned, draft=replace(poisoned.draft, purpose="not a purpose"))
    first, failed, last = await asyncio.gather(
        log.append(good), log.append(poisoned), log.append(members.submission()), return_exceptions=True
    )
    assert isinstance(failed, DocumentError)
    assert not isinstance(first, BaseException)
    assert not isinstance(last, BaseException)
    assert await log.size() == 2


async def test_what_the_database_refuses_fails_alone(log: Log, members: Members) -> None:
    """A NUL in a text passes every check of Python's and none of PostgreSQL's."""
    poisoned = members.submission()
    assert isinstance(poisoned.change, SubmissionAccepted)
    poisoned = replace(poisoned, change=replace(poisoned.change, trace_id="\0"))
    made = [members.submission() for _ in range(10)]
    made[4] = poisoned
    done = await asyncio.gather(*map(log.append, made), return_exceptions=True)
    assert [isinstance(each, RuntimeError) for each in done] == [number == 4 for number in range(10)]
    report = await verify_whole(log)
    assert report.entries == 9


# ---- reading ----


@pytest.fixture
async def leaves(log: Log, members: Members) -> list[bytes]:
    """Append 600 entries, in batches of many sizes, and give their leaf hashes."""
    start = 0
    for count in (1, 2, 3, 250, 1, 300, 43):
        await asyncio.gather(*(log.append(members.epoch(start + number)) for number in range(count)))
        start += count
    texts = [text for first in (0, 256, 512) for text in await log.entries(start=first, count=256)]
    assert len(texts) == 600
    return [hash_leaf(text.encode()) for text in texts]


async def test_tiles_and_proofs_are_those_of_the_entries(log: Log, leaves: list[bytes]) -> None:
    roots, grown = [CompactRange().root()], CompactRange()
    for leaf in leaves:
        grown = grown.append(leaf)
        roots.append(grown.root())
    # Tiles, full and partial, at every width that this log has or had.
    for width in range(1, TILE_WIDTH + 1):
        assert await log.hash_tile(level=0, index=1, width=width) == b"".join(leaves[256 : 256 + width])
    assert await log.hash_tile(level=0, index=2, width=88) == b"".join(leaves[512:600])
    full = [CompactRange().extend(leaves[start : start + 256]).root_hash for start in (0, 256)]
    assert await log.hash_tile(level=1, index=0, width=2) == b"".join(full)
    assert await log.hash_tile(level=1, index=0, width=1) == full[0]
    for size in (1, 2, 255, 256, 257, 512, 599, 600):
        for index in {0, 1, size // 2, size - 1} & set(range(size)):
            path = await log.inclusion_proof(index=index, size=size)
            verify_inclusion(
                leaf_hash=leaves[index], leaf_index=index, tree_size=size, path=path, root_hash=roots[size]
            )
        for old in {1, size // 2, size} - {0}:
            proof = await log.consistency_proof(old_size=old, new_size=size)
            verify_consistency(size1=old, root1=roots[old], size2=size, root2=roots[size], proof=proof)


async def test_every_entry_is_proved_under_the_newest_checkpoint(log: Log, leaves: list[bytes]) -> None:
    for index in (0, 3, 255, 256, 599):
        (entry,) = await log.entries(start=index, count=1)
        text = await log.proof(index, entry=entry)
        proof = parse_proof_file(text.encode())
        verify_inclusion(
            leaf_hash=leaves[index],
            leaf_index=index,
            tree_size=600,
            path=proof.path,
            root_hash=proof.checkpoint.root_hash,
        )
        with pytest.raises(InclusionProofError):
            proof.verify_entry(b"another entry")


@pytest.mark.parametrize("index", [3, 300])
async def test_a_text_that_is_not_the_entry_of_the_log_is_not_proved_and_stops_it(
    log: Log, leaves: list[bytes], members: Members, index: int
) -> None:
    """Of a full tile, and of the one at the right edge, whose proofs come from what was read before."""
    (entry,) = await log.entries(start=index, count=1)
    await log.proof(index, entry=entry)
    with pytest.raises(EvidenceError):
        await log.proof(index, entry=entry.replace('"time":', '"time":1'))
    with pytest.raises(EvidenceError):
        await log.append(members.epoch(len(leaves)))


async def test_what_the_log_does_not_have_is_a_key_error(log: Log, members: Members) -> None:
    await log.append(members.epoch(0))
    with pytest.raises(KeyError):
        await log.proof(1, entry="{}")
    for index, size in ((0, 2), (1, 1), (-1, 1), (0, 0)):
        with pytest.raises(KeyError):
            await log.inclusion_proof(index=index, size=size)
    for old, new in ((0, 1), (1, 2), (2, 1)):
        with pytest.raises(KeyError):
            await log.consistency_proof(old_size=old, new_size=new)
    for level, index, width in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (0, 0, 0), (0, 0, 257), (7, 0, 1), (0, -1, 1)):
        with pytest.raises(KeyError):
            await log.hash_tile(level=level, index=index, width=width)
    assert await log.entries(start=1, count=10) == ()


async def test_an_empty_log_has_a_checkpoint(log: Log) -> None:
    report = await verify_whole(log)
    assert report.checkpoint.size == 0


async def test_entries_are_found_by_their_kind(log: Log, members: Members) -> None:
    made = [members.participant(), members.epoch(0), members.submission(), members.catalogue(), members.epoch(1)]
    appended = [await log.append(member) for member in made]
    public = frozenset({EntryKind.PARTICIPANT, EntryKind.CATALOGUE})
    assert await log.entries_of_kinds(public, after=-1, limit=10) == ((0, appended[0].entry), (3, appended[3].entry))
    assert await log.entries_of_kinds(frozenset({EntryKind.CHAIN}), after=1, limit=10) == ((4, appended[4].entry),)
    assert await log.entries_of_kinds(frozenset({EntryKind.SUBMISSION}), after=-1, limit=1) == ((2, appended[2].entry),)


# ---- several processes ----


async def test_several_processes_keep_one_log(
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]], members: Members
) -> None:
    async with open_hub_process() as one, open_hub_process() as two, open_hub_process() as three:
        logs = [one.log, two.log, three.log]

        async def work(log: Log, numbers: range) -> None:
            for number in numbers:
                appended = await log.append(members.epoch(number) if number % 3 else members.submission())
                verify_appended(appended)

        await asyncio.gather(*(work(log, range(start, start + 25)) for log in logs for start in _starts(log, logs)))
        reports = [await verify_whole(log) for log in logs]
        assert {report.checkpoint.size for report in reports} == {3 * 8 * 25}
        for log in logs:
            (entry,) = await log.entries(start=599, count=1)
            await log.proof(599, entry=entry)


def _starts(log: Log, logs: Sequence[Log]) -> list[int]:
    return [(logs.index(log) * 8 + worker) * 25 for worker in range(8)]


async def test_of_two_processes_only_one_wins(
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]], members: Members
) -> None:
    async with open_hub_process() as one, open_hub_process() as two:
        for number in range(20):
            done = await asyncio.gather(
                one.log.append(members.epoch(number)), two.log.append(members.epoch(number)), return_exceptions=True
            )
            assert sum(isinstance(each, MemberLostError) for each in done) == 1
        assert (await verify_whole(one.log)).entries == 20
