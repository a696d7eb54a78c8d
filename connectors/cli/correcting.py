"""`correct`: tell everybody who has it that something was wrong, and what is right.

A correction goes to the recipient of the message that is named, and to each other recipient in the same case of ours
who got one of the same items, by the journal. Whom this organisation told the like of it about the same persons
besides, by the hub's records, is named and stays in `status` until somebody acts: whether it is the same, a person
judges. What nobody picked up yet is not corrected but taken back: see `recall`.

Source: AVG 16 and 19.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from connectors.agent.asking import Desk
from connectors.agent.correcting import (
    Correction,
    check_reason,
    correction_document,
    find_others,
    find_sent,
    is_to_be_recalled,
)
from connectors.agent.journal import NoticeKind
from connectors.agent.persons import child_of
from connectors.agent.told_before import told_texts
from connectors.agent.troubles import settle
from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import opened
from connectors.cli.persons import read_person
from connectors.cli.recording import convert
from connectors.cli.working import hand_in
from connectors.formats.fhir import FhirFormat
from connectors.settings import load_settings
from schemas.clock import SystemClock
from schemas.definitions import Definitions, load_definitions
from schemas.identifiers import MessageId
from schemas.randomness import SystemRandomness


async def correct(options: argparse.Namespace) -> int:
    """Make a correction for each earlier recipient, and send it; name who else may have been told the same."""
    named = convert(options.message, MessageId, nl="nummer van een bericht", en="id of a message")
    async with opened(options.home) as services:
        found = find_sent(services.journal, named, items=options.item)
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
    definitions = load_definitions()
    correction = _correction(options, definitions)
    worst = 0
    for each in found:
        async with opened(options.home) as services:
            waits = await is_to_be_recalled(each, services=services)
        if waits:
            print(f"{each.recipient.value}: nog niet opgehaald; neem het terug met `recall {each.message.value}`")
            print(f"{each.recipient.value}: not picked up yet; take it back by `recall {each.message.value}`")
            worst = max(worst, 1)
            continue
        desk = Desk(
            settings=load_settings(options.home),
            definitions=definitions,
            at=SystemClock().now(),
            randomness=SystemRandomness(),
        )
        document = correction_document(each, correction, desk=desk)
        print(f"{each.recipient.value}: correctie van / correction of {each.message.value}")
        name, data = f"{document.reference}.json", desk.write(document)
        code = await hand_in(options.home, name, data, seconds=options.seconds)
        if code == 0:
            await _settle(options.home, each.message)
        worst = max(worst, code)
    await _name_others(options, named, known=[each.message for each in found])
    return worst


async def _name_others(options: argparse.Namespace, named: MessageId, *, known: Sequence[MessageId]) -> None:
    """Name who else was told the like about the same persons."""
    async with opened(options.home) as services:
        others = await find_others(named, items=options.item, known=known, services=services)
    for nl, en in [others.unasked] if others.unasked else map(told_texts, others.told):
        print(f"LET OP: {nl}\nNOTE: {en}")


async def _settle(home: Path, message: MessageId) -> None:
    """Take back that a message may have to be corrected: it is."""
    async with opened(home) as services:
        settle(services, kind=NoticeKind.UNCORRECTED, about=message.value)


def _correction(options: argparse.Namespace, definitions: Definitions) -> Correction:
    """Read what is right, and what the one who asked for it says."""
    reason, reaction = check_reason(options.reason, definitions=definitions), _text(options)
    if options.file is None:
        child = child_of(read_person(options.person))
        return Correction(
            reason=reason, requested_by=options.requested_by, reaction=reaction, subjects=(child,), right=()
        )
    document = FhirFormat(definitions=definitions).read(read_file(options.file))
    return Correction(
        reason=reason,
        requested_by=options.requested_by,
        reaction=reaction,
        subjects=document.subjects,
        right=document.items,
    )


def _text(options: argparse.Namespace) -> str | None:
    if options.reaction is None:
        return None
    said = read_file(options.reaction).decode("utf-8", "replace").strip()
    if not said:
        raise CommandError(f"`{options.reaction}` is leeg", f"`{options.reaction}` is empty")
    return said
