"""Each bad file gets its one refusal: one problem file, nothing at the other side, and a hub that is as it was."""

import base64
from collections.abc import Callable

import pytest
from lxml import etree

from tests.support.stack import StackUnderTest, run, unique
from tests.support.stuf_scenarios import ATTACHMENTS, BAD_REQUESTS, Header, vto_example, vto_scenario
from tests.support.stuf_xsd import xsd_errors, xsd_errors_of_answer

pytestmark = pytest.mark.stack

_STUF = "{http://www.egem.nl/StUF/StUF0301}"


def other_sender(reference: str) -> bytes:
    return vto_scenario(1, header=Header(reference=reference, sender="00000099000000007000"))


def unknown_recipient(reference: str) -> bytes:
    return vto_scenario(1, header=Header(reference=reference, receiver="00000099000000008000"))


def nobody_by_that_code(reference: str) -> bytes:
    return vto_scenario(1, header=Header(reference=reference, receiver="RC9999"))


def to_a_gi(reference: str) -> bytes:
    return vto_scenario(1, header=Header(reference=reference, receiver="00000099000000003000"))


def to_ourselves(reference: str) -> bytes:
    return vto_scenario(1, header=Header(reference=reference, receiver="00000099000000001000"))


def no_stuf_at_all(_reference: str) -> bytes:
    return b'{"resourceType": "Bundle"}'


BAD_ADDRESSES: tuple[tuple[str, str, Callable[[str], bytes]], ...] = (
    ("wrong-sender", "sender.address.not-ours", other_sender),
    ("unknown-recipient", "sender.recipient.unknown", unknown_recipient),
    ("unknown-code", "sender.recipient.unknown", nobody_by_that_code),
    ("nothing-permitted", "sender.decision.denied", to_a_gi),
    ("to-ourselves", "sender.decision.denied", to_ourselves),
    ("no-stuf", "sender.stuf.xml.broken", no_stuf_at_all),
)
UNREADABLE = frozenset(
    {"broken-xml", "no-xml", "empty", "entity-bomb", "outside-entity", "too-deep", "too-large-a-file", "no-stuf"}
)
"""Whose number cannot be read, so that there is nothing to refer to."""

BAD_FILES = (*((bad.name, bad.code, bad.data) for bad in BAD_REQUESTS), *BAD_ADDRESSES)


@pytest.fixture(scope="module")
def dropped(office: StackUnderTest) -> dict[str, str]:
    """Drop every bad file at once; returns their names. Afterwards hub and other side must be as they were."""
    state, received = office.hub_state(), (office.raad.files(), office.gi.files())
    sent = office.gemeente.files()["sent"]
    names = {}
    for name, _, data in BAD_FILES:
        reference = unique("FOUT")
        names[name] = office.gemeente.drop(data(reference), f"{unique(name)}.xml")
    for name in names.values():
        office.gemeente.refused(name)
    assert office.hub_state() == state
    assert (office.raad.files(), office.gi.files()) == received
    assert office.gemeente.files()["sent"] == sent
    assert office.gemeente.files()["out"] == []
    return names


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, code, _ in BAD_FILES])
def test_a_bad_file_gets_one_problem_that_says_what_is_wrong(
    office: StackUnderTest, dropped: dict[str, str], name: str, code: str
) -> None:
    file = dropped[name]
    problem = office.gemeente.refused(file)
    assert code in {problem["code"], *(issue["code"] for issue in problem["issues"])}
    assert problem["must_act"] == "sender"
    assert problem["text_nl"]
    assert problem["text"]
    files = office.gemeente.files()
    assert [each for each in files["refused"] if each.startswith(file)] == [file, f"{file}.problem.json"]
    assert [each for each in files["sent"] if each.startswith(file)] == []


@pytest.mark.parametrize("name", [name for name, _, _ in BAD_FILES])
def test_no_problem_repeats_a_value(office: StackUnderTest, dropped: dict[str, str], name: str) -> None:
    text = str(office.gemeente.refused(dropped[name]))
    for value in ("Testkind", "999900001", "Testmoeder", "buurman", "Zorgen over de ontwikkeling", "20140231"):
        assert value not in text


@pytest.mark.parametrize("name", [name for name, _, _ in BAD_FILES if name not in UNREADABLE])
def test_what_can_be_answered_gets_an_fo01(office: StackUnderTest, dropped: dict[str, str], name: str) -> None:
    answers = office.gemeente.answers(dropped[name], 1)
    assert "accepted" not in answers
    assert xsd_errors_of_answer(answers["refused"]) == []
    root = etree.fromstring(answers["refused"])
    assert root.findtext(f".//{_STUF}berichtcode") == "Fo01"
    assert root.findtext(f".//{_STUF}crossRefnummer", "").startswith("FOUT-")


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_has_no_header_that_can_be_read_gets_no_answer(
    office: StackUnderTest, dropped: dict[str, str], name: str
) -> None:
    assert list(office.gemeente.folder("answers").glob(f"{dropped[name]}.*")) == []


def test_the_same_content_under_the_same_number_gets_the_first_answers_again(office: StackUnderTest) -> None:
    data = vto_scenario(1, header=Header(reference=unique("VTO")))
    first = office.gemeente.drop(data)
    sent = office.gemeente.sent(first, state="received")
    answers = office.gemeente.answers(first, 2)
    state, received = office.hub_state(), office.raad.files()
    again = office.gemeente.drop(data)
    assert office.gemeente.sent(again, state="received").message == sent.message
    assert office.gemeente.answers(again, 2) == answers
    assert office.hub_state() == state
    assert office.raad.files() == received


def test_other_content_under_the_same_number_is_refused_as_stuf016(office: StackUnderTest) -> None:
    reference = unique("VTO")
    first = office.gemeente.drop(vto_scenario(1, header=Header(reference=reference)))
    office.gemeente.sent(first, state="received")
    state, received = office.hub_state(), office.raad.files()
    other = office.gemeente.drop(vto_scenario(2, header=Header(reference=reference)))
    problem = office.gemeente.refused(other)
    assert problem["code"] == "sender.reference.used"
    refusal = office.gemeente.answers(other, 2)["refused"]
    assert xsd_errors_of_answer(refusal) == []
    root = etree.fromstring(refusal)
    assert root.findtext(f".//{_STUF}crossRefnummer") == reference
    assert root.findtext(".//{*}code") == "StUF016"
    assert office.hub_state() == state
    assert office.raad.files() == received


def test_a_refused_number_is_free_for_the_corrected_file(office: StackUnderTest) -> None:
    reference = unique("VTO")
    wrong = vto_example(header=Header(reference=reference)).replace(b"Testkind<", b"Testkind<!-- -->", 1)[:-40]
    office.gemeente.refused(office.gemeente.drop(wrong))
    office.gemeente.refused(office.gemeente.drop(to_a_gi(reference)))
    right = office.gemeente.drop(vto_scenario(1, header=Header(reference=reference)))
    office.gemeente.sent(right, state="received")


def test_an_attachment_that_the_scanner_holds_back_does_not_leave(office: StackUnderTest) -> None:
    state = office.hub_state()
    with office.gemeente.settings('scan = ["grep", "-q", "%PDF"]'):
        # grep ends with 0 where it finds the words, which lets the file pass, and with 1 where not: held back.
        held = office.gemeente.drop(vto_example(header=Header(reference=unique("VTO"))))
        problem = office.gemeente.refused(held)
        assert problem["code"] == "sender.attachment.held"
        assert len(problem["issues"]) == 2
        assert office.hub_state() == state
        passed = office.gemeente.drop(vto_scenario(1, header=Header(reference=unique("VTO"))))
        office.gemeente.sent(passed)


def test_an_attachment_that_the_recipients_scanner_holds_back_is_not_handed_over(office: StackUnderTest) -> None:
    with office.raad.settings('scan = ["sh", "-c", "! grep -q PNG $0"]'):
        name = office.gemeente.drop(vto_example(header=Header(reference=unique("VTO"))))
        message = office.gemeente.sent(name, state="received").message
        received = office.raad.received(message)
    documents = {
        document.findtext("{*}identificatie"): document.findtext("{*}inhoud")
        for document in etree.fromstring(received.xml).iter("{*}gerelateerde")
        if document.find("{*}inhoud") is not None
    }
    assert documents["DOC-1"]
    assert not documents["DOC-3"]
    assert xsd_errors(received.xml) == []
    picture = base64.b64encode(ATTACHMENTS[2].data).decode()
    assert picture not in received.xml.decode()
    assert picture not in str(received.fhir)
    shown = [notice for notice in office.raad.status()["notices"] if notice["about"] == message]
    assert [notice["kind"] for notice in shown] == ["held"]
    assert run("ketenhub-log", "check", received.evidence_path, "--policy", office.policy).returncode == 0
