"""Consent records, measure statements, links and recalls: one form each, every finding listed, nobody named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from schemas.canonical import canonical_json, parse_canonical
from schemas.codes import AgeBand, Capacity, Role, SubjectRole, TokenType
from schemas.consents import (
    ConsentRecipient,
    ConsentStatus,
    WithoutParents,
    consent_to_payload,
    parse_consent,
    verify_consent,
)
from schemas.errors import DocumentError, SignatureError
from schemas.identifiers import CaseId, SubjectTag
from schemas.jws import sign_jws
from schemas.links import link_to_payload, parse_link, verify_link
from schemas.measures import MeasureType, measure_to_payload, parse_measure, verify_measure
from schemas.requests import RecallClaims, RecallReason, parse_recall, recall_to_payload
from tests.support.law_records import (
    CHILD_TAG,
    DIGEST,
    HUB,
    PARENT_NO,
    PARENT_YES,
    RANDOM_TAG,
    REPRESENTATIVE_YES,
    SELF_YES,
    consent_record,
    link,
    measure_statement,
)
from tests.support.parties import GEMEENTE, GI, ISSUED_AT, message_id, seeded_key

RECALL: Final = RecallClaims(
    issuer=GEMEENTE,
    id=message_id(1),
    issued_at=ISSUED_AT,
    hub=HUB,
    message_id=message_id(2),
    reason=RecallReason.WRONG_RECIPIENT,
)


def changed(payload: bytes, **change: Any) -> bytes:
    read = parse_canonical(payload)
    assert isinstance(read, dict)
    return canonical_json({name: value for name, value in {**read, **change}.items() if value is not ...})


def pointers(parse: Callable[[bytes], object], payload: bytes) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        parse(payload)
    return [issue.pointer for issue in refused.value.issues]


# ---- consent records ----


@pytest.mark.parametrize(
    "record",
    [
        consent_record(),
        consent_record(givers=(PARENT_YES, PARENT_NO), case=CaseId("7d" * 16), confirms=message_id(9)),
        consent_record(age=AgeBand.FROM_12, givers=(SELF_YES,), without_parents=WithoutParents.CONSIDERED),
        consent_record(age=AgeBand.ADULT, role=SubjectRole.OUDER, holders=0, givers=(SELF_YES,)),
        consent_record(age=AgeBand.ADULT, holders=0, incapable=True, givers=(REPRESENTATIVE_YES,)),
        consent_record(status=ConsentStatus.WITHDRAWN, replaces=message_id(9)),
        consent_record(
            recipients=frozenset(
                {
                    ConsentRecipient(role=Role.GI, capacity=Capacity.PREVENTIEF),
                    ConsentRecipient(role=Role.GEMEENTE),
                    ConsentRecipient(oin=GI),
                }
            )
        ),
        consent_record(valid_from=date(2028, 2, 29), valid_until=date(2030, 3, 1)),
    ],
)
def test_a_consent_record_survives_its_payload(record: Any) -> None:
    assert parse_consent(consent_to_payload(record)) == record


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"name": "x"}, [""]),
        ({"form": ...}, ["/form"]),
        ({"form": "x"}, ["/form"]),
        ({"incapable": 0}, ["/incapable"]),
        ({"holders": 9}, ["/holders"]),
        ({"givers": []}, ["/givers"]),
        ({"givers": [{"who": "moeder", "answer": "ja"}]}, ["/givers/0/who"]),
        ({"givers": [{"who": "zelf", "answer": "misschien"}]}, ["/givers/0/answer"]),
        ({"categories": []}, ["/categories"]),
        ({"categories": ["alles"]}, ["/categories/0"]),
        ({"categories": ["zorgen", "zorgen"]}, ["/categories"]),
        ({"purposes": ["vrijw"]}, ["/purposes/0"]),
        ({"purposes": [f"P{number:02}" for number in range(17)]}, ["/purposes"]),
        ({"recipients": []}, ["/recipients"]),
        ({"recipients": [{}]}, ["/recipients/0/role", "/recipients/0/capacity"]),
        ({"recipients": [{"oin": "1"}]}, ["/recipients/0/oin"]),
        ({"recipients": [{"oin": GI.value, "role": "gi"}]}, ["/recipients/0"]),
        ({"recipients": [{"oin": GI.value, "capacity": "ots"}]}, ["/recipients/0"]),
        ({"recipients": [{"role": "gi"}]}, ["/recipients/0/capacity"]),
        ({"recipients": [{"role": "raad", "capacity": "ots"}]}, ["/recipients/0/capacity"]),
        ({"recipients": [{"oin": GI.value}] * 2}, ["/recipients"]),
        ({"from": "20261001"}, ["/from"]),
        ({"from": "2026-02-29"}, ["/from"]),
        ({"until": "2026-09-30"}, ["/until"]),
        ({"until": "2028-10-02"}, ["/until"]),
        ({"status": "withdrawn"}, ["/status"]),
        ({"replaces": message_id(1).value}, ["/replaces"]),
        ({"confirms": message_id(1).value}, ["/confirms"]),
        ({"replaces": message_id(9).value, "confirms": message_id(9).value}, ["/confirms"]),
        ({"holders": 1}, ["/givers"]),
        ({"age": "18+"}, ["/holders"]),
        ({"givers": [{"who": "zelf", "answer": "ja"}] * 2}, ["/givers"]),
        ({"givers": [{"who": "vertegenwoordiger", "answer": "ja"}]}, ["/givers"]),
        ({"givers": [{"who": "zelf", "answer": "ja"}], "incapable": True}, ["/givers"]),
        ({"without_parents": "weloverwogen"}, ["/without_parents"]),
    ],
)
def test_a_consent_record_with_one_defect_is_refused_for_it(change: dict[str, Any], found: list[str]) -> None:
    assert pointers(parse_consent, changed(consent_to_payload(consent_record()), **change)) == found


def test_a_consent_holds_for_two_years_at_most() -> None:
    payload = consent_to_payload(consent_record())
    assert parse_consent(changed(payload, until="2028-10-01")).valid_until == date(2028, 10, 1)
    last = changed(payload, **{"from": "9999-01-01", "until": "9999-12-31"})
    assert parse_consent(last).valid_until == date.max


def test_a_consent_may_hold_for_one_day() -> None:
    payload = changed(consent_to_payload(consent_record()), **{"from": "2026-10-01", "until": "2026-10-01"})
    assert parse_consent(payload).valid_until == date(2026, 10, 1)


def test_two_years_from_29_february_end_on_1_march() -> None:
    payload = changed(consent_to_payload(consent_record()), **{"from": "2028-02-29"})
    assert parse_consent(changed(payload, until="2030-03-01")).valid_until == date(2030, 3, 1)
    assert pointers(parse_consent, changed(payload, until="2030-03-02")) == ["/until"]


def test_a_named_participant_is_meant_in_every_capacity_and_a_role_in_the_one_it_names() -> None:
    one, role = ConsentRecipient(oin=GI), ConsentRecipient(role=Role.GI, capacity=Capacity.OTS)
    assert one.includes(oin=GI, role=Role.GI, capacity=Capacity.VOOGDIJ)
    assert not one.includes(oin=GEMEENTE, role=Role.GI, capacity=Capacity.VOOGDIJ)
    assert role.includes(oin=GI, role=Role.GI, capacity=Capacity.OTS)
    assert not role.includes(oin=GI, role=Role.GI, capacity=Capacity.VOOGDIJ)
    assert not role.includes(oin=GEMEENTE, role=Role.GEMEENTE, capacity=None)
    assert ConsentRecipient(role=Role.GI).includes(oin=GI, role=Role.GI, capacity=Capacity.VOOGDIJ)


# ---- measure statements ----


@pytest.mark.parametrize(
    "statement",
    [
        measure_statement(),
        measure_statement(type=MeasureType.VOOGDIJ, valid_until=None),
        measure_statement(issuer=GI, replaces=message_id(9), annulled=True),
        measure_statement(issuer=GI, confirms=message_id(9)),
    ],
)
def test_a_measure_statement_survives_its_payload(statement: Any) -> None:
    assert parse_measure(measure_to_payload(statement)) == statement


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"type": "uithuisplaatsing"}, ["/type"]),
        ({"court": "Rechtbank in de stad"}, ["/court"]),
        ({"case_number": "C/13/1"}, ["/case_number"]),
        ({"case_number": [{"...": "C/13/1"}]}, ["/case_number/0/..."]),
        ({"case_number": [{"...": DIGEST}] * 2}, ["/case_number"]),
        ({"executor": GI.urn}, ["/executor"]),
        ({"annulled": None}, ["/annulled"]),
        ({"annulled": True}, ["/annulled"]),
        ({"until": None}, ["/until"]),
        ({"until": "2026-06-30"}, ["/until"]),
        ({"replaces": message_id(1).value}, ["/replaces"]),
        ({"confirms": message_id(1).value}, ["/confirms"]),
        ({"replaces": message_id(9).value, "confirms": message_id(9).value}, ["/confirms"]),
        ({"reason": "x"}, [""]),
    ],
)
def test_a_measure_statement_with_one_defect_is_refused_for_it(change: dict[str, Any], found: list[str]) -> None:
    assert pointers(parse_measure, changed(measure_to_payload(measure_statement()), **change)) == found


# ---- links and recalls ----


def test_a_link_survives_its_payload() -> None:
    of_epochs = link(random=None, former=CHILD_TAG, known=SubjectTag("1.ICEiIyQlJicoKSorLC0uLw"))
    for claims, other in ((link(), RANDOM_TAG), (of_epochs, CHILD_TAG)):
        assert parse_link(link_to_payload(claims)) == claims
        assert claims.other == other


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"random": "x"}, ["/random"]),
        ({"random": CHILD_TAG.value}, ["/known"]),
        ({"known": ...}, ["/known"]),
        ({"random": None}, ["/random"]),
        ({"former": "0.ICEiIyQlJicoKSorLC0uLw"}, ["/random"]),
        ({"random": None, "former": "0.ICEiIyQlJicoKSorLC0uLw"}, ["/former"]),
        ({"random": None, "former": CHILD_TAG.value}, ["/known"]),
        ({"bsn": "x"}, [""]),
    ],
)
def test_a_link_with_one_defect_is_refused_for_it(change: dict[str, Any], found: list[str]) -> None:
    assert pointers(parse_link, changed(link_to_payload(link()), **change)) == found


def test_a_recall_survives_its_payload() -> None:
    assert parse_recall(recall_to_payload(RECALL)) == RECALL


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"reason": "het was de buurvrouw"}, ["/reason"]),
        ({"message_id": "x"}, ["/message_id"]),
        ({"ids": []}, [""]),
    ],
)
def test_a_recall_with_one_defect_is_refused_for_it(change: dict[str, Any], found: list[str]) -> None:
    assert pointers(parse_recall, changed(recall_to_payload(RECALL), **change)) == found


# ---- signatures ----


@pytest.mark.parametrize(
    ("typ", "payload", "verify", "expected"),
    [
        (TokenType.CONSENT, consent_to_payload(consent_record()), verify_consent, consent_record()),
        (TokenType.MEASURE, measure_to_payload(measure_statement()), verify_measure, measure_statement()),
        (TokenType.LINK, link_to_payload(link()), verify_link, link()),
    ],
)
def test_a_record_counts_under_its_issuers_key_and_its_own_type_only(
    typ: TokenType, payload: bytes, verify: Callable[..., object], expected: object
) -> None:
    key = seeded_key("gemeente")
    token = sign_jws(payload, typ=typ, key=key)
    assert verify(token, key=key.public) == expected
    with pytest.raises(SignatureError):
        verify(token, key=seeded_key("other").public)
    with pytest.raises(SignatureError):
        verify(sign_jws(payload, typ=TokenType.RECALL, key=key), key=key.public)


def test_no_record_names_anybody() -> None:
    """The members are a closed list: none of them can hold a name, a number of a person or a text."""
    for payload in (consent_to_payload(consent_record()), measure_to_payload(measure_statement())):
        read = parse_canonical(payload)
        assert isinstance(read, dict)
        for name in ("name", "bsn", "note", "text", "address"):
            assert name not in read
    replaced = replace(consent_record(), id=message_id(2), replaces=message_id(1))
    assert "AAECAwQ" not in repr(replaced.tag)
