"""Receipts and errors: valid by the schema, linked to what they answer, and read back as they were written."""

from datetime import UTC, datetime

import pytest

from connectors.formats.ports import Answered, AnswerKind, Format
from connectors.formats.stuf import AnswerCode, Fault, FaultPlace, StufAnswer, StufFormat, read_answer, write_answer
from connectors.formats.stuf.examples import GEMEENTE, RAAD, Header, vto_example
from schemas.document import Address
from schemas.errors import DocumentError, Issue
from tests.support.stuf_scenarios import BAD_REQUESTS
from tests.support.stuf_xsd import xsd_errors_of_answer

AT = datetime(2026, 11, 23, 11, 0, 0, 5000, tzinfo=UTC)
FAULT = Fault(
    code="StUF016",
    place=FaultPlace.CLIENT,
    description="dit nummer is al gebruikt",
    details="zie het eerste bericht",
)


def answer(code: AnswerCode, *, fault: Fault | None = None, remarks: tuple[str, ...] = ()) -> StufAnswer:
    return StufAnswer(
        code=code,
        sender=Address(organisation=RAAD, application="Ketenhub", unit="administratie", user="gebruiker"),
        receiver=Address(organisation=GEMEENTE, application="Voorbeeldzaaksysteem"),
        reference="ANTW-1",
        time="20261123120000005",
        cross_reference="VTO-2026-0001",
        remarks=remarks,
        fault=fault,
    )


@pytest.mark.parametrize(
    "said",
    [
        answer(AnswerCode.BV01, remarks=("eerste", "tweede")),
        answer(AnswerCode.BV03),
        answer(AnswerCode.BV04),
        answer(AnswerCode.FO01, fault=FAULT),
        answer(AnswerCode.FO03, fault=FAULT),
    ],
    ids=lambda said: said.code.value,
)
def test_an_answer_is_valid_and_comes_back_as_it_was(said: StufAnswer) -> None:
    written = write_answer(said)

    assert xsd_errors_of_answer(written) == []
    assert said == read_answer(written)


def test_an_errors_details_in_xml_are_carried() -> None:
    details = '<StUF:detailsXML xmlns:StUF="http://www.egem.nl/StUF/StUF0301"><x>vrij</x></StUF:detailsXML>'
    fault = Fault(code="StUF055", place=FaultPlace.SERVER, description="fout", details_xml=details)
    written = write_answer(answer(AnswerCode.FO01, fault=fault))
    read = read_answer(written)

    assert xsd_errors_of_answer(written) == []
    assert read.fault is not None
    assert "<x>vrij</x>" in read.fault.details_xml


def test_a_receipt_cannot_carry_an_error() -> None:
    with pytest.raises(DocumentError):
        write_answer(answer(AnswerCode.BV03, fault=FAULT))


def test_an_answer_with_a_text_that_is_too_long_is_not_written() -> None:
    with pytest.raises(DocumentError) as refused:
        write_answer(answer(AnswerCode.BV01, remarks=("x" * 251,)))

    assert [issue.pointer for issue in refused.value.issues] == ["/Bv01Bericht/melding/0"]


def test_something_else_is_no_answer() -> None:
    with pytest.raises(DocumentError) as refused:
        read_answer(vto_example())

    assert refused.value.code == "sender.stuf.function"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(AnswerKind.READ, AnswerCode.BV03), (AnswerKind.ACCEPTED, AnswerCode.BV01)],
)
def test_the_format_answers_what_was_read_and_what_was_accepted(kind: AnswerKind, code: AnswerCode) -> None:
    stuf = StufFormat()
    header = stuf.header(vto_example(header=Header(reference="VTO-7")))
    assert header is not None
    written = stuf.answer(kind, answered=header, reference="A-1", at=AT)
    assert written is not None
    read = read_answer(written)

    assert xsd_errors_of_answer(written) == []
    assert (read.code, read.cross_reference, read.reference) == (code, "VTO-7", "A-1")
    assert (read.sender.organisation, read.receiver.organisation) == (RAAD, GEMEENTE)
    assert read.time == "20261123120000005"


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_refused_file_is_answered_with_an_error_if_its_header_can_be_read(bad: object) -> None:
    """Broken XML has no number to answer; everything else gets an `Fo01` that names it."""
    stuf = StufFormat()
    known = next(known for known in BAD_REQUESTS if known is bad)
    data = known.data("VTO-FOUT-9")
    with pytest.raises(DocumentError) as refused:
        stuf.read(data)
    header = stuf.header(data)
    if known.code.startswith("sender.stuf.xml.") or known.name == "too-large-a-file":
        assert header is None
        return
    assert header is not None
    written = stuf.answer(AnswerKind.REFUSED, answered=header, reference="A-2", at=AT, error=refused.value)
    assert written is not None
    read = read_answer(written)

    assert xsd_errors_of_answer(written) == []
    assert (read.code, read.cross_reference) == (AnswerCode.FO01, "VTO-FOUT-9")
    assert read.fault is not None
    assert read.fault.code == (
        "StUF034" if known.code in {"sender.stuf.function", "sender.stuf.version"} else "StUF055"
    )
    assert known.code in read.fault.details


def test_a_number_used_twice_is_answered_with_stuf016() -> None:
    stuf = StufFormat()
    header = stuf.header(vto_example())
    assert header is not None
    written = stuf.answer(AnswerKind.REFUSED, answered=header, reference="A-3", at=AT, duplicate=True)
    assert written is not None
    fault = read_answer(written).fault

    assert fault is not None
    assert (fault.code, fault.place) == ("StUF016", FaultPlace.CLIENT)


def test_the_format_recognises_its_files_and_no_others() -> None:
    stuf: Format = StufFormat()

    assert stuf.recognises("bericht.dat", vto_example())
    assert stuf.recognises("bericht.xml", b"kapot")
    assert not stuf.recognises("bundel.json", b'{"resourceType": "Bundle"}')


def test_what_an_error_says_to_the_sender_fits_stufs_lengths() -> None:
    """Two hundred issues do not fit a thousand characters; the error is valid all the same."""
    stuf = StufFormat()
    data = vto_example().replace(b"<ZKN:", b"<ZKN:onbekend").replace(b"</ZKN:", b"</ZKN:onbekend")
    with pytest.raises(DocumentError) as refused:
        stuf.read(data)
    header = stuf.header(data)
    assert header is not None
    written = stuf.answer(AnswerKind.REFUSED, answered=header, reference="A-4", at=AT, error=refused.value)

    assert written is not None
    assert xsd_errors_of_answer(written) == []


def test_a_refusal_is_told_in_dutch_and_whatever_another_system_said_fits_in_xml() -> None:
    issues = [
        Issue(pointer=pointer, code="sender.x", text="no\x00", text_nl=text_nl)
        for pointer, text_nl in (("/x", "mag\x01 niet\ud800"), ("/y", "mag\x01 niet\ud800"), ("/z", "ook niet"))
    ]
    error = DocumentError("refused", code="sender.x", issues=issues)
    address = Address(organisation="00000099000000001000", application="systeem")
    data = StufFormat().answer(
        AnswerKind.REFUSED,
        answered=Answered(reference="R1", sender=address, receiver=address),
        reference="A1",
        at=datetime(2026, 11, 23, tzinfo=UTC),
        error=error,
    )
    assert data is not None
    fault = read_answer(data).fault
    assert fault is not None
    assert fault.description == "mag  niet"
    assert fault.details == "/x: mag  niet  (sender.x); /z: ook niet (sender.x)"
