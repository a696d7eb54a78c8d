"""The claims that only some message types use: what is asked, what is corrected, and why it cannot wait.

    {"asks": {"categories": ["hulpverlening", "zorgen"], "term": "2026-12-14"}}
    {"corrects": {"message": "0194…", "items": ["leefgebied/l1"]}}
    {"spoed": {"reason": "maatregel-uitgesproken"}}

They stand in the clear because the hub decides by them; so they hold codes, days and labels, and no text. The same
stands sealed in the message for whoever reads it, and the recipient's connector refuses a message where both differ.

Source: the architecture, section 4; the domain page, section 3.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.claims import ClaimsReader, read_date
from schemas.codes import Category, SpoedReason
from schemas.document import JSONValue
from schemas.identifiers import MessageId

ASKS_MAX: Final = len(Category)
TERM_DAYS_MAX: Final = 366
"""So many days after the day of its message the term of a question lies at most."""
CORRECTS_MAX: Final = 500
CORRECTED_ITEM: Final = re.compile(r"[a-z][A-Za-z0-9-]{0,63}/[a-z][a-z0-9-]{0,31}")
"""An item of the corrected message: `<profile>/<id>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What an `informatieverzoek` asks for.

    Attributes:
        categories: The categories; ascending, at least one.
        term: By which day an answer is asked.
    """

    categories: tuple[Category, ...]
    term: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrects:
    """What a `correctie` corrects.

    Attributes:
        message: The message's `jti`.
        items: Its items, `<profile>/<id>`; None for all of it.
    """

    message: MessageId
    items: tuple[str, ...] | None


def asks_to_json(asks: Asks | None) -> JSONValue:
    """Write the claim `asks`."""
    if asks is None:
        return None
    return {"categories": [each.value for each in asks.categories], "term": asks.term.isoformat()}


def corrects_to_json(corrects: Corrects | None) -> JSONValue:
    """Write the claim `corrects`."""
    if corrects is None:
        return None
    return {"message": corrects.message.value, "items": None if corrects.items is None else list(corrects.items)}


def read_asks(reader: ClaimsReader) -> Asks | None:
    """Read the claim `asks`; None where it is null. What is wrong is among the reader's findings."""
    asks = None if reader.raw("asks") is None else reader.object("asks", members=("categories", "term"))
    if asks is None:
        return None
    categories = asks.array("categories", Category, at_least=1, at_most=ASKS_MAX)
    named = asks.raw("categories")
    if isinstance(named, list) and named != sorted(map(str, named)):
        asks.wrong("categories", "the categories stand in ascending order")
    return Asks(categories=categories, term=asks.convert("term", read_date))


def read_corrects(reader: ClaimsReader) -> Corrects | None:
    """Read the claim `corrects`; None where it is null. What is wrong is among the reader's findings."""
    corrects = None if reader.raw("corrects") is None else reader.object("corrects", members=("message", "items"))
    if corrects is None:
        return None
    message = corrects.convert("message", MessageId)
    if corrects.raw("items") is None:
        return Corrects(message=message, items=None)
    return Corrects(message=message, items=corrects.array("items", _read_item, at_least=1, at_most=CORRECTS_MAX))


def read_spoed(reader: ClaimsReader) -> SpoedReason | None:
    """Read the claim `spoed`; None where it is null. What is wrong is among the reader's findings."""
    spoed = None if reader.raw("spoed") is None else reader.object("spoed", members=("reason",))
    return None if spoed is None else spoed.convert("reason", SpoedReason)


def _read_item(text: str) -> str:
    if not CORRECTED_ITEM.fullmatch(text):
        raise ValueError
    return text
