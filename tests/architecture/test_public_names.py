"""What a package shows to others is a list that somebody chose; a change of it is seen here."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.tree import modules

PUBLIC: Final = {
    "connectors/formats/fhir": "ConsentDraft FhirFormat read_bundle read_consent write_bundle write_consent",
    "connectors/formats/stuf": """
        AnswerCode Conventions Fault FaultPlace StufAnswer StufFormat read_answer read_stuf write_answer write_document
        write_stuf
    """,
    "consent": """
        NO_FACTS Addressee Catalogue ConsentFact CorrectedFact DataSubject Decision DecisionMemo Deny
        DisclosureRequest Exchange Executor Explanation Facts Ground Mark MeasureFact Party Permit PersonFacts
        QuestionFact Reason ReplyFact Route Standing check_record check_statement consent_facts contradictions
        corrected_fact decide decide_pseudonym explain explain_ground load_catalogue measure_facts
        packaged_catalogue question_fact reply_fact standing_measures
    """,
    "schemas/definitions": """
        Code CodeList ContentRule Definitions ElementDefinition ReplyValue GroupMember GroupRule MessageType Need
        Part Profile ReplyRule ValueType When json_schemas load_definitions read_definitions
    """,
    "schemas/fhir": """
        BundleHead bundle_to_items check_claims check_resource check_values claimed_correction claimed_question
        document_to_bundle is_last_reply item_to_resource resource_to_item
        warm_up
    """,
}
"""Names that may be imported from a package itself. A package that is not here shows its modules and no names."""

FACES: Final = {
    path.removesuffix("/__init__.py"): module
    for path, module in modules("schemas", "consent", "audit", "hub", "connectors", "deploy")
    if path.endswith("/__init__.py")
}


def public_names(module: ast.Module) -> list[str]:
    """Return the names in `__all__`, or none."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names = ast.literal_eval(node.value)
            assert isinstance(names, list)
            return names
    return []


def imported_names(module: ast.Module) -> Iterator[str]:
    """Yield every name that a module binds by importing it."""
    for node in module.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


@pytest.mark.parametrize("package", FACES)
def test_the_public_names_of_a_package_are_listed(package: str) -> None:
    """What others may use is what is written here."""
    assert sorted(public_names(FACES[package])) == sorted(PUBLIC.get(package, "").split())


@pytest.mark.parametrize("package", FACES)
def test_a_package_shows_what_it_imports_and_does_nothing(package: str) -> None:
    """Its `__init__` is a docstring, imports and `__all__`; every name that it imports is for others."""
    module = FACES[package]
    assert ast.get_docstring(module)
    others = [
        node for node in module.body[1:] if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_all(node)
    ]
    assert [ast.unparse(node) for node in others] == []
    assert sorted(imported_names(module)) == sorted(public_names(module))


def test_no_package_that_has_names_is_gone() -> None:
    """The list above holds no package that is not there."""
    assert PUBLIC.keys() <= FACES.keys()


@pytest.mark.parametrize("path", [path for path, _ in modules("schemas", "consent", "audit", "hub", "connectors")])
def test_every_module_says_what_it_is(path: str) -> None:
    """A module begins with what it is for."""
    docstring = ast.get_docstring(_MODULES[path])
    assert docstring
    assert docstring.splitlines()[0].rstrip().endswith((".", ":", "?"))


_MODULES: Final = dict(modules())


def _is_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
