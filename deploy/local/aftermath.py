"""What must hold after the stack was tormented, proved from outside: folders, the log, and `ketenhub-log`."""

import base64
import hashlib
import json
import os
import re
import struct
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import psycopg

from deploy.local.processes import StackError
from deploy.local.stack import GEMEENTE, RAAD, Organisation, Stack

TILE_WIDTH: Final = 256
CONTINUES_MAX: Final = 200
"""How many of the checkpoints that were seen are given to `ketenhub-log verify` at once."""
_NEVER: Final = ("REFUSAL", "EXPIRY")
_EXPECTED_NOTICE: Final = "marked"
"""The notifications that are dropped answer no request, and people are told of each: that is no alarm."""


class FaultsError(Exception):
    """The run cannot be carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A file that was put into an `out/`."""

    reference: str
    sender: Organisation
    name: str

    @property
    def receiver(self) -> Organisation:
        """Where it must come out."""
        return RAAD if self.sender is GEMEENTE else GEMEENTE

    def recipient(self, stack: Stack) -> dict[str, Any]:
        """What its result says about its recipient; empty as long as there is no result."""
        path = stack.organisation(self.sender) / "sent" / f"{self.name}.result.json"
        if not path.exists():
            return {}
        (recipient,) = json.loads(path.read_text())["recipients"]
        return dict(recipient)

    def state(self, stack: Stack) -> str:
        """How its message stands, as its sender knows."""
        return str(self.recipient(stack).get("state", ""))


# Compared by identity of its content only; the cached properties need a plain class.
@dataclass(kw_only=True)
class Aftermath:
    """Everything that is left when the stack has come to rest.

    Attributes:
        stack: Still running.
        dropped: Every file that was dropped.
        taken: Folder with what readers took out of `in/`, one folder for each organisation.
        twice: Names that came a second time.
    """

    stack: Stack
    dropped: Sequence[Dropped]
    taken: Path
    twice: Sequence[str]

    def prove(self, checkpoints: Iterable[str], *, say: Callable[[str], None]) -> bool:
        """Check everything, and say what holds and what does not; returns whether all of it does."""
        proofs: tuple[tuple[str, Callable[[], list[str]]], ...] = (
            ("every file came out at the other side", self.lost),
            ("none came out twice", self.doubled),
            ("every receipt is there, and in the log", self.unreceipted),
            ("each message is in the log once: accepted, disclosed, received", self.miscounted),
            ("nobody was alarmed, nothing is left lying", self.left_over),
            ("one log, whole, and the one that everybody saw", lambda: self.log_faults(checkpoints)),
            ("the evidence of every message holds", self.bad_evidence),
        )
        good = True
        for title, find in proofs:
            wrong = find()
            good &= not wrong
            say(f"{'ok ' if not wrong else 'NOT'} {title}")
            for line in wrong[:10]:
                say(f"      {line}")
        seen = len(set(checkpoints))
        say(f"    {len(self.dropped)} messages, {len(self.entries)} log entries, {seen} checkpoints seen")
        return good

    # ---- what came out ----

    @cached_property
    def came(self) -> list[tuple[str, str, str]]:
        """Receiver, reference number and message id of everything that came out."""
        return references_in(self.taken)

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The log's entries, from the hub's database."""
        return [json.loads(text) for text in self._entry_texts]

    def lost(self) -> list[str]:
        """Name the files that did not come out at their other side."""
        came = {(receiver, reference) for receiver, reference, _ in self.came}
        return [
            f"{each.name} of the {each.sender.name}: {self._fate(each)}"
            for each in self.dropped
            if (each.receiver.name, each.reference) not in came
        ]

    def doubled(self) -> list[str]:
        """Name what came twice: under its own name, or as another message."""
        counts = Counter(reference for _, reference, _ in self.came)
        known = {each.reference for each in self.dropped}
        return [
            *(f"{name} was handed over again" for name in self.twice),
            *(f"{reference} came {count} times" for reference, count in counts.items() if count > 1),
            *(f"{reference} was never dropped" for reference in counts if reference not in known),
        ]

    def unreceipted(self) -> list[str]:
        """Name the messages whose sender has no receipt, or one that the log does not have."""
        wrong = []
        for each in self.dropped:
            recipient = each.recipient(self.stack)
            receipt = recipient.get("receipt")
            if recipient.get("state") != "received" or not receipt or receipt["outcome"] != "accepted":
                wrong.append(f"{each.name}: {recipient.get('state', 'no result')}")
                continue
            accepted, entry = self.entries[recipient["log_index"]], self.entries[receipt["log_index"]]
            said = (accepted["kind"], accepted["id"], entry["kind"], entry["message"], entry["request"])
            meant = ("SUBMISSION", recipient["message"], "RECEIPT", accepted["message"], _digest(receipt["receipt"]))
            if said != meant:
                wrong.append(f"{each.name}: the log has {said}")
        return wrong

    def miscounted(self) -> list[str]:
        """Name the messages that the log does not have exactly once in each of its three states."""
        kinds = ("SUBMISSION", "DISCLOSURE", "RECEIPT")
        counts = Counter((entry["kind"], entry["message"]) for entry in self.entries if entry["kind"] in kinds)
        expected = {(kind, digest): 1 for kind in kinds for digest in self._message_digests}
        wrong = [
            f"{kind} of the message with digest {digest}: {counts.get((kind, digest), 0)} times"
            for kind, digest in sorted(expected.keys() | counts.keys())
            if counts.get((kind, digest), 0) != expected.get((kind, digest), 0)
        ]
        wrong += [f"{entry['kind']} of {entry['id']}" for entry in self.entries if entry["kind"] in _NEVER]
        return wrong

    def left_over(self) -> list[str]:
        """Name files and notices that should not be there."""
        wrong = []
        for organisation in (GEMEENTE, RAAD):
            home = self.stack.organisation(organisation)
            for folder in ("out", "in", "refused"):
                wrong += [f"{organisation.name}/{folder}/{path.name}" for path in (home / folder).iterdir()]
            status = json.loads(self.stack.command("ketenhub-connector", "status", "--home", home, "--json"))
            wrong += [
                f"{organisation.name}: {notice['kind']}: {notice['en']}"
                for notice in status["notices"]
                if notice["kind"] != _EXPECTED_NOTICE
            ]
        return wrong

    # ---- the log and the evidence ----

    def log_faults(self, checkpoints: Iterable[str]) -> list[str]:
        """Have the whole log verified, as the continuation of every checkpoint that was seen."""
        folder = self.stack.home / "whole-log"
        newest = self.write_log(folder)
        if newest != len(self.entries):
            return [f"the hub shows a log of {newest} entries, its database has {len(self.entries)}"]
        seen: dict[int, str] = {}
        for note in checkpoints:
            size = int(note.split("\n")[1])
            if seen.setdefault(size, note).split("\n\n")[0] != note.split("\n\n")[0]:
                return [f"two checkpoints of size {size} have different roots"]
        kept = self.stack.home / "kept-checkpoints"
        kept.mkdir(exist_ok=True)
        files = []
        for size, note in sorted(seen.items()):
            files.append(kept / f"{size}.txt")
            files[-1].write_text(note)
        wrong = []
        for start in range(0, max(len(files), 1), CONTINUES_MAX):
            continues = [word for file in files[start : start + CONTINUES_MAX] for word in ("--continues", str(file))]
            try:
                said = json.loads(
                    self.stack.command("ketenhub-log", "verify", folder, "--policy", self.policy, "--json", *continues)
                )
            except StackError as error:
                wrong.append(str(error))
                continue
            if (said["result"], said["entries_checked"]) != ("ok", newest):
                wrong.append(json.dumps(said))
        return wrong

    def bad_evidence(self) -> list[str]:
        """Name the messages whose evidence does not hold."""
        files = sorted(self.taken.glob("*/*.evidence.json"))

        def check(file: Path) -> str | None:
            try:
                self.stack.command("ketenhub-log", "check", file, "--policy", self.policy)
            except StackError as error:
                return f"{file.name}: {str(error)[-300:]}"
            return None

        with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            return [wrong for wrong in pool.map(check, files) if wrong]

    @cached_property
    def policy(self) -> Path:
        """Whose signatures count: the keys that were pinned at set-up."""
        settings = (self.stack.organisation(GEMEENTE) / "connector.toml").read_text()
        vkey = re.search(r'^log_vkey = "(.*)"$', settings, re.MULTILINE)
        assert vkey is not None, "`init` wrote it"
        registrar = json.dumps(
            json.loads((self.stack.home / "registrar" / "registrar.jwk.json").read_text()), separators=(",", ":")
        )
        path = self.stack.home / "faults-policy.txt"
        path.write_text(f"log {vkey[1]}\nquorum none\nregistrar {registrar}\n")
        return path

    def write_log(self, folder: Path) -> int:
        """Write the log's files as C2SP tlog-tiles has them: hashes from the hub, entries from its database.

        Returns:
            The size of the newest checkpoint.
        """
        notes = [self._fetch(f"http://127.0.0.1:{port}/log/checkpoint") for port in self.stack.ports]
        note = max(notes, key=lambda text: int(text.split(b"\n")[1]))
        size = int(note.split(b"\n")[1])
        _write(folder / "checkpoint", note)
        level, count = 0, size
        while count:
            for index in range(-(-count // TILE_WIDTH)):
                width = min(TILE_WIDTH, count - index * TILE_WIDTH)
                path = f"tile/{level}/{_tile_name(index, width)}"
                _write(folder / path, self._fetch(f"{self.stack.url}/log/{path}"))
                if level == 0:
                    texts = self._entry_texts[index * TILE_WIDTH : index * TILE_WIDTH + width]
                    bundle = b"".join(struct.pack(">H", len(text.encode())) + text.encode() for text in texts)
                    _write(folder / f"tile/entries/{_tile_name(index, width)}", bundle)
            level, count = level + 1, count // TILE_WIDTH
        return size

    @cached_property
    def _message_digests(self) -> list[str]:
        """The digest of every message that came out, as the log's entries name it: over the sender's signed bytes."""
        files = sorted(self.taken.glob("*/*.evidence.json"))
        return [_digest(json.loads(file.read_text())["sd_jwt"].partition("~")[0]) for file in files]

    @cached_property
    def _entry_texts(self) -> list[str]:
        assert self.stack.postgresql is not None
        with psycopg.connect(self.stack.postgresql.url()) as connection:
            return [text for (text,) in connection.execute("SELECT entry FROM log_entries ORDER BY index").fetchall()]

    def _fate(self, letter: Dropped) -> str:
        home = self.stack.organisation(letter.sender)
        problem = home / "refused" / f"{letter.name}.problem.json"
        if problem.exists():
            return f"refused: {json.loads(problem.read_text())['code']}"
        return letter.state(self.stack) or ("still in `out`" if (home / "out" / letter.name).exists() else "no result")

    def _fetch(self, url: str) -> bytes:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.URLError as error:
            raise FaultsError(f"the hub does not answer for `{url}`: {error}") from error


def references_in(taken: Path) -> list[tuple[str, str, str]]:
    """Return organisation, reference number and message id of every native file that readers took."""
    found = []
    for path in sorted(taken.glob("*/*.xml")):
        reference = re.search(rb"referentienummer>([^<]*)<", path.read_bytes())
        found.append((path.parent.name, reference[1].decode() if reference else "", path.stem))
    return found


def _tile_name(index: int, width: int) -> str:
    """Source: c2sp.org/tlog-tiles: groups of three digits, all but the last begin with x."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return name if width == TILE_WIDTH else f"{name}.p/{width}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
