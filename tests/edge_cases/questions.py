"""Questions to the decision core, as the edge cases ask them: may this go today, and whose consent is enough."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from connectors.sdk.ages import age_of
from consent.consents import Addressee
from consent.decide import decide
from consent.decision import Decision, Deny, Permit
from consent.facts import PersonFacts
from consent.reasons import Reason
from consent.request import DataSubject, Facts
from schemas.codes import Capacity, Role, SubjectRole
from tests.support.parties import GI
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, RAAD, VTO, gi
from tests.unit.consent.facts_for_tests import PARENT, SELF, consent, yes
from tests.unit.consent.test_who_consents import CARE

__all__ = ["ALL", "ALONE", "CARE", "PARENTS", "REPORT", "TODAY", "TO_GI", "asked", "born", "reasons", "whose"]

TODAY: Final = date(2026, 11, 23)
REPORT: Final = replace(VTO, sender=RAAD, recipient=gi(Capacity.OTS), purpose="RVDK-RAP", message_type="raadsrapport")
TO_GI: Final = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)
PARENTS: Final = consent(givers=yes(PARENT, PARENT))
ALL: Final = consent(givers=yes(SELF, PARENT, PARENT))
ALONE: Final = consent(givers=yes(SELF))


def asked(*people: PersonFacts, subjects: tuple[DataSubject, ...] = (CHILD,)) -> Decision:
    """May the gemeente tell the GI about these, by these consents?"""
    request = replace(CARE, subjects=subjects)
    return decide(request, catalogue=CATALOGUE, facts=Facts(people=people), at=AT)


def reasons(decision: Decision) -> tuple[Reason, ...]:
    """Why not; empty where it may."""
    return decision.reasons if isinstance(decision, Deny) else ()


def born(birth_date: str | None, *, unborn: bool = False, place: int = 0) -> DataSubject:
    """A child as a connector names it today, in a message that can be picked up for thirty days."""
    age = age_of(birth_date=birth_date, unborn=unborn, day=TODAY, until=TODAY + timedelta(days=30))
    return DataSubject(role=SubjectRole.JEUGDIGE, age=age.band, turns=age.turns, place=place)


def whose(child: DataSubject, at: int = 0) -> list[str]:
    """Whose consent is enough, so many days from now."""
    found = []
    for name, given in (("parents", PARENTS), ("all", ALL), ("alone", ALONE)):
        facts = Facts(people=(PersonFacts(consents=(given,)),))
        request = replace(CARE, subjects=(child,))
        if isinstance(decide(request, catalogue=CATALOGUE, facts=facts, at=AT + timedelta(days=at)), Permit):
            found.append(name)
    return found
