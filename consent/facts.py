"""What a decision may know of a person: the consents and the measures, as they stand.

Facts hold no identities but those of the records that a permit rests on. The rim makes them from verified records with
`consent.consents.consent_facts` and `consent.measures.measure_facts`, so the rules what counts stand in this package
and are pure. What a decision may know of the message and its case is in `consent.request`.

Source: the architecture, section 5.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schemas.codes import AgeBand, Category
from schemas.consents import GivenAnswer, WithoutParents
from schemas.measures import MeasureType


class Executor(StrEnum):
    """Who carries out a measure, seen from the message."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFact:
    """A consent as it stands: what its record says, less what was taken back since.

    Attributes:
        id: Identifier of the record.
        by_sender: Whether the sender of the message recorded it or confirmed it.
        for_recipient: Whether it names the recipient, in the capacity in which it receives.
        categories: What may be disclosed.
        purposes: Codes of grounds.
        valid_from: First day.
        valid_until: Last day.
        withdrawn: Whether it was withdrawn, here or in a record that confirms it or is confirmed by it.
        age: Age band on the day on which it was given.
        incapable: Whether others have to consent for the person.
        holders: How many hold authority over the person.
        givers: Who answered what.
        without_parents: Why the parents are left out, at 12 to 15.
    """

    id: str
    by_sender: bool
    for_recipient: bool
    categories: frozenset[Category]
    purposes: frozenset[str]
    valid_from: date
    valid_until: date
    withdrawn: bool
    age: AgeBand
    incapable: bool
    holders: int
    givers: tuple[GivenAnswer, ...]
    without_parents: WithoutParents | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureFact:
    """A measure as it stands.

    Attributes:
        id: Identifier of the statement.
        type: Which measure.
        executor: Who carries it out.
        valid_from: First day.
        valid_until: Last day; None while there is none.
        lapses_on: First day on which it no longer counts unless somebody confirms it; None where it needs no
            confirmation.
    """

    id: str
    type: MeasureType
    executor: Executor
    valid_from: date
    valid_until: date | None
    lapses_on: date | None = None

    @property
    def declared(self) -> bool:
        """Whether only the executing GI says so."""
        return self.lapses_on is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What is known of one person of a message.

    Attributes:
        consents: Newest first: a refusal counts against every consent that is older.
        measures: In any order.
    """

    consents: tuple[ConsentFact, ...] = ()
    measures: tuple[MeasureFact, ...] = ()


NOBODY_KNOWN = PersonFacts()
"""Of a person about whom there are no facts."""
