"""What people find beside a file: `NAME.result.json` in `sent`, `NAME.problem.json` in `refused`.

Texts stand in Dutch and in English; no value of the document stands in them. A result is written again whenever the
state of its message changes.

    {"file": "vto-1.xml", "reference": "VTO-2026-000001", "recipients": [
      {"oin": "…", "message": "0194…", "purpose": "VTO",
       "grounds": [{"code": "VTO", "proposed": true, "nl": …, "en": …}],
       "state": "received", "log_index": 17, "permitted": ["bericht/b1/reference", …],
       "withheld": [{"label": "document/d2/data", "by": "connector", "reasons": [{"code": …, "nl": …, "en": …}]}],
       "receipt": {…}}]}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.agent.services import Services
from connectors.sdk.dutch import in_dutch
from connectors.sdk.projection import Withheld, reason_texts
from consent.explain import name_ground
from consent.grounds import Catalogue
from consent.reasons import Mark
from schemas.civil_day import civil_day_of_second
from schemas.codes import Role
from schemas.document import JSONValue
from schemas.errors import ExchangeError, Issue
from schemas.identifiers import OIN
from schemas.participants import Participant


class WithheldBy(StrEnum):
    """Who left an element out."""

    CONNECTOR = "connector"
    HUB = "hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientResult:
    """What became of a file for one recipient.

    Attributes:
        oin: The recipient.
        message: The message's id.
        type: Message type.
        purpose: Code of the ground.
        state: As the hub has it: waiting, released, received, refused, expired or recalled.
        log_index: Place of the SUBMISSION entry.
        catalogue: Version of the catalogue that decided.
        permitted: Labels that the recipient may have.
        withheld: Labels that it may not, by whom, and why.
        marks: What the decision asks to be looked at.
        receipt: The recipient's receipt, as far as it has come.
        denied: Why the hub hands nothing of it out, while that is so.
        grounds: The rows of the purpose that let it go, with their law and whether each is a proposal.
    """

    oin: str
    message: str
    type: str
    purpose: str
    state: str
    log_index: int
    catalogue: str
    permitted: Sequence[str]
    withheld: Sequence[tuple[WithheldBy, Withheld]]
    marks: Sequence[str]
    receipt: JSONValue
    denied: JSONValue = None
    grounds: Sequence[JSONValue] = ()


def result_to_json(
    *,
    file: str,
    reference: str,
    remarks: Sequence[str],
    recipients: Sequence[RecipientResult],
    at: datetime,
) -> dict[str, JSONValue]:
    """Write a result."""
    return {
        "file": file,
        "reference": reference,
        "at": at.isoformat(),
        "remarks": list(remarks),
        "recipients": [
            {
                "oin": result.oin,
                "message": result.message,
                "type": result.type,
                "purpose": result.purpose,
                "grounds": list(result.grounds),
                "state": result.state,
                "log_index": result.log_index,
                "catalogue": result.catalogue,
                "permitted": list(result.permitted),
                "withheld": [
                    {"label": withheld.label, "by": by.value, "reasons": reasons_to_json(withheld.reasons)}
                    for by, withheld in result.withheld
                ],
                "marks": [mark_to_json(code) for code in result.marks],
                "receipt": result.receipt,
                "denied": result.denied,
            }
            for result in recipients
        ],
    }


def problem_to_json(*, file: str, reference: str | None, error: ExchangeError, at: datetime) -> bytes:
    """Write a problem file: why a file was refused, and who must act."""
    return to_json(
        {
            "file": file,
            "reference": reference,
            "at": at.isoformat(),
            "code": error.code,
            "must_act": error.code.partition(".")[0],
            "text_nl": problem_text_nl(error),
            "text": error.public_message,
            "issues": [_issue_to_json(issue) for issue in error.issues],
        }
    )


def problem_text_nl(error: ExchangeError) -> str:
    """Say in Dutch what a refusal is about; the issues say the rest."""
    text = in_dutch(error.code)
    return f"{text[0].upper()}{text[1:]}."


def grounds_of(
    services: Services, purpose: str, *, message_type: str, sender: OIN, recipient: OIN, at: datetime
) -> list[JSONValue]:
    """Name the rows of a purpose that let such a message go between these two, as our catalogue has them.

    Args:
        services: For the catalogue, and the roles of the two; who is not known limits nothing.
        purpose: Code of the ground.
        message_type: Of the message.
        sender: Who sends it.
        recipient: Who receives it.
        at: When it was sent or received.
    """
    known = services.directory.directory
    return grounds_to_json(
        purpose,
        message_type=message_type,
        sender=_role(known.participant(sender)),
        recipient=_role(known.participant(recipient)),
        catalogue=services.policy.catalogue,
        at=at,
    )


def _role(participant: Participant | None) -> Role | None:
    return participant.role if participant is not None else None


def grounds_to_json(
    purpose: str, *, message_type: str, sender: Role | None, recipient: Role | None, catalogue: Catalogue, at: datetime
) -> list[JSONValue]:
    """Name the rows of a purpose that hold on a day for such a message, with their law.

    A row for others is not named beside it: no proposal should be taken for settled by the row that is.
    """
    day = civil_day_of_second(int(at.timestamp()))
    found: list[JSONValue] = []
    for row in catalogue.rows(purpose):
        if not row.holds_on(day) or message_type not in row.message_types:
            continue
        if sender not in (None, *row.sender.roles) or recipient not in (None, *row.recipient.roles):
            continue
        said = name_ground(row, catalogue=catalogue)
        found.append({"code": row.name, "proposed": row.proposed, "nl": said.nl, "en": said.en})
    return found


def reasons_to_json(codes: Sequence[str]) -> list[JSONValue]:
    """Write reasons with their texts."""
    found: list[JSONValue] = []
    for code in codes:
        text_nl, text = reason_texts(code)
        found.append({"code": code, "nl": text_nl, "en": text})
    return found


def mark_texts(code: str) -> tuple[str, str]:
    """Say a mark of the decision to people; one that this version does not know says itself."""
    try:
        mark = Mark(code)
    except ValueError:
        return code, code
    return mark.nl, mark.en


def mark_to_json(code: str) -> JSONValue:
    """Write a mark of the decision with its texts."""
    text_nl, text = mark_texts(code)
    return {"code": code, "nl": text_nl, "en": text}


def withheld_text(withheld: Sequence[Withheld]) -> tuple[str, str]:
    """Say in one line each, in Dutch and English, what was withheld and why."""
    nl = "; ".join(f"{each.label}: {' '.join(reason_texts(code)[0] for code in each.reasons)}" for each in withheld)
    en = "; ".join(f"{each.label}: {' '.join(reason_texts(code)[1] for code in each.reasons)}" for each in withheld)
    return f"Niet meegestuurd: {nl}", f"Withheld: {en}"


def to_json(value: Mapping[str, JSONValue]) -> bytes:
    """Write JSON for people; nothing is signed over it."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _issue_to_json(issue: Issue) -> dict[str, JSONValue]:
    return {"pointer": issue.pointer, "code": issue.code, "text_nl": issue.text_nl, "text": issue.text}
