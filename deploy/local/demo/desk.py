"""The desk at which a case is played: commands and files of several organisations, each shown with what came of it."""

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from deploy.local.demo.common import (
    STEP_SECONDS,
    DemoError,
    await_file,
    await_json,
    drop,
    indent,
    read_json,
    say,
    show_list,
    show_log,
    title,
)
from deploy.local.demo.files import CaseFile, Wanted, write_file
from deploy.local.processes import wait_until
from deploy.local.stack import GEMEENTE, Organisation, Stack

SAID_ID: Final = re.compile(r"Vastgelegd als ([0-9a-f-]{36})")
SAID_SENT: Final = re.compile(r"Verzonden: zie sent/(\S+)\.result\.json")


@dataclass(slots=True, kw_only=True)
class Case:
    """What is played with: the stack, the papers on the desk, and what has come of it.

    Attributes:
        stack: The running stack.
        today: The day on which it is played.
        files: The FHIR files that the organisations' systems drop, as they are being written.
        waiting: The message that was accepted and not picked up.
        evidence: Each piece of evidence that was handed over.
        logged: Place of the newest log entry that was shown.
    """

    stack: Stack
    today: date
    files: dict[str, Future[CaseFile]] = field(default_factory=dict)
    waiting: str = ""
    evidence: list[tuple[Path, Any]] = field(default_factory=list)
    logged: int = -1

    @property
    def person(self) -> Path:
        """The file that names the child."""
        return self.paper("kind.json")

    def prepare(self, clerk: Executor, *, papers: Mapping[str, str], files: Mapping[str, Wanted]) -> None:
        """Lay the papers on the desk, and let a clerk write the files."""
        (self.stack.home / "bureau").mkdir()
        for name, text in papers.items():
            self.write(name, text.encode())
        born = f"{self.today.year - 12}-01-01"
        for name, wanted in files.items():
            write = partial(write_file, self.stack, wanted, case_number="ZAAK-2026-0012", born=born)
            self.files[name] = clerk.submit(write)
        self.write("kind.json", json.dumps(self.file("casus").child).encode())

    def file(self, name: str) -> CaseFile:
        """One of the files, when it is written."""
        return self.files[name].result()

    def day(self, days: int) -> str:
        """A day so many days from today, as a command wants it."""
        return (self.today + timedelta(days=days)).isoformat()

    def paper(self, name: str) -> Path:
        """A paper on the desk."""
        return self.stack.home / "bureau" / name

    def write(self, name: str, data: bytes) -> Path:
        """Lay a paper on the desk."""
        self.paper(name).write_bytes(data)
        return self.paper(name)

    # ---- what is done ----

    def command(self, who: Organisation, *words: str | Path, refused: bool = False) -> str:
        """Give a command as an organisation and show it; returns what it printed.

        Raises:
            DemoError: It was refused where it must not be, or the other way round.
        """
        shown = " ".join(word.name if isinstance(word, Path) else word for word in words)
        say(f"{who.name} $ ketenhub-connector {shown}")
        done = self.stack.attempt("ketenhub-connector", *words, "--home", self.stack.organisation(who))
        print(indent(done.stdout + done.stderr))
        if (done.returncode != 0) is not refused:
            raise DemoError(f"`{shown}` ended with {done.returncode}")
        return done.stdout

    def record(self, who: Organisation, *words: str | Path) -> str:
        """Have something recorded; returns its id."""
        found = SAID_ID.search(self.command(who, *words))
        if found is None:
            raise DemoError("the command does not say what it recorded")
        return found[1]

    def send(self, who: Organisation, name: str, file: CaseFile, *, withheld: set[str] | None = None) -> str:
        """Drop a file and show what may go of it and what not; returns the message's id."""
        drop(self.stack, who, name, file.data(Path(name).stem))
        return self.sent(who, name, withheld=withheld or set())

    def refused(self, who: Organisation, name: str, file: CaseFile, *, code: str) -> None:
        """Drop a file and show why nothing of it may go."""
        drop(self.stack, who, name, file.data(Path(name).stem))
        say(f"{who.name}: out/{name}")
        self.show_problem(self._outcome(who, name, "refused"), code=code)

    def asking(self, question: str, *more: str) -> tuple[str | Path, ...]:
        """The words of a question to the gemeente."""
        whom = ("--to", GEMEENTE.oin, "--person", self.person)
        return ("ask", *whom, "--question", self.paper(question), "--term", self.day(21), *more)

    def ask(self, who: Organisation, question: str, *more: str) -> str:
        """Ask the gemeente something, and see it wait there; returns the question's id."""
        (name,) = SAID_SENT.findall(self.command(who, *self.asking(question, *more)))
        message = str(self.await_state(who, name, "received")["message"])
        waits = await_json(self.stack.organisation(GEMEENTE) / "questions" / f"{message}.json")
        say(f"gemeente: questions/{message}.json: {json.dumps(waits, ensure_ascii=False)}")
        return message

    def answer(self, question: str, file: CaseFile, *, withheld: set[str] | None = None) -> str:
        """Answer a question to the gemeente; returns the answer's id."""
        path = self.write("antwoord.json", file.data(f"antwoord-{len(self.evidence)}"))
        (name,) = SAID_SENT.findall(self.command(GEMEENTE, "answer", question, "--file", path))
        return self.sent(GEMEENTE, name, withheld=withheld or set())

    # ---- what is seen ----

    def title(self, nl: str, en: str) -> None:
        """Print what the log holds since the last step, and the head of a step."""
        if self.logged >= 0:
            self.tell("In het log:", "In the log:")
        self.logged = show_log(self.stack, after=self.logged) if self.logged >= 0 else 0
        title(nl)
        say(en)

    def tell(self, nl: str, en: str) -> None:
        """Say what comes, in both languages."""
        print()
        say(nl)
        say(en)

    def sent(self, who: Organisation, name: str, *, withheld: set[str]) -> str:
        """Show what may go of a file and what not; returns the message's id.

        Raises:
            DemoError: It was refused, or other items stay behind than those that begin like this.
        """
        (recipient,) = self._outcome(who, name, "sent")["recipients"]
        say(
            f"{who.name}: out/{name}: {recipient['type']}, grondslag / ground {recipient['purpose']},"
            f" bericht / message {recipient['message']}, logregel / log entry {recipient['log_index']}"
        )
        say(f"mag mee / may go: {len(recipient['permitted'])}")
        show_list(recipient["permitted"])
        reasons: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for each in recipient["withheld"]:
            why = tuple((reason["nl"], reason["en"]) for reason in each["reasons"])
            reasons.setdefault(why, []).append(each["label"])
        say(f"blijft achter / stays behind: {len(recipient['withheld'])}")
        for every, labels in reasons.items():
            show_list(labels)
            for nl, en in every:
                say(f"      {nl}")
                say(f"      {en}")
        behind = {each["label"] for each in recipient["withheld"]}
        for prefix in withheld:
            if not any(label.startswith(prefix) for label in behind):
                raise DemoError(f"nothing of `{prefix}` stayed behind")
        return str(recipient["message"])

    def show_problem(self, problem: Mapping[str, Any], *, code: str) -> None:
        """Show why something was refused.

        Raises:
            DemoError: It was refused for something else.
        """
        say(f"geweigerd / refused: {problem['text_nl']}")
        say(f"                     {problem['text']}")
        for nl, en in dict.fromkeys((issue["text_nl"], issue["text"]) for issue in problem["issues"]):
            say(f"      {nl}")
            say(f"      {en}")
        codes = {issue["code"].rpartition(".")[2] for issue in problem["issues"]}
        if code not in codes:
            raise DemoError(f"refused for {', '.join(sorted(codes))} and not for {code}")

    def arrives(self, who: Organisation, message: str) -> None:
        """See a message come out at the other side, with its evidence."""
        folder = self.stack.organisation(who) / "in"
        bundle = await_json(folder / f"{message}.fhir.json")
        path = await_file(folder / f"{message}.evidence.json")
        self.evidence.append((path, read_json(path)))
        say(f"{who.name}: in/{message}.fhir.json: {len(bundle['entry'])} resources; met bewijs / with evidence")

    def await_state(self, who: Organisation, name: str, state: str) -> Any:
        """Wait until a message that was sent has come so far; returns what stands beside it."""
        path = self.stack.organisation(who) / "sent" / f"{name}.result.json"
        what = f"`{name}` to be {state}"
        wait_until(lambda: read_json(path)["recipients"][0]["state"] == state, what=what, seconds=STEP_SECONDS)
        return read_json(path)["recipients"][0]

    def await_status(self, who: Organisation, ready: Callable[[Any], bool]) -> Any:
        """Ask an organisation's `status` until it says something; returns what it says."""
        found: list[Any] = []

        def look() -> bool:
            words = ("status", "--json", "--home", self.stack.organisation(who))
            found.append(json.loads(self.stack.command("ketenhub-connector", *words)))
            return ready(found[-1])

        wait_until(look, what=f"what `status` says at {who.name}", seconds=STEP_SECONDS)
        return found[-1]

    def _outcome(self, who: Organisation, name: str, folder: str) -> Any:
        """Wait for what becomes of a file.

        Raises:
            DemoError: It was sent where it must be refused, or the other way round.
        """
        home = self.stack.organisation(who)
        paths = {"sent": home / "sent" / f"{name}.result.json", "refused": home / "refused" / f"{name}.problem.json"}
        wait_until(
            lambda: any(path.exists() for path in paths.values()), what=f"result of `{name}`", seconds=STEP_SECONDS
        )
        if not paths[folder].exists():
            (other,) = paths.keys() - {folder}
            raise DemoError(f"`{name}` is in `{other}`: {paths[other].read_text()}")
        return read_json(paths[folder])
