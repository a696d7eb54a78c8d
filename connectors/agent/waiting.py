"""Assignments of ours that wait for a reply: by the journal, and by what the definitions say is the last one.

An assignment that the hub accepted waits until the reply that is the last came: for a request for an investigation the
notification that says *Zaak afgerond*, for most the first answer, for a transfer its receipt. Questions have a term and
stand in `connectors.agent.questions`.

Source: the domain page, section 3, *opdracht*.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.agent.journal import Journal, from_milliseconds
from schemas.definitions import Definitions
from schemas.document import JSONValue
from schemas.identifiers import OIN, MessageId

_WAITING: Final = """
SELECT sent.message, sent.other, sent.type, sent.at, sent.told, submissions.state,
  (SELECT count(*) FROM threads AS reply
    WHERE reply.reply_to = sent.message AND reply.direction = 'received' AND reply.other = sent.other) AS replies
FROM threads AS sent JOIN submissions ON submissions.id = sent.message
WHERE sent.direction = 'sent' AND sent.asks IS NULL AND submissions.state IN ('waiting', 'released', 'received')
  AND NOT EXISTS (SELECT 1 FROM threads AS reply
    WHERE reply.reply_to = sent.message AND reply.direction = 'received' AND reply.other = sent.other
      AND reply.last_reply)
ORDER BY sent.at, sent.message
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An assignment whose last reply has not come.

    Attributes:
        message: What we sent.
        type: Its type.
        other: To whom.
        at: When.
        replies: How many replies came already.
        told: What people were told of it already.
    """

    message: MessageId
    type: str
    other: OIN
    at: datetime
    replies: int
    told: str | None


def waiting_assignments(journal: Journal, *, definitions: Definitions) -> tuple[Waiting, ...]:
    """List what waits for a reply, the oldest first."""
    found = []
    for row in journal.rows(_WAITING):
        kind = definitions.message_types.get(row["type"])
        by_receipt = kind is not None and kind.answered_by_receipt and row["state"] != "received"
        if kind is not None and (kind.expects_reply or by_receipt):
            found.append(
                Waiting(
                    message=MessageId(row["message"]),
                    type=row["type"],
                    other=OIN(row["other"]),
                    at=from_milliseconds(row["at"]),
                    replies=row["replies"],
                    told=row["told"],
                )
            )
    return tuple(found)


def waiting_to_json(each: Waiting) -> dict[str, JSONValue]:
    """Write what waits for a machine."""
    return {
        "message": each.message.value,
        "type": each.type,
        "other": each.other.value,
        "at": each.at.isoformat(timespec="seconds"),
        "replies": each.replies,
    }
