"""The official scenarios, dropped at the one side, come out at the other: valid, and saying the same thing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.support.stack import Office, StackUnderTest, read_json, run, unique
from tests.support.stuf_scenarios import (
    GEMEENTE,
    NOTIFICATION_SCENARIOS,
    RAAD,
    VTO_SCENARIOS,
    Header,
    notification_scenario,
    vto_example,
    vto_scenario,
)
from tests.support.stuf_xsd import what_it_says, xsd_errors, xsd_errors_of_answer

pytestmark = pytest.mark.stack

_STUF = "{http://www.egem.nl/StUF/StUF0301}"
_FUNCTIONS = {"read": "Bv03", "accepted": "Bv01", "refused": "Fo01"}


def vto(reference: str) -> Header:
    return Header(reference=reference)


def notification(reference: str) -> Header:
    return Header(
        sender=RAAD,
        sender_application="Voorbeeldraadsysteem",
        receiver=GEMEENTE,
        receiver_application="Voorbeeldzaaksysteem",
        reference=reference,
        time="20261123140100",
    )


def test_each_of_the_nine_requests_comes_out_at_the_raad(office: StackUnderTest) -> None:
    dropped = {}
    for number in range(1, VTO_SCENARIOS + 1):
        data = vto_scenario(number, header=vto(unique(f"VTO-{number}")), case_number=unique("ZAAK"))
        assert xsd_errors(data) == []
        dropped[office.gemeente.drop(data)] = data
    for name, data in dropped.items():
        arrives_whole(office.gemeente, office.raad, name, data)


def test_each_of_the_eight_notifications_comes_out_at_the_gemeente(office: StackUnderTest) -> None:
    case = unique("ZAAK")
    request = office.gemeente.drop(vto_scenario(1, header=vto(unique("VTO")), case_number=case))
    asked = office.gemeente.sent(request, state="received")
    dropped: dict[str, tuple[int, bytes]] = {}
    for number in range(1, NOTIFICATION_SCENARIOS + 1):
        data = notification_scenario(number, header=notification(unique(f"NOT-{number}")), municipal_case=case)
        assert xsd_errors(data) == []
        if "Zaak afgerond" in data.decode():
            for name in dropped:
                office.raad.sent(
                    name
                )  # after that no further reply is awaited: what answers the request goes before it
        dropped[office.raad.drop(data)] = number, data
    for name, (number, data) in dropped.items():
        evidence = arrives_whole(office.raad, office.gemeente, name, data)
        claims = claims_of(evidence)
        # Scenarios 7 and 8 are the Raad's own initiative: they answer nothing.
        assert claims["reply_to"] == (asked.message if number <= 6 else None)
        marks = [mark["code"] for mark in office.raad.sent(name).recipient["marks"]]
        assert marks == ([] if number <= 6 else ["unprompted"])


def arrives_whole(sender: Office, recipient: Office, name: str, data: bytes) -> Mapping[str, Any]:
    """Follow one file to the other side and back; returns its evidence."""
    sent = sender.sent(name, state="received")
    received = recipient.received(sent.message)
    assert xsd_errors(received.xml) == []
    assert received.evidence["withheld"] == []
    assert what_it_says(data) == what_it_says(received.xml)
    assert (sender.folder("sent") / name).read_bytes() == data
    assert received.fhir["resourceType"] == "Bundle"
    assert sent.recipient["oin"] == recipient.organisation.oin
    assert sent.recipient["receipt"]["outcome"] == "accepted"
    assert sent.recipient["withheld"] == []
    check_answers(sender.answers(name, 2), {"read", "accepted"}, data)
    return received.evidence


def check_answers(answers: Mapping[str, bytes], kinds: set[str], data: bytes) -> None:
    """Check that there is one valid StUF answer of each kind, to this file."""
    assert set(answers) == kinds
    reference = etree.fromstring(data).findtext(f".//{_STUF}referentienummer")
    for kind, answer in answers.items():
        assert xsd_errors_of_answer(answer) == []
        root = etree.fromstring(answer)
        assert root.findtext(f".//{_STUF}berichtcode") == _FUNCTIONS[kind]
        assert root.findtext(f".//{_STUF}crossRefnummer") == reference
        assert root.findtext(f".//{_STUF}ontvanger/{_STUF}organisatie") == GEMEENTE or kind != "refused"


def claims_of(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Read the signed claims from evidence, without checking anything."""
    import base64

    payload = evidence["sd_jwt"].split("~")[0].split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


# ---- one message with something withheld, its evidence, and what people confirm ----


@pytest.fixture(scope="module")
def withheld(office: StackUnderTest) -> tuple[bytes, str]:
    """Send a request of which the gemeente keeps one attachment back; returns the file and its name."""
    rule = (
        '\n[stuf]\nhealth_documents = ["Diagnostisch onderzoek", "Hulpverleningsrapportage"]\n'
        'necessary_documents = ["Diagnostisch onderzoek"]\n'
    )
    data = vto_example(header=vto(unique("VTO")))
    path = office.gemeente.home / "connector.toml"
    before = path.read_text()
    with office.gemeente.stopped():
        path.write_text(before + rule)
    name = office.gemeente.drop(data)
    office.gemeente.sent(name, state="received")
    with office.gemeente.stopped():
        path.write_text(before)
    return data, name


def test_what_is_withheld_is_missing_and_nothing_else(office: StackUnderTest, withheld: tuple[bytes, str]) -> None:
    data, name = withheld
    sent = office.gemeente.sent(name, state="received")
    labels = {each["label"] for each in sent.recipient["withheld"]}
    assert labels
    (item,) = {label.rpartition("/")[0] for label in labels}
    assert item.startswith("document-gezondheid/")
    assert all(each["by"] == "connector" and each["reasons"][0]["nl"] for each in sent.recipient["withheld"])
    received = office.raad.received(sent.message)
    assert xsd_errors(received.xml) == []
    # What is missing is the third attachment and nothing else, and nothing was added.
    root = etree.fromstring(data)
    (relation,) = [each for each in root.iter("{*}heeftRelevant") if each.findtext(".//{*}identificatie") == "DOC-3"]
    parent = relation.getparent()
    assert parent is not None
    parent.remove(relation)
    assert what_it_says(etree.tostring(root)) == what_it_says(received.xml)


def test_what_was_withheld_is_shown_until_somebody_confirms_it(
    office: StackUnderTest, withheld: tuple[bytes, str]
) -> None:
    message = office.gemeente.sent(withheld[1]).message
    shown = [notice for notice in office.gemeente.status()["notices"] if notice["about"] == message]
    assert [notice["kind"] for notice in shown] == ["withheld"]
    assert "document-gezondheid" in shown[0]["nl"]
    assert withheld[1] in office.gemeente.command("status").stdout
    office.gemeente.command("confirm", message)
    assert [notice for notice in office.gemeente.status()["notices"] if notice["about"] == message] == []
    assert office.gemeente.command("confirm", message, check=False).returncode == 1


@pytest.fixture(scope="module")
def evidence(office: StackUnderTest, withheld: tuple[bytes, str]) -> Path:
    """Return the evidence of the message with something withheld."""
    return office.raad.received(office.gemeente.sent(withheld[1]).message).evidence_path


def test_evidence_is_checked_by_a_policy_and_unanchored_without(office: StackUnderTest, evidence: Path) -> None:
    assert run("ketenhub-log", "check", evidence, "--policy", office.policy).returncode == 0
    without = run("ketenhub-log", "check", evidence, check=False)
    assert without.returncode == 3
    assert "unanchored" in without.stdout


def test_redacted_evidence_still_holds_and_has_no_value(office: StackUnderTest, evidence: Path, tmp_path: Path) -> None:
    redacted = tmp_path / "redacted.json"
    run("ketenhub-log", "redact", evidence, "--output", redacted)
    assert run("ketenhub-log", "check", redacted, "--policy", office.policy).returncode == 0
    assert read_json(redacted)["sd_jwt"].split("~")[1:] in ([""], [])
    disclosed = read_json(evidence)["sd_jwt"].split("~")[1:-1]
    assert disclosed
    text = redacted.read_text()
    assert not [each for each in disclosed if each in text]


def test_evidence_of_which_one_byte_is_another_is_refused(
    office: StackUnderTest, evidence: Path, tmp_path: Path
) -> None:
    whole = read_json(evidence)
    places = ["sd_jwt", "sender_statement", "admission", "entry", "shown", "shown_salt", "tlog_proof"]
    for place in places:
        text = whole[place]
        middle = len(text) // 2
        while not text[middle].isalnum():
            middle += 1
        flipped = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
        altered = tmp_path / f"{place}.json"
        altered.write_text(json.dumps({**whole, place: flipped}))
        done = run("ketenhub-log", "check", altered, "--policy", office.policy, check=False)
        assert done.returncode == 1, f"{place}: {done.stdout}{done.stderr}"
        assert "policy file" not in done.stderr


def test_evidence_of_another_log_or_registrar_is_refused(
    office: StackUnderTest, evidence: Path, tmp_path: Path
) -> None:
    run("ketenhub-registrar", "init", tmp_path / "other")
    other = json.dumps(read_json(tmp_path / "other" / "registrar.jwk.json"), separators=(",", ":"))
    policy = tmp_path / "policy.txt"
    lines = [line for line in office.policy.read_text().splitlines() if not line.startswith("registrar ")]
    policy.write_text("\n".join([*lines, f"registrar {other}"]) + "\n")
    done = run("ketenhub-log", "check", evidence, "--policy", policy, check=False)
    assert done.returncode == 1
    assert "policy file" not in done.stderr


def test_a_gi_gets_nothing_of_a_request_and_the_sender_is_told_why(office: StackUnderTest) -> None:
    before, received = office.hub_state(), office.gi.files()["in"]
    header = Header(reference=unique("VTO"), receiver=office.gi.organisation.oin)
    data = vto_scenario(1, header=header)
    name = office.gemeente.drop(data)
    problem = office.gemeente.refused(name)
    assert problem["code"].startswith("sender.")
    assert problem["text_nl"]
    assert problem["issues"]
    check_answers(office.gemeente.answers(name, 2), {"read", "refused"}, data)
    assert office.hub_state() == before
    assert office.gi.files()["in"] == received


def test_the_same_name_may_be_used_again(office: StackUnderTest) -> None:
    name = f"{unique('zelfde')}.xml"
    first = office.gemeente.drop(vto_scenario(1, header=vto(unique("VTO"))), name)
    one = office.gemeente.sent(first, state="received")
    office.gemeente.drop(vto_scenario(2, header=vto(unique("VTO"))), name)
    again = office.gemeente.sent(name.replace(".xml", "~2.xml"), state="received")
    assert again.message != one.message
    assert {f"{one.message}.xml", f"{again.message}.xml"} <= set(office.raad.files()["in"])


def test_files_that_are_still_being_written_stay_where_they_are(office: StackUnderTest) -> None:
    folder = office.gemeente.folder("out")
    unfinished = [folder / name for name in (".verborgen.xml", "bezig.xml.part", "bezig.xml.tmp")]
    for path in unfinished:
        path.write_bytes(b"half")
    name = office.gemeente.drop(vto_scenario(1, header=vto(unique("VTO"))))
    office.gemeente.sent(name)
    assert [path.read_bytes() for path in unfinished] == [b"half"] * 3
    for path in unfinished:
        path.unlink()
