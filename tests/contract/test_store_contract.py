"""What `hub.ports.Store` promises, whatever stands behind it."""

import asyncio
from dataclasses import replace

import pytest

from hub.changes import CataloguePublished, LogMember, Shown, SubmissionAccepted
from hub.ports import ChainKeyHandover, InboxItem, MessageState, Store
from hub.storage.postgresql.database import Database
from hub.storage.postgresql.store import SMALL_BYTES_MAX
from schemas.clock import FrozenClock
from schemas.codes import EntryKind
from schemas.identifiers import MessageId, SubjectTag
from tests.support.members import GEMEENTE, GI, RAAD, SECONDS, Members

pytestmark = pytest.mark.database

NOW = int(FrozenClock().now().timestamp())
DAY = 86_400


@pytest.fixture
def store(database: Database) -> Store:
    return database.store


def _change(member: LogMember) -> SubmissionAccepted:
    assert isinstance(member.change, SubmissionAccepted)
    return member.change


def _id(member: LogMember) -> MessageId:
    return _change(member).id


async def test_a_message_is_read_as_it_was_accepted(database: Database, members: Members) -> None:
    member = members.submission(elements={0: b"a" * 144, 2: b"b" * 272, 11: b"c" * 7})
    appended = await database.log.append(member)
    stored, change = await database.store.message(_id(member)), _change(member)
    assert stored is not None
    same = ("id", "jws", "sender", "recipient", "type", "purpose", "case", "issued_at", "pickup_by", "sealing_kid")
    for name in (*same, "sealed_key", "hashes", "tags"):
        assert getattr(stored, name) == getattr(change, name)
    assert (stored.index, stored.entry, stored.shown) == (appended.index, appended.entry, member.shown)
    assert (stored.permitted, stored.elements_bytes, stored.accepted_at) == ((0, 2, 11), 423, NOW)
    assert (stored.state, stored.disclosure, stored.receipt) == (MessageState.WAITING, None, None)


async def test_an_unknown_message_is_none(store: Store, members: Members) -> None:
    assert await store.message(members.message_id()) is None
    assert await store.messages([]) == {}
    assert await store.elements([members.message_id()]) == {}


async def test_a_released_message_tells_its_newest_disclosure(database: Database, members: Members) -> None:
    member = members.submission()
    await database.log.append(member)
    first = await database.log.append(members.disclosure(member))
    second = members.disclosure(member, replaces=first.index, released=(2,))
    appended = await database.log.append(second)
    stored = await database.store.message(_id(member))
    assert stored is not None
    assert stored.state is MessageState.RELEASED
    assert stored.disclosure is not None
    assert (stored.disclosure.index, stored.disclosure.entry) == (appended.index, appended.entry)
    assert (stored.disclosure.released, stored.disclosure.shown) == ((2,), second.shown)


@pytest.mark.parametrize(("accepted", "state"), [(True, MessageState.RECEIVED), (False, MessageState.REFUSED)])
async def test_a_receipt_ends_the_waiting(
    database: Database, members: Members, *, accepted: bool, state: MessageState
) -> None:
    """`accepted` forgets the ciphertexts at once; `refused` keeps them until `pickup_by`."""
    member = members.submission()
    await database.log.append(member)
    index = (await database.log.append(members.disclosure(member))).index
    receipt = members.receipt(member, disclosure_index=index, accepted=accepted)
    appended = await database.log.append(receipt)
    stored = await database.store.message(_id(member))
    assert stored is not None
    assert stored.state is state
    assert stored.receipt is not None
    assert (stored.receipt.index, stored.receipt.entry, stored.receipt.accepted) == (
        appended.index,
        appended.entry,
        accepted,
    )
    assert await database.store.inbox(RAAD, after=-1, limit=10, at=NOW) == ()
    assert bool(await database.store.elements([_id(member)])) is not accepted
    forgotten = await database.store.forget_past(at=SECONDS + DAY - 1, limit=10)
    assert forgotten == 0
    forgotten = await database.store.forget_past(at=SECONDS + DAY, limit=10)
    assert forgotten == (0 if accepted else 1)
    assert await database.store.elements([_id(member)]) == {}


async def test_an_expired_message_has_no_ciphertexts(database: Database, members: Members) -> None:
    member = members.submission()
    await database.log.append(member)
    await database.log.append(members.expiry(member))
    stored = await database.store.message(_id(member))
    assert stored is not None
    assert stored.state is MessageState.EXPIRED
    assert await database.store.elements([_id(member)]) == {}
    assert await database.store.inbox(RAAD, after=-1, limit=10, at=NOW) == ()
    assert await database.store.expired(at=SECONDS + 2 * DAY, limit=10) == ()


async def test_ciphertexts_come_by_message_and_number(database: Database, members: Members) -> None:
    made = [members.submission(elements={n: bytes([n]) * (n + 1) for n in range(k)}) for k in (1, 3, 40)]
    await asyncio.gather(*map(database.log.append, made))
    found = await database.store.elements([_id(member) for member in made])
    assert found == {_id(member): _change(member).elements for member in made}
    assert set(await database.store.messages([_id(member) for member in made])) == {_id(member) for member in made}


async def test_small_ciphertexts_come_with_the_message_that_is_to_be_released(
    database: Database, members: Members
) -> None:
    """What is larger is asked for when it is known to fit; a message whose ciphertexts are gone comes without."""
    small = members.submission(elements={0: b"a" * 144, 3: b"b" * 272})
    large = members.submission(elements={0: b"a" * SMALL_BYTES_MAX, 1: b"b"})
    gone = members.submission()
    for member in (small, large, gone):
        await database.log.append(member)
    await database.log.append(members.expiry(gone))
    asked = [_id(small), _id(large), _id(gone), members.message_id()]
    found = await database.store.messages_to_release(asked)
    assert {message_id: each.elements for message_id, each in found.items()} == {
        _id(small): _change(small).elements,
        _id(large): None,
        _id(gone): None,
    }
    plain = await database.store.messages(asked)
    assert plain == {message_id: replace(each, elements=None) for message_id, each in found.items()}


async def test_many_who_ask_at_once_each_get_their_own(database: Database, members: Members) -> None:
    made = [members.submission(elements={0: bytes([n]) * 144}) for n in range(20)]
    await asyncio.gather(*map(database.log.append, made))
    found = await asyncio.gather(*(database.store.messages_to_release([_id(member)]) for member in made))
    assert [{each.id: each.elements for each in one.values()} for one in found] == [
        {_id(member): _change(member).elements} for member in made
    ]


async def test_the_inbox_lists_what_waits_from_a_cursor_on(database: Database, members: Members) -> None:
    made = [members.submission() for _ in range(4)]
    made.append(members.submission(recipient=GI))
    made.append(members.submission(pickup_by=NOW))
    appended = [await database.log.append(member) for member in made]
    items = await database.store.inbox(RAAD, after=-1, limit=10, at=NOW)
    assert [item.id for item in items] == [_id(member) for member in made[:4]]
    assert items[0] == InboxItem(
        index=appended[0].index,
        id=_id(made[0]),
        type="verzoek-tot-onderzoek",
        sender=GEMEENTE,
        elements_bytes=416,
        pickup_by=SECONDS + DAY,
    )
    assert await database.store.inbox(RAAD, after=items[1].index, limit=1, at=NOW) == items[2:3]
    assert [item.id for item in await database.store.inbox(GI, after=-1, limit=10, at=NOW)] == [_id(made[4])]
    # What was released waits until its receipt: a connector that crashed asks for it again.
    await database.log.append(members.disclosure(made[0]))
    assert len(await database.store.inbox(RAAD, after=-1, limit=10, at=NOW)) == 4


async def test_what_is_past_its_time_is_listed_for_expiry(database: Database, members: Members) -> None:
    made = [members.submission(pickup_by=SECONDS + hours * 3600) for hours in (3, 1, 2)]
    for member in made:
        await database.log.append(member)
    assert await database.store.expired(at=SECONDS + 3599, limit=10) == ()
    found = await database.store.expired(at=SECONDS + 2 * 3600, limit=10)
    assert [stored.id for stored in found] == [_id(made[1]), _id(made[2])]
    assert [stored.id for stored in await database.store.expired(at=SECONDS + DAY, limit=1)] == [_id(made[1])]


async def test_what_waits_too_long_is_listed_for_a_warning(
    database: Database, members: Members, clock: FrozenClock
) -> None:
    first, second = members.submission(), members.submission()
    await database.log.append(first)
    clock.advance(hours=1)
    await database.log.append(second)
    found = await database.store.uncollected(accepted_before=NOW + 1, limit=10)
    assert [stored.id for stored in found] == [_id(first)]
    assert len(await database.store.uncollected(accepted_before=NOW + DAY, limit=10)) == 2


async def test_participants_come_in_the_order_of_the_log(database: Database, members: Members) -> None:
    made = [members.participant(), members.participant(oin=RAAD), members.participant(follows=0)]
    appended = [await database.log.append(member) for member in made]
    found = await database.store.participants(after=-1)
    assert [(each.index, each.entry, each.oin) for each in found] == [
        (each.index, each.entry, oin) for each, oin in zip(appended, (GEMEENTE, RAAD, GEMEENTE), strict=True)
    ]
    assert [(each.admission, each.replaced) for each in found] == [(None, None)] * 3
    assert await database.store.participants(after=1) == found[2:]
    assert await database.store.participants(after=-1, limit=2) == found[:2]
    own = tuple(each for each in found if each.oin == found[1].oin)
    assert await database.store.participants(after=-1, oin=found[1].oin) == own
    assert await database.store.participants(after=own[0].index, oin=found[1].oin) == own[1:]


async def test_epochs_come_oldest_first(database: Database, members: Members) -> None:
    for number in (2, 0, 1):
        await database.log.append(members.epoch(number))
    assert [(each.epoch, each.index) for each in await database.store.chain_epochs()] == [(0, 1), (1, 2), (2, 0)]


async def test_a_text_is_read_by_the_digest_that_its_entry_names(database: Database, members: Members) -> None:
    member = members.catalogue()
    await database.log.append(member)
    assert isinstance(member.change, CataloguePublished)
    assert await database.catalogues.document(member.change.digest) == member.change.text
    assert await database.catalogues.document("e" * 42 + "A") is None


async def test_a_handover_waits_for_its_receiver(store: Store, members: Members) -> None:
    handover = ChainKeyHandover(id=members.message_id(), giver=GEMEENTE, receiver=RAAD, epoch=0, handover="a.b.c")
    assert await store.store_handover(handover)
    assert not await store.store_handover(handover)
    assert await store.handovers(RAAD) == (handover,)
    assert await store.handovers(GEMEENTE) == ()


async def test_a_party_finds_its_own_records(database: Database, members: Members) -> None:
    member, other = members.submission(), members.submission(recipient=GI)
    submitted = await database.log.append(member)
    elsewhere = await database.log.append(other)
    disclosure = members.disclosure(member)
    disclosed = await database.log.append(disclosure)
    received = await database.log.append(members.receipt(member, disclosure_index=disclosed.index))
    found = await database.store.records(RAAD, after=-1, limit=10, message_id=None)
    assert [(each.index, each.kind, each.entry, each.shown) for each in found] == [
        (submitted.index, EntryKind.SUBMISSION, submitted.entry, member.shown),
        (disclosed.index, EntryKind.DISCLOSURE, disclosed.entry, disclosure.shown),
        (received.index, EntryKind.RECEIPT, received.entry, None),
    ]
    everything = await database.store.records(GEMEENTE, after=-1, limit=10, message_id=None)
    assert [each.index for each in everything] == [0, 1, 2, 3]
    assert await database.store.records(GEMEENTE, after=submitted.index, limit=2, message_id=None) == everything[1:3]
    of_message = await database.store.records(GEMEENTE, after=-1, limit=10, message_id=_id(other))
    assert [each.index for each in of_message] == [elsewhere.index]
    assert await database.store.records(RAAD, after=-1, limit=10, message_id=_id(other)) == ()
    assert await database.store.records(GI, after=-1, limit=10, message_id=_id(member)) == ()
    assert await database.store.records(RAAD, after=-1, limit=10, message_id=_id(member)) == found


async def test_an_identifier_is_used_once_by_each_issuer(store: Store) -> None:
    assert await store.use_once(issuer="a", identifier="x", until=NOW + 60)
    assert not await store.use_once(issuer="a", identifier="x", until=NOW + 120)
    assert await store.use_once(issuer="b", identifier="x", until=NOW + 60)
    assert await store.forget_past(at=NOW + 60, limit=10) == 0
    assert await store.forget_past(at=NOW + 61, limit=1) == 1
    assert await store.forget_past(at=NOW + 61, limit=10) == 1
    assert await store.use_once(issuer="a", identifier="x", until=NOW + 60)


async def test_of_many_at_once_one_uses_an_identifier(store: Store) -> None:
    used = await asyncio.gather(*(store.use_once(issuer="a", identifier="x", until=NOW) for _ in range(20)))
    assert sum(used) == 1


async def test_records_of_every_month_are_found(database: Database, members: Members, clock: FrozenClock) -> None:
    """Records lie in monthly partitions; a message of November is released in January."""
    member = members.submission()
    await database.log.append(member)
    clock.advance(days=50)
    disclosure = members.disclosure(member)
    await database.log.append(disclosure)
    stored = await database.store.message(_id(member))
    assert stored is not None
    assert stored.disclosure is not None
    assert (stored.shown, stored.disclosure.shown) == (member.shown, disclosure.shown)
    found = await database.store.records(RAAD, after=-1, limit=10, message_id=None)
    assert [each.shown for each in found] == [member.shown, disclosure.shown]


async def test_a_shown_record_is_its_exact_text(database: Database, members: Members) -> None:
    member = members.submission()
    await database.log.append(member)
    stored = await database.store.message(_id(member))
    assert stored is not None
    assert isinstance(stored.shown, Shown)
    assert member.shown is not None
    assert (stored.shown.text, stored.shown.salt) == (member.shown.text, member.shown.salt)


async def test_what_a_sender_told_about_a_person_is_found_under_every_pseudonym(
    database: Database, members: Members
) -> None:
    one, other, stranger = (members.tag() for _ in range(3))
    first, second = members.submission(tags=(one, stranger)), members.submission(tags=(other,))
    elsewhere = members.submission(tags=(members.tag(),))
    for each in (first, second, elsewhere):
        await database.log.append(each)
    disclosed = await database.log.append(members.disclosure(first))

    async def found(*tags: SubjectTag, **page: int) -> list[int]:
        beyond = {"after": -1, "limit": 10, **page}
        return [each.index for each in await database.store.records_about(GEMEENTE, tags, **beyond)]

    assert await found(one) == [0, disclosed.index]
    assert await found(one, stranger) == [0, disclosed.index]
    await database.log.append(members.link(one, other, as_of=disclosed.index + 1))
    assert await found(one) == [0, 1, disclosed.index]
    assert await found(one, after=0, limit=1) == [1]
    assert await database.store.records_about(RAAD, [one], after=-1, limit=10) == ()
    newest = (await database.store.records_about(GEMEENTE, [one], after=1, limit=10))[0]
    assert (newest.kind, newest.shown is not None) == (EntryKind.DISCLOSURE, True)
