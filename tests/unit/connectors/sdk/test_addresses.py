"""To which participant a document goes."""

from datetime import date

import pytest

from connectors.sdk.addresses import Destination, find_destination, parse_addressbook
from schemas.errors import DocumentError
from schemas.identifiers import OIN

DAY = date(2026, 11, 23)
BOOK = parse_addressbook(
    b"""
[[institution]]
code = "RC0102"
name = "Raad, locatie Voorbeeldstad"
oin = "00000099000000002000"
valid_from = 2026-07-01

[[institution]]
code = "RC0103"
name = "Raad, locatie Oudestad"
oin = "00000099000000002000"
valid_from = 2020-01-01
valid_until = 2026-11-23
"""
)


def test_an_oin_is_its_own_address() -> None:
    oin = "00000099000000002000"
    assert find_destination(oin, addressbook=(), day=DAY) == Destination(oin=OIN(oin))


def test_a_code_becomes_the_participant_and_stays_as_its_unit() -> None:
    expected = Destination(oin=OIN("00000099000000002000"), unit="RC0102")
    assert find_destination("RC0102", addressbook=BOOK, day=DAY) == expected


@pytest.mark.parametrize("organisation", ["RC0103", "RC0120"])
def test_a_code_that_does_not_count_today_is_refused_with_the_nearest_names(organisation: str) -> None:
    with pytest.raises(DocumentError) as caught:
        find_destination(organisation, addressbook=BOOK, day=DAY)
    assert caught.value.code == "sender.recipient.unknown"
    assert "Raad, locatie Voorbeeldstad (RC0102)" in caught.value.issues[0].text_nl
    assert "Oudestad" not in caught.value.issues[0].text_nl


@pytest.mark.parametrize("book", [b"[[institution]]\ncode = 1", b"x = ", b"\xff", b"[[institution]]\nunknown = 1"])
def test_a_book_that_cannot_be_read_is_refused(book: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_addressbook(book)
    assert caught.value.code == "sender.addressbook.invalid"
