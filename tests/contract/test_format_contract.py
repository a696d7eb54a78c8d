"""What the agent relies on in every native format: the port of `connectors.formats.ports`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest

from connectors.formats.fhir import FhirFormat
from connectors.formats.ports import Answered, AnswerKind, Format
from connectors.formats.stuf import StufFormat
from connectors.formats.stuf.examples import vto_example
from schemas.document import Address
from schemas.errors import DocumentError, Issue
from tests.support.example_documents import request_document

AT: Final = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
FORMATS: Final[dict[str, tuple[Format, Callable[[], bytes]]]] = {
    "stuf": (StufFormat(), vto_example),
    "fhir": (FhirFormat(), lambda: FhirFormat().write(request_document(), withheld=(), at=AT).data),
}
ERROR: Final = DocumentError(issues=[Issue(pointer="/x", code="sender.x", text="wrong", text_nl="onjuist")])


@pytest.fixture(params=FORMATS)
def known(request: pytest.FixtureRequest) -> tuple[Format, bytes]:
    """Return each format with a file of it."""
    form, make = FORMATS[request.param]
    return form, make()


def test_a_file_is_recognised_by_its_own_format_only(known: tuple[Format, bytes]) -> None:
    form, data = known
    assert [each.name for each, _ in FORMATS.values() if each.recognises("bestand", data)] == [form.name]
    assert form.recognises("bestand", data[:4096])
    assert not form.recognises("bestand", b"")


def test_what_was_read_is_written_and_read_again(known: tuple[Format, bytes]) -> None:
    form, data = known
    document = form.read(data)
    written = form.write(document, withheld=(), at=AT)
    assert written.omitted == ()
    assert form.read(written.data) == document
    assert form.write(document, withheld=(), at=AT) == written


def test_the_header_is_that_of_the_document(known: tuple[Format, bytes]) -> None:
    form, data = known
    document, header = form.read(data), form.header(data)
    assert header is not None
    assert header.reference == document.reference
    assert header.sender.organisation == document.sender.organisation
    assert header.receiver.organisation == document.receiver.organisation


@pytest.mark.parametrize("data", [b"", b"{", b"<x", b"\xff\xfe", b"{}", b"<x/>"])
def test_what_is_no_file_of_it_is_refused_with_its_findings(known: tuple[Format, bytes], data: bytes) -> None:
    form, _ = known
    assert form.header(data) is None
    with pytest.raises(DocumentError) as caught:
        form.read(data)
    assert all(each.code.startswith("sender.") for each in caught.value.issues)
    assert caught.value.issues


@pytest.mark.parametrize("kind", AnswerKind)
def test_every_answer_names_what_it_answers(known: tuple[Format, bytes], kind: AnswerKind) -> None:
    form, data = known
    header = form.header(data)
    assert header is not None
    answer = form.answer(kind, answered=header, reference="A-1", at=AT, error=ERROR)
    assert answer is not None
    assert header.reference in answer.decode()
    assert "A-1" in answer.decode()
    assert ("onjuist" in answer.decode()) is (kind is AnswerKind.REFUSED)


def test_an_answer_is_written_though_little_is_known_of_the_file(known: tuple[Format, bytes]) -> None:
    form, _ = known
    nobody = Answered(reference="R-1", sender=Address(organisation=""), receiver=Address(organisation=""))
    answer = form.answer(AnswerKind.REFUSED, answered=nobody, reference="A-1", at=AT, error=ERROR)
    assert answer is not None
    assert (
        form.answer(AnswerKind.REFUSED, answered=nobody, reference="A-1", at=AT, error=ERROR, duplicate=True) != answer
    )
