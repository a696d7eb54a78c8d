"""What the hub hands out nothing of: its sender is told why, until somebody confirms or it may go again.

Between acceptance and pick-up a consent can be withdrawn, or a ground end. The hub then answers the recipient with a
refusal and the sender with a notice; why it is so stands in how the message stands, and only there.

    {"since": "2026-11-16T09:00:00+00:00", "reasons": [{"code": …, "nl": …, "en": …}]}
"""

import json
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Final

from connectors.agent.concluding import update_result
from connectors.agent.events import Event, say
from connectors.agent.journal import NoticeKind, notify, take_back
from connectors.agent.services import Services
from connectors.sdk.answers import Denial, MessageStatus
from connectors.sdk.dutch import in_dutch
from connectors.sdk.transport import printable
from schemas.document import JSONValue

REASONS_MAX: Final = 20
CODE_CHARACTERS_MAX: Final = 100


def tell_denial(services: Services, row: Row, status: MessageStatus, *, at: datetime) -> None:
    """Tell people that nothing of a message goes to its recipient, and why; take it back when that is over.

    The same is told once. What lapsed in vain keeps its reasons: they say why.
    """
    said = None if status.denied is None else json.dumps(_denial_to_json(status.denied, at=at), ensure_ascii=False)
    if _reasons(said) == _reasons(row["denied"]) or (said is None and status.state == "expired"):
        return
    file = services.journal.row("SELECT * FROM files WHERE id = ?", row["file"])
    assert file is not None, "a submission has its file"
    with services.journal.step("denied") as db:
        db.execute("UPDATE submissions SET denied = ? WHERE id = ?", (said, row["id"]))
        if said is None:
            take_back(db, kind=NoticeKind.RELEASE_DENIED, about=row["id"], at=at)
        else:
            nl, en = _texts(said)
            name, other, message_id = file["target"], row["recipient"], row["id"]
            notify(
                db,
                kind=NoticeKind.RELEASE_DENIED,
                about=message_id,
                text_nl=f"{name}: de hub geeft dit bericht niet af aan OIN {other}: {nl}. Het wacht tot het vervalt, of"
                f" tot het weer mag. Neem het anders terug met `recall {message_id}`.",
                text_en=f"{name}: the hub does not hand out this message to OIN {other}: {en}. It waits until it"
                f" lapses, or may go again. Else take it back by `recall {message_id}`.",
                at=at,
            )
        update_result(services, db, file)
    say(Event.MESSAGE_CHANGED, message=row["id"], code="denied" if said else "permitted")


def denied_text(said: str | None) -> str | None:
    """Say in one line why nothing of a message goes, Dutch first; None while it may."""
    return None if said is None else " / ".join(_texts(said))


def _denial_to_json(denied: Denial, *, at: datetime) -> dict[str, JSONValue]:
    reasons: list[JSONValue] = []
    for each in denied.reasons[:REASONS_MAX]:
        code = printable(each.code, most=CODE_CHARACTERS_MAX)
        nl, en = printable(each.text_nl) or in_dutch(code), printable(each.text) or code
        reasons.append({"code": code, "nl": nl, "en": en})
    since = min(denied.since, int(at.timestamp()))  # whatever a hub says, it is a moment of the past
    return {"since": datetime.fromtimestamp(since, UTC).isoformat(), "reasons": reasons}


def _reasons(said: str | None) -> JSONValue:
    return None if said is None else json.loads(said)["reasons"]


def _texts(said: str) -> tuple[str, str]:
    reasons = json.loads(said)["reasons"]
    return "; ".join(each["nl"] for each in reasons), "; ".join(each["en"] for each in reasons)
