"""Corrections as documents, for people and for systems: to whom they go, what they say, and who else may have it.

    found = find_sent(services.journal, message_id, items=["leefgebied/l1/finding"])
    document = correction_document(found[0], correction, desk=desk)
    others = await find_others(message_id, items=…, known=[each.message for each in found], services=services)

What is made goes as a FHIR message, like any other: to a recipient of what it corrects, in the same case, and with only
those categories that this recipient got then. What it got then is what the hub permitted when it accepted the message;
a thing that was withheld only later the hub leaves out again.

Source: AVG 16 and 19; the domain page, section 5, `prior`; connectors decision 0010.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from sqlite3 import Row
from typing import Final

from connectors.agent.asking import Desk
from connectors.agent.journal import Journal, NoticeKind
from connectors.agent.refusals import refused
from connectors.agent.services import Services
from connectors.agent.submitting import message_of
from connectors.agent.told_before import Told, keep_in_sight, keep_unasked, told_about
from connectors.agent.troubles import settle
from connectors.sdk.dutch import headline
from consent.request import CorrectedFact, Route, corrected_fact
from schemas.codes import Category
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem, DocumentSubject, JSONValue
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.fhir import claimed_correction
from schemas.fhir.exchange import MESSAGE_SYSTEM, WRONG
from schemas.identifiers import OIN, MessageId
from schemas.message import labels

REASONS: Final = "correctiereden"
REQUESTED_BY: Final = ("sender", "betrokkene")
WAITING: Final = "waiting"
_SENT: Final = (WAITING, "released", "received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message of ours that holds something of what is wrong.

    Attributes:
        message: Its id.
        recipient: Who has it.
        state: As the hub has it.
        labels: The labels of it that are wrong.
    """

    message: MessageId
    recipient: OIN
    state: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a correction says.

    Attributes:
        reason: Code of the list correctiereden.
        requested_by: Who asked for it, one of `REQUESTED_BY`.
        reaction: What the parent or young person says of it, or None.
        subjects: Whom it is about.
        right: What is right, by the names that the wrong items have; empty where the wrong is only taken back.
    """

    reason: str
    requested_by: str
    reaction: str | None = field(repr=False)
    subjects: Sequence[DocumentSubject] = field(repr=False)
    right: Sequence[DocumentItem] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Who else was told the like about the same persons.

    Attributes:
        told: Each message.
        unasked: Why it is not known, in Dutch and English; None where it is.
    """

    told: tuple[Told, ...] = ()
    unasked: tuple[str, str] | None = None


def find_corrected(document: Document, *, services: Services) -> CorrectedFact | None:
    """Say what the message that a document corrects told its recipient; None if it corrects none of ours."""
    corrects = claimed_correction(document.items)
    if corrects is None:
        return None
    row = services.journal.row("SELECT * FROM submissions WHERE id = ?", corrects.message.value)
    if row is None or row["answer"] is None:
        return None
    message = message_of(row)
    route = Route(sender=message.sender, recipient=message.recipient.oin, case=message.case)
    return corrected_fact(route, corrected=route, released=_released(row, services.policy.definitions))


def find_sent(journal: Journal, named: MessageId, *, items: Sequence[str]) -> tuple[Sent, ...]:
    """Find the message that is named, and what went to others in the same case of ours with the same items.

    Args:
        journal: What this connector sent.
        named: A message of ours.
        items: What is wrong: `profile/id` or `profile/id/element`.

    Returns:
        The named one first; nothing if this connector did not send it, or it did not arrive.

    Raises:
        DocumentError: It holds nothing of what is wrong.
    """
    base = journal.row(
        "SELECT submissions.*, threads.number FROM submissions JOIN threads ON threads.message = submissions.id"
        " WHERE submissions.id = ? AND submissions.state IN (?, ?, ?)",
        named.value,
        *_SENT,
    )
    if base is None:
        return ()
    others = journal.rows(
        "SELECT submissions.* FROM submissions JOIN threads ON threads.message = submissions.id"
        " WHERE threads.number = ? AND submissions.id <> ? AND submissions.type <> 'correctie'"
        " AND submissions.state IN (?, ?, ?) ORDER BY submissions.created_at",
        base["number"],
        named.value,
        *_SENT,
    )
    found = _sent(base, items)
    if not found.labels:
        raise refused(
            "this message holds nothing of what is named as wrong",
            "dit bericht bevat niets van wat als onjuist is genoemd",
            code="sender.correction.nothing",
            pointer="/items",
        )
    return (found, *(each for each in (_sent(row, items) for row in others) if each.labels))


def check_reason(reason: str | None, *, definitions: Definitions) -> str:
    """Check that a reason is one of the list.

    Raises:
        DocumentError: It is not; the text names those that are.
    """
    names = definitions.code_lists[REASONS].codes
    if reason is None or reason not in names:
        known = ", ".join(names)
        raise refused(
            f"this is no reason for a correction; known: {known}",
            f"dit is geen reden voor een correctie; wel: {known}",
            code="sender.correction.reason",
            pointer="/reason",
        )
    return reason


def correction_document(sent: Sent, correction: Correction, *, desk: Desk) -> Document:
    """Make the message that corrects one that was sent."""
    definitions = desk.definitions
    item = DocumentItem(
        profile="correctie",
        id="w1",
        about=(0,),
        elements={
            "corrects": ({"system": MESSAGE_SYSTEM, "value": f"urn:uuid:{sent.message.value}"},),
            "reason": ({"coding": [{"code": correction.reason, "system": definitions.code_lists[REASONS].system}]},),
            "requestedBy": (correction.requested_by,),
            **_wrong(sent.labels, definitions, says=correction.reaction),
        },
    )
    document = desk.blank("correctie", correction.subjects[0], to=sent.recipient)
    right = (each for each in correction.right if _is_named(each, sent.labels))
    return replace(document, subjects=tuple(correction.subjects), items=(*document.items, item, *right))


async def is_to_be_recalled(sent: Sent, *, services: Services) -> bool:
    """Whether nobody picked a message up yet: then it is taken back, not corrected.

    Raises:
        EvidenceError: The hub answers about another message.
        UnavailableError: The hub was not reached.
    """
    return sent.state == WAITING and (await services.hub.message(sent.message)).state == WAITING


async def find_others(
    named: MessageId, *, items: Sequence[str], known: Collection[MessageId], services: Services
) -> Others:
    """Find who else was told the like about the same persons; what is found, or not known, stays in sight."""
    profiles = frozenset(each.partition("/")[0] for each in items)
    try:
        told = await told_about(named, profiles=profiles, services=services, known=known)
    except (RejectedMessageError, UnavailableError) as error:
        nl, en = headline(error)
        text_nl = f"of anderen hetzelfde kregen, is bij de hub niet nagegaan ({nl}); vraag het later met `--who`"
        text_en = f"whether others were told the same was not found at the hub ({en}); ask later by `--who`"
        keep_unasked(services, named, text_nl=text_nl, text_en=text_en)
        return Others(unasked=(text_nl, text_en))
    settle(services, kind=NoticeKind.UNCORRECTED, about=named.value)
    keep_in_sight(services, told, of=named)
    return Others(told=told)


def _sent(row: Row, items: Sequence[str]) -> Sent:
    message = message_of(row)
    every = [label.text for label in labels(message) if label.item is not None]
    wrong = tuple(label for label in every if any(label == each or label.startswith(each + "/") for each in items))
    return Sent(message=message.id, recipient=message.recipient.oin, state=row["state"], labels=wrong)


def _wrong(wrong: Sequence[str], definitions: Definitions, *, says: str | None) -> dict[str, tuple[JSONValue, ...]]:
    """Name the wrong labels under their categories."""
    found: dict[Category, list[JSONValue]] = {}
    for label in wrong:
        profile, _, element = label.split("/")
        category = definitions.category(profile, element)
        parts: list[JSONValue] = [{"url": "label", "valueString": label}]
        parts += [{"url": "reaction", "valueString": says}] if says else []
        url = f"{definitions.extension_base}{WRONG}{category}"
        found.setdefault(category, []).append({"url": url, "extension": parts})
    return {f"{WRONG}{category}": tuple(values) for category, values in found.items()}


def _is_named(item: DocumentItem, wrong: Sequence[str]) -> bool:
    return f"{item.profile}/{item.id}" in {label.rpartition("/")[0] for label in wrong}


def _released(row: Row, definitions: Definitions) -> frozenset[Category]:
    """The categories that the recipient of a message may have got."""
    labels = [str(label).split("/") for label in json.loads(row["answer"])["permitted"]]
    return frozenset(definitions.category(profile, element) for profile, _, element in labels if profile != "subject")
