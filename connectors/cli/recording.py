"""What the commands share that sign something and have it put into the hub's log."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from connectors.agent.recording import Kind, Unsigned, post_records, sign_records
from connectors.agent.services import Services
from connectors.cli.common import EXIT_UNAVAILABLE, CommandError
from schemas.canonical import b64url
from schemas.document import JSONValue
from schemas.errors import DocumentError
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
) -> int:
    """Sign and post a record, and say what became of it: see `record_all`."""
    unsigned = Unsigned(id=record_id, payload=payload, secret=secret)
    return await record_all(services, [(unsigned, {})], kind=kind, as_json=as_json)


async def record_all(
    services: Services,
    records: Sequence[tuple[Unsigned, Mapping[str, JSONValue]]],
    *,
    kind: Kind,
    as_json: bool,
) -> int:
    """Sign and post records that belong together, and say what became of each.

    Args:
        services: For key, journal and hub.
        records: Each with what else a machine is told of it.
        kind: Which kind they are.
        as_json: Whether a machine is told.

    Returns:
        Exit code: 0 it is in the log, 75 it is signed and posted later by the running connector.

    Raises:
        ExchangeError: The hub refuses one, or its proof does not hold.
    """
    unsigned = [each for each, _ in records]
    sign_records(services, unsigned, kind=kind)
    places = await post_records(services, [each.id for each in unsigned])
    for (each, more), index in zip(records, places, strict=True):
        _tell(each.id, index, as_json=as_json, more=more)
    return EXIT_UNAVAILABLE if None in places else 0


def _tell(record_id: MessageId, index: int | None, *, as_json: bool, more: Mapping[str, JSONValue]) -> None:
    if as_json:
        state = "signed" if index is None else "recorded"
        said: dict[str, JSONValue] = {"id": record_id.value, "state": state, "log_index": index, **more}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    elif index is None:
        print(f"Ondertekend als {record_id.value}; de hub is niet bereikt, de connector legt het later vast.")
        print(f"Signed as {record_id.value}; the hub was not reached, the connector records it later.")
    else:
        print(f"Vastgelegd als {record_id.value} (logregel {index}).")
        print(f"Recorded as {record_id.value} (log index {index}).")


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


def print_json(value: JSONValue) -> None:
    """Answer a machine."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    print()
