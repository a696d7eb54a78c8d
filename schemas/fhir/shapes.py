"""The shape of FHIR R4B resources and datatypes, by `fhir.resources`, behind a guard.

The library checks shapes only, reads some forms too kindly (a number as a date, a text as a boolean) and raises what
it likes on input that nobody foresaw. So what it gets is guarded first: known `resourceType`, bounded depth and size,
no floating point. What it raises never leaves this module, and no issue repeats a value.

Importing its models takes most of a second: each is imported when first needed; `warm_up` does it at the start of a
process.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from schemas.canonical import json_pointer
from schemas.document import JSONValue
from schemas.errors import Issue

DEPTH_MAX: Final = 32
NODES_MAX: Final = 200_000
"""Objects, arrays and scalars of one resource; a bundle of a whole case file stays well below."""

_ISSUES_MAX: Final = 50
_NAME_MAX: Final = 64


def check_resource(resource: JSONValue, *, pointer: str = "") -> tuple[Issue, ...]:
    """Check the shape of one FHIR R4B resource from anywhere.

    Nothing is checked about code lists, invariants, references or profiles.

    Args:
        resource: Parsed JSON; floating point numbers may be in it, as FHIR decimals.
        pointer: Where it stands, for the issues.

    Returns:
        Every issue found; nothing if the shape is right. It raises nothing.

    Source: FHIR R4B, JSON representation.
    """
    if not isinstance(resource, dict):
        return (_issue(pointer, "form", "a FHIR resource is a JSON object"),)
    if not _bounded(resource):
        return (_issue(pointer, "too-large", "the resource is nested too deeply or has too many members"),)
    kind = resource.get("resourceType")
    model = _resource_model(kind) if isinstance(kind, str) and len(kind) <= _NAME_MAX else None
    if model is None:
        return (_issue(pointer, "resource-type", "`resourceType` is missing or not one of FHIR R4B"),)
    return _validate(model, resource, pointer)


def check_datatype(name: str, value: JSONValue, *, pointer: str) -> tuple[Issue, ...]:
    """Check the shape of one value of a complex FHIR datatype, such as `HumanName`; it raises nothing."""
    if not isinstance(value, dict):
        return (_issue(pointer, "form", f"a `{name}` is a JSON object"),)
    if not _bounded(value):
        return (_issue(pointer, "too-large", "the value is nested too deeply or has too many members"),)
    return _validate(_model(name), value, pointer)


def warm_up(names: Iterable[str]) -> None:
    """Import the models of resource types now, not at the first message."""
    for name in names:
        _model(name)


@cache
def _model(name: str) -> Any:
    """Return the class of a type that the definitions name. `fhir.resources` has no common typed base for them."""
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415 - slow; only connectors need it

    return get_fhir_model_class(name)


@cache
def _resource_model(name: str) -> Any | None:
    """Return the class of a resource type that somebody named, or None: datatypes and abstract types are none."""
    from fhir.resources.R4B.resource import Resource  # noqa: PLC0415 - slow; only connectors need it

    if name in ("Resource", "DomainResource"):
        return None
    try:
        found = _model(name)
    except Exception:  # noqa: BLE001 - the library raises KeyError, LookupError or ImportError, as it comes
        return None
    return found if isinstance(found, type) and issubclass(found, Resource) else None


def _validate(model: Any, value: JSONValue, pointer: str) -> tuple[Issue, ...]:
    try:
        found = _find_errors(model, value)
    except Exception:  # noqa: BLE001 - the library raises AssertionError, AttributeError and others on strange input
        return (_issue(pointer, "form", "not of the form that FHIR R4B gives it"),)
    return tuple(_translate(kind, location, pointer) for kind, location in found[:_ISSUES_MAX])


def _find_errors(model: Any, value: JSONValue) -> list[tuple[str, tuple[int | str, ...]]]:
    """Return kind and place of each error; telling them may fail as well, over a text that is no Unicode."""
    from pydantic import ValidationError  # noqa: PLC0415 - comes with `fhir.resources`

    try:
        model.model_validate(value)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        return [(each["type"], each["loc"]) for each in errors]
    return []


def _translate(kind: str, location: tuple[int | str, ...], pointer: str) -> Issue:
    """Say in our own words what the library found: its texts repeat values."""
    if kind == "extra_forbidden":
        # The name of an unknown member is the sender's own text: only where it stands is told.
        return _issue(pointer + json_pointer(*location[:-1]), "member-unknown", "a member that FHIR R4B does not know")
    if kind.endswith("missing"):
        return _issue(pointer + json_pointer(*location), "member-missing", "FHIR R4B needs this member")
    return _issue(pointer + json_pointer(*location), "form", "not of the form that FHIR R4B gives it")


def _bounded(value: JSONValue) -> bool:
    """Walk without recursion: whatever came may be nested a hundred thousand deep."""
    level: list[Any] = [value]
    nodes = 0
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        nodes += len(below)
        if nodes > NODES_MAX:
            return False
        if not below:
            return True
        level = below
    return False


def _issue(pointer: str, code: str, text: str) -> Issue:
    return Issue(pointer=pointer, code=f"sender.fhir.{code}", text=text, text_nl=_DUTCH[code])


_DUTCH: Final = {
    "form": "niet in de vorm die FHIR R4B voorschrijft",
    "too-large": "te diep genest of te veel gegevens",
    "resource-type": "`resourceType` ontbreekt of is geen type van FHIR R4B",
    "member-unknown": "een gegeven dat FHIR R4B hier niet kent",
    "member-missing": "FHIR R4B verlangt hier een gegeven",
}
