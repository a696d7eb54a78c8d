"""`example`: writes an example message with fictitious people, to try a connection with.

`vto` and `notificatie` are StUF; a name of a message type is a FHIR bundle of it.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import stuf_format
from connectors.formats.fhir.examples import EXAMPLE_TYPES, NAMES_ANOTHER, ExampleHeader, fhir_example
from connectors.formats.stuf.examples import Header, vto_example
from connectors.formats.stuf.scenarios import (
    NOTIFICATION_SCENARIOS,
    VTO_SCENARIOS,
    notification_scenario,
    vto_scenario,
)
from connectors.settings import Settings, load_settings
from schemas.clock import SystemClock
from schemas.codes import Capacity
from schemas.definitions import load_definitions
from schemas.identifiers import OIN, MessageId
from schemas.randomness import SystemRandomness, new_message_id

DEMO = "demo"
STUF_KINDS = ("vto", "notificatie")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleOptions:
    """What the command line says of an example.

    Attributes:
        kind: `vto`, `notificatie`, or a message type.
        receiver: OIN of the organisation that it is for.
        scenario: Number of the official scenario of StUF, or `demo`.
        answers: StUF request that a notification answers.
        message: Id of the message that a bundle answers or corrects.
        purpose: Code of the ground of a bundle.
        capacity: In which capacity a GI sends the bundle.
        receiver_capacity: In which capacity a GI receives it.
    """

    kind: str
    receiver: str
    scenario: str = DEMO
    answers: Path | None = None
    message: str | None = None
    purpose: str | None = None
    capacity: str | None = None
    receiver_capacity: str | None = None


def example(home: Path, options: ExampleOptions) -> None:
    """Print an example message from this organisation; its reference number is new each time."""
    settings = load_settings(home)
    now = SystemClock().now()
    reference = new_message_id(at=now, randomness=SystemRandomness()).value
    if options.kind in STUF_KINDS:
        data = _stuf(settings, options, reference=reference, at=now)
    elif options.kind in EXAMPLE_TYPES:
        data = _bundle(settings, options, reference=reference, at=now)
    else:
        kinds = ", ".join((*STUF_KINDS, *EXAMPLE_TYPES))
        raise CommandError(f"een voorbeeld is er van: {kinds}", f"there is an example of: {kinds}")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _bundle(settings: Settings, options: ExampleOptions, *, reference: str, at: datetime) -> bytes:
    if options.kind in NAMES_ANOTHER and options.message is None:
        raise CommandError(
            "`--message` noemt het bericht dat wordt beantwoord of gecorrigeerd",
            "`--message` names the message that is answered or corrected",
        )
    header = ExampleHeader(
        sender=settings.oin,
        receiver=OIN(options.receiver),
        reference=reference,
        purpose=options.purpose,
        capacity=Capacity(options.capacity) if options.capacity else None,
        receiver_capacity=Capacity(options.receiver_capacity) if options.receiver_capacity else None,
        about=MessageId(options.message) if options.message else None,
    )
    bundle = fhir_example(options.kind, header=header, definitions=load_definitions(), at=at)
    return json.dumps(bundle, ensure_ascii=False, indent=2).encode("utf-8")


def _stuf(settings: Settings, options: ExampleOptions, *, reference: str, at: datetime) -> bytes:
    header = Header(
        sender=settings.oin.value,
        receiver=OIN(options.receiver).value,
        reference=reference,
        time=at.astimezone().strftime("%Y%m%d%H%M%S"),
    )
    number = int(options.scenario) if options.scenario.isdecimal() else 0
    if options.kind == "vto" and options.scenario == DEMO:
        return vto_example(header=header)
    if options.kind == "vto" and 1 <= number <= VTO_SCENARIOS:
        # Each example is a case of its own, as it would be at a municipality.
        return vto_scenario(number, header=header, case_number=f"ZAAK-{header.reference[-12:]}")
    if options.kind == "notificatie" and 1 <= number <= NOTIFICATION_SCENARIOS:
        return notification_scenario(number, header=header, municipal_case=_case_of(settings, options.answers))
    raise CommandError("dit scenario bestaat niet", "there is no such scenario")


def _case_of(settings: Settings, answers: Path | None) -> str:
    if answers is None:
        return ""
    return stuf_format(settings).read(read_large(answers)).case_reference or ""


def read_large(path: Path) -> bytes:
    """Read a native file, which may be larger than other files of a command line."""
    return path.read_bytes() if path.exists() else read_file(path)
