"""What follows when a file's fate is known: where it goes, what lies beside it, what its system is answered.

Each conclusion is one step: the state, the files to hand over and the notices become durable together.
"""

import json
import sqlite3
from collections.abc import Sequence
from sqlite3 import Row
from typing import Final

from connectors.agent.documents import own_withheld_to_json, withheld_from_json
from connectors.agent.events import Event, say
from connectors.agent.files import OVERSIZE
from connectors.agent.journal import Delivery, NoticeKind, deliver, from_milliseconds, notify, take_back
from connectors.agent.reports import (
    RecipientResult,
    WithheldBy,
    grounds_of,
    problem_text_nl,
    problem_to_json,
    result_to_json,
    to_json,
    withheld_text,
)
from connectors.agent.services import Services
from connectors.agent.submitting import Checked
from connectors.formats.ports import Answered, AnswerKind, Format
from connectors.sdk.dutch import in_dutch, trouble_text
from connectors.sdk.projection import Withheld
from schemas.document import Document, JSONValue
from schemas.errors import DocumentError, ExchangeError, RejectedMessageError
from schemas.identifiers import OIN
from schemas.randomness import new_message_id

CORRECTION: Final = "correctie"
"""The message type that somebody must see where it cannot go."""
SENT_OF_FILE: Final = "SELECT * FROM submissions WHERE file = ? AND state NOT IN ('superseded', 'rejected', 'prepared')"
"""What the hub accepted of a file."""


def accept(services: Services, file: Row, submission: Row, checked: Checked) -> None:
    """The hub accepted the message: `sent`, its result, and the answer that says so."""
    at = services.clock.now()
    known, document = read_again(services, file)
    with services.journal.step("accepted") as db:
        _waits_no_more(services, db, file)
        services.directory.keep_seen(db)
        db.execute(
            "UPDATE submissions SET state = 'waiting', log_index = ?, answer = ?, trouble = NULL, attempts = 0,"
            " next_at = 0 WHERE id = ?",
            (checked.index, _answer_json(checked), submission["id"]),
        )
        deliver(db, _file_delivery(services, file, folder="sent"))
        deliver(db, _result_delivery(services, db, file))
        answer(services, db, file, AnswerKind.ACCEPTED, known=known, document=document)
        db.execute(
            "UPDATE files SET state = 'filed', outcome = 'accepted', trouble = NULL, data = NULL WHERE id = ?",
            (file["id"],),
        )
        withheld = [*withheld_from_json(json.loads(submission["withheld"])), *checked.withheld]
        if withheld:
            text_nl, text_en = withheld_text(withheld)
            notify(
                db,
                kind=NoticeKind.WITHHELD,
                about=submission["id"],
                text_nl=f"{file['target']}: {text_nl}",
                text_en=f"{file['target']}: {text_en}",
                at=at,
            )


def accept_again(services: Services, file: Row, submission: Row, checked: Checked) -> None:
    """The hub had lost the message and accepted it again: only its place in the log is new."""
    with services.journal.step("accepted again") as db:
        _waits_no_more(services, db, file)
        services.directory.keep_seen(db)
        db.execute(
            "UPDATE submissions SET state = 'waiting', log_index = ?, answer = ?, trouble = NULL, attempts = 0,"
            " next_at = 0 WHERE id = ?",
            (checked.index, _answer_json(checked), submission["id"]),
        )
        update_result(services, db, file)


def lost(services: Services, file: Row, submission: Row, error: RejectedMessageError) -> None:
    """The hub had lost the message and does not take it again: a person must send the document anew."""
    with services.journal.step("lost") as db:
        _waits_no_more(services, db, file)
        db.execute(
            "UPDATE submissions SET state = 'expired', body = NULL, trouble = ? WHERE id = ?",
            (trouble_text(error), submission["id"]),
        )
        notify(
            db,
            kind=NoticeKind.EXPIRED,
            about=submission["id"],
            text_nl=f"{file['target']}: de hub is dit bericht kwijt en neemt het niet opnieuw aan ({error.code})."
            " Verstuur het opnieuw.",
            text_en=f"{file['target']}: the hub lost this message and does not take it again ({error.code})."
            " Send it again.",
            at=services.clock.now(),
        )
        update_result(services, db, file)


def refuse(
    services: Services,
    file: Row,
    error: RejectedMessageError,
    *,
    known: Format | None,
    document: Document | None,
    duplicate: bool = False,
    submission: str | None = None,
) -> None:
    """The file is refused, by us or by the hub: `refused`, the problem, and the answer that says so."""
    at = services.clock.now()
    problem = problem_to_json(file=file["name"], reference=document.reference if document else None, error=error, at=at)
    with services.journal.step("refused") as db:
        _waits_no_more(services, db, file)
        if not file["digest"].startswith(OVERSIZE):
            deliver(db, _file_delivery(services, file, folder="refused"))
        deliver(db, _delivery(services, "refused", f"{file['target']}.problem.json", problem))
        if document is not None:
            answer(services, db, file, AnswerKind.READ, known=known, document=document)
        answer(
            services,
            db,
            file,
            AnswerKind.REFUSED,
            known=known,
            document=document,
            error=error,
            duplicate=duplicate,
        )
        if document is not None and document.type == CORRECTION:
            notify(
                db,
                kind=NoticeKind.UNCORRECTED,
                about=file["target"],
                text_nl=f"{file['target']}: de correctie gaat niet naar de ontvanger, die het onjuiste nog heeft; zie"
                " het probleembestand.",
                text_en=f"{file['target']}: the correction does not go to the recipient, who still has what is wrong;"
                " see the problem file.",
                at=at,
            )
        if document is not None and document.spoed is not None and not duplicate:
            notify(
                db,
                kind=NoticeKind.EMERGENCY_REFUSED,
                about=file["target"],
                text_nl=f"{file['target']}: dit spoedbericht is geweigerd en niet bij de ontvanger ({error.code}). Bel"
                " de ontvanger als het niet kan wachten; zie het probleembestand.",
                text_en=f"{file['target']}: this emergency was refused and is not at the recipient ({error.code}). Call"
                " the recipient if it cannot wait; see the problem file.",
                at=at,
            )
        if submission is not None:
            db.execute(
                "UPDATE submissions SET state = 'rejected', body = NULL, trouble = ? WHERE id = ?",
                (trouble_text(error), submission),
            )
            db.execute("DELETE FROM threads WHERE message = ?", (submission,))
        db.execute(
            "UPDATE files SET state = 'filed', outcome = 'refused', data = NULL, trouble = ?, problem = ?, sender = ?,"
            " reference = ? WHERE id = ?",
            (
                f"{error.code}: {problem_text_nl(error)}",
                problem.decode(),
                document.sender.organisation if document else None,
                document.reference if document else None,
                file["id"],
            ),
        )
    say(Event.FILE_REFUSED, file=file["id"], code=error.code)


def repeat(services: Services, file: Row, first: Row) -> None:
    """The same content came again under the same number: it gets the first answers again and is not sent."""
    with services.journal.step("repeated") as db:
        _waits_no_more(services, db, file)
        deliver(db, _file_delivery(services, file, folder="sent"))
        deliver(db, _result_delivery(services, db, first, target=file["target"]))
        for row in services.journal.rows("SELECT * FROM answers WHERE file = ? ORDER BY rowid", first["id"]):
            deliver(db, _answer_delivery(services, file, row["kind"], row["data"]))
        db.execute(
            "UPDATE files SET state = 'filed', outcome = 'repeat', data = NULL, sender = ?, reference = ? WHERE id = ?",
            (first["sender"], first["reference"], file["id"]),
        )
    say(Event.FILE_REPEATED, file=file["id"])


def _waits_no_more(services: Services, db: sqlite3.Connection, file: Row) -> None:
    take_back(db, kind=NoticeKind.BLOCKED, about=file["target"], at=services.clock.now())


def answer(
    services: Services,
    db: sqlite3.Connection,
    file: Row,
    kind: AnswerKind,
    *,
    known: Format | None,
    document: Document | None,
    error: ExchangeError | None = None,
    duplicate: bool = False,
) -> None:
    """Let the system that wrote a file be answered, in its own format, once for each kind of answer."""
    if known is None:
        return
    answered = _answered(known, file, document)
    if answered is None:
        return
    if db.execute("SELECT 1 FROM answers WHERE file = ? AND kind = ?", (file["id"], kind)).fetchone():
        return
    at = services.clock.now()
    data = known.answer(
        kind,
        answered=answered,
        reference=new_message_id(at=at, randomness=services.randomness).value,
        at=at,
        error=_as_document_error(error),
        duplicate=duplicate,
    )
    if data is None:
        return
    db.execute("INSERT INTO answers (file, kind, data) VALUES (?, ?, ?)", (file["id"], kind, data))
    deliver(db, _answer_delivery(services, file, kind, data))


def update_result(services: Services, db: sqlite3.Connection, file: Row) -> None:
    """Write the result of a sent file anew, within the step that changed it."""
    deliver(db, _result_delivery(services, db, file))
    for again in db.execute(
        "SELECT target FROM files WHERE outcome = 'repeat' AND sender = ? AND reference = ?",
        (file["sender"], file["reference"]),
    ).fetchall():
        deliver(db, _result_delivery(services, db, file, target=again["target"]))


def alarm(services: Services, *, about: str, error: ExchangeError) -> None:
    """Tell people that the hub's evidence contradicts itself."""
    with services.journal.step("alarm") as db:
        notify(
            db,
            kind=NoticeKind.ALARM,
            about=about,
            text_nl=f"ALARM: {in_dutch(error.code)} ({error.code}). Waarschuw de beheerder van de hub.",
            text_en=f"ALARM: a proof of the hub does not hold ({error.code}): {error.public_message}",
            at=services.clock.now(),
        )


def _answer_json(checked: Checked) -> str:
    return json.dumps(
        {
            "permitted": list(checked.permitted),
            "withheld": own_withheld_to_json(checked.withheld),
            "marks": list(checked.marks),
            "catalogue": checked.version or checked.catalogue,
        }
    )


def _answered(known: Format, file: Row, document: Document | None) -> Answered | None:
    if document is not None:
        return Answered(reference=document.reference, sender=document.sender, receiver=document.receiver)
    return known.header(file["data"])


def _as_document_error(error: ExchangeError | None) -> DocumentError | None:
    if error is None or isinstance(error, DocumentError):
        return error
    return DocumentError(error.public_message, code=error.code, issues=error.issues)


def read_again(services: Services, file: Row) -> tuple[Format | None, Document | None]:
    """Read the file once more for its answer: it was read before, but a newer version of a format may refuse it."""
    for known in services.formats:
        if known.recognises(file["name"], file["data"]):
            try:
                return known, known.read(file["data"])
            except DocumentError:
                return known, None
    return None, None


def _result_delivery(services: Services, db: sqlite3.Connection, file: Row, *, target: str | None = None) -> Delivery:
    name = target or file["target"]
    sent = db.execute(SENT_OF_FILE, (file["id"],)).fetchall()
    data = to_json(result_of(services, file, sent, name=name))
    return _delivery(services, "sent", f"{name}.result.json", data)


def result_of(services: Services, file: Row, sent: Sequence[Row], *, name: str) -> dict[str, JSONValue]:
    """Say what became of a file for each recipient, as far as the hub accepted it.

    Args:
        services: For the clock, and what grounds are named by.
        file: The file's row.
        sent: What `SENT_OF_FILE` finds.
        name: What the file is called where this is shown.
    """
    return result_to_json(
        file=name,
        reference=file["reference"] or "",
        remarks=json.loads(sent[0]["remarks"]) if sent else [],
        recipients=[_result(services, row) for row in sent],
        at=services.clock.now(),
    )


def _result(services: Services, row: Row) -> RecipientResult:
    said = json.loads(row["answer"])
    withheld: list[tuple[WithheldBy, Withheld]] = [
        (WithheldBy.CONNECTOR, each) for each in withheld_from_json(json.loads(row["withheld"]))
    ]
    withheld += ((WithheldBy.HUB, each) for each in withheld_from_json(said["withheld"]))
    return RecipientResult(
        oin=row["recipient"],
        message=row["id"],
        type=row["type"],
        purpose=row["purpose"],
        state=row["state"],
        log_index=row["log_index"],
        catalogue=said["catalogue"],
        permitted=said["permitted"],
        withheld=withheld,
        marks=said["marks"],
        receipt=json.loads(row["receipt"]) if row["receipt"] else None,
        denied=json.loads(row["denied"]) if row["denied"] else None,
        grounds=grounds_of(
            services,
            row["purpose"],
            message_type=row["type"],
            sender=services.settings.oin,
            recipient=OIN(row["recipient"]),
            at=from_milliseconds(row["created_at"]),
        ),
    )


def _file_delivery(services: Services, file: Row, *, folder: str) -> Delivery:
    return _delivery(services, folder, file["target"], file["data"])


def _answer_delivery(services: Services, file: Row, kind: str, data: bytes) -> Delivery:
    suffix = "json" if data.startswith(b"{") else "xml"
    return _delivery(services, "answers", f"{file['target']}.{kind}.{suffix}", data)


def _delivery(services: Services, folder: str, name: str, data: bytes) -> Delivery:
    folders = services.settings.folders
    paths = {"sent": folders.sent, "refused": folders.refused, "answers": folders.answers}
    return Delivery(folder=paths[folder], name=name, part=f".{name}.part", data=data)
