"""Facts that hold, of which a test changes one thing."""

from datetime import date
from typing import Any, Final

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.request import CorrectedFact, Facts, QuestionFact, ReplyFact
from schemas.codes import AgeBand, Category
from schemas.consents import Answer, GivenAnswer, Giver
from schemas.measures import MeasureType

ASKED: Final = QuestionFact(categories=frozenset(Category))
RELEASED: Final = CorrectedFact(categories=frozenset(Category))
REPLY: Final = ReplyFact(message_type="informatieverzoek")

SELF, PARENT, GUARDIAN, REPRESENTATIVE = Giver.SELF, Giver.PARENT, Giver.GUARDIAN, Giver.REPRESENTATIVE


def yes(*who: Giver) -> tuple[GivenAnswer, ...]:
    """Everybody of these said yes."""
    return tuple(GivenAnswer(who=each, answer=Answer.YES) for each in who)


def no(*who: Giver) -> tuple[GivenAnswer, ...]:
    """Everybody of these said no."""
    return tuple(GivenAnswer(who=each, answer=Answer.NO) for each in who)


def consent(**change: Any) -> ConsentFact:
    """Both parents allow everything to this recipient for VRIJW this year, recorded by the sender."""
    fact: dict[str, Any] = {
        "id": "consent-1",
        "by_sender": True,
        "for_recipient": True,
        "categories": frozenset(Category),
        "purposes": frozenset({"VRIJW"}),
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "withdrawn": False,
        "age": AgeBand.UNKNOWN,
        "incapable": False,
        "holders": 2,
        "givers": yes(PARENT, PARENT),
        "without_parents": None,
    }
    return ConsentFact(**{**fact, **change})


def measure(executor: Executor, kind: MeasureType = MeasureType.OTS, **change: Any) -> MeasureFact:
    """A measure that runs this year and that somebody sure stated."""
    fact: dict[str, Any] = {
        "id": f"{kind}-of-{executor}",
        "type": kind,
        "executor": executor,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
    }
    return MeasureFact(**{**fact, **change})


def about_one(*known: ConsentFact | MeasureFact, **facts: Any) -> Facts:
    """What is known of the one person of a message."""
    person = PersonFacts(
        consents=tuple(each for each in known if isinstance(each, ConsentFact)),
        measures=tuple(each for each in known if isinstance(each, MeasureFact)),
    )
    return Facts(people=(person,), **facts)
