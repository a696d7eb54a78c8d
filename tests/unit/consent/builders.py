"""A valid request, of which a test changes one thing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from consent.grounds import Catalogue, packaged_catalogue
from consent.request import DataSubject, DisclosureRequest, Party
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole

AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CATALOGUE: Final[Catalogue] = packaged_catalogue()

GEMEENTE: Final = Party(role=Role.GEMEENTE)
RAAD: Final = Party(role=Role.RAAD)
VEILIG_THUIS: Final = Party(role=Role.VEILIG_THUIS)
TOEZICHTHOUDER: Final = Party(role=Role.TOEZICHTHOUDER)
DASHBOARD: Final = Party(role=Role.DASHBOARD)
CHILD: Final = DataSubject(role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12)

VTO: Final = DisclosureRequest(
    sender=GEMEENTE,
    recipient=RAAD,
    purpose="VTO",
    message_type="verzoek-tot-onderzoek",
    profile="jeugdige",
    element="birthDate",
    category=Category.IDENTIFICATIE,
    subjects=(CHILD,),
)
NOTIFICATIE: Final = replace(
    VTO, sender=RAAD, recipient=GEMEENTE, purpose="RVDK-NOT", message_type="notificatie-onderzoek"
)


def gi(capacity: Capacity | None, *admitted: Capacity) -> Party:
    """A GI that acts in a capacity and was admitted in it, or in others that are named."""
    held = admitted or ((capacity,) if capacity else (Capacity.OTS,))
    return Party(role=Role.GI, capacity=capacity, admitted=frozenset(held))
