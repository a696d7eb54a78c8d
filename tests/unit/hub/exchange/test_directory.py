"""Who takes part, which chain key makes pseudonyms, by what is decided: each an entry of the log, each once."""

from dataclasses import replace

import pytest

from audit.records import token_digest
from consent.grounds import packaged_catalogue
from hub.exchange.directory import (
    HANDOVERS_MAX,
    STATEMENTS_PER_DAY_MAX,
    Joined,
    hand_over,
    join,
    open_epoch,
    publish_definitions,
)
from hub.exchange.services import policy_in_force
from hub.ports import MemberLostError
from schemas.codes import EntryKind, Role, TokenType
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    RejectedMessageError,
    ReplayError,
    SignatureError,
    UnavailableError,
)
from schemas.identifiers import OIN, MessageId
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.pseudonyms import ChainKey, handover_to_payload, make_handover
from tests.support.connector_world import World
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub, without
from tests.support.hub_board import force

DASHBOARD = OIN("00000099000000005000")


def _newcomer(hub: MemoryHub, role: Role = Role.DASHBOARD) -> tuple[str, str]:
    """Admission and statement of an organisation that has not joined yet."""
    hub.world.admit(DASHBOARD, role)
    record = hub.world.records[-1]
    assert record.admission is not None
    assert record.statement is not None
    return record.admission, record.statement


async def _join(
    hub: MemoryHub, *, admission: str | None = None, statement: str | None = None, replaced: str | None = None
) -> Joined:
    return await join(
        admission=admission, statement=statement, replaced=replaced, arrival=hub.arrival, services=hub.services
    )


async def test_who_is_admitted_and_states_its_keys_takes_part() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    joined = await _join(hub, admission=admission, statement=statement)
    entry = hub.entries_of(EntryKind.PARTICIPANT)[-1]
    assert (joined.oin, joined.entry.encode()) == (DASHBOARD, entry.text)
    assert (entry.admission, entry.statement) == (token_digest(admission), token_digest(statement))
    participant = hub.services.worlds.current().directory.participant(DASHBOARD)
    assert participant is not None
    assert participant.role is Role.DASHBOARD


async def test_the_same_documents_again_get_the_same_answer() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    first = await _join(hub, admission=admission, statement=statement)
    again = await _join(hub, admission=admission, statement=statement)
    assert (again.index, again.entry) == (first.index, first.entry)


async def test_the_same_documents_at_two_processes_at_once_are_logged_once() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    before = len(hub.entries_of(EntryKind.PARTICIPANT))
    hub.meanwhile = lambda: _join(hub, admission=admission, statement=statement)
    await _join(hub, admission=admission, statement=statement)
    assert len(hub.entries_of(EntryKind.PARTICIPANT)) == before + 1


async def test_a_part_of_the_newest_documents_is_no_repetition_of_them() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    await _join(hub, admission=admission, statement=statement)
    for part in ({"admission": admission}, {"statement": statement}):
        with pytest.raises(DocumentError):
            await _join(hub, **part)


async def test_who_is_changed_by_others_all_the_time_is_put_off() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)

    async def lose() -> None:
        hub.meanwhile = lose
        raise MemberLostError

    hub.meanwhile = lose
    with pytest.raises(UnavailableError) as refused:
        await _join(hub, admission=admission, statement=statement)
    assert refused.value.code == "hub.participant.busy"


async def test_nothing_at_all_is_refused() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(RejectedMessageError) as refused:
        await _join(hub)
    assert refused.value.code == "sender.participant.empty"


async def test_nobody_joins_by_its_own_word_or_anothers_admission() -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    others = hub.world.records[0].admission
    for documents in ({"statement": statement}, {"statement": statement, "admission": others}):
        with pytest.raises(DocumentError):
            await _join(hub, **documents)
    assert admission
    forged = World(seed="a registrar of one's own").records[0]
    with pytest.raises(SignatureError):
        await _join(hub, admission=forged.admission, statement=forged.statement)


async def test_what_is_dated_ahead_is_refused() -> None:
    hub = await MemoryHub.opened()
    hub.world.clock.advance(hours=1)
    admission, statement = _newcomer(hub)
    hub.world.clock.advance(hours=-1)
    for documents in ({"admission": admission}, {"statement": statement}):
        with pytest.raises(RejectedMessageError) as refused:
            await _join(hub, **documents)
        assert refused.value.code == "sender.document.future"


async def test_an_old_admission_does_not_come_back() -> None:
    """Everybody can read it; with it a suspended participant would be in force again."""
    hub = await MemoryHub.opened()
    first = hub.world.records[0].admission
    await hub.suspend(GEMEENTE)
    with pytest.raises(DocumentError) as refused:
        await _join(hub, admission=first)
    assert refused.value.code == "sender.admission.old"


async def test_a_participant_changes_by_its_own_word_only_so_often() -> None:
    """Everybody reads and checks each of its statements, today and in twenty years."""
    hub = await MemoryHub.opened()
    for _ in range(STATEMENTS_PER_DAY_MAX - 1):
        await hub.rotate(GEMEENTE)
    size = await hub.size()
    with pytest.raises(RejectedMessageError) as refused:
        await hub.rotate(GEMEENTE)
    assert refused.value.code == "sender.participant.too-often"
    assert await hub.size() == size
    # The registrar's word always counts, another's does not suffer, and the day after it goes on.
    await hub.admit(GEMEENTE)
    hub.world.clock.advance(hours=24)
    await hub.follow()
    await hub.rotate(RAAD)


async def test_who_is_suspended_does_not_go_on_by_its_own_word() -> None:
    """Whoever took the key has no use of it any more; a new admission begins anew."""
    hub = await MemoryHub.opened()
    await hub.suspend(GEMEENTE)
    with pytest.raises(AuthenticationError) as refused:
        await hub.rotate(GEMEENTE)
    assert refused.value.code == "sender.participant.unknown"
    await hub.admit(GEMEENTE)
    await hub.follow()


async def test_until_documents_follow_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = await MemoryHub.opened()
    forged = World(seed="a registrar of one's own").records[0]
    _, statement = _newcomer(hub)

    async def read(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked for somebody whose signature does not hold")

    monkeypatch.setattr(MemoryHub, "participants", read)
    for documents in ({"admission": forged.admission, "statement": forged.statement}, {"statement": statement}):
        with pytest.raises(RejectedMessageError):
            await _join(hub, **documents)


# ---- chain-key epochs ----


def _epoch(hub: MemoryHub, number: int, *, key: SigningKey | None = None) -> str:
    claims = ChainEpoch(
        id=hub.new_id(), issued_at=hub.arrival.seconds, epoch=number, fingerprint=hub.world.chain.fingerprint
    )
    return sign_jws(chain_epoch_to_payload(claims), typ=TokenType.CHAIN_EPOCH, key=key or hub.world.registrar)


async def test_the_registrar_opens_an_epoch_once() -> None:
    hub = await MemoryHub.opened()
    signed = _epoch(hub, 1)
    first = await open_epoch(signed, services=hub.services)
    again = await open_epoch(signed, services=hub.services)
    assert (again.index, again.entry) == (first.index, first.entry)
    (entry,) = hub.entries_of(EntryKind.CHAIN)
    assert (entry.epoch, entry.fingerprint) == (1, hub.world.chain.fingerprint)


async def test_an_epoch_that_is_open_does_not_get_another_key() -> None:
    hub = await MemoryHub.opened()
    await open_epoch(_epoch(hub, 1), services=hub.services)
    with pytest.raises(ReplayError):
        await open_epoch(_epoch(hub, 1), services=hub.services)


async def test_nobody_but_the_registrar_opens_an_epoch() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(SignatureError):
        await open_epoch(_epoch(hub, 1, key=hub.world.organisations[RAAD].signing), services=hub.services)


# ---- chain keys ----


def _handover(
    hub: MemoryHub,
    *,
    giver: OIN = RAAD,
    receiver: OIN = GEMEENTE,
    message_id: MessageId | None = None,
    key: SigningKey | None = None,
) -> str:
    chain: ChainKey = hub.world.chain
    handover = make_handover(
        chain,
        parties=(giver, receiver),
        receiver_key=hub.world.organisations[GEMEENTE].sealing.public,
        message_id=message_id or hub.new_id(),
        issued_at=hub.arrival.seconds,
    )
    signing = key or hub.world.organisations[giver].signing
    return sign_jws(handover_to_payload(handover), typ=TokenType.CHAIN_KEY, key=signing)


async def _with_epoch() -> MemoryHub:
    hub = await MemoryHub.opened()
    await open_epoch(_epoch(hub, 1), services=hub.services)
    return hub


async def _hand_over(hub: MemoryHub, token: str) -> MessageId:
    return await hand_over(token, arrival=hub.arrival, services=hub.services)


async def test_a_chain_key_waits_for_its_receiver() -> None:
    hub = await _with_epoch()
    token = _handover(hub)
    handed = await _hand_over(hub, token)
    assert await _hand_over(hub, token) == handed
    (waiting,) = await hub.handovers(GEMEENTE)
    assert (waiting.id, waiting.giver, waiting.epoch, waiting.handover) == (handed, RAAD, 1, token)


async def test_an_identifier_that_was_used_does_not_stand_for_another_handover() -> None:
    """Whoever gave would believe that the key waits, and it does not."""
    hub = await _with_epoch()
    message_id = await _hand_over(hub, _handover(hub))
    for giver in (RAAD, GI):
        with pytest.raises(ReplayError):
            await _hand_over(hub, _handover(hub, giver=giver, message_id=message_id))


@pytest.mark.parametrize(("giver", "receiver"), [(RAAD, DASHBOARD), (DASHBOARD, RAAD)])
async def test_a_chain_key_goes_from_and_to_those_who_may_hold_it(giver: OIN, receiver: OIN) -> None:
    hub = await MemoryHub.opened()
    admission, statement = _newcomer(hub)
    await _join(hub, admission=admission, statement=statement)
    with pytest.raises(RejectedMessageError) as refused:
        await _hand_over(hub, _handover(hub, giver=giver, receiver=receiver))
    assert refused.value.code == "sender.chain-key.role"


async def test_a_chain_key_goes_to_nobody_who_is_unknown_or_suspended() -> None:
    hub = await MemoryHub.opened()
    await hub.suspend(GEMEENTE)
    for receiver in (GEMEENTE, DASHBOARD):
        with pytest.raises(RejectedMessageError) as refused:
            await _hand_over(hub, _handover(hub, receiver=receiver))
        assert refused.value.code == "sender.recipient.unknown"


async def test_a_chain_key_is_given_in_ones_own_name() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(AuthenticationError):
        await _hand_over(hub, _handover(hub, key=hub.world.organisations[GI].signing))


async def test_a_chain_key_is_handed_over_only_for_an_epoch_that_is_open() -> None:
    """Its receiver could not take it, and the number of epochs bounds what waits."""
    hub = await MemoryHub.opened()
    with pytest.raises(RejectedMessageError) as refused:
        await _hand_over(hub, _handover(hub))
    assert refused.value.code == "sender.chain-key.epoch"


async def test_one_giver_hands_one_key_to_one_receiver_only_so_often() -> None:
    hub = await _with_epoch()
    tokens = [_handover(hub) for _ in range(HANDOVERS_MAX + 1)]
    for token in tokens[:-1]:
        await _hand_over(hub, token)
    with pytest.raises(RejectedMessageError) as refused:
        await _hand_over(hub, tokens[-1])
    assert refused.value.code == "sender.chain-key.too-often"
    await _hand_over(hub, tokens[0])
    await _hand_over(hub, _handover(hub, giver=GI))
    assert len(await hub.handovers(GEMEENTE)) == HANDOVERS_MAX + 1


# ---- catalogue and definitions ----


async def test_the_definitions_of_the_software_are_logged_once_and_anew_when_they_change() -> None:
    hub = await MemoryHub.opened(catalogue=None)
    await publish_definitions(services=hub.services)
    assert [entry.id for entry in hub.entries_of(EntryKind.CATALOGUE)] == ["definitions"]
    await hub.upgrade(replace(hub.services.definitions, digest="c" * 42 + "A", version="2"))
    await publish_definitions(services=hub.services)
    newest = hub.entries_of(EntryKind.CATALOGUE)[-1]
    assert (newest.id, newest.catalogue, newest.version) == ("definitions", "c" * 42 + "A", "2")


async def test_a_process_decides_by_what_another_brought_into_force_without_being_started_anew() -> None:
    hub = await MemoryHub.opened()
    waiting, composed = await hub.submit(hub.compose()), hub.compose()

    async def another_version() -> None:
        with hub.another_process():
            await hub.decide_by(without("VTO"))

    hub.meanwhile = another_version
    with pytest.raises(DocumentError) as refused:
        await hub.submit(composed)
    assert refused.value.code == "sender.decision.denied"
    released = await hub.release(RAAD, waiting.id)
    assert [error.code for _, error in released.refused] == ["recipient.decision.denied"]
    assert hub.entries_of(EntryKind.DISCLOSURE) == []
    with hub.another_process():
        await hub.decide_by(packaged_catalogue())
    await hub.services.worlds.refresh()
    assert not (await hub.submit(composed)).repeated
    assert len((await hub.release(RAAD, waiting.id)).releases) == 1


async def test_decisions_are_remembered_as_long_as_their_catalogue_is_in_force() -> None:
    hub = await MemoryHub.opened()
    before = policy_in_force(hub.services.worlds.current())
    assert policy_in_force(await hub.services.worlds.refresh()) is before
    await hub.decide_by(without("VTO"))
    after = policy_in_force(hub.services.worlds.current())
    assert (after.catalogue, after.decisions.catalogue) == (without("VTO"), without("VTO"))


async def test_a_process_of_an_older_version_decides_nothing_by_definitions_that_were_replaced() -> None:
    """Another process was upgraded: from its entry on nothing is decided by the definitions before."""
    hub = await MemoryHub.opened()
    waiting, composed, old = await hub.submit(hub.compose()), hub.compose(), hub.services
    await hub.upgrade(replace(old.definitions, digest="c" * 42 + "A", version="2"))
    await publish_definitions(services=hub.services)
    new, hub.services = hub.services, old
    hub.meanwhile = hub.services.worlds.refresh
    for call in (hub.submit(composed), hub.release(RAAD, waiting.id)):
        with pytest.raises(UnavailableError) as refused:
            await call
        assert refused.value.code == "hub.policy.outdated"
    assert hub.entries_of(EntryKind.DISCLOSURE) == []
    hub.services = new
    assert not (await hub.submit(composed)).repeated
    assert len((await hub.release(RAAD, waiting.id)).releases) == 1


async def test_a_catalogue_that_this_version_cannot_read_is_left_to_another_process() -> None:
    hub = await MemoryHub.opened()
    composed = hub.compose()
    later = replace(packaged_catalogue(), digest="c" * 42 + "A", data=b"of_a_later_version = true")
    for _ in range(2):
        await force(later, services=hub.services)
        with pytest.raises(UnavailableError) as refused:
            await hub.submit(composed)
        assert refused.value.code == "hub.policy.outdated"
    await force(packaged_catalogue(), services=hub.services)
    assert not (await hub.submit(composed)).repeated


async def test_without_any_catalogue_nothing_is_accepted_or_released_and_organisations_join() -> None:
    hub = await MemoryHub.opened()
    waiting, composed = await hub.submit(hub.compose()), hub.compose()
    empty = await MemoryHub.opened(catalogue=None, world=hub.world)
    for call in (empty.submit(composed), empty.release(RAAD, waiting.id)):
        with pytest.raises(UnavailableError) as refused:
            await call
        assert refused.value.code == "hub.catalogue.none"
    assert empty.entries_of(EntryKind.REFUSAL) == []
    assert empty.services.worlds.current().directory.participant(GEMEENTE) is not None
