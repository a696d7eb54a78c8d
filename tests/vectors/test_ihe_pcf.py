"""IHE PCF's published Consents, and what its pages say must come out of each."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
from fhir.resources.R4B.consent import Consent

from connectors.formats.fhir import read_consent
from connectors.formats.fhir.provisions import Provision, read_provision
from schemas.errors import DocumentError, Issue
from schemas.fhir import check_resource
from tests.support.fhir_consents import PERSON, consent
from tests.support.pcf import Residual, Token, evaluate
from tests.support.shared import shared_path

USERS: Final = {
    "any user the domain policy accepts": frozenset[str](),
    "anyone": frozenset[str](),
    "any other accepted user": frozenset({"Practitioner/somebody-else"}),
    "Practitioner/ex-practitioner": frozenset({"Practitioner/ex-practitioner"}),
    "belongs to Organization/ex-org-researcher": frozenset({"Organization/ex-org-researcher"}),
    "outside that organization": frozenset({"Organization/another"}),
    "member of Group/ex-privilegedUsers": frozenset({"Group/ex-privilegedUsers"}),
    "member of Group/ex-privilegedUsers who declared break-glass": frozenset({"Group/ex-privilegedUsers"}),
    "not authorised to declare break-glass": frozenset[str](),
}
PURPOSES: Final = {"any other": ["HMARKT"], "any": ["TREAT", "FooBar", "HRESCH"], "any other than BTG": ["TREAT"]}
DAYS: Final = {"before the end of the provision period (2022-12-31)": "2022-12-30", "after 2022-12-31": "2023-01-01"}
DAY: Final = "2022-07-01"
WITHOUT_EXPECTATION: Final = {"ex-consent-basic-treat-infant", "ex-consent-basic-research"}
DEFECTS: Final = {
    "ex-consent-intermediate-timeframe": "patient_id",
    "ex-consent-intermediate-not-timeframe": "doc_id",
    "ex-consent-intermediate-not-authoredby": "deny",
    "ex-dissent-intermediate-break-glass": "doc_id",
    "ex-consent-advanced-normal": "doc_id",
    "ex-consent-advanced-normal-restricted": "doc_id",
    "ex-consent-advanced-normal-not-restricted": "doc_id",
    "ex-consent-advanced-normal-focused-psy": "doc_id",
    "ex-consent-advanced-normal-focused-psy-or-sdv": "doc_id",
}
"""Slips upstream: identifiers are not compared; a residual of type `deny`, which IUA does not know, is `forbid`."""
OTHER_PURPOSE: Final = {("ex-consent-advanced-normal-break-glass-restricted", "BTG")}
"""Declared BTG, and referred for its token to a Consent whose token is for TREAT: the purpose asked for is compared."""

JSON = dict[str, Any]  # parsed JSON of the vectors


@cache
def load(name: str) -> JSON:
    """Return a file of the vectors."""
    found: JSON = json.loads(shared_path(f"vectors/ihe-pcf/{name}").read_bytes())
    return found


def consents() -> dict[str, JSON]:
    """Return the published Consents by id."""
    return {each["resource"]["id"]: each["resource"] for each in load("consents.json")["consents"]}


def provision_of(consent: JSON) -> Provision:
    """Read the provisions of a Consent, without a finding."""
    issues: list[Issue] = []
    found = read_provision(consent["provision"], pointer="/provision", issues=issues)
    assert issues == []
    assert found is not None
    return found


def expectations() -> Iterator[tuple[str, JSON]]:
    """List every published expectation: consent and case."""
    for each in load("expected_tokens.json")["expected"]:
        for case in each["cases"]:
            yield each["consent"], case


def token_of(extensions: JSON) -> Token:
    """Read a published token as far as it is compared."""
    purposes = frozenset(each["code"] for each in extensions["ihe_iua"]["purpose_of_use"])
    return Token(purposes=purposes, residual=tuple(map(_residual, extensions["ihe_pcf"].get("residual", []))))


def _residual(rule: JSON) -> Residual:
    period = rule.get("dataPeriod")
    return Residual(
        type="forbid" if rule["type"] == "deny" else rule["type"],
        condition=(
            frozenset((each["system"], each["code"]) for each in rule.get("securityLabel", [])),
            frozenset((each["meaning"], _relative(each["reference"]["reference"])) for each in rule.get("data", [])),
            (period.get("start"), period.get("end")) if period else None,
        ),
    )


def _relative(reference: str) -> str:
    return reference.removeprefix("http://example.org/fhir/")


def merged(residual: tuple[Residual, ...]) -> list[Residual]:
    """Write permits by label as one: data has one of several labels, whether one rule names them or several."""
    labels = frozenset[Any]().union(*(each.condition[0] for each in residual if _is_by_label(each)))
    others = [each for each in residual if not _is_by_label(each)]
    return [*others, *([Residual(type="permit", condition=(labels, frozenset(), None))] if labels else [])]


def _is_by_label(rule: Residual) -> bool:
    return rule.type == "permit" and rule.condition[1:] == (frozenset(), None)


def published(consent: str, case: JSON) -> Token:
    """Return the token of a case, or of the consent that it refers to, for what was asked."""
    if "extensions" in case:
        return token_of(case["extensions"])
    other = next(each for name, each in expectations() if name == case["same_as"] and "extensions" in each)
    token = token_of(other["extensions"])
    if {(consent, each) for each in case["given"]["purpose"]} & OTHER_PURPOSE:
        return Token(purposes=frozenset(case["given"]["purpose"]), residual=token.residual)
    return token


def test_every_published_expectation_comes_out() -> None:
    wrong, seen = [], 0
    for name, case in expectations():
        given = case["given"]
        token = evaluate(
            provision_of(consents()[name]),
            user=USERS[given["user"]],
            purposes=given["purpose"] if isinstance(given["purpose"], list) else PURPOSES[given["purpose"]],
            day=DAYS[given["at"]] if "at" in given else DAY,
        )
        expected = published(name, case) if case["outcome"] == "token" else None
        same = (
            token is not None
            and expected is not None
            and (token.purposes, merged(token.residual)) == (expected.purposes, merged(expected.residual))
        )
        if not same and not (token is expected is None):
            wrong.append((name, given, token, expected))
        seen += 1
    assert wrong == []
    assert seen == sum(len(each["cases"]) for each in load("expected_tokens.json")["expected"]) > 25


def test_the_defects_upstream_are_those_that_are_known() -> None:
    told = {each["consent"]: each.get("upstream_defects", []) for each in load("expected_tokens.json")["expected"]}
    assert {name for name, defects in told.items() if defects} == DEFECTS.keys()
    assert all(DEFECTS[name] in defects[0] for name, defects in told.items() if defects)


def test_only_two_consents_have_no_published_expectation() -> None:
    expected = {name for name, _ in expectations()}
    assert consents().keys() - expected == WITHOUT_EXPECTATION
    assert {*load("expected_tokens.json")["consents_without_published_expectation"]} == WITHOUT_EXPECTATION


def test_every_published_consent_has_the_shape_of_fhir() -> None:
    for each in consents().values():
        assert check_resource(each) == ()
        assert Consent.model_validate(each).status == "active"
        provision_of(each)


def test_no_published_consent_is_recorded() -> None:
    """They name nobody's capacity, no form, no ground of the exchange and no category: each is refused with reasons."""
    for name, each in consents().items():
        with pytest.raises(DocumentError) as caught:
            read_consent(json.dumps(each).encode())
        places = {issue.pointer for issue in caught.value.issues}
        assert {"/policy", "/patient/identifier", "/performer/0", "/sourceAttachment"} <= places, name


def test_a_published_provision_in_a_consent_of_ours_is_refused_where_it_cannot_be_expressed() -> None:
    for published_consent in consents().values():
        changed = {**consent(), "provision": published_consent["provision"]}
        with pytest.raises(DocumentError) as caught:
            read_consent(json.dumps(changed).encode())
        assert all(each.pointer.startswith("/provision") for each in caught.value.issues)
        assert PERSON[1] not in " ".join(each.text for each in caught.value.issues)
