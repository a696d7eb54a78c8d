"""Answers to the system that wrote a bundle: message bundles with an OperationOutcome, each naming what it answers.

    read       the file was read, and the message is on its way
    accepted   the hub accepted it
    refused    it was refused: an issue for each finding, in Dutch, with its code and its JSON Pointer

Source: FHIR R4, MessageHeader.response and OperationOutcome.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from connectors.formats.fhir.names import (
    ANSWER_SYSTEM,
    FINDING_SYSTEM,
    REFERENCE_SYSTEM,
    endpoint,
    institution,
)
from connectors.formats.ports import Answered, AnswerKind
from connectors.sdk.addresses import is_oin
from schemas.document import Address, JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.places import NOT_STATED, JSONObject

_TEXTS: Final = {
    AnswerKind.READ: ("Het bericht is gelezen en wordt verzonden.", "the message was read and is on its way"),
    AnswerKind.ACCEPTED: ("Het bericht is door de hub aanvaard.", "the hub accepted the message"),
    AnswerKind.REFUSED: ("Het bericht is geweigerd.", "the message was refused"),
}
_DUPLICATE: Final = Issue(
    pointer="/identifier/value",
    code="sender.reference.used",
    text="this sender used this reference number for other content",
    text_nl="Dit referentienummer is al gebruikt voor een ander bericht.",
)
_FHIR_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


def write_answer(
    kind: AnswerKind,
    *,
    answered: Answered,
    reference: str,
    at: datetime,
    base: str,
    error: DocumentError | None = None,
    duplicate: bool = False,
) -> JSONObject:
    """Write one answer as a message Bundle.

    Args:
        kind: What it tells.
        answered: Header of the file that is answered.
        reference: The answer's own number.
        at: Its time.
        base: First part of the addresses of our extensions.
        error: Why it was refused.
        duplicate: Whether it was refused because its number was used for other content.
    """
    namespace = uuid5(NAMESPACE_URL, f"{answered.receiver.organisation}/{reference}")
    outcome = f"urn:uuid:{uuid5(namespace, 'outcome')}"
    refused = kind is AnswerKind.REFUSED
    told = _DUPLICATE if duplicate else None
    header: JSONObject = {
        "resourceType": "MessageHeader",
        "id": "antwoord",
        "meta": {"profile": [base + "antwoord"]},
        "extension": [{"url": base + "answers", "valueString": answered.reference}],
        "eventCoding": {"system": ANSWER_SYSTEM, "code": kind.value},
        "destination": [_destination(answered.sender, base)],
        "source": _source(answered.receiver, base),
        "response": {
            "identifier": _as_id(answered.reference),
            "code": "fatal-error" if refused else "ok",
            "details": {"reference": outcome},
        },
    }
    issues = [*_issues(kind, error, told, base)]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": REFERENCE_SYSTEM, "value": reference},
        "type": "message",
        "timestamp": at.isoformat(),
        "entry": [
            {"fullUrl": f"urn:uuid:{namespace}", "resource": header},
            {"fullUrl": outcome, "resource": {"resourceType": "OperationOutcome", "id": "uitkomst", "issue": issues}},
        ],
    }


def _issues(kind: AnswerKind, error: DocumentError | None, told: Issue | None, base: str) -> Iterator[JSONValue]:
    """Say what is told as a whole, then each finding."""
    text_nl, text = _TEXTS[kind]
    if kind is not AnswerKind.REFUSED:
        yield {"severity": "information", "code": "informational", "details": {"text": text_nl}, "diagnostics": text}
        return
    findings = [told] if told else [*error.issues] if error else []
    if not findings and error is not None:
        findings = [Issue(pointer="", code=error.code, text=error.public_message, text_nl=text_nl)]
    for each in findings:
        coded: JSONObject = {"coding": [{"system": FINDING_SYSTEM, "code": each.code}]}
        yield {
            "extension": [{"url": base + "pointer", "valueString": each.pointer or "/"}],
            "severity": "error",
            "code": _issue_type(each.code),
            "details": {**coded, "text": _plain(each.text_nl or each.text)},
            "diagnostics": _plain(each.text),
        }


def _issue_type(code: str) -> str:
    """Choose the code of FHIR that fits a finding best."""
    for beginning, kind in _ISSUE_TYPES:
        if code.startswith(beginning):
            return kind
    return "processing"


_ISSUE_TYPES: Final = (
    ("sender.reference.used", "duplicate"),
    ("sender.decision.", "suppressed"),
    ("sender.structure.", "required"),
    ("sender.value.code", "code-invalid"),
    ("sender.value.", "value"),
    ("sender.fhir.too-large", "too-long"),
    ("sender.fhir.", "structure"),
    ("sender.json.", "structure"),
    ("sender.recipient.", "not-found"),
    ("sender.", "business-rule"),
)


def _destination(address: Address, base: str) -> JSONObject:
    found: JSONObject = {"endpoint": endpoint(address.organisation, not_stated=base + NOT_STATED)}
    if address.application:
        found["name"] = address.application
    if address.organisation and not is_oin(address.organisation):
        found["receiver"] = institution(address.organisation)
    return found


def _source(address: Address, base: str) -> JSONObject:
    return {"endpoint": endpoint(address.organisation, not_stated=base + NOT_STATED)}


def _as_id(reference: str) -> str:
    """Write a number as a FHIR `id`: itself, or where it has other characters an id made from it."""
    return reference if _FHIR_ID.fullmatch(reference) else str(uuid5(NAMESPACE_URL, reference))


def _plain(text: str) -> str:
    """Leave out what FHIR has no place for: a text of another system must not stop the answer."""
    return "".join(each if each.isprintable() else " " for each in text).strip() or "-"
