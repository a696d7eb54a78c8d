"""FHIR Consents of ours that can be recorded, for tests to change one thing in."""

import json
from typing import Any, Final

from connectors.formats.fhir.consents import ConsentDraft, read_consent, write_consent
from connectors.formats.fhir.scopes import CATEGORY_SYSTEM, OIN_SYSTEM, PURPOSE_SYSTEM, ROLE_SYSTEM
from schemas.consents import ConsentRecord
from schemas.identifiers import BSN_SYSTEM, OIN
from tests.support.law_records import consent_record

PERSON: Final = (BSN_SYSTEM, "999911120")
JSON = dict[str, Any]  # parsed JSON that a test changes


def consent(record: ConsentRecord | None = None) -> JSON:
    """Return a record as the JSON of a Consent: of two parents for a child, to a GI, for a year."""
    return json.loads(json.dumps(write_consent(record or consent_record(), person=PERSON)))  # type: ignore[no-any-return]


def drafts(changed: JSON) -> tuple[ConsentDraft, ...]:
    """Read the JSON of a Consent."""
    return read_consent(json.dumps(changed).encode())


def provision(
    rule: str,
    *,
    categories: tuple[str, ...] | None = None,
    purposes: tuple[str, ...] | None = None,
    recipients: tuple[OIN | str, ...] | None = None,
    start: str | None = None,
    end: str | None = None,
    exceptions: tuple[JSON, ...] = (),
) -> JSON:
    """Return a provision; a condition that is not given is not stated. A recipient is an OIN or a role."""
    found: JSON = {"type": rule}
    period = {name: day for name, day in (("start", start), ("end", end)) if day is not None}
    if period:
        found["period"] = period
    if recipients is not None:
        found["actor"] = [_actor(each) for each in recipients]
    if categories is not None:
        found["securityLabel"] = [{"system": CATEGORY_SYSTEM, "code": each} for each in categories]
    if purposes is not None:
        found["purpose"] = [{"system": PURPOSE_SYSTEM, "code": each} for each in purposes]
    if exceptions:
        found["provision"] = list(exceptions)
    return found


def _actor(recipient: OIN | str) -> JSON:
    named = (OIN_SYSTEM, recipient.urn) if isinstance(recipient, OIN) else (ROLE_SYSTEM, recipient)
    role = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
    return {
        "role": {"coding": [role]},
        "reference": {"identifier": {"system": named[0], "value": named[1]}},
    }
