"""What the scenarios of the demo share: dropping and awaiting files as a user does, checking evidence, and printing."""

import base64
import json
from pathlib import Path
from typing import Any, Final

import psycopg

from deploy.local.processes import wait_until
from deploy.local.stack import Organisation, Stack

STEP_SECONDS: Final = 30.0
WIDTH: Final = 100
APPROVALS: Final = 2


class DemoError(Exception):
    """The demo did not see what it must see."""


def drop(stack: Stack, organisation: Organisation, name: str, data: bytes) -> str:
    """Put a file in an organisation's `out/`: write, then rename."""
    target = stack.organisation(organisation) / "out" / name
    part = target.with_name(f"{name}.part")
    part.write_bytes(data)
    part.rename(target)
    return name


def await_file(path: Path) -> Path:
    """Wait for a file to appear."""
    wait_until(path.exists, what=f"`{path.parent.name}/{path.name}`", seconds=STEP_SECONDS)
    return path


def await_json(path: Path) -> Any:
    """Wait for a JSON file to appear, and read it."""
    return read_json(await_file(path))


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def decode(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def title(text: str) -> None:
    """Print the head of a step."""
    print(f"\n{text}\n{'─' * min(len(text), WIDTH)}", flush=True)


def say(text: str) -> None:
    """Print a line of a step."""
    print(f"  {text}", flush=True)


def show_list(labels: list[str]) -> None:
    """Print labels in lines of the page's width."""
    line = "   "
    for label in labels:
        if len(line) + len(label) > WIDTH:
            say(line)
            line = "   "
        line += f" {label}"
    say(line)


def indent(text: str) -> str:
    """Indent what a program printed."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def write_policy(stack: Stack, log_vkey: str) -> Path:
    """Write down whose signatures an outsider counts: this log's, and this registrar's word on who takes part."""
    policy = stack.home / "policy.txt"
    registrar = json.dumps(read_json(stack.home / "registrar" / "registrar.jwk.json"), separators=(",", ":"))
    policy.write_text(f"log {log_vkey}\nquorum none\nregistrar {registrar}\n")
    return policy


def show_catalogue(stack: Stack) -> None:
    """Print by whose steps the catalogue came into force that everything here is decided by."""
    registrar = stack.home / "registrar" / "registrar.jwk.json"
    # Exit code 1 says that nothing is about to come into force: what was proposed is in force already.
    asked = stack.attempt("ketenhub-policy", "status", "--hub", stack.url, "--registrar", registrar, "--json")
    found = json.loads(asked.stdout)
    in_force = found["in_force"]
    (proposal,) = (each for each in found["proposals"] if each["digest"] == in_force["digest"])
    signers = {each["signer"] for each in proposal["approvals"]}
    if len(signers) != APPROVALS:
        raise DemoError("the catalogue is in force without the approvals that it needs")
    say(
        f"Catalogue {in_force['version']} is in force since log entry {in_force['since']}: the board of the registrar"
        f" proved it, and {len(signers)} members approved it."
    )


def show_log(stack: Stack, *, after: int = -1) -> int:
    """Print what the hub's log holds, from its own database; returns the place of the newest entry."""
    assert stack.postgresql is not None
    with psycopg.connect(stack.postgresql.url()) as connection:
        query = "SELECT index, entry FROM log_entries WHERE index > %s ORDER BY index"
        for index, text in connection.execute(query, (after,)):
            entry = json.loads(text)
            parties = f"{entry.get('sender', entry.get('oin', '')):20} {entry.get('recipient', ''):20}"
            say(f"{index:4}  {entry['kind']:12} {parties} {entry.get('purpose', '')}")
            after = int(index)
    return after
