"""FHIR values from single leaves and back: texts, dates, times, codes, identifiers, and why a value is absent.

A *codec* turns one leaf into one value and back. It need not be exact: what it does not carry rides in the value's
extension (see `facts`). It must give a value for every leaf that the table allows.

Sources: DOMAIN.md, section 7 (`noValue` and data-absent-reason); HL7 FHIR R4B, datatypes and JSON representation.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from connectors.formats.stuf.facts import JSONObject, Leaf, extensions_of, nil_leaf
from connectors.formats.stuf.names import ABSENT_EXTENSION, INCOMPLETE, LINES_EXTENSION
from schemas.document import JSONValue

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")

_REASONS: Final = {
    "waardeOnbekend": "unknown",
    "geenWaarde": "not-applicable",
    "nietGeautoriseerd": "masked",
    "nietOndersteund": "unsupported",
    "vastgesteldOnbekend": "asked-unknown",
}
_NO_VALUES: Final = {reason: no_value for no_value, reason in _REASONS.items()}
UNKNOWN: Final = "waardeOnbekend"
MASKED: Final = "nietGeautoriseerd"


def absent(no_value: str | None) -> JSONObject:
    """Return a value that is not there, with the reason that `noValue` gives; without one it is unknown."""
    return {"extension": [{"url": ABSENT_EXTENSION, "valueCode": _REASONS[no_value or UNKNOWN]}]}


def no_value_of(value: JSONValue) -> str | None:
    """Return the `noValue` of a value that is not there, None if it says nothing about that."""
    for extension in extensions_of(value, ABSENT_EXTENSION):
        return _NO_VALUES.get(str(extension.get("valueCode")), UNKNOWN)
    return None


def bare(value: JSONValue) -> JSONValue:
    """Return a primitive without its extensions; None if it has no value."""
    return value.get("value") if isinstance(value, dict) else value


def text_of(value: JSONValue) -> str | None:
    """Return a primitive's text, None if it has none."""
    found = bare(value)
    return found if isinstance(found, str) and found else None


def put(holder: JSONObject, name: str, leaf: Leaf | None) -> None:
    """Set a text in an object, or under `_name` why it is absent; nothing for a leaf that is not there or empty."""
    if leaf is None:
        return
    if leaf.text:
        holder[name] = leaf.text
    elif leaf.nil:
        holder[f"_{name}"] = absent(leaf.no_value)


def get(value: JSONValue, name: str) -> Leaf | None:
    """Return what `put` set."""
    if not isinstance(value, dict):
        return None
    text = value.get(name)
    if isinstance(text, str) and text:
        return Leaf(text)
    no_value = no_value_of(value.get(f"_{name}"))
    return nil_leaf(no_value) if no_value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One leaf to one value and back.

    Attributes:
        to: Makes the value; it is asked only for a leaf with a text.
        back: Makes the leaf of such a value, None if it cannot.
        holds: Whether a value is of the kind this codec makes.
    """

    to: Callable[[Leaf], JSONValue]
    back: Callable[[JSONValue], Leaf | None]
    holds: Callable[[JSONValue], bool] = lambda _value: True

    def encode(self, leaf: Leaf) -> JSONValue:
        """Return the value of a leaf, or why it is absent."""
        return self.to(leaf) if leaf.text else absent(leaf.no_value)

    def decode(self, value: JSONValue) -> Leaf | None:
        """Return the leaf of a value; nil where it says why it is absent."""
        leaf = self.back(value)
        if leaf is not None:
            return leaf
        no_value = no_value_of(value)
        return nil_leaf(no_value) if no_value else None


def _binary_to(leaf: Leaf) -> JSONValue:
    lines = leaf.text.split("\n")
    if len(lines) == 1:
        return leaf.text
    length: JSONObject = {"url": LINES_EXTENSION, "valueInteger": len(lines[0])}
    return {"value": "".join(lines), "extension": [length]}


def _binary_back(value: JSONValue) -> Leaf | None:
    text = text_of(value)
    if text is None:
        return None
    lengths = [extension.get("valueInteger") for extension in extensions_of(value, LINES_EXTENSION)]
    length = lengths[0] if lengths else None
    if not isinstance(length, int) or length <= 0:
        return Leaf(text)
    return Leaf("\n".join(text[start : start + length] for start in range(0, len(text), length)))


def _text_back(value: JSONValue) -> Leaf | None:
    text = text_of(value)
    return Leaf(text) if text else None


STRING: Final = Codec(to=lambda leaf: leaf.text, back=_text_back)
"""A FHIR string or code."""
BINARY: Final = Codec(to=_binary_to, back=_binary_back)
"""A FHIR base64Binary, in one line; the length of the lines it came in goes beside it."""


GENDER: Final = Codec(
    to=lambda leaf: {"M": "male", "V": "female"}.get(leaf.text, "unknown"),
    back=lambda value: Leaf({"male": "M", "female": "V"}.get(text_of(value) or "", "O")) if text_of(value) else None,
)


def _date_to(leaf: Leaf) -> JSONValue:
    text, known = leaf.text, leaf.attributes.get(INCOMPLETE, "V")
    if known == "J":
        return absent(UNKNOWN)
    parts = {"V": (text[:4], text[4:6], text[6:]), "D": (text[:4], text[4:6]), "M": (text[:4],)}[known]
    return "-".join(parts)


def _date_back(value: JSONValue) -> Leaf | None:
    text = text_of(value)
    if text is None:
        return None
    digits = text[:10].replace("-", "")
    incomplete = {4: {INCOMPLETE: "M"}, 6: {INCOMPLETE: "D"}}.get(len(digits), {})
    return Leaf(digits.ljust(6, "0").ljust(8, "0") if len(digits) == 8 else (digits + "0101")[:8], incomplete)


DATE: Final = Codec(to=_date_to, back=_date_back)
"""A FHIR date: whole, or as much of it as is known."""


def moment_of(text: str) -> str:
    """Return the FHIR dateTime of a StUF time, which is Amsterdam's: a date if it has no seconds."""
    if len(text) < 14:
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    local = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=AMSTERDAM)
    fraction = f".{text[14:]}" if text[14:] else ""
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:]}"


def time_of(moment: str) -> str:
    """Return the StUF time of a FHIR dateTime, in Amsterdam's time and with the same precision."""
    if "T" not in moment:
        return moment[:10].replace("-", "")
    at = datetime.fromisoformat(moment)
    local = at.astimezone(AMSTERDAM)
    clock, _, rest = moment.partition("T")[2].partition(".")
    fraction = "".join(character for character in rest[:3] if character.isdigit()) if clock and rest else ""
    return f"{local:%Y%m%d%H%M%S}{fraction}"


def stuf_time(at: datetime) -> str:
    """Return a moment as a StUF time with milliseconds, in Amsterdam's time."""
    local = at.astimezone(AMSTERDAM)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def _time_back(value: JSONValue) -> Leaf | None:
    text = text_of(value)
    return Leaf(time_of(text)) if text else None


TIME: Final = Codec(to=lambda leaf: moment_of(leaf.text), back=_time_back)
"""A FHIR dateTime from Amsterdam's time, with the precision it had."""


def concept(system: str) -> Codec:
    """Return a codec for a coded text whose code is the text itself: a CodeableConcept."""

    def back(value: JSONValue) -> Leaf | None:
        code = coding_of(value, system)
        return Leaf(code) if code else None

    return Codec(to=lambda leaf: {"coding": [{"system": system, "code": leaf.text}]}, back=back)


def coding_of(value: JSONValue, system: str) -> str | None:
    """Return the code that a CodeableConcept has in a system."""
    codings = value.get("coding") if isinstance(value, dict) else None
    for coding in codings if isinstance(codings, list) else []:
        if isinstance(coding, dict) and coding.get("system") == system:
            code = coding.get("code")
            return code if isinstance(code, str) else None
    return None


def identifier(system: str | None = None) -> Codec:
    """Return a codec for an Identifier, of one naming system or of none."""

    def to(leaf: Leaf) -> JSONValue:
        value: JSONObject = {"system": system} if system else {}
        return value | {"value": leaf.text}

    def back(value: JSONValue) -> Leaf | None:
        return get(value, "value")

    def holds(value: JSONValue) -> bool:
        return isinstance(value, dict) and (system is None or value.get("system") == system)

    return Codec(to=to, back=back, holds=holds)


def contact(system: str) -> Codec:
    """Return a codec for a ContactPoint of one system: phone or email."""
    return identifier(system)


_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{2,8})*")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")


def _language_to(leaf: Leaf) -> JSONValue:
    if leaf.text.casefold() == "nederlands":
        return "nl"
    return leaf.text if _LANGUAGE.fullmatch(leaf.text) else absent(UNKNOWN)


def _media_type_to(leaf: Leaf) -> JSONValue:
    found = _MEDIA_TYPE.match(leaf.text)
    return found.group() if found else absent(UNKNOWN)


LANGUAGE: Final = Codec(to=_language_to, back=_text_back)
"""A language tag; a language in words that has none rides along."""
MEDIA_TYPE: Final = Codec(to=_media_type_to, back=_text_back)
"""A media type; its parameters ride along."""

TRUE: Final = frozenset({"true", "j", "ja", "1"})
FALSE: Final = frozenset({"false", "n", "nee", "0"})


def _boolean_back(value: JSONValue) -> Leaf | None:
    found = bare(value)
    return Leaf("true" if found else "false") if isinstance(found, bool) else None


BOOLEAN: Final = Codec(to=lambda leaf: leaf.text.casefold() in TRUE, back=_boolean_back)
"""A FHIR boolean from true, J or Ja, in any case."""


def is_boolean(text: str) -> bool:
    """Whether a text says yes or no in one of the known ways."""
    return text.casefold() in TRUE | FALSE
