"""The local stack in one folder: one at a time, and what the example shows."""

import fcntl
import os
from pathlib import Path

import pytest

from connectors.settings import parse_settings
from deploy.local.processes import StackError
from deploy.local.stack import HEALTH_RULE, running_stack

MINIMUM = """
oin = "00000099000000001000"
name = "Gemeente Voorbeeldstad"
role = "gemeente"
[hub]
name = "hub.ketenhub.test"
url = "http://127.0.0.1:8080"
"""


def test_a_second_stack_in_one_folder_says_that_it_runs_already_and_how_to_stop_it(tmp_path: Path) -> None:
    with (tmp_path / "running").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(str(os.getpid()))
        held.flush()
        with (
            pytest.raises(StackError, match=rf"runs already in {tmp_path}.*`kill {os.getpid()}`"),
            running_stack(tmp_path),
        ):
            pytest.fail("it started")
    assert [each.name for each in tmp_path.iterdir()] == ["running"]


def test_the_rule_by_which_the_example_leaves_something_behind_can_be_added_to_any_settings(tmp_path: Path) -> None:
    stuf = parse_settings(MINIMUM + HEALTH_RULE, home=tmp_path).stuf
    assert stuf.health_documents is not None
    assert stuf.necessary_documents is not None
    assert set(stuf.necessary_documents) < set(stuf.health_documents)
