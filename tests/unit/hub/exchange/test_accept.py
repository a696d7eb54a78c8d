"""Accepting a message: what is stored, what is refused, and what wins when two things happen at once."""

from dataclasses import replace

import pytest

from audit.records import parse_shown, token_digest
from connectors.sdk.composing import Composed
from connectors.sdk.envelope import Thread
from hub.exchange.accept import accept
from schemas.codes import Capacity, Category, EntryKind, TokenType
from schemas.errors import AuthenticationError, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import OIN, CaseId, HubName, MessageId, Thumbprint
from schemas.jws import parse_jws, sign_jws
from schemas.message import Message, Recipient, Sealed, labels, message_to_payload, parse_message
from schemas.sdjwt import conceal
from schemas.wire import Submission
from tests.support.example_documents import notification_document
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub, without_category


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


def _changed(hub: MemoryHub, **changes: object) -> Submission:
    """A submission whose sender signed other claims than its connector would."""
    composed = hub.compose()
    message: Message = replace(composed.message, **changes)  # type: ignore[arg-type]  # changed by name
    key = hub.world.organisations[message.sender].signing
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    return replace(composed.submission, message=token)


_NOW = 1_795_435_200
_OTHER = MessageId("01940000-0000-7000-8000-000000000001")
_REFUSED: dict[str, tuple[dict[str, object], tuple[str, str]]] = {
    "dated ahead": ({"issued_at": _NOW + 3600, "pickup_by": _NOW + 7200}, ("/iat", "sender.message.future")),
    "past its time": ({"issued_at": _NOW - 7200, "pickup_by": _NOW - 3600}, ("/pickup_by", "sender.message.expired")),
    "for another hub": ({"hubs": (HubName("other.ketenhub.test"),)}, ("/hubs/0", "sender.hub.other")),
    "of an unknown type": ({"type": "onbekend"}, ("/type", "sender.structure.type-unknown")),
    "for nobody here": (
        {"recipient": Recipient(oin=OIN("00000099000000009000"), purpose="VTO", capacity=None)},
        ("/recipient/oin", "sender.recipient.unknown"),
    ),
    "sealed to another key": (
        {"sealed": Sealed(kid=Thumbprint("k" * 42 + "A"), digest="d" * 42 + "A")},
        ("/sealed/kid", "sender.sealing-key.outdated"),
    ),
    "not what was sealed": (
        {"sealed": Sealed(kid=Thumbprint("k" * 42 + "A"), digest="d" * 42 + "A")},
        ("/elements", "sender.sealed.digest"),
    ),
    "a request that replies": ({"reply_to": _OTHER}, ("/reply_to", "sender.structure.reply-not-used")),
}


@pytest.mark.parametrize("case", _REFUSED)
async def test_what_is_wrong_is_refused_with_its_place_and_logged_once(case: str) -> None:
    hub = await MemoryHub.opened()
    changes, expected = _REFUSED[case]
    submission = _changed(hub, **changes)
    for _ in range(2):
        refused = await _refused(hub, submission)
        assert expected in [(issue.pointer, issue.code) for issue in refused.issues]
    (entry,) = hub.entries_of(EntryKind.REFUSAL)
    assert entry.message == token_digest(submission.message)
    assert hub.woken == []


async def test_fewer_elements_than_are_signed_are_refused() -> None:
    hub = await MemoryHub.opened()
    submission = hub.compose().submission
    refused = await _refused(hub, replace(submission, elements=submission.elements[:-1]))
    assert [issue.code for issue in refused.issues] == ["sender.sealed.count"]


@pytest.mark.parametrize("tags", [(), ("WyJzYWx0IiwxXQ",) * 2])
async def test_a_tag_for_each_subject_as_it_was_signed_is_needed(tags: tuple[str, ...]) -> None:
    hub = await MemoryHub.opened()
    refused = await _refused(hub, replace(hub.compose().submission, tags=tags))
    assert {issue.code for issue in refused.issues} == ({"sender.tag.digest"} if tags else {"sender.tag.count"})


async def test_a_tag_that_is_none_is_refused_though_it_was_signed() -> None:
    hub = await MemoryHub.opened()
    strange = conceal(7, randomness=hub.world.randomness)
    subjects = hub.compose().message.subjects
    submission = _changed(hub, subjects=(replace(subjects[0], tag=(strange.digest,)), *subjects[1:]))
    refused = await _refused(hub, replace(submission, tags=(strange.text, *submission.tags[1:])))
    assert ("/tags/0", "sender.tag.invalid") in [(issue.pointer, issue.code) for issue in refused.issues]


async def test_a_message_of_which_nothing_is_permitted_is_refused_with_every_reason() -> None:
    hub = await MemoryHub.opened()
    recipient = Recipient(oin=RAAD, purpose="KLACHT", capacity=None)
    refused = await _refused(hub, _changed(hub, recipient=recipient))
    assert refused.code == "sender.decision.denied"
    assert refused.public_message.startswith("nothing of the message may go")
    assert {issue.code.rpartition(".")[0] for issue in refused.issues} == {"sender.decision"}


async def test_a_message_of_which_a_required_part_is_not_permitted_is_refused() -> None:
    hub = await MemoryHub.opened(catalogue=without_category("VTO", Category.PROFESSIONAL))
    refused = await _refused(hub, hub.compose().submission)
    assert refused.public_message.startswith("an element that this message type requires")
    assert {issue.pointer.split("/")[2] for issue in refused.issues} == {"4"}


async def test_what_is_not_required_and_not_permitted_is_not_stored() -> None:
    hub = await MemoryHub.opened(catalogue=without_category("VTO", Category.DOCUMENT))
    accepted = await hub.submit(hub.compose())
    stored = await hub.message(accepted.id)
    assert stored is not None
    shown = parse_shown(accepted.shown.text)
    assert {each.label.split("/")[0] for each in shown.withheld} == {"document"}
    assert set(stored.permitted) == set((await hub.elements([accepted.id]))[accepted.id])
    withheld = {each.label for each in shown.withheld}
    message = parse_message(parse_jws(stored.jws, typ=TokenType.MESSAGE).payload)
    numbers = {n for each in labels(message) if each.text in withheld for n in range(each.first, each.first + 1)}
    assert numbers
    assert not numbers & set(stored.permitted)


async def test_the_same_message_again_gets_the_same_answer_whatever_else_came_with_it() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    first = await hub.submit(composed)
    for again in (composed.submission, replace(composed.submission, elements=())):
        answer = await accept(again, arrival=hub.arrival, services=hub.services)
        assert (answer.index, answer.entry, answer.shown, answer.repeated) == (
            first.index,
            first.entry,
            first.shown,
            True,
        )
    assert len(hub.entries_of(EntryKind.SUBMISSION)) == 1


async def test_a_used_id_with_another_message_is_a_conflict_whoever_sends_it() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    for sender in (GEMEENTE, GI):
        with pytest.raises(ReplayError) as refused:
            await accept(_changed(hub, id=accepted.id, sender=sender), arrival=hub.arrival, services=hub.services)
        assert refused.value.code == "sender.jti.used"


async def test_a_message_that_another_signed_leaves_nothing_behind() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    payload = message_to_payload(composed.message)
    forged = sign_jws(payload, typ=TokenType.MESSAGE, key=hub.world.organisations[RAAD].signing)
    with pytest.raises(AuthenticationError):
        await accept(replace(composed.submission, message=forged), arrival=hub.arrival, services=hub.services)
    assert hub.entries_of(EntryKind.REFUSAL) == []


async def test_a_recipient_that_changes_its_key_meanwhile_is_sealed_to_anew() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    hub.meanwhile = lambda: hub.rotate(RAAD)
    refused = await _refused(hub, composed.submission)
    assert [issue.code for issue in refused.issues] == ["sender.sealing-key.outdated"]
    await hub.submit(hub.compose())


async def test_what_changes_elsewhere_meanwhile_costs_one_more_decision() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    hub.meanwhile = lambda: hub.admit(GEMEENTE)
    accepted = await hub.submit(composed)
    (entry,) = hub.entries_of(EntryKind.SUBMISSION)
    assert entry.as_of == accepted.index


async def test_a_message_whose_parties_keep_changing_is_put_off() -> None:
    hub = await MemoryHub.opened()

    async def again() -> None:
        await hub.admit(GEMEENTE)
        hub.meanwhile = again

    hub.meanwhile = again
    with pytest.raises(UnavailableError) as refused:
        await hub.submit(hub.compose())
    assert refused.value.code == "hub.decision.outdated"


async def test_a_log_that_cannot_be_written_accepts_and_refuses_nothing() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    for submission in (composed.submission, _changed(hub, type="onbekend")):
        hub.trouble = UnavailableError("the database is away")
        with pytest.raises(UnavailableError):
            await accept(submission, arrival=hub.arrival, services=hub.services)
    assert hub.entries_of(EntryKind.SUBMISSION) == hub.entries_of(EntryKind.REFUSAL) == []


async def test_an_answer_that_was_lost_after_writing_is_given_again() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    hub.trouble, hub.trouble_after_writing = UnavailableError("the outcome is unknown"), True
    with pytest.raises(UnavailableError):
        await hub.submit(composed)
    assert (await hub.submit(composed)).repeated


async def test_an_answer_names_the_message_that_it_answers_and_no_other() -> None:
    hub = await MemoryHub.opened()
    asked = hub.compose()
    await hub.deliver(asked)
    others = hub.compose(sender=GI, capacity=Capacity.OTS)
    await hub.deliver(others)
    right = Thread(case=asked.message.case, reply_to=asked.message.id)
    accepted = await hub.submit(_notification(hub, right))
    assert parse_shown(accepted.shown.text).marks == ()
    for thread in (
        replace(right, case=CaseId("0" * 32)),
        replace(right, reply_to=others.message.id),
        Thread(case=others.message.case, reply_to=others.message.id),
    ):
        refused = await _refused(hub, _notification(hub, thread).submission)
        assert [(issue.pointer, issue.code) for issue in refused.issues] == [("/reply_to", "sender.reply-to.other")]


@pytest.mark.parametrize("reply_to", [None, _OTHER])
async def test_an_answer_to_nothing_that_is_here_passes_and_is_marked(reply_to: MessageId | None) -> None:
    """What it answers went by another way, or by a log that this one continues."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(_notification(hub, Thread(case=CaseId("0" * 32), reply_to=reply_to)))
    assert parse_shown(accepted.shown.text).marks == ("unprompted",)


def _notification(hub: MemoryHub, thread: Thread) -> Composed:
    return hub.compose(notification_document(), sender=RAAD, recipient=GEMEENTE, thread=thread)


async def _refused(hub: MemoryHub, submission: Submission) -> RejectedMessageError:
    with pytest.raises(RejectedMessageError) as refused:
        await accept(submission, arrival=hub.arrival, services=hub.services)
    return refused.value
