"""What a hostile participant can put on the wire is refused, each for its reason, and the hub stays as it was.

The hub's own tests say more about each call; here it is the whole stack, and its connectors, that must not be moved.
"""

import asyncio
import base64
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from schemas.codes import Role
from schemas.identifiers import ProfessionalNumber
from schemas.jwk import SigningKey
from schemas.wire import Submission
from tests.support.hub_server import CLOCK, RANDOMNESS, Answer
from tests.support.stack import WAIT_SECONDS, StackUnderTest
from tests.support.stack_wire import StackParticipant, strangers

pytestmark = pytest.mark.stack

RAAD = "00000099000000002000"


@pytest.fixture
async def stranger(office: StackUnderTest) -> AsyncIterator[StackParticipant]:
    """Give a municipality that has joined, and has no connector."""
    async with strangers(office) as (one,):
        yield one


def codes(answer: Answer) -> set[str]:
    """Return the code of a problem and those of its issues."""
    return {answer.json["code"], *(issue["code"] for issue in answer.json["issues"])}


async def refused(office: StackUnderTest, answering: Callable[[], Any], *, status: int, code: str) -> None:
    """Make a call that must be refused, and see that nothing but a refusal is left of it."""
    state, received = office.hub_state(), office.raad.files()
    answer: Answer = await answering()
    assert (answer.status, code in codes(answer)) == (status, True), answer.body
    assert office.hub_state() == state
    assert office.raad.files() == received


async def test_a_good_message_is_accepted_and_received(office: StackUnderTest, stranger: StackParticipant) -> None:
    # What the other tests change is good without their change.
    composed = await stranger.write(RAAD)
    answer = await stranger.post(composed.submission)
    assert answer.status == 202, answer.body
    await received_by_raad(office, stranger, composed.message.id.value, "received")


async def received_by_raad(office: StackUnderTest, sender: StackParticipant, message: str, state: str) -> Any:
    """Wait until a message has a state, as its sender sees it; returns what the hub says of it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (answer := await sender.get(f"/v1/messages/{message}")).json["state"] != state:
        assert time.monotonic() < deadline, f"{answer.json}: {office.raad.status()['received'][:2]}"
        await asyncio.sleep(0.1)
    return answer.json


async def test_altered_bytes_are_nobodys(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD)
    header, payload, signature = composed.submission.message.split(".")
    middle = len(payload) // 2
    altered = payload[:middle] + ("A" if payload[middle] != "A" else "B") + payload[middle + 1 :]
    submission = dataclasses.replace(composed.submission, message=f"{header}.{altered}.{signature}")
    size = len(office.entries())
    answer = await stranger.post(submission)
    assert answer.status in (400, 401)
    assert answer.json["code"].startswith("sender.")
    # Not even a refusal is logged of what nobody signed.
    assert len(office.entries()) == size


async def test_the_same_bytes_get_the_same_answer(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD)
    first = (await stranger.post(composed.submission)).json
    await received_by_raad(office, stranger, composed.message.id.value, "received")
    state = office.hub_state()
    again = (await stranger.post(composed.submission)).json
    for name in ("jti", "index", "decision", "entry", "shown", "shown_salt"):
        assert again[name] == first[name]
    assert office.hub_state() == state


async def test_other_bytes_under_a_used_id_are_a_conflict(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD)
    assert (await stranger.post(composed.submission)).status == 202
    await received_by_raad(office, stranger, composed.message.id.value, "received")
    responsible = dataclasses.replace(composed.message.responsible, number=ProfessionalNumber("110099999"))
    other = stranger.sign(dataclasses.replace(composed.message, responsible=responsible))
    submission = dataclasses.replace(composed.submission, message=other)
    await refused(office, lambda: stranger.post(submission), status=409, code="sender.jti.used")


async def test_another_participants_id_is_a_conflict_too(office: StackUnderTest) -> None:
    async with strangers(office, Role.GEMEENTE, Role.GEMEENTE) as (one, two):
        first = await one.write(RAAD)
        assert (await one.post(first.submission)).status == 202
        await received_by_raad(office, one, first.message.id.value, "received")
        second = await two.write(RAAD)
        taken = dataclasses.replace(second.message, id=first.message.id)
        submission = dataclasses.replace(second.submission, message=two.sign(taken))
        await refused(office, lambda: two.post(submission), status=409, code="sender.jti.used")


async def test_what_is_past_its_time_is_refused(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD, at=CLOCK.now() - timedelta(days=31))
    await refused(office, lambda: stranger.post(composed.submission), status=400, code="sender.message.expired")


async def test_what_is_dated_more_than_two_minutes_ahead_is_refused(
    office: StackUnderTest, stranger: StackParticipant
) -> None:
    composed = await stranger.write(RAAD, at=CLOCK.now() + timedelta(seconds=150))
    await refused(office, lambda: stranger.post(composed.submission), status=400, code="sender.message.future")


async def test_a_clock_that_runs_a_minute_ahead_is_no_fault(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD, at=CLOCK.now() + timedelta(seconds=60))
    assert (await stranger.post(composed.submission)).status == 202
    await received_by_raad(office, stranger, composed.message.id.value, "received")


async def test_what_is_for_another_hub_is_refused(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD, hub="andere-hub.ketenhub.test")
    await refused(office, lambda: stranger.post(composed.submission), status=400, code="sender.hub.other")


async def test_an_unknown_recipient_is_refused(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD)
    recipient = dataclasses.replace(
        composed.message.recipient, oin=dataclasses.replace(stranger.oin, value="00000099000000008000")
    )
    message = dataclasses.replace(composed.message, recipient=recipient)
    submission = dataclasses.replace(composed.submission, message=stranger.sign(message))
    await refused(office, lambda: stranger.post(submission), status=400, code="sender.recipient.unknown")


async def test_a_message_of_which_nothing_is_permitted_is_refused(
    office: StackUnderTest, stranger: StackParticipant
) -> None:
    composed = await stranger.write(RAAD)
    # The ground of the Raad's notifications: a gemeente may send nothing by it.
    recipient = dataclasses.replace(composed.message.recipient, purpose="RVDK-NOT")
    message = dataclasses.replace(composed.message, recipient=recipient)
    submission = dataclasses.replace(composed.submission, message=stranger.sign(message))
    await refused(office, lambda: stranger.post(submission), status=400, code="sender.decision.denied")


def _swapped(elements: Sequence[bytes]) -> list[bytes]:
    return [elements[1], elements[0], *elements[2:]]


def _dropped(elements: Sequence[bytes]) -> list[bytes]:
    return list(elements[:-1])


def _doubled(elements: Sequence[bytes]) -> list[bytes]:
    return [elements[0], elements[0], *elements[2:]]


def _one_more(elements: Sequence[bytes]) -> list[bytes]:
    return [*elements, elements[0]]


def _altered(elements: Sequence[bytes]) -> list[bytes]:
    return [bytes([elements[0][0] ^ 1]) + elements[0][1:], *elements[1:]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_swapped, "sender.sealed.digest"),
        (_dropped, "sender.sealed.count"),
        (_doubled, "sender.sealed.digest"),
        (_one_more, "sender.sealed.count"),
        (_altered, "sender.sealed.digest"),
    ],
)
async def test_sealed_elements_that_are_not_those_signed_are_refused(
    office: StackUnderTest,
    stranger: StackParticipant,
    change: Callable[[Sequence[bytes]], list[bytes]],
    code: str,
) -> None:
    composed = await stranger.write(RAAD)
    submission = dataclasses.replace(composed.submission, elements=tuple(change(composed.submission.elements)))
    await refused(office, lambda: stranger.post(submission), status=400, code=code)


async def test_another_sealed_key_than_the_one_signed_is_refused(
    office: StackUnderTest, stranger: StackParticipant
) -> None:
    composed, other = await stranger.write(RAAD), await stranger.write(RAAD)
    submission = dataclasses.replace(composed.submission, key=other.submission.key)
    await refused(office, lambda: stranger.post(submission), status=400, code="sender.sealed.digest")


async def test_a_key_that_is_not_the_senders_signs_nothing(office: StackUnderTest, stranger: StackParticipant) -> None:
    composed = await stranger.write(RAAD)
    key = SigningKey.generate(randomness=RANDOMNESS)
    submission = dataclasses.replace(composed.submission, message=stranger.sign(composed.message, key=key))
    await refused(office, lambda: stranger.post(submission), status=401, code="sender.key.unknown")


async def test_nobody_signs_for_another(office: StackUnderTest) -> None:
    async with strangers(office, Role.GEMEENTE, Role.GEMEENTE) as (one, two):
        composed = await one.write(RAAD)
        forged = dataclasses.replace(composed.submission, message=two.sign(composed.message))
        await refused(office, lambda: two.post(forged), status=401, code="sender.key.unknown")


@pytest.mark.parametrize("revoke", [False, True], ids=["rotated", "revoked"])
async def test_a_key_that_was_replaced_signs_nothing_new(
    office: StackUnderTest, stranger: StackParticipant, *, revoke: bool
) -> None:
    accepted = await stranger.write(RAAD)
    assert (await stranger.post(accepted.submission)).status == 202
    await received_by_raad(office, stranger, accepted.message.id.value, "received")
    late = await stranger.write(RAAD)
    old = await stranger.rotate(revoke=revoke)
    signed_old = dataclasses.replace(late.submission, message=stranger.sign(late.message, key=old))
    await refused(office, lambda: stranger.post(signed_old), status=401, code="sender.key.unknown")
    await stranger.authenticate()
    new = await stranger.write(RAAD)
    assert (await stranger.post(new.submission)).status == 202
    await received_by_raad(office, stranger, new.message.id.value, "received")


async def test_what_was_sealed_to_a_replaced_key_must_be_sealed_anew(office: StackUnderTest) -> None:
    async with strangers(office, Role.GEMEENTE, Role.GEMEENTE) as (one, two):
        composed = await one.write(RAAD)
        recipient = dataclasses.replace(composed.message.recipient, oin=two.oin)
        sealed = dataclasses.replace(composed.message.sealed, kid=two.sealing.public.kid)
        message = dataclasses.replace(composed.message, recipient=recipient, sealed=sealed)
        await two.rotate()
        submission = dataclasses.replace(composed.submission, message=one.sign(message))
        await refused(office, lambda: one.post(submission), status=400, code="sender.sealing-key.outdated")


async def test_what_waits_under_a_revoked_sealing_key_is_not_handed_out(office: StackUnderTest) -> None:
    async with strangers(office, Role.GEMEENTE, Role.RAAD) as (gemeente, raad):
        waiting = [await gemeente.write(raad.oin.value) for _ in range(2)]
        for composed in waiting:
            assert (await gemeente.post(composed.submission)).status == 202
        (released,) = (await raad.release(waiting[0].message.id)).releases
        assert released.id == waiting[0].message.id
        await raad.rotate(revoke=True)
        await raad.authenticate()
        answer = await raad.release(waiting[1].message.id)
        assert answer.releases == ()
        assert [each.problem["code"] for each in answer.refused] == ["recipient.sealing-key.revoked"]


async def test_a_participant_nobody_admitted_does_not_join(office: StackUnderTest, stranger: StackParticipant) -> None:
    stranger.registrar = SigningKey.generate(randomness=RANDOMNESS)
    stranger.access_token = ""
    await refused(office, stranger.join, status=403, code="sender.token.kid")


async def test_sealed_rubbish_with_a_good_signature_is_refused_by_the_recipient(
    office: StackUnderTest, stranger: StackParticipant
) -> None:
    received = office.raad.files()
    composed = await stranger.write(RAAD)
    elements = [RANDOMNESS.bytes(len(each)) if n == 2 else each for n, each in enumerate(composed.submission.elements)]
    answer = await stranger.post(stranger.reseal(composed, elements))
    # The hub cannot know: it cannot read. The recipient can, and says so in a receipt.
    assert answer.status == 202, answer.body
    said = await received_by_raad(office, stranger, composed.message.id.value, "refused")
    claims = receipt_claims(said["receipt"]["receipt"])
    assert claims["outcome"] == "refused"
    label = answer.json["decision"]["permitted"][2]
    assert label in [reason["label"] for reason in claims["reasons"]]
    assert office.raad.files() == received
    notices = office.raad.status()["notices"]
    assert [each["kind"] for each in notices if each["about"] == composed.message.id.value] == ["refused-by-us"]
    office.raad.command("confirm", composed.message.id.value)


async def test_elements_that_a_sender_swapped_before_signing_are_refused_by_the_recipient(
    office: StackUnderTest, stranger: StackParticipant
) -> None:
    received = office.raad.files()
    composed = await stranger.write(RAAD)
    submission: Submission = stranger.reseal(composed, _swapped(composed.submission.elements))
    assert (await stranger.post(submission)).status == 202
    said = await received_by_raad(office, stranger, composed.message.id.value, "refused")
    assert receipt_claims(said["receipt"]["receipt"])["outcome"] == "refused"
    assert office.raad.files() == received
    office.raad.command("confirm", composed.message.id.value)


def receipt_claims(token: str) -> dict[str, Any]:
    """Read a receipt's claims, without checking it."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
