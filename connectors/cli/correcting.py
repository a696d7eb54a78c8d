"""`correct`: tell everybody who has it that something was wrong, and what is right.

A correction goes to the recipient of the message that is named, and to each other recipient in the same case of ours
who got one of the same items, by the journal. Whom this organisation told the like of it about the same persons
besides, by the hub's records, is named and stays in `status` until somebody acts: whether it is the same, a person
judges. What nobody picked up yet is not corrected but taken back: see `recall`.

Source: AVG 16 and 19.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Row
from typing import Final

from connectors.agent.journal import Journal, NoticeKind
from connectors.agent.submitting import message_of
from connectors.agent.told_before import keep_in_sight, keep_unasked, told_about, told_texts
from connectors.agent.troubles import settle
from connectors.cli.asking import blank, child_of
from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import opened
from connectors.cli.persons import read_person
from connectors.cli.recording import convert
from connectors.cli.working import hand_in
from connectors.formats.fhir import FhirFormat
from connectors.sdk.dutch import headline
from connectors.settings import Settings, load_settings
from schemas.clock import SystemClock
from schemas.codes import Category
from schemas.definitions import Definitions, load_definitions
from schemas.document import DocumentItem, DocumentSubject, JSONValue
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.fhir.exchange import MESSAGE_SYSTEM, WRONG
from schemas.identifiers import OIN, MessageId
from schemas.message import labels

REASONS: Final = "correctiereden"
_WAITING: Final = "waiting"
_SENT: Final = ("waiting", "released", "received")


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


async def correct(options: argparse.Namespace) -> int:
    """Make a correction for each earlier recipient, and send it; name who else may have been told the same."""
    settings, definitions = load_settings(options.home), load_definitions()
    named = convert(options.message, MessageId, nl="nummer van een bericht", en="id of a message")
    said = _text(options)
    found = _earlier(settings, named, items=options.item)
    if not found:
        await _name_others(options, named, known=())
        raise CommandError(
            "dit bericht is niet door deze connector verstuurd, of niet aangekomen",
            "this connector did not send this message, or it did not arrive",
        )
    if options.who:
        for each in found:
            print(f"{each.recipient.value}: {each.message.value} ({each.state})  {', '.join(each.labels)}")
        await _name_others(options, named, known=[each.message for each in found])
        return 0
    reasons = definitions.code_lists[REASONS]
    if options.reason not in reasons.codes:
        names = ", ".join(reasons.codes)
        raise CommandError(
            f"`{options.reason}` is geen reden; wel: {names}", f"`{options.reason}` is no reason; known: {names}"
        )
    subjects, right = _right_items(options, definitions)
    worst = 0
    for each in found:
        if each.state == _WAITING and await _still_waits(options.home, each.message):
            print(f"{each.recipient.value}: nog niet opgehaald; neem het terug met `recall {each.message.value}`")
            print(f"{each.recipient.value}: not picked up yet; take it back by `recall {each.message.value}`")
            worst = max(worst, 1)
            continue
        item = DocumentItem(
            profile="correctie",
            id="w1",
            about=(0,),
            elements={
                "corrects": ({"system": MESSAGE_SYSTEM, "value": f"urn:uuid:{each.message.value}"},),
                "reason": ({"coding": [{"code": options.reason, "system": reasons.system}]},),
                "requestedBy": (options.requested_by,),
                **_wrong(each.labels, definitions, says=said),
            },
        )
        document = blank("correctie", settings, subjects[0], to=each.recipient)
        items = (*document.items, item, *(one for one in right if _is_named(one, each.labels)))
        document = replace(document, subjects=tuple(subjects), items=items)
        written = FhirFormat(definitions=definitions).write(document, withheld=(), at=SystemClock().now())
        print(f"{each.recipient.value}: correctie van / correction of {each.message.value}")
        name = f"{document.reference}.json"
        code = await hand_in(options.home, name, written.data, seconds=options.seconds)
        if code == 0:
            await _settle(options.home, each.message)
        worst = max(worst, code)
    await _name_others(options, named, known=[each.message for each in found])
    return worst


async def _name_others(options: argparse.Namespace, named: MessageId, *, known: Sequence[MessageId]) -> None:
    """Name who else was told the like about the same persons, and keep it in sight until somebody acts."""
    profiles = frozenset(each.partition("/")[0] for each in options.item)
    async with opened(options.home) as services:
        try:
            others = await told_about(named, profiles=profiles, services=services, known=known)
        except (RejectedMessageError, UnavailableError) as error:
            nl, en = headline(error)
            text_nl = f"of anderen hetzelfde kregen, is bij de hub niet nagegaan ({nl}); vraag het later met `--who`"
            text_en = f"whether others were told the same was not found at the hub ({en}); ask later by `--who`"
            keep_unasked(services, named, text_nl=text_nl, text_en=text_en)
            print(f"LET OP: {text_nl}\nNOTE: {text_en}")
            return
        settle(services, kind=NoticeKind.UNCORRECTED, about=named.value)
        keep_in_sight(services, others, of=named)
    for each in others:
        nl, en = told_texts(each)
        print(f"LET OP: {nl}\nNOTE: {en}")


async def _settle(home: Path, message: MessageId) -> None:
    """Take back that a message may have to be corrected: it is."""
    async with opened(home) as services:
        settle(services, kind=NoticeKind.UNCORRECTED, about=message.value)


def _earlier(settings: Settings, named: MessageId, *, items: Sequence[str]) -> tuple[Sent, ...]:
    """Find the message that is named, and what went to others in the same case of ours with the same items.

    Returns:
        The named one first; nothing if the journal does not have it.

    Raises:
        CommandError: It holds nothing of what is wrong.
    """
    journal = Journal(settings.journal)
    try:
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
    finally:
        journal.close()
    found = _sent(base, items)
    if not found.labels:
        raise CommandError(
            "dit bericht bevat niets van wat met `--item` is genoemd", "this message holds nothing named by `--item`"
        )
    return (found, *(each for each in (_sent(row, items) for row in others) if each.labels))


async def _still_waits(home: Path, message: MessageId) -> bool:
    """Ask the hub whether a message was picked up since the connector last looked."""
    async with opened(home) as services:
        return (await services.hub.message(message)).state == _WAITING


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


def _right_items(
    options: argparse.Namespace, definitions: Definitions
) -> tuple[Sequence[DocumentSubject], Sequence[DocumentItem]]:
    """Whom it is about, and what is right; nothing is right where the wrong is only taken back."""
    if options.file is None:
        return (child_of(read_person(options.person)),), ()
    document = FhirFormat(definitions=definitions).read(options.file.read_bytes())
    return document.subjects, document.items


def _is_named(item: DocumentItem, wrong: Sequence[str]) -> bool:
    return f"{item.profile}/{item.id}" in {label.rpartition("/")[0] for label in wrong}


def _text(options: argparse.Namespace) -> str | None:
    if options.reaction is None:
        return None
    said = read_file(options.reaction).decode("utf-8", "replace").strip()
    if not said:
        raise CommandError(f"`{options.reaction}` is leeg", f"`{options.reaction}` is empty")
    return said
