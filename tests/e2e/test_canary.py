"""The canary of the local stack: on its schedule it proves that the hub refuses, and its operator sees it."""

import asyncio
import json
import tempfile
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.canaries import Round, Verdict, canary_round
from connectors.cli.opening import opened
from connectors.sdk.canaries import KINDS, CanaryKind
from deploy.local.processes import wait_until
from deploy.local.stack import CANARY, GEMEENTE, RAAD, Stack, running_stack
from schemas.codes import Role
from tests.support.stack import WAIT_SECONDS, Office, unique
from tests.support.stuf_scenarios import Header, vto_example

pytestmark = pytest.mark.stack


LAWFUL = replace(next(kind for kind in KINDS if kind.name == "ontvanger-mag-niet"), recipient=Role.RAAD)
"""Sent to the Raad it is what the law lets a GI send: for the hub, a message that a broken decision permits."""


async def send(home: Path, kind: CanaryKind) -> Round:
    """Let the canary send one kind, with the keys of its home."""
    async with opened(home) as services:
        return await canary_round(services, kinds=(kind,))


@pytest.mark.timeout(240)
def test_a_canary_that_passes_stops_a_running_hub_until_its_operator_resumes_and_messages_go_on() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="kh-") as folder,
        running_stack(Path(folder), organisations=(GEMEENTE, RAAD), hubs=2, canary=True) as stack,
    ):
        gemeente, raad = Office(stack, GEMEENTE), Office(stack, RAAD)
        canary, settings = stack.organisation(CANARY), stack.home / "hub" / "hub.toml"
        once: list[str | Path] = ["canary", "once", "--json", "--home", canary]
        resume: list[str | Path] = ["canary", "resume", "--settings", settings, "--reason", "de beslissing is hersteld"]
        stack.command("ketenhub-connector", *once)
        raad.received(gemeente.sent(gemeente.drop(vto()), state="received").message)

        done = asyncio.run(send(canary, LAWFUL))
        assert [(each.verdict, each.detail) for each in done.outcomes] == [(Verdict.ACCEPTED, "hub.canary.accepted")]

        # A sender sees why its message waits, and nothing of it is refused.
        name = gemeente.drop(vto())
        wait_until(lambda: "hub.enforcement.stopped" in troubles(gemeente), what="the reason", seconds=WAIT_SECONDS)
        assert "de hub heeft zichzelf stilgelegd" in gemeente.command("status").stdout
        assert readiness(stack)["enforcement"] == "stopped"
        assert not (gemeente.folder("refused") / f"{name}.problem.json").exists()

        # Not before canaries are refused again; then both processes go on, and nothing was lost.
        refused = stack.attempt("ketenhub", *resume)
        assert (refused.returncode, "since the stop no canary was refused for: " in refused.stderr) == (1, True)
        stack.command("ketenhub-connector", *once)
        refused = stack.attempt("ketenhub", *resume)
        assert (refused.returncode, "passed and was not refused since" in refused.stderr) == (1, True)
        # What passed here is lawful: no hub that decides rightly ever refuses it.
        stack.command("ketenhub", *resume, "--unproved")
        raad.received(gemeente.sent(name, state="received").message)
        wait_until(lambda: readiness(stack)["enforcement"] == "proved", what="proof", seconds=WAIT_SECONDS)


def vto() -> bytes:
    return vto_example(header=Header(reference=unique("VTO")))


def troubles(office: Office) -> str:
    """What its people see of what is under way."""
    return json.dumps(office.status())


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
