"""The bench runs, and what it writes has its form; how fast anything is, no test says."""

import tempfile
from pathlib import Path

import orjson
import pytest

from tests.performance import bench
from tests.performance.figures import Bound, Figure, Report, Verdict, quantile
from tests.performance.load import Job, Play, parse_job


def test_a_quick_run_of_the_pure_rows_writes_each_figure_with_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows without servers: decide and connector."""
    out = tmp_path / "bench.json"
    assert bench.main(["--quick", "--only", "decide", "--only", "connector", "--out", str(out)]) == 0
    written = orjson.loads(out.read_bytes())
    assert written["format"] == "ketenhub-bench/1"
    assert written["quick"] is True
    assert written["failures"] == {}
    assert written["machine"].keys() == {
        "system",
        "processor",
        "cores",
        "python",
        "verify_us",
        "fsync_ms",
        "load_before",
    }
    assert [row["row"] for row in written["rows"]] == ["decide", "connector"]
    figures = [figure for row in written["rows"] for figure in row["figures"]]
    assert [figure["name"] for figure in figures if figure["verdict"] != "no budget"] == [
        "an element, memoised",
        "an element, cold",
        "an element by consent, memoised",
        "an element by consent, cold",
        "an element by a measure, memoised",
        "an element by a measure, cold",
        "map, project, sign, seal",
        "open, verify, validate",
    ]
    for figure in figures:
        assert figure["value"] > 0
        held = "budget" not in figure or figure["value"] <= figure["budget"]
        assert held is (figure["verdict"] != "missed")
    said = capsys.readouterr().out
    assert all(figure["name"] in said for figure in figures)


def test_a_row_that_cannot_be_measured_is_told_and_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other rows are measured all the same."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"no clock\nin {tempfile.gettempdir()}/x")

    monkeypatch.setattr(bench, "measure_decide", fail)
    out = tmp_path / "bench.json"
    assert bench.main(["--quick", "--only", "decide", "--only", "connector", "--out", str(out)]) == 1
    written = orjson.loads(out.read_bytes())
    assert written["failures"] == {"decide": "RuntimeError: no clock in …/x"}
    assert [row["row"] for row in written["rows"]] == ["connector"]


def test_a_row_can_be_left_out(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ["--quick", "--only", "decide", "--only", "connector", "--without", "connector", "--out", str(out)]
    assert bench.main(arguments) == 0
    assert [row["row"] for row in orjson.loads(out.read_bytes())["rows"]] == ["decide"]


@pytest.mark.parametrize(
    ("bound", "value", "verdict"),
    [
        (Bound.AT_LEAST, 1000.0, Verdict.HELD),
        (Bound.AT_LEAST, 999.9, Verdict.MISSED),
        (Bound.AT_MOST, 1000.0, Verdict.HELD),
        (Bound.AT_MOST, 1000.1, Verdict.MISSED),
    ],
)
def test_a_budget_holds_on_its_own_side(bound: Bound, value: float, verdict: Verdict) -> None:
    assert Figure(row="r", name="n", value=value, unit="u", budget=1000, bound=bound).verdict is verdict


def test_a_missed_budget_is_said_at_the_end() -> None:
    said: list[str] = []
    report = Report(quick=False, say=said.append)
    report.add(Figure(row="decide", name="cold", value=60.0, unit="µs", budget=50, bound=Bound.AT_MOST))
    report.end()
    assert said[-2:] == ["0 budgets held, 1 missed", "missed: decide, cold: 60.0 µs"]


@pytest.mark.parametrize(("share", "told"), [(0.05, 0), (0.2, 1)])
def test_other_work_on_the_machine_is_told(share: float, told: int) -> None:
    said: list[str] = []
    report = Report(quick=False, say=said.append)
    report.add(Figure(row="accept", name="64", value=1.0, unit="messages/s", detail={"others_share": share}))
    report.end()
    assert sum("measure again" in line for line in said) == told


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_quantile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert quantile(list(range(100, 0, -1)), share) == value


def test_a_job_reaches_the_load_client_as_it_was() -> None:
    job = Job(
        play=Play.ROUND_TRIP,
        ports=(1, 2),
        messages=Path("messages"),
        first=0,
        last=2,
        connections=3,
        warm_seconds=0.5,
        seconds=1.5,
        result=Path("result"),
        batch=4,
    )
    assert parse_job(job.to_json()) == job
