"""Reading JSON bodies: every finding is listed, with its place, in Dutch and in English; no value of it is told."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from connectors.agent.persons import Person, person_of
from schemas.canonical import parse_json
from schemas.claims import ClaimsReader
from schemas.errors import DocumentError, Issue

CODE: Final = "sender.request.body"
_TEXT: Final = "the body does not have its form"
_DUTCH: Final = (
    ("is missing", "dit onderdeel ontbreekt"),
    ("does not know", "hier staan onderdelen die deze versie niet kent"),
    ("an object is needed", "hier hoort een JSON-object te staan"),
    ("an array", "hier hoort een lijst te staan, van de goede lengte"),
    ("twice", "hier staat iets twee keer"),
)
_OTHERWISE: Final = "dit onderdeel heeft niet de vorm die het moet hebben"


def read_members(body: bytes, *, members: Collection[str], optional: Collection[str] = ()) -> ClaimsReader:
    """Begin to read a body.

    Args:
        body: What came.
        members: Names that must be there.
        optional: Names that may be there.

    Raises:
        DocumentError: It is no JSON object with these members.
    """
    try:
        value = parse_json(body)
    except DocumentError as error:
        text, text_nl = "the body is not JSON as it should be", "de inhoud is geen JSON zoals het hoort"
        issues = [Issue(pointer=each.pointer, code=CODE, text=each.text, text_nl=text_nl) for each in error.issues]
        issues = issues or [Issue(pointer="", code=CODE, text=text, text_nl=text_nl)]
        raise DocumentError(text, code=CODE, issues=issues) from error
    try:
        return ClaimsReader(value, code=CODE, members=members, optional=optional)
    except DocumentError as error:
        raise DocumentError(_TEXT, code=CODE, issues=_in_dutch(error.issues)) from error


def read_person(reader: ClaimsReader) -> Person | None:
    """Read whom a body is about; None, with findings, where it does not have its form."""
    try:
        return person_of(reader.raw("person"), pointer="/person")
    except DocumentError as error:
        reader.issues.extend(error.issues)
        return None


def finish(reader: ClaimsReader) -> None:
    """Refuse the body if anything was wrong with it.

    Raises:
        DocumentError: It lists every finding.
    """
    if reader.issues:
        raise DocumentError(_TEXT, code=CODE, issues=_in_dutch(reader.issues))


def _in_dutch(issues: Collection[Issue]) -> list[Issue]:
    return [each if each.text_nl else replace(each, text_nl=_dutch(each.text)) for each in issues]


def _dutch(text: str) -> str:
    return next((dutch for part, dutch in _DUTCH if part in text), _OTHERWISE)
