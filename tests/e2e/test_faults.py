"""`make faults` in small: two kills of each process while a few messages flow, and everything is proved after it."""

import random
import re
import subprocess
import sys

import pytest

from deploy.local.faults import TARGETS, schedule
from tests.support.stack import REPOSITORY

pytestmark = pytest.mark.stack


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_doubled_when_every_process_is_killed_twice() -> None:
    command = [sys.executable, "-m", "deploy.local.faults", "--messages", "30", "--rounds", "2"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing lost, nothing twice, one log, every proof good." in done.stdout
    killed = dict(re.findall(r"^  (\S+) +killed (\d+) times", done.stdout, re.MULTILINE))
    assert killed == dict.fromkeys(TARGETS, "2")
    assert "NOT" not in done.stdout


def test_a_run_is_planned_by_its_seed() -> None:
    one, same, other = (schedule(random.Random(seed), messages=40, rounds=3) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sum(target is None for _, target in one) == 40
    for target in TARGETS:
        assert sum(each == target for _, each in one) == 3
