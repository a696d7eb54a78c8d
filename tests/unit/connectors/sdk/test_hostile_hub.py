"""A hub, or a hub and a participant together, that hand out what no honest one would: never opened, never a crash."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.entries import parse_entry
from audit.evidence import check_evidence
from audit.evidence_file import Evidence, parse_evidence
from audit.policy import parse_policy, policy_text
from connectors.sdk.composing import Composed
from connectors.sdk.evidence import make_evidence
from connectors.sdk.opening import Opened, Opening, Unopened, open_release
from connectors.sdk.proving import ProvenEntry, prove_entry
from schemas.codes import Role, TokenType
from schemas.identifiers import OIN
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Message, message_to_payload
from schemas.wire import Release
from tests.support.connector_world import GEMEENTE, GI, RAAD, World
from tests.support.example_documents import request_document

VEILIG_THUIS = OIN("00000099000000004000")


def _codes(opening: Opening) -> set[str]:
    assert isinstance(opening, Unopened), "it was opened"
    return {reason.code for reason in opening.reasons}


def _composed(world: World, **changes: object) -> Composed:
    """A message whose sender signed other claims than its connector would."""
    composed = world.compose(request_document())
    if not changes:
        return composed
    message: Message = replace(composed.message, **changes)  # type: ignore[arg-type]  # changed by name
    key = world.organisations[message.sender].signing
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    return replace(composed, message=message, submission=replace(composed.submission, message=token))


def _released(world: World, **changes: object) -> Release:
    composed = _composed(world, **changes)
    world.accept(composed)
    return world.release(composed)


def _evidence(world: World, release: Release, opened: Opened) -> Evidence:
    return make_evidence(opened, release, log=world.log_key, links=world.links)


def _convinces(world: World, evidence: Evidence) -> bool:
    policy = parse_policy(policy_text(logs=(world.log_key,), registrars=(world.registrar.public,)).encode())
    return check_evidence(parse_evidence(evidence.to_bytes()), policy=policy).anchored


@pytest.mark.parametrize(
    "change",
    [
        lambda release: replace(release, message="é" + release.message),
        lambda release: replace(release, shown=release.shown + "é"),
        lambda release: replace(release, entry="é"),
        lambda release: replace(release, tlog_proof="é" + release.tlog_proof),
    ],
)
def test_what_is_no_ascii_is_refused(change: Callable[[Release], Release]) -> None:
    world = World()
    assert isinstance(open_release(change(_released(world)), view=world.view()), Unopened)


@pytest.mark.parametrize("moment", [2**53 - 1 - 86_400, 253_402_300_799, 2**37])
def test_a_message_dated_beyond_the_calendar_is_refused(moment: int) -> None:
    world = World()
    release = _released(world, issued_at=moment, pickup_by=moment + 86_400)
    assert _codes(open_release(release, view=world.view())) == {"sender.message.form"}


def test_an_entry_dated_beyond_the_calendar_is_refused() -> None:
    """No honest log can write it: the bytes are put into the tree behind its back."""
    world = World()
    composed = _composed(world)
    world.accept(composed)
    release = world.release(composed)
    text = re.sub(r'"time":[0-9]+', f'"time":{2**53 - 1}', release.entry)
    world.log.texts[release.index] = text.encode()
    release = replace(release, entry=text, tlog_proof=world.log.proof(release.index))
    assert _codes(open_release(release, view=world.view())) == {"hub.entry.invalid"}


def test_a_message_dated_after_the_log_says_that_it_came_is_refused() -> None:
    """Its evidence would convince nobody: the sender's key may have been in force at one of the two only."""
    world = World()
    later = int(world.clock.now().timestamp()) + 3600
    release = _released(world, issued_at=later, pickup_by=later + 86_400)
    assert _codes(open_release(release, view=world.view())) == {"hub.entry.time"}


def test_a_message_released_after_its_time_is_refused() -> None:
    """Its sender was told that it lapsed, and has perhaps sent it again."""
    world = World()
    composed = _composed(world)
    world.accept(composed)
    world.log.time = (composed.message.pickup_by + 3600) * 1000
    assert _codes(open_release(world.release(composed), view=world.view())) == {"hub.entry.time"}


def test_its_time_ends_with_the_second_before_the_one_that_it_names() -> None:
    """As at the hub, which releases nothing any more in that very second."""
    world = World()
    composed = _composed(world)
    world.accept(composed)
    end = composed.message.pickup_by * 1000
    world.log.time = end - 1001  # the log counts a second on before each entry
    in_time = world.release(composed)
    assert parse_entry(in_time.entry.encode()).time == end - 1
    assert isinstance(open_release(in_time, view=world.view()), Opened)
    world.log.time = end - 1000
    late = world.release(composed)
    assert parse_entry(late.entry.encode()).time == end
    assert _codes(open_release(late, view=world.view())) == {"hub.entry.time"}


def test_an_entry_that_leaves_out_the_newest_participants_is_refused() -> None:
    """The hub names an older entry as the newest one: what the sender's key was there is not what it was in truth."""
    world = World()
    composed = _composed(world)
    world.accept(composed)
    stale = world.log.newest_participant
    world.rotate(GI)
    world.log.newest_participant = stale
    assert _codes(open_release(world.release(composed), view=world.view())) == {"hub.entry.participants"}


def test_an_acceptance_after_the_release_proves_nothing() -> None:
    """What signed was stated after the release, and accepted after that: in the order of the log it came too late."""
    world = World()
    organisation = world.organisations[GEMEENTE]
    first = organisation.signing
    organisation.signing = SigningKey.generate(randomness=world.randomness)
    composed = _composed(world)
    release = world.release(composed)
    world.state_keys(organisation, replaced_by=first)
    assert _codes(_opened_with_acceptance(world, composed, release)) == {"hub.submission.other"}


def test_an_acceptance_is_of_the_same_sender() -> None:
    world = World()
    composed = _composed(world)
    other = replace(composed, message=replace(composed.message, sender=GI))
    accepted = world.accept(other)
    world.rotate(GEMEENTE)
    release = world.release(composed)
    opening = open_release(release, view=world.view(RAAD), submission=_proven(world, accepted))
    assert _codes(opening) == {"hub.submission.other"}


def _opened_with_acceptance(world: World, composed: Composed, release: Release) -> Opening:
    return open_release(release, view=world.view(), submission=_proven(world, world.accept(composed)))


def _proven(world: World, index: int) -> ProvenEntry:
    return prove_entry(entry=world.log.texts[index].decode(), tlog_proof=world.log.proof(index), log=world.log_key)


def test_what_is_opened_convinces_an_outsider_also_of_one_that_joined_in_two_steps() -> None:
    world = World()
    world.admit(VEILIG_THUIS, Role.VEILIG_THUIS, at_once=False)
    composed = world.compose(request_document(), sender=VEILIG_THUIS)
    world.accept(composed)
    release = world.release(composed)
    opened = open_release(release, view=world.view())
    assert isinstance(opened, Opened)
    assert _convinces(world, _evidence(world, release, opened))


def test_what_is_opened_convinces_an_outsider_also_after_an_admission_was_renewed_beside_a_statement() -> None:
    """The renewed admission still names the first key, and the statement beside it a later one."""
    world = World()
    first = world.organisations[GEMEENTE].signing.public.thumbprint
    world.rotate(GEMEENTE)
    world.readmit(GEMEENTE, first_key=first)
    composed = _composed(world)
    world.accept(composed)
    release = world.release(composed)
    opened = open_release(release, view=world.view())
    assert isinstance(opened, Opened)
    assert _convinces(world, _evidence(world, release, opened))
