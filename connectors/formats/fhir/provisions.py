"""The provisions of a FHIR R4 Consent as values: a base rule, and exceptions to it, one level deep.

This is as far as the profile *explicit advanced* of IHE PCF goes. What it leaves out (`action`, `class`, `code`,
exceptions to exceptions) or FHIR marks as changing the meaning is refused: a condition that nobody reads makes a
consent say more than the person did.

Here is only what a provision says. What it comes to is `connectors.formats.fhir.consents`.

Source: FHIR R4, Consent.provision; IHE ITI PCF 1.1, profile `IHE.PCF.consentAdvanced`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.canonical import json_pointer
from schemas.document import JSONValue
from schemas.errors import Issue
from schemas.fhir.places import JSONObject

EXCEPTIONS_MAX: Final = 16
VALUES_MAX: Final = 16
RECIPIENT_ROLE: Final = ("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP")
"""The only role of an actor: who receives the information."""

_MEMBERS: Final = frozenset({"type", "period", "actor", "securityLabel", "purpose", "dataPeriod", "data", "provision"})


class Rule(StrEnum):
    """What a provision says of what it is about."""

    PERMIT = "permit"
    DENY = "deny"


Coded = tuple[str, str]
"""System and code, or system and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """One provision; a condition that is None is not stated.

    Attributes:
        rule: Permit or deny.
        pointer: Where it stands.
        start: First day, as it was written.
        end: Last day, as it was written.
        actors: Recipients: naming system and value, or an empty system and a literal reference.
        labels: Security labels, of which data has one.
        purposes: Purposes of use.
        data: Meaning and reference of single resources.
        data_period: When the data came to be: first and last moment.
        exceptions: Provisions below this one.
    """

    rule: Rule
    pointer: str
    start: str | None = None
    end: str | None = None
    actors: tuple[Coded, ...] | None = None
    labels: tuple[Coded, ...] | None = None
    purposes: tuple[Coded, ...] | None = None
    data: tuple[tuple[str, str], ...] | None = None
    data_period: tuple[str | None, str | None] | None = None
    exceptions: tuple["Provision", ...] = ()


def read_provision(value: JSONObject, *, pointer: str, issues: list[Issue], base: bool = True) -> Provision | None:
    """Read a provision that has the shape of FHIR R4.

    Args:
        value: The provision.
        pointer: Where it stands.
        issues: What is wrong is added here.
        base: Whether it is the base rule, which may have exceptions.

    Returns:
        The provision; None if it does not say whether it permits or denies. It counts only if nothing was wrong.
    """
    for name in sorted(value.keys() - _MEMBERS):
        text = f"`{name}` would limit or change what is consented to, and is not read here"
        text_nl = "deze voorwaarde kan niet worden vastgelegd; zonder haar zou de toestemming meer zeggen"
        issues.append(consent_issue(pointer + json_pointer(name), "not-read", text, text_nl))
    found = value.get("provision")
    nested = found if isinstance(found, list) else []
    if nested and (not base or len(nested) > EXCEPTIONS_MAX):
        text = f"a base rule and at most {EXCEPTIONS_MAX} exceptions to it can be read, no exceptions to those"
        text_nl = (
            "alleen een hoofdregel met uitzonderingen kan worden vastgelegd, geen uitzondering op een uitzondering"
        )
        issues.append(consent_issue(pointer + "/provision", "nesting", text, text_nl))
        nested = []
    exceptions = [
        read_provision(each, pointer=f"{pointer}/provision/{number}", issues=issues, base=False)
        for number, each in enumerate(nested)
        if isinstance(each, dict)
    ]
    if value.get("type") not in list(Rule):
        text, text_nl = "`type` is permit or deny", "er staat niet of dit toestaat of weigert"
        issues.append(consent_issue(pointer + "/type", "rule", text, text_nl))
        return None
    period, data_period = _object(value.get("period")), value.get("dataPeriod")
    if period.keys() - {"start", "end"}:
        text, text_nl = "a period is `start` and `end`", "een periode is een begin en een eind"
        issues.append(consent_issue(pointer + "/period", "not-read", text, text_nl))
    return Provision(
        rule=Rule(str(value["type"])),
        pointer=pointer,
        start=_text(period.get("start")),
        end=_text(period.get("end")),
        actors=_actors(value.get("actor"), pointer + "/actor", issues),
        labels=_codings(value.get("securityLabel"), pointer + "/securityLabel", issues),
        purposes=_codings(value.get("purpose"), pointer + "/purpose", issues),
        data=_data(value.get("data"), pointer + "/data", issues),
        data_period=(
            (_text(data_period.get("start")), _text(data_period.get("end"))) if isinstance(data_period, dict) else None
        ),
        exceptions=tuple(each for each in exceptions if each is not None),
    )


def consent_issue(pointer: str, code: str, text: str, text_nl: str) -> Issue:
    """Make a finding about a Consent: `sender.consent.<code>`."""
    return Issue(pointer=pointer, code=f"sender.consent.{code}", text=text, text_nl=text_nl)


def read_reference(value: JSONValue) -> Coded | None:
    """Read whom a Reference means: system and value of its identifier, or nothing and the literal reference."""
    reference = _object(value)
    identifier = _object(reference.get("identifier"))
    literal = _text(reference.get("reference"))
    system, number = _text(identifier.get("system")), _text(identifier.get("value"))
    if literal is not None:
        return None if identifier else ("", literal)
    return (system, number) if system and number else None


def _codings(value: JSONValue, pointer: str, issues: list[Issue]) -> tuple[Coded, ...] | None:
    if value is None:
        return None
    found: list[Coded] = []
    for number, each in enumerate(_list(value)):
        coding = _object(each)
        system, code = _text(coding.get("system")), _text(coding.get("code"))
        if not system or not code or coding.keys() - {"system", "code", "display", "version"} or "version" in coding:
            text, text_nl = "a coding with `system` and `code` is needed", "een code met codestelsel is nodig"
            issues.append(consent_issue(f"{pointer}/{number}", "coding", text, text_nl))
        else:
            found.append((system, code))
    return _bounded(found, pointer, issues)


def _actors(value: JSONValue, pointer: str, issues: list[Issue]) -> tuple[Coded, ...] | None:
    if value is None:
        return None
    found: list[Coded] = []
    for number, each in enumerate(_list(value)):
        actor = _object(each)
        role = _codings(_object(actor.get("role")).get("coding"), f"{pointer}/{number}/role", issues)
        named = read_reference(actor.get("reference"))
        if role != (RECIPIENT_ROLE,) or named is None or actor.keys() - {"role", "reference", "id"}:
            text = "an actor is a recipient (role `IRCP`), named by one identifier or one reference"
            text_nl = "alleen een ontvanger met één nummer of verwijzing kan worden genoemd"
            issues.append(consent_issue(f"{pointer}/{number}", "recipient", text, text_nl))
        else:
            found.append(named)
    return _bounded(found, pointer, issues)


def _data(value: JSONValue, pointer: str, issues: list[Issue]) -> tuple[tuple[str, str], ...] | None:
    if value is None:
        return None
    found: list[tuple[str, str]] = []
    for number, each in enumerate(_list(value)):
        data = _object(each)
        meaning, named = _text(data.get("meaning")), read_reference(data.get("reference"))
        if meaning is None or named is None or data.keys() - {"meaning", "reference", "id"}:
            text, text_nl = "`data` is a meaning and a reference", "de aangewezen gegevens zijn niet te lezen"
            issues.append(consent_issue(f"{pointer}/{number}", "data", text, text_nl))
        else:
            found.append((meaning, named[1]))
    return tuple(found)


def _bounded(found: list[Coded], pointer: str, issues: list[Issue]) -> tuple[Coded, ...]:
    if not 1 <= len(found) <= VALUES_MAX:
        text, text_nl = f"1 to {VALUES_MAX} are needed here", f"hier staan er 1 tot {VALUES_MAX}"
        issues.append(consent_issue(pointer, "number", text, text_nl))
    return tuple(found)


def _object(value: JSONValue) -> JSONObject:
    return value if isinstance(value, dict) else {}


def _list(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else []


def _text(value: JSONValue) -> str | None:
    return value if isinstance(value, str) else None
