"""What the format's README shows is so."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from connectors.formats import fhir
from connectors.formats.fhir.consent_members import CATEGORY, POLICY, SCOPE
from connectors.formats.fhir.scopes import CATEGORY_SYSTEM, PURPOSE_SYSTEM, ROLE_SYSTEM
from schemas.codes import AgeBand
from schemas.consents import Answer
from tests.support.commands import FENCE
from tests.support.fhir_consents import consent, drafts, provision
from tests.support.law_records import OTHER_GI
from tests.support.parties import GI

FOLDER: Final = Path(fhir.__file__).parent
README: Final = (FOLDER / "README.md").read_text("utf-8")


def test_the_worked_example_runs_and_says_what_it_says() -> None:
    block = next(text for _, language, text in FENCE.findall(README) if language == "python" and "fhir_example" in text)
    names: dict[str, Any] = {"json": json}
    exec(block, names)  # noqa: S102 - the block stands in our own README
    assert names["bundle"]["entry"][1]["resource"]["birthDate"] == "2014-03-02"
    assert names["document"].subjects[0].birth_date == "2014-03-02"
    written = names["fhir"].write(names["document"], withheld=(), at=names["at"])
    assert names["fhir"].read(written.data) == names["document"]


def test_the_worked_consent_comes_to_what_the_table_says() -> None:
    base = provision(
        "permit",
        categories=("zorgen", "hulpverlening", "gezondheid"),
        purposes=("VRIJW",),
        recipients=(GI, OTHER_GI),
        start="2026-10-01",
        end="2027-09-30",
        exceptions=(provision("deny", categories=("gezondheid",), recipients=(GI,)),),
    )
    found = drafts({**consent(), "provision": base})
    rows = [
        (
            ", ".join(each.answer.value for each in draft.givers),
            ", ".join(sorted(draft.categories)),
            ", ".join(f"…{each.oin.value[-4:]}" for each in draft.recipients if each.oin),
        )
        for draft in found
    ]
    assert [f"| {number} | {' | '.join(row)} |" in README for number, row in enumerate(rows, start=1)] == [True] * 3
    assert found[0].age is AgeBand.UNDER_12
    assert [each.givers[0].answer for each in found] == [Answer.YES, Answer.YES, Answer.NO]


def test_every_system_and_code_of_a_consent_is_named() -> None:
    named = (CATEGORY_SYSTEM, PURPOSE_SYSTEM, ROLE_SYSTEM, POLICY, SCOPE[1], CATEGORY[1])
    assert [each for each in named if each not in README] == []


def codes(module: str) -> Iterator[str]:
    """Yield the codes of the findings of a module: the second argument of `issue` and `_add`."""
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"issue", "self._add"} and len(node.args) > 1:
            code = node.args[1]
            if isinstance(code, ast.Constant):
                yield str(code.value)


def test_every_code_of_a_refused_bundle_is_named() -> None:
    found = {code for module in ("reading", "heading", "people") for code in codes(module)}
    assert len(found) > 12
    assert {code for code in found if f"`{code}`" not in README and f"sender.fhir.{code}`" not in README} == set()
