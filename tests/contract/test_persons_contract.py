"""What `hub.persons.Persons` and `hub.attention.Attention` promise, on PostgreSQL."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import date

import pytest

from hub.attention import Reply
from hub.changes import DisclosureMade, LogMember, NoticeKind, ReviewItem, SubmissionAccepted
from hub.persons import Emergency, Person
from hub.ports import MemberLostError, MessageState
from hub.storage.postgresql.database import Database
from schemas.clock import FrozenClock
from schemas.codes import EntryKind
from schemas.identifiers import MessageId
from tests.support.members import GEMEENTE, GI, RAAD, Members

pytestmark = pytest.mark.database

NOW = int(FrozenClock().now().timestamp())
TERM, BEFORE = date(2026, 12, 14), date(2026, 12, 11)


def _submitted(member: LogMember) -> SubmissionAccepted:
    assert isinstance(member.change, SubmissionAccepted)
    return member.change


def with_change(member: LogMember, **changes: object) -> LogMember:
    """The same member, with members of its change set."""
    return replace(member, change=replace(member.change, **changes))  # type: ignore[arg-type]  # by name


async def test_of_whom_nothing_is_stated_there_is_the_pseudonym_alone(database: Database, members: Members) -> None:
    tag = members.tag()
    assert await database.persons.of([tag]) == {tag: Person(tags=frozenset({tag}))}
    assert await database.persons.record(members.message_id()) is None


async def test_records_are_found_under_every_linked_pseudonym_in_the_order_of_the_log(
    database: Database, members: Members
) -> None:
    """Links go on over links, and two links may close a circle."""
    one, two, three, alone = (members.tag() for _ in range(4))
    measure = await database.log.append(members.record(tag=three, kind=EntryKind.MEASURE))
    consent = await database.log.append(members.record(tag=one, as_of=1))
    other = await database.log.append(members.record(tag=alone, as_of=1))
    size = other.index + 1
    for number, (random, known) in enumerate([(one, two), (three, two), (one, three)]):
        await database.log.append(members.link(random, known, as_of=size + number))
    found = await database.persons.of([two, alone])
    assert found[two].tags == {one, two, three}
    assert [record.index for record in found[two].records] == [measure.index, consent.index, size, size + 1, size + 2]
    assert [record.entry for record in found[two].of_kind(EntryKind.CONSENT)] == [consent.entry]
    assert [record.index for record in found[alone].records] == [other.index]
    (record,) = found[alone].records
    assert await database.persons.record(record.id) == record


async def test_an_identifier_stands_for_one_record(database: Database, members: Members) -> None:
    first = members.record()
    await database.log.append(first)
    with pytest.raises(MemberLostError):
        await database.log.append(members.record(record_id=MessageId(first.draft.id), as_of=1))
    at_once = members.message_id()
    outcomes = await asyncio.gather(
        *(database.log.append(members.record(record_id=at_once, as_of=1)) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Appended", *["MemberLostError"] * 4]


async def test_the_parties_of_a_message_are_those_about_its_people(database: Database, members: Members) -> None:
    tag = members.tag()
    await database.log.append(members.submission(tags=(tag,)))
    about = [await database.persons.is_party(oin, about=tag) for oin in (GEMEENTE, RAAD, GI)]
    assert about == [True, True, False]
    stated = members.tag()
    await database.log.append(members.record(tag=stated, as_of=1))
    assert not await database.persons.is_party(GEMEENTE, about=stated)


async def test_emergencies_are_those_of_the_person_and_the_gi(database: Database, members: Members) -> None:
    one, two = members.tag(), members.tag()
    await database.log.append(members.link(one, two))
    message = with_change(members.submission(tags=(one,), as_of=1), emergencies=((one, GI),))
    appended = await database.log.append(message)
    expected = (Emergency(gi=GI, index=appended.index, accepted_at=NOW),)
    assert await database.persons.emergencies([two], gis=[GI]) == {two: expected}
    assert await database.persons.emergencies([two], gis=[RAAD]) == {two: ()}


async def test_what_any_disclosure_released_was_released(database: Database, members: Members) -> None:
    member = members.submission()
    message_id = _submitted(member).id
    await database.log.append(member)
    assert await database.persons.ever_released(message_id) == frozenset()
    first = await database.log.append(members.disclosure(member))
    await database.log.append(members.disclosure(member, replaces=first.index, released=(2,)))
    assert await database.persons.ever_released(message_id) == {0, 2}


async def test_a_recalled_message_waits_no_longer_and_has_no_ciphertexts(database: Database, members: Members) -> None:
    member = members.submission()
    message_id = _submitted(member).id
    await database.log.append(member)
    assert await database.attention.recall(message_id) is None
    appended = await database.log.append(members.recall(member))
    found = await database.attention.recall(message_id)
    assert found is not None
    assert (found.index, found.entry) == (appended.index, appended.entry)
    stored = await database.store.message(message_id)
    assert stored is not None
    assert stored.state is MessageState.RECALLED
    assert await database.store.elements([message_id]) == {}
    assert await database.store.inbox(RAAD, after=-1, limit=10, at=NOW) == ()
    for late in (members.recall(member), members.disclosure(member), members.expiry(member)):
        with pytest.raises(MemberLostError):
            await database.log.append(late)


async def test_what_was_released_is_not_recalled(database: Database, members: Members) -> None:
    member = members.submission()
    await database.log.append(member)
    await database.log.append(members.disclosure(member))
    with pytest.raises(MemberLostError):
        await database.log.append(members.recall(member))


async def test_replies_are_those_of_the_recipient(database: Database, members: Members) -> None:
    question = members.submission(recipient=GEMEENTE)
    asked = _submitted(question).id
    await database.log.append(question)
    answer = with_change(members.submission(), reply_to=asked)
    appended = await database.log.append(answer)
    await database.log.append(with_change(members.submission(), reply_to=asked, sender=GI))
    assert await database.attention.replies(asked) == (
        Reply(id=_submitted(answer).id, index=appended.index, type="verzoek-tot-onderzoek"),
    )


async def test_whoever_has_what_rested_on_a_withdrawn_record_is_noticed_once(
    database: Database, members: Members
) -> None:
    """Also in the same batch as the disclosure; not who never collected it."""
    record, message, waiting = members.record(), members.submission(), members.submission()
    record_id = record.draft.id
    await asyncio.gather(*map(database.log.append, (record, message, waiting)))
    disclosure = members.disclosure(message)
    assert isinstance(disclosure.change, DisclosureMade)
    withdrawal = members.record(as_of=3, withdraws=(record_id,))
    _, appended = await asyncio.gather(
        database.log.append(with_change(disclosure, relied_on=(record_id,))), database.log.append(withdrawal)
    )
    again = await database.log.append(members.record(as_of=appended.index + 1, withdraws=(members.message_id().value,)))
    (notice,) = await database.attention.notices(RAAD, after=-1, limit=10)
    assert (notice.kind, notice.message_id, notice.index, notice.at) == (
        "consent-withdrawn",
        _submitted(message).id,
        appended.index,
        NOW,
    )
    assert notice.record_id == MessageId(withdrawal.draft.id)
    assert await database.attention.notified_by(appended.index) == ((notice.number, RAAD),)
    assert await database.attention.notified_by(again.index) == ()
    assert await database.attention.notices(RAAD, after=notice.number, limit=10) == ()


async def test_who_is_told_of_a_record_finds_it_among_the_notices(database: Database, members: Members) -> None:
    told = tuple((oin, NoticeKind.MEASURE_CONTRADICTED) for oin in (GI, RAAD))
    appended = await database.log.append(members.record(kind=EntryKind.MEASURE, tells=told))
    for oin in (GI, RAAD):
        (notice,) = await database.attention.notices(oin, after=-1, limit=10)
        assert (notice.kind, notice.index, notice.message_id) == ("measure-contradicted", appended.index, None)


async def test_both_sides_of_a_question_are_reminded_twice_however_many_processes_do_it(
    database: Database,
    members: Members,
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]],
) -> None:
    question, later = (with_change(members.submission(), asks_until=day) for day in (TERM, date(2027, 1, 1)))
    await asyncio.gather(*map(database.log.append, (question, later)))
    assert await database.attention.remind(today=date(2026, 12, 7), soon=date(2026, 12, 10), at=NOW) == ()
    async with open_hub_process() as other:
        for today, kind in ((BEFORE, "question-soon"), (TERM, "question-due")):
            soon = date.fromordinal(today.toordinal() + 3)
            processes = (database.attention, other.attention) * 3
            found = await asyncio.gather(*(each.remind(today=today, soon=soon, at=NOW) for each in processes))
            noticed = [each for one in found for each in one]
            assert sorted(oin.value for _, oin in noticed) == [GEMEENTE.value, RAAD.value]
            newest = (await database.attention.notices(RAAD, after=-1, limit=10))[-1]
            assert (newest.kind, newest.message_id) == (kind, _submitted(question).id)


@pytest.mark.parametrize("how", ["answered", "refused", "expired", "recalled"])
async def test_nobody_is_reminded_of_what_is_no_open_question(database: Database, members: Members, how: str) -> None:
    question = with_change(members.submission(), asks_until=TERM)
    answer = members.submission()
    await asyncio.gather(*map(database.log.append, (question, answer)))
    match how:
        case "expired":
            ends = members.expiry(question)
        case "recalled":
            ends = members.recall(question)
        case _:
            released = answer if how == "answered" else question
            disclosed = await database.log.append(members.disclosure(released))
            received = members.receipt(released, disclosure_index=disclosed.index, accepted=how == "answered")
            answers = _submitted(question).id if how == "answered" else None
            ends = with_change(received, answers=answers)
    await database.log.append(ends)
    assert await database.attention.remind(today=TERM, soon=TERM, at=NOW) == ()


async def test_a_question_that_was_received_is_open_until_its_answer_is(database: Database, members: Members) -> None:
    question = with_change(members.submission(), asks_until=TERM)
    await database.log.append(question)
    disclosed = await database.log.append(members.disclosure(question))
    await database.log.append(members.receipt(question, disclosure_index=disclosed.index))
    assert len(await database.attention.remind(today=TERM, soon=TERM, at=NOW)) == 2


async def test_the_sender_of_what_is_denied_has_one_notice_however_many_processes_deny_it(
    database: Database,
    members: Members,
    open_hub_process: Callable[[], AbstractAsyncContextManager[Database]],
) -> None:
    one, two = members.submission(), members.submission()
    await asyncio.gather(*map(database.log.append, (one, two)))
    ids = [_submitted(one).id, _submitted(two).id]
    assert await database.attention.denied_since(ids[0]) is None
    async with open_hub_process() as other:
        processes = (database.attention, other.attention) * 3
        found = await asyncio.gather(*(each.notice_denied(ids, at=NOW) for each in processes))
        assert [oin for one in found for _, oin in one] == [GEMEENTE, GEMEENTE]
    assert await database.attention.notice_denied([*ids, members.message_id()], at=NOW + 9) == ()
    told = await database.attention.notices(GEMEENTE, after=-1, limit=10)
    assert {(each.kind, each.message_id, each.record_id, each.index, each.at) for each in told} == {
        ("release-denied", each, None, None, NOW) for each in ids
    }
    assert await database.attention.notices(RAAD, after=-1, limit=10) == ()
    assert await database.attention.denied_since(ids[0]) == NOW


async def test_what_has_to_be_looked_at_stays_open_until_it_is_closed_once(
    database: Database, members: Members
) -> None:
    about = members.message_id()
    item = ReviewItem(about=about, mark="self-declared", sender=GI, recipient=RAAD)
    stated = await database.log.append(members.record(record_id=about, kind=EntryKind.MEASURE, reviews=(item,)))
    marked = with_change(members.submission(), marks=("spoed", "unprompted"))
    await database.log.append(marked)
    for party, count in ((None, 3), (GI, 1), (RAAD, 3), (GEMEENTE, 2)):
        assert len(await database.attention.reviews(party, after=-1, limit=10)) == count
    first, *rest = await database.attention.reviews(None, after=-1, limit=10)
    assert (first.about, first.mark, first.index, first.closed) == (about, "self-declared", stated.index, None)
    assert await database.attention.reviews(None, after=first.number, limit=1) == (rest[0],)
    closing = [members.review(about, "self-declared") for _ in range(3)]
    outcomes = await asyncio.gather(*map(database.log.append, closing), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["Appended", "MemberLostError", "MemberLostError"]
    closed = await database.attention.review(about, "self-declared")
    assert closed is not None
    assert closed.closed is not None
    assert closed.token is not None
    assert len(await database.attention.reviews(GI, after=-1, limit=10)) == 0
    # What was closed does not open again by the same mark.
    await database.log.append(members.record(kind=EntryKind.MEASURE, reviews=(item,)))
    assert len(await database.attention.reviews(GI, after=-1, limit=10)) == 0
    with pytest.raises(MemberLostError):
        await database.log.append(members.review(members.message_id(), "spoed"))


async def test_of_each_party_the_newest_answer_stands_beside_what_stays_open(
    database: Database, members: Members
) -> None:
    about = members.message_id()
    item = ReviewItem(about=about, mark="self-declared", sender=GI, recipient=RAAD)
    await database.log.append(members.record(record_id=about, kind=EntryKind.MEASURE, reviews=(item,)))
    answers = [members.review(about, "self-declared", party=party) for party in (GI, RAAD, GI, GI)]
    first, *_ = [await database.log.append(each) for each in answers[:2]]
    newest, last = await asyncio.gather(*map(database.log.append, answers[2:]))
    (found,) = await database.attention.reviews(None, after=-1, limit=10)
    assert [(each.oin, each.index) for each in found.answers] == [
        (RAAD, first.index + 1),
        (GI, max(newest.index, last.index)),
    ]
    assert found.closed is None
    await database.log.append(members.review(about, "self-declared"))
    with pytest.raises(MemberLostError):
        await database.log.append(members.review(about, "self-declared", party=RAAD))
    closed = await database.attention.review(about, "self-declared")
    assert closed is not None
    assert len(closed.answers) == 2
