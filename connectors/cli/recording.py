"""What the commands share that sign something and have it put into the hub's log."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from connectors.agent.recording import Kind, post_record, sign_record
from connectors.agent.services import Services
from connectors.cli.common import EXIT_UNAVAILABLE, CommandError
from consent.request import civil_day
from schemas.canonical import b64url
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue, UnavailableError
from schemas.identifiers import MessageId

FORM_BYTES_MAX: Final = 64 << 20
_T = TypeVar("_T")


async def record(
    services: Services,
    payload: bytes,
    *,
    kind: Kind,
    record_id: MessageId,
    as_json: bool,
    secret: str | None = None,
    more: Mapping[str, JSONValue] | None = None,
) -> int:
    """Sign and post a record, and say what became of it.

    Returns:
        Exit code: 0 it is in the log, 75 it is signed and posted later by the running connector.

    Raises:
        ExchangeError: The hub refuses it, or its proof does not hold.
    """
    sign_record(services, payload, kind=kind, record_id=record_id, secret=secret)
    index: int | None = None
    with suppress(UnavailableError):  # it stays in the journal, and the connector posts it
        index = await post_record(services, record_id)
    if as_json:
        state = "signed" if index is None else "recorded"
        said: dict[str, JSONValue] = {"id": record_id.value, "state": state, "log_index": index, **(more or {})}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    elif index is None:
        print(f"Ondertekend als {record_id.value}; de hub is niet bereikt, de connector legt het later vast.")
        print(f"Signed as {record_id.value}; the hub was not reached, the connector records it later.")
    else:
        print(f"Vastgelegd als {record_id.value} (logregel {index}).")
        print(f"Recorded as {record_id.value} (log index {index}).")
    return 0 if index is not None else EXIT_UNAVAILABLE


def today(services: Services) -> date:
    """The day in the Netherlands."""
    day = civil_day(services.clock.now())
    assert day is not None, "the clock gives aware moments"
    return day


def seconds(services: Services) -> int:
    """Now, as NumericDate."""
    return int(services.clock.now().timestamp())


def form_digest(path: Path) -> str:
    """Digest of the form or note that a record rests on; the file itself stays where it is.

    Raises:
        CommandError: It cannot be read, or is larger than any form.
    """
    try:
        if path.stat().st_size > FORM_BYTES_MAX:
            raise CommandError(f"`{path}` is te groot voor een formulier", f"`{path}` is too large for a form")
        return b64url(hashlib.sha256(path.read_bytes()).digest())
    except OSError as error:
        raise CommandError(
            f"`{path}` kan niet worden gelezen: {error.strerror}", f"`{path}` cannot be read: {error.strerror}"
        ) from error


def convert(text: str, kind: Callable[[str], _T], *, nl: str, en: str) -> _T:
    """Read one argument.

    Args:
        text: The argument.
        kind: What reads it.
        nl: What it should be, in Dutch.
        en: The same in English.

    Raises:
        CommandError: It is not that.
    """
    try:
        return kind(text)
    except (ValueError, DocumentError) as error:
        raise CommandError(f"`{text}` is geen {nl}", f"`{text}` is no {en}") from error


def refuse_if_any(issues: tuple[Issue, ...], *, text: str, code: str) -> None:
    """Refuse what has findings.

    Raises:
        DocumentError: There are any; all are listed.
    """
    if issues:
        raise DocumentError(text, code=code, issues=issues)


def print_json(value: JSONValue) -> None:
    """Answer a machine."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    print()
