"""What a person must know, at a glance: notices, what is under way, what was sent and received lately, what waits.

    overview(journal, definitions=…, day=…)

People read it by `ketenhub-connector status`, systems by the API.
"""

from datetime import date
from sqlite3 import Row
from typing import Final

from connectors.agent.denials import denied_text
from connectors.agent.journal import Journal, from_milliseconds
from connectors.agent.questions import open_questions, question_to_json
from connectors.agent.waiting import waiting_assignments, waiting_to_json
from schemas.definitions import Definitions
from schemas.document import JSONValue

SHOWN_MAX: Final = 50


def overview(journal: Journal, *, definitions: Definitions, day: date) -> dict[str, list[dict[str, JSONValue]]]:
    """Say what waits, what was sent and received lately, and everything that nobody has confirmed yet.

    Of each the first or newest `SHOWN_MAX`; `records` are those that are signed and not in the hub's log yet.

    Args:
        journal: Where it stands.
        definitions: What waits for a reply.
        day: Today in the Netherlands.
    """
    notices: list[dict[str, JSONValue]] = [
        {
            "id": notice.id,
            "kind": notice.kind.value,
            "about": notice.about,
            "at": notice.at.isoformat(timespec="seconds"),
            "nl": notice.text_nl,
            "en": notice.text_en,
        }
        for notice in journal.open_notices()
    ]
    files = journal.rows(
        "SELECT files.target, files.state, coalesce(submissions.trouble, files.trouble) AS trouble FROM files"
        " LEFT JOIN submissions ON submissions.file = files.id AND submissions.state = 'prepared'"
        " WHERE files.state <> 'filed' ORDER BY files.id LIMIT ?",
        SHOWN_MAX,
    )
    records = journal.rows(
        "SELECT id, kind, signed_at, trouble FROM records WHERE state = 'signed' ORDER BY id LIMIT ?", SHOWN_MAX
    )
    sent = journal.rows(
        "SELECT files.target, submissions.id AS message, submissions.recipient, submissions.state,"
        " submissions.log_index, submissions.created_at, submissions.denied FROM submissions"
        " JOIN files ON files.id = submissions.file WHERE submissions.log_index IS NOT NULL"
        " ORDER BY submissions.created_at DESC LIMIT ?",
        SHOWN_MAX,
    )
    received = journal.rows(
        "SELECT id AS message, sender, type, state, trouble, listed_at FROM received ORDER BY listed_at DESC LIMIT ?",
        SHOWN_MAX,
    )
    return {
        "notices": notices,
        "files": [_line(row) for row in files],
        "records": [_line(row) for row in records],
        "sent": [{**_line(row), "denied": denied_text(row["denied"])} for row in sent],
        "received": [_line(row) for row in received],
        "questions": [question_to_json(each, day=day) for each in open_questions(journal)],
        "assignments": [waiting_to_json(each) for each in waiting_assignments(journal, definitions=definitions)],
    }


def _line(row: Row) -> dict[str, JSONValue]:
    found: dict[str, JSONValue] = {}
    for name in row.keys():  # noqa: SIM118 - iterating a row gives its values
        value = row[name]
        found[name] = from_milliseconds(value).isoformat(timespec="seconds") if name.endswith("_at") else value
    return found
