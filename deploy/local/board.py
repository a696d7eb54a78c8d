"""The board of the local stack: four test members, who bring the packaged catalogue into force as a real board would.

Each key lies in a folder of its own, readable by its owner alone. The members sign once, in `decide`, for which no hub
is needed; what they signed is posted by `send`. Only the proof is not made anew: it is the one that the software was
shipped with, because the whole stack must start in seconds. A real board proves on machines of its own.
"""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

MEMBERS: Final = {
    "indiener": "beheerder",
    "goedkeurder-1": "beheerder",
    "goedkeurder-2": "beheerder",
    "fg": "fg",
}
"""The members with their offices: one proposes, two approve, and the FG could advise."""

_NETHERLANDS: Final = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBoard:
    """A board in a folder.

    Attributes:
        home: Its folder: one for each member, the board that the registrar signed, and the dossier.
        registrar: Folder of the registrar.
        command: Runs a command of the product to its end.
    """

    home: Path
    registrar: Path
    command: Callable[..., str]

    def decide(self) -> None:
        """Draw the keys, let the registrar appoint the board, and let it propose and approve; once."""
        done = self.home / "decided"
        if done.exists():
            return
        shutil.rmtree(self.home, ignore_errors=True)  # of an attempt that was broken off
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(self._draw_keys, sorted(set(MEMBERS.values()))))
        self.command(
            "ketenhub-registrar", "appoint", *(self.home / name / "member.json" for name in MEMBERS),
            "--key", self.registrar / "registrar.pem", "--out", self._board,
        )  # fmt: skip
        proposer, *approvers = (name for name, office in MEMBERS.items() if office == "beheerder")
        self._sign("propose", proposer, "--from", _today().isoformat())
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(lambda name: self._sign("approve", name), approvers))
        done.touch()

    def send(self, url: str) -> None:
        """Post what was signed to a hub; again does no harm."""
        self.command("ketenhub-policy", "send", *self._dossier, "--hub", url)

    def _draw_keys(self, office: str) -> None:
        folders = [self.home / name for name, each in MEMBERS.items() if each == office]
        self.command("ketenhub-policy", "member", *folders, "--office", office)

    def _sign(self, step: str, name: str, *more: str) -> None:
        """Let a member sign a step about the packaged catalogue, which is the first."""
        key = self.home / name / "member.pem"
        self.command("ketenhub-policy", step, "--key", key, *self._dossier, "--first", "--shipped-proof", *more)

    @property
    def _board(self) -> Path:
        return self.home / "board.jwt"

    @property
    def _dossier(self) -> tuple[str | Path, ...]:
        registrar = self.registrar / "registrar.jwk.json"
        return ("--dossier", self.home / "dossier", "--board", self._board, "--registrar", registrar)


def _today() -> date:
    """Return the day in the Netherlands, by which a catalogue comes into force."""
    return datetime.fromtimestamp(time.time(), _NETHERLANDS).date()
