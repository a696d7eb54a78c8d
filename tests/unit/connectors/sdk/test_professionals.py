"""Who answers for a message."""

import pytest

from connectors.sdk.professionals import find_responsible, parse_professionals
from schemas.codes import Register
from schemas.document import DocumentResponsible
from schemas.errors import DocumentError
from schemas.identifiers import ProfessionalNumber
from schemas.message import Responsible

SKJ = Responsible(register=Register.SKJ, number=ProfessionalNumber("110012345"))


@pytest.mark.parametrize(
    "table",
    [
        b"medewerker;register;nummer\njdv01;SKJ;110012345\n",
        b"\xef\xbb\xbfMedewerker,Register,Nummer\r\n jdv01 , SKJ , 110012345 \r\n\r\n",
        b"medewerker;register;nummer\rjdv01;SKJ;110012345\r",
    ],
)
def test_the_table_is_read_as_spreadsheets_write_it(table: bytes) -> None:
    assert parse_professionals(table) == {"jdv01": SKJ}


def test_every_wrong_line_is_listed_by_its_number() -> None:
    table = b"medewerker;register;nummer\njdv01;SKJ;1\njdv01;SKJ;2\nx;AGB;3\ny;BIG\n;BIG;4\nz;BIG;\n"
    with pytest.raises(DocumentError) as caught:
        parse_professionals(table)
    assert [issue.pointer for issue in caught.value.issues] == ["/3", "/4", "/5", "/6", "/7"]


def test_a_cell_that_no_table_can_hold_is_refused_as_the_rest() -> None:
    with pytest.raises(DocumentError, match=r"professionals\.csv"):
        parse_professionals(b"medewerker;register;nummer\njdv01;SKJ;" + b"1" * 200_000)


@pytest.mark.parametrize("table", [b"", b"\xff\xfe", b"naam;nummer\n"])
def test_a_table_without_its_header_is_refused(table: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_professionals(table)


def test_an_employee_that_the_table_knows_answers_under_the_registration() -> None:
    named = DocumentResponsible(register=None, number="jdv01")
    assert find_responsible(named, professionals={"jdv01": SKJ}, default=None) == SKJ


def test_an_employee_that_it_does_not_know_answers_under_the_own_number() -> None:
    named = DocumentResponsible(register=None, number="jdv02")
    expected = Responsible(register=Register.EIGEN, number=ProfessionalNumber("jdv02"))
    assert find_responsible(named, professionals={"jdv01": SKJ}, default=SKJ) == expected


def test_a_registration_in_the_document_counts_as_it_stands() -> None:
    named = DocumentResponsible(register=Register.BIG, number="jdv01")
    expected = Responsible(register=Register.BIG, number=ProfessionalNumber("jdv01"))
    assert find_responsible(named, professionals={"jdv01": SKJ}, default=None) == expected


def test_a_document_that_names_nobody_takes_the_default() -> None:
    assert find_responsible(None, professionals={}, default=SKJ) == SKJ


def test_without_a_default_the_refusal_says_where_to_set_it() -> None:
    with pytest.raises(DocumentError) as caught:
        find_responsible(None, professionals={}, default=None)
    assert caught.value.code == "sender.responsible.missing"
    assert "[responsible]" in caught.value.issues[0].text_nl
