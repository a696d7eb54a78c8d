"""Releasing: who gets what, how often it is logged, and what wins when two things happen at once."""

from dataclasses import replace

import pytest

from audit.records import parse_shown
from consent.grounds import packaged_catalogue
from hub.exchange.release import release
from schemas.codes import Category, EntryKind, Role
from schemas.errors import EvidenceError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN, HubName, MessageId
from schemas.sealing import SealingPrivateKey
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub, without, without_category


async def test_a_recipient_suspended_a_moment_ago_gets_nothing() -> None:
    """This process still holds the directory of a moment ago; the log is a moment newer."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    with hub.another_process():
        await hub.suspend(RAAD)
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["sender.participant.unknown"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_recipient_suspended_a_moment_ago_gets_nothing_again() -> None:
    """What was released before is handed out again without an entry, and so without the log looking at it."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    assert len((await hub.release(RAAD, accepted.id)).releases) == 1
    with hub.another_process():
        await hub.suspend(RAAD)
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["sender.participant.unknown"]


async def test_by_grounds_that_were_replaced_a_moment_ago_nothing_is_released_again() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    assert len((await hub.release(RAAD, accepted.id)).releases) == 1
    with hub.another_process():
        await hub.decide_by(without("VTO"))
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["recipient.decision.denied"]


async def test_by_grounds_that_were_replaced_meanwhile_nothing_is_released() -> None:
    """The log finds out, and the release is decided anew by those of now, without anything being started anew."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: hub.decide_by(without("VTO"))
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.decision.denied"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_recipient_suspended_while_its_release_is_decided_gets_nothing() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: hub.suspend(RAAD)
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [(each, error.code) for each, error in released.refused] == [(accepted.id, "sender.participant.unknown")]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_what_waits_under_a_key_revoked_while_its_release_is_decided_is_not_released() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    request = hub.release_request(RAAD, accepted.id)
    hub.meanwhile = lambda: _revoke_sealing_key(hub)
    released = await release(request, arrival=hub.arrival, services=hub.services)
    assert released.releases == ()
    assert [(each, error.code) for each, error in released.refused] == [(accepted.id, "recipient.sealing-key.revoked")]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def _revoke_sealing_key(hub: MemoryHub) -> None:
    """Let the recipient replace and revoke its sealing key; its signing key stays."""
    organisation = hub.world.organisations[RAAD]
    revoked = organisation.sealing.public.kid
    organisation.sealing = SealingPrivateKey.generate(randomness=hub.world.randomness)
    hub.world.state_keys(organisation, revoked=(revoked,))
    await hub.follow()


async def test_a_message_whose_stored_parts_are_gone_holds_up_no_other() -> None:
    """What is left of it is handed out: its recipient finds out, and its receipt says so to the sender."""
    hub = await MemoryHub.opened()
    damaged, other = await hub.submit(hub.compose()), await hub.submit(hub.compose())
    hub.lose_element(damaged.id, 3)
    released = await hub.release(RAAD, damaged.id, other.id)
    assert [each.message.id for each in released.releases] == [damaged.id, other.id]
    assert 3 not in released.releases[0].elements
    assert 3 in released.releases[1].elements


async def test_a_stored_message_that_is_not_the_one_accepted_is_refused_alone() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    damaged, other = await hub.submit(hub.compose()), await hub.submit(composed)
    hub.replace_stored(damaged.id, jws=composed.submission.message)
    released = await hub.release(RAAD, damaged.id, other.id)
    assert [each.message.id for each in released.releases] == [other.id]
    assert [(each, error.code) for each, error in released.refused] == [(damaged.id, "hub.message.damaged")]


async def test_a_stored_message_that_was_given_another_recipient_is_not_released() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.replace_stored(accepted.id, recipient=GI)
    released = await hub.release(GI, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["hub.message.damaged"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_reason_that_this_version_does_not_know_still_denies() -> None:
    """Another process, of a newer version, accepted the message."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    label = parse_shown(accepted.shown.text).permitted[0]
    hub.deny_stored(accepted.id, label, "a-reason-of-tomorrow")
    released = await hub.release(RAAD, accepted.id)
    (handed_out,) = released.releases
    shown = parse_shown(handed_out.shown.text)
    assert [(each.label, each.reasons) for each in shown.withheld] == [(label, ("not-evaluable",))]


async def test_a_label_that_the_definitions_no_longer_have_is_withheld() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    definitions = hub.services.definitions
    profiles = {name: each for name, each in definitions.profiles.items() if name != "professional"}
    await hub.upgrade(replace(definitions, profiles=profiles))
    (handed_out,) = (await hub.release(RAAD, accepted.id)).releases
    withheld = {each.label.split("/")[0] for each in parse_shown(handed_out.shown.text).withheld}
    assert withheld == {"professional"}


async def test_a_refused_message_can_be_asked_for_again_and_is_logged_once() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    (first,) = (await hub.release(RAAD, accepted.id)).releases
    await hub.give_receipt(accepted.id, refused=True)
    (again,) = (await hub.release(RAAD, accepted.id)).releases
    assert (again.index, again.elements) == (first.index, first.elements)
    assert len(hub.entries_of(EntryKind.DISCLOSURE)) == 1


async def test_a_refused_message_of_which_less_is_permitted_by_now_is_closed() -> None:
    """Its receipt is about what was released then, and is final."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.release(RAAD, accepted.id)
    await hub.give_receipt(accepted.id, refused=True)
    await hub.decide_by(without_category("VTO", Category.DOCUMENT))
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.message.refused"]


async def test_what_was_received_is_gone() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.release(RAAD, accepted.id)
    await hub.give_receipt(accepted.id)
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.message.received"]


async def test_a_receipt_on_another_connection_ends_a_release_that_is_under_way() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.release(RAAD, accepted.id)
    await hub.decide_by(without_category("VTO", Category.DOCUMENT))
    hub.meanwhile = lambda: hub.give_receipt(accepted.id)
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.message.received"]


async def test_a_release_is_logged_before_it_is_handed_out_and_asked_for_again_without_a_second_entry() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    (first,) = (await hub.release(RAAD, accepted.id)).releases
    (again,) = (await hub.release(RAAD, accepted.id)).releases
    (entry,) = hub.entries_of(EntryKind.DISCLOSURE)
    assert hub.texts[first.index] == entry.text == first.entry.encode()
    assert (again.index, again.entry, again.shown, again.elements) == (
        first.index,
        first.entry,
        first.shown,
        first.elements,
    )


async def test_two_releases_at_once_are_logged_once() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.meanwhile = lambda: hub.release(RAAD, accepted.id)
    (handed_out,) = (await hub.release(RAAD, accepted.id)).releases
    assert len(hub.entries_of(EntryKind.DISCLOSURE)) == 1
    assert set(handed_out.elements) == set((await hub.elements([accepted.id]))[accepted.id])


async def test_what_is_no_longer_permitted_is_withheld_with_an_entry_of_its_own() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    (before,) = (await hub.release(RAAD, accepted.id)).releases
    await hub.decide_by(without_category("VTO", Category.DOCUMENT))
    (after,) = (await hub.release(RAAD, accepted.id)).releases
    assert before.index < after.index
    assert set(after.elements) < set(before.elements)
    assert {each.label.split("/")[0] for each in parse_shown(after.shown.text).withheld} == {"document"}


async def test_a_denial_on_acceptance_is_final() -> None:
    hub = await MemoryHub.opened(catalogue=without_category("VTO", Category.DOCUMENT))
    accepted = await hub.submit(hub.compose())
    await hub.decide_by(packaged_catalogue())
    (released,) = (await hub.release(RAAD, accepted.id)).releases
    assert {each.label.split("/")[0] for each in parse_shown(released.shown.text).withheld} == {"document"}
    stored = await hub.message(accepted.id)
    assert stored is not None
    assert set(released.elements) == set(stored.permitted)


async def test_a_message_of_which_nothing_is_permitted_any_more_is_not_handed_out_at_all() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.decide_by(without("VTO"))
    released = await hub.release(RAAD, accepted.id)
    assert released.releases == ()
    assert [error.code for _, error in released.refused] == ["recipient.decision.denied"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_anothers_message_is_as_unknown_as_none() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    nothing = MessageId("01940000-0000-7000-8000-000000000001")
    released = await hub.release(GI, accepted.id, nothing)
    assert [(each, error.code) for each, error in released.refused] == [
        (accepted.id, "recipient.message.unknown"),
        (nothing, "recipient.message.unknown"),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hub": HubName("other.ketenhub.test")}, "sender.hub.other"),
        ({"issued_at": 1_795_432_000}, "sender.request.time"),
        ({"issued_at": 1_795_439_000}, "sender.request.time"),
        ({"issuer": GI}, "sender.key.unknown"),
        ({"issuer": OIN("00000099000000009000")}, "sender.participant.unknown"),
    ],
)
async def test_a_request_counts_for_this_hub_this_moment_and_who_signed_it(
    changes: dict[str, object], code: str
) -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    request = hub.release_request(RAAD, accepted.id, **changes)
    with pytest.raises(RejectedMessageError) as refused:
        await release(request, arrival=hub.arrival, services=hub.services)
    assert refused.value.code == code


async def test_what_does_not_fit_into_one_answer_comes_later_and_the_first_always_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.exchange.release.RELEASE_BYTES_MAX", 1)
    hub = await MemoryHub.opened()
    one, two = await hub.submit(hub.compose()), await hub.submit(hub.compose())
    released = await hub.release(RAAD, one.id, two.id)
    assert [each.message.id for each in released.releases] == [one.id]
    assert released.later == (two.id,)
    assert len(hub.entries_of(EntryKind.DISCLOSURE)) == 1


async def test_what_cannot_be_logged_is_not_handed_out_and_comes_later() -> None:
    hub = await MemoryHub.opened()
    one, two = await hub.submit(hub.compose()), await hub.submit(hub.compose())
    hub.trouble = UnavailableError("the database is away")
    released = await hub.release(RAAD, one.id, two.id)
    assert [each.message.id for each in released.releases] == [two.id]
    assert released.later == (one.id,)


async def test_a_log_that_contradicts_itself_hands_out_nothing() -> None:
    hub = await MemoryHub.opened()
    one, two = await hub.submit(hub.compose()), await hub.submit(hub.compose())
    hub.trouble = EvidenceError("the log contradicts itself")
    with pytest.raises(EvidenceError):
        await hub.release(RAAD, one.id, two.id)


async def test_a_message_whose_parties_keep_changing_comes_later() -> None:
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())

    async def again() -> None:
        await hub.admit(RAAD)
        hub.meanwhile = again

    hub.meanwhile = again
    released = await hub.release(RAAD, accepted.id)
    assert released.later == (accepted.id,)


async def test_a_sender_suspended_since_keeps_what_it_sent() -> None:
    """A revoked key or an ended admission stops new messages; what was accepted before stays good."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    await hub.rotate(GEMEENTE, revoke=True)
    await hub.suspend(GEMEENTE)
    assert len((await hub.release(RAAD, accepted.id)).releases) == 1


async def test_what_was_received_while_its_release_was_decided_is_gone() -> None:
    """The ciphertexts went with the receipt, after this request had found the message."""
    hub = await MemoryHub.opened()
    accepted = await hub.submit(hub.compose())
    hub.lose_elements(accepted.id)
    released = await hub.release(RAAD, accepted.id)
    assert [error.code for _, error in released.refused] == ["recipient.message.received"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_sender_that_joined_at_another_process_a_moment_ago_is_known_for_its_message() -> None:
    hub = await MemoryHub.opened()
    newcomer = OIN("00000099000000004000")
    with hub.another_process():
        hub.world.admit(newcomer, Role.VEILIG_THUIS)
        await hub.follow()
        accepted = await hub.submit(hub.compose(sender=newcomer))
    released = await hub.release(RAAD, accepted.id)
    assert [each.message.id for each in released.releases] == [accepted.id]


async def test_among_senders_that_are_known_one_that_joined_a_moment_ago_is_known_too() -> None:
    hub = await MemoryHub.opened()
    newcomer = OIN("00000099000000004000")
    known = await hub.submit(hub.compose())
    with hub.another_process():
        hub.world.admit(newcomer, Role.VEILIG_THUIS)
        await hub.follow()
        accepted = await hub.submit(hub.compose(sender=newcomer))
    released = await hub.release(RAAD, known.id, accepted.id)
    assert [each.message.id for each in released.releases] == [known.id, accepted.id]
