"""Taking a message back: what waits goes, what was picked up is answered with who has it."""

import pytest

from audit.entries import parse_entry
from schemas.codes import EntryKind
from schemas.errors import RejectedMessageError, ReplayError
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub
from tests.support.statements import recalls, sign_recall


async def test_what_waits_is_taken_back_with_an_entry_and_its_content_goes() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    recalled = await recalls(hub, sign_recall(hub, accepted.id))
    entry = parse_entry(recalled.entry.encode())
    assert (entry.kind, entry.sender, entry.recipient, entry.purpose) == (EntryKind.RECALL, GEMEENTE, RAAD, "VTO")
    assert await hub.elements([accepted.id]) == {}
    ((_, error),) = (await hub.release(RAAD, accepted.id)).refused
    assert error.code == "recipient.message.recalled"


async def test_the_same_recall_gets_the_same_answer_also_later_and_with_another_key() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    token = sign_recall(hub, accepted.id)
    first = await recalls(hub, token)
    assert (await recalls(hub, token)).index == first.index
    hub.world.clock.advance(seconds=3600)
    await hub.rotate(GEMEENTE, revoke=True)
    assert (await recalls(hub, token)).index == first.index
    with pytest.raises(ReplayError) as refused:
        await recalls(hub, sign_recall(hub, accepted.id))
    assert refused.value.code == "sender.recall.used"


async def test_what_was_picked_up_is_answered_with_who_has_it_since_when() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.release(RAAD, accepted.id)
    with pytest.raises(RejectedMessageError) as refused:
        await recalls(hub, sign_recall(hub, accepted.id))
    assert refused.value.code == "sender.recall.released"
    (issue,) = refused.value.issues
    for text in (issue.text, issue.text_nl):
        assert RAAD.value in text
        assert "2026-11-23T12:00" in text


async def test_a_release_that_was_first_wins_from_a_recall() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: hub.release(RAAD, accepted.id)
    with pytest.raises(RejectedMessageError) as refused:
        await recalls(hub, sign_recall(hub, accepted.id))
    assert refused.value.code == "sender.recall.released"
    assert hub.entries_of(EntryKind.RECALL) == []


async def test_a_recall_that_was_first_wins_from_a_release() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: recalls(hub, sign_recall(hub, accepted.id))
    ((_, error),) = (await hub.release(RAAD, accepted.id)).refused
    assert error.code == "recipient.message.recalled"
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_anothers_message_is_as_unknown_as_none() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    for by, message_id in ((RAAD, accepted.id), (GEMEENTE, hub.new_id())):
        with pytest.raises(RejectedMessageError) as refused:
            await recalls(hub, sign_recall(hub, message_id, by=by))
        assert refused.value.code == "sender.message.unknown"


async def test_what_expired_is_not_recalled_and_a_recall_is_of_this_moment() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    old = sign_recall(hub, accepted.id)
    hub.world.clock.advance(seconds=31 * 24 * 3600)
    with pytest.raises(RejectedMessageError) as refused:
        await recalls(hub, sign_recall(hub, accepted.id))
    assert refused.value.code == "sender.recall.expired"
    with pytest.raises(RejectedMessageError) as refused:
        await recalls(hub, old)
    assert refused.value.code == "sender.request.time"


async def test_the_old_answer_to_a_recalled_submission_stays() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    accepted = await hub.submit(composed)
    await recalls(hub, sign_recall(hub, accepted.id))
    again = await hub.submit(composed)
    assert (again.repeated, again.index) == (True, accepted.index)
