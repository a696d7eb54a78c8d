"""Row *consents*: decisions with the whole catalogue and a store of a million consents.

Messages by consent about households of the store: what is known of the four people is read as the hub reads it, and
every label is decided. Beside it stand a store with a thousand consents, which holds as much about each person, and one
with none. All three are asked in turns, so that whatever else the machine does falls on all of them alike; each message
is about another household.
"""

import asyncio
import contextlib
import itertools
import random
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from audit.note import NoteSigner
from consent.consents import Addressee, consent_facts
from consent.decision import Permit
from consent.facts import PersonFacts
from consent.grounds import packaged_catalogue
from consent.memo import DecisionMemo
from consent.request import Exchange, Facts
from consent.request import Party as ExchangeParty
from hub.exchange.known import consents_of, read_consent
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.migrate import migrate
from schemas.clock import SystemClock
from schemas.codes import Capacity, Role
from schemas.definitions import load_definitions
from schemas.identifiers import MessageId, SubjectTag
from schemas.message import Message
from schemas.randomness import SystemRandomness, new_message_id
from tests.performance.consent_store import HOUSEHOLD, PURPOSE, Filled, fill_consents, parties, tag
from tests.performance.decide_row import COLD_US_MAX, MEMOISED_US_MAX, Question, Situation, decide_all, questions_of
from tests.performance.figures import Bound, Figure, Report, quantile, seconds_each
from tests.performance.figures import Facts as StatedFacts
from tests.performance.pairs import bench_document, make_template
from tests.performance.servers import BenchError, Servers

ROW: Final = "consents"
CONSENTS: Final = 1_000_000
CONSENTS_QUICK: Final = 10_000
FEW: Final = 1_000
DECIDED: Final = 200
"""Households whose messages are decided, over and over; more would be decided by what the memo has dropped."""

_CLOCK: Final = SystemClock()
_RANDOMNESS: Final = SystemRandomness()


@dataclass(frozen=True, slots=True)
class _Store:
    """One store, and how long it took to find what is known for a message."""

    name: str
    database: Database
    households: int
    seconds: list[float]


async def measure_consents(report: Report, servers: Servers, *, seconds: float, quick: bool) -> None:
    """Measure the whole row.

    Raises:
        BenchError: Nothing of all messages is permitted, or everything: then the store is not what it should be.
    """
    template = make_template(bench_document(), at=_CLOCK.now()).message
    subjects = tuple(replace(each, age=band) for each, band in zip(template.subjects, HOUSEHOLD, strict=True))
    message = replace(template, subjects=subjects)
    async with contextlib.AsyncExitStack() as stack:
        many = CONSENTS_QUICK if quick else CONSENTS
        stores = [
            await stack.enter_async_context(_opened(report, servers, consents=consents)) for consents in (0, FEW, many)
        ]
        floor = await _ask_in_turns(stores, seconds=seconds)
        _report_facts(report, stores, floor=floor)
        households = random.sample(range(stores[-1].households), DECIDED)
        taken: dict[str, float] = {}
        for store in (stores[-1], stores[0]):
            facts = [await _find_facts(store.database, household) for household in households]
            taken = _measure_decisions(report, store, message, facts, seconds=seconds, beside=taken)


@contextlib.asynccontextmanager
async def _opened(report: Report, servers: Servers, *, consents: int) -> AsyncIterator[_Store]:
    name = f"consents_{consents}"
    url = servers.new_database(name)
    await asyncio.to_thread(migrate, url)
    signer = NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=_RANDOMNESS.bytes(32))
    filled = Filled(consents=0, persons=0, links=0)
    if consents:
        started = time.perf_counter()
        say = report.say if consents > FEW else _say_nothing
        filled = await asyncio.to_thread(fill_consents, url, origin=signer.name, consents=consents, say=say)
        if consents > FEW:
            _report_loading(report, filled, taken=time.perf_counter() - started)
    # Opening checks the tree against its tiles.
    folder = servers.folder / f"guard-consents-{consents}"
    async with open_database(url, signer=signer, guard_folder=folder, clock=_CLOCK) as database:
        yield _Store(f"{consents:,} consents" if consents else "no consent", database, filled.households, [])
    servers.drop_database(name)


def _say_nothing(_: str) -> None:
    """The small store is there at once."""


def _report_loading(report: Report, filled: Filled, *, taken: float) -> None:
    report.add(
        Figure(
            row=ROW,
            name="loading the store",
            value=taken,
            unit="s",
            bound=Bound.AT_MOST,
            detail={"consents": filled.consents, "persons": filled.persons, "links": filled.links},
        )
    )


# ---- what is known ----


async def _find_facts(database: Database, household: int) -> Facts:
    """Find what is known of a household, as the hub does for a message by consent.

    See `hub.exchange.facts.find_facts`, of which a message by consent takes these steps and no others.
    """
    members = range(household * len(HOUSEHOLD), (household + 1) * len(HOUSEHOLD))
    tags = [SubjectTag(tag(person)) for person in members]
    sender, recipient = parties(members.start)
    addressee = Addressee(oin=recipient, role=Role.GI, capacity=Capacity.PREVENTIEF)
    persons = await database.persons.of(tags)
    return Facts(
        people=tuple(
            PersonFacts(consents=consent_facts(consents_of(persons[each]), sender=sender, recipient=addressee))
            for each in tags
        )
    )


async def _ask_in_turns(stores: Sequence[_Store], *, seconds: float) -> float:
    """Find facts in each store in its turn; returns the time of a question to the database that finds nothing."""
    floor: list[float] = []
    full = stores[-1]
    turn, until = 0, time.perf_counter() + seconds * len(stores)
    while turn <= 1 or time.perf_counter() < until:
        started = time.perf_counter()
        await full.database.persons.record(_unknown())
        floor.append(time.perf_counter() - started)
        for store in stores:
            household = random.randrange(store.households or full.households)
            # A hub that holds few consents remembers them all, one that holds a million does not: here none does.
            read_consent.cache_clear()
            started = time.perf_counter()
            await _find_facts(store.database, household)
            if turn:  # the first prepares the statement
                store.seconds.append(time.perf_counter() - started)
        turn += 1
    return statistics.median(floor)


def _report_facts(report: Report, stores: Sequence[_Store], *, floor: float) -> None:
    report.add(
        Figure(row=ROW, name="floor: a question that finds nothing", value=floor * 1e3, unit="ms", bound=Bound.AT_MOST)
    )
    without = statistics.median(stores[0].seconds)
    for store in stores:
        taken = statistics.median(store.seconds)
        report.add(
            Figure(
                row=ROW,
                name=f"facts of a message, {store.name}",
                value=taken * 1e3,
                unit="ms",
                bound=Bound.AT_MOST,
                of_floor=taken / floor,
                detail={
                    "messages": len(store.seconds),
                    "persons": len(HOUSEHOLD),
                    "p99_ms": round(quantile(store.seconds, 0.99) * 1e3, 3),
                    "over_no_consent": round(taken / without, 2),
                },
            )
        )


def _unknown() -> MessageId:
    return new_message_id(at=_CLOCK.now(), randomness=_RANDOMNESS)


# ---- the decisions ----


def _situation(facts: Facts) -> Situation:
    gi = ExchangeParty(role=Role.GI, capacity=Capacity.PREVENTIEF, admitted=frozenset({Capacity.PREVENTIEF}))
    exchange = Exchange(
        sender=ExchangeParty(role=Role.GEMEENTE), recipient=gi, purpose=PURPOSE, message_type="casusinformatie"
    )
    return Situation("by consent", exchange, facts)


def _measure_decisions(
    report: Report,
    store: _Store,
    message: Message,
    facts: Sequence[Facts],
    *,
    seconds: float,
    beside: Mapping[str, float],
) -> dict[str, float]:
    """Decide about each household in its turn; returns the microseconds of an element.

    Args:
        report: Takes the figures.
        store: Where the facts are from.
        message: Whose labels are decided.
        facts: Of each household.
        seconds: How long each figure is measured.
        beside: What it took with the store before; empty for the first, against which the budgets are held.
    """
    at, catalogue, questions = _CLOCK.now(), packaged_catalogue(), questions_of(message, load_definitions())
    situations = [_situation(each) for each in facts]
    _check(store, situations, questions, at=at)
    warm, in_turn = DecisionMemo(catalogue), itertools.cycle(situations)
    # Questions that are equal within one message would be remembered: each is asked of a memo that knows none.
    first = list(dict.fromkeys(questions))

    def decide_cold() -> None:
        situation = next(in_turn)
        for question in first:
            decide_all(DecisionMemo(catalogue), situation, (question,), at=at)

    measured: dict[str, float] = {}
    detail: StatedFacts = {"households": len(situations)}
    for name, budget, work, calls in (
        ("memoised", MEMOISED_US_MAX, lambda: decide_all(warm, next(in_turn), questions, at=at), len(questions)),
        ("cold", COLD_US_MAX, decide_cold, len(first)),
        (
            "unseen",
            None,
            lambda: decide_all(DecisionMemo(catalogue), next(in_turn), questions, at=at),
            len(questions),
        ),
    ):
        for _ in situations:
            work()
        measured[name] = seconds_each(work, seconds=seconds, calls=calls) * 1e6
        report.add(
            Figure(
                row=ROW,
                name=f"an element, {name}, {store.name}",
                value=measured[name],
                unit="µs",
                budget=None if beside else budget,
                bound=Bound.AT_MOST,
                detail=detail | ({"of_the_full_store": round(measured[name] / beside[name], 2)} if beside else {}),
            )
        )
    return measured


def _check(store: _Store, situations: Sequence[Situation], questions: Sequence[Question], *, at: datetime) -> None:
    """Check that some elements of the messages may go and some may not, and nothing without a consent.

    Raises:
        BenchError: It is not so.
    """
    memo, permitted = DecisionMemo(packaged_catalogue()), 0
    for situation in situations:
        decisions = decide_all(memo, situation, questions, at=at)
        permitted += sum(isinstance(each, Permit) for each in decisions)
    share = permitted / len(situations) / len(questions)
    if not (0 < share < 1 if store.households else share == 0):
        raise BenchError(f"{share:.0%} of the elements are permitted with {store.name}")
