"""Evidence as a file: its members, and the chain of participants that a connector puts into it."""

import json
from typing import Any

import pytest

from audit.evidence import check_evidence
from audit.evidence_file import EVIDENCE_BYTES_MAX, parse_evidence, participant_links
from audit.policy import parse_policy
from schemas.canonical import canonical_json
from schemas.document import JSONValue
from schemas.errors import DocumentError, ExchangeError
from tests.support.evidence_files import POLICY_TEXT, evidence_of, send, usual_world
from tests.support.log_files import GEMEENTE

POLICY = parse_policy(POLICY_TEXT.encode())
EVIDENCE = evidence_of(usual_world(), send())


def members() -> dict[str, Any]:
    """The members of good evidence (`Any`: a test changes them at will)."""
    found: dict[str, Any] = json.loads(EVIDENCE.to_bytes())
    return found


def test_evidence_has_the_members_that_are_documented() -> None:
    assert members().keys() == {
        "sd_jwt",
        "sender_jwk",
        "sender_statement",
        "admission",
        "log_vkey",
        "entry",
        "shown",
        "shown_salt",
        "tlog_proof",
        "withheld",
        "participants",
    }
    assert parse_evidence(EVIDENCE.to_bytes()) == EVIDENCE


def test_evidence_may_be_laid_out_for_people() -> None:
    assert parse_evidence(json.dumps(members(), indent=2).encode()) == EVIDENCE


@pytest.mark.parametrize("name", sorted(members()))
def test_every_member_is_needed_and_has_its_form(name: str) -> None:
    values: tuple[JSONValue, ...] = (7, "", None, {"a": 1}, [7])
    for value in values:
        with pytest.raises(ExchangeError):
            check_evidence(parse_evidence(canonical_json({**members(), name: value})), policy=POLICY)
    without = {key: value for key, value in members().items() if key != name}
    with pytest.raises(DocumentError):
        parse_evidence(canonical_json(without))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        canonical_json({**members(), "more": 1}),
        canonical_json({**members(), "submission": None}),
        canonical_json({**members(), "submission": {"entry": "x"}}),
        canonical_json({**members(), "participants": [{"entry": "x"}]}),
        canonical_json({**members(), "participants": [{"entry": "x", "tlog_proof": "y", "replaced": None}]}),
        b" " * (EVIDENCE_BYTES_MAX + 1),
    ],
)
def test_what_is_no_evidence_is_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_evidence(data)


def test_a_chain_that_is_not_known_is_asked_for() -> None:
    known = usual_world().links()
    for missing in known:
        with pytest.raises(KeyError):
            participant_links(
                newest=2, sender=GEMEENTE, known={index: link for index, link in known.items() if index != missing}
            )
    assert len(participant_links(newest=2, sender=GEMEENTE, known=known)) == 3
