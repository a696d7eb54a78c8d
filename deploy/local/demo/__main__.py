"""`python -m deploy.local.demo [SCENARIO]`: start the stack, play a scenario, and leave nothing behind.

The demo is an outsider. It starts the stack by its commands, drops files into folders, reads what comes out, looks into
the hub's own database, and has the evidence checked by a program that does not trust the hub. What it prints, it read.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.children import LocalServerError
from deploy.local.demo.case import CASE_ORGANISATIONS, play_case
from deploy.local.demo.common import DemoError, say, show_catalogue, title
from deploy.local.demo.request import play_request
from deploy.local.processes import StackError
from deploy.local.stack import ORGANISATIONS, Organisation, Stack, running_stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the demo can play.

    Attributes:
        title: What it shows.
        starting: What is said while everything starts.
        organisations: Who takes part.
        canary: Whether there is one that proves that what must be refused is refused.
        play: Plays it on a running stack; raises `DemoError` where it does not see what it must see.
    """

    title: str
    starting: str
    organisations: tuple[Organisation, ...]
    play: Callable[[Stack], None]
    canary: bool = False


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "request": Scenario(
        title="Ketenhub: a municipality's request reaches the Raad, and the answer comes back",
        starting="Starting PostgreSQL, Valkey, the hub, a worker and three connectors …",
        organisations=ORGANISATIONS,
        play=play_request,
        canary=True,
    ),
    "case": Scenario(
        title="Ketenhub: een zaak van begin tot eind, tussen vier organisaties / a case over its life",
        starting="PostgreSQL, Valkey, hub, worker en vier connectoren starten … / starting everything …",
        organisations=CASE_ORGANISATIONS,
        play=play_case,
    ),
}


def main() -> int:
    """Run the demo.

    Returns:
        0 if everything that must be seen was seen.
    """
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("scenario", choices=[*SCENARIOS], nargs="?", default="request", help="what to play")
    scenario = SCENARIOS[parser.parse_args().scenario]
    began = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="ketenhub-demo-"))
    try:
        title(scenario.title)
        say(scenario.starting)
        with running_stack(home, organisations=scenario.organisations, canary=scenario.canary) as stack:
            say(f"Started in {time.monotonic() - began:.1f} s, with state in a temporary folder.")
            show_catalogue(stack)
            scenario.play(stack)
        title(f"Done in {time.monotonic() - began:.1f} s; everything is stopped and the folder is gone.")
    except (StackError, DemoError, LocalServerError) as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
