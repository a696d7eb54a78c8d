"""Canaries: each refusal of theirs is proof, and one acceptance stops the hub."""

import json
from dataclasses import replace

import pytest

from connectors.sdk.composing import Composed
from hub.changes import SubmissionAccepted
from hub.enforcement import Enforcement, Stop
from hub.exchange import accept as accepting
from hub.exchange.accept import accept
from hub.exchange.canaries import resume
from hub.exchange.directory import hand_over
from hub.exchange.release import release
from hub.exchange.searching import search
from hub.ports import MemberLostError
from schemas.codes import EntryKind, Role, TokenType
from schemas.errors import AuthenticationError, DocumentError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN
from schemas.jws import sign_jws
from schemas.message import Recipient, message_to_payload
from schemas.pseudonyms import handover_to_payload, make_handover
from schemas.wire import Submission
from tests.support.connector_world import World
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub
from tests.support.law_records import CHILD_TAG
from tests.support.statements import consents, of_child

CANARY = OIN("00000099000000009000")
OTHER_CANARY = OIN("00000099000000009001")
SUPERVISOR = OIN("00000099000000008000")


async def opened() -> MemoryHub:
    """A hub with two canaries, and a supervisor to be told."""
    world = World()
    world.admit(CANARY, Role.GEMEENTE, canary=True)
    world.admit(OTHER_CANARY, Role.GEMEENTE, canary=True)
    world.admit(SUPERVISOR, Role.TOEZICHTHOUDER)
    return await MemoryHub.opened(world=world)


def lawful(hub: MemoryHub) -> Composed:
    """What any municipality may send: of a canary it stands for a message that a broken decision permits."""
    return hub.compose(sender=CANARY)


def unlawful(hub: MemoryHub, *, sender: OIN = CANARY) -> Submission:
    """The same for a purpose that a municipality has no ground for."""
    composed = hub.compose(sender=sender)
    message = replace(composed.message, recipient=Recipient(oin=RAAD, purpose="RVDK-RAP", capacity=None))
    key = hub.world.organisations[sender].signing
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    return replace(composed.submission, message=token)


async def refused(hub: MemoryHub, submission: Submission) -> DocumentError:
    with pytest.raises(DocumentError) as error:
        await accept(submission, arrival=hub.arrival, services=hub.services)
    return error.value


async def stopped(hub: MemoryHub) -> Stop:
    with pytest.raises(UnavailableError) as error:
        await hub.submit(lawful(hub))
    assert error.value.code == "hub.canary.accepted"
    stop = (await hub.enforcement()).stop
    assert stop is not None
    return stop


async def resumed(hub: MemoryHub, stop: Stop) -> None:
    await resume(
        "de catalogus is hersteld",
        stop=stop,
        proved=True,
        log=hub,
        directory=hub.services.worlds.current().directory,
        at=hub.arrival.at,
        randomness=hub.services.randomness,
    )
    await hub.services.worlds.refresh()


async def test_a_refused_canary_proves_the_reasons_for_which_it_was_refused() -> None:
    hub = await opened()
    error = await refused(hub, unlawful(hub))
    assert error.code == "sender.decision.denied"
    reasons = {issue.code.removeprefix("sender.decision.") for issue in error.issues}
    proved = (await hub.enforcement()).proved
    assert {each.reason for each in proved} == reasons
    assert "sender-role-not-in-ground" in reasons
    assert {each.times for each in proved} == {1}


async def test_the_refusal_of_a_canary_is_logged_without_the_recipient_that_it_names() -> None:
    """Its records would be full of messages that were never meant for it."""
    hub = await opened()
    await refused(hub, unlawful(hub))
    (entry,) = hub.entries_of(EntryKind.REFUSAL)
    assert (entry.sender, entry.recipient, entry.purpose) == (CANARY, None, "RVDK-RAP")


async def test_a_canary_that_is_refused_for_its_form_proves_nothing() -> None:
    """What does not come as far as the decision says nothing about the decision."""
    hub = await opened()
    submission = unlawful(hub)
    await refused(hub, replace(submission, elements=submission.elements[:-1]))
    assert (await hub.enforcement()).proved == ()


async def test_the_refusal_of_anybody_else_proves_nothing() -> None:
    hub = await opened()
    composed = hub.compose()
    message = replace(composed.message, recipient=Recipient(oin=RAAD, purpose="RVDK-RAP", capacity=None))
    key = hub.world.organisations[GEMEENTE].signing
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    await refused(hub, replace(composed.submission, message=token))
    assert await hub.enforcement() == Enforcement()


async def test_a_canary_that_would_be_accepted_stops_the_hub_and_leaves_no_message() -> None:
    hub = await opened()
    composed = lawful(hub)
    with pytest.raises(UnavailableError) as error:
        await hub.submit(composed)
    assert error.value.code == "hub.canary.accepted"
    assert await hub.message(composed.message.id) is None
    assert not any(isinstance(member.change, SubmissionAccepted) for member in hub.members)
    (entry,) = hub.entries_of(EntryKind.STOP)
    assert (entry.sender, entry.recipient, entry.purpose) == (CANARY, None, "VTO")
    assert hub.services.worlds.current().enforcement.stop is not None


async def test_a_canary_that_passed_hears_it_also_where_the_stop_cannot_be_logged() -> None:
    """A full disk, a database that is away: nothing stops the next message, so somebody else must raise the alarm."""
    hub = await opened()
    hub.trouble = UnavailableError("the disk is full", code="hub.storage.full")
    with pytest.raises(UnavailableError) as error:
        await hub.submit(lawful(hub))
    assert error.value.code == "hub.canary.accepted"
    assert "could not log" in error.value.public_message
    assert hub.entries_of(EntryKind.STOP) == []
    assert (await stopped(hub)).canary == CANARY, "the next message is one more chance"


async def test_a_stop_is_told_to_the_canary_and_to_every_supervisor() -> None:
    hub = await opened()
    stop = await stopped(hub)
    for oin in (CANARY, SUPERVISOR):
        (notice,) = await hub.persons.notices(oin, after=-1, limit=10)
        assert (notice.kind, notice.index) == ("enforcement-stopped", stop.index)
    assert {oin for oin, _ in hub.noticed} == {CANARY, SUPERVISOR}
    assert await hub.persons.notices(RAAD, after=-1, limit=10) == ()


async def test_a_stopped_hub_accepts_and_releases_nothing_until_it_is_resumed() -> None:
    hub = await opened()
    waiting, sent = hub.compose(), hub.compose()
    await hub.submit(waiting)
    stop = await stopped(hub)
    for ask in (lambda: hub.submit(sent), lambda: hub.release(RAAD, waiting.message.id)):
        with pytest.raises(UnavailableError) as error:
            await ask()
        assert (error.value.code, error.value.retryable) == ("hub.enforcement.stopped", True)
    assert hub.entries_of(EntryKind.REFUSAL) == hub.entries_of(EntryKind.DISCLOSURE) == []
    await resumed(hub, stop)
    await hub.submit(sent)
    released = await hub.release(RAAD, waiting.message.id, sent.message.id)
    assert len(released.releases) == 2


async def test_what_was_released_before_a_stop_is_not_handed_out_again_during_it() -> None:
    hub = await opened()
    composed = hub.compose()
    await hub.submit(composed)
    await hub.release(RAAD, composed.message.id)
    await stopped(hub)
    with pytest.raises(UnavailableError):
        await hub.release(RAAD, composed.message.id)


async def test_a_process_that_does_not_know_of_the_stop_appends_nothing_either() -> None:
    """Its world is a second old; the log looks under its lock."""
    hub = await opened()
    waiting = hub.compose()
    await hub.submit(waiting)
    with hub.another_process():
        await hub.services.worlds.refresh()
        await stopped(hub)
    assert hub.services.worlds.current().enforcement.stop is None
    with pytest.raises(UnavailableError) as error:
        await hub.submit(hub.compose())
    assert error.value.code == "hub.enforcement.stopped"
    released = await release(hub.release_request(RAAD, waiting.message.id), arrival=hub.arrival, services=hub.services)
    assert (released.releases, released.later) == ((), (waiting.message.id,))


async def test_receipts_are_taken_also_while_the_hub_is_stopped() -> None:
    """They disclose nothing, and who got something must be able to say so."""
    hub = await opened()
    composed = hub.compose()
    await hub.submit(composed)
    await hub.release(RAAD, composed.message.id)
    await stopped(hub)
    await hub.give_receipt(composed.message.id)


async def test_canaries_are_decided_also_while_the_hub_is_stopped() -> None:
    """By that the operator sees that the decision is on again, before anybody else's message is accepted."""
    hub = await opened()
    await refused(hub, unlawful(hub))
    stop = await stopped(hub)
    assert "sender-role-not-in-ground" in (await hub.enforcement()).unproved_since_stop()
    with pytest.raises(UnavailableError) as error:
        await hub.submit(lawful(hub))
    assert error.value.code == "hub.canary.accepted"
    assert len(hub.entries_of(EntryKind.STOP)) == 1
    await refused(hub, unlawful(hub))
    enforcement = await hub.enforcement()
    assert enforcement.stop == stop
    assert (enforcement.unproved_since_stop(), enforcement.proved_since_stop) == ((), False)
    assert [(each.form, each.purpose, each.type) for each in enforcement.passed] == [
        (stop.form, "VTO", "verzoek-tot-onderzoek")
    ]


async def test_what_passed_is_refused_again_when_the_decision_refuses_what_is_made_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By what the decision reads, of each canary of its own; also what passed while the hub was stopped already."""
    hub = await opened()
    with monkeypatch.context() as broken:
        broken.setattr(accepting, "_refuse_incomplete", lambda *_, **__: None)
        for submission in (lawful(hub).submission, unlawful(hub), unlawful(hub), unlawful(hub, sender=OTHER_CANARY)):
            with pytest.raises(UnavailableError):
                await accept(submission, arrival=hub.arrival, services=hub.services)
    assert len(hub.entries_of(EntryKind.STOP)) == 1
    assert len((await hub.enforcement()).passed) == 3
    await refused(hub, unlawful(hub))
    left = (await hub.enforcement()).passed
    assert {(each.canary, each.purpose) for each in left} == {(CANARY, "VTO"), (OTHER_CANARY, "RVDK-RAP")}
    await refused(hub, replace(unlawful(hub, sender=OTHER_CANARY), elements=()))
    assert (await hub.enforcement()).passed == left, "what is refused for its form was not decided"
    await refused(hub, unlawful(hub, sender=OTHER_CANARY))
    assert [each.canary for each in (await hub.enforcement()).passed] == [CANARY]


async def test_the_entry_of_a_resumption_commits_to_the_reason() -> None:
    hub = await opened()
    stop = await stopped(hub)
    await resumed(hub, stop)
    (kept,) = await hub.stops(limit=10)
    assert kept.record is not None
    record = json.loads(kept.record)
    assert {name: record[name] for name in ("proved", "reason", "stop")} == {
        "proved": True,
        "reason": "de catalogus is hersteld",
        "stop": stop.index,
    }
    assert len(hub.entries_of(EntryKind.RESUMPTION)) == 1
    with pytest.raises(MemberLostError):
        await resumed(hub, stop)
    kinds = [notice.kind for notice in await hub.persons.notices(SUPERVISOR, after=-1, limit=10)]
    assert kinds == ["enforcement-stopped", "enforcement-resumed"]


async def test_a_canary_suspended_while_its_message_is_decided_stops_nothing() -> None:
    """A stop watches what a submission watches: it is not for a decision of before."""
    hub = await opened()
    submission = lawful(hub).submission
    hub.meanwhile = lambda: hub.admit(CANARY, canary=True, valid_until=int(hub.arrival.seconds))
    with pytest.raises(AuthenticationError):
        await accept(submission, arrival=hub.arrival, services=hub.services)
    assert hub.entries_of(EntryKind.STOP) == []


async def test_nobody_sends_anything_to_a_canary() -> None:
    hub = await opened()
    hub.world.admit(OTHER_CANARY, Role.RAAD, canary=True)
    await hub.follow()
    error = await refused(hub, hub.compose(recipient=OTHER_CANARY).submission)
    assert [(issue.pointer, issue.code) for issue in error.issues] == [("/recipient/oin", "sender.recipient.canary")]
    assert error.issues[0].text_nl
    assert (await hub.enforcement()) == Enforcement()
    with pytest.raises(UnavailableError):
        await hub.submit(hub.compose(sender=CANARY, recipient=OTHER_CANARY))


async def test_a_canary_searches_and_states_nothing_about_persons() -> None:
    hub = await opened()
    canary = hub.services.worlds.current().directory.participant(CANARY)
    assert canary is not None
    with pytest.raises(RejectedMessageError) as error:
        await search(
            [CHILD_TAG], kind=EntryKind.CONSENT, after=-1, searcher=canary, arrival=hub.arrival, services=hub.services
        )
    assert (error.value.code, bool(error.value.issues[0].text_nl)) == ("sender.canary", True)
    with pytest.raises(RejectedMessageError) as error:
        await consents(hub, of_child(hub.world, issuer=CANARY))
    assert error.value.code == "sender.canary"
    assert hub.entries_of(EntryKind.ACCESS) == hub.entries_of(EntryKind.CONSENT) == []


@pytest.mark.parametrize(("giver", "receiver"), [(RAAD, CANARY), (CANARY, RAAD)], ids=["to it", "by it"])
async def test_no_chain_key_goes_to_a_canary_or_comes_from_it(giver: OIN, receiver: OIN) -> None:
    hub = await opened()
    handover = make_handover(
        hub.world.chain,
        parties=(giver, receiver),
        receiver_key=hub.world.organisations[receiver].sealing.public,
        message_id=hub.new_id(),
        issued_at=hub.arrival.seconds,
    )
    key = hub.world.organisations[giver].signing
    token = sign_jws(handover_to_payload(handover), typ=TokenType.CHAIN_KEY, key=key)
    with pytest.raises(RejectedMessageError) as error:
        await hand_over(token, arrival=hub.arrival, services=hub.services)
    assert error.value.code == "sender.chain-key.role"
