"""Receipts: the recipient's signed word, about what was released and nothing else."""

import pytest

from hub.exchange.expiry import expire
from hub.exchange.receipt import Receipted, receipt
from hub.ports import MessageState
from schemas.codes import EntryKind
from schemas.errors import AuthenticationError, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import HubName, MessageId
from schemas.requests import ReceiptReason
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub

REFUSING = (ReceiptReason(label="document/d1/data", code="hub.element.altered"),)


async def _released(hub: MemoryHub) -> MessageId:
    accepted = await hub.submit(hub.compose())
    await hub.release(RAAD, accepted.id)
    return accepted.id


async def _give(hub: MemoryHub, token: str) -> Receipted:
    return await receipt(token, arrival=hub.arrival, services=hub.services)


async def _state(hub: MemoryHub, message_id: MessageId) -> MessageState:
    stored = await hub.message(message_id)
    assert stored is not None
    return stored.state


async def test_an_accepting_receipt_is_logged_and_the_content_forgotten() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    answer = await _give(hub, token)
    assert hub.texts[answer.index].decode() == answer.entry
    assert await _state(hub, message_id) is MessageState.RECEIVED
    assert await hub.elements([message_id]) == {}


async def test_a_refusing_receipt_keeps_the_content() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    await _give(hub, hub.receipt_for(message_id, reasons=REFUSING))
    assert await _state(hub, message_id) is MessageState.REFUSED
    assert await hub.elements([message_id]) != {}


async def test_the_same_receipt_again_gets_the_same_answer() -> None:
    hub = await MemoryHub.opened()
    token = hub.receipt_for(await _released(hub))
    first = await _give(hub, token)
    again = await _give(hub, token)
    assert (again.index, again.entry, again.repeated) == (first.index, first.entry, True)
    assert len(hub.entries_of(EntryKind.RECEIPT)) == 1


async def test_the_same_receipt_on_two_connections_is_logged_once() -> None:
    hub = await MemoryHub.opened()
    token = hub.receipt_for(await _released(hub))
    hub.meanwhile = lambda: _give(hub, token)
    answer = await _give(hub, token)
    assert answer.repeated
    assert len(hub.entries_of(EntryKind.RECEIPT)) == 1


@pytest.mark.parametrize(("first", "second"), [((), REFUSING), (REFUSING, ())])
async def test_a_receipt_is_final(first: tuple[ReceiptReason, ...], second: tuple[ReceiptReason, ...]) -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    one, other = hub.receipt_for(message_id, reasons=first), hub.receipt_for(message_id, reasons=second)
    await _give(hub, one)
    with pytest.raises(ReplayError):
        await _give(hub, other)
    assert await _state(hub, message_id) is (MessageState.REFUSED if first else MessageState.RECEIVED)


async def test_of_two_receipts_at_once_one_counts() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    accepting, refusing = hub.receipt_for(message_id), hub.receipt_for(message_id, reasons=REFUSING)
    hub.meanwhile = lambda: _give(hub, accepting)
    with pytest.raises(ReplayError) as refused:
        await _give(hub, refusing)
    assert refused.value.code == "recipient.receipt.used"


async def test_a_receipt_is_about_what_was_released() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    other = "x" * 42 + "A"
    token = hub.receipt_for(message_id, message=other, released=other, index=0)
    with pytest.raises(RejectedMessageError) as refused:
        await _give(hub, token)
    assert [issue.pointer for issue in refused.value.issues] == ["/index", "/message", "/released"]
    assert hub.entries_of(EntryKind.RECEIPT) == []


async def test_a_receipt_for_what_was_never_released_is_refused() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    with pytest.raises(RejectedMessageError) as refused:
        await _give(hub, hub.receipt_for(accepted.id))
    assert refused.value.code == "recipient.message.unknown"


async def test_a_receipt_for_anothers_message_is_as_unknown_as_one_for_none() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    nothing = MessageId("01940000-0000-7000-8000-000000000001")
    for token in (
        hub.receipt_for(message_id, by=GEMEENTE),
        hub.receipt_for(message_id, message_id=nothing),
    ):
        with pytest.raises(RejectedMessageError) as refused:
            await _give(hub, token)
        assert refused.value.code == "recipient.message.unknown"


async def test_a_receipt_in_anothers_name_is_refused() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    with pytest.raises(AuthenticationError):
        await _give(hub, hub.receipt_for(message_id, by=GEMEENTE, issuer=RAAD))


async def test_a_receipt_for_another_hub_is_refused() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    with pytest.raises(RejectedMessageError) as refused:
        await _give(hub, hub.receipt_for(message_id, hub=HubName("other.ketenhub.test")))
    assert refused.value.code == "sender.hub.other"


async def test_a_receipt_has_no_end_and_no_future() -> None:
    """It is evidence: it is sent again until it arrives, however long that takes."""
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    old = hub.receipt_for(message_id, issued_at=hub.arrival.seconds - 86_400 * 20)
    ahead = hub.receipt_for(message_id, issued_at=hub.arrival.seconds + 3600)
    with pytest.raises(RejectedMessageError) as refused:
        await _give(hub, ahead)
    assert refused.value.code == "sender.request.time"
    assert not (await _give(hub, old)).repeated


async def test_a_receipt_counts_also_after_the_message_lapsed() -> None:
    """It was released in time: its sender must know that it arrived, or it sends the same again."""
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    hub.world.clock.advance(days=31)
    assert await expire(arrival=hub.arrival, services=hub.services) == 1
    await _give(hub, token)
    assert await _state(hub, message_id) is MessageState.RECEIVED


async def test_a_log_that_cannot_be_written_takes_no_receipt() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    hub.trouble = UnavailableError("the database is away")
    with pytest.raises(UnavailableError):
        await _give(hub, token)
    assert await _state(hub, message_id) is MessageState.RELEASED
    hub.trouble, hub.trouble_after_writing = UnavailableError("the outcome is unknown"), True
    with pytest.raises(UnavailableError):
        await _give(hub, token)
    assert (await _give(hub, token)).repeated


async def test_a_key_replaced_while_its_receipt_is_logged_signs_nothing_any_more() -> None:
    """Its sender checks the receipt with the key that was in force at its place in the log."""
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    hub.meanwhile = lambda: hub.rotate(RAAD)
    with pytest.raises(AuthenticationError) as refused:
        await _give(hub, token)
    assert refused.value.code == "sender.key.unknown"
    assert hub.entries_of(EntryKind.RECEIPT) == []


async def test_what_changes_elsewhere_about_the_recipient_costs_one_more_attempt() -> None:
    hub = await MemoryHub.opened()
    token = hub.receipt_for(await _released(hub))
    hub.meanwhile = lambda: hub.admit(RAAD)
    assert not (await _give(hub, token)).repeated


async def test_a_recipient_that_keeps_changing_is_put_off() -> None:
    hub = await MemoryHub.opened()
    token = hub.receipt_for(await _released(hub))

    async def again() -> None:
        await hub.admit(RAAD)
        hub.meanwhile = again

    hub.meanwhile = again
    with pytest.raises(UnavailableError) as refused:
        await _give(hub, token)
    assert refused.value.code == "hub.decision.outdated"


async def test_a_receipt_that_was_taken_gets_its_answer_again_after_its_signer_changed_its_key() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    first = await _give(hub, token)
    await hub.rotate(RAAD)
    again = await _give(hub, token)
    assert (again.index, again.entry, again.repeated) == (first.index, first.entry, True)


async def test_a_replaced_key_signs_no_new_receipt() -> None:
    hub = await MemoryHub.opened()
    message_id = await _released(hub)
    token = hub.receipt_for(message_id)
    await hub.rotate(RAAD)
    with pytest.raises(AuthenticationError) as refused:
        await _give(hub, token)
    assert refused.value.code == "sender.key.unknown"
