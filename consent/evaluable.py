"""Whether a question can be evaluated: every part of it is of the type that its annotation promises.

Annotations are not believed here. A decision that stumbled over a part of another type would raise, and one that
compared it would answer by chance; both must be a denial.
"""

from datetime import date, datetime
from types import UnionType
from typing import Any

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Catalogue
from consent.request import CorrectedFact, DataSubject, DisclosureRequest, Facts, Party, QuestionFact, ReplyFact
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role, SubjectRole
from schemas.consents import Answer, GivenAnswer, Giver, WithoutParents
from schemas.measures import MeasureType


def is_evaluable(request: object, catalogue: object, facts: object, at: object) -> bool:
    """Say whether every part of a question is of its type; whether `at` is a day is not checked here."""
    return _is_request(request) and isinstance(catalogue, Catalogue) and _is_facts(facts) and isinstance(at, datetime)


def _is_request(request: object) -> bool:
    return (
        isinstance(request, DisclosureRequest)
        and _is_party(request.sender)
        and _is_party(request.recipient)
        and _are(str, request.purpose, request.message_type, request.profile, request.element)
        and _are(Category, request.category)
        and _are(tuple, request.subjects)
        and all(map(_is_subject, request.subjects))
        and _are(Necessity | None, request.necessary)
        and _are(bool, request.spoed)
    )


def _is_party(party: object) -> bool:
    return (
        isinstance(party, Party)
        and _are(Role, party.role)
        and _are(Capacity | None, party.capacity)
        and _is_set(party.admitted, Capacity)
    )


def _is_subject(subject: object) -> bool:
    return (
        isinstance(subject, DataSubject)
        and _are(SubjectRole, subject.role)
        and _are(AgeBand, subject.age)
        and (subject.turns is None or _is_day(subject.turns))
        and _are(int, subject.place)
    )


def _is_facts(facts: object) -> bool:
    return (
        isinstance(facts, Facts)
        and (facts.reply is None or (_are(ReplyFact, facts.reply) and _are(str, facts.reply.message_type)))
        and (facts.question is None or (_are(QuestionFact, facts.question) and _is_set(facts.question.categories)))
        and (facts.corrected is None or (_are(CorrectedFact, facts.corrected) and _is_set(facts.corrected.categories)))
        and _are(tuple, facts.people)
        and all(map(_is_person, facts.people))
        and (facts.spoed_since is None or _is_moment(facts.spoed_since))
    )


def _is_person(person: object) -> bool:
    return (
        isinstance(person, PersonFacts)
        and type(person.consents) is tuple
        and type(person.measures) is tuple
        and all(map(_is_consent, person.consents))
        and all(map(_is_measure, person.measures))
    )


# Of these a message can have many, and every first decision about an element looks at all: no loop, no helper. They are
# typed `Any` because what their annotations promise is just what is in doubt.
_CONSENT: type[Any] = ConsentFact


def _is_consent(fact: Any) -> bool:
    return (
        type(fact) is _CONSENT
        and type(fact.id) is str
        and type(fact.by_sender) is bool
        and type(fact.for_recipient) is bool
        and type(fact.withdrawn) is bool
        and type(fact.incapable) is bool
        and _is_set(fact.categories)
        and _is_set(fact.purposes, str)
        and type(fact.valid_from) is date
        and type(fact.valid_until) is date
        and type(fact.age) is AgeBand
        and type(fact.holders) is int
        and type(fact.givers) is tuple
        and all(map(_is_answer, fact.givers))
        and (fact.without_parents is None or type(fact.without_parents) is WithoutParents)
    )


def _is_answer(given: Any) -> bool:
    return type(given) is GivenAnswer and type(given.who) is Giver and type(given.answer) is Answer


def _is_measure(fact: Any) -> bool:
    return (
        type(fact) is MeasureFact
        and type(fact.id) is str
        and type(fact.type) is MeasureType
        and type(fact.executor) is Executor
        and type(fact.valid_from) is date
        and (fact.valid_until is None or type(fact.valid_until) is date)
        and (fact.lapses_on is None or type(fact.lapses_on) is date)
    )


def _is_day(value: object) -> bool:
    """A datetime is a date to `isinstance` but cannot be compared with one."""
    return type(value) is date


def _is_moment(value: object) -> bool:
    return isinstance(value, datetime) and value.utcoffset() is not None


def _is_set(values: object, kind: type = Category) -> bool:
    return isinstance(values, frozenset) and {kind}.issuperset(map(type, values))


def _are(kind: type | UnionType, *values: object) -> bool:
    return all(isinstance(value, kind) for value in values)
