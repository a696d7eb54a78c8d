"""`example`: writes an example message with fictitious people, to try a connection with."""

import sys
from pathlib import Path

from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import stuf_format
from connectors.formats.stuf.examples import Header, vto_example
from connectors.formats.stuf.scenarios import (
    NOTIFICATION_SCENARIOS,
    VTO_SCENARIOS,
    notification_scenario,
    vto_scenario,
)
from connectors.settings import Settings, load_settings
from schemas.clock import SystemClock
from schemas.identifiers import OIN
from schemas.randomness import SystemRandomness, new_message_id

DEMO = "demo"


def example(home: Path, *, kind: str, receiver: str, scenario: str, answers: Path | None) -> None:
    """Print an example message from this organisation; its reference number is new each time."""
    settings = load_settings(home)
    now = SystemClock().now()
    header = Header(
        sender=settings.oin.value,
        receiver=OIN(receiver).value,
        reference=new_message_id(at=now, randomness=SystemRandomness()).value,
        time=now.astimezone().strftime("%Y%m%d%H%M%S"),
    )
    number = int(scenario) if scenario.isdecimal() else 0
    if kind == "vto" and scenario == DEMO:
        data = vto_example(header=header)
    elif kind == "vto" and 1 <= number <= VTO_SCENARIOS:
        # Each example is a case of its own, as it would be at a municipality.
        data = vto_scenario(number, header=header, case_number=f"ZAAK-{header.reference[-12:]}")
    elif kind == "notificatie" and 1 <= number <= NOTIFICATION_SCENARIOS:
        data = notification_scenario(number, header=header, municipal_case=_case_of(settings, answers))
    else:
        raise CommandError("dit scenario bestaat niet", "there is no such scenario")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def _case_of(settings: Settings, answers: Path | None) -> str:
    if answers is None:
        return ""
    return stuf_format(settings).read(read_large(answers)).case_reference or ""


def read_large(path: Path) -> bytes:
    """Read a native file, which may be larger than other files of a command line."""
    return path.read_bytes() if path.exists() else read_file(path)
