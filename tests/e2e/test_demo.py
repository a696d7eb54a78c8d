"""`make demo`: each scenario plays to its end, shows what it must, and leaves nothing behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY, processes_in

pytestmark = pytest.mark.stack


def played(*scenario: str) -> str:
    """Play a scenario; returns what it printed."""
    # A folder of its own: other demos on this machine leave theirs in the common one.
    with tempfile.TemporaryDirectory(prefix="kh-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local.demo", *scenario],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        left = [path.name for path in Path(folder).glob("ketenhub-demo-*")]
        assert processes_in(Path(folder)) == []
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert left == []
    return done.stdout


@pytest.mark.timeout(300)
def test_a_request_shows_the_way_and_leaves_nothing() -> None:
    said = played()
    for words in ("may go to the Raad", "stays behind", "ok: the evidence holds", "no value", "who must act: sender"):
        assert words in said
    for kind in ("maatregel-ontbreekt", "toestemming-ontbreekt", "niet-gevraagd"):
        assert f"{kind:30} refused\n" in said
    assert "the hub: proved, for 11 reasons" in said


@pytest.mark.timeout(300)
def test_a_case_is_lived_through_by_four_organisations() -> None:
    """Consent and its withdrawal, request, question, measure with its report, correction and end, each with its why."""
    said = played("case")
    steps = [said.index(f"\n{number}. ") for number in range(1, 9)]
    parts = [said[start:end] for start, end in zip(steps, [*steps[1:], len(said)], strict=True)]
    expected = (
        ("bij leeftijd 12-15 moeten toestemmen", "De toestemming gaat niet over deze soort gegevens."),
        (
            "De toestemming is ingetrokken.",
            "recipient.decision.denied",
            "[told-by-hub] Toestemming waarop",
            "[release-denied]",
            "RECALL",
        ),
        ("verzoek-tot-onderzoek", "RVDK-NOT"),
        ("De ontvanger heeft niet om deze soort gegevens gevraagd.", "RVDK-INFO-ANTW"),
        ("er is geen maatregel bekend", "MEASURE", "raadsrapport", "GI-OTS-ANTW"),
        ("GI Voorbeeld Vroeghulp ", "Raad voor de Kinderbescherming (test) ", "GI Voorbeeld Jeugdbescherming "),
        ("GI-MELD", "De maatregel is op deze dag afgelopen."),
        ("ok: the evidence holds",),
    )
    for part, words in zip(parts, expected, strict=True):
        for each in words:
            assert each in part, part
