"""Consents at the hub: what is taken in, what a decision finds, and who is told of a withdrawal."""

from dataclasses import replace
from datetime import date

import pytest

from audit.entries import parse_entry
from audit.records import parse_shown, token_digest
from hub.exchange.consents import state_consent
from hub.exchange.searching import search
from hub.persons import PersonRecord
from schemas.codes import Capacity, Category, EntryKind, Role
from schemas.consents import ConsentRecipient
from schemas.errors import DocumentError, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import OIN
from tests.support.exchange_hub import GEMEENTE, GI, RAAD, MemoryHub
from tests.support.law_records import PARENT_NO, PARENT_YES, SELF_NO, SELF_YES
from tests.support.parties import message_id
from tests.support.statements import (
    PARENT_BSN,
    casusinformatie,
    consents,
    of_child,
    of_parent,
    sign_consent,
    tag_of,
    withdrawal,
)

TOEZICHT = OIN("00000099000000005000")


async def opened() -> MemoryHub:
    """A hub where the child's parents and the parent allowed everything."""
    hub = await MemoryHub.opened()
    await consents(hub, of_child(hub.world), of_parent(hub.world))
    return hub


async def test_a_consent_is_an_entry_of_its_recorder_in_the_chain_of_the_person() -> None:
    hub = await MemoryHub.opened()
    record = of_child(hub.world)
    taken = await consents(hub, record)
    entry = parse_entry(taken.entry.encode())
    assert (entry.kind, entry.id, entry.sender) == (EntryKind.CONSENT, record.id.value, GEMEENTE)
    assert entry.request == token_digest(sign_consent(hub.world, record))
    (kept,) = hub.members[-1].kept
    assert (kept.tag, kept.responsible) == (record.tag, f"participant:{GEMEENTE.value}")
    assert hub.members[-1].touches == {record.tag.value}


async def test_the_same_consent_gets_the_same_answer_and_another_with_its_id_none() -> None:
    hub = await MemoryHub.opened()
    record = of_child(hub.world)
    first, again = await consents(hub, record), await consents(hub, record)
    assert (again.index, again.entry) == (first.index, first.entry)
    with pytest.raises(ReplayError) as refused:
        await consents(hub, replace(record, holders=3))
    assert refused.value.code == "sender.jti.used"
    assert len(hub.entries_of(EntryKind.CONSENT)) == 1


async def test_the_same_consent_gets_the_same_answer_after_its_recorder_changed_its_key() -> None:
    hub = await MemoryHub.opened()
    token = sign_consent(hub.world, of_child(hub.world))
    first = await state_consent(token, arrival=hub.arrival, services=hub.services)
    await hub.rotate(GEMEENTE, revoke=True)
    again = await state_consent(token, arrival=hub.arrival, services=hub.services)
    assert (again.index, again.entry) == (first.index, first.entry)
    new = sign_consent(hub.world, of_parent(hub.world))
    await hub.rotate(GEMEENTE, revoke=True)
    with pytest.raises(RejectedMessageError) as refused:
        await state_consent(new, arrival=hub.arrival, services=hub.services)
    assert refused.value.code == "sender.key.unknown"


async def test_two_consents_at_once_with_one_id_have_one_winner() -> None:
    hub = await MemoryHub.opened()
    record = of_child(hub.world)
    hub.meanwhile = lambda: consents(hub, replace(record, holders=3))
    with pytest.raises(ReplayError):
        await consents(hub, record)


async def test_what_does_not_fit_what_is_known_is_refused_in_two_languages() -> None:
    hub = await opened()
    wider = of_child(hub.world, id=message_id(9), replaces=message_id(1), valid_until=date(2028, 9, 30))
    with pytest.raises(DocumentError) as refused:
        await consents(hub, wider)
    (issue,) = refused.value.issues
    assert (issue.pointer, issue.code) == ("/until", "sender.consent.more")
    assert issue.text_nl


async def test_a_withdrawal_that_came_first_is_found_by_the_one_that_comes_second() -> None:
    """Both compare with what is known; the log tells the second that it knew too little."""
    hub = await opened()
    record = of_child(hub.world)
    hub.meanwhile = lambda: consents(hub, withdrawal(record, 8))
    with pytest.raises(DocumentError) as refused:
        await consents(hub, withdrawal(record, 9))
    assert [issue.code for issue in refused.value.issues] == ["sender.consent.replaces"]


async def test_who_may_not_hold_the_chain_key_states_and_searches_nothing() -> None:
    hub = await MemoryHub.opened()
    hub.world.admit(TOEZICHT, Role.TOEZICHTHOUDER)
    await hub.follow()
    with pytest.raises(RejectedMessageError) as refused:
        await consents(hub, of_child(hub.world, issuer=TOEZICHT))
    assert refused.value.code == "sender.persons.role"
    with pytest.raises(RejectedMessageError) as refused:
        await _search(hub, by=TOEZICHT)
    assert refused.value.code == "sender.persons.role"
    assert hub.entries_of(EntryKind.ACCESS) == []


async def test_a_participant_that_states_all_day_is_told_to_come_back() -> None:
    hub = await MemoryHub.opened()
    hub.permits = False
    with pytest.raises(UnavailableError) as refused:
        await consents(hub, of_child(hub.world))
    assert refused.value.code == "hub.persons.too-often"
    with pytest.raises(UnavailableError):
        await _search(hub, by=GEMEENTE)
    assert hub.entries_of(EntryKind.CONSENT) + hub.entries_of(EntryKind.ACCESS) == []


async def _search(hub: MemoryHub, *, by: OIN, after: int = -1) -> tuple[PersonRecord, ...]:
    found = await search(
        [tag_of(hub.world), tag_of(hub.world, PARENT_BSN)],
        kind=EntryKind.CONSENT,
        after=after,
        searcher=hub.world.participant(by),
        arrival=hub.arrival,
        services=hub.services,
    )
    return found.records


async def test_every_search_is_an_entry_in_the_chain_of_each_person_before_it_is_answered() -> None:
    hub = await opened()
    records = await _search(hub, by=GI)
    assert [record.id for record in records] == [message_id(1), message_id(2)]
    (access,) = hub.entries_of(EntryKind.ACCESS)
    assert (access.sender, len(access.kept)) == (GI, 2)
    assert await _search(hub, by=GI, after=records[0].index) == records[1:]
    assert len(hub.entries_of(EntryKind.ACCESS)) == 2


async def test_who_is_suspended_a_moment_ago_finds_nothing() -> None:
    hub = await opened()
    hub.meanwhile = lambda: hub.suspend(GI)
    with pytest.raises(RejectedMessageError) as refused:
        await _search(hub, by=GI)
    assert refused.value.code == "sender.participant.unknown"
    assert hub.entries_of(EntryKind.ACCESS) == []


async def test_what_consent_allows_is_accepted_and_released_and_names_what_it_rests_on() -> None:
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    assert parse_shown(accepted.shown.text).withheld == ()
    (released,) = (await hub.release(GI, accepted.id)).releases
    assert released.elements
    assert hub.members[-1].kept[0].relied_on == (message_id(1).value, message_id(2).value)


async def test_without_consent_nothing_is_accepted() -> None:
    hub = await MemoryHub.opened()
    composed = casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world))
    with pytest.raises(DocumentError) as refused:
        await hub.submit(composed)
    assert {issue.code for issue in refused.value.issues} == {"sender.decision.consent-missing"}


async def test_a_withdrawal_between_acceptance_and_pick_up_withholds_and_says_why() -> None:
    """The parent's own consent stays: what is about the parent alone still goes."""
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await consents(hub, withdrawal(of_child(hub.world), 7))
    (released,) = (await hub.release(GI, accepted.id)).releases
    shown = parse_shown(released.shown.text)
    assert {label.split("/")[0] for label in shown.permitted} == {"gezagsdrager"}
    assert {each.reasons for each in shown.withheld} == {("consent-withdrawn",)}


async def test_when_everything_was_withdrawn_nothing_is_handed_out() -> None:
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await consents(hub, withdrawal(of_child(hub.world), 7), withdrawal(of_parent(hub.world), 8))
    ((_, error),) = (await hub.release(GI, accepted.id)).refused
    assert error.code == "recipient.decision.denied"
    assert [issue.code for issue in error.issues] == ["recipient.decision.consent-withdrawn"]
    assert error.issues[0].text_nl
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_withdrawal_while_a_release_is_decided_wins_and_the_log_shows_it() -> None:
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    hub.meanwhile = lambda: consents(hub, withdrawal(of_child(hub.world), 7), withdrawal(of_parent(hub.world), 8))
    ((_, error),) = (await hub.release(GI, accepted.id)).refused
    assert error.code == "recipient.decision.denied"
    assert hub.entries_of(EntryKind.DISCLOSURE) == []


async def test_a_withdrawal_while_a_message_is_accepted_refuses_it() -> None:
    hub = await opened()
    hub.meanwhile = lambda: consents(hub, withdrawal(of_child(hub.world), 7), withdrawal(of_parent(hub.world), 8))
    with pytest.raises(DocumentError):
        await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))


async def test_a_withdrawal_wakes_whoever_waits_at_the_hub_and_has_what_rested_on_it() -> None:
    """A connector that holds a long poll hears of it now, not at the end of its wait."""
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await hub.release(GI, accepted.id)
    hub.woken.clear()
    await consents(hub, of_child(hub.world, id=message_id(5), replaces=message_id(1)))
    assert hub.woken == []
    await consents(hub, withdrawal(of_child(hub.world, id=message_id(5)), 7))
    assert hub.woken == [GI]


async def test_whoever_has_what_rested_on_a_withdrawn_consent_is_told_once() -> None:
    """Also when another record of the same consent was relied on."""
    hub = await opened()
    signed_again = of_child(hub.world, id=message_id(5), replaces=message_id(1))
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await hub.release(GI, accepted.id)
    await hub.give_receipt(accepted.id, by=GI)
    taken = await consents(hub, signed_again, withdrawal(signed_again, 7))
    (notice,) = await hub.persons.notices(GI, after=-1, limit=10)
    assert (notice.kind, notice.message_id, notice.record_id, notice.index) == (
        "consent-withdrawn",
        accepted.id,
        message_id(7),
        taken.index,
    )
    assert hub.noticed == [(GI, notice.number)]
    await consents(hub, withdrawal(signed_again, 7))
    assert len(await hub.persons.notices(GI, after=-1, limit=10)) == 1
    assert await hub.persons.notices(GEMEENTE, after=-1, limit=10) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"replaces": message_id(1), "categories": frozenset({Category.ZORGEN})},
        {"replaces": message_id(1), "givers": (SELF_YES, PARENT_YES, PARENT_NO)},
        {"givers": (SELF_NO,)},
    ],
    ids=["less than before", "a yes that becomes a no", "a refusal of its own"],
)
async def test_of_less_than_before_and_of_a_refusal_recipients_are_told_too(change: dict[str, object]) -> None:
    hub = await opened()
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await hub.release(GI, accepted.id)
    await consents(hub, of_child(hub.world, id=message_id(7), **change))
    (notice,) = await hub.persons.notices(GI, after=-1, limit=10)
    assert (notice.kind, notice.message_id, notice.record_id) == ("consent-withdrawn", accepted.id, message_id(7))
    assert hub.noticed == [(GI, notice.number)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": RAAD}, "consent-not-of-sender"),
        (
            {"recipients": frozenset({ConsentRecipient(role=Role.GI, capacity=Capacity.OTS)})},
            "consent-not-for-recipient",
        ),
        ({"valid_until": date(2026, 11, 22)}, "consent-expired"),
    ],
)
async def test_a_consent_that_does_not_count_is_found_and_named(changes: dict[str, object], reason: str) -> None:
    """The sender believed otherwise; the hub decides by what is stated."""
    hub = await MemoryHub.opened()
    await consents(hub, of_child(hub.world, **changes), of_parent(hub.world))
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    withheld = parse_shown(accepted.shown.text).withheld
    assert {each.reasons for each in withheld} == {(reason,)}
    assert not any(each.label.startswith("gezagsdrager/") for each in withheld)


async def test_a_plain_request_asks_nothing_of_persons() -> None:
    hub = await opened()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    object.__setattr__(hub, "services", replace(hub.services, persons=_Nobody(fail)))  # type: ignore[arg-type]
    accepted = await hub.submit(hub.compose())
    assert (await hub.release(RAAD, accepted.id)).releases


class _Nobody:
    """A port that nobody may ask."""

    def __init__(self, fail: object) -> None:
        self.of = self.emergencies = self.ever_released = self.record = fail


async def test_the_accounting_of_a_person_goes_on_over_statements_searches_and_disclosures() -> None:
    hub = await opened()
    await _search(hub, by=GI)
    accepted = await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))
    await hub.release(GI, accepted.id)
    assert hub._heads[tag_of(hub.world).value].nth == 4
