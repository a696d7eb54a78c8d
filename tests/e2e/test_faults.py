"""`make faults` in small: two kills of each process while a few messages flow, and everything is proved after it."""

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.aftermath import Aftermath, Dropped
from deploy.local.faults import TARGETS, schedule
from deploy.local.stack import GEMEENTE
from tests.support.stack import REPOSITORY, StackUnderTest, unique
from tests.support.stuf_scenarios import Header, vto_scenario

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


def test_the_proof_finds_what_is_lost_doubled_or_false(office: StackUnderTest, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    (taken / "raad").mkdir(parents=True)
    dropped, messages = [], []
    for _ in range(3):
        reference = unique("VTO")
        name = office.gemeente.drop(vto_scenario(1, header=Header(reference=reference)))
        dropped.append(Dropped(reference=reference, sender=GEMEENTE, name=name))
        messages.append(office.gemeente.sent(name, state="received").message)
        for path in office.raad.folder("in").glob(f"{messages[-1]}.*"):
            shutil.copy(path, taken / "raad")

    def aftermath(*twice: str) -> Aftermath:
        return Aftermath(stack=office.stack, dropped=dropped, taken=taken, twice=twice)

    whole = aftermath()
    assert (whole.lost(), whole.doubled(), whole.unreceipted(), whole.bad_evidence()) == ([], [], [], [])
    first = taken / "raad" / f"{messages[0]}.xml"
    doubled = first.with_stem("0194c0de-0000-7000-8000-000000000000")
    shutil.copy(first, doubled)
    assert aftermath().doubled() == [f"{dropped[0].reference} came 2 times"]
    assert aftermath("a.xml").doubled()[0] == "a.xml was handed over again"
    doubled.unlink()
    first.unlink()
    assert [line.partition(" ")[0] for line in aftermath().lost()] == [dropped[0].name]
    evidence = taken / "raad" / f"{messages[1]}.evidence.json"
    evidence.write_text(evidence.read_text().replace('"purpose', '"Purpose'))
    (wrong,) = aftermath().bad_evidence()
    assert wrong.startswith(evidence.name)
    assert aftermath().log_faults(["hub.ketenhub.test/log/1\n3\n" + "A" * 43 + "=\n\nnobody signed this\n"])


def test_a_run_is_planned_by_its_seed() -> None:
    one, same, other = (schedule(random.Random(seed), messages=40, rounds=3) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sum(target is None for _, target in one) == 40
    for target in TARGETS:
        assert sum(each == target for _, each in one) == 3
