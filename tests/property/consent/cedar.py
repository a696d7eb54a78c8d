"""A catalogue as a set of Cedar policies, and a question as requests to it: the second opinion on every decision.

Each row becomes one `permit`, made from the data of the row; what holds for every message becomes a `forbid`. Nothing
of `consent.decide`, `consent.ties`, `consent.consents` or `consent.measures` is used: the conditions are written again,
in another language, and another engine evaluates them.

Cedar has no "for all": a question about several persons is asked once for each of them, and of one person's records up
to `RECORDS_MAX` stand in the context one by one, newest first. What is about a parent or another person is bound to the
case by a child of the message, so for those each person's measures are tried.

Moments and days are numbers; `FAR` stands for a day that never comes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import cedarpy

from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Carries, Catalogue, Ground, Tie
from consent.request import DataSubject, DisclosureRequest, Facts, civil_day
from schemas.codes import AgeBand, Capacity, Role, SubjectRole
from schemas.consents import Answer, Giver
from schemas.measures import MeasureType

RECORDS_MAX: Final = 2
FAR: Final = date.max.toordinal()

_MESSAGE_ITSELF: Final = (
    *(
        f"bericht/{name}"
        for name in ("reference", "sentAt", "senderSystem", "recipientSystem", "recipientUnit", "spoedNote")
    ),
    *(f"vraag/{name}" for name in ("categories", "term", "accepted", "refusal")),
    *(f"correctie/{name}" for name in ("corrects", "reason", "requestedBy")),
)
"""What a message says of itself: it comes with every answer and every correction."""

_AGES: Final = {AgeBand.UNBORN: 0, AgeBand.UNDER_12: 1, AgeBand.FROM_12: 2, AgeBand.FROM_16: 3, AgeBand.ADULT: 4}
_UNKNOWN: Final = -1
_KIND: Final = {
    MeasureType.OTS: "ots",
    MeasureType.PROVISIONAL_OTS: "ots",
    MeasureType.VOOGDIJ: "voogdij",
    MeasureType.PROVISIONAL_VOOGDIJ: "voogdij",
}


# ---- the policies ----


def policies(catalogue: Catalogue, purpose: str) -> str:
    """The rows of one purpose as Cedar text, and what holds for every message."""
    named = sorted(
        {
            capacity.value
            for row in catalogue.grounds
            for side in (row.sender, row.recipient)
            for capacity in side.capacities
        }
    )
    wrong = [
        f'context.{side}Role == "gi" && !({_among(named, f"{side}Capacity")}'
        f" && context.{side}Admitted.contains(context.{side}Capacity))"
        for side in ("sender", "recipient")
    ] + [f'context.{side}Role != "gi" && context.{side}Capacity != ""' for side in ("sender", "recipient")]
    conditions = " || ".join(f"({condition})" for condition in [*wrong, f"context.age < {_UNKNOWN}"])
    always = f"forbid (principal, action, resource) when {{ {conditions} }};"
    rows = [_permit(row) for row in catalogue.rows(purpose) if row.in_force and row.carries is Carries.ELEMENTS]
    return "\n".join((always, *rows))


def _permit(row: Ground) -> str:
    until = FAR if row.valid_until is None else row.valid_until.toordinal()
    conditions = [
        f"context.day >= {row.valid_from.toordinal()} && context.day <= {until}",
        _side("sender", row),
        _side("recipient", row),
        _among(row.message_types, "type"),
        *(
            f'(resource != Category::"{category}" || {_among(elements, "element")})'
            for category, elements in row.only.items()
        ),
        *(f'(resource != Category::"{category}" || context.necessary)' for category in row.necessary),
        *(_tie(tie, row) for tie in row.ties),
    ]
    categories = ", ".join(f'Category::"{category}"' for category in sorted(row.categories))
    return (
        f'@id("{row.name}")\npermit (principal, action == Action::"{row.code}", resource)\n'
        f"when {{ resource in [{categories}] }}\n"
        + "\n".join(f"when {{ {condition} }}" for condition in conditions)
        + ";"
    )


def _side(name: str, row: Ground) -> str:
    side = row.sender if name == "sender" else row.recipient
    others = _among(side.roles - {Role.GI}, f"{name}Role")
    gi = f'(context.{name}Role == "gi" && {_among(side.capacities, f"{name}Capacity")})'
    return f"{others} || {gi if Role.GI in side.roles else 'false'}"


def _tie(tie: Tie, row: Ground) -> str:
    itself = _among(_MESSAGE_ITSELF, "label")
    match tie:
        case Tie.REPLY:
            return '!(context has answers && context.answers == "informatieverzoek")'
        case Tie.ASKED:
            return f"context has asked && ({itself} || context.asked.contains(context.category))"
        case Tie.PRIOR:
            return f"context has released && ({itself} || context.released.contains(context.category))"
        case Tie.MEASURE | Tie.MEASURE_OF_EITHER:
            return _measure(row)
        case Tie.CONSENT:
            return _consent()
        case _:
            return "false"


def _measure(row: Ground) -> str:
    """A measure of the right kind runs, carried out by who acts, and by nobody else; or an emergency stands in."""
    sender, recipient = (side.roles == {Role.GI} for side in (row.sender, row.recipient))
    acting = [name for name, acts in (("sender", sender), ("recipient", recipient)) if acts]
    capacity = "context.senderCapacity" if sender else "context.recipientCapacity"
    names = [f"m{number}" for number in range(1, RECORDS_MAX + 1)]
    kind = {name: f"context has {name} && context.{name}.kind == {capacity}" for name in names}
    in_time = {name: f"context.{name}.first <= context.day && context.day <= context.{name}.last" for name in names}
    live = {name: f"({kind[name]} && {in_time[name]} && context.day < context.{name}.lapses)" for name in names}
    mine = " || ".join(f"({live[name]} && {_among(acting, f'{name}.executor')})" for name in names)
    one, other = names
    contradicted = f"({live[one]} && {live[other]} && context.{one}.executor != context.{other}.executor)"
    runs = f"(({mine}) && !{contradicted})"
    if row.spoed_hours is None:
        return runs
    lapsed = " || ".join(
        f"({kind[name]} && {in_time[name]} && context.{name}.lapses <= context.day"
        f" && {_among(acting, f'{name}.executor')})"
        for name in names
    )
    nothing_else = f"!({' || '.join(live.values())}) && !({lapsed})"
    return f"{runs} || (context.spoed && context.hours < {row.spoed_hours} && {nothing_else})"


def _consent() -> str:
    """The newest answer of whoever must be asked is a yes, recorded by the sender."""
    names = [f"c{number}" for number in range(1, RECORDS_MAX + 1)]
    one, other = names
    good = {name: f"(context has {name} && {_good(f'context.{name}')})" for name in names}
    refused = f"(context has {one} && {_refused(f'context.{one}')})"
    return f"{good[one]} || (!{refused} && {good[other]})"


def _about(consent: str) -> str:
    return (
        f"{consent}.forRecipient && {consent}.first <= context.day && context.day <= {consent}.last"
        f" && {consent}.categories.contains(context.category) && {consent}.purposes.contains(context.purpose)"
    )


def _who(consent: str) -> dict[str, str]:
    """Whose answer counts, by age, capability and the reason to leave the parents out."""
    minor = f"(context.age == 2 || context.age == 3) && {consent}.incapable"
    alone = f"context.age == 2 && {consent}.withoutParents"
    return {
        "holder": f"(context.age == 0 || context.age == 1 || ({minor}) || (context.age == 2 && !({alone})))",
        "self": f"(context.age >= 2 && !{consent}.incapable)",
        "representative": f"(context.age == 4 && {consent}.incapable)",
    }


def _refused(consent: str) -> str:
    """Somebody whose answer counts said no; that this was withdrawn later is still no yes."""
    no = " || ".join(f"({asked} && {consent}.{who}No > 0)" for who, asked in _who(consent).items())
    return f"({_about(consent)} && ({no}))"


def _good(consent: str) -> str:
    who = _who(consent)
    return (
        f"({_about(consent)} && !{consent}.withdrawn && {consent}.bySender && context.age >= 0"
        f" && {consent}.age <= context.age && !{_refused(consent)}"
        f" && (!{who['self']} || {consent}.selfYes > 0)"
        f" && (!{who['representative']} || {consent}.representativeYes > 0)"
        f" && (!{who['holder']} || ({consent}.holders > 0 && {consent}.holderYes >= {consent}.holders)))"
    )


def _among(words: Iterable[str], part: str) -> str:
    """Whether a part of the context is one of these words; Cedar knows no set without a type."""
    listed = ", ".join(f'"{word}"' for word in sorted(words))
    return f"[{listed}].contains(context.{part})" if listed else "false"


SCHEMA: Final = """
entity Participant;
entity Category;
type Consent = {{
  selfYes: Long, selfNo: Long, holderYes: Long, holderNo: Long, representativeYes: Long, representativeNo: Long,
  bySender: Bool, forRecipient: Bool, categories: Set<String>, purposes: Set<String>, first: Long, last: Long,
  withdrawn: Bool, age: Long, incapable: Bool, holders: Long, withoutParents: Bool,
}};
type Measure = {{ kind: String, executor: String, first: Long, last: Long, lapses: Long }};
action "{purpose}" appliesTo {{
  principal: Participant,
  resource: Category,
  context: {{
    day: Long, purpose: String, type: String, category: String, element: String, label: String, necessary: Bool,
    spoed: Bool, hours: Long, age: Long,
    senderRole: String, senderCapacity: String, senderAdmitted: Set<String>,
    recipientRole: String, recipientCapacity: String, recipientAdmitted: Set<String>,
    answers?: String, asked?: Set<String>, released?: Set<String>,
    c1?: Consent, c2?: Consent, m1?: Measure, m2?: Measure,
  }},
}};
"""
"""What a request to the policies of one purpose may hold; the policies are validated against it."""


def validated(catalogue: Catalogue, purpose: str) -> str:
    """The policies of a purpose, checked against the schema by Cedar's own validator.

    Raises:
        AssertionError: They ask for something that no request has.
    """
    text = policies(catalogue, purpose)
    result = cedarpy.validate_policies(text, SCHEMA.format(purpose=purpose))
    assert result.validation_passed, [error.error for error in result.errors]
    return text


# ---- the requests ----

Asked = tuple[DisclosureRequest, Facts, datetime]
"""A question with what is known and when."""


def requests(
    question: DisclosureRequest, facts: Facts, at: datetime
) -> tuple[list[dict[str, Any]], list[list[list[int]]]]:
    """A question as Cedar requests, and how their answers are joined.

    Returns:
        The requests; and for each person the ways in which it can be permitted: each is a list of requests of which
        all must be permitted.
    """
    asked: list[dict[str, Any]] = []
    joined: list[list[list[int]]] = []
    for subject in question.subjects:
        own = facts.people[subject.place] if subject.place < len(facts.people) else PersonFacts()
        if subject.role is SubjectRole.JEUGDIGE or not facts.people:
            asked.append(_request((question, facts, at), subject, own=own, measured=own))
            joined.append([[len(asked) - 1]])
            continue
        ways: list[list[int]] = []
        calm = replace(question, spoed=False)
        for person in facts.people:
            asked.append(_request((calm, facts, at), subject, own=own, measured=person))
            ways.append([len(asked) - 1])
        together = []
        for person in facts.people:
            asked.append(_request((question, facts, at), subject, own=own, measured=person))
            together.append(len(asked) - 1)
        joined.append([*ways, together])
    return asked, joined


def _request(asked: Asked, subject: DataSubject, *, own: PersonFacts, measured: PersonFacts) -> dict[str, Any]:
    """One request: about one person, with his consents, and the measures of himself or of another."""
    question, facts, at = asked
    day = civil_day(at)
    assert day is not None
    context: dict[str, Any] = {
        "day": day.toordinal(),
        "purpose": question.purpose,
        "type": question.message_type,
        "category": question.category.value,
        "element": question.element,
        "label": f"{question.profile}/{question.element}",
        "necessary": question.necessary is not None,
        "spoed": question.spoed,
        "hours": 0 if facts.spoed_since is None else (at - facts.spoed_since) // timedelta(hours=1),
        "age": _age(subject, day),
    }
    for name, party in (("sender", question.sender), ("recipient", question.recipient)):
        context[f"{name}Role"] = party.role.value
        context[f"{name}Capacity"] = "" if party.capacity is None else party.capacity.value
        context[f"{name}Admitted"] = [capacity.value for capacity in Capacity if capacity in party.admitted]
    if facts.reply is not None:
        context["answers"] = facts.reply.message_type
    if facts.question is not None:
        context["asked"] = [category.value for category in facts.question.categories]
    if facts.corrected is not None:
        context["released"] = [category.value for category in facts.corrected.categories]
    assert max(len(own.consents), len(measured.measures)) <= RECORDS_MAX
    context |= {f"c{number}": _consent_record(fact) for number, fact in enumerate(own.consents, start=1)}
    context |= {f"m{number}": _measure_record(fact) for number, fact in enumerate(measured.measures, start=1)}
    return {
        "principal": 'Participant::"sender"',
        "action": f'Action::"{question.purpose}"',
        "resource": f'Category::"{question.category.value}"',
        "context": context,
    }


def _age(subject: DataSubject, day: date) -> int:
    """The place of the age band on the day; below `_UNKNOWN` where it contradicts its birthday."""
    if subject.turns is None:
        return _AGES.get(subject.age, _UNKNOWN)
    place = _AGES.get(subject.age, len(_AGES))
    if place + 1 >= len(_AGES):
        return _UNKNOWN - 1
    return place if day < subject.turns else place + 1


def _consent_record(fact: ConsentFact) -> dict[str, Any]:
    groups = {
        "self": {Giver.SELF},
        "holder": {Giver.PARENT, Giver.GUARDIAN},
        "representative": {Giver.REPRESENTATIVE},
    }
    counts = {
        f"{name}{word}": sum(given.who in group and given.answer is answer for given in fact.givers)
        for name, group in groups.items()
        for word, answer in (("Yes", Answer.YES), ("No", Answer.NO))
    }
    return counts | {
        "bySender": fact.by_sender,
        "forRecipient": fact.for_recipient,
        "categories": [category.value for category in fact.categories],
        "purposes": sorted(fact.purposes),
        "first": fact.valid_from.toordinal(),
        "last": fact.valid_until.toordinal(),
        "withdrawn": fact.withdrawn,
        "age": _AGES.get(fact.age, 0),
        "incapable": fact.incapable,
        "holders": fact.holders,
        "withoutParents": fact.without_parents is not None,
    }


def _measure_record(fact: MeasureFact) -> dict[str, Any]:
    executors = {Executor.SENDER: "sender", Executor.RECIPIENT: "recipient", Executor.OTHER: "other"}
    return {
        "kind": _KIND[fact.type],
        "executor": executors[fact.executor],
        "first": fact.valid_from.toordinal(),
        "last": FAR if fact.valid_until is None else fact.valid_until.toordinal(),
        "lapses": FAR if fact.lapses_on is None else fact.lapses_on.toordinal(),
    }


def answers(catalogue: Catalogue, purpose: str, questions: Iterable[Asked]) -> Iterator[str | None]:
    """Ask Cedar: for each question the name of the row that permits it, or None.

    Raises:
        AssertionError: A policy could not be evaluated: the encoding is wrong.
    """
    plans: list[tuple[int, list[list[list[int]]]]] = []
    batch: list[dict[str, Any]] = []
    for question, facts, at in questions:
        asked, joined = requests(question, facts, at)
        plans.append((len(batch), joined))
        batch += asked
    text = validated(catalogue, purpose)
    # Cedar names policies by their place; the first is what holds for every message.
    names = dict(enumerate(re.findall(r'@id\("(.*)"\)', text), start=1))
    results = cedarpy.is_authorized_batch(batch, cedarpy.PolicySet.from_str(text), "[]")
    for start, joined in plans:
        found = {_row(person, results, start, names) for person in joined}
        # Every person must be permitted, and all by one row: two rows of a ground never hold for one message.
        yield found.pop() if len(found) == 1 else None


def _row(ways: list[list[int]], results: list[cedarpy.AuthzResult], start: int, names: dict[int, str]) -> str | None:
    """The row by which one person is permitted in one of the ways; None if in none."""
    for way in ways:
        of_way = [results[start + number] for number in way]
        assert not any(result.diagnostics.errors for result in of_way)
        if all(result.allowed for result in of_way):
            (reason,) = {reason for result in of_way for reason in result.diagnostics.reasons}
            return names[int(reason.removeprefix("policy"))]
    return None
