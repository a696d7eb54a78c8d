"""What is asked, what is corrected and why it cannot wait: codes, days and labels, and nothing that could be a text."""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from schemas.canonical import canonical_json
from schemas.codes import Category, SpoedReason
from schemas.errors import DocumentError
from schemas.message import PAYLOAD_BYTES_MAX, Message, message_to_payload, parse_message
from schemas.message_claims import Asks, Corrects
from tests.support.connector_world import World
from tests.support.example_documents import request_document
from tests.support.parties import message_id

MESSAGE = World().compose(request_document()).message
JTI = message_id(7).value


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        replace(MESSAGE, asks=Asks(categories=(Category.HULPVERLENING, Category.ZORGEN), term=date(2026, 12, 14))),
        replace(MESSAGE, corrects=Corrects(message=message_id(7), items=None)),
        replace(MESSAGE, corrects=Corrects(message=message_id(7), items=("leefgebied/l1", "leefgebied-justitie/l2"))),
        *(replace(MESSAGE, spoed=reason) for reason in SpoedReason),
    ],
)
def test_the_claims_survive_their_payload(message: Message) -> None:
    assert parse_message(message_to_payload(message)) == message


@pytest.mark.parametrize(
    ("claim", "value", "pointers"),
    [
        ("asks", [], ["/asks"]),
        ("asks", {"categories": ["zorgen"]}, ["/asks/term"]),
        ("asks", {"categories": ["zorgen"], "term": "2026-12-14", "why": "x"}, ["/asks"]),
        ("asks", {"categories": [], "term": "2026-12-14"}, ["/asks/categories"]),
        ("asks", {"categories": ["zorgen", "hulpverlening"], "term": "2026-12-14"}, ["/asks/categories"]),
        ("asks", {"categories": ["zorgen", 3], "term": "2026-12-14"}, ["/asks/categories/1", "/asks/categories"]),
        ("asks", {"categories": ["zorgen", "zorgen"], "term": "2026-12-14"}, ["/asks/categories"]),
        ("asks", {"categories": ["hoe gaat het"], "term": "2026-12-14"}, ["/asks/categories/0"]),
        ("asks", {"categories": ["zorgen"], "term": "morgen"}, ["/asks/term"]),
        ("corrects", JTI, ["/corrects"]),
        ("corrects", {"message": JTI}, ["/corrects/items"]),
        ("corrects", {"message": "x", "items": None}, ["/corrects/message"]),
        ("corrects", {"message": JTI, "items": []}, ["/corrects/items"]),
        ("corrects", {"message": JTI, "items": ["leefgebied/l1/finding"]}, ["/corrects/items/0"]),
        ("corrects", {"message": JTI, "items": ["leefgebied/l1"] * 2}, ["/corrects/items"]),
        ("corrects", {"message": JTI, "items": [f"leefgebied/l{n}" for n in range(501)]}, ["/corrects/items"]),
        ("recalls", {"message": JTI}, ["/recalls"]),
        ("spoed", {"reason": "de vader staat voor de deur"}, ["/spoed/reason"]),
        ("spoed", {"reason": "acuut-gevaar", "note": "x"}, ["/spoed"]),
        ("spoed", True, ["/spoed"]),
    ],
)
def test_a_claim_with_a_defect_is_refused_for_it(claim: str, value: Any, pointers: list[str]) -> None:
    claims = orjson.loads(message_to_payload(MESSAGE))
    claims[claim] = value
    with pytest.raises(DocumentError) as refused:
        parse_message(canonical_json(claims))
    assert [issue.pointer for issue in refused.value.issues] == pointers


def test_what_is_too_large_is_not_read_and_says_so() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_message(b" " * (PAYLOAD_BYTES_MAX + 1))
    assert [(issue.pointer, issue.code) for issue in refused.value.issues] == [("", "sender.message.too-large")]
