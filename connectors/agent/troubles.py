"""What goes wrong in one part of a round, kept until the other parts had their turn.

A folder that cannot be written, a file that cannot be read and a document on which our own code fails each hold up
themselves and nothing else. What lasts is told to people: an agent that only logs looks well in `status`.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Final, Literal

from connectors.agent.disk import DiskFullError
from connectors.agent.events import Event, say
from connectors.agent.journal import NoticeKind, from_milliseconds, notify, take_back
from connectors.agent.services import Services
from schemas.errors import ExchangeError, UnavailableError

TELL_SECONDS: Final = 300
"""How long a loop may fail, or a message wait, before people are told: a hub that is started anew is no news."""

OWN_MISTAKE: Final = ".connector.failed"
"""How the code of a mistake of our own ends."""

RETRY_SECONDS_MAX: Final = 300


def retry_seconds(attempts: int) -> int:
    """Say how long to wait after so many attempts in vain: twice as long each time, up to `RETRY_SECONDS_MAX`."""
    return min(1 << min(attempts - 1, 10), RETRY_SECONDS_MAX)


class Troubles:
    """Keeps the first error of several parts that do not depend on each other."""

    def __init__(self) -> None:
        self._first: ExchangeError | OSError | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let a part fail: by the hub, or by a folder. A full disk and our own mistakes end the round."""
        try:
            yield
        except (ExchangeError, OSError) as error:
            self._first = self._first or error

    def raise_first(self) -> None:
        """Say what failed, now that everything had its turn.

        Raises:
            ExchangeError: A part failed by the hub.
            OSError: A part failed by a folder.
        """
        if self._first is not None:
            raise self._first


@contextmanager
def own_mistakes(services: Services, *, about: str, side: Literal["sender", "recipient"]) -> Iterator[None]:
    """Turn a mistake of our own about one file or message into a reason to try it later, and tell people.

    Without this one document on which our code fails would stop the agent again at each start, and with it every other
    document. The log and the notice name the place in the code and no more: the error's text may hold a value.

    Args:
        services: For the journal.
        about: The message's id, or the name that the file will have.
        side: Which side of the message we are on: our own people must act, never the hub's.

    Raises:
        UnavailableError: Our code failed; the same may succeed with another version of it.
    """
    try:
        yield
    except (ExchangeError, OSError, sqlite3.Error, DiskFullError):
        raise
    except Exception as error:
        place = _place(error)
        say(Event.ROUND_FAILED, level=logging.ERROR, code=place)
        with services.journal.step("own mistake") as db:
            notify(
                db,
                kind=NoticeKind.BLOCKED,
                about=about,
                text_nl=f"{about}: de connector kan dit niet verwerken door een fout in de software ({place}). Meld dit"
                " aan de beheerder van de software. Het blijft bewaard en wordt opnieuw geprobeerd.",
                text_en=f"{about}: the connector cannot work on this by a mistake in the software ({place}). Report it"
                " to who maintains the software. It is kept and tried again.",
                at=services.clock.now(),
            )
        text = f"the connector's own code failed: {place}"
        raise UnavailableError(text, code=f"{side}{OWN_MISTAKE}") from error


def tell_waiting(db: sqlite3.Connection, file: sqlite3.Row, *, why: str, at: datetime) -> None:
    """Tell people that a file still is not at the hub: a hub that answers and takes nothing looks well otherwise.

    What the hub had before and gets again may be at the recipient already: nobody is to call or to send it anew.

    Args:
        db: The step in which it is put off once more.
        file: As the journal has it.
        why: The code, and what it says.
        at: Now.
    """
    about, taken_at = file["target"], from_milliseconds(file["taken_at"])
    if (at - taken_at).total_seconds() < TELL_SECONDS:
        return
    if file["state"] == "filed":
        text_nl = (
            f"{about} is al verstuurd en wordt opnieuw aangeboden, want de hub heeft het niet meer; dat lukt nog niet"
            f" ({why}). De ontvanger kan het al hebben. Het wordt steeds opnieuw geprobeerd."
        )
        text_en = (
            f"{about} was sent and is offered again, because the hub does not have it any more; that does not succeed"
            f" yet ({why}). The recipient may have it already. It is tried again and again."
        )
    else:
        text_nl = (
            f"{about} wacht sinds {taken_at:%Y-%m-%d %H:%M} UTC en is nog niet bij de ontvanger ({why}). Het wordt"
            " steeds opnieuw geprobeerd; bel de ontvanger als het niet kan wachten."
        )
        text_en = (
            f"{about} has waited since {taken_at:%Y-%m-%d %H:%M} UTC and is not at the recipient yet ({why}). It is"
            " tried again and again; call the recipient if it cannot wait."
        )
    notify(db, kind=NoticeKind.BLOCKED, about=about, text_nl=text_nl, text_en=text_en, at=at)


def _place(error: Exception) -> str:
    """Name the kind of an error and the line of code that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__}:{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


class LoopHealth:
    """Tells people when a loop of the agent has failed for a while, and takes it back when it works.

    Args:
        services: For the journal and the clock.
        about: The loop's name, by which the notice is known.
        nl: What does not work, in Dutch.
        en: The same in English.
    """

    def __init__(self, services: Services, *, about: str, nl: str, en: str) -> None:
        self._services = services
        self._about = about
        self._texts = nl, en
        self._failing_since: datetime | None = None

    def failed(self, code: str) -> None:
        """Note a round that failed."""
        now = self._services.clock.now()
        self._failing_since = self._failing_since or now
        if (now - self._failing_since).total_seconds() < TELL_SECONDS:
            return
        nl, en = self._texts
        since = f"{self._failing_since:%Y-%m-%d %H:%M} UTC"
        with self._services.journal.step("loop fails") as db:
            notify(
                db,
                kind=NoticeKind.BLOCKED,
                about=self._about,
                text_nl=f"{nl} lukt niet sinds {since} ({code}). Er gaat niets verloren; `ketenhub-connector doctor`"
                " zegt waar het aan ligt.",
                text_en=f"{en} has failed since {since} ({code}). Nothing is lost; `ketenhub-connector doctor` says"
                " why.",
                at=now,
            )

    def worked(self) -> None:
        """Note a round that worked: what people were told is over."""
        self._failing_since = None
        settle(self._services, kind=NoticeKind.BLOCKED, about=self._about)


def settle(services: Services, *, kind: NoticeKind, about: str) -> None:
    """Take back a notice whose cause is gone; costs one look where there is none."""
    told = services.journal.row(
        "SELECT 1 FROM notices WHERE kind = ? AND about = ? AND confirmed_at IS NULL", kind, about
    )
    if told is not None:
        with services.journal.step("settled") as db:
            take_back(db, kind=kind, about=about, at=services.clock.now())
