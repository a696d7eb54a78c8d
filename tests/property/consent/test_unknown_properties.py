"""What nobody knows is denied, what is of another type is denied, and nothing makes the decision fail."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from consent.decide import decide, decide_pseudonym
from consent.decision import Decision, Deny, Permit
from consent.facts import PersonFacts
from consent.grounds import Catalogue
from consent.reasons import Reason
from consent.request import (
    CorrectedFact,
    DisclosureRequest,
    Facts,
    QuestionFact,
)
from schemas.codes import AgeBand, Capacity, Category, Role
from schemas.consents import Answer, GivenAnswer
from tests.property.consent.questions import (
    AT,
    CATALOGUE,
    FEW,
    WHOLE,
    all_facts,
    ask,
    codes,
    moments,
    parties,
    permitted,
    requests,
    types,
    with_person,
)

SELDOM_NAMED: Final = Role.INKOOPORGANISATIE
"""Who stands on either side of few purposes only: who corrects, and what is counted."""

UNKNOWN: Final[dict[str, st.SearchStrategy[Any]]] = {
    "purpose": st.text().filter(lambda text: text not in codes),
    "message_type": st.text().filter(lambda text: text not in types),
    "sender": parties.filter(lambda party: party.role is SELDOM_NAMED),
    "recipient": parties.filter(lambda party: party.role is SELDOM_NAMED),
    "subjects": st.just(()),
}


@FEW
@given(permitted(), st.data())
def test_what_no_row_names_is_denied(question: tuple[DisclosureRequest, Facts], data: st.DataObject) -> None:
    request, facts = question
    named = {
        side
        for row in CATALOGUE.grounds
        for side in ("sender", "recipient")
        if row.code == request.purpose and SELDOM_NAMED in getattr(row, side).roles
    }
    member = data.draw(st.sampled_from(sorted(UNKNOWN.keys() - named)))
    decision = ask(replace(request, **{member: data.draw(UNKNOWN[member])}), facts, AT)
    assert isinstance(decision, Deny)


garbage = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.none()),
    st.dictionaries(st.text(), st.none()),
    st.sampled_from([*Role, *Capacity, *Category, *AgeBand]).map(str.__str__),
    st.just(CATALOGUE),
    st.builds(object),
)


@FEW
@given(garbage, garbage, garbage, garbage)
def test_garbage_is_denied_and_never_raises(request: Any, catalogue: Any, facts: Any, at: Any) -> None:
    assert decide(request, catalogue=catalogue, facts=facts, at=at) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.data())
def test_one_part_of_another_type_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    """Whatever one part is, it is not believed: garbage in its place denies."""
    request, facts = question
    of_facts = [field.name for field in fields(facts)]
    part = data.draw(
        st.sampled_from([*(field.name for field in fields(request)), "catalogue", "facts", "at", *of_facts])
    )
    wrong = data.draw(garbage.filter(lambda value: not fits(part, value)))
    decision = decide(
        replace(request, **{part: wrong}) if hasattr(request, part) else request,
        catalogue=wrong if part == "catalogue" else CATALOGUE,
        facts=wrong if part == "facts" else replace(facts, **{part: wrong}) if part in of_facts else facts,
        at=wrong if part == "at" else AT,
    )
    assert decision == Deny(reasons=(Reason.NOT_EVALUABLE,))


def fits(part: str, value: object) -> bool:
    """Whether this piece of garbage is, by chance, of the type of the part."""
    texts = {"purpose", "message_type", "profile", "element"}
    return (
        (part in texts and isinstance(value, str))
        or (part == "spoed" and isinstance(value, bool))
        or (part in {"necessary", "reply", "question", "corrected", "spoed_since"} and value is None)
        or (part == "catalogue" and isinstance(value, Catalogue))
        or (part == "category" and isinstance(value, Category))
    )


@FEW
@given(permitted(), st.data())
def test_a_broken_party_or_person_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    request, facts = question
    words: Callable[[Any], Any] = str  # a word of the right spelling is still of the wrong type
    broken: dict[str, Callable[[Any], DisclosureRequest]] = {
        "role": lambda wrong: replace(request, sender=replace(request.sender, role=wrong)),
        "capacity": lambda wrong: replace(request, recipient=replace(request.recipient, capacity=wrong)),
        "admitted": lambda wrong: replace(request, sender=replace(request.sender, admitted=wrong)),
        "one admitted": lambda wrong: replace(
            request, sender=replace(request.sender, admitted=frozenset({words(wrong)}))
        ),
        "subject role": lambda wrong: replace(request, subjects=(replace(request.subjects[0], role=wrong),)),
        "age": lambda wrong: replace(request, subjects=(replace(request.subjects[0], age=wrong),)),
        "turns": lambda wrong: replace(request, subjects=(replace(request.subjects[0], turns=wrong),)),
        "subjects": lambda wrong: replace(request, subjects=(*request.subjects, wrong)),
    }
    part = data.draw(st.sampled_from(sorted(broken)))
    wrong = data.draw(garbage.filter(lambda value: value is not None or part not in {"capacity", "turns"}))
    assert ask(broken[part](wrong), facts, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.data())
def test_a_broken_fact_is_denied_and_never_raises(
    question: tuple[DisclosureRequest, Facts], data: st.DataObject
) -> None:
    """Each part of each fact, with garbage in its place, and with a word of the right spelling."""
    request, facts = question
    person = facts.people[0]
    kind = data.draw(st.sampled_from(["consents", "measures"]))
    fact: Any = getattr(person, kind)[0]
    part = data.draw(st.sampled_from([field.name for field in fields(fact)]))
    wrong = data.draw(
        garbage.filter(
            lambda value: (
                not (part == "id" and isinstance(value, str))
                and not (part in {"valid_until", "lapses_on", "without_parents"} and value is None)
                and not (part in {"by_sender", "for_recipient", "withdrawn", "incapable"} and isinstance(value, bool))
                and not (part == "holders" and type(value) is int)
                and not (part == "age" and type(value) is AgeBand)
            )
        )
    )
    broken = with_person(
        facts, 0, lambda person: replace(person, **{kind: (replace(fact, **{part: wrong}), *getattr(person, kind))})
    )
    if not (kind == "consents" and part == "valid_until" and wrong is None):
        assert ask(request, broken, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), garbage)
def test_broken_people_and_sets_are_denied(question: tuple[DisclosureRequest, Facts], wrong: Any) -> None:
    request, facts = question
    answer = GivenAnswer(who=wrong, answer=Answer.YES)
    for broken in (
        replace(facts, people=(wrong,)),
        replace(facts, question=QuestionFact(categories=wrong)),
        replace(facts, corrected=CorrectedFact(categories=frozenset({str(type(wrong))}))),  # type: ignore[arg-type]
        replace(facts, people=(replace(facts.people[0], consents=wrong),)),
        replace(facts, people=(replace(facts.people[0], measures=[]),)),  # type: ignore[arg-type]
        replace(facts, people=(PersonFacts(consents=(replace(WHOLE, givers=(answer,)),)),)),
        replace(facts, people=(PersonFacts(consents=(replace(WHOLE, givers=(wrong,)),)),)),
        replace(facts, spoed_since=AT.replace(tzinfo=None)),
    ):
        assert ask(request, broken, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted())
def test_a_moment_in_the_place_of_a_birthday_is_denied(question: tuple[DisclosureRequest, Facts]) -> None:
    """A datetime is a date to Python, and comparing the two raises."""
    request, facts = question
    child = replace(request.subjects[0], age=AgeBand.FROM_12, turns=AT)
    assert ask(replace(request, subjects=(child,)), facts, AT) == Deny(reasons=(Reason.NOT_EVALUABLE,))


@FEW
@given(permitted(), st.datetimes(timezones=st.none() | st.timezones()))
def test_any_moment_at_all_gets_an_answer(question: tuple[DisclosureRequest, Facts], at: datetime) -> None:
    request, facts = question
    assert isinstance(ask(request, facts, at), Permit | Deny)


@FEW
@given(st.lists(st.builds(ask, requests, all_facts, moments), max_size=5))
def test_a_pseudonym_goes_exactly_when_something_about_the_person_goes(decisions: list[Decision]) -> None:
    goes = any(isinstance(decision, Permit) for decision in decisions)
    assert isinstance(decide_pseudonym(decisions), Permit) is goes
