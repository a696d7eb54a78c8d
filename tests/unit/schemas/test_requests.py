"""Releases, receipts and client assertions: one form each, every finding listed."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.canonical import canonical_json, parse_canonical
from schemas.errors import DocumentError
from schemas.identifiers import HubName
from schemas.requests import (
    RELEASE_IDS_MAX,
    ClientAuthentication,
    Outcome,
    ReceiptClaims,
    ReceiptReason,
    ReleaseClaims,
    client_authentication_to_payload,
    parse_client_authentication,
    parse_receipt,
    parse_release,
    receipt_to_payload,
    release_to_payload,
)
from tests.support.parties import ISSUED_AT, RAAD, message_id

HUB = HubName("hub.ketenhub.test")
RELEASE = ReleaseClaims(issuer=RAAD, id=message_id(1), issued_at=ISSUED_AT, hub=HUB, ids=(message_id(2), message_id(3)))
RECEIPT = ReceiptClaims(
    issuer=RAAD,
    id=message_id(1),
    issued_at=ISSUED_AT,
    hub=HUB,
    message_id=message_id(2),
    message="A" * 43,
    released="Q" * 42 + "A",
    index=17,
    outcome=Outcome.ACCEPTED,
)
REFUSED = replace(
    RECEIPT,
    outcome=Outcome.REFUSED,
    reasons=(
        ReceiptReason(label="jeugdige/p1/birthDate", code="sender.value.date"),
        ReceiptReason(label="subject/0/yours", code="sender.element.broken"),
        ReceiptReason(label="", code="hub.seal.digest"),
    ),
)
ASSERTION = ClientAuthentication(
    participant=RAAD,
    audience="https://hub.ketenhub.test",
    id=message_id(1),
    issued_at=ISSUED_AT,
    expires_at=ISSUED_AT + 60,
)


def changed(payload: bytes, **change: Any) -> bytes:
    read = parse_canonical(payload)
    assert isinstance(read, dict)
    return canonical_json({name: value for name, value in {**read, **change}.items() if value is not ...})


def test_claims_survive_their_payloads() -> None:
    assert parse_release(release_to_payload(RELEASE)) == RELEASE
    assert parse_receipt(receipt_to_payload(RECEIPT)) == RECEIPT
    assert parse_receipt(receipt_to_payload(REFUSED)) == REFUSED
    assert parse_client_authentication(client_authentication_to_payload(ASSERTION)) == ASSERTION


IDS = [f"01940000-0000-7000-8000-{number:012x}" for number in range(RELEASE_IDS_MAX + 1)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"ids": []}, "/ids"),
        ({"ids": IDS}, "/ids"),
        ({"ids": [IDS[0], IDS[0]]}, "/ids"),
        ({"ids": ["x"]}, "/ids/0"),
        ({"ids": None}, "/ids"),
        ({"hub": "Hub"}, "/hub"),
        ({"jti": 1}, "/jti"),
        ({"iat": "1"}, "/iat"),
        ({"exp": 1}, ""),
        ({"iss": ...}, "/iss"),
    ],
)
def test_a_release_with_one_defect_is_refused_for_it(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_release(changed(release_to_payload(RELEASE), **change))
    assert [issue.pointer for issue in refused.value.issues] == [pointer]


def test_a_moment_is_a_whole_number() -> None:
    with pytest.raises(DocumentError) as refused:
        parse_release(release_to_payload(RELEASE).replace(str(ISSUED_AT).encode(), b"1.5"))
    assert refused.value.code == "sender.json.float"


def test_a_release_may_ask_for_a_hundred() -> None:
    payload = changed(release_to_payload(RELEASE), ids=IDS[:RELEASE_IDS_MAX])
    assert len(parse_release(payload).ids) == RELEASE_IDS_MAX


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"outcome": "maybe"}, "/outcome"),
        ({"outcome": "refused"}, "/reasons"),
        ({"reasons": [{"label": "", "code": "hub.seal.digest"}]}, "/reasons"),
        ({"message": "x"}, "/message"),
        ({"released": "A" * 42 + "B"}, "/released"),
        ({"index": -1}, "/index"),
    ],
)
def test_a_receipt_with_one_defect_is_refused_for_it(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_receipt(changed(receipt_to_payload(RECEIPT), **change))
    assert [issue.pointer for issue in refused.value.issues] == [pointer]


@pytest.mark.parametrize(
    ("reason", "pointer"),
    [
        ({"label": "de naam van het kind", "code": "sender.value.date"}, "/reasons/0/label"),
        ({"label": "", "code": "other.code"}, "/reasons/0/code"),
        ({"label": "", "code": "sender"}, "/reasons/0/code"),
    ],
)
def test_a_reason_is_a_label_and_a_code_and_no_text(reason: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_receipt(changed(receipt_to_payload(REFUSED), reasons=[reason]))
    assert [issue.pointer for issue in refused.value.issues] == [pointer]


def test_reasons_are_objects_in_an_array() -> None:
    reasons: list[Any] = ["x", [1], [{"label": ""}]]
    for value in reasons:
        with pytest.raises(DocumentError):
            parse_receipt(changed(receipt_to_payload(REFUSED), reasons=value))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sub": "urn:nld:oin:00000099000000001000"}, "/sub"),
        ({"exp": ISSUED_AT + 61}, "/exp"),
        ({"exp": ISSUED_AT}, "/exp"),
        ({"aud": ["https://hub.ketenhub.test"]}, "/aud"),
        ({"aud": "hub"}, "/aud"),
        ({"nbf": 1}, ""),
    ],
)
def test_an_assertion_with_one_defect_is_refused_for_it(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_client_authentication(changed(client_authentication_to_payload(ASSERTION), **change))
    assert [issue.pointer for issue in refused.value.issues] == [pointer]


@pytest.mark.parametrize("payload", [b"[]", b'{"iss": 1}', b"{", b'"' + b"x" * (1 << 20) + b'"'])
def test_what_is_no_canonical_object_is_refused(payload: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_release(payload)
