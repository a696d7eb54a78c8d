"""Each kind of canary is refused by the decision for the reason that it is made for, and for no other."""

from dataclasses import replace
from datetime import datetime

import pytest

from connectors.sdk.canaries import (
    KINDS,
    VALUE,
    CanaryKeys,
    CanaryKind,
    NoCanaryError,
    compose_canary,
    find_fault,
)
from connectors.sdk.composing import SenderKeys
from connectors.sdk.composing import compose as compose_document
from connectors.sdk.envelope import Envelope
from consent.decide import decide
from consent.decision import Decision, Deny, Permit
from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from consent.reasons import Reason
from consent.request import DisclosureRequest, Facts
from hub.exchange.accept import accept
from schemas.codes import Capacity, Role, TokenType
from schemas.definitions import load_definitions
from schemas.errors import DocumentError, Issue, SignatureError, UnavailableError
from schemas.identifiers import OIN
from schemas.jws import parse_jws
from schemas.message import parse_message, sealed_digests
from schemas.sdjwt import parse_disclosure
from schemas.sealing import SealingAddress, open_element, open_key
from schemas.wire import Submission
from tests.support.connector_world import HUB, RESPONSIBLE, World
from tests.support.example_documents import request_document
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub

CANARY = OIN("00000099000000009000")
BY_NAME = {kind.name: kind for kind in KINDS}


async def opened(role: Role = Role.GI) -> MemoryHub:
    """A hub with a canary of a role; a GI may act in a supervision order and in the voluntary phase."""
    world = World()
    capacities = frozenset({Capacity.OTS, Capacity.PREVENTIEF}) if role is Role.GI else frozenset[Capacity]()
    world.admit(CANARY, role, capacities=capacities, canary=True)
    return await MemoryHub.opened(world=world)


def compose(hub: MemoryHub, kind: CanaryKind, *, sender: OIN = CANARY) -> Submission:
    """Let the canary compose a message of a kind for whoever of the world can be named."""
    world = hub.world
    at = world.clock.now()
    recipient = next(each for each in world.directory if kind.can_be_for(each, at=at))
    organisation = world.organisations[sender]
    _, submission = compose_canary(
        kind,
        sender=world.participant(sender),
        recipient=recipient,
        hub=HUB,
        definitions=load_definitions(),
        keys=CanaryKeys(signing=organisation.signing, sealing=organisation.sealing),
        at=at,
        randomness=world.randomness,
    )
    return submission


@pytest.mark.parametrize("role", [Role.GI, Role.GEMEENTE, Role.VEILIG_THUIS])
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
async def test_every_kind_is_refused_for_its_own_reasons_and_no_other(kind: CanaryKind, role: Role) -> None:
    hub = await opened(role)
    if not kind.can_be_sent_by(hub.world.participant(CANARY)):
        assert role is not Role.GI, "a GI that is no guardian sends all kinds"
        return
    with pytest.raises(DocumentError) as refused:
        await accept(compose(hub, kind), arrival=hub.arrival, services=hub.services)
    assert find_fault(kind, refused.value) is None
    proved = {each.reason for each in (await hub.enforcement()).proved}
    assert proved == {reason.value for reason in kind.reasons}


def test_the_kinds_go_through_every_part_of_the_decision() -> None:
    """Ground, both parties, what is sent, and each of the ties that can be checked."""
    assert {reason for kind in KINDS for reason in kind.reasons} == {
        Reason.PURPOSE_UNKNOWN,
        Reason.SENDER_CAPACITY_NOT_HELD,
        Reason.SENDER_ROLE_NOT_IN_GROUND,
        Reason.RECIPIENT_ROLE_NOT_IN_GROUND,
        Reason.MESSAGE_TYPE_NOT_IN_GROUND,
        Reason.CATEGORY_NOT_IN_GROUND,
        Reason.NECESSITY_MISSING,
        Reason.NOT_ASKED,
        Reason.MEASURE_MISSING,
        Reason.CONSENT_MISSING,
        Reason.NOT_CORRECTED,
    }
    assert len(BY_NAME) == len(KINDS)


@pytest.mark.parametrize("off", sorted({reason for kind in KINDS for reason in kind.reasons}))
async def test_a_check_that_is_left_out_is_found_by_the_canaries_made_for_it_and_by_no_other(
    off: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision that does not look at one thing: each kind that waits for that raises the alarm, the others hold."""

    def decide_without(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
        decision = decide(request, catalogue=catalogue, facts=facts, at=at)
        left = tuple(each for each in decision.reasons if each is not off) if isinstance(decision, Deny) else ()
        if left or isinstance(decision, Permit):
            return Deny(reasons=left) if left else decision
        return Permit(ground=request.purpose, row=request.purpose, relied_on=(), marks=())

    monkeypatch.setattr("consent.memo.decide", decide_without)
    hub = await opened()
    passed, doubted = set(), set()
    for kind in KINDS:
        try:
            await accept(compose(hub, kind), arrival=hub.arrival, services=hub.services)
        except UnavailableError as error:
            passed.add((kind.name, error.code))
        except DocumentError as error:
            doubted |= {kind.name} if find_fault(kind, error) else set()
    assert passed == {(kind.name, "hub.canary.accepted") for kind in KINDS if kind.reasons == {off}}
    assert doubted == {kind.name for kind in KINDS if off in kind.reasons and kind.reasons != {off}}
    assert ((await hub.enforcement()).stop is not None) is bool(passed)


async def test_a_catalogue_that_lets_the_measure_out_stops_the_hub() -> None:
    hub = await opened()
    text = packaged_catalogue().data.decode()
    start = text.index('code = "GI-OTS-VRAAG"')
    loose = text[start:].replace('ties = ["measure"]', "ties = []", 2).replace("spoed_hours = 72\n", "", 2)
    permissive = text[:start] + loose
    await hub.decide_by(load_catalogue(permissive.encode()))
    with pytest.raises(UnavailableError) as stopped:
        await accept(compose(hub, BY_NAME["maatregel-ontbreekt"]), arrival=hub.arrival, services=hub.services)
    assert stopped.value.code == "hub.canary.accepted"
    assert (await hub.enforcement()).stop is not None


@pytest.mark.parametrize(
    ("issues", "fault"),
    [
        (["consent-missing"], None),
        (["consent-missing", "consent-missing"], None),
        (["purpose-unknown"], "purpose-unknown instead of consent-missing"),
        (["consent-missing", "purpose-unknown"], "consent-missing,purpose-unknown instead of consent-missing"),
        ([], "no reason instead of consent-missing"),
    ],
    ids=["the one", "for each label", "another", "one more", "none"],
)
def test_a_refusal_for_another_reason_is_a_fault(issues: list[str], fault: str | None) -> None:
    """A check that is gone may hide behind another one."""
    error = DocumentError(
        "denied",
        code="sender.decision.denied",
        issues=[Issue(pointer="/x", code=f"sender.decision.{reason}", text="") for reason in issues],
    )
    assert find_fault(BY_NAME["toestemming-ontbreekt"], error) == fault


def test_a_refusal_for_the_form_is_a_fault() -> None:
    error = DocumentError("form", code="sender.structure.claim-missing")
    assert find_fault(BY_NAME["niet-gevraagd"], error) == "sender.structure.claim-missing"


async def test_nobody_but_a_canary_sends_what_was_not_decided() -> None:
    """This is the way around a connector's own decision: it is closed for whoever exchanges messages about people."""
    hub = await opened()
    with pytest.raises(NoCanaryError):
        compose(hub, BY_NAME["niet-gevraagd"], sender=GEMEENTE)


async def test_only_the_canary_could_open_what_it_sealed_and_it_is_about_nobody() -> None:
    hub = await opened()
    submission = compose(hub, BY_NAME["toestemming-ontbreekt"])
    message = parse_message(parse_jws(submission.message, typ=TokenType.MESSAGE).payload)
    named = hub.world.participant(message.recipient.oin).sealing_key
    own = hub.world.organisations[CANARY].sealing
    assert named is not None
    assert message.sealed.kid == named.kid != own.public.kid
    address = SealingAddress(
        hub=HUB, sender=CANARY, message_id=message.id, recipient=message.recipient.oin, kid=own.public.kid
    )
    theirs = hub.world.organisations[message.recipient.oin].sealing
    with pytest.raises(SignatureError):
        open_key(submission.key, private=theirs, address=replace(address, kid=theirs.public.kid))
    key = open_key(submission.key, private=own, address=address)
    values = {
        parse_disclosure(open_element(key, index=number, digest=digest, sealed=submission.elements[number])).value
        for number, digest in enumerate(sealed_digests(message))
    }
    assert values == {VALUE}
    (tag,) = (parse_disclosure(text).value for text in submission.tags)
    assert str(tag).startswith("0.")


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_canary_or_a_suspended_participant_is_never_named_as_recipient(kind: CanaryKind) -> None:
    world = World()
    other = world.admit(OIN("00000099000000009001"), kind.recipient, canary=True)
    at = world.clock.now()
    able = {each.oin for each in world.directory if kind.can_be_for(each, at=at)}
    assert other.oin not in able
    assert able <= {GEMEENTE, RAAD}
    assert able


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [(CANARY, RAAD, "sender.canary"), (GEMEENTE, CANARY, "sender.recipient.canary")],
    ids=["from it", "to it"],
)
def test_the_ordinary_way_sends_nothing_of_a_canary_and_nothing_to_it(sender: OIN, recipient: OIN, code: str) -> None:
    """A message that the law lets it send would stop the hub; what is sent to it would go to nobody."""
    world = World()
    world.admit(CANARY, Role.GEMEENTE, canary=True)
    envelope = Envelope(
        sender=world.participant(sender),
        capacity=None,
        recipient=world.participant(recipient),
        recipient_capacity=None,
        hub=HUB,
        responsible=RESPONSIBLE,
    )
    with pytest.raises(DocumentError) as refused:
        compose_document(
            request_document(),
            envelope=envelope,
            policy=world.policy,
            keys=SenderKeys(signing=world.organisations[sender].signing, chain=world.chain),
            at=world.clock.now(),
            randomness=world.randomness,
        )
    assert refused.value.code == code
