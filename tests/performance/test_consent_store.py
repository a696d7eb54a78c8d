"""The store of the bench holds what a hub could hold: its own reading, its own checks and its own rules take it."""

from pathlib import Path

import psycopg
import pytest

from audit.entries import parse_entry
from audit.note import NoteSigner
from audit.records import token_digest, verify_commitment
from consent.consents import Addressee, check_record, consent_facts
from hub.exchange.known import consents_of, links_of, read_consent, read_link
from hub.persons import Person
from hub.storage.postgresql.database import open_database
from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import Capacity, EntryKind, Role
from schemas.identifiers import SubjectTag
from tests.performance.append_row import new_member
from tests.performance.consent_store import (
    CONSENTS_IN_UNIT,
    HISTORIES,
    HOUSEHOLD,
    What,
    fill_consents,
    history,
    parties,
    tag,
)

pytestmark = pytest.mark.database

ORIGIN = "hub.ketenhub.test/log/1"
SIGNER = NoteSigner.from_seed(name=ORIGIN, seed=bytes(32))
UNITS = 6
"""More than one full tile, and an edge."""


@pytest.fixture
def filled_url(database_url: str) -> str:
    filled = fill_consents(database_url, origin=ORIGIN, consents=UNITS * CONSENTS_IN_UNIT, say=lambda _: None)
    assert filled.consents == UNITS * CONSENTS_IN_UNIT
    return database_url


def test_every_row_is_what_the_hub_writes(filled_url: str) -> None:
    """Entries, commitments, digests, heads and touches fit together."""
    with psycopg.connect(filled_url) as connection:
        rows = connection.execute(
            "SELECT e.index, e.entry, e.sender, e.time, r.id::text, r.kind, r.tag, r.token"
            " FROM log_entries e JOIN person_records r ON r.index = e.index ORDER BY e.index"
        ).fetchall()
        kept = connection.execute(
            "SELECT index, place, tag, salt, text FROM kept_records ORDER BY index, place"
        ).fetchall()
        heads = {str(key): int(index) for key, index in connection.execute("SELECT tag, index FROM subject_heads")}
        touches = {str(key): int(index) for key, index in connection.execute("SELECT key, index FROM log_touches")}
    assert [row[0] for row in rows] == list(range(len(rows)))
    entries = [parse_entry(entry.encode()) for _, entry, *_ in rows]
    for entry, (_, _, sender, time, record_id, kind, its_tag, token) in zip(entries, rows, strict=True):
        record = read_link(token) if kind == "LINK" else read_consent(token)
        assert (entry.kind, entry.id, entry.time) == (EntryKind(kind), record_id, time)
        assert entry.request == token_digest(token)
        assert record.id.value == record_id
        assert record.issuer == entry.sender
        assert record.issuer.value == sender
        assert record.issued_at == time // 1000
        assert its_tag == (read_link(token).other if kind == "LINK" else read_consent(token).tag).value
    newest: dict[str, int] = {}
    for index, place, its_tag, salt, text in kept:
        verify_commitment(commitment=entries[index].kept[place], salt=salt, record=text)
        newest[its_tag] = index
    assert heads == newest
    assert touches.keys() == heads.keys()
    assert all(touches[each] >= heads[each] for each in heads)


async def test_the_hub_opens_it_reads_it_and_goes_on_with_its_log(filled_url: str, tmp_path: Path) -> None:
    """Opening holds the tree against its tiles; what is appended stands behind what was loaded."""
    async with open_database(filled_url, signer=SIGNER, guard_folder=tmp_path, clock=SystemClock()) as database:
        appended = await database.log.append(new_member())
        assert appended.index == await database.log.size() - 1 > 256
        person = next(number for number in range(40) if history(number) == HISTORIES["linked"])
        known = SubjectTag(tag(person))
        found = (await database.persons.of([known]))[known]
        assert found.tags == {known, SubjectTag(tag(person, drawn=True))}
        assert [each.kind for each in found.records] == [EntryKind.CONSENT, EntryKind.LINK, EntryKind.CONSENT]
        for record in found.records:
            await database.log.proof(record.index, entry=record.entry)


async def test_what_is_stated_about_a_person_is_what_the_hub_would_have_taken(filled_url: str, tmp_path: Path) -> None:
    """Each consent fits those before it, and the facts are those of the history."""
    async with open_database(filled_url, signer=SIGNER, guard_folder=tmp_path, clock=SystemClock()) as database:
        for number in range(40):
            its_tag = SubjectTag(tag(number))
            found = (await database.persons.of([its_tag]))[its_tag]
            _check_history(number, found)


def _check_history(number: int, found: Person) -> None:
    records = consents_of(found)
    steps = [step for step in history(number) if step.what is not What.LINK]
    assert len(records) == len(steps)
    assert len(links_of([found])) == len(history(number)) - len(steps)
    for place, record in enumerate(records):
        assert check_record(record, known=records[:place]) == ()
        assert record.age is HOUSEHOLD[number % len(HOUSEHOLD)]
    sender, recipient = parties(number)
    facts = consent_facts(
        records, sender=sender, recipient=Addressee(oin=recipient, role=Role.GI, capacity=Capacity.PREVENTIEF)
    )
    today = civil_day_of_second(int(SystemClock().now().timestamp()))  # not that of UTC
    assert all(fact.for_recipient and fact.valid_from <= today <= fact.valid_until for fact in facts)
    assert any(fact.by_sender for fact in facts)
    assert all(fact.withdrawn is (history(number) == HISTORIES["withdrawn"]) for fact in facts)
