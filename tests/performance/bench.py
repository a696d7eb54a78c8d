"""`make bench`: measure the hot paths against their budgets, and write `bench.json`.

    python -m tests.performance.bench [--only ROW …] [--without ROW …] [--quick] [--out FILE]

It measures and does not judge: it ends with 0 also when a budget is missed, and says so. It ends with 1 when something
could not be measured.
"""

import argparse
import asyncio
import sys
import tempfile
import traceback
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Final

from tests.performance import append_row, connector_row, consents_row, decide_row, hub_rows
from tests.performance.append_row import measure_append
from tests.performance.connector_row import measure_connector
from tests.performance.consents_row import measure_consents
from tests.performance.decide_row import measure_decide
from tests.performance.figures import Report, machine_facts
from tests.performance.hub_rows import FULL, QUICK, measure_hub, measure_stack
from tests.performance.servers import running_servers

ROWS: Final = (
    decide_row.ROW,
    connector_row.ROW,
    append_row.ROW,
    consents_row.ROW,
    hub_rows.ACCEPT,
    hub_rows.RELEASE,
    hub_rows.ROUND_TRIP,
    hub_rows.PROCESS,
)
HUB_ROWS: Final = frozenset({hub_rows.ACCEPT, hub_rows.RELEASE, hub_rows.ROUND_TRIP, hub_rows.PROCESS})
SERVER_ROWS: Final = HUB_ROWS | {append_row.ROW, consents_row.ROW}
REASON_CHARACTERS_MAX: Final = 500
OUT: Final = Path(__file__).resolve().parents[2] / "bench.json"


def run(report: Report, *, rows: Collection[str]) -> None:
    """Measure rows; what cannot be measured is taken note of, and the others go on."""
    seconds = 0.2 if report.quick else 2.0
    with tempfile.TemporaryDirectory(prefix="ketenhub-bench-") as temporary:
        folder = Path(temporary)
        report.machine = machine_facts(seconds=seconds / 4, folder=folder)
        report.begin()
        if decide_row.ROW in rows:
            _attempt(report, decide_row.ROW, lambda: measure_decide(report, seconds=seconds))
        if connector_row.ROW in rows:
            _attempt(report, connector_row.ROW, lambda: measure_connector(report, seconds=seconds))
        if SERVER_ROWS.intersection(rows):
            _attempt(report, "servers", lambda: _run_on_servers(report, folder, rows=rows, seconds=seconds))
        if hub_rows.PROCESS in rows:
            _attempt(report, "local stack", lambda: measure_stack(report, folder))
        report.end()


def _run_on_servers(report: Report, folder: Path, *, rows: Collection[str], seconds: float) -> None:
    with running_servers(folder) as servers:
        report.machine |= servers.facts()
        if append_row.ROW in rows:
            _attempt(
                report,
                append_row.ROW,
                lambda: _run_async(measure_append(report, servers, seconds=seconds, quick=report.quick)),
            )
        if consents_row.ROW in rows:
            _attempt(
                report,
                consents_row.ROW,
                lambda: _run_async(measure_consents(report, servers, seconds=seconds, quick=report.quick)),
            )
        wanted = HUB_ROWS.intersection(rows)
        if wanted:
            scale = QUICK if report.quick else FULL
            _attempt(report, ", ".join(sorted(wanted)), lambda: measure_hub(report, servers, rows=wanted, scale=scale))


def _attempt(report: Report, row: str, measure: Callable[[], None]) -> None:
    try:
        measure()
    except Exception as error:  # noqa: BLE001  whatever it is, the other rows are still worth measuring
        traceback.print_exc(file=sys.stderr)
        # Where it ran is nobody's business who reads the result.
        lines = str(error).replace(tempfile.gettempdir(), "…").splitlines()
        report.fail(row, f"{type(error).__name__}: {' '.join(lines)}"[:REASON_CHARACTERS_MAX])


def _run_async(measuring: Coroutine[object, None, None]) -> None:
    try:
        import uvloop  # not on every platform
    except ImportError:
        asyncio.run(measuring)
    else:
        uvloop.run(measuring)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the bench; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", metavar="ROW", action="append", choices=ROWS, help=f"one of: {', '.join(ROWS)}")
    parser.add_argument("--without", metavar="ROW", action="append", choices=ROWS, default=[], help="leave a row out")
    parser.add_argument("--quick", action="store_true", help="measure shortly: shows that it works, measures little")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes")
    options = parser.parse_args(arguments)
    report = Report(quick=options.quick, say=_say)
    run(report, rows=[row for row in options.only or ROWS if row not in options.without])
    options.out.write_bytes(report.to_json())
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
