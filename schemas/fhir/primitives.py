"""The form of each primitive datatype, stricter than `fhir.resources` where that is too kind.

Source: FHIR R4B, datatypes.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from schemas.definitions import ValueType
from schemas.document import JSONValue

STRING_MAX: Final = 20_000

_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]+")
_CODE = re.compile(r"[^\s]+(?: [^\s]+)*")
_DATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_ITEM_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")


def is_text(value: JSONValue) -> bool:
    """Whether this is text that people could have written: not empty, no control characters, not too long."""
    return isinstance(value, str) and len(value) <= STRING_MAX and bool(_TEXT.fullmatch(value)) and bool(value.strip())


def is_code(value: JSONValue) -> bool:
    """Whether this is a FHIR `code`: words with single spaces between them."""
    return isinstance(value, str) and bool(_CODE.fullmatch(value))


def is_date(value: JSONValue) -> bool:
    """Whether this is a FHIR `date`, possibly without day or month, that is in the calendar."""
    if not isinstance(value, str) or not _DATE.fullmatch(value) or value.startswith("0000"):
        return False
    try:
        date.fromisoformat((value + "-01-01")[:10])
    except ValueError:
        return False
    return True


def is_date_time(value: JSONValue) -> bool:
    """Whether this is a FHIR `dateTime`: a date, or a moment with seconds and an offset."""
    if is_date(value):
        return True
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return False
    return is_date(value[:10])


def is_base64(value: JSONValue) -> bool:
    """Whether this is standard base64 with padding and without white space, of at least one byte."""
    if not isinstance(value, str) or not value:
        return False
    try:
        return bool(binascii.a2b_base64(value.encode("ascii"), strict_mode=True))
    except (ValueError, binascii.Error):
        return False


PRIMITIVES: Final[Mapping[ValueType, Callable[[JSONValue], bool]]] = {
    ValueType.STRING: is_text,
    ValueType.CODE: is_code,
    ValueType.DATE: is_date,
    ValueType.DATE_TIME: is_date_time,
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.BASE64_BINARY: is_base64,
    ValueType.ITEM_ID: lambda value: isinstance(value, str) and bool(_ITEM_ID.fullmatch(value)),
}
"""Primitive datatype to the rule of its form."""


def lies_after(value: str, on: date) -> bool:
    """Whether a date or moment lies after a day, as far as its precision tells."""
    day = value[:10]
    return day > on.isoformat()[: len(day)]
