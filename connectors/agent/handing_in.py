"""What systems hand in through the API, each once: by a key that they give, or else by its content.

    claim = Claim.of(route, body, key=…)
    first = find_first(services, claim)         # a repeat gets what was made of it then
    number = hand_in_file(services, data, suffix="xml", claim=claim)

With a key the same key counts, and other content under it is refused. Without a key the same content counts, as long as
what was made of it stands: a file that was refused, a message that was taken back or lapsed, or a consent that was
withdrawn since, may be handed in anew. What was refused leaves key and content free.

What was handed in is on the disk when `hand_in_file` returns, in the same step as its claim: a caller that got no
answer asks again, and nothing is done twice.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.agent.consents import replaced_by_ours
from connectors.agent.events import Event, say
from connectors.agent.files import insert_file
from connectors.agent.journal import milliseconds
from connectors.agent.services import Services
from schemas.errors import Issue, ReplayError
from schemas.identifiers import MessageId
from schemas.randomness import new_message_id

KEY_USED: Final = "sender.idempotency-key.used"
KEPT_SECONDS: Final = 30 * 24 * 3600
"""How long a repeat is known."""
_ENDED: Final = frozenset({"recalled", "refused", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is asked, so that a repeat is known.

    Attributes:
        key: Digest of the caller's key; None if there is none.
        content: Digest of what is asked.
    """

    key: str | None
    content: str

    @classmethod
    def of(cls, route: str, body: bytes, *, key: str | None) -> "Claim":
        """Make the claim of a request."""
        content = hashlib.sha256(route.encode() + b"\0" + body).hexdigest()
        return cls(key=None if key is None else hashlib.sha256(key.encode()).hexdigest(), content=content)

    def part(self, name: str) -> "Claim":
        """Make the claim of one of several things that are made of a request; each is made once."""
        key, content = (
            None if each is None else hashlib.sha256(f"{each} {name}".encode()).hexdigest()
            for each in (self.key, self.content)
        )
        assert content is not None, "there is always content"
        return Claim(key=key, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What was made of a request the first time.

    Attributes:
        file: Number of the file in the journal.
        records: Ids of the records.
    """

    file: int | None
    records: tuple[MessageId, ...]


def find_first(services: Services, claim: Claim) -> First | None:
    """Find what was made of a request before, if it stands.

    Raises:
        ReplayError: Its key was used for other content.
    """
    row = _row(services, claim)
    if row is None:
        return None
    first = First(file=row["file"], records=tuple(map(MessageId, json.loads(row["records"]))))
    if not _stands(services, first, by_key=claim.key is not None):
        return None
    if row["content"] != claim.content:
        text = "this idempotency key was used for another request"
        text_nl = "deze sleutel is al gebruikt voor een ander verzoek"
        raise ReplayError(text, code=KEY_USED, issues=[Issue(pointer="", code=KEY_USED, text=text, text_nl=text_nl)])
    return first


def keep_claim(
    db: sqlite3.Connection, claim: Claim, *, file: int | None = None, records: Sequence[MessageId] = (), at: datetime
) -> None:
    """Write down what is made of a request, within the step that makes it."""
    if claim.key is None:
        db.execute("DELETE FROM handed_in WHERE caller_key IS NULL AND content = ?", (claim.content,))
    else:
        db.execute("DELETE FROM handed_in WHERE caller_key = ?", (claim.key,))
    db.execute(
        "INSERT INTO handed_in (caller_key, content, file, records, at) VALUES (?, ?, ?, ?, ?)",
        (claim.key, claim.content, file, json.dumps([each.value for each in records]), milliseconds(at)),
    )


def hand_in_file(services: Services, data: bytes, *, suffix: str, claim: Claim, whole: Claim | None = None) -> int:
    """Take a native file to be sent, as if it had lain in `out`.

    Args:
        services: For the journal.
        data: The file.
        suffix: How its name ends: `xml` or `json`.
        claim: By which a repeat is known.
        whole: That of the request, where `claim` is of a part of it: its key is of no other request either.

    Returns:
        Its number in the journal. It is on the disk.
    """
    at = services.clock.now()
    name = f"{new_message_id(at=at, randomness=services.randomness).value}.{suffix}"
    with services.journal.step("handed in") as db:
        number = insert_file(
            db, name=name, digest=hashlib.sha256(data).hexdigest(), data=data, target=name, removed=True, at=at
        )
        keep_claim(db, claim, file=number, at=at)
        if whole is not None and whole.key is not None:
            keep_claim(db, whole, file=number, at=at)
    say(Event.FILE_TAKEN, file=number)
    return number


def forget_claims(db: sqlite3.Connection, *, at: datetime) -> None:
    """Drop what was handed in so long ago that nobody repeats it, within a step."""
    db.execute("DELETE FROM handed_in WHERE at <= ?", (milliseconds(at) - KEPT_SECONDS * 1000,))


def _row(services: Services, claim: Claim) -> sqlite3.Row | None:
    if claim.key is not None:
        return services.journal.row("SELECT * FROM handed_in WHERE caller_key = ?", claim.key)
    return services.journal.row(
        "SELECT * FROM handed_in WHERE caller_key IS NULL AND content = ? ORDER BY id DESC", claim.content
    )


def _stands(services: Services, first: First, *, by_key: bool) -> bool:
    if first.file is not None:
        row = services.journal.row(
            "SELECT outcome, (SELECT state FROM submissions WHERE file = files.id ORDER BY created_at DESC, id DESC)"
            " AS sent FROM files WHERE id = ?",
            first.file,
        )
        # What was taken back, refused by its recipient or not picked up is not there any more: asked again, it is anew.
        return row is not None and row["outcome"] != "refused" and (by_key or row["sent"] not in _ENDED)
    for each in first.records:
        row = services.journal.row("SELECT state FROM records WHERE id = ?", each.value)
        if row is None or row["state"] == "refused":
            return False
    # A consent that was given, withdrawn and given again in the same words is another one.
    return by_key or replaced_by_ours(services.journal).isdisjoint(first.records)
