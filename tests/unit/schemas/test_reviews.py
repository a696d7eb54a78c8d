"""Reviews: one form, every finding listed, and no text in them."""

import pytest

from schemas.canonical import canonical_json, parse_canonical
from schemas.document import JSONValue
from schemas.errors import DocumentError
from schemas.identifiers import HubName
from schemas.reviews import Finding, ReviewClaims, parse_review, review_to_payload
from tests.support.parties import ISSUED_AT, RAAD, message_id

REVIEW = ReviewClaims(
    issuer=RAAD,
    id=message_id(1),
    issued_at=ISSUED_AT,
    hub=HubName("hub.ketenhub.test"),
    about=message_id(2),
    mark="self-declared",
    finding=Finding.SOLVED,
)


def changed(**changes: JSONValue) -> bytes:
    """The payload with members set."""
    members = parse_canonical(review_to_payload(REVIEW))
    assert isinstance(members, dict)
    return canonical_json({**members, **changes})


def test_a_review_comes_back_as_it_was_written() -> None:
    assert parse_review(review_to_payload(REVIEW)) == REVIEW
    assert parse_review(changed()) == REVIEW


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"mark": "Self declared"}, ["/mark"]),
        ({"finding": "misschien"}, ["/finding"]),
        ({"about": "2", "iss": RAAD.value}, ["/about", "/iss"]),
        ({"note": "text about a person"}, [""]),
        ({"hub": None}, ["/hub"]),
    ],
)
def test_another_form_is_refused_with_every_finding(changes: dict[str, JSONValue], pointers: list[str]) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_review(changed(**changes))
    assert sorted(issue.pointer for issue in refused.value.issues) == pointers
    assert {issue.code for issue in refused.value.issues} == {"sender.review.form"}
