"""Edge cases of what should not have been sent so: to the wrong gemeente, twice, or wrong in itself."""

import json
from dataclasses import replace

import pytest

from connectors.formats.stuf.answers import read_answer
from connectors.formats.stuf.examples import Header, vto_example
from consent.decide import decide
from consent.decision import Deny, Permit
from consent.request import CorrectedFact, Facts, Party
from schemas.codes import Capacity, Category, Role
from schemas.document import Address, Document
from schemas.identifiers import OIN
from tests.edge_cases.documents import BORN, child_file
from tests.support.example_documents import with_item
from tests.support.example_messages import example_document
from tests.support.offices import Chain, resources
from tests.support.parties import GEMEENTE, RAAD
from tests.unit.consent.builders import AT, CATALOGUE, VTO, gi
from tests.unit.consent.builders import GEMEENTE as COLLEGE
from tests.unit.consent.builders import RAAD as COUNCIL

OTHER_GEMEENTE = OIN("00000099000000005000")


def measure_told(receiver: OIN, reference: str) -> Document:
    """What the Raad tells a gemeente of a measure, about a child of 8."""
    document = with_item(example_document("maatregel"), "p1", birthDate=(BORN,))
    return replace(
        document,
        reference=reference,
        purpose="MAATREGEL",
        sender=Address(organisation=RAAD.value),
        receiver=Address(organisation=receiver.value),
        subjects=(replace(document.subjects[0], birth_date=BORN),),
    )


# ---- the wrong gemeente ----


@pytest.mark.database
async def test_what_went_to_the_wrong_gemeente_is_taken_back_and_goes_to_the_right_one(chain: Chain) -> None:
    """Wrong gemeente (woonplaatsbeginsel): what was not picked up is taken back, and nobody there ever has it."""
    right = await chain.another(OTHER_GEMEENTE, Role.GEMEENTE)
    wrong = await chain.raad.send(measure_told(GEMEENTE, "M-1"), "verkeerd")
    await chain.raad.told("recall", wrong.value, "--reason", "verkeerde-ontvanger")
    sent = await chain.raad.send(measure_told(OTHER_GEMEENTE, "M-2"), "goed")
    for office in (chain.gemeente, right):
        await office.round()
    assert chain.gemeente.received(wrong) is None
    assert right.received(sent) is not None
    await chain.raad.round()
    assert chain.raad.result("verkeerd.json")["state"] == "recalled"


@pytest.mark.database
async def test_who_has_what_went_to_the_wrong_gemeente_is_said(
    chain: Chain, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong gemeente (woonplaatsbeginsel): what was picked up is not undone; the sender hears who has it."""
    wrong = await chain.raad.send(measure_told(GEMEENTE, "M-1"))
    await chain.gemeente.round()
    capsys.readouterr()
    assert await chain.raad.command("recall", wrong.value, "--reason", "verkeerde-ontvanger") == 1
    said = capsys.readouterr()
    assert GEMEENTE.value in said.out + said.err


# ---- numbers used twice ----


@pytest.mark.database
async def test_the_same_request_again_gets_the_first_answers_and_is_not_sent(chain: Chain) -> None:
    """Duplicate reference number (StUF016) with the same content: the system that sends again is answered as before."""
    first = await chain.gemeente.send(vto_example(), "verzoek")
    again = await chain.gemeente.send(vto_example(), "nogmaals")
    assert again == first
    answers = {path.name: path.read_bytes() for path in (chain.gemeente.home / "answers").iterdir()}
    for kind in ("read", "accepted"):
        assert answers[f"verzoek.xml.{kind}.xml"] == answers[f"nogmaals.xml.{kind}.xml"]
    await chain.raad.round()
    assert len(list((chain.raad.home / "in").glob("*.xml"))) == 1


@pytest.mark.database
async def test_other_content_under_the_same_number_is_refused_as_stuf016(chain: Chain) -> None:
    """Duplicate reference number (StUF016) with other content: nothing leaves, and the system hears why."""
    await chain.gemeente.send(vto_example(), "een")
    problem = await chain.gemeente.refused(vto_example().replace(b"Testkind", b"Ander kind"), "twee")
    assert problem["code"] == "sender.reference.used"
    answer = read_answer((chain.gemeente.home / "answers" / "twee.xml.refused.xml").read_bytes())
    assert (answer.code.value, answer.fault and answer.fault.code) == ("Fo01", "StUF016")


@pytest.mark.database
async def test_the_number_of_a_request_that_was_refused_may_be_used_again(chain: Chain) -> None:
    """Duplicate reference number (StUF016) with other content: what was never sent took no number."""
    header = Header(reference="VTO-1")
    await chain.gemeente.refused(vto_example(header=header).replace(b">20140302<", b">20140231<"), "fout")
    sent = await chain.gemeente.send(vto_example(header=header), "goed")
    await chain.raad.round()
    assert chain.raad.received(sent) is not None


# ---- what was wrong ----


@pytest.mark.database
async def test_a_rectification_reaches_who_received_what_was_wrong(chain: Chain) -> None:
    """Rectification to earlier recipients: whoever has it is told what was wrong, and nobody else is."""
    other = await chain.another(OTHER_GEMEENTE, Role.GEMEENTE)
    sent = await chain.raad.send(measure_told(GEMEENTE, "M-1"))
    await chain.gemeente.round()
    await chain.raad.round()
    words = ["--item", "maatregel/m1/period", "--reason", "onjuist", "--person", str(child_file(chain.raad))]
    assert await chain.raad.command("correct", sent.value, *words) == 0
    for office in (chain.gemeente, other):
        await office.round()
    assert list((other.home / "in").iterdir()) == []
    bundles = [json.loads(path.read_bytes()) for path in (chain.gemeente.home / "in").glob("*.fhir.json")]
    (correction,) = [each for bundle in bundles for each in resources(bundle, "correctie")]
    assert sent.value in json.dumps(correction)
    assert any(each["url"].endswith("/wrong-besluit") for each in correction["extension"])


@pytest.mark.parametrize(
    "recipient", [COLLEGE, COUNCIL, gi(Capacity.OTS), Party(role=Role.VEILIG_THUIS), Party(role=Role.DASHBOARD)]
)
def test_every_earlier_recipient_may_have_the_correction_of_what_it_received(recipient: Party) -> None:
    """Rectification to earlier recipients: each of them, whatever it is, and only of the categories that it has."""
    correction = replace(
        VTO,
        sender=COUNCIL,
        recipient=recipient,
        purpose="CORRECTIE",
        message_type="correctie",
        category=Category.ZORGEN,
        element="finding",
    )
    received = Facts(corrected=CorrectedFact(categories=frozenset({Category.ZORGEN})))
    assert isinstance(decide(correction, catalogue=CATALOGUE, facts=received, at=AT), Permit)
    assert isinstance(decide(correction, catalogue=CATALOGUE, facts=Facts(), at=AT), Deny)


def test_a_correction_needs_no_consent_and_no_measure() -> None:
    """Rectification to earlier recipients: also when the measure has ended and the consent is withdrawn."""
    (row,) = CATALOGUE.rows("CORRECTIE")
    assert [tie.value for tie in row.ties] == ["prior"]
