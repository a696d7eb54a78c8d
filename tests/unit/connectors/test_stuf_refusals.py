"""Each defect of a StUF file gets its one clear refusal, with its place and without the value."""

import pytest

from connectors.formats.stuf import read_stuf
from connectors.formats.stuf.examples import Header, example_bsn, vto_example
from schemas.errors import DocumentError
from tests.support.stuf_scenarios import BAD_REQUESTS, BadRequest


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_defect_is_refused_with_its_code(bad: BadRequest) -> None:
    """The issue's code says what is wrong, in English and in Dutch."""
    with pytest.raises(DocumentError) as refused:
        read_stuf(bad.data())

    assert bad.code in {issue.code for issue in refused.value.issues}
    assert all(issue.text and issue.text_nl for issue in refused.value.issues)
    assert refused.value.code.startswith("sender.stuf.")


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_refusal_repeats_nothing_of_the_file(bad: BadRequest) -> None:
    """No name, number or text of the file stands in what is said about it."""
    with pytest.raises(DocumentError) as refused:
        read_stuf(bad.data())

    said = " ".join([str(refused.value), *(f"{issue.pointer} {issue.text}" for issue in refused.value.issues)])
    for value in ("Testkind", "Voorbeeld", example_bsn(100), "999900001", "20140302", "buurman", "geen-kind"):
        assert value not in said


def test_all_defects_are_listed_at_once() -> None:
    """A sender corrects a file once, not once for every defect."""
    spoiled = (
        vto_example()
        .replace(b">20140302<", b">20140231<")
        .replace(b"<ZKN:code>112<", b"<ZKN:code>999<")
        .replace(example_bsn(100).encode(), b"999900001")
    )
    with pytest.raises(DocumentError) as refused:
        read_stuf(spoiled)

    assert {"sender.stuf.date", "sender.stuf.role.unknown", "sender.stuf.bsn"} == {
        issue.code for issue in refused.value.issues
    }


def test_an_issue_says_where_it_is() -> None:
    """The pointer leads to the element, with its number among equals."""
    spoiled = vto_example().replace(example_bsn(100).encode(), b"999900001")
    with pytest.raises(DocumentError) as refused:
        read_stuf(spoiled)

    (issue,) = refused.value.issues
    assert issue.pointer == "/vtoDi01/object/heeftBetrekkingOp/0/gerelateerde/natuurlijkPersoon/inp.bsn"


def test_a_large_attachment_below_the_limit_is_read() -> None:
    """Sixteen megabytes of attachment are more than libxml2 takes by itself."""
    from tests.support.stuf_scenarios import Attachment

    large = Attachment(
        identifier="DOC-1", description="Gezinsgeschiedenis", file_name="groot.bin", data=b"\x01" * (15 * 1024 * 1024)
    )
    document = read_stuf(vto_example(header=Header(), attachments=(large,)))

    (data,) = next(item for item in document.items if item.id == "d1").elements["data"]
    assert isinstance(data, str)
    assert len(data) == 20 * 1024 * 1024
