"""What the README of the package says is what the package does."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources

import pytest

from consent.consents import Addressee, check_record, consent_facts
from consent.decide import decide
from consent.decision import Decision, Deny
from consent.facts import Executor, PersonFacts
from consent.grounds import Tie
from consent.measures import measure_facts, weigh_measures
from consent.reasons import Mark, Reason
from consent.request import NO_FACTS, Facts
from schemas.codes import AgeBand, Capacity, Category, Necessity, Role
from schemas.consents import ConsentRecipient, ConsentRecord, ConsentStatus
from schemas.identifiers import OIN
from schemas.measures import MeasureStatement
from tests.support.law_records import OTHER_GI, PARENT_YES, SELF_YES, consent_record, measure_statement, on
from tests.support.parties import GEMEENTE, GI, RAAD, message_id
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, VTO, gi

README = resources.files("consent").joinpath("README.md").read_text(encoding="utf-8")


def reasons(decision: Decision) -> list[str]:
    return [reason.value for reason in decision.reasons] if isinstance(decision, Deny) else []


def test_the_example_in_python_runs_and_speaks_dutch_first(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own README is what is tested
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "Dit mag alleen als het noodzakelijk is genoemd, en dat staat er niet bij."


@pytest.mark.parametrize(
    ("category", "necessary", "denied"),
    [
        (Category.IDENTIFICATIE, None, []),
        (Category.GEZONDHEID, Necessity.PROFESSIONAL, []),
        (Category.STRAFRECHT, None, ["necessity-missing"]),
        (Category.KLACHT, None, ["category-not-in-ground"]),
    ],
)
def test_the_worked_example_has_the_answers_that_it_tells(
    category: Category, necessary: Necessity | None, denied: list[str]
) -> None:
    request = replace(VTO, category=category, necessary=necessary)
    assert reasons(decide(request, catalogue=CATALOGUE, facts=NO_FACTS, at=AT)) == denied
    to_gi = decide(replace(request, recipient=gi(Capacity.OTS)), catalogue=CATALOGUE, facts=NO_FACTS, at=AT)
    assert reasons(to_gi) == ["recipient-role-not-in-ground", *denied]
    early = decide(request, catalogue=CATALOGUE, facts=NO_FACTS, at=AT.replace(year=2014, month=12, day=31))
    assert reasons(early) == ["ground-not-yet-valid", *denied]


@pytest.mark.parametrize("tie", Tie)
def test_every_tie_is_told_with_reasons_that_there_are(tie: Tie) -> None:
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{tie}` |")]
    told = re.findall(r"`([a-z-]+)`", row.split("|")[3])
    assert told
    for code in told:
        assert code in {each.value for each in (*Reason, *Mark)}


# ---- the example of a family of records ----


def test_the_example_of_a_family_of_records_is_what_happens() -> None:
    both = frozenset({ConsentRecipient(oin=GEMEENTE), ConsentRecipient(oin=GI)})
    care = frozenset({Category.ZORGEN, Category.HULPVERLENING})
    first = consent_record(1, recipients=both, categories=care)
    second = replace(first, id=message_id(2), issuer=GI, confirms=first.id)
    third = replace(
        second, id=message_id(3), confirms=None, replaces=second.id, categories=care - {Category.HULPVERLENING}
    )
    fourth = replace(
        first,
        id=message_id(4),
        age=AgeBand.FROM_12,
        givers=(SELF_YES, PARENT_YES, PARENT_YES),
        categories=frozenset({Category.ZORGEN}),
    )
    fifth = replace(third, id=message_id(5), replaces=third.id, status=ConsentStatus.WITHDRAWN)
    birthday = date(2026, 11, 5)

    def told(day: date, category: Category, *records: ConsentRecord, of_gi: bool = False) -> list[str]:
        sender, recipient = (GI, GEMEENTE) if of_gi else (GEMEENTE, GI)
        role, capacity = (Role.GEMEENTE, None) if of_gi else (Role.GI, Capacity.PREVENTIEF)
        facts = consent_facts(records, sender=sender, recipient=Addressee(oin=recipient, role=role, capacity=capacity))
        parties = (VTO.sender, gi(Capacity.PREVENTIEF))
        request = replace(
            VTO,
            sender=parties[of_gi],
            recipient=parties[not of_gi],
            purpose="VRIJW",
            message_type="casusinformatie",
            category=category,
            subjects=(replace(CHILD, turns=birthday),),
        )
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return reasons(decide(request, catalogue=CATALOGUE, facts=Facts(people=(PersonFacts(consents=facts),)), at=at))

    october, november = date(2026, 10, 2), date(2026, 11, 2)
    assert told(october, Category.ZORGEN, first, second) == []
    assert told(october, Category.HULPVERLENING, first, second, of_gi=True) == []
    assert told(november, Category.HULPVERLENING, first, second, third) == ["consent-not-for-category"]
    assert told(november, Category.ZORGEN, first, second, third) == []
    assert told(birthday, Category.ZORGEN, first, second, third) == ["consent-givers-incomplete"]
    assert told(birthday, Category.ZORGEN, first, second, third, fourth) == []
    assert told(november, Category.ZORGEN, first, second, third, fifth) == ["consent-withdrawn"]
    assert told(birthday, Category.ZORGEN, first, second, third, fourth, fifth) == []
    for number, record in enumerate((first, second, third, fourth, fifth)):
        assert check_record(record, known=(first, second, third, fourth)[:number]) == ()


def test_the_example_of_a_handover_is_what_happens() -> None:
    by_raad = measure_statement(1)
    handover = date(2026, 10, 1)
    by_b = replace(
        by_raad,
        id=message_id(2),
        issued_at=on(date(2026, 9, 30)),
        issuer=OTHER_GI,
        executor=OTHER_GI,
        valid_from=handover,
        decided=date(2026, 9, 28),
    )
    by_a = replace(by_b, id=message_id(3), issued_at=by_b.issued_at + 1, issuer=GI, confirms=by_b.id)

    def told(executor: OIN, day: date, *statements: MeasureStatement) -> list[str]:
        facts = measure_facts(statements, sender=RAAD, recipient=executor, raden=frozenset({RAAD}))
        found = weigh_measures(facts, acting={Executor.RECIPIENT}, capacity=Capacity.OTS, day=day)
        return [reason.value for reason in found.reasons]

    for executor in (GI, OTHER_GI):
        assert told(executor, handover, by_raad, by_b) == ["measure-contradicted"]
    assert told(GI, handover, by_raad, by_b, by_a) == ["measure-ended", "measure-other-executor"]
    assert told(GI, date(2026, 9, 30), by_raad, by_b, by_a) == []
    for day in (handover, date(2026, 10, 30), date(2027, 6, 30)):
        assert told(OTHER_GI, day, by_raad, by_b, by_a) == []


def test_every_reason_about_consent_and_measures_is_told() -> None:
    for reason in Reason:
        if reason.value.startswith(("consent-", "measure-", "spoed-")):
            assert f"`{reason.value}`" in README
