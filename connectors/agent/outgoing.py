"""How what was handed in stands, for systems: by the number of its file in the journal.

taken      it is on our disk, and is composed next
prepared   it is composed, and goes to the hub
accepted   the hub accepted it; what became of it for each recipient stands with it
refused    by us or by the hub; the problem stands with it
repeated   the same content came before under the same reference: what stands with it is of the first
"""

import json
from sqlite3 import Row
from typing import Final

from connectors.agent.concluding import SENT_OF_FILE, result_of
from connectors.agent.journal import Journal, from_milliseconds
from connectors.agent.services import Services
from schemas.document import JSONValue

PAGE_MAX: Final = 100
_STATES: Final = {"accepted": "accepted", "refused": "refused", "repeat": "repeated"}


def outgoing(services: Services, number: int) -> dict[str, JSONValue] | None:
    """Say how a file stands; None if there is none of this number."""
    row = services.journal.row("SELECT * FROM files WHERE id = ?", number)
    return None if row is None else _outgoing(services, row)


def outgoing_page(services: Services, *, after: int) -> tuple[dict[str, JSONValue], ...]:
    """List how the files after a number stand, in their order, at most `PAGE_MAX`."""
    rows = services.journal.rows("SELECT * FROM files WHERE id > ? ORDER BY id LIMIT ?", after, PAGE_MAX)
    return tuple(_outgoing(services, row) for row in rows)


def native_answer(journal: Journal, number: int, kind: str) -> bytes | None:
    """Return an answer in the native format that a file got; None if it got none of this kind."""
    row = journal.row("SELECT * FROM files WHERE id = ?", number)
    if row is None:
        return None
    found = journal.row("SELECT data FROM answers WHERE file = ? AND kind = ?", _first(journal, row)["id"], kind)
    return None if found is None else bytes(found["data"])


def _outgoing(services: Services, row: Row) -> dict[str, JSONValue]:
    journal = services.journal
    first = _first(journal, row)
    result = result_of(services, first, journal.rows(SENT_OF_FILE, first["id"]), name=row["target"])
    answers = journal.rows("SELECT kind FROM answers WHERE file = ? ORDER BY rowid", first["id"])
    trouble = journal.row(
        "SELECT coalesce(submissions.trouble, files.trouble) AS trouble FROM files LEFT JOIN submissions"
        " ON submissions.file = files.id AND submissions.state = 'prepared' WHERE files.id = ?",
        row["id"],
    )
    state = _STATES[row["outcome"]] if row["state"] == "filed" else row["state"]
    return {
        "number": row["id"],
        "name": row["target"],
        "reference": row["reference"],
        "state": state,
        "handed_in_at": from_milliseconds(row["taken_at"]).isoformat(timespec="seconds"),
        "waits_for": trouble["trouble"] if trouble is not None and row["state"] != "filed" else None,
        "remarks": result["remarks"],
        "recipients": result["recipients"],
        "answers": [answer["kind"] for answer in answers],
        "problem": json.loads(row["problem"]) if row["problem"] else None,
    }


def _first(journal: Journal, row: Row) -> Row:
    """Return the file of which this one is a repeat, or itself."""
    if row["outcome"] != "repeat":
        return row
    first = journal.row(
        "SELECT * FROM files WHERE sender = ? AND reference = ? AND outcome = 'accepted' ORDER BY id LIMIT 1",
        row["sender"],
        row["reference"],
    )
    return row if first is None else first
