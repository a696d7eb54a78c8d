"""Consent records, measure statements and links that hold; a test changes one thing."""

from datetime import UTC, date, datetime, time
from typing import Any, Final

from schemas.codes import AgeBand, Category, SubjectRole
from schemas.consents import Answer, ConsentRecipient, ConsentRecord, ConsentStatus, GivenAnswer, Giver
from schemas.identifiers import OIN, HubName, SubjectTag
from schemas.links import Link
from schemas.measures import MeasureStatement, MeasureType
from tests.support.parties import GEMEENTE, GI, RAAD, message_id

HUB: Final = HubName("hub.ketenhub.test")
OTHER_GI: Final = OIN("00000099000000004000")
CHILD_TAG: Final = SubjectTag("0.AAECAwQFBgcICQoLDA0ODw")
RANDOM_TAG: Final = SubjectTag("0.EBESExQVFhcYGRobHB0eHw")
DIGEST: Final = "A" * 43

SELF_YES, SELF_NO = (GivenAnswer(who=Giver.SELF, answer=answer) for answer in Answer)
PARENT_YES, PARENT_NO = (GivenAnswer(who=Giver.PARENT, answer=answer) for answer in Answer)
GUARDIAN_YES = GivenAnswer(who=Giver.GUARDIAN, answer=Answer.YES)
REPRESENTATIVE_YES = GivenAnswer(who=Giver.REPRESENTATIVE, answer=Answer.YES)


def on(day: date) -> int:
    """Noon of a day, as NumericDate."""
    return int(datetime.combine(day, time(12), tzinfo=UTC).timestamp())


def consent_record(number: int = 1, **change: Any) -> ConsentRecord:
    """Two parents with authority over a child under 12 allow the gemeente to tell the GI, recorded by the gemeente."""
    record: dict[str, Any] = {
        "issuer": GEMEENTE,
        "id": message_id(number),
        "issued_at": on(date(2026, 10, 1)) + number,
        "hub": HUB,
        "tag": CHILD_TAG,
        "case": None,
        "age": AgeBand.UNDER_12,
        "role": SubjectRole.JEUGDIGE,
        "incapable": False,
        "holders": 2,
        "givers": (PARENT_YES, PARENT_YES),
        "without_parents": None,
        "categories": frozenset({Category.IDENTIFICATIE, Category.ZORGEN, Category.PROCES}),
        "purposes": frozenset({"VRIJW"}),
        "recipients": frozenset({ConsentRecipient(oin=GI)}),
        "valid_from": date(2026, 10, 1),
        "valid_until": date(2027, 9, 30),
        "status": ConsentStatus.GIVEN,
        "form": DIGEST,
    }
    return ConsentRecord(**{**record, **change})


def measure_statement(number: int = 1, **change: Any) -> MeasureStatement:
    """A supervision order of a year that the GI carries out, stated by the Raad."""
    statement: dict[str, Any] = {
        "issuer": RAAD,
        "id": message_id(number),
        "issued_at": on(date(2026, 7, 1)) + number,
        "hub": HUB,
        "tag": CHILD_TAG,
        "type": MeasureType.OTS,
        "valid_from": date(2026, 7, 1),
        "valid_until": date(2027, 6, 30),
        "executor": GI,
        "court": "RBAMS",
        "decided": date(2026, 6, 30),
        "case_number": DIGEST,
    }
    return MeasureStatement(**{**statement, **change})


def link(**change: Any) -> Link:
    """The gemeente says that a child without a number is the one with a number."""
    claims: dict[str, Any] = {
        "issuer": GEMEENTE,
        "id": message_id(1),
        "issued_at": on(date(2026, 10, 1)),
        "hub": HUB,
        "random": RANDOM_TAG,
        "known": CHILD_TAG,
    }
    return Link(**{**claims, **change})
