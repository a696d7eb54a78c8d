"""What a run finds: figures with their budgets, the table that is printed, and the JSON that is written.

    figure = Figure(row="accept", name="64 connections", value=1043.2, unit="messages/s", budget=1000)
    figure.verdict     # Verdict.HELD
    figure.of_budget   # 1.04: for both bounds, more than 1 is more of the unit

A figure says where and how it was measured, and nothing about the machine's name or its folders.
"""

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

import orjson

from schemas.jwk import SigningKey
from schemas.randomness import UnsafeSeededRandomness

OTHERS_SHARE_MAX: Final = 0.1
"""Above this share of the processors for other work, rates and times say little."""
FORMAT: Final = "ketenhub-bench/1"
_COLUMNS: Final = "{:<14} {:<42} {:>10} {:<12} {:>9} {:>7} {:>7}  {}"

Facts: TypeAlias = dict[str, str | int | float | list[float]]


class Bound(StrEnum):
    """On which side of its budget a figure must be."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


class Verdict(StrEnum):
    """What became of a budget."""

    HELD = "held"
    MISSED = "missed"
    NONE = "no budget"
    """Measured because it explains another figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Attributes:
        row: Row of the budgets that it belongs to.
        name: What was measured, in a few words.
        value: The value.
        unit: Its unit.
        budget: What was set; None for a figure that only explains.
        bound: On which side the value must be.
        of_floor: Ratio to the floor that was measured in the same run.
        detail: What else was seen, such as how often it was repeated.
    """

    row: str
    name: str
    value: float
    unit: str
    budget: float | None = None
    bound: Bound = Bound.AT_LEAST
    of_floor: float | None = None
    detail: Facts = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Whether the budget holds."""
        if self.budget is None:
            return Verdict.NONE
        held = self.value >= self.budget if self.bound is Bound.AT_LEAST else self.value <= self.budget
        return Verdict.HELD if held else Verdict.MISSED

    @property
    def of_budget(self) -> float | None:
        """The value as a ratio to its budget."""
        return None if not self.budget else self.value / self.budget

    def to_json(self) -> dict[str, object]:
        """Return the figure as it stands in `bench.json`."""
        written: dict[str, object] = {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "verdict": self.verdict.value,
        }
        if self.budget is not None:
            written |= {"budget": self.budget, "bound": self.bound.value, "of_budget": rounded(self.of_budget or 0)}
        if self.of_floor is not None:
            written["of_floor"] = rounded(self.of_floor)
        if self.detail:
            written["detail"] = self.detail
        return written


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything of one run; says each figure as soon as it is there.

    Attributes:
        quick: Whether it was a short run, whose figures are no measure.
        say: Where lines go.
    """

    quick: bool
    say: Callable[[str], None]
    machine: Facts = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Say the machine and the head of the table."""
        self.say("  ".join(f"{name} {value}" for name, value in self.machine.items()))
        self.say(_COLUMNS.format("row", "figure", "measured", "unit", "budget", "÷budget", "÷floor", "verdict"))

    def add(self, figure: Figure) -> None:
        """Take a figure and say it."""
        self.figures.append(figure)
        sign = "≥" if figure.bound is Bound.AT_LEAST else "≤"
        self.say(
            _COLUMNS.format(
                figure.row,
                figure.name,
                f"{rounded(figure.value):,}",
                figure.unit,
                f"{sign} {figure.budget:,g}" if figure.budget is not None else "",
                f"{figure.of_budget:.2f}" if figure.of_budget is not None else "",
                f"{figure.of_floor:.2f}" if figure.of_floor is not None else "",
                figure.verdict if figure.budget is not None else "",
            )
        )

    def fail(self, row: str, reason: str) -> None:
        """Take note of a row that could not be measured."""
        self.failures[row] = reason
        self.say(f"{row:<14} could not be measured: {reason}")

    def end(self) -> None:
        """Say what held and what did not."""
        missed = [figure for figure in self.figures if figure.verdict is Verdict.MISSED]
        held = sum(figure.verdict is Verdict.HELD for figure in self.figures)
        self.say(f"{held} budgets held, {len(missed)} missed" + (", in a quick run that measures little" * self.quick))
        for figure in missed:
            self.say(f"missed: {figure.row}, {figure.name}: {rounded(figure.value)} {figure.unit}")
        for row, reason in self.failures.items():
            self.say(f"not measured: {row}: {reason}")
        shares = [share for figure in self.figures if isinstance(share := figure.detail.get("others_share"), float)]
        if shares and max(shares) > OTHERS_SHARE_MAX:
            self.say(
                f"other work took up to {max(shares):.0%} of the processors meanwhile: measure again when there is none"
            )

    def to_json(self) -> bytes:
        """Return `bench.json`."""
        rows: dict[str, list[dict[str, object]]] = {}
        for figure in self.figures:
            rows.setdefault(figure.row, []).append(figure.to_json())
        return orjson.dumps(
            {
                "format": FORMAT,
                "quick": self.quick,
                "machine": self.machine,
                "rows": [{"row": row, "figures": figures} for row, figures in rows.items()],
                "failures": self.failures,
            },
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )


def rounded(value: float) -> float:
    """Round to four significant digits: more is noise."""
    return float(f"{value:.4g}")


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def seconds_each(work: Callable[[], object], *, seconds: float, calls: int = 1) -> float:
    """Return the time of one unit of work: of all that were measured, the one that a quarter did not exceed.

    What else the machine does only adds to a time, so the lower quartile says more about the work than the median.

    Args:
        work: Does `calls` units each time it is called.
        seconds: How long to go on measuring.
        calls: Units in one call.
    """
    work()
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while not taken or time.perf_counter() < until:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return quantile(taken, 0.25) / calls


def machine_facts(*, seconds: float, folder: Path) -> Facts:
    """Say on what was measured, and how fast this machine is in what everything here is made of."""
    key = SigningKey.generate(randomness=UnsafeSeededRandomness("bench"))
    signature = key.sign(b"x" * 4096)
    verifying = seconds_each(lambda: key.public.verify(signature=signature, data=b"x" * 4096), seconds=seconds)
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        "python": platform.python_version(),
        "verify_us": rounded(verifying * 1e6),
        "fsync_ms": rounded(_fsync_seconds(folder, seconds=seconds) * 1e3),
        "load_before": [round(each, 2) for each in os.getloadavg()],
    }


def _fsync_seconds(folder: Path, *, seconds: float) -> float:
    path = folder / "fsync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)

    def write() -> None:
        os.pwrite(descriptor, b"x" * 4096, 0)
        os.fdatasync(descriptor)

    try:
        return seconds_each(write, seconds=seconds)
    finally:
        os.close(descriptor)
        path.unlink()
