"""What the README of the package says is what the package does."""

import re
from dataclasses import replace
from importlib import resources

import pytest

import consent
from consent.decide import decide
from consent.decision import Decision, Deny
from consent.grounds import Tie
from consent.reasons import Mark, Reason
from consent.request import NO_FACTS
from schemas.codes import Capacity, Category, Necessity
from tests.unit.consent.builders import AT, CATALOGUE, VTO, gi

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


def test_the_public_names_are_these() -> None:
    assert sorted(consent.__all__) == sorted(name for name in consent.__all__ if hasattr(consent, name))
    assert set(consent.__all__) == {
        "NO_FACTS",
        "Catalogue",
        "DataSubject",
        "Decision",
        "DecisionMemo",
        "Deny",
        "DisclosureRequest",
        "Exchange",
        "Explanation",
        "Facts",
        "Ground",
        "Mark",
        "Party",
        "Permit",
        "Reason",
        "ReplyFact",
        "Route",
        "decide",
        "decide_pseudonym",
        "explain",
        "explain_ground",
        "load_catalogue",
        "packaged_catalogue",
        "reply_fact",
    }
