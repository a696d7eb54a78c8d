"""Accepting a message: what is stored, what is refused, and what wins when two things happen at once."""

from dataclasses import replace

import pytest

from audit.records import parse_shown
from hub.exchange.accept import accept
from schemas.codes import EntryKind
from schemas.errors import AuthenticationError, RejectedMessageError
from schemas.wire import Submission
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub


async def test_a_message_is_stored_with_its_entry_and_its_recipient_is_woken() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    accepted = await hub.submit(composed)
    stored = await hub.message(composed.message.id)
    assert stored is not None
    assert (stored.jws, stored.sender, stored.recipient) == (composed.submission.message, GEMEENTE, RAAD)
    assert hub.texts[accepted.index].decode() == accepted.entry
    assert parse_shown(accepted.shown.text).permitted[: len(composed.permitted)] == composed.permitted
    assert (hub.woken, hub.told) == ([RAAD], [composed.message.id])


async def test_a_sender_suspended_while_its_message_is_decided_is_not_accepted() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    hub.meanwhile = lambda: hub.suspend(GEMEENTE)
    with pytest.raises(AuthenticationError) as refused:
        await hub.submit(composed)
    assert refused.value.code == "sender.participant.unknown"
    assert await hub.message(composed.message.id) is None


async def test_a_key_revoked_while_its_message_is_decided_signs_nothing_any_more() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    hub.meanwhile = lambda: hub.rotate(GEMEENTE, revoke=True)
    with pytest.raises(AuthenticationError) as refused:
        await hub.submit(composed)
    assert refused.value.code == "sender.key.unknown"
    assert await hub.message(composed.message.id) is None


async def test_a_message_that_was_accepted_gets_its_answer_again_after_its_sender_changed_its_key() -> None:
    """The answer was lost on its way; without it the sender would send the same content as another message."""
    hub = await MemoryHub.opened()
    composed = hub.compose()
    first = await hub.submit(composed)
    await hub.rotate(GEMEENTE)
    again = await hub.submit(composed)
    assert (again.index, again.entry, again.shown, again.repeated) == (first.index, first.entry, first.shown, True)


async def test_a_replaced_key_gets_no_answer_about_what_it_did_not_send() -> None:
    hub = await MemoryHub.opened()
    unsent = hub.compose()
    await hub.rotate(GEMEENTE)
    with pytest.raises(AuthenticationError):
        await hub.submit(unsent)
    assert hub.entries_of(EntryKind.REFUSAL) == []


async def test_a_tag_that_is_no_ascii_is_refused_like_any_other_tag() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    strange = replace(composed.submission, tags=("é", *composed.submission.tags[1:]))
    refused = await _refused(hub, strange)
    assert [(issue.pointer, issue.code) for issue in refused.issues] == [("/tags/0", "sender.disclosure.form")]


async def _refused(hub: MemoryHub, submission: Submission) -> RejectedMessageError:
    with pytest.raises(RejectedMessageError) as refused:
        await accept(submission, arrival=hub.arrival, services=hub.services)
    return refused.value
