"""`make faults`: kill every process again and again while messages flow, then prove that nothing was lost.

The gemeente asks, the Raad answers, through two hub processes on one database. Meanwhile each process of the stack is
killed at random moments (SIGKILL: as a power cut would) and started again. Two readers empty the `in/` folders as an
organisation's own system does, so that a file that is handed over twice is seen twice. Then, from outside:

    none lost      every file that was dropped came out at the other side, and its sender has the receipt
    none twice     no file came twice, under its own or another name, and the log has each message once
    one log        every checkpoint that anybody saw while it ran is the beginning of the log at the end
    proofs good    `ketenhub-log verify` on the whole log, `ketenhub-log check` on the evidence of every message

The moments come from a seed, which is printed; the machine's own timing still differs from run to run.
"""

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.aftermath import Aftermath, Dropped, FaultsError, references_in
from deploy.local.children import LocalServerError
from deploy.local.postgresql import start_postgresql
from deploy.local.processes import StackError
from deploy.local.stack import GEMEENTE, RAAD, Organisation, Stack, running_stack
from deploy.local.valkey import start_valkey
from deploy.local.watchers import CheckpointWatcher, InboxReader

MESSAGES: Final = 500
ROUNDS: Final = 10
TARGETS: Final = ("hub-1", "hub-2", "worker", GEMEENTE.name, RAAD.name, "postgresql", "valkey")
KILL_EVERY_SECONDS: Final = 1.6
DOWN_SECONDS_MAX: Final = 1.5
DRAIN_SECONDS: Final = 420.0
LOOK_SECONDS: Final = 0.05
ANSWER_EVERY: Final = 4
"""Each fourth message is the Raad's answer to one of the gemeente's."""


@dataclass(slots=True, kw_only=True)
class Toll:
    """What was done to the stack."""

    killed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TARGETS, 0))
    came_down: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TARGETS, 0))


@dataclass(slots=True, kw_only=True)
class Letters:
    """Files to drop: examples that the product wrote, each with numbers of its own."""

    request: str
    answer: str
    made: list[Dropped] = field(default_factory=list)

    @classmethod
    def of(cls, stack: Stack) -> "Letters":
        """Have the product write one example of each kind."""
        home = stack.organisation
        request: list[str | Path] = ["example", "vto", "--home", home(GEMEENTE), "--to", RAAD.oin, "--scenario", "1"]
        answer: list[str | Path] = [
            "example",
            "notificatie",
            "--home",
            home(RAAD),
            "--to",
            GEMEENTE.oin,
            "--scenario",
            "1",
        ]
        return cls(
            request=stack.command("ketenhub-connector", *request),
            answer=stack.command("ketenhub-connector", *answer),
        )

    def next(self) -> tuple[Organisation, str, bytes]:
        """Return sender, file name and file of the next message."""
        number = len(self.made) + 1
        if number % ANSWER_EVERY:
            sender, text, case = GEMEENTE, self.request, number
        else:
            # An earlier request, which may have arrived by now or not: an answer goes either way.
            sender, text, case = RAAD, self.answer, number - ANSWER_EVERY + 1
        reference = f"FOUT-{number:05d}"
        text = _with_text(text, "referentienummer", reference)
        text = text.replace(_case_number(text), f"ZAAK-{case:05d}")
        self.made.append(Dropped(reference=reference, sender=sender, name=f"{reference}.xml"))
        return sender, self.made[-1].name, text.encode()


@dataclass(slots=True, kw_only=True)
class Faults:
    """One run of kills."""

    stack: Stack
    chance: random.Random
    toll: Toll = field(default_factory=Toll)
    down: dict[str, float] = field(default_factory=dict)
    """Killed processes, and when each is started again."""

    def kill(self, target: str, *, down_seconds: float) -> None:
        """Kill a process; `tend` starts it again later."""
        if not self._lives(target):
            self.start(target)
        self._kill_now(target)
        self.toll.killed[target] += 1
        self.down[target] = time.monotonic() + down_seconds

    def tend(self) -> None:
        """Start what was down long enough, and what stopped by itself: as an operator's supervisor does."""
        now = time.monotonic()
        for target in [target for target, until in self.down.items() if until <= now]:
            self.start(target)
        for name, process in self.stack.processes.items():
            if process.pid is None and name not in self.down:
                if name in self.toll.came_down:
                    self.toll.came_down[name] += 1
                self.down[name] = now + 0.3

    def start(self, target: str) -> None:
        """Start a process again; the servers are waited for, the others are not."""
        self.down.pop(target, None)
        match target:
            case "postgresql":
                self.stack.postgresql = start_postgresql(self.stack.home / "postgresql")
            case "valkey":
                self.stack.valkey = start_valkey(self.stack.home / "valkey")
            case _:
                self.stack.processes[target].start()

    def start_all(self) -> None:
        """Start everything that is down, servers first."""
        for target in ("postgresql", "valkey"):
            if target in self.down:
                self.start(target)
        for target in list(self.down):
            self.start(target)

    def _lives(self, target: str) -> bool:
        if target in self.down:
            return False
        return target not in self.stack.processes or self.stack.processes[target].pid is not None

    def _kill_now(self, target: str) -> None:
        match target:
            case "postgresql":
                assert self.stack.postgresql is not None
                self.stack.postgresql.kill()
            case "valkey":
                assert self.stack.valkey is not None
                self.stack.valkey.kill()
            case _:
                self.stack.processes[target].kill()


def main() -> int:
    """Run it.

    Returns:
        0 if everything that must be proved was proved.
    """
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES, metavar="N", help=f"how many (default {MESSAGES})")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help=f"kills of each process (default {ROUNDS})"
    )
    parser.add_argument("--seed", type=int, default=None, metavar="S", help="of the random moments; printed if drawn")
    parser.add_argument("--keep", action="store_true", help="keep the folder, to look into it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    home = Path(tempfile.mkdtemp(prefix="ketenhub-faults-"))
    good = False
    try:
        good = run(home, messages=options.messages, rounds=options.rounds, seed=seed)
    except (StackError, FaultsError, LocalServerError) as error:
        print(f"\nThe run stopped: {error}", file=sys.stderr)
    finally:
        if options.keep:
            print(f"Kept: {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)
    print("Nothing lost, nothing twice, one log, every proof good." if good else f"NOT GOOD (seed {seed})", flush=True)
    return 0 if good else 1


def run(home: Path, *, messages: int, rounds: int, seed: int) -> bool:
    """Play it in a folder; returns whether everything was proved."""
    say(f"{messages} messages, {rounds} kills of each of {', '.join(TARGETS)}; seed {seed}")
    with running_stack(home, hubs=2) as stack:
        spread_over_hubs(stack)
        say("The stack runs: two hub processes on one database, the Raad's connector at the second")
        taken = home / "taken"
        readers = [
            InboxReader(stack.organisation(organisation) / "in", taken / organisation.name)
            for organisation in (GEMEENTE, RAAD)
        ]
        checkpoints = CheckpointWatcher([f"http://127.0.0.1:{port}/log/checkpoint" for port in stack.ports])
        watchers = (*readers, checkpoints)
        for watcher in watchers:
            watcher.start()
        faults = Faults(stack=stack, chance=random.Random(seed))  # noqa: S311 - moments, not secrets
        letters = Letters.of(stack)
        try:
            torment(faults, letters, messages=messages, rounds=rounds)
            settle(faults, letters, taken=taken)
        finally:
            for watcher in watchers:
                watcher.stop()
        report(faults.toll)
        aftermath = Aftermath(
            stack=stack, dropped=letters.made, taken=taken, twice=[name for reader in readers for name in reader.twice]
        )
        return aftermath.prove(checkpoints.seen, say=say)


def torment(faults: Faults, letters: Letters, *, messages: int, rounds: int) -> None:
    """Drop messages and kill processes, each at its moment."""
    moments = schedule(faults.chance, messages=messages, rounds=rounds)
    began = time.monotonic()
    kills = 0
    for at, target in moments:
        while (left := began + at - time.monotonic()) > 0:
            faults.tend()
            time.sleep(min(left, LOOK_SECONDS))
        if target is None:
            drop(faults.stack, letters)
            continue
        faults.kill(target, down_seconds=faults.chance.uniform(0.05, DOWN_SECONDS_MAX))
        kills += 1
        if kills % len(TARGETS) == 0:
            say(f"{time.monotonic() - began:5.0f} s  {kills} kills, {len(letters.made)} messages dropped")
        # Starting a server takes its time: what comes after is as far away from here as it was planned.
        began = max(began, time.monotonic() - at)


def schedule(chance: random.Random, *, messages: int, rounds: int) -> list[tuple[float, str | None]]:
    """Plan the run: when each process is killed, and when each message is dropped (None)."""
    targets = [target for _ in range(rounds) for target in chance.sample(TARGETS, k=len(TARGETS))]
    kills: list[tuple[float, str | None]] = [
        ((number + chance.random()) * KILL_EVERY_SECONDS, target) for number, target in enumerate(targets)
    ]
    end = len(targets) * KILL_EVERY_SECONDS
    drops: list[tuple[float, str | None]] = [(chance.uniform(0, end), None) for _ in range(messages)]
    return sorted(kills + drops, key=lambda moment: moment[0])


def drop(stack: Stack, letters: Letters) -> None:
    """Put the next file in its sender's `out/`: write, then rename."""
    sender, name, data = letters.next()
    part = stack.organisation(sender) / "out" / f"{name}.part"
    part.write_bytes(data)
    part.rename(part.with_name(name))


def settle(faults: Faults, letters: Letters, *, taken: Path) -> None:
    """Leave the stack alone until everything has arrived and every receipt is back."""
    faults.start_all()
    deadline, last = time.monotonic() + DRAIN_SECONDS, -1
    while True:
        faults.tend()
        received = sum(1 for _ in letters_with_receipt(faults.stack, letters))
        if received != last:
            say(f"{received} of {len(letters.made)} receipts are back")
            last = received
        if received == len(letters.made) and len(references_in(taken)) >= received:
            return
        if time.monotonic() > deadline:
            say("what is missing does not come any more")
            return
        time.sleep(1.0)


def letters_with_receipt(stack: Stack, letters: Letters) -> Iterator[Dropped]:
    """Yield the dropped files whose result says that they were received."""
    for letter in letters.made:
        if letter.state(stack) == "received":
            yield letter


def spread_over_hubs(stack: Stack) -> None:
    """Let the Raad's connector use the second hub process, and both look around more often than they do by default."""
    for organisation, port in ((GEMEENTE, stack.ports[0]), (RAAD, stack.ports[-1])):
        settings = stack.organisation(organisation) / "connector.toml"
        text = re.sub(r'^url = ".*"$', f'url = "http://127.0.0.1:{port}"', settings.read_text(), flags=re.MULTILINE)
        settings.write_text(re.sub(r"^poll_seconds = .*$", "poll_seconds = 0.2", text, flags=re.MULTILINE))
        stack.processes[organisation.name].stop()
        stack.start_connector(organisation)


def report(toll: Toll) -> None:
    """Say what was done to each process."""
    for target in TARGETS:
        say(f"{target:12} killed {toll.killed[target]} times, came down with what it needs {toll.came_down[target]}")


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"  {text}", flush=True)


def _with_text(xml: str, name: str, text: str) -> str:
    changed, count = re.subn(rf"(<(?:\w+:)?{name}>)[^<]*(</)", rf"\g<1>{text}\g<2>", xml)
    if count != 1:
        raise FaultsError(f"the example has {count} elements `{name}`")
    return changed


def _case_number(xml: str) -> str:
    """The municipality's case number: the request's own, or the one that an answer names."""
    found = re.search(r"ZAAK-[\w-]+", xml)
    if found is None:
        raise FaultsError("the example names no case of the municipality")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
