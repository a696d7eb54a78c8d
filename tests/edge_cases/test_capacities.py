"""Edge cases of institutions: one that acts in two capacities, and one whose measure is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consent.decide import decide
from consent.decision import Permit
from consent.facts import Executor, PersonFacts
from consent.measures import measure_facts
from consent.reasons import Reason
from consent.request import Facts
from schemas.codes import Capacity
from tests.edge_cases.documents import casus, child_file
from tests.edge_cases.questions import REPORT, TODAY, reasons
from tests.support.law_records import measure_statement
from tests.support.offices import Chain, today
from tests.support.parties import GI, RAAD
from tests.unit.consent.builders import AT, CATALOGUE, gi
from tests.unit.consent.facts_for_tests import measure

DAY = today()


def stated(first: int, last: int) -> list[str]:
    """The words of a supervision order from so many days from now until so many."""
    days = [(DAY + timedelta(days=each)).isoformat() for each in (first, last)]
    words = ["--type", "ots", "--from", days[0], "--until", days[1], "--court", "RBMNE", "--executor", GI.value]
    return [*words, "--decided", days[0], "--case-number", "C/16/000000"]


def codes(problem: dict[str, list[dict[str, str]]]) -> set[str]:
    return {each["code"] for each in problem["issues"]}


@pytest.mark.database
async def test_a_gi_with_two_capacities_gets_what_belongs_to_the_one_in_which_it_acts(chain: Chain) -> None:
    """GI with two capacities: the measure lets it have as supervisor what it may not have in the voluntary phase."""
    await chain.raad.told("measure", "state", "--person", child_file(chain.raad), *stated(-30, 300))
    sent = await chain.gemeente.send(casus("CASUS-1", purpose="GI-OTS-SPONT", capacity=Capacity.OTS), "als-ots")
    await chain.gi.round()
    assert chain.gi.received(sent) is not None
    voluntary = casus("CASUS-2", purpose="VRIJW", capacity=Capacity.PREVENTIEF)
    assert "sender.decision.consent-missing" in codes(await chain.gemeente.refused(voluntary, "vrijwillig"))
    unheld = casus("CASUS-3", purpose="GI-VOOGDIJ-IN", capacity=Capacity.VOOGDIJ)
    assert "sender.decision.recipient-capacity-not-held" in codes(await chain.gemeente.refused(unheld, "als-voogd"))


def test_a_gi_with_two_capacities_is_held_to_the_one_it_claims() -> None:
    """GI with two capacities: a supervision order does nothing for the guardian that the same institution also is."""
    both = (Capacity.OTS, Capacity.VOOGDIJ)
    known = Facts(people=(PersonFacts(measures=(measure(Executor.RECIPIENT),)),))
    supervisor, guardian = (replace(REPORT, recipient=gi(capacity, *both)) for capacity in both)
    assert isinstance(decide(supervisor, catalogue=CATALOGUE, facts=known, at=AT), Permit)
    assert reasons(decide(guardian, catalogue=CATALOGUE, facts=known, at=AT)) == (Reason.MEASURE_MISSING,)


@pytest.mark.database
async def test_a_gi_whose_ots_has_ended_neither_gets_nor_asks(chain: Chain) -> None:
    """A GI whose OTS has ended: nobody tells it anything, and its own question does not leave."""
    await chain.raad.told("measure", "state", "--person", child_file(chain.raad), *stated(-300, -1))
    told = casus("CASUS-1", purpose="GI-OTS-SPONT", capacity=Capacity.OTS)
    assert "sender.decision.measure-ended" in codes(await chain.gemeente.refused(told))
    question = chain.gi.file("vraag.txt", "welke hulp is er verleend?")
    term = (DAY + timedelta(days=14)).isoformat()
    words = ["--to", chain.gemeente.oin.value, "--person", str(child_file(chain.gi)), "--question", str(question)]
    words += ["--term", term, "--category", "hulpverlening", "--purpose", "GI-OTS-VRAAG", "--capacity", "ots"]
    assert await chain.gi.command("ask", *words, "--seconds", "0") == 1
    (problem,) = chain.gi.problems()
    assert "sender.decision.measure-ended" in codes(problem)


def test_a_gi_whose_ots_has_ended_gets_nothing_from_the_day_after() -> None:
    """A GI whose OTS has ended: on its last day it still counts, and the day after it does not."""
    statement = measure_statement(1, valid_until=TODAY)
    facts = measure_facts((statement,), sender=RAAD, recipient=GI, raden=frozenset({RAAD}))
    known = Facts(people=(PersonFacts(measures=facts),))
    assert isinstance(decide(REPORT, catalogue=CATALOGUE, facts=known, at=AT), Permit)
    tomorrow = decide(REPORT, catalogue=CATALOGUE, facts=known, at=AT + timedelta(days=1))
    assert reasons(tomorrow) == (Reason.MEASURE_ENDED,)
