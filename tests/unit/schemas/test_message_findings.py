"""Reading a message that is wrong in many places: every place is named, wherever it stands."""

from datetime import date
from typing import Any

import orjson
import pytest

from schemas.canonical import b64url, canonical_json
from schemas.errors import DocumentError
from schemas.message import message_to_payload, parse_message
from tests.support.connector_world import World
from tests.support.example_documents import request_document


def _claims() -> dict[str, Any]:
    claims: dict[str, Any] = orjson.loads(message_to_payload(World().compose(request_document()).message))
    return claims


def _findings(claims: dict[str, Any]) -> set[tuple[str, str]]:
    with pytest.raises(DocumentError) as refused:
        parse_message(canonical_json(claims))
    return {(issue.pointer, issue.code) for issue in refused.value.issues}


def test_every_member_that_is_wrong_is_named() -> None:
    claims = _claims()
    del claims["recipient"]["purpose"]
    claims["recipient"]["extra"] = 1
    claims["responsible"]["number"] = ""
    claims["sealed"] = None
    claims["spoed"] = {"reason": ""}
    claims["hubs"] *= 2
    claims["subjects"][1]["age"] = "old"
    claims["subjects"][0]["tag"] = [{"...": "short"}]
    claims["content"][2]["about"] = [0, "1"]
    claims["content"][1] = 7
    claims["content"][0]["elements"]["reference"] = []
    claims["content"][3]["elements"]["Not a name"] = [{"...": "x"}]
    assert _findings(claims) == {
        (pointer, "sender.message.form")
        for pointer in (
            "/recipient",
            "/recipient/purpose",
            "/responsible/number",
            "/sealed",
            "/spoed/reason",
            "/hubs",
            "/subjects/1/age",
            "/subjects/0/tag",
            "/content/2/about",
            "/content/1",
            "/content/0/elements/reference",
            "/content/3/elements",
        )
    }


def test_what_contradicts_something_else_in_the_message_is_named() -> None:
    claims = _claims()
    claims["pickup_by"] = claims["iat"]
    claims["content"][1]["id"] = claims["content"][0]["id"]
    claims["content"][2]["about"] = [1, 0]
    claims["subjects"][0]["tag"] = [*claims["subjects"][0]["tag"], *claims["subjects"][1]["tag"]]
    assert _findings(claims) == {
        ("/pickup_by", "sender.message.pickup-by"),
        ("/content/1/id", "sender.message.form"),
        ("/content/2/about", "sender.message.form"),
        ("/subjects/0/tag", "sender.message.form"),
        ("", "sender.message.digest-twice"),
    }


def test_a_message_goes_to_another_and_answers_another() -> None:
    claims = _claims()
    claims["recipient"]["oin"] = claims["iss"].rpartition(":")[2]
    claims["reply_to"] = claims["jti"]
    assert _findings(claims) == {
        ("/recipient/oin", "sender.message.to-itself"),
        ("/reply_to", "sender.message.reply-to-itself"),
    }


def test_a_subject_that_no_item_is_about_is_refused() -> None:
    """Its tag would count among what is known of a child of whom the message says nothing."""
    claims = _claims()
    other = {**claims["subjects"][1], "tag": [{"...": b64url(bytes(32))}], "yours": None}
    claims["subjects"].append(other)
    assert _findings(claims) == {("/subjects/2", "sender.message.subject-unmentioned")}


@pytest.mark.parametrize("day", ["2026-11-24", "2026-12-23"])
def test_a_band_changes_after_the_day_of_sending_and_before_the_message_lapses(day: str) -> None:
    claims = _claims()
    claims["subjects"][0].update(age="0-11", turns=day)
    assert parse_message(canonical_json(claims)).subjects[0].turns == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("age", "day"),
    [
        ("0-11", "2026-11-23"),
        ("0-11", "2025-12-01"),
        ("16-17", "2026-12-24"),
        ("18+", "2026-12-01"),
        ("unknown", "2026-12-01"),
    ],
)
def test_a_band_that_would_change_on_a_day_that_it_cannot_is_refused(age: str, day: str) -> None:
    """A day that has passed would let the later band decide at once."""
    claims = _claims()
    claims["subjects"][0].update(age=age, turns=day)
    assert _findings(claims) == {("/subjects/0/turns", "sender.message.turns")}


@pytest.mark.parametrize("elements", [{}, [], None])
def test_an_item_has_elements(elements: object) -> None:
    claims = _claims()
    claims["content"][0]["elements"] = elements
    assert _findings(claims) == {("/content/0/elements", "sender.message.form")}


def test_more_elements_than_there_may_be_are_refused() -> None:
    claims = _claims()
    many = [{"...": b64url(number.to_bytes(32, "big"))} for number in range(1999)]
    claims["content"][0]["elements"] = {"reference": many}
    assert _findings(claims) == {("/content", "sender.message.too-many-elements")}
