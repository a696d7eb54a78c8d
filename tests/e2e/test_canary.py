"""The canary of the local stack: on its schedule it proves that the hub refuses, and its operator sees it."""

import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from deploy.local.processes import wait_until
from deploy.local.stack import CANARY, GEMEENTE, RAAD, Stack, running_stack

pytestmark = pytest.mark.stack


def readiness(stack: Stack) -> Any:
    with urllib.request.urlopen(f"{stack.url}/readyz") as answer:  # noqa: S310 - our own hub
        return json.loads(answer.read())


@pytest.mark.timeout(180)
def test_a_canary_proves_by_itself_that_the_hub_refuses_what_it_must_refuse() -> None:
    # A short path: the servers' sockets lie in it.
    with (
        tempfile.TemporaryDirectory(prefix="kh-") as folder,
        running_stack(Path(folder), organisations=(GEMEENTE, RAAD), canary=True) as stack,
    ):
        before = readiness(stack)
        assert (before["status"], before["enforcement"]) == ("ready", "proved"), "its period has just begun"
        stack.start_canary()
        settings = stack.home / "hub" / "hub.toml"

        def refused() -> dict[str, int]:
            said = json.loads(stack.command("ketenhub", "canary", "status", "--json", "--settings", settings))
            return {each["reason"]: each["times"] for each in said["refused"]}

        wait_until(lambda: "not-corrected" in refused(), what="the last kind of the first round", seconds=60)
        assert {"measure-missing", "consent-missing", "not-asked", "purpose-unknown"} <= refused().keys()
        listed = stack.command("ketenhub", "participants", "--settings", settings)
        assert f"{CANARY.oin}  {CANARY.title}\n    gi (ots, preventief), CANARY" in listed
        # Nobody else can be made to send such messages, and nothing is sent to it.
        done = stack.attempt(
            "ketenhub-connector", "chain-key", "hand-over", "--home", stack.organisation(GEMEENTE), CANARY.oin
        )
        assert done.returncode == 1
        assert "een kanarie" in done.stderr
        stack.processes[CANARY.name].stop()
        status = stack.attempt("ketenhub-connector", "canary", "status", "--json", "--home", stack.organisation(CANARY))
        assert (status.returncode, json.loads(status.stdout)["worst"]) == (0, "refused")
