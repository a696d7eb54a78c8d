"""Signing again, under the newest chain key, what we recorded under a former one and what still counts.

    due(journal, CONSENTS, newest=epoch, day=day)    # what is still to be signed again
    async for step in renew(services, CONSENTS, persons=persons): ...

A new epoch begins when a chain key leaked or a holder left. A record stays under the pseudonym that it was signed with;
the new one `replaces` it, says the same and makes the answers no newer. First both pseudonyms are joined
(`connectors.agent.joining`), or found joined: a GI waits until the gemeente, the Raad or Veilig Thuis did so.

Of whom a record is, is not kept here: the organisation names the people of its own files, and what the former keys make
of their numbers is looked for among our records. Whatever stops it, it goes on where it was: what is signed again is no
longer due.

Source: the architecture, section 3.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, Generic, TypeVar

from connectors.agent.joining import JOINING_ROLES, is_live, join
from connectors.agent.journal import Journal
from connectors.agent.lookup import hold_consents, hold_measures
from connectors.agent.persons import Person
from connectors.agent.recording import (
    CONSENT,
    MEASURE,
    Kind,
    Unsigned,
    new_record_id,
    own_payloads,
    post_record,
    record_round,
    seconds,
    sign_records,
    today,
)
from connectors.agent.services import Services
from connectors.sdk.records import Held, Pseudonyms
from schemas.consents import ConsentRecord, ConsentStatus, consent_to_payload, parse_consent
from schemas.errors import RejectedMessageError
from schemas.identifiers import MessageId, SubjectTag
from schemas.measures import MeasureStatement, measure_to_payload, parse_measure

_R = TypeVar("_R", ConsentRecord, MeasureStatement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewable(Generic[_R]):
    """One kind of record that is signed again.

    Attributes:
        kind: Which kind.
        parse: Reads its claims.
        payload: Writes them.
        find: Finds what is recorded of people at the hub.
        stands: Whether a record that none replaces says anything any more.
        again: The same record, to be signed again: id and moment are set by the caller.
    """

    kind: Kind
    parse: Callable[[bytes], _R]
    payload: Callable[[_R], bytes]
    find: Callable[[Services, Sequence[Pseudonyms]], Awaitable[Held[_R]]]
    stands: Callable[[_R], bool]
    again: Callable[[_R], _R]


CONSENTS: Final = Renewable(
    kind=CONSENT,
    parse=parse_consent,
    payload=consent_to_payload,
    find=hold_consents,
    stands=lambda record: record.status is ConsentStatus.GIVEN,
    # What it confirmed may be replaced by now; by what it replaces it stays of that family.
    again=lambda record: replace(record, replaces=record.id, confirms=None),
)
MEASURES: Final = Renewable(
    kind=MEASURE,
    parse=parse_measure,
    payload=measure_to_payload,
    find=hold_measures,
    stands=lambda statement: not statement.annulled,
    # A GI that hands over says so by confirming: the statement is nothing without.
    again=lambda statement: replace(statement, replaces=statement.id),
)


class Outcome(StrEnum):
    """What became of a record that was due."""

    DUE = "due"
    RENEWED = "renewed"
    WAITS = "waits"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record that was due, and what became of it.

    Attributes:
        record: What was recorded under a former key.
        outcome: What became of it.
        renewed: What replaces it; None if nothing does yet.
        code: Why the hub did not take it; empty otherwise.
    """

    record: MessageId
    outcome: Outcome
    renewed: MessageId | None = None
    code: str = ""


def due(journal: Journal, of: Renewable[_R], *, newest: int, day: date) -> tuple[_R, ...]:
    """List what we recorded under a former chain key and what still counts.

    What stands under a pseudonym that was drawn in a case is not: no key makes it, so none makes it anew.

    Args:
        journal: Where our records stand.
        of: Which kind.
        newest: The newest epoch whose key we hold.
        day: Today in the Netherlands.
    """
    own = [of.parse(payload) for payload in own_payloads(journal, of.kind)]
    replaced = {each.replaces for each in own}
    drawn = {row["tag"] for row in journal.rows("SELECT DISTINCT tag FROM tags")}
    return tuple(
        each
        for each in own
        if each.tag.epoch < newest
        and each.tag.value not in drawn
        and each.id not in replaced
        and of.stands(each)
        and is_live(each, day=day)
    )


def renewals_due(journal: Journal, *, newest: int, day: date) -> int:
    """Count what is to be signed again: see `due`."""
    return len(due(journal, CONSENTS, newest=newest, day=day)) + len(due(journal, MEASURES, newest=newest, day=day))


def persons_of(services: Services, persons: Iterable[Person]) -> Mapping[SubjectTag, Pseudonyms]:
    """Return who is known by each former pseudonym, of people with a number."""
    found = (each.pseudonyms(services) for each in persons if each.bsn is not None)
    return {former: known for known in found for former in known.former}


async def renew(
    services: Services, of: Renewable[_R], *, persons: Mapping[SubjectTag, Pseudonyms], dry_run: bool = False
) -> AsyncIterator[Step]:
    """Sign again what is due about people, and post it; one step for each record.

    Args:
        services: What an agent works with.
        of: Which kind.
        persons: See `persons_of`.
        dry_run: Say only what would be signed again.

    Raises:
        EvidenceError: What the hub shows, or its proof, does not hold.
        UnavailableError: The hub was not reached: begin again later, it goes on from there.
    """
    chain = services.keys.newest_chain
    if chain is None:
        return
    if not dry_run:
        await record_round(services)
    for record in due(services.journal, of, newest=chain.epoch, day=today(services)):
        known = persons.get(record.tag)
        if known is None:
            continue
        if dry_run:
            yield Step(record=record.id, outcome=Outcome.DUE)
            continue
        yield await _renew_one(services, of, record, known=known)


async def _renew_one(services: Services, of: Renewable[_R], record: _R, *, known: Pseudonyms) -> Step:
    try:
        if record.tag in (await of.find(services, (known,))).apart[known.newest]:
            if services.settings.role not in JOINING_ROLES:
                return Step(record=record.id, outcome=Outcome.WAITS)
            await join(services, former=record.tag, newest=known.newest)
        made = replace(of.again(record), tag=known.newest, id=new_record_id(services), issued_at=seconds(services))
        row = services.journal.row("SELECT secret FROM records WHERE id = ?", record.id.value)
        secret = None if row is None else row["secret"]
        sign_records(services, [Unsigned(id=made.id, payload=of.payload(made), secret=secret)], kind=of.kind)
        await post_record(services, made.id)
    except RejectedMessageError as error:
        return Step(record=record.id, outcome=Outcome.REFUSED, code=error.code)
    return Step(record=record.id, outcome=Outcome.RENEWED, renewed=made.id)
