"""Who watches while the stack is tormented: readers that empty the inboxes, and one that keeps checkpoints.

They run in threads of their own and start no processes.
"""

import contextlib
import threading
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SUFFIXES: Final = (".evidence.json", ".fhir.json", ".xml")
"""The files of a received message, in the order in which they come."""

_LOOK_SECONDS: Final = 0.03
_ASK_SECONDS: Final = 0.2


class Watcher(ABC):
    """Does something again and again in a thread, until it is stopped."""

    def __init__(self, *, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=type(self).__name__, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after one last look."""
        self._stop.set()
        self._thread.join()

    @abstractmethod
    def look(self) -> None:
        """Do it once."""

    def _work(self) -> None:
        while not self._stop.wait(self._every_seconds):
            self.look()
        self.look()


class InboxReader(Watcher):
    """Takes received messages out of an `in/` folder at once, as an organisation's own system does.

    What was taken and appears again was handed over twice; were the files left where they are, a second hand-over
    would only replace the first.

    Args:
        folder: The connector's `in/`.
        taken: Where the files go.
    """

    def __init__(self, folder: Path, taken: Path) -> None:
        super().__init__(every_seconds=_LOOK_SECONDS)
        self._folder = folder
        self._taken = taken
        self.twice: list[str] = []
        taken.mkdir(parents=True, exist_ok=True)

    def look(self) -> None:
        """Take every message of which the last file, the native one, is there."""
        for native in sorted(self._folder.glob("[!.]*.xml")):
            for suffix in SUFFIXES:
                source = self._folder / f"{native.stem}{suffix}"
                target = self._taken / source.name
                if target.exists():
                    self.twice.append(source.name)
                source.rename(target)


class CheckpointWatcher(Watcher):
    """Keeps every checkpoint that the hub processes show.

    Args:
        urls: Where each process shows its newest.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(every_seconds=_ASK_SECONDS)
        self._urls = urls
        self.seen: set[str] = set()

    def look(self) -> None:
        """Ask each process; one that is down is asked again later."""
        for url in self._urls:
            with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=1) as answer:
                self.seen.add(answer.read().decode())
