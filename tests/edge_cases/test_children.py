"""Edge cases of children: unborn, without a number, with half a birth date, with brothers and sisters."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.formats.stuf.examples import Child, Header, Person, example_bsn, vto_example
from connectors.formats.stuf.scenarios import notification_scenario, vto_scenario
from consent.consents import consent_facts
from consent.decide import decide
from consent.decision import Permit
from consent.facts import Executor, PersonFacts
from consent.reasons import Reason
from consent.request import Facts
from schemas.measures import MeasureType
from tests.edge_cases.questions import ALL, PARENTS, REPORT, TO_GI, asked, born, reasons, whose
from tests.support.law_records import CHILD_TAG, RANDOM_TAG, consent_record
from tests.support.offices import Chain, Office, resources, today
from tests.support.parties import GEMEENTE
from tests.unit.consent.builders import AT, CATALOGUE
from tests.unit.consent.facts_for_tests import PARENT, consent, measure, yes

CASE = "ZAAK-2026-77"
RNI = "12345678901234567"
UNTIL = (today() + timedelta(days=300)).isoformat()


# ---- unborn ----


@pytest.mark.database
async def test_an_unborn_child_goes_by_its_expected_date_and_keeps_its_pseudonym_in_the_answer(chain: Chain) -> None:
    """Unborn child: the two systems know it by other keys, and the exchange by one pseudonym that was drawn."""
    request = await chain.gemeente.send(vto_scenario(3, case_number=CASE))
    await chain.raad.round()
    (child,) = resources(chain.raad.received(request), "jeugdige")
    assert [each["valueDate"] for each in child["extension"] if "expectedDate" in each["url"]] == ["2027-02-14"]
    assert "birthDate" not in child
    assert chain.raad.evidence(request)[0]["subjects"][0]["age"] == "unborn"

    answer = await chain.raad.send(notification_scenario(4, municipal_case=CASE))
    await chain.gemeente.round()
    assert chain.gemeente.pseudonym(answer) == chain.raad.pseudonym(request)


def test_for_an_unborn_child_those_consent_who_will_have_authority() -> None:
    """Unborn child: each parent consents, as for a child under 12."""
    assert whose(born(None, unborn=True)) == ["parents", "all"]


# ---- without a number ----


@pytest.mark.database
async def test_a_child_without_bsn_goes_by_its_rni_number_and_nobody_can_compute_its_pseudonym(chain: Chain) -> None:
    """Child without BSN: the number that it has travels sealed; its pseudonym is drawn, for this case only."""
    requests = [
        await chain.gemeente.send(vto_scenario(2, header=Header(reference=f"VTO-{each}"), case_number=each), each)
        for each in ("ZAAK-2026-1", "ZAAK-2026-2")
    ]
    await chain.raad.round()
    for request in requests:
        (child,) = resources(chain.raad.received(request), "jeugdige")
        assert [each["value"] for each in child["identifier"]] == [RNI]
    first, second = map(chain.raad.pseudonym, requests)
    assert first != second


@pytest.mark.database
async def test_what_is_recorded_of_a_child_holds_when_it_gets_its_bsn(chain: Chain) -> None:
    """A child that gets its BSN during the case: by a link, what was said of the one holds for the other."""
    request = await chain.gemeente.send(vto_scenario(3, case_number=CASE))
    await chain.raad.round()
    pseudonym = chain.raad.pseudonym(request)
    drawn = chain.gemeente.file("ongeboren.json", f'{{"pseudonym": "{pseudonym}", "unborn": true}}')
    given = await chain.gemeente.told("consent", "give", "--person", drawn, *_allowed(chain.gemeente))
    numbered = chain.raad.file("geboren.json", f'{{"bsn": "{example_bsn(301)}"}}')
    assert (await chain.raad.told("consent", "show", "--person", numbered))["records"] == []

    await chain.raad.told("link", "--pseudonym", pseudonym, "--person", numbered)
    found = await chain.raad.told("consent", "show", "--person", numbered)
    assert [each["id"] for each in found["records"]] == [given["id"]]


def test_a_consent_under_the_drawn_pseudonym_is_signed_again_under_that_of_the_number() -> None:
    """A child that gets its BSN during the case: the rim hands over both records, and they are one consent."""
    drawn = consent_record(1, tag=RANDOM_TAG)
    known = replace(consent_record(2, tag=CHILD_TAG), replaces=drawn.id)
    for records in ((drawn,), (drawn, known)):
        facts = consent_facts(records, sender=GEMEENTE, recipient=TO_GI)
        assert len(facts) == 1
        assert isinstance(asked(PersonFacts(consents=facts)), Permit)


def _allowed(office: Office) -> list[str]:
    form = office.file("formulier.pdf", b"handtekening")
    words = ["--form", str(form), "--holders", "1", "--giver", "gezagsdrager=ja", "--category", "zorgen"]
    return [*words, "--recipient", "gi:preventief", "--until", UNTIL]


# ---- birth dates ----


@pytest.mark.database
async def test_a_birth_date_with_only_a_year_stays_one(chain: Chain) -> None:
    """Birth date with only a year: it arrives as the year, and comes out of the other system as it went in."""
    person = Person(bsn=example_bsn(100), family="Voorbeeld", gender="V", birth="20140101", incomplete="M")
    request = await chain.gemeente.send(vto_example(children=(Child(person=person),)))
    await chain.raad.round()
    (child,) = resources(chain.raad.received(request), "jeugdige")
    assert child["birthDate"] == "2014"
    assert b'indOnvolledigeDatum="M"' in chain.raad.received_file(request)


def test_of_a_birth_date_with_only_a_year_the_age_counts_where_it_is_sure() -> None:
    """Birth date with only a year: where every day of the year gives the same age, that counts, and else none does."""
    assert whose(born("2020")) == ["parents", "all"]
    assert whose(born("2014")) == []
    unsure = asked(PersonFacts(consents=(ALL,)), subjects=(born("2014"),))
    assert reasons(unsure) == (Reason.CONSENT_AGE_UNKNOWN,)
    assert whose(born(None)) == []


# ---- brothers and sisters ----


@pytest.mark.database
async def test_siblings_in_one_request_each_keep_their_own_father(chain: Chain) -> None:
    """Siblings in one request, different fathers: each father is about his own child, and the mother about all."""
    request = await chain.gemeente.send(vto_scenario(7, case_number=CASE))
    await chain.raad.round()
    bundle = chain.raad.received(request)
    children = {each["id"] for each in resources(bundle, "jeugdige")}
    over = {
        each["id"]: [part["valueString"] for part in each.get("extension", ()) if part["url"].endswith("/over")]
        for each in resources(bundle, "gezagsdrager")
    }
    assert children == {"k1", "k2", "k3"}
    assert over == {"b1": [], "b2": ["k1"], "b3": ["k2"], "b4": ["k3"]}
    claims, _ = chain.raad.evidence(request)
    about = {item["id"]: item["about"] for item in claims["content"]}
    assert [about[each] for each in ("k1", "k2", "k3", "b1", "b2", "b3", "b4")] == [[each] for each in range(7)]


def test_siblings_with_different_fathers_each_have_their_own_consent_and_measure() -> None:
    """Siblings in one request, different fathers: what is said of the one does nothing for the other."""
    one, other = born("2018-01-01", place=0), born("2020-01-01", place=1)
    of_one, of_other = consent(id="of-one"), consent(id="of-other", holders=1, givers=yes(PARENT))
    decision = asked(PersonFacts(consents=(of_one,)), PersonFacts(consents=(of_other,)), subjects=(one, other))
    assert isinstance(decision, Permit)
    assert decision.relied_on == ("of-one", "of-other")
    swapped = asked(PersonFacts(consents=(of_other,)), PersonFacts(consents=()), subjects=(one, other))
    assert reasons(swapped) == (Reason.CONSENT_MISSING,)
    measured = Facts(people=(PersonFacts(measures=(measure(Executor.RECIPIENT, MeasureType.OTS),)), PersonFacts()))
    for child, expected in ((one, ()), (other, (Reason.MEASURE_MISSING,))):
        answer = decide(replace(REPORT, subjects=(child,)), catalogue=CATALOGUE, facts=measured, at=AT)
        assert reasons(answer) == expected


def test_a_consent_about_siblings_is_one_of_each() -> None:
    """Siblings in one request, different fathers: what is about both goes only by what the parents of each allow."""
    one, other = born("2018-01-01", place=0), born("2020-01-01", place=1)
    both = PersonFacts(consents=(PARENTS,))
    assert isinstance(asked(both, both, subjects=(one, other)), Permit)
    assert reasons(asked(both, PersonFacts(), subjects=(one, other))) == (Reason.CONSENT_MISSING,)
