"""What a connector believes of the records about people that a hub finds for it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from connectors.sdk.answers import FoundRecord, FoundRecords
from connectors.sdk.records import (
    Pseudonyms,
    RecordView,
    newest_participant_of,
    open_consents,
    open_measures,
    prove_recorded,
)
from schemas.codes import EntryKind, TokenType
from schemas.consents import consent_to_payload
from schemas.errors import EvidenceError, UnavailableError
from schemas.identifiers import OIN, SubjectTag
from schemas.jws import sign_jws
from schemas.links import link_to_payload
from schemas.measures import measure_to_payload
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.law_records import CHILD_TAG, RANDOM_TAG, consent_record, link, measure_statement
from tests.support.memory_hub import MemoryHub
from tests.support.parties import message_id

STRANGER = SubjectTag("0.ICEiIyQlJicoKSorLC0uLw")
NEWEST = SubjectTag("1.ICEiIyQlJicoKSorLC0uLw")
CHILD = (Pseudonyms(newest=CHILD_TAG),)
OF_TWO_EPOCHS = (Pseudonyms(newest=NEWEST, former=(CHILD_TAG,), of_number=True),)


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


def _sign(hub: MemoryHub, payload: bytes, typ: TokenType, issuer: OIN) -> str:
    return sign_jws(payload, typ=typ, key=hub.world.organisations[issuer].signing)


async def _consent(hub: MemoryHub, number: int = 1, *, signed_by: OIN = GEMEENTE, **change: Any) -> str:
    token = _sign(hub, consent_to_payload(consent_record(number, **change)), TokenType.CONSENT, signed_by)
    await hub.called_by(signed_by).record_consent(token)
    return token


async def _link(hub: MemoryHub, **change: Any) -> None:
    token = _sign(hub, link_to_payload(link(id=message_id(9), **change)), TokenType.LINK, GEMEENTE)
    await hub.called_by(GEMEENTE).record_link(token)


def _view(hub: MemoryHub) -> RecordView:
    return RecordView(hub=HUB, log=hub.world.log_key, directory=hub.world.directory)


async def _found(hub: MemoryHub, *tags: SubjectTag) -> FoundRecords:
    return await hub.called_by(GI).consents(tags or (CHILD_TAG,))


async def test_what_is_proven_and_signed_counts_for_the_person_who_was_asked_about(hub: MemoryHub) -> None:
    await _consent(hub, 1)
    await _consent(hub, 2, tag=STRANGER)
    held = open_consents(
        await _found(hub, CHILD_TAG, STRANGER), asked=(*CHILD, Pseudonyms(newest=STRANGER)), view=_view(hub)
    )
    assert held.about == {CHILD_TAG: (consent_record(1),), STRANGER: (consent_record(2, tag=STRANGER),)}
    assert [checkpoint.size for checkpoint in held.checkpoints] == [len(hub.world.log.texts)]


async def test_a_measure_counts_in_the_same_way(hub: MemoryHub) -> None:
    token = _sign(hub, measure_to_payload(measure_statement()), TokenType.MEASURE, RAAD)
    await hub.called_by(RAAD).record_measure(token)
    found = await hub.called_by(GI).measures((CHILD_TAG,))
    assert open_measures(found, asked=CHILD, view=_view(hub)).about == {CHILD_TAG: (measure_statement(),)}


async def test_what_stands_under_a_linked_pseudonym_is_about_the_same_person(hub: MemoryHub) -> None:
    await _consent(hub, tag=RANDOM_TAG)
    await _link(hub)
    held = open_consents(await _found(hub), asked=CHILD, view=_view(hub))
    assert [each.tag for each in held.about[CHILD_TAG]] == [RANDOM_TAG]


async def test_without_the_link_it_is_about_somebody_else(hub: MemoryHub) -> None:
    await _consent(hub, tag=RANDOM_TAG)
    await _link(hub)
    found = msgspec.structs.replace(await _found(hub), links=())
    with pytest.raises(EvidenceError) as caught:
        open_consents(found, asked=CHILD, view=_view(hub))
    assert caught.value.code == "hub.record.other"


async def test_what_stands_under_a_former_pseudonym_counts_linked_or_not(hub: MemoryHub) -> None:
    """Whoever holds both keys and knows the number needs nobody's word that they are of one person."""
    await _consent(hub, 1)
    await _consent(hub, 2, tag=NEWEST)
    held = open_consents(await _found(hub, NEWEST, CHILD_TAG), asked=OF_TWO_EPOCHS, view=_view(hub))
    assert [each.tag for each in held.about[NEWEST]] == [CHILD_TAG, NEWEST]
    assert held.apart == {NEWEST: (CHILD_TAG,)}
    await _link(hub, random=None, former=CHILD_TAG, known=NEWEST)
    held = open_consents(await _found(hub, NEWEST, CHILD_TAG), asked=OF_TWO_EPOCHS, view=_view(hub))
    assert held.apart == {NEWEST: ()}


async def test_a_former_pseudonym_without_a_record_is_joined_with_nothing(hub: MemoryHub) -> None:
    await _consent(hub, tag=NEWEST)
    held = open_consents(await _found(hub, NEWEST, CHILD_TAG), asked=OF_TWO_EPOCHS, view=_view(hub))
    assert held.apart == {NEWEST: ()}


@pytest.mark.parametrize("named", [{"random": None, "former": STRANGER}, {"random": RANDOM_TAG, "known": STRANGER}])
async def test_a_link_with_what_the_number_does_not_make_is_no_evidence(hub: MemoryHub, named: dict[str, Any]) -> None:
    await _consent(hub, tag=NEWEST)
    other = {"known": NEWEST, **named}
    await _link(hub, **other)
    if other["known"] != NEWEST:
        token = link_to_payload(link(id=message_id(8), random=RANDOM_TAG, known=NEWEST))
        await hub.called_by(GEMEENTE).record_link(_sign(hub, token, TokenType.LINK, GEMEENTE))
    with pytest.raises(EvidenceError) as caught:
        open_consents(await _found(hub, NEWEST, CHILD_TAG), asked=OF_TWO_EPOCHS, view=_view(hub))
    assert caught.value.code == "hub.link.other"


async def test_a_record_signed_by_another_than_its_issuer_is_no_evidence(hub: MemoryHub) -> None:
    await _consent(hub, signed_by=GI)
    with pytest.raises(EvidenceError) as caught:
        open_consents(await _found(hub), asked=CHILD, view=_view(hub))
    assert caught.value.code == "hub.record.key"


async def test_a_record_of_somebody_who_takes_no_part_is_no_evidence(hub: MemoryHub) -> None:
    await _consent(hub, issuer=OIN("00000099000000009000"))
    with pytest.raises(EvidenceError) as caught:
        open_consents(await _found(hub), asked=CHILD, view=_view(hub))
    assert caught.value.code == "hub.record.key"


async def test_a_record_keeps_counting_after_its_issuer_changed_its_key(hub: MemoryHub) -> None:
    await _consent(hub)
    hub.world.rotate(GEMEENTE)
    assert open_consents(await _found(hub), asked=CHILD, view=_view(hub)).about[CHILD_TAG]


def _altered(change: Callable[[FoundRecord], FoundRecord]) -> Callable[[FoundRecords], FoundRecords]:
    return lambda found: msgspec.structs.replace(found, records=tuple(map(change, found.records)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda each: msgspec.structs.replace(each, index=each.index - 1), "hub.record.entry"),
        (lambda each: msgspec.structs.replace(each, id="01940000-0000-7000-8000-000000000009"), "hub.record.entry"),
        (lambda each: msgspec.structs.replace(each, entry="{}"), "hub.proof.inclusion"),
        (lambda each: msgspec.structs.replace(each, record=each.record + "x"), "hub.record.entry"),
    ],
)
async def test_what_the_hub_alters_is_no_evidence(
    hub: MemoryHub, change: Callable[[FoundRecord], FoundRecord], code: str
) -> None:
    await _consent(hub)
    hub.alter_found = _altered(change)
    with pytest.raises(EvidenceError) as caught:
        open_consents(await _found(hub), asked=CHILD, view=_view(hub))
    assert caught.value.code == code


async def test_the_same_record_twice_is_no_evidence(hub: MemoryHub) -> None:
    await _consent(hub)
    found = await _found(hub)
    found = msgspec.structs.replace(found, records=found.records * 2)
    with pytest.raises(EvidenceError, match="somebody else"):
        open_consents(found, asked=CHILD, view=_view(hub))


async def test_a_consent_is_no_measure(hub: MemoryHub) -> None:
    await _consent(hub)
    with pytest.raises(EvidenceError) as caught:
        open_measures(await _found(hub), asked=CHILD, view=_view(hub))
    assert caught.value.code == "hub.record.entry"


async def test_no_more_is_read_at_once_than_a_connector_reads(hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records and links together: a hub that finds without end keeps nobody busy."""
    await _consent(hub, tag=RANDOM_TAG)
    await _link(hub)
    monkeypatch.setattr("connectors.sdk.records.RECORDS_MAX", 2)
    assert len(open_consents(await _found(hub), asked=CHILD, view=_view(hub)).about[CHILD_TAG]) == 1
    monkeypatch.setattr("connectors.sdk.records.RECORDS_MAX", 1)
    with pytest.raises(UnavailableError) as caught:
        open_consents(await _found(hub), asked=CHILD, view=_view(hub))
    assert caught.value.code == "hub.record.many"


async def test_a_record_for_another_hub_is_no_evidence(hub: MemoryHub) -> None:
    await _consent(hub)
    view = replace(_view(hub), hub=type(HUB)("hub.elders.test"))
    with pytest.raises(EvidenceError) as caught:
        open_consents(await _found(hub), asked=CHILD, view=view)
    assert caught.value.code == "hub.record.entry"


async def test_the_directory_must_know_what_the_entries_name(hub: MemoryHub) -> None:
    await _consent(hub)
    assert newest_participant_of(await _found(hub)) == hub.world.directory.newest
    assert newest_participant_of(await _found(hub, STRANGER)) is None


async def test_what_was_posted_is_recorded_only_where_the_entry_is_about_it(hub: MemoryHub) -> None:
    token = _sign(hub, consent_to_payload(consent_record()), TokenType.CONSENT, GEMEENTE)
    said = await hub.called_by(GEMEENTE).record_consent(token)
    proof: dict[str, Any] = {
        "entry": said.entry,
        "tlog_proof": said.tlog_proof,
        "index": said.index,
        "log": hub.world.log_key,
    }
    assert prove_recorded(token, kind=EntryKind.CONSENT, **proof).index == said.index
    for other, kind in ((token + "x", EntryKind.CONSENT), (token, EntryKind.MEASURE)):
        with pytest.raises(EvidenceError):
            prove_recorded(other, kind=kind, **proof)
