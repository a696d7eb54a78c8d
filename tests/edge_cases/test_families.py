"""Edge cases of what is said about a family: that a parent does not know, and where nobody may find them."""

from dataclasses import replace

import pytest

from connectors.formats.stuf.examples import CHILDREN, Child, notification_example, vto_example
from connectors.formats.stuf.scenarios import vto_scenario
from consent.decide import decide
from consent.decision import Deny
from consent.facts import Executor, PersonFacts
from consent.request import Facts, Party
from schemas.codes import Capacity, Category, Role
from tests.support.offices import Chain, resources
from tests.support.stuf_scenarios import BAD_REQUESTS
from tests.unit.consent.builders import AT, CATALOGUE, GEMEENTE, RAAD, VTO, gi
from tests.unit.consent.facts_for_tests import consent, measure

CASE = "ZAAK-2026-77"


@pytest.mark.database
async def test_a_parent_who_is_not_informed_travels_with_the_reason(chain: Chain) -> None:
    """A parent not informed, with reason: of one parent it is said, and of the others that they know."""
    request = await chain.gemeente.send(vto_scenario(8, case_number=CASE))
    await chain.raad.round()
    informed, reason = {}, {}
    for each in resources(chain.raad.received(request), "gezagsdrager"):
        said = {part["url"].rpartition("/")[2]: part for part in each["extension"]}
        informed[each["id"]] = said["informed"]["valueBoolean"]
        if "notInformedReason" in said:
            reason[each["id"]] = said["notInformedReason"]["valueString"]
    assert informed == {"b1": False, "b2": True, "b3": True, "b4": True}
    assert reason == {"b1": "gesprek met ouders is nog niet veilig voor het kind"}


@pytest.mark.database
async def test_that_a_parent_is_not_informed_is_refused_without_a_reason(chain: Chain) -> None:
    """A parent not informed, with reason: without one the request does not leave the gemeente."""
    (bad,) = [each for each in BAD_REQUESTS if each.name == "not-informed-and-no-reason"]
    problem = await chain.gemeente.refused(bad.data())
    assert [each["code"] for each in problem["issues"]] == [bad.code]
    await chain.raad.round()
    assert list((chain.raad.home / "in").iterdir()) == []


@pytest.mark.database
async def test_a_secret_address_goes_to_the_raad_as_a_secret_and_never_comes_back(chain: Chain) -> None:
    """Secret address: the Raad sees that it is one, and no notification tells the gemeente where the child lives."""
    child = replace(CHILDREN[0].person, extras=(("indicatieGeheim", "true"),))
    request = await chain.gemeente.send(vto_example(children=(Child(person=child),)))
    await chain.raad.round()
    claims, _ = chain.raad.evidence(request)
    (item,) = [each for each in claims["content"] if each["profile"] == "jeugdige"]
    assert "secretAddress" in item["elements"]
    assert "address" not in item["elements"]
    assert b"Voorbeeldlaan" in chain.raad.received_file(request)

    answer = await chain.raad.send(notification_example(child=Child(person=child)), "antwoord")
    await chain.gemeente.round()
    assert [each["label"] for each in chain.raad.result("antwoord.xml")["withheld"]] == ["jeugdige/k1/secretAddress"]
    assert b"Voorbeeldlaan" not in chain.gemeente.received_file(answer)


@pytest.mark.parametrize("recipient", [Party(role=role) for role in Role if role not in (Role.RAAD, Role.GI)])
def test_a_secret_address_never_goes_beyond_raad_and_gi(recipient: Party) -> None:
    """Secret address: on no ground of the catalogue, whatever was consented to and whichever measure runs."""
    person = PersonFacts(
        consents=(consent(categories=frozenset(Category), purposes=frozenset(row.code for row in CATALOGUE.grounds)),),
        measures=tuple(measure(executor) for executor in Executor),
    )
    secret = replace(VTO, element="secretAddress", category=Category.ADRES_GEHEIM, recipient=recipient)
    for row in CATALOGUE.grounds:
        for message_type in sorted(row.message_types - {"correctie"}):
            request = replace(secret, purpose=row.code, message_type=message_type)
            for sender in (GEMEENTE, RAAD, *(gi(capacity) for capacity in Capacity)):
                answer = decide(
                    replace(request, sender=sender), catalogue=CATALOGUE, facts=Facts(people=(person,)), at=AT
                )
                assert isinstance(answer, Deny), (row.name, sender)
