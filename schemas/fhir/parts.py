"""Extensions of ours that consist of named parts: the reaction of a person concerned, what a correction names as wrong.

    {"url": ".../reaction", "extension": [{"url": "kind", "valueCode": "eens"}, {"url": "by", "valueString": "g1"}]}

Which parts there are, and what each may say, is data: `ElementDefinition.parts`.
"""

import re
from collections.abc import Mapping
from datetime import date

from schemas.definitions import Part
from schemas.document import JSONValue
from schemas.fhir.places import JSONObject
from schemas.fhir.primitives import PRIMITIVES, lies_after


def read_parts(value: JSONValue) -> dict[str, JSONValue]:
    """Read the parts of an extension: name to value; nothing of what has another form."""
    entries = value.get("extension") if isinstance(value, dict) else None
    found: dict[str, JSONValue] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(name := entry.get("url"), str):
            found[name] = next((member for key, member in entry.items() if key.startswith("value")), None)
    return found


def find_wrong_part(value: JSONObject, parts: Mapping[str, Part], *, on: date) -> tuple[str, str, str] | None:
    """Find what is wrong with the parts of an extension.

    Args:
        value: The extension.
        parts: What it may consist of.
        on: The day of the message: codes must hold on it, and what happened did not happen later.

    Returns:
        The last part of an issue's code and its text in English and Dutch, or None if all is well. No text repeats a
        value.
    """
    entries = value.get("extension")
    if value.keys() != {"url", "extension"} or not isinstance(entries, list):
        return _FORM
    seen: set[str] = set()
    for entry in entries:
        name = entry.get("url") if isinstance(entry, dict) else None
        part = parts.get(name) if isinstance(name, str) else None
        if not isinstance(entry, dict) or part is None or part.name in seen or entry.keys() != {"url", part.member}:
            return _FORM
        seen.add(part.name)
        wrong = _find_wrong_value(part, entry[part.member], on=on)
        if wrong is not None:
            return wrong
    if any(part.required and part.name not in seen for part in parts.values()):
        return "part-missing", "lacks a part that it must have", "mist een verplicht onderdeel"
    return None


def _find_wrong_value(part: Part, value: JSONValue, *, on: date) -> tuple[str, str, str] | None:
    text = str(value)
    if not PRIMITIVES[part.value](value) or (part.pattern is not None and not re.fullmatch(part.pattern, text)):
        return _FORM
    if part.codes is not None and part.codes.find(text, on=on) is None:
        said = f"has a code that is not in the code list `{part.codes.name}` on this day"
        return "code-unknown", said, f"heeft een code die op deze dag niet in de codelijst {part.codes.nl} staat"
    if part.past and lies_after(text, on):
        return "date-in-future", "has a date after the day of the message", "heeft een datum in de toekomst"
    return None


_FORM = ("parts", "does not consist of the parts that it has", "bestaat niet uit de onderdelen die het heeft")
